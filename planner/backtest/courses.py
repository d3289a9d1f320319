"""Courses of demand: history as recorded, reversed, shocked, or migrated."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand import HOUR, Demand
from planner.request import Course, MigrationCourse, Shock

Floats = NDArray[np.float64]

DAY_HOURS = 24


def run_course(history: Demand, course: Course) -> Demand:
    """History as a course has it: reversed first, then shocked, then migrated.

    Its arrays are its own; the course has been checked by `check_courses`.
    """
    series = {
        name: values[::-1].copy() if course.reversed else values.copy()
        for name, values in history.series.items()
    }
    if course.shock is not None:
        _shock(series, course.shock, history.start)
    if course.migration is not None:
        _migrate(series, course.migration, history.start)
    return Demand(history.start, series, history.scenarios)


def check_courses(courses: Sequence[Course], history: Demand, field: str, faults: Faults) -> None:
    """Note what a course changes that history does not hold."""
    known = ", ".join(sorted(history.series))
    for position, course in enumerate(courses):
        here = f"{field}.{position}"
        moments = {"shock": course.shock, "migration": course.migration}
        for name, change in moments.items():
            if change is not None and not history.start <= change.at < history.end:
                span = f"history covers {history.start.isoformat()} to {history.end.isoformat()}"
                faults.add(f"{here}.{name}.at", change.at.isoformat(), f"lies outside; {span}")
        if course.migration is not None:
            for name in (course.migration.origin, course.migration.to):
                if name not in history.series:
                    fix = f"no workload reads such a series; there are: {known}"
                    faults.add(f"{here}.migration", name, fix)


def _shock(series: dict[str, Floats], shock: Shock, start: datetime) -> None:
    first = (shock.at - start) // HOUR
    for values in series.values():
        values[first:] *= shock.factor


def _migrate(series: dict[str, Floats], migration: MigrationCourse, start: datetime) -> None:
    origin, to = series[migration.origin], series[migration.to]
    since = np.arange(len(origin)) - (migration.at - start) // HOUR + 1
    moved = origin * np.clip(since / (migration.days * DAY_HOURS), 0.0, 1.0)
    origin -= moved
    to += moved
