"""The prices a request means: its catalogues as one, at the customer's private prices."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, Faults, bundled_names, join_catalogs
from catalogs.faults import collected
from catalogs.tables import CatalogTables
from planner.request import CatalogSource, PlanRequest, PriceMultiplier

MONEY = ("upfront_nanousd", "hourly_nanousd")


def open_catalogs(request: PlanRequest, folder: Path) -> Catalog:
    """The catalogues a request names, points to or contains, as one, at its private prices."""
    faults, found = Faults(), []
    for source in request.catalogs:
        catalog = collected(faults, partial(open_catalog, source, folder))
        found += [] if catalog is None else [catalog]
    faults.raise_if_any()
    return multiplied(join_catalogs(found), request.prices)


def open_catalog(source: CatalogSource, folder: Path) -> Catalog:
    """The catalogue of one source."""
    if source.inline is not None:
        return Catalog.from_document(source.inline)
    if source.file is not None:
        return Catalog.read(folder / source.file)
    if source.name not in bundled_names():
        faults = Faults()
        known = ", ".join(bundled_names())
        faults.add("catalog.name", source.name, f"no such bundled catalogue; there are: {known}")
        faults.raise_if_any()
    return Catalog.bundled(str(source.name))


def multiplied(catalog: Catalog, multipliers: Sequence[PriceMultiplier]) -> Catalog:
    """The catalogue with its rates multiplied, each rounded to the nano-dollar (half to even)."""
    if not multipliers:
        return catalog
    rates = catalog.rates.copy()
    for one in multipliers:
        rows = _rows(catalog, one)
        for column in MONEY:
            exact = rates.loc[rows, column].tolist()
            rates.loc[rows, column] = [
                round(Fraction(nano) * Fraction(one.factor)) for nano in exact
            ]
    tables = CatalogTables(catalog.instance_types, rates, catalog.provenance, catalog.parts)
    return Catalog(tables)


def _rows(catalog: Catalog, multiplier: PriceMultiplier) -> NDArray[np.bool_]:
    """Rates that meet every criterion of a multiplier [rate]."""
    rates, types = catalog.rates, catalog.instance_types
    chosen = np.ones(len(rates), dtype=np.bool_)
    family = types["family"].to_dict()
    for wanted, of_name in (
        (multiplier.providers, catalog.billed_names.get),
        (multiplier.families, lambda name: family.get(name, name)),
    ):
        if wanted is not None:
            names = rates["instance_type"].cat
            meets = np.array([of_name(name) in wanted for name in names.categories], dtype=np.bool_)
            chosen &= meets[names.codes]
    for wanted, column in ((multiplier.kinds, "kind"), (multiplier.regions, "region")):
        if wanted is not None:
            chosen &= rates[column].isin([str(one) for one in wanted]).to_numpy()
    return chosen


def longest_term_hours(request: PlanRequest, catalog: Catalog) -> int | None:
    """Of the commitments that the request allows and the catalogue sells."""
    sold = catalog.rates[catalog.rates["kind"].isin(list(request.offers.kinds))]["term_hours"]
    allowed = request.offers.term_hours
    terms = sold if allowed is None else sold[sold.isin(list(allowed))]
    return None if terms.empty else int(terms.max())
