"""JSON bodies: a request's read more strictly than Python reads JSON, a model's written."""

import json
import math
from typing import Any, Never

from flask import Request, Response
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from api.http.problems import FAULTS_SHOWN, MalformedJsonError
from catalogs import Faults

_SHOWN_CHARACTERS = 40


def read_json(request: Request) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """The document in a request's body.

    Raises:
        UnsupportedMediaType: the body does not say that it is JSON.
        RequestEntityTooLarge: the body is above the app's MAX_CONTENT_LENGTH.
        MalformedJsonError: it is no JSON: wrong syntax or encoding, a key twice in one object,
            NaN, Infinity or a number beyond 64 bits, arrays nested too deep.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send the body as Content-Type: application/json")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        error.description = f"send at most {request.max_content_length} bytes"
        raise
    return parse_json(body)


def json_response(document: BaseModel) -> Response:
    """A model as the JSON body of an answer."""
    return Response(document.model_dump_json(), mimetype="application/json")


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """The document in UTF-8 bytes; raises MalformedJsonError as `read_json` says."""
    faults = Faults()
    try:
        document = _Reader(faults).decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        _refuse(f"byte {error.start}", body[error.start : error.start + 1], "write UTF-8")
    except json.JSONDecodeError as error:
        near = error.doc[error.pos : error.pos + _SHOWN_CHARACTERS]
        _refuse(f"line {error.lineno} column {error.colno}", near, error.msg)
    except RecursionError:
        _refuse("body", body[:_SHOWN_CHARACTERS], "nested too deep; no request needs it")
    if faults.found:
        raise MalformedJsonError(faults.found)
    return document


class _Reader(json.JSONDecoder):
    """Notes what Python's reader would let through; gives up where that is too much to list."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._int,
        )
        self._faults = faults

    def decode(self, s: str, *args: Any) -> Any:  # noqa: ANN401 - as the base class
        document = super().decode(s, *args)
        # Half a surrogate pair, written as an escape, is no character; no answer could repeat it.
        if "\\ud" in s.lower():
            try:
                json.dumps(document, ensure_ascii=False).encode()
            except UnicodeEncodeError as error:
                unpaired = error.object[error.start]
                self._note("body", unpaired, "half a surrogate pair; write the character")
        return document

    def _note(self, field: str, value: object, fix: str) -> None:
        self._faults.add(field, value, fix)
        if len(self._faults.found) >= FAULTS_SHOWN:
            raise MalformedJsonError(self._faults.found)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in pairs:
            if key in content:
                self._note(key, value, "the key stands twice in one object; keep one")
            content[key] = value
        return content

    def _constant(self, literal: str) -> None:
        self._note("body", literal, "is no JSON number; write a finite one")

    def _float(self, literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            self._note("body", literal, "is too large; write a number below 1e308")
        return value

    def _int(self, literal: str) -> int:
        if len(literal) > len(str(-(2**63))) or abs(int(literal)) >= 2**63:
            self._note("body", literal, "is too large; write an integer of 64 bits")
            return 0
        return int(literal)


def _refuse(field: str, value: object, fix: str) -> Never:
    faults = Faults()
    faults.add(field, value, fix)
    raise MalformedJsonError(faults.found)
