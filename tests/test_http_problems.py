"""Bad requests: every one is answered by a problem document that lists every fault."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import api.http.plans
from api.http.app import create_app
from api.http.settings import ServerSettings
from api.outcomes import outcome_of
from catalogs import InvalidInputError
from planner import InfeasibleError, NoPlanError, PlannerError, SolverFailureError

WEB = {"name": "web", "regions": ["us-east-1"], "needs": {"unit": "machines", "of": "m5.large"}}
INLINE = {"start": "2026-01-01T00:00Z", "series": {"web": [1, 2]}}


def asked(**parts: Any) -> dict[str, Any]:
    return {"demand": {"inline": INLINE}, "workloads": [WEB], **parts}


SETTINGS = ServerSettings(
    max_body_bytes=100_000, max_entries=1000, max_demand_cells=100, solvers=("highs", "scip")
)


@pytest.fixture(scope="module")
def client():
    return create_app(SETTINGS).test_client()


def check_problem(answer, status):
    """The five keys of the contract, and no sixth."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert list(answer.json) == ["type", "title", "status", "detail", "faults"]
    assert answer.json["status"] == status
    for fault in answer.json["faults"]:
        assert list(fault) == ["field", "value", "fix"]
        assert all(isinstance(text, str) for text in fault.values())
    return [fault["field"] for fault in answer.json["faults"]]


MALFORMED = {
    "nothing": (b"", ["line 1 column 1"]),
    "an object without end": (b'{"demand": ', ["line 1 column 12"]),
    "text after the document": (b"{} {}", ["line 1 column 4"]),
    "Latin-1": ('{"name": "é"}'.encode("latin-1"), ["byte 10"]),
    "not-a-number and infinities": (b'{"a": NaN, "b": [Infinity, -Infinity]}', ["body"] * 3),
    "numbers beyond 64 bits": (b'{"a": 1e999, "b": ' + b"9" * 5000 + b"}", ["body"] * 2),
    "keys that stand twice": (b'{"a": 1, "a": 2, "b": {"c": 1, "c": 2}}', ["c", "a"]),
    "deep nesting": (b"[" * 50_000 + b"]" * 50_000, ["body"]),
    "half a surrogate pair": (rb'{"\ud800": 1}', ["body"]),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_json_is_a_bad_request(client, case):
    body, places = MALFORMED[case]
    answer = client.post("/v1/plans", data=body, content_type="application/json")

    assert check_problem(answer, 400) == places


def test_no_more_faults_of_syntax_are_listed_than_an_answer_may_hold(client):
    body = b"[" + b"NaN," * 20_000 + b"1]"
    answer = client.post("/v1/plans", data=body, content_type="application/json")

    assert len(check_problem(answer, 400)) == 1000


FILE = {"file": "demand.csv"}
INVALID = {
    "no object": ([], ["request"]),
    "nothing in it": ({}, ["demand", "workloads"]),
    "files, and a wrong gap": (
        asked(demand=FILE, catalog={"file": "prices.yaml"}, solve={"gap": 2}),
        ["catalog.file", "demand.file", "solve.gap"],
    ),
    "a file beside inline demand": (asked(demand={**FILE, "inline": INLINE}), ["demand.file"]),
    "misspelt keys": (asked(horizn={}, solve={"gpa": 1}), ["solve.gpa", "horizn"]),
    "a solver not offered, and a negative step": (
        asked(solve={"solver": "cbc"}, commitment_step_usd=-1),
        ["solve.solver", "commitment_step_usd"],
    ),
    "seeds and threads out of range": (
        asked(solve={"seed": -1, "threads": 10**6}),
        ["solve.seed", "solve.threads"],
    ),
    "two sources of demand": (asked(demand={"inline": INLINE, "example": "x"}), ["demand"]),
    "negative demand": (
        asked(demand={"inline": {**INLINE, "series": {"web": [1, -2, 3, -4]}}}),
        ["demand.inline.series.web.1", "demand.inline.series.web.3"],
    ),
    "unknown names all over": (
        asked(catalog="azur", demand={"example": "none"}),
        ["catalog.name", "demand.example"],
    ),
    "too much demand in all scenarios": (
        asked(
            demand={
                "inline": {
                    "start": INLINE["start"],
                    "scenarios": {"low": {"web": [1] * 51}, "high": {"web": [1] * 50}},
                }
            },
            scenarios={"low": 0.5, "high": 0.5},
        ),
        ["demand.inline.scenarios"],
    ),
    "too much demand": (
        asked(demand={"inline": {**INLINE, "series": {"web": [1] * 101}}}),
        ["demand.inline.series"],
    ),
    "too many values": (asked(workloads=[1] * 1001), ["request"]),
    "text in numbers' place": (
        asked(demand={"inline": {**INLINE, "series": {"web": ["a", 1, None]}}}),
        ["demand.inline.series.web.0", "demand.inline.series.web.2"],
    ),
    "a span no calendar holds": (asked(horizon={"hours": 10**18}), None),
    "an hour before the first": (asked(horizon={"start": "0001-01-01T00:00+14:00"}), None),
}


@pytest.mark.parametrize("case", INVALID)
@pytest.mark.parametrize("path", ["/v1/plans", "/v1/comparisons", "/v1/forecasts"])
def test_every_invalid_value_is_listed_at_once(client, path, case):
    """Where the planner names the field is its own affair: those cases ask for a fault at all."""
    body, fields = INVALID[case]
    found = check_problem(client.post(path, json=body), 422)

    assert found
    assert fields is None or sorted(found) == sorted(fields)


def test_no_more_faults_of_values_are_listed_than_an_answer_may_hold():
    answer = (
        create_app(ServerSettings())
        .test_client()
        .post("/v1/plans", json=asked(workloads=[1] * 3000))
    )
    assert len(check_problem(answer, 422)) == 1001
    assert answer.json["faults"][-1]["value"] == "2000 more faults"


@pytest.mark.parametrize(
    ("error", "exit_code", "status"),
    [
        (InvalidInputError([]), 2, 422),
        (InfeasibleError((), ()), 3, 422),
        (NoPlanError("time_limit", 1.0, None), 4, 504),
        (SolverFailureError("gone"), 1, 500),
    ],
)
def test_every_kind_of_failure_has_its_exit_code_and_status(error, exit_code, status):
    assert outcome_of(error)[:2] == (exit_code, status)


def test_a_failure_not_in_the_table_is_a_bug():
    with pytest.raises(LookupError, match="no outcome for PlannerError"):
        outcome_of(PlannerError())


def test_a_fault_says_what_it_was_and_what_to_do(client):
    answer = client.post("/v1/plans", json=asked(demand=FILE))

    assert answer.json == {
        "type": "urn:fleetplan:problem:invalid-input",
        "title": "Input values are wrong",
        "status": 422,
        "detail": "every fault says where it is and what to do",
        "faults": [
            {
                "field": "demand.file",
                "value": "'demand.csv'",
                "fix": "the server reads no files; send it inline or name an example",
            }
        ],
    }


def test_a_file_that_is_named_is_never_touched(client, tmp_path, monkeypatch):
    """Neither opened nor looked for: an answer must not tell whether it exists."""
    there, absent = tmp_path / "demand.csv", tmp_path / "absent.csv"
    there.write_text("timestamp,web\n2026-01-01T00:00Z,1\n")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the disk was touched")

    for name in ("open", "read_text", "read_bytes", "exists", "stat"):
        monkeypatch.setattr(Path, name, refuse)
    answers = [
        client.post("/v1/plans", json=asked(demand={"file": str(file)})).json["faults"][0]["fix"]
        for file in (there, absent)
    ]
    assert answers[0] == answers[1]


def test_the_names_of_examples_lead_nowhere_else(tmp_path):
    (tmp_path / "demand.csv").write_text("timestamp,web\n2026-01-01T00:00Z,1\n")
    (tmp_path / "examples").mkdir()
    served = create_app(ServerSettings(examples=tmp_path / "examples")).test_client()

    for name in ("..", "../", str(tmp_path), ".", ""):
        answer = served.post("/v1/plans", json=asked(demand={"example": name}))
        assert check_problem(answer, 422) == ["demand.example"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_that_is_not_called_json_is_refused(client, kind):
    answer = client.post("/v1/plans", data=json.dumps(asked()), content_type=kind)

    check_problem(answer, 415)
    assert "application/json" in answer.json["detail"]


def test_a_compressed_body_is_refused(client):
    check_problem(client.post("/v1/plans", json=asked(), headers={"Content-Encoding": "gzip"}), 415)


def test_a_body_above_the_limit_is_refused(client):
    answer = client.post("/v1/plans", json=asked(name="x" * 100_000))

    check_problem(answer, 413)
    assert answer.json["detail"] == "send at most 100000 bytes"


def test_an_unknown_path_is_a_problem_too(client):
    check_problem(client.get("/v1/plan"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/plans", "POST"), ("DELETE", "/v1/catalogs", "GET"), ("PUT", "/healthz", "GET")],
)
def test_a_wrong_method_names_the_right_ones(client, method, path, allowed):
    answer = client.open(path, method=method)

    check_problem(answer, 405)
    assert allowed in answer.headers["Allow"].replace(" ", "").split(",")


def failing(monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api.http.plans, "make_plan", fail)
    return create_app(ServerSettings()).test_client().post("/v1/plans", json=asked())


def test_limits_that_conflict_are_named(client):
    body = asked(limits={"coverage": {"at_least": 0.9}}, offers={"kinds": []})
    answer = client.post("/v1/plans", json=body)

    assert check_problem(answer, 422) == ["limits.coverage.at_least", "offers"]
    assert answer.json["type"] == "urn:fleetplan:problem:infeasible"


def test_limits_in_conflict_without_names_say_whom_they_leave_unserved(monkeypatch):
    answer = failing(monkeypatch, InfeasibleError((), ("web",)))

    assert check_problem(answer, 422) == []
    assert "web" in answer.json["detail"]


def test_too_little_time_is_a_timeout_that_says_what_to_change(monkeypatch):
    answer = failing(monkeypatch, NoPlanError("time_limit", 3.0, 12.5))

    assert check_problem(answer, 504) == ["solve.time_limit_s"]


@pytest.mark.parametrize("error", [SolverFailureError("secret words"), KeyError("secret words")])
def test_what_breaks_is_logged_and_its_words_stay_inside(monkeypatch, caplog, error):
    with caplog.at_level(logging.ERROR):
        answer = failing(monkeypatch, error)

    check_problem(answer, 500)
    text = answer.get_data(as_text=True)
    assert "secret" not in text
    assert "Traceback" not in text
    assert "secret words" in caplog.text
    assert "Traceback" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3)
    ),
    max_leaves=8,
)
PLACES = [
    ("catalog",),
    ("demand",),
    ("demand", "inline"),
    ("demand", "inline", "start"),
    ("demand", "inline", "series"),
    ("demand", "timezone"),
    ("horizon",),
    ("limits",),
    ("offers",),
    ("owned",),
    ("purchases",),
    ("solve",),
    ("solve", "solver"),
    ("workloads",),
]


@settings(deadline=None, max_examples=60)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_no_document_whatever_breaks_the_server(client, place, value):
    """Faults in the documents' shape; small demand keeps the sound ones quick to plan."""
    body = json.loads(json.dumps(asked()))
    part = body
    for key in place[:-1]:
        part = part.setdefault(key, {})
    part[place[-1]] = value
    answer = client.post("/v1/plans", json=body)

    if answer.status_code != 200:
        assert answer.status_code in (400, 422)
        check_problem(answer, answer.status_code)


@settings(deadline=None, max_examples=100)
@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]",:1e-.\\uNaIn fty', max_size=40))
def test_no_bytes_whatever_break_the_server(client, body):
    answer = client.post("/v1/plans", data=body, content_type="application/json")

    check_problem(answer, 422 if answer.status_code == 422 else 400)
