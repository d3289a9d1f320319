"""Imports files as providers publish them into a catalogue."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd

from catalogs.catalog import Catalog, bundled_names
from catalogs.faults import Fault, Faults, InvalidInputError
from catalogs.imports.assembling import Ground, assemble
from catalogs.imports.formats import Format
from catalogs.imports.gathering import Gathering, Machine
from catalogs.imports.registry import FORMATS, SELLERS, format_of
from catalogs.imports.report import ImportReport, Rows
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind
from catalogs.tables import PLATFORM, instance_types_frame


def import_files(
    provider: str, paths: Sequence[Path], day: date, onto: Catalog | None = None
) -> tuple[Catalog, ImportReport]:
    """A catalogue of the prices in the files, and what became of every row.

    Machines are described as in ``onto``, else as in the provider's bundled catalogue, else as in
    the files themselves.

    Args:
        provider: whose formats the files are in: a key of `FORMATS`.
        paths: files; the format of each is told by its content.
        day: date of prices whose file carries none.
        onto: a catalogue whose rates stay where the files hold none.

    Raises:
        InvalidInputError: with every fault found: no such provider, files that are unreadable,
            damaged or of no known format, or no price left to import.
    """
    if provider not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidInputError([Fault(field="provider", value=provider, fix=f"one of {known}")])
    faults = Faults()
    found = Gathering(day, {} if onto is None else _on_demand(onto))
    chosen = _in_reading_order(provider, paths, faults)
    for source, one in chosen:
        try:
            _read(source, one, found)
        except InvalidInputError as error:
            faults.extend(error)
    faults.raise_if_any()
    for finish in dict.fromkeys(one.finish for _, one in chosen if one.finish):
        finish(found)
    seller = SELLERS.get(provider, provider)
    return assemble(found, Ground(seller, _descriptions(seller, onto), onto))


def _in_reading_order(
    provider: str, paths: Sequence[Path], faults: Faults
) -> list[tuple[Source, Format]]:
    """The files with their formats, those first that others refer to."""
    chosen = []
    for source in map(Source, paths):
        try:
            chosen.append((source, format_of(source, provider)))
        except InvalidInputError as error:
            faults.extend(error)
    return sorted(chosen, key=lambda pair: pair[1].stage)


def _read(source: Source, chosen: Format, found: Gathering) -> None:
    rows = Rows(found.tally, source.name, chosen.unit)
    chosen.read(source, rows, found)
    rows.close(chosen.title)


def _descriptions(provider: str, onto: Catalog | None) -> pd.DataFrame:
    """Machines of the catalogue written onto, then the bundled ones it lacks."""
    beneath = [] if onto is None else [onto.instance_types]
    types = pd.concat([instance_types_frame(()), *beneath, _bundled_types(provider)])
    return types[~types.index.duplicated()]


@lru_cache(maxsize=4)
def _bundled_types(provider: str) -> pd.DataFrame:
    """Machines of a bundled catalogue, of none where the provider has none."""
    if provider not in bundled_names():
        return instance_types_frame(())
    return Catalog.bundled(provider).instance_types


def _on_demand(catalog: Catalog) -> Mapping[Machine, int]:
    rates = catalog.rates[catalog.rates["kind"] == OfferKind.ON_DEMAND]
    machines = rates[list(PLATFORM)].astype(object).itertuples(index=False, name=None)
    return {
        Machine(*machine): int(hourly)
        for machine, hourly in zip(machines, rates["hourly_nanousd"], strict=True)
    }
