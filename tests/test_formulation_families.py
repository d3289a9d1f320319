"""Every constraint family by itself: its rows as a reader follows them, one point for, one against.

The golden files hold what a function adds to a tiny model: a line per column (objective,
bounds, integrality) and a line per row, sorted. When a family changes on purpose, the failing
test shows the new text.
"""

import inspect
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner import parse_request
from planner.formulation import (
    build_model,
    committed,
    coverage_ceiling,
    extensive,
    first_stage,
    risk,
    running_peaks,
    sustained_use_rows,
    workload_mix,
)
from planner.problem import make_problem

MODULES = (
    committed,
    coverage_ceiling,
    extensive,
    first_stage,
    risk,
    running_peaks,
    sustained_use_rows,
    workload_mix,
)
GOLDEN = Path(__file__).parent / "golden"
TODAY = datetime(2026, 1, 1, tzinfo=UTC)


def commitment(name, kind, hourly_usd, term_hours, **more):
    row = {"instance_type": name, "region": "here", "kind": kind, "hourly_usd": hourly_usd}
    return row | {"term_hours": term_hours, "payment": "no_upfront"} | more


def on_demand(name, usd):
    return {"instance_type": name, "region": "here", "kind": "on_demand", "hourly_usd": usd}


def own_unit(name, capacity):
    return [{"name": name, "needs": {"unit": "own", "capacity": capacity}, "regions": ["here"]}]


RESERVED = [on_demand("m", 2), commitment("m", "reserved_standard", 1, 2)]
COMPUTE = [
    on_demand("m", 2),
    on_demand("n", 5),
    commitment("m", "savings_plan_compute", 1.5, 2),
    commitment("n", "savings_plan_compute", 3, 2),
]
UPFRONT = [
    on_demand("m", 2),
    commitment("m", "reserved_standard", 0, 2, payment="all_upfront", upfront_usd=3),
]
OWNED = {
    "id": "old", "kind": "reserved_standard", "hourly_usd": 1, "quantity": 3,
    "start": "2025-06-01T00:00Z", "end": "2026-01-01T01:00Z",
    "instance_type": "m", "region": "here",
}  # fmt: skip
FLEXIBLE = (
    {"name": "f.small", "normalized_units": 1, "size_flexible": True},
    {"name": "f.large", "normalized_units": 4, "size_flexible": True},
)
VCPU = {
    "name": "toy", "provider": "gcp", "source": "written by hand", "as_of": "2026-01-01",
    "instance_types": [{"name": "n1-one", "resources": {"n1/vcpu": 1}}],
    "rates": [on_demand("n1/vcpu", 1), commitment("n1/vcpu", "resource_commitment", 0.5, 100)],
}  # fmt: skip
M_AT_0 = "buy[custom:reserved_standard:here:m:2h:no_upfront at hour 0]"
PLAN_AT_0 = "buy[custom:savings_plan_compute:2h:no_upfront at hour 0]"
UPFRONT_AT_0 = "buy[custom:reserved_standard:here:m:2h:all_upfront at hour 0]"
FLEXIBLE_AT_0 = "buy[custom:reserved_standard:here:f.large:2h:no_upfront at hour 0]"


@dataclass(frozen=True)
class Family:
    """A tiny request; a point that keeps its whole model; changes that break the family's rows.

    ``columns`` and ``rows`` are the blocks the family's function declares. ``breaks`` are the
    rows the changed point breaks; none where it breaks a bound or integrality.
    """

    rates: list[dict[str, Any]]
    demand: dict[str, Any]
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    good: dict[str, float]
    bad: dict[str, float]
    breaks: tuple[str, ...] = ()
    parts: dict[str, Any] = field(default_factory=dict)


FAMILIES = {
    "buy_lots": Family(
        RESERVED,
        {"m": [3, 1]},
        ("buy",),
        (),
        parts={"purchases": {"hours": [0, 1]}},
        good={M_AT_0: 1, "commit dedicated[0]": 1, "commit dedicated[1]": 1,
              "serve dedicated[0]": 1, "serve dedicated[1]": 1, "serve on demand[0]": 2},
        bad={M_AT_0: 1.5, "commit dedicated[0]": 1.5, "commit dedicated[1]": 1.5},
    ),
    "commit_to_pools": Family(
        RESERVED,
        {"m": [3, 1]},
        ("commit dedicated",),
        ("add up dedicated",),
        parts={"purchases": {"hours": [0, 1]}, "owned": [OWNED]},
        good={"commit dedicated[0]": 3, "serve dedicated[0]": 3, "serve on demand[1]": 1},
        bad={"commit dedicated[0]": 4},
        breaks=("add up dedicated[0]",),
    ),
    "commit_to_plans": Family(
        COMPUTE,
        {"m": [1, 1], "n": [1, 0]},
        ("commit spend",),
        ("add up spend",),
        parts={"commitment_step_usd": 0.5},
        good={PLAN_AT_0: 3, "commit spend[0]": 1.5, "serve spend[0]": 1, "serve spend[2]": 1,
              "serve on demand[1]": 1},
        bad={PLAN_AT_0: 4},
        breaks=("add up spend[0]",),
    ),
    "run_workloads": Family(
        [on_demand("a", 2), on_demand("b", 3)],
        {"web": [10, 4]},
        ("run",),
        ("run whole workload",),
        parts={"workloads": own_unit("web", {"a": 1, "b": 2})},
        good={"run[candidate 0 at 0]": 0.5, "run[candidate 1 at 0]": 0.5,
              "serve on demand[0]": 5, "serve on demand[1]": 2.5,
              "serve on demand[2]": 2, "serve on demand[3]": 1},
        bad={"run[candidate 1 at 0]": 0.4, "serve on demand[1]": 2, "serve on demand[3]": 0.8},
        breaks=("run whole workload[0]",),
    ),
    "limit_placement": Family(
        [on_demand("a", 2), on_demand("b", 3)],
        {"web": [10, 4]},
        (),
        ("workloads.0.placement.0",),
        parts={"workloads": [own_unit("web", {"a": 1, "b": 2})[0] | {
            "placement": [{"families": ["b"], "at_least": 0.2, "at_most": 0.5}]}]},
        good={"run[candidate 0 at 0]": 0.5, "run[candidate 1 at 0]": 0.5,
              "serve on demand[0]": 5, "serve on demand[1]": 2.5,
              "serve on demand[2]": 2, "serve on demand[3]": 1},
        bad={"run[candidate 0 at 0]": 0.4, "run[candidate 1 at 0]": 0.6,
             "serve on demand[0]": 4, "serve on demand[1]": 3,
             "serve on demand[2]": 1.6, "serve on demand[3]": 1.2},
        breaks=("workloads.0.placement.0[0]",),
    ),
    "limit_running": Family(
        [on_demand("a", 2), on_demand("b", 3)],
        {"web": [10, 4], "job": [1, 9]},
        (),
        ("limits.quotas.few.at_most",),
        parts={
            "workloads": [*own_unit("web", {"a": 1, "b": 2}), *own_unit("job", {"a": 3})],
            "limits": {"quotas": [{"name": "few", "at_most": 8}]},
        },
        good={"run[candidate 0 at 0]": 0.5, "run[candidate 1 at 0]": 0.5,
              "serve on demand[0]": 16 / 3, "serve on demand[1]": 2.5,
              "serve on demand[2]": 5, "serve on demand[3]": 1},
        bad={"run[candidate 0 at 0]": 1, "run[candidate 1 at 0]": 0,
             "serve on demand[0]": 31 / 3, "serve on demand[1]": 0,
             "serve on demand[2]": 7, "serve on demand[3]": 0},
        breaks=("limits.quotas.few.at_most[hour 0]",),
    ),
    "serve_usage": Family(
        [*COMPUTE, commitment("n", "reserved_standard", 2, 2)],
        {"m": [1, 1], "n": [1, 0]},
        ("serve dedicated", "serve spend", "serve on demand"),
        ("serve usage",),
        good={"serve on demand[0]": 1, "serve on demand[1]": 1, "serve on demand[2]": 1},
        bad={"serve on demand[1]": 0},
        breaks=("serve usage[here n linux at hour 0]",),
    ),
    "limit_dedicated": Family(
        [on_demand("f.small", 1), on_demand("f.large", 4),
         commitment("f.large", "reserved_standard", 2, 2)],
        {"f.small": [4, 4], "f.large": [1, 2]},
        (),
        ("limit dedicated",),
        parts={"types": FLEXIBLE, "whole_machines": True},
        good={FLEXIBLE_AT_0: 1, "commit dedicated[0]": 4, "serve dedicated[0]": 4,
              "serve on demand[1]": 1, "serve dedicated[3]": 1, "serve on demand[2]": 4,
              "serve on demand[3]": 1},
        bad={"serve dedicated[1]": 1, "serve on demand[1]": 0},
        breaks=("limit dedicated[0]",),
    ),
    "limit_spend": Family(
        COMPUTE,
        {"m": [1, 1], "n": [1, 0]},
        (),
        ("limit spend",),
        parts={"commitment_step_usd": 0.5},
        good={PLAN_AT_0: 6, "commit spend[0]": 3, "serve spend[1]": 1, "serve on demand[0]": 1,
              "serve spend[2]": 1},
        bad={"serve spend[0]": 1, "serve on demand[0]": 0},
        breaks=("limit spend[0]",),
    ),
    "limit_upfront": Family(
        UPFRONT,
        {"m": [3, 3, 3]},
        (),
        ("limit upfront",),
        parts={
            "horizon": {"hours": 3},
            "purchases": {"hours": [0, 2]},
            "limits": {"upfront_budget_usd": [{"date": "2026-01-01T00:00Z", "usd": 7}]},
        },
        good={UPFRONT_AT_0: 2, "commit dedicated[0]": 2, "serve dedicated[0]": 2,
              "serve on demand[0]": 1, "serve on demand[1]": 3},
        bad={UPFRONT_AT_0: 3, "commit dedicated[0]": 3},
        breaks=("limit upfront[hour 0]",),
    ),
    "limit_coverage_above": Family(
        RESERVED,
        {"m": [3, 1]},
        (),
        ("coverage at most",),
        parts={"limits": {"coverage": {"at_most": 0.5}}},
        good={M_AT_0: 1, "commit dedicated[0]": 1, "serve dedicated[0]": 1,
              "serve dedicated[1]": 1, "serve on demand[0]": 2},
        bad={M_AT_0: 2, "commit dedicated[0]": 2},
        breaks=("coverage at most[0]",),
    ),
    "limit_coverage_below": Family(
        RESERVED,
        {"m": [3, 1]},
        (),
        ("coverage at least",),
        parts={"limits": {"coverage": {"at_least": 0.25}}},
        good={M_AT_0: 1, "commit dedicated[0]": 1, "serve dedicated[0]": 1,
              "serve dedicated[1]": 1, "serve on demand[0]": 2},
        bad={"serve dedicated[0]": 0, "serve dedicated[1]": 0, "serve on demand[0]": 3,
             "serve on demand[1]": 1},
        breaks=("coverage at least[0]",),
    ),
    "weigh_risk": Family(
        RESERVED,
        {"high": {"m": [3, 3]}, "low": {"m": [1, 0]}},
        ("tail level", "beyond level"),
        ("tail of scenario",),
        parts={
            "scenarios": {"high": 0.25, "low": 0.75},
            "risk": {"level": 0.5, "weight": 0.4},
        },
        good={M_AT_0: 1, "commit dedicated[0]": 1, "serve dedicated[0]": 1,
              "serve on demand[0]": 2, "serve dedicated[1]": 1, "tail level[0]": 0},
        bad={"tail level[0]": -1},
        breaks=("tail of scenario[low]",),
    ),
    "stack_months": Family(
        [],
        {"n1-one": [3] * 100 + [1] * 200},
        ("sustained level", "sustained excess"),
        ("stack months",),
        parts={
            "catalog": {"inline": VCPU},
            "horizon": {"hours": 300},
            "purchases": {"hours": [150]},
        },
        good={**{f"serve on demand[{cell}]": 1 for cell in range(1, 5)},
              "serve on demand[0]": 3, "sustained level[0]": 1, "sustained excess[0]": 2},
        bad={"sustained excess[0]": 1},
        breaks=("stack months[0]",),
    ),
    "limit_utilization": Family(
        [*COMPUTE, commitment("n", "reserved_standard", 2, 2)],
        {"m": [1, 1], "n": [1, 0]},
        (),
        ("utilization of pool", "utilization of plan"),
        parts={"limits": {"utilization": {"at_least": 0.4}}, "commitment_step_usd": 1.5},
        good={PLAN_AT_0: 1, "commit spend[0]": 1.5, "serve spend[0]": 1, "serve spend[2]": 1,
              "serve on demand[1]": 1},
        bad={"serve spend[0]": 0, "serve spend[2]": 0, "serve on demand[0]": 1,
             "serve on demand[2]": 1},
        breaks=("utilization of plan[0]",),
    ),
}  # fmt: skip


@pytest.fixture
def model_of(document):
    """The linear model of a family's tiny request."""

    def build(family):
        request = parse_request(document(family.rates, family.demand, **family.parts))
        return build_model(make_problem(request, folder=Path(), today=TODAY)).linear

    return build


def number(value):
    return f"{value:.6g}"


def rendered(model, columns, rows):
    """The named blocks of a model, one sorted line per column and row."""
    compiled = model.compile()
    names = [model.column_name(j) for j in range(compiled.columns)]
    lines = []
    for j, name in enumerate(names):
        if name.rsplit("[", 1)[0].split("[")[0] in columns:
            whole = ", whole" if compiled.integer[j] else ""
            span = f"{number(compiled.lower[j])} to {number(compiled.upper[j])}"
            lines.append(f"column {name}: cost {number(compiled.cost[j])}, {span}{whole}")
    matrix = compiled.matrix.tocsr()
    for i in range(compiled.rows):
        name = model.row_name(i)
        if name.split("[")[0] in rows:
            entries = zip(matrix[[i]].indices, matrix[[i]].data, strict=True)
            terms = sorted((names[j], value) for j, value in entries)
            left = " ".join(f"{value:+.6g} {column}" for column, value in terms)
            low, high = compiled.row_lower[i], compiled.row_upper[i]
            lines.append(f"row {name}: {left} {bounds(low, high)}")
    return sorted(lines)


def bounds(low, high):
    if low == high:
        return f"= {number(low)}"
    limits = [f">= {number(low)}"] if np.isfinite(low) else []
    return " and ".join(limits + ([f"<= {number(high)}"] if np.isfinite(high) else []))


def constraint_functions():
    """Public functions of the formulation that add to a model."""
    return {
        name
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and {"model", "first"} & inspect.signature(function).parameters.keys()
        and name != "less_usage"  # terms of a row, for others to require
    }


def test_every_constraint_family_has_a_case_and_a_golden_file():
    assert constraint_functions() == FAMILIES.keys()
    assert {path.stem for path in GOLDEN.glob("*.txt")} == FAMILIES.keys()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_adds_the_columns_and_rows_of_its_golden_file(name, model_of):
    family = FAMILIES[name]
    lines = rendered(model_of(family), family.columns, family.rows)
    golden = (GOLDEN / f"{name}.txt").read_text().splitlines()
    assert lines == sorted(line for line in golden if not line.startswith("#")), lines


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_accepts_one_point_and_refuses_another(name, model_of):
    family = FAMILIES[name]
    model = model_of(family)
    assert broken(model, family.good) == ()
    compiled = model.compile()
    assert compiled.violation(point(model, family.good)).scaled <= 1e-9
    worse = family.good | family.bad
    assert broken(model, worse) == tuple(sorted(family.breaks))
    assert compiled.violation(point(model, worse)).scaled > 1e-3
    assert {row.split("[")[0] for row in family.breaks} <= set(family.rows)


def point(model, values):
    """A solution vector from values by column name; the rest is 0."""
    names = [model.column_name(j) for j in range(model.columns)]
    assert values.keys() <= set(names), names
    return np.array([float(values.get(name, 0.0)) for name in names])


def broken(model, values):
    """Names of the rows a point breaks."""
    compiled = model.compile()
    activity = compiled.activity(point(model, values))
    outside = (activity < compiled.row_lower - 1e-9) | (activity > compiled.row_upper + 1e-9)
    return tuple(sorted(model.row_name(i) for i in np.flatnonzero(outside)))


def test_of_equal_offers_the_more_flexible_then_the_shorter_is_bought(planned):
    """The rule for ties: product, then term, then id."""
    kinds = ("reserved_standard", "reserved_convertible")
    rates = [on_demand("m", 2), *(commitment("m", kind, 1, 2) for kind in kinds)]
    found = planned(rates, {"m": [1, 1]})
    assert [one.kind for one in found.purchases] == ["reserved_convertible"]
    rates = [on_demand("m", 2), *(commitment("m", kinds[0], 1, term) for term in (4, 3, 2))]
    found = planned(rates, {"m": [1, 1]}, horizon={"hours": 2})
    assert [one.term_hours for one in found.purchases] == [2]


def test_hours_of_equal_demand_stand_once_with_their_weight(model_of):
    """Four hours, two of them alike: three cells, one of cost 2 x 2 USD."""
    family = Family([on_demand("m", 2)], {"m": [1, 3, 1, 2]}, ("serve on demand",), (), {}, {})
    assert rendered(model_of(family), family.columns, ()) == [
        "column serve on demand[0]: cost 4, 0 to inf",
        "column serve on demand[1]: cost 2, 0 to inf",
        "column serve on demand[2]: cost 2, 0 to inf",
    ]
