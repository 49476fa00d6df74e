"""`tsgen report`: a page on a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.command_line import Run, in_empty_folder

import tsgen

FEW = ["--preset", "zero_shot"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def sales(rows: int = 48) -> pd.DataFrame:
    stamps = pd.date_range("2020-01-01", periods=rows, freq="MS")
    noise = np.random.default_rng(0).normal(0, 0.1, rows)
    return pd.DataFrame({"ds": stamps, "y": np.sin(np.arange(rows) * np.pi / 6) + noise})


def test_a_page_on_a_file(run: Run) -> None:
    sales().to_csv("sales.csv", index=False)
    done = run("report", "sales.csv", *FEW)
    assert (done.code, done.err) == (0, ""), done.err
    shown = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "rows read 48" in shown
    assert shown[-1] == "written report.html"
    assert "Forecasts of 12 months were" in Path("report.html").read_text("utf-8")


def test_what_exists_is_refused_before_any_work(run: Run) -> None:
    sales().to_csv("sales.csv", index=False)
    Path("page.html").write_text("mine")
    done = run("report", "sales.csv", "--out", "page.html", *FEW)
    assert done.code == 2
    assert done.err.strip() == (
        "tsgen: page.html exists; --overwrite replaces it, or give --out another name"
    )
    assert Path("page.html").read_text() == "mine"
    assert "the file that is read" in run("report", "sales.csv", "--out", "sales.csv").err
    assert "a report needs a file" in run("report", "sales.csv", "--out", "-").err


@pytest.mark.slow
def test_a_saved_model_and_a_horizon(run: Run) -> None:
    sales().to_csv("sales.csv", index=False)
    tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(sales()[:-12]).save("m.tsgen")
    done = run("report", "sales.csv", "--model", "m.tsgen", "--horizon", 6, "--out", "page.html")
    assert (done.code, done.err) == (0, ""), done.err
    page = Path("page.html").read_text("utf-8")
    assert "Forecasts of 6 months were" in page
    assert "--preset beside --model" in run("report", "sales.csv", "--model", "m.tsgen", *FEW).err


@pytest.mark.slow
def test_covariates_of_the_future(run: Run) -> None:
    df = sales(60).assign(price=1.0)
    df[:48].to_csv("sales.csv", index=False)
    df[48:].drop(columns="y").to_csv("ahead.csv", index=False)
    options = ["--future", "price", "--future-file", "ahead.csv", "--max-steps", 2]
    done = run("report", "sales.csv", *options)
    assert done.code == 0, done.err
    page = Path("report.html").read_text("utf-8")
    assert "There is no forecast here" not in page
    assert "price" in page
