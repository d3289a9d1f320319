"""Builders of small requests, written as their users would write them."""

from pathlib import Path

import pytest

from planner import Surroundings, make_plan, parse_request

START = "2026-01-01T00:00Z"
SHORT_SEARCH_S = 0.1


@pytest.fixture(autouse=True, scope="module")
def short_bill_search(request):
    """Searches on the bill take less here, but in modules that say that they try them."""
    if getattr(request.module, "SEARCHES_THE_BILL", False):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.bill_search.deadline.LEAST_SECONDS", SHORT_SEARCH_S)
        yield


def rate(name, kind, hourly_usd, term_hours=None, payment="no_upfront", upfront_usd=None, **more):
    """A row of an inline price list; commitments have a term."""
    row = {"instance_type": name, "region": "here", "kind": kind, "hourly_usd": hourly_usd} | more
    if term_hours is not None:
        row |= {"term_hours": term_hours, "payment": payment}
    if upfront_usd is not None:
        row["upfront_usd"] = upfront_usd
    return row


def request_document(rates, demand, *, types=(), workloads=None, **parts):
    """A request document with its prices and its demand inline; one purchase date, gap 0.

    The plan is the cheapest one of all terms, not a simpler form of it; ``terms_hours`` of None in
    ``offers`` leaves terms to the rule.

    ``types`` describe machines beyond their names; without ``workloads`` each series of
    ``demand`` counts machines of the type of its name. With ``scenarios`` (their probabilities)
    ``demand`` holds the series of each.
    """
    sold = sorted({row["term_hours"] for row in rates if row.get("term_hours")})
    parts["offers"] = ({"terms_hours": sold} if sold else {}) | parts.get("offers", {})
    if "terms_months" in parts["offers"]:
        del parts["offers"]["terms_hours"]
    inline = "scenarios" if "scenarios" in parts else "series"
    series = next(iter(demand.values())) if "scenarios" in parts else demand
    described = {one["name"]: one for one in types}
    names = dict.fromkeys([*described, *(row["instance_type"] for row in rates)])
    workloads = workloads or [
        {"name": name, "needs": {"unit": "machines", "of": name}, "regions": ["here"]}
        for name in series
    ]
    return {
        "catalog": {
            "inline": {
                "name": "toy",
                "source": "written by hand",
                "as_of": "2026-01-01",
                "instance_types": [described.get(name, {"name": name}) for name in names],
                "rates": list(rates),
            }
        },
        "demand": {"inline": {"start": START, inline: demand}},
        "purchases": {"hours": [0]},
        "workloads": workloads,
        "simplify": "off",
        "solve": {"gap": 0},
    } | parts


def plan_of(rates, demand, *, folder=Path(), **parts):
    """The plan of such a request."""
    document = request_document(rates, demand, **parts)
    return make_plan(parse_request(document), Surroundings(folder=folder))


# Made once, for hypothesis draws many requests within one test function.
@pytest.fixture(scope="session")
def price():
    return rate


@pytest.fixture(scope="session")
def document():
    return request_document


@pytest.fixture(scope="session")
def planned():
    return plan_of
