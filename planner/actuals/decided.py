"""What a plan document decided, found again in the problem that it was planned from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.decision import Bought
from planner.exchanged import Exchanged
from planner.exchanges import find_exchanges
from planner.plan import ConvertibleExchange, MachineShare, Plan, Purchase
from planner.problem import Problem
from planner.rebill import account_of, source_id

Floats = NDArray[np.float64]
One = TypeVar("One", Purchase, MachineShare, ConvertibleExchange)


@dataclass(frozen=True)
class Decided:
    """A plan's decision in one future.

    Attributes:
        bought: its purchases.
        shares: share of the workload [hour × candidate] where there is a choice; 0 elsewhere,
            and all over where the plan needs nothing of a workload. Hours in which it needs
            nothing have the shares of the last hour before them that it tells, else the first.
        exchanges: those it makes.
    """

    bought: tuple[Bought, ...]
    shares: Floats
    exchanges: tuple[Exchanged, ...] = ()


def future_of(plan: Plan, problem: Problem, scenario: str | None) -> Problem:
    """The problem of the future that a plan is compared in.

    Raises:
        InvalidInputError: a plan of several futures needs the name of one, others take none; or
            the plan is of other hours than the request, or of machines it does not tell.
    """
    faults = Faults()
    names = [one.name for one in plan.scenarios]
    known = [one.name for one in problem.demand.scenarios]
    if names and scenario not in names:
        fix = f"name the future to compare with: {', '.join(names)}"
        faults.add("scenario", scenario, fix)
    elif not names and scenario is not None:
        faults.add("scenario", scenario, "the plan has one future only; leave it out")
    if (names or len(known) > 1) and sorted(names) != sorted(known):
        faults.add("plan.scenarios", names, f"the request has {', '.join(known)}; give the plan's")
    _check_horizon(plan, problem, faults)
    faults.raise_if_any()
    return problem.future(known.index(scenario) if scenario is not None else 0)


def find_decided(plan: Plan, future: Problem, scenario: str | None) -> Decided:
    """Purchases and shares of a plan in one future; raises InvalidInputError for unknown ones."""
    faults = Faults()
    bought = _bought(plan, future, scenario, faults)
    shares = _shares(plan, future, scenario, faults)
    exchanges = _exchanged(plan, future, scenario, faults)
    faults.raise_if_any()
    return Decided(bought, shares, exchanges)


def _check_horizon(plan: Plan, problem: Problem, faults: Faults) -> None:
    """Both must be of the same hours and accounting, and of machines that the plan tells."""
    calendar, horizon = problem.calendar, plan.horizon
    for name, planned, asked in (
        ("start", horizon.start, calendar.start),
        ("hours", horizon.hours, calendar.hours),
        ("accounting", horizon.accounting, calendar.accounting),
        ("discount_rate", horizon.discount_rate, calendar.discount_rate),
    ):
        if planned != asked:
            fix = f"the request's is {asked}; give the request it was planned from"
            faults.add(f"plan.horizon.{name}", str(planned), fix)
    positions = [one.workload for one in problem.candidates]
    if problem.request.whole_machines and len(positions) != len(set(positions)):
        fix = "the plan chooses machines by the hour and does not tell them; name one a workload"
        faults.add("request.whole_machines", value=True, fix=fix)


def _bought(
    plan: Plan, future: Problem, scenario: str | None, faults: Faults
) -> tuple[Bought, ...]:
    # Plans buy reservations in sizes that run, which are not all among a problem's own options.
    machines = {one.machine.resource.name for one in future.candidates}
    future = future.with_sizes(machines)
    lots = {
        (option.offer.offer_id, account_of(future, option) or None, lot.start): lot
        for lot in future.lots
        for option in (future.options[lot.option],)
    }
    found: list[Bought] = []
    for position, one in _of_future(plan.purchases, scenario):
        lot = lots.get((one.offer_id, one.workload, future.calendar.hour_of(one.start)))
        field = f"plan.purchases.{position}"
        if lot is None:
            shown = f"{one.offer_id} on {one.start:%Y-%m-%dT%H:%MZ}"
            fix = "the request offers no such purchase; give the request and catalogue planned with"
            faults.add(field, shown, fix)
            continue
        option = future.options[lot.option]
        steps, rest = divmod(one.quantity, option.step)
        if rest or steps < 1:
            faults.add(f"{field}.quantity", str(one.quantity), f"buy a multiple of {option.step}")
            continue
        found.append(Bought(lot, option, int(steps)))
    return tuple(found)


def _exchanged(
    plan: Plan, future: Problem, scenario: str | None, faults: Faults
) -> tuple[Exchanged, ...]:
    offered = find_exchanges(future, future.lots)
    known = {
        (one.target.offer.offer_id, account_of(future, one.target) or None, one.hour, one.end): one
        for one in offered.exchanges
    }
    found: list[Exchanged] = []
    for position, one in _of_future(plan.exchanges, scenario):
        when = future.calendar.hour_of(one.date), future.calendar.hour_of(one.end)
        exchange = known.get((one.offer_id, one.workload, *when))
        held = () if exchange is None else exchange.sources
        sources = {source_id(future, source): source for source in held}
        unknown = [given.id for given in one.given if given.id not in sources]
        if exchange is None or unknown:
            shown = f"{one.offer_id} on {one.date:%Y-%m-%dT%H:%MZ}"
            fix = "the request offers no such exchange; give the request and catalogue planned with"
            faults.add(f"plan.exchanges.{position}", shown, fix)
            continue
        given = tuple((sources[given.id], int(given.quantity)) for given in one.given)
        found.append(Exchanged(exchange, given))
    return tuple(found)


def _shares(plan: Plan, future: Problem, scenario: str | None, faults: Faults) -> Floats:
    """Shares by the hour [hour × candidate], as far as the plan tells them."""
    calendar, workloads = future.calendar, future.request.workloads
    positions = {
        (workloads[one.workload].name, one.machine.instance_type, one.machine.region,
         one.machine.is_spot): position
        for position, one in enumerate(future.candidates)
    }  # fmt: skip
    shares = np.zeros((calendar.hours, len(future.candidates)), order="F")
    for number, one in _of_future(plan.mix, scenario):
        candidate = positions.get((one.workload, one.instance_type, one.region, one.spot))
        if candidate is None:
            shown = f"{one.workload} on {one.instance_type} in {one.region}"
            fix = "the request has no such machine; give the request and catalogue planned with"
            faults.add(f"plan.mix.{number}", shown, fix)
            continue
        during = slice(calendar.hour_of(one.start), calendar.hour_of(one.end))
        shares[during, candidate] = one.share
    for workload in range(len(workloads)):
        mine = future.candidates_of(workload)
        shares[:, mine] = _carried_on(shares[:, mine])
    return shares


def _carried_on(shares: Floats) -> Floats:
    """Shares [hour × machine] without gaps between hours that have some."""
    told = np.asarray(shares.any(axis=1))
    latest = np.maximum.accumulate(np.where(told, np.arange(len(told)), -1))
    return np.asarray(shares[np.where(latest < 0, np.argmax(told), latest)])


def _of_future(several: Iterable[One], scenario: str | None) -> list[tuple[int, One]]:
    """Those that hold in a future, by their positions in the plan."""
    return [
        (position, one)
        for position, one in enumerate(several)
        if one.scenarios is None or scenario in one.scenarios
    ]
