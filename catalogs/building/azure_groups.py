"""Flexibility groups of Azure sizes, derived from their prices.

A reservation serves every size of its group by a ratio. Within a series the ratio is taken as
proportional to vCPUs (a size with constrained vCPUs weighs as the whole size), and prices check
it: the price per vCPU of two sizes of a group agrees within a hundredth, by the median over
regions and terms. One region's price that strays does not break a group, for ratios are the same
everywhere. Where reservations have prices these decide, elsewhere on-demand prices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalogs import azure

_TOLERANCE = 0.01

Row = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupSize:
    """A size's place among those a reservation serves.

    Attributes:
        group: the flexibility group's name.
        ratio: its weight, the smallest size of the group 1.
    """

    group: str
    ratio: Decimal


def flexibility_groups(prices: pd.DataFrame, instances: pd.DataFrame) -> dict[str, GroupSize]:
    """Group and ratio of every size that shares its price per vCPU with another of its series.

    Args:
        prices: columns ``type, region, os, kind, term_years, hourly_usd, as_of``.
        instances: indexed by type; ``series`` and ``vcpus``, which may be unknown.
    """
    known = instances[instances["vcpus"].notna()]
    linux = prices[(prices["os"] == "linux") & prices["type"].isin(known.index)]
    reserved, on_demand = (
        _per_vcpu(linux[linux["kind"] == kind], known["vcpus"])
        for kind in ("reservation", "on_demand")
    )
    groups: dict[str, GroupSize] = {}
    for series, described in known.groupby("series"):
        vcpus = {str(name): float(count) for name, count in described["vcpus"].items()}
        own = {name: reserved[name] for name in vcpus if name in reserved}
        own = own or {name: on_demand[name] for name in vcpus if name in on_demand}
        for number, members in enumerate(_agreeing_sets(own, vcpus), 1):
            # The group of the smallest size goes by the series, as Azure's own do.
            name = azure.family_name(str(series)) + (f"-{number}" if number > 1 else "")
            smallest = min(vcpus[member] for member in members)
            ratios = {member: _ratio(vcpus[member] / smallest) for member in members}
            groups |= {member: GroupSize(name, ratio) for member, ratio in ratios.items()}
    return groups


def _per_vcpu(prices: pd.DataFrame, vcpus: pd.Series) -> dict[str, Row]:
    """Logarithms of each size's price per vCPU by region, term and date; NaN where it has none."""
    per_vcpu = np.log(prices["hourly_usd"] / prices["type"].map(vcpus).astype(float))
    table = prices.assign(per_vcpu=per_vcpu).pivot_table(
        index="type", columns=["region", "term_years", "as_of"], values="per_vcpu"
    )
    return dict(zip(map(str, table.index), table.to_numpy(), strict=True))


def _agreeing_sets(per_vcpu: dict[str, Row], vcpus: dict[str, float]) -> Iterator[Sequence[str]]:
    """Sets of two or more sizes that agree with the smallest of them, smallest sizes first."""
    left = sorted(per_vcpu, key=lambda name: (vcpus[name], name))
    while left:
        members = [name for name in left if _agree(per_vcpu[name], per_vcpu[left[0]])]
        left = [name for name in left[1:] if name not in members]
        if len(members) > 1:
            yield members


def _agree(one: Row, other: Row) -> bool:
    apart = one - other
    shared = apart[~np.isnan(apart)]
    return len(shared) > 0 and abs(float(np.median(shared))) <= np.log1p(_TOLERANCE)


def _ratio(number: float) -> Decimal:
    return Decimal(int(number)) if number == int(number) else Decimal(repr(round(number, 6)))
