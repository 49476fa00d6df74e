"""A fitted model of pairs as a value: it reads sources, and generates their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from tsgen._typing import FloatArray, IntArray
from tsgen.data import Generated, SymbolPanel, Vocabulary
from tsgen.generation import ROWS_AT_ONCE, BeamSearch
from tsgen.inference.generator import FittedGenerator, Sampling, SymbolState
from tsgen.nn import Seq2SeqNetwork

__all__ = ["FittedSeq2Seq"]

_NUMBERS_AT_ONCE = 2**24
"""States and keys of encoded sources that are held in memory together."""
_UNCHECKED = 0
"""A checksum that is never asked for."""


class _Block(NamedTuple):
    """Some sources that are encoded together, and where they stand among all."""

    rows: IntArray
    state: SymbolState


@dataclass(frozen=True, eq=False)
class FittedSeq2Seq:
    """A network of pairs, and what symbols their sources and targets have.

    Attributes
    ----------
    network : Seq2SeqNetwork
        In evaluation mode, on the CPU.
    source_vocabulary : Vocabulary
    vocabulary : Vocabulary
        Of targets.
    """

    network: Seq2SeqNetwork
    source_vocabulary: Vocabulary
    vocabulary: Vocabulary

    @cached_property
    def decoder(self) -> FittedGenerator:
        """What generates targets, from where the encoder has left it."""
        return FittedGenerator(self.network, self.vocabulary, context_length=1)

    @property
    def weights(self) -> int:
        """A checksum of the weights."""
        return self.decoder.weights

    def best(self, sources: SymbolPanel, horizon: int) -> Generated:
        """Of each source the target of the most likely symbols, step by step."""
        decoder = self.decoder
        stopping = decoder.stopping()
        return self._generated(sources, lambda state: decoder.best(state, horizon, stopping))

    def drawn(
        self, sources: SymbolPanel, horizon: int, sampling: Sampling, count: int = 1
    ) -> Generated:
        """Targets whose symbols are drawn by their probabilities."""
        decoder = self.decoder
        stopping = decoder.stopping()
        return self._generated(
            sources,
            lambda state: decoder.drawn(state, horizon, sampling, count, stopping),
            copies=count,
        )

    def beams(
        self, sources: SymbolPanel, horizon: int, search: BeamSearch, count: int = 1
    ) -> Generated:
        """Of each source the best ``count`` targets that a search finds."""
        decoder = self.decoder
        stopping = decoder.stopping()
        return self._generated(
            sources,
            lambda state: decoder.beams(state, horizon, search, count, stopping),
            width=search.width,
        )

    def log_likelihood(self, sources: SymbolPanel, targets: SymbolPanel) -> FloatArray:
        """The log-probability of each target and of its end, in nats, given its source, (N,)."""
        assert self.vocabulary.stop is not None
        found = np.empty(len(targets))
        for rows, state in self._blocks(sources):
            panel = targets.take(rows).ended(self.vocabulary.stop)
            values = self.decoder.log_likelihood(panel, state)
            found[rows] = np.add.reduceat(values, panel.offsets[:-1])
        return found

    @torch.inference_mode()
    def attention(self, sources: SymbolPanel, targets: SymbolPanel) -> list[FloatArray]:
        """What each symbol of a target attends to: weights (T + 1, S + 1), with both ends."""
        assert self.vocabulary.stop is not None
        found: list[FloatArray] = [np.empty(0)] * len(targets)
        for rows, state in self._blocks(sources):
            panel = targets.take(rows).ended(self.vocabulary.stop)
            values = torch.from_numpy(panel.padded().astype(np.float32))[:, :, None]
            weights = self.network.decoded(state.loop, values, torch.ones_like(values)).weights
            assert weights is not None
            sizes = zip(rows, panel.lengths, sources.lengths[rows] + 1, strict=True)
            for place, (row, steps, read) in enumerate(sizes):
                found[row] = weights[place, :steps, :read].double().numpy()
        return found

    def _generated(
        self,
        sources: SymbolPanel,
        work: Callable[[SymbolState], Generated],
        width: int = 1,
        copies: int = 1,
    ) -> Generated:
        """What is generated of all sources, block by block, in their own order."""
        blocks = [(rows, work(state)) for rows, state in self._blocks(sources, width, copies)]
        order = np.argsort(np.concatenate([rows for rows, _ in blocks]))
        parts: Any = zip(*(generated for _, generated in blocks), strict=True)
        joined = (None if part[0] is None else np.concatenate(part)[order] for part in parts)
        return Generated(*joined)  # type: ignore[arg-type]

    def _blocks(self, sources: SymbolPanel, width: int = 1, copies: int = 1) -> Iterator[_Block]:
        """Sources of similar length together, encoded one block after the other.

        Beams share what they attend to; of loops side by side each has a copy.
        """
        order = np.argsort(-sources.lengths, kind="stable")
        size = 2 * self.network.recurrent.hidden_size * copies
        start = 0
        while start < len(order):
            longest = int(sources.lengths[order[start]]) + 1
            rows = min(ROWS_AT_ONCE // min(width, 8), max(1, _NUMBERS_AT_ONCE // (longest * size)))
            block = order[start : start + rows]
            yield _Block(block, self._encoded(sources.take(block)))
            start += rows

    @torch.inference_mode()
    def _encoded(self, sources: SymbolPanel) -> SymbolState:
        assert self.source_vocabulary.stop is not None
        read = sources.ended(self.source_vocabulary.stop)
        codes = torch.from_numpy(read.padded().astype(np.int64))
        loop = self.network.encode(codes, torch.from_numpy(read.lengths))
        return SymbolState(sources, loop, _UNCHECKED)
