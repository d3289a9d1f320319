"""What policies that forecast plan for: futures drawn from the past alone."""

from dataclasses import dataclass

from planner.demand import Demand
from planner.forecasting import forecast
from planner.request import ForecastSettings, Hazard


@dataclass(frozen=True)
class ForecastFutures:
    """Draws the futures of a forecast from history's end on.

    Attributes:
        settings: how to forecast. What is known of the time to come is left out: nobody had
            written down then what they knew.
        hours: how far ahead.
        hazards: what may befall the futures.
    """

    settings: ForecastSettings
    hours: int
    hazards: tuple[Hazard, ...]

    def __call__(self, history: Demand) -> Demand:
        """Futures from the end of a history."""
        changed = {"known": (), "hazards": self.hazards}
        return forecast(history, self.settings.model_copy(update=changed), self.hours).futures()
