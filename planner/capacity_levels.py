"""Capacity that a request wants held: how much of each workload's demand, hour by hour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults, OfferKind
from planner.calendar import Calendar
from planner.demand import Demand
from planner.fleet import Candidate, Levels
from planner.request import HeldCapacity, PlanRequest, Workload

Floats = NDArray[np.float64]


def find_levels(request: PlanRequest, demand: Demand, calendar: Calendar, faults: Faults) -> Levels:
    """Levels [moment] up to which capacity is held, by workload; none where none is.

    Where several overlap the highest counts. Words that cannot be meant are noted in ``faults``.
    """
    levels: dict[int, tuple[Floats, ...]] = {}
    for position, workload in enumerate(request.workloads):
        if not workload.capacity:
            continue
        field = f"workloads.{position}.capacity"
        _check_words(field, workload, faults)
        peaks = [float(demand.series[name].max(initial=0.0)) for name in workload.series_names]
        held = np.zeros((len(peaks), len(demand.scenarios), calendar.hours))
        for one in workload.capacity:
            span = _span(one, calendar)
            for level, peak in zip(held, peaks, strict=True):
                level[:, span] = np.maximum(level[:, span], _level(one, peak))
        levels[position] = tuple(level.ravel() for level in held)
    return levels


def check_held_times(request: PlanRequest, calendar: Calendar, faults: Faults) -> None:
    """Capacity is held for some hours of the horizon, or it does not stand in the request."""
    for position, workload in enumerate(request.workloads):
        for number, one in enumerate(workload.capacity):
            span = _span(one, calendar)
            if span.start >= span.stop:
                field = f"workloads.{position}.capacity.{number}"
                fix = "lies outside the horizon; take it out, or plan for its hours"
                faults.add(field, _shown(one), fix)


def check_capacity(request: PlanRequest, candidates: Sequence[Candidate], faults: Faults) -> None:
    """What a plan that holds capacity cannot do as well, as far as it takes machines to know."""
    if not any(workload.capacity for workload in request.workloads):
        return
    coverage = request.limits.coverage
    for name, share in (("at_least", coverage.at_least), ("at_most", coverage.at_most)):
        if share is not None:
            fix = "counts what runs, and unused capacity is served too; take one of the two out"
            faults.add(f"limits.coverage.{name}", share, fix)
    for position, workload in enumerate(request.workloads):
        mine = [one for one in candidates if one.workload == position]
        if workload.capacity:
            _check_machines(f"workloads.{position}.capacity", request, mine, faults)
            _check_zonal(request, mine, faults)


def _level(one: HeldCapacity, peak: float) -> float:
    return one.at_least if one.at_least is not None else (one.share_of_peak or 0.0) * peak


def _span(one: HeldCapacity, calendar: Calendar) -> slice:
    """Hours of the horizon in which it is held."""
    start = 0 if one.start is None else calendar.hour_of(one.start)
    end = calendar.hours if one.end is None else calendar.hour_of(one.end)
    return slice(max(start, 0), min(end, calendar.hours))


def _shown(one: HeldCapacity) -> str:
    start, end = (None if at is None else at.isoformat() for at in (one.start, one.end))
    return f"{start or 'start'} to {end or 'end'}"


def _check_words(field: str, workload: Workload, faults: Faults) -> None:
    if workload.spot is not None:
        fix = "no capacity is held on spot machines; take spot out, or capacity"
        faults.add(field, workload.name, fix)
    if len(workload.series_names) > 1:
        for number, one in enumerate(workload.capacity):
            if one.at_least is not None:
                fix = "is of one series, the workload has two; write share_of_peak"
                faults.add(f"{field}.{number}.at_least", one.at_least, fix)


def _check_machines(
    field: str, request: PlanRequest, candidates: Sequence[Candidate], faults: Faults
) -> None:
    """Capacity is held on demand, for machines of types that stay the same all the time."""
    if request.whole_machines and len(candidates) > 1:
        fix = "cannot go with whole_machines and a choice of machines; name one machine"
        faults.add(field, f"{len(candidates)} machines", fix)
    for one in candidates:
        name = one.machine.instance_type
        if not one.machine.sold_on_demand:
            faults.add(field, name, "is sold by reservation only; those hold capacity themselves")


def _check_zonal(request: PlanRequest, candidates: Sequence[Candidate], faults: Faults) -> None:
    """Zonal reservations discount machines that run, but no capacity that stands unused."""
    held = {(one.machine.region, one.machine.instance_type) for one in candidates}
    for position, owned in enumerate(request.owned):
        is_zonal = owned.kind is OfferKind.RESERVED_ZONAL
        if is_zonal and (str(owned.region), str(owned.instance_type)) in held:
            fix = (
                "holds capacity itself and discounts none that is held beside it; hold no capacity "
                "of its type, or take it out"
            )
            faults.add(f"owned.{position}", owned.id, fix)
