"""The history in a demand file whose rows are not yet hours, or need mending."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables import (
    SKIPPED,
    VALUE_FIX,
    DemandTable,
    FaultList,
    RowFaults,
    Rows,
    is_long,
    open_table,
    read_rows,
)
from planner.history.hourly import make_hourly
from planner.history.moments import Moments, StampCollector, read_moments
from planner.history.samples import Samples
from planner.repairs.clock_change import tell_apart
from planner.repairs.report import HOUR_S, Repair, RepairLog
from planner.request import DemandSource

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Placed:
    """Rows with their moment; arrays [row], without those that are not asked for.

    Attributes:
        place: position in the file.
        series: position among the names; 0 where a row has all.
        second: since 1970, UTC.
        share: of the row's value that belongs to this moment.
    """

    place: NDArray[np.intp]
    series: NDArray[np.int32]
    second: NDArray[np.int64]
    share: Floats


def read_file_history(
    file: Path, source: DemandSource, names: set[str], field: str
) -> tuple[datetime, dict[str, Floats], tuple[Repair, ...]]:
    """First hour (UTC), the named series [hour] of a file, and what was mended in it.

    The file is as `planner.demand_tables.read_series` has it, of one future; its rows may be of any
    distance where the source's ``resample``, ``counters`` or ``repair`` say what to make of them.

    Raises:
        InvalidInputError: unreadable file, missing columns or series, and every row and hour that
            no rule of the source mends.
    """
    faults, log, series = FaultList(field, source), RepairLog(), sorted(names)
    table = open_table(file, source, faults)
    collector = StampCollector()
    rows = read_rows(table, source, series, {}, faults, collector)
    faults.faults.raise_if_any()
    placed = _place(rows, collector.collected(), source, series, faults, log)
    long = is_long(table, source)
    values = _read_values(table, [source.columns.value] if long else series, rows, faults)
    samples = _samples(placed, values, series, source, table.first_row, long=long)
    hourly = make_hourly(samples.in_order(), source, faults, log)
    faults.faults.raise_if_any()
    return hourly.start, hourly.series(), tuple(log.repairs)


def _place(
    rows: Rows, stamps: pd.Series, source: DemandSource, names: list[str], faults: FaultList,
    log: RepairLog,
) -> _Placed:  # fmt: skip
    """When the rows asked for are, local times of clock changes told apart."""
    place = np.flatnonzero(rows.slot >= 0)
    series, stamps = rows.slot[place], stamps.iloc[rows.hour[place]]
    rule = source.repair.clock_change
    moments = read_moments(
        stamps, source.timezone, faults, group=series, ends=source.stamp == "end",
        change=rule is not None,
    )  # fmt: skip
    changed = tell_apart(series, moments.second, moments.later)
    # A counter's row says nothing of the second hour; what it grew by lies between two rows.
    alone = changed.alone[:0] if source.counters else changed.alone
    _log_change(moments, alone, series, rule == "split", names, rows, log)
    share = np.ones(len(place))
    share[alone] = 0.5 if rule == "split" else 1.0
    kept = np.concatenate((np.flatnonzero(~moments.absent), alone))
    second = np.concatenate((changed.second[~moments.absent], moments.later[alone]))
    return _Placed(place[kept], series[kept], second, share[kept])


def _log_change(
    moments: Moments, alone: NDArray[np.intp], series: NDArray[np.int32], split: bool,
    names: list[str], rows: Rows, log: RepairLog,
) -> None:  # fmt: skip
    """Note rows for an hour that comes twice, and those of hours that never were."""
    long = bool(rows.slot.max(initial=0) > 0) or len(names) == 1
    share = "half of the one row of both" if split else "the one row of both"
    for position, name in enumerate(names):
        of_series = series == (position if long else 0)
        mine = alone[of_series[alone]]
        begin: NDArray[np.int64] = np.sort(moments.second[mine])
        done = [f"each of the two hours has {share}"] * len(mine)
        log.add("clock_change", name, begin, begin + 2 * HOUR_S, np.ones_like(begin), done)
        absent = np.flatnonzero(moments.absent & of_series)
        if len(absent):
            _log_absent(moments, absent, name, log)


def _log_absent(moments: Moments, absent: NDArray[np.intp], name: str, log: RepairLog) -> None:
    """Note rows whose local time never was, each at the moment of the nearest row before it."""
    known = np.where(moments.absent, -1, np.arange(len(moments.absent)))
    nearest = np.maximum.accumulate(known)[absent]
    at = moments.second[np.where(nearest < 0, int(np.argmin(moments.absent)), nearest)]
    done = ["row left out: its local hour never was"] * len(absent)
    log.add("clock_change", name, at, at, np.ones_like(at), done)


def _read_values(
    table: DemandTable, columns: list[str], rows: Rows, faults: FaultList
) -> dict[str, Floats]:
    """Numbers of these columns [row]; NaN where blank, and a fault where they are none."""
    values = {name: np.full(len(rows.slot), np.nan) for name in columns}
    found = RowFaults(faults)
    for piece in table.values(columns):
        first = piece.index[0] - table.first_row
        wanted = rows.slot[first : first + len(piece)] != SKIPPED
        for name in [name for name in columns if name in piece]:
            numbers = pd.to_numeric(piece[name], errors="coerce").to_numpy(dtype=np.float64)
            bad = np.flatnonzero(wanted & np.isnan(numbers) & piece[name].notna().to_numpy())
            found.refuse(piece.index.to_numpy()[bad], piece[name].iloc[bad], name, VALUE_FIX)
            values[name][first : first + len(piece)] = numbers
    found.settle()
    faults.faults.raise_if_any()
    return values


def _samples(
    placed: _Placed, values: dict[str, Floats], names: list[str], source: DemandSource,
    first_row: int, *, long: bool,
) -> Samples:  # fmt: skip
    """One sample per row of a long file; of a wide one, a sample per row and series."""
    row = placed.place.astype(np.int64) + first_row
    stamp = source.columns.timestamp
    if long:
        value = values[source.columns.value][placed.place] * placed.share
        columns = (*[source.columns.value] * len(names), stamp)
        return Samples(tuple(names), columns, placed.series, placed.second, value, row)
    count = len(names)
    return Samples(
        tuple(names),
        (*names, stamp),
        np.repeat(np.arange(count, dtype=np.int32), len(row)),
        np.tile(placed.second, count),
        np.concatenate([values[name][placed.place] * placed.share for name in names]),
        np.tile(row, count),
    )
