"""Samples of any distance made hours: counters by their increase, others by their rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.demand_tables import FaultList
from planner.history.grid import Grid, empty_grid
from planner.history.samples import SampleFaults, Samples
from planner.repairs.counters import find_resets, hourly_increase
from planner.repairs.duplicates import combine
from planner.repairs.report import HOUR_S, RepairLog
from planner.request import DemandSource

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EARLY_S = 900
"""A row so many seconds before a whole hour is that hour's, where rows come by the hour."""

LAST_FIX = "the last hour has not all its rows; add them, or repair: [partial_last_hour]"
COUNTER_FIX = "this counter falls; say repair: [counter_resets] if it began again at zero"


def hours_of_counters(
    samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog
) -> Grid:
    """The increase of every counter in every whole hour it is known for."""
    parts = samples.slices()
    falls = np.zeros(len(samples.value), dtype=bool)
    for part in parts:
        falls[part.start + find_resets(samples.value[part])] = True
    if source.repair.counter_resets is None:
        SampleFaults(samples, faults).refuse(falls, COUNTER_FIX)
    unfinished = np.zeros_like(falls)
    lasts = np.array([part.stop - 1 for part in parts if part.stop > part.start])
    unfinished[lasts] = samples.second[lasts] % HOUR_S != 0
    if source.repair.partial_last_hour is None:
        SampleFaults(samples, faults).refuse(unfinished, LAST_FIX, timestamp=True)
    faults.faults.raise_if_any()
    series = [hourly_increase(samples.second[part], samples.value[part]) for part in parts]
    for name, part in zip(samples.names, parts, strict=True):
        fallen = samples.second[part][falls[part]]
        done = ["counter began again at zero"] * len(fallen)
        log.add("counter_resets", name, fallen, fallen + 1, np.ones_like(fallen), done)
        last = samples.second[part][unfinished[part]]
        hour = last // HOUR_S * HOUR_S
        done = ["left out: the counter ends inside it"] * len(last)
        log.add("partial_last_hour", name, hour, hour + HOUR_S, np.ones_like(last), done)
    known = [(first, first + len(values)) for first, values in series if len(values)]
    if not known:
        faults.stop("no whole hour", "give counters at least two rows an hour apart")
    first, last_hour = min(one for one, _ in known), max(one for _, one in known)
    grid = empty_grid(samples.names, first, last_hour, faults)
    for target, (begin, values) in zip(grid.values, series, strict=True):
        target[begin - first : begin - first + len(values)] = values
    return grid


@dataclass(frozen=True)
class _Groups:
    """Samples of one series and hour together; arrays [group].

    Attributes:
        begins: the first sample of each.
        series: position of the series.
        hour: since 1970.
        found: samples it has.
        expected: samples an hour of its series has.
        holed: whether samples are missing, as those it has stand too far apart.
    """

    begins: NDArray[np.intp]
    series: NDArray[np.int32]
    hour: Ints
    found: Ints
    expected: Ints
    holed: NDArray[np.bool_]


def hours_of_samples(
    samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog
) -> Grid:
    """One value for every hour with samples, as ``resample`` or the rule `irregular` say."""
    off = samples.second % HOUR_S != 0
    how = source.resample or (source.repair.irregular if off.any() else None)
    if how is None:
        SampleFaults(samples, faults).refuse(off, faults.off_fix, timestamp=True)
        faults.faults.raise_if_any()
    steps = _steps(samples)
    if source.resample is not None:
        samples, steps = _spread(samples, steps, source.resample, log)
    groups = _groups(samples, steps)
    groups, samples, cut = _cut_last_hour(groups, samples, source, faults, log)
    value = combine(samples.value, groups.begins, how or "last")
    if how is not None:
        rule = "irregular" if source.resample is None else "resample"
        moved = np.bincount(samples.series[samples.second % HOUR_S != 0], minlength=len(steps))
        _log_combined(samples.names, groups, moved > 0, rule, how, log)
    if how == "sum":
        value = _complete_sums(samples.names, groups, value, source, faults, log)
    first, last = int(groups.hour.min()), int(groups.hour.max()) + 1
    grid = empty_grid(samples.names, first, min(last, cut), faults)
    grid.values[groups.series, groups.hour - first] = value
    return grid


def _steps(samples: Samples) -> Ints:
    """Seconds from one sample of each series to its next [series]: the median; an hour if alone."""
    steps = [np.diff(samples.second[part]) for part in samples.slices()]
    return np.array([int(np.median(one)) if len(one) else HOUR_S for one in steps], dtype=np.int64)


def _spread(samples: Samples, steps: Ints, how: str, log: RepairLog) -> tuple[Samples, Ints]:
    """Rows of several hours, such as days, become a row for each of them."""
    coarse = steps >= 2 * HOUR_S
    if not coarse.any():
        return samples, steps
    own = steps[samples.series]
    ahead = np.append(np.diff(samples.second), 0)
    ahead[np.append(np.diff(samples.series) != 0, True)] = 0
    # Days of a clock change have an hour more or less; after a gap, a row is as long as usual.
    usual = (ahead <= 0) | (ahead > own * 3 // 2) | (ahead < own // 2)
    length = np.where(coarse[samples.series], np.where(usual, own, ahead) // HOUR_S, 1)
    source = np.repeat(np.arange(len(length)), length)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(length) - length, length)
    value = samples.value[source] / (length[source] if how == "sum" else 1)
    second = samples.second[source] + nth * HOUR_S
    for position in np.flatnonzero(coarse):
        part = samples.slices()[position]
        begin, end = samples.second[part][:1], samples.second[part][-1:] + steps[position]
        done = "shared among its hours" if how == "sum" else "taken for each of its hours"
        count = np.array([part.stop - part.start])
        log.add("resample", samples.names[position], begin, end, count, [f"each row {done}"])
    parts = (samples.series[source], second, value, samples.row[source])
    return Samples(samples.names, samples.columns, *parts), np.where(coarse, HOUR_S, steps)


def _groups(samples: Samples, steps: Ints) -> _Groups:
    own = steps[samples.series]
    by_hour = own * 10 > HOUR_S * 9
    hour = (samples.second + np.where(by_hour, EARLY_S, 0)) // HOUR_S
    first = np.ones(len(hour), dtype=bool)
    first[1:] = (np.diff(hour) != 0) | (np.diff(samples.series) != 0)
    begins = np.flatnonzero(first)
    ends = np.append(begins[1:], len(hour))
    before = samples.second - np.concatenate((samples.second[:1], samples.second[:-1]))
    at_edge = np.ones(len(hour), dtype=bool)
    at_edge[1:] = np.diff(samples.series) != 0
    # At its ends a series is looked at as if samples stood on the edges of the hour.
    before = np.where(at_edge, samples.second - hour * HOUR_S + own // 2, before)
    after = np.append(before[1:], 0)
    last = np.append(at_edge[1:], True)
    after = np.where(last, (hour + 1) * HOUR_S - samples.second + own // 2 - 1, after)
    far = (before * 2 > own * 3) | (after * 2 > own * 3)
    expected = np.where(by_hour, 1, np.maximum(HOUR_S // np.maximum(own, 1), 1))[begins]
    found = ends - begins
    holed = (np.add.reduceat(far, begins, dtype=np.int64) > 0) & (found < expected)
    return _Groups(begins, samples.series[begins], hour[begins], found, expected, holed)


def _cut_last_hour(
    groups: _Groups, samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog
) -> tuple[_Groups, Samples, int]:
    """Leave the last hour of all out where it has not all its samples; also where hours end."""
    last = int(groups.hour.max())
    partial = groups.holed & (groups.hour == last)
    if not partial.any():
        return groups, samples, last + 1
    if source.repair.partial_last_hour is None:
        at = np.zeros(len(samples.value), dtype=bool)
        at[groups.begins[partial]] = True
        SampleFaults(samples, faults).refuse(at, LAST_FIX, timestamp=True)
        faults.faults.raise_if_any()
    gone = groups.hour == last
    if gone.all():
        faults.stop("no whole hour", LAST_FIX)
    start = np.array([last * HOUR_S])
    for place in np.flatnonzero(gone):
        name, found = samples.names[groups.series[place]], groups.found[place : place + 1]
        done = f"left out: {found[0]} of {groups.expected[place]} rows"
        log.add("partial_last_hour", name, start, start + HOUR_S, found, [done])
    kept = np.repeat(~gone, groups.found)
    sizes = groups.found[~gone]
    begins = np.cumsum(sizes) - sizes
    rest = _Groups(
        begins, groups.series[~gone], groups.hour[~gone], sizes, groups.expected[~gone],
        groups.holed[~gone],
    )  # fmt: skip
    return rest, samples.only(kept), last


def _log_combined(
    names: tuple[str, ...], groups: _Groups, moved: NDArray[np.bool_], rule: str, how: str,
    log: RepairLog,
) -> None:  # fmt: skip
    """Note the series whose rows were moved or combined, and hours that had too few of them."""
    for position in np.flatnonzero(moved):
        name, mine = names[position], np.flatnonzero(groups.series == position)
        span = groups.hour[mine[[0]]] * HOUR_S, (groups.hour[mine[[-1]]] + 1) * HOUR_S
        found = groups.found[mine]
        done = f"{how} by hour" if (found > 1).any() else "rows moved to their hour"
        log.add(rule, name, *span, np.array([found.sum()]), [done])
        few = mine[groups.holed[mine]]
        if how != "sum" and len(few):
            start = groups.hour[few] * HOUR_S
            words = [f"{how} of {groups.found[one]} of {groups.expected[one]} rows" for one in few]
            log.add(rule, name, start, start + HOUR_S, np.ones_like(start), words)


def _complete_sums(
    names: tuple[str, ...], groups: _Groups, value: Floats, source: DemandSource,
    faults: FaultList, log: RepairLog,
) -> Floats:  # fmt: skip
    """Sums of hours with too few samples are raised to all of them, if `gaps` may be filled."""
    share = np.where(groups.holed, groups.expected / groups.found, 1.0)
    for position in np.unique(groups.series[groups.holed]):
        few = np.flatnonzero(groups.holed & (groups.series == position))
        name, start = names[position], groups.hour[few] * HOUR_S
        if source.repair.gaps is None:
            fix = "hours lack rows, and with them their sum; add them, or repair: [gaps]"
            faults.faults.add(f"{faults.field} series {name}", f"{len(few)} hours", fix)
        done = [f"sum of {groups.found[one]} rows × {share[one]:.3g}" for one in few]
        log.add("gaps", name, start, start + HOUR_S, np.ones_like(start), done)
    return value * share
