"""Where the rows of a demand file belong in a dense demand, and every place that has none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.faults import SHOWN, FaultList, RowFaults
from planner.demand_tables.rows import REFUSED, SKIPPED, Rows

HOLE_FIX = "no row for this hour; add it, or write absent: zero"


@dataclass(frozen=True)
class Span:
    """First and last hour of a scenario, since 1970."""

    first: int
    last: int

    @property
    def hours(self) -> int:
        """Length."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Read as faults show it."""
        ends = (moment(hour).isoformat().replace("+00:00", "Z") for hour in (self.first, self.last))
        return " to ".join(ends)


@dataclass(frozen=True)
class Cells:
    """Places of a file's rows in a dense demand [series, scenario, hour], counted along it.

    Attributes:
        place: [row]; REFUSED where a row has none, SKIPPED where it is not asked for.
        spans: hours of each scenario that has rows, by its position.
        scenarios: how many there are.
        series: how many there are; 1 where a row has all.
    """

    place: NDArray[np.signedinteger]
    spans: dict[int, Span]
    scenarios: int
    series: int

    @property
    def whole(self) -> Span:
        """From the first hour of any scenario to the last of any."""
        spans = self.spans.values()
        return Span(min(span.first for span in spans), max(span.last for span in spans))

    @property
    def start(self) -> datetime:
        """First hour, UTC."""
        return moment(self.whole.first).to_pydatetime()

    @property
    def size(self) -> int:
        """Number of places."""
        return self.series * self.scenarios * self.whole.hours

    @property
    def is_complete(self) -> bool:
        """Whether every place has a row."""
        return bool(self.spans) and int(self._taken.sum()) - len(self.repeated) == self.size

    @cached_property
    def repeated(self) -> NDArray[np.intp]:
        """Rows whose place an earlier row has, counted from 0."""
        taken = self._taken
        # A byte per place shows quickly that no row is repeated, unless most places are empty.
        if self.spans and self.size <= 8 * len(taken):
            seen = np.zeros(self.size, dtype=bool)
            seen[self.place[taken]] = True
            if np.count_nonzero(seen) == np.count_nonzero(taken):
                return np.empty(0, dtype=np.intp)
        rows = np.flatnonzero(taken)
        again: NDArray[np.bool_] = pd.Index(self.place[rows]).duplicated()
        return np.compress(again, rows)

    @property
    def _taken(self) -> NDArray[np.bool_]:
        return self.place >= 0

    def hour(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Hours of these rows, since 1970."""
        return self.place[rows].astype(np.int64) % self.whole.hours + self.whole.first

    def scenario(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Positions of these rows' scenarios."""
        return self.place[rows].astype(np.int64) // self.whole.hours % self.scenarios

    def present(self, rows: NDArray[np.intp], span: Span) -> NDArray[np.bool_]:
        """Whether these rows, of one scenario, have a value, [series, hour of the span]."""
        present = np.zeros((self.series, span.hours), dtype=bool)
        series = self.place[rows] // (self.whole.hours * self.scenarios)
        present[series, self.hour(rows) - span.first] = True
        return present


def place_rows(rows: Rows, scenarios: int, series: int) -> Cells:
    """Places of rows in a demand of so many scenarios and series."""
    spans = _spans(rows, scenarios)
    if not spans:
        return Cells(np.where(rows.slot == SKIPPED, SKIPPED, REFUSED), spans, scenarios, series)
    first, last = min(s.first for s in spans.values()), max(s.last for s in spans.values())
    hours = last - first + 1
    size = scenarios * series * hours
    kind = np.int32 if size <= np.iinfo(np.int32).max else np.int64
    place: NDArray[np.signedinteger] = rows.slot * np.array(hours, dtype=kind)
    np.subtract(place, first, out=place)
    np.add(place, rows.hour, out=place)
    place[(rows.hour == REFUSED) | (rows.slot == REFUSED)] = REFUSED
    place[rows.slot == SKIPPED] = SKIPPED
    return Cells(place, spans, scenarios, series)


def _spans(rows: Rows, scenarios: int) -> dict[int, Span]:
    """Hours of each scenario that has rows, by its position."""
    first = np.full(scenarios, np.iinfo(np.int32).max, dtype=np.int32)
    last = np.full(scenarios, REFUSED, dtype=np.int32)
    # Piece by piece, for the memory.
    for begin in range(0, len(rows.slot), 2**20):
        piece = slice(begin, begin + 2**20)
        known = (rows.hour[piece] >= 0) & (rows.slot[piece] >= 0)
        scenario, hour = rows.slot[piece][known] % scenarios, rows.hour[piece][known]
        np.minimum.at(first, scenario, hour)
        np.maximum.at(last, scenario, hour)
    met = np.flatnonzero(last != REFUSED)
    return {int(place): Span(int(first[place]), int(last[place])) for place in met}


def report_repeated(cells: Cells, first_row: int, faults: FaultList) -> None:
    """Report rows whose place an earlier row has; ``first_row`` is the number of the first."""
    rows = cells.repeated
    found = RowFaults(faults)
    shown = map(moment, cells.hour(rows[:SHOWN])) if len(rows) else ()
    fix = faults.mended_by("this hour stands in an earlier row; keep one", "duplicates")
    found.refuse(rows + first_row, shown, "timestamp", fix)
    found.settle()


def report_holes(
    cells: Cells, scenarios: Sequence[str], series: Sequence[str], faults: FaultList
) -> None:
    """Report scenarios that span other hours than most, and hours missing within their spans.

    Without names in ``scenarios`` there is one future, and faults do not speak of it.
    """
    _report_spans(cells.spans, scenarios, faults)
    rows = np.setdiff1d(np.flatnonzero(cells.place >= 0), cells.repeated, assume_unique=True)
    scenario = cells.scenario(rows)
    found = np.bincount(scenario, minlength=cells.scenarios)
    for place, span in cells.spans.items():
        if found[place] < cells.series * span.hours:
            field = f"{faults.field} scenario {scenarios[place]}" if scenarios else faults.field
            present = cells.present(rows[scenario == place], span)
            _report_missing(present, span, series, field, faults)


def _report_spans(spans: dict[int, Span], scenarios: Sequence[str], faults: FaultList) -> None:
    ((most, _),) = Counter(spans.values()).most_common(1)
    for place, span in spans.items():
        if span != most:
            fix = f"give every scenario the same hours; most span {most}"
            faults.faults.add(f"{faults.field} scenario {scenarios[place]}", str(span), fix)


def _report_missing(
    present: NDArray[np.bool_], span: Span, series: Sequence[str], field: str, faults: FaultList
) -> None:
    everywhere = np.broadcast_to(present, (len(series), span.hours))
    for name, hours in zip(series, everywhere, strict=True):
        missing = span.first + np.flatnonzero(~hours)
        named: list[tuple[str, object]] = [
            (f"{field} series {name}", moment(hour)) for hour in missing[:SHOWN]
        ]
        faults.report(named, faults.mended_by(HOLE_FIX, "gaps"), total=len(missing))


def moment(hour: int) -> pd.Timestamp:
    """The hour so many after 1970, UTC."""
    return pd.Timestamp(int(hour), unit="h", tz="UTC")
