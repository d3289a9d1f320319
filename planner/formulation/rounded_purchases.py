"""Whole purchases near fractional ones."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from planner.formulation.terms import Terms
from planner.stages import Group

Floats = NDArray[np.float64]


def round_purchases(
    terms: Terms, steps: Floats, whole: NDArray[np.bool_], up_from: float = 0.5
) -> Floats:
    """Whole steps of every lot that is to be bought in these, near the given ones [lot].

    What an option's lots of one chain of futures add up to stays within a step at every date, so
    that what is committed strays little however many lots it is made of.

    Args:
        terms: the lots.
        steps: what to round [lot].
        whole: which lots are rounded [lot].
        up_from: fractions from here on are rounded up.
    """
    lots = terms.lots
    rounded = np.asarray(steps, dtype=np.float64).copy()
    behind: dict[int, dict[Group, float]] = defaultdict(dict)
    positions = np.flatnonzero(whole).tolist()
    for position in sorted(positions, key=lambda k: (lots[k].start, lots[k].group)):
        lot = lots[position]
        wanted = steps[position] + _left_behind(behind[lot.option], lot.group)
        rounded[position] = max(np.floor(wanted + (1.0 - up_from)), 0.0)
        behind[lot.option][lot.group] = wanted - rounded[position]
    return rounded


def _left_behind(behind: dict[Group, float], group: Group) -> float:
    """What an option's earlier lots in these futures were rounded away, by the latest of them."""
    if group in behind:
        return behind[group]
    known = [rest for other, rest in behind.items() if set(group) <= set(other)]
    return known[-1] if known else 0.0
