"""What all commitments share: who holds them, whose usage they serve, from when, for how long."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from planner.billing.hours import TICKS_PER_HOUR, Stretch, ticks_from
from planner.billing.usage import Provider


def _utc_moment(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("write the time with its UTC offset")
    return moment.astimezone(UTC)


Money = Annotated[Decimal, Field(ge=0, le=10**9)]
Count = Annotated[Decimal, Field(ge=0, le=10**9)]
Units = Annotated[Decimal, Field(gt=0, le=10**6)]
Moment = Annotated[datetime, AfterValidator(_utc_moment)]
Rate = Annotated[Decimal, Field(gt=0, le=10**9)]


class Obligation(BaseModel):
    """Who pays, from when, for how long; the term may reach beyond the usage on both sides.

    Times need not be whole hours: of an hour that the term only partly fills, that share is
    served and charged. Where ``shared`` is false it serves its own ``account`` alone, on Azure
    whatever lies below it in the path (``subscription/resource-group``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commitment_id: str
    account: str
    provider: Provider = "aws"
    shared: bool = True
    start: Moment
    term_hours: Decimal = Field(gt=0, le=10**9)

    def term_in(self, span_start: datetime) -> Stretch:
        """The term, counted from ``span_start``; negative before it."""
        begin = ticks_from(span_start, self.start)
        return Stretch(begin, begin + round(self.term_hours * TICKS_PER_HOUR))

    def serving_in(self, span_start: datetime) -> Stretch:
        """When it serves usage; the term, unless the product says otherwise."""
        return self.term_in(span_start)

    @property
    def resale_usd(self) -> Decimal:
        """What one is worth at the term's end [USD]."""
        return Decimal(0)

    @property
    def is_credited(self) -> bool:
        """Whether that is no cash, but less upfront to pay for something else."""
        return False


class CountedObligation(Obligation):
    """An obligation to pay for ``count`` of something alike: units, machines or servers."""

    count: Count

    @property
    def copies(self) -> Decimal:
        """How many there are."""
        return self.count

    @property
    def committed_per_hour(self) -> Decimal:
        """Unit-, machine- or server-hours committed in each hour of the term."""
        return self.count
