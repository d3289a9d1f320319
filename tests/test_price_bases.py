"""Each purchase says where its price comes from, each catalogue from when it is."""

from datetime import UTC, date, datetime

from planner import Surroundings, make_plan, parse_request

HOURS = 8760


def plan(document):
    return make_plan(parse_request(document), Surroundings(now=datetime(2027, 1, 1, tzinfo=UTC)))


def bundled(catalog, kinds, machine="m5.large", payments=("no_upfront",), region="us-east-1"):
    return {
        "catalog": catalog,
        "horizon": {"start": "2027-01-01T00:00Z", "hours": HOURS},
        "demand": {"inline": {"start": "2027-01-01T00:00Z", "series": {"s": [10] * HOURS}}},
        "purchases": {"hours": [0]},
        "offers": {"kinds": list(kinds), "payments": list(payments)},
        "workloads": [
            {
                "name": "s",
                "needs": {"unit": "machines", "of": machine},
                "regions": [region],
            }
        ],
    }


def test_a_published_price_is_quoted_and_dated():
    (bought,) = plan(bundled("aws", ["reserved_standard"])).purchases

    assert (bought.price.basis, bought.price.rule) == ("quoted", None)
    assert bought.price.as_of == date(2025, 4, 4)


def test_a_price_made_by_a_rule_says_which():
    """The bundled catalogue computes payments upfront from those without, and plans from both."""
    (bought,) = plan(bundled("aws", ["reserved_standard"], payments=["all_upfront"])).purchases
    assert bought.price.basis == "derived"
    assert "upfront" in bought.price.rule

    (bought,) = plan(bundled("aws", ["savings_plan_compute"])).purchases
    assert bought.price.basis == "derived"
    assert bought.price.rule


def test_a_price_of_a_request_has_the_date_the_request_gives(planned, price):
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 1, 4, as_of="2025-11-05"),
        price("n", "on_demand", 2),
        price("n", "savings_plan_compute", 1.5, 4),
    ]
    reserved, spent = planned(rates, {"m": [1] * 4, "n": [1] * 4}).purchases

    assert (reserved.price.basis, reserved.price.as_of) == ("quoted", date(2025, 11, 5))
    assert (spent.price.basis, spent.price.as_of) == ("quoted", date(2026, 1, 1))


def test_each_of_several_catalogues_has_its_date_and_its_way_to_newer_prices():
    document = bundled(["aws", "gcp"], ["reserved_standard"])

    found = plan(document)

    dates = {one.name: one.as_of for one in found.catalog.parts}
    assert dates == {"aws": date(2025, 4, 4), "gcp": date(2026, 7, 30)}
    assert found.catalog.as_of == date(2025, 4, 4)
    assert found.warnings[:2] == (
        "catalog: prices of aws are of 2025-04-04, 637 days old; refresh them: fleetplan catalog "
        "refresh aws --out aws.parquet",
        "catalog: prices of gcp are of 2026-07-30, 155 days old; refresh them: fleetplan catalog "
        "refresh gcp --out gcp.parquet",
    )


def test_multiplied_prices_keep_the_dates_of_their_catalogues():
    document = bundled(["aws", "gcp"], ["reserved_standard"])
    document["prices"] = [{"factor": 0.9, "kinds": ["on_demand"]}]

    assert [one.name for one in plan(document).catalog.parts] == ["aws", "gcp"]
