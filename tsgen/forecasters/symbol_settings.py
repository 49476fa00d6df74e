"""What a generator's arguments come to: checked, and ``"auto"`` chosen from the symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen._validation import is_auto, number, one_of, seed_of, whole_number, yes_or_no
from tsgen.data import SymbolPanel, TextSymbols, Vocabulary
from tsgen.errors import SettingError
from tsgen.forecasters.presets import Preset
from tsgen.nn import Cell, SymbolArchitecture
from tsgen.training import STRATEGIES, ScheduledSampling, TeacherForcing, TrainingStrategy

__all__ = [
    "Amount",
    "GeneratorSettings",
    "GivenVectors",
    "SymbolSettings",
    "choose_generator_settings",
    "common_settings",
    "embedding_sizes",
    "learning_rate_of",
    "stops_of",
]

GivenVectors: TypeAlias = Mapping[str, FloatArray | None]
"""Of symbols, (V, width), by the argument that may have them; NaN for symbols without one."""

_SYMBOLS_A_STEP = 2048
_MOST_WINDOWS = 512
_SCORES_A_STEP = 2**24
"""Scores of a training step, at most: of a large vocabulary, windows are fewer."""
_FEW_SYMBOLS = 512
"""A vocabulary up to which vectors are small, and others score than those that are read."""
_VAL_SHARE = 0.1
_PATIENCE = 4
_PASSES = 30
"""Over all symbols: what a longer training learns of them, it knows by heart."""
_FEWEST_VALIDATED = 200

PRESETS = {
    "fast": Preset(max_steps=(200, 300, 500), hidden_size=(32, 64, 128), sizes=(5_000, 100_000)),
    "balanced": Preset(
        max_steps=(500, 1000, 2000),
        hidden_size=(64, 128, 256),
        sizes=(5_000, 100_000),
        dropout=(0.0, 0.2, 0.0),
    ),
    "accurate": Preset(
        max_steps=(1500, 4000, 15_000),
        hidden_size=(128, 256, 512),
        sizes=(5_000, 100_000),
        dropout=0.2,
    ),
}


@dataclass(frozen=True, kw_only=True)
class SymbolSettings:
    """What a model of symbols was fitted with, whether given or chosen.

    Attributes
    ----------
    val_size : float
        The share of the symbols or pairs held out for validation; 0 for none.
    random_state : int
        The seed: the one that was given, or drawn for ``None``.
    min_count, hidden_size, embedding_size, num_layers, dropout, steps_dropout, label_smoothing, \
    max_steps, batch_size, learning_rate, weight_decay, gradient_clip_val, patience, \
    training_strategy, weight_averaging, preset
        As the estimator's arguments of that name.
    """

    min_count: int
    hidden_size: int
    embedding_size: int
    num_layers: int
    dropout: float
    steps_dropout: float
    label_smoothing: float
    max_steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    gradient_clip_val: float | None
    val_size: float
    patience: int | None
    training_strategy: TrainingStrategy = field(default_factory=TeacherForcing)
    weight_averaging: float | None = None
    preset: str = "balanced"
    random_state: int = 0


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings(SymbolSettings):
    """What a generator was fitted with, whether given or chosen.

    Attributes
    ----------
    stop : bool
        Whether the end of sequences is learned.
    frozen : bool
        Whether vectors stay what they were given as.
    unit, context_length, window_length
        As the generator's arguments of that name.
    """

    stop: bool
    unit: str
    context_length: int
    window_length: int
    frozen: bool

    def architecture(self, cell: Cell, symbols: int) -> SymbolArchitecture:
        """What the network is built from."""
        return SymbolArchitecture(
            symbols,
            cell,
            hidden_size=self.hidden_size,
            embedding_size=self.embedding_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            steps_dropout=self.steps_dropout,
            frozen=self.frozen,
        )


def stops_of(stop: Any) -> bool | None:
    """Whether the end of sequences is learned; ``None`` leaves it to what they come in."""
    return None if is_auto(stop) else yes_or_no("stop", stop, accepted="True, False or 'auto'")


def choose_generator_settings(
    arguments: Mapping[str, Any],
    panel: SymbolPanel,
    vocabulary: Vocabulary,
    vectors: GivenVectors,
) -> GeneratorSettings:
    """Check the arguments of a generator, and choose what is left to us.

    Parameters
    ----------
    arguments : mapping of str to object
    panel : SymbolPanel
    vocabulary : Vocabulary
    vectors : mapping of str to ndarray
        Those that were given, by argument.
    """
    window = arguments["window_length"]
    window = whole_number(
        "window_length", 64 if is_auto(window) else window, "symbols learned from at once"
    )
    unit = panel.layout.unit if isinstance(panel.layout, TextSymbols) else "character"
    amount = Amount(
        symbols=len(panel.codes),
        length=min(window, max(1, len(panel.codes) // len(panel))),
        scores=len(vocabulary),
        # What is held out a share of: sequences, or symbols of each.
        parts=len(panel) if vocabulary.stops else int(panel.lengths.max()),
    )
    common = common_settings(arguments, PRESETS, amount)
    units = common["hidden_size"]
    return GeneratorSettings(
        stop=vocabulary.stops,
        unit=unit,
        context_length=_context_length(arguments["context_length"]),
        window_length=window,
        embedding_size=embedding_sizes(
            arguments["embedding_size"], units, len(vocabulary), vectors
        )["embeddings"],
        frozen=yes_or_no("freeze_embeddings", arguments["freeze_embeddings"]),
        learning_rate=learning_rate_of(arguments["learning_rate"], min(0.02, 4.0 / units)),
        **common,
    )


class Amount(NamedTuple):
    """How much there is to learn from."""

    symbols: int
    length: int
    """Of a window or a pair, about."""
    scores: int
    """For each symbol."""
    parts: int
    """In how many parts, at most, something can be held out."""


def common_settings(
    arguments: Mapping[str, Any], presets: Mapping[str, Preset], amount: Amount
) -> dict[str, Any]:
    """Those that all estimators of symbols have, checked or chosen for so many symbols."""
    name = one_of("preset", arguments["preset"], tuple(presets))

    def chosen(argument: str) -> Any:
        value = arguments[argument]
        return presets[name].of(argument, rows=amount.symbols) if is_auto(value) else value

    steps = whole_number("max_steps", chosen("max_steps"), "optimiser steps")
    batch = _batch_size(arguments["batch_size"], amount)
    patience = _patience(arguments, steps * batch * amount.length / amount.symbols, amount)
    averaging, clip = arguments["weight_averaging"], arguments["gradient_clip_val"]
    return {
        "min_count": arguments["min_count"],
        "hidden_size": whole_number("hidden_size", chosen("hidden_size"), "units of the network"),
        "num_layers": whole_number("num_layers", arguments["num_layers"], "layers", highest=4),
        "dropout": number("dropout", chosen("dropout"), 0.0, 0.99),
        "steps_dropout": number("steps_dropout", arguments["steps_dropout"], 0.0, 0.99),
        "label_smoothing": number("label_smoothing", arguments["label_smoothing"], 0.0, 0.99),
        "max_steps": steps,
        "batch_size": batch,
        "weight_decay": number("weight_decay", arguments["weight_decay"], 0.0, 10.0),
        "gradient_clip_val": None if clip is None
        else number("gradient_clip_val", clip, 1e-9, 1e9),
        "val_size": _val_share(arguments["val_size"], patience),
        "patience": patience,
        "training_strategy": _strategy(arguments["training_strategy"]),
        "weight_averaging": None if averaging is None
        else number("weight_averaging", averaging, 0.01, 1.0),
        "preset": name,
        "random_state": seed_of(arguments["random_state"]),
    }  # fmt: skip


def _context_length(given: Any) -> int:
    return whole_number("context_length", 10_000 if is_auto(given) else given, "symbols to read")


def learning_rate_of(given: Any, chosen: float) -> float:
    """The one that is given; small networks take larger steps."""
    return chosen if is_auto(given) else number("learning_rate", given, 1e-9, 10.0)


def embedding_sizes(given: Any, units: int, symbols: int, vectors: GivenVectors) -> dict[str, int]:
    """Numbers in the vector of a symbol, by the argument that may have the vectors.

    Vectors that aren't given have ``embedding_size`` numbers; by default, of many symbols, as many
    as there are units.
    """
    widths = {name: table.shape[1] for name, table in vectors.items() if table is not None}
    if len(widths) < len(vectors):
        return dict.fromkeys(vectors, _embedding_size(given, units, symbols)) | widths
    if not is_auto(given) and {given} != set(widths.values()):
        have = " and ".join(f"{name}= has {width}" for name, width in widths.items())
        raise SettingError(
            f"embedding_size={written(given)}: {have} numbers a symbol; leave it to 'auto'"
        )
    return widths


def _embedding_size(given: Any, units: int, symbols: int) -> int:
    if is_auto(given):
        return min(units, 64, symbols) if symbols <= _FEW_SYMBOLS else units
    return whole_number("embedding_size", given, "numbers in the vector of a symbol")


def _batch_size(given: Any, amount: Amount) -> int:
    """As many windows as have the symbols of a step: more of short sequences."""
    if not is_auto(given):
        return whole_number("batch_size", given, "windows or pairs a step")
    symbols = min(_SYMBOLS_A_STEP, _SCORES_A_STEP // amount.scores)
    return max(1, min(symbols // amount.length, _MOST_WINDOWS))


def _patience(arguments: Mapping[str, Any], passes: float, amount: Amount) -> int | None:
    """Of a preset, where it passes over the symbols often, and enough can be held out."""
    given = arguments["patience"]
    if given is None:
        return None
    if not is_auto(given):
        return whole_number("patience", given, "validations")
    enough = amount.symbols * _VAL_SHARE >= _FEWEST_VALIDATED and amount.parts * _VAL_SHARE >= 1
    by_preset = is_auto(arguments["max_steps"]) and arguments["val_size"] is not None
    return _PATIENCE if by_preset and enough and passes > _PASSES else None


def _val_share(given: Any, patience: Any) -> float:
    if given is None or is_auto(given):
        if given is None and patience is not None:
            raise SettingError("patience= needs symbols to validate on: leave val_size to 'auto'")
        return 0.0 if patience is None else _VAL_SHARE
    return number("val_size", given, 0.0, 0.5)


def _strategy(given: Any) -> TrainingStrategy:
    if is_auto(given):
        return TeacherForcing()
    made = STRATEGIES[given]() if isinstance(given, str) and given in STRATEGIES else given
    if isinstance(made, TeacherForcing | ScheduledSampling):
        return made
    raise SettingError(
        f"training_strategy={written(given)}: expected 'teacher_forcing' or 'scheduled_sampling', "
        "or an object such as tsgen.ScheduledSampling(curve='inverse_sigmoid'); the others feed "
        "numbers back, through which gradients flow"
    )
