"""What a plan assumes, and what each assumption costs where it does not come true."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from catalogs import HOURS_PER_YEAR, Faults
from planner.decision import Policy
from planner.demand import Demand
from planner.errors import InfeasibleError, NoPlanError, SolverFailureError
from planner.forecasting import information_of
from planner.forecasting.hazards import HOURS_PER_QUARTER, USUAL_PER_YEAR
from planner.forecasting.known import Known
from planner.information import partitions_by_date
from planner.longer_terms import GAP, LEAST_S
from planner.plan import Assumption, LongerTerms, PriceBasis
from planner.problem import Problem
from planner.purchases import make_lots
from planner.request import Drop, Event, ForecastSettings, Hazard, PriceMultiplier
from planner.settlement import Outlook, look_out, price_basis
from planner.words import percent

FAMILIES_NAMED = 4


@dataclass(frozen=True)
class Budget:
    """What looking into costs may take.

    Attributes:
        end_s: when it is to end, of the performance counter [s].
        stop: set where all work is to end.
    """

    end_s: float
    stop: threading.Event | None = None

    @classmethod
    def after(
        cls, solver_s: float, time_left_s: float | None, stop: threading.Event | None
    ) -> "Budget":
        """As long as the solver took, a few seconds at the least, within the time limit."""
        allowed = max(solver_s, LEAST_S)
        if time_left_s is not None:
            allowed = min(allowed, time_left_s)
        return cls(time.perf_counter() + allowed, stop)

    @property
    def left_s(self) -> float:
        """Seconds left; none once all work is to end."""
        if self.stop is not None and self.stop.is_set():
            return 0.0
        return self.end_s - time.perf_counter()


def assumptions_of(
    problem: Problem,
    shown: Outlook,
    longer: LongerTerms | None,
    find_policy: Callable[[Problem], Policy],
    budget: Budget,
) -> tuple[Assumption, ...]:
    """All that a plan assumes, what may befall its demand first.

    Args:
        problem: what is planned.
        shown: the plan, billed.
        longer: what longer terms would save.
        find_policy: finds the cost-minimal policy of a problem.
        budget: what looking into costs may take.
    """
    found = []
    for one, spared in _of_demand(problem):
        cost_usd = _cost_usd(problem, shown, spared, find_policy, budget)
        found.append(one.model_copy(update={"cost_usd": cost_usd}))
    found += [*_prices(problem.request.prices), *_derived(problem, shown), *_calendar(problem)]
    if problem.terms is not None and problem.terms.left_out:
        saving = None if longer is None else longer.saving_usd
        found.append(_told("term", "term", problem.terms.note, "a rule of this planner", saving))
    return tuple(found)


def _told(
    name: str,
    kind: str,
    text: str,
    source: str,
    cost_usd: Decimal | None = None,
    probability: float | None = None,
    purchases: Sequence[str] = (),
) -> Assumption:
    return Assumption.model_validate(
        {
            "id": name,
            "kind": kind,
            "text": text,
            "probability": probability,
            "source": source,
            "cost_usd": cost_usd,
            "purchases": tuple(purchases),
        }
    )


def _of_demand(problem: Problem) -> Iterator[tuple[Assumption, ForecastSettings]]:
    """Hazards and what is known, each with the settings of a forecast without it."""
    forecast = problem.forecast
    if forecast is None:
        return
    settings = forecast.settings
    asked = problem.request.forecast
    is_default = asked is None or "hazards" not in asked.model_fields_set
    source = "default: a judgement, not a measurement" if is_default else "forecast.hazards"
    for position, hazard in enumerate(settings.hazards):
        told = _hazard(problem, hazard)
        if told is not None:
            text, probability = told
            rest = settings.hazards[:position] + settings.hazards[position + 1 :]
            one = _told(f"hazard-{position + 1}", "hazard", text, source, None, probability)
            yield one, settings.model_copy(update={"hazards": rest})
    for position, known in enumerate(settings.known):
        others = settings.known[:position] + settings.known[position + 1 :]
        name, text = f"launch-{known.name}", _known(known)
        one = _told(name, "launch", text, "forecast.known", None, known.probability)
        yield one, settings.model_copy(update={"known": others})


def _hazard(problem: Problem, hazard: Hazard) -> tuple[str, float] | None:
    """A hazard in words, and its probability within the planned hours; None where it is none."""
    hours = problem.calendar.hours
    if isinstance(hazard, Drop):
        of = "all demand" if hazard.workloads is None else f"that of {', '.join(hazard.workloads)}"
        size, often = percent(hazard.size, 0), percent(hazard.per_quarter, 0)
        text = f"{of} falls by {size} for good ({often} a quarter)"
        return text, 1 - (1 - hazard.per_quarter) ** (hours / HOURS_PER_QUARTER)
    forecast, parts, probability = problem.forecast, [], 0.0
    together = [] if forecast is None else [", ".join(one) for one in forecast.settings.together]
    if together:
        parts.append(
            f"one of {'; '.join(together)} is replaced by the youngest of them "
            f"({percent(hazard.per_quarter, 0)} a quarter once it is no longer young)"
        )
        probability = 1 - (1 - hazard.per_quarter) ** (hours / HOURS_PER_QUARTER)
    usual = hazard.successor_per_year
    leaving = sorted(
        {
            one.family
            for one in (() if forecast is None else forecast.replaceable)
            if usual or (usual is None and one.has_later)
        }
    )
    if leaving:
        chance = USUAL_PER_YEAR if usual is None else usual
        more = len(leaving) - FAMILIES_NAMED
        named = ", ".join(one.partition(" ")[2] for one in leaving[:FAMILIES_NAMED])
        named += f" and {more} more" if more > 0 else ""
        share = percent(hazard.successor_share, 0)
        parts.append(
            f"{share} of the usage of a family ({named}) leaves for its successor, out of reach of "
            f"its reservations ({percent(chance, 0)} a year)"
        )
        probability = max(probability, 1 - (1 - chance) ** (hours / HOURS_PER_YEAR))
    return ("; ".join(parts), probability) if parts else None


def _known(known: Known) -> str:
    begins = known.start if isinstance(known, Event) else known.at
    text = f"{known.name}: {known.kind} on {begins:%Y-%m-%d}"
    slip = None if isinstance(known, Event) else known.slip
    if slip is not None:
        text += f", {slip.days} days late with {percent(slip.probability, 0)}"
    return text


def _cost_usd(
    problem: Problem,
    shown: Outlook,
    spared: ForecastSettings,
    find_policy: Callable[[Problem], Policy],
    budget: Budget,
) -> Decimal | None:
    """What the plan is billed beyond one made without an assumption, in futures without it."""
    forecast, limit_s = problem.forecast, budget.left_s
    if forecast is None or limit_s <= 0 or spared.scenarios is not None:
        return None  # futures reduced to few do not stand for the same ones
    drawn = replace(forecast, settings=spared).draw().demand
    demand = drawn.between(problem.calendar.start, problem.calendar.hours)
    same = _at(problem, demand)
    own = _replanned(same, demand)
    options = {"gap": max(problem.gap, GAP), "time_limit_s": limit_s}
    solve = own.request.solve.model_copy(update=options)
    own = replace(own, request=own.request.model_copy(update={"solve": solve}))
    try:
        other = look_out(own, find_policy(own))
    except (InfeasibleError, NoPlanError, SolverFailureError):
        return None
    return look_out(same, shown.policy).total_usd - other.total_usd


def _at(problem: Problem, demand: Demand) -> Problem:
    """The same purchases and machines where demand is another, of as many futures."""
    nothing = np.zeros(demand.hours * len(demand.scenarios))
    series = {name: demand.series.get(name, nothing) for name in problem.demand.series}
    workloads = problem.request.workloads
    candidates = tuple(
        replace(
            one,
            needs=tuple(
                (series[name], per)
                for name, (_, per) in zip(
                    workloads[one.workload].series_names, one.needs, strict=True
                )
            ),
        )
        for one in problem.candidates
    )
    whole = Demand(demand.start, series, demand.scenarios, demand.repairs)
    return replace(problem, demand=whole, candidates=candidates)


def _replanned(problem: Problem, demand: Demand) -> Problem:
    """The same with purchases that know what is seen of this demand."""
    calendar = problem.calendar
    known = information_of(problem.request, calendar.purchase_hours)
    information = partitions_by_date(known, demand, calendar, Faults())
    lots = make_lots(problem.options, calendar, information, problem.probability.tolist())
    return replace(problem, information=information, lots=lots)


def _prices(multipliers: Sequence[PriceMultiplier]) -> Iterator[Assumption]:
    """Private prices, as the request states them."""
    for position, one in enumerate(multipliers):
        criteria = {
            "": one.providers, "of ": one.kinds, "for ": one.families, "in ": one.regions,
        }  # fmt: skip
        what = " ".join(
            f"{word}{', '.join(map(str, names))}" for word, names in criteria.items() if names
        )
        text = f"list prices {what}".rstrip() + f" times {one.factor:f}"
        yield _told(f"price-{position + 1}", "price", text, f"prices.{position}", None, 1.0)


def _derived(problem: Problem, shown: Outlook) -> Iterator[Assumption]:
    """Rules by which prices of purchases were computed that nobody quoted."""
    by_rule: dict[str, list[str]] = {}
    for one in shown.policy.bought:
        basis: PriceBasis = price_basis(problem, one.option)
        if basis.rule is not None:
            by_rule.setdefault(basis.rule, []).append(one.option.offer.offer_id)
    for position, (rule, offers) in enumerate(sorted(by_rule.items())):
        yield _told(
            f"rate-{position + 1}",
            "derived_rate",
            f"prices of {len(set(offers))} offers are computed, not quoted: {rule}",
            "the catalogue",
            purchases=sorted(set(offers)),
        )


def _calendar(problem: Problem) -> Iterator[Assumption]:
    """Whose days demand follows, where nobody said."""
    if problem.forecast is not None and problem.forecast.settings.timezone is None:
        yield _told("calendar", "calendar", "days and weeks of demand are those of UTC", "default")
