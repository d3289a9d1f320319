"""Recourse of all hours at a point, with the cuts it gives: arrays in, arrays out.

Importing it compiles nothing; the first pass loads numba and, once per installation, compiles.
"""

from planner.recourse.coarsening import coarsen
from planner.recourse.families import ROAMS, Families, find_families
from planner.recourse.hourly_pass import Pass
from planner.recourse.hours import Hours, make_hours
from planner.recourse.rewarded import Dispatch, RewardedPass
from planner.recourse.structure import (
    Levels,
    Multipliers,
    Point,
    SeriesRange,
    Structure,
    Sums,
    Tangents,
)

__all__ = [
    "ROAMS",
    "Dispatch",
    "Families",
    "Hours",
    "Levels",
    "Multipliers",
    "Pass",
    "Point",
    "RewardedPass",
    "SeriesRange",
    "Structure",
    "Sums",
    "Tangents",
    "coarsen",
    "find_families",
    "make_hours",
]
