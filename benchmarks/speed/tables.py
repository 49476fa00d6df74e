"""The tables of speed and memory, from the files in results/."""

from __future__ import annotations

import pandas as pd

from benchmarks.markdown import NONE, number, seconds, table
from benchmarks.record import read
from benchmarks.speed.time_to_accuracy import seconds_to_accuracy

HEADLINE = [
    "1 series, horizon 1,000, after fit",
    "414 series, horizon 48, after fit",
    "414 series, horizon 48, 100 paths",
    "backtest of 20 series, 100 cutoffs, horizon 48",
]
"""Works that the first page shows."""


def tables() -> dict[str, str]:
    """By their marks."""
    return {
        "TIME_TO_ACCURACY": time_to_accuracy(read("time_to_accuracy")),
        "FIT_SPEED": fit(read("fit_speed")),
        "ROLLOUT_SPEED": rollout(read("rollout_speed")),
        "SPEED": headline(read("rollout_speed"), read("scale_peers")),
        "MEMORY": memory(read("memory")),
        "VALIDATION": validation(read("validation_speed")),
        "CONTENTION": contention(read("contention")),
        "IMPORT": import_time(read("import_time")),
        "EXPORT": export(read("export_latency")),
    }


def time_to_accuracy(fits: pd.DataFrame) -> str:
    """Seconds of fit until errors stay below seasonal naive's, the shortest first."""
    longest = fits["limit_s"].max()

    def row(name: str) -> tuple[float, tuple[str, ...]]:
        these = fits[fits["model"] == name]
        seconds, best = seconds_to_accuracy(these), these.loc[these["mase"].idxmin()]
        shown = f"not in {longest:,.0f}" if pd.isna(seconds) else number(seconds, 1)
        return (
            float("inf") if pd.isna(seconds) else seconds,
            (name, shown, number(best["mase"], 3), number(best["fit_s"], 1)),
        )

    rows = sorted((row(name) for name in fits["model"].unique()), key=lambda entry: entry[0])
    return table(
        "| model | seconds to accuracy | lowest MASE seen | after a fit of, s |",
        "|---|---:|---:|---:|",
        (cells for _, cells in rows),
    )


def fit(runs: pd.DataFrame) -> str:
    """Windows a second in training."""
    return table(
        "| batch size | window steps | tsgen windows per s | bare windows per s | ratio |",
        "|---:|---:|---:|---:|---:|",
        (
            (run.batch_size, run.window_steps, number(run.tsgen_windows_per_s, 0),
             number(run.bare_windows_per_s, 0), number(run.ratio, 2))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def rollout(runs: pd.DataFrame) -> str:
    """Milliseconds of forecasts."""
    return table(
        "| work | tsgen, ms | times the floor | fastest peer | peer's time over tsgen's |",
        "|---|---:|---:|---|---:|",
        (
            (run.work, number(run.tsgen_ms, 1), number(run.times_floor, 1),
             NONE if pd.isna(run.fastest_peer) else run.fastest_peer,
             number(run.peer_over_tsgen, 1))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def headline(forecasts: pd.DataFrame, files: pd.DataFrame) -> str:
    """Some of these, and forecasts from files to files, beside the fastest peer."""
    forecasts = forecasts.set_index("work").loc[HEADLINE]
    rows = [
        (work, run.tsgen_ms / 1000, run.fastest_peer, run.peer_ms / 1000)
        for work, run in forecasts.iterrows()
    ]
    series = files["series"].max()
    largest = files[files["series"] == series]
    is_ours = largest["library_measured"] == "tsgen"
    ours, peer = (
        part.nsmallest(1, "seconds").iloc[0] for part in (largest[is_ours], largest[~is_ours])
    )
    rows.append((
        f"{series:,} series, horizon 12, Parquet to Parquet",
        ours["seconds"], peer["library_measured"], peer["seconds"],
    ))  # fmt: skip
    return table(
        "| from pandas to pandas | tsgen | fastest of three peers | times as long |",
        "|---|---:|---:|---:|",
        (
            (work, seconds(mine), f"{name}, {seconds(theirs)}", number(theirs / mine, 1))
            for work, mine, name, theirs in rows
        ),
    )


def memory(runs: pd.DataFrame) -> str:
    """MiB of a fit above the frame."""
    return table(
        "| frame | rows | frame mib | fit mib | ratio |",
        "|---|---:|---:|---:|---:|",
        (
            (run.frame, number(run.rows, 0), number(run.frame_mib, 2), number(run.fit_mib, 2),
             number(run.ratio, 2))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def validation(runs: pd.DataFrame) -> str:
    """Seconds until a frame is read, or refused."""
    return table(
        "| frame | rows | seconds | outcome |",
        "|---|---:|---:|---|",
        (
            (run.frame, number(run.rows, 0), number(run.seconds, 2), run.outcome)
            for run in runs.itertuples()
        ),
    )


def contention(runs: pd.DataFrame) -> str:
    """Seconds on a quiet machine and on a busy one, of this version and the one before."""
    return table(
        "| work | units | quiet, s | busy, s | busy over quiet | before: busy over quiet "
        "| quiet over quiet before |",
        "|---|---:|---:|---:|---:|---:|---:|",
        (
            (run.work, run.units, number(run.quiet_s, 2), number(run.busy_s, 2),
             number(run.busy_over_quiet, 1), number(run.before_busy_over_quiet, 1),
             number(run.quiet_over_before, 2))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def import_time(runs: pd.DataFrame) -> str:
    """Seconds in a fresh interpreter."""
    return table(
        "| statement | seconds |",
        "|---|---:|",
        ((run.statement, number(run.seconds, 2)) for run in runs.itertuples()),
    )


def export(runs: pd.DataFrame) -> str:
    """Milliseconds of forecasts by tsgen and by ONNX Runtime."""
    return table(
        "| work | `predict`, ms | ONNX Runtime, ms | times |",
        "|---|---:|---:|---:|",
        (
            (run.work, number(run.predict_ms, 1), number(run.onnx_ms, 1), number(run.times, 1))
            for run in runs.itertuples()
        ),
    )
