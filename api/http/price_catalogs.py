"""`/v1/catalogs`: which price catalogues there are and what they hold."""

from datetime import date
from functools import cache
from typing import Annotated

from flask import Response
from flask_openapi import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import NotFound

from api.http.json_body import json_response
from api.http.problems import problem_responses
from catalogs import Catalog, OfferKind, bundled_names

_TAGS = [{"name": "catalogs", "description": "Bundled price catalogues"}]


class CatalogSummary(BaseModel):
    """What a bundled catalogue holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """What `catalog` of a plan request names."""
    provider: str
    source: str
    as_of: date
    """When its prices were read."""
    currency: str
    instance_types: int
    regions: int
    rates: int
    rates_by_kind: dict[OfferKind, int]
    derived_share: Annotated[float, Field(ge=0, le=1)]
    """Share of the rates that were computed from others, not read."""


class CatalogList(BaseModel):
    """The bundled catalogues."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogs: tuple[CatalogSummary, ...]


class CatalogName(BaseModel):
    """The path's part that names a catalogue."""

    name: str


def catalogs_blueprint() -> APIBlueprint:
    """Views of the bundled catalogues, each summed up once."""
    blueprint = APIBlueprint(
        "catalogs", __name__, url_prefix="/v1", abp_responses=problem_responses(500)
    )
    summary = cache(_summary)

    def list_catalogs() -> Response:
        """The bundled price catalogues."""
        return json_response(CatalogList(catalogs=tuple(map(summary, bundled_names()))))

    def get_catalog(path: CatalogName) -> Response:
        """What one bundled price catalogue holds."""
        if path.name not in bundled_names():
            raise NotFound(f"no catalogue {path.name!r}; there are: {', '.join(bundled_names())}")
        return json_response(summary(path.name))

    blueprint.get(
        "/catalogs", operation_id="list_catalogs", tags=_TAGS, responses={"200": CatalogList}
    )(list_catalogs)
    found = {"200": CatalogSummary, **problem_responses(404)}
    blueprint.get("/catalogs/<name>", operation_id="get_catalog", tags=_TAGS, responses=found)(
        get_catalog
    )
    return blueprint


def _summary(name: str) -> CatalogSummary:
    return CatalogSummary.model_validate(Catalog.bundled(name).summary())
