"""Capacity blocks hold so many machines at once and no more."""

import numpy as np
import scipy.sparse as sp

from catalogs import OfferKind
from planner.capacity_blocks import MOST_AT_ONCE
from planner.formulation.terms import Terms
from solvers import LinearModel


def limit_blocks(model: LinearModel, terms: Terms) -> None:
    r"""Machines in all blocks that are active in a stage.

    .. math:: \sum_{k \,block,\, active\, in\, w} x_k \le most - owned_w \qquad \forall w
    """
    stages = terms.stages.count
    owned, counted = np.zeros(stages), sp.lil_array((stages, len(terms.lots)))
    for position, option in enumerate(terms.options):
        if option.offer.kind is not OfferKind.CAPACITY_BLOCK:
            continue
        if position < len(terms.lots):
            counted[terms.active(position), [position]] = 1.0
        else:
            owned[terms.active(position)] += terms.owned_quantity(position)
    if counted.nnz:
        left = np.maximum(MOST_AT_ONCE - owned, 0.0)
        model.require("machines in capacity blocks", [(model["buy"], counted)], at_most=left)
