"""The least cost with free assignment: in every hour each commitment serves what saves most.

A mixed-integer program that SciPy's HiGHS solves: whole steps of every lot, a share of the workload
for each machine in each span, and hours of coverage. Every size has its exact prices.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from audit.enumeration import most_steps
from audit.fleet import Fleet, Floats
from audit.merging import merged, pots_of

GAP = 1e-9
TIME_LIMIT_S = 60.0

Entry = tuple[int, int, float]


@dataclass(frozen=True)
class Optimum:
    """The optimum, enclosed from both sides.

    Attributes:
        usd: what the best purchase found costs; its steps are whole.
        bound_usd: no purchase costs less.
        steps: steps bought, by the lot's name.
    """

    usd: float
    bound_usd: float
    steps: dict[str, int]


def optimum(fleet: Fleet) -> Optimum:
    """The least cost of a fleet with free assignment.

    Raises:
        ArithmeticError: the solver found no plan, or an unproven one.
    """
    program = _Program(fleet)
    free = program.solve(None)
    whole = np.rint(free.x[: len(fleet.lots)])
    # A solver may take 2.999999 for whole: find what exactly whole steps cost.
    fixed = program.solve(whole)
    steps = {one.name: int(count) for one, count in zip(fleet.lots, whole, strict=True)}
    bound = free.mip_dual_bound if len(fleet.lots) else free.fun
    usd = fixed.fun + fleet.owned_usd
    return Optimum(usd, min(bound + fleet.owned_usd, usd), steps)


class _Program:
    """Columns: steps of every lot, shares of machines by span, hours of coverage."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.pots = pots_of(fleet)
        needed = np.array([one.needed for one in fleet.machines]).T
        active, spans = fleet.active(), fleet.spans()
        self.first, self.counts = merged(np.hstack([needed, active, spans[:, None]]))
        self.needed, self.active = needed[self.first], active[self.first]
        self.span = spans[self.first]
        self.spans = int(spans.max()) + 1
        self.covers = list(self._coverage())
        self.shares = len(fleet.lots)
        self.coverage = self.shares + len(fleet.machines) * self.spans
        self.columns = self.coverage + len(self.covers)

    def solve(self, steps: Floats | None) -> OptimizeResult:
        """The cheapest columns; with the steps of every lot given, if any."""
        lots = len(self.fleet.lots)
        least, most = np.zeros(self.columns), np.full(self.columns, np.inf)
        most[:lots] = [most_steps(one, self.fleet.usage()) for one in self.fleet.lots]
        if steps is not None:
            least[:lots] = most[:lots] = steps
        integrality = np.zeros(self.columns, dtype=np.int64)
        integrality[:lots] = steps is None
        found = milp(
            self._costs,
            integrality=integrality,
            bounds=Bounds(least, most),
            constraints=self._rows,
            options={"mip_rel_gap": GAP, "time_limit": TIME_LIMIT_S},
        )
        if found.status != 0:
            raise ArithmeticError(f"no proven optimum: {found.message}")
        return found

    def _coverage(self) -> Iterator[tuple[int, int, int]]:
        """(pot, resource, block of equal hours) of every pair that may serve."""
        runs = self.needed @ np.array([one.parts for one in self.fleet.machines]) > 0
        for at, pot in enumerate(self.pots):
            serving = self.active[:, list(pot.members)].any(axis=1)
            for resource, takes in enumerate(pot.takes):
                if takes is not None:
                    blocks = np.flatnonzero(serving & runs[:, resource])
                    yield from ((at, resource, int(block)) for block in blocks)

    def _share(self, machine: int, span: int) -> int:
        return self.shares + machine * self.spans + span

    @cached_property
    def _costs(self) -> Floats:
        """Steps at their price, machines on demand; coverage saves its price on demand."""
        prices, cost = self.fleet.prices_usd, np.zeros(self.columns)
        cost[: self.shares] = [float(one.cost_usd) for one in self.fleet.lots]
        for at, machine in enumerate(self.fleet.machines):
            hours = np.bincount(self.span, self.needed[:, at] * self.counts, self.spans)
            cost[self._share(at, 0) : self._share(at, self.spans)] = hours * (
                machine.parts @ prices
            )
        for column, (_, resource, block) in enumerate(self.covers, start=self.coverage):
            cost[column] = -prices[resource] * self.counts[block]
        return cost

    @cached_property
    def _rows(self) -> list[LinearConstraint]:
        usage, capacity = self._serve_what_runs(), self._keep_to_what_is_given()
        return [usage, capacity, self._run_the_whole_workload()]

    def _serve_what_runs(self) -> LinearConstraint:
        """Σ coverage of a resource ≤ what of it runs, in every block of hours."""
        blocks, entries = len(self.first), []
        for column, (_, resource, block) in enumerate(self.covers, start=self.coverage):
            entries.append((resource * blocks + block, column, 1.0))
        for at, machine in enumerate(self.fleet.machines):
            for resource in np.flatnonzero(machine.parts).tolist():
                for block in np.flatnonzero(self.needed[:, at]).tolist():
                    running = machine.parts[resource] * self.needed[block, at]
                    share = self._share(at, self.span[block])
                    entries.append((resource * blocks + block, share, -running))
        rows = len(self.fleet.resources) * blocks
        return LinearConstraint(self._matrix(entries, rows), -np.inf, np.zeros(rows))

    def _keep_to_what_is_given(self) -> LinearConstraint:
        """Σ coverage × what it takes ≤ what a pot's commitments give in a block's hours."""
        blocks, entries = len(self.first), []
        for column, (at, resource, block) in enumerate(self.covers, start=self.coverage):
            takes = float(self.pots[at].takes[resource] or 0)
            entries.append((at * blocks + block, column, takes))
        owned = np.zeros((len(self.pots), blocks))
        for at, pot in enumerate(self.pots):
            for member in pot.members:
                one, active = self.fleet.commitments[member], self.active[:, member]
                if one.quantity is not None:
                    owned[at] += float(one.quantity * one.size) * active
                    continue
                given = np.flatnonzero(active).tolist()
                entries += [(at * blocks + block, member, -float(one.size)) for block in given]
        return LinearConstraint(self._matrix(entries, owned.size), -np.inf, owned.ravel())

    def _run_the_whole_workload(self) -> LinearConstraint:
        """The shares of a workload's machines add up to 1 in every span."""
        entries = [
            (machine.workload * self.spans + span, self._share(at, span), 1.0)
            for at, machine in enumerate(self.fleet.machines)
            for span in range(self.spans)
        ]
        rows = len(self.fleet.workloads) * self.spans
        return LinearConstraint(self._matrix(entries, rows), 1.0, 1.0)

    def _matrix(self, entries: list[Entry], rows: int) -> sp.csr_array[np.float64]:
        row, column, value = np.array(entries, dtype=float).reshape(-1, 3).T
        at = (row.astype(int), column.astype(int))
        return sp.csr_array((value, at), shape=(rows, self.columns))
