"""What policies that forecast plan for: futures drawn from the past alone."""

from dataclasses import dataclass, replace
from datetime import datetime

from planner.backtest.setting import Futures
from planner.demand import Demand
from planner.forecasting import forecast
from planner.forecasting.known import Known
from planner.request import Event, ForecastSettings, Hazard
from planner.successors import Replaceable


@dataclass(frozen=True)
class ForecastFutures:
    """Draws the futures of a forecast from history's end on.

    Attributes:
        settings: how to forecast. Of what is known of the time to come, that counts which was
            announced by history's end; of the rest nobody had written down then what they knew.
        hours: how far ahead.
        hazards: what may befall the futures.
        replaceable: series of which a share may leave its machines' family.
    """

    settings: ForecastSettings
    hours: int
    hazards: tuple[Hazard, ...]
    replaceable: tuple[Replaceable, ...] = ()

    def __call__(self, history: Demand) -> Demand:
        """Futures from the end of a history."""
        known = tuple(
            _as_known(one, history.end)
            for one in self.settings.known
            if one.announced is not None and one.announced <= history.end
        )
        changed = {"known": known, "hazards": self.hazards}
        settings = self.settings.model_copy(update=changed)
        return forecast(history, settings, self.hours, self.replaceable).futures()


def _as_known(known: Known, now: datetime) -> Known:
    """What is still open of something at a moment: what has begun is late no more."""
    if isinstance(known, Event) or known.at > now:
        return known
    return known.model_copy(update={"slip": None})


def unannounced(futures: Futures) -> Futures:
    """The same where nothing was announced."""
    if not isinstance(futures, ForecastFutures):
        return futures
    return replace(futures, settings=futures.settings.model_copy(update={"known": ()}))
