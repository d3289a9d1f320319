"""Owned servers serve what is dearest to rent first, before or after what is rented."""

from decimal import Decimal
from fractions import Fraction

from planner.billing.engine import Service, Step
from planner.billing.hardware import OwnHardware
from planner.billing.usage import UsageClass


def _dearest_first(hardware: OwnHardware, usage: UsageClass) -> Service | None:
    """By what a server saves: the price of the usage over the servers it takes."""
    servers = hardware.serves.get(usage.rate_key)
    if servers is None or not (hardware.shared or usage.account == hardware.account):
        return None
    if usage.capacity_group is not None:  # it runs in a reservation's capacity
        return None
    saved_usd = Fraction(usage.price_usd + usage.software_usd) / Fraction(servers)
    return Service((-saved_usd,), float(servers))


def _energy_usd(hardware: OwnHardware, usage: UsageClass) -> Decimal:
    return hardware.busy_hourly_usd * hardware.serves[usage.rate_key]


SERVERS = (
    Step(
        providers=("own",),
        kind=OwnHardware,
        size=lambda hardware: hardware.count,
        serve=_dearest_first,
        serves_all=True,
        serves_unused=False,
        surcharge_usd=_energy_usd,
    ),
)
