"""Committed results: what the README prints is what the files say."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.benchmark_scripts import BENCHMARKS

ROOT = Path(__file__).parents[2]
COVARIATES = ROOT / "benchmarks" / "results" / "covariates.csv"


def block(name: str) -> str:
    text = (ROOT / "README.md").read_text()
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- end {name} -->")[0]


def test_covariates_lower_the_error_on_both_sets_for_three_seeds() -> None:
    table = pd.read_csv(COVARIATES)
    assert table.groupby("dataset")["seed"].apply(list).to_dict() == {
        "beijing_air": [0, 1, 2],
        "chicago_trains": [0, 1, 2],
    }
    assert (table["with"] < table["without"]).all()
    np.testing.assert_allclose(table["ratio"], table["with"] / table["without"], atol=1e-3)


def test_the_readme_has_the_table_of_covariates() -> None:
    printed = block("COVARIATES")
    for name, rows in pd.read_csv(COVARIATES).groupby("dataset"):
        for column, digits in (("without", 3), ("with", 3), ("ratio", 2)):
            values = rows[column]
            low, middle, high = (f"{x:.{digits}f}" for x in values.quantile([0.0, 0.5, 1.0]))
            assert f"{middle} ({low} to {high})" in printed, (name, column)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("tables")


def test_the_readme_has_the_tables_of_the_results(tables: Any) -> None:
    printed = tables.tables()
    assert set(printed) == set(tables.BLOCKS)
    assert tables.filled(tables.README.read_text(), printed) == tables.README.read_text()


def test_a_readme_without_a_mark_is_refused(tables: Any) -> None:
    text = "a\n<!-- X -->\nold\n<!-- end X -->\nb\n"
    assert tables.filled(text, {"X": "new"}) == "a\n<!-- X -->\nnew\n<!-- end X -->\nb\n"
    with pytest.raises(SystemExit, match="<!-- Y -->"):
        tables.filled(text, {"Y": "new"})


def test_models_are_sorted_by_their_time_to_accuracy(tables: Any) -> None:
    fits = pd.DataFrame(
        [("never", 600.0, 2.0), ("slow", 40.0, 0.9), ("quick", 2.0, 1.1), ("quick", 4.0, 0.8)],
        columns=["model", "fit_s", "mase"],
    ).assign(seasonal_naive=1.0, limit_s=600.0)
    assert tables.time_to_accuracy(fits).splitlines()[2:] == [
        "| quick | 4.0 | 0.800 | 4.0 |",
        "| slow | 40.0 | 0.900 | 40.0 |",
        "| never | not in 600 | 2.000 | 600.0 |",
    ]


def test_where_the_defaults_fall_short_is_named(tables: Any) -> None:
    runs = pd.DataFrame(
        {"dataset": ["one", "two"], "series": 1, "horizon": 8, "tsgen": [0.5, 0.9],
         "lowest": 0.4, "highest": 1.0, "seasonal_naive": [1.0, 0.8], "naive": 2.0, "seconds": 3.4}
    )  # fmt: skip
    assert tables.quickcheck(runs).splitlines()[2:] == [
        "| one | 1 | 8 | 0.500 (0.400 to 1.000) | 1.000 | 2.000 | 3 |",
        "| two | 1 | 8 | 0.900 (0.400 to 1.000) | 0.800 | 2.000 | 3 |",
        "",
        "The median is below both baselines on 1 of 2; not on `two`.",
    ]
