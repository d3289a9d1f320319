"""The hours in which a limit on what runs can bind: rows for these stand for all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.fleet import RunningLimit, running_limits
from planner.formulation.terms import Terms, entries
from planner.problem import Problem
from planner.usage import split_by_choice
from solvers import LinearModel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_COMPARED = 500
"""Hours with which all others are compared; rows that these do not make needless may stay."""


def limit_running(model: LinearModel, terms: Terms) -> None:
    r"""What runs keeps to every limit on it, in every hour.

    .. math:: \sum_d \sum_{i \,counted} m_{qi} needed_{it} \varphi_{diw(t)} \le most_q
        \qquad \forall q, t

    :math:`m` is 1 or a machine's vCPUs, or the GiB that a machine's work moves. As shares are
    none below 0, an hour in which everything counted is no more than in another hour of its stage
    needs no row, nor does one in which no mix passes the limit. Workloads without a choice stand on
    the right.
    """
    problem = terms.problem
    for limit in running_limits(problem.request, problem.catalog):
        peaks = find_peaks(problem, limit)
        if not len(peaks.moment):
            continue
        # With no choice at all the rows are empty: kept, or not, whatever is bought.
        block = model["run"] if terms.mix.size else model["buy"]
        row, counted = np.nonzero(peaks.amount)
        stage = problem.stage_of_moment()[peaks.moment]
        first = {one: np.flatnonzero(terms.mix.candidate == one)[0] for one in peaks.candidates}
        start = np.array([first[one] for one in peaks.candidates], dtype=np.intp)
        shape = (len(peaks.moment), block.size)
        matrix = entries(peaks.amount[row, counted], row, start[counted] + stage[row], shape)
        model.require(
            limit.name,
            [(block, matrix)],
            at_most=limit.at_most - peaks.given,
            index=[_name(problem, int(moment)) for moment in peaks.moment],
        )


@dataclass(frozen=True)
class Peaks:
    """Moments that need a row.

    Attributes:
        moment: which they are [row].
        given: what counts in them whatever is decided [row].
        candidates: those that count and have rivals [column].
        amount: what counts of each if it serves its whole workload [row × column].
    """

    moment: Ints
    given: Floats
    candidates: tuple[int, ...]
    amount: Floats


def find_peaks(problem: Problem, limit: RunningLimit) -> Peaks:
    """The moments of a problem in which a limit can bind."""
    given, most, counted = _extremes(problem, limit)
    moments = np.flatnonzero(most > limit.at_most)
    amount = np.zeros((len(moments), len(counted)))
    for column, position in enumerate(counted):
        whole = limit.of(problem.candidates[position])
        if whole is not None:
            amount[:, column] = whole[moments]
    stage = problem.stage_of_moment()[moments]
    points = np.column_stack([given[moments], amount])
    kept = [
        inside[skyline(points[inside])]
        for inside in (np.flatnonzero(stage == one) for one in np.unique(stage))
    ]
    rows = np.concatenate([np.zeros(0, dtype=np.intp), *kept])
    return Peaks(moments[rows], given[moments[rows]], tuple(counted), amount[rows])


def _extremes(problem: Problem, limit: RunningLimit) -> tuple[Floats, Floats, list[int]]:
    """What always counts, what counts at the most [moment], and candidates with rivals that do."""
    decided, undecided = split_by_choice(problem)
    given = np.zeros(len(problem.stage_of_moment()))
    for position in decided:
        whole = limit.of(problem.candidates[position])
        given += 0.0 if whole is None else whole
    most, counted = given.copy(), []
    for rivals in undecided:
        dearest = np.zeros_like(given)
        for position in rivals:
            whole = limit.of(problem.candidates[position])
            if whole is not None:
                counted.append(position)
                np.maximum(dearest, whole, out=dearest)
        most += dearest
    return given, most, counted


def skyline(points: Floats) -> Ints:
    """Rows [row × column] that stand for all: every row is at most one of them, in all columns.

    Of rows that are equal the first is kept. A row that is needless may stay if there are very
    many.
    """
    distinct, first = np.unique(points, axis=0, return_index=True)
    largest = np.max(distinct, axis=0, initial=0.0)
    order = np.argsort(-(distinct / np.where(largest > 0, largest, 1.0)).sum(axis=1), kind="stable")
    kept: list[np.intp] = []
    while len(order) and len(kept) < MOST_COMPARED:
        # No row that is left exceeds the one of the largest sum.
        highest, rest = order[0], order[1:]
        kept.append(highest)
        order = rest[~np.all(distinct[rest] <= distinct[highest], axis=1)]
    return np.sort(first[np.concatenate([np.array(kept, dtype=np.intp), order])])


def _name(problem: Problem, moment: int) -> str:
    """A moment as row names tell it."""
    scenario, hour = divmod(moment, problem.calendar.hours)
    scenarios = problem.demand.scenarios
    return f"hour {hour}" if len(scenarios) == 1 else f"hour {hour} if {scenarios[scenario].name}"
