"""The plan: what to buy, what it costs, how sure that is, and why not something else."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer

from catalogs import OfferKind, Payment
from planner.request import Accounting

Usd = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Money; a plain number in JSON."""

Quantity = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]

Label = Literal["in time", "late", "not at all"]
"""How something known may turn out."""


class Part(BaseModel):
    """Base of every part of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PlannedHorizon(Part):
    """The hours planned for and how money was counted in them."""

    start: datetime
    end: datetime
    hours: int
    accounting: Accounting
    discount_rate: float


class Purchase(Part):
    """One purchase: an offer, a date, a quantity."""

    offer_id: str
    provider: str
    kind: OfferKind
    scope: str
    """What it can serve, such as `us-east-1 m5 linux` or `all regions`."""
    workload: str | None
    """The one workload it serves; none where reservations are pooled, and of savings plans."""
    term_hours: int
    term_months: int | None
    payment: Payment
    start: datetime
    end: datetime
    quantity: Quantity
    unit: str
    """machines; USD per hour; vCPUs, GiB and the like of commitments to resources."""
    upfront_usd: Usd
    """Paid on the first day, for the whole quantity."""
    hourly_usd: Usd
    """Recurring, for the whole quantity."""
    cost_usd: Usd
    """Within the horizon, in the plan's accounting."""
    utilization: float | None
    """Share of its hours inside the horizon that usage fills, as billed."""
    after_horizon_usd: Usd
    """Still owed or unused after the horizon: recurring plus amortized upfront."""
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is bought; none given where it is bought in all."""


class OwnedUse(Part):
    """How an owned commitment fares."""

    id: str
    cost_usd: Usd
    utilization: float | None


class Given(Part):
    """Machines of a convertible reservation that are given in an exchange."""

    id: str
    """The owned commitment, or the purchase: its offer and date."""
    offer_id: str
    quantity: Quantity


class ConvertibleExchange(Part):
    """Convertible reservations exchanged for others, which end when they would have."""

    date: datetime
    given: tuple[Given, ...]
    offer_id: str
    """What is taken."""
    provider: str
    scope: str
    workload: str | None
    term_hours: int
    """Of the offer; what is taken serves from the date to the end."""
    payment: Payment
    end: datetime
    quantity: Quantity
    """Machines taken: as many as are worth no less than what is given."""
    given_value_usd: Usd
    """Upfront for the time to come and hourly fees of what is given."""
    taken_value_usd: Usd
    """The same of what is taken."""
    true_up_usd: Usd
    """Paid upfront at the date, for the whole quantity."""
    hourly_usd: Usd
    """Recurring, for the whole quantity."""
    cost_usd: Usd
    """Of what is taken, within the horizon, in the plan's accounting."""
    extra_usd: Usd
    """What the exchange adds to the cost within the horizon, beside what it saves on demand."""
    break_even_utilization: float | None
    """Share of its hours that what is taken must be used to be worth the extra cost, if what is
    given were of no use; none where on demand is free."""
    utilization: float | None
    """Share of its hours inside the horizon that usage fills, as billed."""
    after_horizon_usd: Usd
    """Still owed or unused after the horizon: recurring plus amortized upfront."""
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is made; none given where it is made in all."""


class CapacityHeld(Part):
    """Machines held ready for a workload, at the on-demand price, used or not."""

    workload: str
    instance_type: str
    region: str
    machines: float
    start: datetime
    end: datetime
    unused_hours: float
    """Machine-hours in which nothing of the workload runs on them; mean over its futures."""
    unused_usd: Usd | None
    """What the unused part costs, after commitments that take it over; none where it is billed
    like machines that run (GCP)."""
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is held; none given where it is held in all."""


class MachineShare(Part):
    """A workload's share on one machine during one window."""

    workload: str
    start: datetime
    end: datetime
    instance_type: str
    region: str
    spot: bool
    """Whether at spot prices, which the provider may take back."""
    share: float
    scenarios: tuple[str, ...] | None = None
    """Futures in which it holds; none given where it holds in all."""


class MonthlyCost(Part):
    """A calendar month (UTC): its bill, and the cash that leaves."""

    month: str
    on_demand_usd: Usd
    commitment_usd: Usd
    """Recurring and amortized upfront of its hours, and capacity held unused."""
    upfront_cash_usd: Usd
    """Upfront paid in it; a memo, not added."""
    cash_usd: Usd
    """On demand, recurring and upfront paid."""


class PoolUse(Part):
    """One usage pool: what it would cost on demand and how much commitments serve of it."""

    pool: str
    machines: tuple[str, ...]
    on_demand_equivalent_usd: Usd
    coverage: float | None


class LimitPeak(Part):
    """How near a plan comes to a quota or to a limit on egress."""

    limit: str
    """The field that states it, by its name."""
    unit: Literal["machines", "vCPUs", "GiB per hour"]
    at_most: float
    peak: float
    """The most that counts against it in any hour of any future."""
    at: datetime
    """The first such hour."""
    scenario: str | None = None
    """The future it lies in; none given where there is only one."""
    binds: bool
    """Whether the peak reaches the limit."""


class PresentCost(Part):
    """What the present fleet costs over the hours planned, by what it was billed.

    Machine time and its commitments only, upfront payments spread over their terms.
    """

    basis: Literal["same_hours", "saving_rate"]
    """same_hours: the bill is of the hours planned; saving_rate: it is of others, and what it saved
    on list prices is taken of what this demand costs on demand."""
    total_cost_usd: Usd | None
    """None where the bill has no list prices to take a rate of."""
    first_month: str
    last_month: str
    providers: tuple[str, ...]
    effective_usd: Usd
    """Billed in these months."""
    on_demand_equivalent_usd: Usd
    """The same usage at list prices, as the bill has them."""
    saving_rate: float | None
    """1 - effective / on-demand equivalent."""
    commitment_usd: Usd
    """Of the effective cost, that of commitments, used or not."""
    unused_commitment_usd: Usd
    """Of that, what was left unused."""
    unused_commitment_share: float | None

    @property
    def months(self) -> str:
        """The months billed, for reading."""
        first, last = self.first_month, self.last_month
        return first if first == last else f"{first} to {last}"


class FutureCost(Part):
    """What one future costs, as billed."""

    name: str
    probability: float
    total_cost_usd: Usd
    on_demand_cost_usd: Usd
    savings_usd: Usd
    coverage: float | None
    utilization: float | None


class WayCost(Part):
    """What the plan costs on the mean in the futures where something turns out in one way."""

    label: Label
    probability: float
    """Of the futures planned for."""
    futures: int
    total_cost_usd: Usd
    on_demand_cost_usd: Usd
    """The same futures all on demand."""
    savings_usd: Usd
    utilization: float | None
    """Share of the commitments' cost that is used."""


class KnownCost(Part):
    """Something known that may turn out in several ways, and what the plan costs in each."""

    name: str
    ways: tuple[WayCost, ...]


class FutureReduction(Part):
    """Futures drawn, of which a few stand for all."""

    paths: int
    """Futures drawn."""
    scenarios: int
    """Futures kept."""
    error_share: float
    """Mean distance of a future's weekly means from those of the future that stands for it, as a
    share of mean demand."""


class PastRecord(Part):
    """How the forecast of a series would have done on its own past."""

    series: str
    hours_ahead: int
    weighted_quantile_loss: float | None
    """A share of demand, as in the forecast; none where there was no demand."""
    coverage: float
    """Share of hours inside the 80 % band."""


class ForecastBasis(Part):
    """What a plan on a forecast rests on.

    Costs are means over futures drawn; bound and gap hold for these, not for what will come.
    """

    history_start: datetime
    history_end: datetime
    history_hours: int
    timezone: str | None
    """Whose days and weeks demand follows; UTC when none."""
    paths: int
    """Futures drawn."""
    records: tuple[PastRecord, ...]
    """Of every series, the farthest ahead; none of series too young to have one."""


class RiskReport(Part):
    """The distribution of the bill over the futures, and what caution costs."""

    measure: Literal["cvar", "worst_case"]
    level: float
    weight: float
    mean_usd: float
    p5_usd: float
    p50_usd: float
    p95_usd: float
    tail_cost_usd: float
    """Mean cost of the dearest `1 - level` of probability (CVaR)."""
    tail_savings_usd: float
    """Mean saving of the `1 - level` of probability that saves least: what risk is measured by."""
    caution_usd: float
    """Mean cost beyond that of the plan that minimizes the mean, both in the model's prices."""


class NotBought(Part):
    """An offer left unbought, and why."""

    offer_id: str
    workload: str | None
    """The workload it would serve, where reservations are dedicated."""
    break_even_utilization: float | None
    """Share of its hours it must be used to cost the same as on demand; none where on demand is
    free."""
    utilization: float
    """Share of its hours one more step would be used, beside everything bought."""
    alone_utilization: float
    """The same if nothing else had been bought."""
    start: datetime
    """The purchase date at which it would do best."""
    reason: Literal["too_little_usage", "served_by_others", "limits_steps_or_gap"]


class SolverReport(Part):
    """Who solved it and how long that took."""

    name: str
    seconds: float
    iterations: int | None
    stopped: str
    """Why the solver stopped, such as `gap` or `time_limit`."""
    bound_source: str | None
    build_seconds: float
    columns: int
    rows: int


class RepairDone(Part):
    """One place of the demand's series that a rule of `demand.repair` mended."""

    rule: str
    series: str
    start: datetime
    end: datetime
    """First moment no longer concerned."""
    count: int
    """Rows or hours mended."""
    done: str
    """What was made of them."""


class CatalogReport(Part):
    """Which prices were used."""

    name: str
    source: str
    as_of: date


class Plan(Part):
    """A purchase plan, re-billed by the provider's own rules."""

    name: str
    status: Literal["optimal", "feasible"]
    """optimal: within the asked gap of the bound; feasible: a plan with a wider gap."""
    total_cost_usd: Usd
    """The re-billed cost over the horizon."""
    model_cost_usd: Usd
    """What the model took it to cost."""
    objective_usd: Usd
    """What was minimized: the model cost, or with `risk` the mean and the bad futures as
    weighed."""
    lower_bound_usd: Usd | None
    """No plan's objective is less."""
    gap: float | None
    """(objective - lower bound) / objective."""
    assignment_gap_usd: Usd
    """What the provider's order of application costs beyond the cheapest assignment."""
    linearization_usd: Usd
    """What exact prices cost beyond the pools' linear ones."""
    on_demand_cost_usd: Usd
    """The same demand all on demand, each workload on its cheapest machines."""
    savings_usd: Usd
    savings_share: float | None
    coverage: float | None
    """Share of the on-demand equivalent served by commitments, as billed."""
    utilization: float | None
    """Share of the commitments' cost that is used, as billed."""
    horizon: PlannedHorizon
    purchases: tuple[Purchase, ...]
    owned: tuple[OwnedUse, ...]
    exchanges: tuple[ConvertibleExchange, ...] = ()
    mix: tuple[MachineShare, ...]
    capacity: tuple[CapacityHeld, ...] = ()
    """What is held ready, used or not."""
    monthly: tuple[MonthlyCost, ...]
    pools: tuple[PoolUse, ...]
    limit_peaks: tuple[LimitPeak, ...] = ()
    """Of every quota and every limit on egress."""
    scenarios: tuple[FutureCost, ...] = ()
    """Every future's bill, where there are several; amounts elsewhere are means over them."""
    forecast: ForecastBasis | None = None
    """Where the demand is forecast."""
    known: tuple[KnownCost, ...] = ()
    """Of a forecast demand: what may come late, or not at all, and what the plan then costs."""
    reduction: FutureReduction | None = None
    """Where futures drawn are reduced to few."""
    risk: RiskReport | None = None
    present_bill: PresentCost | None = None
    """What the present fleet costs, where the request names its bill."""
    not_bought: tuple[NotBought, ...]
    solver: SolverReport
    catalog: CatalogReport
    repairs: tuple[RepairDone, ...] = ()
    """What was mended in the demand before it was planned for."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """Read as a summary worth pasting into a ticket."""
        head = f"Purchase plan {self.name}: {self.status}, MIP gap {_percent(self.gap, 3)}"
        lines = [
            head,
            f"  effective cost        {self.total_cost_usd:>16,.2f} USD",
            f"  on-demand equivalent  {self.on_demand_cost_usd:>16,.2f} USD"
            f"  (saving {_percent(self.savings_share)})",
            f"  coverage {_percent(self.coverage)}, utilization {_percent(self.utilization)}",
        ]
        present = self.present_bill
        if present is not None and present.total_cost_usd is not None:
            lines.append(f"  present bill          {present.total_cost_usd:>16,.2f} USD")
        if self.forecast is not None:
            days, futures = self.forecast.history_hours // 24, self.forecast.paths
            lines.append(f"  forecast from {days:,} days, costs are means of {futures:,} futures")
        for one in self.purchases:
            what = f"{one.quantity.normalize():f} {one.unit}"
            tied = f" for {one.workload}" if one.workload else ""
            lines.append(f"  buy {one.start:%Y-%m-%d}  {what:>18}  {one.offer_id}{tied}")
        for made in self.exchanges:
            given = ", ".join(f"{one.quantity.normalize():f} of {one.id}" for one in made.given)
            what = f"{made.quantity.normalize():f} machines"
            lines.append(f"  exchange {made.date:%Y-%m-%d}  {given} for {what} {made.offer_id}")
        for held in self.capacity:
            where = f"{held.instance_type} {held.region} for {held.workload}"
            what = f"{held.machines:g} machines"
            lines.append(f"  hold {held.start:%Y-%m-%d} {what:>18}  {where}")
        return "\n".join(lines)


def _percent(share: float | None, places: int = 1) -> str:
    return "none" if share is None else f"{share * 100:z.{places}f}%"
