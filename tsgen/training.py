"""The only caller of ``Trainer``: quiet, seeded without touching anything global, resumable."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from tsgen.callbacks import (
    BestWeights,
    ClosedLoopValidation,
    DivergenceGuard,
    LastAverage,
    LossRecord,
    ProgressLine,
    StepSeed,
    StopOnSignal,
)
from tsgen.errors import SettingError
from tsgen.module import ForecastModule, WindowDataModule
from tsgen.report import Losses

__all__ = ["Schedule", "TrainingInterrupted", "is_rank_zero", "isolated_seed", "train"]

_CHECKPOINT = "last.ckpt"
_RUN = "run.json"


class TrainingInterrupted(UserWarning):
    """Training was ended by a signal: the model has the best weights so far."""


@dataclass(frozen=True)
class Schedule:
    """How long to train, and when to stop.

    Attributes
    ----------
    max_steps : int
    gradient_clip_val : float or None
    patience : int or None
        Validations without improvement before training stops; ``None`` never stops early.
    validate_every : int
        Steps between validations.
    seed : int
    verbose : bool
    label : str, default "fit"
        What stands before the progress bar.
    weight_averaging : float, optional
        The share of the steps, at their end, over which the weights are averaged.
    """

    max_steps: int
    gradient_clip_val: float | None
    patience: int | None
    validate_every: int
    seed: int
    verbose: bool
    label: str = "fit"
    weight_averaging: float | None = None


def train(
    module: ForecastModule,
    data: WindowDataModule,
    schedule: Schedule,
    *,
    trainer_kwargs: Mapping[str, Any] | None = None,
    names: Callable[[Tensor], list[str]] | None = None,
    run_dir: str | os.PathLike[str] | None = None,
) -> Losses:
    """Fit the module's weights in place and leave it on the CPU, in evaluation mode.

    Nothing is written to the working folder; ``trainer_kwargs`` win over what is set here, and
    their callbacks are added to ours. With ``run_dir`` a run that was cut off goes on where its
    last checkpoint stands.

    Raises
    ------
    DivergenceError
        If the loss is no longer a number; the module has the best finite weights then.
    SettingError
        If ``run_dir`` holds the run of other data or settings.
    """
    best = BestWeights(latest=module.strategy.is_curriculum)
    stop, record = StopOnSignal(), LossRecord()
    validation = _validation(data, schedule, best)
    callbacks = [
        DivergenceGuard(best, names or (lambda positions: [str(int(i)) for i in positions])),
        best,
        stop,
        record,
        *validation,
        *_optional_callbacks(module, schedule),
    ]
    checkpoint = None
    if run_dir is not None:
        folder = _opened_run(Path(run_dir), module, data, schedule)
        callbacks.append(_checkpoints(folder, schedule.max_steps))
        checkpoint = folder / _CHECKPOINT
    arguments = _trainer_arguments(schedule, trainer_kwargs)
    arguments["callbacks"] = [*callbacks, *arguments["callbacks"]]
    arguments["enable_checkpointing"] |= run_dir is not None
    with quiet_dependencies(), isolated_seed(schedule.seed), stop.restored():
        trainer = pl.Trainer(**arguments)
        resume = str(checkpoint) if checkpoint is not None and checkpoint.exists() else None
        try:
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        except SystemExit as error:  # how Lightning ends on KeyboardInterrupt
            raise KeyboardInterrupt from error
        finally:  # what is left, after an error too, needs no GPU
            module.to("cpu").eval()
        if checkpoint is not None and stop.received is None:
            trainer.save_checkpoint(checkpoint)
    if stop.received is not None or best.by_validation:
        best.restore(module)
    # It would keep the optimiser, the rows and copies of the weights, some of them on a GPU.
    module.trainer = None
    if stop.received is not None:
        warnings.warn(
            f"training was ended by {stop.received} at step {trainer.global_step} of "
            f"{schedule.max_steps}; the model has the best weights so far, of step {best.step}",
            TrainingInterrupted,
            stacklevel=2,
        )
    return Losses(record.losses, validation[0].losses if validation else {})


def _trainer_arguments(
    schedule: Schedule, trainer_kwargs: Mapping[str, Any] | None
) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "max_steps": schedule.max_steps,
        "gradient_clip_val": schedule.gradient_clip_val,
        # Windows are cut in float64, which Apple's GPUs don't have.
        "accelerator": "cpu" if torch.backends.mps.is_available() else "auto",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "enable_progress_bar": False,
    } | dict(trainer_kwargs or {})
    callbacks = arguments.get("callbacks") or []
    arguments["callbacks"] = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return arguments


def _validation(
    data: WindowDataModule, schedule: Schedule, best: BestWeights
) -> list[ClosedLoopValidation]:
    """One, or none where no rows are held out."""
    if not data.validation_rows:
        return []
    return [ClosedLoopValidation(data, best, schedule.validate_every, schedule.patience)]


def _optional_callbacks(module: ForecastModule, schedule: Schedule) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = []
    if module.network.dropout.p > 0 or module.strategy.is_random:
        callbacks.append(StepSeed(schedule.seed))
    if schedule.weight_averaging is not None:
        callbacks.append(LastAverage(schedule.weight_averaging))
    if schedule.verbose:
        callbacks.append(ProgressLine(schedule.label))
    return callbacks


# --- a folder for a run that may be cut off ------------------------------------------------------


def _checkpoints(folder: Path, max_steps: int) -> ModelCheckpoint:
    return ModelCheckpoint(
        dirpath=folder,
        filename=Path(_CHECKPOINT).stem,
        every_n_train_steps=max(1, min(50, max_steps // 10)),
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )


def _opened_run(
    folder: Path, module: ForecastModule, data: WindowDataModule, schedule: Schedule
) -> Path:
    """The folder, which says what run it belongs to; that of another run is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "data": data.fingerprint(),
        "model": module.describe(),
        "max_steps": schedule.max_steps,
        "gradient_clip_val": schedule.gradient_clip_val,
        "patience": schedule.patience,
        "weight_averaging": schedule.weight_averaging,
        "random_state": schedule.seed,
    }
    path = folder / _RUN
    if path.exists():
        earlier = json.loads(path.read_text())
        changed = [name for name in description if earlier.get(name) != description[name]]
        if changed:
            raise SettingError(
                f"run_dir={str(folder)!r} holds another run: {', '.join(changed)} differ; choose "
                "another folder, or delete this one to begin anew"
            )
        return folder
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(description, indent=2))
    os.replace(temporary, path)
    return folder


def is_rank_zero() -> bool:
    """Whether this process is the one that saves and prints; true where there is only one."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


# --- leaving no trace ----------------------------------------------------------------------------


@contextmanager
def isolated_seed(seed: int) -> Iterator[None]:
    """Seed torch for the block alone; the caller's generators go on as if nothing had happened."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        yield


@contextmanager
def quiet_dependencies() -> Iterator[None]:
    """Keep Lightning's notices from the user's terminal, for the block alone."""
    loggers = [
        logging.getLogger(name)
        for name in ("pytorch_lightning", "lightning_fabric", *logging.root.manager.loggerDict)
        if name.split(".")[0] in ("pytorch_lightning", "lightning_fabric")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for package in (
                "pytorch_lightning",
                "lightning_fabric",
                "lightning_utilities",
                "torch",
            ):
                warnings.filterwarnings("ignore", module=rf"{package}(\..*)?$")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
