"""The command `catalog refresh`: a provider's prices of today, downloaded and imported."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

from api.command.importing import cannot_write, check_target, named, show
from api.command.watching import PLAIN_LINES_EVERY_S
from catalogs import Fault, InvalidInputError
from catalogs.imports import OWN_HOSTS, Downloader, Limits, hosts_only, refresh_catalog

_MIB = 1024**2


class Wanted(NamedTuple):
    """What to download, and how much and how long at most."""

    provider: str
    regions: tuple[str, ...]
    onto: str | None
    api_key_file: Path | None
    max_mib: int
    timeout_s: float


def run_refresh(wanted: Wanted, out: Path, *, as_json: bool, quiet: bool) -> None:
    """Download, import, replace the catalogue at ``out``, print what became of every row.

    Raises:
        InvalidInputError: with what cannot be had, is damaged or cannot be written; the catalogue
            before is left as it was then.
    """
    check_target(out)
    line = DownloadLine(sys.stderr, quiet=quiet)
    downloader = Downloader(
        hosts_only(OWN_HOSTS.get(wanted.provider, ())),
        Limits(largest_mib=wanted.max_mib, timeout_s=wanted.timeout_s),
        _key_headers(wanted),
        line,
    )
    day = datetime.now(UTC).date()
    onto = None if wanted.onto is None else named(wanted.onto)
    try:
        _, report = refresh_catalog(wanted.provider, out, day, downloader, wanted.regions, onto)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        line.clear()
    show(report, as_json=as_json)


def _key_headers(wanted: Wanted) -> dict[str, str]:
    """The API key as a header: in a URL it would stand in logs and error messages."""
    file = wanted.api_key_file
    if wanted.provider != "gcp":
        if file is not None:
            fix = f"{wanted.provider} asks for none; leave it out"
            raise _invalid_key_file(file, fix)
        return {}
    if file is None:
        raise _invalid_key_file("(absent)", "name the file that holds an API key of Cloud Billing")
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid_key_file(file, f"cannot be read: {error}") from error
    if not key or not key.isprintable() or " " in key:
        raise _invalid_key_file(file, "must hold the key in one line, and nothing else")
    return {"X-Goog-Api-Key": key}


def _invalid_key_file(value: object, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field="--api-key-file", value=str(value), fix=fix)])


class DownloadLine:
    """Shows a download on a stream: one line updated in place on a terminal, else one at times."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream, self._quiet = stream, quiet
        self._in_place = stream.isatty()
        self._shown = ""
        self._next_line_s = 0.0

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Show how much of a file has come."""
        if self._quiet:
            return
        of = "" if total is None else f" of {total / _MIB:,.1f}"
        text = f"downloading {name}: {done / _MIB:,.1f}{of} MiB"
        if self._in_place:
            self._stream.write(f"\r\x1b[2K{text[:79]}")
        elif done == total or time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + PLAIN_LINES_EVERY_S
            self._stream.write(text + "\n")
        self._shown = text
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away once all has come, or nothing more will."""
        if self._in_place and self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
