"""Smooth curves: cycles without a fixed season, Gaussian processes and chaotic systems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tsgen._typing import FloatArray
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
    values = np.empty((draws.count, draws.length))
    kinds = (_lorenz, (0.01, 0.06), lorenz), (_roessler, (0.05, 0.15), ~lorenz)
    for system, pace, chosen in kinds:
        here = draws.of(int(chosen.sum()))
        values[chosen] = _integrated(system, here, here.of_any_size(*pace))
    return standardised(values)


def _lorenz(state: FloatArray, change: FloatArray) -> FloatArray:
    x, y, z = state
    return np.stack([10 * (y - x), x * (28 * change - z) - y, x * y - 8 / 3 * z])


def _roessler(state: FloatArray, change: FloatArray) -> FloatArray:
    x, y, z = state
    return np.stack([-(y + z), x + 0.2 * y, 0.2 + z * (x - 5.7 * change)])


def _integrated(
    system: Callable[[FloatArray, FloatArray], FloatArray], draws: Draws, pace: FloatArray
) -> FloatArray:
    before = 300
    change = draws.uniform(0.9, 1.2)
    state = np.stack([draws.uniform(-1, 1) + 1, draws.uniform(-1, 1), draws.uniform(0, 1) + 1])
    values = np.empty((before + draws.length, draws.count))
    for row in range(len(values)):
        k1 = system(state, change)
        k2 = system(state + pace / 2 * k1, change)
        k3 = system(state + pace / 2 * k2, change)
        k4 = system(state + pace * k3, change)
        state = state + pace / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        values[row] = state[0]
    return values[before:].T
