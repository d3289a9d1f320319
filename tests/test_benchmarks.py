"""Every benchmark prints one JSON object per line, with the fields that figures are made of."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
TRACE = ROOT.parent / "shared" / "data" / "demand" / "shavedice_hourly.parquet"
PROBLEM = ROOT.parent / "shared" / "conformance" / "malloovia_toys" / "problem1.yaml"
FIELDS = {"case", "seconds", "gap", "cost", "bound", "peak_rss_mb"}
SUMMARIES = {"ratios", "growth exponents"}


def at_once(work, *args, **options):
    """Instead of a process of its own, which a test has no time for."""
    return work(*args, **options)


@pytest.fixture
def lines_of(monkeypatch, capsys):
    """Runs a benchmark with some options and returns what it printed, line by line."""
    if sys.platform != "linux":
        pytest.skip("benchmarks read their memory where Linux tells it")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")

    def run(name, *options):
        module = importlib.import_module(name)
        monkeypatch.setattr(module, "alone", at_once, raising=False)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *options])
        module.main()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield run
    for name in (
        "bills",
        "forecasting",
        "model_build",
        "planning",
        "pooling",
        "recourse_pass",
        "scale",
        "versus",
        "malloovia",
    ):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("planning", ["--hours", "24", "--pools", "1"]),
        ("planning", ["--hours", "24", "--pools", "1", "--build-only"]),
        ("recourse_pass", ["--moments", "240", "--types", "float32", "--plans", "1"]),
        ("scale", ["--hours", "48", "--pools", "2", "--cells", "96", "192", "--repeat", "1"]),
        ("versus", ["--hours", "24", "--pools", "2", "--repeat", "1"]),
        ("versus", ["--hours", "24", "--pools", "2", "--repeat", "1", "--offers", "ri"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_benchmark_prints_the_figures_of_every_case(lines_of, name, options):
    cases = [case for case in lines_of(name, *options) if case["case"] not in SUMMARIES]

    assert cases
    assert all(case.keys() >= FIELDS for case in cases)


def test_the_benchmark_of_model_building_prints_the_figures_of_every_solver(lines_of, monkeypatch):
    model_build = importlib.import_module("model_build")
    monkeypatch.setattr(model_build, "_SOLVERS", ("highs",))

    (case,) = lines_of("model_build", "--nonzeros", "1000")

    assert case.keys() >= FIELDS


def test_the_benchmark_of_others_problems_prints_the_figures_of_its_case(lines_of):
    if not PROBLEM.exists():
        pytest.skip("needs the first Malloovia toy, which lies beside the project")

    (case,) = lines_of("malloovia", str(PROBLEM))

    assert case.keys() >= FIELDS
    assert case["cost"] == pytest.approx(178)


@pytest.mark.skipif(not TRACE.exists(), reason="needs the recorded demand beside the project")
def test_the_benchmark_of_policies_captures_what_others_measured(lines_of):
    """98.9 % of the hindsight saving on recorded demand, 65.7 % of it reversed: two regions' mean.

    Measured by code that shares nothing with this one: quantiles, and an LP for hindsight.
    """
    lines = lines_of(
        "backtest", "--products", "3y", "--policies", "look_back", "--courses", "growth", "decline"
    )

    found = [one for one in lines if one["policy"] == "look_back"]
    assert all(one.keys() >= {"case", "seconds", "cost", "regret_share"} for one in found)
    captured = {name: [one["captured"] for one in found if name in one["case"]]
                for name in ("as_recorded", "decline")}  # fmt: skip
    assert sum(captured["as_recorded"]) / 2 == pytest.approx(0.989, abs=0.002)
    assert sum(captured["decline"]) / 2 == pytest.approx(0.657, abs=0.002)


def test_the_benchmark_of_pooling_finds_what_day_and_night_save_together(lines_of, monkeypatch):
    """A type runs ten machines by day, another by night: one savings plan serves both in turn."""
    day = np.arange(26280) % 24 < 12
    module = importlib.import_module("pooling")
    monkeypatch.setattr(module, "TRACE", Path(__file__))
    monkeypatch.setattr(module, "pools", lambda: {(1, "A"): day * 10.0, (1, "B"): ~day * 10.0})

    lines = lines_of("pooling", "--ways", "type", "all", "--policies", "look_back")

    best = {one["case"]: one for one in lines if one["policy"] == "hindsight"}
    assert best["all: sum"]["bill_usd"] < 0.85 * best["type: sum"]["bill_usd"]
    assert best["type: sum"]["bill_usd"] == pytest.approx(
        sum(best[f"type: us-east-1 {one}"]["bill_usd"] for one in ("m5.2xlarge", "m6i.2xlarge"))
    )


def test_the_benchmark_of_bills_reads_what_it_wrote(lines_of):
    (case,) = lines_of("bills", "--gb", "0.0005", "--hour-rows", "500")

    assert case.keys() >= {"case", "seconds", "peak_rss_mb", "rows_per_second", "memory_mib"}
    assert case["rows_read"] >= 500


def test_the_benchmark_of_forecasts_measures_each_model_from_every_origin(lines_of, tmp_path):
    """Nine weeks of jobs; sources that are not there are left out."""
    hours = pd.date_range("2026-01-05", periods=9 * 168, freq="h", tz="UTC")
    table = {"timestamp": hours, "jobs_submitted": 5.0, "nodes_busy": range(9 * 168)}
    pd.DataFrame(table).to_parquet(tmp_path / "surf_hpc_hourly.parquet")

    cases = lines_of("forecasting", "--data", str(tmp_path), "--models", "naive", "auto", "flat")

    assert len(cases) == 2 * 3
    assert {one["case"] for one in cases} == {"surf jobs_submitted", "surf nodes_busy"}
    constant = [one for one in cases if one["case"] == "surf jobs_submitted"]
    # What never changed yet may: only the naive fan has no width.
    naive, *ours = [one["weighted_quantile_loss"] for one in constant]
    assert naive == 0
    assert all(0 < loss < 0.02 for loss in ours)
    assert all(one["origins"] == 5 and one["coverage"] > 0.9 for one in constant)


def test_the_roads_to_a_plan_agree_and_are_compared(lines_of):
    *_, ratios = lines_of("versus", "--hours", "24", "--pools", "2", "--repeat", "1")

    assert ratios["case"] == "ratios"
    assert ratios["pulp_cbc"] >= 0  # CBC's own clock counts hundredths of a second
    assert ratios["pulp_cbc_with_build"] > 0


def test_plans_that_cannot_both_be_true_are_refused(lines_of):
    *cases, _ = lines_of("versus", "--hours", "24", "--pools", "1", "--repeat", "1")
    cases[0]["bound"] = 2 * cases[1]["cost"]
    versus = importlib.import_module("versus")

    with pytest.raises(ArithmeticError, match="proves more than"):
        versus.check(cases, 1e-4)
