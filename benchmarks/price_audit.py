"""Audits plans of random requests with uneven unit prices against an own optimum and own bills.

Run it from the repository: ``python benchmarks/price_audit.py --examples 500``. It prints one JSON
object per provider:

* ``requests``, ``enumerated``, ``with_choice``, ``proportional``: how many were audited, how many
  of them had every purchase billed, a choice of machines, and proportional prices;
* ``broken``: by law, the number of each request that breaks it and by what share of its bill;
* ``failed``: by number, why a request has no plan or no optimum;
* ``bill_above_least``: (bill − least bill) / bill, of the enumerated requests;
* ``bill_above_bound``: (bill − lower bound) / bill; both as minimum, median, 95th percentile and
  maximum, with the number of the request with the maximum.

A request can be looked at again: ``random_request(provider, number)`` of the package ``audit``.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from audit import PROVIDERS, Audit, audit, random_request

from planner import PlannerError

QUANTILES = {"min": 0, "p50": 50, "p95": 95, "max": 100}

Report = dict[str, object]


def audited(provider: str, first: int, examples: int) -> tuple[dict[int, Audit], dict[int, str]]:
    """Audits of a provider's random requests by number, and the reasons of those that failed."""
    found: dict[int, Audit] = {}
    failed: dict[int, str] = {}
    for number in range(first, first + examples):
        try:
            found[number] = audit(random_request(provider, number))
        except (PlannerError, ArithmeticError) as error:
            failed[number] = f"{type(error).__name__}: {error}"
    return found, failed


def report(found: Mapping[int, Audit], failed: Mapping[int, str]) -> Report:
    """What a provider's line says."""
    broken: dict[str, dict[int, float]] = defaultdict(dict)
    for number, one in found.items():
        for law, share in one.broken.items():
            broken[law][number] = share
    above_least = {number: one.above_least_bill for number, one in found.items()}
    return {
        "requests": len(found),
        "enumerated": sum(one.least_bill is not None for one in found.values()),
        "with_choice": sum(one.has_choice for one in found.values()),
        "proportional": sum(one.is_proportional for one in found.values()),
        "broken_requests": sum(bool(one.broken) for one in found.values()),
        "broken": broken,
        "failed": failed,
        "bill_above_least": quantiles(
            {number: share for number, share in above_least.items() if share is not None}
        ),
        "bill_above_bound": quantiles({number: one.above_bound for number, one in found.items()}),
    }


def quantiles(shares: Mapping[int, float]) -> Report:
    """Of shares by number: the quantiles, and the number of the largest."""
    if not shares:
        return {}
    values = list(shares.values())
    found: Report = {name: float(np.percentile(values, at)) for name, at in QUANTILES.items()}
    return found | {"worst": max(shares, key=lambda number: shares[number])}


@contextmanager
def quiet_solvers() -> Iterator[None]:
    """Send what solvers print past Python to the error output: ours is one JSON object a line."""
    sys.stdout.flush()
    output = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(output, 1)
        os.close(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=500, help="requests per provider")
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--providers", nargs="+", default=PROVIDERS, choices=PROVIDERS)
    asked = parser.parse_args()
    for provider in asked.providers:
        began = time.perf_counter()
        with quiet_solvers():
            found, failed = audited(provider, asked.first, asked.examples)
        seconds = round(time.perf_counter() - began, 1)
        line = {"case": provider, "seconds": seconds, **report(found, failed)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
