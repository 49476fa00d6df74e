"""The members of an ensemble learn side by side, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsgen.network import RecurrentNetwork

__all__ = ["Learner", "sum_of_losses"]

_MOST_SEEDS = 2**62


class Learner(NamedTuple):
    """A member and what it minimises."""

    network: RecurrentNetwork
    loss: Callable[[], Tensor]
    """A number that depends on the weights of this network alone."""


def sum_of_losses(learners: Sequence[Learner], *, side_by_side: bool) -> Tensor:
    """The sum of what the members minimise, to be differentiated.

    Parameters
    ----------
    learners : sequence of Learner
    side_by_side : bool
        Whether each loss is computed in a thread of its own, with its gradients. The operations of
        a small network are too small to be shared by several cores, so that members that learn one
        after the other leave all cores but one idle.
    """
    if len(learners) == 1:
        return learners[0].loss()
    seeds = torch.randint(_MOST_SEEDS, (len(learners),)).tolist()
    losses = [
        partial(_drawn_apart, learner, seed) for learner, seed in zip(learners, seeds, strict=True)
    ]
    if not side_by_side:
        return torch.stack([loss() for loss in losses]).sum()
    weights = [tuple(learner.network.parameters()) for learner in learners]
    flat = (weight for those in weights for weight in those)
    return _SideBySide.apply(losses, weights, *flat)  # type: ignore[no-any-return, no-untyped-call]


def _drawn_apart(learner: Learner, seed: int) -> Tensor:
    """A loss whose draws are the same, whatever other threads draw meanwhile."""
    with learner.network.dropout.drawing(seed, learner.network.device):
        return learner.loss()


class _SideBySide(torch.autograd.Function):
    """Losses with their gradients, which autograd by itself would compute in a single thread."""

    @staticmethod
    def forward(
        ctx: Any,
        losses: Sequence[Callable[[], Tensor]],
        weights: Sequence[Sequence[Tensor]],
        *all_weights: Tensor,
    ) -> Tensor:
        """Sum the losses, and keep the gradients."""
        with _threads(len(losses)) as pool:
            results = list(pool.map(_with_gradients, losses, weights))
        ctx.gradients = [gradient for _, gradients in results for gradient in gradients]
        return torch.stack([loss for loss, _ in results]).sum()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Hand the gradients out."""
        scaled = (None if gradient is None else outer[0] * gradient for gradient in ctx.gradients)
        return None, None, *scaled


def _with_gradients(
    loss: Callable[[], Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    with torch.enable_grad():
        value = loss()
        return value.detach(), torch.autograd.grad(value, weights, allow_unused=True)


@contextmanager
def _threads(members: int) -> Iterator[ThreadPoolExecutor]:
    """A thread for each member, or for each of torch's threads where these are fewer.

    In each of them an operation has one core. torch takes the number for that of threads to come
    as well, so that it is set back to the caller's.
    """
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(min(members, threads), "member", torch.set_num_threads, (1,))
    try:
        with pool:
            yield pool
    finally:
        torch.set_num_threads(threads)
