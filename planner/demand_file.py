"""Hourly series from a demand file, long or wide, each faulty row and missing hour named."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_table import LARGEST, SHOWN, VALUE_FIX, FaultList, load_table
from planner.request import DemandSource

_OFFSET = r"[T ]\d{2}.*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"
"""An offset, which only a time of day can carry: the date itself has hyphens and digits too."""

_YEARS = (1970, 2200)
"""Years a demand may lie in."""


def read_series(
    file: Path, source: DemandSource, names: set[str], field: str
) -> tuple[datetime, dict[str, NDArray[np.float64]]]:
    """First hour (UTC) and the named series [hour] of a file, checked row by row.

    Long files have the columns of ``source.columns``; wide ones a timestamp column and one
    column per series. ``field`` names the file in faults.

    Raises:
        InvalidInputError: unreadable file, missing columns or series, and every row that is
            repeated, negative, not a number, off the hour or without a time zone; missing hours.
    """
    reader = _Reader(source, FaultList(field, source))
    table = load_table(file, source, reader.faults)
    long = {source.columns.workload, source.columns.value} <= set(table.columns)
    rows = reader.from_long(table, names) if long else reader.from_wide(table, names)
    complete = reader.complete(rows)
    reader.faults.faults.raise_if_any()
    start: datetime = complete.index[0].to_pydatetime()
    return start, {str(name): complete[name].to_numpy(dtype=float) for name in complete.columns}


class _Reader:
    """One reading of one table; collects faults on the way.

    Values and hours that are refused stay in the tables as zeros and NaT: they are reported
    once, and never taken for missing hours. Nothing is returned once a fault is found.
    """

    def __init__(self, source: DemandSource, faults: FaultList) -> None:
        self.source, self.faults = source, faults

    def from_long(self, table: pd.DataFrame, names: set[str]) -> pd.DataFrame:
        """One column per named series [hour] from rows of (timestamp, workload, value)."""
        columns = self.source.columns
        series = table[columns.workload].astype(str)
        self._need_series(names, set(series))
        wanted = series.isin(names)
        rows = pd.DataFrame(
            {
                "hour": self._hours(table.loc[wanted, columns.timestamp]),
                "series": series[wanted],
                "value": self._values(table.loc[wanted, columns.value], columns.value),
            }
        ).dropna(subset="hour")
        self._refuse_repeated(rows.duplicated(["hour", "series"]), rows["hour"])
        rows = rows.drop_duplicates(["hour", "series"])
        return rows.pivot_table(index="hour", columns="series", values="value", dropna=False)

    def from_wide(self, table: pd.DataFrame, names: set[str]) -> pd.DataFrame:
        """The named columns [hour] of a table with a row per hour."""
        stamp = self.source.columns.timestamp
        self._need_series(names, {str(column) for column in table.columns} - {stamp})
        hours = self._hours(table[stamp])
        wide = pd.DataFrame({name: self._values(table[name], name) for name in sorted(names)})
        known = hours.notna()
        wide, hours = wide[known], hours[known]
        repeated = hours.duplicated()
        self._refuse_repeated(repeated, hours)
        return wide[~repeated].set_index(pd.DatetimeIndex(hours[~repeated], name="hour"))

    def complete(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Every hour from the first to the last, missing ones reported (or zero, if so asked)."""
        if rows.empty:
            self.faults.faults.raise_if_any()
        full = rows.reindex(pd.date_range(rows.index.min(), rows.index.max(), freq="h"))
        if self.source.absent == "zero":
            return full.fillna(0.0)
        for name in full.columns:
            missing = full.index[full[name].isna()]
            named: list[tuple[str, object]] = [
                (f"{self.faults.field} series {name}", hour) for hour in missing[:SHOWN]
            ]
            fix = "no row for this hour; add it (or write absent: zero)"
            self.faults.report(named, fix, total=len(missing))
        return full

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

    def _refuse_repeated(self, repeated: pd.Series, hours: pd.Series) -> None:
        fix = "this hour stands in an earlier row; keep one"
        self.faults.refuse(repeated, hours, "timestamp", fix)

    def _need_series(self, names: set[str], known: set[str]) -> None:
        listed = ", ".join(sorted(known)[:SHOWN])
        for name in sorted(names - known):
            field = f"{self.faults.field} series"
            self.faults.faults.add(field, name, f"no such series; it has {listed}")
        self.faults.faults.raise_if_any()
