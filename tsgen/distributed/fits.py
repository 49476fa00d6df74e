"""One training in several processes, on the machines of a cluster."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tsgen._validation import whole_number, yes_or_no
from tsgen.data import ParquetSource, is_frame, is_path, opened
from tsgen.distributed.cluster import connected, load_ray
from tsgen.errors import FrameError, SettingError
from tsgen.forecasters import NeuralForecaster, frame_hash

if TYPE_CHECKING:
    from tsgen.data import AnyFrame
    from tsgen.forecasters import Files

__all__ = ["fit"]

_SECONDS_APART = 20.0
"""Of checkpoints that Ray is told of, each of which takes it about two seconds."""

F = TypeVar("F", bound=NeuralForecaster)

_OURS = "strategy", "devices", "num_nodes", "plugins", "accelerator"
"""Arguments of Lightning's Trainer that say where it trains."""


def fit(
    model: F,
    source: AnyFrame | Files,
    *,
    num_workers: int = 2,
    use_gpu: bool = False,
    storage_path: str | os.PathLike[str] | None = None,
    name: str | None = None,
    max_failures: int = 3,
    resources_per_worker: Mapping[str, float] | None = None,
    **arguments: Any,
) -> F:
    """Train a forecaster in several processes of a Ray cluster, by Ray Train's `TorchTrainer`.

    The processes share one seeded draw of windows, of which each takes its slice: n of them with
    batches of b do the steps of one with batches of n·b. If one dies, all begin again where the
    last checkpoint stands, and end with the weights of a run in which none died. A cluster that
    ``ray.init`` has connected to is used; otherwise one is started on this machine and ended with
    the call.

    Parameters
    ----------
    model : LSTMForecaster, GRUForecaster or EncoderDecoderForecaster
        How to train; it isn't changed. Its ``trainer_kwargs`` may have callbacks and loggers, but
        don't say where it trains.
    source : Series, DataFrame, path or pyarrow.dataset.Dataset
        As for the forecaster's ``fit``. Files are read at the same path by every machine, each
        process for itself.
    num_workers : int, default 2
        Processes, of one CPU each unless ``resources_per_worker`` says otherwise.
    use_gpu : bool, default False
        Whether each trains on a GPU of its own.
    storage_path : path or URI, optional
        Where checkpoints are, for all machines. With it the same call after a crash of this
        program goes on where the last one stands. By default a folder of this machine that goes
        with the call.
    name : str, optional
        Of the run, which is a folder in ``storage_path``; by default made of the model and all
        arguments, so that another call is another run.
    max_failures : int, default 3
        How often processes may die.
    resources_per_worker : mapping of str to float, optional
        As for `ray.train.ScalingConfig`: ``{"CPU": 4}``.
    **arguments
        Of the forecaster's ``fit``, such as ``target_col=``.

    Returns
    -------
    forecaster
        A fitted one of the same class. As one that was sent between processes it has no training
        rows (``calibrate(df)`` takes them where levels need it).

    Raises
    ------
    SettingError
        For arguments that can't be used.
    FrameError
        With all that is wrong with the source.
    ray.train.TrainingFailedError
        If processes died too often, or with what else ended them.
    MissingExtraError
        Without ray.

    Examples
    --------
    >>> from tsgen import LSTMForecaster
    >>> from tsgen.distributed import fit
    >>> model = LSTMForecaster(batch_size=512)
    >>> model = fit(model, "/shared/sales/", num_workers=8)  # doctest: +SKIP
    >>> model.predict(12)  # doctest: +SKIP
    """
    _check(model, arguments)
    num_workers = whole_number("num_workers", num_workers, "processes")
    if max_failures != 0:
        max_failures = whole_number("max_failures", max_failures, "times that processes may die")
    yes_or_no("use_gpu", use_gpu)
    ray = load_ray()
    given = opened(source).frame if is_frame(source) else ParquetSource.of(source, "source")
    if is_path(source):  # processes work in folders of their own
        source = os.path.abspath(source)  # type: ignore[arg-type]
    work = model, source, arguments, bool(use_gpu), _SECONDS_APART
    with connected(), _storage(storage_path) as place:
        from ray import train
        from ray.train.torch import TorchTrainer

        trainer = TorchTrainer(
            _train,
            # Opened in the worker, as with tasks.
            train_loop_config={"work": ray.cloudpickle.dumps(work)},
            scaling_config=train.ScalingConfig(
                num_workers=num_workers,
                use_gpu=bool(use_gpu),
                resources_per_worker=dict(resources_per_worker or {}) or None,
            ),
            run_config=train.RunConfig(
                name=name or _name_of(model, given, arguments, num_workers),
                storage_path=place,
                failure_config=train.FailureConfig(max_failures=max_failures),
                checkpoint_config=train.CheckpointConfig(num_to_keep=1),
            ),
        )
        result: Any = trainer.fit()
        found = ray.cloudpickle.loads(result.return_value)
    if isinstance(found, Exception):
        raise found
    found.set_params(trainer_kwargs=model.trainer_kwargs)
    return found  # type: ignore[no-any-return]


def _check(model: Any, arguments: dict[str, Any]) -> None:
    if not isinstance(model, NeuralForecaster):
        raise SettingError(
            f"model is a {type(model).__name__}: expected a forecaster whose network is trained, "
            "such as tsgen.LSTMForecaster()"
        )
    for name in ("run_dir", "store"):
        if name in arguments:
            raise SettingError(f"{name}= is of each process alone; pass storage_path=")
    said = [name for name in _OURS if name in (model.trainer_kwargs or {})]
    if said:
        raise SettingError(
            f"trainer_kwargs: {said[0]}= says where to train, which num_workers= and use_gpu= do "
            "here: leave it out"
        )


def _name_of(
    model: NeuralForecaster, source: Any, arguments: Mapping[str, Any], num_workers: int
) -> str:
    """One for each training that ends with other weights."""
    read = source.identity if isinstance(source, ParquetSource) else frame_hash(source)
    params = {
        key: repr(value)
        for key, value in sorted(model.get_params(deep=False).items())
        if key not in ("trainer_kwargs", "verbose")
    }
    asked = {
        key: frame_hash(opened(value).frame) if is_frame(value) else repr(value)
        for key, value in sorted(arguments.items())
    }
    told = json.dumps([type(model).__name__, params, read, asked, num_workers])
    return f"tsgen-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


@contextmanager
def _storage(path: str | os.PathLike[str] | None) -> Iterator[str]:
    """Where checkpoints are: as it was said, or a folder for as long as this takes."""
    if path is not None:
        place = os.fspath(path)
        yield place if "://" in place else os.path.abspath(place)
        return
    with tempfile.TemporaryDirectory(prefix="tsgen-", ignore_cleanup_errors=True) as folder:
        yield folder


# --- in a process of the cluster -----------------------------------------------------------------


def _train(config: dict[str, bytes]) -> bytes:
    """Fit in one of the processes; the first one's model, or what is wrong, comes back."""
    import pyarrow.dataset  # noqa: F401
    from ray import train

    pickle = load_ray().cloudpickle
    model, source, arguments, use_gpu, seconds_apart = pickle.loads(config["work"])
    with tempfile.TemporaryDirectory(prefix="tsgen-") as folder:
        run = Path(folder) / "run"
        checkpoint = train.get_checkpoint()
        if checkpoint is not None:
            with checkpoint.as_directory() as there:
                shutil.copytree(there, run)
        reporting = _reporting(run, seconds_apart)
        model.set_params(trainer_kwargs=_trainer_kwargs(model.trainer_kwargs, reporting, use_gpu))
        try:
            model.fit(source, run_dir=run, **arguments)
        except (FrameError, SettingError) as error:  # the same in all processes
            return pickle.dumps(error)  # type: ignore[no-any-return]
        model.set_params(trainer_kwargs=None)
        return pickle.dumps(model)  # type: ignore[no-any-return]


def _trainer_kwargs(
    given: Mapping[str, Any] | None, reporting: Any, use_gpu: bool
) -> dict[str, Any]:
    """A user's arguments, and those that make Lightning one of Ray's processes."""
    lightning = _lightning_of_ray()
    kwargs = dict(given or {})
    callbacks = kwargs.pop("callbacks", None) or []
    callbacks = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    return {
        **kwargs,
        "accelerator": "gpu" if use_gpu else "cpu",
        "devices": "auto",
        "strategy": lightning.RayDDPStrategy(),
        "plugins": [lightning.RayLightningEnvironment()],
        "callbacks": [*callbacks, reporting],
    }


def _lightning_of_ray() -> Any:
    """Ray's parts for pytorch_lightning; it prefers the package lightning where both are there."""
    hidden = "lightning.pytorch"
    before = sys.modules.get(hidden, ...)
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        import ray.train.lightning
    finally:
        if before is ...:
            del sys.modules[hidden]
        else:
            sys.modules[hidden] = before
    return ray.train.lightning


def _reporting(run: Path, seconds_apart: float) -> Any:
    """A callback that hands Ray the checkpoints that ``fit(run_dir=)`` saves, but not each."""
    import pytorch_lightning as pl
    from ray import train

    class Reporting(pl.Callback):
        """All processes report at one step, the first one with the checkpoint."""

        def __init__(self) -> None:
            self.told = time.monotonic()

        def on_train_batch_start(
            self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
        ) -> None:
            """After the checkpoint of this step, if there is one."""
            step = trainer.global_step
            if not step or step % max(1, min(50, (trainer.max_steps or 1) // 10)):
                return
            due = time.monotonic() - self.told >= seconds_apart
            if trainer.strategy.broadcast(due):  # as the first process has it
                self.told = time.monotonic()
                files = train.Checkpoint.from_directory(str(run))
                train.report({"step": step}, files if trainer.is_global_zero else None)

    return Reporting()
