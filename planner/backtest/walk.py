"""The walk of one policy over one course: at each date it sees the past, decides, buys."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from planner.backtest.book import Holding, Record, holdings_of, settled, steadied
from planner.backtest.courses import run_course
from planner.backtest.drawing import unannounced
from planner.backtest.policies import Policy, make_policy
from planner.backtest.setting import Seen, Setting, cut
from planner.calendar import HOUR
from planner.demand import Demand
from planner.request import Course, PolicyName

STRETCH_S = 1.0
"""A walk reports about every so many seconds, as far as a decision does not take longer."""


def walk_on(
    setting: Setting, course: Course, name: PolicyName, records: Sequence[Record]
) -> tuple[Record, ...]:
    """The next decisions of a walk: as many as a second allows, at least one; none at its end.

    Args:
        setting: the back-test.
        course: what demand does.
        name: the policy.
        records: its decisions so far, all that it remembers.

    Raises:
        InvalidInputError, PlannerError: as `planner.make_plan` does.
    """
    if course.reversed:
        # Announcements are of the demand as it was recorded.
        neutral, cautious = unannounced(setting.neutral), unannounced(setting.cautious)
        setting = replace(setting, neutral=neutral, cautious=cautious)
    policy = make_policy(name, setting)
    demand = run_course(setting.history, course)
    began, found = time.perf_counter(), list(records)
    for date in policy.dates(setting)[len(records) :]:
        found.append(_decide(policy, name, setting, course.label, demand, date, found))
        if time.perf_counter() - began > STRETCH_S:
            break
    return tuple(found[len(records) :])


def decisions_of(setting: Setting, name: PolicyName) -> int:
    """How many decisions a walk has."""
    return len(make_policy(name, setting).dates(setting))


def see(
    policy: Policy, setting: Setting, demand: Demand, date: datetime, book: Sequence[Holding]
) -> Seen:
    """All that a policy sees at a date, its book what it has bought."""
    end = setting.calendar.end if policy.sees_future else date
    return Seen(
        request=setting.request,
        catalog=setting.catalog,
        date=date,
        past=cut(demand, end),
        owned=(*setting.owned, *(one.commitment for one in book)),
        dates=setting.dates,
    )


def _decide(
    policy: Policy,
    name: PolicyName,
    setting: Setting,
    label: str,
    demand: Demand,
    date: datetime,
    records: Sequence[Record],
) -> Record:
    began = time.perf_counter()
    are_close = _are_close(policy, setting)
    book = settled(records) if are_close else holdings_of(records)
    wanted = policy.decide(see(policy, setting, demand, date, book))
    if are_close:
        bought = steadied(wanted, records, date)
    else:
        bought = tuple(one for one in wanted if policy.sees_future or one.ordered == date)
    seconds = time.perf_counter() - began
    return Record(
        course=label, policy=name, date=date, wanted=wanted, bought=bought, seconds=seconds
    )


def _are_close(policy: Policy, setting: Setting) -> bool:
    """Whether dates are so close that targets are steadied."""
    dates = policy.dates(setting)
    if len(dates) < 2:
        return False
    return (dates[-1] - dates[0]) / (len(dates) - 1) < policy.steady_hours * HOUR
