"""What nobody sees coming, put into futures: demand that falls for good, machines replaced.

Neither can be read from a history that has not seen it; both are inputs. The futures they befall,
and when, are spread evenly over their probability, so that few futures hold them as often as many
would.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.models import HOURS_PER_WEEK
from planner.request import Drop, Replacement
from planner.successors import Replaceable, successor_series

Floats = NDArray[np.float64]

Hazard = Drop | Replacement

USUAL_PER_YEAR = 0.1
"""Of a family of which a later generation is on sale. A judgement, not a measurement: machines are
sold for ten years and more, and some of their users move each year."""

HOURS_PER_QUARTER = 13 * HOURS_PER_WEEK
HOURS_PER_MONTH = 730
HOURS_PER_DAY = 24


def befall(
    series: Mapping[str, Floats],
    hazards: Sequence[Hazard],
    *,
    ages: Mapping[str, int],
    together: Sequence[Sequence[str]] = (),
    replaceable: Sequence[Replaceable] = (),
    seed: int,
) -> dict[str, Floats]:
    """Series of all paths [path × hour] with what befalls them.

    What leaves a family becomes a series of its own (`planner.successors.successor_series`).

    Args:
        series: by name, without hazards.
        hazards: what may befall them.
        ages: hours since each series' first demand, at the start of the paths.
        together: series among which demand moves when the type of one is replaced.
        replaceable: other series, of which a share may leave their family.
        seed: of the random numbers.
    """
    random = np.random.default_rng((seed, 2))
    changed = {name: values.copy() for name, values in series.items()}
    for hazard in hazards:
        if isinstance(hazard, Drop):
            _drop(changed, hazard, random)
    for hazard in hazards:
        if isinstance(hazard, Replacement):
            for group in together:
                _replace(changed, hazard, group, ages, random)
            _leave(changed, hazard, replaceable, random)
    return changed


def _leave(
    series: dict[str, Floats],
    hazard: Replacement,
    replaceable: Sequence[Replaceable],
    random: np.random.Generator,
) -> None:
    """A share of each series leaves its family, at one time with all others of the family."""
    for family in sorted({one.family for one in replaceable}):
        ours = [one for one in replaceable if one.family == family]
        chance = hazard.successor_per_year
        if chance is None:
            chance = USUAL_PER_YEAR if ours[0].has_later else 0.0
        if not chance:
            continue
        paths, hours = series[ours[0].series].shape
        per_quarter = 1 - (1 - chance) ** 0.25
        reached = _ramp(hazard, hours, first_hours(per_quarter, paths, random), random)
        for one in ours:
            leaving = hazard.successor_share * reached * series[one.series]
            moved = successor_series(one.series)
            series[one.series] = series[one.series] - leaving
            series[moved] = series.get(moved, 0.0) + leaving


def _ramp(hazard: Replacement, hours: int, begins: Floats, random: np.random.Generator) -> Floats:
    """Share of a move that is over [path × hour]."""
    since = np.arange(hours) - begins[:, None]
    shortest, longest = np.log(hazard.shortest_days), np.log(hazard.longest_days)
    days = np.exp(np.asarray(random.uniform(shortest, longest, len(begins))))
    return np.asarray(np.clip(since / (days * HOURS_PER_DAY)[:, None], 0, 1))


def _drop(series: dict[str, Floats], hazard: Drop, random: np.random.Generator) -> None:
    paths, hours = next(iter(series.values())).shape
    falls = first_hours(hazard.per_quarter, paths, random)
    after = np.arange(hours) >= falls[:, None]
    for name in hazard.workloads or sorted(series):
        series[name] = np.where(after, series[name] * (1 - hazard.size), series[name])


def _replace(
    series: dict[str, Floats],
    hazard: Replacement,
    group: Sequence[str],
    ages: Mapping[str, int],
    random: np.random.Generator,
) -> None:
    """Each series may move to the youngest of the others; what moves does so once."""
    before = {name: series[name] for name in group}
    paths, hours = next(iter(before.values())).shape
    for name in group:
        others = [other for other in group if other != name]
        heir = min(others, key=lambda one: (ages[one], one))
        young = ages[name] < hazard.young_months * HOURS_PER_MONTH
        chance = hazard.young_per_quarter if young else hazard.per_quarter
        if not chance:
            continue
        begins = first_hours(chance, paths, random)
        leaving = _ramp(hazard, hours, begins, random) * before[name]
        series[name] = series[name] - leaving
        series[heir] = series[heir] + leaving


def first_hours(per_quarter: float, paths: int, random: np.random.Generator) -> Floats:
    """The hour at which something of that probability first happens, spread evenly [path]."""
    place = (random.permutation(paths) + random.random(paths)) / paths
    quarters = np.log1p(-place) / np.log1p(-per_quarter)
    return np.asarray(quarters * HOURS_PER_QUARTER)
