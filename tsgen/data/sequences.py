"""Sequences of symbols as codes, and what turns codes back into what sequences were read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.panel import Panel
from tsgen.data.ragged import offsets_of, ranges
from tsgen.data.vocabulary import Codes, Vocabulary

__all__ = ["FrameSymbols", "Generated", "ListSymbols", "SymbolPanel", "TextSymbols", "Unit"]

Unit: TypeAlias = Literal["character", "word"]


class Generated(NamedTuple):
    """What was generated after each of N sequences: the symbols of S paths of H steps."""

    codes: Codes
    """Of shape (N, S, H)."""
    lengths: IntArray
    """Of shape (N, S): how many symbols each path has."""
    ended: BoolArray
    """Of shape (N, S): whether it ended by itself, not with the horizon."""
    scores: FloatArray | None = None
    """Of shape (N, S): of the beams that the paths are; NaN for one that there isn't."""

    @property
    def there(self) -> BoolArray:
        """Of shape (N, S, H): which steps there are."""
        return np.asarray(np.arange(self.codes.shape[2]) < self.lengths[:, :, None])


@dataclass(frozen=True)
class TextSymbols:
    """Text, and lists of texts.

    Attributes
    ----------
    unit : {"character", "word"}
        What a symbol is: a code point of Unicode, so that an emoji or a letter with combining
        marks may be several; or what stands between white space, which is one blank in texts that
        are generated.
    several : bool
        Whether there is a list of them.
    """

    unit: Unit
    several: bool

    def write(self, generated: Generated, vocabulary: Vocabulary, *, stopped: bool) -> Any:
        """The first path of each sequence, as text."""
        texts = [paths[0] for paths in self.write_paths(generated, vocabulary, listed=True)]
        return texts if self.several else texts[0]

    def write_paths(
        self, generated: Generated, vocabulary: Vocabulary, *, listed: bool = False
    ) -> Any:
        """All paths: a list of texts, or one for each of several sequences."""
        between = "" if self.unit == "character" else " "
        symbols = vocabulary.decode(generated.codes.ravel()).to_numpy()
        paths = _split(symbols.reshape(generated.codes.shape), generated.lengths)
        texts = [[between.join(path) for path in of_one] for of_one in paths]
        return texts if self.several or listed else texts[0]

    def write_beams(self, generated: Generated, vocabulary: Vocabulary) -> pd.DataFrame:
        """A row for each beam: ``sequence`` where there are several, ``beam_id, score, text``."""
        texts = self.write_paths(generated, vocabulary, listed=True)
        return _beam_rows(generated, texts, "text", several=self.several)

    def values(self, values: FloatArray, offsets: IntArray) -> Any:
        """A number for each symbol: an array, or a list of them."""
        return _by_sequence(values, offsets, several=self.several)


@dataclass(frozen=True)
class ListSymbols:
    """Lists of lists of symbols."""

    several: bool = True

    def write(self, generated: Generated, vocabulary: Vocabulary, *, stopped: bool) -> Any:
        """The first path of each sequence, as a list of symbols."""
        return [paths[0] for paths in self.write_paths(generated, vocabulary)]

    def write_paths(self, generated: Generated, vocabulary: Vocabulary) -> Any:
        """All paths of each sequence."""
        symbols = vocabulary.decode(generated.codes.ravel()).to_numpy()
        paths = _split(symbols.reshape(generated.codes.shape), generated.lengths)
        return [[list(path) for path in of_one] for of_one in paths]

    def write_beams(self, generated: Generated, vocabulary: Vocabulary) -> pd.DataFrame:
        """A row for each beam: ``sequence, beam_id, score, symbols``."""
        paths = self.write_paths(generated, vocabulary)
        return _beam_rows(generated, paths, "symbols", several=True)

    def values(self, values: FloatArray, offsets: IntArray) -> Any:
        """A number for each symbol: a list of arrays."""
        return _by_sequence(values, offsets, several=True)


@dataclass(frozen=True)
class FrameSymbols:
    """A column of symbols of a frame.

    Attributes
    ----------
    panel : Panel
        The last row of each series, whose value is of no account.
    """

    panel: Panel

    def write(self, generated: Generated, vocabulary: Vocabulary, *, stopped: bool) -> Any:
        """The first path of each series at its next time stamps, in the layout of the input."""
        symbols, there = self._symbols(generated, vocabulary), generated.there
        outputs = {"": symbols[:, 0]}
        if stopped:
            last = np.arange(there.shape[2]) >= generated.lengths[:, :1] - 1
            outputs["-stopped"] = np.asarray(last & generated.ended[:, :1])
        panel = self._panel(there[:, 0].all())
        return panel.forecast_frame(there.shape[2], outputs)

    def write_paths(self, generated: Generated, vocabulary: Vocabulary) -> Any:
        """All paths as a long frame with ``sample_id``."""
        return self.panel.native(self._paths(generated, vocabulary))

    def _paths(self, generated: Generated, vocabulary: Vocabulary) -> pd.DataFrame:
        panel = self._panel(generated.there.all())
        return panel.paths_frame(self._symbols(generated, vocabulary))

    def write_beams(self, generated: Generated, vocabulary: Vocabulary) -> Any:
        """All beams as a long frame with ``beam_id`` and ``score``."""
        frame = self._paths(generated, vocabulary).rename(columns={"sample_id": "beam_id"})
        assert generated.scores is not None
        scores = generated.scores[self.panel.in_order]
        place = list(frame.columns).index("beam_id") + 1
        frame.insert(place, "score", np.repeat(scores.ravel(), generated.codes.shape[2]))
        return self.panel.native(frame[frame["score"].notna()].reset_index(drop=True))

    def _symbols(self, generated: Generated, vocabulary: Vocabulary) -> Any:
        symbols = vocabulary.decode(generated.codes.ravel()).to_numpy(copy=True)
        symbols[~generated.there.ravel()] = None
        return symbols.reshape(generated.codes.shape)

    def _panel(self, complete: Any) -> Panel:
        """One whose layout can hold what is missing."""
        if complete:
            return self.panel
        layout = self.panel.layout
        changed = {
            name: _with_missing(getattr(layout, name))
            for name in ("target_dtype", "dtypes")
            if name in layout.__dataclass_fields__
        }
        return replace(self.panel, layout=replace(layout, **changed))


@dataclass(frozen=True)
class SymbolPanel:
    """One or many sequences of symbols.

    Attributes
    ----------
    codes : ndarray of shape (symbols,)
        Of a vocabulary, one sequence after the other, in its ``dtype``.
    offsets : ndarray of shape (N + 1,)
        int64; sequence i holds symbols ``offsets[i]`` to ``offsets[i + 1]``.
    ids : Index of shape (N,)
        What sequences are called; their numbers, where they have no names.
    layout : FrameSymbols, TextSymbols or ListSymbols
        Turns what is generated back into what the panel was read from.
    """

    codes: Codes
    offsets: IntArray
    ids: pd.Index
    layout: FrameSymbols | TextSymbols | ListSymbols = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> IntArray:
        """Symbols of each sequence, ``(N,)``."""
        return np.diff(self.offsets)

    def tail(self, symbols: int) -> SymbolPanel:
        """The same with at most the last few symbols of each sequence, copied."""
        kept = np.minimum(self.lengths, symbols)
        return self.cut(self.lengths - kept, kept)

    def last(self, symbols: int) -> SymbolPanel:
        """The last sequences that have so many symbols together, or fewer; one at least."""
        first = int(np.searchsorted(self.offsets, self.offsets[-1] - symbols))
        offsets = self.offsets[min(first, len(self) - 1) :]
        codes, ids = self.codes[offsets[0] :], self.ids[1 - len(offsets) :]
        return replace(self, codes=codes, offsets=offsets - offsets[0], ids=ids)

    def cut(self, first: IntArray, kept: IntArray) -> SymbolPanel:
        """Some consecutive symbols of each sequence, copied."""
        if kept.sum() == len(self.codes):  # without a position for each
            codes = self.codes.copy()
        else:
            codes = self.codes[ranges(self.offsets[:-1] + first, kept)]
        return replace(self, codes=codes, offsets=offsets_of(kept))

    def take(self, sequences: IntArray) -> SymbolPanel:
        """Some of the sequences, copied."""
        kept = self.lengths[sequences]
        codes = self.codes[ranges(self.offsets[:-1][sequences], kept)]
        return replace(self, codes=codes, offsets=offsets_of(kept), ids=self.ids[sequences])

    def ended(self, stop: int) -> SymbolPanel:
        """The same with a stop symbol behind each sequence."""
        offsets = offsets_of(self.lengths + 1)
        codes = np.full(int(offsets[-1]), stop, dtype=self.codes.dtype)
        stands_before = np.ones(len(codes), dtype=np.bool_)
        stands_before[offsets[1:] - 1] = False
        codes[stands_before] = self.codes
        return replace(self, codes=codes, offsets=offsets)

    def padded(self) -> Codes:
        """The codes (N, T) of all sequences under each other, whatever stands behind their ends."""
        lengths = self.lengths
        places = self.offsets[:-1, None] + np.arange(lengths.max(initial=0))
        return self.codes[np.minimum(places, max(len(self.codes) - 1, 0))]


def _split(symbols: Any, lengths: IntArray) -> list[list[Any]]:
    """The symbols (N, S, H) of each path up to its end."""
    return [
        [path[:length] for path, length in zip(paths, of_one, strict=True)]
        for paths, of_one in zip(symbols, lengths, strict=True)
    ]


def _beam_rows(
    generated: Generated, sequences: Sequence[Sequence[Any]], name: str, *, several: bool
) -> pd.DataFrame:
    assert generated.scores is not None
    count, beams = generated.scores.shape
    columns: dict[str, Any] = {"sequence": np.repeat(np.arange(count), beams)} if several else {}
    columns["beam_id"] = np.tile(np.arange(beams), count)
    columns["score"] = generated.scores.ravel()
    columns[name] = [path for paths in sequences for path in paths]
    frame = pd.DataFrame(columns)
    return frame[frame["score"].notna()].reset_index(drop=True)


def _by_sequence(values: FloatArray, offsets: IntArray, *, several: bool) -> Any:
    parts = np.split(values, offsets[1:-1])
    return parts if several else parts[0]


def _with_missing(dtype: Any) -> Any:
    """The dtype of a column in which something may be missing."""
    if isinstance(dtype, tuple):
        return tuple(map(_with_missing, dtype))
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return pd.BooleanDtype() if dtype.kind == "b" else pd.Int64Dtype()
    return dtype
