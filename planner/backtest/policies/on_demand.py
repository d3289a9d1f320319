"""Never buy."""

from dataclasses import dataclass
from datetime import datetime

from planner.backtest.book import Holding
from planner.backtest.setting import Seen, Setting


@dataclass(frozen=True)
class OnDemand:
    """Nothing is bought; what was owned before the window serves to its end."""

    description: str = "buys nothing"
    guarantee: str | None = None
    sees_future: bool = False
    steady_hours: int = 0

    def dates(self, _setting: Setting) -> tuple[datetime, ...]:
        """Never."""
        return ()

    def decide(self, _seen: Seen) -> tuple[Holding, ...]:
        """Nothing."""
        return ()
