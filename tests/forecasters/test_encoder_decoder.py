"""Encoder–decoder forecasters: what is known of their forecasts, files and attention."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

import tsgen
from tsgen import EncoderDecoderForecaster, LSTMForecaster
from tsgen.errors import ModelFileError, SettingError
from tsgen.forecasters.snapshot import check_snapshot
from tsgen.io import CodecError

SMALL: dict[str, Any] = {
    "max_steps": 4, "hidden_size": 8, "context_length": 24, "train_horizon": 6, "verbose": False,
}  # fmt: skip


def monthly(rows: int = 72, series: int = 2) -> pd.DataFrame:
    """Seasons on lines, with some noise; wide."""
    time = pd.date_range("2015-01-01", periods=rows, freq="MS", name="ds")
    months = np.arange(rows)[:, None]
    noise = 0.1 * np.random.default_rng(0).standard_normal((rows, series))
    values = np.sin(2 * np.pi * months / 12) + 0.02 * months + noise
    return pd.DataFrame(values, index=time, columns=list("abcdef"[:series]))


@pytest.fixture(scope="module")
def fitted() -> EncoderDecoderForecaster:
    return EncoderDecoderForecaster(**SMALL).fit(monthly().iloc[:60])


# --- forecasts


def test_a_sine_goes_on_far_beyond_what_was_trained() -> None:
    time = np.arange(160)
    sine = pd.Series(np.sin(2 * np.pi * time / 16), index=time)
    model = EncoderDecoderForecaster(
        **SMALL | {"max_steps": 60, "learning_rate": 1e-2, "context_length": 32},
        season_length=16,
    ).fit(sine)
    path = model.predict(64)
    expected = np.sin(2 * np.pi * path.index.to_numpy() / 16)
    assert np.abs(path - expected).max() < 0.1


@pytest.mark.slow
def test_a_season_on_a_line_beats_seasonal_naive() -> None:
    df = monthly(120, 1)
    train, test = tsgen.hold_out(df, 24)
    model = EncoderDecoderForecaster(
        **SMALL | {"max_steps": 150, "train_horizon": 12}, learning_rate=1e-2
    ).fit(train)
    errors = (model.predict(24) - test).abs().to_numpy().mean()
    naive = (tsgen.SeasonalNaive().fit(train).predict(24) - test).abs().to_numpy().mean()
    assert errors < 0.8 * naive


def test_a_longer_horizon_begins_with_the_shorter_one(fitted: EncoderDecoderForecaster) -> None:
    assert_frame_equal(fitted.predict(3), fitted.predict(200).iloc[:3], check_freq=False)


def test_an_update_is_encoding_the_whole_bit_by_bit(fitted: EncoderDecoderForecaster) -> None:
    df = monthly()
    state = fitted.encode(df.iloc[:60])
    for first, last in ((60, 61), (61, 72)):
        state = fitted.update(state, df.iloc[first:last])
    assert_frame_equal(fitted.predict(6, state=state), fitted.predict(6, df=df))
    drawn = fitted.sample(6, state=state, num_samples=3, calibrated=False)
    assert_frame_equal(drawn, fitted.sample(6, df=df, num_samples=3, calibrated=False))


def test_a_recurrence_is_not_carried_on(fitted: EncoderDecoderForecaster) -> None:
    df = monthly()
    with pytest.raises(SettingError, match=r"carry=True.*encoder reads each context as a whole"):
        fitted.update(fitted.encode(df.iloc[:60]), df.iloc[60:], carry=True)
    with pytest.raises(SettingError, match="carry=True"):
        fitted.backtest(df, 6, carry=True)


def test_a_backtest_is_a_forecast_from_each_cutoff(fitted: EncoderDecoderForecaster) -> None:
    df = monthly()
    rows = fitted.backtest(df, 4, n_windows=3)
    first = rows[rows["cutoff"] == df.index[59]]
    expected = fitted.predict(4, df=df.iloc[:60])
    found = first.pivot(index="ds", columns="unique_id", values="y_pred")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_paths_and_levels_lie_around_the_forecast(fitted: EncoderDecoderForecaster) -> None:
    paths = fitted.sample(5, num_samples=20, as_array=True, calibrated=False)
    assert paths.shape == (2, 20, 5)
    assert (paths.std(axis=1) > 0).all()
    still = fitted.sample(5, num_samples=2, as_array=True, calibrated=False, temperature=0)
    np.testing.assert_allclose(still[:, 0], fitted.predict(5).to_numpy().T, atol=1e-5)
    df = monthly(60, 1)["a"]
    bands = EncoderDecoderForecaster(**SMALL).fit(df).predict(3, level=80)
    assert (bands["a-lo-80"] < bands["a"]).all()
    assert (bands["a"] < bands["a-hi-80"]).all()


def test_what_is_given_stands_in_the_forecast(fitted: EncoderDecoderForecaster) -> None:
    plain = fitted.predict(5)
    given = plain.iloc[1:2] + 3.0
    told = fitted.predict(5, given=given)
    assert_frame_equal(told.iloc[:1], plain.iloc[:1], check_freq=False)
    np.testing.assert_allclose(told.iloc[1], given.iloc[0])
    assert (told.iloc[2] != plain.iloc[2]).all()


def test_holes_may_stay() -> None:
    df = monthly()
    df.iloc[40:43, 0] = np.nan
    df.iloc[:20, 1] = np.nan
    model = EncoderDecoderForecaster(**SMALL).fit(df, fill="mask")
    assert np.isfinite(model.predict(12).to_numpy()).all()
    df.iloc[60, 0] = np.nan  # in the last context
    weights = model.attention_weights(4, df=df)["a"]
    assert (weights[df.index[60]] == 0).all()
    assert (weights.drop(columns=df.index[60]) > 0).all(axis=None)


@pytest.mark.parametrize("strategy", ["teacher_forcing", "scheduled_sampling", "push_forward"])
def test_strategies_train_the_rows_after_the_cutoff(strategy: str) -> None:
    df = monthly()
    df.iloc[30:33, 0] = np.nan
    model = EncoderDecoderForecaster(**SMALL | {"max_steps": 2}, training_strategy=strategy)
    model.fit(df, fill="mask")
    assert np.isfinite(model.report_.losses["loss"]).all()
    assert np.isfinite(model.predict(3).to_numpy()).all()


def test_several_channels_are_one_system() -> None:
    df = monthly(series=3)
    model = EncoderDecoderForecaster(**SMALL, multivariate=True).fit(df)
    before = model.predict(4)
    df.iloc[-1, 0] += 1.0
    after = model.predict(4, df=df)
    assert (before["c"] != after["c"]).all()
    assert model.attention_weights(4).shape == (4, 24)
    assert (
        model.explain(horizon=3, n_windows=8, n_repeats=1)["input"].str.contains("context").sum()
        == 3
    )


def test_the_decoder_knows_future_covariates_and_the_encoder_past_ones() -> None:
    time = np.arange(120)
    random = np.random.default_rng(0)
    price, load = random.integers(0, 2, 128), random.standard_normal(128)
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(128), "price": price, "load": load})
    frame["y"] = 3.0 * frame["price"] + 0.1 * random.standard_normal(128)
    model = EncoderDecoderForecaster(
        **SMALL | {"max_steps": 80, "learning_rate": 1e-2, "lags": None}, residual=None
    )
    train = frame.iloc[: len(time)]
    model.fit(train, future_covariates="price", past_covariates="load")
    ahead = frame.iloc[len(time) :].drop(columns=["y", "load"])
    forecast = model.predict(8, future_df=ahead)
    gap = (
        forecast["y"][ahead["price"].to_numpy() == 1].min()
        - forecast["y"][ahead["price"].to_numpy() == 0].max()
    )
    assert gap > 1.0
    other = model.predict(8, df=train.assign(load=-train["load"]), future_df=ahead)
    assert (other["y"] != forecast["y"]).any()
    named = model.explain(n_windows=16, n_repeats=1).set_index("input")["importance"]
    assert named.idxmax() == "price"
    assert {"context", "load", "lag 1"} <= set(named.index)


def test_a_loop_is_looked_at_in_the_long_run(fitted: EncoderDecoderForecaster) -> None:
    assert np.isfinite(fitted.stability(horizon=40)["lyapunov"]).all()


# --- attention


def test_attention_has_the_stamps_of_forecast_and_context(
    fitted: EncoderDecoderForecaster,
) -> None:
    df = monthly().iloc[:60]
    weights = fitted.attention_weights(5)
    assert list(weights) == ["a", "b"]
    assert weights["a"].columns.equals(df.index[-24:])
    assert weights["a"].index.equals(fitted.predict(5).index)
    np.testing.assert_allclose(weights["b"].sum(axis=1), 1.0, rtol=1e-5)
    alone = fitted.attention_weights(5, df=df["a"])
    np.testing.assert_allclose(alone, weights["a"], atol=1e-5)
    short = fitted.attention_weights(5, df=df["a"].iloc[-7:])
    assert short.shape == (5, 7)
    assert fitted.attention_weights(2, state=fitted.encode(df))["a"].equals(weights["a"].iloc[:2])
    figure = tsgen.plot_attention(weights)
    assert [axis.get_title(loc="left") for axis in figure.axes[:2]] == ["a", "b"]
    assert figure.axes[0].get_yticklabels()[0].get_text() == "2020-01-01"


def test_stamps_of_a_context_whose_series_ended_earlier(fitted: EncoderDecoderForecaster) -> None:
    df = monthly().iloc[:60]
    df.iloc[-3:, 1] = np.nan
    weights = fitted.attention_weights(4, df=df)
    assert weights["b"].columns[-1] == df.index[-4]
    assert weights["b"].index[0] == weights["a"].index[0]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, 63),
        pd.period_range("2020-01", periods=60, freq="M"),
        pd.date_range("2020-01-01", periods=60, freq="D", tz="Europe/Berlin"),
        pd.date_range("2020-03-01", periods=60, freq="h", tz="Europe/Berlin"),
        pd.date_range("2020-01-01", periods=60, freq="B"),
    ],
    ids=["integers", "periods", "local days", "hours in a zone", "business days"],
)
def test_stamps_of_every_kind(index: pd.Index) -> None:
    series = pd.Series(np.sin(np.arange(60.0)), index=index)
    model = EncoderDecoderForecaster(**SMALL | {"max_steps": 1}).fit(series)
    weights = model.attention_weights(3)
    assert weights.columns.tolist() == index[-24:].tolist()


@pytest.mark.slow
def test_attention_finds_the_row_that_a_series_goes_by() -> None:
    lag, rows = 7, 3000
    series = np.random.default_rng(0).standard_normal(rows)
    for row in range(lag, rows):  # by the row a lag before alone
        series[row] = 0.95 * series[row - lag] + 0.3 * series[row]
    model = EncoderDecoderForecaster(
        lags=None, residual=None, season_length=1, context_length=lag, train_horizon=lag,
        window_norm=False, hidden_size=32, learning_rate=1e-2, max_steps=250, verbose=False,
    )  # fmt: skip
    data = pd.Series(series, index=pd.RangeIndex(rows))
    model.fit(data)
    found = [
        model.attention_weights(lag, df=data.iloc[end - lag : end]).to_numpy()
        for end in range(100, rows, 100)
    ]
    planted = np.diag(np.mean(found, axis=0))  # step h goes by row h of the context
    assert planted.min() > 0.5


def test_without_attention_there_is_none_to_show() -> None:
    model = EncoderDecoderForecaster(**SMALL | {"max_steps": 1}, attention=None)
    model.fit(monthly(series=1))
    assert len(model.predict(3)) == 3
    with pytest.raises(SettingError, match="attention=None"):
        model.attention_weights(3)


# --- files, and going on from a fitted one


def test_a_saved_one_and_its_state_forecast_the_same_bit_by_bit(
    fitted: EncoderDecoderForecaster, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model.tsgen")
    loaded = tsgen.load(tmp_path / "model.tsgen")
    assert type(loaded) is EncoderDecoderForecaster
    assert loaded.get_params() == fitted.get_params()
    assert loaded.settings_ == fitted.settings_
    assert_frame_equal(loaded.predict(9), fitted.predict(9))
    tsgen.save_state(fitted.encode(monthly()), tmp_path / "now.state")
    state = tsgen.load_state(tmp_path / "now.state")
    assert_frame_equal(loaded.predict(9, state=state), fitted.predict(9, df=monthly()))
    with pytest.raises(ModelFileError, match=r"EncoderDecoderForecaster\.load"):
        LSTMForecaster.load(tmp_path / "model.tsgen")


@pytest.mark.parametrize(
    ("name", "value"), [("encoder_layers", 9), ("encoder_layers", 0), ("attention", "all")]
)
def test_a_file_that_makes_no_sense(
    fitted: EncoderDecoderForecaster, name: str, value: Any
) -> None:
    snapshot = fitted._snapshot()
    settings = replace(snapshot.settings, **{name: value})
    with pytest.raises(CodecError, match=name):
        check_snapshot(replace(snapshot, settings=settings))
    with pytest.raises(CodecError, match="cell"):
        check_snapshot(replace(snapshot, params={**snapshot.params, "cell": "rnn"}))


def test_training_goes_on_from_a_fitted_one(
    fitted: EncoderDecoderForecaster, tmp_path: Path
) -> None:
    longer = EncoderDecoderForecaster(**SMALL | {"max_steps": 2})
    longer.fit(monthly(), init=fitted)
    assert longer.settings_.init == "fitted"
    assert not longer.predict(3).equals(fitted.predict(3, df=monthly()))
    longer.save(tmp_path / "more.tsgen")
    loaded = EncoderDecoderForecaster.load(tmp_path / "more.tsgen")
    assert_frame_equal(loaded.predict(3), longer.predict(3))
    other = EncoderDecoderForecaster(**SMALL, attention="dot")
    with pytest.raises(SettingError, match=r"attention='dot', but the fitted model.*'additive'"):
        other.fit(monthly(), init=fitted)
    with pytest.raises(SettingError, match="cell='gru', but the fitted model"):
        EncoderDecoderForecaster(**SMALL, cell="gru").fit(monthly(), init=fitted)
    with pytest.raises(SettingError, match="EncoderDecoderForecaster, whose network is of another"):
        LSTMForecaster(**{"max_steps": 1, "hidden_size": 8}).fit(monthly(), init=fitted)


# --- arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cell": "rnn"}, "cell='rnn'"),
        ({"attention": "all"}, "attention='all'"),
        ({"encoder_layers": 9}, "encoder_layers=9"),
        ({"bidirectional": "yes"}, "bidirectional='yes'"),
        ({"train_horizon": 0}, "train_horizon=0"),
        ({"preset": "zero_shot"}, "preset='zero_shot'"),
        ({"init": "pretrained"}, "init='pretrained'.*no encoder"),
    ],
)
def test_arguments_of_no_use(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises((SettingError, ValueError, TypeError), match=said):
        EncoderDecoderForecaster(**arguments).fit(monthly())


def test_settings_say_what_was_chosen() -> None:
    module, data = EncoderDecoderForecaster(train_horizon=9, encoder_layers=2).prepare(monthly())
    made_of = module.network.architecture
    assert (made_of.encoder_layers, made_of.attention, made_of.bidirectional) == (
        2, "additive", False,
    )  # fmt: skip
    assert data.shape.horizon == 9
    assert repr(module.strategy) == repr(tsgen.FreeRunning())


def test_members_are_trained_side_by_side() -> None:
    series = monthly(series=1)["a"]
    model = EncoderDecoderForecaster(**SMALL | {"max_steps": 2}, n_models=2).fit(series)
    assert model.attention_weights(3).shape == (3, 24)
    assert_series_equal(model.predict(3), model.predict(3, df=series))
