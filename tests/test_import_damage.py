"""Damaged files: a typed error or counted refusals, never a traceback; what stood there stays."""

import gzip
import io
import json
import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.cli import app
from catalogs import InvalidInputError
from catalogs.imports import import_files, json_pieces, read_owned

DAY = date(2026, 1, 2)
ROWS = """\
SKU,OfferTermCode,TermType,Unit,PricePerUnit,Currency,LeaseContractLength,PurchaseOption,\
OfferingClass,Product Family,Instance Type,Tenancy,Operating System,operation,CapacityStatus,\
Pre Installed S/W,Region Code
A,T,OnDemand,Hrs,0.0960000000,USD,,,,Compute Instance,m5.large,Shared,Linux,RunInstances,Used,NA,\
eu-west-1
A,T,Reserved,Hrs,0.03,USD,1yr,All Upfront,standard,Compute Instance,m5.large,Shared,Linux,\
RunInstances,Used,NA,eu-west-1
A,T,Reserved,Quantity,100,USD,1yr,All Upfront,standard,Compute Instance,m5.large,Shared,Linux,\
RunInstances,Used,NA,eu-west-1
"""
ATTRIBUTES = {
    "instanceType": "m5.large",
    "regionCode": "eu-west-1",
    "tenancy": "Shared",
    "operatingSystem": "Linux",
}
TERM = {"priceDimensions": {"r": {"unit": "Hrs", "pricePerUnit": {"USD": "0.096"}}}}
OFFER = {
    "offerCode": "AmazonEC2",
    "publicationDate": "2026-01-01T00:00:00Z",
    "products": {"A": {"sku": "A", "productFamily": "Compute Instance", "attributes": ATTRIBUTES}},
    "terms": {"OnDemand": {"A": {"A.T": TERM}}},
}
PLAN = {
    "products": [
        {
            "sku": "P",
            "productFamily": "ComputeSavingsPlans",
            "attributes": {"purchaseTerm": "1yr", "purchaseOption": "No Upfront"},
        }
    ],
    "terms": {
        "savingsPlan": [
            {
                "sku": "P",
                "leaseContractLength": {"duration": 1, "unit": "year"},
                "rates": [
                    {
                        "discountedUsageType": "EU-BoxUsage:m5.large",
                        "discountedOperation": "RunInstances",
                        "discountedRegionCode": "eu-west-1",
                        "discountedRate": {"price": "0.06", "currency": "USD"},
                    }
                ],
            }
        ]
    },
}
PAGE = {
    "manifest": {"source": "ec2-ondemand", "currencyCode": "USD"},
    "regions": {
        "EU (Ireland)": {
            "one": {
                "price": "0.096",
                "Location": "EU (Ireland)",
                "Instance Type": "m5.large",
                "Operating System": "Linux",
            }
        }
    },
}
HISTORY = {
    "SpotPriceHistory": [
        {
            "AvailabilityZone": "eu-west-1a",
            "InstanceType": "m5.large",
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": "0.03",
            "Timestamp": "2026-01-01T00:00:00Z",
        }
    ]
}
ADVISOR = {
    "ranges": [{"index": 0, "label": "<5%", "dots": 0}],
    "spot_advisor": {"eu-west-1": {"Linux": {"m5.large": {"s": 60, "r": 0}}}},
}
RESERVATION = {
    "ReservedInstancesId": "one",
    "Start": "2026-01-01T10:20:30.123Z",
    "End": "2027-01-01T10:20:29.000Z",
    "State": "active",
    "Scope": "Region",
    "InstanceType": "m5.large",
    "InstanceCount": 2,
    "OfferingClass": "standard",
    "OfferingType": "Partial Upfront",
    "FixedPrice": 263.0,
    "UsagePrice": 0.0,
    "RecurringCharges": [{"Amount": 0.03, "Frequency": "Hourly"}],
    "ProductDescription": "Linux/UNIX",
    "InstanceTenancy": "default",
    "CurrencyCode": "USD",
}
SAVINGS_PLAN = {
    "savingsPlanId": "sp-1",
    "start": "2026-01-01T00:00:00.000Z",
    "end": "2027-01-01T00:00:00.000Z",
    "state": "active",
    "region": "eu-west-1",
    "ec2InstanceFamily": "m5",
    "savingsPlanType": "EC2Instance",
    "paymentOption": "No Upfront",
    "commitment": "1.50000",
    "currency": "USD",
}
NOISE = random.Random(7).randbytes(10**6)  # noqa: S311 - noise, no secret
SAMPLES = {
    "price list, CSV": ROWS.encode(),
    "price list, JSON": json.dumps(OFFER).encode(),
    "product": json.dumps(
        {"PriceList": [{"product": OFFER["products"]["A"], "terms": {"OnDemand": {"A.T": TERM}}}]}
    ).encode(),
    "plans": json.dumps(PLAN).encode(),
    "page": json.dumps(PAGE).encode(),
    "spot history": json.dumps(HISTORY).encode(),
    "advisor": json.dumps(ADVISOR).encode(),
    "query": json.dumps(
        {"on_demand": [{"termtype": "OnDemand", "priceperunit": "1", "instance_type": "m5.large"}]}
    ).encode(),
}
OWNED = {
    "reservations": json.dumps({"ReservedInstances": [RESERVATION]}).encode(),
    "plans": json.dumps({"savingsPlans": [SAVINGS_PLAN]}).encode(),
}


def outcome(path, content, prices=None):
    """What comes of a file: a report, or the faults of a typed error; anything else fails."""
    path.write_bytes(content)
    try:
        if prices is None:
            return read_owned([path], "eu-west-1")
        prices.write_text(ROWS, encoding="utf-8")
        return import_files("aws", [prices, path], DAY)[1]
    except InvalidInputError as error:
        return error.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damage")


@pytest.mark.parametrize("name", SAMPLES)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_changed_bytes_never_end_an_import_otherwise(folder, name, data):
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    outcome(folder / "file", bytes(content), folder / "prices")


WRONG = [None, [], {}, "x", -1, True, 10**400, float("nan"), "9e99999", [[1]], "\x00", "-0.1"]


def with_wrong(document, path, value):
    """The document with the value at a path replaced."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = with_wrong(copy[path[0]], path[1:], value)
    return copy


def paths_of(document):
    below = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    yield ()
    for key, value in below:
        yield from ((key, *path) for path in paths_of(value))


@pytest.mark.parametrize("name", [*SAMPLES, *OWNED])
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_values_of_wrong_types_never_end_an_import_otherwise(folder, name, data):
    if name.endswith("CSV"):
        return
    known = SAMPLES | OWNED
    document = json.loads(known[name])
    path = data.draw(st.sampled_from(list(paths_of(document))))
    changed = with_wrong(document, path, data.draw(st.sampled_from(WRONG)))
    content = json.dumps(changed).encode()
    outcome(folder / "file", content, folder / "prices" if name in SAMPLES else None)


@pytest.mark.parametrize("name", [*SAMPLES, *OWNED])
def test_a_document_cut_short_is_a_fault_and_a_cut_table_loses_counted_rows(folder, name):
    content = (SAMPLES | OWNED)[name]
    prices = folder / "prices" if name in SAMPLES else None
    for end in range(1, len(content), 97):
        found = outcome(folder / "file", content[:end], prices)
        assert name.endswith("CSV") or isinstance(found, tuple), end
    packed = gzip.compress(content)
    found = outcome(folder / "file", packed[: len(packed) // 2], prices)
    assert "cannot be read" in found[0].fix


@pytest.mark.parametrize("content", [NOISE, b"", b"[" * 10**5])
def test_what_is_no_price_file_is_told_the_formats_there_are(folder, content):
    faults = outcome(folder / "file", content, folder / "prices")

    assert "AWS price list, CSV; AWS price list, JSON" in faults[0].fix


def test_a_failed_import_leaves_the_catalogue_before_byte_for_byte(tmp_path):
    out, good, bad = (tmp_path / name for name in ("aws.parquet", "good", "bad"))
    good.write_text(ROWS, encoding="utf-8")
    bad.write_bytes(SAMPLES["plans"][:-20])
    runner = CliRunner()
    done = runner.invoke(app, ["catalog", "import", "aws", str(good), "--out", str(out)])
    assert done.exit_code == 0, done.output
    before = {path: path.read_bytes() for path in (out, tmp_path / "aws.types.parquet")}

    for files in ([bad], [good, bad], [tmp_path / "missing"]):
        arguments = ["catalog", "import", "aws", *map(str, files), "--out", str(out), "--json"]
        failed = runner.invoke(app, arguments)
        assert failed.exit_code == 2
        assert json.loads(failed.stderr)["faults"]
        assert {path: path.read_bytes() for path in before} == before


def test_the_report_is_one_json_document(tmp_path):
    good = tmp_path / "good.csv"
    good.write_text(ROWS, encoding="utf-8")
    out = tmp_path / "aws.parquet"
    arguments = ["catalog", "import", "aws", str(good), "--out", str(out), "--json"]
    report = json.loads(CliRunner().invoke(app, arguments).stdout)

    assert report == {
        "provider": "aws",
        "files": [
            {
                "file": "good.csv",
                "format": "AWS price list, CSV",
                "rows_read": 3,
                "rows_refused": 0,
            }
        ],
        "rows_refused": {},
        "rates_left_out": {},
        "rates_kept": {"on_demand": 1, "reserved_standard": 1},
        "instance_types": 1,
        "examples": {},
        "tables": {},
        "rows_read": 3,
    }


@pytest.mark.parametrize(
    ("out", "words"), [("prices.csv", "name a .parquet file"), ("no/x.parquet", "does not exist")]
)
def test_where_no_catalogue_can_be_written_nothing_is_read(tmp_path, out, words):
    arguments = ["catalog", "import", "aws", "missing", "--out", str(tmp_path / out)]
    failed = CliRunner().invoke(app, arguments)

    assert failed.exit_code == 2
    assert words in failed.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["gcp"], "name the file that holds an API key"),
        (["gcp", "--api-key-file", "missing"], "cannot be read"),
        (["azure", "--api-key-file", "missing"], "azure asks for none"),
        (["acme"], "name one of aws, azure, gcp"),
    ],
)
def test_a_refresh_that_cannot_begin_says_why(tmp_path, options, words):
    arguments = ["catalog", "refresh", *options, "--out", str(tmp_path / "x.parquet")]
    failed = CliRunner().invoke(app, arguments)

    assert failed.exit_code == 2
    assert words in " ".join(failed.stderr.split())
    assert not list(tmp_path.iterdir())


# Large documents in pieces

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('ab*"\\', max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)
KEYS = st.lists(st.sampled_from(["a", "b", "0", "1", "*"]), max_size=3).map(tuple)


def wanted_in(document, wanted, path=()):
    """What stands at the wanted paths, the whole document in hand."""
    fits = (
        len(one) == len(path) and all(w in ("*", p) for w, p in zip(one, path, strict=True))
        for one in wanted
    )
    if any(fits):
        yield path, document
        return
    below = document.items() if isinstance(document, dict) else []
    if isinstance(document, list):
        below = ((str(place), value) for place, value in enumerate(document))
    for key, value in below:
        yield from wanted_in(value, wanted, (*path, key))


@settings(deadline=None, max_examples=150)
@given(document=JSON, wanted=st.lists(KEYS, max_size=3), chunk=st.integers(1, 9))
def test_pieces_are_what_stands_at_the_wanted_paths_however_it_is_read(document, wanted, chunk):
    text = json.dumps(document, indent=1)
    stream = io.StringIO(text)
    stream.read = lambda _size, read=stream.read: read(chunk)

    assert list(json_pieces.json_pieces(stream, wanted)) == list(wanted_in(document, wanted))


@settings(deadline=None, max_examples=60)
@given(document=JSON, more=st.sampled_from(["]", "}", ",", "1", '"']))
def test_more_or_less_than_a_document_is_damage(document, more):
    text = json.dumps([document])
    for wrong in (text[:-1], text + more, text[: len(text) // 2]):
        with pytest.raises(json_pieces.DamagedJsonError):
            list(json_pieces.json_pieces(io.StringIO(wrong), [("0",)]))


def test_prices_in_pieces_keep_all_their_digits():
    text = '{"a": {"price": 0.1234567890123456789}}'
    (piece,) = json_pieces.json_pieces(io.StringIO(text), [("a",)])

    assert piece == (("a",), {"price": Decimal("0.1234567890123456789")})
