"""The only caller of ``Trainer``: quiet, seeded without touching anything global."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tsgen.module import ForecastModule, WindowDataModule

__all__ = ["isolated_seed", "train"]


def train(
    module: ForecastModule,
    data: WindowDataModule,
    *,
    max_steps: int,
    gradient_clip_val: float | None,
    trainer_kwargs: Mapping[str, Any] | None,
    seed: int,
    verbose: bool,
) -> pl.Trainer:
    """Fit the module's weights in place and leave it on the CPU, in evaluation mode.

    Nothing is written to the working folder; ``trainer_kwargs`` win over what is set here, and
    their callbacks are added to ours.
    """
    arguments: dict[str, Any] = {
        "max_steps": max_steps,
        "gradient_clip_val": gradient_clip_val,
        # Windows are cut in float64, which Apple's GPUs don't have.
        "accelerator": "cpu" if torch.backends.mps.is_available() else "auto",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "enable_progress_bar": False,
    } | dict(trainer_kwargs or {})
    callbacks = arguments.pop("callbacks", None) or []
    callbacks = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    if verbose and sys.stderr.isatty():
        callbacks.append(ProgressLine())
    with quiet_dependencies(), isolated_seed(seed):
        trainer = pl.Trainer(callbacks=callbacks, **arguments)
        trainer.fit(module, datamodule=data)
    module.to("cpu").eval()
    return trainer


class ProgressLine(pl.Callback):
    """One tidy line on the terminal, gone when training ends."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the empty bar."""
        self._progress = Progress(
            TextColumn("fit"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("fit", total=trainer.max_steps, loss=float("nan"))
        self._progress.start()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the bar, now and then."""
        if trainer.global_step % 10 == 0:
            self._progress.update(
                self._task, completed=trainer.global_step, loss=float(outputs["loss"])
            )

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Clear the line."""
        self._progress.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._progress.stop()


@contextmanager
def isolated_seed(seed: int) -> Iterator[None]:
    """Seed torch for the block alone; the caller's generators go on as if nothing had happened."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        yield


@contextmanager
def quiet_dependencies() -> Iterator[None]:
    """Keep Lightning's notices from the user's terminal, for the block alone."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    names = [
        name for name in logging.root.manager.loggerDict if name.startswith("pytorch_lightning.")
    ]
    loggers += [logging.getLogger(name) for name in names]
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
