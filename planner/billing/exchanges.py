"""What providers allow when commitments are exchanged or given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from catalogs.faults import Faults
from planner.billing.commitments import Reservation
from planner.billing.hours import ONE_HOUR

AZURE_REFUNDS_USD = Decimal(50_000)
"""Commitment that Azure takes back in any twelve months, per billing profile or enrolment."""

AZURE_REFUND_MONTHS = 12


class Worth(NamedTuple):
    """What is left of a reservation: upfront for the time to come, and with the hourly fees."""

    upfront_usd: Decimal
    total_usd: Decimal


@dataclass(frozen=True)
class Exchange:
    """An exchange of Convertible Reserved Instances: ``count`` of the target until ``end``.

    ``true_up_usd`` is paid on the day of the exchange.
    """

    count: int
    true_up_usd: Decimal
    end: datetime


def convertible_count(given_usd: Decimal, target_usd: Decimal) -> int:
    """Targets worth ``target_usd`` each that are at least worth what is given."""
    return ceil(given_usd / target_usd)


def true_up_usd(upfront_left_usd: Decimal, upfront_needed_usd: Decimal) -> Decimal:
    """What is paid to exchange; nothing is paid back."""
    return max(upfront_needed_usd - upfront_left_usd, Decimal(0))


def exchange_convertible(
    given: Sequence[Reservation], target: Reservation, at: datetime
) -> Exchange:
    """Exchange convertible reservations for the product ``target`` names.

    ``target`` gives region and the prices of a whole term; its count, account and dates are not
    read. Lots that merge end with the last of them. Raises InvalidInputError with every reason
    why AWS refuses: not convertible, ended, another region, a payment option that may not
    follow, no more value.
    """
    _check_exchange(given, target, at)
    end = max(_end(one) for one in given)
    worth = [_worth(one, at, _end(one)) for one in given]
    total = sum((w.total_usd * one.count for w, one in zip(worth, given, strict=True)), Decimal(0))
    left = sum((w.upfront_usd * one.count for w, one in zip(worth, given, strict=True)), Decimal(0))
    each = _worth(target, at, end)
    count = convertible_count(total, each.total_usd)
    if not any(one.upfront_usd for one in given):
        _check_hourly(given, target, count)
    return Exchange(count, true_up_usd(left, each.upfront_usd * count), end)


def _end(reservation: Reservation) -> datetime:
    return reservation.start + float(reservation.term_hours) * ONE_HOUR


def _worth(reservation: Reservation, at: datetime, end: datetime) -> Worth:
    """What one machine's time from ``at`` to ``end`` is worth at the reservation's prices."""
    hours = Decimal((end - at) / ONE_HOUR)
    upfront = reservation.upfront_usd * hours / reservation.term_hours
    return Worth(upfront, upfront + reservation.hourly_usd * hours)


def _check_exchange(given: Sequence[Reservation], target: Reservation, at: datetime) -> None:
    faults = Faults()
    if not given:
        faults.add("given", given, "name at least one reservation to exchange")
    for position, one in enumerate(given):
        field = f"given[{position}]"
        if not one.convertible:
            faults.add(f"{field}.convertible", False, "only convertible reservations exchange")
        if not one.start <= at < _end(one):
            faults.add(f"{field}.start", one.start, "exchange it while it runs")
        if one.region != target.region:
            faults.add(f"{field}.region", one.region, f"stay in the target's, {target.region}")
        if one.upfront_usd and not target.upfront_usd:
            fix = "what was paid upfront exchanges only for an offer with upfront"
            faults.add("target.upfront_usd", target.upfront_usd, fix)
    if target.list_value_usd == 0:
        faults.add("target.hourly_usd", target.hourly_usd, "name a target that costs something")
    faults.raise_if_any()


def _check_hourly(given: Sequence[Reservation], target: Reservation, count: int) -> None:
    """No Upfront goes to No Upfront only at an equal or higher hourly price."""
    now = sum((one.hourly_usd * one.count for one in given), Decimal(0))
    faults = Faults()
    if not target.upfront_usd and target.hourly_usd * count < now:
        fix = f"exchange at no less than today's {now} USD per hour, or for an offer with upfront"
        faults.add("target.hourly_usd", target.hourly_usd, fix)
    faults.raise_if_any()


class Cancellation(NamedTuple):
    """Azure commitment given back: when, and the payments that were still to come."""

    at: datetime
    cancelled_usd: Decimal


def remaining_commitment_usd(monthly_usd: Decimal, months: int, payments_made: int) -> Decimal:
    """Payments still to come of an Azure reservation; a new one it is exchanged for is no less."""
    return monthly_usd * (months - payments_made)


def refundable_usd(cancelled: Sequence[Cancellation], at: datetime) -> Decimal:
    """Commitment that Azure still takes back at a moment, after what it took in twelve months.

    What is exchanged does not count.
    """
    recent = (
        one.cancelled_usd
        for one in cancelled
        if _within_window(one.at.astimezone(UTC), at.astimezone(UTC))
    )
    return max(AZURE_REFUNDS_USD - sum(recent, Decimal(0)), Decimal(0))


def refund_usd(
    bought_usd: Decimal, today_usd: Decimal, share_left: Decimal, fee_share: Decimal = Decimal(0)
) -> Decimal:
    """What Azure pays back of a reservation: the lower of its price then and now, pro rata.

    ``share_left`` (0–1) is the part of the term to come; ``fee_share`` is 0 today, and may
    become 0.12.
    """
    return min(bought_usd, today_usd) * share_left * (1 - fee_share)


def _within_window(moment: datetime, at: datetime) -> bool:
    """Whether ``moment`` lies in the twelve calendar months up to ``at``."""
    months = (at.year - moment.year) * 12 + at.month - moment.month
    later_in_month = (moment.day, moment.time()) > (at.day, at.time())
    same_day_not_reached = months == AZURE_REFUND_MONTHS and later_in_month
    return moment <= at and (months < AZURE_REFUND_MONTHS or same_day_not_reached)
