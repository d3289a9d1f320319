"""Samples: what rows of a file or a server say, series by series in order of time."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.demand_tables import SHOWN, FaultList
from planner.repairs.report import moment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Values of several series at moments of any distance; arrays [sample].

    Attributes:
        names: of the series, by position.
        columns: where a file has the values of each series, and its timestamps stand last.
        series: position of the series; ascends.
        second: since 1970, UTC; ascends within a series.
        value: NaN where the row has none.
        row: its number in the file; -1 on servers, which number none.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    series: NDArray[np.int32]
    second: Ints
    value: Floats
    row: Ints

    def only(self, kept: NDArray[np.bool_]) -> "Samples":
        """Some of the samples."""
        if kept.all():
            return self
        part = {name: getattr(self, name)[kept] for name in ("series", "second", "value", "row")}
        return replace(self, **part)

    def in_order(self) -> "Samples":
        """The same by series, then moment, then row."""
        step = np.diff(self.second)
        same = np.diff(self.series)
        if bool(((same > 0) | ((same == 0) & (step >= 0))).all()):
            return self
        # Stable, and rows come as the file has them.
        order = np.lexsort((self.second, self.series))
        parts = (self.series[order], self.second[order], self.value[order], self.row[order])
        return Samples(self.names, self.columns, *parts)

    def slices(self) -> list[slice]:
        """The samples of each series, by its position."""
        ends = np.searchsorted(self.series, np.arange(len(self.names)), side="right")
        begins = np.concatenate(([0], ends[:-1]))
        return [slice(int(a), int(b)) for a, b in zip(begins, ends, strict=True)]

    def begins(self) -> NDArray[np.bool_]:
        """Whether each sample's moment is another than that of the sample before [sample]."""
        first = np.ones(len(self.second), dtype=bool)
        first[1:] = (np.diff(self.series) != 0) | (np.diff(self.second) != 0)
        return first


class SampleFaults:
    """Reports samples that no rule mends."""

    def __init__(self, samples: Samples, faults: FaultList) -> None:
        self._samples, self._faults = samples, faults

    def refuse(self, bad: NDArray[np.bool_], fix: str, *, timestamp: bool = False) -> None:
        """Report samples [sample], each by its row or its moment, with its value or timestamp."""
        samples = self._samples
        places = np.flatnonzero(bad)
        if not len(places):
            return
        if samples.row[places[0]] >= 0:
            places = places[np.argsort(samples.row[places], kind="stable")]
        named = [self._fault(int(place), timestamp=timestamp) for place in places[:SHOWN]]
        self._faults.report(named, fix, total=len(places))

    def _fault(self, place: int, *, timestamp: bool) -> tuple[str, object]:
        samples, field = self._samples, self._faults.field
        series = samples.series[place]
        when = moment(samples.second[place]).isoformat().replace("+00:00", "Z")
        value: object = when if timestamp else samples.value[place]
        if samples.row[place] < 0:
            return f"{field} series {samples.names[series]} {when}", value
        column = samples.columns[-1 if timestamp else series]
        return f"{field} row {samples.row[place]} {column}", value
