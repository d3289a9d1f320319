"""Bills read back by another road: small made-up bills, added up in plain Python."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demand import read_demand
from planner.past_bills import read_bills
from planner.past_bills.commitments_owned import owned_commitments
from planner.request import DemandSource

START = datetime(2025, 1, 31, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
BITS = 1e-15
"""DuckDB's casts to floats may miss the nearest by a bit."""

amounts = st.decimals("0", "9", places=6)
hours = st.integers(0, 4)


def stamp(hour, form="%Y-%m-%dT%H:%M:%SZ"):
    return (START + hour * HOUR).strftime(form)


def month(hour):
    return (START + hour * HOUR).strftime("%Y-%m")


def write(file, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def history_of(rows, **options):
    """What is read, and the demand file's series by workload and hour."""
    with TemporaryDirectory() as folder:
        file = write(Path(folder, "bill.csv"), rows)
        history = read_bills([file], Path(folder), **options)
        demand = pd.read_parquet(Path(folder, "demand.parquet"))
    return history, {
        (row.workload, row.timestamp.to_pydatetime()): row.value for row in demand.itertuples()
    }


# AWS


def aws_row(kind, hour, quantity, cost, **more):
    return {
        "lineItem/LineItemType": kind,
        "lineItem/UsageStartDate": stamp(hour),
        "lineItem/UsageEndDate": stamp(hour + 1),
        "lineItem/ProductCode": "AmazonEC2",
        "lineItem/UsageType": "EUC1-BoxUsage:m5.large",
        "lineItem/Operation": "RunInstances",
        "lineItem/UsageAmount": quantity,
        "lineItem/UnblendedCost": cost,
        "lineItem/UsageAccountId": "111",
        "lineItem/AvailabilityZone": "eu-central-1a",
        "lineItem/CurrencyCode": "USD",
        "product/regionCode": "eu-central-1",
        "pricing/unit": "Hrs",
        "pricing/publicOnDemandCost": cost,
    } | more


RESERVED = {"reservation/ReservationARN": "ri-1", "pricing/publicOnDemandCost": "5"}
PLANNED = {"savingsPlan/SavingsPlanARN": "sp-1", "savingsPlan/OfferingType": "ComputeSavingsPlans"}
SPOT = {"lineItem/UsageType": "EUC1-SpotUsage:c5.xlarge"}
DISK = {"lineItem/UsageType": "EUC1-EBS:VolumeUsage.gp3", "pricing/unit": "GB-Mo"}

aws_rows = st.one_of(
    st.builds(lambda h, q, c: aws_row("Usage", h, q, c), hours, amounts, amounts),
    st.builds(lambda h, q, c: aws_row("Usage", h, q, c, **SPOT), hours, amounts, amounts),
    st.builds(lambda h, q, c: aws_row("Usage", h, q, c, **DISK), hours, amounts, amounts),
    st.builds(lambda h, c: aws_row("Credit", h, "0", -c), hours, amounts),
    st.builds(
        lambda h, q, c: aws_row(
            "DiscountedUsage", h, q, "0", **RESERVED, **{"reservation/EffectiveCost": c}
        ),
        hours, amounts, amounts,
    ),
    st.builds(
        lambda h, q, a, r: aws_row(
            "RIFee", h, "1", r, **RESERVED,
            **{
                "reservation/UnusedQuantity": q,
                "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": a,
                "reservation/UnusedRecurringFee": r,
            },
        ),
        hours, amounts, amounts, amounts,
    ),
    st.builds(
        lambda h, q, c, e: aws_row(
            "SavingsPlanCoveredUsage", h, q, c, **PLANNED,
            **{"savingsPlan/SavingsPlanEffectiveCost": e},
        ),
        hours, amounts, amounts, amounts,
    ),
    st.builds(lambda h, c: aws_row("SavingsPlanNegation", h, "1", -c, **PLANNED), hours, amounts),
    st.builds(
        lambda h, used, unused: aws_row(
            "SavingsPlanRecurringFee", h, "1", used + unused, **PLANNED,
            **{
                "lineItem/ProductCode": "ComputeSavingsPlans",
                "lineItem/UsageType": "ComputeSP:1yrNoUpfront",
                "savingsPlan/UsedCommitment": used,
                "savingsPlan/TotalCommitmentToDate": used + unused,
            },
        ),
        hours, amounts, amounts,
    ),
)  # fmt: skip


def aws_effective(row):
    """Section by section as AWS's guide says it."""
    number = {name: Decimal(str(value or 0)) for name, value in row.items() if is_number(value)}
    match row["lineItem/LineItemType"]:
        case "DiscountedUsage":
            return number["reservation/EffectiveCost"]
        case "SavingsPlanCoveredUsage":
            return number["savingsPlan/SavingsPlanEffectiveCost"]
        case "RIFee":
            upfront = number["reservation/UnusedAmortizedUpfrontFeeForBillingPeriod"]
            return upfront + number["reservation/UnusedRecurringFee"]
        case "SavingsPlanRecurringFee":
            total = number["savingsPlan/TotalCommitmentToDate"]
            return total - number["savingsPlan/UsedCommitment"]
        case "SavingsPlanNegation":
            return 0
        case _:
            return number["lineItem/UnblendedCost"]


def is_number(value):
    return isinstance(value, Decimal) or str(value).lstrip("-").replace(".", "", 1).isdigit()


def aws_machine_hours(rows):
    found = defaultdict(Decimal)
    for row in rows:
        kind, usage = row["lineItem/LineItemType"], row["lineItem/UsageType"]
        if kind in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage") and "EBS" not in usage:
            name = f"aws/eu-central-1/{usage.split(':')[1]}/linux/shared"
            at = datetime.fromisoformat(row["lineItem/UsageStartDate"])
            found[name, at] += Decimal(str(row["lineItem/UsageAmount"]))
    return {key: value for key, value in found.items() if value}


@settings(deadline=None, max_examples=12)
@given(rows=st.lists(aws_rows, min_size=1, max_size=12))
def test_an_aws_report_costs_what_its_line_items_say(rows):
    history, demand = history_of(rows)

    costs, effective = defaultdict(Decimal), defaultdict(Decimal)
    for row in rows:
        key = row["lineItem/UsageStartDate"][:7], row["lineItem/ProductCode"]
        costs[key] += Decimal(str(row["lineItem/UnblendedCost"]))
        effective[key] += aws_effective(row)
    billed_read, effective_read = defaultdict(Decimal), defaultdict(Decimal)
    for one in history.months:
        billed_read[one.month, one.service] += one.billed
        effective_read[one.month, one.service] += one.effective
    assert billed_read == costs
    assert effective_read == effective
    expected = {key: float(value) for key, value in aws_machine_hours(rows).items()}
    assert demand.keys() == expected.keys()
    assert demand == pytest.approx(expected, rel=BITS)


@settings(deadline=None, max_examples=8)
@given(rows=st.lists(aws_rows, min_size=1, max_size=12))
def test_commitments_of_an_aws_report_are_added_up_used_and_unused(rows):
    history, _ = history_of(rows)
    read = {one.commitment_id: one for one in history.commitments}

    def total(kind, column=None):
        named = [row for row in rows if row["lineItem/LineItemType"] == kind]
        return sum(
            (aws_effective(row) if column is None else Decimal(str(row[column])) for row in named),
            Decimal(0),
        )

    cases = {"ri-1": ("DiscountedUsage", "RIFee")}
    cases["sp-1"] = ("SavingsPlanCoveredUsage", "SavingsPlanRecurringFee")
    for name, (used, unused) in cases.items():
        if name in read:
            assert (read[name].used_cost, read[name].unused_cost) == (total(used), total(unused))
            assert read[name].recurring_cost == total(unused, "lineItem/UnblendedCost")
    if "ri-1" in read:
        assert read["ri-1"].used_quantity == total("DiscountedUsage", "lineItem/UsageAmount")
        assert read["ri-1"].unused_quantity == total("RIFee", "reservation/UnusedQuantity")


def test_a_cur_2_parquet_reads_as_its_legacy_csv_does(tmp_path):
    rows = [
        aws_row("Usage", 0, "1.5", "0.3", **{"product/operatingSystem": "Windows"}),
        aws_row("DiscountedUsage", 1, "1", "0", **RESERVED, **{"reservation/EffectiveCost": "0.1"}),
    ]
    spelled = {
        "lineItem/LineItemType": "line_item_line_item_type",
        "lineItem/UsageStartDate": "line_item_usage_start_date",
        "lineItem/UsageEndDate": "line_item_usage_end_date",
        "lineItem/ProductCode": "line_item_product_code",
        "lineItem/UsageType": "line_item_usage_type",
        "lineItem/UsageAmount": "line_item_usage_amount",
        "lineItem/UnblendedCost": "line_item_unblended_cost",
        "lineItem/UsageAccountId": "line_item_usage_account_id",
        "lineItem/AvailabilityZone": "line_item_availability_zone",
        "lineItem/CurrencyCode": "line_item_currency_code",
        "product/regionCode": "product_region_code",
        "pricing/unit": "pricing_unit",
        "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
        "reservation/ReservationARN": "reservation_reservation_a_r_n",
        "reservation/EffectiveCost": "reservation_effective_cost",
    }
    table = {new: [row.get(old) for row in rows] for old, new in spelled.items()}
    for name in ("line_item_usage_amount", "line_item_unblended_cost", "reservation_effective_cost",
                 "pricing_public_on_demand_cost"):  # fmt: skip
        table[name] = [None if one is None else float(one) for one in table[name]]
    for name in ("line_item_usage_start_date", "line_item_usage_end_date"):
        table[name] = [datetime.fromisoformat(one) for one in table[name]]
    systems = [[("operating_system", "Windows")], []]
    columns = {name: pa.array(values) for name, values in table.items()}
    columns["product"] = pa.array(systems, pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table(columns), tmp_path / "cur.parquet")

    legacy, _ = history_of(rows)
    new = read_bills([tmp_path / "cur.parquet"], tmp_path)

    assert new.pools == legacy.pools
    assert {one.os for one in new.pools} == {"windows", "linux"}
    assert new.months == legacy.months
    assert new.commitments == legacy.commitments


# FOCUS


def focus_row(hour, cost, length=1, **more):
    return {
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": stamp(hour, "%Y-%m-%d %H:%M:%S"),
        "ChargePeriodEnd": stamp(hour + length, "%Y-%m-%d %H:%M:%S"),
        "ServiceName": "Virtual Machines",
        "ServiceCategory": "Compute",
        "ServiceProviderName": "Microsoft",
        "RegionId": "East US",
        "SubAccountId": "sub",
    } | more


def machine(hour, quantity, cost, length, kind, unit="Hours"):
    scale = 1 if unit == "Hours" else int(unit.split()[0])
    return focus_row(
        hour, cost, length, PricingQuantity=quantity / scale, PricingUnit=unit,
        SkuPriceDetails=f'{{"CoreCount": 2, "InstanceType": "{kind}"}}',
    )  # fmt: skip


focus_rows = st.one_of(
    st.builds(
        machine, hours, amounts, amounts, st.sampled_from([1, 2, 24, 744]),
        st.sampled_from(["Standard_D2s_v5", "Standard_E4s_v5"]),
        st.sampled_from(["Hours", "10 Hours", "100 Hours"]),
    ),
    st.builds(lambda h, c: focus_row(h, c, ServiceCategory="Storage"), hours, amounts),
    st.builds(lambda h, c: focus_row(h, -c, ChargeCategory="Credit"), hours, amounts),
)  # fmt: skip


@settings(deadline=None, max_examples=12)
@given(rows=st.lists(focus_rows, min_size=1, max_size=10))
def test_focus_rows_are_spread_over_their_hours_and_nothing_is_lost(rows):
    history, demand = history_of(rows)

    expected = defaultdict(Fraction)
    for row in rows:
        if "PricingUnit" not in row:
            continue
        begun, ended = (
            datetime.fromisoformat(row[name]).replace(tzinfo=UTC)
            for name in ("ChargePeriodStart", "ChargePeriodEnd")
        )
        count = (ended - begun) // HOUR
        scale = int(row["PricingUnit"].removesuffix("Hours") or 1)
        kind = row["SkuPriceDetails"].split('"')[-2]
        for hour in range(count):
            name = f"azure/eastus/{kind}/linux/shared"
            quantity = Fraction(Decimal(row["PricingQuantity"])) * scale
            expected[name, begun + hour * HOUR] += quantity / count
    expected = {key: float(value) for key, value in expected.items() if value}
    assert demand.keys() == expected.keys()
    assert demand == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert history.effective == sum(Decimal(row["EffectiveCost"]) for row in rows)
    spread = {one.hours_of_a_row for one in history.spread}
    machines = [row for row in rows if "PricingUnit" in row and span(row) > 1]
    # Rows without machine time may be told of, or not.
    busy = {span(row) for row in machines if row["PricingQuantity"] > 0}
    assert busy <= spread <= {span(row) for row in machines}


def span(row):
    begun, ended = row["ChargePeriodStart"], row["ChargePeriodEnd"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)) // HOUR


DESCRIBED = {
    "$0.096 per On Demand Linux m5.large Instance Hour": ("m5.large", "linux", "on_demand"),
    "$0.188 per On Demand Windows m5.large Instance Hour": ("m5.large", "windows", "on_demand"),
    "$0.17 per Dedicated RHEL c5.xlarge Instance Hour": ("c5.xlarge", "rhel", "on_demand"),
    "c5.large Linux/UNIX Spot Instance-hour in EU (Ireland)": ("c5.large", "linux", "spot"),
    "Linux/UNIX (Amazon VPC), m5.2xlarge reserved instance applied": (
        "m5.2xlarge", "linux", "on_demand",
    ),
    "$0.045 per NAT Gateway Hour": None,
    "$0.00 for 175 Mbps per t3a.small instance-hour (or partial hour)": None,
    "$0.1 per Unused Reservation Linux m5.large Instance Hour": None,
}  # fmt: skip


@pytest.mark.parametrize("text", DESCRIBED)
def test_a_description_in_words_tells_the_machine(text):
    row = focus_row(
        0, "1", ServiceProviderName="AWS", RegionId="eu-west-1", ChargeDescription=text,
        PricingQuantity="1", PricingUnit="Hours", PricingCategory="Standard",
    )  # fmt: skip

    history, _ = history_of([row])

    found = [(one.instance_type, one.os, one.purchase_option) for one in history.pools]
    assert found == ([] if DESCRIBED[text] is None else [DESCRIBED[text]])
    assert len(history.left_out) == (DESCRIBED[text] is None)


@pytest.mark.parametrize(
    ("operation", "os"),
    [("RunInstances", "linux"), ("RunInstances:0002", "windows"), ("RunInstances:0010", "rhel")],
)
def test_aws_columns_beside_focus_tell_the_machine(operation, os):
    row = focus_row(
        0, "1", ServiceProviderName="AWS", RegionId="eu-west-1", x_Operation=operation,
        x_UsageType="EU-SpotUsage:m5.large", PricingQuantity="1", PricingUnit="Hours",
    )  # fmt: skip

    (pool,) = history_of([row])[0].pools

    assert (pool.instance_type, pool.os, pool.purchase_option) == ("m5.large", os, "spot")


def test_googles_cores_and_memory_are_resources_of_their_series():
    rows = [
        focus_row(
            0, "1", ServiceProviderName="Google Cloud", RegionId="us-central1",
            ChargeDescription=f"{words} running in Americas",
            PricingQuantity=quantity, PricingUnit=unit,
        )
        for words, quantity, unit in (
            ("N2 Instance Core", "8", "hour"),
            ("N2 Instance Ram", "32", "gibibyte hour"),
            ("Spot Preemptible E2 Instance Core", "2", "hour"),
        )
    ]  # fmt: skip

    history, _ = history_of(rows)

    found = {one.instance_type: (one.machine_hours, one.purchase_option) for one in history.pools}
    assert found == {
        "n2/vcpu": (8, "on_demand"), "n2/gib": (32, "on_demand"), "e2/vcpu": (2, "spot")
    }  # fmt: skip


def purchase(hours, quantity, frequency, **more):
    return focus_row(
        0, quantity, hours, ServiceProviderName="AWS", RegionId="eu-west-1", EffectiveCost="0",
        ChargeCategory="Purchase", ChargeFrequency=frequency, CommitmentDiscountId="sp-1",
        CommitmentDiscountType="Compute Savings Plans", CommitmentDiscountQuantity=quantity,
        CommitmentDiscountUnit="USD", **more,
    )  # fmt: skip


def test_a_plan_paid_upfront_is_owned_and_one_paid_otherwise_is_named():
    """A FOCUS file tells the payment only where the whole term was paid at once."""
    upfront = purchase(8760, "8760", "One-Time")
    whole, _ = history_of([upfront])
    partial, _ = history_of([upfront, purchase(1, "0.5", "Recurring")])

    (owned,), remarks = owned_commitments(whole.commitments)
    assert owned["payment"] == "all_upfront"
    assert owned["commitment_usd"] == 1
    assert not remarks
    none, (remark,) = owned_commitments(partial.commitments)
    assert not none
    assert remark == "not in the request's owned, as the bill does not say how they are paid: sp-1"


# Azure


def azure_row(day, quantity, cost, model="OnDemand", kind="Usage", **more):
    benefit = {
        "Reservation": "/providers/Microsoft.Capacity/reservationOrders/r/reservations/1",
        "SavingsPlan": "/providers/Microsoft.BillingBenefits/savingsPlanOrders/s/savingsPlans/1",
    }.get(model, "")
    return {
        "Date": f"02/{day:02}/2025",
        "SubscriptionId": "SUB",
        "ChargeType": kind,
        "PricingModel": model,
        "MeterCategory": "Virtual Machines",
        "MeterSubCategory": "Dsv5 Series",
        "Quantity": quantity,
        "UnitOfMeasure": "1 Hour",
        "CostInBillingCurrency": cost,
        "BillingCurrency": "USD",
        "ResourceLocation": "EastUS",
        "benefitId": benefit,
        "AdditionalInfo": '{"ServiceType":"Standard_D2s_v5","VCPUs":2}' if kind == "Usage" else "",
    } | more


def test_azure_days_are_spread_and_unused_reservations_named():
    rows = [
        azure_row(1, "24", "2.4"),
        azure_row(1, "12", "0.6", "Reservation"),
        azure_row(1, "12", "0.6", "Reservation", "UnusedReservation"),
        azure_row(1, "48", "2", "SavingsPlan", MeterSubCategory="Dsv5 Series Windows"),
    ]

    history, demand = history_of(rows)

    reservation, plan = sorted(history.commitments, key=lambda one: one.kind)
    assert (reservation.kind, plan.kind) == ("azure_reservation", "azure_savings_plan")
    assert (reservation.used_quantity, reservation.unused_quantity) == (12, 12)
    assert (reservation.used_cost, reservation.unused_cost) == (Decimal("0.6"), Decimal("0.6"))
    assert (plan.used_quantity, plan.unused_cost) == (2, 0)
    by_name = defaultdict(list)
    for (name, _), value in demand.items():
        by_name[name].append(value)
    assert by_name["azure/eastus/Standard_D2s_v5/linux/shared"] == pytest.approx([1.5] * 24)
    assert by_name["azure/eastus/Standard_D2s_v5/windows/shared"] == pytest.approx([2] * 24)
    assert {one.hours_of_a_row for one in history.spread} == {24}
    assert history.effective == Decimal("5.6")


# All


def test_the_demand_file_keeps_the_requests_contract(tmp_path):
    rows = [aws_row("Usage", hour, "2", "1") for hour in (0, 1, 3)]
    read_bills([write(tmp_path / "bill.csv", rows)], tmp_path)
    source = DemandSource(file=Path("demand.parquet"), absent="zero")

    name = "aws/eu-central-1/m5.large/linux/shared"
    demand = read_demand(source, {name}, folder=tmp_path)

    assert demand.start == START
    assert demand.series[name].tolist() == [2, 2, 0, 2]


def test_the_same_bills_give_the_same_files_whatever_their_order(tmp_path):
    days = [[azure_row(day, "7", "0.1") for _ in range(5)] for day in range(1, 6)]
    contents = []
    for name, order in (("a", days), ("b", days[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "bill.csv", [row for day in order for row in day])
        read_bills([folder], folder)
        contents.append((folder / "demand.parquet").read_bytes())
    assert contents[0] == contents[1]


def test_a_flexible_reservation_is_added_up_in_normalized_units():
    """Half an hour of an xlarge is an hour of the large that was reserved: units add up."""
    rows = [
        aws_row("DiscountedUsage", 0, "0.5", "0", **RESERVED, **{
            "lineItem/UsageType": "EUC1-BoxUsage:m5.xlarge", "reservation/EffectiveCost": "0.06",
            "lineItem/NormalizedUsageAmount": "4",
        }),
        aws_row("RIFee", 0, "2", "0.12", **RESERVED, **{
            "reservation/UnusedQuantity": "1", "reservation/UnusedRecurringFee": "0.06",
            "reservation/UnusedNormalizedUnitQuantity": "4",
            "pricing/OfferingClass": "convertible",
        }),
    ]  # fmt: skip

    (one,) = history_of(rows)[0].commitments

    assert (one.used_quantity, one.unused_quantity) == (4, 4)
    assert (one.kind, one.unit) == ("reserved_convertible", "normalized-unit-hours")
    assert one.term.hourly == Decimal("0.06")


def test_a_fee_of_no_reservation_is_named():
    history, _ = history_of([aws_row("Fee", 0, "1", "100")])

    (one,) = history.left_out
    assert (history.billed, history.effective, one.rows) == (100, 0, 1)
    assert one.reason == "fee of no reservation, without effective cost"
