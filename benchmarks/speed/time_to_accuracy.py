"""Seconds of fit until M4 Hourly is forecast better than by seasonal naive, tsgen and its peers.

    python -m benchmarks.speed.time_to_accuracy --peers .venv-peers/bin/python

The rows are the training rows of M4 Hourly (read by `tsgen.load_benchmark`), of which the last 48
of each series are held out; the error is the MASE there, of all 414 series. Each model has one LSTM
layer of 64 units (accuracy/peer_models.py); the libraries train one after the other on all cores.
tsgen is there with its defaults, which minimise squared errors, and as one network of the preset
"accurate"; both with the context of the peers.

A model's time is read from fits of their own, from scratch, each with twice the time of the one
before: what a user gets who asks for a fit of that length, with its whole learning-rate schedule
and all that a library does before and after the training. A curve along one long run would show
weights that no user is given, in the middle of a schedule, and its clock would have to be stopped
and started within five training loops. The clock runs from the frame to the fitted model; the
forecast that is scored is not on it, and neither is what a process does at its first fit.

The peers are stopped by seconds of training: 5, 10, 20, … up to ``--limit``. tsgen's learning rate
falls to zero at a known last step, so it is given steps, 25, 50, 100, … as long as the next fit can
be expected to keep the limit; the seconds that fits took are what is reported of all of them. A
time counts if the MASE is below seasonal naive's there and in the two next longer fits as well, or
in all that the limit has room for; after three below in a row longer ones are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.accuracy.peer_models import CONTEXT, HIDDEN, MODELS, fit_and_forecast
from benchmarks.accuracy.protocol import Task, Window, read_tasks, scores, windows_of
from benchmarks.record import machine, versions

RESULTS = record.RESULTS / "time_to_accuracy.csv"
LIMIT = 600.0
SHORTEST_S, FEWEST_STEPS = 5.0, 25
IN_A_ROW = 3
Row = dict[str, Any]
OURS: dict[str, dict[str, Any]] = {
    "tsgen": {},
    "tsgen accurate, one network": {"preset": "accurate", "n_models": 1},
}
"""What is asked of tsgen beside the size of the network, its context and its steps."""


def tsgen_fits(task: Task, window: Window, limit: float, seed: int, *, model: str) -> Iterator[Row]:
    """Fits of tsgen with ever more steps."""

    def fitted(rows: pd.DataFrame, steps: int) -> tsgen.LSTMForecaster:
        return tsgen.LSTMForecaster(
            hidden_size=HIDDEN,
            context_length=CONTEXT,
            max_steps=steps,
            random_state=seed,
            verbose=False,
            trainer_kwargs={"accelerator": "cpu"},
            **OURS[model],
        ).fit(rows, freq=task.frequency)

    fitted(window.known[window.known["unique_id"].isin(window.known["unique_id"].unique()[:4])], 2)
    steps, seconds = FEWEST_STEPS, 0.0
    while 2 * seconds <= limit:
        start = time.perf_counter()
        forecaster = fitted(window.known, steps)
        seconds = time.perf_counter() - start
        found = scores(task, [window], [forecaster.predict(task.horizon)])
        yield {"steps": steps, "fit_s": seconds, "mase": found["mase"],
               **versions("tsgen"), **machine()}  # fmt: skip
        steps *= 2


def peer_fits(
    task: Task, window: Window, limit: float, seed: int, *, model: str, python: str
) -> Iterator[Row]:
    """Fits of a peer with ever more seconds of training."""
    budget = SHORTEST_S
    while True:
        answer = fit_and_forecast(
            python, model, window.known, horizon=task.horizon, budget=budget, seed=seed
        )
        found = scores(task, [window], [answer.forecast])
        noted = dict(answer.noted)
        settings = noted.pop("settings")
        noted.pop("predict_s")
        yield {"budget_s": budget, "steps": settings["steps"], "mase": found["mase"],
               **machine(cpu_only=True), **noted}  # fmt: skip
        if budget >= limit:
            return
        budget = min(2 * budget, limit)


def until_sure(fits: Iterator[Row], naive: float) -> Iterator[Row]:
    """The fits up to the one that makes so many in a row below seasonal naive."""
    row_length = 0
    for row in fits:
        row["seasonal_naive"] = naive
        row_length = row_length + 1 if row["mase"] < naive else 0
        yield row
        if row_length == IN_A_ROW:
            return


def seconds_to_accuracy(fits: pd.DataFrame) -> float:
    """Seconds of the shortest fit from which on all are below seasonal naive; NaN without one."""
    below = fits["mase"] < fits["seasonal_naive"]
    staying = fits.loc[below[::-1].cummin()[::-1], "fit_s"]
    return float(staying.iloc[0]) if len(staying) else float("nan")


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*OURS, *MODELS]
    parser.add_argument("--peers", required=True, help="a Python that has requirements-peers.txt")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of the longest fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=names, choices=names)
    parser.add_argument("--out", type=Path, help="a file; without it only a whole run is kept")
    asked = parser.parse_args()
    task = read_tasks()["m4_hourly"]
    (window,) = windows_of(task, earlier=1)
    model = tsgen.SeasonalNaive(season_length=task.mase_season).fit(window.known)
    naive = scores(task, [window], [model.predict(task.horizon)])["mase"]
    print(f"seasonal naive: {naive:.3f}", flush=True)
    rows: list[Row] = []
    for name in asked.only:
        these = (
            tsgen_fits(task, window, asked.limit, asked.seed, model=name)
            if name in OURS
            else peer_fits(task, window, asked.limit, asked.seed, model=name, python=asked.peers)
        )
        for row in until_sure(these, naive):
            rows.append({"model": name, "seed": asked.seed, "limit_s": asked.limit, **row})
            print(f"{name}: {row['steps']} steps, {row['fit_s']:.1f} s, MASE {row['mase']:.3f}",
                  flush=True)  # fmt: skip
    table = pd.DataFrame(rows)
    for name, fits in table.groupby("model", sort=False):
        print(f"{name}: {seconds_to_accuracy(fits):.1f} s")
    whole = asked.only == names and asked.limit == LIMIT
    if path := asked.out or (RESULTS if whole else None):
        record.write(table.round({"fit_s": 2, "mase": 4, "seasonal_naive": 4}), path)


if __name__ == "__main__":
    main()
