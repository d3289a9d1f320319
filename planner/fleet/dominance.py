"""Candidates that another of the same workload and pools makes needless."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from planner.fleet.candidate import Candidate
from planner.fleet.machines import Machine, Resource
from planner.fleet.running_limits import RunningLimit

ROUNDING = 1 + 1e-12
"""Units that differ by no more than this factor are equal."""


def undominated(
    candidates: list[Candidate], limits: Sequence[RunningLimit]
) -> tuple[Candidate, ...]:
    """Without those that another machine of the same workload and pools serves no dearer.

    Exact in the linear pools: the other needs no more units in any hour, at no higher price a
    unit, on demand, for its software, under every savings plan and on servers of one's own, and
    no more of it counts against any limit.
    """
    kept: list[Candidate] = []
    ordered = sorted(candidates, key=lambda one: one.machine.order)

    def home(one: Candidate) -> tuple[int, tuple[str, ...]]:
        return one.workload, tuple(str(part.resource.pool) for part in one.machine.parts)

    for _, alike in groupby(sorted(ordered, key=home), key=home):
        kept += _cheapest_of_pools(list(alike), limits)
    return tuple(sorted(kept, key=lambda one: (one.workload, one.machine.order)))


def _cheapest_of_pools(
    candidates: list[Candidate], limits: Sequence[RunningLimit]
) -> list[Candidate]:
    """Those of one workload and pools, cheapest unit first, that no earlier one replaces."""
    if len(candidates) == 1:
        return candidates
    kept: list[tuple[Candidate, NDArray[np.float64]]] = []
    for one in candidates:
        units = units_and_counted(one, limits)
        if not any(
            _no_dearer(other.machine, one.machine) and bool(np.all(theirs <= units * ROUNDING))
            for other, theirs in kept
        ):
            kept.append((one, units))
    return [one for one, _ in kept]


def units_and_counted(one: Candidate, limits: Sequence[RunningLimit]) -> NDArray[np.float64]:
    """Pool units of all parts, then what counts against each limit, all in one row."""
    amounts = one.amounts
    rows = [float(part.units) * amounts for part in one.machine.parts]
    for limit in limits:
        counted = limit.of(one)
        rows.append(np.zeros(len(amounts)) if counted is None else counted)
    return np.concatenate(rows)


def _no_dearer(other: Machine, one: Machine) -> bool:
    """Whether every part costs no more a unit, and under every plan that covers ``one``."""
    return all(
        _resource_no_dearer(theirs.resource, part.resource)
        for theirs, part in zip(other.parts, one.parts, strict=True)
    )


def _resource_no_dearer(other: Resource, one: Resource) -> bool:
    rates, servers = other.unit_plan_rates, other.unit_servers
    software = Fraction(other.software_usd) / Fraction(other.units)
    return (
        other.unit_price_usd <= one.unit_price_usd
        and software <= Fraction(one.software_usd) / Fraction(one.units)
        and all(
            terms in rates and rates[terms] <= rate for terms, rate in one.unit_plan_rates.items()
        )
        and all(
            name in servers and servers[name] <= share for name, share in one.unit_servers.items()
        )
    )
