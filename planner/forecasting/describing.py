"""A forecast told: its figures by series and month, what is known, what expires."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand import Demand
from planner.forecasting.forecast import Forecast
from planner.forecasting.futures import Futures
from planner.forecasting.known import Known, Outcome, changes, outcomes, reached_share
from planner.forecasting.models import HOURS_PER_WEEK, WEEKS_PER_YEAR
from planner.forecasting.notes import notes_on, notes_on_series
from planner.forecasting.report import (
    Expiry,
    ForecastReport,
    KnownReport,
    KnownUplift,
    KnownWay,
    LevelDeviation,
    MonthQuantiles,
    SeriesReport,
    Span,
    TrackRecord,
)
from planner.forecasting.series import SeriesForecast
from planner.plan import FutureReduction
from planner.request import Event, OwnedCommitment, PlanRequest
from planner.successors import successor_series

Floats = NDArray[np.float64]

HOUR = timedelta(hours=1)
RECENT_HOURS = 4 * HOURS_PER_WEEK
QUARTER_WEEKS = 13


def describe(
    request: PlanRequest,
    forecast: Forecast,
    futures: Futures,
    quantiles: Mapping[str, Floats],
    records: Mapping[str, tuple[TrackRecord, ...]],
) -> ForecastReport:
    """The report of a forecast.

    Args:
        request: what it was made for.
        forecast: the forecast.
        futures: those drawn from it.
        quantiles: by series, 10, 50 and 90 % [level × hour].
        records: how it did on the past, by series.
    """
    settings, history = forecast.settings, forecast.history
    named = tuple((one.name, one.probability) for one in futures.demand.scenarios)
    return ForecastReport(
        name=request.name,
        history=_span(history),
        forecast=Span(
            start=forecast.start,
            end=forecast.start + forecast.hours * HOUR,
            hours=forecast.hours,
        ),
        timezone=settings.timezone,
        seed=settings.seed,
        series=tuple(
            _series(forecast, futures, name, quantiles[name], records[name])
            for name in sorted(forecast.series)
        ),
        known=tuple(_known(forecast, one) for one in settings.known),
        expiring=expiring(request.owned, forecast),
        scenarios=dict(named),
        reduction=describe_reduction(futures),
        notes=notes_on(forecast),
    )


def describe_reduction(futures: Futures) -> FutureReduction | None:
    """How well the futures kept stand for those drawn; None where all are kept."""
    kept = len(futures.demand.scenarios)
    if kept == futures.paths:
        return None
    return FutureReduction(paths=futures.paths, scenarios=kept, error_share=futures.error_share)


def expiring(owned: Sequence[OwnedCommitment], forecast: Forecast) -> tuple[Expiry, ...]:
    """Commitments owned that end within the hours forecast, the first first."""
    end = forecast.start + forecast.hours * HOUR
    inside = [one for one in owned if forecast.start < one.end <= end]
    return tuple(
        Expiry(id=one.id, end=one.end, what=_what(one))
        for one in sorted(inside, key=lambda one: (one.end, one.id))
    )


def _what(one: OwnedCommitment) -> str:
    if one.commitment_usd is not None:
        return " ".join(filter(None, [f"{one.commitment_usd:f} USD per hour", one.family]))
    of = " ".join(filter(None, [one.instance_type, one.region]))
    return f"{one.quantity:f} × {of}"


def _span(history: Demand) -> Span:
    return Span(start=history.start, end=history.end, hours=history.hours)


def _series(
    forecast: Forecast,
    futures: Futures,
    name: str,
    fan: Floats,
    records: tuple[TrackRecord, ...],
) -> SeriesReport:
    one, values = forecast.series[name], forecast.history.series[name]
    return SeriesReport(
        workload=name,
        model=one.levels.model.name,
        rivals=one.levels.errors,
        holidays=one.country,
        recent=float(values[-min(RECENT_HOURS, one.used_hours) :].mean()),
        used_hours=one.used_hours,
        deviation=_deviation(one),
        track_records=records,
        months=_months(forecast, futures, name, fan),
        notes=notes_on_series(forecast, name, records),
    )


def _deviation(one: SeriesForecast) -> LevelDeviation:
    per_week = HOURS_PER_WEEK / one.choice.model.unit_hours
    weeks = np.array([1.0, QUARTER_WEEKS, WEEKS_PER_YEAR])
    next_week, quarter, year = one.level_deviation(weeks * per_week).tolist()
    return LevelDeviation(next_week=next_week, in_13_weeks=quarter, in_52_weeks=year)


def _months(
    forecast: Forecast, futures: Futures, name: str, fan: Floats
) -> tuple[MonthQuantiles, ...]:
    months = pd.date_range(forecast.start, periods=forecast.hours, freq="h").strftime("%Y-%m")
    labels, first = np.unique(months.to_numpy(dtype=str), return_index=True)
    hours = np.diff(np.append(first, forecast.hours))
    means = np.add.reduceat(fan, first, axis=1) / hours
    # A mean of equal values may lie above them by its rounding.
    highest = np.maximum(np.maximum.reduceat(fan[2], first), means[2])
    planned, left = (
        (np.add.reduceat(futures.mean(one), first) / hours).tolist()
        for one in (name, successor_series(name))
    )
    return tuple(
        MonthQuantiles(
            month=month,
            p10=low,
            p50=middle,
            p90=high,
            highest_p90=most,
            planned=planned[at],
            left=left[at],
        )
        for at, (month, (low, middle, high), most) in enumerate(
            zip(labels.tolist(), means.T.tolist(), highest.tolist(), strict=True)
        )
    )


def _known(forecast: Forecast, known: Known) -> KnownReport:
    ways = outcomes(known, forecast.start, forecast.hours)
    happens = sum(one.probability for one in ways if one.label != "not at all")
    return KnownReport(
        name=known.name,
        kind=known.kind,
        ways=tuple(_way(known, one) for one in ways),
        uplifts=tuple(_uplifts(forecast, known, happens)),
    )


def _way(known: Known, way: Outcome) -> KnownWay:
    begins = known.start if isinstance(known, Event) else known.at
    if way.label == "late" and not isinstance(known, Event) and known.slip is not None:
        begins += timedelta(days=known.slip.days)
    takes = known.end - known.start if isinstance(known, Event) else timedelta(days=known.ramp_days)
    happens = way.label != "not at all"
    return KnownWay(
        label=way.label,
        probability=way.probability,
        begins=begins if happens else None,
        settled=begins + takes if happens else None,
    )


def _uplifts(forecast: Forecast, known: Known, happens: float) -> list[KnownUplift]:
    full = reached_share(known, forecast.start, forecast.hours, days_late=0) >= 1
    ways = outcomes(known, forecast.start, forecast.hours)
    to_come = next((one.share for one in ways if one.label != "not at all"), full.astype(float))
    found = []
    for change in changes(known):
        medians = {change.of: forecast.series[change.of].quantiles([0.5])[0]}
        amount = change.amount(medians, to_come)[full]
        size = float(amount.mean()) if full.any() else None
        expected = None if size is None else size * happens
        found.append(KnownUplift(workload=change.series, full_size=size, expected=expected))
    return found
