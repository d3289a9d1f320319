"""Google Cloud's order: resource commitments, flexible commitments, sustained-use discounts.

The last are monthly, on what is left (``monthly.py``).
Usage classes are resources of a region, such as ``n2/vcpu`` in vCPU-hours and ``n2/gib`` in
GiB-hours; ``in_resources`` makes them of machine types. Where Google is silent:

* Resource commitments serve the owner project first, then the rest of the billing account.
  (Google attributes proportionally or by priority, which says who sees the credit; the total can
  differ only where covered usage would have earned different sustained-use discounts.)
* Flexible commitments serve all (commitment, usage) pairs by discount, the highest first; Google
  says only that usage is optimized hourly. ``flexible_order`` turns it round.
* Commitments cover usage second by second; usage here is known by the hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from catalogs.faults import Faults
from planner.billing.accounting import NANO
from planner.billing.commitments import Reservation, SavingsPlan
from planner.billing.engine import Service, Step, price_share
from planner.billing.usage import Usage, UsageClass

FlexibleOrder = Literal["highest_discount", "lowest_discount"]

Resources = Sequence[tuple[UsageClass, Decimal]]
"""What one machine is billed as: resource classes and how many units of each."""


def _of_resource(commitment: Reservation, usage: UsageClass) -> Service | None:
    """Units of one resource in one region: the owner project, then all others."""
    other = usage.account != commitment.account
    resource = (commitment.region, commitment.instance_type)
    if (usage.region, usage.name) != resource or (other and not commitment.shared):
        return None
    return Service((other,), 1.0)


def _premium_usd(commitment: Reservation, usage: UsageClass) -> Decimal:
    """Custom machine types pay a share more for the part that a commitment covers."""
    return commitment.hourly_usd * usage.commitment_premium


def _by_discount(sign: int, plan: SavingsPlan, usage: UsageClass) -> Service | None:
    rate = plan.rates.get(usage.rate_key)
    if rate is None or usage.on_demand_usd == 0:
        return None
    if not plan.shared and usage.account != plan.account:
        return None
    return Service((sign * price_share(rate, usage), rate), float(rate * NANO))


DEDICATED = (
    Step(
        providers=("gcp",),
        kind=Reservation,
        size=lambda commitment: commitment.count,
        serve=_of_resource,
        surcharge_usd=_premium_usd,
    ),
)


def spend_steps(order: FlexibleOrder) -> tuple[Step[SavingsPlan], ...]:
    """Flexible commitments, with the usage of the highest or the lowest discount first."""
    sign = 1 if order == "highest_discount" else -1
    return (
        Step(
            providers=("gcp",),
            kind=SavingsPlan,
            size=lambda plan: plan.commitment_usd * NANO,
            serve=lambda plan, usage: _by_discount(sign, plan, usage),
        ),
    )


def in_resources(usage: Usage, resources: Mapping[UsageClass, Resources]) -> Usage:
    """Usage of machines as the usage of what Google bills them as.

    Classes that ``resources`` does not name stay as they are. Raises InvalidInputError for a
    resource count below 0.
    """
    faults = Faults()
    columns: dict[UsageClass, int] = {}
    cells: list[tuple[int, int, float]] = []
    for machine, one in enumerate(usage.classes):
        for resource, units in resources.get(one, ((one, Decimal(1)),)):
            if units < 0:
                fix = "write how many units a machine has"
                faults.add(f"resources[{one.name}][{resource.name}]", units, fix)
            column = columns.setdefault(resource, len(columns))
            cells.append((machine, column, float(units)))
    faults.raise_if_any()
    units_of = np.zeros((len(usage.classes), len(columns)))
    for machine, column, units_each in cells:
        units_of[machine, column] += units_each
    return Usage(usage.start, tuple(columns), usage.quantity @ units_of)


@dataclass(frozen=True)
class LegacyCharges:
    """An hour of a flexible commitment in the model before 2026: fee, usage at list, credit."""

    fee_usd: Decimal
    on_demand_usd: Decimal
    credit_usd: Decimal

    @property
    def total_usd(self) -> Decimal:
        """What the hour costs."""
        return self.fee_usd + self.on_demand_usd - self.credit_usd


def discounted_commitment(legacy_usd: Decimal, discount: Decimal) -> Decimal:
    """A commitment in on-demand dollars per hour as one in discounted dollars [USD / hour]."""
    return legacy_usd * (1 - discount)


def legacy_charges(usage_usd: Decimal, legacy_usd: Decimal, discount: Decimal) -> LegacyCharges:
    """An hour of eligible usage (at on-demand prices) under a commitment in on-demand dollars.

    The total is that of ``discounted_commitment`` in the model in force since 2026.
    """
    fee = discounted_commitment(legacy_usd, discount)
    return LegacyCharges(fee, usage_usd, min(usage_usd, legacy_usd))
