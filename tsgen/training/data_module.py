"""The windows that a network is fed while it learns, and those that validate it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np
import pytorch_lightning as pl
import torch

from tsgen.generation import ROWS_AT_ONCE
from tsgen.preprocessing import (
    Series,
    ValueRange,
    WindowBatch,
    WindowIndex,
    WindowSampler,
    WindowShape,
)

__all__ = ["TrainingData", "WindowDataModule"]

_WINDOWS_SEEN = 512
"""Windows from which the range of values in training is taken."""


class TailIndex(WindowIndex):
    """Of series that are cut before their held-out tails."""

    __slots__ = ()


class TrainingData(pl.LightningDataModule, ABC):
    """What `tsgen.training.train` asks of the windows that a network learns from."""

    validation_rows: int = 0
    """Rows at each series' end that training doesn't see."""
    batch_size: int
    """Windows a step, in each process."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of the rows and of how windows are drawn from them."""


class WindowDataModule(TrainingData):
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
    >>> from tsgen.preprocessing import Series, WindowShape
    >>> series = Series.from_numpy(np.arange(100.0), np.array([0, 100]))
    >>> data = WindowDataModule(series, WindowShape(longest_lag=12, context_length=24, horizon=6))
    >>> index = next(iter(data.train_dataloader()))
    >>> data.on_after_batch_transfer(index, 0).values.shape
    torch.Size([32, 41, 1])
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
        self.batch_size = batch_size
        self.sampler = WindowSampler(self._training.lengths.numpy(), shape, batch_size, seed)

    def train_dataloader(self) -> SampledWindows:
        """Positions alone: the rows are gathered after the transfer."""
        return SampledWindows(self.sampler, self.trainer)

    def val_dataloader(self) -> TailWindows:
        """Positions of the held-out tails; none where nothing is held out."""
        return TailWindows(self._series, self._training, self.trainer)

    def on_after_batch_transfer(
        self, batch: WindowIndex | TailIndex, dataloader_idx: int
    ) -> WindowBatch:
        """Cut the windows of a batch, on the device that it was sent to."""
        self._move_to(batch.series.device)
        if isinstance(batch, TailIndex):
            shape = replace(self.shape, horizon=self.validation_rows)
            return self._series.batch(batch, shape, window_norm=self.window_norm)
        return self._training.batch(batch, self.shape, window_norm=self.window_norm)

    def held_out(self) -> WindowBatch:
        """The held-out tails of some of the series, as one batch on the CPU."""
        self._move_to(torch.device("cpu"))
        index = next(iter(TailWindows(self._series, self._training, None)))
        return self.on_after_batch_transfer(index, 0)

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


_EPOCH = 50
"""Steps between validations, where a trainer says nothing else."""


class SampledWindows:
    """Those that a sampler draws, without an end; a resumed run goes on at the trainer's step."""

    def __init__(self, sampler: WindowSampler, trainer: pl.Trainer | None) -> None:
        self._sampler = sampler
        self._trainer = trainer

    def __iter__(self) -> Iterator[WindowIndex]:
        trainer = self._trainer
        if trainer is None:
            yield from (self._sampler.draw(step) for step in count())
            return
        first = trainer.global_step * trainer.accumulate_grad_batches
        # A trainer whose epochs nobody has limited would never come to a validation.
        unlimited = isinstance(trainer.limit_train_batches, float)
        steps = range(first, first + _EPOCH * trainer.accumulate_grad_batches)
        for step in steps if unlimited else count(first):
            yield self._sampler.draw(step, rank=trainer.global_rank, processes=trainer.world_size)


class TailWindows:
    """Every series that has a held-out tail, once: each process takes its share."""

    def __init__(self, series: Series, training: Series, trainer: pl.Trainer | None) -> None:
        self._cutoffs = training.lengths.cpu()
        self._held_out = torch.nonzero(series.lengths.cpu() > self._cutoffs).squeeze(1)
        self._trainer = trainer

    def __iter__(self) -> Iterator[TailIndex]:
        trainer = self._trainer
        rank, processes = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        for series in self._held_out[rank::processes].split(ROWS_AT_ONCE):
            if len(series):
                yield TailIndex(series, self._cutoffs[series])
