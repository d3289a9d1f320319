"""What is known when: which futures a purchase date can tell apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.calendar import Calendar
from planner.demand import Demand
from planner.request import Information
from planner.stages import Group, Partition

Floats = NDArray[np.float64]

LATEST_HOURS = 28 * 24
"""The latest demand says most of what is to come."""

SAME_SHARE = 1e-9
"""Histories that differ by no more than this share are one to whoever looks at them."""


def partitions_by_date(
    information: Information, demand: Demand, calendar: Calendar, faults: Faults
) -> tuple[Partition, ...]:
    """The partition of the scenarios that each purchase date may act upon [date].

    Without a tree every date sees all scenarios as one: one plan for all futures. Partitions only
    refine each other, and never tell apart what has shown no difference before the date.
    """
    together: Partition = (tuple(range(len(demand.scenarios))),)
    if information.tree is not None:
        return _as_written(information.tree, demand, calendar, faults)
    if information.groups is None:
        return tuple(together for _ in calendar.purchase_hours)
    counts = information.groups
    found: list[Partition] = []
    latest = together
    for position, hour in enumerate(calendar.purchase_hours):
        count = counts[min(position, len(counts) - 1)]
        latest = _refined(latest, count, demand, hour)
        found.append(latest)
    return tuple(found)


def partition_in(
    windows: Sequence[int], dates: Sequence[int], known: Sequence[Partition], scenarios: int
) -> list[Partition]:
    """The partition in force in each window: that of the latest purchase date at its start."""
    together: Partition = (tuple(range(scenarios)),)
    latest = np.searchsorted(dates, windows, side="right") - 1
    return [known[position] if position >= 0 else together for position in latest]


def _as_written(
    tree: Sequence[Sequence[Sequence[str]]], demand: Demand, calendar: Calendar, faults: Faults
) -> tuple[Partition, ...]:
    names = [scenario.name for scenario in demand.scenarios]
    dates = len(calendar.purchase_hours)
    if len(tree) > dates:
        fix = f"there are {dates} purchase dates; write one partition for each, or fewer"
        faults.add("information.tree", f"{len(tree)} partitions", fix)
    found: list[Partition] = []
    for position, written in enumerate(tree):
        field = f"information.tree.{position}"
        named = [name for group in written for name in group]
        if sorted(named) != sorted(names):
            faults.add(field, named, f"name every scenario once: {', '.join(names)}")
            continue
        partition = tuple(
            sorted(tuple(sorted(names.index(name) for name in group)) for group in written)
        )
        if found and not all(any(set(g) <= set(h) for h in found[-1]) for g in partition):
            faults.add(field, named, "puts together what an earlier date tells apart; split only")
        found.append(partition)
    if not found:
        return ()
    return tuple(found[min(position, len(found) - 1)] for position in range(dates))


def _refined(partition: Partition, count: int, demand: Demand, hour: int) -> Partition:
    """At most ``count`` groups, split where the demand seen before an hour differs most."""
    groups = list(partition)
    if hour <= 0:
        return partition
    seen = _means(demand, hour)
    weight = np.array([scenario.probability for scenario in demand.scenarios])
    halves = [_halves(group, seen, weight) for group in groups]
    while len(groups) < count:
        widest = int(np.argmax([0.0 if half is None else half[0] for half in halves]))
        chosen = halves[widest]
        if chosen is None:
            break
        groups[widest : widest + 1] = chosen[1:]
        halves[widest : widest + 1] = [_halves(group, seen, weight) for group in chosen[1:]]
    return tuple(sorted(groups))


def _means(demand: Demand, hour: int) -> Floats:
    """Mean demand of every series before an hour, all of it and the latest, as shares.

    [scenario × (series, twice)]
    """
    columns = []
    for name in sorted(demand.series):
        by_scenario = demand.series[name].reshape(len(demand.scenarios), -1)[:, :hour]
        for seen in (by_scenario, by_scenario[:, -LATEST_HOURS:]):
            mean = seen.mean(axis=1)
            columns.append(mean / max(float(mean.mean()), 1e-300))
    return np.column_stack(columns)


def _halves(group: Group, seen: Floats, weight: Floats) -> tuple[float, Group, Group] | None:
    """Spread of a group along its main direction, and its two halves; None if all look alike."""
    if len(group) < 2:
        return None
    inside = np.array(group)
    centred = seen[inside] - np.average(seen[inside], axis=0, weights=weight[inside])
    if np.abs(centred).max() <= SAME_SHARE:
        return None
    _, _, directions = np.linalg.svd(centred * np.sqrt(weight[inside])[:, None])
    along = centred @ directions[0]
    upper = along > 0
    if not upper.any() or upper.all():
        return None
    spread = float(weight[inside] @ along**2)
    ordered = sorted((tuple(inside[upper].tolist()), tuple(inside[~upper].tolist())))
    return spread, ordered[0], ordered[1]
