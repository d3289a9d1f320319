"""The plan: what to buy, what it costs, how sure that is, and why not something else."""

from planner.plan.assumptions import Assumption
from planner.plan.capacity import CapacityHeld, LimitPeak, MachineShare, PoolUse
from planner.plan.commitments import (
    ConvertibleExchange,
    Given,
    NotBought,
    OwnedUse,
    PriceBasis,
    Purchase,
    Reason,
)
from planner.plan.costs import LongerTerms, MonthlyCost, PresentCost
from planner.plan.futures import FutureCost, FutureReduction, KnownCost, Label, RiskReport, WayCost
from planner.plan.headline import Cash, Headline, Range
from planner.plan.origin import (
    CatalogPart,
    CatalogReport,
    ForecastBasis,
    PastRecord,
    PlannedHorizon,
    RepairDone,
    SolverReport,
)
from planner.plan.part import Part, Quantity, Usd
from planner.plan.plan import Plan

__all__ = [
    "Assumption",
    "CapacityHeld",
    "Cash",
    "CatalogPart",
    "CatalogReport",
    "ConvertibleExchange",
    "ForecastBasis",
    "FutureCost",
    "FutureReduction",
    "Given",
    "Headline",
    "KnownCost",
    "Label",
    "LimitPeak",
    "LongerTerms",
    "MachineShare",
    "MonthlyCost",
    "NotBought",
    "OwnedUse",
    "Part",
    "PastRecord",
    "Plan",
    "PlannedHorizon",
    "PoolUse",
    "PresentCost",
    "PriceBasis",
    "Purchase",
    "Quantity",
    "Range",
    "Reason",
    "RepairDone",
    "RiskReport",
    "SolverReport",
    "Usd",
    "WayCost",
]
