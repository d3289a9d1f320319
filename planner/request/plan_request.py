"""What the user asks: one frozen document, read from YAML or JSON, unknown keys rejected."""

import math
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from planner.request.backtest import Backtest
from planner.request.demand import DemandSource
from planner.request.fields import Document, Hour, Hours, Share, refuse_repeated
from planner.request.forecast import ForecastSettings
from planner.request.hardware import Hardware
from planner.request.limits import Limits
from planner.request.offers import (
    AllowedOffers,
    CatalogSource,
    OwnedCommitment,
    PriceMultiplier,
    Purchases,
)
from planner.request.present_bill import PresentBill
from planner.request.workloads import Workload

CommitmentStep = Annotated[
    Decimal, Field(ge=Decimal("0.00001"), lt=10**6, decimal_places=9, allow_inf_nan=False)
]
Probability = Annotated[float, Field(gt=0, le=1)]

DEFAULT_GAP = 1e-4

PROBABILITY_TOLERANCE = 1e-9
"""Probabilities sum to 1 but for this: thirds are written with ten digits."""


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
    gap: Annotated[float, Field(ge=0, lt=1)] = DEFAULT_GAP
    """Stop when (cost - bound) / cost is at most this share; 1e-3 where demand is forecast and none
    is asked for."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    threads: Annotated[int, Field(gt=0, le=256)] | None = None


MOST_TAIL_WEIGHT = 1 - 1e-5


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
    """0: the mean alone; 1: the bad futures alone, the mean deciding only what they leave open."""

    @property
    def tail_weight(self) -> float:
        """What the bad futures weigh: hardly ever all, or all others were left to chance."""
        return min(self.weight, MOST_TAIL_WEIGHT)


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
    refuse_repeated([workload.name for workload in workloads])
    return workloads


def _distinct_hardware(hardware: tuple[Hardware, ...]) -> tuple[Hardware, ...]:
    refuse_repeated([one.name for one in hardware])
    return hardware


def _distinct_ids(owned: tuple[OwnedCommitment, ...]) -> tuple[OwnedCommitment, ...]:
    refuse_repeated([commitment.id for commitment in owned])
    return owned


def _complete(probabilities: dict[str, float]) -> dict[str, float]:
    if not all(name.strip() for name in probabilities):
        raise ValueError("one has a blank name; name every scenario")
    total = math.fsum(probabilities.values())
    if abs(total - 1) > PROBABILITY_TOLERANCE:
        raise ValueError(f"the probabilities sum to {total:.10g}; let them sum to 1")
    return probabilities


def _switched(value: object) -> object:
    """YAML reads a bare off as false."""
    return "off" if value is False else value


Simplify = Annotated[
    Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | Literal["off"],
    BeforeValidator(_switched, json_schema_input_type=float | Literal["off", False]),
]

Scenarios = Annotated[dict[str, Probability], Field(min_length=1), AfterValidator(_complete)]


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _in_file(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


OneCatalog = Annotated[
    CatalogSource, BeforeValidator(_named, json_schema_input_type=str | CatalogSource)
]


def _catalog_form(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


Catalogs = Annotated[
    Annotated[OneCatalog, Tag("one")]
    | Annotated[tuple[OneCatalog, ...], Field(min_length=1), Tag("several")],
    Discriminator(_catalog_form),
]


class Reservations(StrEnum):
    """Which workloads a reserved machine may serve."""

    POOLED = "pooled"
    DEDICATED = "dedicated"


class PlanRequest(Document):
    """A fleet, its demand, the prices and the rules of a purchase plan."""

    name: str = "plan"
    horizon: Horizon = Horizon()
    catalog: Catalogs = CatalogSource(name="aws")
    """A bundled catalogue's name, `{file: …}` or `{inline: …}`; or a list of them."""
    prices: tuple[PriceMultiplier, ...] = ()
    """Private prices; those of the catalogues when absent."""
    demand: DemandSource
    forecast: ForecastSettings | None = None
    """How to forecast. Where it is given, `{}` included, `demand` is history, and the plan is for
    the hours after it."""
    scenarios: Scenarios | None = None
    """Probability of each possible future by its name; they sum to 1. The demand has them all:
    in a column of its file, or under `inline.scenarios`. One certain future when absent."""
    purchases: Purchases = Purchases(every_months=3)
    offers: AllowedOffers = AllowedOffers()
    limits: Limits = Limits()
    risk: Risk = Risk()
    """Only counts where there are several scenarios."""
    present_bill: Annotated[
        PresentBill | None,
        BeforeValidator(_in_file, json_schema_input_type=str | PresentBill | None),
    ] = None
    """What the fleet costs today, to stand beside the plan: a `baseline.json` of `fleetplan usage
    import`, or its sums inline. It changes no plan."""
    information: Information = Information()
    owned: Annotated[tuple[OwnedCommitment, ...], AfterValidator(_distinct_ids)] = ()
    hardware: Annotated[tuple[Hardware, ...], AfterValidator(_distinct_hardware)] = ()
    """Servers of one's own that may be bought."""
    workloads: Annotated[tuple[Workload, ...], Field(min_length=1), AfterValidator(_distinct_names)]
    commitment_step_usd: CommitmentStep = Decimal("0.001")
    """Savings plans are bought in whole multiples of this many dollars per hour."""
    whole_machines: bool = False
    """Every machine is whole in every hour, on demand or reserved."""
    reservations: Reservations = Reservations.POOLED
    """pooled: every hour a reserved machine serves whichever workload needs it; dedicated: it
    serves the one workload it is bought for. Savings plans serve all workloads either way."""
    simplify: Simplify = 0.001
    """Share of the least bill found that a plan of few lines may cost more. No purchase can be left
    out, or merged with another, for less; no mix share is under 1 % unless a limit needs it; and
    reservations are bought in the size that runs. off: the plan of the least bill, which is also
    planned where a gap below 0.0001 is asked for and nothing is said here."""
    solve: SolveOptions = SolveOptions()
    backtest: Backtest | None = None
    """How policies are judged on history, where `demand` is history; of no account to a plan."""

    @model_validator(mode="after")
    def _one_future(self) -> Self:
        if self.forecast is not None and self.scenarios is not None:
            raise ValueError("forecast draws its own futures from one history; drop scenarios")
        return self

    @property
    def simplify_share(self) -> float | None:
        """Share of the least bill that a simple plan may cost more; None where none is wanted."""
        given = "simplify" in self.model_fields_set
        if self.simplify == "off" or (self.solve.gap < DEFAULT_GAP and not given):
            return None
        return float(self.simplify)

    @property
    def catalogs(self) -> tuple[CatalogSource, ...]:
        """Where prices come from, one or several."""
        return self.catalog if isinstance(self.catalog, tuple) else (self.catalog,)
