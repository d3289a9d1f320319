"""DuckDB as bills are read with it: in bounded memory, and nothing loaded at run time.

DuckDB is imported when the first bill is read: it costs a tenth of a second that plans do not need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from catalogs import Faults

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DEFAULT_MEMORY_MIB = 1024
"""What DuckDB may hold at once; it moves to disk what goes beyond."""

MOST_THREADS = 4
"""Each reads a piece of its own; more of them need more memory."""


@contextmanager
def opened(memory_mib: int = DEFAULT_MEMORY_MIB) -> "Iterator[DuckDBPyConnection]":
    """A database of its own, gone with its files when the block ends."""
    import duckdb

    with TemporaryDirectory(prefix="fleetplan-bills-") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "memory_limit": f"{memory_mib}MiB",
            "temp_directory": folder,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(str(Path(folder, "bills.duckdb")), config=settings) as connection:
            threads = connection.execute("SELECT current_setting('threads')").fetchone()
            count = min(MOST_THREADS, int(threads[0]) if threads else 1)
            connection.execute(f"SET threads = {count}")
            # Moments without an offset are UTC.
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET lock_configuration = true")
            yield connection


@contextmanager
def readable(name: str, faults: Faults) -> Iterator[None]:
    """Note a file that breaks off, is no CSV or Parquet, or needs more memory, as a fault of it.

    Errors of our own SQL are bugs and pass.
    """
    import duckdb

    try:
        yield
    except (
        duckdb.BinderException,
        duckdb.ParserException,
        duckdb.CatalogException,
        duckdb.InternalException,
    ):
        raise
    except duckdb.OutOfMemoryException as error:
        faults.add(name, _reason(error), "needs more memory or free disk; give it more")
    except (duckdb.Error, OSError, EOFError) as error:
        faults.add(name, _reason(error), "cannot be read; export it again, or leave it out")


def _reason(error: Exception) -> str:
    """The first line of an error, and what a CSV line was expected to be."""
    lines = str(error).splitlines() or [type(error).__name__]
    first = lines[0].split(": ", 1)[-1] if "Error: " in lines[0] else lines[0]
    expected = [line for line in lines[1:] if line.startswith(("Expected", "Value", "Invalid"))]
    return ": ".join([first, *expected[:1]])
