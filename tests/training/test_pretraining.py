"""Learning from simulated series: what the windows are, and runs that are cut off."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tsgen
from tsgen._typing import FloatArray
from tsgen.errors import SettingError, TrainingInterrupted
from tsgen.nn import Season
from tsgen.simulation import Prior
from tsgen.training.losses import Objective
from tsgen.training.pretraining import PretrainingModule, SimulatedWindows, pretrain, steps_within
from tsgen.weights import CURRICULUM, Task, read_weights

SMALL = {"hidden_size": 3, "batch_size": 8, "verbose": False}
TINY = (Task(Season(4), 16, 8, 1.0),)


class Noise(Prior):
    """Series without any structure, which are simulated in no time."""

    def values(
        self, random: np.random.Generator, count: int, length: int, *seasons: int | None
    ) -> FloatArray:
        return random.normal(size=(count, length))


class Runaway(Noise):
    """Series of which the first leaves the spread of its context at the end."""

    def values(
        self, random: np.random.Generator, count: int, length: int, *seasons: int | None
    ) -> FloatArray:
        values = super().values(random, count, length)
        values[:2, -1] = 1e6, 3.0
        return values


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return read_weights(path).network.state_dict()


def assert_same_weights(one: Path, other: Path) -> None:
    found = weights_of(other)
    assert all(torch.equal(weight, found[name]) for name, weight in weights_of(one).items())


# ------------------------------------------------------------------------------------- the windows


def test_a_batch_depends_on_seed_step_and_process_alone() -> None:
    def values(step: int, rank: int = 0, seed: int = 0) -> torch.Tensor:
        windows = SimulatedWindows(Noise(), TINY, batch_size=8, seed=seed)
        windows.batch(7)  # what was drawn before changes nothing
        return windows.batch(step, rank).values

    assert torch.equal(values(3), values(3))
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    assert torch.equal(values(3), values(3))
    for other in (values(4), values(3, rank=1), values(3, seed=1)):
        assert not torch.equal(values(3), other)


def test_the_stream_begins_at_the_step_where_a_run_stood() -> None:
    class Trainer:
        """What a stream asks of a trainer."""

        global_step, accumulate_grad_batches, global_rank = 5, 2, 1

    windows = SimulatedWindows(Noise(), TINY, batch_size=8)
    windows.trainer = Trainer()
    stream = iter(windows.train_dataloader())
    for step in (10, 11):
        assert torch.equal(next(stream).values, windows.batch(step, rank=1).values)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=25)
@given(step=st.integers(0, 10_000), task=st.sampled_from([t for t in CURRICULUM if t.horizon < 30]))
def test_windows_of_any_season(step: int, task: Task) -> None:
    windows = SimulatedWindows(batch_size=16)
    batch = windows.of_task(np.random.default_rng(step), task)
    cutoff = max(task.season.lags) - 1 + task.context_length
    assert batch.values.shape == batch.known.shape == (16, cutoff + task.horizon, 1)
    assert (batch.horizon, batch.season) == (task.horizon, task.season)
    assert batch.values.isfinite().all()
    # What isn't known says nothing, and no target is farther away than any network could foresee.
    assert set(batch.known.unique().tolist()) <= {0.0, 1.0}
    assert (batch.values[batch.known == 0] == 0).all()
    assert (batch.values[:, cutoff:].abs() <= 30).all()
    # Every row, known or not, is told the same of its season.
    assert batch.covariates.shape == (16, cutoff + task.horizon, 2)
    assert (batch.covariates == task.season.constants).all()


def test_contexts_have_six_rows_or_more_and_some_have_holes() -> None:
    windows = SimulatedWindows(Noise(), TINY, batch_size=64)
    cutoff = max(TINY[0].season.lags) - 1 + TINY[0].context_length
    batches = [windows.batch(step).known[:, :, 0] > 0 for step in range(30)]
    # From the first row on only some batches have holes, and those in contexts alone.
    whole = [known for known in batches if not (known[:, :-1] & ~known[:, 1:]).any()]
    assert 0 < len(whole) < len(batches)
    assert all(known[:, cutoff:].all() for known in batches)
    rows = torch.cat([known[:, :cutoff].sum(dim=1) for known in whole])
    assert (int(rows.min()), int(rows.max())) == (6, cutoff)


def test_series_that_run_away_are_no_targets() -> None:
    batch = SimulatedWindows(Runaway(), TINY, batch_size=8).batch(0)
    horizon = TINY[0].horizon
    assert (batch.known[0, -horizon:] == 0).all()
    assert (batch.known[1:, -horizon:] == 1).all()
    assert (batch.known[0, :-horizon] == 1).any()
    assert (batch.values[batch.known == 0] == 0).all()
    assert batch.values.abs().max() <= 30


def test_long_windows_are_fewer() -> None:
    windows = SimulatedWindows(Noise(), batch_size=256)
    long = windows.of_task(np.random.default_rng(0), Task(Season(96, 672), 192, 48, 1.0))
    assert 8 <= len(long) < 256
    assert long.values.numel() <= 60_000


def test_seasons_come_as_often_as_their_shares_say() -> None:
    class Chosen(SimulatedWindows):
        """The task of a step in place of its windows."""

        def of_task(self, random: np.random.Generator, task: Task) -> Any:
            return task

    two = Task(Season(1), 8, 2, 3.0), Task(Season(2), 8, 2, 1.0)
    windows = Chosen(curriculum=two)
    tasks = [windows.batch(step) for step in range(1000)]
    assert tasks.count(two[0]) / 1000 == pytest.approx(0.75, abs=0.04)


def test_the_fingerprint_is_that_of_what_makes_the_batches() -> None:
    windows = SimulatedWindows(curriculum=TINY, batch_size=8, seed=1)
    same = SimulatedWindows(curriculum=list(TINY), batch_size=8, seed=1)
    assert windows.fingerprint() == same.fingerprint()
    others = [
        SimulatedWindows(batch_size=8, seed=1),
        SimulatedWindows(Noise(), TINY, batch_size=8, seed=1),
        SimulatedWindows(curriculum=TINY, batch_size=9, seed=1),
        SimulatedWindows(curriculum=TINY, batch_size=8),
    ]
    assert len({windows.fingerprint(), *(other.fingerprint() for other in others)}) == 5


# ------------------------------------------------------------------------------------ the training


def test_errors_are_in_the_unit_of_the_batchs_season() -> None:
    module = PretrainingModule(3)
    module.reset_parameters(torch.Generator().manual_seed(0))
    batch = SimulatedWindows(curriculum=TINY, batch_size=8).batch(0)
    network, objective = module._learned_from(module.network, batch)
    assert objective == Objective("mae", season=4, change_share=1.0, limit=12.0)
    assert network.lags == (1, 4, 8, 12, 16)
    assert all(a is b for a, b in zip(network.parameters(), module.parameters(), strict=True))


def test_the_loss_falls() -> None:
    """Of noise the mean is a better forecast than the value a season ago, where it begins."""
    module = PretrainingModule(8)
    module.reset_parameters(torch.Generator().manual_seed(0))
    windows = SimulatedWindows(Noise(), TINY, batch_size=32)
    optimiser = torch.optim.AdamW(module.parameters(), 1e-2)
    losses = []
    for step in range(30):
        loss = module.training_step(windows.batch(step), step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_the_learning_curve(tmp_path: Path) -> None:
    curve = pretrain(tmp_path / "weights", 3, **SMALL)
    assert list(curve.columns) == ["step", "loss"]
    assert curve["step"].iloc[-1] == 3
    assert np.isfinite(curve["loss"]).all()
    found = read_weights(tmp_path / "weights")
    assert (found.hidden_size, found.num_layers) == (3, 1)
    assert (found.facts["steps"], found.facts["batch_size"]) == (3, 8)
    assert found.facts["windows"] == SimulatedWindows(batch_size=8).fingerprint()


@pytest.mark.slow
def test_weights_depend_on_the_seed_alone(tmp_path: Path) -> None:
    curves = [pretrain(tmp_path / name, 2, **SMALL) for name in ("one", "two")]
    pd.testing.assert_frame_equal(*curves)
    assert_same_weights(tmp_path / "one", tmp_path / "two")
    pretrain(tmp_path / "three", 2, random_state=1, **SMALL)
    other = weights_of(tmp_path / "three")
    assert any((w != other[name]).any() for name, w in weights_of(tmp_path / "one").items())


def test_a_run_begins_with_weights_and_learns_some_seasons_alone(tmp_path: Path) -> None:
    pretrain(tmp_path / "first", 1, **SMALL)
    more = {"init": tmp_path / "first", "seasons": [52, 12]}
    pretrain(tmp_path / "second", 2, batch_size=8, verbose=False, **more)
    found = read_weights(tmp_path / "second")
    assert (found.hidden_size, found.num_layers, found.seasons) == (3, 1, (12, 52))
    first = hashlib.sha256((tmp_path / "first").read_bytes()).hexdigest()
    assert found.facts["init"] == first
    # Two steps change weights by little, and random ones would have nothing in common.
    before = weights_of(tmp_path / "first")
    for name, weight in weights_of(tmp_path / "second").items():
        assert 0 < (weight - before[name]).abs().max() < 0.01


def test_seasons_that_are_learned_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    learned = []

    def noted(self: SimulatedWindows, random: np.random.Generator, task: Task) -> Any:
        learned.append(task.season.rows)
        return of_task(self, random, task)

    of_task = SimulatedWindows.of_task
    monkeypatch.setattr(SimulatedWindows, "of_task", noted)
    pretrain(tmp_path / "weights", 8, seasons={4, 12}, **SMALL)
    assert set(learned) == {4, 12}


def test_another_start_is_another_run(tmp_path: Path) -> None:
    for seed, name in enumerate(("one", "two")):
        pretrain(tmp_path / name, 1, random_state=seed, **SMALL)
    pretrain(tmp_path / "a", 1, init=tmp_path / "one", run_dir=tmp_path / "run", **SMALL)
    with pytest.raises(SettingError, match="model differ"):
        pretrain(tmp_path / "b", 1, init=tmp_path / "two", run_dir=tmp_path / "run", **SMALL)


def test_a_size_that_is_not_that_of_the_start(tmp_path: Path) -> None:
    pretrain(tmp_path / "first", 1, **SMALL)
    for other in ({"hidden_size": 4}, {"num_layers": 2}):
        with pytest.raises(SettingError, match=r"hidden_size=3, num_layers=1; leave both out"):
            pretrain(tmp_path / "weights", 1, init=tmp_path / "first", **other)


class Cut(RuntimeError):
    """What ends a run."""


class AtStep(pl.Callback):
    """Does something after a step."""

    def __init__(self, step: int, action: Callable[[], None]) -> None:
        self.step, self.action = step, action

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            self.action()


def cut_off() -> None:
    raise Cut


@pytest.mark.slow
def test_a_run_that_was_cut_off_ends_with_the_weights_of_a_whole_one(tmp_path: Path) -> None:
    cut = {"callbacks": AtStep(5, cut_off)}
    with pytest.raises(Cut):
        pretrain(tmp_path / "cut", 8, run_dir=tmp_path / "run", trainer_kwargs=cut, **SMALL)
    assert not (tmp_path / "cut").exists()
    resumed = pretrain(tmp_path / "cut", 8, run_dir=tmp_path / "run", **SMALL)
    whole = pretrain(tmp_path / "whole", 8, **SMALL)
    pd.testing.assert_frame_equal(resumed, whole)
    assert_same_weights(tmp_path / "cut", tmp_path / "whole")


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    pretrain(tmp_path / "one", 1, run_dir=tmp_path / "run", **SMALL)
    with pytest.raises(SettingError, match="data"):
        pretrain(tmp_path / "two", 1, run_dir=tmp_path / "run", random_state=1, **SMALL)


def test_a_run_that_is_interrupted_writes_what_it_has(tmp_path: Path) -> None:
    stopped = {"callbacks": AtStep(2, lambda: os.kill(os.getpid(), signal.SIGINT))}
    with pytest.warns(TrainingInterrupted, match="the weights are those so far"):
        pretrain(tmp_path / "weights", 1000, trainer_kwargs=stopped, **SMALL)
    assert read_weights(tmp_path / "weights").facts["steps"] < 1000


def test_a_file_that_exists_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_text("precious")
    with monkeypatch.context() as patched:
        patched.setattr("tsgen.training.pretraining.train", None)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            tsgen.pretrain(path, 1, **SMALL)
        with pytest.raises(FileNotFoundError, match="no folder"):
            tsgen.pretrain(tmp_path / "no" / "weights", 1, **SMALL)
    assert path.read_text() == "precious"
    tsgen.pretrain(path, 1, overwrite=True, **SMALL)
    assert read_weights(path).hidden_size == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"hidden_size": 0}, "hidden_size"),
        ({"num_layers": 5}, "num_layers"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": None}, "random_state"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": "many"}, "max_steps"),
        ({"max_steps": 2.5}, "max_steps"),
        ({"init": "missing"}, "init"),
        ({"seasons": []}, "seasons"),
        ({"seasons": [12, 13]}, "seasons"),
        ({"seasons": 12}, "seasons"),
        ({"seasons": "12"}, "seasons"),
        ({"seasons": [[12]]}, "seasons"),
    ],
    ids=str,
)
def test_a_bad_value_is_refused_by_the_arguments_name(
    arguments: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=rf"\b{named}\b"):
        pretrain(tmp_path / "weights", **(SMALL | {"max_steps": 1} | arguments))
    assert not (tmp_path / "weights").exists()


@pytest.mark.slow
def test_the_time_of_a_step_is_measured() -> None:
    steps = {"hidden_size": 3, "num_layers": 1, "batch_size": 8}
    assert steps_within(1e-9, **steps) == 1
    found = steps_within(60.0, **steps)
    assert isinstance(found, int)
    assert found > 60  # a step takes less than a minute
