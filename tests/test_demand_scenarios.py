"""Demand in several possible futures: read whole and in order, or every fault of it named."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import inline_demand, parse_request
from planner.demand import Demand, Scenario, read_demand
from planner.request import DemandSource

START = datetime(2026, 1, 1, tzinfo=UTC)
ODDS = {"low": 0.25, "high": 0.75}


@pytest.fixture
def read(tmp_path):
    """Writes a file (text or a table) and reads series of it."""

    def read_written(content, *names, scenarios=ODDS, **source):
        file = "demand.parquet" if isinstance(content, pd.DataFrame) else "demand.csv"
        if isinstance(content, pd.DataFrame):
            content.to_parquet(tmp_path / file)
        else:
            (tmp_path / file).write_text(content)
        source = DemandSource(file=file, **source)
        return read_demand(source, set(names or ("web",)), folder=tmp_path, scenarios=scenarios)

    return read_written


@pytest.fixture
def faults(read):
    """The faults of such a file, line by line."""

    def faults_of(*args, **options):
        with pytest.raises(InvalidInputError) as error:
            read(*args, **options)
        return str(error.value).splitlines()

    return faults_of


def values(demand):
    return {name: series.tolist() for name, series in demand.series.items()}


WIDE = """timestamp,scenario,web,db
2026-01-01T00:00Z,high,3,30
2026-01-01T00:00Z,low,1,10
2026-01-01T01:00Z,high,4,40
2026-01-01T01:00Z,low,2,20
"""

LONG = """timestamp,workload,value,scenario
2026-01-01T01:00Z,db,40,high
2026-01-01T00:00Z,web,1,low
2026-01-01T01:00Z,web,2,low
2026-01-01T00:00Z,db,10,low
2026-01-01T01:00Z,db,20,low
2026-01-01T00:00Z,web,3,high
2026-01-01T01:00Z,web,4,high
2026-01-01T00:00Z,db,30,high
"""


@pytest.mark.parametrize("content", [WIDE, LONG], ids=["wide", "long"])
def test_series_hold_scenario_after_scenario_in_the_order_of_the_request(read, content):
    demand = read(content, "web", "db")
    assert (demand.start, demand.hours) == (START, 2)
    assert demand.end == START + timedelta(hours=2)
    assert demand.scenarios == (Scenario("low", 0.25), Scenario("high", 0.75))
    assert values(demand) == {"web": [1, 2, 3, 4], "db": [10, 20, 30, 40]}
    other = read(content, scenarios={"high": 0.5, "low": 0.5})
    assert values(other) == {"web": [3, 4, 1, 2]}


def test_the_column_of_scenarios_may_have_another_name(read):
    content = LONG.replace("scenario", "future")
    assert values(read(content, columns={"scenario": "future"})) == {"web": [1, 2, 3, 4]}


@pytest.mark.parametrize("kind", ["string", "category", "int64"])
def test_parquet_files_name_scenarios_by_text_category_or_number(read, kind):
    names = pd.Series([2030, 2040, 2030, 2040]).astype("str").astype(kind)
    stamps = pd.to_datetime([START, START, *[START + timedelta(hours=1)] * 2])
    table = pd.DataFrame({"timestamp": stamps, "scenario": names, "web": [1.0, 3, 2, 4]})
    demand = read(table, scenarios={"2030": 0.5, "2040": 0.5})
    assert values(demand) == {"web": [1, 2, 3, 4]}


def test_blank_lines_do_not_turn_numbered_scenarios_into_fractions(read):
    content = "timestamp,scenario,web\n2026-01-01T00:00Z,1,5\n\n2026-01-01T00:00Z,2,6\n"
    assert values(read(content, scenarios={"1": 0.5, "2": 0.5})) == {"web": [5, 6]}


def test_where_still_keeps_one_future_of_a_file_as_if_it_were_the_only_one(read):
    demand = read(LONG, scenarios=None, where={"scenario": "high"})
    assert demand.scenarios == (Scenario("forecast", 1.0),)
    assert values(demand) == {"web": [3, 4]}


def test_where_narrows_other_columns_of_a_file_with_scenarios(read):
    lines = WIDE.splitlines()
    content = "\n".join([f"{lines[0]},area", *(f"{line},1" for line in lines[1:])])
    content += "\n2026-01-01T00:00Z,middle,9,9,2\n"
    assert values(read(content, where={"area": 1})) == {"web": [1, 2, 3, 4]}


def test_a_file_without_scenarios_is_one_forecast_that_is_certain(read):
    demand = read("timestamp,web\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n", scenarios=None)
    assert demand.scenarios == (Scenario("forecast", 1.0),)
    assert demand.hours == 2
    assert demand.future(0).series["web"].tolist() == [1, 2]


def test_absent_hours_are_zero_in_every_scenario_if_the_request_says_so(read):
    content = """timestamp,workload,value,scenario
2026-01-01T00:00Z,web,1,low
2026-01-01T02:00Z,web,2,high
"""
    assert values(read(content, absent="zero")) == {"web": [1, 0, 0, 0, 0, 2]}


MANY_FAULTS = """timestamp,scenario,web
2026-01-01T00:00Z,low,-1
2026-01-01T00:00Z,low,1
2026-01-01T01:00Z,low,1
2026-01-01T02:30Z,low,1
2026-01-01T03:00,low,1
2026-01-01T04:00Z,low,
2026-01-01T00:00Z,high,1
2026-01-01T01:00Z,,1
2026-01-01T02:00Z,high,1
2026-01-01T03:00Z,high,1
2026-01-01T04:00Z,high,1
2026-01-01T00:00Z,middle,1
2026-01-01T01:00Z,middle,1
2026-01-01T00:00Z,worst,many
"""


def test_every_faulty_row_and_every_missing_hour_of_every_scenario_is_reported_at_once(faults):
    unknown = "the request's scenarios have no such name; give it a probability, or take it out"
    hole = "no row for this hour; add it, or write absent: zero where nothing ran"
    assert faults(MANY_FAULTS, scenarios={"low": 0.25, "high": 0.5, "best": 0.25}) == [
        "demand.file row 9 scenario = 'blank or NaN': write the row's scenario",
        f"demand.file row 13 scenario = 'middle': {unknown}",
        f"demand.file row 15 scenario = 'worst': {unknown}",
        "scenarios.best = 0.25: the demand has no such scenario; it has low, high, middle, worst",
        "demand.file row 6 timestamp = '2026-01-01T03:00:00': carries no offset; "
        "write one (…Z) or name the file's timezone in demand.timezone",
        "demand.file row 5 timestamp = '2026-01-01T02:30Z': "
        "does not fall on a whole UTC hour; write whole hours",
        "demand.file row 2 web = '-1': write a number from 0 to 1e+12",
        "demand.file row 7 web = 'blank or NaN': write a number from 0 to 1e+12",
        "demand.file row 15 web = 'many': write a number from 0 to 1e+12",
        "demand.file row 3 timestamp = '2026-01-01T00:00:00Z': "
        "this hour stands in an earlier row; keep one",
        f"demand.file scenario low series web = '2026-01-01T02:00:00Z': {hole}",
        f"demand.file scenario low series web = '2026-01-01T03:00:00Z': {hole}",
        f"demand.file scenario high series web = '2026-01-01T01:00:00Z': {hole}",
    ]


def test_a_gap_in_one_series_of_one_scenario_of_a_long_file_is_found(faults):
    content = LONG.replace("2026-01-01T01:00Z,web,4,high\n", "")
    assert faults(content, "web", "db") == [
        "demand.file scenario high series web = '2026-01-01T01:00:00Z': "
        "no row for this hour; add it, or write absent: zero where nothing ran"
    ]


def test_a_scenario_with_rows_of_other_series_alone_is_not_taken_for_zero(read, faults):
    content = "\n".join(line for line in LONG.splitlines() if ",web,3," not in line)
    content = content.replace("2026-01-01T01:00Z,web,4,high\n", "")
    assert faults(content) == [
        "demand.file scenario high series = 'web': no row of it; add them (or write absent: zero)"
    ]
    assert values(read(content, absent="zero")) == {"web": [1, 2, 0, 0]}


def test_an_hour_may_come_again_in_another_scenario_but_not_in_its_own(faults):
    assert faults(LONG + "2026-01-01T00:00Z,web,9,high\n", "web", "db") == [
        "demand.file row 10 timestamp = '2026-01-01T00:00:00Z': "
        "this hour stands in an earlier row; keep one"
    ]


def test_a_scenario_of_other_hours_than_the_rest_is_refused(faults):
    """Named once, not hour by hour, and a year mistyped does not fill the memory."""
    content = "timestamp,scenario,web\n" + "".join(
        f"2026-01-01T0{hour}:00Z,{name},1\n" for name in ("low", "high", "odd") for hour in range(3)
    )
    content = content.replace("2026-01-01T02:00Z,odd", "2026-01-01T03:00Z,odd")
    odds = {"odd": 0.5, "low": 0.25, "high": 0.25}
    assert faults(content, scenarios=odds) == [
        "demand.file scenario odd = '2026-01-01T00:00:00Z to 2026-01-01T03:00:00Z': give every "
        "scenario the same hours; most span 2026-01-01T00:00:00Z to 2026-01-01T02:00:00Z",
        "demand.file scenario odd series web = '2026-01-01T02:00:00Z': "
        "no row for this hour; add it, or write absent: zero where nothing ran",
    ]


def test_scenarios_of_a_file_want_probabilities_that_can_be_copied_into_the_request(faults):
    content = WIDE.replace("2026-01-01T01:00Z,low", "2026-01-01T01:00Z,so so")
    (found,) = faults(content, scenarios=None)
    suggestion = '{"high": 0.3333333333, "low": 0.3333333333, "so so": 0.3333333333}'
    assert found == (
        "demand.file column = 'scenario': holds scenarios; write how probable each is, such as "
        f"scenarios: {suggestion}, or keep one by where: {{scenario: …}}"
    )
    document = {"demand": {"file": "demand.csv"}, "workloads": [WORKLOAD]}
    parse_request(document | {"scenarios": dict.fromkeys(("high", "low", "so so"), 0.3333333333)})


def test_of_very_many_scenarios_twenty_are_listed(faults):
    rows = "".join(f"2026-01-01T00:00Z,{number},1\n" for number in range(50))
    (found,) = faults("timestamp,scenario,web\n" + rows, scenarios=None)
    assert '"19": 0.02, …}, or keep' in found
    assert '"20"' not in found
    unknown = faults("timestamp,scenario,web\n" + rows, scenarios={"0": 1.0})
    assert len(unknown) == 21
    assert unknown[20].startswith("demand.file = '29 more such places': ")


def test_scenarios_without_a_column_of_them_are_refused(faults):
    assert faults("timestamp,web\n2026-01-01T00:00Z,1\n") == [
        "demand.file column = 'scenario': no such column; it has timestamp, web; "
        "without scenarios, take them out of the request"
    ]
    assert faults(WIDE, scenarios=None, columns={"scenario": "scenaro"}) == [
        "demand.file column = 'scenaro': no such column; it has timestamp, scenario, web, db"
    ]


WORKLOAD = {
    "name": "web",
    "needs": {"unit": "machines", "of": "m5.large"},
    "regions": ["us-east-1"],
}


@pytest.mark.parametrize(
    ("scenarios", "report"),
    [
        ({"low": 0.5, "high": 0.4},
         "scenarios = {'low': 0.5, 'high': 0.4}: the probabilities sum to 0.9; let them sum to 1"),
        ({"low": 0, "high": 1}, "scenarios.low = 0: Input should be greater than 0"),
        ({"low": -0.5, "high": 1.5}, "scenarios.low = -0.5: Input should be greater than 0"),
        ({" ": 1}, "scenarios = {' ': 1}: one has a blank name; name every scenario"),
        ({}, "scenarios = {}: write at least one"),
    ],
)  # fmt: skip
def test_probabilities_are_above_0_named_and_sum_to_1(scenarios, report):
    document = {"demand": {"file": "x.csv"}, "workloads": [WORKLOAD], "scenarios": scenarios}
    with pytest.raises(InvalidInputError) as error:
        parse_request(document)
    assert str(error.value).splitlines()[0] == report


def inline(scenarios, read_names=("web",), odds=ODDS):
    source = DemandSource(inline={"start": START, "scenarios": scenarios})
    return read_demand(source, set(read_names), folder=None, scenarios=odds)


def test_inline_demand_holds_the_series_of_each_scenario():
    demand = inline({"high": {"web": [3, 4]}, "low": {"web": [1, 2], "db": [7, 7]}})
    assert demand.scenarios == (Scenario("low", 0.25), Scenario("high", 0.75))
    assert (demand.hours, values(demand)) == (2, {"web": [1, 2, 3, 4]})


def test_inline_scenarios_are_checked_value_by_value_beside_those_of_the_request():
    with pytest.raises(InvalidInputError) as error:
        inline({"low": {"web": [1, -2]}, "middle": {"web": [1]}, "best": {"web": [1, 2, 3]}},
               odds={"low": 0.25, "best": 0.5, "high": 0.25})  # fmt: skip
    assert str(error.value).splitlines() == [
        "demand.inline.scenarios = 'middle': the request's scenarios have no such name; "
        "give it a probability, or take it out",
        "scenarios.high = 0.25: the demand has no such scenario; it has low, middle, best",
        "demand.inline.scenarios.low.web = '2 hours': give every series the same 3 hours or more",
        "demand.inline.scenarios.low.web.1 = -2.0: write a number from 0 to 1e+12",
    ]
    with pytest.raises(InvalidInputError) as error:
        inline({"low": {"web": [1]}, "high": {"db": [1]}})
    assert str(error.value) == "demand.inline.scenarios.high = 'web': no such series; it has db"


def test_inline_demand_and_the_request_have_scenarios_both_or_neither():
    with pytest.raises(InvalidInputError) as error:
        inline({"low": {"web": [1]}, "high": {"web": [-1]}}, odds=None)
    assert str(error.value).splitlines() == [
        "demand.inline.scenarios = 'low, high': holds scenarios; write how probable each is, "
        'such as scenarios: {"low": 0.5, "high": 0.5}',
        "demand.inline.scenarios.high.web.0 = -1.0: write a number from 0 to 1e+12",
    ]
    source = DemandSource(inline={"start": START, "series": {"web": [1]}})
    with pytest.raises(InvalidInputError) as error:
        read_demand(source, {"web"}, folder=None, scenarios=ODDS)
    assert str(error.value) == (
        "scenarios = 'low, high': the demand holds no scenarios; "
        "write them in demand.inline.scenarios, or none"
    )


@pytest.mark.parametrize("both", [{}, {"series": {"a": [1]}, "scenarios": {"x": {"a": [1]}}}])
def test_inline_demand_has_series_or_scenarios(both):
    inline = {"start": "2026-01-01T00:00Z"} | both
    with pytest.raises(InvalidInputError, match="write exactly one of series, scenarios"):
        parse_request({"demand": {"inline": inline}, "workloads": [WORKLOAD]})


def test_a_request_takes_the_scenarios_of_its_file_inside(tmp_path):
    (tmp_path / "demand.csv").write_text(WIDE)
    document = {"demand": {"file": "demand.csv"}, "scenarios": ODDS, "workloads": [WORKLOAD]}
    written = inline_demand(parse_request(document), folder=tmp_path)
    shown = written.model_dump(mode="json", exclude_unset=True)
    assert shown["scenarios"] == ODDS
    assert shown["demand"]["inline"] == {
        "start": "2026-01-01T00:00:00Z",
        "scenarios": {"low": {"web": [1.0, 2.0]}, "high": {"web": [3.0, 4.0]}},
    }
    again = parse_request(shown)
    demand = read_demand(again.demand, {"web"}, folder=tmp_path, scenarios=again.scenarios)
    assert values(demand) == {"web": [1, 2, 3, 4]}


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_cutting_and_parting_a_demand_keep_each_scenario_by_itself(data):
    count, hours = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    first = data.draw(st.integers(0, hours - 1))
    length = data.draw(st.integers(1, hours - first))
    paths = [[100.0 * future + hour for hour in range(hours)] for future in range(count)]
    scenarios = tuple(Scenario(f"s{future}", 1 / count) for future in range(count))
    demand = Demand(START, {"web": np.concatenate(paths)}, scenarios)
    cut = demand.between(START + timedelta(hours=first), length)
    assert (cut.hours, cut.scenarios) == (length, scenarios)
    for position, path in enumerate(paths):
        whole, part = demand.future(position), cut.future(position)
        assert np.shares_memory(whole.series["web"], demand.series["web"])
        assert whole.scenarios == (Scenario(f"s{position}", 1.0),)
        assert whole.series["web"].tolist() == path
        assert part.series["web"].tolist() == path[first : first + length]


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_rows_may_stand_in_any_order_in_either_form(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("demand")
    odds = {f"s{future}": 1 / 3 for future in range(3)}
    value = {
        (name, hour, series): data.draw(st.integers(0, 9))
        for name in odds for hour in range(3) for series in ("a", "b")
    }  # fmt: skip
    stamp = [f"2026-01-01T0{hour}:00Z" for hour in range(3)]
    long = [f"{stamp[h]},{name},{series},{v}" for (name, h, series), v in value.items()]
    wide = [
        f"{stamp[hour]},{name},{value[name, hour, 'a']},{value[name, hour, 'b']}"
        for name in odds for hour in range(3)
    ]  # fmt: skip
    expected = {
        series: [value[name, hour, series] for name in odds for hour in range(3)]
        for series in ("a", "b")
    }
    forms = [("timestamp,scenario,workload,value", long), ("timestamp,scenario,a,b", wide)]
    for header, rows in forms:
        text = "\n".join([header, *data.draw(st.permutations(rows))])
        (folder / "demand.csv").write_text(text)
        source = DemandSource(file="demand.csv")
        demand = read_demand(source, {"a", "b"}, folder=folder, scenarios=odds)
        assert values(demand) == expected


def test_a_workloads_size_is_that_of_its_dearest_future(planned, price):
    """Ten futures of 0.3 billion dollars are no 3 billion."""
    names = [f"s{number}" for number in range(10)]
    demand = {name: {"m": [1e8, 2e8]} for name in names}
    plan = planned(
        [price("m", "on_demand", 1.0)],
        demand,
        scenarios=dict.fromkeys(names, 0.1),
        horizon={"hours": 2},
    )
    assert float(plan.total_cost_usd) == 3e8
