"""Whether a fixed plan's commitments can be used as much as utilization floors require.

Floors join the hours. At a fixed plan they are few rows over many hours, so the dispatch is put
together from whole dispatches (Dantzig and Wolfe): each has the greatest reward for some rewards
for use, a small linear program mixes those known so far, group by group, and its duals are the next
rewards. What a dispatch costs has no part in it (docs/decisions/0012-decomposition.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.floors import Floors, UseProof
from planner.decomposition.mixture import Mixed, Mixture
from planner.recourse import MostUse, Point, UsePass

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_DISPATCHES = 60
"""Dispatches after which a plan is left as if it could not keep its floors."""

KEPT = 1e-7
"""Floors missed by no more than this share are kept."""

NOTHING = 1e-7
"""Hours of use below this are what a solver rounded a commitment of 0 to."""

MISSED_SHARE = 0.1
"""Rewards tell that floors are missed once they prove so much of what the best mixture misses."""


@dataclass(frozen=True)
class Settlement:
    """What was found of a plan's use.

    Attributes:
        used: hours of use that keep the floors [segment × target]; None where there is no such
            dispatch, or none was found.
        proofs: bounds of use, met on the way.
    """

    used: Floats | None
    proofs: list[UseProof]


class Settler:
    """Settles one plan after another.

    Args:
        floors: what is required.
        hours: the pass over the hours.
        chance: of every segment's scenario [segment].
        over: whether time is over.
    """

    def __init__(
        self, floors: Floors, hours: UsePass, chance: Floats, over: Callable[[], bool]
    ) -> None:
        self._floors, self._hours, self._over = floors, hours, over
        self._chance, self._chance_of_group = chance, chance[hours.segment_of_group]
        self._deepest = floors.values_usd

    def settle(self, point: Point, enough_usd: float = 0.0) -> Settlement:
        """A plan's use that keeps the floors, and what was proven on the way to it.

        Args:
            point: the plan.
            enough_usd: a miss of this value is told at once; what is nearer is looked into.
        """
        floors, required = self._floors, self._floors.required(point)
        own, found = self._hours.at(point, self._deepest)
        needed = np.flatnonzero(required > NOTHING)
        if not len(needed):
            return Settlement(own.used, [])
        could = self._chance @ own.used
        missed = needed[(could < required * (1.0 - KEPT))[needed]]
        missed_usd = float((required - could)[missed] @ floors.values_usd[missed])
        proofs = floors.proofs_of_own(own, missed.tolist())
        most = 1 if missed_usd > enough_usd else MOST_DISPATCHES
        used = self._mixed(found, needed, required, most, enough_usd, proofs)
        return Settlement(None if len(missed) else used, proofs)

    def _mixed(
        self,
        found: MostUse,
        needed: Ints,
        required: Floats,
        most: int,
        enough_usd: float,
        proofs: list[UseProof],
    ) -> Floats | None:
        """Hours of use that keep the floors [segment × target], None if none are found.

        Adds what the rewards asked about prove.
        """
        dispatches: list[Floats] = []
        chance, values_usd = self._chance_of_group, self._floors.values_usd
        mixture = Mixture(required[needed], values_usd[needed], len(chance))
        rewards = self._deepest
        while True:
            dispatches.append(found.used)
            proofs.append(UseProof.of_most(found, rewards))
            reached_usd = float(chance @ found.used @ rewards)
            lacking_usd = float(rewards @ required) - reached_usd
            if lacking_usd > max(enough_usd, KEPT * reached_usd):
                self._deepest = rewards
                return None
            mixture.add(chance[:, None] * found.used[:, needed])
            mixed = mixture.best()
            if np.all(mixed.reached >= 1.0 - KEPT):
                return self._by_segment(dispatches, mixed)
            if len(dispatches) >= most or self._over():
                return None
            enough_usd = MISSED_SHARE * mixed.missed_usd
            rewards = np.zeros(len(required))
            rewards[needed] = mixed.rewards
            found = self._hours.most(rewards)

    def _by_segment(self, dispatches: list[Floats], mixed: Mixed) -> Floats:
        """Hours of use of a mixture of dispatches, by segment."""
        used = np.sum(mixed.shares[:, :, None] * dispatches, axis=0)
        of_segment = np.zeros((self._hours.hours.segments, used.shape[1]))
        np.add.at(of_segment, self._hours.segment_of_group, used)
        return of_segment
