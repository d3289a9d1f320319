"""Families: slices joined by commitments that serve nothing else.

An AWS family in a region is one: its size-flexible reservations and its EC2 Instance Savings Plans
serve its own sizes only. Given what the commitments are worth that serve several families, a
family's dispatch is a problem of its own. A plan that serves several families *roams*.
"""

from dataclasses import dataclass

import numpy as np

from planner.recourse.structure import Ints, Structure

ROAMS = -1

MOST_POOLS = 2
"""A plan that joins more pools than this roams; two are one family's, on two systems."""

MOST_JOINED = 4
"""Pools are joined where no more commitments than this then share a family."""


@dataclass(frozen=True)
class Families:
    """Which family each part of a structure belongs to.

    Attributes:
        count: number of families.
        of_slice: family [slice].
        of_pool: family [pool].
        of_plan: family, or `ROAMS` [plan].
        shared: pools of several slices, whose units are a price of their own [pool], as booleans.
    """

    count: int
    of_slice: Ints
    of_pool: Ints
    of_plan: Ints
    shared: np.typing.NDArray[np.bool_]


def find_families(structure: Structure) -> Families:
    """The families of a structure, in the order of their first pools."""
    shared = np.bincount(structure.pool_of_slice, minlength=structure.pools) > 1
    root = list(range(structure.pools))
    commitments = [int(one) for one in shared]
    pools_of = [
        np.unique(structure.pool_of_slice[np.isfinite(rates)]).tolist() for rates in structure.rates
    ]
    of_plan = np.full(structure.plans, ROAMS, dtype=np.intp)
    for plan in sorted(range(structure.plans), key=lambda one: (len(pools_of[one]), one)):
        joined = sorted({root[pool] for pool in pools_of[plan]})
        total = sum(commitments[one] for one in joined) + 1
        alone = len(pools_of[plan]) == 1
        if not alone and (len(joined) != MOST_POOLS or total > MOST_JOINED):
            continue
        if not alone and len(joined) == len(set(root)):
            continue  # it serves all there is, as plans do that roam
        first = joined[0]
        root = [first if one in joined else one for one in root]
        commitments[first] = total
        of_plan[plan] = first
    names = {one: position for position, one in enumerate(dict.fromkeys(root))}
    of_pool = np.array([names[one] for one in root], dtype=np.intp)
    is_local = of_plan != ROAMS
    of_plan[is_local] = [names[root[one]] for one in of_plan[is_local]]
    return Families(len(names), of_pool[structure.pool_of_slice], of_pool, of_plan, shared)
