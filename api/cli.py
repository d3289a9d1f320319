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
usage_app = typer.Typer(help="Read back what providers billed.", no_args_is_help=True)
app.add_typer(usage_app, name="usage")


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
Onto = Annotated[
    str | None,
    typer.Option("--onto", help="Catalogue whose rates stay where the files hold none."),
]
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
def backtest(
    request: RequestFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for results, and for the journal to go on from."),
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option("--policies", help="Of the policies these, such as look_back,cautious."),
    ] = None,
    demand: Demand = None,
    solver: Solver = None,
    method: Method = None,
    time_limit: TimeLimit = None,
    gap: Gap = None,
    seed: Seed = None,
    threads: Threads = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "--workers", min=1, help="Processes to share walks among."),
    ] = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Walk purchase policies through history: what each would have cost, deciding on the past."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.backtests import run_backtest
        from api.command.request_file import Overrides
        from api.command.workers import open_workers

        overrides = Overrides(demand, solver, time_limit, gap, seed, threads, method, policies)
        opened = open_workers(jobs, cluster)
        run_backtest(request, overrides, opened, out=out, as_json=as_json, quiet=quiet)


@app.command()
def forecast(
    request: RequestFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for forecast.json, .csv, futures.parquet, pictures."),
    ] = None,
    demand: Demand = None,
    hours: Annotated[
        int | None, typer.Option("--hours", help="Hours to look ahead; the request's horizon.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Forecast demand from its history: how much, how sure, and how well that did before."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.forecasts import run_forecast
        from api.command.request_file import Overrides

        run_forecast(request, Overrides(demand, hours=hours), out=out, as_json=as_json)


@app.command()
def bill(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan.json of a plan.")],
    usage: Annotated[Path, typer.Argument(metavar="USAGE", help="What ran: CSV or Parquet.")],
    request: Annotated[
        Path, typer.Option("--request", help="YAML or JSON file of the request planned from.")
    ],
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
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Bill what really ran under a plan's commitments, and explain the difference to the plan."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.billing import Happened, run_bill
        from api.command.request_file import Overrides

        happened = Happened(usage, absent_zero, scenario, prices)
        run_bill(plan, request, Overrides(demand), happened, as_json=as_json)


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
            tuple(prometheus or ()),
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
    provider: Annotated[
        str, typer.Option("--provider", help="Whose tables to read: aws, azure or gcp.")
    ] = "aws",
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date of the rows to take."),
    ] = None,
    spot_as_of: Annotated[
        datetime | None,
        typer.Option("--spot-as-of", formats=["%Y-%m-%d"], help="The same of AWS's spot rows."),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Build a catalogue from a folder of price tables."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.catalogs import run_build

        dates = (None if one is None else one.date() for one in (as_of, spot_as_of))
        run_build(source, out, provider, *dates, as_json=as_json)


@catalog_app.command("import")
def import_prices(
    provider: Annotated[str, typer.Argument(help="Whose formats: aws, gcp, azure, focus.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, plain or gzip.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    onto: Onto = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date of files that carry none; today."),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a catalogue of price files as their provider publishes them."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.importing import run_import

        run_import(provider, paths, out, onto, as_of, as_json=as_json)


@catalog_app.command("refresh")
def refresh_catalog(
    provider: Annotated[str, typer.Argument(help="aws, gcp or azure.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write or replace.")],
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Of these regions only; repeat at will.")
    ] = None,
    onto: Onto = None,
    api_key_file: Annotated[
        Path | None, typer.Option("--api-key-file", help="File with the key GCP asks for.")
    ] = None,
    max_mib: Annotated[
        int, typer.Option("--max-mib", help="All downloads together, MiB.", min=1)
    ] = 4096,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds a host may be silent.", min=0.1)
    ] = 60.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Download a provider's prices of today and make a catalogue of them."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.refreshing import Wanted, run_refresh

        wanted = Wanted(provider, tuple(region or ()), onto, api_key_file, max_mib, timeout)
        run_refresh(wanted, out, as_json=as_json, quiet=quiet)


@catalog_app.command("owned")
def import_owned(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Answers of DescribeReservedInstances or DescribeSavingsPlans."
        ),
    ],
    region: Annotated[
        str | None, typer.Option("--region", help="Region of regional reservations.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="YAML file to write instead of stdout.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Turn AWS's answers about owned commitments into the owned part of a request."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.importing import run_owned

        run_owned(paths, region, out, as_json=as_json)


@usage_app.command("import")
def import_usage(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Bills: files, folders or patterns; CSV or Parquet."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for demand, usage, request and baseline.")
    ],
    layout: Annotated[
        str | None,
        typer.Option("--format", help="aws, focus or azure; the columns tell by default."),
    ] = None,
    memory: Annotated[
        int, typer.Option("--memory", help="MiB to hold at once.", min=256, max=2**20)
    ] = 1024,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read bills (AWS CUR, FOCUS, Azure exports): past demand, commitments, present cost."""
    from api.command.failures import reported

    with reported(as_json=as_json, debug=debug):
        from api.command.usage import run_import

        run_import(paths, layout, out, memory_mib=memory, as_json=as_json, quiet=quiet)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
