"""A column of a provider's bill: its names in every version, and how its cells are read in SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

AMOUNT_TYPE = "DECIMAL(38, 18)"
"""Exact for what bills print: 20 digits before the point, 18 after."""

_NUMBERS = re.compile(r"DECIMAL|DOUBLE|FLOAT|.*INT")
_TIMES = re.compile(r"TIMESTAMP|DATE")


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    AMOUNT = "a number"
    TIME = "a time"


@dataclass(frozen=True)
class Column:
    """A column that is read from bills of one layout.

    Attributes:
        name: ours, under which SQL knows it.
        headers: the names it has in the layout's versions, best first; a name ``map[key]`` stands
            for one key of a column of keys and values. Letter case does not count.
        kind: what its cells hold.
        required: whether a file without it is refused.
        filled: whether a row without it is refused.
        needed_when: SQL condition under which an unreadable cell is refused.
        without: what a file without it leaves unknown, where readers must be told.
    """

    name: str
    headers: tuple[str, ...]
    kind: Kind = Kind.TEXT
    required: bool = False
    filled: bool = False
    needed_when: str = "TRUE"
    without: str | None = None

    @property
    def given(self) -> str:
        """Name of the cell as the file has it."""
        return f"{self.name}_given"

    @property
    def unreadable(self) -> str:
        """Condition that a row has something in this column, which is not of its kind."""
        return f"({self.given} IS NOT NULL AND {self.name} IS NULL AND {self.needed_when})"


@dataclass(frozen=True)
class Cell:
    """Where a column stands in one file: its header there, and SQL for what is in it."""

    header: str
    sql: str
    type: str


def locate(column: Column, header: Mapping[str, tuple[str, str]]) -> Cell | None:
    """The cell of a column in a file; None where the file has none.

    ``header`` maps the casefolded names of the file's columns to their quoted SQL and their type.
    """
    for name in column.headers:
        base, _, key = name.removesuffix("]").partition("[")
        if base.casefold() not in header:
            continue
        sql, type_ = header[base.casefold()]
        if not key:
            return Cell(base, sql, type_)
        if type_.startswith("MAP"):
            return Cell(name, f"{sql}['{key}']", "VARCHAR")
        return Cell(name, _json_value(sql, key), "VARCHAR")
    return None


def fits(cell: Cell, kind: Kind) -> bool:
    """Whether cells of the file's type can be of this kind at all."""
    if cell.type == "VARCHAR":
        return True
    if kind is Kind.AMOUNT:
        return _NUMBERS.match(cell.type) is not None
    if kind is Kind.TIME:
        return _TIMES.match(cell.type) is not None
    return not re.search(r"STRUCT|MAP|BLOB|\[", cell.type)


def given_sql(column: Column, cell: Cell | None) -> str:
    """SQL of the column's cell as the file has it, for a SELECT list."""
    return f"{'NULL::VARCHAR' if cell is None else _filled(cell)} AS {column.given}"


def read_sql(column: Column, cell: Cell | None) -> str:
    """SQL of the column's cell as read, for a SELECT list over what is given."""
    type_ = "VARCHAR" if cell is None else cell.type
    return f"{_parsed(column, type_)} AS {column.name}"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _filled(cell: Cell) -> str:
    # Some exports write NULL as text.
    return f"nullif(nullif({cell.sql}, ''), 'NULL')" if cell.type == "VARCHAR" else cell.sql


def _parsed(column: Column, type_: str) -> str:
    if column.kind is Kind.TEXT:
        return column.given if type_ == "VARCHAR" else f"CAST({column.given} AS VARCHAR)"
    if column.kind is Kind.AMOUNT:
        return f"TRY_CAST({column.given} AS {AMOUNT_TYPE})"
    if type_ == "VARCHAR":
        # A cast to TIMESTAMP would drop an offset; this one applies it, and takes UTC without.
        iso = f"TRY_CAST({column.given} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
        return f"coalesce({iso}, try_strptime({column.given}, '%m/%d/%Y'))"
    if "TIME ZONE" in type_:
        return f"{column.given} AT TIME ZONE 'UTC'"
    return f"TRY_CAST({column.given} AS TIMESTAMP)"


def _json_value(sql: str, key: str) -> str:
    return f"""nullif(regexp_extract({sql}, '"{key}"\\s*:\\s*"([^"]*)"', 1), '')"""
