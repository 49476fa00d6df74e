"""The frames whose handling is timed; nothing here needs tsgen."""

from __future__ import annotations

import numpy as np
import pandas as pd


def seasonal(series: int = 100, rows: int = 1000) -> pd.DataFrame:
    """A wide frame of hourly series with a daily and a weekly season."""
    time_axis = pd.date_range("2024-01-01", periods=rows, freq="h")
    hours = np.arange(rows)
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            f"s{i}": 10 + np.sin(2 * np.pi * hours / 24 + i) + 0.5 * np.sin(2 * np.pi * hours / 168)
            + 0.1 * random.standard_normal(rows)
            for i in range(series)
        },
        index=time_axis,
    )  # fmt: skip


def walks(series: int, rows: int, kind: str = "wide") -> pd.DataFrame:
    """Hourly random walks: wide, or long with ids that are integers or text."""
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    values = np.random.default_rng(0).standard_normal((series, rows)).cumsum(axis=1)
    if kind == "wide":
        return pd.DataFrame(values.T, index=times, columns=[f"s{i:05}" for i in range(series)])
    ids = np.repeat(np.arange(series), rows)
    if kind == "long, text ids":
        ids = np.array([f"s{i:05}" for i in range(series)], dtype=object)[ids]
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(times, series), "y": values.ravel()})


def noise(series: int, rows: int, freq: str = "D") -> pd.DataFrame:
    """A long frame with text ids."""
    ids = np.array([f"series-{i:06}" for i in range(series)], dtype=object)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(ids, rows),
            "ds": np.tile(pd.date_range("2024-01-01", periods=rows, freq=freq), series),
            "y": np.random.default_rng(0).standard_normal(series * rows),
        }
    )
