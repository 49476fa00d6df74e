"""A precision is what the device has, or an error before anything is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from support.hardware import has_bfloat16
from support.problems import wavy
from support.processes import output_of

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import NotFittedError, SettingError
from tsgen.training.precision import check_precision

SMALL = {"hidden_size": 4, "max_steps": 2, "verbose": False}


def model_in(precision: Any, kind: type = LSTMForecaster) -> Any:
    return kind(**SMALL, trainer_kwargs={"precision": precision, "accelerator": "cpu"})


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", 64])
def test_weights_are_float32(precision: Any) -> None:
    model = model_in(precision)
    with pytest.raises(SettingError, match=r"precision='.*-true': expected '32-true'"):
        model.fit(wavy())
    with pytest.raises(NotFittedError):
        model.predict(3)


@pytest.mark.parametrize("precision", ["32-true", 32, "32"])
def test_single_precision_is_the_default(precision: Any) -> None:
    plain = LSTMForecaster(**SMALL).fit(wavy())
    assert model_in(precision).fit(wavy()).predict(5).equals(plain.predict(5))


@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_half_precision_works_or_is_refused_by_name(kind: type, precision: str) -> None:
    """On a CPU Lightning makes bfloat16 of either."""
    model = model_in(precision, kind)
    if kind is LSTMForecaster and not has_bfloat16():
        with pytest.raises(SettingError, match=r"'bf16-mixed'.*can't run an LSTM.*'32-true'"):
            model.fit(wavy())
        return
    whole = kind(**SMALL).fit(wavy()).predict(5)
    half = model.fit(wavy()).predict(5)
    np.testing.assert_allclose(half, whole, atol=0.05)


def test_what_a_device_cannot_run_is_an_error_that_says_so(monkeypatch: Any) -> None:
    def forward(*_: object) -> None:
        raise RuntimeError("could not create a primitive descriptor")

    network = torch.nn.LSTM(2, 4)
    monkeypatch.setattr(torch.nn.LSTM, "forward", forward)
    with pytest.raises(SettingError, match=r"bf16-mixed.*this cpu can't run an LSTM.*bfloat16"):
        check_precision("bf16-mixed", torch.device("cpu"), network)
    check_precision("32-true", torch.device("cpu"), network)


def test_the_network_that_is_tried_stays_as_it_is() -> None:
    network = torch.nn.GRU(2, 4)
    check_precision("bf16-mixed", torch.device("cpu"), network)
    assert all(weight.grad is None for weight in network.parameters())


def test_a_trainer_of_the_users_own_is_checked_too() -> None:
    module, data = LSTMForecaster(**SMALL).prepare(wavy())
    trainer = pl.Trainer(
        max_steps=2, precision="64-true", accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with pytest.raises(SettingError, match="64-true"):
        trainer.fit(module, data)


@pytest.mark.slow
def test_a_processor_without_bfloat16_says_so() -> None:
    """oneDNN can be told to take any processor for one that has AVX2 alone."""
    script = """
        import torch
        from tsgen.training.precision import check_precision
        try:
            check_precision("bf16-mixed", torch.device("cpu"), torch.nn.LSTM(2, 4))
        except Exception as error:
            print(type(error).__name__, error)
    """
    said = output_of(script, ONEDNN_MAX_CPU_ISA="AVX2")
    assert said.startswith("SettingError precision='bf16-mixed'")
