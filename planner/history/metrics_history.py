"""The history that a server of metrics holds, hour by hour."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from catalogs.imports.downloading import Limits
from planner.demand_tables import FaultList
from planner.history.hourly import make_hourly
from planner.history.kubernetes import kubernetes_queries
from planner.history.prometheus import LARGEST_MIB, Range, RangeReader
from planner.history.samples import Samples
from planner.repairs.report import HOUR_S, Repair, RepairLog
from planner.request import DemandSource, MetricsServer

Floats = NDArray[np.float64]

_NUMBERS_NONE = -1


def read_metrics_history(
    source: DemandSource, names: set[str], *, folder: Path, now: datetime,
    limits: Limits = Limits(largest_mib=LARGEST_MIB),  # noqa: B008 - frozen
) -> tuple[datetime, dict[str, Floats], tuple[Repair, ...]]:  # fmt: skip
    """First hour (UTC), the named series [hour], and what was mended in them.

    A value of a step of an hour is that of the hour it stands at (``stamp: end``: the hour before
    it); values of shorter steps are combined, by their mean if the source does not say how. The
    hour of ``now`` is not over, and so left out.

    Raises:
        InvalidInputError: unknown series, a query without any value, and every hour without one
            that no rule mends; a `MetricsError`: the server cannot be read whole.
    """
    if source.prometheus is not None:
        server: MetricsServer = source.prometheus
        field, queries = "demand.prometheus", _chosen(source.prometheus.queries, names)
    elif source.kubernetes is not None:
        server = source.kubernetes
        field, queries = "demand.kubernetes", kubernetes_queries(source.kubernetes, names)
    else:
        raise ValueError("the demand is in no server of metrics")
    log = RepairLog()
    first, last = _span(server, now, field, sorted(names), log)
    reader = RangeReader(server, field, folder, limits)
    step = server.step_seconds
    shift = step if source.stamp == "end" else 0
    found = reader.read(queries, first * HOUR_S + shift, last * HOUR_S - step + shift)
    faults = FaultList(field, source)
    combined = source.resample or "mean" if step < HOUR_S else source.resample
    source = source.model_copy(update={"resample": combined})
    hourly = make_hourly(_samples(found, shift), source, faults, log, within=(first, last))
    faults.faults.raise_if_any()
    return hourly.start, hourly.series(), tuple(log.repairs)


def _chosen(queries: Mapping[str, str], names: set[str]) -> dict[str, str]:
    faults = Faults()
    for name in sorted(names - queries.keys()):
        known = ", ".join(sorted(queries))
        faults.add("demand.prometheus.queries", name, f"no such series; it has {known}")
    faults.raise_if_any()
    return {name: queries[name] for name in sorted(names)}


def _span(
    server: MetricsServer, now: datetime, field: str, names: list[str], log: RepairLog
) -> tuple[int, int]:
    """First and last hour (exclusive) to read, since 1970; an hour that runs yet is left out."""
    running = int(now.timestamp()) // HOUR_S
    first = int(server.start.timestamp()) // HOUR_S
    end = running if server.end is None else int(server.end.timestamp()) // HOUR_S
    last = min(end, running)
    if last <= first:
        faults = Faults()
        faults.add(f"{field}.start", server.start.isoformat(), "no hour after it is over yet")
        faults.raise_if_any()
    if server.end is None or last < end:
        at = np.array([last * HOUR_S])
        until = np.array([max(end, last + 1) * HOUR_S])
        for name in names:
            done = ["left out: not over yet"]
            log.add("partial_last_hour", name, at, until, (until - at) // HOUR_S, done)
    return first, last


def _samples(found: Mapping[str, Range], shift: int) -> Samples:
    """The samples of all series, each at the beginning of what it is about."""
    names = tuple(sorted(found))
    sizes = [len(found[name][0]) for name in names]
    return Samples(
        names,
        (*names, "timestamp"),
        np.repeat(np.arange(len(names), dtype=np.int32), sizes),
        np.concatenate([found[name][0] for name in names]) - shift,
        np.concatenate([found[name][1] for name in names]),
        np.full(sum(sizes), _NUMBERS_NONE, dtype=np.int64),
    )
