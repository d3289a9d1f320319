"""Hand-worked requests at uneven unit prices: the audit finds what is right, and so do plans.

The audit in ``benchmarks/audit`` has an optimum and bills that share no code with the planner.
"""

from itertools import chain, repeat

import pytest
from audit import audit, least_bill, optimum, read

START = "2027-01-01T00:00Z"

# --- Requests written by hand ------------------------------------------------------------------


def row(name, kind, usd, term=None, payment="no_upfront", upfront_usd=0):
    """A row of a price list; commitments have a term."""
    found = {"instance_type": name, "region": "here", "kind": kind, "hourly_usd": usd}
    if term is None:
        return found
    return found | {"term_hours": term, "payment": payment, "upfront_usd": upfront_usd}


def size(name, units):
    """A size of a family whose reservations serve all sizes."""
    return {"name": name, "normalized_units": units, "size_flexible": True}


def request_of(provider, types, rates, demand, hours, **parts):
    """A request of one purchase date; demand is (machines, hours) after each other, then none."""
    series = {
        name: list(chain(*(repeat(*level) for level in levels), repeat(0, hours)))[:hours]
        for name, levels in demand.items()
    }
    document = {
        "horizon": {"hours": hours},
        "catalog": {
            "inline": {
                "name": provider,
                "provider": provider,
                "source": "written by hand",
                "as_of": "2027-01-01",
                "instance_types": types,
                "rates": rates,
            }
        },
        "purchases": {"hours": [0]},
        "workloads": [
            {"name": name, "regions": ["here"], "needs": {"unit": "machines", "of": name}}
            for name in series
        ],
        "demand": {"inline": {"start": START, "series": series}},
        "simplify": "off",
        "solve": {"gap": 1e-6},
    }
    return document | parts


def owned_plan(name, kind, usd, hours, **more):
    """An owned savings plan of so many dollars per hour, for the whole horizon."""
    end = f"2027-01-01T{hours:02d}:00Z"
    terms = {"kind": kind, "payment": "no_upfront", "commitment_usd": usd}
    return {"id": name, **terms, "start": START, "end": end, **more}


def m5_for_three_years(step_usd=1):
    """401 m5.large: 401 × 0.035685 × 8,760 = 125,352.84 USD.

    Prices of us-east-1 as of 2025-04-04; three years, all upfront. 100 m5.2xlarge and an m5.large
    are 1,604 units. The plan asks 0.144481 for an m5.2xlarge, four m5.large only 0.14274.
    """
    return request_of(
        "aws",
        [size("m5.large", 4), size("m5.2xlarge", 16)],
        [
            row("m5.large", "on_demand", 0.096),
            row("m5.2xlarge", "on_demand", 0.384),
            row("m5.large", "reserved_standard", 0, 26280, "all_upfront", 937.8018),
            row("m5.large", "savings_plan_ec2", 0.035685, 26280, "all_upfront"),
            row("m5.2xlarge", "savings_plan_ec2", 0.144481, 26280, "all_upfront"),
        ],
        {"m5.large": [(1, 8760)], "m5.2xlarge": [(100, 8760)]},
        8760,
        commitment_step_usd=step_usd,
    )


def t2_of_the_smallest_size():
    """240 t2.nano: 240 × 0.0045 × 8,760 = 9,460.80 USD.

    Prices of eu-west-2 as of 2025-04-04. Ten t2.medium of 2 units and ten t2.large of 4 are 60
    units, each served by four t2.nano at 0.018 USD, below on demand at 0.026 and 0.0264.
    """
    prices = {"t2.nano": 0.0066, "t2.medium": 0.052, "t2.large": 0.1056}
    return request_of(
        "aws",
        [size("t2.nano", 0.25), size("t2.medium", 2), size("t2.large", 4)],
        [
            *(row(name, "on_demand", usd) for name, usd in prices.items()),
            row("t2.nano", "reserved_standard", 0.0045, 8760),
            row("t2.large", "reserved_standard", 0.0727, 8760),
        ],
        {"t2.medium": [(10, 8760)], "t2.large": [(10, 8760)]},
        8760,
    )


def dear_large_size(ratio, dear_usd, hours, busy, usd, reserved_usd, unit, family):
    """Reservations of the cheap size, bought for hours of a size that is dearer by the unit.

    Buying the cheapest size of a flexibility group is the advice of "I saved 40% on Azure VMs just
    by using this one setting" (2bcloud.io); the prices are made up.
    """
    provider, kind = ("azure", "azure_reservation") if ratio < 2 else ("aws", "reserved_standard")
    small, large = (f"{family}.small", f"{family}.large")
    return request_of(
        provider,
        [size(small, unit), size(large, unit * ratio)],
        [
            row(small, "on_demand", usd),
            row(large, "on_demand", dear_usd),
            row(small, kind, reserved_usd, hours),
            row(large, kind, 2 * reserved_usd, hours),
        ],
        {small: [busy[0]], large: [busy[1]]},
        hours,
    )


def azure_ratio_one_and_a_half():
    """12 reservations: 12 × 0.06 × 240 = 172.80 USD.

    A unit costs 14.40 for 240 hours. Three small VMs save 24 each. Six large ones, for 120 hours,
    are 9 units that save 0.2 / 1.5 × 120 = 16 each. Freely assigned, 9 units serve the large size
    for 120 hours and leave the small one: 9 × 14.40 + 3 × 0.10 × 120 = 165.60 USD.
    """
    return dear_large_size(1.5, 0.2, 240, ((3, 240), (6, 120)), 0.1, 0.06, 1, "B")


def aws_thirty_percent_dearer():
    """22 reservations: 22 × 0.06 × 200 = 264 USD.

    A small machine's units cost 12 for 200 hours. They save 20 on the small size and, for 100
    hours of the large one, 0.26 / 2 × 100 = 13. Freely assigned, 20 of them serve the large size
    for 100 hours and leave the small one: 240 + 2 × 0.10 × 100 = 260 USD.
    """
    return dear_large_size(2, 0.26, 200, ((2, 200), (10, 100)), 0.1, 0.06, 4, "k5")


def aws_twelve_percent_dearer():
    """22 reservations: 22 × 0.06 × 200 = 264 USD.

    As above, but the large size is needed for 114 hours: 0.224 / 2 × 114 = 12.768 saved for 12.
    Freely assigned: 240 + 2 × 0.10 × 114 = 262.80 USD.
    """
    return dear_large_size(2, 0.224, 200, ((2, 200), (10, 114)), 0.1, 0.06, 4, "k5")


UNEVEN = [row("m.large", "on_demand", 0.096), row("m.xlarge", "on_demand", 0.21),
          row("c.large", "on_demand", 0.2), row("m.large", "reserved_standard", 0.05, 24),
          row("m.xlarge", "reserved_standard", 0.1, 24),
          row("c.large", "reserved_standard", 0.11, 24)]  # fmt: skip
SIZES = [size("m.large", 4), size("m.xlarge", 8), size("c.large", 4)]


def ten_large_and_a_small_one():
    """Ten m.xlarge and one m.large are served by 21 m.large: 21 × 0.05 × 24 = 25.20 USD."""
    return request_of("aws", SIZES, UNEVEN, {"m.xlarge": [(10, 24)], "m.large": [(1, 24)]}, 24)


def two_families_to_choose_from():
    """The same, where the ten may be c.large at 0.11 as well: 20 m.large cost 1.00, not 1.10."""
    needs = {"unit": "own", "capacity": {"m.xlarge": 1, "c.large": 1}}
    document = request_of("aws", SIZES, UNEVEN, {"web": [(10, 24)], "m.large": [(1, 24)]}, 24)
    web, small = document["workloads"]
    return document | {"workloads": [web | {"needs": needs}, small]}


def azure_ratios_of_almost_one():
    """Nine reservations, 9 × 0.0062 × 200 = 11.16 USD, and dust of the ratio.

    Three B2ts of ratio 1, and six B2s of 1.0002 for 100 hours, are 9.0012 units. Azure serves the
    smallest ratio first and leaves 0.0012 units of B2s: 0.0012 / 1.0002 × 0.0832 × 100 = 0.009982
    USD. Freely assigned, six reservations serve B2s, leave as much of it and all B2ts in these
    hours: 7.44 + 0.009982 + 3 × 0.0104 × 100 = 10.569982 USD.
    """
    return request_of(
        "azure",
        [size("Bsv2.B2ts", 1), size("Bsv2.B2s", 1.0002)],
        [
            row("Bsv2.B2ts", "on_demand", 0.0104),
            row("Bsv2.B2s", "on_demand", 0.0832),
            row("Bsv2.B2ts", "azure_reservation", 0.0062, 200),
            row("Bsv2.B2s", "azure_reservation", 0.0496, 200),
        ],
        {"Bsv2.B2ts": [(3, 200)], "Bsv2.B2s": [(6, 100)]},
        200,
    )


def azure_plan_above_the_price_on_demand():
    """A plan of 0.4 USD per hour serves 2 a and 2 b: 24 × 0.40 = 9.60 USD.

    Microsoft Learn, how savings plan discounts apply: where the on-demand price is lower than the
    plan's rate, it is what the plan is charged. So a (on demand 0.10, plan 0.15) takes 0.10.
    """
    return request_of(
        "azure",
        [size("a", 1), size("b", 1)],
        [
            row("a", "on_demand", 0.1),
            row("b", "on_demand", 0.3),
            row("a", "azure_savings_plan", 0.15, 24),
            row("b", "azure_savings_plan", 0.1, 24),
        ],
        {"a": [(2, 24)], "b": [(2, 24)]},
        24,
        commitment_step_usd=0.4,
    )


# --- Requests that own everything: their bill is the provider's order alone ---------------------


def two_plans_at_odds():
    """An EC2 plan takes its best machine first, which leaves the dear one to the Compute plan.

    Savings Plans User Guide: EC2 Instance plans before Compute plans, highest discount first. X and
    Y cost 1.00. The EC2 plan of 0.55 serves X at 0.50 and 0.05 / 0.55 of Y; the Compute plan of
    0.51 serves 0.51 / 0.90 of Y. On demand: 1 − 0.0909 − 0.5667 = 0.342424. Freely assigned, the
    EC2 plan serves Y and the Compute plan X, and nothing is on demand.
    """
    return request_of(
        "aws",
        [{"name": "f.x"}, {"name": "f.y"}],
        [
            *(row(name, "on_demand", 1) for name in ("f.x", "f.y")),
            row("f.x", "savings_plan_ec2", 0.5, 4),
            row("f.y", "savings_plan_ec2", 0.55, 4),
            row("f.x", "savings_plan_compute", 0.51, 4),
            row("f.y", "savings_plan_compute", 0.9, 4),
        ],
        {"f.x": [(1, 4)], "f.y": [(1, 4)]},
        4,
        offers={"kinds": []},
        owned=[
            owned_plan("ec2", "savings_plan_ec2", 0.55, 4, family="f", region="here"),
            owned_plan("compute", "savings_plan_compute", 0.51, 4),
        ],
    )


def smallest_size_first():
    """EC2 User Guide: a regional reservation serves the smallest size first.

    8 units serve two large at 0.10, which leaves the xlarge at 0.21; free assignment leaves 0.20.
    """
    owned = {"id": "r", "kind": "reserved_standard", "instance_type": "m3.xlarge", "quantity": 1}
    lasts = {"region": "here", "hourly_usd": 0.05, "start": START, "end": "2027-01-01T04:00Z"}
    return request_of(
        "aws",
        [size("m3.large", 4), size("m3.xlarge", 8)],
        [row("m3.large", "on_demand", 0.1), row("m3.xlarge", "on_demand", 0.21)],
        {"m3.large": [(2, 4)], "m3.xlarge": [(1, 4)]},
        4,
        offers={"kinds": []},
        owned=[owned | lasts],
    )


def longest_term_first():
    """Azure serves with the longer plan first, the best discount of each plan first.

    X and Y cost 1.00. The plan of 8 hours, 0.5 USD, serves X at 0.50; that of 4 hours, 0.73 USD,
    then serves 0.73 / 0.85 of Y, and 0.141176 of it is on demand. Freely assigned, the plan of 8
    hours serves 0.5 / 0.55 of Y and the other one X: 0.090909 is on demand.
    """
    long = owned_plan("long", "azure_savings_plan", 0.5, 8)
    return request_of(
        "azure",
        [{"name": "x"}, {"name": "y"}],
        [
            *(row(name, "on_demand", 1) for name in ("x", "y")),
            row("x", "azure_savings_plan", 0.5, 8),
            row("y", "azure_savings_plan", 0.55, 8),
            row("x", "azure_savings_plan", 0.73, 4),
            row("y", "azure_savings_plan", 0.85, 4),
        ],
        {"x": [(1, 4)], "y": [(1, 4)]},
        4,
        offers={"kinds": []},
        owned=[long, owned_plan("short", "azure_savings_plan", 0.73, 4)],
    )


def flexible_commitment():
    """Google's page on flexible commitments: 28.80 USD at 28 % off cover 40 of 50 USD per hour."""
    return request_of(
        "gcp",
        [{"name": "e2-vm", "resources": {"e2/vcpu": 1, "e2/gib": 4}}],
        [
            row("e2/vcpu", "on_demand", 3),
            row("e2/gib", "on_demand", 0.5),
            row("e2/vcpu", "flexible_commitment", 2.16, 4),
            row("e2/gib", "flexible_commitment", 0.36, 4),
        ],
        {"e2-vm": [(10, 4)]},
        4,
        offers={"kinds": []},
        owned=[owned_plan("flexible", "flexible_commitment", 28.8, 4)],
    )


# --- The audit by hand -------------------------------------------------------------------------

PLANNED = [
    (m5_for_three_years, 125_352.8406, 125_352.8406),
    (t2_of_the_smallest_size, 9_460.80, 9_460.80),
    (ten_large_and_a_small_one, 25.20, 25.20),
    (azure_plan_above_the_price_on_demand, 9.60, 9.60),
]
DUST_USD = 0.0012 / 1.0002 * 0.0832 * 100
"""What the ratio of 1.0002 leaves on demand."""

ORDER_MATTERS = [
    (azure_ratio_one_and_a_half, 165.60, 172.80),
    (aws_thirty_percent_dearer, 260.0, 264.0),
    (aws_twelve_percent_dearer, 262.80, 264.0),
    (azure_ratios_of_almost_one, 10.56 + DUST_USD, 11.16 + DUST_USD),
]
OWNED = [
    (two_plans_at_odds, 4 * 1.06, 4 * (1.06 + 1 - 0.05 / 0.55 - 0.51 / 0.9)),
    (smallest_size_first, 4 * (0.05 + 0.20), 4 * (0.05 + 0.21)),
    (longest_term_first, 4 * (1.23 + 1 - 0.5 / 0.55), 4 * (1.23 + 1 - 0.73 / 0.85)),
    (flexible_commitment, 4 * 38.80, 4 * 38.80),
]


def name_of(value):
    """A case's name in the list of tests."""
    return value.__name__ if callable(value) else None


@pytest.mark.parametrize(
    ("request_by_hand", "free_usd", "billed_usd"), PLANNED + ORDER_MATTERS + OWNED, ids=name_of
)
def test_the_audit_finds_the_optimum_and_the_least_bill(request_by_hand, free_usd, billed_usd):
    fleet = read(request_by_hand())

    assert optimum(fleet).usd == pytest.approx(free_usd, rel=1e-9)
    assert optimum(fleet).bound_usd == pytest.approx(free_usd, rel=1e-8)
    assert least_bill(fleet).usd == pytest.approx(billed_usd, rel=1e-9)


def test_the_audit_chooses_machines_where_a_workload_may():
    fleet = read(two_families_to_choose_from())

    assert optimum(fleet).usd == pytest.approx(25.20, rel=1e-9)
    with pytest.raises(ValueError, match="choice of machines"):
        least_bill(fleet)


def test_the_audit_refuses_what_it_does_not_understand():
    """An answer to another question would be worth nothing."""
    with pytest.raises(ValueError, match="not understood: limits, whole_machines"):
        read(two_plans_at_odds() | {"whole_machines": True, "limits": {}})


# --- The planner under audit --------------------------------------------------------------------

BY_HAND = [case[0] for case in PLANNED + ORDER_MATTERS + OWNED]


@pytest.mark.parametrize("request_by_hand", [*BY_HAND, two_families_to_choose_from], ids=name_of)
def test_no_plan_of_a_request_by_hand_breaks_a_law(request_by_hand):
    assert audit(request_by_hand()).broken == {}


@pytest.mark.parametrize(("request_by_hand", "free_usd", "billed_usd"), PLANNED, ids=name_of)
def test_a_plan_is_billed_the_least(request_by_hand, free_usd, billed_usd):
    assert free_usd == billed_usd
    assert audit(request_by_hand()).bill == pytest.approx(billed_usd, rel=1e-6)


def test_a_plan_asks_each_size_of_a_family_its_own_rate():
    """At the lowest rate of the family, a savings plan would serve as much as reservations do."""
    found = audit(m5_for_three_years(step_usd=0.001))

    assert found.broken == {}
    assert found.bill == pytest.approx(125_352.8406, rel=1e-6)


def test_a_plan_with_a_choice_of_machines_is_billed_the_least():
    assert audit(two_families_to_choose_from()).bill == pytest.approx(25.20, rel=1e-6)


@pytest.mark.parametrize(("request_by_hand", "free_usd", "billed_usd"), ORDER_MATTERS, ids=name_of)
def test_a_plan_is_billed_the_least_where_the_order_matters(request_by_hand, free_usd, billed_usd):
    """The purchases that are best if freely assigned are not the best ones as billed."""
    assert free_usd < billed_usd
    assert audit(request_by_hand()).bill == pytest.approx(billed_usd, rel=1e-6)
