"""A plan over several futures on a terminal: their bills, what hinges on them, what may slip."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from api.command.figures import UNITS, make_table, number, offer_name, percent, usd
from planner import Plan
from planner.plan import KnownCost, Purchase

FUTURES_SHOWN = 8
"""Of more futures, what is bought in some is told by its mean and range."""


def future_bills(plan: Plan) -> RenderableType:
    """What every future costs, and how the bill is spread over them."""
    table = Table(title="Futures, as billed", title_justify="left", box=None)
    for name in ("future", "probability", "USD", "saved"):
        table.add_column(name, justify="left" if name == "future" else "right")
    for one in plan.scenarios[:FUTURES_SHOWN]:
        share = one.savings_usd / one.on_demand_cost_usd if one.on_demand_cost_usd else None
        saved = percent(None if share is None else float(share))
        table.add_row(one.name, percent(one.probability), usd(one.total_cost_usd), saved)
    if len(plan.scenarios) > FUTURES_SHOWN:
        table.add_row(f"… {len(plan.scenarios) - FUTURES_SHOWN} more", "", "", "")
    risk = plan.risk
    if risk is None:
        return table
    spread = (
        f"One bill in twenty is below {usd(Decimal(risk.p5_usd))} USD, one above "
        f"{usd(Decimal(risk.p95_usd))} USD. The {percent(1 - risk.level)} of futures that save "
        f"least save {usd(Decimal(risk.tail_savings_usd))} USD."
    )
    if risk.weight > 0:
        spread += f" Caution costs {usd(Decimal(risk.caution_usd))} USD of the mean."
    return Group(table, Text(spread))


def later_purchases(plan: Plan) -> RenderableType:
    """What is bought in some of many futures: a line by date and product, over all futures."""
    left, right = ("date", "offer", "term, upfront"), ("mean", "range", "upfront USD")
    table = make_table("Later, by the demand seen by then", left, right)
    lots: dict[tuple[datetime, str, str | None], list[Purchase]] = {}
    for one in plan.purchases:
        if one.scenarios is not None:
            lots.setdefault((one.start, one.offer_id, one.workload), []).append(one)
    for (start, offer, _), lot in sorted(
        lots.items(), key=lambda one: (one[0][:2], one[0][2] or "")
    ):
        quantity, upfront = _by_future(plan, lot)
        mean, paid = (_mean(plan, amounts) for amounts in (quantity, upfront))
        unit = UNITS.get(lot[0].unit, lot[0].unit)
        table.add_row(
            f"{start:%Y-%m-%d}",
            *offer_name(offer),
            f"{number(mean)} {unit}",
            f"{number(min(quantity))} to {number(max(quantity))}",
            usd(Decimal(paid)),
        )
    return table


def _mean(plan: Plan, amounts: Sequence[float]) -> float:
    """Of an amount by future."""
    pairs = zip(plan.scenarios, amounts, strict=True)
    return sum(future.probability * amount for future, amount in pairs)


def _by_future(plan: Plan, lot: Sequence[Purchase]) -> tuple[list[float], list[float]]:
    """Quantity and upfront USD of one product at one date [future]."""
    quantity = dict.fromkeys((one.name for one in plan.scenarios), 0.0)
    upfront = dict(quantity)
    for one in lot:
        for name in one.scenarios or ():
            quantity[name] += float(one.quantity)
            upfront[name] += float(one.upfront_usd)
    return list(quantity.values()), list(upfront.values())


def known_costs(known: Sequence[KnownCost]) -> RenderableType:
    """What the plan costs where something known comes in time, late or not at all."""
    left, right = ("what", "comes"), ("chance", "plan USD", "on demand USD", "saved", "used")
    table = make_table("If it slips: means over the futures where it does", left, right)
    for one in known:
        for way in one.ways:
            base = way.on_demand_cost_usd
            table.add_row(
                one.name if way is one.ways[0] else "",
                way.label,
                percent(way.probability, 0),
                usd(way.total_cost_usd),
                usd(base),
                percent(float(way.savings_usd / base) if base else None),
                percent(way.utilization),
            )
    return table
