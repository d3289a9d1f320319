"""Strategies side by side: same demand, same bill rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from catalogs import HOURS_PER_YEAR, OfferKind, Payment
from planner.errors import InfeasibleError, NoPlanError
from planner.fixed_rules import peak_purchases, rule_policy
from planner.longer_terms import notes_of
from planner.plan import CatalogReport, Headline, Part, Plan, PlannedHorizon, PresentCost, Usd
from planner.planning import Settled, Surroundings, resolve, solve_and_settle
from planner.problem import Problem
from planner.request import AllowedOffers, PlanRequest
from planner.settlement import (
    Outlook,
    broken_limits,
    describe_catalog,
    describe_headline,
    describe_horizon,
    describe_present,
    doubts_of,
    look_out,
    present_cost,
)

PRESENT = "present_bill"
"""The strategy that goes on as before."""

SIMPLER = "the cheapest plan found; the one that is shown has fewer lines and costs more"


class StrategyResult(Part):
    """What one strategy costs, as re-billed."""

    strategy: str
    description: str
    status: Literal[
        "billed", "scaled", "optimal", "feasible", "fixed", "infeasible", "no_plan", "no_rate"
    ]
    """billed: the present bill, of these hours; scaled: by its saving rate; fixed: a rule without
    optimization; infeasible, no_plan and no_rate (a present bill without list prices) carry no
    figures."""
    total_cost_usd: Usd | None = None
    on_demand_usd: Usd | None = None
    commitment_usd: Usd | None = None
    upfront_cash_usd: Usd | None = None
    savings_share: float | None = None
    """Against all on demand."""
    coverage: float | None = None
    utilization: float | None = None
    gap: float | None = None
    headline: Headline | None = None
    """What one signs for; none of a present bill."""
    purchases: int | None = None
    detail: str | None = None
    """Why there are no figures, which limits of the request it does not keep, or whose plan it is
    where that is another strategy's."""
    keeps_limits: bool | None = None
    """Whether its bill keeps the request's limits."""


class Comparison(Part):
    """Strategies for one request, the cheapest bill first among equals of the given order."""

    name: str
    horizon: PlannedHorizon
    strategies: tuple[StrategyResult, ...]
    cheapest: str
    """Strategy with the lowest bill among those that keep the request's limits; the present bill is
    none of them, for it cannot be chosen."""
    present_bill: PresentCost | None = None
    """What the strategy `present_bill` is made of, where the request names a bill."""
    catalog: CatalogReport
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """Read as a small table."""
        lines = [f"Strategies for {self.name}, cheapest: {self.cheapest}"]
        for one in self.strategies:
            cost = "-" if one.total_cost_usd is None else f"{one.total_cost_usd:,.2f} USD"
            saving = "" if one.savings_share is None else f"  saving {one.savings_share:z.1%}"
            lines.append(f"  {one.strategy:<20} {cost:>20}{saving}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Strategy:
    """A strategy that narrows the offers and optimizes over what is left."""

    name: str
    description: str
    narrow: Callable[[AllowedOffers], AllowedOffers]
    pays_upfront: bool = True
    """Whether machines may be exchanged for others that are paid upfront, at a true-up."""

    def problem(self, problem: Problem) -> Problem:
        """The problem it solves."""
        narrowed = problem.with_offers(self.narrow(problem.request.offers))
        if self.pays_upfront:
            return narrowed
        later = (one for one in narrowed.targets if one.offer.payment is Payment.NO_UPFRONT)
        return replace(narrowed, targets=tuple(later))


def _one_year(offers: AllowedOffers) -> AllowedOffers:
    if offers.term_hours is not None and HOURS_PER_YEAR not in offers.term_hours:
        return offers.model_copy(update={"kinds": ()})
    rented = tuple(kind for kind in offers.kinds if kind is not OfferKind.OWN_HARDWARE)
    terms = {"terms_months": None, "terms_hours": (HOURS_PER_YEAR,), "kinds": rented}
    return offers.model_copy(update=terms)


def _no_upfront(offers: AllowedOffers) -> AllowedOffers:
    if Payment.NO_UPFRONT not in offers.payments:
        return offers.model_copy(update={"kinds": ()})
    return offers.model_copy(update={"payments": (Payment.NO_UPFRONT,)})


def _everything(offers: AllowedOffers) -> AllowedOffers:
    return offers


_OPTIMIZED = (
    _Strategy("one_year", "optimum with 1-year terms only", _one_year),
    _Strategy("no_upfront", "optimum without upfront payments", _no_upfront, pays_upfront=False),
    _Strategy("optimum", "optimum over all allowed offers", _everything),
)


def compare(request: PlanRequest, around: Surroundings | None = None) -> Comparison:
    """On demand only, all reserved at the peak, 1-year only, no upfront only, optimum.

    Raises:
        InvalidInputError: with every fault of the request and the files it names.
        SolverFailureError: the solver broke down.
    """
    around = around or Surroundings()
    # Strategies are set beside each other: the record of the forecast, which takes a while, is not.
    problem = replace(resolve(request, around), forecast=None)
    rented = look_out(problem, rule_policy(problem, ()))
    *narrower, optimum = _OPTIMIZED
    results = [
        _fixed("on_demand", "everything on demand", rented),
        _fixed(
            "reserved_at_peak",
            "at every date reserve up to the peak still to come, by the cheapest reservations",
            look_out(problem, rule_policy(problem, peak_purchases(problem))),
        ),
        *(_optimized(strategy, problem, around) for strategy in narrower),
    ]
    results.append(_best_of_all(optimum, problem, around, results))
    # Among equal bills the later strategy: what is optimized over more offers.
    billed = [one for one in reversed(results) if one.total_cost_usd is not None]
    cheapest = min(billed, key=lambda one: (not one.keeps_limits, one.total_cost_usd))
    present = present_cost(problem, rented.on_demand_usd)
    if present is not None:
        results.insert(0, _present(present, rented.on_demand_usd))
    return Comparison(
        name=request.name,
        horizon=describe_horizon(problem),
        strategies=tuple(results),
        cheapest=cheapest.strategy,
        present_bill=present,
        catalog=describe_catalog(problem),
        notes=(*problem.notes, *notes_of(None, problem)),
        warnings=(*problem.warnings, *doubts_of(present, rented.on_demand_usd)),
    )


def _fixed(name: str, description: str, outlook: Outlook) -> StrategyResult:
    base, total = outlook.on_demand_usd, outlook.total_usd
    broken = broken_limits(outlook)
    return StrategyResult(
        strategy=name,
        description=description,
        status="fixed",
        total_cost_usd=total,
        on_demand_usd=outlook.mean_usd(lambda one: one.bill.on_demand_usd),
        commitment_usd=outlook.mean_usd(lambda one: one.bill.commitment_usd),
        upfront_cash_usd=outlook.mean_usd(
            lambda one: sum((month.upfront_cash_usd for month in one.bill.months), Decimal(0))
        ),
        savings_share=float((base - total) / base) if base else None,
        coverage=outlook.coverage,
        utilization=outlook.utilization,
        headline=describe_headline(outlook),
        purchases=len(outlook.policy.bought),
        detail="; ".join(map(str, broken)) or None,
        keeps_limits=not broken,
    )


def _present(cost: PresentCost, on_demand_usd: Decimal) -> StrategyResult:
    """The present bill; of the hours planned, or its saving rate taken of this demand."""
    named = {"strategy": PRESENT, "description": describe_present(cost)}
    total = cost.total_cost_usd
    if total is None:
        return StrategyResult(**named, status="no_rate", detail="it has no list prices")
    share, billed = cost.unused_commitment_share, cost.basis == "same_hours"
    return StrategyResult(
        **named,
        status="billed" if billed else "scaled",
        total_cost_usd=total,
        on_demand_usd=total - cost.commitment_usd if billed else None,
        commitment_usd=cost.commitment_usd if billed else None,
        savings_share=float((on_demand_usd - total) / on_demand_usd) if on_demand_usd else None,
        utilization=None if share is None else 1.0 - share,
    )


def _optimized(strategy: _Strategy, problem: Problem, around: Surroundings) -> StrategyResult:
    made = _solved(strategy, problem, around)
    return made if isinstance(made, StrategyResult) else _planned(strategy, made.plan)


def _best_of_all(
    strategy: _Strategy, problem: Problem, around: Surroundings, others: Sequence[StrategyResult]
) -> StrategyResult:
    """The optimum: the plan shown for it unless another strategy's bill is less.

    Then it is the cheapest plan found, of which the one shown is a simpler form; then the other's.
    """
    made = _solved(strategy, problem, around)
    if isinstance(made, StrategyResult):
        return _never_dearer(made, others)
    shown = _planned(strategy, made.plan)
    if made.best is made.shown or _never_dearer(shown, others) is shown:
        return _never_dearer(shown, others)
    best = _fixed(strategy.name, strategy.description, made.best)
    kept = {"status": made.plan.status, "gap": made.best_gap}
    detail = SIMPLER if best.detail is None else f"{SIMPLER}; {best.detail}"
    return _never_dearer(best.model_copy(update=kept | {"detail": detail}), others)


def _solved(
    strategy: _Strategy, problem: Problem, around: Surroundings
) -> Settled | StrategyResult:
    """The plan of a strategy, or that there is none."""
    named = {"strategy": strategy.name, "description": strategy.description}
    try:
        return solve_and_settle(strategy.problem(problem), around)
    except InfeasibleError as error:
        return StrategyResult(**named, status="infeasible", detail=str(error))
    except NoPlanError as error:
        return StrategyResult(**named, status="no_plan", detail=str(error))


def _planned(strategy: _Strategy, plan: Plan) -> StrategyResult:
    named = {"strategy": strategy.name, "description": strategy.description}
    return StrategyResult(**named, status=plan.status, **_figures(plan))


def _never_dearer(optimum: StrategyResult, others: Sequence[StrategyResult]) -> StrategyResult:
    """The optimum, which is the plan of another strategy where that one's bill is less.

    Any strategy's plan may be chosen where all offers are allowed. The gap stays: it is an upper
    limit on that of a cheaper plan.
    """
    own = optimum.total_cost_usd
    cheaper = [
        one
        for one in others
        if one.total_cost_usd is not None
        and one.keeps_limits
        and (own is None or one.total_cost_usd < own)
    ]
    if not cheaper:
        return optimum
    best = min(cheaper, key=lambda one: one.total_cost_usd or Decimal(0))
    kept = {
        "strategy": optimum.strategy,
        "description": optimum.description,
        "status": "feasible" if own is None else optimum.status,
        "gap": optimum.gap,
        "detail": f"it is the plan of {best.strategy}, whose bill is less",
    }
    return best.model_copy(update=kept)


def _figures(plan: Plan) -> dict[str, object]:
    return {
        "total_cost_usd": plan.total_cost_usd,
        "on_demand_usd": sum((month.on_demand_usd for month in plan.monthly), Decimal(0)),
        "commitment_usd": sum((month.commitment_usd for month in plan.monthly), Decimal(0)),
        "upfront_cash_usd": sum((month.upfront_cash_usd for month in plan.monthly), Decimal(0)),
        "savings_share": plan.savings_share,
        "coverage": plan.coverage,
        "utilization": plan.utilization,
        "gap": plan.gap,
        "headline": plan.headline,
        "purchases": len(plan.purchases),
        "keeps_limits": not any(warning.startswith("limits: ") for warning in plan.warnings),
    }
