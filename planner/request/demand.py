"""Where demand comes from."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.request.fields import Document, Hour, require_one_of

NamedSeries = Annotated[dict[str, list[float]], Field(min_length=1)]


class InlineDemand(Document):
    """Hourly series written in the request itself."""

    start: Hour
    series: NamedSeries | None = None
    """Series by name, one value per hour from `start`."""
    scenarios: Annotated[dict[str, NamedSeries], Field(min_length=1)] | None = None
    """Instead of `series`, where the request names scenarios: the series of each by its name."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "series", "scenarios")
        return self


class DemandColumns(Document):
    """Names of the columns of a demand file; workload and value stand in long files only."""

    timestamp: str = "timestamp"
    workload: str = "workload"
    value: str = "value"
    scenario: str = "scenario"
    """Names the scenario of each row; absent from files of one future."""


class DemandSource(Document):
    """Where demand comes from: a CSV or Parquet file, values written here, or a named example."""

    file: Path | None = None
    inline: InlineDemand | None = None
    example: str | None = None
    timezone: str | None = None
    """Zone of timestamps that carry no offset, such as Europe/Paris."""
    columns: DemandColumns = DemandColumns()
    """Column names of a file."""
    where: dict[str, str | int] = Field(default_factory=dict)
    """Keep only the rows of a file whose columns equal these values."""
    absent: Literal["fault", "zero"] = "fault"
    """What an hour without a row means in a long file."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "file", "inline", "example")
        reading = self.model_fields_set & {"timezone", "columns", "where", "absent"}
        if self.inline is not None and reading:
            raise ValueError(f"{', '.join(sorted(reading))} tells how to read a file; take it out")
        return self
