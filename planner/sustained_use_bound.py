"""What prices by the hour say of sustained use where a month's hours have none of their own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.open_months import OpenMonth, units_of_pool
from planner.problem import Problem

Floats = NDArray[np.float64]


def overstated_usd(problem: Problem, open_months: Sequence[OpenMonth]) -> Floats:
    r"""By how much prices by the hour may exceed the bill in open months, at most [scenario].

    Nothing where all hours are worth the same: the provider's order is the dearest. Where money is
    discounted it is not, for it ranks hours by usage and not by what they are worth. With
    :math:`d_h` the worth of an hour and :math:`D_k` that of the :math:`k` hours worth least, the
    provider's :math:`k` largest hours cost at least :math:`\sum_h z_h d_h o_h` for every
    :math:`0 \le z \le 1` with :math:`\sum_h z_h d_h \le D_k`. The model has :math:`z_h = 1` in
    the :math:`k` hours it ranks first, :math:`F_k` what they are worth, so that it exceeds this by

    .. math:: a \sum_q (w_q - w_{q+1}) (1 - D_k / F_k) \sum_{h \,first} d_h o_h

    at most, and :math:`o_h` is no more than the usage.
    """
    scenarios, hours = len(problem.probability), problem.calendar.hours
    found, worth = np.zeros(scenarios), problem.calendar.worth[:-1]
    if not problem.calendar.is_discounted:
        return found
    most: dict[int, Floats] = {}
    for one in open_months:
        inside = slice(one.month.first, one.month.end)
        if one.pool not in most:
            most[one.pool] = _most_usage(problem, one.pool)
        usage = most[one.pool][:, inside] * worth[inside]
        quarter = problem.quarters[one.pool].reshape(scenarios, hours)[:, inside]
        for step in one.steps:
            first = quarter <= step.quarter
            least = one.least_worth(worth, step) / (first @ worth[inside])
            found += (
                step.drop
                * _listed_usd(problem, one.pool)
                * (1 - least)
                * ((usage * first).sum(axis=1))
            )
    return found


def bound_note(open_months: Sequence[OpenMonth]) -> tuple[str, ...]:
    """What to tell of a plan whose model has prices by the hour; nothing where they are exact."""
    if not open_months:
        return ()
    months = len({one.month for one in open_months})
    return (
        f"solve.method: decomposed prices sustained use by the hour, in {months} months at less "
        "than it may cost, as commitments change inside them or are shared: plan and bound miss "
        "that part of assignment_gap_usd; extensive has it whole",
    )


def _listed_usd(problem: Problem, pool: int) -> float:
    slices = problem.pools.slices
    return max(float(slices[at].listed_usd) for at in problem.pools.slices_of_pool(pool))


def _most_usage(problem: Problem, pool: int) -> Floats:
    """Units of a pool if every workload ran on what uses it most [scenario × hour]."""
    shape = (len(problem.probability), problem.calendar.hours)
    total = np.zeros(shape)
    for workload in range(len(problem.request.workloads)):
        most = np.zeros(shape)
        for position in problem.candidates_of(workload):
            units = units_of_pool(problem, position, pool)
            if units:
                usage = units * problem.candidates[position].needed.reshape(shape)
                most = np.maximum(most, usage)
        total += most
    return total
