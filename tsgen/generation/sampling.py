"""How the next symbol is chosen: the most likely one, or one drawn by its probability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray, IntArray
from tsgen.generation.rollout import Feedback

__all__ = ["SymbolChoice"]

_LOWEST_TEMPERATURE = 1e-30
"""Below it quotients in single precision are no numbers."""
_SORTED_WHOLE = 1024
"""Symbols that are sorted sooner than the likeliest of them are found."""


@dataclass(frozen=True, eq=False)
class SymbolChoice(Feedback):
    """Turns the scores of symbols into the code that is fed back.

    Attributes
    ----------
    given : Tensor of shape (B, H, 1), optional
        Codes that stand in for those that would be chosen; NaN where one is chosen.
    noise : Tensor of shape (B, H), optional
        Numbers from 0 to below 1, with which symbols are drawn; without them, or at a temperature
        of 0, the most likely ones are taken.
    temperature : float, default 1.0
        What scores are divided by.
    top_k : int, optional
        How many of the most likely symbols may be drawn.
    top_p : float, optional
        The most likely symbols that have this probability together may be drawn [1]_.
    never : tuple of int
        Codes that aren't chosen.

    References
    ----------
    .. [1] Holtzman et al.: The Curious Case of Neural Text Degeneration. ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> from tsgen.generation import SymbolChoice
    >>> choice = SymbolChoice(noise=torch.tensor([[0.1], [0.9]]))
    >>> choice.codes(torch.zeros(2, 4), step=0)
    tensor([0, 3])
    """

    noise: Tensor | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    never: tuple[int, ...] = ()

    def __call__(self, prediction: Tensor, step: int) -> Tensor:
        """The code (B, 1, 1) that is fed back for scores (B, 1, V)."""
        codes = self.codes(self.without_never(prediction[:, 0]), step)
        return codes[:, None, None].to(prediction.dtype)

    def without_never(self, scores: Tensor) -> Tensor:
        """Scores (..., V) by which no code is chosen that may not be."""
        if not self.never:
            return scores
        return scores.index_fill(-1, torch.tensor(self.never, device=scores.device), -torch.inf)

    @cached_property
    def _uniform(self) -> list[FloatArray] | None:
        """The noise (B, 1) of each step; no product with it is rounded up to the other factor."""
        if self.noise is None or self.temperature == 0.0:
            return None
        noise = self.noise.to("cpu", torch.float64).clamp(max=1.0 - 2.0**-52)
        return list(noise.t()[:, :, None].numpy())

    @cached_property
    def _rows(self) -> IntArray:
        """The number of each sequence, (B, 1)."""
        assert self.noise is not None
        return np.arange(len(self.noise))[:, None]

    def codes(self, scores: Tensor, step: int) -> Tensor:
        """The codes (B,) for scores (B, V) of those that may be chosen."""
        uniform, table = self._uniform, scores.numpy(force=True)
        # For a few sequences NumPy takes half the time of torch, most of which is that of its calls.
        chosen = table.argmax(axis=1) if uniform is None else self._drawn(table, uniform[step])
        codes = torch.from_numpy(chosen).to(scores.device)
        if self.given is None:
            return codes
        given = self.given[:, step, 0]
        return torch.where(given.isnan(), codes, given.nan_to_num().long())

    def _drawn(self, scores: FloatArray, noise: FloatArray) -> IntArray:
        """Draw where the noise (B, 1) falls among the sums of probabilities."""
        order, count = None, scores.shape[1]
        if self.top_k is not None and self.top_k < count:
            order = self._likeliest(scores, self.top_k)
        elif self.top_p is not None and self.top_p < 1.0:
            order = self._likeliest(scores, count)
        if order is not None:
            scores = scores[self._rows, order]
        scores = scores - scores.max(axis=1, keepdims=True)
        if self.temperature != 1.0:
            scores /= max(self.temperature, _LOWEST_TEMPERATURE)
        below = np.exp(scores, out=scores).cumsum(axis=1, dtype=np.float64)
        total = below[:, -1:]
        if self.top_p is not None and self.top_p < 1.0:
            last = (below >= self.top_p * total).argmax(axis=1)
            total = below[self._rows, last[:, None]]
        drawn = (below > noise * total).argmax(axis=1)
        return drawn if order is None else order[self._rows[:, 0], drawn]

    def _likeliest(self, scores: FloatArray, count: int) -> IntArray:
        """So many codes (B, count) of the highest scores, the best first."""
        if max(_SORTED_WHOLE, count) >= scores.shape[1]:
            return np.argsort(-scores, axis=1)[:, :count]
        some = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        return some[self._rows, np.argsort(-scores[self._rows, some], axis=1)]
