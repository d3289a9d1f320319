"""Azure's catalogue from its price tables: one snapshot with every term, newer prices beside it."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from catalogs import azure
from catalogs.building.azure_groups import GroupSize, flexibility_groups
from catalogs.building.price_tables import PriceTables, assembled, nanousd, without
from catalogs.building.report import BuildReport
from catalogs.catalog import Catalog
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR, InstanceType

PROVIDER = "azure"
SNAPSHOT = date(2024, 2, 5)
"""The one date on which on demand, spot, reservations and savings plans were all read."""

_INSTANCE_COLUMNS = (
    *("type", "series", "vcpus", "constrained_vcpus", "memory_gib", "arch", "gpus"),
    *("gpu_family", "temp_disk_gib"),
)
_PRICE_COLUMNS = (
    *("type", "region", "os", "kind", "term_years", "term_total_usd", "hourly_usd"),
    *("suspect_windows_price", "as_of", "source"),
)

_KIND = {
    "on_demand": OfferKind.ON_DEMAND,
    "spot": OfferKind.SPOT,
    "reservation": OfferKind.AZURE_RESERVATION,
    "savings_plan": OfferKind.AZURE_SAVINGS_PLAN,
}
_COMMITTED = ("reservation", "savings_plan")
_UPFRONT_RULE = "the term's total of the monthly payments, upfront"
_GB_PER_GIB = 1.073741824


def build(folder: Path, as_of: date) -> tuple[Catalog, BuildReport]:
    """Build the catalogue (Linux and Windows, shared tenancy).

    A machine sold in a region on ``as_of`` has the prices of that day alone; others have the
    newest there are.

    Raises:
        InvalidInputError: with every fault of the folder.
    """
    tables = PriceTables.read(PROVIDER, folder, _INSTANCE_COLUMNS, _PRICE_COLUMNS)
    tables = _with_plain_names(tables)
    kept, skipped = _coherent_rows(tables.prices, as_of)
    tables.require_on_demand(kept[kept["as_of"] == as_of.isoformat()], as_of)
    published = _published_rates(kept)
    tables.check(published)
    instances = tables.instances.set_index("type", drop=False)
    priced = instances[instances.index.isin(kept["type"].unique())]
    types = _instance_types(priced, flexibility_groups(kept, instances))
    rates = pd.concat([published, _paid_upfront(published, kept)], ignore_index=True)
    return assembled(tables, as_of, types, published, rates, skipped)


def _with_plain_names(tables: PriceTables) -> PriceTables:
    """The same with names as they are ordered by: the API pads some with blanks."""
    instances, prices = (
        frame.assign(type=frame["type"].str.strip()) for frame in (tables.instances, tables.prices)
    )
    return PriceTables(tables.provider, instances, prices)


def _coherent_rows(prices: pd.DataFrame, as_of: date) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows whose prices go together, and how many were left out for each reason."""
    dated = prices["as_of"] == as_of.isoformat()
    machine = pd.MultiIndex.from_frame(prices[["type", "region"]])
    newest = prices.groupby(["type", "region"])["as_of"].transform("max")
    chosen = dated | (~machine.isin(machine[dated]) & (prices["as_of"] == newest))
    kept, skipped = without(
        prices,
        {
            "Windows price read for Linux": prices["suspect_windows_price"].astype(bool),
            "another date": ~chosen,
            "commitment to a system's machine": prices["kind"].isin(_COMMITTED)
            & (prices["os"] != "linux"),
            "kind unknown": ~prices["kind"].isin(list(_KIND)),
        },
    )
    sound, misprinted = without(kept, _misprinted_plans(kept))
    return sound, skipped | misprinted


def _misprinted_plans(prices: pd.DataFrame) -> dict[str, pd.Series]:
    """Savings plan rates without an on-demand rate, above it, or below what plans can give."""
    place = ["type", "region", "os"]
    sold = prices[prices["kind"] == "on_demand"].set_index(place)["hourly_usd"]
    on_demand = sold.reindex(pd.MultiIndex.from_frame(prices[place])).to_numpy()
    share = prices["hourly_usd"] / on_demand
    lowest = float(1 - azure.LARGEST_PLAN_DISCOUNT)
    plan = prices["kind"] == "savings_plan"
    return {
        "plan without an on-demand price": plan & share.isna(),
        "plan rate above on demand": plan & (share > 1),
        "plan rate below any plan's": plan & (share < lowest),
    }


def _published_rates(kept: pd.DataFrame) -> pd.DataFrame:
    """The rows as rates, in whole nano-dollars; commitments as paid month by month."""
    committed = kept["kind"].isin(_COMMITTED)
    payment = committed.map({True: str(Payment.NO_UPFRONT), False: None})
    hours = kept["term_years"].astype("int64") * HOURS_PER_YEAR
    return pd.DataFrame(
        {
            "instance_type": kept["type"],
            "region": kept["region"],
            "os": kept["os"],
            "tenancy": "shared",
            "kind": kept["kind"].map(_KIND).astype(str),
            "term_hours": hours,
            "payment": payment.astype(object),
            "upfront_nanousd": 0,
            # Of a reservation the total is the price, and the rate is what it comes to.
            "hourly_nanousd": nanousd((kept["term_total_usd"] / hours).fillna(kept["hourly_usd"])),
            "as_of": kept["as_of"],
            "source": kept["source"],
            "derived": None,
        }
    )


def _paid_upfront(published: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Commitments paid on the first day, at the same total."""
    committed = published[published["payment"].notna()]
    reserved = (committed["kind"] == OfferKind.AZURE_RESERVATION).to_numpy()
    total = nanousd(kept.loc[committed.index, "term_total_usd"].fillna(0.0))
    return committed.assign(
        payment=str(Payment.ALL_UPFRONT),
        upfront_nanousd=total.where(reserved, 0),
        hourly_nanousd=committed["hourly_nanousd"].where(~reserved, 0),
        derived=_UPFRONT_RULE,
    )


def _instance_types(
    instances: pd.DataFrame, groups: Mapping[str, GroupSize]
) -> Iterator[InstanceType]:
    """The instance types, sorted by name; ``normalized_units`` are the flexibility ratios."""
    ordered = instances.sort_index().astype(object)
    for row in ordered.where(ordered.notna(), None).to_dict("records"):
        name, series = row["type"], azure.family_name(row["series"])
        group = groups.get(name)
        yield InstanceType(
            name=name,
            provider=PROVIDER,
            family=series if group is None else group.group,
            size=name.removeprefix("Standard_"),
            vcpus=row["constrained_vcpus"] or row["vcpus"],
            memory_gib=row["memory_gib"] or None,
            architecture=row["arch"],
            # A GPU size has one at least, also where the source does not count them.
            gpus=row["gpus"] or (1 if row["gpu_family"] else 0),
            burstable=azure.is_burstable(series),
            local_ssd_gb=round((row["temp_disk_gib"] or 0) * _GB_PER_GIB, 3),
            normalized_units=None if group is None else group.ratio,
            size_flexible=group is not None,
        )
