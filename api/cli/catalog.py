"""The commands about price catalogues."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.grouped import grouped
from api.cli.options import Output, Progress

catalog_app = typer.Typer(help="Look into price catalogues, or build one.", no_args_is_help=True)

Onto = Annotated[
    str | None,
    typer.Option("--onto", help="Catalogue whose rates stay where the files hold none."),
]


@catalog_app.command("list")
@grouped
def list_catalogs(*, output: Output) -> None:
    """List the bundled catalogues."""
    with output.reported():
        from api.command.catalogs import run_list

        run_list(as_json=output.as_json)


@catalog_app.command("show")
@grouped
def show_catalog(
    name: Annotated[str, typer.Argument(help="A bundled catalogue, or a file.")],
    *,
    instance_type: Annotated[
        str | None, typer.Option("--type", help="Show the rates of this instance type.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Region of the rates.")] = None,
    output: Output,
) -> None:
    """Show what a catalogue holds, or the rates of one instance type."""
    with output.reported():
        from api.command.catalogs import run_show

        run_show(name, instance_type=instance_type, region=region, as_json=output.as_json)


@catalog_app.command("build")
@grouped
def build_catalog(
    source: Annotated[Path, typer.Option("--from", help="Folder of price tables.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    *,
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
    output: Output,
) -> None:
    """Build a catalogue from a folder of price tables."""
    with output.reported():
        from api.command.catalogs import run_build

        dates = (None if one is None else one.date() for one in (as_of, spot_as_of))
        run_build(source, out, provider, *dates, as_json=output.as_json)


@catalog_app.command("import")
@grouped
def import_prices(
    provider: Annotated[str, typer.Argument(help="Whose formats: aws, gcp, azure, focus.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, plain or gzip.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    *,
    onto: Onto = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date of files that carry none; today."),
    ] = None,
    output: Output,
) -> None:
    """Make a catalogue of price files as their provider publishes them."""
    with output.reported():
        from api.command.importing import run_import

        run_import(provider, paths, out, onto, as_of, as_json=output.as_json)


@catalog_app.command("refresh")
@grouped
def refresh_catalog(
    provider: Annotated[str, typer.Argument(help="aws, gcp or azure.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write or replace.")],
    *,
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
    output: Progress,
) -> None:
    """Download a provider's prices of today and make a catalogue of them."""
    with output.reported():
        from api.command.refreshing import Wanted, run_refresh

        wanted = Wanted(provider, tuple(region or ()), onto, api_key_file, max_mib, timeout)
        run_refresh(wanted, out, as_json=output.as_json, quiet=output.quiet)


@catalog_app.command("owned")
@grouped
def import_owned(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Answers of DescribeReservedInstances or DescribeSavingsPlans."
        ),
    ],
    *,
    region: Annotated[
        str | None, typer.Option("--region", help="Region of regional reservations.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="YAML file to write instead of stdout.")
    ] = None,
    output: Output,
) -> None:
    """Turn AWS's answers about owned commitments into the owned part of a request."""
    with output.reported():
        from api.command.importing import run_owned

        run_owned(paths, region, out, as_json=output.as_json)
