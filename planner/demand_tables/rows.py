"""Which hour, scenario and series each row of a demand file gives, before any value is read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.faults import SHOWN, FaultList
from planner.demand_tables.hours import HourColumn, Hours
from planner.demand_tables.names import NameColumn
from planner.demand_tables.scenarios import ScenarioColumn
from planner.demand_tables.table import DemandTable, stop_empty
from planner.request import DemandSource

REFUSED = -1
"""Stands for an hour or a slot that is none; a fault says so."""

SKIPPED = -2
"""Stands for the slot of a row that is not asked for."""


@dataclass(frozen=True)
class Rows:
    """What the rows of a file are about; arrays [row].

    Attributes:
        hour: hours since 1970, UTC; REFUSED where a row has none.
        slot: series · scenarios + scenario, by position; the series is 0 where a row has all.
            REFUSED where the scenario is unknown, SKIPPED where the row is not asked for.
    """

    hour: NDArray[np.int32]
    slot: NDArray[np.int32]


def read_rows(
    table: DemandTable, source: DemandSource, names: list[str], scenarios: Mapping[str, float],
    faults: FaultList, hours: Hours | None = None,
) -> Rows:  # fmt: skip
    """The rows of a long or wide file, of which those of ``names`` are asked for.

    ``hours`` reads the timestamps; as whole UTC hours when absent.

    Raises:
        InvalidInputError: a filter that keeps no row, a lacking series, or scenarios that are
            named and lacking or there and not named; other faults are left in ``faults``.
    """
    hours = hours or HourColumn(source, faults)
    reader = _RowReader(table, source, names, scenarios, faults, hours)
    # Pieces kept until all are read would leave holes in the memory, of the arrays' own size.
    hour, slot = np.empty(table.most_rows, np.int32), np.empty(table.most_rows, np.int32)
    count = 0
    for piece in table.names(reader.reads):
        rows = slice(count, count + len(piece))
        hour[rows], slot[rows] = reader.read(piece)
        count += len(piece)
    reader.settle()
    return Rows(hour[:count], slot[:count])


def is_long(table: DemandTable, source: DemandSource) -> bool:
    """Whether a file has a row per series."""
    return {source.columns.workload, source.columns.value} <= set(table.columns)


class _RowReader:
    """One reading of the columns that say what a row is about; collects faults on the way."""

    def __init__(
        self, table: DemandTable, source: DemandSource, names: list[str],
        scenarios: Mapping[str, float], faults: FaultList, hours: Hours,
    ) -> None:  # fmt: skip
        self._table, self._source, self._names, self._faults = table, source, names, faults
        self._scenarios = tuple(scenarios)
        self._timestamp, self._workload = source.columns.timestamp, source.columns.workload
        self._hours = hours
        self._scenario = ScenarioColumn(source, table.columns, scenarios, faults)
        self._series = NameColumn(names) if is_long(table, source) else None
        self._where = {column: NameColumn([str(value)]) for column, value in source.where.items()}
        self._kept = dict.fromkeys(["", *source.where], 0)
        # Scenarios with rows of the series asked for; the last place answers for unknown ones.
        self._asked_for = np.zeros(len(scenarios) + 1, dtype=bool)

    @property
    def reads(self) -> list[str]:
        """The columns it needs."""
        workload = [] if self._series is None else [self._workload]
        return [self._timestamp, *self._where, *self._scenario.reads, *workload]

    def read(self, piece: pd.DataFrame) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Hour and slot of a piece's rows, as ``Rows`` has them."""
        kept = self._kept_rows(piece)
        part = piece if kept.all() else piece[kept]
        scenario = self._scenario.positions(part)
        series = np.zeros_like(scenario)
        if self._series is not None:
            series = self._series.positions(part[self._workload])
        wanted = series >= 0
        self._asked_for[scenario[wanted]] = True
        slot = np.full(len(piece), SKIPPED, dtype=np.int32)
        hour = np.full(len(piece), REFUSED, dtype=np.int32)
        known = np.where(scenario < 0, REFUSED, series * max(1, len(self._scenarios)) + scenario)
        slot[kept] = np.where(wanted, known, SKIPPED)
        hour[slot != SKIPPED] = self._hours.hours(part[self._timestamp][wanted])
        return hour, slot

    def settle(self) -> None:
        """Report what was found wrong, in the order in which a reader would look for it."""
        if not self._kept[""]:
            stop_empty(self._faults)
        for column, value in self._source.where.items():
            if not self._kept[column]:
                field = f"demand.where.{column}"
                self._faults.stop(str(value), "no row has this value", field=field)
        self._scenario.settle()
        self._need_series()
        if self._source.absent == "fault":
            self._need_rows()
        self._hours.settle()

    def _kept_rows(self, piece: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows with anything in them that `where` keeps."""
        kept = np.ones(len(piece), dtype=bool)
        if piece[self._timestamp].isna().any():
            kept = ~piece.index.isin(self._table.blank)
        self._kept[""] += int(kept.sum())
        for column, names in self._where.items():
            kept &= names.positions(piece[column]) == 0
            self._kept[column] += int(kept.sum())
        return kept

    def _need_series(self) -> None:
        source, faults = self._source.columns, self._faults
        known = set(self._table.columns) - {source.timestamp, source.scenario}
        if self._series is not None:
            known = set(self._series.found)
        lacking = sorted(set(self._names) - known)
        listed = ", ".join(sorted(known)[:SHOWN])
        for name in lacking:
            faults.faults.add(f"{faults.field} series", name, f"no such series; it has {listed}")
        if lacking:
            faults.faults.raise_if_any()

    def _need_rows(self) -> None:
        """A scenario that only has rows of other series has no hours to be missed from."""
        for name, asked_for in zip(self._scenarios, self._asked_for[:-1], strict=True):
            if name in self._scenario.found and not asked_for:
                field = f"{self._faults.field} scenario {name} series"
                fix = "no row of it; add them (or write absent: zero)"
                self._faults.faults.add(field, ", ".join(self._names[:SHOWN]), fix)
