"""The benchmark of accuracy: its protocol, its committed results, and what README makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy import protocol, results, run, tables, weights
from benchmarks.record import ROOT
from benchmarks.speed import time_to_accuracy

pytestmark = pytest.mark.slow

RESULTS = results.RESULTS
REFERENCE = ROOT.parent / "shared" / "reference" / "published_accuracy.csv"
FILES = sorted(path.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("*.csv"))


# --- committed results


@pytest.mark.parametrize("name", FILES)
def test_a_result_file_fits_its_task(name: str) -> None:
    table = results.read_file(RESULTS / name)
    own, noted = np.split(table.columns, [len(results.COLUMNS)])
    assert list(own) == list(results.COLUMNS)
    written = pd.read_csv(RESULTS / name, nrows=0).columns
    assert [name for name in own if name not in written] in ([], list(results.LATER))
    assert set(noted) - {"command"} == {"date", "commit"}  # the first ones lack their command
    (row,) = table.to_dict("records")
    assert results.file_name(row) == Path(name).name
    task = protocol.read_tasks()[row["task"]]
    assert (row["horizon"], row["windows"]) == (task.horizon, task.windows)
    assert results.home(row["earlier"]) == (RESULTS / name).parent
    assert np.isfinite([row["mase"], row["smape"], row["mase_over_naive"], row["fit_s"]]).all()
    assert row["preset"] in (run.PRESETS if row["model"] in run.FORECASTERS else ("",))
    assert isinstance(json.loads(row["settings"]), dict)
    begun = json.loads(row["settings"]).get("init", "random")  # the first ones all began at random
    assert bool(row["weights"]) == (begun != "random")
    assert np.isnan(row["seed"]) == (
        row["preset"] in ("", "zero_shot") and np.isnan(row["budget_s"])
    )
    if not row["earlier"]:
        assert row["weights"] in ("", *map(weights.name_of, weights.shipped())), "of older weights"
        assert row["set"] == "", "what the test rows are forecast with is a preset"
        naive = results.read_file(RESULTS / f"{row['task']}-seasonal_naive.csv").iloc[0]
        assert row["series"] == naive["series"]
        assert row["mase_over_naive"] == pytest.approx(row["mase"] / naive["mase"], rel=1e-4)


def test_seasonal_naive_scores_what_is_published() -> None:
    published = pd.read_csv(tables.PUBLISHED_CSV)
    published = published[published["model"] == "seasonal_naive"].set_index("dataset")
    found = results.read().query("model == 'seasonal_naive'").set_index("task")
    assert set(found.index) == set(protocol.read_tasks()) == set(published.index)
    # The leaderboard's ETTh1 is another file: 0.977 there.
    assert found.loc["etth1_short", "mase"] == pytest.approx(1.001, abs=5e-4)
    for task, row in found.drop("etth1_short").iterrows():
        assert row["mase"] == pytest.approx(published.loc[task, "mase"], abs=1.5e-4)
        if np.isfinite(published.loc[task, "smape"]):
            assert row["smape"] == pytest.approx(published.loc[task, "smape"], abs=1e-4)


# --- tables


def test_a_row_of_the_table_is_the_median_of_the_seeds_and_their_range() -> None:
    runs = pd.DataFrame(
        {
            "task": "m4_hourly",
            "model": ["tsgen"] * 4 + ["darts RNNModel"],
            "preset": ["accurate"] * 3 + ["balanced", ""],
            "mase": [0.7, 0.9, 0.75, 1.0, 2.0],
            "mase_over_naive": 0.5,
            "smape": [9.0, 9.5, 8.0, 10.0, 20.0],
            "wql": [0.02, 0.03, 0.025, np.nan, np.nan],
            "budget_s": [np.nan] * 4 + [600.0],
            "fit_s": [90.0, 100.0, 110.0, 2.0, 600.0],
            "seconds": [91.0, np.nan, np.nan, 2.34, np.nan],
        }
    )
    first, second = tables.leaderboard(runs).split("\n\n")
    rest = " | – | – | – | – | – |\n"
    assert f"| tsgen, accurate | 0.750 (0.700 to 0.900), 100 s{rest}" in first
    assert f"| tsgen, balanced | 1.000, 2.3 s{rest}" in first
    assert f"| darts RNNModel, 600 s | 2.000, 600 s{rest}" in f"{first}\n"
    assert "| TiRex (pretrained) | 0.722 | 1.990 | 0.831 | 1.154 | 2.710 | 0.836 |" in first
    assert "tsgen, fast" not in first, "a row without a value is left out"
    accurate = "| tsgen, accurate | 9.00 (8.00 to 9.50) | – | 0.0250 (0.0200 to 0.0300) | – | –"
    assert accurate in second


def test_every_published_model_is_shown_but_the_naive_ones() -> None:
    listed = pd.read_csv(tables.PUBLISHED_CSV)
    shown = [name for names in tables.PUBLISHED.values() for name in names]
    assert sorted([*shown, "naive", "seasonal_naive"]) == sorted(listed["model"].unique())
    assert listed["source"].notna().all()
    assert not listed.duplicated(["dataset", "model"]).any()


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference figures aren't here")
def test_published_figures_are_those_of_the_reference() -> None:
    assert tables.PUBLISHED_CSV.read_text() == REFERENCE.read_text()


def runs_of(**errors: list[float]) -> pd.DataFrame:
    """Runs on m3_yearly by preset, in 2 s each."""
    rows = [("tsgen", preset, error) for preset, found in errors.items() for error in found]
    made = pd.DataFrame(
        [("seasonal_naive", "", 3.1717), *rows], columns=["model", "preset", "mase"]
    )
    return made.assign(task="m3_yearly", mase_over_naive=made["mase"] / 3.1717,
                       smape=17.0, wql=np.nan, budget_s=np.nan, fit_s=1.5, seconds=2.0)  # fmt: skip


def test_who_is_ahead_is_counted_by_the_median() -> None:
    made = tables.standing(runs_of(zero_shot=[2.65], fine_tuned=[2.0, 2.6, 9.0], accurate=[2.72]))
    titles = ("zero-shot", "fine-tuned", "accurate")
    first = " | ".join(["| score", *(f"ahead of tsgen, {title}" for title in titles)])
    assert made.splitlines()[0] == f"{first} |"
    assert (
        "| m3_yearly | 1 of 6: AutoTheta | 0 of 6 | 3 of 6: AutoTheta; AutoETS; TiRex |"
    ) in made.splitlines()
    assert "| m4_hourly | – | – | – |" in made


def test_figures_of_pretrained_weights_are_shown_as_soon_as_they_are_there() -> None:
    lines = tables.pretrained(runs_of(fine_tuned=[2.6])).splitlines()
    assert "| m3_yearly | not measured yet | 2.600, 2 s | 3.172, 2 s |" in lines
    assert tables.pretrained(runs_of()).count("not measured yet") == 2 * len(tables.MASE)


# --- protocol


def long_frame(lengths: dict[str, int]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "unique_id": name,
                    "ds": pd.date_range("2000-01-01", periods=length, freq="h"),
                    "y": np.arange(length, dtype=float) + 100,
                }
            )
            for name, length in lengths.items()
        ],
        ignore_index=True,
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A benchmark of two trends of 40 and 13 rows, the last 4 of which are the test rows."""
    pytest.importorskip("pyarrow")
    frame = long_frame({"b": 40, "a": 13})
    last = frame.groupby("unique_id").cumcount(ascending=False) < 4
    frame["split"] = pd.Categorical(np.where(last, "test", "train"))
    frame.to_parquet(tmp_path / "m4_hourly.parquet")
    monkeypatch.setenv("TSGEN_DATA", str(tmp_path))
    task = protocol.Task("small", "m4_hourly", "h", 4, 1, 2, None)
    monkeypatch.setattr(run, "read_tasks", lambda: {"small": task})
    return task


def test_windows_end_with_the_last_row_and_know_what_came_before(small: Any) -> None:
    (window,) = protocol.windows_of(small)
    assert window.known.groupby("unique_id")["y"].max().to_dict() == {"a": 108, "b": 135}
    assert window.truth.groupby("unique_id")["y"].apply(list).to_dict() == {
        "a": [109, 110, 111, 112],
        "b": [136, 137, 138, 139],
    }


def test_earlier_windows_lie_before_the_others(small: Any) -> None:
    (window,) = protocol.windows_of(small, earlier=1)
    assert window.truth.groupby("unique_id")["y"].apply(list).to_dict() == {
        "a": [105, 106, 107, 108],
        "b": [132, 133, 134, 135],
    }
    assert window.known.groupby("unique_id").size().to_dict() == {"a": 5, "b": 32}
    (window,) = protocol.windows_of(small, earlier=2)
    assert set(window.known["unique_id"]) == {"b"}, "'a' has no row left for the horizon"


def test_many_windows_follow_each_other_and_none_is_known_to_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = pd.DataFrame({"date": pd.date_range("2016-07-01", periods=30, freq="h")})
    wide[["u", "v"]] = np.arange(60.0).reshape(30, 2)
    monkeypatch.setattr(protocol.tsgen, "load_benchmark", lambda name: wide)
    task = protocol.Task("rolling", "etth1", "h", 4, 3, 2, "auto")
    windows = protocol.windows_of(task)
    stamps = wide["date"].tolist()
    assert [window.truth["ds"].drop_duplicates().tolist() for window in windows] == [
        stamps[18:22],
        stamps[22:26],
        stamps[26:30],
    ]
    for window in windows:
        assert window.known["ds"].max() == window.truth["ds"].min() - pd.Timedelta("1h")
        assert list(window.truth.columns) == list(window.known.columns)
        assert set(window.known.columns) == {"unique_id", "ds", "y"}
        assert set(window.known["unique_id"]) == {"u", "v"}
    earlier = protocol.windows_of(task, earlier=1)
    assert earlier[-1].truth["ds"].max() < windows[0].truth["ds"].min()


def test_a_trend_misses_its_seasonal_naive_by_what_is_known(small: Any) -> None:
    windows = protocol.windows_of(small)
    naive = run.naive_run(small, windows)
    # The season is 2 rows of a trend of 1: errors are 2, 2, 4, 4, and their unit is 2.
    assert naive["mase"] == pytest.approx(1.5)
    assert "wql" not in naive


def test_forecasts_of_other_rows_are_refused(small: Any) -> None:
    windows = protocol.windows_of(small)
    late = windows[0].truth.assign(ds=lambda rows: rows["ds"] + pd.Timedelta("1h"))
    with pytest.raises(AssertionError, match="ids and stamps"):
        protocol.scores(small, windows, [late])


# --- runs


def test_a_run_writes_one_file_for_each_seed(small: Any, tmp_path: Path) -> None:
    command = ["--tasks", "small", "--out", str(tmp_path / "out")]
    quick = ["--set", "max_steps=2", "hidden_size=4", "context_length=8", "lags=[2]"]
    run.main([*command, "--model", "seasonal_naive"])
    run.main([*command, "--seeds", "0", "3", "--no-quantiles", *quick])
    table = results.read(tmp_path / "out")
    names = {results.file_name(row) for row in table.to_dict("records")}
    assert names == {path.name for path in (tmp_path / "out").iterdir()}
    assert len(names) == 3
    table = table.set_index(["model", "seed"])
    assert list(table.loc["tsgen"].index) == [0, 3]
    naive = table.loc["seasonal_naive", "mase"].item()
    assert naive == 1.5
    for _, row in table.loc["tsgen"].iterrows():
        assert json.loads(row["set"])["lags"] == [2]
        assert json.loads(row["settings"])["max_steps"] == 2
        assert row["mase_over_naive"] == pytest.approx(row["mase"] / naive, abs=1e-5)
        assert np.isnan(row["wql"])


def test_what_is_tried_on_the_test_rows_is_not_kept(
    small: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    quick = ["--tasks", "small", "--no-quantiles", "--set", "max_steps=1", "hidden_size=4"]
    run.main(quick)
    assert not (tmp_path / "results").exists()
    run.main([*quick, "--earlier", "1"])
    (path,) = (tmp_path / "results").rglob("*.csv")
    assert path.parent.name == "earlier"


@pytest.mark.filterwarnings("ignore:this model can't be saved")
def test_without_training_there_is_one_run_and_no_seed(small: Any, tmp_path: Path) -> None:
    command = ["--tasks", "small", "--out", str(tmp_path / "out"), "--no-quantiles"]
    run.main([*command, "--preset", "zero_shot", "--seeds", "0", "1", "2"])
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "small-tsgen-zero_shot.csv"
    (row,) = results.read(path.parent).to_dict("records")
    assert np.isnan(row["seed"])
    assert row["weights"] in {weights.name_of(path) for path in weights.shipped()}
    assert row["seconds"] >= row["fit_s"] > 0


# --- time to accuracy


@pytest.mark.parametrize(
    ("mase", "seconds"),
    [([2.0, 0.5, 2.0, 0.5, 0.5], 40.0), ([0.5, 0.4], 5.0), ([0.5, 2.0], None), ([np.nan], None)],
    ids=["once too early", "at once", "never for good", "no number"],
)
def test_time_to_accuracy_is_where_errors_stay_below(
    mase: list[float], seconds: float | None
) -> None:
    fits = pd.DataFrame({"mase": mase, "seasonal_naive": 1.0})
    fits["fit_s"] = 5.0 * 2.0 ** np.arange(len(fits))
    found = time_to_accuracy.seconds_to_accuracy(fits)
    assert np.isnan(found) if seconds is None else found == seconds


def test_three_fits_below_seasonal_naive_end_the_search() -> None:
    fits = iter([{"mase": value} for value in (2.0, 0.5, 2.0, 0.5, 0.5, 0.5, 0.5)])
    assert len(list(time_to_accuracy.until_sure(fits, 1.0))) == 6
