"""The symbols of sequences and their codes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, IntArray
from tsgen.data.covariates import kind_of_categories
from tsgen.errors import FrameError, SettingError

__all__ = ["MOST_SYMBOLS", "Codes", "Vocabulary", "dtype_of_codes"]

Codes: TypeAlias = npt.NDArray[Any]
"""Of symbols, in the smallest dtype that holds them: see `dtype_of_codes`."""

MOST_SYMBOLS = 200_000
"""Of a vocabulary: a network has a score for each of them at every step."""


def dtype_of_codes(count: int) -> np.dtype[Any]:
    """The smallest dtype of numpy and torch for codes below ``count``.

    Examples
    --------
    >>> from tsgen.data.vocabulary import dtype_of_codes
    >>> dtype_of_codes(256), dtype_of_codes(257)
    (dtype('uint8'), dtype('int16'))
    """
    kinds = (np.uint8, np.int16, np.int32)
    return next(np.dtype(kind) for kind in kinds if count - 1 <= np.iinfo(kind).max)


@dataclass(frozen=True)
class Vocabulary:
    """The symbols that a model knows, and one for all others.

    The code of a symbol is its place in ``symbols``; after them come that of unknown symbols and,
    where sequences end with one, that of the stop symbol.

    Attributes
    ----------
    symbols : Index
        Sorted where they can be, else in the order in which they came.
    stops : bool, default False
        Whether sequences end with a stop symbol.
    folded : int, default 0
        How many symbols were too rare to be known.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data import Vocabulary
    >>> vocabulary = Vocabulary.of(pd.Index(["b", "a", "x"]), [3, 2, 1], min_count=2)
    >>> vocabulary.encode(pd.Index(["a", "b", "x", "never seen"]))
    array([0, 1, 2, 2])
    """

    symbols: pd.Index
    stops: bool = False
    folded: int = 0

    @classmethod
    def of(
        cls, found: pd.Index, counts: Any, *, min_count: int = 1, stops: bool = False
    ) -> Vocabulary:
        """Of the symbols that were found, each once, and how often each was.

        Raises
        ------
        FrameError
            If none is left, or too many are.
        """
        counts = np.asarray(counts)
        kept = _in_order(found[counts >= min_count])
        if not len(kept):
            raise FrameError(
                [f"none of the {len(found):,} symbols comes {min_count} times or more: lower "
                 "min_count"]
            )  # fmt: skip
        if len(kept) > MOST_SYMBOLS:
            raise FrameError([_too_many(kept, counts)])
        return cls(kept, stops, len(found) - len(kept))

    def with_more(self, symbols: pd.Index) -> Vocabulary:
        """The same with further symbols after those that are known."""
        new = _in_order(symbols[self.symbols.get_indexer(symbols) < 0])
        if len(self.symbols) + len(new) > MOST_SYMBOLS:
            raise FrameError(
                [f"with {len(new):,} new symbols there are more than the {MOST_SYMBOLS:,} that a "
                 "network can have scores for: fit without init=, and with a larger min_count"]
            )  # fmt: skip
        return replace(self, symbols=self.symbols.append(new)) if len(new) else self

    def __len__(self) -> int:
        """V, the codes that there are."""
        return len(self.symbols) + 1 + self.stops

    @property
    def unknown(self) -> int:
        """The code of all symbols that aren't known."""
        return len(self.symbols)

    @property
    def stop(self) -> int | None:
        """The code of the stop symbol, if there is one."""
        return len(self.symbols) + 1 if self.stops else None

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of codes."""
        return dtype_of_codes(len(self))

    def encode(self, symbols: pd.Index) -> IntArray:
        """The codes of symbols (n,)."""
        codes = self.symbols.get_indexer(symbols)
        return np.where(codes < 0, self.unknown, codes).astype(np.int64)

    def decode(self, codes: Codes) -> pd.Index:
        """And back; what is unknown, or a stop, is ``None``."""
        known = np.append(self.symbols.astype(object).to_numpy(), [None] * (1 + self.stops))
        return pd.Index(known[codes], dtype=object, tupleize_cols=False)

    def check_kind(self, symbols: pd.Index, what: str) -> None:
        """Refuse symbols of another kind than those that are known, of which none would be.

        Raises
        ------
        FrameError
        """
        kind, expected = kind_of_categories(symbols), kind_of_categories(self.symbols)
        if kind != expected and None not in (kind, expected):
            raise FrameError(
                [f"{what} holds {kind}, such as {written(symbols[0])}, but {expected} in fit: "
                 "convert it, lest every symbol counts as one that fit hasn't seen"]
            )  # fmt: skip

    def which(self, wanted: Any, argument: str) -> BoolArray:
        """Which codes (V,) a caller means by a symbol, a set of them, or a function of one.

        Raises
        ------
        SettingError
            If a symbol isn't known.
        """
        chosen = np.zeros(len(self), dtype=np.bool_)
        if callable(wanted):
            chosen[: self.unknown] = [bool(wanted(symbol)) for symbol in self.symbols]
            return chosen
        several = isinstance(wanted, set | frozenset | list)
        items = list(wanted) if several else [wanted]
        hashable = [item if isinstance(item, Hashable) else None for item in items]
        codes = self.encode(pd.Index(hashable, dtype=object, tupleize_cols=False))
        for symbol, code in zip(items, codes, strict=True):
            if code == self.unknown:
                raise SettingError(
                    f"{argument}={written(wanted)}: {written(symbol)} is none of the symbols of "
                    "fit; expected one of them, a set of them, or a function of a symbol"
                )
        chosen[codes] = True
        return chosen


def _in_order(symbols: pd.Index) -> pd.Index:
    try:
        return symbols.sort_values()
    except TypeError:  # of kinds that have no order among them
        return symbols


def _too_many(symbols: pd.Index, counts: IntArray) -> str:
    descending = np.sort(counts)[::-1]
    enough = int(descending[MOST_SYMBOLS]) + 1
    left = int((counts >= enough).sum())
    return (
        f"there are {len(symbols):,} different symbols, more than the {MOST_SYMBOLS:,} that a "
        f"network can have scores for: with min_count={enough} {left:,} are left, and the others "
        "are one"
    )
