"""The pass over all hours: the recourse cost at a point, and a cut per segment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from planner.recourse.hour_programs import solve_rows
from planner.recourse.hours import LANES, Hours
from planner.recourse.sharing import task_bounds, threads_or_all
from planner.recourse.structure import (
    Floats,
    Ints,
    Point,
    Structure,
    Sums,
    Tangents,
    Used,
    Weighting,
)
