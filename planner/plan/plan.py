"""The plan: what to buy, what it costs, how sure that is, and why not something else."""

from decimal import Decimal
from typing import Literal

from planner.plan.assumptions import Assumption
from planner.plan.capacity import CapacityHeld, LimitPeak, MachineShare, PoolUse
from planner.plan.commitments import ConvertibleExchange, NotBought, OwnedUse, Purchase
from planner.plan.costs import LongerTerms, MonthlyCost, PresentCost
from planner.plan.futures import FutureCost, FutureReduction, KnownCost, RiskReport
from planner.plan.headline import Headline
from planner.plan.origin import (
    CatalogReport,
    ForecastBasis,
    PlannedHorizon,
    RepairDone,
    SolverReport,
)
from planner.plan.part import Part, Usd


class Plan(Part):
    """A purchase plan, re-billed by the provider's own rules."""

    name: str
    headline: Headline
    status: Literal["optimal", "feasible"]
    """optimal: the model gap meets the asked one; feasible: a plan with a wider model gap."""
    total_cost_usd: Usd
    """The re-billed cost over the horizon."""
    model_cost_usd: Usd
    """What the model took it to cost."""
    objective_usd: Usd
    """What was minimized: the model cost, or with `risk` the mean and the bad futures as
    weighed."""
    lower_bound_usd: Usd | None
    """No plan can be billed less; with `risk`, no plan's bills weigh less."""
    gap: float | None
    """(total cost - lower bound) / total cost: how far the bill can be above the best possible one.
    With `risk`, both as weighed."""
    model_gap: float | None
    """(objective - lower bound) / objective: how far the solver was from its proof."""
    assignment_gap_usd: Usd
    """What the provider's order of application costs beyond the cheapest assignment."""
    linearization_usd: Usd
    """What exact prices cost beyond those of the model's slices, which differ from them by half the
    asked gap at most. It will go in a later version."""
    simplification_usd: Usd = Decimal(0)
    """What few lines cost beyond the cheapest plan found, by `simplify` and the limits of
    `purchases` on what is shown."""
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
    assumptions: tuple[Assumption, ...] = ()
    """What the plan assumes: hazards, launches, prices, terms."""
    longer_terms: LongerTerms | None = None
    """What terms left out as too long would save; none where none are, or there was no time to
    see."""
    not_bought: tuple[NotBought, ...]
    solver: SolverReport
    catalog: CatalogReport
    repairs: tuple[RepairDone, ...] = ()
    """What was mended in the demand before it was planned for."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """Read as a summary worth pasting into a ticket."""
        head = f"Purchase plan {self.name}: {self.status}, gap {_percent(self.gap, 3)}"
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
