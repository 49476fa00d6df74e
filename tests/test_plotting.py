"""Pictures of every layout, drawn without matplotlib's global state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from support.problems import wavy

import tsgen
from tsgen import (
    Naive,
    SeasonalNaive,
    TrainingReport,
    plot_backtest,
    plot_errors,
    plot_forecast,
    plot_prior,
    plot_symbols,
    plot_training,
)
from tsgen.data.frame import read_panel
from tsgen.errors import FrameError, SettingError
from tsgen.plotting import save_figure
from tsgen.simulation import samples_of_parts

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


def pictures(figure: Figure) -> list[Any]:
    return [axis for axis in figure.axes if axis.get_visible()]


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


# -------------------------------------------------------------------------------------- trainings


def report_of(steps: int = 4, *, validation: bool = False) -> TrainingReport:
    """Of a training of 60 steps, told of in three rows."""
    losses = pd.DataFrame({"step": [20, 40, 60], "loss": [0.9, 0.5, 0.4]})
    if validation:
        losses["validation"] = [1.2, 0.8, np.nan]
    here = np.arange(1.0, steps + 1)
    errors = pd.DataFrame({"step": here, "teacher_forced": 0.1 * here, "free_running": 0.25 * here})
    where = "held-out rows" if validation else "training rows"
    return TrainingReport(losses, errors.assign(ratio=2.5), where)


def lines(axis: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axis.lines}


@pytest.mark.slow
@pytest.mark.parametrize("validation", [False, True])
def test_a_picture_of_a_training(validation: bool) -> None:
    """Losses on the left, errors on the right, as the report has them."""
    report = report_of(validation=validation)
    figure = plot_training(report)
    left, right = figure.axes
    drawn = lines(left)
    np.testing.assert_array_equal(drawn.pop("training").get_xydata(), report.losses.iloc[:, :2])
    assert len(drawn) == validation
    for label, line in drawn.items():
        assert "held-out" in label
        np.testing.assert_array_equal(line.get_ydata(), report.losses["validation"])
    drawn = lines(right)
    for label, column in {
        "teacher-forced": "teacher_forced",
        "free-running": "free_running",
    }.items():
        np.testing.assert_array_equal(drawn[label].get_xydata(), report.errors[["step", column]])
    title = right.get_title(loc="left")
    assert report.measured_on in title
    assert "2.50" in title
    for axis in (left, right):
        assert axis.get_ylim()[0] == 0
        assert axis.get_xlabel()
        assert axis.get_legend() is not None
    figure.draw_without_rendering()


def test_a_single_step_is_seen_as_a_point() -> None:
    figure = plot_training(report_of(steps=1))
    assert all(line.get_marker() not in ("None", "") for line in figure.axes[1].lines)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_single_loss_is_seen_as_a_point(rows: int) -> None:
    """Such as those of a validated run of few steps, or validated once alone."""
    report = report_of(validation=True)
    losses = report.losses.iloc[:rows].copy()
    losses.loc[1:, "validation"] = np.nan
    figure = plot_training(TrainingReport(losses, report.errors, report.measured_on))
    drawn = lines(figure.axes[0])
    assert drawn.pop("training").get_marker() == ("o" if rows == 1 else "None")
    (validation,) = drawn.values()
    assert validation.get_marker() == "o"


@pytest.mark.slow
def test_a_training_has_a_title_if_it_is_given_one(tmp_path: Path) -> None:
    assert plot_training(report_of()).get_suptitle() == ""
    figure = plot_training(report_of(), title="Sales")
    assert figure.get_suptitle() == "Sales"
    save_figure(figure, tmp_path / "training.png")
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_is_not_changed_by_its_picture() -> None:
    report = report_of(validation=True)
    before = report.losses.copy(), report.errors.copy()
    plot_training(report)
    pd.testing.assert_frame_equal(report.losses, before[0])
    pd.testing.assert_frame_equal(report.errors, before[1])


def test_a_picture_of_a_model_that_was_trained() -> None:
    model = tsgen.LSTMForecaster(max_steps=3, hidden_size=4, verbose=False).fit(wavy())
    figure = plot_training(model.report_)
    assert lines(figure.axes[0])["training"].get_xdata().tolist() == [1, 2, 3]


# -------------------------------------------------------------------------------------- backtests


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


# ---------------------------------------------------------------------------------------- priors


def test_a_row_of_pictures_for_each_part_of_the_prior() -> None:
    samples = samples_of_parts(2, 30, 4, random_state=1)
    figure = plot_prior(n_series=2, length=30, season_length=4, random_state=1, title="Parts")
    assert len(figure.axes) == 2 * len(samples)
    assert [axis.get_title(loc="left") for axis in figure.axes[::2]] == list(samples)
    drawn = [axis.lines[0].get_ydata() for axis in figure.axes]
    expected = [values for series in samples.values() for values in series]
    np.testing.assert_array_equal(drawn, expected)
    assert figure.get_suptitle() == "Parts"


def test_a_page_of_no_series_is_refused() -> None:
    with pytest.raises(SettingError, match="n_series=0"):
        plot_prior(n_series=0)


# --- symbols -------------------------------------------------------------------------------------

STATES = ["idle", "load", "load", "drill"] * 5


def states(layout: str) -> Any:
    series = pd.Series(STATES, index=pd.date_range("2024-01-01", periods=20), name="y")
    if layout == "series":
        return series
    wide = pd.DataFrame({"a": series, "b": series[::-1].to_numpy()})
    if layout == "wide":
        return wide
    return wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")


@pytest.mark.parametrize("layout", ["series", "wide", "long"])
def test_symbols_are_bars_as_long_as_they_last(layout: str) -> None:
    figure = plot_symbols(states(layout))
    assert len(pictures(figure)) == (1 if layout == "series" else 2)
    axis = pictures(figure)[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["drill", "idle", "load"]
    bars = axis.collections[0].get_segments()
    assert [bar[0][1] for bar in bars[:3]] == [1, 2, 0]
    assert [bar[1][0] - bar[0][0] for bar in bars[:3]] == [1.0, 2.0, 1.0]
    figure.draw_without_rendering()


def test_generated_symbols_are_shaded_and_marks_are_ringed() -> None:
    whole = pd.Series(STATES)
    figure = plot_symbols(whole[:12], whole[12:], marks=whole[[3, 7]], last=10, title="A log")
    axis = pictures(figure)[0]
    assert axis.patches[0].get_extents().width > 0
    assert axis.lines[0].get_xdata().tolist() == [3.5, 7.5]
    starts = [bar[0][0] for bar in axis.collections[0].get_segments()]
    assert starts[0] == 2
    assert 12 in starts
    assert figure.get_suptitle() == "A log"


def test_the_order_of_symbols() -> None:
    order = ["idle", "off", "load", "drill"]
    axis = pictures(plot_symbols(pd.Series(STATES), order=order))[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["idle", "load", "drill"]
    with pytest.raises(FrameError, match="order= lacks 'drill'"):
        plot_symbols(pd.Series(STATES), order=order[:3])


def test_symbols_without_an_order_of_their_own() -> None:
    axis = pictures(plot_symbols(pd.Series([2, "a", 2, "b"], dtype=object)))[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["2", "a", "b"]


def test_attention_is_drawn_with_the_symbols_of_both_sides() -> None:
    weights = pd.DataFrame(np.eye(3), index=["A", "B", "</s>"], columns=["a", ("b", 1), "</s>"])
    figure = tsgen.plot_attention([weights, weights.iloc[:2]], title="Two pairs")
    first, second = pictures(figure)
    assert [label.get_text() for label in first.get_xticklabels()] == ["a", "b · 1", "</s>"]
    assert [label.get_text() for label in second.get_yticklabels()] == ["A", "B"]
    np.testing.assert_array_equal(first.images[0].get_array(), np.eye(3))
    assert len(pictures(tsgen.plot_attention(weights))) == 1


def test_the_first_of_many_pairs_are_drawn() -> None:
    weights = pd.DataFrame([[1.0]], index=["A"], columns=["a"])
    figure = tsgen.plot_attention([weights] * 5, max_pairs=2)
    assert len(pictures(figure)) == 2
    assert figure.get_suptitle() == "(the first 2 of 5 pairs)"
    with pytest.raises(FrameError, match="no weights to draw"):
        tsgen.plot_attention([])


@pytest.mark.parametrize(("freq", "rows"), [("h", 102), ("MS", 54)])
def test_spans_between_two_units_of_time_have_few_ticks(freq: str, rows: int) -> None:
    """Those of less than five days or years; too many ticks are a warning of matplotlib."""
    series = wavy(rows).set_axis(pd.date_range("2024-01-01", periods=rows, freq=freq))
    figure = plot_forecast(series, Naive().fit(series).predict(1), last=rows)
    assert 3 <= len(figure.axes[0].get_xticks()) <= 8
