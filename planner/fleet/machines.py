"""What runs, and what a provider bills of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial

from catalogs import Billed, Catalog, InstanceType, OfferKind, Payment, PoolKey, UnknownRateError
from catalogs.gcp import sustained_use_factors
from catalogs.successors import base_name
from planner.fleet.reserved_only import equivalent_usd
from planner.hardware import servers_for
from planner.request import Hardware

GCP = "gcp"

COVERS_PARTS = frozenset({"aws", "azure", GCP})
"""Providers whose commitments may pay for a part of a machine; of others it is not known."""

PlanTerms = tuple[OfferKind, int | None, Payment | None]
"""Kind, term in hours and payment of a savings plan."""


@dataclass(frozen=True)
class Resource:
    """What a provider bills and discounts by one price: a machine of a type, a vCPU of a series.

    Attributes:
        provider: whose bill it stands on.
        name: as the price list names it: an instance type, or a resource such as ``n2/vcpu``.
        family: what plans of a family go by.
        region: where it runs.
        os: the operating system it runs.
        tenancy: shared or not.
        pool: the pool its usage is discounted in.
        units: units of the pool in one of it.
        on_demand_usd: its price [USD / hour], of which commitments may take the place.
        software_usd: what is charged beside that, whatever is committed [USD / hour].
        plan_rates: its savings plan rates [USD / hour] by kind, term and payment.
        sold_on_demand: where false, its price only says what its usage counts as.
        sustained_use: shares of the price paid in each quarter of a month that it runs.
        servers: servers of one's own that would take its place, by the hardware's name.
        capacity_group: whose capacity it runs in, where capacity is held for a workload.
    """

    provider: str
    name: str
    family: str
    region: str
    os: str
    tenancy: str
    pool: PoolKey
    units: Decimal
    on_demand_usd: Decimal
    software_usd: Decimal = Decimal(0)
    plan_rates: tuple[tuple[PlanTerms, Decimal], ...] = ()
    sold_on_demand: bool = True
    sustained_use: tuple[Decimal, Decimal, Decimal, Decimal] | None = None
    servers: tuple[tuple[str, Decimal], ...] = ()
    capacity_group: str = ""

    @property
    def covered_in_parts(self) -> bool:
        """Whether a commitment may pay for a part of one."""
        return self.provider in COVERS_PARTS

    @property
    def unit_price_usd(self) -> Fraction:
        """On-demand price of one unit of its pool."""
        return Fraction(self.on_demand_usd) / Fraction(self.units)

    @property
    def unit_plan_rates(self) -> dict[PlanTerms, Fraction]:
        """Savings plan rates of one unit of its pool."""
        return {terms: Fraction(rate) / Fraction(self.units) for terms, rate in self.plan_rates}

    @property
    def unit_servers(self) -> dict[str, Fraction]:
        """Servers that take the place of one unit of its pool, by the hardware's name."""
        return {name: Fraction(share) / Fraction(self.units) for name, share in self.servers}


@dataclass(frozen=True)
class Part:
    """So much of a resource in one machine."""

    resource: Resource
    quantity: Decimal

    @property
    def units(self) -> Decimal:
        """Units of the resource's pool in one machine."""
        return self.quantity * self.resource.units


@dataclass(frozen=True)
class Machine:
    """An instance type in a region, and what it is billed as.

    Most are billed as one resource, themselves; some by their vCPUs and memory.
    """

    instance_type: str
    family: str
    region: str
    parts: tuple[Part, ...]

    @property
    def resource(self) -> Resource:
        """The resource a machine is billed as that has one part only; the first of others."""
        return self.parts[0].resource

    @property
    def pool(self) -> PoolKey:
        """The pool of `resource`."""
        return self.resource.pool

    @property
    def is_whole(self) -> bool:
        """Whether it is billed as one, and discounted as one."""
        return len(self.parts) == 1 and self.parts[0].quantity == 1

    @property
    def provider(self) -> str:
        """Whose machine it is."""
        return self.resource.provider

    @property
    def is_spot(self) -> bool:
        """Whether the provider may take it back."""
        return self.pool.spot

    @property
    def sold_on_demand(self) -> bool:
        """Whether it can be had without a commitment."""
        return all(part.resource.sold_on_demand for part in self.parts)

    @property
    def on_demand_usd(self) -> Decimal:
        """Price of a machine-hour, software included."""
        prices = (part.resource.on_demand_usd + part.resource.software_usd for part in self.parts)
        hourly = (part.quantity * price for part, price in zip(self.parts, prices, strict=True))
        return sum(hourly, Decimal(0))

    @property
    def software_usd(self) -> Decimal:
        """The part of it that is for software, paid for machines that run alone."""
        hourly = (part.quantity * part.resource.software_usd for part in self.parts)
        return sum(hourly, Decimal(0))

    @property
    def order(self) -> tuple[Fraction, Fraction, Decimal, str]:
        """Cheapest unit first: on demand, then under savings plans, then the smallest."""
        prices = sum((part.resource.unit_price_usd for part in self.parts), Fraction(0))
        rates = (sum(part.resource.unit_plan_rates.values(), Fraction(0)) for part in self.parts)
        units = sum((part.units for part in self.parts), Decimal(0))
        return prices, sum(rates, Fraction(0)), units, self.instance_type


def make_machine(
    catalog: Catalog,
    instance_type: InstanceType,
    region: str,
    os: str,
    tenancy: str,
    *,
    hybrid_benefit: bool = False,
    hardware: Sequence[Hardware] = (),
) -> Machine:
    """The machine of a type in a region, with its prices and its pools.

    With the hybrid benefit, software that is charged beside the machine is brought along.
    ``hardware`` may stand in for it.
    """
    name = instance_type.name
    billed = catalog.billed_as(name, region, os, tenancy)
    return Machine(
        instance_type=name,
        family=instance_type.family,
        region=region,
        parts=tuple(
            Part(
                _resource(
                    catalog, one, region, one.os if hybrid_benefit else os, tenancy, hardware
                ),
                one.quantity,
            )
            for one in billed
        ),
    )


def spot_machine(
    catalog: Catalog,
    instance_type: InstanceType,
    region: str,
    os: str,
    tenancy: str,
    *,
    hardware: Sequence[Hardware] = (),
) -> Machine | None:
    """The machine of a type at its spot price; None where it has none.

    No commitment covers it, but ``hardware`` may stand in for it.
    """
    name = instance_type.name
    try:
        price_usd = catalog.spot_usd(name, region, os, tenancy)
    except UnknownRateError:
        return None
    pool = PoolKey(
        instance_type.provider, region, name, os, tenancy, size_flexible=False, spot=True
    )
    resource = Resource(
        provider=instance_type.provider,
        name=name,
        family=instance_type.family,
        region=region,
        os=os,
        tenancy=tenancy,
        pool=pool,
        units=Decimal(1),
        on_demand_usd=price_usd,
        servers=servers_for(hardware, name, lambda _: price_usd),
    )
    return Machine(name, instance_type.family, region, (Part(resource, Decimal(1)),))


def is_sold_on_demand(catalog: Catalog, name: str, region: str, os: str, tenancy: str) -> bool:
    """Whether a type can be had without a commitment."""
    try:
        catalog.on_demand_usd(name, region, os, tenancy)
    except UnknownRateError:
        return False
    return True


def _resource(
    catalog: Catalog,
    billed: Billed,
    region: str,
    os: str,
    tenancy: str,
    hardware: Sequence[Hardware],
) -> Resource:
    place = (billed.name, region, billed.os, tenancy)
    on_demand = is_sold_on_demand(catalog, *place)
    price_usd = catalog.on_demand_usd if on_demand else partial(equivalent_usd, catalog)
    infrastructure_usd = price_usd(*place)
    software_usd = Decimal(0)
    if billed.os != os:  # the software of its operating system is a charge of its own
        software_usd = catalog.on_demand_usd(billed.name, region, os, tenancy) - infrastructure_usd
    return Resource(
        provider=billed.pool.provider,
        name=billed.name,
        family=billed.family,
        region=region,
        os=os,
        tenancy=tenancy,
        pool=billed.pool,
        units=billed.units,
        on_demand_usd=infrastructure_usd,
        software_usd=software_usd,
        sold_on_demand=on_demand,
        sustained_use=sustained_use_factors(base_name(billed.name))
        if billed.pool.provider == GCP
        else None,
        plan_rates=tuple(_plan_rates(catalog, place)),
        # Licences stay in the model whoever runs the machine, so no server may spare them.
        servers=servers_for(
            () if software_usd else hardware,
            billed.name,
            lambda name: catalog.on_demand_usd(name, region, billed.os, tenancy),
        ),
    )


def _plan_rates(
    catalog: Catalog, place: tuple[str, str, str, str]
) -> Iterator[tuple[PlanTerms, Decimal]]:
    for rate in catalog.rates_of(*place):
        if rate.kind.is_spend:
            yield (rate.kind, rate.term_hours, rate.payment), rate.hourly_usd
