"""Past bills on a terminal, in 80 columns: the cost by month, machine-hours, commitments."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

from rich.console import Console, RenderableType
from rich.text import Text

from api.command.figures import counted, make_table, percent, remarks, usd
from planner.past_bills import BillHistory, CommitmentUse, PastRequest

ROWS_SHOWN = 12
"""Rows of a table; the rest are counted."""

NAME_WIDTH = 28
"""Characters of a commitment's id, the last of which tell it apart."""


def show_history(console: Console, history: BillHistory, requests: Sequence[PastRequest]) -> None:
    """Print what bills say."""
    parts: list[RenderableType] = [Text(headline(history), style="bold"), _months(history)]
    if history.pools:
        parts.append(_machines(history))
    if history.commitments:
        parts.append(_commitments(history))
    said = [remark for one in requests for remark in one.remarks]
    parts.append(remarks([*_left_out(history), *_spread(history), *history.remarks, *said], []))
    for part in parts:
        console.print(part)
        console.print()


def headline(history: BillHistory) -> str:
    """What was paid, what it cost, and what of it went unused."""
    months = sorted({one.month for one in history.months})
    rows = sum(one.rows for one in history.files)
    unused = f", {usd(history.unused_cost)} of it for commitments left unused"
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    return (
        f"{span}, {counted(len(history.files), 'file')}, {rows:,} rows: "
        f"billed {usd(history.billed)} {history.currency}, effective cost "
        f"{usd(history.effective)} {history.currency}{unused if history.unused_cost else ''}"
    )


def _months(history: BillHistory) -> RenderableType:
    """Costs by month, compute apart."""
    title = f"Cost by month, {history.currency}"
    table = make_table(title, ("month",), ("billed", "effective", "compute", "at list price"))
    months = [(key, list(ones)) for key, ones in groupby(history.months, lambda one: one.month)]
    for month, services in months[-ROWS_SHOWN:]:
        compute = sum((one.effective for one in services if one.is_compute), Decimal(0))
        sums = (sum((getattr(one, name) for one in services), Decimal(0)) for name in _COSTS)
        billed, effective, listed = sums
        table.add_row(month, *map(usd, (billed, effective, compute, listed)))
    if len(months) > ROWS_SHOWN:
        table.add_row(f"{len(months) - ROWS_SHOWN} earlier", "", "", "", "")
    return table


_COSTS = ("billed", "effective", "listed")


def _machines(history: BillHistory) -> RenderableType:
    """Machine-hours by type and region, by how they were paid; the most used first."""
    hours: dict[tuple[str, str], dict[str, Decimal]] = {}
    for one in history.pools:
        row = hours.setdefault((one.instance_type, one.region), {})
        row[one.purchase_option] = row.get(one.purchase_option, Decimal(0)) + one.machine_hours
    table = make_table(
        "Machine-hours", ("machine", "region"), ("on demand", "covered", "spot", "coverage")
    )
    ranked = sorted(hours.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for (machine, region), paid in ranked[:ROWS_SHOWN]:
        options = [paid.get(name, Decimal(0)) for name in ("on_demand", "covered", "spot")]
        coverage = float(options[1] / sum(options)) if any(options) else None
        table.add_row(machine, region, *(f"{one:,.1f}" for one in options), percent(coverage))
    if len(ranked) > ROWS_SHOWN:
        table.add_row(f"{len(ranked) - ROWS_SHOWN} more", "", "", "", "", "")
    return table


def _commitments(history: BillHistory) -> RenderableType:
    """What each commitment cost and how much of it went unused; the most wasted first."""
    title = f"Commitments, {history.currency}"
    left, right = ("commitment", "kind"), ("effective", "unused", "utilization")
    table = make_table(title, left, right)
    ranked = sorted(history.commitments, key=lambda one: (-one.unused_cost, one.commitment_id))
    for one in ranked[:ROWS_SHOWN]:
        name = one.commitment_id
        table.add_row(
            name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}",
            one.kind.replace("_", " "),
            usd(one.effective_cost),
            usd(one.unused_cost),
            percent(_utilization(one)),
        )
    if len(ranked) > ROWS_SHOWN:
        table.add_row(f"{len(ranked) - ROWS_SHOWN} more", "", "", "", "")
    return table


def _utilization(one: CommitmentUse) -> float | None:
    return float(one.used_cost / one.effective_cost) if one.effective_cost > 0 else None


def _left_out(history: BillHistory) -> list[str]:
    return [
        f"not in the demand, {one.reason}: {counted(one.rows, 'row')} of {one.provider}, "
        f"{usd(one.effective)} {history.currency}"
        for one in history.left_out
    ]


def _spread(history: BillHistory) -> list[str]:
    return [
        f"{one.machine_hours:,.1f} machine-hours in {counted(one.rows, 'row')} of "
        f"{one.hours_of_a_row} hours each are spread evenly over those hours"
        for one in history.spread
    ]
