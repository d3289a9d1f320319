"""The server: the web application behind waitress."""

import logging
import socket

from waitress import wasyncore
from waitress.server import create_server

from api.http.app import create_app
from api.http.settings import ServerSettings

_log = logging.getLogger(__name__)

SPARE_THREADS = 4
"""Beside those that solve, so that short requests are answered while all seats are taken."""

BODY_LEEWAY = 8
"""waitress refuses, in plain text, bodies this many times above the limit; smaller ones get as
far as the app, which refuses them as problem documents."""


class Server:
    """A bound server; it answers once it runs."""

    def __init__(self, settings: ServerSettings, host: str, port: int) -> None:
        """Bind; port 0 picks a free one. Raises OSError where the address cannot be had."""
        app = create_app(settings)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self.host = host
        self.port: int = listening.getsockname()[1]
        self._open: dict[int, object] = {}
        self._server = create_server(
            app,
            map=self._open,
            sockets=[listening],
            threads=settings.max_concurrent_solves + SPARE_THREADS,
            max_request_body_size=BODY_LEEWAY * settings.max_body_bytes,
            ident=None,
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def run(self) -> None:
        """Answer until stopped or interrupted."""
        _log.info("listening on %s", self.url)
        try:
            self._server.run()
        finally:
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._open)

    def stop(self) -> None:
        """Let `run` return; may be called from another thread."""
        # Sockets belong to the loop's thread: closed elsewhere, the loop would trip over them.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._open))


def serve(settings: ServerSettings, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve until interrupted; logs where it listens.

    Raises:
        OSError: the address cannot be had.
    """
    Server(settings, host, port).run()
