"""How many requests are solved at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import ServiceUnavailable

RETRY_AFTER_S = 10
"""When a refused request should come back; most solves are done by then."""


class Seats:
    """Seats for solves; whoever finds none free is told to come back."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._free = threading.BoundedSemaphore(number)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold one seat; raises ServiceUnavailable, with Retry-After, if none is free."""
        if not self._free.acquire(blocking=False):
            raise ServiceUnavailable(
                f"all {self.number} solves this server makes at a time are under way",
                retry_after=RETRY_AFTER_S,
            )
        try:
            yield
        finally:
            self._free.release()
