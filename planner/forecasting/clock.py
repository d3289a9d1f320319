"""The clock a demand follows: UTC hours as local hours, and back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR = timedelta(hours=1)
HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Clock:
    """Whose days and weeks a demand follows.

    Attributes:
        timezone: name of the zone, such as Europe/Paris; None for UTC.
    """

    timezone: str | None = None

    def local_hours(self, start: datetime, hours: int) -> NDArray[np.int64]:
        """Hours since 1970 by the local clock of consecutive UTC hours [hour].

        An hour repeats where clocks go back and one is lacking where they go forward; zones that
        are off by parts of an hour count whole hours only.
        """
        utc = pd.date_range(start, periods=hours, freq="h", tz="UTC")
        local = utc if self.timezone is None else utc.tz_convert(self.timezone)
        naive = local.tz_localize(None).to_numpy().astype("datetime64[h]")
        return naive.astype(np.int64)

    def to_local(self, start: datetime, values: Floats) -> tuple[int, Floats]:
        """Values by the local clock: its first hour, and one value for every local hour.

        The two hours that are one where clocks go back are averaged; the hour that is lacking
        where they go forward is like those beside it.
        """
        hours = self.local_hours(start, len(values))
        position = hours - hours[0]
        count = np.bincount(position)
        total = np.bincount(position, weights=values)
        known = np.flatnonzero(count)
        if len(known) == len(count):
            return int(hours[0]), total / count
        mean = total[known] / count[known]
        return int(hours[0]), np.interp(np.arange(len(count)), known, mean)

    def day_of(self, local_hour: int) -> date:
        """The day of an hour of the local clock."""
        moment: datetime = np.datetime64(local_hour, "h").astype(datetime)
        return moment.date()
