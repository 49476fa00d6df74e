"""The one-step model under training: what it learns from a batch, and how it is validated."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.utilities.memory import garbage_collection_cuda, is_oom_error
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tsgen._runtime import workers
from tsgen.errors import MemoryWarning, OutOfMemoryError, SettingError, TsgenError, warn_user
from tsgen.generation import median
from tsgen.nn import (
    ENCODER_ARGUMENTS,
    Architecture,
    EncoderDecoderArchitecture,
    Recurrence,
    RecurrentNetwork,
)
from tsgen.preprocessing import WindowBatch
from tsgen.training.ensemble import Learner, loss_of, mean_over_processes, sum_of_losses
from tsgen.training.losses import Objective, WindowErrors
from tsgen.training.precision import check_precision
from tsgen.training.step import LossTerm, TrainingExamples, free_run
from tsgen.training.strategies import TeacherForcing, TrainingStrategy

__all__ = ["ForecastModule", "LearningModule", "is_out_of_memory"]

_LEAST_WORK = 50_000_000
"""Multiplications in the LSTM that a part of a batch needs to be worth a thread of its own."""
_MOST_SEEDS = 2**62
_FULL = "not enough memory", "_STATUS_ALLOC_FAILED"
"""What torch on Windows, cuDNN and cuBLAS say of a full memory, which Lightning doesn't know."""


class LearningBatch(Protocol):
    """What members learn from in one step: windows of B series."""

    @property
    def values(self) -> Tensor:
        """Of shape (B, rows, C)."""

    @property
    def series(self) -> Tensor:
        """Of shape (B,): whose windows they are."""

    def split(self, parts: int) -> Iterator[Self]:
        """Some of the windows after the other."""


Net = TypeVar("Net", bound=Recurrence)
Batch = TypeVar("Batch", bound=LearningBatch)


class LearningModule(pl.LightningModule, ABC, Generic[Net, Batch]):
    """Networks under training; a subclass says what they minimise on a batch.

    Parameters
    ----------
    networks : sequence of Recurrence
        The members of an ensemble, most often one: each learns from its own part of a batch.
    strategy : TrainingStrategy
        What is fed in while they learn.
    learning_rate : float
        The highest rate of a one-cycle schedule.
    weight_decay : float
        Of AdamW.
    seed : int
        Of what dropout and random strategies draw.
    """

    def __init__(
        self,
        networks: Sequence[Net],
        *,
        strategy: TrainingStrategy,
        learning_rate: float,
        weight_decay: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.strategy = strategy
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed
        self.take_over(networks)
        self._parts_for_memory = 1
        self._validated: Tensor
        self.logs = True
        """Whether losses are logged, which takes a tenth of a short step."""
        self.val_loss = math.nan
        """Of the last validation; a ``Trainer`` may be told not to keep what is logged."""

    def take_over(self, networks: Sequence[Net]) -> None:
        """Have these members instead of those there are."""
        first, *others = networks
        self.network = first
        # Beside the first, so that its weights have one name in files with and without others.
        self.other_members = nn.ModuleList(others)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew; from torch's own generator if there is none given."""
        for network in self.networks:
            network.reset_parameters(generator)

    @property
    def networks(self) -> tuple[Net, ...]:
        """All members of the ensemble; most often one."""
        return self.network, *self.other_members

    def setup(self, stage: str) -> None:
        """Refuse a precision that the device doesn't have, before anything is learned."""
        check_precision(
            self.trainer.precision, self.trainer.strategy.root_device, self.network.recurrent
        )

    # --- learning

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch; logs ``train_loss``, that of a member on average.

        Where a batch doesn't fit into the memory, it is learned from in halves, halves of these
        and so on, one after the other, from then on. Not where several processes learn together:
        what one of them does twice, the others would wait for in vain. Nor where a loss is scaled,
        which autograd differentiates as a whole.
        """
        while True:
            try:
                loss = self._loss(batch, batch_idx)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or _is_distributed() or self._scales_its_loss():
                    raise
                self._divide_further(batch, error)
            else:
                self._log("train_loss", loss.detach() / len(self.networks), batch)
                return loss
            garbage_collection_cuda()

    def _loss(self, batch: Batch, batch_idx: int) -> Tensor:
        learners = self._learners(batch, batch_idx)
        if not torch.is_grad_enabled() or self._scales_its_loss():
            return loss_of(learners)
        at_once = self._parts_for_memory == 1 and self._is_free_of_order()
        return sum_of_losses(learners, at_once=at_once)

    def _scales_its_loss(self) -> bool:
        """Whether gradients would vanish in half precision, had the loss not been scaled before."""
        trainer = self._trainer
        return trainer is not None and getattr(trainer.precision_plugin, "scaler", None) is not None

    def _learners(self, batch: Batch, batch_idx: int) -> list[Learner]:
        """The members, and the parts of the batch that each of them learns from."""
        seeds, progress = self._seeds(batch_idx), self._progress()
        learners = []
        for network, share, seed in zip(self.networks, self._shares(batch), seeds, strict=True):
            count = min(max(self._parts_for_memory, self._parts_at_once(share)), len(share.series))
            parts = [
                partial(
                    self._loss_terms,
                    network,
                    part,
                    progress,
                    hash((seed, number)) if number else seed,
                )
                for number, part in enumerate(share.split(count))
            ]
            learners.append(Learner(network, parts))
        return learners

    @abstractmethod
    def _loss_terms(
        self, network: Net, batch: Batch, progress: float, seed: int
    ) -> Sequence[LossTerm]:
        """The parts of what a network minimises on a batch, with draws of their own."""

    def _seeds(self, batch_idx: int) -> list[int]:
        """Of what each member draws in this step; without a trainer from torch's own generator."""
        trainer = self._trainer
        if trainer is None:
            seed = int(torch.randint(_MOST_SEEDS, ()))
        else:
            step: tuple[int, ...] = (self.seed, trainer.global_rank, trainer.global_step)
            if trainer.accumulate_grad_batches > 1:
                step = (*step, batch_idx % trainer.accumulate_grad_batches)
            seed = hash(step)
        if len(self.networks) == 1:
            return [seed]
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randint(_MOST_SEEDS, (len(self.networks),), generator=generator)
        return [int(each) for each in drawn]

    def _shares(self, batch: Batch) -> Iterator[Batch]:
        """What each member learns from: its own part of the batch."""
        return batch.split(len(self.networks))

    def _parts_at_once(self, batch: Batch) -> int:
        """Into how many parts a member's batch is divided, to be learned from side by side.

        What is drawn at random is drawn for a whole batch, so that nothing depends on the cores.
        """
        draws = self.strategy.is_random or self.network.drops_out
        if draws or not self._is_free_of_order():
            return 1
        hidden, inputs = self.network.recurrent.hidden_size, self.network.recurrent.input_size
        rows = len(batch.series) * batch.values.shape[1]
        work = rows * 4 * hidden * (hidden + inputs)
        return max(1, min(workers() // len(self.networks), work // _LEAST_WORK))

    def _is_free_of_order(self) -> bool:
        """Whether parts of a batch may be learned from at once.

        Processes wait for each other in an order, a GPU does one thing at a time, and autocast is
        a matter of a thread.
        """
        return (
            not _is_distributed()
            and self.device.type == "cpu"
            and not torch.is_autocast_enabled("cpu")
        )

    def _divide_further(self, batch: Batch, error: BaseException) -> None:
        """Learn from smaller parts from now on, if there are any."""
        share = len(batch.series) // len(self.networks)
        rows = batch.values.shape[1]
        if self._parts_for_memory >= share:
            raise OutOfMemoryError(
                f"not even one window of the batch of {share} fits into the memory ({rows:,} rows, "
                f"{self.network.recurrent.hidden_size} units): lower context_length, hidden_size "
                "or num_layers; a smaller batch_size doesn't help"
            ) from error
        if self._parts_for_memory == 1:
            warn_user(
                f"a batch of {share} windows of {rows:,} rows doesn't fit into the memory: it is "
                "learned from in parts, which takes longer and comes to the same; a smaller "
                "batch_size avoids that",
                MemoryWarning,
            )
        self._parts_for_memory *= 2

    def _log(self, name: str, value: Tensor, batch: Batch | None = None) -> None:
        """For loggers and callbacks of the trainer, where there is one."""
        if self._trainer is not None and self.logs:
            size = None if batch is None else len(batch.series)
            self.log(name, value, batch_size=size)

    def _progress(self) -> float:
        """The share of the training that is done."""
        trainer = self._trainer
        if trainer is None:
            return 1.0
        return float(min(1.0, trainer.global_step / max(trainer.estimated_stepping_batches, 1)))

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients of each member by its own norm, lest one of them slow the others."""
        if len(self.networks) == 1 or not gradient_clip_val or gradient_clip_algorithm == "value":
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
            return
        for network in self.networks:
            nn.utils.clip_grad_norm_(network.parameters(), gradient_clip_val)

    def strategy_errors(self, batch: Batch) -> Tensor:
        """The errors of each window that training minimises, summed over its steps, (B, C)."""
        of_parts = [
            torch.stack([errors.total for _, errors in part()]).sum(dim=0)
            for learner in self._learners(batch, 0)
            for part in learner.parts
        ]
        return torch.cat(of_parts)

    def configure_optimizers(self) -> Any:
        """AdamW under a one-cycle schedule: a short warm-up, then down to 0."""
        optimizer = AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        total = self.trainer.estimated_stepping_batches
        if not 0 < total < math.inf:
            raise SettingError(
                "the learning rate follows the number of steps: pass max_steps= of 1 or more"
            )
        schedule = LambdaLR(optimizer, partial(one_cycle, total=int(total)))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    # --- validating

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self._validated = torch.zeros(2, dtype=torch.float32, device=self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Predict what was held out."""
        errors = self.held_out_errors(batch)
        self._validated += torch.stack([errors.total.sum(), errors.steps.sum()])

    def on_validation_epoch_end(self) -> None:
        """Log ``val_loss``: the mean over all series of all processes, each counted once."""
        total, steps = mean_over_processes(self._validated)
        if steps > 0:  # something is held out
            self.val_loss = float(total / steps)
            self._log("val_loss", total / steps)

    @abstractmethod
    def held_out_errors(self, batch: Batch) -> WindowErrors:
        """Errors of the predictions of rows that were held out."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What makes this model, as plain values."""


class ForecastModule(LearningModule[RecurrentNetwork, WindowBatch]):
    """The one-step model under training, for any ``Trainer`` with ``max_steps``.

    Parameters
    ----------
    architecture : Architecture, optional
        Of each member's network.
    n_models : int, default 1
        M, members of an ensemble: networks that differ by their first weights and by the windows
        they see, since each learns from its own M-th part of a batch.
    objective : Objective, optional
        What is minimised; squared errors of all steps by default.
    strategy : TrainingStrategy, default TeacherForcing()
        What is fed in while the network learns.
    learning_rate : float, default 2e-3
        The highest rate of a one-cycle schedule [1]_ over all steps of the ``Trainer``.
    weight_decay : float, default 1e-4
        Of AdamW [2]_.
    seed : int, default 0
        Of what dropout and random strategies draw: a draw depends on it, the step, the process and
        the member alone. The first weights are drawn from torch's own generator.

    References
    ----------
    .. [1] Smith, Topin: Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates, 2019.
    .. [2] Loshchilov, Hutter: Decoupled Weight Decay Regularization. ICLR 2019.

    Examples
    --------
    >>> from tsgen import ForecastModule
    >>> from tsgen.nn import Architecture
    >>> module = ForecastModule(Architecture(lags=(1, 12), residual_lag=12, hidden_size=16))
    >>> module.network.recurrent.hidden_size
    16
    """

    def __init__(
        self,
        architecture: Architecture | None = None,
        *,
        n_models: int = 1,
        objective: Objective | None = None,
        strategy: TrainingStrategy | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        seed: int = 0,
    ) -> None:
        architecture = architecture or Architecture()
        super().__init__(
            [architecture.network() for _ in range(n_models)],
            strategy=strategy or TeacherForcing(),
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            seed=seed,
        )
        self.objective = objective or Objective()
        self.begun_from: int | None = None
        """A checksum of the weights that those of the members were made of, unless drawn."""

    def _loss_terms(
        self, network: RecurrentNetwork, batch: WindowBatch, progress: float, seed: int
    ) -> Sequence[LossTerm]:
        """The parts of what a network minimises on a batch, with draws of their own."""
        generator = torch.Generator(batch.values.device).manual_seed(seed)
        examples = TrainingExamples(
            *self._learned_from(network, batch), batch, progress, generator=generator
        )
        with network.drawing(generator):
            return self.strategy.loss_terms(examples)

    def _learned_from(
        self, network: RecurrentNetwork, batch: WindowBatch
    ) -> tuple[RecurrentNetwork, Objective]:
        """The network and the objective that suit a batch."""
        return network, self.objective

    def window_errors(self, batch: WindowBatch) -> WindowErrors:
        """Teacher forcing: predict every row of the windows from the observed rows before it."""
        errors = [
            TrainingExamples(network, self.objective, share).read(batch.values.shape[1])[1]
            for network, share in zip(self.networks, self._shares(batch), strict=True)
        ]
        return WindowErrors(*(torch.cat(parts) for parts in zip(*errors, strict=True)))

    def held_out_errors(self, batch: WindowBatch) -> WindowErrors:
        """Those of the closed loop."""
        return self.closed_loop_errors(batch)

    def closed_loop_errors(self, batch: WindowBatch) -> WindowErrors:
        """Errors of a rollout over the rows after the cutoffs, as of a forecast."""
        paths = [free_run(network, batch)[0] for network in self.networks]
        truth, known, _ = batch.rows(slice(batch.cutoff, None))
        path = median(torch.stack(paths))
        return Objective(self.objective.loss).window_errors(path, truth, known)

    def describe(self) -> dict[str, Any]:
        """What makes this model, as plain values."""
        recurrent, made_of = self.network.recurrent, self.network.architecture
        of_encoder = {}
        if isinstance(made_of, EncoderDecoderArchitecture):
            of_encoder = {name: getattr(made_of, name) for name in ENCODER_ARGUMENTS}
        return {
            **of_encoder,
            "cell": type(recurrent).__name__,
            "lags": list(self.network.lags),
            "hidden_size": recurrent.hidden_size,
            "num_layers": recurrent.num_layers,
            "dropout": self.network.dropout.p,
            "residual_lag": made_of.residual_lag,
            "loss": self.objective.loss,
            "strategy": repr(self.strategy),
            "begun_from": self.begun_from,
            "n_models": len(self.networks),
            "warmup": self.objective.warmup,
            "season": self.objective.season,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "channels": self.network.channels,
            "inputs": recurrent.input_size,
            "categories": {str(k): n for k, n in self.network.covariates.categories.items()},
        }


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of numpy or torch, on whichever device, says that the memory is full."""
    if isinstance(error, TsgenError):
        return False
    known = isinstance(error, MemoryError | torch.OutOfMemoryError) or is_oom_error(error)
    return known or (isinstance(error, RuntimeError) and any(said in str(error) for said in _FULL))


def one_cycle(step: int, total: int) -> float:
    """The share of the highest learning rate: up for a tenth of the steps, then a cosine to 0."""
    rise = max(total // 10, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))
