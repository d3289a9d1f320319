"""What policies that forecast plan for: futures drawn from the past alone."""

from dataclasses import dataclass, replace

from planner.backtest.setting import Futures
from planner.demand import Demand
from planner.forecasting import forecast
from planner.request import ForecastSettings, Hazard


@dataclass(frozen=True)
class ForecastFutures:
    """Draws the futures of a forecast from history's end on.

    Attributes:
        settings: how to forecast. Of what is known of the time to come, that counts which was
            announced by history's end; of the rest nobody had written down then what they knew.
        hours: how far ahead.
        hazards: what may befall the futures.
    """

    settings: ForecastSettings
    hours: int
    hazards: tuple[Hazard, ...]

    def __call__(self, history: Demand) -> Demand:
        """Futures from the end of a history."""
        known = tuple(
            one
            for one in self.settings.known
            if one.announced is not None and one.announced <= history.end
        )
        changed = {"known": known, "hazards": self.hazards}
        return forecast(history, self.settings.model_copy(update=changed), self.hours).futures()


def unannounced(futures: Futures) -> Futures:
    """The same where nothing was announced."""
    if not isinstance(futures, ForecastFutures):
        return futures
    return replace(futures, settings=futures.settings.model_copy(update={"known": ()}))
