"""Notices of other packages are dropped where we call them, and nowhere else."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest

from tsgen._runtime.quiet import quiet


def warn(module: str = "chatty.parts") -> None:
    warnings.warn_explicit("by the way", UserWarning, "file.py", 1, module=module)


def log(name: str = "chatty.parts", level: int = logging.WARNING) -> None:
    logging.getLogger(name).log(level, "by the way")


@pytest.fixture(autouse=True)
def _chatty() -> Iterator[None]:
    logging.getLogger("chatty.parts").setLevel(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def elsewhere(action: Callable[[], None]) -> BaseException | None:
    found: list[BaseException | None] = []

    def run() -> None:
        try:
            action()
        except UserWarning as warning:
            found.append(warning)
        else:
            found.append(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_warnings_are_dropped_inside_of_the_block_alone() -> None:
    with quiet("chatty"):
        warn()
        warn("chatty")
    with pytest.raises(UserWarning, match="by the way"):
        warn()


@pytest.mark.parametrize("module", ["other", "chattyness", "__main__"])
def test_those_of_others_are_not(module: str) -> None:
    with quiet("chatty"), pytest.raises(UserWarning, match="by the way"):
        warn(module)


def test_log_records_are_dropped_inside_of_the_block_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with quiet("chatty"):
        log()
        log(level=logging.INFO)
    assert not caplog.records
    with quiet("chatty"):
        log(level=logging.ERROR)
    log()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_another_thread_keeps_its_notices(caplog: pytest.LogCaptureFixture) -> None:
    with quiet("chatty"):
        assert isinstance(elsewhere(warn), UserWarning)
        assert elsewhere(log) is None
    assert len(caplog.records) == 1


def traces() -> tuple[object, ...]:
    logger = logging.getLogger("chatty.parts")
    return list(warnings.filters), list(logger.filters), logger.level


def test_nothing_is_left_behind() -> None:
    before = traces()
    with quiet("chatty"), quiet("others"):
        assert traces() != before
        warn()
    assert traces() == before
    with pytest.raises(ArithmeticError), quiet("chatty"):
        raise ArithmeticError
    assert traces() == before


def test_blocks_of_several_threads_may_overlap() -> None:
    before, entered, may_leave = traces(), threading.Event(), threading.Event()

    def other() -> None:
        with quiet("chatty"):
            entered.set()
            assert may_leave.wait(30)
            warn()

    thread = threading.Thread(target=other)
    with quiet("chatty"):
        thread.start()
        assert entered.wait(30)
    may_leave.set()  # the first to come is gone
    thread.join()
    assert traces() == before


def test_others_may_exchange_the_filters_meanwhile() -> None:
    before = list(warnings.filters)
    block = quiet("chatty")
    catch = warnings.catch_warnings()
    block.__enter__()
    catch.__enter__()
    block.__exit__(None, None, None)
    catch.__exit__(None, None, None)  # brings the list back that the block had found
    assert list(warnings.filters) == before
