"""Each part of the prior by itself, to be looked at and tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tsgen._typing import FloatArray
from tsgen._validation import seed_of, whole_number
from tsgen.simulation._draws import Draws, standardised
from tsgen.simulation.noise import changing_noise, outliers
from tsgen.simulation.prior import Prior
from tsgen.simulation.seasons import harmonics, season_around, season_pattern, spikes
from tsgen.simulation.shapes import (
    bounded,
    changed_regime,
    counts,
    exponential,
    intermittent,
    saturating,
)
from tsgen.simulation.smooth import chaotic_system, cycle, gaussian_process
from tsgen.simulation.structural import level_shifts, structural

__all__ = ["samples_of_parts"]

_Part: TypeAlias = Callable[[Draws, int], FloatArray]


def samples_of_parts(
    n_series: int, length: int, season_length: int = 12, *, random_state: int | None = None
) -> dict[str, FloatArray]:
    """Draw some series of each part of the prior.

    Parameters
    ----------
    n_series, length : int
        B and T.
    season_length : int, default 12
        m, rows in a season.
    random_state : int, optional
        The seed; another one each time if not given.

    Returns
    -------
    dict of str to array of shape (B, T)
        By the name of a part; the last is ``"all together"``. ``"day and week"`` has seven seasons
        in a longer one.

    Examples
    --------
    >>> from tsgen.simulation import samples_of_parts
    >>> samples = samples_of_parts(4, 60, random_state=0)
    >>> samples["counts"].shape
    (4, 60)
    """
    n_series = whole_number("n_series", n_series, "series of each part")
    length = whole_number("length", length, "rows of each series")
    season = whole_number("season_length", season_length, "rows in a season", lowest=2)
    seed = seed_of(random_state)
    return {
        name: part(Draws(np.random.default_rng([seed, number]), n_series, length), season)
        for number, (name, part) in enumerate(_PARTS.items())
    }


def _repeated(pattern: FloatArray, length: int) -> FloatArray:
    """Rows of a season (B, m), again and again."""
    return pattern[:, np.arange(length) % pattern.shape[1]]


def _day_and_week(draws: Draws, season: int) -> FloatArray:
    day, week = season_pattern(draws, season), season_around(draws, season, 7 * season)
    return _repeated(day, draws.length) + 0.7 * _repeated(week, draws.length)


def _bent(shape: Callable[[Draws, FloatArray], FloatArray]) -> _Part:
    """What a shape makes of levels, trends and seasons."""
    return lambda draws, season: shape(draws, structural(draws, season))


def _all_together(draws: Draws, season: int) -> FloatArray:
    return Prior().values(draws.random, draws.count, draws.length, season)


_PARTS: dict[str, _Part] = {
    "levels and trends": lambda draws, _: structural(draws, 1),
    "level shifts": lambda draws, _: np.cumsum(level_shifts(draws, np.ones(draws.count)), axis=1),
    "harmonics": lambda draws, m: _repeated(standardised(harmonics(draws, m)), draws.length),
    "spikes": lambda draws, m: _repeated(standardised(spikes(draws, m)), draws.length),
    "day and week": _day_and_week,
    "with seasons": structural,
    "cycles": lambda draws, _: cycle(draws),
    "growth": _bent(exponential),
    "saturation": _bent(saturating),
    "regimes": _bent(changed_regime),
    "outliers": lambda draws, _: 0.3 * draws.normal() + outliers(draws),
    "changing variance": lambda draws, _: changing_noise(draws),
    "counts": _bent(counts),
    "intermittent": _bent(intermittent),
    "bounded": _bent(bounded),
    "Gaussian processes": gaussian_process,
    "chaos": lambda draws, _: chaotic_system(draws),
    "all together": _all_together,
}
