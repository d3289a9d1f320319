"""Whatever history is fed to the command, it ends with a forecast, a plan, or its faults."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app

RUNNER = CliRunner()
HOURS = 8 * 168
TERM_HOURS = 8760
QUIET = {"forecast": [], "plan": ["--quiet"]}


def wave(hours=HOURS):
    random, hour = np.random.default_rng(1), np.arange(hours)
    return (6 + 3 * np.sin(2 * np.pi * hour / 24)) * random.lognormal(0, 0.1, hours)


def table(a, b=None, start="2024-01-01"):
    """A wide file of two series; both the same where one is given."""
    stamps = pd.date_range(start, periods=len(a), freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%MZ")
    return pd.DataFrame({"timestamp": stamps, "a": a, "b": a if b is None else b})


def at(place, value, values=None):
    changed = list(wave() if values is None else values)
    changed[place] = value
    return changed


def long(wide):
    return wide.melt("timestamp", var_name="workload", value_name="value")


SOUND = {
    "a week": table(wave(168)),
    "two days": table(wave(48)),
    "all zeros": table(np.zeros(HOURS)),
    "one of two all zeros": table(wave(), np.zeros(HOURS)),
    "one constant": table(np.full(HOURS, 7.0)),
    "a single spike": table(at(900, 500, np.zeros(HOURS))),
    "a spike in the last hour": table(at(-1, 500, np.zeros(HOURS))),
    "shuffled rows": table(wave()).sample(frac=1, random_state=1),
    "the far future": table(wave(), start="2199-11-01"),
    "the far past": table(wave(), start="1970-01-01"),
    "next to nothing": table(np.full(HOURS, 5e-324)),
}
FAULTY = {
    "one row": (table([3.0]), "demand = '1 hours': too short to forecast from"),
    "a series that ends early, in rows": (
        long(table(wave())).iloc[:-500], "repair: {edges: zero} or {edges: trim}"
    ),
    "a series that ends early, in blanks": (
        table(wave(), [*wave()[:-500], *[np.nan] * 500]), "repair: [gaps], and [edges]"
    ),
    "a series that begins late": (
        long(table(wave())).drop(index=range(HOURS, HOURS + 500)), "{edges: trim}"
    ),
    "a negative value": (table(at(9, -3)), "demand.file row 11 a = -3.0: write a number from 0"),
    "a value that is none": (table(at(9, np.nan)), "demand.file row 11 a = 'blank or NaN'"),
    "text in a cell": (table(at(9, "many")), "demand.file row 11 a = 'many': write a number"),
    "infinity": (table(at(9, np.inf)), "demand.file row 11 a = inf: write a number from 0"),
    "doubled rows": (pd.concat([table(wave())] * 2), "repair: [duplicates]"),
    "a year before any machine": (table(wave(), start="1869-01-01"), "write a year from 1970"),
    "growth beyond all bounds": (table(np.exp(np.arange(HOURS) / 40)), "from 0 to 1e+12"),
    "an empty file": ("", "is empty; write a header"),
    "blank lines": ("\n\n\n", "is empty; write a header"),
    "a header alone": ("timestamp,a,b\n", "has no rows; write at least one hour"),
    "no text at all": ("\x00\x01\x02\x89PNG\r\n\x1a\n\xff", "demand.file"),
    "another table": ("name,age\nx,3\n", "no such column; it has name, age"),
}  # fmt: skip


@pytest.fixture
def run(document, price, tmp_path):
    """Runs a command on a history; two machine types, on demand or for a year."""
    rates = [
        row
        for name in ("a", "b")
        for row in (
            price(name, "on_demand", 0.1),
            price(name, "reserved_standard", 0.06, TERM_HOURS),
        )
    ]

    def on(command, content, **forecast):
        file, request = tmp_path / "demand.csv", tmp_path / "request.yaml"
        if isinstance(content, str):
            file.write_text(content, encoding="latin-1", newline="")
        else:
            content.to_csv(file, index=False)
        asked = document(rates, {"a": [1], "b": [1]}, forecast=forecast)
        asked |= {"demand": {"file": "demand.csv"}, "horizon": {"hours": 28 * 24}}
        asked["solve"] = {"gap": 0.01}
        request.write_text(yaml.safe_dump(asked))
        return RUNNER.invoke(app, [command, str(request), "--json", *QUIET[command]])

    return on


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND.keys())
def test_a_strange_but_sound_history_is_forecast_and_never_below_zero(run, content):
    result = run("forecast", content)

    assert result.exit_code == 0, result.output
    for series in json.loads(result.stdout)["series"]:
        for month in series["months"]:
            quantiles = [month[name] for name in ("p10", "p50", "p90", "highest_p90")]
            assert 0 <= quantiles[0] <= quantiles[1] <= quantiles[2] <= quantiles[3] < np.inf


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND.keys())
def test_a_strange_but_sound_history_is_planned_for(run, content):
    result = run("plan", content, paths=4)

    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    # Within the gap asked for, no plan costs more than to buy nothing.
    assert 0 <= shown["total_cost_usd"] <= 1.01 * shown["on_demand_cost_usd"]


@pytest.mark.parametrize("command", ["forecast", "plan"])
@pytest.mark.parametrize(("content", "said"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_history_ends_with_2_and_its_faults(run, command, content, said):
    result = run(command, content)

    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    faults = [
        f"{one['field']} = {one['value']}: {one['fix']}"
        for one in json.loads(result.stderr)["faults"]
    ]
    assert any(said in fault for fault in faults), faults
    assert len(faults) <= 50


@pytest.mark.slow
def test_decades_of_noise_are_forecast_from_their_last_five_years(run):
    noise = np.random.default_rng(3).random(150_000).round(3) * 9
    result = run("forecast", table(noise, start="1980-01-01"), holidays="none")

    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert datetime.fromisoformat(shown["history"]["start"]).year == 1980
    assert all(month["p10"] >= 0 for one in shown["series"] for month in one["months"])
    assert all("last five years" in one["notes"][0] for one in shown["series"])
