"""Zones alike merged: one stands for all of them in the model, the plan is spread over them.

Zones are alike where the same machines cost the same, serve the same workloads and stand under
equal quotas. Merging is exact in two cases, and done in these only:

* No quota is a zone's own: whatever runs may as well run in the first.
* Zones sell by reservation only, and their own quotas on machines are nested or apart. Machines
  dealt in turn, those under one quota next to each other, then keep each zone's share of each
  quota: of ``n`` neighbours no zone gets more than ``n / zones``, rounded up.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.decision import Bought, Policy
from planner.fleet import Machine, make_pools
from planner.formulation.quotas import Bound, bounds_of
from planner.owned import resolve_owned
from planner.problem import Problem
from planner.purchases import Option, find_options, make_lots
from planner.request import Quota

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zones:
    """A problem, and the same with zones merged.

    Attributes:
        problem: the whole problem.
        merged: the one to decide upon.
        groups: regions alike, the first standing for all of them.
    """

    problem: Problem
    merged: Problem
    groups: tuple[tuple[str, ...], ...]

    def spread(self, policy: Policy) -> Policy:
        """The whole problem's policy that a policy of the merged one means."""
        if not self.groups:
            return policy
        bought = tuple(self._deal(policy.bought))
        running = [
            self._spread_running(
                policy.decision(self.merged, scenario).running,
                [one for one in bought if scenario in one.lot.group],
            )
            for scenario in range(len(self.problem.probability))
        ]
        return Policy(bought, {}, np.concatenate(running))

    def _zones_of(self, region: str) -> tuple[str, ...]:
        """Regions that a region of the merged problem stands for, where quotas are its own."""
        group = next((group for group in self.groups if group[0] == region), (region,))
        return group if _own_bounds(self.problem, region) else group[:1]

    def _deal(self, bought: Sequence[Bought]) -> Iterator[Bought]:
        """Machines in turn over the zones; neighbours are under the same quotas."""
        lots = {
            (_product(self.problem, lot.option), lot.start, lot.group): lot
            for lot in self.problem.lots
        }
        dealt: dict[str, int] = {}
        order = _quota_order(self.problem)
        for one in sorted(bought, key=lambda one: order(one.option)):
            product = _product(self.merged, one.lot.option)
            region = product[0]
            zones, first = self._zones_of(region), dealt.get(region, 0)
            dealt[region] = first + one.steps
            for position, zone in enumerate(zones):
                turn = (position - first) % len(zones)
                steps = (one.steps - turn + len(zones) - 1) // len(zones)
                if steps > 0:
                    lot = lots[(zone, *product[1:]), one.lot.start, one.lot.group]
                    yield Bought(lot, self.problem.options[lot.option], steps)

    def _spread_running(self, running: Floats, bought: Sequence[Bought]) -> Floats:
        """Machines running [hour × candidate], in each zone no more than are reserved in it."""
        spread = np.zeros((len(running), len(self.problem.candidates)))
        position = {
            (one.workload, one.machine.instance_type, one.machine.region): i
            for i, one in enumerate(self.problem.candidates)
        }
        left = np.zeros((len(running), len(self.problem.pools.keys)))
        for one in bought:
            left[one.lot.start : one.lot.end, one.option.pool] += one.steps
        for column, candidate in enumerate(self.merged.candidates):
            machine, rest = candidate.machine, running[:, column].copy()
            zones = self._zones_of(machine.region)
            for zone in zones:
                at = position[candidate.workload, machine.instance_type, zone]
                if len(zones) == 1:
                    spread[:, at] = rest
                    continue
                pool = self.problem.pools.keys.index(self.problem.candidates[at].machine.pool)
                here = np.minimum(rest, left[:, pool])
                spread[:, at], rest = here, rest - here
                left[:, pool] -= here
        return spread


def merge_zones(problem: Problem) -> Zones:
    """The problem with zones alike merged, as far as that is exact."""
    groups = _groups(problem)
    if not groups:
        return Zones(problem, problem, ())
    dropped = {region for group in groups for region in group[1:]}
    candidates = tuple(one for one in problem.candidates if one.machine.region not in dropped)
    request, zones = problem.request, {group[0]: len(group) for group in groups}
    factor = {
        bound.quota.name: count
        for region, count in zones.items()
        for bound in _own_bounds(problem, region)
    }
    quotas = tuple(_widened(quota, factor.get(quota.name, 1)) for quota in request.limits.quotas)
    limits = request.limits.model_copy(update={"quotas": quotas})
    request = request.model_copy(update={"limits": limits})
    pools = make_pools(candidates, whole_machines=True)
    options = find_options(request, problem.catalog, pools)
    merged = replace(
        problem,
        request=request,
        candidates=candidates,
        pools=pools,
        options=options,
        lots=make_lots(
            options, problem.calendar, problem.information, problem.probability.tolist()
        ),
        owned=resolve_owned(request, problem.catalog, pools, problem.calendar),
    )
    return Zones(problem, merged, groups)


def _widened(quota: Quota, zones: int) -> Quota:
    """A zone's own quota for so many zones."""
    if quota.at_most is None:
        return quota
    return quota.model_copy(update={"at_most": quota.at_most * zones})


def _groups(problem: Problem) -> tuple[tuple[str, ...], ...]:
    """Regions alike that may be merged, two or more."""
    limits = problem.request.limits
    shares = (limits.coverage.at_least, limits.coverage.at_most, limits.utilization.at_least)
    options = [*problem.options, *(owned.option for owned in problem.owned)]
    if not problem.request.whole_machines or any(share is not None for share in shares):
        return ()
    if problem.holds_capacity or any(option.pool is None for option in problem.options):
        return ()
    if any(not isinstance(option.offer, DedicatedOffer) for option in options):
        return ()
    owned = {owned.commitment.region for owned in problem.owned}
    alike: dict[Hashable, list[str]] = {}
    for region in dict.fromkeys(one.machine.region for one in problem.candidates):
        if region not in owned and _may_merge(problem, region):
            alike.setdefault(_signature(problem, region), []).append(region)
    return tuple(tuple(regions) for regions in alike.values() if len(regions) > 1)


def _may_merge(problem: Problem, region: str) -> bool:
    """Whether dealing machines in turn keeps a region's own quotas."""
    own = _own_bounds(problem, region)
    if not own:
        return True
    sold = any(
        one.machine.sold_on_demand for one in problem.candidates if one.machine.region == region
    )
    spans = {(lot.start, lot.end) for lot in problem.lots}
    scopes = [_scope(problem, bound, region) for bound in own]
    nested = all(a <= b or b <= a or not a & b for a, b in combinations(scopes, 2))
    machines_only = all(bound.field == "at_most" for bound in own)
    return not sold and len(spans) <= 1 and nested and machines_only


def _scope(problem: Problem, bound: Bound, region: str) -> frozenset[str]:
    """Instance types of a region that count against a bound."""
    machines = {one.machine for one in problem.candidates if one.machine.region == region}
    return frozenset(one.instance_type for one in machines if bound.of_machine(one.resource))


def _own_bounds(problem: Problem, region: str) -> list[Bound]:
    """Bounds that count machines of this region and of no other."""
    regions = dict.fromkeys(one.machine.region for one in problem.candidates)
    return [
        bound
        for bound in bounds_of(problem)
        if [other for other in regions if _scope(problem, bound, other)] == [region]
    ]


def _anywhere(machine: Machine) -> Machine:
    """A machine without its region."""
    parts = tuple(
        replace(
            part,
            resource=replace(part.resource, region="", pool=replace(part.resource.pool, region="")),
        )
        for part in machine.parts
    )
    return replace(machine, region="", parts=parts)


def _signature(problem: Problem, region: str) -> Hashable:
    """What regions alike have in common."""
    machines = tuple(
        (
            one.workload,
            _anywhere(one.machine),
            one.needed.tobytes(),
        )
        for one in problem.candidates
        if one.machine.region == region
    )
    offers = tuple(
        (option.offer.upfront_usd, option.offer.hourly_usd, *_product(problem, i)[1:])
        for i, option in enumerate(problem.options)
        if isinstance(option.offer, DedicatedOffer) and option.offer.region == region
    )
    own = _own_bounds(problem, region)
    names = {bound.name for bound in own}
    private = frozenset((bound.at_most, _scope(problem, bound, region)) for bound in own)
    scopes = {bound.name: _scope(problem, bound, region) for bound in bounds_of(problem)}
    common = tuple((name, scope) for name, scope in scopes.items() if scope and name not in names)
    return machines, frozenset(offers), private, common


def _product(problem: Problem, position: int) -> tuple[str, ...]:
    """What an option is, its region first."""
    option = problem.options[position]
    offer, pool = option.offer, option.pool
    account = "" if pool is None else problem.pools.keys[pool].account
    name = offer.offer_id
    if not isinstance(offer, DedicatedOffer):
        return "", name, account
    return (
        offer.region,
        *(offer.kind, offer.instance_type, offer.os, offer.tenancy, offer.payment),
        str(offer.term_hours),
        account,
    )


def _quota_order(problem: Problem) -> Callable[[Option], tuple[object, ...]]:
    """Sorts options so that those under one of a region's own quotas are neighbours."""
    scopes: dict[str, list[frozenset[str]]] = {}

    def order(option: Option) -> tuple[object, ...]:
        offer = option.offer
        if not isinstance(offer, DedicatedOffer):
            return ("", (), "")
        if offer.region not in scopes:
            own = _own_bounds(problem, offer.region)
            inside = {_scope(problem, bound, offer.region) for bound in own}
            scopes[offer.region] = sorted(inside, key=lambda scope: (-len(scope), sorted(scope)))
        chain = tuple(
            i for i, scope in enumerate(scopes[offer.region]) if offer.instance_type in scope
        )
        return offer.region, chain, offer.instance_type

    return order
