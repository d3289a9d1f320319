"""Offers, rates and AWS's rules on their own, without a catalogue."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalogs import DedicatedOffer, InstanceType, OfferKind, Payment, Rate, Selector, SpendOffer
from catalogs.aws import is_size_flexible, normalization_factor
from catalogs.tables import from_nanousd, to_nanousd

RATE = {
    "provider": "aws",
    "instance_type": "m5.large",
    "region": "us-east-1",
    "kind": "reserved_standard",
    "term_hours": 8760,
    "payment": "partial_upfront",
    "upfront_usd": "60",
    "hourly_usd": "0.007",
    "as_of": "2025-04-04",
    "source": "a test",
}
# EC2 user guide, normalization factors.
FACTORS = {
    "nano": "0.25",
    "micro": "0.5",
    "small": "1",
    "medium": "2",
    "large": "4",
    "xlarge": "8",
    "2xlarge": "16",
    "3xlarge": "24",
    "4xlarge": "32",
    "6xlarge": "48",
    "8xlarge": "64",
    "9xlarge": "72",
    "10xlarge": "80",
    "12xlarge": "96",
    "16xlarge": "128",
    "18xlarge": "144",
    "24xlarge": "192",
    "32xlarge": "256",
    "48xlarge": "384",
    "56xlarge": "448",
    "112xlarge": "896",
    "metal-24xl": "192",
}


def dedicated(**changes) -> DedicatedOffer:
    fields = {
        "provider": "aws",
        "kind": "reserved_standard",
        "region": "us-east-1",
        "os": "linux",
        "tenancy": "shared",
        "instance_type": "m5.2xlarge",
        "family": "m5",
        "units": 16,
        "size_flexible": True,
        "term_hours": 8760,
        "payment": "no_upfront",
        "upfront_usd": 0,
        "hourly_usd": "0.242",
        "as_of": date(2025, 4, 4),
    }
    return DedicatedOffer.model_validate(fields | changes)


def test_an_effective_rate_spreads_the_upfront_over_the_term():
    """EC2 guide: a t2.small, one year partial upfront, 60 + 0.007 per hour, is 0.0138493."""
    rate = Rate.model_validate(RATE)

    assert rate.effective_hourly_usd == pytest.approx(Decimal("0.0138493"), abs=Decimal("1e-7"))


def test_kinds_rank_by_flexibility():
    ranked = sorted(OfferKind, key=lambda kind: kind.flexibility, reverse=True)

    of_aws = [kind for kind in ranked if kind.startswith(("savings", "reserved"))]
    assert of_aws == [
        "savings_plan_compute",
        "savings_plan_ec2",
        "reserved_convertible",
        "reserved_standard",
        "reserved_zonal",
    ]
    assert OfferKind.SPOT.flexibility == OfferKind.ON_DEMAND.flexibility == 0
    assert not OfferKind.SPOT.is_commitment


@pytest.mark.parametrize(
    ("changes", "offer_id", "months"),
    [
        ({}, "aws:reserved_standard:us-east-1:m5.2xlarge:1y:no_upfront", 12),
        (
            {"os": "windows", "term_hours": 26280},
            "aws:reserved_standard:us-east-1:m5.2xlarge:windows:shared:3y:no_upfront",
            36,
        ),
        ({"term_hours": 4}, "aws:reserved_standard:us-east-1:m5.2xlarge:4h:no_upfront", None),
    ],
)
def test_an_offer_id_names_everything_that_fixes_the_price(changes, offer_id, months):
    assert dedicated(**changes).offer_id == offer_id
    assert dedicated(**changes).term_months == months


def test_a_plan_id_names_its_scope():
    plan = SpendOffer(
        provider="aws",
        kind=OfferKind.SAVINGS_PLAN_EC2,
        region="us-east-1",
        family="m5",
        term_hours=26280,
        payment=Payment.PARTIAL_UPFRONT,
    )
    unbound = {"kind": OfferKind.SAVINGS_PLAN_COMPUTE, "region": None, "family": None}
    anywhere = plan.model_copy(update=unbound)

    assert plan.offer_id == "aws:savings_plan_ec2:us-east-1:m5:3y:partial_upfront"
    assert anywhere.offer_id == "aws:savings_plan_compute:3y:partial_upfront"
    assert plan.upfront_share == Decimal("0.5")
    assert plan.term_months == 36


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"term_hours": None}, "reserved_standard is a commitment: give its term and its payment"),
        ({"kind": "spot"}, "spot binds for no term: leave out term and payment"),
        (
            {"kind": "savings_plan_ec2"},
            "only reservations carry upfront_usd; leave it out of savings_plan_ec2",
        ),
        (
            {"payment": "no_upfront"},
            "payment no_upfront with an upfront_usd: write partial_upfront or all_upfront",
        ),
        ({"hourly_usd": "-1"}, "Input should be greater than or equal to 0"),
        ({"hourly_usd": "0.0123456789"}, "no more than 9 decimal places"),
        ({"term": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_rate_rejects_what_does_not_fit_its_kind(changes, fix):
    with pytest.raises(ValidationError) as caught:
        Rate.model_validate(RATE | changes)

    assert fix in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("m5.large", 5),
        ("c7gn.metal", 7),
        ("u7i-6tb.112xlarge", 7),
        ("u-6tb1.metal", 1),
        ("mac2-m2pro.metal", 2),
        ("rack.big", None),
    ],
)
def test_the_generation_is_the_number_in_the_family_name(name, generation):
    assert InstanceType(name=name).generation == generation


def test_a_type_needs_only_its_name():
    dotted, plain = InstanceType(name="m5.large"), InstanceType(name="rack-2u")

    assert (dotted.family, dotted.size) == ("m5", "large")
    assert (plain.family, plain.size, plain.vcpus) == ("rack-2u", "", None)
    with pytest.raises(ValidationError, match="size_flexible needs normalized_units"):
        InstanceType(name="m5.large", size_flexible=True)


def test_unknown_figures_meet_no_bound():
    rack = InstanceType(name="rack")

    assert Selector().matches(rack)
    assert not Selector(min_vcpus=1).matches(rack)
    assert not Selector(max_vcpus=9).matches(rack)
    assert not Selector(min_memory_gib=1).matches(rack)
    assert not Selector(max_generation=9).matches(rack)


@pytest.mark.parametrize(("size", "factor"), FACTORS.items())
def test_normalization_factors_are_the_guides(size, factor):
    assert normalization_factor("m5", size) == Decimal(factor)


@pytest.mark.parametrize(
    ("family", "factor"),
    [("a1", 32), ("z1d", 96), ("c5n", 144), ("m5", 192), ("u-6tb1", 896), ("c9x", None)],
)
def test_metal_weighs_as_the_guide_says(family, factor):
    assert normalization_factor(family, "metal") == factor


def test_families_on_the_guides_list_are_not_size_flexible():
    assert is_size_flexible("m5", Decimal(4))
    assert not is_size_flexible("g5", Decimal(4))
    assert not is_size_flexible("m5", None)
    assert normalization_factor("m5", "odd") is None


@given(st.decimals(0, 10**9 - 1, places=9))
@settings(deadline=None, max_examples=50)
def test_money_survives_storage_to_the_last_digit(amount_usd):
    assert from_nanousd(to_nanousd(amount_usd)) == amount_usd
    assert "E+" not in str(from_nanousd(to_nanousd(amount_usd)))
