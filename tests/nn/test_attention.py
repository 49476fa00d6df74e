"""Each kind of attention is its formula, padding is never attended to, and beams share a memory."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.nn import ATTENTIONS, AttentionKind
from tsgen.nn.attention import Attention

KINDS = get_args(AttentionKind)
B, S, T, H = 3, 5, 2, 4


def attention_of(kind: AttentionKind, memory_size: int = 2 * H) -> Attention:
    attention = ATTENTIONS[kind](query_size=H, memory_size=memory_size).double()
    random = torch.Generator().manual_seed(0)
    for weight in attention.parameters():
        torch.nn.init.normal_(weight, generator=random)
    return attention


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def defined(
    kind: str, weights: dict[str, np.ndarray], queries: np.ndarray, states: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Contexts (T, M) and weights (T, S) of one sequence, state by state as papers have it."""
    contexts, all_weights = np.zeros((len(queries), states.shape[1])), np.zeros((len(queries), S))
    for t, query in enumerate(queries):
        scores = []
        for state in states[:length]:
            if kind == "additive":
                inner = weights["of_query.weight"] @ query + weights["of_memory.weight"] @ state
                scores.append(weights["score"] @ np.tanh(inner))
            elif kind == "multiplicative":
                scores.append(query @ (weights["of_memory.weight"] @ state))
            else:
                scores.append(query @ (state[:H] + state[H:]))
        shares = np.exp(np.array(scores) - max(scores))
        all_weights[t, :length] = shares / shares.sum()
        contexts[t] = all_weights[t] @ states
    return contexts, all_weights


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_its_definition(kind: AttentionKind) -> None:
    attention, queries, states = attention_of(kind), drawn(B, T, H), drawn(B, S, 2 * H, seed=2)
    lengths = torch.tensor([S, 1, 3])
    found = attention(queries, attention.memory(states, lengths))
    weights = {name: weight.detach().numpy() for name, weight in attention.named_parameters()}
    for row in range(B):
        context, shares = defined(
            kind, weights, queries[row].numpy(), states[row].numpy(), int(lengths[row])
        )
        np.testing.assert_allclose(found.context[row].detach(), context, atol=1e-12)
        np.testing.assert_allclose(found.weights[row].detach(), shares, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_weights_are_shares_of_what_is_there(kind: AttentionKind, lengths: list[int]) -> None:
    attention = attention_of(kind)
    states = drawn(len(lengths), max(lengths), 2 * H)
    memory = attention.memory(states, torch.tensor(lengths))
    weights = attention(100 * drawn(len(lengths), 1, H), memory).weights[:, 0]
    assert torch.allclose(weights.sum(dim=1), torch.ones(len(lengths), dtype=torch.float64))
    for row, length in enumerate(lengths):
        assert bool((weights[row, length:] == 0).all())


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind: AttentionKind) -> None:
    attention, query, states = attention_of(kind), drawn(1, 1, H), drawn(1, S, 2 * H)
    longer = torch.cat([states, 1e3 * drawn(1, 4, 2 * H)], dim=1)
    alone = attention(query, attention.memory(states, torch.tensor([S])))
    padded = attention(query, attention.memory(longer, torch.tensor([S])))
    assert torch.allclose(padded.context, alone.context)


@pytest.mark.parametrize("kind", KINDS)
def test_beams_share_the_memory_of_their_source(kind: AttentionKind) -> None:
    attention, states = attention_of(kind), drawn(B, S, 2 * H)
    memory = attention.memory(states, torch.tensor([S, 2, 4]))
    queries = drawn(3 * B, 1, H)
    rows = torch.arange(B).repeat_interleave(3)
    shared = attention(queries, memory)
    own = attention(queries, memory.take(rows))
    assert torch.allclose(shared.context, own.context)
    assert torch.allclose(shared.weights, own.weights)


@pytest.mark.parametrize("kind", ["additive", "multiplicative"])
def test_all_weights_get_gradients(kind: AttentionKind) -> None:
    attention = attention_of(kind)
    memory = attention.memory(drawn(B, S, 2 * H), torch.tensor([S, 2, 4]))
    attention(drawn(B, T, H), memory).context.square().sum().backward()
    assert all(bool((weight.grad != 0).any()) for weight in attention.parameters())
