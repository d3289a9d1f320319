"""Running machines as usage that a provider meters, and capacity held as its reservations."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from planner.billing import CapacityReservation, Usage, UsageClass
from planner.fleet import Resource
from planner.held import held_name, reserved_machines
from planner.problem import Problem
from planner.rebill.billers import ACCOUNT, biller_of, decimal


def resources_of(problem: Problem) -> tuple[Resource, ...]:
    """What all candidates are billed as, in the order of the bill's columns."""
    parts = (part for candidate in problem.candidates for part in candidate.machine.parts)
    return tuple(dict.fromkeys(part.resource for part in parts))


def usage_of(problem: Problem, running: NDArray[np.float64], *, linear: bool = False) -> Usage:
    """Metered usage of running machines [hour × candidate]."""
    resources = resources_of(problem)
    column = {resource: position for position, resource in enumerate(resources)}
    quantity = np.zeros((problem.calendar.hours, len(resources)), order="F")
    for position, candidate in enumerate(problem.candidates):
        for part in candidate.machine.parts:
            hours = running[:, position]
            # Most machines are one resource: no rounding where there is nothing to multiply.
            used = hours if part.quantity == 1 else hours * float(part.quantity)
            quantity[:, column[part.resource]] += used
    classes = tuple(_billed_class(problem, one, linear=linear) for one in resources)
    return Usage(problem.calendar.start, classes, quantity)


def reservations_of(
    problem: Problem,
    running: NDArray[np.float64],
    held: NDArray[np.float64] | None,
    *,
    linear: bool = False,
) -> tuple[CapacityReservation, ...]:
    """Capacity reservations for what is held [hour × candidate]."""
    found = []
    for one in reserved_machines(problem, running, held):
        resource = problem.candidates[one.candidate].machine.resource
        machine = _billed_class(problem, resource, linear=linear)
        found.append(
            CapacityReservation(
                commitment_id=held_name(problem, one),
                account=machine.account,
                provider=machine.provider,
                start=problem.calendar.at(one.start),
                term_hours=Decimal(one.end - one.start),
                machine=machine,
                count=Decimal(repr(one.machines)),
            )
        )
    return tuple(found)


def _billed_class(problem: Problem, resource: Resource, *, linear: bool) -> UsageClass:
    """A resource as the bill knows it, at its exact price or the model's."""
    if linear:
        return _usage_class(resource, linear_price_usd(problem, resource))
    return _usage_class(resource, resource.on_demand_usd, resource.software_usd)


def _usage_class(
    resource: Resource, price_usd: Decimal, software_usd: Decimal = Decimal(0)
) -> UsageClass:
    return UsageClass(
        account=resource.pool.account or ACCOUNT,
        provider=biller_of(resource.provider),
        name=resource.name,
        region=resource.region,
        os=resource.os,
        tenancy=resource.tenancy,
        family=resource.family,
        units=resource.units,
        on_demand_usd=price_usd,
        spot_usd=price_usd if resource.pool.spot else None,
        software_usd=software_usd,
        sustained_use=resource.sustained_use,
        capacity_group=resource.capacity_group or None,
    )


def linear_price_usd(problem: Problem, resource: Resource) -> Decimal:
    """A resource's on-demand price as the model sees it."""
    part = problem.pools.slices[problem.pools.slice_of(resource)]
    return decimal(part.on_demand_usd * part.units_of(resource))
