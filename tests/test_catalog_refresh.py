"""Refreshing a catalogue from a server: it goes on where it broke off, or leaves all as it was."""

import json
import threading
import urllib.parse
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalogs import Catalog, InvalidInputError
from catalogs.imports import (
    OWN_HOSTS,
    Downloader,
    DownloadError,
    Endpoints,
    Limits,
    hosts_only,
    refresh_catalog,
)

DAY = date(2026, 1, 1)
HEADER = (
    "SKU,OfferTermCode,TermType,Unit,PricePerUnit,Currency,Product Family,Location,"
    "Instance Type,Tenancy,Operating System,operation,CapacityStatus,Pre Installed S/W,Region Code"
)
ROW = (
    "S1,JRTCKXETXF,OnDemand,Hrs,0.0960000000,USD,Compute Instance,,"
    "m5.large,Shared,Linux,RunInstances,Used,NA,eu-west-1"
)
OFFERS = f""""FormatVersion","v1.0"
"Publication Date","2026-01-01T00:00:00Z"
{HEADER}
{ROW}
""".encode()
PLANS = b"""SKU,RateCode,Unit,EffectiveDate,DiscountedRate,Currency,DiscountedSKU,\
DiscountedServiceCode,DiscountedUsageType,DiscountedOperation,PurchaseOption,LeaseContractLength,\
LeaseContractLengthUnit,Product Family,DiscountedRegionCode,DiscountedInstanceType
P1,P1.S1,Hrs,2026-01-01,0.061,USD,S1,AmazonEC2,EU-BoxUsage:m5.large,RunInstances,No Upfront,1,year,\
ComputeSavingsPlans,eu-west-1,m5.large
"""
ADVISOR = json.dumps(
    {
        "instance_types": {"m5.large": {"emr": True}},
        "ranges": [{"index": 0, "label": "<5%", "dots": 0, "max": 5}],
        "spot_advisor": {"eu-west-1": {"Linux": {"m5.large": {"s": 60, "r": 0}}}},
    }
).encode()


class Site:
    """A server of a few files; ``answers`` replace how the next requests of a path are served."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list] = {}
        self.asked: list[tuple[str, dict]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append((self.path, dict(self.headers)))
                queue = site.answers.get(urllib.parse.urlsplit(self.path).path)
                (queue.pop(0) if queue else serve)(self, site.files.get(self.path))

            def log_message(self, *_):
                """Keep the tests' output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        """Serve no more."""
        self.server.shutdown()
        self.server.server_close()

    def downloader(self, **limits):
        """A downloader that asks this server only."""
        tight = {"timeout_s": 5.0, "pause_s": 0.0} | limits
        return Downloader(lambda url: url.startswith(self.url), Limits(**tight))


def serve(handler, content, etag='"one"', cut=None):
    """Answer as a file server: ranges, conditions, 404; ``cut`` ends the body early."""
    if content is None:
        handler.send_error(404)
        return
    if handler.headers.get("If-None-Match") == etag:
        handler.send_response(304)
        handler.end_headers()
        return
    begin = 0
    if handler.headers.get("Range") and handler.headers.get("If-Range") == etag:
        begin = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    handler.send_response(206 if begin else 200)
    if begin:
        whole = len(content)
        handler.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
    handler.send_header("Content-Length", str(len(content) - begin))
    if etag:
        handler.send_header("ETag", etag)
    handler.end_headers()
    handler.wfile.write(content[begin:] if cut is None else content[begin:cut])
    if cut is not None:
        handler.close_connection = True


def cutting(at):
    return lambda handler, content: serve(handler, content, cut=at)


def failing(code):
    return lambda handler, _content: handler.send_error(code)


def redirecting(url):
    def answer(handler, _content):
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.end_headers()

    return answer


@pytest.fixture
def site():
    one = Site()
    yield one
    one.close()


@pytest.fixture
def aws(site):
    """A site laid out as AWS's."""
    ec2, plans = "/offers/v1.0/aws/AmazonEC2/", "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/"
    region = {"regionCode": "eu-west-1"}
    offers_index = {"regions": {"eu-west-1": region | {"currentVersionUrl": f"{ec2}1/index.json"}}}
    plans_index = {"regions": [region | {"versionUrl": f"{plans}1/index.json"}]}
    site.files = {
        f"{ec2}current/region_index.json": json.dumps(offers_index).encode(),
        f"{ec2}1/index.csv": OFFERS,
        f"{plans}current/region_index.json": json.dumps(plans_index).encode(),
        f"{plans}1/index.csv": PLANS,
        "/spot-advisor-data.json": ADVISOR,
    }
    site.offers = f"{ec2}1/index.csv"
    site.endpoints = Endpoints(
        aws_price_list=site.url, aws_spot_advisor=f"{site.url}/spot-advisor-data.json"
    )
    return site


def refresh(aws, out, regions=(), **limits):
    return refresh_catalog(
        "aws", out, DAY, aws.downloader(**limits), regions, endpoints=aws.endpoints
    )


def test_a_refresh_writes_on_demand_plan_and_spot_rates_and_leaves_no_downloads(aws, tmp_path):
    catalog, report = refresh(aws, tmp_path / "aws.parquet")

    assert report.rates_kept == {"on_demand": 1, "spot": 1, "savings_plan_compute": 1}
    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.096")
    assert catalog.spot_usd("m5.large", "eu-west-1") == Decimal("0.0384")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"aws.parquet", "aws.types.parquet"}
    assert Catalog.read(tmp_path / "aws.parquet").rates.equals(catalog.rates)


def test_a_cut_connection_is_resumed_with_a_range_in_the_same_refresh(aws, tmp_path):
    aws.answers[aws.offers] = [cutting(100), cutting(200)]
    catalog, _ = refresh(aws, tmp_path / "aws.parquet")

    asked = [headers.get("Range") for path, headers in aws.asked if path == aws.offers]
    assert asked == [None, "bytes=100-", "bytes=200-"]
    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.096")


def test_a_refresh_that_broke_off_goes_on_in_the_next_one(aws, tmp_path):
    out = tmp_path / "aws.parquet"
    aws.answers[aws.offers] = [cutting(100)]
    with pytest.raises(DownloadError, match="broke off"):
        refresh(aws, out, tries=1)
    assert not out.exists()
    parts = list((tmp_path / ".aws.parquet.download").glob("*.part"))
    assert [part.stat().st_size for part in parts] == [100]
    aws.asked.clear()

    refresh(aws, out)
    ranges = {path: headers.get("Range") for path, headers in aws.asked}
    conditions = {path: headers.get("If-None-Match") for path, headers in aws.asked}
    assert ranges[aws.offers] == "bytes=100-"
    assert conditions["/offers/v1.0/aws/AmazonEC2/current/region_index.json"] == '"one"'
    assert out.is_file()


def test_a_file_that_changed_in_between_is_downloaded_anew(aws, tmp_path):
    out = tmp_path / "aws.parquet"
    aws.answers[aws.offers] = [cutting(100)]
    with pytest.raises(DownloadError):
        refresh(aws, out, tries=1)
    dearer = OFFERS.replace(b"0.0960000000", b"0.1920000000")
    aws.answers[aws.offers] = [lambda handler, _: serve(handler, dearer, etag='"two"')]

    catalog, _ = refresh(aws, out)
    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.192")


def test_without_a_tag_nothing_is_resumed(aws, tmp_path):
    def cut(handler, content):
        serve(handler, content, etag="", cut=100)

    aws.answers[aws.offers] = [cut, lambda handler, content: serve(handler, content, etag="")]
    catalog, _ = refresh(aws, tmp_path / "aws.parquet")

    assert not [headers for _, headers in aws.asked if "Range" in headers]
    assert catalog.on_demand_usd("m5.large", "eu-west-1") == Decimal("0.096")


FAILURES = {
    "not found": (failing(404), "HTTP 404"),
    "forbidden": (failing(403), "HTTP 403"),
    "server error": (failing(500), "HTTP 500, 2 times"),
    "elsewhere": (redirecting("http://127.0.0.2/prices"), "not allowed"),
    "a file of this machine": (redirecting("file:///etc/hostname"), "HTTP 302"),
    "cut for good": (cutting(100), "broke off after 100 of"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_fails_the_catalogue_before_stays_byte_for_byte(aws, tmp_path, failure):
    out = tmp_path / "aws.parquet"
    refresh(aws, out)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    answer, words = FAILURES[failure]
    # Cut at the same byte again and again: a resumed answer brings nothing.
    aws.answers[aws.offers] = [answer, answer]
    with pytest.raises(DownloadError, match=words):
        refresh(aws, out, tries=2)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_silent_server_is_left_after_the_timeout(aws, tmp_path):
    released = threading.Event()
    aws.answers[aws.offers] = [lambda *_: released.wait(10)]
    with pytest.raises(DownloadError, match=r"silent for 0\.2 s|does not answer"):
        refresh(aws, tmp_path / "aws.parquet", timeout_s=0.2, tries=1)
    released.set()


def test_a_server_that_falls_silent_in_the_middle_is_left_too(aws, tmp_path):
    released = threading.Event()

    def stall(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:50])
        handler.wfile.flush()
        released.wait(10)

    aws.answers[aws.offers] = [stall]
    with pytest.raises(DownloadError, match=r"silent for 0\.2 s"):
        refresh(aws, tmp_path / "aws.parquet", timeout_s=0.2, tries=1)
    released.set()


def test_more_than_the_cap_is_not_downloaded_whether_announced_or_not(aws, tmp_path):
    def announced(handler, _content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(2 * 1024**2))
        handler.end_headers()

    def unannounced(handler, _content):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(2 * 1024**2))

    for answer in (announced, unannounced):
        aws.answers[aws.offers] = [answer]
        with pytest.raises(DownloadError, match="above 1 MiB"):
            refresh(aws, tmp_path / "aws.parquet", largest_mib=1)
        assert not list(tmp_path.rglob("*.part"))


def test_damaged_content_leaves_the_catalogue_and_is_not_kept_for_the_next_refresh(aws, tmp_path):
    out = tmp_path / "aws.parquet"
    refresh(aws, out)
    before = out.read_bytes()
    aws.answers[aws.offers] = [lambda handler, _: serve(handler, b"\x00\xff" * 5000)]

    with pytest.raises(InvalidInputError, match="no format of aws"):
        refresh(aws, out)
    assert out.read_bytes() == before
    assert not (tmp_path / ".aws.parquet.download").exists()


def test_regions_that_do_not_exist_are_all_named_with_those_that_do(aws, tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        refresh(aws, tmp_path / "aws.parquet", regions=("eu-west-9", "mars-1"))
    assert [str(fault) for fault in caught.value.faults] == [
        "--region = eu-west-9: no such region; there are eu-west-1",
        "--region = mars-1: no such region; there are eu-west-1",
    ]


def test_pages_that_lead_in_a_circle_end(site, tmp_path):
    page = {"Items": [], "NextPageLink": f"{site.url}/prices?page=2"}
    site.files["/prices?page=2"] = json.dumps(page).encode()
    site.answers["/prices"] = [lambda handler, _: serve(handler, json.dumps(page).encode())]
    endpoints = Endpoints(azure_prices=f"{site.url}/prices")

    with pytest.raises(DownloadError, match="after itself"):
        refresh_catalog(
            "azure", tmp_path / "azure.parquet", DAY, site.downloader(), endpoints=endpoints
        )


def azure_page(name, price, link):
    item = {
        "serviceName": "Virtual Machines",
        "type": "Consumption",
        "armSkuName": name,
        "armRegionName": "westeurope",
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D2s v5",
        "currencyCode": "USD",
        "unitOfMeasure": "1 Hour",
        "retailPrice": price,
    }
    return json.dumps({"Items": [item], "NextPageLink": link}).encode()


def test_azure_s_pages_are_followed_to_the_last(site, tmp_path):
    last = azure_page("Standard_D4s_v5", 0.23, None)
    site.files["/prices?$skip=1"] = last
    first = azure_page("Standard_D2s_v5", 0.115, f"{site.url}/prices?$skip=1")
    site.answers["/prices"] = [lambda handler, _: serve(handler, first)]
    catalog, _ = refresh_catalog(
        "azure",
        tmp_path / "azure.parquet",
        DAY,
        site.downloader(),
        endpoints=Endpoints(azure_prices=f"{site.url}/prices"),
    )

    assert catalog.on_demand_usd("Standard_D4s_v5", "westeurope") == Decimal("0.23")
    assert len(catalog.rates) == 2


def test_google_s_pages_follow_a_token_and_the_key_stands_in_a_header(site, tmp_path):
    page = {"skus": [], "nextPageToken": "a/b="}
    site.answers["/skus"] = [
        lambda handler, _: serve(handler, json.dumps(page).encode()),
        lambda handler, _: serve(handler, json.dumps({"skus": []}).encode()),
    ]
    downloader = Downloader(
        lambda url: url.startswith(site.url), Limits(), {"X-Goog-Api-Key": "secret"}
    )
    with pytest.raises(InvalidInputError):  # there is no price in it
        refresh_catalog(
            "gcp",
            tmp_path / "gcp.parquet",
            DAY,
            downloader,
            endpoints=Endpoints(gcp_skus=f"{site.url}/skus"),
        )

    assert site.asked[1][0].endswith("&pageToken=a%2Fb%3D")
    assert all(headers["X-Goog-Api-Key"] == "secret" for _, headers in site.asked)
    assert not any("secret" in path for path, _ in site.asked)


def test_pages_elsewhere_are_not_followed(site, tmp_path):
    page = json.dumps({"Items": [], "NextPageLink": "http://127.0.0.2/prices"}).encode()
    site.answers["/prices"] = [lambda handler, _: serve(handler, page)]

    with pytest.raises(DownloadError, match="own hosts"):
        refresh_catalog(
            "azure",
            tmp_path / "azure.parquet",
            DAY,
            site.downloader(),
            ("westeurope",),
            endpoints=Endpoints(azure_prices=f"{site.url}/prices"),
        )
    assert "armRegionName+eq+%27westeurope%27" in site.asked[0][0]


@pytest.mark.parametrize(
    "url",
    [
        "http://prices.azure.com/api",
        "https://prices.azure.com.example.net/api",
        "https://example.net/prices.azure.com",
        "https://prices.azure.com:8443/api",
        "https://someone@prices.azure.com/api",
        "https://prices.azure.com:x/api",
        "file:///etc/hostname",
        "",
    ],
)
def test_only_https_at_the_providers_own_hosts_is_asked(url):
    assert not hosts_only(OWN_HOSTS["azure"])(url)


def test_the_usual_port_may_be_written_as_azure_does():
    assert hosts_only(OWN_HOSTS["azure"])("https://prices.azure.com:443/api?$skip=1000")
