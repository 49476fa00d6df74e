"""Symbols are drawn by their probabilities, and the fast loop is the definition."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.generation import Stopping, SymbolChoice, generate
from tsgen.generation.dispatch import blocks_of_symbols
from tsgen.nn import Cell, RolloutState, SymbolArchitecture, SymbolNetwork

V, B, H = 6, 5, 40


def network_of(cell: Cell = "lstm", layers: int = 1) -> SymbolNetwork:
    torch.manual_seed(0)
    network = SymbolArchitecture(V, cell, hidden_size=8, num_layers=layers).network().eval()
    with torch.no_grad():
        network.readout.normal_()
    return network


def state_of(network: SymbolNetwork) -> RolloutState:
    """Some at a beginning, some after a few symbols."""
    codes = torch.randint(V, (B, 4, 1), generator=torch.Generator().manual_seed(1)).float()
    with torch.no_grad():
        _, state = network.read(network.begin(B), codes, torch.ones_like(codes))
    return state.put(torch.tensor([0, 3]), network.begin(2))


def noise_of(rows: int = B, steps: int = H) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.rand(rows, steps, generator=random, dtype=torch.float64)


CHOICES = {
    "greedy": SymbolChoice(),
    "never": SymbolChoice(never=(2, 4)),
    "drawn": SymbolChoice(noise=noise_of()),
    "warm": SymbolChoice(noise=noise_of(), temperature=1.7, top_k=3, top_p=0.8, never=(1,)),
    "given": SymbolChoice(noise=noise_of(), given=torch.full((B, H, 1), torch.nan)),
}
assert CHOICES["given"].given is not None
CHOICES["given"].given[1, 5] = 3.0


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_the_fast_loop_is_the_definition(cell: Cell, layers: int, choice: str) -> None:
    network = network_of(cell, layers)
    state = state_of(network)
    fast = generate(network, state, H, CHOICES[choice])
    assert torch.equal(fast, generate(network, state, H, CHOICES[choice], way="plain"))
    assert not set(CHOICES[choice].never) & set(fast.flatten().tolist())


def test_a_large_vocabulary_has_no_table_and_comes_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = network_of()
    state = state_of(network)
    whole = generate(network, state, H, CHOICES["drawn"])
    monkeypatch.setattr("tsgen.generation.stepped._SMALL_TABLE", 0)
    short = generate(network, state, 1, CHOICES["drawn"])
    assert torch.equal(short, whole[:, :1])
    monkeypatch.setattr("tsgen.generation.stepped._LARGEST_TABLE", 0)
    assert torch.equal(generate(network, state, H, CHOICES["drawn"]), whole)


def test_of_a_large_vocabulary_few_sequences_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsgen.generation.dispatch._SCORES_AT_ONCE", 7 * V)
    sizes = [len(rows) for rows in blocks_of_symbols(network_of(), 20)]
    assert sizes == [7, 7, 6]
    assert [len(rows) for rows in blocks_of_symbols(network_of(), 5, beams=3)] == [2, 2, 1]
    assert [len(rows) for rows in blocks_of_symbols(network_of(), 2, beams=9)] == [1, 1]


def test_blocks_of_rows_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of()
    state = state_of(network)
    whole = generate(network, state, H, CHOICES["warm"])
    monkeypatch.setattr("tsgen.generation.dispatch.loops_together", lambda count, device: 2)
    assert torch.equal(generate(network, state, H, CHOICES["warm"]), whole)


def test_a_loop_ends_with_its_last_sequence() -> None:
    network = network_of()
    state = state_of(network)
    whole = generate(network, state, H, CHOICES["drawn"])
    stopping = Stopping(torch.arange(V) == whole[0, 3])
    path = generate(network, state, H, CHOICES["drawn"], stopping)
    lengths, ended = stopping.ending(whole)
    assert ended.all()
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(path[row, :length], whole[row, :length])


# --- one draw ------------------------------------------------------------------------------------


def frequencies(scores: torch.Tensor, count: int = 20_000, **settings: object) -> torch.Tensor:
    noise = torch.linspace(0, 1, count + 1, dtype=torch.float64)[:-1, None]
    choice = SymbolChoice(noise=noise, **settings)  # type: ignore[arg-type]
    codes = choice.codes(scores.expand(count, -1).clone(), 0)
    return torch.bincount(codes, minlength=scores.shape[-1]) / count


SCORES = torch.tensor([0.0, 1.0, -2.0, 0.5, 3.0])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_frequencies_are_the_softmax(temperature: float) -> None:
    expected = (SCORES / temperature).softmax(dim=0)
    found = frequencies(SCORES, temperature=temperature)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_top_k_keeps_the_likeliest() -> None:
    kept = torch.tensor([-torch.inf, 1.0, -torch.inf, -torch.inf, 3.0]).softmax(dim=0)
    torch.testing.assert_close(frequencies(SCORES, top_k=2), kept, atol=2e-4, rtol=0)
    for all_of_them in (5, 500):
        found = frequencies(SCORES, top_k=all_of_them)
        assert torch.equal(found, frequencies(SCORES))


def test_top_p_keeps_the_fewest_that_have_this_probability() -> None:
    likely = SCORES.softmax(dim=0)  # 0.80 and 0.11 of the two likeliest
    only = frequencies(SCORES, top_p=0.5)
    assert only.tolist() == [0, 0, 0, 0, 1]
    two = torch.where(SCORES >= 1.0, likely, 0.0)
    torch.testing.assert_close(frequencies(SCORES, top_p=0.85), two / two.sum(), atol=2e-4, rtol=0)
    assert torch.equal(frequencies(SCORES, top_p=1.0), frequencies(SCORES))
    assert frequencies(SCORES, top_p=0.0).tolist() == [0, 0, 0, 0, 1]


def test_both_keep_the_likeliest_of_the_likeliest() -> None:
    two = torch.tensor([1.0, 3.0]).softmax(dim=0)  # 0.12 and 0.88, of those that top_k keeps
    found = frequencies(SCORES, top_k=2, top_p=0.9)
    torch.testing.assert_close(found[[1, 4]], two, atol=2e-4, rtol=0)
    assert frequencies(SCORES, top_k=2, top_p=0.87).tolist() == [0, 0, 0, 0, 1]


def test_as_likely_symbols_are_no_more_than_top_k() -> None:
    assert int((frequencies(torch.zeros(9), 900, top_k=4) > 0).sum()) == 4


def test_a_temperature_of_nothing_takes_the_likeliest() -> None:
    assert frequencies(SCORES, temperature=0.0).argmax() == SCORES.argmax()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=9),
    st.sampled_from([0.0, 0.5, 1.0 - 2.0**-24, 1.0 - 2.0**-53]),
)
def test_what_is_drawn_can_be(scores: list[float], noise: float) -> None:
    table = torch.tensor([scores])
    choice = SymbolChoice(noise=torch.tensor([[noise]], dtype=torch.float64), never=(0,))
    if len(scores) > 1:
        table = choice.without_never(table)
    code = int(choice.codes(table.clone(), 0))
    assert table.softmax(dim=1)[0, code] > 0


def test_draws_of_a_sequence_do_not_depend_on_its_company() -> None:
    network = network_of()
    state = state_of(network)
    choice = CHOICES["drawn"]
    whole = generate(network, state, H, choice)
    some = torch.tensor([3, 1])
    alone = generate(network, state.take(some), H, replace(choice, noise=choice.take(some).noise))
    assert torch.equal(alone, whole[some])
