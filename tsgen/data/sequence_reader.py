"""Frames, texts and lists of symbols become a `SymbolPanel`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.columns import Columns
from tsgen.data.covariates import plain
from tsgen.data.frame import curves, read_history, read_panel
from tsgen.data.future import read_given, read_new_rows
from tsgen.data.history import History
from tsgen.data.native import is_frame, opened
from tsgen.data.panel import Panel
from tsgen.data.ragged import offsets_of, ranges
from tsgen.data.sequences import FrameSymbols, ListSymbols, SymbolPanel, TextSymbols, Unit
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import FILL_SYMBOLS
from tsgen.data.vocabulary import Codes, Vocabulary, dtype_of_codes
from tsgen.errors import FrameError, SettingError

__all__ = [
    "Learned",
    "SymbolSpec",
    "frame_of_values",
    "learn_sequences",
    "read_given_symbols",
    "read_new_symbols",
    "read_sequences",
    "stamps_of_frame",
    "symbol_curves",
]

_AT_ONCE = 2**20
"""Characters or symbols that are looked up together."""


_BEFORE = -1
"""Stands for the position of the last symbol that was read before."""


@dataclass(frozen=True)
class SymbolSpec:
    """What is to be read, and how.

    Attributes
    ----------
    columns : Columns
        Of a frame; there is one target.
    freq : str, int, offset, timedelta or Frequency, optional
        Of a frame.
    fill : "ffill", optional
        Whether a symbol stands for those that are missing after it; they are an error by default.
    unit : {"character", "word"}
        Of text.
    """

    columns: Columns = field(default_factory=Columns)
    freq: Any = None
    fill: str | None = None
    unit: Unit = "character"

    def of_frame(self) -> FrameSpec:
        """For `read_panel`."""
        fill: Any = self.fill
        return FrameSpec(self.columns, fill=fill, fill_hint=FILL_SYMBOLS)

    def like(self, panel: SymbolPanel) -> SymbolSpec:
        """The same for what comes after a panel."""
        if not isinstance(panel.layout, FrameSymbols):
            return self
        return replace(self, freq=panel.layout.panel.frequency, columns=panel.layout.panel.columns)


class Learned(NamedTuple):
    """What `fit` reads."""

    panel: SymbolPanel
    vocabulary: Vocabulary


def learn_sequences(
    data: Any,
    how: SymbolSpec | None = None,
    *,
    min_count: int = 1,
    stops: bool | None = None,
    known: Vocabulary | None = None,
) -> Learned:
    """Read sequences, and the vocabulary of their symbols.

    Parameters
    ----------
    data : Series, DataFrame, str, or iterable of str or of lists
        A frame with a column of symbols in any layout; a text; texts, from a generator too; or
        lists of symbols.
    how : SymbolSpec, optional
    min_count : int, default 1
        Symbols that come less often are unknown ones.
    stops : bool, optional
        Whether sequences end with a stop symbol; by default those of lists do.
    known : Vocabulary, optional
        One whose symbols stay what they are; new ones come after them.

    Returns
    -------
    Learned

    Raises
    ------
    FrameError
        With what is wrong with the data.

    Examples
    --------
    >>> from tsgen.data import learn_sequences
    >>> panel, vocabulary = learn_sequences(["ba", "bab"])
    >>> panel.codes, panel.offsets, list(vocabulary.symbols)
    (array([1, 0, 1, 0, 1], dtype=uint8), array([0, 2, 5]), ['a', 'b'])
    """
    found = _read(data, how or SymbolSpec())
    if not len(found.symbols):
        raise FrameError(["there is no symbol in it; a sequence needs one to learn from"])
    stops = not _is_one(found.layout) if stops is None else stops
    if known is None:
        vocabulary = Vocabulary.of(found.symbols, found.counts, min_count=min_count, stops=stops)
    else:
        vocabulary = known.with_more(found.symbols[found.counts >= min_count])
    return Learned(found.panel(vocabulary), vocabulary)


def read_sequences(data: Any, vocabulary: Vocabulary, how: SymbolSpec) -> SymbolPanel:
    """Read sequences of known symbols; all others are unknown ones.

    Parameters
    ----------
    data : Series, DataFrame, str, or iterable of str or of lists
    vocabulary : Vocabulary
    how : SymbolSpec
    """
    return _read(data, how).panel(vocabulary)


def read_new_symbols(
    data: Any, panel: SymbolPanel, vocabulary: Vocabulary, how: SymbolSpec
) -> SymbolPanel:
    """Read what comes after the sequences of a panel: (N,) new parts, of which some may be empty.

    Parameters
    ----------
    data : Series, DataFrame, str, or iterable of str or of lists
        Of the layout of the panel, or frames of another layout.
    panel : SymbolPanel
    vocabulary : Vocabulary
    how : SymbolSpec

    Raises
    ------
    FrameError
        For rows that don't follow those of the panel, or another number of texts or lists.
    """
    if not isinstance(panel.layout, FrameSymbols):
        new = read_sequences(data, vocabulary, how)
        if isinstance(new.layout, FrameSymbols) or len(new) != len(panel):
            raise FrameError(
                [f"the state has {len(panel)} sequences, and {len(new)} came: pass as many of the "
                 "same kind, in the same order; an empty one has nothing new"]
            )  # fmt: skip
        return new
    raw = _column_of(data, panel.layout.panel.columns)
    longer, new_rows = read_new_rows(raw.frame, panel.layout.panel, fill_hint=FILL_SYMBOLS)
    lengths = np.zeros(len(panel), dtype=np.int64)
    lengths[longer.ids.get_indexer(new_rows.ids)] = new_rows.lengths
    places = new_rows.values.astype(np.int64)
    # What is missing before the first new row goes on as the last one before it.
    last = np.repeat(panel.codes[panel.offsets[1:] - 1], lengths)
    codes = np.where(places == _BEFORE, last, _encoded(raw, vocabulary)[places])
    return SymbolPanel(codes, offsets_of(lengths), panel.ids, FrameSymbols(_ends_of(longer)))


def read_given_symbols(
    data: Any, panel: SymbolPanel, vocabulary: Vocabulary, horizon: int
) -> FloatArray:
    """Read the symbols of a horizon that are known, as codes (N, H); NaN for the others.

    Raises
    ------
    SettingError
        For what isn't read of frames.
    """
    if not isinstance(panel.layout, FrameSymbols):
        raise SettingError("given= is for frames: what a text goes on with is part of the prompt")
    raw = _column_of(data, panel.layout.panel.columns)
    places = read_given(raw.frame, panel.layout.panel, horizon)
    codes = _encoded(raw, vocabulary)
    odd = raw.symbols[(codes == vocabulary.unknown) & raw.symbols.notna().to_numpy()]
    if len(odd):
        raise SettingError(
            f"given= holds {written(odd.iloc[0])}, which is none of the symbols of fit; expected "
            "one of them, or a missing value where the loop is to go on by itself"
        )
    at = np.nan_to_num(places).astype(np.int64)
    return np.where(np.isnan(places), np.nan, codes.astype(np.float64)[at])


# --- frames --------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A frame in which symbols have made place for their positions, and the symbols."""

    frame: Any
    """NaN where a symbol is missing."""
    symbols: pd.Series
    dtypes: tuple[Any, ...]
    """Of the columns that the symbols are from."""


@dataclass(frozen=True)
class _Found:
    """What was read, by the numbers of symbols that aren't codes of a vocabulary yet."""

    chunks: list[Codes]
    lengths: IntArray
    symbols: pd.Index
    counts: IntArray
    layout: FrameSymbols | TextSymbols | ListSymbols
    ids: pd.Index

    def panel(self, vocabulary: Vocabulary) -> SymbolPanel:
        """The panel of codes; the chunks are used up."""
        vocabulary.check_kind(self.symbols, "it")
        code_of = vocabulary.encode(self.symbols).astype(vocabulary.dtype)
        codes = np.empty(int(self.lengths.sum()), dtype=vocabulary.dtype)
        stop = len(codes)
        while self.chunks:  # from the last on, each is gone before the next one
            chunk = self.chunks.pop()
            codes[stop - len(chunk) : stop] = code_of[chunk]
            stop -= len(chunk)
        return SymbolPanel(codes, offsets_of(self.lengths), self.ids, self.layout)


def _read(data: Any, how: SymbolSpec) -> _Found:
    if is_frame(data):
        return _read_frame(data, how)
    numbers = _Numbers()
    if isinstance(data, str):
        lengths = numbers.read_texts([data], how.unit)
        layout: TextSymbols | ListSymbols = TextSymbols(how.unit, several=False)
    else:
        first, items = _first_of(data)
        if isinstance(first, str):
            lengths = numbers.read_texts(items, how.unit)
            layout = TextSymbols(how.unit, several=True)
        else:
            lengths, layout = numbers.read_lists(items), ListSymbols()
    symbols = numbers.symbols(as_characters=numbers.are_points)
    ids = pd.RangeIndex(len(lengths))
    return _Found(numbers.chunks, lengths, symbols, numbers.counts, layout, ids)


def _read_frame(df: Any, how: SymbolSpec) -> _Found:
    if how.columns.others or how.columns.covariates:
        raise SettingError(f"target_col={written(how.columns.targets)}: expected one column")
    if how.fill not in (None, "ffill"):
        raise SettingError(f"fill={written(how.fill)}: expected None or 'ffill' for symbols")
    native = opened(df)
    raw = _column_of(native, how.columns)
    panel = read_panel(raw.frame, how.of_frame(), freq=how.freq).of_kind(native.kind)
    numbers, symbols = pd.factorize(raw.symbols)
    positions = panel.values.astype(np.int64)
    codes = numbers[positions]
    layout = FrameSymbols(_with_dtypes(_ends_of(panel), raw.dtypes))
    counts = np.bincount(codes, minlength=len(symbols))
    return _Found([codes], panel.lengths, pd.Index(symbols), counts, layout, panel.ids)


def frame_of_values(
    df: Any, how: SymbolSpec, panel: SymbolPanel, values: FloatArray, name: str
) -> Any:
    """Numbers of the symbols of a panel that was read of a frame, in the frame's own rows.

    Parameters
    ----------
    df : Series or DataFrame
    how : SymbolSpec
        As it was read.
    panel : SymbolPanel
        Before the first rows of the frame it may have others, which were filled in.
    values : ndarray of shape (symbols,)
        As the codes of the panel.
    name : str
        Of the column, beside that of the symbols in a long frame.
    """
    native = opened(df)
    raw, df = _column_of(native, how.columns), native.by(how.columns)
    again = read_panel(raw.frame, how.of_frame(), freq=how.freq)
    places = again.values.ravel().astype(np.int64)
    stops = panel.offsets[1:][panel.ids.get_indexer(again.ids)]
    values = values[ranges(stops - again.lengths, again.lengths)]
    flat = np.full(len(raw.symbols), np.nan)
    flat[places[::-1]] = values[::-1]  # a symbol that was filled in for others counts once
    if isinstance(df, pd.Series):
        return native.like(pd.Series(flat, index=df.index, name=name))
    if len(flat) == len(df) and how.columns.target in df.columns:
        own = [how.columns.id, how.columns.time, how.columns.target]
        kept = [column for column in df.columns if column in own]
        return native.like(df[kept].assign(**{name: flat}))
    matrix = flat.reshape(df.shape[1], -1).T
    return native.like(pd.DataFrame(matrix, index=df.index, columns=df.columns))


def stamps_of_frame(df: Any, how: SymbolSpec, panel: Panel) -> History:
    """When the symbols of a panel were that was read of a frame.

    Parameters
    ----------
    df : Series or DataFrame
    how : SymbolSpec
    panel : Panel
        Of the layout of what was read.
    """
    return read_history(_column_of(df, how.columns).frame, how.of_frame(), panel.frequency)


def symbol_curves(df: Any, columns: Columns) -> dict[Any, pd.Series]:
    """The symbols of each series by its id, as `curves` has numbers."""
    raw = _column_of(df, columns)
    symbols = raw.symbols.to_numpy()
    return {
        name: pd.Series(symbols[places.to_numpy().astype(np.int64)], index=places.index)
        for name, places in curves(raw.frame, columns).items()
    }


def _column_of(df: Any, columns: Columns) -> _Column:
    """Put positions in the place of symbols, which a reader of numbers can read."""
    df = opened(df).by(columns)
    if isinstance(df, pd.Series):
        symbols, places = df, df.isna()
        frame: Any = _positions(places, df.index)
        frame.name = df.name
        return _Column(frame, plain(symbols), (df.dtype,))
    if isinstance(df.index, pd.MultiIndex) or columns.time in df.columns:
        if columns.target not in df.columns:
            return _Column(df, pd.Series(dtype=object), (np.dtype(object),))
        symbols = df[columns.target]
        frame = df.copy(deep=False)
        frame[columns.target] = _positions(symbols.isna(), df.index)
        return _Column(frame, plain(symbols), (symbols.dtype,))
    if not _may_be_wide(df):
        return _Column(df, pd.Series(dtype=object), (np.dtype(object),))
    places = pd.concat([column for _, column in df.items()], ignore_index=True)
    matrix = np.where(places.isna(), np.nan, np.arange(len(places))).reshape(df.shape[1], -1).T
    frame = pd.DataFrame(matrix, index=df.index, columns=df.columns)
    return _Column(frame, plain(places), tuple(df.dtypes))


def _may_be_wide(df: pd.DataFrame) -> bool:
    """Whether the index says when, so that each column is a series; else the reader will tell."""
    named = isinstance(df.index, pd.DatetimeIndex | pd.PeriodIndex) or df.index.name is not None
    return bool(df.shape[1]) and (
        named or all(pd.api.types.is_numeric_dtype(dtype) for dtype in df.dtypes)
    )


def _positions(missing: pd.Series, index: pd.Index) -> pd.Series:
    places = np.where(missing.to_numpy(), np.nan, np.arange(len(missing)))
    return pd.Series(places, index=index)


def _encoded(raw: _Column, vocabulary: Vocabulary) -> Codes:
    numbers, symbols = pd.factorize(raw.symbols)
    known = pd.Index(symbols)
    vocabulary.check_kind(known, "it")
    return np.append(vocabulary.encode(known), vocabulary.unknown).astype(vocabulary.dtype)[numbers]


def _ends_of(panel: Panel) -> Panel:
    """The last row of each series, in place of whose symbol stands a number of its own."""
    last = panel.tail(1)
    return replace(last, values=np.full(len(last.values), float(_BEFORE)))


def _with_dtypes(panel: Panel, dtypes: tuple[Any, ...]) -> Panel:
    """The panel with a layout that writes symbols, in the dtypes that they came in."""
    kept = tuple(_symbol_dtype(dtype) for dtype in dtypes)
    is_wide = "dtypes" in panel.layout.__dataclass_fields__
    changed: dict[str, Any] = {"dtypes": kept} if is_wide else {"target_dtype": kept[0]}
    return replace(panel, layout=replace(panel.layout, **changed))


def _symbol_dtype(dtype: Any) -> Any:
    """Of narrow floats the widest, since forecasts of those are widened as they need."""
    return np.dtype(np.float64) if pd.api.types.is_float_dtype(dtype) else dtype


# --- texts and lists -----------------------------------------------------------------------------


class _Numbers:
    """Symbols by numbers in the order in which they come first, and how often each came."""

    def __init__(self) -> None:
        self.chunks: list[Codes] = []
        self.are_points = False
        self._number: dict[Hashable, int] = {}
        self.counts: IntArray = np.zeros(0, dtype=np.int64)
        """Of all symbols, (symbols,)."""

    def symbols(self, *, as_characters: bool) -> pd.Index:
        """In the order of their numbers."""
        found: list[Any] = list(self._number)
        return pd.Index(
            list(map(chr, found)) if as_characters else found, dtype=object, tupleize_cols=False
        )

    def add(self, symbols: Any, where: str = "") -> None:
        """Take in an array of them."""
        numbers, different = pd.factorize(symbols)
        if len(numbers) and numbers.min() < 0:
            missing = int(np.flatnonzero(numbers < 0)[0])
            raise FrameError([f"a symbol is missing ({missing} symbols into {where}): drop it"])
        known = self._number
        own = np.array([known.setdefault(each, len(known)) for each in different], dtype=np.int64)
        dtype = dtype_of_codes(max(len(known), 1))
        chunk = own.astype(dtype)[numbers]
        self.chunks.append(chunk)
        counts = np.bincount(chunk, minlength=len(known))
        counts[: len(self.counts)] += self.counts
        self.counts = counts

    def read_texts(self, texts: Iterable[Any], unit: Unit) -> IntArray:
        """Take in texts; how many symbols each has."""
        self.are_points = unit == "character"
        lengths, waiting, size = [], list[str](), 0
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise FrameError([f"item {number} is a {type(text).__name__}, not text: "
                                  f"{written(text)}"])  # fmt: skip
            count = 0
            for part in _parts(text, unit):
                symbols = part if unit == "character" else part.split()
                count += len(symbols)
                waiting.extend([part] if unit == "character" else symbols)
                size += len(symbols)
                if size >= _AT_ONCE:
                    self._flush(waiting)
                    waiting, size = [], 0
            lengths.append(count)
        self._flush(waiting)
        return np.array(lengths, dtype=np.int64)

    def _flush(self, waiting: list[str]) -> None:
        if not waiting:
            return
        if self.are_points:
            points = "".join(waiting).encode("utf-32-le", "surrogatepass")
            self.add(np.frombuffer(points, dtype="<u4"))
        else:
            self.add(np.array(waiting, dtype=object))

    def read_lists(self, lists: Iterable[Any]) -> IntArray:
        """Take in lists of symbols; how many each has."""
        lengths = []
        waiting: list[Any] = []
        for number, each in enumerate(lists):
            if isinstance(each, str) or not pd.api.types.is_list_like(each):
                raise FrameError(
                    [f"item {number} is {written(each)}, not a list of symbols: one sequence is a "
                     "list of one list, [symbols]"]
                )  # fmt: skip
            symbols = list(each)
            lengths.append(len(symbols))
            waiting.extend(symbols)
            if len(waiting) >= _AT_ONCE:
                self.add(_objects(waiting), f"the lists up to number {number}")
                waiting = []
        self.add(_objects(waiting), "the last lists")
        return np.array(lengths, dtype=np.int64)


def _objects(symbols: list[Any]) -> Any:
    """An array of them, whatever they are: tuples are symbols, too."""
    try:
        hash(tuple(symbols))
    except TypeError:
        odd = next(each for each in symbols if not _has_hash(each))
        raise FrameError(
            [f"a {type(odd).__name__} can't be a symbol: {written(odd)}; text, numbers and tuples "
             "of them can"]
        ) from None  # fmt: skip
    return np.fromiter(symbols, dtype=object, count=len(symbols))


def _has_hash(value: Any) -> bool:
    """Whether it and, if it is a tuple, all in it have one."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _first_of(data: Any) -> tuple[Any, Iterator[Any]]:
    """The first of several sequences, which says what they are, and an iterator over all."""
    if not isinstance(data, Iterable) or isinstance(data, bytes | dict):
        raise TypeError(
            f"expected a frame, text, texts or lists of symbols, got {type(data).__name__}"
        )
    items = iter(data)
    for first in items:
        return first, _chained(first, items)
    raise FrameError(["there is no sequence in it: an empty list"])


def _chained(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _parts(text: str, unit: Unit) -> Iterator[str]:
    """A long text in parts, cut between words where they count."""
    start = 0
    while start < len(text):
        stop = min(start + _AT_ONCE, len(text))
        while unit == "word" and stop < len(text) and not text[stop].isspace():
            stop += 1
        yield text[start:stop]
        start = stop


def _is_one(layout: FrameSymbols | TextSymbols | ListSymbols) -> bool:
    """Whether sequences go on after their last symbol: those of frames, and a text alone."""
    return isinstance(layout, FrameSymbols) or not layout.several
