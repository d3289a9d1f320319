"""Arguments and options that several commands take, said once; some of them as groups."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # commands import what they need when they run, so that --help is quick
    from api.command.request_file import Overrides
    from planner import Worker

RequestFile = Annotated[
    Path, typer.Argument(metavar="REQUEST", help="YAML or JSON file; - reads standard input.")
]
Demand = Annotated[
    Path | None, typer.Option("--demand", help="Demand file in place of the request's.")
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Dask cluster instead: tcp://HOST:PORT."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Solving:
    """The demand and how to solve, in place of what the request says."""

    demand: Demand = None
    solver: Annotated[
        str | None, typer.Option("--solver", help="highs, scip, cp-sat, cbc or pulp-highs.")
    ] = None
    method: Annotated[
        str | None,
        typer.Option(
            "--method", help="extensive: one model; decomposed: hours apart; auto: by size."
        ),
    ] = None
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", help="Seconds to solve at most.")
    ] = None
    gap: Annotated[
        float | None, typer.Option("--gap", help="Stop at this share, such as 0.001.")
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", help="Of solvers that take one.")] = None
    threads: Annotated[int | None, typer.Option("--threads", help="Of solvers that take them.")] = (
        None
    )

    def overrides(self, policies: str | None = None) -> "Overrides":
        """What a request is read with."""
        from api.command.request_file import Overrides

        limits = (self.time_limit, self.gap, self.seed, self.threads)
        return Overrides(self.demand, self.solver, *limits, self.method, policies)


@dataclass(frozen=True)
class Sharing:
    """Who plans futures, where there are several."""

    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes to share several futures among."),
    ] = None
    cluster: Cluster = None

    def opened(self) -> "AbstractContextManager[tuple[Worker, ...]]":
        """The workers asked for, until the context ends."""
        from api.command.workers import open_workers

        return open_workers(self.workers, self.cluster)


@dataclass(frozen=True)
class Output:
    """How results and failures are told."""

    as_json: AsJson = False
    debug: Debug = False

    def reported(self) -> AbstractContextManager[None]:
        """Failures inside end the command, told as asked."""
        from api.command.failures import reported

        return reported(as_json=self.as_json, debug=self.debug)


@dataclass(frozen=True)
class Progress:
    """How results and failures of what takes long are told."""

    as_json: AsJson = False
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False
    debug: Debug = False

    def reported(self) -> AbstractContextManager[None]:
        """Failures inside end the command, told as asked."""
        return Output(self.as_json, self.debug).reported()


@dataclass(frozen=True)
class Plain:
    """How failures are told of what has no JSON form, or no other."""

    debug: Debug = False

    def reported(self) -> AbstractContextManager[None]:
        """Failures inside end the command, told for reading."""
        return Output(debug=self.debug).reported()
