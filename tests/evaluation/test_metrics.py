"""Errors of a forecast against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scoringrules
import utilsforecast.losses
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsgen.errors import SettingError
from tsgen.metrics import (
    coverage,
    crps,
    mae,
    mase,
    quantile_loss,
    rmse,
    rmsse,
    seasonal_error,
    smape,
    wql,
)

Array = npt.NDArray[np.float64]
NAN = float("nan")

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


def test_a_season_has_rows() -> None:
    with pytest.raises(SettingError, match="season_length=0: expected 1 or more rows"):
        seasonal_error([1.0, 2.0], 0)


# ------------------------------------------------------------------------- quantiles and intervals


def test_quantile_loss() -> None:
    # below its forecast a value costs 1 - q, above it q
    assert quantile_loss([0.0, 0.0], [4.0, -2.0], 0.9) == pytest.approx((0.1 * 4 + 0.9 * 2) / 2)
    assert quantile_loss([[3.0], [5.0]], [[4.0], [4.0]], 0.25).tolist() == [0.75, 0.25]


@pytest.mark.parametrize("quantile", [0, 1, -0.1, 50, NAN, "0.5", True])
def test_a_quantile_is_between_0_and_1(quantile: Any) -> None:
    for ask in (lambda: quantile_loss([1.0], [1.0], quantile),
                lambda: wql([1.0], [[1.0]], [quantile])):  # fmt: skip
        with pytest.raises(SettingError, match="expected a number above 0 and below 1"):
            ask()


def test_wql() -> None:
    true = [[10.0, 20.0], [1.0, -1.0]]
    low, high = [[8.0, 21.0], [1.0, -2.0]], [[12.0, 26.0], [0.0, -1.0]]
    # at 0.1: 0.1 · 2, 0.9 · 1, 0, 0.1 · 1; at 0.9: 0.1 · 2, 0.1 · 6, 0.9 · 1, 0
    by_quantile = [2 * (0.2 + 0.9 + 0.1) / 32, 2 * (0.2 + 0.6 + 0.9) / 32]
    pred = np.stack([low, high], axis=1)
    assert wql(true, pred, [0.1, 0.9]) == pytest.approx(sum(by_quantile) / 2)


def test_wql_weighs_series_by_their_size() -> None:
    true, pred = [[1.0], [99.0]], [[[2.0]], [[99.0]]]
    assert wql(true, pred, [0.5]) == pytest.approx(1 / 100)


def test_wql_is_of_nine_quantiles() -> None:
    quantiles = np.linspace(0.1, 0.9, 9)
    pred = np.arange(9.0)[:, None]
    assert wql([4.0], pred) == wql([4.0], pred, quantiles)
    with pytest.raises(ValueError, match="y_pred holds 8 quantiles, but quantiles= names 9"):
        wql([4.0], pred[1:])
    with pytest.raises(SettingError, match="expected one or more"):
        wql([4.0], pred, [])


def test_wql_of_zeros() -> None:
    assert wql([0.0], [[0.0]], [0.5]) == 0.0
    assert wql([0.0], [[0.1]], [0.5]) == np.inf


def test_crps() -> None:
    # mean |x - y| = 1.5, mean |x - x'| = 0.5
    assert crps([3.0], [[1.0], [2.0]]) == pytest.approx(1.5 - 0.5 / 2)
    assert crps([[3.0], [0.0]], [[[1.0], [2.0]], [[-1.0], [1.0]]]).tolist() == [1.25, 0.5]


def test_crps_of_a_normal_distribution() -> None:
    # for y at the mean, (sqrt(2) - 1) / sqrt(pi) standard deviations
    paths = np.random.default_rng(0).normal(size=(40_000, 1))
    assert crps([0.0], paths) == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=0.01)


def test_crps_of_copies_is_that_of_one() -> None:
    assert crps(TRUE, [PRED] * 5) == pytest.approx(float(mae(TRUE, PRED)))


def test_coverage() -> None:
    assert coverage([0.0, 1.0, 2.0, 2.5], [1.0] * 4, [2.0] * 4) == 50.0
    assert coverage([[0.0], [1.0]], [[1.0]] * 2, [[1.0]] * 2).tolist() == [0.0, 100.0]


def test_shapes_of_bounds_must_agree() -> None:
    with pytest.raises(ValueError, match=r"y_true and upper need one shape .*\(2,\) and \(1,\)"):
        coverage([0.0, 1.0], [0.0, 1.0], [1.0])


@pytest.mark.parametrize(
    ("true", "several"),
    [([1.0], [1.0]), (1.0, [1.0]), ([1.0, 2.0], [[1.0]]), ([[1.0]], [[1.0]]),
     ([1.0], np.empty((0, 1)))],
)  # fmt: skip
def test_several_forecasts_stand_before_the_horizon(true: Any, several: Any) -> None:
    with pytest.raises(ValueError, match=r"needs paths of shape \(…, S, H\), got"):
        crps(true, several)
    with pytest.raises(ValueError, match=r"needs y_pred of shape \(…, Q, H\), got"):
        wql(true, several, [0.5])


# ------------------------------------------------------------------------------------------- holes

Measure = Callable[[Sequence[float], Sequence[float]], Any]
MEASURES: dict[str, Measure] = {
    "mae": mae,
    "rmse": rmse,
    "smape": smape,
    "mase": lambda true, pred: mase(true, pred, [1.0, 2.0, 4.0]),
    "rmsse": lambda true, pred: rmsse(true, pred, [1.0, 2.0, 4.0]),
    "quantile_loss": lambda true, pred: quantile_loss(true, pred, 0.3),
    "wql": lambda true, pred: wql(true, [pred], [0.3]),
    "crps": lambda true, pred: crps(true, [pred, np.zeros(len(true))]),
    "coverage": lambda true, pred: coverage(true, pred, np.full(len(true), 3.0)),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


@every_measure
def test_a_hole_in_the_truth_is_left_out(measure: Measure) -> None:
    whole = measure(TRUE, PRED)
    assert measure([*TRUE[:2], NAN, *TRUE[2:]], [*PRED[:2], 7.0, *PRED[2:]]) == whole
    # nor does it count what was forecast there
    assert measure([*TRUE, NAN], [*PRED, NAN]) == whole


@every_measure
def test_a_series_of_holes_scores_nan(measure: Measure) -> None:
    assert np.isnan(measure([NAN, NAN], [1.0, 2.0]))


@every_measure
def test_a_forecast_that_is_nan_is_not_left_out(measure: Measure) -> None:
    assert np.isnan(measure([1.0, 2.0], [1.0, NAN]))


def test_holes_of_one_series_leave_the_others_alone() -> None:
    assert mae([[NAN, 1.0], [1.0, 1.0]], [[5.0, 3.0], [2.0, 4.0]]).tolist() == [2.0, 2.0]


# -------------------------------------------------------------------------------------- properties

properties = settings(max_examples=50, deadline=None, derandomize=True, database=None)
eighths = st.integers(-4000, 4000).map(lambda count: count / 8)
"""Numbers whose sums and differences are exact."""


def tables(*shape: int) -> st.SearchStrategy[Array]:
    return arrays(np.float64, shape, elements=eighths)


@st.composite
def forecasts(draw: st.DrawFn, stack: int = 0) -> tuple[Array, Array]:
    """Truth (N, H) and forecasts of it, (N, H) or (N, stack, H)."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 6)))
    several = (shape[0], draw(st.integers(1, stack)), shape[1]) if stack else shape
    return draw(tables(*shape)), draw(tables(*several))


@properties
@given(forecasts(), st.sampled_from([0.01, 0.5, 3.0, 1e6]))
def test_scores_and_the_scale_of_the_series(pair: tuple[Array, Array], factor: float) -> None:
    true, pred = pair
    for with_units in (mae, rmse, lambda *two: quantile_loss(*two, 0.2)):
        expected = factor * with_units(true, pred)
        np.testing.assert_allclose(with_units(factor * true, factor * pred), expected, rtol=1e-12)
    np.testing.assert_allclose(smape(factor * true, factor * pred), smape(true, pred), rtol=1e-12)
    train = np.arange(9.0) ** 2
    for scaled in (mase, rmsse):
        got = scaled(factor * true[0], factor * pred[0], factor * train, 2)
        assert got == pytest.approx(scaled(true[0], pred[0], train, 2), rel=1e-12)
    got = wql(factor * true, factor * pred[:, None], [0.2])
    assert got == pytest.approx(wql(true, pred[:, None], [0.2]), rel=1e-12)


@properties
@given(forecasts(stack=4), eighths)
def test_errors_do_not_depend_on_the_level(pair: tuple[Array, Array], level: float) -> None:
    true, paths = pair
    one = paths[:, 0]
    for measure in (mae, rmse, lambda *two: quantile_loss(*two, 0.2)):
        assert np.array_equal(measure(true + level, one + level), measure(true, one))
    assert np.array_equal(crps(true + level, paths + level), crps(true, paths))
    shifted = coverage(true + level, one + level, one + level + 1)
    assert np.array_equal(shifted, coverage(true, one, one + 1))
    train = np.arange(9.0) ** 2
    for scaled in (mase, rmsse):
        got = scaled(true[0] + level, one[0] + level, train + level)
        assert got == scaled(true[0], one[0], train)


@properties
@given(forecasts())
def test_bounds_of_point_scores(pair: tuple[Array, Array]) -> None:
    true, pred = pair
    assert ((smape(true, pred) >= 0) & (smape(true, pred) <= 200)).all()
    assert np.array_equal(smape(true, pred), smape(pred, true))
    assert (mae(true, pred) <= rmse(true, pred) * (1 + 1e-12)).all()
    assert not mae(true, true).any()
    assert not rmse(true, true).any()
    assert not smape(true, true).any()


@properties
@given(forecasts(), st.sampled_from([0.1, 0.25, 0.5]))
def test_both_sides_of_a_quantile_loss_are_the_error(
    pair: tuple[Array, Array], quantile: float
) -> None:
    true, pred = pair
    both = quantile_loss(true, pred, quantile) + quantile_loss(true, pred, 1 - quantile)
    np.testing.assert_allclose(both, mae(true, pred), rtol=1e-12)


@properties
@given(forecasts())
def test_wql_of_the_median_is_the_share_of_errors(pair: tuple[Array, Array]) -> None:
    true, pred = pair
    errors, size = np.abs(true - pred).sum(), np.abs(true).sum()
    expected = errors / size if size else (np.inf if errors else 0.0)
    assert wql(true, pred[:, None], [0.5]) == pytest.approx(expected, rel=1e-12)


@properties
@given(forecasts(stack=5), st.randoms(use_true_random=False))
def test_crps_of_paths(pair: tuple[Array, Array], random: Any) -> None:
    true, paths = pair
    got, count = crps(true, paths), paths.shape[1]
    assert (got >= 0).all()
    if count == 1:
        np.testing.assert_allclose(got, mae(true, paths[:, 0]), rtol=1e-12)
    # between the errors of the paths' mean and the mean of the paths' errors
    assert (got <= mae(true[:, None].repeat(count, 1), paths).mean(axis=-1) + 1e-9).all()
    shuffled = paths[:, random.sample(range(count), count)]
    assert np.array_equal(crps(true, shuffled), got)
    pairs = np.abs(paths[:, :, None] - paths[:, None]).mean(axis=(1, 2)) / 2
    by_pairs = (np.abs(paths - true[:, None]).mean(axis=1) - pairs).mean(axis=-1)
    np.testing.assert_allclose(got, by_pairs, rtol=1e-12, atol=1e-9)


@properties
@given(forecasts(stack=5))
def test_crps_is_twice_the_loss_of_all_quantiles(pair: tuple[Array, Array]) -> None:
    true, paths = pair
    count = paths.shape[1]
    shares = (np.arange(count) + 0.5) / count
    ordered = np.sort(paths, axis=1)
    losses = [quantile_loss(true, ordered[:, i], share) for i, share in enumerate(shares)]
    np.testing.assert_allclose(crps(true, paths), 2 * np.mean(losses, axis=0), rtol=1e-9, atol=1e-9)


@properties
@given(forecasts(stack=3))
def test_a_series_scores_what_it_does_alone(pair: tuple[Array, Array]) -> None:
    true, paths = pair
    one = paths[:, 0]
    for many in (mae, rmse, smape, lambda *two: quantile_loss(*two, 0.7)):
        assert many(true, one).tolist() == [
            float(many(*rows)) for rows in zip(true, one, strict=True)
        ]
    assert crps(true, paths).tolist() == [
        float(crps(*rows)) for rows in zip(true, paths, strict=True)
    ]


# ------------------------------------------------------------------------------- other libraries

SERIES, STEPS = 4, 24


@pytest.fixture(scope="module")
def values() -> dict[str, Array]:
    """Truth and forecasts of every kind, (N, H), paths (N, S, H), training rows (N, T)."""
    random = np.random.default_rng(0)
    true = random.normal(3.0, 2.0, size=(SERIES, STEPS)) * np.array([[1.0], [10.0], [0.1], [5.0]])
    pred = true + random.normal(size=true.shape)
    return {
        "y": true,
        "m": pred,
        "m-lo-80": pred - 1.2,
        "m-hi-80": pred + 0.9,
        "paths": pred[:, None] + random.normal(size=(SERIES, 30, STEPS)),
        "train": random.normal(size=(SERIES, 60)).cumsum(axis=1),
    }


def long(values: dict[str, Array], *names: str) -> pd.DataFrame:
    rows = values[names[0]].shape[1]
    columns = {name: values[name].ravel() for name in names}
    ids, times = np.repeat(np.arange(SERIES), rows), np.tile(np.arange(rows), SERIES)
    return pd.DataFrame({"unique_id": ids, "ds": times, **columns})


@pytest.mark.parametrize(
    ("ours", "theirs", "factor"),
    [(mae, "mae", 1.0), (rmse, "rmse", 1.0), (smape, "smape", 200.0)],  # theirs is 0 to 1
    ids=["mae", "rmse", "smape"],
)
def test_point_scores_are_those_of_utilsforecast(
    values: dict[str, Array], ours: Any, theirs: str, factor: float
) -> None:
    expected = getattr(utilsforecast.losses, theirs)(long(values, "y", "m"), ["m"])["m"]
    np.testing.assert_allclose(ours(values["y"], values["m"]), factor * expected, rtol=1e-12)


@pytest.mark.parametrize("ours", [mase, rmsse], ids=["mase", "rmsse"])
@pytest.mark.parametrize("season", [1, 7])
def test_scaled_scores_are_those_of_utilsforecast(
    values: dict[str, Array], ours: Any, season: int
) -> None:
    train = long(values, "train").rename(columns={"train": "y"})
    theirs = getattr(utilsforecast.losses, ours.__name__)
    expected = theirs(long(values, "y", "m"), ["m"], season, train)["m"]
    for true, pred, past, score in zip(
        values["y"], values["m"], values["train"], expected, strict=True
    ):
        assert ours(true, pred, past, season) == pytest.approx(score, rel=1e-12)


def test_quantile_loss_is_that_of_utilsforecast(values: dict[str, Array]) -> None:
    df = long(values, "y", "m")
    for quantile in (0.1, 0.5, 0.8):
        expected = utilsforecast.losses.quantile_loss(df, {"m": "m"}, q=quantile)["m"]
        np.testing.assert_allclose(
            quantile_loss(values["y"], values["m"], quantile), expected, rtol=1e-12
        )


def test_wql_of_one_series_is_the_scaled_crps_of_utilsforecast(values: dict[str, Array]) -> None:
    names, quantiles = ["m-lo-80", "m", "m-hi-80"], np.array([0.1, 0.5, 0.9])
    df = long(values, "y", *names)
    expected = utilsforecast.losses.scaled_crps(df, {"m": names}, quantiles)["m"]
    pred = np.stack([values[name] for name in names], axis=1)
    got = [wql(*rows, quantiles) for rows in zip(values["y"], pred, strict=True)]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_coverage_is_that_of_utilsforecast(values: dict[str, Array]) -> None:
    df = long(values, "y", "m", "m-lo-80", "m-hi-80")
    expected = utilsforecast.losses.coverage(df, ["m"], 80)["m"]
    got = coverage(values["y"], values["m-lo-80"], values["m-hi-80"])
    np.testing.assert_allclose(got, 100 * expected, rtol=1e-12)  # theirs is 0 to 1


@pytest.mark.parametrize("estimator", ["nrg", "qd"])
def test_crps_is_that_of_scoringrules(values: dict[str, Array], estimator: str) -> None:
    by_step = scoringrules.crps_ensemble(
        values["y"], values["paths"], m_axis=1, estimator=estimator, backend="numpy"
    )
    np.testing.assert_allclose(crps(values["y"], values["paths"]), by_step.mean(axis=1), rtol=1e-9)


def test_crps_is_above_the_fair_estimate_by_what_it_says(values: dict[str, Array]) -> None:
    true, paths = values["y"], values["paths"]
    fair = scoringrules.crps_ensemble(true, paths, m_axis=1, estimator="fair", backend="numpy")
    count = paths.shape[1]
    pairs = np.abs(paths[:, :, None] - paths[:, None]).sum(axis=(1, 2)) / (count * (count - 1))
    bias = (pairs / (2 * count)).mean(axis=1)
    np.testing.assert_allclose(crps(true, paths), fair.mean(axis=1) + bias, rtol=1e-9)
