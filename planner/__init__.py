"""The planner: demand and prices in, a proven and re-billed purchase plan out."""

from planner.comparison import Comparison, compare
from planner.curves import Curves, Layer
from planner.demand import inline_demand
from planner.demand_forecast import DemandForecast, forecast_demand
from planner.errors import (
    BacktestStoppedError,
    InfeasibleError,
    NoPlanError,
    PlannerError,
    SolverFailureError,
    WorkerLostError,
)
from planner.forecasting.report import ForecastReport
from planner.plan import Plan
from planner.planning import PlannedFleet, Surroundings, make_plan, plan_fleet
from planner.present_bill import inline_present_bill
from planner.request import PlanRequest
from planner.request_faults import faults_of, parse_request
from planner.shards import Worker, dask_workers, local_workers

__all__ = [
    "BacktestStoppedError",
    "Comparison",
    "Curves",
    "DemandForecast",
    "ForecastReport",
    "InfeasibleError",
    "Layer",
    "NoPlanError",
    "Plan",
    "PlanRequest",
    "PlannedFleet",
    "PlannerError",
    "SolverFailureError",
    "Surroundings",
    "Worker",
    "WorkerLostError",
    "compare",
    "dask_workers",
    "faults_of",
    "forecast_demand",
    "inline_demand",
    "inline_present_bill",
    "local_workers",
    "make_plan",
    "parse_request",
    "plan_fleet",
]
