"""Merges equal hours, and commitments that serve the same usage at the same rates."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from audit.fleet import SPEND, Commitment, Fleet, Floats


@dataclass(frozen=True, eq=False)
class Pot:
    """Commitments that act together, because they serve the same resources at the same rates.

    Attributes:
        first: the commitment whose name sorts first.
        takes: what an hour of each resource takes of the pot [resource]; None where not served.
        members: positions among the fleet's commitments.
    """

    first: Commitment
    takes: tuple[Fraction | None, ...]
    members: tuple[int, ...]


def pots_of(fleet: Fleet) -> list[Pot]:
    """The fleet's commitments in pots; Azure tells plans apart by their term."""
    found: dict[tuple[object, ...], list[int]] = {}
    for position, commitment in enumerate(fleet.commitments):
        if commitment.serves_any:
            is_plan = commitment.kind in SPEND
            term = commitment.term_hours if is_plan and fleet.provider == "azure" else 0
            key = (step_of(commitment.kind), commitment.takes, term)
            found.setdefault(key, []).append(position)
    return [
        Pot(
            first=min((fleet.commitments[at] for at in members), key=lambda member: member.name),
            takes=fleet.commitments[members[0]].takes,
            members=tuple(members),
        )
        for members in found.values()
    ]


def step_of(kind: str) -> int:
    """When a kind acts: reservations first, then plans of a family, then all other plans."""
    if kind not in SPEND:
        return 0
    return 1 if kind == "savings_plan_ec2" else 2


def merged(rows: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Position of the first of all equal rows, and how many rows are equal to it."""
    _, first, counts = np.unique(rows, axis=0, return_index=True, return_counts=True)
    return first, counts
