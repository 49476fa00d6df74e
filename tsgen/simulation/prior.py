"""The prior: which parts simulated series are composed of, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from tsgen._typing import FloatArray, IntArray
from tsgen._validation import number
from tsgen.errors import SettingError
from tsgen.simulation._draws import Draws
from tsgen.simulation.noise import outliers
from tsgen.simulation.shapes import (
    bounded,
    changed_regime,
    counts,
    exponential,
    intermittent,
    saturating,
)
from tsgen.simulation.smooth import chaotic_system, cycle, gaussian_process
from tsgen.simulation.structural import is_day, structural

__all__ = ["Prior"]

_Shape: TypeAlias = Callable[[Draws, FloatArray], FloatArray]
_KINDS: dict[str, _Shape] = {
    "growth": exponential,
    "counts": counts,
    "intermittent": intermittent,
    "bounded": bounded,
}
"""Of these a series is at most one."""


@dataclass(frozen=True)
class Prior:
    """How often simulated series have what; each number is a share of all series, from 0 to 1.

    Every series begins as levels, trends, seasons and noise, or as a smooth curve with little
    noise; then other parts are added, and it is bent to growth, counts or bounds.

    Parameters
    ----------
    cycles : float, default 0.25
        Cycles without a fixed length.
    growth : float, default 0.4
        Positive, with trend, seasons and noise that grow with the level. Of ``growth``,
        ``counts``, ``intermittent`` and ``bounded`` a series is at most one, so that they add up
        to at most 1.
    saturation : float, default 0.04
        Growth, or a fall, that comes to an end.
    regimes : float, default 0.05
        A change from one kind of series to another.
    outliers : float, default 0.1
        Single rows that stand out.
    gaussian_process, chaos : float, default 0.06 and 0.02
        Smooth curves instead of levels, trends and seasons.
    counts, intermittent, bounded : float, default 0.05, 0.02 and 0.02
        Whole numbers; demand with many zeros; between 0 and 1.

    Raises
    ------
    SettingError
        If a share is no number from 0 to 1, or those add up to more than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.simulation import Prior
    >>> Prior().values(np.random.default_rng(0), 3, 60, season=12).shape
    (3, 60)
    >>> mostly_counts = Prior(growth=0.1, counts=0.8)
    """

    cycles: float = 0.25
    growth: float = 0.4
    saturation: float = 0.04
    regimes: float = 0.05
    outliers: float = 0.1
    gaussian_process: float = 0.06
    chaos: float = 0.02
    counts: float = 0.05
    intermittent: float = 0.02
    bounded: float = 0.02

    def __post_init__(self) -> None:
        """Check the shares."""
        for share in fields(self):
            number(share.name, getattr(self, share.name), 0.0, 1.0)
        shares = {name: getattr(self, name) for name in _KINDS}
        if sum(shares.values()) > 1.0 + 1e-9:
            listed = ", ".join(f"{name}={share:g}" for name, share in shares.items())
            raise SettingError(
                f"{listed}: a series is at most one of these, so that they must add up to at most "
                "1; lower some of them"
            )

    def values(
        self,
        random: np.random.Generator,
        count: int,
        length: int,
        season: int = 1,
        longer_season: int | None = None,
    ) -> FloatArray:
        """Simulated values, (B, T), around 0 unless they are positive by nature.

        Parameters
        ----------
        random : numpy.random.Generator
        count, length : int
            B and T.
        season : int, default 1
            Rows in a season; 1 for none.
        longer_season : int, optional
            Rows in a season around that, such as the week around the day.

        Returns
        -------
        array of shape (B, T)
            Finite. Noise has a spread of 0.01 to 1 and seasons of up to 3, before growth, counts
            or bounds: for other levels and scales add and multiply.
        """
        draws = Draws(random, count, length)
        values = structural(draws, season, longer_season)
        for share, part in (
            (self.gaussian_process, lambda here: gaussian_process(here, season)),
            (self.chaos, chaotic_system),
        ):
            chosen = draws.some(share)
            here = draws.of(len(chosen))
            noise = here.normal() * here.of_any_size(0.001, 0.2)[:, None]
            values[chosen] = part(here) + noise
        cyclic = draws.some(self.cycles)
        here = draws.of(len(cyclic))
        # Beside days that repeat themselves cycles are small.
        longest, largest = max(60.0, 4.0 * season), 0.5 if is_day(season) else 3.0
        values[cyclic] += cycle(here, 4.0, longest) * here.of_any_size(0.05, largest)[:, None]
        hit = draws.some(self.outliers)
        values[hit] += outliers(draws.of(len(hit))) * values[hit].std(axis=1, keepdims=True)
        self._bend(draws, values)
        return values

    def _bend(self, draws: Draws, values: FloatArray) -> None:
        """Growth, changes, counts and bounds, in place."""
        changes: tuple[tuple[float, _Shape], ...] = (
            (self.regimes, changed_regime),
            (self.saturation, saturating),
        )
        for share, shape in changes:
            self._change(draws, values, draws.some(share), shape)
        shares = [getattr(self, name) for name in _KINDS]
        drawn = np.searchsorted(np.cumsum(shares), draws.random.random(draws.count))
        for position, shape in enumerate(_KINDS.values()):
            self._change(draws, values, np.flatnonzero(drawn == position), shape)

    @staticmethod
    def _change(draws: Draws, values: FloatArray, chosen: IntArray, shape: _Shape) -> None:
        values[chosen] = shape(draws.of(len(chosen)), values[chosen])
