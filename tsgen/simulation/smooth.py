"""Smooth curves: cycles without a fixed season, Gaussian processes and chaotic systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsgen._typing import BoolArray, FloatArray
from tsgen.simulation._draws import Draws, standardised

__all__ = ["chaotic_system", "cycle", "gaussian_process"]

_FREQUENCIES = 24


def cycle(draws: Draws, shortest: float = 4.0, longest: float = 60.0) -> FloatArray:
    """Cycles whose length and height wander, (B, T), of spread 1: business, sunspots, lynx.

    An autoregression of two rows with complex roots (Yule, 1927).
    """
    before = 20
    damping = draws.uniform(0.7, 0.995)
    angle = 2 * np.pi / draws.of_any_size(shortest, longest)
    first, second = 2 * damping * np.cos(angle), -(damping**2)
    values = draws.random.standard_normal((draws.length + before, draws.count))
    for row in range(2, len(values)):
        values[row] += first * values[row - 1] + second * values[row - 2]
    return standardised(values[before:].T)


def gaussian_process(draws: Draws, season: int) -> FloatArray:
    """Draws from Gaussian processes, (B, T), of spread 1.

    A smooth kernel, or one of Matérn's, whose curves are rougher; and for half of them the product
    with a periodic one: what repeats, and changes as it does. By random features (Rahimi, Recht:
    Random Features for Large-Scale Kernel Machines, NeurIPS 2007): sums of waves whose frequencies
    are drawn from the kernel's spectrum.
    """
    random, shape = draws.random, (draws.count, _FREQUENCIES)
    scale = draws.of_any_size(3.0, max(draws.length / 2, 6.0))[:, None]
    frequency = random.standard_normal(shape) / scale
    # Student's t is the spectrum of Matérn's kernels, with as many degrees of freedom as twice ν.
    rough = draws.some(0.4)
    frequency[rough] = random.standard_t(3.0, (len(rough), _FREQUENCIES)) / scale[rough]
    if season > 1:
        repeats = draws.some(0.5)
        harmonic = random.geometric(0.5, (len(repeats), _FREQUENCIES))
        sign = random.choice([-1.0, 0.0, 1.0], harmonic.shape)
        frequency[repeats] += sign * harmonic * 2 * np.pi / season
    phase = random.uniform(0.0, 2 * np.pi, shape)
    rows = np.arange(draws.length)
    waves = np.cos(frequency[:, :, None] * rows + phase[:, :, None])
    return standardised(waves.sum(axis=1))


def chaotic_system(draws: Draws) -> FloatArray:
    """One coordinate of a chaotic system, (B, T), of spread 1: Lorenz (1963) or Rössler (1976).

    Each series has parameters, a start and a pace of its own; a row is one step of the
    Runge–Kutta method of order 4.
    """
    lorenz = draws.true(0.5)
    low, high = np.where(lorenz, 0.01, 0.05), np.where(lorenz, 0.06, 0.15)
    pace = np.exp(draws.random.uniform(np.log(low), np.log(high)))
    system = _System.of(lorenz, change=draws.uniform(0.9, 1.2))
    state = draws.random.uniform(-1.0, 1.0, (3, draws.count)) + 1.0
    before = 100  # rows until a path is on its attractor
    return standardised(_first_coordinate(system, state, pace, before + draws.length)[:, before:])


def _first_coordinate(
    system: _System, state: FloatArray, pace: FloatArray, length: int
) -> FloatArray:
    """Of the paths from a state (3, B), (B, length)."""
    values = np.empty((length, len(pace)))
    for row in range(length):
        k1 = system(state)
        k2 = system(state + pace / 2 * k1)
        k3 = system(state + pace / 2 * k2)
        k4 = system(state + pace * k3)
        state = state + pace / 6 * (k1 + 2 * (k2 + k3) + k4)
        values[row] = state[0]
    return values.T


@dataclass(frozen=True, eq=False)
class _System:
    """Both systems as one, so that a step of all series is one of arrays: A s + b + products.

    Lorenz: 10 (y − x), x (28 c − z) − y, x y − 8/3 z. Rössler: −(y + z), x + 0.2 y,
    0.2 + z (x − 5.7 c). With c, a change of each series' own.
    """

    linear: FloatArray
    """A, (B, 3, 3)."""
    constant: FloatArray
    """b, (3, B)."""
    products: FloatArray
    """Of x z in y, x z in z, and x y in z, (3, B)."""

    @classmethod
    def of(cls, lorenz: BoolArray, change: FloatArray) -> _System:
        a_lorenz = np.array([[-10, 10, 0], [28, -1, 0], [0, 0, -8 / 3]])
        a_roessler = np.array([[0, -1, -1], [1, 0.2, 0], [0, 0, -5.7]])
        linear = np.where(lorenz[:, None, None], a_lorenz, a_roessler)
        linear[lorenz, 1, 0] *= change[lorenz]
        linear[~lorenz, 2, 2] *= change[~lorenz]
        zero, one = np.zeros(len(lorenz)), np.ones(len(lorenz))
        constant = np.where(lorenz, np.stack([zero] * 3), np.stack([zero, zero, 0.2 * one]))
        in_lorenz, in_roessler = np.stack([-one, zero, one]), np.stack([zero, one, zero])
        return cls(linear, constant, np.where(lorenz, in_lorenz, in_roessler))

    def __call__(self, state: FloatArray) -> FloatArray:
        """The slope of each coordinate, (3, B)."""
        slope = self.constant + np.einsum("bij,jb->ib", self.linear, state)
        x, y, z = state
        slope[1] += self.products[0] * x * z
        slope[2] += x * (self.products[1] * z + self.products[2] * y)
        return np.asarray(slope)
