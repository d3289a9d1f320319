"""Providers' own samples are read to the last digit: totals equal a plain sum over the file."""

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from planner.past_bills import read_bills

RAW = Path(__file__).parents[2] / "shared" / "data" / "raw"
SAMPLES = {
    "focus_1.0_sample_1000.csv.gz": ("BilledCost", "EffectiveCost"),
    "aws_cur_sample_synthetic.csv": ("lineItem/UnblendedCost", "lineItem/UnblendedCost"),
    "aws_cur_sample_savings_plan_synthetic.csv": (
        "lineItem/UnblendedCost",
        "savingsPlan/SavingsPlanEffectiveCost",
    ),
    "azure_ea_actual_cost_small.csv": ("Cost", "Cost"),
    "azure_ea_amortized_cost_small.csv": ("Cost", "Cost"),
}
DIGITS = Decimal("1e-16")
"""Azure prints costs of 28 decimals, of which 18 are kept."""

pytestmark = pytest.mark.skipif(not RAW.exists(), reason="needs the price data beside the project")


def rows_of(file):
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig") as text:
        return list(csv.DictReader(text))


def total(rows, column):
    return sum(Decimal(row[column]) for row in rows)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_costs_of_a_sample_are_the_sums_of_its_columns(name, tmp_path):
    billed, effective = SAMPLES[name]
    rows = rows_of(RAW / name)

    history = read_bills([RAW / name], tmp_path)

    assert abs(history.billed - total(rows, billed)) < DIGITS
    assert abs(history.effective - total(rows, effective)) < DIGITS
    assert [one.rows for one in history.files] == [len(rows)]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_costs_of_a_sample_equal_a_direct_query(name, tmp_path):
    import duckdb

    _, effective = SAMPLES[name]
    with duckdb.connect() as connection:
        (direct,) = connection.execute(
            f'SELECT sum(CAST("{effective}" AS DECIMAL(38, 18))) FROM read_csv('  # noqa: S608 - ours
            "$1, all_varchar = true, header = true, null_padding = true, delim = ',')",
            [str(RAW / name)],
        ).fetchone()

    assert read_bills([RAW / name], tmp_path).effective == direct


def test_both_azure_exports_of_a_month_give_each_its_part(tmp_path):
    """Added up, a reservation would count when it is paid and again where it is used."""
    actual = RAW / "azure_ea_actual_cost_small.csv"
    amortized = RAW / "azure_ea_amortized_cost_small.csv"

    history = read_bills([actual, amortized], tmp_path)

    assert abs(history.billed - total(rows_of(actual), "Cost")) < DIGITS
    assert abs(history.effective - total(rows_of(amortized), "Cost")) < DIGITS
    (purchase,) = [one for one in history.commitments if one.recurring_cost]
    assert purchase.recurring_cost == Decimal("3.25")


def test_machine_hours_of_the_focus_sample_are_those_its_descriptions_name(tmp_path):
    file = RAW / "focus_1.0_sample_1000.csv.gz"
    machines = [row for row in rows_of(file) if " Instance Hour" in row["ChargeDescription"]]

    history = read_bills([file], tmp_path)

    assert sum(one.machine_hours for one in history.pools) == total(machines, "PricingQuantity")
    kinds = {one.instance_type for one in history.pools}
    assert kinds == {row["ChargeDescription"].split()[-3] for row in machines}
    covered = [one for one in history.pools if one.purchase_option == "covered"]
    assert sum(one.machine_hours for one in covered) == 3


FLEXIBLE = sorted((RAW / "focus_commitment_examples").glob("*utilization*.csv"))


@pytest.mark.parametrize("file", FLEXIBLE, ids=lambda file: file.stem)
def test_a_commitment_of_the_focus_examples_is_used_or_unused_whole(file, tmp_path):
    (one,) = read_bills([file], tmp_path).commitments

    assert one.used_cost + one.unused_cost == one.recurring_cost > 0
    assert one.used_quantity + one.unused_quantity == one.bought_quantity > 0


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_an_hour_of_the_focus_usage_scenarios_costs_what_was_bought_for_it(number, tmp_path):
    """Every scenario commits to 1.00 USD an hour; purchases are of a year and of three hours."""
    examples = RAW / "focus_commitment_examples"
    usage = examples / f"commitment_discount_usage_scenario_{number}.csv"
    year, hours, mixed = (
        examples / f"commitment_discount_purchase_scenario_{one}.csv" for one in (1, 2, 3)
    )

    (used,) = read_bills([usage], tmp_path).commitments

    assert used.used_quantity + used.unused_quantity == 1
    assert used.effective_cost == 1
    assert read_bills([year], tmp_path).commitments[0].bought_quantity == 8760
    assert read_bills([hours], tmp_path).commitments[0].bought_quantity == 3
    (both,) = read_bills([mixed], tmp_path).commitments
    assert (both.upfront_cost, both.recurring_cost) == (4380, Decimal("1.5"))
