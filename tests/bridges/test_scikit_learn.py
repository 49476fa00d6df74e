"""scikit-learn's searches and splits in time, over forecasters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from tsgen import LSTMForecaster, SeasonalNaive


def weeks() -> pd.DataFrame:
    """Two series of a week's season under one time index."""
    days, rng = np.arange(84), np.random.default_rng(0)
    season = np.sin(2 * np.pi * days / 7)
    values = {"a": 3 + season, "b": 9 + season}
    index = pd.date_range("2024-01-01", periods=len(days))
    return pd.DataFrame(values, index) + rng.normal(0, 0.05, (len(days), 2))


def scored(model: SeasonalNaive | LSTMForecaster, rows: pd.DataFrame | pd.Series) -> float:
    """Higher is better; the rows are those after the ones of ``fit``."""
    return -float(np.abs(model.predict(len(rows)) - rows).to_numpy().mean())


FOLDS = TimeSeriesSplit(n_splits=3, test_size=7)


@pytest.mark.parametrize("layout", ["wide", "series"])
def test_a_search_finds_the_season(layout: str) -> None:
    df = weeks() if layout == "wide" else weeks()["a"]
    seasons = {"season_length": [3, 7, 10]}
    search = GridSearchCV(SeasonalNaive(), seasons, scoring=scored, cv=FOLDS, error_score="raise")
    search.fit(df)
    assert search.best_params_ == {"season_length": 7}
    assert search.best_score_ > -0.2
    assert search.best_estimator_.predict(2).index[0] == df.index[-1] + pd.Timedelta(days=1)


def test_folds_are_those_of_a_backtest() -> None:
    df = weeks()
    model = LSTMForecaster(preset="zero_shot", verbose=False)
    found = cross_val_score(model, df, scoring=scored, cv=FOLDS, error_score="raise")
    rows = model.fit(df).backtest(df, horizon=7, n_windows=3, step=7, refit=True)
    errors = (rows["y_pred"] - rows["y"]).abs().groupby(rows["cutoff"]).mean()
    np.testing.assert_allclose(found, -errors, rtol=1e-5)
