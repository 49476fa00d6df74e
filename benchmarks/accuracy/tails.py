"""Tails of the training rows: what priors, recipes and weights are chosen by.

    python -m benchmarks.accuracy.tails m3_monthly m4_hourly
    python -m benchmarks.accuracy.tails --init new.safetensors --preset zero_shot m3_monthly
    python -m benchmarks.accuracy.tails --preset fine_tuned --seeds 0 1 2 --set max_steps=200

The rows are those of ``run --earlier 1`` (``--earlier 2`` goes back twice, …), never the test rows.
Prints MASE by task, and puts the rows into ``tails.csv``, where those of the same weights, preset,
settings, rows and seed are replaced. Weights are named after their file and its sha256; neither
dates nor paths are kept, so that a row changes where its figures do. ``--quantiles`` calibrates and
scores quantiles too, which takes longer than the forecast. Without tasks it runs all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.accuracy import run
from benchmarks.accuracy.protocol import Task, read_tasks, windows_of
from benchmarks.accuracy.results import DIGITS

TAILS_CSV = Path(__file__).with_name("tails.csv")
KEYS = ["weights", "preset", "set", "task", "earlier", "seed"]
"""What was asked for: two rows differ in one of them."""
COLUMNS = [*KEYS, "series", "mase", "mase_over_naive", "wql", "seconds", "threads"]


def read(path: Path = TAILS_CSV) -> pd.DataFrame:
    """The rows that are kept; none where there is no file."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    text = dict.fromkeys(("weights", "preset", "set"), "")
    table = pd.read_csv(path, dtype=dict.fromkeys(text, "str")).fillna(text)
    return table.astype({"seed": "Int64"})


def joined(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The old rows and, after them, the new ones, which replace those of the same keys."""
    table = new.reindex(columns=COLUMNS).astype({"seed": "Int64"})
    if len(old):
        table = pd.concat([old, table], ignore_index=True)
    return table.drop_duplicates(KEYS, keep="last", ignore_index=True)


def write(rows: pd.DataFrame, path: Path = TAILS_CSV) -> None:
    """Put rows into the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    joined(read(path), rows.round(DIGITS)).to_csv(path, index=False)


def rows_of(task: Task, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each seed."""
    windows = windows_of(task, earlier=asked.earlier)
    naive = run.naive_run(task, windows)
    tried = dict(asked.set)
    model = {} if asked.model == "tsgen" else {"model": asked.model}
    begun = {} if asked.init is None else {"init": asked.init}
    for seed in run.seeds_of(asked.preset, asked.seeds):
        found = run.tsgen_run(
            task, windows, asked.preset, seed, {**tried, **begun},
            quantiles=asked.quantiles, kind=asked.model,
        )  # fmt: skip
        row = run.row_of(task, windows, asked.earlier, found, naive)
        set_to = {**model, **tried}
        yield row | {"set": json.dumps(set_to) if set_to else ""}


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tasks = list(read_tasks())
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(tasks)}")
    parser.add_argument("--model", choices=list(run.FORECASTERS), default="tsgen")
    parser.add_argument("--preset", choices=run.PRESETS, default="zero_shot")
    parser.add_argument("--init", help="a file of weights, or 'random'; by default the preset's")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--earlier", type=int, default=1, help="protocols to go back, 1 or more")
    parser.add_argument(
        "--set", nargs="+", action="extend", type=run.argument, default=[], metavar="NAME=VALUE",
        help="more arguments of the constructor",
    )  # fmt: skip
    parser.add_argument("--quantiles", action="store_true", help="calibrate, and score WQL")
    parser.add_argument("--out", type=Path, default=TAILS_CSV, help="the file of the rows")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.tasks if name not in tasks]:
        parser.error(f"{unknown[0]!r} is no task: expected of {', '.join(tasks)}")
    if asked.earlier < 1:
        parser.error(f"--earlier {asked.earlier}: expected 1 or more, since 0 are the test rows")
    if "init" in dict(asked.set):
        parser.error("--set init=…: pass --init, which names the weights without their path")
    asked.tasks = asked.tasks or tasks
    return asked


def shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """MASE by task, a line for each seed."""
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).drop(columns=["set", "earlier"])
    return table.dropna(axis=1, how="all").round(4).to_string(index=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print and write."""
    asked = parsed(arguments)
    tasks, rows = read_tasks(), []
    for name in asked.tasks:
        for row in rows_of(tasks[name], asked):
            rows.append(row)
            print(f"{name}: MASE {row['mase']:.4f} in {row['seconds']:.1f} s", flush=True)
    print(f"\n{shown(rows)}")
    write(pd.DataFrame(rows), asked.out)


if __name__ == "__main__":
    main()
