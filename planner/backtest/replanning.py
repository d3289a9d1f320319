"""What policies ask the planner: a demand from a date on, what is owned, when one may buy."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from catalogs import Catalog
from planner.backtest.book import Holding, hold
from planner.calendar import HOUR
from planner.demand import Demand
from planner.forecasting import QUARTER_HOURS
from planner.planning import Surroundings, find_policy
from planner.problem import Problem, make_problem
from planner.rebill import account_of
from planner.request import (
    Horizon,
    Information,
    OwnedCommitment,
    PlanRequest,
    Purchases,
    Risk,
    Workload,
)

OFTEN_HOURS, RARELY_HOURS = 7 * 24, QUARTER_HOURS
"""Dates of a plan are at least so far apart, within about a quarter and after it: only its first
purchases are made."""


def pose(
    request: PlanRequest,
    catalog: Catalog,
    demand: Demand,
    owned: Sequence[OwnedCommitment],
    *,
    hours: int | None = None,
    dates: Sequence[datetime] = (),
    risk: Risk | None = None,
    information: Information | None = None,
    history_hours: int | None = None,
) -> Problem:
    """The problem of a demand in memory, from its first hour on, amortized.

    Args:
        request: what runs where, what may be bought, within what limits.
        catalog: the prices.
        demand: all its hours are planned for, in all its scenarios.
        owned: commitments owned.
        hours: of the demand that are planned for; all when absent.
        dates: when one may buy; the first hour when there are none.
        risk: how much bad futures weigh; not at all when absent.
        information: what later dates know; nothing when absent.
        history_hours: of the history that the demand was forecast from, if it was; else every term
            may be bought, as those policies may that know no more.

    Raises:
        InvalidInputError: with every fault of the request.
    """
    dates = dates or (demand.start,)
    limits = request.limits
    if isinstance(limits.upfront_budget_usd, tuple):
        kept = tuple(one for one in limits.upfront_budget_usd if one.date in dates)
        limits = limits.model_copy(update={"upfront_budget_usd": kept})
    end = demand.start + (hours or demand.hours) * HOUR
    changed = {
        "workloads": tuple(_held_within(one, demand.start, end) for one in request.workloads),
        "horizon": Horizon(start=demand.start, hours=hours or demand.hours),
        "purchases": Purchases(dates=tuple(dates)),
        "scenarios": None,
        "forecast": None,
        "present_bill": None,
        "information": information or Information(),
        "risk": risk or Risk(),
        "limits": limits,
        "owned": tuple(one for one in owned if one.end > demand.start),
    }
    asked = request.model_copy(update=changed)
    # The age of prices is of no account here: the past is judged at prices of one day.
    prices_of = datetime(catalog.as_of.year, catalog.as_of.month, catalog.as_of.day, tzinfo=UTC)
    return make_problem(
        asked,
        folder=Path(),
        today=prices_of,
        catalog=catalog,
        demand=demand,
        history_hours=history_hours,
        every_term=history_hours is None,
    )


def _held_within(workload: Workload, start: datetime, end: datetime) -> Workload:
    """A workload with the capacity that is held for it in some hours alone."""
    held = tuple(
        one
        for one in workload.capacity
        if max(one.start or start, start) < min(one.end or end, end)
    )
    return workload.model_copy(update={"capacity": held})


def purchases_of(problem: Problem, within_hours: int | None = None) -> tuple[Holding, ...]:
    """What the cost-minimal plan of a problem buys, whatever comes, at dates within some hours.

    At all dates when absent; else what is bought at once is whole, and later purchases are planned
    in fractions and rounded: where each of their machines goes is a long search that no purchase of
    the day waits for. Raises as `find_policy` does.
    """
    if within_hours is not None:
        problem = replace(problem, fractions_from=1)
    everything = len(problem.probability)
    hours = problem.calendar.hours if within_hours is None else within_hours
    return tuple(
        hold(
            one.option,
            one.quantity,
            problem.calendar.at(one.lot.ordered),
            account_of(problem, one.option) or None,
            lead_hours=one.lot.lead_hours,
        )
        for one in find_policy(problem, Surroundings()).bought
        if one.lot.ordered < hours and len(one.lot.group) == everything
    )


def dates_of_plan(date: datetime, dates: Sequence[datetime], end: datetime) -> tuple[datetime, ...]:
    """When a plan made at a date takes its owner to buy: now, soon, and later about every quarter.

    The dates known beforehand, past the last one further ones at the same pace, thinned. Dates soon
    to come matter to what is bought now: it need not serve what can be bought in time.
    """
    coming = [one for one in dates if one > date]
    if len(dates) > 1:
        pace = max((dates[-1] - dates[0]) // HOUR // (len(dates) - 1), 1) * HOUR
        last = max(dates[-1], date)
        while last + pace < end:
            last += pace
            coming.append(last)
    kept = [date]
    for one in coming:
        is_soon = (one - date) // HOUR < RARELY_HOURS
        if (one - kept[-1]) // HOUR >= (OFTEN_HOURS if is_soon else RARELY_HOURS):
            kept.append(one)
    return tuple(one for one in kept if one < end)
