r"""Cuts for whole machines that cover a demand: facets of the hull of all covers.

A demand of :math:`d` increments is covered by whole machines :math:`y`, of which a machine of kind
k serves :math:`c_k`: :math:`c \cdot y \ge d`. The linear relaxation covers a part of an increment
by a part of a machine. The hull of all covers does not; its facets are :math:`w \cdot y \ge 1` with
:math:`w \ge 0`, the cheapest cover at prices w costing 1. One that cuts off a point is found by a
small linear program over the covers met so far, and the next cover by a knapsack's recursion.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solvers.highs import run, started

Floats = NDArray[np.float64]

LARGEST_DEMAND = 2000
"""Increments of one demand: the recursion takes as many steps."""

LEAST_VIOLATION = 1e-5
MOST_COVERS = 200
_TINY = 1e-7
_EXACT = 1e-9


class CoveringHull:
    """The hull of all covers of one demand.

    Args:
        serves: increments that a machine of each kind serves.
        demand: increments to cover, one at the least.
    """

    def __init__(self, serves: Sequence[int], demand: int) -> None:
        self._serves, self._demand = tuple(serves), demand
        covers = np.diag([-(-demand // each) for each in serves]).astype(np.float64)
        kinds = len(self._serves)
        self._program = started(
            "highs",
            np.ones(kinds),
            (np.zeros(kinds), np.full(kinds, np.inf)),
            sp.csc_array(covers),
            (np.ones(kinds), np.full(kinds, np.inf)),
        )

    def cut(self, machines: Floats) -> Floats | None:
        """Weights w [kind] of a facet w · y >= 1 that machines [kind] break; None without one.

        ``machines`` may be in parts.
        """
        for kind, count in enumerate(machines.tolist()):
            self._program.changeColCost(kind, count + _TINY)
        for _ in range(MOST_COVERS):
            run(self._program)
            weights = np.maximum(np.array(self._program.getSolution().col_value), 0.0)
            if weights @ machines >= 1 - LEAST_VIOLATION:
                return None
            least, cover = self._cheapest(weights)
            if least >= 1 - _EXACT:
                return np.asarray(weights / min(least, 1.0))
            kinds = np.flatnonzero(cover).astype(np.int32)
            self._program.addRow(1.0, np.inf, len(kinds), kinds, cover[kinds])
        return None

    def _cheapest(self, weights: Floats) -> tuple[float, Floats]:
        """The least that a cover costs at some prices, and the cover."""
        prices = weights.tolist()
        costs, last = [0.0] * (self._demand + 1), [0] * (self._demand + 1)
        for left in range(1, self._demand + 1):
            costs[left], last[left] = min(
                (price + costs[max(left - each, 0)], kind)
                for kind, (price, each) in enumerate(zip(prices, self._serves, strict=True))
            )
        cover, left = np.zeros(len(prices)), self._demand
        while left > 0:
            cover[last[left]] += 1
            left -= self._serves[last[left]]
        return costs[self._demand], cover
