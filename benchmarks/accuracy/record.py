"""One result file per run: its columns, its name, and what is noted of the machine and versions."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

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
    "settings": "JSON: what the model was fitted with",
    "set": "JSON: arguments given on top of the preset",
    "library": "whose model it is, and its version",
    "torch": "version",
    "numpy": "version",
    "pandas": "version",
    "python": "version",
    "device": "what the training ran on",
    "threads": "of torch",
    "date": "UTC",
    "commit": "of tsgen's repository",
}
DIGITS = {"mase": 6, "smape": 5, "wql": 6, "mase_over_naive": 6} | dict.fromkeys(
    ("fit_s", "calibrate_s", "predict_s"), 3
)


def versions(library: str) -> dict[str, str]:
    """Of a library and what it stands on, in this environment."""
    return {
        "library": f"{library} {version(library)}",
        **{name: version(name) for name in ("torch", "numpy", "pandas")},
        "python": platform.python_version(),
    }


def machine(*, cpu_only: bool = False) -> dict[str, object]:
    """The device that trainings use here, and the threads of torch."""
    import torch

    gpu = torch.cuda.is_available() and not cpu_only
    return {
        "device": torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} x {_cpu()}",
        "threads": torch.get_num_threads(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() or "unknown"


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
    """Write a run's result, with the date and the commit, and say where."""
    noted = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "commit": _commit(), **row}
    filled = dict.fromkeys(COLUMNS) | noted
    assert list(filled) == list(COLUMNS), "a run has no other columns"
    table = pd.DataFrame([filled]).round(DIGITS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(filled)
    table.to_csv(path, index=False)
    return path


def read_file(path: Path) -> pd.DataFrame:
    """The row of a result file; text that isn't there is empty."""
    text = dict.fromkeys(("preset", "settings", "set"), "")
    return pd.read_csv(path, dtype=dict.fromkeys(text, "str")).fillna(text)


def read(folder: Path = RESULTS) -> pd.DataFrame:
    """All results of a folder in one table."""
    return pd.concat(map(read_file, sorted(folder.glob("*.csv"))), ignore_index=True)
