"""Committed results: what the README prints is what the files say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import record, tables
from benchmarks.accuracy import tables as accuracy
from benchmarks.markdown import filled, over_seeds
from benchmarks.speed import tables as speed


def test_covariates_lower_the_error_on_both_sets_for_three_seeds() -> None:
    table = record.read("covariates")
    assert table.groupby("dataset")["seed"].apply(list).to_dict() == {
        "beijing_air": [0, 1, 2],
        "chicago_trains": [0, 1, 2],
    }
    assert (table["with"] < table["without"]).all()
    np.testing.assert_allclose(table["ratio"], table["with"] / table["without"], atol=1e-3)


# --- pages


def test_pages_have_the_tables_that_the_results_make() -> None:
    blocks, texts = tables.tables(), tables.pages()
    assert tables.homeless(blocks, texts) == set()
    for path, text in texts.items():
        assert filled(text, blocks) == text, f"{path}: python -m benchmarks.tables --write"


def test_a_table_without_marks_and_a_mark_without_a_table_are_found() -> None:
    texts = {Path("a.md"): "<!-- X -->\nold\n<!-- end X -->\n", Path("b.md"): "<!-- Y -->\n"}
    assert tables.homeless({"X": "", "Y": ""}, texts) == {"Y"}, "an end is missing"
    assert tables.homeless({}, texts) == {"X"}


@pytest.mark.parametrize("old", ["", "old\n", "old\n\nolder\n"])
def test_only_what_is_between_the_marks_is_written(old: str) -> None:
    text = "a\n<!-- X -->\n{}<!-- end X -->\nb\n<!-- Y -->\ny\n<!-- end Y -->\n"
    assert filled(text.format(old), {"X": "new"}) == text.format("new\n")


# --- cells and tables


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], "–"), ([0.01], "0.01"), ([0.03, 0.01, 0.02], "0.02 (0.01 to 0.03)")],
)
def test_several_seeds_are_a_median_and_a_range(values: list[float], shown: str) -> None:
    assert over_seeds(values, ".2g") == over_seeds(pd.Series(values, dtype=float), ".2g") == shown


def test_models_are_sorted_by_their_time_to_accuracy() -> None:
    fits = pd.DataFrame(
        [("never", 600.0, 2.0), ("slow", 40.0, 0.9), ("quick", 2.0, 1.1), ("quick", 4.0, 0.8)],
        columns=["model", "fit_s", "mase"],
    ).assign(seasonal_naive=1.0, limit_s=600.0)
    assert speed.time_to_accuracy(fits).splitlines()[2:] == [
        "| quick | 4.0 | 0.800 | 4.0 |",
        "| slow | 40.0 | 0.900 | 40.0 |",
        "| never | not in 600 | 2.000 | 600.0 |",
    ]


def test_where_the_defaults_fall_short_is_named() -> None:
    runs = pd.DataFrame(
        {"dataset": ["one", "two"], "series": 1, "horizon": 8, "tsgen": [0.5, 0.9],
         "lowest": 0.4, "highest": 1.0, "seasonal_naive": [1.0, 0.8], "naive": 2.0, "seconds": 3.4}
    )  # fmt: skip
    assert accuracy.quickcheck(runs).splitlines()[2:] == [
        "| one | 1 | 8 | 0.500 (0.400 to 1.000) | 1.000 | 2.000 | 3 |",
        "| two | 1 | 8 | 0.900 (0.400 to 1.000) | 0.800 | 2.000 | 3 |",
        "",
        "The median is below both baselines on 1 of 2; not on `two`.",
    ]


# --- what stands beside a result


def test_a_result_says_what_made_it_and_keeps_what_it_says_itself(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.csv"
    record.write(pd.DataFrame({"mase": [0.5, 0.7], "library": "darts 1.0"}), path)
    table = pd.read_csv(path)
    assert list(table.columns) == [
        "mase", "library", "torch", "numpy", "pandas", "python", "device", "threads", "date",
        "commit", "command",
    ]  # fmt: skip
    assert set(table["library"]) == {"darts 1.0"}
    assert table["command"].str.startswith("python ").all()
