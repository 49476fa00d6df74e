"""What holds for all tests: which are slow, and that no window is opened."""

import gc
import importlib.metadata
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest
import torch

os.environ["MPLBACKEND"] = "Agg"
# Networks as small as those of the tests are faster on one core than on two that wait for another,
# here and in the processes that tests start.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
# Lightning asks all packages for callbacks at each fit, which is a third of a fit as small as here.
importlib.metadata.entry_points = cache(importlib.metadata.entry_points)

FAST_CASES = 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the cases of a parametrised test so many are fast, and the others slow."""
    tests = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("slow"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        stride = -(-len(cases) // FAST_CASES)
        for number, item in enumerate(cases):
            if number % stride:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make alone: modules and tests stay until the end."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As torch and the machine say, whatever there is."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr("tsgen._runtime.threads._cores", lambda: 2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def validated_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every 10 steps instead of every 50."""
    monkeypatch.setattr("tsgen.forecasters.fitting._VALIDATE_EVERY", 10)
