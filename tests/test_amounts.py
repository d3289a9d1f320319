"""Amounts with what floating point left on them."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs import InvalidInputError, without_noise
from planner import parse_request


@given(cents=st.lists(st.integers(0, 10**7), min_size=1, max_size=4), times=st.integers(1, 9))
def test_sums_and_products_in_floats_mean_the_decimals_they_are_made_of(cents, times):
    computed = sum(cent / 1000 for cent in cents) * times
    exact = Decimal(sum(cents)) * times / 1000
    for written in (computed, repr(computed), Decimal(repr(computed))):
        assert Decimal(str(without_noise(written))) == exact


@pytest.mark.parametrize("value", ["1.0000000001", 0.12345678912, "4.80000000001", None, True, "x"])
def test_other_amounts_stay_as_they_are(value):
    assert without_noise(value) is value


def test_computed_prices_are_taken_and_finer_ones_refused(document, price):
    rates = [price("m", "on_demand", 1.6 * 3)]
    request = parse_request(document(rates, {"m": [1.0, 1.0]}))
    rate = json.loads(request.catalog.model_dump_json())["inline"]["rates"][0]
    assert Decimal(str(rate["hourly_usd"])) == Decimal("4.8")
    with pytest.raises(InvalidInputError, match="hourly_usd"):
        parse_request(document([price("m", "on_demand", "4.80000000001")], {"m": [1.0]}))
