"""Files as strangers have them: local time, lost hours, minutes, days; each read by settings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from catalogs import InvalidInputError
from planner.demand import read_demand
from planner.request import DemandSource

DATA = Path(__file__).parents[1] / "../shared/data/demand"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/demand")

PJM = {
    "file": "pjm_load_hourly.parquet",
    "timezone": "America/New_York",
    "columns": {"workload": "zone", "value": "mw"},
    "stamp": "end",
}
TAXI = {"file": "nyc_taxi_30min.parquet", "timezone": "America/New_York", "resample": "sum"}
CLOUDWATCH = {
    "file": "nab_aws_cloudwatch_5min.parquet",
    "timezone": "UTC",
    "columns": {"workload": "series"},
    "resample": "mean",
}


def read(names, **source):
    return read_demand(DemandSource(**source), set(names), folder=DATA)


def rules(demand):
    return {one.rule for one in demand.repairs}


def test_loads_stamped_by_the_end_of_their_local_hour():
    mended = {"clock_change": True, "gaps": {"longest_hours": 24}, "edges": "trim"}
    demand = read(["AEP", "COMED"], **PJM, repair=mended)
    assert demand.start == datetime(2011, 1, 1, 5, tzinfo=UTC)
    assert rules(demand) == {"edges", "gaps"}
    raw = pd.read_parquet(DATA / PJM["file"])
    noon = raw[(raw["zone"] == "COMED") & (raw["timestamp"] == "2016-07-04 12:00")]["mw"].item()
    # Until noon in summer is the hour from 15:00 UTC on.
    place = (datetime(2016, 7, 4, 15, tzinfo=UTC) - demand.start) // timedelta(hours=1)
    assert demand.series["COMED"][place] == noon


def test_without_rules_each_faulty_row_is_named():
    with pytest.raises(InvalidInputError) as error:
        read(["AEP"], **(PJM | {"stamp": "start"}))
    assert "this local hour comes twice or never" in str(error.value)


def test_all_zones_take_no_more_than_the_word_all():
    zones = sorted(set(pd.read_parquet(DATA / PJM["file"], columns=["zone"])["zone"]))
    demand = read(zones, **PJM, repair="all")
    assert set(demand.series) == set(zones)
    assert all(np.isfinite(values).all() for values in demand.series.values())


def test_half_hours_of_local_time_whose_repeated_hour_stands_once():
    demand = read(["passengers"], **TAXI, repair={"clock_change": "split"})
    raw = pd.read_parquet(DATA / TAXI["file"])["passengers"]
    assert demand.series["passengers"].sum() == pytest.approx(raw.sum(), rel=1e-12)
    # 215 days from summer into winter time.
    assert demand.hours == 215 * 24 + 1
    assert {one.series for one in demand.repairs} == {"passengers"}


def test_five_minutes_with_repeated_and_lost_ones():
    names = ["ec2_disk_write_bytes_1ef3de", "ec2_cpu_utilization_5f5533"]
    mended = ["duplicates", "gaps", "edges", "partial_last_hour"]
    demand = read(names, **CLOUDWATCH, repair=mended)
    assert rules(demand) == {*mended, "resample"}
    with pytest.raises(InvalidInputError, match=r"repair: \[duplicates\]"):
        read(names, **CLOUDWATCH)


def test_every_series_of_five_minutes_is_read_by_the_word_all():
    names = set(pd.read_parquet(DATA / CLOUDWATCH["file"], columns=["series"])["series"])
    for name in sorted(names):
        demand = read([name], **CLOUDWATCH, repair="all")
        assert demand.hours > 48


def test_local_hours_with_the_hour_that_never_was():
    source = {"file": "bike_sharing_hourly.parquet", "timezone": "America/New_York"}
    demand = read(["users"], **source, repair=["clock_change"])
    raw = pd.read_parquet(DATA / source["file"])["users"]
    # Of two years: two hours that never were left out, two that came once for both given twice.
    assert demand.hours == len(raw) == 17_544
    assert sorted(one.done for one in demand.repairs) == [
        *["each of the two hours has the one row of both"] * 2,
        *["row left out: its local hour never was"] * 2,
    ]


def test_days_with_lost_weeks():
    demand = read(
        ["views"], file="web_visits_daily.parquet", columns={"timestamp": "date"}, timezone="UTC",
        where={"series": "wikipedia_Peyton_Manning"}, resample="sum",
        repair={"gaps": {"longest_hours": 480}},
    )  # fmt: skip
    raw = pd.read_parquet(DATA / "web_visits_daily.parquet")
    raw = raw[raw["series"] == "wikipedia_Peyton_Manning"]
    days = demand.series["views"].reshape(-1, 24).sum(axis=1)
    places = (raw["date"] - raw["date"].iloc[0]).dt.days
    assert days[places] == pytest.approx(raw["views"].to_numpy())
    lost = sum(one.count for one in demand.repairs if one.rule == "gaps")
    assert lost == 24 * (len(days) - len(raw))
