"""Committed results of the chaos benchmark, and the tables that are made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.chaos import run, tables
from benchmarks.chaos.systems import SYSTEMS
from benchmarks.markdown import over_seeds
from benchmarks.record import ROOT

FILES = sorted(run.RESULTS.glob("*.csv"))
REFERENCE = ROOT.parent / "shared" / "reference" / "closed_loop_chaos.csv"


def runs(**nrmse: float) -> pd.DataFrame:
    """A run on Lorenz for each way of training, in half an hour."""
    rows = [
        {"system": "lorenz", "strategy": strategy, "cell": "lstm", "seed": seed,
         "budget": "30 min", "nrmse": error, "nrmse_last_tenth": 2 * error,
         "nrmse_validation": error, "seconds": 1800.0, "settings": '{"max_steps": 4321}'}
        for seed, (strategy, error) in enumerate(nrmse.items())
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_result_is_one_well_formed_row(path: Path) -> None:
    frame = pd.read_csv(path)
    assert list(frame.columns)[: len(tables.COLUMNS)] == tables.COLUMNS
    assert len(frame) == 1
    row = frame.iloc[0]
    assert run.path_of(row.to_dict()).name == path.name
    assert row["system"] in SYSTEMS
    assert row["strategy"] in run.STRATEGIES
    assert row["cell"] in run.FORECASTERS
    errors = row[["nrmse", "nrmse_last_tenth", "nrmse_validation"]].astype(float)
    assert np.isfinite(errors).all()
    assert (errors > 0).all()
    settings = json.loads(row["settings"])
    assert settings["context_length"] <= 150
    assert settings["random_state"] == row["seed"]
    assert row["seconds"] > 0
    assert row["threads"] >= 1
    assert "tsgen" in row.get("library", row.get("versions"))


def test_every_system_has_its_three_anchors() -> None:
    published = tables.anchors()
    assert published.groupby("system")["strategy"].apply(list).to_dict() == {
        name: list(tables.ANCHORS) for name in SYSTEMS
    }
    assert (published["nrmse"] > 0).all()
    assert published["source"].str.contains("TMLR 2022").all()


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference figures aren't here")
def test_anchors_are_those_of_the_reference() -> None:
    reference = pd.read_csv(REFERENCE)
    published = tables.anchors()
    assert published["system"].tolist() == reference["system"].tolist()
    assert published["nrmse"].tolist() == reference["nrmse"].tolist()
    assert published["nrmse_last_tenth"].tolist() == reference["nrmse_last_10pct"].tolist()


def test_the_tables_have_all_results() -> None:
    printed = tables.tables()["CHAOS"]
    found = tables.results()
    for name in tables.NAMES.values():
        assert f"| {name} |" in printed
    lorenz = found[found["system"] == "lorenz"]
    for _, group in lorenz.groupby(["strategy", "cell", "budget"]):
        assert f"| {tables.label(group)} | {over_seeds(group['nrmse'], tables.DIGITS)} |" in printed


def test_the_best_is_chosen_by_the_validation_sequences() -> None:
    made = runs(teacher_forcing=0.02, free_running=0.01)
    made["nrmse_validation"] = [0.005, 0.03]
    assert tables.best(made)["strategy"].tolist() == ["teacher_forcing"]
    row = tables.by_system(made, tables.anchors()).splitlines()[2]
    assert row == (
        "| Lorenz | 0.0021 | 0.012 | 0.0014 | 0.02 | 0.01 | 0.02 | teacher forcing, LSTM |"
    )


def test_ways_of_training_are_sorted_among_the_published_ones() -> None:
    made = runs(teacher_forcing=0.002, free_running=0.5)
    lines = tables.by_strategy(made, tables.anchors()).splitlines()[2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [
        "published: increasing probabilistic",
        "teacher forcing, LSTM",
        "published: teacher forcing",
        "published: free running",
        "free running, LSTM",
    ]
    assert lines[1] == "| teacher forcing, LSTM | 0.002 | 0.004 | 30 min | 4,321 |"
