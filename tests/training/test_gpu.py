"""On a GPU a fit learns what it learns on the CPU, and leaves a model that needs no GPU."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from support.problems import sine, wavy

import tsgen
from tsgen import FreeRunning, GRUForecaster, LSTMForecaster, PushForward, ScheduledSampling
from tsgen.errors import TrainingRowsWarning

pytestmark = pytest.mark.gpu

SMALL = {"hidden_size": 16, "max_steps": 20, "context_length": 12, "lags": [1, 4],
         "batch_size": 8, "verbose": False}  # fmt: skip
FRAME = pd.DataFrame({name: wavy(80, seed) for seed, name in enumerate("ab")})
HOLED = FRAME.mask(FRAME.index.to_series().between(30, 33), axis=0)
PRICED = FRAME.assign(price=np.cos(np.arange(80)), kind=pd.Categorical(["x", "y"] * 40))

CASES: dict[str, tuple[type, dict[str, Any], pd.DataFrame, dict[str, Any]]] = {
    "lstm": (LSTMForecaster, {}, FRAME, {}),
    "gru": (GRUForecaster, {}, FRAME, {}),
    "two layers": (LSTMForecaster, {"num_layers": 2}, FRAME, {}),
    "members": (LSTMForecaster, {"n_models": 3}, FRAME, {}),
    "weight averaging": (LSTMForecaster, {"weight_averaging": 0.5}, FRAME, {}),
    "patience": (LSTMForecaster, {"val_size": 8, "patience": 5}, FRAME, {}),
    "system": (LSTMForecaster, {"multivariate": True}, FRAME, {}),
    "holes": (LSTMForecaster, {}, HOLED, {"fill": "mask"}),
    "covariates": (LSTMForecaster, {}, PRICED, {"future_covariates": ["price", "kind"]}),
    "free running": (LSTMForecaster, {"training_strategy": FreeRunning(steps=6)}, FRAME, {}),
    "growing": (GRUForecaster, {"training_strategy": FreeRunning(steps=6, grow=0.5)}, FRAME, {}),
    "folded loop": (
        LSTMForecaster,
        {"training_strategy": FreeRunning(steps=6), "residual": "seasonal", "season_length": 4},
        FRAME,
        {},
    ),
    "push-forward": (LSTMForecaster, {"training_strategy": PushForward(steps=6)}, FRAME, {}),
    "absolute errors": (LSTMForecaster, {"loss": "mae", "window_norm": True}, FRAME, {}),
}
"""Without anything random on the device: class, settings, frame, what fit is told."""


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Without TF32, whose products have 10 bits, and with no memory left over from before."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    torch.cuda.empty_cache()
    yield
    torch.backends.cudnn.allow_tf32 = before


def on(accelerator: str, **more: Any) -> dict[str, Any]:
    return {"trainer_kwargs": {"accelerator": accelerator, **more}}


def learned(model: Any) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in model.module_.state_dict().values()])


class Devices(pl.Callback):
    """Where weights and windows are while a model learns."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def on_train_batch_start(
        self, trainer: Any, module: Any, batch: Any, batch_idx: int, *args: Any
    ) -> None:
        self.seen |= {module.device.type, batch.values.device.type}


def test_a_gpu_is_used_unasked() -> None:
    devices = Devices()
    LSTMForecaster(**SMALL, trainer_kwargs={"callbacks": [devices]}).fit(FRAME)
    assert devices.seen == {"cuda"}


@pytest.mark.parametrize("case", CASES)
def test_it_learns_what_the_cpu_learns(case: str) -> None:
    kind, settings, frame, told = CASES[case]
    cpu, gpu = (
        kind(**(SMALL | settings), **on(device)).fit(frame, **told) for device in ("cpu", "gpu")
    )
    before = kind(**(SMALL | settings))
    before.prepare(frame, **told)
    assert (learned(cpu) - learned(before)).abs().max() > 1e-2
    torch.testing.assert_close(learned(gpu), learned(cpu), atol=1e-3, rtol=0.0)
    first, second = gpu.report_.losses, cpu.report_.losses
    pd.testing.assert_frame_equal(first, second, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.3},
        {"dropout": 0.3, "n_models": 2},
        {"training_strategy": ScheduledSampling(steps=6, start=1.0, end=0.0)},
        {"training_strategy": tsgen.NoisyInputs(0.1)},
    ],
    ids=["dropout", "dropout of members", "scheduled sampling", "noise"],
)
def test_what_is_random_is_repeated(settings: dict[str, Any]) -> None:
    first, second = (LSTMForecaster(**(SMALL | settings), **on("gpu")).fit(FRAME) for _ in range(2))
    torch.testing.assert_close(learned(first), learned(second), atol=1e-4, rtol=0.0)
    other = LSTMForecaster(**(SMALL | settings), random_state=1, **on("gpu")).fit(FRAME)
    assert (learned(first) - learned(other)).abs().max() > 1e-2


def test_the_callers_generators_go_on_as_if_nothing_had_happened() -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    LSTMForecaster(**SMALL, dropout=0.3, **on("gpu")).fit(FRAME)
    torch.testing.assert_close(torch.cuda.get_rng_state(), before, atol=0, rtol=0)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_sine_is_continued(precision: str) -> None:
    problem = sine()
    model = LSTMForecaster(
        season_length=20, max_steps=200, verbose=False, **on("gpu", precision=precision)
    )
    forecast = model.fit(problem.history).predict(60)
    assert np.abs(forecast.to_numpy() - problem.future.to_numpy()).max() < 0.1


@pytest.mark.slow
def test_the_presets_learn_on_a_gpu() -> None:
    problem = sine()
    for preset in ("fast", "accurate"):
        model = LSTMForecaster(
            season_length=20, preset=preset, max_steps=100, verbose=False, **on("gpu")
        )
        forecast = model.fit(problem.history).predict(60)
        assert np.abs(forecast.to_numpy() - problem.future.to_numpy()).max() < 0.1


def test_what_is_left_needs_no_gpu(tmp_path: Path) -> None:
    gc.collect()
    held = torch.cuda.memory_allocated()
    model = LSTMForecaster(**SMALL, val_size=8, **on("gpu")).fit(FRAME)
    assert {weight.device.type for weight in model.module_.parameters()} == {"cpu"}
    gc.collect()  # a Trainer refers to itself
    assert torch.cuda.memory_allocated() == held
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    pd.testing.assert_frame_equal(loaded.predict(9), model.predict(9))
    with pytest.warns(TrainingRowsWarning):
        rows = model.backtest(FRAME, 4, n_windows=3)
    assert np.isfinite(rows["y_pred"]).all()


def test_a_run_goes_on_on_another_device(tmp_path: Path) -> None:
    class Crash(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            if trainer.global_step == 15:
                raise RuntimeError("the power fails")

    whole = LSTMForecaster(**SMALL, **on("cpu")).fit(FRAME)
    with pytest.raises(RuntimeError, match="power"):
        LSTMForecaster(**SMALL, **on("gpu", callbacks=[Crash()])).fit(FRAME, run_dir=tmp_path)
    resumed = LSTMForecaster(**SMALL, **on("cpu")).fit(FRAME, run_dir=tmp_path)
    torch.testing.assert_close(learned(resumed), learned(whole), atol=1e-3, rtol=0.0)


def test_a_trainer_of_ones_own() -> None:
    model = LSTMForecaster(**SMALL)
    module, data = model.prepare(FRAME)
    pl.Trainer(
        accelerator="gpu", devices=1, max_steps=20, gradient_clip_val=1.0, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, data)  # fmt: skip
    alone = LSTMForecaster(**SMALL, **on("cpu")).fit(FRAME)
    np.testing.assert_allclose(model.predict(9), alone.predict(9), atol=1e-2)
    assert model.module_.device.type == "cpu"
