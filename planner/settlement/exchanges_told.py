"""The exchanges of a plan, as it tells them."""

from decimal import Decimal
from fractions import Fraction

from planner.exchanged import Exchanged, decimal_of
from planner.exchanges import Exchange, Source, fees_factor, true_up_factor
from planner.plan import ConvertibleExchange, Given
from planner.problem import Problem
from planner.purchases import Option, step_price
from planner.rebill import account_of, exchange_id, source_id
from planner.settlement.left_after import left_by_exchange
from planner.settlement.outlook import Outlook, mean_usd, utilization_of
from planner.settlement.spread import names_of

NANO_USD = Decimal("1e-9")


def describe_exchanges(outlook: Outlook) -> tuple[ConvertibleExchange, ...]:
    """Every exchange of a policy, by date."""
    return tuple(_described(outlook, one) for one in outlook.policy.exchanges)


def _described(outlook: Outlook, made: Exchanged) -> ConvertibleExchange:
    problem, exchange = outlook.problem, made.exchange
    offer, calendar = exchange.target.offer, problem.calendar
    entries = outlook.entries(exchange_id(problem, made), exchange.group)
    extra_usd = _extra_usd(problem, made)
    worth_usd = _most_served_usd(problem, exchange, made.taken)
    return ConvertibleExchange(
        date=calendar.at(exchange.hour),
        given=tuple(_given(problem, source, steps) for source, steps in made.given),
        offer_id=offer.offer_id,
        provider=offer.provider,
        scope=str(problem.pools.keys[exchange.target.pool or 0]),
        workload=account_of(problem, exchange.target) or None,
        term_hours=offer.term_hours,
        payment=offer.payment,
        end=calendar.at(exchange.end),
        quantity=Decimal(made.taken),
        given_value_usd=_usd(made.given_value_usd),
        taken_value_usd=_usd(made.taken_value_usd),
        true_up_usd=_usd(made.true_up_usd),
        hourly_usd=_usd(made.taken * step_price(exchange.target)[1]),
        cost_usd=mean_usd([(entry.cost_usd, chance) for entry, chance in entries]),
        extra_usd=_usd(Fraction(extra_usd)),
        break_even_utilization=extra_usd / worth_usd if worth_usd > 0 else None,
        utilization=utilization_of(entries),
        after_horizon_usd=left_by_exchange(problem, made).usd,
        scenarios=names_of(problem, exchange.group),
    )


def _given(problem: Problem, source: Source, steps: int) -> Given:
    return Given(
        id=source_id(problem, source),
        offer_id=source.option.offer.offer_id,
        quantity=Decimal(steps),
    )


def _extra_usd(problem: Problem, made: Exchanged) -> float:
    """Fees of what is taken beyond those of what is given, and the true-up, in the accounting."""
    exchange, calendar = made.exchange, problem.calendar
    hourly = made.taken * step_price(exchange.target)[1]
    hourly -= sum(steps * step_price(source.option)[1] for source, steps in made.given)
    fees = float(hourly) * fees_factor(exchange, calendar)
    return fees + float(made.true_up_usd) * true_up_factor(exchange, calendar)


def _most_served_usd(problem: Problem, exchange: Exchange, taken: int) -> float:
    """What all that is taken could serve within the horizon, at on-demand prices."""
    calendar = problem.calendar
    end = min(exchange.end, calendar.hours)
    hours = float(calendar.worth_before[end] - calendar.worth_before[exchange.hour])
    return taken * hours * _on_demand_usd(problem, exchange.target)


def _on_demand_usd(problem: Problem, option: Option) -> float:
    """What an hour of a machine's units costs on demand, where it costs least."""
    prices = [
        float(part.on_demand_usd / part.pool_units)
        for part in problem.pools.slices
        if part.pool == option.pool
    ]
    return min(prices, default=0.0) * float(option.pool_units)


def _usd(value: Fraction) -> Decimal:
    return decimal_of(value).quantize(NANO_USD)
