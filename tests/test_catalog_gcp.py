"""The bundled GCP catalogue against Google's worked examples and the tables it was built from."""

import time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import catalogs
from catalogs import Catalog, InvalidInputError, OfferKind, Selector, build_catalog
from catalogs.gcp import COMMITMENT_TYPE_SERIES, flexible_discount, sustained_use_factors

DATA = Path(__file__).parents[2] / "shared" / "data"
HOURS = {1: 8760, 3: 26280}

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="price tables ../shared/data are absent")


@pytest.fixture(scope="module")
def gcp() -> Catalog:
    return Catalog.bundled("gcp")


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return pd.read_parquet(DATA / "gcp_prices.parquet")


def usd(catalog: Catalog, name: str, kind: str, years: int = 0, region: str = "us-central1"):
    """The hourly rate of a machine or resource, None where there is none."""
    found = [
        rate.hourly_usd
        for rate in catalog.rates_of(name, region)
        if (rate.kind, rate.term_hours or 0) == (kind, HOURS.get(years, 0))
    ]
    return found[0] if found else None


def machine_usd(catalog: Catalog, name: str, kind: str, years: int = 0) -> Decimal:
    """What a machine's resources cost together."""
    parts = catalog.instance_type(name).resources.items()
    return sum(usd(catalog, part, kind, years) * quantity for part, quantity in parts)


def test_the_catalogue_is_small_and_loads_fast():
    folder = Path(catalogs.__file__).parent / "data"
    started = time.process_time()
    catalog = Catalog.bundled("gcp")
    catalog.on_demand_usd("n2-standard-4", "us-central1")

    assert time.process_time() - started < 0.5
    assert sum(file.stat().st_size for file in folder.glob("gcp.*")) < 5e5
    assert (len(catalog.instance_types), len(catalog.regions())) == (523, 43)


def test_a_machine_is_billed_by_its_vcpus_and_memory(gcp):
    parts = gcp.billed_as("n2-standard-4", "us-central1")

    assert [(part.name, part.quantity) for part in parts] == [("n2/vcpu", 4), ("n2/gib", 16)]
    assert [str(part.pool) for part in parts] == [
        "us-central1 n2/vcpu linux",
        "us-central1 n2/gib linux",
    ]


@pytest.mark.parametrize(
    ("kind", "years", "printed"),
    [
        ("on_demand", 0, "0.096866"),
        ("flexible_commitment", 1, "0.06974352"),
        ("flexible_commitment", 3, "0.05230764"),
        ("resource_commitment", 1, "0.061027"),
        ("resource_commitment", 3, "0.04359"),
    ],
)
def test_a_c4_standard_2_costs_what_google_printed(gcp, kind, years, printed):
    """VM instance pricing, us-central1, 2025; resource prices carry six decimals each."""
    assert machine_usd(gcp, "c4-standard-2", kind, years) == pytest.approx(
        Decimal(printed), abs=Decimal("0.000002")
    )


def test_local_ssd_is_a_resource_of_its_own_that_flexible_commitments_leave_out(gcp):
    with_ssd = gcp.instance_type("c4-standard-4-lssd").resources

    assert with_ssd == {"c4/vcpu": 4, "c4/gib": 15, "c4/local-ssd": 1}
    assert usd(gcp, "c4/local-ssd", "resource_commitment", 1) is not None
    assert usd(gcp, "c4/local-ssd", "flexible_commitment", 1) is None


def test_where_memory_goes_with_vcpus_they_are_one_resource(gcp):
    assert gcp.instance_type("c2-standard-30").resources == {"c2/vcpu+4gib": 30}
    assert gcp.instance_type("z3-highmem-14-standardlssd").resources == {
        "z3/vcpu+8gib": 14,
        "z3/local-ssd": 8,
    }


def test_machines_with_gpus_are_committed_to_whole(gcp):
    offers = gcp.dedicated_offers("us-central1", ["a2-highgpu-1g"])

    assert gcp.instance_type("a2-highgpu-1g").resources == {}
    assert [offer.offer_id for offer in offers] == [
        "gcp:resource_commitment:us-central1:a2-highgpu-1g:1y:no_upfront",
        "gcp:resource_commitment:us-central1:a2-highgpu-1g:3y:no_upfront",
    ]
    assert usd(gcp, "a2-highgpu-1g", "flexible_commitment", 1) is None


def test_offers_of_a_resource_and_of_flexible_commitments_are_found(gcp):
    dedicated = gcp.dedicated_offers("us-central1", ["n2/vcpu"])
    spend = gcp.spend_offers([("us-central1", "n2/vcpu"), ("us-central1", "m1/gib")])

    assert [offer.offer_id for offer in dedicated] == [
        "gcp:resource_commitment:us-central1:n2/vcpu:1y:no_upfront",
        "gcp:resource_commitment:us-central1:n2/vcpu:3y:no_upfront",
    ]
    assert [offer.offer_id for offer in spend] == [
        "gcp:flexible_commitment:1y:no_upfront",
        "gcp:flexible_commitment:3y:no_upfront",
    ]


def test_only_machines_are_candidates(gcp):
    found = gcp.candidates(Selector(families=("n2",), max_vcpus=4), "us-central1")

    assert [one.name for one in found] == [
        "n2-highcpu-2",
        "n2-highcpu-4",
        "n2-highmem-2",
        "n2-highmem-4",
        "n2-standard-2",
        "n2-standard-4",
    ]


@needs_data
def test_resources_add_up_to_every_machine_price_within_a_millionth(gcp, prices):
    rates = gcp.rates.astype({"kind": object, "instance_type": object, "region": object})
    key = ["instance_type", "region", "kind", "term_hours"]
    unit_usd = (rates.set_index(key).hourly_nanousd / 1e9).to_dict()
    kinds = {"on_demand": "on_demand", "spot": "spot", "cud_resource": "resource_commitment"}
    made_of = {
        name: [pair.split("=") for pair in text.split()]
        for name, text in gcp.instance_types["resources"].items()
        if text
    }
    wanted = prices[prices.kind.isin(list(kinds)) & prices.type.isin(list(made_of))]
    worst, checked = 0.0, 0
    for row in wanted.itertuples():
        place = (row.region, kinds[row.kind], HOURS.get(row.term_years, 0))
        found = sum(float(units) * unit_usd[part, *place] for part, units in made_of[row.type])
        worst, checked = max(worst, abs(found / row.hourly_usd - 1)), checked + 1

    assert checked == 63_360
    assert worst <= 1e-6


@needs_data
def test_every_machine_price_is_there_to_the_nano_dollar(gcp, prices):
    ours = gcp.rates.astype({"kind": object, "instance_type": object, "region": object})
    for kind in ("on_demand", "spot"):
        found = ours[(ours.kind == kind) & ~ours.instance_type.str.contains("/")]
        wanted = prices[prices.kind == kind]
        merged = found.merge(
            wanted, left_on=["instance_type", "region"], right_on=["type", "region"]
        )

        assert len(found) == len(wanted) == len(merged)
        assert (merged.hourly_nanousd == (merged.hourly_usd * 1e9).round()).all()


@needs_data
def test_resource_prices_are_those_solved_elsewhere(gcp):
    """The table was solved by others, without local SSD and with prices of its own rounding."""
    table = pd.read_parquet(DATA / "gcp_resource_prices.parquet")
    sample = table[table.kind.isin(["on_demand", "cud_resource"])].sample(200, random_state=7)
    kinds = {"on_demand": "on_demand", "cud_resource": "resource_commitment"}
    for row in sample.itertuples():
        place = (kinds[row.kind], row.term_years, row.region)

        assert float(usd(gcp, f"{row.series}/vcpu", *place)) == pytest.approx(
            row.vcpu_usd_hour, rel=1e-5
        )
        assert float(usd(gcp, f"{row.series}/gib", *place)) == pytest.approx(
            row.memory_gib_usd_hour, rel=1e-5
        )


@needs_data
def test_sustained_use_factors_give_the_published_price_of_a_full_month(prices):
    table = prices.pivot_table(index=["type", "region"], columns="kind", values="hourly_usd")
    table = table.dropna(subset=["on_demand_full_month"])
    series = pd.read_parquet(DATA / "gcp_instances.parquet").set_index("type")["series"]
    share = table["on_demand_full_month"] / table["on_demand"]
    for (name, _), found in share.items():
        factors = sustained_use_factors(series[name])

        assert found == pytest.approx(float(sum(factors) / 4), abs=1e-3)
    with_discount = set(series[table.index.get_level_values("type")])
    assert with_discount == {"n1", "n2", "n2d", "c2", "m1", "m2", "f1", "g1"}


def test_sustained_use_is_by_resource_and_leaves_out_what_google_leaves_out():
    assert sustained_use_factors("n1/vcpu") == sustained_use_factors("gpu/t4")
    assert sustained_use_factors("c2/vcpu+4gib")[1] == Decimal("0.8678")
    for without in ("e2/vcpu", "c4", "gpu/h100-80gb", "n2/local-ssd"):
        assert sustained_use_factors(without) is None


def test_flexible_discounts_follow_series_and_term():
    assert flexible_discount("n2/vcpu", 1) == Decimal("0.28")
    assert flexible_discount("h3", 3) == Decimal("0.38")
    assert (flexible_discount("m3/gib", 1), flexible_discount("m3/gib", 3)) == (
        None,
        Decimal("0.63"),
    )
    for not_covered in ("t2d", "a2", "c4/local-ssd", "gpu/t4"):
        assert flexible_discount(not_covered, 3) is None
    assert COMMITMENT_TYPE_SERIES["MEMORY_OPTIMIZED"] == ("m1", "m2")


def test_every_flexible_rate_says_by_which_rule(gcp):
    flexible = gcp.rates[gcp.rates.kind == OfferKind.FLEXIBLE_COMMITMENT]

    assert set(flexible.derived) == {
        *("28 % off on demand, 1y", "46 % off on demand, 3y", "17 % off on demand, 1y"),
        *("38 % off on demand, 3y", "63 % off on demand, 3y"),
    }


def machine(name: str, vcpus: float, memory_gib: float, **changes) -> dict:
    return {
        "type": name,
        "series": name.partition("-")[0],
        "vcpus": vcpus,
        "memory_gib": memory_gib,
        "arch": "x86_64",
        "gpus": 0.0,
        "gpu_model": None,
        "local_ssd_gb": 0.0,
        "shared_core": False,
        "custom_type": None,
    } | changes


def price(name: str, kind: str, hourly_usd: float, **changes) -> dict:
    return {
        "type": name,
        "region": "here",
        "os": "linux",
        "kind": kind,
        "term_years": 0,
        "hourly_usd": hourly_usd,
        "as_of": "2026-07-30",
        "source": "a price list",
    } | changes


@pytest.fixture
def built(tmp_path):
    def build(machines: list[dict], prices: list[dict]):
        pd.DataFrame(machines).to_parquet(tmp_path / "gcp_instances.parquet")
        pd.DataFrame(prices).to_parquet(tmp_path / "gcp_prices.parquet")
        return build_catalog(tmp_path, provider="gcp")

    return build


def test_the_report_accounts_for_every_row(built):
    machines = [machine("n2-standard-2", 2, 8), machine("n2-highcpu-2", 2, 2)]
    rows = [
        price("n2-standard-2", "on_demand", 0.1),
        price("n2-highcpu-2", "on_demand", 0.07),
        price("n2-standard-2", "on_demand", 0.2, os="windows"),
        price("n2-standard-2", "on_demand", 0.3, as_of="2019-01-01"),
        price("n2-standard-2", "on_demand_full_month", 0.08),
        price("n2-standard-2", "sole_tenant", 0.08),
        price("n2-standard-2", "cud_resource", 0.05, term_years=1),
        price("n2-highcpu-2", "cud_resource", 0.035, term_years=1),
    ]
    catalog, report = built(machines, rows)

    assert str(report).splitlines() == [
        "8 price rows read",
        "  published         2  on_demand",
        "  derived           2  on_demand",
        "  derived           2  resource_commitment",
        "  derived           4  flexible_commitment",
        "  left out          1  another date",
        "  left out          1  not Linux",
        "  left out          1  follows from the sustained-use rule",
        "  left out          1  kind unknown",
        "  left out          2  committed by resource",
        "2 instance types priced, 0 left out: no rate in this snapshot",
    ]
    assert usd(catalog, "n2/vcpu", "on_demand", region="here") == Decimal("0.03")
    assert usd(catalog, "n2/gib", "on_demand", region="here") == Decimal("0.005")
    assert usd(catalog, "n2/gib", "resource_commitment", 1, "here") == Decimal("0.0025")


def test_machines_whose_parts_do_not_add_up_stay_whole(built):
    machines = [
        machine("n2-standard-2", 2, 8),
        machine("n2-standard-4", 4, 16),
        machine("n2-highcpu-2", 2, 2),
    ]
    rows = [price(one["type"], "on_demand", 0.1) for one in machines]
    rows.append(price("n2-standard-2", "cud_resource", 0.06, term_years=1))
    catalog, report = built(machines, rows)

    assert dict(report.derived) == {"flexible_commitment": 6}
    assert dict(report.published) == {"on_demand": 3, "resource_commitment": 1}
    assert catalog.instance_type("n2-standard-2").resources == {}


def test_other_providers_are_refused_with_those_there_are(tmp_path):
    with pytest.raises(InvalidInputError, match="write one of aws, azure, gcp"):
        build_catalog(tmp_path, provider="oracle")


@needs_data
@pytest.mark.parametrize("provider", ["gcp", "azure"])
def test_a_bundled_catalogue_is_what_the_tables_give(provider):
    built, report = build_catalog(DATA, provider=provider)
    bundled = Catalog.bundled(provider)

    assert bundled.rates.equals(built.rates)
    assert bundled.instance_types.equals(built.instance_types)
    assert bundled.provenance == built.provenance
    assert sum(report.rows_skipped.values()) + sum(report.published.values()) == report.rows_read
