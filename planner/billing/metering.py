"""How running time becomes metered hours: by the second, or by the started hour."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from catalogs.faults import Faults
from planner.billing.hours import TICKS_PER_HOUR, Stretch, misfit, ticks_from
from planner.billing.usage import SECONDS_PER_HOUR, Usage, UsageClass

_TICKS_PER_SECOND = TICKS_PER_HOUR // SECONDS_PER_HOUR


class Metering(NamedTuple):
    """The steps running time is rounded up to, and the least that a launch is billed [s]."""

    step_seconds: int
    minimum_seconds: int


BY_SECOND = Metering(step_seconds=1, minimum_seconds=60)
BY_STARTED_HOUR = Metering(step_seconds=3600, minimum_seconds=3600)

AWS_METERING: Mapping[str, Metering] = {
    "linux": BY_SECOND,
    "windows": BY_SECOND,
    "rhel": BY_SECOND,  # by the started hour in texts of 2020; a newer price list says by second
    "suse": BY_STARTED_HOUR,
}
"""By operating system; give another table for other software or providers."""


@dataclass(frozen=True)
class Run:
    """Machines of a class that ran from ``start`` to ``end``, launched together."""

    machine: UsageClass
    start: datetime
    end: datetime
    count: float = 1.0


def metered_usage(
    runs: Sequence[Run],
    start: datetime,
    hours: int,
    metering: Mapping[str, Metering] = AWS_METERING,
) -> Usage:
    """The usage of a span that is billed for runs.

    Each run is rounded up from its launch, and its time falls on the clock-hours from there: of
    software metered by the started hour, a run from 0:30 to 0:40 is billed until 1:30. Time
    outside the span is left out. Raises InvalidInputError with the faults of all runs: naive
    times, ends before starts, counts below 0, operating systems without metering.
    """
    _check(runs, start, hours, metering)
    columns = {
        machine: column for column, machine in enumerate(dict.fromkeys(r.machine for r in runs))
    }
    quantity = np.zeros((hours, len(columns)))
    for run in runs:
        begin = ticks_from(start, run.start)
        billed = _billed_ticks(ticks_from(run.start, run.end), metering[run.machine.os])
        stretch = Stretch(begin, begin + billed).inside(hours)
        stretch.add_to(quantity[:, columns[run.machine]], run.count)
    return Usage(start, tuple(columns), quantity)


def _billed_ticks(ticks: int, metering: Metering) -> int:
    """Running time rounded up to whole steps, and to the minimum."""
    step = metering.step_seconds * _TICKS_PER_SECOND
    return max(-(-ticks // step) * step, metering.minimum_seconds * _TICKS_PER_SECOND)


def _check(
    runs: Sequence[Run], start: datetime, hours: int, metering: Mapping[str, Metering]
) -> None:
    faults = Faults()
    if (fix := misfit(start)) is not None:
        faults.add("start", start, fix)
    if hours < 1:
        faults.add("hours", hours, "write 1 or more clock-hours")
    for number, run in enumerate(runs):
        field = f"runs[{number}]"
        for name, moment in (("start", run.start), ("end", run.end)):
            if moment.utcoffset() is None:
                faults.add(f"{field}.{name}", moment, "write the time with its UTC offset")
        if None not in (run.start.utcoffset(), run.end.utcoffset()) and run.end <= run.start:
            faults.add(f"{field}.end", run.end, "write an end after the start")
        if not (math.isfinite(run.count) and run.count >= 0):
            faults.add(f"{field}.count", run.count, "write a finite number of 0 or more")
        if run.machine.os not in metering:
            known = ", ".join(sorted(metering))
            faults.add(f"{field}.machine.os", run.machine.os, f"give its metering; known: {known}")
    faults.raise_if_any()
