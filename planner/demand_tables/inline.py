"""Hourly series written in the request itself, each faulty value named."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand_tables.faults import LARGEST, SHOWN, VALUE_FIX
from planner.demand_tables.scenarios import UNKNOWN_FIX, check_named, unnamed_fix
from planner.request import InlineDemand

Series = dict[str, NDArray[np.float64]]


def read_inline(
    inline: InlineDemand, names: set[str], scenarios: Mapping[str, float]
) -> tuple[datetime, Series]:
    """First hour (UTC) and the named series [moment], scenario after scenario.

    Raises:
        InvalidInputError: missing series or scenarios, series of unequal length, and every value
            that is negative or not a number.
    """
    faults = Faults()
    futures = [
        (field, _named_series(field, series, names, faults))
        for field, series in _futures(inline, scenarios, faults)
    ]
    longest = max((len(values) for _, series in futures for values in series.values()), default=0)
    for field, series in futures:
        for name, values in sorted(series.items()):
            _check_values(f"{field}.{name}", values, longest, faults)
    faults.raise_if_any()
    joined = {name: np.concatenate([series[name] for _, series in futures]) for name in names}
    return inline.start.astimezone(UTC), joined


def _futures(
    inline: InlineDemand, named: Mapping[str, float], faults: Faults
) -> Iterator[tuple[str, Mapping[str, list[float]]]]:
    """The series of each named scenario, with the field they stand in."""
    field = "demand.inline.scenarios"
    if inline.scenarios is None:
        if named:
            fix = "the demand holds no scenarios; write them in demand.inline.scenarios, or none"
            faults.add("scenarios", ", ".join(named), fix)
        yield "demand.inline.series", inline.series or {}
        return
    found = list(inline.scenarios)
    if not named:
        faults.add(field, ", ".join(found), unnamed_fix(found))
    for name in sorted(inline.scenarios.keys() - named.keys()) if named else ():
        faults.add(field, name, UNKNOWN_FIX)
    check_named(named, found, faults)
    order = [name for name in named if name in inline.scenarios] if named else found
    for name in order:
        yield f"{field}.{name}", inline.scenarios[name]


def _named_series(
    field: str, series: Mapping[str, list[float]], names: set[str], faults: Faults
) -> Series:
    known = ", ".join(sorted(series))
    for name in sorted(names - series.keys()):
        faults.add(field, name, f"no such series; it has {known}")
    return {name: np.array(series[name], dtype=float) for name in names & series.keys()}


def _check_values(field: str, values: NDArray[np.float64], longest: int, faults: Faults) -> None:
    if len(values) < longest or not longest:
        fix = f"give every series the same {longest or 1} hours or more"
        faults.add(field, f"{len(values)} hours", fix)
    bad = np.flatnonzero(~((values >= 0) & (values <= LARGEST)))
    for hour in bad[:SHOWN]:
        faults.add(f"{field}.{hour}", float(values[hour]), VALUE_FIX)
    if len(bad) > SHOWN:
        faults.add(field, f"{len(bad) - SHOWN} more such hours", "mend them alike")
