"""Lagged inputs against explicit indexing."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.nn.inputs import input_size, lag_inputs


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True), st.integers(1, 6))
def test_each_channel_is_the_row_its_lag_back(lags: list[int], steps: int) -> None:
    rows = max(lags) - 1 + steps
    values = torch.arange(2.0 * rows).reshape(2, rows, 1)
    known = (values % 3 > 0).float()
    inputs = lag_inputs(values, known, lags, steps)
    assert inputs.shape == (2, steps, input_size(lags))
    for step in range(steps):
        predicted_row = max(lags) + step
        for channel, lag in enumerate(lags):
            seen = inputs[:, step]
            assert torch.equal(seen[:, [channel]], values[:, predicted_row - lag])
            assert torch.equal(seen[:, [len(lags) + channel]], known[:, predicted_row - lag])


def test_the_last_row_is_lag_1_of_the_last_prediction() -> None:
    values = torch.tensor([[[10.0], [20.0], [30.0]]])
    inputs = lag_inputs(values, torch.ones(1, 3, 1), [1, 2], steps=2)
    assert inputs.tolist() == [[[20, 10, 1, 1], [30, 20, 1, 1]]]
