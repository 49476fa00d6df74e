"""The tables of panels that are more than fits into memory, from the files in results/."""

from __future__ import annotations

import pandas as pd

from benchmarks.markdown import number, seconds, table
from benchmarks.record import read


def tables() -> dict[str, str]:
    """By their marks."""
    return {
        "SCALE_FORECAST": forecast(read("scale_forecast")),
        "SCALE_FIT": fit(read("scale_fit")),
        "SCALE_PEERS": peers(read("scale_peers")),
        "SCALE_SIMULATED": simulated(read("scale_simulated")),
    }


def forecast(runs: pd.DataFrame) -> str:
    """Seconds and memory from Parquet to Parquet, the smallest panel first."""
    return table(
        "| series | rows | model | units | time | of all cores | series a second | peak MiB |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
        (
            (number(run.series, 0), number(run.rows, 0), run.model, run.units,
             seconds(run.seconds), seconds(run.cpu_seconds), number(run.series_per_s, 0),
             number(run.peak_mib, 0))
            for run in runs.sort_values(["series", "units"], ascending=[True, False]).itertuples()
        ),
    )  # fmt: skip


def fit(runs: pd.DataFrame) -> str:
    """Reading and training from files and from a frame, the smallest panel first."""
    return table(
        "| rows | from | rows read a second | peak MiB, reading | peak MiB | windows a second |",
        "|---:|---|---:|---:|---:|---:|",
        (
            (number(run.rows, 0), run.read_from, number(run.rows_per_s, 0),
             number(run.reading_mib, 0), number(run.peak_mib, 0), number(run.windows_per_s, 0))
            for run in runs.sort_values(["rows", "read_from"]).itertuples()
        ),
    )  # fmt: skip


def peers(runs: pd.DataFrame) -> str:
    """The same forecasts by other libraries, the smallest panel first."""
    return table(
        "| series | library | time | series a second | peak MiB |",
        "|---:|---|---:|---:|---:|",
        (
            (number(run.series, 0), run.library_measured, seconds(run.seconds),
             number(run.series_per_s, 0), number(run.peak_mib, 0))
            for run in runs.sort_values(["series", "seconds"]).itertuples()
        ),
    )  # fmt: skip


def simulated(nights: pd.DataFrame) -> str:
    """Nights on paper, the fewest workers first."""
    return table(
        "| series a shard | cores | without luck | simulated | core hours | dollars | at work |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        (
            (number(night.shard, 0), number(night.workers, 0), seconds(night.formula_s),
             seconds(night.seconds), number(night.core_hours, 1), number(night.dollars, 2),
             f"{100 * night.working_share:.0f} %")
            for night in nights.sort_values(["shard", "workers"]).itertuples()
        ),
    )  # fmt: skip
