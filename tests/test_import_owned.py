"""Commitments owned, from AWS's answers: what a request may say of them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app
from catalogs import InvalidInputError
from catalogs.imports import read_owned
from planner.request import OwnedCommitment

RAW = Path(__file__).parents[2] / "shared" / "data" / "raw"
RESERVATION = {
    "ReservedInstancesId": "one",
    "Start": "2026-01-01T10:20:30.123Z",
    "End": "2027-01-01T10:20:29.000Z",
    "State": "active",
    "Scope": "Region",
    "InstanceType": "m5.large",
    "InstanceCount": 2,
    "OfferingClass": "standard",
    "OfferingType": "Partial Upfront",
    "FixedPrice": 263.0,
    "UsagePrice": 0.0,
    "RecurringCharges": [{"Amount": 0.03, "Frequency": "Hourly"}],
    "ProductDescription": "Linux/UNIX",
    "InstanceTenancy": "default",
    "CurrencyCode": "USD",
}
PLAN = {
    "savingsPlanId": "sp-1",
    "start": "2026-01-01T00:00:00.000Z",
    "end": "2027-01-01T00:00:00.000Z",
    "state": "active",
    "region": "eu-west-1",
    "ec2InstanceFamily": "m5",
    "savingsPlanType": "EC2Instance",
    "paymentOption": "No Upfront",
    "commitment": "1.50000",
    "currency": "USD",
}


@pytest.fixture
def owned(tmp_path):
    def read(answer, region="eu-west-1"):
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(answer), encoding="utf-8")
        return read_owned([path], region)

    return read


def test_a_regional_reservation_reads_as_a_request_states_it(owned):
    (one,) = yaml.safe_load(owned({"ReservedInstances": [RESERVATION]}).yaml)["owned"]

    commitment = OwnedCommitment.model_validate(one)
    assert commitment == OwnedCommitment(
        id="one",
        kind="reserved_standard",
        start=datetime(2026, 1, 1, 10, tzinfo=UTC),
        end=datetime(2027, 1, 1, 10, tzinfo=UTC),
        payment="partial_upfront",
        instance_type="m5.large",
        region="eu-west-1",
        quantity=2,
        upfront_usd=263,
        hourly_usd=Decimal("0.03"),
    )
    assert commitment.term_hours == 8760


def test_a_zonal_reservation_names_its_zone_and_needs_no_region(owned):
    zonal = {"Scope": "Availability Zone", "AvailabilityZone": "us-east-1b"}
    (one,) = owned({"ReservedInstances": [RESERVATION | zonal]}, None).owned

    assert (one["kind"], one["zone"], one["region"]) == (
        "reserved_zonal",
        "us-east-1b",
        "us-east-1",
    )


def test_a_plan_of_a_family_reads_as_a_request_states_it(owned):
    (one,) = yaml.safe_load(owned({"savingsPlans": [PLAN]}).yaml)["owned"]

    commitment = OwnedCommitment.model_validate(one)
    assert (commitment.kind, commitment.family, commitment.region) == (
        "savings_plan_ec2",
        "m5",
        "eu-west-1",
    )
    assert commitment.commitment_usd == Decimal("1.5")


LEFT_OUT = {
    "is not active": {"State": "retired"},
    "currency is not USD": {"CurrencyCode": "CNY"},
    "class or payment of a reservation is unknown": {"OfferingType": "Heavy Utilization"},
    "product is no plain linux, windows, rhel or suse": {
        "ProductDescription": "Windows with SQL Server Standard"
    },
    "count of machines is no whole number above 0": {"InstanceCount": 0},
    "start or end is no moment": {"End": "some day"},
    "a recurring charge is not hourly": {"RecurringCharges": [{"Amount": 1, "Frequency": "Daily"}]},
    "instancetype is missing": {"InstanceType": None},
    "availability zone is unknown": {"Scope": "Availability Zone", "AvailabilityZone": "moon"},
    "a convertible reservation bound to a zone": {
        "Scope": "Availability Zone",
        "AvailabilityZone": "us-east-1b",
        "OfferingClass": "convertible",
    },
    "tenancy is none of default, dedicated, host": {"InstanceTenancy": "shared bath"},
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_cannot_be_planned_with_is_counted_by_reason(owned, reason):
    report = owned({"ReservedInstances": [RESERVATION, RESERVATION | LEFT_OUT[reason]]})

    assert report.refused == {reason: 1}
    assert report.examples[reason][0].startswith("answer.json item 2")
    assert len(report.owned) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "payment-pending"}, "is not active"),
        ({"savingsPlanType": "SageMaker"}, "a plan that covers no machines planned here"),
        ({"paymentOption": "Later"}, "payment of a plan is unknown"),
        ({"ec2InstanceFamily": ""}, "ec2instancefamily is missing"),
        ({"commitment": "much"}, "price is no number"),
    ],
)
def test_plans_that_cannot_be_planned_with_are_counted_by_reason(owned, change, reason):
    assert owned({"savingsPlans": [PLAN | change]}).refused == {reason: 1}


def test_a_regional_reservation_without_a_region_says_what_is_missing(owned):
    report = owned({"ReservedInstances": [RESERVATION]}, None)

    assert report.refused == {"region of a reservation is missing": 1}


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"Volumes": []}, "is no answer of"), ({"ReservedInstances": {}}, "are no list")],
)
def test_other_answers_are_faults(owned, answer, words):
    with pytest.raises(InvalidInputError, match=words):
        owned(answer)


def test_the_command_prints_yaml_and_says_on_stderr_what_was_left_out(tmp_path):
    path = tmp_path / "answer.json"
    retired = RESERVATION | {"State": "retired"}
    path.write_text(json.dumps({"ReservedInstances": [RESERVATION, retired]}), encoding="utf-8")
    arguments = ["catalog", "owned", str(path), "--region", "eu-west-1"]
    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0
    assert [one["id"] for one in yaml.safe_load(done.stdout)["owned"]] == ["one"]
    assert "1  is not active" in done.stderr

    target = tmp_path / "owned.yaml"
    CliRunner().invoke(app, [*arguments, "--out", str(target)])
    assert target.read_text(encoding="utf-8") == done.stdout


@pytest.mark.skipif(not RAW.is_dir(), reason="the samples are not beside this clone")
def test_the_recorded_answers_read_as_they_are():
    names = ("aws_describe_reserved_instances.json", "aws_describe_savings_plans.json")
    report = read_owned([RAW / name for name in names], "us-east-1")

    reservation, plan = (OwnedCommitment.model_validate(one) for one in report.owned)
    assert (reservation.upfront_usd, reservation.hourly_usd) == (30, Decimal("0.0034"))
    assert reservation.term_hours == 8760
    assert (plan.kind, plan.commitment_usd) == ("savings_plan_compute", 50)
    assert not report.refused
