"""Which limits conflict, when no plan keeps to all of them."""

from collections.abc import Callable
from dataclasses import replace

from catalogs import Fault
from planner.problem import Problem
from planner.quotas import bounds_of
from planner.request import Limits, Quota, ShareFloor, ShareLimits


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
    quotas = [
        one.name for one in sorted(bounds_of(problem), key=lambda one: one.field == "at_most")
    ]
    return budgets + [name for name, share in shares.items() if share is not None] + quotas


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
    )
    return replace(problem, request=problem.request.model_copy(update={"limits": kept}))


def _kept_quota(quota: Quota, names: list[str]) -> Quota:
    """A quota with only the named ones of its limits."""
    fields = ("at_most", "at_most_vcpus")
    dropped = [field for field in fields if f"limits.quotas.{quota.name}.{field}" not in names]
    return quota.model_copy(update=dict.fromkeys(dropped))


def _fault(problem: Problem, name: str) -> Fault:
    limits = problem.request.limits
    for bound in bounds_of(problem):
        if bound.name == name:
            fix = "raise it; the demand needs more machines than all of these quotas leave"
            return Fault(field=name, value=f"{bound.at_most:g}", fix=fix)
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
