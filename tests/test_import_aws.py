"""Importing what AWS publishes: which rows give which rates, and why others give none."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest

from catalogs import Catalog, InvalidInputError, OfferKind, Payment
from catalogs.imports import import_files

DAY = date(2026, 1, 2)
COLUMNS = (
    "SKU OfferTermCode TermType EffectiveDate Unit PricePerUnit Currency LeaseContractLength "
    "PurchaseOption OfferingClass|Product Family|Location|Instance Type|vCPU|Memory|Tenancy|"
    "Operating System|License Model|operation|CapacityStatus|Pre Installed S/W|Region Code"
)
COLUMNS = COLUMNS.partition("|")[0].split() + COLUMNS.partition("|")[2].split("|")
ON_DEMAND = {
    "SKU": "LINUX",
    "OfferTermCode": "JRTCKXETXF",
    "TermType": "OnDemand",
    "Unit": "Hrs",
    "PricePerUnit": "0.0960000000",
    "Currency": "USD",
    "Product Family": "Compute Instance",
    "Location": "EU (Ireland)",
    "Instance Type": "m5.large",
    "vCPU": "2",
    "Memory": "8 GiB",
    "Tenancy": "Shared",
    "Operating System": "Linux",
    "License Model": "No License required",
    "operation": "RunInstances",
    "CapacityStatus": "Used",
    "Pre Installed S/W": "NA",
    "Region Code": "eu-west-1",
}
RESERVED = ON_DEMAND | {
    "TermType": "Reserved",
    "LeaseContractLength": "3yr",
    "PurchaseOption": "Partial Upfront",
    "OfferingClass": "convertible",
}


def offer_csv(rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["FormatVersion", "v1.0"])
    writer.writerow(["Publication Date", "2026-01-01T07:00:00Z"])
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    return text.getvalue()


@pytest.fixture
def imported(tmp_path):
    """Import texts as files, in the order given."""

    def run(*texts, **options):
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"file{number}"
            path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
            paths.append(path)
        return import_files("aws", paths, DAY, **options)

    return run


def rates_of(catalog, **place):
    given = {"instance_type": "m5.large", "region": "eu-west-1"} | place
    return [
        (one.kind, one.term_hours, one.payment, one.upfront_usd, one.hourly_usd)
        for one in catalog.rates_of(**given)
    ]


# Price lists


def test_a_row_on_demand_is_a_rate_of_the_day_of_publication(imported):
    catalog, report = imported(offer_csv([ON_DEMAND]))

    (rate,) = catalog.rates_of("m5.large", "eu-west-1")
    assert (rate.hourly_usd, rate.as_of) == (Decimal("0.096"), date(2026, 1, 1))
    assert (report.rows_read, report.rows_refused, report.rates_kept) == (1, {}, {"on_demand": 1})
    assert catalog.instance_type("m5.large").normalized_units == 4


@pytest.mark.parametrize("order", [1, -1])
def test_the_halves_of_a_reserved_price_are_joined_wherever_they_stand(imported, order):
    rows = [
        RESERVED | {"Unit": "Quantity", "PricePerUnit": "710"},
        ON_DEMAND,
        RESERVED | {"PricePerUnit": "0.0270000000"},
    ]
    catalog, report = imported(offer_csv(rows[::order]))

    kind = OfferKind.RESERVED_CONVERTIBLE
    terms = (kind, 26280, Payment.PARTIAL_UPFRONT, Decimal(710), Decimal("0.027"))
    assert rates_of(catalog)[1:] == [terms]
    assert report.rows_refused == {}


REFUSED = {
    "is no machine": {"Product Family": "Storage"},
    "instance type is missing, or no name of one": {"Instance Type": "m5:large"},
    "prices reserved capacity, not use": {"CapacityStatus": "UnusedCapacityReservation"},
    "bring your own licence": {"License Model": "Bring your own license"},
    "pre-installed software": {"Pre Installed S/W": "SQL Web"},
    "operating system is none of linux, windows, rhel, suse": {"Operating System": "Ubuntu Pro"},
    "operating system and operation disagree": {"Operating System": "Windows"},
    "operation bills software or a licence too": {"operation": "RunInstances:0202"},
    "tenancy is none of shared, dedicated, host": {"Tenancy": "Reserved"},
    "runs on a dedicated host, which is priced itself": {"Tenancy": "Host"},
    "region is unknown": {"Region Code": "eu-west-"},
    "term is neither OnDemand nor Reserved": {"TermType": "Spot"},
    "unit is not an hour": {"Unit": "GB-Mo"},
    "currency is not USD": {"Currency": "CNY"},
    "price is no number": {"PricePerUnit": "about 1"},
    "price is negative": {"PricePerUnit": "-0.1"},
    "price is out of range": {"PricePerUnit": "1e30"},
    "price on demand is 0": {"PricePerUnit": "0.0000000000"},
    "class, term or payment of a reservation is unknown": RESERVED | {"PurchaseOption": "Heavy"},
    "unit is neither an hour nor a machine": RESERVED | {"Unit": "Month"},
    "half of a reserved price is missing": RESERVED,
    "an upfront price of a term without upfront": RESERVED
    | {"PurchaseOption": "No Upfront", "Unit": "Quantity"},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_rows_that_give_no_rate_are_counted_by_reason_with_their_line(imported, reason):
    other = ON_DEMAND | {"Instance Type": "m5.xlarge"}
    _, report = imported(offer_csv([other, ON_DEMAND | REFUSED[reason]]))

    assert report.rows_refused == {reason: 1}
    assert report.examples[reason][0].startswith("file0 line 5")
    assert (report.rows_read, report.rates_kept) == (2, {"on_demand": 1})


def test_only_the_first_refused_rows_of_a_reason_are_shown(imported):
    rows = [ON_DEMAND | {"Product Family": "Storage"}] * 30
    _, report = imported(offer_csv([ON_DEMAND, *rows]))

    assert report.rows_refused == {"is no machine": 30}
    assert len(report.examples["is no machine"]) == 20


def test_rows_with_fewer_or_more_cells_than_columns_are_refused(imported):
    text = offer_csv([ON_DEMAND, ON_DEMAND | {"Instance Type": "m5.xlarge"}])
    long_row = text.splitlines()[3] + ',"more"\n'
    _, report = imported(text.rstrip().removesuffix(',"eu-west-1"') + "\n" + long_row)

    assert report.rows_refused == {
        "is cut short": 1,
        "has more cells than there are columns": 1,
    }
    assert report.rates_kept == {"on_demand": 1}


def test_a_name_of_a_size_no_machine_has_is_taken_without_units(imported):
    catalog, _ = imported(offer_csv([ON_DEMAND | {"Instance Type": "m5.999999999xlarge"}]))

    assert catalog.instance_type("m5.999999999xlarge").normalized_units is None


def test_old_files_name_places_only_and_drop_empty_cells(imported):
    columns = [column for column in COLUMNS if column != "Region Code"]
    text = offer_csv([ON_DEMAND], columns).replace(',"NA"', "")
    catalog, _ = imported(text)

    assert catalog.regions() == ["eu-west-1"]


def test_a_dedicated_host_is_a_machine_of_its_own_under_tenancy_host(imported):
    host = {
        "Product Family": "Dedicated Host",
        "Instance Type": "m5",
        "Tenancy": "Host",
        "Operating System": "NA",
        "CapacityStatus": "AllocatedHost",
        "PricePerUnit": "4.6080000000",
    }
    catalog, _ = imported(offer_csv([ON_DEMAND | host]))

    assert catalog.on_demand_usd("m5", "eu-west-1", tenancy="host") == Decimal("4.608")


def test_the_same_rate_twice_is_kept_once_and_the_latest_of_two_prices_wins(imported):
    dearer = offer_csv([ON_DEMAND | {"PricePerUnit": "0.1000000000"}])
    later = dearer.replace("2026-01-01", "2026-01-05")
    catalog, report = imported(offer_csv([ON_DEMAND, ON_DEMAND]), later)

    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.1")
    assert sum(report.rates_left_out.values()) == 2


def as_json(rows):
    """The rows as a bulk offer file in JSON, products and terms apart."""
    products, terms = {}, {"OnDemand": {}, "Reserved": {}}
    names = {"Pre Installed S/W": "preInstalledSw", "CapacityStatus": "capacitystatus"}
    for number, row in enumerate(rows):
        keys = {key: key[:1].lower() + key[1:].replace(" ", "") for key in row}
        attributes = {names.get(key, keys[key]): row[key] for key in row}
        attributes["regionCode"] = attributes["regionCode"]
        attributes["location"] = row["Location"]
        sku = row["SKU"]
        family = row["Product Family"]
        products[sku] = {"sku": sku, "productFamily": family, "attributes": attributes}
        code = f"{sku}.{row.get('PurchaseOption', '')}{row.get('LeaseContractLength', '')}"
        term = (
            terms[row["TermType"]]
            .setdefault(sku, {})
            .setdefault(
                code, {"sku": sku, "offerTermCode": "", "priceDimensions": {}, "termAttributes": {}}
            )
        )
        term["priceDimensions"][f"{code}.{number}"] = {
            "unit": row["Unit"],
            "pricePerUnit": {row["Currency"]: row["PricePerUnit"]},
        }
        for key in ("LeaseContractLength", "PurchaseOption", "OfferingClass"):
            if key in row:
                term["termAttributes"][key] = row[key]
    head = {"formatVersion": "v1.0", "offerCode": "AmazonEC2"}
    published = {"publicationDate": "2026-01-01T07:00:00Z"}
    return head | published | {"products": products, "terms": terms}


MIXED = [
    ON_DEMAND,
    ON_DEMAND
    | {
        "SKU": "WINDOWS",
        "Operating System": "Windows",
        "operation": "RunInstances:0002",
        "PricePerUnit": "0.1880000000",
    },
    RESERVED | {"Unit": "Quantity", "PricePerUnit": "710"},
    RESERVED | {"PricePerUnit": "0.0270000000"},
    RESERVED
    | {
        "PurchaseOption": "No Upfront",
        "OfferingClass": "standard",
        "PricePerUnit": "0.0440000000",
    },
]


def test_csv_json_and_products_of_the_same_prices_give_the_same_rates(imported):
    whole = as_json(MIXED)
    items = [
        {
            "product": product,
            "publicationDate": whole["publicationDate"],
            "terms": {kind: whole["terms"][kind].get(sku, {}) for kind in ("OnDemand", "Reserved")},
        }
        for sku, product in whole["products"].items()
    ]
    table, _ = imported(offer_csv(MIXED))
    for other in (
        whole,
        {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in items]},
        {"PriceList": items},
    ):
        catalog, report = imported(other)
        assert catalog.rates.equals(table.rates)
        assert report.rows_refused == {}


def test_the_rates_of_another_catalogue_stay_where_the_files_hold_none(imported):
    beneath = Catalog.bundled("aws")
    catalog, report = imported(
        offer_csv([ON_DEMAND | {"PricePerUnit": "0.0900000000"}]), onto=beneath
    )

    assert len(catalog.rates) == len(beneath.rates)
    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.09")
    kept = beneath.on_demand_usd("m5.xlarge", "eu-west-1")
    assert catalog.on_demand_usd("m5.xlarge", "eu-west-1") == kept
    assert report.rates_kept == {"on_demand": 1}


# Savings Plans

PLANS = {
    "version": "20260101",
    "publicationDate": "2026-01-01T07:00:00Z",
    "products": [
        {
            "sku": "P",
            "productFamily": "ComputeSavingsPlans",
            "attributes": {"purchaseOption": "All Upfront", "purchaseTerm": "3yr"},
        },
        {
            "sku": "F",
            "productFamily": "EC2InstanceSavingsPlans",
            "attributes": {
                "purchaseOption": "No Upfront",
                "purchaseTerm": "1yr",
                "instanceType": "m5",
            },
        },
    ],
}
RATE = {
    "discountedSku": "LINUX",
    "discountedServiceCode": "AmazonEC2",
    "discountedUsageType": "EU-BoxUsage:m5.large",
    "discountedOperation": "RunInstances",
    "unit": "Hrs",
    "discountedRate": {"price": "0.0420", "currency": "USD"},
}
BY_USAGE = {
    "discountedSku": "NOT_READ",
    "discountedRegionCode": "eu-west-1",
    "discountedInstanceType": "m5.large",
}


def plans(*rates, sku="P", years=3):
    term = {"sku": sku, "leaseContractLength": {"duration": years, "unit": "year"}, "rates": rates}
    return PLANS | {"terms": {"savingsPlan": [term]}}


def test_a_plan_rate_is_of_the_machine_its_on_demand_product_is(imported):
    files = (plans(RATE), plans(RATE, sku="F", years=1), offer_csv([ON_DEMAND]))
    catalog, _ = imported(*files)

    assert rates_of(catalog)[1:] == [
        (OfferKind.SAVINGS_PLAN_EC2, 8760, Payment.NO_UPFRONT, 0, Decimal("0.042")),
        (OfferKind.SAVINGS_PLAN_COMPUTE, 26280, Payment.ALL_UPFRONT, 0, Decimal("0.042")),
    ]


def test_without_its_product_usage_operation_and_region_tell_the_machine(imported):
    dedicated = {
        "discountedUsageType": "EU-DedicatedUsage:m5.large",
        "discountedOperation": "RunInstances:0002",
    }
    price = {"operation": "RunInstances:0002", "Operating System": "Windows"}
    catalog, _ = imported(
        offer_csv([ON_DEMAND | price | {"Tenancy": "Dedicated"}]),
        plans(RATE | BY_USAGE | dedicated),
    )

    rates = rates_of(catalog, os="windows", tenancy="dedicated")
    assert [kind for kind, *_ in rates] == ["on_demand", "savings_plan_compute"]


NOT_PLANNED = {
    "discounts no machine": {"discountedServiceCode": "AWSLambda"},
    "usage type is no use of a machine": {"discountedUsageType": "EU-UnusedBox:m5.large"},
    "operation bills software or a licence too": {"discountedOperation": "RunInstances:0202"},
    "usage type and discounted product disagree": {
        "discountedUsageType": "EU-DedicatedUsage:m5.large"
    },
    "discounted product is in no price list read before": {"discountedSku": "NOT_READ"},
    "unit is not Hrs": {"unit": "Lambda-GB-Second"},
    "currency is not USD": {"discountedRate": {"price": "0.3", "currency": "CNY"}},
    "price is no number": {"discountedRate": {"price": {}, "currency": "USD"}},
    "a savings_plan_compute uses up commitment for all it covers: give hourly_usd above 0": {
        "discountedRate": {"price": "0"}
    },
}


@pytest.mark.parametrize("reason", NOT_PLANNED)
def test_plan_rates_of_no_machine_are_counted_by_reason(imported, reason):
    _, report = imported(offer_csv([ON_DEMAND]), plans(RATE | NOT_PLANNED[reason]))

    assert report.rows_refused == {reason: 1}


def test_a_plan_rate_without_an_on_demand_price_is_left_out(imported):
    _, report = imported(
        offer_csv([ON_DEMAND]), plans(RATE | BY_USAGE | {"discountedInstanceType": "m5.xlarge"})
    )

    assert report.rates_left_out == {"a plan's rate of a machine without an on-demand price": 1}


def test_plans_in_csv_give_the_same_rates(imported):
    columns = {
        "SKU": "P",
        "RateCode": "P.LINUX",
        "Unit": "Hrs",
        "DiscountedRate": "0.0420",
        "Currency": "USD",
        "DiscountedSKU": "LINUX",
        "DiscountedServiceCode": "AmazonEC2",
        "DiscountedUsageType": "EU-BoxUsage:m5.large",
        "DiscountedOperation": "RunInstances",
        "PurchaseOption": "All Upfront",
        "LeaseContractLength": "3",
        "LeaseContractLengthUnit": "year",
        "Product Family": "ComputeSavingsPlans",
    }
    from_json, _ = imported(offer_csv([ON_DEMAND]), plans(RATE))
    from_csv, report = imported(offer_csv([ON_DEMAND]), offer_csv([columns], list(columns)))

    assert from_csv.rates.equals(from_json.rates)
    assert report.rows_refused == {}


# Pricing pages


def test_a_pricing_page_states_reserved_prices_by_the_code_of_their_terms(imported):
    price = {"Location": "EU (Ireland)", "Instance Type": "m5.large", "Operating System": "Linux"}
    terms = {"LeaseContractLength": "1yr", "PurchaseOption": "All Upfront", "Tenancy": "Shared"}
    codes = {"rateCode": "LINUX.VJWZNREJX2.6YS6EN2CT7", "riupfront:PricePerUnit": "592"}
    page = {
        "manifest": {"serviceId": "ec2", "currencyCode": "USD", "source": "ec2-reservedinstance"},
        "regions": {
            "EU (Ireland)": {
                "one": price | {"price": "0.0960000000"},
                "two": price | terms | codes | {"price": "0.0000000000"},
                "three": price | terms | {"price": "0.0000000000"},
            }
        },
    }
    catalog, report = imported(page)

    kind = OfferKind.RESERVED_CONVERTIBLE
    assert rates_of(catalog)[1:] == [(kind, 8760, Payment.ALL_UPFRONT, Decimal(592), Decimal(0))]
    assert report.rows_refused == {"upfront price of a reservation is missing": 1}


# Spot


def change(zone, moment, price, **more):
    return {
        "AvailabilityZone": zone,
        "InstanceType": "m5.large",
        "ProductDescription": "Linux/UNIX (Amazon VPC)",
        "SpotPrice": price,
        "Timestamp": f"2026-01-01T{moment}:00.000Z",
    } | more


def test_a_spot_rate_is_the_mean_of_zones_each_weighted_by_time(imported):
    """Zone a: 0.03 for 3 h, then 0.05 for 1 h; zone b: 0.04 for the 2 h it was seen."""
    first = {"SpotPriceHistory": [change("eu-west-1a", "03:00", "0.05")], "NextToken": "more"}
    second = {
        "SpotPriceHistory": [
            change("eu-west-1a", "00:00", "0.03"),
            change("eu-west-1b", "02:00", "0.04"),
            change("eu-west-1b", "04:00", "0.04"),
            change("eu-west-1b", "01:00", "0.04", ProductDescription="Windows with SQL"),
            change("nowhere", "01:00", "0.04"),
        ]
    }
    catalog, report = imported(first, second)

    assert catalog.spot_usd("m5.large", "eu-west-1") == Decimal("0.0375")
    assert [(row["zone"], row["latest_usd"]) for row in report.tables["spot prices by zone"]] == [
        ("eu-west-1a", 0.05),
        ("eu-west-1b", 0.04),
    ]
    assert report.rows_refused == {
        "product is no plain linux, windows, rhel or suse": 1,
        "availability zone is unknown": 1,
    }


ADVISOR = {
    "instance_types": {"m5.large": {"emr": True, "cores": 2, "ram_gb": 8.0}},
    "ranges": [{"index": 1, "label": "5-10%", "dots": 1, "max": 11}],
    "spot_advisor": {
        "eu-west-1": {
            "Linux": {
                "m5.large": {"s": 61, "r": 1},
                "m5.xlarge": {"s": 61, "r": 1},
                "m5.2xlarge": {"s": 130, "r": 1},
                "m5.4xlarge": {"s": 61, "r": 7},
            }
        }
    },
}


def test_the_advisor_s_saving_is_taken_from_the_on_demand_price(imported):
    catalog, report = imported(ADVISOR, offer_csv([ON_DEMAND]))

    (_, spot) = catalog.rates_of("m5.large", "eu-west-1")
    assert spot.hourly_usd == Decimal("0.03744")
    assert spot.derived == "on demand x (1 - 61 % average saving); interrupted 5-10% a month"
    assert set(report.rows_refused) == {
        "no on-demand price to take the saving from",
        "saving is no share of the price in percent",
        "band of interruptions is unknown",
    }


def test_the_advisor_alone_needs_a_catalogue_beneath(imported):
    with pytest.raises(InvalidInputError, match="no on-demand price to take the saving from"):
        imported(ADVISOR)
    catalog, _ = imported(ADVISOR, onto=Catalog.bundled("aws"))

    on_demand = catalog.on_demand_usd("m5.large", "eu-west-1")
    assert catalog.spot_usd("m5.large", "eu-west-1") == on_demand * Decimal("0.39")


# FOCUS

USAGE = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeDescription": "$0.107 per On Demand Linux m5.large Instance Hour",
    "ChargePeriodStart": "2026-01-01 04:00:00",
    "ListUnitPrice": "0.107",
    "PricingUnit": "Hours",
    "RegionId": "eu-west-1",
}


@pytest.fixture
def from_focus(tmp_path):
    def run(*rows):
        text = io.StringIO()
        writer = csv.DictWriter(text, USAGE, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
        (tmp_path / "focus").write_text(text.getvalue(), encoding="utf-8")
        return import_files("focus", [tmp_path / "focus"], DAY)

    return run


def test_the_list_price_of_a_machine_hour_is_taken_once_a_day_and_the_latest_stays(from_focus):
    dedicated = "$0.3 per Dedicated Windows m5.large Instance Hour"
    catalog, report = from_focus(
        *[USAGE] * 24,
        USAGE | {"ChargePeriodStart": "2026-01-02 04:00:00", "ListUnitPrice": "0.1"},
        USAGE | {"ChargeDescription": dedicated, "ListUnitPrice": "0.3"},
    )

    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.1")
    place = {"os": "windows", "tenancy": "dedicated"}
    assert catalog.on_demand_usd("m5.large", "eu-west-1", **place) == Decimal("0.3")
    assert catalog.instance_type("m5.large").provider == "aws"
    assert (report.rows_read, sum(report.rates_left_out.values())) == (26, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ChargeCategory": "Credit"}, "is no charge for use"),
        ({"PricingUnit": "GB"}, "is not priced by the hour"),
        ({"ChargeDescription": "$0.045 per NAT Gateway Hour"}, "its description tells no machine"),
        ({"BillingCurrency": "EUR"}, "currency is not USD"),
        ({"ListUnitPrice": "NULL"}, "price is no number"),
        ({"ListUnitPrice": "0"}, "price on demand is 0"),
        ({"RegionId": "NULL NULL"}, "a name is missing or not plain"),
    ],
)
def test_other_rows_of_a_focus_export_are_counted_by_reason(from_focus, change, reason):
    _, report = from_focus(USAGE, USAGE | change)

    assert report.rows_refused == {reason: 1}


# Files


def test_every_file_that_cannot_be_imported_is_named_at_once(tmp_path):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "text").write_text("prices", encoding="utf-8")
    paths = [tmp_path / name for name in ("a folder", "missing", "text")]
    with pytest.raises(InvalidInputError) as caught:
        import_files("aws", paths, DAY)

    assert len(caught.value.faults) == 3
    assert all(fault.field == "file" for fault in caught.value.faults)


def test_an_unknown_provider_is_told_those_known():
    with pytest.raises(InvalidInputError, match=r"provider = acme: one of aws"):
        import_files("acme", [], DAY)


def test_the_report_reads_as_a_table(imported):
    _, report = imported(offer_csv([ON_DEMAND, ON_DEMAND | {"Product Family": "Storage"}]))

    assert str(report).splitlines() == [
        "file0: AWS price list, CSV, 2 rows, 1 refused",
        "1 rates of 1 instance types kept",
        "          1  on_demand",
        "1 rows refused",
        "          1  is no machine",
        "             file0 line 5: Storage",
    ]
