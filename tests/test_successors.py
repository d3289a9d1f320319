"""Usage that leaves its machines' family: where it goes, what serves it there, what it costs."""

from pathlib import Path

import numpy as np
import pytest

from catalogs import Catalog, InvalidInputError
from catalogs.successors import base_name, has_later_generation, successor_name, with_successors
from planner import forecast_demand, make_plan, parse_request
from planner.forecasting.hazards import befall
from planner.planning import Surroundings, resolve
from planner.request import Replacement
from planner.successors import Replaceable, replaceable

SURE = Replacement(
    successor_per_year=0.999999999, successor_share=0.25, shortest_days=1, longest_days=1
)
DAY, YEAR = 24, 8760


@pytest.fixture(scope="module")
def aws():
    return Catalog.bundled("aws")


def test_names_go_there_and_back():
    for name in ("m5.large", "Standard_D8s_v5", "n2-standard-8", "n2/vcpu", "m5"):
        assert base_name(successor_name(name)) == name != successor_name(name)
    assert successor_name("n2/vcpu") == "n2-successor/vcpu"
    assert base_name("n2/vcpu") == "n2/vcpu"


@pytest.mark.parametrize(
    ("catalog", "name", "region", "has"),
    [
        ("aws", "m5.large", "us-east-1", True),
        ("aws", "r5.large", "us-east-1", True),
        ("aws", "c8g.large", "us-east-1", False),  # no generation 9
        ("aws", "a1.large", "us-east-1", False),  # the only one of its class
        ("gcp", "n2-standard-8", "us-east4", True),  # n4
        ("gcp", "e2-standard-8", "us-east4", False),
        ("azure", "Standard_D8s_v5", "eastus", True),  # v6
    ],
)
def test_a_later_generation_of_the_class_is_looked_for_in_the_region(catalog, name, region, has):
    prices = Catalog.bundled(catalog)

    assert has_later_generation(prices, prices.instance_type(name), [region]) is has


def test_a_region_without_later_machines_has_none(aws):
    """Every generation of m is sold somewhere; where m5 is the last one sold, it is the latest."""
    sold = aws.rates[aws.rates["kind"] == "on_demand"]
    families = aws.instance_types["family"]
    by_region = sold.groupby("region", observed=True)["instance_type"].unique()
    for region, names in by_region.items():
        later = any(
            family.startswith("m") and family[1:2].isdigit() and int(family[1]) > 5
            for family in families.reindex(names)
        )
        if families.reindex(names).eq("m5").any():
            assert has_later_generation(aws, aws.instance_type("m5.large"), [region]) is later


def rates_at(catalog, name, region):
    return {
        (str(one.kind), one.term_hours, str(one.payment)): one.hourly_usd
        for one in catalog.all_rates_of(name, region)
        if one.os == "linux"
    }


@pytest.mark.parametrize(
    ("catalog", "name", "region", "kinds"),
    [
        ("aws", "m5.large", "us-east-1", {"on_demand", "spot", "savings_plan_compute"}),
        ("azure", "Standard_D8s_v5", "eastus", {"on_demand", "spot", "azure_savings_plan"}),
    ],
)
def test_a_successor_has_the_rates_that_follow_it_and_no_other(catalog, name, region, kinds):
    prices = Catalog.bundled(catalog)
    wider = with_successors(prices, [name])

    own = rates_at(prices, name, region)
    new = rates_at(wider, successor_name(name), region)
    assert {kind for kind, *_ in new} <= kinds
    assert {"on_demand"} < {kind for kind, *_ in new}
    assert new == {terms: usd for terms, usd in own.items() if terms[0] in kinds}
    assert rates_at(wider, name, region) == own
    family = prices.instance_type(name).family
    assert wider.instance_type(successor_name(name)).family == f"{family}-successor"
    assert wider.parts == prices.parts


def test_machines_billed_by_parts_have_successors_by_parts():
    prices = Catalog.bundled("gcp")
    name, place = "n2-standard-8", ("us-east4", "linux", "shared")
    wider = with_successors(prices, [name])

    assert set(wider.instance_type(successor_name(name)).resources) == {
        "n2-successor/vcpu", "n2-successor/gib"
    }  # fmt: skip
    assert wider.on_demand_usd(successor_name(name), *place) == prices.on_demand_usd(name, *place)
    kinds = {kind for kind, *_ in rates_at(wider, "n2-successor/vcpu", "us-east4")}
    assert kinds <= {"on_demand", "spot", "flexible_commitment"}
    assert "flexible_commitment" in kinds


def test_a_share_leaves_at_its_date_and_the_sum_stays():
    """All leave within the first days of a year; a quarter of 8 and of 4 machines."""
    hours = 3 * YEAR
    series = {"web": np.full((4, hours), 8.0), "db": np.full((4, hours), 4.0)}
    ours = [Replaceable("web", "aws m5", has_later=False), Replaceable("db", "aws r5", True)]

    after = befall(series, [SURE], ages={"web": 1, "db": 1}, replaceable=ours, seed=1)

    assert sorted(after) == ["db", "db (successor)", "web", "web (successor)"]
    for name, whole in (("web", 8.0), ("db", 4.0)):
        moved = after[f"{name} (successor)"]
        assert after[name] + moved == pytest.approx(np.full((4, hours), whole))
        assert moved[:, 0] == pytest.approx(0)
        assert moved[:, -1] == pytest.approx(whole / 4)
        assert (np.diff(moved) >= -1e-12).all()


def test_series_of_one_family_leave_it_together():
    series = {name: np.full((8, YEAR), 10.0) for name in ("web", "api", "db")}
    ours = [Replaceable("web", "m5", True), Replaceable("api", "m5", True),
            Replaceable("db", "r5", True)]  # fmt: skip
    hazard = SURE.model_copy(update={"successor_per_year": 0.5})

    after = befall(series, [hazard], ages={}, replaceable=ours, seed=3)

    assert (after["web (successor)"] == after["api (successor)"]).all()
    assert (after["web (successor)"] != after["db (successor)"]).any()


def test_by_default_one_in_ten_leaves_a_year_where_a_later_generation_is_sold():
    """Of 400 futures, spread evenly; by the end of the third year 1 - 0.9³ = 27.1 % have left."""
    series = {name: np.full((400, 3 * YEAR), 10.0) for name in ("old", "only")}
    ours = [Replaceable("old", "m5", True), Replaceable("only", "a1", has_later=False)]
    quick = Replacement(shortest_days=1, longest_days=1)

    after = befall(series, [quick], ages={}, replaceable=ours, seed=1)

    assert sorted(after) == ["old", "old (successor)", "only"]
    assert (after["only"] == 10).all()
    left = after["old (successor)"] > 0
    for year, share in ((1, 0.1), (2, 0.19), (3, 0.271)):
        assert left[:, year * YEAR - 1].mean() == pytest.approx(share, abs=0.01)
    assert after["old (successor)"].max() == pytest.approx(1.0)  # a tenth of it


def asked(workloads, history=28, **parts):
    names = [one["name"] for one in workloads]
    series = {name: [10.0 + position] * 24 * history for position, name in enumerate(names)}
    return {
        "catalog": "aws",
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": series}},
        "forecast": {"paths": 4, "hazards": [SURE.model_dump()]},
        "horizon": {"hours": YEAR},
        "purchases": {"hours": [0]},
        "simplify": "off",
        "workloads": workloads,
    } | parts


def machines(name, kind):
    needs = {"unit": "machines", "of": kind}
    return {"name": name, "needs": needs, "regions": ["us-east-1"]}


def test_demand_never_moves_between_workloads():
    """Two services: what leaves one goes to a workload of its own, not to the other."""
    document = asked([machines("web", "m5.large"), machines("db", "r5.large")])
    spared = document | {"forecast": {"paths": 4, "hazards": []}}

    futures = forecast_demand(parse_request(document)).futures.demand.series
    before = forecast_demand(parse_request(spared)).futures.demand.series

    assert sorted(futures) == ["db", "db (successor)", "web", "web (successor)"]
    assert sorted(before) == ["db", "web"]
    for name in before:
        moved = futures[f"{name} (successor)"]
        assert futures[name] + moved == pytest.approx(before[name])
        assert moved.reshape(4, -1)[:, -1] == pytest.approx(before[name].reshape(4, -1)[:, -1] / 4)


def test_what_counts_machines_or_units_of_one_family_may_leave_it():
    own = {"name": "own", "needs": {"unit": "own", "capacity": {"m5.large": 1}},
           "regions": ["us-east-1"]}  # fmt: skip
    units = {"name": "units", "needs": {"unit": "normalized_units", "of": "m5"},
             "regions": ["us-east-1"]}  # fmt: skip
    listed = [machines("web", "m5.large"), machines("old", "m5.large"),
              machines("new", "m6i.large"), own, units]  # fmt: skip
    request = parse_request(asked(listed, forecast={"together": [["old", "new"]]}))

    found = replaceable(request, Catalog.bundled("aws"))

    assert {one.series: (one.family, one.has_later) for one in found} == {
        "web": ("aws m5", True),
        "units": ("aws m5", True),
    }


def test_a_series_that_a_workload_with_a_choice_reads_too_stays():
    own = {"name": "own", "needs": {"unit": "own", "capacity": {"m5.large": 1}},
           "regions": ["us-east-1"], "series": "web"}  # fmt: skip
    request = parse_request(asked([machines("web", "m5.large"), own]))

    assert replaceable(request, Catalog.bundled("aws")) == ()


def test_reservations_and_family_plans_serve_no_successor_and_compute_plans_do():
    """In the plan and in its bill, by pools of their own."""
    document = asked([machines("web", "m5.large")], offers={"terms_months": [12]})
    problem = resolve(parse_request(document), Surroundings(folder=Path()))
    pools = [str(key) for key in problem.pools.keys]
    moved = pools.index("us-east-1 m5-successor linux")

    serving = {
        str(option.offer.kind)
        for option in problem.options
        for machine, _ in option.resource_rates
        if machine.family == "m5-successor"
    }
    assert serving == {"savings_plan_compute"}
    assert not [one for one in problem.options if one.pool == moved]


@pytest.mark.parametrize("kind", ["reserved_standard", "savings_plan_ec2", "savings_plan_compute"])
def test_the_bill_of_what_has_left_is_on_demand_but_for_plans_that_follow_it(kind):
    """A quarter leaves within days; the rest of the year a commitment for all serves the rest."""
    document = asked(
        [machines("web", "m5.large")],
        offers={"kinds": [kind], "terms_months": [12], "payments": ["no_upfront"]},
        limits={"coverage": {"at_least": 0.99}} if kind == "savings_plan_compute" else {},
        solve={"gap": 1e-6},
    )
    plan = make_plan(parse_request(document))

    coverage = {one.pool: one.coverage for one in plan.pools}
    moved = coverage["us-east-1 m5-successor linux"]
    if kind == "savings_plan_compute":
        assert moved > 0.9
    else:
        assert moved == 0
        assert coverage["us-east-1 m5 linux"] > 0.9


def test_units_of_a_family_have_successors_in_all_its_sizes():
    units = {"name": "units", "needs": {"unit": "normalized_units", "of": "m5"},
             "regions": ["us-east-1"]}  # fmt: skip
    plan = make_plan(parse_request(asked([units])))

    assert {one.pool for one in plan.pools} >= {"us-east-1 m5-successor linux"}


def test_without_hazards_nothing_leaves():
    document = asked([machines("web", "m5.large")], forecast={"paths": 4, "hazards": []})

    plan = make_plan(parse_request(document))

    assert [one.pool for one in plan.pools] == ["us-east-1 m5 linux"]


def test_a_forecast_shows_the_demand_that_is_planned_for():
    """By month: the mean over the futures, in the plan by its pools' on-demand equivalents."""
    document = asked([machines("web", "m5.large"), machines("db", "r5.large")])

    made = forecast_demand(parse_request(document))
    plan = make_plan(parse_request(document))

    rates = Catalog.bundled("aws")
    equivalents = {one.pool: float(one.on_demand_equivalent_usd) for one in plan.pools}
    for series, family in (("web", "m5"), ("db", "r5")):
        hourly_usd = float(rates.on_demand_usd(f"{family}.large", "us-east-1"))
        report = next(one for one in made.report.series if one.workload == series)
        starts = [f"2026-{month:02d}-01" for month in range(2, 13)]
        assert {one.month for one in report.months} >= {start[:7] for start in starts}
        for suffix, of in (("", "planned"), ("-successor", "left")):
            planned = made.futures.mean(series if of == "planned" else f"{series} (successor)")
            pool = equivalents[f"us-east-1 {family}{suffix} linux"]
            assert planned.sum() * hourly_usd == pytest.approx(pool, rel=1e-6)
            first = getattr(report.months[1], of)  # February has 28 days
            january = 3 * DAY  # the forecast begins on the 29th
            assert first == pytest.approx(planned[january : january + 28 * DAY].mean())


def test_names_of_what_leaves_a_family_are_refused_at_every_place_at_once():
    """A series of such a name would be counted twice: as it is, and as what has left another."""
    units = {"unit": "vcpus_and_memory", "vcpus": "cpu (successor)", "memory_gib": "gib"}
    document = asked(
        [
            machines("web", "m5.large"),
            machines("web (successor)", "m6i.large"),
            machines("db", "r5.large") | {"series": "web (successor)"},
            {"name": "app", "needs": units, "regions": ["us-east-1"]},
        ]
    )

    with pytest.raises(InvalidInputError) as caught:
        parse_request(document)

    faults = {one.field: one for one in caught.value.faults}
    assert sorted(faults) == [
        "workloads.1.name", "workloads.2.series", "workloads.3.needs.vcpus"
    ]  # fmt: skip
    assert faults["workloads.1.name"].value == "'web (successor)'"
    assert faults["workloads.1.name"].fix == (
        "a forecast gives names ending in (successor) to usage that leaves its machines' family; "
        "write another name"
    )
