"""What training minimises: a masked mean of one-step errors over a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["LOSSES", "Loss", "Objective", "WindowErrors"]

Loss: TypeAlias = Literal["mse", "mae", "huber"]

LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
}

_LEAST_CHANGE = 0.02
"""Over a season, in a window's units; less is as much as a repetition."""


class WindowErrors(NamedTuple):
    """Sums over the counted steps of each window, and their number; both of shape (B, C)."""

    total: Tensor
    steps: Tensor


@dataclass(frozen=True)
class Objective:
    """The mean error of all steps of a window after a short warm-up.

    Attributes
    ----------
    loss : {"mse", "mae", "huber"}, default "mse"
        Of each step. Huber's threshold is 1, in the window's units.
    warmup : int, default 0
        Steps at the start of a window that don't count, since the state is still empty.
    season : int, optional
        Rows in the season whose changes count in the unit of errors; by default none do.
    change_share : float, default 0.5
        How much they count: 0 measures errors in the spread of a window alone, 1 in its mean
        change over a season alone, and between lie their weighted geometric means.
    limit : float, optional
        The largest error of a step, in that unit; there is none by default.
    """

    loss: Loss = "mse"
    warmup: int = 0
    season: int | None = None
    change_share: float = 0.5
    limit: float | None = None

    def unit(self, targets: Tensor, counted: Tensor) -> Tensor:
        """What errors of each window are measured in, (B, 1, C): the spread of its counted targets.

        A window that leaves the range of its context, after which it is normalised, can't own the
        loss. Where there is a season, the change over a season counts, too: measured in the spread
        alone, windows that repeat themselves closely would hardly count, measured in the change
        alone they would own the loss, unless errors are limited.
        """
        counted = self._without_warmup(counted)
        spread = _spread(targets, counted).clamp(min=1.0)
        season = self.season
        if season is None or targets.shape[1] <= season:
            return spread
        pairs = counted[:, season:] * counted[:, :-season]
        changes = (targets[:, season:] - targets[:, :-season]).abs() * pairs
        change = changes.sum(dim=1, keepdim=True) / pairs.sum(dim=1, keepdim=True).clamp(min=1.0)
        known = pairs.any(dim=1, keepdim=True)
        change = torch.where(known, change.clamp(min=_LEAST_CHANGE), spread)
        if self.change_share == 0.5:
            return (spread * change).sqrt()
        return spread ** (1.0 - self.change_share) * change**self.change_share

    def window_errors(
        self, predictions: Tensor, targets: Tensor, counted: Tensor, unit: Tensor | None = None
    ) -> WindowErrors:
        """The errors of each window, summed over its counted steps.

        Parameters
        ----------
        predictions, targets : Tensor of shape (B, T, C)
            In the normaliser's units.
        counted : Tensor of shape (B, T, C)
            1 where a step has a known target, else 0.
        unit : Tensor of shape (B, 1, C), optional
            Where these steps are part of a window: what its errors are measured in.

        Returns
        -------
        WindowErrors
        """
        if unit is None:
            unit = self.unit(targets, counted)
        counted = self._without_warmup(counted)
        errors = LOSSES[self.loss](predictions / unit, targets / unit, reduction="none")
        if self.limit is not None:
            errors = errors.clamp(max=self.limit)
        return WindowErrors((errors * counted).sum(dim=1), counted.sum(dim=1))

    def _without_warmup(self, counted: Tensor) -> Tensor:
        first = counted[:, : self.warmup]
        return torch.cat([torch.zeros_like(first), counted[:, self.warmup :]], dim=1)


def _spread(targets: Tensor, counted: Tensor) -> Tensor:
    """Standard deviation of each window's counted targets, ``(B, 1, C)``."""
    count = counted.sum(dim=1, keepdim=True).clamp(min=1.0)
    mean = (targets * counted).sum(dim=1, keepdim=True) / count
    return (((targets - mean).square() * counted).sum(dim=1, keepdim=True) / count).sqrt()
