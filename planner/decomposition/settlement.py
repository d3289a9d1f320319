"""What a fixed plan's recourse truly costs where utilization has a floor.

Floors join the hours. At a fixed plan they are few rows over many hours, so the dispatch is put
together from whole dispatches (Dantzig and Wolfe): each is the best for some rewards for use, a
small linear program mixes those known so far, group by group, and its duals are the next rewards.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.floors import Rewarded
from planner.decomposition.mixture import Mixture, mix
from planner.recourse import Dispatch, Multipliers, Point, RewardedPass

Floats = NDArray[np.float64]

MOST_DISPATCHES = 60
"""Dispatches after which a plan is left as if it could not keep its floors."""

MISSED_SHARE = 0.5
"""Floors are known to be missed once no dispatch makes up for more than the rest of a miss."""

TIE_REWARD = 1e-6
"""Rewards that break ties, as a share of the dearest price; no smaller ones are looked for."""


@dataclass(frozen=True)
class Question:
    """A plan to be settled.

    Attributes:
        point: the plan.
        required: hours of use, expected [target].
        at_least_usd: a bound of its expected recourse cost.
        tolerance_usd: a dispatch that costs no more than this beyond the least will do.
        rewards: the first to be tried, e.g. those of a plan like it [target].
    """

    point: Point
    required: Floats
    at_least_usd: float
    tolerance_usd: float
    rewards: Floats


@dataclass(frozen=True)
class Settlement:
    """A dispatch that keeps the floors.

    Attributes:
        cost_usd: its recourse cost, by worth [segment].
        used: hours of use of every target [segment × target].
        rewards: under which it is the cheapest [target].
    """

    cost_usd: Floats
    used: Floats
    rewards: Floats


def settle(
    hours: RewardedPass, chance: Floats, question: Question, over: Callable[[], bool]
) -> tuple[Settlement | None, list[Rewarded]]:
    """A plan's cheapest dispatch that keeps the floors, and what passes on the way to it prove.

    There is none where no dispatch keeps them, or ``over`` says that there is no time to look for
    it any longer.

    Args:
        hours: the pass over the hours.
        chance: of every segment's scenario [segment].
        question: the plan.
        over: whether time is over.

    Raises:
        SolverFailedError: HiGHS did not solve an hour, or a mixture.
    """
    dearest_usd = float(np.max(hours.structure.on_demand_usd, initial=0.0)) or 1.0
    of_group, required = chance[hours.segment_of_group], question.required
    tie_usd = TIE_REWARD * dearest_usd
    rewards, counts_cost = question.rewards, True
    bound_usd, missed_usd = question.at_least_usd, np.inf
    dispatches: list[Dispatch] = []
    proven: list[Rewarded] = []
    while True:
        found = hours(
            question.point,
            _multipliers(hours, rewards),
            counts_cost=counts_cost,
            tie_usd=tie_usd if counts_cost else 0.0,
        )
        dispatches.append(found)
        if rewards.any():
            proven.append(Rewarded(found.sums, rewards, counts_cost))
        least_usd = float(chance @ found.sums.value_usd + rewards @ required)
        if counts_cost:
            bound_usd = max(bound_usd, least_usd)
        elif least_usd > MISSED_SHARE * missed_usd:
            return None, proven
        mixture = mix(dispatches, of_group, required)
        is_near = mixture.keeps and mixture.total <= bound_usd + question.tolerance_usd
        missed_usd, counts_cost = dearest_usd * mixture.total, mixture.keeps
        before, rewards = rewards, mixture.rewards * (1.0 if counts_cost else dearest_usd)
        rewards = np.where(rewards > tie_usd, rewards, 0.0)
        is_last = len(dispatches) >= MOST_DISPATCHES or over() or np.array_equal(rewards, before)
        if is_near or is_last:
            return _settled(hours, dispatches, mixture) if mixture.keeps else None, proven


def _multipliers(hours: RewardedPass, rewards: Floats) -> Multipliers:
    pools = hours.structure.pools
    return Multipliers(rewards[:pools], rewards[pools:])


def _settled(hours: RewardedPass, dispatches: list[Dispatch], mixture: Mixture) -> Settlement:
    """A mixture of dispatches, by segment."""
    segments = hours.hours.segments
    cost = np.sum(mixture.shares * [one.cost_usd for one in dispatches], axis=0)
    used = np.sum(mixture.shares[:, :, None] * [one.used for one in dispatches], axis=0)
    of_segment = Settlement(
        np.zeros(segments), np.zeros((segments, used.shape[1])), mixture.rewards
    )
    np.add.at(of_segment.cost_usd, hours.segment_of_group, cost)
    np.add.at(of_segment.used, hours.segment_of_group, used)
    return of_segment
