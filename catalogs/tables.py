"""The two tables a catalogue is made of, and how models become rows and money whole numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from catalogs.kinds import OfferKind, Payment
from catalogs.offers import InstanceType, Rate

PLATFORM = ("instance_type", "region", "os", "tenancy")
"""Columns that say which machine a rate is for."""

RATE_KEY = (*PLATFORM, "kind", "term_hours", "payment")
"""Columns that name a rate; no two rows of a catalogue agree in all of them."""

LABEL_COLUMNS = (
    "instance_type",
    "region",
    "os",
    "tenancy",
    "kind",
    "payment",
    "as_of",
    "source",
    "derived",
)
"""Columns of the rates that hold labels; categorical in memory, dictionary-encoded on disk."""

OPTIONAL_LABELS = ("payment", "derived")

NUMBER_DTYPES = {"term_hours": "int32", "upfront_nanousd": "int64", "hourly_nanousd": "int64"}
"""Columns of the rates that hold whole numbers; ``term_hours`` is 0 where nothing is committed."""

RATE_COLUMNS = (*RATE_KEY, "upfront_nanousd", "hourly_nanousd", "as_of", "source", "derived")
RATE_DTYPES = {column: NUMBER_DTYPES.get(column, "category") for column in RATE_COLUMNS}

TYPE_DTYPES = {
    "provider": "str",
    "family": "str",
    "size": "str",
    "vcpus": "float64",
    "memory_gib": "float64",
    "architecture": "str",
    "gpus": "float64",
    "gpu_model": "str",
    "burstable": "bool",
    "bare_metal": "bool",
    "current_generation": "bool",
    "local_ssd_gb": "float64",
    "network_gbps": "float64",
    "normalized_units": "float64",
    "size_flexible": "bool",
    "resources": "str",
}
"""Columns of the instance types, the fields of `InstanceType`; the name is the index.

``resources`` are written as ``n2/vcpu=4 n2/gib=16``, empty where the machine is billed as one.
"""


class Provenance(BaseModel):
    """Where a catalogue comes from: kept beside the data, in the file too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    provider: str
    source: str
    as_of: date
    currency: str = "USD"


@dataclass(frozen=True)
class CatalogTables:
    """A catalogue's data.

    Attributes:
        instance_types: one row per type, columns `TYPE_DTYPES`, index ``name``.
        rates: one row per rate, columns `RATE_DTYPES`; money in whole nano-dollars per machine.
        provenance: name, provider, source, date and currency of the whole.
    """

    instance_types: pd.DataFrame
    rates: pd.DataFrame
    provenance: Provenance
    parts: tuple[Provenance, ...] = ()


def to_nanousd(amount_usd: Decimal) -> int:
    """Whole nano-dollars of an amount with at most nine decimals."""
    return int(amount_usd.scaleb(9))


def from_nanousd(nanousd: int) -> Decimal:
    """The exact amount in USD, without trailing zeros."""
    return _without_trailing_zeros(Decimal(nanousd).scaleb(-9))


def _without_trailing_zeros(number: Decimal) -> Decimal:
    # normalize() alone writes 100 as 1E+2.
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()


def instance_types_frame(instance_types: Iterable[InstanceType]) -> pd.DataFrame:
    """Rows of the instance-type table, columns `TYPE_DTYPES`, index ``name``, order kept."""
    rows = [
        instance_type.model_dump() | {"resources": resources_text(instance_type.resources)}
        for instance_type in instance_types
    ]
    frame = pd.DataFrame(rows, columns=["name", *TYPE_DTYPES]).set_index("name")
    frame.index = frame.index.astype("str")
    return frame.astype(TYPE_DTYPES)


def instance_types_of(frame: pd.DataFrame) -> list[InstanceType]:
    """The models of an instance-type table, order kept."""
    rows = frame.reset_index().astype(object)
    known = rows.where(rows.notna(), None).to_dict("records")
    for row in known:
        units = row["normalized_units"]
        if units is not None:  # through text, for Decimal(0.1) is not 0.1
            row["normalized_units"] = _without_trailing_zeros(Decimal(repr(units)))
        row["resources"] = parse_resources(row["resources"])
    return [InstanceType.model_validate(row) for row in known]


def parse_resources(text: str) -> dict[str, Decimal]:
    """The resources of a machine by name, as the instance-type table writes them."""
    pairs = (part.rpartition("=") for part in text.split())
    return {name: Decimal(quantity) for name, _, quantity in pairs}


def resource_names(instance_types: pd.DataFrame) -> set[str]:
    """Names of all resources that machines of a table are made of."""
    texts = instance_types["resources"].unique()
    return {name for text in texts for name in parse_resources(text)}


def resources_text(resources: Mapping[str, Decimal]) -> str:
    """The same the other way round."""
    return " ".join(f"{name}={quantity}" for name, quantity in resources.items())


def rates_frame(rates: Iterable[Rate], row_numbers: Iterable[int]) -> pd.DataFrame:
    """Rows of the rate table, columns `RATE_COLUMNS`, order kept; numbered by ``row_numbers``."""
    rows = [
        rate.model_dump(exclude={"provider", "upfront_usd", "hourly_usd", "term_hours"})
        | {
            "term_hours": rate.term_hours or 0,
            "upfront_nanousd": to_nanousd(rate.upfront_usd),
            "hourly_nanousd": to_nanousd(rate.hourly_usd),
            "as_of": rate.as_of.isoformat(),
        }
        for rate in rates
    ]
    frame = pd.DataFrame(rows, columns=list(RATE_COLUMNS), index=pd.Index(row_numbers))
    return with_column_types(frame)


def with_column_types(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates with labels as categories (kinds and payments in their own order)."""
    typed = rates.astype(NUMBER_DTYPES)
    orders = {"kind": [str(kind) for kind in OfferKind], "payment": [str(p) for p in Payment]}
    for column in LABEL_COLUMNS:
        labels = typed[column].astype(object)
        categories = orders.get(column) or sorted(set(labels.dropna()))
        typed[column] = pd.Categorical(
            labels.where(labels.notna(), None), categories=pd.Index(categories, dtype="str")
        )
    return typed[list(RATE_COLUMNS)]


def sorted_rates(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates in the order of their key, rows numbered from 0."""
    return rates.sort_values(list(RATE_KEY), na_position="first", ignore_index=True)
