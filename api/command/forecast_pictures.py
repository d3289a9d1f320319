"""The picture of one series: its history, the fan of its forecast, what is known, what expires."""

from datetime import datetime
from io import BytesIO

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from api.command.figures import number, percent
from planner import DemandForecast
from planner.forecasting.report import Expiry, SeriesReport

Floats = NDArray[np.float64]

SIZE_INCHES = (12.0, 6.0)
UPLIFT_INCHES = 2.4
DOTS_PER_INCH = 110
DAY_HOURS = 24
STEPS = ((60, 1, "hour"), (500, 24, "day"))
"""Up to so many days so many hours are drawn as one; more by weeks."""
WEEK = (168, "week")
HISTORY_SPANS = 3.0
"""At most so many times the hours forecast are shown of the history, or the other way round."""
FEWEST_DAYS_SHOWN = 14
NAMED_EXPIRIES = 6

# Told apart by lightness alone: the history is dark, the band pale, the median dashed.
HISTORY, BAND, MEDIAN = "#222222", "#8FBFE0", "#0B4F86"
STYLES = (("#D55E00", "-"), ("#222222", "--"), ("#7F7F7F", "-."), ("#009E73", ":"))
EXPIRY = "#7A3E65"


def draw_series(made: DemandForecast, name: str) -> bytes:
    """One series of a forecast as a PNG image."""
    uplifts = uplifts_of(made, name)
    height = SIZE_INCHES[1] + (UPLIFT_INCHES if uplifts else 0)
    figure = Figure(figsize=(SIZE_INCHES[0], height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    report = next(one for one in made.report.series if one.workload == name)
    figure.suptitle(title(report), fontsize=12, fontweight="bold", x=0.01, ha="left")
    ratios = [SIZE_INCHES[1], UPLIFT_INCHES] if uplifts else [1]
    panels = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    draw_demand(panels[0], made, name)
    if uplifts:
        draw_uplifts(panels[1], made, uplifts)
    _set_dates(panels[-1])
    image = BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def title(one: SeriesReport) -> str:
    """What was done, and how well it did before, in one line."""
    keeps = "no holidays found" if one.holidays is None else f"holidays of {one.holidays}"
    if not one.track_records:
        return f"{one.workload}: model {one.model}, {keeps}; too short to be tried on its past"
    record = one.track_records[0]
    skill = "" if record.skill is None else f", {percent(record.skill, 0)} better than naive"
    if record.skill is not None and percent(record.skill, 0) == percent(0.0, 0):
        skill = ", as good as naive"
    elif record.skill is not None and record.skill < 0:
        skill = f", {percent(-record.skill, 0)} worse than naive"
    return (
        f"{one.workload}: model {one.model}, {keeps}; on its past "
        f"{percent(record.coverage, 0)} in the 80% band{skill}"
    )


def uplifts_of(made: DemandForecast, name: str) -> dict[str, Floats]:
    """Mean uplift [hour] of everything known that changes a series, by its name."""
    found = {}
    for known in made.forecast.settings.known:
        uplift = made.forecast.uplift(known, name)
        if uplift.any():
            found[known.name] = uplift
    return found


def draw_demand(axes: Axes, made: DemandForecast, name: str) -> None:
    """History and fan: means of days, of weeks where there are years, by the hour where little."""
    forecast, history = made.forecast, made.forecast.history
    (step, unit), shown = _step(made), _hours_shown(made)
    # Days and weeks are counted back from the history's end.
    values = history.series[name][-(shown - shown % step or shown) :]
    past = _days(history.end, -len(values), len(values))
    at, low, mean, high = _folded(past, values, step)
    if step > 1:
        label = f"history, range of each {unit}"
        axes.fill_between(at, low, high, color=HISTORY, alpha=0.16, lw=0, label=label)
    axes.plot(at, mean, color=HISTORY, lw=1.1, label=f"history, mean of each {unit}")
    ahead = _days(forecast.start, 0, forecast.hours)
    fan = made.quantiles[name]
    at = _folded(ahead, fan[0], step)[0]
    low, middle, high = (_folded(ahead, row, step)[2] for row in fan)
    axes.fill_between(at, low, high, color=BAND, lw=0, label="forecast, 10 to 90%")
    axes.plot(at, middle, color=MEDIAN, lw=1.6, ls="--", label="forecast, median")
    axes.axvline(_day(forecast.start), color=HISTORY, lw=0.8, ls=":")
    top = 1.12 * max(float(values.max()), float(high.max()), 1e-300)
    axes.set_ylim(0, top)
    _mark_expiries(axes, made.report.expiring)
    axes.set_ylabel(f"{name}, mean of each {unit}")
    axes.set_xlim(past[0], ahead[-1])
    axes.legend(loc="upper left", ncols=3, fontsize=8, framealpha=0.9)
    axes.grid(axis="y", alpha=0.25)


def draw_uplifts(axes: Axes, made: DemandForecast, uplifts: dict[str, Floats]) -> None:
    """What each known thing adds on the mean over its ways, at median demand."""
    step, _ = _step(made)
    ahead = _days(made.forecast.start, 0, made.forecast.hours)
    for position, (known, uplift) in enumerate(uplifts.items()):
        at, _, mean, _ = _folded(ahead, uplift, step)
        colour, style = STYLES[position % len(STYLES)]
        largest = number(float(mean[np.argmax(np.abs(mean))]))
        axes.plot(at, mean, color=colour, ls=style, lw=1.5, label=f"{known}: up to {largest}")
    axes.axhline(0, color=HISTORY, lw=0.6)
    axes.set_ylabel("known, expected")
    axes.legend(loc="upper left", ncols=3, fontsize=8, framealpha=0.9)
    axes.grid(axis="y", alpha=0.25)


def _mark_expiries(axes: Axes, expiring: tuple[Expiry, ...]) -> None:
    for position, one in enumerate(expiring):
        axes.axvline(
            _day(one.end),
            color=EXPIRY,
            lw=1.2,
            ls=(0, (1, 2)),
            label=None if position else "owned commitment ends",
        )
        if position < NAMED_EXPIRIES:
            axes.annotate(
                one.id[:28],
                (_day(one.end), 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                fontsize=7,
                ha="right",
                va="bottom",
                color=EXPIRY,
            )


def _step(made: DemandForecast) -> tuple[int, str]:
    """Hours drawn as one, and what that is called."""
    days = (_hours_shown(made) + made.forecast.hours) / DAY_HOURS
    return next(((hours, unit) for most, hours, unit in STEPS if days <= most), WEEK)


def _hours_shown(made: DemandForecast) -> int:
    """Hours of history shown: all, but a few times the forecast at most."""
    most = int(max(HISTORY_SPANS * made.forecast.hours, FEWEST_DAYS_SHOWN * DAY_HOURS))
    return min(made.forecast.history.hours, most)


def _folded(at: Floats, values: Floats, step: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Middles, lowest, mean and highest of so many hours at a time."""
    # A last day or week cut short would stand out for nothing.
    whole = len(values) - len(values) % step or len(values)
    at, values = at[:whole], values[:whole]
    edges = np.arange(0, whole, step)
    hours = np.diff(np.append(edges, whole))
    means = np.add.reduceat(values, edges) / hours
    middles = at[edges] + (hours - 1) / 2 / DAY_HOURS if step > 1 else at
    low, high = (fold.reduceat(values, edges) for fold in (np.minimum, np.maximum))
    return middles, low, means, high


def _days(origin: datetime, first: int, hours: int) -> Floats:
    """Hours from ``first`` after a moment on, on matplotlib's axis of days [hour]."""
    return _day(origin) + (first + np.arange(hours)) / DAY_HOURS


def _day(moment: datetime) -> float:
    return float(mdates.date2num(moment))  # type: ignore[no-untyped-call]


def _set_dates(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(minticks=4, maxticks=14)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC")
