"""What can be bought and at what price: instance types, offers, rates."""

from catalogs.build import BuildReport, build_catalog, write_catalog
from catalogs.catalog import (
    Catalog,
    UnknownInstanceTypeError,
    UnknownRateError,
    bundled_names,
)
from catalogs.document import CatalogDocument, DocumentRate
from catalogs.faults import Fault, Faults, InvalidInputError, shown
from catalogs.offers import (
    HOURS_PER_YEAR,
    DedicatedOffer,
    InstanceType,
    OfferKind,
    Payment,
    PoolKey,
    Rate,
    SpendOffer,
)
from catalogs.selection import Selector

__all__ = [
    "HOURS_PER_YEAR",
    "BuildReport",
    "Catalog",
    "CatalogDocument",
    "DedicatedOffer",
    "DocumentRate",
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
    "shown",
    "write_catalog",
]
