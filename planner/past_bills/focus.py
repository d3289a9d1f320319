"""FOCUS 1.0 to 1.3, of any provider: charges by category; costs are the columns' own.

FOCUS has no column for the instance type: it stands in the price's details, in AWS's usage type, or
in words in the charge's description.
"""

from planner.past_bills.aws_cur import MACHINE_METERS, METERS, OS_OF_OPERATION
from planner.past_bills.columns import Column, Kind
from planner.past_bills.layout import TERM, Check, Layout, columns_in

_COLUMNS = (
    Column("billed_cost", ("BilledCost",), Kind.AMOUNT, required=True, filled=True),
    Column("effective_cost", ("EffectiveCost",), Kind.AMOUNT, required=True, filled=True),
    Column("list_cost", ("ListCost",), Kind.AMOUNT, without="list costs are counted as 0"),
    Column("charge_category", ("ChargeCategory",), required=True, filled=True),
    Column("charge_class", ("ChargeClass",)),
    Column("charge_frequency", ("ChargeFrequency",)),
    Column("charge_start", ("ChargePeriodStart",), Kind.TIME, required=True, filled=True),
    Column(
        "charge_end", ("ChargePeriodEnd",), Kind.TIME, required=True,
        needed_when="charge_category = 'Usage'",
    ),
    Column("billing_start", ("BillingPeriodStart",), Kind.TIME),
    Column(
        "provider_name",
        ("ServiceProviderName", "ProviderName", "HostProviderName", "PublisherName"),
        without="the provider is unnamed",
    ),
    Column("sub_account", ("SubAccountId", "BillingAccountId")),
    Column("billing_currency", ("BillingCurrency",), without="the currency is taken to be USD"),
    Column("service_name", ("ServiceName",), without="services are unnamed"),
    Column(
        "service_category", ("ServiceCategory",),
        without="only machine time counts as compute",
    ),
    Column("description", ("ChargeDescription",)),
    Column("pricing_category", ("PricingCategory",)),
    Column("pricing_quantity", ("PricingQuantity",), Kind.AMOUNT),
    Column("pricing_unit", ("PricingUnit",)),
    Column("block_size", ("x_PricingBlockSize",), Kind.AMOUNT),
    Column("consumed_quantity", ("ConsumedQuantity",), Kind.AMOUNT),
    Column("consumed_unit", ("ConsumedUnit",)),
    Column("region_id", ("RegionId",)),
    Column("zone_id", ("AvailabilityZone",)),
    Column("discount_id", ("CommitmentDiscountId",)),
    Column("discount_type", ("CommitmentDiscountType",)),
    Column("discount_status", ("CommitmentDiscountStatus",)),
    Column("discount_quantity", ("CommitmentDiscountQuantity",), Kind.AMOUNT),
    Column("discount_unit", ("CommitmentDiscountUnit",)),
    Column("capacity_status", ("CapacityReservationStatus",)),
    Column("sku_details", ("SkuPriceDetails", "x_SkuDetails")),
    Column("usage_type", ("x_UsageType", "SkuMeter")),
    Column("operation", ("x_Operation",)),
)  # fmt: skip

_TYPE = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
_DESCRIBED = (
    r" per (?:On Demand|Dedicated(?: Usage)?|Reserved|Unused Reservation) (.+) "
    rf"({_TYPE}) Instance Hour",
    rf"^(.+?) \(Amazon VPC\), ({_TYPE}) (?:reserved instance|instance-hours) ",
)
_DESCRIBED_SPOT = rf"^({_TYPE}) (.+?) Spot Instance-hour"
_RESOURCE = (
    r"^(?:Spot Preemptible |Preemptible )?(?:(Compute optimized|[A-Z]\d\w*) )?"
    r"(?:Predefined |Custom |Extended |AMD |Arm )*(?:Instance )?(Core|Ram) running"
)
_HOURS = r"^(?:(\d+) )?(?:h|hrs?|hours?|(?:gibibyte|gib|gb)[ .-]hours?)$"

_BLOCKS = "pricing_quantity * coalesce(CAST(block_size AS BIGINT), 1)"


def _detail(*keys: str) -> str:
    """The first of these keys in the price's details, a JSON text."""
    pattern = f'"(?:x_)?(?:{"|".join(keys)})"\\s*:\\s*"([^"]+)"'
    return f"nullif(regexp_extract(sku_details, '{pattern}', 1), '')"


def _described(group: int) -> str:
    found = (f"nullif(regexp_extract(description, '{one}', {group}), '')" for one in _DESCRIBED)
    return ", ".join(found)


def _unit_hours(unit: str) -> str:
    """Hours that one of a unit is, such as 100 for "100 Hours"; NULL where it is none of time."""
    number = f"nullif(regexp_extract({unit}, '^(\\d+) ', 1), '')"
    is_hours = f"regexp_matches({unit}, '{_HOURS}', 'i')"
    return f"CASE WHEN {is_hours} THEN coalesce(TRY_CAST({number} AS BIGINT), 1) END"


_CHARGE = columns_in(rf"""
    provider = CASE WHEN provider_name ILIKE 'aws%' OR provider_name ILIKE 'amazon%' THEN 'aws'
        WHEN provider_name ILIKE 'microsoft%' OR provider_name ILIKE 'azure%' THEN 'azure'
        WHEN provider_name ILIKE 'google%' OR provider_name ILIKE 'gcp%' THEN 'gcp'
        ELSE coalesce(lower(replace(provider_name, ' ', '-')), 'unnamed') END;
    account = sub_account;
    service = coalesce(service_name, 'unnamed');
    currency = coalesce(billing_currency, 'USD');
    begun = charge_start;
    ended = charge_end;
    month = strftime(coalesce(billing_start, charge_start), '%Y-%m');
    region = CASE WHEN provider = 'azure' THEN lower(replace(region_id, ' ', ''))
        ELSE region_id END;
    zone = zone_id;

    -- Columns of a single other are found once for each of its values, where a file has a list of
    -- them; that is why these are not told apart by may_run.
    pricing_hours = {_unit_hours("pricing_unit")};
    consumed_hours = {_unit_hours("consumed_unit")};
    detailed = {_detail("InstanceType", "ServiceType")};
    detailed_os = {_detail("OperatingSystem")};

    may_run = charge_category = 'Usage' AND coalesce(service_category, 'Compute') = 'Compute'
        AND coalesce(discount_status, '') <> 'Unused';
    -- What ran is what was consumed; some exports price by blocks and divide twice, or never.
    hours = CASE WHEN consumed_hours IS NOT NULL AND consumed_quantity IS NOT NULL
        THEN consumed_quantity * consumed_hours
        ELSE pricing_quantity * coalesce(CAST(block_size AS BIGINT), 1) * pricing_hours END;
    meter = CASE WHEN may_run AND provider = 'aws'
        THEN regexp_extract(usage_type, '{METERS}', ['name', 'machine']) END;
    spot_words = CASE WHEN may_run
        THEN regexp_extract(description, '{_DESCRIBED_SPOT}', ['machine', 'os']) END;
    resource = CASE WHEN may_run AND provider = 'gcp'
        THEN regexp_extract(description, '{_RESOURCE}', ['series', 'part']) END;
    -- Machines whose series no words name are N1; C2 goes by what it is for.
    resource_name = CASE WHEN coalesce(resource['part'], '') <> ''
        THEN CASE resource['series'] WHEN '' THEN 'n1' WHEN 'Compute optimized' THEN 'c2'
        ELSE lower(resource['series']) END
        || CASE resource['part'] WHEN 'Core' THEN '/vcpu' ELSE '/gib' END END;
    described_type = CASE WHEN may_run THEN coalesce({_described(2)},
        nullif(spot_words['machine'], ''), resource_name,
        CASE WHEN meter['name'] IN {MACHINE_METERS} THEN nullif(meter['machine'], '') END) END;
    detailed_type = CASE WHEN may_run AND hours IS NOT NULL THEN detailed END;
    instance_type = coalesce(detailed_type, described_type);
    idle = coalesce(capacity_status = 'Unused', FALSE)
        OR coalesce(description LIKE '%Unused Reservation%', FALSE);
    corrects = coalesce(charge_class = 'Correction', FALSE);
    is_machine = instance_type IS NOT NULL AND NOT idle AND NOT corrects;
    -- What a commitment left unused may be filed under no service: what it serves then tells.
    is_compute = CASE WHEN discount_status = 'Unused' AND discount_id IS NOT NULL
        AND coalesce(service_category, 'Other') = 'Other' THEN NULL
        ELSE coalesce(service_category = 'Compute', instance_type IS NOT NULL) END;

    raw_os = CASE WHEN is_machine
        THEN coalesce(detailed_os, {_described(1)}, nullif(spot_words['os'], ''),
        CASE WHEN operation LIKE 'RunInstances%' THEN {OS_OF_OPERATION} END) END;
    os = CASE WHEN NOT is_machine THEN NULL
        WHEN raw_os ILIKE 'linux%' OR raw_os ILIKE 'ubuntu%' THEN 'linux'
        WHEN raw_os ILIKE 'red hat%' OR raw_os ILIKE 'rhel%' THEN 'rhel'
        WHEN raw_os ILIKE 'suse%' THEN 'suse'
        WHEN raw_os ILIKE 'windows%' AND raw_os NOT ILIKE '%sql%' THEN 'windows'
        WHEN raw_os IS NOT NULL THEN lower(replace(raw_os, ' ', '-'))
        WHEN description ILIKE '%windows%' THEN 'windows' ELSE 'linux' END;
    tenancy = CASE WHEN NOT is_machine THEN NULL
        WHEN meter['name'] = 'DedicatedUsage' OR description LIKE '% per Dedicated %'
        THEN 'dedicated' ELSE 'shared' END;
    purchase_option = CASE WHEN NOT is_machine THEN NULL
        WHEN pricing_category = 'Committed' OR discount_status = 'Used' THEN 'covered'
        WHEN pricing_category = 'Dynamic' OR meter['name'] = 'SpotUsage'
        OR coalesce(spot_words['machine'], '') <> '' OR description LIKE 'Spot Preemptible %'
        THEN 'spot' ELSE 'on_demand' END;
    machine_hours = CASE WHEN is_machine THEN hours END;

    billed = billed_cost;
    listed = CASE WHEN charge_category = 'Usage' AND coalesce(discount_status, '') <> 'Unused'
        THEN coalesce(list_cost, 0) ELSE 0 END;

    role = CASE WHEN discount_id IS NULL THEN NULL
        WHEN charge_category = 'Purchase' AND charge_frequency = 'One-Time' THEN 'upfront'
        WHEN charge_category = 'Purchase' THEN 'recurring'
        WHEN charge_category <> 'Usage' THEN NULL
        WHEN discount_status = 'Unused' THEN 'unused' ELSE 'used' END;
    -- Effective cost is that of the usage a purchase covers: where the purchase has it too it would
    -- count twice.
    restated = CASE WHEN role IN ('upfront', 'recurring') THEN effective_cost ELSE 0 END;
    effective = effective_cost - restated;
    commitment_id = CASE WHEN role IS NOT NULL THEN discount_id END;
    commitment_kind = CASE WHEN role IS NULL THEN NULL
        WHEN provider = 'azure' AND discount_type ILIKE '%savings%' THEN 'azure_savings_plan'
        WHEN provider = 'azure' AND discount_type ILIKE '%reserv%' THEN 'azure_reservation'
        WHEN provider = 'gcp' AND discount_type ILIKE '%resource%' THEN 'resource_commitment'
        WHEN provider = 'gcp' AND discount_type IS NOT NULL THEN 'flexible_commitment'
        WHEN discount_type ILIKE '%compute%savings%' THEN 'savings_plan_compute'
        WHEN discount_type ILIKE '%ec2%savings%' THEN 'savings_plan_ec2'
        WHEN discount_type ILIKE '%convertible%' THEN 'reserved_convertible'
        WHEN discount_type ILIKE '%reserv%' THEN 'reserved_standard'
        ELSE coalesce(lower(replace(discount_type, ' ', '_')), 'commitment') END;
    commitment_unit = CASE WHEN role IS NOT NULL THEN discount_unit END;
    commitment_quantity = CASE WHEN role IS NOT NULL THEN discount_quantity END;
    recurring = CASE WHEN role = 'recurring' THEN billed_cost END;
    left_out = CASE
        WHEN charge_end IS NULL AND charge_end_given IS NOT NULL
        THEN 'purchase whose end is no time'
        WHEN idle AND instance_type IS NOT NULL THEN 'capacity reserved but not run'
        WHEN corrects AND instance_type IS NOT NULL THEN 'correction of machine time'
        WHEN is_machine AND region IS NULL THEN 'machine time that names no region'
        WHEN coalesce(is_compute, FALSE) AND may_run AND hours IS NOT NULL AND instance_type IS NULL
        THEN 'compute hours that name no instance type' END;
""")

_TERM = dict.fromkeys(TERM, "NULL") | columns_in("""
    starts = charge_start;
    ends = charge_end;
    hourly = CASE WHEN discount_unit = currency
        THEN discount_quantity / greatest(1, date_diff('hour', charge_start, charge_end)) END;
""")

_CHECKS = (
    Check(
        "is_machine AND hours IS NULL", "pricing_unit",
        "is no unit of machine time, or the quantity is empty; write Hours",
    ),
)  # fmt: skip

FOCUS = Layout(
    name="focus",
    title="FOCUS",
    columns=_COLUMNS,
    charge=_CHARGE,
    term=_TERM,
    has_term="role = 'upfront'",
    checks=_CHECKS,
)
