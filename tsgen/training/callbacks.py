"""What watches a training run: each callback has one concern."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from rich.progress import Progress
from torch import Tensor

from tsgen._runtime import COUNT, progress_line
from tsgen.errors import DivergenceError
from tsgen.preprocessing import WindowBatch
from tsgen.training.lightning_module import LearningModule

__all__ = [
    "BestWeights",
    "Checkpoints",
    "ClosedLoopValidation",
    "DivergenceGuard",
    "LastAverage",
    "LossRecord",
    "ProgressLine",
    "StopOnSignal",
]

_SMOOTHING = 0.95
_SNAPSHOT_EVERY = 20


class ProgressLine(pl.Callback):
    """One tidy line on a terminal, gone when training ends; nothing where output is piped."""

    def __init__(self, label: str = "fit") -> None:
        self._label = label
        self._progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the empty bar."""
        said = f"{COUNT} loss {{task.fields[loss]:.4f}}"
        self._progress = progress_line(self._label, said, shown=trainer.is_global_zero)
        if self._progress is None:
            return
        self._task = self._progress.add_task(
            self._label, total=trainer.max_steps, loss=float("nan")
        )
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
        if self._progress is not None and trainer.global_step % 10 == 0:
            loss = _loss_of_member(outputs, trainer, pl_module)
            self._progress.update(self._task, completed=trainer.global_step, loss=loss)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Clear the line."""
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._stop()

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _loss_of_member(outputs: Any, trainer: pl.Trainer, module: pl.LightningModule) -> float:
    """Of a batch, of a member on average; Lightning shares it out over the batches of a step."""
    assert isinstance(module, LearningModule)
    return float(outputs["loss"]) * trainer.accumulate_grad_batches / len(module.networks)


class LossRecord(pl.Callback):
    """The training loss of every step, of a member on average."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note the loss; where gradients accumulate, that of the step's last batch."""
        if trainer.global_step > len(self.losses):
            self.losses.append(_loss_of_member(outputs, trainer, pl_module))

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.losses = state_dict["losses"]


class LastAverage(WeightAveraging):
    """The mean of the weights over the last steps of a run [1]_.

    Parameters
    ----------
    share : float
        Of the steps of the ``Trainer``, at their end; at least the last one.

    References
    ----------
    .. [1] Izmailov et al.: Averaging Weights Leads to Wider Optima and Better Generalization.
       UAI 2018.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count back from the trainer's last step."""
        steps = int(trainer.estimated_stepping_batches)
        self._first = steps - max(1, round(self._share * steps))

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Whether the step is among the last ones."""
        return step_idx is not None and step_idx >= self._first

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the weights themselves, which are those that are kept."""

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """They are still in their place."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the mean; a run that ended before there was one keeps its weights."""
        if self._latest_update_step:
            super().on_train_end(trainer, pl_module)


class BestWeights(pl.Callback):
    """The best finite weights so far: by validation where there is one, else by training loss.

    Parameters
    ----------
    latest : bool, default False
        Whether the latest ones are the best, as where early losses are of easier training examples.
    """

    def __init__(self, *, latest: bool = False) -> None:
        self._latest = latest
        self.by_validation = False
        self.step = 0
        self._score = math.inf
        self._smoothed: float | None = None
        self._weights: dict[str, Tensor] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with the initial weights, or with those of a checkpoint."""
        if not self._weights:
            self._keep(trainer, pl_module, math.inf)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Follow the training loss, as long as nothing better is known."""
        if self.by_validation:
            return
        loss = float(outputs["loss"])
        last = loss if self._smoothed is None else self._smoothed
        self._smoothed = _SMOOTHING * last + (1.0 - _SMOOTHING) * loss
        better = self._latest or self._smoothed <= self._score
        if trainer.global_step % _SNAPSHOT_EVERY == 0 and better:
            self._keep(trainer, pl_module, self._smoothed)

    def validated(self, trainer: pl.Trainer, module: pl.LightningModule, loss: float) -> bool:
        """Keep the weights of a lower validation loss, the measure from now on; says if it is."""
        if not self.by_validation:
            self.by_validation, self._score = True, math.inf
        if loss >= self._score:
            return False
        self._keep(trainer, module, loss)
        return True

    def _keep(self, trainer: pl.Trainer, module: pl.LightningModule, score: float) -> None:
        weights = module.state_dict()
        if all(bool(weight.isfinite().all()) for weight in weights.values()):
            self._score, self.step = score, trainer.global_step
            self._weights = {name: weight.detach().clone() for name, weight in weights.items()}

    def restore(self, module: pl.LightningModule) -> None:
        """Give a module the best weights."""
        if self._weights:
            module.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: tensors and plain values."""
        return {
            "by_validation": self.by_validation,
            "step": self.step,
            "score": self._score,
            "smoothed": self._smoothed,
            "weights": self._weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.by_validation, self.step = state_dict["by_validation"], state_dict["step"]
        self._score, self._smoothed = state_dict["score"], state_dict["smoothed"]
        self._weights = state_dict["weights"]


class ClosedLoopValidation(pl.Callback):
    """Keeps the weights of the best forecasts of held-out tails, and stops when none is better.

    Parameters
    ----------
    best : BestWeights
        Keeps the weights of the lowest loss.
    patience : int, optional
        Validations without improvement before training stops.
    """

    def __init__(self, best: BestWeights, patience: int | None) -> None:
        self._best, self._patience = best, patience
        self.losses: dict[int, float] = {}
        self._since_best = 0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare the loss with the best one."""
        step = trainer.global_step
        if trainer.sanity_checking or step in self.losses:  # a run that ends validates once more
            return
        assert isinstance(pl_module, LearningModule)
        loss = self.losses[step] = pl_module.val_loss
        better = self._best.validated(trainer, pl_module, loss)
        self._since_best = 0 if better else self._since_best + 1
        if self._patience is not None and self._since_best >= self._patience:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"losses": self.losses, "since_best": self._since_best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.losses, self._since_best = state_dict["losses"], state_dict["since_best"]


class Checkpoints(pl.Callback):
    """Saves a run to one file now and then, between two steps: after the validation of the first.

    Parameters
    ----------
    path : Path
    every : int
        Steps between checkpoints.
    """

    def __init__(self, path: Path, every: int) -> None:
        self._path, self._every = path, every
        self._saved_at = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """What a run goes on from stands there already."""
        self._saved_at = trainer.global_step

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save what the steps before have come to."""
        step = trainer.global_step
        if step % self._every == 0 and step != self._saved_at:
            trainer.save_checkpoint(self._path)
            self._saved_at = step


class DivergenceGuard(pl.Callback):
    """Stops a run whose loss is no longer a number, which Lightning alone would let finish.

    Parameters
    ----------
    best : BestWeights
        What the module gets back.
    names : callable
        The ids of series by their positions in the panel.
    """

    def __init__(self, best: BestWeights, names: Callable[[Tensor], list[str]]) -> None:
        self._best = best
        self._names = names

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: WindowBatch,
        batch_idx: int,
    ) -> None:
        """Restore the best weights and say where the loss was lost."""
        if math.isfinite(float(outputs["loss"])):
            return
        assert isinstance(pl_module, LearningModule)
        self._best.restore(pl_module)
        with torch.no_grad():
            errors = pl_module.strategy_errors(batch).nan_to_num(nan=math.inf)
        channels = errors.shape[1]
        largest = errors.flatten().argsort(descending=True)[:3]
        worst = batch.series[largest // channels] * channels + largest % channels
        step = self._best.step
        kept = f"The weights of step {step} are kept" if step else "There are no better weights"
        raise DivergenceError(
            f"the loss is {float(outputs['loss'])} at step {trainer.global_step}; the windows with "
            f"the largest errors are of series {', '.join(self._names(worst))}. {kept}; lower "
            "learning_rate or gradient_clip_val, or look at these series"
        )


class StopOnSignal(pl.Callback):
    """The first SIGINT or SIGTERM ends training after the step at hand; the second one raises."""

    def __init__(self) -> None:
        self.received: str | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning has set its own handlers by now: ours go before them."""
        for signum in self._signals():
            signal.signal(signum, self._handle)

    def _handle(self, signum: int, frame: Any) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = signal.Signals(signum).name

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """End after this step, in all processes at once: a signal may reach one of them alone."""
        stop = self.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self.received or "a signal to another process"
            trainer.should_stop = True

    @staticmethod
    def _signals() -> tuple[signal.Signals, ...]:
        # Python delivers signals to the main thread alone.
        main = threading.current_thread() is threading.main_thread()
        return (signal.SIGINT, signal.SIGTERM) if main else ()

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Give the handlers back as they were before the block."""
        handlers = {signum: signal.getsignal(signum) for signum in self._signals()}
        try:
            yield
        finally:
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
