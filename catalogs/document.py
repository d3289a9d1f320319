"""A catalogue written by hand: the YAML, JSON or inline document and what it may leave out."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from catalogs.checks import check_rows
from catalogs.faults import Faults, InvalidInputError
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import (
    HOURS_PER_YEAR,
    NAME_PATTERN,
    InstanceType,
    Rate,
    Usd,
    rate_fault,
)
from catalogs.tables import (
    CatalogTables,
    Provenance,
    instance_types_frame,
    rates_frame,
    resource_names,
    sorted_rates,
)


class DocumentRate(BaseModel):
    """A rate as a document writes it; ``as_of`` and ``source`` default to the document's.

    The term is given as ``term_hours``, or as ``term_months`` of whole years (12 is 8 760 h,
    36 is 26 280 h). Money is USD per machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_type: str
    region: str = Field(pattern=NAME_PATTERN)
    os: str = "linux"
    tenancy: str = "shared"
    kind: OfferKind
    term_hours: int | None = Field(default=None, gt=0, le=10**6)
    term_months: int | None = Field(default=None, gt=0, multiple_of=12, le=120)
    payment: Payment | None = None
    upfront_usd: Usd = Decimal(0)
    hourly_usd: Usd
    as_of: date | None = None
    source: str | None = None
    derived: str | None = None

    @model_validator(mode="after")
    def _terms_fit_the_kind(self) -> Self:
        if self.term_months is not None and self.term_hours is not None:
            raise ValueError("give term_hours or term_months, not both")
        terms = (self.kind, self.hours, self.payment)
        if fault := rate_fault(*terms, self.upfront_usd, self.hourly_usd):
            raise ValueError(fault)
        return self

    @property
    def hours(self) -> int | None:
        """The term in hours, however it was written."""
        if self.term_months is not None:
            return self.term_months // 12 * HOURS_PER_YEAR
        return self.term_hours


class CatalogDocument(BaseModel):
    """A whole catalogue as one document, such as the ``catalog:`` part of a request.

    An instance type needs only its ``name``; sizes are flexible only where the type says
    ``size_flexible: true`` and gives its ``normalized_units``. The document's ``provider`` is the
    provider of everything in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    provider: str = Field(default="custom", pattern=NAME_PATTERN)
    source: str
    as_of: date
    currency: str = "USD"
    instance_types: tuple[InstanceType, ...] = Field(min_length=1)
    rates: tuple[DocumentRate, ...] = Field(min_length=1)

    @property
    def provenance(self) -> Provenance:
        """Name, provider, source, date and currency."""
        return Provenance.model_validate(
            self.model_dump(include={"name", "provider", "source", "as_of", "currency"})
        )

    def full_rate(self, rate: DocumentRate) -> Rate:
        """The rate with the document's provider, date and source filled in."""
        return Rate(
            **rate.model_dump(exclude={"term_months", "term_hours", "as_of", "source"}),
            provider=self.provider,
            term_hours=rate.hours,
            as_of=rate.as_of or self.as_of,
            source=self.source if rate.source is None else rate.source,
        )


def document_tables(document: CatalogDocument) -> CatalogTables:
    """The document as tables.

    Raises:
        InvalidInputError: with every fault that shows only across rows.
    """
    faults = Faults()
    tables = _checked_tables(document, faults)
    faults.raise_if_any()
    return tables


def parse_document(content: object, origin: str) -> CatalogTables:
    """A parsed YAML or JSON document as tables.

    Raises:
        InvalidInputError: with every fault, those of single rows and those across rows together.
    """
    faults = Faults()
    if not isinstance(content, dict):
        faults.add(origin, content, "write a mapping with name, source, as_of, instance_types, …")
        raise InvalidInputError(faults.found)
    try:
        return document_tables(CatalogDocument.model_validate(content))
    except ValidationError as error:
        wrong = _note(error, faults)
        _note_across_rows(content, wrong, faults)
        raise InvalidInputError(faults.found) from error


def _note_across_rows(content: dict[str, Any], wrong: set[tuple[str, int]], faults: Faults) -> None:
    """Look for faults across rows although some rows are wrong in themselves."""
    sound, row_numbers = dict(content), {}
    for part in ("instance_types", "rates"):
        given = content.get(part)
        rows = [
            (row, _stand_in(part, value) if (part, row) in wrong else value)
            for row, value in enumerate(given if isinstance(given, list) else [])
        ]
        sound[part] = [value for _, value in rows if value is not None]
        row_numbers[part] = [row for row, value in rows if value is not None]
    try:
        document = CatalogDocument.model_validate(sound)
    except ValidationError:  # the document's own fields are wrong; they are noted already
        return
    _checked_tables(document, faults, row_numbers)


def _stand_in(part: str, row: object) -> dict[str, Any] | None:
    """What other rows rely on in a wrong row: a type's name, the sale of a type on demand."""
    given = row if isinstance(row, dict) else {}
    kept = ("name",) if part == "instance_types" else ("instance_type", "region", "os", "tenancy")
    stand_in = {key: given[key] for key in kept if key in given}
    if not all(isinstance(value, str) for value in stand_in.values()) or kept[0] not in stand_in:
        return None
    if part == "instance_types":
        return stand_in
    sold = given.get("kind") == OfferKind.ON_DEMAND and "region" in stand_in
    return stand_in | {"kind": OfferKind.ON_DEMAND, "hourly_usd": 0} if sold else None


def _note(error: ValidationError, faults: Faults) -> set[tuple[str, int]]:
    """Note each fault pydantic found; answer the rows they stand in."""
    wrong = set()
    for found in error.errors(include_url=False):
        place = found["loc"]
        faults.add(place_text(place), found["input"], found["msg"].removeprefix("Value error, "))
        if len(place) > 1 and isinstance(place[1], int):
            wrong.add((str(place[0]), place[1]))
    return wrong


def place_text(place: tuple[int | str, ...]) -> str:
    """A path into a document as a reader writes it: ``rates[3].region``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _checked_tables(
    document: CatalogDocument,
    faults: Faults,
    row_numbers: Mapping[str, Sequence[int]] | None = None,
) -> CatalogTables:
    """The document as tables; faults across rows are noted.

    ``row_numbers`` say where the rows stood in the user's document, if some are left out here.
    """
    type_rows, rate_rows = (
        row_numbers[part] if row_numbers else range(len(rows))
        for part, rows in (("instance_types", document.instance_types), ("rates", document.rates))
    )
    if document.currency != "USD":
        faults.add("currency", document.currency, "convert the prices to USD and write USD")
    types = instance_types_frame(
        instance_type.model_copy(update={"provider": document.provider})
        for instance_type in document.instance_types
    )
    rates = rates_frame(map(document.full_rate, document.rates), row_numbers=rate_rows)

    def type_at(row: int, column: str) -> str:
        return place_text(("instance_types", type_rows[row], column))

    def rate_at(row: int, column: str) -> str:
        return place_text(("rates", row, column)).removesuffix(".")

    check_rows(types.index, resource_names(types), rates, faults, type_at, rate_at)
    return CatalogTables(types, sorted_rates(rates), document.provenance)
