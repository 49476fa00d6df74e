"""One result file for each run of a task: its columns and its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import record

RESULTS = Path(__file__).parent / "results"
COLUMNS = {
    "task": "in tasks.csv",
    "model": "tsgen, seasonal_naive or a peer's",
    "preset": "of tsgen",
    "seed": "empty where nothing is drawn",
    "earlier": "0 for the test rows; n for the protocol moved n times into the training rows",
    "mase": "mean over windows and series",
    "smape": "the same, 0 to 200",
    "wql": "over all rows; empty without quantiles",
    "mase_over_naive": "MASE divided by that of seasonal naive on the same rows",
    "series": "how many",
    "windows": "how many",
    "horizon": "rows",
    "budget_s": "seconds that a peer was given to train",
    "fit_s": "from the frame to the fitted model",
    "calibrate_s": "what quantiles cost once, after the fit",
    "predict_s": "all windows",
    "seconds": "from the frame to the first window's forecast without quantiles, imports excluded",
    "weights": "the pretrained ones: the file's name and the first digits of its sha256",
    "settings": "JSON: what the model was fitted with",
    "set": "JSON: arguments given on top of the preset",
    "library": "whose model it is, and its version",
    "torch": "version",
    "numpy": "version",
    "pandas": "version",
    "python": "version",
    "device": "what the training ran on",
    "threads": "of torch",
}
"""Of a run; `record.write` adds the date, the commit and the command."""
LATER = ("seconds", "weights")
"""Columns that the first results lack."""
DIGITS = {"mase": 6, "smape": 5, "wql": 6, "mase_over_naive": 6} | dict.fromkeys(
    ("fit_s", "calibrate_s", "predict_s", "seconds"), 3
)


def file_name(row: Mapping[str, Any]) -> str:
    """Of a run's result: two runs that differ in what was asked for have two files."""
    extra = [f"{name}={value}" for name, value in json.loads(row["set"] or "{}").items()]
    seed, budget, earlier = row["seed"], row["budget_s"], row["earlier"]
    parts = [
        row["task"],
        row["model"],
        row["preset"],
        "" if pd.isna(budget) else f"{budget:g}s",
        *extra,
        "" if pd.isna(seed) else f"seed{int(seed)}",
        f"earlier{earlier}" if earlier else "",
    ]
    name = "-".join(str(part) for part in parts if part)
    return "".join(c if c.isalnum() or c in "-_=.," else "_" for c in name) + ".csv"


def home(earlier: int) -> Path:
    """The folder of results on the test rows, or of those on earlier rows."""
    return RESULTS / "earlier" if earlier else RESULTS


def write(row: Mapping[str, Any], folder: Path) -> Path:
    """Write a run's result and say where."""
    filled = dict.fromkeys(COLUMNS) | row
    assert list(filled) == list(COLUMNS), "a run has no other columns"
    path = folder / file_name(filled)
    record.write(pd.DataFrame([filled]).round(DIGITS), path)
    return path


def read_file(path: Path) -> pd.DataFrame:
    """The row of a result file; text that isn't there is empty."""
    text = dict.fromkeys(("preset", "settings", "set", "weights"), "")
    row = pd.read_csv(path, dtype=dict.fromkeys(text, "str"))
    row = row.assign(**{name: "" for name in text if name not in row}).fillna(text)
    return row.reindex(columns=[*COLUMNS, *(name for name in row if name not in COLUMNS)])


def read(folder: Path = RESULTS) -> pd.DataFrame:
    """All results of a folder in one table."""
    return pd.concat(map(read_file, sorted(folder.glob("*.csv"))), ignore_index=True)
