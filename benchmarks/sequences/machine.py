"""How surely faults in the log of a machine are found: their places among its least likely steps.

    python -m benchmarks.sequences.machine
    python -m benchmarks.sequences.machine --orders 3 6

The logs are those of `machine_log`: three quarters without a fault are learned, and the steps of
the last quarter ranked by their likelihood. ``--orders`` counts n-grams instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import record
from benchmarks.sequences.baselines import KneserNey, log_likelihood
from benchmarks.sequences.learning import fitted, options
from benchmarks.sequences.machine_log import MachineLog, entropy_rate, fault_ranks, simulate
from tsgen.metrics import bits_per_symbol

RESULTS = record.RESULTS / "sequences_machine.csv"


def learned(log: MachineLog, given: argparse.Namespace) -> pd.DataFrame:
    """A row for each fault and seed."""
    rows = log.rows.drop(columns="split")
    parts = []
    for seed in given.seeds:
        fit = fitted(rows[log.rows["split"] == "train"], seed, given.settings, given.minutes)
        values = fit.model.log_likelihood(rows)["log_likelihood"]
        parts.append(ranked(log, values, fit.row))
    return pd.concat(parts, ignore_index=True)


def counted(log: MachineLog, orders: Iterable[int]) -> pd.DataFrame:
    """A row for each fault and order of n-grams."""
    return pd.concat([_of_order(log, order) for order in orders], ignore_index=True)


def _of_order(log: MachineLog, order: int) -> pd.DataFrame:
    whole = [states.tolist() for _, states in log.rows.groupby("unique_id", sort=False)["y"]]
    training = log.rows[log.rows["split"] == "train"].groupby("unique_id", sort=False)["y"]
    model = KneserNey.fit([states.tolist() for _, states in training], order)
    values = np.concatenate([log_likelihood(model, states) for states in whole])
    name = f"{order}-gram, Kneser-Ney"
    return ranked(log, pd.Series(values, index=log.rows.index), {"model": name})


def ranked(log: MachineLog, values: pd.Series, about: dict[str, Any]) -> pd.DataFrame:
    """The faults with their ranks among the test rows, and the bits of these rows.

    Parameters
    ----------
    log : MachineLog
    values : Series
        The log-likelihoods of all rows.
    about : dict
        What stands in each row.
    """
    tested = values[log.rows["split"] == "test"]
    ranks = fault_ranks(log, tested)
    return ranks.assign(
        **about, bits=float(bits_per_symbol(tested.to_numpy())), least_bits=entropy_rate()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train or count, and record it."""
    parser = options(__doc__, RESULTS)
    parser.add_argument("--orders", type=int, nargs="+", help="of n-grams to count instead")
    given = parser.parse_args(arguments)
    table = counted(simulate(), given.orders) if given.orders else learned(simulate(), given)
    print(table.to_string(index=False))
    record.write_beside(table, given.out, "model")


if __name__ == "__main__":
    main()
