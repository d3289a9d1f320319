"""Points that HiGHS writes to a file as it finds them, read once its process was killed."""

import re
from pathlib import Path

import numpy as np

from solvers.model import CompiledModel, Floats

_HEAD = re.compile(r"^# Columns (-?\d+)$", re.MULTILINE)


def incumbent_options(path: Path | None) -> dict[str, bool | str]:
    """HiGHS's options for writing each better point to the end of a file; none without one."""
    if path is None:
        return {}
    return {
        "mip_improving_solution_save": True,
        "mip_improving_solution_report_sparse": True,
        "mip_improving_solution_file": str(path),
    }


def last_incumbent(path: Path, model: CompiledModel) -> Floats | None:
    """The last whole point of such a file [column]; None where there is none.

    A point is a line ``# Columns -N``, N being how many columns are not 0, and as many lines of a
    name, if there is one, a value and a position. The last one may be cut short where its writer
    was killed.
    """
    if not path.exists():
        return None
    text = path.read_text()
    for head in reversed(list(_HEAD.finditer(text))):
        rows = text[head.end() :].splitlines(keepends=True)[1 : abs(int(head[1])) + 1]
        if len(rows) == abs(int(head[1])) and all(row.endswith("\n") for row in rows):
            point = np.zeros(model.columns)
            for row in rows:
                *_, value, column = row.split()
                point[int(column)] = float(value)
            return point
    return None
