"""What a plan was made from and by: hours, prices, mended demand, solver."""

from datetime import date, datetime

from planner.plan.part import Part
from planner.request import Accounting


class PlannedHorizon(Part):
    """The hours planned for and how money was counted in them."""

    start: datetime
    end: datetime
    hours: int
    accounting: Accounting
    discount_rate: float


class SolverReport(Part):
    """Who solved it and how long that took."""

    name: str
    seconds: float
    iterations: int | None
    stopped: str
    """Why the solver stopped, such as `gap` or `time_limit`."""
    bound_source: str | None
    build_seconds: float
    columns: int
    rows: int


class RepairDone(Part):
    """One place of the demand's series that a rule of `demand.repair` mended."""

    rule: str
    series: str
    start: datetime
    end: datetime
    """First moment no longer concerned."""
    count: int
    """Rows or hours mended."""
    done: str
    """What was made of them."""


class CatalogReport(Part):
    """Which prices were used."""

    name: str
    source: str
    as_of: date
    """Of several catalogues the oldest."""
    parts: tuple["CatalogPart", ...] = ()
    """Each of several catalogues; none where there is one."""


class CatalogPart(Part):
    """One of several catalogues whose prices were used."""

    name: str
    provider: str
    as_of: date


class PastRecord(Part):
    """How the forecast of a series would have done on its own past."""

    series: str
    hours_ahead: int
    weighted_quantile_loss: float | None
    """A share of demand, as in the forecast; none where there was no demand."""
    coverage: float
    """Share of hours inside the 80 % band."""


class ForecastBasis(Part):
    """What a plan on a forecast rests on.

    Costs are means over futures drawn; bound and gap hold for these, not for what will come.
    """

    history_start: datetime
    history_end: datetime
    history_hours: int
    timezone: str | None
    """Whose days and weeks demand follows; UTC when none."""
    paths: int
    """Futures drawn."""
    records: tuple[PastRecord, ...]
    """Of every series, the farthest ahead; none of series too young to have one."""
