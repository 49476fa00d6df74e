"""Committed results of the chaos benchmark, and the tables that are made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.benchmark_scripts import BENCHMARKS, scripts

table = scripts("chaos").table
run = scripts("chaos").run
SYSTEMS = scripts("chaos").systems.SYSTEMS

FILES = sorted((BENCHMARKS / "chaos" / "results").glob("*.csv"))
REFERENCE = BENCHMARKS.parents[1] / "shared" / "reference" / "closed_loop_chaos.csv"


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
    assert list(frame.columns) == table.COLUMNS
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
    assert "tsgen" in row["versions"]


def test_every_system_has_its_three_anchors() -> None:
    published = table.anchors()
    assert published.groupby("system")["strategy"].apply(list).to_dict() == {
        name: list(table.ANCHORS) for name in SYSTEMS
    }
    assert (published["nrmse"] > 0).all()
    assert published["source"].str.contains("TMLR 2022").all()


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference figures aren't here")
def test_anchors_are_those_of_the_reference() -> None:
    reference = pd.read_csv(REFERENCE)
    published = table.anchors()
    assert published["system"].tolist() == reference["system"].tolist()
    assert published["nrmse"].tolist() == reference["nrmse"].tolist()
    assert published["nrmse_last_tenth"].tolist() == reference["nrmse_last_10pct"].tolist()


def test_the_tables_have_all_results() -> None:
    printed = table.tables()
    found = table.results()
    for name in table.NAMES.values():
        assert f"| {name} |" in printed
    lorenz = found[found["system"] == "lorenz"]
    for _, group in lorenz.groupby(["strategy", "cell", "budget"]):
        assert f"| {table.label(group)} | {table.spelled(group['nrmse'])} |" in printed


def test_the_readme_has_the_tables() -> None:
    readme = table.README.read_text()
    if table.BEGIN not in readme:
        pytest.skip("README.md has no place for them")
    assert table.filled(readme, table.tables()) == readme


def test_the_best_is_chosen_by_the_validation_sequences() -> None:
    made = runs(teacher_forcing=0.02, free_running=0.01)
    made["nrmse_validation"] = [0.005, 0.03]
    assert table.best(made)["strategy"].tolist() == ["teacher_forcing"]
    row = table.by_system(made, table.anchors()).splitlines()[2]
    assert row == (
        "| Lorenz | 0.0021 | 0.012 | 0.0014 | 0.02 | 0.01 | 0.02 | teacher forcing, LSTM |"
    )


def test_ways_of_training_are_sorted_among_the_published_ones() -> None:
    made = runs(teacher_forcing=0.002, free_running=0.5)
    lines = table.by_strategy(made, table.anchors()).splitlines()[2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [
        "published: increasing probabilistic",
        "teacher forcing, LSTM",
        "published: teacher forcing",
        "published: free running",
        "free running, LSTM",
    ]
    assert lines[1] == "| teacher forcing, LSTM | 0.002 | 0.004 | 30 min | 4,321 |"


def test_several_seeds_are_a_median_and_a_range() -> None:
    assert table.spelled(pd.Series([0.01])) == "0.01"
    assert table.spelled(pd.Series([0.03, 0.01, 0.02])) == "0.02 (0.01 to 0.03)"
    assert table.spelled(pd.Series([], dtype=float)) == "–"


def test_only_the_block_between_the_marks_is_written() -> None:
    text = "before\n<!-- CHAOS -->\nold\n<!-- end CHAOS -->\nafter\n"
    assert table.filled(text, "new") == ("before\n<!-- CHAOS -->\nnew\n<!-- end CHAOS -->\nafter\n")
    with pytest.raises(SystemExit, match="CHAOS"):
        table.filled("nothing here", "new")
