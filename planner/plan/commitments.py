"""The commitments of a plan: bought, owned, exchanged, and offers left unbought."""

from datetime import date, datetime
from typing import Literal

from catalogs import OfferKind, Payment
from planner.plan.part import Part, Quantity, Usd


class PriceBasis(Part):
    """Where a price comes from."""

    basis: Literal["quoted", "derived"]
    """Quoted: the provider publishes it, or the request states it; derived: computed by a rule
    from such ones."""
    rule: str | None
    """The rule of derived ones; of a plan's rates the one most of its machines have."""
    as_of: date | None
    """When the price was read, of a plan its oldest rate; none for what a request states."""


class Purchase(Part):
    """One purchase: an offer, a date, a quantity."""

    offer_id: str
    provider: str
    kind: OfferKind
    scope: str
    """What it can serve, such as `us-east-1 m5 linux` or `all regions`."""
    workload: str | None
    """The one workload it serves; none where reservations are pooled, and of savings plans."""
    term_hours: int
    term_months: int | None
    payment: Payment
    start: datetime
    end: datetime
    quantity: Quantity
    unit: str
    """machines; USD per hour; vCPUs, GiB and the like of commitments to resources."""
    upfront_usd: Usd
    """Paid on the first day, for the whole quantity."""
    hourly_usd: Usd
    """Recurring, for the whole quantity."""
    cost_usd: Usd
    """Within the horizon, in the plan's accounting."""
    utilization: float | None
    """Share of its hours inside the horizon that usage fills, as billed."""
    after_horizon_usd: Usd
    """Still owed or unused after the horizon: recurring plus amortized upfront."""
    price: PriceBasis
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is bought; none given where it is bought in all."""


class OwnedUse(Part):
    """How an owned commitment fares."""

    id: str
    cost_usd: Usd
    utilization: float | None


class Given(Part):
    """Machines of a convertible reservation that are given in an exchange."""

    id: str
    """The owned commitment, or the purchase: its offer and date."""
    offer_id: str
    quantity: Quantity


class ConvertibleExchange(Part):
    """Convertible reservations exchanged for others, which end when they would have."""

    date: datetime
    given: tuple[Given, ...]
    offer_id: str
    """What is taken."""
    provider: str
    scope: str
    workload: str | None
    term_hours: int
    """Of the offer; what is taken serves from the date to the end."""
    payment: Payment
    end: datetime
    quantity: Quantity
    """Machines taken: as many as are worth no less than what is given."""
    given_value_usd: Usd
    """Upfront for the time to come and hourly fees of what is given."""
    taken_value_usd: Usd
    """The same of what is taken."""
    true_up_usd: Usd
    """Paid upfront at the date, for the whole quantity."""
    hourly_usd: Usd
    """Recurring, for the whole quantity."""
    cost_usd: Usd
    """Of what is taken, within the horizon, in the plan's accounting."""
    extra_usd: Usd
    """What the exchange adds to the cost within the horizon, beside what it saves on demand."""
    break_even_utilization: float | None
    """Share of its hours that what is taken must be used to be worth the extra cost, if what is
    given were of no use; none where on demand is free."""
    utilization: float | None
    """Share of its hours inside the horizon that usage fills, as billed."""
    after_horizon_usd: Usd
    """Still owed or unused after the horizon: recurring plus amortized upfront."""
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is made; none given where it is made in all."""


Reason = Literal[
    "served_cheaper",
    "too_little_usage",
    "beyond_smallest_purchase",
    "budget_used_up",
    "limit_reached",
    "below_smallest_usd",
    "left_out_for_few_lines",
    "within_gap",
]
"""Why an offer is left: what it would serve is served cheaper; there is too little of it; there is
less of it than one purchase serves; the upfront budget is used up; a ceiling on coverage, a quota
or `purchases.most_lines` is reached; one purchase commits to less than `purchases.smallest_usd`; it
saves less than a line is worth (`simplify`), or less than the gap leaves open."""


class NotBought(Part):
    """An offer left unbought, and why."""

    offer_id: str
    workload: str | None
    """The workload it would serve, where reservations are dedicated."""
    break_even_utilization: float | None
    """Share of its hours it must be used to cost the same as on demand; none where on demand is
    free."""
    utilization: float
    """Share of its hours one more step would be used, beside everything bought."""
    alone_utilization: float
    """The same if nothing else had been bought."""
    start: datetime
    """The purchase date at which it would do best."""
    reason: Reason
    served_by: tuple[str, ...] = ()
    """Offers bought or owned that serve what it would, those of most use first; of
    `served_cheaper` only."""
