"""What holds for all tests: no window is opened, and tests marked gpu need a CUDA device."""

import os
from collections.abc import Iterator

import pytest
import torch

os.environ["MPLBACKEND"] = "Agg"
# Networks as small as those of the tests are faster on one core than on two that wait for another.
torch.set_num_threads(1)


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
