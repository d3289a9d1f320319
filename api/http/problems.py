"""Errors over HTTP: RFC 9457 problem documents, one shape for every failure."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from api.outcomes import EXPECTED_ERRORS, faults_of_error, outcome_of
from catalogs import Fault, InvalidInputError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
FAULTS_SHOWN = 1000
"""So many faults are listed in one answer; the rest are counted."""


class Problem(BaseModel):
    """An RFC 9457 problem document: what went wrong, and every fault to mend."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: str = "about:blank"
    """Kind of problem, `urn:fleetplan:problem:NAME`; about:blank says no more than the status."""
    title: str
    """The kind of problem in words."""
    status: int = Field(ge=400, le=599)
    """The HTTP status."""
    detail: str
    """What happened this time."""
    faults: tuple[Fault, ...] = ()
    """Every wrong value, with what to do about it."""


class MalformedJsonError(BadRequest):
    """The body is no JSON; names each place."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("the body must be one JSON document in UTF-8 (RFC 8259)")
        self.faults = faults


def problem_responses(*statuses: int) -> dict[str, Any]:
    """The OpenAPI description of these error statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in sorted(statuses)
    }


def answer_with_problems(app: Flask) -> None:
    """Let every error of the app leave as a problem document."""
    app.register_error_handler(MalformedJsonError, _malformed)
    app.register_error_handler(HTTPException, _http_error)
    for kind in EXPECTED_ERRORS:
        app.register_error_handler(kind, _expected)
    app.register_error_handler(OverflowError, _out_of_range)
    app.register_error_handler(Exception, _unexpected)


def _malformed(error: MalformedJsonError) -> Response:
    return _http_problem(error, error.faults)


def _http_error(error: HTTPException) -> Response:
    return _http_problem(error, [])


def _http_problem(error: HTTPException, faults: list[Fault]) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    response = _answer(
        Problem(
            title=status.phrase,
            status=status,
            detail=error.description or status.phrase,
            faults=tuple(faults),
        )
    )
    # Such as Allow of 405 and Retry-After of 503.
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _expected(error: Exception) -> Response:
    outcome, faults = outcome_of(error), faults_of_error(error)
    if outcome.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s: %s", outcome.title, error, exc_info=error)
        detail = "the request is not at fault; the server's log says more"
    elif faults:
        detail = "every fault says where it is and what to do"
    else:
        detail = str(error)
    return _answer(
        Problem(
            type=f"urn:fleetplan:problem:{outcome.slug}",
            title=outcome.title,
            status=outcome.http_status,
            detail=detail,
            faults=tuple(_shortened(faults)),
        )
    )


def _out_of_range(error: Exception) -> Response:
    # Dates end with the year 9999 and their spans at 31 bits: only a request reaches beyond.
    _log.warning("a request's date or number is out of range", exc_info=error)
    fix = "some date or number is far out of range; write those you mean"
    return _expected(InvalidInputError([Fault(field="request", value=str(error), fix=fix)]))


def _unexpected(error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return _http_problem(
        InternalServerError("a bug of the server; its log says more"),
        [],
    )


def _shortened(faults: list[Fault]) -> list[Fault]:
    more = len(faults) - FAULTS_SHOWN
    if more <= 0:
        return faults
    rest = Fault(field="request", value=f"{more} more faults", fix="mend those listed first")
    return [*faults[:FAULTS_SHOWN], rest]


def _answer(problem: Problem) -> Response:
    body = problem.model_dump_json()
    return Response(body, status=problem.status, content_type=MEDIA_TYPE)
