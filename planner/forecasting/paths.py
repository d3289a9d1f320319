"""Futures drawn together: the levels of all series move as they did together, and so do weeks.

Levels deviate by a process that forgets slowly; its deviations at each horizon are those measured
by `planner.forecasting.spread`. What weeks looked like beside their level is taken from past weeks
whole, the same week for every series, so that hours and workloads stay together. Every future of
the first half has a twin whose levels deviate the other way (antithetic): means and medians of few
paths are then close to those of many.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.models import HOURS_PER_WEEK, TREND
from planner.forecasting.spread import RATIO_UNITS

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MEMORY_WEEKS = 200.0
"""Deviations of levels are correlated by exp(-weeks / this)."""
CORRELATION_WEEKS = 104
FEWEST_WEEKS = 8
INDEPENDENT_SHARE = 0.2
"""Measured correlations are drawn to none by this share."""


@dataclass(frozen=True)
class Draws:
    """What single futures are made of.

    Attributes:
        deviations: of levels from their medians, in standard deviations [path × series × week].
        blocks: past weeks, counted back from the newest, that weeks are shaped like [path × week].
    """

    deviations: Floats
    blocks: Ints


def draw(history: Mapping[str, Floats], weeks: int, paths: int, seed: int) -> Draws:
    """Draws for so many futures, reproducible by their seed.

    Args:
        history: series by name, all ending at the same hour [hour].
        weeks: how far ahead.
        paths: how many futures, an even number.
        seed: of the random numbers.
    """
    half, random = paths // 2, np.random.default_rng(seed)
    mixing = np.linalg.cholesky(correlation([history[name] for name in sorted(history)]))
    shocks = random.standard_normal((weeks, half, len(history))) @ mixing.T
    keep = np.exp(-1 / MEMORY_WEEKS)
    shocks[1:] *= np.sqrt(1 - keep**2)
    for week in range(1, weeks):
        shocks[week] += keep * shocks[week - 1]
    deviations = shocks.transpose(1, 2, 0)
    blocks = random.integers(0, RATIO_UNITS, (half, weeks))
    return Draws(np.concatenate([deviations, -deviations]), np.concatenate([blocks, blocks]))


def correlation(series: list[Floats]) -> Floats:
    """Correlation of weekly changes of levels between series [series × series]."""
    weeks = min(CORRELATION_WEEKS, *(len(one) // HOURS_PER_WEEK for one in series))
    found = np.eye(len(series))
    if len(series) > 1 and weeks >= FEWEST_WEEKS:
        levels = np.array([TREND.units(one)[-weeks:].mean(axis=1) for one in series])
        changes = np.diff(np.log(np.maximum(levels, 1e-9)))
        usual = 1.4826 * np.median(np.abs(changes), axis=1, keepdims=True) + 1e-9
        bounded = np.clip(changes, -3 * usual, 3 * usual)
        bounded -= bounded.mean(axis=1, keepdims=True)
        size = np.sqrt((bounded**2).sum(axis=1)) + 1e-9
        found = bounded @ bounded.T / np.outer(size, size)
    return (1 - INDEPENDENT_SHARE) * found + INDEPENDENT_SHARE * np.eye(len(series))
