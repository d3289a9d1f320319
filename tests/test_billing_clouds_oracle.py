"""Google's, Azure's and owned servers' bill against a slow one: fractions in plain loops."""

import calendar
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.billing import (
    CapacityReservation,
    OwnHardware,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
    bill,
)

START = datetime(2025, 12, 31, 19, tzinfo=UTC)  # the year turns after five hours
CALM = settings(deadline=None, max_examples=80)
N1 = tuple(Decimal(text) for text in ("1", "0.8", "0.6", "0.4"))


# --- The oracle --------------------------------------------------------------------------------


def class_names(one):
    place = (one.account, one.service, one.name, one.region, one.os, one.tenancy, one.zone or "")
    price = (one.on_demand_usd, one.provider, one.spot_usd or 0, one.spot_usd is None)
    rest = (one.software_usd, one.sustained_use or (), one.month_cap_hours or 0)
    return (*place, one.family or "", one.units or 0, *price, *rest, one.commitment_premium)


def key_of(one):
    return (one.service, one.name, one.region, one.os, one.tenancy)


def reaches(owned, one):
    """How wide the scope is that the usage stands in; None where it stands outside."""
    if owned.provider == "azure":
        if owned.shared:
            return 100
        scope, path = owned.account.split("/"), one.account.split("/")
        return 50 - len(scope) if path[: len(scope)] == scope else None
    return 0 if owned.shared or owned.account == one.account else None


def service_of(owned, one):
    """(step, rank, what a unit-hour takes), or None where the usage is not served."""
    scope = reaches(owned, one)
    if scope is None:
        return None
    if isinstance(owned, OwnHardware):
        if key_of(one) not in owned.serves:
            return None
        servers = Fraction(owned.serves[key_of(one)])
        price = one.on_demand_usd if one.spot_usd is None else one.spot_usd
        return 0, (-Fraction(price + one.software_usd) / servers,), servers
    if owned.provider != one.provider or one.spot_usd is not None:
        return None
    if isinstance(owned, SavingsPlan):
        if key_of(one) not in owned.rates or one.on_demand_usd == 0:
            return None
        rate = owned.rates[key_of(one)]
        if owned.provider == "azure":
            rate = min(rate, one.on_demand_usd)
        paid = Fraction(rate) / Fraction(one.on_demand_usd)
        first = (scope, -owned.term_hours) if owned.provider == "azure" else ()
        return 2, (*first, paid, rate), Fraction(rate)
    return reserved_service(owned, one, scope)


def reserved_service(owned, one, scope):
    if owned.region != one.region:
        return None
    if owned.provider == "gcp":
        if owned.instance_type != one.name:
            return None
        return 1, (owned.account != one.account,), Fraction(1)
    if one.service != "virtual-machines" or owned.tenancy != one.tenancy:
        return None
    if owned.size_flexible:
        if owned.family != one.family:
            return None
        return 1, (scope, 1, one.units), Fraction(one.units)
    if owned.instance_type != one.name:
        return None
    return 1, (scope, 0, one.units), Fraction(1)


def gives(owned):
    if isinstance(owned, SavingsPlan):
        return Fraction(owned.commitment_usd)
    if isinstance(owned, Reservation) and owned.size_flexible:
        return Fraction(owned.count) * Fraction(owned.units)
    return Fraction(owned.count)


def share_of_hour(owned, hour, span_start):
    """How much of an hour lies in the term, by its microseconds."""
    opens = span_start + timedelta(hours=hour)
    ends = owned.start + timedelta(microseconds=int(owned.term_hours * 3_600_000_000))
    overlap = min(ends, opens + timedelta(hours=1)) - max(owned.start, opens)
    return max(Fraction(overlap // timedelta(microseconds=1), 3_600_000_000), Fraction(0))


def slow_hour(usage, commitments, hour):
    """The hour with servers first or last, whichever leaves less to pay."""
    first = SlowHour(usage, commitments, hour)
    if len({isinstance(one, OwnHardware) for one in commitments}) < 2:
        return first
    last = SlowHour(usage, commitments, hour, servers_first=False)
    return last if last.to_pay() < first.to_pay() * (1 - Fraction(1, 10**12)) else first


class SlowHour:
    """One clock-hour: classes, then unused capacity, served pair by pair in order."""

    def __init__(self, usage, commitments, hour, *, servers_first=True):
        self.classes, self.commitments = list(usage.classes), commitments
        self.own = len(self.classes)
        self.amounts = [Fraction(float(amount)) for amount in usage.quantity[hour]]
        self.left = list(self.amounts)
        self.share = {one.commitment_id: share_of_hour(one, hour, START) for one in commitments}
        self.served = defaultdict(Fraction)  # (commitment or step, class)
        self.used = defaultdict(Fraction)
        self.extra = defaultdict(Fraction)
        if servers_first:
            self.step(0)
        self.reserve_capacity()
        self.step(1)
        self.step(2)
        if not servers_first:
            self.step(0)
        for column, reservation in self.capacity.items():
            price = Fraction(reservation.machine.on_demand_usd)
            self.extra[reservation.commitment_id] += self.left[column] * price

    def to_pay(self):
        """What is left to rent, its software, and what commitments cost beside their price."""
        due = sum(self.extra.values(), Fraction(0))
        for column, one in enumerate(self.classes[: self.own]):
            price = one.on_demand_usd if one.spot_usd is None else one.spot_usd
            rented = self.amounts[column] - self.served[0, column]
            due += self.left[column] * Fraction(price) + rented * Fraction(one.software_usd)
        return due

    def reserve_capacity(self):
        """Machines run inside, the id that sorts first fills up first; the rest is usage too."""
        self.capacity = {}
        reservations = [one for one in self.commitments if isinstance(one, CapacityReservation)]
        running = list(self.left)
        for one in sorted(reservations, key=lambda one: one.commitment_id):
            held = free = Fraction(one.count) * self.share[one.commitment_id]
            place = (one.machine.account, key_of(one.machine), one.machine.zone)
            for column in range(self.own):
                other = self.classes[column]
                if (other.account, key_of(other), other.zone) == place and other.spot_usd is None:
                    inside = min(free, running[column])
                    running[column] -= inside
                    free -= inside
            self.used[one.commitment_id] = held - free
            self.capacity[len(self.classes)] = one
            self.classes.append(one.machine)
            self.left.append(free)

    def step(self, step):
        """All pairs of one step in their order; commitments alike share pro rata."""
        groups, pairs = defaultdict(list), []
        for one in self.commitments:
            if isinstance(one, CapacityReservation):
                continue
            rented = self.classes[: self.own] if step == 0 else self.classes
            services = [service_of(one, other) for other in rented]
            services = tuple(s if s is not None and s[0] == step else None for s in services)
            if any(services):
                groups[one.account, services].append(one)
        for (account, services), group in groups.items():
            first_id = min(one.commitment_id for one in group)
            for column, service in enumerate(services):
                if service is not None:
                    unused = column >= self.own
                    names = class_names(self.classes[column])
                    rank = (unused, *service[1], names, first_id)
                    pairs.append((rank, (account, services), column, service[2]))
        full = {
            key: sum(gives(one) * self.share[one.commitment_id] for one in group)
            for key, group in groups.items()
        }
        free = dict(full)
        for _, key, column, weight in sorted(pairs, key=lambda pair: pair[0]):
            amount = min(self.left[column], free[key] / weight)
            self.left[column] -= amount
            free[key] -= amount * weight
            self.served[step, column] += amount
            for one in groups[key]:
                if full[key]:
                    part = gives(one) * self.share[one.commitment_id] / full[key]
                    self.used[one.commitment_id] += self.measure(one) * amount * weight * part
                    self.surcharge(one, self.classes[column], amount * part)

    def measure(self, one):
        """Units back to machines."""
        flexible = isinstance(one, Reservation) and one.size_flexible
        return 1 / Fraction(one.units) if flexible else 1

    def surcharge(self, one, other, amount):
        """What serving costs beside: energy in use, or a custom machine's premium."""
        if isinstance(one, OwnHardware):
            kwh = one.power_kw * one.pue * (1 - one.idle_power_share)
            each = Fraction(kwh * one.energy_usd_per_kwh) * Fraction(one.serves[key_of(other)])
        elif isinstance(one, Reservation):
            each = Fraction(one.hourly_usd) * Fraction(other.commitment_premium)
        else:
            each = Fraction(0)
        self.extra[one.commitment_id] += amount * each


# --- Random usage and commitments, from few values so that ties are common ---------------------

PRICES = st.sampled_from([Decimal(text) for text in ("0.10", "0.2", "0.333", "1")])
SHARES = st.sampled_from([Decimal(text) for text in ("0.4", "0.5", "0.75", "1", "1.1")])
QUANTITIES = st.one_of(st.integers(0, 6).map(float), st.floats(0, 6).map(lambda x: round(x, 3)))
QUARTERS = st.integers(-6 * 4, 4 * 4).map(lambda quarters: START + timedelta(minutes=15 * quarters))
STARTS = st.one_of(st.just(START), st.just(START), QUARTERS)  # mostly together, to compete
TERMS = st.sampled_from([Decimal(text) for text in ("0.25", "3.5", "7", "12", "12")])
RATIOS = {"D1": Decimal(1), "D2": Decimal(2), "D4": Decimal(4)}
PATHS = ("s1/g1", "s1/g2", "s2/g1")


def spot_or_not(draw):
    return draw(st.sampled_from([*[None] * 9, Decimal("0.05")]))


@st.composite
def gcp_classes(draw):
    return UsageClass(
        account=draw(st.sampled_from(["p1", "p2"])),
        provider="gcp",
        name=draw(st.sampled_from(["n2/vcpu", "n2/vcpu", "n2/gib"])),
        region=draw(st.sampled_from(["us", "us", "us", "eu"])),
        on_demand_usd=draw(PRICES),
        spot_usd=spot_or_not(draw),
        commitment_premium=draw(st.sampled_from([Decimal(0), Decimal("0.05")])),
    )


@st.composite
def azure_classes(draw):
    size = draw(st.sampled_from(sorted(RATIOS)))
    return UsageClass(
        account=draw(st.sampled_from(PATHS)),
        provider="azure",
        name=size,
        region=draw(st.sampled_from(["west", "west", "west", "north"])),
        os=draw(st.sampled_from(["linux", "windows"])),
        family="D",
        units=RATIOS[size],
        on_demand_usd=draw(PRICES),
        spot_usd=spot_or_not(draw),
        software_usd=draw(st.sampled_from([Decimal(0), Decimal("0.07")])),
    )


@st.composite
def usages(draw):
    of_one = [
        gcp_classes(),
        azure_classes(),
        azure_classes(),
        st.one_of(gcp_classes(), azure_classes()),
    ]
    some = draw(st.sampled_from(of_one))
    classes = draw(st.lists(some, min_size=2, max_size=5, unique=True))
    hours = draw(st.integers(1, 6))
    row = st.lists(QUANTITIES, min_size=len(classes), max_size=len(classes))
    rows = draw(st.lists(row, min_size=hours, max_size=hours))
    return Usage(START, tuple(classes), np.array(rows))


def terms(draw, name):
    return {
        "commitment_id": name,
        "start": draw(STARTS),
        "term_hours": draw(TERMS),
        "shared": draw(st.booleans()),
    }


@st.composite
def gcp_reservations(draw, name):
    return Reservation(
        **terms(draw, name),
        account=draw(st.sampled_from(["p1", "p2", "p3"])),
        provider="gcp",
        region=draw(st.sampled_from(["us", "us", "us", "eu"])),
        instance_type=draw(st.sampled_from(["n2/vcpu", "n2/vcpu", "n2/gib"])),
        size_flexible=False,
        count=Decimal(draw(st.integers(0, 5))),
        upfront_usd=Decimal(0),
        hourly_usd=Decimal("0.031"),
    )


@st.composite
def azure_reservations(draw, name):
    size = draw(st.sampled_from(sorted(RATIOS)))
    return Reservation(
        **terms(draw, name),
        account=draw(st.sampled_from(["s1", "s2", *PATHS])),
        provider="azure",
        region=draw(st.sampled_from(["west", "west", "west", "north"])),
        instance_type=size,
        family="D",
        units=RATIOS[size],
        size_flexible=draw(st.booleans()),
        count=Decimal(draw(st.integers(0, 4))),
        upfront_usd=draw(st.sampled_from([Decimal(0), Decimal("0.77")])),
        hourly_usd=Decimal("0.031"),
    )


@st.composite
def spend_plans(draw, usage, name):
    provider = draw(st.sampled_from(usage.classes)).provider
    eligible = [one for one in usage.classes if draw(st.integers(0, 4))]
    accounts = ["s1", "s2", *PATHS] if provider == "azure" else ["p1", "p2"]
    return SavingsPlan(
        **terms(draw, name),
        account=draw(st.sampled_from(accounts)),
        provider=provider,
        kind="compute",
        commitment_usd=draw(st.sampled_from([Decimal("0"), Decimal("0.25"), Decimal("0.731")])),
        upfront_share=draw(st.sampled_from([Decimal(0), Decimal("0.5")])),
        rates={one.rate_key: one.on_demand_usd * draw(SHARES) for one in eligible},
    )


@st.composite
def hardware(draw, usage, name):
    served = [one for one in usage.classes if draw(st.booleans())]
    needs = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal("0.0625")])
    return OwnHardware(
        **terms(draw, name),
        account=draw(st.sampled_from(["p1", "s1/g1"])),
        count=Decimal(draw(st.integers(0, 2))),
        serves={one.rate_key: draw(needs) for one in served},
        capex_usd=Decimal("7.7"),
        salvage_usd=Decimal("0.7"),
        power_kw=Decimal("0.5"),
        pue=Decimal("1.2"),
        idle_power_share=Decimal("0.4"),
        energy_usd_per_kwh=Decimal("0.11"),
        operation_hourly_usd=Decimal("0.01"),
    )


@st.composite
def capacity(draw, usage, name):
    machines = [one for one in usage.classes if one.provider == "azure" and one.spot_usd is None]
    machine = draw(st.sampled_from(machines)) if machines else draw(azure_classes())
    return CapacityReservation(
        **terms(draw, name),
        account=machine.account,
        provider="azure",
        machine=machine.model_copy(update={"spot_usd": None}),
        count=Decimal(draw(st.integers(0, 6))),
    )


@st.composite
def problems(draw):
    usage = draw(usages())
    providers, commitments = {one.provider for one in usage.classes}, []
    for number in draw(st.permutations(range(draw(st.integers(1, 6))))):
        name = f"id-{number}"
        if commitments and draw(st.integers(0, 5)) == 0:
            changes = {"commitment_id": name, "start": draw(STARTS)}
            commitments.append(draw(st.sampled_from(commitments)).model_copy(update=changes))
            continue
        kinds = [spend_plans(usage, name), spend_plans(usage, name), hardware(usage, name)]
        if "gcp" in providers:
            kinds += [gcp_reservations(name)] * 2
        if "azure" in providers:
            kinds += [*[azure_reservations(name)] * 2, capacity(usage, name)]
        commitments.append(draw(draw(st.sampled_from(kinds))))
    return usage, commitments


# --- The comparison ----------------------------------------------------------------------------


@settings(CALM, max_examples=150)
@given(problem=problems())
def test_every_amount_equals_the_slow_bill(problem):
    usage, commitments = problem
    result = bill(usage, commitments)
    used, extra, paid = defaultdict(Fraction), defaultdict(Fraction), Fraction(0)
    for hour in range(usage.hours):
        slow = slow_hour(usage, commitments, hour)
        for column, one in enumerate(usage.classes):
            cell, price = (
                (hour, column),
                one.on_demand_usd if one.spot_usd is None else one.spot_usd,
            )
            owned, reserved = slow.served[0, column], slow.served[1, column]
            assert result.on_demand_quantity[cell] == close(slow.left[column])
            assert result.owned_quantity[cell] == close(owned)
            assert result.dedicated_quantity[cell] == close(owned + reserved)
            assert result.spend_quantity[cell] == close(slow.served[2, column])
            rented = Fraction(float(usage.quantity[cell])) - owned
            paid += slow.left[column] * Fraction(price) + rented * Fraction(one.software_usd)
        for one in commitments:
            used[one.commitment_id] += slow.used[one.commitment_id]
            extra[one.commitment_id] += slow.extra[one.commitment_id]
    assert result.on_demand_usd == approx_usd(paid)
    for one, billed in zip(commitments, result.commitments, strict=True):
        active = sum(share_of_hour(one, hour, START) for hour in range(usage.hours))
        assert billed.used == close(used[one.commitment_id])
        assert billed.active_hours == close(active)
        fixed = active * Fraction(one.amortized_hourly_usd)
        assert billed.cost_usd == approx_usd(fixed + extra[one.commitment_id])


def close(fraction):
    return pytest.approx(float(fraction), rel=1e-9, abs=1e-9)


def approx_usd(fraction):
    """Half a nano-dollar for each of the rounded cells."""
    return pytest.approx(Decimal(float(fraction)), abs=Decimal("2e-7"))


@CALM
@given(problem=problems(), random=st.randoms(use_true_random=False))
def test_the_order_of_columns_and_commitments_changes_nothing(problem, random):
    usage, commitments = problem
    columns = random.sample(range(len(usage.classes)), len(usage.classes))
    classes = tuple(usage.classes[column] for column in columns)
    moved = bill(
        Usage(usage.start, classes, usage.quantity[:, columns]),
        random.sample(commitments, len(commitments)),
    )
    before = bill(usage, commitments)
    assert moved.total_usd == before.total_usd
    np.testing.assert_array_equal(moved.on_demand_quantity, before.on_demand_quantity[:, columns])


@CALM
@given(problem=problems())
def test_no_commitment_serves_more_than_it_has_and_nothing_is_served_twice(problem):
    usage, commitments = problem
    result = bill(usage, commitments, keep_lines=True)
    parts = result.dedicated_quantity + result.spend_quantity + result.on_demand_quantity
    np.testing.assert_allclose(parts, usage.quantity, rtol=0, atol=1e-12)
    for billed in result.commitments:
        assert 0 <= billed.used <= billed.committed * (1 + 1e-12)
    for owned in commitments:
        if isinstance(owned, SavingsPlan):
            for hour in range(usage.hours):
                spent = sum(
                    line.cost_usd
                    for line in result.lines
                    if (line.commitment_id, line.hour)
                    == (owned.commitment_id, START + timedelta(hours=hour))
                )
                has = Fraction(owned.commitment_usd) * share_of_hour(owned, hour, START)
                assert float(spent) <= float(has) + 1e-8


@CALM
@given(problem=problems())
def test_the_total_is_exactly_the_sum_of_its_parts(problem):
    usage, commitments = problem
    for accounting in ("amortized", "cash_flow", "full_term"):
        result = bill(usage, commitments, accounting=accounting, discount_rate=0.1)
        assert result.commitment_usd == sum(one.cost_usd for one in result.commitments)
        by_month = sum(month.on_demand_usd + month.commitment_usd for month in result.months)
        assert result.total_usd == by_month
        if accounting != "cash_flow":
            usage_usd = Decimal(int(result.hourly_on_demand_nanousd.sum())).scaleb(-9)
            parts = usage_usd + result.software_usd - result.sustained_use_usd
            assert result.on_demand_usd == parts


@pytest.mark.parametrize("provider", ["gcp", "azure"])
@CALM
@given(usage=usages(), more=st.sampled_from([Decimal("0.1"), Decimal("1")]), data=st.data())
def test_a_single_plan_that_commits_more_never_leaves_more_on_demand(provider, usage, more, data):
    plan = data.draw(spend_plans(usage, "plan")).model_copy(update={"provider": provider})
    larger = plan.model_copy(update={"commitment_usd": plan.commitment_usd + more})
    assert bill(usage, [larger]).on_demand_usd <= bill(usage, [plan]).on_demand_usd


# --- Sustained use -----------------------------------------------------------------------------


def stacked_usd(levels, month_hours, price, factors):
    """Every level runs so many hours of the month; each quarter has its factor."""
    total = Fraction(0)
    for level in range(max(levels, default=0)):
        runs = sum(1 for amount in levels if amount > level)
        for hour in range(runs):
            total += Fraction(price) * Fraction(factors[hour * 4 // month_hours])
    return total


@CALM
@given(
    levels=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    repeat=st.integers(1, 400),
    committed=st.integers(0, 2),
    start=st.sampled_from([datetime(2026, 2, 20, 3, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)]),
)
def test_sustained_use_costs_what_stacking_the_levels_of_each_month_does(
    levels, repeat, committed, start
):
    quantity = (levels * repeat)[:900]
    two = [
        UsageClass(
            account="p",
            provider="gcp",
            name="n1/vcpu",
            region="us",
            zone=zone,
            on_demand_usd=Decimal("0.5"),
            sustained_use=N1,
        )
        for zone in ("a", "b")
    ]
    halves = np.array([[amount - amount // 2, amount // 2] for amount in quantity], dtype=float)
    owned = Reservation(
        commitment_id="cud",
        account="p",
        provider="gcp",
        region="us",
        instance_type="n1/vcpu",
        size_flexible=False,
        count=Decimal(committed),
        upfront_usd=Decimal(0),
        hourly_usd=Decimal(0),
        start=start,
        term_hours=8760,
    )
    result = bill(Usage(start, tuple(two), halves), [owned])
    by_month = defaultdict(list)
    for hour, amount in enumerate(quantity):
        now = start + timedelta(hours=hour)
        by_month[now.year, now.month].append(max(amount - committed, 0))
    expected = sum(
        stacked_usd(left, 24 * calendar.monthrange(*month)[1], Decimal("0.5"), N1)
        for month, left in by_month.items()
    )
    assert result.on_demand_usd == pytest.approx(Decimal(float(expected)), abs=Decimal("1e-6"))


def test_each_account_and_region_has_its_own_sustained_use():
    """Two projects of half a month each do not make a full month together."""
    classes = [
        UsageClass(
            account=account,
            provider="gcp",
            name="n1/vcpu",
            region=region,
            on_demand_usd=Decimal(1),
            sustained_use=N1,
        )
        for account, region in (("p", "us"), ("q", "us"), ("p", "eu"))
    ]
    start = datetime(2026, 4, 1, tzinfo=UTC)
    quantity = np.zeros((720, 3))
    quantity[:240, 0] = quantity[240:480, 1] = quantity[480:, 2] = 1
    result = bill(Usage(start, tuple(classes), quantity), [])
    assert result.on_demand_usd == 3 * (180 + Decimal("0.8") * 60)


def test_a_discounted_month_credits_its_hours_in_proportion_to_their_cost():
    """All usage in one hour of the span, whose discount is a half."""
    vcpu = UsageClass(
        account="p",
        provider="gcp",
        name="s-1",
        region="us",
        on_demand_usd=Decimal(1),
        sustained_use=(Decimal("0.5"),) * 4,
    )
    quantity = np.zeros((200, 1))
    quantity[100] = 8
    yearly = 2.0 ** (8760 / 100) - 1
    result = bill(
        Usage(datetime(2026, 4, 1, tzinfo=UTC), (vcpu,), quantity),
        [],
        accounting="cash_flow",
        discount_rate=yearly,
    )
    assert (result.on_demand_usd, result.sustained_use_usd) == (2, 2)
    assert result.months[0].cash_usd == 4
