"""What cells add up to: months and services, commitments, and what did not reach the demand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from planner.past_bills.bill_files import BillFile
from planner.past_bills.history import (
    ZERO,
    CommitmentUse,
    FileRead,
    LeftOut,
    ServiceMonth,
    Spread,
    Term,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FILES = "SELECT file, sum(lines) FROM cells GROUP BY file"

_MONTHS = """
SELECT month, provider, service, is_compute, sum(billed), sum(effective), sum(listed),
    sum(lines)::BIGINT, sum(negative_lines)::BIGINT,
    coalesce(sum(effective) FILTER (role IN ('used', 'unused')), 0),
    coalesce(sum(effective) FILTER (role = 'unused'), 0)
FROM counted GROUP BY ALL ORDER BY ALL
"""

# What was bought stands in every export; what was used only in the one that gives effective costs.
_COMMITMENTS = """
SELECT provider, commitment_id, max(commitment_kind), max(commitment_unit),
    sum(commitment_quantity) FILTER (role = 'used' AND gives_effective),
    sum(commitment_quantity) FILTER (role = 'unused' AND gives_effective),
    sum(commitment_quantity) FILTER (role IN ('upfront', 'recurring')),
    sum(effective) FILTER (role = 'used'), sum(effective) FILTER (role = 'unused'),
    sum(recurring), sum(billed) FILTER (role = 'upfront'), max(term),
    count(commitment_quantity) > 0
FROM counted WHERE commitment_id IS NOT NULL GROUP BY ALL ORDER BY provider, commitment_id
"""

_LEFT_OUT = """
SELECT left_out, provider, sum(lines)::BIGINT, sum(effective)
FROM counted WHERE left_out IS NOT NULL AND gives_effective GROUP BY ALL ORDER BY ALL
"""

_SPREAD = """
SELECT date_diff('hour', begun, ended) AS hours, sum(lines)::BIGINT, sum(machine_hours)
FROM counted WHERE machine_hours IS NOT NULL AND left_out IS NULL AND hours > 1
GROUP BY hours ORDER BY hours
"""

_UNNAMED = """
SELECT coalesce(sum(lines), 0)::BIGINT FROM counted
WHERE purchase_option = 'covered' AND commitment_id IS NULL AND left_out IS NULL
"""


_RESTATED = "SELECT sum(restated) FROM counted"


def files_read(connection: "DuckDBPyConnection", files: Sequence[BillFile]) -> tuple[FileRead, ...]:
    """What was in each file."""
    rows = {number: int(lines) for number, lines in connection.execute(_FILES).fetchall()}
    return tuple(
        FileRead(file.name, file.layout.name, rows.get(number, 0), file.columns)
        for number, file in enumerate(files)
    )


def service_months(connection: "DuckDBPyConnection") -> tuple[ServiceMonth, ...]:
    """Costs by month and service."""
    return tuple(ServiceMonth(*row) for row in connection.execute(_MONTHS).fetchall())


def commitments_met(connection: "DuckDBPyConnection") -> tuple[CommitmentUse, ...]:
    """Every commitment that rows name."""
    rows = connection.execute(_COMMITMENTS).fetchall()
    return tuple(_commitment(row[:4], row[4:7], row[7:11], row[11], row[12]) for row in rows)


def _commitment(
    labels: Sequence[str], quantities: Sequence[Decimal | None], costs: Sequence[Decimal | None],
    term: dict[str, object] | None, has_quantities: bool,
) -> CommitmentUse:  # fmt: skip
    provider, name, kind, unit = labels
    used, unused, bought = (_amount(one) if has_quantities else None for one in quantities)
    used_cost, unused_cost, recurring, upfront = map(_amount, costs)
    return CommitmentUse(
        provider=provider,
        commitment_id=name,
        kind=kind,
        unit=unit,
        used_quantity=used,
        unused_quantity=unused,
        bought_quantity=bought,
        used_cost=used_cost,
        unused_cost=unused_cost,
        recurring_cost=recurring,
        upfront_cost=upfront,
        term=_term(term),
    )


def rows_left_out(connection: "DuckDBPyConnection") -> tuple[LeftOut, ...]:
    """Rows that do not reach the demand, by reason."""
    return tuple(LeftOut(*row) for row in connection.execute(_LEFT_OUT).fetchall())


def rows_spread(connection: "DuckDBPyConnection") -> tuple[Spread, ...]:
    """Machine time of rows longer than an hour, by their length."""
    return tuple(Spread(*row) for row in connection.execute(_SPREAD).fetchall())


def remarks_on_commitments(connection: "DuckDBPyConnection") -> list[str]:
    """Covered usage that names no commitment, purchases whose cost would count twice."""
    said = []
    row = connection.execute(_UNNAMED).fetchone()
    if row and row[0]:
        said.append(f"{row[0]:,} rows are covered by a commitment they do not name")
    row = connection.execute(_RESTATED).fetchone()
    if row and row[0]:
        said.append(
            f"purchases of commitments carry {row[0]:,.2f} of effective cost; it is counted once, "
            "with the usage they cover"
        )
    return said


def _amount(value: Decimal | None) -> Decimal:
    return ZERO if value is None else value


def _term(value: dict[str, object] | None) -> Term | None:
    if value is None:
        return None
    return Term(**{name: _utc(one) for name, one in value.items()})  # type: ignore[arg-type]


def _utc(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
