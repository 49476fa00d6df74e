"""`tsgen predict` of a folder: from Parquet to Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from support.command_line import Done, Run, in_empty_folder

import tsgen

ROWS = 30


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen predict model.tsgen ...` in a folder with the model and sales/."""
    command = in_empty_folder(tmp_path, monkeypatch, capfd)
    sales().to_parquet("all.parquet", index=False)
    tsgen.LSTMForecaster(max_steps=2, hidden_size=4, init="random").fit(sales()).save("model.tsgen")
    Path("sales").mkdir()
    for number, (_, rows) in enumerate(sales().groupby("unique_id")):
        rows.to_parquet(f"sales/{number}.parquet", index=False)

    def predict(*arguments: Any) -> Done:
        return command("predict", "model.tsgen", *arguments)

    return predict


def sales() -> pd.DataFrame:
    ds = pd.date_range("2024-01-01", periods=ROWS)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": ds, "y": np.sin(np.arange(ROWS)) + 3 * place})
        for place, name in enumerate("ab")
    ]
    return pd.concat(parts, ignore_index=True)


def refused(done: Done, *needles: str) -> None:
    """One line, exit code 2."""
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    for needle in needles:
        assert needle in done.err


@pytest.mark.parametrize("file", ["sales", "sales/", "sales/*.parquet", "all.parquet"])
def test_a_folder_is_forecast_into_a_folder(run: Run, file: str) -> None:
    done = run(file, "--horizon", 5, "--out", "forecasts/")
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == "model model.tsgen"
    assert lines[1].startswith("forecasts 2 of 5 steps, ")
    assert lines[2] == "written forecasts, 1 file"
    expected = tsgen.load("model.tsgen").predict(5, df=sales())
    assert_frame_equal(pd.read_parquet("forecasts"), expected, rtol=1e-5)


def test_the_same_command_again_and_another_one(run: Run) -> None:
    command = ["sales", "--horizon", 5, "--out", "forecasts"]
    assert run(*command).code == run(*command).code == 0
    command[2] = 6
    refused(run(*command), "forecasts of another call: horizon was 5, and is 6; pass --overwrite")
    assert run(*command, "--overwrite").code == 0
    assert len(pd.read_parquet("forecasts")) == 12


def test_future_files(run: Run) -> None:
    df = sales().assign(price=1.0)
    ahead = df.groupby("unique_id").tail(3).drop(columns="y")
    ahead["ds"] += pd.Timedelta(days=3)
    tsgen.LSTMForecaster(max_steps=2, hidden_size=4, init="random").fit(
        df, future_covariates="price"
    ).save("model.tsgen", overwrite=True)
    df.to_parquet("sales/0.parquet", index=False)
    Path("sales/1.parquet").unlink()
    ahead.to_parquet("ahead.parquet", index=False)
    done = run("sales", "--horizon", 3, "--out", "out", "--future-file", "ahead.parquet")
    assert (done.code, done.err) == (0, "")
    ahead.iloc[3:].to_parquet("ahead.parquet", index=False)
    done = run("sales", "--horizon", 3, "--out", "two", "--future-file", "ahead.parquet")
    refused(done, "--future-file has 'b' where FILE has series 'a' (row 0)")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sales", "--out", "july.csv"], "their forecasts need a folder: pass one"),
        (["sales"], "instead of forecast.csv"),
        (["sales", "--out", "-"], "need a folder"),
        (["sales", "--out", "out", "--plot", "a.png"], "--plot beside sales"),
        (["sales", "--out", "out", "--sep", ";"], "--sep beside sales"),
        (["sales", "--out", "model.tsgen"], "--out model.tsgen is a file: pass a folder"),
        (["sales", "--out", "sales/out"], "lie in one another"),
        (["no*.parquet", "--out", "out"], "FILE 'no*.parquet': there is no such file"),
        (["sales", "--out", "out", "--level", 80], "tsgen fit --levels"),
    ],
)
def test_what_is_refused(run: Run, arguments: list[Any], said: str) -> None:
    refused(run(*arguments, "--horizon", 5), said)
    assert not Path("out").exists()


def test_files_without_ids(run: Run) -> None:
    for path in Path("sales").iterdir():
        pd.read_parquet(path).drop(columns="unique_id").to_parquet(path, index=False)
    done = run("sales", "--horizon", 5, "--out", "out")
    refused(done, "no id column 'unique_id' among 'ds', 'y': pass one file of Parquet")
