"""Committed results: what the README prints is what the files say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
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
