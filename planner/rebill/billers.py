"""Whose rules bill whose account, and exact prices as the numbers they bill in."""

from decimal import Decimal
from fractions import Fraction
from typing import get_args

from planner.billing import Provider

ACCOUNT = "default"
"""Usage and commitments stand in one account, but for workloads with dedicated reservations."""


def biller_of(provider: str) -> Provider:
    """Whose rules a provider's bill follows: its own where they are known."""
    return provider if provider in get_args(Provider) else "custom"  # type: ignore[return-value]


def decimal(value: Fraction) -> Decimal:
    """A price of the model as one that is billed."""
    return Decimal(value.numerator) / Decimal(value.denominator)
