"""A network of symbols under training: cross-entropy, and the state that windows carry along."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from tsgen.nn import RecurrentState, RolloutState, SymbolArchitecture, SymbolNetwork
from tsgen.training.lightning_module import LearningBatch, LearningModule
from tsgen.training.losses import WindowErrors
from tsgen.training.step import LossTerm
from tsgen.training.strategies import ScheduledSampling, TeacherForcing, TrainingStrategy
from tsgen.training.symbol_data import SymbolBatch

__all__ = ["CrossEntropyModule", "SymbolModule"]


class CodesBatch(LearningBatch, Protocol):
    """Codes that are predicted one after the other."""

    @property
    def known(self) -> Tensor:
        """Of shape (B, 1 + T, 1): 1 where there is a symbol, else 0."""

    @property
    def counted(self) -> Tensor:
        """Of shape (B, T): 1 where a prediction counts, else 0."""

    @property
    def targets(self) -> Tensor:
        """The codes that are predicted, (B, T)."""


Net = TypeVar("Net", bound=SymbolNetwork)
Batch = TypeVar("Batch", bound=CodesBatch)


class CrossEntropyModule(LearningModule[Net, Batch]):
    """Networks of symbols under training; a subclass says where they start.

    Parameters
    ----------
    network : SymbolNetwork
    label_smoothing : float, default 0.0
        The share of the probability that is to be spread over all symbols [1]_.
    strategy : TeacherForcing or ScheduledSampling, default TeacherForcing()
        What is fed in while the network learns.
    learning_rate, weight_decay, seed
        As in `LearningModule`.

    References
    ----------
    .. [1] Szegedy et al.: Rethinking the Inception Architecture for Computer Vision. CVPR 2016.
    """

    def __init__(
        self,
        network: Net,
        *,
        label_smoothing: float = 0.0,
        strategy: TrainingStrategy | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        seed: int = 0,
    ) -> None:
        super().__init__(
            [network],
            strategy=strategy or TeacherForcing(),
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            seed=seed,
        )
        self.label_smoothing = label_smoothing

    @abstractmethod
    def start(self, network: Net, batch: Batch) -> RolloutState:
        """Before the first symbol that is predicted."""

    def _loss_terms(
        self, network: Net, batch: Batch, progress: float, seed: int
    ) -> Sequence[LossTerm]:
        generator = torch.Generator(batch.values.device).manual_seed(seed)
        values, known = batch.values[:, 1:], batch.known[:, 1:]
        with network.drawing(generator):
            start = self.start(network, batch)
            fed = self._fed(network, start, values, known, progress, generator)
            scores, state = network.read(start, fed, known)
        self._carry(batch, state)
        return [LossTerm(1.0, self._errors(scores, batch, self.label_smoothing))]

    def _fed(
        self,
        network: Net,
        start: RolloutState,
        values: Tensor,
        known: Tensor,
        progress: float,
        random: torch.Generator,
    ) -> Tensor:
        """The symbols that are read, some of which the network itself draws."""
        if not isinstance(self.strategy, ScheduledSampling):
            return values
        observed = self.strategy.probability(progress)
        if observed == 1.0:
            return values
        with torch.no_grad():
            scores, _ = network.read(start, values, known)
            likely = scores.softmax(dim=-1).flatten(0, 1)
            drawn = torch.multinomial(likely, 1, generator=random).view_as(values)
            shape = values.shape if self.strategy.per == "step" else (1, 1, 1)
            coins = torch.rand(shape, generator=random, device=values.device)
        return torch.where(coins < observed, values, drawn.to(values.dtype))

    def _errors(self, scores: Tensor, batch: Batch, smoothing: float = 0.0) -> WindowErrors:
        errors = functional.cross_entropy(
            scores.flatten(0, 1), batch.targets.flatten(), reduction="none",
            label_smoothing=smoothing,
        ).view_as(batch.counted)  # fmt: skip
        counted = batch.counted
        total = (errors * counted).sum(dim=1, keepdim=True)
        return WindowErrors(total, counted.sum(dim=1, keepdim=True))

    def _carry(self, batch: Batch, state: RolloutState) -> None:
        """Keep what the next batch begins with; nothing, where none goes on from another."""

    def held_out_errors(self, batch: Batch) -> WindowErrors:
        """The cross-entropy of what is held out."""
        scores, _ = self.network.read(
            self.start(self.network, batch), batch.values[:, 1:], batch.known[:, 1:]
        )
        return self._errors(scores, batch)

    def describe(self) -> dict[str, Any]:
        """What makes this model, as plain values."""
        return {
            "architecture": repr(self.network.architecture),
            "label_smoothing": self.label_smoothing,
            "strategy": repr(self.strategy),
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
        }


class SymbolModule(CrossEntropyModule[SymbolNetwork, SymbolBatch]):
    """A network of symbols under training, for any ``Trainer`` with ``max_steps``.

    What is minimised is the cross-entropy of the next symbol, in nats. A window goes on from where
    the one before it in the same piece has ended, without gradients into that.

    Parameters
    ----------
    architecture : SymbolArchitecture
    **settings
        As in `CrossEntropyModule`.

    Examples
    --------
    >>> from tsgen.nn import SymbolArchitecture
    >>> from tsgen.training import SymbolModule
    >>> SymbolModule(SymbolArchitecture(symbols=27)).network.vectors.shape
    torch.Size([27, 16])
    """

    def __init__(self, architecture: SymbolArchitecture, **settings: Any) -> None:
        super().__init__(architecture.network(), **settings)
        self._carried: RecurrentState | None = None

    def training_step(self, batch: SymbolBatch, batch_idx: int) -> Tensor:
        """The loss of a batch, after which its states are those of the next one."""
        before = self._carried if batch.goes_on else None
        if before is None:
            before = self.network.initial_state(len(batch))
        self._carried = tuple(part.clone() for part in before)
        return super().training_step(replace(batch, recurrent=before), batch_idx)

    def start(self, network: SymbolNetwork, batch: SymbolBatch) -> RolloutState:
        """Where windows go on, or begin."""
        recurrent = batch.recurrent
        if recurrent is None:
            recurrent = network.initial_state(len(batch))
        return RolloutState(recurrent, batch.values[:, :1], batch.known[:, :1])

    def _carry(self, batch: SymbolBatch, state: RolloutState) -> None:
        """Keep where the windows have ended, each in its row."""
        if self._carried is None:
            return
        for kept, part in zip(self._carried, state.recurrent, strict=True):
            kept.index_copy_(1, batch.rows, part.detach())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Windows go on from these states after a crash, too."""
        checkpoint["carried"] = self._carried

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """And back."""
        self._carried = checkpoint["carried"]
