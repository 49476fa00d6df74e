"""Scores of backtests against metrics of each window, and against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from support.versions import TEXT

from tsgen import metrics, score
from tsgen.errors import FrameError, SettingError

WINDOW = ["unique_id", "cutoff"]
POINT = ["mae", "rmse", "smape", "mase", "rmsse"]
LEVELS = (20, 40, 60, 80)

properties = settings(max_examples=10, deadline=None, derandomize=True, database=None)


def backtest_rows(
    series: int = 3, cutoffs: int = 4, horizon: int = 5, seed: int = 0, levels: Any = LEVELS
) -> pd.DataFrame:
    """Series on different scales, overlapping windows; forecasts err by about 1."""
    random = np.random.default_rng(seed)
    shape = (series, cutoffs, horizon)
    ids, cutoff, step = (part.ravel() for part in np.indices(shape))
    start = pd.Timestamp("2024-01-31")
    truth = random.normal(size=(series, cutoffs + horizon)) * 10.0 ** np.arange(series)[:, None]
    rows = pd.DataFrame(
        {
            "unique_id": np.array([f"s{i}" for i in range(series)])[ids],
            "cutoff": start + pd.to_timedelta(cutoff, unit="D"),
            "ds": start + pd.to_timedelta(cutoff + step + 1, unit="D"),
            "y": truth[ids, cutoff + step],
        }
    )
    rows["y_pred"] = rows["y"] + random.normal(size=len(rows))
    for level in levels:
        rows[f"y_pred-lo-{level}"] = rows["y_pred"] - level / 40
        rows[f"y_pred-hi-{level}"] = rows["y_pred"] + level / 50
    return rows


def training_rows(series: int = 3, rows: int = 30, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(series)], rows),
            "ds": np.tile(pd.date_range(end="2024-01-31", periods=rows), series),
            "y": random.normal(size=series * rows).round(3),
        }
    )


def scales(train: pd.DataFrame, season: int, power: int) -> pd.Series:
    return train.groupby("unique_id")["y"].agg(
        lambda values: metrics.seasonal_error(values, season, power=power)
    )


# ---------------------------------------------------------------------------------------- by hand


@pytest.fixture
def rows() -> pd.DataFrame:
    """Errors 1 and 3, then 0 and 4 of series a; 6 and 8 of series b."""
    return pd.DataFrame(
        {
            "unique_id": ["a", "a", "a", "a", "b", "b"],
            "cutoff": [3, 3, 4, 4, 3, 3],
            "ds": [4, 5, 5, 6, 4, 5],
            "y": [10.0, 20.0, 20.0, 30.0, 0.0, 50.0],
            "y_pred": [11.0, 23.0, 20.0, 26.0, -6.0, 58.0],
            "y_pred-lo-80": [9.0, 21.0, 18.0, 24.0, -8.0, 50.0],
            "y_pred-hi-80": [13.0, 25.0, 22.0, 30.0, -4.0, 66.0],
        }
    )


def test_overall(rows: pd.DataFrame) -> None:
    expected = pd.DataFrame(
        {"mae": [(2 + 2 + 7) / 3], "rmse": [(np.sqrt(5) + np.sqrt(8) + np.sqrt(50)) / 3]}
    )
    assert_frame_equal(score(rows, ["mae", "rmse"]), expected)


def test_by_series(rows: pd.DataFrame) -> None:
    expected = pd.DataFrame({"unique_id": ["a", "b"], "mae": [2.0, 7.0]})
    assert_frame_equal(score(rows, "mae", by="unique_id"), expected)


def test_by_cutoff(rows: pd.DataFrame) -> None:
    expected = pd.DataFrame({"cutoff": [3, 4], "mae": [4.5, 2.0]})
    assert_frame_equal(score(rows, "mae", by="cutoff"), expected)


def test_by_step_takes_the_rows_of_a_step_together(rows: pd.DataFrame) -> None:
    squares = np.array([(1 + 0 + 36) / 3, (9 + 16 + 64) / 3])
    expected = pd.DataFrame({"step": [1, 2], "mae": [7 / 3, 5.0], "rmse": np.sqrt(squares)})
    assert_frame_equal(score(rows, ["mae", "rmse"], by="step"), expected)


def test_by_several_columns(rows: pd.DataFrame) -> None:
    expected = pd.DataFrame(
        {
            "step": [1, 1, 2, 2],
            "unique_id": ["a", "b", "a", "b"],
            "mae": [0.5, 6.0, 3.5, 8.0],
            "rmse": [np.sqrt(1 / 2), 6.0, np.sqrt(25 / 2), 8.0],
        }
    )
    assert_frame_equal(score(rows, ["mae", "rmse"], by=["step", "unique_id"]), expected)


def test_scaled_scores(rows: pd.DataFrame) -> None:
    train = pd.DataFrame(
        {"unique_id": ["a", "a", "b", "b"], "ds": [2, 3, 2, 3], "y": [1.0, 3.0, 0.0, -7.0]}
    )
    got = score(rows, ["mase", "rmsse"], by="unique_id", train=train)
    assert got["mase"].tolist() == [1.0, 1.0]
    roots = [(np.sqrt(5) + np.sqrt(8)) / 2 / 2, np.sqrt(50) / 7]
    np.testing.assert_allclose(got["rmsse"], roots)
    # by step the squares of series on one scale are averaged
    got = score(rows, "rmsse", by="step", train=train)
    squares = np.array([(1 / 4 + 0 + 36 / 49) / 3, (9 / 4 + 4 + 64 / 49) / 3])
    np.testing.assert_allclose(got["rmsse"], np.sqrt(squares))


def test_coverage_in_per_cent(rows: pd.DataFrame) -> None:
    # inside: yes, no; yes, yes; no, yes
    got = score(rows, "coverage-80", by=["unique_id", "cutoff"])
    assert got["coverage-80"].tolist() == [50.0, 100.0, 50.0]
    assert score(rows, "coverage-80")["coverage-80"].tolist() == [pytest.approx(200 / 3)]


def test_wql_is_of_all_rows_of_a_group(rows: pd.DataFrame) -> None:
    got = score(rows, "wql", by="unique_id", quantiles=[0.5])
    assert got["wql"].tolist() == [pytest.approx(8 / 80), pytest.approx(14 / 50)]
    assert score(rows, "wql", quantiles=[0.5])["wql"].item() == pytest.approx(22 / 130)


# ----------------------------------------------------------------------------- as metrics define it


def test_each_window_scores_what_its_metric_says() -> None:
    rows, train = backtest_rows(), training_rows()
    got = score(rows, [*POINT, "quantile_loss-0.1"], by=WINDOW, train=train, season_length=7)
    got = got.set_index(WINDOW)
    for key, window in rows.groupby(WINDOW):
        pair = window["y"], window["y_pred"]
        past = train.loc[train["unique_id"] == key[0], "y"]
        expected = [
            *(getattr(metrics, name)(*pair) for name in ("mae", "rmse", "smape")),
            *(getattr(metrics, name)(*pair, past, 7) for name in ("mase", "rmsse")),
            metrics.quantile_loss(window["y"], window["y_pred-lo-80"], 0.1),
        ]
        np.testing.assert_allclose(got.loc[key], expected, rtol=1e-12)


def test_overall_scores_are_means_over_windows() -> None:
    rows, train = backtest_rows(), training_rows()
    names = [*POINT, "coverage-40", "quantile_loss-0.8"]
    by_window = score(rows, names, by=WINDOW, train=train)[names]
    overall = score(rows, names, train=train)
    assert list(overall.columns) == names
    np.testing.assert_allclose(overall, by_window.mean().to_frame().T, rtol=1e-12)


def test_wql_is_that_of_metrics() -> None:
    rows = backtest_rows()
    bounds = [f"y_pred-lo-{level}" for level in reversed(LEVELS)]
    bounds += ["y_pred", *(f"y_pred-hi-{level}" for level in LEVELS)]
    expected = metrics.wql(rows["y"], rows[bounds].T)
    assert score(rows, "wql")["wql"].item() == pytest.approx(expected, rel=1e-12)
    by_step = score(rows, "wql", by="step")
    for step, value in by_step.itertuples(index=False):
        part = rows.iloc[step - 1 :: 5]
        assert value == pytest.approx(metrics.wql(part["y"], part[bounds].T), rel=1e-12)


def test_a_quantile_has_its_own_column_before_all_others() -> None:
    rows = backtest_rows()
    apart = rows.assign(**{"y_pred-q-0.1": rows["y"], "y_pred-q-0.5": rows["y"]})
    names = ["quantile_loss-0.1", "quantile_loss-0.5"]
    assert (score(apart, names) == 0).all(axis=None)
    assert (score(rows, names) > 0).all(axis=None)
    assert score(rows, "quantile_loss-0.5").iloc[0, 0] == score(rows, "mae").iloc[0, 0] / 2
    assert score(apart, "wql").iloc[0, 0] < score(rows, "wql").iloc[0, 0]


@pytest.mark.parametrize(
    ("name", "factor", "arguments"),
    [("mae", 1, ()), ("rmse", 1, ()), ("smape", 200, ()), ("mase", 1, (7,)), ("rmsse", 1, (7,)),
     ("coverage", 100, (80,))],
)  # fmt: skip
def test_windows_score_what_they_do_in_utilsforecast(
    name: str, factor: float, arguments: tuple[int, ...]
) -> None:
    rows, train = backtest_rows(), training_rows()
    more = {"train_df": train} if name in ("mase", "rmsse") else {}
    theirs = getattr(utilsforecast.losses, name)(rows, ["y_pred"], *arguments, **more)
    ours = "coverage-80" if name == "coverage" else name
    got = score(rows, ours, by=["cutoff", "unique_id"], train=train, season_length=7)
    assert_frame_equal(got[WINDOW], theirs[WINDOW].reset_index(drop=True))
    np.testing.assert_allclose(got[ours], factor * theirs["y_pred"], rtol=1e-12)


def test_wql_of_windows_is_the_scaled_crps_of_utilsforecast() -> None:
    rows, quantiles = backtest_rows(), np.array([0.1, 0.5, 0.9])
    columns = {"y_pred": ["y_pred-lo-80", "y_pred", "y_pred-hi-80"]}
    theirs = utilsforecast.losses.scaled_crps(rows, columns, quantiles)
    got = score(rows, "wql", by=["cutoff", "unique_id"], quantiles=quantiles)
    assert_frame_equal(got[WINDOW], theirs[WINDOW].reset_index(drop=True))
    np.testing.assert_allclose(got["wql"], theirs["y_pred"], rtol=1e-12)


# ---------------------------------------------------------------------------------------- functions


def largest(y_true: Any, y_pred: Any) -> float:
    return float(np.abs(y_true - y_pred).max())


def last_error(y_true: Any, y_pred: Any) -> Any:
    return (y_pred - y_true)[-1]


def test_functions_are_taken_of_each_window(rows: pd.DataFrame) -> None:
    got = score(rows, [largest, "mae"], by="unique_id")
    assert list(got.columns) == ["unique_id", "largest", "mae"]
    assert got["largest"].tolist() == [3.5, 8.0]
    # and by step of the rows of the step
    assert score(rows, largest, by="step")["largest"].tolist() == [6.0, 8.0]


def test_functions_see_the_order_of_time(rows: pd.DataFrame) -> None:
    expected = [(3 - 4) / 2, 8.0]
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 2, 1, 0, 4]):
        got = score(rows.iloc[order], last_error, by="unique_id")
        assert got["last_error"].tolist() == expected


def test_a_dict_names_the_columns(rows: pd.DataFrame) -> None:
    named = {"error": "mae", "q": partial(metrics.quantile_loss, quantile=0.5), "m": metrics.mae}
    got = score(rows, named)
    assert list(got.columns) == ["error", "q", "m"]
    assert got["error"].tolist() == got["m"].tolist() == (2 * got["q"]).tolist()


@pytest.mark.parametrize("name", ["mae", "rmse", "smape"])
@pytest.mark.parametrize("by", [None, "unique_id", "step", ["cutoff", "step"]], ids=str)
def test_a_function_scores_what_its_name_does(name: str, by: Any) -> None:
    rows = backtest_rows()
    rows.loc[[3, 20], "y"] = np.nan
    expected, got = score(rows, name, by), score(rows, getattr(metrics, name), by)
    assert_frame_equal(got, expected, rtol=1e-12)


@pytest.mark.parametrize("value", [None, "1", np.zeros(1), 1j], ids=repr)
def test_a_function_returns_a_number(rows: pd.DataFrame, value: Any) -> None:
    with pytest.raises(SettingError, match=r"the metric 'odd' returned .* expected a number"):
        score(rows, {"odd": lambda y_true, y_pred: value})


# ------------------------------------------------------------------------------------------ groups


def test_steps_are_counted_in_time(rows: pd.DataFrame) -> None:
    shuffled = rows.iloc[[3, 5, 0, 2, 1, 4]]
    assert_frame_equal(score(shuffled, "mae", by="step"), score(rows, "mae", by="step"))


def test_a_column_of_steps_is_taken_as_it_is(rows: pd.DataFrame) -> None:
    own = rows.assign(step=[2, 3, 2, 3, 2, 3])
    assert score(own, "mae", by="step")["step"].tolist() == [2, 3]
    assert "step" not in score(own, "mae").columns


def test_a_hole_does_not_shift_the_steps(rows: pd.DataFrame) -> None:
    rows.loc[0, "y"] = np.nan
    assert score(rows, "mae", by="step")["mae"].tolist() == [3.0, 5.0]


def test_other_columns_split_windows(rows: pd.DataFrame) -> None:
    late = score(rows.assign(late=rows["ds"] > 4), ["mae", "rmse"], by="late")
    assert late["late"].tolist() == [False, True]
    assert late["mae"].tolist() == [3.5, (3 + 2 + 8) / 3]
    assert late["rmse"].tolist() == [3.5, pytest.approx((3 + np.sqrt(8) + 8) / 3)]
    # and the steps are still those of the whole window
    both = score(rows.assign(late=rows["ds"] > 4), "mae", by=["late", "step"])
    assert both["step"].tolist() == [1, 1, 2]
    assert both["mae"].tolist() == [3.5, 0.0, 5.0]


def test_rows_of_several_models(rows: pd.DataFrame) -> None:
    perfect = rows.assign(y_pred=rows["y"])
    both = pd.concat([rows.assign(model="b"), perfect.assign(model="a")])
    got = score(both, "mae", by="model")
    assert_frame_equal(got, pd.DataFrame({"model": ["a", "b"], "mae": [0.0, 11 / 3]}))
    got = score(both, "mae", by=["model", "step"])
    assert got["mae"].tolist() == [0.0, 0.0, 7 / 3, 5.0]
    with pytest.raises(FrameError) as caught:
        score(both, "mae")
    assert str(caught.value) == (
        "rows that come twice: unique_id a, cutoff 3, ds 4 (row 6), unique_id a, cutoff 3, ds 5 "
        "(row 7), unique_id a, cutoff 4, ds 5 (row 8), unique_id a, cutoff 4, ds 6 (row 9), "
        "unique_id b, cutoff 3, ds 4 (row 10), … (6 in all); keep one of each, or name the column "
        "that tells them apart in by="
    )


def test_columns_of_groups_keep_their_dtypes() -> None:
    rows = backtest_rows().astype({"unique_id": pd.CategoricalDtype(["s9", "s2", "s1", "s0"])})
    by = ["unique_id", "cutoff", "ds"]
    got = score(rows, "mae", by)
    assert_frame_equal(got[by].dtypes.to_frame(), rows[by].dtypes.to_frame())
    assert got["unique_id"].unique().tolist() == ["s2", "s1", "s0"]
    assert got["mae"].dtype == np.float64


@pytest.mark.parametrize("frequency", [None, "h"])
def test_stamps_of_any_kind(frequency: str | None) -> None:
    rows = backtest_rows()
    expected = score(rows, "mae", by="step")
    for column in ("cutoff", "ds"):
        rows[column] = (
            rows[column].dt.tz_localize("Europe/London")
            if frequency is None
            else rows[column].dt.to_period("D")
        )
    assert_frame_equal(score(rows, "mae", by="step"), expected)


# ----------------------------------------------------------------------------- what rows look like


def test_names_of_columns(rows: pd.DataFrame) -> None:
    names = {"unique_id": "shop", "ds": "week", "y": "sold"}
    renamed = rows.rename(columns=lambda name: names.get(name, name.replace("y_pred", "sold_pred")))
    called = {"id_col": "shop", "time_col": "week", "target_col": "sold"}
    asked = ["mae", "coverage-80", "wql"]
    got = score(renamed, asked, by=["shop", "step"], quantiles=[0.1, 0.5], **called)
    expected = score(rows, asked, by=["unique_id", "step"], quantiles=[0.1, 0.5])
    assert_frame_equal(got.rename(columns={"shop": "unique_id"}), expected)


def test_without_ids_all_rows_are_of_one_series(rows: pd.DataFrame) -> None:
    alone = rows[rows["unique_id"] == "a"].drop(columns="unique_id")
    train = pd.Series([1.0, 3.0])
    got = score(alone, ["mae", "mase"], train=train)
    assert got.iloc[0].tolist() == [2.0, 1.0]
    assert score(alone, "mae", by="step")["mae"].tolist() == [0.5, 3.5]


@pytest.mark.parametrize("dtype", ["Float64", "float32", "int64", "Int32"])
def test_dtypes_of_values(rows: pd.DataFrame, dtype: str) -> None:
    got = score(rows.astype({"y": dtype, "y_pred": dtype, "y_pred-lo-80": dtype}), ["mae", "smape"])
    assert_frame_equal(got, score(rows, ["mae", "smape"]))


def test_rows_are_not_changed_and_their_index_does_not_matter(rows: pd.DataFrame) -> None:
    odd = rows.set_axis([7, 7, 1, 1, 0, -3])
    before = odd.copy()
    assert_frame_equal(score(odd, "mae", by="step"), score(rows, "mae", by="step"))
    assert_frame_equal(odd, before)


def test_holes_are_left_out(rows: pd.DataFrame) -> None:
    rows.loc[[1, 2, 3, 4], "y"] = np.nan
    rows.loc[2, "y_pred"] = np.nan  # nor is it asked what was forecast there
    got = score(rows, ["mae", "rmse", "coverage-80", largest], by=WINDOW)
    np.testing.assert_array_equal(got["mae"], [1.0, np.nan, 8.0])
    np.testing.assert_array_equal(got["rmse"], [1.0, np.nan, 8.0])
    np.testing.assert_array_equal(got["largest"], [1.0, np.nan, 8.0])
    np.testing.assert_array_equal(got["coverage-80"], [100.0, np.nan, 100.0])
    assert score(rows, ["mae", largest]).iloc[0].tolist() == [4.5, 4.5]
    by_cutoff = score(rows, "wql", by="cutoff", quantiles=[0.5])
    np.testing.assert_allclose(by_cutoff["wql"], [9 / 60, np.nan])


@pytest.mark.parametrize("by", [None, "cutoff", "step"])
def test_rows_without_any_truth(rows: pd.DataFrame, by: str | None) -> None:
    got = score(rows.assign(y=np.nan), ["mae", "rmse", "wql", largest], by=by, quantiles=[0.5])
    assert got[["mae", "rmse", "wql", "largest"]].isna().all(axis=None)
    assert len(got) == (2 if by else 1)


def test_a_forecast_that_is_nan_is_not_left_out(rows: pd.DataFrame) -> None:
    rows.loc[2, "y_pred"] = np.nan
    got = score(rows, ["mae", "rmse", "smape", "wql"], by="unique_id", quantiles=[0.5])
    assert got.iloc[0, 1:].isna().all()
    assert got.iloc[1, 1:].notna().all()
    assert np.isnan(score(rows, "mae").iloc[0, 0])


# ------------------------------------------------------------------------------------ training rows


def _wide(train: pd.DataFrame) -> pd.DataFrame:
    return train.pivot(index="ds", columns="unique_id", values="y")


LAYOUTS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "unsorted": lambda train: train.iloc[::-1],
    "wide": _wide,
    "multiindex": lambda train: train.set_index(["unique_id", "ds"])["y"],
    "categories": lambda train: train.astype({"unique_id": "category"}),
    "objects": lambda train: train.astype({"unique_id": object}),
    "more series": lambda train: pd.concat([train, train[:30].assign(unique_id="other")]),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_training_rows_come_in_any_layout(layout: Callable[[pd.DataFrame], Any]) -> None:
    rows, train = backtest_rows(), training_rows()
    names = ["mase", "rmsse"]
    expected = score(rows, names, by="unique_id", train=train, season_length=7)
    got = score(rows, names, by="unique_id", train=layout(train), season_length=7)
    assert_frame_equal(got, expected, rtol=1e-12)
    categories = rows.astype({"unique_id": "category"})
    got = score(categories, names, train=layout(train), season_length=7)
    assert_frame_equal(got, score(rows, names, train=train, season_length=7), rtol=1e-12)


def test_gaps_in_training_rows_keep_the_season() -> None:
    rows, train = backtest_rows(), training_rows()
    holes = train.assign(y=train["y"].where(train["ds"].dt.day != 9))
    unit = scales(holes, 7, 1)
    expected = score(rows, "mae", by="unique_id")["mae"] / unit.to_numpy()
    for part in (holes, holes.dropna()):
        got = score(rows, "mase", by="unique_id", train=part, season_length=7)
        np.testing.assert_allclose(got["mase"], expected, rtol=1e-12)


def test_training_rows_after_a_cutoff_count_as_they_are_given() -> None:
    rows = backtest_rows()
    train = rows.drop_duplicates(["unique_id", "ds"])[["unique_id", "ds", "y"]]
    unit = scales(train, 1, 1).to_numpy()
    got = score(rows, "mase", by="unique_id", train=train)["mase"]
    np.testing.assert_allclose(got, score(rows, "mae", by="unique_id")["mae"] / unit)


def test_training_rows_that_repeat_exactly(rows: pd.DataFrame) -> None:
    train = pd.DataFrame({"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 3.0]})
    got = score(rows, ["mase", "rmsse"], by=["unique_id", "step", "cutoff"], train=train)
    assert got["mase"].tolist() == [np.inf, 0.0, np.inf, np.inf, 6.0, 8.0]
    assert got["rmsse"].tolist() == got["mase"].tolist()


def test_training_rows_too_few_for_a_difference(rows: pd.DataFrame) -> None:
    train = pd.DataFrame({"unique_id": ["a", "b", "b"], "ds": [3, 2, 3], "y": [1.0, 1.0, 3.0]})
    got = score(rows, "mase", by="unique_id", train=train)
    np.testing.assert_array_equal(got["mase"], [np.nan, 3.5])


def test_a_frequency_that_the_training_rows_do_not_show(rows: pd.DataFrame) -> None:
    alone = rows[rows["unique_id"] == "a"]
    train = pd.Series([5.0], index=pd.to_datetime(["2024-01-31"]))
    with pytest.raises(FrameError, match="train: no frequency can be found"):
        score(alone, "mase", train=train)
    assert np.isnan(score(alone, "mase", train=train, freq="D").iloc[0, 0])


def test_a_series_without_training_rows() -> None:
    rows, train = backtest_rows(series=4), training_rows(series=2)
    with pytest.raises(FrameError) as caught:
        score(rows, "mase", train=train)
    assert str(caught.value) == (
        "train has no rows of the series 's2', 's3'; give those of every series that is scored"
    )


def test_training_rows_without_ids_are_of_one_series(rows: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match="rows are of 2 series and train is of 1, and not both"):
        score(rows, "mase", train=pd.Series([1.0, 2.0]))
    alone = rows[rows["unique_id"] == "b"]
    with pytest.raises(FrameError, match="rows are of 1 series and train is of 3, and not both"):
        score(alone.drop(columns="unique_id"), "mase", train=training_rows())
    assert score(alone, "mase", train=pd.Series([1.0, 3.0])).iloc[0, 0] == 3.5


def test_problems_of_the_training_rows_are_said_to_be_theirs(rows: pd.DataFrame) -> None:
    train = training_rows().assign(ds="yesterday")
    with pytest.raises(FrameError, match="train: column 'ds' holds text, not time"):
        score(rows, "mase", train=train)


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("mea", "the metric 'mea' is unknown: the names are 'mae', 'rmse', 'smape', 'mase', "
                "'rmsse', 'wql', 'coverage-80' (any level), 'quantile_loss-0.1' (any quantile); "
                "anything else is a function f(y_true, y_pred)"),
        (["mae", "coverage"], "the metric 'coverage' is unknown"),
        ("coverage-100", "the metric 'coverage-100' is unknown"),
        ("coverage-many", "the metric 'coverage-many' is unknown"),
        ("quantile_loss-10", "the metric 'quantile_loss-10' is unknown"),
        ("mae-1", "the metric 'mae-1' is unknown"),
        ([], "metrics=[]: expected one or more; the names are"),
        ({}, "metrics={}: expected one or more"),
        (3, "the metric 3 is unknown"),
        ({"error": 3}, "the metric 3 is unknown"),
        ({3: "mae"}, "metrics={3: ...}: expected names of columns, as text"),
        (["mae", metrics.mae], "two metrics are named 'mae'; name them in a dict"),
        (partial(metrics.mase, y_train=[1.0, 2.0]), "has no name: pass a dict"),
        ({"step": "mae"}, "'step' names a metric and a column of by=; rename one"),
        ("mase", "'mase' and 'rmsse' divide by the seasonal error of the rows that the model was "
                 "fitted on: pass them with train="),
    ],
)  # fmt: skip
def test_metrics_that_can_not_be_taken(rows: pd.DataFrame, metrics: Any, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        score(rows, metrics, by="step")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("series", "by= names 'series'; the columns are 'unique_id', 'cutoff', 'ds', 'y', "
                   "'y_pred', 'y_pred-lo-80', 'y_pred-hi-80', and 'step'"),
        (["step", "step"], "by=['step', 'step']: a column twice"),
        (3, "by= names 3"),
    ],
)  # fmt: skip
def test_groups_that_there_are_not(rows: pd.DataFrame, by: Any, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        score(rows, "mae", by=by)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("season", [0, -1, 1.5, True, "7"])
def test_season_length_is_a_number_of_rows(rows: pd.DataFrame, season: Any) -> None:
    with pytest.raises(SettingError, match=r"season_length=.*: expected a whole number of 1 or"):
        score(rows, "mae", season_length=season)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("coverage-95", "'coverage-95' needs the bounds of the interval, and there is no column "
                        "'y_pred-lo-95', 'y_pred-hi-95': call backtest(level=[95])"),
        ("wql", "'wql' needs forecasts of the quantiles 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, columns as "
                "y_pred-lo-80 or y_pred-q-0.1: call backtest(level=[20, 40, 60, 80])"),
        ("quantile_loss-0.025", "'quantile_loss-0.025' needs forecasts of the quantiles 0.025, "
                                "columns as y_pred-lo-80 or y_pred-q-0.1: call "
                                "backtest(level=[95])"),
    ],
)  # fmt: skip
def test_columns_that_a_metric_needs(rows: pd.DataFrame, metric: str, message: str) -> None:
    with pytest.raises(FrameError) as caught:
        score(rows, metric)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda df: df.drop(columns=["y", "y_pred"]),
         "no column 'y', 'y_pred' in the rows of a backtest; the columns are 'unique_id', "
         "'cutoff', 'ds', 'y_pred-lo-80', 'y_pred-hi-80'; pass id_col=, time_col=, target_col= if "
         "they are called otherwise"),
        (lambda df: df.drop(columns="cutoff"),
         "if they are called otherwise; forecasts from one cutoff take df.assign(cutoff=0)"),
        (lambda df: df.iloc[:0], "the frame has 0 rows; there is nothing to score"),
        (lambda df: df.set_axis(["y", *df.columns[1:]], axis=1), "columns named twice among 'y'"),
        (lambda df: df.assign(unique_id=[None, *df["unique_id"][1:]]), "has missing ids: row 0"),
        (lambda df: df.assign(y=df["y"].astype(str)), f"column 'y' isn't numeric ({TEXT})"),
        (lambda df: df.assign(y_pred=df["y"] > 0), "column 'y_pred' isn't numeric (bool)"),
        (lambda df: df.assign(**{"y_pred-hi-80": None}), "column 'y_pred-hi-80' isn't numeric"),
    ],
)  # fmt: skip
def test_rows_that_can_not_be_scored(
    rows: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(FrameError) as caught:
        score(change(rows), "coverage-80")
    assert message in str(caught.value)


def test_an_id_column_that_was_named_must_be_there(rows: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match="no column 'shop' in the rows of a backtest"):
        score(rows, "mae", id_col="shop")


def test_rows_are_a_frame(rows: pd.DataFrame) -> None:
    with pytest.raises(TypeError, match="expected the DataFrame of a backtest, got Series"):
        score(rows["y"], "mae")  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------- properties


@st.composite
def backtests(draw: st.DrawFn) -> pd.DataFrame:
    """Windows of one length, as many of each series."""
    return backtest_rows(
        series=draw(st.integers(1, 3)),
        cutoffs=draw(st.integers(1, 4)),
        horizon=draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@pytest.mark.slow
@properties
@given(backtests(), st.sampled_from(["unique_id", "cutoff", WINDOW]))
def test_the_mean_over_groups_of_as_many_windows_is_the_overall_score(
    rows: pd.DataFrame, by: Any
) -> None:
    names = [*POINT, "coverage-60", "quantile_loss-0.3"]
    parts = score(rows, names, by, train=training_rows(), season_length=7)[names].mean()
    overall = score(rows, names, train=training_rows(), season_length=7)
    np.testing.assert_allclose(overall.iloc[0], parts, rtol=1e-9)


@pytest.mark.slow
@properties
@given(backtests())
def test_the_mean_over_steps_is_the_overall_score_of_what_is_a_mean(rows: pd.DataFrame) -> None:
    names = ["mae", "smape", "mase", "coverage-80", "quantile_loss-0.7"]
    parts = score(rows, names, "step", train=training_rows())[names].mean()
    np.testing.assert_allclose(score(rows, names, train=training_rows()).iloc[0], parts, rtol=1e-9)


@pytest.mark.slow
@properties
@given(backtests(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: pd.DataFrame, random: Any) -> None:
    names = [*POINT, "wql", "coverage-20"]
    order = random.sample(range(len(rows)), len(rows))
    for by in (WINDOW, ["step", "unique_id"]):
        expected = score(rows, names, by, train=training_rows())
        got = score(rows.iloc[order], names, by, train=training_rows())
        assert_frame_equal(got, expected, rtol=1e-9)


@pytest.mark.slow
@properties
@given(backtests(), st.sampled_from([0.125, 4.0, 1024.0]), st.sampled_from([0.0, 64.0]))
def test_scores_and_the_scale_of_the_rows(rows: pd.DataFrame, factor: float, level: float) -> None:
    train = training_rows()
    values = [name for name in rows.columns if name.startswith("y")]
    moved = rows.assign(**{name: factor * rows[name] + level for name in values})
    moved_train = train.assign(y=factor * train["y"] + level)

    def both(names: list[str]) -> tuple[Any, Any]:
        return (
            score(rows, names, "unique_id", train=train)[names],
            score(moved, names, "unique_id", train=moved_train)[names],
        )

    before, after = both(["mase", "rmsse", "coverage-80", "coverage-20"])
    np.testing.assert_allclose(after, before, rtol=1e-9)
    before, after = both(["mae", "rmse", "quantile_loss-0.1"])
    np.testing.assert_allclose(after, factor * before, rtol=1e-9)
    if not level:
        before, after = both(["smape", "wql"])
        np.testing.assert_allclose(after, before, rtol=1e-9)


@pytest.mark.slow
@properties
@given(backtests())
def test_a_series_scores_what_it_does_alone(rows: pd.DataFrame) -> None:
    names = [*POINT, "wql", "coverage-80"]
    together = score(rows, names, ["unique_id", "step"], train=training_rows())
    alone = [
        score(part, names, ["unique_id", "step"], train=training_rows())
        for _, part in rows.groupby("unique_id")
    ]
    assert_frame_equal(together, pd.concat(alone, ignore_index=True), rtol=1e-12)
