"""What the README shows is true: its small request plans, its commands exist, its links lead on."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app
from planner import Surroundings, forecast_demand, inline_demand, make_plan, parse_request

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def test_the_small_request_plans(tmp_path):
    request, *_ = blocks("yaml")
    hours = pd.date_range("2026-01-01", periods=400, freq="h", tz="UTC")
    values = np.round(40 + 10 * np.sin(np.arange(400) / 24 * 2 * np.pi))
    stamps = hours.strftime("%Y-%m-%dT%H:%MZ")
    pd.DataFrame({"timestamp": stamps, "web": values}).to_csv(tmp_path / "demand.csv", index=False)
    plan = make_plan(parse_request(yaml.safe_load(request)), Surroundings(folder=tmp_path))
    assert plan.status == "optimal"
    assert plan.savings_share > 0.3


def test_its_small_request_takes_the_scenarios_shown(tmp_path):
    request, futures, *_ = map(yaml.safe_load, blocks("yaml"))
    rows = [f"2026-01-01T00:00Z,{name},{place}" for place, name in enumerate(futures["scenarios"])]
    (tmp_path / "demand.csv").write_text("\n".join(["timestamp,scenario,web", *rows]))
    whole = inline_demand(parse_request(request | futures), folder=tmp_path)
    assert whole.demand.inline.scenarios == {
        "low": {"web": [0]}, "expected": {"web": [1]}, "high": {"web": [2]}
    }  # fmt: skip


def test_its_request_over_several_clouds_plans_with_its_bounds_kept(tmp_path):
    request, _, clouds, _ = map(yaml.safe_load, blocks("yaml"))
    hours = pd.date_range("2026-01-01", periods=48, freq="h", tz="UTC")
    stamps = hours.strftime("%Y-%m-%dT%H:%MZ")
    pd.DataFrame({"timestamp": stamps, "web": 40.0}).to_csv(tmp_path / "demand.csv", index=False)
    plan = make_plan(parse_request(request | clouds), Surroundings(folder=tmp_path))
    assert plan.status == "optimal"
    share = dict.fromkeys(("m6i.2xlarge", "n2-standard-8", "Standard_D8s_v5"), 0.0)
    for one in plan.mix:
        share[one.instance_type] += one.share
    assert share["n2-standard-8"] <= 0.4 + 1e-6
    assert share["Standard_D8s_v5"] <= 0.4 + 1e-6


def test_its_forecast_is_made_of_the_small_request(tmp_path):
    request, *_, told = map(yaml.safe_load, blocks("yaml"))
    hours = pd.date_range("2026-01-01", periods=60 * 24, freq="h", tz="UTC")
    stamps = hours.strftime("%Y-%m-%dT%H:%MZ")
    pd.DataFrame({"timestamp": stamps, "web": 40.0}).to_csv(tmp_path / "demand.csv", index=False)
    whole = parse_request(request | told | {"horizon": {"hours": 8760}})
    report = forecast_demand(whole, Surroundings(folder=tmp_path)).report
    assert report.series[0].recent == 40
    assert report.known[0].uplifts[0].full_size == pytest.approx(0.2 * 40, rel=0.01)


COMMANDS = [
    line for block in blocks("bash") for line in block.splitlines() if line.startswith("fleetplan ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_exist_with_their_options(line):
    words = [word for word in line.split(" > ")[0].split()[1:] if not word.startswith("#")]
    names = [word for word in words if re.fullmatch("[a-z]+", word)]
    path = names[:2] if names[0] in ("catalog", "usage") else names[:1]
    shown = CliRunner().invoke(app, [*path, "--help"], terminal_width=200)
    assert shown.exit_code == 0, shown.output
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.output, f"{line}: {option}"


def test_links_lead_to_files_of_the_project():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target


def test_every_solver_stands_in_the_readme():
    from solvers import solver_names

    for name in solver_names():
        assert f"`{name}`" in README
