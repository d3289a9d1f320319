"""Solves a Malloovia problem: whole machines per hour, quotas, reservations of a whole horizon.

    python benchmarks/malloovia.py FILE --mode dedicated --gap 1e-4

Reads any Malloovia YAML file and plans its first problem (or the one named by ``--problem``) as a
user would: an application is a workload, an instance class an instance type with an on-demand
price or a reservation of the whole horizon, paid every hour. ``max_vms`` and ``max_cores`` of
instance classes and limiting sets become quotas, 0 meaning none. Prints one JSON object.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from planner import InfeasibleError, PlanRequest, make_plan, parse_request

START = "2026-01-01T00:00Z"
PRICE_PLACES = Decimal("1e-9")


def read_problem(path: Path, name: str | None = None) -> dict[str, Any]:
    """A problem of a Malloovia file, its aliases resolved."""
    problems: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["Problems"]
    return next(one for one in problems if name in (None, one["id"], one.get("name")))


def request_of(problem: Mapping[str, Any], mode: str, gap: float, **options: object) -> PlanRequest:
    """The request that means a Malloovia problem."""
    classes, workloads = problem["instance_classes"], problem["workloads"]
    hours = len(workloads[0]["values"])
    named = types_of(problem)
    types = {named[one["id"]]: one.get("cores") for one in classes}
    document = {
        "name": problem["id"],
        "catalog": {
            "inline": {
                "name": "malloovia",
                "source": problem.get("description") or problem["id"],
                "as_of": "2026-01-01",
                "instance_types": [{"name": name, "vcpus": cores} for name, cores in types.items()],
                "rates": [rate_of(one, named[one["id"]], hours) for one in classes],
            }
        },
        "demand": {
            "inline": {
                "start": START,
                "series": {one["app"]["id"]: one["values"] for one in workloads},
            }
        },
        "horizon": {"hours": hours},
        "purchases": {"hours": [0]},
        "offers": {"kinds": ["reserved_standard"]},
        "whole_machines": True,
        "reservations": mode,
        "limits": {"quotas": list(quotas_of(classes, named))},
        "workloads": [workload_of(one, problem, named) for one in workloads],
        "simplify": "off",
        "solve": {"gap": gap},
    }
    return parse_request(document | options)


def types_of(problem: Mapping[str, Any]) -> dict[str, str]:
    """Instance type of each class: its name, if all classes of a name are of one kind; its id."""
    classes = problem["instance_classes"]
    names = {one["id"]: str(one.get("name", one["id"])) for one in classes}
    serves: dict[str, set[tuple[str, float]]] = {one["id"]: set() for one in classes}
    for one in problem["performances"]["values"]:
        if one["instance_class"]["id"] in serves:
            serves[one["instance_class"]["id"]].add((one["app"]["id"], one["value"]))
    kinds: dict[str, set[object]] = {}
    for one in classes:
        kind = (frozenset(serves[one["id"]]), one.get("cores"))
        kinds.setdefault(names[one["id"]], set()).add(kind)
    places = {(names[one["id"]], region_of(one)) for one in classes}
    apart = len(places) == len(classes) and all(len(kind) == 1 for kind in kinds.values())
    return names if apart else {name: name for name in names}


def region_of(instance_class: Mapping[str, Any]) -> str:
    """The limiting sets a class is bought in stand for its region."""
    sets = sorted(one["id"] for one in instance_class.get("limiting_sets", ()))
    return "+".join(sets) or "anywhere"


def rate_of(instance_class: Mapping[str, Any], instance_type: str, hours: int) -> dict[str, object]:
    """The price of an instance class: on demand, or reserved for the whole horizon."""
    price = Decimal(repr(float(instance_class["price"]))).quantize(PRICE_PLACES)
    rate: dict[str, object] = {
        "instance_type": instance_type,
        "region": region_of(instance_class),
        "hourly_usd": str(price),
    }
    if not instance_class["is_reserved"]:
        return rate | {"kind": "on_demand"}
    return rate | {"kind": "reserved_standard", "term_hours": hours, "payment": "no_upfront"}


def workload_of(
    workload: Mapping[str, Any], problem: Mapping[str, Any], named: Mapping[str, str]
) -> dict[str, object]:
    """An application, with what one machine of each class serves of it."""
    app = workload["app"]["id"]
    return {
        "name": app,
        "regions": sorted({region_of(one) for one in problem["instance_classes"]}),
        "needs": {
            "unit": "own",
            "capacity": {
                named[one["instance_class"]["id"]]: one["value"]
                for one in problem["performances"]["values"]
                if one["app"]["id"] == app and one["instance_class"]["id"] in named
            },
        },
    }


def quotas_of(
    classes: list[dict[str, Any]], named: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    """The limits of instance classes, and those of limiting sets over their classes' regions."""
    for one in classes:
        limits, place = limits_of(one), [region_of(one)]
        if limits:
            types = [named[one["id"]]]
            yield {"name": one["id"], "instance_types": types, "regions": place, **limits}
    sets = {one["id"]: one for member in classes for one in member.get("limiting_sets", ())}
    for name, limiting in sorted(sets.items()):
        limits = limits_of(limiting)
        inside = {
            region_of(one)
            for one in classes
            if name in [other["id"] for other in one.get("limiting_sets", ())]
        }
        if limits:
            yield {"name": name, "regions": sorted(inside), **limits}


def limits_of(limited: Mapping[str, Any]) -> dict[str, object]:
    """``max_vms`` and ``max_cores`` as a quota has them; 0 stands for none."""
    limits = {"at_most": limited.get("max_vms"), "at_most_vcpus": limited.get("max_cores")}
    return {name: limit for name, limit in limits.items() if limit}


def main() -> None:
    """Plan one file and print the case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--problem")
    parser.add_argument("--mode", choices=["dedicated", "pooled"], default="dedicated")
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--solver", default="highs")
    parser.add_argument("--time-limit", type=float)
    asked = parser.parse_args()
    solve = {"gap": asked.gap, "solver": asked.solver, "time_limit_s": asked.time_limit}
    case: dict[str, object] = {"case": f"{asked.file.stem} {asked.mode}"}
    began = time.perf_counter()
    problem = read_problem(asked.file, asked.problem)
    request = request_of(problem, asked.mode, asked.gap, solve=solve)
    case["read_seconds"] = time.perf_counter() - began
    began = time.perf_counter()
    try:
        plan = make_plan(request)
    except InfeasibleError as error:
        conflicts = [fault.field for fault in error.conflicts]
        case |= {"seconds": time.perf_counter() - began, "infeasible": conflicts}
        case |= dict.fromkeys(("gap", "cost", "bound"))
    else:
        case |= {
            "seconds": time.perf_counter() - began,
            "solver_seconds": plan.solver.seconds,
            "gap": plan.gap,
            "cost": float(plan.total_cost_usd),
            "bound": None if plan.lower_bound_usd is None else float(plan.lower_bound_usd),
            "reserved": sum(float(one.quantity) for one in plan.purchases),
        }
    case["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(case))


if __name__ == "__main__":
    main()
