"""Recourse of all hours at a point, with the cuts it gives: arrays in, arrays out.

Importing it compiles nothing; the first pass loads numba and, once per installation, compiles.
"""

from planner.recourse.coarsening import coarsen
from planner.recourse.families import ROAMS, Families, find_families
from planner.recourse.hourly_pass import Pass
from planner.recourse.hours import Hours, make_hours
from planner.recourse.structure import (
    Levels,
    Point,
    SeriesRange,
    Structure,
    Sums,
    Tangents,
)
from planner.recourse.use import MostUse, OwnUse, UsePass

__all__ = [
    "ROAMS",
    "Families",
    "Hours",
    "Levels",
    "MostUse",
    "OwnUse",
    "Pass",
    "Point",
    "SeriesRange",
    "Structure",
    "Sums",
    "Tangents",
    "UsePass",
    "coarsen",
    "find_families",
    "make_hours",
]
