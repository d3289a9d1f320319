"""Prices that fall as a month goes on: sustained use, and monthly caps.

A unit's price in its k-th hour of a calendar month is its on-demand price times a factor w_k.
Usage of one account, region and price is stacked into levels, so that the longest possible runs
form: the month costs p · Σ_k w_k × (the quantity of the k-th largest hour). The whole calendar
month is the base also where a span covers only a part of it, and hours outside count as idle.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.billing.accounting import NANO
from planner.billing.engine import names_of
from planner.billing.hours import MonthSpan
from planner.billing.usage import UsageClass

QUARTERS = 4


@dataclass(frozen=True)
class MonthlyPrice:
    """Usage whose price falls with its hours in the month: one resource of one account.

    ``columns`` are positions of its classes, in an order that the usage's columns do not decide.
    """

    of: UsageClass
    columns: tuple[int, ...]

    def factors(self, month: MonthSpan) -> NDArray[np.float64]:
        """The price factor of each hour that a level runs in the month [hour]."""
        hours = month.calendar_hours
        factors = np.ones(hours)
        if self.of.sustained_use is not None:
            factors = np.repeat([float(one) for one in self.of.sustained_use], hours // QUARTERS)
        if self.of.month_cap_hours is not None:
            factors[self.of.month_cap_hours :] = 0.0
        return factors

    def credits_nanousd(
        self, quantity: NDArray[np.float64], month: MonthSpan
    ) -> NDArray[np.float64]:
        """What each of the month's hours costs less than on demand [hour].

        ``quantity`` is [hour × class]. Of equal hours the earlier pays more.
        """
        hours = slice(month.first_hour, month.end_hour)
        level = quantity[hours, self.columns].sum(axis=1)
        free = np.empty_like(level)
        free[np.argsort(-level, kind="stable")] = 1.0 - self.factors(month)[: len(level)]
        return np.asarray(float(self.of.on_demand_usd * NANO) * level * free)


def monthly_prices(classes: Sequence[UsageClass]) -> tuple[MonthlyPrice, ...]:
    """The usage whose price falls with its hours in the month; spot usage is not."""
    groups: dict[Hashable, list[int]] = {}
    for column, one in enumerate(classes):
        falling = one.sustained_use is not None or one.month_cap_hours is not None
        if falling and one.spot_usd is None:
            resource = (one.provider, one.account, one.region, one.service, one.name)
            price = (one.on_demand_usd, one.sustained_use, one.month_cap_hours)
            groups.setdefault((resource, price), []).append(column)
    return tuple(
        MonthlyPrice(
            classes[columns[0]], tuple(sorted(columns, key=lambda c: names_of(classes[c])))
        )
        for columns in groups.values()
    )
