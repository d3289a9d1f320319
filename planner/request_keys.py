"""The keys and kinds that may stand at a place of a document, by its published schema."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

Node = dict[str, Any]
Location = tuple[str | int, ...]
"""A place as pydantic names it: keys, positions in lists, and names of alternatives among them."""

SHORTEST_PART = 3
"""So many letters are taken for a part of a longer key."""

MOST_LISTED = 20
"""More keys than that are not listed in a fault."""


class Keys:
    """What may stand where in documents of a model."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self._schema: Node = model.model_json_schema()

    def at(self, location: Location) -> list[str]:
        """Keys of the mapping at a place; none where no mapping stands, or one of any keys."""
        nodes = self._nodes(location)
        return list({key: None for node in nodes for key in node.get("properties", {})})

    def kinds(self, location: Location) -> list[str]:
        """What the key that tells alternatives apart may say at a place."""
        return [kind for node in self._nodes(location) for kind in _constants(node)]

    def may_be_empty(self, location: Location) -> bool:
        """Whether `{}` at this place takes every default; False where it is inside a list."""
        if any(isinstance(part, int) for part in location):
            return False
        document: object = {}
        for part in reversed(location):
            document = {part: document}
        try:
            self._model.model_validate(document)
        except ValidationError as error:
            return all(one["loc"][: len(location)] != location for one in error.errors())
        return True

    def advice(self, key: str, location: Location) -> str:
        """What to write instead of a key that is none of the mapping at this place."""
        known = self.at(location)
        near = _alike(key, known)
        if near:
            return f"did you mean {' or '.join(near)}?"
        elsewhere = self._sections_with(key)
        if elsewhere:
            return f"it belongs {' or '.join(elsewhere)}"
        listed = f"; there are {', '.join(known)}" if 0 < len(known) <= MOST_LISTED else ""
        return f"take it out{listed}"

    def _sections_with(self, key: str) -> list[str]:
        """Where else this very key stands: at the document's top, or in which of its sections."""
        top = self.at(())
        if key in top:
            return ["at the top"]
        return [f"in {name}" for name in top if key in self.at((name,))]

    def _nodes(self, location: Location) -> list[Node]:
        """Every alternative the schema has at a place."""
        nodes = list(self._alternatives(self._schema))
        for part in location:
            nodes = self._below(nodes, part)
        return nodes

    def _below(self, nodes: Sequence[Node], part: str | int) -> list[Node]:
        if isinstance(part, int):
            under = [node["items"] for node in nodes if isinstance(node.get("items"), dict)]
        else:
            under = [one["properties"][part] for one in nodes if part in one.get("properties", {})]
            more = (node.get("additionalProperties") for node in nodes)
            under = under or [one for one in more if isinstance(one, dict)]
        if under:
            return [one for node in under for one in self._alternatives(node)]
        # A name of an alternative: that of a kind leaves only this kind.
        return [node for node in nodes if part in _constants(node)] or list(nodes)

    def _alternatives(self, node: Node) -> Iterator[Node]:
        """A node with its references followed, each of its alternatives alone."""
        if "$ref" in node:
            yield from self._alternatives(self._schema["$defs"][node["$ref"].rpartition("/")[2]])
            return
        under = [one for kind in ("anyOf", "oneOf", "allOf") for one in node.get(kind, ())]
        if not under:
            yield node
        for one in under:
            yield from self._alternatives(one)


@cache
def keys_of(model: type[BaseModel]) -> Keys:
    """Those of a model; made once, when first asked for."""
    return Keys(model)


def _alike(key: str, known: Sequence[str]) -> list[str]:
    """Known keys of which this one is a part or the other way round, else those spelt alike."""
    parts = [
        one
        for one in known
        if (len(key) >= SHORTEST_PART and key in one) or (len(one) > SHORTEST_PART and one in key)
    ]
    return parts or get_close_matches(key, known, n=2, cutoff=0.7)


def _constants(node: Node) -> list[str]:
    """Values of keys that may say only one thing."""
    return [one["const"] for one in node.get("properties", {}).values() if "const" in one]
