"""Scores of generated sequences of symbols: pure functions on texts and on lists of symbols.

A sequence is a text, whose symbols are its characters, or a list, tuple or array of symbols.
Several are given as a list of them, in the order of their references; a text alone is one
sequence, and a list of symbols alone is to be wrapped: ``[[60, 62, 64]]``. Characters are code
points, so that a letter and a combining accent are two.

`bleu` and `chrf` give what sacreBLEU [1]_ gives for one reference a sequence. That package brings
lxml, regex and four more along, for files and languages that are of no concern here.

References
----------
.. [1] Post: A call for clarity in reporting BLEU scores. WMT 2018.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.evaluation.metrics import mean_known, over_scale

__all__ = [
    "bits_per_symbol",
    "bleu",
    "chrf",
    "edit_distance",
    "perplexity",
    "sequence_accuracy",
    "word_error_rate",
]

Symbols = Sequence[Hashable]
Sequences = str | Iterable[Symbols]

_BLEU_ORDER = 4
_CHRF_ORDER = 6
_CELLS = 1 << 20
"""Of the tables of edit distances that are filled in at once."""
_ROUNDING = 1e-3
"""How far above 0 a log-likelihood in single precision may come to lie."""


# ------------------------------------------------------------------------------------ equal or not


def sequence_accuracy(y_true: Sequences, y_pred: Sequences) -> float:
    """Share of sequences that are right in every symbol.

    Parameters
    ----------
    y_true, y_pred : str, or sequence of N texts or lists of symbols
        Observed and generated sequences.

    Returns
    -------
    float
        0 to 1; NaN of no sequences.

    Examples
    --------
    >>> from tsgen.metrics import sequence_accuracy
    >>> sequence_accuracy(["AH0", "EY1"], ["AH0", "EY2"])
    0.5
    """
    pairs = _pairs(y_true, y_pred)
    right = sum(tuple(true) == tuple(pred) for true, pred in pairs)
    return right / len(pairs) if pairs else float("nan")


def edit_distance(y_true: Sequences, y_pred: Sequences) -> IntArray:
    """Levenshtein distance [1]_: the least number of symbols to insert, delete or replace.

    Parameters
    ----------
    y_true, y_pred : str, or sequence of N texts or lists of symbols
        Observed and generated sequences.

    Returns
    -------
    ndarray of shape () or (N,)
        One number a pair; of two texts a scalar.

    References
    ----------
    .. [1] Levenshtein: Binary codes capable of correcting deletions, insertions, and reversals.
       Soviet Physics Doklady 10(8), 1966.

    Examples
    --------
    >>> from tsgen.metrics import edit_distance
    >>> int(edit_distance("kitten", "sitting"))
    3
    >>> edit_distance([["idle", "load", "run"], ["idle"]], [["idle", "run"], ["idle"]])
    array([1, 0])
    """
    distances = _distances(_pairs(y_true, y_pred))
    alone = isinstance(y_true, str) and isinstance(y_pred, str)
    return distances.reshape(()) if alone else distances


def word_error_rate(y_true: Sequences, y_pred: Sequences) -> float:
    """Edits by words over all sequences, divided by the words of the observed ones.

    Parameters
    ----------
    y_true, y_pred : str, or sequence of N texts or lists of words
        Observed and generated sequences; texts are split at white space.

    Returns
    -------
    float
        0 and up, above 1 where too much was generated; ``inf`` where there should be no word.

    Examples
    --------
    >>> from tsgen.metrics import word_error_rate
    >>> word_error_rate(["speak speak", "we know it"], ["speak", "we know it"])
    0.2
    """
    pairs = [(_split(true), _split(pred)) for true, pred in _pairs(y_true, y_pred)]
    return float(over_scale(_distances(pairs).sum(), sum(len(true) for true, _ in pairs)))


# ------------------------------------------------------------------------------ common subsequences


def bleu(y_true: Sequences, y_pred: Sequences) -> float:
    """BLEU of a corpus [1]_, 0 to 100, as sacreBLEU computes it (``smooth:exp``, ``tok:13a``).

    The geometric mean of the shares of generated n-grams, n from 1 to 4, that the observed
    sequences have, over the corpus; less where less was generated than observed.

    Parameters
    ----------
    y_true, y_pred : str, or sequence of N texts or lists of words
        Observed and generated sequences. Texts are split into words and punctuation by the rules of
        mteval-v13a; lists are taken as they are.

    Returns
    -------
    float

    See Also
    --------
    chrf : Which needs no words, and is fairer to short texts.

    References
    ----------
    .. [1] Papineni, Roukos, Ward, Zhu: BLEU: a method for automatic evaluation of machine
       translation. ACL 2002.

    Examples
    --------
    >>> from tsgen.metrics import bleu
    >>> round(bleu(["Before we proceed, hear me speak."], ["Before we go, hear me speak."]), 1)
    59.5
    """
    pairs = [(_words(true), _words(pred)) for true, pred in _pairs(y_true, y_pred)]
    length, generated = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    _, total, correct = _matches(pairs, _BLEU_ORDER).sum(axis=0).T.tolist()
    if not correct[0] or not all(total):
        return 0.0
    precisions, halved = [], 1.0
    for right, of in zip(correct, total, strict=True):
        if not right:  # a half, then a quarter, … of one that is right
            halved /= 2
        precisions.append((right or halved) / of)
    brevity = min(0.0, 1 - length / generated)
    return float(100 * np.exp(brevity + np.mean(np.log(precisions))))


def chrf(y_true: str | Iterable[str], y_pred: str | Iterable[str]) -> float:
    """Character n-gram F-score of a corpus [1]_, 0 to 100: chrF2 as sacreBLEU computes it.

    Precision and recall of n-grams of characters, averaged over n from 1 to 6, white space left
    out; recall counts twice as much.

    Parameters
    ----------
    y_true, y_pred : str, or sequence of N texts
        Observed and generated texts.

    Returns
    -------
    float

    References
    ----------
    .. [1] Popović: chrF: character n-gram F-score for automatic MT evaluation. WMT 2015.

    Examples
    --------
    >>> from tsgen.metrics import chrf
    >>> round(chrf(["hear me speak"], ["hear me sneak"]), 1)
    60.6
    """
    pairs = [
        (_without_spaces(true), _without_spaces(pred))
        for true, pred in _pairs(y_true, y_pred, accepts=_text)
    ]
    counts = _matches(pairs, _CHRF_ORDER)
    counts[..., 1] *= counts[..., 0] > 0  # a text too short for an n-gram is left out at that n
    observed, generated, correct = counts.sum(axis=0).T
    there = (observed > 0) & (generated > 0)
    if not correct.any():
        return 0.0
    precision = np.mean(correct[there] / generated[there])
    recall = np.mean(correct[there] / observed[there])
    return float(100 * 5 * precision * recall / (4 * precision + recall))


# --------------------------------------------------------------------------------- log-likelihoods


def bits_per_symbol(log_likelihood: npt.ArrayLike) -> FloatArray:
    """How many bits a symbol costs, on average, of those that a model gave likelihoods to.

    Parameters
    ----------
    log_likelihood : array-like of shape (T,) or (N, T)
        Natural logarithm of the likelihood of each symbol. NaN are left out, so that sequences of
        several lengths fit into one array.

    Returns
    -------
    ndarray of shape () or (N,)
        0 for a model that is always sure and right, ``log2(V)`` for one that guesses.

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.metrics import bits_per_symbol
    >>> float(bits_per_symbol(np.log([0.5, 0.125])))
    2.0
    """
    return np.asarray(_surprisal(log_likelihood) / np.log(2.0))


def perplexity(log_likelihood: npt.ArrayLike) -> FloatArray:
    """Among how many equally likely symbols a model would be as unsure: ``2 ** bits_per_symbol``.

    Parameters
    ----------
    log_likelihood : array-like of shape (T,) or (N, T)
        Natural logarithm of the likelihood of each symbol; NaN are left out.

    Returns
    -------
    ndarray of shape () or (N,)
        1 and up.

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.metrics import perplexity
    >>> float(perplexity(np.log([0.5, 0.125])))
    4.0
    """
    with np.errstate(over="ignore"):
        return np.asarray(np.exp2(bits_per_symbol(log_likelihood)))


def _surprisal(log_likelihood: npt.ArrayLike) -> FloatArray:
    """The mean of ``-log p`` over the known symbols, in nats."""
    given = np.asarray(log_likelihood, dtype=np.float64)
    if given.ndim == 0:
        raise ValueError(f"log_likelihood={written(log_likelihood)}: expected one number a symbol")
    if (given > _ROUNDING).any():
        raise ValueError(
            f"log_likelihood holds {np.nanmax(given):g}: expected logarithms of likelihoods, 0 or "
            "less; of likelihoods themselves give np.log(likelihood)"
        )
    return mean_known(0.0 - np.minimum(given, 0.0), given)


# ---------------------------------------------------------------------------------------- sequences


def _any_sequence(value: object) -> Symbols | None:
    """A text or the symbols of a list, tuple, array or Series; None for anything else."""
    if isinstance(value, str):
        return value
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, bytes) else None


def _text(value: object) -> Symbols | None:
    return value if isinstance(value, str) else None


def _pairs(
    y_true: object,
    y_pred: object,
    accepts: Callable[[object], Symbols | None] = _any_sequence,
) -> list[tuple[Symbols, Symbols]]:
    """What was observed beside what was generated; texts as texts, all else as tuples."""
    true, pred = _checked(y_true, "y_true", accepts), _checked(y_pred, "y_pred", accepts)
    if len(true) != len(pred):
        raise ValueError(
            f"y_true holds {len(true)} sequences and y_pred {len(pred)}: expected one prediction "
            "for each"
        )
    return list(zip(true, pred, strict=True))


def _checked(
    value: object, name: str, accepts: Callable[[object], Symbols | None]
) -> list[Symbols]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Iterable):
        raise ValueError(f"{name}={written(value)}: expected a text or a list of sequences")
    found = []
    for place, one in enumerate(given):
        sequence = accepts(one)
        if sequence is None:
            what = "a text" if accepts is _text else "a text or a list of symbols"
            raise ValueError(
                f"{name}[{place}] is {written(one)}: expected {what} for each sequence; a single "
                f"sequence goes into a list, as in {name}=[sequence]"
            )
        found.append(sequence)
    return found


def _split(symbols: Symbols) -> Symbols:
    return symbols.split() if isinstance(symbols, str) else symbols


def _without_spaces(text: Symbols) -> str:
    return "".join(map(str, _split(text)))


# ------------------------------------------------------------------------------------ n-gram counts

_PUNCTUATION = re.compile(f"((?![',.-])[{re.escape(string.punctuation)}])")
_STOP_BEHIND_NO_DIGIT = re.compile(r"([^0-9])([.,])")
_STOP_BEFORE_NO_DIGIT = re.compile(r"([.,])([^0-9])")
_DASH_BEHIND_DIGIT = re.compile(r"([0-9])(-)")
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}


def _words(symbols: Symbols) -> Symbols:
    """A text's words and punctuation, by the rules of mteval-v13a; lists as they are."""
    if not isinstance(symbols, str):
        return symbols
    text = symbols.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES.items():  # "&amp;" before the two that it may begin
        text = text.replace(entity, character)
    text = _PUNCTUATION.sub(r" \1 ", f" {text} ")
    text = _STOP_BEHIND_NO_DIGIT.sub(r"\1 \2 ", text)
    text = _STOP_BEFORE_NO_DIGIT.sub(r" \1 \2", text)
    return _DASH_BEHIND_DIGIT.sub(r"\1 \2 ", text).split()


def _matches(pairs: Sequence[tuple[Symbols, Symbols]], order: int) -> IntArray:
    """N-grams that were observed, generated, and both; shape (N, order, 3)."""
    counts = np.zeros((len(pairs), order, 3), dtype=np.int64)
    for place, (true, pred) in enumerate(pairs):
        for n in range(1, order + 1):
            observed, generated = _ngrams(true, n), _ngrams(pred, n)
            both = (observed & generated).total()
            counts[place, n - 1] = observed.total(), generated.total(), both
    return counts


def _ngrams(symbols: Symbols, n: int) -> Counter[Hashable]:
    if isinstance(symbols, str):
        return Counter(symbols[start : start + n] for start in range(len(symbols) - n + 1))
    return Counter(zip(*(symbols[start:] for start in range(n)), strict=False))


# ----------------------------------------------------------------------------------- edit distances


def _distances(pairs: Sequence[tuple[Symbols, Symbols]]) -> IntArray:
    """The edit distance of each pair, shape (N,)."""
    codes: dict[Hashable, int] = {}
    for symbol in chain.from_iterable(chain.from_iterable(pairs)):
        codes.setdefault(symbol, len(codes))
    distances = np.zeros(len(pairs), dtype=np.int64)
    for block in _blocks([max(map(len, pair)) for pair in pairs]):
        true, pred = (
            [np.array([codes[symbol] for symbol in pairs[place][side]], dtype=np.int64)
             for place in block] for side in (0, 1)
        )  # fmt: skip
        distances[block] = _block_distances(true, pred)
    return distances


def _blocks(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of pairs of about the same length, as many as fit into memory at once."""
    block: list[int] = []
    for place in np.argsort(lengths, kind="stable").tolist():
        if block and (len(block) + 1) * (lengths[place] + 1) > _CELLS:
            yield block
            block = []
        block.append(place)
    if block:
        yield block


def _block_distances(true: list[IntArray], pred: list[IntArray]) -> IntArray:
    """Fill in the tables of all pairs at once, a row for each symbol of `true`; shape (B,).

    Within a row, an insertion costs one more than the cell to the left: with the column's number
    taken off, each cell is the least of those up to it.
    """
    rows, across = _padded(true, -1), _padded(pred, -2)
    columns = np.arange(across.shape[1] + 1, dtype=np.int32)  # half of what passes through memory
    last, end = np.array([len(one) for one in true]), np.array([len(one) for one in pred])
    row = np.tile(columns, (len(true), 1))
    distances = end.copy()
    for step in range(rows.shape[1]):
        replaced = row[:, :-1] + (across != rows[:, step, None])
        np.minimum(row[:, 1:] + 1, replaced, out=row[:, 1:])
        row[:, 0] = step + 1
        row = np.minimum.accumulate(row - columns, axis=1) + columns
        ended = last == step + 1
        distances[ended] = row[ended, end[ended]]
    return distances


def _padded(sequences: list[IntArray], filler: int) -> IntArray:
    """Under each other, shape (B, T)."""
    table = np.full((len(sequences), max(map(len, sequences))), filler, dtype=np.int64)
    for place, sequence in enumerate(sequences):
        table[place, : len(sequence)] = sequence
    return table
