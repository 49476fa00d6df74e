"""The only caller of ``Trainer``: quiet, without a trace in anything global, resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from tsgen.callbacks import (
    BestWeights,
    Checkpoints,
    ClosedLoopValidation,
    DivergenceGuard,
    LastAverage,
    LossRecord,
    ProgressLine,
    StopOnSignal,
)
from tsgen.data_module import WindowDataModule
from tsgen.errors import OutOfMemoryError, SettingError
from tsgen.messages import written
from tsgen.module import ForecastModule, is_out_of_memory
from tsgen.quiet import quiet
from tsgen.report import Losses

__all__ = ["Schedule", "TrainingInterrupted", "is_rank_zero", "train"]

_CHECKPOINT = "last.ckpt"
_RUN = "run.json"
_CHATTY = "pytorch_lightning", "lightning_fabric", "lightning_utilities", "torch"
"""Packages whose advice is meant for whoever writes a training, which isn't the user."""


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
    OutOfMemoryError
        If there is too little memory for even one window.
    SettingError
        If ``run_dir`` holds the run of other data or settings, or the ``Trainer`` refuses
        ``trainer_kwargs``.
    """
    best = BestWeights(latest=module.strategy.is_curriculum)
    stop, record = StopOnSignal(), LossRecord()
    validation = [ClosedLoopValidation(best, schedule.patience)] if data.validation_rows else []
    callbacks = [
        DivergenceGuard(best, names or (lambda positions: [str(int(i)) for i in positions])),
        best,
        stop,
        record,
        *validation,
        *_optional_callbacks(schedule),
    ]
    checkpoint = None
    if run_dir is not None:
        checkpoint = _opened_run(Path(run_dir), module, data, schedule) / _CHECKPOINT
        callbacks.append(Checkpoints(checkpoint, max(1, min(50, schedule.max_steps // 10))))
    with quiet(*_CHATTY), stop.restored(), restored_backends():
        trainer = _trainer(schedule, trainer_kwargs, callbacks, validated=bool(validation))
        resume = str(checkpoint) if checkpoint is not None and checkpoint.exists() else None
        try:
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        except SystemExit as error:  # how Lightning ends on KeyboardInterrupt
            raise KeyboardInterrupt from error
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"training needs more memory than there is, with {data.sampler.batch_size} windows "
                "a step: lower batch_size, n_models, context_length, hidden_size or num_layers"
            ) from error
        finally:  # what is left, after an error too, needs no GPU
            module.to("cpu").eval()
        if checkpoint is not None and stop.received is None:
            trainer.save_checkpoint(checkpoint)
    if stop.received is not None or best.by_validation:
        best.restore(module)
    # It would keep the optimiser, the rows and copies of the weights, some of them on a GPU.
    module.trainer = None
    interrupted = None
    if stop.received is not None:
        interrupted = (
            f"training was ended by {stop.received} at step {trainer.global_step} of "
            f"{schedule.max_steps}"
        )
    return Losses(record.losses, validation[0].losses if validation else {}, interrupted)


class _Trainer(pl.Trainer):
    """Lightning's, but for what it does to the generators of the whole process.

    It sets them back after the check that may come before a training, also where there is none:
    what another thread has drawn in between would be drawn again.
    """

    def _run_stage(self) -> Any:
        if not self.training or self.num_sanity_val_steps:
            return super()._run_stage()
        self.strategy.barrier("run-stage")
        self.lightning_module.zero_grad()
        with torch.autograd.set_detect_anomaly(self._detect_anomaly):
            self.fit_loop.run()
        return None


def _trainer(
    schedule: Schedule,
    trainer_kwargs: Mapping[str, Any] | None,
    callbacks: Sequence[pl.Callback],
    *,
    validated: bool,
) -> pl.Trainer:
    """Lightning's trainer, with callbacks of ours before those of the user."""
    given = dict(trainer_kwargs or {})
    theirs = given.pop("callbacks", None) or []
    theirs = list(theirs) if isinstance(theirs, list | tuple) else [theirs]
    accumulated = given.get("accumulate_grad_batches", 1)
    arguments: dict[str, Any] = {
        "max_steps": schedule.max_steps,
        # The stream of windows has no end. What Lightning does at the end of an epoch, such as to
        # validate, it does every so many steps.
        "limit_train_batches": schedule.validate_every * accumulated,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 1.0 if validated else 0,
        "log_every_n_steps": max(1, min(50, schedule.max_steps // 10)),
        "gradient_clip_val": schedule.gradient_clip_val,
        # Windows are cut in float64, which Apple's GPUs don't have.
        "accelerator": "cpu" if torch.backends.mps.is_available() else "auto",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": any(isinstance(each, Checkpoint) for each in theirs),
        "enable_model_summary": False,
        "enable_progress_bar": False,
    } | given
    try:
        return _Trainer(**arguments, callbacks=[*callbacks, *theirs])
    except (TypeError, ValueError, RuntimeError) as error:
        raise SettingError(
            f"trainer_kwargs={written(dict(trainer_kwargs or {}))}: Lightning's Trainer refuses "
            f"them: {error}"
        ) from error


def _optional_callbacks(schedule: Schedule) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = []
    if schedule.weight_averaging is not None:
        callbacks.append(LastAverage(schedule.weight_averaging))
    if schedule.verbose:
        callbacks.append(ProgressLine(schedule.label))
    return callbacks


# --- a folder for a run that may be cut off ------------------------------------------------------


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
def restored_backends() -> Iterator[None]:
    """Give torch's switches back: ``Trainer(deterministic=True, benchmark=True)`` sets them."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
