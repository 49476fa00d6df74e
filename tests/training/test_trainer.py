"""Training leaves no trace but the weights: no files, no output, no global state."""

from __future__ import annotations

import gc
import logging
import random
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from support.problems import wavy

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import SettingError


def forecast(model: type = LSTMForecaster, **settings: Any) -> np.ndarray:
    small = {"max_steps": 5, "hidden_size": 8}
    return model(**(small | settings)).fit(wavy()).predict(6).to_numpy()


class Counter(pl.Callback):
    def __init__(self) -> None:
        self.steps = 0

    def on_train_batch_end(self, *args: Any) -> None:
        self.steps += 1


# ---------------------------------------------------------------------------------------- no trace


def test_no_files_and_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    forecast(verbose=True)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_trainer_is_let_go() -> None:
    """With its optimiser, its rows and its copies of the weights."""

    class Watch(pl.Callback):
        def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            trainers.append(weakref.ref(trainer))

    trainers: list[weakref.ref[pl.Trainer]] = []
    model = LSTMForecaster(max_steps=5, hidden_size=8, trainer_kwargs={"callbacks": [Watch()]})
    model.fit(wavy())
    gc.collect()
    assert [trainer() for trainer in trainers] == [None]
    assert len(model.predict(6)) == 6


def test_logging_is_as_it_was() -> None:
    def levels() -> dict[str, tuple[int, bool, int]]:
        loggers = {name: logging.getLogger(name) for name in logging.root.manager.loggerDict}
        loggers["root"] = logging.getLogger()
        return {name: (x.level, x.disabled, len(x.handlers)) for name, x in loggers.items()}

    logging.getLogger("pytorch_lightning").setLevel(logging.DEBUG)
    before = levels()
    forecast()
    after = levels()
    assert {name: after[name] for name in before} == before


def test_warnings_filters_are_as_they_were() -> None:
    before = list(warnings.filters)
    forecast()
    assert list(warnings.filters) == before


def test_random_generators_are_as_they_were() -> None:
    def states() -> tuple[Any, ...]:
        return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002

    before = states()
    forecast(dropout=0.3, num_layers=2)
    assert states() == before


def test_settings_of_torch_are_as_they_were() -> None:
    def state() -> tuple[Any, ...]:
        return (
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_num_threads(),
        )

    before = state()
    forecast()
    assert state() == before


def test_the_model_ends_on_the_cpu_in_evaluation_mode() -> None:
    model = LSTMForecaster(max_steps=2, hidden_size=8, dropout=0.5).fit(wavy())
    assert not any(module.training for module in model.module_.modules())
    assert model.predict(6).equals(model.predict(6))


# ---------------------------------------------------------------------------------- trainer_kwargs


@pytest.mark.parametrize("in_a_list", [True, False])
def test_the_users_callback_is_called_and_nothing_of_theirs_is_changed(in_a_list: bool) -> None:
    counter = Counter()
    callbacks: Any = [counter] if in_a_list else counter
    kwargs = {"callbacks": callbacks, "accelerator": "cpu"}
    forecast(trainer_kwargs=kwargs)
    assert counter.steps == 5
    assert kwargs == {"callbacks": callbacks, "accelerator": "cpu"}
    assert callbacks in (counter, [counter])


def test_trainer_kwargs_win() -> None:
    counter = Counter()
    forecast(trainer_kwargs={"callbacks": counter, "max_steps": 3})
    assert counter.steps == 3


def test_gradients_are_clipped_unless_told_otherwise() -> None:
    kept = forecast(gradient_clip_val=None)
    assert not np.array_equal(forecast(gradient_clip_val=1e-4), kept)
    assert np.array_equal(forecast(gradient_clip_val=1e9), kept)


# ----------------------------------------------------------------------------------- random_state


@pytest.mark.slow
@pytest.mark.parametrize("model", [LSTMForecaster, GRUForecaster])
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3}, {"dropout": 0.3, "num_layers": 2}])
def test_same_seed_same_forecast_bit_by_bit(model: type, settings: dict[str, Any]) -> None:
    first = forecast(model, random_state=1, **settings)
    torch.manual_seed(99)
    assert np.array_equal(first, forecast(model, random_state=1, **settings))
    assert not np.array_equal(first, forecast(model, random_state=2, **settings))


def test_dropout_is_drawn_from_random_state() -> None:
    assert not np.array_equal(forecast(dropout=0.3), forecast(dropout=0.0))


def test_none_draws_another_seed_each_time_as_in_scikit_learn() -> None:
    """From numpy's generator, as all of scikit-learn does."""
    settings = {"max_steps": 5, "hidden_size": 8, "random_state": None}
    model = LSTMForecaster(**settings)
    np.random.seed(3)  # noqa: NPY002
    first, seed = model.fit(wavy()).predict(6), model.settings_.random_state
    second = model.fit(wavy()).predict(6)
    assert not first.equals(second)
    assert model.random_state is None
    np.random.seed(3)  # noqa: NPY002
    assert model.fit(wavy()).predict(6).equals(first)
    assert LSTMForecaster(**{**settings, "random_state": seed}).fit(wavy()).predict(6).equals(first)


def test_a_model_keeps_the_seed_that_it_drew(tmp_path: Path) -> None:
    model = LSTMForecaster(max_steps=5, hidden_size=8, random_state=None).fit(wavy())
    levels = model.predict(6, level=80)
    assert model.predict(6, level=80).equals(levels)
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.predict(6, level=80).equals(levels)
    assert loaded.random_state is None


def test_a_run_that_may_go_on_needs_a_seed(tmp_path: Path) -> None:
    model = LSTMForecaster(max_steps=5, hidden_size=8, random_state=None)
    with pytest.raises(SettingError, match=r"random_state=None.*run_dir"):
        model.fit(wavy(), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "0", 2**63])
def test_other_seeds_are_refused(wrong: Any) -> None:
    with pytest.raises(SettingError, match=r"random_state=.*None, or a whole number"):
        LSTMForecaster(random_state=wrong).fit(wavy())


def test_fit_begins_anew() -> None:
    model = LSTMForecaster(max_steps=5, hidden_size=8)
    first = model.fit(wavy()).predict(6)
    model.fit(wavy(seed=1))
    assert model.fit(wavy()).predict(6).equals(first)
