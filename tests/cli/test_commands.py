"""The command line: files in, files out, and one line for an error that the user can mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import Done, Run, in_empty_folder

import tsgen

ROWS = 48


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen forecast ...` in an empty folder, with few steps."""
    command = in_empty_folder(tmp_path, monkeypatch, capfd)

    def forecast(*arguments: Any, steps: int = 2) -> Done:
        return command("forecast", *arguments, "--max-steps", steps)

    return forecast


def one_series(values: Any = None) -> pd.DataFrame:
    ds = pd.date_range("2020-01-01", periods=ROWS, freq="MS")
    waves = np.sin(np.arange(ROWS)) + np.random.default_rng(0).normal(size=ROWS)
    return pd.DataFrame({"ds": ds, "y": waves if values is None else values})


def two_series() -> pd.DataFrame:
    frames = [one_series().assign(unique_id=name) for name in ("b", "a")]
    return pd.concat(frames, ignore_index=True)[["unique_id", "ds", "y"]]


def written(frame: pd.DataFrame, name: str = "data.csv") -> str:
    if name.endswith(".parquet"):
        frame.to_parquet(name, index=False)
    else:
        frame.to_csv(name, index=False)
    return name


# ------------------------------------------------------------------------------- files in and out


def test_another_network(run: Run) -> None:
    source = written(one_series())
    options = ["--horizon", 5, "--network", "encoder_decoder", "--no-check"]
    assert run(source, *options, "--out", "a.csv").code == 0
    assert run(source, "--horizon", 5, "--no-check", "--out", "b.csv").code == 0
    assert not pd.read_csv("a.csv").equals(pd.read_csv("b.csv"))
    refused = run(source, *options, "--preset", "zero_shot", "--out", "c.csv")
    assert refused.code == 2
    assert "zero_shot" in refused.err


def test_what_begins_with_a_fitted_model_has_its_network(run: Run) -> None:
    df = one_series()
    settings = {"hidden_size": 4, "max_steps": 2, "verbose": False, "attention": "dot"}
    tsgen.EncoderDecoderForecaster(**settings, bidirectional=True).fit(df).save("first.tsgen")
    done = run(written(df), "--horizon", 5, "--init", "first.tsgen", "--no-check")
    assert (done.code, done.err) == (0, "")
    assert "from a fitted model" in done.out


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_several_series(run: Run, ending: str) -> None:
    source = written(two_series(), f"data.{ending}")
    done = run(source, "--horizon", 5, "--out", f"result.{ending}", "--no-check")
    assert (done.code, done.err) == (0, "")
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    result = read(f"result.{ending}")
    assert list(result.columns) == ["unique_id", "ds", "y"]
    assert result["unique_id"].tolist() == ["b"] * 5 + ["a"] * 5
    stamps = pd.date_range("2024-01-01", periods=5, freq="MS")
    assert pd.to_datetime(result["ds"]).tolist() == [*stamps, *stamps]
    assert np.isfinite(result["y"]).all()


def test_a_file_without_ids_is_one_series(run: Run) -> None:
    assert run(written(one_series()), "--horizon", 5).code == 0
    result = pd.read_csv("forecast.csv")
    assert list(result.columns) == ["ds", "y"]
    assert result["ds"].tolist()[0] == "2024-01-01"


def test_other_columns_and_integer_time(run: Run) -> None:
    frame = pd.DataFrame({"shop": ["x"] * 40, "t": range(0, 80, 2), "sales": np.arange(40.0) % 7})
    names = ["--id-col", "shop", "--time-col", "t", "--target-col", "sales"]
    assert run(written(frame), "--horizon", 3, *names).code == 0
    result = pd.read_csv("forecast.csv")
    assert list(result.columns) == ["shop", "t", "sales"]
    assert result["t"].tolist() == [80, 82, 84]


def test_the_forecast_is_that_of_the_library(run: Run) -> None:
    run(written(two_series()), "--horizon", 5, "--seed", 3, "--no-check")
    model = tsgen.LSTMForecaster(max_steps=2, random_state=3).fit(two_series())
    np.testing.assert_allclose(pd.read_csv("forecast.csv")["y"], model.predict(5)["y"])


def test_a_picture(run: Run) -> None:
    done = run(written(one_series()), "--horizon", 5, "--plot", "picture.png", "--no-check")
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    assert "forecast.csv, picture.png" in done.out


def test_the_summary_names_what_was_written(run: Run) -> None:
    """matplotlib adds .png to a name without an ending."""
    done = run(written(one_series()), "--horizon", 5, "--plot", "picture", "--no-check")
    assert done.code != 0 or Path(done.out.split()[-1]).exists()


@pytest.mark.slow
def test_the_seed_decides(run: Run) -> None:
    results = []
    for seed in (1, 1, 2):
        run(written(one_series()), "--horizon", 5, "--seed", seed, "--no-check")
        results.append(Path("forecast.csv").read_bytes())
    assert results[0] == results[1] != results[2]


def test_a_declared_frequency(run: Run) -> None:
    """Under pandas' old name."""
    ends = one_series().assign(ds=pd.date_range("2020-01-31", periods=ROWS, freq="ME"))
    done = run(written(ends), "--horizon", 2, "--freq", "M", "--no-check")
    assert done.code == 0
    assert pd.read_csv("forecast.csv")["ds"].tolist() == ["2024-01-31", "2024-02-29"]


# ------------------------------------------------------------------------------------ the summary


def test_the_summary(run: Run) -> None:
    out = run(written(two_series()), "--horizon", 5).out
    shown_lines = (
        "rows read 96",
        "series 2",
        "season 12 rows",
        "preset balanced, from pretrained weights",
    )
    for line in shown_lines:
        assert line in [" ".join(shown.split()) for shown in out.splitlines()]
    assert "MASE, last 5 rows" in out
    assert "of seasonal naive" in out


def test_a_season_that_repeats_exactly_has_no_scaled_error(run: Run) -> None:
    done = run(written(one_series(np.arange(ROWS) % 12.0)), "--horizon", 5)
    assert done.code == 0
    assert "undefined: in some series each season repeats the one before exactly" in done.out
    assert "inf" not in done.out.split()


def test_no_check(run: Run) -> None:
    assert "MASE" not in run(written(two_series()), "--horizon", 5, "--no-check").out


def test_a_series_too_short_to_check_is_forecast_without(run: Run) -> None:
    done = run(written(one_series()), "--horizon", 20)
    assert done.code == 0
    assert "MASE" not in done.out


@pytest.mark.parametrize("values", [5.0, np.tile(np.arange(12.0), 4)], ids=["constant", "periodic"])
def test_series_that_seasonal_naive_forecasts_exactly(run: Run, values: Any) -> None:
    done = run(written(one_series(values)), "--horizon", 5)
    assert (done.code, done.err) == (0, "")


# ----------------------------------------------------------------------------------------- errors


def binary(name: str) -> str:
    Path(name).write_bytes(bytes(range(256)) * 20)
    return name


def empty() -> str:
    Path("empty.csv").touch()
    return "empty.csv"


ERRORS: dict[str, tuple[Callable[[], str], list[Any], str]] = {
    "missing file": (lambda: "nowhere.csv", ["--horizon", 5], "nowhere.csv"),
    "folder": (lambda: ".", ["--horizon", 5], "a folder"),
    "empty file": (empty, ["--horizon", 5], "empty.csv"),
    "not a CSV": (lambda: binary("a.csv"), ["--horizon", 5], "can't read a.csv"),
    "not a Parquet file": (lambda: binary("a.parquet"), ["--horizon", 5], "can't read a.parquet"),
    "missing target": (
        lambda: written(two_series()),
        ["--horizon", 5, "--target-col", "sales"],
        "no column 'sales'; the columns are 'unique_id', 'ds', 'y'",
    ),
    "missing target, one series": (
        lambda: written(one_series()),
        ["--horizon", 5, "--target-col", "sales"],
        "'sales'",
    ),
    "missing time": (
        lambda: written(two_series()),
        ["--horizon", 5, "--time-col", "day"],
        "'day'",
    ),
    "time is text": (
        lambda: written(one_series().assign(ds="noon")),
        ["--horizon", 5],
        "'ds'.*data.csv",
    ),
    "target is text": (lambda: written(one_series("high")), ["--horizon", 5], "'y'.*'high'"),
    "two problems": (
        lambda: written(one_series([np.nan, 1, np.inf, *range(45)])),
        ["--horizon", 5],
        "infinite.*missing|missing.*infinite",
    ),
    "no horizon": (lambda: written(one_series()), [], "--horizon"),
    "horizon 0": (lambda: written(one_series()), ["--horizon", 0], "--horizon"),
    "horizon a word": (lambda: written(one_series()), ["--horizon", "long"], "--horizon"),
    "bad seed": (lambda: written(one_series()), ["--horizon", 5, "--seed", -1], "--seed"),
    "unknown option": (lambda: written(one_series()), ["--horizon", 5, "--hurry"], "--hurry"),
    "bad freq": (lambda: written(one_series()), ["--horizon", 5, "--freq", "noon"], "--freq noon"),
    "wrong freq": (lambda: written(one_series()), ["--horizon", 5, "--freq", "D"], "'D'.*'MS'"),
    "unknown picture ending": (
        lambda: written(one_series()),
        ["--horizon", 5, "--plot", "a.xyz"],
        "can't write a.xyz",
    ),
    "no folder for the picture": (
        lambda: written(one_series()),
        ["--horizon", 5, "--plot", "no/a.png"],
        "can't write no/a.png",
    ),
    "no folder for the result": (
        lambda: written(one_series()),
        ["--horizon", 5, "--out", "no/a.csv"],
        "can't write no/a.csv",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_one_line_and_exit_code_2(run: Run, case: str) -> None:
    make, arguments, message = ERRORS[case]
    done = run(make(), *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tsgen: ")
    assert re.search(message, done.err, re.DOTALL), done.err
    assert done.err.count("\n") == 1, done.err
    assert done.err.endswith("\n")
