"""`tsgen fit` and `tsgen predict`: a model in a file between two commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from support.command_line import Done, Run, in_empty_folder

from tsgen import GRUForecaster, LSTMForecaster

ROWS = 40


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def frame(ids: tuple[str, ...] = ("b", "a"), rows: int = ROWS) -> pd.DataFrame:
    ds = pd.date_range("2020-01-01", periods=rows, freq="MS")
    parts = [
        pd.DataFrame({"unique_id": name, "ds": ds, "y": np.sin(np.arange(rows)) + 3 * i})
        for i, name in enumerate(ids)
    ]
    return pd.concat(parts, ignore_index=True)


def written(df: pd.DataFrame, name: str = "data.csv") -> str:
    df.to_csv(name, index=False)
    return name


def fit(run: Run, *arguments: Any) -> Done:
    return run("fit", written(frame()), "--save", "model.tsgen", "--max-steps", 2, *arguments)


def refused(done: Done, *needles: str) -> None:
    """One line, exit code 2."""
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("tsgen: ")
    assert done.err.count("\n") == 1
    for needle in needles:
        assert needle in done.err


def test_fit_then_predict(run: Run) -> None:
    done = fit(run, "--seed", 3)
    assert (done.code, done.err) == (0, "")
    for word in ("rows read", "80", "series", "frequency", "MS", "2 steps", "model.tsgen"):
        assert word in done.out
    done = run("predict", "model.tsgen", "--horizon", 5)
    assert (done.code, done.err) == (0, "")
    result = pd.read_csv("forecast.csv", parse_dates=["ds"])
    model = LSTMForecaster(max_steps=2, random_state=3, verbose=False).fit(frame())
    assert_frame_equal(result, model.predict(5), check_dtype=False, rtol=1e-12)


@pytest.mark.slow
def test_the_series_of_another_file(run: Run) -> None:
    fit(run)
    other = frame(("new", "a"), rows=30)
    source = written(other, "other.csv")
    options = ["--horizon", 4, "--out", "next.parquet", "--plot", "next.png"]
    done = run("predict", "model.tsgen", source, *options)
    assert (done.code, done.err) == (0, "")
    assert "next.parquet, next.png" in done.out
    expected = LSTMForecaster.load("model.tsgen").predict(4, df=other)
    assert_frame_equal(pd.read_parquet("next.parquet"), expected, check_dtype=False, rtol=1e-12)
    assert Path("next.png").read_bytes().startswith(b"\x89PNG")


def test_the_columns_are_those_of_the_fit(run: Run) -> None:
    names = {"unique_id": "shop", "ds": "day", "y": "sales"}
    source = written(frame().rename(columns=names))
    columns = ["--id-col", "shop", "--time-col", "day", "--target-col", "sales"]
    done = run("fit", source, "--save", "m.tsgen", "--max-steps", 2, *columns, "--freq", "MS")
    assert (done.code, done.err) == (0, "")
    assert run("predict", "m.tsgen", source, "--horizon", 2).code == 0
    assert list(pd.read_csv("forecast.csv")) == ["shop", "day", "sales"]


@pytest.mark.parametrize(
    ("history", "header"),
    [
        (frame().pivot(index="ds", columns="unique_id", values="y"), ["ds", "a", "b"]),
        (frame(("a",)).set_index("ds")["y"].rename(None), ["ds", "y"]),
        (frame().set_index(["unique_id", "ds"]), ["unique_id", "ds", "y"]),
    ],
    ids=["wide", "series", "multiindex"],
)
def test_models_of_other_layouts(run: Run, history: Any, header: list[str]) -> None:
    GRUForecaster(max_steps=2, verbose=False).fit(history).save("gru.tsgen")
    assert run("predict", "gru.tsgen", "--horizon", 3).code == 0
    assert list(pd.read_csv("forecast.csv")) == header


def test_an_existing_model_is_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("model.tsgen").write_text("precious")
    with monkeypatch.context() as patched:
        patched.setattr(LSTMForecaster, "fit", None)  # refused before any time is spent
        refused(fit(run), "model.tsgen exists", "--overwrite")
    assert Path("model.tsgen").read_text() == "precious"
    assert fit(run, "--overwrite").code == 0
    assert run("predict", "model.tsgen", "--horizon", 1).code == 0


def test_errors_of_fit(run: Run) -> None:
    source = written(frame())
    Path("folder").mkdir()
    refused(run("fit", source), "--save")
    refused(run("fit", "none.csv", "--save", "m.tsgen"), "no file none.csv")
    refused(run("fit", source, "--save", "nowhere/m.tsgen"), "no folder", "nowhere")
    refused(run("fit", source, "--save", "folder", "--overwrite"), "is a folder")
    assert not Path("m.tsgen").exists()


def test_errors_of_predict(run: Run) -> None:
    fit(run)
    Path("text.tsgen").write_text("buy milk")
    Path("cut.tsgen").write_bytes(Path("model.tsgen").read_bytes()[:-30])
    refused(run("predict", "none.tsgen", "--horizon", 1), "no file none.tsgen")
    refused(run("predict", "text.tsgen", "--horizon", 1), "text.tsgen is no tsgen model")
    refused(run("predict", "cut.tsgen", "--horizon", 1), "cut.tsgen is cut short")
    refused(run("predict", "model.tsgen"), "--horizon")
    refused(run("predict", "model.tsgen", "--horizon", 0), "--horizon")
    refused(run("predict", "model.tsgen", "none.csv", "--horizon", 1), "no file none.csv")
    refused(run("predict", "model.tsgen", "--horizon", 1, "--plot", "a.png"), "pass FILE")
    odd = written(frame().rename(columns={"y": "sales"}), "odd.csv")
    refused(run("predict", "model.tsgen", odd, "--horizon", 1), "sales")
    refused(run("predict", "model.tsgen", "--horizon", 1, "--out", "no/f.csv"), "can't write")
    assert not Path("forecast.csv").exists()


@pytest.mark.slow
def test_levels(run: Run) -> None:
    """A model from scratch has levels if it was fitted with them; one in one go always can."""
    assert fit(run, "--init", "random").code == 0
    refused = run("predict", "model.tsgen", "--horizon", 3, "--level", 80)
    assert refused.code == 2
    assert "tsgen fit --levels" in refused.err
    assert fit(run, "--overwrite", "--levels", "--init", "random").code == 0
    done = run("predict", "model.tsgen", "--horizon", 3, "--level", 80, "--level", 95)
    assert done.code == 0, done.err
    header = ["unique_id", "ds", "y", "y-lo-80", "y-hi-80", "y-lo-95", "y-hi-95"]
    assert pd.read_csv("forecast.csv").columns.tolist() == header
    done = run(
        "forecast", written(frame()), "--horizon", 3, "--level", 80, "--max-steps", 2,
        "--no-check", "--plot", "bands.png",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert pd.read_csv("forecast.csv").columns.tolist() == header[:5]
    assert Path("bands.png").stat().st_size > 0
    wrong = run("predict", "model.tsgen", "--horizon", 3, "--level", 180)
    assert wrong.code == 2
    assert "--level 180" in wrong.err
