"""What is made of whole series: growth, saturation, changes of regime, counts and bounds."""

from __future__ import annotations

import numpy as np

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws, standardised

__all__ = ["bounded", "changed_regime", "counts", "exponential", "intermittent", "saturating"]


def exponential(draws: Draws, values: FloatArray) -> FloatArray:
    """Positive series whose trend, seasons and noise grow with their level."""
    size = draws.uniform(0.03, 0.5)[:, None]
    return np.asarray(np.exp((values / _spread(values) * size).clip(-5.0, 5.0)))


def saturating(draws: Draws, values: FloatArray) -> FloatArray:
    """Growth that comes to an end: a logistic curve (Verhulst, 1838) under all else."""
    middle = draws.uniform(0.1, 1.0) * draws.length
    pace = draws.of_any_size(4.0, 30.0) / draws.length
    height = draws.random.standard_normal(draws.count) * draws.of_any_size(1.0, 10.0)
    rows = np.arange(draws.length)
    curve = 1 / (1 + np.exp(-pace[:, None] * (rows - middle[:, None])))
    return np.asarray(values + height[:, None] * _spread(values) * curve)


def changed_regime(draws: Draws, values: FloatArray) -> FloatArray:
    """From some row on each series goes on as another one does, from where it stands."""
    other = np.roll(values, 1, axis=0)
    when = (draws.uniform(0.2, 0.9) * draws.length).astype(np.int64)
    series = np.arange(draws.count)
    offset = values[series, when] - other[series, when]
    later = np.arange(draws.length) >= when[:, None]
    return np.where(later, other + offset[:, None], values)


def counts(draws: Draws, values: FloatArray) -> FloatArray:
    """Whole numbers of 0 or more, Poisson around a rate that the series is."""
    rate = exponential(draws, values)
    mean = draws.of_any_size(0.5, 200.0)[:, None]
    rate = (rate / rate.mean(axis=1, keepdims=True) * mean).clip(0, 1e6)
    return np.asarray(draws.random.poisson(rate), dtype=np.float64)


def intermittent(draws: Draws, values: FloatArray) -> FloatArray:
    """Demand that is 0 in 3 to 9 of 10 rows (Croston, 1972), whose sizes are the series'."""
    size = np.ceil(exponential(draws, values) * draws.of_any_size(1.0, 20.0)[:, None])
    return np.asarray(size * draws.happens(draws.uniform(0.1, 0.7)))


def bounded(draws: Draws, values: FloatArray) -> FloatArray:
    """Shares between 0 and 1, pressed against a bound the more, the farther they go."""
    centre = draws.random.standard_normal(draws.count)[:, None]
    score = standardised(values) * draws.uniform(0.3, 3.0)[:, None] + centre
    return np.asarray(1 / (1 + np.exp(-score)))


def _spread(values: FloatArray) -> FloatArray:
    return np.asarray(values.std(axis=1, keepdims=True) + 1e-9)
