"""The commands `plan` and `compare`: read, solve while the user watches, print, write."""

import sys
import threading
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.command.comparison import show_comparison
from api.command.documents import folder_of
from api.command.figures import WIDTH
from api.command.folder import check_folder, plan_files, write_files
from api.command.request_file import Overrides, read_request
from api.command.terminal import show_plan
from api.command.watching import ProgressLine, run_stoppable
from planner import (
    PlannedFleet,
    Surroundings,
    Worker,
    compare,
    inline_demand,
    inline_present_bill,
    plan_fleet,
)

Workers = AbstractContextManager[tuple[Worker, ...]]
"""Opened once the request is known to be well formed."""


def run_plan(
    path: Path,
    overrides: Overrides,
    workers: Workers,
    *,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Plan, print the plan to stdout and write its files.

    Raises:
        InvalidInputError, PlannerError: as `planner.make_plan` does; nothing is written then.
    """
    if out is not None:
        check_folder(out)
    request = read_request(path, overrides)
    line, stop = ProgressLine(sys.stderr, quiet=quiet), threading.Event()
    with workers as opened:
        now = datetime.now(UTC)
        around = Surroundings(folder_of(path), now=now, progress=line, stop=stop, workers=opened)
        try:
            fleet = run_stoppable(lambda: plan_fleet(request, around), stop)
        finally:
            line.clear()
    if out is not None:
        _write(out, fleet)
    if as_json:
        sys.stdout.write(fleet.plan.model_dump_json(indent=2) + "\n")
    else:
        console = stdout_console()
        show_plan(console, fleet.plan)
        if out is not None:
            console.print(Text(f"Written to {out}: plan.json, plan.png and five CSV tables."))


def run_compare(
    path: Path, overrides: Overrides, workers: Workers, *, as_json: bool, quiet: bool
) -> None:
    """Compare strategies and print them to stdout; raises as `planner.compare` does."""
    request = read_request(path, overrides)
    line, stop = ProgressLine(sys.stderr, quiet=quiet), threading.Event()
    with workers as opened:
        around = Surroundings(folder_of(path), progress=line, stop=stop, workers=opened)
        try:
            comparison = run_stoppable(lambda: compare(request, around), stop)
        finally:
            line.clear()
    if as_json:
        sys.stdout.write(comparison.model_dump_json(indent=2) + "\n")
    else:
        show_comparison(stdout_console(), comparison)


def run_inline(path: Path, overrides: Overrides) -> None:
    """Print a request with its demand and present bill inside, as the JSON API takes it."""
    folder = folder_of(path)
    request = inline_demand(read_request(path, overrides), folder=folder)
    request = inline_present_bill(request, folder=folder)
    sys.stdout.write(request.model_dump_json(exclude_unset=True) + "\n")


def stdout_console() -> Console:
    """A console as wide as the tables are made for, whatever stdout is."""
    return Console(width=WIDTH, highlight=False)


def _write(out: Path, fleet: PlannedFleet) -> None:
    from api.command.pictures import draw_plan  # costs a second: only where a picture is drawn

    write_files(out, plan_files(fleet.plan, draw_plan(fleet.plan, fleet.curves)))
