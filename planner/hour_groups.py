"""Moments of equal demand merged: they stand once in the model, with their weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.open_months import OpenMonth
from planner.problem import Problem


@dataclass(frozen=True)
class HourGroups:
    """Merged moments: within a group and its stage every series has one value.

    Attributes:
        moment: first moment of each group [group].
        stage: its stage [group].
        scenario: the scenario of its first moment [group]; of all where scenarios are kept apart.
        count: expected hours merged [group].
        worth: what a dollar in each of its hours counts at the start, by probability [group].
        group_of_moment: the group of every moment [moment].
    """

    moment: NDArray[np.intp]
    stage: NDArray[np.intp]
    scenario: NDArray[np.intp]
    count: NDArray[np.float64]
    worth: NDArray[np.float64]
    group_of_moment: NDArray[np.intp]


def group_hours(
    problem: Problem, *, by_scenario: bool = False, open_months: Sequence[OpenMonth] = ()
) -> HourGroups:
    """Merge moments of one stage (and scenario, if so asked) in which all demand is equal.

    Workloads that are counted in whole increments are compared by these.
    Exact: use-it-or-lose-it commitments meet the same recourse problem in each of them. Where
    utilization has a floor, it joins the hours, and those of other worth are others. Hours that pay
    another quarter of a month's prices are others too, and so are those of other months and futures
    where a month's hours are priced together.
    """
    hours = problem.calendar.hours
    stage = problem.stage_of_moment()
    scenario = np.repeat(np.arange(len(problem.probability)), hours)
    keys = [stage, scenario] if by_scenario else [stage]
    if problem.tells_hours_apart_by_worth:
        keys.append(np.tile(problem.calendar.worth[:-1], len(problem.probability)))
    if open_months:
        keys.append(_months_apart(open_months, hours, len(problem.probability)))
    rows = np.column_stack([*keys, *problem.quarters.values(), *_series(problem)])
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    # Groups in the order of time, so that models read like calendars.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    group = rank[group.ravel()]
    chance = np.repeat(problem.probability, hours)
    return HourGroups(
        moment=first[order],
        stage=stage[first[order]],
        scenario=scenario[first[order]],
        count=np.asarray(np.bincount(group, chance), dtype=np.float64),
        worth=np.asarray(np.bincount(group, problem.worth_of_moment()), dtype=np.float64),
        group_of_moment=group,
    )


def _series(problem: Problem) -> list[NDArray[np.float64]]:
    """What tells hours apart: workloads counted in increments by these, others by their series."""
    counted = {one.workload: one.increments for one in problem.candidates if one.serves is not None}
    workloads = enumerate(problem.request.workloads)
    names = {n for i, workload in workloads if i not in counted for n in workload.series_names}
    held = {one.workload: one.held for one in problem.candidates if one.held}
    levels = (level for several in held.values() for level in several)
    return [*counted.values(), *(problem.demand.series[name] for name in sorted(names)), *levels]


def _months_apart(open_months: Sequence[OpenMonth], hours: int, scenarios: int) -> NDArray[np.intp]:
    """A number for each open month of each future, 0 for all other hours [moment]."""
    first = np.zeros(hours, dtype=np.intp)
    for one in open_months:
        first[one.month.first : one.month.end] = one.month.first + 1
    future = np.arange(scenarios)[:, None] * (hours + 1)
    return np.where(first > 0, first + future, 0).ravel()
