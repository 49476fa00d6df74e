"""One network for every season learns from simulated series alone, before it sees any real one.

Each step has series of one season, simulated for it: a context of which most rows may be missing,
and a horizon. What is minimised is what forecasts are judged by: absolute errors in units of the
change over a season, for the most part those of the closed loop.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch

from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen._typing import BoolArray
from tsgen._validation import seed_number, whole_number
from tsgen.errors import SettingError, TrainingInterrupted, warn_user
from tsgen.io import check_target
from tsgen.nn import RecurrentNetwork, Season, seasonal_architecture, sharing_weights
from tsgen.preprocessing import WindowBatch, WindowNormaliser
from tsgen.simulation import Prior
from tsgen.training.data_module import TrainingData
from tsgen.training.lightning_module import ForecastModule
from tsgen.training.losses import Objective
from tsgen.training.strategies import FreeRunning
from tsgen.training.trainer import Schedule, is_rank_zero, train
from tsgen.weights import CURRICULUM, Task, read_weights, write_weights

__all__ = ["PretrainingModule", "SimulatedBatch", "SimulatedWindows", "pretrain", "steps_within"]

_FEWEST_ROWS = 6
_WILD = 30.0
"""Spreads of its context that a series may leave it by; what goes farther can't be forecast."""
_LEARNING_RATE = 2e-3
"""From random weights; half of it from others."""
_POINTS_A_STEP = 60_000
"""Rows of all windows of a step, at most: longer windows are fewer."""


@dataclass(frozen=True, eq=False)
class SimulatedBatch(WindowBatch):
    """Windows of simulated series; their covariates are the season's constants.

    Attributes
    ----------
    season : Season
    """

    season: Season = field(default_factory=Season)


class SimulatedWindows(TrainingData):
    """An endless, seeded stream of simulated windows.

    Parameters
    ----------
    prior : Prior, optional
        What series are made of.
    curriculum : sequence of Task, default CURRICULUM
    batch_size : int, default 256
        Windows a step, in each process; fewer where they are long.
    seed : int, default 0
        The windows of a step depend on it, the step and the process alone.

    Examples
    --------
    >>> from tsgen.training.pretraining import SimulatedWindows
    >>> batch = SimulatedWindows(batch_size=8).batch(step=0)
    >>> len(batch)
    8
    """

    def __init__(
        self,
        prior: Prior | None = None,
        curriculum: Sequence[Task] = CURRICULUM,
        *,
        batch_size: int = 256,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.prior = prior or Prior()
        self.curriculum = tuple(curriculum)
        self.batch_size = batch_size
        self.seed = seed

    def train_dataloader(self) -> SimulatedStream:
        """Batches from the trainer's step on."""
        return SimulatedStream(self, self.trainer)

    def batch(self, step: int, rank: int = 0) -> SimulatedBatch:
        """The windows of one step."""
        random = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, rank, step, 0]))
        shares = np.array([task.share for task in self.curriculum])
        task = self.curriculum[random.choice(len(shares), p=shares / shares.sum())]
        return self.of_task(random, task)

    def of_task(self, random: np.random.Generator, task: Task) -> SimulatedBatch:
        """Windows of one season, in the units of their contexts."""
        season, horizon = task.season, task.horizon
        cutoff = max(season.lags) - 1 + task.context_length
        length = cutoff + horizon
        size = max(8, min(self.batch_size, _POINTS_A_STEP // length))
        drawn = self.prior.values(random, size, length, season.rows, season.longer)
        values = torch.from_numpy(drawn)[:, :, None]
        known = torch.from_numpy(_known_rows(random, size, cutoff, horizon))[:, :, None]
        values = torch.where(known, values, 0.0)
        normaliser = WindowNormaliser.of(
            values[:, :cutoff], known[:, :cutoff], task.context_length, window_norm=True
        )
        units = normaliser.apply(values, known)
        is_wild = (units[:, cutoff:].abs() > _WILD).any(dim=1, keepdim=True)
        known[:, cutoff:] &= ~is_wild
        return SimulatedBatch(
            torch.where(known, units, 0.0),
            known.to(torch.float32),
            torch.arange(size),
            season.constants.expand(size, length, -1),
            horizon,
            season,
        )

    def fingerprint(self) -> str:
        """A digest of what makes the batches."""
        made_of = self.prior, self.curriculum, self.batch_size, self.seed
        return hashlib.sha256(repr(made_of).encode()).hexdigest()


class SimulatedStream:
    """The batches of all steps; a resumed run goes on at the trainer's step."""

    def __init__(self, windows: SimulatedWindows, trainer: pl.Trainer | None) -> None:
        self._windows = windows
        self._trainer = trainer

    def __iter__(self) -> Iterator[SimulatedBatch]:
        trainer, first, rank = self._trainer, 0, 0
        if trainer is not None:
            first = trainer.global_step * trainer.accumulate_grad_batches
            rank = trainer.global_rank
        # While the network learns from a batch, the next one is simulated.
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._windows.batch, first, rank)
            for step in count(first + 1):
                batch, ahead = ahead.result(), pool.submit(self._windows.batch, step, rank)
                yield batch


def _known_rows(random: np.random.Generator, size: int, cutoff: int, horizon: int) -> BoolArray:
    """Which rows of windows there are, (B, rows): real series are short, and have holes."""
    rows = random.integers(_FEWEST_ROWS, cutoff + 1, size)
    kind = random.random(size)
    rows[kind < 0.7] = random.integers(max(cutoff // 2, _FEWEST_ROWS), cutoff + 1, size)[kind < 0.7]
    rows[kind < 0.3] = cutoff
    known = np.arange(cutoff + horizon) >= (cutoff - rows)[:, None]
    if random.random() < 0.15:  # a pass over holes costs a batch as much again
        holes = random.random(known.shape) < random.uniform(0.0, 0.3, size)[:, None]
        holes[:, cutoff:] = False
        known &= ~holes
    return known


class PretrainingModule(ForecastModule):
    """A network for every season under training.

    Parameters
    ----------
    hidden_size : int, default 64
    num_layers : int, default 1
    learning_rate : float, default 0.002
        The highest of a one-cycle schedule.
    seed : int, default 0
    """

    def __init__(
        self,
        hidden_size: int = 64,
        num_layers: int = 1,
        *,
        learning_rate: float = _LEARNING_RATE,
        seed: int = 0,
    ) -> None:
        super().__init__(
            seasonal_architecture(hidden_size, num_layers),
            objective=Objective("mae", change_share=1.0, limit=12.0),
            strategy=FreeRunning(share=0.7),
            learning_rate=learning_rate,
            weight_decay=1e-3,
            seed=seed,
        )

    def _learned_from(
        self, network: RecurrentNetwork, batch: WindowBatch
    ) -> tuple[RecurrentNetwork, Objective]:
        assert isinstance(batch, SimulatedBatch)
        objective = replace(self.objective, season=batch.season.rows)
        return sharing_weights(network, batch.season), objective


@isolated()
def pretrain(
    path: str | PathLike[str],
    max_steps: int = 10_000,
    *,
    init: str | PathLike[str] = "random",
    seasons: Collection[int] | None = None,
    hidden_size: int | None = None,
    num_layers: int | None = None,
    batch_size: int = 256,
    random_state: int = 0,
    run_dir: str | PathLike[str] | None = None,
    trainer_kwargs: Mapping[str, Any] | None = None,
    verbose: bool = True,
    overwrite: bool = False,
) -> pd.DataFrame:
    """Train a network for every season on simulated series, and write its weights to a file.

    ``LSTMForecaster(init=path)`` begins with them; those that ship with tsgen were made by this.

    Parameters
    ----------
    path : path
        Such as ``"weights.safetensors"``.
    max_steps : int, default 10_000
    init : "random" or path, default "random"
        What to begin with: the path of weights, such as those that are to know some seasons better.
    seasons : collection of int, optional
        Rows of the seasons that series have, of those in `tsgen.weights.CURRICULUM`; all of them by
        default.
    hidden_size, num_layers : int, optional
        By default 64 and 1, or those of ``init``.
    batch_size : int, default 256
        Windows a step.
    random_state : int, default 0
        Of the first weights and of the simulated series.
    run_dir : path, optional
        A folder for checkpoints, from which the same call goes on after a crash.
    trainer_kwargs : dict, optional
        More arguments for Lightning's ``Trainer``, such as ``{"accelerator": "gpu"}``.
    verbose : bool, default True
        Whether to show a progress bar on a terminal.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Returns
    -------
    DataFrame
        The learning curve: ``step`` and ``loss``, the mean over the steps since the row before.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is false.
    SettingError
        For an argument that can't be used, with what is accepted.
    ModelFileError
        If ``init`` is a file of something else.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/weights.safetensors"
    ...     curve = tsgen.pretrain(path, 2, hidden_size=4, batch_size=8, verbose=False)
    ...     model = tsgen.LSTMForecaster(preset="zero_shot", init=path)
    ...     len(model.fit(tsgen.load_dataset("sunspots")).predict(11))
    11
    """
    target = check_target(path, overwrite=overwrite)
    max_steps = whole_number("max_steps", max_steps, "optimiser steps")
    data = _windows(seasons, batch_size, random_state)
    module = _module(init, hidden_size, num_layers, data.seed)
    schedule = Schedule(
        max_steps=max_steps,
        gradient_clip_val=1.0,
        patience=None,
        validate_every=max_steps,
        seed=random_state,
        verbose=verbose,
        label="pretrain",
    )
    start = time.monotonic()
    losses = train(module, data, schedule, trainer_kwargs=trainer_kwargs, run_dir=run_dir)
    facts = {
        "steps": len(losses.training),
        "batch_size": batch_size,
        "random_state": random_state,
        "series": "simulated",
        **({} if init == "random" else {"init": _digest(init)}),
        **({} if seasons is None else {"seasons": sorted(seasons)}),
        "minutes": round((time.monotonic() - start) / 60, 1),
        "windows": data.fingerprint(),
    }
    if is_rank_zero():  # under DDP every process comes here
        write_weights(target, module.network, facts, overwrite=overwrite)
    if losses.interrupted is not None:
        warn_user(f"{losses.interrupted}; the weights are those so far", TrainingInterrupted)
    return losses.table()


@isolated()
def steps_within(
    minutes: float,
    *,
    init: str | PathLike[str] = "random",
    seasons: Collection[int] | None = None,
    hidden_size: int | None = None,
    num_layers: int | None = None,
    batch_size: int = 256,
) -> int:
    """How many steps take about so long on this machine, by the time of a few on its CPU."""
    data = _windows(seasons, batch_size, seed=0)
    module = _module(init, hidden_size, num_layers, seed=0)
    start, tried = time.monotonic(), 20
    for step in range(tried):
        module.training_step(data.batch(step), step).backward()
    return max(1, round(minutes * 60 * tried / (time.monotonic() - start)))


def _windows(seasons: Collection[int] | None, batch_size: int, seed: int) -> SimulatedWindows:
    size = whole_number("batch_size", batch_size, "windows a step")
    seed = seed_number("random_state", seed)
    return SimulatedWindows(curriculum=_tasks(seasons), batch_size=size, seed=seed)


def _tasks(seasons: Collection[int] | None) -> tuple[Task, ...]:
    """What is learned of such seasons."""
    if seasons is None:
        return CURRICULUM
    known = sorted({task.season.rows for task in CURRICULUM})
    if not isinstance(seasons, Collection) or not seasons or any(m not in known for m in seasons):
        raise SettingError(
            f"seasons={written(seasons)}: expected a list of some of {', '.join(map(str, known))}"
        )
    return tuple(task for task in CURRICULUM if task.season.rows in seasons)


def _module(
    init: str | PathLike[str], hidden_size: int | None, num_layers: int | None, seed: int
) -> PretrainingModule:
    """A network to train, with the weights that it begins with."""
    first = None if init == "random" else read_weights(fspath(init))
    made_of = seasonal_architecture() if first is None else first.network.architecture
    units = _size("hidden_size", hidden_size, made_of.hidden_size, "units of the network")
    layers = _size("num_layers", num_layers, made_of.num_layers, "layers", highest=4)
    if first is not None and (units, layers) != (first.hidden_size, first.num_layers):
        raise SettingError(
            f"hidden_size={units}, num_layers={layers}: the weights to begin with have "
            f"hidden_size={first.hidden_size}, num_layers={first.num_layers}; leave both out"
        )
    rate = _LEARNING_RATE if first is None else _LEARNING_RATE / 2
    with torch.device("meta"):  # weights without memory, which draw nothing
        module = PretrainingModule(units, layers, learning_rate=rate, seed=seed)
    module.to_empty(device="cpu")
    if first is None:
        module.reset_parameters(torch.Generator().manual_seed(seed))
    else:
        module.take_over([first.network])
        module.begun_from = int(_digest(init)[:15], 16)
    return module


def _size(name: str, given: int | None, default: int, what: str, **limits: int) -> int:
    return default if given is None else whole_number(name, given, what, **limits)


def _digest(path: str | PathLike[str]) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
