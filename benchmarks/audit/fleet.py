"""What the audit knows of a request: what runs, what may be bought, what is owned."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPEND = ("savings_plan_ec2", "savings_plan_compute", "azure_savings_plan", "flexible_commitment")
"""Kinds of commitments to dollars per hour."""


@dataclass(frozen=True)
class Resource:
    """What one price stands for: a machine of a type, or a vCPU or a GiB of a series.

    Attributes:
        name: as the price list has it.
        family: whose family plans it falls under.
        units: its size among the sizes of its family; 1 where reservations serve this size only.
        is_flexible: whether reservations of the other sizes of its family serve it.
        on_demand_usd: its price by the hour.
    """

    name: str
    family: str
    units: Fraction
    is_flexible: bool
    on_demand_usd: Fraction

    @property
    def pool(self) -> tuple[str, str]:
        """What shares its reservations."""
        return ("family", self.family) if self.is_flexible else ("type", self.name)


@dataclass(frozen=True, eq=False)
class Machine:
    """A machine that a workload may run on.

    Attributes:
        workload: position of the workload.
        name: the instance type.
        parts: quantity of each resource in one machine [resource].
        needed: machines in each hour if the whole workload runs on it [hour].
    """

    workload: int
    name: str
    parts: Floats
    needed: Floats


@dataclass(frozen=True)
class Commitment:
    """Something bought in whole steps, or owned.

    Attributes:
        name: the offer and its date, or the id of what is owned.
        kind: as the price list has it.
        takes: what an hour of each resource takes of it [resource]; None where it serves none.
        size: what one step gives in an hour: units, resources or dollars.
        begin: first hour of the horizon that it serves.
        end: first hour that it no longer serves.
        term_hours: its whole term.
        cost_usd: of one step, inside the horizon; payments upfront are spread over the term.
        quantity: steps owned; None where it may be bought.
    """

    name: str
    kind: str
    takes: tuple[Fraction | None, ...]
    size: Fraction
    begin: int
    end: int
    term_hours: int
    cost_usd: Fraction
    quantity: Fraction | None = None

    @property
    def serves_any(self) -> bool:
        """Whether any resource of the fleet is served."""
        return any(one is not None for one in self.takes)


@dataclass(frozen=True, eq=False)
class Fleet:
    """A request as the audit reads it.

    Attributes:
        provider: whose products these are.
        hours: length of the horizon.
        workloads: their names.
        resources: all that is billed.
        machines: what each workload may run on.
        lots: what may be bought, each at its date.
        owned: what is owned.
    """

    provider: str
    hours: int
    workloads: tuple[str, ...]
    resources: tuple[Resource, ...]
    machines: tuple[Machine, ...]
    lots: tuple[Commitment, ...]
    owned: tuple[Commitment, ...]

    @property
    def commitments(self) -> tuple[Commitment, ...]:
        """All lots, then all that is owned."""
        return (*self.lots, *self.owned)

    @property
    def owned_usd(self) -> float:
        """What all that is owned costs."""
        return sum(float((one.quantity or 0) * one.cost_usd) for one in self.owned)

    @property
    def prices_usd(self) -> Floats:
        """On-demand prices [resource]."""
        return np.array([float(one.on_demand_usd) for one in self.resources])

    @property
    def has_choice(self) -> bool:
        """Whether any workload may run on several machines."""
        return len(self.machines) > len(self.workloads)

    def position(self, workload: str, name: str) -> int:
        """Position of a workload's machine."""
        places = [(self.workloads[one.workload], one.name) for one in self.machines]
        return places.index((workload, name))

    def active(self) -> NDArray[np.bool_]:
        """Hours in which commitments serve [hour × commitment]."""
        hour = np.arange(self.hours)[:, None]
        begin = np.array([one.begin for one in self.commitments], dtype=int)
        end = np.array([one.end for one in self.commitments], dtype=int)
        return np.asarray((begin <= hour) & (hour < end))

    def spans(self) -> NDArray[np.intp]:
        """The span of every hour: mixes of machines change where a term may begin or end [hour]."""
        edges = {0} | {edge for one in self.commitments for edge in (one.begin, one.end)}
        inside = sorted(edge for edge in edges if 0 <= edge < self.hours)
        return np.searchsorted(inside, np.arange(self.hours), side="right") - 1

    def usage(self, shares: Floats | None = None) -> Floats:
        """What runs [hour × resource], for shares of the workloads [hour × machine].

        Without shares each machine runs for its whole workload.
        """
        found = np.zeros((self.hours, len(self.resources)))
        for position, machine in enumerate(self.machines):
            running = machine.needed if shares is None else machine.needed * shares[:, position]
            found += running[:, None] * machine.parts
        return found

    def is_proportional(self) -> bool:
        """Whether sizes that share reservations cost the same by the unit, plans included."""
        rates = [one.takes for one in self.commitments if one.kind in SPEND]
        prices = [one.on_demand_usd for one in self.resources]
        return all(_is_even(one, self.resources) for one in (prices, *dict.fromkeys(rates)))


def _is_even(prices: Sequence[Fraction | None], resources: Sequence[Resource]) -> bool:
    """Whether prices are the same by the unit inside each pool, but for rounding."""
    pools: dict[tuple[str, str], list[Fraction | None]] = {}
    for price, one in zip(prices, resources, strict=True):
        pools.setdefault(one.pool, []).append(None if price is None else price / one.units)
    for found in pools.values():
        known = [one for one in found if one is not None]
        if known and (len(known) < len(found) or max(known) > min(known) * Fraction(1 + 1e-6)):
            return False
    return True
