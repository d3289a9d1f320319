"""The command line. Commands import what they need when they run, so that --help is quick."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.document_names import DocumentName

app = typer.Typer(
    name="fleetplan",
    help="Plan what machines to commit to, when, and how: cost-minimal, proven, re-billed.",
    epilog="Exit codes: 0 done, 1 a bug, 2 invalid input, 3 infeasible, 4 no plan within limits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
catalog_app = typer.Typer(help="Look into price catalogues, or build one.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")


RequestFile = Annotated[
    Path, typer.Argument(metavar="REQUEST", help="YAML or JSON file; - reads standard input.")
]
Demand = Annotated[
    Path | None, typer.Option("--demand", help="Demand file in place of the request's.")
]
Solver = Annotated[
    str | None, typer.Option("--solver", help="highs, scip, cp-sat, cbc or pulp-highs.")
]
TimeLimit = Annotated[float | None, typer.Option("--time-limit", help="Seconds to solve at most.")]
Gap = Annotated[float | None, typer.Option("--gap", help="Stop at this share, such as 0.001.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Of solvers that take one.")]
Method = Annotated[
    str | None,
    typer.Option("--method", help="extensive: one model; decomposed: hours apart; auto: by size."),
]
Threads = Annotated[int | None, typer.Option("--threads", help="Of solvers that take them.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes to share several futures among."),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Dask cluster instead: tcp://HOST:PORT."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


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
def plan(
    request: RequestFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for plan.json, CSV tables, plan.png.")
    ] = None,
    demand: Demand = None,
    solver: Solver = None,
    method: Method = None,
    time_limit: TimeLimit = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Plan purchases: what to commit to, when, what it costs and how sure that is."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.plans import run_plan
        from api.command.request_file import Overrides
        from api.command.workers import open_workers

        overrides = Overrides(demand, solver, time_limit, gap, seed, threads, method)
        opened = open_workers(workers, cluster)
        run_plan(request, overrides, opened, out=out, as_json=as_json, quiet=quiet)


@app.command()
def compare(
    request: RequestFile,
    demand: Demand = None,
    solver: Solver = None,
    method: Method = None,
    time_limit: TimeLimit = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare strategies: on demand, reserved at the peak, 1-year, no upfront, the optimum."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.plans import run_compare
        from api.command.request_file import Overrides
        from api.command.workers import open_workers

        overrides = Overrides(demand, solver, time_limit, gap, seed, threads, method)
        opened = open_workers(workers, cluster)
        run_compare(request, overrides, opened, as_json=as_json, quiet=quiet)


@app.command()
def inline(request: RequestFile, demand: Demand = None, debug: Debug = False) -> None:
    """Print a request as JSON with its demand inside, as the JSON API takes it."""
    from api.command.failures import reported

    with reported(as_json=False, debug=debug):
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
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks one.")] = 8080,
    examples: Annotated[Path | None, typer.Option(help="Folder of named example demands.")] = None,
    max_time_limit: Annotated[
        float, typer.Option("--max-time-limit", help="Seconds a request may solve at most.")
    ] = 120.0,
    max_body: Annotated[
        int, typer.Option("--max-body", help="Size of a request's body, MiB.", min=1, max=1024)
    ] = 32,
    max_solves: Annotated[
        int, typer.Option("--max-solves", help="Solves under way at once.", min=1, max=64)
    ] = 2,
    debug: Debug = False,
) -> None:
    """Serve the JSON API."""
    from api.command.failures import reported

    with reported(as_json=False, debug=debug):
        from api.command.serving import run_serve

        run_serve(
            host,
            port,
            examples,
            max_time_limit_s=max_time_limit,
            max_body_mib=max_body,
            max_solves=max_solves,
        )


@catalog_app.command("list")
def list_catalogs(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the bundled catalogues."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.catalogs import run_list

        run_list(as_json=as_json)


@catalog_app.command("show")
def show_catalog(
    name: Annotated[str, typer.Argument(help="A bundled catalogue, or a file.")],
    instance_type: Annotated[
        str | None, typer.Option("--type", help="Show the rates of this instance type.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Region of the rates.")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what a catalogue holds, or the rates of one instance type."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.catalogs import run_show

        run_show(name, instance_type=instance_type, region=region, as_json=as_json)


@catalog_app.command("build")
def build_catalog(
    source: Annotated[Path, typer.Option("--from", help="Folder of price tables.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    as_of: Annotated[
        datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date of the rows to take.")
    ] = datetime(2025, 4, 4),  # noqa: DTZ001 - a day, not a moment
    spot_as_of: Annotated[
        datetime, typer.Option("--spot-as-of", formats=["%Y-%m-%d"], help="The same of spot rows.")
    ] = datetime(2025, 6, 28),  # noqa: DTZ001 - a day, not a moment
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Build a catalogue from a folder of price tables."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.catalogs import run_build

        run_build(source, out, as_of.date(), spot_as_of.date(), as_json=as_json)


def main() -> None:
    """Run the command line."""
    app()
