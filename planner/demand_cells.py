"""The values of a demand file at their places, and every place that has none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_table import SHOWN, FaultList

HOLE_FIX = "no row for this hour; add it (or write absent: zero)"


@dataclass(frozen=True)
class Cells:
    """Values of a demand file; arrays [cell] of one length, no place twice.

    Attributes:
        scenario: position among the scenarios.
        series: position among the series.
        hour: hours since 1970, UTC.
        value: demand, in the series' own unit.
    """

    scenario: NDArray[np.intp]
    series: NDArray[np.intp]
    hour: NDArray[np.int64]
    value: NDArray[np.float64]

    @property
    def start(self) -> datetime:
        """First hour, UTC."""
        return _moment(self.hour.min()).to_pydatetime()

    def dense(self, scenarios: int, series: int) -> NDArray[np.float64]:
        """Values [series, scenario, hour] from the first hour to the last; 0 where none is."""
        first = self.hour.min()
        values = np.zeros((series, scenarios, self.hour.max() - first + 1))
        values[self.series, self.scenario, self.hour - first] = self.value
        return values


@dataclass(frozen=True)
class _Span:
    """First and last hour of a scenario, since 1970."""

    first: int
    last: int

    @property
    def hours(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        ends = (
            _moment(hour).isoformat().replace("+00:00", "Z") for hour in (self.first, self.last)
        )
        return " to ".join(ends)


def report_holes(
    cells: Cells, scenarios: Sequence[str], series: Sequence[str], faults: FaultList
) -> None:
    """Report scenarios that span other hours than most, and hours missing within their spans.

    Without names in ``scenarios`` there is one future, and faults do not speak of it.
    """
    grouped = pd.Series(cells.hour).groupby(cells.scenario).agg(["min", "max", "size"])
    spans = {place: _Span(first, last) for place, first, last, _ in grouped.itertuples()}
    _report_spans(spans, scenarios, faults)
    for place, _, _, size in grouped.itertuples():
        if size < len(series) * spans[place].hours:
            field = f"{faults.field} scenario {scenarios[place]}" if scenarios else faults.field
            present = _present(cells, place, spans[place], len(series))
            _report_missing(present, spans[place], series, field, faults)


def _report_spans(spans: dict[int, _Span], scenarios: Sequence[str], faults: FaultList) -> None:
    ((most, _),) = Counter(spans.values()).most_common(1)
    for place, span in spans.items():
        if span != most:
            fix = f"give every scenario the same hours; most span {most}"
            faults.faults.add(f"{faults.field} scenario {scenarios[place]}", str(span), fix)


def _present(cells: Cells, scenario: int, span: _Span, series: int) -> NDArray[np.bool_]:
    """Whether a scenario has a value, [series, hour of its span]."""
    of_scenario = cells.scenario == scenario
    present = np.zeros((series, span.hours), dtype=bool)
    present[cells.series[of_scenario], cells.hour[of_scenario] - span.first] = True
    return present


def _report_missing(
    present: NDArray[np.bool_], span: _Span, series: Sequence[str], field: str, faults: FaultList
) -> None:
    for name, hours in zip(series, present, strict=True):
        missing = span.first + np.flatnonzero(~hours)
        named: list[tuple[str, object]] = [
            (f"{field} series {name}", _moment(hour)) for hour in missing[:SHOWN]
        ]
        faults.report(named, HOLE_FIX, total=len(missing))


def _moment(hour: int) -> pd.Timestamp:
    return pd.Timestamp(int(hour), unit="h", tz="UTC")
