"""Parameters of series: shares, ranges, and one generator for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from tsgen.simulation._draws import Draws, standardised


def draws(count: int = 5000, length: int = 3, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, length)


def test_shares_are_met() -> None:
    assert draws().some(0.0).size == 0
    assert draws().some(1.0).tolist() == list(range(5000))
    assert len(draws().some(0.3)) == pytest.approx(1500, abs=130)
    assert draws().true(0.3).mean() == pytest.approx(0.3, abs=0.03)


def test_numbers_stay_in_their_ranges() -> None:
    for numbers in (draws().uniform(0.5, 4.0), draws().of_any_size(0.5, 4.0)):
        assert numbers.shape == (5000,)
        assert 0.5 <= numbers.min() < 0.51
        assert 3.9 < numbers.max() <= 4.0
    # As many below the geometric mean as above.
    assert np.median(draws().of_any_size(0.01, 1.0)) == pytest.approx(0.1, rel=0.15)


def test_what_happens_has_the_rate_of_its_series() -> None:
    happened = draws(3, 4000).happens(np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(happened.mean(axis=1), [0.0, 0.25, 1.0], atol=0.03)


def test_fewer_series_draw_on_from_the_same_generator() -> None:
    some = draws()
    assert some.of(2).normal().shape == (2, 3)
    assert some.of(2).random is some.random
    assert not np.array_equal(some.of(2).normal(), some.of(2).normal())


def test_standardised_series_and_those_that_do_not_move() -> None:
    values = standardised(np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]]))
    np.testing.assert_allclose(values.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(values.std(axis=1), [1.0, 0.0])
