"""A batch in parts comes to the loss and the gradients of the whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import torch

from tsgen.nn import Architecture, RecurrentNetwork
from tsgen.training.ensemble import Learner, loss_of, sum_of_losses
from tsgen.training.losses import WindowErrors
from tsgen.training.step import LossTerm


def learners(
    count: int, parts: int = 1, action: Callable[[], None] = lambda: None
) -> list[Learner]:
    """Members of one seed with two terms on six windows, of which some steps don't count."""
    torch.manual_seed(0)
    made = []
    for member in range(count):
        network = Architecture(hidden_size=4).network()
        inputs, counted = torch.randn(6, 5, 2), (torch.rand(6, 5, 1) < 0.7).float()

        def loss_terms(
            rows: torch.Tensor, network: RecurrentNetwork = network, member: int = member,
            inputs: torch.Tensor = inputs, counted: torch.Tensor = counted,
        ) -> Sequence[LossTerm]:  # fmt: skip
            action()
            errors = network(inputs[rows])[0].square() * counted[rows]
            first = WindowErrors(errors.sum(dim=1), counted[rows].sum(dim=1))
            last = WindowErrors(errors[:, -1], counted[rows, -1])
            return [LossTerm(1.0 + member, first), LossTerm(0.5, last)]

        # Parts of unequal size, whose mean errors must not be averaged.
        rows = torch.arange(6).tensor_split(parts)
        made.append(Learner(network, [lambda rows=some, of=loss_terms: of(rows) for some in rows]))
    return made


def results(total: torch.Tensor, those: Sequence[Learner]) -> list[torch.Tensor]:
    (3.0 * total).backward()
    gradients = [weight.grad for one in those for weight in one.network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
    return [total.detach(), *gradients]


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("parts", [1, 2, 4])
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.usefixtures("two_cores")
def test_parts_come_to_the_loss_and_gradients_of_the_whole(
    count: int, parts: int, at_once: bool
) -> None:
    whole, divided = learners(count), learners(count, parts)
    expected = results(loss_of(whole), whole)
    found = results(sum_of_losses(divided, at_once=at_once), divided)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("those", [lambda action: learners(2, 1, action),
                                   lambda action: learners(1, 2, action)],
                         ids=["members", "halves"])  # fmt: skip
@pytest.mark.usefixtures("two_cores")
def test_they_are_learned_at_the_same_time_with_a_core_each(those: Callable) -> None:
    barrier = threading.Barrier(2, timeout=30)
    seen = set()

    def meet() -> None:
        barrier.wait()  # that ends when both are here
        seen.add((threading.current_thread().name, torch.get_num_threads()))

    sum_of_losses(those(meet), at_once=True)
    assert len(seen) == 2
    assert {number for _, number in seen} == {1}


def test_one_after_the_other_holds_the_graph_of_one_part_alone() -> None:
    at_once = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values):
            at_once.append(1)
            return values.clone()

        @staticmethod
        def backward(ctx, gradient):
            at_once.append(-1)
            return gradient

    (learner,) = learners(1, 3)

    def watched(part: Callable[[], Sequence[LossTerm]]) -> Sequence[LossTerm]:
        return [
            LossTerm(weight, WindowErrors(Watched.apply(errors.total), errors.steps))
            for weight, errors in part()
        ]

    parts = [lambda part=part: watched(part) for part in learner.parts]
    sum_of_losses([Learner(learner.network, parts)], at_once=False)
    counting, learning = at_once[: 3 * 2], at_once[3 * 2 :]
    assert counting == [1] * 6  # without a graph
    assert learning == [1, 1, -1, -1] * 3


@pytest.mark.usefixtures("two_cores")
def test_an_error_of_a_part_is_that_of_the_step() -> None:
    class Cut(RuntimeError):
        pass

    def fail() -> None:
        raise Cut

    with pytest.raises(Cut):
        sum_of_losses(learners(2, 1, fail), at_once=True)
    assert torch.get_num_threads() == 2
