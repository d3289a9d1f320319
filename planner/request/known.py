"""What people know of the demand to come: launches, events, moves from one workload to another."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.request.fields import Document, Hour, require_one_of

Name = Annotated[str, Field(min_length=1)]
Chance = Annotated[float, Field(gt=0, le=1)]
Days = Annotated[int, Field(ge=0, le=3650)]
UpliftShare = Annotated[float, Field(ge=-1, le=100)]
UpliftUnits = Annotated[float, Field(ge=-1e12, le=1e12)]


class Slip(Document):
    """That something comes later than planned."""

    days: Annotated[int, Field(gt=0, le=3650)]
    probability: Chance


class Foreseen(Document):
    """Base of what people know of."""

    name: Name
    announced: Hour | None = None
    """When it became known. Policies of a back-test that forecast reckon with it from then on; when
    absent they never do. Plans and forecasts always do."""
    probability: Chance = 1.0


class Ramped(Foreseen):
    """Base of what begins at a moment and grows to its size."""

    at: Hour
    """When it begins."""
    ramp_days: Days = 0
    """How long it takes to its full size."""
    shape: Literal["linear", "s_curve"] = "linear"
    slip: Slip | None = None


class Rollout(Ramped):
    """A launch: demand that comes on top and stays."""

    kind: Literal["rollout"] = "rollout"
    workload: Name
    """The series it adds to."""
    uplift_share: UpliftShare | None = None
    """Share of the series' own demand: 0.2 is 20 % more, -0.1 is 10 % less."""
    uplift_units: UpliftUnits | None = None
    """In the series' unit."""
    takes_from: Name | None = None
    """The series that loses what this one gains, as far as it has it."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "uplift_share", "uplift_units")
        return self


class Event(Foreseen):
    """Demand that comes on top for a while."""

    kind: Literal["event"] = "event"
    workload: Name
    start: Hour
    end: Hour
    """First hour after it."""
    uplift_share: UpliftShare | None = None
    """Share of the series' own demand."""
    uplift_units: UpliftUnits | None = None
    """In the series' unit."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one_of(self, "uplift_share", "uplift_units")
        if self.end <= self.start:
            raise ValueError("end must lie after start")
        return self


class Migration(Ramped):
    """Demand that moves from one series to another."""

    kind: Literal["migration"] = "migration"
    takes_from: Name
    workload: Name
    """The series it moves to."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the demand it moves from, once it is over."""
    units_per_unit: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Units the new series needs for one of the old."""

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.takes_from == self.workload:
            raise ValueError("takes_from and workload must differ")
        return self


Known = Annotated[Rollout | Event | Migration, Field(discriminator="kind")]


class Drop(Document):
    """The hazard that demand falls for good, and nobody saw it coming."""

    kind: Literal["drop"] = "drop"
    per_quarter: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Its probability in every quarter."""
    size: Annotated[float, Field(gt=0, le=1)] = 0.35
    """Share of the demand that is lost."""
    workloads: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The series that fall together; all when absent."""


class Replacement(Document):
    """The hazard that machines are replaced by later ones.

    Series kept `together` are machine types of one service: the demand of one moves to the youngest
    of the others. Of any other workload that counts machines of a type, or units of a family, a
    share leaves for the successor of the family: at the same on-demand price and rates of plans
    that follow it anywhere, served by no reservation and no plan of the family.
    """

    kind: Literal["replacement"] = "replacement"
    per_quarter: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Of series kept together: probability in every quarter once they are no longer young."""
    young_per_quarter: Annotated[float, Field(ge=0, lt=1)] = 0.0075
    young_months: Annotated[int, Field(ge=0, le=120)] = 12
    shortest_days: Annotated[int, Field(ge=1, le=3650)] = 1
    longest_days: Annotated[int, Field(ge=1, le=3650)] = 210
    """The move takes between the two, a tenth as long as likely as ten times as long."""
    successor_per_year: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Of other series: probability in every year that a share of them leaves for the successor of
    their family. When absent 0.1 where the catalogue sells a later generation of the family's class
    in their regions, 0 elsewhere."""
    successor_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The share that leaves."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.shortest_days > self.longest_days:
            raise ValueError("shortest_days must not exceed longest_days")
        return self


Hazard = Annotated[Drop | Replacement, Field(discriminator="kind")]
