"""How the demand to come is forecast from a history."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from planner.request.fields import Document, refuse_repeated
from planner.request.known import Drop, Event, Hazard, Known, Replacement

Together = Annotated[tuple[str, ...], Field(min_length=2)]


class ForecastSettings(Document):
    """How the demand to come is forecast. Where it is given, `demand` is history."""

    model: Literal["auto", "trend", "flat", "yearly", "mixed"] = "auto"
    """auto: for each series the model that would have forecast its own past best."""
    timezone: str | None = None
    """Zone whose days and weeks demand follows, such as Europe/Paris; when absent that of its rows
    (`demand.timezone`), or else UTC."""
    holidays: Literal["auto", "none"] | Annotated[tuple[str, ...], Field(min_length=1)] = "auto"
    """Countries whose holidays demand may follow, by two letters; auto: the one that fits, of those
    whose clocks are the zone's, where history is a year long."""
    together: tuple[Together, ...] = ()
    """Series whose sum is forecast, and split as it was last: machine types of one service."""
    known: tuple[Known, ...] = ()
    """Launches, events and moves that people know of."""
    hazards: tuple[Hazard, ...] = (Drop(), Replacement())
    """What may befall the futures that plans are made for, though history has not seen it; the
    forecast's own band is without them. Empty: nothing. The rates are judgements, not
    measurements."""
    paths: Annotated[int, Field(ge=2, le=4096, multiple_of=2)] = 64
    """Futures drawn; an even number, for each has a twin."""
    scenarios: Annotated[int, Field(ge=1, le=4096)] | None = None
    """So many of the futures drawn stand for all, each as likely as those it stands for; all when
    absent."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Of the random numbers: the same seed draws the same futures."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError("no such time zone; write one such as Europe/Paris") from error
        return zone

    @field_validator("holidays", mode="before")
    @classmethod
    def _countries_in_a_list(cls, found: object) -> object:
        if not isinstance(found, list | tuple) and found not in ("auto", "none"):
            raise ValueError("write auto, none, or a list of countries by two letters: [DE]")
        return found

    @field_validator("together", mode="before")
    @classmethod
    def _groups_in_a_list(cls, found: object) -> object:
        if not isinstance(found, list | tuple) or any(
            not isinstance(one, list | tuple) for one in found
        ):
            raise ValueError("write a list of groups, each a list of series: [[a, b], [c, d]]")
        return found

    @model_validator(mode="after")
    def _once(self) -> Self:
        refuse_repeated([name for group in self.together for name in group])
        refuse_repeated([one.name for one in self.known])
        if self.scenarios is not None and self.scenarios > self.paths:
            raise ValueError(f"scenarios must not exceed paths, which is {self.paths}")
        return self

    def names(self) -> Iterator[tuple[str, str]]:
        """Every series named, with the field that names it."""
        for position, group in enumerate(self.together):
            yield from ((f"together.{position}", name) for name in group)
        for position, known in enumerate(self.known):
            yield f"known.{position}.workload", known.workload
            if not isinstance(known, Event) and known.takes_from is not None:
                yield f"known.{position}.takes_from", known.takes_from
        for position, hazard in enumerate(self.hazards):
            if isinstance(hazard, Drop):
                field = f"hazards.{position}.workloads"
                yield from ((field, name) for name in hazard.workloads or ())
