"""What a wire format is to an import."""

from collections.abc import Callable
from dataclasses import dataclass

from catalogs.imports.gathering import Gathering
from catalogs.imports.report import Rows
from catalogs.imports.sources import Source


@dataclass(frozen=True)
class Format:
    """A wire format.

    Attributes:
        title: what a reader calls it.
        unit: what its rows are called beside their number: line, item.
        recognizes: whether a file with this opening (first characters) is of the format.
        read: reads a file; counts its rows on ``rows``, adds what it finds to ``found``.
        stage: formats of a later stage are read after all files of earlier ones, for they refer
            to what those hold.
        finish: makes rates of what was read, once all files are.
    """

    title: str
    unit: str
    recognizes: Callable[[str], bool]
    read: Callable[[Source, Rows, Gathering], None]
    stage: int = 0
    finish: Callable[[Gathering], None] | None = None
