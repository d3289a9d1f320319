"""Fewer rows that stand for many: a first look at the hours, never dearer than all of them."""

from itertools import pairwise

import numpy as np

from planner.recourse.hours import LANES, Filling, Hours, Rows
from planner.recourse.structure import Floats


def coarsen(hours: Hours, rows_per_cell: int, price_usd: Floats | None = None) -> Hours:
    """Replace runs of similar rows of a segment by their mean.

    Recourse costs are convex in demand, so a mean costs no more than its rows do on average
    (Jensen). Means are weighted by worth: sums by hours are bounded only where all of a segment's
    hours are worth the same.

    Args:
        hours: the rows.
        rows_per_cell: rows that one mean stands for, at least 1.
        price_usd: what a unit of each series is worth when similar rows are sought, e.g. its
            on-demand price [series]; None: as much as brings all series to the same mean.
    """
    blocks, series, _ = hours.demand.shape
    spans = np.diff(hours.first_block)
    most_blocks = int(np.sum(-(-spans * LANES // (rows_per_cell * LANES)) + 1)) if blocks else 0
    filling = Filling(series, most_blocks, hours.demand.dtype)
    if price_usd is None:
        price_usd = 1.0 / np.maximum(hours.demand.mean(axis=(0, 2), dtype=np.float64), 1e-300)
    for first, last in pairwise(hours.first_block):
        lanes = np.flatnonzero(hours.hours[first:last])
        demand = np.moveaxis(hours.demand[first:last], 1, 0).reshape(series, -1)[:, lanes]
        worth = hours.worth[first:last].ravel()[lanes]
        count = hours.hours[first:last].ravel()[lanes]
        order = np.argsort(price_usd @ demand, kind="stable")
        filling.add(_means(Rows(demand[:, order], worth[order], count[order]), rows_per_cell))
    return filling.hours(hours.stage_of_segment, hours.most_above)


def _means(rows: Rows, rows_per_cell: int) -> Rows:
    """Means of runs of rows; their worth and hours add up."""
    starts = np.arange(0, len(rows.worth), rows_per_cell)
    if not len(starts):
        return rows
    worth = np.add.reduceat(rows.worth, starts)
    weight = np.where(np.repeat(worth, np.diff([*starts, len(rows.worth)])) > 0, rows.worth, 1.0)
    total = np.add.reduceat(weight, starts)
    demand = np.add.reduceat(rows.demand * weight, starts, axis=1) / total
    near = demand.astype(rows.demand.dtype)
    above = near > demand
    near[above] = np.nextafter(near[above], near.dtype.type(-np.inf))
    return Rows(near, worth, np.add.reduceat(rows.hours, starts))
