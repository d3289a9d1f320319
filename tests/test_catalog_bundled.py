"""The bundled AWS catalogue against an independent reading of the tables it was built from."""

import time
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest

import catalogs
from catalogs import Catalog, OfferKind, Payment, Selector, bundled_names

DATA = Path(__file__).parents[2] / "shared" / "data"
SPOT_DATE = "2025-06-28"
HOURS = {1: 8760, 3: 26280}
KIND = {
    "on_demand": "on_demand",
    "spot": "spot",
    "ri_standard": "reserved_standard",
    "ri_convertible": "reserved_convertible",
}
# partial = no / first; all = partial x second (README of the price tables, "Regularities").
RATIOS = {
    ("reserved_standard", 1): ("1.05", "0.98"),
    ("reserved_standard", 3): ("1.08", "0.94"),
    ("reserved_convertible", 1): ("1.05", "0.98"),
    ("reserved_convertible", 3): ("1.08", "0.98"),
}

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="price tables ../shared/data are absent")


@pytest.fixture(scope="module")
def aws() -> Catalog:
    return Catalog.bundled("aws")


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    prices = pd.read_parquet(DATA / "aws_prices.parquet")
    spot = (prices.kind == "spot") & (prices.as_of == SPOT_DATE)
    return prices[spot | (prices.as_of == "2025-04-04")].reset_index(drop=True)


def test_three_providers_are_bundled_and_small():
    folder = Path(catalogs.__file__).parent / "data"

    assert bundled_names() == ("aws", "azure", "gcp")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 4e6


def test_loading_takes_less_than_half_a_second():
    started = time.process_time()
    Catalog.bundled("aws").on_demand_usd("m5.large", "us-east-1")

    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("kind", "years", "usd"),
    [
        (OfferKind.RESERVED_STANDARD, 1, "0.242"),
        (OfferKind.RESERVED_STANDARD, 3, "0.166"),
        (OfferKind.RESERVED_CONVERTIBLE, 1, "0.282"),
        (OfferKind.RESERVED_CONVERTIBLE, 3, "0.195"),
    ],
)
def test_an_m5_2xlarge_costs_what_aws_printed(aws, kind, years, usd):
    (offer,) = aws.dedicated_offers(
        "us-east-1", ["m5.2xlarge"], [kind], [HOURS[years]], [Payment.NO_UPFRONT]
    )

    assert aws.on_demand_usd("m5.2xlarge", "us-east-1") == Decimal("0.384")
    assert (offer.upfront_usd, offer.hourly_usd) == (0, Decimal(usd))
    assert offer.units == 16


@needs_data
def test_every_published_row_is_there_to_the_last_digit(aws, published):
    ours = aws.rates.astype({"payment": object, "kind": object})
    rows = zip(
        published.type,
        published.region,
        published.kind.map(KIND),
        published.term_years.map({0: 0} | HOURS),
        published.hourly_usd,
        strict=True,
    )
    wanted = {
        (name, region, kind, int(hours)): int(Decimal(repr(usd)) * 10**9)
        for name, region, kind, hours, usd in rows
    }
    facts = ours[
        ours.kind.isin(["on_demand", "spot"])
        | (ours.kind.str.startswith("reserved") & (ours.payment == "no_upfront"))
    ]
    found = dict(
        zip(
            zip(facts.instance_type, facts.region, facts.kind, facts.term_hours, strict=True),
            facts.hourly_nanousd,
            strict=True,
        )
    )

    assert len(wanted) == len(published) == 88_763
    assert found == wanted
    assert (facts.upfront_nanousd == 0).all()
    assert (
        facts.as_of == facts.kind.map(lambda kind: SPOT_DATE if kind == "spot" else "2025-04-04")
    ).all()


@needs_data
def test_derived_payment_options_follow_the_measured_ratios(aws, published):
    reserved = published[published.kind.str.startswith("ri_")].sample(150, random_state=5)
    for row in reserved.itertuples():
        kind, hours = KIND[row.kind], HOURS[row.term_years]
        partial_divisor, all_factor = RATIOS[kind, row.term_years]
        partial = Decimal(repr(row.hourly_usd)) / Decimal(partial_divisor)
        rates = {
            rate.payment: rate
            for rate in aws.rates_of(row.type, row.region)
            if (rate.kind, rate.term_hours) == (kind, hours)
        }
        half, whole = rates[Payment.PARTIAL_UPFRONT], rates[Payment.ALL_UPFRONT]

        assert half.effective_hourly_usd == micro(partial)
        assert half.upfront_usd == half.hourly_usd * hours
        assert whole.effective_hourly_usd == micro(partial * Decimal(all_factor))
        assert whole.hourly_usd == 0
        assert rates[Payment.NO_UPFRONT].derived is None
        assert f"/ {partial_divisor}" in half.derived
        assert f"x {all_factor}" in whole.derived


def micro(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def test_plan_rates_tie_exactly_with_effective_reserved_rates(aws):
    """Ties are broken by a stated rule; a nano-dollar of rounding would break them by accident."""
    rates = aws.rates.astype({"kind": object, "payment": object})
    place = ["instance_type", "region", "term_hours", "payment"]
    for plan, reservation in (
        ("savings_plan_ec2", "reserved_standard"),
        ("savings_plan_compute", "reserved_convertible"),
    ):
        both = rates[rates.kind == plan].merge(
            rates[rates.kind == reservation], on=place, how="outer", suffixes=("", "_reserved")
        )
        term_cost = both.hourly_nanousd_reserved * both.term_hours + both.upfront_nanousd_reserved

        assert (both.hourly_nanousd * both.term_hours == term_cost).all()
        assert both.derived.str.startswith(f"rate = effective rate of {reservation}").all()


@needs_data
def test_a_type_with_every_payment_option_published_confirms_the_ratios():
    """x2iedn.32xlarge, 25 regions, 2026-07: a hundredth of a percent."""
    prices = pd.read_parquet(DATA / "aws_prices.parquet")
    prices = prices[(prices.as_of == "2026-07-17") & (prices.os == "linux")]
    rates = prices[prices.term_years > 0].pivot_table(
        index="region", columns=["kind", "term_years", "payment"], values="effective_hourly_usd"
    )
    for kind in ("ri_standard", "ri_convertible"):
        for years in (1, 3):
            partial_divisor, all_factor = map(float, RATIOS[KIND[kind], years])
            option = rates[kind][years]
            assert len(option) == 25
            assert (option["no"] / option["partial"]).to_numpy() == pytest.approx(
                partial_divisor, rel=1e-4
            )
            assert (option["all"] / option["partial"]).to_numpy() == pytest.approx(
                all_factor, rel=1e-4
            )


def test_the_priced_types_are_all_described(aws):
    assert set(aws.rates.instance_type) == set(aws.instance_types.index)
    assert aws.has_type("m5.large")
    assert not aws.has_type("m5.larg")
    assert aws.instance_type("m5.large").model_dump() == {
        "name": "m5.large",
        "provider": "aws",
        "family": "m5",
        "size": "large",
        "vcpus": 2,
        "memory_gib": 8,
        "architecture": "x86_64",
        "gpus": 0,
        "gpu_model": None,
        "burstable": False,
        "bare_metal": False,
        "current_generation": False,
        "local_ssd_gb": 0,
        "network_gbps": 0.75,
        "normalized_units": 4,
        "size_flexible": True,
        "resources": {},
    }


@pytest.mark.parametrize(
    ("name", "pool", "units"),
    [
        ("m5.large", "us-east-1 m5 linux", "4"),
        ("t3.nano", "us-east-1 t3 linux", "0.25"),
        ("c7g.metal", "us-east-1 c7g linux", "128"),  # as its 64-vCPU virtual size
        ("m7i.metal-24xl", "us-east-1 m7i linux", "192"),
        ("g5.2xlarge", "us-east-1 g5.2xlarge linux", "1"),  # family not size-flexible
        ("p5.48xlarge", "us-east-1 p5.48xlarge linux", "1"),
    ],
)
def test_usage_is_pooled_by_family_where_sizes_are_flexible(aws, name, pool, units):
    (billed,) = aws.billed_as(name, "us-east-1")
    assert str(billed.pool) == pool
    assert (billed.units, billed.quantity) == (Decimal(units), 1)


def test_windows_usage_is_pooled_by_type(aws):
    (billed,) = aws.billed_as("m5.large", "us-east-1", os="windows", tenancy="dedicated")

    assert str(billed.pool) == "us-east-1 m5.large windows dedicated"
    assert not billed.pool.size_flexible
    assert billed.units == 1


def test_offers_of_a_family_are_complete_and_sorted(aws):
    offers = aws.dedicated_offers("us-east-1", ["m5", "m5.large"])
    ids = [offer.offer_id for offer in offers]

    sizes = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
    assert {o.instance_type for o in offers} == {f"m5.{s}" for s in (*sizes, "24xlarge", "metal")}
    assert len(ids) == len(set(ids)) == 9 * 2 * 2 * 3
    assert ids == sorted(ids)
    assert "aws:reserved_standard:us-east-1:m5.2xlarge:1y:no_upfront" in ids


def test_plans_are_one_per_scope_term_and_payment(aws):
    pools = [("us-east-1", "m5"), ("eu-west-1", "m5.large"), ("us-east-1", "nosuch")]
    offers = aws.spend_offers(pools, term_hours={26280})
    ids = [offer.offer_id for offer in offers]

    assert len(ids) == len(set(ids)) == 3 + 2 * 3
    assert "aws:savings_plan_ec2:us-east-1:m5:3y:all_upfront" in ids
    assert "aws:savings_plan_compute:3y:no_upfront" in ids


def test_a_plan_has_rates_only_for_what_it_covers(aws):
    plans = {o.offer_id: o for o in aws.spend_offers([("us-east-1", "m5")])}
    ec2 = plans["aws:savings_plan_ec2:us-east-1:m5:1y:no_upfront"]
    compute = plans["aws:savings_plan_compute:1y:no_upfront"]

    assert aws.spend_rate_usd(ec2, "m5.2xlarge", "us-east-1") == Decimal("0.242")
    assert aws.spend_rate_usd(ec2, "m5.2xlarge", "us-west-2") is None
    assert aws.spend_rate_usd(ec2, "m6i.2xlarge", "us-east-1") is None
    assert aws.spend_rate_usd(compute, "m5.2xlarge", "us-east-1") == Decimal("0.282")
    assert aws.spend_rate_usd(compute, "m6i.2xlarge", "eu-west-1") is not None
    assert aws.spend_rate_usd(compute, "m5.2xlarge", "us-east-1", os="windows") is None


def test_candidates_meet_every_criterion_and_are_sorted(aws):
    selector = Selector(architectures=("arm64",), min_vcpus=4, max_vcpus=8, min_generation=7)
    found = aws.candidates(selector, "us-east-1")

    assert [t.name for t in found] == sorted(t.name for t in found)
    assert {"c7g.xlarge", "m8g.2xlarge"} <= {t.name for t in found}
    assert all(t.architecture == "arm64" and 4 <= t.vcpus <= 8 for t in found)
    assert not any(t.gpus or t.bare_metal for t in found)


def test_naming_a_type_sets_the_defaults_aside(aws):
    chosen = Selector(instance_types=("p3.2xlarge", "m5.metal"))

    assert [t.name for t in aws.candidates(chosen, "us-east-1")] == ["m5.metal", "p3.2xlarge"]
    assert aws.candidates(Selector(families=("p3",)), "us-east-1") == ()
    assert aws.candidates(Selector(families=("p3",), gpus=True), "us-east-1")


def test_an_empty_selection_says_which_criterion_to_drop(aws):
    selector = Selector(families=("m5",), architectures=("arm64",))

    assert aws.explain_no_match(selector, "us-east-1").splitlines() == [
        "no instance type sold in us-east-1 (linux, shared) meets families m5; "
        "architectures arm64; gpus false; bare_metal false",
        "without families m5: families m6g, m6gd, m7g, m7gd, m8g, a1, c6g, c6gd and 18 more",
        "without architectures arm64: types m5.12xlarge, m5.16xlarge, m5.24xlarge, m5.2xlarge, "
        "m5.4xlarge, m5.8xlarge, m5.large, m5.xlarge",
    ]


def test_misspelt_names_are_answered_with_near_ones(aws):
    assert aws.near_types("m5.larg")[0] == "m5.large"
    assert "did you mean us-west-1 or us-east-1" in aws.explain_no_match(Selector(), "us-est-1")
    with pytest.raises(LookupError, match=r"no instance type .m5.larg.; did you mean m5.large"):
        aws.on_demand_usd("m5.larg", "us-east-1")
    with pytest.raises(LookupError, match=r"no spot rate for m5.large in us-east-1 \(windows"):
        aws.spot_usd("m5.large", "us-east-1", os="windows")


def test_the_summary_counts_what_is_there(aws):
    summary = aws.summary()

    assert summary["rates_by_kind"] == {
        "on_demand": 16_233,
        "spot": 14_124,
        "reserved_standard": 87_672,
        "reserved_convertible": 87_546,
        "savings_plan_ec2": 87_672,
        "savings_plan_compute": 87_546,
    }
    assert (summary["instance_types"], summary["regions"]) == (882, 99)
    assert summary["derived_share"] == pytest.approx(0.804, abs=5e-4)
    assert aws.age_days(date(2025, 4, 14)) == 10
