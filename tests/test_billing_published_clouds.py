"""Bills that Google, Microsoft and others publish, and AWS's of zones and capacity, to the cent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from planner.billing import (
    CapacityBlock,
    CapacityReservation,
    OwnHardware,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
    bill,
    in_resources,
)
from planner.billing.gcp import discounted_commitment, legacy_charges

START = datetime(2026, 4, 1, tzinfo=UTC)  # a month of 720 h
CENT = Decimal("0.005")


def usd(text):
    return Decimal(text)


def hours_of(classes, rows, start=START):
    return Usage(start, tuple(classes), np.array(rows, dtype=float))


# --- AWS: docs.aws.amazon.com/AWSEC2/latest/UserGuide/ -----------------------------------------

REGION = "us-east-1"


def ec2(name, on_demand, units, **other):
    return UsageClass(
        **{"account": "A", "region": REGION, "family": name.split(".")[0], **other},
        name=name,
        units=Decimal(units),
        on_demand_usd=usd(on_demand),
    )


def reserved(name, units, count, commitment_id, **other):
    flexible = "zone" not in other
    return Reservation(
        **{"account": "A", "region": REGION, "hourly_usd": usd("0.05"), **other},
        commitment_id=commitment_id,
        instance_type=name,
        family=name.split(".")[0],
        units=Decimal(units),
        size_flexible=flexible,
        count=Decimal(count),
        start=START,
        term_hours=8760,
        upfront_usd=usd("0"),
    )


def test_e6_zonal_and_regional_reservations_leave_half_a_c4_xlarge():
    """From apply_ri.html, first scenario."""
    usage = hours_of(
        [
            ec2("m3.large", "0.133", 4, zone="a"),
            ec2("m4.xlarge", "0.20", 8, zone="b"),
            ec2("c4.xlarge", "0.199", 8, zone="c"),
        ],
        [[4, 2, 1]],
    )
    owned = [
        reserved("m3.large", 4, 4, "m3", zone="a"),
        reserved("m4.large", 4, 4, "m4"),
        reserved("c4.large", 4, 1, "c4"),
    ]
    result = bill(usage, owned)
    np.testing.assert_array_equal(result.on_demand_quantity, [[0, 0, 0.5]])
    assert result.on_demand_usd == usd("0.0995")


def test_e9_unused_zonal_reservations_of_others_go_before_the_accounts_own_regional_ones():
    """From apply_ri.html, third scenario."""
    usage = hours_of(
        [
            ec2("m4.xlarge", "0.20", 8, zone="1a"),
            ec2("m4.xlarge", "0.20", 8, zone="1b", account="B"),
        ],
        [[1, 1]],
    )
    owned = [
        reserved("m4.xlarge", 8, 1, "regional of A"),
        reserved("m4.xlarge", 8, 1, "zonal of C", account="C", zone="1a"),
    ]
    result = bill(usage, owned, keep_lines=True)
    assert result.on_demand_usd == 0
    assert [(line.account, line.commitment_id) for line in result.lines] == [
        ("A", "zonal of C"),
        ("B", "regional of A"),
    ]


M4_LARGE = ec2("m4.large", "0.10", 4, zone="a")


def capacity(count, hours, commitment_id="odcr", start=START, machine=M4_LARGE):
    return CapacityReservation(
        commitment_id=commitment_id,
        account=machine.account,
        provider=machine.provider,
        start=start,
        term_hours=Decimal(hours),
        machine=machine,
        count=Decimal(count),
    )


def test_e14_a_capacity_reservation_costs_one_unused_hour_beside_five_of_its_instance():
    """From capacity-reservations-pricing-billing.html: cancelled in the sixth hour."""
    usage = hours_of([M4_LARGE], [[0], [1], [1], [1], [1], [1]])
    result = bill(usage, [capacity(1, 5)])
    assert (result.total_usd, result.commitments[0].cost_usd) == (usd("0.60"), usd("0.10"))
    assert (result.commitments[0].used, result.commitments[0].unused) == (4, 1)


def test_e15_five_of_twenty_reserved_stand_unused_and_a_day_and_a_quarter_hour_is_charged_so():
    """From capacity-reservations-pricing-billing.html."""
    result = bill(hours_of([M4_LARGE], [[15]]), [capacity(20, 1)])
    assert result.on_demand_usd == 15 * usd("0.10")
    assert result.commitments[0].cost_usd == 5 * usd("0.10")
    day = bill(hours_of([M4_LARGE], np.zeros((30, 1))), [capacity(1, "24.25")])
    assert day.commitments[0].committed == 24.25
    assert day.total_usd == usd("2.425")


def test_regional_reservations_serve_running_machines_before_unused_capacity():
    """From capacity-reservations-pricing-billing.html; zonal ones never serve the unused part."""
    usage = hours_of([M4_LARGE], [[1]])
    regional = reserved("m4.large", 4, 2, "ri")
    result = bill(usage, [capacity(3, 1), regional], keep_lines=True)
    assert (result.on_demand_usd, result.commitments[0].cost_usd) == (0, usd("0.10"))
    assert result.commitments[1].utilization == 1
    assert [(line.commitment_id, line.quantity) for line in result.lines] == [
        ("ri", 1),
        ("ri", 1),
        ("odcr", 1),
    ]
    zonal = reserved("m4.large", 4, 2, "ri", zone="a")
    result = bill(usage, [capacity(3, 1), zonal])
    assert (result.on_demand_usd, result.commitments[0].cost_usd) == (0, usd("0.20"))


def test_a_capacity_block_serves_its_type_and_zone_alone_but_not_in_its_last_half_hour():
    """From capacity-blocks-pricing-billing.html: all upfront, no other discount inside."""
    p5 = ec2("p5.48xlarge", "55.04", 384, zone="a")
    usage = hours_of([p5, p5.model_copy(update={"zone": "b"})], [[2, 1]] * 24)
    block = CapacityBlock(
        commitment_id="block",
        account="A",
        region=REGION,
        zone="a",
        instance_type="p5.48xlarge",
        count=Decimal(2),
        upfront_usd=24 * usd("39.33"),
        start=START,
        term_hours=24,
    )
    result = bill(usage, [block, reserved("p5.48xlarge", 384, 9, "ri")], keep_lines=True)
    in_block = [line for line in result.lines if line.commitment_id == "block"]
    assert sum(line.quantity for line in in_block) == 2 * 23.5
    assert result.commitments[0].cost_usd == 2 * 24 * usd("39.33")
    assert result.commitments[1].used == 24 + 1
    assert result.months[0].upfront_cash_usd == 2 * 24 * usd("39.33")


# --- Google Cloud ------------------------------------------------------------------------------


def gcp(name, on_demand, **other):
    return UsageClass(
        **{"account": "project", "region": "us-central1", **other},
        provider="gcp",
        name=name,
        on_demand_usd=usd(on_demand),
    )


def flexible(commitment, rates):
    return SavingsPlan(
        commitment_id="flex",
        account="billing-account",
        provider="gcp",
        kind="compute",
        commitment_usd=usd(commitment),
        start=START,
        term_hours=8760,
        rates={one.rate_key: usd(rate) for one, rate in rates.items()},
    )


@pytest.mark.parametrize(
    ("commitment", "total", "unused"),
    [("36.00", "36.00", 0), ("28.80", "38.80", 0), ("43.20", "43.20", 7.20)],
    ids=["e20", "e21", "e22"],
)
def test_e20_to_e22_a_flexible_commitment_covers_its_dollars_at_28_percent(
    commitment, total, unused
):
    """docs.cloud.google.com/billing/docs/how-to/cud-analysis-flexible: 50.00 on demand an hour."""
    vcpu = gcp("n2/vcpu", "0.05")
    result = bill(hours_of([vcpu], [[1000]]), [flexible(commitment, {vcpu: "0.036"})])
    assert result.total_usd == usd(total)
    assert result.commitments[0].unused == pytest.approx(unused, abs=1e-9)


def test_e23_the_legacy_model_costs_what_the_new_one_does():
    """cloud.google.com/billing/docs/how-to/cud-analysis-spend-based: 25 %, 50 an hour."""
    charges = legacy_charges(usd("50"), usd("50"), usd("0.25"))
    assert (charges.fee_usd, charges.on_demand_usd, charges.credit_usd) == (usd("37.50"), 50, 50)
    assert charges.total_usd == usd("37.50")
    vcpu = gcp("n2/vcpu", "0.05")
    for usage_usd in (30, 50, 80):
        new = flexible(discounted_commitment(usd("50"), usd("0.25")), {vcpu: "0.0375"})
        result = bill(hours_of([vcpu], [[usage_usd * 20]]), [new])
        assert result.total_usd == legacy_charges(usd(usage_usd), usd("50"), usd("0.25")).total_usd


def resource_commitment(name, count, **other):
    return Reservation(
        **{"account": "project", "region": "us-central1", "hourly_usd": usd("0.02"), **other},
        commitment_id=f"cud {name}",
        provider="gcp",
        instance_type=name,
        size_flexible=False,
        count=Decimal(count),
        upfront_usd=usd("0"),
        start=START,
        term_hours=8760,
    )


def test_e24_8_of_24_vcpus_are_committed_and_16_on_demand():
    """cloud.google.com/compute/docs/instances/signing-up-committed-use-discounts."""
    usage = hours_of([gcp("n2/vcpu", "0.031611"), gcp("n2/gib", "0.004237")], [[24, 96]])
    result = bill(usage, [resource_commitment("n2/vcpu", 8)])
    np.testing.assert_array_equal(result.dedicated_quantity, [[8, 0]])
    np.testing.assert_array_equal(result.on_demand_quantity, [[16, 96]])


N1_FACTORS = (usd("1"), usd("0.8"), usd("0.6"), usd("0.4"))
C2_FACTORS = (usd("1"), usd("0.8678"), usd("0.733"), usd("0.6"))


def test_e25_machines_of_two_sizes_add_up_to_long_runs_of_their_resources():
    """cloud.google.com/compute/docs/sustained-use-discounts: n1-standard-4, then n1-standard-16.

    4 vCPU run all month (30 %), 12 half of it (10 %): 7,200 vCPU-hours cost as 5,904.
    """
    small, large = gcp("n1-standard-4", "0.19"), gcp("n1-standard-16", "0.76")
    vcpu = gcp("n1/vcpu", "1", sustained_use=N1_FACTORS)
    gib = gcp("n1/gib", "0.1", sustained_use=N1_FACTORS)
    machines = hours_of([small, large], [[1, 0]] * 360 + [[0, 1]] * 360)
    usage = in_resources(
        machines,
        {
            small: [(vcpu, Decimal(4)), (gib, Decimal(15))],
            large: [(vcpu, Decimal(16)), (gib, Decimal(60))],
        },
    )
    assert usage.quantity.sum(axis=0).tolist() == [7200, 27000]
    only_vcpu = bill(Usage(START, usage.classes[:1], usage.quantity[:, :1]), [])
    assert (only_vcpu.total_usd, only_vcpu.sustained_use_usd) == (5904, 7200 - 5904)
    gib_usd = usd("0.1") * 720 * (15 * usd("0.7") + 45 * usd("0.5") * usd("0.9"))
    assert bill(usage, []).total_usd == 5904 + gib_usd


@pytest.mark.parametrize(
    ("name", "price", "factors", "month"),
    [
        ("n1-standard-1", "0.0475", N1_FACTORS, "23.94"),
        ("c2-standard-4", "0.2088", C2_FACTORS, "120.299"),
    ],
)
def test_e26_a_full_month_of_sustained_use(name, price, factors, month):
    """cloud.google.com/compute/docs/sustained-use-discounts, the tables of incremental rates."""
    machine = gcp(name, price, sustained_use=factors)
    result = bill(hours_of([machine], np.ones((720, 1))), [])
    assert result.total_usd == pytest.approx(usd(month), abs=CENT / 10)


def test_sustained_use_comes_after_commitments_and_not_on_spot_usage():
    """cloud.google.com/compute/vm-instance-pricing: discounts exclude each other per unit."""
    vcpu = gcp("n1/vcpu", "1", sustained_use=N1_FACTORS)
    spot = gcp("n1/vcpu", "1", sustained_use=N1_FACTORS, spot_usd=usd("0.25"))
    usage = hours_of([vcpu, spot], [[6, 4]] * 720)
    result = bill(usage, [resource_commitment("n1/vcpu", 5)])
    assert result.on_demand_usd == 720 * (usd("0.7") + 4 * usd("0.25"))
    assert result.sustained_use_usd == 720 * usd("0.3")


def test_custom_machines_pay_a_premium_on_the_part_a_commitment_covers():
    """cloud.google.com/compute/vm-instance-pricing: 5 % on the commitment's price."""
    custom = gcp("n2/vcpu", "0.0332", commitment_premium=usd("0.05"))
    result = bill(hours_of([custom], [[6]]), [resource_commitment("n2/vcpu", 8)])
    assert result.total_usd == 8 * usd("0.02") + 6 * usd("0.02") * usd("0.05")


# --- Azure: learn.microsoft.com/azure/ ---------------------------------------------------------


def azure(name, on_demand, ratio, **other):
    return UsageClass(
        **{"account": "sub/group", "region": "westeurope", "family": "DSv2 Series", **other},
        provider="azure",
        name=name,
        units=Decimal(ratio),
        on_demand_usd=usd(on_demand),
    )


def azure_reservation(name, ratio, count, **other):
    return Reservation(
        **{"account": "sub", "family": "DSv2 Series", "size_flexible": True, **other},
        commitment_id=f"reserved {name}",
        provider="azure",
        region="westeurope",
        instance_type=name,
        units=Decimal(ratio),
        count=Decimal(count),
        upfront_usd=usd("0"),
        hourly_usd=usd("0.05"),
        start=START,
        term_hours=8760,
    )


def test_e27_partial_hours_of_machines_fill_the_reservations_hour():
    """cost-management-billing/manage/understand-vm-reservation-charges."""
    one, two = azure("D1_v2", "0.07", 1), azure("D1_v2", "0.07", 1, account="sub/other")
    usage = hours_of([one, two], [[0.75, 0.5], [1, 1], [1, 1], [0.5, 1]])
    result = bill(usage, [azure_reservation("D1_v2", 1, 1)])
    assert result.on_demand_quantity.sum(axis=1).tolist() == [0.25, 1, 1, 0.5]


@pytest.mark.parametrize(
    ("running", "on_demand"),
    [({"DS1_v2": 8}, 0), ({"DS2_v2": 2, "DS3_v2": 1}, 0), ({"DS5_v2": 1}, 0.5)],
    ids=["a", "b", "c"],
)
def test_e28_a_ratio_of_8_serves_8_small_a_mixture_or_half_a_large(running, on_demand):
    """virtual-machines/reserved-vm-instance-size-flexibility: one DS4_v2."""
    ratios = {"DS1_v2": 1, "DS2_v2": 2, "DS3_v2": 4, "DS5_v2": 16}
    classes = [azure(name, "0.1", ratios[name]) for name in running]
    result = bill(hours_of(classes, [list(running.values())]), [azure_reservation("DS4_v2", 8, 1)])
    assert result.on_demand_quantity.sum() == on_demand


def test_e29_ten_reserved_five_running_and_two_reservations_cost_eight_on_demand():
    """virtual-machines/capacity-reservation-overview."""
    machine = azure("D2s_v3", "0.10", 2, family="DSv3 Series")
    owned = azure_reservation("D2s_v3", 2, 2, family="DSv3 Series")
    result = bill(hours_of([machine], [[5]]), [capacity(10, 1, machine=machine), owned])
    assert result.on_demand_usd + result.commitments[0].cost_usd == 8 * usd("0.10")


def test_software_is_billed_on_all_that_is_rented_and_covered_by_nothing():
    """understand-vm-reservation-charges: the reservation covers the infrastructure alone."""
    windows = azure("D1_v2", "0.07", 1, os="windows", software_usd=usd("0.05"))
    result = bill(hours_of([windows], [[3]]), [azure_reservation("D1_v2", 1, 2)])
    assert result.on_demand_usd == usd("0.07") + 3 * usd("0.05")
    assert result.software_usd == 3 * usd("0.05")
    hybrid = windows.model_copy(update={"software_usd": Decimal(0)})
    assert bill(hours_of([hybrid], [[3]]), []).on_demand_usd == 3 * usd("0.07")


def test_a_negotiated_price_below_the_plans_rate_is_charged_to_the_plan():
    """savings-plan/discount-application."""
    cheap = azure("D1_v2", "0.05", 1)
    plan = SavingsPlan(
        commitment_id="plan",
        account="sub",
        provider="azure",
        kind="compute",
        commitment_usd=usd("0.10"),
        start=START,
        term_hours=8760,
        rates={cheap.rate_key: usd("0.06")},
    )
    result = bill(hours_of([cheap], [[3]]), [plan])
    assert (result.spend_quantity[0, 0], result.on_demand_usd) == (2, usd("0.05"))


# --- Owned servers, FOCUS, DigitalOcean --------------------------------------------------------


def test_owned_servers_serve_the_dearest_usage_before_anything_is_rented():
    """6,000 less 1,000 over 5 years, 0.5 kW at 0.10 USD/kWh with a PUE of 1.2, 184.06 USD/kW-month.

    The price of space, end of 2024, is 0.2521 USD per kWh of full draw.
    """
    large, small = ec2("m5.4xlarge", "0.768", 32), ec2("m5.large", "0.12", 4)
    servers = OwnHardware(
        commitment_id="rack",
        account="A",
        count=Decimal(2),
        serves={large.rate_key: Decimal("0.5"), small.rate_key: Decimal("0.0625")},
        start=START,
        term_hours=5 * 8760,
        capex_usd=usd("6000"),
        salvage_usd=usd("1000"),
        power_kw=usd("0.5"),
        pue=usd("1.2"),
        energy_usd_per_kwh=usd("0.10"),
        space_usd_per_kw_month=usd("184.06"),
    )
    assert servers.hourly_usd / usd("0.5") - usd("0.12") == pytest.approx(
        usd("0.2521"), abs=usd("5e-5")
    )
    result = bill(hours_of([large, small], [[1, 40]]), [servers, reserved("m5.large", 4, 8, "ri")])
    np.testing.assert_array_equal(result.owned_quantity, [[0, 32]])
    np.testing.assert_array_equal(result.on_demand_quantity, [[1, 0]])
    hourly = usd("5000") / (5 * 8760) + usd("0.06") + usd("0.5") * usd("184.06") * 12 / 8760
    assert result.commitments[0].cost_usd == pytest.approx(2 * hourly, abs=usd("1e-8"))


def test_e31_half_upfront_of_one_dollar_an_hour_is_a_one_time_4380_and_half_a_dollar_recurring():
    """FOCUS_Spec, commitment discount scenarios: used and unused add up to what is bought."""
    machine = ec2("m5.large", "1.25", 4)
    plan = SavingsPlan(
        commitment_id="plan",
        account="A",
        kind="compute",
        commitment_usd=usd("1.00"),
        upfront_share=usd("0.5"),
        start=START,
        term_hours=8760,
        rates={machine.rate_key: usd("1.00")},
    )
    assert (plan.upfront_usd, plan.hourly_usd) == (4380, usd("0.50"))
    partly = bill(hours_of([machine], [[0.75]]), [plan]).commitments[0]
    assert (partly.used_usd, partly.unused_usd) == (usd("0.75"), usd("0.25"))
    beyond = bill(hours_of([machine], [[1.5]]), [plan])
    assert (beyond.commitments[0].used_usd, beyond.on_demand_quantity[0, 0]) == (1, 0.5)
    year = bill(hours_of([machine], np.full((8760, 1), 0.75)), [plan])
    entry = year.commitments[0]
    assert entry.used_usd + entry.unused_usd == 4380 + 8760 * usd("0.50")


@pytest.mark.parametrize(("hours", "paid"), [(336, "5"), (700, "10")])
def test_e32_a_droplet_costs_its_month_after_672_hours(hours, paid):
    """digitalocean.com/community/questions/droplet-billing-is-it-granular-after-the-first-hour."""
    droplet = UsageClass(
        account="A",
        provider="custom",
        name="s-1vcpu-2gb",
        region="fra1",
        on_demand_usd=usd("10") / 672,
        month_cap_hours=672,
    )
    result = bill(hours_of([droplet], np.ones((hours, 1))), [])
    assert result.total_usd == pytest.approx(usd(paid), abs=CENT)


# --- Time inside an hour -----------------------------------------------------------------------


def test_a_commitment_that_starts_and_ends_inside_an_hour_serves_and_costs_that_share():
    """AWS counts a year as 8,760 h from the purchase, which is rarely on the hour."""
    usage = hours_of([M4_LARGE], [[1], [1], [1]])
    owned = reserved("m4.large", 4, 1, "ri", hourly_usd=usd("0.04"))
    owned = owned.model_copy(
        update={"start": START + timedelta(minutes=45), "term_hours": Decimal("1.5")}
    )
    result = bill(usage, [owned], keep_lines=True)
    assert result.dedicated_quantity[:, 0].tolist() == [0.25, 1, 0.25]
    assert result.commitments[0].active_hours == result.commitments[0].used == 1.5
    assert result.commitment_usd == usd("0.06")
    assert sum(line.cost_usd for line in result.lines) == result.total_usd
