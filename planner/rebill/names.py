"""What purchases, exchanges and their sources are called in bills and plans."""

from planner.decision import Bought
from planner.exchanged import Exchanged
from planner.exchanges import Source
from planner.owned import Owned
from planner.problem import Problem
from planner.purchases import Lot, Option


def purchase_id(problem: Problem, bought: Bought) -> str:
    """Names a purchase: the offer and its date."""
    return _lot_id(problem, bought.lot, bought.option)


def _lot_id(problem: Problem, lot: Lot, option: Option) -> str:
    date, account = problem.calendar.at(lot.ordered), account_of(problem, option)
    tied = f" for {account}" if account else ""
    return f"{option.offer.offer_id}{tied} @ {date:%Y-%m-%dT%H:%MZ}"


def exchange_id(problem: Problem, made: Exchanged) -> str:
    """Names what an exchange takes: the offer, its date and its end."""
    exchange, calendar = made.exchange, problem.calendar
    account = account_of(problem, exchange.target)
    tied = f" for {account}" if account else ""
    when = f"{calendar.at(exchange.hour):%Y-%m-%dT%H:%MZ}"
    until = f"{calendar.at(exchange.end):%Y-%m-%dT%H:%MZ}"
    return f"{exchange.target.offer.offer_id}{tied} in exchange @ {when} until {until}"


def source_id(problem: Problem, source: Source) -> str:
    """Names the purchase or the owned commitment that an exchange gives from."""
    if isinstance(source.held, Owned):
        return source.held.commitment.id
    return _lot_id(problem, source.held, source.option)


def account_of(problem: Problem, option: Option) -> str:
    """The workload an option's reservations are tied to; empty where they serve all."""
    if option.pool is None or not option.offer.kind.is_dedicated:
        return ""
    return problem.pools.keys[option.pool].account
