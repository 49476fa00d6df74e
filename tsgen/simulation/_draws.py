"""How parameters of simulated series are drawn: one number a series, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsgen._typing import BoolArray, FloatArray, IntArray

__all__ = ["Draws", "standardised"]


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters of B series of T rows, all from one generator.

    Attributes
    ----------
    random : numpy.random.Generator
    count : int
        B.
    length : int
        T.
    """

    random: np.random.Generator
    count: int
    length: int

    def of(self, count: int) -> Draws:
        """The same for fewer series."""
        return Draws(self.random, count, self.length)

    def some(self, share: float) -> IntArray:
        """The positions of series that were chosen with this probability."""
        return np.flatnonzero(self.random.random(self.count) < share)

    def true(self, share: float) -> BoolArray:
        """Whether something holds of each series, (B,)."""
        return np.asarray(self.random.random(self.count) < share)

    def uniform(self, low: float, high: float) -> FloatArray:
        """A number a series, (B,)."""
        return self.random.uniform(low, high, self.count)

    def of_any_size(self, low: float, high: float) -> FloatArray:
        """A number a series, whose logarithm is uniform."""
        return np.exp(self.random.uniform(np.log(low), np.log(high), self.count))

    def normal(self) -> FloatArray:
        """Standard normal numbers, one a row, (B, T)."""
        return self.random.standard_normal((self.count, self.length))

    def happens(self, rate: FloatArray) -> BoolArray:
        """Whether something happens in each row, (B, T), at a rate (B,) a row."""
        return np.asarray(self.random.random((self.count, self.length)) < rate[:, None])


def standardised(values: FloatArray) -> FloatArray:
    """Rows of series (B, T) with mean 0 and spread 1, if they move at all."""
    values = values - values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    return np.asarray(values / np.where(spread > 1e-9, spread, 1.0))
