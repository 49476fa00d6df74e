"""What can't be predicted: noise of all kinds, and rows that are simply wrong."""

from __future__ import annotations

import numpy as np

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws

__all__ = ["changing_noise", "outliers", "white_noise"]


def white_noise(draws: Draws) -> FloatArray:
    """Independent noise, (B, T): normal, heavy-tailed, or of a changing variance.

    Three in ten series have Student's t with 4 degrees of freedom, one in eight a variance that
    wanders. The spread is 1.
    """
    noise = draws.normal()
    heavy = draws.some(0.3)
    noise[heavy] = draws.random.standard_t(4, (len(heavy), draws.length)) / np.sqrt(2.0)
    changing = draws.some(0.125)
    noise[changing] *= _volatility(draws.of(len(changing)))
    return noise


def changing_noise(draws: Draws) -> FloatArray:
    """Normal noise whose variance wanders, (B, T), by at most a factor of 7 in spread.

    The stochastic volatility of Taylor (Modelling Financial Time Series, 1986).
    """
    return draws.normal() * _volatility(draws)


def _volatility(draws: Draws) -> FloatArray:
    """The factor of each row, whose logarithm is a slow autoregression around 0."""
    steps = draws.normal() * draws.of_any_size(0.05, 0.4)[:, None]
    logarithm = np.zeros_like(steps)
    for row in range(1, draws.length):
        logarithm[:, row] = 0.97 * logarithm[:, row - 1] + steps[:, row]
    factor = np.exp(logarithm.clip(-2.0, 2.0))
    return np.asarray(factor / np.sqrt(np.square(factor).mean(axis=1, keepdims=True)))


def outliers(draws: Draws) -> FloatArray:
    """Single rows that stand out, (B, T), in units of a series' spread: two in a hundred rows."""
    hit = draws.happens(np.full(draws.count, 0.02))
    return hit * draws.normal() * 4.0
