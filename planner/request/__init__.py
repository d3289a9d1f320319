"""What the user asks: one frozen document and its parts."""

from planner.request.demand import DemandColumns, DemandSource, InlineDemand
from planner.request.fields import Document, Hour, Usd
from planner.request.forecast import ForecastSettings
from planner.request.hardware import Hardware
from planner.request.known import Drop, Event, Migration, Replacement, Rollout, Slip
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
    "CatalogSource",
    "DemandColumns",
    "DemandSource",
    "Document",
    "Drop",
    "Event",
    "ForecastSettings",
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
    "PriceMultiplier",
    "PurchaseDates",
    "Quota",
    "Replacement",
    "Reservations",
    "Risk",
    "Rollout",
    "Scenarios",
    "ShareFloor",
    "ShareLimits",
    "Slip",
    "SolveOptions",
    "Spot",
    "UpfrontBudget",
    "Usd",
    "VcpusAndMemory",
    "Workload",
]
