"""What usage costs beside commitments, with equal hours billed once: for those who bill it often.

Each function does for rows that stand for several hours what `bill` does for the hours themselves,
with the same steps; a bill is that, and the price of what is committed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.billing.accounting import NANO, usage_nanousd
from planner.billing.application import apply_commitments
from planner.billing.commitments import Commitment
from planner.billing.hours import TICKS_PER_HOUR, Stretch, split_into_months
from planner.billing.monthly import monthly_prices
from planner.billing.usage import Usage

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class MergedUsage(Usage):
    """Usage of some hours of a span, each of which stands for all hours equal to it.

    ``quantity`` is [row × class]. ``hour`` is the hour of the span that a row shows, ascending, and
    ``worth`` what a dollar counts that is paid in each of the row's hours, these added up [row].
    ``span_hours`` is the length of the span.
    """

    hour: Ints
    worth: Floats
    span_hours: int

    def rows_of(self, term: Stretch) -> Stretch:
        """The rows whose hours lie in a term; ticks inside an hour stay ticks inside its row."""
        inside = term.inside(self.span_hours)
        return Stretch(self._row(inside.begin), self._row(inside.end))

    def _row(self, tick: int) -> int:
        hour, rest = divmod(tick, TICKS_PER_HOUR)
        return int(np.searchsorted(self.hour, hour)) * TICKS_PER_HOUR + rest


def merge_equal_hours(usage: Usage, terms: Iterable[Stretch], worth: Floats) -> MergedUsage:
    """The same usage, with equal hours between the ends of terms as one row.

    Args:
        usage: the usage of a span.
        terms: when commitments may serve; hours of different terms stay apart.
        worth: what a dollar of each hour counts [hour].

    Where prices fall in the course of a month, all hours stay rows.
    """
    hours = np.arange(usage.hours)
    if monthly_prices(usage.classes):
        return MergedUsage(usage.start, usage.classes, usage.quantity, hours, worth, usage.hours)
    group = np.searchsorted(_edges(terms, usage.hours), hours, side="right")
    for column in usage.quantity.T:
        _, value = np.unique(column, return_inverse=True)
        _, group = np.unique(group * (int(value.max()) + 1) + value, return_inverse=True)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(first)
    together = np.bincount(group, worth, minlength=len(first)).astype(np.float64)
    return MergedUsage(
        usage.start,
        usage.classes,
        usage.quantity[first[order]],
        first[order],
        together[order],
        usage.hours,
    )


def _edges(terms: Iterable[Stretch], hours: int) -> Ints:
    """Hours in which terms begin or end, and those after hours that they fill in part."""
    ticks = {tick for term in terms for tick in term.inside(hours)}
    edges = {
        edge for tick in ticks for edge in (tick // TICKS_PER_HOUR, -(-tick // TICKS_PER_HOUR))
    }
    return np.array(sorted(edges), dtype=np.intp)


def running_cost_usd(usage: MergedUsage, commitments: Sequence[Commitment]) -> float:
    """What a bill says beside the price of commitments, in the worth of its hours [USD].

    Usage left on demand, software, what commitments cost by use, less what prices fall by.
    """
    application = apply_commitments(usage, commitments)
    prices = [one.price_usd for one in usage.classes]
    hourly = usage_nanousd(application.on_demand, prices).sum(axis=1)
    if any(one.software_usd for one in usage.classes):
        software = [one.software_usd for one in usage.classes]
        rented = usage.quantity - application.owned
        hourly = hourly + usage_nanousd(rented, software).sum(axis=1)
    for charge in application.charges.values():
        hourly = hourly + charge
    cost = math.fsum(hourly * usage.worth)
    return (cost - _credits_nanousd(usage, application.on_demand)) / NANO


def _credits_nanousd(usage: MergedUsage, quantity: Floats) -> float:
    """What prices fall by in the course of months, all rows being hours."""
    falling = monthly_prices(usage.classes)
    if not falling:
        return 0.0
    return math.fsum(
        float(one.credits_nanousd(quantity, month) @ usage.worth[month.first_hour : month.end_hour])
        for month in split_into_months(usage.start, usage.span_hours)
        for one in falling
    )


def full_levels(
    usage: MergedUsage, commitments: Sequence[Commitment], position: int
) -> tuple[Floats, Floats]:
    """Shares of a commitment at which hours of some usage become fully served, and their worth.

    Between two of these the bill is nearly linear in its size; only what it leaves to commitments
    that serve after it may bend it more often.

    Args:
        usage: what runs.
        commitments: all of them.
        position: of the one whose size is looked at, given as large as it may become.
    """
    takes = apply_commitments(usage, commitments, keep_takes=True).takes
    rows = usage.rows_of(commitments[position].serving_in(usage.start)).clock_hours
    taken: dict[int, Floats] = {}
    levels, worth = [np.zeros(0)], [np.zeros(0)]
    for take in takes:
        pool = take.pair.pool
        if position not in pool.members:
            continue
        size = pool.sizes[pool.members.index(position)]
        so_far = taken.get(id(pool), np.zeros(usage.hours)) + take.used
        taken[id(pool)] = so_far
        beyond_others = so_far - (pool.capacity - size)
        served = np.zeros(usage.hours, dtype=np.bool_)
        served[rows] = (take.used[rows] > 0) & (beyond_others[rows] > 0)
        if size > 0:
            levels.append(beyond_others[served] / size)
            worth.append(usage.worth[served])
    return np.concatenate(levels), np.concatenate(worth)
