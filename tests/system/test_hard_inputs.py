"""What a user may hand in by mistake or by right, one test or more for each row of the list.

The rows are those of the specification of hard inputs: a frame that can't be read is refused with
one error that says where the problem is and what to do about it; everything else just works.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import tsgen.training
from tsgen import GRUForecaster, LSTMForecaster, Naive, SeasonalNaive
from tsgen._messages import written
from tsgen.data.frame import read_panel
from tsgen.errors import FrameError, NotFittedError
from tsgen.preprocessing.windows import Series, WindowIndex, WindowSampler, WindowShape

ROWS = 12


def network(**settings: Any) -> LSTMForecaster:
    return LSTMForecaster(max_steps=5, hidden_size=8, verbose=False, **settings)


def days(rows: int = ROWS, start: str = "2024-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=rows, freq="D")


def long_frame(ids: tuple[str, ...] = ("ant", "bee", "cat"), rows: int = ROWS) -> pd.DataFrame:
    """Series of ``rows`` days; row r of series i is at position ``i * rows + r``."""
    one = [
        pd.DataFrame({"unique_id": name, "ds": days(rows), "y": 10.0 * i + np.arange(rows)})
        for i, name in enumerate(ids)
    ]
    return pd.concat(one, ignore_index=True)


def wide_frame(names: tuple[str, ...] = ("ant", "bee", "cat"), rows: int = ROWS) -> pd.DataFrame:
    values = {name: 10.0 * i + np.arange(rows) for i, name in enumerate(names)}
    return pd.DataFrame(values, index=days(rows))


def refused(df: Any, *needles: str, **arguments: Any) -> FrameError:
    """The frame is refused, and the message holds every needle (regular expressions)."""
    with pytest.raises(FrameError) as caught:
        Naive().fit(df, **arguments)
    message = str(caught.value)
    missing = [needle for needle in needles if not re.search(needle, message, re.IGNORECASE)]
    assert not missing, f"{missing} not in: {message}"
    assert caught.value.problems
    return caught.value


def with_value(position: int, value: Any, column: str = "y") -> pd.DataFrame:
    df = long_frame()
    df[column] = df[column].astype(object) if isinstance(value, str) else df[column]
    df.loc[position, column] = value
    return df


# -------------------------------------------------------------------------- rows 1 to 8: the shape


@pytest.mark.parametrize(
    "df",
    [long_frame().iloc[:0], wide_frame().iloc[:0], wide_frame()["ant"].iloc[:0], pd.DataFrame()],
    ids=["long", "wide", "series", "nothing"],
)
def test_row_01_empty_frame(df: Any) -> None:
    refused(df, r"\b0 rows\b")


def test_row_02_target_column_missing() -> None:
    error = refused(long_frame().rename(columns={"y": "sales"}), "'?y'?", "target_col")
    for column in ("unique_id", "ds", "sales"):
        assert column in str(error)


def test_row_02_custom_target_missing() -> None:
    refused(long_frame(), "sales", "unique_id", "ds", r"\by\b", target_col="sales")


@pytest.mark.parametrize("column", ["unique_id", "ds", "y"])
def test_row_03_duplicate_column_names_long(column: str) -> None:
    df = long_frame()
    refused(pd.concat([df, df[[column]]], axis=1), "column", "(twice|duplicate)", column)


def test_row_03_duplicate_column_names_wide() -> None:
    df = wide_frame()
    refused(pd.concat([df, df[["bee"]]], axis=1), "column", "(twice|duplicate)", "bee")


@pytest.mark.parametrize(
    "df",
    [
        pd.DataFrame({"shop": ["a", "b"], "amount": [1.0, 2.0]}),
        pd.DataFrame({"shop": ["a", "b"], "amount": [1.0, 2.0]}, index=["x", "y"]),
        pd.DataFrame({"amount": [1.0, 2.0]}, index=["x", "y"]),
    ],
    ids=["text column", "text index and column", "text index"],
)
def test_row_04_neither_long_nor_wide(df: pd.DataFrame) -> None:
    """Both layouts are shown with the names that were looked for."""
    refused(df, "long", "wide", "unique_id", r"\bds\b", r"\by\b")


def test_row_04_shows_the_names_that_were_given() -> None:
    df = pd.DataFrame({"shop": ["a", "b"], "amount": [1.0, 2.0]})
    refused(df, "station", "stamp", "rain", id_col="station", time_col="stamp", target_col="rain")


@pytest.mark.parametrize("thing", [[1.0, 2.0], np.arange(3.0), {"y": [1.0]}, None, "a.csv"])
def test_row_04_not_a_frame(thing: Any) -> None:
    with pytest.raises((FrameError, TypeError), match=r"(?i)series.*dataframe|dataframe.*series"):
        Naive().fit(thing)


def test_row_05_multiindex_frame() -> None:
    df = long_frame().set_index(["unique_id", "ds"])
    forecast = Naive().fit(df).predict(2)
    assert list(forecast.columns) == ["y"]
    assert forecast.index.names == ["unique_id", "ds"]
    assert forecast["y"].tolist() == [11.0, 11.0, 21.0, 21.0, 31.0, 31.0]


def test_row_05_multiindex_series() -> None:
    series = long_frame().set_index(["unique_id", "ds"])["y"]
    forecast = Naive().fit(series).predict(2)
    assert isinstance(forecast, pd.Series)
    assert forecast.name == "y"
    assert forecast.index.names == ["unique_id", "ds"]
    assert forecast.loc[("bee", pd.Timestamp("2024-01-14"))] == 21.0


def test_row_05_unnamed_levels() -> None:
    df = long_frame().set_index(["unique_id", "ds"])
    df.index.names = [None, None]
    refused(df, "level", "name", "unique_id", r"\bds\b")


def test_row_06_one_row_series() -> None:
    short = pd.DataFrame({"unique_id": "dog", "ds": days(1), "y": [1.0]})
    df = pd.concat([long_frame(), short], ignore_index=True)
    with pytest.raises(FrameError, match=r"dog") as caught:
        network().fit(df)
    message = str(caught.value)
    assert re.search(r"\b1\b", message)
    assert re.search(r"short=['\"]skip['\"]", message)
    assert "ant" not in message


def test_row_06_skip() -> None:
    short = pd.DataFrame({"unique_id": "dog", "ds": days(1), "y": [1.0]})
    df = pd.concat([long_frame(), short], ignore_index=True)
    forecast = network().fit(df, short="skip").predict(2)
    assert forecast["unique_id"].unique().tolist() == ["ant", "bee", "cat"]
    assert forecast["y"].notna().all()


def test_row_06_all_are_short() -> None:
    """Nothing is left to learn from: skipping all doesn't help."""
    df = long_frame(rows=1)
    with pytest.raises(FrameError, match="ant"):
        network().fit(df, freq="D")
    with pytest.raises(FrameError):
        network().fit(df, freq="D", short="skip")


def test_row_06_unknown_choice() -> None:
    with pytest.raises(ValueError, match=r"short='drop'.*error.*skip"):
        Naive().fit(long_frame(), short="drop")  # type: ignore[arg-type]


def test_row_07_duplicate_id_and_time() -> None:
    df = long_frame()
    refused(
        pd.concat([df, df.iloc[[14]]]),
        "bee",
        "2024-01-03",
        "(twice|duplicate)",
        "keep one|drop_duplicates",
    )


def test_row_07_duplicate_time_wide_and_series() -> None:
    df = wide_frame()
    twice = pd.concat([df, df.iloc[[2]]])
    refused(twice, "2024-01-03", "(twice|duplicate)")
    refused(twice["ant"], "2024-01-03", "(twice|duplicate)")


def test_row_07_the_same_stamp_in_two_series_is_fine() -> None:
    df = long_frame().sort_values(["ds", "unique_id"])
    assert len(Naive().fit(df).predict(1)) == 3


def test_row_08_gap_in_time() -> None:
    df = long_frame().drop(index=[4, 5, 20])
    message = str(refused(df, "ant", "2024-01-05", "cat|bee"))
    assert "2024-01-09" in message, "the first missing stamp of the second series"
    assert "bee" in message
    assert "cat" not in message


def test_row_08_gap_in_wide_and_series() -> None:
    df = wide_frame().drop(index=pd.Timestamp("2024-01-05"))
    refused(df, "2024-01-05")
    refused(df["ant"], "2024-01-05")


def test_row_08_says_a_remedy() -> None:
    refused(long_frame().drop(index=4), r"reindex|asfreq|fill|interpolate|resample")


# ------------------------------------------------------------------------ rows 9 to 13: the values


def test_row_09_unsorted_rows() -> None:
    df = long_frame()
    shuffled = df.sample(frac=1.0, random_state=3)
    expected = SeasonalNaive().fit(df).predict(9)
    got = SeasonalNaive().fit(shuffled).predict(9)
    order = ["unique_id", "ds"]
    pd.testing.assert_frame_equal(
        got.sort_values(order, ignore_index=True), expected.sort_values(order, ignore_index=True)
    )


def test_row_09_unsorted_wide_and_series() -> None:
    df = wide_frame()
    shuffled = df.sample(frac=1.0, random_state=3)
    model = SeasonalNaive()
    expected = model.fit(df).predict(9)
    pd.testing.assert_frame_equal(model.fit(shuffled).predict(9), expected, check_freq=False)
    pd.testing.assert_series_equal(
        model.fit(shuffled["bee"]).predict(9), expected["bee"], check_freq=False
    )


@pytest.mark.parametrize("missing", [np.nan, None])
def test_row_10_missing_in_the_middle(missing: float | None) -> None:
    refused(with_value(16, missing), "bee", "2024-01-05", r"\by\b", r"\b1\b|row 16", "fill|drop")


def test_row_10_missing_in_the_middle_wide() -> None:
    df = wide_frame()
    df.loc["2024-01-05", "bee"] = np.nan
    error = refused(df, "bee", "2024-01-05")
    assert "ant" not in str(error)


def test_row_10_missing_in_the_middle_series() -> None:
    series = wide_frame()["ant"]
    series.iloc[4] = np.nan
    refused(series, "2024-01-05")


def test_row_11_last_row_of_a_series() -> None:
    error = refused(with_value(23, np.nan), "bee", "2024-01-12")
    assert "ant" not in str(error)


def test_row_11_first_row_of_a_series() -> None:
    refused(with_value(12, np.nan), "bee", "2024-01-01")


def test_row_11_trailing_nan_in_a_wide_frame_is_a_shorter_series() -> None:
    """The forecast starts after the frame's last row, rolled on through the missing rows."""
    df = wide_frame()
    df.iloc[-3:, 1] = np.nan
    forecast = SeasonalNaive(season_length=5).fit(df).predict(4)
    assert forecast.index.tolist() == days(ROWS + 4)[ROWS:].tolist()
    assert forecast.notna().all(axis=None)
    # bee ends at row 8 with 14, 15, 16, 17, 18; rows 9, 10, 11 are rolled through and dropped.
    assert forecast["bee"].tolist() == [17.0, 18.0, 14.0, 15.0]
    assert forecast["ant"].tolist() == [7.0, 8.0, 9.0, 10.0]


def test_row_11_leading_nan_in_a_wide_frame_is_a_shorter_series() -> None:
    df = wide_frame()
    df.iloc[:9, 1] = np.nan
    forecast = SeasonalNaive(season_length=5).fit(df).predict(4)
    assert forecast["bee"].tolist() == [19.0, 20.0, 21.0, 19.0]


def test_row_11_network_rolls_through_trailing_nan() -> None:
    df = wide_frame(rows=40)
    model = network(context_length=10, lags=[2]).fit(df)
    cut = df.copy()
    cut.iloc[-3:, 1] = np.nan
    forecast = model.predict(4, df=cut)
    assert forecast.index.tolist() == days(44)[40:].tolist()
    assert forecast.notna().all(axis=None)
    alone = model.predict(7, df=cut[["bee"]].iloc[:-3])
    np.testing.assert_allclose(forecast["bee"], alone["bee"].iloc[3:], rtol=1e-5)


def test_row_12_one_series_all_missing() -> None:
    df = long_frame()
    df.loc[df["unique_id"] == "bee", "y"] = np.nan
    error = refused(df, "bee", "12|all|without any value")
    assert "ant" not in str(error)
    assert "cat" not in str(error)


def test_row_12_one_column_all_missing() -> None:
    error = refused(wide_frame().assign(bee=np.nan), "bee")
    assert "ant" not in str(error)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("position", [12, 16, 23])
def test_row_13_infinite(value: float, position: int) -> None:
    stamp = days()[position - 12].strftime("%Y-%m-%d")
    error = refused(with_value(position, value), "bee", stamp, "inf", r"\by\b")
    assert "ant" not in str(error)


def test_row_13_infinite_wide() -> None:
    df = wide_frame()
    df.iloc[-1, 1] = np.inf
    refused(df, "bee", "2024-01-12", "inf")


# ------------------------------------------------------------------- rows 14 to 26: ids and dtypes


def test_row_14_nat_stamp() -> None:
    refused(with_value(16, pd.NaT, "ds"), r"\bds\b", r"\b16\b", "NaT|missing|null")


def test_row_14_nat_in_the_index() -> None:
    df = wide_frame()
    df.index = pd.DatetimeIndex([*df.index[:4], pd.NaT, *df.index[5:]])
    refused(df, r"\b4\b", "NaT|missing|null")
    refused(df["ant"], r"\b4\b", "NaT|missing|null")


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_row_15_null_id(dtype: Any) -> None:
    df = long_frame().astype({"unique_id": dtype})
    df.loc[16, "unique_id"] = None
    refused(df, "unique_id", r"\b16\b", "null|missing|None|NaN|NA")


def test_row_16_ids_of_mixed_types() -> None:
    df = long_frame().astype({"unique_id": object})
    df.loc[df["unique_id"] == "bee", "unique_id"] = 7
    refused(df, r"\bint\b", r"\bstr\b", "unique_id", "astype")


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16", "Int64", "UInt8"])
def test_row_17_integer_target(dtype: str) -> None:
    df = long_frame().astype({"y": dtype})
    forecast = Naive().fit(df).predict(1)
    assert pd.api.types.is_float_dtype(forecast["y"].dtype)
    assert forecast["y"].tolist() == [11.0, 21.0, 31.0]


def test_row_17_large_integers_keep_their_value() -> None:
    series = pd.Series([2**52, 2**52 + 1], index=days(2))
    assert Naive().fit(series).predict(1).tolist() == [float(2**52 + 1)]


@pytest.mark.parametrize("dtype", [bool, "boolean"])
def test_row_18_bool_target(dtype: Any) -> None:
    df = long_frame().assign(y=lambda d: (d["y"] > 5).astype(dtype))
    refused(df, r"\by\b", "bool", "cast|astype")


def test_row_18_bool_column_in_a_wide_frame() -> None:
    df = wide_frame()
    refused(df.assign(bee=df["bee"] > 15), "bee", "bool", "cast|astype")


@pytest.mark.parametrize("convert", [float, Decimal, np.float32, int])
def test_row_19_object_column_of_numbers(convert: Callable[[float], Any]) -> None:
    df = long_frame()
    df["y"] = pd.Series([convert(value) for value in df["y"]], dtype=object)
    assert Naive().fit(df).predict(1)["y"].astype(float).tolist() == [11.0, 21.0, 31.0]


def test_row_18_bools_in_an_object_column() -> None:
    df = long_frame().astype({"y": object})
    df.loc[16, "y"] = True
    refused(df, r"\by\b", "bool", r"\b16\b")


def test_row_19_object_column_with_a_word() -> None:
    refused(with_value(16, "closed"), r"\by\b", "closed", r"\b16\b")


def test_row_19_object_column_with_a_missing_number() -> None:
    df = long_frame().astype({"y": object})
    df.loc[16, "y"] = None
    refused(df, "bee", "2024-01-05")


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_row_20_numbers_as_strings(dtype: Any) -> None:
    df = long_frame()
    df["y"] = df["y"].astype(str).astype(dtype)
    refused(df, r"\by\b", "pd.to_numeric|astype")


def test_row_20_numbers_as_bytes() -> None:
    refused(long_frame().assign(y=b"1.5"), r"\by\b", "text|bytes")


def test_row_21_complex_target() -> None:
    refused(long_frame().astype({"y": complex}), r"\by\b", "complex")


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float64[pyarrow]"])
def test_row_22_nullable_with_na(dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    df = long_frame().astype({"y": dtype})
    df.loc[16, "y"] = pd.NA
    error = refused(df, "bee", "2024-01-05")
    assert "ant" not in str(error)


def test_row_23_nullable_float() -> None:
    forecast = Naive().fit(long_frame().astype({"y": "Float64"})).predict(1)
    assert forecast["y"].dtype == "Float64"
    assert forecast["y"].tolist() == [11.0, 21.0, 31.0]


def test_row_24_pyarrow_columns() -> None:
    pytest.importorskip("pyarrow")
    dtypes = {
        "unique_id": "string[pyarrow]",
        "ds": "timestamp[us][pyarrow]",
        "y": "double[pyarrow]",
    }
    df = long_frame().astype(dtypes)
    forecast = Naive().fit(df).predict(1)
    assert forecast.dtypes.astype(str).to_dict() == df.dtypes.astype(str).to_dict()
    assert forecast["y"].tolist() == [11.0, 21.0, 31.0]
    assert forecast["ds"].tolist() == [pd.Timestamp("2024-01-13")] * 3


@pytest.mark.parametrize("dtype", ["string", "str", object, "category"])
def test_row_25_id_dtype_kept(dtype: Any) -> None:
    df = long_frame().astype({"unique_id": dtype})
    forecast = Naive().fit(df).predict(1)
    assert forecast["unique_id"].dtype == df["unique_id"].dtype
    assert forecast["unique_id"].tolist() == ["ant", "bee", "cat"]


@pytest.mark.parametrize("dtype", ["int64", "int8", "Int64"])
def test_row_25_integer_ids_kept(dtype: str) -> None:
    df = long_frame()
    df["unique_id"] = df["unique_id"].map({"ant": 10, "bee": 9, "cat": 100}).astype(dtype)
    forecast = Naive().fit(df).predict(1)
    assert forecast["unique_id"].dtype == dtype
    assert forecast["unique_id"].tolist() == [10, 9, 100]
    assert forecast["y"].tolist() == [11.0, 21.0, 31.0]


def test_row_26_unused_category() -> None:
    df = long_frame()
    df["unique_id"] = pd.Categorical(df["unique_id"], ["ghost", "cat", "bee", "ant"])
    forecast = Naive().fit(df).predict(2)
    assert forecast["unique_id"].tolist() == ["ant", "ant", "bee", "bee", "cat", "cat"]
    assert forecast["unique_id"].dtype == df["unique_id"].dtype
    assert forecast["y"].tolist() == [11.0, 11.0, 21.0, 21.0, 31.0, 31.0]


# ------------------------------------------------------------------------- rows 27 to 38: the time


@pytest.mark.parametrize("dtype", [object, "string"])
def test_row_27_time_as_strings(dtype: Any) -> None:
    df = long_frame()
    df["ds"] = df["ds"].dt.strftime("%Y-%m-%d").astype(dtype)
    refused(df, r"\bds\b", r"pd\.to_datetime")


def test_row_27_time_as_strings_in_the_index() -> None:
    df = wide_frame()
    df.index = df.index.strftime("%Y-%m-%d")
    refused(df, r"pd\.to_datetime", "index")
    refused(df["ant"], r"pd\.to_datetime", "index")


@pytest.mark.parametrize("step", [1, 2, 10])
def test_row_28_integer_time_column(step: int) -> None:
    df = long_frame()
    df["ds"] = np.tile(5 + step * np.arange(ROWS), 3)
    forecast = Naive().fit(df).predict(2)
    assert forecast["ds"].tolist() == [5 + step * 12, 5 + step * 13] * 3
    assert forecast["ds"].dtype == df["ds"].dtype


def test_row_28_integer_index_with_the_time_columns_name() -> None:
    df = wide_frame()
    df.index = pd.Index(np.arange(0, 24, 2), name="ds")
    forecast = Naive().fit(df).predict(2)
    assert forecast.index.tolist() == [24, 26]
    assert forecast.index.name == "ds"


def test_row_28_plain_index_of_a_series() -> None:
    forecast = Naive().fit(pd.Series([1.0, 2.0, 4.0])).predict(2)
    assert forecast.index.tolist() == [3, 4]
    assert forecast.tolist() == [4.0, 4.0]


def test_row_28_plain_index_of_numbers_alone() -> None:
    forecast = Naive().fit(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3, 2, 1]})).predict(2)
    assert forecast.index.tolist() == [3, 4]
    assert forecast["b"].tolist() == [1.0, 1.0]


def test_row_28_plain_index_beside_a_text_column() -> None:
    refused(pd.DataFrame({"a": [1.0, 2.0], "note": ["x", "y"]}), "note", "long", "wide")


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "D", "h", "W-SUN"])
def test_row_29_period_time(freq: str) -> None:
    stamps = pd.period_range("2020-01-01", periods=ROWS + 2, freq=freq)
    df = long_frame()
    df["ds"] = np.tile(stamps[:ROWS].astype(object), 3)
    df["ds"] = df["ds"].astype(stamps.dtype)
    forecast = Naive().fit(df).predict(2)
    assert forecast["ds"].dtype == stamps.dtype
    assert forecast["ds"].tolist() == [*stamps[ROWS:]] * 3


def test_row_29_period_index() -> None:
    df = wide_frame()
    df.index = pd.period_range("2020-01", periods=ROWS, freq="M")
    forecast = Naive().fit(df).predict(2)
    assert isinstance(forecast.index, pd.PeriodIndex)
    assert forecast.index.tolist() == [pd.Period("2021-01", "M"), pd.Period("2021-02", "M")]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "+05:30"])
def test_row_30_zone_and_resolution_kept(zone: str, unit: str) -> None:
    df = long_frame()
    df["ds"] = df["ds"].dt.tz_localize(zone).dt.as_unit(unit)
    forecast = Naive().fit(df).predict(1)
    assert forecast["ds"].dtype == df["ds"].dtype
    assert forecast["ds"].tolist() == [pd.Timestamp("2024-01-13", tz=zone)] * 3


def test_row_31_hourly_over_the_spring_change() -> None:
    """02:00 doesn't exist on that day: steps in absolute time, local stamps back."""
    stamps = pd.date_range("2024-03-30 12:00", periods=36, freq="h", tz="Europe/Berlin")
    series = pd.Series(np.arange(36.0), index=stamps)
    for cut in (10, 13, 14, 15, 20):
        forecast = Naive().fit(series.iloc[:cut]).predict(36 - cut)
        assert forecast.index.tolist() == stamps[cut:].tolist()
    assert pd.Timestamp("2024-03-31 03:00", tz="Europe/Berlin") in forecast.index or cut == 20


def test_row_32_hourly_naive_over_the_autumn_change() -> None:
    aware = pd.date_range("2024-10-26 12:00", periods=24, freq="h", tz="Europe/Berlin")
    series = pd.Series(np.arange(24.0), index=aware.tz_localize(None))
    refused(series, "2024-10-27 02:00", r"tz_localize\(.*ambiguous")


def test_row_32_long() -> None:
    aware = pd.date_range("2024-10-26 12:00", periods=24, freq="h", tz="Europe/Berlin")
    df = pd.DataFrame({"unique_id": "ant", "ds": aware.tz_localize(None), "y": np.arange(24.0)})
    refused(df, "ant", "2024-10-27 02:00", r"tz_localize\(.*ambiguous")


@pytest.mark.parametrize("start", ["2024-03-25", "2024-10-21"])
def test_row_33_daily_aware_over_the_change(start: str) -> None:
    stamps = pd.date_range(start, periods=14, freq="D", tz="Europe/Berlin")
    series = pd.Series(np.arange(14.0), index=stamps)
    for cut in (5, 6, 7, 8, 10):
        forecast = Naive().fit(series.iloc[:cut]).predict(14 - cut)
        assert forecast.index.tolist() == stamps[cut:].tolist()
        assert {stamp.hour for stamp in forecast.index} == {0}


def test_row_34_naive_and_aware_mixed() -> None:
    df = long_frame().astype({"ds": object})
    df.loc[16, "ds"] = pd.Timestamp("2024-01-05", tz="UTC")
    refused(df, r"\bds\b", r"\b16\b", "zone|tz|aware")


def test_row_34_two_zones_mixed() -> None:
    stamps = [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02", tz="Asia/Tokyo")]
    series = pd.Series([1.0, 2.0], index=pd.Index(stamps, dtype=object))
    refused(series, r"\b1\b", "zone|tz")


@pytest.mark.parametrize(
    ("freq", "start"),
    [("ME", "2024-01-31"), ("QS", "2023-01-01"), ("B", "2024-01-01"), ("MS", "2024-01-01")],
)
def test_row_35_calendar_offsets(freq: str, start: str) -> None:
    stamps = pd.date_range(start, periods=16, freq=freq)
    forecast = Naive().fit(pd.Series(np.arange(12.0), index=stamps[:12])).predict(4)
    assert forecast.index.tolist() == stamps[12:].tolist()


@pytest.mark.parametrize(("old", "new"), [("M", "ME"), ("Q", "QE"), ("A", "YE"), ("H", "h")])
def test_row_35_old_aliases(old: str, new: str) -> None:
    stamps = pd.date_range("2020-12-31", periods=14, freq=new)
    series = pd.Series(np.arange(12.0), index=stamps[:12])
    assert Naive().fit(series, freq=old).predict(2).index.tolist() == stamps[12:].tolist()


@pytest.mark.parametrize("freq", ["h", "W-MON", "MS", "B", "2D"])
def test_row_36_declared_frequency_disagrees(freq: str) -> None:
    refused(long_frame(), rf"['\"]{freq}['\"]", r"['\"]D['\"]", freq=freq)


def test_row_36_names_series_that_disagree() -> None:
    df = long_frame()
    rows = df["unique_id"] == "bee"
    df.loc[rows, "ds"] = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    error = refused(df, "bee", r"['\"]D['\"]", freq="D")
    assert "ant" not in str(error)


def test_row_37_daily_and_weekly_in_one_panel() -> None:
    df = long_frame()
    rows = df["unique_id"] == "bee"
    df.loc[rows, "ds"] = pd.date_range("2024-01-07", periods=ROWS, freq="W")
    error = refused(df, "bee", "W-SUN", r"['\"]?\bD\b")
    assert "cat" not in str(error)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_row_38_far_future(unit: str) -> None:
    stamps = np.arange("2523-01-01", "2523-01-15", dtype="datetime64[D]").astype(
        f"datetime64[{unit}]"
    )
    df = pd.DataFrame({"unique_id": "ant", "ds": stamps[:12], "y": np.arange(12.0)})
    forecast = Naive().fit(df).predict(2)
    assert forecast["ds"].dtype == f"datetime64[{unit}]"
    assert (forecast["ds"].to_numpy() == stamps[12:]).all()


def test_row_38_far_future_index() -> None:
    index = pd.DatetimeIndex(
        np.arange("2523-01", "2524-03", dtype="datetime64[M]").astype("datetime64[s]")
    )
    forecast = Naive().fit(pd.Series(np.arange(12.0), index=index[:12])).predict(2)
    assert forecast.index.tolist() == index[12:].tolist()
    assert forecast.index.dtype == "datetime64[s]"


def test_row_38_the_horizon_leaves_nanoseconds() -> None:
    """datetime64[ns] ends in 2262: a horizon beyond it is an error and never a wrong year."""
    series = pd.Series(
        np.arange(5.0), index=pd.date_range("2255-01-01", periods=5, freq="YS", unit="ns")
    )
    with pytest.raises(ValueError, match=r"2262|datetime64\[|resolution|as_unit"):
        Naive().fit(series).predict(10)


# -------------------------------------------------------- rows 39 to 42: the network and the scale


@pytest.fixture(scope="module")
def panel_model() -> LSTMForecaster:
    """Fitted once on two random walks of days, to be asked about series it has not seen."""
    random = np.random.default_rng(0)
    values = random.normal(size=(60, 2)).cumsum(axis=0)
    df = pd.DataFrame(values, index=days(60), columns=["seen-1", "seen-2"])
    return network(context_length=14, lags=[2, 7]).fit(df)


def walk(rows: int = 40, seed: int = 1) -> pd.Series:
    values = np.random.default_rng(seed).normal(size=rows).cumsum()
    return pd.Series(values, index=days(rows), name="new")


def wide_walks(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"a": walk(rows, 2), "b": walk(rows, 3)})


@pytest.mark.parametrize("value", [0.0, 7.3, -2.5e9, 1e-12, 1e30])
def test_row_39_constant_series(panel_model: LSTMForecaster, value: float) -> None:
    series = pd.Series(value, index=days(40), name="constant")
    forecast = panel_model.predict(20, df=series)
    np.testing.assert_allclose(forecast, value, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 7.3, -2.5e9])
def test_row_39_fit_on_a_constant(value: float) -> None:
    forecast = network().fit(pd.Series(value, index=days(40))).predict(20)
    np.testing.assert_allclose(forecast, value, rtol=1e-9)


def test_row_39_constant_among_others() -> None:
    df = wide_walks().assign(flat=0.1)
    forecast = network().fit(df).predict(10)
    np.testing.assert_allclose(forecast["flat"], 0.1, rtol=1e-9)
    assert forecast.notna().all(axis=None)


def test_row_40_large_offset(panel_model: LSTMForecaster) -> None:
    series = walk()
    plain = panel_model.predict(10, df=series)
    moved = panel_model.predict(10, df=series + 1e9)
    np.testing.assert_allclose(moved - 1e9, plain, atol=1e-4 * series.std(), rtol=0)


def test_row_40_fit_with_a_large_offset() -> None:
    df = wide_walks()
    plain = network().fit(df).predict(10)
    moved = network().fit(df + 1e9).predict(10)
    np.testing.assert_allclose(moved - 1e9, plain, atol=1e-4 * df.std().min(), rtol=0)


@pytest.mark.parametrize("factor", [1e30, 1e-30, 1e40, 1e-40, 1e150])
def test_row_41_and_42_scale(panel_model: LSTMForecaster, factor: float) -> None:
    """Beyond 1e38 float32 has no number: the scaling is in float64, before."""
    series = walk()
    plain = panel_model.predict(10, df=series)
    scaled = panel_model.predict(10, df=series * factor)
    np.testing.assert_allclose(scaled / factor, plain, atol=1e-4 * series.std(), rtol=0)


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_row_41_fit(factor: float) -> None:
    df = wide_walks()
    plain = network().fit(df).predict(10)
    scaled = network().fit(df * factor).predict(10)
    np.testing.assert_allclose(scaled / factor, plain, atol=1e-4 * df.std().min(), rtol=0)


def test_row_42_fit() -> None:
    df = wide_walks()
    plain = network().fit(df).predict(10)
    scaled = network().fit(df * 1e40).predict(10)
    np.testing.assert_allclose(scaled / 1e40, plain, atol=1e-4 * df.std().min(), rtol=0)


# ----------------------------------------------------------------- rows 43 to 46: what is harmless


def test_row_43_extra_text_column_long() -> None:
    df = long_frame()
    plain = Naive().fit(df).predict(2)
    pd.testing.assert_frame_equal(Naive().fit(df.assign(note="x")).predict(2), plain)


def test_row_43_extra_text_column_wide() -> None:
    refused(wide_frame().assign(note="x"), "note", "long", "wide")


def test_row_44_duplicate_row_index() -> None:
    df = long_frame()
    plain = Naive().fit(df).predict(2)
    df.index = pd.Index([0] * len(df))
    pd.testing.assert_frame_equal(Naive().fit(df).predict(2), plain)


def read_only(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flags.writeable = False
    return values


@pytest.mark.parametrize("columns", [1, 2])
def test_row_45_read_only_buffers(columns: int) -> None:
    values = read_only(np.random.default_rng(0).normal(size=(40, columns)))
    df: Any = pd.DataFrame(values, index=days(40), copy=False)
    df = df if columns > 1 else pd.Series(read_only(values[:, 0]), index=days(40), copy=False)
    before = df.copy(deep=True)
    model = network().fit(df)
    assert np.isfinite(model.predict(3).to_numpy()).all()
    assert np.isfinite(model.predict(3, df=df).to_numpy()).all()
    assert df.equals(before)


def test_row_45_the_forecaster_keeps_no_hold_on_the_frame() -> None:
    """Values written after fit, into the same memory, don't reach the forecast."""
    values = np.arange(10.0)
    model = Naive().fit(pd.Series(values, index=days(10), copy=False))
    values[:] = -1.0
    assert model.predict(1).tolist() == [9.0]


def test_row_46_offsets_are_int64() -> None:
    panel = read_panel(long_frame())
    assert panel.offsets.dtype == np.int64
    series = Series.from_numpy(panel.values, panel.offsets)
    assert series.lengths.dtype == torch.int64
    assert series.ends().cutoff.dtype == torch.int64


def test_row_46_windows_behind_row_2_to_the_31() -> None:
    """A series of more than 2³¹ rows that all share one number in memory."""
    rows = 2**31 + 100
    values = np.lib.stride_tricks.as_strided(np.array([3.0]), (rows,), (0,))
    series = Series.from_numpy(values, np.array([0, rows]))
    index = WindowIndex(torch.tensor([0, 0]), torch.tensor([rows - 50, rows]))
    got, known = series.gather(index, 4, 2)
    assert known[..., 0].tolist() == [[True] * 6, [True] * 4 + [False] * 2]
    assert got[known].eq(3.0).all()


def test_row_46_draws_behind_row_2_to_the_31() -> None:
    lengths = np.array([10, 2**33])
    draw = WindowSampler(lengths, WindowShape(1, 4, 2), batch_size=64, seed=0).draw(0)
    assert draw.cutoff.dtype == torch.int64
    assert draw.cutoff.max() > 2**31
    assert draw.cutoff.min() >= 0


# ------------------------------------------------------------------------ rows 47 to 50: the calls


@pytest.mark.parametrize("horizon", [0, -1, 2.5, 2.0, "48", True, np.True_, None, [3], np.nan])
def test_row_47_horizon(horizon: Any) -> None:
    model = Naive().fit(long_frame())
    with pytest.raises((TypeError, ValueError), match=re.escape(f"horizon={written(horizon)}")):
        model.predict(horizon)


@pytest.mark.parametrize("horizon", [np.int64(2), np.uint8(2)])
def test_row_47_numpy_integers_are_whole_numbers(horizon: Any) -> None:
    assert len(Naive().fit(long_frame()).predict(horizon)) == 6


@pytest.mark.parametrize("make", [LSTMForecaster, GRUForecaster, Naive, SeasonalNaive])
def test_row_48_predict_before_fit(make: Callable[[], Any]) -> None:
    with pytest.raises(NotFittedError, match=r"fit\("):
        make().predict(3)


def test_row_48_a_failed_fit_is_no_fit() -> None:
    model = Naive()
    with pytest.raises(FrameError):
        model.fit(long_frame().iloc[:0])
    with pytest.raises(NotFittedError):
        model.predict(3)


@pytest.mark.parametrize("rows", [2, 5, 13, 14, 40])
def test_row_49_series_not_seen_in_fit(panel_model: LSTMForecaster, rows: int) -> None:
    """Also one shorter than the context and the lags, which is padded and masked."""
    series = walk(rows)
    forecast = panel_model.predict(5, df=series)
    assert forecast.name == "new"
    assert forecast.index.tolist() == days(rows + 5)[rows:].tolist()
    spread = series.max() - series.min()
    assert forecast.notna().all()
    assert (forecast - series.iloc[-1]).abs().max() < 10 * spread


def test_row_49_one_row(panel_model: LSTMForecaster) -> None:
    """All that is known of it is one value: a constant, whose frequency is that of the fit."""
    forecast = panel_model.predict(3, df=walk(1))
    assert forecast.index.tolist() == days(4)[1:].tolist()
    np.testing.assert_allclose(forecast, walk(1).iloc[0], rtol=1e-9)


def test_row_49_another_layout(panel_model: LSTMForecaster) -> None:
    forecast = panel_model.predict(2, df=long_frame(("new",), rows=30))
    assert forecast["unique_id"].tolist() == ["new", "new"]


@pytest.mark.parametrize("word", ["h", "n", "steps", "fh", "prediction_length"])
@pytest.mark.parametrize("make", [LSTMForecaster, Naive])
def test_row_50_words_of_other_libraries(make: Callable[[], Any], word: str) -> None:
    with pytest.raises(TypeError, match=rf"'{word}'.*horizon"):
        make().predict(**{word: 3})


def test_row_50_in_the_constructor() -> None:
    with pytest.raises(TypeError, match=r"'input_size'.*context_length"):
        LSTMForecaster(input_size=48)  # type: ignore[call-arg]


# --------------------------------------------------------------------------------- for all of them

REFUSED = {
    "01 empty": long_frame().iloc[:0],
    "03 columns": pd.concat([long_frame(), long_frame()[["y"]]], axis=1),
    "04 layout": pd.DataFrame({"shop": ["a", "b"], "amount": [1.0, 2.0]}),
    "07 duplicate": pd.concat([long_frame(), long_frame().iloc[[14]]]),
    "08 gap": long_frame().drop(index=4),
    "10 nan": with_value(16, np.nan),
    "13 inf": with_value(16, np.inf),
    "14 nat": with_value(16, pd.NaT, "ds"),
    "18 bool": long_frame().assign(y=True),
    "20 text": long_frame().astype({"y": str}),
    "21 complex": long_frame().astype({"y": complex}),
    "27 strings": long_frame().astype({"ds": str}),
}


@pytest.mark.parametrize("df", REFUSED.values(), ids=REFUSED.keys())
def test_refused_before_training(df: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: Any, **__: Any) -> None:
        pytest.fail("training started")

    monkeypatch.setattr(tsgen.training, "train", train)
    with pytest.raises(FrameError):
        network().fit(df)


@pytest.mark.parametrize("df", REFUSED.values(), ids=REFUSED.keys())
def test_predict_refuses_what_fit_refuses(df: pd.DataFrame) -> None:
    with pytest.raises(FrameError) as in_fit:
        Naive().fit(df)
    with pytest.raises(FrameError) as in_predict:
        Naive().fit(long_frame()).predict(1, df=df)
    assert in_predict.value.problems == in_fit.value.problems


@pytest.mark.parametrize(
    "damage",
    [
        lambda df: df.assign(y=df["y"].where(df["ds"] != days()[4])),
        lambda df: df.assign(y=df["y"].mask(df["ds"] == days()[4], np.inf)),
        lambda df: df[df["ds"] != days()[4]],
        lambda df: pd.concat([df, df[df["ds"] == days()[4]]]),
    ],
    ids=["nan", "inf", "gap", "duplicate"],
)
def test_the_first_five_then_the_count(damage: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Of 23 series with a problem, five are named, and 23 is said."""
    df = long_frame(tuple(f"series-{i:02d}" for i in range(23)))
    message = str(refused(damage(df), "2024-01-05", r"\b(23|18)\b"))
    named = sorted(set(re.findall(r"series-\d\d", message)))
    assert named == [f"series-{i:02d}" for i in range(5)]


def test_several_problems_in_one_error() -> None:
    df = long_frame(("ant", "bee", "cat", "dog", "elk"))
    df.loc[1 * ROWS + 4, "y"] = np.nan
    df.loc[2 * ROWS + 4, "y"] = np.inf
    df = pd.concat([df.drop(index=3 * ROWS + 4), df.iloc[[4 * ROWS + 4]]])
    error = refused(df, "bee", "cat", "dog", "elk")
    assert len(error.problems) == 4
    assert "ant" not in str(error)
    assert all(problem in str(error) for problem in error.problems)


def test_problems_of_names_and_values_in_one_error() -> None:
    df = with_value(16, pd.NaT, "ds")
    df.loc[20, "y"] = np.inf
    df.loc[30, "unique_id"] = None
    assert len(refused(df, r"\b16\b", r"\b30\b", "inf").problems) == 3
