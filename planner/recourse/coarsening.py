"""Fewer rows that stand for many: a first look at the hours, never dearer than all of them."""

import numpy as np

from planner.recourse.hours import LANES, Blocks, Hours, empty_blocks, hours_of
from planner.recourse.sharing import share
from planner.recourse.structure import Floats


def coarsen(
    hours: Hours,
    rows_per_cell: int,
    price_usd: Floats | None = None,
    threads: int | None = None,
) -> Hours:
    """Replace runs of similar rows of a segment by their mean.

    Recourse costs are convex in demand, so a mean costs no more than its rows do on average
    (Jensen). Means are weighted by worth: sums by hours are bounded only where all of a segment's
    hours are worth the same. The result is the same for any number of threads.

    Args:
        hours: the rows.
        rows_per_cell: rows that one mean stands for, at least 1.
        price_usd: what a unit of each series is worth when similar rows are sought, e.g. its
            on-demand price [series]; None: as much as brings all series to the same mean.
        threads: threads to use; None for one per processor.

    Raises:
        ValueError: cells have no rows, or series and prices differ in number.
    """
    series = hours.demand.shape[1]
    if rows_per_cell < 1:
        raise ValueError(f"rows_per_cell is {rows_per_cell}, not at least 1")
    if price_usd is None:
        price_usd = 1.0 / np.maximum(hours.demand.mean(axis=(0, 2), dtype=np.float64), 1e-300)
    price = np.array(price_usd, dtype=np.float64)
    if price.shape != (series,):
        raise ValueError(f"{series} series have prices of shape {price.shape}")
    fine = Blocks(hours.demand, hours.worth.ravel(), hours.hours.ravel(), hours.first_block)
    rows_before = np.concatenate([[0], np.cumsum(np.count_nonzero(hours.hours, axis=1))])
    cells = -(-np.diff(rows_before[hours.first_block]) // rows_per_cell)
    coarse = empty_blocks(series, cells, hours.demand.dtype)
    padded_rows = np.diff(hours.first_block) * LANES
    from planner.recourse.mean_kernels import average, mean_space  # loads numba

    def task(first: int, last: int) -> None:
        space = mean_space(int(padded_rows[first:last].max()), int(cells[first:last].max()))
        average(first, last, price, rows_per_cell, fine, coarse, space)

    share(task, hours.segments, threads)
    return hours_of(coarse, hours.stage_of_segment, hours.most_above)
