"""Demand: hourly series in the workloads' own units, wherever they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand_tables import read_inline, read_series
from planner.demand_tables.hours import ZONE_FIX, find_zone
from planner.history import read_file_history, read_metrics_history
from planner.repairs import Repair
from planner.request import DemandSource, InlineDemand, PlanRequest

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Scenario:
    """One possible future; the probabilities of a demand's scenarios sum to 1."""

    name: str
    probability: float


FORECAST = (Scenario("forecast", 1.0),)
"""The one future of a demand without scenarios."""


@dataclass(frozen=True)
class Demand:
    """Hourly series over one span, without gaps, in one or several possible futures.

    Attributes:
        start: first hour, UTC.
        series: values [moment] by series name; every array has the same length. Moments are the
            hours of the first scenario, then those of the second, and so on.
        scenarios: the possible futures, in the order of the moments.
        repairs: what was mended in the rows it comes from.
    """

    start: datetime
    series: Mapping[str, NDArray[np.float64]]
    scenarios: tuple[Scenario, ...] = FORECAST
    repairs: tuple[Repair, ...] = ()

    @property
    def hours(self) -> int:
        """Length of the span, the same for every scenario."""
        return len(next(iter(self.series.values()))) // len(self.scenarios)

    @property
    def end(self) -> datetime:
        """First hour after the span."""
        return self.start + self.hours * HOUR

    def between(self, start: datetime, hours: int) -> "Demand":
        """The part of the span from ``start`` on; the caller has checked that it lies inside."""
        first = (start - self.start) // HOUR
        shape = (len(self.scenarios), self.hours)
        cut = {
            name: values.reshape(shape)[:, first : first + hours].ravel()
            for name, values in self.series.items()
        }
        return Demand(start, cut, self.scenarios, self.repairs)

    def future(self, position: int) -> "Demand":
        """One scenario by its position, taken as certain; its series are views of these."""
        moments = slice(position * self.hours, (position + 1) * self.hours)
        certain = Scenario(self.scenarios[position].name, 1.0)
        series = {name: values[moments] for name, values in self.series.items()}
        return Demand(self.start, series, (certain,), self.repairs)


def read_demand(
    source: DemandSource,
    names: set[str],
    *,
    folder: Path,
    scenarios: Mapping[str, float] | None = None,
    examples: Path | None = None,
    now: datetime | None = None,
) -> Demand:
    """The named series from the request's demand source.

    Args:
        source: where the demand is.
        names: the series the workloads need; others are left unread.
        folder: what a relative file path is relative to.
        scenarios: probability of each scenario by name, in the order wanted; None for one future.
        examples: the folder of named examples, each ``NAME/demand.csv``.
        now: of its hour and later ones a server of metrics knows nothing yet; the present when
            absent.

    Raises:
        InvalidInputError: with every fault of the source (rows of files by their number); a
            `MetricsError` where a server of metrics cannot be read.
    """
    futures = tuple(Scenario(*one) for one in (scenarios or {}).items()) or FORECAST
    if source.inline is not None:
        _check_zone(source.timezone)
        start, series = read_inline(source.inline, names, scenarios or {})
        return Demand(start, series, futures)
    if source.is_history or source.prometheus or source.kubernetes:
        _refuse_scenarios(scenarios)
    if source.prometheus or source.kubernetes:
        moment = now or datetime.now(UTC)
        start, series, repairs = read_metrics_history(source, names, folder=folder, now=moment)
        return Demand(start, series, futures, repairs)
    if source.example is not None:
        file, field = _example(source.example, examples), "demand.example"
    else:
        file, field = folder / (source.file or ""), "demand.file"
    if source.is_history:
        start, series, repairs = read_file_history(file, source, names, field)
        return Demand(start, series, futures, repairs)
    start, series = read_series(file, source, names, scenarios or {}, field)
    return Demand(start, series, futures)


def _check_zone(name: str | None) -> None:
    """Refuse a zone there is none of: that of inline series is read by forecasts alone."""
    faults = Faults()
    if name is not None and find_zone(name) is None:
        faults.add("demand.timezone", name, ZONE_FIX)
    faults.raise_if_any()


def _refuse_scenarios(scenarios: Mapping[str, float] | None) -> None:
    faults = Faults()
    if scenarios:
        fix = "a history that is mended is one past, without scenarios; take out one of the two"
        faults.add("scenarios", ", ".join(scenarios), fix)
    faults.raise_if_any()


def inline_demand(request: PlanRequest, *, folder: Path) -> PlanRequest:
    """The same request with the series its workloads need written inside it.

    Raises:
        InvalidInputError: with every fault of the demand.
    """
    names = {name for workload in request.workloads for name in workload.series_names}
    demand = read_demand(request.demand, names, folder=folder, scenarios=request.scenarios)
    futures = {
        scenario.name: _written(demand.future(position))
        for position, scenario in enumerate(demand.scenarios)
    }
    inline = (
        InlineDemand(start=demand.start, series=_written(demand))
        if request.scenarios is None
        else InlineDemand(start=demand.start, scenarios=futures)
    )
    # A forecast of it follows the same days as one of the rows it was read from.
    zone = request.demand.timezone
    written = {"inline": inline} if zone is None else {"inline": inline, "timezone": zone}
    return request.model_copy(update={"demand": DemandSource.model_validate(written)})


def _written(demand: Demand) -> dict[str, list[float]]:
    return {name: values.tolist() for name, values in sorted(demand.series.items())}


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
