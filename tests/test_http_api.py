"""The JSON API over Flask's test client: answers, limits, and what it says about itself."""

import threading
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

import api.http.plans
from api.http.app import create_app
from api.http.settings import ServerSettings
from planner import SolverFailureError, Surroundings, make_plan, parse_request

WEB = {"name": "web", "regions": ["us-east-1"], "needs": {"unit": "machines", "of": "m5.large"}}


def asked(**parts: Any) -> dict[str, Any]:
    """Two days of a web tier, at least two machines of it always on."""
    demand = {"inline": {"start": "2026-01-01T00:00Z", "series": {"web": [2, 4, 5, 3] * 12}}}
    return {"demand": demand, "workloads": [WEB], **parts}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    (folder / "tiny").mkdir()
    rows = "".join(f"2026-01-01T{hour:02}:00Z,web,3\n" for hour in range(24))
    (folder / "tiny" / "demand.csv").write_text("timestamp,workload,value\n" + rows)
    return folder


@pytest.fixture(scope="module")
def client(examples):
    return create_app(ServerSettings(examples=examples)).test_client()


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json


def without_seconds(plan):
    timed = {"seconds": 0, "build_seconds": 0}
    return {**plan, "solver": {**plan["solver"], **timed}}


def test_the_plan_over_http_is_the_planners_own(client):
    request = asked(solve={"time_limit_s": 60})
    answer = client.post("/v1/plans", json=request)

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    today = Surroundings(now=datetime.now(UTC))
    own = make_plan(parse_request(request), today).model_dump(mode="json")
    assert without_seconds(answer.json) == without_seconds(own)
    assert list(answer.json) == list(own), "keys keep their order"


def test_the_cost_is_the_cheapest_of_every_number_of_reservations(client):
    """Prices by hand: 0.10 on demand, a reservation 0.06, demand 2, 4, 5, 3 machines."""
    row = {"instance_type": "box", "region": "here"}
    term = {"kind": "reserved_standard", "term_hours": 48, "payment": "no_upfront"}
    rates = [
        {**row, "kind": "on_demand", "hourly_usd": 0.10},
        {**row, **term, "hourly_usd": 0.06},
    ]
    prices = {
        "name": "own",
        "source": "by hand",
        "as_of": "2026-01-01",
        "instance_types": [{"name": "box"}],
        "rates": rates,
    }
    workload = {"name": "web", "regions": ["here"], "needs": {"unit": "machines", "of": "box"}}
    answer = client.post("/v1/plans", json=asked(catalog={"inline": prices}, workloads=[workload]))

    def bill(reserved: int) -> float:
        return sum(0.06 * reserved + 0.10 * max(0, used - reserved) for used in [2, 4, 5, 3] * 12)

    reserved = min(range(6), key=bill)
    head = answer.json["headline"]
    assert answer.json["total_cost_usd"] == pytest.approx(bill(reserved))
    assert head["cash_first_quarter_usd"] == pytest.approx(bill(reserved))
    assert head["commitment_total_usd"] == pytest.approx(0.06 * 48 * reserved)
    assert head["savings_usd"]["mean"] == pytest.approx(bill(0) - bill(reserved))


def test_a_comparison_names_the_cheapest_strategy(client):
    answer = client.post("/v1/comparisons", json=asked())

    costs = {one["strategy"]: one["total_cost_usd"] for one in answer.json["strategies"]}
    assert answer.status_code == 200
    assert costs[answer.json["cheapest"]] == min(costs.values())
    cash = {one["strategy"]: one["headline"]["cash_usd"] for one in answer.json["strategies"]}
    assert cash["on_demand"] == costs["on_demand"]
    assert cash["reserved_at_peak"] > costs["reserved_at_peak"]  # a year's upfront for two days


def test_demand_may_be_an_example_of_the_server(client):
    answer = client.post("/v1/plans", json=asked(demand={"example": "tiny"}))

    assert answer.status_code == 200
    assert answer.json["horizon"]["hours"] == 24


@pytest.mark.parametrize(("asked_s", "given_s"), [(None, 7.0), (500, 7.0), (3, 3.0)])
def test_the_time_limit_is_capped(monkeypatch, asked_s, given_s):
    seen = []

    def note(request, _):
        seen.append(request.solve.time_limit_s)
        raise SolverFailureError("enough seen")

    monkeypatch.setattr(api.http.plans, "make_plan", note)
    client = create_app(ServerSettings(max_time_limit_s=7)).test_client()
    client.post("/v1/plans", json=asked(solve={"time_limit_s": asked_s}))
    assert seen == [given_s]


def test_a_request_without_a_solver_gets_the_servers_first():
    settings = ServerSettings(solvers=("scip", "highs"))
    answer = create_app(settings).test_client().post("/v1/plans", json=asked())

    assert answer.json["solver"]["name"] == "scip"


def test_a_request_that_finds_no_free_seat_is_told_when_to_come_back(monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def wait(*_):
        began.set()
        go_on.wait(10)
        raise SolverFailureError("waited")

    monkeypatch.setattr(api.http.plans, "make_plan", wait)
    app = create_app(ServerSettings(max_concurrent_solves=1))
    statuses: list[int] = []

    def first() -> None:
        statuses.append(app.test_client().post("/v1/plans", json=asked()).status_code)

    thread = threading.Thread(target=first)
    thread.start()
    assert began.wait(10)
    busy = app.test_client().post("/v1/plans", json=asked())
    health = app.test_client().get("/healthz")
    go_on.set()
    thread.join()
    after = app.test_client().post("/v1/plans", json=asked())

    assert (busy.status_code, busy.content_type) == (503, "application/problem+json")
    assert int(busy.headers["Retry-After"]) > 0
    assert health.status_code == 200
    assert [*statuses, after.status_code] == [500, 500], "a failed solve gives its seat back"


def test_catalogues_are_listed_and_described(client):
    listed = client.get("/v1/catalogs").json["catalogs"]
    one = client.get("/v1/catalogs/aws").json

    assert [catalog["name"] for catalog in listed] == ["aws", "azure", "gcp"]
    assert listed[0] == one
    assert sum(one["rates_by_kind"].values()) == one["rates"]


def test_an_unknown_catalogue_is_not_found_and_the_known_are_named(client):
    answer = client.get("/v1/catalogs/oracle")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert "aws" in answer.json["detail"]


def test_the_document_is_openapi_3_1_whose_references_resolve(document):
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "fleetplan"
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert "$defs" not in schema, f"{name} hides definitions"
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


def references(part):
    if isinstance(part, dict):
        found = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return found + [one for value in part.values() for one in references(value)]
    if isinstance(part, list):
        return [one for value in part for one in references(value)]
    return []


def test_the_document_lists_every_resource_and_its_errors(document):
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        ("post", "/v1/plans"),
        ("post", "/v1/comparisons"),
        ("post", "/v1/forecasts"),
        ("get", "/v1/catalogs"),
        ("get", "/v1/catalogs/{name}"),
        ("get", "/healthz"),
    }
    assert len({one["operationId"] for one in operations.values()}) == len(operations)
    for operation in operations.values():
        for status, answer in operation["responses"].items():
            kind = "application/json" if status == "200" else "application/problem+json"
            assert list(answer["content"]) == [kind]
    assert {"400", "413", "415", "422", "500", "503", "504"} < set(
        operations["post", "/v1/plans"]["responses"]
    )


CALLS = [
    ("post", "/v1/plans", "/v1/plans", asked()),
    ("post", "/v1/plans", "/v1/plans", asked(solve={"gap": 7})),
    ("post", "/v1/plans", "/v1/plans", asked(demand={"example": "none"})),
    ("post", "/v1/comparisons", "/v1/comparisons", asked()),
    ("post", "/v1/forecasts", "/v1/forecasts", asked(horizon={"hours": 48})),
    ("post", "/v1/forecasts", "/v1/forecasts", asked(forecast={"holidays": ["XX"]})),
    ("get", "/v1/catalogs", "/v1/catalogs", None),
    ("get", "/v1/catalogs/aws", "/v1/catalogs/{name}", None),
    ("get", "/v1/catalogs/gcp", "/v1/catalogs/{name}", None),
    ("get", "/healthz", "/healthz", None),
]


@pytest.mark.parametrize(("method", "url", "path", "body"), CALLS)
def test_real_answers_are_what_the_document_promises(client, document, method, url, path, body):
    answer = client.open(url, method=method.upper(), json=body)

    promised = document["paths"][path][method]["responses"][str(answer.status_code)]
    schema = promised["content"][answer.mimetype]["schema"]
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(answer.json)


def test_the_documents_request_schema_takes_requests_and_refuses_files(document, client):
    reference = document["paths"]["/v1/plans"]["post"]["requestBody"]["content"]
    schema = reference["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    published = jsonschema.Draft202012Validator(client.get("/v1/schemas/request").json)

    for one in (validator, published):
        assert one.is_valid(asked())
        assert not one.is_valid(asked(demand={"file": "demand.csv"}))
        assert not one.is_valid(asked(solve={"gap": 7}))
        assert not one.is_valid(asked(wrokloads=[]))


def test_the_page_is_served_from_here_alone(client):
    """The bundle holds addresses in its texts; the policy keeps the page from asking any."""
    page = client.get("/docs")
    text, policy = page.get_data(as_text=True), page.headers["Content-Security-Policy"]

    assert "//" not in text
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "*" not in policy
    start = client.get("/docs/start.js").get_data(as_text=True)
    assert "//" not in start
    assert "validatorUrl: null" in start
    for part in ("start.js", "ui/js/swagger-ui-bundle.js", "ui/css/swagger-ui.css"):
        assert f"docs/{part}" in text
        with client.get(f"/docs/{part}") as served:
            assert served.status_code == 200


def test_the_root_leads_to_the_page(client):
    answer = client.get("/")

    assert (answer.status_code, answer.location) == (302, "/docs")
