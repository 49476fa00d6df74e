"""The closed loop: the context is read once, then each prediction is the next input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tsgen.features import lag_inputs
from tsgen.network import RecurrentNetwork, RecurrentState

__all__ = ["RolloutState", "encode", "rollout"]


@dataclass(frozen=True)
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


def encode(
    network: RecurrentNetwork, lags: Sequence[int], values: Tensor, known: Tensor
) -> RolloutState:
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
    RolloutState
    """
    longest = max(lags)
    steps = values.shape[1] - longest
    recurrent = network.initial_state(len(values))
    if steps > 0:
        inputs = lag_inputs(values[:, :-1], known[:, :-1], lags, steps)
        _, recurrent = network(inputs, recurrent)
    return RolloutState(recurrent, values[:, -longest:], known[:, -longest:])


def rollout(
    network: RecurrentNetwork, lags: Sequence[int], state: RolloutState, horizon: int
) -> Tensor:
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

    Returns
    -------
    Tensor of shape (B, H)
        In the normaliser's units; differentiable with respect to the state.
    """
    recurrent, values, known = state.recurrent, state.values, state.known
    path = []
    for _ in range(horizon):
        output, recurrent = network(lag_inputs(values, known, lags, steps=1), recurrent)
        path.append(output)
        values = torch.cat([values[:, 1:], output], dim=1)
        known = torch.cat([known[:, 1:], torch.ones_like(output)], dim=1)
    return torch.cat(path, dim=1)
