"""What repeats: patterns of one season, and of a second one around it, such as day and week."""

from __future__ import annotations

import numpy as np

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws, standardised

__all__ = ["harmonics", "season_around", "season_pattern", "spikes"]

_LONG = 24
"""Rows of a season that is a day, or longer."""


def season_pattern(draws: Draws, season: int) -> FloatArray:
    """One season of each series, (B, m), of mean 0 and spread 1.

    Seven in ten are sums of harmonics, the others have spikes; of those of 24 rows or more, three
    in ten have a floor, as nights have.
    """
    pattern = harmonics(draws, season)
    spiky = draws.some(0.3)
    pattern[spiky] = spikes(draws.of(len(spiky)), season)
    pattern = standardised(pattern)
    if season >= _LONG:
        floor = np.where(draws.true(0.3), draws.uniform(-1.0, 0.3), -np.inf)
        pattern = standardised(np.maximum(pattern, floor[:, None]))
    return pattern


def harmonics(draws: Draws, season: int) -> FloatArray:
    """Sums of up to 24 waves, the higher ones the smaller: temperatures of a day, a year's output.

    Of any mean and spread, (B, m).
    """
    order = np.arange(1, min(season // 2, 24) + 1)
    # Of many rows in a season those that follow each other are alike.
    decay = draws.uniform(*((0.0, 2.0) if season < _LONG else (0.7, 3.0)))[:, None]
    size = draws.random.standard_normal((draws.count, len(order))) / order**decay
    phase = draws.random.uniform(0.0, 2 * np.pi, (draws.count, len(order)))
    angle = 2 * np.pi * np.outer(order, np.arange(season)) / season
    # cos(a + p) = cos a cos p − sin a sin p: two products of matrices instead of (B, orders, m).
    return np.asarray(
        (size * np.cos(phase)) @ np.cos(angle) - (size * np.sin(phase)) @ np.sin(angle)
    )


def spikes(draws: Draws, season: int) -> FloatArray:
    """Some rows stand out, and the others are 0: sales in December. Of any mean and spread."""
    shape = draws.count, season
    share = draws.uniform(0.05, 1.0)[:, None]
    stands_out = draws.random.random(shape) < share
    stands_out[np.arange(draws.count), draws.random.integers(season, size=draws.count)] = True
    return np.asarray(draws.random.standard_normal(shape) * stands_out)


def season_around(draws: Draws, season: int, longer: int) -> FloatArray:
    """What a season's rows are by their place in a longer one, (B, M): days of a week.

    Each of the ``longer // season`` short seasons has a level of its own, most of them alike; and
    two that follow each other, a weekend, may have another pattern.
    """
    ratio = -(-longer // season)
    levels = draws.random.standard_normal((draws.count, ratio))
    alike = draws.some(0.6)
    levels[alike] *= draws.random.random((len(alike), ratio)) < 0.3
    first = draws.random.integers(0, ratio, draws.count)[:, None]
    weekend = (np.arange(ratio) - first) % ratio < 2
    other = season_pattern(draws, season) * (draws.uniform(0.0, 1.5) * draws.true(0.6))[:, None]
    rows = levels[:, :, None] + weekend[:, :, None] * other[:, None, :]
    return standardised(rows.reshape(draws.count, -1)[:, :longer])
