"""Values of the horizon that are known: they stand in the forecast, and the loop follows them."""

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

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import FrameError
from tsgen.testing import panels

CLASSES = {"lstm": LSTMForecaster, "gru": GRUForecaster}
SMALL = {"max_steps": 10, "hidden_size": 8, "context_length": 20, "lags": [3, 7], "verbose": False}
KEY = ["unique_id", "ds"]
HORIZON = 12

properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)


TIMES = {
    "daily": lambda rows: pd.date_range("2021-01-01", periods=rows),
    "month ends": lambda rows: pd.date_range("2001-01-31", periods=rows, freq="ME"),
    "hourly with a zone": lambda rows: pd.date_range(
        "2021-03-26", periods=rows, freq="h", tz="Europe/Berlin"
    ),
    "months": lambda rows: pd.period_range("2001-01", periods=rows, freq="M"),
    "integers": lambda rows: pd.RangeIndex(100, 100 + 5 * rows, 5),
}


def wide(rows: int = 60, time: str = "daily") -> pd.DataFrame:
    """Three noisy seasons of 7 at scales that differ by far; the columns are out of order."""
    columns = {}
    for name, level, scale in (("c", 100.0, 1.0), ("a", 5.0, 10.0), ("b", -3.0, 0.1)):
        noise = np.random.default_rng(ord(name)).normal(0, 0.3, rows)
        columns[name] = level + scale * (np.sin(2 * np.pi * np.arange(rows) / 7) + noise)
    return pd.DataFrame(columns, index=TIMES[time](rows))


def horizon_of(time: str = "daily", rows: int = 60) -> pd.Index:
    """The stamps of a forecast of ``wide(rows)``."""
    return TIMES[time](rows + HORIZON)[rows:]


def melted(df: pd.DataFrame) -> pd.DataFrame:
    long = df.rename_axis(index="ds", columns="unique_id").reset_index()
    return long.melt("ds", value_name="y")[["unique_id", "ds", "y"]]


@cache
def fitted(cell: str = "lstm", layers: int = 1, residual: str = "seasonal", time: str = "daily"):
    """Each fitted once; never to be fitted again."""
    model = CLASSES[cell](**SMALL, num_layers=layers, residual=residual, season_length=7)
    return model.fit(wide(60, time))


@pytest.fixture(params=["lstm", "gru"])
def model(request: pytest.FixtureRequest):
    return fitted(request.param)


one_cell = pytest.mark.parametrize("model", ["lstm"], indirect=True)


def cells(*known: tuple[str, int, float]) -> pd.DataFrame:
    """A long frame of (series, step of the horizon from 0, value)."""
    names, steps, values = zip(*known, strict=True)
    times = horizon_of()[list(steps)]
    return pd.DataFrame({"unique_id": names, "ds": times, "y": np.asarray(values)})


def scales() -> pd.Series:
    return wide().std()


def assert_close(got: pd.DataFrame, expected: pd.DataFrame, tolerance: float = 1e-6) -> None:
    """Wide forecasts that differ by less than this much of each series' scale."""
    assert got.index.equals(expected.index)
    assert list(got.columns) == list(expected.columns)
    error = (got - expected).abs() / scales()[got.columns]
    assert error.to_numpy().max(initial=0.0) <= tolerance, f"\n{error.max()}"


# --------------------------------------------------------------------------------- what is given


@pytest.mark.parametrize("cell", list(CLASSES))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("residual", ["last", "seasonal", None])
def test_a_given_value_stands_and_is_followed(cell: str, layers: int, residual: str) -> None:
    model, df = fitted(cell, layers, residual), wide()
    free = model.predict(HORIZON, df=df)
    value = free["a"].iloc[4] + 2 * scales()["a"]
    got = model.predict(HORIZON, df=df, given=cells(("a", 4, value)))
    assert got["a"].iloc[4] == value
    assert_close(got.iloc[:4], free.iloc[:4])
    moved = (got["a"] - free["a"]).abs().iloc[5:]
    assert moved.max() > 1e-4 * scales()["a"]
    assert_close(got[["c", "b"]], free[["c", "b"]])


@pytest.mark.parametrize("cell", list(CLASSES))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("residual", ["last", "seasonal"])
@pytest.mark.parametrize("rows", [1, 5])
def test_given_the_next_rows_is_carrying_on(
    cell: str, layers: int, residual: str, rows: int
) -> None:
    """Both feed them to the network from where it stands, in the units of its context."""
    model, df = fitted(cell, layers, residual), wide(60 + rows)
    state = model.encode(df.iloc[:60])
    got = model.predict(HORIZON, state=state, given=df.iloc[60:])
    assert_frame_equal(got.iloc[:rows], df.iloc[60:], check_exact=True)
    read_on = model.predict(HORIZON - rows, state=model.update(state, df.iloc[60:], carry=True))
    assert_close(got.iloc[rows:], read_on, 1e-5)


def test_a_residual_on_the_last_value_starts_from_the_given_one() -> None:
    """With a loop that hardly moves, what follows a jump stays up there."""
    model, df = fitted("lstm", 1, "last"), wide()
    free = model.predict(HORIZON, df=df)["a"]
    value = free.iloc[2] + 50.0
    got = model.predict(HORIZON, df=df, given=cells(("a", 2, value)))["a"]
    assert got.iloc[3] - free.iloc[3] > 25.0


def test_a_seasonal_residual_shows_the_given_value_a_season_on() -> None:
    model, df = fitted("lstm", 1, "seasonal"), wide()
    free = model.predict(HORIZON, df=df)["a"]
    value = free.iloc[2] + 50.0
    got = model.predict(HORIZON, df=df, given=cells(("a", 2, value)))["a"]
    assert got.iloc[9] - free.iloc[9] > 25.0
    assert (got - free).iloc[3:9].abs().max() < 25.0


def test_several_cells_of_several_series(model) -> None:
    known = cells(("a", 3, 9.0), ("b", 0, -3.0), ("a", 10, 4.0), ("b", 11, -2.9))
    free = model.predict(HORIZON, df=wide())
    got = model.predict(HORIZON, df=wide(), given=known)
    assert got["a"].iloc[[3, 10]].tolist() == [9.0, 4.0]
    assert got["b"].iloc[[0, 11]].tolist() == [-3.0, -2.9]
    assert_close(got[["a"]].iloc[:3], free[["a"]].iloc[:3])
    assert (got["b"].iloc[1:11] != free["b"].iloc[1:11]).all()
    assert_close(got[["c"]], free[["c"]])


def test_steps_between_two_given_ones_do_not_see_the_later_one(model) -> None:
    one = model.predict(HORIZON, df=wide(), given=cells(("a", 3, 9.0)))
    two = model.predict(HORIZON, df=wide(), given=cells(("a", 3, 9.0), ("a", 8, -20.0)))
    assert_close(two.iloc[:8], one.iloc[:8])
    assert (two["a"].iloc[9:] != one["a"].iloc[9:]).any()


def test_all_cells_given_are_the_forecast(model) -> None:
    known = wide(60 + HORIZON).iloc[60:]
    got = model.predict(HORIZON, df=wide(), given=known)
    assert_frame_equal(got, known, check_exact=True, check_freq=False)


def test_given_what_is_forecast_changes_nothing(model) -> None:
    free = model.predict(HORIZON, df=wide())
    some = free.where(np.random.default_rng(0).random(free.shape) < 0.5)
    assert_close(model.predict(HORIZON, df=wide(), given=some), free, 1e-5)


def test_nothing_known_is_nothing_given(model) -> None:
    free = model.predict(HORIZON, df=wide())
    nothing = free * np.nan
    for known in (nothing, melted(nothing), nothing.iloc[:1], nothing[["b"]]):
        assert_frame_equal(model.predict(HORIZON, df=wide(), given=known), free, check_exact=True)


def test_a_shorter_horizon_is_the_start_of_a_longer_one(model) -> None:
    known = cells(("a", 3, 9.0), ("b", 1, -3.0))
    long, short = (model.predict(steps, df=wide(), given=known) for steps in (HORIZON, 5))
    assert_close(short, long.iloc[:5])


def test_the_training_series_and_a_state_take_given_values(model) -> None:
    known = cells(("a", 3, 9.0))
    expected = model.predict(HORIZON, df=wide(), given=known)
    assert_close(model.predict(HORIZON, given=known), expected)
    state = model.encode(wide())
    got = model.predict(HORIZON, state=state, given=known)
    assert_frame_equal(got, expected, check_exact=True)
    # and the state knows nothing of what was assumed
    assert_frame_equal(
        model.predict(HORIZON, state=state), model.predict(HORIZON, df=wide()), check_exact=True
    )


def test_the_given_frame_is_not_changed(model) -> None:
    for known in (cells(("b", 5, 1.0), ("a", 3, 9.0)), wide(65).iloc[60:].iloc[::-1]):
        before = known.copy(deep=True)
        model.predict(HORIZON, df=wide(), given=known)
        assert_frame_equal(known, before, check_exact=True)


@pytest.mark.parametrize("value", [1e6, -1e6])
def test_a_given_value_far_away_is_not_held_back(model, value: float) -> None:
    """Limits are for a loop that runs away: no warning about what somebody assumed."""
    got = model.predict(HORIZON, df=wide(), given=cells(("a", HORIZON - 1, value)))
    assert got["a"].iloc[-1] == value


def test_a_constant_series_shows_the_given_value(model) -> None:
    df = wide().assign(b=4.5)
    got = model.predict(HORIZON, df=df, given=cells(("b", 3, 6.0), ("b", 4, 4.5)))
    assert got["b"].iloc[3] == 6.0
    np.testing.assert_allclose(got["b"].drop(got.index[3]), 4.5, rtol=1e-12)
    assert_close(got[["c", "a"]], model.predict(HORIZON, df=df)[["c", "a"]])


@pytest.mark.slow
@properties
@given(df=panels(freq=["D"], stagger=3), seed=st.integers(0, 2**32 - 1))
def test_any_panel_follows_what_is_given(df: pd.DataFrame, seed: int) -> None:
    """Given its own forecast it stays; given something else it moves from there on alone."""
    random = np.random.default_rng(seed)
    model = fitted(random.choice(list(CLASSES)))
    free = model.predict(8, df=df)
    some = free.iloc[random.permutation(len(free))[: random.integers(1, len(free) + 1)]]
    scale = df.groupby("unique_id", observed=True)["y"].agg(
        lambda y: max(y.std(), 1e-9 * y.abs().max())
    )
    scale = free["unique_id"].astype(object).map(scale).to_numpy(dtype=np.float64)
    same = model.predict(8, df=df, given=some)
    assert (np.abs(same["y"] - free["y"]) <= 1e-5 * scale).all()

    row = random.integers(len(free))
    value = free["y"].iloc[row] + scale[row]
    moved = model.predict(8, df=df, given=free.iloc[[row]].assign(y=value))
    assert moved["y"].iloc[row] == value
    others = (free["unique_id"] != free["unique_id"].iloc[row]) | (
        free["ds"] < free["ds"].iloc[row]
    )
    assert (np.abs(moved["y"] - free["y"])[others] <= 1e-5 * scale[others]).all()


# ---------------------------------------------------------------------------------------- layouts

LAYOUTS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "wide": lambda df: df,
    "long": melted,
    "long, columns in another order": lambda df: melted(df)[["y", "ds", "unique_id"]],
    "multiindex, frame": lambda df: melted(df).set_index(KEY),
    "multiindex, series": lambda df: melted(df).set_index(KEY)["y"],
    "long, known rows alone": lambda df: melted(df).dropna(),
    "long, shuffled": lambda df: melted(df).sample(frac=1, random_state=0),
    "wide, shuffled": lambda df: df.sample(frac=1, random_state=0)[["b", "c", "a"]],
    "wide, known columns alone": lambda df: df.dropna(axis=1, how="all"),
    "wide, known rows alone": lambda df: df.dropna(how="all"),
}


def some_known(time: str = "daily") -> pd.DataFrame:
    known = pd.DataFrame(np.nan, index=horizon_of(time), columns=["c", "a", "b"])
    known.iloc[3, 1], known.iloc[7, 1], known.iloc[0, 2] = 9.0, 2.0, -3.5
    return known


@pytest.mark.parametrize("layout", list(LAYOUTS))
@one_cell
def test_every_layout_of_what_is_given(model, layout: str) -> None:
    expected = model.predict(HORIZON, df=wide(), given=some_known())
    assert expected["a"].iloc[[3, 7]].tolist() == [9.0, 2.0]
    assert expected["b"].iloc[0] == -3.5
    got = model.predict(HORIZON, df=wide(), given=LAYOUTS[layout](some_known()))
    assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize("layout", list(LAYOUTS))
@one_cell
def test_every_layout_for_a_long_frame(model, layout: str) -> None:
    df = melted(wide()).sample(frac=1, random_state=1)
    expected = model.predict(HORIZON, df=wide(), given=some_known())
    got = model.predict(HORIZON, df=df, given=LAYOUTS[layout](some_known()))
    assert_close(got.pivot(index="ds", columns="unique_id", values="y")[["c", "a", "b"]], expected)


@pytest.mark.parametrize("time", list(TIMES))
def test_every_kind_of_time(time: str) -> None:
    model, known = fitted(time=time), some_known(time)
    free = model.predict(HORIZON, df=wide(time=time))
    got = model.predict(HORIZON, df=wide(time=time), given=known)
    assert got.index.equals(known.index)
    there = known.notna()
    assert_frame_equal(got[there], known, check_exact=True, check_freq=False)
    assert_close(got[["c"]], free[["c"]])
    assert_close(got[["a"]].iloc[:3], free[["a"]].iloc[:3])
    long = model.predict(HORIZON, df=wide(time=time), given=melted(known).dropna())
    assert_frame_equal(long, got, check_exact=True)


@one_cell
def test_one_series_without_ids(model) -> None:
    y = wide()["a"].rename("sales")
    known = some_known()["a"]
    expected = model.predict(HORIZON, df=wide(), given=some_known())["a"]
    rows = known.rename_axis("ds").rename("y").reset_index()
    history = y.rename_axis("ds").rename("y").reset_index()
    for given_ in (known, known.rename("sales"), known.dropna(), rows, rows.dropna()):
        got = model.predict(HORIZON, df=y, given=given_)
        assert isinstance(got, pd.Series)
        assert got.name == "sales"
        assert_close(got.to_frame("a"), expected.to_frame("a"))
        got = model.predict(HORIZON, df=history, given=given_)
        assert_close(got.set_index("ds").rename(columns={"y": "a"}), expected.to_frame("a"))


def test_one_series_with_an_id_needs_none(model) -> None:
    """One series can't be mistaken for another."""
    expected = model.predict(HORIZON, df=wide()[["a"]], given=some_known()[["a"]])
    got = model.predict(HORIZON, df=wide()[["a"]], given=some_known()["a"])
    assert_frame_equal(got, expected, check_exact=True)


def test_columns_of_other_names() -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sales"}
    columns: Any = {"id_col": "shop", "time_col": "day", "target_col": "sales"}
    df = melted(wide()).rename(columns=names)
    model = LSTMForecaster(**SMALL).fit(df, **columns)
    known = melted(some_known()).dropna().rename(columns=names)
    got = model.predict(HORIZON, given=known).merge(known, on=["shop", "day"])
    assert len(got) == 3
    assert got["sales_x"].tolist() == got["sales_y"].tolist()


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float32", "Float64", "object"])
@one_cell
def test_given_values_of_any_type(model, dtype: str) -> None:
    known = cells(("a", 3, 9.0), ("b", 0, -3.0))
    expected = model.predict(HORIZON, df=wide(), given=known)
    got = model.predict(HORIZON, df=wide(), given=known.astype({"y": dtype}))
    assert_frame_equal(got, expected, check_exact=True)


@one_cell
def test_missing_values_of_any_type(model) -> None:
    known = cells(("a", 3, 9.0), ("b", 0, -3.0))
    expected = model.predict(HORIZON, df=wide(), given=known)
    for dtype in ("Int64", "Float64", "object"):
        more = cells(("a", 3, 9.0), ("c", 5, 0.0), ("b", 0, -3.0)).astype({"y": dtype})
        more.loc[1, "y"] = None if dtype == "object" else pd.NA
        got = model.predict(HORIZON, df=wide(), given=more)
        assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
@one_cell
def test_ids_of_any_type(model, dtype: str) -> None:
    known = cells(("a", 3, 9.0), ("b", 0, -3.0))
    expected = model.predict(HORIZON, df=melted(wide()), given=known)
    got = model.predict(HORIZON, df=melted(wide()), given=known.astype({"unique_id": dtype}))
    assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@one_cell
def test_stamps_of_another_resolution(model, unit: str) -> None:
    known = some_known()
    expected = model.predict(HORIZON, df=wide(), given=known)
    known.index = known.index.as_unit(unit)
    got = model.predict(HORIZON, df=wide(), given=known)
    assert_frame_equal(got, expected, check_exact=True)


def test_stamps_in_another_zone() -> None:
    model, time = fitted(time="hourly with a zone"), "hourly with a zone"
    expected = model.predict(HORIZON, df=wide(time=time), given=some_known(time))
    known = some_known(time).tz_convert("UTC")
    got = model.predict(HORIZON, df=wide(time=time), given=known)
    assert_frame_equal(got, expected, check_exact=True)


# ------------------------------------------------------------------------------------ ragged ends


def ragged() -> pd.DataFrame:
    df = wide()
    df.loc[df.index[-4:], "b"] = np.nan
    df.loc[df.index[:9], "a"] = np.nan
    return df


def test_a_wide_frame_with_ragged_ends(model) -> None:
    """The column that ends early is rolled through its missing rows; stamps stay stamps."""
    free = model.predict(HORIZON, df=ragged())
    known = cells(("b", 2, -2.5), ("a", 5, 8.0))
    got = model.predict(HORIZON, df=ragged(), given=known)
    assert got["b"].iloc[2] == -2.5
    assert got["a"].iloc[5] == 8.0
    assert_close(got[["b"]].iloc[:2], free[["b"]].iloc[:2])
    assert_close(got[["a"]].iloc[:5], free[["a"]].iloc[:5])
    assert_close(got[["c"]], free[["c"]])
    # alone, it has no end but its own
    alone = model.predict(HORIZON + 4, df=ragged()[["b"]].dropna(), given=known.iloc[:1])
    assert_close(got[["b"]], alone.iloc[4:], 1e-5)
    assert (got["b"].iloc[3:] != free["b"].iloc[3:]).any()


def test_ragged_ends_of_a_long_frame(model) -> None:
    """Each series has a horizon of its own."""
    df = melted(ragged()).dropna()
    first = wide().index[-4]  # the first step of b, history of the others
    known = pd.DataFrame({"unique_id": ["b"], "ds": [first], "y": [-2.5]})
    got = model.predict(HORIZON, df=df, given=known)
    b = got[got["unique_id"] == "b"]
    assert b["ds"].iloc[0] == first
    assert b["y"].iloc[0] == -2.5
    with pytest.raises(FrameError, match="'a'"):
        model.predict(HORIZON, df=df, given=known.assign(unique_id="a"))
    with pytest.raises(FrameError, match="'b'"):
        model.predict(HORIZON, df=df, given=cells(("b", HORIZON - 1, 1.0)))


def test_a_gap_before_a_wide_horizon_is_not_the_horizon(model) -> None:
    stamp = ragged().index[-2]
    known = pd.DataFrame({"b": [-2.5]}, index=[stamp])
    refused(model, known, "'b'", str(stamp.date()), df=ragged())


# ------------------------------------------------------------------------------------------ paths


def test_paths_show_what_is_given(model) -> None:
    few: Any = {"num_samples": 6, "calibrated": False, "as_array": True, "df": wide()}
    free = model.sample(HORIZON, **few)
    got = model.sample(HORIZON, given=cells(("a", 4, 9.0)), **few)
    assert (got[1, :, 4] == 9.0).all()  # a is the second column
    scale = scales().to_numpy()[:, None, None]
    before, others = np.s_[:, :, :4], np.s_[[0, 2]]
    assert (np.abs(got - free)[before] <= 1e-6 * scale).all()
    assert (np.abs(got - free)[others] <= 1e-6 * scale[[0, 2]]).all()
    assert (got[1, :, 5:] != free[1, :, 5:]).any(axis=1).all()


@pytest.mark.slow
def test_an_interval_closes_on_what_is_given() -> None:
    model = LSTMForecaster(**SMALL).fit(wide())
    known = cells(("a", 4, 9.0))
    got = model.predict(HORIZON, given=known, level=80)["a"]
    assert got.iloc[4].tolist() == [9.0, 9.0, 9.0]
    width = got["y-hi-80"] - got["y-lo-80"]
    assert (width.drop(got.index[4]) > 0).all()
    assert_series_equal(got["y"], model.predict(HORIZON, given=known)["a"], check_names=False)


# ----------------------------------------------------------------------------------------- errors


def refused(model, known: Any, *needles: str, df: pd.DataFrame | None = None) -> None:
    """The frame is refused, and the message holds every needle."""
    with pytest.raises(FrameError) as caught:
        model.predict(HORIZON, df=wide() if df is None else df, given=known)
    missing = [needle for needle in needles if needle not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


def both_layouts(name: str, stamp: Any, value: Any) -> list[pd.DataFrame]:
    """One value, long and wide, beside another that can be used."""
    stamps = pd.DatetimeIndex([horizon_of()[1], stamp])
    long = pd.DataFrame({"unique_id": ["a", name], "ds": stamps, "y": [5.0, value]})
    wide_ = pd.DataFrame({"a": [5.0, np.nan], name: [np.nan, value]}, index=stamps)
    if name == "a":
        wide_ = pd.DataFrame({"a": [5.0, value]}, index=stamps)
    return [long, wide_, long.set_index(KEY)]


@pytest.mark.parametrize(
    "stamp",
    [wide().index[-1], wide().index[0], horizon_of()[-1] + pd.Timedelta(days=1), "1999-01-01"],
    ids=["the last row", "the first row", "one step beyond", "long ago"],
)
@one_cell
def test_stamps_outside_of_the_horizon(model, stamp: Any) -> None:
    stamp = pd.Timestamp(stamp)
    for known in both_layouts("b", stamp, -3.0):
        refused(model, known, "'b'", str(stamp.date()))


def test_stamps_of_a_longer_horizon(model) -> None:
    with pytest.raises(FrameError, match="'a'"):
        model.predict(3, df=wide(), given=cells(("a", 3, 9.0)))
    assert model.predict(4, df=wide(), given=cells(("a", 3, 9.0)))["a"].iloc[3] == 9.0


@one_cell
def test_a_stamp_off_the_grid(model) -> None:
    stamp = horizon_of()[2] + pd.Timedelta(hours=7)
    for known in both_layouts("b", stamp, -3.0):
        refused(model, known, "'b'", str(stamp))


def test_months_that_end_otherwise() -> None:
    """The 15th is no end of a month."""
    known = pd.DataFrame({"a": [1.0]}, index=[horizon_of("month ends")[0] - pd.Timedelta(days=15)])
    with pytest.raises(FrameError, match="'a'"):
        fitted(time="month ends").predict(HORIZON, given=known)


@one_cell
def test_a_series_that_is_not_forecast(model) -> None:
    for known in both_layouts("nobody", horizon_of()[3], 1.0):
        refused(model, known, "'nobody'")
    refused(model, pd.DataFrame({"Nobody": [1.0]}, index=horizon_of()[:1]), "'Nobody'")


@one_cell
def test_a_stamp_that_comes_twice(model) -> None:
    known = cells(("a", 3, 9.0), ("b", 3, 1.0), ("a", 3, 8.0))
    stamp = str(horizon_of()[3].date())
    refused(model, known, stamp)
    refused(model, known, "'a'")
    twice = some_known().iloc[[3, 3]]
    refused(model, twice, stamp)
    model.predict(HORIZON, df=wide(), given=known.iloc[:2])  # the same stamp of two series is fine


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@one_cell
def test_infinite_values(model, value: float) -> None:
    for known in both_layouts("b", horizon_of()[2], value):
        refused(model, known, str(horizon_of()[2].date()))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@one_cell
def test_infinite_values_say_of_which_series(model, value: float) -> None:
    for known in both_layouts("b", horizon_of()[2], value):
        refused(model, known, "'b'")


@one_cell
def test_text(model) -> None:
    for known in both_layouts("b", horizon_of()[2], "high"):
        refused(model, known, "high")


@one_cell
def test_text_says_where(model) -> None:
    for known in both_layouts("b", horizon_of()[2], "high"):
        refused(model, known, "'b'", str(horizon_of()[2].date()))


def test_no_ids_for_several_series(model) -> None:
    refused(model, some_known()["a"], "ids")
    refused(model, cells(("a", 3, 9.0)).drop(columns="unique_id"), "ids")


def test_another_kind_of_time(model) -> None:
    known = some_known()
    refused(model, known.tz_localize("UTC"), "UTC")
    refused(model, known.set_axis(pd.RangeIndex(HORIZON)))


def test_no_rows(model) -> None:
    refused(model, some_known().iloc[:0], "0 rows")


@pytest.mark.parametrize("known", [{"a": [1.0]}, [1.0], 3.0])
def test_what_is_no_frame(model, known: Any) -> None:
    with pytest.raises(TypeError, match="pandas"):
        model.predict(HORIZON, df=wide(), given=known)
