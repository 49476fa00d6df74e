"""The best sequences that a network of symbols can go on with, by a search of limited width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen._runtime import side_by_side
from tsgen.generation.dispatch import blocks_of_symbols
from tsgen.generation.stepped import steps_of_symbols
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


class BeamSearch(NamedTuple):
    """How wide to search, and what is best.

    Attributes
    ----------
    width : int
        K, the beams.
    length_penalty : float, default 1.0
        The power of the length that sums of log-probabilities are divided by: 1 compares means,
        0 the sums themselves, and larger ones prefer long sequences.
    never : tuple of int
        Codes that aren't chosen.
    """

    width: int
    length_penalty: float = 1.0
    never: tuple[int, ...] = ()

    def score(self, sums: Tensor, steps: int) -> Tensor:
        """That of sequences of so many steps."""
        return sums / math.pow(steps, self.length_penalty)


@torch.inference_mode()
def beam_search(
    network: SymbolNetwork,
    state: RolloutState,
    horizon: int,
    search: BeamSearch,
    stopping: Stopping | None = None,
    given: Tensor | None = None,
) -> Beams:
    """Continue B states by the K best sequences of up to H symbols.

    All beams of a block of states are one batch. A sequence that ends is kept beside those that go
    on, and the search of a state ends once the best of these would be no better than the K-th that
    is kept, if it ended with the next symbol. What takes longer could still come to more where
    sums are divided by lengths, which hardly happens, and would take the whole horizon to know.

    Parameters
    ----------
    network : SymbolNetwork
    state : RolloutState
    horizon : int
        H.
    search : BeamSearch
    stopping : Stopping, optional
        Which symbols end a sequence.
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
    ends = torch.empty(0, dtype=torch.long, device=network.device)
    if stopping is not None:
        ends = stopping.ends.nonzero()[:, 0]

    def block(rows: Tensor) -> Beams:
        own, known = state.take(rows), None if given is None else given[rows]
        return _search_block(network, own, horizon, search, ends, known)

    blocks = blocks_of_symbols(network, len(state), search.width)
    return Beams.cat(side_by_side([partial(block, rows) for rows in blocks]))


class _Chosen(NamedTuple):
    """What the best K of each sequence have come to in a step."""

    sums: Tensor
    """Of log-probabilities, (B, K)."""
    parents: Tensor
    """The beams that they go on from."""
    codes: Tensor


@dataclass(frozen=True, eq=False)
class _Found:
    """The best K sequences so far that have ended, by their last symbols; all of shape (B, K)."""

    scores: Tensor
    steps: Tensor
    parents: Tensor
    codes: Tensor

    def with_those(self, ended: _Chosen, search: BeamSearch, steps: int) -> _Found:
        """The best K of these and of others, that end now."""
        scores = torch.cat([self.scores, search.score(ended.sums, steps)], dim=1)
        scores, best = scores.topk(search.width)
        others = torch.full_like(self.steps, steps), ended.parents, ended.codes
        pairs = zip((self.steps, self.parents, self.codes), others, strict=True)
        return _Found(scores, *(torch.cat(pair, dim=1).gather(1, best) for pair in pairs))

    def traced(self, choices: Sequence[_Chosen], horizon: int) -> Beams:
        """The whole sequences, from their ends back to where they begin; 0 behind an end."""
        path = self.codes.new_zeros(*self.codes.shape, horizon)
        beams = torch.zeros_like(self.parents)
        for step, (_, parents, codes) in reversed(list(enumerate(choices))):
            ends = self.steps == step + 1
            path[:, :, step] = torch.where(ends, self.codes, codes.gather(1, beams))
            beams = torch.where(ends, self.parents, parents.gather(1, beams))
        behind = torch.arange(horizon, device=path.device) >= self.steps[:, :, None]
        return Beams(path.masked_fill_(behind, 0), self.steps, self.scores)


def _search_block(
    network: SymbolNetwork,
    state: RolloutState,
    horizon: int,
    search: BeamSearch,
    ends: Tensor,
    given: Tensor | None,
) -> Beams:
    """As `beam_search`, with the codes (E,) that end a sequence."""
    batch, width = len(state), search.width
    first = torch.arange(batch, device=state.values.device)[:, None] * width
    following = steps_of_symbols(network, state.beams(width), batch * width * horizon)
    sums = state.values.new_full((batch, width), -torch.inf)
    nothing = torch.zeros_like(sums, dtype=torch.long)
    found = _Found(sums.clone(), nothing, nothing, nothing)
    sums[:, 0] = 0.0  # one beam to begin with
    choices: list[_Chosen] = []
    for step in range(horizon):
        scores = following(choices[-1].codes.flatten() if choices else None)
        likely = scores.log_softmax(dim=1).view(batch, width, -1)
        likely[:, :, list(search.never)] = -torch.inf
        if given is not None:
            likely = _only(likely, given[:, step])
        total = likely.add_(sums[:, :, None])
        if len(ends):
            ended = _best(total[:, :, ends])
            found = found.with_those(ended._replace(codes=ends[ended.codes]), search, step + 1)
        choices.append(_best(total.index_fill_(2, ends, -torch.inf)))
        sums = choices[-1].sums
        if step + 1 == horizon:
            found = found.with_those(choices[-1], search, horizon)
        elif len(ends):
            over = found.scores[:, -1] >= search.score(sums[:, 0], step + 2)
            if over.all():
                break
            sums = sums.masked_fill(over[:, None], -torch.inf)
        following.take((first + choices[-1].parents).flatten())
    return found.traced(choices, horizon)


def _best(total: Tensor) -> _Chosen:
    """The best K of all beams and of so many symbols, (B, K, symbols)."""
    _, width, count = total.shape
    sums, chosen = total.flatten(1).topk(width)
    return _Chosen(sums, chosen // count, chosen % count)


def _only(likely: Tensor, given: Tensor) -> Tensor:
    """What is known, (B,), is all that can come next."""
    codes = torch.arange(likely.shape[2], device=likely.device)
    others = (codes != given[:, None]) & ~given.isnan()[:, None]
    return likely.masked_fill(others[:, None], -torch.inf)
