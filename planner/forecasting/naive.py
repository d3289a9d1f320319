"""The rule every forecast must beat: the last week again, with a fan of its past errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.models import HOURS_PER_DAY, HOURS_PER_WEEK

Floats = NDArray[np.float64]


def season_hours(hours: int) -> int:
    """After how long a history repeats itself: a week, a day where it holds no two weeks."""
    return HOURS_PER_WEEK if hours >= 2 * HOURS_PER_WEEK else HOURS_PER_DAY


def seasonal_naive(values: Floats, hours: int, levels: Sequence[float]) -> Floats:
    """The last week again, its quantiles those of past differences so far apart [level × hour].

    Args:
        values: the history, two days or more [hour].
        hours: how far ahead.
        levels: probabilities not to exceed.
    """
    season = season_hours(len(values))
    ahead, known = -(-hours // season), len(values) // season
    past = values[len(values) - known * season :].reshape(known, season)
    fan = np.empty((len(levels), ahead, season))
    for position in range(ahead):
        # No further apart than half of the history: beyond, differences are few.
        apart = min(position + 1, max(1, known // 2))
        errors = np.quantile(past[apart:] - past[:-apart], levels)
        fan[:, position] = past[-1] + errors[:, None]
        fan[np.isclose(levels, 0.5), position] = past[-1]
    return np.maximum(fan.reshape(len(levels), -1)[:, :hours], 0.0)
