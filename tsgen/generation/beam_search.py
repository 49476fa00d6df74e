"""The best sequences that a network of symbols can go on with, by a search of limited width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen.generation.stopping import Stopping
from tsgen.nn import RolloutState, SymbolNetwork, TensorRecord

__all__ = ["BeamSearch", "Beams", "beam_search"]


@dataclass(frozen=True, eq=False)
class Beams(TensorRecord):
    """The best K sequences that were found for each of B, the best first.

    Attributes
    ----------
    path : Tensor of shape (B, K, H)
        Codes.
    steps : Tensor of shape (B, K)
        How many of them there are, with the one that stops.
    scores : Tensor of shape (B, K)
        The sum of log-probabilities, divided by ``steps ** length_penalty``; -inf where there are
        fewer than K sequences.
    """

    path: Tensor
    steps: Tensor
    scores: Tensor

    def merged(self, others: Beams) -> Beams:
        """The best K of both."""
        scores, best = torch.cat([self.scores, others.scores], dim=1).topk(self.scores.shape[1])
        steps = torch.cat([self.steps, others.steps], dim=1).gather(1, best)
        path = torch.cat([self.path, others.path], dim=1)
        path = path.gather(1, best[:, :, None].expand(-1, -1, path.shape[2]))
        return Beams(path, steps, scores)


class BeamSearch(NamedTuple):
    """How wide to search, and what is best.

    Attributes
    ----------
    width : int
        K, the beams.
    length_penalty : float, default 1.0
        The power of the length that sums of log-probabilities are divided by: 1 compares means,
        0 the sums themselves, and larger ones prefer long sequences.
    """

    width: int
    length_penalty: float = 1.0

    def score(self, sums: Tensor, steps: int) -> Tensor:
        """That of sequences of so many steps."""
        return sums / math.pow(steps, self.length_penalty)

    def reachable(self, sums: Tensor, steps: int, horizon: int) -> Tensor:
        """The best that longer ones can come to, since no step adds anything above 0."""
        return self.score(sums, horizon if self.length_penalty > 0 else steps + 1)


@torch.inference_mode()
def beam_search(
    network: SymbolNetwork,
    state: RolloutState,
    horizon: int,
    search: BeamSearch,
    stopping: Stopping | None = None,
    *,
    never: tuple[int, ...] = (),
    given: Tensor | None = None,
) -> Beams:
    """Continue B states by the K best sequences of up to H symbols.

    All beams of all states are one batch. A sequence that ends is kept beside those that go on,
    and the search ends once none of these can be better.

    Parameters
    ----------
    network : SymbolNetwork
    state : RolloutState
    horizon : int
        H.
    search : BeamSearch
    stopping : Stopping, optional
        Which symbols end a sequence.
    never : tuple of int
        Codes that aren't chosen.
    given : Tensor of shape (B, H), optional
        Codes that are known; NaN where they aren't.

    Examples
    --------
    >>> import torch
    >>> from tsgen.generation import BeamSearch, beam_search
    >>> from tsgen.nn import SymbolArchitecture
    >>> network = SymbolArchitecture(symbols=5).network().eval()
    >>> beams = beam_search(network, network.begin(2), 6, BeamSearch(width=3))
    >>> beams.path.shape, beams.scores.shape
    (torch.Size([2, 3, 6]), torch.Size([2, 3]))
    """
    batch, width, count = len(state), search.width, network.architecture.symbols
    device = state.values.device
    sequences = torch.arange(batch, device=device)
    state = state.beams(width)
    path = torch.zeros(batch, width, horizon, dtype=torch.long, device=device)
    sums = torch.full((batch, width), -torch.inf, device=device)
    sums[:, 0] = 0.0  # one beam to begin with
    found = Beams(path, torch.zeros_like(path[:, :, 0]), torch.full_like(sums, -torch.inf))
    ends = torch.zeros(count, dtype=torch.bool, device=device)
    if stopping is not None:
        ends = stopping.ends
    for step in range(horizon):
        scores, state = network.step(state)
        likely = scores[:, 0].log_softmax(dim=1).view(batch, width, count)
        likely[:, :, list(never)] = -torch.inf
        if given is not None:
            likely = _only(likely, given[:, step])
        total = sums[:, :, None] + likely
        if stopping is not None:
            ending, _ = _best(total, ~ends, path, step, width)
            found = found.merged(_beams(ending, search, step + 1))
        going_on, parents = _best(total, ends, path, step, width)
        path, sums = going_on
        if step + 1 == horizon:
            return found.merged(_beams(going_on, search, horizon))
        state = state.take_beams((sequences[:, None] * width + parents).flatten())
        state = state.fed(path[:, :, step].reshape(-1, 1, 1).to(scores.dtype))
        if stopping is not None:
            reachable = search.reachable(sums[:, 0], step + 1, horizon)
            if bool((found.scores[:, -1] >= reachable).all()):
                break
    return found


class _Going(NamedTuple):
    path: Tensor
    sums: Tensor


def _beams(going: _Going, search: BeamSearch, steps: int) -> Beams:
    counts = torch.full_like(going.path[:, :, 0], steps)
    return Beams(going.path, counts, search.score(going.sums, steps))


def _best(
    total: Tensor, left_out: Tensor, path: Tensor, step: int, width: int
) -> tuple[_Going, Tensor]:
    """The best K of all beams and symbols (B, K, V), and the beams that they go on from (B, K)."""
    total = total.masked_fill(left_out, -torch.inf).flatten(1)
    most = min(width, total.shape[1])
    sums, chosen = total.topk(most)
    if most < width:  # fewer than there are beams
        sums = torch.nn.functional.pad(sums, (0, width - most), value=-torch.inf)
        chosen = torch.nn.functional.pad(chosen, (0, width - most))
    parents = chosen // len(left_out)
    longer = path.gather(1, parents[:, :, None].expand_as(path)).clone()
    longer[:, :, step] = chosen % len(left_out)
    return _Going(longer, sums), parents


def _only(likely: Tensor, given: Tensor) -> Tensor:
    """What is known, (B,), is all that can come next."""
    codes = torch.arange(likely.shape[2], device=likely.device)
    others = (codes != given[:, None]) & ~given.isnan()[:, None]
    return likely.masked_fill(others[:, None], -torch.inf)
