"""Which limits conflict, when no plan keeps to all of them."""

from collections.abc import Callable
from dataclasses import replace

from catalogs import Fault
from planner.fleet import running_limits
from planner.fleet.placement import bounds_of as places_of
from planner.formulation.quotas import bounds_of
from planner.problem import Problem
from planner.request import Limits, PlanRequest, Quota, ShareFloor, ShareLimits, Workload

_UNBOUNDED = {"at_least": None, "at_most": None}


def find_conflicts(problem: Problem, is_infeasible: Callable[[Problem], bool]) -> tuple[Fault, ...]:
    """An irreducible set of limits: no plan keeps to all of them, one does without any one.

    Limits are dropped one by one; those without which the rest is still infeasible stay out. A
    limit that cannot be decided upon in time stays in.
    """
    kept = limit_names(problem)
    for name in limit_names(problem):
        rest = [one for one in kept if one != name]
        if is_infeasible(_with_limits(problem, rest)):
            kept = rest
    if not kept:
        return _nothing_on_demand(problem)
    faults = tuple(_fault(problem, name) for name in kept)
    return (*faults, *_no_offers(problem)) if "limits.coverage.at_least" in kept else faults


def _nothing_on_demand(problem: Problem) -> tuple[Fault, ...]:
    """Workloads that run on reserved machines or not at all: what else no limit explains."""
    sold = {one.workload for one in problem.candidates if one.machine.sold_on_demand}
    fix = (
        "none of its machines is sold on demand; add one that is, or allow reservations whose "
        "terms hold in every hour of demand"
    )
    return tuple(
        Fault(field=f"workloads.{position}", value=workload.name, fix=fix)
        for position, workload in enumerate(problem.request.workloads)
        if position not in sold
    )


def _no_offers(problem: Problem) -> tuple[Fault, ...]:
    if problem.options:
        return ()
    kinds = ", ".join(problem.request.offers.kinds) or "none"
    fix = "nothing may be bought for this fleet; allow offers that the catalogue sells"
    return (Fault(field="offers", value=kinds, fix=fix),)


def limit_names(problem: Problem) -> list[str]:
    """The limits a problem has, each under the field that states it."""
    limits = problem.request.limits
    shares = {
        "limits.coverage.at_least": limits.coverage.at_least,
        "limits.coverage.at_most": limits.coverage.at_most,
        "limits.utilization.at_least": limits.utilization.at_least,
    }
    budgets = [f"limits.upfront_budget_usd at hour {hour}" for hour in problem.upfront_budgets()]
    # Machines are plainer than vCPUs, so of a quota's two limits the vCPUs go first.
    amounts = sorted(_amounts(problem), key=lambda name: name.endswith(".at_most"))
    places = [bound.field for bound in places_of(problem.request, problem.candidates)]
    given = [name for name, share in shares.items() if share is not None]
    return budgets + given + places + amounts


def _amounts(problem: Problem) -> dict[str, float]:
    """Limits on what is had, or moved, at once, by name."""
    running = running_limits(problem.request, problem.catalog)
    whole = {bound.name: bound.at_most for bound in bounds_of(problem)}
    return whole | {limit.name: limit.at_most for limit in running}


def _with_limits(problem: Problem, names: list[str]) -> Problem:
    """The problem with only the named limits."""
    limits, budgets = problem.request.limits, problem.upfront_budgets()

    def share(name: str, value: float | None) -> float | None:
        return value if f"limits.{name}" in names else None

    kept_budgets = {
        hour: usd
        for hour, usd in budgets.items()
        if f"limits.upfront_budget_usd at hour {hour}" in names
    }
    kept = Limits(
        upfront_budget_usd=tuple(
            {"date": problem.calendar.at(hour), "usd": usd} for hour, usd in kept_budgets.items()
        )
        or None,
        coverage=ShareLimits(
            at_least=share("coverage.at_least", limits.coverage.at_least),
            at_most=share("coverage.at_most", limits.coverage.at_most),
        ),
        utilization=ShareFloor(at_least=share("utilization.at_least", limits.utilization.at_least)),
        quotas=tuple(_kept_quota(quota, names) for quota in limits.quotas),
        egress=tuple(one for one in limits.egress if f"limits.egress.{one.name}" in names),
    )
    workloads = tuple(
        _kept_places(position, workload, names)
        for position, workload in enumerate(problem.request.workloads)
    )
    changed = {"limits": kept, "workloads": workloads}
    return replace(problem, request=problem.request.model_copy(update=changed))


def _kept_places(position: int, workload: Workload, names: list[str]) -> Workload:
    """A workload with only the named ones of its bounds; spot may serve all of it otherwise."""
    field, changed = f"workloads.{position}", dict[str, object]()
    if workload.spot is not None and f"{field}.spot.at_most" not in names:
        changed["spot"] = workload.spot.model_copy(update={"at_most": 1.0})
    changed["placement"] = tuple(
        bound.model_copy(update={} if f"{field}.placement.{number}" in names else _UNBOUNDED)
        for number, bound in enumerate(workload.placement)
    )
    return workload.model_copy(update=changed)


def _kept_quota(quota: Quota, names: list[str]) -> Quota:
    """A quota with only the named ones of its limits."""
    fields = ("at_most", "at_most_vcpus")
    dropped = [field for field in fields if f"limits.quotas.{quota.name}.{field}" not in names]
    return quota.model_copy(update=dict.fromkeys(dropped))


def _fault(problem: Problem, name: str) -> Fault:
    limits = problem.request.limits
    amounts = _amounts(problem)
    if name in amounts:
        fix = "raise it; the demand needs more machines than all of these quotas leave"
        if name.startswith("limits.egress."):
            fix = "raise it; the demand cannot run near enough to its home within all of these"
        return Fault(field=name, value=f"{amounts[name]:g}", fix=fix)
    if name.startswith("workloads."):
        return _fault_of_place(problem.request, name)
    if name.startswith("limits.upfront"):
        hour = int(name.rsplit(" ", 1)[1])
        date, usd = problem.calendar.at(hour), problem.upfront_budgets()[hour]
        return Fault(
            field=f"limits.upfront_budget_usd at {date:%Y-%m-%dT%H:%MZ}",
            value=f"{usd:,.2f}",
            fix="raise it, or allow offers without upfront payment",
        )
    share = {
        "limits.coverage.at_least": limits.coverage.at_least,
        "limits.coverage.at_most": limits.coverage.at_most,
        "limits.utilization.at_least": limits.utilization.at_least,
    }[name]
    fix = "raise it" if name.endswith("at_most") else "lower it"
    return Fault(field=name, value=str(share), fix=fix)


def _fault_of_place(request: PlanRequest, name: str) -> Fault:
    """A bound on where a workload runs, or on how much of it runs on spot."""
    _, position, kind, last = name.split(".")
    workload = request.workloads[int(position)]
    if kind == "spot":
        fix = "raise it; what else is asked for leaves no other machines"
        return Fault(field=name, value=str(workload.spot and workload.spot.at_most), fix=fix)
    bound = workload.placement[int(last)].model_dump(exclude_none=True, mode="json")
    fix = "widen it; what else is asked for leaves no machines that keep to it"
    return Fault(field=name, value=str(bound), fix=fix)
