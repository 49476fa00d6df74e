"""Frames of tsgen go into utilsforecast's functions as they are."""

from __future__ import annotations

from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from support.frames import of_library
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import coverage, mae, mase, mqloss, rmse, scaled_crps, smape
from utilsforecast.plotting import plot_series

import tsgen
from tsgen import LSTMForecaster, Naive, SeasonalNaive

HORIZON = 6


def panel() -> pd.DataFrame:
    """Two series of a week's season, the second one ten times as high."""
    days = np.arange(70)
    noise = np.random.default_rng(0).normal(0, 0.1, (2, len(days)))
    values = np.sin(2 * np.pi * days / 7) + noise
    stamps = pd.date_range("2024-01-01", periods=len(days))
    parts = [
        pd.DataFrame({"unique_id": name, "ds": stamps, "y": factor * (3 + row)})
        for name, factor, row in zip(("low", "high"), (1.0, 10.0), values, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    return LSTMForecaster(preset="zero_shot", verbose=False).fit(panel())


@pytest.fixture(scope="module")
def rows(model: LSTMForecaster) -> pd.DataFrame:
    return model.backtest(panel(), horizon=HORIZON, n_windows=2, level=80)


@pytest.fixture(autouse=True)
def _no_figure_stays() -> Any:
    yield
    plt.close("all")


@pytest.mark.filterwarnings("ignore::tsgen.errors.TrainingRowsWarning")
def test_a_backtest_is_evaluated(rows: pd.DataFrame) -> None:
    losses = [mae, rmse, smape, partial(mase, seasonality=7), mqloss, scaled_crps, coverage]
    found = evaluate(rows, losses, models=["y_pred"], train_df=panel(), level=[80])
    assert found["y_pred"].notna().all()
    assert set(found["metric"]) == {
        *("mae", "rmse", "smape", "mase", "mqloss", "scaled_crps", "coverage_level80")
    }
    ours = tsgen.score(rows, "mae", by=["unique_id", "cutoff"])
    theirs = found[found["metric"] == "mae"].merge(ours, on=["unique_id", "cutoff"])
    assert len(theirs) == 4
    np.testing.assert_allclose(theirs["y_pred"], theirs["mae"], rtol=1e-12)


def test_fitted_rows_are_evaluated() -> None:
    df = panel()
    found = evaluate(Naive().fit(df).fitted(df), [mae]).set_index("unique_id")["y_pred"]
    changes = df.groupby("unique_id")["y"].diff().abs().groupby(df["unique_id"]).mean()
    pd.testing.assert_series_equal(found, changes, check_names=False, check_index_type=False)


def drawn(figure: Any, name: str) -> list[Any]:
    """The last values of its line in each panel."""
    lines = [line for axes in figure.axes for line in axes.get_lines() if line.get_label() == name]
    return [np.asarray(line.get_ydata(), dtype=float)[-HORIZON:] for line in lines]


def test_a_backtest_is_drawn_with_its_intervals(rows: pd.DataFrame) -> None:
    last = rows[rows["cutoff"] == rows["cutoff"].max()]
    figure = plot_series(forecasts_df=last, models=["y_pred"], level=[80])
    assert [len(axes.collections) for axes in figure.axes] == [1, 1]
    for name in ("y", "y_pred"):
        np.testing.assert_array_equal(np.ravel(drawn(figure, name)), last[name])


def test_a_forecast_is_drawn_as_what_goes_on(model: LSTMForecaster) -> None:
    """As the target: under a name of its own if it is renamed, with its intervals then."""
    df, ahead = panel(), model.predict(HORIZON, level=80)
    np.testing.assert_array_equal(np.ravel(drawn(plot_series(df, ahead), "y")), ahead["y"])
    named = ahead.rename(columns={"y": "LSTM", "y-lo-80": "LSTM-lo-80", "y-hi-80": "LSTM-hi-80"})
    figure = plot_series(df, named, level=[80])
    np.testing.assert_array_equal(np.ravel(drawn(figure, "LSTM")), ahead["y"])
    assert [len(axes.collections) for axes in figure.axes] == [1, 1]


def test_frames_of_polars_are_evaluated_too() -> None:
    df = of_library("polars", panel())
    rows = SeasonalNaive(season_length=7).fit(df).backtest(df, horizon=HORIZON)
    found = evaluate(rows, [mae], models=["y_pred"])
    assert type(found) is type(df)
    assert found["y_pred"].len() == 2
