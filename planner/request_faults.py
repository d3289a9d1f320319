"""From a parsed document to a request: every fault at once, at the path the user wrote."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from catalogs import Fault, InvalidInputError, shown
from planner.request import PlanRequest


def _keys(schema: object) -> set[str]:
    """Every key that stands anywhere in the published schema."""
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    return set(properties if isinstance(properties, dict) else {}).union(
        *(_keys(part) for part in schema.values())
    )


_KEYS = sorted(_keys(PlanRequest.model_json_schema()))


def parse_request(document: object) -> PlanRequest:
    """The request in a parsed document; every fault of it at once as InvalidInputError."""
    try:
        return PlanRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError(faults_of(error, document)) from error


def faults_of(error: ValidationError, document: object) -> list[Fault]:
    """What pydantic found wrong with a document, as faults with field, value and fix."""
    found = (
        details
        for details in error.errors(include_url=False)
        # Said of a list whose items were refused, as if it had none.
        if not (details["type"] == "too_short" and details["input"])
    )
    return [_fault(details, document) for details in found]


def _fault(details: Any, document: object) -> Fault:  # noqa: ANN401 - pydantic's TypedDict
    field = _field(details["loc"], document, absent=details["type"] == "missing") or "request"
    if details["type"] == "missing":
        return Fault(field=field, value="(absent)", fix="write it; the key is required")
    value = shown(details["input"])
    if details["type"] == "extra_forbidden":
        near = get_close_matches(str(details["loc"][-1]), _KEYS, n=2, cutoff=0.7)
        fix = f"did you mean {' or '.join(near)}?" if near else "take it out"
        return Fault(field=field, value=value, fix=f"no such key; {fix}")
    if details["type"] == "too_short":
        return Fault(field=field, value=value, fix="write at least one")
    if details["type"] == "union_tag_invalid":
        fix = f"write one of {details['ctx']['expected_tags']}"
        key = str(details["ctx"]["discriminator"]).strip("'")
        return Fault(field=f"{field}.{key}", value=repr(details["ctx"]["tag"]), fix=fix)
    if not details["loc"] and details["input"] is None:
        return Fault(field=field, value="(empty)", fix="write a request; see the schema")
    if details["type"] == "timezone_aware":
        fix = "carries no offset; write one, such as 2026-01-01T00:00Z"
        return Fault(field=field, value=value, fix=fix)
    return Fault(field=field, value=value, fix=details["msg"].removeprefix("Value error, "))


def _field(location: tuple[str | int, ...], document: object, *, absent: bool) -> str:
    """The path of a fault as the user wrote it, without pydantic's names of alternatives."""
    path: list[str] = []
    here = document
    for position, part in enumerate(location):
        known = _holds(here, part)
        if known:
            here = here[part]  # type: ignore[index]
        if known or (absent and position == len(location) - 1):
            path.append(str(part))
    return ".".join(path)


def _holds(here: object, part: str | int) -> bool:
    if isinstance(here, Mapping):
        return part in here
    return isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
