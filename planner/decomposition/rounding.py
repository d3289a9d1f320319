"""Whole purchases near fractional ones."""

import numpy as np
from numpy.typing import NDArray

from planner.first_stage import FirstStage

Floats = NDArray[np.float64]


def round_purchases(first: FirstStage, steps: Floats) -> Floats:
    """Whole steps of every lot, near the given ones [lot].

    What an option's lots of one chain of futures add up to stays within half a step at every
    date, so that what is committed strays little however many lots it is made of.
    """
    lots = first.terms.lots
    rounded = np.zeros(len(lots))
    behind: dict[tuple[int, tuple[int, ...]], float] = {}
    for position in sorted(range(len(lots)), key=lambda k: (lots[k].start, lots[k].group)):
        lot = lots[position]
        left = _left_behind(behind, lot.option, lot.group)
        wanted = steps[position] + left
        rounded[position] = max(np.floor(wanted + 0.5), 0.0)
        behind[lot.option, lot.group] = wanted - rounded[position]
    return rounded


def _left_behind(
    behind: dict[tuple[int, tuple[int, ...]], float], option: int, group: tuple[int, ...]
) -> float:
    """What an option's earlier lots in these futures were rounded away, by the latest of them."""
    if (option, group) in behind:
        return behind[option, group]
    known = [
        rest for (one, other), rest in behind.items() if one == option and set(group) <= set(other)
    ]
    return known[-1] if known else 0.0
