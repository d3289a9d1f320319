"""Where the command line lets futures be planned."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from catalogs import Fault, InvalidInputError
from planner import Worker, dask_workers, local_workers


@contextmanager
def open_workers(count: int | None, cluster: str | None) -> Iterator[tuple[Worker, ...]]:
    """The workers asked for; none for this process.

    Args:
        count: processes of this machine.
        cluster: address of a Dask scheduler.

    Raises:
        InvalidInputError: both are given, or the cluster cannot be used.
    """
    if count is not None and cluster is not None:
        fix = "--cluster takes all workers of its cluster; leave out --workers"
        raise InvalidInputError([Fault(field="workers", value=repr(count), fix=fix)])
    if cluster is not None:
        with dask_workers(cluster) as workers:
            # Dask shows a traceback of its own where a cluster is lost, beside our message.
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            yield workers
    elif count is not None:
        with local_workers(count) as workers:
            yield workers
    else:
        yield ()
