"""A panel as it was at earlier rows is the panel of a frame that ends there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data.columns import Columns
from tsgen.data.frame import read_history, read_panel
from tsgen.data.frequency import declared_frequency
from tsgen.data.history import History
from tsgen.data.panel import Panel
from tsgen.data.spec import FrameSpec
from tsgen.testing import panels, wide_panels

FILLS = ["mask", "ffill", "interpolate", 3.0]
DAILY = declared_frequency("D", pd.DatetimeIndex([]))
properties = settings(max_examples=10, deadline=None, derandomize=True, database=None)


def assert_same(got: Panel, expected: Panel) -> None:
    assert got.ids.equals(expected.ids)
    assert list(got.ends) == list(expected.ends)
    np.testing.assert_array_equal(got.behind, expected.behind)
    np.testing.assert_array_equal(got.offsets, expected.offsets)
    np.testing.assert_array_equal(got.values, expected.values)
    if expected.covariates is not None:
        assert got.covariates is not None
        assert static_of(got) == static_of(expected)
        for mine, item, theirs in zip(
            got.covariates.rows.T, expected.covariates.of_rows, expected.covariates.rows.T,
            strict=True,
        ):  # fmt: skip
            # Categories have other numbers: those of a shorter frame may be fewer.
            assert item.categories is not None or np.array_equal(mine, theirs, equal_nan=True)


def static_of(panel: Panel) -> list[list[Any]]:
    """The static covariates by system, categories by name: a shorter frame has fewer of them."""
    assert panel.covariates is not None
    columns = []
    for item, values in zip(panel.covariates.of_series, panel.covariates.static.T, strict=True):
        names = {} if item.categories is None else dict(enumerate(item.categories, start=1))
        columns.append([names.get(value, value) for value in values])
    return columns


def read(df: pd.DataFrame, spec: FrameSpec) -> History:
    return read_history(df, spec, DAILY)


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS, ids=str)
@properties
@given(df=panels(freq=["D"], ids=["text"], covariates=True, holes=True), back=st.integers(0, 20))
def test_long_frames(fill: Any, df: pd.DataFrame, back: int) -> None:
    columns = Columns(future=("kind",), past=("number",), static=("region",))
    spec = FrameSpec(columns, fill)
    history = read(df, spec)
    rows = np.maximum(history.panel.lengths - back, 0)
    ends = history.panel.ends - pd.to_timedelta(np.minimum(back, history.panel.lengths), unit="D")
    left = df["ds"] <= df["unique_id"].map(dict(zip(history.panel.ids, ends, strict=True)))
    # A cutoff may be at a row that is missing: one without a value, whose kind isn't known.
    last = [
        {"unique_id": name, "ds": end, "region": df.loc[df["unique_id"] == name, "region"].iloc[0]}
        for name, end, count in zip(history.panel.ids, ends, rows, strict=True)
        if count and not ((df["unique_id"] == name) & (df["ds"] == end)).any()
    ]
    if not rows.any():
        return
    shorter = pd.concat([df[left], pd.DataFrame(last)]) if last else df[left]
    assert_same(history.until(rows), read_panel(shorter, spec, freq=DAILY))


@pytest.mark.slow
@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("fill", FILLS, ids=str)
@properties
@given(
    df=wide_panels(freq=["D"], ids=["text"], n_series=(2, 3), length=(12, 30)),
    back=st.integers(0, 8),
    seed=st.integers(0, 1000),
)
def test_wide_frames(fill: Any, df: pd.DataFrame, back: int, seed: int, joint: bool) -> None:
    random = np.random.default_rng(seed)
    df = df.mask(random.random(df.shape) < 0.3)
    df.iloc[[-9]] = 1.0
    df["lead"] = np.where(random.random(len(df)) < 0.2, np.nan, 1.0)
    spec = FrameSpec(Columns(past=("lead",)), fill, joint=joint)
    history = read(df, spec)
    lengths = (history.panel.lengths + history.panel.behind)[:: history.panel.channels]
    shorter = df.iloc[: len(df) - back]
    assert_same(history.until(lengths - back), read_panel(shorter, spec, freq=DAILY))


@pytest.mark.parametrize("fill", [None, "ffill"])
def test_the_last_rows_alone(fill: Any) -> None:
    df = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) ** 2},
                      pd.date_range("2020-01-01", periods=9))  # fmt: skip
    if fill is not None:
        df.iloc[2:5, 0] = np.nan
    history = read(df, FrameSpec(fill=fill))
    rows = np.array([5, 8])
    whole, some = history.until(rows), history.until(rows, keep=3)
    assert_same(some, whole.tail(3))
    assert some.series(1).tolist() == [25, 36, 49]
    assert [str(end.date()) for end in some.ends] == ["2020-01-05", "2020-01-08"]


def test_what_was_filled_stays() -> None:
    """Seen from the first cutoff, the last value holds; later rows don't change that."""
    y = pd.Series([0.0, 1.0, np.nan, np.nan, 4.0, 5.0], pd.date_range("2020-01-01", periods=6))
    df = pd.DataFrame({"unique_id": "a", "ds": y.index, "y": y.to_numpy()})
    history = read(df, FrameSpec(fill="interpolate"))
    first, last = np.array([3]), np.array([6])
    assert history.until(last).values.tolist() == [0, 1, 2, 3, 4, 5]
    earlier = history.until(first)
    assert earlier.values.tolist() == [0, 1, 1]
    held = history.holding(earlier, first)
    assert held.until(last).values.tolist() == [0, 1, 1, 2.5, 4, 5]
    assert np.isnan(history.panel.values).sum() == 2  # it isn't changed itself


def test_systems_that_had_not_begun_are_left_out() -> None:
    df = pd.DataFrame({"b": [np.nan, 1.0, 2.0], "a": [1.0, 2.0, 3.0]},
                      pd.date_range("2020-01-01", periods=3))  # fmt: skip
    history = read(df, FrameSpec())
    panel = history.until(np.array([2, 0]))
    assert panel.ids.tolist() == ["a"]
    assert panel.forecast_frame(1, {"": np.zeros((1, 1))}).columns.tolist() == ["a"]
    assert history.ahead(np.array([2, 0]), 1) is None
    assert (
        replace(history, panel=history.panel).stamps(np.array([0, 1]), np.array([0, 0])).tolist()
        == df.index[[0, 1]].tolist()
    )
