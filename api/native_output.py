"""Lines that native libraries write past Python, kept from the streams of a command.

Solvers now and then print to the process's own output, where they would stand inside a JSON
document. So Python's streams get descriptors of their own, and the process's lead nowhere.
"""

import os
import sys
from typing import TextIO


def keep_apart() -> None:
    """Let Python's standard streams go on, and whatever else writes to them be lost."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stdout = _moved(sys.stdout, nowhere)
        sys.stderr = _moved(sys.stderr, nowhere)
    finally:
        os.close(nowhere)


def _moved(stream: TextIO, nowhere: int) -> TextIO:
    """The stream on a descriptor of its own; as it is where it has none."""
    try:
        stream.flush()
        before = stream.fileno()
        own = os.dup(before)
    except (AttributeError, OSError, ValueError):  # closed, or not a file
        return stream
    os.dup2(nowhere, before)
    return open(  # noqa: PTH123 - a descriptor has no path
        own,
        "w",
        encoding=stream.encoding,
        errors=stream.errors,
        newline=None,
        buffering=1 if stream.isatty() or stream is sys.stderr else -1,
    )
