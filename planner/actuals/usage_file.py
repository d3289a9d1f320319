"""What really ran, from a demand file: workloads' own series, or machines of theirs by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from catalogs.faults import collected
from planner.demand_tables import (
    SHOWN,
    DemandTable,
    FaultList,
    NameColumn,
    is_long,
    open_table,
    read_series,
)
from planner.problem import Problem
from planner.request import DemandSource
from planner.successors import is_moved

Floats = NDArray[np.float64]

FIELD = "usage"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class ActualUsage:
    """What ran in some hours of a plan's horizon.

    Attributes:
        first: hour of the horizon at which it begins.
        needs: series [hour] of every workload, in the order of its `series_names`.
        machines: machines that ran [hour] by candidate, of the workloads told by machine.
        notes: what of the file lies outside the horizon.
        warnings: series that the file lacks, where that means zero, and those that nobody reads.
    """

    first: int
    needs: tuple[tuple[Floats, ...], ...]
    machines: Mapping[int, Floats]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def hours(self) -> int:
        """Hours inside the horizon."""
        return len(self.needs[0][0])


def usage_source(demand: DemandSource, file: Path, *, absent_zero: bool = False) -> DemandSource:
    """A file read as a request's own demand; nothing ran in hours without a row, if so said."""
    return DemandSource(
        file=file,
        timezone=demand.timezone,
        columns=demand.columns,
        where=demand.where,
        absent="zero" if absent_zero else demand.absent,
    )


def machine_name(problem: Problem, position: int) -> str:
    """How a usage file names machines of a workload: ``web/m7g.large/us-east-1``."""
    candidate = problem.candidates[position]
    parts = [
        problem.request.workloads[candidate.workload].name,
        candidate.machine.instance_type,
        candidate.machine.region,
        *(["spot"] if candidate.machine.is_spot else []),
    ]
    return "/".join(parts)


def read_usage(future: Problem, source: DemandSource) -> ActualUsage:
    """The usage in a file, cut to the horizon of a plan's future.

    Raises:
        InvalidInputError: with every fault of the file; workloads it lacks, machines the plan
            does not know, no hour inside the horizon.
    """
    faults, file = FaultList(FIELD, source), Path(source.file or "")
    table = open_table(file, source, faults)
    given = _names_in(table, source)
    machines = _machines_named(future, given, faults.faults)
    told = {future.candidates[position].workload for position in machines}
    wanted = {machine_name(future, position) for position in machines}
    for position, workload in enumerate(future.request.workloads):
        names = set(workload.series_names)
        wanted |= names if position not in told or names <= given else set()
    moved = _left_their_family(future) - given
    wanted -= moved
    idle = set[str]()
    if source.absent == "zero" and is_long(table, source) and wanted & given:
        idle = wanted - given
    read = collected(faults.faults, lambda: read_series(file, source, wanted - idle, {}, FIELD))
    faults.faults.raise_if_any()
    start, series = read if read is not None else (future.calendar.start, {})
    hours = len(next(iter(series.values())))
    series |= {name: np.zeros(hours) for name in idle | moved}
    return _cut(future, start, series, machines, _warnings(idle, given - wanted))


def _left_their_family(future: Problem) -> set[str]:
    """Series that a plan's futures alone have: usage that may leave its machines' family."""
    moved = filter(is_moved, future.request.workloads)
    return {name for workload in moved for name in workload.series_names}


def _names_in(table: DemandTable, source: DemandSource) -> set[str]:
    """Names of the series in a file, in the rows that `where` keeps."""
    columns = source.columns
    if not is_long(table, source):
        return set(table.columns) - {columns.timestamp, columns.scenario, *source.where}
    found = NameColumn([])
    filters = {column: NameColumn([str(value)]) for column, value in source.where.items()}
    for piece in table.names([columns.workload, *filters]):
        kept = piece[columns.workload].notna().to_numpy()
        for column, value in filters.items():
            kept = kept & (value.positions(piece[column]) == 0)
        found.positions(piece[columns.workload][kept])
    return set(found.found)


def _machines_named(future: Problem, given: set[str], faults: Faults) -> tuple[int, ...]:
    """Candidates that the file counts; of a workload it counts one of, all."""
    if future.request.whole_machines:
        return ()
    names = [machine_name(future, position) for position in range(len(future.candidates))]
    own = {name for workload in future.request.workloads for name in workload.series_names}
    counted: set[int] = set()
    for position, workload in enumerate(future.request.workloads):
        mine = {names[one] for one in future.candidates_of(position)}
        for name in sorted(given - own - mine):
            if name.startswith(f"{workload.name}/"):
                faults.add(FIELD, name, f"no such machine; the plan has {', '.join(sorted(mine))}")
        if given & (mine - own):
            counted.add(position)
    return tuple(
        position
        for position, name in enumerate(names)
        if future.candidates[position].workload in counted and name in given
    )


def _warnings(idle: set[str], unread: set[str]) -> tuple[str, ...]:
    found = []
    if idle:
        found.append(f"usage: no row of {_listed(idle)}; taken as nothing that ran")
    if unread:
        listed = _listed(unread)
        found.append(f"usage: no workload of the plan reads {listed}; it is not in this bill")
    return tuple(found)


def _listed(names: set[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*sorted(names)[:SHOWN], *more])


def _cut(
    future: Problem,
    start: datetime,
    series: Mapping[str, Floats],
    machines: tuple[int, ...],
    warnings: tuple[str, ...],
) -> ActualUsage:
    """The hours inside the horizon."""
    hours, offset = len(next(iter(series.values()))), future.calendar.hour_of(start)
    first, last = max(offset, 0), min(offset + hours, future.calendar.hours)
    if first >= last:
        faults = Faults()
        horizon = f"{future.calendar.start:%Y-%m-%d %H:%M} to {future.calendar.end:%Y-%m-%d %H:%M}"
        shown = f"{start:%Y-%m-%d %H:%M} to {start + hours * HOUR:%Y-%m-%d %H:%M}"
        faults.add(FIELD, shown, f"lies outside the plan's horizon, {horizon}")
        faults.raise_if_any()
    inside = slice(first - offset, last - offset)
    cut = {name: values[inside] for name, values in series.items()}
    counted = {position: cut[machine_name(future, position)] for position in machines}
    outside = hours - (last - first)
    note = f"usage: {outside} of its hours lie outside the plan's horizon and are not billed"
    return ActualUsage(
        first=first,
        needs=tuple(
            _needs(future, position, cut, counted)
            for position in range(len(future.request.workloads))
        ),
        machines=counted,
        notes=(note,) if outside else (),
        warnings=warnings,
    )


def _needs(
    future: Problem, workload: int, series: Mapping[str, Floats], machines: Mapping[int, Floats]
) -> tuple[Floats, ...]:
    """A workload's own series; where the file has none, what its machines can serve."""
    names = future.request.workloads[workload].series_names
    if all(name in series for name in names):
        return tuple(series[name] for name in names)
    mine = [position for position in machines if future.candidates[position].workload == workload]
    needs = [future.candidates[position].needs for position in mine]
    return tuple(
        np.sum([machines[p] * of[one][1] for p, of in zip(mine, needs, strict=True)], axis=0)
        for one in range(len(names))
    )
