"""Backtests: every row is what `predict` gives for the rows up to its cutoff, and nothing else."""

from __future__ import annotations

import copy
import os
import signal
import sys
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.preprocessing import MinMaxScaler

import tsgen
from tsgen import GRUForecaster, LSTMForecaster, Naive, SeasonalNaive
from tsgen.errors import (
    ClosedLoopWarning,
    DivergenceError,
    FrameError,
    NotFittedError,
    SettingError,
    TrainingRowsWarning,
)
from tsgen.testing import panels, wide_panels

H = 4
ROWS = 60
SMALL = {
    "max_steps": 4,
    "hidden_size": 8,
    "context_length": 14,
    "lags": [2, 7],
    "season_length": 7,
    "verbose": False,
}
properties = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def small(**settings: Any) -> LSTMForecaster:
    return LSTMForecaster(**(SMALL | settings))


def values(rows: int = ROWS, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=rows)
    return 10.0 * (seed + 1) + np.sin(2 * np.pi * np.arange(rows) / 7) + 0.2 * noise.cumsum()


def wide(rows: int = ROWS, names: tuple[str, ...] = ("b", "c", "a")) -> pd.DataFrame:
    index = pd.date_range("2022-01-01", periods=rows, name="ds")
    return pd.DataFrame({name: values(rows, i) for i, name in enumerate(names)}, index=index)


def long(rows: int = ROWS, names: tuple[str, ...] = ("b", "c", "a")) -> pd.DataFrame:
    columns = wide(rows, names).rename_axis(columns="unique_id")
    return columns.unstack().rename("y").reset_index()


def ragged() -> pd.DataFrame:
    """Columns that begin and end at different rows."""
    df = wide()
    df.iloc[:9, 0] = np.nan
    df.iloc[-6:, 1] = np.nan
    return df


# ------------------------------------------------------------------------- what a row must equal


def up_to(df: Any, names: dict[str, str], series: Any, cutoff: Any) -> Any:
    """The rows of one series up to a cutoff, in the layout of the frame."""
    if isinstance(df.index, pd.MultiIndex):
        ids, times = df.index.get_level_values(0), df.index.get_level_values(1)
        return df[(ids == series) & (times <= cutoff)]
    if isinstance(df, pd.Series):
        return df[df.index <= cutoff]
    if names["time_col"] in df.columns:
        mine = df[df[names["time_col"]] <= cutoff]
        return mine if series is None else mine[mine[names["id_col"]] == series]
    beside = [name for name in ("promo", "lead") if name in df.columns]
    return df.loc[df.index <= cutoff, [series, *beside]]


def expected_of(
    model: Any, df: Any, rows: pd.DataFrame, names: dict[str, str], ahead: Any = None, **kwargs: Any
) -> np.ndarray:
    """What `predict` gives for each group of rows, one group after the other."""
    parts = []
    keys = [name for name in (names["id_col"], "cutoff") if name in rows.columns]
    for key, group in rows.groupby(keys, sort=False, observed=True):
        series, cutoff = key if len(keys) == 2 else (None, key[0])
        past = up_to(df, names, series, cutoff)
        future = {} if ahead is None else {"future_df": ahead(df, series, cutoff)}
        got = model.predict(len(group), df=past, **future, **kwargs)
        parts.append(np.asarray(got.get(names["target_col"], got)))
    return np.concatenate([np.ravel(part) for part in parts])


NAMES = {"id_col": "unique_id", "time_col": "ds", "target_col": "y"}


def assert_as_predicted(
    model: Any, df: Any, rows: pd.DataFrame, names: dict[str, str] = NAMES, **kwargs: Any
) -> None:
    predicted = rows[f"{names['target_col']}_pred"].to_numpy(dtype=float)
    expected = expected_of(model, df, rows, names, **kwargs)
    np.testing.assert_allclose(predicted, expected.astype(float), rtol=1e-5, atol=1e-4)


# ------------------------------------------------------------------------------------- known rows


def test_naive_by_hand() -> None:
    y = pd.Series([1.0, 2.0, 4.0, 8.0, 16.0], pd.date_range("2024-01-01", periods=5))
    rows = Naive().fit(y).backtest(y, 2, n_windows=2, step=1)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(5), unit="D")
    expected = pd.DataFrame(
        {
            "cutoff": day.take([1, 1, 2, 2]),
            "ds": day.take([2, 3, 3, 4]),
            "y": [4.0, 8.0, 8.0, 16.0],
            "y_pred": [2.0, 2.0, 4.0, 4.0],
        }
    )
    assert_frame_equal(rows, expected, check_dtype=False)


def test_seasonal_naive_has_no_error_on_a_season() -> None:
    y = pd.Series(np.tile(np.arange(7.0), 8), pd.date_range("2024-01-01", periods=56))
    rows = SeasonalNaive().fit(y).backtest(y, 10, n_windows=3)
    assert (rows["y"] == rows["y_pred"]).all()
    assert len(rows) == 30


def test_a_constant_is_forecast_as_it_is() -> None:
    df = wide()
    df["b"] = 5.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClosedLoopWarning)
        model = small().fit(df.iloc[:40])
    for carry in (False, True):
        rows = model.backtest(df, H, n_windows=4, carry=carry)
        assert (rows.loc[rows["unique_id"] == "b", "y_pred"] == 5.0).all()


def test_cutoffs_are_a_step_apart_and_the_last_leaves_the_horizon() -> None:
    df = wide()
    rows = Naive().fit(df).backtest(df, 5, n_windows=4, step=3)
    for name in df:
        mine = rows[rows["unique_id"] == name]
        assert mine["cutoff"].unique().tolist() == df.index[[45, 48, 51, 54]].tolist()
        assert mine["ds"].iloc[-1] == df.index[-1]
        steps = (mine["ds"] - mine["cutoff"]).dt.days.to_numpy().reshape(4, 5)
        assert (steps == np.arange(1, 6)).all()
        truth = df[name].loc[mine["ds"]]
        np.testing.assert_array_equal(mine["y"], truth)


def test_by_default_one_cutoff_and_no_overlap() -> None:
    df = wide()
    model = Naive().fit(df)
    assert model.backtest(df, 5)["cutoff"].nunique() == 1
    cutoffs = model.backtest(df, 5, n_windows=3)["cutoff"].unique()
    assert (np.diff(cutoffs) == pd.Timedelta(days=5)).all()


# ---------------------------------------------------------------------------------------- layouts


def multiindex() -> pd.DataFrame:
    return long().rename(columns={"unique_id": "shop", "ds": "day"}).set_index(["shop", "day"])


LAYOUTS: dict[str, Any] = {
    "series": lambda: wide()["b"],
    "integer": lambda: wide().set_axis(pd.RangeIndex(3, 3 + 2 * ROWS, 2)),
    "period": lambda: wide().set_axis(pd.period_range("2020-01", periods=ROWS, freq="M")),
    "zone": lambda: wide().set_axis(
        pd.date_range("2024-03-30", periods=ROWS, freq="h", tz="Europe/Berlin")
    ),
    "month ends": lambda: wide().set_axis(pd.date_range("2020-01-31", periods=ROWS, freq="ME")),
    "wide": wide,
    "wide, ragged": ragged,
    "wide, float32": lambda: wide().astype(np.float32),
    "long": long,
    "long, whole numbers": lambda: long().assign(y=lambda df: df["y"].round().astype("int64")),
    "long, shuffled": lambda: long().sample(frac=1, random_state=0, ignore_index=True),
    "long, ragged": lambda: long().drop(index=[*range(10), *range(115, 120)]),
    "long, categories": lambda: long().astype(
        {"unique_id": pd.CategoricalDtype(["c", "b", "a", "z"])}
    ),
    "long, one series": lambda: long(names=("b",)).drop(columns="unique_id"),
    "multiindex": multiindex,
    "multiindex series": lambda: multiindex()["y"].rename("sold"),
}


def names_in(layout: str) -> dict[str, str]:
    if "multiindex" not in layout:
        return NAMES
    target = "sold" if "series" in layout else "y"
    return {"id_col": "shop", "time_col": "day", "target_col": target}


@cache
def fitted(like: str = "wide") -> LSTMForecaster:
    """Each fitted once, on the first rows of a wide frame; never to be fitted again."""
    return small().fit(LAYOUTS[like]().iloc[:30])


def model_for(layout: str, kind: str) -> Any:
    like = layout if layout in ("integer", "period", "zone", "month ends") else "wide"
    return fitted(like) if kind == "lstm" else SeasonalNaive(season_length=7).fit(LAYOUTS[like]())


@pytest.mark.parametrize("kind", ["baseline", pytest.param("lstm", marks=pytest.mark.slow)])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout(layout: str, kind: str) -> None:
    df, names = LAYOUTS[layout](), names_in(layout)
    model = model_for(layout, kind)
    before = df.copy(deep=True)
    rows = model.backtest(df, H, n_windows=3, step=5)
    assert df.equals(before)
    target = names["target_col"]
    has_ids = layout not in ("series", "long, one series")
    ids = [names["id_col"]] if has_ids else []
    expected = [*ids, "cutoff", names["time_col"], target, f"{target}_pred"]
    assert rows.columns.tolist() == expected
    assert rows.index.equals(pd.RangeIndex(len(rows)))
    assert len(rows) == (3 if has_ids else 1) * 3 * H
    assert_as_predicted(model, df, rows, names)
    # As the input has them.
    history = model.sample(H, df=df, num_samples=1, calibrated=False) if kind == "lstm" else None
    if history is not None:
        same = [*ids, names["time_col"], target]
        assert rows[same].dtypes.equals(history[same].dtypes)
    assert rows["cutoff"].dtype == rows[names["time_col"]].dtype
    assert rows[f"{target}_pred"].dtype == rows[target].dtype


@pytest.mark.parametrize("layout", ["wide", "long", "long, shuffled", "long, categories"])
def test_series_come_in_the_order_of_the_input(layout: str) -> None:
    df = LAYOUTS[layout]()
    rows = Naive().fit(df).backtest(df, H, n_windows=3)
    first_named = df.columns if layout == "wide" else df["unique_id"]
    assert rows["unique_id"].unique().tolist() == list(pd.unique(pd.Index(first_named)))
    for _, mine in rows.groupby("unique_id", observed=True, sort=False):
        assert mine["cutoff"].is_monotonic_increasing
        assert mine["ds"].groupby(mine["cutoff"]).is_monotonic_increasing.all()
        assert np.array_equal(mine.index, np.arange(mine.index[0], mine.index[0] + len(mine)))


def test_a_ragged_frame_has_the_last_cutoffs_of_each_series() -> None:
    df = ragged()
    rows = Naive().fit(df).backtest(df, 5, n_windows=2)
    last = rows.groupby("unique_id")["ds"].max()
    assert last["c"] == df.index[-7]
    assert last["a"] == last["b"] == df.index[-1]
    assert rows["y"].notna().all()


@pytest.mark.slow
def test_several_targets_are_a_pair_of_columns_each() -> None:
    df = long().assign(z=lambda df: -df["y"])
    model = small().fit(tsgen.hold_out(df, 24)[0], target_col=["y", "z"])
    rows = model.backtest(df, H, n_windows=2)
    assert rows.columns.tolist() == ["unique_id", "cutoff", "ds", "y", "y_pred", "z", "z_pred"]
    for (series, cutoff), mine in rows.groupby(["unique_id", "cutoff"]):
        got = model.predict(H, df=up_to(df, NAMES, series, cutoff))
        truth = df[(df["unique_id"] == series) & df["ds"].isin(mine["ds"])]
        for target in ("y", "z"):
            np.testing.assert_allclose(mine[f"{target}_pred"], got[target], rtol=1e-5)
            np.testing.assert_array_equal(mine[target], truth[target])


# ------------------------------------------------------------------------------------------ holes


def with_holes(layout: str) -> pd.DataFrame:
    """Values missing before, at and around cutoffs; in a long frame rows are missing too."""
    df = wide(names=("b", "a"))
    df.iloc[[20, 21, 40, 45, 46, 47, 55], 0] = np.nan
    df.iloc[[44, 50, 51], 1] = np.nan
    if layout == "wide":
        return df
    rows = df.rename_axis(columns="unique_id").unstack().rename("y").reset_index()
    return rows.drop(index=[30, 31, ROWS + 30])


def filling(model: Any, fill: Any) -> Any:
    """A model that was fitted without holes, as if it had been told to fill them so."""
    other = copy.copy(model)
    other.panel_ = replace(model.panel_, fill=fill)
    return other


FILLS = ["mask", "ffill", "interpolate", 7.0]


@pytest.mark.slow
@pytest.mark.parametrize("names", [("b", "a"), ("new", "other")], ids=["seen", "not seen"])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("fill", FILLS, ids=str)
def test_holes_are_filled_from_what_was_there_at_the_cutoff(
    fill: Any, layout: str, names: tuple[str, str]
) -> None:
    df = with_holes(layout)
    called = dict(zip(("b", "a"), names, strict=True))
    df = df.rename(columns=called) if layout == "wide" else df.replace({"unique_id": called})
    model = filling(fitted(), fill)
    rows = model.backtest(df, H, n_windows=5, step=3)
    assert rows["y"].isna().any()
    assert rows["y_pred"].notna().all()
    if layout == "long":  # a cutoff whose row is missing, or no value, is one with a hole
        stamps = pd.date_range("2022-01-01", periods=ROWS)
        whole = pd.MultiIndex.from_product([names, stamps], names=["unique_id", "ds"])
        df = df.set_index(["unique_id", "ds"]).reindex(whole).reset_index()
    assert_as_predicted(model, df, rows)


def test_the_baselines_hold_the_last_value_over_holes() -> None:
    df = with_holes("wide")
    model = Naive().fit(df, fill="mask")
    rows = model.backtest(df, H, n_windows=5, step=3)
    assert_as_predicted(model, df, rows)


# ------------------------------------------------------------------------------------- covariates


def promoted(layout: str = "long", names: tuple[str, ...] = ("b", "c", "a")) -> pd.DataFrame:
    df = LAYOUTS[layout](names=names) if layout == "wide" else long(names=names)
    random = np.random.default_rng(5)
    count = len(df)
    df = df.assign(
        promo=random.choice(["none", "some", "much"], count), lead=random.normal(size=count)
    )
    if layout == "long":
        df["region"] = df["unique_id"].map({"b": "north", "c": "south"}).fillna("south")
        df["kind"] = random.choice(["x", "y"], count)
        df["price"] = random.normal(size=count)
    return df


def promos(df: pd.DataFrame, series: Any, cutoff: Any) -> pd.DataFrame:
    """The future covariates of a series after a cutoff."""
    if "ds" not in df.columns:
        return df.loc[df.index > cutoff, ["promo"]]
    columns = ["unique_id", "ds", *(name for name in ("promo", "price") if name in df.columns)]
    return df.loc[(df["unique_id"] == series) & (df["ds"] > cutoff), columns]


@cache
def told(layout: str = "long", **settings: Any) -> LSTMForecaster:
    """A model with covariates of all kinds, for frames with holes too."""
    df = promoted(layout)
    earlier = df.iloc[:30] if layout == "wide" else df[df["ds"] < "2022-02-05"]
    beside = {} if layout == "wide" else {"static_covariates": "region"}
    return small(calendar="auto", **settings).fit(
        earlier,
        future_covariates=["promo"] if layout == "wide" else ["promo", "price"],
        past_covariates=["lead"] if layout == "wide" else ["lead", "kind"],
        fill="mask",
        **beside,
    )


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS, ids=str)
@pytest.mark.parametrize(
    ("layout", "names"),
    [("long", ("b", "c", "a")), ("long", ("d", "b")), ("wide", ("b", "c", "a"))],
    ids=["long", "long, not all seen", "wide"],
)
def test_covariates_and_the_calendar(layout: str, names: tuple[str, ...], fill: Any) -> None:
    df = promoted(layout, names)
    df.loc[df.index[[20, 41, 47, 48, 53]], ["y" if layout == "long" else "b", "lead"]] = np.nan
    model = filling(told(layout), fill)
    rows = model.backtest(df, H, n_windows=4, step=3)
    assert_as_predicted(model, df, rows, ahead=promos)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_past_covariates_that_are_rolled_along(layout: str) -> None:
    df = promoted(layout)
    columns = ["unique_id", "ds", "y", "lead"] if layout == "long" else ["b", "c", "a", "lead"]
    df = df[columns]
    earlier = df.iloc[:30] if layout == "wide" else df[df["ds"] < "2022-02-05"]
    model = small().fit(earlier, past_covariates="lead", roll_past=True, fill="mask")
    df.loc[df.index[[45, 46, 47]], "b" if layout == "wide" else "y"] = np.nan
    rows = model.backtest(df, H, n_windows=3, step=3)
    assert rows.columns.tolist() == ["unique_id", "cutoff", "ds", "y", "y_pred"]
    assert_as_predicted(model, df, rows)


@pytest.mark.slow
def test_a_table_of_static_covariates() -> None:
    df = long()
    table = pd.DataFrame({"size": [1.0, 2.0, 5.0]}, index=["a", "b", "c"])
    model = small().fit(df[df["ds"] < "2022-02-05"], static_covariates=table)
    assert_as_predicted(model, df, model.backtest(df, H, n_windows=2))
    refitted = model.backtest(df, H, n_windows=1, refit=True)
    earlier = df.groupby("unique_id", sort=False).head(ROWS - H)
    again = clone(model).fit(earlier, static_covariates=table).predict(H)
    np.testing.assert_allclose(refitted["y_pred"], again["y"], rtol=1e-5)


@pytest.mark.slow
def test_future_covariates_that_are_missing_in_the_horizon_count_as_fill_says() -> None:
    df = promoted()
    model = filling(told(), "ffill")
    whole = model.backtest(df, H, n_windows=3)
    df.loc[df["ds"] > df["ds"].max() - pd.Timedelta(days=2), "price"] = np.nan
    rows = model.backtest(df, H, n_windows=3)
    held = df.assign(price=df["price"].ffill())
    assert_frame_equal(rows, model.backtest(held, H, n_windows=3))
    assert not rows.equals(whole)


# ---------------------------------------------------------------------------------------- systems


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS, ids=str)
def test_the_channels_of_a_wide_system(fill: Any) -> None:
    df = wide()
    model = filling(small(multivariate=True).fit(df.iloc[:30], fill="mask"), fill)
    df.iloc[[20, 46, 47, 52], 1] = np.nan
    df.iloc[[52], :] = np.nan
    for carry in (False, True):
        rows = model.backtest(df, H, n_windows=4, step=3, carry=carry)
        assert rows["unique_id"].unique().tolist() == ["b", "c", "a"]
        if carry:
            assert_as_carried(model, df, rows, step=3)
            continue
        for cutoff, mine in rows.groupby("cutoff"):
            got = model.predict(H, df=df[df.index <= cutoff])
            np.testing.assert_allclose(mine["y_pred"], got.T.to_numpy().ravel(), rtol=1e-5)


@pytest.mark.slow
def test_the_targets_of_a_long_system() -> None:
    df = long().assign(z=lambda df: df["y"] ** 2)
    model = GRUForecaster(**SMALL, multivariate=True)
    model.fit(df[df["ds"] < "2022-02-05"], target_col=["y", "z"])
    rows = model.backtest(df, H, n_windows=3)
    for (series, cutoff), mine in rows.groupby(["unique_id", "cutoff"]):
        got = model.predict(H, df=up_to(df, NAMES, series, cutoff))
        np.testing.assert_allclose(mine[["y_pred", "z_pred"]], got[["y", "z"]], rtol=1e-5)


# ------------------------------------------------------------------------------------ carrying on


def assert_as_carried(
    model: Any, df: pd.DataFrame, rows: pd.DataFrame, step: int, ahead: Any = None
) -> None:
    """Those of `encode` at the first cutoff, and `update(carry=True)` with the rows in between.

    All series end together.
    """
    times = df["ds"] if "ds" in df.columns else df.index
    state, before = None, None
    for cutoff in sorted(rows["cutoff"].unique()):
        new = df[(times <= cutoff) & (True if before is None else times > before)]
        if state is None:
            state = model.encode(new)
        elif len(new.dropna(how="all")):
            state = model.update(state, new, carry=True)
        future = {} if ahead is None else {"future_df": ahead(df, cutoff)}
        got = model.predict(H, state=state, **future)
        if "unique_id" not in got.columns:
            got = got.rename_axis(columns="unique_id").unstack().rename("y").reset_index()
        mine = rows[rows["cutoff"] == cutoff].reset_index(drop=True)
        mine = got[["unique_id", "ds"]].merge(mine, "left", on=["unique_id", "ds"])
        np.testing.assert_allclose(mine["y_pred"], got["y"], rtol=1e-4, atol=1e-4)
        before = cutoff
    assert state is not None


@pytest.mark.slow
@pytest.mark.parametrize("names", [("b", "a"), ("new", "other")], ids=["seen", "not seen"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
def test_carried_rows_are_those_of_updates(cell: Any, layers: int, names: tuple[str, str]) -> None:
    model = carrying(cell, layers)
    df = long(names=names)
    df.loc[df["unique_id"] == names[1], "y"] = values(seed=1)
    for step in (1, 5):
        rows = model.backtest(df, H, n_windows=5, step=step, carry=True)
        assert_as_carried(model, df, rows, step)


@cache
def carrying(cell: Any, layers: int) -> Any:
    return cell(**SMALL, num_layers=layers).fit(wide(30, names=("b", "a")))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("fill", FILLS, ids=str)
def test_carried_over_holes(fill: Any, layout: str) -> None:
    df = with_holes(layout)
    if layout == "long":  # an update begins with rows, were they empty
        df = with_holes("wide").rename_axis(columns="unique_id").unstack().rename("y").reset_index()
    model = filling(fitted(), fill)
    rows = model.backtest(df, H, n_windows=6, step=3, carry=True)
    assert_as_carried(model, df, rows, step=3)


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS, ids=str)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_carried_with_covariates(layout: str, fill: Any) -> None:
    df = promoted(layout)
    model = filling(told(layout), fill)

    def ahead(df: pd.DataFrame, cutoff: Any) -> pd.DataFrame:
        times = df["ds"] if "ds" in df.columns else df.index
        return df.loc[times > cutoff].drop(columns=["y", "lead"], errors="ignore")

    for holes in (False, True):
        if holes:
            target = "y" if layout == "long" else "b"
            df.loc[df.index[[41, 47, 48, 53]], [target, "lead"]] = np.nan
        rows = model.backtest(df, H, n_windows=4, step=3, carry=True)
        assert_as_carried(model, df, rows, 3, ahead)


@pytest.mark.slow
def test_series_that_begin_later_are_read_at_their_own_first_cutoff() -> None:
    df = ragged().iloc[:, [0, 2, 1]]
    df.iloc[:47, 1] = np.nan  # a: room for two cutoffs
    for carry in (False, True):
        rows = fitted().backtest(df, H, n_windows=6, step=3, carry=carry)
        alone = pd.concat(
            [
                fitted().backtest(df[[name]].dropna(), H, n_windows=6, step=3, carry=carry)
                for name in df
            ],
            ignore_index=True,
        )
        assert_frame_equal(rows, alone, rtol=1e-5)
    assert rows.groupby("unique_id")["cutoff"].nunique().to_dict() == {"a": 3, "b": 6, "c": 6}


@pytest.mark.slow
def test_what_was_constant_is_read_anew_when_it_moves() -> None:
    df = wide(names=("b", "a"))
    df.iloc[:44, 0] = 3.0
    rows = fitted().backtest(df, H, n_windows=8, step=3, carry=True)
    assert_as_carried(fitted(), df, rows, step=3)


# ------------------------------------------------------------------------- levels, files and more


@pytest.mark.slow
def test_levels_are_those_of_predict() -> None:
    model = copy.copy(fitted()).calibrate(wide(30))
    df = wide()
    kwargs: dict[str, Any] = {"level": [80], "quantiles": 0.3}
    rows = model.backtest(df, H, n_windows=3, **kwargs)
    suffixes = ["-lo-80", "-hi-80", "-q-0.3"]
    assert rows.columns.tolist()[3:] == ["y", "y_pred", *(f"y_pred{suffix}" for suffix in suffixes)]
    for (series, cutoff), mine in rows.groupby(["unique_id", "cutoff"]):
        got = model.predict(H, df=df.loc[df.index <= cutoff, [series]], **kwargs)
        for suffix in ("", *suffixes):
            expected = got[(series, f"y{suffix}")]
            np.testing.assert_allclose(mine[f"y_pred{suffix}"], expected, rtol=1e-5)
    point = model.backtest(df, H, n_windows=3)
    assert_frame_equal(rows[point.columns], point)


@pytest.mark.slow
def test_a_loaded_model(tmp_path: Any) -> None:
    fitted().save(tmp_path / "a.tsgen")
    loaded = tsgen.load(tmp_path / "a.tsgen")
    df = wide()
    assert_frame_equal(loaded.backtest(df, H, n_windows=3), fitted().backtest(df, H, n_windows=3))
    with pytest.warns(TrainingRowsWarning):
        loaded.backtest(df, H, n_windows=10)


@pytest.mark.slow
def test_target_transforms_and_transformers() -> None:
    df = wide().abs()
    for setting in ({"target_transform": "log1p"}, {"scaler": MinMaxScaler()}):
        model = small(**setting).fit(df.iloc[:30])
        assert_as_predicted(model, df, model.backtest(df, H, n_windows=3))
        new = df.add_prefix("new ")
        assert_as_predicted(model, new, model.backtest(new, H, n_windows=3))


@pytest.mark.slow
@pytest.mark.parametrize("carry", [False, True])
def test_blocks_of_any_size(carry: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    df = ragged()
    whole = fitted().backtest(df, H, n_windows=6, step=2, carry=carry)
    new = df.add_prefix("new ")
    whole_new = fitted().backtest(new, H, n_windows=6, step=2, carry=carry)
    for rows in (1, 100, 1000):
        monkeypatch.setattr("tsgen.inference.rolling_origin._ROWS_AT_ONCE", rows)
        monkeypatch.setattr("tsgen.inference.rolling_origin._READ_AT_ONCE", rows)
        got = fitted().backtest(df, H, n_windows=6, step=2, carry=carry)
        assert_frame_equal(got, whole, rtol=1e-5)
        got = fitted().backtest(new, H, n_windows=6, step=2, carry=carry)
        assert_frame_equal(got, whole_new, rtol=1e-5)


def runaway() -> LSTMForecaster:
    model = copy.deepcopy(fitted())
    with torch.no_grad():
        model.module_.network.head.bias += 100.0
    return model


@pytest.mark.slow
def test_a_loop_that_runs_away_is_named_with_its_cutoff() -> None:
    df = wide()
    with pytest.warns(ClosedLoopWarning, match="series 'a' after 2022-02-25 00:00:00 at step"):
        runaway().backtest(df, H, n_windows=2)
    with pytest.raises(DivergenceError, match="after 2022-02-25"):
        runaway().backtest(df, H, n_windows=2, on_blowup="raise")


# ------------------------------------------------------------------------------------------ refit


@pytest.mark.slow
@pytest.mark.parametrize(("refit", "fits"), [(True, [0, 1, 2]), (2, [0, 0, 2]), (5, [0, 0, 0])])
def test_a_clone_is_fitted_at_every_so_many_cutoffs(refit: Any, fits: list[int]) -> None:
    df = wide()
    model = fitted()
    weights = copy.deepcopy(model.module_.state_dict())
    state = vars(model).copy()
    rows = model.backtest(df, H, n_windows=3, step=5, refit=refit)
    cutoffs = rows["cutoff"].unique()
    for cutoff, first in zip(cutoffs, fits, strict=True):
        again = clone(model).fit(df[df.index <= cutoffs[first]])
        got = again.predict(H, df=df[df.index <= cutoff])
        mine = rows.loc[rows["cutoff"] == cutoff, "y_pred"]
        np.testing.assert_allclose(mine, got.T.to_numpy().ravel(), rtol=1e-5)
    # Nothing of the model itself is another.
    assert vars(model) == state
    assert all(torch.equal(weights[name], now) for name, now in model.module_.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("carry", [False, True])
def test_a_refit_learns_what_has_come_since(carry: bool) -> None:
    """A kind of promotion that the first fit hasn't seen, and each fit those of its rows alone."""
    df = promoted()
    since = df["ds"] > "2022-02-12"
    df.loc[since & (df["promo"] == "much"), "promo"] = "all"
    df.loc[df["unique_id"] == "a", "region"] = "east"
    model = told()
    rows = model.backtest(df, H, n_windows=2, step=8, refit=True, carry=carry)
    columns = {
        "future_covariates": ["promo", "price"],
        "past_covariates": ["lead", "kind"],
        "static_covariates": "region",
        "fill": "mask",
    }
    for cutoff, mine in rows.groupby("cutoff"):
        past = df[df["ds"] <= cutoff]
        future = df.loc[df["ds"] > cutoff, ["unique_id", "ds", "promo", "price"]]
        got = clone(model).fit(past, **columns).predict(H, future_df=future)
        np.testing.assert_allclose(mine["y_pred"], got["y"], rtol=1e-5)


@pytest.mark.slow
def test_levels_of_a_refit_are_calibrated_on_its_own_rows() -> None:
    df = wide(names=("b", "a"))
    rows = fitted().backtest(df, H, refit=True, level=80)
    again = clone(fitted()).fit(df.iloc[:-H])
    got = again.predict(H, level=80)
    np.testing.assert_allclose(
        rows["y_pred-lo-80"], got.xs("y-lo-80", axis=1, level=1).T.to_numpy().ravel(), rtol=1e-5
    )


class Interrupt(pl.Callback):
    """Ends training as Ctrl-C does."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 1:  # a second signal would be no request, but the end
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
def test_who_ends_one_fit_ends_the_backtest() -> None:
    model = copy.copy(fitted()).set_params(trainer_kwargs={"callbacks": [Interrupt()]})
    with pytest.raises(KeyboardInterrupt, match="ended by SIGINT"):
        model.backtest(wide(), H, n_windows=2, refit=True)


def test_a_baseline_refits_too() -> None:
    df = wide()
    model = SeasonalNaive(season_length=7).fit(df)
    assert_frame_equal(
        model.backtest(df, H, n_windows=4, refit=2), model.backtest(df, H, n_windows=4)
    )


@pytest.mark.slow
def test_a_bar_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    df = wide()
    model = clone(fitted()).set_params(verbose=True, max_steps=1).fit(df.iloc[:30])
    model.backtest(df, H, n_windows=2, refit=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    model.backtest(df, H, n_windows=2, refit=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "backtest" in shown.err
    assert "fit" not in shown.err.replace("backtest", "")


# ------------------------------------------------------------------------------- rows of training


@pytest.mark.slow
def test_rows_of_training_are_told() -> None:
    df = wide()
    model = fitted()  # the first 30 rows
    for n_windows in (1, 7):  # 7 times 4 are 28 rows, of which none is known
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.backtest(df, H, n_windows=n_windows)
    said = (
        r"3 of 24 forecasts are of rows that the model was trained on, the first of series 'a' "
        r"after 2022-01-28 00:00:00.*refit=True"
    )
    with pytest.warns(TrainingRowsWarning, match=said) as caught:
        model.backtest(df, H, n_windows=8)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.backtest(df.add_prefix("new "), H, n_windows=8)
        model.backtest(df, H, n_windows=8, refit=8)
        # A column that ended before its frame did was trained on up to its own end.
        short = df.iloc[:30].assign(b=df["b"].iloc[:28])
        clone(model).fit(short).backtest(df[["b"]], H, n_windows=8)
        Naive().fit(df).backtest(df, H)


@pytest.mark.slow
@pytest.mark.parametrize("time", ["integer", "period", "zone", "month ends"])
def test_rows_of_training_in_any_time(time: str) -> None:
    df = LAYOUTS[time]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(time).backtest(df, H, n_windows=7)
    with pytest.warns(TrainingRowsWarning, match="3 of 24"):
        fitted(time).backtest(df, H, n_windows=8)


# ------------------------------------------------------------------------------ nothing of later


def scrambled(df: pd.DataFrame, later: Any, seed: int) -> pd.DataFrame:
    """Other values where ``later`` is true, and holes where there were holes."""
    df = df.copy()
    random = np.random.default_rng(seed)
    for name in df.columns.difference(["unique_id", "ds", "promo", "price", "region"]):
        rows = later & df[name].notna()
        if name == "kind":
            df.loc[rows, name] = random.choice(["x", "y"], int(rows.sum()))
        else:
            df.loc[rows, name] = df[name].mean() + df[name].std() * random.normal(
                size=int(rows.sum())
            )
    return df


@pytest.mark.slow
@pytest.mark.parametrize("carry", [False, True])
@properties
@given(
    df=wide_panels(length=(20, 40), freq=["D"], ids=["text"], values=["random_walk", "seasonal"]),
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(0, 3),
)
def test_no_later_value_changes_a_forecast(
    df: pd.DataFrame, seed: int, number: int, carry: bool
) -> None:
    """Drawn series are new to the model: their scalers are fitted up to each cutoff."""
    assert_causal(fitted(), df, number, seed, carry)


def assert_causal(model: Any, df: pd.DataFrame, number: int, seed: int, carry: bool) -> None:
    kwargs: dict[str, Any] = {"n_windows": 4, "step": 3, "carry": carry, "short": "skip"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClosedLoopWarning)
        rows = model.backtest(df, H, **kwargs)
        cutoffs = np.sort(rows["cutoff"].unique())
        cutoff = cutoffs[min(number, len(cutoffs) - 1)]
        times = df["ds"] if "ds" in df.columns else df.index
        again = model.backtest(scrambled(df, times > cutoff, seed), H, **kwargs)
    kept = rows["cutoff"] <= cutoff
    assert rows[~kept].empty or not rows[~kept].equals(again[~kept])
    assert_frame_equal(
        rows[kept].drop(columns="y"), again[kept].drop(columns="y"), check_exact=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("fill", FILLS, ids=str)
@settings(properties, max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(0, 3))
def test_no_later_value_changes_a_forecast_over_holes(
    fill: Any, seed: int, number: int, carry: bool
) -> None:
    """Covariates of the past are scrambled too; those known ahead and the calendar stay."""
    df = promoted(names=("b", "d"))
    df.loc[df.index[[20, 41, 47, 48, 53, 110]], ["y", "lead"]] = np.nan
    assert_causal(filling(told(), fill), df, number, seed, carry)


@pytest.mark.slow
@properties
@given(df=panels(length=(9, 40), freq=["D"], ids=["text", "integer", "category"], holes=True))
def test_any_panel(df: pd.DataFrame) -> None:
    model = filling(fitted(), "mask")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClosedLoopWarning)
        rows = model.backtest(df, H, n_windows=3, step=2)
    assert np.isfinite(rows["y_pred"]).all()
    order = pd.unique(df["unique_id"].astype(object))
    assert rows["unique_id"].unique().tolist() == list(order)
    assert rows["unique_id"].dtype == df["unique_id"].dtype
    truth = rows.merge(df, "left", on=["unique_id", "ds"], suffixes=("", "_true"))
    np.testing.assert_array_equal(truth["y"], truth["y_true"])
    assert not rows.duplicated(["unique_id", "cutoff", "ds"]).any()


# ----------------------------------------------------------------------------------------- errors


def test_series_without_room() -> None:
    df = ragged()
    df.iloc[:51, 0] = np.nan  # 9 rows
    model = Naive().fit(df)
    with pytest.raises(FrameError, match=r"'b' \(9 rows\).*short='skip'"):
        model.backtest(df, 9)
    rows = model.backtest(df, 9, short="skip")
    assert rows["unique_id"].unique().tolist() == ["c", "a"]
    assert model.backtest(df, 8)["unique_id"].nunique() == 3
    with pytest.raises(FrameError, match=r"'a' .*, 'b' .*, 'c' "):
        model.backtest(df, 60, short="skip")


@pytest.mark.slow
def test_series_without_room_are_skipped_by_a_network_too() -> None:
    df = ragged()
    df.iloc[:51, 0] = np.nan
    for carry in (False, True):
        rows = fitted().backtest(df, 8, n_windows=2, short="skip", carry=carry)
        expected = fitted().backtest(df[["c", "a"]], 8, n_windows=2, carry=carry)
        assert_frame_equal(rows, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"n_windows": 0}, SettingError, "n_windows=0"),
        ({"step": 0}, SettingError, "step=0"),
        ({"step": 1.5}, SettingError, r"step=1\.5"),
        ({"refit": 0}, SettingError, "refit=0"),
        ({"refit": "yes"}, SettingError, "refit='yes'"),
        ({"short": "drop"}, SettingError, "short='drop'"),
        ({"horizon": 0}, ValueError, "horizon=0"),
        ({"horizon": 1.0}, TypeError, r"horizon=1\.0"),
        ({"n_splits": 3}, TypeError, "'n_windows'"),
        ({"stride": 3}, TypeError, "'step'"),
        ({"step_size": 3}, TypeError, "'step'"),
        ({"retrain": True}, TypeError, "'refit'"),
        ({"level": 80}, TypeError, "level"),
    ],
    ids=str,
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    df = wide()
    with pytest.raises(error, match=said):
        Naive().fit(df).backtest(df, **({"horizon": H} | arguments))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"carry": 1}, SettingError, "carry=1"),
        ({"level": 100}, SettingError, "level=100"),
        ({"on_blowup": "stop"}, SettingError, "on_blowup='stop'"),
        ({"levels": 80}, TypeError, "'level'"),
        ({"forecast_horizon": 80}, TypeError, "'horizon'"),
    ],
    ids=str,
)
def test_bad_arguments_of_a_network(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fitted().backtest(wide(), H, **arguments)


@pytest.mark.parametrize("model", [LSTMForecaster(), Naive()], ids=["lstm", "naive"])
def test_before_fit(model: Any) -> None:
    with pytest.raises(NotFittedError, match="before backtest"):
        model.backtest(wide(), H)


@pytest.mark.parametrize("names", [("cutoff", "ds", "y"), ("unique_id", "ds", "cutoff")], ids=str)
def test_columns_of_the_same_name(names: tuple[str, str, str]) -> None:
    df = long().set_axis(list(names), axis=1)
    columns = dict(zip(("id_col", "time_col", "target_col"), names, strict=True))
    with pytest.raises(SettingError, match="'cutoff'"):
        Naive().fit(df, **columns).backtest(df, H)


def test_problems_of_a_frame_are_those_of_predict() -> None:
    df = wide()
    model = Naive().fit(df)
    df.iloc[20, 0] = np.nan
    with pytest.raises(FrameError, match="missing values between observed ones"):
        model.backtest(df, H)
