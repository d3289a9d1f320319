"""Catalogues on disk: two Parquet files, or one YAML or JSON document.

``prices.parquet`` holds the rates and, in its metadata, the provenance;
``prices.types.parquet`` beside it holds the instance types. Money is stored as whole nano-dollars
(int64), so it is exact and loads without a Decimal being made.
"""

import json
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from catalogs.checks import check_rows, check_values
from catalogs.document import parse_document
from catalogs.faults import Faults
from catalogs.tables import (
    RATE_DTYPES,
    TYPE_DTYPES,
    CatalogTables,
    Provenance,
    resource_names,
    sorted_rates,
    with_column_types,
)

_PROVENANCE_KEY = b"fleetplan.provenance"
_ZSTD_LEVEL = 19  # written once, read often: a third smaller than the default level


def types_path(path: Path) -> Path:
    """Where the instance types of the catalogue file ``path`` stand."""
    return path.with_suffix(".types.parquet")


def write_tables(tables: CatalogTables, path: Path) -> None:
    """Write the rates to ``path`` and the instance types beside it, replacing what stood there.

    Both are written whole under other names before either replaces anything.
    """
    rates = pa.Table.from_pandas(tables.rates, preserve_index=False)
    types = pa.Table.from_pandas(tables.instance_types.reset_index(), preserve_index=False)
    provenance = {_PROVENANCE_KEY: tables.provenance.model_dump_json().encode()}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as staging:
        targets = (path, types_path(path))
        for table, target in zip((rates, types), targets, strict=True):
            pq.write_table(
                table.replace_schema_metadata({**table.schema.metadata, **provenance}),
                Path(staging, target.name),
                compression="zstd",
                compression_level=_ZSTD_LEVEL,
                row_group_size=len(table) or 1,
            )
        for target in targets:
            Path(staging, target.name).replace(target)


def read_tables(path: Path) -> CatalogTables:
    """Read a catalogue from a Parquet, YAML or JSON file.

    Raises:
        InvalidInputError: with every fault found: the file is missing or unreadable, columns are
            missing or of another type, rows are wrong or do not fit together.
    """
    faults = Faults()
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".yaml", ".yml", ".json"):
        faults.add("catalog", str(path), "name a .parquet, .yaml, .yml or .json file")
    elif not path.is_file():
        faults.add("catalog", str(path), "no such file; check the path")
    faults.raise_if_any()
    if suffix == ".parquet":
        return _checked_parquet(path, faults)
    return parse_document(_parsed(path, faults), origin=path.name)


def _parsed(path: Path, faults: Faults) -> object:
    content: object = None
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        faults.add("catalog", str(path), f"cannot be read: {error}")
    faults.raise_if_any()
    return content


def read_trusted(path: Path) -> CatalogTables:
    """Read a Parquet catalogue that was checked when it was written, such as the bundled one.

    Raises:
        InvalidInputError: when a file is missing, unreadable or has other columns.
    """
    faults = Faults()
    rates = _frame(path, RATE_DTYPES, faults)
    types = _frame(types_path(path), {"name": "str", **TYPE_DTYPES}, faults)
    provenance = _provenance(path, faults)
    faults.raise_if_any()
    return CatalogTables(types.set_index("name"), rates, provenance)


def _checked_parquet(path: Path, faults: Faults) -> CatalogTables:
    tables = read_trusted(path)
    if tables.provenance.currency != "USD":
        faults.add("currency", tables.provenance.currency, "convert the prices to USD")

    def rate_at(row: int, column: str) -> str:
        return f"{path.name} row {row}{', ' if column else ''}{column}"

    def type_at(row: int, column: str) -> str:
        return f"{types_path(path).name} row {row}, {column}"

    check_values(tables.rates, faults, rate_at)
    faults.raise_if_any()
    names = tables.instance_types.index
    resources = resource_names(tables.instance_types)
    check_rows(names, resources, tables.rates, faults, type_at, rate_at)
    faults.raise_if_any()
    return CatalogTables(
        tables.instance_types, sorted_rates(with_column_types(tables.rates)), tables.provenance
    )


def _frame(path: Path, dtypes: Mapping[str, str], faults: Faults) -> pd.DataFrame:
    """The file's columns as pandas types; an empty frame after noting what is wrong."""
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        faults.add("catalog", str(path), f"cannot be read: {error}")
        return pd.DataFrame()
    for column in sorted(frame.columns.difference(list(dtypes))):
        faults.add(f"{path.name} columns", column, "is no column of a catalogue; leave it out")
    for column, wanted in dtypes.items():
        _check_column(frame, column, wanted, path, faults)
    return frame


def _check_column(
    frame: pd.DataFrame, column: str, wanted: str, path: Path, faults: Faults
) -> None:
    if column not in frame:
        faults.add(f"{path.name} columns", column, f"is missing; add it as {wanted}")
        return
    found = frame[column].dtype
    same = str(found) == wanted or (wanted == "category" and isinstance(found, pd.StringDtype))
    # A label column that is null throughout comes back as plain objects.
    if not same and not (wanted in ("category", "str") and bool(frame[column].isna().all())):
        faults.add(f"{path.name} column {column}", str(found), f"write it as {wanted}")


def _provenance(path: Path, faults: Faults) -> Provenance:
    provenance = Provenance(name="", provider="", source="", as_of=date.min)
    try:
        stored = pq.read_schema(path).metadata or {}
        provenance = Provenance.model_validate_json(stored.get(_PROVENANCE_KEY, b""))
    except (OSError, pa.ArrowException):
        return provenance  # noted when the rows were read
    except ValidationError:
        faults.add(
            f"{path.name} metadata",
            stored.get(_PROVENANCE_KEY),
            "write the catalogue with write_catalog, which stores its source and date",
        )
    return provenance
