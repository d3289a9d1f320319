"""Why there is no plan, by what the caller can do about it."""

from catalogs import Fault


class PlannerError(Exception):
    """The base of what can go wrong once the input is known to be valid."""


class InfeasibleError(PlannerError):
    """No plan keeps to all limits; names the limits that conflict, as field, value and fix."""

    def __init__(self, conflicts: tuple[Fault, ...], workloads: tuple[str, ...]) -> None:
        self.conflicts, self.workloads = conflicts, workloads
        served = ", ".join(workloads)
        limits = "\n".join(map(str, conflicts))
        super().__init__(f"no plan serves {served} within these limits together:\n{limits}")

    def __reduce__(self) -> tuple[type, tuple[tuple[Fault, ...], tuple[str, ...]]]:
        return type(self), (self.conflicts, self.workloads)


class NoPlanError(PlannerError):
    """The solver stopped before it found a plan; says why it stopped and the bound it proved."""

    def __init__(self, stop: str, seconds: float, bound_usd: float | None) -> None:
        self.stop, self.seconds, self.bound_usd = stop, seconds, bound_usd
        bound = "" if bound_usd is None else f"; none can cost less than {bound_usd:,.2f} USD"
        super().__init__(
            f"no plan found in {seconds:.1f} s ({stop.replace('_', ' ')}){bound}; allow more time, "
            "fewer purchase dates or a shorter horizon"
        )

    def __reduce__(self) -> tuple[type, tuple[str, float, float | None]]:
        return type(self), (self.stop, self.seconds, self.bound_usd)


class SolverFailureError(PlannerError):
    """The solver broke down; carries its own words."""


class WorkerLostError(SolverFailureError):
    """A process that held some of the futures was lost; names it."""

    def __init__(self, worker: str, reason: str) -> None:
        self.worker, self.reason = worker, reason
        super().__init__(
            f"worker {worker} was lost: {reason}; look whether its memory was too small, and run "
            "again"
        )

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.worker, self.reason)


class BacktestStoppedError(PlannerError):
    """A back-test was stopped before its end; says how far it came."""

    def __init__(self, done: int, decisions: int, *, is_kept: bool) -> None:
        kept = "run it again with the same --out and it goes on from there"
        lost = "write them to a folder with --out to go on another time"
        super().__init__(
            f"stopped after {done} of {decisions} decisions; {kept if is_kept else lost}"
        )
