"""What the user asks: one frozen document and its parts."""

from planner.request.backtest import Backtest, Course, MigrationCourse, PolicyName, Shock
from planner.request.demand import DemandColumns, DemandSource, InlineDemand
from planner.request.fields import Document, Hour, Usd
from planner.request.forecast import ForecastSettings
from planner.request.hardware import Hardware
from planner.request.known import Drop, Event, Hazard, Migration, Replacement, Rollout, Slip
from planner.request.limits import (
    EgressLimit,
    Limits,
    Quota,
    ShareFloor,
    ShareLimits,
    UpfrontBudget,
)
from planner.request.metrics import KubernetesSource, MetricsServer, PrometheusSource
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
from planner.request.repair import GapRepair, OutlierRepair, RepairRules
from planner.request.workloads import (
    Egress,
    HeldCapacity,
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
    "Backtest",
    "BilledHours",
    "BilledMonth",
    "CatalogSource",
    "Course",
    "DemandColumns",
    "DemandSource",
    "Document",
    "Drop",
    "Egress",
    "EgressLimit",
    "Event",
    "ForecastSettings",
    "GapRepair",
    "Hardware",
    "Hazard",
    "HeldCapacity",
    "Home",
    "Horizon",
    "Hour",
    "Information",
    "InlineDemand",
    "KubernetesSource",
    "Limits",
    "Machines",
    "Method",
    "MetricsServer",
    "Migration",
    "MigrationCourse",
    "NormalizedUnits",
    "OutlierRepair",
    "OwnUnit",
    "OwnedCommitment",
    "PastBill",
    "Placement",
    "PlanRequest",
    "PolicyName",
    "PresentBill",
    "PriceMultiplier",
    "PrometheusSource",
    "PurchaseDates",
    "Quota",
    "RepairRules",
    "Replacement",
    "Reservations",
    "Risk",
    "Rollout",
    "Scenarios",
    "ShareFloor",
    "ShareLimits",
    "Shock",
    "Slip",
    "SolveOptions",
    "Spot",
    "UpfrontBudget",
    "Usd",
    "VcpusAndMemory",
    "Workload",
]
