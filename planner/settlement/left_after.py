"""What purchases and exchanges leave for the time after the horizon: fees, upfront paid ahead."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from planner.decision import Bought, Policy
from planner.exchanged import Exchanged
from planner.problem import Problem
from planner.purchases import step_price
from planner.rebill import taken_commitment

NANO_USD = Decimal("1e-9")


@dataclass(frozen=True)
class LeftAfter:
    """Amounts for the time after the horizon, USD.

    Attributes:
        fees: due then, nominal.
        ahead: upfront spread over the term, for hours after the horizon.
    """

    fees: Fraction
    ahead: Fraction

    @property
    def usd(self) -> Decimal:
        """Both together."""
        return whole_nano(self.fees + self.ahead)


def left_by(policy: Policy, bought: Bought) -> LeftAfter:
    """Of a purchase, without what exchanges give by then."""
    upfront, hourly = step_price(bought.option)
    term = bought.option.offer.term_hours
    beyond = term - (bought.lot.end - bought.lot.start)
    given = sum(
        one.given_of(bought.lot) * one.exchange.probability / bought.lot.probability
        for one in policy.exchanges
    )
    steps = bought.steps - Fraction(given)
    return LeftAfter(steps * hourly * beyond, steps * upfront / term * beyond)


def left_by_exchange(problem: Problem, made: Exchanged) -> LeftAfter:
    """Of what is taken in an exchange."""
    beyond = max(made.exchange.end - problem.calendar.hours, 0)
    fees = made.taken * step_price(made.exchange.target)[1] * beyond
    amortized = Fraction(taken_commitment(problem, made).amortized_hourly_usd) * beyond
    return LeftAfter(fees, amortized - fees)


def after_horizon_usd(problem: Problem, policy: Policy) -> Decimal:
    """Mean over the futures of all that a policy leaves."""
    left = mean_left(problem, policy)
    return left.usd


def mean_left(problem: Problem, policy: Policy) -> LeftAfter:
    """Mean over the futures of what a policy's purchases and exchanges leave."""
    found = [(left_by(policy, one), one.lot.probability) for one in policy.bought]
    found += [
        (left_by_exchange(problem, one), one.exchange.probability) for one in policy.exchanges
    ]
    return LeftAfter(
        sum((one.fees * Fraction(chance) for one, chance in found), Fraction(0)),
        sum((one.ahead * Fraction(chance) for one, chance in found), Fraction(0)),
    )


def whole_nano(value: Fraction) -> Decimal:
    """Whole nano-dollars."""
    return Decimal(str(float(value))).quantize(NANO_USD)
