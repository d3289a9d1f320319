"""What the user asks: one frozen document and its parts."""

from planner.request.backtest import Backtest, Course, Migration, PolicyName, Shock
from planner.request.demand import DemandColumns, DemandSource, InlineDemand
from planner.request.fields import Document, Hour, Usd
from planner.request.hardware import Hardware
from planner.request.limits import Limits, Quota, ShareFloor, ShareLimits, UpfrontBudget
from planner.request.offers import (
    COMMITMENTS,
    AllowedOffers,
    CatalogSource,
    OwnedCommitment,
    PriceMultiplier,
    PurchaseDates,
)
from planner.request.plan_request import (
    Accounting,
    Horizon,
    Information,
    Method,
    PlanRequest,
    Reservations,
    Risk,
    Scenarios,
    SolveOptions,
)
from planner.request.workloads import (
    Machines,
    NormalizedUnits,
    OwnUnit,
    Placement,
    Spot,
    VcpusAndMemory,
    Workload,
)

__all__ = [
    "COMMITMENTS",
    "Accounting",
    "AllowedOffers",
    "Backtest",
    "CatalogSource",
    "Course",
    "DemandColumns",
    "DemandSource",
    "Document",
    "Hardware",
    "Horizon",
    "Hour",
    "Information",
    "InlineDemand",
    "Limits",
    "Machines",
    "Method",
    "Migration",
    "NormalizedUnits",
    "OwnUnit",
    "OwnedCommitment",
    "Placement",
    "PlanRequest",
    "PolicyName",
    "PriceMultiplier",
    "PurchaseDates",
    "Quota",
    "Reservations",
    "Risk",
    "Scenarios",
    "ShareFloor",
    "ShareLimits",
    "Shock",
    "SolveOptions",
    "Spot",
    "UpfrontBudget",
    "Usd",
    "VcpusAndMemory",
    "Workload",
]
