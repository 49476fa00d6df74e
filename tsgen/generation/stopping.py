"""Where generated sequences end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Ending", "Stopping"]


class Ending(NamedTuple):
    """Where paths end."""

    lengths: Tensor
    """Of the shape of the batch: the symbols of each."""
    ended: Tensor
    """Whether each ended by itself, not with the horizon."""


@dataclass(frozen=True, eq=False)
class Stopping:
    """Which symbols end a sequence.

    Attributes
    ----------
    last : Tensor of shape (V,)
        Those that are the last of a sequence.
    stop : int, optional
        The one that stands behind the last.

    Examples
    --------
    >>> import torch
    >>> from tsgen.generation import Stopping
    >>> stopping = Stopping(torch.tensor([False, True, False]), stop=2)
    >>> stopping.ending(torch.tensor([[0, 1, 0], [0, 2, 0], [0, 0, 0]]))
    Ending(lengths=tensor([2, 1, 3]), ended=tensor([ True,  True, False]))
    """

    last: Tensor
    stop: int | None = None

    @property
    def ends(self) -> Tensor:
        """Which symbols end a sequence, whether it has them or not, (V,)."""
        ends = self.last.clone()
        if self.stop is not None:
            ends[self.stop] = True
        return ends

    def ending(self, path: Tensor) -> Ending:
        """Where paths of codes (..., H) end."""
        horizon = path.shape[-1]
        ends = self.ends[path]
        ended = ends.any(dim=-1)
        first = torch.where(ended, ends.to(torch.int8).argmax(dim=-1), horizon - 1)
        code = path.gather(-1, first[..., None])[..., 0]
        behind = code == (-1 if self.stop is None else self.stop)
        return Ending(torch.where(ended & behind, first, first + 1), ended)
