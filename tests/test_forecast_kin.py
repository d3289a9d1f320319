"""Machine types that may replace one another: which series they are, and what moves."""

from pathlib import Path

import numpy as np
import pytest

from planner import forecast_demand, parse_request
from planner.forecasting import kin_by_region
from planner.forecasting.hazards import befall
from planner.forecasting.kin import Kin
from planner.prices import open_catalogs
from planner.request import Replacement

ALWAYS = Replacement(per_quarter=0.999999, shortest_days=1, longest_days=1)
NONE: dict[str, int] = {}
VCPUS = {"a.big": 4, "a.small": 2, "b.big": 8, "c.big": 4}


@pytest.fixture
def request_of(document, price):
    """A request of workloads by name: machine type and regions."""

    def make(workloads, vcpus=VCPUS, gpus=NONE, **parts):
        rates = [
            {**price(kind, "on_demand", 0.1), "region": region}
            for kind in VCPUS
            for region in ("here", "there")
        ]
        asked = document(rates, {name: [5.0] * 336 for name in workloads}, **parts)
        for one in asked["catalog"]["inline"]["instance_types"]:
            one |= {"gpus": gpus[one["name"]]} if one["name"] in gpus else {}
            if one["name"] in vcpus:
                one["vcpus"] = vcpus[one["name"]]
        asked["workloads"] = [
            {"name": name, "needs": {"unit": "machines", "of": kind}, "regions": list(regions)}
            for name, (kind, regions) in workloads.items()
        ]
        return parse_request(asked)

    return make


def kin_of(request):
    found = kin_by_region(request, open_catalogs(request, Path()))
    return {frozenset(one.types): dict(one.sizes) for one in found}


def test_types_that_share_a_region_are_kin_by_their_vcpus(request_of):
    here, there, both = ("here",), ("there",), ("here", "there")
    apart = {"web": ("a.big", here), "api": ("b.big", here), "far": ("c.big", there)}
    assert kin_of(request_of(apart)) == {frozenset({"web", "api"}): {"web": 4, "api": 8}}
    joined = {**apart, "bridge": ("a.small", both)}
    sizes = {"web": 4, "api": 8, "far": 4, "bridge": 2}
    assert kin_of(request_of(joined)) == {frozenset(sizes): sizes}


def test_one_type_has_no_kin_nor_have_series_kept_together(request_of):
    here = ("here",)
    assert kin_of(request_of({"web": ("a.big", here), "api": ("a.big", here)})) == {}
    mixed = {"web": ("a.big", here), "api": ("b.big", here), "old": ("c.big", here)}
    together = {"together": [["web", "api"]]}
    assert kin_of(request_of(mixed, forecast=together)) == {}


def test_machines_with_gpus_are_replaced_by_such_alone_and_counted_in_them(request_of):
    here = ("here",)
    mixed = {"web": ("a.big", here), "api": ("a.small", here), "train": ("b.big", here),
             "infer": ("c.big", here)}  # fmt: skip
    assert kin_of(request_of(mixed, gpus={"b.big": 8, "c.big": 1})) == {
        frozenset({"web", "api"}): {"web": 4, "api": 2},
        frozenset({"train", "infer"}): {"train": 8, "infer": 1},
    }
    assert kin_of(request_of(mixed, gpus={"a.small": 1, "b.big": 8, "c.big": 1})).keys() == {
        frozenset({"api", "train", "infer"})
    }


def test_machine_moves_for_machine_where_no_vcpus_are_told(request_of):
    workloads = {"web": ("a.big", ("here",)), "api": ("b.big", ("here",))}
    found = kin_of(request_of(workloads, vcpus={"a.big": 4}))
    assert found == {frozenset(workloads): {"web": 1, "api": 1}}


def test_what_moves_needs_as_many_vcpus_as_before():
    """The old type's 6 machines of 4 vCPUs become 3 of 8; the young heir stays."""
    kin = Kin({"old": "a", "new": "b"}, {"old": 4.0, "new": 8.0})
    hours = 200 * 24
    series = {"old": np.full((4, hours), 6.0), "new": np.full((4, hours), 1.0)}
    ages = {"old": 20_000, "new": 100}

    after = befall(series, [ALWAYS], ages=ages, kin=[kin], seed=1)

    moved = after["old"][:, -1] == 0
    assert moved.any()
    assert (after["new"][moved, -1] == 1 + 6 * 4 / 8).all()
    worth = 4 * after["old"] + 8 * after["new"]
    assert worth == pytest.approx(np.full_like(worth, 6 * 4 + 8))


def test_series_of_one_type_are_replaced_by_another_type_alone():
    kin = Kin({"web": "a", "api": "a", "new": "b"}, {"web": 1.0, "api": 1.0, "new": 1.0})
    series = {name: np.full((2, 24 * 200), 5.0) for name in kin.types}

    after = befall(series, [ALWAYS], ages={"web": 9000, "api": 9000, "new": 10}, kin=[kin], seed=1)

    assert all((after[name] <= 5).all() for name in ("web", "api"))
    assert (after["new"][:, -1] > 5).any()


@pytest.mark.parametrize("hazards", [None, []])
def test_futures_of_a_forecast_hold_replacements_but_where_hazards_are_off(request_of, hazards):
    forecast = {"paths": 16} | ({} if hazards is None else {"hazards": hazards})
    workloads = {"web": ("a.big", ("here",)), "api": ("b.big", ("here",))}
    asked = request_of(workloads, forecast=forecast, horizon={"hours": 2 * 8760})

    futures = forecast_demand(asked).futures.demand

    ended = futures.series["web"].reshape(16, -1)[:, -1] == 0
    assert ended.any() == (hazards is None)
