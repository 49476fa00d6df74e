"""Lightning's two halves: the model's training step, and the windows it is fed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tsgen.engine import ROWS_AT_ONCE, median
from tsgen.errors import SettingError
from tsgen.features import input_size
from tsgen.lessons import Lesson, free_run
from tsgen.members import Learner, sum_of_losses
from tsgen.network import Cell, CovariateEmbedding, RecurrentNetwork
from tsgen.objective import Loss, Objective, WindowErrors
from tsgen.strategies import TeacherForcing, TrainingStrategy
from tsgen.windows import Draw, Series, ValueRange, WindowBatch, WindowSampler, WindowShape

__all__ = ["ForecastModule", "WindowDataModule"]

_WINDOWS_SEEN = 512
"""Windows from which the range of values in training is taken."""


class ForecastModule(pl.LightningModule):
    """The one-step model under training, for any ``Trainer`` with ``max_steps``.

    Parameters
    ----------
    lags : sequence of int, default (1,)
        Lags in rows; the first is 1.
    cell : {"lstm", "gru"}, default "lstm"
    hidden_size : int, default 64
    num_layers : int, default 1
    dropout : float, default 0.0
    residual_lag : int, optional
        The lag to which the network's output is added; one of ``lags``.
    loss : {"mse", "mae", "huber"}, default "mse"
    strategy : TrainingStrategy, default TeacherForcing()
        What is fed in while the network learns.
    warmup : int, default 0
        Steps at the start of a window that don't count in the loss.
    season : int, default 1
        Rows in a season by whose changes the errors of a window count, too; 1 for its spread alone.
    learning_rate : float, default 2e-3
        The highest rate of a one-cycle schedule [1]_ over all steps of the ``Trainer``.
    weight_decay : float, default 1e-4
        Of AdamW [2]_.
    channels : int, default 1
        C, the series of a system, which are predicted together.
    covariates : int, default 0
        D, the columns of covariates.
    categories : mapping of int to int, optional
        Of each column of covariates that holds the numbers of categories, how many there are.
    n_models : int, default 1
        M, members of an ensemble: networks that differ by their first weights and by the windows
        they see, since each learns from its own M-th part of a batch.

    References
    ----------
    .. [1] Smith, Topin: Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates, 2019.
    .. [2] Loshchilov, Hutter: Decoupled Weight Decay Regularization. ICLR 2019.

    Examples
    --------
    >>> from tsgen import ForecastModule
    >>> module = ForecastModule(lags=(1, 12), residual_lag=12, hidden_size=16)
    >>> module.network.recurrent.hidden_size
    16
    """

    def __init__(
        self,
        *,
        lags: Sequence[int] = (1,),
        cell: Cell = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        residual_lag: int | None = None,
        loss: Loss = "mse",
        strategy: TrainingStrategy | None = None,
        warmup: int = 0,
        season: int = 1,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        channels: int = 1,
        covariates: int = 0,
        categories: Mapping[int, int] | None = None,
        n_models: int = 1,
    ) -> None:
        super().__init__()
        self.lags = tuple(lags)
        if residual_lag is not None and residual_lag not in self.lags:
            raise SettingError(f"residual_lag={residual_lag} isn't one of lags={self.lags}")

        def network() -> RecurrentNetwork:
            embedding = CovariateEmbedding(covariates, categories or {})
            return RecurrentNetwork(
                input_size(self.lags, channels, embedding.width),
                cell=cell,
                hidden_size=hidden_size,
                num_layers=num_layers,
                dropout=dropout,
                residual_channel=None
                if residual_lag is None
                else self.lags.index(residual_lag) * channels,
                channels=channels,
                covariates=embedding,
            )

        self.network = network()
        # Beside the first, so that its weights have one name in files with and without others.
        self.other_members = nn.ModuleList(network() for _ in range(n_models - 1))
        self.objective = Objective(loss, warmup, season)
        self.strategy = strategy or TeacherForcing()
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay

    @property
    def networks(self) -> tuple[RecurrentNetwork, ...]:
        """All members of the ensemble; most often one."""
        return self.network, *self.other_members

    def training_step(self, batch: WindowBatch, batch_idx: int) -> Tensor:
        """The loss of a batch: its errors over the mean count of all processes.

        DDP averages the gradients of its processes, so that this is the gradient of the mean over
        all steps of the global batch, whatever is masked on which process.
        """
        learners = [
            Learner(lesson.network, partial(self._loss, lesson)) for lesson in self._lessons(batch)
        ]
        return sum_of_losses(learners, side_by_side=self._has_independent_members())

    def _loss(self, lesson: Lesson) -> Tensor:
        """What a member minimises."""
        total = lesson.batch.values.new_zeros(())
        for weight, errors in self.strategy.terms(lesson):
            count = mean_over_processes(errors.steps.sum()).clamp(min=1.0)
            total = total + weight * errors.total.sum() / count
        return total

    def _has_independent_members(self) -> bool:
        """Whether nothing depends on the order in which the members learn.

        Random strategies and dropout between layers draw from the one generator of all threads,
        and processes wait for each other in an order; autocast is a matter of a thread.
        """
        draws = self.strategy.is_random or self.network.recurrent.dropout > 0.0
        alone = not (dist.is_available() and dist.is_initialized())
        on_cpu = self.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return on_cpu and alone and not draws

    def _lessons(self, batch: WindowBatch) -> Iterator[Lesson]:
        """What each member learns from: its own part of the batch."""
        parts = batch.split(len(self.networks), self.network.channels)
        progress = self._progress()
        for network, part in zip(self.networks, parts, strict=True):
            yield Lesson(network, self.lags, self.objective, part, progress)

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

    def window_errors(self, batch: WindowBatch) -> WindowErrors:
        """Teacher forcing: predict every row of the windows from the observed rows before it."""
        lessons = self._lessons(batch)
        errors = [lesson.read(batch.values.shape[1])[1] for lesson in lessons]
        return WindowErrors(*(torch.cat(parts) for parts in zip(*errors, strict=True)))

    def strategy_errors(self, batch: WindowBatch) -> Tensor:
        """The errors of each window that training minimises, summed over its steps, (B·C,)."""
        of_members = [
            torch.stack([errors.total for _, errors in self.strategy.terms(lesson)]).sum(dim=0)
            for lesson in self._lessons(batch)
        ]
        return torch.cat(of_members)

    def closed_loop_errors(self, batch: WindowBatch) -> WindowErrors:
        """Errors of a rollout over the rows after the cutoffs, as of a forecast."""
        paths = [free_run(network, self.lags, batch)[1] for network in self.networks]
        ahead = slice(batch.values.shape[1] - batch.horizon, None)
        return Objective(self.objective.loss).window_errors(
            median(torch.stack(paths)), batch.values[:, ahead], batch.known[:, ahead]
        )

    def describe(self) -> dict[str, Any]:
        """What makes this model, as plain values."""
        recurrent = self.network.recurrent
        return {
            "cell": type(recurrent).__name__,
            "lags": list(self.lags),
            "hidden_size": recurrent.hidden_size,
            "num_layers": recurrent.num_layers,
            "dropout": self.network.dropout.p,
            "residual_channel": self.network.residual_channel,
            "loss": self.objective.loss,
            "strategy": repr(self.strategy),
            "n_models": len(self.networks),
            "warmup": self.objective.warmup,
            "season": self.objective.season,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "channels": self.network.channels,
            "inputs": recurrent.input_size,
            "categories": {str(k): n for k, n in self.network.covariates.categories.items()},
        }

    def configure_optimizers(self) -> Any:
        """AdamW under a one-cycle schedule: a short warm-up, then down to 0."""
        optimizer = AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        total = self.trainer.estimated_stepping_batches
        if not 0 < total < math.inf:
            raise SettingError("the learning rate follows the number of steps: pass max_steps=")
        schedule = LambdaLR(optimizer, partial(one_cycle, total=int(total)))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over the processes of a distributed run; itself where there is none."""
    if not (dist.is_available() and dist.is_initialized()):
        return value
    mean = value.detach().clone()
    dist.all_reduce(mean)
    return mean / dist.get_world_size()


def one_cycle(step: int, total: int) -> float:
    """The share of the highest learning rate: up for a tenth of the steps, then a cosine to 0."""
    rise = max(total // 10, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))


class WindowDataModule(pl.LightningDataModule):
    """An endless, seeded stream of windows, gathered on the training device.

    Parameters
    ----------
    series : Series
        Scaled rows of all series.
    shape : WindowShape
    batch_size : int, default 32
        Windows a step, in each process.
    window_norm : bool, default True
        Whether a window is in the units of its context's mean and spread.
    validation_rows : int, default 0
        Rows at each series' end that training doesn't see.
    seed : int, default 0

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen import WindowDataModule
    >>> from tsgen.windows import Series, WindowShape
    >>> series = Series.from_numpy(np.arange(100.0), np.array([0, 100]))
    >>> data = WindowDataModule(series, WindowShape(longest_lag=12, context_length=24, horizon=6))
    >>> draw = next(iter(data.train_dataloader()))
    >>> data.on_after_batch_transfer(draw, 0).values.shape
    torch.Size([32, 41])
    """

    def __init__(
        self,
        series: Series,
        shape: WindowShape,
        *,
        batch_size: int = 32,
        window_norm: bool = True,
        validation_rows: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.window_norm = window_norm
        self.validation_rows = validation_rows
        self._series = series
        self._training = series.without_tail(validation_rows)
        self.sampler = WindowSampler(self._training.lengths.numpy(), shape, batch_size, seed)

    def train_dataloader(self) -> DrawStream:
        """Positions alone: the rows are gathered after the transfer."""
        return DrawStream(self.sampler, self.trainer)

    def on_after_batch_transfer(self, batch: Draw, dataloader_idx: int) -> WindowBatch:
        """Cut the windows of a draw, on the device that it was sent to."""
        self._move_to(batch.series.device)
        return self._training.batch(batch, self.shape, window_norm=self.window_norm)

    def validation_batches(
        self, device: torch.device, rank: int, processes: int
    ) -> Iterator[WindowBatch]:
        """Every series that has a held-out tail, once: each process takes its share."""
        self._move_to(device)
        shape = replace(self.shape, horizon=self.validation_rows)
        cutoffs = self._training.lengths
        held_out = torch.nonzero(self._series.lengths > cutoffs).squeeze(1)
        share = held_out[rank::processes]
        for first in range(0, len(share), ROWS_AT_ONCE):
            series = share[first : first + ROWS_AT_ONCE]
            draw = Draw(series, cutoffs[series])
            yield self._series.batch(draw, shape, window_norm=self.window_norm)

    def some_windows(self, count: int) -> WindowBatch:
        """Windows drawn from the training rows, on the CPU wherever training took the rows."""
        self._move_to(torch.device("cpu"))
        sampler = WindowSampler(
            self._training.lengths.numpy(), self.shape, count, self.sampler.seed
        )
        return self._training.batch(sampler.draw(0), self.shape, window_norm=self.window_norm)

    def value_range(self) -> ValueRange:
        """Where nearly all values of training windows lie, in the normaliser's units."""
        windows = self.some_windows(_WINDOWS_SEEN)
        seen = windows.values[windows.known > 0]
        low, high = np.quantile(seen.numpy(), [0.001, 0.999])
        return ValueRange(float(low), float(high))

    def _move_to(self, device: torch.device) -> None:
        if self._series.values.device != device:
            self._series = self._series.to(device)
            self._training = self._series.without_tail(self.validation_rows)

    def fingerprint(self) -> str:
        """A digest of the rows and of how windows are drawn from them."""
        drawn = (self.shape, self.window_norm, self.sampler.batch_size, self.sampler.seed)
        digest = hashlib.sha256(repr(drawn).encode())
        tensors = [self._series.values, self._series.starts, self._training.stops]
        if self._series.covariates is not None:
            tensors += [self._series.covariates.rows, self._series.covariates.static]
        for tensor in tensors:
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()


class DrawStream:
    """The endless draws of a sampler; a resumed run goes on at the trainer's step."""

    def __init__(self, sampler: WindowSampler, trainer: pl.Trainer | None) -> None:
        self._sampler = sampler
        self._trainer = trainer

    def __iter__(self) -> Iterator[Draw]:
        trainer = self._trainer
        if trainer is None:
            yield from (self._sampler.draw(step) for step in count())
            return
        first = trainer.global_step * trainer.accumulate_grad_batches
        for step in count(first):
            yield self._sampler.draw(step, rank=trainer.global_rank, processes=trainer.world_size)
