"""What holds for all tests: no window is opened, and tests marked gpu need a CUDA device."""

import os

import pytest
import torch

os.environ["MPLBACKEND"] = "Agg"
# Networks as small as those of the tests are faster on one core than on two that wait for another.
torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
