"""What a plan costs in each of several futures, and how sure that makes it."""

from typing import Literal

from planner.plan.part import Part, Usd

Label = Literal["in time", "late", "not at all"]
"""How something known may turn out."""


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
