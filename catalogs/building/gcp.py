"""Google Cloud's catalogue from its price tables: machines, and the resources they are made of."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd

from catalogs import gcp
from catalogs.building.gcp_resources import Quantities, solved_series
from catalogs.building.price_tables import PriceTables, assembled, nanousd, without
from catalogs.building.report import BuildReport
from catalogs.catalog import Catalog
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR, InstanceType

PROVIDER = "gcp"
SNAPSHOT = date(2026, 7, 30)

_INSTANCE_COLUMNS = (
    *("type", "series", "vcpus", "memory_gib", "arch", "gpus", "gpu_model"),
    *("local_ssd_gb", "shared_core", "custom_type"),
)
_PRICE_COLUMNS = (*("type", "region", "os", "kind", "term_years", "hourly_usd", "as_of", "source"),)

_KIND = {
    "on_demand": OfferKind.ON_DEMAND,
    "spot": OfferKind.SPOT,
    "cud_resource": OfferKind.RESOURCE_COMMITMENT,
}


def build(folder: Path, as_of: date) -> tuple[Catalog, BuildReport]:
    """Build the catalogue of the rows of one date (Linux, shared tenancy).

    Raises:
        InvalidInputError: with every fault of the folder.
    """
    tables = PriceTables.read(PROVIDER, folder, _INSTANCE_COLUMNS, _PRICE_COLUMNS)
    instances = tables.instances.set_index("type", drop=False)
    dated, skipped = _dated_rows(tables.prices, as_of)
    tables.require_on_demand(dated, as_of)
    tables.check(_published_rates(dated))
    solved, quantities = solved_series(dated, instances)
    kept, by_parts = without(dated, _billed_by_parts(dated, quantities))
    published = _published_rates(kept)
    by_resource = _published_rates(solved).assign(derived=solved["derived"])
    undiscounted = pd.concat([published, by_resource], ignore_index=True)
    flexible = _flexible_commitments(undiscounted, instances)
    rates = pd.concat([undiscounted, *flexible], ignore_index=True)
    priced = instances[instances.index.isin(dated["type"].unique())]
    types = _instance_types(priced, quantities)
    return assembled(tables, as_of, types, published, rates, skipped | by_parts)


def _dated_rows(prices: pd.DataFrame, as_of: date) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of one date, and how many were left out for each reason."""
    reasons = {
        "another date": prices["as_of"] != as_of.isoformat(),
        "not Linux": prices["os"] != "linux",
        "follows from the sustained-use rule": prices["kind"] == "on_demand_full_month",
        "kind unknown": ~prices["kind"].isin([*_KIND, "on_demand_full_month"]),
    }
    return without(prices, reasons)


def _billed_by_parts(prices: pd.DataFrame, quantities: Quantities) -> dict[str, pd.Series]:
    """A machine's own commitment price where one commits to its parts."""
    committed = prices["kind"] == "cud_resource"
    return {"committed by resource": committed & prices["type"].isin(list(quantities))}


def _published_rates(kept: pd.DataFrame) -> pd.DataFrame:
    """The rows as rates, in whole nano-dollars."""
    committed = kept["kind"] == "cud_resource"
    payment = committed.map({True: str(Payment.NO_UPFRONT), False: None})
    return pd.DataFrame(
        {
            "instance_type": kept["type"],
            "region": kept["region"],
            "os": "linux",
            "tenancy": "shared",
            "kind": kept["kind"].map(_KIND).astype(str),
            "term_hours": kept["term_years"].astype("int64") * HOURS_PER_YEAR,
            "payment": payment.astype(object),
            "upfront_nanousd": 0,
            "hourly_nanousd": nanousd(kept["hourly_usd"]),
            "as_of": kept["as_of"],
            "source": kept["source"],
            "derived": None,
        }
    )


def _flexible_commitments(rates: pd.DataFrame, instances: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rates under flexible commitments: a share off on demand, of what is billed as it stands.

    A machine made of resources is discounted by these; machines with custom memory, GPUs or
    local SSD in one price are left out, for part of it is not covered.
    """
    on_demand = rates[rates["kind"] == OfferKind.ON_DEMAND]
    names = {str(name): str(name) for name in on_demand["instance_type"] if "/" in str(name)}
    whole = instances[
        (instances["gpus"] == 0)
        & (instances["local_ssd_gb"] == 0)
        & instances["custom_type"].isna()
    ]
    parts = {name.partition("/")[0] for name in names}
    own_price = whole[~whole["series"].isin(parts)]
    names |= dict(zip(own_price["type"], own_price["series"], strict=True))
    billed = on_demand["instance_type"].map(names)
    for years in (1, 3):
        share = billed.map(lambda name, years=years: gcp.flexible_discount(name, years), "ignore")
        covered, share = on_demand[share.notna()], share.dropna()
        pairs = zip(covered["hourly_nanousd"], share, strict=True)
        yield covered.assign(
            kind=str(OfferKind.FLEXIBLE_COMMITMENT),
            term_hours=years * HOURS_PER_YEAR,
            payment=str(Payment.NO_UPFRONT),
            hourly_nanousd=[gcp.discounted(int(nanousd), one) for nanousd, one in pairs],
            derived=[gcp.flexible_rule(one, years) for one in share],
        )


def _instance_types(
    instances: pd.DataFrame, quantities: Mapping[str, Mapping[str, Decimal]]
) -> Iterator[InstanceType]:
    """The instance types, sorted by name."""
    ordered = instances.sort_index().astype(object)
    for row in ordered.where(ordered.notna(), None).to_dict("records"):
        name, series = row["type"], row["series"]
        yield InstanceType(
            name=name,
            provider=PROVIDER,
            family=series,
            size=name.removeprefix(f"{series}-"),
            vcpus=row["vcpus"],
            memory_gib=row["memory_gib"],
            architecture=row["arch"],
            gpus=row["gpus"],
            gpu_model=row["gpu_model"],
            burstable=bool(row["shared_core"]),
            bare_metal=name.endswith("-metal"),
            local_ssd_gb=row["local_ssd_gb"],
            resources=dict(quantities.get(name, {})),
        )
