"""What is wrong with rows of bills: each check with how many rows fail it, and one of them."""

from typing import TYPE_CHECKING

from catalogs import Faults
from planner.past_bills.bill_files import BillFile
from planner.past_bills.charges import charges_sql
from planner.past_bills.layout import Check

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def report_rows(
    connection: "DuckDBPyConnection", file: BillFile, number: int, faults: Faults
) -> None:
    """Note every check that rows of a file fail; its cells are in the database."""
    failed = connection.execute(
        "SELECT bit_or(faults), sum(lines) FROM cells WHERE file = ?", [number]
    ).fetchone()
    bits, lines = (int(one or 0) for one in failed or (0, 0))
    if not bits:
        return
    named = {check for place, check in enumerate(file.layout.every_check) if bits >> place & 1}
    checks = [check for check in file.layout.every_check if check in named]
    counts = ", ".join(
        f"count(*) FILTER ({check.bad}), min({_shown(check, file)}) FILTER ({check.bad})"
        for check in checks
    )
    row = connection.execute(f"SELECT {counts} FROM ({charges_sql(file)})").fetchone()
    found = list(row or ())
    for check, count, value in zip(checks, found[::2], found[1::2], strict=True):
        rows = f"{count:,} of {lines:,} rows"
        faults.add(f"{file.name} {_column(check, file)}", value, f"{check.fix} ({rows})")


def _shown(check: Check, file: BillFile) -> str:
    columns = {one.name: one for one in file.layout.columns}
    name = columns[check.column].given if check.column in columns else check.column
    return f"CAST({name} AS VARCHAR)"


def _column(check: Check, file: BillFile) -> str:
    cell = file.cells.get(check.column)
    return f"column {cell.header}" if cell else check.column.replace("_", " ")
