"""Hours of equal demand merged: they stand once in the model, with their weight."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem import Problem


@dataclass(frozen=True)
class HourGroups:
    """Merged hours: within a group and its window every series has one value.

    Attributes:
        hour: first hour of each group [group].
        window: its window [group].
        count: hours merged [group].
        worth: what a dollar in each of its hours counts at the start, summed [group].
        group_of_hour: the group of every hour [hour].
    """

    hour: NDArray[np.intp]
    window: NDArray[np.intp]
    count: NDArray[np.float64]
    worth: NDArray[np.float64]
    group_of_hour: NDArray[np.intp]


def group_hours(problem: Problem) -> HourGroups:
    """Merge hours of one window in which all demand is equal; in whole increments, if it has any.

    Exact: use-it-or-lose-it commitments meet the same recourse problem in each of them.
    """
    window = problem.window_of_hour()
    rows = np.column_stack([window, *_series(problem)])
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    # Groups in the order of time, so that models read like calendars.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    group = rank[group.ravel()]
    worth = problem.calendar.worth[:-1]
    return HourGroups(
        hour=first[order],
        window=window[first[order]],
        count=np.bincount(group).astype(float),
        worth=np.asarray(np.bincount(group, weights=worth), dtype=np.float64),
        group_of_hour=group,
    )


def _series(problem: Problem) -> list[NDArray[np.float64]]:
    """What tells hours apart: workloads counted in increments by these, others by their series."""
    counted = {one.workload: one.increments for one in problem.candidates if one.serves is not None}
    workloads = enumerate(problem.request.workloads)
    names = {n for i, workload in workloads if i not in counted for n in workload.series_names}
    return [*counted.values(), *(problem.demand.series[name] for name in sorted(names))]
