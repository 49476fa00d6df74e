"""Tails of the training rows, the names of weights, and the picture of errors against seconds."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.accuracy import picture, pretrained, protocol, results, run, tables, tails, weights
from tsgen.nn import Season

SHIPPED = weights.FOLDER / "lstm128.safetensors"


def row(**changes: Any) -> dict[str, Any]:
    return {"weights": "w 0", "preset": "zero_shot", "set": "", "task": "m3_yearly", "earlier": 1,
            "seed": None, "series": 3, "mase": 2.5, "mase_over_naive": 0.8, "wql": None,
            "seconds": 0.5, "threads": 1} | changes  # fmt: skip


# --- the file of rows


def test_a_row_replaces_the_one_that_asked_for_the_same(tmp_path: Path) -> None:
    path = tmp_path / "tails.csv"
    tails.write(
        pd.DataFrame([row(), row(task="m4_hourly"), row(preset="fine_tuned", seed=0)]), path
    )
    tails.write(
        pd.DataFrame([row(mase=2.4), row(set='{"max_steps": 5}'), row(weights="w 1")]), path
    )
    table = tails.read(path)
    assert list(table.columns) == tails.COLUMNS
    assert not table.duplicated(tails.KEYS).any()
    assert table["mase"].tolist() == [2.5, 2.5, 2.4, 2.5, 2.5]
    assert table["seed"].notna().tolist() == (table["preset"] == "fine_tuned").tolist()


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tails.csv"
    rows = pd.DataFrame([row(mase=1.23456789), row(seed=0, preset="fine_tuned", wql=0.01)])
    tails.write(rows, path)
    before = path.read_text()
    tails.write(rows, path)
    assert path.read_text() == before
    assert "1.234568," in before


def test_what_is_kept_has_neither_dates_nor_paths() -> None:
    assert set(tails.COLUMNS).isdisjoint({"date", "commit", "command", "settings", "device"})
    assert set(tails.COLUMNS) <= set(results.COLUMNS)


def test_kept_rows_are_of_the_tasks_and_their_training_rows() -> None:
    table = tails.read()
    assert set(table["task"]) <= set(protocol.read_tasks())
    assert set(table["preset"]) <= set(run.PRESETS)
    assert (table["earlier"].astype(int) >= 1).all()
    assert not table["weights"].str.contains("/", regex=False).any()


# --- the command line


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["m3_yearly", "--earlier", "0"], "since 0 are the test rows"),
        (["m3_daily"], "'m3_daily' is no task: expected of m4_hourly"),
        (["m3_yearly", "--set", "init=random"], "pass --init"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        tails.parsed(command)
    assert message in capsys.readouterr().err


def test_all_tasks_are_meant_where_none_is_named() -> None:
    assert tails.parsed([]).tasks == list(protocol.read_tasks())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> protocol.Task:
    """Two lines of 40 rows, whose last 8 rows are the test rows and the tail before them."""
    frame = pd.concat(
        pd.DataFrame({"unique_id": name, "ds": pd.RangeIndex(40), "y": np.arange(40.0) * slope})
        for name, slope in (("a", 1.0), ("b", 2.0))
    ).reset_index(drop=True)
    last = frame.groupby("unique_id").cumcount(ascending=False) < 4
    frame["split"] = pd.Categorical(np.where(last, "test", "train"))
    monkeypatch.setattr(protocol.tsgen, "load_benchmark", lambda name: frame)
    return protocol.Task("m3_yearly", "m3_yearly", None, 4, 1, 1, None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:this model can't be saved")
def test_weights_are_named_and_their_path_is_not_kept(
    small: protocol.Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SHIPPED, tmp_path / "tried.safetensors")
    monkeypatch.setattr(tails, "read_tasks", lambda: {"m3_yearly": small})
    out = tmp_path / "tails.csv"
    tails.main(["m3_yearly", "--init", str(tmp_path / "tried.safetensors"), "--seeds", "0", "1",
                "--set", "context_length=12", "--out", str(out)])  # fmt: skip
    assert str(tmp_path) not in out.read_text()
    (found,) = tails.read(out).to_dict("records")
    assert found["weights"] == f"tried {weights.sha256(SHIPPED)[:12]}"
    assert (found["preset"], found["earlier"], found["series"]) == ("zero_shot", 1, 2)
    assert json.loads(found["set"]) == {"context_length": 12}
    assert 0 < found["mase"] < 10


def test_random_weights_have_no_name() -> None:
    assert weights.name_for(Namespace(init="random", hidden_size=64)) == ""
    assert weights.name_for(Namespace(init="pretrained", hidden_size=128, season=Season(7))) == (
        weights.name_for(Namespace(init=str(SHIPPED), hidden_size=32))
    )


# --- the picture


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(0, 10), max_size=12).map(sorted))
def test_labels_keep_their_order_and_distance_and_stay_inside(heights: list[float]) -> None:
    found = picture.spread(heights, 0.5, 0.0, 10.0)
    assert len(found) == len(heights)
    assert all(np.diff(found) >= 0.5 - 1e-9)
    assert all(-1e-9 <= height <= 10.0 + 1e-9 for height in found)


def test_labels_that_have_room_stay_where_they_are() -> None:
    assert picture.spread([1.0, 2.0, 4.0], 1.0, 0.0, 10.0) == [1.0, 2.0, 4.0]
    assert picture.spread([2.0, 2.0], 1.0, 0.0, 10.0) == [1.5, 2.5]


def runs_of(*presets: str) -> pd.DataFrame:
    """Seasonal naive and presets on all tasks."""
    rows = [
        {"task": column.task, "model": model, "preset": preset, "mase": 1.0, "mase_over_naive": 1.0,
         "fit_s": 3.0, "budget_s": np.nan}
        for column in tables.MASE
        for model, preset in [("seasonal_naive", ""), *(("tsgen", one) for one in presets)]
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.slow
@pytest.mark.parametrize("presets", [("balanced",), ("balanced", "zero_shot", "fine_tuned")])
def test_the_picture_has_what_is_there(presets: tuple[str, ...]) -> None:
    figure = picture.picture(runs_of(*presets))
    assert len(figure.axes) == len(tables.MASE)
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert sorted(named) == sorted(["seasonal naive", *(tables.PRESETS[one] for one in presets)])


# --- one command


def test_the_one_command_lists_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    pretrained.main(["--list"])
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(pretrained.STEPS)
    assert listed[-1] == "python -m benchmarks.tables --write", "after all results are there"


def test_steps_are_modules_that_exist_and_runs_that_are_understood() -> None:
    for step in pretrained.STEPS:
        module, *arguments = step.split()
        assert find_spec(module), step
        if module == "benchmarks.accuracy.run":
            assert run.parsed(arguments).preset in ("zero_shot", "fine_tuned")


def test_a_step_that_fails_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "STEPS", ("no_such_module", "json.tool --help"))
    with pytest.raises(CalledProcessError, match="no_such_module"):
        pretrained.main([])
