"""From samples of any distance to whole hours: each rule in its turn, each fault without one."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from planner.demand_tables import LARGEST, VALUE_FIX, FaultList
from planner.demand_tables.clock import doubled_fixes
from planner.history.grid import Grid
from planner.history.hours import hours_of_counters, hours_of_samples
from planner.history.mending import mend_edges, mend_gaps, mend_outliers
from planner.history.samples import SampleFaults, Samples
from planner.repairs.duplicates import combine
from planner.repairs.report import HOUR_S, RepairLog, moment
from planner.request import DemandSource

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hourly:
    """Whole hours without gaps.

    Attributes:
        start: first hour, UTC.
        names: of the series.
        values: [series, hour].
    """

    start: datetime
    names: tuple[str, ...]
    values: Floats

    def series(self) -> dict[str, Floats]:
        """Values [hour] by series."""
        return dict(zip(self.names, self.values, strict=True))


def make_hourly(
    samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog,
    within: tuple[int, int] | None = None,
) -> Hourly:  # fmt: skip
    """The hours of samples that stand in order.

    Args:
        samples: of every series.
        source: says what to make of them, and which rules mend them.
        faults: where to report what no rule mends.
        log: where to note what rules do.
        within: first and last hour (exclusive) since 1970 that are asked for; from the first
            sample to the last when absent.

    Raises:
        InvalidInputError: with every fault of the first step that finds any.
    """
    rules = source.repair
    samples = _mend_negatives(samples, rules.negatives, faults, log)
    samples = _leave_out_blanks(samples, source, faults, log)
    samples = _mend_duplicates(samples, source, faults, log)
    faults.faults.raise_if_any()
    _need_samples(samples, source, faults)
    grid = (
        hours_of_counters(samples, source, faults, log)
        if source.counters
        else hours_of_samples(samples, source, faults, log)
    )
    faults.faults.raise_if_any()
    grid = grid if within is None else grid.within(*within)
    if source.absent == "zero":
        grid = replace(grid, values=np.nan_to_num(grid.values, nan=0.0))
    grid = mend_edges(grid, rules.edges, faults, log)
    grid = mend_gaps(grid, rules.gaps, source.timezone, faults, log)
    faults.faults.raise_if_any()
    grid = mend_outliers(grid, rules.outliers, log)
    _check_largest(grid, faults)
    return Hourly(moment(grid.first * 3600), samples.names, grid.values)


def _mend_negatives(
    samples: Samples, rule: str | None, faults: FaultList, log: RepairLog
) -> Samples:
    found = SampleFaults(samples, faults)
    found.refuse(np.isinf(samples.value) | (samples.value > LARGEST), VALUE_FIX)
    bad = (samples.value < 0) & ~np.isinf(samples.value)
    if not bad.any():
        return samples
    if rule is None:
        found.refuse(bad, f"{VALUE_FIX}, or repair: [negatives]")
        return samples
    done = "set to 0" if rule == "zero" else "taken for lost"
    _log_samples("negatives", samples, bad, done, log)
    value = samples.value.copy()
    value[bad] = 0.0 if rule == "zero" else np.nan
    return replace(samples, value=value)


def _leave_out_blanks(
    samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog
) -> Samples:
    """Samples without a value are none; their hours are gaps, or outside of the history."""
    blank = np.isnan(samples.value)
    if source.repair.gaps is None and source.absent == "fault":
        SampleFaults(samples, faults).refuse(blank, faults.blank_fix)
    known = samples.second[~blank]
    if len(known):
        outside = (samples.second < known.min()) | (samples.second > known.max())
        _log_samples("gaps", samples, outside, "left out: blank before or after all values", log)
    return samples.only(~blank)


def _mend_duplicates(
    samples: Samples, source: DemandSource, faults: FaultList, log: RepairLog
) -> Samples:
    first, rule = samples.begins(), source.repair.duplicates
    if first.all():
        return samples
    if rule is None:
        fix = "this moment stands in an earlier row; keep one, or repair: [duplicates]"
        fixes = doubled_fixes(samples.second[~first] // HOUR_S, source.timezone, fix)
        for one, places in fixes.items():
            again = np.flatnonzero(~first)[places]
            bad = np.isin(np.arange(len(first)), again)
            SampleFaults(samples, faults).refuse(bad, one, timestamp=True)
        return samples
    begins = np.flatnonzero(first)
    value = combine(samples.value, begins, rule)
    words = {"mean": "mean of its rows taken", "sum": "its rows added", "last": "last row taken"}
    _log_samples("duplicates", samples, ~first, words[rule], log)
    return replace(samples.only(first), value=value)


def _log_samples(
    rule: str, samples: Samples, mended: NDArray[np.bool_], done: str, log: RepairLog
) -> None:
    """Note samples, series by series, those at one moment together."""
    for name, part in zip(samples.names, samples.slices(), strict=True):
        seconds, counts = np.unique(samples.second[part][mended[part]], return_counts=True)
        log.add(rule, name, seconds, seconds + 1, counts, [done] * len(seconds))


def _need_samples(samples: Samples, source: DemandSource, faults: FaultList) -> None:
    found = np.bincount(samples.series, minlength=len(samples.names))
    for name, count in zip(samples.names, found, strict=True):
        if not count and (source.absent == "fault" or not found.any()):
            fix = "has no value at all; check what it is read from"
            faults.faults.add(f"{faults.field} series", name, fix)
    faults.faults.raise_if_any()


def _check_largest(grid: Grid, faults: FaultList) -> None:
    """Sums of samples may pass what an hour's demand may be."""
    if (grid.values > LARGEST).any():
        faults.stop(f"{grid.values.max():.3g} in an hour", VALUE_FIX)
