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

    def __call__(self, predictions: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
        """The loss of a batch: the mean over all counted steps, shape ().

        The arguments are those of `window_errors`.
        """
        errors = self.window_errors(predictions, targets, counted)
        return errors.total.sum() / errors.steps.sum().clamp(min=1.0)

    def window_errors(self, predictions: Tensor, targets: Tensor, counted: Tensor) -> WindowErrors:
        """The errors of each window, summed over its counted steps.

        Errors are measured in units of the window's own spread, its horizon included: a window
        that leaves the range of its context, after which it is normalised, can't own the loss.

        Parameters
        ----------
        predictions, targets : Tensor of shape (B, T)
            In the normaliser's units.
        counted : Tensor of shape (B, T)
            1 where a step has a known target, else 0.

        Returns
        -------
        WindowErrors
        """
        counted = torch.cat(
            [torch.zeros_like(counted[:, : self.warmup]), counted[:, self.warmup :]], dim=1
        )
        unit = _spread(targets, counted).clamp(min=1.0)
        errors = LOSSES[self.loss](predictions / unit, targets / unit, reduction="none")
        return WindowErrors((errors * counted).sum(dim=1), counted.sum(dim=1))


def _spread(targets: Tensor, counted: Tensor) -> Tensor:
    """Standard deviation of each window's counted targets, ``(B, 1)``."""
    count = counted.sum(dim=1, keepdim=True).clamp(min=1.0)
    mean = (targets * counted).sum(dim=1, keepdim=True) / count
    return (((targets - mean).square() * counted).sum(dim=1, keepdim=True) / count).sqrt()
