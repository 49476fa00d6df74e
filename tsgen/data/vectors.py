"""Vectors of symbols that were learned elsewhere: of a frame, or of a file of word2vec or GloVe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen.data.vocabulary import Vocabulary
from tsgen.errors import SettingError

__all__ = ["read_vectors"]


def read_vectors(source: Any, vocabulary: Vocabulary, name: str = "embeddings") -> FloatArray:
    """The vectors of a vocabulary's codes, (V, width); NaN for those that have none.

    Parameters
    ----------
    source : DataFrame or path
        A row of numbers for each symbol, which is the index; or a text file with a line for each,
        the symbol and its numbers with blanks between, with or without a first line of two counts.
        Of a file no more is kept than the vocabulary needs.
    vocabulary : Vocabulary
    name : str, default "embeddings"
        What messages call the argument that has the vectors.

    Raises
    ------
    SettingError
        If there are no such vectors, or none of a symbol that is known.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data import Vocabulary, read_vectors
    >>> vectors = pd.DataFrame([[0.0, 1.0], [2.0, 3.0]], index=["b", "c"])
    >>> read_vectors(vectors, Vocabulary(pd.Index(["a", "b"])))
    array([[nan, nan],
           [ 0.,  1.],
           [nan, nan]])
    """
    if isinstance(source, pd.DataFrame):
        found = _of_frame(source, vocabulary, name)
    elif isinstance(source, str | os.PathLike):
        found = _of_file(Path(source), vocabulary, name)
    else:
        raise SettingError(
            f"{name}={written(source)}: expected a frame of numbers with the symbols as its "
            "index, or the path of a file of word2vec or GloVe in text form"
        )
    missing = np.isnan(found)
    if partly := np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1)).tolist():
        raise SettingError(
            f"{name}=: the vector of {written(vocabulary.symbols[partly[0]])} has missing "
            "numbers; fill them, or leave the symbol out"
        )
    if missing.all():
        raise SettingError(
            f"{name}= has none of the {len(vocabulary.symbols):,} symbols of fit, such as "
            f"{written(vocabulary.symbols[0])}: are they written alike?"
        )
    return found


def _of_frame(frame: pd.DataFrame, vocabulary: Vocabulary, name: str) -> FloatArray:
    if not frame.shape[1] or not all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        raise SettingError(f"{name}=: expected a frame with columns of numbers alone")
    first = frame[~frame.index.duplicated()]
    found = np.full((len(vocabulary), frame.shape[1]), np.nan)
    places = first.index.get_indexer(vocabulary.symbols)
    there = np.flatnonzero(places >= 0)
    found[there] = first.to_numpy(dtype=np.float64)[places[there]]
    if np.isinf(found).any():
        raise SettingError(f"{name}= has infinite numbers: replace them")
    return found


def _of_file(path: Path, vocabulary: Vocabulary, name: str) -> FloatArray:
    where = f"{name}={written(str(path))}"
    if not path.is_file():
        raise SettingError(f"{where}: there is no such file")
    wanted = {str(symbol): code for code, symbol in enumerate(vocabulary.symbols)}
    vectors: dict[int, FloatArray] = {}
    width = None
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file):
            parts = line.rstrip("\n").rstrip(" ").split(" ")
            if number == 0 and len(parts) == 2:  # counts, as word2vec writes them
                width = int(parts[1]) if parts[1].isdigit() else None
                continue
            width = len(parts) - 1 if width is None else width
            code = wanted.get(" ".join(parts[:-width]))
            if code is not None and code not in vectors:
                vectors[code] = _numbers(parts[-width:], f"{where}: line {number + 1}")
    found = np.full((len(vocabulary), width or 1), np.nan)
    for code, vector in vectors.items():
        found[code] = vector
    return found


def _numbers(parts: list[str], where: str) -> FloatArray:
    try:
        numbers = np.array(parts, dtype=np.float64)
    except ValueError:
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise SettingError(f"{where} isn't a symbol and its numbers: {written(' '.join(parts))}")
    return numbers
