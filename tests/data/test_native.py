"""Frames of polars, pyarrow and DuckDB: opened without loss, and written back as what they were."""

from __future__ import annotations

import datetime
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import KINDS, of_library
from support.processes import output_of

from tsgen import LSTMForecaster, Naive, hold_out, score
from tsgen.data import native, opened
from tsgen.data.columns import Columns
from tsgen.errors import FrameError, MissingExtraError, SettingError
from tsgen.testing import panels

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")

DAYS = [datetime.date(2024, 1, day) for day in range(1, 7)]


def days(values: Any, **columns: Any) -> Any:
    """A long frame of one series, of polars."""
    return pl.DataFrame({"ds": DAYS[: len(values)], "y": values, **columns})


# --- what pandas pays ----------------------------------------------------------------------------


def test_a_frame_of_pandas_passes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_arrow", None)  # which would fail if it were called
    frame = pd.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2.0, 4.0]})
    assert opened(frame).frame is frame
    assert opened(frame["y"]).frame is not None
    assert Naive().fit(frame).predict(1)["y"].tolist() == [4.0]
    assert native.like("pandas", frame) is frame


@pytest.mark.slow
def test_no_other_library_is_loaded_for_pandas() -> None:
    script = """
        import sys, pandas, tsgen
        df = pandas.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2.0, 4.0]})
        tsgen.hold_out(df, 1)
        tsgen.Naive().fit(df).predict(1)
        print([name for name in ("polars", "duckdb") if name in sys.modules])
    """
    assert output_of(script).strip() == "[]"


# --- in and out without loss ---------------------------------------------------------------------

EVERY = {
    "text": ["a", None, "c"],
    "category": pl.Series(["x", "y", None], dtype=pl.Categorical),
    "enum": pl.Series(["x", None, "y"], dtype=pl.Enum(["y", "x", "unused"])),
    "int8": pl.Series([1, None, 3], dtype=pl.Int8),
    "uint64": pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
    "float32": pl.Series([0.5, None, 1.5], dtype=pl.Float32),
    "double": [0.1, float("inf"), None],
    "bool": [True, None, False],
    "date": [DAYS[0], None, DAYS[2]],
    "decimal": pl.Series([1, 2, 3]).cast(pl.Decimal(10, 2)),
    "duration": [datetime.timedelta(days=1), None, datetime.timedelta(seconds=1)],
    "list": [[1], None, [2, 3]],
    "struct": [{"a": 1}, {"a": 2}, {"a": 3}],
    "binary": [b"1", b"", None],
    **{
        f"stamps, {unit}, {zone}": pl.Series([0, None, 10**15]).cast(pl.Datetime(unit, zone))
        for unit in ("ms", "us", "ns")
        for zone in (None, "Europe/Berlin")
    },
}


@pytest.mark.parametrize("name", EVERY)
def test_every_dtype_of_polars_comes_back(name: str) -> None:
    frame = pl.DataFrame({"n": EVERY[name]})
    again = opened(frame)
    assert again.like(again.frame).equals(frame)
    assert again.like(again.frame).schema == frame.schema
    assert again.frame["n"].isna().tolist() == frame["n"].is_null().to_list()


def test_numbers_are_not_copied() -> None:
    table = pa.table({"y": np.arange(1000.0), "n": np.arange(1000)})
    frame = opened(table).frame
    for name in table.column_names:
        own = pa.array(frame[name].array).buffers()[1].address
        assert own == table[name].chunk(0).buffers()[1].address


@pytest.mark.slow
@given(
    panels(n_series=(1, 3), length=(3, 12), freq=["D", "h", "MS", 1], covariates=True, holes=True),
    st.sampled_from(["ms", "us", "ns"]),
    st.sampled_from([None, "Asia/Tokyo", "UTC"]),
)
@settings(max_examples=20, deadline=None)
def test_a_panel_goes_through_polars_and_back(
    df: pd.DataFrame, unit: Any, zone: str | None
) -> None:
    if isinstance(df["ds"].dtype, np.dtype) and df["ds"].dtype.kind == "M":
        stamps = df["ds"].dt.as_unit(unit)
        df = df.assign(ds=stamps.dt.tz_localize(zone) if zone else stamps)
    frame = pl.from_pandas(df)
    again = opened(frame)
    assert again.like(again.frame).equals(frame)
    assert again.frame.isna().to_numpy().tolist() == df.isna().to_numpy().tolist()
    for name in ("y", "number"):
        np.testing.assert_array_equal(again.frame[name].to_numpy(np.float64, na_value=np.nan),
                                      df[name].to_numpy())  # fmt: skip
    # The frequency, the holes and the order of ids are found as they are in pandas.
    expected = Naive().fit(df, fill="ffill").predict(2)
    forecast = Naive().fit(frame, fill="ffill").predict(2)
    assert forecast.schema == {name: frame.schema[name] for name in ("unique_id", "ds", "y")}
    pd.testing.assert_frame_equal(
        forecast.to_pandas(), expected, check_dtype=False, check_categorical=False
    )


# DuckDB has no zones but that of a session.
@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_the_dtypes_of_a_forecast_are_those_of_the_columns(kind: str) -> None:
    stamps = pd.date_range("2024-03-29", periods=4, tz="Europe/Berlin").as_unit("ms")
    frame = pd.DataFrame({"unique_id": np.array([7, 7, 9, 9], dtype=np.int16),
                          "ds": stamps[[0, 1, 0, 1]],
                          "y": np.arange(4, dtype=np.float32)})  # fmt: skip
    came = of_library(kind, frame)
    forecast = opened(Naive().fit(came).predict(2)).table
    assert forecast.schema.equals(opened(came).table.schema)
    following = [stamps[2].isoformat(), stamps[3].isoformat()]  # across the change of clocks
    assert [stamp.isoformat() for stamp in forecast["ds"].to_pylist()[:2]] == following
    assert forecast["y"].to_pylist() == [1.0, 1.0, 3.0, 3.0]


def test_whole_numbers_are_forecast_as_floats_and_null_is_a_hole() -> None:
    frame = days(pl.Series([1, None, 3], dtype=pl.Int8))
    with pytest.raises(FrameError, match=r"'y' has missing values.*2024-01-02.*row 1"):
        Naive().fit(frame)
    forecast = Naive().fit(frame, fill="ffill").predict(1)
    assert forecast.schema == {"ds": pl.Date, "y": pl.Float64}
    assert forecast["y"].to_list() == [3.0]


def test_null_and_nan_are_the_same_hole() -> None:
    values = [float(i % 3) for i in range(40)]
    stamps = pl.Series(range(40))
    model = LSTMForecaster(max_steps=2, hidden_size=4, context_length=6, verbose=False)
    found = []
    for hole in (None, float("nan")):
        frame = pl.DataFrame({"ds": stamps, "y": [*values[:20], hole, *values[21:]]}, strict=False)
        found.append(model.fit(frame, fill="mask").predict(3))
    assert found[0].equals(found[1])


# --- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_without_ids_and_target_all_other_columns_are_series(kind: str) -> None:
    frame = of_library(kind, pd.DataFrame({"ds": [1, 2], "b": [1.0, 2.0], "a": [5.0, 6.0]}))
    forecast = opened(Naive().fit(frame).predict(2)).frame
    assert forecast.to_dict("list") == {"ds": [3, 4], "b": [2.0, 2.0], "a": [6.0, 6.0]}
    rows = opened(Naive().fit(frame).backtest(frame, 1)).frame
    assert rows["unique_id"].tolist() == ["b", "a"]


def test_the_column_of_time_may_have_any_name() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0], "day": DAYS[:2]})
    forecast = Naive().fit(frame, time_col="day").predict(1)
    assert forecast.to_dicts() == [{"day": DAYS[2], "a": 2.0}]
    with pytest.raises(FrameError, match="time_col='day'"):
        Naive().fit(frame)


def test_outputs_of_a_wide_frame_stand_beside_their_series() -> None:
    values = np.sin(np.arange(60.0))
    frame = pl.DataFrame({"ds": range(60), "b": values, "a": values * 2})
    model = LSTMForecaster(max_steps=2, hidden_size=4, context_length=6, verbose=False)
    forecast = model.fit(frame).predict(2, level=80)
    assert forecast.columns == ["ds", "b", "b-lo-80", "b-hi-80", "a", "a-lo-80", "a-hi-80"]
    expected = model.predict(2, level=80, df=frame.to_pandas().set_index("ds"))
    np.testing.assert_array_equal(forecast.to_numpy()[:, 1:], expected.to_numpy())
    taken = frame.rename({"b": "a-lo-80"})
    with pytest.raises(SettingError, match="'a-lo-80' is an output of series 'a-lo-80' and"):
        model.fit(taken).predict(2, level=80)


def test_a_column_alone_is_a_series() -> None:
    forecast = Naive().fit(pl.Series("v", [1.0, 2.0])).predict(2)
    assert (forecast.name, forecast.to_list()) == ("v", [2.0, 2.0])
    forecast = Naive().fit(pa.chunked_array([[1.0], [2.0]])).predict(2)
    assert isinstance(forecast, pa.ChunkedArray)
    assert forecast.to_pylist() == [2.0, 2.0]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_held_out_as_they_are(kind: str) -> None:
    frame = pd.DataFrame({"ds": [3, 1, 2], "y": [3.0, 1.0, 2.0], "note": ["c", None, "b"]})
    parts = [opened(part).table for part in hold_out(of_library(kind, frame), 1)]
    assert [part["ds"].to_pylist() for part in parts] == [[1, 2], [3]]
    assert [part["note"].to_pylist() for part in parts] == [[None, "b"], ["c"]]


def test_held_out_rows_keep_every_dtype() -> None:
    frame = pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2.0, 3.0], "nothing": [None] * 3, **EVERY})
    earlier, tail = hold_out(frame, 1)
    assert earlier.equals(frame[:2])
    assert tail.schema == frame.schema


@pytest.mark.parametrize("kind", KINDS)
def test_scores_come_as_the_rows_do(kind: str) -> None:
    rows = pd.DataFrame({"unique_id": list("aab"), "cutoff": [1, 1, 1], "ds": [2, 3, 2],
                         "y": [1.0, 2.0, 3.0], "y_pred": [2.0, 4.0, 3.0]})  # fmt: skip
    train = pd.DataFrame({"unique_id": list("aabb"), "ds": [0, 1, 0, 1], "y": [0.0, 2, 0, 1]})
    found = score(of_library(kind, rows), ["mae", "mase"], by="unique_id",
                  train=of_library(kind, train))  # fmt: skip
    assert opened(found).frame.to_dict("list") == {
        "unique_id": ["a", "b"], "mae": [1.5, 0.0], "mase": [0.75, 0.0]
    }  # fmt: skip


def test_a_relation_is_computed_once_for_a_call() -> None:
    """Without an order its rows may come in another one each time."""
    calls = []

    class Counted:
        columns = ("ds", "y")

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            calls.append(1)
            return pa.table({"ds": range(6), "y": np.arange(6.0)}).__arrow_c_stream__()

    model = Naive().fit(Counted())
    for call in (lambda: model.predict(1, df=Counted()), lambda: model.backtest(Counted(), 1),
                 lambda: hold_out(Counted(), 1)):  # fmt: skip
        calls.clear()
        assert isinstance(call(), pa.Table | tuple)
        assert len(calls) == 1


# --- hard inputs ---------------------------------------------------------------------------------


def test_a_lazy_frame_is_to_be_collected() -> None:
    lazy = days([1.0, 2.0]).lazy()
    for call in (
        lambda: Naive().fit(lazy),
        lambda: hold_out(lazy, 1),
        lambda: score(lazy, "mae"),
    ):
        with pytest.raises(TypeError, match=r"a LazyFrame has no rows yet.*df\.collect\(\)"):
            call()


@pytest.mark.parametrize("value", [[1.0], {"a": 1.0}, "1", b"1", True])
def test_a_target_that_is_no_number_is_named(value: Any) -> None:
    with pytest.raises(FrameError, match="column 'y'"):
        Naive().fit(days([value, value]))


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_ids_that_name_no_series_are_named(value: Any) -> None:
    with pytest.raises(FrameError, match="'unique_id' holds lists or other containers"):
        Naive().fit(days([1.0, 2.0], unique_id=[value, value]))


def test_a_column_of_nothing_has_no_value() -> None:
    with pytest.raises(FrameError, match="'y' has no value at all"):
        Naive().fit(days([None, None]))


def test_columns_that_arrow_does_not_know_are_named() -> None:
    frame = days([1.0, 2.0], id=pl.Series([1, 2], dtype=pl.Int128))
    with pytest.raises(FrameError, match=r"'id' \(Int128\); cast or drop"):
        Naive().fit(frame)


def test_python_objects_are_refused_instead_of_their_addresses() -> None:
    frame = days([1.0, 2.0], what=pl.Series([object(), object()], dtype=pl.Object))
    with pytest.raises(FrameError, match=r"'what' \(Object.*\); cast or drop"):
        hold_out(frame, 1)


def test_a_relation_that_fails_says_why() -> None:
    relation = duckdb.sql("select 1 as ds, cast(text as double) as y from (values ('x')) t(text)")
    with pytest.raises(duckdb.Error, match="Could not convert"):
        Naive().fit(relation)


def test_chunks_may_have_categories_of_their_own() -> None:
    ids = pa.chunked_array([pa.array(["a", "a"]).dictionary_encode(),
                            pa.array(["c", "a"]).dictionary_encode()])  # fmt: skip
    table = pa.table({"unique_id": ids, "ds": [1, 2, 1, 3], "y": [1.0, 2.0, 3.0, 4.0]})
    forecast = Naive().fit(table).predict(1).to_pydict()
    assert forecast == {"unique_id": ["a", "c"], "ds": [4, 2], "y": [4.0, 3.0]}


def test_columns_named_twice_are_refused() -> None:
    table = pa.table([pa.array([1, 2]), pa.array([1.0, 2.0]), pa.array([1.0, 2.0])],
                     names=["ds", "y", "y"])  # fmt: skip
    with pytest.raises(FrameError, match="columns named twice: 'y'"):
        Naive().fit(table)


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"ds": [], "y": []})])
def test_a_frame_without_rows_is_refused(frame: Any) -> None:
    with pytest.raises(FrameError, match="0 rows"):
        Naive().fit(frame)


def test_text_in_views_is_read() -> None:
    """As polars 1, DataFusion and others write it."""
    try:
        text = pa.array(["a", "a"]).cast(pa.string_view())
    except pa.ArrowNotImplementedError:
        pytest.skip("this pyarrow doesn't convert views")
    categories = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["x"], pa.string_view()))
    table = pa.table({"unique_id": text, "ds": [1, 2], "y": [1.0, 2.0], "c": categories})
    assert opened(table).frame["c"].tolist() == ["x", "x"]
    assert Naive().fit(table).predict(1).to_pylist() == [{"unique_id": "a", "ds": 3, "y": 2.0}]


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"ds": [1, 2], "y": [1.0, 2.0]})
    came = pl.from_pandas(frame)
    model = Naive().fit(came)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        model.predict(1)
    assert model.predict(1, df=frame)["y"].tolist() == [2.0]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"tsgen\[parquet\]"):
        opened(came)


def test_columns_decide_whether_a_frame_is_wide() -> None:
    frame = opened(pl.DataFrame({"ds": [1], "y": [1.0], "a": [2.0]}))
    assert frame.by(Columns()).index.name is None
    assert frame.by(Columns(target="z")).index.name == "ds"
    assert opened(pl.DataFrame({"a": [1.0]})).by(Columns()).columns.tolist() == ["a"]
