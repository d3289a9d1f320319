"""Builds a catalogue from a folder of price tables, and says what it left out and derived."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from catalogs import aws
from catalogs.catalog import Catalog
from catalogs.checks import Where, check_rows, check_values
from catalogs.derivation import with_derived
from catalogs.faults import Faults
from catalogs.offers import HOURS_PER_YEAR, InstanceType, OfferKind, Payment
from catalogs.storage import write_tables
from catalogs.tables import (
    CatalogTables,
    Provenance,
    instance_types_frame,
    sorted_rates,
    with_column_types,
)

INSTANCES_FILE = "aws_instances.parquet"
PRICES_FILE = "aws_prices.parquet"

_INSTANCE_COLUMNS = (
    "type",
    "family",
    "size",
    "vcpus",
    "memory_gib",
    "arch",
    "gpus",
    "gpu_model",
    "burstable",
    "bare_metal",
    "current_generation",
    "local_ssd_gb",
    "network_baseline_gbps",
    "normalization_factor",
)
_PRICE_COLUMNS = (
    "type",
    "region",
    "os",
    "kind",
    "term_years",
    "payment",
    "upfront_usd",
    "hourly_usd",
    "effective_hourly_usd",
    "as_of",
    "source",
)

_KIND = {
    "on_demand": OfferKind.ON_DEMAND,
    "spot": OfferKind.SPOT,
    "ri_standard": OfferKind.RESERVED_STANDARD,
    "ri_convertible": OfferKind.RESERVED_CONVERTIBLE,
    "sp_ec2": OfferKind.SAVINGS_PLAN_EC2,
    "sp_compute": OfferKind.SAVINGS_PLAN_COMPUTE,
}
_PAYMENT = {
    "no": Payment.NO_UPFRONT,
    "partial": Payment.PARTIAL_UPFRONT,
    "all": Payment.ALL_UPFRONT,
}
_SPEND_KINDS = ("sp_ec2", "sp_compute")
_RESERVED_KINDS = ("ri_standard", "ri_convertible")
_NANO = 10**9


class BuildReport(BaseModel):
    """What went into a catalogue: rows kept, derived and left out, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_read: int
    rows_skipped: Mapping[str, int]
    published: Mapping[str, int]
    derived: Mapping[str, int]
    instance_types: int
    instance_types_without_rates: int

    def __str__(self) -> str:
        """Read as a short table."""
        parts = (
            ("published", self.published),
            ("derived", self.derived),
            ("left out", self.rows_skipped),
        )
        lines = [f"{self.rows_read} price rows read"]
        for title, counts in parts:
            lines += [f"  {title:<10}{count:>9,}  {name}" for name, count in counts.items()]
        lines.append(
            f"{self.instance_types} instance types priced, "
            f"{self.instance_types_without_rates} left out: no rate in this snapshot"
        )
        return "\n".join(lines)


def build_catalog(
    folder: Path | str,
    as_of: date = date(2025, 4, 4),
    spot_as_of: date = date(2025, 6, 28),
) -> tuple[Catalog, BuildReport]:
    """Build the AWS catalogue (Linux, shared tenancy) from a folder of price tables.

    Args:
        folder: holds ``aws_instances.parquet`` and ``aws_prices.parquet``.
        as_of: date of the rows to take, spot apart; 2025-04-04 is the coherent snapshot.
        spot_as_of: date of the spot rows to take.

    Raises:
        InvalidInputError: with every fault of the folder: files, columns, dates without rows,
            rows that do not fit together.
    """
    faults = Faults()
    instances = _read(Path(folder) / INSTANCES_FILE, _INSTANCE_COLUMNS, faults)
    prices = _read(Path(folder) / PRICES_FILE, _PRICE_COLUMNS, faults)
    faults.raise_if_any()
    kept, skipped = _coherent_rows(prices, as_of, spot_as_of)
    if not (kept["kind"] == "on_demand").any():
        on_demand = prices[(prices["kind"] == "on_demand") & (prices["os"] == "linux")]
        dates = ", ".join(sorted(on_demand["as_of"].unique()))
        faults.add("as_of", as_of.isoformat(), f"no Linux on-demand rows; choose of {dates}")
        faults.raise_if_any()
    published = _published_rates(kept)
    names = pd.Index(instances["type"])
    check_values(published, faults, _at(PRICES_FILE))
    check_rows(names, published, faults, _at(INSTANCES_FILE), _at(PRICES_FILE))
    faults.raise_if_any()
    rates = with_column_types(with_derived(published))
    types = _instance_types(instances[names.isin(published["instance_type"].unique())])
    provenance = Provenance(
        name="aws", provider="aws", source=_sources(published), as_of=as_of, currency="USD"
    )
    catalog = Catalog(CatalogTables(types, sorted_rates(rates), provenance))
    return catalog, BuildReport(
        rows_read=len(prices),
        rows_skipped=skipped,
        published=_count(published),
        derived=_count(rates.iloc[len(published) :]),
        instance_types=len(types),
        instance_types_without_rates=len(instances) - len(types),
    )


def write_catalog(catalog: Catalog, path: Path | str) -> None:
    """Write a catalogue to ``path`` (Parquet) with its instance types in a file beside it."""
    tables = CatalogTables(catalog.instance_types, catalog.rates, catalog.provenance)
    write_tables(tables, Path(path))


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


def _coherent_rows(
    prices: pd.DataFrame, as_of: date, spot_as_of: date
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of one snapshot, and how many were left out for each reason."""
    wanted = np.where(prices["kind"] == "spot", spot_as_of.isoformat(), as_of.isoformat())
    spend, reserved = (prices["kind"].isin(kinds) for kinds in (_SPEND_KINDS, _RESERVED_KINDS))
    rate = prices["hourly_usd"].where(~spend, prices["effective_hourly_usd"])
    paid_ahead = reserved & (prices["payment"] != "no")
    reasons = {
        "another date": prices["as_of"] != wanted,
        "not Linux": prices["os"] != "linux",
        "kind unknown": ~prices["kind"].isin(list(_KIND)),
        "amounts not published": rate.isna() | (paid_ahead & prices["upfront_usd"].isna()),
    }
    left = pd.Series(False, index=prices.index)
    skipped = {}
    for reason, rows in reasons.items():
        skipped[reason] = int((rows & ~left).sum())
        left |= rows
    return prices[~left], {reason: count for reason, count in skipped.items() if count}


def _published_rates(kept: pd.DataFrame) -> pd.DataFrame:
    """The rows as rates, in whole nano-dollars, before any is derived."""
    # Plans are priced by the rate at which they are used up, whatever is paid upfront.
    spend = kept["kind"].isin(_SPEND_KINDS)
    hourly = kept["hourly_usd"].where(~spend, kept["effective_hourly_usd"])
    upfront = kept["upfront_usd"].where(~spend, 0.0).fillna(0.0)
    derived = kept["source"].str.extract(r"^derived: (.*)$", expand=False)
    return pd.DataFrame(
        {
            "instance_type": kept["type"],
            "region": kept["region"],
            "os": "linux",
            "tenancy": "shared",
            "kind": kept["kind"].map(_KIND).astype(str),
            "term_hours": kept["term_years"].astype("int64") * HOURS_PER_YEAR,
            "payment": kept["payment"].map(_PAYMENT).astype(object),
            "upfront_nanousd": _nanousd(upfront),
            "hourly_nanousd": _nanousd(hourly),
            "as_of": kept["as_of"],
            "source": kept["source"],
            "derived": derived,
        }
    )


def _nanousd(amounts_usd: pd.Series) -> pd.Series:
    # List prices have at most nine decimals, so rounding only undoes binary fractions.
    return (amounts_usd * _NANO).round().astype("int64")


def _instance_types(instances: pd.DataFrame) -> pd.DataFrame:
    """The instance-type table, sorted by name."""
    ordered = instances.sort_values("type").astype(object)
    rows = ordered.where(ordered.notna(), None).to_dict("records")
    units = _normalized_units(rows)
    return instance_types_frame(
        InstanceType(
            name=row["type"],
            provider="aws",
            family=row["family"],
            size=row["size"],
            vcpus=row["vcpus"],
            memory_gib=row["memory_gib"],
            # Machines that also run 32-bit code are x86_64 machines.
            architecture=row["arch"] and row["arch"].removeprefix("i386/"),
            gpus=row["gpus"] or 0,
            gpu_model=row["gpu_model"],
            burstable=bool(row["burstable"]),
            bare_metal=row["bare_metal"],
            current_generation=row["current_generation"],
            local_ssd_gb=row["local_ssd_gb"] or 0,
            network_gbps=row["network_baseline_gbps"],
            normalized_units=units[row["type"]],
            size_flexible=aws.is_size_flexible(row["family"], units[row["type"]]),
        )
        for row in rows
    )


def _normalized_units(rows: list[dict[Hashable, Any]]) -> dict[str, Decimal | None]:
    """Published factors; a metal size without one weighs as its equivalent virtual size."""
    factors = {row["type"]: _factor(row["normalization_factor"]) for row in rows}
    virtual = {
        (row["family"], row["vcpus"]): factors[row["type"]] for row in rows if not row["bare_metal"]
    }
    for row in rows:
        family, name = row["family"], row["type"]
        if row["bare_metal"] and factors[name] is None:
            by_name = aws.normalization_factor(family, row["size"])
            factors[name] = by_name or virtual.get((family, row["vcpus"]))
    return factors


def _factor(published: float | None) -> Decimal | None:
    return None if published is None else Decimal(repr(published))


def _at(file: str) -> Where:
    return lambda row, column: f"{file} row {row}, {column}".removesuffix(", ")


def _sources(published: pd.DataFrame) -> str:
    return "; ".join(published["source"].drop_duplicates())


def _count(rates: pd.DataFrame) -> dict[str, int]:
    counts = rates["kind"].value_counts()
    return {str(kind): int(counts[kind]) for kind in OfferKind if counts.get(kind)}
