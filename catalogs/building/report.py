"""What went into a catalogue that was built from price tables."""

from collections.abc import Mapping

import pandas as pd
from pydantic import BaseModel, ConfigDict

from catalogs.kinds import OfferKind


class BuildReport(BaseModel):
    """What went into a catalogue: rows kept, derived and left out, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_read: int
    rows_skipped: Mapping[str, int]
    published: Mapping[str, int]
    derived: Mapping[str, int]
    instance_types: int
    instance_types_without_rates: int

    def __str__(self) -> str:
        """Read as a short table."""
        parts = (
            ("published", self.published),
            ("derived", self.derived),
            ("left out", self.rows_skipped),
        )
        lines = [f"{self.rows_read} price rows read"]
        for title, counts in parts:
            lines += [f"  {title:<10}{count:>9,}  {name}" for name, count in counts.items()]
        lines.append(
            f"{self.instance_types} instance types priced, "
            f"{self.instance_types_without_rates} left out: no rate in this snapshot"
        )
        return "\n".join(lines)


def counted_by_kind(rates: pd.DataFrame) -> dict[str, int]:
    """Number of rates of each kind there is, in the order of the kinds."""
    counts = rates["kind"].value_counts()
    return {str(kind): int(counts[kind]) for kind in OfferKind if counts.get(kind)}
