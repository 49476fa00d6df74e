"""Four chaotic systems, the sequences that are cut from them, and the error of a forecast.

The protocol is that of Teutsch and Mäder: Flipped Classroom: Effective Teaching for Time Series
Forecasting. TMLR 2022. A trajectory is integrated long enough for 10,000 sequences that don't
overlap, each of 150 steps of context and a horizon of one Lyapunov time; they are shuffled, and
8,000 train, 1,000 validate, 1,000 test.

    python -m benchmarks.chaos.systems

integrates all four, a minute each, and keeps them in the user's cache folder, or in the folder
that the environment variable ``TSGEN_CHAOS`` names.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import platformdirs
from scipy.integrate import odeint

Array = npt.NDArray[np.float64]
Slope = Callable[[Array, float], tuple[float, ...]]

CONTEXT = 150
SEQUENCES = 10_000
TOLERANCE = 1e-11
DELAY = 17


# ------------------------------------------------------------------------------------- the systems


def lorenz(state: Array, time: float = 0.0) -> tuple[float, ...]:
    """The derivative of Lorenz' system at sigma 10, rho 28, beta 8/3."""
    x, y, z = state.tolist()
    return 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 * z / 3.0


def roessler(state: Array, time: float = 0.0) -> tuple[float, ...]:
    """The derivative of Rössler's system at a = b = 0.2, c = 5.7."""
    x, y, z = state.tolist()
    return -(y + z), x + 0.2 * y, 0.2 + z * (x - 5.7)


def thomas(state: Array, time: float = 0.0) -> tuple[float, ...]:
    """The derivative of Thomas' cyclically symmetric system at b = 0.1."""
    x, y, z = state.tolist()
    return math.sin(y) - 0.1 * x, math.sin(z) - 0.1 * y, math.sin(x) - 0.1 * z


def flow(slope: Slope, start: tuple[float, ...], dt: float, states: int) -> Array:
    """States ``dt`` apart, the start among them; shape (states, C)."""
    times = np.arange(states) * dt
    return odeint(slope, start, times, rtol=TOLERANCE, atol=TOLERANCE)


def mackey_glass(states: int, seed: int = 0) -> Array:
    """The map, from a random start; shape (states, 1)."""
    values = [*np.random.default_rng(seed).uniform(size=DELAY).tolist(), 0.0]
    for _ in range(states - len(values)):
        late, last = values[-1 - DELAY], values[-1]
        values.append(last + 0.2 * late / (1.0 + late**10) - 0.1 * last)
    return np.array(values[:states])[:, None]


@dataclass(frozen=True)
class System:
    """A system under the protocol.

    Attributes
    ----------
    channels : tuple of str
    trajectory : callable
        The first n states, of shape (n, C).
    dropped : int
        States at its start that are on the way to the attractor.
    horizon : int
        Steps in a Lyapunov time.
    """

    channels: tuple[str, ...]
    trajectory: Callable[[int], Array]
    dropped: int
    horizon: int

    @property
    def length(self) -> int:
        """Rows of a sequence: its context and its horizon."""
        return CONTEXT + self.horizon

    def integrate(self, sequences: int = SEQUENCES) -> Array:
        """Sequences that follow each other, of shape (sequences, rows, C)."""
        states = self.trajectory(self.dropped + sequences * self.length)[self.dropped :]
        return states.reshape(sequences, self.length, len(self.channels))


SYSTEMS = {
    "lorenz": System(
        ("x", "y", "z"), lambda states: flow(lorenz, (1.0, 1.0, 0.0), 0.01, states), 0, 111
    ),
    "roessler": System(
        ("x", "y", "z"), lambda states: flow(roessler, (1.0, 1.0, 1.0), 0.12, states), 0, 121
    ),
    "mackeyglass": System(("x",), mackey_glass, 100, 167),
    "thomas": System(
        ("x", "y", "z"), lambda states: flow(thomas, (0.0, 1.0, 0.0), 0.1, states), 1000, 182
    ),
}


# ----------------------------------------------------------------------------------- the sequences


class Sequences(NamedTuple):
    """The shuffled sequences of a system in its own units, each part of shape (n, rows, C)."""

    train: Array
    validation: Array
    test: Array
    spread: Array
    """Of shape (C,): the standard deviations of the channels, over all sequences."""


def split(sequences: Array, seed: int = 0) -> Sequences:
    """Shuffle; the first 80 % train, then 10 % validate, and 10 % test."""
    order = np.random.default_rng(seed).permutation(len(sequences))
    first, second = len(order) * 8 // 10, len(order) * 9 // 10
    train, validation, test = np.split(sequences[order], [first, second])
    return Sequences(train, validation, test, sequences.std(axis=(0, 1)))


def load(name: str) -> Sequences:
    """The sequences of a system, integrated on first use."""
    folder = os.environ.get("TSGEN_CHAOS") or platformdirs.user_cache_path("tsgen") / "chaos"
    path = Path(folder) / f"{name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, SYSTEMS[name].integrate())
        unfinished.replace(path)
    return split(np.load(path))


def long_frame(sequences: Array, channels: tuple[str, ...], rows: slice) -> pd.DataFrame:
    """Some rows of all sequences as a long frame, the channels in columns of their own."""
    count, length, _ = sequences.shape
    steps = np.arange(length)[rows]
    frame = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(count), len(steps)), "ds": np.tile(steps, count)}
    )
    columns = sequences[:, rows].reshape(-1, len(channels)).T
    return frame.assign(**dict(zip(channels, columns, strict=True)))


# --------------------------------------------------------------------------------------- the error


class Errors(NamedTuple):
    """Medians over sequences of the normalised error, over all steps and the last tenth."""

    nrmse: float
    nrmse_last_tenth: float


def errors(truth: Array, forecast: Array, spread: Array) -> Errors:
    """Of forecasts of shape (n, horizon, C), in the system's units.

    A step's error is the root of the mean squared error of its channels; that of a sequence is
    the mean over its steps, divided by the mean of the channels' standard deviations.
    """
    steps = np.sqrt(np.square(forecast - truth).mean(axis=2)) / spread.mean()
    last = math.ceil(0.1 * steps.shape[1])
    return Errors(
        float(np.median(steps.mean(axis=1))), float(np.median(steps[:, -last:].mean(axis=1)))
    )


def main() -> None:
    """Integrate what isn't there yet."""
    for name in SYSTEMS:
        start = time.perf_counter()
        sequences = load(name)
        mean = sequences.train.mean(axis=(0, 1)).round(3)
        print(f"{name}: {time.perf_counter() - start:.1f} s, means {mean}, "
              f"spreads {sequences.spread.round(3)}")  # fmt: skip


if __name__ == "__main__":
    main()
