"""Hands a decision to the billing simulator: the usage it makes, the commitments it buys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer, OfferKind
from planner.billing import (
    Bill,
    CapacityBlock,
    CapacityReservation,
    Commitment,
    OwnHardware,
    Provider,
    RateKey,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
)
from planner.billing import bill as bill_usage
from planner.billing.usage import MACHINE_SERVICE
from planner.decision import Bought, Decision
from planner.hardware import HardwareOffer
from planner.held import billed_as_running, held_name, reserved_machines
from planner.machines import Resource
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
        usage_of(
            problem, billed_as_running(problem, decision.running, decision.held), linear=linear
        ),
        (
            *commitments_of(problem, decision.bought, linear=linear),
            *reservations_of(problem, decision.running, decision.held, linear=linear),
        ),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )


def bill_on_demand(
    problem: Problem, running: NDArray[np.float64], held: NDArray[np.float64] | None
) -> Bill:
    """The provider's bill without any commitment, in the problem's accounting.

    Capacity that is held stays on it.
    """
    return bill_usage(
        usage_of(problem, billed_as_running(problem, running, held)),
        reservations_of(problem, running, held),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )


def resources_of(problem: Problem) -> tuple[Resource, ...]:
    """What all candidates are billed as, in the order of the bill's columns."""
    parts = (part for candidate in problem.candidates for part in candidate.machine.parts)
    return tuple(dict.fromkeys(part.resource for part in parts))


def usage_of(problem: Problem, running: NDArray[np.float64], *, linear: bool = False) -> Usage:
    """Metered usage of running machines [hour × candidate]."""
    resources = resources_of(problem)
    column = {resource: position for position, resource in enumerate(resources)}
    quantity = np.zeros((problem.calendar.hours, len(resources)), order="F")
    for position, candidate in enumerate(problem.candidates):
        for part in candidate.machine.parts:
            hours = running[:, position]
            # Most machines are one resource: no rounding where there is nothing to multiply.
            used = hours if part.quantity == 1 else hours * float(part.quantity)
            quantity[:, column[part.resource]] += used
    classes = tuple(_billed_class(problem, one, linear=linear) for one in resources)
    return Usage(problem.calendar.start, classes, quantity)


def reservations_of(
    problem: Problem,
    running: NDArray[np.float64],
    held: NDArray[np.float64] | None,
    *,
    linear: bool = False,
) -> tuple[CapacityReservation, ...]:
    """Capacity reservations for what is held [hour × candidate]."""
    found = []
    for one in reserved_machines(problem, running, held):
        resource = problem.candidates[one.candidate].machine.resource
        machine = _billed_class(problem, resource, linear=linear)
        found.append(
            CapacityReservation(
                commitment_id=held_name(problem, one),
                account=machine.account,
                provider=machine.provider,
                start=problem.calendar.at(one.start),
                term_hours=Decimal(one.end - one.start),
                machine=machine,
                count=Decimal(repr(one.machines)),
            )
        )
    return tuple(found)


def _billed_class(problem: Problem, resource: Resource, *, linear: bool) -> UsageClass:
    """A resource as the bill knows it, at its exact price or the model's."""
    if linear:
        return _usage_class(resource, linear_price_usd(problem, resource))
    return _usage_class(resource, resource.on_demand_usd, resource.software_usd)


def _usage_class(
    resource: Resource, price_usd: Decimal, software_usd: Decimal = Decimal(0)
) -> UsageClass:
    return UsageClass(
        account=resource.pool.account or ACCOUNT,
        provider=biller_of(resource.provider),
        name=resource.name,
        region=resource.region,
        os=resource.os,
        tenancy=resource.tenancy,
        family=resource.family,
        units=resource.units,
        on_demand_usd=price_usd,
        spot_usd=price_usd if resource.pool.spot else None,
        software_usd=software_usd,
        sustained_use=resource.sustained_use,
        capacity_group=resource.capacity_group or None,
    )


def biller_of(provider: str) -> Provider:
    """Whose rules a provider's bill follows: its own where they are known."""
    return provider if provider in get_args(Provider) else "custom"  # type: ignore[return-value]


def linear_price_usd(problem: Problem, resource: Resource) -> Decimal:
    """A resource's on-demand price as the model sees it, without its excess."""
    part = problem.pools.slices[problem.pools.slice_of(resource)]
    return _decimal(part.on_demand_usd * part.units_of(resource))


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
    date = problem.calendar.at(bought.lot.ordered)
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
    if isinstance(offer, DedicatedOffer) and offer.kind is OfferKind.CAPACITY_BLOCK:
        return _block(offer, name, quantity, start, account=account)
    if isinstance(offer, DedicatedOffer):
        return Reservation(
            provider=biller_of(offer.provider),
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
            convertible=offer.kind is OfferKind.RESERVED_CONVERTIBLE,
            os=offer.os,
            tenancy=offer.tenancy,
            count=quantity,
            upfront_usd=offer.upfront_usd,
            hourly_usd=offer.hourly_usd,
        )
    rates = _linear_rates(problem, option) if linear else option.resource_rates
    if isinstance(offer, HardwareOffer):
        return _servers(offer, name, quantity, start, rates)
    return SavingsPlan(
        provider=biller_of(offer.provider),
        commitment_id=name,
        account=ACCOUNT,
        start=start,
        term_hours=offer.term_hours,
        kind="ec2" if offer.kind.is_of_family else "compute",
        region=offer.region,
        family=offer.family,
        commitment_usd=quantity,
        upfront_share=offer.upfront_share,
        rates={_rate_key(resource): rate for resource, rate in rates},
    )


def _block(
    offer: DedicatedOffer, name: str, count: Decimal, start: datetime, *, account: str
) -> CapacityBlock:
    """Machines of a block, or of several of the same hours; workloads are not told by zone."""
    return CapacityBlock(
        provider="aws" if offer.provider == "aws" else "custom",
        commitment_id=name,
        account=account or ACCOUNT,
        shared=not account,
        start=start,
        term_hours=Decimal(offer.term_hours),
        region=offer.region,
        zone=None,
        instance_type=offer.instance_type,
        os=offer.os,
        tenancy=offer.tenancy,
        count=count,
        upfront_usd=offer.upfront_usd,
    )


def _servers(
    offer: HardwareOffer,
    name: str,
    count: Decimal,
    start: datetime,
    serves: Sequence[tuple[Resource, Decimal]],
) -> OwnHardware:
    hardware = offer.hardware
    return OwnHardware(
        commitment_id=name,
        account=ACCOUNT,
        start=start,
        term_hours=offer.term_hours,
        count=count,
        serves={_rate_key(resource): servers for resource, servers in serves},
        capex_usd=hardware.capex_usd,
        salvage_usd=hardware.salvage_usd,
        power_kw=hardware.power_kw,
        pue=hardware.pue,
        energy_usd_per_kwh=hardware.energy_usd_per_kwh,
        space_usd_per_kw_month=hardware.space_usd_per_kw_month,
        operation_hourly_usd=hardware.operation_usd_per_hour,
    )


def _linear_rates(problem: Problem, option: Option) -> Sequence[tuple[Resource, Decimal]]:
    """A plan's rates as the model sees them: proportional inside each slice."""
    rates = []
    for part, rate in zip(problem.pools.slices, option.rates, strict=False):
        if rate is not None:
            rates += [(one, _decimal(rate * part.units_of(one))) for one in part.resources]
    return rates


def _rate_key(resource: Resource) -> RateKey:
    service = MACHINE_SERVICE[biller_of(resource.provider)]
    return RateKey(service, resource.name, resource.region, resource.os, resource.tenancy)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
