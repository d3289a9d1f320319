"""Tables of hourly demand and usage, in files or inside a request, checked row by row."""

from planner.demand_tables.faults import LARGEST, SHOWN, VALUE_FIX, FaultList, RowFaults
from planner.demand_tables.file import read_series
from planner.demand_tables.inline import read_inline
from planner.demand_tables.names import NameColumn
from planner.demand_tables.rows import SKIPPED, Rows, is_long, read_rows
from planner.demand_tables.table import DemandTable, open_table

__all__ = [
    "LARGEST",
    "SHOWN",
    "SKIPPED",
    "VALUE_FIX",
    "DemandTable",
    "FaultList",
    "NameColumn",
    "RowFaults",
    "Rows",
    "is_long",
    "open_table",
    "read_inline",
    "read_rows",
    "read_series",
]
