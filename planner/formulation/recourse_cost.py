"""What columns that follow the first stage cost, future by future."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solvers import Block

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RecourseCost:
    """The cost of a block of columns, whatever is minimized.

    Attributes:
        block: the columns.
        expected_usd: cost of one unit of each, by its future's probability [column of the block].
        scenario: the future in which it arises [column of the block].
    """

    block: Block
    expected_usd: Floats
    scenario: NDArray[np.intp]

    def by_scenario(self, probability: Floats) -> sp.csr_array[np.float64]:
        """Cost if a scenario comes true [scenario × column of the block]."""
        values = self.expected_usd / probability[self.scenario]
        where = (self.scenario, np.arange(self.block.size))
        return sp.csr_array((values, where), shape=(len(probability), self.block.size))
