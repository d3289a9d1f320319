"""What the user asks: one frozen document and its parts."""

from planner.request.demand import DemandColumns, DemandSource, InlineDemand
from planner.request.fields import Document, Hour, Usd
from planner.request.hardware import Hardware
from planner.request.limits import (
    EgressLimit,
    Limits,
    Quota,
    ShareFloor,
    ShareLimits,
    UpfrontBudget,
)
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
from planner.request.present_bill import BilledHours, BilledMonth, PastBill, PresentBill
from planner.request.workloads import (
    Egress,
    Home,
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
    "BilledHours",
    "BilledMonth",
    "CatalogSource",
    "DemandColumns",
    "DemandSource",
    "Document",
    "Egress",
    "EgressLimit",
    "Hardware",
    "Home",
    "Horizon",
    "Hour",
    "Information",
    "InlineDemand",
    "Limits",
    "Machines",
    "Method",
    "NormalizedUnits",
    "OwnUnit",
    "OwnedCommitment",
    "PastBill",
    "Placement",
    "PlanRequest",
    "PresentBill",
    "PriceMultiplier",
    "PurchaseDates",
    "Quota",
    "Reservations",
    "Risk",
    "Scenarios",
    "ShareFloor",
    "ShareLimits",
    "SolveOptions",
    "Spot",
    "UpfrontBudget",
    "Usd",
    "VcpusAndMemory",
    "Workload",
]
