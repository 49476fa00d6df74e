"""The loss of a step and its gradients, part by part: of members, of halves of a batch.

A batch is divided among the members of an ensemble, and the share of each may be divided again: to
be learned from side by side, or because all of it at once doesn't fit into the memory. The parts
come to the gradient of the whole, since each error is divided by the count of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from tsgen._runtime import side_by_side
from tsgen.nn import Recurrence
from tsgen.training.step import LossTerm

__all__ = ["Learner", "loss_of", "mean_over_processes", "sum_of_losses"]


class Learner(NamedTuple):
    """A member, and what it learns from in one step."""

    network: Recurrence
    parts: Sequence[Callable[[], Sequence[LossTerm]]]
    """The terms of its loss on each part of its batch: the same ones at every call."""


class _Learned(NamedTuple):
    """The loss of a member, or of a part of its batch, and the gradients of its weights."""

    loss: Tensor
    gradients: tuple[Tensor | None, ...]


def sum_of_losses(learners: Sequence[Learner], *, at_once: bool) -> Tensor:
    """The sum of what the members minimise, whose gradients are computed already.

    Parameters
    ----------
    learners : sequence of Learner
    at_once : bool
        Whether all parts are computed side by side, or one after the other, which takes no more
        memory than one of them.
    """
    if not at_once:
        learned = [_one_by_one(learner) for learner in learners]
    elif all(len(learner.parts) == 1 for learner in learners):
        learned = side_by_side([partial(_one_by_one, learner) for learner in learners])
    else:
        learned = _all_at_once(learners)
    gradients = tuple(chain.from_iterable(each.gradients for each in learned))
    weights = chain.from_iterable(learner.network.parameters() for learner in learners)
    loss = torch.stack([each.loss for each in learned]).sum()
    return _WithGradients.apply(loss, gradients, *weights)  # type: ignore[no-any-return, no-untyped-call]


def loss_of(learners: Sequence[Learner]) -> Tensor:
    """The same for autograd to differentiate, which takes the memory of all parts."""
    losses = []
    for learner in learners:
        terms = [part() for part in learner.parts]
        counts = _counts(terms)
        losses += [_loss(some, counts) for some in terms]
    return torch.stack(losses).sum()


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over the processes of a distributed run; itself where there is none."""
    if not (dist.is_available() and dist.is_initialized()):
        return value
    mean = value.detach().clone()
    dist.all_reduce(mean)
    return mean / dist.get_world_size()


def _one_by_one(learner: Learner) -> _Learned:
    network, parts = learner
    if len(parts) == 1:
        terms = parts[0]()
        return _differentiated(network, terms, _counts([terms]))
    with torch.no_grad():
        counts = _counts([part() for part in parts])
    return _added([_differentiated(network, part(), counts) for part in parts])


def _all_at_once(learners: Sequence[Learner]) -> list[_Learned]:
    """The parts meet twice: when all errors are counted, and at the end."""
    of_all = iter(side_by_side([part for learner in learners for part in learner.parts]))
    tasks = []
    for network, parts in learners:
        terms = [next(of_all) for _ in parts]
        counts = _counts(terms)
        tasks += [partial(_differentiated, network, some, counts) for some in terms]
    learned = iter(side_by_side(tasks))
    return [_added([next(learned) for _ in parts]) for _, parts in learners]


def _counts(parts: Sequence[Sequence[LossTerm]]) -> list[Tensor]:
    """How many errors each term has in all parts, on average over the processes.

    DDP averages the gradients of its processes, so that dividing by the mean count makes them the
    gradient of the mean over the global batch, whatever is masked on which process.
    """
    of_terms = zip(*parts, strict=True)
    counts = [torch.stack([term.errors.steps.sum() for term in terms]).sum() for terms in of_terms]
    return [mean_over_processes(count).clamp(min=1.0) for count in counts]


def _loss(terms: Sequence[LossTerm], counts: Sequence[Tensor]) -> Tensor:
    parts = [
        weight * errors.total.sum() / count
        for (weight, errors), count in zip(terms, counts, strict=True)
    ]
    return torch.stack(parts).sum()


def _differentiated(
    network: Recurrence, terms: Sequence[LossTerm], counts: Sequence[Tensor]
) -> _Learned:
    loss = _loss(terms, counts)
    gradients = torch.autograd.grad(loss, tuple(network.parameters()), allow_unused=True)
    return _Learned(loss.detach(), gradients)


def _added(parts: Sequence[_Learned]) -> _Learned:
    first, *others = parts
    for other in others:
        first = _Learned(
            first.loss + other.loss,
            tuple(map(_sum_of_known, first.gradients, other.gradients)),
        )
    return first


def _sum_of_known(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other


class _WithGradients(torch.autograd.Function):
    """A number whose gradients are known."""

    @staticmethod
    def forward(
        ctx: Any, loss: Tensor, gradients: Sequence[Tensor | None], *weights: Tensor
    ) -> Tensor:
        """Keep the gradients."""
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Hand them out."""
        scaled = (None if gradient is None else outer[0] * gradient for gradient in ctx.gradients)
        return None, None, *scaled
