"""The picture of a plan: demand with the commitment level, its load-duration curve, the bill."""

from datetime import datetime
from io import BytesIO

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from api.command.figures import counted, percent, usd
from planner import Curves, Layer, Plan
from planner.planning import median_future
from planner.request import Accounting

Floats = NDArray[np.float64]

SIZE_INCHES = (12.0, 8.0)
DOTS_PER_INCH = 110
DAY_HOURS = 24
MOST_DAYS = 1100
"""Above this many days several are drawn as one."""
ASSUMED_SHOWN = 3
MOST_POINTS = 2000
"""Of a load-duration curve."""

# Okabe and Ito's palette, told apart with any colour vision.
LAYERS = {
    Layer.OWNED: ("owned already", "#999999"),
    Layer.SERVERS: ("own servers", "#D55E00"),
    Layer.RESERVED: ("reserved", "#0072B2"),
    Layer.FAMILY_PLAN: ("savings plans of a family", "#56B4E9"),
    Layer.WIDE_PLAN: ("savings plans of any family", "#009E73"),
}
DEMAND = "#222222"
ON_DEMAND = "#E69F00"
COMMITTED = "#0072B2"
UPFRONT = "#CC79A7"


def draw_plan(plan: Plan, curves: Curves) -> bytes:
    """A plan as a PNG image."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title(plan), fontsize=13, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel(signed_for(plan), fontsize=10, x=0.01, ha="left")
    axes = figure.subplot_mosaic([["time", "time"], ["duration", "bill"]], height_ratios=[1.15, 1])
    draw_demand(axes["time"], plan, curves)
    draw_duration(axes["duration"], plan, curves)
    draw_bill(axes["bill"], plan)
    image = BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def title(plan: Plan) -> str:
    """What is bought and saved, in one line."""
    certain = [one for one in plan.purchases if one.scenarios is None]
    bought = counted(len(certain), "purchase") if certain else "no purchase"
    if len(certain) < len(plan.purchases):
        bought += " whatever comes"
    share, cost = plan.savings_share, usd(plan.total_cost_usd)
    side = "below" if share is None or share >= 0 else "above"
    saved = "" if share is None else f", {percent(abs(share))} {side} on demand"
    present = None if plan.present_bill is None else plan.present_bill.total_cost_usd
    beside = "" if present is None else f", present bill {usd(present)} USD"
    return f"{plan.name}: {bought}, {cost} USD over {plan.horizon.hours:,} hours{saved}{beside}"


def signed_for(plan: Plan) -> str:
    """Cash, what stays to be paid, and what may befall demand, a line each."""
    head = plan.headline
    text = (
        f"Paid in {head.first_quarter} {usd(head.cash_first_quarter_usd)} USD, in "
        f"{head.first_year} {usd(head.cash_first_year_usd)} USD. After the planned hours "
        f"{usd(head.still_to_pay_usd)} USD of fees are still to pay, "
        f"{usd(head.paid_ahead_usd)} USD are paid ahead."
    )
    reckoned = [
        f"{one.text}: {percent(one.probability, 0)}"
        + ("" if one.cost_usd is None else f", {usd(one.cost_usd)} USD if not")
        for one in plan.assumptions
        if one.kind in {"hazard", "launch"}
    ]
    return "\n".join([text, *(f"Assumed: {one}" for one in reckoned[:ASSUMED_SHOWN])])


def of_which(plan: Plan) -> str:
    """Which of several futures is drawn: that of the median bill."""
    if not plan.scenarios:
        return ""
    name = plan.scenarios[median_future(plan)].name
    return f", in {name[:24]} of {len(plan.scenarios)} futures (the median bill)"


def draw_demand(axes: Axes, plan: Plan, curves: Curves) -> None:
    """Demand over time with the committed level stacked below it and purchases marked."""
    hours = np.arange(curves.hours + 1)
    times = _day(curves.start) + hours / DAY_HOURS
    _stack_levels(axes, times, curves)
    step = DAY_HOURS * max(1, -(-curves.hours // (DAY_HOURS * MOST_DAYS)))
    edges = np.arange(0, curves.hours, step)
    low, high = (fold.reduceat(curves.usage_usd, edges) for fold in (np.minimum, np.maximum))
    mean = np.add.reduceat(curves.usage_usd, edges) / np.diff(np.append(edges, curves.hours))
    span = "daily" if step == DAY_HOURS else f"{step // DAY_HOURS}-day"
    at = times[edges]
    axes.fill_between(
        at, low, high, step="post", color=DEMAND, alpha=0.16, lw=0, label=f"demand, {span} range"
    )
    axes.step(at, mean, where="post", color=DEMAND, lw=1.1, label=f"demand, {span} mean")
    _mark_purchases(axes, plan)
    title = f"Demand and what is committed{of_which(plan)}"
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_ylabel("on-demand-equivalent USD / hour")
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(0, 1.12 * max(float(curves.usage_usd.max()), float(curves.level_usd.max()), 1e-9))
    locator = mdates.AutoDateLocator(minticks=4, maxticks=14)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC")
    axes.legend(loc="upper left", ncols=4, fontsize=8, framealpha=0.9)
    axes.grid(axis="y", alpha=0.25)


def _stack_levels(axes: Axes, times: Floats, curves: Curves) -> None:
    # Levels change at a few hours only; drawn there, steps stay sharp at any length.
    stack = np.stack([curves.committed_usd[layer] for layer in LAYERS])
    changes = np.flatnonzero(np.any(np.diff(stack, axis=1) != 0, axis=0)) + 1
    at = np.concatenate([[0], changes])
    base = np.zeros(len(at) + 1)
    where = np.append(times[at], times[-1])
    for (name, colour), level in zip(LAYERS.values(), stack, strict=True):
        if not level.any():
            continue
        top = base + np.append(level[at], level[-1])
        axes.fill_between(where, base, top, step="post", color=colour, alpha=0.65, lw=0, label=name)
        base = top


def _mark_purchases(axes: Axes, plan: Plan) -> None:
    dates = sorted({one.start for one in plan.purchases} | {one.date for one in plan.exchanges})
    for position, date in enumerate(dates):
        axes.axvline(
            _day(date),
            color=UPFRONT,
            lw=1.2,
            ls=(0, (4, 3)),
            label=None if position else "purchase date",
        )


def _day(moment: datetime) -> float:
    """A moment on matplotlib's axis of days."""
    return float(mdates.date2num(moment))  # type: ignore[no-untyped-call]


def draw_duration(axes: Axes, plan: Plan, curves: Curves) -> None:
    """Hours sorted from highest to lowest demand, and what served them on average there."""
    order = np.argsort(-curves.usage_usd, kind="stable")
    usage, level = curves.usage_usd[order], np.sort(curves.level_usd)
    shown = np.unique(np.linspace(0, curves.hours - 1, MOST_POINTS).astype(int))
    share = (shown + 0.5) / curves.hours
    served = (curves.usage_usd - curves.on_demand_usd)[order]
    window = max(1, curves.hours // 40)
    smooth = np.minimum(_running_mean(served, window), usage)[shown]
    axes.fill_between(share, 0, smooth, color=COMMITTED, alpha=0.55, lw=0, label="by commitments")
    axes.fill_between(
        share, smooth, usage[shown], color=ON_DEMAND, alpha=0.75, lw=0, label="on demand"
    )
    axes.plot(share, usage[shown], color=DEMAND, lw=1.4, label="demand, sorted")
    if level[-1] > 0:
        mean = float(level.mean())
        axes.axhline(mean, color=COMMITTED, lw=1.4, ls="--", label="committed (range; mean dashed)")
        if level[-1] - level[0] > 1e-9 * level[-1]:
            axes.axhspan(float(level[0]), float(level[-1]), color=COMMITTED, alpha=0.10, lw=0)
    axes.set_title(f"Load-duration curve{of_which(plan)}", loc="left", fontsize=11)
    axes.set_xlabel("share of the hours")
    axes.set_ylabel("on-demand-equivalent USD / hour")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlim(0, 1)
    axes.set_ylim(0)
    axes.legend(fontsize=8, loc="upper right")
    axes.grid(alpha=0.25)


def _running_mean(values: Floats, window: int) -> Floats:
    """Mean of the values around each one; sorted hours of like demand are not served alike."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    centre = np.arange(len(values))
    first = np.maximum(centre - window // 2, 0)
    last = np.minimum(centre + window // 2 + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


_COUNTED = {
    Accounting.AMORTIZED: "upfront amortized",
    Accounting.CASH_FLOW: "present value; upfront when paid, its unused rest credited at the end",
    Accounting.FULL_TERM: "upfront amortized, terms charged whole",
}
"""How each accounting counts money in a month."""


def draw_bill(axes: Axes, plan: Plan) -> None:
    """The monthly bill, stacked, with the upfront cash of each month as markers."""
    months = [one.month for one in plan.monthly]
    commitment = np.array([float(one.commitment_usd) for one in plan.monthly])
    on_demand = np.array([float(one.on_demand_usd) for one in plan.monthly])
    upfront = np.array([float(one.upfront_cash_usd) for one in plan.monthly])
    at = np.arange(len(months))
    axes.bar(at, commitment, color=COMMITTED, width=0.8, label="commitments")
    axes.bar(at, on_demand, bottom=commitment, color=ON_DEMAND, width=0.8, label="on demand")
    every = -(-len(months) // 12)
    axes.set_xticks(at[::every], months[::every], rotation=45, ha="right", fontsize=8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bill = (
        f"Monthly bill, mean of {len(plan.scenarios)} futures" if plan.scenarios else "Monthly bill"
    )
    axes.set_title(f"{bill} ({_COUNTED[plan.horizon.accounting]})", loc="left", fontsize=11)
    axes.set_ylabel("bill, USD / month")
    axes.set_xlabel("month")
    lowest = min(float(commitment.min()), 0.0)
    axes.set_ylim(1.35 * lowest, 1.35 * max(float((commitment + on_demand).max()), 1e-9))
    axes.grid(axis="y", alpha=0.25)
    if upfront.any():
        _draw_upfront(axes, at, upfront)
    axes.legend(fontsize=8, loc="upper left", ncols=2)


def _draw_upfront(axes: Axes, at: NDArray[np.int64], upfront: NDArray[np.float64]) -> None:
    """Upfront cash on a scale of its own: a year's worth paid at once dwarfs a month's bill."""
    paid = upfront > 0
    cash = axes.twinx()
    cash.plot(at[paid], upfront[paid], "D", color=UPFRONT, ms=7, mec="white", label="upfront cash")
    cash.set_ylim(0, 1.35 * float(upfront.max()))
    cash.set_ylabel("upfront cash, USD", color=UPFRONT)
    cash.tick_params(axis="y", colors=UPFRONT)
    cash.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    cash.legend(fontsize=8, loc="upper right")
