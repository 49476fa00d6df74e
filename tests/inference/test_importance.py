"""Permutation importance on series whose drivers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import tsgen
from tsgen import LSTMForecaster
from tsgen.errors import NotFittedError, SettingError


def frame(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """``y`` is three times a price of its own day; a second price says nothing."""
    random = np.random.default_rng(seed)
    price, idle = random.normal(size=(2, rows))
    ds = pd.date_range("2024-01-01", periods=rows)
    y = 10 + 3 * price + 0.1 * random.normal(size=rows)
    promo = np.where(random.random(rows) < 0.3, "web", "none")
    return pd.DataFrame({"unique_id": "a", "ds": ds, "y": y, "price": price, "idle": idle,
                         "promo": promo})  # fmt: skip


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    model = LSTMForecaster(
        max_steps=150, hidden_size=16, batch_size=16, learning_rate=2e-2, context_length=14,
        lags=[7], residual=None, calendar="day_of_week", verbose=False,
    )  # fmt: skip
    return model.fit(frame(), future_covariates=["price", "idle", "promo"])


@pytest.fixture(scope="module")
def found(model: LSTMForecaster) -> pd.DataFrame:
    return model.explain(frame())


def test_what_drives_the_series_comes_first(found: pd.DataFrame) -> None:
    assert found["input"].iloc[0] == "price"
    importance = found.set_index("input")["importance"]
    assert importance["price"] > 2
    assert (importance[["idle", "promo", "day_of_week", "lag 7"]] < 0.2 * importance["price"]).all()


def test_every_input_is_there_once_and_in_order(found: pd.DataFrame) -> None:
    names = ["lag 1", "lag 7", "price", "idle", "promo", "day_of_week"]
    assert sorted(found["input"]) == sorted(names)
    assert found["importance"].is_monotonic_decreasing
    assert (found["spread"] >= 0).all()


@pytest.mark.slow
def test_the_same_seed_finds_the_same(model: LSTMForecaster, found: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(model.explain(frame()), found)
    pd.testing.assert_frame_equal(model.explain(), found)  # the training rows
    other = model.explain(frame(), random_state=1)
    assert not other["importance"].equals(found["importance"])
    assert other["input"].iloc[0] == "price"


@pytest.mark.slow
def test_a_lag_that_the_series_repeats_by() -> None:
    t = np.arange(400)
    random = np.random.default_rng(0)
    season = np.tile(random.normal(size=7), 60)[: len(t)]
    y = pd.Series(season, index=pd.date_range("2024-01-01", periods=len(t)))
    model = LSTMForecaster(max_steps=60, hidden_size=8, lags=[7], context_length=14, verbose=False)
    found = model.fit(y).explain(horizon=7, n_windows=64, n_repeats=2)
    assert found["input"].iloc[0] == "lag 7"


def test_channels_have_lags_of_their_own() -> None:
    random = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=80)
    wide = pd.DataFrame(random.normal(size=(80, 2)), index=index, columns=["u", "v"])
    model = LSTMForecaster(
        max_steps=2, hidden_size=4, lags=None, residual="last", context_length=8,
        multivariate=True, verbose=False,
    )  # fmt: skip
    assert set(model.fit(wide).explain()["input"]) == {"u, lag 1", "v, lag 1"}


@pytest.mark.slow
def test_a_loaded_model_needs_rows(model: LSTMForecaster, tmp_path: object) -> None:
    path = f"{tmp_path}/model.tsgen"
    model.save(path)
    loaded = LSTMForecaster.load(path)
    with pytest.raises(NotFittedError, match=r"model\.explain\(df\)"):
        loaded.explain()
    assert loaded.explain(frame())["input"].iloc[0] == "price"
    with pytest.raises(NotFittedError, match="before explain"):
        LSTMForecaster().explain()


@pytest.mark.parametrize("arguments", [{"n_windows": 0}, {"n_repeats": 1.5}, {"random_state": -1}])
def test_bad_arguments(model: LSTMForecaster, arguments: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(arguments))):
        model.explain(frame(), **arguments)  # type: ignore[arg-type]


def test_bars_are_in_the_order_of_the_frame(found: pd.DataFrame) -> None:
    figure = tsgen.plot_importance(found, title="What drives it")
    assert isinstance(figure, Figure)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()][::-1] == found["input"].tolist()
    widths = [bar.get_width() for bar in axis.patches][::-1]
    np.testing.assert_allclose(widths, 100 * found["importance"])
    assert axis.get_title(loc="left") == "What drives it"
