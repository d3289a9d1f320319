"""What commitments could serve at the most, at on-demand prices: what coverage ceilings count."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from planner.fleet import Pools
from planner.purchases import Option

Floats = NDArray[np.float64]


def unit_usd(pools: Pools) -> Floats:
    """Exact on-demand price of each pool's dearest unit [pool]."""
    prices = np.zeros(len(pools.keys))
    for part in pools.slices:
        dearest = max(machine.unit_price_usd for machine in part.resources)
        prices[part.pool] = max(prices[part.pool], float(dearest))
    return prices


def dollar_usd(pools: Pools, rates: Sequence[Fraction | None]) -> float:
    """On-demand dollars that a dollar of a plan displaces at the most, by its rates [slice]."""
    return max(
        float(machine.unit_price_usd) * float(part.pool_units) / float(rate)
        for part, rate in zip(pools.slices, rates, strict=True)
        if rate is not None
        for machine in part.resources
    )


def step_usd(pools: Pools, option: Option) -> float:
    """The same of a machine, or a dollar, of an option; 0 of one that serves nothing here."""
    if option.pool is None:
        return dollar_usd(pools, option.rates) if option.rates else 0.0
    return float(option.pool_units) / float(option.step) * float(unit_usd(pools)[option.pool])
