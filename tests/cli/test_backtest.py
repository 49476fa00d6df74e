"""`tsgen backtest`: errors on rows of a file, beside those of seasonal naive."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from support.command_line import Done, Run, in_empty_folder

from tsgen import LSTMForecaster, hold_out
from tsgen.metrics import mae

ROWS = 48
FEW = ["--max-steps", 2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def frame(*, seasonal: bool = False) -> pd.DataFrame:
    ds = pd.date_range("2020-01-01", periods=ROWS, freq="MS")
    noise = np.random.default_rng(0).normal(size=ROWS) * (not seasonal)
    y = np.sin(2 * np.pi * np.arange(ROWS) / 12) + noise
    parts = [pd.DataFrame({"unique_id": name, "ds": ds, "y": y}) for name in ("b", "a")]
    return pd.concat(parts, ignore_index=True)


def written(df: pd.DataFrame, name: str = "data.csv") -> str:
    df.to_csv(name, index=False)
    return name


def lines(done: Done) -> list[str]:
    assert (done.code, done.err) == (0, ""), done.err
    return [" ".join(line.split()) for line in done.out.splitlines()]


@pytest.mark.slow
def test_forecasts_of_a_model_fitted_to_the_rows_before(run: Run) -> None:
    source = written(frame())
    options = ["--horizon", 4, "--n-windows", 3, "--step", 2, "--out", "rows.csv"]
    shown = lines(run("backtest", source, *options, *FEW))
    got = pd.read_csv("rows.csv", parse_dates=["cutoff", "ds"])
    model = LSTMForecaster(max_steps=2, verbose=False).fit(hold_out(frame(), 8)[0])
    rows = model.backtest(frame(), 4, n_windows=3, step=2)
    assert_frame_equal(got, rows, check_dtype=False, rtol=1e-9)
    assert "rows read 80" in shown
    assert "forecasts 6 of 4 steps" in " ".join(shown)
    error = np.mean([mae(part["y"], part["y_pred"]) for _, part in rows.groupby("unique_id")])
    assert any(line.startswith(f"MAE {error:.4g} (seasonal naive ") for line in shown)
    assert any(line.startswith("sMAPE ") for line in shown)
    assert shown[-1] == "written rows.csv"


@pytest.mark.slow
def test_seasonal_naive_beside_it(run: Run) -> None:
    done = run("backtest", written(frame(seasonal=True)), "--horizon", 5, *FEW)
    (error,) = re.findall(r"MAE .*seasonal naive (.*)\)", done.out)
    assert float(error) < 1e-12
    assert not list(Path().glob("*.png"))
    assert "written" not in done.out


@pytest.mark.slow
def test_a_picture_carried_and_refitted(run: Run) -> None:
    options = ["--horizon", 3, "--n-windows", 3, "--carry", "--refit", 2, "--plot", "rows.png"]
    assert "written rows.png" in lines(run("backtest", written(frame()), *options, *FEW))
    assert Path("rows.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_saved_model(run: Run) -> None:
    earlier, _ = hold_out(frame(), 6)
    fit = ["--save", "model.tsgen", "--init", "random", *FEW]  # which has no levels by itself
    assert run("fit", written(earlier, "earlier.csv"), *fit).code == 0
    source = written(frame())
    options = ["--model", "model.tsgen", "--horizon", 3, "--out", "rows.parquet"]
    shown = lines(run("backtest", source, *options, "--n-windows", 2))
    assert shown[0] == "model model.tsgen"
    expected = LSTMForecaster.load("model.tsgen").backtest(frame(), 3, n_windows=2)
    assert_frame_equal(pd.read_parquet("rows.parquet"), expected, check_dtype=False, rtol=1e-9)
    # Rows that it was trained on are told in a line, and no error.
    done = run("backtest", source, *options, "--n-windows", 3)
    assert done.code == 0
    assert done.err.startswith("tsgen: 2 of 6 forecasts are of rows that the model was trained on")
    assert done.err.count("\n") == 1
    done = run("backtest", source, *options, "--level", 80)
    assert done.code == 2
    assert "tsgen fit --levels" in done.err


@pytest.mark.slow
def test_levels_columns_and_holes(run: Run) -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sold"}
    df = frame().rename(columns=names)
    df.loc[[10, 46], "sold"] = np.nan
    columns = ["--id-col", "shop", "--time-col", "day", "--target-col", "sold"]
    options = ["--horizon", 3, "--level", 80, "--out", "rows.csv", "--fill", "mask"]
    lines(run("backtest", written(df), *options, *columns, *FEW))
    got = pd.read_csv("rows.csv")
    bounds = ["sold_pred-lo-80", "sold_pred-hi-80"]
    assert got.columns.tolist() == ["shop", "cutoff", "day", "sold", "sold_pred", *bounds]
    assert got["sold"].isna().sum() == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--horizon", 5, "--n-windows", 20], "no more than the 100 rows"),
        (["--horizon", 0], "--horizon"),
        (["--horizon", 5, "--n-windows", 0], "--n-windows"),
        (["--horizon", 5, "--level", 180], "--level 180"),
        (["--horizon", 5, "--out", "no/rows.csv"], "can't write no/rows.csv"),
        (["--horizon", 5, "--plot", "rows.xyz"], "can't write rows.xyz"),
        (["--horizon", 5, "--model", "none.tsgen"], "none.tsgen"),
    ],
    ids=str,
)
def test_errors(run: Run, options: list[Any], said: str) -> None:
    done = run("backtest", written(frame()), *options)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert done.err.count("\n") == 1


def test_options_of_a_fit_are_refused_beside_a_model(run: Run) -> None:
    source = written(frame())
    options = ["--target-col", "no", "--freq", "W", "--fill", 0, "--calendar", "auto", "--seed", 1]
    done = run("backtest", source, "--horizon", 4, "--model", "m.tsgen", *options, *FEW)
    assert done.code == 2
    said = "--target-col, --freq, --fill, --calendar, --seed, --max-steps beside --model"
    assert said in done.err
    assert run("fit", source, "--save", "m.tsgen", *FEW).code == 0
    done = run("backtest", source, "--horizon", 4, "--model", "m.tsgen", "--time-col", "ds")
    assert done.code == 0, done.err
    assert "m.tsgen" in done.out
