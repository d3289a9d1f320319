"""The problem a request means: every input resolved, nothing decided yet."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, Faults, InvalidInputError, OfferKind
from catalogs.faults import collected
from planner.calendar import Calendar, make_calendar
from planner.capacity_blocks import block_types, check_blocks, clearing_hour
from planner.capacity_levels import check_capacity, check_held_times, find_levels
from planner.demand import Demand, read_demand
from planner.fleet import Candidate, cheapest_candidates, find_candidates
from planner.forecasting import Forecast, Futures, forecast_request, information_of
from planner.forecasting.notes import notes_on_plan
from planner.hardware import check_hardware
from planner.information import partition_in, partitions_by_date
from planner.owned import Owned, resolve_owned
from planner.placement import check_placement
from planner.pools import Pools, make_pools
from planner.present_bill import read_present_bill
from planner.prices import longest_term_hours, open_catalogs
from planner.problem_faults import (
    check_budget_dates,
    check_dates,
    check_exchanges,
    check_floors,
    check_size,
    check_solver,
    check_whole,
)
from planner.problem_notes import notes_of, warnings_of
from planner.purchases import Lot, Option, find_options, find_targets, make_lots
from planner.quota_faults import check_egress, check_quotas
from planner.repairs import summed_up
from planner.request import AllowedOffers, PastBill, PlanRequest, Risk
from planner.stages import Partition, Stages, make_stages
from planner.sustained_use import quarters_of


@dataclass(frozen=True)
class Problem:
    """All that the model, the bill and the report need to know.

    Attributes:
        request: as asked.
        catalog: the prices.
        calendar: hours and purchase dates.
        demand: series over exactly the calendar's hours, for every scenario.
        information: which scenarios each purchase date can tell apart [date].
        candidates: machines each workload may run on.
        pools: usage pools and slices of all candidates.
        options: offers that may be bought.
        lots: options × purchase dates.
        owned: commitments already owned that reach into the horizon.
        targets: what convertible reservations may be exchanged for; none unless that is allowed.
        present: what the present fleet was billed; None where the request does not say.
        notes: what the reader should know about defaults taken.
        warnings: what the reader should mind.
        futures: what the demand's scenarios were drawn as, where it is forecast.
        forecast: what these were drawn from.
    """

    request: PlanRequest
    catalog: Catalog
    calendar: Calendar
    demand: Demand
    information: tuple[Partition, ...]
    candidates: tuple[Candidate, ...]
    pools: Pools
    options: tuple[Option, ...]
    lots: tuple[Lot, ...]
    owned: tuple[Owned, ...]
    targets: tuple[Option, ...]
    present: PastBill | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    futures: Futures | None = None
    forecast: Forecast | None = None

    @property
    def holds_capacity(self) -> bool:
        """Whether capacity is held for any workload."""
        return any(one.held for one in self.candidates)

    def candidates_of(self, workload: int) -> list[int]:
        """Positions of a workload's candidates."""
        return [i for i, one in enumerate(self.candidates) if one.workload == workload]

    def with_offers(self, offers: AllowedOffers) -> "Problem":
        """The same problem with other offers allowed."""
        request = self.request.model_copy(update={"offers": offers})
        options = find_options(request, self.catalog, self.pools)
        lots = make_lots(options, self.calendar, self.information, self.probability.tolist())
        return replace(self, request=request, options=options, lots=lots)

    def with_risk(self, risk: Risk) -> "Problem":
        """The same problem with bad futures weighed otherwise."""
        return replace(self, request=self.request.model_copy(update={"risk": risk}))

    def upfront_budgets(self) -> dict[int, float]:
        """Upfront budget [USD] by purchase hour, for the hours that have one."""
        budgets = self.request.limits.upfront_budget_usd
        if budgets is None:
            return {}
        if isinstance(budgets, tuple):
            return {self.calendar.hour_of(one.date): float(one.usd) for one in budgets}
        return dict.fromkeys(self.calendar.purchase_hours, float(budgets))

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Hours at which the commitments that may be active change, from 0 on."""
        hours = self.calendar.hours
        edges = {0}
        edges |= {edge for lot in self.lots for edge in (lot.start, lot.end)}
        edges |= {edge for owned in self.owned for edge in (owned.start, owned.end)}
        edges |= set(self.calendar.purchase_hours if self.targets else ())
        edges |= self.clearing_hours
        return tuple(sorted(edge for edge in edges if 0 <= edge < hours))

    @property
    def clearing_hours(self) -> set[int]:
        """Hours in which capacity blocks serve half the time."""
        offers = [self.options[lot.option].offer for lot in self.lots]
        ends = [
            (offer.kind, lot.start + offer.term_hours)
            for lot, offer in zip(self.lots, offers, strict=True)
        ]
        ends += [
            (one.commitment.kind, self.calendar.hour_of(one.commitment.end)) for one in self.owned
        ]
        found = (clearing_hour(kind, end, self.calendar.hours) for kind, end in ends)
        return {hour for hour in found if hour is not None}

    def window_of_hour(self) -> NDArray[np.intp]:
        """Window of every hour [hour]."""
        hours = np.arange(self.calendar.hours)
        return np.searchsorted(np.array(self.windows), hours, side="right") - 1

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """How likely each scenario is [scenario]."""
        return np.array([scenario.probability for scenario in self.demand.scenarios])

    @cached_property
    def stages(self) -> Stages:
        """Windows × the scenarios that can be told apart in them."""
        dates = self.calendar.purchase_hours
        partitions = partition_in(self.windows, dates, self.information, len(self.probability))
        return make_stages(self.windows, self.calendar.hours, partitions, self.probability.tolist())

    @property
    def weighs_risk(self) -> bool:
        """Whether bad futures count beyond the mean."""
        return len(self.demand.scenarios) > 1 and self.request.risk.weight > 0

    @cached_property
    def quarters(self) -> dict[int, NDArray[np.intp]]:
        """By pool, the quarter of its month's prices that each moment pays, if it matters."""
        falling = {part.pool for part in self.pools.slices if part.quarter is not None}
        if not falling:
            return {}
        usage = self._pool_usage(self.candidates, falling)
        # Most likely it is the cheapest machines that run.
        usage |= self._pool_usage(cheapest_candidates(self.candidates), falling)
        scenarios = len(self.probability)
        return {pool: quarters_of(one, self.calendar, scenarios) for pool, one in usage.items()}

    def most_pool_units(self) -> NDArray[np.float64]:
        """No moment's usage of a pool is more, in its units [pool]."""
        pools = range(len(self.pools.keys))
        usage = self._pool_usage(self.candidates, set(pools))
        return np.array([usage[one].max(initial=0.0) if one in usage else 0.0 for one in pools])

    def _pool_usage(
        self, candidates: Iterable[Candidate], pools: set[int]
    ) -> dict[int, NDArray[np.float64]]:
        """Units of some pools [moment] if every candidate ran for its whole workload."""
        usage: dict[int, NDArray[np.float64]] = {}
        for candidate in candidates:
            for part in candidate.machine.parts:
                pool = self.pools.slices[self.pools.slice_of(part.resource)].pool
                if pool in pools:
                    units = candidate.needed * float(part.units)
                    usage[pool] = usage[pool] + units if pool in usage else units
        return usage

    def hours_of_slice(self, position: int) -> NDArray[np.bool_] | None:
        """Moments in which a slice may have usage; None where these are all [moment]."""
        part = self.pools.slices[position]
        return None if part.quarter is None else self.quarters[part.pool] == part.quarter

    def stage_of_moment(self) -> NDArray[np.intp]:
        """Stage of every hour of every scenario [moment]."""
        return self.stages.stage[self.window_of_hour()].T.ravel()

    @property
    def tells_hours_apart_by_worth(self) -> bool:
        """Whether hours of equal demand may be served differently because money's worth differs.

        Floors on utilization count hours for themselves, so that they are best met where serving
        costs the least.
        """
        has_floor = self.request.limits.utilization.at_least is not None
        return has_floor and self.calendar.is_discounted

    def worth_of_moment(self) -> NDArray[np.float64]:
        """What a dollar of a moment counts at the start, by its probability [moment]."""
        return np.outer(self.probability, self.calendar.worth[:-1]).ravel()

    def future(self, scenario: int) -> "Problem":
        """The problem as it stands if a scenario comes true: one future, nothing else changed."""
        if len(self.demand.scenarios) == 1:
            return self
        hours = self.calendar.hours
        span = slice(scenario * hours, (scenario + 1) * hours)
        partitions: tuple[Partition, ...] = tuple(((0,),) for _ in self.information)
        return replace(
            self,
            futures=None,
            forecast=None,
            demand=self.demand.future(scenario),
            information=partitions,
            candidates=tuple(one.within(span) for one in self.candidates),
            lots=tuple(
                certain
                for lot, certain in zip(self.lots, self._certain_lots, strict=True)
                if scenario in lot.group
            ),
        )

    @cached_property
    def _certain_lots(self) -> tuple[Lot, ...]:
        """The lots as they stand where only one future is looked at."""
        return tuple(lot.certain() for lot in self.lots)


def make_problem(
    request: PlanRequest,
    *,
    folder: Path,
    today: datetime,
    examples: Path | None = None,
    catalog: Catalog | None = None,
    demand: Demand | None = None,
) -> Problem:
    """Resolve a request: read prices and demand, find machines and offers.

    Args:
        request: the request.
        folder: what the request's relative paths are relative to.
        today: against which the catalogue's age is measured.
        examples: the folder of named example demands.
        catalog: the prices, where they are open already, instead of the request's.
        demand: the series and scenarios, where they are known already, instead of the request's.

    Raises:
        InvalidInputError: with the faults of catalogue, demand, workloads and dates together.
    """
    faults = Faults()
    check_solver(request, faults)
    catalog = catalog or collected(faults, lambda: open_catalogs(request, folder))
    names = {name for workload in request.workloads for name in workload.series_names}
    demand = demand or collected(
        faults,
        lambda: read_demand(
            request.demand,
            names,
            folder=folder,
            scenarios=request.scenarios,
            examples=examples,
            now=today,
        ),
    )
    present, source = None, request.present_bill
    if source is not None:
        present = collected(faults, lambda: read_present_bill(source, folder))
    if catalog is None:
        raise InvalidInputError(faults.found)
    made: Forecast | None = None
    futures: Futures | None = None
    if request.forecast is not None and demand is not None:
        history, longest = demand, longest_term_hours(request, catalog)
        made = collected(faults, lambda: forecast_request(request, history, longest))
        futures = None if made is None else made.draw()
        demand = None if futures is None else futures.demand
    # What depends on a faulty demand is checked on a stand-in, so that no fault waits for another.
    planned = _planned(request, catalog, demand, faults) or _stand_in(names)
    fleet = collected(faults, lambda: _make_fleet(request, catalog, planned))
    faults.raise_if_any()
    if fleet is None:
        raise InvalidInputError(faults.found)
    options = find_options(request, catalog, fleet.pools)
    targets = find_targets(request, catalog, fleet.pools)
    check_dates(planned.calendar, options, faults)
    check_exchanges(request, planned.calendar, targets, faults)
    faults.raise_if_any()
    return Problem(
        request=request,
        catalog=catalog,
        calendar=planned.calendar,
        demand=planned.demand,
        information=planned.information,
        candidates=fleet.candidates,
        pools=fleet.pools,
        options=options,
        lots=make_lots(
            options,
            planned.calendar,
            planned.information,
            [scenario.probability for scenario in planned.demand.scenarios],
        ),
        owned=fleet.owned,
        targets=targets,
        present=present,
        notes=(
            *planned.notes,
            *(() if futures is None else futures.notes),
            *(() if made is None else notes_on_plan(made)),
            *notes_of(request, options, fleet.owned, fleet.candidates),
        ),
        warnings=warnings_of(request, catalog, today),
        futures=futures,
        forecast=made,
    )


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


def _planned(
    request: PlanRequest, catalog: Catalog, demand: Demand | None, faults: Faults
) -> _Planned | None:
    if demand is None:
        return None
    longest = longest_term_hours(request, catalog)
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
    information = partitions_by_date(information_of(request), inside, calendar, faults)
    if demand.repairs:
        notes = [*notes, f"the demand's rows were mended: {summed_up(demand.repairs)}"]
    return _Planned(calendar, inside, information, tuple(notes))


def _stand_in(names: set[str]) -> _Planned:
    """An hour without demand."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    demand = Demand(start, dict.fromkeys(names, np.zeros(1)))
    return _Planned(Calendar(start, 1, ()), demand, (), ())


def _make_fleet(request: PlanRequest, catalog: Catalog, planned: _Planned) -> _Fleet:
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
    pools = make_pools(candidates or (), whole_machines=whole, apart=apart)
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
