"""AWS Cost and Usage Reports, legacy and 2.0: charges by line item type.

Effective cost is that of AWS's own guide: what covered usage costs under its commitment, and the
part of a commitment's fee that was left unused; the fees themselves and the negations of covered
usage are cash, not cost of an hour.
"""

import re

from planner.past_bills.columns import Column, Kind
from planner.past_bills.layout import Check, Layout, columns_in


def _names(header: str, *more: str) -> tuple[str, ...]:
    """A legacy header and its Parquet spelling: `lineItem/UsageType`, `line_item_usage_type`."""
    parts = (re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in header.split("/"))
    return (header, "_".join(parts), *more)


def _text(name: str, header: str, *more: str, required: bool = False) -> Column:
    return Column(name, _names(header, *more), required=required)


def _amount(name: str, header: str, without: str | None = None) -> Column:
    return Column(name, _names(header), Kind.AMOUNT, without=without)


_COLUMNS = (
    Column("line_type", _names("lineItem/LineItemType"), required=True, filled=True),
    Column("usage_start", _names("lineItem/UsageStartDate"), Kind.TIME, required=True, filled=True),
    Column("usage_end", _names("lineItem/UsageEndDate"), Kind.TIME, required=True),
    Column("usage_amount", _names("lineItem/UsageAmount"), Kind.AMOUNT, required=True),
    Column(
        "unblended_cost", _names("lineItem/UnblendedCost"), Kind.AMOUNT, required=True, filled=True
    ),
    _text("product_code", "lineItem/ProductCode", required=True),
    _text("usage_type", "lineItem/UsageType", required=True),
    _text("operation", "lineItem/Operation"),
    _amount("normalized_amount", "lineItem/NormalizedUsageAmount"),
    _text("usage_account", "lineItem/UsageAccountId"),
    _text("usage_zone", "lineItem/AvailabilityZone"),
    Column(
        "currency_code", _names("lineItem/CurrencyCode"), without="the currency is taken to be USD"
    ),
    Column("billing_start", _names("bill/BillingPeriodStartDate"), Kind.TIME),
    _text("product_type", "product/instanceType"),
    _text("product_os", "product/operatingSystem", "product[operating_system]"),
    _text("product_software", "product/preInstalledSw", "product[pre_installed_sw]"),
    _text("product_tenancy", "product/tenancy", "product[tenancy]"),
    _text("region_code", "product/regionCode", "product[region]"),
    _text("product_region", "product/region"),
    _text("pricing_unit", "pricing/unit"),
    _amount(
        "public_cost", "pricing/publicOnDemandCost",
        without="the list cost of covered usage is counted as 0",
    ),
    _text("offering_class", "pricing/OfferingClass"),
    _text("purchase_payment", "pricing/PurchaseOption"),
    _text("ri_id", "reservation/ReservationARN", "reservation_reservation_arn"),
    _amount("ri_effective", "reservation/EffectiveCost"),
    _amount("ri_unused_quantity", "reservation/UnusedQuantity"),
    _amount("ri_unused_units", "reservation/UnusedNormalizedUnitQuantity"),
    _amount("ri_upfront", "reservation/UpfrontValue"),
    _amount("ri_unused_amortized", "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod"),
    _amount("ri_unused_recurring", "reservation/UnusedRecurringFee"),
    _amount("ri_machines", "reservation/NumberOfReservations"),
    Column("ri_start", _names("reservation/StartTime"), Kind.TIME),
    Column("ri_end", _names("reservation/EndTime"), Kind.TIME),
    _text("sp_id", "savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_arn"),
    _amount("sp_effective", "savingsPlan/SavingsPlanEffectiveCost"),
    _amount("sp_used", "savingsPlan/UsedCommitment"),
    _amount("sp_total", "savingsPlan/TotalCommitmentToDate"),
    _text("sp_type", "savingsPlan/OfferingType"),
    _text("sp_payment", "savingsPlan/PaymentOption"),
    _text("sp_region", "savingsPlan/Region"),
    _text("sp_family", "savingsPlan/InstanceTypeFamily"),
    Column("sp_start", _names("savingsPlan/StartTime"), Kind.TIME),
    Column("sp_end", _names("savingsPlan/EndTime"), Kind.TIME),
)  # fmt: skip

METERS = (
    r"^(?:[A-Za-z0-9]+-)*"
    r"(BoxUsage|SpotUsage|DedicatedUsage|HostBoxUsage|UnusedBox|UnusedDed)(?::(.+))?$"
)
"""Usage types of machine time, after the prefixes of their region: `USW2-BoxUsage:m5.large`."""

MACHINE_METERS = "('BoxUsage', 'SpotUsage', 'DedicatedUsage', 'HostBoxUsage')"

# Operation codes say what runs where the product's columns do not; others stay Linux.
_OPERATIONS = {
    "0002": "windows", "0800": "windows", "0006": "windows-sql-std", "0102": "windows-sql-ent",
    "0202": "windows-sql-web", "0010": "rhel", "000g": "suse", "0004": "linux-sql-std",
    "0100": "linux-sql-ent", "0200": "linux-sql-web",
}  # fmt: skip

# Not split_part: DuckDB 2.0 fails to plan it over a column that a file lacks.
OS_OF_OPERATION = "CASE regexp_extract(operation, ':(.+)$', 1) {} ELSE 'linux' END".format(
    " ".join(f"WHEN '{code}' THEN '{os}'" for code, os in _OPERATIONS.items())
)

_CHARGE = columns_in(rf"""
    provider = 'aws';
    account = usage_account;
    service = coalesce(product_code, 'unnamed');
    currency = coalesce(currency_code, 'USD');
    begun = usage_start;
    ended = coalesce(usage_end, usage_start + INTERVAL 1 HOUR);
    month = strftime(coalesce(billing_start, usage_start), '%Y-%m');

    meter = CASE WHEN product_code = 'AmazonEC2'
        THEN regexp_extract(usage_type, '{METERS}', ['name', 'machine']) END;
    is_usage = line_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage');
    is_machine = is_usage AND coalesce(meter['name'], '') IN {MACHINE_METERS};
    is_compute = coalesce(meter['name'] <> '' OR product_code = 'ComputeSavingsPlans'
        OR (product_code = 'AmazonEC2' AND line_type IN ('RIFee', 'Fee')), FALSE);

    zone = usage_zone;
    region = coalesce(region_code, product_region, regexp_extract(usage_zone, '^(.*\d)', 1));
    instance_type = CASE WHEN coalesce(meter['name'], '') <> ''
        THEN coalesce(product_type, nullif(meter['machine'], ''), 'm1.small') END;
    named_os = nullif(lower(product_os), 'na');
    software = nullif(lower(replace(product_software, ' ', '-')), 'na');
    runs = CASE WHEN named_os IS NOT NULL THEN named_os || coalesce('-' || software, '')
        ELSE {OS_OF_OPERATION} END;
    placed = coalesce(lower(product_tenancy), CASE meter['name']
        WHEN 'DedicatedUsage' THEN 'dedicated' WHEN 'HostBoxUsage' THEN 'host' ELSE 'shared' END);
    os = CASE WHEN is_machine THEN runs END;
    tenancy = CASE WHEN is_machine THEN placed END;
    purchase_option = CASE WHEN NOT is_machine THEN NULL WHEN line_type <> 'Usage' THEN 'covered'
        WHEN meter['name'] = 'SpotUsage' THEN 'spot' ELSE 'on_demand' END;
    machine_hours = CASE WHEN NOT is_machine THEN NULL
        WHEN pricing_unit ILIKE 'second%' THEN usage_amount / 3600 ELSE usage_amount END;

    billed = unblended_cost;
    effective = CASE line_type
        WHEN 'DiscountedUsage' THEN ri_effective
        WHEN 'SavingsPlanCoveredUsage' THEN sp_effective
        WHEN 'RIFee' THEN
            CASE WHEN ri_unused_amortized IS NOT NULL OR ri_unused_recurring IS NOT NULL
            THEN coalesce(ri_unused_amortized, 0) + coalesce(ri_unused_recurring, 0) END
        WHEN 'SavingsPlanRecurringFee' THEN sp_total - sp_used
        WHEN 'SavingsPlanNegation' THEN 0
        WHEN 'SavingsPlanUpfrontFee' THEN 0
        WHEN 'Fee' THEN 0
        ELSE unblended_cost END;
    restated = 0;
    listed = CASE WHEN is_usage THEN coalesce(public_cost,
        CASE line_type WHEN 'Usage' THEN unblended_cost ELSE 0 END) ELSE 0 END;

    role = CASE WHEN line_type IN ('DiscountedUsage', 'SavingsPlanCoveredUsage') THEN 'used'
        WHEN line_type IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'unused'
        WHEN line_type = 'SavingsPlanUpfrontFee' OR (line_type = 'Fee' AND ri_id IS NOT NULL)
        THEN 'upfront' END;
    is_plan = line_type LIKE 'SavingsPlan%';
    commitment_id = CASE WHEN role IS NULL THEN NULL WHEN is_plan THEN sp_id ELSE ri_id END;
    commitment_kind = CASE WHEN role IS NULL THEN NULL
        WHEN is_plan AND sp_type ILIKE 'EC2Instance%' THEN 'savings_plan_ec2'
        WHEN is_plan AND sp_type ILIKE 'Compute%' THEN 'savings_plan_compute'
        WHEN is_plan THEN coalesce(lower(sp_type), 'savings_plan')
        -- Databases and caches are reserved too, and no machine is served by that.
        WHEN product_code <> 'AmazonEC2' THEN lower(product_code) || '_reservation'
        WHEN offering_class ILIKE 'convertible' THEN 'reserved_convertible'
        WHEN offering_class ILIKE 'standard' THEN 'reserved_standard'
        ELSE 'reservation' END;
    -- A reservation of flexible size covers hours of other machines: only units add up.
    units = CASE line_type WHEN 'DiscountedUsage' THEN normalized_amount
        WHEN 'RIFee' THEN ri_unused_units END;
    commitment_unit = CASE WHEN role IS NULL THEN NULL WHEN is_plan THEN currency
        WHEN units IS NULL THEN 'machine-hours' ELSE 'normalized-unit-hours' END;
    commitment_quantity = CASE line_type
        WHEN 'DiscountedUsage' THEN coalesce(units, usage_amount)
        WHEN 'RIFee' THEN coalesce(units, ri_unused_quantity)
        WHEN 'SavingsPlanCoveredUsage' THEN sp_effective
        WHEN 'SavingsPlanRecurringFee' THEN sp_total - sp_used END;
    recurring = CASE WHEN line_type IN ('RIFee', 'SavingsPlanRecurringFee')
        THEN unblended_cost END;
    left_out = CASE
        WHEN line_type = 'Fee' AND ri_id IS NULL
        THEN 'fee of no reservation, without effective cost'
        WHEN meter['name'] LIKE 'Unused%' AND is_usage THEN 'capacity reserved but not run'
        WHEN is_machine AND region IS NULL THEN 'machine time that names no region' END;
""")

_TERM = columns_in(r"""
    starts = CASE WHEN is_plan THEN sp_start ELSE ri_start END;
    ends = CASE WHEN is_plan THEN sp_end ELSE ri_end END;
    payment = lower(replace(CASE WHEN is_plan THEN sp_payment ELSE purchase_payment END, ' ', '_'));
    region = CASE WHEN is_plan THEN sp_region ELSE region END;
    family = sp_family;
    instance_type = CASE WHEN NOT is_plan
        THEN coalesce(product_type, regexp_extract(usage_type, ':(.+)$', 1)) END;
    os = CASE WHEN NOT is_plan THEN runs END;
    tenancy = CASE WHEN NOT is_plan THEN placed END;
    machines = ri_machines;
    upfront = CASE WHEN NOT is_plan THEN ri_upfront / nullif(ri_machines, 0) END;
    -- A plan's commitment, or the fee of an hour of one reserved machine.
    hourly = CASE WHEN is_plan
        THEN sp_total / greatest(1, date_diff('hour', usage_start, ended))
        ELSE unblended_cost / nullif(usage_amount, 0) END;
""")

_CHECKS = (
    Check(
        "effective IS NULL AND line_type = 'DiscountedUsage'", "ri_effective",
        "is empty where a reservation covers usage; export the report with resource amortization",
    ),
    Check(
        "effective IS NULL AND line_type = 'SavingsPlanCoveredUsage'", "sp_effective",
        "is empty where a savings plan covers usage",
    ),
    Check(
        "effective IS NULL AND line_type = 'RIFee'", "ri_unused_recurring",
        "is empty, and so is the unused upfront fee, where a reservation is charged",
    ),
    Check(
        "effective IS NULL AND line_type = 'SavingsPlanRecurringFee'", "sp_total",
        "is empty, or the used commitment is, where a savings plan is charged",
    ),
    Check("is_machine AND usage_amount IS NULL", "usage_amount", "is empty for machine time"),
    Check(
        "is_machine AND NOT regexp_matches(coalesce(pricing_unit, 'Hrs'), "
        "'^(h|hr|hrs|hours?|seconds?)$', 'i')", "pricing_unit",
        "is no unit of machine time; write Hrs",
    ),
    Check(
        "is_machine AND unblended_cost < 0", "unblended_cost",
        "machine time at a cost below 0; credits have a line item type of their own",
    ),
)  # fmt: skip

AWS_CUR = Layout(
    name="aws",
    title="AWS Cost and Usage Report",
    columns=_COLUMNS,
    charge=_CHARGE,
    term=_TERM,
    has_term="role = 'unused'",
    checks=_CHECKS,
)
