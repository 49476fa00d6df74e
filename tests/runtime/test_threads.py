"""Tasks side by side, and operations of one thread, that concern nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
import torch

from tsgen._runtime.threads import one_thread_each, side_by_side, workers

pytestmark = pytest.mark.usefixtures("two_cores")


def elsewhere(action: Callable[[], Any]) -> Any:
    """What it comes to in a new thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join()
    return found[0]


def threads_of_mkl() -> str:
    return torch.__config__.parallel_info().partition("mkl_get_max_threads() : ")[2][:1]


def test_operations_use_one_thread_in_this_one_alone() -> None:
    mkl = threads_of_mkl()
    with one_thread_each():
        assert torch.get_num_threads() == 1
        assert threads_of_mkl() in ("1", "")
        assert workers() == 2
        assert elsewhere(torch.get_num_threads) == 2
        with one_thread_each():
            assert workers() == 2
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert threads_of_mkl() == mkl
    assert elsewhere(torch.get_num_threads) == 2


def test_no_more_workers_than_cores_or_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsgen._runtime.threads._cores", lambda: 1)  # such as under a quota
    assert workers() == 1
    monkeypatch.setattr("tsgen._runtime.threads._cores", lambda: 64)
    assert workers() == 2
    torch.set_num_threads(1)
    assert workers() == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_results_come_in_the_order_of_the_tasks(count: int) -> None:
    assert side_by_side([partial(pow, number, 2) for number in range(count)]) == [
        number**2 for number in range(count)
    ]


def test_two_tasks_run_at_once_and_a_task_has_one_worker() -> None:
    barrier = threading.Barrier(2, timeout=30)

    def task() -> tuple[str, int, int]:
        barrier.wait()
        return threading.current_thread().name, torch.get_num_threads(), workers()

    found = side_by_side([task, task])
    assert len({name for name, _, _ in found}) == 2
    assert {(number, tasks) for _, number, tasks in found} == {(1, 1)}
    assert workers() == 2


def test_tasks_have_the_modes_and_the_context_of_the_caller() -> None:
    barrier, word = threading.Barrier(2, timeout=30), ContextVar("word", default="none")

    def task() -> tuple[bool, bool, str]:
        barrier.wait()
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), word.get()

    word.set("mine")
    assert set(side_by_side([task, task])) == {(True, False, "mine")}
    with torch.no_grad():
        assert set(side_by_side([task, task])) == {(False, False, "mine")}
    with torch.inference_mode():
        assert set(side_by_side([task, task])) == {(False, True, "mine")}


@pytest.mark.parametrize("failing", [0, 1])
def test_the_error_of_a_task_is_raised_when_all_are_done(failing: int) -> None:
    barrier, done = threading.Barrier(2, timeout=30), []

    def task(number: int) -> None:
        barrier.wait()
        if number == failing:
            raise ArithmeticError
        done.append(number)

    with pytest.raises(ArithmeticError):
        side_by_side([partial(task, number) for number in range(2)])
    assert done == [1 - failing]
    assert workers() == torch.get_num_threads() == 2


def test_threads_end_with_the_call() -> None:
    before = threading.active_count()
    side_by_side([int, int, int])
    assert threading.active_count() == before


@pytest.mark.parametrize("failing", [0, 1])
def test_no_task_is_begun_after_an_error(failing: int) -> None:
    barrier, begun = threading.Barrier(2, timeout=30), []

    def task(number: int) -> None:
        begun.append(number)
        if number < 2:
            barrier.wait()
        if number == failing:
            raise KeyboardInterrupt
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        side_by_side([partial(task, number) for number in range(20)])
    assert len(begun) <= 3


@pytest.mark.usefixtures("two_cores")
def test_tasks_have_the_callers_autocast() -> None:
    matrix = torch.ones(2, 2, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = side_by_side([lambda: (matrix @ matrix).dtype for _ in range(8)])
    assert set(found) == {torch.bfloat16}
    assert set(side_by_side([lambda: (matrix @ matrix).dtype] * 8)) == {torch.float32}
