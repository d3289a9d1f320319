"""Demand files too long for one piece: read as if they were whole, whatever piece a row is in."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner.demand import read_demand
from planner.demand_tables import table as demand_table
from planner.request import DemandSource

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS, NAMES = 26_280, ("a", "b", "c", "d", "e")


def long_table():
    """A row per hour and series, so many that they make more than one piece; values count up."""
    stamps = pd.date_range(START, periods=HOURS, freq="h")
    return pd.DataFrame({
        "timestamp": np.repeat(stamps, len(NAMES)),
        "workload": NAMES * HOURS,
        "value": np.arange(HOURS * len(NAMES), dtype=float),
    })  # fmt: skip


def write(table, file):
    if file.suffix == ".csv":
        table.to_csv(file, index=False)
    else:
        table.to_parquet(file, row_group_size=50_000)


def faults_of(file, names, **source):
    with pytest.raises(InvalidInputError) as error:
        read_demand(DemandSource(file=file.name, **source), set(names), folder=file.parent)
    return str(error.value).splitlines()


@pytest.mark.parametrize("name", ["demand.csv", "demand.parquet"])
def test_a_long_file_of_many_pieces_is_read_like_a_short_one(tmp_path, name):
    table = long_table()
    write(table.sample(frac=1, random_state=1), tmp_path / name)
    demand = read_demand(DemandSource(file=name), set(NAMES), folder=tmp_path)
    assert (demand.start, demand.hours) == (START, HOURS)
    for position, series in enumerate(NAMES):
        assert np.array_equal(demand.series[series], np.arange(HOURS) * len(NAMES) + position)


@pytest.mark.parametrize(("name", "first"), [("demand.csv", 2), ("demand.parquet", 1)])
def test_faults_of_all_pieces_are_reported_sort_by_sort_with_their_rows(tmp_path, name, first):
    """The second row of an hour is refused though it stands in another piece than the first."""
    table = long_table()
    last = len(table) - 1
    again = table.iloc[[0]]
    table.loc[7, "value"] = -1.0
    table.loc[last - 5, "value"] = -2.0
    table.loc[last - 9, "timestamp"] += pd.Timedelta("30min")
    write(pd.concat([table, again], ignore_index=True), tmp_path / name)
    off = (
        "does not fall on a whole UTC hour; of rows shorter than an hour say "
        "resample: mean (or sum, max), of others repair: [irregular]"
    )
    negative = "write a number from 0 to 1e+12, or repair: [negatives]"
    shown = "2028-12-30T22:30:00Z" if first == 1 else "2028-12-30 22:30:00+00:00"
    assert faults_of(tmp_path / name, NAMES) == [
        f"demand.file row {last - 9 + first} timestamp = '{shown}': {off}",
        f"demand.file row {7 + first} value = -1.0: {negative}",
        f"demand.file row {last - 5 + first} value = -2.0: {negative}",
        f"demand.file row {last + 1 + first} timestamp = '2026-01-01T00:00:00Z': "
        "this hour stands in an earlier row; keep one, or repair: [duplicates]",
        "demand.file series a = '2028-12-30T22:00:00Z': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran",
    ]


@settings(deadline=None, max_examples=20)
@given(cells=st.integers(1, 12), data=st.data())
def test_where_the_pieces_end_changes_nothing(tmp_path_factory, cells, data):
    """Values, or faults, of a small file are the same in pieces of a few cells and in one."""
    values = data.draw(st.lists(st.integers(-1, 20), min_size=6, max_size=6))
    stamps = data.draw(st.permutations([0, 1, 2, 2, 3, 4]))
    lines = [f"2026-01-01T0{h}:00Z,{v},1" for h, v in zip(stamps, values, strict=True)]
    blank = data.draw(st.integers(0, 6))
    text = "\n".join(["timestamp,web,area", *lines[:blank], "", *lines[blank:]])
    folder = tmp_path_factory.mktemp("demand")
    (folder / "demand.csv").write_text(text)
    whole = faults_of(folder / "demand.csv", ["web"], where={"area": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demand_table, "_CELLS", cells)
        pieces = faults_of(folder / "demand.csv", ["web"], where={"area": 1})
    written = [line.replace(".0:", ":") for line in whole]
    assert [line.replace(".0:", ":") for line in pieces] == written


def test_a_blank_does_not_turn_whole_numbers_of_parquet_columns_to_fractions(tmp_path):
    stamps = pd.date_range(START, periods=3, freq="h")
    table = pd.DataFrame({"timestamp": stamps, "area": [1, 1, None], "web": [1.0, 2, 3]})
    table["area"] = table["area"].astype("Int64")
    table.to_parquet(tmp_path / "demand.parquet")
    source = DemandSource(file="demand.parquet", where={"area": 1})
    demand = read_demand(source, {"web"}, folder=tmp_path)
    assert demand.series["web"].tolist() == [1, 2]


def test_a_parquet_column_that_stands_twice_is_refused(tmp_path):
    stamps = pa.array([START], pa.timestamp("us", "UTC"))
    table = pa.Table.from_arrays(
        [stamps, pa.array([1.0]), pa.array([2.0])], ["timestamp", "web", "web"]
    )
    pq.write_table(table, tmp_path / "demand.parquet")
    assert faults_of(tmp_path / "demand.parquet", ["web"]) == [
        "demand.file column = 'web': stands more than once; keep one"
    ]


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    table = pd.DataFrame({"timestamp": pd.to_datetime([], utc=True), "web": []})
    table.to_parquet(tmp_path / "demand.parquet")
    assert faults_of(tmp_path / "demand.parquet", ["web"]) == [
        "demand.file = 'demand.parquet': has no rows; write at least one hour"
    ]


def test_a_csv_file_of_blank_lines_has_no_rows(tmp_path):
    (tmp_path / "demand.csv").write_text("timestamp,web\n\n,\n")
    assert faults_of(tmp_path / "demand.csv", ["web"]) == [
        "demand.file = 'demand.csv': has no rows; write at least one hour"
    ]
