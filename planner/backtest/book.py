"""The book of a policy: what it has bought, as commitments that its next decision owns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from statistics import median

from pydantic import BaseModel, ConfigDict

from catalogs import DedicatedOffer
from planner.calendar import HOUR
from planner.hardware import HardwareOffer
from planner.purchases import Offer, Option
from planner.request import OwnedCommitment, PolicyName

Product = tuple[str, str | None]
"""An offer and the workload that it serves alone, if it does."""

TARGETS = 5
"""Targets whose median is acted upon where dates are close."""


class Holding(BaseModel):
    """A purchase as its owner states it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offer_id: str
    ordered: datetime
    """When it is bought; what arrives later starts later."""
    step: Decimal
    """It is bought in whole multiples of this."""
    commitment: OwnedCommitment

    @property
    def product(self) -> Product:
        """What was bought."""
        return self.offer_id, self.commitment.workload

    @property
    def quantity(self) -> Decimal:
        """Machines, or dollars per hour."""
        return quantity_of(self.commitment)

    def at(self, date: datetime, quantity: Decimal) -> "Holding":
        """The same product bought at another date, in another quantity."""
        old, later = self.commitment, date - self.ordered
        amount = "commitment_usd" if old.quantity is None else "quantity"
        renamed = name_of(self.offer_id, old.workload, date)
        changed = {
            "id": renamed, "start": old.start + later, "end": old.end + later, amount: quantity
        }  # fmt: skip
        commitment = old.model_copy(update=changed)
        return self.model_copy(update={"ordered": date, "commitment": commitment})


class Record(BaseModel):
    """One decision of a policy, as a journal keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    course: str
    policy: PolicyName
    date: datetime
    wanted: tuple[Holding, ...]
    """What the policy would have bought, and what it has in mind for the dates soon to come."""
    bought: tuple[Holding, ...]
    """What it bought."""
    seconds: float


def quantity_of(commitment: OwnedCommitment) -> Decimal:
    """Machines, or dollars per hour."""
    return commitment.quantity or commitment.commitment_usd or Decimal(0)


def name_of(offer_id: str, workload: str | None, date: datetime) -> str:
    """The id of a purchase."""
    tied = f" for {workload}" if workload else ""
    return f"{offer_id}{tied} @ {date:%Y-%m-%dT%H:%MZ}"


def hold(
    option: Option,
    quantity: Decimal,
    ordered: datetime,
    workload: str | None,
    *,
    lead_hours: int = 0,
) -> Holding:
    """A purchase of an option as its owner states it from then on."""
    offer, start = option.offer, ordered + lead_hours * HOUR
    commitment = OwnedCommitment.model_validate(
        {
            "id": name_of(offer.offer_id, workload, ordered),
            "kind": offer.kind,
            "start": start,
            "end": start + offer.term_hours * HOUR,
            "payment": offer.payment,
            "workload": workload,
            **_described(offer, quantity),
        }
    )
    return Holding(
        offer_id=offer.offer_id, ordered=ordered, step=option.step, commitment=commitment
    )


def _described(offer: Offer, quantity: Decimal) -> dict[str, object]:
    """What a commitment states beside its name, term and payment."""
    if isinstance(offer, HardwareOffer):
        name = offer.hardware.name
        return {"instance_type": name, "region": offer.region, "quantity": quantity}
    if isinstance(offer, DedicatedOffer):
        return {
            "instance_type": offer.instance_type,
            "region": offer.region,
            "os": offer.os,
            "tenancy": offer.tenancy,
            "quantity": quantity,
            "upfront_usd": offer.upfront_usd,
            "hourly_usd": offer.hourly_usd,
        }
    of_family = {"region": offer.region, "family": offer.family} if offer.kind.is_of_family else {}
    return {"commitment_usd": quantity, **of_family}


def holdings_of(records: Iterable[Record]) -> tuple[Holding, ...]:
    """Everything bought, in order."""
    return tuple(one for record in records for one in record.bought)


def settled(records: Sequence[Record]) -> tuple[Holding, ...]:
    """What is taken as owned where targets are steadied: all but the purchases of the latest dates.

    These are decided once more, so that a target may lie below what is owned already. The median of
    targets that cannot would creep up to the highest.
    """
    return holdings_of(records[: max(len(records) - TARGETS + 1, 0)])


def steadied(
    wanted: tuple[Holding, ...], records: Sequence[Record], date: datetime
) -> tuple[Holding, ...]:
    """What to buy so that each product stands at the median of its latest targets.

    A target is what a plan took its owner to have of a product by now: what was `settled` when it
    was made, and what it wanted to buy since. Purchases cannot be undone: acting on every target
    would leave one with the highest of noisy ones.
    """
    made = [one.wanted for one in records] + [wanted]
    latest = range(max(len(made) - TARGETS, 0), len(made))
    plans = [_by_product([*settled(records[:at]), *made[at]], date) for at in latest]
    owned = _by_product(holdings_of(records), date)
    templates = {one.product: one for at in latest for one in made[at]}
    found = []
    for product, template in sorted(templates.items(), key=lambda entry: str(entry[0])):
        lacking = median(plan[product] for plan in plans) - owned[product]
        steps = (lacking / template.step).to_integral_value(ROUND_FLOOR)
        if steps > 0:
            found.append(template.at(date, steps * template.step))
    return tuple(found)


def _by_product(holdings: Iterable[Holding], date: datetime) -> dict[Product, Decimal]:
    """Quantity of every product that is bought by a date and has not ended."""
    found: dict[Product, Decimal] = defaultdict(Decimal)
    for one in holdings:
        if one.ordered <= date < one.commitment.end:
            found[one.product] += one.quantity
    return found
