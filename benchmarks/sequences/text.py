"""How well characters of Shakespeare are predicted: nats per character of the last tenth.

    python -m benchmarks.sequences.text --minutes 3
    python -m benchmarks.sequences.text --minutes 60 --settings '{"hidden_size": 512}'
    python -m benchmarks.sequences.text --orders 4 5 6

The text is `tsgen.load_benchmark("tiny_shakespeare")`, of which the first nine tenths are learned.
The network reads the last tenth from its beginning, once. ``--orders`` counts n-grams instead.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.sequences.baselines import KneserNey, log_likelihood
from benchmarks.sequences.learning import fitted, options

RESULTS = record.RESULTS / "sequences_text.csv"
TRAINING = 1_003_854
"""Characters of it that are learned."""


def learned(training: str, test: str, given: argparse.Namespace) -> pd.DataFrame:
    """A row for each seed."""
    return pd.DataFrame([_row_of_fit(training, test, seed, given) for seed in given.seeds])


def _row_of_fit(training: str, test: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    fit = fitted(training, seed, given.settings, given.minutes)
    return fit.row | {"nats": float(-fit.model.log_likelihood(test).mean())}


def counted(training: str, test: str, orders: Iterable[int]) -> pd.DataFrame:
    """A row for each order of n-grams."""
    return pd.DataFrame([_row_of_order(training, test, order) for order in orders])


def _row_of_order(training: str, test: str, order: int) -> dict[str, Any]:
    start = time.perf_counter()
    model = KneserNey.fit([training], order)
    nats = float(-log_likelihood(model, test).mean())
    seconds = round(time.perf_counter() - start, 1)
    return {"model": f"{order}-gram, Kneser-Ney", "seconds": seconds, "nats": nats}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train or count, and record it."""
    parser = options(__doc__, RESULTS)
    parser.add_argument("--orders", type=int, nargs="+", help="of n-grams to count instead")
    parser.add_argument("--characters", type=int, help="of the text alone, for a try")
    given = parser.parse_args(arguments)
    text = tsgen.load_benchmark("tiny_shakespeare")[: given.characters]
    cut = min(TRAINING, len(text) * 9 // 10)
    parts = text[:cut], text[cut:]
    table = counted(*parts, given.orders) if given.orders else learned(*parts, given)
    print(table.to_string(index=False))
    record.write_beside(table, given.out, "model")


if __name__ == "__main__":
    main()
