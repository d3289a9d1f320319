"""Servers that stand in for what nobody rents out are refused, each by its name."""

import pytest

from catalogs import InvalidInputError
from planner import make_plan, parse_request

SERVER = {"name": "r1", "site": "home", "capex_usd": 9000, "life_years": 4}


def faults_of(replaces, **more):
    request = {
        "catalog": ["aws", "gcp"],
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": {"web": [1.0, 2.0]}}},
        "workloads": [
            {"name": "web", "regions": ["us-east4"],
             "needs": {"unit": "machines", "of": "n2-standard-8"}}
        ],
        "hardware": [SERVER | {"replaces": replaces} | more],
    }  # fmt: skip
    with pytest.raises(InvalidInputError) as refused:
        make_plan(parse_request(request))
    return [str(fault) for fault in refused.value.faults]


def test_unknown_names_and_machines_billed_by_parts_are_told_together():
    assert faults_of({"m5.lrage": 2, "n2-standard-8": 3}) == [
        "hardware.0.replaces.m5.lrage = 'm5.lrage': the catalogue has no such type or resource; "
        "nearest: m5.large, m5n.large, m5d.large",
        "hardware.0.replaces.n2-standard-8 = 'n2-standard-8': is billed by its resources; name "
        "them instead: n2/vcpu, n2/gib",
    ]


def test_every_wrong_value_is_listed_at_once():
    fields = [one.split(" =")[0] for one in faults_of({}, capex_usd=-1, life_years=0, pue=0.5)]
    assert fields == [
        "hardware.0.replaces",
        "hardware.0.capex_usd",
        "hardware.0.life_years",
        "hardware.0.pue",
    ]
