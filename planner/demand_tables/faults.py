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

SHOWN = 20
"""So many faults of one sort are listed one by one; the rest are counted."""


class FaultList:
    """Faults of one file or server, by its field in the request and the name it has there."""

    def __init__(self, field: str, source: DemandSource) -> None:
        self.field = field
        server = source.prometheus or source.kubernetes
        self.name = str(source.file or source.example or (server and server.url))
        self.faults = Faults()

    def report(self, faults: list[tuple[str, object]], fix: str, total: int) -> None:
        """Report these (field, value) pairs, and how many more there are."""
        for field, value in faults:
            self.faults.add(field, _shown(value), fix)
        if total > len(faults):
            self.faults.add(self.field, f"{total - len(faults)} more such places", fix)

    def stop(self, value: str, fix: str, field: str | None = None) -> NoReturn:
        """Report this and everything before it; nothing further can be read."""
        self.faults.add(field or self.field, value, fix)
        raise InvalidInputError(self.faults.found)

    def mended_by(self, fix: str, rule: str) -> str:
        """The fix, with the rule of `demand.repair` that would mend it; usage is never mended."""
        return f"{fix}, or repair: [{rule}]" if self.field.startswith("demand.") else fix

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

    def refuse(
        self, rows: NDArray[np.int64], shown: Iterable[object], column: str, fix: str
    ) -> None:
        """Note rows by their numbers, with what they have there (of the first rows at least).

        Sorts are reported in the order in which they are first mentioned here, even without rows.
        """
        listed = self._listed.setdefault((column, fix), [])
        self._total[column, fix] = self._total.get((column, fix), 0) + len(rows)
        for row, value in zip(rows[: SHOWN - len(listed)], shown, strict=False):
            listed.append((f"{self._faults.field} row {row} {column}", value))

    def settle(self) -> None:
        """Report what was noted."""
        for (column, fix), listed in self._listed.items():
            self._faults.report(listed, fix, total=self._total[column, fix])


def _shown(value: object) -> object:
    """A value as the report shows it: times in ISO 8601, what is missing by name."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return "blank or NaN"
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | float | int) else str(value)
