"""The command line. Commands import what they need when they run, so that --help is quick."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.catalog import catalog_app
from api.cli.grouped import grouped
from api.cli.options import Cluster, Demand, Output, Plain, Progress, RequestFile, Sharing, Solving
from api.cli.usage import usage_app
from api.document_names import DocumentName
from api.native_output import keep_apart

app = typer.Typer(
    name="fleetplan",
    help="Plan what machines to commit to, when, and how: cost-minimal, proven, re-billed.",
    epilog="Exit codes: 0 done, 1 a bug, 2 invalid input, 3 infeasible, 4 no plan within limits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(catalog_app, name="catalog")
app.add_typer(usage_app, name="usage")


@app.callback(invoke_without_command=True)
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the version, if asked."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"fleetplan {installed('fleetplan')}")
        raise typer.Exit


@app.command()
@grouped
def plan(
    request: RequestFile,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for plan.json, CSV tables, plan.png.")
    ] = None,
    solving: Solving,
    sharing: Sharing,
    output: Progress,
) -> None:
    """Plan purchases: what to commit to, when, what it costs and how sure that is."""
    with output.reported():
        from api.command.plans import run_plan

        overrides, opened = solving.overrides(), sharing.opened()
        run_plan(request, overrides, opened, out=out, as_json=output.as_json, quiet=output.quiet)


@app.command()
@grouped
def compare(
    request: RequestFile,
    *,
    solving: Solving,
    sharing: Sharing,
    output: Progress,
) -> None:
    """Compare strategies: on demand, reserved at the peak, 1-year, no upfront, the optimum."""
    with output.reported():
        from api.command.plans import run_compare

        overrides, opened = solving.overrides(), sharing.opened()
        run_compare(request, overrides, opened, as_json=output.as_json, quiet=output.quiet)


@app.command()
@grouped
def backtest(
    request: RequestFile,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for results, and for the journal to go on from."),
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option("--policies", help="Of the policies these, such as look_back,cautious."),
    ] = None,
    solving: Solving,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "--workers", min=1, help="Processes to share walks among."),
    ] = None,
    cluster: Cluster = None,
    output: Progress,
) -> None:
    """Walk purchase policies through history: what each would have cost, deciding on the past."""
    with output.reported():
        from api.command.backtests import run_backtest
        from api.command.workers import open_workers

        overrides = solving.overrides(policies)
        opened = open_workers(jobs, cluster)
        run_backtest(
            request, overrides, opened, out=out, as_json=output.as_json, quiet=output.quiet
        )


@app.command()
@grouped
def forecast(
    request: RequestFile,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for forecast.json, .csv, futures.parquet, pictures."),
    ] = None,
    demand: Demand = None,
    hours: Annotated[
        int | None, typer.Option("--hours", help="Hours to look ahead; the request's horizon.")
    ] = None,
    output: Output,
) -> None:
    """Forecast demand from its history: how much, how sure, and how well that did before."""
    with output.reported():
        from api.command.forecasts import run_forecast
        from api.command.request_file import Overrides

        run_forecast(request, Overrides(demand, hours=hours), out=out, as_json=output.as_json)


@app.command()
@grouped
def bill(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan.json of a plan.")],
    usage: Annotated[Path, typer.Argument(metavar="USAGE", help="What ran: CSV or Parquet.")],
    request: Annotated[
        Path, typer.Option("--request", help="YAML or JSON file of the request planned from.")
    ],
    *,
    demand: Demand = None,
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="Of several futures the one to compare with.")
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option("--prices", help="Catalogue of on-demand prices paid; a name or a file."),
    ] = None,
    absent_zero: Annotated[
        bool, typer.Option("--absent-zero", help="Nothing ran in hours without a row in USAGE.")
    ] = False,
    output: Output,
) -> None:
    """Bill what really ran under a plan's commitments, and explain the difference to the plan."""
    with output.reported():
        from api.command.billing import Happened, run_bill
        from api.command.request_file import Overrides

        happened = Happened(usage, absent_zero, scenario, prices)
        run_bill(plan, request, Overrides(demand), happened, as_json=output.as_json)


@app.command()
@grouped
def inline(request: RequestFile, *, demand: Demand = None, output: Plain) -> None:
    """Print a request as JSON with its demand inside, as the JSON API takes it."""
    with output.reported():
        from api.command.plans import run_inline
        from api.command.request_file import Overrides

        run_inline(request, Overrides(demand))


@app.command()
def schema(
    document: Annotated[
        DocumentName, typer.Argument(help="Which document.")
    ] = DocumentName.REQUEST,
) -> None:
    """Print the JSON Schema of a document, for editors and programs."""
    import json

    from api.schemas import json_schema

    typer.echo(json.dumps(json_schema(document), indent=2))


@app.command()
@grouped
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks one.")] = 8080,
    examples: Annotated[Path | None, typer.Option(help="Folder of named example demands.")] = None,
    prometheus: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A Prometheus that requests may read; may be repeated."),
    ] = None,
    max_time_limit: Annotated[
        float, typer.Option("--max-time-limit", help="Seconds a request may solve at most.")
    ] = 120.0,
    max_body: Annotated[
        int, typer.Option("--max-body", help="Size of a request's body, MiB.", min=1, max=1024)
    ] = 32,
    max_solves: Annotated[
        int, typer.Option("--max-solves", help="Solves under way at once.", min=1, max=64)
    ] = 2,
    output: Plain,
) -> None:
    """Serve the JSON API."""
    with output.reported():
        from api.command.serving import run_serve

        run_serve(
            host,
            port,
            examples,
            tuple(prometheus or ()),
            max_time_limit_s=max_time_limit,
            max_body_mib=max_body,
            max_solves=max_solves,
        )


def main() -> None:
    """Run the command line: its own lines alone reach stdout and stderr."""
    keep_apart()
    app()
