"""Pretrained weights on the command line: `tsgen pretrain`, `--preset` and `--init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import Done, Run, in_empty_folder
from support.weights import some_weights

import tsgen
from tsgen import LSTMForecaster
from tsgen.weights import read_weights

ROWS = 40
FEW = ["--steps", 2, "--hidden-size", 4]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder, with small batches."""
    kept = tsgen.training.pretrain

    def small(*arguments: Any, **named: Any) -> pd.DataFrame:
        return kept(*arguments, **named, batch_size=8)

    monkeypatch.setattr("tsgen.training.pretrain", small)
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def frame(rows: int = ROWS) -> pd.DataFrame:
    ds = pd.date_range("2020-01-01", periods=rows, freq="MS")
    y = np.sin(np.arange(rows)) + np.random.default_rng(0).normal(0, 0.1, rows)
    return pd.DataFrame({"ds": ds, "y": y})


def source(rows: int = ROWS) -> str:
    frame(rows).to_csv("data.csv", index=False)
    return "data.csv"


def refused(done: Done, *needles: str) -> None:
    """One line, exit code 2."""
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("tsgen: ")
    assert done.err.count("\n") == 1
    for needle in needles:
        assert needle in done.err


def lines_of(done: Done) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in done.out.splitlines())


# --------------------------------------------------------------------------------------- pretrain


def test_weights_are_written(run: Run) -> None:
    done = run("pretrain", "--out", "w.safetensors", *FEW, "--num-layers", 2, "--seed", 3)
    assert (done.code, done.err) == (0, "")
    lines = lines_of(done)
    assert lines["units"] == "4 in 2 layers"
    assert lines["training"].endswith("s, 2 steps")
    assert float(lines["loss"]) > 0
    assert lines["written"] == "w.safetensors"
    found = read_weights("w.safetensors")
    assert (found.hidden_size, found.num_layers, found.facts["random_state"]) == (4, 2, 3)


def test_minutes_choose_the_steps_and_say_which(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def steps_within(minutes: float, **learned: Any) -> int:
        asked.append((minutes, learned))
        return 3

    monkeypatch.setattr("tsgen.training.steps_within", steps_within)
    done = run("pretrain", "--out", "w", "--minutes", 0.5, "--hidden-size", 4)
    assert (done.code, done.err) == (0, "")
    learned = {"init": "random", "seasons": None, "hidden_size": 4, "num_layers": None}
    assert asked == [(0.5, learned)]
    assert done.out.startswith("0.5 minutes are about 3 steps here\n")
    assert read_weights("w").facts["steps"] == 3


def test_weights_of_a_season_begin_with_others(run: Run) -> None:
    assert run("pretrain", "--out", "w", *FEW).code == 0
    season = ["--season", 12, "--season", 52, "--steps", 1]
    done = run("pretrain", "--out", "v", "--init", "w", *season)
    assert (done.code, done.err) == (0, "")
    assert lines_of(done)["units"] == "4 in 1 layer"
    assert read_weights("v").seasons == (12, 52)
    refused(run("pretrain", "--out", "u", "--init", "w", "--season", 13), "seasons=[13]")
    refused(run("pretrain", "--out", "w", "--init", "w", "--overwrite"), "--out")


def test_a_run_goes_on_in_its_folder(run: Run) -> None:
    assert run("pretrain", "--out", "a", *FEW, "--run-dir", "run").code == 0
    assert Path("run").is_dir()
    again = run("pretrain", "--out", "b", *FEW, "--run-dir", "run")
    assert again.code == 0, again.err
    assert Path("a").stat().st_size == Path("b").stat().st_size
    refused(run("pretrain", "--out", "c", *FEW, "--run-dir", "run", "--seed", 1), "--run-dir run")


def test_errors_of_pretrain(run: Run) -> None:
    Path("w").write_text("precious")
    Path("folder").mkdir()
    refused(run("pretrain", "--out", "w", *FEW), "w exists", "--overwrite")
    assert Path("w").read_text() == "precious"
    refused(run("pretrain"), "--out")
    refused(run("pretrain", "--out", "folder", "--overwrite"), "is a folder")
    refused(run("pretrain", "--out", "-"), "weights need a file")
    refused(run("pretrain", "--out", "no/w", *FEW), "no folder")
    refused(run("pretrain", "--out", "v", *FEW, "--minutes", 1), "--steps and --minutes")
    refused(run("pretrain", "--out", "v", "--steps", 0), "--steps")
    refused(run("pretrain", "--out", "v", "--minutes", 0), "--minutes")
    refused(run("pretrain", "--out", "v", "--num-layers", 9), "--num-layers")
    refused(run("pretrain", "--out", "v", "--hidden-size", "big"), "--hidden-size")
    assert not Path("v").exists()
    assert run("pretrain", "--out", "w", *FEW, "--overwrite").code == 0


# ---------------------------------------------------------------------------- --preset and --init


def test_a_forecast_without_training(run: Run) -> None:
    weights = some_weights(Path())
    begun = ["--preset", "zero_shot", "--init", weights]
    done = run("forecast", source(), "--horizon", 3, *begun)
    assert (done.code, done.err) == (0, "")
    assert "0 steps" in done.out
    assert "MASE" in done.out
    model = LSTMForecaster(preset="zero_shot", init=weights, verbose=False).fit(frame())
    np.testing.assert_allclose(pd.read_csv("forecast.csv")["y"], model.predict(3)["y"])


def test_a_model_goes_on_from_another(run: Run) -> None:
    weights = some_weights(Path())
    early = ["--save", "a.tsgen", "--preset", "fine_tuned", "--init", weights, "--max-steps", 2]
    assert run("fit", source(30), *early).code == 0
    later = ["--save", "b.tsgen", "--init", "a.tsgen", "--max-steps", 3]
    done = run("fit", source(), *later)
    assert (done.code, done.err) == (0, "")
    assert "3 steps" in done.out
    model = tsgen.load("b.tsgen")
    assert (model.settings_.init, model.settings_.preset) == ("fitted", "fine_tuned")
    expected = LSTMForecaster(max_steps=3, verbose=False)
    expected.fit(frame(), init=tsgen.load("a.tsgen"))
    np.testing.assert_allclose(model.predict(3)["y"], expected.predict(3)["y"], rtol=1e-9)


def test_a_model_that_has_seen_the_rows_checks_no_forecast(run: Run) -> None:
    assert run("fit", source(), "--save", "a.tsgen", "--max-steps", 1).code == 0
    options = ["--horizon", 3, "--init", "a.tsgen", "--max-steps", 1]
    done = run("forecast", source(), *options)
    assert (done.code, done.err) == (0, "")
    assert "MASE" not in done.out
    done = run("backtest", source(), *options)
    assert done.code == 0
    assert "went on from" in done.err


def test_errors_of_preset_and_init(run: Run) -> None:
    weights = some_weights(Path())
    options = ["forecast", source(), "--horizon", 3]
    zero_shot = [*options, "--preset", "zero_shot"]
    refused(run(*options, "--preset", "best"), "--preset", "zero_shot")
    refused(run(*options, "--init", "nowhere"), "--init nowhere", "no such file")
    refused(run(*options, "--init", "nowhere.tsgen"), "no file nowhere.tsgen")
    refused(run(*options, "--init", "data.csv"), "no pretrained weights")
    refused(run(*zero_shot, "--init", "random"), "pretrained weights")
    refused(run(*zero_shot, "--init", weights, "--calendar", "auto"), "--preset fine_tuned")
    assert run("fit", source(), "--save", "a.tsgen", "--max-steps", 1).code == 0
    refused(run(*zero_shot, "--init", "a.tsgen"), "--preset zero_shot")
    beside = ["backtest", source(), "--horizon", 3, "--model", "a.tsgen", "--preset", "fast"]
    refused(run(*beside, "--init", "random"), "--preset, --init beside --model")
    assert not Path("forecast.csv").exists()
