"""What a model has read, as a value: made once, kept up to date, and saved."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import tsgen
import tsgen.inference.fitted
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import FrameError, ModelExistsError, ModelFileError, SettingError, StateError
from tsgen.inference.state import ForecastState
from tsgen.rollout import encode, rollout
from tsgen.testing import panels, wide_panels

CLASSES = {"lstm": LSTMForecaster, "gru": GRUForecaster}
SMALL = {
    "max_steps": 10,
    "hidden_size": 8,
    "context_length": 20,
    "lags": [3, 7],
    "verbose": False,
}
ROWS_READ = 26  # the context, and what the longest lag reaches before it
KEY = ["unique_id", "ds"]
HORIZON = 12

properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)


# ------------------------------------------------------------------------------- frames and models


def walk(rows: int, seed: int = 0, level: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """A season of 7 on a wandering level."""
    noise = np.random.default_rng(seed).normal(0, 0.3, rows)
    return level + scale * (np.sin(2 * np.pi * np.arange(rows) / 7) + noise.cumsum() * 0.3 + noise)


TIMES = {
    "daily": lambda rows: pd.date_range("2021-01-01", periods=rows),
    "hourly": lambda rows: pd.date_range("2021-01-01", periods=rows, freq="h"),
    "business days": lambda rows: pd.date_range("2021-01-01", periods=rows, freq="B"),
    "month starts": lambda rows: pd.date_range("2001-01-01", periods=rows, freq="MS"),
    "month ends": lambda rows: pd.date_range("2001-01-31", periods=rows, freq="ME"),
    # 70 rows end on the day after the one of 23 hours, as do 70 hours on that day.
    "with a zone": lambda rows: pd.date_range("2021-01-19", periods=rows, tz="Europe/Berlin"),
    "hourly with a zone": lambda rows: pd.date_range(
        "2021-03-26", periods=rows, freq="h", tz="Europe/Berlin"
    ),
    "months": lambda rows: pd.period_range("2001-01", periods=rows, freq="M"),
    "integers": lambda rows: pd.RangeIndex(100, 100 + 5 * rows, 5),
}


SELDOM = {"hourly", "business days", "month ends", "with a zone"}
every_time = pytest.mark.parametrize(
    "time",
    [pytest.param(time, marks=pytest.mark.slow if time in SELDOM else ()) for time in TIMES],
)


@cache
def fitted(cell: str = "lstm", time: str = "daily"):
    """Each fitted once on a wide frame of the series a, b and c; never to be fitted again."""
    return CLASSES[cell](**SMALL).fit(wide(80, time=time))


def wide(rows: int = 80, time: str = "daily", names: tuple[str, ...] = ("c", "a", "b")):
    """The columns are out of order; the scales differ by far."""
    columns = {
        name: walk(rows, seed=ord(name[0]), level=10.0 ** (ord(name[0]) % 3), scale=10.0**i)
        for i, name in enumerate(names)
    }
    return pd.DataFrame(columns, index=TIMES[time](rows))


def melted(df: pd.DataFrame) -> pd.DataFrame:
    """The long frame of a wide one: one series after the other, without missing rows."""
    long = df.rename_axis(index="ds", columns="unique_id").reset_index()
    return long.melt("ds", value_name="y").dropna(ignore_index=True)[["unique_id", "ds", "y"]]


def ragged(lengths: dict[str, int], ends: dict[str, int] | None = None) -> pd.DataFrame:
    """A long frame of days: series of some lengths that end some rows before row 100."""
    ends = ends or {}
    parts = []
    for name, rows in lengths.items():
        stop = 100 - ends.get(name, 0)
        values = walk(rows, seed=ord(name), level=5.0, scale=10.0 ** (ord(name) % 3))
        times = TIMES["daily"](100)[stop - rows : stop]
        parts.append(pd.DataFrame({"unique_id": name, "ds": times, "y": values}))
    return pd.concat(parts, ignore_index=True)


def split(df: pd.DataFrame, new_rows: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A long frame without the last rows of some series, and these rows."""
    left = df.groupby("unique_id", observed=True).cumcount(ascending=False)
    new = left < df["unique_id"].astype(object).map(new_rows).fillna(0).astype(int)
    return df[~new], df[new]


def spread(values: Any) -> float:
    """The scale that an error is measured on: a constant's is the size of a float's rounding."""
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    return max(float(np.std(values)), 1e-9 * float(np.abs(values).max(initial=0.0)))


def assert_close(got: Any, expected: Any, history: Any) -> None:
    """Forecasts at the same stamps that differ by less than 1e-5 of each series' scale."""
    assert type(got) is type(expected)
    if isinstance(got, pd.Series):
        got, expected, history = got.to_frame(), expected.to_frame(), history.to_frame()
    if "unique_id" in got:
        got, expected = (df.sort_values(KEY, ignore_index=True) for df in (got, expected))
        assert_frame_equal(got[KEY], expected[KEY], check_categorical=False)
        scales = history.groupby("unique_id", observed=True)["y"].agg(spread)
        scale = got["unique_id"].astype(object).map(scales).to_numpy(dtype=np.float64)
        error = np.abs(got["y"] - expected["y"]).to_numpy() / scale
    else:
        assert got.index.equals(expected.index)
        assert got.columns.equals(expected.columns)
        scale = np.array([spread(history[name]) for name in history])
        error = np.abs(got.to_numpy() - expected.to_numpy()) / scale
    assert error.shape == (len(scale),) or error.shape == (len(got), len(scale))
    assert error.max() <= 1e-5, f"off by {error.max()} of the scale"


def assert_exact(model, state: ForecastState, whole: Any) -> None:
    """The state forecasts as one that has read all of the frame."""
    expected = model.predict(HORIZON, df=whole)
    assert_close(model.predict(HORIZON, state=state), expected, whole)


def assert_updates(model, before: Any, new: Any, whole: Any) -> None:
    assert_exact(model, model.update(model.encode(before), new), whole)


def fingerprint(state: ForecastState) -> list[bytes]:
    """All numbers of a state."""
    encoding = state.encoding
    tensors = [
        *encoding.loops[0].recurrent,
        encoding.loops[0].values,
        encoding.loops[0].known,
        encoding.errors,
        encoding.normaliser.mean,
        encoding.normaliser.spread,
    ]
    arrays = [state.panel.values, state.panel.offsets, state.panel.behind]
    stamps = [str(list(state.panel.ends)).encode(), str(list(state.panel.ids)).encode()]
    return [tensor.numpy().tobytes() for tensor in tensors] + [a.tobytes() for a in arrays] + stamps


@pytest.fixture(params=list(CLASSES))
def model(request: pytest.FixtureRequest):
    return fitted(request.param)


one_cell = pytest.mark.parametrize("model", ["lstm"], indirect=True)


# -------------------------------------------------------------------------------------- the start


@pytest.mark.parametrize(
    "df",
    [
        wide(60),
        wide(60)["a"],
        melted(wide(60)),
        ragged({"z": 50, "a": 30, "k": 4}, {"a": 3, "k": 10}),
        ragged({"z": 50, "a": 30}).set_index(KEY)["y"],
        ragged({"z": 50}).drop(columns="unique_id"),
    ],
    ids=["wide", "series", "long", "ragged", "multiindex", "no ids"],
)
@one_cell
def test_a_forecast_from_a_state_is_that_of_its_frame_bit_by_bit(model, df: Any) -> None:
    state = model.encode(df)
    assert isinstance(state, ForecastState)
    for horizon in (1, HORIZON):
        got, expected = model.predict(horizon, state=state), model.predict(horizon, df=df)
        same = assert_series_equal if isinstance(got, pd.Series) else assert_frame_equal
        same(got, expected, check_exact=True)


def test_paths_from_a_state_are_those_of_its_frame(model) -> None:
    df = wide(60)
    few: Any = {"num_samples": 5, "calibrated": False, "as_array": True}
    paths = model.sample(HORIZON, state=model.encode(df), **few)
    np.testing.assert_array_equal(paths, model.sample(HORIZON, df=df, **few))
    assert paths.std(axis=1).min() > 0


def test_a_state_says_how_many_series_it_has(model) -> None:
    assert len(model.encode(wide(60))) == 3
    assert "3 series" in repr(model.encode(wide(60)))


def test_fit_leaves_the_state_of_the_training_series(model, monkeypatch) -> None:
    """A forecast of the training series reads nothing anew, nor does one from a state."""
    expected = model.predict(HORIZON, df=wide(80))
    state = model.encode(wide(70))
    earlier = model.predict(HORIZON, df=wide(70))

    def fail(*args: Any) -> None:
        raise AssertionError("a context was read")

    monkeypatch.setattr(tsgen.inference.fitted, "encode_over_holes", fail)
    assert_close(model.predict(HORIZON), expected, wide(80))
    assert_frame_equal(model.predict(HORIZON, state=state), earlier)
    with pytest.raises(AssertionError, match="context"):
        model.predict(HORIZON, df=wide(80))  # the trap works


def test_fit_on_long_rows_leaves_their_state() -> None:
    df = ragged({"q": 60, "b": 45}, {"b": 4})
    model = LSTMForecaster(**SMALL).fit(df)
    assert_close(model.predict(HORIZON), model.predict(HORIZON, df=df), df)


def test_predicting_changes_neither_state_nor_frame(model) -> None:
    df = wide(60)
    before, state = df.copy(deep=True), model.encode(df)
    numbers = fingerprint(state)
    first = model.predict(HORIZON, state=state)
    assert_frame_equal(model.predict(HORIZON, state=state), first, check_exact=True)
    model.sample(3, num_samples=4, calibrated=False, state=state)
    assert fingerprint(state) == numbers
    assert_frame_equal(df, before, check_exact=True)


def test_a_state_keeps_as_many_rows_whatever_the_history(model) -> None:
    short, long = (model.encode(wide(rows)) for rows in (200, 2000))
    assert len(short.panel.values) == len(long.panel.values) == 3 * ROWS_READ
    assert long.panel.values.base is None or long.panel.values.base.size <= 3 * ROWS_READ
    assert short.encoding.errors.shape == long.encoding.errors.shape
    assert short.encoding.loops[0].values.shape == long.encoding.loops[0].values.shape
    for carry in (False, True):
        updated = model.update(model.encode(wide(200).iloc[:60]), wide(200).iloc[60:], carry=carry)
        assert len(updated.panel.values) == 3 * ROWS_READ
        assert updated.encoding.errors.shape == short.encoding.errors.shape


# --------------------------------------------------------------------------- exact updates, long


@pytest.mark.parametrize("new_rows", [1, 2, 7, 25, 26, 27, 49])
def test_an_update_is_encoding_the_whole(model, new_rows: int) -> None:
    df = ragged({"b": 50, "z": 50, "a": 50})
    before, new = split(df, {"b": new_rows, "z": new_rows, "a": new_rows})
    assert_updates(model, before, new, df)


@pytest.mark.parametrize(
    "new_rows",
    [
        {"a": 1},
        {"a": 29, "n": 1},
        {"a": 3, "b": 7, "n": 1, "z": 2},
        {"z": 4},
        {"n": 3, "z": 1},
        {"b": 59, "a": 29},
    ],
    ids=str,
)
def test_ragged_series_some_without_new_rows(model, new_rows: dict[str, int]) -> None:
    """They differ in length and end; two are shorter than the context, two weren't in fit."""
    df = ragged({"n": 4, "a": 30, "z": 12, "b": 60}, {"a": 4, "z": 9})
    assert_updates(model, *split(df, new_rows), df)


def test_the_order_of_new_rows_does_not_matter(model) -> None:
    df = ragged({"z": 40, "a": 40, "n": 40})
    before, new = split(df, {"a": 5, "n": 2, "z": 3})
    assert_updates(model, before, new.iloc[np.random.default_rng(0).permutation(10)], df)


@pytest.mark.slow
def test_many_updates_of_one_row(model) -> None:
    df = wide(80)
    state = model.encode(df.iloc[:20])
    for row in range(20, 80):
        state = model.update(state, df.iloc[row : row + 1])
        if row % 15 == 0:
            assert_exact(model, state, df.iloc[: row + 1])
    assert_exact(model, state, df)


@one_cell
def test_many_updates_of_a_row_of_one_series(model) -> None:
    """Row by row as they come in, one series at a time: never two series in a frame."""
    df = ragged({"b": 30, "z": 12, "a": 22})
    before, new = split(df, {"b": 12, "z": 11, "a": 2})
    state = model.encode(before)
    for row in new.sort_values("ds").index:
        state = model.update(state, new.loc[[row]])
    assert_exact(model, state, df)


def test_updates_from_one_state_do_not_see_each_other(model) -> None:
    df = wide(60)
    state = model.encode(df.iloc[:50])
    numbers = fingerprint(state)
    other = df.iloc[50:] * 2.0
    for carry in (False, True):
        changed = model.predict(HORIZON, state=model.update(state, other, carry=carry))
        own = model.predict(HORIZON, state=model.update(state, df.iloc[50:], carry=carry))
        assert not np.allclose(changed, own)
    assert fingerprint(state) == numbers
    assert_exact(model, model.update(state, df.iloc[50:]), df)


def test_updating_changes_no_frame(model) -> None:
    for frame in (wide(60).iloc[50:], melted(wide(60).iloc[50:])):
        before = frame.copy(deep=True)
        model.update(model.encode(wide(60).iloc[:50]), frame)
        assert_frame_equal(frame, before, check_exact=True, check_index_type="exact")


@pytest.mark.slow
@properties
@given(df=panels(freq=["D"], stagger=4), data=st.data())
def test_any_panel_updates_exactly(df: pd.DataFrame, data: st.DataObject) -> None:
    """Series that were not in fit, each with new rows of its own, or none."""
    model = fitted(data.draw(st.sampled_from(list(CLASSES))))
    lengths = df.groupby("unique_id", observed=True).size()
    new_rows = {name: data.draw(st.integers(0, rows - 1)) for name, rows in lengths.items()}
    before, new = split(df, new_rows)
    if len(new):
        assert_updates(model, before, new, df)


@pytest.mark.slow
@properties
@given(df=panels(n_series=(1, 3), freq=["D"], stagger=2), seed=st.integers(0, 2**32 - 1))
def test_any_chain_of_updates_is_exact(df: pd.DataFrame, seed: int) -> None:
    random = np.random.default_rng(seed)
    model = fitted(random.choice(list(CLASSES)))
    state, rest = None, df
    while len(rest):
        left = rest.groupby("unique_id", observed=True).size()
        fewest = 1 if state is None else 0  # every series has a row at the start
        kept = {
            name: rows - random.integers(fewest, min(rows, 9) + 1) for name, rows in left.items()
        }
        now, rest = split(rest, kept)
        if len(now):
            state = model.encode(now) if state is None else model.update(state, now)
    assert_exact(model, state, df)


# --------------------------------------------------------------------------- exact updates, wide


@pytest.mark.slow
@one_cell
def test_a_wide_frame_with_ragged_ends_at_any_row(model) -> None:
    """Leading and trailing NaN; after the split a column may be all NaN."""
    df = wide(40)
    df.loc[df.index[:6], "a"] = np.nan
    df.loc[df.index[-9:], "b"] = np.nan
    df.loc[df.index[-1:], "c"] = np.nan
    for row in range(7, 40):
        assert_updates(model, df.iloc[:row], df.iloc[row:], df)


def test_a_column_that_is_not_there_has_no_new_rows(model) -> None:
    df = wide(40)
    df.loc[df.index[-5:], "b"] = np.nan
    assert_updates(model, df.iloc[:35], df.iloc[35:][["a", "c"]], df)


def test_a_column_that_catches_up(model) -> None:
    """Rows that come late, of stamps at which the state has the other columns already."""
    df = wide(40)
    before = df.copy()
    before.loc[before.index[-3:], "b"] = np.nan
    assert_updates(model, before, df.iloc[-3:][["b"]], df)
    some = before.copy()
    some.loc[some.index[-3:-1], "b"] = df["b"].iloc[-3:-1]
    assert_updates(model, before, df.iloc[-3:-1][["b"]], some)
    longer = wide(42)
    assert len(longer) == 42
    late = longer.iloc[-5:].copy()
    late.loc[late.index[:3], ["a", "c"]] = np.nan
    whole = pd.concat([before.iloc[:-3], longer.iloc[-5:].where(late.notna(), before.iloc[-3:])])
    assert_updates(model, before, late, whole)


def test_the_order_of_columns_and_rows_of_new_rows_does_not_matter(model) -> None:
    df = wide(40)
    assert_updates(model, df.iloc[:34], df.iloc[34:][["b", "c", "a"]].iloc[::-1], df)


@pytest.mark.slow
@settings(properties, max_examples=30)
@given(data=st.data())
def test_any_wide_frame_of_any_frequency(data: st.DataObject) -> None:
    names = {"h": "hourly", "B": "business days", "MS": "month starts", "ME": "month ends"}
    freq = data.draw(st.sampled_from(list(names)))
    model, df = fitted("lstm", names[freq]), data.draw(wide_panels(freq=[freq], stagger=3))
    first = int(df.notna().to_numpy().argmax(axis=0).max()) + 1
    row = data.draw(st.integers(first, len(df) - 1))
    assert_updates(model, df.iloc[:row], df.iloc[row:], df)
    assert_updates(model, melted(df.iloc[:row]), melted(df.iloc[row:]), melted(df))


@pytest.mark.slow
@properties
@given(df=wide_panels(freq=["D"], stagger=4), data=st.data())
def test_any_wide_frame_updates_exactly(df: pd.DataFrame, data: st.DataObject) -> None:
    model = fitted(data.draw(st.sampled_from(list(CLASSES))))
    first = int(df.notna().to_numpy().argmax(axis=0).max()) + 1  # every column has begun
    row = data.draw(st.integers(first, len(df) - 1))
    assert_updates(model, df.iloc[:row], df.iloc[row:], df)


# ------------------------------------------------------------------ exact updates, times, layouts


@every_time
@pytest.mark.parametrize("new_rows", [1, 30])
def test_every_kind_of_time(time: str, new_rows: int) -> None:
    model, df = fitted("lstm", time), wide(70, time=time)
    before, new = df.iloc[:-new_rows], df.iloc[-new_rows:]
    assert_updates(model, before, new, df)
    assert_updates(model, before["b"], new["b"], df["b"])
    assert_updates(model, melted(before), melted(new), melted(df))
    after = model.predict(2, state=model.update(model.encode(before), new, carry=True))
    assert after.index.equals(TIMES[time](72)[-2:])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_new_rows_with_another_resolution(unit: str) -> None:
    df = wide(60)
    new = df.iloc[50:].set_axis(df.index[50:].as_unit(unit))
    assert_updates(fitted(), df.iloc[:50], new, df)


def test_new_rows_in_another_zone() -> None:
    """The same points of time."""
    model, df = fitted("lstm", "hourly with a zone"), wide(70, time="hourly with a zone")
    new = df.iloc[60:].set_axis(df.index[60:].tz_convert("UTC"))
    assert_updates(model, df.iloc[:60], new, df)


@pytest.mark.parametrize("kind", ["int64", "int32", "Int64"])
def test_new_rows_with_another_integer(kind: str) -> None:
    model, df = fitted("lstm", "integers"), melted(wide(70, time="integers"))
    before, new = split(df, {"a": 3, "c": 1})
    assert_updates(model, before, new.astype({"ds": kind}), df)


def test_rows_under_a_multiindex(model) -> None:
    df = ragged({"z": 40, "a": 40}, {"a": 2})
    before, new = split(df, {"z": 3, "a": 4})
    state = model.update(model.encode(before.set_index(KEY)), new.set_index(KEY))
    got = model.predict(HORIZON, state=state)
    assert list(got.index.names) == KEY
    assert_close(got.reset_index(), model.predict(HORIZON, df=df), df)
    assert_exact_layout(got, model.predict(HORIZON, df=df.set_index(KEY)))
    state = model.update(model.encode(before.set_index(KEY)["y"]), new.set_index(KEY)["y"])
    expected = model.predict(HORIZON, df=df.set_index(KEY)["y"])
    assert_exact_layout(model.predict(HORIZON, state=state), expected)


def test_a_long_frame_without_ids(model) -> None:
    df = ragged({"z": 40}).drop(columns="unique_id")
    state = model.update(model.encode(df.iloc[:33]), df.iloc[33:])
    got = model.predict(HORIZON, state=state)
    expected = model.predict(HORIZON, df=df)
    assert_series_equal(got["ds"], expected["ds"])
    error = np.abs(got["y"] - expected["y"]).max()
    assert error <= 1e-5 * spread(df["y"])


def test_a_series_keeps_its_name(model) -> None:
    y = wide(60)["b"].rename("sales")
    state = model.update(model.encode(y.iloc[:50]), y.iloc[50:].rename("other"))
    got = model.predict(HORIZON, state=state)
    assert got.name == "sales"
    assert_exact(model, state, y)


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
@one_cell
def test_ids_of_any_type(model, dtype: str) -> None:
    df = ragged({"z": 40, "a": 35, "n": 30}, {"n": 2}).astype({"unique_id": dtype})
    before, new = split(df, {"z": 3, "n": 6})
    if dtype == "category":  # those of one day say nothing about the others
        new = new.assign(unique_id=new["unique_id"].cat.remove_unused_categories())
    assert_updates(model, before, new, df)
    got = model.predict(1, state=model.update(model.encode(before), new))
    assert got["unique_id"].dtype == model.predict(1, df=df)["unique_id"].dtype


@pytest.mark.slow
@one_cell
def test_categories_in_an_order_of_their_own(model) -> None:
    """Those of the new rows are sorted otherwise than those of the state."""
    df = ragged({"z": 40, "a": 35, "n": 30}, {"n": 2})
    before, new = split(df, {"z": 3, "n": 6, "a": 1})
    orders = (["n", "z", "a"], ["z", "a", "n"])
    before, new = (
        part.assign(unique_id=pd.Categorical(part["unique_id"], order))
        for part, order in zip((before, new), orders, strict=True)
    )
    state = model.encode(before)
    for part in (new, new.astype({"unique_id": "str"})):
        for carry in (False, True):
            got = model.predict(HORIZON, state=model.update(state, part, carry=carry))
            for name, rows in df.groupby("unique_id"):
                counts = {name: {"z": 3, "n": 6, "a": 1}[name]}
                alone = model.encode(split(rows, counts)[0])
                alone = model.update(alone, split(rows, counts)[1], carry=carry)
                here = got[got["unique_id"] == name].astype({"unique_id": rows["unique_id"].dtype})
                assert_close(here, model.predict(HORIZON, state=alone), rows)


def test_whole_numbers_as_ids(model) -> None:
    names = {"z": 12, "a": 3, "n": 100}
    df = ragged({"z": 40, "a": 35, "n": 30})
    df["unique_id"] = df["unique_id"].map(names)
    assert_updates(model, *split(df, {12: 2, 100: 1}), df)


def test_columns_of_other_names() -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sales"}
    df = ragged({"z": 60, "a": 50})
    columns: Any = {"id_col": "shop", "time_col": "day", "target_col": "sales"}
    model = LSTMForecaster(**SMALL).fit(df.rename(columns=names), **columns)
    before, new = (part.rename(columns=names) for part in split(df, {"z": 3, "a": 5}))
    got = model.predict(HORIZON, state=model.update(model.encode(before), new))
    expected = model.predict(HORIZON, df=df.rename(columns=names))
    back = {value: key for key, value in names.items()}
    assert_close(got.rename(columns=back), expected.rename(columns=back), df)


def test_long_rows_for_a_wide_state(model) -> None:
    df = wide(60)
    df.loc[df.index[-2:], "b"] = np.nan
    assert_updates(model, df.iloc[:50], melted(df.iloc[50:]), df)


@one_cell
def test_wide_rows_for_a_long_state(model) -> None:
    """Each series of a long frame goes on after its own last row."""
    df = wide(60)
    assert_updates(model, melted(df.iloc[:50]), df.iloc[50:], melted(df))
    df.loc[df.index[-2:], "b"] = np.nan
    assert_updates(model, melted(df.iloc[:50]), df.iloc[50:], melted(df))


def test_constant_and_tiny_histories(model) -> None:
    """One row is a constant; the rows that follow may be none."""
    df = ragged({"a": 20, "k": 20, "m": 20})
    df.loc[df["unique_id"] == "k", "y"] = 7.25
    assert_updates(model, *split(df, {"a": 19, "k": 19, "m": 19}), df)
    before, new = split(df, {"k": 5})
    got = model.predict(HORIZON, state=model.update(model.encode(before), new))
    assert (got.loc[got["unique_id"] == "k", "y"] == 7.25).all()


@pytest.mark.slow
def test_a_model_without_window_norm() -> None:
    model = LSTMForecaster(**SMALL, window_norm=False, residual="last", num_layers=2).fit(wide(80))
    df = wide(90)
    for rows in (1, 20, 60):
        assert_updates(model, df.iloc[:-rows], df.iloc[-rows:], df)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        pytest.param("minmax", marks=pytest.mark.slow),
        pytest.param("robust", marks=pytest.mark.slow),
        pytest.param(None, marks=pytest.mark.slow),
        pytest.param(MinMaxScaler(), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_any_scaler(scaler: Any, tmp_path: Path) -> None:
    model = LSTMForecaster(**SMALL, scaler=scaler).fit(wide(80))
    df = wide(90, names=("a", "q", "c"))  # q wasn't in fit
    for carry in (False, True):
        state = model.update(model.encode(df.iloc[:70]), df.iloc[70:], carry=carry)
        if not carry:
            assert_exact(model, state, df)
        tsgen.save_state(state, tmp_path / "state", overwrite=True)
        loaded = tsgen.load_state(tmp_path / "state")
        got, expected = (model.predict(HORIZON, state=each) for each in (loaded, state))
        assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float32", "Float64", "object"])
@one_cell
def test_new_rows_of_another_type(model, dtype: str) -> None:
    """Whole numbers in a history of floats, say."""
    df = (wide(60) * 10).round()
    assert_updates(model, df.iloc[:50], df.iloc[50:].astype(dtype), df)


# ------------------------------------------------------------------------------------------ carry


def by_hand(model, before: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Forecasts and errors, series by series, of one read of the new rows: wide, seen in fit.

    Scaler and normaliser are those of the context; the network knows nothing of either.
    """
    network = model.module_.network
    context, names = model.context(before), sorted(before.columns)
    scalers = model.scaler_.scalers.take(model.scaler_.ids.get_indexer(pd.Index(names)))
    mean, size = (
        part.numpy()[:, 0] for part in (context.normaliser.mean, context.normaliser.spread)
    )
    forecasts, errors = {}, {}
    with torch.inference_mode():
        inside, loops = encode(network, context.values, context.known)
        for i, name in enumerate(names):
            rows = new[name].dropna().to_numpy()
            scaled = (rows - scalers.centre[i]) / scalers.scale[i]
            units = torch.from_numpy((scaled - mean[i]) / size[i]).float()[None, :, None]
            loop = loops.take(torch.tensor([i]))
            predictions, loop = network.read(loop, units, torch.ones_like(units))
            path = rollout(network, loop, HORIZON).path[0, :, 0].double().numpy()
            forecasts[name] = (mean[i] + size[i] * path) * scalers.scale[i] + scalers.centre[i]
            known = context.values[i : i + 1, network.longest_lag :] - inside[i : i + 1]
            errors[name] = torch.cat([known, units - predictions], dim=1)[0, :, 0].numpy()
    return pd.DataFrame(forecasts), errors


@pytest.mark.parametrize("rows", [1, 2, 7, 19, 20, 45])
def test_carrying_on_is_one_longer_read(model, rows: int) -> None:
    df = wide(80)
    before, new = df.iloc[:-rows], df.iloc[-rows:]
    state = model.update(model.encode(before), new, carry=True)
    got = model.predict(HORIZON, state=state)
    expected, errors = by_hand(model, before, new)
    for i, name in enumerate(sorted(df.columns)):
        error = np.abs(got[name].to_numpy() - expected[name].to_numpy()).max()
        assert error <= 1e-5 * spread(df[name])
        ours = state.encoding.errors[i, :, 0].numpy()
        theirs = errors[name][len(errors[name]) - len(ours) :]
        np.testing.assert_allclose(ours[-rows:], theirs[-rows:], atol=1e-5)
        there = ~np.isnan(ours)
        np.testing.assert_allclose(ours[there], theirs[there], atol=1e-5)


def test_carrying_on_is_not_encoding_anew(model) -> None:
    """It reads a longer context in the units of an older one, or it would be of no use to tell."""
    df = wide(80)
    state = model.encode(df.iloc[:60])
    exact, carried = (model.update(state, df.iloc[60:], carry=carry) for carry in (False, True))
    assert torch.equal(carried.encoding.normaliser.mean, state.encoding.normaliser.mean)
    assert torch.equal(carried.encoding.normaliser.spread, state.encoding.normaliser.spread)
    assert not torch.allclose(exact.encoding.normaliser.mean, state.encoding.normaliser.mean)
    got, other = (model.predict(HORIZON, state=each) for each in (carried, exact))
    assert not np.allclose(got, other, rtol=1e-6)


@pytest.mark.parametrize("first", [1, 3, 13])
def test_carrying_on_in_two_pieces(model, first: int) -> None:
    df = wide(80)
    state = model.encode(df.iloc[:66])
    once = model.update(state, df.iloc[66:], carry=True)
    between = model.update(state, df.iloc[66 : 66 + first], carry=True)
    twice = model.update(between, df.iloc[66 + first :], carry=True)
    assert_close(model.predict(HORIZON, state=twice), model.predict(HORIZON, state=once), df)
    torch.testing.assert_close(
        twice.encoding.errors, once.encoding.errors, atol=1e-5, rtol=0, equal_nan=True
    )
    np.testing.assert_array_equal(twice.panel.values, once.panel.values)


def test_carrying_on_row_by_row(model) -> None:
    df = wide(80)
    state = start = model.encode(df.iloc[:60])
    for row in range(60, 80):
        state = model.update(state, df.iloc[row : row + 1], carry=True)
    once = model.update(start, df.iloc[60:], carry=True)
    assert_close(model.predict(HORIZON, state=state), model.predict(HORIZON, state=once), df)


def test_carrying_on_with_other_counts_of_new_rows(model) -> None:
    """Each series as if it had come alone, and none touches one without new rows."""
    df = ragged({"z": 60, "a": 60, "n": 60, "b": 5, "q": 60})
    counts = {"z": 3, "a": 7, "b": 3, "q": 40}
    before, new = split(df, counts)
    state = model.encode(before)
    got = model.predict(HORIZON, state=model.update(state, new, carry=True))
    for name, rows in df.groupby("unique_id"):
        own = {name: counts.get(name, 0)}
        one_before, one_new = split(rows, own)
        alone = model.encode(one_before)
        if counts.get(name):
            alone = model.update(alone, one_new, carry=True)
        here = got[got["unique_id"] == name]
        assert_close(here, model.predict(HORIZON, state=alone), rows)
        assert here["ds"].iloc[0] == rows["ds"].iloc[-1] + pd.Timedelta(days=1)


@pytest.mark.parametrize("carry", [False, True])
def test_series_without_new_rows_keep_their_encoding(model, carry: bool) -> None:
    df = ragged({"z": 40, "a": 40, "n": 40})
    before, new = split(df, {"a": 4})
    state = model.encode(before)
    updated = model.update(state, new, carry=carry)
    others = torch.tensor([1, 2])
    kept, old = updated.encoding.take(others), state.encoding.take(others)
    assert all(map(torch.equal, kept.loops[0].recurrent, old.loops[0].recurrent))
    assert torch.equal(kept.loops[0].values, old.loops[0].values)
    assert torch.equal(kept.normaliser.mean, old.normaliser.mean)
    assert torch.equal(kept.errors.nan_to_num(9), old.errors.nan_to_num(9))
    got = model.predict(HORIZON, state=updated)
    expected = model.predict(HORIZON, state=state)
    for name in ("n", "z"):
        ours, theirs = (frame[frame["unique_id"] == name] for frame in (got, expected))
        assert_close(ours, theirs, df[df["unique_id"] == name])


@pytest.mark.parametrize("carry", [False, True])
def test_wide_columns_without_new_rows(model, carry: bool) -> None:
    """Their forecasts start after the frame's new end, some steps further along the same path."""
    df = wide(60)
    before, new = df.iloc[:50], df.iloc[50:].assign(b=np.nan)
    state = model.encode(before)
    updated = model.update(state, new, carry=carry)
    got = model.predict(5, state=updated)
    assert got.index.equals(TIMES["daily"](65)[-5:])
    expected = model.predict(15, state=state)["b"].iloc[10:]
    np.testing.assert_allclose(got["b"], expected, rtol=0, atol=1e-5 * spread(df["b"]))


def test_carried_forecasts_start_after_the_new_rows(model) -> None:
    df = ragged({"z": 60, "a": 50}, {"a": 6})
    before, new = split(df, {"z": 5, "a": 2})
    got = model.predict(3, state=model.update(model.encode(before), new, carry=True))
    expected = model.predict(3, df=df)
    assert_frame_equal(got[KEY], expected[KEY])


def test_after_carried_rows_an_exact_update_is_exact_again(model) -> None:
    df = wide(80)
    state = model.update(model.encode(df.iloc[:50]), df.iloc[50:60], carry=True)
    assert_exact(model, model.update(state, df.iloc[60:]), df)


def test_carrying_on_a_constant(model) -> None:
    """Nothing says how far the new value lies from the old ones: the constant stays."""
    df = ragged({"k": 40, "a": 40}).assign(y=3.5)
    before, new = split(df, {"k": 2, "a": 5})
    got = model.predict(4, state=model.update(model.encode(before), new, carry=True))
    assert (got["y"] == 3.5).all()


# ----------------------------------------------------------------------------------------- errors


def refused(model, state: ForecastState, new: Any, *needles: str) -> None:
    """Either way, with every needle in the message; the state is what it was."""
    numbers = fingerprint(state)
    for carry in (False, True):
        with pytest.raises(FrameError) as caught:
            model.update(state, new, carry=carry)
        missing = [needle for needle in needles if needle not in str(caught.value)]
        assert not missing, f"{missing} not in: {caught.value}"
    assert fingerprint(state) == numbers


def long_and_wide(df: pd.DataFrame) -> dict[str, Any]:
    return {"long": melted(df), "wide": df}


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize(
    "rows", [slice(49, 55), slice(49, 50), slice(0, 60), slice(20, 25)], ids=str
)
@one_cell
def test_rows_that_the_state_has(model, layout: str, rows: slice) -> None:
    df = wide(60)
    state = model.encode(long_and_wide(df.iloc[:50])[layout])
    new = long_and_wide(df.iloc[rows])[layout]
    refused(model, state, new, "already", "'a'", "'b'", "'c'", str(df.index[49].date()))


@pytest.mark.parametrize("layout", ["long", "wide"])
@one_cell
def test_rows_missing_before_the_new_ones(model, layout: str) -> None:
    df = wide(60)
    state = model.encode(long_and_wide(df.iloc[:50])[layout])
    for first in (51, 55):
        new = long_and_wide(df.iloc[first:])[layout]
        refused(model, state, new, "missing", "'a'", str(df.index[49].date()))


def test_only_the_series_with_a_gap_is_named(model) -> None:
    df = ragged({"z": 40, "a": 40})
    before, new = split(df, {"z": 3, "a": 3})
    state = model.encode(before)
    late = new[(new["unique_id"] != "z") | (new["ds"] > new["ds"].min())]
    with pytest.raises(FrameError, match="'z'") as caught:
        model.update(state, late)
    assert "'a'" not in str(caught.value)
    assert str(before["ds"].max().date()) in str(caught.value)


def test_a_gap_behind_a_ragged_end(model) -> None:
    """The state has that column up to some rows before its own end: the next of them must come."""
    df = wide(60)
    before = df.iloc[:50].copy()
    before.loc[before.index[-3:], "b"] = np.nan
    state = model.encode(before)
    refused(model, state, df.iloc[50:][["b"]], "missing", "'b'")
    refused(model, state, df.iloc[46:48][["b"]], "already", "'b'")


@one_cell
def test_a_hole_in_the_new_rows(model) -> None:
    df = wide(60)
    state = model.encode(df.iloc[:50])
    holed = df.iloc[50:].copy()
    holed.loc[holed.index[4], "a"] = np.nan
    refused(model, state, holed, "'a'", str(holed.index[4].date()))
    refused(model, state, df.iloc[50:].drop(df.index[54]), str(df.index[54].date()))
    left_out = melted(df.iloc[50:]).drop(index=4)
    refused(model, model.encode(melted(df.iloc[:50])), left_out, "'c'")


@pytest.mark.parametrize("layout", ["long", "wide"])
@one_cell
def test_rows_that_come_twice(model, layout: str) -> None:
    df = wide(60)
    state = model.encode(long_and_wide(df.iloc[:50])[layout])
    twice = long_and_wide(df.iloc[[50, 51, 51]])[layout]
    refused(model, state, twice, str(df.index[51].date()))


@pytest.mark.parametrize("layout", ["long", "wide"])
@one_cell
def test_series_that_the_state_does_not_have(model, layout: str) -> None:
    df = wide(60, names=("a", "new one"))
    state = model.encode(long_and_wide(df.iloc[:50][["a"]])[layout])
    refused(model, state, long_and_wide(df.iloc[50:])[layout], "'new one'")


@pytest.mark.parametrize("layout", ["long", "wide"])
@one_cell
def test_stamps_off_the_grid(model, layout: str) -> None:
    df = wide(60)
    state = model.encode(long_and_wide(df.iloc[:50])[layout])
    for rows in (slice(50, 51), slice(50, 60)):
        off = df.iloc[rows].set_axis(df.index[rows] + pd.Timedelta(hours=5))
        refused(model, state, long_and_wide(off)[layout], "'a'", str(df.index[49].date()))


@one_cell
def test_hourly_rows_for_a_daily_state(model) -> None:
    df = wide(60)
    start = df.index[50]
    hourly = df.iloc[50:].set_axis(pd.date_range(start, periods=10, freq="h"))
    refused(model, model.encode(df.iloc[:50]), hourly, "'D'", "'h'")


@one_cell
def test_another_kind_of_time(model) -> None:
    df = wide(60)
    state = model.encode(df.iloc[:50])
    refused(model, state, df.iloc[50:].set_axis(df.index[50:].tz_localize("UTC")), "UTC")
    refused(model, state, df.iloc[50:].set_axis(pd.RangeIndex(50, 60)), "'D'")


@one_cell
def test_periods_for_a_state_of_stamps(model) -> None:
    df = wide(60)
    periods = df.iloc[50:].set_axis(df.index[50:].to_period("D"))
    refused(model, model.encode(df.iloc[:50]), periods, "period")


@one_cell
def test_new_rows_that_are_no_rows(model) -> None:
    df = wide(60)
    state = model.encode(df.iloc[:50])
    refused(model, state, df.iloc[50:50], "0 rows")
    refused(model, state, df.iloc[50:] * np.nan, "NaN")
    infinite = df.iloc[50:].copy()
    infinite.loc[infinite.index[3], "a"] = np.inf
    refused(model, state, infinite, "'a'", str(infinite.index[3].date()))


def test_a_state_and_a_frame(model) -> None:
    df = wide(60)
    state = model.encode(df)
    with pytest.raises(SettingError, match=r"df=.*state="):
        model.predict(3, df=df, state=state)
    with pytest.raises(SettingError, match=r"df=.*state="):
        model.sample(3, df=df, state=state, calibrated=False)


def test_the_state_of_another_model(model) -> None:
    other = type(model)(**SMALL, random_state=1).fit(wide(80))
    state = other.encode(wide(60))
    assert len(other.predict(3, state=state)) == 3
    for ask in (
        lambda: model.predict(3, state=state),
        lambda: model.sample(3, state=state, calibrated=False),
        lambda: model.update(state, wide(62).iloc[60:]),
        lambda: model.update(state, wide(62).iloc[60:], carry=True),
    ):
        with pytest.raises(StateError, match="encode"):
            ask()


def test_the_state_of_another_cell() -> None:
    with pytest.raises(StateError):
        fitted("gru").predict(3, state=fitted("lstm").encode(wide(60)))


@pytest.mark.slow
def test_a_state_from_before_a_second_fit() -> None:
    model = LSTMForecaster(**SMALL).fit(wide(80))
    state = model.encode(wide(60))
    model.fit(wide(80) ** 2)
    for carry in (False, True):
        with pytest.raises(StateError):
            model.update(state, wide(62).iloc[60:], carry=carry)
    with pytest.raises(StateError):
        model.predict(3, state=state)
    expected = model.predict(3, df=wide(80) ** 2)
    assert_close(model.predict(3), expected, wide(80) ** 2)  # nor is the first fit's state used


def test_weights_that_changed_since_fit() -> None:
    """As they do when a Trainer of one's own goes on: what was read with the old ones is void."""
    model = LSTMForecaster(**SMALL).fit(wide(80))
    state, before = model.encode(wide(80)), model.predict(HORIZON)
    with torch.no_grad():
        model.module_.network.recurrent.weight_hh_l0 *= -2.0
    with pytest.raises(StateError):
        model.predict(3, state=state)
    after = model.predict(HORIZON)
    assert not np.allclose(after, before)
    assert_close(after, model.predict(HORIZON, df=wide(80)), wide(80))


# ------------------------------------------------------------------------------------------ files

SAVED = {
    "wide": wide(60),
    "wide with ragged ends": wide(60).where(np.tri(60, 3, 1)[::-1] > 0),
    "series": wide(60)["b"],
    "long": ragged({"z": 50, "a": 30, "k": 4}, {"a": 3}),
    "multiindex": ragged({"z": 50, "a": 30}).set_index(KEY)["y"],
}


@pytest.mark.parametrize("layout", list(SAVED))
@one_cell
def test_a_loaded_state_forecasts_the_same_bit_by_bit(model, layout: str, tmp_path: Path) -> None:
    state = model.encode(SAVED[layout])
    path = tmp_path / "state.tsgen"
    tsgen.save_state(state, path)
    loaded = tsgen.load_state(path)
    assert isinstance(loaded, ForecastState)
    assert fingerprint(loaded) == fingerprint(state)
    got, expected = (model.predict(HORIZON, state=each) for each in (loaded, state))
    same = assert_series_equal if isinstance(got, pd.Series) else assert_frame_equal
    same(got, expected, check_exact=True)
    few: Any = {"num_samples": 3, "calibrated": False, "as_array": True}
    paths, others = (model.sample(4, state=each, **few) for each in (loaded, state))
    np.testing.assert_array_equal(paths, others)


@every_time
@pytest.mark.parametrize("carry", [False, True])
def test_a_loaded_state_is_updated_as_the_saved_one(time: str, carry: bool, tmp_path: Path) -> None:
    model, df = fitted("lstm", time), wide(60, time=time)
    for part, new in ((df.iloc[:50], df.iloc[50:]), (melted(df.iloc[:50]), melted(df.iloc[50:]))):
        state = model.encode(part)
        path = tmp_path / "state.tsgen"
        tsgen.save_state(state, path, overwrite=True)
        loaded = model.update(tsgen.load_state(path), new, carry=carry)
        expected = model.update(state, new, carry=carry)
        assert fingerprint(loaded) == fingerprint(expected)
        assert_frame_equal(
            model.predict(HORIZON, state=loaded),
            model.predict(HORIZON, state=expected),
            check_exact=True,
        )


def test_an_updated_state_is_saved(model, tmp_path: Path) -> None:
    df = wide(60)
    state = model.update(model.encode(df.iloc[:50]), df.iloc[50:], carry=True)
    tsgen.save_state(state, tmp_path / "state")
    loaded = tsgen.load_state(tmp_path / "state")
    assert_frame_equal(
        model.predict(HORIZON, state=loaded), model.predict(HORIZON, state=state), check_exact=True
    )


def test_a_loaded_model_takes_a_loaded_state(model, tmp_path: Path) -> None:
    state = model.encode(wide(60))
    model.save(tmp_path / "model")
    tsgen.save_state(state, tmp_path / "state")
    again, loaded = tsgen.load(tmp_path / "model"), tsgen.load_state(tmp_path / "state")
    expected = model.predict(HORIZON, state=state)
    assert_frame_equal(again.predict(HORIZON, state=loaded), expected, check_exact=True)
    assert_close(again.predict(HORIZON), model.predict(HORIZON), wide(80))


def test_a_loaded_state_of_another_model_is_refused(tmp_path: Path) -> None:
    tsgen.save_state(fitted("lstm").encode(wide(60)), tmp_path / "state")
    with pytest.raises(StateError):
        fitted("gru").predict(3, state=tsgen.load_state(tmp_path / "state"))


def test_a_file_is_replaced_only_on_request(model, tmp_path: Path) -> None:
    path = tmp_path / "state"
    first, second = model.encode(wide(60)), model.encode(wide(50))
    tsgen.save_state(first, path)
    content = path.read_bytes()
    with pytest.raises(ModelExistsError, match="overwrite"):
        tsgen.save_state(second, path)
    assert path.read_bytes() == content
    tsgen.save_state(second, path, overwrite=True)
    assert fingerprint(tsgen.load_state(path)) == fingerprint(second)


def test_a_model_is_no_state_and_a_state_no_model(model, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    tsgen.save_state(model.encode(wide(60)), tmp_path / "state")
    with pytest.raises(ModelFileError, match=type(model).__name__):
        tsgen.load_state(tmp_path / "model")
    for load in (tsgen.load, type(model).load):
        with pytest.raises(ModelFileError, match="state"):
            load(tmp_path / "state")


@one_cell
def test_a_damaged_state_is_refused(model, tmp_path: Path) -> None:
    path = tmp_path / "state"
    tsgen.save_state(model.encode(wide(60)), path)
    content = path.read_bytes()
    for damaged in (content[:-40], content[: len(content) // 2], b"", b"no file of tsgen" * 9):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            tsgen.load_state(path)


@one_cell
def test_a_bit_that_flips_is_noticed_or_without_effect(model, tmp_path: Path) -> None:
    """A zip's headers have bytes that say nothing, such as the time of writing."""
    path = tmp_path / "state"
    state = model.encode(wide(60))
    tsgen.save_state(state, path)
    content, refusals = path.read_bytes(), 0
    positions = np.random.default_rng(0).integers(0, len(content), 60)
    for position in positions:
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        try:
            assert fingerprint(tsgen.load_state(path)) == fingerprint(state)
        except ModelFileError:
            refusals += 1
    assert refusals > 30


def assert_exact_layout(got: Any, expected: Any) -> None:
    """The same labels, and values that differ in the last digits alone."""
    same = assert_series_equal if isinstance(got, pd.Series) else assert_frame_equal
    same(got, expected, check_exact=False, rtol=1e-5, atol=1e-5)
