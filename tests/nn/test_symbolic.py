"""Networks of symbols keep the contract of all networks: start, read, step, fed."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from tsgen.nn import Cell, RolloutState, SymbolArchitecture, SymbolNetwork, with_more_symbols

V, B, T = 7, 3, 11


def network_of(cell: Cell = "lstm", layers: int = 1, **settings: object) -> SymbolNetwork:
    torch.manual_seed(0)
    architecture = SymbolArchitecture(
        V,
        cell,
        hidden_size=8,
        embedding_size=5,
        num_layers=layers,
        **settings,  # type: ignore[arg-type]
    )
    network = architecture.network().double().eval()
    for name, weight in network.named_parameters():
        if name in ("readout", "bias"):
            torch.nn.init.normal_(weight)
    return network


def codes_of(batch: int = B, steps: int = T) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(V, (batch, steps, 1), generator=random).double()


def states_are_close(one: RolloutState, other: RolloutState) -> bool:
    parts = [(one.values, other.values), (one.known, other.known)]
    parts += list(zip(one.recurrent, other.recurrent, strict=True))
    return all(torch.allclose(a, b) for a, b in parts)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_reading_at_once_is_stepping_symbol_by_symbol(cell: Cell, layers: int) -> None:
    network, codes = network_of(cell, layers), codes_of()
    scores, state = network.read(network.begin(B), codes, torch.ones_like(codes))
    stepped, here = [], network.begin(B)
    for step in range(T):
        one, here = network.step(here)
        stepped.append(one)
        here = here.fed(codes[:, step, None])
    assert torch.allclose(torch.cat(stepped, dim=1), scores)
    assert states_are_close(here, state)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_sequences_of_several_lengths_are_read_as_one_by_one(cell: Cell) -> None:
    network, codes = network_of(cell, 2), codes_of()
    lengths = torch.tensor([4, T, 1])
    hidden, state = network.read_ragged(network.begin(B), codes, lengths)
    for row, length in enumerate(lengths.tolist()):
        own = codes[row, None, :length]
        scores, alone = network.read(network.begin(1), own, torch.ones_like(own))
        found = network.predictions(hidden[row, None, :length], own)
        assert torch.allclose(found, scores)
        assert states_are_close(state.take(torch.tensor([row])), alone)


def test_nothing_is_read_as_zeros() -> None:
    network = network_of()
    with torch.no_grad():
        other = network_of()
        other.vectors[0] += 1.0  # the code that stands where nothing is known
    assert torch.equal(network.step(network.begin(1))[0], other.step(other.begin(1))[0])


@pytest.mark.parametrize(
    ("settings", "tied", "learned"),
    [
        ({"hidden_size": 6, "embedding_size": 6}, True, True),
        ({"hidden_size": 6, "embedding_size": 4}, False, True),
        ({"hidden_size": 6, "embedding_size": 6, "frozen": True}, False, False),
    ],
)
def test_vectors_score_where_sizes_allow_and_learn_unless_frozen(
    settings: dict[str, int], tied: bool, learned: bool
) -> None:
    network = SymbolArchitecture(V, **settings).network()  # type: ignore[arg-type]
    names = [name for name, _ in network.named_parameters()]
    assert ("readout" not in names) == tied
    assert ("vectors" in names) == learned
    assert "vectors" in network.state_dict()
    assert network.read(network.begin(B), codes_of().float(), torch.ones(B, T, 1))[0].shape[2] == V


def test_weights_drawn_by_a_generator_are_the_same_again() -> None:
    one, other = network_of(), network_of()
    one.reset_parameters(torch.Generator().manual_seed(5))
    other.reset_parameters(torch.Generator().manual_seed(5))
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_dropout_between_steps_acts_in_training_alone() -> None:
    network, codes = network_of(steps_dropout=0.5), codes_of()
    known = torch.ones_like(codes)
    plain = network.read(network.begin(B), codes, known)[0]
    network.train()
    with network.drawing(torch.Generator().manual_seed(0)):
        dropped = network.read(network.begin(B), codes, known)[0]
    with network.drawing(torch.Generator().manual_seed(0)):
        again = network.read(network.begin(B), codes, known)[0]
    with network.without_dropout():
        without = network.read(network.begin(B), codes, known)[0]
    assert not torch.allclose(dropped, plain)
    assert torch.equal(dropped, again)
    assert torch.allclose(without, plain)
    # The first symbol is predicted before any unit has gone from one step to the next.
    assert torch.allclose(dropped[:, 0], plain[:, 0])


def test_more_symbols_leave_the_scores_of_known_ones_as_they_are() -> None:
    network, codes = network_of(), codes_of().clamp(max=3)
    more = with_more_symbols(network, known=5, new=2).double().eval()
    before, _ = network.read(network.begin(B), codes, torch.ones_like(codes))
    after, _ = more.read(more.begin(B), codes, torch.ones_like(codes))
    assert torch.allclose(after[:, :, :5], before[:, :, :5])
    assert torch.allclose(after[:, :, 7:], before[:, :, 5:])
    assert torch.allclose(more.vectors[5:7], network.vectors[:5].mean(dim=0).expand(2, -1))
