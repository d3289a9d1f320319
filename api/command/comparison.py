"""Strategies side by side on a terminal, in 80 columns."""

from datetime import timedelta
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from api.command.figures import make_table, percent, remarks, usd
from planner import Comparison
from planner.comparison import PRESENT, StrategyResult


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print a comparison."""
    console.print(Text(headline(comparison), style="bold"))
    console.print()
    for title, columns, read in (
        ("", ("cost USD", "saving", "purchases", "coverage", "used", "gap"), _figures),
        ("What one signs for, USD", _SIGNED, _signed),
        ("Saving, USD", _SAVED, _saved),
    ):
        table = make_table(title, ("strategy",), columns)
        for one in comparison.strategies:
            style = "bold" if one.strategy == comparison.cheapest else ""
            if figures := read(one):
                table.add_row(one.strategy, *figures, style=style)
        console.print(table)
        console.print()
    console.print(Text(_paid_when(comparison)))
    console.print()
    for one in comparison.strategies:
        why = "" if one.detail is None else f": {one.detail}"
        console.print(Text(f"{one.strategy}: {one.description}{why}"))
    console.print()
    catalog = comparison.catalog
    prices = f"Prices: {catalog.name} of {catalog.as_of.isoformat()}."
    console.print(remarks(comparison.notes, comparison.warnings, prices))


def headline(comparison: Comparison) -> str:
    """Which strategy is cheapest, and by how much the next is dearer."""
    present = [one for one in comparison.strategies if one.strategy == PRESENT]
    billed = [
        one
        for one in comparison.strategies
        if one.total_cost_usd is not None and one not in present
    ]
    best = next(one for one in billed if one.strategy == comparison.cheapest)
    text = f"{comparison.name}: {best.strategy} is cheapest, {_cost(best)} USD"
    others = [one for one in billed if one.strategy != best.strategy]
    after = "".join(f" {_beside(one, best)}" for one in present)
    if not others:
        return f"{text}.{after}"
    second = min(others, key=lambda one: one.total_cost_usd or Decimal(0))
    more = (second.total_cost_usd or Decimal(0)) - (best.total_cost_usd or Decimal(0))
    distance = f"{usd(more)} USD dearer" if more else "as cheap"
    return f"{text}; next is {second.strategy}, {distance}.{after}"


def _beside(present: StrategyResult, best: StrategyResult) -> str:
    """What the present bill is beside the cheapest strategy."""
    if present.total_cost_usd is None:
        return "The present bill has no list prices to compare by."
    more = present.total_cost_usd - (best.total_cost_usd or Decimal(0))
    side = "more" if more >= 0 else "less"
    about = "" if present.status == "billed" else "about "
    return f"The present bill is {about}{_cost(present)} USD, {usd(abs(more))} USD {side}."


def _figures(one: StrategyResult) -> list[str]:
    if one.total_cost_usd is None:
        return [one.status.replace("_", " "), "", "", "", "", ""]
    return [
        _cost(one),
        percent(one.savings_share),
        "-" if one.purchases is None else f"{one.purchases}",
        percent(one.coverage),
        percent(one.utilization),
        percent(one.gap, 2),
    ]


_SIGNED = ("quarter", "year", "in all", "committed", "still to pay", "paid ahead")


def _signed(one: StrategyResult) -> list[str]:
    """Cash of the first quarter and year and of all hours, commitment, what stays to be paid."""
    head = one.headline
    if head is None:
        return []
    return [
        usd(amount)
        for amount in (
            head.cash_first_quarter_usd,
            head.cash_first_year_usd,
            head.cash_usd,
            head.commitment_total_usd,
            head.still_to_pay_usd,
            head.paid_ahead_usd,
        )
    ]


_SAVED = ("mean", "worst tenth", "best tenth", "next deadline")


def _saved(one: StrategyResult) -> list[str]:
    """The saving on the bill with its range over futures, and when something is to be ordered."""
    head = one.headline
    if head is None:
        return []
    saved, deadline = head.savings_usd, head.next_deadline
    return [
        usd(saved.mean),
        usd(saved.worst_tenth),
        usd(saved.best_tenth),
        "-" if deadline is None else f"{deadline:%Y-%m-%d}",
    ]


def _paid_when(comparison: Comparison) -> str:
    """Which months the columns mean."""
    heads = (one.headline for one in comparison.strategies)
    head = next(one for one in heads if one is not None)
    end = f"{comparison.horizon.end - timedelta(hours=1):%Y-%m-%d}"
    return (
        f"Paid in {head.first_quarter}, in {head.first_year}, and to {end} in all. Committed: "
        f"upfront and fees over all terms. Still to pay: fees after {end}. Paid ahead: upfront "
        "for hours after it. One future in ten saves less than the worst tenth, one more than the "
        "best."
    )


def _cost(one: StrategyResult) -> str:
    return usd(one.total_cost_usd or Decimal(0))
