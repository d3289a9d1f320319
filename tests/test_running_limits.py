"""Quotas on machines in parts, and limits on egress: case by case, and against a road of its own.

The oracle tries every number of reserved machines and solves the rest as one small linear program
with a row for every hour; it knows neither of hours that stand for others nor of cuts.
"""

from io import StringIO
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.optimize import linprog

from api.command.terminal import show_plan
from catalogs import InvalidInputError
from planner import InfeasibleError, make_plan, parse_request
from planner.formulation.running_peaks import skyline

HOURS = 4
HOME = {"provider": "custom", "region": "here"}


def own(name, capacity, regions=("here",), **more):
    needs = {"unit": "own", "capacity": capacity}
    return {"name": name, "needs": needs, "regions": list(regions)} | more


def moves(gib, **home):
    return {"gib_per_unit_hour": gib, "home": HOME | home}


def two_regions(price, here_usd=1.0, there_usd=0.5):
    return [price("m", "on_demand", here_usd), price("m", "on_demand", there_usd, region="there")]


def limits(egress=(), quotas=()):
    return {"limits": {"egress": list(egress), "quotas": list(quotas)}}


def faults_of(document):
    with pytest.raises(InvalidInputError) as caught:
        make_plan(parse_request(document))
    return [(fault.field, fault.value.strip("'"), fault.fix) for fault in caught.value.faults]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_what_leaves_home_is_limited_in_the_busiest_hour(planned, price, method):
    """Of 10 units at the peak 4 may run there: 0.5 GiB each, 2 GiB an hour. So 40 % of 20 do."""
    found = planned(
        two_regions(price),
        {"web": [4, 10, 2, 4]},
        workloads=[own("web", {"m": 1}, ("here", "there"), egress=moves(0.5))],
        solve={"gap": 0, "method": method},
        **limits([{"name": "line", "at_most_gib_per_hour": 2}]),
    )
    assert float(found.total_cost_usd) == pytest.approx(20 * (0.6 * 1.0 + 0.4 * 0.5))
    console = Console(width=80, record=True, file=StringIO())
    show_plan(console, found)
    assert "egress.line  2026-01-01 01:00     2  2 GiB/h  binds" in console.export_text()
    (peak,) = found.limit_peaks
    assert (peak.limit, peak.unit, peak.binds) == ("limits.egress.line", "GiB per hour", True)
    assert peak.peak == pytest.approx(2)
    assert (peak.at.hour, peak.scenario) == (1, None)


def test_egress_counts_where_it_leads_to_and_of_whom(planned, price):
    """One line may carry nothing, but neither of this workload nor to that place."""
    rates = two_regions(price)
    workload = own("web", {"m": 1}, ("here", "there"), egress=moves(0.5))
    job = own("job", {"m": 1}, ("here", "there"), egress=moves(0.5))
    demand = {"web": [4] * HOURS, "job": [1] * HOURS}
    away = {"name": "job", "at_most_gib_per_hour": 0, "workloads": ["job"]}
    back = {"name": "back", "at_most_gib_per_hour": 0, "regions": ["here"]}
    found = planned(rates, demand, workloads=[workload, job], **limits([away, back]))
    assert float(found.total_cost_usd) == pytest.approx(HOURS * (4 * 0.5 + 1 * 1.0))
    assert [(one.limit, one.peak) for one in found.limit_peaks] == [
        ("limits.egress.job", pytest.approx(0)),
        ("limits.egress.back", 0),
    ]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_a_quota_counts_parts_of_machines_while_they_run(planned, price, method):
    """Reserved machines that idle take no room: two of a by day, then two of b, under two."""
    rates = [price("a", "on_demand", 1.0), price("b", "on_demand", 1.0)]
    rates.append(price("a", "reserved_standard", 0.3, HOURS))
    demand = {"day": [1.5, 1.5, 1.5, 0], "night": [0, 0, 0, 2]}
    found = planned(
        rates,
        demand,
        workloads=[own("day", {"a": 1}), own("night", {"b": 1})],
        solve={"gap": 0, "method": method},
        **limits(quotas=[{"name": "all", "at_most": 2}]),
    )
    # The second machine serves a half for three hours: 1.5 USD on demand, 1.2 USD reserved.
    assert float(found.total_cost_usd) == pytest.approx(2 * HOURS * 0.3 + 2 * 1.0)
    assert [(one.peak, one.binds, one.at.hour) for one in found.limit_peaks] == [(2.0, True, 3)]


@pytest.mark.parametrize(("field", "of_big"), [("at_most", 1.5), ("at_most_vcpus", 2.25)])
def test_a_quota_tells_sizes_of_one_family_apart(planned, price, field, of_big):
    """Small and big cost the same a unit. Big serves 4, small 1: ten units under these."""
    types = [
        {"name": "f.small", "vcpus": 1, "memory_gib": 1, "normalized_units": 1},
        {"name": "f.big", "vcpus": 1.5, "memory_gib": 4, "normalized_units": 4},
    ]
    types = [one | {"family": "f", "size_flexible": True} for one in types]
    quota = {"name": "few", field: 4 if field == "at_most" else 3}
    found = planned(
        [price("f.small", "on_demand", 1.0), price("f.big", "on_demand", 4.0)],
        {"web": [7] * HOURS},
        types=types,
        workloads=[own("web", {"f.small": 1, "f.big": 4})],
        **limits(quotas=[quota]),
    )
    shares = {one.instance_type: one.share for one in found.mix}
    assert float(found.total_cost_usd) == pytest.approx(7 * HOURS)
    counted = {"f.small": 7, "f.big": 7 / 4 * (1 if field == "at_most" else 1.5)}
    assert sum(counted[name] * share for name, share in shares.items()) <= quota[field] + 1e-6
    assert shares["f.big"] * 4 >= of_big


def test_spot_counts_and_providers_are_told_apart(document, price):
    workload = own("web", {"m": 1, "n": 1}, spot={"at_most": 1, "overhead": 0})
    quotas = [
        {"name": "of custom", "at_most": 3, "providers": ["custom"]},
        {"name": "of gcp", "at_most": 4, "providers": ["gcp"]},
    ]
    mine = [price("m", "on_demand", 2.0), price("m", "spot", 0.5)]
    parts = {"workloads": [workload]} | limits(quotas=quotas)
    asked = document(mine, {"web": [7] * HOURS}, **parts)
    other = document([price("n", "on_demand", 1.0)], {})["catalog"]["inline"]
    asked["catalog"] = [asked["catalog"], {"inline": other | {"name": "b", "provider": "gcp"}}]
    found = make_plan(parse_request(asked))
    assert float(found.total_cost_usd) == pytest.approx(HOURS * (3 * 0.5 + 4 * 1.0))
    assert [one.binds for one in found.limit_peaks] == [True, True]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_limits_hold_in_every_future(planned, price, method):
    """The mix is one for both futures, and the busy one sets it."""
    found = planned(
        two_regions(price),
        {"calm": {"web": [2] * HOURS}, "busy": {"web": [8] * HOURS}},
        scenarios={"calm": 0.5, "busy": 0.5},
        workloads=[own("web", {"m": 1}, ("here", "there"), egress=moves(1))],
        solve={"gap": 0, "method": method},
        **limits([{"name": "line", "at_most_gib_per_hour": 2}]),
    )
    assert float(found.total_cost_usd) == pytest.approx(5 * HOURS * (0.75 * 1.0 + 0.25 * 0.5))
    assert [(one.scenario, one.binds) for one in found.limit_peaks] == [("busy", True)]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_limits_that_conflict_are_named(planned, price, method):
    """Four machines fit here, two may work from there: six of seven."""
    quotas = [{"name": "here", "at_most": 4, "regions": ["here"]}, {"name": "all", "at_most": 99}]
    with pytest.raises(InfeasibleError) as caught:
        planned(
            two_regions(price),
            {"web": [1, 7, 1, 1]},
            workloads=[own("web", {"m": 1}, ("here", "there"), egress=moves(1))],
            solve={"gap": 0, "method": method},
            **limits([{"name": "line", "at_most_gib_per_hour": 2}], quotas),
        )
    assert [(one.field, one.value) for one in caught.value.conflicts] == [
        ("limits.egress.line", "2"),
        ("limits.quotas.here.at_most", "4"),
    ]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_a_workload_that_has_no_choice_may_pass_a_limit(planned, price, method):
    with pytest.raises(InfeasibleError) as caught:
        planned(
            [price("m", "on_demand", 1.0)],
            {"web": [3, 4]},
            workloads=[own("web", {"m": 1}, egress=moves(1, provider="own", region="office"))],
            solve={"gap": 0, "method": method},
            **limits([{"name": "line", "at_most_gib_per_hour": 3.5}]),
        )
    assert [one.field for one in caught.value.conflicts] == ["limits.egress.line"]


def test_bounds_on_places_are_named_where_they_conflict(planned, price):
    away = {"regions": ["there"], "at_least": 0.5}
    with pytest.raises(InfeasibleError) as caught:
        planned(
            two_regions(price),
            {"web": [4] * HOURS},
            workloads=[own("web", {"m": 1}, ("here", "there"), egress=moves(1), placement=[away])],
            **limits([{"name": "line", "at_most_gib_per_hour": 1}]),
        )
    assert [one.field for one in caught.value.conflicts] == [
        "workloads.0.placement.0",
        "limits.egress.line",
    ]


def test_every_fault_of_limits_on_egress_is_told_at_once(document, price):
    asked = document(
        two_regions(price),
        {"web": [1] * HOURS, "job": [1] * HOURS},
        workloads=[
            own("web", {"m": 1}, egress=moves(1, provider="nimbus")),
            own("job", {"m": 1}),
        ],
        **limits(
            [
                {"name": "a", "at_most_gib_per_hour": 1, "workloads": ["job", "jbo"]},
                {"name": "b", "at_most_gib_per_hour": 1, "regions": ["x"], "providers": ["y"]},
            ],
            [{"name": "q", "at_most": 1, "providers": ["z"]}],
        ),
    )
    none = "the catalogue knows none; take it out"
    providers = "no such provider; there are: aws, azure, custom, gcp, own"
    assert faults_of(asked) == [
        ("limits.quotas.0.providers", "z", none),
        ("workloads.0.egress.home.provider", "nimbus", providers),
        (
            "limits.egress.0.workloads",
            "job",
            "has no egress; write what it moves in its egress, or take it out",
        ),
        ("limits.egress.0.workloads", "jbo", "no such workload; there are: job, web"),
        ("limits.egress.1.providers", "y", none),
        ("limits.egress.1.regions", "x", none),
    ]


def test_egress_is_refused_with_whole_machines_and_without_workloads_that_have_it(document, price):
    asked = document(
        two_regions(price),
        {"web": [1] * HOURS},
        workloads=[own("web", {"m": 1})],
        whole_machines=True,
        **limits([{"name": "a", "at_most_gib_per_hour": 1}]),
    )
    assert [(field, fix) for field, _, fix in faults_of(asked)] == [
        ("limits.egress.0", "cannot go with whole_machines; take one of them out"),
        (
            "limits.egress.0",
            "no workload has egress; write what one moves in workloads[].egress",
        ),
    ]


@pytest.mark.parametrize(
    ("egress", "field"),
    [
        ({"gib_per_unit_hour": 0, "home": HOME}, "workloads.0.egress.gib_per_unit_hour"),
        ({"gib_per_unit_hour": 1}, "workloads.0.egress.home"),
        ({"gib_per_unit_hour": 1, "home": {"region": "here"}}, "workloads.0.egress.home.provider"),
        (moves(1, region="nowhere"), "workloads.0.egress.home.region"),
        (moves(1) | {"usd_per_gib": 0.09}, "workloads.0.egress.usd_per_gib"),
    ],
)
def test_a_badly_written_egress_is_a_fault(document, price, egress, field):
    workloads = [own("web", {"m": 1}, egress=egress)]
    with pytest.raises(InvalidInputError) as caught:
        make_plan(parse_request(document(two_regions(price), {"web": [1]}, workloads=workloads)))
    assert [fault.field for fault in caught.value.faults] == [field]


@pytest.mark.parametrize(
    "limit",
    [{"at_most_gib_per_hour": -1}, {}, {"at_most_gib_per_hour": 1, "workloads": []},
     {"at_most_gib_per_hour": "inf"}],
)  # fmt: skip
def test_a_badly_written_limit_is_a_fault(document, price, limit):
    with pytest.raises(InvalidInputError) as caught:
        parse_request(document(two_regions(price), {"web": [1]}, **limits([{"name": "a"} | limit])))
    assert all(fault.field.startswith("limits.egress.0.") for fault in caught.value.faults)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=12))
def test_a_skyline_has_no_hour_that_another_makes_needless_and_stands_for_all(points):
    points = np.array(points, dtype=float)
    kept = points[skyline(points)]
    for one in points:
        assert any(np.all(one <= other) for other in kept)
    for i, j in product(range(len(kept)), repeat=2):
        assert i == j or not np.all(kept[i] <= kept[j])


MACHINES = {("m", "here"): 1.0, ("big", "here"): 2.6, ("m", "there"): 0.7}
CAPACITY = {"m": 1.0, "big": 3.0}
RESERVED_USD = 0.45


def oracle(demand, request):
    """The least cost [USD]; None where there is no plan. One reserved machine is m, here."""
    names = list(demand)
    columns = [(name, place) for name in names for place in MACHINES]
    most = int(np.ceil(sum(max(values) for values in demand.values())))
    costs = [_cost(demand, columns, request, reserved) for reserved in range(most + 1)]
    return min((cost for cost in costs if cost is not None), default=None)


def _cost(demand, columns, request, reserved):
    """Shares of every (workload, machine), then machines of m on demand here in every hour."""
    hours = range(HOURS)
    cost, upper, right = np.zeros(len(columns) + HOURS), [], []
    cost[len(columns) :] = MACHINES["m", "here"]
    for j, (name, place) in enumerate(columns):
        if place != ("m", "here"):
            cost[j] = sum(demand[name]) / CAPACITY[place[0]] * MACHINES[place]
    for t in hours:
        row = [demand[n][t] if p == ("m", "here") else 0.0 for n, p in columns]
        upper.append(row + [-1.0 if t == s else 0.0 for s in hours])
        right.append(reserved)
        for quota in request["quotas"]:
            counts = [
                p[1] in quota.get("regions", p[1]) and p[0] in quota.get("instance_types", [p[0]])
                for _, p in columns
            ]
            row = [
                demand[n][t] / CAPACITY[p[0]] * c for (n, p), c in zip(columns, counts, strict=True)
            ]
            upper.append(row + [0.0] * HOURS)
            right.append(quota["at_most"])
        for limit in request["egress"]:
            row = [
                demand[n][t] * GIB[n]
                if p[1] != "here" and n in limit.get("workloads", demand)
                else 0.0
                for n, p in columns
            ]
            upper.append(row + [0.0] * HOURS)
            right.append(limit["at_most_gib_per_hour"])
    whole = [[1.0 if n == name else 0.0 for n, _ in columns] + [0.0] * HOURS for name in demand]
    found = linprog(cost, upper, right, whole, [1.0] * len(demand), method="highs")
    if found.status != 0:
        return None
    return found.fun + reserved * HOURS * RESERVED_USD


GIB = {"web": 0.5, "job": 2.0}
SERIES = st.lists(st.integers(0, 5), min_size=HOURS, max_size=HOURS)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    demand=st.fixed_dictionaries({"web": SERIES, "job": SERIES}),
    room=st.integers(1, 9),
    small=st.integers(0, 6),
    gib=st.integers(0, 12),
    of_job=st.integers(0, 8),
    method=st.sampled_from(["extensive", "decomposed"]),
)
def test_plans_under_random_limits_cost_what_the_oracle_says(
    planned, price, demand, room, small, gib, of_job, method
):
    request = {
        "quotas": [
            {"name": "room", "at_most": room, "regions": ["here"]},
            {"name": "small", "at_most": small, "instance_types": ["m"]},
        ],
        "egress": [
            {"name": "all", "at_most_gib_per_hour": gib},
            {"name": "job", "at_most_gib_per_hour": of_job, "workloads": ["job"]},
        ],
    }
    rates = [price(n, "on_demand", usd, region=r) for (n, r), usd in MACHINES.items()]
    rates.append(price("m", "reserved_standard", RESERVED_USD, HOURS))
    both = ("here", "there")
    workloads = [own(name, CAPACITY, both, egress=moves(GIB[name])) for name in demand]
    least = oracle(demand, request)

    def plan():
        return planned(
            rates, demand, workloads=workloads, limits=request,
            solve={"gap": 0, "method": method},
        )  # fmt: skip

    if least is None:
        with pytest.raises(InfeasibleError):
            plan()
        return
    found = plan()
    assert float(found.total_cost_usd) == pytest.approx(least, abs=1e-4)
    assert not [one for one in found.warnings if one.startswith("limits: ")]
    assert all(one.peak <= one.at_most + 1e-5 for one in found.limit_peaks)
