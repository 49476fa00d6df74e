"""The closed loop: the context is read once, then each prediction is the next input.

`rollout` is the definition, step by step and differentiable. `tsgen.folded` and `tsgen.stepped`
compute the same faster, and `tsgen.engine` chooses among the three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen.features import lag_inputs
from tsgen.network import RecurrentNetwork, RecurrentState

__all__ = ["Drive", "Rollout", "RolloutState", "encode", "read", "rollout"]


@dataclass(frozen=True, eq=False)
class RolloutState:
    """Where a loop stands: all it needs of the past.

    Attributes
    ----------
    recurrent : tuple of Tensor of shape (layers, B, hidden)
        After every row but the last, which the first step of the rollout reads.
    values, known : Tensor of shape (B, max(lags))
        The last rows in the normaliser's units, and 1 where they are known.
    """

    recurrent: RecurrentState
    values: Tensor
    known: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Tensor) -> RolloutState:
        """Some of the B loops, each as often as its position is named."""
        return RolloutState(
            tuple(tensor[:, rows] for tensor in self.recurrent), self.values[rows], self.known[rows]
        )

    def put(self, rows: Tensor, others: RolloutState) -> RolloutState:
        """These loops with some of them replaced."""
        return RolloutState(
            tuple(
                tensor.index_copy(1, rows, other)
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
class Drive:
    """What acts on a loop from outside, step by step; all in the normaliser's units.

    Attributes
    ----------
    innovations : Tensor of shape (B, H), optional
        Added to the predictions, before they are fed back.
    given : Tensor of shape (B, H), optional
        Values that stand in for the predictions; NaN where the loop is closed.
    limits : Tensor of shape (B, H), optional
        The largest size that a prediction may have; larger ones are clipped.
    """

    innovations: Tensor | None = None
    given: Tensor | None = None
    limits: Tensor | None = None

    def rows(self, rows: Tensor | slice) -> Drive:
        """For some of the B loops."""
        parts = (self.innovations, self.given, self.limits)
        return Drive(*(None if part is None else part[rows] for part in parts))

    def steps(self, steps: slice) -> Drive:
        """For some of the H steps."""
        parts = (self.innovations, self.given, self.limits)
        return Drive(*(None if part is None else part[:, steps] for part in parts))

    def __call__(self, prediction: Tensor, step: int) -> Tensor:
        """What is fed back for the predictions (B, 1) of a step."""
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
    """Of shape (B, H), in the normaliser's units."""
    state: RolloutState


def encode(
    network: RecurrentNetwork, lags: Sequence[int], values: Tensor, known: Tensor
) -> tuple[RolloutState, Tensor]:
    """Read a context.

    Parameters
    ----------
    network : RecurrentNetwork
    lags : sequence of int
        In the order of the network's input channels.
    values, known : Tensor of shape (B, max(lags) - 1 + T)
        The T rows of the context and the rows before them that its lags need, in the
        normaliser's units; 1 where they are known.

    Returns
    -------
    state : RolloutState
    predictions : Tensor of shape (B, T - 1)
        Of every row of the context but the first, each from the rows before it.
    """
    longest = max(lags)
    start = RolloutState(
        network.initial_state(len(values)), values[:, :longest], known[:, :longest]
    )
    return read(network, lags, start, values[:, longest:], known[:, longest:])


def read(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    values: Tensor,
    known: Tensor,
) -> tuple[RolloutState, Tensor]:
    """Go on reading observed rows from where a loop stands.

    Parameters
    ----------
    network, lags
        As in `encode`.
    state : RolloutState
    values, known : Tensor of shape (B, T)
        The rows after those of the state.

    Returns
    -------
    state : RolloutState
    predictions : Tensor of shape (B, T)
        Of these rows, each from the rows before it.
    """
    steps = values.shape[1]
    if steps == 0:
        return state, values
    values = torch.cat([state.values, values], dim=1)
    known = torch.cat([state.known, known], dim=1)
    inputs = lag_inputs(values[:, :-1], known[:, :-1], lags, steps)
    predictions, recurrent = network(inputs, state.recurrent)
    longest = max(lags)
    return RolloutState(recurrent, values[:, -longest:], known[:, -longest:]), predictions


def rollout(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    drive: Drive | None = None,
) -> Rollout:
    """Continue a state in closed loop.

    Parameters
    ----------
    network : RecurrentNetwork
    lags : sequence of int
        In the order of the network's input channels; inside the horizon they are taken from the
        rollout itself.
    state : RolloutState
        Where to start; it isn't changed.
    horizon : int
        H, any number of steps.
    drive : Drive, optional
        Innovations, given values and limits.

    Returns
    -------
    Rollout
        Its path is differentiable with respect to the state, the drive and the weights.

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
    drive = drive or Drive()
    recurrent, values, known = state.recurrent, state.values, state.known
    path = []
    for step in range(horizon):
        output, recurrent = network(lag_inputs(values, known, lags, steps=1), recurrent)
        output = drive(output, step)
        path.append(output)
        values = torch.cat([values[:, 1:], output], dim=1)
        known = torch.cat([known[:, 1:], torch.ones_like(output)], dim=1)
    return Rollout(torch.cat(path, dim=1), RolloutState(recurrent, values, known))
