"""Attention: what a decoder takes of all states of an encoder, by weights that it computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from tsgen.nn.state import TensorRecord

__all__ = ["ATTENTIONS", "Attended", "Attention", "AttentionKind", "Memory"]

AttentionKind: TypeAlias = Literal["additive", "multiplicative", "dot"]

_WIDER_FIRST_WEIGHTS = 12.0
"""States are small while few weights have been learned: about a tenth of what they may be."""


@dataclass(frozen=True, eq=False)
class Memory(TensorRecord):
    """What is attended to: the states of B encoded sequences of up to S steps.

    Attributes
    ----------
    values : Tensor of shape (B, S, M)
    keys : Tensor of shape (B, S, Q)
        What queries are compared with, computed once.
    bias : Tensor of shape (B, 1, S)
        Added to scores: -inf behind the end of a sequence, else 0.
    """

    values: Tensor
    keys: Tensor
    bias: Tensor


class Attended(NamedTuple):
    """What queries of B sequences, T each, have found."""

    context: Tensor
    """Of shape (B, T, M): the mean of the values by their weights, the context vector."""
    weights: Tensor
    """Of shape (B, T, S): 0 or more, and 1 in sum over S."""


class Attention(nn.Module, ABC):
    """Weights of encoded states by their scores for a query, and the mean of these states.

    Parameters
    ----------
    query_size : int
        Q, the units of a decoder.
    memory_size : int
        M, those of an encoder, of both directions together.

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn.attention import ATTENTIONS
    >>> attention = ATTENTIONS["dot"](query_size=8, memory_size=8)
    >>> memory = attention.memory(torch.zeros(2, 5, 8), lengths=torch.tensor([5, 2]))
    >>> attention(torch.zeros(2, 1, 8), memory).weights[1]
    tensor([[0.5000, 0.5000, 0.0000, 0.0000, 0.0000]])
    """

    looks_first: ClassVar[bool] = False
    """Whether a decoder attends before its step, by where it stands then, instead of after it."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.query_size, self.memory_size = query_size, memory_size

    @abstractmethod
    def keys(self, values: Tensor) -> Tensor:
        """What queries are compared with, (B, S, Q), of encoded states (B, S, M)."""

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Of each state for each query, (B, T, S), of queries (B, T, Q) and keys (B, S, Q)."""
        return torch.bmm(queries, keys.transpose(1, 2))

    def memory(self, values: Tensor, lengths: Tensor) -> Memory:
        """What can be attended to: states (B, S, M), of which each sequence has its first ones."""
        steps = torch.arange(values.shape[1], device=values.device)
        return self.memory_of(values, steps < lengths[:, None])

    def memory_of(self, values: Tensor, there: Tensor) -> Memory:
        """The same of states of which each sequence has those that are marked, (B, S)."""
        bias = torch.zeros_like(values[:, :, 0]).masked_fill(~there, -torch.inf)
        return Memory(values, self.keys(values), bias[:, None])

    def forward(self, queries: Tensor, memory: Memory) -> Attended:
        """Attend by queries (B, T, Q); by K·B of one step, where each memory is that of K beams."""
        grouped = queries.reshape(len(memory), -1, self.query_size)
        weights = (self.scores(grouped, memory.keys) + memory.bias).softmax(dim=-1)
        context = torch.bmm(weights, memory.values)
        shape = queries.shape[:2]
        return Attended(context.reshape(*shape, -1), weights.reshape(*shape, -1))


class AdditiveAttention(Attention):
    """Scores ``v · tanh(W q + U h)``, before each step of the decoder [1]_.

    References
    ----------
    .. [1] Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
       Translate. ICLR 2015.
    """

    looks_first = True

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.of_query = nn.Linear(query_size, query_size, bias=False, dtype=torch.float32)
        self.of_memory = nn.Linear(memory_size, query_size, bias=False, dtype=torch.float32)
        self.score = nn.Parameter(torch.zeros(query_size, dtype=torch.float32))

    @torch.no_grad()
    def widen_first_weights(self) -> None:
        """Make the drawn weights inside of tanh so large that it isn't linear for small states.

        Where it is as good as linear, a query adds the same to the scores of all states, and
        softmax forgets it: what to look for would be learned late, or never.
        """
        for layer in (self.of_query, self.of_memory):
            layer.weight *= _WIDER_FIRST_WEIGHTS

    def keys(self, values: Tensor) -> Tensor:
        """``U h``."""
        keys: Tensor = self.of_memory(values)
        return keys

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """``v · tanh(W q + U h)``."""
        both: Tensor = self.of_query(queries)[:, :, None] + keys[:, None]
        scores: Tensor = both.tanh() @ self.score
        return scores


class MultiplicativeAttention(Attention):
    """Scores ``q · W h``, after each step of the decoder: "general" of [1]_.

    References
    ----------
    .. [1] Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine
       Translation. EMNLP 2015.
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.of_memory = nn.Linear(memory_size, query_size, bias=False, dtype=torch.float32)

    def keys(self, values: Tensor) -> Tensor:
        """``W h``."""
        keys: Tensor = self.of_memory(values)
        return keys


class DotAttention(Attention):
    """Scores ``q · h``, after each step of the decoder; of an encoder's directions their sum.

    It has no weights of its own.
    """

    def keys(self, values: Tensor) -> Tensor:
        """The states themselves, those of both directions added."""
        keys: Tensor = values.unflatten(2, (-1, self.query_size)).sum(dim=2)
        return keys


ATTENTIONS: dict[AttentionKind, type[Attention]] = {
    "additive": AdditiveAttention,
    "multiplicative": MultiplicativeAttention,
    "dot": DotAttention,
}
"""By what ``attention=`` calls them."""
