"""Rule `duplicates`: rows of one series at one moment become one."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def combine(
    values: Floats, begins: NDArray[np.intp], how: Literal["mean", "max", "sum", "last"]
) -> Floats:
    """One value of each group [group] of neighbours in ``values``, which begin at ``begins``."""
    if how == "last":
        ends = np.append(begins[1:], len(values)) - 1
        last: Floats = values[ends]
        return last
    if how == "max":
        most: Floats = np.maximum.reduceat(values, begins)
        return most
    total: Floats = np.add.reduceat(values, begins)
    if how == "sum":
        return total
    # The mean of equal values is that value, to the digit.
    low, high = np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
    sizes = np.diff(np.append(begins, len(values)))
    return np.clip(total / sizes, low, high)
