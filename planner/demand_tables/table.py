"""A demand file as pieces of a table, never whole: rows numbered as an editor does."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from planner.demand_tables.faults import SHOWN, FaultList
from planner.request import DemandSource

_CELLS = 2**18
"""Cells of one piece: few beside a large demand, enough to keep the work between pieces small."""

_PAGES = 2**20
"""Bytes of a Parquet column read at a time, so that a large row group is not read whole."""

_OTHER_SEPARATORS = (";", "\t", "|")


class DemandTable(ABC):
    """The columns of a file, read anew piece by piece whenever they are asked for.

    Pieces are frames whose index is the row's number; together they have every row, in order.

    Attributes:
        columns: names of the columns.
        first_row: number of the first row, as faults show it.
        most_rows: so many rows there are, or fewer.
    """

    first_row: int

    def __init__(self, file: Path, faults: FaultList) -> None:
        self.file, self.faults = file, faults
        self.columns: list[str] = []
        self.most_rows = 0

    def names(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """All of these columns at once; names and numbers read as they are written."""
        yield from self._readable(self._pieces(list(dict.fromkeys(columns)), names=True))

    def values(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """These columns together or one after the other, whichever takes less memory."""
        yield from self._readable(self._values(list(columns)))

    @cached_property
    def blank(self) -> NDArray[np.int64]:
        """Rows with nothing in any column, as spreadsheets leave behind; they are no rows."""
        pieces = self._readable(self._pieces(self.columns, names=False))
        numbers = [number for piece in pieces for number in piece.index[piece.isna().all(axis=1)]]
        return np.array(numbers, dtype=np.int64)

    @abstractmethod
    def _pieces(self, columns: list[str], *, names: bool) -> Iterator[pd.DataFrame]: ...

    @abstractmethod
    def _values(self, columns: list[str]) -> Iterator[pd.DataFrame]: ...

    def _readable(self, pieces: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The same pieces; a fault where the file breaks off."""
        try:
            yield from pieces
        except (OSError, ValueError, csv.Error) as error:
            self._stop_unreadable(error)

    def _stop_unreadable(self, error: Exception) -> None:
        if isinstance(error, FileNotFoundError):
            self.faults.stop(self.faults.name, "no such file; paths are relative to the request")
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        self.faults.stop(self.faults.name, f"cannot be read: {reason}")

    def _refuse_repeated(self, header: list[str]) -> None:
        for name in sorted({name for name in header if header.count(name) > 1}):
            field = f"{self.faults.field} column"
            self.faults.faults.add(field, name, "stands more than once; keep one")


class _Csv(DemandTable):
    """The header is line 1, so the first row is 2."""

    first_row = 2

    def __init__(self, file: Path, faults: FaultList) -> None:
        super().__init__(file, faults)
        try:
            self._check_lines()
            header = pd.read_csv(file, nrows=0, index_col=False, encoding="utf-8-sig")
            self.columns = [str(name) for name in header.columns]
        except (OSError, ValueError, csv.Error) as error:
            self._stop_unreadable(error)

    def _refuse_other_separators(self, header: list[str]) -> None:
        """Stop at a header without commas that another sign sets apart."""
        found = [sign for sign in _OTHER_SEPARATORS if sign in header[0]]
        if len(header) == 1 and found:
            told = "tabs" if found[0] == "\t" else f"'{found[0]}'"
            fix = f"its fields are set apart by {told}; write commas, and numbers with points"
            self.faults.stop(header[0], fix)

    def _check_lines(self) -> None:
        """Report repeated columns and lines that do not fit the header; stop if there is any."""
        faults = self.faults
        with self.file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines)
            header = next(rows, [])
            if not header:
                faults.stop(faults.name, "is empty; write a header and at least one hour")
            self._refuse_other_separators(header)
            self._refuse_repeated(header)
            unfit = [(rows.line_num, row) for row in rows if row and len(row) != len(header)]
            self.most_rows = rows.line_num - 1
        named: list[tuple[str, object]] = [
            (f"{faults.field} row {line}", ",".join(row)) for line, row in unfit[:SHOWN]
        ]
        faults.report(named, f"has not the {len(header)} fields of the header", total=len(unfit))
        faults.faults.raise_if_any()
        if not self.most_rows:
            stop_empty(faults)

    def _pieces(self, columns: list[str], *, names: bool) -> Iterator[pd.DataFrame]:
        # The parser splits all columns of a piece, also those that are not asked for.
        with pd.read_csv(
            self.file,
            usecols=columns,
            dtype="string" if names else None,
            chunksize=max(1, _CELLS // len(self.columns)),
            skip_blank_lines=False,
            index_col=False,
            encoding="utf-8-sig",
            low_memory=False,
        ) as pieces:
            for piece in pieces:
                piece.index += self.first_row
                yield piece

    def _values(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        return self._pieces(columns, names=False)


class _Parquet(DemandTable):
    """The first row is 1."""

    first_row = 1

    def __init__(self, file: Path, source: DemandSource, faults: FaultList) -> None:
        super().__init__(file, faults)
        try:
            with pq.ParquetFile(file) as opened:
                self._metadata, schema = opened.metadata, opened.schema_arrow
        except (OSError, ValueError) as error:
            self._stop_unreadable(error)
        self._text = [field.name for field in schema if _is_text(field.type)]
        self.columns = _columns(schema, source.columns.timestamp)
        self._refuse_repeated(self.columns)
        faults.faults.raise_if_any()
        self.most_rows = self._metadata.num_rows
        if not self.most_rows:
            stop_empty(faults)

    def _pieces(self, columns: list[str], *, names: bool) -> Iterator[pd.DataFrame]:
        # Few distinct names in millions of rows: each is kept once.
        repeated = [name for name in columns if names and name in self._text]
        with self._open(repeated) as opened:
            yield from self._batches(opened, columns, names=names)

    def _values(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        with self._open([]) as opened:
            for column in columns:
                yield from self._batches(opened, [column], names=False)

    def _batches(
        self, opened: pq.ParquetFile, columns: list[str], *, names: bool
    ) -> Iterator[pd.DataFrame]:
        number = self.first_row
        # On one thread: more would each keep memory, and gain no time.
        rows = max(1, _CELLS // len(columns))
        for batch in opened.iter_batches(rows, columns=columns, use_threads=False):
            # Whole numbers may be names, which a blank among them must not turn to fractions.
            piece = batch.to_pandas(
                ignore_metadata=True, integer_object_nulls=names, use_threads=False
            )
            piece.index = pd.RangeIndex(number, number + len(piece))
            number += len(piece)
            yield piece

    def _open(self, repeated: list[str]) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.file, metadata=self._metadata, read_dictionary=repeated, buffer_size=_PAGES
        )


def open_table(file: Path, source: DemandSource, faults: FaultList) -> DemandTable:
    """A CSV or Parquet file, once it is found readable and, if CSV, fit line by line.

    Raises:
        InvalidInputError: no such file or none of the two; empty; columns that stand twice, lines
            with more or fewer fields than the header; `where` or the timestamp without a column.
    """
    if file.suffix not in (".csv", ".parquet"):
        faults.stop(faults.name, "name a .csv or .parquet file")
    table = _Csv(file, faults) if file.suffix == ".csv" else _Parquet(file, source, faults)
    faults.need(table.columns, [source.columns.timestamp, *source.where])
    return table


def stop_empty(faults: FaultList) -> None:
    """Stop for want of rows."""
    faults.stop(faults.name, "has no rows; write at least one hour")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _columns(schema: pa.Schema, timestamp: str) -> list[str]:
    """Columns as pandas shows them: an index, which is stored last, counts if it is needed."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    index = [name for name in stored if isinstance(name, str)]
    columns = [name for name in schema.names if name not in index]
    if timestamp in columns:
        return columns
    return [*(name for name in index if not name.startswith("__index_level_")), *columns]
