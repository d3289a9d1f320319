"""The fix that a fault of a demand file offers is one that mends it."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from catalogs import InvalidInputError
from planner.demand import read_demand
from planner.request import DemandSource

HOURS = 24 * 365
NEW_YORK = "America/New_York"


@pytest.fixture
def read(tmp_path):
    def read_table(table, *names, **source):
        table.to_csv(tmp_path / "demand.csv", index=False)
        source = DemandSource(file="demand.csv", **source)
        return read_demand(source, set(names or ["web"]), folder=tmp_path)

    return read_table


@pytest.fixture
def faults(read):
    def faults_of(*args, **options):
        with pytest.raises(InvalidInputError) as error:
            read(*args, **options)
        return str(error.value).splitlines()

    return faults_of


def table(count=48, freq="h", zone="UTC", start="2025-01-01"):
    moments = pd.date_range(start, periods=count, freq=freq, tz=zone)
    return pd.DataFrame({"timestamp": moments.strftime("%Y-%m-%dT%H:%M:%SZ"), "web": 1.0})


def local(zone=NEW_YORK):
    """A year of local hours, as a clock on the wall shows them: one twice, one never."""
    hours = table(HOURS, zone=zone)
    return hours.assign(timestamp=hours["timestamp"].str.rstrip("Z"))


def test_rows_of_minutes_are_offered_to_be_resampled(read, faults):
    minutes = table(96, freq="15min")
    (found, *_) = faults(minutes)
    assert found == (
        "demand.file row 3 timestamp = '2025-01-01T00:15:00Z': does not fall on a whole UTC hour; "
        "of rows shorter than an hour say resample: mean (or sum, max), of others "
        "repair: [irregular]"
    )
    assert found.split(": ", 1)[1] in faults(minutes, repair=["gaps"])[0]
    assert read(minutes, resample="sum").series["web"].tolist() == [4.0] * 24


def test_a_series_that_ends_early_is_one_fault_that_offers_edges(read, faults):
    both = pd.concat([table().assign(workload=name) for name in ("web", "db")])
    short = both.rename(columns={"web": "value"}).iloc[:-10]
    assert faults(short, "web", "db") == [
        "demand.file series db = '2025-01-01T00:00:00Z to 2025-01-03T00:00:00Z': the series is "
        "known from 2025-01-01T00:00:00Z to 2025-01-02T14:00:00Z only; "
        "repair: {edges: zero} or {edges: trim}"
    ]
    assert faults(short, "web", "db", repair=["gaps"]) == faults(short, "web", "db")
    assert read(short, "web", "db", repair={"edges": "trim"}).hours == 38


def test_blank_cells_are_offered_to_be_filled(read, faults):
    holed = table()
    holed.loc[5, "web"] = None
    assert faults(holed) == [
        "demand.file row 7 web = 'blank or NaN': write a number from 0 to 1e+12, or "
        "repair: [gaps], and [edges] where the series begins or ends so"
    ]
    assert read(holed, repair=["gaps", "edges"]).series["web"].tolist() == [1.0] * 48


def test_rows_without_offset_are_one_fault_with_their_count(faults):
    naive = local()
    without = (
        "demand.file row 2 timestamp = '2025-01-01T00:00:00': carries no offset; write one (…Z) "
        "or name the file's timezone in demand.timezone (8,760 rows)"
    )
    assert faults(naive) == [without]
    assert faults(naive, repair="all") == [without]


def test_local_hours_taken_for_utc_are_told_of_the_clock_and_not_of_absent_zero(read, faults):
    doubled, lost = faults(local(), timezone="UTC")
    assert doubled.startswith("demand.file row 7323 timestamp = '2025-11-02T01:00:00Z': ")
    assert lost.startswith("demand.file series web = '2025-03-09T02:00:00Z': ")
    for found in (doubled, lost):
        assert f"say timezone: {NEW_YORK}, repair: [clock_change]" in found
        assert "absent: zero" not in found
    # The same where rules are named, which have their turns one by one.
    assert faults(local(), timezone="UTC", repair=["negatives"]) == [doubled]
    assert faults(local(), timezone="UTC", repair=["duplicates"]) == [lost]
    assert read(local(), timezone=NEW_YORK, repair=["clock_change"]).hours == HOURS


@pytest.mark.parametrize(
    ("zone", "lost"), [("Europe/Paris", "2025-03-30T02"), ("Europe/London", "2025-03-30T01")]
)
def test_the_clock_that_changes_in_an_hour_is_named(faults, zone, lost):
    found = faults(local(zone), timezone="UTC")
    assert len(found) == 2
    assert f"'{lost}:00:00Z'" in found[1]
    assert f"timezone: {zone}" in found[1]


def test_the_hour_that_comes_twice_in_a_named_zone_offers_the_rule_alone(read, faults):
    *refused, first, second = faults(local(), timezone=NEW_YORK)
    assert len(refused) == 2
    assert all(one.endswith("write its offset, or repair: [clock_change]") for one in refused)
    for found, hour in ((first, 5), (second, 6)):
        assert found == (
            f"demand.file series web = '2025-11-02T0{hour}:00:00Z': clocks of {NEW_YORK} change "
            "about this hour; repair: [clock_change, gaps]"
        )
    assert read(local(), timezone=NEW_YORK, repair=["clock_change", "gaps"]).hours == HOURS


def test_hours_lost_or_doubled_on_other_days_are_gaps_and_duplicates(faults):
    hours = table(HOURS)
    hours = pd.concat([hours.drop(index=4000), hours.iloc[[5000]]])
    doubled, lost = faults(hours)
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=4000)
    assert doubled.endswith("keep one, or repair: [duplicates]")
    assert lost == (
        f"demand.file series web = '{at:%Y-%m-%dT%H}:00:00Z': no row for this hour; add it, or "
        "repair: [gaps], or absent: zero where nothing ran"
    )


def test_a_longer_gap_about_a_clock_change_is_a_gap(faults):
    hours = table(HOURS)
    changed = hours.index[hours["timestamp"] == "2025-03-09T02:00:00Z"][0]
    found = faults(hours.drop(index=range(changed - 3, changed + 3)))
    assert len(found) == 6
    assert all(one.endswith("or absent: zero where nothing ran") for one in found)


@pytest.mark.parametrize(("sign", "told"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
def test_a_file_without_commas_is_told_once_what_sets_its_fields_apart(tmp_path, sign, told):
    path = tmp_path / "demand.csv"
    lines = [sign.join(["timestamp", "web"])]
    lines += [sign.join([f"2026-01-01T{hour:02}:00Z", "12,5"]) for hour in range(24)]
    path.write_text("\ufeff" + "\n".join(lines))

    with pytest.raises(InvalidInputError) as error:
        read_demand(DemandSource(file=path.name), {"web"}, folder=tmp_path)

    (fault,) = error.value.faults
    assert f"its fields are set apart by {told}; write commas" in fault.fix
