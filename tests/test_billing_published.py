"""Bills that AWS publishes, and orders of application worked by hand, to the nano-dollar."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from planner.billing import RateKey, Reservation, SavingsPlan, Usage, UsageClass, UsageLine, bill

START = datetime(2026, 3, 1, tzinfo=UTC)
REGION = "us-east-1"


def usd(text):
    return Decimal(text)


def machine(name, on_demand, units=None, account="A", **other):
    family = name.split(".")[0]
    return UsageClass(
        account=account,
        name=name,
        region=REGION,
        family=family,
        units=None if units is None else Decimal(units),
        on_demand_usd=usd(on_demand),
        **other,
    )


def one_hour(*amounts):
    classes, quantities = zip(*amounts, strict=True)
    return Usage(START, classes, np.array([quantities], dtype=float))


def reservation(name, units, count, account="A", commitment_id="ri", **other):
    terms = {"upfront_usd": usd("0"), "hourly_usd": usd("0.05"), "term_hours": 8760, **other}
    return Reservation(
        commitment_id=commitment_id,
        account=account,
        region=REGION,
        instance_type=name,
        family=name.split(".")[0],
        units=Decimal(units),
        size_flexible=True,
        count=Decimal(count),
        start=START,
        **terms,
    )


def plan(kind, commitment, rates, account="A", commitment_id="sp", family=None):
    return SavingsPlan(
        commitment_id=commitment_id,
        account=account,
        kind=kind,
        region=REGION if kind == "ec2" else None,
        family=family,
        commitment_usd=usd(commitment),
        start=START,
        term_hours=8760,
        rates={key: usd(rate) for key, rate in rates.items()},
    )


# --- Savings Plans: docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html ---------


def other_service(service, name, on_demand):
    return UsageClass(
        account="A", service=service, name=name, region=REGION, on_demand_usd=usd(on_demand)
    )


R5 = machine("r5.4xlarge", "1.00", units=32)
M5_WINDOWS = machine("m5.24xlarge", "10.00", units=192, os="windows", tenancy="dedicated")
VCPU = other_service("fargate", "vcpu", "0.04")
MEMORY = other_service("fargate", "gb", "0.004")
LAMBDA_SECONDS = other_service("lambda", "gb-second", "0.000015")
LAMBDA_REQUESTS = other_service("lambda", "million-requests", "0.20")

SP_APPLYING_HOUR = one_hour(
    (R5, 4),
    (VCPU, 400),
    (MEMORY, 1600),
    (M5_WINDOWS, 1),
    (LAMBDA_SECONDS, 1_500_000),
    (LAMBDA_REQUESTS, 1),
)
COMPUTE_RATES = {
    R5.rate_key: "0.70",
    VCPU.rate_key: "0.03",
    MEMORY.rate_key: "0.003",
    M5_WINDOWS.rate_key: "8.20",
    LAMBDA_SECONDS.rate_key: "0.00001275",
    LAMBDA_REQUESTS.rate_key: "0.20",
}


def billed_hour(usage, commitments):
    """On-demand cost, and cost of one hour of every commitment [USD]."""
    result = bill(usage, commitments)
    return result.on_demand_usd, result.commitment_usd


def test_e_usage_costs_59_10_on_demand():
    assert billed_hour(SP_APPLYING_HOUR, []) == (usd("59.10"), 0)


def test_e1_a_50_dollar_plan_covers_everything_even_usage_without_savings():
    result = bill(SP_APPLYING_HOUR, [plan("compute", "50.00", COMPUTE_RATES)])
    assert (result.on_demand_usd, result.total_usd) == (0, 50)
    assert result.commitments[0].used == pytest.approx(47.125, abs=1e-9)
    assert result.utilization == pytest.approx(47.125 / 50)
    assert result.coverage == 1


def test_e2_a_2_dollar_plan_covers_part_of_the_r5_machines():
    result = bill(SP_APPLYING_HOUR, [plan("compute", "2.00", COMPUTE_RATES)])
    assert result.on_demand_usd == usd("56.242857143")
    assert result.total_usd == usd("58.242857143")
    assert result.spend_quantity[0, 0] == pytest.approx(2 / 0.7, abs=1e-12)


def test_e3_equal_savings_go_to_the_lower_rate_and_the_plan_is_used_up_exactly():
    result = bill(SP_APPLYING_HOUR, [plan("compute", "19.60", COMPUTE_RATES)])
    assert (result.on_demand_usd, result.total_usd) == (usd("32.70"), usd("52.30"))
    np.testing.assert_array_equal(result.spend_quantity, [[4, 400, 1600, 0, 0, 0]])
    assert result.utilization == 1


def test_e3_a_plan_that_ends_inside_the_tie_has_served_memory_before_vcpu():
    result = bill(SP_APPLYING_HOUR, [plan("compute", "7.60", COMPUTE_RATES)])
    np.testing.assert_array_equal(result.spend_quantity, [[4, 0, 1600, 0, 0, 0]])


def test_e4_reservations_serve_before_savings_plans():
    reserved = reservation("r5.4xlarge", 32, 2)
    plans = [plan("compute", "18.20", COMPUTE_RATES)]
    result = bill(SP_APPLYING_HOUR, [*plans, reserved])
    assert result.on_demand_usd == usd("32.70")
    assert result.on_demand_usd + plans[0].commitment_usd == usd("50.90")
    assert result.dedicated_quantity[0, 0] == 2
    assert result.utilization == 1


def test_e5_the_ec2_instance_plan_goes_first_and_loses_what_its_family_leaves():
    family = plan("ec2", "3.00", {R5.rate_key: "0.60"}, commitment_id="ec2", family="r5")
    anything = plan("compute", "16.80", COMPUTE_RATES, commitment_id="compute")
    result = bill(SP_APPLYING_HOUR, [anything, family])
    assert (result.on_demand_usd, result.total_usd) == (usd("32.70"), usd("52.50"))
    assert [one.used for one in result.commitments] == pytest.approx([16.80, 2.40], abs=1e-9)


# --- Reserved Instances: docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html -------------


def test_e7_the_smallest_size_is_served_first_and_a_larger_one_in_part():
    usage = one_hour((machine("m3.xlarge", "0.266", 8), 2), (machine("m3.large", "0.133", 4), 2))
    result = bill(usage, [reservation("m3.2xlarge", 16, 1)])
    np.testing.assert_array_equal(result.dedicated_quantity, [[1, 2]])
    assert result.on_demand_usd == usd("0.266")


def test_e8_the_owner_is_served_whole_before_the_other_account():
    usage = one_hour(
        (machine("m4.xlarge", "0.20", 8), 2),
        (machine("m4.2xlarge", "0.40", 16), 1),
        (machine("c4.xlarge", "0.199", 8), 2),
        (machine("c4.2xlarge", "0.398", 16), 1),
        (machine("m4.xlarge", "0.20", 8, account="B"), 2),
    )
    reserved = [
        reservation("m4.xlarge", 8, 4, commitment_id="m4"),
        reservation("c4.xlarge", 8, 2, commitment_id="c4"),
    ]
    result = bill(usage, reserved)
    np.testing.assert_array_equal(result.on_demand_quantity, [[0, 0, 0, 1, 2]])
    assert result.on_demand_usd == usd("0.398") + 2 * usd("0.20")


@pytest.mark.parametrize(("seconds", "on_demand_hours"), [(3600, 3), (900, 0)])
def test_e10_one_reservation_serves_3600_seconds_of_a_clock_hour(seconds, on_demand_hours):
    """concepts-reserved-instances-application.html: 4 machines share one reservation."""
    line = UsageLine(
        **machine("m4.xlarge", "0.20", 8).model_dump(), hour=START, seconds=seconds, count=4
    )
    result = bill(Usage.from_lines([line]), [reservation("m4.xlarge", 8, 1)])
    assert result.on_demand_quantity.tolist() == [[on_demand_hours]]
    assert result.on_demand_usd == on_demand_hours * usd("0.20")


@pytest.mark.parametrize(
    ("name", "units", "running", "on_demand_machines"),
    [("t2.small", 1, 2, 0), ("t2.large", 4, 1, 0.5)],
)
def test_e11_a_t2_medium_serves_two_small_or_half_a_large(name, units, running, on_demand_machines):
    usage = one_hour((machine(name, "0.0464", units), running))
    result = bill(usage, [reservation("t2.medium", 2, 1)])
    assert result.on_demand_quantity.tolist() == [[on_demand_machines]]


def test_e12_what_susan_leaves_of_her_reservations_serves_bob():
    """From awsaccountbilling …/consolidatedbilling-other.html."""
    susan = machine("m1.small", "0.044", 1, account="Susan")
    bob = machine("m1.small", "0.044", 1, account="Bob")
    owned = reservation("m1.small", 1, 5, account="Susan")
    result = bill(one_hour((bob, 6), (susan, 3)), [owned])
    np.testing.assert_array_equal(result.dedicated_quantity, [[2, 3]])
    np.testing.assert_array_equal(result.on_demand_quantity, [[4, 0]])


def test_reservations_whose_sharing_is_off_serve_their_own_account_only():
    """As above, but Susan keeps what she leaves."""
    susan = machine("m1.small", "0.044", 1, account="Susan")
    bob = machine("m1.small", "0.044", 1, account="Bob")
    owned = reservation("m1.small", 1, 5, account="Susan", shared=False)
    result = bill(one_hour((bob, 6), (susan, 3)), [owned])
    np.testing.assert_array_equal(result.dedicated_quantity, [[0, 3]])
    np.testing.assert_array_equal(result.on_demand_quantity, [[6, 0]])


def test_e13_two_reservations_serving_one_machine_get_half_a_line_each():
    """From awsaccountbilling …/region-reserved-instances.html."""
    pair = [reservation("m4.large", 4, 1, commitment_id=name) for name in ("ri-1", "ri-2")]
    usage = one_hour((machine("m4.xlarge", "0.20", 8), 1))
    result = bill(usage, pair, keep_lines=True)
    lines = [(one.commitment_id, one.quantity, one.cost_usd) for one in result.lines]
    assert lines == [("ri-1", 0.5, usd("0.05")), ("ri-2", 0.5, usd("0.05"))]
    assert result.on_demand_usd == 0


def test_e16_the_list_value_is_the_fixed_price_and_all_hours():
    """concepts-reserved-instances-application.html, one year Partial Upfront t2.small."""
    owned = reservation("t2.small", 1, 1, upfront_usd=usd("60"), hourly_usd=usd("0.007"))
    assert owned.list_value_usd == usd("121.32")
    assert owned.effective_hourly_usd == pytest.approx(usd("0.0138493"), abs=usd("0.00000005"))
    assert owned.effective_hourly_usd * 8760 == pytest.approx(owned.list_value_usd)


def test_e17_a_744_hour_month_of_a_reservation_costs_22_9896():
    """From cur …/regular-reserved-instances.html: 744 hours, 2,976 normalized units."""
    large = machine("m4.large", "0.10", 4)
    owned = reservation("m4.large", 4, 1, hourly_usd=usd("0.0309"))
    result = bill(Usage(START, (large,), np.ones((744, 1))), [owned])
    assert [(one.month, one.commitment_usd) for one in result.months] == [
        ("2026-03", usd("22.9896"))
    ]
    assert result.commitments[0].used == 744
    assert result.commitments[0].used * float(owned.units) == 2976


def test_e18_three_used_reservations_and_300_hours_on_demand():
    """From awsaccountbilling …/con-bill-blended-rates.html: 2,160 reserved hours, 300 at 0.023."""
    small = machine("t2.small", "0.023", 1)
    quantity = np.full((720, 1), 3.0)
    quantity[:300] += 1
    owned = reservation("t2.small", 1, 3, upfront_usd=usd("151"), hourly_usd=usd("0"))
    result = bill(Usage(START, (small,), quantity), [owned])
    assert result.on_demand_usd == usd("6.90")
    assert result.commitments[0].used == 2160
    hours = Decimal(float(quantity.sum()))
    assert result.on_demand_usd / hours == pytest.approx(usd("0.002804878"), abs=usd("5e-10"))


# --- Where AWS's order is not the cheapest: worked by hand -------------------------------------


def usd_of(fraction):
    """A fraction of a dollar rounded to the nano-dollar."""
    return Decimal(round(fraction * 10**9)).scaleb(-9)


def test_case_a_the_owner_is_served_at_18_percent_before_another_account_at_30():
    windows = machine("m5.24xlarge", "10.00", 192, os="windows")
    r5 = machine("r5.4xlarge", "1.00", 32, account="B")
    owned = plan("compute", "2.80", {windows.rate_key: "8.20", r5.rate_key: "0.70"})
    result = bill(one_hour((windows, 1), (r5, 4)), [owned])
    expected = Fraction("2.80") + 10 * (1 - Fraction("2.8") / Fraction("8.2")) + 4
    assert result.total_usd == usd_of(expected)
    assert result.total_usd == pytest.approx(usd("13.3854"), abs=usd("0.00005"))


X = machine("x1.large", "1.00", 4)
Y = machine("y1.large", "1.00", 4)


def test_case_b_two_compute_plans_serve_their_best_pair_first():
    three_years = plan("compute", "0.50", {X.rate_key: "0.50", Y.rate_key: "0.55"}, "A", "3y")
    one_year = plan("compute", "0.73", {X.rate_key: "0.73", Y.rate_key: "0.85"}, "A", "1y")
    result = bill(one_hour((X, 1), (Y, 1)), [one_year, three_years])
    assert result.total_usd == usd_of(Fraction("1.23") + 1 - Fraction("0.73") / Fraction("0.85"))
    assert result.total_usd == pytest.approx(usd("1.3712"), abs=usd("0.00005"))


def test_case_c_the_ec2_plan_serves_first_even_where_the_compute_plan_needs_the_usage():
    """Both types here are sizes of one family, so that one EC2 Instance plan serves both."""
    x, y = machine("x1.large", "1.00", 4), machine("x1.xlarge", "1.00", 8)
    family = plan("ec2", "0.55", {x.rate_key: "0.50", y.rate_key: "0.55"}, "A", "ec2", "x1")
    anything = plan("compute", "0.51", {x.rate_key: "0.51", y.rate_key: "0.90"}, "A", "compute")
    result = bill(one_hour((x, 1), (y, 1)), [anything, family])
    left = 1 - Fraction("0.05") / Fraction("0.55") - Fraction("0.51") / Fraction("0.90")
    assert result.total_usd == usd_of(Fraction("1.06") + left)
    assert result.total_usd == pytest.approx(usd("1.4024"), abs=usd("0.00005"))


def test_case_d_the_smallest_size_is_served_although_the_larger_costs_more_per_unit():
    large, xlarge = machine("m9.large", "0.10", 4), machine("m9.xlarge", "0.21", 8)
    result = bill(one_hour((large, 2), (xlarge, 1)), [reservation("m9.xlarge", 8, 1)])
    assert result.on_demand_usd == usd("0.21")


# --- Scope and ties ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"os": "windows"},
        {"tenancy": "dedicated"},
        {"region": "eu-west-1"},
        {"family": "m5a"},
        {"service": "rds"},
        {"units": None},
    ],
    ids=str,
)
def test_a_flexible_reservation_stays_inside_its_family_region_system_and_tenancy(elsewhere):
    outside = machine("m5.large", "0.10", 4).model_copy(update=elsewhere)
    result = bill(one_hour((outside, 1)), [reservation("m5.large", 4, 1)])
    assert result.on_demand_usd == usd("0.10")


def test_an_inflexible_reservation_serves_its_exact_type_in_any_zone():
    usage = one_hour(
        (machine("g5.xlarge", "1.00", 8, zone="us-east-1b"), 1),
        (machine("g5.2xlarge", "1.20", 16), 1),
    )
    exact = reservation("g5.xlarge", 8, 2).model_copy(update={"size_flexible": False})
    result = bill(usage, [exact])
    np.testing.assert_array_equal(result.dedicated_quantity, [[1, 0]])
    assert result.commitments[0].utilization == 0.5


def test_an_ec2_plan_stays_in_its_family_and_region_even_with_other_rates():
    elsewhere = X.model_copy(update={"region": "eu-west-1"})
    rates = {X.rate_key: "0.5", Y.rate_key: "0.5", elsewhere.rate_key: "0.5"}
    family = plan("ec2", "9", rates, family="x1")
    result = bill(one_hour((X, 1), (Y, 1), (elsewhere, 1)), [family])
    np.testing.assert_array_equal(result.spend_quantity, [[1, 0, 0]])


def test_an_equal_pair_goes_to_the_commitment_id_that_sorts_first():
    first = plan("compute", "0.5", {X.rate_key: "0.5"}, commitment_id="a")
    second = plan("compute", "0.5", {X.rate_key: "0.5", Y.rate_key: "0.9"}, commitment_id="b")
    result = bill(one_hour((X, 1), (Y, 0.5)), [second, first])
    assert [one.used for one in result.commitments] == pytest.approx([0.45, 0.5], abs=1e-9)


def test_plans_that_serve_alike_stand_together_under_the_id_that_sorts_first():
    """Plans a and c are one pool named a, so c too goes before b."""
    alike = [plan("compute", "0.25", {X.rate_key: "0.5"}, commitment_id=name) for name in "ca"]
    other = plan("compute", "0.5", {X.rate_key: "0.5", Y.rate_key: "0.9"}, commitment_id="b")
    result = bill(one_hour((X, 1), (Y, 0.5)), [other, *alike])
    assert [one.used for one in result.commitments] == pytest.approx([0.45, 0.25, 0.25])


def test_an_exact_type_reservation_goes_before_a_flexible_one():
    """The flexible one is then free for the larger size."""
    usage = one_hour((machine("m5.large", "0.1", 4), 1), (machine("m5.xlarge", "0.2", 8), 0.5))
    flexible = reservation("m5.large", 4, 1, commitment_id="a")
    exact = reservation("m5.large", 4, 1, commitment_id="b")
    exact = exact.model_copy(update={"size_flexible": False})
    assert bill(usage, [flexible, exact]).on_demand_usd == 0


def test_an_exact_type_serves_its_type_even_where_a_flexible_one_has_a_smaller_size_to_serve():
    usage = one_hour((machine("m5.large", "0.1", 4), 1), (machine("m5.xlarge", "0.2", 8), 1))
    flexible = reservation("m5.xlarge", 8, 1, commitment_id="a")
    exact = reservation("m5.xlarge", 8, 1, commitment_id="b")
    exact = exact.model_copy(update={"size_flexible": False})
    result = bill(usage, [flexible, exact])
    assert [one.utilization for one in result.commitments] == [0.5, 1]


def test_reservations_of_two_systems_do_not_serve_each_others_usage():
    linux, windows = reservation("m5.large", 4, 1), reservation("m5.large", 4, 1)
    windows = windows.model_copy(update={"commitment_id": "windows", "os": "windows"})
    result = bill(one_hour((machine("m5.large", "0.1", 4), 2)), [linux, windows])
    assert [one.used for one in result.commitments] == [1, 0]


def test_leftover_goes_to_the_other_account_with_the_highest_savings_share():
    """The documented reading of 'the account with the largest savings'."""
    b, c = (
        machine("x1.large", price, 4, account=account)
        for account, price in (("B", "1"), ("C", "2"))
    )
    owned = plan("compute", "0.5", {b.rate_key: "0.5"})
    result = bill(one_hour((b, 1), (c, 1)), [owned])
    np.testing.assert_array_equal(result.spend_quantity, [[0, 1]])


def test_a_rate_above_the_on_demand_price_still_absorbs_leftover_commitment():
    owned = plan("compute", "1.7", {X.rate_key: "1.2", Y.rate_key: "0.5"})
    result = bill(one_hour((X, 1), (Y, 1)), [owned])
    np.testing.assert_array_equal(result.spend_quantity, [[1, 1]])


def test_free_usage_takes_no_commitment():
    free = X.model_copy(update={"on_demand_usd": Decimal(0)})
    result = bill(one_hour((free, 1)), [plan("compute", "1", {free.rate_key: "0.5"})])
    assert result.commitments[0].used == 0
    assert result.coverage is None


def test_rates_may_be_keyed_by_plain_tuples():
    owned = plan("compute", "1", {("ec2", "x1.large", REGION, "linux", "shared"): "0.5"})
    assert owned.rates == {RateKey("ec2", "x1.large", REGION): usd("0.5")}
    assert bill(one_hour((X, 1)), [owned]).on_demand_usd == 0


def test_lines_add_up_to_the_bill():
    plans = [plan("compute", "7.60", COMPUTE_RATES), reservation("r5.4xlarge", 32, 3)]
    result = bill(SP_APPLYING_HOUR, plans, keep_lines=True)
    served = [(one.name, one.commitment_id, one.quantity) for one in result.lines]
    assert served == [
        ("r5.4xlarge", "ri", 3),
        ("r5.4xlarge", "sp", 1),
        ("gb", "sp", 1600),
        ("vcpu", "sp", pytest.approx(70)),
        ("vcpu", None, pytest.approx(330)),
        ("m5.24xlarge", None, 1),
        ("gb-second", None, 1_500_000),
        ("million-requests", None, 1),
    ]
    on_demand = [one.cost_usd for one in result.lines if one.commitment_id is None]
    assert sum(on_demand) == result.on_demand_usd
    assert sum(one.cost_usd for one in result.lines if one.commitment_id == "sp") == usd("7.60")
    assert {one.hour for one in result.lines} == {START}


def test_lines_are_kept_only_when_asked_for():
    assert bill(SP_APPLYING_HOUR, []).lines == ()


def test_a_bill_reads_as_a_summary():
    owned = plan("compute", "19.60", COMPUTE_RATES)
    assert str(bill(SP_APPLYING_HOUR, [owned])) == (
        "Bill: amortized, 1 h from 2026-03-01 00:00 UTC\n"
        "  on demand                           32.70 USD\n"
        "  commitments                         19.60 USD\n"
        "  total                               52.30 USD\n"
        "  on-demand equivalent                59.10 USD\n"
        "  coverage 44.7%, utilization 100.0%"
    )
