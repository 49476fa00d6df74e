"""One list of checks that every forecaster passes, the baselines included."""

from __future__ import annotations

import copy
import inspect
import random

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsgen import EncoderDecoderForecaster, GRUForecaster, LSTMForecaster, Naive, SeasonalNaive

SMALL = {"max_steps": 6, "hidden_size": 8, "context_length": 24, "lags": [12], "verbose": False}
FORECASTERS = {
    "lstm": LSTMForecaster(**SMALL),
    "lstm, last value as base, no window norm": LSTMForecaster(
        **SMALL, residual="last", window_norm=False
    ),
    "gru, two layers, dropout": GRUForecaster(**SMALL, num_layers=2, dropout=0.1),
    "encoder-decoder": EncoderDecoderForecaster(**SMALL),
    "encoder-decoder of gru, two layers, both ways, dropout": EncoderDecoderForecaster(
        **SMALL,
        cell="gru",
        num_layers=2,
        encoder_layers=2,
        bidirectional=True,
        attention="dot",
        dropout=0.1,
    ),
    "lstm, pretrained": LSTMForecaster(preset="zero_shot", verbose=False),
    "lstm, pretrained, then trained": LSTMForecaster(
        preset="fine_tuned", max_steps=4, verbose=False
    ),
    "naive": Naive(),
    "seasonal naive": SeasonalNaive(),
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if "dropout" in name else ())
        for name in FORECASTERS
    ],
)
def kind(request: pytest.FixtureRequest):
    return FORECASTERS[request.param]


@pytest.fixture
def forecaster(kind):
    return clone(kind)


@pytest.fixture(scope="module")
def fitted(kind):
    """One for all tests that only forecast."""
    return clone(kind).fit(two_series())


def two_series() -> pd.DataFrame:
    """Noisy and monthly, wide."""
    time = pd.date_range("2010-01-01", periods=96, freq="MS")
    months = np.arange(96)
    noise = np.random.default_rng(0).standard_normal((96, 2))
    values = np.sin(2 * np.pi * months / 12)[:, None] * [1.0, 5.0] + 0.2 * noise + [3.0, 40.0]
    return pd.DataFrame(values, index=time, columns=["small", "large"])


@pytest.fixture
def frame() -> pd.DataFrame:
    return two_series()


def _numpy_state() -> np.ndarray:
    return np.random.get_state()[1].copy()  # noqa: NPY002 - the global one is what is watched


def test_the_constructor_only_stores(forecaster) -> None:
    parameters = inspect.signature(type(forecaster)).parameters
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters.values())
    marker = object()  # nothing is looked at before fit
    built = type(forecaster)(**dict.fromkeys(parameters, marker))
    assert vars(built) == dict.fromkeys(parameters, marker)


def test_parameters_are_read_set_and_cloned(forecaster) -> None:
    parameters = forecaster.get_params()
    copied = clone(forecaster)
    assert copied is not forecaster
    assert copied.get_params() == parameters
    assert forecaster.set_params(**parameters) is forecaster
    assert "Forecaster" in repr(forecaster) or "Naive" in repr(forecaster)
    with pytest.raises(ValueError, match="no_such"):
        forecaster.set_params(no_such=1)


def test_fit_returns_self_and_leaves_the_parameters(forecaster, frame: pd.DataFrame) -> None:
    parameters = copy.deepcopy(forecaster.get_params())
    assert forecaster.fit(frame) is forecaster
    assert forecaster.get_params() == parameters
    learned = [name for name in vars(forecaster) if name not in parameters]
    assert learned
    assert all(name.endswith("_") for name in learned)


def test_predict_before_fit(forecaster) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        forecaster.predict(3)


def test_a_second_fit_forgets_the_first(forecaster, fitted, frame: pd.DataFrame) -> None:
    other = frame.iloc[:60] * 3.0 + 100.0
    twice = forecaster.fit(other).fit(frame).predict(6)
    assert_frame_equal(twice, fitted.predict(6))


def test_same_seed_same_forecast_and_nothing_global_is_touched(
    forecaster, fitted, frame: pd.DataFrame
) -> None:
    before = random.getstate(), _numpy_state(), torch.random.get_rng_state()
    torch.random.manual_seed(99)
    again = forecaster.fit(frame).predict(6)
    assert_frame_equal(again, fitted.predict(6))
    torch.random.set_rng_state(before[2])
    clone(forecaster).fit(frame).predict(6)
    assert random.getstate() == before[0]
    assert (_numpy_state() == before[1]).all()
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_a_series_alone_is_forecast_as_in_the_panel(fitted, frame: pd.DataFrame) -> None:
    together = fitted.predict(6)
    for name in frame:
        alone = fitted.predict(6, df=frame[[name]])
        scale = frame[name].std()
        np.testing.assert_allclose(alone[name], together[name], atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize(("a", "b"), [(1000.0, -7.0), (1e-3, 1e6), (2.0, 1e9)])
def test_scale_and_level_move_the_forecast_along(
    forecaster, fitted, frame: pd.DataFrame, a: float, b: float
) -> None:
    plain = fitted.predict(6)
    moved = forecaster.fit(a * frame + b).predict(6)
    for name in frame:
        scale = a * frame[name].std()
        np.testing.assert_allclose(moved[name], a * plain[name] + b, atol=1e-4 * scale, rtol=0)


def test_a_short_horizon_is_a_prefix_of_a_long_one(fitted) -> None:
    assert_frame_equal(fitted.predict(5), fitted.predict(10).iloc[:5], check_freq=False)


def test_the_input_is_never_changed(forecaster, frame: pd.DataFrame) -> None:
    frame.to_numpy()  # consolidate, so that a write through a view would show
    before = frame.copy(deep=True)
    forecaster.fit(frame).predict(6)
    forecaster.predict(6, df=frame)
    assert_frame_equal(frame, before)


def test_the_forecast_goes_on_from_the_input(fitted, frame: pd.DataFrame) -> None:
    forecast = fitted.predict(6)
    joined = pd.concat([frame, forecast])
    again = fitted.predict(3, df=joined)
    assert again.index[0] == forecast.index[-1] + pd.offsets.MonthBegin()
    assert not again.isna().to_numpy().any()


def test_a_series_comes_back_as_a_series(forecaster, frame: pd.DataFrame) -> None:
    forecast = forecaster.fit(frame["small"]).predict(4)
    assert isinstance(forecast, pd.Series)
    assert forecast.name == "small"
    assert_series_equal(forecast, forecaster.predict(4, df=frame["small"]))


def test_a_horizon_that_is_none_is_refused(fitted) -> None:
    for horizon in (0, -1, 2.5, "48", True, None, np.nan):
        with pytest.raises((TypeError, ValueError), match="horizon="):
            fitted.predict(horizon)


def test_another_librarys_name_for_the_horizon(fitted) -> None:
    for name in ("h", "n", "steps", "fh", "prediction_length"):
        with pytest.raises(TypeError, match="'horizon'"):
            fitted.predict(**{name: 3})
