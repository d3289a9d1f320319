"""Reads ranges of samples from a Prometheus over HTTP: in chunks, retried, capped, all or none."""

import json
import re
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Fault, Faults, InvalidInputError
from catalogs.imports.downloading import Downloader, DownloadError, Limits
from planner.request import MetricsServer

POINTS = 11_000
"""Samples of one series that a server gives in one answer: Prometheus refuses more."""

LARGEST_MIB = 256
"""All answers to one reading together."""

_SHOWN = 200
_REFUSED_LOGIN = (401, 403)
_TOKEN = re.compile(r"[!-~]+")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Range = tuple[Ints, Floats]
"""Seconds since 1970 and values [sample], in order of time."""


class MetricsError(InvalidInputError):
    """A server of metrics cannot be read; names its host, the query, and what to do."""


@dataclass(frozen=True)
class RangeReader:
    """Asks one server for ranges of samples.

    Attributes:
        server: which, and its step.
        field: where it stands in the request.
        folder: what the token's path is relative to.
        limits: how long and how much.
    """

    server: MetricsServer
    field: str
    folder: Path
    limits: Limits

    def read(self, queries: Mapping[str, str], first: int, last: int) -> dict[str, Range]:
        """Samples of every query from second ``first`` to ``last`` (inclusive), by its name.

        Raises:
            InvalidInputError: the token's file cannot be read; a `MetricsError`: the server does
                not answer, refuses, or answers something else. Nothing is given then.
        """
        downloader = Downloader(self._is_own, self._limits, self._headers())
        with tempfile.TemporaryDirectory(prefix="history-") as folder:
            target = Path(folder) / "range.json"
            return {
                name: self._read_query(downloader, target, name, query, first, last)
                for name, query in queries.items()
            }

    def _read_query(
        self, downloader: Downloader, target: Path, name: str, query: str, first: int, last: int
    ) -> Range:
        step = self.server.step_seconds
        chunks = []
        for begin in range(first, last + 1, POINTS * step):
            end = min(begin + (POINTS - 1) * step, last)
            asked = {"query": query, "start": begin, "end": end, "step": step}
            url = f"{self.server.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
            target.unlink(missing_ok=True)
            try:
                answer = downloader.fetch(url, target).read_bytes()
            except DownloadError as error:
                raise self._refused(query, error) from error
            chunks.append(self._parse(answer, name, query, (begin, end)))
        seconds, values = (np.concatenate(part) for part in zip(*chunks, strict=True))
        return seconds, values

    def _parse(self, answer: bytes, name: str, query: str, span: tuple[int, int]) -> Range:
        """The one series of an answer; without samples, where the query has none."""
        try:
            document = json.loads(answer)
            complete = document["status"] == "success" and not document.get("warnings")
            result = document["data"]["result"] if complete else []
            several = len(result) > 1
            rows = result[0]["values"] if len(result) == 1 else []
            seconds = np.array([float(second) for second, _ in rows])
            values = np.array([float(value) for _, value in rows])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise self._fault(query, "answers no range of samples; is it a Prometheus?") from error
        if not complete:
            said = document.get("warnings") or document.get("error") or "no success"
            raise self._fault(query, f"says {str(said)[:_SHOWN]}")
        if several:
            fix = f"yields {len(result)} series for {name}; sum them, or choose one by its labels"
            raise self._fault(query, fix)
        whole = np.round(seconds).astype(np.int64)
        self._check_moments(query, seconds, whole, span)
        return whole, values

    def _check_moments(
        self, query: str, seconds: Floats, whole: Ints, span: tuple[int, int]
    ) -> None:
        first, last = span
        off = (whole < first) | (whole > last) | ((whole - first) % self.server.step_seconds != 0)
        off |= np.abs(seconds - whole) > 1e-3
        if off.any() or (np.diff(whole) <= 0).any():
            raise self._fault(query, "answers samples of other moments than asked for")

    @property
    def _limits(self) -> Limits:
        limits = self.limits
        return Limits(limits.largest_mib, self.server.timeout_s, limits.tries, limits.pause_s)

    def _headers(self) -> dict[str, str]:
        if self.server.token_file is None:
            return {}
        faults, file = Faults(), self.server.token_file
        token = ""
        try:
            token = (self.folder / file).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            faults.add(f"{self.field}.token_file", str(file), "cannot be read as a text file")
        faults.raise_if_any()
        # What it holds is a secret, and so no part of any fault.
        if not _TOKEN.fullmatch(token):
            faults.add(f"{self.field}.token_file", str(file), "holds no token: one word of ASCII")
        faults.raise_if_any()
        return {"Authorization": f"Bearer {token}"}

    def _is_own(self, url: str) -> bool:
        """Whether a URL, also one redirected to, is the server's own: a token is sent with it."""
        return url.startswith(f"{self.server.url}/")

    def _refused(self, query: str, error: DownloadError) -> MetricsError:
        if error.status is None:
            fix = f"{error.why}; nothing was read: try again later, or ask for fewer series"
            return self._fault(query, fix)
        if error.status in _REFUSED_LOGIN:
            fix = f"answers HTTP {error.status}; name a file with a bearer token in token_file"
            return self._fault(query, fix)
        return self._fault(query, f"answers HTTP {error.status}: {_said(error.answer)}")

    def _fault(self, query: str, fix: str) -> MetricsError:
        host = urllib.parse.urlsplit(self.server.url).netloc
        asked = query if len(query) <= _SHOWN else f"{query[: _SHOWN - 1]}…"
        return MetricsError([Fault(field=f"{self.field}.url", value=host, fix=f"{fix} ({asked})")])


def _said(answer: bytes) -> str:
    """What a server says is wrong with a query."""
    try:
        said = json.loads(answer)["error"]
    except (ValueError, LookupError, TypeError):
        return "check the url"
    return str(said)[:_SHOWN]
