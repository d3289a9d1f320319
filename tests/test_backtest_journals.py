"""Stopped, torn, shared among processes: a back-test comes to the same result."""

import json
import threading

import numpy as np
import pytest

from catalogs import InvalidInputError
from planner import (
    BacktestStoppedError,
    InfeasibleError,
    Surroundings,
    local_workers,
    parse_request,
)
from planner.backtest import Journal, backtest

SHOCK = {"shock": {"at": "2026-01-05T00:00Z", "factor": 2}}


@pytest.fixture
def request_(document, price):
    """Ten days of history, of which seven are walked; dates every other day."""
    draw = np.random.default_rng(5)
    hours = np.round(20 + 5 * np.sin(np.arange(240) / 24 * 2 * np.pi) + draw.normal(0, 2, 240), 3)
    rates = [
        price("m", "on_demand", 1),
        price("m", "reserved_standard", "0.7", 48),
        price("m", "savings_plan_compute", "0.5", 120),
    ]
    rules = {
        "start": "2026-01-04T00:00Z", "purchases": {"every_hours": 48},
        "courses": ["as_recorded", {"reversed": True}], "look_back_days": 1, "trailing_weeks": 1,
    }  # fmt: skip
    return parse_request(document(rates, {"m": hours.tolist()}, backtest=rules))


def figures(report):
    """A report without the seconds it took."""
    shown = report.model_dump(mode="json")
    for course in shown["courses"]:
        for one in course["policies"]:
            del one["seconds"]
    return shown


def test_a_stopped_run_goes_on_from_its_journal_to_the_same_result(request_, tmp_path):
    """Stopped after the first stretch of decisions; the second run makes only the others."""
    uninterrupted = backtest(request_)
    path, stop, steps = tmp_path / "journal.jsonl", threading.Event(), []

    def first(standing):
        steps.append(standing)
        stop.set()

    with pytest.raises(BacktestStoppedError, match=r"stopped after \d+ of \d+ decisions; run it"):
        backtest(request_, Surroundings(stop=stop), journal=Journal(path), told=first)
    kept = path.read_text()
    assert len(kept.splitlines()) == steps[0].done < steps[0].decisions

    again = []
    report = backtest(request_, journal=Journal(path), told=again.append)
    assert figures(report) == figures(uninterrupted)
    assert path.read_text().startswith(kept)
    assert again[0].done > steps[0].done
    assert again[-1].done == again[-1].decisions == len(path.read_text().splitlines())
    # Six policies that decide, over two courses; each walk counts the same.
    assert (again[-1].over, again[-1].walks, again[-1].share) == (12, 12, 1.0)
    shares = [one.share for one in (*steps, *again)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(1 / 12)


def test_a_finished_journal_leaves_nothing_to_decide(request_, tmp_path):
    path, told = tmp_path / "journal.jsonl", []
    first = backtest(request_, journal=Journal(path))
    second = backtest(request_, journal=Journal(path), told=told.append)
    assert told == []
    assert second == first  # the seconds too: they are those of the first run


def test_a_torn_last_line_is_dropped(request_, tmp_path):
    path = tmp_path / "journal.jsonl"
    whole = backtest(request_, journal=Journal(path))
    content = path.read_bytes()
    path.write_bytes(content[:-40])

    report = backtest(request_, journal=Journal(path))

    assert figures(report) == figures(whole)
    assert len(path.read_bytes().splitlines()) == len(content.splitlines())


def test_a_line_that_is_no_decision_is_told_by_its_number(request_, tmp_path):
    path = tmp_path / "journal.jsonl"
    backtest(request_, journal=Journal(path))
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(InvalidInputError, match=r"journal\.jsonl line 1 = '\{\}': is no decision"):
        Journal(path)


@pytest.mark.parametrize(
    "change",
    [
        {"look_back_days": 2},
        {"courses": ["as_recorded", SHOCK | {"name": "reversed"}]},
    ],
    ids=["a policy's parameter", "a course of the same name"],
)
def test_decisions_of_another_question_are_not_taken_over(request_, tmp_path, change):
    path = tmp_path / "journal.jsonl"
    backtest(request_, journal=Journal(path))
    rules = type(request_.backtest).model_validate(
        request_.backtest.model_dump(mode="json", exclude_unset=True) | change
    )
    changed = request_.model_copy(update={"backtest": rules})

    report = backtest(changed, journal=Journal(path))

    assert figures(report) == figures(backtest(changed))


def test_another_choice_of_policies_takes_over_what_is_decided(request_, tmp_path):
    path, told = tmp_path / "journal.jsonl", []
    backtest(request_, journal=Journal(path))
    rules = request_.backtest.model_copy(update={"policies": ("look_back",)})
    backtest(
        request_.model_copy(update={"backtest": rules}), journal=Journal(path), told=told.append
    )
    assert told == []


def test_walks_shared_among_processes_come_to_the_same_result(request_, tmp_path):
    alone = backtest(request_)
    path = tmp_path / "journal.jsonl"
    with local_workers(2) as workers:
        shared = backtest(request_, Surroundings(workers=workers), journal=Journal(path))
    assert figures(shared) == figures(alone)
    decisions = [json.loads(line)["record"] for line in path.read_text().splitlines()]
    assert len(decisions) == sum(
        one.decisions for course in alone.courses for one in course.policies
    )


def test_a_fault_in_a_process_is_told_as_in_this_one(request_):
    limits = request_.limits.model_validate({"coverage": {"at_least": 1.0}})
    impossible = request_.model_copy(
        update={"limits": limits, "offers": request_.offers.model_copy(update={"kinds": ()})}
    )
    with local_workers(1) as workers, pytest.raises(InfeasibleError, match="coverage"):
        backtest(impossible, Surroundings(workers=workers))
