"""Rules on whole hours: edges, gaps and outliers, series by series."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.demand_tables import SHOWN, FaultList
from planner.demand_tables.clock import report_lost
from planner.demand_tables.faults import EDGE_FIX
from planner.history.grid import Grid
from planner.repairs.gaps import fill_gaps, find_gaps
from planner.repairs.outliers import clip_outliers
from planner.repairs.report import HOUR_S, RepairLog, moment
from planner.request import GapRepair, OutlierRepair

LONG_FIX = "a gap of {} hours; add rows, or allow it: repair: {{gaps: {{longest_hours: {}}}}}"


def mend_edges(grid: Grid, rule: str | None, faults: FaultList, log: RepairLog) -> Grid:
    """Series that begin later or end earlier than the grid: zero there, or the grid is trimmed."""
    spans = [grid.own_span(series) for series in range(len(grid.names))]
    hours = grid.values.shape[1]
    short = [place for place, span in enumerate(spans) if span != (0, hours)]
    if not short:
        return grid
    if rule is None:
        for place in short[:SHOWN]:
            ends = (_shown(grid.first + hour) for hour in spans[place])
            name = f"{faults.field} series {grid.names[place]}"
            whole = " to ".join(_shown(grid.first + hour) for hour in (0, hours))
            faults.faults.add(name, whole, EDGE_FIX.format(*ends))
        return grid
    if rule == "trim":
        return _trimmed(grid, spans, faults, log)
    values = grid.values.copy()
    for place in short:
        begin, end = spans[place]
        outside = np.concatenate((np.arange(begin), np.arange(end, hours)))
        values[place, outside] = 0.0
        log.add_hours("edges", grid.names[place], grid.first, outside, "set to 0")
    return replace(grid, values=values)


def _trimmed(
    grid: Grid, spans: Sequence[tuple[int, int]], faults: FaultList, log: RepairLog
) -> Grid:
    begin, end = max(first for first, _ in spans), min(last for _, last in spans)
    if begin >= end:
        faults.stop("no hour common to all series", "use edges: zero, or fewer series")
    hours = grid.values.shape[1]
    outside = np.concatenate((np.arange(begin), np.arange(end, hours)))
    for place, name in enumerate(grid.names):
        known = outside[~np.isnan(grid.values[place, outside])]
        log.add_hours("edges", name, grid.first, known, "left out: not common to all series")
    return replace(grid, first=grid.first + begin, values=grid.values[:, begin:end])


def mend_gaps(
    grid: Grid, rule: GapRepair | None, zone: str | None, faults: FaultList, log: RepairLog
) -> Grid:
    """Hours without a value inside a series."""
    if not np.isnan(grid.values).any():
        return grid
    values = grid.values.copy()
    for place, name in enumerate(grid.names):
        begins, ends = find_gaps(values[place])
        field = f"{faults.field} series {name}"
        if rule is None:
            lost = np.concatenate(
                [np.arange(a, b) for a, b in zip(begins, ends, strict=True)] or [begins]
            )
            report_lost(grid.first + lost, zone, field, faults.hole_fix, faults)
            continue
        for begin, end in zip(begins, ends, strict=True):
            if end - begin > rule.longest_hours:
                fix = LONG_FIX.format(end - begin, end - begin)
                faults.faults.add(field, _shown(grid.first + begin), fix)
        _fill(values[place], name, grid.first, log)
    return replace(grid, values=values)


def _fill(values: NDArray[np.float64], name: str, first: int, log: RepairLog) -> None:
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return
    own = slice(known[0], known[-1] + 1)
    filled = fill_gaps(values[own])
    values[own] = filled.values
    begins, ends = (first + known[0] + filled.begins), (first + known[0] + filled.ends)
    counts = ends - begins
    done = [
        _words(int(weeks), int(count)) for weeks, count in zip(filled.by_weeks, counts, strict=True)
    ]
    log.add("gaps", name, begins * HOUR_S, ends * HOUR_S, counts, done)


def _words(by_weeks: int, count: int) -> str:
    if not by_weeks:
        return "interpolated"
    if by_weeks == count:
        return "same hours of neighbouring weeks"
    return f"same hours of neighbouring weeks, {count - by_weeks} interpolated"


def mend_outliers(grid: Grid, rule: OutlierRepair | None, log: RepairLog) -> Grid:
    """Values far from the same hour of other weeks; hours outside a series' own span stay 0."""
    if rule is None:
        return grid
    values = grid.values.copy()
    for place, name in enumerate(grid.names):
        used = np.flatnonzero(values[place])
        if not len(used):
            continue
        own = slice(used[0], used[-1] + 1)
        clipped = clip_outliers(values[place, own], rule.band)
        changed = np.flatnonzero(clipped != values[place, own]) + used[0]
        values[place, own] = clipped
        log.add_hours("outliers", name, grid.first, changed, "clipped to the band of its weeks")
    return replace(grid, values=values)


def _shown(hour: int) -> str:
    return moment(hour * HOUR_S).isoformat().replace("+00:00", "Z")
