"""Why not: for every offer left unbought, the use it needs beside the use it would have had."""

from typing import Literal

import numpy as np

from planner.plan import NotBought
from planner.rebill import account_of
from planner.settlement.outlook import Outlook
from planner.settlement.prospects import ROUNDING, Prospects, margins


def reasons_against(outlook: Outlook) -> tuple[NotBought, ...]:
    """Every option of which nothing is bought in any future, by offer id.

    With several futures utilizations are means over them.
    """
    chance = [one.probability for one in outlook.futures]
    mean = _mean([one.prospects for one in outlook.futures], chance)
    use, alone = (margins(share, mean.break_even) for share in (mean.utilization, mean.alone))
    problem, dates = outlook.problem, outlook.problem.calendar.purchase_hours
    reasons = [
        NotBought(
            offer_id=problem.options[option].offer.offer_id,
            workload=account_of(problem, problem.options[option]) or None,
            break_even_utilization=_known(mean.break_even[row]),
            utilization=float(mean.utilization[row]),
            alone_utilization=float(mean.alone[row]),
            start=problem.calendar.at(dates[mean.date[row]]),
            reason=_verdict(use[row], alone[row]),
        )
        for row, option in enumerate(outlook.unbought.options)
    ]
    return tuple(sorted(reasons, key=lambda one: (one.offer_id, one.workload or "")))


def _mean(found: list[Prospects], chance: list[float]) -> Prospects:
    """One verdict on every option from those of all futures; its date is the first one's."""
    if len(found) == 1:
        return found[0]
    return Prospects(
        date=found[0].date,
        break_even=np.mean([one.break_even for one in found], axis=0),
        utilization=np.average([one.utilization for one in found], axis=0, weights=chance),
        alone=np.average([one.alone for one in found], axis=0, weights=chance),
    )


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)


def _verdict(
    margin: float, alone: float
) -> Literal["too_little_usage", "served_by_others", "limits_steps_or_gap"]:
    """From how far one more step's use lies above the break-even, beside all bought and alone."""
    if margin >= -ROUNDING:
        return "limits_steps_or_gap"
    return "served_by_others" if alone >= -ROUNDING else "too_little_usage"
