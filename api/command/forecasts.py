"""The command `forecast`: read the history, forecast it, print, write."""

import sys
from pathlib import Path

from rich.text import Text

from api.command.documents import folder_of
from api.command.figures import counted
from api.command.folder import check_folder, write_files
from api.command.forecast_tables import show_forecast
from api.command.plans import stdout_console
from api.command.request_file import Overrides, read_request
from planner import DemandForecast, Surroundings, forecast_demand


def run_forecast(path: Path, overrides: Overrides, *, out: Path | None, as_json: bool) -> None:
    """Forecast a request's demand, print the report to stdout and write its files.

    Raises:
        InvalidInputError: as `planner.forecast_demand` does; nothing is written then.
    """
    if out is not None:
        check_folder(out)
    request = read_request(path, overrides)
    made = forecast_demand(request, Surroundings(folder_of(path)))
    if out is not None:
        _write(out, made)
    if as_json:
        sys.stdout.write(made.report.model_dump_json(indent=2) + "\n")
        return
    console = stdout_console()
    show_forecast(console, made.report)
    if out is not None:
        pictures = counted(len(made.report.series), "picture")
        files = f"forecast.json, forecast.csv, futures.parquet and {pictures}"
        console.print(Text(f"Written to {out}: {files}."))


def _write(out: Path, made: DemandForecast) -> None:
    from api.command.forecast_files import forecast_files  # draws; costs a second to load

    write_files(out, forecast_files(made))
