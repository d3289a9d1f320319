"""Imports prices, and commitments owned, from the formats in which providers publish them."""

from catalogs.imports.aws_owned import read_owned
from catalogs.imports.downloading import Downloader, DownloadError, Limits, hosts_only
from catalogs.imports.importing import import_files
from catalogs.imports.owned import OwnedReport
from catalogs.imports.refreshing import OWN_HOSTS, Endpoints, refresh_catalog
from catalogs.imports.report import FileRead, ImportReport

__all__ = [
    "OWN_HOSTS",
    "DownloadError",
    "Downloader",
    "Endpoints",
    "FileRead",
    "ImportReport",
    "Limits",
    "OwnedReport",
    "hosts_only",
    "import_files",
    "read_owned",
    "refresh_catalog",
]
