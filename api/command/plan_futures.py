"""A plan over several futures on a terminal: their bills, what hinges on them, what may slip."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from rich.console import Group, RenderableType
from rich.text import Text

from api.command.figures import (
    UNITS,
    counted,
    make_table,
    number,
    offer_name,
    percent,
    usd,
)
from planner import Plan
from planner.plan import ForecastBasis, FutureCost, KnownCost, Purchase

FUTURES_SHOWN = 8
"""Of more futures, what is bought in some is told by its mean and range."""
SMALL_SHARE = Decimal("0.01")
"""Later purchases below this share of the plan's cost are summed up."""
ROUNDING = 1e-9
"""Of probabilities added up."""


def footing(plan: Plan, basis: ForecastBasis) -> str:
    """What a plan on a forecast rests on, and what its proof is not."""
    kept = len(plan.scenarios) or 1
    futures = f"{kept} of {basis.paths}" if kept < basis.paths else f"{kept}"
    told = (
        f"Rests on a forecast from {counted(basis.history_hours // 24, 'day')} of history; "
        f"{_on_its_past(basis)}. The cost is the mean of {futures} futures drawn"
    )
    if plan.risk is not None:
        risk = plan.risk
        low, middle, high = (usd(Decimal(one)) for one in (risk.p5_usd, risk.p50_usd, risk.p95_usd))
        told += f", bills {low} (5%), {middle} (median), {high} USD (95%)"
    proof = "" if plan.lower_bound_usd is None else "; the proof holds for these"
    return f"{told}{proof}, not for what will come."


def _on_its_past(basis: ForecastBasis) -> str:
    losses = [one.weighted_quantile_loss for one in basis.records]
    errors = [one for one in losses if one is not None]
    if not errors:
        if basis.records:
            return "there was no demand to err on in its own past"
        return "it could not be tried on its own past"
    days = basis.records[0].hours_ahead // 24
    ahead = counted(days // 7, "week") if days % 7 == 0 else counted(days, "day")
    inside = _range([one.coverage for one in basis.records], 0)
    return (
        f"on its own past, {ahead} ahead: loss {_range(errors, 1)} of demand, {inside} of hours in "
        "the 80% band"
    )


def _range(shares: Sequence[float], places: int) -> str:
    """The lowest and the highest share, or the one."""
    low, high = (percent(one, places) for one in (min(shares), max(shares)))
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def future_bills(plan: Plan) -> RenderableType:
    """What every future costs, of many the highest, the lowest and some between."""
    left, right = ("future",), ("probability", "USD", "saved")
    many = len(plan.scenarios) > FUTURES_SHOWN
    table = make_table("Futures, as billed", ("bill", *left) if many else left, right)
    if many:
        for bill, one in _spread(plan.scenarios):
            table.add_row(bill, *_future_row(one))
    else:
        for one in plan.scenarios:
            table.add_row(*_future_row(one))
    risk = plan.risk
    if risk is None:
        return table
    told = "" if many else (
        f"One bill in twenty is below {usd(Decimal(risk.p5_usd))} USD, one above "
        f"{usd(Decimal(risk.p95_usd))} USD. "
    )  # fmt: skip
    told += (
        f"The {percent(1 - risk.level)} of futures that save least save "
        f"{usd(Decimal(risk.tail_savings_usd))} USD."
    )
    if risk.weight > 0:
        told += f" Caution costs {usd(Decimal(risk.caution_usd))} USD of the mean."
    return Group(table, Text(told))


def _spread(futures: Sequence[FutureCost]) -> Iterator[tuple[str, FutureCost]]:
    """The highest bill, those that 95 %, 50 % and 5 % of probability do not exceed, the lowest."""
    ordered = sorted(futures, key=lambda one: one.total_cost_usd)
    below = list(accumulate(one.probability for one in ordered))
    yield "highest", ordered[-1]
    for label, share in (("95%", 0.95), ("median", 0.5), ("5%", 0.05)):
        yield label, ordered[bisect_left(below, share - ROUNDING)]
    yield "lowest", ordered[0]


def _future_row(one: FutureCost) -> tuple[str, str, str, str]:
    share = one.savings_usd / one.on_demand_cost_usd if one.on_demand_cost_usd else None
    saved = percent(None if share is None else float(share))
    return one.name, percent(one.probability), usd(one.total_cost_usd), saved


def later_purchases(plan: Plan) -> RenderableType:
    """What is bought in some of many futures: a line by date and product, over all futures.

    Products that cost next to nothing are summed up.
    """
    left, right = ("date", "offer", "term, upfront"), ("mean", "range", "upfront USD")
    table = make_table("Later, by the demand seen by then", left, right)
    lots: dict[tuple[datetime, str, str | None], list[Purchase]] = {}
    for one in plan.purchases:
        if one.scenarios is not None:
            lots.setdefault((one.start, one.offer_id, one.workload), []).append(one)
    small: list[Decimal] = []
    for (start, offer, _), lot in sorted(
        lots.items(), key=lambda one: (one[0][:2], one[0][2] or "")
    ):
        cost = _mean_cost(plan, lot)
        if cost < SMALL_SHARE * plan.total_cost_usd:
            small.append(cost)
            continue
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
    if not small:
        return table
    count, total = counted(len(small), "later purchase"), usd(sum(small, Decimal(0)))
    below = f"below {percent(float(SMALL_SHARE), 0)} of the plan's cost"
    below = below if len(small) == 1 else f"each {below}"
    rest = Text(f" … {count}, {below}: {total} USD on the mean")
    return Group(table, rest) if table.rows else rest


def _mean_cost(plan: Plan, lot: Sequence[Purchase]) -> Decimal:
    """Of one product at one date, within the horizon, over all futures."""
    chances = {one.name: Decimal(str(one.probability)) for one in plan.scenarios}
    return sum(
        (one.cost_usd * chances[name] for one in lot for name in one.scenarios or ()), Decimal(0)
    )


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
