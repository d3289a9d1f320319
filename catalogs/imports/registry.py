"""Which formats of which provider can be imported, and how a file's format is told."""

from collections.abc import Mapping

from catalogs.imports import (
    aws_offer_files,
    aws_pricing_page,
    aws_query_rows,
    aws_savings_plans,
    aws_spot,
    azure_retail,
    ec2instances,
    focus,
    gcp_skus,
)
from catalogs.imports.formats import Format
from catalogs.imports.sources import Source

FORMATS: Mapping[str, tuple[Format, ...]] = {
    "aws": (
        *aws_offer_files.FORMATS,
        *aws_savings_plans.FORMATS,
        *aws_query_rows.FORMATS,
        *aws_pricing_page.FORMATS,
        *aws_spot.FORMATS,
        *ec2instances.FORMATS,
    ),
    "azure": azure_retail.FORMATS,
    "gcp": gcp_skus.FORMATS,
    "focus": focus.FORMATS,
}
"""The formats of each provider, in the order they are tried."""

SELLERS: Mapping[str, str] = {"focus": "aws"}
"""Whose machines a format of no provider prices; a provider's formats price its own."""


def format_of(source: Source, provider: str) -> Format:
    """The format of a file, told by its content.

    Raises:
        InvalidInputError: it is of none of the provider's formats, or unreadable.
    """
    opening = source.opening()
    for one in FORMATS[provider]:
        if one.recognizes(opening):
            return one
    titles = "; ".join(one.title for one in FORMATS[provider])
    raise source.fault(f"is of no format of {provider} that can be imported: {titles}")
