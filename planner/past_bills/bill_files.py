"""Files of bills: where they are, what is in their first row, and which layout that is."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalogs import Faults
from planner.past_bills.aws_cur import AWS_CUR
from planner.past_bills.azure_export import AZURE_EXPORT
from planner.past_bills.columns import Cell, fits, literal, locate, quoted
from planner.past_bills.engine import readable
from planner.past_bills.focus import FOCUS
from planner.past_bills.layout import Layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LAYOUTS = {layout.name: layout for layout in (AWS_CUR, FOCUS, AZURE_EXPORT)}
"""Every layout by its name."""

SUFFIXES = (".csv", ".csv.gz", ".parquet")

_LONGEST_HEADER = 2**20
"""Characters within which a CSV file's first row ends."""

_NULLS = "['', 'NULL', 'null']"
"""Texts that stand for an empty cell."""


@dataclass(frozen=True)
class BillFile:
    """A file whose layout is known.

    Attributes:
        path: where it is.
        layout: its format.
        cells: where each of the layout's columns stands in it, by our name.
        columns: how many it has.
        rows_sql: SQL that reads its rows.
        without_last: header fields at the end that no row has.
    """

    path: Path
    layout: Layout
    cells: Mapping[str, Cell]
    columns: int
    rows_sql: str
    without_last: int = 0

    @property
    def name(self) -> str:
        """As faults show it."""
        return self.path.name


def find_files(paths: Sequence[Path], faults: Faults) -> tuple[list[Path], list[Path]]:
    """Bill files under these paths, and other files that stand beside them in folders.

    A path is a file, a folder (searched with those below it) or a pattern such as ``2026-*.csv``.
    """
    found, others = [], []
    for path in paths:
        matches = [path] if path.exists() else _matching(path)
        if not matches:
            faults.add("PATH", str(path), "no such file; name a file, a folder or a pattern")
        for match in matches:
            inside = sorted(match.rglob("*")) if match.is_dir() else [match]
            files = [one for one in inside if one.is_file() and not one.name.startswith(".")]
            bills = [one for one in files if one.name.lower().endswith(SUFFIXES)]
            if not bills:
                faults.add("PATH", str(match), f"holds no {', '.join(SUFFIXES)} file")
            found += bills
            others += [one for one in files if one not in bills]
    return sorted(dict.fromkeys(one.resolve() for one in found)), sorted(set(others))


@dataclass(frozen=True)
class _Opened:
    """A file before its layout is known: names and types of its columns, and SQL for each."""

    names: list[str]
    types: list[str]
    sql: list[str]
    rows_sql: str
    without_last: int = 0


def _matching(pattern: Path) -> list[Path]:
    parts = pattern.absolute().parts
    return sorted(Path(parts[0]).glob(str(Path(*parts[1:])))) if parts[1:] else []


def open_file(
    connection: "DuckDBPyConnection", path: Path, wanted: Layout | None, faults: Faults
) -> BillFile | None:
    """A file with its layout; None after its faults are noted.

    ``wanted`` is the layout it must have; without one the header tells.
    """
    found: _Opened | None = None
    with readable(path.name, faults):
        is_parquet = path.suffix.lower() == ".parquet"
        found = _parquet(connection, path) if is_parquet else _csv(path, faults)
        return None if found is None else _recognised(connection, path, found, wanted, faults)
    return None


def _recognised(
    connection: "DuckDBPyConnection",
    path: Path,
    opened: _Opened,
    wanted: Layout | None,
    faults: Faults,
) -> BillFile | None:
    # Of names that differ by letter case alone the first counts: tags may repeat a column's name.
    header: dict[str, tuple[str, str]] = {}
    for name, type_, sql in zip(opened.names, opened.types, opened.sql, strict=True):
        header.setdefault(name.strip().casefold(), (sql, type_))
    layout = wanted or _layout_of(header)
    if layout is None:
        known = ", ".join(one.title for one in LAYOUTS.values())
        faults.add(f"{path.name} columns", ", ".join(opened.names[:4]), f"is none of {known}")
        return None
    found = {one.name: locate(one, header) for one in layout.columns}
    kinds = {one.name: one.kind for one in layout.columns}
    cells = {
        name: cell
        for name, cell in found.items()
        if cell is not None
        and (fits(cell, kinds[name]) or _holds_any(connection, opened.rows_sql, cell))
    }
    _check_columns(path, layout, cells, faults)
    columns = len(opened.names) + opened.without_last
    return BillFile(path, layout, cells, columns, opened.rows_sql, opened.without_last)


def _holds_any(connection: "DuckDBPyConnection", rows_sql: str, cell: Cell) -> bool:
    """Whether a column has any value: without one its type says nothing, and it is as if absent.

    Programs that write Parquet give columns of nulls whatever type they like.
    """
    row = connection.execute(f"SELECT count({cell.sql}) FROM {rows_sql}").fetchone()
    return bool(row and row[0])


def _check_columns(path: Path, layout: Layout, cells: Mapping[str, Cell], faults: Faults) -> None:
    for one in layout.columns:
        if one.required and one.name not in cells:
            fix = f"is missing; every {layout.title} has it"
            faults.add(f"{path.name} columns", one.headers[0], fix)
        elif one.name in cells and not fits(cells[one.name], one.kind):
            field = f"{path.name} column {cells[one.name].header}"
            faults.add(field, cells[one.name].type, f"write {one.kind.value}")


def _layout_of(header: Iterable[str]) -> Layout | None:
    """The layout most of whose required columns are there, if half of them are."""
    names = set(header)
    share = {
        layout: sum(_present(one.headers, names) for one in required) / len(required)
        for layout in LAYOUTS
        if (required := [one for one in LAYOUTS[layout].columns if one.required])
    }
    best = max(share, key=lambda name: share[name])
    return LAYOUTS[best] if share[best] > 0.5 else None


def _present(headers: Iterable[str], names: set[str]) -> bool:
    return any(one.partition("[")[0].casefold() in names for one in headers)


def _parquet(connection: "DuckDBPyConnection", path: Path) -> _Opened:
    rows_sql = f"read_parquet({_path_sql(path)}, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {rows_sql}").fetchall()
    names, types = [str(row[0]) for row in described], [str(row[1]) for row in described]
    return _Opened(names, types, [quoted(name) for name in names], rows_sql)


def _csv(path: Path, faults: Faults) -> _Opened | None:
    header, first = _first_rows(path, faults)
    if not header:
        return None
    # Some exports leave the last, empty fields of every row away; rows must still agree.
    count = min(len(header), len(first) or len(header))
    sql = [f"c{place}" for place in range(count)]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in sql)
    packed = "gzip" if path.suffix.lower() == ".gz" else "none"
    rows_sql = (
        f"read_csv({_path_sql(path)}, auto_detect = false, header = true, delim = ',', "
        f"""quote = '"', escape = '"', nullstr = {_NULLS}, compression = '{packed}', """
        f"columns = {{{columns}}}, hive_partitioning = false)"
    )
    return _Opened(header[:count], ["VARCHAR"] * count, sql, rows_sql, len(header) - count)


def _first_rows(path: Path, faults: Faults) -> tuple[list[str], list[str]]:
    """The header of a CSV file and the row after it, empty where there is none."""
    try:
        with _text(path) as text:
            rows = csv.reader(io.StringIO(text.read(_LONGEST_HEADER), newline=""), strict=True)
            header, first = next(rows, []), next(filter(None, rows), [])
    except (UnicodeDecodeError, csv.Error, zlib.error) as error:
        faults.add(path.name, str(error), "cannot be read as CSV in UTF-8; export it again")
        return [], []
    if not header:
        faults.add(path.name, "(empty)", "is empty; leave it out or export it again")
    return header, first


def _text(path: Path) -> io.TextIOWrapper:
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _path_sql(path: Path) -> str:
    # DuckDB takes a path for a pattern.
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def remarks_on(files: Sequence[BillFile]) -> Iterator[str]:
    """What absent columns leave unknown, and what holds for a layout, said once each."""
    said: dict[str, list[str]] = {}
    for file in files:
        for remark in file.layout.remarks:
            said.setdefault(remark, [])
        for one in file.layout.columns:
            if one.without and one.name not in file.cells:
                said.setdefault(f"no column {one.headers[0]}: {one.without}", []).append(file.name)
        if file.without_last:
            remark = f"rows lack the last {file.without_last} of their header's fields"
            said.setdefault(remark, []).append(file.name)
    for remark, names in said.items():
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield f"{listed}: {remark}" if names else remark
