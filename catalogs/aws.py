"""AWS's pricing rules as data: size flexibility, normalization factors, derived rates.

The rules are AWS's own where a guide is named, else regularities measured on published prices.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR

SIZE_INFLEXIBLE_FAMILIES = frozenset(
    (
        *("g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f"),
        *("hpc7a", "p5", "inf1", "inf2", "u7i-6tb", "u7i-8tb"),
    )
)
"""Families whose reservations fit one size only, even regional Linux ones on shared tenancy.

EC2 user guide, "How Reserved Instance discounts are applied" (list of 2025; it grows).
"""

_FACTOR_BY_SIZE = {"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4"}

_METAL_FACTOR = {
    32: "a1",
    96: "m5zn x2iezn z1d",
    128: "c6g c6gd i3 m6g m6gd r6g r6gd x2gd",
    144: "c5n",
    192: "c5 c5d i3en m5 m5d m5dn m5n r5 r5b r5d r5dn r5n",
    256: "c6i c6id m6i m6id r6id",
    448: "u-18tb1 u-24tb1",
    896: "u-6tb1 u-9tb1 u-12tb1",
}
_METAL_FACTOR_BY_FAMILY = {
    family: factor for factor, families in _METAL_FACTOR.items() for family in families.split()
}


def normalization_factor(family: str, size: str) -> Decimal | None:
    """Weight of a size in reservation size flexibility; None where the guide gives no rule.

    EC2 user guide, normalization factors: named sizes, 8 per ``xlarge`` (every listed size
    follows this, 2xlarge 16 to 112xlarge 896), and metal as its equivalent virtual size, which a
    name such as ``metal-24xl`` carries.
    """
    if size in _FACTOR_BY_SIZE:
        return Decimal(_FACTOR_BY_SIZE[size])
    if xlarge := re.fullmatch(r"(?:(\d*)xlarge|metal-(\d+)xl)", size):
        return Decimal(8 * int(xlarge[1] or xlarge[2] or 1))
    if size == "metal" and family in _METAL_FACTOR_BY_FAMILY:
        return Decimal(_METAL_FACTOR_BY_FAMILY[family])
    return None


def is_size_flexible(family: str, normalized_units: Decimal | None) -> bool:
    """Whether regional Linux reservations of the family, shared tenancy, fit all its sizes."""
    return normalized_units is not None and family not in SIZE_INFLEXIBLE_FAMILIES


@dataclass(frozen=True)
class PaymentRule:
    """How a payment option is priced from the no-upfront rate of the same class and term.

    Attributes:
        kind: reservation class.
        term_hours: term.
        payment: the option priced.
        ratio: effective hourly rate over the no-upfront rate.
        text: the rule as it stands beside every rate it derived.
    """

    kind: OfferKind
    term_hours: int
    payment: Payment
    ratio: Fraction
    text: str


# Measured: exact on x2iedn.32xlarge in 25 regions (2026-07), medians of 2019 within 0.5 %.
_PARTIAL_OVER = {1: "1.05", 3: "1.08"}
_ALL_TIMES = {
    (OfferKind.RESERVED_STANDARD, 1): "0.98",
    (OfferKind.RESERVED_STANDARD, 3): "0.94",
    (OfferKind.RESERVED_CONVERTIBLE, 1): "0.98",
    (OfferKind.RESERVED_CONVERTIBLE, 3): "0.98",
}


def payment_rules() -> tuple[PaymentRule, ...]:
    """The rules for partial and all upfront: both reservation classes, one and three years."""
    rules = []
    for (kind, years), times in _ALL_TIMES.items():
        partial, hours = Fraction(1) / Fraction(_PARTIAL_OVER[years]), years * HOURS_PER_YEAR
        over = f"no_upfront / {_PARTIAL_OVER[years]}"
        rules += [
            PaymentRule(
                kind,
                hours,
                Payment.PARTIAL_UPFRONT,
                partial,
                f"effective rate = {over}; half of the term's cost upfront",
            ),
            PaymentRule(
                kind,
                hours,
                Payment.ALL_UPFRONT,
                partial * Fraction(times),
                f"effective rate = {over} x {times}; all upfront",
            ),
        ]
    return tuple(rules)


PLAN_PRICED_AS: Mapping[OfferKind, OfferKind] = {
    OfferKind.SAVINGS_PLAN_EC2: OfferKind.RESERVED_STANDARD,
    OfferKind.SAVINGS_PLAN_COMPUTE: OfferKind.RESERVED_CONVERTIBLE,
}
"""The reservation class whose effective rate a savings plan's rate equals, same term and payment.

Measured on c5.xlarge, 2025-09: six of six EC2 plan rates equal, compute plan rates within 0.001.
"""
