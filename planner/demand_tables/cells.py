"""Where the rows of a demand file belong in a dense demand, and every place that has none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand_tables.clock import doubled_fixes, report_lost
from planner.demand_tables.faults import EDGE_FIX, SHOWN, FaultList, RowFaults, hour_stamp
from planner.demand_tables.rows import REFUSED, SKIPPED, Rows


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
        return f"{_shown(self.first)} to {_shown(self.last)}"


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
        return hour_stamp(self.whole.first).to_pydatetime()

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


def report_repeated(cells: Cells, first_row: int, zone: str | None, faults: FaultList) -> None:
    """Report rows whose place an earlier row has; ``first_row`` is the number of the first."""
    rows, hours = cells.repeated, cells.hour(cells.repeated)
    found = RowFaults(faults)
    fix = faults.mended_by("this hour stands in an earlier row; keep one", "duplicates")
    fixes = doubled_fixes(hours, zone, fix) if faults.mends else {fix: rows >= 0}
    for one, places in fixes.items():
        shown = map(hour_stamp, hours[places][:SHOWN])
        found.refuse(rows[places] + first_row, shown, "timestamp", one)
    found.settle()


def report_holes(
    cells: Cells, scenarios: Sequence[str], series: Sequence[str], zone: str | None,
    faults: FaultList,
) -> None:  # fmt: skip
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
            everywhere = np.broadcast_to(present, (len(series), span.hours))
            for name, known in zip(series, everywhere, strict=True):
                _report_missing(known, span, zone, f"{field} series {name}", faults)


def _report_spans(spans: dict[int, Span], scenarios: Sequence[str], faults: FaultList) -> None:
    ((most, _),) = Counter(spans.values()).most_common(1)
    for place, span in spans.items():
        if span != most:
            fix = f"give every scenario the same hours; most span {most}"
            faults.faults.add(f"{faults.field} scenario {scenarios[place]}", str(span), fix)


def _report_missing(
    known: NDArray[np.bool_], span: Span, zone: str | None, field: str, faults: FaultList
) -> None:
    """Report the hours of a span at which a series is not known [hour]."""
    missing = span.first + np.flatnonzero(~known)
    if faults.mends and known.any():
        at = span.first + np.flatnonzero(known)
        own = Span(int(at[0]), int(at[-1]))
        if own != span:
            fix = EDGE_FIX.format(_shown(own.first), _shown(own.last + 1))
            faults.faults.add(field, f"{_shown(span.first)} to {_shown(span.last + 1)}", fix)
        missing = missing[(missing > own.first) & (missing < own.last)]
    report_lost(missing, zone, field, faults.hole_fix, faults)


def _shown(hour: int) -> str:
    return hour_stamp(hour).isoformat().replace("+00:00", "Z")
