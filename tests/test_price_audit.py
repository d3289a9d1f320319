"""Plans of random requests at uneven unit prices, against the audit's own optimum and bills.

The audit in ``benchmarks/audit`` shares no code with the planner's model and bill.
``python benchmarks/price_audit.py`` runs as many requests as asked; ``test_price_audit_by_hand.py``
checks the audit itself.
"""

import json
import sys

import price_audit
import pytest
from audit import PROVIDERS, audit, combinations, least_bill, optimum, random_request, read
from audit.enumeration import MOST_PURCHASES

SEARCHES_THE_BILL = True
TENS = 4
"""Requests of each provider that are audited here, in tens."""


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_order_of_a_provider_is_never_cheaper_than_free_assignment(provider):
    """Of the audit's own figures: an error in one of them would hide behind the planner's."""
    enumerated = 0
    for number in range(40):
        fleet = read(random_request(provider, number))
        if not fleet.has_choice and combinations(fleet) <= MOST_PURCHASES:
            enumerated += 1
            assert optimum(fleet).bound_usd <= least_bill(fleet).usd * (1 + 1e-6), number
    assert enumerated >= 20


@pytest.mark.parametrize("provider", PROVIDERS)
def test_requests_are_of_every_sort_and_the_same_every_time(provider):
    documents = [random_request(provider, number) for number in range(40)]
    fleets = [read(one) for one in documents]

    assert documents == [random_request(provider, number) for number in range(40)]
    assert sum(fleet.has_choice for fleet in fleets) >= 5
    assert sum(bool(fleet.owned) for fleet in fleets) >= 5
    assert sum(len({lot.begin for lot in fleet.lots}) > 1 for fleet in fleets) >= 5
    assert sum(not fleet.is_proportional() for fleet in fleets) >= (0 if provider == "gcp" else 10)


@pytest.mark.slow
@pytest.mark.parametrize("ten", range(TENS))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_plan_breaks_a_law(provider, ten):
    """No bound lies above the optimum, no bill differs or is below the least one."""
    numbers = range(10 * ten, 10 * ten + 10)
    audits = {number: audit(random_request(provider, number)) for number in numbers}

    assert {number: one.broken for number, one in audits.items() if one.broken} == {}


def test_the_benchmark_prints_a_line_for_every_provider(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["price_audit.py", "--examples", "3", "--providers", "gcp"])

    price_audit.main()

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["case"], line["requests"], line["failed"]) == ("gcp", 3, {})
    assert line.keys() >= {"seconds", "broken", "bill_above_least", "bill_above_bound"}
