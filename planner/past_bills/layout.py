"""A provider's bill format as data: its columns, and SQL that makes charges of its rows.

Every layout gives the same charge columns, named in `CHARGE`; what is read from them knows no
provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from planner.past_bills.columns import Column, Kind

CHARGE = {
    # is_compute is NULL where only what else a commitment serves can tell.
    "provider": "VARCHAR",
    "account": "VARCHAR",
    "service": "VARCHAR",
    "is_compute": "BOOLEAN",
    "region": "VARCHAR",
    "zone": "VARCHAR",
    "instance_type": "VARCHAR",
    "os": "VARCHAR",
    "tenancy": "VARCHAR",
    "purchase_option": "VARCHAR",
    "month": "VARCHAR",
    "begun": "TIMESTAMP",
    "ended": "TIMESTAMP",
    "role": "VARCHAR",
    "commitment_id": "VARCHAR",
    "commitment_kind": "VARCHAR",
    "commitment_unit": "VARCHAR",
    "currency": "VARCHAR",
    "left_out": "VARCHAR",
}
"""Charge columns that rows are told apart by."""

SUMS = (
    "machine_hours", "billed", "effective", "listed", "commitment_quantity", "recurring",
    "restated",
)  # fmt: skip
"""Charge columns that are added up; machine-hours are of machine rows only. Restated is effective
cost that a purchase carries beside the usage it covers, and is in no other sum."""

TERM = {
    "starts": "TIMESTAMP",
    "ends": "TIMESTAMP",
    "payment": "VARCHAR",
    "region": "VARCHAR",
    "family": "VARCHAR",
    "instance_type": "VARCHAR",
    "os": "VARCHAR",
    "tenancy": "VARCHAR",
    "machines": "DECIMAL(38, 18)",
    "upfront": "DECIMAL(38, 18)",
    "hourly": "DECIMAL(38, 18)",
}
"""What a row that charges a commitment itself says of it."""


def columns_in(text: str) -> dict[str, str]:
    """Columns of a text of ``name = SQL;`` one below the other; lines of ``--`` are comments.

    >>> columns_in("os = lower(system);")
    {'os': 'lower(system)'}
    """
    lines = [line for line in text.splitlines() if not line.strip().startswith("--")]
    entries = (entry.split(" = ", 1) for entry in "\n".join(lines).split(";\n") if entry.strip())
    return {name.strip(): " ".join(sql.split()).rstrip(";") for name, sql in entries}


class Role(StrEnum):
    """What a row is to a commitment; other rows are not about one."""

    USED = "used"
    UNUSED = "unused"
    UPFRONT = "upfront"
    RECURRING = "recurring"


class PurchaseOption(StrEnum):
    """How machine time was paid."""

    ON_DEMAND = "on_demand"
    COVERED = "covered"
    SPOT = "spot"


@dataclass(frozen=True)
class Check:
    """A condition under which a row is refused: SQL, the column to name, and what to do."""

    bad: str
    column: str
    fix: str


@dataclass(frozen=True)
class Layout:
    """One format of bills.

    Attributes:
        name: as users name it.
        title: as people call it.
        columns: those read; the required ones tell the format.
        charge: SQL of each charge column, in an order in which later ones may use earlier ones;
            names that are not charge columns are steps on the way.
        term: SQL of the parts of a commitment's term, and when a row has one.
        has_term: condition under which a row speaks of a commitment's term.
        checks: conditions under which rows are refused, beside unreadable cells.
        remarks: what readers of every bill of this layout should know.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    charge: Mapping[str, str]
    term: Mapping[str, str]
    has_term: str
    checks: tuple[Check, ...]
    remarks: tuple[str, ...] = ()

    @property
    def every_check(self) -> tuple[Check, ...]:
        """Its own checks, and those that hold for every layout."""
        return (*self._cell_checks(), *self.checks, *_SHARED_CHECKS)

    def _cell_checks(self) -> Sequence[Check]:
        checks = [
            Check(one.unreadable, one.name, f"holds no readable value; write {one.kind.value}")
            for one in self.columns
            if one.kind is not Kind.TEXT
        ]
        empty = "is empty; every row needs a value"
        checks += [
            Check(f"{one.given} IS NULL", one.name, empty) for one in self.columns if one.filled
        ]
        return checks


_IS_MACHINE = "machine_hours IS NOT NULL"

LONGEST_ROW_HOURS = 31 * 24
"""A row of machine time spans a month at most."""

_SHARED_CHECKS = (
    Check("month IS NULL", "begun", "names no month; write when the row's time begins"),
    Check("begun NOT BETWEEN '1970-01-01' AND '2200-01-01'", "begun", "write a year from 1970"),
    Check(f"{_IS_MACHINE} AND machine_hours < 0", "machine_hours", "machine-hours below 0"),
    Check(
        f"{_IS_MACHINE} AND ended <= begun", "ended",
        "the row's time ends before it begins; write the end of its hour",
    ),
    Check(
        f"{_IS_MACHINE} AND ended > begun + INTERVAL {LONGEST_ROW_HOURS} HOUR", "ended",
        "machine time of more than a month in one row; export hours or days",
    ),
    Check(
        "role IN ('used', 'unused') AND commitment_quantity < 0", "commitment_quantity",
        "a commitment's quantity below 0",
    ),
)  # fmt: skip
