"""Usage of the slices: what is given, and what depends on where workloads run."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.hour_groups import HourGroups
from planner.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ROUNDING_MACHINES = 1e-9
"""Whole machines are not rounded up for less than this."""


@dataclass(frozen=True)
class Mix:
    """Columns that decide where workloads with several candidates run, and what is given.

    A column is (candidate, stage) where machines are fractional: the share of the workload on
    it. Where they are whole it is (candidate, merged hour): the machines running.

    Attributes:
        candidate: candidate of each column.
        when: stage, or merged hour, of each column.
        decision: which decision (workload and stage or hour) a column belongs to.
        decisions: number of decisions.
        share: share of the workload that one unit of the column serves, times ``demand``.
        demand: what the columns of a decision must add up to: 1, or whole increments.
        software_usd: what the software of one unit of it costs, paid whatever is committed, if a
            scenario comes true [scenario × column], in the accounting.
        usage_usd: expected on-demand equivalent of one unit of it, at slice prices, undiscounted.
        given_software_usd: software of workloads without a choice [scenario].
        given_usage_usd: the same on-demand equivalent.
    """

    candidate: Ints
    when: Ints
    decision: Ints
    decisions: int
    share: Floats
    demand: Floats
    software_usd: sp.csr_array[np.float64]
    usage_usd: Floats
    given_software_usd: Floats
    given_usage_usd: float

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.candidate)

    def expected_software_usd(self, probability: Floats) -> Floats:
        """Software of one unit of each column by the scenarios' probabilities [column]."""
        return np.asarray(self.software_usd.T @ probability, dtype=np.float64)

    def name(self, column: int) -> str:
        """A column's readable name."""
        return f"candidate {self.candidate[column]} at {self.when[column]}"


@dataclass(frozen=True)
class SliceUsage:
    """Usage [slice units] by merged hour and slice.

    Attributes:
        fixed: usage of workloads without a choice [merged hour × slice].
        possible: where there may be usage [merged hour × slice].
        column, hour, slice, units: what one unit of a mix column adds in a merged hour, sparse.
    """

    fixed: Floats
    possible: NDArray[np.bool_]
    column: Ints
    hour: Ints
    slice: Ints
    units: Floats


@dataclass(frozen=True)
class _Running:
    """What each machine of a candidate means to the model: slice units, and prices in USD per hour.

    Software is paid for beside the machine, where it runs.
    """

    units: tuple[tuple[int, float], ...]
    price_usd: float
    software_usd: float


def split_by_choice(problem: Problem) -> tuple[list[int], list[list[int]]]:
    """Candidates without a rival; those of each workload that has a choice."""
    decided: list[int] = []
    undecided: list[list[int]] = []
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) > 1:
            undecided.append(positions)
        else:
            decided += positions
    return decided, undecided


def make_mix(problem: Problem, groups: HourGroups | None) -> Mix:
    """The decisions on where workloads run; merged hours are needed where machines are whole."""
    if problem.request.whole_machines and groups is not None:
        return _mix_by_hour(problem, groups)
    return _mix_by_stage(problem)


def measure_usage(problem: Problem, groups: HourGroups, mix: Mix) -> SliceUsage:
    """Usage of every slice in every merged hour."""
    fixed = np.zeros((len(groups.moment), len(problem.pools.slices)))
    decided, _ = split_by_choice(problem)
    for position in decided:
        needed = machines_needed(problem, position)[groups.moment]
        for at, units in _running(problem, position).units:
            fixed[:, at] += _inside(problem, at, groups.moment, needed) * units
    column, hour, of_slice, units_made = _made_by_columns(problem, groups, mix)
    possible = fixed > 0
    possible[hour, of_slice] = True
    return SliceUsage(fixed, possible, column, hour, of_slice, units_made)


def machines_needed(problem: Problem, candidate: int) -> Floats:
    """Machines [moment] of a candidate to be paid for, for its whole workload, whole if so asked.

    Those that run, or are held where these are more.
    """
    return _asked(problem, problem.candidates[candidate].needed)


def machines_running(problem: Problem, candidate: int) -> Floats:
    """Machines [moment] of a candidate that serve its whole workload, whole if so asked."""
    return _asked(problem, problem.candidates[candidate].runs)


def machines_held(problem: Problem, candidate: int) -> Floats:
    """Machines [moment] of a candidate held for its whole workload, whole if so asked."""
    return _asked(problem, problem.candidates[candidate].holds)


def _asked(problem: Problem, machines: Floats) -> Floats:
    return whole(machines) if problem.request.whole_machines else machines


def whole(needed: Floats) -> Floats:
    """Machines rounded up to whole ones, forgiving a rounding error."""
    return np.asarray(np.ceil(needed - ROUNDING_MACHINES))


def _mix_by_stage(problem: Problem) -> Mix:
    """A share of the workload per candidate and stage."""
    stages = problem.stages.count
    decided, undecided = split_by_choice(problem)
    totals = _Totals(problem)
    position = np.array([p for workload in undecided for p in workload], dtype=np.intp)
    workload = np.repeat(np.arange(len(undecided)), [len(one) for one in undecided])
    software, usage = [], []
    for one in position:
        by_scenario, usd = totals.of(int(one))
        software.append(by_scenario)
        usage.append(usd)
    when = np.tile(np.arange(stages), len(position))
    given = _given(decided, totals)
    return Mix(
        candidate=np.repeat(position, stages),
        when=when,
        decision=np.repeat(workload, stages) * stages + when,
        decisions=len(undecided) * stages,
        share=np.ones(len(when)),
        demand=np.ones(len(undecided) * stages),
        software_usd=sp.csr_array(np.hstack([np.zeros((len(problem.probability), 0)), *software])),
        usage_usd=np.concatenate([np.zeros(0), *usage]),
        given_software_usd=given[0],
        given_usage_usd=given[1],
    )


def _mix_by_hour(problem: Problem, groups: HourGroups) -> Mix:
    """Whole machines per candidate and merged hour with demand."""
    decided, undecided = split_by_choice(problem)
    candidate, when, decision, share = [], [], [], []
    decisions, demands = 0, [np.zeros(0)]
    for positions in undecided:
        needed = [problem.candidates[p].needed[groups.moment] for p in positions]
        busy = np.flatnonzero(np.any([one > ROUNDING_MACHINES for one in needed], axis=0))
        # Rows in whole increments have small whole coefficients, of which solvers make more.
        first = problem.candidates[positions[0]]
        counted = first.serves is not None
        demand = first.increments[groups.moment][busy] if counted else np.ones(len(busy))
        demands.append(demand)
        for position, machines in zip(positions, needed, strict=True):
            candidate.append(np.full(len(busy), position))
            when.append(busy)
            decision.append(decisions + np.arange(len(busy)))
            share.append(demand / machines[busy])
        decisions += len(busy)
    candidates, hours = _joined(candidate), _joined(when)
    run = [_running(problem, position) for position in range(len(problem.candidates))]
    # Where capacity is held there is no choice: all that is paid for here runs.
    software = np.array([one.software_usd for one in run])[candidates]
    price = np.array([one.price_usd for one in run])[candidates]
    given = _given(decided, _Totals(problem))
    # Where no risk is weighed a group may hold several scenarios: only its mean is asked for then.
    scenario = groups.scenario[hours]
    by_scenario = sp.csr_array(
        (
            software * groups.worth[hours] / problem.probability[scenario],
            (scenario, np.arange(len(hours))),
        ),
        shape=(len(problem.probability), len(hours)),
    )
    return Mix(
        candidate=candidates,
        when=hours,
        decision=_joined(decision),
        decisions=decisions,
        share=np.concatenate([np.zeros(0), *share]),
        demand=np.concatenate(demands),
        software_usd=by_scenario,
        usage_usd=price * groups.count[hours],
        given_software_usd=given[0],
        given_usage_usd=given[1],
    )


def _given(decided: list[int], totals: "_Totals") -> tuple[Floats, float]:
    """What software of workloads without a choice costs [scenario], and their usage."""
    software, usage = np.zeros(totals.scenarios), 0.0
    for position in decided:
        by_scenario, usd = totals.of(position)
        software += by_scenario.sum(axis=1)
        usage += float(usd.sum())
    return software, usage


class _Totals:
    """Sums over the moments of each stage."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.scenarios = len(problem.probability)
        self.stage = problem.stage_of_moment()
        hours = problem.calendar.hours
        scenario = np.repeat(np.arange(self.scenarios), hours)
        self.key = scenario * problem.stages.count + self.stage
        self.worth = np.tile(problem.calendar.worth[:-1], self.scenarios)

    def of(self, candidate: int) -> tuple[Floats, Floats]:
        """Software of a candidate [scenario × stage]; its expected usage [stage], both in USD."""
        run, stages = _running(self.problem, candidate), self.problem.stages.count
        machines = machines_needed(self.problem, candidate)
        shape = (self.scenarios, stages)
        length = self.scenarios * stages
        hours = np.bincount(self.key, machines, minlength=length).reshape(shape)
        expected = self.problem.probability @ hours
        if not run.software_usd:
            return np.zeros(shape), expected * run.price_usd
        paid = run.software_usd * machines_running(self.problem, candidate)
        worth = np.bincount(self.key, paid * self.worth, minlength=length).reshape(shape)
        return np.asarray(worth, dtype=np.float64), expected * run.price_usd


def _made_by_columns(
    problem: Problem, groups: HourGroups, mix: Mix
) -> tuple[Ints, Ints, Ints, Floats]:
    """Column, merged hour, slice and units of all usage that columns make."""
    first_columns: tuple[Ints, Ints] = np.unique(mix.candidate, return_index=True)
    column, hour, of_slice, units_made = [], [], [], [np.zeros(0)]
    for candidate, first in zip(*(part.tolist() for part in first_columns), strict=True):
        if problem.request.whole_machines:
            columns = np.flatnonzero(mix.candidate == candidate)
            hours, machines = mix.when[columns], np.ones(len(columns))
        else:
            needed = problem.candidates[candidate].needed[groups.moment]
            hours = np.flatnonzero(needed > 0)
            columns, machines = first + groups.stage[hours], needed[hours]
        for at, units in _running(problem, candidate).units:
            made = _inside(problem, at, groups.moment[hours], machines) * units
            here = np.flatnonzero(made)
            column.append(columns[here])
            hour.append(hours[here])
            of_slice.append(np.full(len(here), at))
            units_made.append(made[here])
    return _joined(column), _joined(hour), _joined(of_slice), np.concatenate(units_made)


def _inside(problem: Problem, at: int, moments: Ints, machines: Floats) -> Floats:
    """Machines [some moments] in the hours of a slice, none in others."""
    hours = problem.hours_of_slice(at)
    return machines if hours is None else np.where(hours[moments], machines, 0.0)


def _running(problem: Problem, position: int) -> _Running:
    units, price, software = [], Fraction(0), Fraction(0)
    for part in problem.candidates[position].machine.parts:
        slices = problem.pools.slices_of(part.resource)
        inside, quantity = problem.pools.slices[slices[0]], Fraction(part.quantity)
        of_slice = quantity * inside.units_of(part.resource)
        units += [(at, float(of_slice)) for at in slices]
        price += inside.on_demand_usd * of_slice
        software += quantity * Fraction(part.resource.software_usd)
    return _Running(tuple(units), float(price), float(software))


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.intp), *parts])
