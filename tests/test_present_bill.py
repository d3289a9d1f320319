"""The present bill beside the plan and its strategies: made-up bills, added up by hand."""

import json
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from api.cli import app
from api.command.comparison import headline, show_comparison
from api.command.pictures import title
from api.http.posted import parse_posted
from api.http.settings import ServerSettings
from catalogs import InvalidInputError
from planner import Surroundings, compare, inline_present_bill, make_plan, parse_request

HOURS = 24
JANUARY_HOURS, FEBRUARY_HOURS = 744, 672


def month(name, effective, listed, committed=0.0, unused=0.0, provider="custom"):
    return {
        "month": name, "provider": provider, "effective_usd": effective, "listed_usd": listed,
        "committed_usd": committed, "unused_usd": unused,
    }  # fmt: skip


def bill(months, start="2026-01-01T00:00Z", end="2026-01-02T00:00Z", provider="custom"):
    hours = [{"provider": provider, "start": start, "end": end}]
    return {"inline": {"months": months, "hours": hours}}


@pytest.fixture
def asked(document, price):
    """A request of ten machines at 1 USD for some hours, beside a bill."""

    def request(present, hours=HOURS, **parts):
        demand = {"m": [10.0] * hours}
        if "scenarios" in parts:
            demand = dict.fromkeys(parts["scenarios"], demand)
        return document([price("m", "on_demand", 1.0)], demand, present_bill=present, **parts)

    return request


def present_of(document):
    """The present bill in a comparison, and the strategy made of it."""
    found = compare(parse_request(document))
    strategy = next(one for one in found.strategies if one.strategy == "present_bill")
    return found.present_bill, strategy


def test_a_bill_of_the_hours_planned_is_what_they_cost(asked):
    """200 USD, 80 of them committed, 20 of these unused: 75 % used; 240 USD on demand."""
    present, strategy = present_of(asked(bill([month("2026-01", 200, 240, 80, 20)])))
    assert (present.basis, strategy.status) == ("same_hours", "billed")
    assert (strategy.total_cost_usd, strategy.commitment_usd, strategy.on_demand_usd) == (
        200, 80, 120,
    )  # fmt: skip
    assert strategy.savings_share == pytest.approx(40 / 240)
    assert strategy.utilization == pytest.approx(0.75)
    assert (present.unused_commitment_usd, present.unused_commitment_share) == (20, 0.25)


def test_whole_months_out_of_a_longer_bill_count_by_themselves(asked):
    months = [month("2025-12", 9, 9), month("2026-01", 5000, 7440), month("2026-02", 1, 1)]
    long = bill(months, "2025-12-01T00:00Z", "2026-03-01T00:00Z")
    present, strategy = present_of(asked(long, JANUARY_HOURS))
    assert (present.basis, present.months) == ("same_hours", "2026-01")
    assert strategy.total_cost_usd == 5000


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2026-01-01T00:00Z", "2026-01-15T00:00Z", "other hours of the month are in it too"),
        ("2025-12-01T00:00Z", "2025-12-03T00:00Z", "it is older"),
        ("2026-01-01T20:00Z", "2026-01-01T22:00Z", None),
    ],
)
def test_a_bill_of_other_hours_lends_its_saving_rate(asked, start, end, why):
    """It saved a quarter: 10 machines of 24 hours then cost 180 USD of 240."""
    name = start[:7]
    present, strategy = present_of(asked(bill([month(name, 75, 100, 50, 10)], start, end)))
    if why is None:  # the machines stood still in the rest of the day
        assert (present.basis, strategy.status) == ("same_hours", "billed")
        return
    assert (present.basis, strategy.status) == ("saving_rate", "scaled")
    assert float(strategy.total_cost_usd) == pytest.approx(180)
    assert strategy.savings_share == pytest.approx(0.25)
    assert (strategy.commitment_usd, strategy.upfront_cash_usd) == (None, None)
    assert strategy.description == (
        f"the saving rate of custom in {name}, 25.0%, on this demand; 10.00 USD (20.0%) of its "
        "commitments were left unused"
    )


def test_no_bill_is_of_several_futures(asked):
    parts = {"scenarios": {"a": 0.5, "b": 0.5}}
    present, strategy = present_of(asked(bill([month("2026-01", 200, 240)]), **parts))
    assert present.basis == "saving_rate"
    assert float(strategy.total_cost_usd) == pytest.approx(200)


def test_no_bill_is_of_a_future_drawn_though_one_stands_for_all(asked):
    """The month after the demand's is forecast: a bill of that month says how much was saved."""
    february = bill([month("2026-02", 75, 100)], "2026-02-01T00:00Z", "2026-03-01T00:00Z")
    forecast = {"paths": 4, "scenarios": 1, "hazards": []}
    document = asked(february, JANUARY_HOURS, forecast=forecast, horizon={"hours": 28 * 24})
    present, strategy = present_of(document)
    assert (present.basis, strategy.status) == ("saving_rate", "scaled")
    assert strategy.savings_share == pytest.approx(0.25)
    # What never changed yet may: the one future lies a little off.
    assert float(strategy.total_cost_usd) == pytest.approx(0.75 * 10 * 28 * 24, rel=0.1)


def test_a_bill_without_list_prices_of_other_hours_tells_nothing(asked):
    document = asked(bill([month("2026-01", 200, 0)], end="2026-01-20T00:00Z"))
    present, strategy = present_of(document)
    assert (present.total_cost_usd, present.saving_rate) == (None, None)
    assert (strategy.status, strategy.total_cost_usd) == ("no_rate", None)
    text = headline(compare(parse_request(document)))
    assert text.endswith("The present bill has no list prices to compare by.")


def test_the_present_bill_is_never_the_cheapest_and_changes_no_plan(asked):
    cheap = asked(bill([month("2026-01", 1, 240)]))
    found = compare(parse_request(cheap))
    assert found.strategies[0].strategy == "present_bill"
    assert found.cheapest == "optimum"
    plan = make_plan(parse_request(cheap))
    assert plan.total_cost_usd == 240
    assert plan.present_bill == found.present_bill
    assert "  present bill                      1.00 USD" in str(plan).splitlines()
    assert title(plan).endswith(", present bill 1.00 USD")


def test_what_is_owned_is_not_part_of_what_the_rate_is_taken_of(asked):
    owned = {
        "id": "old", "kind": "reserved_standard", "instance_type": "m", "region": "here",
        "quantity": 2, "hourly_usd": 0.5, "payment": "no_upfront",
        "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z",
    }  # fmt: skip
    other = bill([month("2026-01", 75, 100)], end="2026-01-20T00:00Z")
    _, strategy = present_of(asked(other, owned=[owned]))
    assert float(strategy.total_cost_usd) == pytest.approx(180)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        ([month("2026-01", 200, 300)], "they may not be of the same machines"),
        ([month("2026-01", 200, 240)], None),
    ],
)
def test_a_bill_of_other_machines_than_the_demand_is_doubted(asked, months, words):
    plan = make_plan(parse_request(asked(bill(months))))
    said = [one for one in plan.warnings if one.startswith("present_bill")]
    assert bool(said) == (words is not None)
    assert all(words in one for one in said)


def test_it_reads_well_in_80_columns(asked):
    found = compare(parse_request(asked(bill([month("2026-01", 200, 240, 80, 20)]))))
    console = Console(width=80, record=True, file=StringIO(), highlight=False)
    show_comparison(console, found)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert max(map(len, lines)) <= 80
    assert lines[:2] == [
        "plan: optimum is cheapest, 240.00 USD; next is on_demand, as cheap. The present",
        "bill is 200.00 USD, 40.00 USD less.",
    ]
    row = next(line for line in lines if line.startswith("present_bill  "))
    assert row.split() == ["present_bill", "200.00", "16.7%", "-", "-", "75.0%", "-"]
    text = " ".join(lines)
    assert (
        "present_bill: as custom in 2026-01 billed the same hours; 20.00 USD (25.0%) of its "
        "commitments were left unused"
    ) in text


def test_of_several_providers_those_asked_for_count(asked):
    both = bill([month("2026-01", 200, 240), month("2026-01", 7, 8, provider="aws")])
    both["inline"]["hours"] += bill([], provider="aws")["inline"]["hours"]
    assert present_of(asked(both))[0].effective_usd == 207
    assert present_of(asked(both | {"providers": ["custom"]}))[0].effective_usd == 200


# A bill of Amazon's, from the file to the comparison.

HEADER = (
    "lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/UsageAmount,"
    "lineItem/UnblendedCost,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAccountId,"
    "lineItem/CurrencyCode,product/regionCode,pricing/unit,pricing/publicOnDemandCost,"
    "reservation/ReservationARN,reservation/EffectiveCost,reservation/UnusedQuantity,"
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,reservation/UnusedRecurringFee"
)


def cost_and_usage(currency="USD"):
    """A day: four machines on demand at 0.096, three covered at 0.06; one reserved stands idle."""
    at = f"111,{currency},us-east-1,Hrs"
    rows = [HEADER]
    for hour in range(24):
        start = f"2025-05-01T{hour:02}:00:00Z"
        end = f"2025-05-01T{hour + 1:02}:00:00Z" if hour < 23 else "2025-05-02T00:00:00Z"
        machine = f"AmazonEC2,BoxUsage:m5.large,{at}"
        rows.append(f"Usage,{start},{end},4,0.384,{machine},0.384,,,,,")
        rows.append(f"DiscountedUsage,{start},{end},3,0,{machine},0.288,ri-1,0.18,,,")
    fee = f"AmazonEC2,HeavyUsage:m5.large,{at},,ri-1,,24,0,1.44"
    rows.append(f"RIFee,2025-05-01T00:00:00Z,2025-05-02T00:00:00Z,96,5.76,{fee}")
    return "\n".join([*rows, ""])


def imported(folder, currency="USD"):
    file = folder / "cur.csv"
    file.write_text(cost_and_usage(currency), encoding="utf-8")
    result = run("usage", "import", file, "--out", folder / "past", "--quiet")
    assert result.exit_code == 0, result.output
    return folder / "past"


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_an_imported_bill_stands_beside_the_strategies_for_it(tmp_path):
    """4 x 0.096 x 24 = 9.216 on demand, 0.18 x 24 = 4.32 covered, 0.06 x 24 = 1.44 idle."""
    past = imported(tmp_path)
    result = run("compare", past / "request.yaml", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    present = found["present_bill"]
    assert present["basis"] == "same_hours"
    assert present["total_cost_usd"] == pytest.approx(9.216 + 4.32 + 1.44)
    assert present["on_demand_equivalent_usd"] == pytest.approx(7 * 0.096 * 24)
    assert present["unused_commitment_usd"] == pytest.approx(1.44)
    assert present["unused_commitment_share"] == pytest.approx(0.25)
    assert found["strategies"][0]["total_cost_usd"] == present["total_cost_usd"]

    text = run("plan", past / "request.yaml", "--quiet").stdout
    assert "Present bill: 14.98 USD, as aws in 2025-05 billed the same hours; 1.44 USD" in text

    inline = json.loads(run("inline", past / "request.yaml").stdout)
    posted = parse_posted(inline, ServerSettings())
    assert json.loads(compare(posted).model_dump_json())["present_bill"] == present


def test_a_bill_in_another_currency_is_imported_without_and_refused_with_a_reason(tmp_path):
    past = imported(tmp_path, "EUR")
    text = (past / "request.yaml").read_text(encoding="utf-8")
    assert "\npresent_bill:" not in text
    assert "# no present_bill: it is in EUR, plans are in USD" in text
    with (past / "request.yaml").open("a", encoding="utf-8") as file:
        file.write("present_bill: baseline.json\n")
    result = run("plan", past / "request.yaml", "--quiet")
    assert result.exit_code == 2
    assert "present_bill.file" in result.output
    assert "EUR" in result.output


# What is refused.


def faults_of(document, folder):
    with pytest.raises(InvalidInputError) as caught:
        make_plan(parse_request(document), Surroundings(folder=folder))
    return [(fault.field, fault.fix) for fault in caught.value.faults]


ANEW = "is no baseline.json of `fleetplan usage import`; import the bills anew"
BASELINE = {
    "currency": "USD",
    "months": [
        {"month": "2026-01", "provider": "custom", "is_compute": True, "effective": 1,
         "listed": 2, "committed": 0, "unused": 0},
    ],
    "pools": [
        {"provider": "custom", "first_hour": "2026-01-01T00:00:00Z",
         "last_hour": "2026-01-01T23:00:00Z"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "fix"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", ANEW),
        ("[]", f"{ANEW}: document (Input should be a valid dictionary or instance of _Baseline)"),
        ({"currency": "USD", "months": []}, f"{ANEW}: pools (Field required)"),
        (
            BASELINE | {"months": [{"month": "2026-01", "provider": "custom",
                                    "is_compute": True, "effective": 1, "listed": 2}]},
            f"{ANEW}: months.0.committed (Field required)",
        ),
        (
            BASELINE | {"months": [BASELINE["months"][0] | {"is_compute": False}]},
            "the bills have none; take the present bill out",
        ),
        (
            BASELINE | {"currency": "EUR"},
            "plans are in USD; take the present bill out, or import bills in USD",
        ),
        (BASELINE, None),
    ],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_a_fault(asked, tmp_path, content, fix):
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "baseline.json").write_text(text, encoding="utf-8")
    document = asked("baseline.json")
    if fix is None:
        inline = inline_present_bill(parse_request(document), folder=tmp_path)
        assert make_plan(inline).present_bill.effective_usd == 1
        return
    assert faults_of(document, tmp_path) == [("present_bill.file", fix)]


def test_faults_of_a_bill_stand_beside_the_others(asked, tmp_path):
    document = asked(bill([month("2026-01", 1, 2)]) | {"providers": ["aws", "custom"]})
    document["demand"]["inline"]["series"] = {"n": [1.0]}
    fields = [field for field, _ in faults_of(document, tmp_path)]
    assert fields == ["demand.inline.series", "present_bill.providers"]


@pytest.mark.parametrize(
    ("present", "field"),
    [
        ({}, "present_bill"),
        ({"file": "a.json"} | bill([month("2026-01", 1, 2)]), "present_bill"),
        (bill([]), "present_bill.inline.months"),
        (bill([month("2026-13", 1, 2)]), "present_bill.inline.months.0.month"),
        (bill([month("2026-01", "inf", 2)]), "present_bill.inline.months.0.effective_usd"),
        (bill([month("2026-01", 1, 2)] * 2), "present_bill.inline"),
        (bill([month("2026-01", 1, 2)], end="2026-01-01T00:00Z"), "present_bill.inline.hours.0"),
        (bill([month("2026-01", 1, 2)], end="2026-01-01T00:30Z"),
         "present_bill.inline.hours.0.end"),
        (bill([month("2026-01", 1, 2)]) | {"providers": []}, "present_bill.providers"),
        (3, "present_bill"),
    ],
)  # fmt: skip
def test_a_badly_written_bill_is_a_fault(asked, tmp_path, present, field):
    assert [found for found, _ in faults_of(asked(present), tmp_path)] == [field]


@pytest.mark.parametrize("present", [{"file": "baseline.json"}, "baseline.json"])
def test_the_server_reads_no_bill_files(asked, present):
    with pytest.raises(InvalidInputError) as caught:
        parse_posted(asked(present), ServerSettings())
    assert all(fault.field.startswith("present_bill") for fault in caught.value.faults)
