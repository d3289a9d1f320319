"""Large JSON documents in pieces: values at wanted paths, one after the other, never the whole.

The standard library decodes each piece, at its own speed; only the way down to the pieces is
walked here.
"""

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TextIO

Keys = tuple[str, ...]
"""Keys from the top of a document down to a value; places of an array are written as numbers."""

ANY = "*"
"""Stands for any key or place in a wanted path."""

LARGEST_PIECE_CHARACTERS = 64 * 1024**2
_CHUNK_CHARACTERS = 1024**2
_SPACES = " \t\r\n"


class DamagedJsonError(ValueError):
    """The text is no JSON, or ends too early; says where."""


def json_pieces(stream: TextIO, wanted: Collection[Keys]) -> Iterator[tuple[Keys, object]]:
    """The values at the wanted paths, in the document's order; numbers with a point are decimals.

    Raises:
        DamagedJsonError: the text is no JSON document, or a single value is too large to hold.
    """
    text = _Text(stream)
    yield from _walk(text, (), frozenset(wanted))
    if text.next_character():
        raise text.damage("more follows where the document ended")


def _walk(text: "_Text", path: Keys, wanted: frozenset[Keys]) -> Iterator[tuple[Keys, object]]:
    opening = text.next_character()
    if path in wanted or opening not in ("{", "["):
        value = text.value()
        if path in wanted:
            yield path, value
        return
    if not wanted:
        text.value()
        return
    text.take(opening)
    closing = "}" if opening == "{" else "]"
    place = 0
    while text.next_character() != closing:
        if place:
            text.take(",")
        key = text.key() if opening == "{" else str(place)
        below = _below(wanted, len(path), key)
        yield from _walk(text, (*path, key), below)
        place += 1
    text.take(closing)


def _below(wanted: frozenset[Keys], depth: int, key: str) -> frozenset[Keys]:
    """The wanted paths that lead through a key, with the key written out."""
    return frozenset(
        (*one[:depth], key, *one[depth + 1 :])
        for one in wanted
        if len(one) > depth and one[depth] in (key, ANY)
    )


class _Text:
    """The part of the document that is held, and how far it is read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder(parse_float=Decimal)
        self._held, self._at, self._before = "", 0, 0
        self._ended = False

    def next_character(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _SPACES:
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if self._ended:
                return ""
            self._read_on()

    def take(self, character: str) -> None:
        """Step over a character that must come next."""
        found = self.next_character()
        if found != character:
            raise self.damage(f"{found!r} where {character!r} should be")
        self._at += 1

    def key(self) -> str:
        """Step over a key and its colon."""
        if self.next_character() != '"':
            raise self.damage("a key is missing")
        key = str(self.value())
        self.take(":")
        return key

    def value(self) -> object:
        """Step over one value."""
        self.next_character()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._held, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended:
                    raise self.damage(str(error)) from error
            else:
                # A number at the edge of what is held may go on.
                if end < len(self._held) or self._ended:
                    self._at = end
                    return value
            if len(self._held) - self._at > LARGEST_PIECE_CHARACTERS:
                raise self.damage("a value does not end")
            self._read_on()

    def damage(self, what: str) -> DamagedJsonError:
        """An error at the place reached."""
        return DamagedJsonError(f"character {self._before + self._at}: {what}")

    def _read_on(self) -> None:
        # Doubling what is held keeps the work linear where one value spans many chunks.
        more = self._stream.read(max(_CHUNK_CHARACTERS, len(self._held) - self._at))
        self._ended = not more
        self._before += self._at
        self._held, self._at = self._held[self._at :] + more, 0
