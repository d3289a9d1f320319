"""Exchanges a plan makes: what is given, what is taken for it, and who pays what from then on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from planner.exchanges import (
    Exchange,
    Held,
    Source,
    hourly_value_usd,
    taken_count,
    target_value_usd,
    true_up_usd,
    upfront_left_usd,
)
from planner.purchases import Lot


@dataclass(frozen=True)
class Exchanged:
    """An exchange, and the steps given of its sources, one at the least."""

    exchange: Exchange
    given: tuple[tuple[Source, int], ...]

    @property
    def taken(self) -> int:
        """Machines taken."""
        return taken_count(self.exchange, self.given)

    @property
    def true_up_usd(self) -> Fraction:
        """Paid at its date for all machines."""
        return true_up_usd(self.exchange, self.given, self.taken)

    @property
    def given_value_usd(self) -> Fraction:
        """What is left of the value of what is given."""
        each = (
            steps * hourly_value_usd(source.option, source.term_hours)
            for source, steps in self.given
        )
        return sum(each, Fraction(0)) * self.exchange.hours_left

    @property
    def taken_value_usd(self) -> Fraction:
        """What is left of the value of what is taken."""
        return self.taken * target_value_usd(self.exchange.target) * self.exchange.hours_left

    @property
    def credits(self) -> tuple[tuple[Source, Fraction], ...]:
        """What is left upfront of one machine of every source."""
        hours = self.exchange.hours_left
        return tuple(
            (source, upfront_left_usd(source.option, source.term_hours, hours))
            for source, _ in self.given
        )

    def given_of(self, held: Held) -> int:
        """Steps given of a lot or of an owned commitment."""
        return sum(steps for source, steps in self.given if source.held == held)

    def certain(self) -> "Exchanged":
        """The same exchange where only one future is looked at."""
        given = tuple((_certain(source), steps) for source, steps in self.given)
        exchange = replace(self.exchange, group=(0,), probability=1.0)
        return Exchanged(exchange, given)


def _certain(source: Source) -> Source:
    held = source.held.certain() if isinstance(source.held, Lot) else source.held
    return replace(source, held=held, group=(0,))


def credited_usd(one: Exchanged, *, sunk_counts: bool) -> Decimal:
    """What was paid for what is given and stands in for upfront of what is taken.

    Args:
        one: the exchange.
        sunk_counts: whether upfront paid before the horizon counts.
    """
    steps = dict(one.given)
    amounts = (
        steps[source] * credit for source, credit in one.credits if sunk_counts or source.begin >= 0
    )
    return decimal_of(sum(amounts, Fraction(0)))


def given_by_date(exchanges: Sequence[Exchanged], held: Held) -> dict[int, int]:
    """Steps of a lot or an owned commitment that are given, by the hour they are."""
    found: dict[int, int] = {}
    for one in exchanges:
        steps = one.given_of(held)
        if steps:
            found[one.exchange.hour] = found.get(one.exchange.hour, 0) + steps
    return dict(sorted(found.items()))


def decimal_of(value: Fraction) -> Decimal:
    """A fraction as exactly as decimals hold it."""
    return Decimal(value.numerator) / Decimal(value.denominator)
