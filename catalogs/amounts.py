"""Amounts as they were meant: decimals that arithmetic in floating point left its rounding on."""

import math
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

PLACES = Decimal("1e-9")
"""Money is kept in whole nano-dollars."""

MOST_ULPS = 8
"""Distance, in units of a double's last place, that a few sums and products come to."""


def without_noise(value: object) -> object:
    """A number with more places than money has, without what rounding in doubles left of it.

    4.800000000000001 is what 1.6 * 3 prints, and means 4.8. Numbers that differ from nano-dollars
    by more than such rounding stay as they are, for whoever reads them to refuse; so does what is
    no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return value
    try:
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except ArithmeticError:
        return value
    if not exact.is_finite() or abs(exact) >= Decimal(10) ** 12:
        return value
    rounded = exact.quantize(PLACES)
    if rounded == exact:
        return value
    noise = MOST_ULPS * math.ulp(float(exact))
    return rounded if abs(float(exact - rounded)) <= noise else value


Dollars = Annotated[Decimal, BeforeValidator(without_noise)]
