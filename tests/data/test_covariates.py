"""What is known beside the target: how it is read in every layout, and what can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.preprocessing import Binarizer, FunctionTransformer

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import FrameError, ScalerError, SettingError

HORIZON = 6
KEY = ["unique_id", "ds"]
TINY = {
    "max_steps": 2, "hidden_size": 8, "context_length": 8, "lags": [1, 2], "season_length": 1,
    "val_size": None, "verbose": False,
}  # fmt: skip
ROLES = {
    "future_covariates": ["price", "promo"],
    "past_covariates": ["weather"],
    "static_covariates": ["region", "size"],
}
LENGTHS = {"b": 40, "a": 33, "c": 36}
REGIONS = {"b": "north", "a": "south", "c": "north"}
SIZES = {"b": 3.0, "a": 1.0, "c": 8.0}

properties = settings(max_examples=5, deadline=None, derandomize=True, database=None)


@cache
def known_rows() -> pd.DataFrame:
    """A history and what comes after it, of three series that begin and end at different days."""
    parts = []
    for name, rows in LENGTHS.items():
        random = np.random.default_rng(ord(name))
        total = rows + HORIZON
        price = random.normal(5.0, 2.0, total)
        promo = random.choice(["none", "tv", "web"], total)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": name,
                    "ds": pd.date_range("2024-01-01", periods=total) + pd.Timedelta(days=ord(name)),
                    "y": 10 + price + 3.0 * (promo == "tv") + random.normal(0, 0.3, total),
                    "price": price,
                    "promo": promo,
                    "weather": random.normal(0, 1, total).cumsum(),
                    "region": REGIONS[name],
                    "size": SIZES[name],
                    "ahead": np.arange(total) >= rows,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def history() -> pd.DataFrame:
    rows = known_rows()
    return rows[~rows["ahead"]].drop(columns="ahead").reset_index(drop=True)


def future() -> pd.DataFrame:
    """What is known of the days of the forecast."""
    rows = known_rows()
    return rows.loc[rows["ahead"], [*KEY, "price", "promo"]].reset_index(drop=True)


def shared(rows: int = 40, series: tuple[str, ...] = ("b", "a")) -> pd.DataFrame:
    """Long: series over the same days, with covariates that all of them share."""
    random = np.random.default_rng(7)
    total = rows + HORIZON
    times = pd.date_range("2024-01-01", periods=total)
    known = {
        "price": random.normal(5, 2, total),
        "promo": random.choice(["none", "tv"], total),
        "weather": random.normal(0, 1, total),
    }
    parts = [
        pd.DataFrame({"unique_id": name, "ds": times, "y": random.normal(3, 1, total), **known})
        for name in series
    ]
    return pd.concat(parts, ignore_index=True)


def split(df: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is known today, and of the days to come."""
    cutoff = df["ds"].sort_values().unique()[-HORIZON]
    return df[df["ds"] < cutoff].reset_index(drop=True), df[df["ds"] >= cutoff].drop(columns="y")


def as_wide(df: pd.DataFrame, covariates: list[str]) -> pd.DataFrame:
    """A column per series, in the order of their first rows, and one for each covariate."""
    wide = df.pivot(index="ds", columns="unique_id", values="y")[list(df["unique_id"].unique())]
    known = df.drop_duplicates("ds").set_index("ds")[covariates]
    return pd.concat([wide, known], axis=1)


def numbers(frame: pd.DataFrame | pd.Series) -> Any:
    """Forecasts alone, in the order of ids and stamps."""
    if "unique_id" in frame:
        frame = frame.sort_values(KEY)
    return frame["y"].to_numpy(dtype=float)


def moved(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """How far forecasts lie apart, by series and stamp."""
    return (one.set_index(KEY)["y"] - other.set_index(KEY)["y"]).abs()


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    """Of all roles; never to be fitted again."""
    return LSTMForecaster(**TINY).fit(history(), **ROLES)


@pytest.fixture(scope="module")
def forecast(model: LSTMForecaster) -> pd.DataFrame:
    return model.predict(HORIZON, future_df=future())


@pytest.fixture(scope="module")
def on_price() -> LSTMForecaster:
    """Of the one future covariate, shared by two series."""
    df, _ = split(shared())
    return LSTMForecaster(**TINY).fit(df, future_covariates="price")


# ------------------------------------------------------------------------------- what comes out


def test_the_forecast_has_the_columns_of_ids_times_and_the_target(forecast: pd.DataFrame) -> None:
    assert forecast.columns.tolist() == ["unique_id", "ds", "y"]
    assert forecast["unique_id"].drop_duplicates().tolist() == ["b", "a", "c"]
    assert_frame_equal(forecast[KEY], future()[KEY])
    assert np.isfinite(forecast["y"]).all()


def test_frames_are_never_changed() -> None:
    df, ahead = history(), future()
    table = df.drop_duplicates("unique_id").set_index("unique_id")[["region", "size"]]
    copies = df.copy(), ahead.copy(), table.copy()
    model = LSTMForecaster(**TINY, calendar="auto")
    model.fit(df, **{**ROLES, "static_covariates": table})
    model.predict(HORIZON, df=df, future_df=ahead)
    model.update(model.encode(df[df["ds"] < "2024-04-20"]), df[df["ds"] >= "2024-04-20"])
    for frame, copy in zip((df, ahead, table), copies, strict=True):
        assert_frame_equal(frame, copy)


@pytest.mark.parametrize("column", ["price", "promo"])
@pytest.mark.parametrize("step", [0, 2, HORIZON - 1])
def test_a_future_covariate_moves_the_forecast_from_its_stamp_on(
    model: LSTMForecaster, forecast: pd.DataFrame, column: str, step: int
) -> None:
    changed = future()
    if column == "price":
        changed.loc[step, "price"] += 3.0
    else:
        changed.loc[step, "promo"] = "tv" if changed.loc[step, "promo"] == "web" else "web"
    other = moved(forecast, model.predict(HORIZON, future_df=changed))
    assert (other["b"].iloc[:step] == 0).all()
    assert (other["b"].iloc[step:] > 0).all()
    assert (other[["a", "c"]] == 0).all()


def test_the_value_of_the_row_before_is_all_that_a_past_covariate_tells(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    df = history()
    last = df.index[df["unique_id"] == "a"][-1]
    df.loc[last, "weather"] += 2.0
    other = moved(forecast, model.predict(HORIZON, df=df, future_df=future()))
    assert (other["a"] > 0).all()
    assert (other[["b", "c"]] == 0).all()


def test_static_covariates_of_a_frame_are_used(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    for changed in ({"region": "north"}, {"size": 5.0}):
        df = history()
        df.loc[df["unique_id"] == "a", list(changed)] = list(changed.values())
        other = moved(forecast, model.predict(HORIZON, df=df, future_df=future()))
        assert (other["a"] > 0).all()
        assert (other[["b", "c"]] == 0).all()


@pytest.mark.parametrize("role", ["future_covariates", "past_covariates", "static_covariates"])
def test_one_name_needs_no_list(role: str) -> None:
    df = history()
    column = ROLES[role][-1]
    ahead = future() if role == "future_covariates" else None
    found = [
        LSTMForecaster(**TINY).fit(df, **{role: names}).predict(HORIZON, future_df=ahead)
        for names in (column, [column], pd.Index([column]))
    ]
    for other in found[1:]:
        assert_frame_equal(found[0], other)


def test_a_covariate_that_is_not_named_is_not_read() -> None:
    """As in every release before: further columns of a long frame are nobody's concern."""
    df = history()
    df["promo"] = [object() for _ in range(len(df))]
    plain = LSTMForecaster(**TINY).fit(df[[*KEY, "y"]]).predict(HORIZON)
    assert_frame_equal(LSTMForecaster(**TINY).fit(df).predict(HORIZON), plain)


# --------------------------------------------------------------------------------------- layouts


def test_rows_under_a_multiindex_are_rows_of_a_long_frame(forecast: pd.DataFrame) -> None:
    indexed = LSTMForecaster(**TINY).fit(history().set_index(KEY), **ROLES)
    for ahead in (future().set_index(KEY), future().set_index(KEY[::-1]), future()):
        found = indexed.predict(HORIZON, future_df=ahead)
        assert found.columns.tolist() == ["y"]
        assert_frame_equal(found.reset_index(), forecast)


def test_the_order_of_rows_and_columns_says_nothing(forecast: pd.DataFrame) -> None:
    df = history().sample(frac=1, random_state=1)
    ahead = future().sample(frac=1, random_state=2)[["promo", "ds", "price", "unique_id"]]
    model = LSTMForecaster(**TINY).fit(df[df.columns[::-1]], **ROLES)
    found = model.predict(HORIZON, future_df=ahead)
    np.testing.assert_array_equal(numbers(found), numbers(forecast))


def test_names_of_columns_are_free(forecast: pd.DataFrame) -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sold", "price": "the price", "region": "Land"}
    model = LSTMForecaster(**TINY).fit(
        history().rename(columns=names),
        id_col="shop", time_col="day", target_col="sold",
        future_covariates=["the price", "promo"], past_covariates="weather",
        static_covariates=["Land", "size"],
    )  # fmt: skip
    found = model.predict(HORIZON, future_df=future().rename(columns=names))
    assert_frame_equal(found, forecast.rename(columns=names))


@pytest.mark.slow
def test_covariate_columns_of_a_wide_frame_belong_to_all_series() -> None:
    df, ahead = split(shared())
    roles = {"future_covariates": ["price", "promo"], "past_covariates": "weather"}
    long = LSTMForecaster(**TINY).fit(df, **roles).predict(HORIZON, future_df=ahead)
    wide = as_wide(df, ["price", "promo", "weather"])
    once = ahead.drop_duplicates("ds")[["ds", "price", "promo"]]
    for known in (once, once.set_index("ds"), once.set_index("ds").rename_axis(None), ahead):
        found = LSTMForecaster(**TINY).fit(wide, **roles).predict(HORIZON, future_df=known)
        assert found.columns.tolist() == ["b", "a"]
        expected = long.pivot(index="ds", columns="unique_id", values="y")[["b", "a"]]
        np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())


def test_where_covariate_columns_stand_in_a_wide_frame_says_nothing() -> None:
    df, ahead = split(shared())
    wide = as_wide(df, ["price", "weather"])
    roles = {"future_covariates": "price", "past_covariates": "weather"}
    expected = LSTMForecaster(**TINY).fit(wide, **roles).predict(HORIZON, future_df=ahead)
    mixed = wide[["price", "b", "weather", "a"]]
    found = LSTMForecaster(**TINY).fit(mixed, **roles).predict(HORIZON, future_df=ahead)
    assert_frame_equal(found, expected)


def test_static_covariates_of_a_wide_frame_are_a_table() -> None:
    df, _ = split(shared())
    table = pd.DataFrame({"size": [4.0, 1.0], "kind": ["x", "y"]}, index=["a", "b"])
    long = df.assign(
        size=df["unique_id"].map(table["size"]), kind=df["unique_id"].map(table["kind"])
    )
    expected = LSTMForecaster(**TINY).fit(long, static_covariates=["size", "kind"]).predict(HORIZON)
    found = LSTMForecaster(**TINY).fit(as_wide(df, []), static_covariates=table).predict(HORIZON)
    np.testing.assert_array_equal(found[["a", "b"]].to_numpy().T.ravel(), numbers(expected))


def test_one_series_without_ids() -> None:
    df, ahead = split(shared(series=("y",)))
    named = LSTMForecaster(**TINY).fit(df, future_covariates="price")
    expected = numbers(named.predict(HORIZON, future_df=ahead))
    bare, known = df[["ds", "y", "price"]], ahead[["ds", "price"]]
    model = LSTMForecaster(**TINY).fit(bare, future_covariates="price")
    for table in (known, known.set_index("ds")):
        found = model.predict(HORIZON, future_df=table)
        assert found.columns.tolist() == ["ds", "y"]
        np.testing.assert_array_equal(found["y"].to_numpy(), expected)
    column = LSTMForecaster(**TINY).fit(bare.set_index("ds"), future_covariates="price")
    found = column.predict(HORIZON, future_df=known)
    np.testing.assert_array_equal(found["y"].to_numpy(), expected)


TIMES: dict[str, Callable[[int], pd.Index]] = {
    "seconds": lambda rows: pd.date_range("2024-01-01", periods=rows, unit="s"),
    "month ends": lambda rows: pd.date_range("2001-01-31", periods=rows, freq="ME"),
    "hourly with a zone": lambda rows: pd.date_range(
        "2021-03-26", periods=rows, freq="h", tz="Europe/Berlin"
    ),
    "months": lambda rows: pd.period_range("2001-01", periods=rows, freq="M"),
    "integers": lambda rows: pd.RangeIndex(100, 100 + 5 * rows, 5),
    "arrow": lambda rows: pd.Index(pd.date_range("2024-01-01", periods=rows)).astype(
        "timestamp[us][pyarrow]"
    ),
}


@pytest.mark.parametrize("kind", list(TIMES))
def test_every_kind_of_time_is_matched(kind: str, on_price: LSTMForecaster) -> None:
    if kind == "arrow":
        pytest.importorskip("pyarrow")
    rows = shared()
    _, known = split(rows)
    expected = numbers(on_price.predict(HORIZON, future_df=known))
    stamps = TIMES[kind](40 + HORIZON)
    at = np.tile(np.arange(40 + HORIZON), 2)
    rows["ds"] = pd.Series(stamps).take(at).to_numpy() if kind == "integers" else pd.Series(
        stamps).take(at).reset_index(drop=True)  # fmt: skip
    df = rows[at < 40].reset_index(drop=True)
    ahead = rows[at >= 40].drop(columns="y")
    model = LSTMForecaster(**TINY).fit(df, future_covariates="price")
    for table in (ahead, ahead.iloc[:HORIZON].set_index("ds")[["price"]]):
        found = model.predict(HORIZON, future_df=table)
        assert found["ds"].tolist() == ahead["ds"].tolist()
        np.testing.assert_array_equal(numbers(found), expected)


# ------------------------------------------------------------------------------------- future_df


@properties
@given(seed=st.integers(0, 1000), before=st.integers(0, 5), after=st.integers(0, 5))
def test_more_stamps_in_any_order_change_nothing(
    seed: int, before: int, after: int, on_price: LSTMForecaster
) -> None:
    _, ahead = split(shared())
    expected = on_price.predict(HORIZON, future_df=ahead)
    times = pd.date_range(
        ahead["ds"].min() - pd.Timedelta(days=before), ahead["ds"].max() + pd.Timedelta(days=after)
    )
    known = ahead.drop_duplicates("ds").set_index("ds")["price"]
    table = known.reindex(times).rename_axis("ds").reset_index()
    table = table.sample(frac=1, random_state=seed)
    assert_frame_equal(on_price.predict(HORIZON, future_df=table), expected)
    both = pd.concat([table.assign(unique_id=name) for name in ("a", "b")])
    assert_frame_equal(on_price.predict(HORIZON, future_df=both), expected)


@pytest.mark.parametrize("dtype", ["object", "string", "category", "categories of their own"])
def test_ids_are_matched_whatever_their_dtype(
    dtype: str, model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        if dtype != "categories of their own":
            return frame.assign(unique_id=frame["unique_id"].astype(dtype))
        ids = pd.Categorical(frame["unique_id"], categories=["c", "nobody", "b", "a"])
        return frame.assign(unique_id=ids)

    bare = history().drop(columns=["region", "size"])
    for df in (history(), convert(history()), convert(bare)):
        for ahead in (future(), convert(future())):
            found = model.predict(HORIZON, df=df, future_df=ahead)
            found["unique_id"] = found["unique_id"].astype(forecast["unique_id"].dtype)
            assert_frame_equal(found, forecast)


def test_a_longer_horizon_goes_on_from_a_shorter_one(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    short = model.predict(2, future_df=future())
    first = forecast.groupby("unique_id", sort=False).head(2).reset_index(drop=True)
    assert_frame_equal(short, first)


def test_a_frame_without_ids_serves_series_that_end_at_different_days() -> None:
    df = history()
    times = pd.date_range(df["ds"].min(), df["ds"].max() + pd.Timedelta(days=HORIZON))
    price = pd.Series(np.random.default_rng(0).normal(size=len(times)), index=times, name="price")
    df["price"] = df["ds"].map(price)
    model = LSTMForecaster(**TINY).fit(df, future_covariates="price")
    ahead = future().assign(price=lambda rows: rows["ds"].map(price))
    expected = model.predict(HORIZON, future_df=ahead)
    assert_frame_equal(model.predict(HORIZON, future_df=price.to_frame()), expected)


def at(series: str, step: int) -> int:
    """The row of future() that tells of a step, from 0."""
    return int(future().index[future()["unique_id"] == series][step])


BAD_FUTURES: dict[str, tuple[Callable[[pd.DataFrame], Any], list[str]]] = {
    "no column": (lambda df: df.drop(columns="promo"), ["future_df=", "'promo'", "'price'"]),
    "no time": (lambda df: df.drop(columns="ds"), ["time"]),
    "no series": (
        lambda df: df[df["unique_id"] != "a"],
        ["future_df=", "series 'a' at 2024-05-10", "(6 in all)", "add"],
    ),
    "no stamp": (
        lambda df: df.drop(index=at("c", 3)),
        ["future_df=", "6 steps", f"series 'c' at {future()['ds'][at('c', 3)]}", "add"],
    ),
    "a missing number": (
        lambda df: df.assign(price=df["price"].mask(df.index == at("a", 2))),
        ["'price'", "NaN", f"series 'a' at {future()['ds'][at('a', 2)]}", f"row {at('a', 2)}"],
    ),
    "another series": (
        lambda df: pd.concat([df, df.tail(1).assign(unique_id="stranger")]),
        ["'stranger'", "the forecast doesn't have", "drop"],
    ),
    "a stamp twice": (
        lambda df: pd.concat([df, df.iloc[[at("c", 1)]]]),
        ["twice", f"series 'c' at {future()['ds'][at('c', 1)]}", "keep one"],
    ),
    "text for numbers": (
        lambda df: df.assign(price=df["price"].astype(str)), ["'price'", "numbers as text"],
    ),
    "an infinite number": (
        lambda df: df.assign(price=df["price"].mask(df.index == 0, np.inf)),
        ["'price'", "infinite"],
    ),
    "text for time": (
        lambda df: df.assign(ds=df["ds"].astype(str)), ["'ds'", "text", "pd.to_datetime"],
    ),
    "no time stamp": (
        lambda df: df.assign(ds=df["ds"].mask(df.index == 3)), ["'ds'", "NaT", "row 3"],
    ),
    "integers for time": (lambda df: df.assign(ds=np.arange(len(df))), ["int64", "'D'"]),
    "stamps of a zone": (
        lambda df: df.assign(ds=df["ds"].dt.tz_localize("UTC")), ["UTC", "datetime64"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(BAD_FUTURES))
def test_what_is_wrong_with_future_df_is_named(model: LSTMForecaster, what: str) -> None:
    change, words = BAD_FUTURES[what]
    with pytest.raises(FrameError) as error:
        model.predict(HORIZON, future_df=change(future()))
    assert isinstance(error.value, ValueError)
    for word in words:
        assert word in str(error.value)


CALLS: dict[str, Callable[[LSTMForecaster, pd.DataFrame | None], Any]] = {
    "predict": lambda model, ahead: model.predict(HORIZON, future_df=ahead),
    "of a frame": lambda model, ahead: model.predict(HORIZON, df=history(), future_df=ahead),
    "sample": lambda model, ahead: model.sample(
        HORIZON, num_samples=3, calibrated=False, future_df=ahead
    ),
    "stability": lambda model, ahead: model.stability(horizon=HORIZON, future_df=ahead),
}


@pytest.mark.parametrize("call", list(CALLS))
def test_a_forgotten_future_df_is_asked_for(model: LSTMForecaster, call: str) -> None:
    with pytest.raises(FrameError) as error:
        CALLS[call](model, None)
    for word in ("future_df=", "'price'", "'promo'", f"{HORIZON} time stamps", "2024-05-10"):
        assert word in str(error.value)
    CALLS[call](model, future())


def test_too_short_a_future_df_names_the_first_stamp_that_it_lacks(model: LSTMForecaster) -> None:
    with pytest.raises(FrameError, match="9 steps of the forecast") as error:
        model.predict(9, future_df=future())
    for name in LENGTHS:
        last = future().query("unique_id == @name")["ds"].max()
        assert f"{name!r} at {last + pd.Timedelta(days=1)}" in str(error.value) or name == "c"


def test_a_missing_number_that_is_not_needed_is_no_problem(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    ahead = future()
    ahead.loc[at("a", 2), "price"] = np.nan
    expected = forecast.groupby("unique_id", sort=False).head(2).reset_index(drop=True)
    assert_frame_equal(model.predict(2, future_df=ahead), expected)


def test_future_df_without_future_covariates_is_refused() -> None:
    df = history()
    for roles in ({}, {"past_covariates": "weather"}, {"static_covariates": "size"}):
        model = LSTMForecaster(**TINY).fit(df, **roles)
        with pytest.raises(FrameError, match="leave it out"):
            model.predict(HORIZON, future_df=future())


@pytest.mark.parametrize("given_", [[1, 2], {"price": [1.0]}, np.zeros(6), "tomorrow"])
def test_future_df_is_a_frame(model: LSTMForecaster, given_: Any) -> None:
    with pytest.raises(TypeError, match=r"future_df=.*DataFrame"):
        model.predict(HORIZON, future_df=given_)


def test_one_series_of_many_needs_its_own_rows_alone(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    df, ahead = history().query("unique_id == 'a'"), future().query("unique_id == 'a'")
    found = model.predict(HORIZON, df=df, future_df=ahead)
    expected = forecast[forecast["unique_id"] == "a"].reset_index(drop=True)
    assert_frame_equal(found, expected)
    with pytest.raises(FrameError, match=r"doesn't have.*'b', 'c'"):
        model.predict(HORIZON, df=df, future_df=future())


# ----------------------------------------------------------------------------- what fit refuses


def set_cell(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(df: pd.DataFrame) -> pd.DataFrame:
        df = df.copy()
        df[column] = df[column].astype(object) if isinstance(value, str) else df[column]
        df.loc[row, column] = value
        return df

    return change


BAD_FRAMES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
    "no columns": (
        lambda df: df.drop(columns=["promo", "weather"]),
        ["'promo'", "'weather'", "future_covariates=", "add"],
    ),
    "no static column": (lambda df: df.drop(columns="size"), ["'size'", "static_covariates="]),
    "a future number is missing": (
        set_cell("price", 45, np.nan),
        ["'price'", "NaN", f"series 'a' at {history()['ds'][45]} (row 45)", "fill="],
    ),
    "a past number is missing": (
        set_cell("weather", 3, np.nan),
        ["'weather'", "NaN", f"series 'b' at {history()['ds'][3]} (row 3)", "fill="],
    ),
    "an infinite number": (set_cell("weather", 3, np.inf), ["'weather'", "infinite"]),
    "numbers as text": (
        lambda df: df.assign(weather=df["weather"]).pipe(set_cell("weather", 3, "1.5")),
        ["'weather'"],
    ),
    "static text changes": (set_cell("region", 45, "west"), ["'region'", "'a'", "changes"]),
    "a static number changes": (set_cell("size", 80, 9.0), ["'size'", "'c'", "changes"]),
    "a static number is missing in a row": (set_cell("size", 80, np.nan), ["'size'", "'c'"]),
    "a static number is missing": (
        lambda df: df.assign(size=df["size"].mask(df["unique_id"] == "c")),
        ["'size'", "'c'", "missing"],
    ),
}


@pytest.mark.parametrize("what", list(BAD_FRAMES))
def test_what_is_wrong_with_covariates_is_named(what: str) -> None:
    change, words = BAD_FRAMES[what]
    with pytest.raises(FrameError) as error:
        LSTMForecaster(**TINY).fit(change(history()), **ROLES)
    for word in words:
        assert word in str(error.value)


def test_a_static_category_that_is_missing_is_named() -> None:
    df = history()
    df["region"] = df["region"].mask(df["unique_id"] == "c")
    with pytest.raises(FrameError) as error:
        LSTMForecaster(**TINY).fit(df, **ROLES)
    for word in ("'region'", "'c'", "missing"):
        assert word in str(error.value)


def test_problems_of_covariates_and_of_the_target_come_in_one_error() -> None:
    df = history()
    df.loc[3, "y"] = np.inf
    df.loc[5, "price"] = np.nan
    with pytest.raises(FrameError) as error:
        LSTMForecaster(**TINY).fit(df, **ROLES)
    assert "'y'" in str(error.value)
    assert "'price'" in str(error.value)


@pytest.mark.parametrize("kind", ["dates", "mixed"])
def test_a_column_that_cannot_be_read_is_one_problem(kind: str) -> None:
    """None of its values is missing, so nothing is said of that."""
    df = history()
    df["price"] = df["ds"] if kind == "dates" else ["x", *[1] * (len(df) - 1)]
    with pytest.raises(FrameError, match="'price' isn't numeric") as error:
        LSTMForecaster(**TINY).fit(df, future_covariates="price")
    assert len(error.value.problems) == 1


def test_a_column_ahead_that_cannot_be_read_is_one_problem(model: LSTMForecaster) -> None:
    with pytest.raises(FrameError, match="'price' of future_df= isn't numeric") as error:
        model.predict(HORIZON, future_df=future().assign(price="cheap"))
    assert len(error.value.problems) == 1
    assert "series 'b'" in str(error.value)


def test_categories_of_another_kind_than_those_of_fit_are_refused(model: LSTMForecaster) -> None:
    """As when a file happens to hold none but digits: every value would count as unknown."""
    with pytest.raises(FrameError, match=r"'promo' of future_df= holds numbers, but text"):
        model.predict(HORIZON, future_df=future().assign(promo=np.arange(len(future()))))


def test_none_is_no_covariate() -> None:
    df = history()[["unique_id", "ds", "y"]]
    plain = LSTMForecaster(**TINY).fit(df).predict(3)
    none = LSTMForecaster(**TINY).fit(df, future_covariates=None, static_covariates=None)
    assert_frame_equal(none.predict(3), plain)


def test_a_table_of_static_covariates_goes_before_columns_of_its_names() -> None:
    df = history()
    table = pd.DataFrame({"size": [1.0, 5.0, 9.0]}, index=["a", "b", "c"])
    model = LSTMForecaster(**TINY).fit(df, static_covariates=table)
    assert_frame_equal(model.predict(3, df=df), model.predict(3))
    assert_frame_equal(model.predict(3, df=df.drop(columns="size")), model.predict(3))
    varies = df.assign(size=np.arange(len(df), dtype=float))
    assert_frame_equal(model.predict(3, df=varies), model.predict(3))
    new = df[df["unique_id"] == "a"].assign(unique_id="new", size=5.0)
    assert np.isfinite(model.predict(3, df=new)["y"]).all()
    with pytest.raises(FrameError, match="'new'"):
        model.predict(3, df=new.drop(columns="size"))


def test_a_static_number_that_all_series_share_has_a_scale() -> None:
    df = history().assign(size=0.1)
    model = LSTMForecaster(**TINY).fit(df, static_covariates="size")
    assert model.covariate_scaler_.scale.tolist() == [1.0]
    assert model.covariate_scaler_.centre.tolist() == [0.1]


def test_a_static_covariate_that_changes_in_an_update_is_refused() -> None:
    df = history()[["unique_id", "ds", "y", "size"]]
    last = df.groupby("unique_id").cumcount(ascending=False) < 1
    model = LSTMForecaster(**TINY).fit(df[~last], static_covariates="size")
    assert_frame_equal(
        model.predict(3, state=model.update(model.state_, df[last])), model.predict(3, df=df)
    )
    with pytest.raises(FrameError, match="'size' changes within series"):
        model.update(model.state_, df[last].assign(size=7.0))


def test_a_calendar_set_after_fit_is_refused_everywhere() -> None:
    df = history()[["unique_id", "ds", "y", "price"]]
    for roles in ({}, {"past_covariates": "price"}):
        model = LSTMForecaster(**TINY).fit(df, **roles)
        model.set_params(calendar="day_of_week")
        for call in (
            lambda model=model: model.predict(3),
            lambda model=model: model.predict(3, df=df),
            lambda model=model: model.encode(df),
        ):
            with pytest.raises(SettingError, match="fitted with no columns"):
                call()


def test_columns_of_a_calendar_and_of_the_frame_need_names_of_their_own() -> None:
    df = history().assign(day_of_week_sin=0.0)
    with pytest.raises(SettingError, match=r"'day_of_week_sin'.*rename"):
        LSTMForecaster(calendar="day_of_week", **TINY).fit(df, future_covariates="day_of_week_sin")


def test_some_columns_of_a_wide_frame_go_on_alone_with_a_calendar() -> None:
    df = history().pivot(index="ds", columns="unique_id", values="y").dropna()
    model = LSTMForecaster(calendar="day_of_week", **TINY).fit(df.iloc[:-2])
    new = df.iloc[-2:].copy()
    state = model.update(model.state_, new[["a"]])
    ragged = df.copy()
    ragged.loc[ragged.index[-2:], ["b", "c"]] = np.nan
    assert_frame_equal(model.predict(4, state=state), model.predict(4, df=ragged))
    later = model.update(state, new[["b", "c"]])
    assert_frame_equal(model.predict(4, state=later), model.predict(4, df=df))


@pytest.mark.slow
def test_values_that_the_scaler_of_covariates_cannot_take_are_told() -> None:
    df = history().assign(price=lambda df: df["price"].abs() + 1)
    logs = FunctionTransformer(np.log, check_inverse=False)
    model = LSTMForecaster(covariate_scaler=logs, **TINY).fit(df, future_covariates="price")
    ahead = future().assign(price=1.0)
    assert np.isfinite(model.predict(HORIZON, future_df=ahead)["y"]).all()
    with np.errstate(all="ignore"), pytest.raises(ScalerError, match="'price': 0"):
        model.predict(HORIZON, future_df=ahead.assign(price=0.0))


def test_all_problems_of_covariates_come_in_one_error() -> None:
    df = history()
    df.loc[5, "price"] = np.nan
    df.loc[7, "weather"] = np.nan
    df.loc[80, "size"] = 9.0
    with pytest.raises(FrameError) as error:
        LSTMForecaster(**TINY).fit(df, **ROLES)
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"future_covariates": "y"}, "'y' has two roles"),
        ({"past_covariates": "unique_id"}, "'unique_id' has two roles"),
        ({"static_covariates": ["ds"]}, "'ds' has two roles"),
        ({"future_covariates": "price", "past_covariates": "price"}, "'price' has two roles"),
        ({"future_covariates": ["price", "price"]}, "'price' has two roles"),
        ({"future_covariates": {"price": 1}}, "future_covariates="),
        ({"past_covariates": [["price"]]}, "past_covariates="),
        ({"past_covariates": "weather", "roll_past": "yes"}, "roll_past='yes'"),
    ],
)
def test_arguments_that_make_no_sense_are_shown(roles: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        LSTMForecaster(**TINY).fit(history(), **roles)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("futr_exog_list", "future_covariates"),
        ("hist_exog_list", "past_covariates"),
        ("stat_exog_list", "static_covariates"),
    ],
)
def test_names_of_other_libraries_are_answered_with_ours(theirs: str, ours: str) -> None:
    with pytest.raises(TypeError, match=ours):
        LSTMForecaster(**TINY).fit(history(), **{theirs: ["price"]})


def test_a_frame_to_predict_needs_the_columns_of_rows(model: LSTMForecaster) -> None:
    for column in ("price", "promo", "weather"):
        with pytest.raises(FrameError, match=f"no column for the covariates '{column}'"):
            model.predict(HORIZON, df=history().drop(columns=column), future_df=future())


def test_numbers_of_fit_cannot_become_text(model: LSTMForecaster) -> None:
    df = history().assign(price="cheap")
    with pytest.raises(FrameError, match="'price' isn't numeric"):
        model.predict(HORIZON, df=df, future_df=future())


# ----------------------------------------------------------------------------- static covariates


def table_of(df: pd.DataFrame) -> pd.DataFrame:
    return df.drop_duplicates("unique_id").set_index("unique_id")[["region", "size"]]


def test_a_table_of_static_covariates_is_as_good_as_columns(forecast: pd.DataFrame) -> None:
    df = history()
    more = pd.concat([table_of(df), table_of(df.assign(unique_id="unused")).head(1)])
    more = more.sample(frac=1, random_state=0)
    for rows in (df, df.drop(columns=["region", "size"])):
        model = LSTMForecaster(**TINY).fit(rows, **{**ROLES, "static_covariates": more})
        assert_frame_equal(model.predict(HORIZON, future_df=future()), forecast)
        found = model.predict(HORIZON, df=rows, future_df=future())
        assert_frame_equal(found, forecast)


def test_ids_of_a_table_may_be_categories_and_numbers() -> None:
    df = history()
    expected = LSTMForecaster(**TINY).fit(df, static_covariates=["region", "size"]).predict(4)
    named = df.assign(unique_id=df["unique_id"].astype("category"))
    found = LSTMForecaster(**TINY).fit(named, static_covariates=table_of(df)).predict(4)
    np.testing.assert_array_equal(numbers(found), numbers(expected))
    codes = {"a": 1, "b": 2, "c": 3}
    counted = df.assign(unique_id=df["unique_id"].map(codes))
    found = LSTMForecaster(**TINY).fit(counted, static_covariates=table_of(counted)).predict(4)
    np.testing.assert_array_equal(numbers(found), numbers(expected))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop(index="c"), ["'c'", "static_covariates=", "add a row"]),
        (lambda table: pd.concat([table, table.tail(1)]), ["twice", "'c'", "keep one"]),
        (
            lambda table: table.assign(size=table["size"].mask(table.index == "a")),
            ["'size'", "missing", "'a'", "value"],
        ),
    ],
)
def test_what_is_wrong_with_a_static_table_is_named(
    change: Callable[[pd.DataFrame], pd.DataFrame], words: list[str]
) -> None:
    with pytest.raises(FrameError) as error:
        LSTMForecaster(**TINY).fit(history(), static_covariates=change(table_of(history())))
    for word in words:
        assert word in str(error.value)


def test_a_static_table_with_ids_in_a_column_is_refused() -> None:
    with pytest.raises((FrameError, SettingError), match="'unique_id'"):
        LSTMForecaster(**TINY).fit(history(), static_covariates=table_of(history()).reset_index())


def test_static_covariates_of_known_series_are_remembered(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    df = history().drop(columns=["region", "size"])
    assert_frame_equal(model.predict(HORIZON, df=df, future_df=future()), forecast)
    some = df[df["unique_id"].isin(["a", "c"])]
    ahead = future()[future()["unique_id"].isin(["a", "c"])]
    found = model.predict(HORIZON, df=some, future_df=ahead)
    expected = forecast[forecast["unique_id"] != "b"].reset_index(drop=True)
    assert_frame_equal(found, expected)


def test_static_columns_that_are_there_are_used_and_the_others_remembered(
    model: LSTMForecaster,
) -> None:
    df = history().assign(region="north")
    expected = model.predict(HORIZON, df=df, future_df=future())
    found = model.predict(HORIZON, df=df.drop(columns="size"), future_df=future())
    assert_frame_equal(found, expected)


def test_a_state_remembers_the_static_covariates_of_new_series(model: LSTMForecaster) -> None:
    new = history().assign(unique_id="new " + history()["unique_id"])
    ahead = future().assign(unique_id="new " + future()["unique_id"])
    expected = model.predict(HORIZON, df=new, future_df=ahead)
    late = new["ds"] >= "2024-05-10"
    state = model.encode(new[~late])
    for rows in (new[late], new[late].drop(columns=["region", "size"])):
        found = model.predict(HORIZON, state=model.update(state, rows), future_df=ahead)
        np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-6)


def test_a_new_series_brings_its_static_covariates(model: LSTMForecaster) -> None:
    new = history().query("unique_id == 'a'").assign(unique_id="new")
    ahead = future().query("unique_id == 'a'").assign(unique_id="new")
    one = model.predict(HORIZON, df=new, future_df=ahead)
    other = model.predict(HORIZON, df=new.assign(region="north"), future_df=ahead)
    assert (moved(one, other) > 0).all()
    with pytest.raises(FrameError) as error:
        model.predict(HORIZON, df=new.drop(columns="size"), future_df=ahead)
    for word in ("'new'", "'size'"):
        assert word in str(error.value)
    both = pd.concat([history(), new])
    with pytest.raises(FrameError, match="'new'"):
        model.encode(both.drop(columns=["region", "size"]))


def test_a_static_category_of_a_new_series_may_be_new(model: LSTMForecaster) -> None:
    ahead = future().query("unique_id == 'a'")
    df = history().query("unique_id == 'a'")
    found = [
        model.predict(HORIZON, df=df.assign(region=region), future_df=ahead)
        for region in ("west", "east", "north")
    ]
    assert_frame_equal(found[0], found[1])
    assert (moved(found[0], found[2]) > 0).all()


def test_the_unit_of_a_static_number_says_nothing() -> None:
    df = history()
    expected = LSTMForecaster(**TINY).fit(df, static_covariates="size").predict(HORIZON)
    scaled = df.assign(size=1000 * df["size"] - 7)
    found = LSTMForecaster(**TINY).fit(scaled, static_covariates="size").predict(HORIZON)
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-6)


def test_a_static_number_that_all_series_share_is_no_problem() -> None:
    model = LSTMForecaster(**TINY).fit(history().assign(size=4), static_covariates="size")
    assert np.isfinite(model.predict(HORIZON)["y"]).all()


# ---------------------------------------------------------------------------- numbers and dtypes


def arrow(dtype: str) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.astype(f"{dtype}[pyarrow]")


NUMBERS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "int32": lambda column: column.astype("int32"),
    "uint8": lambda column: column.astype("uint8"),
    "float32": lambda column: column.astype("float32"),
    "Int64": lambda column: column.astype("Int64"),
    "Float32": lambda column: column.astype("Float32"),
    "object": lambda column: column.astype(object),
    "arrow int": arrow("int64"),
    "arrow double": arrow("double"),
}
CATEGORIES: dict[str, Callable[[pd.Series], pd.Series]] = {
    "object": lambda column: column.astype(object),
    "string": lambda column: column.astype("string"),
    "python string": lambda column: column.astype("string[python]"),
    "category": lambda column: column.astype("category"),
    "unordered": lambda column: pd.Series(
        pd.Categorical(column, categories=["web", "unused", "tv", "none"]), index=column.index
    ),
    "ordered": lambda column: pd.Series(
        pd.Categorical(column, categories=["web", "tv", "none"], ordered=True), index=column.index
    ),
    "category of strings": lambda column: column.astype("string").astype("category"),
    "arrow": arrow("string"),
    "category of arrow": lambda column: column.astype("string[pyarrow]").astype("category"),
}


@pytest.fixture(scope="module")
def whole_numbers() -> tuple[LSTMForecaster, pd.DataFrame]:
    """Of a price in whole numbers, and what it forecasts."""
    df, ahead = history(), future()
    model = LSTMForecaster(**TINY).fit(df.assign(price=rounded(df)), future_covariates="price")
    return model, model.predict(HORIZON, future_df=ahead.assign(price=rounded(ahead)))


def rounded(df: pd.DataFrame) -> pd.Series:
    return df["price"].abs().round()


@pytest.mark.parametrize("dtype", list(NUMBERS))
def test_numbers_are_numbers_whatever_their_dtype(
    dtype: str, whole_numbers: tuple[LSTMForecaster, pd.DataFrame]
) -> None:
    if dtype.startswith("arrow"):
        pytest.importorskip("pyarrow")
    model, expected = whole_numbers
    df, ahead = history(), future()
    df["price"], ahead["price"] = NUMBERS[dtype](rounded(df)), NUMBERS[dtype](rounded(ahead))
    assert_frame_equal(model.predict(HORIZON, df=df, future_df=ahead), expected)
    again = LSTMForecaster(**TINY).fit(df, future_covariates="price")
    assert_frame_equal(again.predict(HORIZON, future_df=ahead), expected)


@pytest.mark.parametrize("dtype", list(CATEGORIES))
def test_categories_are_categories_whatever_their_dtype(
    dtype: str, model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    if "arrow" in dtype:
        pytest.importorskip("pyarrow")
    df, ahead = history(), future()
    convert = CATEGORIES[dtype]
    df["promo"], ahead["promo"] = convert(df["promo"]), convert(ahead["promo"])
    if dtype not in ("unordered", "ordered"):
        df["region"] = convert(df["region"])
    assert_frame_equal(model.predict(HORIZON, df=df, future_df=ahead), forecast)
    assert_frame_equal(model.predict(HORIZON, df=df, future_df=future()), forecast)
    again = LSTMForecaster(**TINY).fit(df, **ROLES)
    assert_frame_equal(again.predict(HORIZON, future_df=ahead), forecast)
    assert_frame_equal(again.predict(HORIZON, df=history(), future_df=future()), forecast)


BOOLEANS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "bool": lambda column: column,
    "boolean": lambda column: column.astype("boolean"),
    "object": lambda column: column.astype(object),
    "category": lambda column: column.astype("category"),
    "arrow": arrow("bool"),
}


@pytest.mark.parametrize("dtype", list(BOOLEANS))
def test_truth_values_are_categories(dtype: str) -> None:
    """As text that says the same is."""
    if dtype == "arrow":
        pytest.importorskip("pyarrow")
    df, ahead = history(), future()
    roles = {"future_covariates": "promo"}
    df["promo"], ahead["promo"] = df["promo"] == "tv", ahead["promo"] == "tv"
    text = LSTMForecaster(**TINY).fit(df.assign(promo=df["promo"].astype(str)), **roles)
    expected = text.predict(HORIZON, future_df=ahead.assign(promo=ahead["promo"].astype(str)))
    plain = ahead.copy()
    df["promo"], ahead["promo"] = BOOLEANS[dtype](df["promo"]), BOOLEANS[dtype](ahead["promo"])
    model = LSTMForecaster(**TINY).fit(df, **roles)
    assert_frame_equal(model.predict(HORIZON, future_df=ahead), expected)
    assert_frame_equal(model.predict(HORIZON, future_df=plain), expected)


def test_a_category_of_numbers_has_no_size() -> None:
    """Numbers would say by how much one is more than another."""
    df, ahead = history(), future()
    roles = {"future_covariates": "promo"}
    found = []
    for codes in ({"none": 0, "tv": 1, "web": 2}, {"none": -5, "tv": 70, "web": 71}):
        rows, known = (
            frame.assign(promo=frame["promo"].map(codes).astype("category"))
            for frame in (df, ahead)
        )
        model = LSTMForecaster(**TINY).fit(rows, **roles)
        found.append(model.predict(HORIZON, future_df=known))
        plain = known.assign(promo=known["promo"].astype(int))
        assert_frame_equal(model.predict(HORIZON, future_df=plain), found[-1])
    assert_frame_equal(*found)


# --------------------------------------------------------------------------- unseen and missing


@pytest.mark.parametrize(
    "column",
    [
        ["radio"] * HORIZON,
        pd.Categorical(["radio"] * HORIZON),
        pd.date_range("2024-01-01", periods=HORIZON),
    ],
    ids=["new", "new category", "dates"],
)
def test_a_category_that_is_new_counts_as_no_category(
    model: LSTMForecaster, forecast: pd.DataFrame, column: Any
) -> None:
    df, ahead = history().query("unique_id == 'a'"), future().query("unique_id == 'a'")
    expected = model.predict(HORIZON, df=df, future_df=ahead.assign(promo="never seen"))
    found = model.predict(HORIZON, df=df, future_df=ahead.assign(promo=column))
    assert_frame_equal(found, expected)
    assert (moved(found, forecast[forecast["unique_id"] == "a"]) > 0).any()


@pytest.mark.parametrize(
    "column",
    [
        ["tv", None] * (HORIZON // 2),
        ["tv", np.nan] * (HORIZON // 2),
        pd.array(["tv", pd.NA] * (HORIZON // 2), dtype="string"),
        pd.Categorical(["tv", None] * (HORIZON // 2), categories=["tv", "web"]),
    ],
    ids=["None", "NaN", "NA", "category"],
)
def test_a_category_that_is_missing_ahead_is_refused(model: LSTMForecaster, column: Any) -> None:
    df, ahead = history().query("unique_id == 'a'"), future().query("unique_id == 'a'")
    stamp = ahead["ds"].iloc[1]
    words = rf"'promo' has missing values .* series 'a' at {stamp} \(row 1\).*a category that says"
    with pytest.raises(FrameError, match=words):
        model.predict(HORIZON, df=df, future_df=ahead.assign(promo=column))


@pytest.mark.parametrize("kind", ["int", "str", "bool"])
def test_a_missing_category_of_fit_is_no_category(kind: str) -> None:
    """It is neither one that is learned nor an error, with fill= and without."""
    df, ahead = history(), future()
    codes: dict[str, dict[str, Any]] = {
        "int": {"none": 0, "tv": 1, "web": 2},
        "str": {"none": "x", "tv": "y", "web": "z"},
        "bool": {"none": True, "tv": False, "web": True},
    }
    dtype = {"int": "category", "str": "category", "bool": "boolean"}[kind]
    rows, known = (
        frame.assign(promo=frame["promo"].map(codes[kind]).astype(dtype)) for frame in (df, ahead)
    )
    rows.loc[[3, 50], "promo"] = pd.NA if kind == "bool" else np.nan
    model = LSTMForecaster(**TINY).fit(rows, future_covariates="promo")
    assert np.isfinite(model.predict(HORIZON, future_df=known)["y"]).all()
    names = model.covariate_scaler_.schema[0].categories if model.covariate_scaler_ else None
    assert names is not None
    assert not names.isna().any()


def test_no_category_is_the_mean_of_all(model: LSTMForecaster) -> None:
    """The network reads the mean of the learned vectors, in the context and ahead."""
    unknown = model.predict(
        HORIZON,
        df=history().assign(promo="?", region="?"),
        future_df=future().assign(promo="?"),
    )
    levelled = deepcopy(model)
    with torch.no_grad():
        for vectors in levelled.module_.network.covariates.vectors.values():
            vectors[:] = vectors.mean(dim=0)
    found = levelled.predict(HORIZON, df=history(), future_df=future())
    np.testing.assert_allclose(numbers(found), numbers(unknown), rtol=1e-6)


def test_a_category_keeps_its_vector_whatever_a_frame_holds(
    model: LSTMForecaster, forecast: pd.DataFrame
) -> None:
    """Numbers of categories are those of fit, not those of the frame at hand."""
    df, ahead = history().query("unique_id == 'a'"), future().query("unique_id == 'a'")
    ahead = ahead.assign(promo="web")
    expected = model.predict(HORIZON, df=df, future_df=ahead)
    for categories in (["web"], ["web", "aaa"], ["zzz", "web", "tv", "none"]):
        known = ahead.assign(promo=pd.Categorical(ahead["promo"], categories=categories))
        assert_frame_equal(model.predict(HORIZON, df=df, future_df=known), expected)


def test_a_series_that_fit_has_not_seen_is_forecast(model: LSTMForecaster) -> None:
    new = history().query("unique_id == 'c'").assign(unique_id="new")
    ahead = future().query("unique_id == 'c'").assign(unique_id="new")
    alone = model.predict(HORIZON, df=new, future_df=ahead)
    assert np.isfinite(alone["y"]).all()
    both = model.predict(
        HORIZON, df=pd.concat([new, history()]), future_df=pd.concat([ahead, future()])
    )
    assert_frame_equal(both[both["unique_id"] == "new"].reset_index(drop=True), alone)


# ------------------------------------------------------------------------------------- scalers


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_the_unit_of_a_number_says_nothing(scaler: str, scope: str) -> None:
    df, ahead = history(), future()
    roles = {"future_covariates": "price", "past_covariates": "weather"}
    found = []
    for a, b in ((1.0, 0.0), (250.0, -4e3)):
        rows, known = (frame.assign(price=a * frame["price"] + b) for frame in (df, ahead))
        rows["weather"] = rows["weather"] / 50
        model = LSTMForecaster(**TINY, covariate_scaler=scaler, scaler_scope=scope)
        found.append(model.fit(rows, **roles).predict(HORIZON, future_df=known))
    np.testing.assert_allclose(numbers(found[0]), numbers(found[1]), rtol=1e-5)


def test_without_a_scaler_the_network_reads_numbers_as_they_are() -> None:
    df, ahead = history(), future()
    found = []
    for factor in (1.0, 3.0):
        rows, known = (frame.assign(price=factor * frame["price"]) for frame in (df, ahead))
        model = LSTMForecaster(**TINY, covariate_scaler=None)
        model.fit(rows, future_covariates="price")
        found.append(model.predict(HORIZON, future_df=known))
    assert (moved(*found) > 0).any()


def test_a_transformer_of_covariates_needs_no_inverse() -> None:
    df, ahead = history(), future()
    roles = {"future_covariates": "price"}
    found = []
    for stretch in (1.0, 40.0):
        rows, known = (
            frame.assign(price=5 + stretch * (frame["price"] - 5)) for frame in (df, ahead)
        )
        model = LSTMForecaster(**TINY, covariate_scaler=Binarizer(threshold=5.0))
        found.append(model.fit(rows, **roles).predict(HORIZON, future_df=known))
    assert_frame_equal(*found)
    plain = LSTMForecaster(**TINY).fit(df, **roles).predict(HORIZON, future_df=ahead)
    assert (moved(found[0], plain) > 0).any()


@pytest.mark.parametrize("scaler", ["log", 3, object()])
def test_a_scaler_that_is_none_is_refused(scaler: Any) -> None:
    model = LSTMForecaster(**TINY, covariate_scaler=scaler)
    with pytest.raises((SettingError, TypeError), match="covariate_scaler"):
        model.fit(history(), future_covariates="price")


def test_a_number_that_never_changes_is_no_problem() -> None:
    df, ahead = history(), future()
    df.loc[df["unique_id"] == "a", "price"] = 4.0
    df["weather"] = 1.0
    model = LSTMForecaster(**TINY)
    model.fit(df, future_covariates="price", past_covariates="weather")
    assert np.isfinite(model.predict(HORIZON, future_df=ahead)["y"]).all()


def test_integer_columns_of_the_target_stay_what_they_were() -> None:
    df = history()
    df["y"] = df["y"].round().astype("Int64")
    model = LSTMForecaster(**TINY).fit(df, **ROLES)
    assert model.predict(HORIZON, future_df=future())["y"].dtype == "Float64"


# ---------------------------------------------------------------------------- holes and rolled


@pytest.mark.slow
def test_missing_numbers_are_filled_as_the_target_is() -> None:
    df, ahead = history(), future()
    holes = df.copy()
    holes.loc[[10, 11, 55], ["price", "weather"]] = np.nan
    roles = {"future_covariates": "price", "past_covariates": "weather"}
    by_hand = {"ffill": holes.copy(), "interpolate": holes.copy(), 2.5: holes.fillna(2.5)}
    for column in ("price", "weather"):
        groups = holes.groupby("unique_id")[column]
        by_hand["ffill"][column] = groups.ffill()
        by_hand["interpolate"][column] = groups.transform(lambda part: part.interpolate())
    for fill, filled in by_hand.items():
        model = LSTMForecaster(**TINY).fit(holes, **roles, fill=fill)
        found = model.predict(HORIZON, future_df=ahead)
        expected = LSTMForecaster(**TINY).fit(filled, **roles).predict(HORIZON, future_df=ahead)
        np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-6)
        again = model.predict(HORIZON, df=holes, future_df=ahead)
        np.testing.assert_allclose(numbers(again), numbers(found), rtol=1e-6)


def test_a_masked_number_counts_as_the_mean() -> None:
    df, ahead = history(), future()
    roles = {"future_covariates": "price"}
    model = LSTMForecaster(**TINY).fit(df, **roles, fill="mask")
    last = df.groupby("unique_id").tail(1).index
    filled = df.copy()
    filled.loc[last, "price"] = df.groupby("unique_id")["price"].transform("mean")[last]
    found = model.predict(HORIZON, df=df.assign(price=df["price"].mask(df.index.isin(last))),
                          future_df=ahead)  # fmt: skip
    expected = model.predict(HORIZON, df=filled, future_df=ahead)
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-6)


def test_a_missing_number_ahead_is_an_error_even_with_fill() -> None:
    model = LSTMForecaster(**TINY).fit(history(), future_covariates="price", fill="mask")
    ahead = future()
    ahead.loc[2, "price"] = np.nan
    with pytest.raises(FrameError, match=r"'price'.*NaN.*series 'b' at .*row 2"):
        model.predict(HORIZON, future_df=ahead)


@pytest.mark.parametrize("forecaster", [LSTMForecaster, GRUForecaster])
def test_rolled_covariates_are_not_returned(forecaster: type[LSTMForecaster]) -> None:
    df, ahead = history(), future()
    model = forecaster(**TINY).fit(df, **ROLES, roll_past=True)
    found = model.predict(HORIZON, future_df=ahead)
    assert found.columns.tolist() == ["unique_id", "ds", "y"]
    assert_frame_equal(found[KEY], ahead[KEY])
    paths = model.sample(HORIZON, num_samples=3, calibrated=False, future_df=ahead)
    assert paths.columns.tolist() == ["unique_id", "ds", "sample_id", "y"]
    assert len(paths) == 3 * len(found)
    array = model.sample(HORIZON, num_samples=3, calibrated=False, future_df=ahead, as_array=True)
    np.testing.assert_array_equal(array.transpose(0, 1, 2).ravel(), paths["y"].to_numpy())
    assert model.stability(horizon=HORIZON, future_df=ahead)["unique_id"].tolist() == [
        "b", "a", "c",
    ]  # fmt: skip


def test_rolled_covariates_of_a_wide_frame_are_not_returned() -> None:
    df, _ = split(shared())
    wide = as_wide(df, ["weather"])
    model = LSTMForecaster(**TINY).fit(wide, past_covariates="weather", roll_past=True)
    assert model.predict(HORIZON).columns.tolist() == ["b", "a"]
    long = LSTMForecaster(**TINY).fit(df, past_covariates="weather", roll_past=True)
    expected = long.predict(HORIZON).pivot(index="ds", columns="unique_id", values="y")
    np.testing.assert_allclose(model.predict(HORIZON)[["a", "b"]], expected, rtol=1e-6)


def test_categories_cannot_be_rolled() -> None:
    df = history()
    for column in ("promo", "region"):
        with pytest.raises((FrameError, SettingError), match=f"'{column}'"):
            LSTMForecaster(**TINY).fit(df, past_covariates=column, roll_past=True)


@pytest.mark.slow
def test_several_targets_share_the_covariates_of_their_id() -> None:
    df, ahead = history(), future()
    df["z"] = 2 * df["y"] + 1
    targets = {"target_col": ["y", "z"], **ROLES}
    for joint in (False, True):
        model = LSTMForecaster(**TINY, multivariate=joint).fit(df, **targets)
        found = model.predict(HORIZON, future_df=ahead)
        assert found.columns.tolist() == ["unique_id", "ds", "y", "z"]
        assert_frame_equal(found[KEY], ahead[KEY])
        changed = ahead.assign(price=ahead["price"].mask(ahead.index == 2, 9.0))
        other = model.predict(HORIZON, future_df=changed)
        differ = (found[["y", "z"]] != other[["y", "z"]]).to_numpy()
        assert differ[2:HORIZON].all()
        assert not differ[:2].any()
        assert not differ[HORIZON:].any()
        assert_frame_equal(model.predict(HORIZON, df=df, future_df=ahead), found)


def test_a_series_has_one_column() -> None:
    y = history().query("unique_id == 'a'").set_index(["unique_id", "ds"])["y"]
    for series in (y, y.droplevel("unique_id")):
        for arguments in ({"target_col": ["a", "b"]}, {"future_covariates": "price"}):
            with pytest.raises(FrameError, match="a Series has one column"):
                LSTMForecaster(**TINY).fit(series, **arguments)


def test_columns_ahead_that_come_twice_are_named(model: LSTMForecaster) -> None:
    ahead = future()
    with pytest.raises(FrameError, match=r"future_df= has columns named twice: 'price'"):
        model.predict(HORIZON, future_df=pd.concat([ahead, ahead[["price"]]], axis=1))


def test_ids_ahead_that_are_missing_are_told(model: LSTMForecaster) -> None:
    ahead = future()
    ahead.loc[2, "unique_id"] = None
    with pytest.raises(FrameError, match="'unique_id' of future_df= has missing ids: row 2"):
        model.predict(HORIZON, future_df=ahead)


def test_categories_without_an_order_among_them() -> None:
    df = history()
    df["kind"] = pd.Categorical([1, "a"] * (len(df) // 2) + [1] * (len(df) % 2))
    model = LSTMForecaster(**TINY).fit(df, past_covariates="kind")
    assert np.isfinite(model.predict(2)["y"]).all()


def test_targets_called_as_the_number_of_a_sample_are_refused() -> None:
    df = history()[["unique_id", "ds", "y"]].assign(sample_id=1.5)
    model = LSTMForecaster(**TINY).fit(df, target_col=["y", "sample_id"])
    with pytest.raises(SettingError, match="sample_id"):
        model.sample(2, num_samples=3, calibrated=False)
