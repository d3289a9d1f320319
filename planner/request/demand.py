"""Where demand comes from."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.request.fields import Document, Hour, require_one_of
from planner.request.metrics import KubernetesSource, PrometheusSource
from planner.request.repair import Repair, RepairRules

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
    """Where demand comes from: a file, values written here, a named example, or a Prometheus."""

    file: Path | None = None
    inline: InlineDemand | None = None
    example: str | None = None
    prometheus: PrometheusSource | None = None
    kubernetes: KubernetesSource | None = None
    timezone: str | None = None
    """Zone of timestamps that carry no offset, such as Europe/Paris; forecasts take it for the one
    whose days demand follows."""
    columns: DemandColumns = DemandColumns()
    """Column names of a file."""
    where: dict[str, str | int] = Field(default_factory=dict)
    """Keep only the rows of a file whose columns equal these values."""
    absent: Literal["fault", "zero"] = "fault"
    """What an hour without a row means in a long file."""
    stamp: Literal["start", "end"] = "start"
    """Whether timestamps name the beginning or the end of what their row is about."""
    resample: Literal["mean", "max", "sum"] | None = None
    """How rows of less than an hour become one; rows of whole days or weeks are spread: `sum`
    shares them among their hours, else every hour has them."""
    counters: bool = False
    """The rows are those of counters that only grow; demand is their hourly increase."""
    repair: Repair = RepairRules()
    """Rules that mend what would be faults: `all`, a list of names, or names with options."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "file", "inline", "example", "prometheus", "kubernetes")
        # Inline series may say whose days they follow: `fleetplan inline` keeps their file's zone.
        self._refuse_for(self.inline, (_OF_FILES - {"timezone"}) | _OF_ROWS)
        self._refuse_for(self.prometheus or self.kubernetes, _OF_FILES)
        if self.counters and self.resample is not None:
            raise ValueError("counters are read as their increase; take out resample")
        return self

    def _refuse_for(self, source: Document | None, settings: frozenset[str]) -> None:
        reading = self.model_fields_set & settings
        if source is not None and reading:
            raise ValueError(f"{', '.join(sorted(reading))} tells how to read a file; take it out")

    @property
    def is_history(self) -> bool:
        """Whether rows must be made hours of, or mended, before they are a demand."""
        mends = self.repair != RepairRules() or self.resample is not None
        return mends or self.counters or self.stamp == "end"


_OF_FILES = frozenset({"timezone", "columns", "where", "counters"})
_OF_ROWS = frozenset({"absent", "stamp", "resample", "repair"})
