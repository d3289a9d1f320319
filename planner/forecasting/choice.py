"""Which model suits a series: each forecasts from the same moments of the past, and is compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.models import DAILY, MODELS, TREND, Model

Floats = NDArray[np.float64]

MOST_ORIGINS = 10
FEWEST_ORIGINS = 3
LONGEST_WEEKS = 13
"""Errors of so many weeks ahead, or of a quarter of the history, decide."""
NEAREST_WEEKS = 4
"""Models for whose errors so far ahead history is too short are judged nearer, down to so many."""
LEAST_DEMAND = 1e-3
"""Errors count as shares of demand, or of so much of what is usual."""
CLEARLY = 0.95
"""Another model is taken where its error is less than this share of the trend's."""


@dataclass(frozen=True)
class Choice:
    """The model taken, and what each did on the past.

    Attributes:
        model: the one taken.
        errors: mean absolute error as a share of mean demand, by model, over the moments that
            every one of them could forecast from; of models that could not, none.
        origins: number of moments forecast from.
        weeks: whole weeks of history it was chosen on.
    """

    model: Model
    errors: Mapping[str, float]
    origins: int
    weeks: int


def choose_model(values: Floats, wanted: str = "auto") -> Choice:
    """The model for a history [hour].

    Args:
        values: the history.
        wanted: a model's name, or "auto". A model whose history is too short gives way.
    """
    weeks = TREND.units(values)
    fit = [one for one in MODELS if len(one.units(values)) >= one.fewest_units]
    if TREND not in fit:
        return Choice(DAILY, {}, 0, len(weeks))
    named = [one for one in fit if one.name == wanted]
    if named:
        return Choice(named[0], {}, 0, len(weeks))
    models = [one for one in fit if one is not DAILY]
    origins, ahead = _origins(len(weeks))
    errors = {one: _errors(one, weeks, origins, ahead) for one in models}
    unseen = [one for one in models if np.isfinite(errors[one]).sum() < FEWEST_ORIGINS]
    late = _late_origins(unseen, len(weeks))
    if late:
        nearer = {one: _errors(one, weeks, late, ahead) for one in models}
        best = _best(nearer)
        if best in unseen:
            return Choice(best, _told(nearer), len(late), len(weeks))
    return Choice(_best(errors), _told(errors), len(origins), len(weeks))


def _late_origins(models: Sequence[Model], weeks: int) -> list[int]:
    """Weeks these models can forecast from, though less than usual has come since.

    Empty where there are too few of them.
    """
    first = max((one.fewest_units for one in models), default=weeks)
    late = list(range(first, weeks - NEAREST_WEEKS + 1))[-MOST_ORIGINS:]
    return late if len(late) >= FEWEST_ORIGINS else []


def _origins(weeks: int) -> tuple[list[int], int]:
    """Weeks to forecast from, and how many ahead."""
    ahead = min(LONGEST_WEEKS, max(1, weeks // 4))
    first = max(weeks // 3, 2)
    step = max(1, (weeks - first) // MOST_ORIGINS)
    return list(range(first, weeks - ahead + 1, step))[-MOST_ORIGINS:], ahead


def _errors(model: Model, weeks: Floats, origins: list[int], ahead: int) -> Floats:
    """Absolute error as a share of demand [origin].

    Not a number where history is too short, or holds no demand.
    """
    found = np.full(len(origins), np.nan)
    usual = float(weeks.mean()) * weeks.shape[1]
    for position, origin in enumerate(origins):
        if origin < model.fewest_units:
            continue
        true = weeks[origin : origin + ahead]
        error = np.abs(true - model.median(weeks[:origin], len(true))).sum()
        # Where there is next to no demand, no share of it says anything.
        demand = max(float(true.sum()), LEAST_DEMAND * usual * len(true))
        if demand > 0:
            found[position] = error / demand
    return found


def _told(errors: Mapping[Model, Floats]) -> dict[str, float]:
    """Mean errors by name, of models that could forecast from enough moments, over those shared."""
    known = {one: np.isfinite(of_one) for one, of_one in errors.items()}
    compared = [one for one in errors if known[one].sum() >= FEWEST_ORIGINS]
    shared = np.logical_and.reduce([known[one] for one in compared])
    return {one.name: float(errors[one][shared].mean()) for one in compared if shared.any()}


def _best(errors: Mapping[Model, Floats]) -> Model:
    """The trend, or what is clearly better than it where both could forecast."""
    trend, best, least = errors[TREND], TREND, CLEARLY
    for model, of_one in errors.items():
        shared = np.isfinite(of_one) & np.isfinite(trend)
        if model is TREND or shared.sum() < FEWEST_ORIGINS:
            continue
        ratio = of_one[shared].mean() / max(float(trend[shared].mean()), 1e-300)
        if ratio < least:
            best, least = model, float(ratio)
    return best
