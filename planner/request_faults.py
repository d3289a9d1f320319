"""From a parsed document to a request: every fault at once, at the path the user wrote."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from catalogs import Fault, InvalidInputError, shown
from planner.request import PlanRequest
from planner.request_keys import Keys, Location, keys_of

_NO_LIST = {"tuple_type", "list_type"}
_NO_MAPPING = {"model_type", "model_attributes_type", "dict_type"}

KEYS_SHOWN = 4
"""Keys of a mapping that a fault shows."""
LONGEST_SHOWN = 40
"""A value is shown in a list up to so many characters."""


def parse_request(document: object) -> PlanRequest:
    """The request in a parsed document; every fault of it at once as InvalidInputError."""
    try:
        return PlanRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError(faults_of(error, document)) from error


def faults_of(
    error: ValidationError, document: object, model: type[BaseModel] = PlanRequest
) -> list[Fault]:
    """What pydantic found wrong with a document of a model, as faults with field, value and fix."""
    found = (
        details
        for details in error.errors(include_url=False)
        # Said of a list whose items were refused, as if it had none.
        if not (details["type"] == "too_short" and details["input"])
    )
    return [_fault(details, document, keys_of(model)) for details in found]


def _fault(details: Any, document: object, keys: Keys) -> Fault:  # noqa: ANN401 - pydantic's TypedDict
    kind, location = details["type"], details["loc"]
    field = _field(location, document, absent=kind == "missing") or "request"
    value = shown(details["input"])
    if kind == "missing":
        return Fault(field=field, value="(absent)", fix="write it; the key is required")
    if kind == "union_tag_invalid":
        fix = f"write one of {details['ctx']['expected_tags']}"
        return Fault(field=_of_kind(field, details), value=repr(details["ctx"]["tag"]), fix=fix)
    if kind == "union_tag_not_found" and isinstance(details["input"], Mapping):
        fix = f"write it; one of {', '.join(map(repr, keys.kinds(location)))}"
        return Fault(field=_of_kind(field, details), value="(absent)", fix=fix)
    if not location and details["input"] is None:
        return Fault(field=field, value="(empty)", fix="write a request; see the schema")
    return Fault(field=field, value=value, fix=_fix(details, keys))


def _of_kind(field: str, details: Any) -> str:  # noqa: ANN401 - pydantic's TypedDict
    """The key that tells alternatives apart."""
    key = str(details["ctx"]["discriminator"]).strip("'")
    return f"{field}.{key}"


def _fix(details: Any, keys: Keys) -> str:  # noqa: ANN401 - pydantic's TypedDict
    """What to write in place of a value."""
    kind, location = details["type"], details["loc"]
    if kind == "extra_forbidden":
        return f"no such key; {keys.advice(str(location[-1]), location[:-1])}"
    if kind == "too_short":
        return "write at least one"
    if kind in _NO_LIST:
        return _list_fix(location, details["input"], keys)
    if kind in _NO_MAPPING:
        return _mapping_fix(location, keys)
    if kind == "timezone_aware":
        return "carries no offset; write one, such as 2026-01-01T00:00Z"
    return str(details["msg"]).removeprefix("Value error, ")


def _list_fix(location: Location, value: object, keys: Keys) -> str:
    """That a list is wanted: of mappings with these keys, or with the value in it."""
    item = _mapping((*location, 0), keys)
    if item is not None:
        return f"write a list of mappings: [{item}]"
    if isinstance(value, str | int | float) and len(str(value)) <= LONGEST_SHOWN:
        return f"write a list: [{value}]"
    return "write a list"


def _mapping_fix(location: Location, keys: Keys) -> str:
    """That a mapping is wanted, with its keys; some may be empty."""
    fix = f"write a mapping: {_mapping(location, keys) or '{name: value}'}"
    return f"{fix}, or {{}} for its defaults" if keys.may_be_empty(location) else fix


def _mapping(location: Location, keys: Keys) -> str | None:
    """The mapping that may stand at a place; None where there is no telling its keys."""
    known, kinds = keys.at(location), keys.kinds(location)
    if kinds:
        return f"{{kind: {' or '.join(kinds)}, …}}"
    if not known:
        return None
    shown_keys = ", ".join(f"{key}: …" for key in known[:KEYS_SHOWN])
    return f"{{{shown_keys}, …}}" if len(known) > KEYS_SHOWN else f"{{{shown_keys}}}"


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
