"""The closed loop step by step on fused cells: one product a layer, all else in place.

For what doesn't fold: a GRU, several layers, a residual base on lag 1, given and clipped values.
``nn.LSTM`` and ``nn.GRU`` are made for sequences; called for single steps, most of their time goes
into preparation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from tsgen.generation.rollout import Feedback, Rollout
from tsgen.generation.sampling import SymbolChoice
from tsgen.nn import Cell, DecoderState, Recurrence, RecurrentNetwork, RolloutState, SymbolNetwork

__all__ = [
    "DecoderSteps",
    "SymbolSteps",
    "last_on_the_way",
    "read_through",
    "stepped_rollout",
    "stepped_symbols",
    "steps_of_symbols",
]

_SMALL_TABLE = 256
"""Symbols whose way into the first layer is computed for all of them, however few are needed."""
_LARGEST_TABLE = 2**24
"""Numbers that such a table may have."""
_STEPS_BETWEEN_QUESTIONS = 8


def stepped_rollout(
    network: RecurrentNetwork,
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
) -> Rollout:
    """`tsgen.rollout.rollout` for a recurrent network; not differentiable."""
    feedback = Feedback() if feedback is None else feedback
    longest, (batch, _, channels) = network.longest_lag, state.values.shape
    cells = _cells(network, state)
    head, bias = network.head.weight.t(), network.head.bias
    # Values and flags in one tensor of rows, so that one gather makes the inputs of a step.
    rows = state.values.new_ones(batch, 2, longest + horizon, channels)
    values, flags = rows[:, 0], rows[:, 1]
    values[:, :longest], flags[:, :longest] = state.values, state.known
    if feedback.known is not None:
        flags[:, longest:] = feedback.known
    # Row of lag k for the prediction of each step, (steps, lags).
    first = longest - torch.tensor(list(network.lags), device=rows.device)
    columns = first + torch.arange(horizon, device=rows.device)[:, None]
    # Flattened: the values of all lags, then their flags, each of all channels, as `lag_inputs` has
    # them.
    lagged = rows.new_empty(batch, 2, len(network.lags), channels)
    inputs = lagged.view(batch, -1)
    count = inputs.shape[1]
    covariates = None if feedback.covariates is None else network.covariates(feedback.covariates)
    if covariates is not None:
        inputs = rows.new_empty(batch, count + covariates.shape[2])
    base = network.base_inputs
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
            output += inputs[:, base]
        values[:, longest + step, None] = feedback(output[:, None], step)
    recurrent = tuple(torch.stack(tensors) for tensors in _states(cells))
    last = RolloutState(recurrent, values[:, horizon:].clone(), flags[:, horizon:].clone())
    return Rollout(values[:, longest:].clone(), last)


def read_through(
    network: RecurrentNetwork,
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    every: int,
    covariates: Tensor | None = None,
) -> tuple[Tensor, RolloutState]:
    """``network.read``, and where the loops stood on the way; not differentiable.

    Parameters
    ----------
    network, state, values, known, covariates
        As in `tsgen.nn.AutoregressiveNetwork.read`.
    every : int
        The T rows are K times as many.

    Returns
    -------
    outputs : Tensor of shape (B, T, C)
    state : RolloutState
        Of K·B loops: all after the first ``every`` rows, all after twice as many, and so on.
    """
    steps, longest = values.shape[1], network.longest_lag
    values = torch.cat([state.values, values], dim=1)
    known = torch.cat([state.known, known], dim=1)
    inputs = network.inputs(values[:, :-1], known[:, :-1], steps, covariates)
    cells = _cells(network, state)
    hiddens = values.new_empty(len(state), steps, network.recurrent.hidden_size)
    recurrent = []
    for step, hidden in enumerate(inputs.unbind(dim=1), start=1):
        for cell in cells:
            hidden = cell(hidden)
        hiddens[:, step - 1] = hidden
        if step % every == 0:
            recurrent.append([torch.stack(tensors) for tensors in _states(cells)])
    on_the_way = RolloutState(
        tuple(torch.cat(tensors, dim=1) for tensors in zip(*recurrent, strict=True)),
        last_on_the_way(values, longest, every),
        last_on_the_way(known, longest, every),
    )
    return network.predictions(hiddens, inputs), on_the_way


def last_on_the_way(rows: Tensor, count: int, every: int) -> Tensor:
    """The last ``count`` of rows (B, count + T, C) after every so many of the T, (K·B, count, C).

    They come as in `read_through`.
    """
    # (B, 1 + T, C, count), of which every so many: (B, K, C, count).
    windows = rows.unfold(1, count, 1)[:, every::every]
    return windows.permute(1, 0, 3, 2).flatten(0, 1)


def stepped_symbols(
    network: SymbolNetwork,
    state: RolloutState,
    horizon: int,
    choice: SymbolChoice,
    ends: Tensor | None = None,
) -> Tensor:
    """The path of `tsgen.rollout.rollout` for a network of symbols, as codes (B, H).

    Parameters
    ----------
    network, state, horizon, choice
        As there.
    ends : Tensor of shape (V,), optional
        Which symbols end a sequence: once all have ended, the rest of the paths is 0.
    """
    batch, device = len(state), state.values.device
    bias = choice.without_never(network.head[1])
    following = steps_of_symbols(network, state, batch * horizon, bias)
    path: list[Tensor] = []
    ended = torch.zeros(batch, dtype=torch.bool, device=device)
    for step in range(horizon):
        path.append(choice.codes(following(path[-1] if path else None), step))
        if ends is not None:
            ended |= ends[path[-1]]
            if step % _STEPS_BETWEEN_QUESTIONS == 0 and bool(ended.all()):
                break
    return functional.pad(torch.stack(path, dim=1), (0, horizon - len(path)))


def steps_of_symbols(
    network: SymbolNetwork, state: RolloutState, symbols: int = 1, bias: Tensor | None = None
) -> SymbolSteps | DecoderSteps:
    """Which symbol follows, one after the other, the fastest way that applies.

    Parameters
    ----------
    network, state, symbols, bias
        As of `SymbolSteps`.
    """
    if isinstance(state, DecoderState):
        return DecoderSteps(network, state, bias)
    return SymbolSteps(network, state, symbols, bias)


class DecoderSteps:
    """A decoder by its own steps, each of which attends to a memory.

    Parameters
    ----------
    network : SymbolNetwork
    state : RolloutState
        That of a decoder.
    bias : Tensor of shape (V,), optional
        Of the scores, in place of that of the network.
    """

    def __init__(self, network: SymbolNetwork, state: RolloutState, bias: Tensor | None) -> None:
        self._network, self._state = network, state
        self._more = None if bias is None else bias - network.head[1]

    def __call__(self, codes: Tensor | None = None) -> Tensor:
        """The scores (B, V) of what follows codes (B,), or comes first."""
        state = self._state
        if codes is not None:
            state = state.fed(codes[:, None, None].to(state.values.dtype))
        scores, self._state = self._network.step(state)
        return scores[:, 0] if self._more is None else scores[:, 0] + self._more

    def take(self, parents: Tensor) -> None:
        """Let each beam go on from where another one of its group stands."""
        self._state = self._state.take_beams(parents)


class SymbolSteps:
    """A network of symbols on fused cells: which symbol follows, one after the other.

    Parameters
    ----------
    network : SymbolNetwork
    state : RolloutState
        Where B sequences stand; it isn't changed.
    symbols : int, default 1
        How many are going to be read, of all sequences: for many there is a table of all symbols.
    bias : Tensor of shape (V,), optional
        Of the scores, in place of that of the network.

    Examples
    --------
    >>> import torch
    >>> from tsgen.generation import SymbolSteps
    >>> from tsgen.nn import SymbolArchitecture
    >>> network = SymbolArchitecture(symbols=5).network().eval()
    >>> with torch.inference_mode():
    ...     following = SymbolSteps(network, network.begin(2))
    ...     following(following().argmax(dim=1)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        network: SymbolNetwork,
        state: RolloutState,
        symbols: int = 1,
        bias: Tensor | None = None,
    ) -> None:
        self._first, *self._others = _cells(network, state)
        self._last = network.inputs(state.values, state.known, 1)[:, 0]
        self._vectors, count = network.vectors, network.architecture.symbols
        many = count <= max(symbols, _SMALL_TABLE)
        small = 4 * network.architecture.hidden_size * count <= _LARGEST_TABLE
        self._table = self._first.table(self._vectors) if many and small else None
        weights, own = network.head
        self._readout, self._bias = weights.t(), own if bias is None else bias
        self._scores = weights.new_empty(len(state), count)

    def __call__(self, codes: Tensor | None = None) -> Tensor:
        """The scores (B, V) of what follows codes (B,), or comes first, until the next call."""
        if codes is None:
            hidden = self._first(self._last)
        elif self._table is None:
            hidden = self._first(self._vectors[codes])
        else:
            hidden = self._first.after(self._table, codes)
        for cell in self._others:
            hidden = cell(hidden)
        return torch.addmm(self._bias, hidden, self._readout, out=self._scores)

    def take(self, parents: Tensor) -> None:
        """Let each sequence go on from where another one stands."""
        for cell in (self._first, *self._others):
            cell.take(parents)


def _cells(network: Recurrence, state: RolloutState) -> list[_Cell]:
    return [_cell(network, layer, state) for layer in range(network.recurrent.num_layers)]


def _states(cells: list[_Cell]) -> Iterator[tuple[Tensor, ...]]:
    """Each tensor of the cells' states, layer by layer."""
    return zip(*(cell.state for cell in cells), strict=True)


def _cell(network: Recurrence, layer: int, state: RolloutState) -> _Cell:
    recurrent = network.recurrent
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_ih, w_hh, b_ih, b_hh = (getattr(recurrent, f"{name}_l{layer}") for name in names)
    last = [tensor[layer] for tensor in state.recurrent]
    return _CELLS[network.cell](w_ih, w_hh, b_ih, b_hh, last)


class _Cell(ABC):
    """One layer: its weights in the order that suits one product, and buffers for a batch."""

    state: list[Tensor]

    @abstractmethod
    def __init__(
        self, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, state: list[Tensor]
    ) -> None: ...

    @abstractmethod
    def __call__(self, inputs: Tensor) -> Tensor:
        """One step; the hidden state, which is overwritten by the next one."""

    @abstractmethod
    def table(self, inputs: Tensor) -> Tensor:
        """What inputs (n, inputs) come to before a step, for `after`."""

    @abstractmethod
    def after(self, table: Tensor, rows: Tensor) -> Tensor:
        """One step whose inputs (B,) are rows of a table: half of the work is done."""

    def take(self, parents: Tensor) -> None:
        """Go on from where others of the batch stand."""
        for tensor in self.state:
            tensor.copy_(tensor.index_select(0, parents))


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
        self._w_ih, self._w_hh = self._weights.split([w_ih.shape[1], units])
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
        self._inputs.copy_(inputs)
        torch.addmm(self._bias, self._read, self._weights, out=self._gates)
        return self._through_gates()

    def table(self, inputs: Tensor) -> Tensor:
        return torch.addmm(self._bias, inputs, self._w_ih)

    def after(self, table: Tensor, rows: Tensor) -> Tensor:
        torch.index_select(table, 0, rows, out=self._gates)
        self._gates.addmm_(self.state[0], self._w_hh)
        return self._through_gates()

    def _through_gates(self) -> Tensor:
        hidden, cell = self.state
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
        torch.addmm(self._b_ih, inputs, self._w_ih, out=self._from_inputs)
        return self._through_gates()

    def table(self, inputs: Tensor) -> Tensor:
        return torch.addmm(self._b_ih, inputs, self._w_ih)

    def after(self, table: Tensor, rows: Tensor) -> Tensor:
        torch.index_select(table, 0, rows, out=self._from_inputs)
        return self._through_gates()

    def _through_gates(self) -> Tensor:
        (hidden,) = self.state
        torch.addmm(self._b_hh, hidden, self._w_hh, out=self._from_hidden)
        units = hidden.shape[1]
        self._gates.add_(self._from_hidden[:, : 2 * units]).sigmoid_()
        self._new.addcmul_(self._reset, self._from_hidden[:, 2 * units :]).tanh_()
        # (1 - update) * new + update * hidden
        torch.lerp(self._new, hidden, self._update, out=hidden)
        return hidden


_CELLS: dict[Cell, type[_Cell]] = {"lstm": _LSTMCell, "gru": _GRUCell}
