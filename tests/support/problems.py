"""Series whose continuation is known: a model reads the history and is held to the future."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd


class Problem(NamedTuple):
    history: pd.Series
    future: pd.Series


def _split(values: npt.ArrayLike, horizon: int, freq: str | None = None) -> Problem:
    values = np.asarray(values, dtype=np.float64)
    index = pd.date_range("2000-01-01", periods=len(values), freq=freq) if freq else None
    series = pd.Series(values, index=index, name="y")
    return Problem(series.iloc[:-horizon], series.iloc[-horizon:])


def constant(value: float, rows: int = 60, horizon: int = 20) -> Problem:
    return _split(np.full(rows + horizon, value), horizon)


def trend(rows: int = 120, horizon: int = 24, slope: float = 0.5, start: float = 5.0) -> Problem:
    return _split(start + slope * np.arange(rows + horizon), horizon)


def sine(rows: int = 400, horizon: int = 60, period: int = 20) -> Problem:
    return _split(np.sin(2 * np.pi * np.arange(rows + horizon) / period), horizon)


def seasonal_trend(rows: int = 216, horizon: int = 24, seed: int = 1) -> Problem:
    """Monthly: a season of 12 on a rising line, with a little noise."""
    t = np.arange(rows + horizon)
    noise = np.random.default_rng(seed).normal(0, 0.1, len(t))
    return _split(0.05 * t + 3 * np.sin(2 * np.pi * t / 12) + noise, horizon, "MS")


def ar1(rows: int = 3000, coefficient: float = 0.8, mean: float = 2.0, seed: int = 0) -> pd.Series:
    """``y_t - mean = coefficient * (y_{t-1} - mean) + e_t``, e standard normal.

    What is expected h steps after ``y`` is ``mean + coefficient ** h * (y - mean)``.
    """
    noise = np.random.default_rng(seed).normal(size=rows + 100)
    values = np.zeros(len(noise))
    for t in range(1, len(values)):
        values[t] = coefficient * values[t - 1] + noise[t]
    return pd.Series(mean + values[100:], name="y")


def wavy(rows: int = 60, seed: int = 0) -> pd.Series:
    """Something that is not constant, for tests that don't look at the values."""
    noise = np.random.default_rng(seed).normal(0, 0.1, rows)
    return pd.Series(np.sin(np.arange(rows) / 3) + noise, name="y")
