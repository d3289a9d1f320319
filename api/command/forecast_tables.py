"""A forecast on a terminal: how good it is, what demand may be, what is known, in 80 columns."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from api.command.figures import counted, make_table, number, percent, remarks, span
from planner import ForecastReport
from planner.forecasting.report import KnownReport, MonthQuantiles, SeriesReport, TrackRecord

SERIES_SHOWN = 20
SERIES_BY_MONTH = 4
MONTHS_SHOWN = (0, 1, 2, 3, 5, 8, 11, 17, 23, 35, 47, 59)
"""Of these months ahead demand is printed; the CSV file has every hour."""
NAME_WIDTH = 24
HOUR = timedelta(hours=1)


def show_forecast(console: Console, report: ForecastReport) -> None:
    """Print a forecast."""
    parts: list[RenderableType] = [Text(headline(report), style="bold"), _models(report.series)]
    if any(one.track_records for one in report.series):
        parts.append(_records(report.series))
    parts += _months(report.series, report.known)
    if report.known:
        parts.append(_known(report.known))
    if report.expiring:
        parts.append(_expiring(report))
    if notes := _all_notes(report):
        parts.append(remarks(notes, ()))
    for part in parts:
        console.print(part)
        console.print()


def headline(report: ForecastReport) -> str:
    """What is forecast from what."""
    used = sorted({one.used_hours for one in report.series})
    least, most = span(used[0]), span(used[-1])
    # "7 to 19 months", but "3 days to 2 months".
    least = least.split()[0] if least.split()[1] == most.split()[1] else least
    history = most if used[0] == used[-1] else f"{least} to {most}"
    clock = "" if report.timezone is None else f", by the days of {report.timezone}"
    return (
        f"{report.name}: demand of {len(report.series)} series for "
        f"{span(report.forecast.hours)} from {report.forecast.start:%Y-%m-%d}, forecast from "
        f"{history} of history{clock}."
    )


def _models(series: Sequence[SeriesReport]) -> RenderableType:
    table = make_table(
        "Models, and how far off levels may be (standard deviation)",
        ("series", "model", "holidays"),
        ("recent", "next week", "in 13 weeks", "in 52"),
    )
    for one in series[:SERIES_SHOWN]:
        off = one.deviation
        table.add_row(
            _short(one.workload),
            one.model,
            one.holidays or "-",
            number(one.recent),
            *(f"±{percent(share)}" for share in (off.next_week, off.in_13_weeks, off.in_52_weeks)),
        )
    return _with_rest(table, len(series) - SERIES_SHOWN)


def _records(series: Sequence[SeriesReport]) -> RenderableType:
    """What the same forecast would have done on the series' own past."""
    table = make_table(
        "On its own past (naive: last week again, with a fan)",
        ("series", "ahead"),
        ("origins", "loss", "naive", "skill", "MASE", "in 80% band"),
    )
    for one in series[:SERIES_SHOWN]:
        for record in one.track_records:
            table.add_row(_short(one.workload), *_figures(record))
    meaning = Text(
        "loss: weighted quantile loss, a share of demand; skill: how much less than naive's; "
        "MASE: error over that of last week again. In the band, 80% is right."
    )
    return Group(_with_rest(table, len(series) - SERIES_SHOWN), meaning)


def _figures(record: TrackRecord) -> list[str]:
    losses = (record.weighted_quantile_loss, record.naive_weighted_quantile_loss)
    return [
        _ahead(record.hours_ahead),
        str(len(record.origins)),
        *("-" if loss is None else f"{loss:.4f}" for loss in losses),
        percent(record.skill, 0),
        "-" if record.mase is None else f"{record.mase:.2f}",
        percent(record.coverage, 0),
    ]


def _ahead(hours: int) -> str:
    weeks, rest = divmod(hours, 168)
    return counted(weeks, "week") if weeks and not rest else counted(hours // 24, "day")


def _months(
    series: Sequence[SeriesReport], known: Sequence[KnownReport]
) -> Iterator[RenderableType]:
    """Demand of some months ahead, the next ones close together."""
    for one in series[:SERIES_BY_MONTH]:
        yield _month_table(one, known)
    rest = len(series) - SERIES_BY_MONTH
    if rest > 0:
        yield Text(f" … {rest} series more in the files, or with --json")


def _month_table(one: SeriesReport, known: Sequence[KnownReport]) -> RenderableType:
    leaves = any(month.left > 0 for month in one.months)
    columns = ("p10", "median", "p90", "highest p90", "planned", *(("left",) if leaves else ()))
    title = f"Demand of {_short(one.workload)}, means of hours"
    table = make_table(title, ("month",), columns)
    regular, busy = {*MONTHS_SHOWN, len(one.months) - 1}, _busy_months(one, known)
    shown = [month for at, month in enumerate(one.months) if at in regular or month.month in busy]
    for month in shown:
        table.add_row(*_month_row(month, leaves=leaves))
    rest = len(one.months) - len(shown)
    parts = [Text(_LEFT)] if leaves else []
    if not rest:
        return Group(table, *parts)
    more = (
        f" … {counted(rest, 'month')} more, between these, in forecast.csv (--out), or with --json"
    )
    return Group(table, *parts, Text(more))


_LEFT = (
    "Planned: the mean of the futures planned for, hazards in them; left: what has gone to the "
    "successor of its machines' family by then, planned for apart."
)


def _busy_months(one: SeriesReport, known: Sequence[KnownReport]) -> set[str]:
    """Months in which something known changes a series: from its beginning to its full size."""
    found: set[str] = set()
    for what in known:
        if any(up.workload == one.workload for up in what.uplifts):
            for way in what.ways:
                if way.begins is not None and way.settled is not None:
                    until = max(way.begins, way.settled - HOUR)
                    first, last = f"{way.begins:%Y-%m}", f"{until:%Y-%m}"
                    found |= {month.month for month in one.months if first <= month.month <= last}
    return found


def _month_row(month: MonthQuantiles, *, leaves: bool) -> list[str]:
    figures = [month.p10, month.p50, month.p90, month.highest_p90, month.planned]
    return [month.month, *map(number, [*figures, month.left] if leaves else figures)]


def _known(known: Sequence[KnownReport]) -> RenderableType:
    table = make_table("Known", ("what", "how it may turn out"), ("full size", "expected"))
    for one in known:
        ways = "\n".join(
            f"{percent(way.probability, 0)} {way.label}"
            + ("" if way.begins is None else f", {way.begins:%Y-%m-%d}")
            for way in one.ways
        )
        sizes = "\n".join(f"{_short(up.workload, 12)} {number(up.full_size)}" for up in one.uplifts)
        expected = "\n".join(number(up.expected) for up in one.uplifts)
        table.add_row(f"{_short(one.name)}\n{one.kind}", ways, sizes, expected)
    return table


def _expiring(report: ForecastReport) -> RenderableType:
    table = make_table("Owned commitments that end", ("on", "commitment", "of"), ())
    for one in report.expiring:
        table.add_row(f"{one.end:%Y-%m-%d}", _short(one.id), one.what)
    return table


def _all_notes(report: ForecastReport) -> list[str]:
    notes = [
        f"{_short(one.workload)}: {note}"
        for one in report.series[:SERIES_SHOWN]
        for note in one.notes
    ]
    if report.reduction is not None:
        reduction = report.reduction
        notes.append(
            f"{reduction.scenarios} of {reduction.paths} futures stand for all; on the mean a "
            f"future is {percent(reduction.error_share)} of demand away from its stand-in"
        )
    return [*notes, *report.notes]


def _short(name: str, width: int = NAME_WIDTH) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _with_rest(table: Table, rest: int) -> RenderableType:
    return Group(table, Text(f" … {rest} more")) if rest > 0 else table
