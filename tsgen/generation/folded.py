"""The closed loop as an ordinary LSTM over known inputs: one fused call for many steps.

With one LSTM layer and a linear head, the prediction that is fed back at step t is
``W_o h_{t-1} + b_o + base_{t-1}``, with the residual base ``base``. Put into the gates, ::

    gates_t = W_hh h_{t-1} + W_ih[:, 0] (W_o h_{t-1} + b_o + base_{t-1}) + W_ih[:, 1:] (other lags)
            = (W_hh + W_ih[:, 0] W_o) h_{t-1} + W_ih (b_o + base_{t-1}, other lags)

with lag 1 as input 0: the same cell, with other recurrent weights, over inputs that are known.
Other lags, and a residual base on one of them, are known for as many steps as the smallest of them
is long: the horizon runs in blocks of that. Innovations and covariates are known too. Several
channels are as many outputs that are fed back. What isn't linear in between (a clipped or given
value) doesn't fold, nor does a base on lag 1, a GRU or a second layer.
"""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor

from tsgen.generation.rollout import Rollout
from tsgen.nn import (
    AutoregressiveNetwork,
    RecurrentNetwork,
    RolloutState,
    in_one_piece,
)

__all__ = ["folded_rollout", "folds"]

_LONGEST_BLOCK = 256
"""Steps of one call, whose gates are all held in memory at once."""


def folds(network: AutoregressiveNetwork) -> TypeGuard[RecurrentNetwork]:
    """Whether a network's closed loop can be written as an LSTM over known inputs."""
    if not (isinstance(network, RecurrentNetwork) and network.only_recurrent):
        return False
    made_of = network.architecture
    return made_of.cell == "lstm" and made_of.num_layers == 1 and made_of.residual_lag != 1


def folded_rollout(
    network: RecurrentNetwork,
    state: RolloutState,
    horizon: int,
    innovations: Tensor | None = None,
    covariates: Tensor | None = None,
) -> Rollout:
    """`tsgen.rollout.rollout` for a network that `folds`; as differentiable as that.

    Parameters
    ----------
    network, state, horizon
        As in `tsgen.rollout.rollout`.
    innovations : Tensor of shape (B, H, C), optional
        Added to the predictions, before they are fed back.
    covariates : Tensor of shape (B, H, D), optional
        What else is known of each step.
    """
    weights = _closed_loop(network)
    head, bias = network.head.weight.t(), network.head.bias
    base, longest = network.architecture.residual_lag, network.longest_lag
    block = min([*(lag for lag in network.lags if lag > 1), horizon, _LONGEST_BLOCK])
    # The predictions come back through the inputs of lag 1.
    feedback = network.inputs_of_lag(1)
    batch, _, channels = state.values.shape

    values = torch.cat([state.values, state.values.new_empty(batch, horizon, channels)], dim=1)
    known = torch.cat([state.known, torch.ones_like(values[:, longest:])], dim=1)
    hidden, cell = (tensor.contiguous() for tensor in state.recurrent)
    # The first step reads an observed value: what the folded weights would feed back is taken off.
    fed_back = values[:, longest - 1, None] - (hidden[0] @ head)[:, None]
    for first in range(0, horizon, block):
        steps = min(block, horizon - first)
        here = slice(longest + first, longest + first + steps)
        # Beside the head's output, all of a prediction is known before the block begins.
        added = bias.expand(batch, steps, channels)
        if base is not None:
            added = added + values[:, here.start - base : here.stop - base]
        if innovations is not None:
            added = added + innovations[:, first : first + steps]
        inputs = network.inputs(
            values[:, : here.stop - 1], known[:, : here.stop - 1], steps,
            None if covariates is None else covariates[:, first : first + steps],
        )  # fmt: skip
        # Lag 1 of a step is the prediction of the step before it, of which this is the known part;
        # the rest, W_o h, comes through the folded weights.
        inputs[:, :, feedback] = torch.cat([fed_back, added[:, :-1]], dim=1)
        outputs, hidden, cell = torch.lstm(
            inputs, (hidden, cell), weights,
            has_biases=True, num_layers=1, dropout=0.0, train=torch.is_grad_enabled(),
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        values[:, here] = outputs @ head + added
        fed_back = added[:, -1:]
    state = RolloutState((hidden, cell), values[:, -longest:].clone(), known[:, -longest:].clone())
    return Rollout(values[:, longest:], state)


def _closed_loop(network: RecurrentNetwork) -> list[Tensor]:
    """The weights of the network's LSTM, with the head and the feedback folded in."""
    w_ih, w_hh, b_ih, b_hh = network.recurrent.parameters()
    fed_back = w_ih[:, network.inputs_of_lag(1)]
    weights = [w_ih, w_hh + fed_back @ network.head.weight, b_ih, b_hh]
    return in_one_piece(weights) if w_ih.is_cuda else weights
