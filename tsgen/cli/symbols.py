"""A file to the sequences of symbols that a generator reads, and what it generates to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tsgen.cli.data import Known, read_first, read_further
from tsgen.cli.options import Choosing, FileSpec, Learning, Roles, SymbolColumns
from tsgen.cli.tables import check_ending, is_table, read_text, table_bytes
from tsgen.cli.values import kind_of
from tsgen.cli.wording import CommandError
from tsgen.data import FrameSymbols, ListSymbols, TextSymbols

__all__ = [
    "Sequences",
    "check_choice",
    "check_result",
    "generate_symbols",
    "prompted",
    "read_more",
    "read_sequences",
    "symbol_bytes",
]

_DRAWING = ("samples", "temperature", "top_k", "top_p")
_ESCAPES = {"\\n": "\n", "\\t": "\t"}
"""As they are typed where a shell has no other way."""


@dataclass(frozen=True)
class Sequences:
    """What a generator is fitted to."""

    data: Any
    """A frame, a text or texts."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Of ``fit``, besides."""
    notes: dict[str, str] = field(default_factory=dict)
    """Lines for the summary: what was taken for what."""


def read_sequences(
    file: Path, spec: FileSpec, columns: SymbolColumns, learning: Learning
) -> Sequences:
    """Read a table where a file is one or has a column that is named, else text."""
    if columns.target_col is None and not is_table(file):
        text = read_text(file, spec)
        return Sequences(_lines(text) if learning.lines else text)
    if learning.lines:
        raise CommandError("--lines is for text: the rows of a table are a sequence by themselves")
    roles = Roles(columns.id_col, columns.time_col, columns.target_col)
    data = read_first(file, spec, roles, learning.freq, symbols=True)
    names = data.columns
    freq = learning.freq
    arguments = {
        "id_col": names.id,
        "time_col": names.time,
        "target_col": names.target,
        "freq": int(freq) if freq is not None and freq.isdecimal() else freq,
        "fill": learning.fill,
    }
    return Sequences(data.frame, arguments, data.notes)


def read_more(file: Path, spec: FileSpec, columns: SymbolColumns, model: Any) -> Any:
    """Read sequences of the kind that a model was fitted to."""
    layout = model.panel_.layout
    if not isinstance(layout, FrameSymbols):
        return _like_training(read_text(file, spec), model)
    kinds = {layout.panel.columns.target: kind_of(model.model_.vocabulary.symbols)}
    return read_further(file, spec, Known.from_panel(layout.panel, kinds), columns.time_col)


def prompted(prompt: str, model: Any) -> Any:
    """A prompt as the sequence that a model goes on with."""
    layout = model.panel_.layout
    if isinstance(layout, FrameSymbols):
        raise CommandError("--prompt is for text: a table that goes on is passed as FILE")
    return prompt if isinstance(layout, TextSymbols) else _like_training(prompt, model)


def check_choice(choosing: Choosing) -> None:
    """Refuse to search and to draw at once."""
    drawing = ", ".join(f"--{name.replace('_', '-')}" for name in _drawing(choosing))
    if choosing.beams is not None and drawing:
        raise CommandError(
            f"--beams searches for the likeliest symbols, and {drawing} draws them: leave one out"
        )


def check_result(kind: Any, out: Path) -> None:
    """Refuse the name of a table that can't be made; texts may have any name.

    Parameters
    ----------
    kind : object
        The layout of what is generated, or what is fitted.
    out : Path
    """
    if isinstance(kind, pd.DataFrame | FrameSymbols) or is_table(out):
        check_ending(out)


def generate_symbols(model: Any, df: Any, length: int, choosing: Choosing, seed: int | None) -> Any:
    """What follows sequences, or those of the fit: by the likeliest symbols, or drawn."""
    drawing = _drawing(choosing)
    until = None if choosing.until is None else set(_known(choosing.until, _by_text(model)))
    if not drawing:
        return model.predict(length, df=df, num_beams=choosing.beams or 1, until=until)
    drawing["num_samples"] = drawing.pop("samples", None)
    return model.sample(length, df=df, until=until, random_state=seed, **drawing)


def symbol_bytes(result: Any, path: Path, model: Any, choosing: Choosing) -> bytes:
    """What was generated as the content of a file: a table, or texts with a line feed at the end.

    Parameters
    ----------
    result : Series, DataFrame, str or list
        Of ``predict`` or ``sample``.
    path : Path
        A name of a table makes one of texts, too.
    model : generator
    choosing : Choosing
        Whether there are several continuations of each sequence.
    """
    if isinstance(result, pd.Series | pd.DataFrame):
        return table_bytes(result, path)
    lists = isinstance(model.panel_.layout, ListSymbols)
    texts = _texts(result, sampled=choosing.samples is not None, lists=lists)
    if is_table(path):
        return table_bytes(_text_table(texts), path)
    ended = [text.removesuffix("\n") + "\n" for of_one in texts for text in of_one]
    return "".join(ended).encode("utf-8", "replace")


def _drawing(choosing: Choosing) -> dict[str, Any]:
    """The options by which symbols are drawn, as far as they are given."""
    options = {name: getattr(choosing, name) for name in _DRAWING}
    return {name: value for name, value in options.items() if value is not None}


def _lines(text: str) -> list[str]:
    """Those that hold something."""
    return [line for line in text.split("\n") if line]


def _like_training(text: str, model: Any) -> Any:
    """A text as one, by lines, or by lines of symbols between blanks."""
    layout = model.panel_.layout
    if isinstance(layout, ListSymbols):
        by_text = _by_text(model)
        return [_known(line.split(), by_text) for line in _lines(text) or [""]]
    return _lines(text) if layout.several else text


def _by_text(model: Any) -> dict[str, Any]:
    """The symbols of a model by how they are written."""
    return {str(symbol): symbol for symbol in model.model_.vocabulary.symbols}


def _known(written: list[str], by_text: Mapping[str, Any]) -> list[Any]:
    """Symbols by how they are written: those of a model may be numbers."""
    return [by_text.get(text, by_text.get(_ESCAPES.get(text, text), text)) for text in written]


def _texts(result: Any, *, sampled: bool, lists: bool) -> list[list[str]]:
    """The continuations of each sequence."""
    if lists:
        paths = result if sampled else [[path] for path in result]
        return [[" ".join(map(str, path)) for path in of_one] for of_one in paths]
    if not sampled:
        return [[text] for text in ([result] if isinstance(result, str) else result)]
    return [result] if isinstance(result[0], str) else list(result)


def _text_table(texts: list[list[str]]) -> pd.DataFrame:
    """A row a text: ``sequence`` and ``sample_id`` where there are several."""
    rows = [
        (sequence, sample, text)
        for sequence, of_one in enumerate(texts)
        for sample, text in enumerate(of_one)
    ]
    table = pd.DataFrame(rows, columns=["sequence", "sample_id", "text"])
    counts = {"sequence": len(texts), "sample_id": len(texts[0])}
    return table.drop(columns=[name for name, count in counts.items() if count == 1])
