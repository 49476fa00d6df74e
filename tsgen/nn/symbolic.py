"""The recurrent one-step model of symbols: vectors of symbols in, scores of the next symbol out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsgen.nn.recurrent import Cell, Recurrence
from tsgen.nn.state import RolloutState

__all__ = ["SymbolArchitecture", "SymbolNetwork"]


@dataclass(frozen=True)
class SymbolArchitecture:
    """What a `SymbolNetwork` is built from.

    Attributes
    ----------
    symbols : int
        V, the codes that there are.
    cell : {"lstm", "gru"}
    hidden_size, embedding_size, num_layers : int
        With as many units as numbers in a vector, the same vectors read symbols and score them
        [1]_.
    dropout : float
        Of hidden units, between layers and before the scores.
    steps_dropout : float
        Of hidden units on their way to the next step.
    frozen : bool
        Whether the vectors stay what they are in training.

    References
    ----------
    .. [1] Press, Wolf: Using the Output Embedding to Improve Language Models. EACL 2017.

    Examples
    --------
    >>> from tsgen.nn import SymbolArchitecture
    >>> SymbolArchitecture(symbols=27, hidden_size=32).network().vectors.shape
    torch.Size([27, 16])
    """

    symbols: int
    cell: Cell = "lstm"
    hidden_size: int = 64
    embedding_size: int = 16
    num_layers: int = 1
    dropout: float = 0.0
    steps_dropout: float = 0.0
    frozen: bool = False

    @property
    def tied(self) -> bool:
        """Whether the vectors that are read also score."""
        return self.embedding_size == self.hidden_size and not self.frozen

    @property
    def inputs(self) -> int:
        """Numbers that the first layer reads at each step."""
        return self.embedding_size

    def network(self) -> SymbolNetwork:
        """One with weights of its own."""
        return SymbolNetwork(self)


class SymbolNetwork(Recurrence):
    """An LSTM or GRU over vectors of symbols; rows are codes, and predictions are V scores.

    Softmax makes probabilities of scores. What isn't known, as before the first symbol of a
    sequence, is read as a vector of zeros.

    Parameters
    ----------
    architecture : SymbolArchitecture

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import SymbolArchitecture
    >>> network = SymbolArchitecture(symbols=5).network()
    >>> codes = torch.tensor([[[0.0], [3.0], [1.0]]])
    >>> scores, state = network.read(network.begin(1), codes, torch.ones(1, 3, 1))
    >>> scores.shape, network.step(state)[0].shape
    (torch.Size([1, 3, 5]), torch.Size([1, 1, 5]))
    """

    lags = (1,)
    channels = 1
    vectors: Tensor

    def __init__(self, architecture: SymbolArchitecture) -> None:
        super().__init__()
        self._make(architecture)
        self.reset_parameters()

    def _make(self, architecture: SymbolArchitecture) -> None:
        """All parts, whose weights aren't drawn yet."""
        self.architecture = architecture
        count, width = architecture.symbols, architecture.embedding_size
        self._add_vectors("vectors", count, width, frozen=architecture.frozen)
        sizes = architecture.inputs, architecture.hidden_size, architecture.num_layers
        self._build(architecture.cell, sizes, architecture.dropout, architecture.steps_dropout)
        if not architecture.tied:
            self.readout = nn.Parameter(torch.empty(count, architecture.hidden_size))
        self.bias = nn.Parameter(torch.empty(count, dtype=torch.float32))

    def _add_vectors(self, name: str, symbols: int, width: int, *, frozen: bool) -> None:
        """A vector for each symbol, which training moves unless it is frozen."""
        vectors = torch.empty(symbols, width, dtype=torch.float32)
        if frozen:
            self.register_buffer(name, vectors)
        else:
            self.register_parameter(name, nn.Parameter(vectors))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew, as `Recurrence.reset_parameters` says."""
        reach = self.recurrent.hidden_size**-0.5
        for weight in self.recurrent.parameters():
            nn.init.uniform_(weight, -reach, reach, generator=generator)
        # What is read is of size 1; what scores is small, so that all symbols are as likely.
        tied = self.architecture.tied
        nn.init.normal_(self.vectors, std=reach if tied else 1.0, generator=generator)
        if not tied:
            nn.init.normal_(self.readout, std=0.01, generator=generator)
        nn.init.zeros_(self.bias)

    @property
    def head(self) -> tuple[Tensor, Tensor]:
        """What scores hidden units: weights (V, hidden) and biases (V,)."""
        return (self.vectors if self.architecture.tied else self.readout), self.bias

    def begin(self, batch_size: int) -> RolloutState:
        """Before the first symbol of B sequences."""
        nothing = torch.zeros(batch_size, 1, 1, dtype=self.dtype, device=self.device)
        return self.start(nothing, nothing)

    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        """The vectors of the last T codes, as `AutoregressiveNetwork.inputs` says."""
        vectors = functional.embedding(values[:, -steps:, 0].long(), self.vectors)
        return vectors * known[:, -steps:]

    def read_ragged(
        self, state: RolloutState, values: Tensor, lengths: Tensor
    ) -> tuple[Tensor, RolloutState]:
        """Read sequences of several lengths as one batch.

        Parameters
        ----------
        state : RolloutState
        values : Tensor of shape (B, T, 1)
            Codes, of which the first ones of each sequence are read.
        lengths : Tensor of shape (B,)
            How many: 1 to T, and T at least once.

        Returns
        -------
        hidden : Tensor of shape (B, T, hidden)
            For `predictions`; 0 after the end of a sequence.
        state : RolloutState
            After the last symbol of each.
        """
        steps = values.shape[1]
        before = torch.cat([state.values, values], dim=1)[:, :-1]
        known = torch.cat([state.known, torch.ones_like(values)], dim=1)[:, :-1]
        packed = nn.utils.rnn.pack_padded_sequence(
            self.inputs(before, known, steps),
            lengths.cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        output, last = self.recurrent(packed, self._kind.packed(state.recurrent))
        hidden, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
        recurrent = last if isinstance(last, tuple) else (last,)
        ends = values.gather(1, lengths[:, None, None] - 1)
        return hidden, RolloutState(recurrent, ends, torch.ones_like(ends))

    def predictions(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """The scores of all symbols, (B, T, V), of hidden units (B, T, hidden)."""
        weights, biases = self.head
        return functional.linear(self.dropout(hidden), weights, biases)
