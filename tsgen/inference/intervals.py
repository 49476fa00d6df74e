"""Sample paths around an MSE forecast, and the intervals they span once they are calibrated.

Paths are rollouts with innovations: one-step errors of the series' own context, drawn anew for
every step (a residual bootstrap [1]_; in blocks [2]_ where errors hang together). One-step errors
in sample are too small, and closed-loop errors are more than their sum: on a tail held out of a
calibration fit one factor for each step and level is found that would have made the intervals
right (split conformal prediction [3]_), and the paths are stretched around the forecast by it.

References
----------
.. [1] Thombs, Schucany: Bootstrap Prediction Intervals for Autoregression. JASA 85, 1990.
.. [2] Politis, Romano: A circular block-resampling procedure for stationary data, 1992.
.. [3] Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen.errors import SettingError
from tsgen.generation import uniform_numbers

__all__ = [
    "Calibration",
    "Innovations",
    "level_shares",
    "quantile_shares",
    "quantiles_of",
    "raw_half_widths",
]


FEWEST_ERRORS = 20
"""A series with fewer errors of its own draws from those of all series."""

_LARGEST_POOL = 10_000
LEVELS = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0)
"""Levels, in per cent, at which factors are measured; between them they are interpolated."""

_FEWEST_SCORES = 200


@dataclass(frozen=True)
class Innovations:
    """What paths are made of: draws from one-step errors.

    The draws of a series depend on the seed, its id and the step alone: neither its company nor
    the horizon nor the number of paths changes them.

    Attributes
    ----------
    pool : Tensor of shape (errors, C)
        For series with few errors of their own, in the normaliser's units; where C channels make
        a system, the errors of the same rows side by side.
    seed : int
    temperature : float, default 1.0
        Factor on all draws.
    block_length : int, default 1
        Consecutive errors that are drawn together.
    """

    pool: Tensor
    seed: int
    temperature: float = 1.0
    block_length: int = 1

    @classmethod
    def pooled(cls, errors: Tensor) -> Tensor:
        """The errors of all systems, (B, T, C), as one pool of limited size."""
        errors = errors.flatten(0, 1)
        errors = errors[~errors.isnan().any(dim=1)]
        if len(errors) > _LARGEST_POOL:
            some = torch.linspace(0, len(errors) - 1, _LARGEST_POOL, dtype=torch.float64)
            errors = errors[some.long()]
        return errors

    def draw(self, errors: Tensor, ids: Sequence[object], horizon: int, paths: int) -> Tensor:
        """Innovations for B systems of C series, whose errors of the same row are drawn together.

        Parameters
        ----------
        errors : Tensor of shape (B, T, C)
            One-step errors of each system, NaN where there is none.
        ids : sequence of B ids
            Of the systems.
        horizon, paths : int
            H and S.

        Returns
        -------
        Tensor of shape (B, S, H, C)
        """
        drawn = errors.new_zeros(len(errors), paths, horizon, errors.shape[2])
        for of_system, own, name in zip(drawn, errors, ids, strict=True):
            own = own[~own.isnan().any(dim=1)]
            own = self.pool if len(own) < FEWEST_ERRORS else own
            if len(own):
                # Their mean would add up over the steps of a path.
                own = (own - own.mean(dim=0)) * self.temperature
                of_system[:] = own[self._positions(name, horizon, paths, len(own))]
        return drawn

    def _positions(self, name: object, horizon: int, paths: int, count: int) -> Tensor:
        """Which error each step of each path takes, (S, H)."""
        uniform = uniform_numbers(self.seed, name, paths, horizon)
        inside = np.arange(horizon) % self.block_length
        starts = (uniform[:, np.arange(horizon) - inside] * count).astype(np.int64)
        return torch.from_numpy((starts + inside) % count)


@dataclass(frozen=True)
class Calibration:
    """How far paths must be stretched for their intervals to cover what they say.

    Attributes
    ----------
    levels : ndarray of shape (L,)
        In per cent, ascending.
    factors : ndarray of shape (L, steps)
        For later steps the last one counts.
    """

    levels: FloatArray
    factors: FloatArray

    @classmethod
    def none(cls) -> Calibration:
        """Leaves paths as they are."""
        return cls(np.array([50.0]), np.ones((1, 1)))

    @classmethod
    def fit(cls, errors: FloatArray, half_widths: FloatArray) -> Calibration:
        """The factors that make a share of errors of each level lie within the intervals.

        Parameters
        ----------
        errors : ndarray of shape (windows, H)
            What came minus the forecast; NaN where nothing is known.
        half_widths : ndarray of shape (2, L, windows, H)
            From the forecast to the lower and to the upper bound of the raw interval of each of
            `LEVELS`, both 0 or more.
        """
        width = np.where(errors < 0, half_widths[0], half_widths[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(errors == 0, 0.0, np.abs(errors) / width)
        horizon = errors.shape[1]
        factors = [
            [
                conformal_quantile(scores_around(level_scores, step), level / 100)
                for step in range(horizon)
            ]
            for level, level_scores in zip(LEVELS, scores, strict=True)
        ]
        return cls(np.array(LEVELS), np.array(factors))

    def stretch(self, paths: Tensor, centre: Tensor) -> Tensor:
        """Paths around the forecast, by the factors of the levels they lie at.

        Parameters
        ----------
        paths : Tensor of shape (B, S, H)
        centre : Tensor of shape (B, H)
            The forecast, which takes the place of the paths' median.

        Returns
        -------
        Tensor of shape (B, S, H)
        """
        ascending, order = paths.sort(dim=1)
        ascending -= _sorted_quantiles(ascending, [0.5]).transpose(0, 1)
        factors = torch.from_numpy(self._by_rank(paths.shape[1], paths.shape[2])).to(paths.dtype)
        stretched = _outward(ascending * factors)
        return centre[:, None] + torch.empty_like(paths).scatter_(1, order, stretched)

    def _by_rank(self, count: int, horizon: int) -> FloatArray:
        """The factor of each rank among S paths at each step, (S, H)."""
        levels = 100 * np.abs(2 * (np.arange(count) + 0.5) / count - 1)
        steps = np.minimum(np.arange(horizon), self.factors.shape[1] - 1)
        by_step = [np.interp(levels, self.levels, factors) for factors in self.factors.T]
        return np.stack(by_step, axis=1)[:, steps]


def _outward(deviations: Tensor) -> Tensor:
    """Ascending deviations (B, S, H) whose size never falls from the middle to the ends."""
    above = deviations.clamp(min=0).cummax(dim=1).values
    below = deviations.clamp(max=0).flip(1).cummin(dim=1).values.flip(1)
    return above + below


def scores_around(scores: FloatArray, step: int) -> FloatArray:
    """The known scores of a step, and of as many of its neighbours as it takes to have enough."""
    for reach in range(scores.shape[1]):
        near = scores[:, max(step - reach, 0) : step + reach + 1]
        known = near[~np.isnan(near)]
        if len(known) >= _FEWEST_SCORES:
            return known
    return scores[~np.isnan(scores)]


def conformal_quantile(scores: FloatArray, level: float) -> float:
    """The score that a further one stays below with this probability; the largest if too few."""
    finite = np.sort(scores[np.isfinite(scores)])
    if not len(finite):
        return 1.0
    rank = int(np.ceil((len(scores) + 1) * level))
    return float(finite[min(rank, len(finite)) - 1])


def raw_half_widths(paths: Tensor) -> FloatArray:
    """How far the intervals of `LEVELS` reach from the paths' median, (2, L, B, H): down and up."""
    shares = [0.5 - level / 200 for level in LEVELS]
    bounds = quantiles_of(paths, [0.5, *shares, *(1 - share for share in shares)])
    median, lower, upper = bounds.split([1, len(LEVELS), len(LEVELS)])
    return np.asarray(torch.stack([median - lower, upper - median]).to(torch.float64).numpy())


def quantiles_of(paths: Tensor, shares: Sequence[float]) -> Tensor:
    """Quantiles of paths (B, S, H) over the paths, (Q, B, H)."""
    return _sorted_quantiles(paths.sort(dim=1).values, shares)


def _sorted_quantiles(ascending: Tensor, shares: Sequence[float]) -> Tensor:
    positions = torch.tensor(list(shares), dtype=torch.float64) * (ascending.shape[1] - 1)
    below, above = positions.floor().long(), positions.ceil().long()
    weight = (positions - below).to(ascending.dtype)[:, None, None]
    low, high = ascending[:, below].transpose(0, 1), ascending[:, above].transpose(0, 1)
    return torch.lerp(low, high, weight)


# --- what is asked for


class _Request(NamedTuple):
    """Numbers that may be asked for, and what others may have been meant as."""

    name: str
    expected: str
    lowest: float
    beyond: float
    """The first number too large."""
    mistaken: Callable[[float], float]
    """What a number in the units of the other argument is in these; NaN if it is in neither."""

    def read(self, given: Any) -> list[float]:
        """Numbers from one or a list of them."""
        if given is None:
            return []
        given = given.tolist() if isinstance(given, np.ndarray) else given
        items = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
        if not all(isinstance(item, Real) and not isinstance(item, bool) for item in items):
            raise SettingError(f"{self.name}={written(given)}: expected {self.expected}")
        numbers = [float(item) for item in items]
        if all(map(self._fits, numbers)):
            return numbers
        meant = [x if self._fits(x) else self.mistaken(x) for x in numbers]
        listed = ", ".join(f"{number:.12g}" for number in meant)
        listed = listed if len(meant) == 1 else f"[{listed}]"
        hint = f"; did you mean {self.name}={listed}?" if all(map(self._fits, meant)) else ""
        raise SettingError(f"{self.name}={written(given)}: expected {self.expected}{hint}")

    def _fits(self, number: float) -> bool:
        return 0 < number < self.beyond and number >= self.lowest


_LEVELS = _Request(
    "level", "per cents from 1 to below 100, as in level=[80, 95]", 1.0, 100.0, lambda x: 100 * x
)
_QUANTILES = _Request(
    "quantiles", "numbers above 0 and below 1, as in quantiles=[0.1, 0.9]", 0.0, 1.0,
    lambda x: x / 100 if x > 1 else np.nan,
)  # fmt: skip


def level_shares(level: Any) -> dict[str, float]:
    """The columns of levels, and the shares of paths below them."""
    shares: dict[str, float] = {}
    for per_cent in _LEVELS.read(level):
        shares[f"-lo-{per_cent:.12g}"] = 0.5 - per_cent / 200
        shares[f"-hi-{per_cent:.12g}"] = 0.5 + per_cent / 200
    return shares


def quantile_shares(quantiles: Any) -> dict[str, float]:
    """The columns of quantiles, and the shares of paths below them."""
    return {f"-q-{share:.12g}": share for share in _QUANTILES.read(quantiles)}
