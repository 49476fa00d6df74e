"""Models of symbols that are counted: n-grams by Kneser and Ney, Markov chains with add-k.

Both give the probability of a symbol after the ``order - 1`` symbols before it. A symbol that
training has not seen is one more, the same for all of them. Sequences begin at a mark of their own,
so that first symbols are learned as such; there is no mark at their end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tsgen.metrics import bits_per_symbol

Array = npt.NDArray[np.float64]
Symbols = Sequence[Hashable]
Context = tuple[Hashable, ...]
Followers = Mapping[Context, Counter[Hashable]]
"""By context, the symbols that followed it and a count of each."""


START: Hashable = object()
"""Stands before the first symbol of a sequence."""
_DISCOUNT = 0.5
"""Where counts are too few to tell."""


class Model(Protocol):
    """What is scored."""

    @property
    def order(self) -> int:
        """One more than the symbols that are looked back on."""

    def probability(self, symbol: Hashable, context: Context) -> float:
        """Of a symbol after the last ``order - 1``, of which `START` may be the first."""


@dataclass(frozen=True)
class AddK:
    """A Markov chain: counts of what followed a context, with k added to each.

    Attributes
    ----------
    followers : mapping
        Of the contexts of training.
    order : int
    symbols : int
        V, with the one that stands for those never seen.
    k : float
    """

    followers: Followers
    order: int
    symbols: int
    k: float

    @classmethod
    def fit(cls, sequences: Iterable[Symbols], order: int, k: float = 0.1) -> AddK:
        """Count."""
        counts = _counts(sequences, order)
        return cls(counts, order, len(counts[()]) + 1, k)

    def probability(self, symbol: Hashable, context: Context) -> float:
        """``(count + k) / (all counts + k V)``."""
        found = self.followers.get(context, Counter())
        return (found[symbol] + self.k) / (found.total() + self.k * self.symbols)


@dataclass(frozen=True)
class KneserNey:
    """An n-gram model with absolute discounts, interpolated with all shorter contexts [1]_.

    Shorter contexts count in how many places a symbol follows, instead of how often: "Francisco" is
    frequent, but only ever comes after "San". The shortest is mixed with equal chances for all.

    Attributes
    ----------
    followers : mapping
        Counts of the longest contexts and of those that begin with `START`, numbers of different
        symbols before all others.
    order : int
    symbols : int
        V, with the one that stands for those never seen.
    discounts : tuple of float
        By the length of the context.

    References
    ----------
    .. [1] Kneser, Ney: Improved backing-off for m-gram language modeling. ICASSP 1995; interpolated
       as in Chen, Goodman: An empirical study of smoothing techniques for language modeling.
       Computer Speech and Language 13(4), 1999.
    """

    followers: Followers
    order: int
    symbols: int
    discounts: tuple[float, ...]

    @classmethod
    def fit(cls, sequences: Iterable[Symbols], order: int) -> KneserNey:
        """Count, and choose the discounts by how many counts are one and two."""
        counts = _counts(sequences, order)
        followers = {
            context: found
            for context, found in counts.items()
            if len(context) == order - 1 or context[:1] == (START,)
        }
        for context, found in counts.items():
            if context:
                followers.setdefault(context[1:], Counter()).update(found.keys())
        return cls(followers, order, len(counts[()]) + 1, _discounts(followers, order))

    def probability(self, symbol: Hashable, context: Context) -> float:
        """From the shortest context to the longest that was seen."""
        chance = 1 / self.symbols
        for length in range(len(context) + 1):
            found = self.followers.get(context[len(context) - length :])
            if not found:
                break
            discount = self.discounts[length]
            kept = max(found[symbol] - discount, 0.0)
            chance = (kept + discount * len(found) * chance) / found.total()
        return chance


def log_likelihood(model: Model, sequence: Symbols) -> Array:
    """Of each symbol after those before it, in nats; shape (T,)."""
    chances = [
        model.probability(symbol, context) for context, symbol in _steps(sequence, model.order - 1)
    ]
    return np.log(chances)


def bits(model: Model, sequences: Iterable[Symbols]) -> float:
    """Per symbol, over all sequences."""
    return float(bits_per_symbol(np.concatenate([log_likelihood(model, one) for one in sequences])))


def models(sequences: Sequence[Symbols], orders: Iterable[int]) -> dict[str, Model]:
    """All baselines, by name, counted from the same sequences."""
    found: dict[str, Model] = {}
    for order in orders:
        found[f"{order}-gram, Kneser-Ney"] = KneserNey.fit(sequences, order)
        for k in (0.01, 0.1, 1.0):
            found[f"Markov of order {order - 1}, add {k:g}"] = AddK.fit(sequences, order, k)
    return found


def repeated(
    sequences: Iterable[Symbols], training: Iterable[Symbols], length: int = 16
) -> list[bool]:
    """Which sequences have that many symbols in a row that one of the training has, too.

    What such a sequence costs says how well a model has learned by heart.
    """
    known = {run for one in training for run in _runs(one, length)}
    return [not known.isdisjoint(_runs(one, length)) for one in sequences]


def _runs(sequence: Symbols, length: int) -> Iterator[Context]:
    """All that is `length` symbols long."""
    return zip(*(sequence[start:] for start in range(length)), strict=False)


def _steps(sequence: Symbols, length: int) -> Iterator[tuple[Context, Hashable]]:
    """Each symbol with up to `length` before it, `START` among them."""
    marked = (START, *sequence)
    for place in range(1, len(marked)):
        yield marked[max(place - length, 0) : place], marked[place]


def _counts(sequences: Iterable[Symbols], order: int) -> Followers:
    """How often symbols followed contexts of 0 to ``order - 1`` symbols."""
    counts: defaultdict[Context, Counter[Hashable]] = defaultdict(Counter)
    for sequence in sequences:
        for context, symbol in _steps(sequence, order - 1):
            for start in range(len(context) + 1):
                counts[context[start:]][symbol] += 1
    if not counts:
        raise ValueError("sequences hold no symbol: expected one or more to count")
    return dict(counts)


def _discounts(followers: Followers, order: int) -> tuple[float, ...]:
    """n1 / (n1 + 2 n2) of the counts that are 1 and 2, by the length of the context."""
    of = [Counter[int]() for _ in range(order)]
    for context, found in followers.items():
        of[len(context)].update(found.values())
    return tuple(
        counts[1] / (counts[1] + 2 * counts[2]) if counts[1] else _DISCOUNT for counts in of
    )
