"""Models of one series: history in whole weeks, or days, in; the median of those to come out.

Every model sees the history as an array [unit × hour], the last unit ending where the future
begins, and returns the units to come in the same shape. None draws on anything after the history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOURS_PER_WEEK = 168
HOURS_PER_DAY = 24
WEEKS_PER_YEAR = 52

TREND_WEEKS = 104
"""The trend is that of so many weeks."""
FEWEST_TREND_WEEKS = 8
DAMPING = 0.98
"""Each week's growth is at most so much of the week's before."""
TREND_REACH = 0.37
"""A trend of n weeks goes on for at most so many times n to the power of 1.5: the error of a slope
falls as that power. Half a year's trend is damped no more than any."""
LEVEL_WEEKS = 4
"""The level is the median of so many weeks, the trend taken out."""
FLOOR = 0.05
"""A falling trend ends at this share of the level."""

PROFILE_DECAY = 0.9
PROFILE_WEEKS = 26
DAY_PRIOR_WEEKS = 0.5
"""Days of the week's profile are drawn to the shape they have in common by so many weeks."""

GROWTH_WEEKS = 8
"""Growth since last year is judged by so many weeks."""
MOST_YEARS = 3
AROUND = (0.25, 0.5, 0.25)
"""What the weeks before, at and after the same week of a year count."""

CLOSED_SHARE = 0.15
"""Hours that hardly ever had more than this share of their week's mean are closed: shops at
weekends, offices at night. What other days do at the same hour says nothing of them."""
FEWEST_CLOSED = 2
"""So many weeks, or days of one name, must have been so."""
EXCEPTIONS = 0.1
"""So many of the weeks, or days, may have been others: Sundays before Christmas."""

DAYS_PER_WEEK = 7
LEVEL_DAYS = 7
DAY_DECAY = 0.85


@dataclass(frozen=True)
class Model:
    """A way to forecast.

    Attributes:
        name: as requests and results name it.
        unit_hours: hours of a unit of its history.
        fewest_units: the shortest history it can use.
        median: history [unit × hour] and a number of units -> median [unit × hour].
        knows_years: whether it follows a season of the year.
    """

    name: str
    unit_hours: int
    fewest_units: int
    median: Callable[[Floats, int], Floats]
    knows_years: bool = False

    def units(self, values: Floats) -> Floats:
        """The whole units at the end of a history [unit × hour]."""
        count = len(values) // self.unit_hours
        return values[len(values) - count * self.unit_hours :].reshape(count, self.unit_hours)


def week_profile(weeks: Floats) -> Floats:
    """The shape of a week, of mean 1, the latest weeks counting most [hour of the week]."""
    profile, weight = _shape(weeks[-PROFILE_WEEKS:], PROFILE_DECAY)
    by_day = _by_day(profile, closed_hours(weeks))
    drawn = (weight * profile + DAY_PRIOR_WEEKS * by_day) / (weight + DAY_PRIOR_WEEKS)
    return np.asarray(drawn / drawn.mean())


def _by_day(profile: Floats, closed: Bools) -> Floats:
    """What days have in common, at each day's own level; closed hours as they are [hour]."""
    days, opened = profile.reshape(7, HOURS_PER_DAY), (~closed).reshape(7, HOURS_PER_DAY)
    levels = (days * opened).sum(axis=1) / np.maximum(opened.sum(axis=1), 1)
    total = np.where(opened, days, 0.0).sum(axis=0)
    of_levels = (levels[:, None] * opened).sum(axis=0)
    shape = np.divide(total, of_levels, out=np.ones(HOURS_PER_DAY), where=of_levels > 0)
    return np.where(closed, profile, (levels[:, None] * shape).ravel())


def closed_hours(units: Floats) -> Bools:
    """Hours of a week, or a day, in which next to nothing ever runs [hour]."""
    latest = units[-PROFILE_WEEKS:]
    means = latest.mean(axis=1)
    busy = latest[means > 0] / means[means > 0][:, None]
    if len(busy) < FEWEST_CLOSED:
        return np.zeros(units.shape[1], dtype=np.bool_)
    most = np.quantile(busy, 1 - EXCEPTIONS, axis=0, method="higher")
    return np.asarray(most < CLOSED_SHARE)


def day_profiles(days: Floats) -> Floats:
    """The shapes of the days of a week, each of mean 1: one of the open ones, one of the closed.

    By name, counted from the first day [day modulo 7 × hour].
    """
    shut = _is_closed(days)
    resting, _ = _shape(days[shut], DAY_DECAY)
    return np.where(closed_days(days)[:, None], resting, _open_profile(days[~shut]))


def _open_profile(days: Floats) -> Floats:
    """The shape of a day, of mean 1, drawn to an even one [hour of the day]."""
    profile, weight = _shape(days, DAY_DECAY)
    closed = closed_hours(days)
    usual = np.where(closed, profile, profile[~closed].mean() if closed.any() else 1.0)
    drawn = (weight * profile + DAY_PRIOR_WEEKS * usual) / (weight + DAY_PRIOR_WEEKS)
    return np.asarray(drawn / drawn.mean())


def _is_closed(days: Floats) -> Bools:
    """Whether a day is one of those of the week on which next to nothing ever runs [day]."""
    place = np.arange(len(days)) % DAYS_PER_WEEK
    return closed_days(days)[place]


def closed_days(days: Floats) -> Bools:
    """Days of the week, counted from the first one, on which next to nothing ever runs."""
    means, count = days.mean(axis=1), len(days)
    if count < FEWEST_CLOSED * DAYS_PER_WEEK or not means.any():
        return np.zeros(DAYS_PER_WEEK, dtype=np.bool_)
    most = np.zeros(DAYS_PER_WEEK)
    np.maximum.at(most, np.arange(count) % DAYS_PER_WEEK, means)
    return np.asarray(most < CLOSED_SHARE * means.mean())


def _shape(units: Floats, decay: float) -> tuple[Floats, float]:
    """Weighted mean of units, each as shares of its own mean, and the sum of weights."""
    means = units.mean(axis=1)
    busy = means > 0
    if not busy.any():
        return np.ones(units.shape[1]), 0.0
    weights = decay ** np.arange(len(units) - 1.0, -1.0, -1.0)
    weights, shares = weights[busy], units[busy] / means[busy][:, None]
    return weights @ shares / weights.sum(), float(weights.sum())


def damped_trend(weeks: Floats, ahead: int) -> Floats:
    """A robust straight trend that slows down, times the week's profile.

    The longer it was seen, the farther it goes on.
    """
    means = weeks.mean(axis=1)[-TREND_WEEKS:]
    slope = median_slope(means) if len(means) >= FEWEST_TREND_WEEKS else 0.0
    reach = TREND_REACH * len(means) ** 1.5
    damping = min(DAMPING, reach / (1 + reach))
    return _level_and_profile(weeks, slope, ahead, damping)


def median_slope(values: Floats) -> float:
    """The median slope between any two of evenly spaced values: that of Theil and Sen.

    Scipy's takes seven times as long or more, for a confidence interval that nobody asks for.
    """
    first, second = _pairs(len(values))
    return float(np.median((values[second] - values[first]) / (second - first)))


@lru_cache(maxsize=2 * TREND_WEEKS)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of all pairs among so many."""
    first, second = np.triu_indices(count, 1)
    return first, second


def flat(weeks: Floats, ahead: int) -> Floats:
    """The level of the last weeks, times the week's profile."""
    return _level_and_profile(weeks, 0.0, ahead, 0.0)


def _level_and_profile(weeks: Floats, slope: float, ahead: int, damping: float) -> Floats:
    last = weeks.mean(axis=1)[-LEVEL_WEEKS:]
    level = float(np.median(last + slope * np.arange(len(last) - 1, -1, -1)))
    steps = np.arange(ahead + 2)
    growth = np.concatenate([[0.0], np.cumsum(damping ** steps[1:])])
    levels = np.maximum(level + slope * growth, FLOOR * max(level, 0.0))
    # A week's level is that of its middle.
    middles = np.arange(ahead * HOURS_PER_WEEK) / HOURS_PER_WEEK + 0.5
    hourly = np.interp(middles, steps, levels).reshape(ahead, HOURS_PER_WEEK)
    return np.asarray(hourly * week_profile(weeks))


def yearly(weeks: Floats, ahead: int) -> Floats:
    """The same weeks of the years before, times the growth since."""
    past, means = len(weeks), weeks.mean(axis=1)
    known = np.concatenate([weeks, np.zeros((ahead, HOURS_PER_WEEK))])
    growth = [_growth(means, years) for years in range(1, MOST_YEARS + 1)]
    for week in range(past, past + ahead):
        same = []
        for years in range(1, MOST_YEARS + 1):
            then = week - WEEKS_PER_YEAR * years
            if then >= 1:
                around = known[then - 1 : then + 2]
                same.append(growth[years - 1] * np.tensordot(AROUND, around, axes=1))
        known[week] = np.mean(same, axis=0)
    return known[past:]


def _growth(means: Floats, years: int) -> float:
    """The last weeks' level over that of the same weeks some years ago, or the most there are."""
    back = WEEKS_PER_YEAR * years
    if len(means) < back + GROWTH_WEEKS:
        return _growth(means, years - 1) if years > 1 else 1.0
    then = float(np.median(means[-GROWTH_WEEKS - back : len(means) - back]))
    return float(np.median(means[-GROWTH_WEEKS:])) / then if then > 0 else 1.0


def mixed(weeks: Floats, ahead: int) -> Floats:
    """The mean of the damped trend and the years before."""
    return np.asarray(0.5 * (damped_trend(weeks, ahead) + yearly(weeks, ahead)))


def daily(days: Floats, ahead: int) -> Floats:
    """The level of the last days, times the day's profile: for histories of few weeks.

    Days of the week are told apart as far as their differences repeat.
    """
    effects, count = day_effects(days), len(days)
    opened = np.flatnonzero(~_is_closed(days))
    plain = days.mean(axis=1)[opened] / effects[opened % DAYS_PER_WEEK]
    level = float(np.median(plain[-LEVEL_DAYS:]))
    coming = np.arange(count, count + ahead) % DAYS_PER_WEEK
    return np.asarray(level * effects[coming, None] * day_profiles(days)[coming])


def day_effects(days: Floats) -> Floats:
    """What each day of the week's level is to the week's, 1 where that is not known [day modulo 7].

    Differences between days of the week are drawn to none by how little they exceed what days of
    one name differ by (the James-Stein way); under two weeks nothing repeats.
    """
    means, count = days.mean(axis=1), len(days)
    closed, place = closed_days(days), np.arange(count) % DAYS_PER_WEEK
    opened = ~closed[place]
    if count < 2 * DAYS_PER_WEEK or (means[opened] <= 0).any():
        return np.ones(DAYS_PER_WEEK)
    logs, names = np.log(means[opened]), DAYS_PER_WEEK - int(closed.sum())
    seen = np.maximum(np.bincount(place[opened], minlength=DAYS_PER_WEEK), 1)
    mean = np.bincount(place[opened], logs, minlength=DAYS_PER_WEEK) / seen
    rest = float(((logs - mean[place[opened]]) ** 2).sum()) / max(len(logs) - names, 1)
    noise = rest / seen
    off = np.where(closed, 0.0, mean - mean[~closed].mean())
    between = float((off**2).sum()) / max(names - 1, 1)
    spread = max(between - float(noise[~closed].mean()), 0.0)
    kept = spread / (spread + noise) if spread > 0 else np.zeros(DAYS_PER_WEEK)
    effects = np.exp(off * kept)
    if closed.any():
        usual = float(np.median(means[opened] / effects[place[opened]]))
        total = np.bincount(place, means, minlength=DAYS_PER_WEEK)
        share = total / np.bincount(place, minlength=DAYS_PER_WEEK) / usual
        effects = np.where(closed, share, effects)
    return np.asarray(effects)


TREND = Model("trend", HOURS_PER_WEEK, 6, damped_trend)
DAILY = Model("daily", HOURS_PER_DAY, 2, daily)
MODELS = (
    TREND,
    Model("flat", HOURS_PER_WEEK, 6, flat),
    Model("yearly", HOURS_PER_WEEK, WEEKS_PER_YEAR + 4, yearly, knows_years=True),
    Model("mixed", HOURS_PER_WEEK, WEEKS_PER_YEAR + 4, mixed, knows_years=True),
    DAILY,
)
"""Every model there is; the first is taken where no other is clearly better."""


def profiles_of(model: Model, units: Floats) -> Floats:
    """The shapes of a model's units, each of mean 1, by place in the week [unit modulo n × hour].

    Weeks have one; days one for each name, counted from the first unit.
    """
    return day_profiles(units) if model is DAILY else week_profile(units)[None]


def closed_of(model: Model, units: Floats) -> Bools:
    """Closed hours by place in the week, as `profiles_of` counts them [unit modulo n × hour]."""
    if model is not DAILY:
        return closed_hours(units)[None]
    shut = _is_closed(units)
    return closed_days(units)[:, None] | closed_hours(units[~shut])
