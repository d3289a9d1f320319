"""The commands `catalog import` and `catalog owned`: files of providers become ours."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from api.command.plans import stdout_console
from catalogs import Catalog, Fault, InvalidInputError, write_catalog
from catalogs.imports import ImportReport, import_files, read_owned


def run_import(
    provider: str,
    paths: Sequence[Path],
    out: Path,
    onto: str | None,
    as_of: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Import files, write the catalogue, print what became of every row.

    Raises:
        InvalidInputError: with every fault of the files; what stood at ``out`` is left then.
    """
    check_target(out)
    day = (as_of or datetime.now(UTC)).date()
    catalog, report = import_files(provider, paths, day, None if onto is None else named(onto))
    try:
        write_catalog(catalog, out)
    except OSError as error:
        raise cannot_write(out, error) from error
    show(report, as_json=as_json)


def run_owned(
    paths: Sequence[Path], region: str | None, out: Path | None, *, as_json: bool
) -> None:
    """Print, or write, the ``owned`` part of a request; what was left out goes to stderr.

    Raises:
        InvalidInputError: with every fault of the files.
    """
    report = read_owned(paths, region)
    if out is not None:
        try:
            out.write_text(report.yaml, encoding="utf-8")
        except OSError as error:
            raise cannot_write(out, error) from error
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
        return
    if out is None:
        sys.stdout.write(report.yaml)
    sys.stderr.write(f"{report}\n")


def named(catalog: str) -> Catalog:
    """A catalogue by its bundled name or its file."""
    return Catalog.read(Path(catalog)) if Path(catalog).suffix else Catalog.bundled(catalog)


def check_target(out: Path) -> None:
    """See before any work that a catalogue can be written there.

    Raises:
        InvalidInputError: it is no Parquet file, or stands in no folder.
    """
    if out.suffix.lower() != ".parquet":
        fix = "name a .parquet file"
    elif not out.parent.is_dir():
        fix = "its folder does not exist; make it first"
    else:
        return
    raise InvalidInputError([Fault(field="--out", value=str(out), fix=fix)])


def show(report: ImportReport, *, as_json: bool) -> None:
    """Print what became of every row."""
    if as_json:
        document = report.model_dump(mode="json") | {"rows_read": report.rows_read}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        stdout_console().print(Text(str(report)), soft_wrap=True)


def cannot_write(out: Path, error: OSError) -> InvalidInputError:
    """The fault of a target that cannot be written."""
    fix = f"cannot be written: {error.strerror}"
    return InvalidInputError([Fault(field="--out", value=str(out), fix=fix)])
