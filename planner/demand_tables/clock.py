"""Lost and doubled hours that a change of clocks explains better than a fault of the rows."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.faults import FaultList

Ints = NDArray[np.int64]

CLOCKS: tuple[str, ...] = ("America/New_York", "Europe/Paris", "Europe/London", "Australia/Sydney")
"""Clocks that files without a zone, or with a wrong one, most likely keep."""

LONGEST_HOURS = 2
"""Longer gaps are no clock change: where both rows of a doubled hour are refused, two are lost."""


def report_lost(
    hours: Ints, zone: str | None, field: str, otherwise: str, faults: FaultList
) -> None:
    """Report hours of one series that have no row.

    Args:
        hours: since 1970, UTC; ascending.
        zone: the source's.
        field: names the series.
        otherwise: the fix where no clock changes.
        faults: where to report.
    """
    short = (_run_lengths(hours) <= LONGEST_HOURS) & faults.mends
    clock = np.full(len(hours), "", dtype=object)
    clock[short] = _clocks_changing(hours[short], zone)
    faults.report_hours(field, hours[clock == ""], otherwise)
    for name in sorted({*clock[clock != ""]}):
        faults.report_hours(field, hours[clock == name], _lost_fix(name, zone))


def doubled_fixes(hours: Ints, zone: str | None, otherwise: str) -> dict[str, NDArray[np.bool_]]:
    """The fix of rows whose hour stands in an earlier one, and which rows it is for [row].

    In a file whose zone is known the rule `clock_change` has had its turn already.
    """
    if not _is_plain(zone):
        return {otherwise: np.ones(len(hours), dtype=bool)}
    clock = _clocks_changing(hours, None)
    fixes = {otherwise: clock == ""}
    for name in CLOCKS:
        fix = f"this hour stands in an earlier row, and {_local_times(name)}keep one, or"
        fixes[f"{fix} repair: [duplicates]"] = clock == name
    return {fix: rows for fix, rows in fixes.items() if rows.any()}


def _lost_fix(clock: str, zone: str | None) -> str:
    if clock == zone:
        return f"clocks of {zone} change about this hour; repair: [clock_change, gaps]"
    return f"no row for this hour, and {_local_times(clock)}add it, or repair: [gaps]"


def _local_times(clock: str) -> str:
    return (
        f"clocks change then, as in {clock}: if these are local times, write them without offset "
        f"and say timezone: {clock}, repair: [clock_change]; if not, "
    )


def _is_plain(zone: str | None) -> bool:
    """Whether a source says nothing of a clock that changes."""
    return zone in {None, "UTC"}


def _clocks_changing(hours: Ints, zone: str | None) -> NDArray[np.object_]:
    """Whose clocks change in each hour or the one before, which ends are stamped by; "" if none.

    Of a source without zone the hours are taken for what its clock showed.
    """
    moments = pd.DatetimeIndex(hours.astype("datetime64[h]").astype("datetime64[s]"))
    clocks = CLOCKS if zone is None or _is_plain(zone) else (zone,)
    if clocks is not CLOCKS:
        moments = moments.tz_localize("UTC").tz_convert(zone).tz_localize(None)
    found = np.full(len(hours), "", dtype=object)
    for back in (pd.Timedelta(0), pd.Timedelta(hours=1)):
        for clock in clocks:
            local = (moments - back).tz_localize(clock, ambiguous="NaT", nonexistent="NaT")
            found[local.isna() & (found == "")] = clock
    return found


def _run_lengths(hours: Ints) -> Ints:
    """How many hours without a break each belongs to [hour]."""
    begins = np.flatnonzero(np.diff(hours, prepend=-2) != 1)
    lengths = np.diff(np.append(begins, len(hours)))
    return np.repeat(lengths, lengths)
