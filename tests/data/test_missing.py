"""Missing rows and missing values: what `fill=` makes of them, and what is said without it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from support.problems import sine

import tsgen
from tsgen import GRUForecaster, LSTMForecaster, Naive, SeasonalNaive
from tsgen._messages import written
from tsgen.data.frequency import declared_frequency
from tsgen.data.missing import add_missing_rows, check_fill, fill_values
from tsgen.errors import FrameError, SettingError

SMALL: dict[str, Any] = {
    "max_steps": 8,
    "hidden_size": 8,
    "context_length": 20,
    "lags": [3],
    "verbose": False,
}
ROWS = 60
FILLS = ["mask", "ffill", "interpolate", 2.5]
FILLED = ["ffill", "interpolate", 2.5]
KEY = ["unique_id", "ds"]

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)

TIMES: dict[str, Callable[[int], pd.Index]] = {
    "daily": lambda rows: pd.date_range("2021-01-01", periods=rows),
    "daily with a zone": lambda rows: pd.date_range("2021-03-01", periods=rows, tz="Europe/Berlin"),
    "hourly with a zone": lambda rows: pd.date_range(
        "2021-03-27", periods=rows, freq="h", tz="Europe/Berlin"
    ),
    "business days": lambda rows: pd.date_range("2021-01-01", periods=rows, freq="B"),
    "month ends": lambda rows: pd.date_range("2001-01-31", periods=rows, freq="ME"),
    "quarter starts": lambda rows: pd.date_range("1990-01-01", periods=rows, freq="QS"),
    "months": lambda rows: pd.period_range("2001-01", periods=rows, freq="M"),
    "far away": lambda rows: pd.date_range("2523-01-01", periods=rows, unit="s"),
    "integers": lambda rows: pd.RangeIndex(100, 100 + 5 * rows, 5, name="step"),
}
every_time = pytest.mark.parametrize("time", list(TIMES))


# ------------------------------------------------------------------------------- frames and models


def whole(rows: int = ROWS, time: str = "daily") -> pd.DataFrame:
    """Three noisy seasons of 7, whose columns are out of order."""
    columns = {}
    for name, level, scale in (("c", 100.0, 1.0), ("a", 5.0, 10.0), ("b", -3.0, 0.1)):
        noise = np.random.default_rng(ord(name)).normal(0, 0.3, rows)
        columns[name] = level + scale * (np.sin(2 * np.pi * np.arange(rows) / 7) + noise)
    return pd.DataFrame(columns, index=TIMES[time](rows))


def holed(rows: int = ROWS, time: str = "daily") -> pd.DataFrame:
    """The same with rows missing in all columns, and holes of one row and of several in some."""
    df = whole(rows, time)
    df.iloc[[7, 8, 9, 30], :] = np.nan
    df.iloc[20, 0] = np.nan
    df.iloc[40:45, 1] = np.nan
    df.iloc[57, 2] = np.nan
    return df


def melted(df: pd.DataFrame) -> pd.DataFrame:
    long = df.rename_axis(index="ds", columns="unique_id").reset_index()
    return long.melt("ds", value_name="y")[[*KEY, "y"]]


def without_gap_rows(df: pd.DataFrame) -> pd.DataFrame:
    """Rows that hold nothing left out of the frame altogether."""
    return df.dropna(how="all")


LAYOUTS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "wide": lambda df: df,
    "series": lambda df: df["a"],
    "long": melted,
    "multiindex": lambda df: melted(df).set_index(KEY),
}
every_layout = pytest.mark.parametrize("layout", list(LAYOUTS))


def filled(df: pd.DataFrame, fill: str | float) -> pd.DataFrame:
    """What pandas makes of the holes of a frame on a whole index."""
    if fill == "ffill":
        return df.ffill()
    if fill == "interpolate":
        return df.interpolate(axis=0) if not isinstance(df.index, pd.PeriodIndex) else (
            df.reset_index(drop=True).interpolate().set_axis(df.index)
        )  # fmt: skip
    return df.fillna(fill)


def read_back(df: Any, rows: int, **arguments: Any) -> Any:
    """A forecast that repeats the last rows that were read, whatever was made of them."""
    return SeasonalNaive(season_length=rows).fit(df, **arguments).predict(rows)


def numbers(forecast: Any) -> np.ndarray:
    if isinstance(forecast, pd.DataFrame) and "y" in forecast:
        forecast = forecast["y"]
    return forecast.to_numpy()


@cache
def fitted(fill: str | float = "mask", cell: str = "lstm", layout: str = "wide"):
    """Each fitted once; never to be fitted again."""
    cls = {"lstm": LSTMForecaster, "gru": GRUForecaster}[cell]
    return cls(**SMALL).fit(LAYOUTS[layout](holed()), fill=fill)


# -------------------------------------------------------------------------------- the argument fill


@pytest.mark.parametrize("fill", [None, "mask", "ffill", "interpolate", 0, 2, -1.5, np.float32(3)])
def test_what_fill_may_be(fill: Any) -> None:
    got = check_fill(fill)
    assert got == fill
    assert got is None or isinstance(got, str | float)


@pytest.mark.parametrize(
    "fill",
    ["mean", "Mask", "", "1", True, np.True_, False, np.nan, np.inf, -np.inf, [1.0], {"y": 1}],
)
@pytest.mark.parametrize("model", [Naive(), LSTMForecaster(**SMALL)], ids=["naive", "lstm"])
def test_what_fill_may_not_be(model: Any, fill: Any) -> None:
    with pytest.raises(SettingError, match=r"fill=.*'mask', 'ffill', 'interpolate'") as caught:
        model.fit(whole(), fill=fill)
    assert written(fill) in str(caught.value)


@pytest.mark.parametrize("fill", FILLS)
def test_a_frame_without_holes_is_read_as_without_fill(fill: Any) -> None:
    df = whole()
    assert_frame_equal(read_back(df, ROWS, fill=fill), read_back(df, ROWS))
    long = melted(df)
    assert_frame_equal(read_back(long, ROWS, fill=fill), read_back(long, ROWS))


# ---------------------------------------------------------------------------------- missing rows


@every_time
def test_missing_rows_are_added_where_they_belong(time: str) -> None:
    """Two series, one after the other, of which the second begins later."""
    stamps = TIMES[time](30)
    first, second = np.delete(np.arange(30), [1, 10, 11, 12, 28]), np.delete(np.arange(8, 30), 3)
    times = stamps[np.concatenate([first, second])]
    offsets = np.array([0, len(first), len(first) + len(second)])
    name = 5 if time == "integers" else stamps.freqstr  # type: ignore[attr-defined]
    rows = add_missing_rows(times, offsets, declared_frequency(name, times))
    assert rows.offsets.tolist() == [0, 30, 52]
    assert rows.times.dtype == times.dtype
    assert rows.times.tolist() == [*stamps, *stamps[8:]]
    there = rows.source >= 0
    assert rows.source[there].tolist() == list(range(len(times)))
    missing = np.flatnonzero(~there)
    assert missing.tolist() == [1, 10, 11, 12, 28, 30 + 3]


def test_no_rows_are_added_where_none_are_missing() -> None:
    times = pd.date_range("2021-01-01", periods=9)
    offsets = np.array([0, 9])
    rows = add_missing_rows(times, offsets, declared_frequency("D", times))
    assert rows.source.tolist() == list(range(9))
    assert rows.times.equals(times)
    assert rows.offsets.tolist() == [0, 9]


@properties
@given(st.data())
def test_missing_rows_of_any_panel(data: st.DataObject) -> None:
    freq = data.draw(st.sampled_from(["h", "D", "B", "ME", "QS", "W-SUN"]))
    grid = pd.date_range("2021-01-01", periods=25, freq=freq)
    kept = [
        np.array(sorted(data.draw(st.sets(st.integers(0, 24), min_size=1, max_size=25))))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    times = grid[np.concatenate(kept)]
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in kept])])
    rows = add_missing_rows(times, offsets, declared_frequency(freq, times))
    for position, mine in enumerate(kept):
        part = slice(rows.offsets[position], rows.offsets[position + 1])
        assert rows.times[part].tolist() == grid[mine[0] : mine[-1] + 1].tolist()
        source = rows.source[part]
        assert source[source >= 0].tolist() == list(range(*offsets[position : position + 2]))
        assert rows.times[part][source >= 0].tolist() == grid[mine].tolist()


# ---------------------------------------------------------------------------------- filled values


def by_pandas(values: np.ndarray, fill: str | float) -> np.ndarray:
    series = pd.Series(values)
    begun = series.notna().cummax()
    if fill == "ffill":
        return series.ffill().to_numpy()
    if fill == "interpolate":
        return series.interpolate(limit_direction="forward").to_numpy()
    return series.where(~begun | series.notna(), fill).to_numpy()


@pytest.mark.parametrize("fill", FILLED)
@properties
@given(st.data())
def test_values_are_filled_as_pandas_would_series_by_series(
    fill: str | float, data: st.DataObject
) -> None:
    cell = st.sampled_from([np.nan, np.nan, -1.0, 0.5, 3.0, 1e6])
    series = [
        np.array(data.draw(st.lists(cell, min_size=1, max_size=12)))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    values = np.concatenate(series)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in series])])
    given_values = values.copy()
    got = fill_values(values, offsets, fill)
    expected = np.concatenate([by_pandas(rows, fill) for rows in series])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=0)
    np.testing.assert_array_equal(values, given_values)


@pytest.mark.parametrize("fill", [None, "mask"])
def test_values_that_stay_missing(fill: Any) -> None:
    values = np.array([np.nan, 1.0, np.nan, 2.0, np.nan])
    np.testing.assert_array_equal(fill_values(values, np.array([0, 3, 5]), fill), values)


# ---------------------------------------------------------------------------- frames of every kind


@pytest.mark.parametrize(
    ("time", "layout"),
    [*((time, "long" if i % 2 else "wide") for i, time in enumerate(TIMES)),
     *(("daily", layout) for layout in LAYOUTS), ("months", "long"), ("integers", "long")],
)  # fmt: skip
@pytest.mark.parametrize("fill", FILLED)
def test_a_frame_with_holes_is_read_as_pandas_would_fill_it(
    time: str, layout: str, fill: str | float
) -> None:
    df, shape = holed(time=time), LAYOUTS[layout]
    expected = read_back(shape(filled(df, fill)), ROWS)
    for some in (df, without_gap_rows(df)):
        got = read_back(shape(some), ROWS, fill=fill)
        if layout in ("wide", "series"):
            assert got.index.equals(expected.index)
        elif layout == "long":
            assert_frame_equal(got[KEY], expected[KEY])
        else:
            assert got.index.equals(expected.index)
        np.testing.assert_allclose(numbers(got), numbers(expected), rtol=1e-12)


@every_time
def test_masked_holes_move_no_time_stamp(time: str) -> None:
    df = holed(time=time)
    model = LSTMForecaster(**(SMALL | {"max_steps": 1})).fit(df, fill="mask")
    stamps = TIMES[time](ROWS + 4)[ROWS:]
    expected = model.predict(4)
    assert np.isfinite(expected.to_numpy()).all()
    assert expected.index.tolist() == stamps.tolist()
    for layout, shape in LAYOUTS.items():
        for some in (df, without_gap_rows(df)):
            forecast = model.predict(4, df=shape(some))
            values = expected["a"] if layout == "series" else expected.T
            np.testing.assert_allclose(
                numbers(forecast.T if layout == "wide" else forecast).ravel(),
                values.to_numpy().ravel(),
                rtol=1e-6,
            )
            if layout == "long":
                assert forecast["ds"].tolist() == stamps.tolist() * 3
            elif layout != "multiindex":
                assert forecast.index.tolist() == stamps.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS)
def test_the_layouts_agree(fill: str | float) -> None:
    model, df = fitted(fill), without_gap_rows(holed())
    wide = model.predict(6, df=df)
    long = model.predict(6, df=melted(df))
    for name in df:
        np.testing.assert_array_equal(
            long.loc[long["unique_id"] == name, "y"].to_numpy(), wide[name].to_numpy()
        )
    indexed = model.predict(6, df=melted(df).set_index(KEY))
    np.testing.assert_array_equal(indexed["y"].to_numpy(), long["y"].to_numpy())


@pytest.mark.parametrize("fill", FILLS)
def test_rows_in_any_order_and_any_company(fill: str | float) -> None:
    model, df = fitted(fill), melted(holed()).dropna()
    expected = model.predict(6, df=df).sort_values(KEY, ignore_index=True)
    shuffled = model.predict(6, df=df.sample(frac=1.0, random_state=1))
    assert_frame_equal(shuffled.sort_values(KEY, ignore_index=True), expected)
    for name, alone in df.groupby("unique_id"):
        mine = expected[expected["unique_id"] == name].reset_index(drop=True)
        np.testing.assert_allclose(
            model.predict(6, df=alone)["y"], mine["y"], rtol=0, atol=1e-5 * alone["y"].std()
        )
    wide = holed().dropna(how="all")
    pd.testing.assert_frame_equal(
        model.predict(6, df=wide.sample(frac=1.0, random_state=2)), model.predict(6, df=wide),
        check_freq=False,
    )  # fmt: skip


@pytest.mark.parametrize("fill", FILLS)
@every_layout
def test_the_frame_is_not_changed(fill: str | float, layout: str) -> None:
    df = LAYOUTS[layout](without_gap_rows(holed()))
    before = df.copy(deep=True)
    fitted(fill).predict(2, df=df)
    Naive().fit(df, fill=fill)
    check = assert_series_equal if isinstance(df, pd.Series) else assert_frame_equal
    check(df, before)


@pytest.mark.parametrize("fill", FILLED)
def test_filling_is_what_a_model_fitted_on_filled_rows_would_see(fill: str | float) -> None:
    df = holed()
    got = fitted(fill).predict(10)
    expected = LSTMForecaster(**SMALL).fit(filled(df, fill)).predict(10)
    assert_frame_equal(got, expected, rtol=1e-6, check_freq=False)


@pytest.mark.parametrize(
    ("dtype", "missing"),
    [("float64", np.nan), ("float32", np.nan), ("Float64", pd.NA), ("Int64", pd.NA),
     ("object", None), ("object", np.nan), ("object", pd.NA)],
)  # fmt: skip
@pytest.mark.parametrize("fill", FILLS)
def test_missing_values_of_every_dtype(fill: str | float, dtype: str, missing: Any) -> None:
    values = pd.Series([*range(10)] * 3, dtype=object)
    values[[4, 5, 17]] = missing
    df = pd.DataFrame({"ds": pd.date_range("2021-01-01", periods=30), "y": values.astype(dtype)})
    plain = df.assign(y=df["y"].astype(object).where(df["y"].notna(), np.nan).astype(float))
    got, expected = (read_back(each, 30, fill=fill)["y"] for each in (df, plain))
    np.testing.assert_array_equal(got.to_numpy(float, na_value=np.nan), expected.to_numpy())


# -------------------------------------------------------------------------------- at the two ends


@pytest.mark.parametrize("fill", FILLS)
@every_layout
def test_what_is_missing_before_a_series_begins_is_no_hole(layout: str, fill: str | float) -> None:
    df = whole()
    df.iloc[:15, :2] = np.nan  # columns c and a
    shape = LAYOUTS[layout]
    got = read_back(shape(df), ROWS - 15, fill=fill)
    later = whole().iloc[15:]
    if layout == "long":
        pairs = {name: got.loc[got["unique_id"] == name, "y"] for name in later}
    elif layout == "multiindex":
        pairs = {name: got.loc[name, "y"] for name in later}
    elif layout == "series":
        pairs = {"a": got}
    else:
        pairs = {name: got[name] for name in later}
    for name, values in pairs.items():
        np.testing.assert_array_equal(values.to_numpy(), later[name].to_numpy())


@pytest.mark.parametrize("fill", FILLS)
def test_trailing_nan_of_a_wide_frame_are_a_shorter_series(fill: str | float) -> None:
    """Continued through the rows it lacks, as it is without `fill=`."""
    df = whole()
    df.iloc[-5:, 0] = np.nan
    got, expected = read_back(df, ROWS, fill=fill), read_back(df, ROWS)
    assert_frame_equal(got, expected)
    model = fitted(fill)
    shorter = model.predict(15, df=whole()[["c"]].iloc[:-5])
    np.testing.assert_allclose(
        model.predict(10, df=df)["c"], shorter["c"].iloc[5:], rtol=0, atol=1e-6
    )


def test_trailing_nan_of_a_long_frame_are_filled_and_the_forecast_starts_after_them() -> None:
    df = melted(whole())
    last = df.groupby("unique_id").cumcount(ascending=False) < 3
    df.loc[last & (df["unique_id"] == "a"), "y"] = np.nan
    value = whole()["a"].iloc[-4]
    for fill, expected in (("ffill", value), ("interpolate", value), (2.5, 2.5)):
        got = Naive().fit(df, fill=fill).predict(2)
        mine = got[got["unique_id"] == "a"]
        assert mine["y"].tolist() == [expected] * 2
        assert mine["ds"].tolist() == list(pd.date_range("2021-03-02", periods=2))


def test_masked_trailing_nan_of_a_long_frame_are_rolled_over() -> None:
    """As in a wide frame whose column ends earlier: the loop closes after the last value."""
    df = whole()
    df.iloc[-5:, 1] = np.nan
    model = fitted("mask", layout="long")
    long = model.predict(8, df=melted(df))
    assert long["ds"].min() == pd.Timestamp("2021-03-02")
    assert np.isfinite(long["y"]).all()
    # The context ends five rows later, so that it is another one: near, but not the same.
    earlier = model.predict(13, df=melted(whole()[["a"]].iloc[:-5]))["y"].to_numpy()[5:]
    mine = long.loc[long["unique_id"] == "a", "y"].to_numpy()
    assert np.abs(mine - earlier).max() < 0.5 * whole()["a"].std()


@pytest.mark.parametrize("fill", FILLS)
def test_a_gap_of_many_rows_before_the_last_one(fill: str | float) -> None:
    df = whole().drop(index=whole().index[25:-1])
    for frame in (df, melted(df)):
        forecast = LSTMForecaster(**SMALL).fit(frame, fill=fill).predict(3)
        assert np.isfinite(numbers(forecast)).all()


@pytest.mark.parametrize("fill", FILLS)
def test_a_long_series_without_any_value_is_an_error(fill: str | float) -> None:
    df = melted(whole())
    df.loc[df["unique_id"] == "b", "y"] = np.nan
    with pytest.raises(FrameError, match=r"without any value.*'b'"):
        Naive().fit(df, fill=fill)
    wide = whole()
    wide["b"] = np.nan
    with pytest.raises(FrameError, match=r"without any value.*'b'"):
        Naive().fit(wide, fill=fill)


def test_a_context_in_which_nothing_is_known() -> None:
    """Values there were, but too long ago to be read: the forecast is finite all the same."""
    df = melted(whole())
    df.loc[(df["unique_id"] == "a") & (df["ds"] > "2021-01-10"), "y"] = np.nan
    model = fitted("mask", layout="long")
    assert np.isfinite(model.predict(5, df=df)["y"]).all()


# ---------------------------------------------------------------------------- hard inputs, opted in


def days(rows: int = 12) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows)


def three(rows: int = 12) -> pd.DataFrame:
    """Rows of ant, bee and cat; row r of series i is at position ``i * rows + r``."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": days(rows), "y": 10.0 * i + np.arange(rows)})
        for i, name in enumerate(["ant", "bee", "cat"])
    ]
    return pd.concat(parts, ignore_index=True)


def of(forecast: pd.DataFrame, name: str) -> list[float]:
    return forecast.loc[forecast["unique_id"] == name, "y"].tolist()


def test_row_08_gap_in_time() -> None:
    df = three().drop(index=[4, 5, 20])
    with pytest.raises(FrameError) as caught:
        Naive().fit(df)
    message = str(caught.value)
    for needle in ("ant", "2024-01-05", "bee", "2024-01-09", "fill="):
        assert needle in message
    assert "cat" not in message
    assert of(read_back(df, 12, fill="interpolate"), "ant") == [float(i) for i in range(12)]
    assert of(read_back(df, 12, fill="ffill"), "ant") == [0, 1, 2, 3, 3, 3, *range(6, 12)]
    assert of(read_back(df, 12, fill=-1), "bee") == [*range(10, 18), -1, 19, 20, 21]
    masked = of(read_back(df, 12, fill="mask"), "cat")
    assert masked == [20.0 + i for i in range(12)]


def test_row_08_gap_in_wide_and_series() -> None:
    df = pd.DataFrame({"ant": np.arange(12.0), "bee": 5.0}, index=days()).drop(index=days()[4:6])
    for frame in (df, df["ant"]):
        with pytest.raises(FrameError, match=r"2024-01-05.*fill="):
            Naive().fit(frame)
    assert read_back(df, 12, fill="interpolate")["ant"].tolist() == list(range(12))
    assert read_back(df["ant"], 12, fill="ffill").tolist() == [0, 1, 2, 3, 3, 3, *range(6, 12)]


@pytest.mark.parametrize("missing", [np.nan, None])
def test_row_10_missing_in_the_middle(missing: float | None) -> None:
    df = three()
    df.loc[[16, 17], "y"] = missing
    with pytest.raises(FrameError) as caught:
        Naive().fit(df)
    for needle in ("bee", "2024-01-05", "row 16", "fill="):
        assert needle in str(caught.value)
    assert "ant" not in str(caught.value)
    assert of(read_back(df, 12, fill="interpolate"), "bee") == [10.0 + i for i in range(12)]
    assert of(read_back(df, 12, fill=0), "bee")[4:6] == [0, 0]
    assert np.isfinite(LSTMForecaster(**SMALL).fit(df, fill="mask").predict(3)["y"]).all()


def test_row_10_missing_in_the_middle_wide() -> None:
    df = pd.DataFrame({"ant": np.arange(12.0), "bee": np.arange(12.0)}, index=days())
    df.iloc[4, 1] = np.nan
    with pytest.raises(FrameError, match=r"'bee' at 2024-01-05.*fill=") as caught:
        Naive().fit(df)
    assert "ant" not in str(caught.value)
    assert read_back(df, 12, fill="interpolate")["bee"].tolist() == list(range(12))


def test_row_11_missing_in_the_last_row() -> None:
    df = three()
    df.loc[23, "y"] = np.nan
    with pytest.raises(FrameError, match=r"'bee' at 2024-01-12.*fill="):
        Naive().fit(df)
    assert of(Naive().fit(df, fill="ffill").predict(2), "bee") == [20, 20]
    forecast = LSTMForecaster(**SMALL).fit(df, fill="mask").predict(2)
    assert np.isfinite(forecast["y"]).all()
    assert forecast.loc[forecast["unique_id"] == "bee", "ds"].tolist() == list(days(14)[12:])


@pytest.mark.parametrize("fill", FILLS)
def test_row_22_integers_with_na(fill: str | float) -> None:
    df = three()
    whole_numbers = df["y"].astype("Int64")
    df["y"] = whole_numbers
    df.loc[16, "y"] = pd.NA
    with pytest.raises(FrameError, match=r"'bee' at 2024-01-05.*fill="):
        Naive().fit(df)
    floats = df.assign(y=df["y"].astype("Float64").astype(float))
    got, expected = (read_back(each, 12, fill=fill) for each in (df, floats))
    np.testing.assert_array_equal(got["y"].to_numpy(float, na_value=np.nan), expected["y"])
    forecast = LSTMForecaster(**SMALL).fit(df, fill=fill).predict(2)
    assert forecast["y"].dtype == pd.Float64Dtype()
    assert forecast["y"].notna().all()


def test_all_problems_are_named_beside_those_that_fill_would_mend() -> None:
    df = three()
    df.loc[4, "y"] = np.inf
    df.loc[16, "y"] = np.nan
    with pytest.raises(FrameError, match="inf") as caught:
        Naive().fit(df)
    assert len(caught.value.problems) == 2
    with pytest.raises(FrameError, match="inf") as caught:
        Naive().fit(df, fill="ffill")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("fill", [None, *FILLS])
@pytest.mark.parametrize("layout", ["wide", "long", "series"])
def test_irregular_stamps_are_an_error_that_proposes_to_resample(layout: str, fill: Any) -> None:
    df = whole()
    stamps = df.index.to_series()
    stamps.iloc[10] += pd.Timedelta("7h")
    df.index = pd.DatetimeIndex(stamps.to_numpy())
    with pytest.raises(FrameError, match="resample") as caught:
        Naive().fit(LAYOUTS[layout](df), fill=fill)
    assert "2021-01-11 07:00" in str(caught.value)


@pytest.mark.parametrize("fill", FILLS)
def test_duplicate_stamps_are_no_gaps(fill: str | float) -> None:
    df = three()
    df.loc[17, "ds"] = df.loc[16, "ds"]
    with pytest.raises(FrameError, match=r"(?i)twice|duplicate"):
        Naive().fit(df, fill=fill)


CALLS: dict[str, Callable[[Any, pd.DataFrame], Any]] = {
    "predict": lambda model, df: model.predict(3, df=df),
    "encode": lambda model, df: model.encode(df),
    "update": lambda model, df: model.update(model.encode(df.iloc[:45]), df.iloc[45:]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_frames_after_fit_are_refused_as_those_of_fit_are(call: Callable[..., Any]) -> None:
    model = LSTMForecaster(**SMALL).fit(whole())
    df = whole()
    df.iloc[50, 1] = np.nan
    with pytest.raises(FrameError, match=r"'a' at 2021-02-20.*fill="):
        call(model, df)


# ----------------------------------------------------------------- what fit was told holds after it


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("layout", ["wide", "long"])
def test_the_same_fill_applies_to_predict_and_encode(layout: str, fill: str | float) -> None:
    model = fitted(fill, layout=layout)
    df = LAYOUTS[layout](holed())
    expected = model.predict(6)
    assert_frame_equal(model.predict(6, df=df), expected)
    assert_frame_equal(model.predict(6, state=model.encode(df)), expected)


CUTS = {
    "between values": 38,
    "after a value, before a hole": 40,
    "in a hole": 43,
    "after a hole": 45,
    "before a row that is missing": 30,
    "after one": 31,
}


def assert_update_is_exact(model: Any, df: pd.DataFrame, cut: int, shape: Any) -> None:
    old, new = df.iloc[:cut], df.iloc[cut:]
    updated = model.update(model.encode(shape(old)), shape(new))
    expected = model.predict(8, df=shape(df))
    got = model.predict(8, state=updated)
    if "unique_id" in expected:
        assert_frame_equal(got[KEY], expected[KEY])
    np.testing.assert_allclose(numbers(got), numbers(expected), rtol=1e-6)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("layout", ["wide", "long", "rows left out"])
def test_an_update_is_the_encoding_of_all_rows(layout: str, fill: str | float, cut: int) -> None:
    """Wherever the new rows begin: with a value, with a hole or with a row that is missing."""
    if (layout, fill) == ("long", "interpolate") and cut in (43, 45):
        pytest.skip("a state that ends in a hole has held its last value, and keeps to that")
    if layout == "rows left out":
        model = fitted(fill, layout="long")
        shape: Any = lambda df: melted(df).dropna()  # noqa: E731
    else:
        model, shape = fitted(fill, layout=layout), LAYOUTS[layout]
    assert_update_is_exact(model, holed().iloc[:55], cut, shape)


@pytest.mark.parametrize("fill", FILLS)
def test_an_update_with_nothing_but_missing_values(fill: str | float) -> None:
    df = melted(whole())
    last = df.groupby("unique_id").cumcount(ascending=False) < 2
    df.loc[last & (df["unique_id"] == "a"), "y"] = np.nan
    model = fitted(fill, layout="long")
    updated = model.update(model.encode(df[~last]), df[last])
    assert_frame_equal(model.predict(4, state=updated), model.predict(4, df=df), rtol=1e-6)


@pytest.mark.slow
def test_levels_samples_and_stability_over_holes() -> None:
    model = LSTMForecaster(**SMALL).fit(holed(), fill="mask")
    bands = model.predict(5, level=80)
    assert np.isfinite(bands.to_numpy()).all()
    assert_frame_equal(bands.xs("y", axis=1, level=1), model.predict(5), check_names=False)
    for name in holed():
        assert (bands[name]["y-lo-80"] <= bands[name]["y-hi-80"]).all()
    paths = model.sample(5, num_samples=20, as_array=True)
    assert np.isfinite(paths).all()
    assert len(model.stability(horizon=30)) == 3


@pytest.mark.parametrize("fill", FILLS)
def test_a_saved_model_fills_the_same_way(fill: str | float, tmp_path: Any) -> None:
    model = fitted(fill)
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert_frame_equal(loaded.predict(6), model.predict(6))
    df = holed().iloc[:50]
    assert_frame_equal(loaded.predict(6, df=df), model.predict(6, df=df))
    state = model.encode(df)
    tsgen.save_state(state, tmp_path / "state.tsgen")
    again = tsgen.load_state(tmp_path / "state.tsgen")
    assert_frame_equal(loaded.predict(6, state=again), model.predict(6, state=state))


# ------------------------------------------------------------------------------ masked training


def test_steps_into_a_hole_do_not_count_in_the_loss() -> None:
    """A prediction counts where it can be measured; over a hole the one before it is fed in."""
    df = pd.Series(np.sin(np.arange(40) / 3), index=pd.date_range("2021-01-01", periods=40))
    df.iloc[[12, 13, 25]] = np.nan
    arguments = SMALL | {"lags": None, "season_length": 1, "residual": "last"}
    module, data = LSTMForecaster(**arguments).prepare(df, fill="mask")
    batch = data.on_after_batch_transfer(data.sampler.draw(0), 0)
    known = batch.known
    assert (known == 0).sum() > 32
    begun = known.cummax(dim=1).values
    counted = (known[:, 1:] * begun[:, :-1])[:, module.objective.warmup :]
    assert module.window_errors(batch).steps.tolist() == counted.sum(dim=1).tolist()


@pytest.mark.parametrize("fill", [*FILLED, "mask"])
def test_a_constant_with_holes_is_forecast_as_that_constant(fill: str | float) -> None:
    values = pd.Series(np.full(100, 2.5), index=pd.date_range("2021-01-01", periods=100))
    missing = np.random.default_rng(0).choice(np.arange(1, 99), 20, replace=False)
    values.iloc[missing] = np.nan
    forecast = LSTMForecaster(**SMALL).fit(values, fill=fill).predict(30)
    np.testing.assert_allclose(forecast, 2.5, rtol=1e-6)


@pytest.mark.slow
def test_a_sine_with_a_fifth_missing_is_forecast_nearly_as_well() -> None:
    history, future = sine(400, 60, 20)
    missing = np.random.default_rng(1).choice(np.arange(1, 399), 80, replace=False)
    holes = history.copy()
    holes.iloc[missing] = np.nan
    arguments = SMALL | {
        "max_steps": 120,
        "batch_size": 16,
        "hidden_size": 16,
        "context_length": 40,
        "lags": [20],
        "residual": "last",
        "season_length": 20,
        "learning_rate": 1e-2,
    }
    errors = {}
    for name, series in (("whole", history), ("masked", holes)):
        forecast = LSTMForecaster(**arguments).fit(series, fill="mask").predict(60)
        errors[name] = float(np.abs(forecast.to_numpy() - future.to_numpy()).mean())
    assert errors["masked"] < 0.15
    assert errors["masked"] < errors["whole"] + 0.1


# ----------------------------------------------------------------------------------- the baselines


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("model", [Naive(), SeasonalNaive(season_length=7)], ids=["last", "season"])
def test_a_baseline_forecasts_numbers_whatever_is_missing(
    model: Any, layout: str, fill: str | float
) -> None:
    df = holed()
    df.iloc[-1, 1] = np.nan
    df.iloc[-3, :] = np.nan
    forecast = model.fit(LAYOUTS[layout](df), fill=fill).predict(9)
    assert np.isfinite(numbers(forecast)).all()


def test_a_masked_naive_forecast_repeats_the_last_value_there_is() -> None:
    df = three()
    df.loc[[22, 23], "y"] = np.nan
    assert of(Naive().fit(df, fill="mask").predict(2), "bee") == [19, 19]
