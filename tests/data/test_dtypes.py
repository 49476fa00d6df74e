from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from tsgen import LSTMForecaster, Naive
from tsgen.data.dtypes import fitting, forecast_dtype

ROWS = 60
NARROW = {"float16": "float32", "float32": "float64", "Float32": "Float64",
          "halffloat[pyarrow]": "float[pyarrow]", "float[pyarrow]": "double[pyarrow]"}  # fmt: skip
"""Narrow floats, and the next wider one of each."""


def largest(dtype: str) -> float:
    """The largest number of a narrow float."""
    half = dtype in ("float16", "halffloat[pyarrow]")
    return float(np.finfo("float16" if half else "float32").max)


def growing(dtype: Any, top: float) -> pd.DataFrame:
    """A line that ends just below the largest number of a float, so that it goes on above it."""
    y = pd.Series(np.linspace(0.5, 1, ROWS) * top).astype(dtype)
    return pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2020", periods=ROWS), "y": y})


@pytest.fixture(scope="module", params=NARROW)
def pair(request: pytest.FixtureRequest) -> tuple[Any, pd.DataFrame, LSTMForecaster]:
    """A narrow dtype, its frame, and a model of the same values as float64."""
    df = growing(request.param, 0.99 * largest(request.param))
    settings: dict[str, Any] = {"max_steps": 5, "verbose": False}
    return request.param, df, LSTMForecaster(**settings).fit(df.astype({"y": "float64"}))


def numbers(frame: pd.DataFrame, pattern: str = "^y") -> pd.DataFrame:
    return frame.filter(regex=pattern).astype("float64")


def close(got: pd.DataFrame, wide: pd.DataFrame, pattern: str = "^y") -> None:
    """Values as they are in float64, to the digits of the narrow dtype."""
    found, expected = numbers(got, pattern), numbers(wide, pattern)
    assert np.isfinite(found.to_numpy()).all()
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_forecasts_bounds_and_quantiles_are_finite(pair: Any) -> None:
    dtype, df, model = pair
    expected = model.predict(10, level=[80], quantiles=[0.1, 0.9])
    got = model.predict(10, df=df, level=[80], quantiles=[0.1, 0.9])
    assert expected["y-hi-80"].max() > largest(dtype)
    close(got, expected)
    # Each output for itself: the others may still fit.
    for name in ("y", "y-lo-80", "y-hi-80"):
        held = expected[name].abs().max() <= largest(dtype)
        assert str(got[name].dtype) == (dtype if held else NARROW[dtype])


def test_paths_and_backtests_are_finite(pair: Any) -> None:
    _, df, model = pair
    paths = model.sample(6, df=df, num_samples=20)
    close(paths, model.sample(6, num_samples=20), "^y$")
    earlier = df.iloc[:-8]
    fitted = LSTMForecaster(max_steps=2, verbose=False).fit(earlier.astype({"y": "float64"}))
    rows = fitted.backtest(df, 8, level=80)
    close(rows, fitted.backtest(df.astype({"y": "float64"}), 8, level=80))
    assert rows["y"].dtype == df["y"].dtype


@pytest.mark.parametrize("dtype", NARROW)
def test_wide_frames_and_series(dtype: str) -> None:
    df = growing(dtype, 0.99 * largest(dtype)).set_index("ds")
    narrow = df[["y"]].assign(z=df["y"].iloc[::-1].to_numpy(), small=np.arange(float(ROWS)))
    wide = narrow.astype("float64")
    model = LSTMForecaster(max_steps=5, verbose=False).fit(wide)
    expected, got = model.predict(8), model.predict(8, df=narrow)
    close(got, expected, ".*")
    assert got["small"].dtype == np.float64
    of_series = LSTMForecaster(max_steps=5, verbose=False).fit(wide["y"])
    curve = of_series.predict(8, df=narrow["y"])
    np.testing.assert_allclose(curve.astype("float64"), of_series.predict(8), rtol=2e-3)
    assert np.isfinite(curve.astype("float64")).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "Float32"])
def test_a_forecast_that_fits_keeps_its_dtype(dtype: str) -> None:
    df = growing(dtype, 40.0)
    assert Naive().fit(df).predict(3)["y"].dtype == df["y"].dtype
    wide = df.set_index("ds")[["y"]]
    assert Naive().fit(wide).predict(3)["y"].dtype == df["y"].dtype


def test_given_values_are_never_lost() -> None:
    df = growing("float16", 60_000.0)
    model = LSTMForecaster(max_steps=1, verbose=False).fit(df)
    given = pd.DataFrame({"unique_id": "a", "ds": [df["ds"].iloc[-1] + pd.Timedelta(days=1)]})
    got = model.predict(2, given=given.assign(y=66_000.0))["y"]
    assert got.dtype == np.float32
    assert got.iloc[0] == 66_000.0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["int8", "uint8", "Int8", "UInt8", "int8[pyarrow]"])
def test_small_whole_numbers_go_on_beyond_their_range(dtype: str) -> None:
    """Counts that grow past 127 are neither wrapped nor cut."""
    y = np.linspace(20, 126, ROWS).round()
    df = growing("float64", 1.0).assign(y=pd.Series(y).astype(dtype))
    settings: dict[str, Any] = {"max_steps": 5, "verbose": False, "target_transform": "count"}
    expected = LSTMForecaster(**settings).fit(df.assign(y=y)).predict(20, level=90)
    got = LSTMForecaster(**settings).fit(df).predict(20, level=90)
    assert expected["y-hi-90"].max() > 127
    assert_frame_equal(numbers(got), numbers(expected))
    assert str(got["y"].dtype).lower() in ("float64", "double[pyarrow]")


@pytest.mark.parametrize(
    ("dtype", "values", "kept"),
    [
        (np.dtype("float16"), [[1.0, 2.0]], "float16"),
        (np.dtype("float16"), [[1.0, -70_000.0]], "float32"),
        (np.dtype("float16"), [[1.0, 1e300]], "float64"),
        (np.dtype("float32"), [[1.0, 70_000.0]], "float32"),
        (np.dtype("float16"), [[1e-7, -2e-7]], "float32"),  # too few digits down there
        (np.dtype("float16"), [[1e-7, 1.0]], "float16"),  # close to 0 on the scale of the series
        (np.dtype("float16"), [[100.0], [1e-7]], "float32"),  # of two series, one would vanish
        (np.dtype("float16"), [[0.0, 0.0], [np.nan, np.nan]], "float16"),
        (pd.Float32Dtype(), [[1e39]], "Float64"),
        (pd.ArrowDtype(pa.float16()), [[1e5]], "float[pyarrow]"),
        (pd.ArrowDtype(pa.float32()), [[1e39]], "double[pyarrow]"),
        (pd.SparseDtype("float32", 0.0), [[1e39]], "Sparse[float64, 0.0]"),
        (np.dtype("float64"), [[1e300]], "float64"),
        (np.dtype("float16"), [[True]], "bool"),
    ],
    ids=lambda value: str(value),
)
def test_the_narrowest_float_that_holds_all_series(
    dtype: Any, values: list[list[float]], kept: str
) -> None:
    assert str(fitting(dtype, np.array(values))) == kept


@pytest.mark.parametrize(
    ("dtype", "forecast"),
    [
        (np.dtype("float16"), "float16"),
        (np.dtype("int8"), "float64"),
        (pd.UInt8Dtype(), "Float64"),
        (pd.ArrowDtype(pa.int32()), "double[pyarrow]"),
        (pd.ArrowDtype(pa.decimal128(10, 2)), "double[pyarrow]"),
        (pd.SparseDtype("int8", 0), "Sparse[float64, 0.0]"),
        (pd.SparseDtype("float32"), "Sparse[float32, nan]"),
        (np.dtype(object), "float64"),
    ],
    ids=str,
)
def test_whole_numbers_become_floats_of_their_family(dtype: Any, forecast: str) -> None:
    assert str(forecast_dtype(dtype)) == forecast
