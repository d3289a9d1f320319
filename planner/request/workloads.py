"""What services need, and on which machines they may run."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalogs import Selector
from planner.request.fields import Document, Hour, SeriesName, Share, require_one_of


class Machines(Document):
    """The series counts machines of one type."""

    unit: Literal["machines"]
    of: str
    """Instance type."""


class NormalizedUnits(Document):
    """The series counts normalized units of one family."""

    unit: Literal["normalized_units"]
    of: str
    """Family, such as m5."""


class VcpusAndMemory(Document):
    """Two series: vCPUs and GiB; a machine serves what its scarcer side allows."""

    unit: Literal["vcpus_and_memory"]
    vcpus: SeriesName
    """Name of the series of vCPUs."""
    memory_gib: SeriesName
    """Name of the series of GiB."""


Capacity = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class OwnUnit(Document):
    """The series is in the workload's own unit, served at a capacity per instance type."""

    unit: Literal["own"]
    capacity: Annotated[dict[str, Capacity], Field(min_length=1)]
    """Units one machine of each instance type serves."""


Needs = Annotated[
    Machines | NormalizedUnits | VcpusAndMemory | OwnUnit, Field(discriminator="unit")
]


class Spot(Document):
    """How much of a workload may run on machines that the provider may take back."""

    at_most: Annotated[float, Field(gt=0, le=1)]
    """Share of the workload, in every hour."""
    overhead: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Work done again after interruptions, as a share of the work: 0.05 needs 5 % more machines."""


class HeldCapacity(Document):
    """Machines that are held ready for a workload for some time, whether they run or not."""

    at_least: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """In the unit of the workload's demand."""
    share_of_peak: Annotated[float, Field(gt=0, le=10)] | None = None
    """Of the highest demand within the horizon, in any future; in place of at_least."""
    start: Hour | None = None
    """The horizon's start when absent."""
    end: Hour | None = None
    """First hour in which it is not held any more; the horizon's end when absent."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        require_one_of(self, "at_least", "share_of_peak")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("it ends before it begins; let end lie after start")
        return self


class Placement(Document):
    """Bounds on the share of a workload that runs in some places; at every time.

    A machine counts where it meets every criterion given.
    """

    providers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    regions: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    families: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.providers is None and self.regions is None and self.families is None:
            raise ValueError("write providers, regions or families: what is bounded")
        if self.at_least is None and self.at_most is None:
            raise ValueError("write at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least must not exceed at_most")
        return self

    def counts(self, provider: str, region: str, family: str) -> bool:
        """Whether a machine counts against this bound."""
        criteria = (
            (self.providers, provider),
            (self.regions, region),
            (self.families, family),
        )
        return all(chosen is None or name in chosen for chosen, name in criteria)


class Home(Document):
    """Where a workload's data and users are."""

    provider: Annotated[str, Field(min_length=1)]
    region: Annotated[str, Field(min_length=1)]


class Egress(Document):
    """What a workload moves over its home's border where it runs elsewhere."""

    gib_per_unit_hour: Annotated[float, Field(gt=0, le=10**6, allow_inf_nan=False)]
    """GiB an hour for each unit of demand served elsewhere; of `vcpus_and_memory` for each vCPU."""
    home: Home


class Workload(Document):
    """What one service needs, hour by hour, and on which machines it may run."""

    name: Annotated[SeriesName, Field(min_length=1)]
    needs: Needs
    series: SeriesName | None = None
    """Series of the demand; the workload's name when absent."""
    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    candidates: Selector = Selector()
    """Narrows the instance types; without effect where the need names one type."""
    os: str = "linux"
    tenancy: str = "shared"
    hybrid_benefit: bool = False
    """Software licences are brought along (Azure): only the machines are paid for."""
    spot: Spot | None = None
    """Lets a part of it run at spot prices; none of it when absent."""
    capacity: tuple[HeldCapacity, ...] = ()
    """Capacity held for it, used or not, at the on-demand price; where several overlap the highest
    counts."""
    placement: tuple[Placement, ...] = ()
    """How much of it may, or must, run where."""
    egress: Egress | None = None
    """Counts against `limits.egress`; costs nothing, as its price is none of the bill's."""

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of the demand series this workload reads."""
        if isinstance(self.needs, VcpusAndMemory):
            return (self.needs.vcpus, self.needs.memory_gib)
        return (self.series or self.name,)
