"""Solvers: a linear model in, an outcome with its bound out. Knows no clouds, no prices."""

from solvers.cutting import Answer, CuttingPlanes
from solvers.errors import (
    SolverError,
    SolverFailedError,
    SolverUnavailableError,
    UnknownSolverError,
    UnsupportedModelError,
    UnsupportedOptionError,
)
from solvers.model import Block, Compilable, CompiledModel, LinearModel, RowBlock, Violation
from solvers.outcome import (
    BoundSource,
    Limits,
    Outcome,
    Progress,
    ProgressListener,
    Solver,
    StopReason,
    Termination,
    relative_gap,
)
from solvers.recheck import PROVEN_GAP, not_above
from solvers.registry import get_racing, get_solver, solver_names
from solvers.repeated import RepeatedProgram, Repetition

__all__ = [
    "PROVEN_GAP",
    "Answer",
    "Block",
    "BoundSource",
    "Compilable",
    "CompiledModel",
    "CuttingPlanes",
    "Limits",
    "LinearModel",
    "Outcome",
    "Progress",
    "ProgressListener",
    "RepeatedProgram",
    "Repetition",
    "RowBlock",
    "Solver",
    "SolverError",
    "SolverFailedError",
    "SolverUnavailableError",
    "StopReason",
    "Termination",
    "UnknownSolverError",
    "UnsupportedModelError",
    "UnsupportedOptionError",
    "Violation",
    "get_racing",
    "get_solver",
    "not_above",
    "relative_gap",
    "solver_names",
]
