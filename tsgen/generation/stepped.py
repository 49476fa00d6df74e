"""The closed loop step by step on fused cells: one product a layer, all else in place.

For what doesn't fold: a GRU, several layers, a residual base on lag 1, given and clipped values.
``nn.LSTM`` and ``nn.GRU`` are made for sequences; called for single steps, most of their time goes
into preparation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tsgen.generation.rollout import Feedback, Rollout, RolloutState
from tsgen.nn import RecurrentNetwork, lag_inputs

__all__ = ["last_on_the_way", "read_through", "stepped_rollout"]


def stepped_rollout(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
) -> Rollout:
    """`tsgen.rollout.rollout` for any network; not differentiable. The arguments are the same."""
    feedback = feedback or Feedback()
    longest, batch, channels = max(lags), len(state), network.channels
    cells = [_cell(network, layer, state) for layer in range(network.recurrent.num_layers)]
    head, bias = network.head.weight.t(), network.head.bias
    # Values and flags in one tensor of rows, so that one gather makes the inputs of a step.
    rows = state.values.new_ones(batch, 2, longest + horizon, channels)
    values, flags = rows[:, 0], rows[:, 1]
    values[:, :longest] = _by_system(state.values, channels)
    flags[:, :longest] = _by_system(state.known, channels)
    if feedback.known is not None:
        flags[:, longest:] = _by_system(feedback.known, channels)
    first = longest - torch.tensor(list(lags), device=rows.device)
    columns = first + torch.arange(horizon, device=rows.device)[:, None]
    lagged = rows.new_empty(batch, 2, len(lags), channels)
    inputs = lagged.view(batch, -1)
    count = inputs.shape[1]
    covariates = None if feedback.covariates is None else network.covariates(feedback.covariates)
    if covariates is not None:
        inputs = rows.new_empty(batch, count + covariates.shape[2])
    base = network.residual_channel
    output = rows.new_empty(batch, channels)
    for step in range(horizon):
        torch.index_select(rows, 2, columns[step], out=lagged)
        if covariates is not None:
            inputs[:, :count] = lagged.view(batch, -1)
            inputs[:, count:] = covariates[:, step]
        hidden = inputs
        for cell in cells:
            hidden = cell(hidden)
        torch.addmm(bias, hidden, head, out=output)
        if base is not None:
            output += inputs[:, base : base + channels]
        values[:, longest + step] = feedback(output.view(-1, 1), step).view(batch, channels)
    layers = zip(*(cell.state for cell in cells), strict=True)
    recurrent = tuple(torch.stack(tensors) for tensors in layers)
    last = RolloutState(recurrent, _by_row(values[:, horizon:]), _by_row(flags[:, horizon:]))
    return Rollout(_by_row(values[:, longest:]), last)


def read_through(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    every: int,
    covariates: Tensor | None = None,
) -> tuple[RolloutState, Tensor]:
    """`tsgen.rollout.read`, and where the loops stood on the way; not differentiable.

    Parameters
    ----------
    network, lags, state, values, known, covariates
        As in `tsgen.rollout.read`.
    every : int
        The T rows are K times as many.

    Returns
    -------
    state : RolloutState
        Of K·B loops: all after the first ``every`` rows, all after twice as many, and so on.
    predictions : Tensor of shape (B·C, T)
    """
    steps, longest = values.shape[1], max(lags)
    values = torch.cat([state.values, values], dim=1)
    known = torch.cat([state.known, known], dim=1)
    embedded = None if covariates is None else network.covariates(covariates)
    inputs = lag_inputs(values[:, :-1], known[:, :-1], lags, steps, network.channels, embedded)
    cells = [_cell(network, layer, state) for layer in range(network.recurrent.num_layers)]
    outputs = values.new_empty(len(state), steps, network.recurrent.hidden_size)
    recurrent = []
    for step, hidden in enumerate(inputs.unbind(dim=1), start=1):
        for cell in cells:
            hidden = cell(hidden)
        outputs[:, step - 1] = hidden
        if step % every == 0:
            layers = zip(*(cell.state for cell in cells), strict=True)
            recurrent.append([torch.stack(tensors) for tensors in layers])
    on_the_way = RolloutState(
        tuple(torch.cat(tensors, dim=1) for tensors in zip(*recurrent, strict=True)),
        last_on_the_way(values, longest, every),
        last_on_the_way(known, longest, every),
    )
    return on_the_way, network.predictions(outputs, inputs)


def last_on_the_way(rows: Tensor, count: int, every: int) -> Tensor:
    """The last ``count`` columns of rows (B, count + T) after every so many of the T, (K·B, count).

    They come as in `read_through`.
    """
    return rows.unfold(1, count, 1)[:, every::every].transpose(0, 1).flatten(0, 1)


def _by_system(rows: Tensor, channels: int) -> Tensor:
    """Rows (B·C, T) as (B, T, C)."""
    return rows.view(-1, channels, rows.shape[1]).transpose(1, 2)


def _by_row(systems: Tensor) -> Tensor:
    """The same back, (B, T, C) as (B·C, T); a copy."""
    return systems.transpose(1, 2).flatten(0, 1).clone()


def _cell(network: RecurrentNetwork, layer: int, state: RolloutState) -> _Cell:
    recurrent = network.recurrent
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_ih, w_hh, b_ih, b_hh = (getattr(recurrent, f"{name}_l{layer}") for name in names)
    last = [tensor[layer] for tensor in state.recurrent]
    if isinstance(recurrent, nn.LSTM):
        return _LSTMCell(w_ih, w_hh, b_ih, b_hh, last)
    return _GRUCell(w_ih, w_hh, b_ih, b_hh, last)


class _Cell(ABC):
    """One layer: its weights in the order that suits one product, and buffers for a batch."""

    state: list[Tensor]

    @abstractmethod
    def __call__(self, inputs: Tensor) -> Tensor:
        """One step; the hidden state, which is overwritten by the next one."""


class _LSTMCell(_Cell):
    def __init__(
        self, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, state: list[Tensor]
    ) -> None:
        units = w_hh.shape[1]
        # Torch's order is input, forget, cell, output: with the cell's last, three gates that
        # share the logistic function lie side by side.
        order = torch.cat([torch.arange(2 * units), torch.arange(3 * units, 4 * units),
                           torch.arange(2 * units, 3 * units)]).to(w_hh.device)  # fmt: skip
        self._weights = torch.cat([w_ih, w_hh], dim=1)[order].t().contiguous()
        self._bias = (b_ih + b_hh)[order]
        batch = len(state[0])
        self._read = w_hh.new_empty(batch, w_ih.shape[1] + units)
        self._read[:, w_ih.shape[1] :] = state[0]
        hidden = self._read[:, w_ih.shape[1] :]
        self._inputs = self._read[:, : w_ih.shape[1]]
        self._gates = w_hh.new_empty(batch, 4 * units)
        self._logistic, self._candidate = self._gates.split([3 * units, units], dim=1)
        self._in, self._forget, self._out = self._logistic.chunk(3, dim=1)
        self._squashed = w_hh.new_empty(batch, units)
        self.state = [hidden, state[1].clone()]

    def __call__(self, inputs: Tensor) -> Tensor:
        hidden, cell = self.state
        self._inputs.copy_(inputs)
        torch.addmm(self._bias, self._read, self._weights, out=self._gates)
        self._logistic.sigmoid_()
        self._candidate.tanh_()
        cell.mul_(self._forget).addcmul_(self._in, self._candidate)
        torch.tanh(cell, out=self._squashed)
        torch.mul(self._out, self._squashed, out=hidden)
        return hidden


class _GRUCell(_Cell):
    def __init__(
        self, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, state: list[Tensor]
    ) -> None:
        units = w_hh.shape[1]
        self._w_ih, self._w_hh = w_ih.t().contiguous(), w_hh.t().contiguous()
        self._b_ih, self._b_hh = b_ih, b_hh
        batch = len(state[0])
        self._from_inputs = w_hh.new_empty(batch, 3 * units)
        self._from_hidden = w_hh.new_empty(batch, 3 * units)
        # Torch's order: reset, update, new.
        self._gates = self._from_inputs[:, : 2 * units]
        self._reset, self._update, self._new = self._from_inputs.chunk(3, dim=1)
        self.state = [state[0].clone()]

    def __call__(self, inputs: Tensor) -> Tensor:
        (hidden,) = self.state
        torch.addmm(self._b_ih, inputs, self._w_ih, out=self._from_inputs)
        torch.addmm(self._b_hh, hidden, self._w_hh, out=self._from_hidden)
        units = hidden.shape[1]
        self._gates.add_(self._from_hidden[:, : 2 * units]).sigmoid_()
        self._new.addcmul_(self._reset, self._from_hidden[:, 2 * units :]).tanh_()
        torch.lerp(self._new, hidden, self._update, out=hidden)
        return hidden
