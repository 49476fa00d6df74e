"""Dropout that is the same at all steps of a window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tsgen.errors import SettingError

__all__ = ["Dropout"]


class Dropout(nn.Module):
    """Drops hidden units in training: of a window the same ones at all of its steps [1]_.

    Parameters
    ----------
    p : float
        The probability of a unit to be dropped.

    References
    ----------
    .. [1] Gal, Ghahramani: A Theoretically Grounded Application of Dropout in Recurrent Neural
       Networks. NeurIPS 2016.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise SettingError(f"dropout={p}: expected a probability below 1")
        self.p = p
        self._generator: torch.Generator | None = None

    @contextmanager
    def drawing(self, generator: torch.Generator) -> Iterator[None]:
        """Draw from a generator for a while, instead of from the one of all threads."""
        self._generator = generator
        try:
            yield
        finally:
            self._generator = None

    def forward(self, hidden: Tensor) -> Tensor:
        """Units (B, T, hidden), of which some are 0 and the others larger, to the same mean."""
        mask = self.mask(hidden)
        return hidden if mask is None else hidden * mask

    def mask(self, like: Tensor) -> Tensor | None:
        """What units (B, T, hidden) are multiplied by, (B, 1, hidden); nothing outside training."""
        if not self.training or self.p == 0.0:
            return None
        batch, _, units = like.shape
        draws = torch.rand(
            batch, 1, units, generator=self._generator, dtype=torch.float32, device=like.device
        )
        return (draws >= self.p).to(like.dtype) / (1.0 - self.p)
