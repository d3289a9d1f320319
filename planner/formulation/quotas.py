"""Quotas on whole machines: the most of some places or kinds that may be had at once."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from catalogs import Catalog, DedicatedOffer
from planner.fleet import Resource
from planner.formulation.terms import Service, Terms, entries, positions
from planner.problem import Problem
from planner.purchases import Option
from planner.request import Quota
from solvers import Block, LinearModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bound:
    """One of the two limits of a quota, with what a machine counts against it.

    Attributes:
        quota: the quota.
        field: which limit it is.
        at_most: machines, or vCPUs.
        catalog: where vCPUs are looked up.
    """

    quota: Quota
    field: str
    at_most: float
    catalog: Catalog

    @property
    def name(self) -> str:
        """As errors name it."""
        return f"limits.quotas.{self.quota.name}.{self.field}"

    def of_machine(self, machine: Resource) -> float:
        """What one machine counts that is billed as one."""
        return self._counted(machine.provider, machine.region, machine.family, machine.name)

    def of_step(self, option: Option) -> float:
        """What one step of an option counts: reserved machines do, plans have none."""
        offer = option.offer
        if not isinstance(offer, DedicatedOffer):
            return 0.0
        machines = float(option.step)
        return machines * self._counted(
            offer.provider, offer.region, offer.family, offer.instance_type
        )

    def _counted(self, provider: str, region: str, family: str, instance_type: str) -> float:
        if not self.quota.counts(provider, region, family, instance_type):
            return 0.0
        if self.field == "at_most":
            return 1.0
        return self.catalog.instance_type(instance_type).vcpus or 0.0


def bounds_of(problem: Problem) -> list[Bound]:
    """Every limit that the request's quotas set on whole machines; none where they may be parts."""
    if not problem.request.whole_machines:
        return []
    return [
        Bound(quota, field, float(at_most), problem.catalog)
        for quota in problem.request.limits.quotas
        for field, at_most in (("at_most", quota.at_most), ("at_most_vcpus", quota.at_most_vcpus))
        if at_most is not None
    ]


def limit_quotas(model: LinearModel, terms: Terms, by_plans: Service) -> None:
    r"""Machines reserved and machines running beside them keep to every quota in every hour.

    .. math:: \sum_{k \,active\, in\, w(g)} m_{qk} x_k + owned_{qw}
        + \sum_c m_{qc} (o_{gc} + \sum_j s_{jgc}) \le most_q \qquad \forall q, g

    :math:`m` is 1 or the vCPUs of a machine in the quota's scope, 0 beyond it. Rows of reserved
    machines are counted once a stage.
    """
    for bound, reserved in reserve_within(model, terms):
        running = np.array(
            [bound.of_machine(part.resources[0]) for part in terms.problem.pools.slices]
        )
        _limit_running(model, terms, bound, reserved, running, by_plans)


def reserve_within(model: LinearModel, terms: Terms) -> list[tuple[Bound, Block]]:
    """Quotas on reserved machines alone, and the columns that count these by stage."""
    bounds = bounds_of(terms.problem)
    return [(bound, _reserve(model, terms, bound)) for bound in bounds]


def _reserve(model: LinearModel, terms: Terms, bound: Bound) -> Block:
    """Columns for what reservations count in each stage, at most the bound."""
    stages = terms.stages.count
    owned = np.zeros(stages)
    counted = sp.lil_array((stages, len(terms.lots)))
    for position, option in enumerate(terms.options):
        amount = bound.of_step(option)
        if not amount:
            continue
        if position < len(terms.lots):
            counted[terms.active(position), [position]] = -amount
        else:
            owned[terms.active(position)] += amount * terms.owned_quantity(position)
    reserved = model.add(f"reserved of {bound.name}", stages, upper=bound.at_most)
    own = entries(1.0, positions(stages), positions(stages), (stages, stages))
    model.require(
        f"count reserved of {bound.name}",
        [(reserved, own), (model["buy"], counted)],
        equal=owned,
    )
    return reserved


def _limit_running(
    model: LinearModel,
    terms: Terms,
    bound: Bound,
    reserved: Block,
    running: Floats,
    by_plans: Service,
) -> None:
    """A row per merged hour in which machines of the scope may run beside reserved ones."""
    weight = running[terms.cell_slice]
    hours, row_of_cell = np.unique(terms.cell_hour[weight > 0], return_inverse=True)
    if not len(hours):
        return
    row = np.full(terms.cells, -1, dtype=np.intp)
    row[weight > 0] = row_of_cell
    height = len(hours)
    stage = terms.groups.stage[hours]
    rows: list[tuple[Block, sp.coo_array[np.float64]]] = [
        (reserved, entries(1.0, positions(height), stage, (height, reserved.size)))
    ]
    for block, cells in (
        (model["serve on demand"], positions(terms.cells)),
        (model["serve spend"], by_plans.cell),
    ):
        inside = np.flatnonzero(row[cells] >= 0)
        shape = (height, block.size)
        rows.append((block, entries(weight[cells[inside]], row[cells[inside]], inside, shape)))
    model.require(
        bound.name,
        rows,
        at_most=bound.at_most,
        index=lambda i: f"{terms.group_name(int(hours[i]))}",
    )
