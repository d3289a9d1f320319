"""What is wrong with a request beside its words: sizes, dates, wishes that do not go together."""

from collections import Counter
from collections.abc import Sequence

from catalogs import Faults, OfferKind
from planner.calendar import Calendar
from planner.fleet import Candidate
from planner.purchases import Option
from planner.request import PlanRequest
from solvers import solver_names

LARGEST_COST_USD = 1e9
"""The dearest workload a plan takes on, over the whole horizon."""

LARGEST_PURCHASE_TABLE = 10**8
"""Dates × dates × offers that the model takes on."""

LARGEST_EXCHANGE_TABLE = 10**6
"""Dates × dates × pairs of offers that may be exchanged that the model takes on."""


def check_dates(calendar: Calendar, options: Sequence[Option], faults: Faults) -> None:
    """Purchases of every date count in every later span between dates."""
    dates = len(calendar.purchase_hours)
    if dates * dates * len(options) > LARGEST_PURCHASE_TABLE:
        fix = f"too many for {len(options)} offers; choose fewer dates, or allow fewer offers"
        faults.add("purchases", f"{dates} dates", fix)


def check_exchanges(
    request: PlanRequest, calendar: Calendar, targets: Sequence[Option], faults: Faults
) -> None:
    """Exchanges need something to exchange, machines that may be mixed, and no end of ways."""
    if not request.offers.exchanges:
        return
    convertible = OfferKind.RESERVED_CONVERTIBLE
    if convertible not in (*request.offers.kinds, *(one.kind for one in request.owned)):
        fix = f"nothing is convertible; allow {convertible}, or own some, or leave exchanges out"
        faults.add("offers.exchanges", value=True, fix=fix)
    if request.whole_machines:
        fix = "cannot go with whole_machines; leave one of them out"
        faults.add("offers.exchanges", value=True, fix=fix)
    dates, ways = len(calendar.purchase_hours), _exchange_ways(targets)
    if dates * dates * ways > LARGEST_EXCHANGE_TABLE:
        fix = f"too many for {ways} pairs of convertible offers; choose fewer purchase dates"
        faults.add("offers.exchanges", f"{dates} dates", fix)


def _exchange_ways(targets: Sequence[Option]) -> int:
    """Ordered pairs of offers, one of which may be exchanged for the other."""
    products = Counter(
        (one.offer.provider, one.offer.region, one.offer.term_hours, one.offer.payment)
        for one in targets
    )
    return sum(count * (count - 1) for count in products.values())


def check_solver(request: PlanRequest, faults: Faults) -> None:
    """The solver asked for must be one there is."""
    if request.solve.solver not in solver_names():
        known = ", ".join(solver_names())
        faults.add("solve.solver", request.solve.solver, f"no such solver; there are: {known}")


def check_floors(request: PlanRequest, candidates: Sequence[Candidate], faults: Faults) -> None:
    """Floors would be met by running machines that nobody needs, where their number is free."""
    limits = request.limits
    workloads = [candidate.workload for candidate in candidates]
    if not request.whole_machines or len(workloads) == len(set(workloads)):
        return
    fix = "cannot go with whole_machines and a choice of machines; name one machine per workload"
    for field, floor in (
        ("limits.coverage.at_least", limits.coverage.at_least),
        ("limits.utilization.at_least", limits.utilization.at_least),
    ):
        if floor is not None:
            faults.add(field, floor, fix)


def check_whole(request: PlanRequest, candidates: Sequence[Candidate], faults: Faults) -> None:
    """Machines are counted whole where each is billed as one, at one price."""
    if not request.whole_machines:
        return
    for position, workload in enumerate(request.workloads):
        mine = (one.machine for one in candidates if one.workload == position)
        parted = [one for one in mine if not one.is_whole or one.resource.sustained_use]
        if parted:
            fix = (
                "is billed by its parts, or for less the longer it runs in a month, and is not "
                "counted whole; leave whole_machines out"
            )
            faults.add(
                f"workloads.{position}", f"{workload.name} on {parted[0].instance_type}", fix
            )


def check_size(candidates: Sequence[Candidate], scenarios: int, faults: Faults) -> None:
    """Bills hold so much money and no more; say so before the solver works for nothing."""
    for candidate in candidates:
        hours = candidate.needed.reshape(scenarios, -1).sum(axis=1).max()
        cost_usd = float(hours) * float(candidate.machine.on_demand_usd)
        if cost_usd > LARGEST_COST_USD:
            field = f"workloads.{candidate.workload}"
            shown = f"{cost_usd:.3g} USD on {candidate.machine.instance_type}"
            fix = f"costs more than {LARGEST_COST_USD:.0e} USD on demand; check the demand's unit"
            faults.add(field, shown, fix)


def check_budget_dates(request: PlanRequest, calendar: Calendar, faults: Faults) -> None:
    """Every dated budget must name a purchase date, and no date two."""
    budgets = request.limits.upfront_budget_usd
    if not isinstance(budgets, tuple):
        return
    known = ", ".join(calendar.at(hour).isoformat() for hour in calendar.purchase_hours)
    dates = [budget.date for budget in budgets]
    for position, date in enumerate(dates):
        field = f"limits.upfront_budget_usd.{position}.date"
        if calendar.hour_of(date) not in calendar.purchase_hours:
            faults.add(field, date.isoformat(), f"is no purchase date; these are: {known}")
        if date in dates[:position]:
            faults.add(field, date.isoformat(), "has a budget already; keep one")
