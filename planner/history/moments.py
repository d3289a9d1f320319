"""The timestamps of a history as UTC moments, hours of a clock change told apart if so asked."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables import SHOWN, FaultList
from planner.demand_tables.hours import (
    CHANGE_FIX,
    OFFSET_FIX,
    UNREADABLE_FIX,
    YEARS,
    YEARS_FIX,
    ZONE_FIX,
    find_zone,
    parse_stamps,
)


class StampCollector:
    """Keeps the timestamps of rows, read piece by piece; its numbers count them."""

    def __init__(self) -> None:
        self._pieces: list[pd.Series] = []
        self._count = 0

    def hours(self, stamps: pd.Series) -> NDArray[np.int32]:
        """The place of each row's timestamp among all those collected [row]."""
        self._pieces.append(stamps)
        first, self._count = self._count, self._count + len(stamps)
        return np.arange(first, self._count, dtype=np.int32)

    def settle(self) -> None:
        """Nothing is wrong yet."""

    def collected(self) -> pd.Series:
        """All timestamps [row], indexed by the rows' numbers."""
        return pd.concat(self._pieces) if self._pieces else pd.Series(dtype="string")


@dataclass(frozen=True)
class Moments:
    """When rows are; arrays [row].

    Attributes:
        second: since 1970, UTC; where a local time comes twice, the first of the two.
        later: the second of the two; the same elsewhere.
        absent: whether the local time never was; ``second`` means nothing there.
    """

    second: NDArray[np.int64]
    later: NDArray[np.int64]
    absent: NDArray[np.bool_]


def read_moments(
    stamps: pd.Series, zone_name: str | None, faults: FaultList, *, group: NDArray[np.int32],
    ends: bool, change: bool,
) -> Moments:  # fmt: skip
    """The moments of rows; what is no timestamp is reported.

    Args:
        stamps: as the file has them, indexed by the rows' numbers.
        zone_name: of timestamps without an offset.
        faults: where to report.
        group: series of each row, whose rows follow each other at one distance.
        ends: whether timestamps name ends: moments are one such distance earlier.
        change: whether local times that come twice or never are no faults.

    Raises:
        InvalidInputError: the zone is none.
    """
    zone = find_zone(zone_name)
    if zone_name is not None and zone is None:
        faults.stop(zone_name, ZONE_FIX, field="demand.timezone")
    code, values = pd.factorize(stamps)
    distinct = pd.Series(values).reindex(range(len(values) + 1))  # the last is blank
    code = np.where(code < 0, len(values), code)
    absolute, naive = _parsed(distinct)
    if ends:
        shift = pd.Timedelta(seconds=_distance(absolute, naive, code, group))
        absolute, naive = absolute - shift, naive - shift
    report = _Reporter(stamps, code, faults)
    report.refuse(absolute.isna() & naive.isna(), UNREADABLE_FIX)
    if zone is None:
        report.refuse(naive.notna(), OFFSET_FIX, once=True)
    first, later, absent = _localized(naive, zone or ZoneInfo("UTC"))
    if not change:
        fix = faults.mended_by(CHANGE_FIX, "clock_change")
        report.refuse(naive.notna() & (absent | (first != later)), fix)
    found = absolute.where(absolute.notna(), first)
    far = found.notna() & ~found.dt.year.between(*YEARS)
    report.refuse(far, YEARS_FIX)
    faults.faults.raise_if_any()
    later = absolute.where(absolute.notna(), later)
    return Moments(_seconds(found)[code], _seconds(later)[code], absent.to_numpy()[code])


def _parsed(distinct: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Timestamps with an offset as UTC, and those without; NaT where they are not so."""
    if isinstance(distinct.dtype, pd.DatetimeTZDtype):
        nothing = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[us]")
        return distinct.dt.tz_convert("UTC").dt.as_unit("us"), nothing
    if pd.api.types.is_datetime64_any_dtype(distinct):
        nothing = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[us, UTC]")
        return nothing, distinct.dt.as_unit("us")
    absolute, naive = parse_stamps(distinct)
    return absolute.dt.as_unit("us"), naive.dt.as_unit("us")


def _localized(naive: pd.Series, zone: ZoneInfo) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Earlier and later moment of local times, and whether they never were."""
    given = naive.notna()
    flags = np.ones(len(naive), dtype=bool)
    first, later = (
        naive.dt.tz_localize(zone, ambiguous=summer, nonexistent="NaT").dt.tz_convert("UTC")
        for summer in (flags, ~flags)
    )
    return first, later, given & first.isna()


def _distance(
    absolute: pd.Series, naive: pd.Series, code: NDArray[np.intp], group: NDArray[np.int32]
) -> int:
    """Seconds from one row to the next of its series: the median."""
    seconds = np.where(absolute.notna(), _seconds(absolute), _seconds(naive))[code]
    order = np.argsort(group, kind="stable")
    step, same = np.abs(np.diff(seconds[order])), np.diff(group[order]) == 0
    step = step[same & (step > 0)]
    return int(np.median(step)) if len(step) else 3600


def _seconds(moments: pd.Series) -> NDArray[np.int64]:
    plain = moments.dt.tz_localize(None) if moments.dt.tz is not None else moments
    seconds: NDArray[np.int64] = plain.to_numpy(dtype="datetime64[s]").astype(np.int64)
    return seconds


class _Reporter:
    """Reports distinct timestamps at the rows that have them."""

    def __init__(self, stamps: pd.Series, code: NDArray[np.intp], faults: FaultList) -> None:
        self._stamps, self._code, self._faults = stamps, code, faults

    def refuse(self, bad: pd.Series, fix: str, *, once: bool = False) -> None:
        rows = np.flatnonzero(bad.to_numpy(dtype=bool)[self._code])
        named: list[tuple[str, object]] = [
            (
                f"{self._faults.field} row {self._stamps.index[row]} timestamp",
                self._stamps.iloc[row],
            )
            for row in rows[:SHOWN]
        ]
        self._faults.report(named, fix, total=len(rows), once=once)
