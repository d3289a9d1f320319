"""What nobody sees coming, put into futures: demand that falls for good, types that are replaced.

Neither can be read from a history that has not seen it; both are inputs. The futures they befall,
and when, are spread evenly over their probability, so that few futures hold them as often as many
would.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.kin import Kin
from planner.forecasting.models import HOURS_PER_WEEK
from planner.request import Drop, Replacement

Floats = NDArray[np.float64]

Hazard = Drop | Replacement

HOURS_PER_QUARTER = 13 * HOURS_PER_WEEK
HOURS_PER_MONTH = 730
HOURS_PER_DAY = 24


def befall(
    series: Mapping[str, Floats],
    hazards: Sequence[Hazard],
    *,
    ages: Mapping[str, int],
    kin: Sequence[Kin],
    seed: int,
) -> dict[str, Floats]:
    """Series of all paths [path × hour] with what befalls them.

    Args:
        series: by name, without hazards.
        hazards: what may befall them.
        ages: hours since each series' first demand, at the start of the paths.
        kin: series among which demand moves when the type of one is replaced.
        seed: of the random numbers.
    """
    random = np.random.default_rng((seed, 2))
    changed = {name: values.copy() for name, values in series.items()}
    for hazard in hazards:
        if isinstance(hazard, Drop):
            _drop(changed, hazard, random)
        else:
            for group in kin:
                _replace(changed, hazard, group, ages, random)
    return changed


def _drop(series: dict[str, Floats], hazard: Drop, random: np.random.Generator) -> None:
    paths, hours = next(iter(series.values())).shape
    falls = first_hours(hazard.per_quarter, paths, random)
    after = np.arange(hours) >= falls[:, None]
    for name in hazard.workloads or sorted(series):
        series[name] = np.where(after, series[name] * (1 - hazard.size), series[name])


def _replace(
    series: dict[str, Floats],
    hazard: Replacement,
    group: Kin,
    ages: Mapping[str, int],
    random: np.random.Generator,
) -> None:
    """Each series may move to the youngest of the others; what moves does so once."""
    before = {name: series[name] for name in group.types}
    paths, hours = next(iter(before.values())).shape
    for name, kind in group.types.items():
        others = [other for other, its in group.types.items() if its != kind]
        heir = min(others, key=lambda one: (ages[one], one))
        young = ages[name] < hazard.young_months * HOURS_PER_MONTH
        chance = hazard.young_per_quarter if young else hazard.per_quarter
        if not chance:
            continue
        since = np.arange(hours) - first_hours(chance, paths, random)[:, None]
        shortest, longest = np.log(hazard.shortest_days), np.log(hazard.longest_days)
        days = np.exp(np.asarray(random.uniform(shortest, longest, paths)))
        leaving = np.clip(since / (days * HOURS_PER_DAY)[:, None], 0, 1) * before[name]
        series[name] = series[name] - leaving
        series[heir] = series[heir] + leaving * (group.sizes[name] / group.sizes[heir])


def first_hours(per_quarter: float, paths: int, random: np.random.Generator) -> Floats:
    """The hour at which something of that probability first happens, spread evenly [path]."""
    place = (random.permutation(paths) + random.random(paths)) / paths
    quarters = np.log1p(-place) / np.log1p(-per_quarter)
    return np.asarray(quarters * HOURS_PER_QUARTER)
