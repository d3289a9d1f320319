"""What one more step of every unbought offer would do: its use beside the use it needs.

All purchase dates of all offers are looked at together. Hours are summed by window, once for all
offers that would serve the same; the rest is sums of windows.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.billing import Bill
from planner.fleet import Resource
from planner.problem import Problem
from planner.purchases import Option
from planner.rebill import resources_of

LITTLE_MACHINES = 1e-6
"""Usage below this is rounding, nothing a purchase could serve."""

ROUNDING = 1e-9
"""Utilizations this close are the same: sums over hours round."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Order = tuple[int, ...]
"""Machines a plan serves, the greatest discount first."""


@dataclass(frozen=True)
class Prospects:
    """What one more step of each unbought option does at its best date; arrays are [option].

    Shares of hours are weighed by what money is worth in them.

    Attributes:
        date: position of the purchase date at which its use lies highest above its break-even;
            of equal dates that at which it would if nothing else were bought, then the first.
        break_even: share of its hours it must be used to cost the same as on demand; nan where
            on demand is free.
        utilization: share of its hours it is used, beside everything bought.
        alone: the same if nothing else had been bought.
        busy: share of its hours in which it would then be used at all.
    """

    date: Ints
    break_even: Floats
    utilization: Floats
    alone: Floats
    busy: Floats


@dataclass(frozen=True)
class Unbought:
    """The options of which nothing is bought, with all that is the same in every future.

    Attributes:
        options: their positions in the problem, ascending; none where there is no purchase date.
        steps: what a step of each serves.
        dates: when each may be bought, and at what cost.
    """

    options: tuple[int, ...]
    steps: "_Steps"
    dates: "_Dates"

    def prospects(self, bill: Bill, paid_for: Floats) -> Prospects:
        """What one more step of each would do if the future comes true that is billed.

        ``paid_for`` [hour × machine] is all that runs, and capacity held beside that.
        """
        rows = np.arange(len(self.options))
        if not self.options:
            return Prospects(rows, *(np.zeros(0) for _ in range(4)))
        left = bill.on_demand_quantity + bill.unused_quantity
        used, displaced = map(self.dates.sums, self.steps.use(left))
        worth = self.dates.worth
        utilization = used / worth
        alone = self.dates.sums(self.steps.use(paid_for)[0]) / worth
        busy = self.dates.sums(self.steps.busy(paid_for)) / worth
        typical_usd = np.broadcast_to(self.steps.highest_usd[:, None], used.shape).copy()
        np.divide(displaced, used, out=typical_usd, where=used > 0)
        value_usd = self.steps.full_usd[:, None] * worth * typical_usd
        break_even = np.full(used.shape, np.nan)
        np.divide(self.dates.cost_usd, value_usd, out=break_even, where=value_usd > 0)
        date = _best_date(margins(utilization, break_even), margins(alone, break_even))
        best = rows, date
        return Prospects(date, *(one[best] for one in (break_even, utilization, alone, busy)))


def unbought_of(problem: Problem, bought: Set[int]) -> Unbought:
    """The options of a problem that are not among the bought ones."""
    options = tuple(sorted({lot.option for lot in problem.lots} - bought))
    steps = _steps([problem.options[option] for option in options], problem)
    return Unbought(options, steps, _dates(options, problem))


def margins(utilization: Floats, break_even: Floats) -> Floats:
    """How far use lies above the break-even; infinitely below where nothing breaks even."""
    return np.where(np.isnan(break_even), -np.inf, utilization - break_even)


def _best_date(beside: Floats, alone: Floats) -> Ints:
    """The date of the highest margin beside all bought; of equals alone; then the first."""
    best = beside >= beside.max(axis=1, keepdims=True) - ROUNDING
    among = np.where(best, alone, -np.inf)
    best &= among >= among.max(axis=1, keepdims=True) - ROUNDING
    return np.asarray(np.argmax(best, axis=1), dtype=np.intp)


@dataclass(frozen=True)
class _Dates:
    """Spans of hours and costs of lots.

    Attributes:
        cost_usd: what a step costs [option × date].
        spans: first window and the one after the last of each different span [span × 2].
        span: span of each lot [option × date].
        worth: hours of each lot, by what money is worth in them [option × date].
    """

    cost_usd: Floats
    spans: Ints
    span: Ints
    worth: Floats

    def sums(self, of_windows: Floats) -> Floats:
        """Sums over the hours of each lot [option × date] of sums by window [option × window]."""
        return np.take_along_axis(_over_spans(of_windows, self.spans), self.span, axis=1)


def _dates(options: Sequence[int], problem: Problem) -> _Dates:
    """Dates and costs, which are alike in every future."""
    calendar, row_of = problem.calendar, {option: row for row, option in enumerate(options)}
    shape = (len(options), len(calendar.purchase_hours))
    lots = [lot for lot in problem.lots if 0 in lot.group and lot.option in row_of]
    row = [row_of[lot.option] for lot in lots]
    date = np.searchsorted(calendar.purchase_hours, [lot.ordered for lot in lots])
    # A date at which an option cannot be had any more never breaks even.
    cost_usd, span = np.full(shape, np.inf), np.zeros(shape, dtype=np.intp)
    cost_usd[row, date] = [lot.cost_usd for lot in lots]
    edges = np.array([*problem.windows, calendar.hours])
    ends = np.searchsorted(edges, [(lot.start, lot.end) for lot in lots]).reshape(-1, 2)
    spans, of_lot = np.unique(ends, axis=0, return_inverse=True)
    span[row, date] = of_lot.ravel()
    worth = np.add.reduceat(calendar.worth[:-1], problem.windows)
    return _Dates(cost_usd, spans, span, _over_spans(worth[None, :], spans)[0][span])


def _over_spans(of_windows: Floats, spans: Ints) -> Floats:
    """Sums by window [row × window] added up over each span [row × span]."""
    if not len(spans):
        return np.zeros((len(of_windows), 0))
    # Every other sum runs from a span's end, which may be the last window's, to the next's start.
    padded = np.pad(of_windows, ((0, 0), (0, 1)))
    return np.asarray(np.add.reduceat(padded, spans.ravel(), axis=1)[:, ::2], dtype=np.float64)


@dataclass(frozen=True)
class _Plans:
    """Spend plans that serve the same machines in the same order.

    Attributes:
        rows: where they stand among the options [plan].
        dollar_usd: what a committed dollar displaces on demand [plan × machine in order].
    """

    rows: Ints
    dollar_usd: Floats


@dataclass(frozen=True)
class _Steps:
    """What a step of each option serves.

    A reserved machine displaces its units at their price; a plan's step, each hour, what is left
    with the greatest discount.

    Attributes:
        full_usd: what a step counts: a plan's its commitment, a machine's its on-demand price.
        highest_usd: the most it may displace on demand, for each dollar that it counts [option].
        reserved: rows of reserved machines by pool and units.
        plans: spend plans by the order in which they serve.
        pools: number of pools.
        units: pool of each machine, and its units there [machine].
        windows: first hour of each window.
        window: window of each hour [hour].
        worth: what a dollar of each hour counts [hour].
    """

    full_usd: Floats
    highest_usd: Floats
    reserved: Mapping[tuple[int, float], Ints]
    plans: Mapping[Order, _Plans]
    pools: int
    units: tuple[tuple[int, float], ...]
    windows: tuple[int, ...]
    window: Ints
    worth: Floats

    def use(self, machine_hours: Floats) -> tuple[Floats, Floats]:
        """Hours a step is used, and what a dollar of it displaces in them [option × window].

        ``machine_hours`` [hour × machine] is what it could serve.
        """
        machines = np.where(machine_hours.T < LITTLE_MACHINES, 0.0, machine_hours.T)
        left_units, busy = self._pool_units(machines), machines > 0
        used = np.zeros((len(self.full_usd), len(self.windows)))
        displaced = np.zeros_like(used)
        for (pool, units), rows in self.reserved.items():
            share = np.minimum(left_units[pool] / units, 1.0)
            used[rows] = displaced[rows] = np.add.reduceat(share * self.worth, self.windows)
        for order, plans in self.plans.items():
            first = self._first_busy(busy, order)
            used[plans.rows] = first.sum(axis=0)
            displaced[plans.rows] = plans.dollar_usd @ first
        return used, displaced

    def busy(self, machine_hours: Floats) -> Floats:
        """Hours in which there is anything for a step to serve [option × window].

        ``machine_hours`` [hour × machine] is what it could serve.
        """
        machines = np.where(machine_hours.T < LITTLE_MACHINES, 0.0, machine_hours.T)
        any_units = (self._pool_units(machines) > 0) * self.worth
        by_pool = np.add.reduceat(any_units, self.windows, axis=1)
        found = np.zeros((len(self.full_usd), len(self.windows)))
        for (pool, _), rows in self.reserved.items():
            found[rows] = by_pool[pool]
        for order, plans in self.plans.items():
            found[plans.rows] = self._first_busy(machines > 0, order).sum(axis=0)
        return found

    def _pool_units(self, machines: Floats) -> Floats:
        """Units [pool × hour] of machines [machine × hour]."""
        total = np.zeros((self.pools, machines.shape[1]))
        for (pool, units), running in zip(self.units, machines, strict=True):
            total[pool] += units * running
        return total

    def _first_busy(self, busy: NDArray[np.bool_], order: Order) -> Floats:
        """Hours in which a machine is the first of an order to run [machine in order × window]."""
        windows = len(self.windows)
        first = np.full(len(self.window), len(order))
        for position in reversed(range(len(order))):
            first[busy[order[position]]] = position
        length = (len(order) + 1) * windows
        hours = np.bincount(first * windows + self.window, self.worth, minlength=length)
        return np.asarray(hours.reshape(-1, windows)[:-1], dtype=np.float64)


def _steps(options: Sequence[Option], problem: Problem) -> _Steps:
    machines, keys = resources_of(problem), problem.pools.keys
    cheapest_usd = [_cheapest_usd(problem, pool) for pool in range(len(keys))]
    busy = {
        machine: position
        for position, machine in enumerate(machines)
        if not problem.pools.slices[problem.pools.slice_of(machine)].is_idle
    }
    full_usd, highest_usd = np.ones(len(options)), np.ones(len(options))
    reserved: dict[tuple[int, float], list[int]] = {}
    plans: dict[Order, list[tuple[int, Floats]]] = {}
    for row, option in enumerate(options):
        if option.pool is not None and isinstance(option.offer, DedicatedOffer):
            pool, units = option.pool, float(option.pool_units)
            full_usd[row] = units * cheapest_usd[pool]
            reserved.setdefault((pool, units), []).append(row)
        else:
            order, dollar_usd = _order_of(option, busy)
            full_usd[row] = float(option.step)
            highest_usd[row] = dollar_usd.max(initial=0.0)
            plans.setdefault(order, []).append((row, dollar_usd))
    return _Steps(
        full_usd=full_usd,
        highest_usd=highest_usd,
        reserved={alike: np.array(rows) for alike, rows in reserved.items()},
        plans={order: _joined(alike) for order, alike in plans.items()},
        pools=len(keys),
        units=tuple((keys.index(one.pool), float(one.units)) for one in machines),
        windows=problem.windows,
        window=problem.window_of_hour(),
        worth=problem.calendar.worth[:-1],
    )


def _cheapest_usd(problem: Problem, pool: int) -> float:
    """The lowest price of a unit of a pool, of what runs in it if anything does."""
    pools = problem.pools
    slices = pools.busy_slices_of_pool(pool) or pools.slices_of_pool(pool)
    machines = (one for at in slices for one in pools.slices[at].resources)
    return min(float(one.unit_price_usd) for one in machines)


def _joined(plans: list[tuple[int, Floats]]) -> _Plans:
    return _Plans(np.array([row for row, _ in plans]), np.array([usd for _, usd in plans]))


def _order_of(option: Option, column: Mapping[Resource, int]) -> tuple[Order, Floats]:
    """The machines a plan serves in order, and what a dollar displaces of each."""
    ratios = [
        (float(machine.on_demand_usd / rate), column[machine])
        for machine, rate in option.resource_rates
        if machine in column and machine.on_demand_usd > 0
    ]
    ratios.sort(key=lambda one: (-one[0], one[1]))
    return tuple(position for _, position in ratios), np.array([ratio for ratio, _ in ratios])
