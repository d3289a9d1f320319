"""Numbers, hours and the base that the parts of a request are made of."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from catalogs import Dollars

# Money is kept in whole nano-dollars: nine decimals.
Usd = Annotated[Dollars, Field(ge=0, lt=10**9, decimal_places=9, allow_inf_nan=False)]
Positive = Annotated[Dollars, Field(gt=0, lt=10**9, decimal_places=9, allow_inf_nan=False)]
Hours = Annotated[int, Field(gt=0, le=10**6)]
Share = Annotated[float, Field(ge=0, le=1)]


def _on_the_hour(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 2200:
        raise ValueError("write a year from 1970 to 2200")
    utc = moment.astimezone(UTC)
    if utc.minute or utc.second or utc.microsecond:
        raise ValueError("write a whole UTC hour, such as 2026-01-01T00:00Z")
    return utc


Hour = Annotated[AwareDatetime, AfterValidator(_on_the_hour)]

SUCCESSOR_SUFFIX = " (successor)"
"""Ends the names of workloads and series that a forecast adds: usage that left its family."""


def _free(name: str) -> str:
    if name.endswith(SUCCESSOR_SUFFIX):
        raise ValueError(
            f"a forecast gives names ending in{SUCCESSOR_SUFFIX} to usage that leaves its "
            "machines' family; write another name"
        )
    return name


SeriesName = Annotated[str, AfterValidator(_free)]
"""Of a workload, or of the demand it reads."""


class Document(BaseModel):
    """Base of every part of the request: frozen, misspelt keys fail at the door."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def require_one_of(document: Document, *fields: str) -> None:
    """Raise ValueError unless exactly one of the fields is given."""
    given = [name for name in fields if getattr(document, name) is not None]
    if len(given) != 1:
        raise ValueError(f"write exactly one of {', '.join(fields)}")


def refuse_repeated(names: list[str]) -> None:
    """Raise ValueError where a name stands more than once."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands more than once; rename")
