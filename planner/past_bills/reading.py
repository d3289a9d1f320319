"""Bills read back: files in, what they say out, and the machine time hour by hour as Parquet."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from catalogs import Faults
from planner.past_bills.agreement import check_together, remarks_on_exports
from planner.past_bills.bill_files import (
    LAYOUTS,
    BillFile,
    find_files,
    open_file,
    remarks_on,
)
from planner.past_bills.charges import create_cells, read_cells
from planner.past_bills.engine import DEFAULT_MEMORY_MIB, opened, readable
from planner.past_bills.history import BillHistory
from planner.past_bills.row_faults import report_rows
from planner.past_bills.summaries import (
    commitments_met,
    files_read,
    remarks_on_commitments,
    rows_left_out,
    rows_spread,
    service_months,
)
from planner.past_bills.usage_tables import create_hourly, pools_used, write_demand, write_usage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[str], None]
"""Called with a line about what is being read."""


def read_bills(
    paths: Sequence[Path],
    folder: Path,
    *,
    layout: str | None = None,
    memory_mib: int = DEFAULT_MEMORY_MIB,
    progress: Progress | None = None,
) -> BillHistory:
    """What bills say, with `demand.parquet` and `usage.parquet` written into ``folder``.

    Args:
        paths: files, folders or patterns of AWS Cost and Usage Reports, FOCUS files and Azure cost
            exports, CSV (also gzipped) or Parquet.
        folder: exists; nothing is written to it unless every file is sound.
        layout: ``aws``, ``focus`` or ``azure``; by default each file's columns tell.
        memory_mib: what the reader's database holds at once.
        progress: told of each file.

    Raises:
        InvalidInputError: with every fault: no such file, unreadable files, missing columns, cells
            that hold no number or time, machine-hours below 0, units that are none of time, bills
            in several currencies, the same rows twice.
    """
    faults = Faults()
    if layout is not None and layout not in LAYOUTS:
        faults.add("--format", layout, f"write one of {', '.join(LAYOUTS)}")
        faults.raise_if_any()
    found, others = find_files(paths, faults)
    with opened(memory_mib) as connection:
        every = (open_file(connection, path, LAYOUTS.get(layout or ""), faults) for path in found)
        files = [file for file in every if file is not None]
        # Every file's columns are checked before the first is read through.
        faults.raise_if_any()
        _read(connection, files, faults, progress)
        currency = check_together(connection, files, faults)
        faults.raise_if_any()
        create_hourly(connection)
        history = _history(connection, files, currency, _unread(others))
        write_demand(connection, folder)
        write_usage(connection, folder)
    return history


def _read(
    connection: "DuckDBPyConnection", files: Sequence[BillFile], faults: Faults,
    progress: Progress | None,
) -> None:  # fmt: skip
    """Read every file through; raise what is wrong with any."""
    create_cells(connection)
    for number, file in enumerate(files):
        if progress is not None:
            progress(f"reading {file.name} ({number + 1} of {len(files)}), {file.layout.title}")
        with readable(file.name, faults):
            read_cells(connection, file, number)
            report_rows(connection, file, number, faults)
    faults.raise_if_any()
    if not any(one.rows for one in files_read(connection, files)):
        faults.add("PATH", ", ".join(one.name for one in files), "no file has any row")
        faults.raise_if_any()


def _history(
    connection: "DuckDBPyConnection", files: Sequence[BillFile], currency: str, more: list[str]
) -> BillHistory:
    remarks = (
        remarks_on(files),
        remarks_on_exports(connection),
        remarks_on_commitments(connection),
    )
    return BillHistory(
        currency=currency,
        files=files_read(connection, files),
        months=service_months(connection),
        pools=pools_used(connection),
        commitments=commitments_met(connection),
        left_out=rows_left_out(connection),
        spread=rows_spread(connection),
        remarks=(*chain.from_iterable(remarks), *more),
    )


def _unread(others: list[Path]) -> list[str]:
    if not others:
        return []
    listed = ", ".join(one.name for one in others[:3]) + (", …" if len(others) > 3 else "")
    return [f"{len(others)} other files left unread: {listed}"]
