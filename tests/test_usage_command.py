"""`fleetplan usage import` as its users meet it, up to the plan of what was used."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app
from planner import Surroundings, make_plan, parse_request

FILES = {"baseline.json", "demand.parquet", "request.yaml", "usage.parquet"}
HOURS = 24 * 14

HEADER = [
    "lineItem/LineItemType", "lineItem/UsageStartDate", "lineItem/UsageEndDate",
    "lineItem/UsageAmount", "lineItem/UnblendedCost", "lineItem/ProductCode", "lineItem/UsageType",
    "lineItem/UsageAccountId", "lineItem/CurrencyCode", "product/regionCode", "pricing/unit",
    "pricing/publicOnDemandCost", "pricing/OfferingClass", "pricing/PurchaseOption",
    "reservation/ReservationARN", "reservation/EffectiveCost", "reservation/UnusedQuantity",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", "reservation/UnusedRecurringFee",
    "reservation/StartTime", "reservation/EndTime", "reservation/NumberOfReservations",
    "savingsPlan/SavingsPlanARN", "savingsPlan/OfferingType", "savingsPlan/PaymentOption",
    "savingsPlan/UsedCommitment", "savingsPlan/TotalCommitmentToDate", "savingsPlan/StartTime",
    "savingsPlan/EndTime",
]  # fmt: skip


def line(kind, hour, length=1, **cells):
    start = pd.Timestamp("2025-05-01", tz="UTC") + pd.Timedelta(hours=hour)
    row = {
        "LineItemType": kind,
        "UsageStartDate": start.isoformat(),
        "UsageEndDate": (start + pd.Timedelta(hours=length)).isoformat(),
        "UsageAmount": 1, "UnblendedCost": 0, "ProductCode": "AmazonEC2",
        "UsageType": "BoxUsage:m5.large", "UsageAccountId": "111", "CurrencyCode": "USD",
        "regionCode": "us-east-1", "unit": "Hrs",
    } | cells  # fmt: skip
    return ",".join(str(row.get(name.split("/")[1], "")) for name in HEADER)


def report():
    """Two weeks: eight machines day and night, four of them reserved; a plan left half unused."""
    lines = [",".join(HEADER)]
    for hour in range(HOURS):
        lines += [
            line("Usage", hour, UsageAmount=4, UnblendedCost=0.384, publicOnDemandCost=0.384),
            line(
                "DiscountedUsage", hour, UsageAmount=3, ReservationARN="ri-1", EffectiveCost=0.18
            ),
            line(
                "SavingsPlanRecurringFee", hour, UnblendedCost=0.05, UsedCommitment=0.02,
                TotalCommitmentToDate=0.05, ProductCode="ComputeSavingsPlans",
                UsageType="ComputeSP:1yrNoUpfront", SavingsPlanARN="arn:sp-1",
                OfferingType="ComputeSavingsPlans", PaymentOption="No Upfront",
            ).rsplit(",", 2)[0] + ",2025-01-01T00:00:00Z,2026-01-01T00:00:00Z",
        ]  # fmt: skip
    fee = line(
        "RIFee", 0, HOURS, UsageAmount=4 * HOURS, UnblendedCost=0.06 * 4 * HOURS,
        UnusedQuantity=HOURS, ReservationARN="ri-1", UnusedAmortizedUpfrontFeeForBillingPeriod=0,
        UnusedRecurringFee=0.06 * HOURS, NumberOfReservations=4, OfferingClass="standard",
        PurchaseOption="No Upfront", UsageType="HeavyUsage:m5.large",
    )  # fmt: skip
    # Both terms have columns of these names.
    cells = fee.split(",")
    cells[HEADER.index("reservation/StartTime")] = "2025-03-01T00:00:00Z"
    cells[HEADER.index("reservation/EndTime")] = "2026-02-28T23:59:59Z"
    return "\n".join([*lines, ",".join(cells), ""])


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def bill(tmp_path):
    file = tmp_path / "cur.csv"
    file.write_text(report(), encoding="utf-8")
    return file


def test_a_bill_becomes_a_demand_a_request_and_a_baseline(bill, tmp_path):
    out = tmp_path / "new" / "past"

    result = run("usage", "import", bill, "--out", out, "--quiet")

    assert result.exit_code == 0, result.output
    assert {file.name for file in out.iterdir()} == FILES
    request = yaml.safe_load((out / "request.yaml").read_text())
    assert request["catalog"] == "aws"
    (workload,) = request["workloads"]
    assert workload["needs"] == {"unit": "machines", "of": "m5.large"}
    plan, reservation = request["owned"]
    assert plan == {
        "id": "arn:sp-1", "kind": "savings_plan_compute", "start": "2025-01-01T00:00Z",
        "end": "2026-01-01T00:00Z", "payment": "no_upfront", "commitment_usd": 0.05,
    }  # fmt: skip
    assert reservation == {
        "id": "ri-1", "kind": "reserved_standard", "start": "2025-03-01T00:00Z",
        "end": "2026-03-01T00:00Z", "payment": "no_upfront", "instance_type": "m5.large",
        "region": "us-east-1", "os": "linux", "tenancy": "shared", "quantity": 4.0,
        "hourly_usd": 0.06,
    }  # fmt: skip
    demand = pd.read_parquet(out / "demand.parquet")
    assert demand["value"].tolist() == [7.0] * HOURS


def test_the_request_of_a_bill_plans(bill, tmp_path):
    assert run("usage", "import", bill, "--out", tmp_path, "--quiet").exit_code == 0
    document = yaml.safe_load((tmp_path / "request.yaml").read_text())

    plan = make_plan(parse_request(document), Surroundings(folder=tmp_path))

    # Four machines are reserved at 0.06, the plan is 0.05 an hour, and three more run on demand.
    assert plan.status == "optimal"
    by_hand = (4 * 0.06 + 0.05 + 3 * 0.096) * HOURS
    assert float(plan.total_cost_usd) < by_hand
    assert {one.id for one in plan.owned} == {"ri-1", "arn:sp-1"}


def test_the_baseline_is_the_present_cost(bill, tmp_path):
    result = run("usage", "import", bill, "--out", tmp_path, "--json")

    baseline = json.loads(result.stdout)
    assert baseline == json.loads((tmp_path / "baseline.json").read_text())
    totals = baseline["totals"]
    assert totals["effective"] == pytest.approx((0.384 + 0.18 + 0.06 + 0.03) * HOURS)
    assert totals["unused_cost"] == pytest.approx((0.06 + 0.03) * HOURS)
    plan, reservation = baseline["commitments"]
    assert plan["unused_cost"] == pytest.approx(0.03 * HOURS)
    assert (reservation["used_quantity"], reservation["unused_quantity"]) == (3 * HOURS, HOURS)
    assert set(baseline) == {
        "read_on", "totals", "currency", "files", "months", "pools", "commitments", "left_out",
        "spread", "remarks", "request_remarks",
    }  # fmt: skip


def test_the_summary_says_what_it_costs_in_80_columns(bill, tmp_path):
    result = run("usage", "import", bill, "--out", tmp_path)

    assert max(map(len, result.stdout.splitlines())) <= 80
    text = " ".join(result.stdout.split())
    assert "2025-05, 1 file, 1,009 rows" in text
    assert "of it for commitments left unused" in text
    assert re.search(r"m5\.large us-east-1 1,344\.0 1,008\.0 0\.0 42\.9%", text)
    assert "reading cur.csv (1 of 1), AWS Cost and Usage Report" in result.stderr


def test_a_damaged_bill_writes_nothing_and_says_why(bill, tmp_path):
    bill.write_text(report().replace("0.384", "dear", 1), encoding="utf-8")
    out = tmp_path / "out"

    result = run("usage", "import", bill, "--out", out, "--quiet")

    assert result.exit_code == 2
    assert "cur.csv column lineItem/UnblendedCost = 'dear': holds no readable value" in (
        result.stderr
    )
    assert not out.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cur.csv"]


def test_bills_of_two_providers_become_two_requests(bill, tmp_path):
    header = "Date,Cost,ChargeType,MeterCategory,Quantity,UnitOfMeasure,ResourceLocation"
    row = "05/01/2025,2.4,Usage,Virtual Machines,24,1 Hour,EastUS"
    info = '"{""ServiceType"":""Standard_D2s_v5""}"'
    azure = tmp_path / "azure.csv"
    azure.write_text(f"{header},AdditionalInfo\n{row},{info}\n", encoding="utf-8")

    result = run("usage", "import", bill, azure, "--out", tmp_path / "out", "--quiet")

    assert result.exit_code == 0, result.output
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == FILES - {"request.yaml"} | {"request-aws.yaml", "request-azure.yaml"}


def test_duckdb_is_loaded_only_when_a_bill_is_read():
    """It would slow every other command, and every worker, by a tenth of a second."""
    for path in sorted((Path(__file__).parents[1] / "planner" / "past_bills").glob("*.py")):
        assert not re.search("^(import|from) duckdb", path.read_text(), flags=re.M), path
