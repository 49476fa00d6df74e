"""Whatever is an autoregressive network starts, reads and steps, and a loop runs on it."""

from __future__ import annotations

import torch
from torch import Tensor

from tsgen.generation import closed_loop, encode_over_holes, run
from tsgen.nn import AutoregressiveNetwork, lag_inputs
from tsgen.rollout import encode, rollout


class Fibonacci(AutoregressiveNetwork):
    """The sum of the last two values, for each of two channels; it counts what it has read."""

    lags, channels = (1, 2), 2

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        return (torch.zeros(1, batch_size, 1),)

    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        return lag_inputs(values, known, self.lags, steps)

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        (count,) = state or self.initial_state(len(inputs))
        return inputs[..., :2] + inputs[..., 2:4], (count + inputs.shape[1],)


ROWS = torch.tensor([[1.0, 2.0], [1.0, 0.0], [2.0, 2.0], [3.0, 2.0]])[None]
KNOWN = torch.ones_like(ROWS)


def test_reading_predicts_every_row_from_those_before_it() -> None:
    network = Fibonacci()
    assert network.longest_lag == 2
    outputs, state = network.read(network.start(ROWS, KNOWN), ROWS[:, 2:], KNOWN[:, 2:])
    assert torch.equal(outputs, ROWS[:, 2:])
    assert state.recurrent[0].item() == 2  # the last row is read when the next one is predicted
    assert torch.equal(state.values, ROWS[:, -2:])
    assert torch.equal(encode(network, ROWS, KNOWN)[0], outputs)


def test_a_step_predicts_and_is_told_what_came() -> None:
    network = Fibonacci()
    _, state = encode(network, ROWS, KNOWN)
    outputs, state = network.step(state)
    assert outputs.tolist() == [[[5.0, 4.0]]]
    outputs, state = network.step(state.fed(torch.tensor([[[10.0, 0.0]]])))
    assert outputs.tolist() == [[[13.0, 2.0]]]
    assert state.recurrent[0].item() == 4


def test_every_loop_runs_on_it() -> None:
    network = Fibonacci()
    _, state = encode(network, ROWS, KNOWN)
    expected = torch.tensor([[[5.0, 4.0], [8.0, 6.0], [13.0, 10.0]]])
    assert torch.equal(rollout(network, state, 3).path, expected)
    assert torch.equal(run(network, state, 3).path, expected)
    assert torch.equal(closed_loop(network, state, 3), expected)
    rows, known = torch.cat([ROWS, expected], dim=1), torch.ones(1, 7, 2)
    known[0, 4, 1] = 0
    outputs, _ = encode_over_holes(network, rows * known, known)
    assert torch.equal(outputs, rows[:, 2:])
