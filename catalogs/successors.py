"""Machines of tomorrow: the successor of a family, at its own prices, outside its commitments.

What a family will be replaced by is not known beforehand, and its prices are not. So a successor
costs what the family costs on demand, at spot and under plans that follow the load to any family;
no reservation of the family serves it, and no plan of the family.
"""

import re
from collections.abc import Collection

import pandas as pd

from catalogs.catalog import Catalog
from catalogs.joining import joined_rates
from catalogs.kinds import OfferKind
from catalogs.offers import InstanceType
from catalogs.tables import CatalogTables, parse_resources, resources_text

SUFFIX = "-successor"

FOLLOWING = tuple(
    kind
    for kind in OfferKind
    if not kind.is_commitment or (kind.is_spend and not kind.is_of_family)
)
"""Kinds of rates that a successor has: those that are bound to no family."""

_AZURE_GENERATION = re.compile(r"v(\d+)$")


def successor_name(name: str) -> str:
    """The successor of a type, a family, or a resource: ``n2-successor/vcpu`` of ``n2/vcpu``."""
    family, slash, unit = name.partition("/")
    return f"{family}{SUFFIX}{slash}{unit}"


def base_name(name: str) -> str:
    """What a successor takes the place of; any other name as it is."""
    family, slash, unit = name.partition("/")
    return f"{family.removesuffix(SUFFIX)}{slash}{unit}"


def has_later_generation(
    catalog: Catalog,
    described: InstanceType,
    regions: Collection[str],
    os: str = "linux",
    tenancy: str = "shared",
) -> bool:
    """Whether a later generation of a type's class is sold on demand in any of some regions.

    The class of ``m5.large`` is m, of ``Standard_D8s_v5`` D, of ``n2-standard-8`` n: a m6i, a
    ``Dsv6`` and a ``n4`` follow them.
    """
    own, generation = _class_of(described), described.generation
    if own is None or generation is None:
        return False
    return any(
        (one.generation or 0) > generation
        and one.provider == described.provider
        and _class_of(one) == own
        for region in dict.fromkeys(regions)
        for one in catalog.types_sold(region, os, tenancy)
    )


def _class_of(described: InstanceType) -> str | None:
    """The letters of a family that stay from generation to generation; None without any."""
    family = described.family
    azure = _AZURE_GENERATION.search(family)
    leading = re.match(r"[A-Z]+" if azure else r"[a-zA-Z]+", family)
    return leading[0] if leading else None


def with_successors(catalog: Catalog, types: Collection[str]) -> Catalog:
    """The catalogue with the successors of some of its types.

    Args:
        catalog: the prices.
        types: names of instance types it knows.
    """
    wanted = [name for name in dict.fromkeys(types) if not catalog.has_type(successor_name(name))]
    if not wanted:
        return catalog
    described = catalog.instance_types.loc[wanted]
    renamed = described.assign(
        family=[successor_name(family) for family in described["family"]],
        resources=[_renamed_resources(text) for text in described["resources"]],
    )
    renamed.index = pd.Index([successor_name(name) for name in wanted], name=described.index.name)
    resources = {one for name in wanted for one in catalog.instance_type(name).resources}
    rates = catalog.rates
    chosen = rates["instance_type"].isin({*wanted, *resources}) & rates["kind"].isin(
        [str(kind) for kind in FOLLOWING]
    )
    rows = rates[chosen].reset_index(drop=True)
    names = rows["instance_type"].cat.remove_unused_categories()
    rows["instance_type"] = names.cat.rename_categories(successor_name)
    tables = CatalogTables(
        pd.concat([catalog.instance_types, renamed]),
        joined_rates([rates, rows]),
        catalog.provenance,
        catalog.parts,
    )
    return Catalog(tables)


def _renamed_resources(text: str) -> str:
    """The resources of a type, as the table holds them, by their successors' names."""
    return resources_text(
        {successor_name(name): many for name, many in parse_resources(text).items()}
    )
