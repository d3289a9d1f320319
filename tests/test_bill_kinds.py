"""Bills as providers really write them: kinds that were read wrong, each by its public source."""

import csv
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planner.past_bills import read_bills
from planner.past_bills.commitments_owned import owned_commitments

CASES = Path(__file__).parents[2] / "shared" / "field-cases" / "bills"

PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/o/savingsPlans/s"


def focus(**changed):
    """A day of a machine in FOCUS, on demand."""
    return {
        "BilledCost": "2.304",
        "EffectiveCost": "2.304",
        "ListCost": "2.304",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": "2026-01-01T00:00:00Z",
        "ChargePeriodEnd": "2026-01-02T00:00:00Z",
        "BillingPeriodStart": "2026-01-01T00:00:00Z",
        "ProviderName": "Microsoft",
        "SubAccountId": "sub",
        "BillingCurrency": "USD",
        "ServiceName": "Virtual Machines",
        "ServiceCategory": "Compute",
        "PricingQuantity": "24",
        "PricingUnit": "1 Hour",
        "ConsumedQuantity": "24",
        "ConsumedUnit": "Hours",
        "RegionId": "eastus",
        "SkuPriceDetails": '{"InstanceType": "Standard_D2s_v5"}',
    } | changed


def read(rows, folder):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "bill.csv").open("w", newline="") as text:
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return read_bills([folder / "bill.csv"], folder)


def hours(history):
    return sum((one.machine_hours for one in history.pools), Decimal(0))


def total(history, of, *, compute_only=False):
    return sum(
        (getattr(one, of) for one in history.months if one.is_compute or not compute_only),
        Decimal(0),
    )


# Blocks: microsoft/finops-toolkit#727, PricingQuantity not divided by x_PricingBlockSize.


@pytest.mark.parametrize(
    ("quantity", "unit", "block", "consumed"),
    [
        ("24", "100 Hours", "100", "Hours"),  # divided by neither
        ("0.24", "1 Hour", "100", "Hours"),  # by one
        ("0.24", "100 Hours", "", "Hours"),  # by the unit
        ("24", "Units", "10", "Hour"),
        ("2.4", "10 Hours", "10", "hrs"),
    ],
)
def test_hours_are_those_consumed_whatever_blocks_prices_are_in(
    quantity, unit, block, consumed, tmp_path
):
    row = focus(
        PricingQuantity=quantity,
        PricingUnit=unit,
        x_PricingBlockSize=block,
        ConsumedUnit=consumed,
    )

    assert hours(read([row], tmp_path)) == 24


def test_without_hours_consumed_blocks_count(tmp_path):
    """A vCPU's seconds are no hours: 0.24 blocks of 100 hours are 24."""
    row = focus(
        PricingQuantity="0.24",
        PricingUnit="1 Hour",
        x_PricingBlockSize="100",
        ConsumedQuantity="86400",
        ConsumedUnit="Seconds",
    )

    assert hours(read([row], tmp_path)) == 24


# Purchases: microsoft/finops-toolkit#1092 (effective), FOCUS_Spec#974 and #647 (list cost).


def purchase(**changed):
    return (
        focus(
            ChargeCategory="Purchase",
            ChargeFrequency="One-Time",
            CommitmentDiscountId=PLAN,
            CommitmentDiscountType="Savings Plan",
            BilledCost="500",
            EffectiveCost="0",
            ListCost="500",
            ConsumedQuantity="",
            ConsumedUnit="",
            PricingUnit="Units",
            PricingQuantity="1",
            SkuPriceDetails="",
        )
        | changed
    )


def covered(**changed):
    return (
        focus(
            BilledCost="0",
            EffectiveCost="1.68",
            CommitmentDiscountId=PLAN,
            CommitmentDiscountType="Savings Plan",
            CommitmentDiscountStatus="Used",
            PricingCategory="Committed",
        )
        | changed
    )


@pytest.mark.parametrize("frequency", ["One-Time", "Recurring"])
@pytest.mark.parametrize("carried", ["0", "1.68", "500"])
def test_what_a_purchase_covers_counts_once(frequency, carried, tmp_path):
    history = read(
        [purchase(ChargeFrequency=frequency, EffectiveCost=carried), covered()], tmp_path
    )

    assert total(history, "effective") == Decimal("1.68")
    assert total(history, "billed") == 500
    assert total(history, "listed") == Decimal("2.304")
    (used,) = history.commitments
    assert used.effective_cost == Decimal("1.68")
    said = [one for one in history.remarks if "carry" in one]
    assert bool(said) == (carried != "0")
    if said:
        assert said[0] == (
            f"purchases of commitments carry {Decimal(carried):,.2f} of effective cost; it is "
            "counted once, with the usage they cover"
        )


def test_other_purchases_keep_their_cost(tmp_path):
    """A marketplace image is bought and covers nothing."""
    image = purchase(
        CommitmentDiscountId="", CommitmentDiscountType="", EffectiveCost="500", ServiceName="Image"
    )

    history = read([image, focus()], tmp_path)

    assert total(history, "effective") == Decimal("502.304")
    assert total(history, "listed") == Decimal("2.304")


# Unused plans: microsoft/finops-toolkit#834, category "Other", no service, unit "Units".


def unused(**changed):
    return (
        covered(
            CommitmentDiscountStatus="Unused",
            EffectiveCost="0.72",
            ListCost="0",
            ServiceName="",
            ServiceCategory="Other",
            ConsumedQuantity="",
            ConsumedUnit="",
            PricingUnit="Units",
            SkuPriceDetails="",
        )
        | changed
    )


@pytest.mark.parametrize("category", ["Other", "", "Compute"])
def test_what_a_plan_for_machines_leaves_unused_is_compute(category, tmp_path):
    history = read([covered(), unused(ServiceCategory=category)], tmp_path)

    assert total(history, "effective", compute_only=True) == Decimal("2.40")


def test_what_a_plan_for_databases_leaves_unused_is_none(tmp_path):
    other = {"CommitmentDiscountId": "databases", "ServiceCategory": "Databases"}
    used = covered(**other, ServiceName="SQL", SkuPriceDetails="")
    left = unused(CommitmentDiscountId="databases")

    history = read([focus(), used, left], tmp_path)

    assert total(history, "effective", compute_only=True) == Decimal("2.304")
    assert total(history, "effective") == Decimal("2.304") + Decimal("2.40")


def test_unused_rows_have_no_list_cost(tmp_path):
    history = read([covered(), unused(ListCost="0.99")], tmp_path)

    assert total(history, "listed") == Decimal("2.304")


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference data is not there")
@pytest.mark.parametrize(
    ("case", "machine_hours", "effective", "listed", "compute"),
    [
        ("focus-azure-block-size/unfixed", 744, "71.424", "71.424", "71.424"),
        ("focus-azure-block-size/fixed", 744, "71.424", "71.424", "71.424"),
        ("focus-azure-savings-plan-purchase-effective/in", 744, "52.08", "71.424", "52.08"),
        ("focus-azure-unused-plan-category-other/category_other", 744, "74.40", "71.424", "74.40"),
        ("focus-list-cost-of-purchases/ri_all_upfront", 48, "2.736", "4.608", "2.736"),
        ("focus-list-cost-of-purchases/ri_no_upfront", 48, "2.88", "4.608", "2.88"),
    ],
)
def test_reported_cases(case, machine_hours, effective, listed, compute, tmp_path):
    history = read_bills([CASES / case], tmp_path)

    assert hours(history) == machine_hours
    assert float(total(history, "effective")) == pytest.approx(float(effective), abs=0.005)
    assert float(total(history, "listed")) == pytest.approx(float(listed), abs=0.005)
    found = total(history, "effective", compute_only=True)
    assert float(found) == pytest.approx(float(compute), abs=0.005)


# Azure: Azure/azure-powershell#10383 (24 a day in "1000 Hours"), finops-toolkit on FOCUS ("Quantity
# in Cost Management is the consumed quantity").


def export(**changed):
    """A day of a machine in an Azure cost export, on demand."""
    return {
        "Date": "01/01/2026",
        "CostInBillingCurrency": "2.304",
        "ChargeType": "Usage",
        "MeterCategory": "Virtual Machines",
        "Quantity": "24",
        "UnitOfMeasure": "1 Hour",
        "PricingModel": "OnDemand",
        "PayGPrice": "0.096",
        "UnitPrice": "0.096",
        "BillingCurrencyCode": "USD",
        "ResourceLocation": "eastus",
        "SubscriptionId": "sub",
        "ReservationId": "",
        "AdditionalInfo": '{"ServiceType": "Standard_D2s_v5"}',
    } | changed


def blocks(size, quantity, price, **changed):
    unit = {"UnitOfMeasure": f"{size} Hours", "Quantity": quantity}
    return export(**unit, PayGPrice=price, UnitPrice=price, **changed)


@pytest.mark.parametrize(
    "row",
    [
        blocks(10, "24", "0.96"),
        blocks(100, "24", "9.6"),
        blocks(1000, "24", "96"),
        blocks(100, "0.24", "9.6"),
        blocks(10, "2.4", "0.96"),
        blocks(100, "24", "9.62"),  # printed rounded
        # Bought for less than list: the cost meets the unit price, the list stays.
        blocks(100, "24", "9.6") | {"UnitPrice": "8.64", "CostInBillingCurrency": "2.0736"},
    ],
)
def test_a_row_tells_by_its_cost_whether_it_counts_hours_or_blocks(row, tmp_path):
    history = read([row], tmp_path)

    assert hours(history) == 24
    assert float(total(history, "listed")) == pytest.approx(2.304, rel=3e-3)


@pytest.mark.parametrize(("quantity", "expected"), [("24", 24), ("0.24", 24), ("12", 12)])
def test_covered_rows_are_believed_a_day_at_the_most(quantity, expected, tmp_path):
    """Their cost is that of a reservation, which says nothing of blocks."""
    row = blocks(100, quantity, "9.6", PricingModel="Reservation", CostInBillingCurrency="1.2")

    history = read([row | {"ReservationId": "r"}], tmp_path)

    assert hours(history) == expected
    assert float(total(history, "listed")) == pytest.approx(0.096 * expected)


def test_a_row_whose_cost_meets_neither_reading_is_counted_and_left_out(tmp_path):
    history = read([blocks(100, "24", "9.6", CostInBillingCurrency="7"), export()], tmp_path)

    assert hours(history) == 24
    (left,) = history.left_out
    assert left.reason == "machine time whose quantity and price do not meet its cost"
    assert (left.rows, left.effective) == (1, 7)


# Currencies: FOCUS_Spec#318, finopsfoundation/focus_converters#253.


@pytest.mark.parametrize(
    ("pricing", "rate", "cost", "listed"),
    [
        ("USD", "0.9", "2.0736", 2.0736),
        ("usd", "0.5", "1.152", 1.152),
        ("EUR", "1", "2.304", 2.304),
        ("", "", "2.304", 2.304),
        ("USD", "", "2.0736", 2.0736),  # no rate: the cost stands in
    ],
)
def test_list_prices_are_in_the_currency_of_the_bill(pricing, rate, cost, listed, tmp_path):
    row = export(
        BillingCurrencyCode="EUR",
        pricingCurrency=pricing,
        exchangeRatePricingToBilling=rate,
        CostInBillingCurrency=cost,
    )

    history = read([row], tmp_path)

    assert history.currency == "EUR"
    assert float(total(history, "listed")) == pytest.approx(listed)


# Columns of nulls: abigailhaddad/usajobs_historical#610, trinodb/trino#12073.


@pytest.mark.parametrize("kind", [pa.null(), pa.bool_(), pa.int32(), pa.binary(), pa.float64()])
def test_a_parquet_column_without_values_is_as_good_as_none(kind, tmp_path):
    rows = [export(), export()]
    table = pa.Table.from_pylist(rows)
    for name in ("PayGPrice", "PricingModel", "BillingPeriodStartDate"):
        empty = pa.nulls(len(rows), kind)
        at = table.column_names.index(name) if name in table.column_names else None
        table = (
            table.append_column(name, empty) if at is None else table.set_column(at, name, empty)
        )
    pq.write_table(table, tmp_path / "bill.parquet")

    history = read_bills([tmp_path / "bill.parquet"], tmp_path)

    assert hours(history) == 48
    assert float(total(history, "listed")) == pytest.approx(2 * 2.304)


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference data is not there")
@pytest.mark.parametrize(
    ("case", "machine_hours", "listed"),
    [
        ("azure-ea-block-units/ea10", 744, 71.424),
        ("azure-ea-block-units/ea100", 744, 71.424),
        ("azure-ea-block-units/other_reading_quantity_in_blocks", 744, 71.424),
        ("azure-pricing-currency/in", 744, 64.2816),
        ("parquet-all-null-columns/boolean", 48, 4.608),
        ("parquet-all-null-columns/double", 48, 4.608),
        ("parquet-all-null-columns/null_type", 48, 4.608),
    ],
)
def test_more_reported_cases(case, machine_hours, listed, tmp_path):
    history = read_bills([CASES / case], tmp_path)

    assert hours(history) == machine_hours
    assert float(total(history, "listed")) == pytest.approx(listed, abs=0.005)


# Other services' reservations: jimroth/ice#4 (RIFee of ElastiCache and Elasticsearch).


def report(**changed):
    """An hour of AWS's Cost and Usage Report: an unused reservation."""
    return {
        "identity/LineItemId": "a",
        "bill/BillingPeriodStartDate": "2026-01-01T00:00:00Z",
        "lineItem/UsageAccountId": "1",
        "lineItem/LineItemType": "RIFee",
        "lineItem/UsageStartDate": "2026-01-01T00:00:00Z",
        "lineItem/UsageEndDate": "2026-02-01T00:00:00Z",
        "lineItem/ProductCode": "AmazonEC2",
        "lineItem/UsageType": "HeavyUsage:m5.large",
        "lineItem/Operation": "RunInstances",
        "lineItem/UsageAmount": "744",
        "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedCost": "43.55",
        "product/region": "us-east-1",
        "pricing/OfferingClass": "standard",
        "pricing/PurchaseOption": "No Upfront",
        "reservation/ReservationARN": "arn:r",
        "reservation/StartTime": "2025-06-01T00:00:00Z",
        "reservation/EndTime": "2026-06-01T00:00:00Z",
        "reservation/NumberOfReservations": "1",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "0",
        "reservation/UnusedRecurringFee": "43.55",
        "reservation/UnusedQuantity": "744",
    } | changed


@pytest.mark.parametrize(
    ("code", "usage_type", "is_owned"),
    [
        ("AmazonEC2", "HeavyUsage:m5.large", True),
        ("AmazonRDS", "HeavyUsage:db.m5.large", False),
        ("AmazonElastiCache", "HeavyUsage:cache.m5.large", False),
        ("AmazonES", "HeavyUsage:m5.large", False),
        ("AmazonRedshift", "HeavyUsage:dc2.large", False),
        ("AmazonMemoryDB", "HeavyUsage:db.r6g.large", False),
    ],
)
def test_what_other_services_reserve_is_no_machine_owned(code, usage_type, is_owned, tmp_path):
    row = report(**{"lineItem/ProductCode": code, "lineItem/UsageType": usage_type})

    history = read([row], tmp_path)
    owned, remarks = owned_commitments(history.commitments)

    assert bool(owned) == is_owned
    if is_owned:
        assert (owned[0]["kind"], owned[0]["instance_type"]) == ("reserved_standard", "m5.large")
    else:
        said = f"not in the request's owned, as plans know no {code.lower()} reservation: arn:r"
        assert remarks == [said]
    assert total(history, "effective") == Decimal("43.55")


# Custom machines: grafana/cloudcost-exporter#496, epam/cloud-pipeline#134.


@pytest.mark.parametrize(
    ("words", "resource"),
    [
        ("Custom Instance Core running in Americas", "n1/vcpu"),
        ("Custom Instance Ram running in Frankfurt", "n1/gib"),
        ("Custom Extended Instance Ram running in Americas", "n1/gib"),
        ("Spot Preemptible Custom Instance Core running in Americas", "n1/vcpu"),
        ("N1 Predefined Instance Core running in Americas", "n1/vcpu"),
        ("N2 Instance Core running in Americas", "n2/vcpu"),
        ("N2 Custom Instance Core running in Americas", "n2/vcpu"),
        ("N2 Custom Extended Instance Ram running in Americas", "n2/gib"),
        ("N2D AMD Instance Ram running in Americas", "n2d/gib"),
        ("N2D AMD Custom Instance Core running in Americas", "n2d/vcpu"),
        ("N2D AMD Custom Extended Instance Ram running in Zurich", "n2d/gib"),
        ("T2A Arm Instance Core running in Iowa", "t2a/vcpu"),
        ("E2 Instance Ram running in Americas", "e2/gib"),
        ("Compute optimized Core running in Americas", "c2/vcpu"),
        ("Compute optimized Ram running in Americas", "c2/gib"),
    ],
)
def test_cores_and_memory_are_of_the_series_that_words_mean(words, resource, tmp_path):
    row = focus(
        ProviderName="Google Cloud",
        ChargeDescription=words,
        SkuPriceDetails="",
        PricingQuantity="4",
        PricingUnit="gibibyte hour" if "Ram" in words else "hour",
        ConsumedQuantity="",
        ConsumedUnit="",
        RegionId="us-central1",
    )

    (pool,) = read([row], tmp_path).pools

    assert pool.instance_type == resource
    assert float(pool.machine_hours) == pytest.approx(4)
    assert pool.purchase_option == ("spot" if words.startswith("Spot") else "on_demand")
