"""The ways to buy machine time, and how each binds the buyer."""

from decimal import Decimal
from enum import StrEnum


class OfferKind(StrEnum):
    """A way to buy machine time."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    CAPACITY_RESERVATION = "capacity_reservation"
    CAPACITY_BLOCK = "capacity_block"
    OWN_HARDWARE = "own_hardware"
    RESERVED_ZONAL = "reserved_zonal"
    RESERVED_STANDARD = "reserved_standard"
    RESOURCE_COMMITMENT = "resource_commitment"
    AZURE_RESERVATION = "azure_reservation"
    RESERVED_CONVERTIBLE = "reserved_convertible"
    SAVINGS_PLAN_EC2 = "savings_plan_ec2"
    FLEXIBLE_COMMITMENT = "flexible_commitment"
    AZURE_SAVINGS_PLAN = "azure_savings_plan"
    SAVINGS_PLAN_COMPUTE = "savings_plan_compute"

    @property
    def is_dedicated(self) -> bool:
        """Whether one commits to machines, or to parts of them (a reservation)."""
        return self in _DEDICATED

    @property
    def is_spend(self) -> bool:
        """Whether one commits to dollars per hour (a savings plan)."""
        return self in _SPEND

    @property
    def is_commitment(self) -> bool:
        """Whether buying it binds for a term."""
        return self.is_dedicated or self.is_spend

    @property
    def is_of_family(self) -> bool:
        """Whether a spend commitment covers one family in one region, not all there is."""
        return self is OfferKind.SAVINGS_PLAN_EC2

    @property
    def flexibility(self) -> int:
        """Rank among commitments, higher is more flexible; 0 where nothing is committed."""
        return _BY_FLEXIBILITY.index(self) if self.is_commitment else 0


_SPEND = frozenset(
    (
        OfferKind.SAVINGS_PLAN_EC2,
        OfferKind.FLEXIBLE_COMMITMENT,
        OfferKind.AZURE_SAVINGS_PLAN,
        OfferKind.SAVINGS_PLAN_COMPUTE,
    )
)
_DEDICATED = frozenset(
    (
        OfferKind.CAPACITY_BLOCK,
        OfferKind.OWN_HARDWARE,
        OfferKind.RESERVED_ZONAL,
        OfferKind.RESERVED_STANDARD,
        OfferKind.RESOURCE_COMMITMENT,
        OfferKind.AZURE_RESERVATION,
        OfferKind.RESERVED_CONVERTIBLE,
    )
)
# The members stand in this order; what commits nothing comes first.
_BY_FLEXIBILITY = tuple(OfferKind)


class Payment(StrEnum):
    """When a commitment is paid."""

    NO_UPFRONT = "no_upfront"
    PARTIAL_UPFRONT = "partial_upfront"
    ALL_UPFRONT = "all_upfront"

    @property
    def upfront_share(self) -> Decimal:
        """Share of a savings plan's term cost that is paid on its first day."""
        return _UPFRONT_SHARE[self]


# A partial-upfront plan may be paid 50-99 % ahead; 50 % is what providers quote.
_UPFRONT_SHARE = {
    Payment.NO_UPFRONT: Decimal(0),
    Payment.PARTIAL_UPFRONT: Decimal("0.5"),
    Payment.ALL_UPFRONT: Decimal(1),
}
