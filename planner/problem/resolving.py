"""Resolves a request: prices and demand are read, hours, machines and offers found."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from catalogs import Catalog, Faults, InvalidInputError, OfferKind
from catalogs.faults import collected
from planner.calendar import Calendar, make_calendar
from planner.capacity_blocks import block_types, check_blocks
from planner.capacity_levels import check_capacity, check_held_times, find_levels
from planner.demand import Demand, read_demand
from planner.fleet import Candidate, Pools, find_candidates, make_pools
from planner.fleet.placement import check_placement
from planner.fleet.quota_faults import check_egress, check_quotas
from planner.forecasting import Forecast, Futures, forecast_request, information_of
from planner.forecasting.notes import notes_on_plan
from planner.hardware import check_hardware
from planner.information import partitions_by_date
from planner.owned import Owned, plan_matters, resolve_owned
from planner.present_bill import read_present_bill
from planner.prices import longest_term_hours, open_catalogs
from planner.problem.faults import (
    check_budget_dates,
    check_dates,
    check_exchanges,
    check_floors,
    check_size,
    check_solver,
    check_whole,
)
from planner.problem.notes import notes_of, warnings_of
from planner.problem.problem import Problem, gap_of
from planner.purchases import Lot, Option, find_options, find_targets, fitting_terms, make_lots
from planner.repairs import summed_up
from planner.request import PastBill, PlanRequest
from planner.stages import Partition
from planner.successors import with_successors_of


def make_problem(
    request: PlanRequest,
    *,
    folder: Path,
    today: datetime,
    examples: Path | None = None,
    catalog: Catalog | None = None,
    demand: Demand | None = None,
    history_hours: int | None = None,
    every_term: bool = False,
) -> Problem:
    """Resolve a request: read prices and demand, find machines and offers.

    Args:
        request: the request.
        folder: what the request's relative paths are relative to.
        today: against which the catalogue's age is measured.
        examples: the folder of named example demands.
        catalog: the prices, where they are open already, instead of the request's.
        demand: the series and scenarios, where they are known already, instead of the request's.
        history_hours: of the history that such a demand was forecast from, if it was.
        every_term: whether terms longer than the planned span may be bought though unnamed.

    Raises:
        InvalidInputError: with the faults of catalogue, demand, workloads and dates together.
    """
    faults = Faults()
    check_solver(request, faults)
    sources = _Sources(request, folder, today, examples)
    inputs = _read(sources, catalog, demand, faults)
    # What depends on a faulty demand is checked on a stand-in, so that no fault waits for another.
    planned = _planned(request, inputs, faults) or _stand_in(sources.series)
    is_drawn = inputs.futures is not None
    request, prices = with_successors_of(request, inputs.catalog, planned.demand)
    inputs = replace(inputs, catalog=prices)
    fleet = collected(
        faults, lambda: _make_fleet(request, inputs.catalog, planned, is_drawn=is_drawn)
    )
    faults.raise_if_any()
    if fleet is None:
        raise InvalidInputError(faults.found)
    offered = _offered(request, inputs.catalog, planned, fleet)
    if inputs.forecast is not None:
        history_hours = inputs.forecast.history.hours
    terms = None
    if not every_term:
        terms = fitting_terms(request, offered.options, planned.calendar.hours, history_hours)
    if terms is not None and terms.left_out:
        # Slices are made of the rates that matter; those of terms left out do not.
        request = request.model_copy(update={"offers": terms.within(request.offers)})
        fleet = _make_fleet(request, inputs.catalog, planned, is_drawn=is_drawn)
        offered = _offered(request, inputs.catalog, planned, fleet)
    notes = notes_of(request, offered.options, fleet.owned, fleet.candidates, fleet.pools)
    return Problem(
        request=request,
        catalog=inputs.catalog,
        calendar=planned.calendar,
        demand=planned.demand,
        information=planned.information,
        candidates=fleet.candidates,
        pools=fleet.pools,
        options=offered.options,
        lots=offered.lots,
        owned=fleet.owned,
        targets=offered.targets,
        present=inputs.present,
        notes=(*planned.notes, *inputs.notes, *notes),
        warnings=(
            *warnings_of(request, inputs.catalog, today),
            *(() if terms is None else terms.warnings),
        ),
        terms=terms,
        futures=inputs.futures,
        forecast=inputs.forecast,
    )


@dataclass(frozen=True)
class _Sources:
    """Where what a request names is found."""

    request: PlanRequest
    folder: Path
    today: datetime
    examples: Path | None

    @property
    def series(self) -> set[str]:
        """Names of the series of all workloads."""
        return {name for workload in self.request.workloads for name in workload.series_names}

    def demand(self) -> Demand:
        """The demand, or the history that it is forecast from."""
        return read_demand(
            self.request.demand,
            self.series,
            folder=self.folder,
            scenarios=self.request.scenarios,
            examples=self.examples,
            now=self.today,
        )


@dataclass(frozen=True)
class _Inputs:
    """What a request names, as it was read; no demand where that has faults."""

    catalog: Catalog
    demand: Demand | None
    present: PastBill | None
    forecast: Forecast | None = None
    futures: Futures | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of a plan should know about the forecast under it."""
        if self.forecast is None or self.futures is None:
            return ()
        return (*self.futures.notes, *notes_on_plan(self.forecast))


def _read(
    sources: _Sources, catalog: Catalog | None, demand: Demand | None, faults: Faults
) -> _Inputs:
    """Prices, demand and the present bill, as far as they are not at hand.

    Raises:
        InvalidInputError: all faults so far, if there are no prices to go on with.
    """
    request, folder = sources.request, sources.folder
    catalog = catalog or collected(faults, lambda: open_catalogs(request, folder))
    demand = demand or collected(faults, sources.demand)
    present, source = None, request.present_bill
    if source is not None:
        present = collected(faults, lambda: read_present_bill(source, folder))
    if catalog is None:
        raise InvalidInputError(faults.found)
    if request.forecast is None or demand is None:
        return _Inputs(catalog, demand, present)
    history, prices = demand, catalog
    made = collected(faults, lambda: forecast_request(request, history, prices))
    if made is None:
        return _Inputs(catalog, None, present)
    futures = made.draw()
    return _Inputs(catalog, futures.demand, present, made, futures)


@dataclass(frozen=True)
class _Planned:
    """The planned hours, the demand in them, and what of it purchase dates can tell apart."""

    calendar: Calendar
    demand: Demand
    information: tuple[Partition, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Fleet:
    """What runs and what is owned."""

    candidates: tuple[Candidate, ...]
    pools: Pools
    owned: tuple[Owned, ...]


def _planned(request: PlanRequest, inputs: _Inputs, faults: Faults) -> _Planned | None:
    """The hours to plan and their demand; None where either has faults."""
    demand = inputs.demand
    if demand is None:
        return None
    longest = longest_term_hours(request, inputs.catalog)
    made = collected(
        faults,
        lambda: make_calendar(
            request.horizon, request.purchases, demand.start, demand.end, longest
        ),
    )
    if made is None:
        return None
    calendar, notes = made
    check_budget_dates(request, calendar, faults)
    check_held_times(request, calendar, faults)
    inside = demand.between(calendar.start, calendar.hours)
    known = information_of(request, calendar.purchase_hours)
    information = partitions_by_date(known, inside, calendar, faults)
    if demand.repairs:
        notes = [*notes, f"the demand's rows were mended: {summed_up(demand.repairs)}"]
    return _Planned(calendar, inside, information, tuple(notes))


def _stand_in(names: set[str]) -> _Planned:
    """An hour without demand."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    demand = Demand(start, dict.fromkeys(names, np.zeros(1)))
    return _Planned(Calendar(start, 1, ()), demand, (), ())


SLICE_SHARE = 0.5
"""Prices inside a slice differ by at most this share of the gap asked for."""


def _make_fleet(
    request: PlanRequest, catalog: Catalog, planned: _Planned, *, is_drawn: bool
) -> _Fleet:
    """Machines, pools and owned commitments; their faults together."""
    faults, whole = Faults(), request.whole_machines
    levels = find_levels(request, planned.demand, planned.calendar, faults)
    candidates = collected(
        faults,
        lambda: find_candidates(request, planned.demand, catalog, levels),
    )
    apart = {
        (str(one.region), str(one.instance_type))
        for one in request.owned
        if one.kind is OfferKind.RESERVED_ZONAL
    } | block_types(request, catalog)
    tolerance = Fraction(SLICE_SHARE * gap_of(request, is_drawn=is_drawn))
    pools = make_pools(
        candidates or (),
        whole_machines=whole,
        apart=apart,
        matters=partial(plan_matters, request),
        tolerance=tolerance,
    )
    owned = collected(faults, lambda: resolve_owned(request, catalog, pools, planned.calendar))
    check_size(candidates or (), len(planned.demand.scenarios), faults)
    check_floors(request, candidates or (), faults)
    check_whole(request, candidates or (), faults)
    check_hardware(request.hardware, catalog, faults)
    check_quotas(request, catalog, candidates or (), faults)
    check_egress(request, catalog, faults)
    check_placement(request, candidates or (), faults)
    check_capacity(request, candidates or (), faults)
    check_blocks(request, catalog, faults)
    faults.raise_if_any()
    return _Fleet(candidates or (), pools, owned or ())


@dataclass(frozen=True)
class _Offered:
    """What may be bought, and what may be taken in exchange."""

    options: tuple[Option, ...]
    lots: tuple[Lot, ...]
    targets: tuple[Option, ...]


def _offered(request: PlanRequest, catalog: Catalog, planned: _Planned, fleet: _Fleet) -> _Offered:
    """Offers that serve the fleet, at every purchase date.

    Raises:
        InvalidInputError: purchase dates or exchanges do not fit what is offered.
    """
    faults, calendar = Faults(), planned.calendar
    options = find_options(request, catalog, fleet.pools)
    targets = find_targets(request, catalog, fleet.pools)
    check_dates(calendar, options, faults)
    check_exchanges(request, calendar, targets, faults)
    faults.raise_if_any()
    probability = [scenario.probability for scenario in planned.demand.scenarios]
    lots = make_lots(options, calendar, planned.information, probability)
    return _Offered(options, lots, targets)
