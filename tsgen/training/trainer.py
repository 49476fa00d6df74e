"""The only caller of ``Trainer``: quiet, without a trace in anything global, resumable."""

from __future__ import annotations

import inspect
import json
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Checkpoint,
    DeviceStatsMonitor,
    LearningRateMonitor,
    ProgressBar,
)
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import (  # type: ignore[attr-defined]
    MisconfigurationException,
)
from torch import Tensor

from tsgen._messages import written
from tsgen._runtime import quiet
from tsgen._validation import whole_number
from tsgen.errors import OutOfMemoryError, SettingError, TsgenError
from tsgen.training.callbacks import (
    BestWeights,
    Checkpoints,
    ClosedLoopValidation,
    DivergenceGuard,
    LastAverage,
    LossRecord,
    ProgressLine,
    StopOnSignal,
)
from tsgen.training.data_module import TrainingData
from tsgen.training.lightning_module import LearningModule, is_out_of_memory
from tsgen.training.report import Losses

__all__ = ["Schedule", "is_rank_zero", "train", "without_outputs"]

_CHECKPOINT = "last.ckpt"
_RUN = "run.json"
_CHATTY = "pytorch_lightning", "lightning_fabric", "lightning_utilities", "torch"
"""Packages whose advice is meant for whoever writes a training, which isn't the user."""


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
    module: LearningModule[Any, Any],
    data: TrainingData,
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
    try:
        with quiet(*_CHATTY), stop.restored(), restored_backends(trainer_kwargs or {}):
            with _refusals_as_errors(trainer_kwargs, anywhere=True):
                trainer = _trainer(schedule, trainer_kwargs, callbacks, validated=bool(validation))
            _run(trainer, module, data, trainer_kwargs, checkpoint)
            if checkpoint is not None and stop.received is None:
                trainer.save_checkpoint(checkpoint)
    finally:
        # It would keep the optimiser, the rows and copies of the weights, some of them on a GPU.
        module.trainer = None
        module.logs = True
    if stop.received is not None or best.by_validation:
        best.restore(module)
    interrupted = None
    if stop.received is not None:
        interrupted = (
            f"training was ended by {stop.received} at step {trainer.global_step} of "
            f"{schedule.max_steps}"
        )
    return Losses(record.losses, validation[0].losses if validation else {}, interrupted)


def _run(
    trainer: pl.Trainer,
    module: LearningModule[Any, Any],
    data: TrainingData,
    trainer_kwargs: Mapping[str, Any] | None,
    checkpoint: Path | None,
) -> None:
    """Train, from a checkpoint on where there is one, and say what went wrong in our words."""
    module.logs = bool(trainer.loggers) or any(
        _is_theirs(each)
        for each in trainer.callbacks  # type: ignore[attr-defined]
    )
    resume = str(checkpoint) if checkpoint is not None and checkpoint.exists() else None
    try:
        with _refusals_as_errors(trainer_kwargs):
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        if trainer.global_step == 0:
            raise SettingError(
                f"trainer_kwargs={written(dict(trainer_kwargs or {}))}: training ended before "
                "its first step; let it take one, or leave out what limits it"
            )
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from error  # Lightning made an exit of it
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"training needs more memory than there is, with {data.batch_size} windows "
            "a step: lower batch_size, n_models, context_length, hidden_size or num_layers"
        ) from error
    finally:  # what is left, after an error too, needs no GPU
        module.to("cpu").eval()


class _Trainer(pl.Trainer):
    """Lightning's, but for what it does to the generators of the whole process.

    It sets them back after the check that may come before a training, also where there is none:
    what another thread has drawn in between would be drawn again. Validating draws nothing. It
    also sets whether autograd looks for anomalies, for all threads, also where nobody asked.
    """

    def _run_stage(self) -> Any:
        self.strategy.barrier("run-stage")
        self.lightning_module.zero_grad()
        if self.num_sanity_val_steps:
            self._run_sanity_check()
        if self._detect_anomaly:
            torch.autograd.set_detect_anomaly(True)  # `restored_backends` gives it back
        self.fit_loop.run()


def _trainer(
    schedule: Schedule,
    trainer_kwargs: Mapping[str, Any] | None,
    callbacks: Sequence[pl.Callback],
    *,
    validated: bool,
) -> pl.Trainer:
    """Lightning's trainer, with callbacks of ours before those of the user."""
    given = dict(trainer_kwargs or {})
    theirs = _listed(given.pop("callbacks", None))
    _check_callbacks(theirs, validated=validated)
    for callback in theirs:
        _begin_anew(callback)
    if given.get("logger") is None:  # which is a folder of logs for Lightning
        given["logger"] = False
    accumulated = given.get("accumulate_grad_batches")
    given["accumulate_grad_batches"] = whole_number(
        "trainer_kwargs: accumulate_grad_batches",
        1 if accumulated is None else accumulated,
        "batches a step",
    )
    trainer = _Trainer(
        **_usual_arguments(schedule, given, theirs, validated=validated) | given,
        callbacks=[*callbacks, *theirs],
    )
    if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
        raise SettingError(
            f"trainer_kwargs: strategy={written(given.get('strategy'))} trains in processes from "
            "which the losses and the best weights don't come back: pass strategy='ddp' in a "
            "script, which each process runs from its first line"
        )
    return trainer


def _usual_arguments(
    schedule: Schedule,
    given: Mapping[str, Any],
    theirs: Sequence[pl.Callback],
    *,
    validated: bool,
) -> dict[str, Any]:
    """What a trainer is made with, unless the user says otherwise."""
    every = max(1, min(50, schedule.max_steps // 10))
    return {
        "max_steps": schedule.max_steps,
        # The stream of windows has no end. What Lightning does at the end of an epoch, such as to
        # validate, it does every so many steps.
        "limit_train_batches": schedule.validate_every * given["accumulate_grad_batches"],
        "num_sanity_val_steps": 0,
        "limit_val_batches": 1.0 if validated else 0,
        "log_every_n_steps": 0 if given.get("barebones") else every,
        "gradient_clip_val": schedule.gradient_clip_val,
        # Windows are cut in float64, which Apple's GPUs don't have.
        "accelerator": "cpu" if torch.backends.mps.is_available() else "auto",
        "devices": 1,
        "enable_checkpointing": any(isinstance(each, Checkpoint) for each in theirs),
        "enable_model_summary": False,
        "enable_progress_bar": any(isinstance(each, ProgressBar) for each in theirs),
    }


def _is_theirs(callback: pl.Callback) -> bool:
    """Whether a callback is the user's; ours don't go by what is logged."""
    return not type(callback).__module__.startswith("tsgen.")


def _check_callbacks(callbacks: Sequence[Any], *, validated: bool) -> None:
    for callback in callbacks:
        if not isinstance(callback, pl.Callback):
            raise SettingError(
                f"trainer_kwargs: callbacks={written(callback)}: expected objects such as "
                "EarlyStopping('train_loss')"
            )
        if getattr(callback, "monitor", None) == "val_loss" and not validated:
            raise SettingError(
                f"trainer_kwargs: {type(callback).__name__} goes by 'val_loss', and no rows are "
                "held out: pass val_size=, or let it go by 'train_loss'"
            )


def _begin_anew(callback: pl.Callback) -> None:
    """Let a callback with a state begin as it was given: fits of one seed are the same.

    ``EarlyStopping``, for one, would go on counting. What its constructor was told stays as it is.
    """
    kind = type(callback)
    if kind.state_dict is pl.Callback.state_dict:
        return
    state = vars(callback)
    settings = set(inspect.signature(kind.__init__).parameters)
    if _AS_GIVEN not in state:
        state[_AS_GIVEN] = {name: state[name] for name in state if name not in settings}
        state[_AS_GIVEN] = _copied(state[_AS_GIVEN])
    state |= _copied(state[_AS_GIVEN])


def _copied(value: Any) -> Any:
    """A copy; or the same, where something of a user's can't be copied, such as an open file."""
    try:
        return deepcopy(value)
    except Exception:
        return value


def without_outputs(
    trainer_kwargs: Mapping[str, Any] | None, *, validated: bool = True
) -> dict[str, Any]:
    """Arguments for a training beside the one that was asked for, of which nothing is kept.

    Parameters
    ----------
    trainer_kwargs : mapping, optional
    validated : bool, default True
        Whether rows are held out, so that callbacks can go by ``val_loss``.

    Returns
    -------
    dict
        Without loggers, checkpoints and what needs a logger; other callbacks are copies.
    """
    kept = dict(trainer_kwargs or {})
    for name in ("logger", "enable_checkpointing", "profiler"):
        kept.pop(name, None)
    beside = [
        _copied(callback)
        for callback in _listed(kept.pop("callbacks", None))
        if not isinstance(callback, Checkpoint | LearningRateMonitor | DeviceStatsMonitor)
        and (validated or getattr(callback, "monitor", None) != "val_loss")
    ]
    return kept | ({"callbacks": beside} if beside else {})


def _listed(callbacks: Any) -> list[Any]:
    """Callbacks as the ``Trainer`` takes them: none, one, or several."""
    callbacks = callbacks or []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


_AS_GIVEN = "_tsgen_as_given"
"""The name under which a callback keeps what it was before its first training."""
_REFUSALS = (
    MisconfigurationException, TypeError, ValueError, RuntimeError, ImportError, ArithmeticError,
    AttributeError, KeyError,
)  # fmt: skip


@contextmanager
def _refusals_as_errors(
    trainer_kwargs: Mapping[str, Any] | None, *, anywhere: bool = False
) -> Iterator[None]:
    """What Lightning itself refuses of its arguments, before a training or in it, is a setting.

    Errors from further down, of torch or of a user's callback, are what they are, unless they may
    come from ``anywhere``, as while the ``Trainer`` is made.
    """
    try:
        yield
    except _REFUSALS as error:
        if isinstance(error, TsgenError) or not trainer_kwargs:
            raise
        if not anywhere and not _is_of_lightning(error):
            raise
        raise SettingError(
            f"trainer_kwargs={written(dict(trainer_kwargs))}: Lightning's Trainer refuses them: "
            f"{error}"
        ) from error


def _is_of_lightning(error: BaseException) -> bool:
    """Whether a line of Lightning raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in ("pytorch_lightning", "lightning_fabric", "lightning_utilities")


def _optional_callbacks(schedule: Schedule) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = []
    if schedule.weight_averaging is not None:
        callbacks.append(LastAverage(schedule.weight_averaging))
    if schedule.verbose:
        callbacks.append(ProgressLine(schedule.label))
    return callbacks


# --- a folder for a run that may be cut off ------------------------------------------------------


def _opened_run(
    folder: Path, module: LearningModule[Any, Any], data: TrainingData, schedule: Schedule
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


_BORROWED = threading.Lock()
_borrowers = 0
_switches: tuple[Any, ...] = ()
_SWITCHING = "deterministic", "benchmark", "detect_anomaly"
"""Arguments of the ``Trainer`` that set what belongs to the whole process."""
_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def restored_backends(trainer_kwargs: Mapping[str, Any]) -> Iterator[None]:
    """Give torch's switches back that a ``Trainer`` with such arguments sets.

    They belong to the whole process: of trainings at once, the first one notes how they were and
    the last one gives them back.
    """
    global _borrowers, _switches
    if not any(trainer_kwargs.get(name) is not None for name in _SWITCHING):
        yield
        return
    with _BORROWED:
        if not _borrowers:
            _switches = _switches_now()
        _borrowers += 1
    try:
        yield
    finally:
        with _BORROWED:
            _borrowers -= 1
            if not _borrowers:
                _set_switches(*_switches)


def _switches_now() -> tuple[Any, ...]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.is_anomaly_enabled(),
        torch.is_anomaly_check_nan_enabled(),
        os.environ.get(_CUBLAS),
    )


def _set_switches(
    deterministic: bool,
    warn_only: bool,
    benchmark: bool,
    anomaly: bool,
    check_nan: bool,
    cublas: str | None,
) -> None:
    torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
    torch.backends.cudnn.benchmark = benchmark
    torch.autograd.set_detect_anomaly(anomaly, check_nan)
    if cublas is None:
        os.environ.pop(_CUBLAS, None)
    else:
        os.environ[_CUBLAS] = cublas
