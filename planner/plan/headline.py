"""What a plan comes to for who signs it: cash, commitment, what stays to be paid, savings."""

from datetime import date

from planner.plan.part import Part, Usd


class Range(Part):
    """An amount over the futures; three times the same where there is one future."""

    mean: Usd
    worst_tenth: Usd
    """One future in ten, by probability, has this or less."""
    best_tenth: Usd
    """One future in ten has more than this."""


class Cash(Part):
    """What is paid, nominally, by the months of the bill: on demand, fees, upfront."""

    first_quarter_usd: Usd
    """In the first three calendar months (UTC), the first of them from the plan's start on."""
    first_year_usd: Usd
    """In the first twelve."""
    horizon_usd: Usd
    """In all hours planned for."""


class Headline(Part):
    """A plan in a sentence and in the figures that a signature hangs on; means over futures."""

    sentence: str
    first_quarter: str
    """Its months, such as `2027-01 to 2027-03`."""
    first_year: str
    cash_first_quarter_usd: Usd
    """Paid in the first three calendar months (UTC), the first of them from the plan's start on:
    on demand, fees, upfront."""
    cash_first_year_usd: Usd
    """The same of the first twelve."""
    cash_usd: Usd
    """The same of all hours planned for."""
    on_demand_cash: Cash
    """What the same demand would take all on demand."""
    commitment_total_usd: Usd
    """What the plan's purchases and exchanges bind to: upfront and fees over their whole terms."""
    still_to_pay_usd: Usd
    """Fees of purchases and exchanges due after the hours planned for, nominal."""
    owned_still_to_pay_usd: Usd
    """Fees of what is owned already, due after the hours planned for, nominal."""
    paid_ahead_usd: Usd
    """Upfront paid for hours after those planned for."""
    owed_after_demand_usd: Usd
    """`still_to_pay_usd` and `paid_ahead_usd` together."""
    savings_usd: Range
    """On the bill all on demand, in the plan's accounting."""
    next_deadline: date | None
    """The first date on which something is to be ordered; none where nothing is."""
