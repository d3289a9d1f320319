"""The way from a plan and what really ran to a bill and its difference to the plan."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from catalogs import Catalog, Fault, Faults, InvalidInputError
from catalogs.faults import collected
from planner.actuals.decided import Decided, find_decided, future_of
from planner.actuals.explaining import Explained, Use, explain
from planner.actuals.plan_bill import CommitmentUse, Difference, PlanBill
from planner.actuals.repricing import with_prices
from planner.actuals.running import held_by_shares, in_span, running_by_shares, with_needs
from planner.actuals.usage_file import ActualUsage, read_usage
from planner.billing import Bill, Commitment
from planner.decision import Decision
from planner.plan import Plan
from planner.planning import Surroundings, resolve
from planner.prices import multiplied
from planner.problem import Problem
from planner.rebill import billed_of, commitments_of, rebill
from planner.request import DemandSource, PlanRequest
from planner.request_faults import faults_of

Floats = NDArray[np.float64]

SAME_SHARE = 1e-9
"""Of a cost, that numbers in JSON may differ by."""


@dataclass(frozen=True)
class Actuals:
    """What really happened.

    Attributes:
        usage: the file of what ran; a relative path is relative to the current folder.
        scenario: the plan's future to compare with; None where it has one only.
        prices: catalogue of the prices really paid on demand, before the request's private
            factors; those of the plan when None.
    """

    usage: DemandSource
    scenario: str | None = None
    prices: Catalog | None = None


def parse_plan(document: object) -> Plan:
    """The plan in a parsed document; every fault of it at once as InvalidInputError."""
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        faults = [
            Fault(field=f"plan.{one.field}", value=one.value, fix=one.fix)
            for one in faults_of(error, document, Plan)
        ]
        raise InvalidInputError(faults) from error


def bill_plan(
    plan: Plan, request: PlanRequest, actuals: Actuals, around: Surroundings | None = None
) -> PlanBill:
    """The bill of what really ran under a plan's commitments, and the difference to the plan.

    Args:
        plan: the plan, as it was printed or written.
        request: the request it was planned from, with its demand and catalogue.
        actuals: what really ran.
        around: as for `make_plan`; relative paths of the request are relative to its folder.

    Raises:
        InvalidInputError: the request is not the plan's; faults of the request's files and of
            the usage.
    """
    around = around or Surroundings()
    problem = resolve(request, around)
    catalog = None if actuals.prices is None else multiplied(actuals.prices, request.prices)
    faults = Faults()
    future = collected(faults, lambda: future_of(plan, problem, actuals.scenario))
    decided = None
    if future is not None:
        decided = collected(faults, lambda: _decided(plan, future, actuals.scenario))
    # Of any other future the machines are the same: what is wrong with the usage is told too.
    like = future or problem.future(0)
    usage = collected(faults, lambda: read_usage(like, actuals.usage))
    if catalog is not None:
        collected(faults, lambda: with_prices(like, catalog))
    faults.raise_if_any()
    if future is None or decided is None or usage is None:
        raise InvalidInputError(faults.found)
    return _bill(_Case(plan, future, decided, usage, catalog, actuals.scenario))


@dataclass(frozen=True)
class _Case:
    """Everything that was read, found to fit together."""

    plan: Plan
    future: Problem
    decided: Decided
    usage: ActualUsage
    catalog: Catalog | None
    scenario: str | None


def _bill(case: _Case) -> PlanBill:
    future, usage = case.future, case.usage
    hours = slice(usage.first, usage.first + usage.hours)
    span, shares = in_span(future, usage.first, usage.hours), case.decided.shares[hours]
    as_planned = running_by_shares(with_needs(span, usage.needs), shares)
    running = _really_running(span, usage, as_planned)
    commitments, held = _serving(future, case.decided, span), held_by_shares(span, shares)
    planned = Use(span, running_by_shares(span, shares), commitments, held)
    actual = replace(planned, running=running)
    billed = actual
    if case.catalog is not None:
        billed = replace(actual, problem=with_prices(span, case.catalog))
    return _told(case, planned, billed, explain(planned, as_planned, actual, billed))


def _unused_usd(bill: Bill, held: Mapping[str, object]) -> dict[str, Decimal]:
    """What of each commitment's cost nothing used; capacity held costs what is unused alone."""
    return {
        one.commitment_id: one.cost_usd if one.commitment_id in held else one.unused_usd
        for one in bill.commitments
    }


def _really_running(span: Problem, usage: ActualUsage, as_planned: Floats) -> Floats:
    """Machines that ran [hour × candidate]: as counted, else split as planned."""
    running = as_planned.copy(order="F")
    counted = {span.candidates[position].workload for position in usage.machines}
    for position, candidate in enumerate(span.candidates):
        if candidate.workload in counted:
            running[:, position] = usage.machines.get(position, 0.0)
    return running


def _serving(future: Problem, decided: Decided, span: Problem) -> tuple[Commitment, ...]:
    """Commitments whose term has hours in the span; others cost nothing in it either."""
    start, hours = span.calendar.start, span.calendar.hours
    return tuple(
        one
        for one in commitments_of(future, decided.bought, decided.exchanges)
        if one.term_in(start).inside(hours).hours > 0
    )


def _decided(plan: Plan, future: Problem, scenario: str | None) -> Decided:
    """What a plan decided, once its bill is found to be that of the request.

    Another bill comes of other prices, demand or commitments than those planned with.
    """
    decided = find_decided(plan, future, scenario)
    named = {one.name: one.total_cost_usd for one in plan.scenarios}
    stated = plan.total_cost_usd if scenario is None else named[scenario]
    running = running_by_shares(future, decided.shares)
    held = held_by_shares(future, decided.shares)
    found = rebill(future, Decision(decided.bought, running, {}, decided.exchanges, held)).total_usd
    if not math.isclose(found, stated, rel_tol=SAME_SHARE, abs_tol=SAME_SHARE):
        faults = Faults()
        fix = (
            f"billed again it is {found}: the request's demand, prices or owned commitments are "
            "not those planned with; give them (prices of other days go to --prices)"
        )
        faults.add("plan.total_cost_usd", float(stated), fix)
        faults.raise_if_any()
    return decided


def _told(case: _Case, planned: Use, billed: Use, explained: Explained) -> PlanBill:
    before, bill = planned.bill, billed.bill
    calendar = billed.problem.calendar
    commitments = _commitments(case, planned, billed)
    return PlanBill(
        name=case.plan.name,
        start=calendar.start,
        end=calendar.end,
        hours=calendar.hours,
        scenario=case.scenario,
        accounting=calendar.accounting,
        total_cost_usd=bill.total_usd,
        on_demand_usd=bill.on_demand_usd,
        commitment_usd=bill.commitment_usd,
        sustained_use_usd=sum((one.sustained_use_usd for one in explained.months), Decimal(0)),
        on_demand_equivalent_usd=bill.on_demand_equivalent_usd,
        planned_cost_usd=before.total_usd,
        difference_usd=bill.total_usd - before.total_usd,
        difference=Difference.sum_of(tuple(one.difference for one in explained.months)),
        coverage=bill.coverage,
        planned_coverage=before.coverage,
        utilization=bill.utilization,
        planned_utilization=before.utilization,
        unused_usd=sum((one.unused_usd for one in commitments), Decimal(0)),
        months=explained.months,
        workloads=explained.workloads,
        commitments=commitments,
        notes=case.usage.notes,
        warnings=case.usage.warnings,
    )


def _commitments(case: _Case, planned: Use, billed: Use) -> tuple[CommitmentUse, ...]:
    future = case.future
    told: dict[str, tuple[str | None, datetime]] = {}
    owned, names = {one.commitment.id for one in future.owned}, {}
    for one in billed_of(future, case.decided.bought, case.decided.exchanges):
        names[one.commitment.commitment_id] = one.name
        told[one.commitment.commitment_id] = (one.option.offer.offer_id, one.commitment.start)
    held = {one.commitment_id: (None, one.start) for one in planned.reservations}
    told |= held
    unused, planned_unused = (_unused_usd(one.bill, held) for one in (billed, planned))
    return tuple(
        CommitmentUse(
            id=now.commitment_id,
            owned=names.get(now.commitment_id) in owned,
            offer_id=told[now.commitment_id][0],
            start=told[now.commitment_id][1],
            cost_usd=now.cost_usd,
            utilization=now.utilization,
            unused_usd=unused[now.commitment_id],
            planned_utilization=then.utilization,
            planned_unused_usd=planned_unused[then.commitment_id],
        )
        for then, now in zip(planned.bill.commitments, billed.bill.commitments, strict=True)
    )
