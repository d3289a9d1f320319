"""Rates as importers find them, one by one, held as columns until a catalogue is made of them."""

import re
from array import array
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np
import pandas as pd

from catalogs.faults import shown
from catalogs.imports.report import RefusedRow, Tally
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import InstanceType, rate_fault
from catalogs.tables import LABEL_COLUMNS, NUMBER_DTYPES, from_nanousd

# Providers' names are plain ASCII; colons divide the parts of an offer's id.
_NAME = re.compile(r"[!-9;-~]+")
_NANO = Decimal(10) ** 9
_LARGEST_USD = Decimal(10) ** 9


class Machine(NamedTuple):
    """Which machine a rate is for; a resource such as ``n2/vcpu`` may stand for the type."""

    instance_type: str
    region: str
    os: str = "linux"
    tenancy: str = "shared"


class FoundRate(NamedTuple):
    """One rate; money in whole nano-dollars per machine, ``term_hours`` 0 where none is bound."""

    machine: Machine
    kind: OfferKind
    hourly_nanousd: int
    as_of: date
    source: str
    term_hours: int = 0
    payment: Payment | None = None
    upfront_nanousd: int = 0
    derived: str | None = None


class SpotChange(NamedTuple):
    """A spot price from a moment on, and where it was read; ordered by the moment."""

    moment: datetime
    nanousd: int
    file: str
    row: int


class RateColumns:
    """Rates as columns of whole numbers, so that millions of them fit into memory."""

    def __init__(self) -> None:
        self._codes = {column: array("i") for column in (*LABEL_COLUMNS, "file")}
        self._labels: dict[str, dict[str | None, int]] = {column: {} for column in self._codes}
        self._numbers = {column: array("q") for column in (*NUMBER_DTYPES, "row")}

    def __len__(self) -> int:
        """Rates so far."""
        return len(self._numbers["row"])

    def add(self, rate: FoundRate, file: str, row: int) -> None:
        """Take a rate found in a row of a file."""
        labels = (
            *rate.machine,
            str(rate.kind),
            None if rate.payment is None else str(rate.payment),
            rate.as_of.isoformat(),
            rate.source,
            rate.derived,
            file,
        )
        for (column, codes), label in zip(self._codes.items(), labels, strict=True):
            known = self._labels[column]
            codes.append(known.setdefault(label, len(known)))
        amounts = (rate.term_hours, rate.upfront_nanousd, rate.hourly_nanousd, row)
        for numbers, amount in zip(self._numbers.values(), amounts, strict=True):
            numbers.append(amount)

    def frame(self) -> pd.DataFrame:
        """Columns of a rate table, and ``file`` and ``row`` a rate was found at."""
        labels = {
            column: pd.Series(
                np.array([*self._labels[column]], dtype=object)[np.asarray(codes, dtype=np.intp)],
                dtype=object,
            )
            for column, codes in self._codes.items()
        }
        return pd.DataFrame(labels | {name: np.array(one) for name, one in self._numbers.items()})


class Gathering:
    """What an import has found so far.

    Attributes:
        tally: rows read and refused.
        rates: rates found.
        described: machines as the files describe them, by name.
        machines_by_sku: the machine of each on-demand product, for files that refer to products.
        spot_changes: spot prices of each machine by zone, in the order they were read.
        day: date of rates whose file carries none.
        on_demand_nanousd: on-demand rates, those known beforehand too [per machine-hour].
    """

    def __init__(self, day: date, known_on_demand: Mapping[Machine, int]) -> None:
        self.tally = Tally()
        self.rates = RateColumns()
        self.described: dict[str, InstanceType] = {}
        self.machines_by_sku: dict[str, Machine] = {}
        self.spot_changes: dict[Machine, dict[str, list[SpotChange]]] = {}
        self.day = day
        self.on_demand_nanousd: dict[Machine, int] = dict(known_on_demand)

    def add(self, rate: FoundRate, file: str, row: int) -> None:
        """Take a rate found in a row of a file.

        Raises:
            RefusedRow: its names, term, payment or prices do not fit together.
        """
        check_names(rate.machine)
        fault = rate_fault(
            rate.kind,
            rate.term_hours or None,
            rate.payment,
            from_nanousd(rate.upfront_nanousd),
            from_nanousd(rate.hourly_nanousd),
        )
        if fault is not None:
            raise RefusedRow(fault, " ".join(rate.machine))
        if rate.kind is OfferKind.ON_DEMAND:
            self.on_demand_nanousd[rate.machine] = rate.hourly_nanousd
        self.rates.add(rate, file, row)


def check_names(machine: Machine) -> None:
    """See that a machine's type, region, system and tenancy are names.

    Raises:
        RefusedRow: one is empty or holds spaces, colons or signs that no provider uses.
    """
    if not all(_NAME.fullmatch(name) for name in machine):
        raise RefusedRow("a name is missing or not plain", shown(" ".join(machine)))


def cells_of(row: object) -> dict[str, str]:
    """An item of a document as texts, keys lower-cased; null is empty, nested values are absent.

    Raises:
        RefusedRow: the item is no object.
    """
    if not isinstance(row, dict):
        raise RefusedRow("is no object", shown(row))
    return {
        str(key).lower(): "" if value is None else str(value)
        for key, value in row.items()
        if not isinstance(value, dict | list)
    }


def nanousd(amount: str) -> int:
    """An amount in USD as whole nano-dollars, rounded half even.

    Raises:
        RefusedRow: it is no number of dollars, negative, or out of range.
    """
    try:
        usd = Decimal(amount.strip())
    except InvalidOperation:
        raise RefusedRow("price is no number", shown(amount)) from None
    if not usd.is_finite():
        raise RefusedRow("price is no number", shown(amount))
    if usd < 0:
        raise RefusedRow("price is negative", shown(amount))
    if usd >= _LARGEST_USD:
        raise RefusedRow("price is out of range", shown(amount))
    return int((usd * _NANO).to_integral_value())
