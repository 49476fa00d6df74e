"""The cluster that is connected to, and tasks on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from tsgen._runtime import COUNT, progress_line
from tsgen.data import ParquetSource
from tsgen.errors import MissingExtraError

__all__ = ["connected", "load_ray", "run_tasks"]

_RETRIES = 3
"""Of a task whose worker has died."""


def run_tasks(
    work: Any, common: Any, calls: Sequence[tuple[Any, ...]], num_tasks: int | None, label: str, *,
    shown: bool = False,
) -> list[Any]:  # fmt: skip
    """What each call comes to, in their order; for one whose workers die, words that say so."""
    ray = load_ray()
    pack = ray.cloudpickle.dumps
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_run)
    common = ray.put(pack((work, common)))  # each machine gets it once
    most = num_tasks or max(int(ray.cluster_resources().get("CPU", 1)), 1)
    line = progress_line(label, f"{COUNT} files", shown=shown)
    results: list[Any] = [None] * len(calls)
    left, running = iter(enumerate(calls)), dict[Any, int]()
    with line or nullcontext():
        bar = line.add_task(label, total=len(calls)) if line else None
        try:
            while True:
                while len(running) < most and (following := next(left, None)) is not None:
                    running[task.remote(common, pack(following[1]))] = following[0]
                if not running:
                    return results
                (done,), _ = ray.wait(list(running), num_returns=1)
                number = running.pop(done)
                results[number] = _result(done, calls[number])
                if line and bar is not None:
                    line.advance(bar)
        finally:
            for reference in running:
                ray.cancel(reference)


def _run(common: bytes, call: bytes) -> Any:
    """Do the work of a task, whose arguments are opened here.

    Workers were seen to hang in imports where Ray opened them, before pyarrow was imported.
    """
    import pyarrow.dataset  # noqa: F401

    unpack = load_ray().cloudpickle.loads
    work, shared = unpack(common)
    return work(shared, *unpack(call))


def _result(reference: Any, call: tuple[Any, ...]) -> Any:
    ray = load_ray()
    try:
        return ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        name = next(given.name for given in call if isinstance(given, ParquetSource))
        return f"{name}: its worker died {_RETRIES + 1} times ({type(error).__name__})"


@contextmanager
def connected() -> Iterator[None]:
    """The cluster that is connected to, or one for as long as this takes."""
    ray = load_ray()
    if ray.is_initialized():
        yield
        return
    ray.init(include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


def load_ray() -> Any:
    """Ray, if it is there."""
    try:
        import ray
        import ray.cloudpickle
    except ImportError as error:
        raise MissingExtraError(
            "tsgen.distributed needs the package ray: pip install 'tsgen[ray]'"
        ) from error
    return ray
