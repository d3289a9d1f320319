"""AWS's catalogue from its price tables: Linux, shared tenancy, one snapshot and its spot rates."""

from collections.abc import Hashable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from catalogs import aws
from catalogs.building.price_tables import PriceTables, assembled, nanousd, without
from catalogs.building.report import BuildReport
from catalogs.catalog import Catalog
from catalogs.derivation import with_derived
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR, InstanceType

PROVIDER = "aws"
SNAPSHOT = date(2025, 4, 4)
"""The coherent snapshot: on demand and every reservation, read on one day."""
SPOT_SNAPSHOT = date(2025, 6, 28)

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


def build(folder: Path, as_of: date, spot_as_of: date) -> tuple[Catalog, BuildReport]:
    """Build the catalogue of the rows of one date, spot rows of another.

    Raises:
        InvalidInputError: with every fault of the folder.
    """
    tables = PriceTables.read(PROVIDER, folder, _INSTANCE_COLUMNS, _PRICE_COLUMNS)
    kept, skipped = _coherent_rows(tables.prices, as_of, spot_as_of)
    tables.require_on_demand(kept, as_of)
    published = _published_rates(kept)
    tables.check(published)
    priced = tables.instances["type"].isin(published["instance_type"].unique())
    types = _instance_types(tables.instances[priced])
    return assembled(tables, as_of, types, published, with_derived(published), skipped)


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
    return without(prices, reasons)


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
            "upfront_nanousd": nanousd(upfront),
            "hourly_nanousd": nanousd(hourly),
            "as_of": kept["as_of"],
            "source": kept["source"],
            "derived": derived,
        }
    )


def _instance_types(instances: pd.DataFrame) -> Iterator[InstanceType]:
    """The instance types, sorted by name."""
    ordered = instances.sort_values("type").astype(object)
    rows = ordered.where(ordered.notna(), None).to_dict("records")
    units = _normalized_units(rows)
    return (
        InstanceType(
            name=row["type"],
            provider=PROVIDER,
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
