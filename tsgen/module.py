"""Lightning's two halves: the model's training step, and the windows it is fed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from tsgen.errors import SettingError
from tsgen.features import input_size, lag_inputs
from tsgen.network import Cell, RecurrentNetwork
from tsgen.objective import Loss, Objective
from tsgen.windows import Draw, Series, WindowBatch, WindowSampler, WindowShape

__all__ = ["ForecastModule", "WindowDataModule"]


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
    warmup : int, default 0
        Steps at the start of a window that don't count in the loss.
    learning_rate : float, default 2e-3
        The highest rate of a one-cycle schedule [1]_ over all steps of the ``Trainer``.
    weight_decay : float, default 1e-4
        Of AdamW [2]_.

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
        warmup: int = 0,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
    ) -> None:
        super().__init__()
        self.lags = tuple(lags)
        if residual_lag is not None and residual_lag not in self.lags:
            raise SettingError(f"residual_lag={residual_lag} isn't one of lags={self.lags}")
        self.network = RecurrentNetwork(
            input_size(self.lags),
            cell=cell,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            residual_channel=None if residual_lag is None else self.lags.index(residual_lag),
        )
        self.objective = Objective(loss, warmup)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay

    def training_step(self, batch: WindowBatch, batch_idx: int) -> Tensor:
        """Teacher forcing: predict every row of the windows from the observed rows before it."""
        longest = max(self.lags)
        inputs = lag_inputs(
            batch.values[:, :-1], batch.known[:, :-1], self.lags, batch.values.shape[1] - longest
        )
        predictions, _ = self.network(inputs)
        counted = batch.known[:, longest:] * batch.known[:, longest - 1 : -1]
        return self.objective(predictions, batch.values[:, longest:], counted)

    def configure_optimizers(self) -> Any:
        """AdamW under a one-cycle schedule: a short warm-up, then down to 0."""
        optimizer = AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        total = self.trainer.estimated_stepping_batches
        if not total < float("inf"):
            raise SettingError("the learning rate follows the number of steps: pass max_steps=")
        schedule = LambdaLR(optimizer, partial(one_cycle, total=int(total)))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


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
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.window_norm = window_norm
        self.sampler = WindowSampler(series.lengths.numpy(), shape, batch_size, seed)
        self._series = series

    def train_dataloader(self) -> DrawStream:
        """Positions alone: the rows are gathered after the transfer."""
        return DrawStream(self.sampler)

    def on_after_batch_transfer(self, batch: Draw, dataloader_idx: int) -> WindowBatch:
        """Cut the windows of a draw, on the device that it was sent to."""
        if self._series.values.device != batch.series.device:
            self._series = self._series.to(batch.series.device)
        return self._series.batch(batch, self.shape, window_norm=self.window_norm)


class DrawStream:
    """The draws of a sampler, step after step; its position can be saved and restored."""

    def __init__(self, sampler: WindowSampler) -> None:
        self._sampler = sampler
        self._step = 0

    def __iter__(self) -> Iterator[Draw]:
        while True:
            self._step += 1
            yield self._sampler.draw(self._step - 1)

    def state_dict(self) -> dict[str, int]:
        """The position, for a checkpoint."""
        return {"step": self._step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a checkpoint."""
        self._step = state["step"]
