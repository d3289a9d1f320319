"""The optimum with the future known: what no policy with the same dates can beat."""

from dataclasses import dataclass
from datetime import datetime

from planner.backtest.book import Holding
from planner.backtest.replanning import pose, purchases_of
from planner.backtest.setting import Seen, Setting
from planner.calendar import HOUR


@dataclass(frozen=True)
class Hindsight:
    """One plan over the window with its true demand and all its dates."""

    description: str = "one plan with the true demand and the same dates"
    guarantee: str | None = None
    sees_future: bool = True
    steady_hours: int = 0

    def dates(self, setting: Setting) -> tuple[datetime, ...]:
        """Once, at the window's start, for all dates."""
        return (setting.calendar.start,)

    def decide(self, seen: Seen) -> tuple[Holding, ...]:
        """All purchases of the window."""
        hours = seen.past.hours - (seen.date - seen.past.start) // HOUR
        window = seen.past.between(seen.date, hours)
        problem = pose(seen.request, seen.catalog, window, seen.owned, dates=seen.dates)
        return purchases_of(problem)
