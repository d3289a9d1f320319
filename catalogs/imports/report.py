"""What an import did with every row it read: kept by kind, refused by reason, with examples."""

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ConfigDict

EXAMPLES_PER_REASON = 20
"""Refused rows shown in full, per reason; the rest are counted."""


class RefusedRow(Exception):  # noqa: N818 - a row left out is no error of the program
    """A row gives no rate: for what reason (the same words for like rows), and what it holds."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class FileRead(BaseModel):
    """One file of an import; rows are lines of a table or items of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    format: str
    rows_read: int
    rows_refused: int


class ImportReport(BaseModel):
    """What became of the rows of an import.

    A rate may take several rows (an upfront and an hourly price), so rows are counted until they
    became part of a rate or were refused, and rates from there on. ``examples`` hold the first
    refused rows of each reason; ``tables`` what was found that a catalogue has no place for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    files: tuple[FileRead, ...]
    rows_refused: Mapping[str, int]
    rates_left_out: Mapping[str, int]
    rates_kept: Mapping[str, int]
    instance_types: int
    examples: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, tuple[Mapping[str, str | int | float], ...]] = {}

    @property
    def rows_read(self) -> int:
        """Rows of all files."""
        return sum(one.rows_read for one in self.files)

    def __str__(self) -> str:
        """Read as a short table, each reason followed by its first example."""
        lines = [
            f"{one.file}: {one.format}, {one.rows_read:,} rows, {one.rows_refused:,} refused"
            for one in self.files
        ]
        kept = sum(self.rates_kept.values())
        lines.append(f"{kept:,} rates of {self.instance_types:,} instance types kept")
        lines += [f"  {count:>9,}  {kind}" for kind, count in self.rates_kept.items()]
        for title, counts in (
            ("rows refused", self.rows_refused),
            ("rates left out", self.rates_left_out),
        ):
            if counts:
                lines.append(f"{sum(counts.values()):,} {title}")
            for reason, count in counts.items():
                lines.append(f"  {count:>9,}  {reason}")
                lines += [f"             {example}" for example in self.examples[reason][:1]]
        return "\n".join(lines)


class Tally:
    """Counts rows while an import reads, and keeps the first refused ones of each reason."""

    def __init__(self) -> None:
        self.files: list[FileRead] = []
        self.rows_refused: Counter[str] = Counter()
        self.rates_left_out: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.tables: dict[str, list[Mapping[str, str | int | float]]] = {}

    def leave_out(self, reason: str, place: str, detail: str) -> None:
        """Count a rate that was read but does not fit into the catalogue."""
        self.rates_left_out[reason] += 1
        self.note(reason, place, detail)

    def note(self, reason: str, place: str, detail: str) -> None:
        """Keep an example, if there are not enough of its reason yet."""
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES_PER_REASON:
            shown.append(f"{place}: {detail}" if detail else place)


class Rows:
    """The rows of one file as they are read.

    >>> rows = Rows(Tally(), "prices.csv", "line")
    >>> with rows.at(7):
    ...     raise RefusedRow("unit is not an hour", "GB-Mo")
    >>> rows.refused
    1
    """

    def __init__(self, tally: Tally, file: str, unit: str) -> None:
        self._tally, self.file, self._unit = tally, file, unit
        self.number = 0
        self.read = 0
        self.refused = 0

    def at(self, number: int) -> Self:
        """Read the row of this number inside the ``with`` block that follows."""
        self.number = number
        self.read += 1
        return self

    def __enter__(self) -> None:
        """Begin the row."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        """Count the row as refused, if it was."""
        if not isinstance(error, RefusedRow):
            return False
        self.refuse(self.number, error)
        return True

    def refuse(self, number: int, refusal: RefusedRow) -> None:
        """Count a row as refused that was read before, such as half of a price."""
        self.refused += 1
        self._tally.rows_refused[refusal.reason] += 1
        self._tally.note(refusal.reason, self.place(number), refusal.detail)

    def place(self, number: int) -> str:
        """A row as a reader finds it: ``prices.csv line 7``."""
        return f"{self.file} {self._unit} {number}"

    def close(self, format_title: str) -> None:
        """Note how many rows of the file there were."""
        self._tally.files.append(
            FileRead(
                file=self.file,
                format=format_title,
                rows_read=self.read,
                rows_refused=self.refused,
            )
        )
