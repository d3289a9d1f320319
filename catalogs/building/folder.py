"""Building the catalogue of any provider from a folder of price tables."""

from datetime import date
from pathlib import Path

from catalogs.building import aws, azure, gcp
from catalogs.building.report import BuildReport
from catalogs.catalog import Catalog
from catalogs.faults import Faults
from catalogs.storage import write_tables
from catalogs.tables import CatalogTables

PROVIDERS = (aws.PROVIDER, azure.PROVIDER, gcp.PROVIDER)


def build_catalog(
    folder: Path | str,
    as_of: date | None = None,
    spot_as_of: date | None = None,
    provider: str = aws.PROVIDER,
) -> tuple[Catalog, BuildReport]:
    """Build a provider's catalogue from a folder of price tables.

    Args:
        folder: holds ``aws_instances.parquet`` and ``aws_prices.parquet``, or another provider's.
        as_of: date of the rows to take; None is the date of the provider's coherent snapshot.
        spot_as_of: date of AWS's spot rows, which are published apart; None as above.
        provider: ``aws``, ``azure`` or ``gcp``.

    Raises:
        InvalidInputError: with every fault of the folder: files, columns, dates without rows,
            rows that do not fit together.
    """
    faults = Faults()
    if provider not in PROVIDERS:
        faults.add("provider", provider, f"write one of {', '.join(PROVIDERS)}")
    elif spot_as_of is not None and provider != aws.PROVIDER:
        fix = f"{provider} dates all its prices alike; leave it out"
        faults.add("spot_as_of", spot_as_of.isoformat(), fix)
    faults.raise_if_any()
    if provider == gcp.PROVIDER:
        return gcp.build(Path(folder), as_of or gcp.SNAPSHOT)
    if provider == azure.PROVIDER:
        return azure.build(Path(folder), as_of or azure.SNAPSHOT)
    return aws.build(Path(folder), as_of or aws.SNAPSHOT, spot_as_of or aws.SPOT_SNAPSHOT)


def write_catalog(catalog: Catalog, path: Path | str) -> None:
    """Write a catalogue to ``path`` (Parquet) with its instance types in a file beside it."""
    tables = CatalogTables(catalog.instance_types, catalog.rates, catalog.provenance)
    write_tables(tables, Path(path))
