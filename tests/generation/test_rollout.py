"""The closed loop against the plainest way to do it: the whole sequence anew at every step."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from tsgen.generation.stepped import read_through
from tsgen.nn import Architecture, Cell, RecurrentNetwork, lag_inputs
from tsgen.rollout import RolloutState, encode, rollout

LAGS = [(1,), (1, 2), (1, 3, 12), (5, 1)]
BATCH, CONTEXT = 3, 15


def network_of(lags: Sequence[int], cell: Cell = "lstm", layers: int = 1) -> RecurrentNetwork:
    torch.manual_seed(0)
    network = Architecture(
        tuple(lags), cell=cell, hidden_size=8, num_layers=layers, residual_lag=lags[-1]
    ).network()
    torch.nn.init.normal_(network.head.weight)  # far from the residual base
    return network.double().eval()


def rows_of(lags: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and flags; each window begins with two rows that aren't known."""
    rows = max(lags) - 1 + CONTEXT
    values = torch.randn(BATCH, rows, 1, generator=torch.Generator().manual_seed(1)).double()
    known = torch.ones_like(values)
    known[:, :2] = 0
    return values * known, known


def state_of(network: RecurrentNetwork, lags: Sequence[int]) -> RolloutState:
    return encode(network, *rows_of(lags))[1]


def from_scratch(
    network: RecurrentNetwork, lags: Sequence[int], horizon: int, context: int = CONTEXT
) -> torch.Tensor:
    values, known = rows_of(lags)
    values, known = (rows[:, CONTEXT - context :] for rows in (values, known))
    for step in range(horizon):
        outputs, _ = network(lag_inputs(values, known, lags, context + step))
        values = torch.cat([values, outputs[:, -1:]], dim=1)
        known = torch.cat([known, torch.ones(BATCH, 1, 1, dtype=known.dtype)], dim=1)
    return values[:, -horizon:]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("lags", LAGS, ids=str)
@torch.inference_mode()
def test_equal_to_starting_anew_at_every_step(cell: Cell, layers: int, lags: Sequence[int]) -> None:
    network = network_of(lags, cell, layers)
    path = rollout(network, state_of(network, lags), 14).path
    torch.testing.assert_close(path, from_scratch(network, lags, 14), atol=1e-6, rtol=0)


@torch.inference_mode()
def test_float32_is_as_good_as_it_can_be() -> None:
    lags = (1, 3, 12)
    network = network_of(lags)
    expected = from_scratch(network, lags, 14)
    values, known = (rows.float() for rows in rows_of(lags))
    state = encode(network.float(), values, known)[1]
    path = rollout(network, state, 14).path
    torch.testing.assert_close(path.double(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("lags", LAGS, ids=str)
@torch.inference_mode()
def test_a_shorter_horizon_is_a_prefix_of_a_longer_one(lags: Sequence[int]) -> None:
    """A lag of 12 reaches back beyond both horizons."""
    network = network_of(lags)
    state = state_of(network, lags)
    five, ten = (rollout(network, state, horizon).path for horizon in (5, 10))
    assert five.shape == (BATCH, 5, 1)
    assert torch.equal(five, ten[:, :5])


@torch.inference_mode()
def test_the_state_is_not_changed() -> None:
    lags = (1, 3)
    network = network_of(lags)
    state = state_of(network, lags)
    assert torch.equal(*(rollout(network, state, 6).path for _ in range(2)))


@torch.inference_mode()
def test_a_context_of_one_row_is_enough() -> None:
    lags = (1, 3)
    network = network_of(lags)
    values, known = (rows[:, CONTEXT - 1 :] for rows in rows_of(lags))
    path = rollout(network, encode(network, values, known)[1], 4).path
    torch.testing.assert_close(path, from_scratch(network, lags, 4, context=1))


def test_windows_do_not_see_each_other() -> None:
    lags = (1, 3)
    network = network_of(lags)
    values, known = rows_of(lags)
    together = rollout(network, encode(network, values, known)[1], 6).path
    alone = rollout(network, encode(network, values[1:2], known[1:2])[1], 6).path
    torch.testing.assert_close(together[1:2], alone)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_reach_the_state_and_the_weights(cell: Cell) -> None:
    lags = (1, 3)
    network = network_of(lags, cell)
    start = state_of(network, lags)
    recurrent = tuple(tensor.detach().requires_grad_() for tensor in start.recurrent)
    values = start.values.clone().requires_grad_()
    rollout(network, RolloutState(recurrent, values, start.known), 8).path[:, -1].sum().backward()
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in (*recurrent, values))
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("lags", LAGS, ids=str)
@torch.inference_mode()
def test_reading_through_is_reading_piece_by_piece(
    cell: Cell, layers: int, lags: Sequence[int], every: int
) -> None:
    network = network_of(lags, cell, layers)
    state = state_of(network, lags)
    rows = torch.randn(BATCH, 12, 1, generator=torch.Generator().manual_seed(2)).double()
    known = torch.ones_like(rows)
    predictions, on_the_way = read_through(network, state, rows, known, every)
    for number, (new, flags) in enumerate(
        zip(rows.split(every, dim=1), known.split(every, dim=1), strict=True)
    ):
        expected, state = network.read(state, new, flags)
        here = on_the_way.take(torch.arange(BATCH) + number * BATCH)
        torch.testing.assert_close(here.values, state.values)
        torch.testing.assert_close(here.known, state.known)
        torch.testing.assert_close(here.recurrent, state.recurrent)
        steps = slice(number * every, (number + 1) * every)
        torch.testing.assert_close(predictions[:, steps], expected)
