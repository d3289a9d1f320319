"""Downloads files from a provider's own hosts: capped, timed, resumed where they broke off."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO

from catalogs.faults import Fault, InvalidInputError, shown

_CHUNK_BYTES = 256 * 1024
_ANSWER_BYTES = 2_000
_TOO_MANY_REQUESTS = 429
_RANGE_NOT_SATISFIABLE = 416
_NOT_MODIFIED = 304
_PARTIAL = 206
_SERVER_ERROR = 500
KEPT_WITHOUT_TAG_S = 24 * 3600
"""A whole file the server gave no ETag is kept so long between two tries of one refresh."""

Progress = Callable[[str, int, int | None], None]
"""Told a file's name, its bytes so far, and how many it will have, if that is known."""


class DownloadError(InvalidInputError):
    """A file cannot be had; says which and what to do.

    Attributes:
        why: what happened.
        status: the HTTP status of an answer that refuses; None if there was none.
        answer: the beginning of what that answer said.
    """

    def __init__(
        self, url: str, fix: str, *, why: str = "", status: int | None = None, answer: bytes = b""
    ) -> None:
        super().__init__([Fault(field="url", value=shown(url), fix=fix)])
        self.why, self.status, self.answer = why or fix, status, answer


class _BrokenOffError(Exception):
    """A download ended before its end; trying again may go on with it."""


def hosts_only(hosts: Collection[str]) -> Callable[[str], bool]:
    """Whether a URL is https on one of the hosts, at the usual port and without a login."""

    def allows(url: str) -> bool:
        parts = urllib.parse.urlsplit(url)
        try:
            usual = parts.port in (None, 443)
        except ValueError:
            return False
        return parts.scheme == "https" and parts.hostname in hosts and usual and "@" not in url

    return allows


@dataclass(frozen=True)
class Limits:
    """How long and how much to download.

    Attributes:
        largest_mib: all files of a downloader together.
        timeout_s: to connect, and between two pieces of an answer.
        tries: of one file, each going on where the last broke off.
        pause_s: before the second try; doubles with every further one.
    """

    largest_mib: int = 4096
    timeout_s: float = 60.0
    tries: int = 4
    pause_s: float = 1.0


@dataclass
class Downloader:
    """Downloads files one after the other.

    Attributes:
        allows: which URLs may be asked, those redirected to included.
        limits: how long and how much.
        headers: sent with every request, such as an API key.
        progress: told how far a file is.
    """

    allows: Callable[[str], bool]
    limits: Limits = field(default_factory=Limits)
    headers: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = lambda _name, _done, _total: None
    _bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Make what opens connections."""
        self._opener = urllib.request.build_opener(_Redirects(self.allows))

    def fetch(self, url: str, target: Path) -> Path:
        """Download to ``target``; a file there, or the beginning of one, is used if still valid.

        The beginning stands beside the target as ``.part``, its URL and ETag as ``.tag``.

        Raises:
            DownloadError: the host is not allowed, does not answer, refuses, or sends too much.
        """
        why = ""
        for attempt in range(self.limits.tries):
            if attempt:
                time.sleep(self.limits.pause_s * 2 ** (attempt - 1))
            try:
                self._try(url, _Kept(url, target))
            except _BrokenOffError as error:
                why = str(error)
            else:
                self._bytes += target.stat().st_size
                return target
        why = f"{why}, {self.limits.tries} times"
        raise DownloadError(url, f"{why}; try again later, what came is kept", why=why)

    def _try(self, url: str, kept: "_Kept") -> None:
        if not self.allows(url):
            raise DownloadError(url, "is on none of the provider's own hosts, over https")
        if kept.is_recent:
            return
        headers = {"Accept-Encoding": "identity", **self.headers, **kept.conditions}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - https: allows() saw to it
        try:
            with self._opener.open(request, timeout=self.limits.timeout_s) as answer:
                self._take(url, kept, answer)
        except urllib.error.HTTPError as error:
            with error:
                answer = _beginning(error)
            _judge(url, kept, error.code, answer)
        except urllib.error.URLError as error:
            raise _BrokenOffError(f"does not answer ({error.reason})") from error
        except TimeoutError as error:
            raise _BrokenOffError(f"is silent for {self.limits.timeout_s:g} s") from error
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise _BrokenOffError(f"broke off ({type(error).__name__})") from error
        except OSError as error:
            fix = f"cannot be stored beside the catalogue: {error.strerror}"
            raise DownloadError(url, fix) from error

    def _take(self, url: str, kept: "_Kept", answer: http.client.HTTPResponse) -> None:
        done = kept.resumes_at(answer.status, answer.headers)
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        self._check_size(url, kept, total or 0)
        with kept.writing(done, answer.headers.get("ETag", "")) as part:
            while piece := answer.read(_CHUNK_BYTES):
                done += len(piece)
                self._check_size(url, kept, done)
                part.write(piece)
                self.progress(kept.target.name, done, total)
        if total is not None and done < total:
            raise _BrokenOffError(f"broke off after {done} of {total} bytes")
        kept.complete()

    def _check_size(self, url: str, kept: "_Kept", size: int) -> None:
        if self._bytes + size > self.limits.largest_mib * 1024**2:
            kept.drop()
            why = f"is above {self.limits.largest_mib} MiB, with what came before"
            raise DownloadError(url, f"{why}; allow more", why=why)


def _beginning(error: urllib.error.HTTPError) -> bytes:
    """What an answer says of itself; nothing if it breaks off."""
    try:
        return error.read(_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _judge(url: str, kept: "_Kept", code: int, answer: bytes) -> None:
    """What an answer without content means: nothing new, try again, or give up."""
    if code == _NOT_MODIFIED:
        return
    if code == _RANGE_NOT_SATISFIABLE:
        kept.drop()
    if (
        code in (_RANGE_NOT_SATISFIABLE, _TOO_MANY_REQUESTS)
        or code >= http.client.INTERNAL_SERVER_ERROR
    ):
        raise _BrokenOffError(f"answers HTTP {code}")
    fix = f"answers HTTP {code}; check the provider, region and API key"
    raise DownloadError(url, fix, status=code, answer=answer)


class _Kept:
    """What a download left on disk: the file, or its beginning, with URL and ETag."""

    def __init__(self, url: str, target: Path) -> None:
        self.target = target
        self._part = target.with_name(target.name + ".part")
        self._tag = target.with_name(target.name + ".tag")
        self._url = url
        self._etag = self._read_etag()
        if self._etag is None:
            self.drop()

    def _read_etag(self) -> str | None:
        """The ETag of what is kept, empty if it had none; None if nothing of this URL is kept."""
        try:
            stored = json.loads(self._tag.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        same = isinstance(stored, dict) and stored.get("url") == self._url
        return str(stored.get("etag", "")) if same else None

    @property
    def is_recent(self) -> bool:
        """Whether the whole file is there, cannot be asked about, and is no older than a day."""
        if self._etag or not self.target.is_file():
            return False
        return time.time() - self.target.stat().st_mtime < KEPT_WITHOUT_TAG_S

    @property
    def conditions(self) -> Mapping[str, str]:
        """Headers that ask only for what is missing."""
        if not self._etag:
            return {}
        if self.target.is_file():
            return {"If-None-Match": self._etag}
        # A weak tag does not promise the same bytes.
        if self._part.is_file() and not self._etag.startswith("W/"):
            return {"Range": f"bytes={self._part.stat().st_size}-", "If-Range": self._etag}
        return {}

    def resumes_at(self, status: int, headers: Message) -> int:
        """At which byte an answer goes on; 0 where it is whole."""
        if status != _PARTIAL:
            return 0
        held = self._part.stat().st_size if self._part.is_file() else 0
        if not str(headers.get("Content-Range", "")).startswith(f"bytes {held}-"):
            self.drop()
            raise _BrokenOffError("goes on at another byte")
        return held

    def writing(self, at: int, etag: str) -> IO[bytes]:
        """The part, open to go on at a byte; what is known of it is noted first."""
        noted = json.dumps({"url": self._url, "etag": etag})
        # A whole file of before would be taken for one of the new tag.
        self.target.unlink(missing_ok=True)
        self._tag.write_text(noted, encoding="utf-8")
        return self._part.open("ab" if at else "wb")

    def complete(self) -> None:
        """The part is the whole file."""
        self._part.replace(self.target)

    def drop(self) -> None:
        """Forget everything."""
        for path in (self._part, self._tag, self.target):
            path.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed URLs only."""

    def __init__(self, allows: Callable[[str], bool]) -> None:
        self._allows = allows

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request.

        Raises:
            DownloadError: it would leave the allowed hosts.
        """
        if not self._allows(newurl):
            raise DownloadError(newurl, f"{req.full_url} sends there, to a host not allowed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
