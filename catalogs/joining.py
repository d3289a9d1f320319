"""Catalogues of several providers as one."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
from pandas.api.types import union_categoricals

from catalogs.catalog import Catalog
from catalogs.faults import Faults
from catalogs.tables import LABEL_COLUMNS, CatalogTables, Provenance


def join_catalogs(catalogs: Sequence[Catalog]) -> Catalog:
    """One catalogue of all machines and rates; as old as the oldest of its parts, which it names.

    Raises:
        InvalidInputError: an instance type or resource that stands in two of them.
    """
    if len(catalogs) == 1:
        return catalogs[0]
    faults = Faults()
    seen = Counter(name for one in catalogs for name in set(one.billed_names))
    for name in sorted(name for name, times in seen.items() if times > 1):
        within = " and ".join(one.name for one in catalogs if name in one.billed_names)
        faults.add("catalog", name, f"stands in {within}; keep it in one of them")
    faults.raise_if_any()
    provenance = Provenance(
        name=" + ".join(one.name for one in catalogs),
        provider=", ".join(dict.fromkeys(one.provider for one in catalogs)),
        source="; ".join(one.source for one in catalogs),
        as_of=min(one.as_of for one in catalogs),
    )
    types = pd.concat([one.instance_types for one in catalogs])
    rates = joined_rates([one.rates for one in catalogs])
    parts = tuple(part for one in catalogs for part in one.parts)
    return Catalog(CatalogTables(types, rates, provenance, parts))


def joined_rates(rates: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows one table after another: no machine stands in two, so each one's stay together."""
    columns = {
        column: union_categoricals([one[column] for one in rates])
        if column in LABEL_COLUMNS
        else pd.concat([one[column] for one in rates], ignore_index=True)
        for column in rates[0].columns
    }
    return pd.DataFrame(columns)
