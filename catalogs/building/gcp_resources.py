"""Prices of the resources machines are made of, solved from the machines' own prices.

A series of :math:`n` machine types has, in a region and for each way to buy, prices
:math:`p = Q r`: :math:`Q` is how much of each resource a machine has, :math:`r` what one unit
costs an hour. Google publishes :math:`r`; where only :math:`p` is at hand, least squares finds
:math:`r` again, and a residual above a millionth says that the series is not priced by its parts.
"""

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalogs.gcp import GIB_PER_LOCAL_SSD, LOCAL_SSD, vcpu_with_memory

Quantities = Mapping[str, Mapping[str, Decimal]]
"""How much of each resource a machine type has, by the type's name."""

Solved = dict[tuple[str, str, int], "npt.NDArray[np.float64]"]
"""USD per unit and hour of each resource, by region, kind and term in years."""

_SHARED_CORE_SERIES = ("f1", "g1")
_TOLERANCE = 1e-6  # list prices of machines have six to eight decimals
_RULE = "solved from the prices of the series' machine types"
_PLACE = ["region", "kind", "term_years"]


def solved_series(
    prices: pd.DataFrame, instances: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, dict[str, Decimal]]]:
    """Resource prices as rows of the price table, and what each machine type is made of.

    Machines with GPUs and series of shared cores are left out, custom machine types too: their
    memory has two prices. So are series whose prices no resource prices add up to.

    Args:
        prices: columns ``type, region, kind, term_years, hourly_usd, as_of, source``.
        instances: indexed by type; ``series, vcpus, memory_gib, gpus, local_ssd_gb, custom_type``.
    """
    rows: list[pd.DataFrame] = []
    made_of: dict[str, dict[str, Decimal]] = {}
    plain = instances[(instances["gpus"] == 0) & instances["custom_type"].isna()]
    plain = plain[~plain["series"].isin(_SHARED_CORE_SERIES)]
    for series, described in plain.groupby("series"):
        quantities = _quantities(str(series), described)
        of_series = prices[prices["type"].isin(described.index)]
        if solved := _solve(of_series, quantities):
            rows.append(_price_rows(solved, quantities.columns, of_series))
            made_of |= _as_decimals(quantities)
    nothing = prices.iloc[:0].assign(derived=None)
    return pd.concat(rows, ignore_index=True) if rows else nothing, made_of


def _quantities(series: str, described: pd.DataFrame) -> pd.DataFrame:
    """Units of each resource [machine type × resource name].

    Where memory goes with vCPUs at one ratio throughout, their prices cannot be told apart and
    need not be.
    """
    gib_per_vcpu = described["memory_gib"] / described["vcpus"]
    columns = {f"{series}/vcpu": described["vcpus"], f"{series}/gib": described["memory_gib"]}
    ratio = gib_per_vcpu.iloc[0]
    if (gib_per_vcpu == ratio).all():
        columns = {vcpu_with_memory(series, ratio): described["vcpus"]}
    if (described["local_ssd_gb"] > 0).any():
        columns[f"{series}/{LOCAL_SSD}"] = described["local_ssd_gb"] / GIB_PER_LOCAL_SSD
    return pd.DataFrame(columns)


def _solve(prices: pd.DataFrame, quantities: pd.DataFrame) -> Solved:
    """Prices of the resources everywhere; empty if at any place none add up to the machines'.."""
    solved: Solved = {}
    for place, group in prices.groupby(_PLACE):
        units = quantities.loc[group["type"]].to_numpy()
        hourly_usd = group["hourly_usd"].to_numpy()
        # Relative errors count, so that small machines fit as well as large ones.
        weighted = units / hourly_usd[:, None]
        found, _, rank, _ = np.linalg.lstsq(weighted, np.ones(len(group)), rcond=1e-9)
        unit_usd = found.round(9)
        misfit = np.abs(units @ unit_usd / hourly_usd - 1).max()
        if rank < quantities.shape[1] or misfit > _TOLERANCE or (unit_usd < 0).any():
            return {}
        region, kind, years = place
        solved[str(region), str(kind), int(str(years))] = unit_usd
    return solved


def _price_rows(solved: Solved, names: pd.Index, prices: pd.DataFrame) -> pd.DataFrame:
    """The solved prices in the columns of the price table, each with its rule."""
    places = pd.DataFrame(list(solved), columns=_PLACE)
    each = places.loc[places.index.repeat(len(names))].reset_index(drop=True)
    first = prices.iloc[0]
    return each.assign(
        type=list(names) * len(places),
        os="linux",
        hourly_usd=np.concatenate(list(solved.values())),
        as_of=first["as_of"],
        source=first["source"],
        derived=_RULE,
    )


def _as_decimals(quantities: pd.DataFrame) -> dict[str, dict[str, Decimal]]:
    """The same as numbers for people: 4, not 4.0; what a machine has none of is left out."""
    return {
        str(name): {
            str(resource): Decimal(int(units)) if units == int(units) else Decimal(repr(units))
            for resource, units in row.items()
            if units > 0
        }
        for name, row in quantities.iterrows()
    }
