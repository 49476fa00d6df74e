"""How many times the spread that a model predicts of its own errors these errors are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray
from tsgen.inference.intervals import LEVELS, conformal_quantile, scores_around

__all__ = ["SpreadCalibration"]


@dataclass(frozen=True)
class SpreadCalibration:
    """How many times the predicted spread the errors are, by level, side and step.

    Attributes
    ----------
    levels : ndarray of shape (L,)
        In per cent, ascending.
    factors : ndarray of shape (2, L, steps)
        Below and above the forecast; for later steps the last one counts.
    """

    levels: FloatArray
    factors: FloatArray

    @classmethod
    def none(cls) -> SpreadCalibration:
        """Errors as of a normal distribution, where there is nothing to count."""
        factors = _normal_bounds(np.array(LEVELS))
        return cls(np.array(LEVELS), np.stack([factors, factors])[:, :, None])

    @classmethod
    def fit(cls, errors: FloatArray, spread: FloatArray) -> SpreadCalibration:
        """The factors that make a share of errors of each level lie within the intervals.

        Parameters
        ----------
        errors, spread : ndarray of shape (windows, H)
            What came minus the forecast, NaN where nothing is known; and its predicted spread.

        Returns
        -------
        SpreadCalibration
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(errors == 0, 0.0, errors / spread)
        at_steps = [scores_around(scores, step) for step in range(errors.shape[1])]
        sides = [[_bounds(sign * at_step) for at_step in at_steps] for sign in (-1.0, 1.0)]
        factors = np.array(sides).transpose(0, 2, 1)
        return cls(np.array(LEVELS), np.maximum.accumulate(factors, axis=1))

    def multiples(self, shares: Sequence[float] | FloatArray, horizon: int) -> FloatArray:
        """The quantiles of errors with these shares below them, in spreads, (Q, H).

        Between the levels, and beyond the last one, they go as those of a normal distribution.
        """
        steps = np.minimum(np.arange(horizon), self.factors.shape[2] - 1)
        asked = _normal_bounds(100 * np.abs(2 * np.asarray(shares) - 1))
        # At level 0 both bounds are the forecast.
        known = _normal_bounds(np.concatenate([[0.0], self.levels]))
        beyond = np.maximum(asked / known[-1], 1.0)
        below, above = (
            np.stack([np.interp(asked, known, [0.0, *factors]) * beyond for factors in side.T], 1)
            for side in self.factors
        )
        return np.where(np.asarray(shares)[:, None] < 0.5, -below, above)[:, steps]

    def stretch(self, paths: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
        """Paths (B, S, H) with the quantiles of this calibration at each step, in their own order.

        Parameters
        ----------
        paths : Tensor of shape (B, S, H)
        centre, spread : Tensor of shape (B, H)
            The forecast, and its predicted spread.
        """
        count, horizon = paths.shape[1:]
        multiples = self.multiples((np.arange(count) + 0.5) / count, horizon)
        ranks = paths.argsort(dim=1).argsort(dim=1)
        by_rank = torch.from_numpy(multiples).to(paths.dtype).expand(len(paths), -1, -1)
        return centre[:, None] + spread[:, None] * by_rank.gather(1, ranks)


def _normal_bounds(levels: FloatArray) -> FloatArray:
    """How many spreads the bounds of levels lie out in a normal distribution."""
    found: FloatArray = torch.special.ndtri(0.5 + torch.from_numpy(levels) / 200).numpy()
    return found


def _bounds(scores: FloatArray) -> list[float]:
    """How far a bound of each level lies out: (1 − level) / 2 of the errors are beyond it."""
    return [max(conformal_quantile(scores, 0.5 + level / 200), 0.0) for level in LEVELS]
