"""What repairs did to a history: rule, series, from when to when, how often, and what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3600

SHOWN = 20
"""So many places of one rule and series are listed one by one; the rest are summed up in one."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Repair:
    """One place of a series that a rule mended.

    Attributes:
        rule: its name in the request.
        series: the series mended.
        start: first moment concerned, UTC.
        end: first moment no longer concerned.
        count: rows or hours mended, as `done` says.
        done: what was made of them.
    """

    rule: str
    series: str
    start: datetime
    end: datetime
    count: int
    done: str


class RepairLog:
    """Collects what rules do."""

    def __init__(self) -> None:
        self.repairs: list[Repair] = []

    def add(
        self, rule: str, series: str, starts: Ints, ends: Ints, counts: Ints, done: Sequence[str]
    ) -> None:
        """Note places [place] of one series, in order of time; seconds since 1970."""
        for start, end, count, one in zip(starts[:SHOWN], ends, counts, done, strict=False):
            self._note(rule, series, start, end, count, one)
        if len(starts) > SHOWN:
            rest = f"in {len(starts) - SHOWN} more places: {done[-1]}"
            count = int(counts[SHOWN:].sum())
            self._note(rule, series, starts[SHOWN], ends[SHOWN:].max(), count, rest)

    def add_hours(self, rule: str, series: str, first: int, mended: Ints, done: str) -> None:
        """Note hours of one series by their positions after the hour ``first``, run by run."""
        begins, ends = runs(mended)
        starts = (begins + first) * HOUR_S
        self.add(rule, series, starts, (ends + first) * HOUR_S, ends - begins, [done] * len(starts))

    def _note(self, rule: str, series: str, start: int, end: int, count: int, done: str) -> None:
        self.repairs.append(Repair(rule, series, moment(start), moment(end), int(count), done))


def summed_up(repairs: Sequence[Repair]) -> str:
    """One line of all repairs: how many rows and hours each rule mended, in how many series."""
    rules = dict.fromkeys(one.rule for one in repairs)
    parts = []
    for rule in rules:
        mended = [one for one in repairs if one.rule == rule]
        series = len({one.series for one in mended})
        parts.append(f"{rule} {sum(one.count for one in mended):,} in {series} series")
    return "; ".join(parts)


def runs(positions: Ints) -> tuple[Ints, Ints]:
    """Begins and ends (exclusive) of runs in positions that ascend."""
    if not len(positions):
        return positions, positions
    breaks = np.flatnonzero(np.diff(positions) > 1)
    begins = positions[np.concatenate(([0], breaks + 1))]
    ends = positions[np.concatenate((breaks, [len(positions) - 1]))] + 1
    return begins, ends


def moment(second: int) -> datetime:
    """The moment so many seconds after 1970, UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(second))
