"""The bill against a slow one: pure fractions, one hour and one pair at a time, in plain loops."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.billing import Reservation, SavingsPlan, Usage, UsageClass, bill

# A span that turns the month (and year) after five hours.
START = datetime(2025, 12, 31, 19, tzinfo=UTC)
NANO_USD = Fraction(1, 10**9)
CALM = settings(deadline=None, max_examples=60)


# --- The oracle --------------------------------------------------------------------------------


@dataclass
class SlowBill:
    """Exact, unrounded results, keyed by (hour, class), commitment id or month."""

    on_demand: dict
    dedicated: dict
    spend: dict
    used: dict
    commitment_cost: dict
    months: dict


def class_names(one):
    """The documented order between equal classes."""
    place = (one.account, one.service, one.name, one.region, one.os, one.tenancy, one.zone or "")
    return (*place, one.family or "", one.units or 0, one.on_demand_usd)


def matches(owned, one):
    if isinstance(owned, Reservation):
        wanted = (owned.region, owned.os, owned.tenancy)
        if one.service != "ec2" or (one.region, one.os, one.tenancy) != wanted:
            return False
        if owned.zone is not None and one.zone != owned.zone:
            return False
        if owned.size_flexible:
            return one.family == owned.family and one.units is not None
        return one.name == owned.instance_type
    if owned.kind == "ec2" and (one.service, one.region, one.family) != (
        "ec2",
        owned.region,
        owned.family,
    ):
        return False
    return (one.service, one.name, one.region, one.os, one.tenancy) in owned.rates


def price_of(owned, one):
    """What a unit-hour takes: units, a machine-hour, or dollars."""
    if isinstance(owned, SavingsPlan):
        return Fraction(owned.rates[(one.service, one.name, one.region, one.os, one.tenancy)])
    return Fraction(one.units) if owned.size_flexible else Fraction(1)


def gives(owned):
    if isinstance(owned, SavingsPlan):
        return Fraction(owned.commitment_usd)
    return Fraction(owned.count) * (Fraction(owned.units) if owned.size_flexible else 1)


def step_of(owned):
    if isinstance(owned, Reservation):
        return 0 if owned.zone is None else -1
    return 1 if owned.kind == "ec2" else 2


def alike(owned, classes):
    """Commitments of one key are used together, pro rata."""
    serves = tuple(price_of(owned, one) if matches(owned, one) else None for one in classes)
    if isinstance(owned, SavingsPlan):
        return ("plan", owned.kind, owned.account, serves)
    scope = owned.family if owned.size_flexible else owned.instance_type
    where = (owned.region, owned.os, owned.tenancy)
    return ("reservation", owned.account, owned.size_flexible, scope, where, owned.zone)


def ranked_pairs(step, groups, classes):
    """(group, class, price) of one step in the documented order."""
    pairs = []
    for key, group in groups.items():
        first_id = min(one.commitment_id for one in group)
        for column, one in enumerate(classes):
            if step_of(group[0]) != step or not matches(group[0], one):
                continue
            price = price_of(group[0], one)
            other = one.account != group[0].account
            if step == -1:
                rank = (other, class_names(one))
            elif step == 0:
                rank = (other, group[0].size_flexible, one.units, class_names(one))
            else:
                savings = 1 - price / Fraction(one.on_demand_usd)
                rank = (other, -savings, price, class_names(one))
            pairs.append(((*rank, first_id), key, column, price))
    return [pair[1:] for pair in sorted(pairs, key=lambda pair: pair[0])]


def slow_application(usage, commitments):
    """What is on demand, dedicated and spend per (hour, class); what each commitment used."""
    groups = defaultdict(list)
    for owned in commitments:
        groups[alike(owned, usage.classes)].append(owned)
    remaining, dedicated, spend = {}, defaultdict(Fraction), defaultdict(Fraction)
    used = {owned.commitment_id: Fraction(0) for owned in commitments}
    for hour in range(usage.hours):
        now = usage.start + timedelta(hours=hour)
        for column in range(len(usage.classes)):
            remaining[hour, column] = Fraction(float(usage.quantity[hour, column]))
        running = {key: [one for one in group if runs(one, now)] for key, group in groups.items()}
        full = {key: sum(gives(one) for one in group) for key, group in running.items()}
        left = dict(full)
        for step, served_by in ((-1, dedicated), (0, dedicated), (1, spend), (2, spend)):
            for key, column, price in ranked_pairs(step, groups, usage.classes):
                served = min(remaining[hour, column], left[key] / price)
                remaining[hour, column] -= served
                left[key] -= served * price
                served_by[hour, column] += served
        for key, group in running.items():
            for one in group:
                size = one.count if isinstance(one, Reservation) else one.commitment_usd
                share = (full[key] - left[key]) / full[key] if full[key] else 0
                used[one.commitment_id] += Fraction(size) * share
    return remaining, dedicated, spend, used


def runs(owned, now):
    return owned.start <= now < owned.start + timedelta(hours=int(owned.term_hours))


def slow_charges(owned, usage, accounting, present):
    """(moment, charged, upfront paid, cash) for everything a commitment costs."""
    end = usage.start + timedelta(hours=usage.hours)
    count = Fraction(owned.count) if isinstance(owned, Reservation) else 1
    upfront, hourly = count * Fraction(owned.upfront_usd), count * Fraction(owned.hourly_usd)
    discounting, term_hours = accounting == "cash_flow", int(owned.term_hours)
    if owned.start >= end:
        return
    if owned.start >= usage.start:
        charged = upfront * present(owned.start) if discounting else 0
        yield owned.start, charged, upfront, upfront
        hours_left = (owned.start - end) // timedelta(hours=1) + term_hours
        if discounting and hours_left > 0:
            credit = upfront * Fraction(hours_left, term_hours) * present(end)
            yield end - timedelta(hours=1), -credit, 0, 0
    for hour in range(term_hours):
        now = owned.start + timedelta(hours=hour)
        if usage.start <= now and (now < end or accounting == "full_term"):
            spread = 0 if discounting else upfront / term_hours
            yield now, hourly * present(now) + spread, 0, hourly


def slow_bill(usage, commitments, accounting, discount_rate):
    remaining, dedicated, spend, used = slow_application(usage, commitments)
    months = defaultdict(lambda: [Fraction(0)] * 4)  # on demand, commitment, upfront, cash
    costs = defaultdict(Fraction)

    def present(moment):
        years = (moment - usage.start) / timedelta(hours=8760)
        return Fraction((1 + discount_rate) ** -years) if accounting == "cash_flow" else 1

    def book(moment, *amounts):
        month = f"{moment:%Y-%m}"
        months[month] = [old + new for old, new in zip(months[month], amounts, strict=True)]

    for (hour, column), quantity in remaining.items():
        now = usage.start + timedelta(hours=hour)
        nominal = quantity * Fraction(usage.classes[column].on_demand_usd)
        book(now, nominal * present(now), 0, 0, nominal)
    for owned in commitments:
        for moment, charged, paid, cash in slow_charges(owned, usage, accounting, present):
            book(moment, 0, charged, paid, cash)
            costs[owned.commitment_id] += charged
    return SlowBill(remaining, dedicated, spend, used, costs, dict(months))


# --- Random usage and commitments, from few values so that ties are common ---------------------

ACCOUNTS, REGIONS, FAMILIES = ("A", "A", "B", "C"), ("us", "us", "us", "eu"), ("m5", "m5", "c5")
UNITS = {"large": Decimal(4), "xlarge": Decimal(8), "2xlarge": Decimal(16)}
SYSTEMS = st.sampled_from(["linux", "linux", "linux", "windows"])
ON_DEMAND = st.sampled_from([Decimal(text) for text in ("0.10", "0.2", "0.20", "0.333", "1")])
RATE_SHARES = st.sampled_from([Decimal(text) for text in ("0.4", "0.5", "0.75", "1", "1.1")])
QUANTITIES = st.one_of(st.integers(0, 6).map(float), st.floats(0, 6).map(lambda x: round(x, 3)))
OFFSETS = st.integers(-6, 14).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def usage_classes(draw):
    size, family = draw(st.sampled_from(sorted(UNITS))), draw(st.sampled_from(FAMILIES))
    account, region = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(REGIONS))
    if draw(st.integers(0, 5)) == 0:
        return UsageClass(
            account=account,
            service="fargate",
            name="vcpu",
            region=region,
            on_demand_usd=draw(ON_DEMAND),
        )
    return UsageClass(
        account=account,
        name=f"{family}.{size}",
        region=region,
        zone=draw(st.sampled_from([None, "a", "b"])),
        os=draw(SYSTEMS),
        family=family,
        units=UNITS[size],
        on_demand_usd=draw(ON_DEMAND),
    )


@st.composite
def usages(draw):
    classes = draw(st.lists(usage_classes(), min_size=1, max_size=5, unique=True))
    hours = draw(st.integers(1, 9))
    row = st.lists(QUANTITIES, min_size=len(classes), max_size=len(classes))
    rows = draw(st.lists(row, min_size=hours, max_size=hours))
    return Usage(START, tuple(classes), np.array(rows))


@st.composite
def reservations(draw, commitment_id):
    size, family = draw(st.sampled_from(sorted(UNITS))), draw(st.sampled_from(FAMILIES))
    size_flexible = draw(st.booleans())
    return Reservation(
        commitment_id=commitment_id,
        account=draw(st.sampled_from(ACCOUNTS)),
        region=draw(st.sampled_from(REGIONS)),
        instance_type=f"{family}.{size}",
        family=family,
        units=UNITS[size],
        size_flexible=size_flexible,
        zone=None if size_flexible else draw(st.sampled_from([None, "a"])),
        os=draw(SYSTEMS),
        count=Decimal(draw(st.integers(0, 4))),
        start=draw(OFFSETS),
        term_hours=draw(st.integers(1, 12)),
        upfront_usd=draw(st.sampled_from([Decimal(0), Decimal("0.77"), Decimal("10.01")])),
        hourly_usd=draw(st.sampled_from([Decimal(0), Decimal("0.0309")])),
    )


@st.composite
def savings_plans(draw, usage, commitment_id):
    kind = draw(st.sampled_from(["ec2", "compute"]))
    eligible = draw(st.lists(st.sampled_from(usage.classes), unique=True))
    rates = {one.rate_key: one.on_demand_usd * draw(RATE_SHARES) for one in eligible}
    return SavingsPlan(
        commitment_id=commitment_id,
        account=draw(st.sampled_from(ACCOUNTS)),
        kind=kind,
        region=draw(st.sampled_from(REGIONS)) if kind == "ec2" else None,
        family=draw(st.sampled_from(FAMILIES)) if kind == "ec2" else None,
        commitment_usd=draw(st.sampled_from([Decimal("0"), Decimal("0.25"), Decimal("0.731")])),
        upfront_share=draw(st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("0.333")])),
        start=draw(OFFSETS),
        term_hours=draw(st.integers(1, 12)),
        rates=rates,
    )


@st.composite
def problems(draw):
    """Usage, and up to six commitments of which some are copies under another id."""
    usage = draw(usages())
    ids = draw(st.permutations(range(draw(st.integers(0, 6)))))
    commitments = []
    for number in ids:
        name = f"id-{number}"
        if commitments and draw(st.integers(0, 3)) == 0:
            copied = draw(st.sampled_from(commitments))
            changes = {"commitment_id": name, "start": draw(OFFSETS)}
            commitments.append(copied.model_copy(update=changes))
        elif draw(st.booleans()):
            commitments.append(draw(reservations(name)))
        else:
            commitments.append(draw(savings_plans(usage, name)))
    return usage, commitments


# --- The comparison ----------------------------------------------------------------------------


@pytest.mark.parametrize("accounting", ["amortized", "cash_flow", "full_term"])
@settings(CALM, max_examples=120)
@given(problem=problems(), discount_rate=st.sampled_from([0.0, 0.08, 5000.0]))
def test_every_figure_equals_the_slow_bill(accounting, problem, discount_rate):
    """A year's rate of 5,000 makes a few hours of discount visible."""
    usage, commitments = problem
    slow = slow_bill(usage, commitments, accounting, discount_rate)
    result = bill(usage, commitments, accounting=accounting, discount_rate=discount_rate)

    for cell in slow.on_demand:
        assert result.on_demand_quantity[cell] == pytest.approx(float(slow.on_demand[cell]))
        assert result.dedicated_quantity[cell] == pytest.approx(float(slow.dedicated[cell]))
        assert result.spend_quantity[cell] == pytest.approx(float(slow.spend[cell]))
    for billed in result.commitments:
        assert billed.used == pytest.approx(float(slow.used[billed.commitment_id]))
        exact = slow.commitment_cost[billed.commitment_id]
        assert abs(Fraction(billed.cost_usd) - exact) <= 20 * NANO_USD
    assert [month.month for month in result.months] == sorted(slow.months)
    # Half a nano-dollar per rounded figure: 45 cells, and 24 sums of up to 4 machines.
    for month in result.months:
        figures = (
            month.on_demand_usd,
            month.commitment_usd,
            month.upfront_cash_usd,
            month.cash_usd,
        )
        for figure, exact in zip(figures, slow.months[month.month], strict=True):
            assert abs(Fraction(figure) - exact) <= 75 * NANO_USD


@CALM
@given(problem=problems())
def test_coverage_and_utilization_are_shares_of_the_slow_bill(problem):
    usage, commitments = problem
    slow = slow_bill(usage, commitments, "amortized", 0.0)
    result = bill(usage, commitments)
    served = equivalent = committed = used = Fraction(0)
    for hour, column in slow.on_demand:
        price = Fraction(usage.classes[column].on_demand_usd)
        equivalent += price * Fraction(float(usage.quantity[hour, column]))
        served += price * (slow.dedicated[hour, column] + slow.spend[hour, column])
    for owned in commitments:
        each = Fraction(1)
        if isinstance(owned, Reservation):
            each = Fraction(owned.upfront_usd) / int(owned.term_hours) + Fraction(owned.hourly_usd)
        size = owned.count if isinstance(owned, Reservation) else owned.commitment_usd
        hours = range(usage.hours)
        active = sum(runs(owned, usage.start + timedelta(hours=hour)) for hour in hours)
        committed += each * Fraction(size) * active
        used += each * slow.used[owned.commitment_id]
    assert result.coverage == (pytest.approx(float(served / equivalent)) if equivalent else None)
    assert result.utilization == (pytest.approx(float(used / committed)) if committed else None)


# --- Laws --------------------------------------------------------------------------------------


@CALM
@given(problem=problems())
def test_usage_is_covered_or_on_demand_and_no_commitment_is_used_beyond_itself(problem):
    usage, commitments = problem
    result = bill(usage, commitments)
    parts = result.dedicated_quantity + result.spend_quantity + result.on_demand_quantity
    np.testing.assert_allclose(parts, usage.quantity, rtol=0, atol=1e-12)
    for part in (result.dedicated_quantity, result.spend_quantity, result.on_demand_quantity):
        assert (part >= 0).all()
    for billed in result.commitments:
        assert 0 <= billed.used <= billed.committed * (1 + 1e-12)


@CALM
@given(problem=problems())
def test_months_and_commitments_add_up_to_the_total_exactly(problem):
    usage, commitments = problem
    for accounting in ("amortized", "cash_flow", "full_term"):
        result = bill(usage, commitments, accounting=accounting, discount_rate=0.1)
        by_month = sum(month.on_demand_usd + month.commitment_usd for month in result.months)
        assert result.total_usd == by_month
        assert result.commitment_usd == sum(one.cost_usd for one in result.commitments)


@CALM
@given(problem=problems())
def test_lines_carry_exactly_the_billed_usage_and_on_demand_cost(problem):
    usage, commitments = problem
    result = bill(usage, commitments, keep_lines=True)
    on_demand = [line for line in result.lines if line.commitment_id is None]
    assert sum(line.cost_usd for line in on_demand) == result.on_demand_usd
    carried = sum(line.quantity for line in result.lines)
    assert carried == pytest.approx(float(usage.quantity.sum()))
    for owned, billed in zip(commitments, result.commitments, strict=True):
        lines = [one for one in result.lines if one.commitment_id == owned.commitment_id]
        cost = float(owned.amortized_hourly_usd) * billed.active_hours
        share = billed.utilization or 0.0
        assert float(sum(one.cost_usd for one in lines)) == pytest.approx(share * cost, abs=1e-7)


@CALM
@given(problem=problems())
def test_doubling_prices_and_spend_doubles_the_bill(problem):
    usage, commitments = problem
    dearer = Usage(usage.start, tuple(map(double_price, usage.classes)), usage.quantity)
    before = bill(usage, commitments)
    after = bill(dearer, [double_money(owned) for owned in commitments])
    np.testing.assert_allclose(after.on_demand_quantity, before.on_demand_quantity, atol=1e-9)
    assert after.total_usd == pytest.approx(2 * before.total_usd, abs=Decimal("5e-7"))


def double_price(one):
    return one.model_copy(update={"on_demand_usd": 2 * one.on_demand_usd})


def double_money(owned):
    if isinstance(owned, Reservation):
        money = {"upfront_usd": 2 * owned.upfront_usd, "hourly_usd": 2 * owned.hourly_usd}
        return owned.model_copy(update=money)
    rates = {key: 2 * rate for key, rate in owned.rates.items()}
    return owned.model_copy(update={"commitment_usd": 2 * owned.commitment_usd, "rates": rates})


@CALM
@given(problem=problems(), accounting=st.sampled_from(["amortized", "cash_flow", "full_term"]))
def test_one_reservation_of_two_machines_bills_as_two_of_one(problem, accounting):
    usage, commitments = problem
    pairs = [
        owned.model_copy(update={"count": Decimal(2)}) if isinstance(owned, Reservation) else owned
        for owned in commitments
    ]
    singles = [half for owned in pairs for half in halves(owned)]
    whole = bill(usage, pairs, accounting=accounting, discount_rate=0.1)
    split = bill(usage, singles, accounting=accounting, discount_rate=0.1)
    assert split.months == whole.months
    assert split.utilization == pytest.approx(whole.utilization)
    np.testing.assert_array_equal(split.on_demand_quantity, whole.on_demand_quantity)


def halves(owned):
    if not isinstance(owned, Reservation):
        return [owned]
    return [
        owned.model_copy(update={"count": Decimal(1), "commitment_id": owned.commitment_id + half})
        for half in (" a", " b")
    ]


@CALM
@given(problem=problems(), random=st.randoms(use_true_random=False))
def test_the_order_of_hours_columns_and_commitments_changes_nothing(problem, random):
    """Hours are shuffled among commitments that run throughout, so that they stay alike."""
    usage, commitments = problem
    always = [owned.model_copy(update={"start": START, "term_hours": 20}) for owned in commitments]
    hours = random.sample(range(usage.hours), usage.hours)
    columns = random.sample(range(len(usage.classes)), len(usage.classes))
    classes = tuple(usage.classes[column] for column in columns)
    moved = Usage(usage.start, classes, usage.quantity[np.ix_(hours, columns)])
    before = bill(usage, always)
    after = bill(moved, random.sample(always, len(always)))
    assert after.total_usd == before.total_usd
    np.testing.assert_array_equal(
        after.on_demand_quantity, before.on_demand_quantity[np.ix_(hours, columns)]
    )


@CALM
@given(problem=problems())
def test_a_further_commitment_never_raises_the_on_demand_part_of_one_kind(problem):
    """Inside one spend plan's scope more commitment leaves less on demand."""
    usage, commitments = problem
    plans = [owned for owned in commitments if isinstance(owned, SavingsPlan)][:1]
    more = [
        owned.model_copy(update={"commitment_usd": owned.commitment_usd + 1}) for owned in plans
    ]
    assert bill(usage, more).on_demand_usd <= bill(usage, plans).on_demand_usd
