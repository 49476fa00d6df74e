"""What holds for any panel, for a fitted network and for a baseline."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from tsgen import LSTMForecaster, SeasonalNaive
from tsgen.testing import panels, series, wide_panels

Model: TypeAlias = LSTMForecaster | SeasonalNaive

KEY = ["unique_id", "ds"]
DAYS = ("D",)

properties = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def network() -> LSTMForecaster:
    """A small LSTM, fitted once on two series of days with ids that no drawn panel has."""
    random = np.random.default_rng(0)
    df = pd.DataFrame(
        {
            "seen-1": random.normal(size=80).cumsum(),
            "seen-2": np.sin(np.arange(80)) + 0.1 * random.normal(size=80),
        },
        index=pd.date_range("2020-01-01", periods=80),
    )
    model = LSTMForecaster(
        max_steps=5, hidden_size=8, context_length=14, lags=[2, 7], verbose=False
    )
    return model.fit(df)


@pytest.fixture(scope="module")
def seasonal() -> SeasonalNaive:
    return SeasonalNaive().fit(pd.Series(range(30), index=pd.date_range("2020-01-01", periods=30)))


@pytest.fixture(scope="module", params=["network", "seasonal"])
def model(request: pytest.FixtureRequest) -> Model:
    """Both are asked for forecasts of daily series that they have not seen in fit."""
    return request.getfixturevalue(request.param)


def in_order(df: pd.DataFrame) -> pd.DataFrame:
    return df.sort_values(KEY, ignore_index=True)


def spread(values: Any) -> float:
    """The scale that an error is measured on: a constant's is the size of a float's rounding."""
    values = np.asarray(values, dtype=np.float64)
    return max(float(np.std(values)), 1e-9 * float(np.abs(values).max(initial=0.0)))


def assert_close(got: pd.DataFrame, expected: pd.DataFrame, history: pd.DataFrame) -> None:
    """Long forecasts that differ by less than 1e-4 of the scale of each series."""
    got, expected = in_order(got), in_order(expected)
    assert_frame_equal(got[KEY], expected[KEY], check_categorical=False)
    for name, rows in history.groupby("unique_id", observed=True)["y"]:
        here = (got["unique_id"] == name).to_numpy()
        error = np.abs(got["y"][here] - expected["y"][here]).max()
        assert error <= 1e-4 * spread(rows), f"{name}: {error} where the spread is {spread(rows)}"


# ------------------------------------------------------------------------------ order of the input


@pytest.mark.slow
@properties
@given(df=panels(freq=DAYS), seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_changes_nothing(model: Model, df: pd.DataFrame, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(df))
    got = model.predict(6, df=df.iloc[order])
    assert_frame_equal(in_order(got), in_order(model.predict(6, df=df)), check_exact=True)


@pytest.mark.slow
@properties
@given(df=panels(), seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_in_fit_changes_nothing(df: pd.DataFrame, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(df))
    got = SeasonalNaive().fit(df.iloc[order]).predict(6)
    expected = SeasonalNaive().fit(df).predict(6)
    assert_frame_equal(in_order(got), in_order(expected), check_exact=True)


@pytest.mark.slow
@settings(properties, max_examples=4)
@given(df=panels(n_series=(2, 3), length=(20, 40), freq=DAYS), seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_in_training_changes_nothing(df: pd.DataFrame, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(df))
    small = LSTMForecaster(max_steps=2, hidden_size=4, context_length=6, lags=None, verbose=False)
    expected = small.fit(df).predict(4)
    got = small.fit(df.iloc[order]).predict(4)
    assert_frame_equal(in_order(got), in_order(expected), check_exact=True)


@pytest.mark.slow
@properties
@given(df=wide_panels(freq=DAYS, stagger=2), data=st.data())
def test_order_of_columns_changes_nothing(
    model: Model, df: pd.DataFrame, data: st.DataObject
) -> None:
    columns = data.draw(st.permutations(list(df.columns)))
    got = model.predict(6, df=df[columns])
    assert list(got.columns) == columns
    expected = model.predict(6, df=df)[columns]
    np.testing.assert_array_equal(got.to_numpy(), expected.to_numpy())
    assert got.index.equals(expected.index)


# --------------------------------------------------------------------------- one series in a panel


@pytest.mark.slow
@properties
@given(df=panels(n_series=(2, 4), freq=DAYS))
def test_a_series_alone_forecasts_as_in_the_panel(model: Model, df: pd.DataFrame) -> None:
    together = model.predict(6, df=df)
    parts = [rows for _, rows in df.groupby("unique_id", observed=True)]
    alone = pd.concat([model.predict(6, df=rows) for rows in parts])
    assert_close(alone, together, df)


@pytest.mark.slow
@properties
@given(df=panels(n_series=(2, 4), freq=DAYS))
def test_a_series_without_an_id_forecasts_as_in_the_panel(model: Model, df: pd.DataFrame) -> None:
    together = model.predict(6, df=df)
    for name, rows in df.groupby("unique_id", observed=True):
        got = model.predict(6, df=rows.set_index("ds")["y"])
        expected = together.loc[together["unique_id"] == name, "y"].to_numpy()
        np.testing.assert_allclose(got.to_numpy(), expected, rtol=0, atol=1e-4 * spread(rows["y"]))


# --------------------------------------------------------------------------------------- the scale


@pytest.mark.slow
@properties
@given(
    df=panels(freq=DAYS, values=["trend", "seasonal", "constant", "random_walk"]),
    log_a=st.floats(-3, 3),
    b=st.floats(-1e4, 1e4),
)
def test_forecast_moves_with_scale_and_level(
    model: Model, df: pd.DataFrame, log_a: float, b: float
) -> None:
    """predict(a·y + b) is a·predict(y) + b."""
    a = 10.0**log_a
    moved = df.assign(y=a * df["y"] + b)
    plain = model.predict(8, df=df)
    assert_close(model.predict(8, df=moved), plain.assign(y=a * plain["y"] + b), moved)


@pytest.mark.slow
@properties
@given(df=panels(freq=DAYS, values=["trend", "seasonal", "random_walk"]), log_a=st.floats(-30, 45))
def test_forecast_moves_with_any_scale(model: Model, df: pd.DataFrame, log_a: float) -> None:
    a = 10.0**log_a
    moved = df.assign(y=a * df["y"])
    plain = model.predict(8, df=df)
    assert_close(model.predict(8, df=moved), plain.assign(y=a * plain["y"]), moved)


@properties
@given(y=series(freq=DAYS, values=["constant"]), horizon=st.integers(1, 50))
def test_a_constant_stays(model: Model, y: pd.Series, horizon: int) -> None:
    forecast = model.predict(horizon, df=y)
    np.testing.assert_allclose(forecast, y.iloc[0], rtol=1e-9)


# ------------------------------------------------------------------------------------- the horizon


@pytest.mark.slow
@properties
@given(df=panels(freq=DAYS))
def test_a_short_forecast_is_the_start_of_a_long_one(model: Model, df: pd.DataFrame) -> None:
    long = model.predict(10, df=df)
    start = long.groupby("unique_id", observed=True, sort=False).head(5)
    assert_close(model.predict(5, df=df), start, df)


@pytest.mark.slow
@properties
@given(y=series(), short=st.integers(1, 30), more=st.integers(0, 30))
def test_any_short_forecast_of_any_frequency(y: pd.Series, short: int, more: int) -> None:
    fitted = SeasonalNaive().fit(y)
    assert_series_equal(
        fitted.predict(short), fitted.predict(short + more).iloc[:short], check_freq=False
    )


# ------------------------------------------------------------------------------- frames in and out


@properties
@given(df=st.one_of(panels(freq=DAYS), wide_panels(freq=DAYS, stagger=2)))
def test_the_frame_is_bit_equal_after_predict(model: Model, df: pd.DataFrame) -> None:
    before = df.copy(deep=True)
    numbers = df.select_dtypes("float64").to_numpy().tobytes()
    model.predict(3, df=df)
    assert_frame_equal(df, before, check_exact=True, check_index_type="exact")
    assert df.select_dtypes("float64").to_numpy().tobytes() == numbers


@pytest.mark.slow
@properties
@given(df=st.one_of(panels(), wide_panels(stagger=2)))
def test_the_frame_is_bit_equal_after_fit(df: pd.DataFrame) -> None:
    before = df.copy(deep=True)
    numbers = df.select_dtypes("float64").to_numpy().tobytes()
    SeasonalNaive().fit(df).predict(3)
    assert_frame_equal(df, before, check_exact=True, check_index_type="exact")
    assert df.select_dtypes("float64").to_numpy().tobytes() == numbers


def melted(df: pd.DataFrame) -> pd.DataFrame:
    """The long frame of a wide one, without the rows that are missing."""
    long = df.rename_axis(index="ds", columns="unique_id").reset_index()
    return long.melt("ds", value_name="y").dropna(ignore_index=True)[["unique_id", "ds", "y"]]


@pytest.mark.slow
@properties
@given(df=wide_panels(freq=DAYS, ids=["text", "integer"]))
def test_wide_and_long_give_the_same_forecast(model: Model, df: pd.DataFrame) -> None:
    wide = model.predict(6, df=df)
    long = model.predict(6, df=melted(df))
    assert_close(melted(wide), long, melted(df))


@pytest.mark.slow
@properties
@given(df=wide_panels(ids=["text", "integer"]))
def test_wide_and_long_give_the_same_forecast_after_fit(df: pd.DataFrame) -> None:
    wide = SeasonalNaive().fit(df).predict(6)
    long = SeasonalNaive().fit(melted(df)).predict(6)
    assert_frame_equal(
        in_order(melted(wide)), in_order(long), check_exact=True, check_column_type=False
    )


@pytest.mark.slow
@properties
@given(df=panels())
def test_the_forecast_appended_is_an_input(df: pd.DataFrame) -> None:
    model = SeasonalNaive(season_length=4).fit(df)
    both = model.predict(10)
    longer = pd.concat([df, model.predict(4)])
    assert longer["unique_id"].dtype == df["unique_id"].dtype
    assert longer["ds"].dtype == df["ds"].dtype
    again = model.predict(6, df=longer)
    rest = both.groupby("unique_id", observed=True, sort=False).tail(6)
    assert_frame_equal(in_order(again), in_order(rest), check_exact=True)


@pytest.mark.slow
@properties
@given(df=wide_panels())
def test_the_wide_forecast_appended_is_an_input(df: pd.DataFrame) -> None:
    model = SeasonalNaive(season_length=4).fit(df)
    both = model.predict(10)
    again = SeasonalNaive(season_length=4).fit(pd.concat([df, both.iloc[:4]])).predict(6)
    assert_frame_equal(again, both.iloc[4:], check_freq=False, check_exact=True)


@properties
@given(df=st.one_of(panels(freq=DAYS), wide_panels(freq=DAYS, stagger=2)), steps=st.integers(1, 9))
def test_every_forecast_is_a_number_at_a_new_stamp(
    model: Model, df: pd.DataFrame, steps: int
) -> None:
    forecast = model.predict(steps, df=df)
    assert np.isfinite(forecast.select_dtypes("number").to_numpy(dtype=np.float64)).all()
    n_series = df["unique_id"].nunique() if "ds" in df else 1
    assert len(forecast) == steps * n_series
    assert (
        not pd.concat([df, forecast]).reset_index().duplicated(KEY if "ds" in df else "index").any()
    )
