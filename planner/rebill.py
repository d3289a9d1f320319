"""Hands a decision to the billing simulator: the usage it makes, the commitments it buys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer, OfferKind
from planner.billing import Bill, Commitment, RateKey, Reservation, SavingsPlan, Usage, UsageClass
from planner.billing import bill as bill_usage
from planner.decision import Bought, Decision
from planner.fleet import Machine
from planner.problem import Problem
from planner.purchases import Option

ACCOUNT = "default"
"""Usage and commitments stand in one account, but for workloads with dedicated reservations."""


def rebill(problem: Problem, decision: Decision, *, linear: bool = False) -> Bill:
    """The provider's bill of a decision, owned commitments included.

    Args:
        problem: the problem decided on.
        decision: purchases and running machines.
        linear: bill at the model's linear prices instead of the exact rows. What this bill and
            the model disagree on is the provider's order of application alone.
    """
    return bill_usage(
        usage_of(problem, decision.running, linear=linear),
        commitments_of(problem, decision.bought, linear=linear),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )


def bill_on_demand(problem: Problem, running: NDArray[np.float64]) -> Bill:
    """The provider's bill without any commitment, in the problem's accounting."""
    return bill_usage(
        usage_of(problem, running),
        (),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )


def machines_of(problem: Problem) -> tuple[Machine, ...]:
    """The machines of all candidates, in the order of the bill's columns."""
    return tuple(dict.fromkeys(candidate.machine for candidate in problem.candidates))


def usage_of(problem: Problem, running: NDArray[np.float64], *, linear: bool = False) -> Usage:
    """Metered usage of running machines [hour × candidate]."""
    machines = machines_of(problem)
    column = {machine: position for position, machine in enumerate(machines)}
    quantity = np.zeros((problem.calendar.hours, len(machines)), order="F")
    for position, candidate in enumerate(problem.candidates):
        quantity[:, column[candidate.machine]] += running[:, position]
    classes = tuple(
        UsageClass(
            account=machine.pool.account or ACCOUNT,
            name=machine.instance_type,
            region=machine.region,
            os=machine.os,
            tenancy=machine.tenancy,
            family=machine.family,
            units=machine.units,
            on_demand_usd=linear_price_usd(problem, machine) if linear else machine.on_demand_usd,
        )
        for machine in machines
    )
    return Usage(problem.calendar.start, classes, quantity)


def linear_price_usd(problem: Problem, machine: Machine) -> Decimal:
    """A machine's on-demand price as the model sees it, without its excess."""
    part = problem.pools.slices[problem.pools.slice_of(machine)]
    return _decimal(part.on_demand_usd * part.machine_units(machine))


def commitments_of(
    problem: Problem, bought: Iterable[Bought], *, linear: bool = False
) -> tuple[Commitment, ...]:
    """Everything committed: purchases, then what is owned already."""
    new = [
        _commitment(
            problem,
            one.option,
            purchase_id(problem, one),
            one.quantity,
            problem.calendar.at(one.lot.start),
            account=account_of(problem, one.option),
            linear=linear,
        )
        for one in bought
    ]
    old = [
        _commitment(
            problem,
            owned.option,
            owned.commitment.id,
            owned.quantity,
            owned.commitment.start,
            account=owned.commitment.workload or "",
            linear=linear,
        )
        for owned in problem.owned
    ]
    return tuple(new + old)


def purchase_id(problem: Problem, bought: Bought) -> str:
    """Names a purchase: the offer and its date."""
    date = problem.calendar.at(bought.lot.start)
    account = account_of(problem, bought.option)
    tied = f" for {account}" if account else ""
    return f"{bought.option.offer.offer_id}{tied} @ {date:%Y-%m-%dT%H:%MZ}"


def account_of(problem: Problem, option: Option) -> str:
    """The workload an option's reservations are tied to; empty where they serve all."""
    if option.pool is None or not option.offer.kind.is_dedicated:
        return ""
    return problem.pools.keys[option.pool].account


def _commitment(
    problem: Problem,
    option: Option,
    name: str,
    quantity: Decimal,
    start: datetime,
    *,
    account: str,
    linear: bool,
) -> Commitment:
    offer = option.offer
    if isinstance(offer, DedicatedOffer):
        return Reservation(
            commitment_id=name,
            account=account or ACCOUNT,
            shared=not account,
            start=start,
            term_hours=offer.term_hours,
            region=offer.region,
            instance_type=offer.instance_type,
            family=offer.family,
            units=offer.units,
            size_flexible=offer.size_flexible,
            os=offer.os,
            tenancy=offer.tenancy,
            count=quantity,
            upfront_usd=offer.upfront_usd,
            hourly_usd=offer.hourly_usd,
        )
    rates = _linear_rates(problem, option) if linear else option.machine_rates
    return SavingsPlan(
        commitment_id=name,
        account=ACCOUNT,
        start=start,
        term_hours=offer.term_hours,
        kind="ec2" if offer.kind is OfferKind.SAVINGS_PLAN_EC2 else "compute",
        region=offer.region,
        family=offer.family,
        commitment_usd=quantity,
        upfront_share=offer.upfront_share,
        rates={_rate_key(machine): rate for machine, rate in rates},
    )


def _linear_rates(problem: Problem, option: Option) -> Sequence[tuple[Machine, Decimal]]:
    """A plan's rates as the model sees them: proportional inside each slice."""
    rates = []
    for part, rate in zip(problem.pools.slices, option.rates, strict=False):
        if rate is not None:
            rates += [(one, _decimal(rate * part.machine_units(one))) for one in part.machines]
    return rates


def _rate_key(machine: Machine) -> RateKey:
    return RateKey("ec2", machine.instance_type, machine.region, machine.os, machine.tenancy)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
