"""Workers of a Dask cluster."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from catalogs import Fault, InvalidInputError
from planner.errors import WorkerLostError
from planner.shards.shard import Lease
from planner.shards.worker import LOOK_AT_LIFE_EVERY_S, answers, ask

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

CONNECT_S = 5.0
"""A scheduler that does not answer for so long is not there."""


@contextmanager
def dask_workers(address: str) -> Iterator[tuple["DaskWorker", ...]]:
    """All workers that a Dask scheduler knows, each with the threads it was started with.

    Scheduler and workers need the same fleetplan with its ``cluster`` extra.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises:
        InvalidInputError: the extra is not installed here, no scheduler answers at the address,
            it has no workers, or they have another fleetplan.
        WorkerLostError: a worker was lost meanwhile.
    """
    with ExitStack() as open_:
        client = open_.enter_context(closing(_connect(address)))
        roll = _Roll(client)
        workers = tuple(
            DaskWorker(client, roll, name, threads) for name, threads in roll.threads().items()
        )
        if not workers:
            raise _invalid(address, "has no workers; start some with `dask worker ADDRESS`")
        _check_versions(address, workers)
        yield workers


class DaskWorker:
    """A worker of a Dask cluster; see `Worker`."""

    def __init__(self, client: "Client", roll: "_Roll", address: str, threads: int) -> None:
        from distributed.scheduler import KilledWorker

        self.name, self.threads = address, threads
        self.losses: tuple[type[BaseException], ...] = (KilledWorker, CancelledError)
        self._client, self._roll = client, roll
        # Not pure: the same question may have another answer later.
        self._executor = client.get_executor(  # type: ignore[no-untyped-call]
            workers=[address], pure=False, allow_other_workers=False
        )

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        """Call a function on the worker; raises WorkerLostError without its scheduler."""
        self._check_client()
        future: Future[T] = self._executor.submit(function, *args)
        return future

    def put(self, value: T) -> T:
        """Send a value to the worker; what stands for it is freed when nothing names it any more.

        Raises:
            WorkerLostError: it could not be sent.
        """
        try:
            sent: T = self._client.scatter(  # type: ignore[no-untyped-call]
                value, workers=[self.name], hash=False
            )
        except OSError as error:  # a TimeoutError is one, too
            raise WorkerLostError(self.name, str(error) or "it does not answer") from error
        return sent

    def lease(self, token: str) -> object:
        """A result on the worker that the scheduler forgets along with this client."""
        self._check_client()
        return self._client.submit(
            Lease, token, workers=[self.name], pure=False, allow_other_workers=False
        )

    def is_alive(self) -> bool:
        """Whether the scheduler still knows it."""
        return self.name in self._roll.threads()

    def _check_client(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise WorkerLostError(self.name, "the connection to its scheduler is closed")


class _Roll:
    """The workers a scheduler knows, asked for once in a while."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._asked_s = -LOOK_AT_LIFE_EVERY_S
        self._threads: dict[str, int] = {}

    def threads(self) -> dict[str, int]:
        """Threads of each worker by its address; none where the scheduler is lost."""
        if time.monotonic() - self._asked_s >= LOOK_AT_LIFE_EVERY_S:
            known = self._client.status == "running"
            workers = self._client.scheduler_info(n_workers=-1)["workers"] if known else {}
            self._threads = {name: int(one["nthreads"]) for name, one in workers.items()}
            self._asked_s = time.monotonic()
        return self._threads


def _connect(address: str) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        fix = "Dask is not installed here; run `pip install 'fleetplan[cluster]'`"
        raise _invalid(address, fix) from error
    try:
        # In a thread, as the caller's may have an event loop of its own.
        with ThreadPoolExecutor(1) as apart:
            apart.submit(asyncio.run, _greet(address)).result()
    except Exception as error:  # whatever answers there may answer anything
        fix = "no Dask scheduler answers there; write its address as tcp://HOST:PORT"
        raise _invalid(address, fix) from error
    return Client(  # type: ignore[no-untyped-call]
        address, timeout=CONNECT_S, set_as_default=False
    )


async def _greet(address: str) -> None:
    """Ask a scheduler who it is; raises whatever a wrong address leads to.

    A Dask client would wait for ever for the answer of another kind of server, and take ten
    seconds to give up on no server at all.
    """
    from distributed.comm.core import connect
    from distributed.core import send_recv
    from distributed.security import Security

    async with asyncio.timeout(CONNECT_S):
        options = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
        channel = await connect(address, CONNECT_S, **options)  # type: ignore[no-untyped-call]
        try:
            await send_recv(channel, op="identity", n_workers=0)
        finally:
            channel.abort()


def _check_versions(address: str, workers: tuple[DaskWorker, ...]) -> None:
    """Raise InvalidInputError unless all workers have this fleetplan."""
    here = version("fleetplan")
    asked = [ask(worker, version, "fleetplan") for worker in workers]
    try:
        there = set(answers(asked))
    except ImportError as error:
        fix = f"its workers lack fleetplan; install fleetplan[cluster] {here} there"
        raise _invalid(address, fix) from error
    if there != {here}:
        others = ", ".join(sorted(there - {here}))
        raise _invalid(address, f"its workers have fleetplan {others}, not {here}")


def _invalid(address: str, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field="cluster", value=repr(address), fix=fix)])
