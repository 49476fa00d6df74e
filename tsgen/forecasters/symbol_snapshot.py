"""What a fitted model of symbols comes to between itself and its file, and what must hold of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

from tsgen.data import MOST_SYMBOLS, PairSpec, SymbolPanel, SymbolSpec, Vocabulary
from tsgen.forecasters.seq2seq_settings import Seq2SeqSettings
from tsgen.forecasters.summary import FitRecord
from tsgen.forecasters.symbol_settings import GeneratorSettings, SymbolSettings
from tsgen.inference import check_sequences, need
from tsgen.nn import AttentionKind

__all__ = [
    "SYMBOL_PARTS",
    "Seq2SeqSnapshot",
    "SymbolSnapshot",
    "check_seq2seq_snapshot",
    "check_symbol_snapshot",
]

SYMBOL_PARTS = SymbolSpec, PairSpec, Vocabulary, GeneratorSettings, Seq2SeqSettings
"""What such a file is made of, beside what all have."""

_COUNT_LIMIT = 2**31 - 1
_ONE_OR_MORE = (
    "context_length", "window_length", "hidden_size", "embedding_size", "num_layers", "batch_size",
    "max_steps", "min_count", "encoder_layers", "max_length",
    "source_embedding_size",
)  # fmt: skip


@dataclass(frozen=True)
class SymbolSnapshot:
    """What a fitted generator comes to, beside its weights.

    Attributes
    ----------
    params : dict of str to object
        The constructor's arguments.
    settings : GeneratorSettings
    panel : SymbolPanel
        The ends of the training sequences.
    vocabulary : Vocabulary
    spec : SymbolSpec
    record : FitRecord, optional
    """

    params: dict[str, Any]
    settings: GeneratorSettings
    panel: SymbolPanel
    vocabulary: Vocabulary
    spec: SymbolSpec
    record: FitRecord | None = None


def check_symbol_snapshot(snapshot: SymbolSnapshot) -> None:
    """Refuse a snapshot from which nothing can be generated, or one that asks for absurd sizes."""
    _check_settings(snapshot.settings)
    _check_unit(snapshot.settings.unit)
    _check_vocabulary(snapshot.vocabulary, stops=snapshot.settings.stop)
    check_sequences(snapshot.panel, len(snapshot.vocabulary))


@dataclass(frozen=True)
class Seq2SeqSnapshot:
    """What a fitted model of pairs comes to, beside its weights.

    Attributes
    ----------
    params : dict of str to object
        The constructor's arguments.
    settings : Seq2SeqSettings
    source_vocabulary, vocabulary : Vocabulary
    spec : PairSpec
    record : FitRecord, optional
    """

    params: dict[str, Any]
    settings: Seq2SeqSettings
    source_vocabulary: Vocabulary
    vocabulary: Vocabulary
    spec: PairSpec
    record: FitRecord | None = None


def check_seq2seq_snapshot(snapshot: Seq2SeqSnapshot) -> None:
    """As `check_symbol_snapshot` does."""
    settings = snapshot.settings
    _check_settings(settings)
    need(settings.encoder_layers <= 4, f"encoder_layers={settings.encoder_layers}", "1 to 4")
    kinds = (None, *get_args(AttentionKind))
    need(settings.attention in kinds, f"attention={settings.attention!r}", "a known one")
    for unit in (settings.source_unit, settings.target_unit):
        _check_unit(unit)
    for vocabulary in (snapshot.source_vocabulary, snapshot.vocabulary):
        _check_vocabulary(vocabulary, stops=True)


def _check_settings(settings: SymbolSettings) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, int | float) and item.name != "random_state":
            lowest = 1 if item.name in _ONE_OR_MORE else 0
            need(lowest <= value <= _COUNT_LIMIT, f"{item.name}={value!r}", "a usual number")
    need(0 <= settings.random_state < 2**63, "random_state", "a usual number")
    need(settings.num_layers <= 4, f"num_layers={settings.num_layers}", "1 to 4")
    need(max(settings.dropout, settings.steps_dropout) < 1, "dropout", "less than 1")


def _check_unit(unit: str) -> None:
    need(unit in ("character", "word"), f"unit={unit!r}", "a known unit")


def _check_vocabulary(vocabulary: Vocabulary, *, stops: bool) -> None:
    count, what = len(vocabulary.symbols), "the vocabulary"
    need(1 <= count <= MOST_SYMBOLS and vocabulary.symbols.is_unique, what, "each symbol once")
    need(vocabulary.stops == stops, what, "a stop symbol where sequences end")
