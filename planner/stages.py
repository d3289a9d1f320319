"""Stages: where commitments are constant and the same futures are still possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Group = tuple[int, ...]
"""Positions of scenarios that cannot be told apart yet, ascending."""

Partition = tuple[Group, ...]
"""All scenarios, each in one group."""

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stages:
    """Windows × groups of scenarios: what is decided for one hour of a stage holds for all.

    A window is a span between the hours at which commitments may begin or end. Within it the
    scenarios fall into the groups that its latest purchase date can tell apart.

    Attributes:
        start: first hour of each window [window].
        stage: the stage of a window under a scenario [window × scenario].
        window: window of each stage [stage].
        groups: scenarios of each stage [stage].
        probability: of each stage's scenarios together [stage].
        hours: expected hours, its window's length times its probability [stage].
    """

    start: tuple[int, ...]
    stage: Ints
    window: Ints
    groups: tuple[Group, ...]
    probability: Floats
    hours: Floats

    @property
    def count(self) -> int:
        """Number of stages."""
        return len(self.window)

    def active(self, first: int, last: int, group: Group) -> Ints:
        """Stages inside the hours [first, last) whose scenarios all lie in a group."""
        low, high = np.searchsorted(self.start, [first, last])
        found, inside = np.unique(self.stage[low:high, list(group)], return_counts=True)
        return np.asarray(found[inside == self._scenarios[found]], dtype=np.intp)

    @cached_property
    def _scenarios(self) -> Ints:
        """Number of scenarios of each stage [stage]."""
        return np.array([len(group) for group in self.groups], dtype=np.intp)


def make_stages(
    start: tuple[int, ...],
    hours: int,
    partitions: Sequence[Partition],
    probability: Sequence[float],
) -> Stages:
    """The stages of windows that begin at ``start``, each with its partition."""
    lengths = np.diff([*start, hours])
    stage = np.zeros((len(start), len(probability)), dtype=np.intp)
    window: list[int] = []
    groups: list[Group] = []
    for position, partition in enumerate(partitions):
        for group in partition:
            stage[position, list(group)] = len(groups)
            window.append(position)
            groups.append(group)
    shares = np.array([sum(probability[s] for s in group) for group in groups])
    return Stages(
        start=start,
        stage=stage,
        window=np.array(window, dtype=np.intp),
        groups=tuple(groups),
        probability=shares,
        hours=np.asarray(lengths[window] * shares, dtype=np.float64),
    )
