"""What the arguments of a model of pairs come to: checked, and ``"auto"`` chosen from the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from tsgen._messages import written
from tsgen._validation import whole_number, yes_or_no
from tsgen.data import LearnedPairs
from tsgen.errors import SettingError
from tsgen.forecasters.presets import Preset
from tsgen.forecasters.symbol_settings import (
    Amount,
    GivenVectors,
    SymbolSettings,
    common_settings,
    embedding_sizes,
    learning_rate_of,
)
from tsgen.nn import AttentionKind, Cell, Seq2SeqArchitecture

__all__ = ["Seq2SeqSettings", "attention_of", "choose_seq2seq_settings"]

_SIZES = 100_000, 800_000
"""Symbols of sources and targets from which there are larger networks and longer trainings."""

PRESETS = {
    "fast": Preset(max_steps=(300, 800, 2000), hidden_size=(64, 64, 128), sizes=_SIZES),
    "balanced": Preset(
        max_steps=(1000, 2000, 4000),
        hidden_size=(64, 128, 256),
        sizes=_SIZES,
        dropout=0.1,
    ),
    "accurate": Preset(
        max_steps=(3000, 6000, 15_000),
        hidden_size=(128, 256, 512),
        sizes=_SIZES,
        dropout=0.2,
    ),
}
_ROOM = 10
"""Symbols by which a target may be longer than twice the longest of the training."""


@dataclass(frozen=True, kw_only=True)
class Seq2SeqSettings(SymbolSettings):
    """What a model of pairs was fitted with, whether given or chosen.

    Attributes
    ----------
    max_length : int
        Symbols of a target, at most: twice as many as the longest of the training has, and some.
    source_embedding_size : int
        Numbers in the vector of a symbol of sources; of targets it is ``embedding_size``.
    frozen, source_frozen : bool
        Whether vectors of targets, and of sources, stay what they were given as.
    source_unit, target_unit, encoder_layers, bidirectional, attention
        As the estimator's arguments of that name.
    """

    source_unit: str
    target_unit: str
    encoder_layers: int
    bidirectional: bool
    attention: str | None
    max_length: int
    source_embedding_size: int
    frozen: bool
    source_frozen: bool

    def architecture(self, cell: Cell, symbols: int, source_symbols: int) -> Seq2SeqArchitecture:
        """What the network is built from."""
        return Seq2SeqArchitecture(
            symbols,
            cell,
            hidden_size=self.hidden_size,
            embedding_size=self.embedding_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            steps_dropout=self.steps_dropout,
            frozen=self.frozen,
            source_symbols=source_symbols,
            source_embedding_size=self.source_embedding_size,
            source_frozen=self.source_frozen,
            encoder_layers=self.encoder_layers,
            bidirectional=self.bidirectional,
            attention=self.attention,  # type: ignore[arg-type]
        )


def choose_seq2seq_settings(
    arguments: Mapping[str, Any], pairs: LearnedPairs, vectors: GivenVectors
) -> Seq2SeqSettings:
    """Check the arguments of a model of pairs, and choose what is left to us.

    Parameters
    ----------
    arguments : mapping of str to object
    pairs : LearnedPairs
    vectors : mapping of str to ndarray
        Those that were given, by argument.
    """
    sources, targets = pairs.sources.panel, pairs.targets.panel
    symbols = len(sources.codes) + len(targets.codes)
    sizes = len(pairs.sources.vocabulary), len(pairs.targets.vocabulary)
    amount = Amount(symbols, max(1, symbols // len(targets)), sizes[1], len(targets))
    common = common_settings(arguments, PRESETS, amount)
    units = common["hidden_size"]
    widths = embedding_sizes(arguments["embedding_size"], units, max(sizes), vectors)
    freeze = yes_or_no("freeze_embeddings", arguments["freeze_embeddings"])
    return Seq2SeqSettings(
        source_unit=pairs.spec.source_unit,
        target_unit=pairs.spec.target_unit,
        encoder_layers=whole_number(
            "encoder_layers", arguments["encoder_layers"], "layers", highest=4
        ),
        bidirectional=yes_or_no("bidirectional", arguments["bidirectional"]),
        attention=attention_of(arguments["attention"]),
        max_length=2 * int(targets.lengths.max()) + _ROOM,
        embedding_size=widths["target_embeddings"],
        source_embedding_size=widths["source_embeddings"],
        frozen=freeze and vectors["target_embeddings"] is not None,
        source_frozen=freeze and vectors["source_embeddings"] is not None,
        learning_rate=learning_rate_of(arguments["learning_rate"], min(0.01, 0.5 / units)),
        **common,
    )


def attention_of(given: Any) -> AttentionKind | None:
    """What ``attention=`` comes to."""
    if given is None or (isinstance(given, str) and given in get_args(AttentionKind)):
        return given  # type: ignore[return-value]
    kinds = ", ".join(map(repr, get_args(AttentionKind)))
    raise SettingError(f"attention={written(given)}: expected one of {kinds}, or None")
