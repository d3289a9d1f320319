"""The command `backtest`: its table, its files, its document, its ends."""

import csv
import json

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

import api.command.backtests
from api.cli import app
from planner import BacktestStoppedError

FILES = {"backtest.json", "backtest.png", "policies.csv", "purchases.csv", "journal.jsonl"}


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def request_file(document, price, tmp_path):
    rates = [price("m", "on_demand", 1), price("m", "reserved_standard", "0.5", 48)]
    rules = {"purchases": {"every_hours": 24}, "look_back_days": 1}
    demand = {"m": [3000.0, 2000.0] * 60}
    shown = document(rates, demand, name="toy", backtest=rules)
    path = tmp_path / "request.yaml"
    path.write_text(yaml.safe_dump(shown))
    return path


def test_policies_stand_side_by_side_in_80_columns(request_file):
    result = run("backtest", request_file, "--quiet")

    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "toy: 2026-01-03 to 2026-01-06 (3 days), 3 purchase dates"
    (row,) = (line.split() for line in lines if line.startswith("hindsight "))
    assert row[1] == "108,000"  # 2,000 machines at 0.5, and half of the hours 1,000 at 1
    assert "as_recorded: look_back is cheapest, with 100.0% of hindsight's saving" in result.stdout
    assert "proven: at most 2 times" in result.stdout
    assert any(line.startswith("cautious ") for line in lines)


def test_json_is_one_document_that_meets_its_schema(request_file):
    result = run("backtest", request_file, "--json", "--quiet")

    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    schema = json.loads(run("schema", "backtest").stdout)
    jsonschema.Draft202012Validator(schema).validate(shown)
    (course,) = shown["courses"]
    assert course["on_demand_usd"] == 72 * 2500
    assert course["policies"][0]["policy"] == "on_demand"


def test_the_folder_holds_the_report_its_tables_its_picture_and_the_journal(request_file, tmp_path):
    out = tmp_path / "new" / "folder"
    first = run("backtest", request_file, "--out", out, "--quiet", "--policies", "look_back")

    assert first.exit_code == 0, first.output
    assert {one.name for one in out.iterdir()} == FILES
    shown = json.loads((out / "backtest.json").read_text())
    with (out / "policies.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["policy"] for row in rows] == ["on_demand", "look_back", "hindsight"]
    for row, one in zip(rows, shown["courses"][0]["policies"], strict=True):
        assert float(row["bill_usd"]) == one["bill_usd"]
    assert (out / "backtest.png").read_bytes().startswith(b"\x89PNG")
    # A second run decides nothing anew.
    journal = (out / "journal.jsonl").read_bytes()
    assert run("backtest", request_file, "--out", out, "--policies", "look_back").exit_code == 0
    assert (out / "journal.jsonl").read_bytes() == journal


def test_progress_counts_walks_and_names_course_policy_date_and_cost(request_file):
    """One of six walks that decide is over; of all decisions it has made 3 in 16."""
    result = run("backtest", request_file)
    first = result.stderr.splitlines()[0]
    assert first == "17%, 1 of 6 walks: as_recorded, look_back, 2026-01-06: 108,000 USD so far"


def test_unknown_policies_are_refused_with_those_there_are(request_file):
    result = run("backtest", request_file, "--policies", "look_back,best")
    assert result.exit_code == 2
    assert "backtest.policies.1 = 'best'" in result.stderr
    assert "'look_back', 'trailing_quantile', 'break_even'" in result.stderr


def test_a_stopped_run_ends_with_4_and_says_how_to_go_on(request_file, tmp_path, monkeypatch):
    def stopped(*_args, **_options):
        raise BacktestStoppedError(2, 9, is_kept=True)

    monkeypatch.setattr(api.command.backtests, "backtest", stopped)
    result = run("backtest", request_file, "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "stopped after 2 of 9 decisions; run it again with the same --out" in result.stderr


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"start": "2026-02-01T00:00Z"}, "backtest.start = '2026-02-01T00:00:00+00:00': lies out"),
        ({"end": "2026-02-01T00:00Z"}, "backtest.end = '2026-02-01T00:00:00+00:00': lies outside"),
        ({"end": "2026-01-01T09:00Z"}, "backtest.end = '2026-01-01T09:00:00+00:00': write one af"),
    ],
)
def test_a_window_outside_history_is_told_by_the_key_that_was_written(request_file, rules, said):
    asked = yaml.safe_load(request_file.read_text())
    request_file.write_text(yaml.safe_dump(asked | {"backtest": rules}))

    result = run("backtest", request_file, "--quiet")

    assert result.exit_code == 2
    assert said in result.output
