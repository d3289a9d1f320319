"""Reads the request a user wrote: YAML or JSON, from a file or standard input, faults located."""

import json
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from catalogs import Fault, InvalidInputError

STDIN = Path("-")
"""Stands for standard input where a file is named."""


def read_document(path: Path) -> object:
    """The document in a YAML or JSON file, or on standard input where the path is ``-``.

    Raises:
        InvalidInputError: no such file, no text in UTF-8, a fault of the notation with its line,
            a key that stands twice.
    """
    name = "standard input" if path == STDIN else str(path)
    text = _decoded(name, _read_bytes(path))
    if path.suffix == ".json" or (path == STDIN and text.lstrip().startswith("{")):
        return _parse_json(name, text)
    return _parse_yaml(name, text)


def folder_of(path: Path) -> Path:
    """What relative paths in a document are relative to."""
    return Path() if path == STDIN else path.parent


def _read_bytes(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    if path.is_dir():
        raise _fault("REQUEST", str(path), "is a folder; name the YAML or JSON file in it")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _fault("REQUEST", str(path), "no such file; name a YAML or JSON file") from error
    except OSError as error:
        raise _fault("REQUEST", str(path), f"cannot be read: {error.strerror}") from error


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        place, value = f"{name} line {line}", f"byte 0x{content[error.start]:02x}"
        raise _fault(place, value, "is not UTF-8; save the file as UTF-8") from error


def _parse_json(name: str, text: str) -> object:
    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise _fault(name, key, "this key stands twice in one object; keep one")
        return dict(pairs)

    def refuse(literal: str) -> None:
        raise _fault(name, literal, "is not JSON; write a finite number")

    try:
        return json.loads(text, object_pairs_hook=without_repeats, parse_constant=refuse)
    except json.JSONDecodeError as error:
        value = _line(text, error.lineno)
        raise _fault(f"{name} line {error.lineno}", value, f"is not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise _fault(name, "(document)", "holds a number or a nesting beyond reason") from error


class _Loader(yaml.SafeLoader):
    """Safe YAML, but a key may stand once only, and times stay text, to be read as ISO 8601."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys differ."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    "this key stands twice in one mapping; keep one",
                    key_node.start_mark,
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


# 2026-01-01T00:00Z is no YAML timestamp, 2026-01-01T00:00:00Z is one: let the request judge both.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _parse_yaml(name: str, text: str) -> object:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = name if mark is None else f"{name} line {mark.line + 1}"
        value = "(document)" if mark is None else _line(text, mark.line + 1)
        raise _fault(place, value, _sentence(error.problem)) from error
    except yaml.reader.ReaderError as error:
        value = f"character 0x{error.character:02x}"
        raise _fault(name, value, f"is not allowed in YAML: {error.reason}") from error
    except (RecursionError, ValueError) as error:
        raise _fault(name, "(document)", f"cannot be read as YAML: {error}") from error


def _sentence(problem: str | None) -> str:
    if problem is not None and problem.startswith("this key"):
        return problem
    return f"is not YAML: {problem or 'cannot be parsed'}"


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return repr(lines[number - 1].strip()[:60]) if number <= len(lines) else "(end of the file)"


def _fault(field: str, value: str, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field=field, value=value, fix=fix)])
