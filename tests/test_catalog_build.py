"""Building a catalogue from a folder of price tables: what is kept, derived, left out."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from catalogs import Catalog, InvalidInputError, Payment, build_catalog, write_catalog

DATA = Path(__file__).parents[2] / "shared" / "data"


def instance(name: str, **changes) -> dict:
    family, size = name.split(".")
    return {
        "type": name,
        "family": family,
        "size": size,
        "vcpus": 2,
        "memory_gib": 8.0,
        "arch": "i386/x86_64",
        "gpus": None,
        "gpu_model": None,
        "burstable": None,
        "bare_metal": False,
        "current_generation": True,
        "local_ssd_gb": None,
        "network_baseline_gbps": None,
        "normalization_factor": 4.0,
    } | changes


def price(kind: str, hourly_usd: float | None, **changes) -> dict:
    return {
        "type": "m5.large",
        "region": "us-east-1",
        "os": "linux",
        "kind": kind,
        "term_years": 0,
        "payment": None,
        "upfront_usd": None,
        "hourly_usd": hourly_usd,
        "effective_hourly_usd": hourly_usd,
        "as_of": "2025-04-04",
        "source": "a price list",
    } | changes


ONE_YEAR = {"term_years": 1, "payment": "no", "upfront_usd": 0.0}


@pytest.fixture
def folder(tmp_path):
    def write(instances: list[dict], prices: list[dict]) -> Path:
        pd.DataFrame(instances).to_parquet(tmp_path / "aws_instances.parquet")
        pd.DataFrame(prices).to_parquet(tmp_path / "aws_prices.parquet")
        return tmp_path

    return write


def test_the_report_accounts_for_every_row(folder):
    prices = [
        price("on_demand", 0.1),
        price("on_demand", 0.2, os="windows"),
        price("on_demand", 0.3, as_of="2019-01-01"),
        price("spot", 0.03, as_of="2025-06-28", source="derived: half of it"),
        price("ri_standard", 0.063, **ONE_YEAR),
        price("ri_standard", None, **ONE_YEAR | {"payment": "partial", "upfront_usd": None}),
        price("dedicated_host", 3.0),
    ]
    catalog, report = build_catalog(folder([instance("m5.large"), instance("m5.xlarge")], prices))

    assert str(report).splitlines() == [
        "7 price rows read",
        "  published         1  on_demand",
        "  published         1  spot",
        "  published         1  reserved_standard",
        "  derived           2  reserved_standard",
        "  derived           3  savings_plan_ec2",
        "  left out          1  another date",
        "  left out          1  not Linux",
        "  left out          1  kind unknown",
        "  left out          1  amounts not published",
        "1 instance types priced, 1 left out: no rate in this snapshot",
    ]
    assert sum(report.rows_skipped.values()) + sum(report.published.values()) == report.rows_read
    assert [rate.derived for rate in catalog.rates_of("m5.large", "us-east-1")][:4] == [
        None,
        "half of it",
        None,
        "effective rate = no_upfront / 1.05; half of the term's cost upfront",
    ]


def test_a_published_rate_wins_over_a_derived_one(folder):
    prices = [
        price("on_demand", 0.1),
        price("ri_standard", 0.063, **ONE_YEAR),
        price("ri_standard", 0.0, **ONE_YEAR | {"payment": "all", "upfront_usd": 438.0}),
        price("sp_ec2", None, **ONE_YEAR | {"payment": "all", "effective_hourly_usd": 0.049}),
    ]
    catalog, _ = build_catalog(folder([instance("m5.large")], prices))
    plans = {o.payment: o for o in catalog.spend_offers([("us-east-1", "m5")])}
    (reserved,) = catalog.dedicated_offers("us-east-1", ["m5"], payments=[Payment.ALL_UPFRONT])

    def rate(payment: Payment) -> Decimal | None:
        return catalog.spend_rate_usd(plans[payment], "m5.large", "us-east-1")

    assert (reserved.upfront_usd, reserved.derived) == (438, None)
    assert rate(Payment.ALL_UPFRONT) == Decimal("0.049")
    assert rate(Payment.PARTIAL_UPFRONT) == Decimal("0.06")


def test_metal_without_a_factor_weighs_as_its_virtual_size(folder):
    metal = {"bare_metal": True, "normalization_factor": None}
    instances = [
        instance("c7g.16xlarge", vcpus=64, normalization_factor=128.0),
        instance("c7g.metal", vcpus=64, **metal),
        instance("m7i.metal-24xl", vcpus=96, **metal),
        instance("g4dn.metal", vcpus=96, **metal),
        instance("odd.metal", vcpus=96, **metal),
    ]
    prices = [price("on_demand", 1.0, type=row["type"]) for row in instances]
    catalog, _ = build_catalog(folder(instances, prices))
    described = {name: catalog.instance_type(name) for name in catalog.instance_types.index}

    assert {name: t.normalized_units for name, t in described.items()} == {
        "c7g.16xlarge": 128,
        "c7g.metal": 128,
        "g4dn.metal": None,
        "m7i.metal-24xl": 192,
        "odd.metal": None,
    }
    assert not described["g4dn.metal"].size_flexible
    assert described["c7g.metal"].architecture == "x86_64"


def faults_of(folder: Path, **dates: date) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        build_catalog(folder, **dates)
    return [f"{fault.field}: {fault.fix}" for fault in caught.value.faults]


def test_a_folder_without_files_or_columns_is_told_all_of_it(tmp_path):
    assert faults_of(tmp_path) == [
        "aws_instances.parquet: is not in this folder; name one that holds it",
        "aws_prices.parquet: is not in this folder; name one that holds it",
    ]
    bare = pd.DataFrame([instance("m5.large")]).drop(columns=["vcpus", "arch"])
    bare.to_parquet(tmp_path / "aws_instances.parquet")
    (tmp_path / "aws_prices.parquet").write_bytes(b"no parquet")

    faults = faults_of(tmp_path)
    assert faults[:2] == [
        "aws_instances.parquet columns: vcpus is missing; add it",
        "aws_instances.parquet columns: arch is missing; add it",
    ]
    assert len(faults) == 3
    assert faults[2].startswith("aws_prices.parquet: cannot be read")


def test_a_date_without_rows_is_answered_with_the_dates_there_are(folder):
    path = folder([instance("m5.large")], [price("on_demand", 0.1)])

    assert faults_of(path, as_of=date(2024, 1, 1)) == [
        "as_of: no Linux on-demand rows; choose of 2025-04-04"
    ]


def test_rows_that_do_not_fit_together_are_named(folder):
    prices = [
        price("on_demand", 0.1),
        price("on_demand", 0.1),
        price("on_demand", 0.1, type="m5.lrge"),
        price("sp_ec2", 0.06, **ONE_YEAR, region="eu-west-1"),
        price("spot", -0.1, as_of="2025-06-28"),
    ]

    assert faults_of(folder([instance("m5.large")] * 2, prices)) == [
        "aws_prices.parquet row 4, hourly_nanousd: is negative; write 0 or more",
        "aws_instances.parquet row 1, name: stands twice; keep one row per type",
        "aws_prices.parquet row 1: an earlier row has this key; keep one",
        "aws_prices.parquet row 2, instance_type: no such instance type in this catalogue; "
        "did you mean m5.large?",
        "aws_prices.parquet row 3: has a savings plan rate but no on_demand rate there; add one",
    ]


def test_what_is_written_is_read_back(folder, tmp_path):
    prices = [price("on_demand", 0.1), price("ri_standard", 0.063, **ONE_YEAR)]
    built, _ = build_catalog(folder([instance("m5.large")], prices))
    write_catalog(built, tmp_path / "aws.parquet")
    read = Catalog.read(tmp_path / "aws.parquet")

    pd.testing.assert_frame_equal(read.rates, built.rates)
    pd.testing.assert_frame_equal(read.instance_types, built.instance_types)
    assert read.provenance == built.provenance


@pytest.mark.skipif(not DATA.is_dir(), reason="price tables ../shared/data are absent")
def test_the_bundled_catalogue_is_what_the_tables_give():
    built, report = build_catalog(DATA)
    bundled = Catalog.bundled("aws")

    assert bundled.rates.equals(built.rates)
    assert bundled.instance_types.equals(built.instance_types)
    assert bundled.provenance == built.provenance
    assert report.instance_types_without_rates == 544
    assert dict(report.rows_skipped) == {"another date": 4_635}
