"""Fleet mixes against an enumeration: SciPy mixes every window anew for every purchase.

Shares are decided by window, the span between two moments at which some commitment that
may be bought begins or ends; hours are not merged, offers not compared beforehand.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

ON_DEMAND_USD = {"a": 1.0, "b": 1.7, "c": 2.3}
CAPACITY = {"a": 1.0, "b": 2.0, "c": 3.0}
DATES = (0, 2)


def windows_of(offers, hours):
    """Window of every hour, from the edges of all purchases that could be made."""
    edges = {0} | {e for date in DATES for _, _, term in offers for e in (date, date + term)}
    starts = sorted(edge for edge in edges if edge < hours)
    return np.searchsorted(starts, np.arange(hours), side="right") - 1


def recourse_usd(demand, window, reserved):
    """Least on-demand cost with these reserved machines [type × hour]; shares are free."""
    types, hours = list(ON_DEMAND_USD), len(demand)
    kinds, windows = len(types), int(window.max()) + 1
    shares = kinds * windows
    cost = np.concatenate([np.zeros(shares), np.tile(list(ON_DEMAND_USD.values()), hours)])
    at_most, right = [], []
    for hour, kind in product(range(hours), range(kinds)):
        # What a share needs beyond the reserved machines runs on demand.
        row = np.zeros(shares + kinds * hours)
        row[kinds * window[hour] + kind] = demand[hour] / CAPACITY[types[kind]]
        row[shares + kinds * hour + kind] = -1.0
        at_most.append(row)
        right.append(reserved[kind, hour])
    whole = np.zeros((windows, shares + kinds * hours))
    for one in range(windows):
        whole[one, kinds * one : kinds * (one + 1)] = 1.0
    solved = linprog(cost, A_ub=np.array(at_most), b_ub=right, A_eq=whole, b_eq=np.ones(windows))
    assert solved.status == 0, solved.message
    return solved.fun


def optimum_usd(demand, offers, window):
    """The least cost of every number of machines reserved at either date."""
    hours, types = len(demand), list(ON_DEMAND_USD)
    lots = list(product(offers, DATES))
    most = [int(np.ceil(max(demand) / CAPACITY[name])) for (name, _, _), _ in lots]
    best = np.inf
    for counts in product(*(range(n + 1) for n in most)):
        reserved, paid = np.zeros((len(types), hours)), 0.0
        for ((name, hourly, term), date), count in zip(lots, counts, strict=True):
            span = slice(date, min(date + term, hours))
            reserved[types.index(name), span] += count
            paid += count * hourly * (span.stop - span.start)
        if paid < best:
            best = min(best, paid + recourse_usd(demand, window, reserved))
    return best


@st.composite
def offered(draw):
    """Up to two reservations: a type, its hourly price and its term."""
    names = draw(st.lists(st.sampled_from("bc"), unique=True, max_size=2))
    return [
        (name, round(ON_DEMAND_USD[name] * draw(st.sampled_from([0.4, 0.6, 0.8])), 4),
         draw(st.integers(2, 4)))
        for name in names
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_a_mix_costs_the_least_of_every_purchase_and_share(solver, planned, price):
    @settings(deadline=None, max_examples=40)
    @given(
        demand=st.lists(st.sampled_from([0, 1, 2.5, 4]), min_size=4, max_size=5),
        offers=offered(),
    )
    def check(demand, offers):
        rates = [price(name, "on_demand", usd) for name, usd in ON_DEMAND_USD.items()]
        rates += [price(name, "reserved_standard", usd, term) for name, usd, term in offers]
        found = planned(
            rates,
            {"web": demand},
            horizon={"hours": len(demand)},
            purchases={"hours": list(DATES)},
            workloads=[
                {"name": "web", "needs": {"unit": "own", "capacity": CAPACITY}, "regions": ["here"]}
            ],
            solve={"gap": 0, "solver": solver},
        )
        optimum = optimum_usd(demand, offers, windows_of(offers, len(demand)))
        assert float(found.model_cost_usd) == pytest.approx(optimum, rel=1e-6, abs=1e-6)
        assert float(found.total_cost_usd) == pytest.approx(optimum, rel=1e-6, abs=1e-6)

    check()
