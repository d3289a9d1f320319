"""Rows made of moments, and means made of rows, against tables grouped by pandas."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.recourse import Hours, coarsen, make_hours
from planner.recourse.hours import LANES

TINIEST = 5e-324
DTYPES = ["float32", "float64"]
AMOUNTS = st.sampled_from([0.0, -0.0, 1.0, 0.1, 1 / 3, 2**24 + 1.0, 1e-46, TINIEST, 1e39, 7.25])


def made(columns, segment, dtype="float64", stages=None, threads=1, worth=None) -> Hours:
    """Moments as rows; what they are worth tells them apart."""
    moments = len(segment)
    stages = int(max(segment, default=-1)) + 1 if stages is None else stages
    return make_hours(
        columns,
        segment_of_moment=np.asarray(segment, dtype=np.intp),
        stage_of_segment=np.arange(stages),
        worth=np.arange(1.0, moments + 1) / 7 if worth is None else worth,
        hours=np.full(moments, 2.0),
        dtype=dtype,
        threads=threads,
    )


def rounded_down(amount: float, dtype: str):
    """The largest number of a type that is not above an amount."""
    with np.errstate(over="ignore", under="ignore"):
        near = np.dtype(dtype).type(amount)
        return near if near <= amount else np.nextafter(near, near.dtype.type(-1))


def table(columns, segment, dtype, worth) -> pd.DataFrame:
    """The rows that should come out, in order [row], with their segments."""
    frame = pd.DataFrame(
        {
            f"s{position}": [rounded_down(amount, dtype) for amount in values]
            for position, values in enumerate(columns)
        }
    )
    names = list(frame.columns)
    frame = frame.assign(segment=segment, worth=worth, hours=2.0)
    merged = frame.groupby(["segment", *names], sort=False, as_index=False).sum()
    return merged.sort_values("segment", kind="stable", ignore_index=True)


def rows_of(hours: Hours) -> pd.DataFrame:
    """Rows as they are stored, padding left out."""
    block, lane = np.nonzero(hours.hours)
    columns = {f"s{s}": hours.demand[block, s, lane] for s in range(hours.demand.shape[1])}
    segment = np.searchsorted(hours.first_block, block, side="right") - 1
    worth, count = hours.worth[block, lane], hours.hours[block, lane]
    return pd.DataFrame(columns).assign(segment=segment, worth=worth, hours=count)


def assert_same(first: Hours, second: Hours) -> None:
    """Not a bit of difference."""
    for field in fields(Hours):
        mine, other = getattr(first, field.name), getattr(second, field.name)
        assert mine.dtype == other.dtype
        assert mine.shape == other.shape
        assert mine.tobytes() == other.tobytes()


def random_columns(seed: int, moments: int, distinct: int, series: int = 5) -> list[np.ndarray]:
    """Series of few distinct amounts, or of as many as there are moments."""
    draw = np.random.default_rng(seed)
    which = draw.integers(0, distinct, moments)
    return [draw.lognormal(3, 1, distinct)[which] for _ in range(series)]


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None, max_examples=60)
@given(
    moments=st.lists(st.tuples(st.integers(0, 3), AMOUNTS, AMOUNTS), min_size=1, max_size=60),
    threads=st.sampled_from([1, 2]),
)
@example(moments=[(0, 0.0, -0.0), (0, -0.0, 0.0), (0, 0.0, 0.0)], threads=1)
@example(moments=[(3, 0.1, 1.0)], threads=2)
def test_rows_are_the_moments_grouped_by_segment_and_demand(dtype, moments, threads):
    segment, *columns = (np.array(column) for column in zip(*moments, strict=True))
    worth = np.arange(1.0, len(moments) + 1) / 7
    hours = made(columns, segment, dtype, stages=4, threads=threads)
    expected = table(columns, segment, dtype, worth)
    found = rows_of(hours)
    pd.testing.assert_frame_equal(found, expected[found.columns], check_dtype=False)
    counts = np.bincount(expected["segment"], minlength=4)
    assert list(np.diff(hours.first_block)) == [-(-count // LANES) for count in counts]
    assert hours.demand.dtype == dtype
    for factor, values in zip(hours.most_above, columns, strict=True):
        exact = all(rounded_down(amount, dtype) == amount for amount in values)
        assert factor == (1.0 if exact else 1.0 + 2.0**-23)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distinct", [1, 40, 3000, 10**6])
@pytest.mark.parametrize("order", ["sorted", "mixed"])
def test_segments_longer_than_the_cache_are_grouped_alike(dtype, distinct, order):
    columns = random_columns(3, moments=9000, distinct=distinct)
    segment = np.random.default_rng(4).choice([0, 1, 2, 4], 9000, p=[0.1, 0.4, 0.001, 0.499])
    if order == "sorted":
        segment.sort()
    worth = np.random.default_rng(5).random(9000)
    hours = made(columns, segment, dtype, stages=6, worth=worth)
    found, expected = rows_of(hours), table(columns, segment, dtype, worth)
    pd.testing.assert_frame_equal(found, expected[found.columns], check_dtype=False)
    assert_same(hours, made(columns, segment, dtype, stages=6, threads=2, worth=worth))


def test_padding_is_nothing():
    hours = made(random_columns(6, 21, 10**6), [0] * 3 + [2] * 18, "float32")
    padding = hours.hours == 0
    assert padding.sum() == 3 * LANES - 21
    assert not hours.worth[padding].any()
    assert not np.moveaxis(hours.demand, 1, 2)[padding].any()


def test_no_segments_make_no_rows():
    hours = made([np.empty(0)], [], stages=0)
    assert hours.rows == coarsen(hours, 4, np.ones(1)).rows == 0
    assert list(hours.first_block) == [0]


def test_series_of_any_layout_are_read_alike():
    columns = [np.round(values) for values in random_columns(7, 500, 300)]
    segment = np.repeat([0, 1], 250)
    strided = list(np.array(columns).T.copy().T)
    backwards = [values[::-1].copy()[::-1] for values in columns]
    single = [values.astype(np.float32) for values in columns]
    fixed = [values.copy() for values in columns]
    for values in fixed:
        values.setflags(write=False)
    for other in (strided, backwards, single, fixed):
        assert_same(made(columns, segment), made(other, segment))


def test_rows_that_share_a_hash_stay_apart():
    from planner.recourse.merge_kernels import mixed

    draw, mix = np.random.default_rng(8), mixed.py_func
    first, second, last = 1.5, 2.5, np.nan
    with np.errstate(over="ignore"):
        known = mix(np.uint64(0), first) ^ np.float64(second).view(np.uint64)
        while not (np.isfinite(last) and last > 0):
            other = draw.random()
            last = (mix(np.uint64(0), other) ^ known).view(np.float64)
        hashes = [mix(mix(np.uint64(0), one), two) for one, two in ((first, second), (other, last))]
    assert hashes[0] == hashes[1]
    columns = [np.array([first, other, first, other]), np.array([second, last, second, last])]
    hours = made(columns, [0] * 4, worth=np.array([1.0, 10.0, 100.0, 1000.0]))
    assert list(hours.demand[0, 0, :3]) == [first, other, 0.0]
    assert list(hours.worth[0, :3]) == [101.0, 1010.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"series": [np.ones(3), np.ones(2)]}, "segments have shape"),
        ({"worth": np.ones(4)}, "segments have shape"),
        ({"stage_of_segment": np.zeros(0, int)}, "1 segments have 0 stages"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    given = {
        "series": [np.ones(3)],
        "segment_of_moment": np.zeros(3, int),
        "stage_of_segment": np.zeros(1, int),
        "worth": np.ones(3),
        "hours": np.ones(3),
    } | change
    with pytest.raises(ValueError, match=message):
        make_hours(given.pop("series"), **given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows_per_cell", [1, 3, 32, 5000])
@pytest.mark.parametrize("series", [1, 8, 11])
def test_means_are_those_of_rows_sorted_by_their_price(dtype, rows_per_cell, series):
    columns = random_columns(9, 4000, 10**6, series)
    segment = np.sort(np.random.default_rng(10).choice([0, 2, 3], 4000, p=[0.7, 0.298, 0.002]))
    worth = np.where(segment == 3, 0.0, np.random.default_rng(11).random(4000))
    price = np.random.default_rng(12).random(series) + 0.1
    hours = made(columns, segment, dtype, stages=5, worth=worth)
    means = coarsen(hours, rows_per_cell, price, threads=1)
    assert_same(means, coarsen(hours, rows_per_cell, price, threads=2))

    frame, names = rows_of(hours), [f"s{s}" for s in range(series)]
    frame[names] = frame[names].astype(np.float64)
    frame["key"] = frame[names].to_numpy() @ price
    frame = frame.sort_values(["segment", "key"], kind="stable")
    frame["cell"] = frame.groupby("segment").cumcount() // rows_per_cell
    frame["weight"] = np.where(frame["segment"] == 3, 1.0, frame["worth"])
    frame[names] = frame[names].mul(frame["weight"], axis=0)
    expected = frame.groupby(["segment", "cell"], as_index=False).sum()
    expected[names] = expected[names].div(expected["weight"], axis=0)
    found = rows_of(means)
    step = 2.0**-23 if dtype == "float32" else 1e-14
    pd.testing.assert_frame_equal(
        found, expected[found.columns], check_dtype=False, rtol=step, atol=0
    )
    assert np.all(found[names] <= expected[names] * (1 + 1e-14))
    assert list(means.stage_of_segment) == list(hours.stage_of_segment)
    assert means.demand.dtype == dtype


def test_rows_of_one_price_are_brought_together_as_they_come():
    """Two and one cost as much as one and two: they stay in order."""
    columns = [np.array([1.0, 2.0, 4.0, 0.0]), np.array([2.0, 1.0, 0.0, 0.0])]
    means = coarsen(made(columns, [0] * 4, worth=np.ones(4)), 2, np.array([1.0, 1.0]))
    assert means.demand[0, :, :2].T.tolist() == [[0.5, 1.0], [3.0, 0.5]]


@pytest.mark.parametrize(
    ("rows_per_cell", "price", "message"),
    [(0, np.ones(1), "rows_per_cell is 0"), (2, np.ones(3), "1 series have prices")],
)
def test_means_that_cannot_be_taken_are_refused(rows_per_cell, price, message):
    with pytest.raises(ValueError, match=message):
        coarsen(made([np.ones(3)], [0] * 3), rows_per_cell, price)
