"""Words and figures as terminals show them: money, shares, quantities, offers, tables."""

from collections.abc import Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from catalogs import OfferKind
from planner.words import counted, percent, span, usd

__all__ = [
    "counted",
    "make_table",
    "number",
    "offer_name",
    "percent",
    "quantity",
    "remarks",
    "span",
    "usd",
]

WIDTH = 80

KIND_NAMES = {
    OfferKind.CAPACITY_RESERVATION: "Capacity Reservation",
    OfferKind.CAPACITY_BLOCK: "Capacity Block",
    OfferKind.OWN_HARDWARE: "own server",
    OfferKind.RESERVED_ZONAL: "zonal Reserved Instance",
    OfferKind.RESERVED_STANDARD: "Standard Reserved Instance",
    OfferKind.RESOURCE_COMMITMENT: "resource-based commitment",
    OfferKind.AZURE_RESERVATION: "Azure reservation",
    OfferKind.RESERVED_CONVERTIBLE: "Convertible Reserved Instance",
    OfferKind.SAVINGS_PLAN_EC2: "EC2 Instance Savings Plan",
    OfferKind.FLEXIBLE_COMMITMENT: "Compute flexible commitment",
    OfferKind.AZURE_SAVINGS_PLAN: "Azure savings plan for compute",
    OfferKind.SAVINGS_PLAN_COMPUTE: "Compute Savings Plan",
}
"""Products as their providers write them."""

UNITS = {"machines": "×", "USD per hour": "$/h"}
"""How quantities are written short."""


def quantity(amount: Decimal, unit: str) -> str:
    """How much of a unit there is: ``12 ×`` machines, ``3.816 $/h``, ``1 server``."""
    unit = UNITS.get(unit, unit)
    singular = amount == 1 and unit.endswith("s")
    return f"{amount.normalize():f} {unit.removesuffix('s') if singular else unit}"


def offer_name(offer_id: str) -> tuple[str, str]:
    """An offer id in a reader's words: ``reserved m7g.large us-east-1`` and ``3y partial``."""
    _, kind, *scope, term, payment = offer_id.split(":")
    # Ids go from the wide to the narrow; people name the machine first.
    words = [KIND_NAMES[OfferKind(kind)], *scope[1:2], *scope[:1], *scope[2:]]
    return " ".join(words), f"{term} {payment.removesuffix('_upfront')}"


def remarks(notes: Sequence[str], warnings: Sequence[str], *lines: str) -> RenderableType:
    """Warnings, notes and further lines, one below the other."""
    found = [Text.assemble(("warning: ", "bold yellow"), warning) for warning in warnings]
    found += [Text(f"note: {note}") for note in notes]
    return Text("\n").join([*found, *map(Text, lines)])


def make_table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """An empty table with columns aligned left, then right."""
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.padding = (0, 2, 0, 0)
    for name in left:
        table.add_column(name, header_style="dim", overflow="fold")
    for name in right:
        table.add_column(name, header_style="dim", justify="right")
    return table


def number(value: float | None) -> str:
    """A quantity as read: four digits, thousands apart; a dash where there is none."""
    if value is None:
        return "-"
    if value == 0 or 0.001 <= abs(value) < 1e7:
        digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
        return f"{value:z,.{digits if abs(value) >= 1 or value == 0 else 4}f}"
    return f"{value:.3e}"
