"""The planner against an enumeration of every purchase that could make sense.

The enumeration shares no code with the model: purchases are counted through one by one, what
they leave to do in every hour is solved by SciPy (or counted, where machines are whole).
"""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner import InfeasibleError, make_plan, parse_request

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS_PER_YEAR = 8760
MOST_PURCHASES = 800
"""Enumerated per request; offers beyond it are left out of the request."""
NEARLY = 1e-9


@dataclass(frozen=True)
class Reservation:
    """One reserved machine: USD upfront, USD per hour of its term."""

    machine: str
    term: int
    payment: str
    upfront: float
    hourly: float


@dataclass(frozen=True)
class SpendPlan:
    """A plan's rates by machine; ``family`` bounds an EC2 plan."""

    family: str | None
    term: int
    payment: str
    rates: dict[str, float]

    @property
    def upfront_share(self):
        """Share of the term's dollars paid at its start."""
        return {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}[self.payment]


@dataclass(frozen=True)
class Owned:
    """An offer owned from hour ``begun`` (perhaps negative) to ``end``."""

    offer: Reservation | SpendPlan
    quantity: int
    begun: int
    end: int


@dataclass(frozen=True)
class Case:
    """A small fleet: machine -> (family, units or None, on-demand price), demand by machine."""

    machines: dict[str, tuple[str, int | None, float]]
    demand: dict[str, list[float]]
    offers: list[Reservation | SpendPlan]
    dates: list[int]
    step: float
    owned: list[Owned] = field(default_factory=list)
    accounting: str = "amortized"
    discount_rate: float = 0.0
    budget: float | None = None
    coverage: float | None = None
    most_coverage: float | None = None
    utilization: float | None = None
    whole: bool = False

    @property
    def hours(self):
        """Length of the horizon."""
        return len(next(iter(self.demand.values())))

    @property
    def worth(self):
        """What a dollar of each hour and of the end counts [hour + 1]."""
        return np.array(
            [(1 + self.discount_rate) ** (-t / HOURS_PER_YEAR) for t in range(self.hours + 1)]
        )

    def pool(self, machine):
        """What shares its reservations: the family where sizes have units, else the type."""
        family, units, _ = self.machines[machine]
        return family if units else machine

    def units(self, machine):
        """Units of the pool in one machine."""
        return self.machines[machine][1] or 1

    def step_of(self, offer):
        """The smallest purchase: dollars per hour, or one machine."""
        return self.step if isinstance(offer, SpendPlan) else 1

    def price_of_step(self, offer):
        """Upfront and hourly price of the smallest purchase."""
        if isinstance(offer, Reservation):
            return offer.upfront, offer.hourly
        share = offer.upfront_share
        return self.step * share * offer.term, self.step * (1 - share)

    def cost(self, offer, begun, price=None):
        """What a purchase (or one begun before the horizon) costs in the accounting."""
        upfront, hourly = price or self.price_of_step(offer)
        first, last = max(begun, 0), min(begun + offer.term, self.hours)
        if last <= first:
            return 0.0
        if self.accounting == "full_term":
            charged = begun + offer.term - first
            return upfront * charged / offer.term + hourly * charged
        if self.accounting == "amortized":
            return (upfront / offer.term + hourly) * (last - first)
        recurring = hourly * sum(self.worth[first:last])
        if begun < 0:
            return recurring
        unused = (begun + offer.term - last) / offer.term
        return upfront * self.worth[begun] + recurring - upfront * unused * self.worth[self.hours]


class Enumeration:
    """Everything a case may buy, and what each purchase costs in the end."""

    def __init__(self, case):
        self.case = case
        self.lots = [(offer, date) for date in case.dates for offer in case.offers]
        running = {m: np.array(d) for m, d in case.demand.items()}
        self.running = {m: np.ceil(d - NEARLY) if case.whole else d for m, d in running.items()}
        self.names = sorted(case.machines)
        self.pools = sorted({case.pool(m) for m in case.machines})
        self.pool_of = np.array([self.pools.index(case.pool(m)) for m in self.names])
        units = np.array([case.units(m) for m in self.names])
        self.unit_price = np.array([case.machines[m][2] for m in self.names]) / units
        self.dearest = np.array(
            [self.unit_price[self.pool_of == p].max() for p in range(len(self.pools))]
        )
        self.usage = np.array([n * self.running[m] for n, m in zip(units, self.names, strict=True)])
        # Owned plans are among those sold.
        self.plans = [offer for offer in case.offers if isinstance(offer, SpendPlan)]
        self.rates = np.array(
            [[p.rates.get(m, math.inf) for m in self.names] / units for p in self.plans]
        ).reshape(len(self.plans), len(self.names))
        self.owned = [np.zeros((len(one), case.hours)) for one in (self.pools, self.plans)]
        self.owned_cost = 0.0
        for one in case.owned:
            self._commit(self.owned, one.offer, one.quantity, one.begun, one.end)
            price = None
            if isinstance(one.offer, SpendPlan):
                share = one.offer.upfront_share
                price = share * one.offer.term, 1 - share
            self.owned_cost += one.quantity * case.cost(one.offer, one.begun, price)

    def _commit(self, amounts, offer, quantity, first, last):
        hours = slice(max(first, 0), max(last, 0))
        if isinstance(offer, Reservation):
            pool = self.pools.index(self.case.pool(offer.machine))
            amounts[0][pool, hours] += quantity * self.case.units(offer.machine)
        else:
            plan = next(i for i, one in enumerate(self.plans) if one is offer)
            amounts[1][plan, hours] += quantity

    def most(self, lot):
        """More steps of a lot than this serve nothing."""
        offer, date = lot
        hours = slice(date, date + offer.term)
        if isinstance(offer, Reservation):
            pool = self.pools.index(self.case.pool(offer.machine))
            usage = self.usage[self.pool_of == pool].sum(axis=0)[hours]
            return math.ceil(max(usage) / self.case.units(offer.machine) - NEARLY)
        plan = next(i for i, one in enumerate(self.plans) if one is offer)
        rates = np.where(np.isfinite(self.rates[plan]), self.rates[plan], 0.0)
        return math.ceil(max((rates @ self.usage)[hours]) / self.case.step - NEARLY)

    def optimum(self):
        """The least cost of all purchases; None where none keeps to the limits."""
        steps = [range(self.most(lot) + 1) for lot in self.lots]
        purchases = [x for x in product(*steps) if self._within_budget(x)]
        purchases = [x for x in purchases if self._within_ceiling(x)]
        if not purchases:
            return None
        costs = np.array([self._cost(x) for x in purchases])
        bounds = costs + self._recourse_bounds(purchases)
        best = math.inf
        for position in np.argsort(bounds, kind="stable"):
            if bounds[position] >= best - NEARLY:
                break
            best = min(best, costs[position] + self._recourse(purchases[position]))
        return None if math.isinf(best) else best + self.owned_cost

    def _within_budget(self, purchase):
        if self.case.budget is None:
            return True
        paid = dict.fromkeys(self.case.dates, 0.0)
        for (offer, date), steps in zip(self.lots, purchase, strict=True):
            paid[date] += steps * self.case.price_of_step(offer)[0]
        return all(usd <= self.case.budget + NEARLY for usd in paid.values())

    def _within_ceiling(self, purchase):
        """What is committed could not serve more than the ceiling, were it all used."""
        if self.case.most_coverage is None:
            return True
        pools, dollars = self._committed(purchase)
        displaced = [max(self.unit_price / rates, default=0.0) for rates in self.rates]
        could_serve = (self.dearest @ pools).sum() + (np.array(displaced) @ dollars).sum()
        equivalent = float((self.unit_price @ self.usage).sum())
        return could_serve <= self.case.most_coverage * equivalent + NEARLY

    def _cost(self, purchase):
        return sum(n * self.case.cost(*lot) for lot, n in zip(self.lots, purchase, strict=True))

    def _committed(self, purchase):
        amounts = [array.copy() for array in self.owned]
        for (offer, date), steps in zip(self.lots, purchase, strict=True):
            quantity = steps * self.case.step_of(offer)
            self._commit(amounts, offer, quantity, date, date + offer.term)
        return amounts

    def _recourse_bounds(self, purchases):
        """A lower bound of what is left to pay, for every purchase: prices of the plans' dollars.

        If a committed dollar of plan j is worth mu_j, a unit costs at least min(a, min_j mu_j r_j),
        and a reserved unit saves at most the dearest of its pool's: weak duality, whatever the mu.
        """
        committed = [self._committed(x) for x in purchases]
        reserved = np.array([pools for pools, _ in committed])
        dollars = np.array([plans for _, plans in committed])
        covered = np.isfinite(self.rates)
        rates = np.where(covered, self.rates, 0.0)
        worths = [
            {0.0, *(self.unit_price[on] / r[on])} for r, on in zip(rates, covered, strict=True)
        ]
        best = np.zeros((len(purchases), self.case.hours))
        for mu in product(*map(sorted, worths)):
            worth = np.array(mu).reshape(-1, 1)
            by_plan = np.where(covered, worth * rates, np.inf)
            value = np.min(np.vstack([self.unit_price, by_plan]), axis=0)
            bound = -np.einsum("j,xjt->xt", worth[:, 0], dollars)
            for p in range(len(self.pools)):
                inside = self.pool_of == p
                paid = value[inside] @ self.usage[inside] - reserved[:, p] * value[inside].max()
                bound += np.maximum(paid, 0.0)
            best = np.maximum(best, bound)
        return best @ self.case.worth[:-1]

    def _recourse(self, purchase):
        return self._by_linprog(*self._committed(purchase))

    def _by_linprog(self, committed, dollars):
        """The hours' least on-demand cost with what is committed; infinite outside the limits."""
        (M, T), J = self.usage.shape, len(self.plans)
        size = M * (2 + J)  # per hour: on demand, dedicated, then each plan, by machine
        cost = np.zeros((T, size))
        cost[:, :M] = self.unit_price * self.case.worth[:-1, None]
        upper = np.full((T, size), np.inf)
        for j in range(J):
            upper[:, (2 + j) * M : (3 + j) * M][:, ~np.isfinite(self.rates[j])] = 0.0
        rates = np.where(np.isfinite(self.rates), self.rates, 0.0)
        serve = np.kron(np.eye(T), np.tile(np.eye(M), 2 + J))
        at_most, right = [], []
        for t in range(T):
            for p in range(len(self.pools)):
                row = np.zeros((T, size))
                row[t, M : 2 * M] = self.pool_of == p
                at_most.append(row)
                right.append(committed[p, t])
            for j in range(J):
                row = np.zeros((T, size))
                row[t, (2 + j) * M : (3 + j) * M] = rates[j]
                at_most.append(row)
                right.append(dollars[j, t])
        if self.case.coverage is not None:
            row = np.zeros((T, size))
            row[:, :M] = self.unit_price
            at_most.append(row)
            right.append((1 - self.case.coverage) * float((self.unit_price @ self.usage).sum()))
        if self.case.utilization is not None:
            self._add_floors(committed, dollars, rates, at_most, right)
        solved = linprog(
            cost.ravel(),
            A_ub=np.array([row.ravel() for row in at_most]),
            b_ub=np.array(right),
            A_eq=serve,
            b_eq=self.usage.T.ravel(),
            bounds=np.column_stack([np.zeros(T * size), upper.ravel()]),
        )
        assert solved.status in (0, 2), solved.message
        return solved.fun if solved.status == 0 else math.inf

    def _add_floors(self, committed, dollars, rates, at_most, right):
        """What is committed to a pool, and to plans of equal rates, is used to the floor.

        A plan that serves one pool, all of it at one rate a unit, is one with its reservations.
        """
        (M, T), J = self.usage.shape, len(self.plans)
        alone = {}
        for j in range(J):
            covered = np.flatnonzero(rates[j])
            pools = set(self.pool_of[covered])
            whole = len(pools) == 1 and np.count_nonzero(self.pool_of == min(pools)) == len(covered)
            if whole and np.ptp(rates[j][covered]) < NEARLY:
                alone[j] = min(pools)
        for p in range(len(self.pools)):
            inside = self.pool_of == p
            row = np.zeros((T, M * (2 + J)))
            row[:, M : 2 * M] = -1.0 * inside
            total = committed[p].sum()
            for j in (j for j, pool in alone.items() if pool == p):
                row[:, (2 + j) * M : (3 + j) * M] = -1.0 * inside
                total += dollars[j].sum() / rates[j][inside][0]
            at_most.append(row)
            right.append(-self.case.utilization * total)
        for alike in {tuple(rates[j]) for j in range(J) if j not in alone}:
            row, total = np.zeros((T, M * (2 + J))), 0.0
            for j in (j for j in range(J) if tuple(rates[j]) == alike):
                row[:, (2 + j) * M : (3 + j) * M] = -rates[j]
                total += dollars[j].sum()
            at_most.append(row)
            right.append(-self.case.utilization * total)


def request_of(case, document, solver):
    """The case as a request document."""
    types = [
        {"name": name, "family": family}
        | ({"normalized_units": units, "size_flexible": True} if units else {})
        for name, (family, units, _) in case.machines.items()
    ]
    rows = [row(name, "on_demand", usd) for name, (_, _, usd) in case.machines.items()]
    for offer in case.offers:
        if isinstance(offer, Reservation):
            rows.append(
                row(offer.machine, "reserved_standard", offer.hourly, offer)
                | ({"upfront_usd": offer.upfront} if offer.upfront else {})
            )
        else:
            kind = "savings_plan_ec2" if offer.family else "savings_plan_compute"
            rows += [row(name, kind, usd, offer) for name, usd in offer.rates.items()]
    limits = {}
    if case.budget is not None:
        limits["upfront_budget_usd"] = case.budget
    coverage = {"at_least": case.coverage, "at_most": case.most_coverage}
    limits["coverage"] = {name: share for name, share in coverage.items() if share is not None}
    if case.utilization is not None:
        limits["utilization"] = {"at_least": case.utilization}
    horizon = {"hours": case.hours, "accounting": case.accounting}
    if case.accounting == "cash_flow":
        horizon["discount_rate"] = case.discount_rate
    request = document(
        rows,
        case.demand,
        types=types,
        horizon=horizon,
        purchases={"hours": case.dates},
        commitment_step_usd=case.step,
        whole_machines=case.whole,
        limits=limits,
        owned=[owned_document(i, one) for i, one in enumerate(case.owned)],
        solve={"gap": 0, "solver": solver},
    )
    if case.whole:  # of other providers it is not known whether parts of machines are paid for
        request["catalog"]["inline"]["provider"] = "aws"
    return request


def row(name, kind, usd, offer=None):
    found = {"instance_type": name, "region": "here", "kind": kind, "hourly_usd": usd}
    return found | ({} if offer is None else {"term_hours": offer.term, "payment": offer.payment})


def owned_document(position, one):
    offer = one.offer
    found = {
        "id": f"owned-{position}",
        "start": (START + timedelta(hours=one.begun)).isoformat(),
        "end": (START + timedelta(hours=one.end)).isoformat(),
        "payment": offer.payment,
    }
    if isinstance(offer, Reservation):
        return found | {
            "kind": "reserved_standard",
            "instance_type": offer.machine,
            "region": "here",
            "quantity": one.quantity,
            "upfront_usd": offer.upfront,
            "hourly_usd": offer.hourly,
        }
    if offer.family is None:
        return found | {"kind": "savings_plan_compute", "commitment_usd": one.quantity}
    scope = {"region": "here", "family": offer.family}
    return found | {"kind": "savings_plan_ec2", "commitment_usd": one.quantity} | scope


SHARES = [0.4, 0.5, 0.6, 0.75, 0.9]
PAYMENTS = ["no_upfront", "partial_upfront", "all_upfront"]


@st.composite
def fleets(draw, whole):
    """Machines by name: sizes of one family that share commitments, and types that do not."""
    proportional = draw(st.booleans())
    machines = {}
    sizes = draw(st.sampled_from([(1, 2), (2, 3)]))
    for size, units in zip(("small", "large"), sizes, strict=True):
        if draw(st.booleans()):
            usd = units * (1.0 if proportional else draw(st.sampled_from([0.95, 1.0, 1.1])))
            machines[f"flex.{size}"] = ("flex", units, round(usd, 4))
    if not machines or (not whole and draw(st.booleans())):
        machines["fixed.x"] = ("fixed", None, draw(st.sampled_from([0.8, 1.0, 1.5])))
    return machines


@st.composite
def plans_for(draw, machines, hours):
    """A spend plan; a compute plan's rates are unequal among machines."""
    family = draw(st.sampled_from([None, next(iter(machines.values()))[0]]))
    rates = {
        name: round(usd * draw(st.sampled_from(SHARES)), 4)
        for name, (of, _, usd) in machines.items()
        if family in (None, of)
    }
    term = draw(st.integers(1, hours + 3))
    return SpendPlan(family, term, draw(st.sampled_from(PAYMENTS)), rates)


@st.composite
def reservations_of(draw, machines, hours):
    name = draw(st.sampled_from(sorted(machines)))
    term, payment = draw(st.integers(1, hours + 3)), draw(st.sampled_from(PAYMENTS))
    hourly = round(machines[name][2] * draw(st.sampled_from(SHARES)), 4)
    share = {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}[payment]
    upfront = round(hourly * share * term, 4)
    return Reservation(name, term, payment, upfront, round(hourly * (1 - share), 4))


@st.composite
def owned_of(draw, machines, hours, offers):
    """A reservation at its own price, or a plan that is still sold: its rates are those."""
    sold = [st.just(offer) for offer in offers if isinstance(offer, SpendPlan)]
    offer = draw(st.one_of(reservations_of(machines, hours), *sold))
    begun = draw(st.integers(-3, hours - 1))
    return Owned(offer, draw(st.integers(1, 2)), begun, begun + offer.term)


@st.composite
def cases(draw, whole=False):
    """Requests small enough to count through."""
    machines = draw(fleets(whole))
    hours = draw(st.integers(3, 5 if whole else 8))
    amounts = st.sampled_from([0, 1, 2] if whole else [0, 0.5, 1, 2, 2.5, 3])
    demand = {name: draw(st.lists(amounts, min_size=hours, max_size=hours)) for name in machines}
    offers = distinct(
        [
            *draw(st.lists(reservations_of(machines, hours), max_size=3)),
            *draw(st.lists(plans_for(machines, hours), max_size=1 if whole else 3)),
        ]
    )
    dates = sorted(draw(st.sets(st.integers(0, hours - 1), min_size=1, max_size=3)) | {0})
    accounting = draw(st.sampled_from(["amortized", "amortized", "cash_flow", "full_term"]))
    case = Case(
        machines,
        demand,
        offers,
        dates,
        step=draw(st.sampled_from([0.5, 1.0])),
        owned=draw(st.lists(owned_of(machines, hours, offers), max_size=2)),
        accounting=accounting,
        discount_rate=draw(st.sampled_from([0.0, 0.1, 9.0])) if accounting == "cash_flow" else 0.0,
        budget=draw(st.sampled_from([None, None, 0.0, 1.0, 3.0])),
        coverage=None if whole else draw(st.sampled_from([None, None, 0.3, 0.8])),
        most_coverage=None if whole else draw(st.sampled_from([None, None, None, 0.9])),
        utilization=None if whole else draw(st.sampled_from([None, None, 0.5, 0.9])),
        whole=whole,
    )
    return trimmed(case)


def distinct(offers):
    """One offer per row of a price list: the product, its scope, term and payment."""
    found = {}
    for offer in offers:
        what = offer.machine if isinstance(offer, Reservation) else ("plan", offer.family)
        found.setdefault((what, offer.term, offer.payment), offer)
    return list(found.values())


def trimmed(case):
    """Without the last offers or dates, until the purchases can be counted through."""
    while True:
        counted = Enumeration(case)
        count = math.prod(counted.most(lot) + 1 for lot in counted.lots)
        if count <= (200 if case.whole else MOST_PURCHASES):
            return case
        if len(case.dates) > 1:
            case = replace(case, dates=case.dates[:-1])
            continue
        dropped = case.offers[-1]
        owned = [one for one in case.owned if one.offer is not dropped]
        case = replace(case, offers=case.offers[:-1], owned=owned)


def agree(case, document, solver):
    """The planner finds what the enumeration finds, with a bound that is none higher."""
    optimum = Enumeration(case).optimum()
    event("infeasible" if optimum is None else case.accounting)
    request = parse_request(request_of(case, document, solver))
    if optimum is None:
        with pytest.raises(InfeasibleError):
            make_plan(request)
        return
    found = make_plan(request)
    assert float(found.model_cost_usd) == pytest.approx(optimum, rel=2e-6, abs=2e-6)
    assert found.lower_bound_usd is not None
    assert found.lower_bound_usd <= found.model_cost_usd
    assert found.status == "optimal"
    months = [month.on_demand_usd + month.commitment_usd for month in found.monthly]
    assert found.total_cost_usd == sum(months, Decimal(0))
    assert float(found.lower_bound_usd) <= float(found.total_cost_usd) + 1e-6
    assert (found.coverage or 0) <= (case.most_coverage or 1) + 1e-6


relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_model_cost_is_the_least_of_every_enumerated_purchase(solver, document):
    @relaxed
    @given(case=cases())
    def check(case):
        agree(case, document, solver)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_whole_machines_cost_the_least_of_every_enumerated_purchase(solver, document):
    @relaxed
    @given(case=cases(whole=True))
    def check(case):
        agree(case, document, solver)

    check()
