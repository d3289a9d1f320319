"""Cuts: lower bounds of recourse costs, as rows over the master's columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.recourse import Sums

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Cuts:
    """Rows ``matrix @ columns >= constant`` [cut]."""

    matrix: sp.csr_array[np.float64]
    constant: Floats

    def rows(self) -> Iterator[sp.csr_array[np.float64]]:
        """Each cut's row as a matrix of its own."""
        for first, last in pairwise(self.matrix.indptr):
            inside, ends = slice(first, last), np.array([0, last - first])
            part = self.matrix.data[inside], self.matrix.indices[inside], ends
            yield sp.csr_array(part, shape=(1, self.matrix.shape[1]))


@dataclass(frozen=True)
class Links:
    """Which sum of a segment stands at which column of the master [link].

    Attributes:
        segment: the segment.
        source: position in the segment's sums, as `stacked` lays them out.
        column: the column.
        factor: what the sum is taken times.
    """

    segment: Ints
    source: Ints
    column: Ints
    factor: Floats


def stacked(sums: Sums) -> Floats:
    """Of every segment: what units of pairs cost, dollars that pools' units and plans' save."""
    return np.hstack([sums.usage, sums.dedicated, sums.spend])


@dataclass(frozen=True)
class Own:
    """Where a kind of cuts has what it bounds [entry].

    Attributes:
        row: the row.
        column: the column.
    """

    row: Ints
    column: Ints


class CutRows:
    """The rows of one kind of cuts, whose entries stand in the same places every time.

    Args:
        own: what they bound.
        weights: what a segment counts for in each row [row × segment].
        links: the columns that segments depend on.
        given: factor of each pair that no column changes [pair].
        columns: number of the master's columns.
    """

    def __init__(
        self,
        own: Own,
        weights: sp.csr_array[np.float64],
        links: Links,
        given: Floats,
        columns: int,
    ) -> None:
        self._weights, self._given = weights, given
        counted = weights.tocoo()
        chosen = _links_of(counted.col.astype(np.intp), links.segment, weights.shape[1])
        link = chosen.link
        row, self._weight = counted.row[chosen.entry], counted.data[chosen.entry]
        self._weight = self._weight * links.factor[link]
        self._segment, self._source = links.segment[link], links.source[link]
        keys, slots = np.unique(
            np.concatenate(
                [
                    own.row * columns + own.column,
                    row.astype(np.intp) * columns + links.column[link],
                ]
            ),
            return_inverse=True,
        )
        self._own, self._slot = slots[: len(own.row)], slots[len(own.row) :]
        self._indices = (keys % columns).astype(np.int32)
        per_row = np.bincount(keys // columns, minlength=weights.shape[0])
        self._indptr = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int32)
        self._shape = (weights.shape[0], columns)

    def of(self, sums: Sums, own: Floats | float = 1.0) -> Cuts:
        """The cuts that sums give: ``own`` times what they bound is at least what these prove."""
        values = stacked(sums)[self._segment, self._source] * self._weight
        data = -np.bincount(self._slot, values, minlength=len(self._indices)).astype(np.float64)
        data[self._own] = own
        return Cuts(
            sp.csr_array((data, self._indices, self._indptr), shape=self._shape),
            np.asarray(self._weights @ (sums.usage @ self._given)),
        )


@dataclass(frozen=True)
class _Chosen:
    """Pairs of an entry of the weights and a link of its segment."""

    entry: Ints
    link: Ints


def _links_of(segment_of_entry: Ints, segment_of_link: Ints, segments: int) -> _Chosen:
    """All links of every entry's segment."""
    order = np.argsort(segment_of_link, kind="stable")
    count = np.bincount(segment_of_link, minlength=segments)
    first = np.cumsum(count) - count
    times = count[segment_of_entry]
    entry = np.repeat(np.arange(len(segment_of_entry)), times)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(times) - times, times)
    return _Chosen(entry, order[first[segment_of_entry[entry]] + within])
