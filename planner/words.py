"""Amounts, shares, counts and spans in words."""

from decimal import Decimal


def usd(amount: Decimal) -> str:
    """Dollars as read: whole ones from a thousand on, cents below, never minus zero."""
    return f"{amount:z,.0f}" if abs(amount) >= 1000 or amount == 0 else f"{amount:z,.2f}"


def percent(share: float | None, places: int = 1) -> str:
    """A share as percent, never minus zero; a dash where there is none."""
    return "-" if share is None else f"{share * 100:z.{places}f}%"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where need be."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(hours: int) -> str:
    """A length of time in the unit people use for it."""
    if hours >= 60 * 24:
        return counted(round(hours / 730), "month")
    return counted(round(hours / 24), "day") if hours >= 2 * 24 else counted(hours, "hour")
