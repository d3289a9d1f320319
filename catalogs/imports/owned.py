"""Commitments read from a provider's answers, as the ``owned`` part of a request."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict

from catalogs.imports.report import FileRead, Tally


class OwnedReport(BaseModel):
    """What is owned, each as a request's ``owned`` writes it, and what was left out and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[FileRead, ...]
    owned: tuple[Mapping[str, Any], ...]
    refused: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, owned: Sequence[Mapping[str, Any]], tally: Tally) -> Self:
        """The report of a finished reading."""
        return cls(
            files=tuple(tally.files),
            owned=tuple(owned),
            refused=dict(tally.rows_refused.most_common()),
            examples={reason: tuple(shown) for reason, shown in tally.examples.items()},
        )

    @property
    def yaml(self) -> str:
        """The ``owned:`` part of a request."""
        plain = [dict(one) for one in self.owned]
        return yaml.safe_dump({"owned": plain}, sort_keys=False)

    def __str__(self) -> str:
        """Read as a short list of what was left out."""
        lines = [
            f"{one.file}: {one.format}, {one.rows_read} commitments, {one.rows_refused} left out"
            for one in self.files
        ]
        for reason, count in self.refused.items():
            lines += [f"{count:>6}  {reason}", f"        {self.examples[reason][0]}"]
        return "\n".join(lines)
