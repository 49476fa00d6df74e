"""Encoders read padded sequences as each alone; decoders are their definition, step by step."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from tsgen.nn import (
    AttentionKind,
    Cell,
    DecoderState,
    Seq2SeqArchitecture,
    Seq2SeqNetwork,
    with_more_pairs,
)

ATTENTIONS = [*get_args(AttentionKind), None]
V, SOURCES, B, S, T, H = 7, 6, 3, 5, 4, 8
LENGTHS = torch.tensor([S, 1, 3])


def network_of(cell: Cell = "lstm", **settings: object) -> Seq2SeqNetwork:
    made_of = Seq2SeqArchitecture(
        V,
        cell,
        hidden_size=H,
        embedding_size=5,
        source_embedding_size=3,
        source_symbols=SOURCES,
        **settings,  # type: ignore[arg-type]
    )
    network = made_of.network()
    network.reset_parameters(torch.Generator().manual_seed(0))
    network = network.double().eval()
    for weight in (network.readout, network.bias):
        torch.nn.init.normal_(weight, generator=torch.Generator().manual_seed(1))
    return network


def codes_of(count: int, *shape: int) -> torch.Tensor:
    return torch.randint(count, shape, generator=torch.Generator().manual_seed(2))


def scores_of(network: Seq2SeqNetwork, sources: torch.Tensor, lengths: torch.Tensor):
    targets = codes_of(V, len(sources), T, 1).double()
    return network.read(network.encode(sources, lengths), targets, torch.ones_like(targets))[0]


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("cell", get_args(Cell))
def test_reading_is_stepping_symbol_by_symbol(cell: Cell, attention: AttentionKind | None) -> None:
    network = network_of(cell, attention=attention, num_layers=2, encoder_layers=2)
    targets = codes_of(V, B, T, 1).double()
    state = network.encode(codes_of(SOURCES, B, S), LENGTHS)
    scores, after = network.read(state, targets, torch.ones_like(targets))
    stepped, here = [], state
    for step in range(T):
        one, here = network.step(here)
        stepped.append(one)
        here = here.fed(targets[:, step, None])
    assert torch.allclose(torch.cat(stepped, dim=1), scores)
    assert isinstance(here, DecoderState)
    assert torch.allclose(here.recurrent[0], after.recurrent[0])


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_source_alone_is_read_as_among_longer_ones(
    attention: AttentionKind | None, bidirectional: bool
) -> None:
    network = network_of(attention=attention, bidirectional=bidirectional, encoder_layers=2)
    sources = codes_of(SOURCES, B, S)
    together = scores_of(network, sources, LENGTHS)
    targets = codes_of(V, B, T, 1).double()
    for row, length in enumerate(LENGTHS.tolist()):
        state = network.encode(sources[row, None, :length], LENGTHS[row, None])
        own = targets[row, None]
        alone, _ = network.read(state, own, torch.ones_like(own))
        assert torch.allclose(alone[0], together[row])


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("attention", ["additive", "multiplicative"])
def test_a_decoder_is_its_definition(cell: Cell, attention: AttentionKind) -> None:
    """The first two steps by torch's own layers and modules, for one source without padding."""
    network = network_of(cell, attention=attention)
    pair, head = network.encoder_decoder, network.head
    source, targets = codes_of(SOURCES, 1, S), codes_of(V, 1, 2)
    outputs, last = pair.encoder.layers[0](network.source_vectors[source])
    ends = [part.transpose(0, 1).flatten(1) for part in (last if cell == "lstm" else (last,))]
    state = [b(e).tanh() for b, e in zip(pair.bridge, ends, strict=True)]
    one = torch.nn.LSTMCell if cell == "lstm" else torch.nn.GRUCell
    step = one(network.recurrent.input_size, H).double()
    named = {name.removesuffix("_l0"): w for name, w in network.recurrent.named_parameters()}
    step.load_state_dict(named)
    memory = pair.attention.memory(outputs, torch.tensor([S]))
    vectors = [torch.zeros(1, 5, dtype=torch.float64), network.vectors[targets[:, 0]]]
    fed, found = torch.zeros(1, H, dtype=torch.float64), []
    for vector in vectors:
        if attention == "additive":
            context = pair.attention(state[0][:, None], memory).context[:, 0]
            fed = context
        after = step(torch.cat([vector, fed], 1), tuple(state) if cell == "lstm" else state[0])
        state = list(after) if cell == "lstm" else [after]
        if attention != "additive":
            context = pair.attention(state[0][:, None], memory).context[:, 0]
        combined = (torch.cat([context, state[0]], 1) @ pair.combine.weight.T).tanh()
        fed = combined
        found.append(combined @ head[0].T + head[1])
    values = targets[:, :, None].double()
    begun = network.encode(source, torch.tensor([S]))
    scores, _ = network.read(begun, values, torch.ones_like(values))
    assert torch.allclose(scores, torch.stack(found, dim=1))


def test_what_is_behind_a_source_is_never_read() -> None:
    network, sources = network_of(), codes_of(SOURCES, B, S)
    other = sources.clone()
    other[1, 1:], other[2, 3:] = 5 - sources[1, 1:], 5 - sources[2, 3:]
    scores = [scores_of(network, each, LENGTHS) for each in (sources, other)]
    assert torch.equal(*scores)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_beams_go_on_as_if_each_had_the_whole_state(attention: AttentionKind | None) -> None:
    network = network_of(attention=attention)
    state = network.encode(codes_of(SOURCES, B, S), LENGTHS)
    beams, copies = state.beams(2), state.take(torch.arange(B).repeat_interleave(2))
    parents = torch.tensor([1, 1, 2, 3, 5, 4])
    fed = codes_of(V, 2 * B, 1, 1).double()
    beams = network.step(beams)[1].take_beams(parents).fed(fed)
    copies = network.step(copies)[1].take(parents).fed(fed)
    assert torch.allclose(network.step(beams)[0], network.step(copies)[0])
    if attention is not None:
        assert len(beams.memory) == B
    # Some of all beams are loops of their own.
    rows = torch.tensor([5, 0])
    assert torch.allclose(network.step(beams.take(rows))[0], network.step(copies.take(rows))[0])


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_in_training_alone_and_is_drawn_again(layers: int) -> None:
    network = network_of(dropout=0.3, steps_dropout=0.3, num_layers=layers, encoder_layers=layers)
    sources = codes_of(SOURCES, B, S)
    plain = scores_of(network, sources, LENGTHS)
    network.train()
    runs = []
    for seed in (0, 0, 1):
        with network.drawing(torch.Generator().manual_seed(seed)):
            runs.append(scores_of(network, sources, LENGTHS))
    with network.without_dropout():
        assert torch.allclose(scores_of(network, sources, LENGTHS), plain)
    assert torch.equal(runs[0], runs[1])
    assert not torch.allclose(runs[0], runs[2])
    assert not torch.allclose(runs[0], plain)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_weight_learns(attention: AttentionKind | None) -> None:
    network = network_of(attention=attention, num_layers=2, encoder_layers=2)
    scores_of(network, codes_of(SOURCES, B, S), LENGTHS).square().sum().backward()
    idle = [name for name, w in network.named_parameters() if not bool((w.grad != 0).any())]
    assert idle == []


def test_weights_drawn_by_a_generator_are_the_same_again() -> None:
    one, other = network_of(), network_of()
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_more_symbols_on_both_sides_leave_scores_as_they_are() -> None:
    network = network_of()
    more = with_more_pairs(network, source=(4, 3), target=(5, 2)).double().eval()
    sources = codes_of(4, B, S)
    targets = codes_of(5, B, T, 1).double()
    flags = torch.ones_like(targets)
    before, _ = network.read(network.encode(sources, LENGTHS), targets, flags)
    after, _ = more.read(more.encode(sources, LENGTHS), targets, flags)
    assert torch.allclose(after[:, :, :5], before[:, :, :5])
    assert torch.allclose(after[:, :, 7:], before[:, :, 5:])
    assert torch.allclose(more.source_vectors[7:], network.source_vectors[4:])
