"""Our own look at a model and at what a solver says about it, before anyone relies on it."""

from dataclasses import dataclass, replace

import numpy as np

from solvers.errors import SolverFailedError
from solvers.model import CompiledModel, Floats
from solvers.outcome import BoundSource, Outcome, StopReason, relative_gap

# Backends promise 1e-6 per row on numbers they have scaled themselves.
_POINT_TOLERANCE = 1e-5
# A tenth of the default gap: a bound further above the incumbent than this is simply wrong.
_BOUND_TOLERANCE = 1e-5
# Below this, what is left of the gap is arithmetic, not search.
PROVEN_GAP = 1e-8
# How far from a whole number a bound may be and still mean it.
_WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class Claim:
    """What a solver says, before we checked it.

    ``stop`` is None where it cannot tell an infeasible model from an unbounded one, and
    OPTIMAL where it ended by itself: whether that was the optimum or the gap asked for is
    decided from the numbers.
    """

    stop: StopReason | None
    point: Floats | None = None
    bound: float | None = None
    bound_source: BoundSource | None = None
    seconds: float = 0.0
    iterations: int | None = None
    log: tuple[str, ...] = ()


def checked(solver: str, model: CompiledModel, claim: Claim) -> Outcome:
    """The claim as an outcome: whole numbers made whole, cost computed anew, bound compared.

    Raises SolverFailedError where the point breaks the model or the bound lies above it.
    """
    if claim.stop is None:
        raise SolverFailedError(solver, "it cannot tell whether the model is infeasible")
    if claim.stop in (StopReason.INFEASIBLE, StopReason.UNBOUNDED):
        return _outcome(solver, claim, claim.stop)
    bound = claim.bound if claim.bound is not None and np.isfinite(claim.bound) else None
    if claim.point is None:
        if claim.stop is StopReason.OPTIMAL:
            raise SolverFailedError(solver, "it says optimal and returns no point")
        return _outcome(solver, claim, claim.stop, bound=bound)
    point = _rounded(solver, model, claim.point)
    objective = model.objective(point)
    if bound is not None:
        bound = not_above(solver, bound, objective)
    gap = relative_gap(objective, bound)
    stop = claim.stop
    if stop is StopReason.OPTIMAL and model.integer.any() and (gap or 0.0) > PROVEN_GAP:
        stop = StopReason.GAP
    return _outcome(solver, claim, stop, point, objective, bound)


def decided_at_sight(solver: str, model: CompiledModel) -> Outcome | None:
    """The outcome of a model no solver needs to see, None for any other.

    Backends disagree on such models, or refuse them: bounds that cross, integer columns with
    no whole number inside their bounds, rows without coefficients that exclude 0, no columns.
    """
    if _is_plainly_infeasible(model):
        return checked(solver, model, Claim(StopReason.INFEASIBLE))
    if model.columns:
        return None
    nothing = np.empty(0)
    claim = Claim(StopReason.OPTIMAL, nothing, model.offset, BoundSource.SOLVER)
    return checked(solver, model, claim)


def _is_plainly_infeasible(model: CompiledModel) -> bool:
    lower, upper = model.lower[model.integer], model.upper[model.integer]
    no_whole_number = np.ceil(lower - _WHOLE) > np.floor(upper + _WHOLE)
    empty = np.bincount(model.matrix.indices, minlength=model.rows) == 0
    return bool(
        (model.lower > model.upper).any()
        or (model.row_lower > model.row_upper).any()
        or no_whole_number.any()
        or (model.row_lower[empty] > 0).any()
        or (model.row_upper[empty] < 0).any()
    )


def without_cost(model: CompiledModel) -> CompiledModel:
    """The same model with nothing to minimize: it has an optimum unless it is infeasible."""
    return replace(model, cost=np.zeros(model.columns), offset=0.0)


def not_above(solver: str, bound: float, objective: float) -> float:
    """The bound, lowered to the objective where only arithmetic put it above."""
    if bound - objective > _BOUND_TOLERANCE * max(1.0, abs(objective)):
        text = f"its bound {bound!r} lies above the cost {objective!r} of its own point"
        raise SolverFailedError(solver, text)
    return min(bound, objective)


def _rounded(solver: str, model: CompiledModel, point: Floats) -> Floats:
    """The point inside its bounds with whole numbers whole, if that still keeps the rows."""
    _refuse_if_broken(solver, model, point, "its point")
    whole = np.clip(np.where(model.integer, np.round(point), point), model.lower, model.upper)
    _refuse_if_broken(solver, model, whole, "its point, once rounded to whole numbers,")
    return whole


def _refuse_if_broken(solver: str, model: CompiledModel, point: Floats, what: str) -> None:
    violation = model.violation(point)
    if violation.scaled > _POINT_TOLERANCE:
        text = (
            f"{what} breaks the model: rows by {violation.row:.3g}, bounds by "
            f"{violation.bound:.3g}, integrality by {violation.integrality:.3g}; "
            "coefficients of very different size in one row are the usual cause"
        )
        raise SolverFailedError(solver, text)


def _outcome(
    solver: str,
    claim: Claim,
    stop: StopReason,
    point: Floats | None = None,
    objective: float | None = None,
    bound: float | None = None,
) -> Outcome:
    return Outcome(
        solver=solver,
        stop=stop,
        incumbent=point,
        objective=objective,
        bound=bound,
        bound_source=None if bound is None else claim.bound_source,
        seconds=claim.seconds,
        iterations=claim.iterations,
        log=claim.log,
    )
