"""The bill of what really ran on a terminal: how far from the plan, why, and where; 80 columns."""

from decimal import Decimal

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from api.command.figures import counted, make_table, offer_name, percent, remarks, span, usd
from planner.actuals import CommitmentUse, PlanBill

CAUSES = {
    "usage_usd": "usage other than forecast, on demand",
    "mix_usd": "other machines than planned, on demand",
    "commitments_usd": "commitments serve less (+) or more (-)",
    "sustained_use_usd": "sustained use takes off less (+) or more (-)",
    "charged_by_use_usd": "power, and reserved capacity left empty",
    "prices_usd": "on-demand prices other than planned with",
}
"""The parts of a difference as people read them."""

ROWS_SHOWN = 12
A_CENT = Decimal("0.01")


def show_bill(console: Console, bill: PlanBill) -> None:
    """Print the bill of a plan."""
    parts: list[RenderableType] = [Text(headline(bill), style="bold"), Text(_shares(bill))]
    parts += [_causes(bill), _months(bill), _workloads(bill)]
    if bill.commitments:
        parts.append(_commitments(bill))
    if bill.notes or bill.warnings:
        parts.append(remarks(bill.notes, bill.warnings))
    for part in parts:
        console.print(part)
        console.print()


def headline(bill: PlanBill) -> str:
    """What was billed, and how much more or less that is than planned."""
    text = f"{bill.name}: {usd(bill.total_cost_usd)} USD for {span(bill.hours)}"
    more = bill.difference_usd
    if abs(more) < A_CENT:
        return f"{text} from {bill.start:%Y-%m-%d}, as planned."
    share = (
        f" ({percent(float(abs(more) / bill.planned_cost_usd))})" if bill.planned_cost_usd else ""
    )
    word = "more" if more > 0 else "less"
    planned = usd(bill.planned_cost_usd)
    return (
        f"{text} from {bill.start:%Y-%m-%d}, {usd(abs(more))} USD{share} {word} than the {planned} "
        "USD planned."
    )


def _shares(bill: PlanBill) -> str:
    compared = f" in {bill.scenario}" if bill.scenario else ""
    text = f"Commitments served {percent(bill.coverage)} of the usage"
    if bill.utilization is not None:
        text += f" and were used to {percent(bill.utilization)}"
    text += f" (planned{compared}: {percent(bill.planned_coverage)}"
    if bill.planned_utilization is not None:
        text += f" and {percent(bill.planned_utilization)}"
    return f"{text}). {usd(bill.unused_usd)} USD of them went unused."


def _causes(bill: PlanBill) -> RenderableType:
    table = make_table("Why", ("cause",), ("USD",))
    table.add_row("planned", usd(bill.planned_cost_usd))
    for name, cause in CAUSES.items():
        amount = getattr(bill.difference, name)
        if amount:
            table.add_row(cause, signed(amount))
    table.add_row("billed", usd(bill.total_cost_usd), style="bold")
    return table


def _months(bill: PlanBill) -> RenderableType:
    falling = any(month.sustained_use_usd for month in bill.months)
    right = ["on demand", "commitments", "billed", "planned", "difference"]
    if falling:
        right.insert(1, "(credit)")
    table = make_table("Months, USD", ("month",), right)
    for month in bill.months:
        cells = [month.on_demand_usd, month.commitment_usd, month.total_usd, month.planned_usd]
        figures = [usd(one) for one in cells]
        if falling:
            figures.insert(1, usd(month.sustained_use_usd))
        table.add_row(month.month, *figures, signed(month.difference.total_usd))
    return table


def _workloads(bill: PlanBill) -> RenderableType:
    right = ("planned", "usage", "mix", "actual")
    table = make_table("Workloads on demand, USD", ("workload",), right)
    ordered = sorted(bill.workloads, key=lambda one: -abs(one.usage_usd + one.mix_usd))
    for one in ordered[:ROWS_SHOWN]:
        figures = (signed(one.usage_usd), signed(one.mix_usd), usd(one.actual_usd))
        table.add_row(one.workload, usd(one.planned_usd), *figures)
    _add_count(table, len(ordered) - ROWS_SHOWN, "workload")
    return table


def _commitments(bill: PlanBill) -> RenderableType:
    table = make_table(
        "Commitments, the most unused first",
        ("commitment",),
        ("USD", "unused", "used", "planned"),
    )
    ordered = sorted(bill.commitments, key=lambda one: (-one.unused_usd, one.id))
    for one in ordered[:ROWS_SHOWN]:
        shares = (percent(one.utilization, 0), percent(one.planned_utilization, 0))
        table.add_row(_name(one), usd(one.cost_usd), usd(one.unused_usd), *shares)
    _add_count(table, len(ordered) - ROWS_SHOWN, "commitment")
    return table


def _name(one: CommitmentUse) -> str:
    if one.owned:
        return f"{one.id} (owned)"
    if one.offer_id is None:
        return one.id
    return f"{one.start:%Y-%m-%d} {' '.join(offer_name(one.offer_id))}"


def _add_count(table: Table, left: int, noun: str) -> None:
    if left > 0:
        table.add_row(f"{counted(left, noun)} more")


def signed(amount: Decimal) -> str:
    """A difference: its sign tells dearer from cheaper."""
    text = usd(amount)
    return f"+{text}" if amount > 0 else text
