"""What goes in comes out: the same layout, names, dtypes, zones and order, and nothing changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

import tsgen
from tsgen import Naive, SeasonalNaive
from tsgen.data.frame import read_cells, read_panel
from tsgen.data.panel import Columns
from tsgen.errors import FrameError, SettingError

Frame = pd.Series | pd.DataFrame

ROWS = 10
CUSTOM = {"id_col": "station", "time_col": "stamp", "target_col": "rain"}


def days(rows: int = ROWS, start: str = "2024-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=rows, freq="D")


def a_series(name: Any = "sales", rows: int = ROWS) -> pd.Series:
    values = np.random.default_rng(rows).normal(size=rows)
    return pd.Series(values, index=days(rows), name=name)


def a_wide_frame(names: Any = ("zoe", "adam", "mia")) -> pd.DataFrame:
    """Columns that are not in the order of the alphabet."""
    values = np.random.default_rng(1).normal(size=(ROWS, len(names)))
    return pd.DataFrame(values, index=days(), columns=names)


def a_long_frame(names: Any = ("zoe", "adam", "mia")) -> pd.DataFrame:
    wide = a_wide_frame(names)
    parts = [pd.DataFrame({"unique_id": n, "ds": days(), "y": wide[n].to_numpy()}) for n in names]
    return pd.concat(parts, ignore_index=True)


def custom_long_frame() -> pd.DataFrame:
    names = {"unique_id": "station", "ds": "stamp", "y": "rain"}
    return a_long_frame().rename(columns=names)[["rain", "stamp", "station"]]


LAYOUTS: dict[str, tuple[Callable[[], Frame], dict[str, str]]] = {
    "series": (a_series, {}),
    "series without a name": (lambda: a_series(None), {}),
    "wide": (a_wide_frame, {}),
    "wide, one column": (lambda: a_wide_frame(("only",)), {}),
    "wide, column called y": (lambda: a_wide_frame(("y",)), {}),
    "long": (a_long_frame, {}),
    "long, custom names": (custom_long_frame, CUSTOM),
    "long, one series without ids": (lambda: a_long_frame(("a",)).drop(columns="unique_id"), {}),
    "multiindex frame": (lambda: a_long_frame().set_index(["unique_id", "ds"]), {}),
    "multiindex series": (lambda: a_long_frame().set_index(["unique_id", "ds"])["y"], {}),
    "multiindex, custom names": (
        lambda: custom_long_frame().set_index(["station", "stamp"]),
        CUSTOM,
    ),
}

layouts = pytest.mark.parametrize(("make", "names"), LAYOUTS.values(), ids=LAYOUTS.keys())


def assert_equal(got: Frame, expected: Frame, **options: Any) -> None:
    assert type(got) is type(expected)
    if isinstance(expected, pd.Series):
        assert_series_equal(got, expected, check_exact=True, **options)
    else:
        assert_frame_equal(got, expected, check_exact=True, **options)


def assert_untouched(df: Frame, before: Frame) -> None:
    """Bit-equal, the index and its frequency included."""
    assert_equal(df, before, check_index_type="exact", check_freq=True)
    assert df.index.names == before.index.names
    assert df.attrs == before.attrs
    if isinstance(before, pd.DataFrame):
        assert_index_equal(df.columns, before.columns, exact=True)
        assert df.columns.names == before.columns.names
    after = np.ascontiguousarray(df.select_dtypes("float64") if df.ndim == 2 else df.to_numpy())
    then = np.ascontiguousarray(
        before.select_dtypes("float64") if before.ndim == 2 else before.to_numpy()
    )
    assert after.tobytes() == then.tobytes()


def deep_copy(df: Frame) -> Frame:
    twin = df.copy(deep=True)
    twin.index = df.index.copy(deep=True)
    return twin


# --------------------------------------------------------------------------------- the same layout


@layouts
def test_layout_names_and_dtypes_are_kept(make: Callable[[], Frame], names: dict[str, str]) -> None:
    df = make()
    forecast = Naive().fit(df, **names).predict(3)
    assert type(forecast) is type(df)
    assert forecast.index.names == df.index.names
    assert type(forecast.index) is type(df.index)
    if isinstance(df, pd.Series):
        assert forecast.name == df.name
        assert forecast.dtype == df.dtype
    else:
        assert_index_equal(forecast.columns, df.columns, exact=True)
        assert forecast.dtypes.tolist() == df.dtypes.tolist()


PLAIN = [name for name, (_, names) in LAYOUTS.items() if not names]


@pytest.mark.parametrize("other", PLAIN)
@pytest.mark.parametrize("fitted", ["series", "wide", "long"])
def test_the_forecast_of_another_frame_has_that_frames_layout(fitted: str, other: str) -> None:
    df = LAYOUTS[other][0]()
    forecast = Naive().fit(LAYOUTS[fitted][0]()).predict(2, df=df)
    assert_equal(forecast, Naive().fit(df).predict(2))


@layouts
def test_the_forecast_appended_is_an_input(
    make: Callable[[], Frame], names: dict[str, str]
) -> None:
    """pd.concat([df, forecast]) is read again, and its forecast goes on from there."""
    df = make()
    model = SeasonalNaive(season_length=4).fit(df, **names)
    both = model.predict(10)
    first = model.predict(4)
    longer = pd.concat([df, first])
    again = SeasonalNaive(season_length=4).fit(longer, **names).predict(6)
    key = [names.get("id_col", "unique_id"), names.get("time_col", "ds")]

    def rows(frame: Frame) -> Frame:
        if isinstance(frame.index, pd.MultiIndex):
            return frame.sort_index()
        if isinstance(frame, pd.DataFrame) and key[1] in frame:
            return frame.sort_values([c for c in key if c in frame], ignore_index=True)
        return frame

    assert_equal(rows(pd.concat([first, again])), rows(both), check_freq=False)
    assert_equal(rows(model.predict(6, df=longer)), rows(again), check_freq=False)


@layouts
@pytest.mark.parametrize("rows", [1, 3, ROWS - 1])
def test_hold_out(make: Callable[[], Frame], names: dict[str, str], rows: int) -> None:
    """The two parts together are the frame, and a forecast of the first has the second's rows."""
    df = make()
    before = deep_copy(df)
    Columns(*CUSTOM.values()) if names else None
    earlier, tail = tsgen.hold_out(df, rows, **names)
    assert_untouched(df, before)
    series = 3 if len(df) > ROWS else 1
    assert len(tail) == rows * series
    assert len(earlier) == (ROWS - rows) * series
    together = pd.concat([earlier, tail])
    assert_equal(together.sort_index(kind="stable"), df.sort_index(kind="stable"), check_freq=False)
    forecast = Naive().fit(earlier, freq="D", **names).predict(rows)
    assert type(forecast) is type(tail)
    if isinstance(forecast, pd.DataFrame) and "ds" in forecast:
        assert_frame_equal(
            forecast.drop(columns="y"), tail.drop(columns="y").reset_index(drop=True)
        )
    elif not names:
        assert_index_equal(forecast.index, tail.index, exact=True)


def test_hold_out_keeps_the_order_of_rows() -> None:
    df = a_long_frame().sample(frac=1.0, random_state=5)
    earlier, tail = tsgen.hold_out(df, 2)
    assert set(tail["ds"]) == set(days()[-2:])
    assert earlier.index.tolist() == [i for i in df.index if i in set(earlier.index)]
    assert tail.index.tolist() == [i for i in df.index if i in set(tail.index)]


def test_hold_out_of_series_with_different_ends() -> None:
    """The last rows of every series, not of the frame."""
    df = a_long_frame().drop(index=[7, 8, 9])
    _, tail = tsgen.hold_out(df, 2)
    assert tail.loc[tail["unique_id"] == "zoe", "ds"].tolist() == days()[5:7].tolist()
    assert tail.loc[tail["unique_id"] == "mia", "ds"].tolist() == days()[8:].tolist()


def test_hold_out_names_a_series_without_an_id() -> None:
    df = a_long_frame().query("unique_id == 'zoe'").drop(columns="unique_id")
    with pytest.raises(FrameError, match=rf"to hold out: 'y' \({len(df)}\)"):
        tsgen.hold_out(df, len(df))


@pytest.mark.parametrize("rows", [0, -2, 1.5, "3", True, None])
def test_hold_out_refuses(rows: Any) -> None:
    with pytest.raises((SettingError, TypeError), match="rows"):
        tsgen.hold_out(a_long_frame(), rows)


def test_hold_out_of_what_is_no_frame() -> None:
    with pytest.raises((FrameError, TypeError), match="DataFrame"):
        tsgen.hold_out([1.0, 2.0, 3.0], 1)  # type: ignore[arg-type]


# ------------------------------------------------------------------------ names, columns and order


@pytest.mark.parametrize("name", ["y", None, 7, ("a", "b"), pd.Timestamp("2024-01-01")])
def test_name_of_a_series(name: Any) -> None:
    assert Naive().fit(a_series(name)).predict(2).name == name


@pytest.mark.parametrize("name", ["date", None, "ds"])
def test_name_of_the_index(name: str | None) -> None:
    df = a_wide_frame().rename_axis(index=name)
    assert Naive().fit(df).predict(2).index.name == name
    assert Naive().fit(df["zoe"]).predict(2).index.name == name


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["zoe", "adam", "mia"], name="shop"),
        pd.Index([30, 1, 2]),
        pd.Index(["zoe", "adam", "mia"], dtype="string"),
        pd.CategoricalIndex(["zoe", "adam", "mia"], ["mia", "zoe", "adam", "ghost"]),
        pd.DatetimeIndex(["2020-01-03", "2020-01-01", "2020-01-02"]),
    ],
    ids=["named", "integers", "string dtype", "categorical", "dates"],
)
def test_columns_of_a_wide_frame(columns: pd.Index) -> None:
    df = a_wide_frame()
    df.columns = columns
    forecast = Naive().fit(df).predict(2)
    assert_index_equal(forecast.columns, df.columns, exact=True)
    assert forecast.iloc[0].tolist() == df.iloc[-1].tolist()


def test_series_stay_in_the_order_of_the_input() -> None:
    forecast = Naive().fit(a_long_frame()).predict(2)
    assert forecast["unique_id"].tolist() == ["zoe", "zoe", "adam", "adam", "mia", "mia"]
    assert forecast["ds"].tolist() == [*pd.date_range("2024-01-11", periods=2)] * 3
    assert_index_equal(forecast.index, pd.RangeIndex(6), exact=True)


def test_order_of_first_appearance_when_rows_interleave() -> None:
    df = a_long_frame().sort_values("ds", kind="stable")
    forecast = Naive().fit(df).predict(2)
    assert forecast["unique_id"].drop_duplicates().tolist() == ["zoe", "adam", "mia"]


def test_order_in_a_multiindex() -> None:
    df = a_long_frame().set_index(["unique_id", "ds"])
    forecast = Naive().fit(df).predict(2)
    assert forecast.index.get_level_values(0).drop_duplicates().tolist() == ["zoe", "adam", "mia"]


def test_extra_columns_of_a_long_frame_are_not_read() -> None:
    df = a_long_frame().assign(price=1.0, note="x")[["note", "y", "price", "ds", "unique_id"]]
    forecast = Naive().fit(df).predict(2)
    assert list(forecast.columns) == ["y", "ds", "unique_id"]


def test_custom_names_beside_the_usual_ones() -> None:
    """A frame may hold both y and the target: what is named counts."""
    df = a_long_frame().assign(rain=lambda d: -d["y"])
    forecast = Naive().fit(df, target_col="rain").predict(1)
    assert list(forecast.columns) == ["unique_id", "ds", "rain"]
    assert forecast["rain"].tolist() == df.groupby("unique_id", sort=False)["rain"].last().tolist()


def test_ids_alone_in_wide_and_long_give_the_same_values() -> None:
    long = Naive().fit(a_long_frame()).predict(3)
    wide = Naive().fit(a_wide_frame()).predict(3)
    pivoted = long.pivot(index="ds", columns="unique_id", values="y")[list(wide.columns)]
    np.testing.assert_array_equal(wide.to_numpy(), pivoted.to_numpy())
    assert wide.index.tolist() == pivoted.index.tolist()


# ------------------------------------------------------------------------------------------ dtypes


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float32", "Float64", "double[pyarrow]"])
@layouts
def test_dtype_of_the_target(make: Callable[[], Frame], names: dict[str, str], dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    df = make()
    target = names.get("target_col", "y")
    if isinstance(df, pd.Series):
        df = df.astype(dtype)
    elif target in df.columns:
        df = df.astype({target: dtype})
    else:
        df = df.astype(dtype)
    forecast = Naive().fit(df, **names).predict(2)
    longer = pd.concat([df, forecast])
    again = Naive().fit(longer, **names).predict(1)
    for frame in (forecast, longer, again):
        if isinstance(df, pd.Series):
            assert frame.dtype == dtype
        elif target in df.columns:
            assert frame[target].dtype == dtype
        else:
            assert (frame.dtypes == dtype).all()


def test_each_column_of_a_wide_frame_keeps_its_dtype() -> None:
    df = a_wide_frame().astype({"zoe": "float32", "adam": "Float64"})
    forecast = Naive().fit(df).predict(2)
    assert forecast.dtypes.tolist() == df.dtypes.tolist()


def test_integer_columns_of_a_wide_frame_become_float64() -> None:
    df = a_wide_frame().assign(adam=range(ROWS))
    assert Naive().fit(df).predict(1)["adam"].dtype == "float64"


@pytest.mark.parametrize(
    "dtype",
    [
        object,
        "str",
        "string",
        "string[pyarrow]",
        "category",
        pd.CategoricalDtype(["mia", "zoe", "x", "adam"], ordered=True),
    ],
    ids=str,
)
def test_dtype_of_the_ids(dtype: Any) -> None:
    if "pyarrow" in str(dtype):
        pytest.importorskip("pyarrow")
    df = a_long_frame().astype({"unique_id": dtype})
    forecast = Naive().fit(df).predict(2)
    assert forecast["unique_id"].dtype == df["unique_id"].dtype
    assert forecast["unique_id"].tolist() == ["zoe", "zoe", "adam", "adam", "mia", "mia"]
    assert forecast["y"].tolist() == np.repeat(a_wide_frame().iloc[-1].to_numpy(), 2).tolist()


def test_categorical_ids_in_a_multiindex() -> None:
    df = a_long_frame()
    df["unique_id"] = pd.Categorical(df["unique_id"], ["ghost", "mia", "zoe", "adam"])
    forecast = Naive().fit(df.set_index(["unique_id", "ds"])).predict(1)
    assert forecast.index.get_level_values(0).tolist() == ["zoe", "adam", "mia"]
    assert forecast.index.get_level_values(0).dtype == df["unique_id"].dtype


@pytest.mark.parametrize(
    "ids",
    [[3, 1, 2], [1.5, 0.5, 2.5], [*pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02"])]],
    ids=["integers", "floats", "dates"],
)
def test_ids_that_are_not_text(ids: list[Any]) -> None:
    df = a_long_frame(ids)
    forecast = Naive().fit(df).predict(1)
    assert forecast["unique_id"].dtype == df["unique_id"].dtype
    assert forecast["unique_id"].tolist() == ids


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("layout", ["series", "wide", "long", "multiindex frame"])
def test_zone_and_resolution(layout: str, zone: str | None, unit: str) -> None:
    df = LAYOUTS[layout][0]()
    stamps = days().as_unit(unit).tz_localize(zone)
    if layout == "long":
        df["ds"] = np.tile(stamps.to_numpy() if zone is None else stamps.astype(object), 3)
        df["ds"] = df["ds"].astype(stamps.dtype)
    elif layout == "multiindex frame":
        df.index = pd.MultiIndex.from_product(
            [["zoe", "adam", "mia"], stamps], names=["unique_id", "ds"]
        )
    else:
        df.index = stamps
    forecast = Naive().fit(df).predict(2)
    got = forecast["ds"] if layout == "long" else forecast.index.get_level_values(-1)
    assert got.dtype == stamps.dtype
    assert sorted(set(got)) == [*pd.date_range("2024-01-11", periods=2, tz=zone)]


def test_the_frequency_of_the_index_is_kept() -> None:
    """An index that knows its frequency gives a forecast whose index knows it too."""
    series = pd.Series(range(24), index=pd.date_range("2024-01-01", periods=24, freq="MS"))
    forecast = Naive().fit(series).predict(3)
    assert forecast.index.freq == series.index.freq
    wide = Naive().fit(series.to_frame("a")).predict(3)
    assert wide.index.freq == series.index.freq


def test_a_declared_index_frequency_counts_where_the_rows_leave_a_choice() -> None:
    """Monday to Friday: the rows alone could be days, the index says business days."""
    series = pd.Series(range(5), index=pd.date_range("2024-01-01", periods=5, freq="B"))
    assert Naive().fit(series).predict(1).index.tolist() == [pd.Timestamp("2024-01-08")]


# ------------------------------------------------------------------------------ nothing is changed


@layouts
def test_the_input_is_untouched(make: Callable[[], Frame], names: dict[str, str]) -> None:
    df = make()
    df.attrs["source"] = "a test"
    before = deep_copy(df)
    model = SeasonalNaive(season_length=3).fit(df, **names)
    assert_untouched(df, before)
    model.predict(4)
    assert_untouched(df, before)
    model.predict(4, df=df)
    assert_untouched(df, before)


def test_the_input_is_untouched_when_refused() -> None:
    df = a_long_frame().sample(frac=1.0, random_state=0)
    df.iloc[3, 2] = np.nan
    before = deep_copy(df)
    with pytest.raises(FrameError):
        Naive().fit(df)
    assert_untouched(df, before)


@layouts
def test_a_forecast_can_be_written_to(make: Callable[[], Frame], names: dict[str, str]) -> None:
    """It is the caller's own: writing to it changes neither the model nor the next forecast."""
    model = SeasonalNaive(season_length=3).fit(make(), **names)
    forecast = model.predict(4)
    kept = copy.deepcopy(forecast)
    forecast.iloc[:] = forecast.iloc[::-1].to_numpy()
    assert_equal(model.predict(4), kept)


@layouts
def test_the_frame_can_be_written_to_after_fit(
    make: Callable[[], Frame], names: dict[str, str]
) -> None:
    df = make()
    model = SeasonalNaive(season_length=3).fit(df, **names)
    kept = model.predict(4)
    df.iloc[:] = df.iloc[::-1].to_numpy()
    assert_equal(model.predict(4), kept)


def test_values_that_are_a_view_of_foreign_memory() -> None:
    """A column of a C-ordered array: strided, read-only, and not ours."""
    values = np.random.default_rng(0).normal(size=(ROWS, 3))
    values.flags.writeable = False
    df = pd.DataFrame(values, index=days(), columns=["a", "b", "c"], copy=False)
    forecast = SeasonalNaive(season_length=2).fit(df[["b"]]).predict(2)
    assert forecast["b"].tolist() == values[-2:, 1].tolist()
    reversed_ = pd.Series(values[::-1, 0], index=days()[::-1], copy=False)
    assert Naive().fit(reversed_).predict(1).tolist() == [values[-1, 0]]


# ----------------------------------------------------------------------------------- unsorted rows


@layouts
def test_unsorted_rows(make: Callable[[], Frame], names: dict[str, str]) -> None:
    df = make()
    order = np.random.default_rng(2).permutation(len(df))
    forecast = SeasonalNaive(season_length=4).fit(df.iloc[order], **names).predict(6)
    expected = SeasonalNaive(season_length=4).fit(df, **names).predict(6)
    key = [names.get("id_col", "unique_id"), names.get("time_col", "ds")]
    if isinstance(df.index, pd.MultiIndex):
        forecast, expected = forecast.sort_index(), expected.sort_index()
    elif isinstance(df, pd.DataFrame) and key[1] in df:
        by = [column for column in key if column in df]
        forecast = forecast.sort_values(by, ignore_index=True)
        expected = expected.sort_values(by, ignore_index=True)
    assert_equal(forecast, expected, check_freq=False)


def test_latest_row_first() -> None:
    df = a_wide_frame()
    assert_frame_equal(
        Naive().fit(df[::-1]).predict(2), Naive().fit(df).predict(2), check_freq=False
    )


def test_a_row_position_in_a_message_is_that_of_the_frame_as_given() -> None:
    """Not the position after sorting, and not the label of the index."""
    df = a_long_frame().sample(frac=1.0, random_state=1)
    df.iloc[13, 2] = np.inf
    with pytest.raises(FrameError, match=r"row 13\b"):
        Naive().fit(df)


# --------------------------------------------------------------------------- series of unlike rows


def test_series_with_different_starts_and_ends() -> None:
    """In a long frame each forecast starts after the last row of its own series."""
    df = a_long_frame().drop(index=[0, 1, 8, 9, 10, 29])
    forecast = Naive().fit(df).predict(2)
    starts = forecast.groupby("unique_id", sort=False)["ds"].first()
    assert starts.dt.day.to_dict() == {"zoe": 9, "adam": 11, "mia": 10}
    assert forecast["y"].tolist() == a_long_frame()["y"][[7, 7, 19, 19, 28, 28]].tolist()


def test_wide_series_with_different_ends_start_together() -> None:
    df = a_wide_frame()
    df.iloc[-2:, 0] = np.nan
    df.iloc[:3, 1] = np.nan
    forecast = SeasonalNaive(season_length=4).fit(df).predict(5)
    assert forecast.index.tolist() == pd.date_range("2024-01-11", periods=5).tolist()
    assert forecast.notna().all(axis=None)
    zoe = df["zoe"].iloc[4:8].tolist()
    assert forecast["zoe"].tolist() == [zoe[2], zoe[3], zoe[0], zoe[1], zoe[2]]


def test_wide_frame_that_ends_in_an_empty_row() -> None:
    """The frame's last row is the cutoff, also where no series has a value in it."""
    df = a_wide_frame()
    df.iloc[-1] = np.nan
    forecast = Naive().fit(df).predict(1)
    assert forecast.index.tolist() == [pd.Timestamp("2024-01-11")]
    assert forecast.iloc[0].tolist() == df.iloc[-2].tolist()


def test_many_series() -> None:
    ids = [f"s{i}" for i in np.random.default_rng(0).permutation(2_000)]
    wide = pd.DataFrame(np.arange(20_000.0).reshape(10, -1), index=days(), columns=ids)
    forecast = Naive().fit(wide).predict(1)
    assert forecast.columns.tolist() == ids
    assert forecast.iloc[0].tolist() == wide.iloc[-1].tolist()


# ------------------------------------------------------------------------------------------ errors


def test_all_problems_in_one_error() -> None:
    df = a_wide_frame(("a", "b", "c", "d"))
    df.iloc[3, 0] = np.nan
    df.iloc[4, 1] = np.inf
    df["c"] = df["c"] > 0
    df = df.drop(index=days()[6])
    with pytest.raises(FrameError) as caught:
        Naive().fit(df)
    problems = caught.value.problems
    assert len(problems) == 4
    for problem, needle in (("'a'", "2024-01-04"), ("'b'", "2024-01-05"), ("'c'", "bool")):
        assert any(problem in line and needle in line for line in problems)
    assert any("2024-01-07" in line for line in problems)
    assert not any("'d'" in line for line in problems)


def test_one_problem_is_the_message() -> None:
    with pytest.raises(FrameError) as caught:
        Naive().fit(a_series().iloc[:0])
    assert caught.value.problems == (str(caught.value),)


@pytest.mark.parametrize("names", [{"id_col": "shop"}, {"time_col": "date"}, {"target_col": "z"}])
def test_a_name_that_is_not_there(names: dict[str, str]) -> None:
    """A name that was given and isn't found is never ignored."""
    with pytest.raises(FrameError, match=next(iter(names.values()))):
        Naive().fit(a_long_frame(), **names)


def test_an_id_column_that_is_not_there_is_not_one_series() -> None:
    """The name was given, so it is a mistake, and the ids there are would be lost."""
    with pytest.raises(FrameError, match="shop"):
        Naive().fit(a_long_frame(("a",)), id_col="shop")


@pytest.mark.parametrize("names", [{"id_col": "y"}, {"id_col": "ds"}, {"target_col": "ds"}])
def test_a_column_with_two_roles(names: dict[str, str]) -> None:
    with pytest.raises((FrameError, SettingError), match=r"(?i)(same column|twice|both)"):
        Naive().fit(a_long_frame(), **names)


def test_a_long_frame_without_its_ids_is_not_one_series() -> None:
    df = a_long_frame().drop(columns="unique_id")
    with pytest.raises(FrameError, match=r"2024-01-01.*"):
        Naive().fit(df)


def test_predict_reads_the_names_given_to_fit() -> None:
    model = Naive().fit(custom_long_frame(), **CUSTOM)
    assert list(model.predict(1, df=custom_long_frame()).columns) == ["rain", "stamp", "station"]


def test_predict_refuses_another_frequency() -> None:
    hourly = pd.Series(range(10), index=pd.date_range("2024-01-01", periods=10, freq="h"))
    with pytest.raises(FrameError, match=r"'D'.*'h'|'h'.*'D'"):
        Naive().fit(a_series()).predict(1, df=hourly)


def test_predict_refuses_another_kind_of_time() -> None:
    with pytest.raises(FrameError, match=r"int|PeriodIndex|datetime|'D'"):
        Naive().fit(a_series()).predict(1, df=pd.Series([1.0, 2.0, 3.0]))


def test_series_in_one_piece_each_but_in_another_order() -> None:
    """The usual case of ids that count: s10 comes before s9 in the order of text."""
    days = pd.date_range("2024-01-01", periods=4)
    frames = [
        pd.DataFrame({"unique_id": f"s{i}", "ds": days[: 2 + i % 3], "y": 10.0 * i})
        for i in (9, 10, 11, 1)
    ]
    df = pd.concat(frames, ignore_index=True)
    df["y"] += np.arange(len(df)) / 100
    got = read_panel(df)
    expected = read_panel(df.sort_values(["unique_id", "ds"]))
    assert got.ids.tolist() == ["s1", "s10", "s11", "s9"]
    np.testing.assert_array_equal(got.values, expected.values)
    np.testing.assert_array_equal(got.offsets, expected.offsets)
    assert_index_equal(got.ends, expected.ends)
    assert got.layout.in_order.tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize("fill", [None, "mask"])
def test_a_series_without_an_id_and_any_value(fill: str | None) -> None:
    df = pd.DataFrame({"ds": days(), "y": np.nan})
    with pytest.raises(FrameError, match="column 'y' has no value at all: 10 rows of NaN"):
        Naive().fit(df, fill=fill)


def test_one_series_whose_target_is_called_like_ids() -> None:
    df = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=9), "unique_id": np.arange(9.0)})
    names = {"id_col": None, "target_col": "unique_id"}
    forecast = Naive().fit(df, **names).predict(2)
    assert forecast["unique_id"].tolist() == [8.0, 8.0]
    assert forecast["ds"].tolist() == list(pd.date_range("2024-01-10", periods=2))
    assert len(tsgen.hold_out(df, 2, **names)[1]) == 2


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("unique_id", [["a"]] * 4, "holds lists"),
        ("unique_id", ["a", "a", 1, 1], "mixes types"),
        ("ds", ["01.02.2022", "02.02.2022", "03.01.2022", "04.01.2022"], "column 'ds' holds"),
        ("ds", [pd.Timestamp("2022-01-01"), pd.NaT] * 2, "missing time stamps"),
    ],
)
def test_hold_out_checks_ids_and_times_as_fit_does(column: str, values: Any, said: str) -> None:
    df = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2022-01-01", periods=4), "y": 1.0})
    df[column] = values
    with pytest.raises(FrameError, match=said):
        tsgen.hold_out(df, 1)
    with pytest.raises(FrameError, match=said):
        Naive().fit(df)


def test_hold_out_of_a_wide_frame_under_dates_of_text() -> None:
    wide = pd.DataFrame({"a": [1.0, 2, 3]}, index=["01.02.2022", "02.02.2022", "03.01.2022"])
    with pytest.raises(FrameError, match="the index holds"):
        tsgen.hold_out(wide, 1)


def test_cells_of_one_of_two_targets_beside_a_column_called_like_ids() -> None:
    columns = Columns.of(None, "ds", ["y", "z"])
    df = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=2), "y": 1.0, "unique_id": "a"})
    cells = read_cells(df, columns)
    assert cells.ids is None
    assert list(cells.channels) == ["y", "y"]
