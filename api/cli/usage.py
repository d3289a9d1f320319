"""The commands about what providers billed."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.grouped import grouped
from api.cli.options import Progress

usage_app = typer.Typer(help="Read back what providers billed.", no_args_is_help=True)


@usage_app.command("import")
@grouped
def import_usage(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Bills: files, folders or patterns; CSV or Parquet."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for demand, usage, request and baseline.")
    ],
    *,
    layout: Annotated[
        str | None,
        typer.Option("--format", help="aws, focus or azure; the columns tell by default."),
    ] = None,
    memory: Annotated[
        int, typer.Option("--memory", help="MiB to hold at once.", min=256, max=2**20)
    ] = 1024,
    output: Progress,
) -> None:
    """Read bills (AWS CUR, FOCUS, Azure exports): past demand, commitments, present cost."""
    with output.reported():
        from api.command.usage import run_import

        run_import(
            paths, layout, out, memory_mib=memory, as_json=output.as_json, quiet=output.quiet
        )
