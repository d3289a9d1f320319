"""The picture of a back-test: what each policy has saved by each month, a panel per course."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from api.command.figures import percent
from planner.backtest import BacktestReport, CourseResult, MonthOfPolicy, PolicyResult, Window
from planner.request import PolicyName

WIDTH_INCHES, PANEL_INCHES = 12.0, 4.6
DOTS_PER_INCH = 110

# Okabe and Ito's palette, told apart with any colour vision.
STYLES = {
    PolicyName.LOOK_BACK: ("look-back", "#E69F00"),
    PolicyName.TRAILING_QUANTILE: ("trailing quantile", "#CC79A7"),
    PolicyName.BREAK_EVEN: ("break-even", "#56B4E9"),
    PolicyName.NEUTRAL: ("neutral", "#009E73"),
    PolicyName.CAUTIOUS: ("cautious", "#0072B2"),
    PolicyName.HINDSIGHT: ("hindsight", "#222222"),
}


def draw_backtest(report: BacktestReport) -> bytes:
    """A back-test as a PNG image."""
    count = len(report.courses)
    size = (WIDTH_INCHES, PANEL_INCHES * count)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    title = f"{report.name}: saved over on demand, each decision on the past alone"
    figure.suptitle(title, fontsize=13, fontweight="bold", x=0.01, ha="left")
    panels = figure.subplots(count, 1, squeeze=False)
    for axes, course in zip(panels[:, 0], report.courses, strict=True):
        draw_course(axes, course, report.window, report.purchase_dates)
    image = BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def draw_course(
    axes: Axes, course: CourseResult, window: Window, dates: tuple[datetime, ...]
) -> None:
    """Cumulative saving of every policy over one course of a window, purchase dates marked."""
    for date in dates:
        axes.axvline(_day(date), color="#999999", lw=0.5, ls=":")
    for one in course.policies:
        if one.policy in STYLES:
            _draw_policy(axes, one, window)
    axes.axhline(0, color="#222222", lw=0.8)
    axes.set_title(course.course, loc="left", fontsize=11)
    axes.set_ylabel("saved so far, USD")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    locator = mdates.AutoDateLocator(minticks=4, maxticks=14)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC, by the end of each month; dotted: purchase dates")
    axes.legend(loc="upper left", fontsize=8, title="share of hindsight's saving", title_fontsize=8)
    axes.grid(axis="y", alpha=0.25)


def _draw_policy(axes: Axes, one: PolicyResult, window: Window) -> None:
    name, colour = STYLES[one.policy]
    saved = np.concatenate([[0.0], np.cumsum([float(month.saving_usd) for month in one.monthly])])
    is_best = one.policy is PolicyName.HINDSIGHT
    axes.plot(
        [_day(moment) for moment in month_edges(window, one.monthly)],
        saved,
        color=colour,
        lw=1.6,
        ls="--" if is_best else "-",
        label=f"{name}, {percent(one.captured)}",
    )


def month_edges(window: Window, months: Sequence[MonthOfPolicy]) -> list[datetime]:
    """A window's start, the ends of its calendar months, and its end."""
    later = [datetime.fromisoformat(f"{one.month}-01T00:00Z") for one in months[1:]]
    return [window.start, *later, window.end]


def _day(moment: datetime) -> float:
    """A moment on matplotlib's axis of days."""
    return float(mdates.date2num(moment))  # type: ignore[no-untyped-call]
