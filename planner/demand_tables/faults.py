"""Faults of one demand file, each at its row; those of one sort are counted after the first."""

from collections.abc import Iterable
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalogs import Faults, InvalidInputError
from planner.request import DemandSource

LARGEST = 1e12
"""The largest demand of an hour."""

VALUE_FIX = f"write a number from 0 to {LARGEST:.0e}"

EDGE_FIX = "the series is known from {} to {} only; repair: {{edges: zero}} or {{edges: trim}}"

SHOWN = 20
"""So many faults of one sort are listed one by one; the rest are counted."""


class FaultList:
    """Faults of one file or server, by its field in the request and the name it has there.

    Attributes:
        field: in the request.
        name: of the file or server.
        mends: whether `demand.repair` may mend its rows: none of usage, none of several futures.
        faults: those found.
    """

    def __init__(self, field: str, source: DemandSource, *, futures: bool = False) -> None:
        self.field = field
        self.mends = field.startswith("demand.") and not futures
        server = source.prometheus or source.kubernetes
        self.name = str(source.file or source.example or (server and server.url))
        self.faults = Faults()

    def report(
        self, faults: list[tuple[str, object]], fix: str, total: int, *, once: bool = False
    ) -> None:
        """Report these (field, value) pairs, or ``once`` the first, and how many more there are."""
        if once and total > 1:
            faults, fix, total = faults[:1], f"{fix} ({total:,} rows)", 1
        for field, value in faults:
            self.faults.add(field, _shown(value), fix)
        if total > len(faults):
            self.faults.add(self.field, f"{total - len(faults)} more such places", fix)

    def report_hours(self, field: str, hours: NDArray[np.int64], fix: str) -> None:
        """Report hours, since 1970, of what ``field`` names."""
        named: list[tuple[str, object]] = [(field, hour_stamp(hour)) for hour in hours[:SHOWN]]
        self.report(named, fix, total=len(hours))

    def stop(self, value: str, fix: str, field: str | None = None) -> NoReturn:
        """Report this and everything before it; nothing further can be read."""
        self.faults.add(field or self.field, value, fix)
        raise InvalidInputError(self.faults.found)

    def mended_by(self, fix: str, rule: str) -> str:
        """The fix, with the rule of `demand.repair` that would mend it."""
        return f"{fix}, or repair: [{rule}]" if self.mends else fix

    @property
    def off_fix(self) -> str:
        """What to do with rows off the hour."""
        off = "does not fall on a whole UTC hour; "
        shorter = "of rows shorter than an hour say resample: mean (or sum, max), of others "
        return f"{off}{shorter}repair: [irregular]" if self.mends else f"{off}write whole hours"

    @property
    def blank_fix(self) -> str:
        """What to do with blank cells."""
        ends = ", and [edges] where the series begins or ends so" if self.mends else ""
        return self.mended_by(VALUE_FIX, "gaps") + ends

    @property
    def hole_fix(self) -> str:
        """What to do with hours without a row."""
        zero = "absent: zero where nothing ran"
        hole = "no row for this hour; add it, or "
        return f"{hole}repair: [gaps], or {zero}" if self.mends else f"{hole}write {zero}"

    def need(self, known: list[str], columns: list[str]) -> None:
        """Stop unless all columns are there."""
        for column in columns:
            if column not in known:
                fix = f"no such column; it has {', '.join(known)}"
                self.faults.add(f"{self.field} column", column, fix)
        self.faults.raise_if_any()


class RowFaults:
    """Rows refused while a file is read piece by piece; reported sort by sort once it is read."""

    def __init__(self, faults: FaultList) -> None:
        self._faults = faults
        self._listed: dict[tuple[str, str], list[tuple[str, object]]] = {}
        self._total: dict[tuple[str, str], int] = {}
        self._once: set[tuple[str, str]] = set()

    def refuse(
        self, rows: NDArray[np.int64], shown: Iterable[object], column: str, fix: str, *,
        once: bool = False,
    ) -> None:  # fmt: skip
        """Note rows by their numbers, with what they have there (of the first rows at least).

        Sorts are reported in the order in which they are first mentioned here, even without rows;
        where all rows are likely to be faulty, the first of them stands for all ``once``.
        """
        if once:
            self._once.add((column, fix))
        listed = self._listed.setdefault((column, fix), [])
        self._total[column, fix] = self._total.get((column, fix), 0) + len(rows)
        for row, value in zip(rows[: SHOWN - len(listed)], shown, strict=False):
            listed.append((f"{self._faults.field} row {row} {column}", value))

    def settle(self) -> None:
        """Report what was noted."""
        for (column, fix), listed in self._listed.items():
            once = (column, fix) in self._once
            self._faults.report(listed, fix, total=self._total[column, fix], once=once)


def hour_stamp(hour: int) -> pd.Timestamp:
    """The hour so many after 1970, UTC."""
    return pd.Timestamp(int(hour), unit="h", tz="UTC")


def _shown(value: object) -> object:
    """A value as the report shows it: times in ISO 8601, what is missing by name."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return "blank or NaN"
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | float | int) else str(value)
