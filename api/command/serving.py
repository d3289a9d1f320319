"""The command `serve`: the HTTP API until interrupted, its log on stderr."""

import logging
import math
from pathlib import Path

from api.http.server import serve
from api.http.settings import ServerSettings
from catalogs import Fault, InvalidInputError


def run_serve(
    host: str,
    port: int,
    examples: Path | None,
    prometheus: tuple[str, ...] = (),
    *,
    max_time_limit_s: float,
    max_body_mib: int,
    max_solves: int,
) -> None:
    """Serve until interrupted.

    Raises:
        InvalidInputError: a limit or folder that makes no sense, an address that is not to be had.
    """
    if examples is not None and not examples.is_dir():
        raise _invalid("--examples", str(examples), "is no folder; name one of NAME/demand.csv")
    if not 0 <= port < 2**16:
        raise _invalid("--port", str(port), "write a port from 0 to 65535")
    if not 0 < max_time_limit_s < math.inf:
        raise _invalid("--max-time-limit", str(max_time_limit_s), "write seconds above 0")
    settings = ServerSettings(
        examples=examples,
        prometheus=prometheus,
        max_time_limit_s=max_time_limit_s,
        max_body_bytes=max_body_mib * 2**20,
        max_concurrent_solves=max_solves,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        serve(settings, host, port)
    except OSError as error:
        address = f"{host}:{port}"
        raise _invalid("--host, --port", address, f"cannot listen: {error.strerror}") from error


def _invalid(field: str, value: str, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field=field, value=value, fix=fix)])
