"""`/healthz`: whether the server answers at all."""

from typing import Literal

from flask import Response
from flask_openapi import APIBlueprint
from pydantic import BaseModel, ConfigDict

from api.http.json_body import json_response
from api.http.problems import problem_responses


class Health(BaseModel):
    """The server answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["ok"] = "ok"


def health_blueprint() -> APIBlueprint:
    """The view a process supervisor asks; it touches neither disk nor solver."""
    blueprint = APIBlueprint("health", __name__, abp_responses=problem_responses(500))

    def get_health() -> Response:
        """Whether the server answers."""
        return json_response(Health())

    tags = [{"name": "server", "description": "The server itself"}]
    blueprint.get("/healthz", operation_id="get_health", tags=tags, responses={"200": Health})(
        get_health
    )
    return blueprint
