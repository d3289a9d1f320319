"""What really ran, billed under a plan's commitments, against bills written by hand."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogs import Catalog, CatalogDocument, InvalidInputError
from planner import Surroundings, make_plan, parse_request
from planner.actuals import Actuals, bill_plan, parse_plan, usage_source
from planner.actuals.explaining import Use, explain
from planner.billing import OwnHardware, RateKey
from planner.planning import resolve

START = datetime.fromisoformat("2026-01-30T00:00Z")
HOURS = 96  # the last two days of January and the first two of February
ZERO = Decimal(0)
N2_VCPU_USD, N2_GIB_USD = 0.035605, 0.004771
"""Per hour in us-east4, as listed."""


@pytest.fixture
def billed(tmp_path):
    """The bill of a request's plan, read back from its JSON, under these series of usage."""

    def of(request_document, series, *, hour=0, scenario=None, prices=None, plan=None):
        request = parse_request(request_document)
        made = plan or make_plan(request)
        read_back = parse_plan(json.loads(made.model_dump_json()))
        source = usage_source(request.demand, usage_file(tmp_path, series, hour))
        return bill_plan(read_back, request, Actuals(source, scenario, prices))

    return of


def usage_file(folder, series, hour=0):
    rows = [",".join(["timestamp", *series])]
    for position, values in enumerate(zip(*series.values(), strict=True)):
        moment = START + timedelta(hours=hour + position)
        rows.append(",".join([moment.isoformat(), *map(repr, values)]))
    path = folder / "usage.csv"
    path.write_text("\n".join(rows))
    return path


def requested(document, rates, demand, **parts):
    made = document(rates, demand, **parts)
    inline = made["demand"]["inline"] | {"start": START.isoformat()}
    return made | {"demand": {"inline": inline}, "solve": {"gap": 0, "solver": "scip"}}


@pytest.fixture
def two_types(document, price):
    """`a`: 3 machines, bought for all hours at half price; `b`: 2 on demand."""
    rates = [
        price("a", "on_demand", 1),
        price("a", "reserved_standard", 0.5, HOURS),
        price("b", "on_demand", 2),
    ]
    return requested(document, rates, {"a": [3] * HOURS, "b": [2] * HOURS})


@pytest.fixture
def mixed(document, price):
    """`web` may run on `a`, of which 3 are owned, or on the cheaper `b`; it needs 4."""
    owned = {
        "id": "old", "kind": "reserved_standard", "hourly_usd": 1, "quantity": 3,
        "start": "2025-01-01T00:00Z", "end": "2027-01-01T00:00Z",
        "instance_type": "a", "region": "here",
    }  # fmt: skip
    workload = {
        "name": "web", "needs": {"unit": "own", "capacity": {"a": 1, "b": 1}}, "regions": ["here"],
    }  # fmt: skip
    rates = [price("a", "on_demand", 3), price("b", "on_demand", 2)]
    return requested(document, rates, {"web": [4] * 8}, owned=[owned], workloads=[workload])


def parts_of(difference):
    return {name: float(value) for name, value in dict(difference).items() if value}


def assert_adds_up(bill):
    assert bill.total_cost_usd == bill.on_demand_usd + bill.commitment_usd
    assert bill.difference_usd == bill.total_cost_usd - bill.planned_cost_usd
    assert bill.difference.total_usd == bill.difference_usd
    for month in bill.months:
        assert month.difference.total_usd == month.total_usd - month.planned_usd
    for amount, read in (
        (bill.total_cost_usd, lambda month: month.total_usd),
        (bill.planned_cost_usd, lambda month: month.planned_usd),
        (bill.commitment_usd, lambda month: month.commitment_usd),
        (bill.on_demand_usd, lambda month: month.on_demand_usd),
    ):
        assert sum(map(read, bill.months), ZERO) == amount
    for part in ("usage_usd", "mix_usd"):
        by_workload = sum((getattr(one, part) for one in bill.workloads), ZERO)
        assert by_workload == getattr(bill.difference, part)
    costs = sum((one.cost_usd for one in bill.commitments), ZERO)
    assert costs == bill.commitment_usd


# As planned


def test_the_forecast_itself_costs_what_the_plan_costs_to_the_nano_dollar(billed, two_types):
    plan = make_plan(parse_request(two_types))

    bill = billed(two_types, two_types["demand"]["inline"]["series"], plan=plan)

    assert bill.total_cost_usd == bill.planned_cost_usd == plan.total_cost_usd
    assert all(value == 0 for value in dict(bill.difference).values())
    assert [one.planned_usd for one in bill.months] == [
        one.on_demand_usd + one.commitment_usd for one in plan.monthly
    ]
    assert (bill.coverage, bill.utilization) == (plan.coverage, plan.utilization)
    assert (bill.start, bill.hours, bill.notes, bill.warnings) == (START, HOURS, (), ())
    assert_adds_up(bill)


@pytest.mark.parametrize(
    "horizon",
    [{"accounting": "cash_flow", "discount_rate": 0.5}, {"accounting": "full_term"}, {}],
)
def test_the_forecast_costs_what_was_planned_in_every_accounting(billed, document, price, horizon):
    """Uneven prices, purchases at several dates, terms beyond the horizon, a choice of machines."""
    rates = [
        price("a", "on_demand", 0.107), price("b", "on_demand", 0.213),
        price("a", "reserved_standard", 0.01, 150, "partial_upfront", 5.3),
        price("b", "reserved_standard", 0.1117, 40),
    ]  # fmt: skip
    demand = {"web": [1 + hour % 7 + hour / 50 for hour in range(HOURS)], "b": [1.5] * HOURS}
    capacity = {"a": 1.1, "b": 2.3}
    workloads = [
        {"name": "web", "regions": ["here"], "needs": {"unit": "own", "capacity": capacity}},
        {"name": "b", "regions": ["here"], "needs": {"unit": "machines", "of": "b"}},
    ]  # fmt: skip
    request = requested(
        document, rates, demand, workloads=workloads, purchases={"hours": [0, 30]}, horizon=horizon
    )
    plan = make_plan(parse_request(request))
    assert plan.purchases

    bill = billed(request, demand, plan=plan)

    assert bill.total_cost_usd == bill.planned_cost_usd == plan.total_cost_usd
    assert all(value == 0 for value in dict(bill.difference).values())
    more = billed(request, {name: [2 * v for v in values] for name, values in demand.items()})
    assert more.difference.usage_usd > 0
    assert_adds_up(more)


def test_reservations_tied_to_workloads_are_found_again(billed, document, price):
    """Each of two workloads on the same machines has its own; neither serves the other."""
    rates = [price("m", "on_demand", 1), price("m", "reserved_standard", 0.5, HOURS)]
    needs = {"unit": "machines", "of": "m"}
    workloads = [{"name": name, "needs": needs, "regions": ["here"]} for name in ("web", "db")]
    demand = {"web": [2] * HOURS, "db": [1] * HOURS}
    request = requested(document, rates, demand, workloads=workloads, reservations="dedicated")

    assert billed(request, demand).difference_usd == 0
    moved = billed(request, {"web": [0] * HOURS, "db": [3] * HOURS})

    assert parts_of(moved.difference) == {"commitments_usd": 2 * HOURS}
    assert sorted(one.utilization for one in moved.commitments) == [0, 1]
    assert_adds_up(moved)


# Other usage


def test_half_the_usage_leaves_commitments_idle(billed, two_types):
    """Half of 3 × 1 + 2 × 2 USD is not needed; 3 reserved machines serve 1.5 fewer of 1 USD."""
    bill = billed(two_types, {"a": [1.5] * HOURS, "b": [1.0] * HOURS})

    assert parts_of(bill.difference) == {"usage_usd": -3.5 * HOURS, "commitments_usd": 1.5 * HOURS}
    assert bill.planned_cost_usd == Decimal("5.5") * HOURS
    assert bill.total_cost_usd == Decimal("3.5") * HOURS
    (reservation,) = bill.commitments
    assert (reservation.utilization, reservation.planned_utilization) == (0.5, 1.0)
    assert reservation.unused_usd == bill.unused_usd == Decimal("0.75") * HOURS
    assert reservation.planned_unused_usd == 0
    assert [one.month for one in bill.months] == ["2026-01", "2026-02"]
    assert {parts_of(one.difference)["usage_usd"] for one in bill.months} == {-3.5 * HOURS / 2}
    by_workload = {one.workload: one for one in bill.workloads}
    assert by_workload["a"].usage_usd == Decimal("-1.5") * HOURS
    assert by_workload["b"].usage_usd == -2 * HOURS
    assert by_workload["b"].planned_usd == 4 * HOURS
    assert by_workload["b"].actual_usd == 2 * HOURS
    assert_adds_up(bill)


def test_doubled_usage_runs_on_demand(billed, two_types):
    bill = billed(two_types, {"a": [6] * HOURS, "b": [4] * HOURS})

    assert parts_of(bill.difference) == {"usage_usd": 7 * HOURS}
    assert bill.on_demand_usd == (3 + 8) * HOURS
    assert bill.coverage == pytest.approx(3 / 14)
    assert_adds_up(bill)


def test_usage_of_a_part_of_the_horizon_is_compared_with_that_part(billed, two_types):
    """Hours 40 to 64: eight in January, sixteen in February."""
    bill = billed(two_types, {"a": [3] * 24, "b": [3] * 24}, hour=40)

    assert (bill.start, bill.hours) == (START + timedelta(hours=40), 24)
    assert bill.planned_cost_usd == Decimal("5.5") * 24
    assert parts_of(bill.difference) == {"usage_usd": 2 * 24}
    assert [float(one.difference.usage_usd) for one in bill.months] == [2 * 8, 2 * 16]
    assert_adds_up(bill)


def test_usage_that_overlaps_the_horizon_is_billed_inside_and_the_rest_told(billed, two_types):
    bill = billed(two_types, {"a": [3] * 24, "b": [2] * 24}, hour=-6)

    assert (bill.start, bill.hours, bill.difference_usd) == (START, 18, 0)
    assert bill.notes == (
        "usage: 6 of its hours lie outside the plan's horizon and are not billed",
    )


def test_commitments_bought_after_the_usage_are_not_in_its_bill(billed, document, price):
    rates = [price("a", "on_demand", 1), price("a", "reserved_standard", 0.5, 48)]
    demand = {"a": [0] * 48 + [3] * 48}
    horizon = {"hours": HOURS}
    request = requested(document, rates, demand, purchases={"hours": [0, 48]}, horizon=horizon)

    before = billed(request, {"a": [1] * 48})
    after = billed(request, {"a": [1] * 48}, hour=48)

    assert (before.commitments, before.total_cost_usd) == ((), 48)
    (purchase,) = after.commitments
    assert (purchase.start, purchase.owned) == (START + timedelta(hours=48), False)
    assert after.total_cost_usd == Decimal("1.5") * 48


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    usage=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=4),
    factor=st.sampled_from([1, 0.37, 1.9]),
)
def test_every_bill_is_usage_left_by_reservations_and_its_parts_add_up(
    billed, two_types, usage, factor
):
    """On demand: what 3 reserved machines of `a` leave, and all of `b`."""
    a, b = ([factor * one[position] for one in usage] for position in (0, 1))

    bill = billed(two_types, {"a": a, "b": b}, hour=46)

    paid = sum(max(used - 3, 0) for used in a) + 2 * sum(b)
    assert float(bill.total_cost_usd) == pytest.approx(paid + 1.5 * 4)
    assert float(bill.difference.usage_usd) == pytest.approx(sum(a) - 12 + 2 * (sum(b) - 8))
    served = sum(min(used, 3) for used in a)
    assert float(bill.difference.commitments_usd) == pytest.approx(12 - served)
    assert_adds_up(bill)


# Other machines, other prices


def test_usage_is_split_as_planned_where_machines_are_not_told(billed, mixed):
    """Three quarters on `a`, of which 3 are owned: a sixth machine in two adds 1.5 of 3 and 0.5."""
    bill = billed(mixed, {"web": [6] * 8})

    assert parts_of(bill.difference) == {"usage_usd": (1.5 * 3 + 0.5 * 2) * 8}
    assert_adds_up(bill)


def test_machines_counted_in_the_file_are_billed_as_they_ran(billed, mixed):
    """Four of `b` while the three owned stand idle: 3 × (2 - 3) USD of mix, 3 × 3 not served."""
    bill = billed(mixed, {"web/b/here": [4] * 8})

    assert parts_of(bill.difference) == {"mix_usd": -3 * 8, "commitments_usd": 9 * 8}
    assert bill.total_cost_usd == (3 + 8) * 8
    (workload,) = bill.workloads
    assert (workload.usage_usd, workload.mix_usd) == (0, -24)
    assert_adds_up(bill)


def test_machines_beside_the_workload_s_own_series_tell_usage_from_mix(billed, mixed):
    """8 were needed, twice as many as planned; 6 of `a` and 1 of `b` ran and were enough."""
    bill = billed(mixed, {"web": [8] * 8, "web/b/here": [1] * 8, "web/a/here": [6] * 8})

    assert parts_of(bill.difference) == {"usage_usd": 11 * 8, "mix_usd": (20 - 22) * 8}
    assert bill.total_cost_usd == (3 + 3 * 3 + 2) * 8
    assert_adds_up(bill)


def test_hours_without_forecast_are_split_as_the_hours_before_them(billed, mixed):
    mixed["demand"]["inline"]["series"]["web"] = [0] * 2 + [4] * 4 + [0] * 2
    mixed["owned"][0]["end"] = "2026-01-30T06:00Z"

    bill = billed(mixed, {"web": [4] * 8})

    assert parts_of(bill.difference)["usage_usd"] == 4 * (3 * 3 + 1 * 2)
    assert_adds_up(bill)


def test_a_workload_never_forecast_runs_where_it_is_cheapest_on_demand(billed, mixed):
    mixed["demand"]["inline"]["series"]["web"] = [0] * 8

    assert parts_of(billed(mixed, {"web": [1] * 8}).difference) == {"usage_usd": 2 * 8}


def test_prices_paid_on_demand_are_a_part_of_their_own(billed, two_types):
    """`b` became 0.25 dearer; `a` is reserved at the price agreed on."""
    inline = two_types["catalog"]["inline"]
    rates = [
        row | {"hourly_usd": row["hourly_usd"] + (0.25 if row["kind"] == "on_demand" else 0)}
        for row in inline["rates"]
    ]
    prices = Catalog.from_document(CatalogDocument.model_validate(inline | {"rates": rates}))

    bill = billed(two_types, {"a": [2] * HOURS, "b": [4] * HOURS}, prices=prices)

    assert parts_of(bill.difference) == {
        "usage_usd": 3 * HOURS,
        "commitments_usd": 1 * HOURS,
        "prices_usd": 4 * 0.25 * HOURS,
    }
    assert_adds_up(bill)


def used(document, rates, demand, commitments, usage):
    """The plan's use and the actual one of a request without purchases, under commitments."""
    request = requested(document, rates, demand, offers={"kinds": []})
    problem = resolve(parse_request(request), Surroundings())
    planned, actual = (
        Use(problem, np.array(list(series.values()), dtype=float).T, commitments)
        for series in (demand, usage)
    )
    return explain(planned, actual.running, actual, actual)


def test_power_of_servers_that_run_less_is_a_part_of_its_own(document, price):
    """Two servers for a machine each draw 1 kW at 0.25 USD in use, and nothing unused."""
    servers = OwnHardware(
        commitment_id="rack", account="default", start=START, term_hours=8760, count=2,
        capex_usd=0, serves={RateKey("ec2", "a", "here"): 1}, power_kw=1, idle_power_share=0,
        energy_usd_per_kwh="0.25",
    )  # fmt: skip
    rates = [price("a", "on_demand", 1)]
    explained = used(document, rates, {"a": [3] * 4}, (servers,), {"a": [1] * 4})

    (month,) = explained.months
    assert parts_of(month.difference) == {
        "usage_usd": -8, "commitments_usd": 4, "charged_by_use_usd": -1,
    }  # fmt: skip
    assert month.total_usd - month.planned_usd == month.difference.total_usd == -5


def test_credits_of_sustained_use_are_a_part_of_their_own(billed):
    """Half of 16 vCPUs and 64 GiB run half of January: credits fall faster than what is used.

    N2 costs 100, 86.78, 73.3 and 60 % of its list price in the quarters of a month.
    """
    january = {"start": "2026-01-01T00:00Z", "series": {"w": [4] * 744}}
    request = {
        "catalog": "gcp", "offers": {"kinds": []}, "demand": {"inline": january},
        "workloads": [
            {"name": "w", "needs": {"unit": "machines", "of": "n2-standard-4"},
             "regions": ["us-east4"]}
        ],
    }  # fmt: skip
    listed = 4 * 744 * (4 * N2_VCPU_USD + 16 * N2_GIB_USD)

    bill = billed(request, {"w": [2] * 372 + [0] * 372}, hour=-29 * 24)

    assert float(bill.planned_cost_usd) == pytest.approx(listed * (1 + 0.8678 + 0.733 + 0.6) / 4)
    assert float(bill.difference.usage_usd) == pytest.approx(-listed * 0.75)
    credit, planned_credit = 0.1322 / 8, (0.1322 + 0.267 + 0.4) / 4
    assert float(bill.sustained_use_usd) == pytest.approx(listed * credit)
    assert float(bill.difference.sustained_use_usd) == pytest.approx(
        listed * (planned_credit - credit)
    )
    (month,) = bill.months
    assert month.sustained_use_usd == bill.sustained_use_usd
    assert bill.difference.commitments_usd == 0
    assert_adds_up(bill)


# Whole machines, several futures


def test_whole_machines_are_counted_whole_in_what_ran(billed, two_types):
    bill = billed(two_types | {"whole_machines": True}, {"a": [3.2] * HOURS, "b": [1.5] * HOURS})

    assert parts_of(bill.difference) == {"usage_usd": 1 * HOURS}


@pytest.fixture
def two_futures(document, price):
    rates = [price("a", "on_demand", 1), price("a", "reserved_standard", 0.5, 4)]
    demand = {"high": {"a": [4] * 8}, "low": {"a": [4] * 4 + [1] * 4}}
    return requested(
        document, rates, demand, scenarios={"high": 0.5, "low": 0.5},
        purchases={"hours": [0, 4]}, horizon={"hours": 8},
        information={"tree": [[["high", "low"]], [["high"], ["low"]]]},
    )  # fmt: skip


def test_a_plan_of_several_futures_is_compared_with_the_one_named(billed, two_futures):
    plan = make_plan(parse_request(two_futures))

    for name, usage in (("high", [4] * 8), ("low", [4] * 4 + [1] * 4)):
        bill = billed(two_futures, {"a": usage}, scenario=name, plan=plan)
        (future,) = (one for one in plan.scenarios if one.name == name)
        assert (bill.difference_usd, bill.scenario) == (0, name)
        assert bill.total_cost_usd == future.total_cost_usd


# Faults


def faults_of(error):
    return [(one.field, one.value, one.fix) for one in error.value.faults]


def test_a_plan_of_several_futures_needs_the_name_of_one_and_others_none(
    billed, two_futures, two_types
):
    with pytest.raises(InvalidInputError) as error:
        billed(two_futures, {"b": [4] * 8})
    assert [one[0] for one in faults_of(error)] == ["scenario", "usage series"]
    assert faults_of(error)[0][2] == "name the future to compare with: high, low"

    with pytest.raises(InvalidInputError) as error:
        billed(two_types, {"a": [1], "b": [1]}, scenario="high")
    assert faults_of(error) == [
        ("scenario", "'high'", "the plan has one future only; leave it out")
    ]


def test_a_plan_of_one_future_does_not_go_with_a_request_of_several(billed, two_futures):
    certain = {key: value for key, value in two_futures.items() if key != "scenarios"}
    series = {"a": [4] * 8}
    inline = {"start": START.isoformat(), "series": series}
    certain |= {"demand": {"inline": inline}, "information": {}}
    plan = make_plan(parse_request(certain))

    with pytest.raises(InvalidInputError) as error:
        billed(two_futures, series, plan=plan)
    assert faults_of(error) == [
        ("plan.scenarios", "[]", "the request has high, low; give the plan's")
    ]


def test_a_missing_workload_is_a_fault_and_an_unknown_one_a_warning(billed, two_types):
    with pytest.raises(InvalidInputError) as error:
        billed(two_types, {"a": [1] * 4, "c": [1] * 4})
    assert faults_of(error) == [("usage series", "'b'", "no such series; it has a, c")]

    bill = billed(two_types, {"a": [3] * 4, "b": [2] * 4, "c": [1] * 4, "d": [1] * 4})
    assert bill.warnings == ("usage: no workload of the plan reads c, d; it is not in this bill",)
    assert bill.difference_usd == 0
    many = {f"c{number}": [1] * 4 for number in range(30)}
    bill = billed(two_types, {"a": [3] * 4, "b": [2] * 4} | many)
    assert "10 more; it is not in this bill" in bill.warnings[0]


def test_machines_the_plan_does_not_know_are_told_with_those_it_knows(billed, mixed):
    with pytest.raises(InvalidInputError) as error:
        billed(mixed, {"web/b/here": [1] * 8, "web/c/here": [1] * 8})
    assert faults_of(error) == [
        ("usage", "'web/c/here'", "no such machine; the plan has web/a/here, web/b/here")
    ]


def test_usage_outside_the_horizon_is_a_fault(billed, two_types):
    with pytest.raises(InvalidInputError) as error:
        billed(two_types, {"a": [1], "b": [1]}, hour=HOURS)
    assert faults_of(error) == [
        (
            "usage",
            "'2026-02-03 00:00 to 2026-02-03 01:00'",
            "lies outside the plan's horizon, 2026-01-30 00:00 to 2026-02-03 00:00",
        )
    ]


def test_a_request_other_than_the_plan_s_is_a_fault(billed, two_types):
    plan = make_plan(parse_request(two_types))
    series = {"a": [3] * HOURS, "b": [2] * HOURS}
    short = two_types | {"horizon": {"hours": 48, "accounting": "full_term"}}
    no_offers = two_types | {"offers": {"kinds": []}}
    inline = two_types["demand"]["inline"] | {"series": {"a": [3] * HOURS, "b": [9] * HOURS}}

    for request, fields in (
        (short, ["plan.horizon.hours", "plan.horizon.accounting"]),
        (no_offers, ["plan.purchases.0"]),
        (two_types | {"demand": {"inline": inline}}, ["plan.total_cost_usd"]),
    ):
        with pytest.raises(InvalidInputError) as error:
            billed(request, series, plan=plan)
        assert [one[0] for one in faults_of(error)] == fields


def test_plans_of_whole_machines_chosen_by_the_hour_are_refused(billed, mixed):
    with pytest.raises(InvalidInputError) as error:
        billed(mixed | {"whole_machines": True}, {"web": [4] * 8})
    assert [one[0] for one in faults_of(error)] == ["request.whole_machines"]


def test_machines_without_a_price_in_the_other_catalogue_are_faults(billed, two_types):
    inline = two_types["catalog"]["inline"]
    rates = [row for row in inline["rates"] if row["instance_type"] == "b"]
    prices = Catalog.from_document(CatalogDocument.model_validate(inline | {"rates": rates}))
    with pytest.raises(InvalidInputError) as error:
        billed(two_types, {"a": [1], "b": [1]}, prices=prices)
    assert faults_of(error) == [
        ("prices", "'a in here'", "the catalogue has no price of it; name another")
    ]


def test_faults_of_a_plan_document_are_told_at_once():
    with pytest.raises(InvalidInputError) as error:
        parse_plan({"name": 1, "nmae": 2})
    fields = [one[0] for one in faults_of(error)]
    assert {"plan.name", "plan.nmae", "plan.purchases"} <= set(fields)
    assert len(fields) > 20
