"""What a bill charges month by month, under each of the three accountings.

Money is whole nano-dollars in Python integers. Sums are rounded as running totals per machine
(half to even): hours add up to the exact total, and two purchases of one machine cost what one
purchase of two does.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.billing.commitments import Commitment, Reservation
from planner.billing.hours import MonthSpan

Accounting = Literal["amortized", "cash_flow", "full_term"]

NANO = 10**9
HOURS_PER_YEAR = 8760


@dataclass(frozen=True)
class Charge:
    """One commitment in one month [nano-dollars]: its cost in the accounting, and nominal cash."""

    cost: int
    recurring: int
    upfront_paid: int


@dataclass(frozen=True, eq=False)
class Ledger:
    """Charges a span of usage hours, in one accounting.

    ``discount`` [hour + 1] is the present value, at the span's start, of one dollar paid in an
    hour; the last entry belongs to the span's end.
    """

    accounting: Accounting
    start: datetime
    hours: int
    discount: NDArray[np.float64]

    def charged_hours(self, commitment: Commitment) -> range:
        """Hours from the span's start for which a commitment is charged.

        ``full_term`` follows the term past the span's end. A commitment that begins after the
        span is charged in no accounting.
        """
        term = commitment.term_in(self.start)
        if term.start >= self.hours:
            return range(0)
        end = term.stop if self.accounting == "full_term" else min(term.stop, self.hours)
        first = max(term.start, 0)
        return range(first, max(first, end))

    def horizon_hours(self, commitments: Iterable[Commitment]) -> int:
        """Hours until the last charge; the span itself unless terms are charged past it."""
        ends = (self.charged_hours(commitment).stop for commitment in commitments)
        return max(self.hours, *ends, 0)

    def charge(self, commitment: Commitment, month: MonthSpan) -> Charge:
        """What one commitment costs in one month."""
        first = commitment.term_in(self.start).start
        charged = self.charged_hours(commitment)
        begin = max(charged.start, month.first_hour)
        end = max(begin, min(charged.stop, month.end_hour))
        recurring = _recurring(commitment, end - first) - _recurring(commitment, begin - first)
        bought_now = month.first_hour <= first < min(month.end_hour, self.hours)
        paid = _of_all(commitment, _nano(commitment.upfront_usd)) if bought_now else 0
        if self.accounting == "cash_flow":
            return Charge(self._present_value(commitment, month, begin, end), recurring, paid)
        used_up = _used_up(commitment, end - first) - _used_up(commitment, begin - first)
        return Charge(recurring + used_up, recurring, paid)

    def on_demand(self, hourly_nanousd: NDArray[np.int64], month: MonthSpan) -> int:
        """What a month's on-demand usage costs; ``hourly_nanousd`` is [hour], nominal."""
        hours = slice(month.first_hour, month.end_hour)
        if self.accounting != "cash_flow":
            return int(hourly_nanousd[hours].sum())
        return round(math.fsum(hourly_nanousd[hours] * self.discount[:-1][hours]))

    def _present_value(self, commitment: Commitment, month: MonthSpan, begin: int, end: int) -> int:
        """Recurring fees and upfront of one month, less what is left at the span's end.

        An upfront paid before the span is sunk: neither charged nor credited.
        """
        term = commitment.term_in(self.start)
        value = _nano(commitment.hourly_usd) * _exact(math.fsum(self.discount[begin:end]))
        upfront = _nano(commitment.upfront_usd)
        if month.first_hour <= term.start < month.end_hour:
            value += upfront * _exact(self.discount[term.start])
        if 0 <= term.start < self.hours < term.stop and month.end_hour == self.hours:
            unused_share = Fraction(term.stop - self.hours, commitment.term_hours)
            value -= upfront * unused_share * _exact(self.discount[self.hours])
        return _of_all(commitment, value)


def discount_factors(hours: int, yearly_rate: float) -> NDArray[np.float64]:
    """Present value of one dollar paid in hour 0 … ``hours`` of a span, [hour + 1]."""
    years = np.arange(hours + 1) / HOURS_PER_YEAR
    return np.asarray((1.0 + yearly_rate) ** -years, dtype=np.float64)


def usd(nanousd: int) -> Decimal:
    """Nano-dollars as exact dollars."""
    return Decimal(nanousd).scaleb(-9)


def _recurring(commitment: Commitment, hours: int) -> int:
    """Recurring fees of the first ``hours`` of the term [nano-dollars]."""
    return _of_all(commitment, _nano(commitment.hourly_usd) * hours)


def _used_up(commitment: Commitment, hours: int) -> int:
    """Upfront that the first ``hours`` of the term have used up [nano-dollars]."""
    return _of_all(
        commitment, _nano(commitment.upfront_usd) * Fraction(hours, commitment.term_hours)
    )


def _of_all(commitment: Commitment, each_nanousd: Fraction) -> int:
    """Money of every machine, rounded for one machine first; a plan counts as one."""
    count = Fraction(commitment.count) if isinstance(commitment, Reservation) else 1
    return round(count * round(each_nanousd))


def _nano(amount_usd: Decimal) -> Fraction:
    return Fraction(amount_usd) * NANO


def _exact(factor: float | np.float64) -> Fraction:
    return Fraction(float(factor))
