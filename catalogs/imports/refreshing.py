"""Refreshes a catalogue from its provider: downloads the price files, imports them, replaces it."""

import json
import shutil
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from catalogs.building import write_catalog
from catalogs.catalog import Catalog
from catalogs.faults import Fault, InvalidInputError, shown
from catalogs.imports.downloading import Downloader, DownloadError
from catalogs.imports.importing import import_files
from catalogs.imports.report import ImportReport

Fetch = Callable[[str, str], Path]
"""Downloads a URL to a file of this name, answers where it is."""

_MOST_PAGES = 10_000


@dataclass(frozen=True)
class Endpoints:
    """Where providers publish their prices."""

    aws_price_list: str = "https://pricing.us-east-1.amazonaws.com"
    aws_spot_advisor: str = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
    azure_prices: str = "https://prices.azure.com/api/retail/prices"
    # The service of this number is Compute Engine.
    gcp_skus: str = "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus"


OWN_HOSTS: Mapping[str, tuple[str, ...]] = {
    "aws": ("pricing.us-east-1.amazonaws.com", "spot-bid-advisor.s3.amazonaws.com"),
    "azure": ("prices.azure.com",),
    "gcp": ("cloudbilling.googleapis.com",),
}
"""The hosts each provider publishes prices on; nothing else is asked."""


def refresh_catalog(
    provider: str,
    out: Path,
    day: date,
    downloader: Downloader,
    regions: Sequence[str] = (),
    onto: Catalog | None = None,
    endpoints: Endpoints | None = None,
) -> tuple[Catalog, ImportReport]:
    """Download a provider's prices and write them as a catalogue, replacing the one before.

    Downloads stand in a hidden folder beside ``out`` until all went well, so that a refresh that
    broke off goes on where it was; the catalogue before stays as it was until the new one is
    whole.

    Args:
        provider: a key of `OWN_HOSTS`.
        out: the Parquet file.
        day: date of prices whose file carries none.
        downloader: downloads from the provider's hosts.
        regions: codes of the regions wanted; all where empty.
        onto: a catalogue whose rates stay where the provider publishes none.
        endpoints: where to ask; the providers' own.

    Raises:
        InvalidInputError: a file cannot be had (a `DownloadError`), is damaged, or holds no price.
    """
    if provider not in _FILES:
        fix = f"name one of {', '.join(_FILES)}"
        raise InvalidInputError([Fault(field="provider", value=provider, fix=fix)])
    folder = out.with_name(f".{out.name}.download")
    folder.mkdir(exist_ok=True)

    def fetch(url: str, name: str) -> Path:
        return downloader.fetch(url, folder / name)

    paths = _FILES[provider](fetch, endpoints or Endpoints(), regions)
    try:
        catalog, report = import_files(provider, paths, day, onto)
    except InvalidInputError:
        shutil.rmtree(folder)  # a damaged file would be taken for a good one
        raise
    write_catalog(catalog, out)
    shutil.rmtree(folder)
    return catalog, report


def _aws_files(fetch: Fetch, endpoints: Endpoints, regions: Sequence[str]) -> list[Path]:
    """The price list and plan rates of each region, and the spot advisor."""
    base = endpoints.aws_price_list
    offers = f"{base}/offers/v1.0/aws/AmazonEC2/current/region_index.json"
    plans = f"{base}/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"
    paths = []
    wanted = tuple(regions)
    for index, url in (("ec2", offers), ("plans", plans)):
        places = _aws_regions(_document(fetch(url, f"{index}.json"), url), url)
        wanted = wanted or tuple(sorted(places))
        if index == "ec2":
            _check_regions(wanted, places)
        for region in wanted:
            if region in places:  # plans are not sold in every region
                table = urllib.parse.urljoin(url, places[region]).replace(".json", ".csv")
                paths.append(fetch(table, f"{index}-{region}.csv"))
    return [*paths, fetch(endpoints.aws_spot_advisor, "spot-advisor.json")]


def _aws_regions(index: Mapping[str, Any], url: str) -> Mapping[str, str]:
    """Path of each region's file by the region's code; the two indices differ in their keys."""
    listed = index.get("regions")
    rows = listed.values() if isinstance(listed, dict) else listed
    places = {
        str(row.get("regionCode")): str(row.get("currentVersionUrl") or row.get("versionUrl"))
        for row in (rows if isinstance(rows, Iterable) else ())
        if isinstance(row, dict)
    }
    # The codes become names of files.
    if not places or not all(code.replace("-", "").isalnum() for code in places):
        raise DownloadError(url, f"lists no regions but {shown(list(places))}; its layout changed")
    return places


def _check_regions(wanted: Sequence[str], places: Mapping[str, str]) -> None:
    fix = f"no such region; there are {', '.join(sorted(places))}"
    faults = [
        Fault(field="--region", value=region, fix=fix) for region in wanted if region not in places
    ]
    if faults:
        raise InvalidInputError(faults)


def _azure_files(fetch: Fetch, endpoints: Endpoints, regions: Sequence[str]) -> list[Path]:
    """The pages of the retail prices of virtual machines."""
    wanted = " or ".join(f"armRegionName eq '{region}'" for region in regions)
    condition = "serviceName eq 'Virtual Machines'" + (f" and ({wanted})" if wanted else "")
    query = {"api-version": "2023-01-01-preview", "$filter": condition}
    first = f"{endpoints.azure_prices}?{urllib.parse.urlencode(query)}"
    return _pages(fetch, first, lambda page: page.get("NextPageLink"))


def _gcp_files(fetch: Fetch, endpoints: Endpoints, regions: Sequence[str]) -> list[Path]:
    """The pages of Compute Engine's SKUs; they come for all regions at once."""
    if regions:
        fix = "prices come for all regions at once; leave --region out"
        raise InvalidInputError([Fault(field="--region", value=", ".join(regions), fix=fix)])
    first = f"{endpoints.gcp_skus}?currencyCode=USD&pageSize=5000"

    def following(page: Mapping[str, Any]) -> str | None:
        token = page.get("nextPageToken")
        return f"{first}&pageToken={urllib.parse.quote(str(token), safe='')}" if token else None

    return _pages(fetch, first, following)


def _pages(
    fetch: Fetch, first: str, following: Callable[[Mapping[str, Any]], str | None]
) -> list[Path]:
    """All pages from the first on."""
    url: str | None = first
    seen: set[str] = set()
    paths: list[Path] = []
    while url:
        if url in seen or len(seen) >= _MOST_PAGES:
            raise DownloadError(url, "is named as the page after itself; its layout has changed")
        seen.add(url)
        paths.append(fetch(url, f"page-{len(seen):05d}.json"))
        url = following(_document(paths[-1], url))
    return paths


def _document(path: Path, url: str) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        path.unlink()
        raise DownloadError(url, f"is no JSON document: {error}; try again") from error
    if not isinstance(content, dict):
        path.unlink()
        raise DownloadError(url, "is no JSON object; its layout has changed")
    return content


_FILES: Mapping[str, Callable[[Fetch, Endpoints, Sequence[str]], list[Path]]] = {
    "aws": _aws_files,
    "azure": _azure_files,
    "gcp": _gcp_files,
}
