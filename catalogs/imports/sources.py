"""Files as providers publish them: plain or gzip, read as text, as rows or as a JSON document."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, TextIO, cast

from catalogs.faults import Fault, InvalidInputError, shown
from catalogs.imports.json_pieces import DamagedJsonError, Keys, json_pieces

OPENING_CHARACTERS = 64 * 1024
"""Read of a file to tell its format."""

LARGEST_DOCUMENT_BYTES = 256 * 1024**2
"""Documents above are not loaded whole; formats of such sizes are read in pieces."""

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """One file to import."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name

    def opening(self) -> str:
        """The first characters of the text.

        Raises:
            InvalidInputError: the file is missing, unreadable or damaged.
        """
        with self.text() as stream:
            return stream.read(OPENING_CHARACTERS)

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """The text, unpacked; bytes that are not UTF-8 become replacement characters.

        Raises:
            InvalidInputError: the file is missing, unreadable or damaged, inside the block too.
        """
        try:
            with self.path.open("rb") as packed:
                is_packed = packed.read(2) == _GZIP_MAGIC
                packed.seek(0)
                content = cast("IO[bytes]", gzip.GzipFile(fileobj=packed) if is_packed else packed)
                yield io.TextIOWrapper(content, "utf-8-sig", errors="replace", newline="")
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or error
            raise self.fault(f"cannot be read: {why}") from error

    def document(self) -> object:
        """The JSON document in the file, its numbers with a point as exact decimals.

        Raises:
            InvalidInputError: the file is unreadable, too large, or no JSON document.
        """
        with self.text() as stream:
            text = stream.read(LARGEST_DOCUMENT_BYTES + 1)
        if len(text) > LARGEST_DOCUMENT_BYTES:
            raise self.fault(f"is larger than {LARGEST_DOCUMENT_BYTES // 1024**2} MiB; split it")
        try:
            return json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise self.fault(f"is no sound JSON document: {error}; fetch it again") from error

    def pieces(self, wanted: Collection[Keys]) -> Iterator[tuple[Keys, object]]:
        """Values of a JSON document of any size at the wanted paths; see `json_pieces`.

        Raises:
            InvalidInputError: the file is unreadable or damaged; what came before is answered.
        """
        with self.text() as stream:
            try:
                yield from json_pieces(stream, wanted)
            except DamagedJsonError as error:
                raise self.fault(f"is damaged, {error}; fetch it again") from error

    def fault(self, fix: str) -> InvalidInputError:
        """An error about the whole file."""
        return InvalidInputError([Fault(field="file", value=shown(str(self.path)), fix=fix)])


def table_lines(stream: TextIO) -> Iterator[tuple[int, list[str] | None]]:
    """Rows of a CSV file with the number of their last line; None for one that cannot be read."""
    reader = csv.reader(stream)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, None
        else:
            yield reader.line_num, cells
