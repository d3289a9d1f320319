"""What a policy is: when it decides, and what it buys on what it sees."""

from datetime import datetime
from typing import Protocol

from planner.backtest.book import Holding
from planner.backtest.setting import Seen, Setting


class Policy(Protocol):
    """Decides on purchases; keeps nothing between decisions that is not in what it sees."""

    @property
    def description(self) -> str:
        """The rule in a line."""

    @property
    def guarantee(self) -> str | None:
        """What is proven of its cost, whatever demand does; None for nothing."""

    @property
    def sees_future(self) -> bool:
        """Whether it sees the whole window: hindsight alone."""

    @property
    def steady_hours(self) -> int:
        """With dates closer than this it acts on the median of its latest targets; 0: never."""

    def dates(self, setting: Setting) -> tuple[datetime, ...]:
        """When it decides, ascending."""

    def decide(self, seen: Seen) -> tuple[Holding, ...]:
        """What it buys, and where it plans ahead what it has in mind for the dates soon to come.

        Raises:
            InvalidInputError, PlannerError: as `planner.make_plan` does.
        """
