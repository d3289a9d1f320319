"""Damaged, foreign and doubled bills: every fault at once, by file and column, nothing written."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogs import InvalidInputError
from planner.past_bills import read_bills

FOCUS_HEADER = (
    "BilledCost,EffectiveCost,ListCost,BillingCurrency,ChargeCategory,ChargePeriodStart,"
    "ChargePeriodEnd,ServiceName,ServiceCategory,ServiceProviderName,RegionId,"
    "PricingQuantity,PricingUnit,ChargeDescription"
)
FOCUS_ROW = (
    "1.5,1.5,1.5,USD,Usage,2025-01-01T{hour:02}:00:00Z,2025-01-01T{end:02}:00:00Z,"
    "Amazon Elastic Compute Cloud,Compute,AWS,us-east-1,1,Hours,"
    "$0.096 per On Demand Linux m5.large Instance Hour"
)


def focus_text(rows=20):
    lines = [FOCUS_ROW.format(hour=hour, end=hour + 1) for hour in range(rows)]
    return "\n".join([FOCUS_HEADER, *lines, ""])


def faults_of(tmp_path, *files, **options):
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    with pytest.raises(InvalidInputError) as caught:
        read_bills(files, out, **options)
    assert not list(out.iterdir())
    return [(fault.field, fault.value, fault.fix) for fault in caught.value.faults]


def write(tmp_path, text, name="bill.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_bill_is_sound_before_it_is_damaged(tmp_path):
    history = read_bills([write(tmp_path, focus_text())], tmp_path)
    assert sum(one.machine_hours for one in history.pools) == 20


def test_every_wrong_cell_is_counted_by_column(tmp_path):
    text = focus_text().replace("1.5,1.5,1.5", "1.5,lots,1.5", 3)
    text = text.replace("2025-01-01T19:00:00Z", "yesterday").replace(",USD,Usage", ",USD,", 1)

    found = faults_of(tmp_path, write(tmp_path, text))

    assert found == [
        ("bill.csv column EffectiveCost", "'lots'",
         "holds no readable value; write a number (3 of 20 rows)"),
        ("bill.csv column ChargePeriodStart", "'yesterday'",
         "holds no readable value; write a time (1 of 20 rows)"),
        ("bill.csv column ChargePeriodEnd", "'yesterday'",
         "holds no readable value; write a time (1 of 20 rows)"),
        ("bill.csv column ChargeCategory", "None",
         "is empty; every row needs a value (1 of 20 rows)"),
        ("bill.csv begun", "None",
         "names no month; write when the row's time begins (1 of 20 rows)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "field", "fix"),
    [
        (",Hours,", ",Days,", "bill.csv column PricingUnit", "no unit of machine time"),
        (",1,Hours,", ",-1,Hours,", "bill.csv machine hours", "machine-hours below 0"),
        ("T05:00:00Z,Amazon", "T03:00:00Z,Amazon", "bill.csv ended", "ends before it begins"),
        ("-01T05:00:00Z,Amazon", "-31T05:00:00Z,Amazon", None, None),
        ("2025-01-01T05:00:00Z,Am", "2025-03-01T05:00:00Z,Am", "bill.csv ended", "than a month"),
        ("1.5,1.5,1.5", ",1.5,1.5", "bill.csv column BilledCost", "is empty"),
        ("1.5,1.5,1.5", "nan,1.5,1.5", "bill.csv column BilledCost", "no readable value"),
        ("1.5,1.5,1.5", "1e30,1.5,1.5", "bill.csv column BilledCost", "no readable value"),
        ("2025-01-01T", "12025-01-01T", "bill.csv begun", "write a year from 1970"),
    ],
)
def test_values_that_can_not_be_are_refused(tmp_path, old, new, field, fix):
    bill = write(tmp_path, focus_text().replace(old, new, 1))

    if fix is None:
        # A row of a month is sound.
        assert {one.hours_of_a_row for one in read_bills([bill], tmp_path).spread} == {721}
        return
    found = faults_of(tmp_path, bill)

    assert any(one.startswith(field) and fix in why for one, _, why in found), found


def test_lacking_columns_of_several_files_are_reported_together(tmp_path):
    first = write(tmp_path, focus_text().replace("BilledCost", "Paid"), "first.csv")
    second = write(tmp_path, focus_text().replace("ChargeCategory", "Kind"), "second.csv")

    found = faults_of(tmp_path, first, second)

    assert found == [
        ("first.csv columns", "'BilledCost'", "is missing; every FOCUS has it"),
        ("second.csv columns", "'ChargeCategory'", "is missing; every FOCUS has it"),
    ]


def test_files_that_are_no_bills_are_named(tmp_path):
    other = write(tmp_path, "timestamp,web\n2025-01-01T00:00Z,3\n", "demand.csv")
    empty = write(tmp_path, "", "empty.csv")
    text = write(tmp_path, "hello", "notes.txt")

    found = faults_of(tmp_path, other, empty, text, tmp_path / "gone.csv", tmp_path / "*.parquet")

    fields = [field for field, _, _ in found]
    assert fields == ["PATH", "PATH", "PATH", "demand.csv columns", "empty.csv"]


def test_bills_without_a_row_are_refused(tmp_path):
    found = faults_of(tmp_path, write(tmp_path, FOCUS_HEADER + "\n"))
    assert found == [("PATH", "'bill.csv'", "no file has any row")]


def test_an_unknown_format_is_refused(tmp_path):
    ((field, _, fix),) = faults_of(tmp_path, write(tmp_path, focus_text()), layout="gcp")
    assert (field, fix) == ("--format", "write one of aws, focus, azure")


def test_a_format_that_is_named_must_fit(tmp_path):
    found = faults_of(tmp_path, write(tmp_path, focus_text()), layout="azure")
    assert (
        "bill.csv columns",
        "'MeterCategory'",
        "is missing; every Azure cost export has it",
    ) in (found)


def test_a_csv_cut_within_a_row_is_refused(tmp_path):
    text = focus_text()
    ((field, value, _),) = faults_of(tmp_path, write(tmp_path, text[: len(text) // 2]))
    assert field == "bill.csv"
    assert "CSV Error on Line" in value


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_gzip_cut_short_is_refused(tmp_path, share):
    packed = gzip.compress(focus_text().encode())
    cut = write(tmp_path, packed[: int(share * len(packed))], "bill.csv.gz")
    assert faults_of(tmp_path, cut)[0][0] == "bill.csv.gz"


def parquet(tmp_path, **columns):
    table = {
        "BilledCost": [1.5] * 500,
        "EffectiveCost": [1.5] * 500,
        "ChargeCategory": ["Usage"] * 500,
        "ChargePeriodStart": ["2025-01-01T00:00:00Z"] * 500,
        "ChargePeriodEnd": ["2025-01-01T01:00:00Z"] * 500,
    } | columns
    file = tmp_path / "bill.parquet"
    pq.write_table(pa.table(table), file)
    return file


def test_parquet_columns_of_another_type_are_refused(tmp_path):
    file = parquet(tmp_path, BilledCost=[True] * 500, ChargePeriodStart=[1.5] * 500)

    found = faults_of(tmp_path, file)

    assert found == [
        ("bill.parquet column BilledCost", "'BOOLEAN'", "write a number"),
        ("bill.parquet column ChargePeriodStart", "'DOUBLE'", "write a time"),
    ]


def test_infinite_costs_are_refused(tmp_path):
    ((field, _, fix),) = faults_of(tmp_path, parquet(tmp_path, BilledCost=[float("inf")] * 500))
    assert field == "bill.parquet column BilledCost"
    assert "500 of 500 rows" in fix


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_are_refused(tmp_path, seed):
    noise = np.random.default_rng(seed).bytes(4000)
    for name in ("bill.csv", "bill.csv.gz", "bill.parquet"):
        assert faults_of(tmp_path, write(tmp_path, noise, name))
    whole = bytearray(focus_text().encode())
    whole[700:1200] = noise[:500]
    assert faults_of(tmp_path, write(tmp_path, bytes(whole)))


def test_a_parquet_cut_short_or_overwritten_is_refused(tmp_path):
    content = parquet(tmp_path).read_bytes()
    assert faults_of(tmp_path, write(tmp_path, content[:-200], "bill.parquet"))
    damaged = bytearray(content)
    damaged[4:300] = np.random.default_rng(0).bytes(296)
    assert faults_of(tmp_path, write(tmp_path, bytes(damaged), "bill.parquet"))


def test_the_same_rows_twice_are_refused(tmp_path):
    files = [write(tmp_path, focus_text(), name) for name in ("a.csv", "b.csv")]
    assert faults_of(tmp_path, *files) == [
        ("PATH", "'b.csv'", "holds the same rows as a.csv; leave one of them out")
    ]


def test_bills_that_only_cost_the_same_are_added_up(tmp_path):
    first = write(tmp_path, focus_text(), "a.csv")
    second = write(tmp_path, focus_text().replace("us-east-1", "us-west-2"), "b.csv")

    history = read_bills([first, second], tmp_path)

    assert float(history.effective) == 2 * 20 * 1.5


def test_bills_of_two_currencies_are_refused(tmp_path):
    first = write(tmp_path, focus_text(), "a.csv")
    second = write(tmp_path, focus_text(5).replace("USD", "EUR"), "b.csv")
    ((field, value, _),) = faults_of(tmp_path, first, second)
    assert (field, value) == ("currency", "'EUR in b.csv, USD in a.csv'")


AWS_TEXT = """\
lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/UsageAmount,\
lineItem/UnblendedCost,lineItem/ProductCode,lineItem/UsageType
Usage,2025-01-02T00:00:00Z,2025-01-02T01:00:00Z,1,0.1,AmazonEC2,BoxUsage:m5.large
"""
AZURE_TEXT = """\
Date,Cost,ChargeType,MeterCategory,Quantity,UnitOfMeasure
01/02/2025,0.1,Usage,Virtual Machines,1,1 Hour
"""
FOCUS_TEXT = """\
BilledCost,EffectiveCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd
0.1,0.1,Usage,2025-01-02T00:00:00Z,2025-01-02T01:00:00Z
"""


@pytest.mark.parametrize("text", [AWS_TEXT, AZURE_TEXT, FOCUS_TEXT], ids=["aws", "azure", "focus"])
def test_a_file_of_nothing_but_its_required_columns_is_read(tmp_path, text):
    history = read_bills([write(tmp_path, text)], tmp_path)
    assert float(history.effective) == 0.1
    assert any("the currency is taken to be USD" in one for one in history.remarks)


def test_a_month_in_two_formats_is_refused(tmp_path):
    files = [write(tmp_path, AWS_TEXT, "cur.csv"), write(tmp_path, focus_text(), "focus.csv")]
    assert faults_of(tmp_path, *files) == [
        ("PATH", "'aws 2025-01'", "is in AWS Cost and Usage Report and in FOCUS; give one of them")
    ]


def test_an_uncovered_cost_of_covered_usage_is_refused(tmp_path):
    text = AWS_TEXT.replace("Usage,2025", "DiscountedUsage,2025")
    ((field, _, fix),) = faults_of(tmp_path, write(tmp_path, text))
    assert field == "bill.csv ri effective"
    assert "is empty where a reservation covers usage" in fix


def test_names_that_are_patterns_to_others_are_read_as_they_are(tmp_path):
    folder = tmp_path / "bills [2025] it's"
    folder.mkdir()
    write(folder, focus_text(3), "a*b?.csv")
    write(folder, "{}", "manifest.json")

    history = read_bills([folder], tmp_path)

    assert [(one.name, one.rows) for one in history.files] == [("a*b?.csv", 3)]
    assert "1 other files left unread: manifest.json" in history.remarks
