"""What a fitted generator comes to between itself and its file, and what must hold of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from tsgen.data import MOST_SYMBOLS, SymbolPanel, SymbolSpec, Vocabulary
from tsgen.forecasters.symbol_settings import GeneratorSettings
from tsgen.inference import check_sequences, need

__all__ = ["SYMBOL_PARTS", "SymbolSnapshot", "check_symbol_snapshot"]

SYMBOL_PARTS = SymbolSpec, Vocabulary, GeneratorSettings
"""What such a file is made of, beside what all have."""

_COUNT_LIMIT = 2**31 - 1
_ONE_OR_MORE = (
    "context_length", "window_length", "hidden_size", "embedding_size", "num_layers", "batch_size",
    "max_steps", "min_count",
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
    """

    params: dict[str, Any]
    settings: GeneratorSettings
    panel: SymbolPanel
    vocabulary: Vocabulary
    spec: SymbolSpec


def check_symbol_snapshot(snapshot: SymbolSnapshot) -> None:
    """Refuse a snapshot from which nothing can be generated, or one that asks for absurd sizes."""
    settings, vocabulary = snapshot.settings, snapshot.vocabulary
    for item in fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, int | float) and item.name != "random_state":
            lowest = 1 if item.name in _ONE_OR_MORE else 0
            need(lowest <= value <= _COUNT_LIMIT, f"{item.name}={value!r}", "a usual number")
    need(0 <= settings.random_state < 2**63, "random_state", "a usual number")
    need(settings.num_layers <= 4, f"num_layers={settings.num_layers}", "1 to 4")
    need(max(settings.dropout, settings.steps_dropout) < 1, "dropout", "less than 1")
    need(settings.unit in ("character", "word"), f"unit={settings.unit!r}", "a known unit")
    count, what = len(vocabulary.symbols), "the vocabulary"
    need(1 <= count <= MOST_SYMBOLS and vocabulary.symbols.is_unique, what, "each symbol once")
    need(vocabulary.stops == settings.stop, what, "a stop symbol where sequences end")
    check_sequences(snapshot.panel, len(vocabulary))
