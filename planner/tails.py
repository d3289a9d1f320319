"""The bad futures: which they are, what they cost, and what costs come to with them weighed in."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.baseline import on_demand_usd
from planner.problem import Problem
from planner.request import Risk

Floats = NDArray[np.float64]


class Objective:
    """What is minimized of the costs of all futures: their mean, or mean and tail as weighed."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def usd(self, cost_usd: Floats) -> float:
        """The objective of costs by scenario [scenario]."""
        problem, chance = self._problem, self._problem.probability
        mean = float(chance @ cost_usd)
        if not problem.weighs_risk:
            return mean
        risk = problem.request.risk
        tail = tail_mean(cost_usd - self._baseline, chance, tail_level(risk, chance))
        bad = float(chance @ self._baseline) + tail
        return (1 - risk.tail_weight) * mean + risk.tail_weight * bad

    @cached_property
    def _baseline(self) -> Floats:
        """What every scenario costs all on demand [scenario]."""
        return on_demand_usd(self._problem)


def tail_level(risk: Risk, probability: Floats) -> float:
    """The level whose tail is meant: of the worst case, the least likely scenario alone."""
    return 1.0 - float(probability.min()) if risk.measure == "worst_case" else risk.level


def tail_mean(values: Floats, probability: Floats, level: float) -> float:
    """Mean of the largest values that hold ``1 - level`` of the probability (CVaR)."""
    order = np.argsort(-values)
    left = np.maximum(1.0 - level - (np.cumsum(probability[order]) - probability[order]), 0.0)
    share = np.minimum(probability[order], left)
    return float(share @ values[order] / share.sum())


def quantile(values: Floats, probability: Floats, level: float) -> float:
    """The least value that at least ``level`` of the probability does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(probability[order]) >= level - 1e-12
    return float(values[order][np.argmax(reached)])
