"""Usage of the slices: what is given, and what depends on where workloads run."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.hour_groups import HourGroups
from planner.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ROUNDING_MACHINES = 1e-9
"""Whole machines are not rounded up for less than this."""


@dataclass(frozen=True)
class MixChoice:
    """Columns that decide where workloads with several candidates run.

    A column is (candidate, window) where machines are fractional: the share of the workload on
    it. Where they are whole it is (candidate, merged hour): the machines running.

    Attributes:
        candidate: candidate of each column.
        when: window, or merged hour, of each column.
        decision: which decision (workload and window or hour) a column belongs to.
        decisions: number of decisions.
        share: share of the workload that one unit of the column serves, times ``demand``.
        demand: what the columns of a decision must add up to: 1, or whole increments.
        excess_usd: cost of one unit of it beyond its slice's price of the usage.
        usage_column, usage_hour, usage_slice, usage: sparse usage [slice units] that one unit
            of a column makes in a merged hour.
    """

    candidate: Ints
    when: Ints
    decision: Ints
    decisions: int
    share: Floats
    demand: Floats
    excess_usd: Floats
    usage_column: Ints
    usage_hour: Ints
    usage_slice: Ints
    usage: Floats

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.candidate)

    def name(self, column: int) -> str:
        """A column's readable name."""
        return f"candidate {self.candidate[column]} at {self.when[column]}"


@dataclass(frozen=True)
class SliceUsage:
    """Usage by merged hour and slice.

    Attributes:
        fixed: usage [merged hour × slice] of workloads without a choice, in slice units.
        possible: where there may be usage [merged hour × slice].
        excess_usd: cost of the fixed usage beyond its slices' prices, in the accounting.
        choice: the decisions of the others.
    """

    fixed: Floats
    possible: NDArray[np.bool_]
    excess_usd: float
    choice: MixChoice


def measure_usage(problem: Problem, groups: HourGroups) -> SliceUsage:
    """Usage of every slice in every merged hour."""
    fixed = np.zeros((len(groups.hour), len(problem.pools.slices)))
    excess = 0.0
    undecided: list[list[int]] = []
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) > 1:
            undecided.append(positions)
            continue
        for position in positions:
            run = _running(problem, groups, position)
            needed = whole(run.needed) if problem.request.whole_machines else run.needed
            fixed[:, run.slice] += needed * run.units
            excess += run.excess_usd * float(needed @ groups.worth)
    make = _by_hour if problem.request.whole_machines else _by_window
    choice = make(problem, groups, undecided)
    possible = fixed > 0
    possible[choice.usage_hour, choice.usage_slice] = True
    return SliceUsage(fixed, possible, excess, choice)


class _Columns:
    """Gathers the columns of a MixChoice and the usage they make."""

    def __init__(self) -> None:
        self.size = 0
        self._columns: list[tuple[Ints, Ints, Ints, Floats, Floats]] = []
        self._usage: list[tuple[Ints, Ints, Ints, Floats]] = []

    def add(
        self, candidate: int, when: Ints, decision: Ints, share: Floats, excess_usd: Floats
    ) -> Ints:
        """Add columns of one candidate; returns their positions."""
        columns = self.size + np.arange(len(when))
        candidates = np.full(len(when), candidate, dtype=np.intp)
        self._columns.append((candidates, when, decision, share, excess_usd))
        self.size += len(when)
        return columns

    def use(self, columns: Ints, hours: Ints, slice_: int, usage: Floats) -> None:
        """Note the usage that one unit of each column makes in a merged hour."""
        self._usage.append((columns, hours, np.full(len(hours), slice_, dtype=np.intp), usage))

    def choice(self, decisions: int, demand: Floats | None = None) -> MixChoice:
        """All columns added."""
        none = np.zeros(0, dtype=np.intp)
        candidate, when, decision, share, excess = (
            np.concatenate(parts)
            for parts in zip(
                (none, none, none, np.zeros(0), np.zeros(0)), *self._columns, strict=True
            )
        )
        column, hour, slice_, usage = (
            np.concatenate(parts)
            for parts in zip((none, none, none, np.zeros(0)), *self._usage, strict=True)
        )
        return MixChoice(
            candidate,
            when,
            decision,
            decisions,
            share,
            np.ones(decisions) if demand is None else demand,
            excess,
            column,
            hour,
            slice_,
            usage,
        )


@dataclass(frozen=True)
class _Running:
    """A candidate in the model's terms: machines needed [merged hour] and what each one means."""

    needed: Floats
    slice: int
    units: float
    excess_usd: float


def _running(problem: Problem, groups: HourGroups, position: int) -> _Running:
    candidate = problem.candidates[position]
    slice_ = problem.pools.slice_of(candidate.machine)
    part = problem.pools.slices[slice_]
    return _Running(
        candidate.needed[groups.hour],
        slice_,
        float(part.machine_units(candidate.machine)),
        float(part.excess_usd(candidate.machine)),
    )


def _by_window(problem: Problem, groups: HourGroups, undecided: list[list[int]]) -> MixChoice:
    """A share of the workload per candidate and window."""
    windows = len(problem.windows)
    columns = _Columns()
    for workload, positions in enumerate(undecided):
        for position in positions:
            run = _running(problem, groups, position)
            cost = np.bincount(groups.window, run.needed * groups.worth, minlength=windows)
            added = columns.add(
                position,
                when=np.arange(windows),
                decision=workload * windows + np.arange(windows),
                share=np.ones(windows),
                excess_usd=np.asarray(cost * run.excess_usd, dtype=np.float64),
            )
            hours = np.flatnonzero(run.needed > 0)
            usage = run.needed[hours] * run.units
            columns.use(added[groups.window[hours]], hours, run.slice, usage)
    return columns.choice(len(undecided) * windows)


def _by_hour(problem: Problem, groups: HourGroups, undecided: list[list[int]]) -> MixChoice:
    """Whole machines per candidate and merged hour with demand."""
    columns, decisions = _Columns(), 0
    demands = [np.zeros(0)]
    for positions in undecided:
        runs = [_running(problem, groups, position) for position in positions]
        busy = np.flatnonzero(np.any([run.needed > ROUNDING_MACHINES for run in runs], axis=0))
        # Rows in whole increments have small whole coefficients, of which solvers make more.
        first = problem.candidates[positions[0]]
        counted = first.serves is not None
        demand = first.increments[groups.hour][busy] if counted else np.ones(len(busy))
        demands.append(demand)
        for position, run in zip(positions, runs, strict=True):
            added = columns.add(
                position,
                when=busy,
                decision=decisions + np.arange(len(busy)),
                share=demand / run.needed[busy],
                excess_usd=run.excess_usd * groups.worth[busy],
            )
            columns.use(added, busy, run.slice, np.full(len(busy), run.units))
        decisions += len(busy)
    return columns.choice(decisions, np.concatenate(demands))


def whole(needed: Floats) -> Floats:
    """Machines rounded up to whole ones, forgiving a rounding error."""
    return np.asarray(np.ceil(needed - ROUNDING_MACHINES))
