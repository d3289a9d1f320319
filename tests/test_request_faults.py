"""What is wrong with a request: every fault at once, by the path its writer knows."""

import pytest

from catalogs import InvalidInputError
from planner import make_plan, parse_request
from planner.request import COMMITMENTS

TYPES = (
    {"name": "m5.large", "vcpus": 2, "memory_gib": 8},
    {"name": "m5.xlarge", "vcpus": 4, "memory_gib": 16},
)


@pytest.fixture
def faults(document, price):
    """The faults of a request with some of its parts replaced, line by line."""

    def faults_of(rates=(), demand=None, **parts):
        rates = [price("m5.large", "on_demand", 2), price("m5.xlarge", "on_demand", 4), *rates]
        written = document(rates, demand or {"m5.large": [1, 1]}, types=TYPES, **parts)
        with pytest.raises(InvalidInputError) as error:
            make_plan(parse_request(written))
        return str(error.value).splitlines()

    return faults_of


def workload(**parts):
    return {
        "name": "web",
        "series": "m5.large",
        "needs": {"unit": "machines", "of": "m5.large"},
        "regions": ["here"],
    } | parts


OWNED = {
    "id": "old", "kind": "reserved_standard", "start": "2025-01-01T00:00Z",
    "end": "2026-06-01T00:00Z", "instance_type": "m5.large", "region": "here", "quantity": 1,
    "hourly_usd": 1,
}  # fmt: skip


def test_an_unknown_type_names_the_nearest(faults):
    assert faults(workloads=[workload(needs={"unit": "machines", "of": "m5.lagre"})]) == [
        "workloads.0.needs.of = 'm5.lagre': the catalogue has no such type; nearest: "
        "m5.large, m5.xlarge"
    ]


def test_an_unknown_region_names_the_nearest(faults):
    assert faults(workloads=[workload(regions=["hre"])]) == [
        "workloads.0.regions = 'hre': the catalogue has no such region; nearest: here"
    ]


def test_an_unknown_family_says_what_the_region_sells(faults):
    found = faults(workloads=[workload(needs={"unit": "normalized_units", "of": "m6"})])
    assert found[0].startswith(
        "workloads.0.needs.of = 'm6': has no size with normalized units in here: "
    )


def test_a_type_without_a_price_on_the_platform_is_refused(faults):
    assert faults(workloads=[workload(os="windows")]) == [
        "workloads.0.needs.of = 'm5.large': has no on-demand price in here (windows, shared); "
        "choose another region"
    ]


def test_a_selector_that_matches_nothing_says_what_nearly_matched(faults):
    needs = {"unit": "vcpus_and_memory", "vcpus": "m5.large", "memory_gib": "m5.large"}
    candidates = {"families": ["m5"], "min_vcpus": 8}
    assert faults(workloads=[workload(needs=needs, candidates=candidates)]) == [
        "workloads.0.candidates = {'families': ['m5'], 'min_vcpus': 8.0}: matches nothing in here: "
        "no instance type sold in here (linux, shared) meets families m5; min_vcpus 8; "
        "gpus false; bare_metal false",
        "without min_vcpus 8: types m5.large, m5.xlarge",
    ]


def test_types_of_unknown_size_serve_no_vcpus(document, price):
    needs = {"unit": "vcpus_and_memory", "vcpus": "cpu", "memory_gib": "ram"}
    written = document(
        [price("m", "on_demand", 1)],
        {"cpu": [1], "ram": [1]},
        workloads=[{"name": "db", "needs": needs, "regions": ["here"]}],
    )
    with pytest.raises(InvalidInputError, match=r"^workloads\.0\.candidates = 'm': "):
        make_plan(parse_request(written))


@pytest.mark.parametrize(
    ("parts", "report"),
    [
        ({"owned": [OWNED | {"end": "2024-01-01T00:00Z"}]},
         ": it ends before it begins; let end lie after start"),
        ({"owned": [OWNED, OWNED]}, ": old stands more than once; rename"),
        ({"workloads": [workload(), workload()]},
         ": web stands more than once; rename"),
        ({"limits": {"upfront_budget_usd": -3}},
         "limits.upfront_budget_usd = -3: Input should be greater than or equal to 0"),
        ({"limits": {"coverage": {"at_least": 0.6, "at_most": 0.5}}},
         ": at_least must not exceed at_most"),
        ({"limits": {"coverage": {"at_least": 60}}},
         "limits.coverage.at_least = 60: Input should be less than or equal to 1"),
        ({"limits": {"coverige": {}}}, "limits.coverige = {}: no such key; did you mean coverage?"),
        ({"horizon": {"hours": 2, "discount_rate": 0.08}},
         ": discount_rate needs accounting: cash_flow; drop one of the two"),
        ({"horizon": {"accounting": "cash"}},
         "horizon.accounting = 'cash': Input should be 'amortized', 'cash_flow' or 'full_term'"),
        ({"horizon": {"hours": 3}},
         "horizon.hours = '2026-01-01T03:00:00+00:00': lies outside; the demand covers "
         "2026-01-01T00:00:00+00:00 to 2026-01-01T02:00:00+00:00"),
        ({"horizon": {"start": "2025-12-31T23:00Z"}},
         "horizon.start = '2025-12-31T23:00:00+00:00': lies outside; the demand covers "
         "2026-01-01T00:00:00+00:00 to 2026-01-01T02:00:00+00:00"),
        ({"horizon": {"start": "2026-01-01T00:30Z"}},
         "horizon.start = '2026-01-01T00:30Z': write a whole UTC hour, such as 2026-01-01T00:00Z"),
        ({"horizon": {"start": "2026-01-01T00:00+05:30"}},
         "horizon.start = '2026-01-01T00:00+05:30': "
         "write a whole UTC hour, such as 2026-01-01T00:00Z"),
        ({"horizon": {"start": "2026-01-01T00:00"}},
         "horizon.start = '2026-01-01T00:00': "
         "carries no offset; write one, such as 2026-01-01T00:00Z"),
        ({"purchases": {"hours": [0, 2]}},
         "purchases.hours.1 = '2026-01-01T02:00:00+00:00': lies outside the hours planned or "
         "billed, 2026-01-01T00:00Z to 2026-01-01T02:00Z; take it out"),
        ({"purchases": {"hours": [0], "every_hours": 1}},
         ": write exactly one of dates, hours, every_months, every_hours"),
        ({"offers": {"kinds": ["spot"]}},
         f": spot is no commitment; choose from {', '.join(COMMITMENTS)}"),
        ({"limits": {"upfront_budget_usd": [{"date": "2026-01-01T01:00Z", "usd": 1}]}},
         "limits.upfront_budget_usd.0.date = '2026-01-01T01:00:00+00:00': is no purchase date; "
         "these are: 2026-01-01T00:00:00+00:00"),
        ({"limits": {"upfront_budget_usd": [{"date": "2026-01-01T00:00Z", "usd": 1}] * 2}},
         "limits.upfront_budget_usd.1.date = '2026-01-01T00:00:00+00:00': "
         "has a budget already; keep one"),
        ({"solve": {"solver": "glpk"}},
         "solve.solver = 'glpk': no such solver; there are: highs, scip, cp-sat, cbc, pulp-highs"),
        ({"solve": {"time_limit_s": 0}},
         "solve.time_limit_s = 0: Input should be greater than 0"),
        ({"catalog": "azur"},
         "catalog.name = 'azur': no such bundled catalogue; there are: aws, azure, gcp"),
        ({"workloads": [workload(series="db")]},
         "demand.inline.series = 'db': no such series; it has m5.large"),
        ({"workloads": [workload(needs={"unit": "machines"})]},
         "workloads.0.needs.of = (absent): write it; the key is required"),
        ({"owned": [OWNED | {"instance_type": "m5.lrage"}]},
         "owned.0.instance_type = 'm5.lrage': no such type; nearest: m5.large, m5.xlarge"),
        ({"owned": [{k: v for k, v in OWNED.items() if k != "hourly_usd"}]},
         "owned.0 = 'old': the catalogue sells nothing of this kind, payment and place; "
         "write what it sells, or its upfront_usd and hourly_usd"),
        ({"owned": [{k: v for k, v in OWNED.items() if k not in ("quantity", "region")}]},
         ": write its region; write its quantity"),
    ],
)  # fmt: skip
def test_a_fault_names_the_field_the_value_and_the_fix(faults, parts, report):
    (found,) = faults(**parts)
    assert found.endswith(report) if report.startswith(": ") else found == report


def test_faults_of_the_document_are_reported_together(faults):
    found = faults(
        horizn={},
        limits={"upfront_budget_usd": -1, "coverage": {"at_least": 2}},
        offers={"kinds": ["reserved"]},
        owned=[OWNED | {"end": "2024-01-01T00:00Z"}],
    )
    assert sorted(line.split(" = ")[0] for line in found) == [
        "horizn",
        "limits.coverage.at_least",
        "limits.upfront_budget_usd",
        "offers.kinds.0",
        "owned.0",
    ]


def test_faults_of_what_the_document_means_are_reported_together(faults):
    """Dates, types, regions, owned commitments: none hides another."""
    found = faults(
        horizon={"hours": 3},
        workloads=[
            workload(needs={"unit": "machines", "of": "m5.lagre"}),
            workload(name="db", regions=["hre"]),
        ],
    )
    assert [line.split(" = ")[0] for line in found] == [
        "horizon.hours",
        "workloads.0.needs.of",
        "workloads.1.regions",
    ]
    found = faults(
        owned=[OWNED | {"instance_type": "m6"}],
        limits={"upfront_budget_usd": [{"date": "2026-01-01T01:00Z", "usd": 1}]},
    )
    assert [line.split(" = ")[0] for line in found] == [
        "limits.upfront_budget_usd.0.date",
        "owned.0.instance_type",
    ]
    found = faults(
        demand={"m5.large": [-1]},
        workloads=[workload(regions=["hre"])],
        owned=[OWNED | {"instance_type": "m6"}],
    )
    assert [line.split(" = ")[0] for line in found] == [
        "demand.inline.series.m5.large.0",
        "workloads.0.regions",
        "owned.0.instance_type",
    ]


@pytest.mark.parametrize("document", [None, [], "plan", 3])
def test_a_document_that_is_no_mapping_is_refused(document):
    with pytest.raises(InvalidInputError, match=r"^request = "):
        parse_request(document)


def test_an_empty_document_lacks_demand_and_workloads():
    with pytest.raises(InvalidInputError) as error:
        parse_request({})
    assert str(error.value).splitlines() == [
        "demand = (absent): write it; the key is required",
        "workloads = (absent): write it; the key is required",
    ]


def test_the_horizon_defaults_to_the_longest_term_or_to_the_demands_end(planned, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 3)]
    found = planned(rates, {"m": [1] * 5})
    assert (found.horizon.hours, found.notes) == (
        3,
        ("horizon: the longest term, 3 hours",),
    )
    found = planned(rates, {"m": [1] * 2})
    assert (found.horizon.hours, found.notes) == (
        2, ("horizon: until the demand ends, 2 hours, sooner than the longest term of 3",)
    )  # fmt: skip
    found = planned(rates, {"m": [1] * 2}, offers={"kinds": []})
    assert found.notes == ("horizon: until the demand ends, 2 hours",)


def test_purchases_are_possible_every_three_months_unless_said_otherwise(document, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1.9, 24 * 31)]
    busy = [0] * (24 * 90) + [1] * (24 * 60)
    written = document(rates, {"m": busy}, horizon={"hours": len(busy)})
    del written["purchases"]
    found = make_plan(parse_request(written))
    assert [f"{one.start:%Y-%m-%d}" for one in found.purchases] == ["2026-04-01"]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"owned": [OWNED | {"quantity": 1e10}]}, "owned.0.quantity"),
        ({"owned": [OWNED | {"upfront_usd": 1e10}]}, "owned.0.upfront_usd"),
        ({"solve": {"time_limit_s": float("inf")}}, "solve.time_limit_s"),
        ({"solve": {"seed": -1}}, "solve.seed"),
        ({"solve": {"threads": 10**6}}, "solve.threads"),
        ({"horizon": {"hours": 10**9}}, "horizon.hours"),
        ({"purchases": {"every_months": 10**18}}, "purchases.every_months"),
        ({"purchases": {"hours": [10**18]}}, "purchases.hours.0"),
        ({"horizon": {"start": "0001-01-01T00:00+14:00"}}, "horizon.start"),
        ({"commitment_step_usd": 1e-15}, "commitment_step_usd"),
        ({"solve": {"solver": "cp-sat"}}, "solve.solver"),
    ],
)
def test_numbers_beyond_what_the_planner_can_hold_are_faults_at_the_door(faults, parts, field):
    (found,) = faults(**parts)
    assert found.startswith(f"{field} = ")


def test_more_purchase_dates_than_the_model_can_hold_are_a_fault():
    with pytest.raises(InvalidInputError, match="purchases = '5000 dates': too many for 6 offers"):
        make_plan(
            parse_request(
                {
                    "demand": {
                        "inline": {"start": "2026-01-01T00:00Z", "series": {"w": [1.0] * 5000}}
                    },
                    "offers": {"kinds": ["savings_plan_ec2"]},
                    "purchases": {"every_hours": 1},
                    "workloads": [
                        {
                            "name": "w",
                            "regions": ["us-east-1"],
                            "needs": {"unit": "machines", "of": "m5.large"},
                        }
                    ],
                }
            )
        )


def test_kinds_and_countries_are_told_by_their_keys(faults):
    forecast = {"known": [{"kind": "launch", "name": "x"}], "holidays": "US"}
    assert faults(forecast=forecast) == [
        "forecast.holidays = 'US': write auto, none, or a list of countries by two letters: [DE]",
        "forecast.known.0.kind = 'launch': write one of 'rollout', 'event', 'migration'",
    ]


ROLLOUT = {"kind": "rollout", "name": "x", "workload": "m5.large", "at": "2026-06-01T00:00Z"}
SETTINGS = "{model: …, timezone: …, holidays: …, together: …, …}"


@pytest.mark.parametrize(
    ("parts", "report"),
    [
        ({"forecast": {"known": [ROLLOUT | {"uplift_share": 0.1, "uplift": 0.2}]}},
         "forecast.known.0.uplift = 0.2: no such key; did you mean uplift_share or uplift_units?"),
        ({"forecast": {"known": [ROLLOUT | {"uplift_share": 0.1, "ramp": 3}]}},
         "forecast.known.0.ramp = 3: no such key; did you mean ramp_days?"),
        ({"forecast": {"zone": "UTC"}},
         "forecast.zone = 'UTC': no such key; did you mean timezone?"),
        ({"forecast": {"hours": 3}},
         "forecast.hours = 3: no such key; it belongs in horizon or in purchases"),
        ({"forecast": {"horizon": {}}},
         "forecast.horizon = {}: no such key; it belongs at the top"),
        ({"gap": 0.1}, "gap = 0.1: no such key; it belongs in solve"),
        ({"backtest": {"courses": [{"shocks": {}}]}},
         "backtest.courses.0.shocks = {}: no such key; did you mean shock?"),
        ({"backtest": {"purchases": {"months": 3}}},
         "backtest.purchases.months = 3: no such key; did you mean every_months?"),
        ({"information": {"group": [1]}},
         "information.group = [1]: no such key; did you mean groups?"),
        ({"information": {"size": 2}},
         "information.size = 2: no such key; take it out; there are groups, tree"),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_told_beside_those_of_its_own_place(faults, parts, report):
    assert faults(**parts) == [report]


@pytest.mark.parametrize(
    ("parts", "report"),
    [
        ({"forecast": []}, f"forecast = []: write a mapping: {SETTINGS}, or {{}} for its defaults"),
        ({"forecast": {"known": ROLLOUT}},
         ": write a list of mappings: [{kind: rollout or event or migration, …}]"),
        ({"forecast": {"known": ["launch"]}},
         "forecast.known.0 = 'launch': write a mapping: {kind: rollout or event or migration, …}"),
        ({"forecast": {"known": [{"name": "x"}]}},
         "forecast.known.0.kind = (absent): write it; one of 'rollout', 'event', 'migration'"),
        ({"forecast": {"together": ["a", "b"]}},
         ": write a list of groups, each a list of series: [[a, b], [c, d]]"),
        ({"forecast": {"holidays": 3}},
         "forecast.holidays = 3: write auto, none, or a list of countries by two letters: [DE]"),
        ({"backtest": {"policies": "neutral"}},
         "backtest.policies = 'neutral': write a list: [neutral]"),
        ({"backtest": {"courses": [{"shock": 0.5}]}},
         "backtest.courses.0.shock = 0.5: write a mapping: {at: …, factor: …}"),
        ({"backtest": {"purchases": "quarterly"}},
         "backtest.purchases = 'quarterly': write a mapping: "
         "{dates: …, hours: …, every_months: …, every_hours: …}"),
        ({"information": {"groups": 4}}, "information.groups = 4: write a list: [4]"),
        ({"workloads": [workload(needs={"unit": "own", "capacity": []})]},
         "workloads.0.needs.capacity = []: write a mapping: {name: value}"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_told_by_its_field_with_what_to_write(faults, parts, report):
    (found,) = faults(**parts)
    assert found.endswith(report) if report.startswith(": ") else found == report


@pytest.mark.parametrize(
    ("repair", "report"),
    [
        ("gaps", "demand.repair = 'gaps': write all, none, or a list of rules: [gaps]"),
        (True, "demand.repair = True: write all, none, or a list of rules: [gaps]"),
        ({"gap": True}, ": no such rule: gap; there are clock_change, duplicates, negatives, "
         "counter_resets, irregular, partial_last_hour, edges, gaps, outliers"),
        ({"gaps": 3}, ": write gaps: true, or gaps: {longest_hours: …}"),
        ({"gaps": {"longest": 3}},
         "demand.repair.gaps.longest = 3: no such key; did you mean longest_hours?"),
    ],
)  # fmt: skip
def test_repair_of_the_wrong_form_says_how_rules_are_written(document, price, repair, report):
    written = document([price("m", "on_demand", 1)], {"m": [1]})
    written["demand"] = {"file": "demand.csv", "repair": repair}
    with pytest.raises(InvalidInputError) as error:
        parse_request(written)
    (found,) = str(error.value).splitlines()
    assert found.endswith(report) if report.startswith(": ") else found == report
