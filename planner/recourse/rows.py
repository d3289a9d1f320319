"""Single rows of the hours: their segments, their usage, and what cuts make of them at a point."""

import numpy as np

from planner.recourse.hours import Hours
from planner.recourse.structure import Floats, Ints, Point, Structure


def segment_of_blocks(hours: Hours, block: Ints) -> Ints:
    """Segment of each of some blocks."""
    return np.searchsorted(hours.first_block, block, side="right") - 1


def usage_of_rows(
    structure: Structure, hours: Hours, point: Point, block: Ints, lane: Ints
) -> Floats:
    """Usage of the slices in the rows at some blocks and lanes [row × slice]."""
    stage = hours.stage_of_segment[segment_of_blocks(hours, block)]
    usage = np.zeros((structure.slices, len(block)))
    for pair, (part, series) in enumerate(
        zip(structure.pair_slice, structure.pair_series, strict=True)
    ):
        demand = hours.demand[block, series, lane].astype(np.float64)
        usage[part] += point.factors[stage, pair] * demand
    return usage.T


def cut_value(stage: Ints, point: Point, usage: Floats, dedicated: Floats, spend: Floats) -> Floats:
    """Each segment's cut at a point, given the segments' stages."""
    return np.asarray(
        np.sum(usage * point.factors[stage], axis=1)
        - np.sum(dedicated * point.dedicated[stage], axis=1)
        - np.sum(spend * point.spend[stage], axis=1)
    )
