"""What a plan costs month by month, and what the present fleet costs beside it."""

from typing import Literal

from planner.plan.part import Part, Usd


class MonthlyCost(Part):
    """A calendar month (UTC): its bill, and the cash that leaves."""

    month: str
    on_demand_usd: Usd
    commitment_usd: Usd
    """Recurring and amortized upfront of its hours, and capacity held unused."""
    upfront_cash_usd: Usd
    """Upfront paid in it; a memo, not added."""
    cash_usd: Usd
    """On demand, recurring and upfront paid."""


class PresentCost(Part):
    """What the present fleet costs over the hours planned, by what it was billed.

    Machine time and its commitments only, upfront payments spread over their terms.
    """

    basis: Literal["same_hours", "saving_rate"]
    """same_hours: the bill is of the hours planned; saving_rate: it is of others, and what it saved
    on list prices is taken of what this demand costs on demand."""
    total_cost_usd: Usd | None
    """None where the bill has no list prices to take a rate of."""
    first_month: str
    last_month: str
    providers: tuple[str, ...]
    effective_usd: Usd
    """Billed in these months."""
    on_demand_equivalent_usd: Usd
    """The same usage at list prices, as the bill has them."""
    saving_rate: float | None
    """1 - effective / on-demand equivalent."""
    commitment_usd: Usd
    """Of the effective cost, that of commitments, used or not."""
    unused_commitment_usd: Usd
    """Of that, what was left unused."""
    unused_commitment_share: float | None

    @property
    def months(self) -> str:
        """The months billed, for reading."""
        first, last = self.first_month, self.last_month
        return first if first == last else f"{first} to {last}"


class LongerTerms(Part):
    """What terms would save that are left out as longer than what is planned for."""

    terms_hours: tuple[int, ...]
    """Those left out."""
    saving_usd: Usd
    """Within the horizon, as billed, if demand went on so that they are used up; in the plan's
    accounting."""
    saving_share: float
    """Of the plan's cost."""
    after_demand_usd: Usd
    """What of them would fall due, or be paid ahead, after the horizon, beyond what the plan's own
    purchases leave."""
