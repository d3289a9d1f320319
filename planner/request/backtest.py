"""How purchase policies are judged on history: the window, the dates, the policies, the courses."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from planner.request.fields import Document, Hour, Share, refuse_repeated
from planner.request.offers import PurchaseDates


class PolicyName(StrEnum):
    """A way to decide on purchases with the past alone; hindsight knows the future."""

    ON_DEMAND = "on_demand"
    LOOK_BACK = "look_back"
    TRAILING_QUANTILE = "trailing_quantile"
    BREAK_EVEN = "break_even"
    NEUTRAL = "neutral"
    CAUTIOUS = "cautious"
    HINDSIGHT = "hindsight"


class Shock(Document):
    """Demand that changes for good from one hour to the next, unannounced."""

    at: Hour
    factor: Annotated[float, Field(ge=0, le=100)]
    """All demand from `at` on is multiplied by it; 0.65 is a loss of 35 %."""


class MigrationCourse(Document):
    """Demand that moves from one series to another, both in the same unit."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    origin: Annotated[str, Field(alias="from")]
    """The series that loses its demand; written `from`."""
    to: str
    """The series that takes it."""
    at: Hour
    days: Annotated[float, Field(gt=0, le=3660)] = 30
    """It moves evenly over so many days."""

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        if self.origin == self.to:
            raise ValueError("from and to are the same series; name two")
        return self


class Course(Document):
    """What demand does: history as recorded, changed in the ways given, in this order."""

    name: str | None = None
    """What results call it; made of its changes when absent."""
    reversed: bool = False
    """Run backwards: growth becomes decline."""
    shock: Shock | None = None
    migration: MigrationCourse | None = None

    @property
    def label(self) -> str:
        """Its name, or one made of its changes."""
        changes = {
            "reversed": self.reversed, "shock": self.shock, "migration": self.migration
        }  # fmt: skip
        made = "+".join(name for name, change in changes.items() if change)
        return self.name or made or "as_recorded"


def _written(value: object) -> object:
    if value == "as_recorded":
        return {}
    if isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - pydantic makes a fault of it
            "write as_recorded, {reversed: true}, {shock: {at: …, factor: …}} or "
            "{migration: {from: …, to: …, at: …}}"
        )
    return value


OneCourse = Annotated[Course, BeforeValidator(_written, json_schema_input_type=Course | str)]


def _distinct_labels(courses: tuple[Course, ...]) -> tuple[Course, ...]:
    refuse_repeated([course.label for course in courses])
    return courses


def _distinct(policies: tuple[PolicyName, ...]) -> tuple[PolicyName, ...]:
    refuse_repeated([str(one) for one in policies])
    return policies


class Backtest(Document):
    """A walk through history: at each date a policy sees the past, and buys."""

    start: Hour | None = None
    """First billed hour; the last two thirds of history when absent. What lies before is seen."""
    end: Hour | None = None
    """First hour no longer billed; the end of history when absent."""
    purchases: PurchaseDates | None = None
    """When policies may buy, counted from `start`; the request's `purchases` when absent."""
    policies: Annotated[tuple[PolicyName, ...], Field(min_length=1), AfterValidator(_distinct)] = (
        tuple(PolicyName)
    )
    """On demand and hindsight are always there: the others are measured between them."""
    courses: Annotated[
        tuple[OneCourse, ...], Field(min_length=1), AfterValidator(_distinct_labels)
    ] = (Course(),)
    look_back_days: Annotated[int, Field(gt=0, le=1100)] = 30
    """What the policy look_back takes to repeat for ever: providers take 30 days."""
    trailing_weeks: Annotated[int, Field(gt=0, le=157)] = 13
    """The same of trailing_quantile."""
    caution: Share = 0.16
    """How much the policy cautious weighs the futures that save little, beside the hazards in them;
    the request's `risk.weight` in its place where that is above 0."""
    steady_days: Annotated[int, Field(ge=0, le=366)] = 28
    """With dates closer than this, policies that forecast act on the median of their last five
    targets: purchases cannot be undone, so noise would only add to them. 0: never."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("end must lie after start")
        return self
