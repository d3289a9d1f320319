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
    """Recurring and amortized upfront of its hours."""
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
    mix: tuple[MachineShare, ...]
    monthly: tuple[MonthlyCost, ...]
    pools: tuple[PoolUse, ...]
    scenarios: tuple[FutureCost, ...] = ()
    """Every future's bill, where there are several; amounts elsewhere are means over them."""
    known: tuple[KnownCost, ...] = ()
    """Of a forecast demand: what may come late, or not at all, and what the plan then costs."""
    reduction: FutureReduction | None = None
    """Where futures drawn are reduced to few."""
    risk: RiskReport | None = None
    not_bought: tuple[NotBought, ...]
    solver: SolverReport
    catalog: CatalogReport
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
        for one in self.purchases:
            what = f"{one.quantity.normalize():f} {one.unit}"
            tied = f" for {one.workload}" if one.workload else ""
            lines.append(f"  buy {one.start:%Y-%m-%d}  {what:>18}  {one.offer_id}{tied}")
        return "\n".join(lines)


def _percent(share: float | None, places: int = 1) -> str:
    return "none" if share is None else f"{share * 100:.{places}f}%"
