"""The one-step model without Lightning, pandas or scaling."""

from __future__ import annotations

import pytest
import torch

from tsgen.errors import SettingError
from tsgen.nn.recurrent import Architecture, Cell, RecurrentNetwork

CELLS = ("lstm", "gru")
LAYERS = (1, 2, 3, 4)


def network_of(cell: Cell, layers: int = 1, **arguments: object) -> RecurrentNetwork:
    torch.manual_seed(0)
    architecture = Architecture((1, 3), cell=cell, hidden_size=8, num_layers=layers, **arguments)
    return architecture.network().eval()


def inputs_of(steps: int, batch: int = 4) -> torch.Tensor:
    return torch.randn(batch, steps, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", LAYERS)
def test_shapes_of_outputs_and_state(cell: Cell, layers: int) -> None:
    network = network_of(cell, layers)
    outputs, state = network(inputs_of(10))
    assert outputs.shape == (4, 10, 1)
    for tensors in (state, network.initial_state(4)):
        assert [tensor.shape for tensor in tensors] == [(layers, 4, 8)] * (2 - (cell == "gru"))
    assert all((tensor == 0).all() for tensor in network.initial_state(4))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", LAYERS)
def test_a_carried_state_is_one_long_run(cell: Cell, layers: int) -> None:
    network, inputs = network_of(cell, layers).double(), inputs_of(30).double()
    whole, end = network(inputs)
    parts, state = [], network.initial_state(4)
    for part in inputs.split([1, 12, 17], dim=1):
        outputs, state = network(part, state)
        parts.append(outputs)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    torch.testing.assert_close(state, end)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("lag", "channel"), [(1, 0), (3, 1)])
def test_an_untrained_network_is_near_its_residual_base(cell: Cell, lag: int, channel: int) -> None:
    """So training starts from the (seasonal) naive forecast: within 0.1 of a window's spread."""
    inputs = 3 * inputs_of(20)
    outputs, _ = network_of(cell, residual_lag=lag)(inputs)
    assert (outputs - inputs[..., [channel]]).abs().max() < 0.1
    without, _ = network_of(cell)(inputs)
    assert 0 < without.abs().max() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_the_output_does_not_see_later_inputs(cell: Cell) -> None:
    network, inputs = network_of(cell, 2), inputs_of(10)
    before, _ = network(inputs)
    inputs[:, 6:] += 100
    after, _ = network(inputs)
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.equal(before[:, 6:], after[:, 6:])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_is_on_in_training_alone(cell: Cell, layers: int) -> None:
    network, inputs = network_of(cell, layers, dropout=0.5), inputs_of(10)
    assert torch.equal(network(inputs)[0], network(inputs)[0])
    network.train()
    assert not torch.equal(network(inputs)[0], network(inputs)[0])


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_dropout_is_a_probability(p: float) -> None:
    with pytest.raises(SettingError, match="dropout"):
        RecurrentNetwork(Architecture(dropout=p))
