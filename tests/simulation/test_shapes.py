"""What whole series are bent to: growth, saturation, regimes, counts and bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen._typing import FloatArray
from tsgen.simulation import shapes
from tsgen.simulation._draws import Draws
from tsgen.simulation.structural import structural

properties = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def draws(count: int = 300, length: int = 120, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, length)


def series(count: int = 300, length: int = 120, seed: int = 1) -> FloatArray:
    return structural(draws(count, length, seed), 12)


@properties
@given(
    shape=st.sampled_from(shapes.__all__),
    kind=st.sampled_from(["series", "constant", "large"]),
    length=st.integers(1, 300),
)
def test_every_shape_of_any_series_is_finite(shape: str, kind: str, length: int) -> None:
    values = series(7, length)
    values = {"series": values, "constant": 0 * values + 3, "large": 1e6 * values}[kind]
    before = values.copy()
    made = getattr(shapes, shape)(draws(7, length), values)
    assert made.shape == (7, length)
    assert np.isfinite(made).all()
    np.testing.assert_array_equal(values, before)
    assert getattr(shapes, shape)(draws(0, length), values[:0]).shape == (0, length)


def test_growth_is_positive_and_keeps_the_order_of_rows() -> None:
    values = series()
    made = shapes.exponential(draws(), values)
    assert (made > 0).all()
    np.testing.assert_array_equal(made.argmax(axis=1), values.argmax(axis=1))


def test_what_grows_moves_the_more_the_higher_it_is() -> None:
    line = np.linspace(0, 30, 120) + np.tile([0.0, 1.0], (300, 60))
    made = shapes.exponential(draws(), line)
    moves = np.abs(np.diff(made, axis=1))
    assert (moves[:, -20:].mean(axis=1) > moves[:, :20].mean(axis=1)).all()


def test_saturating_growth_comes_to_an_end() -> None:
    flat = np.tile([0.0, 1.0], (300, 300))
    added = shapes.saturating(draws(300, 600), flat) - flat
    steps = np.diff(added, axis=1)
    one_way = (steps >= -1e-12).all(axis=1) | (steps <= 1e-12).all(axis=1)
    assert one_way.all()
    fastest = np.abs(steps).argmax(axis=1)
    assert fastest.min() >= 0.1 * 600 - 2
    over = fastest < 300  # whose middle is in the first half
    ends = np.abs(steps[over, -1]) / np.abs(steps[over]).max(axis=1)
    assert np.median(ends) < 0.05


def test_a_regime_goes_on_as_another_series_from_where_it_stands() -> None:
    values = series(40)
    made = shapes.changed_regime(draws(40), values)
    changed = 0
    for before, after in zip(values, made, strict=True):
        same = np.isclose(before, after)
        if same.all():
            continue  # its other was itself
        changed += 1
        when = int(np.flatnonzero(~same)[0])
        assert 0.2 * 120 <= when - 1 < 0.9 * 120
        assert same[:when].all()
        later = np.diff(after[when - 1 :])
        others = np.diff(values[:, when - 1 :], axis=1)
        assert np.isclose(others, later).all(axis=1).any()
    assert changed >= 35


@pytest.mark.parametrize("shape", ["counts", "intermittent"])
def test_counts_are_whole_and_never_negative(shape: str) -> None:
    made = getattr(shapes, shape)(draws(), series())
    assert (made >= 0).all()
    np.testing.assert_array_equal(made, made.round())


def test_counts_follow_the_series_around_means_of_many_sizes() -> None:
    made = shapes.counts(draws(), np.tile(np.linspace(0.0, 1.0, 120), (300, 1)))
    assert (made[:, 60:].sum(axis=1) > made[:, :60].sum(axis=1)).mean() > 0.8
    means = made.mean(axis=1)
    assert 0.2 < means.min() < 1.5
    assert 130 < means.max() < 260


def test_demand_is_0_in_three_to_nine_of_ten_rows() -> None:
    zeros = (shapes.intermittent(draws(300, 2000), series(300, 2000)) == 0).mean(axis=1)
    assert 0.25 < zeros.min() < 0.4
    assert 0.8 < zeros.max() < 0.95


def test_bounded_series_stay_between_0_and_1_in_the_same_order() -> None:
    values = series()
    made = shapes.bounded(draws(), values)
    assert (made > 0).all()
    assert (made < 1).all()
    np.testing.assert_array_equal(made.argmin(axis=1), values.argmin(axis=1))
