"""The command `backtest`: walk policies through history, show them side by side, keep a journal."""

import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.command.documents import folder_of
from api.command.figures import make_table, percent, remarks, span, usd
from api.command.folder import backtest_files, check_folder, make_folder, write_files
from api.command.plans import stdout_console
from api.command.request_file import Overrides, read_request
from api.command.watching import ProgressLine, run_stoppable
from planner import Surroundings, Worker
from planner.backtest import (
    BacktestReport,
    CourseResult,
    Journal,
    PolicyResult,
    WalkStanding,
    backtest,
)
from planner.request import PolicyName

JOURNAL = "journal.jsonl"
BETWEEN = (PolicyName.ON_DEMAND, PolicyName.HINDSIGHT)
"""What the policies are measured between."""


def run_backtest(
    path: Path,
    overrides: Overrides,
    workers: AbstractContextManager[tuple[Worker, ...]],
    *,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Back-test, print the comparison to stdout and write its files.

    Raises:
        InvalidInputError, PlannerError: as `planner.backtest.backtest` does; the journal is kept.
    """
    if out is not None:
        check_folder(out)
    request = read_request(path, overrides)
    journal = None
    if out is not None:
        make_folder(out)
        journal = Journal(out / JOURNAL)
    line, stop = ProgressLine(sys.stderr, quiet=quiet), threading.Event()
    with workers as opened:
        around = Surroundings(folder_of(path), stop=stop, workers=opened)

        def told(standing: WalkStanding) -> None:
            line.show(describe(standing))

        def work() -> BacktestReport:
            return backtest(request, around, journal=journal, told=None if quiet else told)

        try:
            report = run_stoppable(work, stop)
        finally:
            line.clear()
    if out is not None:
        _write(out, report)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        console = stdout_console()
        show_backtest(console, report)
        if out is not None:
            console.print(Text(f"Written to {out}: backtest.json, backtest.png, two CSV tables."))


def describe(standing: WalkStanding) -> str:
    """Where a walk stands, in one line."""
    far = f"{percent(standing.share, 0)}, {standing.over} of {standing.walks} walks"
    return (
        f"{far}: {standing.course}, {standing.policy}, {standing.date:%Y-%m-%d}: "
        f"{usd(standing.cost_usd)} USD so far"
    )


def show_backtest(console: Console, report: BacktestReport) -> None:
    """Print a back-test."""
    window = report.window
    dates = f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d} ({span(window.hours)})"
    console.print(Text(f"{report.name}: {dates}, {len(report.purchase_dates)} purchase dates"))
    console.print()
    for course in report.courses:
        console.print(Text(headline(course), style="bold"))
        console.print(_table(course))
        console.print()
    for one in report.courses[0].policies:
        proven = f"; proven: {one.guarantee}" if one.guarantee else ""
        console.print(Text(f"{one.policy}: {one.description}{proven}"))
    console.print()
    catalog = report.catalog
    prices = f"Prices: {catalog.name} of {catalog.as_of.isoformat()}."
    told = "Costs are amortized, inside the window only; regret is of hindsight's bill."
    console.print(remarks(report.notes, (), told, prices))


def headline(course: CourseResult) -> str:
    """The cheapest policy of a course, and how near it comes to hindsight."""
    rivals = [one for one in course.policies if one.policy not in BETWEEN]
    if not rivals:
        return f"{course.course}:"
    best = min(rivals, key=lambda one: one.bill_usd)
    return (
        f"{course.course}: {best.policy} is cheapest, with {percent(best.captured)} of "
        "hindsight's saving"
    )


def _table(course: CourseResult) -> Table:
    right = ("bill USD", "saving", "captured", "regret", "covered", "used", "worst qtr")
    table = make_table("", ("policy",), right)
    table.padding = (0, 1, 0, 0)
    for one in course.policies:
        table.add_row(one.policy, *_figures(one, course))
    return table


def _figures(one: PolicyResult, course: CourseResult) -> list[str]:
    best = course.hindsight_usd
    return [
        usd(one.bill_usd),
        percent(one.saving_share),
        percent(one.captured),
        percent(float(one.regret_usd / best) if best else None),
        percent(one.coverage),
        percent(one.utilization),
        percent(one.worst_quarter.saving_share),
    ]


def _write(out: Path, report: BacktestReport) -> None:
    # It costs a second: only where a picture is drawn.
    from api.command.backtest_pictures import draw_backtest

    write_files(out, backtest_files(report, draw_backtest(report)))
