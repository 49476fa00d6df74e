"""How the next symbol is chosen: the most likely one, or one drawn by its probability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tsgen.generation.rollout import Feedback

__all__ = ["SymbolChoice"]

_LOWEST_TEMPERATURE = 1e-30
"""Below it quotients in single precision are no numbers."""


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
    def _uniform(self) -> tuple[Tensor, ...] | None:
        """The noise (B, 1) of each step; no product with it is rounded up to the other factor."""
        if self.noise is None or self.temperature == 0.0:
            return None
        noise = self.noise.to(torch.float32).clamp(max=1.0 - 2.0**-23)
        return noise.t()[:, :, None].contiguous().unbind()

    @cached_property
    def _share(self) -> Tensor | None:
        """The probability (B, 1) that those that may be drawn have, if not all may."""
        if self.noise is None or self.top_p is None or self.top_p >= 1.0:
            return None
        return self.noise.new_full((len(self.noise), 1), self.top_p, dtype=torch.float32)

    def codes(self, scores: Tensor, step: int) -> Tensor:
        """The codes (B,) for scores (B, V) of those that may be chosen."""
        uniform = self._uniform
        codes = scores.argmax(dim=1) if uniform is None else self._drawn(scores, uniform[step])
        if self.given is None:
            return codes
        given = self.given[:, step, 0]
        return torch.where(given.isnan(), codes, given.nan_to_num().long())

    def _drawn(self, scores: Tensor, noise: Tensor) -> Tensor:
        """Draw where the noise (B, 1) falls among the sums of probabilities.

        For a prompt alone, most of the time of each operation is that of its call: there are few.
        """
        order, share, count = None, self._share, scores.shape[1]
        most = count if self.top_k is None else min(self.top_k, count)
        if share is not None or most < count:
            scores, order = scores.topk(most, dim=1)  # the best first
        if self.temperature != 1.0:
            scores = scores / max(self.temperature, _LOWEST_TEMPERATURE)
        below = scores.softmax(dim=1).cumsum(dim=1)
        if share is None:
            total = below.narrow(1, most - 1, 1)  # isn't quite 1; what is drawn is below it
        else:
            last = torch.searchsorted(below, share.to(below.dtype)).clamp_(max=most - 1)
            total = below.gather(1, last)
        drawn = torch.searchsorted(below, noise * total, right=True)
        return (drawn if order is None else order.gather(1, drawn)).squeeze(1)
