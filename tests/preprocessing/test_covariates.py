"""Covariates as the network is told them, against values worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsgen import LSTMForecaster
from tsgen.data.frame import read_panel
from tsgen.data.panel import Columns, Panel
from tsgen.data.spec import FrameSpec
from tsgen.errors import ScalerError, SettingError
from tsgen.preprocessing.covariates import CovariateScaler, fit_covariate_scaler
from tsgen.preprocessing.windows import CovariateRows

Array = npt.NDArray[np.float64]

properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)

SMALL = {"hidden_size": 8, "max_steps": 5, "context_length": 10, "lags": [2], "verbose": False}
ROOT2, ROOT6 = np.sqrt(2.0), np.sqrt(6.0)


class Doubles(BaseEstimator):
    """A user's transformer that can't be inverted."""

    def fit(self, X: Any, y: Any = None) -> Doubles:
        self.largest_ = float(np.max(X))
        return self

    def transform(self, X: Any) -> Any:
        return 2 * np.minimum(X, self.largest_)


def long_frame(**columns: list[Any]) -> pd.DataFrame:
    """Four rows of "a" and three of "b", which ends on the same day."""
    days = pd.date_range("2024-01-01", periods=4)
    return pd.DataFrame(
        {
            "unique_id": ["a"] * 4 + ["b"] * 3,
            "ds": [*days, *days[1:]],
            "y": np.arange(7.0),
            **columns,
        }
    )


PRICE = [1.0, 3.0, 1.0, 3.0, 10.0, 20.0, 30.0]
SCALED_PRICE = [[-1.0, 1.0, -1.0, 1.0], [-3 / ROOT6, 0.0, 3 / ROOT6]]
STOCK = [0.0, 2.0, 4.0, 2.0, 5.0, 5.0, 8.0]
# "a": mean 2, spread sqrt(2); "b": mean 6, spread sqrt(2).
SCALED_STOCK = [[-ROOT2, 0.0, ROOT2, 0.0], [-1 / ROOT2, -1 / ROOT2, ROOT2]]


def panel_of(df: pd.DataFrame, *, seen: Panel | None = None, **how: Any) -> Panel:
    names = {role: how.pop(role, ()) for role in ("future", "past", "static")}
    return read_panel(df, FrameSpec(Columns(**names), seen=seen, **how), freq="D")


def fitted(
    panel: Panel, template: Any = "standard", *, shared: bool = False
) -> tuple[CovariateScaler, CovariateRows]:
    scaler = fit_covariate_scaler(template, panel, shared=shared)
    assert scaler is not None
    told = scaler.of_panel(panel)
    assert told is not None
    return scaler, told


def by_system(told: CovariateRows) -> list[Array]:
    """The rows of each system, (rows, columns)."""
    bounds = zip(told.starts.tolist(), told.stops.tolist(), strict=True)
    return [told.rows[start:stop].numpy().astype(np.float64) for start, stop in bounds]


def assert_rows(told: CovariateRows, *expected: list[list[float]]) -> None:
    """Each expectation is the columns of one system."""
    assert len(expected) == len(told.starts)
    for got, columns in zip(by_system(told), expected, strict=True):
        np.testing.assert_allclose(got, np.array(columns).T, atol=1e-6)


# ------------------------------------------------------------------------------------ of each role


def test_future_covariates_are_scaled_series_by_series() -> None:
    scaler, told = fitted(panel_of(long_frame(price=PRICE), future=("price",)))
    assert_rows(told, [SCALED_PRICE[0]], [SCALED_PRICE[1]])
    assert told.past == ()
    assert scaler.width == 1
    assert scaler.categories == {}
    assert told.static.shape == (2, 0)


def test_past_covariates_tell_of_the_row_before_and_whether_it_is_known() -> None:
    scaler, told = fitted(panel_of(long_frame(stock=STOCK), past=("stock",)))
    assert_rows(
        told,
        [[0.0, *SCALED_STOCK[0][:-1]], [0.0, 1.0, 1.0, 1.0]],
        [[0.0, *SCALED_STOCK[1][:-1]], [0.0, 1.0, 1.0]],
    )
    assert told.past == (0, 1)
    assert scaler.width == 2
    assert scaler.columns_of("stock") == [0, 1]


def test_columns_are_those_of_rows_then_flags_then_static_ones() -> None:
    df = long_frame(price=PRICE, stock=STOCK, size=[1.0] * 4 + [5.0] * 3)
    df["weather"] = ["wet", "dry", "wet", "dry", "wet", "wet", "dry"]
    panel = panel_of(df, future=("price",), past=("weather", "stock"), static=("size",))
    scaler, told = fitted(panel)
    assert_rows(
        told,
        [
            SCALED_PRICE[0],
            [0, 2, 1, 2],
            [0.0, *SCALED_STOCK[0][:-1]],
            [0, 1, 1, 1],
            [0, 1, 1, 1],
        ],
        [SCALED_PRICE[1], [0, 2, 2], [0.0, *SCALED_STOCK[1][:-1]], [0, 1, 1], [0, 1, 1]],
    )
    assert told.past == (1, 2, 3, 4)
    np.testing.assert_allclose(told.static, [[-1.0], [1.0]])
    assert scaler.width == 6
    assert scaler.categories == {1: 2}
    named = {name: scaler.columns_of(name) for name in ("price", "weather", "stock", "size")}
    assert named == {"price": [0], "weather": [1, 3], "stock": [2, 4], "size": [5]}


def test_static_numbers_are_scaled_over_the_series_and_categories_are_numbered() -> None:
    df = long_frame(size=[2.0] * 4 + [10.0] * 3, kind=["shop"] * 4 + ["kiosk"] * 3)
    panel = panel_of(df, static=("size", "kind"))
    scaler, told = fitted(panel)
    np.testing.assert_allclose(told.static, [[-1.0, 2.0], [1.0, 1.0]])
    np.testing.assert_allclose(scaler.centre, [6.0, 0.0])
    np.testing.assert_allclose(scaler.scale, [4.0, 1.0])
    assert told.rows.shape == (7, 0)
    assert (told.stops - told.starts).tolist() == [4, 3]
    assert scaler.categories == {1: 2}


def test_the_static_number_of_one_series_is_zero() -> None:
    df = long_frame(size=[2.0] * 7)
    panel = panel_of(df[df["unique_id"] == "a"], static=("size",))
    assert fitted(panel)[1].static.tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        ([True, False, True, True, False, False, True], [2, 1, 2, 2, 1, 1, 2]),
        (["u", "v", "w", "v", "u", "u", "w"], [1, 2, 3, 2, 1, 1, 3]),
        (pd.Categorical([5, 3, 9, 3, 5, 5, 9]), [2, 1, 3, 1, 2, 2, 3]),
        (pd.Categorical(["u", None, "w", "u", "u", "u", "w"]), [1, 0, 2, 1, 1, 1, 2]),
    ],
    ids=["bool", "text", "numbers called categories", "one is missing"],
)
def test_categories_are_numbered_from_one_in_their_order(column: Any, numbers: list[int]) -> None:
    panel = panel_of(long_frame(kind=column), future=("kind",))
    scaler, told = fitted(panel)
    assert_rows(told, [list(map(float, numbers[:4]))], [list(map(float, numbers[4:]))])
    assert scaler.categories == {0: max(numbers)}
    assert scaler.scalers == (None,)


def test_a_category_that_fit_has_not_seen_and_one_that_is_missing_are_number_zero() -> None:
    df = long_frame(kind=["u", "v", "u", "v", "u", "v", "u"])
    seen = panel_of(df, future=("kind",), past=())
    scaler, _ = fitted(seen)
    later = df.assign(kind=["v", "new", None, "u", "U", "u", "v"])
    told = scaler.of_panel(panel_of(later, future=("kind",), seen=seen))
    assert told is not None
    assert_rows(told, [[2, 0, 0, 1]], [[0, 1, 2]])


def test_a_past_category_that_is_not_known_is_flagged_so() -> None:
    df = long_frame(kind=["u", None, "u", "v", "u", "v", "u"])
    _, told = fitted(panel_of(df, past=("kind",)))
    assert_rows(told, [[0, 1, 0, 1], [0, 1, 0, 1]], [[0, 1, 2], [0, 1, 1]])


def test_a_past_number_that_is_missing_is_the_mean_and_flagged_so() -> None:
    df = long_frame(stock=[0.0, np.nan, 4.0, 2.0, 5.0, 5.0, 8.0])
    _, told = fitted(panel_of(df, past=("stock",), fill="mask"))
    spread = np.std([0.0, 4.0, 2.0])
    assert_rows(
        told,
        [[0, -2 / spread, 0, 2 / spread], [0, 1, 0, 1]],
        [[0.0, *SCALED_STOCK[1][:-1]], [0, 1, 1]],
    )


def test_cycles_are_told_as_they_are_and_columns_of_a_function_are_scaled() -> None:
    def days(index: pd.DatetimeIndex) -> pd.DataFrame:
        return pd.DataFrame({"day": index.day, "late": index.day > 2}, index=index)

    panel = panel_of(long_frame(), calendar=("day_of_week", days))
    scaler, told = fitted(panel)
    cycle = 2 * np.pi * np.arange(4) / 7  # 1 January 2024 is a Monday
    # Days 1 to 4: mean 2.5; days 2 to 4: mean 3.
    assert_rows(
        told,
        [
            np.sin(cycle).tolist(),
            np.cos(cycle).tolist(),
            ((np.arange(1, 5) - 2.5) / np.sqrt(1.25)).tolist(),
            [1, 1, 2, 2],
        ],
        [
            np.sin(cycle[1:]).tolist(),
            np.cos(cycle[1:]).tolist(),
            [-3 / ROOT6, 0.0, 3 / ROOT6],
            [1, 2, 2],
        ],
    )
    assert scaler.categories == {3: 2}


# ------------------------------------------------------------------------------------------ scales


def test_a_constant_covariate_is_zero_and_stays_finite() -> None:
    df = long_frame(price=[4.0] * 4 + [1.0, 2.0, 3.0], stock=[0.1] * 7)
    _, told = fitted(panel_of(df, future=("price",), past=("stock",)))
    assert_rows(
        told,
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1]],
        [[-3 / ROOT6, 0, 3 / ROOT6], [0, 0, 0], [0, 1, 1]],
    )


def test_a_covariate_that_is_unknown_in_a_whole_series() -> None:
    df = long_frame(price=[np.nan] * 4 + [1.0, 2.0, 3.0])
    _, told = fitted(panel_of(df, future=("price",), fill="mask"))
    assert_rows(told, [[0, 0, 0, 0]], [[-3 / ROOT6, 0, 3 / ROOT6]])


def test_one_scale_for_all_is_that_of_all_rows() -> None:
    df = long_frame(price=PRICE, stock=STOCK)
    scaler, told = fitted(panel_of(df, future=("price",), past=("stock",)), shared=True)
    price = (np.array(PRICE) - np.mean(PRICE)) / np.std(PRICE)
    stock = (np.array(STOCK) - np.mean(STOCK)) / np.std(STOCK)
    assert_rows(
        told,
        [price[:4].tolist(), [0, *stock[:3]], [0, 1, 1, 1]],
        [price[4:].tolist(), [0, *stock[4:6]], [0, 1, 1]],
    )
    assert len(scaler.ids) == 0
    assert [len(scalers) for scalers in scaler.scalers if scalers is not None] == [1, 1]


@pytest.mark.parametrize("shared", [False, True])
def test_a_series_not_seen_in_fit_has_the_scale_of_all_rows(shared: bool) -> None:
    df = long_frame(price=PRICE)
    scaler, told = fitted(panel_of(df, future=("price",)), shared=shared)
    other = panel_of(df.assign(unique_id=["n"] * 4 + ["b"] * 3), future=("price",))
    got = scaler.of_panel(other)
    assert got is not None
    assert other.ids.tolist() == ["b", "n"]
    np.testing.assert_allclose(by_system(got)[0], by_system(told)[1])
    by_hand = (np.array(PRICE[:4]) - np.mean(PRICE)) / np.std(PRICE)
    np.testing.assert_allclose(by_system(got)[1][:, 0], by_hand, rtol=1e-6)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("minmax", [[0, 1, 0, 1], [0, 0.5, 1]]),
        ("robust", [[-0.5, 0.5, -0.5, 0.5], [-1, 0, 1]]),
        (None, [PRICE[:4], PRICE[4:]]),
        (StandardScaler(), SCALED_PRICE),
        (FunctionTransformer(np.log), [np.log(PRICE[:4]).tolist(), np.log(PRICE[4:]).tolist()]),
        (Doubles(), [[2, 6, 2, 6], [20, 40, 60]]),
    ],
    ids=["minmax", "robust", "none", "transformer", "function without inverse", "without inverse"],
)
def test_every_scaler_and_any_transformer(template: Any, expected: list[list[float]]) -> None:
    panel = panel_of(long_frame(price=PRICE), future=("price",))
    _, told = fitted(panel, template)
    assert_rows(told, [expected[0]], [expected[1]])


@pytest.mark.parametrize("template", ["Standard", 3, StandardScaler, object(), True], ids=range(5))
def test_what_is_no_scaler(template: Any) -> None:
    panel = panel_of(long_frame(price=PRICE), future=("price",))
    with pytest.raises(SettingError, match="covariate_scaler="):
        fit_covariate_scaler(template, panel, shared=False)
    with pytest.raises(SettingError, match="covariate_scaler="):  # though there is nothing to scale
        fit_covariate_scaler(template, panel_of(long_frame()), shared=False)


def test_no_covariates_need_no_scaler() -> None:
    assert fit_covariate_scaler("standard", panel_of(long_frame()), shared=False) is None


class Broken(Doubles):
    def transform(self, X: Any) -> Any:
        return X * np.nan


def test_a_transformer_that_returns_nan_is_named() -> None:
    panel = panel_of(long_frame(price=PRICE), future=("price",))
    with pytest.raises(ScalerError, match="Broken"):
        fit_covariate_scaler(Broken(), panel, shared=False)


# ------------------------------------------------------------------------------------- what follows


def unknown(panel: Panel, horizon: int, **columns: Any) -> Array:
    """What is known of a horizon, (systems, H, columns), by the names of the columns."""
    assert panel.covariates is not None
    schema = panel.covariates.of_rows
    future = np.full((len(panel) // panel.channels, horizon, len(schema)), np.nan)
    for column, item in enumerate(schema):
        if item.categories is not None:
            future[:, :, column] = 0.0
        if item.name in columns:
            future[:, :, column] = columns[item.name]
    return future


def test_ahead_past_covariates_are_known_for_one_step() -> None:
    df = long_frame(price=PRICE, stock=STOCK, size=[1.0] * 4 + [5.0] * 3)
    df["kind"] = ["u", "v", "u", "v", "u", "v", "u"]
    panel = panel_of(df, future=("price",), past=("stock", "kind"), static=("size",))
    scaler, _ = fitted(panel)
    future = unknown(panel, 3, price=np.array([[1.0, 5.0, 2.0], [20.0, 10.0, 40.0]]))
    ahead = scaler.ahead(panel, future).numpy()
    assert ahead.shape == (2, 3, scaler.width)
    root = np.std([10.0, 20.0, 30.0])
    np.testing.assert_allclose(ahead[0].T, [
        [-1.0, 3.0, 0.0],
        [SCALED_STOCK[0][-1], 0.0, 0.0],
        [2.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [-1.0] * 3,
    ], atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(ahead[1].T, [
        [0.0, -10 / root, 20 / root],
        [SCALED_STOCK[1][-1], 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0] * 3,
    ], atol=1e-6)  # fmt: skip


def test_ahead_of_static_covariates_alone() -> None:
    panel = panel_of(long_frame(size=[1.0] * 4 + [5.0] * 3), static=("size",))
    scaler, _ = fitted(panel)
    ahead = scaler.ahead(panel, np.empty((2, 3, 0)))
    assert ahead.tolist() == [[[-1.0]] * 3, [[1.0]] * 3]


def wide_frame(rows: int = 8) -> pd.DataFrame:
    """ "late" begins two rows after the others, and "early" ends three before them."""
    index = pd.date_range("2024-01-01", periods=rows)
    table = np.random.default_rng(0).normal(size=(rows, 5))
    df = pd.DataFrame(table, index=index, columns=["late", "early", "whole", "price", "stock"])
    df.iloc[:2, 0] = np.nan
    df.iloc[-3:, 1] = np.nan
    return df


def test_columns_of_a_wide_frame_are_told_of_the_rows_that_they_have() -> None:
    df = wide_frame()
    panel = panel_of(df, future=("price",), past=("stock",))
    scaler, told = fitted(panel)
    assert panel.ids.tolist() == ["early", "late", "whole"]
    assert panel.behind.tolist() == [3, 0, 0]
    # Rows of "early" go on to the end of the frame.
    assert (told.stops - told.starts).tolist() == [8, 6, 8]
    for got, first in zip(by_system(told), (0, 2, 0), strict=True):
        price, stock = (df[name].iloc[first:].to_numpy() for name in ("price", "stock"))
        before = np.concatenate([[0.0], ((stock - stock.mean()) / stock.std())[:-1]])
        np.testing.assert_allclose(got[:, 0], (price - price.mean()) / price.std(), atol=1e-6)
        np.testing.assert_allclose(got[:, 1], before, atol=1e-6)
        assert got[:, 2].tolist() == [0.0] + [1.0] * (len(got) - 1)
    assert scaler.width == 3


def test_ahead_of_a_column_that_ended_early_comes_what_the_frame_knows_and_then_the_horizon() -> (
    None
):
    df = wide_frame()
    panel = panel_of(df, future=("price",), past=("stock",))
    scaler, told = fitted(panel, None)
    future = unknown(panel, 2, price=[[7.0, 8.0]] * 3)
    ahead = scaler.ahead(panel, future).numpy()
    assert ahead.shape == (3, 2 + 3, 3)
    price, stock = df["price"].to_numpy(), df["stock"].to_numpy()
    np.testing.assert_allclose(ahead[0, :, 0], [*price[5:], 7.0, 8.0], rtol=1e-6)
    np.testing.assert_allclose(ahead[0, :, 1], [*stock[4:], 0.0], rtol=1e-6)
    assert ahead[0, :, 2].tolist() == [1, 1, 1, 1, 0]
    for position in (1, 2):
        np.testing.assert_allclose(ahead[position, :2, 0], [7.0, 8.0])
        np.testing.assert_allclose(ahead[position, :2, 1], [stock[-1], 0.0], rtol=1e-6)
        assert ahead[position, :2, 2].tolist() == [1, 0]
    assert told.static.shape == (3, 0)


def test_a_system_of_a_wide_frame_has_its_covariates_once() -> None:
    df = wide_frame()
    panel = panel_of(df, future=("price",), past=("stock",), joint=True, fill="mask")
    scaler, told = fitted(panel)
    assert panel.channels == 3
    assert len(told.starts) == 1
    assert len(told.rows) == int(panel.lengths[0] + panel.behind[0])
    last = df[["price", "stock"]].iloc[-len(told.rows) :]
    price, stock = (((last[name] - last[name].mean()) / last[name].std(ddof=0)) for name in last)
    np.testing.assert_allclose(told.rows[:, 0], price, atol=1e-6)
    np.testing.assert_allclose(told.rows[1:, 1], stock.iloc[:-1], atol=1e-6)
    ahead = scaler.ahead(panel, unknown(panel, 2, price=df["price"].iloc[:2].to_numpy()))
    assert ahead.shape[0] == 1


@pytest.mark.slow
@properties
@given(
    lengths=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    horizon=st.integers(1, 4),
    shared=st.booleans(),
    seed=st.integers(0, 99),
)
def test_what_is_told_ahead_is_what_is_told_of_the_rows_once_they_are_there(
    lengths: list[int], horizon: int, shared: bool, seed: int
) -> None:
    """Where values come to be known, only past covariates beyond the first step differ."""
    random = np.random.default_rng(seed)
    parts = []
    for i, length in enumerate(lengths):
        rows = length + horizon
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"s{i}",
                    "ds": pd.date_range("2024-01-01", periods=rows),
                    "y": random.normal(size=rows),
                    "price": random.normal(size=rows),
                    "stock": random.normal(size=rows),
                    "kind": random.choice(["u", "v", "w"], size=rows),
                    "size": random.normal(),
                    "ahead": np.arange(rows) >= length,
                }
            )
        )
    whole = pd.concat(parts, ignore_index=True)
    names = {"future": ("price", "kind"), "past": ("stock",), "static": ("size",)}
    panel = panel_of(whole[~whole["ahead"]], **names)
    scaler, _ = fitted(panel, shared=shared)
    longer = panel_of(whole, seen=panel, **names)
    assert longer.covariates is not None
    known = scaler.of_panel(longer)
    assert known is not None
    future = longer.covariates.rows[whole["ahead"].to_numpy()].copy()
    future[:, 2] = np.nan
    ahead = scaler.ahead(panel, future.reshape(len(lengths), horizon, -1)).numpy()
    for position, rows in enumerate(by_system(known)):
        expected = rows[-horizon:].copy()
        expected[1:, [2, 3]] = 0.0
        np.testing.assert_allclose(ahead[position, :, :4], expected, atol=1e-6)
        np.testing.assert_allclose(ahead[position, :, 4:], known.static[[position]].numpy().repeat(
            horizon, axis=0), atol=1e-6)  # fmt: skip


# --------------------------------------------------------------------------------------- forecasts


def sales(ids: tuple[str, ...] = ("b", "a"), rows: int = 50) -> pd.DataFrame:
    parts = []
    for name in ids:
        random = np.random.default_rng(ord(name))
        price = random.normal(10, 2, rows)
        stock = random.normal(0, 1, rows)
        y = np.concatenate([[0.0], stock[:-1]]) - price + random.normal(0, 0.1, rows)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": name,
                    "ds": pd.date_range("2024-01-01", periods=rows),
                    "y": y,
                    "price": price,
                    "stock": stock,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def forecast(df: pd.DataFrame, future: pd.DataFrame, **arguments: Any) -> pd.DataFrame:
    model = LSTMForecaster(**{**SMALL, **arguments})
    model.fit(df, future_covariates=["price"], past_covariates=["stock"])
    return model.predict(4, future_df=future)


def future_of(df: pd.DataFrame, horizon: int = 4) -> pd.DataFrame:
    last = df.groupby("unique_id")["ds"].max()
    return pd.concat(
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range(end, periods=horizon + 1)[1:],
                "price": np.linspace(8, 12, horizon),
            }
        )
        for name, end in last.items()
    )


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", StandardScaler()], ids=str)
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_units_of_covariates_do_not_matter(scaler: Any, scope: str) -> None:
    df = sales()
    future = future_of(df)
    settings_of = {"covariate_scaler": scaler, "scaler_scope": scope}
    expected = forecast(df, future, **settings_of)
    moved = forecast(
        df.assign(price=100 * df["price"] - 3, stock=df["stock"] / 8 + 1),
        future.assign(price=100 * future["price"] - 3),
        **settings_of,
    )
    assert_frame_equal(moved, expected, check_exact=False, rtol=1e-4, atol=1e-4)


def test_a_users_transformer_without_inverse_scales_covariates_and_not_the_target() -> None:
    df = sales()
    future = future_of(df)
    got = forecast(df, future, covariate_scaler=Doubles())
    assert np.isfinite(got["y"]).all()
    by_hand = df.assign(price=2 * df["price"], stock=2 * df["stock"])
    capped = np.minimum(future["price"], future["unique_id"].map(
        df.groupby("unique_id")["price"].max()))  # fmt: skip
    expected = forecast(by_hand, future.assign(price=2 * capped), covariate_scaler=None)
    assert_frame_equal(got, expected, check_exact=False, rtol=1e-5)
    with pytest.raises(SettingError, match="inverse_transform"):
        forecast(df, future, scaler=Doubles())


def test_scales_of_covariates_are_learned_without_the_rows_held_out() -> None:
    df = sales(("a",))
    model = LSTMForecaster(**SMALL, val_size=5)
    model.fit(df, future_covariates="price")
    assert model.covariate_scaler_ is not None
    scalers: Any = model.covariate_scaler_.scalers[0]
    training = df["price"].iloc[:-5]
    np.testing.assert_allclose(scalers.centre, [training.mean()] * 2)
    np.testing.assert_allclose(scalers.scale, [training.std(ddof=0)] * 2)
