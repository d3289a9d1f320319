r"""The best mixture of a few dispatches, group by group, that uses what floors require.

.. math:: \min \sum_t v_t m_t \quad s.t.\; \sum_k \alpha_{kg} = 1,\;
    \sum_{kg} used_{kgt} \alpha_{kg} + m_t \ge required_t, \qquad \alpha, m \ge 0

Its dual is solved, whose rows are the dispatches: as these come one by one, each solve starts
from the last one's basis.

.. math:: \max \sum_t required_t \lambda_t - \sum_g \mu_g \quad s.t.\;
    \mu_g \ge \sum_t used_{kgt} \lambda_t, \qquad 0 \le \lambda_t \le v_t
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solvers import CompiledModel, CuttingPlanes, SolverFailedError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mixed:
    """The best mixture so far.

    Attributes:
        shares: of every dispatch in every group [dispatch × group].
        reached: the share of the use required, at most 1 [floor].
        missed_usd: what is missed of the use required, at its value.
        rewards: what requiring an hour's use less would save of that [floor].
    """

    shares: Floats
    reached: Floats
    missed_usd: float
    rewards: Floats


class Mixture:
    """Dispatches that may be mixed.

    Args:
        required: expected hours of use, above 0 [floor].
        value_usd: what an hour's use is worth, above 0 [floor].
        groups: number of groups.
    """

    def __init__(self, required: Floats, value_usd: Floats, groups: int) -> None:
        floors, dollars = len(required), required * value_usd
        self._required, self._value_usd, self._groups = required, value_usd, groups
        self._used: list[Floats] = []
        everything = float(dollars.sum())
        # In shares of the floors' values, so that all numbers are dollars.
        columns = floors + groups
        model = CompiledModel(
            cost=np.concatenate([-dollars, np.ones(groups)]),
            lower=np.zeros(columns),
            upper=np.concatenate([np.ones(floors), np.full(groups, np.inf)]),
            integer=np.zeros(columns, dtype=np.bool_),
            matrix=sp.csc_array((0, columns)),
            row_lower=np.zeros(0),
            row_upper=np.zeros(0),
            offset=0.0,
        )
        widest = np.zeros(columns), np.full(columns, everything)
        self._planes = CuttingPlanes(model, widest, size=everything)

    def add(self, used: Floats) -> None:
        """Let a dispatch be mixed, given its expected hours of use [group × floor]."""
        self._used.append(used)
        dollars = sp.csr_array(-used * self._value_usd)
        own = sp.csr_array(sp.eye_array(self._groups))
        rows = sp.csr_array(sp.hstack([dollars, own]))
        self._planes.add(rows, np.zeros(self._groups))

    def best(self) -> Mixed:
        """The mixture that misses the least.

        Raises SolverFailedError where HiGHS does not find it.
        """
        answer = self._planes.solve()
        if answer is None:  # it is feasible, and bounded
            raise SolverFailedError("highs", "no mixture of dispatches")
        floors = len(self._required)
        shares = np.maximum(answer.prices.reshape(len(self._used), self._groups), 0.0)
        total = shares.sum(axis=0)
        shares = np.where(total > 0.0, shares / np.where(total > 0.0, total, 1.0), 0.0)
        shares[0] += np.where(total > 0.0, 0.0, 1.0)
        reached = np.einsum("kg,kgt->t", shares, np.array(self._used)) / self._required
        reached = np.minimum(reached, 1.0)
        missed_usd = float(self._required * self._value_usd @ (1.0 - reached))
        rewards = answer.point[:floors] * self._value_usd
        return Mixed(shares, reached, missed_usd, rewards)
