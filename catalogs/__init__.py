"""What can be bought and at what price: instance types, offers, rates."""

from catalogs.amounts import Dollars, without_noise
from catalogs.billed import Billed
from catalogs.building import BuildReport, build_catalog, write_catalog
from catalogs.catalog import Catalog, bundled_names
from catalogs.document import CatalogDocument, DocumentRate
from catalogs.faults import Fault, Faults, InvalidInputError, shown
from catalogs.joining import join_catalogs
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import (
    HOURS_PER_YEAR,
    DedicatedOffer,
    InstanceType,
    PoolKey,
    Rate,
    SpendOffer,
)
from catalogs.selection import Selector
from catalogs.unknown import UnknownInstanceTypeError, UnknownRateError

__all__ = [
    "HOURS_PER_YEAR",
    "Billed",
    "BuildReport",
    "Catalog",
    "CatalogDocument",
    "DedicatedOffer",
    "DocumentRate",
    "Dollars",
    "Fault",
    "Faults",
    "InstanceType",
    "InvalidInputError",
    "OfferKind",
    "Payment",
    "PoolKey",
    "Rate",
    "Selector",
    "SpendOffer",
    "UnknownInstanceTypeError",
    "UnknownRateError",
    "build_catalog",
    "bundled_names",
    "join_catalogs",
    "shown",
    "without_noise",
    "write_catalog",
]
