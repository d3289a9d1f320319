"""Options as the products that a provider bills: one function for each."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from catalogs import DedicatedOffer, OfferKind
from planner.billing import (
    CapacityBlock,
    Commitment,
    OwnHardware,
    RateKey,
    Reservation,
    SavingsPlan,
)
from planner.billing.usage import MACHINE_SERVICE
from planner.fleet import Resource
from planner.hardware import HardwareOffer
from planner.problem import Problem
from planner.purchases import Option
from planner.rebill.billers import ACCOUNT, biller_of, decimal


def committed(
    problem: Problem,
    option: Option,
    name: str,
    quantity: Decimal,
    start: datetime,
    *,
    account: str,
    linear: bool,
) -> Commitment:
    """A quantity of an option as the commitment that its provider bills."""
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
            rates += [(one, decimal(rate * part.units_of(one))) for one in part.resources]
    return rates


def _rate_key(resource: Resource) -> RateKey:
    service = MACHINE_SERVICE[biller_of(resource.provider)]
    return RateKey(service, resource.name, resource.region, resource.os, resource.tenancy)
