"""Malloovia problems that others published, with optimal costs proven elsewhere."""

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from planner import InfeasibleError, Surroundings, make_plan
from planner.formulation import build_model
from planner.planning import resolve

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
TOYS = SHARED / "conformance" / "malloovia_toys"
YEARLY = SHARED / "data" / "malloovia"
FIXED_USD = {0: 250, 1: 238, 2: 226, 3: 214, 4: 202, 5: 190, 6: 178, 7: 196, 8: 224, 9: 252}
"""Least cost of the first toy with so many machines reserved."""


def benchmark():
    path = ROOT / "benchmarks" / "malloovia.py"
    spec = importlib.util.spec_from_file_location("malloovia_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


malloovia = benchmark()


def problem_in(path):
    if not path.exists():
        pytest.skip(f"needs {path.name} of the shared problems")
    return malloovia.read_problem(path)


def toy(name, mode="dedicated", **options):
    return malloovia.request_of(problem_in(TOYS / f"{name}.yaml"), mode, 0.0, **options)


def relaxation(request):
    """SciPy's answer to a request's model without integrality."""
    model = build_model(resolve(request, Surroundings())).linear.compile().relaxed()
    rows, lower, upper = model.matrix.tocsr(), model.row_lower, model.row_upper
    above, below = np.isfinite(upper), np.isfinite(lower)
    solved = linprog(
        model.cost,
        A_ub=np.vstack([rows[above].toarray(), -rows[below].toarray()]),
        b_ub=np.concatenate([upper[above], -lower[below]]),
        bounds=np.column_stack([model.lower, model.upper]),
    )
    return solved, model.offset


@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_the_first_toy_costs_178_with_six_machines_reserved(solver):
    found = make_plan(toy("problem1", solve={"gap": 0, "solver": solver}))
    assert float(found.total_cost_usd) == pytest.approx(178, abs=1e-6)
    assert found.status == "optimal"
    assert sum(one.quantity for one in found.purchases) == 6
    assert {one.workload for one in found.purchases} == {"app0", "app1"}


def test_the_first_toy_relaxed_costs_149_928():
    """Machines fractional and so their number reserved; no quota binds."""
    request = toy("problem1", whole_machines=False, limits={})
    request = one_type_per_class(request)
    solved, offset = relaxation(request)
    assert solved.fun + offset == pytest.approx(149.928, rel=1e-6)


def one_type_per_class(request):
    """Fractional machines must be sold on demand: both classes as one, which they are."""
    document = request.model_dump(mode="json", exclude_unset=True)
    rates = document["catalog"]["inline"]["rates"]
    for rate in rates:
        rate |= {"instance_type": "m3large", "region": "Cloud1"}
    for workload in document["workloads"]:
        workload["needs"]["capacity"].pop("m3large_r")
        workload["regions"] = ["Cloud1"]
    return malloovia.parse_request(document)


def test_the_first_toy_on_demand_only_costs_250():
    found = make_plan(toy("problem1", offers={"kinds": []}))
    assert float(found.total_cost_usd) == pytest.approx(250, abs=1e-6)
    assert found.purchases == ()


@pytest.mark.parametrize("reserved", FIXED_USD)
def test_the_first_toy_with_its_reserved_machines_fixed(reserved):
    """The best split over the two applications of machines owned already."""
    costs = []
    for split in product(range(min(reserved, 5) + 1), repeat=2):
        if sum(split) != reserved:
            continue
        owned = [
            {
                "id": app,
                "kind": "reserved_standard",
                "instance_type": "m3large_r",
                "region": "CloudR",
                "quantity": count,
                "start": malloovia.START,
                "end": "2026-01-01T04:00Z",
                "workload": app,
            }
            for app, count in zip(("app0", "app1"), split, strict=True)
            if count
        ]
        request = toy("problem1", offers={"kinds": []}, owned=owned)
        costs.append(float(make_plan(request).total_cost_usd))
    assert min(costs) == pytest.approx(FIXED_USD[reserved], abs=1e-6)


def test_the_second_toy_is_infeasible_and_names_the_quotas_that_conflict():
    with pytest.raises(InfeasibleError) as caught:
        make_plan(toy("problem2"))
    assert [(one.field, one.value) for one in caught.value.conflicts] == [
        ("limits.quotas.Cloud1.at_most", "1"),
        ("limits.quotas.CloudR.at_most", "1"),
    ]
    assert caught.value.workloads == ("app0", "app1")


def test_the_second_toy_is_infeasible_even_relaxed():
    solved, _ = relaxation(toy("problem2"))
    assert solved.status == 2, solved.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cost_usd"),
    [("p0_gcd_increments_None", 49_732.82), ("p4_gcd_increments_7", 51_058.204)],
)
def test_a_yearly_problem_reaches_its_optimum(name, cost_usd):
    request = malloovia.request_of(problem_in(YEARLY / f"{name}.yaml"), "dedicated", 1e-4)
    found = make_plan(request)
    assert float(found.total_cost_usd) == pytest.approx(cost_usd, rel=1e-4)
    assert found.gap <= 1e-4
    assert float(found.lower_bound_usd) <= cost_usd * (1 + 1e-6)


def test_a_problem_written_by_hand_maps_to_quotas_and_reservations():
    """Needs no file: one hour of 5 units; 2 reserved at 1 USD, beside them 3 at 4 USD."""
    app = {"id": "web"}
    zone = {"id": "zone", "max_vms": 2, "max_cores": 0}
    classes = [
        {"id": "od", "price": 4, "is_reserved": False, "max_vms": 0, "limiting_sets": []},
        {"id": "r", "price": 1, "is_reserved": True, "max_vms": 0, "limiting_sets": [zone]},
    ]
    problem = {
        "id": "hand",
        "instance_classes": classes,
        "workloads": [{"app": app, "values": [5.0]}],
        "performances": {
            "values": [{"instance_class": one, "app": app, "value": 1.0} for one in classes]
        },
    }
    request = malloovia.request_of(problem, "dedicated", 0.0)
    assert [quota.name for quota in request.limits.quotas] == ["zone"]
    found = make_plan(request)
    assert float(found.total_cost_usd) == pytest.approx(2 * 1 + 3 * 4)
