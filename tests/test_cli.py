"""The command line as its users meet it: what it prints, what it writes, how it ends."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

import api.command.plans
from api.cli import app
from api.schemas import json_schema
from planner import Plan, Surroundings, make_plan, parse_request

RUNNER = CliRunner()
PLAN_FILES = {
    "plan.json", "mix.csv", "capacity.csv", "purchases.csv", "monthly.csv", "not_bought.csv",
    "plan.png",
}  # fmt: skip


def run(*words, text=None):
    return RUNNER.invoke(app, [str(word) for word in words], input=text)


@pytest.fixture
def toy(document, price):
    """Two days of one machine type; about half the price for those who commit to both."""
    rates = [
        price("m.big", "on_demand", 0.1),
        price("m.big", "reserved_standard", 0, 48, "all_upfront", 2.5),
        price("m.big", "reserved_standard", 0.09, 24, "no_upfront"),
    ]
    # SCIP is stopped where it runs; others run in a child process, which takes a while to start.
    solve = {"gap": 0, "solver": "scip"}
    return document(rates, {"m.big": [3, 2] * 24}, name="toy", solve=solve)


@pytest.fixture
def request_file(toy, tmp_path):
    path = tmp_path / "request.yaml"
    path.write_text(yaml.safe_dump(toy))
    return path


def written(tmp_path, content, name="request.yaml"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# A plan


def test_a_plan_is_told_in_80_columns_with_its_purchases_bill_and_proof(request_file):
    result = run("plan", request_file, "--quiet")

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "toy: buy 1 commitment on 2026-01-01" in result.stdout
    for said in (
        "2 ×",
        "Standard Reserved Instance",
        "m.big here",
        "Proven: this bill is at most",
        "2026-01",
        "not bought".title(),
    ):
        assert said.lower() in result.stdout.lower()
    assert result.stderr == ""


def test_what_terms_cost_beyond_the_horizon_is_told(toy, tmp_path):
    """Two reservations of 2.50 USD, half of whose term the horizon holds."""
    path = written(
        tmp_path, yaml.safe_dump(toy | {"horizon": {"hours": 24}, "offers": {"terms_hours": [48]}})
    )

    result = run("plan", path, "--quiet")

    assert "Terms reach beyond 2026-01-02: 2.50 USD, paid or owed" in result.stdout


def test_what_terms_cost_beyond_the_horizon_is_the_mean_over_futures(document, price, tmp_path):
    """4 USD of each of two reservations lie beyond, in one future of four: 2 USD, and no warning.

    In that future another 6 USD of each lie within.
    """
    rates = [price("m", "on_demand", 3), price("m", "reserved_standard", 1, 10)]
    asked = document(
        rates,
        {"high": {"m": [0] + [2] * 6}, "low": {"m": [0] * 7}},
        scenarios={"high": 0.25, "low": 0.75},
        information={"tree": [[["high"], ["low"]]]},
        purchases={"hours": [1]},
        horizon={"hours": 7},
    )

    result = run("plan", written(tmp_path, yaml.safe_dump(asked)), "--quiet")

    assert "Terms reach beyond 2026-01-01: 2.00 USD, paid or owed" in result.stdout
    assert "what is bought runs after it" not in result.stdout


def test_json_is_one_document_that_meets_its_schema_and_equals_the_planner_s_own(request_file, toy):
    result = run("plan", request_file, "--json")

    shown = json.loads(result.stdout)
    jsonschema.Draft202012Validator(json.loads(run("schema", "plan").stdout)).validate(shown)
    assert isinstance(shown["total_cost_usd"], float)
    today = Surroundings(now=datetime.now(UTC))
    expected = make_plan(parse_request(toy), today).model_dump(mode="json")
    for plan in (shown, expected):
        plan["solver"].pop("seconds"), plan["solver"].pop("build_seconds")
    assert shown == expected


def test_out_writes_the_plan_its_tables_and_its_picture(request_file, tmp_path):
    out = tmp_path / "new" / "folder"

    result = run("plan", request_file, "--json", "--out", out)

    assert {path.name for path in out.iterdir()} == PLAN_FILES
    assert json.loads((out / "plan.json").read_text()) == json.loads(result.stdout)
    plan = json.loads(result.stdout)
    with (out / "purchases.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["offer_id"] == plan["purchases"][0]["offer_id"]
    assert (row["start"], row["quantity"]) == ("2026-01-01T00:00:00Z", "2")
    assert (row["price_basis"], row["price_rule"]) == ("quoted", "")
    assert row["price_as_of"] == plan["purchases"][0]["price"]["as_of"]
    with (out / "not_bought.csv").open() as file:
        for told, other in zip(csv.DictReader(file), plan["not_bought"], strict=True):
            assert told["served_by"] == "; ".join(other["served_by"])
    assert (out / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_a_request_is_read_from_standard_input_and_its_options_overridden(toy):
    result = run("plan", "-", "--json", "--solver", "cbc", text=json.dumps(toy))

    assert json.loads(result.stdout)["solver"]["name"] == "cbc"


def test_demand_files_are_found_beside_the_request_or_from_the_current_folder(
    toy, tmp_path, monkeypatch
):
    folder = tmp_path / "requests"
    folder.mkdir()
    rows = "\n".join(f"2026-01-01T{hour:02}:00Z,{hour % 3}" for hour in range(24))
    (folder / "demand.csv").write_text(f"timestamp,m.big\n{rows}\n")
    (tmp_path / "other.csv").write_text(f"timestamp,m.big\n{rows.replace(',2', ',5')}\n")
    request = toy | {"demand": {"file": "demand.csv"}}
    path = written(folder, yaml.safe_dump(request))
    monkeypatch.chdir(tmp_path)

    beside = json.loads(run("plan", path, "--json").stdout)
    given = json.loads(run("plan", path, "--json", "--demand", "other.csv").stdout)

    assert beside["on_demand_cost_usd"] == pytest.approx(24 * 0.1)
    assert given["on_demand_cost_usd"] == pytest.approx(48 * 0.1)


def test_a_demand_file_takes_the_place_of_inline_demand(request_file, tmp_path):
    demand = written(tmp_path, "timestamp,m.big\n2026-01-01T00:00Z,7\n", "demand.csv")

    shown = json.loads(run("plan", request_file, "--json", "--demand", demand).stdout)

    assert shown["horizon"]["hours"] == 1


def test_progress_goes_to_stderr_and_leaves_json_alone(request_file, monkeypatch):
    def telling(request, around: Surroundings):
        from solvers import Progress

        around.progress(Progress(seconds=1.0, incumbent=200.0, bound=100.0))
        return plan_fleet(request, around)

    plan_fleet = api.command.plans.plan_fleet
    monkeypatch.setattr(api.command.plans, "plan_fleet", telling)

    told, quiet = run("plan", request_file, "--json"), run("plan", request_file, "--quiet")

    assert told.stderr == "solving 1 s: best plan 200 USD, bound 100 USD, gap 50.00%\n"
    assert json.loads(told.stdout)["name"] == "toy"
    assert quiet.stderr == ""


# Errors


BAD_FILES = {
    "a misspelt key": ("foo: 1", ["foo = 1: no such key; take it out", "demand = (absent)"]),
    "broken YAML": ("a: [1,\nb: }", ["line 2 = 'b: }': is not YAML"]),
    "a tab in YAML": ("a:\n\tb: 1", ["line 2 = 'b: 1': is not YAML"]),
    "a key twice": ("name: a\nname: b", ["line 2 = 'name: b': this key stands twice"]),
    "a nested key twice": ("a:\n  b: 1\n  b: 2", ["line 3 = 'b: 2': this key stands twice"]),
    "no mapping": ("- 1", ["request = [1]: "]),
    "nothing": ("", ["request = (empty): "]),
    "not UTF-8": (b"name: \xe9", ["line 1 = byte 0xe9: is not UTF-8"]),
    "a control character": ("name: \x00", ["character 0x00: is not allowed in YAML"]),
    "two documents": ("name: a\n---\nname: b", ["is not YAML"]),
    "a naive date": (
        "horizon: {start: 2026-01-01, end: 2026-01-02T00:00:00}",
        [
            "horizon.start = '2026-01-01': carries no offset; write one, such as 2026-01-01T00:00Z",
            "horizon.end = '2026-01-02T00:00:00': carries no offset",
        ],
    ),
    "a tag": ("name: !!python/object/apply:os.getcwd []", ["is not YAML"]),
    "endless nesting": ("[" * 3000, ["cannot be read as YAML"]),
}


@pytest.mark.parametrize(("content", "messages"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_faults_of_a_request_file_end_with_2_and_say_what_to_do(content, messages, tmp_path):
    result = run("plan", written(tmp_path, content))

    assert result.exit_code == 2
    assert result.stdout == ""
    for message in messages:
        assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1, "a": 2}', "a: this key stands twice"),
        ('{"a": NaN}', "NaN: is not JSON; write a finite number"),
        ('{"a": 1,}', "is not JSON"),
        ("[" * 200_000, "nesting beyond reason"),
        ('{"a": ' + "9" * 5000 + "}", "a number or a nesting beyond reason"),
    ],
)
def test_faults_of_a_json_file_end_with_2(content, message, tmp_path):
    result = run("plan", written(tmp_path, content, "request.json"))

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("name", "message"), [("absent.yaml", "no such file"), (".", "is a folder")]
)
def test_a_request_that_is_no_file_ends_with_2(name, message, tmp_path):
    result = run("plan", tmp_path / name)

    assert result.exit_code == 2
    assert message in result.stderr


def test_faults_of_options_are_told_with_those_of_the_request(request_file):
    result = run("plan", request_file, "--gap", "2", "--time-limit", "0", "--solver", "magic")

    assert result.exit_code == 2
    assert "solve.gap = 2.0" in result.stderr
    assert "solve.time_limit_s = 0" in result.stderr


def test_errors_of_json_runs_are_json_on_stderr(tmp_path):
    result = run("plan", written(tmp_path, "foo: 1"), "--json")

    problem = json.loads(result.stderr)
    assert result.stdout == ""
    assert (problem["type"], problem["exit_code"]) == ("invalid-input", 2)
    assert {fault["field"] for fault in problem["faults"]} == {"foo", "demand", "workloads"}


def test_limits_that_contradict_the_demand_end_with_3_and_write_nothing(toy, tmp_path):
    limits = {"upfront_budget_usd": 0, "coverage": {"at_least": 1.0}}
    offers = {"payments": ["all_upfront"]}
    path = written(tmp_path, yaml.safe_dump(toy | {"limits": limits, "offers": offers}))
    out = tmp_path / "out"

    result = run("plan", path, "--out", out)

    assert result.exit_code == 3
    assert "limits.upfront_budget_usd" in result.stderr
    assert "limits.coverage" in result.stderr
    assert not out.exists()


def test_a_bug_ends_with_1_and_shows_its_traceback_only_when_asked(request_file, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("of no use")

    monkeypatch.setattr(api.command.plans, "plan_fleet", broken)

    plain, debug = run("plan", request_file), run("plan", request_file, "--debug")

    assert (plain.exit_code, debug.exit_code) == (1, 1)
    assert "a bug in fleetplan: ZeroDivisionError: of no use" in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr


def test_an_out_that_is_a_file_is_refused_before_solving(request_file, monkeypatch):
    monkeypatch.setattr(api.command.plans, "plan_fleet", pytest.fail)

    result = run("plan", request_file, "--out", request_file)

    assert result.exit_code == 2
    assert "is a file; name a folder" in result.stderr


# Comparison, schemas, catalogues


def test_a_comparison_is_a_table_of_strategies_in_80_columns(request_file):
    result = run("compare", request_file, "--quiet")

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    # Two machines at 2.50 and 24 hours of a third at 0.10; at the peak that one too at 2.50.
    assert "optimum is cheapest, 7.40 USD; next is" in result.stdout
    assert "7.50" in result.stdout
    for strategy in ("on_demand", "reserved_at_peak", "one_year", "no_upfront"):
        assert strategy in result.stdout


def test_a_comparison_says_how_savings_range_and_when_to_order(document, price, tmp_path):
    """Of 20 futures 18 save 1 USD in each of 4 hours, one loses 1 in each, one saves none."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    futures = {f"f{at}": {"m": [level] * 4} for at, level in enumerate([1] * 18 + [0, 0.5])}
    asked = document(rates, futures, scenarios=dict.fromkeys(futures, 0.05))

    result = run("compare", written(tmp_path, yaml.safe_dump(asked)), "--quiet")

    saved = result.stdout.partition("Saving, USD")[2].splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in saved if line.strip()}
    assert rows["optimum"] == ["3.40", "0", "4.00", "2026-01-01"]
    assert rows["on_demand"] == ["0", "0", "0", "-"]


def test_a_printed_comparison_meets_its_schema(request_file):
    shown = json.loads(run("compare", request_file, "--json").stdout)

    jsonschema.Draft202012Validator(json_schema("comparison")).validate(shown)
    assert shown["cheapest"] == "optimum"


@pytest.mark.parametrize("name", ["request", "plan", "comparison", "catalog"])
def test_every_schema_is_one_of_draft_2020_12(name):
    schema = json.loads(run("schema", name).stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:fleetplan:{name}"
    assert schema["description"]


def test_requests_as_people_write_them_meet_the_request_schema(toy):
    schema = jsonschema.Draft202012Validator(json_schema("request"))

    schema.validate(toy)
    schema.validate(toy | {"catalog": "aws", "limits": {"upfront_budget_usd": 5000}})
    assert not schema.is_valid(toy | {"misspelt": 1})


def test_the_bundled_catalogue_is_listed_and_shown():
    listed = json.loads(run("catalog", "list", "--json").stdout)
    shown = json.loads(run("catalog", "show", "aws", "--json").stdout)

    assert shown in listed
    assert "aws" in run("catalog", "list").stdout
    assert shown["as_of"] in run("catalog", "show", "aws").stdout


def test_rates_of_every_operating_system_are_shown():
    words = ("catalog", "show", "azure", "--type", "Standard_D4s_v5", "--region", "francecentral")
    rates = json.loads(run(*words, "--json").stdout)
    assert len(rates) == 12
    windows = {one["kind"]: one["hourly_usd"] for one in rates if one["os"] == "windows"}
    assert windows == {"on_demand": 0.408, "spot": 0.041126}
    table = run(*words).stdout
    assert sum("windows" in line for line in table.splitlines()) == 2
    assert max(map(len, table.splitlines())) <= 80


def test_the_rates_of_a_type_are_shown_as_published():
    """AWS listed m5.2xlarge at 0.384 USD per hour in us-east-1 in 2025."""
    words = ("catalog", "show", "aws", "--type", "m5.2xlarge", "--region", "us-east-1")

    rates = json.loads(run(*words, "--json").stdout)

    (on_demand,) = [rate for rate in rates if rate["kind"] == "on_demand"]
    assert on_demand["hourly_usd"] == 0.384
    assert "0.38400" in run(*words).stdout


def test_a_machine_billed_by_its_parts_says_so():
    machine = run("catalog", "show", "gcp", "--type", "n2-standard-4", "--region", "us-central1")
    part = run("catalog", "show", "gcp", "--type", "n2/vcpu", "--region", "us-central1")

    assert "billed as 4 n2/vcpu, 16 n2/gib; commitments are to these" in machine.stdout
    assert "n2/vcpu in us-central1, USD per unit" in part.stdout
    assert "28 % off on demand, 1y" in part.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "nope"], "name one of aws"),
        (["show", "aws", "--type", "m5.2xlarg", "--region", "us-east-1"], "m5.2xlarge"),
        (["show", "aws", "--type", "m5.2xlarge", "--region", "moon-1"], "us-east-1"),
        (["show", "aws", "--type", "m5.2xlarge"], "--region = (absent)"),
        (["build", "--from", "no-such-folder", "--out", "x.parquet"], "aws_prices.parquet"),
        (
            ["build", "--provider", "gcp", "--from", "no-such-folder", "--out", "x.parquet"],
            "gcp_prices.parquet",
        ),
    ],
)
def test_faults_of_catalogue_commands_end_with_2(words, message):
    result = run("catalog", *words)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_server_refuses_what_makes_no_sense():
    for words in (["--port", "70000"], ["--max-time-limit", "0"], ["--examples", "no-such"]):
        result = run("serve", *words)
        assert result.exit_code == 2
        assert words[0] in result.stderr


def test_a_plan_without_purchases_is_told_plainly(toy, tmp_path):
    path = written(tmp_path, yaml.safe_dump(toy | {"offers": {"kinds": []}}))

    result = run("plan", path, "--quiet", "--out", tmp_path / "out")

    assert "toy: buy no commitment." in result.stdout
    assert Plan.model_validate_json((tmp_path / "out" / "plan.json").read_text()).purchases == ()
    assert Path(tmp_path / "out" / "purchases.csv").read_text().count("\n") == 1
