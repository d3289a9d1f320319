"""What is committed to pools and plans in each stage: owned, bought or exchanged.

Names in the formulas are those of `planner.formulation.first_stage`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.exchange_rows import Change, changed_rows, changes
from planner.formulation.terms import Commitments, Terms, entries, positions
from planner.purchases import Option
from solvers import LinearModel

Floats = NDArray[np.float64]


def commit_to_pools(model: LinearModel, terms: Terms) -> Commitments:
    r"""Dedicated commitments in force; what exchanges give is taken off, what they take added.

    .. math:: R_{pw} = owned_{pw} + \sum_{k \,active\, in\, w} units_k x_k
    """
    return _commit(
        model,
        terms,
        "dedicated",
        len(terms.problem.pools.keys),
        target_of=lambda option: option.pool,
        step_of=lambda option: float(option.pool_units),
        exchanged=list(changes(terms)),
    )


def commit_to_plans(model: LinearModel, terms: Terms) -> Commitments:
    r"""Spend commitments in force.

    .. math:: C_{jw} = owned_{jw} + \sum_{k \,active\, in\, w} step_k x_k
    """
    return _commit(
        model,
        terms,
        "spend",
        len(terms.plans),
        target_of=terms.plan_of,
        step_of=lambda option: float(option.step),
    )


def _commit(
    model: LinearModel,
    terms: Terms,
    name: str,
    targets: int,
    *,
    target_of: Callable[[Option], int | None],
    step_of: Callable[[Option], float],
    exchanged: Sequence[Change] = (),
) -> Commitments:
    """Columns for what is committed in each (target, stage), and the rows that add it up."""
    owned = np.zeros((targets, terms.stages.count))
    possible = np.zeros(owned.shape, dtype=np.bool_)
    lots: list[_Adds] = []
    for position, option in enumerate(terms.options):
        target = target_of(option)
        if target is None:
            continue
        stages = terms.active(position)
        possible[target, stages] = True
        step = step_of(option) * terms.served_share(position)
        if position < len(terms.lots):
            lots.append(_Adds(position, target, stages, step))
        else:
            owned[target, stages] += step * terms.owned_quantity(position)
    for change in exchanged:
        possible[change.pool, change.stages] = True
    amounts = int(np.count_nonzero(possible))
    at = np.full(owned.shape, -1, dtype=np.intp)
    at[possible] = positions(amounts)
    amount = model.add(f"commit {name}", amounts)
    length = [len(one.stages) for one in lots]
    bought = entries(
        np.concatenate([np.zeros(0), *(-one.step for one in lots)]),
        np.concatenate([np.zeros(0, np.intp), *(at[one.target, one.stages] for one in lots)]),
        np.repeat(np.array([one.lot for one in lots], dtype=np.intp), length),
        (amounts, len(terms.lots)),
    )
    own = entries(1.0, positions(amounts), positions(amounts), (amounts, amounts))
    rows = [(amount, own), (model["buy"], bought), *changed_rows(model, exchanged, at, amounts)]
    model.require(f"add up {name}", rows, equal=owned[possible])
    return Commitments(amount, at)


@dataclass(frozen=True)
class _Adds:
    """What one step of a lot adds to a target in its stages, by stage."""

    lot: int
    target: int
    stages: NDArray[np.intp]
    step: Floats
