"""Options × purchase dates, with their cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from planner.calendar import Calendar
from planner.purchases.option import Option, lead_hours_of, step_price
from planner.request import Accounting
from planner.stages import Group, Partition


@dataclass(frozen=True)
class Lot:
    """An option bought at one date, in the futures its buyer cannot tell apart; USD per step.

    Attributes:
        option: position of the option.
        start: hour of the horizon in which its term begins.
        end: first hour it no longer serves, at most the horizon's length.
        cost_usd: what a step costs within the horizon, in the calendar's accounting.
        upfront_usd: what a step costs at its purchase date.
        group: scenarios in which it is bought.
        probability: theirs together.
        lead_hours: hours from its order to its start.
    """

    option: int
    start: int
    end: int
    cost_usd: float
    upfront_usd: float
    group: Group = (0,)
    probability: float = 1.0
    lead_hours: int = 0

    @property
    def ordered(self) -> int:
        """Hour of the horizon in which it is ordered."""
        return self.start - self.lead_hours

    @property
    def expected_cost_usd(self) -> float:
        """Its cost by its probability."""
        return self.probability * self.cost_usd

    def certain(self) -> "Lot":
        """The same lot where only one future is looked at."""
        return replace(self, group=(0,), probability=1.0)


def make_lots(
    options: tuple[Option, ...],
    calendar: Calendar,
    information: Sequence[Partition],
    probability: Sequence[float],
) -> tuple[Lot, ...]:
    """Every option at every purchase date, in every group of scenarios the date can tell apart."""
    found: list[Lot] = []
    for date, partition in zip(calendar.purchase_hours, information, strict=True):
        alone = tuple(_lots_at(date, options, calendar))
        chances = [sum(probability[scenario] for scenario in group) for group in partition]
        for group, chance in zip(partition, chances, strict=True):
            found += (replace(lot, group=group, probability=chance) for lot in alone)
    return tuple(found)


def _lots_at(date: int, options: tuple[Option, ...], calendar: Calendar) -> Iterator[Lot]:
    """Every option that serves within the horizon when it is ordered in an hour of it."""
    for position, option in enumerate(options):
        lead = lead_hours_of(option)
        if date + lead >= calendar.hours:
            continue
        yield Lot(
            option=position,
            start=date + lead,
            end=min(date + lead + option.offer.term_hours, calendar.hours),
            cost_usd=lot_cost_usd(option, date + lead, calendar),
            upfront_usd=float(step_price(option)[0]),
            lead_hours=lead,
        )


def lot_cost_usd(option: Option, date: int, calendar: Calendar) -> float:
    """What one step bought in an hour of the horizon costs, in the calendar's accounting."""
    upfront, hourly = step_price(option)
    resale, term = option.resale_usd, option.offer.term_hours
    end = min(date + term, calendar.hours)
    active = end - date
    if calendar.accounting is Accounting.FULL_TERM:
        return float(upfront - resale + hourly * term)
    if calendar.accounting is Accounting.AMORTIZED:
        return float(((upfront - resale) / term + hourly) * active)
    worth, before = calendar.worth, calendar.worth_before
    credit = float(resale + (upfront - resale) * (1 - Fraction(active, term))) * worth[end]
    recurring = float(hourly) * (before[end] - before[date])
    return float(float(upfront) * worth[date] + recurring - credit)
