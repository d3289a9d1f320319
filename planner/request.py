"""What the user asks: one frozen document, read from YAML or JSON, unknown keys rejected."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from catalogs import HOURS_PER_YEAR, CatalogDocument, OfferKind, Payment, Selector

COMMITMENTS = (
    OfferKind.RESERVED_STANDARD,
    OfferKind.RESERVED_CONVERTIBLE,
    OfferKind.SAVINGS_PLAN_EC2,
    OfferKind.SAVINGS_PLAN_COMPUTE,
)

# Money is kept in whole nano-dollars: nine decimals.
Usd = Annotated[Decimal, Field(ge=0, lt=10**9, decimal_places=9, allow_inf_nan=False)]
Positive = Annotated[Decimal, Field(gt=0, lt=10**9, decimal_places=9, allow_inf_nan=False)]
CommitmentStep = Annotated[
    Decimal, Field(ge=Decimal("0.00001"), lt=10**6, decimal_places=9, allow_inf_nan=False)
]
Hours = Annotated[int, Field(gt=0, le=10**6)]
Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, le=1)]

PROBABILITY_TOLERANCE = 1e-9
"""Probabilities sum to 1 but for this: thirds are written with ten digits."""


def _on_the_hour(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 2200:
        raise ValueError("write a year from 1970 to 2200")
    utc = moment.astimezone(UTC)
    if utc.minute or utc.second or utc.microsecond:
        raise ValueError("write a whole UTC hour, such as 2026-01-01T00:00Z")
    return utc


Hour = Annotated[AwareDatetime, AfterValidator(_on_the_hour)]


class Document(BaseModel):
    """Base of every part of the request: frozen, misspelt keys fail at the door."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _one_of(document: Document, *fields: str) -> None:
    given = [name for name in fields if getattr(document, name) is not None]
    if len(given) != 1:
        raise ValueError(f"write exactly one of {', '.join(fields)}")


class Accounting(StrEnum):
    """How a purchase whose term passes the horizon's end is charged."""

    AMORTIZED = "amortized"
    CASH_FLOW = "cash_flow"
    FULL_TERM = "full_term"


class Horizon(Document):
    """The hours planned for. Without `hours` or `end`: the longest term, or the demand's end."""

    start: Hour | None = None
    """First hour; the demand's first hour when absent."""
    end: Hour | None = None
    """First hour no longer planned for."""
    hours: Hours | None = None
    """Length, instead of `end`."""
    accounting: Accounting = Accounting.AMORTIZED
    """amortized: upfront spread over its term; cash_flow: discounted, unused upfront credited at
    the end; full_term: every purchase charged whole."""
    discount_rate: Annotated[float, Field(ge=0, lt=10)] = 0.0
    """Yearly discount rate, a share (0.08 is 8 %); used by `cash_flow`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end is not None and self.hours is not None:
            raise ValueError("write end or hours, not both")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("end must lie after start")
        if self.discount_rate and self.accounting is not Accounting.CASH_FLOW:
            raise ValueError("discount_rate needs accounting: cash_flow; drop one of the two")
        return self


class CatalogSource(Document):
    """Where prices come from: a bundled catalogue's name, a file, or the document itself."""

    name: str | None = None
    file: Path | None = None
    inline: CatalogDocument | None = None

    @model_validator(mode="after")
    def _single(self) -> Self:
        _one_of(self, "name", "file", "inline")
        return self


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
        _one_of(self, "series", "scenarios")
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
    where: dict[str, str | int] = {}
    """Keep only the rows of a file whose columns equal these values."""
    absent: Literal["fault", "zero"] = "fault"
    """What an hour without a row means in a long file."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        _one_of(self, "file", "inline", "example")
        reading = self.model_fields_set & {"timezone", "columns", "where", "absent"}
        if self.inline is not None and reading:
            raise ValueError(f"{', '.join(sorted(reading))} tells how to read a file; take it out")
        return self


class PurchaseDates(Document):
    """When purchases may be made; every three months from the horizon's start by default."""

    dates: tuple[Hour, ...] | None = None
    hours: tuple[Annotated[int, Field(ge=0, le=10**6)], ...] | None = None
    """Hours after the horizon's start."""
    every_months: Annotated[int, Field(gt=0, le=1200)] | None = None
    every_hours: Hours | None = None

    @model_validator(mode="after")
    def _single(self) -> Self:
        _one_of(self, "dates", "hours", "every_months", "every_hours")
        return self


class AllowedOffers(Document):
    """Which commitments the plan may buy; an empty list of kinds means on demand only."""

    kinds: tuple[OfferKind, ...] = COMMITMENTS
    terms_months: tuple[Literal[12, 36], ...] | None = None
    """12 and 36; every term of the catalogue when neither this nor `terms_hours` is given."""
    terms_hours: tuple[Hours, ...] | None = None
    payments: tuple[Payment, ...] = tuple(Payment)

    @model_validator(mode="after")
    def _known(self) -> Self:
        not_sold = [kind for kind in self.kinds if kind not in COMMITMENTS]
        if not_sold:
            raise ValueError(
                f"{', '.join(not_sold)} is no commitment; choose from {', '.join(COMMITMENTS)}"
            )
        return self

    @property
    def term_hours(self) -> frozenset[int] | None:
        """Allowed terms in hours, or None for every term."""
        if self.terms_months is None and self.terms_hours is None:
            return None
        months = {months // 12 * HOURS_PER_YEAR for months in self.terms_months or ()}
        return frozenset(months | set(self.terms_hours or ()))


class UpfrontBudget(Document):
    """The most that may be paid upfront at one purchase date."""

    date: Hour
    usd: Usd


def _budgets_form(value: object) -> str:
    return "by_date" if isinstance(value, list | tuple) else "every_date"


UpfrontBudgets = Annotated[
    Annotated[Usd, Tag("every_date")] | Annotated[tuple[UpfrontBudget, ...], Tag("by_date")],
    Discriminator(_budgets_form),
]


class ShareLimits(Document):
    """A floor and a ceiling on a share."""

    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least must not exceed at_most")
        return self


class ShareFloor(Document):
    """A floor on a share."""

    at_least: Share | None = None


def _refuse_repeated(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands more than once; rename")


class Quota(Document):
    """The most machines of some regions, families or types that may be had at once.

    Reserved machines, bought or owned, count in every hour of their term, used or not; others in
    the hours they run. A machine counts where it meets every criterion given.
    """

    name: Annotated[str, Field(min_length=1)]
    at_most: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Machines; no limit when absent."""
    at_most_vcpus: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] | None = None
    """vCPUs of all machines together; no limit when absent."""
    regions: tuple[str, ...] | None = None
    families: tuple[str, ...] | None = None
    instance_types: tuple[str, ...] | None = None

    def counts(self, region: str, family: str, instance_type: str) -> bool:
        """Whether machines of a type in a region count against this quota."""
        criteria = (
            (self.regions, region),
            (self.families, family),
            (self.instance_types, instance_type),
        )
        return all(chosen is None or name in chosen for chosen, name in criteria)


def _distinct_quotas(quotas: tuple[Quota, ...]) -> tuple[Quota, ...]:
    _refuse_repeated([quota.name for quota in quotas])
    return quotas


class Limits(Document):
    """What the plan must keep to, beside serving the demand."""

    upfront_budget_usd: UpfrontBudgets | None = None
    """One amount for every purchase date, or amounts by date (dates not named are unlimited)."""
    coverage: ShareLimits = ShareLimits()
    """Share of the on-demand equivalent of the whole horizon that commitments serve."""
    utilization: ShareFloor = ShareFloor()
    """Share of each pool's and each plan's commitment that is used over the horizon."""
    quotas: Annotated[tuple[Quota, ...], AfterValidator(_distinct_quotas)] = ()
    """Machines that may be had at once; with `whole_machines` only."""


class OwnedCommitment(Document):
    """A commitment already owned; its rates come from the catalogue unless given."""

    id: str
    kind: OfferKind
    start: Hour
    end: Hour
    """First hour after its term."""
    payment: Payment = Payment.NO_UPFRONT
    instance_type: str | None = None
    """Of a reservation."""
    region: str | None = None
    family: str | None = None
    """Of an EC2 Instance Savings Plan."""
    quantity: Positive | None = None
    """Machines of a reservation."""
    commitment_usd: Positive | None = None
    """Dollars per hour of a savings plan."""
    upfront_usd: Usd | None = None
    """Paid upfront per machine; the catalogue's when absent."""
    hourly_usd: Usd | None = None
    """Recurring per machine-hour; the catalogue's when absent."""
    workload: str | None = None
    """The workload a reservation is tied to, where reservations are dedicated."""
    os: str = "linux"
    tenancy: str = "shared"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = []
        if self.kind not in COMMITMENTS:
            problems.append(f"kind must be one of {', '.join(COMMITMENTS)}")
        if self.end <= self.start:
            problems.append("it ends before it begins; let end lie after start")
        lacking = (name for name in self._needed() if getattr(self, name) is None)
        problems.extend(f"write its {name}" for name in lacking)
        foreign = (name for name in self._foreign() if getattr(self, name) is not None)
        problems.extend(f"take out {name}; a {self.kind} has none" for name in foreign)
        if self.payment is Payment.NO_UPFRONT and self.upfront_usd:
            problems.append("an upfront_usd with payment no_upfront; write which payment it is")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _needed(self) -> tuple[str, ...]:
        if self.kind.is_dedicated:
            return ("instance_type", "region", "quantity")
        if self.kind is OfferKind.SAVINGS_PLAN_EC2:
            return ("family", "region", "commitment_usd")
        return ("commitment_usd",)

    def _foreign(self) -> tuple[str, ...]:
        if self.kind.is_dedicated:
            return ("family", "commitment_usd")
        own = ("instance_type", "quantity", "upfront_usd", "hourly_usd", "workload")
        return own if self.kind is OfferKind.SAVINGS_PLAN_EC2 else (*own, "family", "region")

    @property
    def term_hours(self) -> int:
        """Hours from its start to its end."""
        return int((self.end - self.start).total_seconds()) // 3600


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
    vcpus: str
    """Name of the series of vCPUs."""
    memory_gib: str
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


class Workload(Document):
    """What one service needs, hour by hour, and on which machines it may run."""

    name: Annotated[str, Field(min_length=1)]
    needs: Needs
    series: str | None = None
    """Series of the demand; the workload's name when absent."""
    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    candidates: Selector = Selector()
    """Narrows the instance types; without effect where the need names one type."""
    os: str = "linux"
    tenancy: str = "shared"

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of the demand series this workload reads."""
        if isinstance(self.needs, VcpusAndMemory):
            return (self.needs.vcpus, self.needs.memory_gib)
        return (self.series or self.name,)


class Method(StrEnum):
    """How the model is solved; both are exact."""

    AUTO = "auto"
    EXTENSIVE = "extensive"
    DECOMPOSED = "decomposed"


class SolveOptions(Document):
    """How to solve: which solver, and when to stop."""

    solver: str = "highs"
    method: Method = Method.AUTO
    """extensive: every hour in one model; decomposed: hours apart, joined by cuts; auto: by
    size."""
    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    gap: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    """Stop when (cost - bound) / cost is at most this share."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    threads: Annotated[int, Field(gt=0, le=256)] | None = None


class Risk(Document):
    """How much bad luck weighs: (1 - weight) × mean cost + weight × the cost of the bad futures.

    Bad is what saves little: scenarios are ranked by their saving over all on demand, not by their
    cost, since dear scenarios are those of high demand, where commitments are safe.
    """

    measure: Literal["cvar", "worst_case"] = "cvar"
    """cvar: the mean of the worst `1 - level` of probability; worst_case: the worst scenario."""
    level: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Of cvar; 0 is the mean of all."""
    weight: Share = 0.0
    """0: the mean alone; 1: the bad futures alone."""


class Information(Document):
    """What later purchases may know of the future that has come true.

    Empty: one plan for all scenarios. Otherwise a tree: each purchase date may act upon what its
    past has shown, and on nothing else.
    """

    groups: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] | None = None
    """Groups of scenarios that each purchase date can tell apart, at most; the last number holds
    for the dates after it. They are formed by the demand seen before the date."""
    tree: Annotated[tuple[tuple[tuple[str, ...], ...], ...], Field(min_length=1)] | None = None
    """The groups themselves, by name, for each purchase date; the last holds for the dates after
    it."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        if self.groups is not None and self.tree is not None:
            raise ValueError("write groups or tree, not both")
        return self


def _distinct_names(workloads: tuple[Workload, ...]) -> tuple[Workload, ...]:
    _refuse_repeated([workload.name for workload in workloads])
    return workloads


def _distinct_ids(owned: tuple[OwnedCommitment, ...]) -> tuple[OwnedCommitment, ...]:
    _refuse_repeated([commitment.id for commitment in owned])
    return owned


def _complete(probabilities: dict[str, float]) -> dict[str, float]:
    if not all(name.strip() for name in probabilities):
        raise ValueError("one has a blank name; name every scenario")
    total = math.fsum(probabilities.values())
    if abs(total - 1) > PROBABILITY_TOLERANCE:
        raise ValueError(f"the probabilities sum to {total:.10g}; let them sum to 1")
    return probabilities


Scenarios = Annotated[dict[str, Probability], Field(min_length=1), AfterValidator(_complete)]


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class Reservations(StrEnum):
    """Which workloads a reserved machine may serve."""

    POOLED = "pooled"
    DEDICATED = "dedicated"


class PlanRequest(Document):
    """A fleet, its demand, the prices and the rules of a purchase plan."""

    name: str = "plan"
    horizon: Horizon = Horizon()
    catalog: Annotated[
        CatalogSource, BeforeValidator(_named, json_schema_input_type=str | CatalogSource)
    ] = CatalogSource(name="aws")
    """A bundled catalogue's name, `{file: …}` or `{inline: …}`."""
    demand: DemandSource
    scenarios: Scenarios | None = None
    """Probability of each possible future by its name; they sum to 1. The demand has them all:
    in a column of its file, or under `inline.scenarios`. One certain future when absent."""
    purchases: PurchaseDates = PurchaseDates(every_months=3)
    offers: AllowedOffers = AllowedOffers()
    limits: Limits = Limits()
    risk: Risk = Risk()
    """Only counts where there are several scenarios."""
    information: Information = Information()
    owned: Annotated[tuple[OwnedCommitment, ...], AfterValidator(_distinct_ids)] = ()
    workloads: Annotated[tuple[Workload, ...], Field(min_length=1), AfterValidator(_distinct_names)]
    commitment_step_usd: CommitmentStep = Decimal("0.001")
    """Savings plans are bought in whole multiples of this many dollars per hour."""
    whole_machines: bool = False
    """Every machine is whole in every hour, on demand or reserved."""
    reservations: Reservations = Reservations.POOLED
    """pooled: every hour a reserved machine serves whichever workload needs it; dedicated: it
    serves the one workload it is bought for. Savings plans serve all workloads either way."""
    solve: SolveOptions = SolveOptions()
