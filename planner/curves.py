"""Hour by hour: what the fleet uses, what serves it, and how much is committed, in one unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from catalogs import OfferKind
from planner.billing import Bill
from planner.decision import Decision
from planner.owned import Owned
from planner.problem import Problem
from planner.purchases import Option
from planner.rebill import rebill, resources_of

Floats = NDArray[np.float64]


class Layer(StrEnum):
    """Commitments that are drawn and counted together."""

    OWNED = "owned"
    SERVERS = "servers"
    RESERVED = "reserved"
    FAMILY_PLAN = "family_plan"
    WIDE_PLAN = "wide_plan"


@dataclass(frozen=True, eq=False)
class Curves:
    """The whole fleet by hour; every array is [hour], in on-demand-equivalent USD per hour.

    Attributes:
        start: the first hour, UTC.
        usage_usd: what runs, at on-demand prices.
        dedicated_usd: the part of it that reservations serve, as billed.
        spend_usd: the part that savings plans serve, as billed.
        on_demand_usd: the part that is left on demand, as billed.
        committed_usd: by layer, the usage its commitments could serve in full; of a savings plan
            at its mean discount on the fleet's usage.
    """

    start: datetime
    usage_usd: Floats
    dedicated_usd: Floats
    spend_usd: Floats
    on_demand_usd: Floats
    committed_usd: Mapping[Layer, Floats]

    @property
    def hours(self) -> int:
        """Length of every array."""
        return len(self.usage_usd)

    @property
    def level_usd(self) -> Floats:
        """All commitments together [hour]."""
        return np.asarray(np.sum([self.committed_usd[layer] for layer in Layer], axis=0))


def trace_curves(problem: Problem, decision: Decision) -> Curves:
    """The curves of a decision, as billed."""
    bill = rebill(problem, decision)
    prices = np.array([float(machine.on_demand_usd) for machine in resources_of(problem)])
    dedicated, spend = bill.dedicated_quantity @ prices, bill.spend_quantity @ prices
    on_demand = bill.on_demand_quantity @ prices
    return Curves(
        start=problem.calendar.start,
        usage_usd=dedicated + spend + on_demand,
        dedicated_usd=dedicated,
        spend_usd=spend,
        on_demand_usd=on_demand,
        committed_usd=_committed(problem, decision, bill),
    )


def _committed(problem: Problem, decision: Decision, bill: Bill) -> dict[Layer, Floats]:
    levels = {layer: np.zeros(problem.calendar.hours) for layer in Layer}
    steps = _step_values(problem, bill)
    for owned in problem.owned:
        value = float(owned.quantity) * steps.of(owned.option)
        levels[Layer.OWNED][owned.start : owned.end] += value
    for one in decision.bought:
        value = one.steps * steps.of(one.option)
        levels[_layer(one.option)][one.lot.start : one.lot.end] += value
    for made in decision.exchanges:
        after = slice(made.exchange.hour, min(made.exchange.end, problem.calendar.hours))
        levels[Layer.RESERVED][after] += made.taken * steps.of(made.exchange.target)
        for source, count in made.given:
            is_owned = isinstance(source.held, Owned)
            layer = Layer.OWNED if is_owned else Layer.RESERVED
            levels[layer][after] -= count * steps.of(source.option)
    return levels


def _layer(option: Option) -> Layer:
    kind = option.offer.kind
    if kind is OfferKind.OWN_HARDWARE:
        return Layer.SERVERS
    if kind.is_dedicated:
        return Layer.RESERVED
    return Layer.FAMILY_PLAN if kind.is_of_family else Layer.WIDE_PLAN


@dataclass(frozen=True)
class _StepValues:
    """What one step of an option can serve in an hour, in on-demand-equivalent USD."""

    pool_unit_usd: tuple[float, ...]
    usage_usd: Mapping[object, float]

    def of(self, option: Option) -> float:
        if option.pool is not None and option.offer.kind.is_dedicated:
            units = float(option.pool_units)
            return 0.0 if option.pool is None else units * self.pool_unit_usd[option.pool]
        return float(option.step) * self._dollars_per_commitment(option)

    def _dollars_per_commitment(self, option: Option) -> float:
        """On-demand dollars that a committed dollar serves, weighed by what the plan may serve."""
        ratios = [float(m.on_demand_usd / rate) for m, rate in option.resource_rates]
        weights = [self.usage_usd[machine] for machine, _ in option.resource_rates]
        if sum(weights) > 0:
            return float(np.average(ratios, weights=weights))
        return float(np.mean(ratios)) if ratios else 0.0


def _step_values(problem: Problem, bill: Bill) -> _StepValues:
    machines = resources_of(problem)
    quantity = bill.on_demand_quantity + bill.dedicated_quantity + bill.spend_quantity
    usage = quantity.sum(axis=0)
    return _StepValues(
        pool_unit_usd=tuple(
            _cheapest(float(m.unit_price_usd) for m in machines if m.pool == key)
            for key in problem.pools.keys
        ),
        usage_usd={m: float(usage[i] * float(m.on_demand_usd)) for i, m in enumerate(machines)},
    )


def _cheapest(prices: Iterable[float]) -> float:
    return min(prices, default=0.0)
