"""Demand: hourly series in the workloads' own units, wherever they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand_file import read_series
from planner.demand_table import LARGEST, SHOWN, VALUE_FIX
from planner.request import DemandSource, InlineDemand, PlanRequest

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Demand:
    """Hourly series over one span, without gaps.

    Attributes:
        start: first hour, UTC.
        series: values [hour] by series name; every array has the same length.
    """

    start: datetime
    series: Mapping[str, NDArray[np.float64]]

    @property
    def hours(self) -> int:
        """Length of the span."""
        return len(next(iter(self.series.values())))

    @property
    def end(self) -> datetime:
        """First hour after the span."""
        return self.start + self.hours * HOUR

    def between(self, start: datetime, hours: int) -> "Demand":
        """The part of the span from ``start`` on; the caller has checked that it lies inside."""
        first = (start - self.start) // HOUR
        return Demand(start, {k: v[first : first + hours] for k, v in self.series.items()})


def read_demand(
    source: DemandSource, names: set[str], *, folder: Path, examples: Path | None = None
) -> Demand:
    """The named series from the request's demand source.

    Args:
        source: where the demand is.
        names: the series the workloads need; others are left unread.
        folder: what a relative file path is relative to.
        examples: the folder of named examples, each ``NAME/demand.csv``.

    Raises:
        InvalidInputError: with every fault of the source (rows of files by their number).
    """
    if source.inline is not None:
        return _inline(source.inline, names)
    if source.example is not None:
        file, field = _example(source.example, examples), "demand.example"
    else:
        file, field = folder / (source.file or ""), "demand.file"
    start, series = read_series(file, source, names, field)
    return Demand(start, series)


def inline_demand(request: PlanRequest, *, folder: Path) -> PlanRequest:
    """The same request with the series its workloads need written inside it.

    Raises:
        InvalidInputError: with every fault of the demand.
    """
    names = {name for workload in request.workloads for name in workload.series_names}
    demand = read_demand(request.demand, names, folder=folder)
    series = {name: values.tolist() for name, values in sorted(demand.series.items())}
    source = DemandSource(inline=InlineDemand(start=demand.start, series=series))
    return request.model_copy(update={"demand": source})


def example_names(examples: Path | None) -> list[str]:
    """Names of the examples in a folder."""
    if examples is None:
        return []
    return sorted(path.parent.name for path in examples.glob("*/demand.csv"))


def _example(name: str, examples: Path | None) -> Path:
    known = example_names(examples)
    if examples is None or name not in known:
        faults = Faults()
        faults.add("demand.example", name, f"no such example; there are: {', '.join(known) or '-'}")
        faults.raise_if_any()
    return Path(examples or "") / name / "demand.csv"


def _inline(inline: InlineDemand, names: set[str]) -> Demand:
    faults = Faults()
    for name in sorted(names - inline.series.keys()):
        known = ", ".join(sorted(inline.series))
        faults.add("demand.inline.series", name, f"no such series; it has {known}")
    series = {
        name: np.array(inline.series[name], dtype=float) for name in names & inline.series.keys()
    }
    lengths = {name: len(values) for name, values in series.items()}
    longest = max(lengths.values(), default=0)
    for name, values in sorted(series.items()):
        field = f"demand.inline.series.{name}"
        if len(values) < longest or not longest:
            faults.add(
                field,
                f"{len(values)} hours",
                f"give every series the same {longest or 1} hours or more",
            )
        bad = np.flatnonzero(~((values >= 0) & (values <= LARGEST)))
        for hour in bad[:SHOWN]:
            faults.add(f"{field}.{hour}", float(values[hour]), VALUE_FIX)
        if len(bad) > SHOWN:
            faults.add(field, f"{len(bad) - SHOWN} more such hours", "mend them alike")
    faults.raise_if_any()
    return Demand(inline.start.astimezone(UTC), series)
