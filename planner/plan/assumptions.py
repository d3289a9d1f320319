"""What a plan takes for granted, or reckons with, though nobody knows it."""

from typing import Literal

from planner.plan.part import Part, Usd


class Assumption(Part):
    """One thing a plan assumes."""

    id: str
    """Such as `hazard-1` or `launch-search`."""
    kind: Literal["hazard", "launch", "price", "derived_rate", "term", "calendar"]
    text: str
    probability: float | None
    """How likely it is to come true within the planned hours, as the plan takes it; none of what
    holds or not."""
    source: str
    """Who says so: the request and its field, or a default."""
    cost_usd: Usd | None
    """What the plan is billed beyond one that does not assume it, where it does not come true; of
    terms, what those left out would save. None where that was not looked into."""
    purchases: tuple[str, ...] = ()
    """Offers bought at such prices."""
