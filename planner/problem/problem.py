"""The problem a request means: every input resolved, nothing decided yet."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog
from planner.calendar import Calendar
from planner.capacity_blocks import clearing_hour
from planner.demand import Demand
from planner.fleet import Candidate, Pools, cheapest_candidates
from planner.forecasting import Forecast, Futures
from planner.information import partition_in
from planner.owned import Owned
from planner.purchases import Lot, Option, Terms, find_options, find_sizes, make_lots
from planner.request import AllowedOffers, PastBill, PlanRequest, Risk
from planner.stages import Partition, Stages, make_stages
from planner.sustained_use import quarters_of

GAP_OF_FUTURES = 1e-3
"""Of plans on a forecast: its futures are drawn, and others would move the cost by more."""


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
        terms: which terms may be bought where the request names none; None where it does.
        fractions_from: hour of the horizon from which on purchases need not be whole ones, where
            earlier ones alone are made; never when None.
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
    terms: Terms | None = None
    fractions_from: int | None = None

    @property
    def gap(self) -> float:
        """Share of the cost by which a plan may lie above the bound; wider for futures drawn."""
        return gap_of(self.request, is_drawn=self.futures is not None)

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

    def with_longer_terms(self) -> "Problem":
        """The same problem with the terms allowed that were left out as too long."""
        if self.terms is None:
            return self
        every = AllowedOffers(terms_hours=(*self.terms.allowed, *self.terms.left_out))
        offers = self.request.offers.model_copy(update={"terms_hours": every.terms_hours})
        return replace(self.with_offers(offers), terms=None)

    def with_sizes(self, instance_types: Collection[str]) -> "Problem":
        """The same problem in which reservations of some types may be bought as well.

        They come after all others, whose positions stay: sizes that smaller ones can stand in for
        are not among a problem's own options.
        """
        known = {(one.offer.offer_id, one.pool) for one in self.options}
        sizes = find_sizes(self.request, self.catalog, self.pools, instance_types)
        more = tuple(one for one in sizes if (one.offer.offer_id, one.pool) not in known)
        lots = make_lots(more, self.calendar, self.information, self.probability.tolist())
        moved = (replace(lot, option=lot.option + len(self.options)) for lot in lots)
        return replace(self, options=(*self.options, *more), lots=(*self.lots, *moved))

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

    @property
    def mean_weight(self) -> float:
        """What the mean counts for in the objective, beside bad futures."""
        return 1.0 - self.request.risk.tail_weight if self.weighs_risk else 1.0

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


def gap_of(request: PlanRequest, *, is_drawn: bool) -> float:
    """Share of the cost by which a plan may lie above the bound; wider for futures drawn."""
    asked = request.solve
    if not is_drawn or "gap" in asked.model_fields_set:
        return asked.gap
    return max(asked.gap, GAP_OF_FUTURES)
