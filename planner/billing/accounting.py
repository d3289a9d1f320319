"""What a bill charges month by month, under each of the three accountings.

Money is whole nano-dollars in Python integers. Sums are rounded as running totals per machine
(half to even): hours add up to the exact total, and two purchases of one machine cost what one
purchase of two does.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
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

    def charges(self, commitment: Commitment, months: Sequence[MonthSpan]) -> list[Charge]:
        """What one commitment costs in each of the months, which follow one another."""
        term, charged = commitment.term_in(self.start), self.charged_hours(commitment)
        turns = [months[0].first_hour, *(month.end_hour for month in months)]
        edges = [min(max(turn, charged.start), charged.stop) for turn in turns]
        run = [edge - term.start for edge in edges]
        recurring = _steps(_running_totals(commitment, _nano(commitment.hourly_usd), run))
        paid = [
            _of_all(commitment, _nano(commitment.upfront_usd))
            if month.first_hour <= term.start < min(month.end_hour, self.hours)
            else 0
            for month in months
        ]
        if self.accounting == "cash_flow":
            costs = [
                self._present_value(commitment, month, begin, end)
                for month, (begin, end) in zip(months, pairwise(edges), strict=True)
            ]
        else:
            each_hour = _nano(commitment.upfront_usd) / commitment.term_hours
            used_up = _steps(_running_totals(commitment, each_hour, run))
            costs = [fees + part for fees, part in zip(recurring, used_up, strict=True)]
        return [Charge(*one) for one in zip(costs, recurring, paid, strict=True)]

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
        if begin == end:
            return 0
        term = commitment.term_in(self.start)
        worth = math.fsum(self.discount[begin:end].tolist())
        value = _nano(commitment.hourly_usd) * _exact(worth)
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


def _running_totals(
    commitment: Commitment, each_nanousd: Fraction, hours: Sequence[int]
) -> list[int]:
    """Money of the first hours of the term, for each number of them [nano-dollars]."""
    total = {run: _of_all(commitment, each_nanousd * run) for run in set(hours)}
    return [total[run] for run in hours]


def _steps(totals: Sequence[int]) -> list[int]:
    return [later - sooner for sooner, later in pairwise(totals)]


def _of_all(commitment: Commitment, each_nanousd: Fraction) -> int:
    """Money of every machine, rounded for one machine first; a plan counts as one."""
    count = Fraction(commitment.count) if isinstance(commitment, Reservation) else 1
    return round(count * round(each_nanousd))


def _nano(amount_usd: Decimal) -> Fraction:
    return Fraction(amount_usd) * NANO


def _exact(factor: float | np.float64) -> Fraction:
    return Fraction(float(factor))
