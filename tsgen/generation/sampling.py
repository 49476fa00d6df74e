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

    def codes(self, scores: Tensor, step: int) -> Tensor:
        """The codes (B,) for scores (B, V) of those that may be chosen."""
        uniform = self._uniform
        codes = scores.argmax(dim=1) if uniform is None else self._drawn(scores, uniform[step])
        if self.given is None:
            return codes
        given = self.given[:, step, 0]
        return torch.where(given.isnan(), codes, given.nan_to_num().long())

    def _drawn(self, scores: Tensor, noise: Tensor) -> Tensor:
        if self.temperature != 1.0:
            # From the best on, so that a temperature near 0 leaves that one alone.
            scores = scores - scores.amax(dim=1, keepdim=True)
            scores = scores / max(self.temperature, _LOWEST_TEMPERATURE)
        if self.top_k is not None and self.top_k < scores.shape[1]:
            least = scores.topk(self.top_k, dim=1).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        probabilities = scores.softmax(dim=1)
        if self.top_p is not None and self.top_p < 1.0:
            probabilities = _most_likely(probabilities, self.top_p)
        below = probabilities.cumsum(dim=1)
        # Their sum isn't quite 1; what is drawn is below it all the same.
        total = below.narrow(1, scores.shape[1] - 1, 1)
        return torch.searchsorted(below, noise * total, right=True).squeeze(1)


def _most_likely(probabilities: Tensor, share: float) -> Tensor:
    """Those of the fewest symbols that have a share together; 0 for the others."""
    descending, order = probabilities.sort(dim=1, descending=True)
    before = descending.cumsum(dim=1) - descending
    kept = descending.masked_fill((before >= share) & (before > 0), 0.0)  # one at least
    return torch.zeros_like(probabilities).scatter_(1, order, kept)
