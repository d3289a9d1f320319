"""Demand files as people have them: every faulty row named as an editor or a table shows it."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from catalogs import InvalidInputError
from planner.demand import read_demand
from planner.request import DemandSource

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def read(tmp_path):
    """Writes a file (text, bytes or a table) and reads series of it."""

    def read_written(content, *names, file="demand.csv", **source):
        path = tmp_path / file
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        elif content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        wanted = set(names or ("web",))
        return read_demand(DemandSource(file=file, **source), wanted, folder=tmp_path)

    return read_written


@pytest.fixture
def faults(read, tmp_path):
    """The faults of such a file, line by line, without the folder's path."""

    def faults_of(*args, **options):
        with pytest.raises(InvalidInputError) as error:
            read(*args, **options)
        return str(error.value).replace(f"{tmp_path}/", "").splitlines()

    return faults_of


def values(demand):
    return {name: series.tolist() for name, series in demand.series.items()}


WIDE = "timestamp,web,db\n2026-01-01T00:00Z,1,10\n2026-01-01T01:00Z,2.5,20\n"


def test_wide_files_have_a_column_per_series(read):
    demand = read(WIDE, "web", "db")
    assert demand.start == START
    assert demand.hours == 2
    assert values(demand) == {"web": [1, 2.5], "db": [10, 20]}


def test_only_series_that_are_asked_for_are_read(read):
    assert values(read(WIDE.replace("2.5,20", "2.5,broken"))) == {"web": [1, 2.5]}


LONG = """timestamp,workload,value
2026-01-01T01:00Z,web,2
2026-01-01T00:00Z,db,10
2026-01-01T00:00Z,web,1
2026-01-01T01:00Z,db,20
"""


def test_long_files_have_a_row_per_hour_and_series_in_any_order(read):
    demand = read(LONG, "web", "db")
    assert demand.start == START
    assert values(demand) == {"web": [1, 2], "db": [10, 20]}


def test_long_files_may_name_their_columns_otherwise(read):
    content = LONG.replace("timestamp,workload,value", "when,service,machines")
    columns = {"timestamp": "when", "workload": "service", "value": "machines"}
    assert values(read(content, "db", columns=columns)) == {"db": [10, 20]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + WIDE.encode(), id="byte order mark"),
        pytest.param(WIDE.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(WIDE.replace("\n2026", "\n\n2026") + "\n\n", id="blank lines"),
        pytest.param(WIDE.replace("2.5", '"2.5"').replace("timestamp", '"timestamp"'), id="quotes"),
        pytest.param(WIDE.rstrip("\n"), id="no newline at the end"),
    ],
)
def test_what_spreadsheets_do_to_csv_changes_nothing(read, content):
    assert values(read(content, "web", "db")) == {"web": [1, 2.5], "db": [10, 20]}


FOUR_FORMS = (
    "2026-01-01T00:00Z",
    "2026-01-01T02:00:00+01:00",
    "2025-12-31T21:00:00.000-0500",
    "2026-01-01 05:00+02",
)


def test_offsets_are_taken_in_all_forms_of_iso_8601(read):
    rows = "".join(f"{stamp},{hour}\n" for hour, stamp in enumerate(FOUR_FORMS))
    assert read("timestamp,web\n" + rows).start == START
    assert values(read("timestamp,web\n" + rows)) == {"web": [0, 1, 2, 3]}


def test_local_hours_become_utc_across_the_clock_change(read):
    """Paris leaves out 02:00 on 29 March: 01:00 and 03:00 follow each other."""
    content = "timestamp,web\n2026-03-29T01:00,1\n2026-03-29T03:00,2\n2026-03-29T04:00,3\n"
    demand = read(content, timezone="Europe/Paris")
    assert demand.start == datetime(2026, 3, 29, tzinfo=UTC)
    assert values(demand) == {"web": [1, 2, 3]}


def test_hours_that_come_twice_or_never_are_refused(faults):
    content = "timestamp,web\n2026-03-29T01:00,1\n2026-03-29T02:00,2\n2026-03-29T03:00,2\n"
    twice = "timestamp,web\n2026-10-25T02:00,1\n2026-10-25T02:00,2\n"
    fix = (
        "this local hour comes twice or never (clock change); write its offset, or repair: "
        "[clock_change]"
    )
    assert faults(content, timezone="Europe/Paris") == [
        f"demand.file row 3 timestamp = '2026-03-29T02:00:00': {fix}"
    ]
    assert faults(twice, timezone="Europe/Paris") == [
        f"demand.file row 2 timestamp = '2026-10-25T02:00:00': {fix}",
        f"demand.file row 3 timestamp = '2026-10-25T02:00:00': {fix}",
    ]


def test_a_zone_off_by_half_an_hour_gives_no_whole_utc_hours(faults):
    content = "timestamp,web\n2026-01-01T01:00,1\n"
    assert faults(content, timezone="Asia/Kolkata") == [
        "demand.file row 2 timestamp = '2026-01-01T01:00': "
        "does not fall on a whole UTC hour; of rows shorter than an hour say "
        "resample: mean (or sum, max), of others repair: [irregular]"
    ]


def test_an_unknown_zone_is_refused(faults):
    assert faults("timestamp,web\n2026-01-01T01:00,1\n", timezone="Europe/Pariss") == [
        "demand.timezone = 'Europe/Pariss': no such zone; write one like Europe/Paris"
    ]


MANY_FAULTS = """timestamp,web
2026-01-01T00:00Z,-1
2026-01-01T01:00Z,

2026-01-01T01:00Z,3
2026-01-01T02:30Z,3
2026-01-01T03:00,4
yesterday,5
2026-01-01T05:00Z,inf
2026-01-01T06:00Z,many
"""


def test_every_faulty_row_is_reported_at_once_by_its_line(faults):
    """The blank line counts; hours of unreadable rows are missing hours too."""
    assert faults(MANY_FAULTS) == [
        "demand.file row 8 timestamp = 'yesterday': write ISO 8601, such as 2026-01-01T00:00Z",
        "demand.file row 7 timestamp = '2026-01-01T03:00:00': carries no offset; "
        "write one (…Z) or name the file's timezone in demand.timezone",
        "demand.file row 6 timestamp = '2026-01-01T02:30Z': "
        "does not fall on a whole UTC hour; of rows shorter than an hour say "
        "resample: mean (or sum, max), of others repair: [irregular]",
        "demand.file row 2 web = '-1': write a number from 0 to 1e+12, or repair: [negatives]",
        "demand.file row 3 web = 'blank or NaN': write a number from 0 to 1e+12, or "
        "repair: [gaps], and [edges] where the series begins or ends so",
        "demand.file row 9 web = 'inf': write a number from 0 to 1e+12",
        "demand.file row 10 web = 'many': write a number from 0 to 1e+12",
        "demand.file row 5 timestamp = '2026-01-01T01:00:00Z': "
        "this hour stands in an earlier row; keep one, or repair: [duplicates]",
        "demand.file series web = '2026-01-01T02:00:00Z': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran",
        "demand.file series web = '2026-01-01T03:00:00Z': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran",
        "demand.file series web = '2026-01-01T04:00:00Z': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran",
    ]


def hourly(count, **columns):
    stamps = pd.date_range(START, periods=count, freq="h")
    return pd.DataFrame({"timestamp": stamps} | columns)


def test_thousands_of_faulty_rows_are_counted_after_the_first_twenty(faults):
    table = hourly(5000, web=-1.0)
    found = faults(table.to_csv(index=False))
    assert len(found) == 21
    assert found[19].startswith("demand.file row 21 web = -1.0: ")
    assert found[20] == (
        "demand.file = '4980 more such places': "
        "write a number from 0 to 1e+12, or repair: [negatives]"
    )


def test_a_long_gap_is_counted_too(faults):
    content = "timestamp,web\n2026-01-01T00:00Z,1\n2026-03-01T00:00Z,1\n"
    found = faults(content)
    assert len(found) == 21
    assert found[20] == (
        f"demand.file = '{59 * 24 - 1 - 20} more such places': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran"
    )


def test_a_gap_in_one_series_of_a_long_file_is_found(faults):
    """The hour has a row of another series, so it is not missing from the file."""
    content = LONG.replace("2026-01-01T01:00Z,db,20\n", "2026-01-01T02:00Z,db,20\n")
    content += "2026-01-01T02:00Z,web,3\n"
    assert faults(content, "web", "db") == [
        "demand.file series db = '2026-01-01T01:00:00Z': "
        "no row for this hour; add it, or repair: [gaps], or absent: zero where nothing ran"
    ]


def test_absent_hours_of_a_long_file_are_zero_if_the_request_says_so(read):
    content = "timestamp,workload,value\n2026-01-01T00:00Z,web,1\n2026-01-01T02:00Z,web,3\n"
    assert values(read(content, absent="zero")) == {"web": [1, 0, 3]}


def test_absent_zero_does_not_hide_values_that_are_wrong(faults):
    content = "timestamp,workload,value\n2026-01-01T00:00Z,web,none\n2026-01-01T02:00Z,web,3\n"
    assert faults(content, absent="zero") == [
        "demand.file row 2 value = 'none': write a number from 0 to 1e+12"
    ]


def test_repeated_rows_of_one_series_are_refused_in_a_long_file(faults):
    assert faults(LONG + "2026-01-01T00:00Z,web,9\n", "web", "db") == [
        "demand.file row 6 timestamp = '2026-01-01T00:00:00Z': "
        "this hour stands in an earlier row; keep one, or repair: [duplicates]"
    ]


SCENARIOS = """timestamp,scenario,region,web
2026-01-01T00:00Z,low,1,1

2026-01-01T00:00Z,high,1,3
2026-01-01T00:00Z,high,2,4
"""


def test_where_keeps_the_rows_whose_columns_have_these_values(read):
    """Text and whole numbers alike, whatever a blank line makes of the column."""
    demand = read(SCENARIOS, where={"scenario": "high", "region": 2})
    assert values(demand) == {"web": [4]}


@pytest.mark.parametrize(
    ("where", "report"),
    [
        ({}, "demand.file column = 'scenario': holds scenarios; write how probable each is, such "
             'as scenarios: {"low": 0.5, "high": 0.5}, or keep one by where: {scenario: …}'),
        ({"scenario": "middle"}, "demand.where.scenario = 'middle': no row has this value"),
        ({"scenario": "high", "area": 1},
         "demand.file column = 'area': no such column; it has timestamp, scenario, region, web"),
    ],
)  # fmt: skip
def test_rows_of_several_futures_or_of_none_are_refused(faults, where, report):
    assert faults(SCENARIOS, where=where) == [report]


def test_faulty_rows_keep_their_numbers_behind_a_filter(faults):
    assert faults(SCENARIOS + "2026-01-01T01:00Z,low,1,-7\n", where={"scenario": "low"}) == [
        "demand.file row 6 web = -7.0: write a number from 0 to 1e+12, or repair: [negatives]"
    ]


@pytest.mark.parametrize(
    ("content", "report"),
    [
        (None, "demand.file = 'demand.csv': no such file; paths are relative to the request"),
        ("", "demand.file = 'demand.csv': is empty; write a header and at least one hour"),
        ("timestamp,web\n", "demand.file = 'demand.csv': has no rows; write at least one hour"),
        ("timestamp,workload,value\n",
         "demand.file = 'demand.csv': has no rows; write at least one hour"),
        ("time,web\n2026-01-01T00:00Z,1\n",
         "demand.file column = 'timestamp': no such column; it has time, web"),
        ("timestamp,db\n2026-01-01T00:00Z,1\n",
         "demand.file series = 'web': no such series; it has db"),
        ("timestamp,workload,value\n2026-01-01T00:00Z,db,1\n",
         "demand.file series = 'web': no such series; it has db"),
        ("timestamp,web\n2026-01-01T00:00Z,1,3\n",
         "demand.file row 2 = '2026-01-01T00:00Z,1,3': has not the 2 fields of the header"),
        ("timestamp,web,web\n2026-01-01T00:00Z,1,3\n",
         "demand.file column = 'web': stands more than once; keep one"),
        ("timestamp,web\n0001-01-01T00:00Z,1\n",
         "demand.file row 2 timestamp = '0001-01-01T00:00Z': write a year from 1970 to 2200"),
        ('timestamp,web\n2026-01-01T00:00Z,"1,000"\n',
         "demand.file row 2 web = '1,000': write a number from 0 to 1e+12"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_demand_says_what_is_wrong(faults, content, report):
    assert faults(content) == [report]


def test_files_in_another_encoding_are_refused(faults):
    (found,) = faults(b"timestamp,web\n2026-01-01T00:00Z,1 " + b"\xa0\n")
    assert found.startswith("demand.file = 'demand.csv': cannot be read: 'utf-8' codec")


@pytest.mark.parametrize("file", ["demand.txt", "demand.csv.gz", "demand"])
def test_other_sorts_of_files_are_refused(faults, file):
    assert faults("timestamp,web\n", file=file) == [
        f"demand.file = '{file}': name a .csv or .parquet file"
    ]


def test_parquet_files_are_read_wide_and_long(read):
    table = hourly(3, web=[1, 2, 3])
    assert values(read(table, file="demand.parquet")) == {"web": [1, 2, 3]}
    long = hourly(3, workload=pd.Categorical(["web"] * 3), value=[1.5, 2, 3])
    assert values(read(long, file="demand.parquet")) == {"web": [1.5, 2, 3]}
    indexed = table.set_index("timestamp")
    assert values(read(indexed, file="demand.parquet")) == {"web": [1, 2, 3]}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_timestamps_may_have_any_resolution(read, unit):
    table = hourly(3, web=[1, 2, 3])
    table["timestamp"] = table["timestamp"].dt.as_unit(unit)
    assert read(table, file="demand.parquet").start == START


def test_parquet_rows_are_numbered_from_one(faults):
    table = hourly(4, web=[1.0, -2.0, np.nan, 4.0])
    table.loc[3, "timestamp"] = pd.NaT
    assert faults(table, file="demand.parquet") == [
        "demand.file row 4 timestamp = 'blank or NaN': write ISO 8601, such as 2026-01-01T00:00Z",
        "demand.file row 2 web = -2.0: write a number from 0 to 1e+12, or repair: [negatives]",
        "demand.file row 3 web = 'blank or NaN': write a number from 0 to 1e+12, or "
        "repair: [gaps], and [edges] where the series begins or ends so",
    ]


def test_naive_parquet_timestamps_need_the_zone_of_the_request(read, faults):
    table = hourly(2, web=[1, 2])
    table["timestamp"] = table["timestamp"].dt.tz_localize(None)
    demand = read(table, file="demand.parquet", timezone="America/New_York")
    assert demand.start == datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert faults(table, file="demand.parquet")[0] == (
        "demand.file row 1 timestamp = '2026-01-01T00:00:00': carries no offset; "
        "write one (…Z) or name the file's timezone in demand.timezone (2 rows)"
    )


def test_broken_parquet_files_are_refused(faults):
    (found,) = faults("timestamp,web\n", file="demand.parquet")
    assert found.startswith("demand.file = 'demand.parquet': cannot be read: ")


def test_an_example_is_found_by_its_name(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "demand.csv").write_text(WIDE)
    demand = read_demand(DemandSource(example="shop"), {"web"}, folder=tmp_path, examples=tmp_path)
    assert values(demand) == {"web": [1, 2.5]}
    with pytest.raises(InvalidInputError) as error:
        read_demand(DemandSource(example="ship"), {"web"}, folder=tmp_path, examples=tmp_path)
    assert str(error.value) == "demand.example = 'ship': no such example; there are: shop"


def test_inline_series_are_checked_value_by_value(tmp_path):
    series = {"a": [1, -2, 3], "b": [1.0, float("nan")], "c": []}
    source = DemandSource(inline={"start": START, "series": series})
    with pytest.raises(InvalidInputError) as error:
        read_demand(source, {"a", "b", "c", "d"}, folder=tmp_path)
    assert str(error.value).splitlines() == [
        "demand.inline.series = 'd': no such series; it has a, b, c",
        "demand.inline.series.a.1 = -2.0: write a number from 0 to 1e+12",
        "demand.inline.series.b = '2 hours': give every series the same 3 hours or more",
        "demand.inline.series.b.1 = nan: write a number from 0 to 1e+12",
        "demand.inline.series.c = '0 hours': give every series the same 3 hours or more",
    ]


def test_inline_demand_starts_at_its_moment_in_utc(tmp_path):
    source = DemandSource(inline={"start": "2026-01-01T02:00+02:00", "series": {"a": [1]}})
    assert read_demand(source, {"a"}, folder=tmp_path).start == START
