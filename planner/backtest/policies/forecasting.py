"""Plan on a forecast: many futures over the longest term, later purchases knowing what came."""

from dataclasses import dataclass
from datetime import datetime

from planner.backtest.book import Holding
from planner.backtest.replanning import RARELY_HOURS, dates_of_plan, pose, purchases_of
from planner.backtest.setting import Futures, Seen, Setting
from planner.calendar import HOUR
from planner.forecasting import known_at
from planner.prices import longest_term_hours
from planner.request import Information, PlanRequest, Risk, SolveOptions

GAP = 1e-3
"""Of a plan whose first purchases alone are made, and whose futures are drawn."""


@dataclass(frozen=True)
class Forecasting:
    """Plans at every date on futures drawn from the past, and buys what the plan buys now.

    Attributes:
        futures: draws them.
        risk: how much the bad ones weigh.
        description: the rule in a line.
        steady_hours: with dates closer than this it acts on the median of its latest targets.
    """

    futures: Futures
    risk: Risk
    description: str
    steady_hours: int
    guarantee: str | None = None
    sees_future: bool = False

    def dates(self, setting: Setting) -> tuple[datetime, ...]:
        """Every purchase date."""
        return setting.dates

    def decide(self, seen: Seen) -> tuple[Holding, ...]:
        """What the plan buys at the date, and has in mind for those soon to come.

        Raises:
            ValueError: the futures do not start at the date.
        """
        ahead = self.futures(seen.past)
        if ahead.start != seen.date:
            raise ValueError(f"futures start at {ahead.start}, not at {seen.date}")
        request = seen.request
        hours = min(ahead.hours, longest_term_hours(request, seen.catalog) or ahead.hours)
        dates = dates_of_plan(seen.date, seen.dates, seen.date + hours * HOUR)
        since = [(date - seen.date) // HOUR for date in dates]
        is_tree = request.information != Information()
        problem = pose(
            request.model_copy(update={"solve": _quick(request)}),
            seen.catalog,
            ahead,
            seen.owned,
            hours=hours,
            dates=dates,
            risk=self.risk,
            information=request.information if is_tree else known_at(since),
            history_hours=seen.past.hours,
        )
        return purchases_of(problem, RARELY_HOURS)


def _quick(request: PlanRequest) -> SolveOptions:
    return request.solve.model_copy(update={"gap": max(request.solve.gap, GAP)})
