"""The tables a catalogue is built from: reading them, leaving rows out, assembling the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.building.report import BuildReport, counted_by_kind
from catalogs.catalog import Catalog
from catalogs.checks import check_rows, check_values
from catalogs.faults import Faults
from catalogs.offers import InstanceType
from catalogs.tables import (
    CatalogTables,
    Provenance,
    instance_types_frame,
    resource_names,
    sorted_rates,
    with_column_types,
)

_NANO = 10**9


@dataclass(frozen=True)
class PriceTables:
    """A provider's two tables.

    Attributes:
        provider: whose they are, such as ``aws``.
        instances: one row per instance type, its name in ``type``.
        prices: one row per price; ``kind``, ``as_of``, ``source`` and what it is a price of.
    """

    provider: str
    instances: pd.DataFrame
    prices: pd.DataFrame

    @classmethod
    def read(
        cls, provider: str, folder: Path, instances: Sequence[str], prices: Sequence[str]
    ) -> "PriceTables":
        """Read both tables, which must have the named columns.

        Raises:
            InvalidInputError: with every file and column that is missing or unreadable.
        """
        faults = Faults()
        tables = cls(
            provider,
            _read(folder / f"{provider}_instances.parquet", instances, faults),
            _read(folder / f"{provider}_prices.parquet", prices, faults),
        )
        faults.raise_if_any()
        return tables

    def instance_at(self, row: int, column: str) -> str:
        """Name a row of the instances for a reader."""
        return _place(f"{self.provider}_instances.parquet", row, column)

    def price_at(self, row: int, column: str) -> str:
        """Name a row of the prices for a reader."""
        return _place(f"{self.provider}_prices.parquet", row, column)

    def require_on_demand(self, kept: pd.DataFrame, as_of: date) -> None:
        """Raise if no on-demand price is kept, naming the dates that have some.

        Raises:
            InvalidInputError: with the dates to choose from.
        """
        if (kept["kind"] == "on_demand").any():
            return
        sold = self.prices[(self.prices["kind"] == "on_demand") & (self.prices["os"] == "linux")]
        dates = ", ".join(sorted(sold["as_of"].unique()))
        faults = Faults()
        faults.add("as_of", as_of.isoformat(), f"no Linux on-demand rows; choose of {dates}")
        faults.raise_if_any()

    def check(self, published: pd.DataFrame) -> None:
        """Check rates whose index numbers the rows of the prices they were read from.

        Raises:
            InvalidInputError: with every row that is wrong in itself or beside others.
        """
        faults = Faults()
        check_values(published, faults, self.price_at)
        names = pd.Index(self.instances["type"])
        check_rows(names, (), published, faults, self.instance_at, self.price_at)
        faults.raise_if_any()


def _place(file: str, row: int, column: str) -> str:
    return f"{file} row {row}, {column}".removesuffix(", ")


def _read(path: Path, columns: Sequence[str], faults: Faults) -> pd.DataFrame:
    nothing = pd.DataFrame(columns=list(columns))
    if not path.is_file():
        faults.add(path.name, str(path.parent), "is not in this folder; name one that holds it")
        return nothing
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        faults.add(path.name, str(path.parent), f"cannot be read: {error}")
        return nothing
    for column in columns:
        if column not in frame:
            faults.add(f"{path.name} columns", column, f"{column} is missing; add it")
    return frame


def without(
    prices: pd.DataFrame, reasons: Mapping[str, pd.Series]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows no reason speaks against, and how many the first reason to do so took out."""
    left = pd.Series(False, index=prices.index)
    skipped = {}
    for reason, rows in reasons.items():
        skipped[reason] = int((rows & ~left).sum())
        left |= rows
    return prices[~left], {reason: count for reason, count in skipped.items() if count}


def nanousd(amounts_usd: pd.Series) -> pd.Series:
    """Amounts in whole nano-dollars."""
    # List prices have at most nine decimals, so rounding only undoes binary fractions.
    return (amounts_usd * _NANO).round().astype("int64")


def _rate_at(row: int, column: str) -> str:
    return _place("rates", row, column)


def assembled(
    tables: PriceTables,
    as_of: date,
    described: Iterable[InstanceType],
    published: pd.DataFrame,
    rates: pd.DataFrame,
    skipped: Mapping[str, int],
) -> tuple[Catalog, BuildReport]:
    """The catalogue and its report.

    Args:
        tables: what it is built from.
        as_of: date of its prices.
        described: the instance types that have rates, sorted by name.
        published: the rates as the tables state them.
        rates: these, followed by the derived ones.
        skipped: rows left out, by reason.

    Raises:
        InvalidInputError: with every derived rate that does not fit the others.
    """
    types = instance_types_frame(described)
    faults = Faults()
    resources = resource_names(types)
    check_rows(types.index, resources, rates, faults, tables.instance_at, _rate_at)
    faults.raise_if_any()
    provenance = Provenance(
        name=tables.provider,
        provider=tables.provider,
        source="; ".join(published["source"].drop_duplicates()),
        as_of=as_of,
    )
    catalog = Catalog(CatalogTables(types, sorted_rates(with_column_types(rates)), provenance))
    return catalog, BuildReport(
        rows_read=len(tables.prices),
        rows_skipped=skipped,
        published=counted_by_kind(published),
        derived=counted_by_kind(rates.iloc[len(published) :]),
        instance_types=len(types),
        instance_types_without_rates=len(tables.instances) - len(types),
    )
