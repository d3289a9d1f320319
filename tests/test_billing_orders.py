"""Who is served first, one rule at a time: each case turns out otherwise in another order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from catalogs.faults import InvalidInputError
from planner.billing import (
    CapacityBlock,
    CapacityReservation,
    OwnHardware,
    RateKey,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
    bill,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = 8760
REGIONS = {"aws": "us-east-1", "gcp": "us-central1", "azure": "westeurope", "custom": "home"}


def usd(text):
    return Decimal(text)


def machine(provider, name, account, on_demand="0.10", units=1, **other):
    return UsageClass(
        **{"family": "family", "region": REGIONS[provider], **other},
        provider=provider,
        name=name,
        account=account,
        units=Decimal(units),
        on_demand_usd=usd(on_demand),
    )


def reservation(provider, name, account, commitment_id="ri", units=1, **other):
    terms = {"size_flexible": provider != "gcp", "shared": True, "count": Decimal(1)}
    return Reservation(
        **{**terms, **other},
        commitment_id=commitment_id,
        provider=provider,
        account=account,
        region=REGIONS[provider],
        instance_type=name,
        family="family",
        units=Decimal(units),
        upfront_usd=Decimal(0),
        hourly_usd=usd("0.05"),
        start=START,
        term_hours=YEAR,
    )


def plan(provider, account, commitment, rates, commitment_id="plan", **other):
    return SavingsPlan(
        **{"term_hours": YEAR, **other},
        commitment_id=commitment_id,
        provider=provider,
        account=account,
        kind="compute",
        commitment_usd=usd(commitment),
        rates={one.rate_key: usd(rate) for one, rate in rates.items()},
        start=START,
    )


def hour_of(*amounts):
    classes, quantities = zip(*amounts, strict=True)
    return Usage(START, classes, np.array([quantities], dtype=float))


def used(result):
    return [one.used for one in result.commitments]


# --- Azure -------------------------------------------------------------------------------------

G1, G2, ELSEWHERE = (machine("azure", "D1", path) for path in ("s1/g1", "s1/g2", "s2/g1"))


@pytest.mark.parametrize(
    ("narrow", "wide", "beside"),
    [
        ({"account": "s1/g1", "shared": False}, {"account": "s1", "shared": False}, G2),
        ({"account": "s1", "shared": False}, {"account": "s1", "shared": True}, ELSEWHERE),
    ],
    ids=["resource group before subscription", "subscription before shared"],
)
def test_azure_serves_the_narrower_scope_first(narrow, wide, beside):
    """In the other order the wide one would take what the narrow one alone can serve."""
    usage = hour_of((G1, 1), (beside, 1))
    owned = [
        reservation("azure", "D1", commitment_id="a", **wide),
        reservation("azure", "D1", commitment_id="b", **narrow),
    ]
    assert bill(usage, owned).on_demand_usd == 0
    rates = {G1: "0.05"}
    plans = [
        plan("azure", commitment="0.05", rates=rates, commitment_id="a", **wide),
        plan("azure", commitment="0.05", rates=rates, commitment_id="b", **narrow),
    ]
    assert bill(usage, plans).on_demand_usd == 0


def test_an_azure_scope_serves_what_lies_below_its_path_and_not_a_like_named_neighbour():
    neighbour = machine("azure", "D1", "s10/g1")
    owned = reservation("azure", "D1", "s1", shared=False, count=Decimal(9))
    result = bill(hour_of((G1, 1), (neighbour, 1)), [owned])
    np.testing.assert_array_equal(result.dedicated_quantity, [[1, 0]])


def test_azure_serves_three_year_plans_before_one_year_plans_of_higher_discount():
    long = plan("azure", "s1", "0.06", {G1: "0.06"}, "long", term_hours=3 * YEAR)
    short = plan("azure", "s1", "0.05", {G1: "0.05"}, "short")
    assert used(bill(hour_of((G1, 1)), [short, long])) == pytest.approx([0, 0.06])


def test_azure_serves_a_narrow_one_year_plan_before_a_shared_three_year_plan():
    wide = plan("azure", "s1", "0.06", {G1: "0.06"}, "wide", term_hours=3 * YEAR)
    narrow = plan("azure", "s1", "0.07", {G1: "0.07"}, "narrow", shared=False)
    assert used(bill(hour_of((G1, 1)), [wide, narrow])) == pytest.approx([0, 0.07])


def test_azure_serves_the_highest_discount_first():
    better = machine("azure", "D2", "s1/g2")
    owned = plan("azure", "s1", "0.05", {G1: "0.06", better: "0.05"})
    np.testing.assert_array_equal(
        bill(hour_of((G1, 1), (better, 1)), [owned]).spend_quantity, [[0, 1]]
    )


def test_azure_serves_exact_sizes_before_flexible_ones_and_small_before_large():
    """The flexible one is then free for the other size."""
    usage = hour_of((G1, 1), (machine("azure", "D2", "s1/g1", units=2), 0.5))
    flexible = reservation("azure", "D1", "s1", "a")
    exact = reservation("azure", "D1", "s1", "b", size_flexible=False)
    assert bill(usage, [flexible, exact]).on_demand_usd == 0
    np.testing.assert_array_equal(bill(usage, [flexible]).dedicated_quantity, [[1, 0]])


def test_azure_reservations_serve_any_operating_system():
    windows = machine("azure", "D1", "s1/g1", os="windows")
    assert bill(hour_of((windows, 1)), [reservation("azure", "D1", "s1")]).on_demand_usd == 0


def capacity(of, count=1, commitment_id="capacity", **other):
    return CapacityReservation(
        **{"account": of.account, "provider": of.provider, "term_hours": YEAR, **other},
        commitment_id=commitment_id,
        machine=of,
        count=Decimal(count),
        start=START,
    )


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_what_runs_is_served_before_capacity_that_stands_unused(provider):
    """Although the unused size is the smaller, and its discount the higher."""
    idle = machine(provider, "D1", "s1")
    busy = machine(provider, "D2", "s1", units=2, on_demand="0.20")
    owned = [capacity(idle, 2), reservation(provider, "D1", "s1", count=Decimal(2))]
    result = bill(hour_of((busy, 1)), owned)
    assert (result.on_demand_usd, result.commitments[0].cost_usd) == (0, usd("0.20"))
    owned = [capacity(idle, 2), plan(provider, "s1", "0.18", {idle: "0.05", busy: "0.18"})]
    result = bill(hour_of((busy, 1)), owned)
    assert (result.on_demand_usd, result.commitments[0].cost_usd) == (0, usd("0.20"))


# --- Google Cloud ------------------------------------------------------------------------------


def test_google_serves_the_owner_project_first_and_only_it_without_sharing():
    usage = hour_of((machine("gcp", "n2/vcpu", "p1"), 1), (machine("gcp", "n2/vcpu", "p2"), 1))
    owned = reservation("gcp", "n2/vcpu", "p2")
    np.testing.assert_array_equal(bill(usage, [owned]).dedicated_quantity, [[0, 1]])
    alone = owned.model_copy(update={"shared": False, "count": Decimal(5)})
    np.testing.assert_array_equal(bill(usage, [alone]).dedicated_quantity, [[0, 1]])


def test_google_serves_resource_commitments_before_flexible_ones():
    vcpu = machine("gcp", "n2/vcpu", "p1")
    owned = [plan("gcp", "p1", "0.05", {vcpu: "0.05"}), reservation("gcp", "n2/vcpu", "p1")]
    assert used(bill(hour_of((vcpu, 1)), owned)) == [0, 1]


@pytest.mark.parametrize(
    ("order", "served"), [("highest_discount", [[0, 1]]), ("lowest_discount", [[1, 0]])]
)
def test_a_flexible_commitment_serves_one_end_of_the_discounts_first_whichever_project(
    order, served
):
    own, other = machine("gcp", "h3/vcpu", "p1"), machine("gcp", "n2/vcpu", "p2")
    owned = plan("gcp", "p1", "0.05", {own: "0.0501", other: "0.05"})
    result = bill(hour_of((own, 0.05 / 0.0501), (other, 1)), [owned], flexible_order=order)
    assert result.spend_quantity == pytest.approx(np.array(served), abs=0.002)


def test_an_unknown_order_is_refused():
    with pytest.raises(InvalidInputError, match="highest_discount, lowest_discount"):
        bill(hour_of((G1, 1)), [], flexible_order="cheapest")


# --- AWS ---------------------------------------------------------------------------------------


def test_a_zonal_reservation_serves_its_owner_first_and_never_usage_of_unknown_zone():
    at = {"zone": "a"}
    owner, other = (machine("aws", "m5.large", account, **at) for account in ("B", "A"))
    nowhere = machine("aws", "m5.large", "B")
    owned = reservation("aws", "m5.large", "B", size_flexible=False, **at)
    usage = hour_of((other, 1), (owner, 0.5), (nowhere, 1))
    np.testing.assert_array_equal(bill(usage, [owned]).dedicated_quantity, [[0.5, 0.5, 0]])


def test_a_plan_whose_sharing_is_off_serves_its_own_account_alone():
    own, other = machine("aws", "m5.large", "A"), machine("aws", "m5.large", "B")
    owned = plan("aws", "A", "0.50", {own: "0.05"}, shared=False)
    result = bill(hour_of((own, 1), (other, 1)), [owned])
    np.testing.assert_array_equal(result.spend_quantity, [[1, 0]])


def test_capacity_reservations_fill_up_one_after_the_other_in_their_own_account_and_zone():
    here = machine("aws", "m5.large", "A", zone="a")
    others = [
        here.model_copy(update=change)
        for change in ({"account": "B"}, {"zone": "b"}, {"os": "windows"}, {"name": "m5.xlarge"})
    ]
    usage = hour_of((here, 3), *((one, 9) for one in others))
    result = bill(usage, [capacity(here, 2, "second"), capacity(here, 2, "first")])
    assert used(result) == [1, 2]
    assert [one.cost_usd for one in result.commitments] == [usd("0.10"), 0]


def test_a_capacity_block_goes_before_capacity_reservations_and_zonal_reservations():
    here = machine("aws", "p5.48xlarge", "A", zone="a")
    block = CapacityBlock(
        commitment_id="block",
        account="A",
        region=here.region,
        zone="a",
        instance_type=here.name,
        count=Decimal(1),
        upfront_usd=usd("24"),
        start=START,
        term_hours=24,
    )
    zonal = reservation("aws", here.name, "A", size_flexible=False, zone="a")
    result = bill(hour_of((here, 1)), [zonal, capacity(here), block])
    assert used(result) == [0, 0, 1]


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_machines_run_in_the_capacity_of_their_own_group_alone(provider):
    here = machine(provider, "m5.large", "A")
    ours, theirs = (here.model_copy(update={"capacity_group": one}) for one in ("ours", "theirs"))
    reservations = [capacity(ours, 2, "ours"), capacity(theirs, 2, "theirs"), capacity(here, 2, "")]
    result = bill(hour_of((here, 5), (ours, 1), (theirs, 0)), reservations)
    assert used(result) == [1, 0, 2]
    np.testing.assert_array_equal(result.unused_quantity, [[0, 1, 2]])


def test_machines_in_a_groups_capacity_run_in_no_block():
    ours = machine("aws", "p5.48xlarge", "A").model_copy(update={"capacity_group": "ours"})
    block = CapacityBlock(
        commitment_id="block",
        account="A",
        region=ours.region,
        zone=None,
        instance_type=ours.name,
        count=Decimal(1),
        upfront_usd=usd("24"),
        start=START,
        term_hours=24,
    )
    result = bill(hour_of((ours, 1)), [capacity(ours), block])
    assert used(result) == [1, 0]


# --- Between providers -------------------------------------------------------------------------


def test_commitments_serve_the_usage_of_their_own_provider_alone():
    """Names and regions are the same everywhere."""
    providers = ("aws", "gcp", "azure", "custom")
    place = {"region": "r", "service": "machines"}
    classes = [machine(name, "m", "a", **place) for name in providers]
    for position, provider in enumerate(providers):
        owned = plan(provider, "a", "9", {classes[position]: "0.05"})
        result = bill(hour_of(*((one, 1) for one in classes)), [owned])
        assert result.spend_quantity[0].tolist() == [float(p == provider) for p in providers]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_spot_usage_is_paid_at_its_own_price_and_never_covered(provider):
    spot = machine(provider, "m", "a", spot_usd=usd("0.03"))
    owned = [reservation(provider, "m", "a"), plan(provider, "a", "9", {spot: "0.05"})]
    result = bill(hour_of((spot, 2)), owned)
    assert (result.on_demand_usd, used(result)) == (usd("0.06"), [0, 0])
    assert (result.on_demand_equivalent_usd, result.coverage) == (usd("0.20"), 0)


def test_machines_of_each_provider_have_their_own_service():
    keys = [machine(provider, "m", "a").rate_key.service for provider in REGIONS]
    assert keys == ["ec2", "compute-engine", "virtual-machines", "ec2"]
    assert RateKey("ec2", "m", "us-east-1") == machine("aws", "m", "a").rate_key


# --- Owned servers -----------------------------------------------------------------------------


def servers(serves, **changes):
    terms = {
        "commitment_id": "rack",
        "account": "a",
        "count": Decimal(1),
        "capex_usd": usd("1000"),
        "salvage_usd": usd("200"),
        "start": START,
        "term_hours": 8,
        "serves": serves,
    }
    return OwnHardware(**{**terms, **changes})


def test_what_owned_servers_serve_pays_no_licence_and_no_rent():
    windows = machine("aws", "m5.large", "a", os="windows", software_usd=usd("0.09"))
    result = bill(hour_of((windows, 3)), [servers({windows.rate_key: 1}, count=Decimal(2))])
    assert result.on_demand_usd == usd("0.10") + usd("0.09")
    assert result.commitments[0].cost_usd == 2 * usd("100")
    np.testing.assert_array_equal(result.owned_quantity, [[2]])
    np.testing.assert_array_equal(result.dedicated_quantity, [[2]])


def test_owned_servers_kept_to_an_account_serve_it_alone_and_others_all():
    own, other = machine("aws", "m5.large", "a"), machine("gcp", "m5.large", "b")
    serves = {own.rate_key: 1, other.rate_key: 1}
    rack = servers(serves, count=Decimal(9))
    assert bill(hour_of((own, 1), (other, 1)), [rack]).on_demand_usd == 0
    alone = rack.model_copy(update={"shared": False})
    assert bill(hour_of((own, 1), (other, 1)), [alone]).on_demand_usd == usd("0.10")


def test_energy_follows_the_use_of_a_server_beyond_what_it_draws_idle():
    """2 kW × 1.5 × 0.20 USD = 0.60 USD/h in full use, 0.24 idle; half used."""
    one = machine("aws", "m5.large", "a")
    rack = servers(
        {one.rate_key: Decimal("0.25")},
        capex_usd=usd("0"),
        salvage_usd=usd("0"),
        power_kw=usd("2"),
        pue=usd("1.5"),
        energy_usd_per_kwh=usd("0.20"),
        idle_power_share=usd("0.4"),
        operation_hourly_usd=usd("0.01"),
    )
    result = bill(hour_of((one, 2)), [rack])
    assert result.commitments[0].utilization == 0.5
    assert result.commitments[0].cost_usd == usd("0.24") + usd("0.36") / 2 + usd("0.01")
    assert result.months[0].cash_usd == result.total_usd


@pytest.mark.parametrize(
    ("hours", "amortized", "cash_flow", "cash"),
    [(4, 400, 400, 1000), (8, 800, 800, 800), (10, 800, 800, 800)],
)
def test_servers_are_written_off_to_what_they_sell_for(hours, amortized, cash_flow, cash):
    """1,000 USD, sold for 200 after eight hours; half-way they are worth 600."""
    usage = Usage(START, (), np.zeros((hours, 0)))
    rack = servers({})
    assert bill(usage, [rack]).total_usd == amortized
    assert bill(usage, [rack], accounting="full_term").total_usd == 800
    result = bill(usage, [rack], accounting="cash_flow")
    assert result.total_usd == cash_flow
    assert result.months[0].cash_usd == cash


def test_resale_is_discounted_from_the_end_of_the_life():
    """Money halves every 100 hours."""
    usage = Usage(START, (), np.zeros((300, 0)))
    yearly = 2.0 ** (8760 / 100) - 1
    rack = servers({}, term_hours=200)
    result = bill(usage, [rack], accounting="cash_flow", discount_rate=yearly)
    assert result.total_usd == 1000 - 200 / 4


def test_an_annuity_recovers_capital_with_interest():
    """Cost per hour = capex × r / (1 − (1 + r)^−L) / 8760, less discounted resale, and power."""
    rack = servers({}, term_hours=5 * YEAR, operation_hourly_usd=usd("0.01"))
    yearly = sum(rack.annuity_hourly_usd(0.08) * YEAR / 1.08**year for year in range(1, 6)) - sum(
        0.01 * YEAR / 1.08**year for year in range(1, 6)
    )
    assert yearly == pytest.approx(1000 - 200 / 1.08**5)
    straight = float(rack.amortized_hourly_usd)
    assert rack.annuity_hourly_usd(0) == pytest.approx(straight)
    assert rack.annuity_hourly_usd(1e-9) == pytest.approx(straight, rel=1e-6)


# --- What cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: reservation("aws", "m", "a", zone="a"), "not size-flexible"),
        (lambda: reservation("azure", "m", "a", zone="a", size_flexible=False), "only AWS sells"),
        (lambda: reservation("gcp", "m", "a", size_flexible=True), "units of one resource"),
        (lambda: capacity(G1, account="s2"), "one provider and account"),
        (lambda: capacity(machine("gcp", "n2/vcpu", "p")), "AWS's or Azure's"),
        (lambda: servers({}, salvage_usd=usd("1001")), "at most capex_usd"),
        (lambda: servers({}, start=START.replace(tzinfo=None)), "UTC offset"),
        (lambda: SavingsPlan(**{**EC2, "provider": "azure"}), "only AWS sells ec2 plans"),
        (lambda: machine("aws", "m", "a", sustained_use=(1, 1, 1)), "sustained_use"),
    ],
)
def test_what_no_provider_sells_is_refused(make, message):
    with pytest.raises(ValidationError, match=message):
        make()


EC2 = {
    "commitment_id": "c",
    "account": "a",
    "kind": "ec2",
    "region": "r",
    "family": "f",
    "commitment_usd": 1,
    "start": START,
    "term_hours": YEAR,
    "rates": {},
}


def test_unused_capacity_beyond_whole_nano_dollars_is_refused_not_wrapped():
    dear = machine("aws", "m", "a", on_demand="100")
    with pytest.raises(InvalidInputError, match=r"commitments\[0\], cost by the hour \[USD\] = "):
        bill(hour_of((dear, 1)), [capacity(dear, 10**9)])


def test_a_block_of_half_an_hour_or_less_is_refused():
    with pytest.raises(ValidationError, match=r"greater than 0\.5"):
        CapacityBlock(
            commitment_id="b",
            account="a",
            region="r",
            zone="z",
            instance_type="t",
            count=1,
            upfront_usd=1,
            start=START + timedelta(minutes=30),
            term_hours=Decimal("0.5"),
        )
