"""The tables of panels that are more than fits into memory, from the files in results/."""

from __future__ import annotations

import pandas as pd

from benchmarks.markdown import number, seconds, table
from benchmarks.record import read


def tables() -> dict[str, str]:
    """By their marks."""
    return {"SCALE_FORECAST": forecast(read("scale_forecast"))}


def forecast(runs: pd.DataFrame) -> str:
    """Seconds and memory from Parquet to Parquet, the smallest panel first."""
    return table(
        "| series | rows | model | units | time | of all cores | series a second | peak MiB |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
        (
            (number(run.series, 0), number(run.rows, 0), run.model, run.units,
             seconds(run.seconds), seconds(run.cpu_seconds), number(run.series_per_s, 0), number(run.peak_mib, 0))
            for run in runs.sort_values(["series", "units"], ascending=[True, False]).itertuples()
        ),
    )  # fmt: skip
