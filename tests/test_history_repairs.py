"""A stranger's rows become hours by the rules the request names, and each mending is listed."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalogs import InvalidInputError
from planner import Surroundings, make_plan, parse_request
from planner.demand import read_demand
from planner.repairs.gaps import fill_gaps
from planner.repairs.outliers import clip_outliers
from planner.request import DemandSource, RepairRules

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def read(tmp_path):
    """Writes lines of a file and reads series of it."""

    def read_lines(lines, *names, **source):
        (tmp_path / "demand.csv").write_text("\n".join(lines) + "\n")
        source = DemandSource(file="demand.csv", **source)
        return read_demand(source, set(names or ["web"]), folder=tmp_path)

    return read_lines


@pytest.fixture
def faults(read):
    def faults_of(*args, **options):
        with pytest.raises(InvalidInputError) as error:
            read(*args, **options)
        return str(error.value).splitlines()

    return faults_of


def rows(values, start=START, minutes=60, header="timestamp,web"):
    moments = (start + timedelta(minutes=minutes) * n for n in range(len(values)))
    stamps = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)
    pairs = zip(stamps, values, strict=True)
    return [header, *(f"{stamp},{value}" for stamp, value in pairs if value is not None)]


def listed(demand):
    hours = [(one.start - START) / HOUR for one in demand.repairs]
    return [
        (one.rule, hour, one.count, one.done)
        for one, hour in zip(demand.repairs, hours, strict=True)
    ]


def test_short_gaps_are_interpolated_and_listed(read):
    demand = read(rows([1, None, None, 4, 5]), repair=["gaps"])
    assert demand.series["web"].tolist() == [1, 2, 3, 4, 5]
    assert listed(demand) == [("gaps", 1, 2, "interpolated")]


def test_blank_values_are_gaps(read, faults):
    assert read(rows([1, "", 3]), repair=["gaps"]).series["web"].tolist() == [1, 2, 3]
    assert faults(rows([1, "", 3]), repair=["edges"]) == [
        "demand.file row 3 web = 'blank or NaN': write a number from 0 to 1e+12, or "
        "repair: [gaps], and [edges] where the series begins or ends so"
    ]


def test_blanks_at_the_ends_of_all_series_are_left_out_and_listed(read):
    demand = read(rows(["", 1, "", 3, "", ""]), repair=["gaps"])
    assert (demand.start, demand.series["web"].tolist()) == (START + HOUR, [1, 2, 3])
    outside = "left out: blank before or after all values"
    assert listed(demand) == [
        *[("gaps", hour, 1, outside) for hour in (0, 4, 5)],
        ("gaps", 2, 1, "interpolated"),
    ]


def test_longer_gaps_take_the_same_hours_of_the_weeks_around(read):
    week = np.arange(168.0)
    lost = [*week, *[None] * 5, *(week[5:] + 10), *(week + 20)]
    demand = read(rows(lost), repair=["gaps"])
    assert demand.series["web"][168:173].tolist() == [10, 11, 12, 13, 14]
    assert listed(demand) == [("gaps", 168, 5, "same hours of neighbouring weeks")]


def test_gaps_longer_than_allowed_stay_faults(read, faults):
    lost = rows([1, *[None] * 10, 3])
    assert faults(lost, repair={"gaps": {"longest_hours": 9}}) == [
        "demand.file series web = '2026-01-01T01:00:00Z': a gap of 10 hours; add rows, or allow "
        "it: repair: {gaps: {longest_hours: 10}}"
    ]
    assert read(lost, repair={"gaps": {"longest_hours": 10}}).hours == 12


@pytest.mark.parametrize(("rule", "value"), [("mean", 4), ("sum", 8), ("last", 6), (True, 4)])
def test_repeated_moments_become_one(read, rule, value):
    lines = [*rows([1, 2]), "2026-01-01T02:00Z,2", "2026-01-01T02:00Z,6"]
    demand = read(lines, repair={"duplicates": rule})
    assert demand.series["web"].tolist() == [1, 2, value]
    assert [one[:3] for one in listed(demand)] == [("duplicates", 2, 1)]


def test_negative_values_are_zero_or_lost(read, faults):
    lines = rows([2, -4, 6])
    assert read(lines, repair=["negatives"]).series["web"].tolist() == [2, 0, 6]
    lost = read(lines, repair={"negatives": "gap", "gaps": True})
    assert lost.series["web"].tolist() == [2, 4, 6]
    assert [one.rule for one in lost.repairs] == ["negatives", "gaps"]
    assert "or repair: [negatives]" in faults(lines, repair=["gaps"])[0]


def test_minutes_are_combined_by_the_hour_as_asked(read, faults):
    lines = rows(range(8), minutes=15)
    assert read(lines, resample="mean").series["web"].tolist() == [1.5, 5.5]
    assert read(lines, resample="max").series["web"].tolist() == [3, 7]
    assert read(lines, resample="sum").series["web"].tolist() == [6, 22]
    assert read(lines, repair=["irregular"]).series["web"].tolist() == [1.5, 5.5]
    assert "say resample: mean" in faults(lines, repair=["gaps"])[0]


def test_rows_a_little_off_the_hour_belong_to_the_nearest(read):
    stamps = ["00:02", "00:58", "02:01", "03:00"]
    lines = ["timestamp,web", *(f"2026-01-01T{one}Z,{n}" for n, one in enumerate(stamps))]
    demand = read(lines, repair=["irregular"])
    assert demand.series["web"].tolist() == [0, 1, 2, 3]
    assert listed(demand) == [("irregular", 0, 4, "rows moved to their hour")]


def test_days_are_spread_over_their_hours(read):
    days = rows([24, 48], minutes=1440)
    assert read(days, resample="sum").series["web"].tolist() == [1] * 24 + [2] * 24
    assert read(days, resample="mean").series["web"].tolist() == [24] * 24 + [48] * 24


def test_sums_of_hours_that_lack_rows_are_faults_or_completed(read, faults):
    lines = rows([1, 1, 1, 1, 1, None, 1, 1, 1, 1, 1, 1], minutes=15)
    assert "hours lack rows" in faults(lines, resample="sum")[0]
    demand = read(lines, resample="sum", repair=["gaps"])
    assert demand.series["web"].tolist() == [4, 4, 4]
    assert ("gaps", 1, 1, "sum of 3 rows × 1.33") in listed(demand)


def test_a_partial_last_hour_is_reported_or_left_out(read, faults):
    lines = rows([1] * 9, minutes=15)
    assert faults(lines, resample="mean") == [
        "demand.file row 10 timestamp = '2026-01-01T02:00:00Z': the last hour has not all its "
        "rows; add them, or repair: [partial_last_hour]"
    ]
    demand = read(lines, resample="mean", repair=["partial_last_hour"])
    assert demand.hours == 2
    assert ("partial_last_hour", 2, 1, "left out: 1 of 4 rows") in listed(demand)


def test_counters_are_read_as_what_they_grew_by(read, faults):
    lines = rows([100, 110, 130, 5, 6])
    assert faults(lines, counters=True) == [
        "demand.file row 5 web = 5.0: this counter falls; say repair: [counter_resets] if it "
        "began again at zero"
    ]
    demand = read(lines, counters=True, repair=["counter_resets"])
    assert demand.series["web"].tolist() == [10, 20, 5, 1]
    assert listed(demand) == [("counter_resets", 3, 1, "counter began again at zero")]


def test_counters_of_minutes_grow_evenly_between_rows(read):
    lines = rows([0, 30, 60, 120, 180], minutes=30)
    assert read(lines, counters=True).series["web"].tolist() == [60, 120]


LOCAL = {"timezone": "Europe/Paris", "repair": ["clock_change"]}


def local(*stamps):
    return ["timestamp,web", *(f"2025-{stamp},{n}" for n, stamp in enumerate(stamps, 1))]


def test_the_hour_that_comes_twice_is_two_hours_in_the_order_of_the_file(read, faults):
    lines = local("10-26T01:00", "10-26T02:00", "10-26T02:00", "10-26T03:00")
    demand = read(lines, **LOCAL)
    assert demand.start == datetime(2025, 10, 25, 23, tzinfo=UTC)
    assert demand.series["web"].tolist() == [1, 2, 3, 4]
    newest_first = [lines[0], *reversed(lines[1:])]
    assert read(newest_first, **LOCAL).series["web"].tolist() == [1, 2, 3, 4]
    assert len(faults(lines, timezone="Europe/Paris", repair=["gaps"])) == 2


def test_one_row_for_the_hour_that_comes_twice_is_its_average_or_sum(read):
    lines = local("10-26T01:00", "10-26T02:00", "10-26T03:00")
    assert read(lines, **LOCAL).series["web"].tolist() == [1, 2, 2, 3]
    split = LOCAL | {"repair": {"clock_change": "split"}}
    assert read(lines, **split).series["web"].tolist() == [1, 1, 1, 3]


def test_the_hour_that_never_was_is_no_gap_and_a_row_of_it_is_listed(read):
    lines = local("03-30T01:00", "03-30T03:00")
    assert read(lines, **LOCAL).series["web"].tolist() == [1, 2]
    demand = read(local("03-30T01:00", "03-30T02:00", "03-30T03:00"), **LOCAL)
    assert demand.series["web"].tolist() == [1, 3]
    assert [one.done for one in demand.repairs] == ["row left out: its local hour never was"]


def test_stamps_may_name_the_end_of_their_hour(read):
    lines = local("10-26T02:00", "10-26T03:00", "10-26T03:00", "10-26T04:00")
    demand = read(lines, stamp="end", **LOCAL)
    assert demand.start == datetime(2025, 10, 25, 23, tzinfo=UTC)
    assert demand.series["web"].tolist() == [1, 2, 3, 4]


LONG = [
    "timestamp,workload,value",
    *(f"2026-01-01T0{hour}:00Z,web,{hour + 1}" for hour in range(5)),
    *(f"2026-01-01T0{hour}:00Z,db,{hour + 1}" for hour in (1, 2)),
]


def test_series_that_end_early_are_faults_zero_or_trimmed(read, faults):
    (fault,) = faults(LONG, "web", "db", repair=["gaps"])
    assert "known from 2026-01-01T01:00:00Z to 2026-01-01T03:00:00Z only" in fault
    zero = read(LONG, "web", "db", repair={"edges": "zero"})
    assert zero.series["db"].tolist() == [0, 2, 3, 0, 0]
    assert [(one.series, one.count) for one in zero.repairs] == [("db", 1), ("db", 2)]
    trimmed = read(LONG, "web", "db", repair={"edges": "trim"})
    assert trimmed.series["web"].tolist() == [2, 3]
    assert [(one.series, one.count) for one in trimmed.repairs] == [("web", 1), ("web", 2)]


def test_outliers_are_clipped_to_the_band_of_their_weeks(read):
    rng = np.random.default_rng(7)
    day = 50 + 20 * np.sin(np.arange(168 * 12) / 24 * 2 * np.pi)
    usual = day + rng.normal(size=len(day))
    wild = usual.copy()
    wild[[500, 1200]] = 5_000, 0
    demand = read(rows(wild), repair=["outliers"])
    changed = np.flatnonzero(demand.series["web"] != wild)
    assert changed.tolist() == [500, 1200]
    assert np.abs(demand.series["web"] - usual).max() < 20
    assert [one[:3] for one in listed(demand)] == [("outliers", 500, 1), ("outliers", 1200, 1)]


def test_a_step_of_the_level_is_no_outlier():
    rng = np.random.default_rng(8)
    values = np.concatenate((np.full(168 * 8, 100.0), np.full(168 * 8, 30.0)))
    values += rng.normal(size=len(values))
    assert (clip_outliers(values, 10) == values).all()


@pytest.mark.parametrize("value", [0, 7.3])
@pytest.mark.parametrize("hours", [1, 3, 400, 2000])
def test_constants_and_zeros_stay_as_they_are(read, value, hours):
    demand = read(rows([value] * hours), repair="all")
    assert demand.series["web"].tolist() == [value] * hours
    assert demand.repairs == ()


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=1, max_size=400),
    ends=st.tuples(st.floats(0, 100), st.floats(0, 100)),
)
def test_filling_gaps_changes_nothing_else(values, ends):
    series = np.array([ends[0], *[np.nan if one is None else one for one in values], ends[1]])
    filled = fill_gaps(series)
    whole = np.asarray(filled.values)
    known = ~np.isnan(series)
    assert (whole[known] == series[known]).all()
    assert not np.isnan(whole).any()
    assert (filled.ends - filled.begins).sum() == (~known).sum()
    assert whole.max() <= np.nanmax(series) * (1 + 1e-12)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_whatever_rows_there_are_all_rules_give_hours_or_typed_faults(tmp_path_factory, data):
    """A traceback would tell a stranger nothing."""
    stamp = st.integers(0, 3 * 86_400).map(
        lambda second: (
            f"2025-10-{25 + second // 86_400}T{second // 3600 % 24:02}:{second // 60 % 60:02}"
        )
    )
    value = st.sampled_from(["", "-1", "0", "5", "1e13", "nan", "inf", "x", "7.25"])
    lines = data.draw(st.lists(st.tuples(stamp, value), max_size=30))
    settled = data.draw(st.sampled_from([{}, {"resample": "sum"}, {"counters": True}]))
    folder = tmp_path_factory.mktemp("any")
    text = "\n".join(["timestamp,web", *map(",".join, lines)])
    (folder / "demand.csv").write_text(text)
    source = DemandSource(
        file="demand.csv", timezone="Europe/Paris", repair="all",
        stamp=data.draw(st.sampled_from(["start", "end"])), **settled,
    )  # fmt: skip
    try:
        demand = read_demand(source, {"web"}, folder=folder)
    except InvalidInputError:
        return
    assert np.isfinite(demand.series["web"]).all()
    assert (demand.series["web"] >= 0).all()


def test_a_million_rows_of_noise_are_faults_or_hours(tmp_path):
    rng = np.random.default_rng(9)
    seconds = rng.integers(0, 3 * 365 * 86_400, 10**6)
    stamps = pd.Timestamp("2022-01-01") + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame({"timestamp": stamps, "web": rng.normal(size=10**6)})
    frame.to_parquet(tmp_path / "demand.parquet")
    for timezone in ("UTC", "Europe/Paris"):
        source = DemandSource(file="demand.parquet", timezone=timezone, repair="all")
        demand = read_demand(source, {"web"}, folder=tmp_path)
        assert demand.hours in (26_280, 26_279)
        assert {one.rule for one in demand.repairs} >= {"negatives", "duplicates", "irregular"}
        assert len(demand.repairs) < 200
    with pytest.raises(InvalidInputError) as error:
        read_demand(DemandSource(file="demand.parquet", timezone="UTC"), {"web"}, folder=tmp_path)
    assert len(error.value.faults) < 100


def test_scenarios_and_repairs_exclude_each_other(tmp_path):
    (tmp_path / "demand.csv").write_text("timestamp,scenario,web\n2026-01-01T00:00Z,a,1\n")
    source = DemandSource(file="demand.csv", repair=["gaps"])
    with pytest.raises(InvalidInputError, match="history that is mended is one past"):
        read_demand(source, {"web"}, folder=tmp_path, scenarios={"a": 1.0})


def test_rules_are_written_in_four_ways():
    def rules(written):
        return DemandSource(file="demand.csv", repair=written).repair

    assert rules("none") == rules([]) == rules({}) == RepairRules()
    assert rules(["gaps"]) == rules({"gaps": True}) == rules({"gaps": {}, "edges": False})
    assert rules("all").outliers.band == 10
    assert all(value is not None for value in rules("all").model_dump().values())
    with pytest.raises(ValidationError, match="no such rule: gap; there are clock_change"):
        rules(["gap"])


def test_plans_list_what_was_mended(tmp_path):
    (tmp_path / "demand.csv").write_text("\n".join(rows([4, None, *[4] * 46])))
    document = {
        "catalog": "aws",
        "demand": {"file": "demand.csv", "repair": ["gaps"]},
        "workloads": [
            {
                "name": "web",
                "regions": ["us-east-1"],
                "needs": {"unit": "machines", "of": "m5.large"},
            }
        ],
    }
    plan = make_plan(parse_request(document), Surroundings(folder=tmp_path))
    assert json.loads(plan.model_dump_json())["repairs"] == [
        {
            "rule": "gaps", "series": "web", "start": "2026-01-01T01:00:00Z",
            "end": "2026-01-01T02:00:00Z", "count": 1, "done": "interpolated",
        }
    ]  # fmt: skip
    assert "the demand's rows were mended: gaps 1 in 1 series" in plan.notes


DOCS = (Path(__file__).parents[1] / "docs/history.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", DOCS, flags=re.S))
def test_the_documented_demands_are_well_formed(block):
    DemandSource.model_validate(yaml.safe_load(block)["demand"])


def test_every_rule_is_documented():
    for rule in RepairRules.model_fields:
        assert f"| `{rule}` |" in DOCS
