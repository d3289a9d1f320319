"""Hourly series from a demand file, long or wide, each faulty row and missing hour named.

A file is read piece by piece, twice: first the columns that say what its rows are about, which give
every row its place in the dense demand; then the values, each put to its place. Beside the demand
there stand only the places and one piece.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.cells import Cells, place_rows, report_holes, report_repeated
from planner.demand_tables.faults import LARGEST, SHOWN, VALUE_FIX, FaultList, RowFaults
from planner.demand_tables.rows import SKIPPED, is_long, read_rows
from planner.demand_tables.table import DemandTable, open_table
from planner.request import DemandSource

Floats = NDArray[np.float64]


def read_series(
    file: Path, source: DemandSource, names: set[str], scenarios: Mapping[str, float], field: str
) -> tuple[datetime, dict[str, Floats]]:
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
    faults, series = FaultList(field, source, futures=bool(scenarios)), sorted(names)
    table = open_table(file, source, faults)
    long = is_long(table, source)
    count = max(1, len(scenarios))
    rows = read_rows(table, source, series, scenarios, faults)
    cells = place_rows(rows, count, len(series) if long else 1)
    del rows
    gapless = source.absent == "zero" or cells.is_complete
    sound = gapless and not len(cells.repeated) and not faults.faults.found
    values = np.zeros((len(series), count * cells.whole.hours if sound else 0))
    columns = [source.columns.value] if long else series
    targets = dict(zip(columns, values.reshape(len(columns), -1), strict=True)) if sound else {}
    _read_values(table, columns, cells, targets, faults)
    if cells.spans:
        report_repeated(cells, table.first_row, source.timezone, faults)
    if cells.spans and not gapless:
        report_holes(cells, tuple(scenarios), series, source.timezone, faults)
    faults.faults.raise_if_any()
    return cells.start, dict(zip(series, values, strict=True))


def _read_values(
    table: DemandTable, columns: list[str], cells: Cells, targets: Mapping[str, Floats],
    faults: FaultList,
) -> None:  # fmt: skip
    """Check the values of these columns, and put each column's to their places in its target.

    There are no targets if nothing is to be had from the file but its faults.
    """
    found = _Refused(faults)
    for piece in table.values(columns):
        first = piece.index[0] - table.first_row
        place = cells.place[first : first + len(piece)]
        for name in [name for name in columns if name in piece]:
            values = found.checked(piece[name], place != SKIPPED)
            if name in targets:
                _put(values, place, targets[name])
    found.settle()


class _Refused:
    """Checks values, and keeps those refused until all are read."""

    def __init__(self, faults: FaultList) -> None:
        self._rows = RowFaults(faults)
        self._blank = faults.blank_fix
        self._negative = faults.mended_by(VALUE_FIX, "negatives")

    def checked(self, column: pd.Series, wanted: NDArray[np.bool_]) -> Floats:
        """The column's numbers [row], those wanted from 0 to the largest."""
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(wanted & ~((values >= 0) & (values <= LARGEST)))
        blank = column.iloc[bad].isna().to_numpy(dtype=bool)
        negative = np.isfinite(values[bad]) & (values[bad] < 0)
        sorts = (
            (negative, self._negative), (blank, self._blank), (~negative & ~blank, VALUE_FIX)
        )  # fmt: skip
        for sort, fix in sorts:
            rows = bad[sort]
            shown = column.iloc[rows[:SHOWN]]
            self._rows.refuse(column.index.to_numpy()[rows], shown, str(column.name), fix)
        return values

    def settle(self) -> None:
        """Report those refused."""
        self._rows.settle()


def _put(values: Floats, place: NDArray[np.integer], target: Floats) -> None:
    taken = place >= 0
    if taken.all():
        target[place] = values
    else:
        target[place[taken]] = values[taken]
