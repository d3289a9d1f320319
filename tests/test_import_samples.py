"""Importing samples of AWS's own files: every row accounted for, prices equal to tidy tables."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from catalogs import Catalog
from catalogs.imports import import_files

DATA = Path(__file__).parents[2] / "shared" / "data"
RAW = DATA / "raw"
DAY = date(2025, 6, 28)
ROUNDED_USD = 0.51e-6  # the tables round to millionths of a dollar

pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="the samples are not beside this clone")

OFFERS = "aws_offer_AmazonEC2_eu-west-1_fixture.csv"
PRODUCT = "aws_price_list_item_c4_large.json"
PLANS = "aws_savings_plan_offer_eu-west-1_fixture.json"
QUERY = "aws_savings_plan_offer_c5_xlarge_windows.json"
PAGE = "aws_pricing_page_ondemand_us-west-2-hnl-1.json"
RESERVED_PAGE = "aws_pricing_page_reserved_3y_ca-west-1.json.gz"
HISTORY = "aws_describe_spot_price_history_p3.2xlarge_us-east-1.json.gz"
ADVISOR = "aws_spot_advisor_2025-06-28.json.gz"

FOCUS = "focus_1.0_sample_1000.csv.gz"

COUNTS = {
    (OFFERS,): (100, 16, 81),
    (PRODUCT,): (8, 0, 5),
    (OFFERS, PLANS): (115, 30, 82),
    (QUERY,): (23, 0, 19),
    (PAGE,): (11, 0, 11),
    (RESERVED_PAGE,): (181, 0, 181),
    (HISTORY,): (874, 0, 1),
}
"""Rows read, rows refused, rates kept."""


def imported(*names, **options):
    return import_files("aws", [RAW / name for name in names], DAY, **options)


@pytest.fixture(scope="module")
def bundled():
    return Catalog.bundled("aws")


@pytest.mark.parametrize("names", COUNTS, ids=lambda names: names[-1])
def test_every_row_of_a_sample_is_accounted_for(names):
    _, report = imported(*names)

    found = (report.rows_read, sum(report.rows_refused.values()), sum(report.rates_kept.values()))
    assert found == COUNTS[names]
    assert not report.rates_left_out
    assert all(report.examples[reason] for reason in report.rows_refused)


def test_the_damaged_rows_of_the_price_list_are_named():
    _, report = imported(OFFERS)

    assert report.rows_refused == {
        "is no machine": 7,
        "is blank": 3,
        "pre-installed software": 3,
        "bring your own licence": 1,
        "runs on a dedicated host, which is priced itself": 1,
        "half of a reserved price is missing": 1,
    }
    assert report.examples["half of a reserved price is missing"] == (
        f"{OFFERS} line 10: no hourly price beside it: c1.medium eu-west-1 rhel shared "
        "reserved_standard",
    )


def tidy(table, **columns):
    """Rows of a tidy table by type, region, os, kind, term and payment."""
    frame = pd.read_parquet(DATA / table)
    for column, value in columns.items():
        frame = frame[frame[column] == value]
    return frame


KINDS = {
    "on_demand": "on_demand",
    "spot": "spot",
    "ri_standard": "reserved_standard",
    "ri_convertible": "reserved_convertible",
    "sp_ec2": "savings_plan_ec2",
    "sp_compute": "savings_plan_compute",
}
PAYMENTS = {"no": "no_upfront", "partial": "partial_upfront", "all": "all_upfront"}
KEY = ["instance_type", "region", "os", "kind", "term_hours", "payment"]


def beside(catalog, expected):
    """Imported and tidy rows with the same key: effective rates as ``imported``, ``tidy``."""
    rates = catalog.rates[catalog.rates["tenancy"] == "shared"].copy()
    rates[KEY] = rates[KEY].astype(object).fillna("nan").astype(str)
    upfront = rates["upfront_nanousd"] / rates["term_hours"].astype(int).replace(0, 1)
    rates["imported"] = (rates["hourly_nanousd"] + upfront) / 1e9
    rates["imported_upfront"] = rates["upfront_nanousd"] / 1e9
    table = pd.DataFrame(
        {
            "instance_type": expected["type"],
            "region": expected["region"],
            "os": expected["os"],
            "kind": expected["kind"].map(KINDS),
            "term_hours": (expected["term_years"].astype(int) * 8760).astype(str),
            "payment": expected["payment"].map(PAYMENTS).astype(object).fillna("nan"),
            "tidy": expected["effective_hourly_usd"],
            "tidy_upfront": expected["upfront_usd"],
        }
    )
    return rates.merge(table, on=KEY)


def assert_equal_prices(found, rows):
    assert len(found) == rows
    assert (found["imported"] - found["tidy"]).abs().max() < ROUNDED_USD
    paid = found.dropna(subset="tidy_upfront")
    assert (paid["imported_upfront"] == paid["tidy_upfront"]).all()


def test_the_query_s_nineteen_prices_equal_the_table():
    catalog, _ = imported(QUERY)
    assert_equal_prices(beside(catalog, tidy("aws_prices.parquet", as_of="2025-09-26")), 19)


@pytest.mark.parametrize(
    ("name", "region", "rows"), [(PAGE, "us-west-2-hnl-1", 11), (RESERVED_PAGE, "ca-west-1", 181)]
)
def test_the_pricing_pages_equal_the_table(name, region, rows):
    catalog, _ = imported(name)
    table = tidy("aws_prices.parquet", as_of="2025-04-04", region=region)
    assert_equal_prices(beside(catalog, table), rows)


def test_the_spot_rates_of_the_advisor_equal_the_table(bundled):
    catalog, report = imported(ADVISOR, onto=bundled)
    table = tidy("aws_prices.parquet", as_of="2025-06-28", kind="spot")
    found = beside(catalog, table)

    assert len(found) == report.rates_kept["spot"] == len(table) == 14_124
    assert (found["imported"] - found["tidy"]).abs().max() < ROUNDED_USD
    assert report.rows_refused == {"no on-demand price to take the saving from": 11_199}
    assert report.rows_read == 25_323


MOVED = {
    "c1.medium": (0.147, 0.148),
    "c1.xlarge": (0.591, 0.592),
    "r4.large": (0.1481, 0.1482),
    "t2.2xlarge": (0.404, 0.4032),
    "t2.large": (0.101, 0.1008),
    "t2.micro": (0.013, 0.0126),
    "t2.xlarge": (0.202, 0.2016),
}
"""On demand in eu-west-1: in the price list of 2017 (as the sample was edited), in 2019."""


def test_the_price_list_of_2017_equals_the_table_of_2019_but_where_prices_moved():
    catalog, _ = imported(OFFERS)
    found = beside(catalog, tidy("aws_prices_2019.parquet", region="eu-west-1", kind="on_demand"))
    moved = found[(found["imported"] - found["tidy"]).abs() > ROUNDED_USD]

    assert len(found) == 72
    prices = moved[["imported", "tidy"]].itertuples(index=False, name=None)
    assert dict(zip(moved["instance_type"], prices, strict=True)) == MOVED


def test_the_product_s_prices_are_those_written_in_it():
    catalog, _ = imported(PRODUCT)
    rates = {
        (one.kind, one.term_hours, one.payment): (one.upfront_usd, one.hourly_usd)
        for one in catalog.rates_of("c4.large", "us-east-1")
    }

    assert rates == {
        ("on_demand", None, None): (0, Decimal("0.1")),
        ("reserved_standard", 8760, "no_upfront"): (0, Decimal("0.063")),
        ("reserved_standard", 8760, "partial_upfront"): (263, Decimal("0.03")),
        ("reserved_standard", 26280, "partial_upfront"): (539, Decimal("0.021")),
        ("reserved_convertible", 26280, "partial_upfront"): (710, Decimal("0.027")),
    }


def test_the_spot_history_s_means_are_those_of_its_changes_minute_by_minute():
    """Sampled every minute, each zone's mean comes within 0.01 % of the one weighted by time."""
    catalog, report = imported(HISTORY)
    raw = pd.read_json(RAW / HISTORY)["SpotPriceHistory"]
    changes = pd.DataFrame(list(raw))
    changes["moment"] = pd.to_datetime(changes["Timestamp"])
    changes["usd"] = changes["SpotPrice"].astype(float)
    end = changes["moment"].max()
    means = {
        zone: one.set_index("moment")["usd"]
        .sort_index()
        .groupby(level=0)
        .last()
        .reindex(pd.date_range(one["moment"].min(), end, freq="min"), method="ffill")
        .mean()
        for zone, one in changes.groupby("AvailabilityZone")
    }

    rows = {row["zone"]: row["mean_usd"] for row in report.tables["spot prices by zone"]}
    assert rows == pytest.approx(means, rel=1e-4)
    spot = float(catalog.spot_usd("p3.2xlarge", "us-east-1"))
    assert spot == pytest.approx(sum(means.values()) / 4, rel=1e-4)


def test_the_list_prices_of_a_focus_export_equal_the_table_of_that_year():
    catalog, report = import_files("focus", [RAW / FOCUS], DAY)
    found = beside(catalog, tidy("aws_prices_2024.parquet", kind="on_demand"))

    assert_equal_prices(found, sum(report.rates_kept.values()))
    assert (report.rows_read, catalog.provider) == (1000, "aws")
    assert report.rows_refused == {
        "is not priced by the hour": 890,
        "its description tells no machine": 81,
        "is no charge for use": 3,
    }
