"""Errors of a forecast against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tsgen.metrics import mae, mase, rmse, rmsse, seasonal_error, smape

TRUE = [1.0, 2.0, -3.0, 4.0]
PRED = [2.0, 2.0, -1.0, 1.0]  # errors 1, 0, 2, -3


def test_mae() -> None:
    assert mae(TRUE, PRED) == pytest.approx(6 / 4)


def test_rmse() -> None:
    assert rmse(TRUE, PRED) == pytest.approx(np.sqrt(14 / 4))


def test_smape() -> None:
    # |error| / (|true| + |pred|): 1/3, 0, 2/4, 3/5
    assert smape(TRUE, PRED) == pytest.approx(200 * (1 / 3 + 0 + 1 / 2 + 3 / 5) / 4)


def test_smape_counts_two_zeros_as_no_error_and_one_zero_as_all_of_it() -> None:
    assert smape([0.0, 0.0], [0.0, 5.0]) == pytest.approx(100.0)


@pytest.mark.parametrize("metric", [mae, rmse, smape])
def test_one_number_a_series(metric: Callable[..., Any]) -> None:
    both = metric([TRUE, PRED], [PRED, PRED])
    assert both.shape == (2,)
    assert both.tolist() == [float(metric(TRUE, PRED)), 0.0]


@pytest.mark.parametrize("metric", [mae, rmse, smape])
@pytest.mark.parametrize(
    ("true", "pred"), [([1.0, 2.0], [1.0]), ([[1.0], [2.0]], [1.0, 2.0]), (1.0, 1.0)]
)
def test_shapes_must_agree(metric: Callable[..., Any], true: Any, pred: Any) -> None:
    with pytest.raises(ValueError, match="one shape that ends in the horizon"):
        metric(true, pred)


def test_unsigned_integers_do_not_wrap_around() -> None:
    assert mae(np.array([1], dtype=np.uint8), np.array([3], dtype=np.uint8)) == 2.0


@pytest.mark.parametrize(
    ("season", "power", "expected"),
    [(1, 1, (1 + 2 + 4 + 5) / 4), (2, 1, (3 + 2 + 1) / 3), (2, 2, (9 + 4 + 1) / 3)],
)
def test_seasonal_error(season: int, power: int, expected: float) -> None:
    assert seasonal_error([1, 2, 4, 0, 5], season, power=power) == pytest.approx(expected)


def test_seasonal_error_of_a_series_no_longer_than_the_season_takes_lag_1() -> None:
    assert seasonal_error([1.0, 2.0, 4.0], season_length=3) == 1.5
    assert seasonal_error([1.0, 2.0, 4.0, 9.0], season_length=3) == 8.0


def test_seasonal_error_leaves_nan_out() -> None:
    assert seasonal_error([1.0, np.nan, 4.0, 9.0]) == 5.0
    assert np.isnan(seasonal_error([1.0]))


def test_mase_and_rmsse_divide_by_the_seasonal_error() -> None:
    train = [1.0, 2.0, 4.0, 0.0, 5.0]
    assert mase(TRUE, PRED, train, 2) == pytest.approx((6 / 4) / 2)
    assert rmsse(TRUE, PRED, train, 2) == pytest.approx(np.sqrt((14 / 4) / (14 / 3)))


@pytest.mark.parametrize("metric", [mase, rmsse])
@pytest.mark.parametrize(("train", "season"), [([7.0] * 5, 1), ([1.0, 2.0] * 3, 2)])
def test_rows_that_repeat_exactly(
    metric: Callable[..., float], train: list[float], season: int
) -> None:
    assert metric([7.0, 7.0], [7.0, 7.0], train, season) == 0.0
    assert metric([7.0, 7.0], [7.0, 8.0], train, season) == np.inf


def test_mase_of_seasonal_naive_on_its_own_training_rows_is_1() -> None:
    train = np.random.default_rng(0).normal(size=50)
    assert mase(train[7:], train[:-7], train, 7) == pytest.approx(1.0)
