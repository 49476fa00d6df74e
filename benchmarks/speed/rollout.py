"""Seconds from pandas to pandas, against the bare arithmetic and against peers, in one run.

    python -m benchmarks.speed.rollout --peers .venv-peers/bin/python

Without ``--peers`` the table has tsgen and the floor alone. One LSTM layer of 64 units, context
168, lags 24 and 168, a seasonal residual base, on M4 Hourly (read by `tsgen.load_benchmark`; the
environment variable TSGEN_DATA names a folder that has it). The floor is the same arithmetic in
bare torch on tensors that are ready: no pandas, no scaling, no checks. All alternate, after a first
round that doesn't count; the table shows medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

import tsgen
from benchmarks import record
from benchmarks.record import ROOT

RESULTS = record.RESULTS / "rollout_speed.csv"
CONTEXT, LAGS, HIDDEN, HORIZON, PATHS = 168, [24, 168], 64, 48, 100
SERIES, CUTOFFS, STEP = 20, 100, 3
"""Of the backtest; each series has rows for a whole context before the first cutoff."""
Work = dict[str, Callable[[], object]]

TASKS = {
    "one": "1 series, horizon 48, after fit",
    "one_long": "1 series, horizon 1,000, after fit",
    "all": "414 series, horizon 48, after fit",
    "all_new": "414 series, horizon 48, from a new frame",
    "paths": "414 series, horizon 48, 100 paths",
    "update_200": "update of 414 series by one row, carry, 200 rows of history",
    "update_20000": "update of 414 series by one row, carry, 20,000 rows of history",
    "backtest": "backtest of 20 series, 100 cutoffs, horizon 48",
    "backtest_carry": "backtest of 20 series, 100 cutoffs, horizon 48, carry",
}


def fitted(frame: pd.DataFrame) -> tsgen.LSTMForecaster:
    """A model of the shape that all have here; two steps of training are enough to time it."""
    return tsgen.LSTMForecaster(
        context_length=CONTEXT, lags=LAGS, hidden_size=HIDDEN, residual="seasonal",
        season_length=24, max_steps=2, verbose=False,
    ).fit(frame)  # fmt: skip


def tsgen_work(frame: pd.DataFrame) -> Work:
    """tsgen: frames in, frames out."""
    alone = fitted(frame[frame["unique_id"] == frame["unique_id"].iloc[0]])
    together = fitted(frame).calibrate()
    work: Work = {
        "one": lambda: alone.predict(HORIZON),
        "one_long": lambda: alone.predict(1000),
        "all": lambda: together.predict(HORIZON),
        "all_new": lambda: together.predict(HORIZON, df=frame),
        "paths": lambda: together.sample(HORIZON, num_samples=PATHS),
    }
    for rows in (200, 20_000):
        work[f"update_{rows}"] = update_work(together, rows)
    few = first_series(frame)
    before = fitted(tsgen.hold_out(few, HORIZON + STEP * (CUTOFFS - 1))[0])
    for task, carry in (("backtest", False), ("backtest_carry", True)):
        work[task] = partial(
            before.backtest, few, HORIZON, n_windows=CUTOFFS, step=STEP, carry=carry
        )
    return work


def first_series(frame: pd.DataFrame) -> pd.DataFrame:
    """The series of the backtest."""
    some = frame["unique_id"].unique()[:SERIES]
    return frame[frame["unique_id"].isin(some)].reset_index(drop=True)


def update_work(model: tsgen.LSTMForecaster, rows: int) -> Callable[[], object]:
    """One new row for each of 414 series with so many rows of history."""
    index = pd.date_range("2000-01-01", periods=rows + 1, freq="h")
    values = np.random.default_rng(0).normal(size=(rows + 1, 414)).cumsum(axis=0)
    history = pd.DataFrame(values, index=index, columns=[f"s{i}" for i in range(414)])
    state, row = model.encode(history.iloc[:-1]), history.iloc[-1:]
    return lambda: model.update(state, row, carry=True)


class Floor:
    """Random weights and ready tensors: one LSTM, its head, and the loop folded into it."""

    def __init__(self, batch: int) -> None:
        torch.manual_seed(0)
        channels = 2 * (1 + len(LAGS))
        self.lstm = nn.LSTM(channels, HIDDEN, batch_first=True)
        self.folded = nn.LSTM(channels, HIDDEN, batch_first=True)
        self.head = torch.randn(HIDDEN) * 0.01
        self.context = torch.randn(batch, CONTEXT - 1, channels)
        self.rows = torch.randn(batch, max(LAGS))
        self.start = torch.zeros(1, batch, HIDDEN), torch.zeros(1, batch, HIDDEN)

    def encode(self) -> list[tuple[Tensor, Tensor]]:
        """Read the contexts, 512 rows at a time."""
        return [
            self.lstm(self.context[rows], tuple(part[:, rows] for part in self.start))[1]
            for rows in torch.arange(len(self.rows)).split(512)
        ]

    def step(self) -> Tensor:
        """Read one row."""
        return self.lstm(self.context[:, :1], self.start)[0] @ self.head

    def roll(self, horizon: int, paths: int = 1) -> list[Tensor]:
        """The closed loop of the whole batch, or of so many copies, 512 rows at a time."""
        copies = torch.arange(len(self.rows)).repeat_interleave(paths)
        return [self._roll(self.rows[rows], horizon) for rows in copies.split(512)]

    def _roll(self, rows: Tensor, horizon: int) -> Tensor:
        batch, longest, block = len(rows), max(LAGS), min(LAGS)
        values = torch.cat([rows, torch.empty(batch, horizon)], dim=1)
        inputs = torch.ones(batch, block, 2 * (1 + len(LAGS)))
        state = torch.zeros(1, batch, HIDDEN), torch.zeros(1, batch, HIDDEN)
        for first in range(0, horizon, block):
            steps = min(block, horizon - first)
            lagged = [values[:, longest + first - k : longest + first - k + steps] for k in LAGS]
            for channel, known in enumerate(lagged):
                inputs[:, :steps, 1 + channel] = known
            inputs[:, 1:steps, 0] = lagged[0][:, :-1]
            outputs, state = self.folded(inputs[:, :steps], state)
            torch.add(outputs @ self.head, lagged[0], out=values[:, longest + first :][:, :steps])
            inputs[:, 0, 0] = lagged[0][:, -1]
        return values[:, longest:]


def floor_work(series: int) -> Work:
    """The bare arithmetic of each task."""
    one, many, cutoffs = Floor(1), Floor(series), Floor(SERIES * CUTOFFS)

    def read_and_roll(floor: Floor) -> None:
        floor.encode()
        floor.roll(HORIZON)

    whole = torch.randn(SERIES, CONTEXT + STEP * (CUTOFFS - 1), 2 * (1 + len(LAGS)))

    def read_once_and_roll() -> None:
        cutoffs.lstm(whole)
        cutoffs.roll(HORIZON)

    return {
        "one": lambda: one.roll(HORIZON),
        "one_long": lambda: one.roll(1000),
        "all": lambda: many.roll(HORIZON),
        "all_new": lambda: read_and_roll(many),
        "paths": lambda: many.roll(HORIZON, PATHS),
        "update_200": many.step,
        "update_20000": many.step,
        "backtest": lambda: read_and_roll(cutoffs),
        "backtest_carry": read_once_and_roll,
    }


class Peers:
    """The process of peers.py."""

    def __init__(self, python: str, frame: pd.DataFrame, folder: str) -> None:
        path = Path(folder, "frame.parquet")
        frame.to_parquet(path)
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.speed.peers", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.work = self._answer().split(",")

    def seconds(self, work: str) -> float:
        """Do a piece of work once."""
        assert self.process.stdin is not None
        print(work, file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the peers' process ended: is requirements-peers.txt installed there?")
        return line.strip()

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def seconds_of(work: Callable[[], object]) -> float:
    """Do a piece of work once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(work: Work, floor: Work, peers: Peers | None, task: str, rounds: int) -> dict:
    """One row of the table."""
    runs: dict[str, list[float]] = {"tsgen": [], "floor": []}
    # A peer has one way to do a backtest.
    theirs = task.removesuffix("_carry")
    of_peers = [] if peers is None else [name for name in peers.work if name.endswith(f" {theirs}")]
    for number in range(rounds + 1):
        timed = {"tsgen": seconds_of(work[task])}
        with torch.inference_mode():
            timed["floor"] = seconds_of(floor[task])
        for name in of_peers:
            assert peers is not None
            timed[name.split()[0]] = peers.seconds(name)
        if number:
            for name, seconds in timed.items():
                runs.setdefault(name, []).append(seconds)
    medians = {name: float(np.median(seconds)) for name, seconds in runs.items()}
    fastest = min((name for name in medians if name not in ("tsgen", "floor")),
                  key=medians.__getitem__, default=None)  # fmt: skip
    return {
        "work": TASKS[task],
        "tsgen_ms": 1000 * medians["tsgen"],
        "floor_ms": 1000 * medians["floor"],
        "times_floor": medians["tsgen"] / medians["floor"],
        "fastest_peer": fastest or "",
        "peer_ms": 1000 * medians[fastest] if fastest else float("nan"),
        "peer_over_tsgen": medians[fastest] / medians["tsgen"] if fastest else float("nan"),
        **{f"{name}_ms": 1000 * medians.get(name, float("nan"))
           for name in ("darts", "neuralforecast", "gluonts")},
    }  # fmt: skip


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="a Python that has benchmarks/requirements-peers.txt")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", default=list(TASKS), choices=list(TASKS))
    arguments = parser.parse_args()
    frame = tsgen.load_benchmark("m4_hourly")
    frame = frame.loc[frame["split"] == "train", ["unique_id", "ds", "y"]].reset_index(drop=True)
    rows = []
    with ExitStack() as stack:
        peers = None
        if arguments.peers:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            python = str(Path(arguments.peers).absolute())
            peers = stack.enter_context(Peers(python, frame, folder))
        work, floor = tsgen_work(frame), floor_work(frame["unique_id"].nunique())
        for task in arguments.only:
            # Paths take a peer ten seconds a round.
            rounds = min(arguments.rounds, 3) if task == "paths" else arguments.rounds
            rows.append(measure(work, floor, peers, task, rounds))
            shown = pd.DataFrame(rows[-1:]).iloc[:, :7]
            print(shown.round(2).to_string(index=False, header=len(rows) == 1), flush=True)
    if len(rows) == len(TASKS):
        record.write(pd.DataFrame(rows).round(3), RESULTS)


if __name__ == "__main__":
    main()
