"""Azure cost exports, actual or amortized: charges by charge type and pricing model.

The amortized export carries what covered usage costs and what commitments left unused; the actual
export carries purchases as they are paid, and covered usage at no cost. A row is a day.
"""

from planner.past_bills.columns import Column, Kind
from planner.past_bills.layout import TERM, Check, Layout, columns_in

_COLUMNS = (
    Column(
        "usage_date", ("Date", "UsageDateTime", "UsageDate"), Kind.TIME, required=True, filled=True
    ),
    Column(
        "cost", ("CostInBillingCurrency", "Cost", "PreTaxCost"), Kind.AMOUNT, required=True,
        filled=True,
    ),
    Column("charge_type", ("ChargeType",), required=True, filled=True),
    Column("meter_category", ("MeterCategory",), required=True),
    Column("quantity", ("Quantity", "UsageQuantity"), Kind.AMOUNT, required=True),
    Column("unit_of_measure", ("UnitOfMeasure",), required=True),
    Column("meter_subcategory", ("MeterSubCategory",)),
    Column("meter_name", ("MeterName",)),
    Column(
        "pricing_model", ("PricingModel",), without="covered usage is told by its reservation's id"
    ),
    Column("pay_price", ("PayGPrice",), Kind.AMOUNT),
    Column("unit_price", ("UnitPrice",), Kind.AMOUNT),
    Column(
        "billing_currency", ("BillingCurrency", "BillingCurrencyCode", "Currency"),
        without="the currency is taken to be USD",
    ),
    Column("pricing_currency", ("PricingCurrency", "PricingCurrencyCode")),
    Column(
        "exchange_rate", ("exchangeRatePricingToBilling", "ExchangeRate"), Kind.AMOUNT,
    ),
    Column("location", ("ResourceLocation", "Location")),
    Column("zone_name", ("AvailabilityZone",)),
    Column("subscription", ("SubscriptionId", "SubscriptionGuid")),
    Column("benefit", ("benefitId",)),
    Column("reservation", ("ReservationId",)),
    Column("product_order", ("ProductOrderName",)),
    Column("frequency", ("Frequency",)),
    Column("additional_info", ("AdditionalInfo",)),
    Column("billing_start", ("BillingPeriodStartDate", "BillingPeriodStart"), Kind.TIME),
)  # fmt: skip

_HOURS = r"^(?:(\d+) )?hours?$"

_SAME_SHARE = 0.005
"""Cost and quantity at a price are the same within so much: prices are printed rounded."""

_MOST_HOURS = 24
"""Hours of a machine in a row, which is a day."""


def _info(key: str) -> str:
    """A key of the additional information, a JSON text."""
    pattern = f'"{key}"\\s*:\\s*"([^"]+)"'
    return f"nullif(regexp_extract(additional_info, '{pattern}', 1), '')"


_CHARGE = columns_in(rf"""
    provider = 'azure';
    account = lower(subscription);
    service = coalesce(meter_category, 'unnamed');
    currency = coalesce(billing_currency, 'USD');
    begun = date_trunc('hour', usage_date);
    ended = CASE WHEN begun = date_trunc('day', begun) THEN begun + INTERVAL 1 DAY
        ELSE begun + INTERVAL 1 HOUR END;
    month = strftime(coalesce(billing_start, usage_date), '%Y-%m');
    region = lower(replace(location, ' ', ''));
    zone = zone_name;

    is_vm = coalesce(meter_category = 'Virtual Machines', FALSE);
    is_usage = charge_type = 'Usage';
    instance_type = CASE WHEN is_vm AND is_usage THEN {_info("ServiceType")} END;
    idle = is_vm AND is_usage AND coalesce({_info("UsageType")} = 'ComputeCR', FALSE);
    model = coalesce(pricing_model, CASE WHEN reservation IS NOT NULL THEN 'Reservation'
        WHEN meter_name ILIKE '%spot%' THEN 'Spot' ELSE 'OnDemand' END);

    -- Where the unit is a block, such as 100 Hours, some exports count blocks and some hours. The
    -- row tells: its cost is its quantity at the price of a block, or at a part of it. Covered rows
    -- cost something else; of them no more than a day's hours are believed.
    block = coalesce(
        TRY_CAST(nullif(regexp_extract(unit_of_measure, '^(\d+) ', 1), '') AS BIGINT), 1);
    rate = CASE WHEN coalesce(upper(pricing_currency), upper(currency)) = upper(currency) THEN 1
        ELSE CAST(exchange_rate AS DOUBLE) END;
    at_price = CAST(quantity AS DOUBLE)
        * CAST(coalesce(nullif(unit_price, 0), nullif(pay_price, 0)) AS DOUBLE) * rate;
    in_blocks = CASE WHEN block = 1 THEN TRUE
        WHEN model IN ('Reservation', 'SavingsPlan') OR cost = 0 OR at_price IS NULL
        THEN quantity * block <= {_MOST_HOURS}
        WHEN abs(at_price / block - cost) <= {_SAME_SHARE} * abs(cost) THEN FALSE
        WHEN abs(at_price - cost) <= {_SAME_SHARE} * abs(cost) THEN TRUE END;
    units = CASE WHEN in_blocks THEN quantity
        ELSE CAST(CAST(quantity AS DOUBLE) / block AS DECIMAL(38, 18)) END;
    is_hours = coalesce(regexp_matches(unit_of_measure, '{_HOURS}', 'i'), FALSE);
    hours = CASE WHEN is_hours AND in_blocks IS NOT NULL
        THEN CASE WHEN in_blocks THEN quantity * block ELSE quantity END END;
    is_machine = instance_type IS NOT NULL AND NOT idle
        AND NOT (is_hours AND in_blocks IS NULL);
    is_compute = is_vm OR coalesce(product_order ILIKE 'Reserved VM Instance%'
        OR product_order ILIKE 'Compute savings plan%', FALSE);
    os = CASE WHEN NOT is_machine THEN NULL
        WHEN meter_subcategory ILIKE '%windows%' THEN 'windows' ELSE 'linux' END;
    tenancy = CASE WHEN is_machine THEN 'shared' END;

    purchase_option = CASE WHEN NOT is_machine THEN NULL
        WHEN model IN ('Reservation', 'SavingsPlan') THEN 'covered'
        WHEN model = 'Spot' OR meter_name ILIKE '%low priority%' THEN 'spot' ELSE 'on_demand' END;
    machine_hours = CASE WHEN is_machine THEN hours END;

    billed = cost;
    effective = cost;
    restated = 0;
    listed = CASE WHEN is_usage THEN coalesce(CAST(CAST(units AS DOUBLE)
        * coalesce(nullif(pay_price, 0), unit_price) * rate AS DECIMAL(38, 18)), cost) ELSE 0 END;

    role = CASE WHEN coalesce(benefit, reservation) IS NULL THEN NULL
        WHEN charge_type LIKE 'Unused%' THEN 'unused'
        WHEN charge_type = 'Purchase' AND frequency ILIKE 'one%' THEN 'upfront'
        WHEN charge_type = 'Purchase' THEN 'recurring'
        WHEN is_usage AND model IN ('Reservation', 'SavingsPlan') THEN 'used' END;
    is_plan = model = 'SavingsPlan' OR charge_type = 'UnusedSavingsPlan'
        OR coalesce(benefit ILIKE '%/savingsPlan%', FALSE);
    commitment_id = CASE WHEN role IS NOT NULL THEN lower(coalesce(benefit, reservation)) END;
    commitment_kind = CASE WHEN role IS NULL THEN NULL WHEN is_plan THEN 'azure_savings_plan'
        ELSE 'azure_reservation' END;
    commitment_unit = CASE WHEN role IS NULL THEN NULL WHEN is_plan THEN currency
        ELSE 'machine-hours' END;
    commitment_quantity = CASE WHEN role NOT IN ('used', 'unused') THEN NULL
        WHEN is_plan THEN cost ELSE hours END;
    recurring = CASE WHEN role = 'recurring' THEN cost END;
    left_out = CASE WHEN idle THEN 'capacity reserved but not run'
        WHEN is_machine AND region IS NULL THEN 'machine time that names no region'
        WHEN is_vm AND is_usage AND is_hours AND in_blocks IS NULL
        THEN 'machine time whose quantity and price do not meet its cost'
        WHEN is_vm AND is_usage AND hours IS NOT NULL AND instance_type IS NULL
        THEN 'compute hours that name no instance type' END;
""")

_NO_TERM = dict.fromkeys(TERM, "NULL")

_CHECKS = (
    Check("is_machine AND hours IS NULL", "unit_of_measure", "is no unit of machine time; write "
          "1 Hour"),
)  # fmt: skip

AZURE_EXPORT = Layout(
    name="azure",
    title="Azure cost export",
    columns=_COLUMNS,
    charge=_CHARGE,
    term=_NO_TERM,
    has_term="FALSE",
    checks=_CHECKS,
)
