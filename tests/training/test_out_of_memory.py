"""A batch that doesn't fit into the memory is learned from in parts, to the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from support.problems import wavy

from tsgen import FreeRunning, LSTMForecaster, NoisyInputs
from tsgen.errors import MemoryWarning, NotFittedError, OutOfMemoryError
from tsgen.nn import RecurrentNetwork
from tsgen.training.lightning_module import is_out_of_memory

SMALL = {"hidden_size": 4, "max_steps": 6, "context_length": 8, "lags": [4], "batch_size": 12,
         "verbose": False}  # fmt: skip
FRAME = pd.DataFrame({name: wavy(50, seed) for seed, name in enumerate("ab")})
FRAME.iloc[20:24, 0] = np.nan  # so that windows count unequally

# What torch says, on a CPU and on a GPU, and numpy.
FULL = {
    "cpu": RuntimeError(
        '[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can\'t allocate '
        "memory: you tried to allocate 5 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "numpy": MemoryError("Unable to allocate 4.00 EiB for an array"),
}  # fmt: skip


class Memory:
    """As much as some windows need, for networks that are learned from."""

    def __init__(self, windows: int, error: Exception) -> None:
        self.windows, self.error = windows, error
        self.refused: list[int] = []
        self.held: list[int] = []


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Memory:
    memory = Memory(5, FULL[getattr(request, "param", "cpu")])
    forward = RecurrentNetwork.forward

    def limited(self: Any, inputs: torch.Tensor, state: Any = None) -> Any:
        if self.training and torch.is_grad_enabled():
            if len(inputs) > memory.windows:
                memory.refused.append(len(inputs))
                raise memory.error
            memory.held.append(len(inputs))
        return forward(self, inputs, state)

    monkeypatch.setattr(RecurrentNetwork, "forward", limited)
    return memory


def weights(model: Any) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in model.module_.state_dict().values()])


def fitted(memory: Memory | None = None, windows: int = 10**9, **settings: Any) -> Any:
    if memory is not None:
        memory.windows = windows
    return LSTMForecaster(**(SMALL | settings)).fit(FRAME, fill="mask")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{}, {"training_strategy": FreeRunning(steps=4)}, {"n_models": 2}, {"num_layers": 2}],
    ids=["plain", "free running", "members", "layers"],
)
def test_parts_come_to_the_same_weights(settings: dict[str, Any], memory: Memory) -> None:
    whole = fitted(memory, **settings)
    memory.held.clear()
    with pytest.warns(MemoryWarning, match=r"a batch of 12 windows .* in parts") as told:
        parts = fitted(memory, 5, **settings)
    assert len(told) == 1  # once, though it was halved twice and is for six steps
    assert set(memory.refused) == {12, 6}
    assert set(memory.held) == {3}
    torch.testing.assert_close(weights(parts), weights(whole), atol=1e-6, rtol=0)
    first, second = (model.report_.losses["loss"] for model in (parts, whole))
    np.testing.assert_allclose(first, second, rtol=1e-4)
    assert parts.settings_ == whole.settings_


@pytest.mark.slow
@pytest.mark.parametrize("memory", FULL, indirect=True)
def test_whatever_the_error_is_called(memory: Memory) -> None:
    with pytest.warns(MemoryWarning, match="parts"):
        model = fitted(memory, 5)
    assert np.isfinite(model.predict(4).to_numpy()).all()


@pytest.mark.slow
def test_draws_go_on_in_parts(memory: Memory) -> None:
    settings = {"training_strategy": NoisyInputs(0.1), "dropout": 0.2}
    with pytest.warns(MemoryWarning, match="parts"):
        first = fitted(memory, 5, **settings)
    with pytest.warns(MemoryWarning, match="parts"):
        second = fitted(memory, 5, **settings)
    assert torch.equal(weights(first), weights(second))


@pytest.mark.slow
def test_a_single_window_that_does_not_fit_is_an_error(memory: Memory) -> None:
    model = LSTMForecaster(**SMALL)
    memory.windows = 0
    with (
        pytest.warns(MemoryWarning, match="parts"),
        pytest.raises(OutOfMemoryError, match=r"not even one window of the batch of 12.*context"),
    ):
        model.fit(FRAME, fill="mask")
    with pytest.raises(NotFittedError):
        model.predict(3)


def test_other_errors_are_what_they_are(memory: Memory) -> None:
    memory.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        fitted(memory, 5)
    assert memory.refused == [12]


def test_elsewhere_in_a_training_the_error_names_the_batch_size() -> None:
    class Full(pl.Callback):
        def on_before_optimizer_step(self, *_: object) -> None:
            raise FULL["cuda"]

    model = LSTMForecaster(**SMALL, trainer_kwargs={"callbacks": Full()})
    with pytest.raises(OutOfMemoryError, match="12 windows a step: lower batch_size"):
        model.fit(FRAME, fill="mask")


@pytest.mark.slow
def test_a_trainer_of_the_users_own_learns_in_parts_too(memory: Memory) -> None:
    whole, parts = LSTMForecaster(**SMALL), LSTMForecaster(**SMALL)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
             "enable_model_summary": False, "accelerator": "cpu"}  # fmt: skip
    for model, windows in ((whole, 100), (parts, 5)):
        memory.windows = windows
        module, data = model.prepare(FRAME, fill="mask")
        trainer = pl.Trainer(max_steps=6, **quiet)
        if model is parts:
            with pytest.warns(MemoryWarning, match="parts") as told:
                trainer.fit(module, data)
            (ours,) = [each for each in told if each.category is MemoryWarning]
            assert ours.filename == __file__
        else:
            trainer.fit(module, data)
    torch.testing.assert_close(weights(parts), weights(whole), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=str,
)
def test_whatever_says_that_the_memory_is_full(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_what_says_so_is_seen() -> None:
    """Python shows nobody a ``ResourceWarning``."""
    assert issubclass(MemoryWarning, UserWarning)
    assert not is_out_of_memory(OutOfMemoryError("ours"))
    assert not is_out_of_memory(ValueError("not enough memory"))
