"""Backtests beside naive forecasts, on series whose errors are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen.errors import FrameError
from tsgen.metrics import mase, rmsse
from tsgen.reporting.accuracy import Accuracy, measure_accuracy
from tsgen.reporting.reading import read_series

SEASON = np.array([5.0, 9.0, 2.0, 7.0, 1.0, 8.0, 3.0, 6.0, 4.0, 12.0, 11.0, 10.0])


def fitted(df: Any, **how: Any) -> tsgen.LSTMForecaster:
    return tsgen.LSTMForecaster(max_steps=1, hidden_size=4, init="random", verbose=False).fit(
        df, **how
    )


def measured(model: tsgen.LSTMForecaster, df: Any, horizon: int) -> Accuracy:
    return measure_accuracy(model, read_series(model, df), horizon)


def monthly(values: Any) -> pd.Series:
    stamps = pd.date_range("2010-01-01", periods=len(values), freq="MS")
    return pd.Series(np.asarray(values, dtype=float), index=stamps, name="y")


def test_the_last_value_falls_behind_a_line_by_a_step_each_step() -> None:
    line = pd.Series(np.arange(60.0))
    found = measured(fitted(line), line, 6)
    assert (found.n_windows, found.forecasts, found.refit) == (5, 5, True)
    assert found.mase_by_step["last value"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.rmsse_by_step["last value"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.mase["last value"] == 3.5
    assert found.rmsse["last value"] == pytest.approx(np.sqrt(np.mean(np.arange(1.0, 7.0) ** 2)))
    assert found.reference == "last value"


def test_the_last_season_falls_behind_a_season_on_a_line_by_the_unit() -> None:
    rising = monthly(np.tile(10 * SEASON, 6) + np.arange(72.0))
    found = measured(fitted(rising), rising, 12)
    assert found.n_windows == 3
    assert found.mase_by_step["last season"].tolist() == pytest.approx([1.0] * 12)
    assert found.reference == "last season"
    assert found.ratio == pytest.approx(found.mase["tsgen"])


def test_a_model_that_has_not_seen_the_rows_is_measured_itself() -> None:
    """By the formulas, and with the share of values inside of its intervals."""
    noise = np.random.default_rng(0).normal(0, 0.5, size=72)
    y = monthly(np.tile(SEASON, 6) + noise)
    earlier = y[:-36]
    model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(earlier).calibrate()
    found = measured(model, y, 12)
    assert not found.refit
    rows = model.backtest(y, 12, n_windows=3, level=[80, 95])
    windows = [part for _, part in rows.groupby("cutoff")]
    errors = [mase(part["y"], part["y_pred"], earlier, 12) for part in windows]
    assert found.mase["tsgen"] == pytest.approx(np.mean(errors))
    assert found.rmsse["tsgen"] == pytest.approx(rmsse(rows["y"], rows["y_pred"], earlier, 12))
    assert found.by_series.loc[0, "mae"] == pytest.approx((rows["y"] - rows["y_pred"]).abs().mean())
    inside = rows["y"].between(rows["y_pred-lo-80"], rows["y_pred-hi-80"])
    assert found.coverage[80].mean() == pytest.approx(100 * inside.mean())
    assert list(found.coverage) == [80, 95]


def test_series_count_the_same_whatever_their_units() -> None:
    y = monthly(np.tile(SEASON, 6) + np.arange(72.0))
    long = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": y.index, "y": factor * y.to_numpy()})
            for name, factor in {"b": 1000.0, "a": 1.0}.items()
        ]
    )
    found = measured(fitted(long), long, 12)
    assert found.by_series["last season"].tolist() == pytest.approx([1.0, 1.0])
    assert found.mase["last season"] == pytest.approx(1.0)
    assert sorted(found.ranked) == [0, 1]
    assert found.by_series["tsgen"][found.ranked[0]] <= found.by_series["tsgen"][found.ranked[1]]


def test_series_that_repeat_exactly_have_no_part_in_scaled_errors() -> None:
    y = monthly(0.1 + np.tile(SEASON, 6) / 3)
    found = measured(fitted(y), y, 12)
    assert found.unscaled == 1
    assert found.ranked == []
    assert np.isnan(found.ratio)
    assert found.by_series["mae"].notna().all()


def test_without_a_calibration_there_are_no_intervals() -> None:
    line = pd.Series(np.arange(60.0))
    assert measured(fitted(line), line, 6).coverage.columns.empty


def test_holes_are_no_errors_and_short_series_are_left_out() -> None:
    y = monthly(np.tile(SEASON, 6) + np.arange(72.0)).to_frame().rename_axis("ds").reset_index()
    long = pd.concat([y.assign(unique_id="b"), y.tail(9).assign(unique_id="a")], ignore_index=True)
    long.loc[70, "y"] = np.nan
    found = measured(fitted(long, fill="mask"), long, 12)
    assert found.by_series.index.tolist() == [0]
    assert found.mase["last season"] == pytest.approx(1.0)


def test_it_says_what_is_too_short() -> None:
    short = pd.Series(np.arange(10.0))
    model = fitted(short)
    with pytest.raises(FrameError, match="12 steps needs 14 rows of a series, and the longest has"):
        measured(model, short, 12)
