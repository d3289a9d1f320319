"""The ceiling on coverage: what commitments could serve, of all usage at on-demand prices.

Names in the formulas are those of `planner.formulation.first_stage`.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.formulation.terms import Commitments, Terms, one_row, positions
from planner.most_served import dollar_usd, unit_usd
from planner.usage import Mix
from solvers import Block, LinearModel

Floats = NDArray[np.float64]

Term = tuple[Block, sp.coo_array[np.float64]]


def limit_coverage_above(
    model: LinearModel, terms: Terms, pools: Commitments, plans: Commitments
) -> None:
    r"""The on-demand equivalent that commitments could serve keeps below its ceiling.

    A provider applies whatever is committed, so a ceiling holds only if it is one on what
    commitments could serve at the most, :math:`a_p` a pool's dearest unit, :math:`u_{gc}` usage:

    .. math:: \sum n_w a_p R_{pw} + \sum n_w \max_c (a_c / r_{jc}) C_{jw}
        \le most \sum a_c n_g u_{gc}
    """
    most = terms.problem.request.limits.coverage.at_most
    if most is None:
        return
    rows, usage_usd = less_usage(model, terms.mix, most)
    sold = terms.problem.pools
    served = [
        _most_served(terms, pools, unit_usd(sold)),
        _most_served(terms, plans, np.array([dollar_usd(sold, rates) for rates in terms.plans])),
    ]
    model.require("coverage at most", [*served, *rows], at_most=usage_usd)


def less_usage(model: LinearModel, mix: Mix, share: float) -> tuple[list[Term], float]:
    """A share of all usage at on-demand prices: what depends on the mix, negated; the rest."""
    constant = share * mix.given_usage_usd
    if not mix.size:
        return [], constant
    run = model["run"]
    return [(run, one_row(-share * mix.usage_usd, positions(run.size), run))], constant


def _most_served(terms: Terms, commitments: Commitments, prices: Floats) -> Term:
    """What commitments could serve at the most, at on-demand prices [target], in one row."""
    target, stage = np.nonzero(commitments.at >= 0)
    value = prices[target] * terms.stages.hours[stage]
    amount = commitments.amount
    return amount, one_row(value, commitments.at[target, stage], amount)
