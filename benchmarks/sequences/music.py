"""How well the next note of a chorale is predicted: bits per step of the test pieces.

    python -m benchmarks.sequences.music --seeds 0 1 2
    python -m benchmarks.sequences.music --orders 2 3 4 5 6

The soprano lines are `tsgen.load_dataset("chorales")`: the published training pieces are learned,
those for tests are scored from their first note on. Some of these repeat a melody of training, so
that the others are scored by themselves, too. ``--orders`` counts n-grams and Markov chains
instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.sequences.baselines import log_likelihood, models, repeated
from benchmarks.sequences.learning import fitted, options
from tsgen.metrics import bits_per_symbol

RESULTS = record.RESULTS / "sequences_music.csv"
LAST_OF_TRAINING, LAST_OF_VALIDATION = "229", "305"
"""The numbers of pieces."""


def split(chorales: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to learn from, and those of the tests."""
    pieces = chorales["unique_id"]
    return chorales[pieces <= LAST_OF_TRAINING], chorales[pieces > LAST_OF_VALIDATION]


def lines(rows: pd.DataFrame) -> list[list[str]]:
    """The notes of each piece."""
    return [notes.tolist() for _, notes in rows.groupby("unique_id", sort=False)["y"]]


def scores(values: Sequence[Any], repeats: Sequence[bool]) -> dict[str, float]:
    """Bits per step of all pieces, and of those that repeat nothing.

    Parameters
    ----------
    values : list of ndarray
        The log-likelihoods of each piece.
    repeats : list of bool
    """
    new = [value for value, repeat in zip(values, repeats, strict=True) if not repeat]
    return {
        "bits": float(bits_per_symbol(np.concatenate(values))),
        "bits_new": float(bits_per_symbol(np.concatenate(new))) if new else float("nan"),
    }


def learned(training: pd.DataFrame, test: pd.DataFrame, given: argparse.Namespace) -> pd.DataFrame:
    """A row for each seed."""
    repeats, rows = repeated(lines(test), lines(training)), []
    for seed in given.seeds:
        fit = fitted(training, seed, given.settings, given.minutes)
        found = fit.model.log_likelihood(test)
        pieces = found.groupby("unique_id", sort=False)["log_likelihood"]
        rows.append(fit.row | scores([piece.to_numpy() for _, piece in pieces], repeats))
    return pd.DataFrame(rows)


def counted(training: pd.DataFrame, test: pd.DataFrame, orders: Iterable[int]) -> pd.DataFrame:
    """A row for each model that counts."""
    pieces = lines(test)
    repeats = repeated(pieces, lines(training))
    return pd.DataFrame(
        [
            {"model": name, **scores([log_likelihood(model, piece) for piece in pieces], repeats)}
            for name, model in models(lines(training), orders).items()
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train or count, and record it."""
    parser = options(__doc__, RESULTS)
    parser.add_argument("--orders", type=int, nargs="+", help="of models to count instead")
    given = parser.parse_args(arguments)
    parts = split(tsgen.load_dataset("chorales"))
    table = counted(*parts, given.orders) if given.orders else learned(*parts, given)
    print(table.to_string(index=False))
    record.write_beside(table, given.out, "model")


if __name__ == "__main__":
    main()
