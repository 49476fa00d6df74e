"""A forecaster of tsgen in sktime: its own checks, and forecasts that are tsgen's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

import tsgen
from tsgen import LSTMForecaster, SeasonalNaive
from tsgen.errors import FrameError

pytest.importorskip("sktime")

from sktime.forecasting.compose import TransformedTargetForecaster
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from sktime.transformations.series.boxcox import LogTransformer
from sktime.utils.estimator_checks import check_estimator

from tsgen.bridges.sktime import TsgenForecaster

pytestmark = pytest.mark.filterwarnings("ignore")  # sktime's own, of changes to come

ZERO_SHOT = LSTMForecaster(preset="zero_shot", verbose=False)


def long() -> pd.DataFrame:
    """Two series of a week's season, in alphabetical order."""
    days, rng = np.arange(60), np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2024-01-01", periods=len(days)),
                "y": level + np.sin(2 * np.pi * days / 7) + rng.normal(0, 0.1, len(days)),
            }
        )
        for name, level in (("a", 3.0), ("b", 50.0))
    ]
    return pd.concat(parts, ignore_index=True)


def single() -> pd.Series:
    return long().query("unique_id == 'a'").set_index("ds")["y"].asfreq("D")


def in_rows(y: pd.Series) -> pd.DataFrame:
    return y.rename_axis("ds").reset_index()


@pytest.mark.slow
def test_it_passes_the_checks_of_sktime() -> None:
    results = check_estimator(TsgenForecaster, raise_exceptions=True, verbose=False)
    assert len(results) > 700
    assert set(results.values()) == {"PASSED"}


def test_forecasts_are_those_of_the_forecaster() -> None:
    y = single()
    ours = ZERO_SHOT.fit(in_rows(y)).predict(5).set_index("ds")["y"]
    theirs = TsgenForecaster(ZERO_SHOT).fit(y).predict(fh=[1, 2, 3, 4, 5])
    assert_series_equal(theirs, ours, check_freq=False, check_names=False)
    some = TsgenForecaster(ZERO_SHOT).fit(y).predict(fh=[2, 5])
    assert_series_equal(some, ours.iloc[[1, 4]], check_freq=False, check_names=False)


@pytest.mark.parametrize("index", ["periods", "integers"])
def test_other_times_are_kept(index: str) -> None:
    y = single()
    y.index = y.index.to_period("D") if index == "periods" else pd.RangeIndex(len(y))
    found = TsgenForecaster(SeasonalNaive(season_length=7)).fit(y).predict(fh=range(1, 8))
    np.testing.assert_array_equal(found, y.iloc[-7:])
    assert type(found.index) is type(y.index[:0]) or found.index.dtype == y.index.dtype
    assert found.index[0] == y.index[-1] + 1


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("freq", ["ME", "W-WED", "B", "2h"])
def test_frequencies_of_a_panel_are_found(freq: str, zone: str | None) -> None:
    stamps = pd.date_range("2024-01-01", periods=42, freq=freq, tz=zone)
    one = pd.DataFrame({"y": np.arange(40.0)}, stamps[:40])
    y = pd.concat({"b": one, "a": 100 + one}, names=["series", "time"])
    model = TsgenForecaster(SeasonalNaive(season_length=5)).fit(y)
    found = model.predict(fh=[1, 2])
    assert found.index.get_level_values("time").tolist() == [*stamps[40:]] * 2
    assert found.loc["b", "y"].tolist() == [35, 36]
    assert found.loc["a", "y"].tolist() == [135, 136]


def test_a_hierarchy_is_learned_by_one_network() -> None:
    df = long()
    y = df.assign(region="north").set_index(["region", "unique_id", "ds"])
    model = TsgenForecaster(ZERO_SHOT).fit(y)
    found = model.predict(fh=[1, 2, 3])
    ours = ZERO_SHOT.fit(df).predict(3).assign(region="north")
    assert isinstance(model.forecaster_, LSTMForecaster)
    assert_frame_equal(found, ours.set_index(["region", "unique_id", "ds"]), check_names=False)


def test_intervals_are_those_of_the_forecaster() -> None:
    y = single()
    model = ZERO_SHOT.fit(in_rows(y))
    ours = model.predict(4, level=90)
    bounds = TsgenForecaster(ZERO_SHOT).fit(y).predict_interval(fh=range(1, 5), coverage=0.9)
    np.testing.assert_allclose(bounds, ours[["y-lo-90", "y-hi-90"]])
    thin = TsgenForecaster(ZERO_SHOT).fit(y).predict_interval(fh=[4], coverage=[0.5, 0.95])
    assert thin.shape == (1, 4)
    assert thin.iloc[0].rank().tolist() == [2, 3, 1, 4]


def test_in_sample_forecasts_are_one_step_ahead() -> None:
    y = single()
    model = TsgenForecaster(SeasonalNaive(season_length=7)).fit(y)
    found = model.predict(fh=[-3, -2, 0, 1])
    np.testing.assert_array_equal(found, y.iloc[[-11, -10, -8, -7]])
    first = model.predict(fh=[-len(y) + 1])
    assert first.index[0] == y.index[0]
    assert first.isna().all()


@pytest.mark.parametrize("remembers", [True, False])
def test_an_update_goes_on_from_the_new_rows_with_the_same_weights(remembers: bool) -> None:
    y = single()
    model = TsgenForecaster(ZERO_SHOT).set_config(remember_data=remembers).fit(y.iloc[:40])
    network = model.forecaster_
    model.update(y.iloc[40:], update_params=False)
    assert model.forecaster_ is network
    ours = ZERO_SHOT.fit(in_rows(y.iloc[:40])).predict(3, df=in_rows(y))
    found = model.predict(fh=[1, 2, 3])
    np.testing.assert_allclose(found, ours["y"])
    assert_index_equal(found.index, pd.Index(ours["ds"]), exact=False, check_names=False)
    assert model.update(y.iloc[40:]).forecaster_ is not network


def test_covariates_are_known_over_the_horizon() -> None:
    y, rng = single(), np.random.default_rng(1)
    price = rng.choice([1.0, 5.0], len(y))
    X = pd.DataFrame({"y": price, "kind": np.where(price > 2, "high", "low")}, y.index)
    network = LSTMForecaster(hidden_size=4, context_length=7, lags=1, max_steps=20, verbose=False)
    model = TsgenForecaster(network).fit(y.iloc[:50], X=X.iloc[:50])
    found = model.predict(fh=[1, 10], X=X.iloc[50:])
    rows = X.set_axis(["price", "kind"], axis=1).rename_axis("ds").reset_index()
    ours = network.fit(
        rows.iloc[:50].assign(y=y.to_numpy()[:50]), future_covariates=["price", "kind"]
    )
    np.testing.assert_allclose(found, ours.predict(10, future_df=rows.iloc[50:])["y"].iloc[[0, 9]])
    with pytest.raises(FrameError, match="2024-02-2"):
        model.predict(fh=[1, 10], X=X.iloc[[50, 59]])
    model.update(y.iloc[50:52], X=X.iloc[:52], update_params=False)
    assert model.predict(fh=[8], X=X).index[0] == y.index[-1]
    with pytest.raises(FrameError, match=r"X\[y\]"):
        model.update(y.iloc[52:54]).predict(fh=[1], X=X)


def test_steps_are_after_the_last_time_of_a_panel() -> None:
    """As everywhere in sktime; a series that ends before it is forecast from its own end."""
    y = long().iloc[:-3].set_index(["unique_id", "ds"])
    found = TsgenForecaster(SeasonalNaive(season_length=7)).fit(y).predict(fh=[1, 2])
    days = pd.to_datetime(["2024-03-01", "2024-03-02"])
    assert found.index.tolist() == [(name, day) for name in "ab" for day in days]
    weeks_ago = long().set_index("ds").groupby("unique_id")["y"]
    assert found["y"].tolist() == [
        weeks_ago.get_group(name)[day - pd.Timedelta(days=7)] for name, day in found.index
    ]


def test_missing_values_are_an_error_unless_filled() -> None:
    y = single()
    y.iloc[20] = np.nan
    filled = TsgenForecaster(SeasonalNaive(season_length=7), fill="ffill").fit(y)
    assert filled.get_tag("capability:missing_values")
    assert filled.predict(fh=[1]).notna().all()
    with pytest.raises(ValueError, match="missing"):
        TsgenForecaster(SeasonalNaive(season_length=7)).fit(y)


def test_pipelines_searches_and_evaluations_of_sktime_take_it() -> None:
    y = single()
    logs = TransformedTargetForecaster([LogTransformer(), TsgenForecaster(SeasonalNaive())])
    folds = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=40, step_length=7)
    search = ForecastingGridSearchCV(
        logs, folds, {"TsgenForecaster__forecaster__season_length": [3, 7]}
    )
    assert search.fit(y).best_params_ == {"TsgenForecaster__forecaster__season_length": 7}
    table: Any = evaluate(TsgenForecaster(ZERO_SHOT), folds, y)
    assert table.iloc[:, 0].notna().all()


def test_the_default_is_an_lstm() -> None:
    model = TsgenForecaster()
    assert isinstance(model._chosen, tsgen.LSTMForecaster)
    assert model.get_tag("capability:pred_int")
    assert not TsgenForecaster(SeasonalNaive()).get_tag("capability:pred_int")
