"""An encoder reads a whole sequence; a decoder begins with what it came to, and attends to it.

`Encoder` and `EncoderDecoder` know no symbols: they turn vectors into states. `Seq2SeqNetwork` is
a network of symbols that begins with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tsgen.nn.attention import ATTENTIONS, Attention, AttentionKind, Memory
from tsgen.nn.dropout import Dropout
from tsgen.nn.recurrent import Cell, Recurrence, Stepper, in_one_piece, kind_of, stacked
from tsgen.nn.state import RecurrentState, RolloutState
from tsgen.nn.symbolic import SymbolArchitecture, SymbolNetwork

__all__ = [
    "ENCODER_ARGUMENTS",
    "DecoderState",
    "DecodingNetwork",
    "Encoder",
    "EncoderDecoder",
    "Seq2SeqArchitecture",
    "Seq2SeqNetwork",
]

ENCODER_ARGUMENTS = "encoder_layers", "bidirectional", "attention"
"""What an architecture, settings and an estimator say of an encoder and what attends to it."""


@dataclass(frozen=True, eq=False)
class DecoderState(RolloutState):
    """Where a decoder stands.

    Attributes
    ----------
    recurrent, values, known
        As of every loop.
    attended : Tensor of shape (B, hidden), optional
        What its last step came to with what it attended to, which the next step reads.
    memory : Memory, optional
        What it attends to.
    """

    attended: Tensor | None = None
    memory: Memory | None = field(default=None, metadata={"shared by beams": True})


class Encoded(NamedTuple):
    """What an encoder has made of B sequences of up to S steps."""

    outputs: Tensor
    """Of shape (B, S, M): its states, those of both directions side by side; 0 after an end."""
    last: tuple[Tensor, ...]
    """Of shape (B, M): where each direction of the last layer ended, for each tensor of a cell."""


class Encoder(nn.Module):
    """LSTM or GRU layers over whole sequences, in one direction or in both.

    Parameters
    ----------
    cell : {"lstm", "gru"}
    sizes : tuple of int
        Inputs, hidden units of each direction, and layers.
    bidirectional : bool
    dropout, steps_dropout : Dropout
        Of hidden units on their way up, and to the next step.
    """

    def __init__(
        self,
        cell: Cell,
        sizes: tuple[int, int, int],
        *,
        bidirectional: bool,
        dropout: Dropout,
        steps_dropout: Dropout,
    ) -> None:
        super().__init__()
        inputs, hidden, layers = sizes
        self.size = hidden * (1 + bidirectional)
        widths = [inputs, *[self.size] * (layers - 1)]
        kind = kind_of(cell).layers
        made = [
            kind(width, hidden, batch_first=True, bidirectional=bidirectional, dtype=torch.float32)
            for width in widths
        ]
        self.layers = nn.ModuleList(made)
        self.dropout, self.steps_dropout = dropout, steps_dropout

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Encoded:
        """Read sequences (B, S, inputs), of which each has its first steps, 1 or more, or all."""
        lengths = None if lengths is None else lengths.cpu()
        outputs, last = inputs, tuple[Tensor, ...]()
        for layer in self.layers:
            read: Tensor | PackedSequence = outputs
            if lengths is not None:
                read = pack_padded_sequence(
                    outputs, lengths, batch_first=True, enforce_sorted=False
                )
            read, ends = self._through(layer, read)
            if isinstance(read, PackedSequence):
                read, _ = pad_packed_sequence(read, batch_first=True)
            outputs, last = self.dropout(read), ends if isinstance(ends, tuple) else (ends,)
        return Encoded(outputs, tuple(part.transpose(0, 1).flatten(1) for part in last))

    def _through(
        self, layer: nn.Module, read: Tensor | PackedSequence
    ) -> tuple[Tensor | PackedSequence, Tensor | tuple[Tensor, ...]]:
        """One layer, with units left out between its steps in training."""
        if not self.training or self.steps_dropout.p == 0.0:
            return layer(read)  # type: ignore[no-any-return]
        weights = {
            name: self.steps_dropout(weight[None])[0] if name.startswith("weight_hh") else weight
            for name, weight in layer.named_parameters()
        }
        if read.data.is_cuda:
            weights = dict(zip(weights, in_one_piece(list(weights.values())), strict=True))
        return functional_call(layer, weights, (read,))  # type: ignore[no-any-return]


class Decoded(NamedTuple):
    """What T steps of B decoders came to."""

    hidden: Tensor
    """Of shape (B, T, hidden), for predictions."""
    state: DecoderState
    weights: Tensor | None
    """Of shape (B, T, S): of the states that were attended to, if any are."""


class EncoderDecoder(nn.Module):
    """An encoder, how a decoder begins with it, and what it attends to at each step.

    The cells of the decoder belong to the network that has this as a part. With
    ``attention="additive"`` a step reads the context vector that is found by where the decoder
    stands [1]_; with the others it reads what the step before came to with its own [2]_ (input
    feeding). Without attention it begins with the encoder's last state, and that is all it knows.

    Parameters
    ----------
    encoder : Encoder
    hidden_size, layers : int
        Of the decoder.
    attention : {"additive", "multiplicative", "dot"}, optional

    References
    ----------
    .. [1] Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
       Translate. ICLR 2015.
    .. [2] Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine
       Translation. EMNLP 2015.
    """

    def __init__(
        self, encoder: Encoder, hidden_size: int, layers: int, attention: AttentionKind | None
    ) -> None:
        super().__init__()
        self.encoder, self._layers = encoder, layers
        tensors = 2 if isinstance(encoder.layers[0], nn.LSTM) else 1
        begin = [
            nn.Linear(encoder.size, layers * hidden_size, dtype=torch.float32)
            for _ in range(tensors)
        ]
        self.bridge = nn.ModuleList(begin)
        self.attention: Attention | None = None
        self.combine: nn.Linear | None = None
        if attention is not None:
            self.attention = ATTENTIONS[attention](hidden_size, encoder.size)
            both = hidden_size + encoder.size
            self.combine = nn.Linear(both, hidden_size, bias=False, dtype=torch.float32)

    @staticmethod
    def extra_inputs(hidden_size: int, memory_size: int, attention: AttentionKind | None) -> int:
        """How many numbers a step of the decoder reads beside its own inputs."""
        if attention is None:
            return 0
        return memory_size if ATTENTIONS[attention].looks_first else hidden_size

    def reset_parameters(self, reach: float, generator: torch.Generator | None) -> None:
        """Draw all weights anew, between -reach and reach."""
        for weight in self.parameters():
            nn.init.uniform_(weight, -reach, reach, generator=generator)

    def begin(self, inputs: Tensor, lengths: Tensor) -> tuple[RecurrentState, Memory | None]:
        """Where a decoder begins, and what it attends to, for sources (B, S, inputs)."""
        outputs, last = self.encoder(inputs, lengths)
        memory = None if self.attention is None else self.attention.memory(outputs, lengths)
        return self._bridged(last), memory

    def begin_masked(self, inputs: Tensor, there: Tensor) -> tuple[RecurrentState, Memory | None]:
        """The same for sequences that are read whole, of which some steps, (B, S), are there."""
        outputs, last = self.encoder(inputs)
        memory = None if self.attention is None else self.attention.memory_of(outputs, there)
        return self._bridged(last), memory

    def _bridged(self, last: tuple[Tensor, ...]) -> RecurrentState:
        """Where the layers of a decoder begin, by where an encoder ended."""
        return tuple(
            bridge(part).tanh().unflatten(1, (self._layers, -1)).transpose(0, 1).contiguous()
            for bridge, part in zip(self.bridge, last, strict=True)
        )

    def first_attended(self, recurrent: RecurrentState) -> Tensor | None:
        """What the first step of a decoder reads of the step before it, (B, hidden): nothing."""
        if self.attention is None or self.attention.looks_first:
            return None
        return torch.zeros_like(recurrent[0][-1])

    def decode(self, step: Stepper, inputs: Tensor, state: DecoderState) -> Decoded:
        """T steps of the decoder over its own inputs (B, T, inputs)."""
        layers, attended = list(zip(*state.recurrent, strict=True)), state.attended
        hiddens, weights = [], []
        for read in inputs.unbind(dim=1):
            if self.attention is None:
                hidden, layers = step(read, layers)
            else:
                assert state.memory is not None
                hidden, layers, found = self._attending(step, read, layers, attended, state.memory)
                attended = None if self.attention.looks_first else hidden
                weights.append(found)
            hiddens.append(hidden)
        after = replace(state, recurrent=stacked(layers), attended=attended)
        looked = torch.stack(weights, dim=1) if weights else None
        return Decoded(torch.stack(hiddens, dim=1), after, looked)

    def _attending(
        self,
        step: Stepper,
        read: Tensor,
        layers: list[RecurrentState],
        attended: Tensor | None,
        memory: Memory,
    ) -> tuple[Tensor, list[RecurrentState], Tensor]:
        """One step: what it and its context vector come to, the state, and weights (B, S)."""
        assert self.attention is not None
        assert self.combine is not None
        if self.attention.looks_first:
            found = self.attention(layers[-1][0][:, None], memory)
            hidden, layers = step(torch.cat([read, found.context.squeeze(1)], dim=1), layers)
        else:
            assert attended is not None
            hidden, layers = step(torch.cat([read, attended], dim=1), layers)
            found = self.attention(hidden[:, None], memory)
        both = torch.cat([found.context.squeeze(1), hidden], dim=1)
        return self.combine(both).tanh(), layers, found.weights.squeeze(1)


@dataclass(frozen=True)
class Seq2SeqArchitecture(SymbolArchitecture):
    """What a `Seq2SeqNetwork` is built from.

    Attributes
    ----------
    symbols, cell, hidden_size, embedding_size, num_layers, dropout, steps_dropout, frozen
        Of the decoder, and of the symbols of targets, as in `SymbolArchitecture`; the encoder has
        as many units in each direction.
    source_symbols : int
        The codes of sources.
    source_embedding_size : int
    source_frozen : bool
        Of their vectors.
    encoder_layers : int
    bidirectional : bool
        Whether the encoder reads sources from their end as well.
    attention : {"additive", "multiplicative", "dot"}, optional

    Examples
    --------
    >>> from tsgen.nn import Seq2SeqArchitecture
    >>> Seq2SeqArchitecture(symbols=27, source_symbols=12).network().source_vectors.shape
    torch.Size([12, 16])
    """

    source_symbols: int = field(kw_only=True)
    source_embedding_size: int = field(default=16, kw_only=True)
    source_frozen: bool = field(default=False, kw_only=True)
    encoder_layers: int = field(default=1, kw_only=True)
    bidirectional: bool = field(default=True, kw_only=True)
    attention: AttentionKind | None = field(default="additive", kw_only=True)

    @property
    def inputs(self) -> int:
        """Numbers that the decoder's first layer reads at each step."""
        memory_size = self.hidden_size * (1 + self.bidirectional)
        beside = EncoderDecoder.extra_inputs(self.hidden_size, memory_size, self.attention)
        return self.embedding_size + beside

    def network(self) -> Seq2SeqNetwork:
        """One with weights of its own."""
        return Seq2SeqNetwork(self)


class DecodingNetwork(Recurrence):
    """A recurrence that begins with an encoded sequence, and attends to it.

    Attributes
    ----------
    encoder_decoder : EncoderDecoder
    """

    encoder_decoder: EncoderDecoder

    def _add_encoder(
        self, inputs: int, layers: int, *, bidirectional: bool, attention: AttentionKind | None
    ) -> None:
        """Make an encoder of so many inputs and layers, as large as the decoder that is made."""
        hidden = self.recurrent.hidden_size
        encoder = Encoder(
            self.cell,
            (inputs, hidden, layers),
            bidirectional=bidirectional,
            dropout=self.dropout,
            steps_dropout=self.steps_dropout,
        )
        self.encoder_decoder = EncoderDecoder(encoder, hidden, self.recurrent.num_layers, attention)

    def _reset_encoder(self, generator: torch.Generator | None) -> None:
        self.encoder_decoder.reset_parameters(self.recurrent.hidden_size**-0.5, generator)

    def decoded(
        self, state: RolloutState, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> Decoded:
        """What reading T rows comes to, as `read` says, before there are predictions."""
        before = torch.cat([state.values, values], dim=1)[:, :-1]
        flags = torch.cat([state.known, known], dim=1)[:, :-1]
        return self._decoded(self.inputs(before, flags, values.shape[1], covariates), state)

    def _decoded(self, inputs: Tensor, state: RolloutState) -> Decoded:
        assert isinstance(state, DecoderState)
        return self.encoder_decoder.decode(self.stepper(len(inputs)), inputs, state)

    def _advanced(self, inputs: Tensor, state: RolloutState) -> tuple[Tensor, RolloutState]:
        hidden, after, _ = self._decoded(inputs, state)
        return self.predictions(hidden, inputs), after


class Seq2SeqNetwork(DecodingNetwork, SymbolNetwork):
    """A `SymbolNetwork` of targets that begins with an encoded source, and attends to it.

    Parameters
    ----------
    architecture : Seq2SeqArchitecture

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import Seq2SeqArchitecture
    >>> network = Seq2SeqArchitecture(symbols=5, source_symbols=7).network()
    >>> state = network.encode(torch.tensor([[1, 2, 6], [4, 6, 0]]), torch.tensor([3, 2]))
    >>> scores, state = network.step(state)
    >>> scores.shape
    torch.Size([2, 1, 5])
    """

    architecture: Seq2SeqArchitecture
    source_vectors: Tensor

    def _make(self, architecture: SymbolArchitecture) -> None:
        super()._make(architecture)
        made_of = self.architecture
        count, width = made_of.source_symbols, made_of.source_embedding_size
        self._add_vectors("source_vectors", count, width, frozen=made_of.source_frozen)
        self._add_encoder(
            width,
            made_of.encoder_layers,
            bidirectional=made_of.bidirectional,
            attention=made_of.attention,
        )

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew, as `Recurrence.reset_parameters` says."""
        super().reset_parameters(generator)
        nn.init.normal_(self.source_vectors, generator=generator)
        self._reset_encoder(generator)

    def encode(self, sources: Tensor, lengths: Tensor) -> DecoderState:
        """Read sources; before the first symbol of their targets.

        Parameters
        ----------
        sources : Tensor of shape (B, S)
            Codes, of which the first ones of each source are read.
        lengths : Tensor of shape (B,)
            How many: 1 to S.
        """
        vectors = functional.embedding(sources, self.source_vectors)
        recurrent, memory = self.encoder_decoder.begin(vectors, lengths)
        nothing = vectors.new_zeros(len(sources), 1, 1)
        attended = self.encoder_decoder.first_attended(recurrent)
        return DecoderState(recurrent, nothing, nothing, attended, memory)

    def read_ragged(
        self, state: RolloutState, values: Tensor, lengths: Tensor
    ) -> tuple[Tensor, RolloutState]:
        """As `SymbolNetwork.read_ragged`; of shorter sequences neither are of account after it."""
        hidden, after, _ = self.decoded(state, values, torch.ones_like(values))
        return hidden, after.fed(values[:, -1:])
