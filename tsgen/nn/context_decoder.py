"""The encoder–decoder of numbers: an encoder reads the context, a decoder predicts what follows."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from tsgen.nn.attention import AdditiveAttention, AttentionKind
from tsgen.nn.encoder_decoder import DecoderState, DecodingNetwork, EncoderDecoder
from tsgen.nn.inputs import filled_from_lag, input_size, lag_inputs
from tsgen.nn.recurrent import Architecture, RecurrentNetwork
from tsgen.nn.state import RolloutState

__all__ = ["EncoderDecoderArchitecture", "EncoderDecoderNetwork"]

_SHARE_LOOKED_BACK_ON = 4
"""The last rows of a context, one in so many, are predicted from those before them."""


@dataclass(frozen=True)
class EncoderDecoderArchitecture(Architecture):
    """What an `EncoderDecoderNetwork` is built from.

    Attributes
    ----------
    lags, cell, hidden_size, num_layers, dropout, residual_lag, channels, covariates, categories
        Of the decoder, as in `Architecture`; the encoder has as many units in each direction.
    encoder_layers : int
    bidirectional : bool
        Whether the encoder reads contexts from their end as well.
    attention : {"additive", "multiplicative", "dot"}, optional

    Examples
    --------
    >>> from tsgen.nn import EncoderDecoderArchitecture
    >>> EncoderDecoderArchitecture(hidden_size=8).network().recurrent.input_size
    10
    """

    encoder_layers: int = field(default=1, kw_only=True)
    bidirectional: bool = field(default=False, kw_only=True)
    attention: AttentionKind | None = field(default="additive", kw_only=True)

    @property
    def beside(self) -> int:
        """Numbers of what the decoder attends to, which its first layer reads at each step."""
        memory_size = self.hidden_size * (1 + self.bidirectional)
        return EncoderDecoder.extra_inputs(self.hidden_size, memory_size, self.attention)

    def network(self) -> EncoderDecoderNetwork:
        """One with weights of its own."""
        return EncoderDecoderNetwork(self)


class EncoderDecoderNetwork(DecodingNetwork, RecurrentNetwork):
    """A `RecurrentNetwork` that begins with an encoded context, and attends to its rows.

    The encoder reads each row of a context with the rows that lie as far before it as the lags say,
    with flags of what is known, and with the row's covariates. Missing rows are not attended to.
    The decoder reads what the one-step model reads: lagged values, in which the row a residual lag
    before stands in for a missing one, and the covariates of the row that it predicts.

    Parameters
    ----------
    architecture : EncoderDecoderArchitecture, optional

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import EncoderDecoderArchitecture
    >>> network = EncoderDecoderArchitecture(lags=(1, 12), hidden_size=8).network()
    >>> rows = torch.zeros(3, 12 - 1 + 24, 1)
    >>> state = network.encode_context(rows, torch.ones_like(rows))
    >>> outputs, state = network.step(state)
    >>> outputs.shape, network.attention_of(state, rows[:, :5]).shape
    (torch.Size([3, 1, 1]), torch.Size([3, 5, 24]))
    """

    architecture: EncoderDecoderArchitecture
    masks_holes = True
    only_recurrent = False

    def __init__(self, architecture: EncoderDecoderArchitecture | None = None) -> None:
        made_of = architecture or EncoderDecoderArchitecture()
        super().__init__(made_of)
        lags = {1, *(lag + 1 for lag in self.lags if lag > 1)}
        # Lag 1 of the row after it is a row itself.
        self._encoded_lags = tuple(sorted(lags))
        self._add_encoder(
            input_size(self._encoded_lags, self.channels, self.covariates.width),
            made_of.encoder_layers,
            bidirectional=made_of.bidirectional,
            attention=made_of.attention,
        )

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew, as `Recurrence.reset_parameters` says."""
        super().reset_parameters(generator)
        self._reset_encoder(generator)
        if isinstance(self.encoder_decoder.attention, AdditiveAttention):
            # An encoder of few numbers has small states; one of vectors of symbols needs no more.
            self.encoder_decoder.attention.widen_first_weights()

    @property
    def covariate_readers(self) -> dict[str, int]:
        """Those of the encoder, too."""
        first = self.encoder_decoder.encoder.layers[0]
        names = [name for name, _ in first.named_parameters() if name.startswith("weight_ih")]
        of_encoder = {f"encoder_decoder.encoder.layers.0.{name}": 0 for name in names}
        return super().covariate_readers | of_encoder

    @property
    def encoded_values(self) -> int:
        """The inputs of the encoder that are values and their flags; covariates come after them."""
        return input_size(self._encoded_lags, self.channels)

    def encoder_inputs(
        self, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> Tensor:
        """What the encoder reads of each row of a context, (B, T, inputs).

        Parameters
        ----------
        values, known : Tensor of shape (B, max(lags) - 1 + T, C)
        covariates : Tensor of shape (B, T, D), optional
            Of the context alone.
        """
        before = max(self._encoded_lags) - self.longest_lag  # a row that the first lacks
        embedded = None if covariates is None else self.covariates(covariates)
        steps = values.shape[1] - self.longest_lag + 1
        values, known = (functional.pad(part, (0, 0, before, 0)) for part in (values, known))
        return lag_inputs(values, known, self._encoded_lags, steps, embedded)

    def encode_context(
        self, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> DecoderState:
        """Read a context, before the first row after it is predicted.

        Parameters
        ----------
        values, known : Tensor of shape (B, max(lags) - 1 + T, C)
        covariates : Tensor of shape (B, max(lags) - 1 + T, D), optional
        """
        first = self.longest_lag - 1
        filled, begun = filled_from_lag(values, known, self.architecture.residual_lag or 1)
        rest = None if covariates is None else covariates[:, first:]
        there = known[:, first:].amax(dim=2) > 0
        there = there | ~there.any(dim=1, keepdim=True)  # where nothing is, all is the same
        recurrent, memory = self.encoder_decoder.begin_masked(
            self.encoder_inputs(filled, known, rest), there
        )
        last = slice(values.shape[1] - self.longest_lag, None)
        attended = self.encoder_decoder.first_attended(recurrent)
        return DecoderState(recurrent, filled[:, last], begun[:, last], attended, memory)

    def read_context(
        self, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> tuple[Tensor, RolloutState]:
        """As `AutoregressiveNetwork.read_context`: the last quarter of the rows is predicted.

        Each of them from the rows before it, of which the encoder has read the first three
        quarters.
        """
        state = self.encode_context(values, known, covariates)
        rows = values.shape[1]
        steps = (rows - self.longest_lag + 1) // _SHARE_LOOKED_BACK_ON
        outputs = values.new_full((len(values), rows - self.longest_lag, self.channels), torch.nan)
        if not steps:
            return outputs, state
        cut = rows - steps
        earlier = None if covariates is None else covariates[:, :cut]
        later = None if covariates is None else covariates[:, cut:]
        filled, begun = filled_from_lag(values, known, self.architecture.residual_lag or 1)
        before = self.encode_context(values[:, :cut], known[:, :cut], earlier)
        outputs[:, -steps:] = self.read(before, filled[:, cut:], begun[:, cut:], later)[0]
        return outputs, state

    def attention_of(
        self, state: DecoderState, path: Tensor, covariates: Tensor | None = None
    ) -> Tensor:
        """What each step attends to when rows (B, H, C) follow a context, (B, H, T)."""
        found = self.decoded(state, path, torch.ones_like(path), covariates).weights
        assert found is not None
        return found
