"""`fleetplan bill` as its users meet it: what it prints, and how it ends."""

import json

import jsonschema
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app

WORKLOAD = "aws/us-east-1/m5.large/linux/shared"
HOURS = 48


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path, document, price):
    """A request and its plan: of two days of 3 machines all reserved, for half the price."""
    rates = [price("m", "on_demand", 1), price("m", "reserved_standard", 0.5, HOURS)]
    workloads = [
        {"name": "web", "series": WORKLOAD, "needs": {"unit": "machines", "of": "m"},
         "regions": ["here"]}
    ]  # fmt: skip
    request = document(rates, {WORKLOAD: [3] * HOURS}, workloads=workloads, name="toy")
    request["solve"] = {"gap": 0, "solver": "scip"}
    (tmp_path / "request.yaml").write_text(yaml.safe_dump(request))
    shown = run("plan", tmp_path / "request.yaml", "--json").stdout
    (tmp_path / "plan.json").write_text(shown)
    return tmp_path


def used(folder, machines):
    """A file as `usage import` writes it: long, without rows for hours in which nothing ran."""
    hours = pd.date_range("2026-01-01", periods=len(machines), freq="h", tz="UTC")
    rows = pd.DataFrame({"timestamp": hours, "workload": WORKLOAD, "value": machines})
    file = folder / "demand.parquet"
    rows[rows["value"] > 0].to_parquet(file)
    return file


def bill(folder, file, *more):
    return run("bill", folder / "plan.json", file, "--request", folder / "request.yaml", *more)


def test_a_bill_says_in_80_columns_how_far_from_the_plan_it_is_and_why(folder):
    result = bill(folder, used(folder, [1.0] * HOURS))

    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "toy: 72.00 USD for 2 days from 2026-01-01, as planned."
    for said in (
        "Commitments served 100.0% of the usage and were used to 33.3% (planned: 100.0%",
        "usage other than forecast, on demand -96.00",
        "commitments serve less (+) or more (-) +96.00",
        "2026-01 0 72.00 72.00 72.00 0",
        "web 144.00 -96.00 0 48.00",
        "2026-01-01 Standard Reserved Instance m here 48h 72.00 48.00 33% 100%",
    ):
        assert said in lines, result.stdout


def test_json_is_one_document_that_meets_its_schema_and_adds_up(folder):
    result = bill(folder, used(folder, [5.0] * HOURS), "--json")

    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    jsonschema.Draft202012Validator(json.loads(run("schema", "bill").stdout)).validate(shown)
    assert shown["total_cost_usd"] == 72 + 2 * HOURS
    assert shown["difference_usd"] == sum(shown["difference"].values()) == 2 * HOURS


def test_hours_without_a_row_are_faults_or_nothing_as_said(folder):
    file = used(folder, [3.0] * 20 + [0.0] * 8 + [3.0] * 20)

    refused = bill(folder, file)
    assert refused.exit_code == 2
    assert "usage" in refused.stderr

    taken = json.loads(bill(folder, file, "--absent-zero", "--json").stdout)
    assert taken["difference"]["usage_usd"] == -3 * 8
    assert taken["hours"] == HOURS


def test_a_workload_without_any_row_is_idle_where_rows_are_of_what_ran_alone(folder):
    request = yaml.safe_load((folder / "request.yaml").read_text())
    request["demand"]["inline"]["series"]["db"] = [1] * HOURS
    needs = {"unit": "machines", "of": "m"}
    request["workloads"].append({"name": "db", "needs": needs, "regions": ["here"]})
    (folder / "request.yaml").write_text(yaml.safe_dump(request))
    plan = run("plan", folder / "request.yaml", "--json").stdout
    (folder / "plan.json").write_text(plan)
    file = used(folder, [3.0] * HOURS)

    refused = bill(folder, file)
    assert (refused.exit_code, "db" in refused.stderr) == (2, True)

    taken = json.loads(bill(folder, file, "--absent-zero", "--json").stdout)
    assert taken["warnings"] == ["usage: no row of db; taken as nothing that ran"]
    assert taken["difference"]["usage_usd"] == -HOURS


def test_every_fault_is_told_at_once_with_exit_code_2(folder):
    (folder / "other.csv").write_text("timestamp,db\n2026-01-01T00:00Z,1\n")

    result = bill(
        folder, folder / "other.csv", "--scenario", "high", "--prices", "nowhere", "--json"
    )

    assert (result.exit_code, result.stdout) == (2, "")
    fields = [fault["field"] for fault in json.loads(result.stderr)["faults"]]
    assert fields == ["catalog", "scenario", "usage series"]


def test_a_plan_that_is_none_and_a_request_that_is_none_are_told_together(folder):
    (folder / "plan.json").write_text('{"name": "toy"}')
    (folder / "request.yaml").write_text("workloads: []")

    result = bill(folder, folder / "none.csv", "--json")

    fields = {fault["field"] for fault in json.loads(result.stderr)["faults"]}
    assert result.exit_code == 2
    assert {"plan.purchases", "workloads", "demand"} <= fields


def test_rows_of_other_places_are_left_out_as_the_request_s_demand_leaves_them_out(folder):
    """Also a workload of another place, which is not warned of; blank rows are none."""
    hours = pd.date_range("2026-01-01", periods=HOURS, freq="h", tz="UTC")
    parts = [
        pd.DataFrame({"timestamp": hours, "workload": name, "value": value, "site": site})
        for name, value, site in ((WORKLOAD, 3.0, 1), (WORKLOAD, 9.0, 2), ("db", 1.0, 2))
    ]
    pd.concat(parts).to_parquet(folder / "ran.parquet")
    pd.concat(parts).to_csv(folder / "ran.csv", index=False)
    request = yaml.safe_load((folder / "request.yaml").read_text())
    request["demand"] = {"file": "ran.parquet", "where": {"site": 1}}
    (folder / "request.yaml").write_text(yaml.safe_dump(request))

    for name in ("ran.parquet", "ran.csv"):
        result = bill(folder, folder / name, "--json")
        shown = json.loads(result.stdout)
        assert (shown["difference_usd"], shown["warnings"]) == (0, [])
