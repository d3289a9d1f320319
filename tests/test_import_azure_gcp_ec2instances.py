"""Importing Azure's, Google's and ec2instances.info's own formats: what is kept and why not."""

import gzip
import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogs import Catalog, InvalidInputError, write_catalog
from catalogs.imports import import_files

DATA = Path(__file__).parents[2] / "shared" / "data"
RAW = DATA / "raw"
DAY = date(2024, 2, 5)
AZURE = sorted(RAW.glob("azure_retail*"))
GCP = sorted(RAW.glob("gcp_cloud_billing*"))
EC2 = sorted(RAW.glob("ec2instances*"))
SAMPLES = [("azure", path) for path in AZURE] + [("gcp", path) for path in GCP]
SAMPLES += [("aws", path) for path in EC2]

needs_data = pytest.mark.skipif(
    not RAW.is_dir(), reason="raw samples ../shared/data/raw are absent"
)


def text_of(path: Path) -> str:
    packed = path.read_bytes()
    return (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()


def item(**changes) -> dict:
    """A price of the Retail Prices API, on demand for Linux."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 0.096,
        "unitPrice": 0.096,
        "armRegionName": "eastus",
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D2s v5",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": "Standard_D2s_v5",
    } | changes


def sku(description: str, usage: str = "OnDemand", unit: str = "h", **changes) -> dict:
    """A SKU of Compute Engine at 0.03 USD."""
    price = {"currencyCode": "USD", "units": "0", "nanos": 30_000_000}
    expression = {
        "usageUnit": unit,
        "tieredRates": [{"startUsageAmount": 0, "unitPrice": price}],
    }
    return {
        "skuId": "0000-0000-0000",
        "description": description,
        "category": {"resourceFamily": "Compute", "resourceGroup": "CPU", "usageType": usage},
        "serviceRegions": ["us-central1"],
        "pricingInfo": [{"pricingExpression": expression, "currencyConversionRate": 1}],
    } | changes


@pytest.fixture
def imported(tmp_path):
    def run(provider: str, document: object):
        path = tmp_path / "page.json"
        path.write_text(json.dumps(document))
        return import_files(provider, [path], DAY)

    return run


def page(*items: object) -> dict:
    return {"BillingCurrency": "USD", "Items": [item(), *items], "NextPageLink": None}


# Azure


@needs_data
def test_azure_samples_give_every_price_of_the_table_in_their_region():
    catalog, report = import_files("azure", AZURE, DAY)
    table = pd.read_parquet(DATA / "azure_prices.parquet")
    table = table[(table.as_of == "2024-02-05") & (table.region == "eastus")]
    kinds = {
        "on_demand": "on_demand",
        "spot": "spot",
        "reservation": "azure_reservation",
        "savings_plan": "azure_savings_plan",
    }
    wanted = {
        (row.type, row.os, kinds[row.kind], row.term_years * 8760): row
        for row in table.itertuples()
    }
    rates = catalog.rates.astype({"payment": object, "region": object})
    eastus = rates[(rates.region == "eastus") & (rates.payment != "all_upfront")]
    found = {
        (row.instance_type, row.os, row.kind, row.term_hours): row.hourly_nanousd / 1e9
        for row in eastus.itertuples()
    }

    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        assert found[key] == pytest.approx(row.hourly_usd, abs=6e-9)  # the table has eight decimals
    assert report.rows_read == 1364
    assert dict(report.rows_refused) == {
        "a Dev/Test price, for subscribers only": 338,
        "low priority, the forerunner of spot": 221,
        "Cloud Services, no machine one orders by size": 104,
        "a dedicated host, no machine": 30,
    }
    (followed,) = report.tables["pages that another page follows"]
    assert followed["file"] == "azure_retail_prices_eastus_page1.json.gz"


def test_a_reservation_s_price_is_that_of_its_term(imported):
    catalog, _ = imported(
        "azure", page(item(type="Reservation", reservationTerm="3 Years", retailPrice=2956.0))
    )
    upfront, monthly = catalog.dedicated_offers("eastus", ["Standard_D2s_v5"])

    assert (upfront.upfront_usd, upfront.hourly_usd, upfront.term_hours) == (2956, 0, 26280)
    assert monthly.hourly_usd == Decimal("0.112480974")


def test_windows_prices_spot_and_plans_are_told_apart(imported):
    windows = {"productName": "Virtual Machines Dsv5 Series Windows"}
    plans = [{"retailPrice": 0.06, "term": "1 Year"}, {"retailPrice": 0.05, "term": "7 Years"}]
    catalog, report = imported(
        "azure",
        page(
            item(**windows, retailPrice=0.188, savingsPlan=plans[:1]),
            item(skuName="D2s v5 Spot", retailPrice=0.01),
            item(armSkuName="Standard_D4s_v5", retailPrice=0.192, savingsPlan=plans),
        ),
    )

    assert catalog.on_demand_usd("Standard_D2s_v5", "eastus", os="windows") == Decimal("0.188")
    assert catalog.spot_usd("Standard_D2s_v5", "eastus") == Decimal("0.01")
    (plan,) = catalog.spend_offers([("eastus", "Standard_D4s_v5")], payments=["no_upfront"])
    assert catalog.spend_rate_usd(plan, "Standard_D4s_v5", "eastus") == Decimal("0.06")
    assert dict(report.rates_left_out) == {
        "savings plan: covers no operating system": 1,
        "savings plan: term is unknown": 1,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unitOfMeasure": "100 Hours"}, "unitofmeasure is not 1 Hour"),
        ({"currencyCode": "EUR"}, "currencycode is not USD"),
        ({"serviceName": "Storage"}, "is no machine"),
        ({"type": "Gift"}, "type of price is unknown"),
        ({"type": "DevTestConsumption"}, "a Dev/Test price, for subscribers only"),
        ({"skuName": "D2s v5 Low Priority"}, "low priority, the forerunner of spot"),
        (
            {"productName": "Dsv5 Series CloudServices"},
            "Cloud Services, no machine one orders by size",
        ),
        ({"productName": "Dsv5 Series Dedicated Host"}, "a dedicated host, no machine"),
        ({"armSkuName": ""}, "size or region is missing"),
        ({"armSkuName": None}, "size or region is missing"),
        ({"armSkuName": "D2s v5"}, "a name is missing or not plain"),
        ({"retailPrice": "cheap"}, "price is no number"),
        ({"retailPrice": [1]}, "price is no number"),
        ({"retailPrice": None}, "price is no number"),
        ({"retailPrice": -1}, "price is negative"),
        ({"retailPrice": 1e300}, "price is out of range"),
        ({"retailPrice": 0}, "price is 0"),
        ({"tierMinimumUnits": 100}, "a price above some quantity only"),
        ({"type": "Reservation"}, "term is unknown"),
        (
            {
                "type": "Reservation",
                "reservationTerm": "1 Year",
                "productName": "Dsv5 Series Windows",
            },
            "a reservation covers no operating system",
        ),
    ],
)
def test_azure_items_that_price_no_machine_hour_are_counted_with_their_reason(
    imported, changes, reason
):
    catalog, report = imported("azure", page(item(**changes)))

    assert dict(report.rows_refused) == {reason: 1}
    assert report.examples[reason][0].startswith("page.json item 2")
    assert len(catalog.rates) == 1


# Google


@needs_data
def test_google_samples_give_the_prices_google_still_has():
    """E2 cores in Iowa have cost the same since 2023: 0.02181159 and 0.00292353 USD."""
    catalog, report = import_files("gcp", GCP, date(2023, 8, 10))
    table = pd.read_parquet(DATA / "gcp_resource_prices.parquet")
    (e2,) = table[
        (table.series == "e2") & (table.region == "us-central1") & (table.kind == "on_demand")
    ].itertuples()
    rates = {
        (rate.kind, rate.term_hours): rate
        for name in ("e2/vcpu", "e2/gib")
        for rate in catalog.rates_of(name, "us-central1")
        if name == "e2/vcpu" or rate.kind == "on_demand"
    }
    core = catalog.rates_of("e2/vcpu", "us-central1")[0]
    memory = catalog.rates_of("e2/gib", "us-central1")[0]

    assert float(core.hourly_usd) == pytest.approx(e2.vcpu_usd_hour, rel=1e-6)
    assert float(memory.hourly_usd) == pytest.approx(e2.memory_gib_usd_hour, rel=1e-5)
    assert core.derived == "converted from IDR, 14999.999925 to a USD"
    assert core.as_of == date(2023, 8, 9)
    assert len(rates) == 3
    assert report.rows_read == 11
    assert dict(report.rows_refused) == {
        "is no compute resource": 2,
        "a custom machine type": 1,
        "a GPU, which no machine here is billed apart from": 1,
    }
    assert dict(report.rates_left_out) == {"a resource that no known machine is made of": 8}


@needs_data
def test_a_commitment_of_2019_is_that_of_n1_in_montreal():
    catalog, _ = import_files("gcp", [GCP[0]], DAY)
    (offer,) = catalog.dedicated_offers("northamerica-northeast1", ["n1/vcpu"])

    assert offer.offer_id == (
        "gcp:resource_commitment:northamerica-northeast1:n1/vcpu:1y:no_upfront"
    )
    assert (offer.hourly_usd, offer.as_of) == (Decimal("0.021925"), date(2019, 1, 4))


def test_imported_resources_price_the_machines_made_of_them(imported):
    memory = sku("N2 Instance Ram running in Americas", unit="GiBy.h")
    catalog, _ = imported("gcp", {"skus": [sku("N2 Instance Core running in Americas"), memory]})

    assert catalog.on_demand_usd("n2-standard-4", "us-central1") == Decimal("0.6")
    (one, three) = catalog.spend_offers([("us-central1", "n2/gib")])
    assert catalog.spend_rate_usd(one, "n2/gib", "us-central1") == Decimal("0.0216")
    assert catalog.spend_rate_usd(three, "n2/vcpu", "us-central1") == Decimal("0.0162")


def test_vcpus_and_memory_that_go_together_become_one_resource(imported):
    core = sku("Compute optimized Core running in Americas")
    memory = sku("Compute optimized Ram running in Americas", unit="GiBy.h")
    catalog, _ = imported("gcp", {"skus": [core, memory]})

    assert catalog.on_demand_usd("c2/vcpu+4gib", "us-central1") == Decimal("0.15")
    assert catalog.on_demand_usd("c2-standard-8", "us-central1") == Decimal("1.2")


@pytest.mark.parametrize(
    ("description", "usage", "unit", "name"),
    [
        ("N1 Predefined Instance Core running in Americas", "OnDemand", "h", "n1/vcpu"),
        ("Spot Preemptible N2D AMD Instance Ram running in X", "Preemptible", "GiBy.h", "n2d/gib"),
        ("Preemptible E2 Instance Core running in Zurich", "Preemptible", "h", "e2/vcpu"),
        ("C4A Arm Instance Core running in Americas", "OnDemand", "h", "c4a/vcpu"),
        ("M3 Memory-optimized Instance Ram running in X", "OnDemand", "GiBy.h", "m3/gib"),
        ("Memory-optimized Instance Core running in X", "OnDemand", "h", "m1/vcpu"),
        ("C4 Instance Local SSD running in X", "OnDemand", "GiBy.mo", "c4/local-ssd"),
        ("Commitment v1: Ram in Montreal for 3 Year", "Commit3Yr", "GiBy.h", "n1/gib"),
        ("Commitment v1: N2D AMD Cpu in Americas for 1 Year", "Commit1Yr", "h", "n2d/vcpu"),
        ("Commitment v1: C4 Local SSD in Iowa for 3 Years", "Commit3Yr", "GiBy.mo", "c4/local-ssd"),
    ],
)
def test_a_description_tells_the_resource(imported, description, usage, unit, name):
    catalog, _ = imported("gcp", {"skus": [sku(description, usage, unit)]})

    assert name in set(catalog.rates.instance_type)


def test_local_ssd_is_priced_by_the_disk_and_hour(imported):
    catalog, _ = imported(
        "gcp", {"skus": [sku("C4 Instance Local SSD running in X", unit="GiBy.mo")]}
    )

    assert catalog.on_demand_usd("c4/local-ssd", "us-central1") == Decimal("0.015410959")


def priced(**changes) -> list[dict]:
    """A core's pricing with some of its price changed."""
    price = {"currencyCode": "USD", "units": "0", "nanos": 1} | changes.pop("price", {})
    expression = {"usageUnit": "h", "tieredRates": [{"unitPrice": price}]} | changes.pop("expr", {})
    return [{"pricingExpression": expression} | changes]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"category": {"resourceFamily": "License"}}, "is no compute resource"),
        ({"category": None}, "category is no object"),
        (
            {"category": {"resourceFamily": "Compute", "usageType": "Commit1Mo"}},
            "way to use it is unknown",
        ),
        ({"serviceRegions": ["global"]}, "is sold in no region"),
        ({"serviceRegions": "us-central1"}, "is sold in no region"),
        ({"serviceRegions": ["a b"]}, "a name is missing or not plain"),
        ({"description": "Vintage computing"}, "description tells of no known resource"),
        ({"description": "N2 Custom Instance Core running in X"}, "a custom machine type"),
        ({"description": "N2 Sole Tenancy Instance Core running in X"}, "sole tenancy"),
        ({"pricingInfo": []}, "has no price"),
        ({"pricingInfo": ["x"]}, "price is no object"),
        ({"pricingInfo": priced(expr={"usageUnit": "GiBy.h"})}, "unit is not that of the resource"),
        ({"pricingInfo": priced(expr={"usageUnit": "mo"})}, "unit is not that of the resource"),
        ({"pricingInfo": priced(expr={"tieredRates": []})}, "price depends on the quantity"),
        ({"pricingInfo": priced(price={"nanos": 0})}, "price is 0 or less"),
        ({"pricingInfo": priced(price={"nanos": "x"})}, "price is no number"),
        ({"pricingInfo": priced(price={"units": "-1"})}, "price is out of range"),
        (
            {"pricingInfo": priced(price={"currencyCode": "IDR"})},
            "currency is not USD and no conversion rate is given",
        ),
        ({"pricingInfo": priced(currencyConversionRate=0)}, "price is out of range"),
    ],
)
def test_skus_that_price_no_resource_are_counted_with_their_reason(imported, changes, reason):
    sound = sku("N2 Instance Core running in Americas")
    _, report = imported("gcp", {"skus": [sound, sound | changes]})

    assert dict(report.rows_refused) == {reason: 1}
    assert report.examples[reason][0].startswith("page.json SKU 2")


# ec2instances.info


@needs_data
def test_ec2instances_samples_give_every_price_of_the_table():
    catalog, report = import_files("aws", EC2, date(2026, 7, 17))
    table = pd.read_parquet(DATA / "aws_prices.parquet")
    table = table[(table["type"] == "x2iedn.32xlarge") & (table.as_of == "2026-07-17")]
    kinds = {
        "on_demand": "on_demand",
        "spot": "spot",
        "ri_standard": "reserved_standard",
        "ri_convertible": "reserved_convertible",
    }
    payments = {"no": "no_upfront", "partial": "partial_upfront", "all": "all_upfront"}
    assert len(table) == 650
    for row in table.itertuples():
        terms = (kinds[row.kind], row.term_years * 8760 or None, payments.get(row.payment))
        (rate,) = [
            rate
            for rate in catalog.rates_of(row.type, row.region, row.os)
            if (rate.kind, rate.term_hours, rate.payment) == terms
        ]
        found = float(rate.effective_hourly_usd)
        assert found == pytest.approx(row.effective_hourly_usd, abs=6e-7)
        if row.payment == "all":
            assert float(rate.upfront_usd) == row.upfront_usd
    assert report.rows_read == 385
    assert dict(report.rows_refused) == {"another system, or software on it": 267}
    dedicated = catalog.on_demand_usd("x2iedn.32xlarge", "us-east-1", tenancy="dedicated")
    assert dedicated == Decimal("29.344")


def record(**prices) -> dict:
    return {
        "instance_type": "m9.large",
        "linux_virtualization_types": [],
        "vCPU": 2,
        "memory": 8,
        "arch": ["i386", "x86_64"],
        "pricing": {"us-east-1": {"linux": {"ondemand": "0.1"} | prices}},
    }


def test_records_describe_machines_that_no_catalogue_knows(imported):
    catalog, _ = imported("aws", [record()])
    described = catalog.instance_type("m9.large")

    assert (described.family, described.vcpus, described.memory_gib) == ("m9", 2, 8)
    assert (described.provider, described.architecture) == ("aws", "x86_64")


def test_effective_rates_are_split_by_when_they_are_paid(imported):
    reserved = {
        "yrTerm1Standard.noUpfront": "0.06",
        "yrTerm1Standard.partialUpfront": "0.057",
        "yrTerm3Convertible.allUpfront": "0.04",
        "yrTerm1Savings.allUpfront": "0.05",
    }
    catalog, report = imported("aws", record(reserved=reserved, spot_avg="N/A"))
    found = [
        (offer.payment, offer.term_hours, offer.upfront_usd, offer.hourly_usd)
        for offer in catalog.dedicated_offers("us-east-1", ["m9"])
    ]

    assert found == [
        ("all_upfront", 26280, Decimal("1051.2"), 0),
        ("no_upfront", 8760, 0, Decimal("0.06")),
        ("partial_upfront", 8760, Decimal("249.66"), Decimal("0.0285")),
    ]
    assert dict(report.rates_left_out) == {"term or payment is unknown": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"instance_type": 7}, "is no record of a machine's prices"),
        ({"pricing": []}, "is no record of a machine's prices"),
        ({"pricing": {"us-east-1": {"linux": 3}}}, "is no record of a machine's prices"),
        ({"pricing": {"us-east-1": {"linuxSQL": {}}}}, "another system, or software on it"),
        ({"pricing": {"cn-north-1": {"linux": {}}}}, "prices are not in USD"),
        ({"pricing": {"us-east-1": {"linux": {}}}}, "has no price"),
        ({"pricing": {"us-east-1": {"linux": {"ondemand": "free"}}}}, "has no price"),
    ],
)
def test_records_without_a_price_are_counted_with_their_reason(imported, changes, reason):
    _, report = imported("aws", [record(), record() | changes])

    assert dict(report.rows_refused) == {reason: 1}


# Damage


@needs_data
@pytest.mark.parametrize(
    ("provider", "path"), SAMPLES, ids=lambda part: getattr(part, "name", part)
)
def test_damaged_samples_give_faults_and_leave_the_old_catalogue_alone(provider, path, tmp_path):
    old = tmp_path / "old.parquet"
    write_catalog(import_files(provider, [path], DAY)[0], old)
    before = old.read_bytes()
    noise = random.Random(5).randbytes(10**6)  # noqa: S311 - any bytes will do
    whole = path.read_bytes()
    text = text_of(path)
    damaged = {
        "cut": whole[: len(whole) * 2 // 5],
        "cut text": text[: len(text) // 2].encode(),
        "noise": noise,
        "noise at the end": whole + noise,
        "nothing": b"",
        "another document": b'{"answer": 42}',
        "bare array": b"[" * 100_000,
    }
    for name, content in damaged.items():
        file = tmp_path / "damaged"
        file.write_bytes(content)
        with pytest.raises(InvalidInputError) as caught:
            import_files(provider, [file], DAY, onto=Catalog.read(old))
        assert "damaged" in str(caught.value), name
    assert old.read_bytes() == before


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(part: object, path: tuple = ()) -> list[tuple]:
    """Paths to every value of a document."""
    below = {}
    if isinstance(part, dict | list):
        below = part if isinstance(part, dict) else dict(enumerate(part))
    here = [path] if path else []
    return here + [one for key, value in below.items() for one in places(value, (*path, key))]


N2 = [sku("N2 Instance Core running in X"), sku("N2 Instance Ram running in X", unit="GiBy.h")]


@pytest.mark.parametrize(
    ("provider", "document"),
    [
        ("azure", page(item(savingsPlan=[{"retailPrice": 0.06, "term": "1 Year"}]))),
        ("gcp", {"skus": N2}),
        ("aws", [record(reserved={"yrTerm1Standard.allUpfront": "0.05"}), record()]),
    ],
)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_value_may_be_anything(provider, document, imported, data):
    """Whatever stands where a value should be, rows are counted or faults named."""
    changed = json.loads(json.dumps(document))
    path = data.draw(st.sampled_from(places(changed)))
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = data.draw(ANY_JSON)
    try:
        catalog, report = imported(provider, changed)
    except InvalidInputError as error:
        assert error.faults  # noqa: PT017 - both ways out are right
    else:
        assert len(catalog.rates) == sum(report.rates_kept.values())
