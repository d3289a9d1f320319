"""Exchanges of convertible reservations that a plan may make, and what each is worth.

A reservation is exchanged at a purchase date inside its term for others of its region, term length
and payment option, which end when it does. The provider takes what is left of its value (upfront
for the time to come, and the hourly fees) for no more of the target than that fills, rounded up,
and is paid the difference of what is left upfront.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer, OfferKind
from planner.calendar import Calendar
from planner.owned import Owned, is_of_term
from planner.problem import Problem
from planner.purchases import Lot, Option, step_price
from planner.request import Accounting
from planner.stages import Group

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

Held = Lot | Owned
"""What may be given: a lot once it is bought, or an owned commitment."""


@dataclass(frozen=True)
class Source:
    """A convertible reservation that may be given.

    Attributes:
        held: the lot or the owned commitment.
        option: what it is.
        begin: hour its term begins; negative before the horizon.
        end: hour its term ends, perhaps beyond the horizon.
        group: scenarios in which it is held.
    """

    held: Held
    option: Option
    begin: int
    end: int
    group: Group

    @property
    def term_hours(self) -> int:
        """Length of its term."""
        return self.end - self.begin


@dataclass(frozen=True)
class Exchange:
    """Sources that may be given together for one target, at a date in futures alike until then.

    Attributes:
        sources: what may be given; all end together.
        target: what is taken.
        hour: when, an hour of the horizon.
        end: hour the target ends, perhaps beyond the horizon.
        group: scenarios in which it is made.
        probability: theirs together.
    """

    sources: tuple[Source, ...]
    target: Option
    hour: int
    end: int
    group: Group
    probability: float

    @property
    def hours_left(self) -> int:
        """Hours from the exchange to the end."""
        return self.end - self.hour


def hourly_value_usd(option: Option, term_hours: int) -> Fraction:
    """What an hour to come of one machine is worth to the provider: upfront spread, and fees."""
    upfront, hourly = step_price(option)
    return upfront / term_hours + hourly


def upfront_left_usd(option: Option, term_hours: int, hours: int) -> Fraction:
    """What of a machine's upfront is for so many hours to come."""
    return step_price(option)[0] * hours / term_hours


def target_value_usd(option: Option) -> Fraction:
    """What an hour of a target is worth."""
    return hourly_value_usd(option, option.offer.term_hours)


def value_ratio(source: Source, target: Option) -> Fraction:
    """Targets that one given reservation is worth; the same at every date."""
    return hourly_value_usd(source.option, source.term_hours) / target_value_usd(target)


def taken_count(exchange: Exchange, given: Sequence[tuple[Source, int]]) -> int:
    """Targets for what is given: as many as are worth no less, and no more."""
    ratios = (steps * value_ratio(source, exchange.target) for source, steps in given)
    return math.ceil(sum(ratios, Fraction(0)))


def true_up_usd(exchange: Exchange, given: Sequence[tuple[Source, int]], taken: int) -> Fraction:
    """What is paid to exchange: the difference of what is left upfront; nothing is paid back."""
    hours, target = exchange.hours_left, exchange.target
    needed = taken * upfront_left_usd(target, target.offer.term_hours, hours)
    left = (
        steps * upfront_left_usd(source.option, source.term_hours, hours) for source, steps in given
    )
    return max(needed - sum(left, Fraction(0)), Fraction(0))


def find_exchanges(problem: Problem, lots: Sequence[Lot]) -> "Exchanges":
    """Every exchange the request allows, of some lots and of what is owned."""
    if not problem.targets:
        return Exchanges(problem, (), ())
    sources = tuple(_sources(problem, lots))
    fitting = [
        [t for t, one in enumerate(problem.targets) if _fits(problem, one, source)]
        for source in sources
    ]
    found: dict[tuple[int, Group, int, int], list[Source]] = {}
    for date, partition in zip(problem.calendar.purchase_hours, problem.information, strict=True):
        for source, targets in zip(sources, fitting, strict=True):
            if not source.begin < date < source.end:
                continue
            for group in partition:
                if set(group) <= set(source.group):
                    for target in targets:
                        found.setdefault((date, group, source.end, target), []).append(source)
    exchanges = tuple(
        Exchange(
            sources=tuple(given),
            target=problem.targets[target],
            hour=date,
            end=end,
            group=group,
            probability=float(problem.probability[list(group)].sum()),
        )
        for (date, group, end, target), given in found.items()
    )
    return Exchanges(problem, sources, exchanges)


def is_convertible(option: Option) -> bool:
    """Whether an option may be exchanged."""
    return option.offer.kind is OfferKind.RESERVED_CONVERTIBLE


def _sources(problem: Problem, lots: Sequence[Lot]) -> list[Source]:
    everything = tuple(range(len(problem.probability)))
    bought = [
        Source(lot, option, lot.start, lot.start + option.offer.term_hours, lot.group)
        for lot in lots
        if is_convertible(option := problem.options[lot.option])
    ]
    calendar = problem.calendar
    return bought + [
        Source(
            one,
            one.option,
            calendar.hour_of(one.commitment.start),
            calendar.hour_of(one.commitment.end),
            everything,
        )
        for one in problem.owned
        if is_convertible(one.option)
    ]


def _fits(problem: Problem, target: Option, source: Source) -> bool:
    """Whether a source may be given for a target, and serves something else."""
    given, taken = source.option.offer, target.offer
    return (
        isinstance(given, DedicatedOffer)
        and isinstance(taken, DedicatedOffer)
        and (given.provider, given.region, given.payment)
        == (taken.provider, taken.region, taken.payment)
        and is_of_term(taken.term_hours, source.term_hours)
        and source.option.pool != target.pool
        and account_of(problem, source) == problem.pools.keys[target.pool or 0].account
        and target_value_usd(target) > 0
    )


def account_of(problem: Problem, source: Source) -> str:
    """The workload a source is tied to; empty where it serves all."""
    if isinstance(source.held, Owned):
        return source.held.commitment.workload or ""
    return "" if source.option.pool is None else problem.pools.keys[source.option.pool].account


@dataclass(frozen=True)
class Prices:
    """What one adds to the bill in the accounting, apart from its probability."""

    give: Floats
    take: Floats
    true_up: Floats


@dataclass(frozen=True)
class Exchanges:
    """All exchanges that a model offers.

    A *give* is an exchange and one of its sources: how many steps of it are given.

    Attributes:
        problem: what they are found in.
        sources: all that may be given.
        exchanges: all that may be made.
    """

    problem: Problem
    sources: tuple[Source, ...]
    exchanges: tuple[Exchange, ...]

    def __len__(self) -> int:
        """Number of exchanges."""
        return len(self.exchanges)

    @cached_property
    def gives(self) -> tuple[tuple[int, int], ...]:
        """Position of the exchange and of the source of every give, by exchange."""
        at = {source: position for position, source in enumerate(self.sources)}
        return tuple(
            (position, at[source])
            for position, exchange in enumerate(self.exchanges)
            for source in exchange.sources
        )

    @cached_property
    def exchange_of_give(self) -> Ints:
        """Exchange of every give."""
        return np.array([exchange for exchange, _ in self.gives], dtype=np.intp)

    @cached_property
    def ratios(self) -> Floats:
        """Targets that a step given is worth [give]."""
        return np.array(
            [float(value_ratio(self.sources[s], self.exchanges[e].target)) for e, s in self.gives]
        )

    @cached_property
    def upfront_left_usd(self) -> tuple[Floats, Floats]:
        """What is left upfront of a step given [give], and needed for one taken [exchange]."""
        left = [
            upfront_left_usd(
                self.sources[s].option, self.sources[s].term_hours, self.exchanges[e].hours_left
            )
            for e, s in self.gives
        ]
        needed = [
            upfront_left_usd(one.target, one.target.offer.term_hours, one.hours_left)
            for one in self.exchanges
        ]
        return np.array(left, dtype=np.float64), np.array(needed, dtype=np.float64)

    @cached_property
    def prices(self) -> Prices:
        """Fees saved by a step given, fees of one taken, and a dollar of true-up.

        What was paid upfront for a step given stays in its own cost to the end.
        """
        calendar = self.problem.calendar
        fees = [fees_factor(one, calendar) for one in self.exchanges]
        give = [-float(step_price(self.sources[s].option)[1]) * fees[e] for e, s in self.gives]
        take = [
            float(step_price(one.target)[1]) * factor
            for one, factor in zip(self.exchanges, fees, strict=True)
        ]
        true_up = [true_up_factor(one, calendar) for one in self.exchanges]
        return Prices(np.array(give), np.array(take), np.array(true_up))

    @cached_property
    def probability(self) -> Floats:
        """How likely each exchange's futures are [exchange]."""
        return np.array([one.probability for one in self.exchanges])


def fees_factor(exchange: Exchange, calendar: Calendar) -> float:
    """What a dollar in each hour from an exchange to its end counts."""
    end = min(exchange.end, calendar.hours)
    if calendar.accounting is Accounting.FULL_TERM:
        return float(exchange.hours_left)
    if calendar.accounting is Accounting.AMORTIZED:
        return float(end - exchange.hour)
    return float(calendar.worth_before[end] - calendar.worth_before[exchange.hour])


def true_up_factor(exchange: Exchange, calendar: Calendar) -> float:
    """What a dollar paid upfront at an exchange counts: what it still has at the end counts off."""
    left = exchange.hours_left
    beyond = max(exchange.end - calendar.hours, 0) / left
    if calendar.accounting is Accounting.FULL_TERM:
        return 1.0
    if calendar.accounting is Accounting.AMORTIZED:
        return 1.0 - beyond
    worth = calendar.worth
    return float(worth[exchange.hour] - worth[min(exchange.end, calendar.hours)] * beyond)
