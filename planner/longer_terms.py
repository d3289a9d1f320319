"""What terms left out as too long would save, if demand went on beyond what is planned for."""

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from planner.decision import Policy
from planner.errors import InfeasibleError, NoPlanError, SolverFailureError
from planner.plan import LongerTerms
from planner.problem import Problem
from planner.settlement import Outlook, after_horizon_usd, look_out

LEAST_S = 5.0
"""What looking into it may take at the least, in seconds; where the plan itself took longer to
solve, as long as that."""

GAP = 1e-3
"""The plan with longer terms is only told of, not shown."""

SMALLEST_SHARE = 1e-3
"""Savings below this share of the cost are no more than the gap."""


def look_longer(
    problem: Problem,
    best: Outlook,
    find_policy: Callable[[Problem], Policy],
    *,
    seconds: float,
    time_left_s: float | None,
    stop: threading.Event | None,
) -> LongerTerms | None:
    """What the terms that a problem leaves out would save.

    None where none are left out, none would save anything worth telling, or there is no time.

    Args:
        problem: the problem, with `terms`.
        best: the cheapest plan found for it, billed.
        find_policy: finds the cost-minimal policy of a problem.
        seconds: what solving the problem itself took.
        time_left_s: of the request's time limit; None without one.
        stop: set where all work is to end.
    """
    if problem.terms is None or not problem.terms.left_out or (stop is not None and stop.is_set()):
        return None
    limit_s = max(seconds, LEAST_S)
    if time_left_s is not None:
        limit_s = min(limit_s, time_left_s)
    if limit_s <= 0:
        return None
    wide = problem.with_longer_terms()
    options = {"gap": max(problem.gap, GAP), "time_limit_s": limit_s}
    solve = wide.request.solve.model_copy(update=options)
    wide = replace(wide, request=wide.request.model_copy(update={"solve": solve}))
    try:
        found = look_out(wide, find_policy(wide))
    except (InfeasibleError, NoPlanError, SolverFailureError):
        return None
    saving_usd, cost_usd = best.total_usd - found.total_usd, best.total_usd
    if saving_usd <= Decimal(str(SMALLEST_SHARE)) * cost_usd:
        return None
    return LongerTerms(
        terms_hours=problem.terms.left_out,
        saving_usd=saving_usd,
        saving_share=float(saving_usd / cost_usd),
        after_demand_usd=after_horizon_usd(wide, found.policy)
        - after_horizon_usd(problem, best.policy),
    )


def notes_of(longer: LongerTerms | None, problem: Problem) -> tuple[str, ...]:
    """A note that terms are left out, and what they would save."""
    if problem.terms is None or not problem.terms.left_out:
        return ()
    if longer is None:
        return (problem.terms.note,)
    return (
        f"{problem.terms.note}: if demand went on they would save {longer.saving_usd:,.0f} USD "
        f"({longer.saving_share:.1%}) and leave {longer.after_demand_usd:,.0f} USD more, paid or "
        "owed, for after the horizon",
    )
