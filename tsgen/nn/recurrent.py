"""LSTM and GRU layers, and the one-step model of numbers: lagged values in, a linear head out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from tsgen.errors import SettingError
from tsgen.nn.base import AutoregressiveNetwork
from tsgen.nn.dropout import Dropout
from tsgen.nn.embedding import CovariateEmbedding
from tsgen.nn.inputs import input_size, lag_inputs
from tsgen.nn.state import RecurrentState

__all__ = [
    "Architecture",
    "Cell",
    "Recurrence",
    "RecurrentNetwork",
    "Stepper",
    "in_one_piece",
    "kind_of",
    "stacked",
]

Cell: TypeAlias = Literal["lstm", "gru"]


class _Kind(NamedTuple):
    """What torch has of a cell."""

    layers: type[nn.LSTM] | type[nn.GRU]
    tensors: int
    """In the state of a layer, of which the first is the hidden units."""
    sequence: Callable[..., Any]
    """T steps of one layer."""
    step: Callable[..., Any]
    """One step of one layer."""

    def packed(self, state: Sequence[Tensor]) -> Any:
        """A state as torch takes it: a single tensor stands by itself."""
        return tuple(state) if self.tensors > 1 else state[0]


_KINDS: dict[Cell, _Kind] = {
    "lstm": _Kind(nn.LSTM, 2, torch.lstm, torch.lstm_cell),
    "gru": _Kind(nn.GRU, 1, torch.gru, torch.gru_cell),
}


def kind_of(cell: Cell) -> _Kind:
    """What torch has of a cell."""
    return _KINDS[cell]


@dataclass(frozen=True)
class Architecture:
    """What a `RecurrentNetwork` is built from.

    Attributes
    ----------
    lags : tuple of int
        Lags in rows; the first is 1.
    cell : {"lstm", "gru"}
    hidden_size : int
    num_layers : int
    dropout : float
    residual_lag : int, optional
        The lag to which the network's output is added; one of ``lags``.
    channels : int
        C, the series of a system, which are predicted together.
    covariates : int
        D, the columns of covariates.
    categories : mapping of int to int
        Of each column of covariates that holds the numbers of categories, how many there are.

    Examples
    --------
    >>> from tsgen.nn import Architecture
    >>> Architecture(lags=(1, 12), residual_lag=12, hidden_size=8).network().head
    Linear(in_features=8, out_features=1, bias=True)
    """

    lags: tuple[int, ...] = (1,)
    cell: Cell = "lstm"
    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    residual_lag: int | None = None
    channels: int = 1
    covariates: int = 0
    categories: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.residual_lag is not None and self.residual_lag not in self.lags:
            raise SettingError(f"residual_lag={self.residual_lag} isn't one of lags={self.lags}")

    @property
    def beside(self) -> int:
        """Numbers that the first layer reads at each step, beside what is seen of the rows."""
        return 0

    def network(self) -> RecurrentNetwork:
        """One with weights of its own."""
        return RecurrentNetwork(self)


class Recurrence(AutoregressiveNetwork):
    """LSTM or GRU layers between what is seen of the rows and what is predicted of it.

    A subclass says what is seen (`inputs`) and makes predictions of hidden units (`predictions`).

    Attributes
    ----------
    cell : {"lstm", "gru"}
    recurrent : nn.LSTM or nn.GRU
    dropout : Dropout
        Of hidden units, between layers and before the predictions.
    steps_dropout : Dropout
        Of hidden units on their way to the next step.
    """

    def _build(
        self,
        cell: Cell,
        sizes: tuple[int, int, int],
        dropout: float,
        steps_dropout: float = 0.0,
    ) -> None:
        """Make the layers: so many inputs, hidden units and layers."""
        self.cell, self._kind = cell, kind_of(cell)
        self.recurrent = self._kind.layers(*sizes, batch_first=True, dtype=torch.float32)
        self.dropout, self.steps_dropout = Dropout(dropout), Dropout(steps_dropout)

    @abstractmethod
    def predictions(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """What is predicted from where the recurrence stands, (B, T, hidden), as (B, T, C)."""

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew, as they were drawn when the network was made.

        Parameters
        ----------
        generator : torch.Generator, optional
            By default torch's own, that of all threads.
        """

    @contextmanager
    def drawing(self, generator: torch.Generator) -> Iterator[None]:
        """Let dropout draw from a generator for a while."""
        with self.dropout.drawing(generator), self.steps_dropout.drawing(generator):
            yield

    def initial_state(self, batch_size: int) -> RecurrentState:
        """Zeros of shape (layers, B, hidden), for each tensor of the cell's state."""
        shape = (self.recurrent.num_layers, batch_size, self.recurrent.hidden_size)
        parts = range(self._kind.tensors)
        return tuple(torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in parts)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self._first_weight.dtype

    @property
    def device(self) -> torch.device:
        """Of the weights."""
        return self._first_weight.device

    @property
    def _first_weight(self) -> Tensor:
        return next(self.recurrent.parameters())

    @property
    def drops_out(self) -> bool:
        """Whether training leaves units out, drawn at random."""
        return max(self.dropout.p, self.steps_dropout.p) > 0.0

    @contextmanager
    def without_dropout(self) -> Iterator[None]:
        """As in evaluation for a while, in training too."""
        if not self.drops_out:  # nothing to change, where several threads have this network
            yield
            return
        training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(training)

    def forward(
        self, inputs: Tensor, state: RecurrentState | None = None
    ) -> tuple[Tensor, RecurrentState]:
        """Run over T steps.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, inputs)
        state : tuple of Tensor of shape (layers, B, hidden), optional
            Where the recurrence stood; zeros if not given.

        Returns
        -------
        outputs : Tensor of shape (B, T, C)
            The predictions after each step, in the units of the inputs.
        state : tuple of Tensor
            Where the recurrence stands after the last step.
        """
        if state is None:
            state = self.initial_state(inputs.shape[0])
        if inputs.shape[1] == 1:
            hidden, state = self._step(inputs[:, 0], state)
        elif self.training and self._drops_within_layers:
            hidden, state = self._layer_by_layer(inputs, state)
        else:
            hidden, last = self.recurrent(inputs, self._kind.packed(state))
            state = last if isinstance(last, tuple) else (last,)
        return self.predictions(hidden, inputs), state

    @property
    def _drops_within_layers(self) -> bool:
        between_layers = self.dropout.p > 0.0 and self.recurrent.num_layers > 1
        return between_layers or self.steps_dropout.p > 0.0

    def _layer_by_layer(
        self, inputs: Tensor, state: RecurrentState
    ) -> tuple[Tensor, RecurrentState]:
        """T steps with units dropped out between the layers, and between the steps.

        ``nn.LSTM`` has that too, but draws from the generator of all threads, and others at each
        step.
        """
        hidden, layers = inputs, []
        for layer, whole in enumerate(self.recurrent.all_weights):
            if layer:
                hidden = self.dropout(hidden)
            weights = self._without_some_units(whole)
            last = [part[layer, None].contiguous() for part in state]
            hidden, *here = self._kind.sequence(
                hidden, self._kind.packed(last),
                in_one_piece(weights) if hidden.is_cuda else weights,
                has_biases=True, num_layers=1, dropout=0.0, train=True,
                bidirectional=False, batch_first=True,
            )  # fmt: skip
            layers.append(here)
        return hidden, tuple(torch.cat(parts) for parts in zip(*layers, strict=True))

    def _without_some_units(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """Those of a layer: units that are left out between steps are weights that are 0.

        They are the same ones in all windows.
        """
        return [weights[0], self.steps_dropout(weights[1][None])[0], *weights[2:]]

    def _step(self, inputs: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """One step (B, inputs) through cells: ``nn.LSTM`` is made for sequences, and slow for it.

        Returns
        -------
        hidden : Tensor of shape (B, 1, hidden)
        state : tuple of Tensor of shape (layers, B, hidden)
        """
        hidden, after = self.stepper(len(inputs))(inputs, list(zip(*state, strict=True)))
        return hidden[:, None], stacked(after)

    def stepper(self, batch_size: int) -> Stepper:
        """What takes B loops on by single steps, with the same units dropped out at all of them."""
        whole = self.recurrent.all_weights
        if not (self.training and self._drops_within_layers):
            return Stepper(self._kind, whole, [None] * (len(whole) - 1))
        weights = [self._without_some_units(of_layer) for of_layer in whole]
        like = self._first_weight.new_empty(batch_size, 1, self.recurrent.hidden_size)
        return Stepper(self._kind, weights, [self.dropout.mask(like) for _ in weights[1:]])


class Stepper(NamedTuple):
    """Single steps through cells, layer after layer."""

    kind: _Kind
    weights: Sequence[Sequence[Tensor]]
    """Of each layer."""
    masks: Sequence[Tensor | None]
    """What the hidden units (B, 1, hidden) of each layer but the last are multiplied by."""

    def __call__(
        self, inputs: Tensor, state: Sequence[RecurrentState]
    ) -> tuple[Tensor, list[RecurrentState]]:
        """One step.

        Parameters
        ----------
        inputs : Tensor of shape (B, inputs)
        state : sequence of tuple of Tensor of shape (B, hidden)
            Of each layer.

        Returns
        -------
        hidden : Tensor of shape (B, hidden)
            Of the last layer.
        state : list of tuple of Tensor of shape (B, hidden)
        """
        hidden, after = inputs, list[RecurrentState]()
        for weights, last, mask in zip(self.weights, state, (None, *self.masks), strict=True):
            if mask is not None:
                hidden = hidden * mask[:, 0]
            here = self.kind.step(hidden, self.kind.packed(last), *weights)
            after.append(here if isinstance(here, tuple) else (here,))
            hidden = after[-1][0]
        return hidden, after


def stacked(layers: Sequence[RecurrentState]) -> RecurrentState:
    """The state of layers (B, hidden) as one of shape (layers, B, hidden)."""
    return tuple(torch.stack(parts) for parts in zip(*layers, strict=True))


class RecurrentNetwork(Recurrence):
    """An LSTM or GRU with a linear head, whose outputs are added to some of the inputs.

    Parameters
    ----------
    architecture : Architecture, optional
        An LSTM of 64 units that sees the last value, by default.

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import Architecture, RecurrentNetwork
    >>> network = RecurrentNetwork(Architecture(hidden_size=8))
    >>> rows = torch.zeros(3, 10, 1)
    >>> outputs, state = network.read(network.start(rows, rows), rows[:, 1:], rows[:, 1:])
    >>> outputs.shape, state.recurrent[0].shape
    (torch.Size([3, 9, 1]), torch.Size([1, 3, 8]))
    """

    only_recurrent = True

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture = architecture or Architecture()
        self.lags, self.channels = architecture.lags, architecture.channels
        self.covariates = CovariateEmbedding(architecture.covariates, architecture.categories)
        inputs = input_size(self.lags, self.channels, self.covariates.width)
        sizes = inputs + architecture.beside, architecture.hidden_size, architecture.num_layers
        self._build(architecture.cell, sizes, architecture.dropout)
        self.head = nn.Linear(architecture.hidden_size, self.channels, dtype=torch.float32)
        self._start_from_the_base()

    @property
    def base_inputs(self) -> slice | None:
        """The C inputs to which the head's outputs are added: the values of the residual lag."""
        lag = self.architecture.residual_lag
        return None if lag is None else self.inputs_of_lag(lag)

    @property
    def covariate_readers(self) -> dict[str, int]:
        """Weights that read covariates, by name, and how many other inputs come after these."""
        return {"recurrent.weight_ih_l0": self.architecture.beside}

    def inputs_of_lag(self, lag: int) -> slice:
        """The inputs that are values of one lag."""
        first = self.lags.index(lag) * self.channels
        return slice(first, first + self.channels)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew, as `Recurrence.reset_parameters` says."""
        for vectors in self.covariates.vectors.values():
            nn.init.normal_(vectors, generator=generator)
        reach = self.recurrent.hidden_size**-0.5
        for weight in (*self.recurrent.parameters(), *self.head.parameters()):
            nn.init.uniform_(weight, -reach, reach, generator=generator)
        self._start_from_the_base(generator)

    def _start_from_the_base(self, generator: torch.Generator | None = None) -> None:
        """Training begins at the residual base, that is at the (seasonal) naive forecast."""
        nn.init.normal_(self.head.weight, std=0.01, generator=generator)
        nn.init.zeros_(self.head.bias)

    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        """Lagged values, their flags, and covariates, as `AutoregressiveNetwork.inputs` says."""
        embedded = None if covariates is None else self.covariates(covariates)
        return lag_inputs(values, known, self.lags, steps, embedded)

    def predictions(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """What is predicted from where the recurrence stands, (B, T, hidden), as (B, T, C)."""
        outputs: Tensor = self.head(self.dropout(hidden))
        base = self.base_inputs
        return outputs if base is None else outputs + inputs[..., base]


def in_one_piece(weights: Sequence[Tensor]) -> list[Tensor]:
    """The weights as views of one tensor: cuDNN copies any others at every call, with a warning."""
    whole = torch.cat([weight.flatten() for weight in weights])
    parts = whole.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
