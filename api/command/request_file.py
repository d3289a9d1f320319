"""The request of a command: a file's document with what the command line overrides."""

from dataclasses import dataclass
from pathlib import Path

from api.command.documents import read_document
from planner import PlanRequest, parse_request


@dataclass(frozen=True)
class Overrides:
    """What the command line says in place of the request; None leaves the request's own."""

    demand: Path | None = None
    """A demand file, relative to the current folder."""
    solver: str | None = None
    time_limit_s: float | None = None
    gap: float | None = None
    seed: int | None = None
    threads: int | None = None
    method: str | None = None
    policies: str | None = None
    """Of a back-test, with commas between them."""
    hours: int | None = None
    """Length of the horizon, in place of the request's end or hours."""

    @property
    def solve(self) -> dict[str, object]:
        """The keys of `solve` that are overridden."""
        given = {
            "solver": self.solver,
            "time_limit_s": self.time_limit_s,
            "gap": self.gap,
            "seed": self.seed,
            "threads": self.threads,
            "method": self.method,
        }
        return {key: value for key, value in given.items() if value is not None}


def read_request(path: Path, overrides: Overrides) -> PlanRequest:
    """The request in a file, or on standard input for ``-``, with the overrides in place.

    Raises:
        InvalidInputError: with every fault of the document and the overrides.
    """
    document = read_document(path)
    if isinstance(document, dict):
        document = _overridden(document, overrides)
    return parse_request(document)


def _overridden(document: dict[str, object], overrides: Overrides) -> dict[str, object]:
    changed = dict(document)
    if overrides.demand is not None:
        demand = document.get("demand")
        kept = dict(demand) if isinstance(demand, dict) else {}
        # The file takes the place of wherever demand came from; how to read it stays.
        for source in ("inline", "example", "prometheus", "kubernetes"):
            kept.pop(source, None)
        changed["demand"] = kept | {"file": str(overrides.demand.absolute())}
    if overrides.hours is not None:
        horizon = document.get("horizon")
        kept = dict(horizon) if isinstance(horizon, dict) else {}
        kept.pop("end", None)
        changed["horizon"] = kept | {"hours": overrides.hours}
    solve = document.get("solve", {})
    if overrides.solve and isinstance(solve, dict):
        changed["solve"] = solve | overrides.solve
    rules = document.get("backtest") or {}
    if overrides.policies is not None and isinstance(rules, dict):
        named = [name.strip() for name in overrides.policies.split(",") if name.strip()]
        changed["backtest"] = rules | {"policies": named}
    return changed
