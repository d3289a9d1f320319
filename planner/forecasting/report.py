"""The forecast as people and programs read it: figures of every series, not its hours."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from planner.plan import FutureReduction, Label, Part


class Span(Part):
    """Hours from a first one on."""

    start: datetime
    end: datetime
    """First hour after it."""
    hours: int


class TrackRecord(Part):
    """How the forecast would have done on the series' own past, knowing what was before only.

    Errors of all origins are added up before they are divided; `naive` is last week again (or the
    last day, where history holds no two weeks) with a fan of its own past errors.
    """

    hours_ahead: int
    origins: tuple[datetime, ...]
    """First hours forecast."""
    weighted_quantile_loss: float | None
    """Twice the pinball loss of the 10, 50 and 90 % quantiles, on the mean, by demand; none where
    there was no demand."""
    mase: float | None
    """Absolute error of the median over that of last week again in the history before; none where
    that never errs."""
    coverage: float
    """Share of hours inside the 80 % band."""
    naive_weighted_quantile_loss: float | None
    naive_mase: float | None
    naive_coverage: float
    skill: float | None
    """1 - loss / naive loss: above 0 the forecast is better."""


class LevelDeviation(Part):
    """Standard deviation of the log error of the level: 0.1 is off by 10 %, either way."""

    next_week: float
    in_13_weeks: float
    in_52_weeks: float


class MonthQuantiles(Part):
    """Demand of a calendar month (UTC) in the series' unit: means of its hours' quantiles."""

    month: str
    p10: float
    p50: float
    p90: float
    highest_p90: float
    """Of its hours."""
    planned: float
    """What plans are made for: the mean over the futures drawn, hazards and all that is known in
    them."""
    left: float
    """What of the demand has by then left for the successor of its machines' family, on the mean
    over the futures; it is planned for apart."""


class SeriesReport(Part):
    """The forecast of one series."""

    workload: str
    """Its name, as demand files have it in their column of that name."""
    model: str
    """Whose levels it has; of series kept `together` that of their sum."""
    rivals: Mapping[str, float]
    """Mean absolute error of every model that was compared, as a share of demand, by name."""
    holidays: str | None
    """Country whose holidays it keeps; none where none are found."""
    recent: float
    """Mean demand of the last four weeks of history, or of those looked at."""
    used_hours: int
    """Of history, those at its end that were looked at: hours before the last five years, and empty
    ones before demand began, are left out."""
    deviation: LevelDeviation
    track_records: tuple[TrackRecord, ...]
    """Of a quarter of the history or 13 weeks, and of 52 weeks where it is long enough."""
    months: tuple[MonthQuantiles, ...]
    notes: tuple[str, ...]


class KnownWay(Part):
    """One way in which something known may turn out."""

    label: Label
    probability: float
    begins: datetime | None
    """None where it does not."""
    settled: datetime | None
    """When it is over (events), or has its full size."""


class KnownUplift(Part):
    """What something known adds to a series at full size, or takes from it."""

    workload: str
    full_size: float | None
    """Mean of the hours it has its full size in, if in time, at the series' median demand; none
    where the forecast ends before."""
    expected: float | None
    """The same times the probability that it happens."""


class KnownReport(Part):
    """Something known, as it enters the forecast."""

    name: str
    kind: Literal["rollout", "event", "migration"]
    ways: tuple[KnownWay, ...]
    uplifts: tuple[KnownUplift, ...]


class Expiry(Part):
    """A commitment owned that ends within the hours forecast."""

    id: str
    end: datetime
    what: str
    """Quantity and what it is of."""


class ForecastReport(Part):
    """The demand to come, forecast from its history."""

    name: str
    history: Span
    forecast: Span
    timezone: str | None
    """Whose days and weeks demand follows; UTC when none."""
    seed: int
    series: tuple[SeriesReport, ...]
    known: tuple[KnownReport, ...]
    expiring: tuple[Expiry, ...]
    scenarios: Mapping[str, float]
    """Probability of each future drawn, by its name: the `scenarios` of a request that plans for
    them."""
    reduction: FutureReduction | None
    """Where futures are reduced to few."""
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Read as a small table."""
        lines = [f"Forecast {self.name}: {self.forecast.hours:,} hours from {self.forecast.start}"]
        for one in self.series:
            last = one.months[-1]
            lines.append(
                f"  {one.workload:<20} {one.model:<7} {last.month}: {last.p50:,.4g}"
                f"  ({last.p10:,.4g} to {last.p90:,.4g})"
            )
        return "\n".join(lines)
