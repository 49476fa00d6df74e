"""The LightningModule and the data module under a Trainer of the user's own."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from support.problems import sine, wavy

from tsgen import ForecastModule, WindowDataModule
from tsgen.errors import SettingError
from tsgen.nn import Architecture
from tsgen.preprocessing.scalers import WindowNormaliser
from tsgen.preprocessing.windows import Series, WindowShape
from tsgen.rollout import encode, rollout
from tsgen.training.data_module import TailWindows
from tsgen.training.lightning_module import one_cycle
from tsgen.training.losses import Objective


class Losses(pl.Callback):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.seen.append(float(outputs["loss"]))


def data_of(values: np.ndarray, **arguments: Any) -> WindowDataModule:
    series = Series.from_numpy(np.array(values), np.array([0, len(values)]))
    return WindowDataModule(series, WindowShape(2, 20, 10), batch_size=16, **arguments)


def module_of(architecture: dict[str, Any] | None = None, **arguments: Any) -> ForecastModule:
    torch.manual_seed(0)
    built = Architecture((1, 2), hidden_size=16, **(architecture or {}))
    return ForecastModule(built, **arguments)


def trainer_of(*callbacks: pl.Callback, **arguments: Any) -> pl.Trainer:
    return pl.Trainer(
        callbacks=list(callbacks),
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **arguments,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "loss"), [("lstm", "mse"), ("lstm", "mae"), ("gru", "huber")])
def test_the_loss_falls_on_a_sine(cell: str, loss: str) -> None:
    losses = Losses()
    module = module_of(
        {"cell": cell, "residual_lag": 1}, objective=Objective(loss), learning_rate=1e-2
    )
    trainer_of(losses, max_steps=60).fit(module, data_of(sine().history.to_numpy()))
    assert len(losses.seen) == 60
    assert np.isfinite(losses.seen).all()
    assert np.mean(losses.seen[-10:]) < 0.5 * np.mean(losses.seen[:5])


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    shares = [one_cycle(step, total=100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == shares[10] == 1.0
    assert all(a < b for a, b in pairwise(shares[:10]))
    assert all(a > b for a, b in pairwise(shares[10:]))
    assert shares[100] == pytest.approx(0.0)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_any_number_of_steps_fits_the_schedule(steps: int) -> None:
    module = module_of(learning_rate=1e-2)
    before = module.network.head.weight.clone()
    trainer = trainer_of(max_steps=steps)
    trainer.fit(module, data_of(wavy().to_numpy()))
    assert trainer.global_step == steps
    assert not torch.equal(before, module.network.head.weight)
    assert all(parameter.isfinite().all() for parameter in module.parameters())


@pytest.mark.slow
def test_the_schedule_follows_the_trainers_steps() -> None:
    module = module_of(learning_rate=1e-2)
    trainer_of(max_steps=40).fit(module, data_of(wavy().to_numpy()))
    schedule = module.lr_schedulers()
    assert schedule.get_last_lr() == [pytest.approx(0.0, abs=1e-12)]


def test_epochs_of_a_limited_number_of_batches_are_steps_too() -> None:
    trainer = trainer_of(max_epochs=2, limit_train_batches=3)
    trainer.fit(module_of(), data_of(wavy().to_numpy()))
    assert trainer.global_step == 6


class Endless(pl.Callback):
    def on_train_batch_end(self, *args: Any) -> None:
        pytest.fail("trains without an end")


@pytest.mark.parametrize("arguments", [{}, {"max_epochs": -1}, {"max_epochs": 3}])
@pytest.mark.filterwarnings("ignore:`max_epochs` was not set")
def test_without_max_steps_there_is_no_schedule(arguments: dict[str, int]) -> None:
    """The stream of windows has no end, so an epoch has none."""
    with pytest.raises(SettingError, match="max_steps"):
        trainer_of(Endless(), **arguments).fit(module_of(), data_of(wavy().to_numpy()))


def test_the_residual_lag_must_be_a_lag() -> None:
    with pytest.raises(SettingError, match=r"residual_lag=12 isn't one of lags=\(1, 2\)"):
        module_of({"residual_lag": 12})


def test_rows_that_are_not_known_do_not_move_the_loss() -> None:
    module = module_of().eval()
    data = data_of(wavy().to_numpy())
    batch = data.on_after_batch_transfer(data.sampler.draw(0), 0)
    batch.known[:, :10] = 0
    before = module.window_errors(batch).steps
    assert (before <= batch.known[:, 11:].sum(dim=1)).all()
    assert (before > 0).all()


def test_the_stream_of_draws_is_that_of_the_sampler() -> None:
    data = data_of(wavy().to_numpy(), seed=5)
    for step, draw in enumerate(islice(data.train_dataloader(), 3)):
        assert torch.equal(draw.cutoff, data.sampler.draw(step).cutoff)


def test_validation_holds_the_tail_out() -> None:
    values = sine().history.to_numpy()
    data = data_of(values, validation_rows=30)
    assert data.sampler.count == data_of(values[:-30]).sampler.count
    batch = data.held_out()
    normaliser = WindowNormaliser.of(
        torch.tensor(values[None, -30 - data.shape.before : -30, None]),
        torch.ones(1, data.shape.before, 1, dtype=torch.bool),
        data.shape.context_length,
        window_norm=True,
    )
    restored = normaliser.invert(batch.values[:, -30:])
    np.testing.assert_allclose(restored[0, :, 0], values[-30:], atol=1e-5)
    draws = data.val_dataloader()
    assert [(draw.series.tolist(), draw.cutoff.tolist()) for draw in draws] == [
        ([0], [len(values) - 30])
    ]
    second = TailWindows(data._series, data._training, Mock(global_rank=1, world_size=2))
    assert not list(second)


def test_closed_loop_errors_are_those_of_a_rollout() -> None:
    data = data_of(sine().history.to_numpy(), validation_rows=30)
    module = module_of({"residual_lag": 1}).eval()
    batch = data.held_out()
    before = batch.values.shape[1] - 30
    with torch.no_grad():
        errors = module.closed_loop_errors(batch)
        _, state = encode(module.network, batch.values[:, :before], batch.known[:, :before])
        path = rollout(module.network, state, 30).path
    targets = batch.values[:, before:]
    unit = targets.std(correction=0).clamp(min=1.0)
    expected = ((path - targets) / unit).square().sum()
    torch.testing.assert_close(errors.total.sum(), expected)
    assert errors.steps.sum() == 30
