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


class WindowErrors(NamedTuple):
    """Sums over the counted steps of each window, and their number; both of shape (B,)."""

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
    """

    loss: Loss = "mse"
    warmup: int = 0

    def unit(self, targets: Tensor, counted: Tensor) -> Tensor:
        """What errors of each window are measured in, (B, 1): the spread of its counted targets.

        A window that leaves the range of its context, after which it is normalised, can't own the
        loss.
        """
        return _spread(targets, self._without_warmup(counted)).clamp(min=1.0)

    def window_errors(
        self, predictions: Tensor, targets: Tensor, counted: Tensor, unit: Tensor | None = None
    ) -> WindowErrors:
        """The errors of each window, summed over its counted steps.

        Parameters
        ----------
        predictions, targets : Tensor of shape (B, T)
            In the normaliser's units.
        counted : Tensor of shape (B, T)
            1 where a step has a known target, else 0.
        unit : Tensor of shape (B, 1), optional
            Where these steps are part of a window: what its errors are measured in.

        Returns
        -------
        WindowErrors
        """
        if unit is None:
            unit = self.unit(targets, counted)
        counted = self._without_warmup(counted)
        errors = LOSSES[self.loss](predictions / unit, targets / unit, reduction="none")
        return WindowErrors((errors * counted).sum(dim=1), counted.sum(dim=1))

    def _without_warmup(self, counted: Tensor) -> Tensor:
        first = counted[:, : self.warmup]
        return torch.cat([torch.zeros_like(first), counted[:, self.warmup :]], dim=1)


def _spread(targets: Tensor, counted: Tensor) -> Tensor:
    """Standard deviation of each window's counted targets, ``(B, 1)``."""
    count = counted.sum(dim=1, keepdim=True).clamp(min=1.0)
    mean = (targets * counted).sum(dim=1, keepdim=True) / count
    return (((targets - mean).square() * counted).sum(dim=1, keepdim=True) / count).sqrt()
