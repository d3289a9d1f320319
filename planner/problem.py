"""The problem a request means: every input resolved, nothing decided yet."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, Faults, InvalidInputError, bundled_names
from planner.calendar import Calendar, make_calendar
from planner.demand import Demand, read_demand
from planner.fleet import Candidate, find_candidates
from planner.information import partition_in, partitions_by_date
from planner.owned import Owned, resolve_owned
from planner.pools import Pools, make_pools
from planner.purchases import Lot, Option, find_options, make_lots
from planner.quota_faults import check_quotas
from planner.request import AllowedOffers, CatalogSource, PlanRequest, Risk
from planner.stages import Partition, Stages, make_stages
from solvers import solver_names

T = TypeVar("T")

LARGEST_COST_USD = 1e9
"""The dearest workload a plan takes on, over the whole horizon."""

LARGEST_PURCHASE_TABLE = 10**8
"""Dates × dates × offers that the model takes on."""

STALE_DAYS = 90
"""A catalogue older than this draws a warning."""


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
        notes: what the reader should know about defaults taken.
        warnings: what the reader should mind.
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
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

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
        return tuple(sorted(edge for edge in edges if 0 <= edge < hours))

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
) -> Problem:
    """Resolve a request: read prices and demand, find machines and offers.

    Args:
        request: the request.
        folder: what the request's relative paths are relative to.
        today: against which the catalogue's age is measured.
        examples: the folder of named example demands.

    Raises:
        InvalidInputError: with the faults of catalogue, demand, workloads and dates together.
    """
    faults = Faults()
    _check_solver(request, faults)
    catalog = _collected(faults, lambda: open_catalog(request.catalog, folder))
    names = {name for workload in request.workloads for name in workload.series_names}
    demand = _collected(
        faults,
        lambda: read_demand(
            request.demand, names, folder=folder, scenarios=request.scenarios, examples=examples
        ),
    )
    if catalog is None:
        raise InvalidInputError(faults.found)
    # What depends on a faulty demand is checked on a stand-in, so that no fault waits for another.
    planned = _planned(request, catalog, demand, faults) or _stand_in(names)
    fleet = _collected(faults, lambda: _make_fleet(request, catalog, planned))
    faults.raise_if_any()
    if fleet is None:
        raise InvalidInputError(faults.found)
    options = find_options(request, catalog, fleet.pools)
    _check_dates(planned.calendar, options, faults)
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
        notes=(
            *planned.notes,
            *_nothing_sold(request, options),
            *_idle(fleet.owned),
            *_reserved_only(fleet.candidates),
        ),
        warnings=(*_stale(catalog, today), *_steep(request)),
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
    longest = _longest_term_hours(request, catalog)
    made = _collected(
        faults,
        lambda: make_calendar(
            request.horizon, request.purchases, demand.start, demand.end, longest
        ),
    )
    if made is None:
        return None
    calendar, notes = made
    _check_budget_dates(request, calendar, faults)
    inside = demand.between(calendar.start, calendar.hours)
    information = partitions_by_date(request.information, inside, calendar, faults)
    return _Planned(calendar, inside, information, tuple(notes))


def _stand_in(names: set[str]) -> _Planned:
    """An hour without demand."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    demand = Demand(start, dict.fromkeys(names, np.zeros(1)))
    return _Planned(Calendar(start, 1, ()), demand, (), ())


def _make_fleet(request: PlanRequest, catalog: Catalog, planned: _Planned) -> _Fleet:
    """Machines, pools and owned commitments; their faults together."""
    faults, whole = Faults(), request.whole_machines
    candidates = _collected(
        faults,
        lambda: find_candidates(request, planned.demand, catalog),
    )
    pools = make_pools(candidates or (), whole_machines=whole)
    owned = _collected(faults, lambda: resolve_owned(request, catalog, pools, planned.calendar))
    _check_size(candidates or (), len(planned.demand.scenarios), faults)
    _check_floors(request, candidates or (), faults)
    check_quotas(request, catalog, candidates or (), faults)
    faults.raise_if_any()
    return _Fleet(candidates or (), pools, owned or ())


def _check_dates(calendar: Calendar, options: tuple[Option, ...], faults: Faults) -> None:
    """Purchases of every date count in every later span between dates."""
    dates = len(calendar.purchase_hours)
    if dates * dates * len(options) > LARGEST_PURCHASE_TABLE:
        fix = f"too many for {len(options)} offers; choose fewer dates, or allow fewer offers"
        faults.add("purchases", f"{dates} dates", fix)


def _check_solver(request: PlanRequest, faults: Faults) -> None:
    if request.solve.solver not in solver_names():
        known = ", ".join(solver_names())
        faults.add("solve.solver", request.solve.solver, f"no such solver; there are: {known}")


def open_catalog(source: CatalogSource, folder: Path) -> Catalog:
    """The catalogue a request names, points to or contains."""
    if source.inline is not None:
        return Catalog.from_document(source.inline)
    if source.file is not None:
        return Catalog.read(folder / source.file)
    if source.name not in bundled_names():
        faults = Faults()
        known = ", ".join(bundled_names())
        faults.add("catalog.name", source.name, f"no such bundled catalogue; there are: {known}")
        faults.raise_if_any()
    return Catalog.bundled(str(source.name))


def _check_floors(request: PlanRequest, candidates: tuple[Candidate, ...], faults: Faults) -> None:
    """Floors would be met by running machines that nobody needs, where their number is free."""
    limits = request.limits
    workloads = [candidate.workload for candidate in candidates]
    if not request.whole_machines or len(workloads) == len(set(workloads)):
        return
    fix = "cannot go with whole_machines and a choice of machines; name one machine per workload"
    for field, floor in (
        ("limits.coverage.at_least", limits.coverage.at_least),
        ("limits.utilization.at_least", limits.utilization.at_least),
    ):
        if floor is not None:
            faults.add(field, floor, fix)


def _check_size(candidates: tuple[Candidate, ...], scenarios: int, faults: Faults) -> None:
    """Bills hold so much money and no more; say so before the solver works for nothing."""
    for candidate in candidates:
        hours = candidate.needed.reshape(scenarios, -1).sum(axis=1).max()
        cost_usd = float(hours) * float(candidate.machine.on_demand_usd)
        if cost_usd > LARGEST_COST_USD:
            field = f"workloads.{candidate.workload}"
            shown = f"{cost_usd:.3g} USD on {candidate.machine.instance_type}"
            fix = f"costs more than {LARGEST_COST_USD:.0e} USD on demand; check the demand's unit"
            faults.add(field, shown, fix)


def _check_budget_dates(request: PlanRequest, calendar: Calendar, faults: Faults) -> None:
    """Every dated budget must name a purchase date, and no date two."""
    budgets = request.limits.upfront_budget_usd
    if not isinstance(budgets, tuple):
        return
    known = ", ".join(calendar.at(hour).isoformat() for hour in calendar.purchase_hours)
    dates = [budget.date for budget in budgets]
    for position, date in enumerate(dates):
        field = f"limits.upfront_budget_usd.{position}.date"
        if calendar.hour_of(date) not in calendar.purchase_hours:
            faults.add(field, date.isoformat(), f"is no purchase date; these are: {known}")
        if date in dates[:position]:
            faults.add(field, date.isoformat(), "has a budget already; keep one")


def _longest_term_hours(request: PlanRequest, catalog: Catalog) -> int | None:
    """Of the commitments that the request allows and the catalogue sells."""
    sold = catalog.rates[catalog.rates["kind"].isin(list(request.offers.kinds))]["term_hours"]
    allowed = request.offers.term_hours
    terms = sold if allowed is None else sold[sold.isin(list(allowed))]
    return None if terms.empty else int(terms.max())


def _collected(faults: Faults, step: Callable[[], T]) -> T | None:
    """What a step gives, or None with its faults noted: the next step may find more."""
    try:
        return step()
    except InvalidInputError as error:
        faults.extend(error)
        return None


def _nothing_sold(request: PlanRequest, options: tuple[Option, ...]) -> tuple[str, ...]:
    if options or not request.offers.kinds:
        return ()
    return ("offers: the catalogue sells none of those allowed for this fleet; all is on demand",)


def _idle(owned: tuple[Owned, ...]) -> list[str]:
    return [
        f"owned: {one.commitment.id} serves nothing of this fleet; its cost counts all the same"
        for one in owned
        if one.option.pool is None and not one.option.machine_rates
    ]


def _reserved_only(candidates: tuple[Candidate, ...]) -> list[str]:
    machines = dict.fromkeys(one.machine for one in candidates if not one.machine.sold_on_demand)
    prices = {(m.instance_type, m.region): m.on_demand_usd for m in machines}
    return [
        f"{name} in {region} is sold by reservation only; on-demand equivalents count it at "
        f"{price_usd:f} USD an hour"
        for (name, region), price_usd in prices.items()
    ]


def _steep(request: PlanRequest) -> list[str]:
    rate = request.horizon.discount_rate
    if rate <= 1:
        return []
    return [f"horizon.discount_rate is {rate:.0%} a year; it is a share, 0.08 for 8 %"]


def _stale(catalog: Catalog, today: datetime) -> tuple[str, ...]:
    age = catalog.age_days(today.date())
    if age <= STALE_DAYS:
        return ()
    return (f"catalog: prices are of {catalog.as_of.isoformat()}, {age} days old; refresh them",)
