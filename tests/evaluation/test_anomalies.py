"""One-step forecasts of known rows, and the rows that are far from them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

import tsgen
from tsgen import GroupedForecaster, LSTMForecaster, Naive, SeasonalNaive
from tsgen.errors import FrameError, NotFittedError
from tsgen.evaluation import anomalies

TINY: dict[str, Any] = {"max_steps": 4, "hidden_size": 4, "init": "random", "verbose": False}


def ragged() -> pd.DataFrame:
    """Two series of different lengths, the longer one later."""
    noise = np.random.default_rng(0).normal(size=60)
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2024-01-01", periods=rows, freq="D"),
                "y": 10.0 * rows + np.sin(np.arange(rows)) + 0.1 * noise[:rows],
            }
        )
        for name, rows in (("b", 30), ("a", 45))
    ]
    return pd.concat(parts, ignore_index=True)


def one_by_one(model: Any, df: pd.DataFrame) -> pd.DataFrame:
    """Each row as predict gives it for the rows of its series before it."""
    found = []
    for name, rows in df.groupby("unique_id", sort=False):
        for end in range(model._min_rows, len(rows)):
            ahead = model.predict(1, df=rows.iloc[:end])
            found.append((name, ahead["ds"].iloc[0], rows["y"].iloc[end], ahead["y"].iloc[0]))
    return pd.DataFrame(found, columns=["unique_id", "ds", "y", "y_pred"])


@pytest.mark.parametrize(
    "model",
    [
        Naive(),
        SeasonalNaive(season_length=7),
        LSTMForecaster(**TINY, context_length=14, lags=[7]),
        LSTMForecaster(preset="zero_shot", verbose=False),
        pytest.param(LSTMForecaster(**TINY, n_models=2, window_norm=False), marks=pytest.mark.slow),
        pytest.param(
            tsgen.EncoderDecoderForecaster(max_steps=4, hidden_size=4, verbose=False),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["naive", "seasonal", "lstm", "pretrained", "two members", "attention"],
)
def test_each_row_is_what_predict_gives_for_the_rows_before_it(model: Any) -> None:
    df = ragged()
    model.fit(df)
    expected = one_by_one(model, df)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # rows of training are what is asked for
        found = model.fitted(df)
    assert_frame_equal(found, expected, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("layout", ["series", "wide", "multiindex", "polars"])
def test_every_layout_has_the_same_rows(layout: str) -> None:
    df = ragged()
    wide = df.pivot(index="ds", columns="unique_id", values="y").iloc[:30]
    long = wide.melt(ignore_index=False, value_name="y").reset_index()
    expected = SeasonalNaive(season_length=7).fit(long).fitted(long)
    given: Any = {
        "series": wide["a"].rename("y"),
        "wide": wide,
        "multiindex": long.set_index(["unique_id", "ds"])["y"],
        "polars": pl.from_pandas(long),
    }[layout]
    found: Any = SeasonalNaive(season_length=7).fit(given).fitted(given)
    if layout == "polars":
        assert isinstance(found, pl.DataFrame)
        found = found.to_pandas()
    if layout == "series":
        expected = expected[expected["unique_id"] == "a"].drop(columns="unique_id")
    found = found[expected.columns].reset_index(drop=True)
    assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=False)


def test_new_series_can_be_asked_about() -> None:
    df = ragged()
    model = LSTMForecaster(**TINY).fit(df[df["unique_id"] == "b"])
    found = model.fitted(df)
    assert set(found["unique_id"]) == {"a", "b"}
    assert len(found) == len(df) - 2 * model._min_rows


def test_several_targets_and_covariates() -> None:
    df = ragged().assign(z=lambda rows: -rows["y"], open=lambda rows: rows["ds"].dt.day % 2)
    model = LSTMForecaster(**TINY).fit(df, target_col=["y", "z"], future_covariates=["open"])
    found = model.fitted(df)
    assert found.columns.tolist() == ["unique_id", "ds", "y", "y_pred", "z", "z_pred"]
    assert found.notna().all(axis=None)
    assert model.anomalies(df, threshold=0).columns.tolist() == [
        *found.columns,
        "y_score",
        "z_score",
    ]


def test_holes_are_forecast_and_not_odd() -> None:
    y = pd.Series(np.sin(np.arange(40.0)))
    y[20] = np.nan
    model = LSTMForecaster(**TINY).fit(y, fill="mask")
    found = model.fitted(y)
    assert found.loc[found["ds"] == 20, ["y", "y_pred"]].isna().to_numpy().tolist() == [
        [True, False]
    ]
    assert 20 not in model.anomalies(y, threshold=0)["ds"].tolist()


def test_planted_rows_are_found_in_their_series() -> None:
    months = np.arange(120)
    season = np.sin(2 * np.pi * months / 12)
    noise = np.random.default_rng(1).normal(size=(120, 2))
    stamps = pd.date_range("2014-01-01", periods=120, freq="MS", name="ds")
    wide = pd.DataFrame(season[:, None] * [5.0, 500.0] + noise * [1.0, 100.0], index=stamps)
    wide = wide.set_axis(["small", "large"], axis=1)
    wide.loc["2020-05-01", "small"] += 15.0
    wide.loc["2021-02-01", "large"] -= 1500.0
    model = LSTMForecaster(preset="zero_shot", verbose=False).fit(wide)
    found = model.anomalies(wide)
    largest = found.nlargest(2, "y_score")["ds"]
    assert set(largest.dt.strftime("%Y-%m")) == {"2020-05", "2021-02"}
    assert found.groupby("unique_id").size().max() <= 2
    assert (found["y_score"] > 5).all()


def test_scores_are_errors_in_deviations_of_their_series() -> None:
    errors = np.random.default_rng(0).normal(scale=[[3.0], [0.1]], size=(2, 5000))
    rows = pd.DataFrame({"id": np.repeat(["a", "b"], 5000), "y": errors.ravel(), "y_pred": 0.0})
    found = anomalies(rows, "id", ["y"], 0.0)
    spread = (found["y"].abs() / found["y_score"]).groupby(found["id"]).mean()
    np.testing.assert_allclose(spread, [3.0, 0.1], rtol=0.03)


def test_rows_without_an_error_are_not_odd() -> None:
    rows = pd.DataFrame({"y": [7.0] * 10, "y_pred": [7.0] * 9 + [7.0 + 1e-12]})
    assert not len(anomalies(rows, None, ["y"], 5.0))
    assert anomalies(rows, None, ["y"], -1.0)["y_score"].eq(0).all()


def test_groups_are_asked_one_by_one() -> None:
    df = ragged().assign(region=lambda rows: rows["unique_id"].map({"a": "north", "b": "south"}))
    model = GroupedForecaster(Naive(), by="region").fit(df)
    found = model.fitted(df)
    assert len(found) == len(df) - 2
    assert set(found["region"]) == {"north", "south"}
    assert len(model.anomalies(df, threshold=0)) == len(found)


def test_what_can_not_be_asked() -> None:
    df = ragged()
    with pytest.raises(NotFittedError, match="before fitted"):
        Naive().fitted(df)
    model = Naive().fit(df)
    with pytest.raises(ValueError, match="threshold"):
        model.anomalies(df, threshold=-1)
    with pytest.raises(FrameError, match="without room for a cutoff"):
        model.fitted(df.groupby("unique_id").head(1))
    with pytest.raises(TypeError, match="called 'df'"):
        model.fitted(X=df)  # type: ignore[call-arg]
