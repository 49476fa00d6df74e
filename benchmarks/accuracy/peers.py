"""Peers on ``m4_hourly``, each trained for the same seconds; one result file per run in results/.

    python -m benchmarks.accuracy.peers --python .venv-peers/bin/python --budget 600

The peers run in an environment of their own (benchmarks/requirements-peers.txt), as peer_models.py
describes them; here their forecasts are scored. The budget is that of training alone. With
``--earlier`` rows and results are those of ``run.py --earlier``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.peer_models import MODELS, fit_and_forecast
from benchmarks.accuracy.protocol import Task, Window, read_tasks, scores, windows_of
from benchmarks.accuracy.results import home, write
from benchmarks.accuracy.run import naive_run, row_of, show
from benchmarks.record import machine

TASK = "m4_hourly"


def peer_run(
    task: Task, window: Window, python: str, model: str, budget: float, seed: int
) -> dict[str, Any]:
    """Columns of a result file."""
    answer = fit_and_forecast(
        python, model, window.known, horizon=task.horizon, budget=budget, seed=seed
    )
    return {
        "model": model,
        "seed": seed,
        **scores(task, [window], [answer.forecast]),
        "budget_s": budget,
        **machine(cpu_only=True),
        **answer.noted,
        "settings": json.dumps(answer.noted["settings"]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", required=True, help="that has requirements-peers.txt")
    parser.add_argument("--budget", type=float, required=True, help="seconds of training")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--earlier", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for the results")
    asked = parser.parse_args(arguments)
    task = read_tasks()[TASK]
    windows = windows_of(task, earlier=asked.earlier)
    naive = naive_run(task, windows)
    for model in asked.models:
        for seed in asked.seeds:
            run = peer_run(task, windows[0], asked.python, model, asked.budget, seed)
            row = row_of(task, windows, asked.earlier, run, naive)
            show(row)
            print(f"  {write(row, asked.out or home(asked.earlier))}")


if __name__ == "__main__":
    main()
