"""Hourly series from a demand file, long or wide, each faulty row and missing hour named."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_cells import Cells, report_holes
from planner.demand_scenarios import scenario_of_row
from planner.demand_table import LARGEST, SHOWN, VALUE_FIX, FaultList, load_table, positions
from planner.request import DemandSource

_OFFSET = r"[T ]\d{2}.*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"
"""An offset, which only a time of day can carry: the date itself has hyphens and digits too."""

_YEARS = (1970, 2200)
"""Years a demand may lie in."""


def read_series(
    file: Path, source: DemandSource, names: set[str], scenarios: Mapping[str, float], field: str
) -> tuple[datetime, dict[str, NDArray[np.float64]]]:
    """First hour (UTC) and the named series of a file, checked row by row.

    Long files have the columns of ``source.columns``; wide ones a timestamp column and one
    column per series; either has a column of scenarios where ``scenarios`` (name: probability)
    names some. A series is [moment]: the hours of the first scenario, then those of the next.
    ``field`` names the file in faults.

    Raises:
        InvalidInputError: unreadable file, missing columns, series or scenarios, and every row
            that is repeated, negative, not a number, off the hour, without a time zone or of an
            unknown scenario; missing hours.
    """
    faults = FaultList(field, source)
    table = load_table(file, source, faults)
    scenario = scenario_of_row(table, source, scenarios, faults)
    reader = _Reader(source, sorted(names), tuple(scenarios), faults)
    long = {source.columns.workload, source.columns.value} <= set(table.columns)
    cells = reader.from_long(table, scenario) if long else reader.from_wide(table, scenario)
    if source.absent == "fault":
        report_holes(cells, reader.scenarios, reader.names, faults)
    faults.faults.raise_if_any()
    dense = cells.dense(max(1, len(scenarios)), len(reader.names))
    series = dict(zip(reader.names, dense.reshape(len(dense), -1), strict=True))
    return cells.start, series


class _Reader:
    """One reading of one table; collects faults on the way.

    Values that are refused become zeros, rows whose hour or scenario is refused are left out:
    they are reported once. Nothing is returned once a fault is found.
    """

    def __init__(
        self, source: DemandSource, names: list[str], scenarios: tuple[str, ...], faults: FaultList
    ) -> None:
        self.source, self.names, self.scenarios, self.faults = source, names, scenarios, faults

    def from_long(self, table: pd.DataFrame, scenario: NDArray[np.intp]) -> Cells:
        """The named series of rows of (timestamp, workload, value)."""
        columns = self.source.columns
        series, known = positions(table[columns.workload], self.names)
        self._need_series(known)
        wanted = series >= 0
        self._need_rows(scenario, wanted)
        table, scenario, series = table[wanted], scenario[wanted], series[wanted]
        hours = self._hours(table[columns.timestamp])
        values = self._values(table[columns.value], columns.value)
        kept = self._placed(hours, scenario, series)
        return Cells(
            scenario=scenario[kept],
            series=series[kept],
            hour=_since_1970(hours[kept]),
            value=values.to_numpy()[kept],
        )

    def from_wide(self, table: pd.DataFrame, scenario: NDArray[np.intp]) -> Cells:
        """The named columns of a table with a row per hour and scenario."""
        columns, width = self.source.columns, len(self.names)
        self._need_series(
            [str(one) for one in table.columns if one not in (columns.timestamp, columns.scenario)]
        )
        hours = self._hours(table[columns.timestamp])
        values = np.column_stack([self._values(table[name], name) for name in self.names])
        kept = self._placed(hours, scenario)
        return Cells(
            scenario=np.repeat(scenario[kept], width),
            series=np.tile(np.arange(width), int(kept.sum())),
            hour=np.repeat(_since_1970(hours[kept]), width),
            value=values[kept].ravel(),
        )

    def _placed(self, hours: pd.Series, *places: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Rows that have an hour and a scenario, the first of each hour, scenario and series."""
        known = hours.notna().to_numpy() & np.logical_and.reduce([place >= 0 for place in places])
        key = _since_1970(hours[known])
        for place in places:
            key = key * (place.max(initial=0) + 1) + place[known]
        repeated = np.zeros(len(hours), dtype=bool)
        repeated[known] = pd.Index(key).duplicated()
        fix = "this hour stands in an earlier row; keep one"
        self.faults.refuse(pd.Series(repeated, index=hours.index), hours, "timestamp", fix)
        placed: NDArray[np.bool_] = known & ~repeated
        if not placed.any():
            self.faults.faults.raise_if_any()
        return placed

    def _hours(self, stamps: pd.Series) -> pd.Series:
        """UTC hours; NaT (and a fault) where a timestamp is none or lies off the hour."""
        zone = self._zone()
        if isinstance(stamps.dtype, pd.DatetimeTZDtype):
            self._refuse_unreadable(stamps.isna(), stamps)
            hours = stamps.dt.tz_convert("UTC")
        elif pd.api.types.is_datetime64_any_dtype(stamps):
            self._refuse_unreadable(stamps.isna(), stamps)
            hours = self._localized(stamps, zone)
        else:
            hours = self._parsed(stamps.astype("string"), zone)
        far = hours.notna() & ~hours.dt.year.between(*_YEARS)
        self.faults.refuse(far, stamps, "timestamp", "write a year from {} to {}".format(*_YEARS))
        hours = hours.mask(far).dt.as_unit("ns")
        off = hours.notna() & (hours != hours.dt.floor("h"))
        fix = "does not fall on a whole UTC hour; write whole hours"
        self.faults.refuse(off, stamps, "timestamp", fix)
        on_the_hour: pd.Series = hours.mask(off)
        return on_the_hour

    def _zone(self) -> ZoneInfo | None:
        name = self.source.timezone
        if name is None:
            return None
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            fix = "no such zone; write one like Europe/Paris"
            self.faults.stop(name, fix, field="demand.timezone")

    def _parsed(self, stamps: pd.Series, zone: ZoneInfo | None) -> pd.Series:
        absolute = stamps.str.contains(_OFFSET, na=False)
        with_offset = pd.to_datetime(
            stamps.where(absolute), utc=True, format="ISO8601", errors="coerce"
        )
        naive = pd.to_datetime(stamps.mask(absolute), format="ISO8601", errors="coerce")
        self._refuse_unreadable(with_offset.isna() & naive.isna(), stamps)
        local = self._localized(naive[naive.notna()], zone)
        return with_offset.where(absolute, local.reindex(stamps.index))

    def _localized(self, naive: pd.Series, zone: ZoneInfo | None) -> pd.Series:
        if zone is None:
            fix = "carries no offset; write one (…Z) or name the file's timezone in demand.timezone"
            self.faults.refuse(naive.notna(), naive, "timestamp", fix)
            return pd.Series(pd.NaT, index=naive.index, dtype="datetime64[us, UTC]")
        local = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        fix = "this local hour comes twice or never (clock change); write its offset"
        self.faults.refuse(naive.notna() & local.isna(), naive, "timestamp", fix)
        absolute: pd.Series = local.dt.tz_convert("UTC")
        return absolute

    def _values(self, column: pd.Series, name: str) -> pd.Series:
        values = pd.to_numeric(column, errors="coerce").astype(float)
        bad = ~values.between(0, LARGEST)
        self.faults.refuse(bad, column, name, VALUE_FIX)
        return values.mask(bad, 0.0)

    def _refuse_unreadable(self, bad: pd.Series, stamps: pd.Series) -> None:
        self.faults.refuse(bad, stamps, "timestamp", "write ISO 8601, such as 2026-01-01T00:00Z")

    def _need_rows(self, scenario: NDArray[np.intp], wanted: NDArray[np.bool_]) -> None:
        """A scenario that only has rows of other series has no hours to be missed from."""
        if self.source.absent == "zero" or not self.scenarios or wanted.all():
            return
        idle = np.setdiff1d(scenario, scenario[wanted])
        for place in idle[idle >= 0]:
            field = f"{self.faults.field} scenario {self.scenarios[place]} series"
            fix = "no row of it; add them (or write absent: zero)"
            self.faults.faults.add(field, ", ".join(self.names[:SHOWN]), fix)

    def _need_series(self, known: list[str]) -> None:
        listed = ", ".join(sorted(known)[:SHOWN])
        lacking = sorted(set(self.names) - set(known))
        for name in lacking:
            field = f"{self.faults.field} series"
            self.faults.faults.add(field, name, f"no such series; it has {listed}")
        if lacking:
            self.faults.faults.raise_if_any()


def _since_1970(hours: pd.Series) -> NDArray[np.int64]:
    return hours.to_numpy(dtype="datetime64[h]").astype(np.int64)
