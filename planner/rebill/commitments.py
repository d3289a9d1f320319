"""Everything committed as it is billed: bought, owned, given and taken in exchanges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from planner.billing import Commitment, Reservation
from planner.calendar import HOUR
from planner.decision import Bought
from planner.exchanged import Exchanged, credited_usd, decimal_of, given_by_date
from planner.problem import Problem
from planner.purchases import Option
from planner.rebill.names import account_of, exchange_id, purchase_id
from planner.rebill.products import committed
from planner.request import Accounting


@dataclass(frozen=True)
class Billed:
    """A commitment as it is billed, or the part of it that an exchange ends.

    Attributes:
        name: the purchase, the owned commitment or the exchange it is, or is a part of.
        option: what it is.
        commitment: as billed.
    """

    name: str
    option: Option
    commitment: Commitment


def commitments_of(
    problem: Problem,
    bought: Iterable[Bought],
    exchanges: Sequence[Exchanged] = (),
    *,
    linear: bool = False,
) -> tuple[Commitment, ...]:
    """Everything committed: purchases, then what is owned already, then what is taken for it."""
    billed = billed_of(problem, bought, exchanges, linear=linear)
    return tuple(one.commitment for one in billed)


def billed_of(
    problem: Problem,
    bought: Iterable[Bought],
    exchanges: Sequence[Exchanged] = (),
    *,
    linear: bool = False,
) -> list[Billed]:
    """Everything committed, in the order it is billed; what is given ends when it is given."""
    found: list[Billed] = []
    for one in bought:
        name, whole = purchase_id(problem, one), bought_commitment(problem, one, linear=linear)
        parts = parts_of(problem, whole, given_by_date(exchanges, one.lot))
        found += [Billed(name, one.option, part) for part in parts]
    for owned in problem.owned:
        name, account = owned.commitment.id, owned.commitment.workload or ""
        whole = committed(
            problem, owned.option, name, owned.quantity, owned.commitment.start,
            account=account, linear=linear,
        )  # fmt: skip
        parts = parts_of(problem, whole, given_by_date(exchanges, owned))
        found += [Billed(name, owned.option, part) for part in parts]
    for made in exchanges:
        option, name = made.exchange.target, exchange_id(problem, made)
        found.append(Billed(name, option, taken_commitment(problem, made)))
    return found


def bought_commitment(problem: Problem, bought: Bought, *, linear: bool = False) -> Commitment:
    """A purchase as it is billed where no exchange ends a part of it."""
    return committed(
        problem,
        bought.option,
        purchase_id(problem, bought),
        bought.quantity,
        problem.calendar.at(bought.lot.start),
        account=account_of(problem, bought.option),
        linear=linear,
    )


def parts_of(problem: Problem, whole: Commitment, given: dict[int, int]) -> list[Commitment]:
    """A commitment without what is given [hour: machines], and the parts that end so.

    What is left of their upfront is credited then. Where money is counted when it is paid, upfront
    paid before the horizon is no part of it: nor is its credit.
    """
    if not given or not isinstance(whole, Reservation):
        return [whole]
    kept = whole.count - sum(given.values())
    parts: list[Commitment] = [whole.model_copy(update={"count": kept})] if kept else []
    for hour, steps in given.items():
        moment = problem.calendar.at(hour)
        served = Decimal((moment - whole.start) // HOUR)
        credit = whole.upfront_usd * (whole.term_hours - served) / whole.term_hours
        is_sunk = whole.start < problem.calendar.start and not _sunk_counts(problem)
        ended = {
            "commitment_id": f"{whole.commitment_id}, given {moment:%Y-%m-%dT%H:%MZ}",
            "count": Decimal(steps),
            "term_hours": served,
            "upfront_usd": whole.upfront_usd - credit if is_sunk else whole.upfront_usd,
            "credit_usd": Decimal(0) if is_sunk else credit,
        }
        parts.append(whole.model_copy(update=ended))
    return parts


def taken_commitment(problem: Problem, made: Exchanged) -> Commitment:
    """What an exchange takes; its upfront is what was credited, and the true-up."""
    exchange = made.exchange
    paid = credited_usd(made, sunk_counts=_sunk_counts(problem)) + decimal_of(made.true_up_usd)
    whole = committed(
        problem,
        exchange.target,
        exchange_id(problem, made),
        Decimal(made.taken),
        problem.calendar.at(exchange.hour),
        account=account_of(problem, exchange.target),
        linear=False,
    )
    rest = {"term_hours": Decimal(exchange.hours_left), "upfront_usd": paid / made.taken}
    return whole.model_copy(update=rest)


def _sunk_counts(problem: Problem) -> bool:
    """Whether upfront paid before the horizon counts in it."""
    return problem.calendar.accounting is not Accounting.CASH_FLOW
