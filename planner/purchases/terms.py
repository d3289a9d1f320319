"""Which terms may be bought where the request names none: no longer than what is planned for."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalogs import HOURS_PER_YEAR
from planner.hardware import HardwareOffer
from planner.purchases.option import BLOCK, Option
from planner.request import AllowedOffers, PlanRequest

GROUNDS_HOURS = HOURS_PER_YEAR
"""History that a forecast must rest on for terms longer than a year: every season seen once. A
judgement, not a measurement."""


@dataclass(frozen=True)
class Terms:
    """Terms that may be bought, and those left out because the request names none.

    Attributes:
        allowed: hours.
        left_out: hours, longer ones.
        planned_hours: the planned span.
        history_hours: of the history under a forecast where that is too short for what is left
            out; None where the span alone decides.
    """

    allowed: tuple[int, ...]
    left_out: tuple[int, ...]
    planned_hours: int
    history_hours: int | None = None

    @property
    def note(self) -> str:
        """What is left out, why, and how to have it."""
        terms = " and ".join(map(term_name, self.left_out))
        if self.history_hours is None:
            why = f"longer than the {span_name(self.planned_hours)} planned for"
        else:
            why = f"for which {span_name(self.history_hours)} of history are no ground"
        return f"offers: terms of {terms} are left out, {why}; offers.terms_months allows them"

    @property
    def warnings(self) -> tuple[str, ...]:
        """That even the shortest term is longer than what is planned for."""
        shortest = min(self.allowed)
        if shortest <= self.planned_hours:
            return ()
        return (
            f"offers: no term fits into the {span_name(self.planned_hours)} planned for; "
            f"{term_name(shortest)}, the shortest, may be bought and runs on after them",
        )

    def within(self, offers: AllowedOffers) -> AllowedOffers:
        """Offers of the allowed terms alone."""
        return offers.model_copy(update={"terms_months": None, "terms_hours": self.allowed})


def fitting_terms(
    request: PlanRequest, options: Sequence[Option], planned_hours: int, history_hours: int | None
) -> Terms | None:
    """The terms that a request allows where it names none; None where it does, or sells none.

    Servers of one's own and capacity blocks are bought for what they are, whatever their time.

    Args:
        request: the request.
        options: what its catalogue sells this fleet, of every term.
        planned_hours: the planned span.
        history_hours: of the history under a forecast; None where demand is known.
    """
    if request.offers.term_hours is not None:
        return None
    offers = [one.offer for one in options if not isinstance(one.offer, HardwareOffer)]
    sold = sorted({one.term_hours for one in offers if one.kind is not BLOCK})
    if not sold:
        return None
    grounds = planned_hours
    if history_hours is not None and history_hours < GROUNDS_HOURS:
        grounds = min(planned_hours, HOURS_PER_YEAR)
    allowed = [hours for hours in sold if hours <= grounds] or sold[:1]
    left_out = tuple(hours for hours in sold if hours > allowed[-1])
    by_history = bool(left_out) and left_out[0] <= planned_hours
    blocks = {one.term_hours for one in offers if one.kind is BLOCK}
    return Terms(
        allowed=tuple(sorted({*allowed, *blocks})),
        left_out=left_out,
        planned_hours=planned_hours,
        history_hours=history_hours if by_history else None,
    )


def term_name(hours: int) -> str:
    """``3 years``, or hours where it is no whole number of them."""
    years, rest = divmod(hours, HOURS_PER_YEAR)
    if rest:
        return f"{hours:,} hours"
    return "1 year" if years == 1 else f"{years} years"


def span_name(hours: int) -> str:
    """A span as people say it: months from six on, days from two on, else hours.

    Months that would read as whole years, though the span is not, are days.
    """
    if hours >= HOURS_PER_YEAR // 2:
        months = round(hours * 12 / HOURS_PER_YEAR)
        if months % 12 or hours % HOURS_PER_YEAR == 0:
            return f"{months} months"
    return f"{hours // 24} days" if hours >= 48 else f"{hours:,} hours"
