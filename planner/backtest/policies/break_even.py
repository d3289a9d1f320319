"""Wang, Li and Liang's online rule: buy once the past would have paid for it.

*To Reserve or Not to Reserve: Optimal Online Multi-Instance Acquisition in IaaS Clouds* (ICAC
2013): level by level, a unit is reserved as soon as what it cost on demand within the trailing
term exceeds the price of a term. What was reserved is taken to have served the whole trailing
term, so that hours count towards one purchase only. The cost is at most 2 - α times the least
possible one, purchases charged whole, where α is the share of the on-demand price still paid by
the hour of use. All commitments here are paid used or not: α = 0. The paper looks every hour and
knows the hour that has come; who looks every day has bought up to a day later, and pays as much
on demand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, DedicatedOffer, Faults
from planner.backtest.book import Holding, hold, quantity_of
from planner.backtest.setting import Seen, Setting
from planner.calendar import HOUR, Calendar
from planner.capacity_levels import find_levels
from planner.fleet import Candidate, Pools, find_candidates, make_pools
from planner.hardware import HardwareOffer
from planner.purchases import Option, find_options, step_price
from planner.request import OwnedCommitment, PlanRequest

Floats = NDArray[np.float64]

ROUNDING = 1e-9
"""Hours and steps this far below a whole number are that number."""


@dataclass(frozen=True)
class BreakEven:
    """Looks every day; each pool has one product, that whose unit-hour is cheapest.

    A savings plan that is the product of several pools is bought for their spend together.

    Attributes:
        options_of: what may be bought for some pools.
    """

    options_of: Callable[[Pools], tuple[Option, ...]]
    description: str = "daily: a unit once its on-demand cost in a trailing term passes its price"
    guarantee: str | None = (
        "at most 2 times the least possible cost with one product, its terms charged whole, and "
        "for each unit a day on demand"
    )
    sees_future: bool = False
    steady_hours: int = 0

    def dates(self, setting: Setting) -> tuple[datetime, ...]:
        """Every day of the window."""
        return setting.days()

    def decide(self, seen: Seen) -> tuple[Holding, ...]:
        """The units whose on-demand cost in the trailing term passes the price of a term."""
        if seen.past.hours == 0:
            return ()
        found = []
        for product in products_of(seen, self.options_of):
            steps = steps_due(product, seen.owned, seen.past.end)
            if steps > 0:
                option = product.option
                quantity = option.step * steps
                found.append(hold(option, quantity, seen.date, product.workload))
        return tuple(found)


@dataclass(frozen=True)
class Product:
    """A product and the usage it is bought for, in the trailing term as far as it was seen.

    Attributes:
        option: the product.
        workload: the one that it serves, where reservations are tied to one.
        steps: of it that would serve the usage [hour].
        on_demand_usd: what that usage costs on demand [hour].
        alike: what serves the same usage: options, with the steps of this one that one of theirs
            stands for.
    """

    option: Option
    workload: str | None
    steps: Floats
    on_demand_usd: Floats
    alike: tuple[tuple[Option, float], ...]


def steps_due(product: Product, owned: Sequence[OwnedCommitment], now: datetime) -> int:
    """Steps that the rule buys now.

    Of all levels of usage those that were on demand, beyond what is owned, in more hours than a
    term's price buys. What is owned counts for all hours before its end, those before its
    purchase included: hours that led to a purchase lead to no second one.
    """
    total = float(product.steps.sum())
    if total <= 0:
        return 0
    upfront, hourly = step_price(product.option)
    price = float(upfront + hourly * product.option.offer.term_hours)
    bought_hours = price / (float(product.on_demand_usd.sum()) / total)
    enough = int(np.floor(bought_hours + ROUNDING)) + 1
    open_steps = product.steps.copy()
    first = now - len(open_steps) * HOUR
    for commitment in owned:
        served = (commitment.end - first) // HOUR
        if served > 0:
            open_steps[:served] -= _steps_of(commitment, product)
    if enough > len(open_steps):
        return 0
    position = len(open_steps) - enough
    return max(int(np.floor(np.partition(open_steps, position)[position] + ROUNDING)), 0)


def remembered_options(
    request: PlanRequest, catalog: Catalog
) -> Callable[[Pools], tuple[Option, ...]]:
    """What may be bought for some pools; days in a row ask for the same ones."""
    return lru_cache(maxsize=4)(lambda pools: find_options(request, catalog, pools))


def products_of(seen: Seen, options_of: Callable[[Pools], tuple[Option, ...]]) -> Iterator[Product]:
    """The cheapest product of every pool, pools with the same one together."""
    request = seen.request
    longest = max(seen.catalog.rates["term_hours"].max(), 0)
    hours = min(seen.past.hours, int(longest))
    past = seen.past.between(seen.past.end - hours * HOUR, hours)
    calendar = Calendar(past.start, past.hours, ())
    levels = find_levels(request, past, calendar, Faults())  # told when the window was posed
    candidates = find_candidates(request, past, seen.catalog, levels)
    pools = make_pools(candidates, whole_machines=request.whole_machines)
    options = options_of(pools)
    usage = _usage(candidates, pools)
    chosen: dict[int, list[int]] = {}
    for pool in range(len(pools.keys)):
        served = [i for i, one in enumerate(options) if _units(one, pool, pools)]
        if served and usage[pool].any():
            best = min(served, key=lambda i: _unit_price(options[i], pool, pools))
            chosen.setdefault(best, []).append(pool)
    for position, served in sorted(chosen.items()):
        yield _product(options, position, served, pools, usage)


def _product(
    options: Sequence[Option],
    position: int,
    served: Sequence[int],
    pools: Pools,
    usage: Sequence[Floats],
) -> Product:
    option, first = options[position], served[0]
    latest = slice(-option.offer.term_hours, None)
    steps = sum(usage[pool][latest] / float(_units(option, pool, pools)) for pool in served)
    prices = {pool: _on_demand_price(pool, pools) for pool in served}
    cost = sum(usage[pool][latest] * float(prices[pool]) for pool in served)
    own = _units(option, first, pools)
    alike = tuple((one, float(_units(one, first, pools) / own)) for one in options)
    is_tied = option.offer.kind.is_dedicated
    workload = (pools.keys[first].account or None) if is_tied else None
    return Product(
        option,
        workload,
        np.asarray(steps),
        np.asarray(cost),
        tuple(entry for entry in alike if entry[1] > 0),
    )


def _usage(candidates: Sequence[Candidate], pools: Pools) -> list[Floats]:
    """Units of every pool [hour], each workload on what is cheapest for it on demand."""
    usage = [np.zeros(0) for _ in pools.keys]
    for workload in dict.fromkeys(one.workload for one in candidates):
        mine = [one for one in candidates if one.workload == workload]
        lasting = [one for one in mine if not one.machine.is_spot] or mine
        best = min(
            lasting, key=lambda one: float(one.needed.sum()) * float(one.machine.on_demand_usd)
        )
        for part in best.machine.parts:
            pool = pools.keys.index(part.resource.pool)
            units = best.needed * float(part.quantity) * float(part.resource.units)
            usage[pool] = units if not usage[pool].size else usage[pool] + units
    hours = len(candidates[0].needed)
    return [one if one.size else np.zeros(hours) for one in usage]


def _units(option: Option, pool: int, pools: Pools) -> Fraction:
    """Units of a pool that one step serves, if it serves that alone; 0 where it does not."""
    if option.pool is not None:
        return option.pool_units if option.pool == pool else Fraction(0)
    served = [
        (option.rates[position], pools.slices[position]) for position in pools.slices_of_pool(pool)
    ]
    if not served or any(rate is None for rate, _ in served):
        return Fraction(0)
    per_step = Fraction(option.step) if not isinstance(option.offer, HardwareOffer) else Fraction(1)
    return min(per_step / Fraction(rate or 1) * part.pool_units for rate, part in served)


def _unit_price(option: Option, pool: int, pools: Pools) -> Fraction:
    """What a unit-hour of a pool costs by an option, used."""
    upfront, hourly = step_price(option)
    each = upfront / option.offer.term_hours + hourly
    return each / _units(option, pool, pools)


def _on_demand_price(pool: int, pools: Pools) -> Fraction:
    """The lowest on-demand price of a pool's unit-hour."""
    inside = (pools.slices[position] for position in pools.slices_of_pool(pool))
    return min(part.on_demand_usd / part.pool_units for part in inside)


def _steps_of(commitment: OwnedCommitment, product: Product) -> float:
    """Steps of a product that a commitment stands for; 0 where it serves other usage."""
    if commitment.workload != product.workload and product.workload is not None:
        return 0.0
    fitting = [entry for entry in product.alike if _is_of(commitment, entry[0])]
    if not fitting:
        return 0.0

    def distance(entry: tuple[Option, float]) -> tuple[bool, int]:
        offer = entry[0].offer
        hours = abs(offer.term_hours - commitment.term_hours)
        return offer.payment is not commitment.payment, hours

    option, each = min(fitting, key=distance)
    return float(quantity_of(commitment) / option.step) * each


def _is_of(commitment: OwnedCommitment, option: Option) -> bool:
    """Whether a commitment was bought by an option, its term and payment apart."""
    offer = option.offer
    if commitment.kind is not offer.kind:
        return False
    if isinstance(offer, HardwareOffer):
        return commitment.instance_type == offer.hardware.name
    if isinstance(offer, DedicatedOffer):
        place = (commitment.instance_type, commitment.region, commitment.os, commitment.tenancy)
        return place == (offer.instance_type, offer.region, offer.os, offer.tenancy)
    return not offer.kind.is_of_family or (commitment.family, commitment.region) == (
        offer.family,
        offer.region,
    )
