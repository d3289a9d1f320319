"""What people know, put into futures: each launch, event or move happens in its share of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from planner.plan import Label
from planner.request import Event, Migration, Rollout

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOUR = timedelta(hours=1)
HOURS_PER_DAY = 24

Known = Rollout | Event | Migration


@dataclass(frozen=True)
class Outcome:
    """One way in which something known may turn out.

    Attributes:
        label: as results name it.
        probability: how likely it is.
        share: of its full size that is still to come by then [hour]; 0 everywhere where it does
            not happen.
    """

    label: Label
    probability: float
    share: Floats


@dataclass(frozen=True)
class Change:
    """What something adds to one series, or takes from it, at full size.

    Attributes:
        series: the series changed.
        of: the series whose demand ``share`` is a share of.
        share: of that demand.
        units: besides.
    """

    series: str
    of: str
    share: float
    units: float

    def amount(self, demand: Mapping[str, Floats], reached: Floats) -> Floats:
        """What is added [hour], given each series' demand without it [hour]."""
        return reached * (self.share * demand[self.of] + self.units)


@dataclass(frozen=True)
class Dealt:
    """Something known, and how it turns out in every path.

    Attributes:
        known: what.
        ways: how it may turn out.
        way: position of the way it does [path].
    """

    known: Known
    ways: tuple[Outcome, ...]
    way: NDArray[np.intp]

    @property
    def is_open(self) -> bool:
        """Whether it changes anything in any way."""
        return any(way.share.any() for way in self.ways)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The way's label [path]."""
        return tuple(self.ways[position].label for position in self.way.tolist())


def outcomes(known: Known, start: datetime, hours: int) -> list[Outcome]:
    """How something may turn out from a history's end on: in time, late, or not at all.

    What a ramp had reached by then is in the history; only the rest is to come.
    """
    found = []
    happens = known.probability
    slip = None if isinstance(known, Event) else known.slip
    late = 0.0 if slip is None else slip.probability
    if late < 1:
        share = _to_come(known, start, hours, 0)
        found.append(Outcome("in time", happens * (1 - late), share))
    if slip is not None:
        share = _to_come(known, start, hours, slip.days)
        found.append(Outcome("late", happens * late, share))
    if happens < 1:
        found.append(Outcome("not at all", 1 - happens, np.zeros(hours)))
    return found


def changes(known: Known) -> Iterator[Change]:
    """What something changes at full size."""
    if isinstance(known, Migration):
        yield Change(known.takes_from, known.takes_from, -known.share, 0.0)
        yield Change(known.workload, known.takes_from, known.share * known.units_per_unit, 0.0)
        return
    share, units = known.uplift_share or 0.0, known.uplift_units or 0.0
    yield Change(known.workload, known.workload, share, units)
    if isinstance(known, Rollout) and known.takes_from is not None:
        yield Change(known.takes_from, known.workload, -share, -units)


def series_of(known: Known) -> list[str]:
    """Names of the series that something changes, or is a share of."""
    return sorted({name for change in changes(known) for name in (change.series, change.of)})


def deal(of: Sequence[Outcome], paths: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Which outcome each path has, each as often as it is likely [path]."""
    ends = np.cumsum([one.probability for one in of])
    place = (random.permutation(paths) + 0.5) / paths
    return np.minimum(np.searchsorted(ends, place), len(of) - 1)


def deal_known(
    known: Sequence[Known], start: datetime, hours: int, paths: int, seed: int
) -> list[Dealt]:
    """How everything known turns out in every path, reproducible by the seed."""
    random = np.random.default_rng((seed, 1))
    found = []
    for one in known:
        ways = tuple(outcomes(one, start, hours))
        found.append(Dealt(one, ways, deal(ways, paths, random)))
    return found


def apply_known(series: Mapping[str, Floats], dealt: Sequence[Dealt]) -> dict[str, Floats]:
    """Series of all paths [path × hour] with what is known; none falls below 0."""
    changed = {name: values.copy() for name, values in series.items()}
    for one in dealt:
        for change in changes(one.known):
            for position, way in enumerate(one.ways):
                here = one.way == position
                before = {change.of: series[change.of][here]}
                changed[change.series][here] += change.amount(before, way.share)
    return {name: np.maximum(values, 0.0) for name, values in changed.items()}


def _to_come(known: Known, start: datetime, hours: int, days_late: int) -> Floats:
    """Share of its full size that something still adds to a demand that has some of it [hour]."""
    reached = reached_share(known, start, hours, days_late)
    if isinstance(known, Event):
        return reached
    before = float(reached_share(known, start - HOUR, 1, days_late)[0])
    own = -known.share if isinstance(known, Migration) else known.uplift_share or 0.0
    # Demand is 1 + own · before of what it would be without; shares are of what it is.
    there = 1 + own * before
    return (reached - before) / there if there > 0 else np.zeros(hours)


def reached_share(known: Known, start: datetime, hours: int, days_late: int) -> Floats:
    """Share of its full size that something has reached, so many days late [hour]."""
    hour = np.arange(hours, dtype=np.float64)
    if isinstance(known, Event):
        first, end = (known.start - start) / HOUR, (known.end - start) / HOUR
        return ((hour >= first) & (hour < end)).astype(np.float64)
    since = hour - (known.at - start) / HOUR - days_late * HOURS_PER_DAY
    ramp = known.ramp_days * HOURS_PER_DAY
    linear = np.clip(since / ramp, 0, 1) if ramp else (since >= 0).astype(np.float64)
    return linear if known.shape == "linear" else linear**2 * (3 - 2 * linear)
