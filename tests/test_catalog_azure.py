"""The bundled Azure catalogue against Microsoft's examples and the tables it was built from."""

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import catalogs
from catalogs import Catalog, InvalidInputError, OfferKind, Payment, build_catalog

DATA = Path(__file__).parents[2] / "shared" / "data"
SNAPSHOT = "2024-02-05"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="price tables ../shared/data are absent")


@pytest.fixture(scope="module")
def azure() -> Catalog:
    return Catalog.bundled("azure")


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    table = pd.read_parquet(DATA / "azure_prices.parquet")
    return table[~table.suspect_windows_price]


def test_the_catalogue_is_small_and_loads_fast():
    folder = Path(catalogs.__file__).parent / "data"
    started = time.process_time()
    catalog = Catalog.bundled("azure")
    catalog.on_demand_usd("Standard_D4s_v5", "eastus")

    assert time.process_time() - started < 0.8
    assert sum(file.stat().st_size for file in folder.glob("azure.*")) < 6e5
    assert (len(catalog.instance_types), len(catalog.regions())) == (1879, 58)


def test_a_reservation_of_a_published_term_price_costs_that_price_either_way(azure):
    """D2s v5 in eastus: 496 USD for a year, in the Retail Prices API of 2024-02."""
    upfront, monthly = azure.dedicated_offers("eastus", ["Standard_D2s_v5"], term_hours=[8760])

    assert (upfront.payment, upfront.upfront_usd, upfront.hourly_usd) == ("all_upfront", 496, 0)
    assert monthly.payment == Payment.NO_UPFRONT
    assert monthly.hourly_usd * 8760 == pytest.approx(496, abs=Decimal("0.00001"))


def test_windows_is_billed_as_linux_and_software(azure):
    (billed,) = azure.billed_as("Standard_D4s_v5", "eastus", os="windows")
    software = azure.on_demand_usd("Standard_D4s_v5", "eastus", os="windows") - azure.on_demand_usd(
        "Standard_D4s_v5", "eastus"
    )

    assert (str(billed.pool), billed.units) == ("eastus Dsv5 linux", 2)
    assert software == Decimal("0.184")  # 0.046 USD per vCPU


def test_commitments_stand_under_linux_alone(azure):
    committed = azure.rates[azure.rates.payment.notna()]

    assert set(committed.os) == {"linux"}
    assert set(azure.rates.os) == {"linux", "windows"}


@pytest.mark.parametrize(
    ("name", "family", "ratio"),
    [
        ("Standard_DS1_v2", "DSv2", "1"),
        ("Standard_DS3_v2", "DSv2", "4"),
        ("Standard_DS4_v2", "DSv2", "8"),
        ("Standard_DS5_v2", "DSv2", "16"),
        ("Standard_DS12_v2", "DSv2-2", "2"),  # more memory per vCPU, dearer: a group of its own
        ("Standard_D4s_v5", "Dsv5", "2"),
        ("Standard_D4_v5", "Dv5", "2"),
        ("Standard_E8-2s_v5", "Esv5", "4"),  # constrained vCPUs cost as the whole size
        ("Standard_F72s_v2", "Fsv2", "36"),
    ],
)
def test_sizes_of_a_group_weigh_as_their_vcpus(azure, name, family, ratio):
    """DSv2 1, 4, 8, 16: Microsoft, reserved VM instance size flexibility."""
    (billed,) = azure.billed_as(name, "westeurope")

    assert (billed.pool.family, billed.pool.size_flexible) == (family, True)
    assert billed.units == Decimal(ratio)


def test_a_size_priced_out_of_line_is_reserved_alone(azure):
    (billed,) = azure.billed_as("Standard_B2als_v2", "eastus")

    assert str(billed.pool) == "eastus Standard_B2als_v2 linux"
    assert billed.units == 1


def test_constrained_sizes_have_the_vcpus_one_can_use(azure):
    assert azure.instance_type("Standard_E8-2s_v5").vcpus == 2
    assert azure.instance_type("Standard_E8s_v5").vcpus == 8


@needs_data
def test_reservation_prices_within_a_group_keep_its_ratio(azure, prices):
    """By the median over regions and terms, as ratios are the same everywhere."""
    types = azure.instance_types[azure.instance_types.size_flexible]
    reserved = prices[(prices.kind == "reservation") & prices.type.isin(types.index)]
    reserved = reserved.assign(
        group=reserved.type.map(types.family),
        per_unit=reserved.term_total_usd / reserved.type.map(types.normalized_units),
    )
    place = ["group", "region", "term_years"]
    middle = reserved.groupby(place).per_unit.transform("median")
    off = (reserved.per_unit / middle - 1).groupby(reserved.type).median().abs()
    strays = ((reserved.per_unit / middle - 1).abs() > 0.01).sum()

    assert len(off) == 102  # of 109: the rest stand alone in their series, or price out of line
    assert off.max() < 0.01
    assert strays == 9


@needs_data
def test_a_machine_has_the_prices_of_one_day(azure, prices):
    rates = azure.rates.astype({"as_of": object, "instance_type": object, "region": object})
    days = rates.groupby(["instance_type", "region"]).as_of.nunique()
    in_snapshot = prices[prices.as_of == SNAPSHOT][["type", "region"]].drop_duplicates()
    index = pd.MultiIndex.from_frame(in_snapshot, names=["instance_type", "region"])
    dated = rates.set_index(["instance_type", "region"]).loc[index]

    assert (days == 1).all()
    assert set(dated.as_of) == {SNAPSHOT}
    assert set(rates.as_of) == {SNAPSHOT, "2026-06-18", "2026-08-22"}


@needs_data
def test_prices_of_the_snapshot_are_there_to_the_last_digit(azure, prices):
    kinds = {
        "on_demand": "on_demand",
        "spot": "spot",
        "reservation": "azure_reservation",
        "savings_plan": "azure_savings_plan",
    }
    wanted = prices[prices.as_of == SNAPSHOT].sample(400, random_state=3)
    missing = 0
    for row in wanted.itertuples():
        terms = (kinds[row.kind], row.term_years * 8760 or None)
        rates = {
            (rate.kind, rate.term_hours, rate.payment): rate
            for rate in azure.rates_of(row.type, row.region, row.os)
        }
        monthly = rates.get((*terms, "no_upfront" if row.term_years else None))
        missing += monthly is None
        if monthly is None:
            continue
        wanted_usd = row.hourly_usd
        if row.kind == "reservation":
            wanted_usd = row.term_total_usd / (row.term_years * 8760)
            assert rates[*terms, "all_upfront"].upfront_usd == Decimal(repr(row.term_total_usd))
        assert float(monthly.hourly_usd) == pytest.approx(wanted_usd, abs=6e-10)
    assert missing <= 1  # of ten plan rates that are misprints


def test_plan_rates_are_below_on_demand_and_within_what_plans_give(azure):
    rates = azure.rates.astype({"instance_type": object, "region": object, "os": object})
    place = ["instance_type", "region", "os"]
    on_demand = rates[rates.kind == OfferKind.ON_DEMAND].set_index(place).hourly_nanousd
    plans = rates[rates.kind == OfferKind.AZURE_SAVINGS_PLAN].set_index(place).hourly_nanousd
    share = plans / on_demand.reindex(plans.index)

    assert share.max() <= 1
    assert share.min() >= 0.35


def size(name: str, series: str, vcpus: float | None, **changes) -> dict:
    return {
        "type": name,
        "series": series,
        "vcpus": vcpus,
        "constrained_vcpus": None,
        "memory_gib": None,
        "arch": "x86_64",
        "gpus": None,
        "gpu_family": False,
        "temp_disk_gib": None,
    } | changes


def price(name: str, kind: str, hourly_usd: float, **changes) -> dict:
    return {
        "type": name,
        "region": "here",
        "os": "linux",
        "kind": kind,
        "term_years": 0,
        "term_total_usd": None,
        "hourly_usd": hourly_usd,
        "suspect_windows_price": False,
        "as_of": SNAPSHOT,
        "source": "a price list",
    } | changes


@pytest.fixture
def folder(tmp_path):
    def write(sizes: list[dict], prices: list[dict]) -> Path:
        pd.DataFrame(sizes).astype(
            {"constrained_vcpus": "float64", "memory_gib": "float64"}
        ).to_parquet(tmp_path / "azure_instances.parquet")
        pd.DataFrame(prices).astype({"term_total_usd": "float64"}).to_parquet(
            tmp_path / "azure_prices.parquet"
        )
        return tmp_path

    return write


def test_the_report_accounts_for_every_row(folder):
    sizes = [size("Standard_D2s_v5", "Ds_v5", 2), size("Standard_X", "X", None, gpu_family=True)]
    rows = [
        price("Standard_D2s_v5", "on_demand", 0.1),
        price("Standard_D2s_v5", "on_demand", 0.19, os="windows"),
        price("Standard_D2s_v5", "reservation", 0.05, term_years=1, term_total_usd=438.0),
        price("Standard_D2s_v5", "savings_plan", 0.07, term_years=1),
        price("Standard_D2s_v5", "savings_plan", 0.01, term_years=3),
        price("Standard_D2s_v5", "on_demand", 0.2, as_of="2026-06-18"),
        price("Standard_X ", "on_demand", 0.2, as_of="2026-06-18"),
        price("Standard_X ", "on_demand", 0.3, as_of="2025-06-18"),
        price("Standard_X ", "savings_plan", 0.3, as_of="2026-06-18", term_years=1),
        price("Standard_X ", "savings_plan", 0.1, os="windows", as_of="2026-06-18", term_years=1),
        price("Standard_X ", "on_demand", 0.2, region="there", suspect_windows_price=True),
        price("Standard_X ", "dedicated_host", 0.2),
    ]
    catalog, report = build_catalog(folder(sizes, rows[:-1]), provider="azure")

    assert str(report).splitlines() == [
        "11 price rows read",
        "  published         3  on_demand",
        "  published         1  azure_reservation",
        "  published         1  azure_savings_plan",
        "  derived           1  azure_reservation",
        "  derived           1  azure_savings_plan",
        "  left out          1  Windows price read for Linux",
        "  left out          2  another date",
        "  left out          1  commitment to a system's machine",
        "  left out          1  plan rate above on demand",
        "  left out          1  plan rate below any plan's",
        "2 instance types priced, 0 left out: no rate in this snapshot",
    ]
    assert catalog.instance_type("Standard_X").gpus == 1
    assert catalog.on_demand_usd("Standard_X", "here") == Decimal("0.2")


def test_dates_without_rows_and_dates_of_spot_are_answered(folder):
    path = folder([size("Standard_D2s_v5", "Ds_v5", 2)], [price("Standard_D2s_v5", "on_demand", 1)])
    with pytest.raises(InvalidInputError, match=f"no Linux on-demand rows; choose of {SNAPSHOT}"):
        build_catalog(path, as_of=date(2020, 1, 1), provider="azure")
    with pytest.raises(InvalidInputError, match="azure dates all its prices alike; leave it out"):
        build_catalog(path, spot_as_of=date(2020, 1, 1), provider="azure")
