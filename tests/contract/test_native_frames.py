"""Frames of other libraries give the forecasts that the same ones of pandas do, in their kind."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from support.frames import KINDS, in_pandas, is_of, of_library

import tsgen
from tsgen import (
    EncoderDecoderForecaster,
    GRUForecaster,
    LSTMForecaster,
    LSTMGenerator,
    LSTMSeq2Seq,
    Naive,
    SeasonalNaive,
)
from tsgen.errors import TrainingRowsWarning

SMALL = {"max_steps": 3, "hidden_size": 4, "context_length": 12, "verbose": False}
FORECASTERS = {
    "lstm": LSTMForecaster(**SMALL),
    "gru": GRUForecaster(**SMALL),
    "encoder-decoder": EncoderDecoderForecaster(**SMALL),
    "naive": Naive(),
    "seasonal naive": SeasonalNaive(),
}
NETWORKS = "lstm", "gru", "encoder-decoder"
ROWS = 60


def wide() -> pd.DataFrame:
    """Monthly, with the stamps as a column."""
    time = pd.date_range("2015-01-01", periods=ROWS, freq="MS").as_unit("us")
    noise = np.random.default_rng(0).standard_normal((ROWS, 2))
    values = np.sin(2 * np.pi * np.arange(ROWS) / 12)[:, None] + 0.2 * noise + [3.0, 40.0]
    return pd.DataFrame({"ds": time, "small": values[:, 0], "large": values[:, 1]})


def long() -> pd.DataFrame:
    """The same, and what is known beside it."""
    frame = wide().melt("ds", var_name="unique_id", value_name="y")
    month = frame["ds"].dt.month
    return frame.assign(month=month, holiday=np.where(month == 12, "yes", "no"))


LAYOUTS = {"long": long, "wide": wide}


def same(found: Any, expected: pd.DataFrame, kind: str) -> None:
    """In values, names and kind; strings and units of time are those of the library."""
    assert is_of(kind, found)
    expected = expected if expected.index.name is None else expected.reset_index()
    assert_frame_equal(in_pandas(found), expected, check_dtype=False)


@pytest.fixture(scope="module", params=FORECASTERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def frame(layout: str) -> pd.DataFrame:
    frame = LAYOUTS[layout]()
    return frame.set_index("ds") if layout == "wide" else frame


@pytest.fixture(scope="module")
def fitted(name: str, frame: pd.DataFrame):
    """To the frame of pandas."""
    return clone(FORECASTERS[name]).fit(frame)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def came(kind: str, layout: str) -> Any:
    return of_library(kind, LAYOUTS[layout]())


@pytest.fixture(scope="module")
def model(name: str, came: Any):
    """The same, fitted to the frame of another library."""
    return clone(FORECASTERS[name]).fit(came)


def test_forecasts_go_on_in_what_fit_has_read(model, fitted, kind: str) -> None:
    same(model.predict(5), fitted.predict(5), kind)


def test_the_frame_of_a_call_decides(model, fitted, frame, came, kind: str) -> None:
    same(fitted.predict(5, df=came), fitted.predict(5), kind)
    again = model.predict(5, df=frame)
    assert_frame_equal(again, fitted.predict(5))


def test_backtests_are_those_of_pandas(model, fitted, frame, came, kind: str) -> None:
    trained = pytest.warns(TrainingRowsWarning) if model._learns else nullcontext()
    with trained:
        found = model.backtest(came, 4, n_windows=2)
        expected = fitted.backtest(frame, 4, n_windows=2)
    same(found, expected, kind)


@pytest.mark.parametrize("name", NETWORKS, indirect=True)
def test_paths_and_tables_come_in_the_same_kind(model, fitted, kind: str) -> None:
    options = {"num_samples": 3, "calibrated": False}
    same(model.sample(4, **options), fitted.sample(4, **options), kind)
    same(model.stability(horizon=5), fitted.stability(horizon=5), kind)
    same(model.explain(n_windows=4, n_repeats=2), fitted.explain(n_windows=4, n_repeats=2), kind)


@pytest.mark.parametrize("name", ["lstm"], indirect=True)
def test_a_state_and_a_file_remember_the_kind(
    model, fitted, frame, came, kind: str, tmp_path: Path
) -> None:
    expected = fitted.predict(5)
    same(fitted.predict(5, state=fitted.encode(came)), expected, kind)
    begun = model.encode(came)
    assert_frame_equal(model.predict(5, state=model.encode(frame)), expected)
    tsgen.save_state(begun, tmp_path / "state")
    same(model.predict(5, state=tsgen.load_state(tmp_path / "state")), expected, kind)
    model.save(tmp_path / "model")
    loaded = tsgen.load(tmp_path / "model")
    same(loaded.predict(5), expected, kind)
    assert_frame_equal(loaded.predict(5, df=frame), expected)


@pytest.mark.parametrize("layout", ["long"], indirect=True)
@pytest.mark.parametrize("name", ["lstm"], indirect=True)
def test_what_is_known_beside_may_be_of_any_kind(model, kind: str, layout: str) -> None:
    past, ahead = tsgen.hold_out(long(), 6)
    roles = {"future_covariates": ["month", "holiday"]}
    static = pd.DataFrame({"unique_id": ["small", "large"], "size": [1.0, 2.0]})
    plain = clone(model).fit(past, static_covariates=static.set_index("unique_id"), **roles)
    expected = plain.predict(6, future_df=ahead)
    mine = clone(model).fit(
        of_library(kind, past), static_covariates=of_library(kind, static), **roles
    )
    assert_frame_equal(plain.predict(6, future_df=of_library(kind, ahead)), expected)
    same(mine.predict(6, future_df=of_library(kind, ahead)), expected, kind)
    same(mine.predict(6, future_df=ahead), expected, kind)
    given = expected.iloc[2:4].assign(y=7.0)
    forecast = mine.predict(6, future_df=ahead, given=of_library(kind, given))
    assert in_pandas(forecast)["y"].iloc[2:4].tolist() == [7.0, 7.0]
    lacking = of_library(kind, ahead.drop(columns="ds"))
    with pytest.raises(ValueError, match="future_df= has no column 'ds'"):
        mine.predict(6, future_df=lacking)


@pytest.mark.parametrize("layout", ["long"], indirect=True)
@pytest.mark.parametrize("name", ["lstm"], indirect=True)
def test_new_rows_of_one_kind_follow_those_of_another(model, fitted, kind: str) -> None:
    past, new = tsgen.hold_out(long(), 6)
    state = fitted.update(fitted.encode(past), of_library(kind, new))
    assert_frame_equal(fitted.predict(3, state=state), fitted.predict(3))
    state = model.update(model.encode(of_library(kind, past)), new)
    same(model.predict(3, state=state), fitted.predict(3), kind)


def test_groups_go_on_in_what_they_came_in(kind: str) -> None:
    frame = long().rename(columns={"unique_id": "size"})
    plain = tsgen.GroupedForecaster(SeasonalNaive(), by="size").fit(frame)
    model = tsgen.GroupedForecaster(SeasonalNaive(), by="size").fit(of_library(kind, frame))
    same(model.predict(4), plain.predict(4), kind)
    assert_frame_equal(model.predict(4, df=frame), plain.predict(4))
    came = of_library(kind, frame)
    same(plain.predict(4, df=came), plain.predict(4), kind)
    same(plain.backtest(came, 4), plain.backtest(frame, 4), kind)


@pytest.mark.slow
def test_settings_are_searched_on_frames_of_any_kind(kind: str) -> None:
    pytest.importorskip("optuna")
    scores = [
        tsgen.tune(df, 4, n_trials=1, model=LSTMForecaster(**SMALL), verbose=False).score
        for df in (long(), of_library(kind, long()))
    ]
    assert scores[0] == scores[1]


def test_pictures_are_drawn_of_any_kind(kind: str, layout: str, came: Any) -> None:
    model = clone(FORECASTERS["lstm"]).fit(came)
    figure = tsgen.plot_forecast(came, model.predict(5, level=80))
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["small", "large"]
    assert all(axis.collections for axis in figure.axes)  # the bands
    rows = SeasonalNaive().fit(came).backtest(came, 4, n_windows=2)
    assert len(tsgen.plot_backtest(rows, history=came).axes[0].lines) == 3
    assert tsgen.plot_errors(rows).axes
    assert tsgen.plot_importance(model.explain(n_windows=4, n_repeats=2)).axes


# --- symbols -------------------------------------------------------------------------------------


def states(layout: str) -> pd.DataFrame:
    """Of two machines."""
    names = np.array(["off", "on", "idle"])
    hours = np.arange(48)
    frame = pd.DataFrame({"ds": hours, "slow": names[hours // 4 % 3], "fast": names[hours % 3]})
    return frame if layout == "wide" else frame.melt("ds", var_name="unique_id", value_name="y")


def test_symbols_go_on_in_what_they_came_in(kind: str, layout: str, tmp_path: Path) -> None:
    small = {"max_steps": 3, "hidden_size": 4, "verbose": False}
    frame, came = states(layout), of_library(kind, states(layout))
    frame = frame.set_index("ds") if layout == "wide" else frame
    plain, model = LSTMGenerator(**small).fit(frame), LSTMGenerator(**small).fit(came)
    same(model.predict(3), plain.predict(3), kind)
    same(model.sample(3, num_samples=2), plain.sample(3, num_samples=2), kind)
    beams = {"num_beams": 2, "num_return_sequences": 2}
    same(model.predict(3, **beams), plain.predict(3, **beams), kind)
    same(model.log_likelihood(came), plain.log_likelihood(frame), kind)
    same(model.backtest(came, 2), plain.backtest(frame, 2), kind)
    same(model.explain(n_lags=2, n_windows=4), plain.explain(n_lags=2, n_windows=4), kind)
    assert_frame_equal(model.predict(3, df=frame), plain.predict(3))
    same(plain.predict(3, df=came), plain.predict(3), kind)
    model.save(tmp_path / "model")
    same(tsgen.load(tmp_path / "model").predict(3), plain.predict(3), kind)
    if layout == "long":
        assert len(tsgen.plot_symbols(came, model.predict(3)).axes) == 2


def test_pairs_come_back_beside_their_columns(kind: str) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "src": ["ab", "ba", "b"], "tgt": ["AB", "BA", "B"]})
    came, columns = of_library(kind, frame), {"source_col": "src", "target_col": "tgt"}
    plain = LSTMSeq2Seq(max_steps=3, hidden_size=4, verbose=False).fit(frame, **columns)
    model = clone(plain).fit(came, **columns)
    same(model.predict(came), plain.predict(frame), kind)
    several = plain.sample(frame, num_samples=2).reset_index(drop=True)
    same(model.sample(came, num_samples=2), several, kind)
    assert model.score(came) == plain.score(frame)
    assert_frame_equal(model.predict(frame), plain.predict(frame))


def test_columns_alone_are_pairs_too() -> None:
    pl = pytest.importorskip("polars")
    source, target = pl.Series(["ab", "ba"]), pl.Series("said", ["AB", "BA"])
    model = LSTMSeq2Seq(max_steps=3, hidden_size=4, verbose=False).fit(source, target)
    plain = LSTMSeq2Seq(max_steps=3, hidden_size=4, verbose=False).fit(["ab", "ba"], ["AB", "BA"])
    assert model.predict(source).to_list() == plain.predict(["ab", "ba"])
    assert model.predict(source).name == "said"
    found = model.log_likelihood(source, target).to_list()
    np.testing.assert_allclose(found, plain.log_likelihood(["ab", "ba"], ["AB", "BA"]))
