"""Plan for the last days as if they repeated for ever: what providers' recommenders do.

With one pool and one product the plan's level is the quantile of those hours at which a unit is
just worth its price: the newsvendor's. The planner finds it with any products.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.backtest.book import Holding
from planner.backtest.replanning import pose, purchases_of
from planner.backtest.setting import Seen, Setting
from planner.calendar import HOUR
from planner.demand import Demand
from planner.request import OwnedCommitment


@dataclass(frozen=True)
class Repeating:
    """Buys, all at once, what the latest hours would have wanted beside what is owned.

    Attributes:
        look_back_hours: how many of them.
        description: the rule in a line.
    """

    look_back_hours: int
    description: str
    guarantee: str | None = None
    sees_future: bool = False
    steady_hours: int = 0

    def dates(self, setting: Setting) -> tuple[datetime, ...]:
        """Every purchase date."""
        return setting.dates

    def decide(self, seen: Seen) -> tuple[Holding, ...]:
        """What the plan for the latest hours buys; nothing where nothing was seen yet."""
        hours = min(self.look_back_hours, seen.past.hours)
        if hours == 0:
            return ()
        latest = seen.past.between(seen.date - hours * HOUR, hours)
        repeated = Demand(seen.date, latest.series, latest.scenarios)
        owned = lasting(seen.alive, repeated.end)
        problem = pose(seen.request, seen.catalog, repeated, owned)
        return purchases_of(problem)


def lasting(owned: Iterable[OwnedCommitment], end: datetime) -> tuple[OwnedCommitment, ...]:
    """Commitments that serve now, moved so that they serve until an hour, as far as they last.

    Who takes the last days to repeat takes what serves now to go on.
    """
    found = []
    for one in owned:
        later = max(end - one.end, timedelta(0))
        moved = {"start": one.start + later, "end": one.end + later}
        found.append(one.model_copy(update=moved))
    return tuple(found)
