"""The raw table of a demand file: every malformed line named, rows numbered as an editor does."""

import csv
from collections.abc import Sequence
from pathlib import Path
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
    """Faults of one file, by its field in the request and the name it has there."""

    def __init__(self, field: str, source: DemandSource) -> None:
        self.field = field
        self.name = str(source.file or source.example)
        self.faults = Faults()

    def refuse(self, bad: pd.Series, shown: pd.Series, column: str, fix: str) -> None:
        """Report the rows where ``bad`` holds, with what ``shown`` has there."""
        rows = bad.index[bad.to_numpy(dtype=bool)]
        named = [(f"{self.field} row {row} {column}", shown[row]) for row in rows[:SHOWN]]
        self.report(named, fix, total=len(rows))

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

    def need(self, known: "pd.Index[str]", columns: list[str]) -> None:
        """Stop unless all columns are there."""
        has = ", ".join(map(str, known))
        for column in columns:
            if column not in known:
                self.faults.add(f"{self.field} column", column, f"no such column; it has {has}")
        self.faults.raise_if_any()


def load_table(file: Path, source: DemandSource, faults: FaultList) -> pd.DataFrame:
    """The rows of a CSV or Parquet file that `where` keeps; the index is the row's number.

    A CSV file's header is line 1, so its first row is 2; a Parquet file's first row is 1.
    Columns named by ``source`` are text in CSV files.
    """
    if file.suffix not in (".csv", ".parquet"):
        faults.stop(faults.name, "name a .csv or .parquet file")
    try:
        table = _parquet(file, source) if file.suffix == ".parquet" else _csv(file, source, faults)
    except FileNotFoundError:
        faults.stop(faults.name, "no such file; paths are relative to the request")
    except (OSError, ValueError, pd.errors.ParserError, csv.Error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        faults.stop(faults.name, f"cannot be read: {reason}")
    faults.faults.raise_if_any()
    table = table.dropna(how="all")
    if table.empty:
        faults.stop(faults.name, "has no rows; write at least one hour")
    return _filtered(table, source, faults)


def positions(column: pd.Series, names: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """Where each row's value stands in ``names`` [row], -1 where it does not; the values found."""
    # Few distinct values in millions of rows: each is looked up once.
    code, found = pd.factorize(column)
    place = {name: position for position, name in enumerate(names)}
    known = [str(value) for value in found]
    # The last place answers for blanks, whose code is -1.
    return np.array([*(place.get(value, -1) for value in known), -1], dtype=np.intp)[code], known


def _parquet(file: Path, source: DemandSource) -> pd.DataFrame:
    table = pd.read_parquet(file)
    if source.columns.timestamp not in table.columns and table.index.names != [None]:
        table = table.reset_index()
    table.index = pd.RangeIndex(1, 1 + len(table))
    return table


def _csv(file: Path, source: DemandSource, faults: FaultList) -> pd.DataFrame:
    header = _check_lines(file, faults)
    named = source.columns
    text = {named.timestamp, named.workload, named.scenario, *source.where} & set(header)
    table = pd.read_csv(
        file,
        skip_blank_lines=False,
        dtype=dict.fromkeys(text, "string"),
        index_col=False,
        encoding="utf-8-sig",
        low_memory=False,
    )
    table.index = pd.RangeIndex(2, 2 + len(table))
    return table


def _check_lines(file: Path, faults: FaultList) -> list[str]:
    """The header, after reporting repeated columns and lines that do not fit it."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        if not header:
            faults.stop(faults.name, "is empty; write a header and at least one hour")
        twice = sorted({name for name in header if header.count(name) > 1})
        for name in twice:
            faults.faults.add(f"{faults.field} column", name, "stands more than once; keep one")
        unfit = [(rows.line_num, row) for row in rows if row and len(row) != len(header)]
    named: list[tuple[str, object]] = [
        (f"{faults.field} row {line}", ",".join(row)) for line, row in unfit[:SHOWN]
    ]
    faults.report(named, f"has not the {len(header)} fields of the header", total=len(unfit))
    faults.faults.raise_if_any()
    return header


def _filtered(table: pd.DataFrame, source: DemandSource, faults: FaultList) -> pd.DataFrame:
    faults.need(table.columns, [source.columns.timestamp, *source.where])
    for column, value in source.where.items():
        table = table[table[column].astype(str) == str(value)]
        if table.empty:
            faults.stop(str(value), "no row has this value", field=f"demand.where.{column}")
    return table


def _shown(value: object) -> object:
    """A value as the report shows it: times in ISO 8601, what is missing by name."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return "blank or NaN"
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | float | int) else str(value)
