"""A plan in the figures that a signature hangs on."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from planner.decision import Policy
from planner.exchanged import Exchanged
from planner.plan import Cash, Headline, Range
from planner.problem import Problem
from planner.purchases import step_price
from planner.request import Accounting
from planner.settlement.left_after import mean_left, whole_nano
from planner.settlement.outlook import Outlook, mean_usd
from planner.tails import quantile
from planner.words import counted, percent, span, usd

QUARTER, YEAR = 3, 12
"""Calendar months."""

TENTH = 0.1

FUTURES_TOLD = 8
"""Of more futures it is told how many dates see purchases, not how many purchases."""


def describe_headline(outlook: Outlook) -> Headline:
    """A policy's headline; amounts are means over futures."""
    problem, policy, months = outlook.problem, outlook.policy, outlook.months
    last = f"{problem.calendar.at(problem.calendar.hours - 1):%Y-%m}"
    names = [str(month["month"]) for month in months if str(month["month"]) <= last]
    left = mean_left(problem, policy)
    owned_usd = _owned_fees_after(problem, policy)
    cash = _cash([Decimal(str(month["cash_usd"])) for month in months])
    if problem.calendar.accounting is Accounting.FULL_TERM:
        # Its months go on to the end of every term.
        cash = _within(cash, whole_nano(left.fees) + owned_usd)
    return Headline(
        sentence=_sentence(outlook, cash),
        first_quarter=_from_to(names[:QUARTER]),
        first_year=_from_to(names[:YEAR]),
        cash_first_quarter_usd=cash.first_quarter_usd,
        cash_first_year_usd=cash.first_year_usd,
        cash_usd=cash.horizon_usd,
        on_demand_cash=_cash(_on_demand_cash(outlook)),
        commitment_total_usd=whole_nano(_committed(policy)),
        still_to_pay_usd=whole_nano(left.fees),
        owned_still_to_pay_usd=owned_usd,
        paid_ahead_usd=whole_nano(left.ahead),
        owed_after_demand_usd=whole_nano(left.fees) + whole_nano(left.ahead),
        savings_usd=_savings(outlook),
        next_deadline=_next_deadline(outlook),
    )


def _from_to(months: Sequence[str]) -> str:
    first, last = months[0], months[-1]
    return first if first == last else f"{first} to {last}"


def _cash(by_month: Sequence[Decimal]) -> Cash:
    return Cash(
        first_quarter_usd=sum(by_month[:QUARTER], Decimal(0)),
        first_year_usd=sum(by_month[:YEAR], Decimal(0)),
        horizon_usd=sum(by_month, Decimal(0)),
    )


def _within(cash: Cash, after_usd: Decimal) -> Cash:
    """Without the fees due after the horizon, which are the last ones."""
    inside = cash.horizon_usd - after_usd
    return Cash(
        first_quarter_usd=min(cash.first_quarter_usd, inside),
        first_year_usd=min(cash.first_year_usd, inside),
        horizon_usd=inside,
    )


def _owned_fees_after(problem: Problem, policy: Policy) -> Decimal:
    """Fees of what is owned already, due after the horizon, without what exchanges give by then."""
    calendar, fees = problem.calendar, Fraction(0)
    for one in problem.owned:
        after = max(calendar.hour_of(one.commitment.end) - calendar.hours, 0)
        given = sum(
            (made.given_of(one) * Fraction(made.exchange.probability) for made in policy.exchanges),
            Fraction(0),
        )
        fees += (Fraction(one.quantity) - given) * step_price(one.option)[1] * after
    return whole_nano(fees)


def _on_demand_cash(outlook: Outlook) -> list[Decimal]:
    """Mean cash of each month all on demand."""
    chances = [one.probability for one in outlook.futures]
    return [
        mean_usd([(usd, chance) for (_, usd), chance in zip(month, chances, strict=True)])
        for month in zip(*(one.on_demand_cash for one in outlook.futures), strict=True)
    ]


def _committed(policy: Policy) -> Fraction:
    """Upfront and fees of all purchases over their whole terms; exchanges by what they change."""
    total = Fraction(0)
    for one in policy.bought:
        upfront, hourly = step_price(one.option)
        whole = one.steps * (upfront + hourly * one.option.offer.term_hours)
        total += whole * Fraction(one.lot.probability)
    return total + sum(map(_changed, policy.exchanges), Fraction(0))


def _changed(made: Exchanged) -> Fraction:
    """The true-up, and the fees of what is taken instead of those of what is given."""
    exchange = made.exchange
    hourly = made.taken * step_price(exchange.target)[1]
    hourly -= sum(steps * step_price(source.option)[1] for source, steps in made.given)
    return (made.true_up_usd + hourly * exchange.hours_left) * Fraction(exchange.probability)


def _savings(outlook: Outlook) -> Range:
    saved = [one.savings_usd for one in outlook.futures]
    mean = outlook.mean_usd(lambda one: one.savings_usd)
    if len(saved) == 1:
        return Range(mean=mean, worst_tenth=mean, best_tenth=mean)
    chance = np.array([one.probability for one in outlook.futures])
    position = np.arange(len(saved), dtype=np.float64)
    order = sorted(range(len(saved)), key=saved.__getitem__)
    worst, best = (
        saved[order[int(quantile(position, chance[order], level))]] for level in (TENTH, 1 - TENTH)
    )
    return Range(mean=mean, worst_tenth=worst, best_tenth=best)


def _next_deadline(outlook: Outlook) -> date | None:
    hours = [one.lot.ordered for one in outlook.policy.bought]
    hours += [one.exchange.hour for one in outlook.policy.exchanges]
    return outlook.problem.calendar.at(min(hours)).date() if hours else None


def _sentence(outlook: Outlook, cash: Cash) -> str:
    """What to buy now, what it costs, what that saves, and whether more cash leaves."""
    problem, policy = outlook.problem, outlook.policy
    name, hours = problem.request.name, problem.calendar.hours
    total, base = outlook.total_usd, outlook.on_demand_usd
    price = f"costs {usd(total)} USD over {span(hours)}"
    if not policy.bought and not policy.exchanges:
        return f"{name}: buy no commitment. The fleet {price}; on demand it costs {usd(base)} USD."
    saved = ""
    if base:
        share = float((base - total) / base)
        saved = f", {percent(abs(share))} {'less' if share >= 0 else 'more'}"
    to_do = _to_buy(outlook) if policy.bought else "buy no commitment"
    if policy.exchanges:
        to_do += f", make {counted(len(policy.exchanges), 'exchange')}"
    text = f"{name}: {to_do}. The fleet {price}{saved} than on demand ({usd(base)} USD)."
    rented = sum(_on_demand_cash(outlook), Decimal(0))
    if cash.horizon_usd > rented:
        text += (
            f" More is paid in that time than all on demand: {usd(cash.horizon_usd)} USD instead "
            f"of {usd(rented)} USD."
        )
    return text


def _to_buy(outlook: Outlook) -> str:
    bought, calendar = outlook.policy.bought, outlook.problem.calendar
    first = min(one.lot.start for one in bought)
    now = [one for one in bought if one.lot.start == first]
    later = [one for one in bought if one.lot.start != first]
    upfront = sum((one.steps * step_price(one.option)[0] for one in now), Fraction(0))
    day = f"{calendar.at(first):%Y-%m-%d}"
    paid = f"({usd(whole_nano(upfront))} USD upfront)"
    text = f"buy {counted(len(now), 'commitment')} on {day} {paid}"
    if first > 0:
        text = f"buy nothing yet, {text.removeprefix('buy ')}"
    dates = counted(len({one.lot.start for one in later}), "later date")
    if later and len(outlook.futures) > FUTURES_TOLD:
        text += f" and more on {dates} by the demand seen by then"
    elif later:
        text += f" and {len(later)} more on {dates}"
    return text
