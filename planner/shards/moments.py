"""Every hour of some scenarios, before it is laid out for the pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.recourse import Hours, make_hours

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Moments:
    """Every hour of some scenarios: the hours of the first, then those of the second.

    Attributes:
        series: demand of each series [series][moment].
        window_of_hour: [hour].
        worth: what an hour's cost counts in the objective [hour].
        stage_of_segment: segments are ordered by scenario, then window [segment].
    """

    series: tuple[Floats, ...]
    window_of_hour: Ints
    worth: Floats
    stage_of_segment: Ints

    def hours(self, dtype: str = "float32", threads: int | None = None) -> Hours:
        """The demand in blocks."""
        windows = int(self.window_of_hour[-1]) + 1
        scenarios = len(self.stage_of_segment) // windows
        segment = (np.arange(scenarios)[:, None] * windows + self.window_of_hour).ravel()
        return make_hours(
            self.series,
            segment_of_moment=segment,
            stage_of_segment=self.stage_of_segment,
            worth=np.tile(self.worth, scenarios),
            hours=np.ones(len(segment)),
            dtype="float64" if dtype == "float64" else "float32",
            threads=threads,
        )
