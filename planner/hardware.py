"""Servers of one's own: as an offer, and what they take the place of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalogs import Catalog, Faults, OfferKind, Payment
from planner.request import Hardware

PriceOf = Callable[[str], Decimal]
"""On-demand price of a resource, by its name [USD / hour]."""


@dataclass(frozen=True)
class HardwareOffer:
    """A server that can be bought; money is USD per server. Owned ones say how long they last."""

    hardware: Hardware
    life_hours: int | None = None
    kind: OfferKind = OfferKind.OWN_HARDWARE
    provider: str = "own"
    payment: Payment = Payment.ALL_UPFRONT
    family: str | None = None

    @property
    def offer_id(self) -> str:
        """Such as ``own:own_hardware:berlin:r760:5y:all_upfront``."""
        one = self.hardware
        return f"own:{self.kind}:{one.site}:{one.name}:{one.life_years}y:{self.payment}"

    @property
    def region(self) -> str:
        """The site."""
        return self.hardware.site

    @property
    def term_hours(self) -> int:
        """Its life."""
        return self.life_hours or self.hardware.life_hours

    @property
    def term_months(self) -> int:
        """Its life in months."""
        return 12 * self.hardware.life_years


def check_hardware(hardware: Sequence[Hardware], catalog: Catalog, faults: Faults) -> None:
    """Note what servers are said to replace that nobody rents out, or not under that name."""
    for position, one in enumerate(hardware):
        for name in one.replaces:
            field = f"hardware.{position}.replaces.{name}"
            if name not in catalog.billed_names:
                near = ", ".join(catalog.near_types(name)) or "none"
                faults.add(
                    field, name, f"the catalogue has no such type or resource; nearest: {near}"
                )
            elif catalog.has_type(name) and catalog.instance_type(name).resources:
                parts = ", ".join(catalog.instance_type(name).resources)
                faults.add(field, name, f"is billed by its resources; name them instead: {parts}")


def servers_for(
    hardware: Sequence[Hardware], resource: str, price_of: PriceOf
) -> tuple[tuple[str, Decimal], ...]:
    """Servers that one of a resource takes, by the hardware's name.

    Resources of a series share a server by what they cost on demand: as many vCPUs and GiB as it
    stands in for take all of it together.
    """
    found = []
    for one in hardware:
        machines = one.replaces.get(resource)
        if machines is not None:
            found.append((one.name, _share(one, resource, price_of) / machines))
    return tuple(found)


def _share(hardware: Hardware, resource: str, price_of: PriceOf) -> Decimal:
    """Of a server's worth, what the resource it stands in for makes out."""
    series, is_resource, _ = resource.partition("/")
    if not is_resource:
        return Decimal(1)
    worth = {
        name: count * price_of(name)
        for name, count in hardware.replaces.items()
        if name.partition("/")[0] == series
    }
    return worth[resource] / sum(worth.values())
