"""What a back-test is run on: history, prices, the window, its dates; and what a policy sees."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from catalogs import Catalog
from planner.calendar import HOUR, Calendar
from planner.demand import Demand
from planner.forecasting import SHORTEST_HOURS
from planner.request import Backtest, OwnedCommitment, PlanRequest

Futures = Callable[[Demand], Demand]
"""From history, cut where its last hour was seen, to what may come after: a demand that starts
where history ends, in equally likely scenarios over the longest term that may be bought. It may be
sent to other processes."""


@dataclass(frozen=True)
class Setting:
    """A back-test, all its inputs resolved.

    Attributes:
        request: as asked; its demand is history.
        rules: its field `backtest`, or the defaults.
        catalog: the prices.
        history: demand of one scenario, the hours before the window included.
        calendar: hours of the window and the purchase dates in it.
        owned: commitments that were owned before the window.
        neutral: what the neutral policy plans for.
        cautious: what the cautious one does: the same, with what may befall demand.
    """

    request: PlanRequest
    rules: Backtest
    catalog: Catalog
    history: Demand
    calendar: Calendar
    owned: tuple[OwnedCommitment, ...]
    neutral: Futures
    cautious: Futures

    @property
    def has_past(self) -> bool:
        """Whether there is enough history before the window to forecast from."""
        return -self.calendar.hour_of(self.history.start) >= SHORTEST_HOURS

    @property
    def dates(self) -> tuple[datetime, ...]:
        """Purchase dates, ascending."""
        return tuple(self.calendar.at(hour) for hour in self.calendar.purchase_hours)

    def days(self) -> tuple[datetime, ...]:
        """Every day of the window, at the hour of its start."""
        return tuple(self.calendar.at(hour) for hour in range(0, self.calendar.hours, 24))


@dataclass(frozen=True)
class Seen:
    """What a policy decides on: the past, the prices, what it owns, when it may buy again.

    Attributes:
        request: what runs where, and what may be bought; its demand is not read.
        catalog: the prices.
        date: when it decides; what it buys starts here.
        past: demand before the date, in arrays of its own.
        owned: all commitments bought before the date, expired ones included.
        dates: all purchase dates of the back-test, ascending.
    """

    request: PlanRequest
    catalog: Catalog
    date: datetime
    past: Demand
    owned: tuple[OwnedCommitment, ...]
    dates: tuple[datetime, ...]

    @property
    def alive(self) -> tuple[OwnedCommitment, ...]:
        """The commitments that serve at the date."""
        return tuple(one for one in self.owned if one.start <= self.date < one.end)


def cut(demand: Demand, end: datetime) -> Demand:
    """Demand before an hour, in arrays of its own: nothing later can be reached through them."""
    hours = (end - demand.start) // HOUR
    series = {name: values[:hours].copy() for name, values in demand.series.items()}
    return Demand(demand.start, series, demand.scenarios)
