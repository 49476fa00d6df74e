"""Who computes: whole tasks side by side, each with operations of one thread.

An operation of torch that several threads share ends at a barrier, where they spin until the last
one comes. The operations of a small network take microseconds, so that nearly all of that is
waiting; and where other programs use the cores too, a thread that was put aside keeps all others
spinning. Tasks that meet once a step don't know this, and gain as much where there is something to
share.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import joblib
import torch
from threadpoolctl import ThreadpoolController

__all__ = ["one_thread_each", "side_by_side", "workers"]

T = TypeVar("T")


class _WorkerPool:
    """The threads that help the calling one, for as long as a call takes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._helpers: ThreadPoolExecutor | None = None

    @property
    def helpers(self) -> ThreadPoolExecutor:
        """They come when they are needed first."""
        if self._helpers is None:
            self._helpers = ThreadPoolExecutor(self.size - 1, "tsgen", _work_alone)
        return self._helpers

    def leave(self) -> None:
        """Wait for the end of all work."""
        if self._helpers is not None:
            self._helpers.shutdown()


_POOL: ContextVar[_WorkerPool | None] = ContextVar("pool", default=None)


def workers() -> int:
    """How many tasks run at once: as many threads as torch has, and no more than there are cores.

    The cores are those that this process may use, by its affinity and the quota of its container.
    """
    pool = _POOL.get()
    return min(torch.get_num_threads(), _cores()) if pool is None else pool.size


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let torch's operations use one thread in this one, for a while.

    Nothing but the calling thread is concerned: the numbers of OpenMP and MKL are set for it alone,
    unlike by ``torch.set_num_threads``, which also counts for all threads that are yet to come.
    """
    if _POOL.get() is not None:
        yield
        return
    pool = _WorkerPool(workers())
    token = _POOL.set(pool)
    before = _set_threads([1, *(1 for _ in _openmp())])
    try:
        yield
    finally:
        _set_threads(before)
        _POOL.reset(token)
        pool.leave()


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """What tasks come to; as many of them run at once as there are `workers`.

    Each has the caller's context and its modes of torch (gradients, inference, autocast). The
    caller's thread takes its share of the tasks, each of which has one worker: itself.
    """
    with one_thread_each():
        pool = _POOL.get()
        assert pool is not None
        helpers = min(pool.size, len(tasks)) - 1
        if helpers < 1:
            return [task() for task in tasks]
        left = iter(range(len(tasks)))  # whose `next` is one step, so that nobody gets a task twice
        results: dict[int, T] = {}
        modes = _modes()

        def work() -> None:
            _POOL.set(_WorkerPool(1))
            with modes():
                try:
                    for number in left:
                        results[number] = tasks[number]()
                except BaseException:
                    deque(left, maxlen=0)  # nobody begins another one
                    raise

        others = [pool.helpers.submit(copy_context().run, work) for _ in range(helpers)]
        try:
            copy_context().run(work)
        finally:
            wait(others)
        for other in others:
            other.result()
    return [results[number] for number in range(len(tasks))]


def _modes() -> Callable[[], AbstractContextManager[None]]:
    """The calling thread's modes of torch, for others to enter."""
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    autocasts = [
        (device, torch.get_autocast_dtype(device))
        for device in ("cpu", "cuda")
        if torch.is_autocast_enabled(device)
    ]

    @contextmanager
    def entered() -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(inference))
            stack.enter_context(torch.set_grad_enabled(gradients))
            for device, dtype in autocasts:
                stack.enter_context(torch.autocast(device, dtype))
            yield

    return entered


def _work_alone() -> None:
    _set_threads([1, *(1 for _ in _openmp())])


def _set_threads(numbers: Sequence[int]) -> list[int]:
    """Set the calling thread's numbers, of MKL and of each OpenMP; returns those before."""
    torch.get_num_threads()  # a new thread takes torch's number over at its first use, which is now
    before = [_mkl_threads()(numbers[0])]
    for runtime, number in zip(_openmp(), numbers[1:], strict=True):
        before.append(runtime.num_threads)
        runtime.set_num_threads(number)
    return before


@cache
def _cores() -> int:
    return int(joblib.cpu_count())


@cache
def _openmp() -> list[Any]:
    """The OpenMP runtimes of this process, whose numbers of threads are those of a thread."""
    found = ThreadpoolController().select(user_api="openmp")
    return list(found.lib_controllers)


@cache
def _mkl_threads() -> Callable[[int], int]:
    """Sets the calling thread's number in the MKL that is part of torch; returns the one before.

    MKL has one of its own, besides OpenMP's, once ``torch.set_num_threads`` was called; 0 is none.
    """
    folder = Path(torch.__file__).parent / "lib"
    for name in ("libtorch_cpu.so", "torch_cpu.dll"):
        if (folder / name).exists():
            library = ctypes.CDLL(str(folder / name))
            return getattr(library, "MKL_Set_Num_Threads_Local", lambda number: 0)
    return lambda number: 0
