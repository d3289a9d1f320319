"""Where the price of a purchase comes from: quoted, or derived by which rule; and from when."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from catalogs import DedicatedOffer, SpendOffer
from planner.plan import PriceBasis
from planner.problem import Problem
from planner.purchases import Option


def price_basis(problem: Problem, option: Option) -> PriceBasis:
    """The basis of an option's price, of a plan that of its rates for machines of this fleet."""
    offer = option.offer
    if isinstance(offer, DedicatedOffer):
        return _basis([offer.derived], offer.as_of)
    if not isinstance(offer, SpendOffer):
        return PriceBasis(basis="quoted", rule=None, as_of=None)
    found = [
        problem.catalog.spend_rate_basis(offer, one.name, one.region, one.os, one.tenancy)
        for one, _ in option.resource_rates
    ]
    rates = [one for one in found if one is not None]
    return _basis([rule for rule, _ in rates], min((day for _, day in rates), default=None))


def _basis(rules: Sequence[str | None], as_of: date | None) -> PriceBasis:
    """Derived as soon as one of the rates is."""
    derived = Counter(rule for rule in rules if rule is not None)
    rule = derived.most_common(1)[0][0] if derived else None
    return PriceBasis(basis="derived" if derived else "quoted", rule=rule, as_of=as_of)
