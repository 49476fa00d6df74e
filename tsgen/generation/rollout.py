"""The closed loop: the context is read once, then each prediction is the next input.

`rollout` is the definition, step by step and differentiable. `tsgen.generation.folded` and
`tsgen.generation.stepped` compute the same faster, and `tsgen.generation.dispatch` chooses
among the three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen.nn import RecurrentNetwork, RecurrentState, lag_inputs, rows_of

__all__ = ["Feedback", "Rollout", "RolloutState", "encode", "read", "rollout", "start_of"]


@dataclass(frozen=True, eq=False)
class RolloutState:
    """Where a loop stands: all it needs of the past.

    Attributes
    ----------
    recurrent : tuple of Tensor of shape (layers, B, hidden)
        After every row but the last, which the first step of the rollout reads.
    values, known : Tensor of shape (B·C, max(lags))
        The last rows in the normaliser's units, and 1 where they are known.
    """

    recurrent: RecurrentState
    values: Tensor
    known: Tensor

    def __len__(self) -> int:
        return int(self.recurrent[0].shape[1])

    @property
    def channels(self) -> int:
        """C, the rows of each loop."""
        return len(self.values) // max(len(self), 1)

    def take(self, loops: Tensor) -> RolloutState:
        """Some of the B loops, each as often as its position is named."""
        rows = rows_of(loops, self.channels)
        return RolloutState(
            tuple(tensor[:, loops] for tensor in self.recurrent),
            self.values[rows],
            self.known[rows],
        )

    def put(self, loops: Tensor, others: RolloutState) -> RolloutState:
        """These loops with some of them replaced."""
        rows = rows_of(loops, self.channels)
        return RolloutState(
            tuple(
                tensor.index_copy(1, loops, other)
                for tensor, other in zip(self.recurrent, others.recurrent, strict=True)
            ),
            self.values.index_copy(0, rows, others.values),
            self.known.index_copy(0, rows, others.known),
        )

    @staticmethod
    def join(parts: Iterable[RolloutState]) -> RolloutState:
        """One loop after the other."""
        parts = list(parts)
        recurrent = zip(*(part.recurrent for part in parts), strict=True)
        return RolloutState(
            tuple(torch.cat(tensors, dim=1) for tensors in recurrent),
            torch.cat([part.values for part in parts]),
            torch.cat([part.known for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Feedback:
    """What acts on a loop from outside, step by step; all in the normaliser's units.

    Attributes
    ----------
    innovations : Tensor of shape (B·C, H), optional
        Added to the predictions, before they are fed back.
    given : Tensor of shape (B·C, H), optional
        Values that stand in for the predictions; NaN where the loop is closed.
    limits : Tensor of shape (B·C, H), optional
        The largest size that a prediction may have; larger ones are clipped.
    covariates : Tensor of shape (B, H, D), optional
        What else is known of each step.
    known : Tensor of shape (B·C, H), optional
        The flags of what is fed back; 1 if not said.
    """

    innovations: Tensor | None = None
    given: Tensor | None = None
    limits: Tensor | None = None
    covariates: Tensor | None = None
    known: Tensor | None = None

    def loops(self, loops: Tensor, channels: int = 1) -> Feedback:
        """For some of the B loops, of C rows each."""
        rows = rows_of(loops, channels)

        def pick(part: Tensor | None, positions: Tensor) -> Tensor | None:
            return None if part is None else part[positions]

        return Feedback(
            pick(self.innovations, rows),
            pick(self.given, rows),
            pick(self.limits, rows),
            pick(self.covariates, loops),
            pick(self.known, rows),
        )

    def steps(self, steps: slice) -> Feedback:
        """For some of the H steps."""
        parts = (self.innovations, self.given, self.limits, self.covariates, self.known)
        return Feedback(*(None if part is None else part[:, steps] for part in parts))

    def __call__(self, prediction: Tensor, step: int) -> Tensor:
        """What is fed back for the predictions (B·C, 1) of a step."""
        if self.innovations is not None:
            prediction = prediction + self.innovations[:, step, None]
        if self.limits is not None:
            limit = self.limits[:, step, None]
            prediction = prediction.clamp(-limit, limit)
        if self.given is not None:
            given = self.given[:, step, None]
            prediction = torch.where(given.isnan(), prediction, given)
        return prediction


class Rollout(NamedTuple):
    """What a loop generated, and where it stands then."""

    path: Tensor
    """Of shape (B·C, H), in the normaliser's units."""
    state: RolloutState


def encode(
    network: RecurrentNetwork,
    lags: Sequence[int],
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[RolloutState, Tensor]:
    """Read a context.

    Parameters
    ----------
    network : RecurrentNetwork
    lags : sequence of int
        In the order of the network's inputs.
    values, known : Tensor of shape (B·C, max(lags) - 1 + T)
        The T rows of the context and the rows before them that its lags need, in the
        normaliser's units; 1 where they are known.
    covariates : Tensor of shape (B, max(lags) - 1 + T, D), optional
        Of the same rows.

    Returns
    -------
    state : RolloutState
    predictions : Tensor of shape (B·C, T - 1)
        Of every row of the context but the first, each from the rows before it.
    """
    longest = max(lags)
    start = start_of(network, lags, values, known)
    rest = None if covariates is None else covariates[:, longest:]
    return read(network, lags, start, values[:, longest:], known[:, longest:], rest)


def start_of(
    network: RecurrentNetwork, lags: Sequence[int], values: Tensor, known: Tensor
) -> RolloutState:
    """Before anything of a context was read; the arguments are those of `encode`."""
    recurrent = network.initial_state(len(values) // network.channels)
    return RolloutState(recurrent, values[:, : max(lags)], known[:, : max(lags)])


def read(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[RolloutState, Tensor]:
    """Go on reading observed rows from where a loop stands.

    Parameters
    ----------
    network, lags
        As in `encode`.
    state : RolloutState
    values, known : Tensor of shape (B·C, T)
        The rows after those of the state.
    covariates : Tensor of shape (B, T, D), optional
        Of these rows.

    Returns
    -------
    state : RolloutState
    predictions : Tensor of shape (B·C, T)
        Of these rows, each from the rows before it.
    """
    steps = values.shape[1]
    if steps == 0:
        return state, values
    values = torch.cat([state.values, values], dim=1)
    known = torch.cat([state.known, known], dim=1)
    embedded = None if covariates is None else network.covariates(covariates)
    inputs = lag_inputs(values[:, :-1], known[:, :-1], lags, steps, network.channels, embedded)
    predictions, recurrent = network(inputs, state.recurrent)
    longest = max(lags)
    return RolloutState(recurrent, values[:, -longest:], known[:, -longest:]), predictions


def rollout(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
) -> Rollout:
    """Continue a state in closed loop.

    Parameters
    ----------
    network : RecurrentNetwork
    lags : sequence of int
        In the order of the network's inputs; inside the horizon they are taken from the
        rollout itself.
    state : RolloutState
        Where to start; it isn't changed.
    horizon : int
        H, any number of steps.
    feedback : Feedback, optional
        Innovations, given values, limits and covariates.

    Returns
    -------
    Rollout
        Its path is differentiable with respect to the state, the feedback and the weights.

    Examples
    --------
    Which of the last 14 days moves the forecast of next week's last day most?

    >>> import tsgen
    >>> from tsgen.rollout import encode, rollout
    >>> df = tsgen.load_dataset("bike_rentals")
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
    >>> context = model.context(df)  # in the normaliser's units
    >>> values = context.values.requires_grad_()
    >>> network, lags = model.module_.network, model.settings_.lags
    >>> state, _ = encode(network, lags, values, context.known)
    >>> rollout(network, lags, state, 7).path[:, -1].sum().backward()
    >>> influence = values.grad[:, -14:].abs()
    >>> influence.argmax(dim=1) - 14  # rows before the forecast, for each series
    tensor([-1, -1])
    """
    feedback = feedback or Feedback()
    recurrent, values, known = state.recurrent, state.values, state.known
    embedded = None if feedback.covariates is None else network.covariates(feedback.covariates)
    path = []
    for step in range(horizon):
        covariates = None if embedded is None else embedded[:, step, None]
        inputs = lag_inputs(values, known, lags, 1, network.channels, covariates)
        output, recurrent = network(inputs, recurrent)
        output = feedback(output, step)
        flag = torch.ones_like(output) if feedback.known is None else feedback.known[:, step, None]
        path.append(output)
        values = torch.cat([values[:, 1:], output], dim=1)
        known = torch.cat([known[:, 1:], flag], dim=1)
    return Rollout(torch.cat(path, dim=1), RolloutState(recurrent, values, known))
