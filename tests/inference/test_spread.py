"""The spread that a loop predicts of its own errors, on loops whose errors are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import tsgen
from tsgen import LSTMForecaster
from tsgen.generation import Feedback
from tsgen.inference.fitted import FittedModel
from tsgen.inference.spread import predicted_spread
from tsgen.inference.spread_calibration import SpreadCalibration
from tsgen.inference.state import Encoding


def copying(lag: int, series: pd.DataFrame) -> LSTMForecaster:
    """A model whose forecast is the value some rows ago: a random walk, or a season of it."""
    model = LSTMForecaster(
        season_length=max(lag, 2), residual="last" if lag == 1 else "seasonal", max_steps=1,
        hidden_size=4, context_length=30, window_norm=True, verbose=False,
    )  # fmt: skip
    model.fit(series)
    for weight in model.module_.network.head.parameters():
        torch.nn.init.zeros_(weight)
    return model


def walks(count: int = 3, rows: int = 80) -> pd.DataFrame:
    steps = np.random.default_rng(0).normal(size=(rows, count))
    return pd.DataFrame(steps.cumsum(axis=0), pd.date_range("2020-01-01", periods=rows))


def read(model: LSTMForecaster, df: pd.DataFrame) -> tuple[FittedModel, Encoding]:
    return model.model_, model.encode(df).encoding


def spread_of(model: LSTMForecaster, df: pd.DataFrame, horizon: int) -> torch.Tensor:
    fitted, encoding = read(model, df)
    path = fitted.run(encoding, horizon).path
    return predicted_spread(fitted, encoding, path, Feedback())


def test_errors_of_a_random_walk_grow_with_the_root_of_the_steps() -> None:
    df = walks()
    spread = spread_of(copying(1, df), df, 16)[:, :, 0]
    steps = torch.arange(1, 17)
    torch.testing.assert_close(spread, spread[:, :1] * steps.sqrt(), rtol=1e-4, atol=1e-5)


def test_errors_of_a_season_are_the_same_within_it_and_grow_from_one_to_the_next() -> None:
    df = walks()
    spread = spread_of(copying(7, df), df, 15)[0, :, 0]
    seasons = 1 + torch.arange(15) // 7
    torch.testing.assert_close(spread, spread[0] * seasons.sqrt(), rtol=1e-4, atol=1e-5)


def test_the_first_step_is_the_spread_of_one_step_errors() -> None:
    df = walks()
    fitted, encoding = read(copying(1, df), df)
    own = encoding.errors.square().nanmean(dim=1).sqrt()
    first = predicted_spread(fitted, encoding, fitted.run(encoding, 1).path, Feedback())[:, 0]
    torch.testing.assert_close(first, own, rtol=0.2, atol=0.0)


def test_a_series_with_few_errors_of_its_own_has_the_spread_of_all() -> None:
    df = walks()
    fitted, encoding = read(copying(1, df), df)
    errors = encoding.errors.clone()
    errors[0] = torch.nan
    spread = predicted_spread(
        fitted, Encoding(encoding.normaliser, encoding.loops, errors),
        fitted.run(encoding, 1).path, Feedback(),
    )  # fmt: skip
    known = errors[1:]
    torch.testing.assert_close(spread[0, 0], known.square().nanmean(dim=(0, 1)).sqrt())


def test_what_is_given_has_no_spread_and_stops_what_came_before_it() -> None:
    df = walks(1)
    fitted, encoding = read(copying(1, df), df)
    given = torch.full((1, 4, 1), torch.nan)
    given[:, 0] = 0.5
    path = fitted.run(encoding, 4, Feedback(given=given)).path
    assert (predicted_spread(fitted, encoding, path, Feedback(given=given)) == 0).all()


# ------------------------------------------------------------------------------- how many times


def test_factors_are_the_quantiles_of_the_errors_on_each_side() -> None:
    random = np.random.default_rng(0)
    spread = random.uniform(0.5, 2.0, (4000, 3))
    skewed = random.exponential(size=(4000, 3)) - 0.7
    fitted = SpreadCalibration.fit(skewed * spread, spread)
    low, high = fitted.multiples([0.1, 0.9], 3)
    np.testing.assert_allclose(low, -np.log(0.9) - 0.7, atol=0.05)
    np.testing.assert_allclose(high, -np.log(0.1) - 0.7, atol=0.15)


def test_bounds_are_in_order_and_later_steps_are_as_the_last() -> None:
    random = np.random.default_rng(0)
    fitted = SpreadCalibration.fit(random.normal(size=(50, 4)), np.ones((50, 4)))
    shares = np.linspace(0.01, 0.99, 40)
    bounds = fitted.multiples(shares, 9)
    assert (np.diff(bounds, axis=0) >= 0).all()
    np.testing.assert_array_equal(bounds[:, 4:], bounds[:, 3:4].repeat(5, axis=1))
    np.testing.assert_array_equal(fitted.multiples([0.5], 4), 0.0)


def test_without_errors_they_are_those_of_a_normal_distribution() -> None:
    np.testing.assert_allclose(
        SpreadCalibration.none().multiples([0.025, 0.9], 2)[:, 0], [-1.96, 1.2816], atol=1e-3
    )


def test_beyond_the_last_level_bounds_go_on() -> None:
    """Of many paths the outermost would else all be the same."""
    shares = (np.arange(2000) + 0.5) / 2000
    bounds = SpreadCalibration.none().multiples(shares, 1)[:, 0]
    assert (np.diff(bounds) > 0).all()
    np.testing.assert_allclose(bounds[-1], 3.4808, atol=1e-3)


def test_stretched_paths_keep_their_order_and_have_the_quantiles() -> None:
    paths = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 200, 3)))
    centre, spread = torch.ones(2, 3).double(), torch.tensor([[1.0, 2.0, 3.0]] * 2).double()
    calibration = SpreadCalibration.none()
    stretched = calibration.stretch(paths, centre, spread)
    assert (stretched.argsort(dim=1) == paths.argsort(dim=1)).all()
    expected = 1 + spread[0].numpy() * calibration.multiples([0.1], 3)[0]
    np.testing.assert_allclose(np.quantile(stretched[0].numpy(), 0.1, axis=0), expected, atol=0.05)


# ---------------------------------------------------------------------------------- as it is used


@pytest.fixture(scope="module")
def zero_shot() -> Any:
    """Not to be changed."""
    df = tsgen.load_dataset("texas_housing").groupby("unique_id").tail(60)
    return LSTMForecaster(preset="zero_shot", verbose=False).fit(df)


def test_levels_need_no_training_and_paths_agree_with_them(
    zero_shot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsgen.training, "train", None)
    bands = zero_shot.predict(6, level=80)
    paths = zero_shot.sample(6, num_samples=400, as_array=True)
    width = (bands["y-hi-80"] - bands["y-lo-80"]).to_numpy().reshape(-1, 6)
    for share, column in ((0.1, "y-lo-80"), (0.9, "y-hi-80")):
        found = np.quantile(paths, share, axis=1)
        bound = bands[column].to_numpy().reshape(-1, 6)
        assert (np.abs(found - bound) < 0.03 * width).all()


def test_the_point_forecast_is_the_same_with_levels(zero_shot: Any) -> None:
    pd.testing.assert_series_equal(zero_shot.predict(6, level=80)["y"], zero_shot.predict(6)["y"])


def test_a_second_fit_stays_a_choice(zero_shot: Any) -> None:
    assert isinstance(zero_shot.calibration_, SpreadCalibration)
    other = LSTMForecaster(max_steps=2, hidden_size=4, verbose=False)
    other.fit(walks(2)).calibrate(refit=False)
    assert isinstance(other.calibration_, SpreadCalibration)
    other.calibrate(refit=True)
    assert not isinstance(other.calibration_, SpreadCalibration)
    with pytest.raises(tsgen.errors.SettingError, match="refit="):
        other.calibrate(refit="yes")


def test_levels_are_saved(zero_shot: Any, tmp_path: Any) -> None:
    zero_shot.save(tmp_path / "model.tsgen")
    loaded = tsgen.load(tmp_path / "model.tsgen")
    pd.testing.assert_frame_equal(
        loaded.predict(6, level=[50, 90]), zero_shot.predict(6, level=[50, 90])
    )
