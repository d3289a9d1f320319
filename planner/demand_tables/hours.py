"""The timestamps of a demand file as UTC hours, each that is none of them named."""

from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.faults import SHOWN, FaultList, RowFaults
from planner.request import DemandSource

_OFFSET = r"[T ]\d{2}.*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"
"""An offset, which only a time of day can carry: the date itself has hyphens and digits too."""

YEARS = (1970, 2200)
"""Years a demand may lie in."""

ZONE_FIX = "no such zone; write one like Europe/Paris"
OFFSET_FIX = "carries no offset; write one (…Z) or name the file's timezone in demand.timezone"
UNREADABLE_FIX = "write ISO 8601, such as 2026-01-01T00:00Z"
CHANGE_FIX = "this local hour comes twice or never (clock change); write its offset"
YEARS_FIX = "write a year from {} to {}".format(*YEARS)


class _Refuse(Protocol):
    """Takes whether each distinct timestamp is bad, what to show of it, and the fix."""

    def __call__(
        self, bad: pd.Series, shown: pd.Series, fix: str, *, once: bool = False
    ) -> None: ...


class Hours(Protocol):
    """Reads the timestamps of rows, piece by piece."""

    def hours(self, stamps: pd.Series) -> NDArray[np.int32]:
        """A number of each row [row]; ``stamps`` is indexed by the rows' numbers."""

    def settle(self) -> None:
        """Report what was found wrong."""


class HourColumn:
    """The timestamp column of a file, read piece by piece; collects its faults on the way."""

    def __init__(self, source: DemandSource, faults: FaultList) -> None:
        self._name, self._faults = source.timezone, faults
        self._zone = find_zone(self._name)
        self._rows = RowFaults(faults)

    def hours(self, stamps: pd.Series) -> NDArray[np.int32]:
        """Hours since 1970, UTC [row]; -1 (and a fault) where a timestamp is none, or off the hour.

        ``stamps`` is indexed by the rows' numbers.
        """
        # Scenarios and series share their hours: each distinct timestamp is read once.
        code, values = pd.factorize(stamps)
        blank = len(values)
        code = np.where(code < 0, blank, code)
        distinct = pd.Series(values).reindex(range(blank + 1))
        refuse = partial(self._refuse, code, stamps.index.to_numpy())
        hours = self._whole(self._absolute(distinct, refuse), distinct, refuse)
        since_1970 = hours.to_numpy(dtype="datetime64[h]").astype(np.int64)
        known = np.where(hours.notna(), since_1970, -1).astype(np.int32)
        return known[code]

    def settle(self) -> None:
        """Report what was found wrong."""
        if self._name is not None and self._zone is None:
            self._faults.stop(self._name, ZONE_FIX, field="demand.timezone")
        self._rows.settle()

    def _refuse(
        self, code: NDArray[np.intp], rows: NDArray[np.int64],
        bad: pd.Series, shown: pd.Series, fix: str, *, once: bool = False,
    ) -> None:  # fmt: skip
        refused = np.zeros(code.max(initial=0) + 1, dtype=bool)
        places = bad.index[bad.to_numpy(dtype=bool)].to_numpy()
        refused[places[places < len(refused)]] = True
        at = np.flatnonzero(refused[code])
        listed = shown.loc[list(code[at[:SHOWN]])]
        self._rows.refuse(rows[at], listed, "timestamp", fix, once=once)

    def _absolute(self, stamps: pd.Series, refuse: _Refuse) -> pd.Series:
        """UTC moments; NaT (and a fault) where a timestamp is none."""
        if isinstance(stamps.dtype, pd.DatetimeTZDtype):
            _refuse_unreadable(stamps.isna(), stamps, refuse)
            moments: pd.Series = stamps.dt.tz_convert("UTC")
            return moments
        if pd.api.types.is_datetime64_any_dtype(stamps):
            _refuse_unreadable(stamps.isna(), stamps, refuse)
            return self._localized(stamps, refuse)
        return self._parsed(stamps.astype("string"), refuse)

    def _whole(self, moments: pd.Series, stamps: pd.Series, refuse: _Refuse) -> pd.Series:
        """The same moments; NaT (and a fault) where one is no hour of the years allowed."""
        far = moments.notna() & ~moments.dt.year.between(*YEARS)
        refuse(far, stamps, YEARS_FIX)
        moments = moments.mask(far).dt.as_unit("ns")
        off = moments.notna() & (moments != moments.dt.floor("h"))
        refuse(off, stamps, self._faults.off_fix)
        on_the_hour: pd.Series = moments.mask(off)
        return on_the_hour

    def _parsed(self, stamps: pd.Series, refuse: _Refuse) -> pd.Series:
        with_offset, naive = parse_stamps(stamps)
        absolute = with_offset.notna()
        _refuse_unreadable(with_offset.isna() & naive.isna(), stamps, refuse)
        local = self._localized(naive[naive.notna()], refuse)
        return with_offset.where(absolute, local.reindex(stamps.index))

    def _localized(self, naive: pd.Series, refuse: _Refuse) -> pd.Series:
        if self._zone is None:
            refuse(naive.notna(), naive, OFFSET_FIX, once=True)
            return pd.Series(pd.NaT, index=naive.index, dtype="datetime64[us, UTC]")
        local = naive.dt.tz_localize(self._zone, ambiguous="NaT", nonexistent="NaT")
        fix = self._faults.mended_by(CHANGE_FIX, "clock_change")
        refuse(naive.notna() & local.isna(), naive, fix)
        absolute: pd.Series = local.dt.tz_convert("UTC")
        return absolute


def parse_stamps(stamps: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Timestamps written with an offset, as UTC, and those without; NaT where they are not so."""
    text = stamps.astype("string")
    absolute = text.str.contains(_OFFSET, na=False)
    with_offset = pd.to_datetime(text.where(absolute), utc=True, format="ISO8601", errors="coerce")
    naive = pd.to_datetime(text.mask(absolute), format="ISO8601", errors="coerce")
    return with_offset, naive


def _refuse_unreadable(bad: pd.Series, stamps: pd.Series, refuse: _Refuse) -> None:
    refuse(bad, stamps, UNREADABLE_FIX)


def find_zone(name: str | None) -> ZoneInfo | None:
    """The zone; None also where there is none of that name, which waits its turn as a fault."""
    try:
        return None if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
