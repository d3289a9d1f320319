"""What commitments to one exact type serve where it shares its pool with others."""

from decimal import Decimal
from fractions import Fraction

from catalogs import DedicatedOffer, OfferKind
from planner.fleet import Pools, Resource


def served_type(
    offer: DedicatedOffer, pools: Pools, account: str = ""
) -> tuple[tuple[Fraction | None, ...], tuple[tuple[Resource, Decimal], ...]]:
    """Machines that a unit of each slice takes, None where none; and the resources served.

    What runs in capacity that is held for a workload does not run in a block. With an ``account``
    no other's machines are served.
    """
    in_block = offer.kind is OfferKind.CAPACITY_BLOCK
    place = (offer.region, offer.instance_type, offer.os, offer.tenancy)
    served = tuple(
        (resource, Decimal(1))
        for resource in dict.fromkeys(one for part in pools.slices for one in part.resources)
        if (resource.region, resource.name, resource.os, resource.tenancy) == place
        and not resource.pool.spot
        and account in ("", resource.pool.account)
        and not (in_block and resource.capacity_group)
    )
    machines = dict(served)
    rates = tuple(
        1 / part.units_of(part.resources[0]) if part.resources[0] in machines else None
        for part in pools.slices
    )
    return rates, served
