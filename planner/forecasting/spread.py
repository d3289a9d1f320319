"""How wrong a model is, by how far it looks ahead: the errors it made on the past.

An hour's demand is median level × profile × ratio. The level's log error grows with the horizon,
as ``scale · units ** exponent``, past half a year by half that exponent; ratios are what
whole weeks (or days) looked like once their level was known. Both are measured from moments of the
past, as far as these see; priors carry them where the history is short, or nothing happened in it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.models import (
    DAILY,
    DAYS_PER_WEEK,
    HOURS_PER_WEEK,
    WEEKS_PER_YEAR,
    Bools,
    Model,
    closed_days,
    closed_of,
    day_effects,
    median_slope,
    profiles_of,
)

Floats = NDArray[np.float64]

FARTHEST_UNITS = 60
MOST_ORIGINS = 40
FIRST_ORIGIN = 26
"""Errors count from models that had seen so many units, or half of the history."""

SCALE_OF_CHANGES = 0.8
"""Before any error is known, that of the next unit is this share of what units change by."""
SCALE_PRIOR = 5.0
"""The prior of the scale weighs as much as so many independent errors."""
EXPONENT = 0.27
EXPONENT_PRIOR = 80.0
LARGEST_EXPONENT = 0.6
SLOWING_HOURS = 26 * HOURS_PER_WEEK
"""Beyond so far ahead errors were seen to grow more slowly."""
SHORT_WEEKS, SHORT_DAYS = 240.0, 40.0
"""Histories of n weeks, or days, err more than they show, by the root of 1 + this / n²."""
LEAST_SCALE = 0.003
UNKNOWN_CHANGES = 0.2
"""What units change by where too few are known; errors of so much count as one more that short
histories have not seen."""
STILL = 5e-3
"""Levels that mostly change by less stand still, and move in steps if they do."""
UNSEEN_STEP = 0.1
"""The step that counts as one more than a level that stands still was seen to take."""

SEASON_FROM, SEASON_UNTIL = 26, 2 * WEEKS_PER_YEAR
"""Histories of so many weeks show some of a season of the year, and too little to tell it from
other changes."""
SEASON_MEANS = 5
"""Means of so many weeks keep the season, and little of what single weeks do."""

RATIO_UNITS = 26
BAND = 0.8
BAND_DEVIATIONS = 1.2816
"""80 % of a normal distribution lie within so many standard deviations."""


@dataclass(frozen=True)
class Spread:
    """The error of a model's levels, and the shapes units had beside them.

    Attributes:
        scale: standard deviation of the log error of the next unit's level.
        exponent: how it grows with the number of units ahead, up to half a year.
        ratios: demand over level × profile of past units, with what was known before each of them
            [unit × hour].
        changes: past log changes of the level from unit to unit, the newest last [unit].
        season: standard deviation of the log level that may be a season of the year which the
            model does not know; 0 where there is none.
        closed: hours in which next to nothing ever runs, whose ratios say nothing of others: of the
            first unit ahead and those after it, until they repeat [unit modulo n × hour].
    """

    scale: float
    exponent: float
    ratios: Floats
    changes: Floats
    season: float
    closed: Bools

    @property
    def closed_ratios(self) -> Bools:
        """Which ratios are those of closed hours [unit × hour]."""
        return self.closed[np.arange(-len(self.ratios), 0) % len(self.closed)]

    def deviation(self, units: Floats) -> Floats:
        r"""Standard deviation of the level's log error so many units ahead.

        At least what a wave of a year's length misses itself by, taken to stay where it is, at a
        moment that nobody knows: :math:`2 \sigma \sin(\pi h / 52)`, up to half a year ahead.
        """
        seen = self.scale * _slowing(units, self.ratios.shape[1]) ** self.exponent
        if not self.season:
            return np.asarray(seen)
        turned = np.minimum(units / WEEKS_PER_YEAR, 0.5)
        return np.asarray(np.maximum(seen, 2 * self.season * np.sin(np.pi * turned)))


def measure_spread(model: Model, units: Floats) -> Spread:
    """The spread of a model on a history [unit × hour]."""
    changes = _changes(model, units)
    scale, exponent = _growth_of_errors(model, units, changes)
    short = SHORT_DAYS if model is DAILY else SHORT_WEEKS
    scale *= float(np.sqrt(1 + short / len(units) ** 2))
    return Spread(
        scale,
        exponent,
        _ratios(model, units),
        changes,
        _season(model, units),
        np.roll(closed_of(model, units), -len(units), axis=0),
    )


def _season(model: Model, units: Floats) -> float:
    """How far levels spread, if that may have been the season; 0 if not.

    About their trend, from a year on; before, a trend may itself be half a season.
    """
    if model is DAILY or model.knows_years or not SEASON_FROM <= len(units) < SEASON_UNTIL:
        return 0.0
    means = units.mean(axis=1)
    levels = np.log(means[means > 0])
    if len(levels) < SEASON_FROM:
        return 0.0
    slope = median_slope(levels) if len(levels) >= WEEKS_PER_YEAR else 0.0
    off = levels - slope * np.arange(len(levels))
    slow = np.convolve(off, np.full(SEASON_MEANS, 1 / SEASON_MEANS), mode="valid")
    low, high = np.quantile(slow, [(1 - BAND) / 2, (1 + BAND) / 2])
    return float(high - low) / (2 * BAND_DEVIATIONS)


def _slowing(units: Floats, unit_hours: int) -> Floats:
    """Units ahead as errors grow by them: beyond half a year, the geometric mean with that."""
    half_year = SLOWING_HOURS / unit_hours
    return np.asarray(np.minimum(units, np.sqrt(half_year * units)))


def _changes(model: Model, units: Floats) -> Floats:
    """Log changes of the level from unit to unit, but for what the day of the week makes of it.

    Days that are always closed have no level.
    """
    levels = units.mean(axis=1)
    if model is DAILY:
        place = np.arange(len(units)) % DAYS_PER_WEEK
        opened = ~closed_days(units)[place]
        levels = levels[opened] / day_effects(units)[place[opened]]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diff(np.log(levels)))


def _stands_still(changes: Floats) -> bool:
    """Whether a level is that of a few machines, say, which come and go at times."""
    known = changes[np.isfinite(changes)]
    return len(known) > 0 and bool(np.median(np.abs(known)) < STILL)


def _usual_change(changes: Floats) -> float:
    """Root mean square of changes, those beyond three robust deviations cut off.

    Of levels that stand still, of all steps and one that nobody has seen yet.
    """
    changes = changes[np.isfinite(changes)]
    if len(changes) < 4:
        return UNKNOWN_CHANGES
    if _stands_still(changes):
        return float(np.sqrt((np.sum(changes**2) + UNSEEN_STEP**2) / (len(changes) + 1)))
    most = 3 * 1.4826 * float(np.median(np.abs(changes - np.median(changes)))) + 1e-9
    return float(np.sqrt(np.mean(np.clip(changes, -most, most) ** 2)))


def _growth_of_errors(model: Model, units: Floats, changes: Floats) -> tuple[float, float]:
    """Scale and exponent: a straight line through log errors by log horizon, drawn to priors."""
    ahead, deviation, weight = _log_errors(model, units, still=_stands_still(changes))
    prior = SCALE_OF_CHANGES * _usual_change(changes)
    x = np.log(_slowing(ahead, model.unit_hours))
    y = np.log(np.maximum(deviation, 1e-4))
    normal = np.array(
        [
            [weight.sum() + SCALE_PRIOR, (weight * x).sum()],
            [(weight * x).sum(), (weight * x * x).sum() + EXPONENT_PRIOR],
        ]
    )
    start = np.log(max(prior, LEAST_SCALE))
    right = np.array(
        [
            (weight * y).sum() + SCALE_PRIOR * start,
            (weight * x * y).sum() + EXPONENT_PRIOR * EXPONENT,
        ]
    )
    log_scale, exponent = np.linalg.solve(normal, right)
    return float(np.exp(log_scale)), float(np.clip(exponent, 0.0, LARGEST_EXPONENT))


def _log_errors(model: Model, units: Floats, *, still: bool) -> tuple[Floats, Floats, Floats]:
    """Horizons, deviation of the level's log error at each, and independent errors seen."""
    count, means = len(units), units.mean(axis=1)
    first = max(3, model.fewest_units, min(FIRST_ORIGIN, count // 2))
    step = max(1, (count - first) // MOST_ORIGINS)
    origins = range(first, count, step)
    errors = np.full((len(origins), FARTHEST_UNITS), np.nan)
    closed = closed_days(units)[np.arange(count) % DAYS_PER_WEEK]
    for row, origin in zip(errors, origins, strict=True):
        ahead = min(count - origin, FARTHEST_UNITS)
        levels = model.median(units[:origin], ahead).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            row[:ahead] = np.log(means[origin : origin + ahead] / levels)
        if model is DAILY:
            row[:ahead][closed[origin : origin + ahead]] = np.nan
    errors[~np.isfinite(errors)] = np.nan
    seen = np.isfinite(errors).sum(axis=0)
    enough = np.flatnonzero(seen >= 3)
    ahead_of = enough.astype(np.float64) + 1
    deviation = np.array(
        [np.nanquantile(np.abs(errors[:, at]), BAND) / BAND_DEVIATIONS for at in enough]
    )
    # Errors of neighbouring origins overlap by most of their horizon.
    weight = seen[enough] * step / (ahead_of / 2 + 1)
    if still:
        # Few errors are any: their middle ones say nothing of the steps that will come.
        squares = np.nanmean(errors[:, enough] ** 2, axis=0)
        deviation = np.sqrt((weight * squares + UNSEEN_STEP**2) / (weight + 1))
    elif model is DAILY:
        deviation = np.sqrt((weight * deviation**2 + UNKNOWN_CHANGES**2) / (weight + 1))
    return ahead_of, deviation.astype(np.float64), np.asarray(weight, dtype=np.float64)


def _ratios(model: Model, units: Floats) -> Floats:
    """Demand over level × profile of the latest units, the profile that of the units before.

    No ratio makes more of today's profile than the highest share of a level that any hour had:
    where a profile was next to nothing before, its ratio says nothing of what it is now.
    """
    found, highest = [], 0.0
    places = range(max(1, len(units) - RATIO_UNITS), len(units))
    for at in places:
        level = float(units[at].mean())
        profiles = profiles_of(model, units[:at])
        expected = level * profiles[at % len(profiles)]
        usable = expected > 0
        found.append(np.where(usable, units[at] / np.where(usable, expected, 1.0), 1.0))
        if level > 0:
            highest = max(highest, float(units[at].max()) / level)
    if not found:
        return np.ones((1, units.shape[1]))
    profiles = profiles_of(model, units)
    profile = profiles[np.array(places) % len(profiles)]
    most = np.full_like(profile, np.inf)
    np.divide(highest, profile, out=most, where=profile > 0)
    return np.asarray(np.minimum(np.array(found), np.maximum(most, 1.0)))
