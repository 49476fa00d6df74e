"""An encoder–decoder under training: batches of pairs of like length, and their cross-entropy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import IntArray
from tsgen.data import SymbolPanel
from tsgen.nn import RolloutState, Seq2SeqArchitecture, Seq2SeqNetwork, TensorRecord
from tsgen.training.data_module import TrainingData
from tsgen.training.symbol_data import (
    DrawsHeldOut,
    DrawsOfEpochs,
    batches_of_like_length,
    random_of_epoch,
    some_held_out,
)
from tsgen.training.symbol_module import CrossEntropyModule

__all__ = ["PairBatch", "PairModule", "SymbolPairs"]


@dataclass(frozen=True, eq=False)
class PairBatch(TensorRecord):
    """Sources and their targets, B of each.

    Attributes
    ----------
    sources : Tensor of shape (B, S)
        Codes.
    lengths : Tensor of shape (B,)
        How many of them each source has.
    values : Tensor of shape (B, 1 + T, 1)
        Codes of targets, after one that stands for nothing.
    known : Tensor of shape (B, 1 + T, 1)
        1 where there is a symbol, else 0.
    series : Tensor of shape (B,)
        Which pairs they are.
    """

    sources: Tensor
    lengths: Tensor
    values: Tensor
    known: Tensor
    series: Tensor

    @property
    def targets(self) -> Tensor:
        """The codes that are predicted, (B, T)."""
        return self.values[:, 1:, 0].long()

    @property
    def counted(self) -> Tensor:
        """1 where a prediction counts, (B, T)."""
        return self.known[:, 1:, 0]

    @property
    def warmup(self) -> int:
        """Symbols of targets that are given before predictions are judged."""
        return 0


class SymbolPairs(TrainingData):
    """An endless, seeded stream of pairs, those of similar length together.

    Parameters
    ----------
    sources, targets : SymbolPanel
        With their stop symbols; as many of both.
    batch_size : int, default 64
        Pairs a step, in each process.
    val_share : float, default 0.0
        The share of the pairs that training doesn't see.
    seed : int, default 0

    Examples
    --------
    >>> from tsgen.data import learn_sequences
    >>> from tsgen.training import SymbolPairs
    >>> panel = learn_sequences(["ab", "b", "aba"]).panel
    >>> data = SymbolPairs(panel, panel, batch_size=2)
    >>> data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0).targets.shape[0] < 3
    True
    """

    def __init__(
        self,
        sources: SymbolPanel,
        targets: SymbolPanel,
        *,
        batch_size: int = 64,
        val_share: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._sources, self._targets = sources, targets
        self.batch_size, self.seed = batch_size, seed
        self._training, self._held_out = np.arange(len(targets)), np.arange(0)
        if val_share:
            self._training, self._held_out = some_held_out(len(targets), val_share, seed)
        self.validation_rows = len(self._held_out)

    def train_dataloader(self) -> DrawsOfEpochs[Tensor]:
        """Positions of pairs alone."""
        return DrawsOfEpochs(self.runs, self.trainer)

    def val_dataloader(self) -> DrawsHeldOut[Tensor]:
        """Positions of the pairs that are held out."""
        batches = self._batches(self._held_out, random_of_epoch(self.seed, 0))
        return DrawsHeldOut(batches if self.validation_rows else [], self.trainer)

    def some_windows(self) -> PairBatch:
        """A batch of what is held out, or else of what is learned."""
        pairs = self._held_out if self.validation_rows else self._training
        return self.on_after_batch_transfer(
            self._batches(pairs, random_of_epoch(self.seed, 0))[0], 0
        )

    def runs(self, number: int) -> list[tuple[Tensor]]:
        """The batches of one pass over all training pairs, none of which goes on from another."""
        return [
            (batch,) for batch in self._batches(self._training, random_of_epoch(self.seed, number))
        ]

    def _batches(self, pairs: IntArray, random: np.random.Generator) -> list[Tensor]:
        lengths = [self._targets.lengths[pairs], self._sources.lengths[pairs]]
        batches = batches_of_like_length(lengths, self.batch_size, random)
        return [torch.from_numpy(pairs[batch]) for batch in batches]

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> PairBatch:
        """Gather the codes of pairs, on the device that their positions were sent to."""
        pairs, device = batch.cpu().numpy(), batch.device
        sources, targets = self._sources.take(pairs), self._targets.take(pairs)
        codes = torch.from_numpy(targets.padded().astype(np.float32)).to(device)
        lengths = torch.from_numpy(targets.lengths).to(device)
        known = torch.arange(codes.shape[1], device=device) < lengths[:, None]
        before = torch.nn.functional.pad  # a step that is nothing
        return PairBatch(
            torch.from_numpy(sources.padded().astype(np.int64)).to(device),
            torch.from_numpy(sources.lengths).to(device),
            before(torch.where(known, codes, 0.0), (1, 0))[:, :, None],
            before(known.to(torch.float32), (1, 0))[:, :, None],
            batch,
        )

    def fingerprint(self) -> str:
        """A digest of the pairs and of how they are drawn."""
        digest = hashlib.sha256(repr((self.batch_size, self.seed)).encode())
        for panel in (self._sources, self._targets):
            for array in (panel.codes, panel.offsets, self._training):
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


class PairModule(CrossEntropyModule[Seq2SeqNetwork, PairBatch]):
    """An encoder–decoder of symbols under training, for any ``Trainer`` with ``max_steps``.

    What is minimised is the cross-entropy of the next symbol of targets, in nats.

    Parameters
    ----------
    architecture : Seq2SeqArchitecture
    **settings
        As in `CrossEntropyModule`.

    Examples
    --------
    >>> from tsgen.nn import Seq2SeqArchitecture
    >>> from tsgen.training import PairModule
    >>> PairModule(Seq2SeqArchitecture(symbols=27, source_symbols=9)).network.vectors.shape
    torch.Size([27, 16])
    """

    def __init__(self, architecture: Seq2SeqArchitecture, **settings: Any) -> None:
        super().__init__(architecture.network(), **settings)

    def start(self, network: Seq2SeqNetwork, batch: PairBatch) -> RolloutState:
        """Encode the sources."""
        return network.encode(batch.sources, batch.lengths)
