"""A plan on a terminal: a sentence that says it all, then the tables behind it, in 80 columns."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.text import Text

from api.command.figures import (
    counted,
    make_table,
    offer_name,
    percent,
    quantity,
    remarks,
    span,
    usd,
)
from api.command.plan_futures import (
    FUTURES_SHOWN,
    footing,
    future_bills,
    known_costs,
    later_purchases,
)
from planner import Plan
from planner.plan import (
    Assumption,
    CapacityHeld,
    ConvertibleExchange,
    Given,
    LimitPeak,
    MachineShare,
    MonthlyCost,
    NotBought,
    PoolUse,
    Purchase,
    Reason,
)
from planner.request import Accounting
from planner.settlement import beside

POOLS_SHOWN = 8
NAMES_SHOWN = 3
REASONS_SHOWN = 5

SLIGHT_SHARE = 0.005
"""Shares of a workload that print as 0 or 100 %."""

SMALL_SHARE = Decimal("0.001")
"""Parts of the bill below this share are not worth a reader's time."""

_REASONS: dict[Reason, str] = {
    "served_cheaper": "served cheaper by others",
    "too_little_usage": "too little use",
    "beyond_smallest_purchase": "less use than the smallest purchase serves",
    "budget_used_up": "upfront budget used up",
    "limit_reached": "coverage ceiling, quota or number of lines reached",
    "below_smallest_usd": "below purchases.smallest_usd",
    "left_out_for_few_lines": "saves less than a line is worth (simplify)",
    "within_gap": "saves less than the gap",
}


def show_plan(console: Console, plan: Plan) -> None:
    """Print a plan."""
    parts: list[RenderableType] = [Text(plan.headline.sentence, style="bold")]
    parts += [signed_for(plan), Text(certainty(plan))]
    if plan.forecast is not None:
        parts.append(Text(footing(plan, plan.forecast)))
    if plan.present_bill is not None:
        parts.append(Text(beside(plan.present_bill, plan.total_cost_usd)))
    parts += [*_decided(plan), _months(plan), _pools(plan.pools), *_looked_into(plan)]
    parts.append(remarks(plan.notes, plan.warnings, *_afterwards(plan), _origin(plan)))
    if plan.status == "feasible":
        # The one thing not to miss comes first.
        parts.insert(0, Text(caution(plan), style="bold red"))
    for part in parts:
        console.print(part)
        console.print()


def _decided(plan: Plan) -> Iterator[RenderableType]:
    """What is decided; of many futures, in full what is decided in all of them."""
    few = len(plan.scenarios) <= FUTURES_SHOWN
    certain = [one for one in plan.purchases if few or one.scenarios is None]
    yield _purchases(certain)
    if len(certain) < len(plan.purchases):
        yield later_purchases(plan)
    if plan.exchanges:
        yield _exchanges([one for one in plan.exchanges if few or one.scenarios is None])
    if plan.mix:
        yield _machines([one for one in plan.mix if few or one.scenarios is None])
    if plan.capacity:
        yield _capacity([one for one in plan.capacity if few or one.scenarios is None])


def _looked_into(plan: Plan) -> Iterator[RenderableType]:
    """What the plan comes to beside its bill, as far as there is something."""
    if any(one.kind in _RECKONED_WITH for one in plan.assumptions):
        yield _assumed(plan.assumptions)
    if plan.scenarios:
        yield future_bills(plan)
    if plan.known:
        yield known_costs(plan.known)
    if plan.limit_peaks:
        yield _limits(plan.limit_peaks)
    if plan.owned:
        yield _owned(plan)
    if plan.not_bought:
        yield _reasons(plan.not_bought)


def caution(plan: Plan) -> str:
    """What to know before acting on a plan that is not proven good."""
    stopped = plan.solver.stopped.replace("_", " ")
    if plan.lower_bound_usd is None:
        return f"Not proven good: the solver stopped ({stopped}) without a bound."
    return (
        f"Not proven good: the solver stopped ({stopped}) at a gap of {percent(plan.gap)}. A bill "
        f"of {usd(plan.lower_bound_usd)} USD is not ruled out; allow more time before you act."
    )


def signed_for(plan: Plan) -> RenderableType:
    """What one signs for: cash, commitment, what stays to be paid, savings."""
    head, end = plan.headline, f"{plan.horizon.end - timedelta(hours=1):%Y-%m-%d}"
    rented = head.on_demand_cash
    table = make_table("", ("what you pay, USD",), ("this plan", "all on demand"))
    rows = [
        (f"in {head.first_quarter}", head.cash_first_quarter_usd, rented.first_quarter_usd),
        (f"in {head.first_year}", head.cash_first_year_usd, rented.first_year_usd),
        (f"in {span(plan.horizon.hours)}, to {end}", head.cash_usd, rented.horizon_usd),
    ]
    for at, (label, paid, otherwise) in enumerate(rows):
        if label not in {name for name, *_ in rows[:at]} and paid is not None:
            table.add_row(label, usd(paid), usd(otherwise))
    table.add_row("  of it ahead, for hours after that", usd(head.paid_ahead_usd), "")
    table.add_row(f"fees still to pay after {end}", usd(head.still_to_pay_usd), "")
    if head.owned_still_to_pay_usd:
        table.add_row("  and of what is owned already", usd(head.owned_still_to_pay_usd), "")
    table.add_row("committed over all terms", usd(head.commitment_total_usd), "")
    table.add_row("saved on the bill", usd(head.savings_usd.mean), "")
    if plan.scenarios:
        low, high = usd(head.savings_usd.worst_tenth), usd(head.savings_usd.best_tenth)
        table.add_row("  one future in ten saves less than", low, "")
        table.add_row("  one future in ten saves more than", high, "")
    if head.next_deadline is not None:
        table.add_row("next deadline", f"{head.next_deadline:%Y-%m-%d}", "")
    return table


def certainty(plan: Plan) -> str:
    """How sure it is that no plan is much cheaper."""
    shares = f"Commitments serve {percent(plan.coverage)} of the usage"
    if plan.utilization is not None:
        shares += f" and are used to {percent(plan.utilization)}"
    if plan.lower_bound_usd is None or plan.gap is None:
        return f"How much cheaper a plan could be is not known: no bound was proven. {shares}."
    bound, weighed = usd(plan.lower_bound_usd), ""
    if plan.risk is not None and plan.risk.weight > 0:
        weighed = ", its bad futures weighed,"
    return (
        f"Proven: this bill{weighed} is at most {percent(plan.gap, 3)} above the best possible "
        f"one; none is below {bound} USD.{_order(plan)} {shares}."
    )


def _order(plan: Plan) -> str:
    """What of the bill is the provider's order of application, where that matters."""
    order = plan.assignment_gap_usd
    if order <= SMALL_SHARE * plan.total_cost_usd:
        return ""
    return (
        f" {usd(order)} USD of it come from the order in which the provider applies commitments, "
        "which is not the cheapest."
    )


def quantity_name(one: Purchase) -> str:
    """How much is bought: ``12 ×`` machines or ``3.816 $/h``."""
    return quantity(one.quantity, one.unit)


def _purchases(purchases: Sequence[Purchase]) -> RenderableType:
    if not purchases:
        return Text("Purchases: none.")
    left, right = ("quantity", "offer", "term, upfront"), ("upfront", "hourly", "used")
    table = make_table("Purchases, USD", left, right)
    places = _places([one.upfront_usd for one in purchases])
    for (start, futures), lot in groupby(
        sorted(purchases, key=_occasion), key=lambda one: (one.start, one.scenarios)
    ):
        table.add_row(Text(f"{start:%Y-%m-%d}", style="bold"), Text(if_futures(futures)))
        for one in lot:
            table.add_row(
                quantity_name(one),
                *offer_name(one.offer_id),
                f"{one.upfront_usd:,.{places}f}",
                _hourly(one.hourly_usd),
                percent(one.utilization, 0),
            )
    return table


def _exchanges(exchanges: Sequence[ConvertibleExchange]) -> RenderableType:
    """What is given on which date, and what is taken for it."""
    table = make_table("Exchanges, USD", ("give", "take", "until"), ("true-up", "used"))
    for (date, futures), made in groupby(exchanges, key=lambda one: (one.date, one.scenarios)):
        table.add_row(Text(f"{date:%Y-%m-%d}", style="bold"), Text(if_futures(futures)))
        for one in made:
            table.add_row(
                ", ".join(f"{part.quantity.normalize():f} × {_given(part)}" for part in one.given),
                f"{one.quantity.normalize():f} × {offer_name(one.offer_id)[0]}",
                f"{one.end:%Y-%m-%d}",
                usd(one.true_up_usd),
                percent(one.utilization, 0),
            )
    return table


def _given(part: Given) -> str:
    """The machine, and of owned ones the commitment."""
    name = offer_name(part.offer_id)[0]
    return name if part.id.startswith(part.offer_id) else f"{name} ({part.id})"


def _occasion(one: Purchase) -> tuple[datetime, tuple[str, ...]]:
    return one.start, one.scenarios or ()


def if_futures(names: Sequence[str] | None) -> str:
    """In which futures something is done; nothing where it is done in all."""
    if names is None:
        return ""
    more = f" or {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"if {' or '.join(names[:NAMES_SHOWN])}{more}"


def _hourly(amount: Decimal) -> str:
    """Dollars per hour: three decimals, more for what would round away."""
    return f"{amount:,.3f}" if amount == 0 or amount >= Decimal("0.1") else f"{float(amount):.3g}"


def _machines(mix: Sequence[MachineShare]) -> RenderableType:
    """Where workloads run that may choose, a row wherever that changes."""
    table = make_table("Machines to run on", ("workload", "from", "machines"), ())
    for workload, shares in groupby(mix, key=lambda one: one.workload):
        before: dict[tuple[str, ...], str] = {}
        ordered = sorted(shares, key=lambda one: (one.start, one.scenarios or ()))
        for (start, futures), parts in groupby(
            ordered, key=lambda one: (one.start, one.scenarios or ())
        ):
            machines = ", ".join(_machine(one) for one in parts if one.share > SLIGHT_SHARE)
            if machines != before.get(futures):
                condition = if_futures(futures or None)
                when = f"{start:%Y-%m-%d} {condition}".rstrip()
                table.add_row(workload, when, machines)
            before[futures] = machines
    return table


def _capacity(held: Sequence[CapacityHeld]) -> RenderableType:
    """What is held ready, a row for each number of machines."""
    left, right = ("workload", "from", "until", "machines"), ("unused hours", "unused USD")
    table = make_table("Capacity held on demand, without a term", left, right)
    for one in held:
        machine = f"{one.machines:,.6g} × {one.instance_type} {one.region}"
        name = f"{one.workload} {if_futures(one.scenarios)}".rstrip()
        unused = "" if one.unused_usd is None else usd(one.unused_usd)
        dates = f"{one.start:%Y-%m-%d %H}h", f"{one.end:%Y-%m-%d %H}h"
        table.add_row(name, *dates, machine, f"{one.unused_hours:,.0f}", unused)
    return table


def _machine(one: MachineShare) -> str:
    share = "" if one.share > 1 - SLIGHT_SHARE else f" {percent(one.share, 0)}"
    spot = " spot" if one.spot else ""
    return f"{one.instance_type} {one.region}{spot}{share}"


def _months(plan: Plan) -> RenderableType:
    months = plan.monthly
    columns: dict[str, Callable[[MonthlyCost], Decimal]] = {
        "on demand": lambda one: one.on_demand_usd,
        "commitments": lambda one: one.commitment_usd,
        "bill": lambda one: one.on_demand_usd + one.commitment_usd,
        "upfront paid": lambda one: one.upfront_cash_usd,
        "cash out": lambda one: one.cash_usd,
    }
    discounted = plan.horizon.accounting is Accounting.CASH_FLOW
    title = "Monthly bill, USD" + (
        " (discounted, but for the last two columns)" if discounted else ""
    )
    table = make_table(title, ("month",), tuple(columns))
    sums = [sum(map(read, months), Decimal(0)) for read in columns.values()]
    places = _places(sums)
    for one in months:
        table.add_row(one.month, *(f"{read(one):z,.{places}f}" for read in columns.values()))
    table.add_row("all", *(f"{total:z,.{places}f}" for total in sums), style="bold")
    return table


def _pools(pools: Sequence[PoolUse]) -> RenderableType:
    table = make_table("Usage pools", ("pool",), ("on-demand equivalent USD", "coverage"))
    ordered = sorted(pools, key=lambda one: (-one.on_demand_equivalent_usd, one.pool))
    used = [one for one in ordered if one.on_demand_equivalent_usd > 0]
    for one in used[:POOLS_SHOWN]:
        table.add_row(one.pool, usd(one.on_demand_equivalent_usd), percent(one.coverage))
    rest = used[POOLS_SHOWN:]
    if rest:
        total = sum((one.on_demand_equivalent_usd for one in rest), Decimal(0))
        table.add_row(counted(len(rest), "smaller pool"), usd(total), "")
    if len(used) < len(pools):
        table.add_row(counted(len(pools) - len(used), "pool") + " not used", "", "")
    return table


_RECKONED_WITH = ("hazard", "launch", "price")
"""Kinds of assumptions that notes do not tell."""


def _assumed(assumptions: Sequence[Assumption]) -> RenderableType:
    """What the plan reckons with, and what that costs where it does not come true."""
    table = make_table("Assumed, and what it costs if it does not come true", ("what", "source"),
                       ("chance", "USD"))  # fmt: skip
    for one in assumptions:
        if one.kind in _RECKONED_WITH:
            cost = "-" if one.cost_usd is None else usd(one.cost_usd)
            table.add_row(one.text, one.source, percent(one.probability, 0), cost)
    return table


def _limits(peaks: Sequence[LimitPeak]) -> RenderableType:
    """How near quotas and limits on egress are come to, and which of them bind."""
    table = make_table("Had or moved at once", ("limit", "busiest hour"), ("peak", "limit", ""))
    for one in peaks:
        when = f"{one.at:%Y-%m-%d %H:%M} {if_futures(one.scenario and [one.scenario])}".rstrip()
        unit = one.unit.replace("GiB per hour", "GiB/h")
        name = one.limit.removeprefix("limits.")
        table.add_row(name, when, f"{one.peak:,.6g}", f"{one.at_most:,.6g} {unit}",
                      "binds" if one.binds else "")  # fmt: skip
    return table


def _owned(plan: Plan) -> RenderableType:
    table = make_table("Owned already", ("commitment",), ("cost USD", "used"))
    for one in plan.owned:
        table.add_row(one.id, usd(one.cost_usd), percent(one.utilization))
    return table


def _reasons(offers: Sequence[NotBought]) -> RenderableType:
    """The offers that came nearest to being worth it, and a count of the others."""
    table = make_table("Not bought, the nearest first", ("offer", "why"), ("break-even", "use"))
    ordered = sorted(offers, key=_distance)
    for one in ordered[:REASONS_SHOWN]:
        table.add_row(
            " ".join(offer_name(one.offer_id)),
            _reason(one),
            percent(one.break_even_utilization),
            percent(one.utilization),
        )
    rest = Counter(_REASONS[one.reason] for one in ordered[REASONS_SHOWN:])
    counts = ", ".join(f"{why} {count}" for why, count in sorted(rest.items()))
    return Group(table, Text(f" {sum(rest.values())} more: {counts}")) if rest else table


def _reason(one: NotBought) -> str:
    """Why, in words; what serves it cheaper is named."""
    if not one.served_by:
        return _REASONS[one.reason]
    return f"cheaper: {' '.join(offer_name(one.served_by[0]))}"


def _distance(one: NotBought) -> float:
    """How much more use the offer needs; infinite where no use would do."""
    needed = one.break_even_utilization
    return math.inf if needed is None else needed - one.utilization


def _afterwards(plan: Plan) -> list[str]:
    """What purchases still cost beyond the horizon, if anything: the mean over futures."""
    chances = {future.name: Decimal(str(future.probability)) for future in plan.scenarios}
    amount = Decimal(0)
    told: list[Purchase | ConvertibleExchange] = [*plan.purchases, *plan.exchanges]
    for one in told:
        names = one.scenarios
        chance = Decimal(1) if names is None else sum(map(chances.__getitem__, names), Decimal(0))
        amount += chance * one.after_horizon_usd
    if not amount:
        return []
    end = f"{plan.horizon.end:%Y-%m-%d}"
    return [f"Terms reach beyond {end}: {usd(amount)} USD, paid or owed, fall after it."]


def _origin(plan: Plan) -> str:
    solver, catalog = plan.solver, plan.catalog
    return (
        f"Model of {solver.columns:,} columns and {solver.rows:,} rows built in "
        f"{solver.build_seconds:.1f} s, solved by {solver.name} in {solver.seconds:.1f} s "
        f"(stopped: {solver.stopped.replace('_', ' ')}). "
        f"Prices: {catalog.name} of {catalog.as_of.isoformat()}."
    )


def _places(amounts: Sequence[Decimal]) -> int:
    """Decimals of a column of dollars: none once there are thousands."""
    return 0 if max(amounts) >= 1000 else 2
