"""Levels, trends and seasons that change with the noise: exponential smoothing, run forward.

The innovations form of exponential smoothing with a damped trend [1]_: what surprises in a row
moves the level, the trend and the season after it, each by a share of its own. The sizes of
trends are drawn in proportion to the noise, and most trends are damped: forecasters trained on
trends that know nothing of the noise extrapolate too far.

References
----------
.. [1] Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing: The State Space
   Approach, 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws
from tsgen.simulation.noise import white_noise
from tsgen.simulation.seasons import season_around, season_pattern

__all__ = ["is_day", "level_shifts", "structural"]

_WEEKS_OF_A_YEAR = 52


@dataclass(frozen=True)
class _Character:
    """What series of some seasons are like; sizes are drawn between two, the logarithm uniform.

    Attributes
    ----------
    noise : (float, float)
        Its spread.
    slow : float
        The share of series whose level moves by a ``pace`` squared of what it would.
    pace : float
        1 where each row is a month or more; less, where many rows are in a season: a level that
        moved as much in each of them would drown it.
    trend : float
        The size of trends, beside that of the noise.
    damping : float
        The most that a trend loses in a row.
    undamped : float
        The share of series whose trends last; those of the others end.
    season : (float, float)
        The spread of seasons.
    seasonal : float
        The share of series that have one.
    memory : (float, float)
        The share of series with an autoregressive noise, and the most that stays of it.
    """

    noise: tuple[float, float] = (0.01, 1.0)
    slow: float = 0.0
    pace: float = 1.0
    trend: float = 1.0
    damping: float = 0.25
    undamped: float = 0.25
    season: tuple[float, float] = (0.03, 2.0)
    seasonal: float = 0.75
    memory: tuple[float, float] = (0.3, 0.8)


_YEARS = _Character(trend=4.0, damping=0.12, undamped=0.5)
_QUARTERS = _Character(trend=3.0, damping=0.15, undamped=0.4, season=(0.01, 0.7))
_MONTHS = _Character()
_WEEKS = _Character(trend=0.6, damping=0.06, season=(0.01, 1.0), seasonal=0.6)


def _character(season: int) -> _Character:
    """Compared with real series by the share of trends and seasons in what moves them."""
    if is_day(season):
        pace = 12.0 / season
        return _Character(
            noise=(0.003, 0.5), slow=0.8, pace=pace, trend=pace**2, damping=0.25 * pace,
            season=(0.2, 3.0), seasonal=0.95, memory=(0.6, 0.95),
        )  # fmt: skip
    if season == _WEEKS_OF_A_YEAR:
        return _WEEKS
    if season == 1:
        return _YEARS
    return _QUARTERS if season <= 4 else _MONTHS


@dataclass(frozen=True, eq=False)
class _Smoothing:
    """Parameters of B series, each (B,)."""

    level: FloatArray
    """α, the share of a surprise that stays: 0 for noise around a line, 1 for a random walk."""
    trend: FloatArray
    """β, the share of that by which the trend changes."""
    damping: FloatArray
    """φ, what is left of a trend after a row."""
    season: FloatArray
    """γ, the share by which the season changes."""
    memory: FloatArray
    """ρ, of an autoregressive noise."""

    @classmethod
    def drawn(cls, draws: Draws, like: _Character) -> _Smoothing:
        random, count = draws.random, draws.count
        level = np.where(draws.true(0.15), 0.0, random.beta(1.5, 1.5, count))
        level = np.where(draws.true(0.2), 1.0, level)
        slow = draws.true(like.slow)
        share, most = like.memory
        return cls(
            level=np.where(slow, level * like.pace**2, level),
            trend=random.beta(1.0, 5.0, count) * draws.true(0.5) * like.pace,
            damping=np.where(
                draws.true(like.undamped), 1.0, 1.0 - draws.uniform(0.0, like.damping)
            ),
            season=random.beta(1.0, 4.0, count) * draws.true(0.5),
            memory=draws.uniform(-0.3, most) * draws.true(share),
        )


def structural(draws: Draws, season: int, longer: int | None = None) -> FloatArray:
    """B series of T rows with a season of m rows, and in most one of M around it."""
    like = _character(season)
    noise = draws.of_any_size(*like.noise)
    innovations = white_noise(draws) * noise[:, None]
    smoothing = _Smoothing.drawn(draws, like)
    trends = _trends(draws, noise * like.trend)
    steps = level_shifts(draws, noise, like.pace)
    pattern = np.zeros((draws.count, season))
    if season > 1:
        size = draws.of_any_size(*like.season) * draws.true(like.seasonal)
        pattern = season_pattern(draws, season) * size[:, None]
    values = _run(innovations, smoothing, trends, pattern, steps)
    if longer is not None:
        week = season_around(draws, season, longer)
        size = draws.of_any_size(0.1, 2.0) * draws.true(0.65) * np.maximum(_spread(pattern), 0.1)
        first = draws.random.integers(longer, size=draws.count)
        rows = (np.arange(draws.length) + first[:, None]) % longer
        values += np.take_along_axis(week * size[:, None], rows, axis=1)
    return values


def is_day(season: int) -> bool:
    """Whether a season is taken for a day, whose rows move less than months and weeks do."""
    return season >= 24 and season != _WEEKS_OF_A_YEAR


def _trends(draws: Draws, noise: FloatArray) -> FloatArray:
    """What is added to the trend in each row, (B, T): at the first, and at later ones now and then.

    A damped trend has gone after some rows; in half of the series others come after it.
    """
    size = noise * draws.of_any_size(0.05, 2.5) * draws.true(0.65)
    begins = draws.happens(draws.uniform(0.0, 3.0) / draws.length * draws.true(0.5))
    begins[:, 0] = True
    return begins * draws.normal() * size[:, None]


def _run(
    innovations: FloatArray,
    smoothing: _Smoothing,
    trends: FloatArray,
    pattern: FloatArray,
    steps: FloatArray,
) -> FloatArray:
    """The rows of all series, one row after the other, (B, T)."""
    values = np.empty_like(innovations)
    # One row of memory per row of a season, so that a row of all series lies together.
    season = pattern.T.copy()
    level, trend, error = (np.zeros(len(values)) for _ in range(3))
    move, bend = smoothing.level, smoothing.level * smoothing.trend
    for row in range(values.shape[1]):
        error = innovations[:, row] + smoothing.memory * error
        phase, trend = season[row % len(season)], smoothing.damping * (trend + trends[:, row])
        values[:, row] = level + trend + phase + error
        level = level + trend + move * error + steps[:, row]
        trend = trend + bend * error
        if len(season) > 1:
            phase += smoothing.season * error
    return values


def level_shifts(draws: Draws, noise: FloatArray, pace: float = 1.0) -> FloatArray:
    """By how much the level jumps in each row, (B, T): some times the noise; not in most series."""
    rate = draws.random.choice([0.0, 0.0, 0.0, 0.01, 0.03], draws.count)
    size = np.minimum(noise * draws.of_any_size(2.0, 50.0), 1.0)
    return draws.happens(rate * pace) * draws.normal() * size[:, None]


def _spread(pattern: FloatArray) -> FloatArray:
    return np.asarray(pattern.std(axis=1))
