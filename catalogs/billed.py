"""What a provider bills of a machine: the machine itself, or so much of each of its resources."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from catalogs.offers import InstanceType, PoolKey

ONE = Decimal(1)
_NANO_USD = Decimal("1e-9")


@dataclass(frozen=True)
class Billed:
    """What is billed and discounted of a machine, under one name of the price list.

    Attributes:
        name: the instance type, or a resource such as ``n2/vcpu``.
        quantity: how much of it one machine has.
        family: what plans of a family go by.
        os: the operating system its rates stand under.
        pool: the pool it is discounted in.
        units: units of the pool in one of it.
    """

    name: str
    quantity: Decimal
    family: str
    os: str
    pool: PoolKey
    units: Decimal


def billed_as(described: InstanceType, region: str, os: str, tenancy: str) -> tuple[Billed, ...]:
    """What a provider bills of a machine of a type, under rates of an operating system."""
    provider = described.provider
    if described.resources:
        return tuple(
            Billed(
                name, quantity, name, os, resource_pool(provider, name, region, os, tenancy), ONE
            )
            for name, quantity in described.resources.items()
        )
    flexible = is_size_flexible(described, os, tenancy)
    family = described.family if flexible else described.name
    pool = PoolKey(provider, region, family, os, tenancy, flexible)
    units = pool_units(described, os, tenancy)
    return (Billed(described.name, ONE, described.family, os, pool, units),)


def resource_pool(provider: str, name: str, region: str, os: str, tenancy: str) -> PoolKey:
    """The pool of a resource: all of its name in a region."""
    return PoolKey(provider, region, name, os, tenancy, size_flexible=False)


def is_size_flexible(described: InstanceType, os: str, tenancy: str) -> bool:
    """Whether a reservation of the type serves the other sizes of its family."""
    return described.size_flexible and (os, tenancy) == ("linux", "shared")


def pool_units(described: InstanceType, os: str, tenancy: str) -> Decimal:
    """Normalized units of one machine inside its pool; 1 where sizes are not flexible."""
    if described.normalized_units is None or not is_size_flexible(described, os, tenancy):
        return ONE
    return described.normalized_units


def price_of_parts(quantities: Iterable[Decimal], prices_usd: Iterable[Decimal]) -> Decimal:
    """What so much of each resource costs together, in whole nano-dollars."""
    parts = zip(quantities, prices_usd, strict=True)
    return sum((quantity * usd for quantity, usd in parts), Decimal(0)).quantize(_NANO_USD)
