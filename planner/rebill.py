"""Hands a decision to the billing simulator: the usage it makes, the commitments it buys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from planner.calendar import HOUR
from planner.decision import Bought, Decision
from planner.exchanged import Exchanged, credited_usd, decimal_of, given_by_date
from planner.exchanges import Source
from planner.hardware import HardwareOffer
from planner.held import billed_as_running, held_name, reserved_machines
from planner.machines import Resource
from planner.owned import Owned
from planner.problem import Problem
from planner.purchases import Lot, Option
from planner.request import Accounting

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
            *commitments_of(problem, decision.bought, decision.exchanges, linear=linear),
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


@dataclass(frozen=True)
class Billed:
    """A commitment as it is billed, or the part of it that an exchange ends.

    Attributes:
        name: the purchase, the owned commitment or the exchange it is, or is a part of.
        option: what it is.
        commitment: as billed.
    """

    name: str
    option: Option
    commitment: Commitment


def commitments_of(
    problem: Problem,
    bought: Iterable[Bought],
    exchanges: Sequence[Exchanged] = (),
    *,
    linear: bool = False,
) -> tuple[Commitment, ...]:
    """Everything committed: purchases, then what is owned already, then what is taken for it."""
    billed = billed_of(problem, bought, exchanges, linear=linear)
    return tuple(one.commitment for one in billed)


def billed_of(
    problem: Problem,
    bought: Iterable[Bought],
    exchanges: Sequence[Exchanged] = (),
    *,
    linear: bool = False,
) -> list[Billed]:
    """Everything committed, in the order it is billed; what is given ends when it is given."""
    found: list[Billed] = []
    for one in bought:
        name, account = purchase_id(problem, one), account_of(problem, one.option)
        start = problem.calendar.at(one.lot.start)
        whole = _commitment(
            problem, one.option, name, one.quantity, start, account=account, linear=linear
        )
        parts = parts_of(problem, whole, given_by_date(exchanges, one.lot))
        found += [Billed(name, one.option, part) for part in parts]
    for owned in problem.owned:
        name, account = owned.commitment.id, owned.commitment.workload or ""
        whole = _commitment(
            problem, owned.option, name, owned.quantity, owned.commitment.start,
            account=account, linear=linear,
        )  # fmt: skip
        parts = parts_of(problem, whole, given_by_date(exchanges, owned))
        found += [Billed(name, owned.option, part) for part in parts]
    for made in exchanges:
        option, name = made.exchange.target, exchange_id(problem, made)
        found.append(Billed(name, option, taken_commitment(problem, made)))
    return found


def purchase_id(problem: Problem, bought: Bought) -> str:
    """Names a purchase: the offer and its date."""
    return _lot_id(problem, bought.lot, bought.option)


def _lot_id(problem: Problem, lot: Lot, option: Option) -> str:
    date, account = problem.calendar.at(lot.ordered), account_of(problem, option)
    tied = f" for {account}" if account else ""
    return f"{option.offer.offer_id}{tied} @ {date:%Y-%m-%dT%H:%MZ}"


def exchange_id(problem: Problem, made: Exchanged) -> str:
    """Names what an exchange takes: the offer, its date and its end."""
    exchange, calendar = made.exchange, problem.calendar
    account = account_of(problem, exchange.target)
    tied = f" for {account}" if account else ""
    when = f"{calendar.at(exchange.hour):%Y-%m-%dT%H:%MZ}"
    until = f"{calendar.at(exchange.end):%Y-%m-%dT%H:%MZ}"
    return f"{exchange.target.offer.offer_id}{tied} in exchange @ {when} until {until}"


def source_id(problem: Problem, source: Source) -> str:
    """Names the purchase or the owned commitment that an exchange gives from."""
    if isinstance(source.held, Owned):
        return source.held.commitment.id
    return _lot_id(problem, source.held, source.option)


def account_of(problem: Problem, option: Option) -> str:
    """The workload an option's reservations are tied to; empty where they serve all."""
    if option.pool is None or not option.offer.kind.is_dedicated:
        return ""
    return problem.pools.keys[option.pool].account


def parts_of(problem: Problem, whole: Commitment, given: dict[int, int]) -> list[Commitment]:
    """A commitment without what is given [hour: machines], and the parts that end so.

    What is left of their upfront is credited then. Where money is counted when it is paid, upfront
    paid before the horizon is no part of it: nor is its credit.
    """
    if not given or not isinstance(whole, Reservation):
        return [whole]
    kept = whole.count - sum(given.values())
    parts: list[Commitment] = [whole.model_copy(update={"count": kept})] if kept else []
    for hour, steps in given.items():
        moment = problem.calendar.at(hour)
        served = Decimal((moment - whole.start) // HOUR)
        credit = whole.upfront_usd * (whole.term_hours - served) / whole.term_hours
        is_sunk = whole.start < problem.calendar.start and not _sunk_counts(problem)
        ended = {
            "commitment_id": f"{whole.commitment_id}, given {moment:%Y-%m-%dT%H:%MZ}",
            "count": Decimal(steps),
            "term_hours": served,
            "upfront_usd": whole.upfront_usd - credit if is_sunk else whole.upfront_usd,
            "credit_usd": Decimal(0) if is_sunk else credit,
        }
        parts.append(whole.model_copy(update=ended))
    return parts


def taken_commitment(problem: Problem, made: Exchanged) -> Commitment:
    """What an exchange takes; its upfront is what was credited, and the true-up."""
    exchange = made.exchange
    paid = credited_usd(made, sunk_counts=_sunk_counts(problem)) + decimal_of(made.true_up_usd)
    whole = _commitment(
        problem,
        exchange.target,
        exchange_id(problem, made),
        Decimal(made.taken),
        problem.calendar.at(exchange.hour),
        account=account_of(problem, exchange.target),
        linear=False,
    )
    rest = {"term_hours": Decimal(exchange.hours_left), "upfront_usd": paid / made.taken}
    return whole.model_copy(update=rest)


def _sunk_counts(problem: Problem) -> bool:
    """Whether upfront paid before the horizon counts in it."""
    return problem.calendar.accounting is not Accounting.CASH_FLOW


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
