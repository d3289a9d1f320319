"""What a bill charges month by month, under each of the three accountings.

Money is whole nano-dollars in Python integers. Sums are rounded as running totals per machine
(half to even): hours add up to the exact total, and two purchases of one machine cost what one
purchase of two does. What is bought and sold again (owned servers) counts less its resale.
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

from catalogs.faults import Faults
from planner.billing.commitments import Commitment
from planner.billing.hours import TICKS_PER_HOUR, MonthSpan, Stretch, in_hours

Accounting = Literal["amortized", "cash_flow", "full_term"]

NANO = 10**9
HOURS_PER_YEAR = 8760

# Just below the end of int64 (9.22e18), so that no rounding of the check lets a sum wrap.
LARGEST_NANOUSD = 9 * 10**18


@dataclass(frozen=True)
class Charge:
    """One commitment in one month [nano-dollars]: its cost in the accounting, and nominal cash.

    ``recurring`` is what is paid as it runs, less what is resold at the end.
    """

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

    def charged(self, commitment: Commitment) -> Stretch:
        """When a commitment is charged, from the span's start.

        ``full_term`` follows the term past the span's end. A commitment that begins after the
        span is charged in no accounting.
        """
        term = commitment.term_in(self.start)
        span_end = self.hours * TICKS_PER_HOUR
        if term.begin >= span_end:
            return Stretch(0, 0)
        end = term.end if self.accounting == "full_term" else min(term.end, span_end)
        first = max(term.begin, 0)
        return Stretch(first, max(first, end))

    def horizon_hours(self, commitments: Iterable[Commitment]) -> int:
        """Hours until the last charge; the span itself unless terms are charged past it."""
        ends = (-(-self.charged(commitment).end // TICKS_PER_HOUR) for commitment in commitments)
        return max(self.hours, *ends, 0)

    def charges(
        self,
        commitment: Commitment,
        months: Sequence[MonthSpan],
        beside: NDArray[np.int64] | None = None,
    ) -> list[Charge]:
        """What one commitment costs in each of the months, which follow one another.

        ``beside`` is what the usage it serves adds to its price by the hour [hour].
        """
        term, charged = commitment.term_in(self.start), self.charged(commitment)
        turns = [months[0].first_hour, *(month.end_hour for month in months)]
        edges = [min(max(turn * TICKS_PER_HOUR, charged.begin), charged.end) for turn in turns]
        run = [edge - term.begin for edge in edges]
        recurring = _steps(_running_totals(commitment, _nano(commitment.hourly_usd), run))
        if self.accounting == "cash_flow":
            costs = [
                self._present_value(commitment, month, Stretch(begin, end))
                for month, (begin, end) in zip(months, pairwise(edges), strict=True)
            ]
        else:
            written_off = _nano(commitment.upfront_usd - commitment.resale_usd)
            each_hour = written_off / Fraction(commitment.term_hours)
            used_up = _steps(_running_totals(commitment, each_hour, run))
            costs = [fees + part for fees, part in zip(recurring, used_up, strict=True)]
        charges = self._cash(commitment, months, costs, recurring)
        return charges if beside is None else self._with(charges, beside, months)

    def _cash(
        self,
        commitment: Commitment,
        months: Sequence[MonthSpan],
        costs: Sequence[int],
        recurring: Sequence[int],
    ) -> list[Charge]:
        """What is paid in the months: the upfront as the term begins, the resale as it ends.

        What an exchange credits is taken off the upfront paid for what is taken.
        """
        term, last = commitment.term_in(self.start), self.charged(commitment).end
        charges = []
        for month, cost, fees in zip(months, costs, recurring, strict=True):
            first, end = month.first_hour * TICKS_PER_HOUR, month.end_hour * TICKS_PER_HOUR
            begins = first <= term.begin < min(end, self.hours * TICKS_PER_HOUR)
            ends = first < term.end <= min(end, last)
            paid = _of_all(commitment, _nano(commitment.upfront_usd)) if begins else 0
            resale = _of_all(commitment, _nano(commitment.resale_usd)) if ends else 0
            if commitment.is_credited:
                charges.append(Charge(cost, fees, paid - resale))
            else:
                charges.append(Charge(cost, fees - resale, paid))
        return charges

    def _with(
        self, charges: Sequence[Charge], beside: NDArray[np.int64], months: Sequence[MonthSpan]
    ) -> list[Charge]:
        """Charges, and what usage adds to them by the hour."""
        return [
            Charge(
                one.cost + self.by_the_hour(beside, month),
                one.recurring + self.nominal(beside, month),
                one.upfront_paid,
            )
            for one, month in zip(charges, months, strict=True)
        ]

    def by_the_hour(self, hourly_nanousd: NDArray[np.int64], month: MonthSpan) -> int:
        """What a month's hours cost in the accounting; ``hourly_nanousd`` is [hour], nominal."""
        if self.accounting != "cash_flow":
            return self.nominal(hourly_nanousd, month)
        hours = slice(month.first_hour, month.end_hour)
        return round(math.fsum(hourly_nanousd[hours] * self.discount[:-1][hours]))

    def nominal(self, hourly_nanousd: NDArray[np.int64], month: MonthSpan) -> int:
        """What a month's hours cost as paid [nano-dollars]; nothing past the span."""
        return int(hourly_nanousd[month.first_hour : month.end_hour].sum())

    def _present_value(self, commitment: Commitment, month: MonthSpan, during: Stretch) -> int:
        """Recurring fees and upfront of one month, less what is left at the span's end.

        An upfront paid before the span is sunk: neither charged nor credited. What is resold
        comes in at the term's end, or counts at the span's end if that is sooner.
        """
        if during.begin == during.end:
            return 0
        term = commitment.term_in(self.start)
        worth = math.fsum(self.discount[during.clock_hours].tolist())
        worth -= sum(float(self.discount[hour]) * part for hour, part in during.outside)
        value = _nano(commitment.hourly_usd) * _exact(worth)
        upfront, resale = _nano(commitment.upfront_usd), _nano(commitment.resale_usd)
        begins, ends = term.begin // TICKS_PER_HOUR, term.end // TICKS_PER_HOUR
        if month.first_hour <= begins < month.end_hour:
            value += upfront * _exact(self.discount[begins])
        past_end = term.end - self.hours * TICKS_PER_HOUR
        if term.begin >= 0 and past_end > 0 and month.end_hour == self.hours:
            unused_share = in_hours(past_end) / Fraction(commitment.term_hours)
            left = resale + (upfront - resale) * unused_share
            value -= left * _exact(self.discount[self.hours])
        if resale and past_end <= 0 and during.end == term.end:
            value -= resale * _exact(self.discount[ends])
        return _of_all(commitment, value)


def discount_factors(hours: int, yearly_rate: float) -> NDArray[np.float64]:
    """Present value of one dollar paid in hour 0 … ``hours`` of a span, [hour + 1]."""
    years = np.arange(hours + 1) / HOURS_PER_YEAR
    return np.asarray((1.0 + yearly_rate) ** -years, dtype=np.float64)


def usd(nanousd: int) -> Decimal:
    """Nano-dollars as exact dollars."""
    return Decimal(nanousd).scaleb(-9)


def whole_nanousd(field: str, cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Costs in whole nano-dollars. Raises InvalidInputError where their sum is beyond int64."""
    with np.errstate(over="ignore"):  # an infinite sum is refused as too large
        rounded = np.rint(cost)
        check_total(field, float(rounded.sum()))
    return np.asarray(rounded, dtype=np.int64)


def usage_nanousd(quantity: NDArray[np.float64], each_usd: Sequence[Decimal]) -> NDArray[np.int64]:
    """What usage costs at the given prices [hour × class], each cell in whole nano-dollars."""
    prices = np.array([float(one * NANO) for one in each_usd])
    with np.errstate(over="ignore"):  # an infinite sum is refused as too large
        return whole_nanousd("usage at on-demand prices [USD]", quantity * prices)


def check_total(field: str, nanousd: float) -> None:
    """Raise InvalidInputError where a sum is more than a bill can hold."""
    faults = Faults()
    if nanousd > LARGEST_NANOUSD:
        fix = "a bill holds at most 9 billion USD: check units and prices, or bill a shorter span"
        faults.add(field, nanousd / NANO, fix)
    faults.raise_if_any()


def _running_totals(
    commitment: Commitment, each_nanousd: Fraction, ticks: Sequence[int]
) -> list[int]:
    """Money of the first ticks of the term, for each number of them [nano-dollars]."""
    if not each_nanousd:
        return [0] * len(ticks)
    total = {run: _of_all(commitment, each_nanousd * in_hours(run)) for run in set(ticks)}
    return [total[run] for run in ticks]


def _steps(totals: Sequence[int]) -> list[int]:
    return [later - sooner for sooner, later in pairwise(totals)]


def _of_all(commitment: Commitment, each_nanousd: Fraction) -> int:
    """Money of every machine, rounded for one machine first; a plan counts as one."""
    return round(Fraction(commitment.copies) * round(each_nanousd))


def _nano(amount_usd: Decimal) -> Fraction:
    return Fraction(amount_usd) * NANO


def _exact(factor: float | np.float64) -> Fraction:
    return Fraction(float(factor))
