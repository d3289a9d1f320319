"""Prices of an AWS price list, on demand and reserved; the latter come in two halves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from catalogs.faults import shown
from catalogs.imports.aws_machines import Cells
from catalogs.imports.gathering import FoundRate, Gathering, Machine, nanousd
from catalogs.imports.report import RefusedRow, Rows
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR

PAYMENTS: Mapping[str, Payment] = {
    "No Upfront": Payment.NO_UPFRONT,
    "Partial Upfront": Payment.PARTIAL_UPFRONT,
    "All Upfront": Payment.ALL_UPFRONT,
}
TERM_HOURS: Mapping[str, int] = {"1yr": HOURS_PER_YEAR, "3yr": 3 * HOURS_PER_YEAR}
RESERVED_KINDS: Mapping[str, OfferKind] = {
    "standard": OfferKind.RESERVED_STANDARD,
    "convertible": OfferKind.RESERVED_CONVERTIBLE,
}
_CLASS_OF_TERM_CODE: Mapping[str, str] = {
    **dict.fromkeys(
        ("4NA7Y494T4", "HU7G6KETJZ", "6QCMYABX3D", "BPH4J8HBKS", "38NPMPTW36", "NQ3QZPMQV9"),
        "standard",
    ),
    **dict.fromkeys(
        ("7NE97W5U4E", "CUZHX8X6JH", "VJWZNREJX2", "Z2E3P23VKM", "R5XV2EPZQZ", "MZU6U2429S"),
        "convertible",
    ),
}
"""Offering class by offer term code, the same in every price list; the pages state only these."""


class Terms(NamedTuple):
    """How a reserved price binds."""

    kind: OfferKind
    term_hours: int
    payment: Payment


@dataclass(frozen=True)
class _Half:
    """A reserved price of which one half has been read: an hourly or an upfront one."""

    row: int
    hourly_nanousd: int | None = None
    upfront_nanousd: int | None = None


def terms_of(cells: Cells) -> Terms:
    """Class, term and payment of a reserved price.

    Raises:
        RefusedRow: one of them is missing or unknown.
    """
    code = cells.get("offertermcode") or cells.get("ratecode", "..").split(".")[1:2]
    written = cells.get("offeringclass") or _CLASS_OF_TERM_CODE.get("".join(code), "")
    length, option = cells.get("leasecontractlength", ""), cells.get("purchaseoption", "")
    if written not in RESERVED_KINDS or length not in TERM_HOURS or option not in PAYMENTS:
        detail = shown(f"{written or 'no class'}, {length or 'no term'}, {option or 'no option'}")
        raise RefusedRow("class, term or payment of a reservation is unknown", detail)
    return Terms(RESERVED_KINDS[written], TERM_HOURS[length], PAYMENTS[option])


class PriceRows:
    """Turns the prices of one file into rates.

    Args:
        rows: where rows are counted.
        found: where rates go.
        source: what the rates name as their source.
        day: date of the prices.
    """

    def __init__(self, rows: Rows, found: Gathering, source: str, day: date) -> None:
        self._rows, self._found, self._source, self._day = rows, found, source, day
        self._halves: dict[tuple[Machine, Terms], _Half] = {}

    def on_demand(self, machine: Machine, cells: Cells) -> None:
        """Read a price on demand.

        Raises:
            RefusedRow: it is no price per hour in USD, or 0.
        """
        if cells.get("unit", "Hrs") != "Hrs":
            raise RefusedRow("unit is not an hour", shown(cells["unit"]))
        hourly = _amount(cells)
        if hourly == 0:
            raise RefusedRow("price on demand is 0", " ".join(machine))
        self._add(machine, None, hourly, 0)

    def reserved(self, machine: Machine, cells: Cells) -> None:
        """Read a reserved price, or the half of one.

        Raises:
            RefusedRow: its terms are unknown, or it is no amount of USD per hour or machine.
        """
        terms, unit = terms_of(cells), cells.get("unit", "Hrs")
        if unit not in ("Hrs", "Quantity"):
            raise RefusedRow("unit is neither an hour nor a machine", shown(unit))
        amount = _amount(cells)
        if terms.payment is Payment.NO_UPFRONT:
            hourly, upfront = (amount, 0) if unit == "Hrs" else (0, amount)
            if unit == "Quantity":
                raise RefusedRow("an upfront price of a term without upfront", " ".join(machine))
            self._add(machine, terms, hourly, upfront)
            return
        half = self._halves.pop((machine, terms), _Half(self._rows.number))
        if unit == "Hrs":
            half = replace(half, hourly_nanousd=amount)
        else:
            half = replace(half, upfront_nanousd=amount)
        if half.hourly_nanousd is None or half.upfront_nanousd is None:
            self._halves[machine, terms] = half
        else:
            self._add(machine, terms, half.hourly_nanousd, half.upfront_nanousd)

    def finish(self) -> None:
        """Refuse the halves whose other half did not come."""
        for (machine, terms), half in self._halves.items():
            missing = "hourly" if half.hourly_nanousd is None else "upfront"
            words = f"no {missing} price beside it: {' '.join(machine)} {terms.kind}"
            refusal = RefusedRow("half of a reserved price is missing", words)
            self._rows.refuse(half.row, refusal)

    def _add(self, machine: Machine, terms: Terms | None, hourly: int, upfront: int) -> None:
        kind, hours, payment = terms or (OfferKind.ON_DEMAND, 0, None)
        rate = FoundRate(machine, kind, hourly, self._day, self._source, hours, payment, upfront)
        self._found.add(rate, self._rows.file, self._rows.number)


def _amount(cells: Cells) -> int:
    if cells.get("currency", "USD") != "USD":
        raise RefusedRow("currency is not USD", shown(cells["currency"]))
    return nanousd(cells.get("priceperunit", ""))


def day_of(moment: object) -> date | None:
    """The day of an ISO 8601 moment; None where there is none."""
    try:
        return datetime.fromisoformat(str(moment).strip().replace("Z", "+00:00")).date()
    except ValueError:
        return None
