"""The model of a problem: its first stage, and every hour's recourse, one function per family."""

from planner.formulation.extensive import PlanningModel, build_model
from planner.formulation.first_stage import FirstStage, build_first_stage
from planner.formulation.terms import Commitments, Terms, entries, positions

__all__ = [
    "Commitments",
    "FirstStage",
    "PlanningModel",
    "Terms",
    "build_first_stage",
    "build_model",
    "entries",
    "positions",
]
