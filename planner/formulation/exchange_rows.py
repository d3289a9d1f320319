r"""Exchanges in the first stage: what is given, what is taken for it, what is paid upfront.

Names in the formulas, beside those of `planner.formulation.first_stage`: an exchange ``e`` of
sources ``k`` at its date has :math:`g_{ek}` steps given, :math:`t_e` taken and :math:`y_e` dollars
of true-up; a step given is worth :math:`\rho_{ek}` of the target.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.exchanges import Exchanges, Source, taken_count, true_up_usd, value_ratio
from planner.formulation.terms import Terms, entries, positions
from planner.purchases import Lot
from planner.stages import Group
from solvers import Block, LinearModel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Term = tuple[Block, sp.coo_array[np.float64]]

WHOLE_MARGIN = 1e-4
"""Less than a whole machine by no more than this is a whole one: solvers round."""

BLOCKS = ("give", "take", "true up")


def offer_exchanges(model: LinearModel, terms: Terms, weight: float, tie_step: float) -> float:
    r"""Declare the exchanges; as many are taken as what is given is worth, rounded up.

    .. math:: 0 \le t_e - \sum_k \rho_{ek} g_{ek} < 1, \qquad
        y_e \ge upfront_e t_e - \sum_k left_{ek} g_{ek}, \qquad g, t \in \mathbb{N}

    Costs count as ``weight`` says and are raised a little, so that nothing is exchanged for no
    gain. Returns the share of the sources' own cost that is added at the most.
    """
    exchanges = terms.exchanges
    if not len(exchanges):
        return 0.0
    _declare(model, terms, weight, tie_step)
    _give_what_there_is(model, terms)
    give, take, true_up = (model[name] for name in BLOCKS)
    of_give, own = exchanges.exchange_of_give, positions(take.size)
    shape, square = (take.size, give.size), (take.size, take.size)
    one_each = entries(1.0, own, own, square)
    worth = entries(-exchanges.ratios, of_give, positions(give.size), shape)
    model.require(
        "take what is given is worth",
        [(take, one_each), (give, worth)],
        at_least=0.0,
        at_most=1.0 - WHOLE_MARGIN,
    )
    rounded = entries(-_rounded_up(exchanges), of_give, positions(give.size), shape)
    model.require("take nothing for nothing", [(take, one_each), (give, rounded)], at_most=0.0)
    left, needed = exchanges.upfront_left_usd
    model.require(
        "pay what is missing upfront",
        [
            (true_up, one_each),
            (take, entries(-needed, own, own, square)),
            (give, entries(left, of_give, positions(give.size), shape)),
        ],
        at_least=0.0,
    )
    return tie_step


def tie_costs_usd(terms: Terms, tie_step: float) -> Floats:
    """What is added to the cost of a step given to break ties [give]."""
    exchanges = terms.exchanges
    costs = np.array([_cost_of_step(exchanges.sources[s]) for _, s in exchanges.gives])
    return np.asarray(tie_step * exchanges.probability[exchanges.exchange_of_give] * costs)


def exchange_costs(terms: Terms) -> list[tuple[str, Floats, Ints]]:
    """Of every block what one costs if it happens [column], and the columns' exchanges."""
    exchanges = terms.exchanges
    if not len(exchanges):
        return []
    prices, own = exchanges.prices, positions(len(exchanges))
    return [
        ("give", prices.give, exchanges.exchange_of_give),
        ("take", prices.take, own),
        ("true up", prices.true_up, own),
    ]


def expected_costs(terms: Terms) -> list[tuple[str, Floats]]:
    """Of every block what one costs by its probability [column]."""
    chance = terms.exchanges.probability
    return [(name, cost * chance[exchange]) for name, cost, exchange in exchange_costs(terms)]


def costs_by_scenario(terms: Terms) -> list[tuple[str, sp.csr_array[np.float64]]]:
    """Of every block what one costs in the scenarios it happens in [scenario × column]."""
    count, found = len(terms.problem.probability), []
    for name, cost, exchange in exchange_costs(terms):
        groups = [terms.exchanges.exchanges[position].group for position in exchange]
        rows = np.array([s for group in groups for s in group], dtype=np.intp)
        columns = np.repeat(positions(len(groups)), [len(group) for group in groups])
        found.append((name, entries(cost[columns], rows, columns, (count, len(cost))).tocsr()))
    return found


@dataclass(frozen=True)
class Change:
    """What a step of a column adds to a pool in its stages."""

    block: str
    column: int
    pool: int
    stages: Ints
    units: float


def changes(terms: Terms) -> Iterator[Change]:
    """What exchanges change of the commitments: what is given serves no more from then on."""
    exchanges, hours = terms.exchanges, terms.problem.calendar.hours

    def change(block: str, column: int, position: int, pool: int, units: float) -> Change:
        one = exchanges.exchanges[position]
        stages = terms.active_between(one.hour, min(one.end, hours), one.group)
        return Change(block, column, pool, stages, units)

    for column, (position, source) in enumerate(exchanges.gives):
        option = exchanges.sources[source].option
        if option.pool is not None:
            yield change("give", column, position, option.pool, -float(option.pool_units))
    for position, one in enumerate(exchanges.exchanges):
        if one.target.pool is not None:
            units = float(one.target.pool_units)
            yield change("take", position, position, one.target.pool, units)


def changed_rows(
    model: LinearModel, exchanged: Sequence[Change], at: NDArray[np.intp], amounts: int
) -> list[Term]:
    """What exchanges change in the rows that add commitments up."""
    found = []
    for name in dict.fromkeys(one.block for one in exchanged):
        block, mine = model[name], [one for one in exchanged if one.block == name]
        length = [len(one.stages) for one in mine]
        values = np.repeat([-one.units for one in mine], length)
        rows = np.concatenate([at[one.pool, one.stages] for one in mine])
        columns = np.repeat(np.array([one.column for one in mine], dtype=np.intp), length)
        found.append((block, entries(values, rows, columns, (amounts, block.size))))
    return found


def upfront_terms(
    model: LinearModel, terms: Terms, dates: Sequence[tuple[int, Group]]
) -> list[Term]:
    """True-ups in the rows of upfront budgets, one per date and group."""
    if not len(terms.exchanges):
        return []
    at = {date: row for row, date in enumerate(dates)}
    inside = [
        (at[one.hour, one.group], column)
        for column, one in enumerate(terms.exchanges.exchanges)
        if (one.hour, one.group) in at
    ]
    rows, columns = np.array(inside, dtype=np.intp).reshape(-1, 2).T
    block = model["true up"]
    return [(block, entries(1.0, rows, columns, (len(dates), block.size)))]


def most_exchanged(terms: Terms) -> dict[str, Floats]:
    """Amounts that some optimum keeps within, by block; ``buy`` among them [column].

    Nothing is bought beyond what its own pool and the targets it may become can use, and what
    rounding up takes. Solvers go wrong where whole numbers in these rows may be of any size.
    """
    exchanges, lots = terms.exchanges, {lot: k for k, lot in enumerate(terms.lots)}
    most_units = terms.problem.most_pool_units()
    buy = np.full(len(terms.lots), np.inf)
    for one in exchanges.sources:
        if isinstance(one.held, Lot) and one.option.pool is not None:
            used = most_units[one.option.pool] / float(one.option.pool_units)
            buy[lots[one.held]] = math.ceil(used) + 1
    targets: dict[int, set[tuple[int, float]]] = {}
    for (position, source), ratio in zip(exchanges.gives, exchanges.ratios, strict=True):
        target = exchanges.exchanges[position].target
        if target.pool is not None:
            used = most_units[target.pool] / float(target.pool_units)
            steps = math.ceil(used / ratio) + math.ceil(1 / ratio) + 1
            targets.setdefault(source, set()).add((terms.problem.targets.index(target), steps))
    for source, found in targets.items():
        held = exchanges.sources[source].held
        if isinstance(held, Lot):
            buy[lots[held]] += sum(steps for _, steps in found)
    most = [_most_held(one, lots, buy) for one in exchanges.sources]
    give = np.array([math.floor(most[source]) for _, source in exchanges.gives])
    worth = np.bincount(exchanges.exchange_of_give, give * exchanges.ratios)
    take = np.ceil(worth) + 1
    return {"buy": buy, "give": give, "take": take, "true up": take * exchanges.upfront_left_usd[1]}


def round_exchanges(model: LinearModel, terms: Terms, values: Floats) -> None:
    """Make the exchanges of a point whole ones of its purchases, in place [column]."""
    exchanges = terms.exchanges
    if not len(exchanges):
        return
    give, take, true_up = (model[name].slice for name in BLOCKS)
    lots, buy = {lot: k for k, lot in enumerate(terms.lots)}, values[model["buy"].slice]
    left = {
        (source, scenario): _most_held(one, lots, buy)
        for source, one in enumerate(exchanges.sources)
        for scenario in one.group
    }
    wanted, rounded = values[give], np.zeros(len(exchanges.gives))
    for column, (position, source) in enumerate(exchanges.gives):
        group = exchanges.exchanges[position].group
        most = min(left[source, scenario] for scenario in group)
        steps = max(min(math.floor(wanted[column] + 0.5), math.floor(most)), 0)
        rounded[column] = steps
        for scenario in group:
            left[source, scenario] -= steps
    values[give] = rounded
    values[take], values[true_up] = _completed(exchanges, rounded)


def _completed(exchanges: Exchanges, given: Floats) -> tuple[Floats, Floats]:
    """What whole steps given come to: taken, and the true-up [exchange]."""
    taken, paid = np.zeros(len(exchanges)), np.zeros(len(exchanges))
    for position, steps in given_by_exchange(exchanges, given).items():
        exchange = exchanges.exchanges[position]
        count = taken_count(exchange, steps)
        taken[position], paid[position] = count, float(true_up_usd(exchange, steps, count))
    return taken, paid


def given_by_exchange(
    exchanges: Exchanges, given: Floats
) -> dict[int, tuple[tuple[Source, int], ...]]:
    """What is given in each exchange that is made, by the steps given [give]."""
    found: dict[int, tuple[tuple[Source, int], ...]] = {}
    for column in np.flatnonzero(np.rint(given) > 0).tolist():
        position, source = exchanges.gives[column]
        one = (exchanges.sources[source], round(given[column]))
        found[position] = (*found.get(position, ()), one)
    return found


def _declare(model: LinearModel, terms: Terms, weight: float, tie_step: float) -> None:
    exchanges = terms.exchanges
    ties = {"give": weight * tie_costs_usd(terms, tie_step)}
    most = most_exchanged(terms)

    def name(column: int) -> str:
        position, source = exchanges.gives[column]
        return f"{exchanges.sources[source].option.offer.offer_id} in {label(position)}"

    def label(position: int) -> str:
        one = exchanges.exchanges[position]
        return f"{one.target.offer.offer_id} at hour {one.hour} until {one.end}"

    for block, cost in expected_costs(terms):
        model.add(
            block,
            len(cost),
            upper=most[block],
            cost=weight * cost + ties.get(block, 0.0),
            integer=block != "true up",
            index=name if block == "give" else label,
        )


def _give_what_there_is(model: LinearModel, terms: Terms) -> None:
    r"""Every unit is given once at the most, in every future.

    .. math:: \sum_{e \,in\, s} g_{ek} \le x_k \qquad \forall k, s
    """
    exchanges, lots = terms.exchanges, {lot: k for k, lot in enumerate(terms.lots)}
    chains = _chains(exchanges)
    height, give, buy = len(chains), model["give"], model["buy"]
    rows = np.repeat(positions(height), [len(columns) for _, columns in chains])
    columns = np.array([column for _, columns in chains for column in columns], dtype=np.intp)
    owned = np.zeros(height)
    bought: list[tuple[int, int]] = []
    for row, (source, _) in enumerate(chains):
        held = exchanges.sources[source].held
        if isinstance(held, Lot):
            bought.append((row, lots[held]))
        else:
            owned[row] = float(held.quantity)
    of_lot = np.array(bought, dtype=np.intp).reshape(-1, 2).T
    model.require(
        "give what there is",
        [
            (give, entries(1.0, rows, columns, (height, give.size))),
            (buy, entries(-1.0, of_lot[0], of_lot[1], (height, buy.size))),
        ],
        at_most=owned,
    )


def _chains(exchanges: Exchanges) -> list[tuple[int, tuple[int, ...]]]:
    """Every source with the gives that one future may see of it."""
    by_future: dict[tuple[int, int], list[int]] = {}
    for column, (position, source) in enumerate(exchanges.gives):
        for scenario in exchanges.exchanges[position].group:
            by_future.setdefault((source, scenario), []).append(column)
    return list(
        dict.fromkeys((source, tuple(columns)) for (source, _), columns in by_future.items())
    )


def _rounded_up(exchanges: Exchanges) -> Floats:
    return np.array(
        [
            math.ceil(value_ratio(exchanges.sources[s], exchanges.exchanges[e].target))
            for e, s in exchanges.gives
        ],
        dtype=np.float64,
    )


def _cost_of_step(source: Source) -> float:
    """What a step of a source costs within the horizon."""
    held = source.held
    return held.cost_usd if isinstance(held, Lot) else held.cost_usd / float(held.quantity)


def _most_held(source: Source, lots: dict[Lot, int], buy: Floats) -> float:
    held = source.held
    return float(buy[lots[held]] if isinstance(held, Lot) else held.quantity)
