"""What pictures of forecasts and backtests show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.figures import pictures
from support.problems import wavy

from tsgen import (
    Naive,
    SeasonalNaive,
    plot_backtest,
    plot_errors,
    plot_forecast,
)
from tsgen.data.frame import read_panel
from tsgen.errors import FrameError
from tsgen.plotting import save_figure

ROWS = 30


def indexed(index: pd.Index) -> pd.Series:
    return wavy(ROWS).set_axis(index)


def wide(count: int = 3) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=ROWS, freq="D")
    return pd.DataFrame({f"s{i}": wavy(ROWS, seed=i) for i in range(count)}).set_axis(index)


def long(count: int = 3) -> pd.DataFrame:
    frame = wide(count).rename_axis(index="ds", columns="unique_id")
    return frame.unstack().rename("y").reset_index()


LAYOUTS: dict[str, Any] = {
    "series": indexed(pd.date_range("2024-01-01", periods=ROWS, freq="h")),
    "integer": indexed(pd.RangeIndex(ROWS)),
    "period": indexed(pd.period_range("2020-01", periods=ROWS, freq="M")),
    "zone": indexed(pd.date_range("2024-03-30", periods=ROWS, freq="h", tz="Europe/Berlin")),
    "wide": wide(),
    "long": long(),
    "long, one series": long(1).drop(columns="unique_id"),
    "multiindex frame": long().set_index(["unique_id", "ds"]),
    "multiindex series": long().set_index(["unique_id", "ds"])["y"],
}


SEVERAL = ["wide", "long", "multiindex frame", "multiindex series"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_picture_of_every_layout(layout: str) -> None:
    history = LAYOUTS[layout]
    figure = plot_forecast(history, Naive().fit(history).predict(5))
    assert len(pictures(figure)) == (3 if layout in SEVERAL else 1)
    figure.draw_without_rendering()


@pytest.mark.slow
def test_the_ending_says_the_format(tmp_path: Path) -> None:
    figure = plot_forecast(LAYOUTS["series"], Naive().fit(LAYOUTS["series"]).predict(5))
    for ending, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        save_figure(figure, tmp_path / f"forecast.{ending}")
        assert (tmp_path / f"forecast.{ending}").read_bytes().startswith(start)


@pytest.mark.parametrize("layout", SEVERAL)
def test_each_series_is_drawn_under_its_own_name(layout: str) -> None:
    history = LAYOUTS[layout]
    figure = plot_forecast(history, Naive().fit(history).predict(5))
    axes = {axis.get_title(loc="left"): axis for axis in pictures(figure)}
    assert set(axes) == {"s0", "s1", "s2"}
    for i, name in enumerate(sorted(axes)):
        past, future = (line.get_ydata() for line in axes[name].lines[:2])
        np.testing.assert_array_equal(past, wavy(ROWS, seed=i))
        # From the last observed value on, so that no gap seems to lie between.
        np.testing.assert_array_equal(future, np.full(6, wavy(ROWS, seed=i).iloc[-1]))


def test_only_the_last_rows_are_shown() -> None:
    history = wide(1)
    forecast = Naive().fit(history).predict(2)
    rows = [
        len(pictures(plot_forecast(history, forecast, **arguments))[0].lines[0].get_ydata())
        for arguments in ({}, {"last": 7}, {"last": 1000})
    ]
    assert rows == [10, 7, ROWS]  # five times the horizon, as told, all there are


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
def test_no_more_pictures_than_series(count: int) -> None:
    history = wide(count)
    figure = plot_forecast(history, Naive().fit(history).predict(5))
    assert len(pictures(figure)) == count
    assert figure.get_suptitle() == ""


def test_max_series_shows_the_first_and_says_so() -> None:
    history = wide(5)
    forecast = Naive().fit(history).predict(5)
    figure = plot_forecast(history, forecast, max_series=2, title="Sales")
    assert [axis.get_title(loc="left") for axis in pictures(figure)] == ["s0", "s1"]
    assert figure.get_suptitle() == "Sales (the first 2 of 5 series)"
    assert plot_forecast(history, forecast, title="Sales").get_suptitle() == "Sales"


def test_columns_may_have_other_names() -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sales"}
    history = long().rename(columns=names)
    columns = {"id_col": "shop", "time_col": "day", "target_col": "sales"}
    forecast = SeasonalNaive().fit(history, **columns).predict(5)
    assert len(pictures(plot_forecast(history, forecast, **columns))) == 3


def test_frames_are_not_changed() -> None:
    history = long()
    forecast = Naive().fit(history).predict(5)
    before = history.copy(), forecast.copy()
    plot_forecast(history, forecast)
    pd.testing.assert_frame_equal(history, before[0])
    pd.testing.assert_frame_equal(forecast, before[1])


def with_bands(history: Any) -> Any:
    """A forecast of five steps as it is returned with two levels."""
    panel = read_panel(history)
    point = np.zeros((len(panel), 5))
    bounds = {f"-{side}-{level}": point + sign * level / 100
              for level in (80, 95) for side, sign in (("lo", -1), ("hi", 1))}  # fmt: skip
    return panel.forecast_frame(5, {"": point, **bounds})


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_intervals_are_bands(layout: str) -> None:
    """The widest lies below, and each bound is where it was said to be."""
    history = LAYOUTS[layout]
    figure = plot_forecast(history, with_bands(history))
    bands = figure.axes[0].collections
    assert [band.get_label() for band in bands] == ["95 %", "80 %"]
    for band, bound in zip(bands, (0.95, 0.8), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert np.isclose(heights, bound).any()
        assert np.isclose(heights, -bound).any()


def test_a_forecast_without_levels_has_no_bands() -> None:
    history = LAYOUTS["series"]
    assert not plot_forecast(history, Naive().fit(history).predict(5)).axes[0].collections


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True], ids=["rows alone", "with history"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_backtest_of_every_layout(layout: str, given: bool) -> None:
    history = LAYOUTS[layout]
    rows = Naive().fit(history).backtest(history, 4, n_windows=3)
    figure = plot_backtest(rows, history=history if given else None)
    assert len(pictures(figure)) == (3 if layout in SEVERAL else 1)
    axis = figure.axes[0]
    observed, *forecasts = axis.lines
    assert len(forecasts) == 3
    truth = wavy(ROWS).to_numpy()
    # As many rows before the first cutoff as after it.
    np.testing.assert_array_equal(observed.get_ydata(), truth[-24:] if given else truth[-12:])
    for number, line in enumerate(forecasts):
        begun = given or number > 0
        value = truth[17 + 4 * number]
        np.testing.assert_array_equal(line.get_ydata(), np.full(4 + begun, value))
    figure.draw_without_rendering()


def test_intervals_of_a_backtest_are_bands() -> None:
    history = wide(2)
    rows = Naive().fit(history).backtest(history, 4, n_windows=3)
    for level in (80, 95):
        rows[f"y_pred-lo-{level}"] = rows["y_pred"] - level
        rows[f"y_pred-hi-{level}"] = rows["y_pred"] + level
    axis = plot_backtest(rows, history=history).axes[0]
    assert len(axis.collections) == 6
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "observed", "95 %", "80 %", "forecast",
    ]  # fmt: skip


def test_the_first_series_of_a_backtest_and_its_own_names() -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sales"}
    history = long(5).rename(columns=names)
    columns = {"id_col": "shop", "time_col": "day", "target_col": "sales"}
    rows = Naive().fit(history, **columns).backtest(history, 4)
    figure = plot_backtest(rows, history=history, max_series=2, last=3, title="Sales", **columns)
    assert [axis.get_title(loc="left") for axis in pictures(figure)] == ["s0", "s1"]
    assert figure.get_suptitle() == "Sales (the first 2 of 5 series)"
    assert len(figure.axes[0].lines[0].get_ydata()) == 7


def test_several_targets_of_a_backtest() -> None:
    history = long(2).assign(z=lambda df: -df["y"])
    rows = Naive().fit(history, target_col=["y", "z"]).backtest(history, 4, n_windows=2)
    figure = plot_backtest(rows, history=history, target_col=["y", "z"])
    titles = [axis.get_title(loc="left") for axis in pictures(figure)]
    assert sorted(titles) == ["s0 · y", "s0 · z", "s1 · y", "s1 · z"]
    assert len(plot_errors(rows, target_col=["y", "z"]).axes[0].lines) == 2


def test_errors_by_step() -> None:
    index = pd.date_range("2024-01-01", periods=20)
    trend = pd.DataFrame({"a": np.arange(20.0), "b": 100 * np.arange(20.0)}, index=index)
    rows = Naive().fit(trend).backtest(trend, 4, n_windows=3)
    rows.loc[0, "y"] = np.nan  # what isn't known counts for nothing
    (line,) = plot_errors(rows).axes[0].lines
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    spread = rows.groupby("unique_id")["y"].std()
    expected = np.arange(1, 5) * (1 / spread["a"] + 100 / spread["b"]) / 2
    np.testing.assert_allclose(line.get_ydata(), expected)
    constant = pd.Series(np.ones(20), index=index)
    plot_errors(Naive().fit(constant).backtest(constant, 4)).draw_without_rendering()


def test_what_is_no_backtest() -> None:
    for plot in (plot_backtest, plot_errors):
        with pytest.raises(FrameError, match=r"'cutoff', 'y_pred'.*model\.backtest"):
            plot(long())


def test_a_dollar_in_a_name_begins_no_formula() -> None:
    y = wavy(ROWS).rename(r"$\frac$")
    figure = plot_forecast(y, Naive().fit(y).predict(5))
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_title(loc="left") == r"\$\frac\$"


@pytest.mark.parametrize("freq", ["MS", "h"])
def test_every_length_has_some_ticks(freq: str) -> None:
    """Of 5 ticks at least, 49 to 59 months have none: matplotlib warns of it."""
    for rows in (10, 40, 44, 48, 52, 100, 170):
        y = indexed_by(pd.date_range("2020-01-01", periods=rows + 5, freq=freq))
        axis = plot_forecast(y[:rows], y[rows:], last=rows).axes[0]
        assert 2 <= len(axis.get_xticks()) <= 10


def indexed_by(index: pd.DatetimeIndex) -> pd.Series:
    return wavy(len(index)).set_axis(index)
