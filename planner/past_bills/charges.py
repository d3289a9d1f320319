"""Charges: rows of bills in one form, added up as they are read into few cells."""

import re
from typing import TYPE_CHECKING

from planner.past_bills.bill_files import BillFile
from planner.past_bills.columns import AMOUNT_TYPE, given_sql, read_sql
from planner.past_bills.layout import CHARGE, SUMS, TERM, Layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Only machine time is told apart by hour, and by machine.
_MACHINE_ONLY = (
    "zone", "region", "instance_type", "os", "tenancy", "purchase_option", "begun", "ended",
)  # fmt: skip

_TERM_TYPE = "STRUCT({})".format(", ".join(f'"{name}" {type_}' for name, type_ in TERM.items()))


def create_cells(connection: "DuckDBPyConnection") -> None:
    """The empty table of cells.

    A cell is all rows of one file that agree in the charge columns; ``faults`` has a bit for each
    check they fail, ``lines`` is their number, the rest are sums and a commitment's term.
    """
    columns = [f"{name} {type_}" for name, type_ in CHARGE.items()]
    columns += [f"{name} {AMOUNT_TYPE}" for name in SUMS]
    connection.execute(
        f"CREATE TABLE cells (file INTEGER, faults BIGINT, {', '.join(columns)}, lines BIGINT, "
        f"negative_lines BIGINT, term {_TERM_TYPE})"
    )


def read_cells(connection: "DuckDBPyConnection", file: BillFile, number: int) -> None:
    """Add the cells of a file, read once from its beginning to its end."""
    told_apart = [_narrowed(name) for name in CHARGE]
    sums = [f"sum({name})" for name in SUMS]
    connection.execute(
        f"INSERT INTO cells SELECT {number}, faults, {', '.join(told_apart)}, {', '.join(sums)}, "
        "count(*), count(*) FILTER (billed < 0 OR effective < 0), max(term) "
        f"FROM ({charges_sql(file)}) GROUP BY ALL"
    )


def charges_sql(file: BillFile) -> str:
    """A SELECT of a file's rows with their cells as given, charge columns, term and faults."""
    layout = file.layout
    given = ", ".join(given_sql(one, file.cells.get(one.name)) for one in layout.columns)
    read = ", ".join(read_sql(one, file.cells.get(one.name)) for one in layout.columns)
    rows = f"SELECT *, {read} FROM (SELECT {given} FROM {file.rows_sql})"
    for step in _steps(layout):
        columns = ", ".join(_charge(name, layout.charge[name]) for name in step)
        rows = f"SELECT *, {columns} FROM ({rows})"
    term = f"CASE WHEN {layout.has_term} THEN {_term(layout)} END"
    return f"SELECT *, {term} AS term, {_faults(layout)} AS faults FROM ({rows})"


def _steps(layout: Layout) -> list[list[str]]:
    """Names of the charge columns, those first that need no other, then those that need these.

    In one SELECT DuckDB would write out every column in each that uses it, over and over.
    """
    level: dict[str, int] = {}
    for name, sql in layout.charge.items():
        used = set(re.findall(r"\w+", sql)) & level.keys()
        level[name] = 1 + max((level[one] for one in used), default=-1)
    count = 1 + max(level.values())
    return [[name for name in level if level[name] == step] for step in range(count)]


def _charge(name: str, sql: str) -> str:
    return f"TRY_CAST({sql} AS {AMOUNT_TYPE}) AS {name}" if name in SUMS else f"{sql} AS {name}"


def _term(layout: Layout) -> str:
    parts = (f"{name} := CAST({layout.term[name]} AS {type_})" for name, type_ in TERM.items())
    return f"struct_pack({', '.join(parts)})"


def _faults(layout: Layout) -> str:
    bits = (
        f"CASE WHEN {check.bad} THEN {1 << place} ELSE 0 END"
        for place, check in enumerate(layout.every_check)
    )
    return " + ".join(bits)


def _narrowed(name: str) -> str:
    if name not in _MACHINE_ONLY:
        return name
    return f"CASE WHEN machine_hours IS NOT NULL THEN {name} END AS {name}"
