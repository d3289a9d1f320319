"""Builds a catalogue from a folder of price tables: one module per provider."""

from catalogs.building.folder import build_catalog, write_catalog
from catalogs.building.report import BuildReport

__all__ = ["BuildReport", "build_catalog", "write_catalog"]
