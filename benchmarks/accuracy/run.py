"""Accuracy on the tasks of tasks.csv, one result file per run in results/.

    python -m benchmarks.accuracy.run --model seasonal_naive
    python -m benchmarks.accuracy.run --preset accurate --seeds 0 1 2
    python -m benchmarks.accuracy.run --preset zero_shot
    python -m benchmarks.accuracy.run --tasks m4_hourly --preset accurate --earlier 1

Data are read by `tsgen.load_benchmark` (the environment variable TSGEN_DATA names a folder that
has them). tsgen is told what a user knows of the data, its frequency and on ``etth1_short`` that
time stamps have a calendar; all else is the preset. Settings are chosen with ``--earlier``, on the
last rows of the training part, whose results go to results/earlier/. ``--set`` tries one: on the
test rows such a run is printed alone, unless ``--out`` says where it goes.

``zero_shot`` draws nothing, so that it has one run and no seed; it knows no calendar, and is told
of none. Files of pretrained weights are tried by ``tails``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

import tsgen
from benchmarks.accuracy.clock import fit_and_forecast, timed
from benchmarks.accuracy.protocol import QUANTILES, Task, Window, read_tasks, scores, windows_of
from benchmarks.accuracy.results import home, write
from benchmarks.accuracy.weights import name_for
from benchmarks.record import machine, versions

PRESETS = ("fast", "balanced", "accurate", "zero_shot", "fine_tuned")
FORECASTERS = {
    "tsgen": tsgen.LSTMForecaster,
    "encoder_decoder": tsgen.EncoderDecoderForecaster,
}
COMPARED = ("balanced", "zero_shot", "fine_tuned")
"""Today's default, and what begins with pretrained weights."""
SHOWN = ["task", "model", "preset", "seed", "mase", "mase_over_naive", "smape", "wql", "seconds"]


def forecasts(
    model: Any, task: Task, windows: Sequence[Window], **asked: Any
) -> list[pd.DataFrame]:
    """The horizon after each window's known rows, by a model that is fitted once."""
    return [model.predict(task.horizon, df=window.known, **asked) for window in windows]


def row_of(
    task: Task,
    windows: Sequence[Window],
    earlier: int,
    run: Mapping[str, Any],
    naive: Mapping[str, Any],
) -> dict[str, Any]:
    """A run's columns, with those that say what was asked for and what seasonal naive scores."""
    return {
        "task": task.task,
        "earlier": earlier,
        "series": windows[0].known["unique_id"].nunique(),
        "windows": task.windows,
        "horizon": task.horizon,
        **run,
        "mase_over_naive": run["mase"] / naive["mase"],
    }


def show(row: Mapping[str, Any]) -> None:
    """Print what came of a run."""
    table = pd.DataFrame([row]).reindex(columns=SHOWN)
    print(table.round(4).to_string(index=False), flush=True)


def naive_run(task: Task, windows: Sequence[Window]) -> dict[str, Any]:
    """Seasonal naive with the season of MASE; it has no quantiles."""
    model = tsgen.SeasonalNaive(season_length=task.mase_season)
    first = fit_and_forecast(model, windows[0].known, task.horizon, freq=task.frequency)
    found, predict_s = timed(lambda: forecasts(model, task, windows))
    return {
        "model": "seasonal_naive",
        **scores(task, windows, found),
        "fit_s": first.fit_s,
        "predict_s": predict_s,
        "seconds": first.seconds,
        "settings": json.dumps({"season_length": task.mase_season}),
        **versions("tsgen"),
        **machine(cpu_only=True),
    }


def seeds_of(preset: str | None, seeds: Sequence[int]) -> Sequence[int | None]:
    """Those asked for, or one run without a seed where nothing is drawn."""
    return [None] if preset == "zero_shot" else seeds


def forecaster(
    task: Task,
    preset: str | None,
    seed: int | None,
    given: Mapping[str, Any],
    kind: str = "tsgen",
) -> tsgen.LSTMForecaster | tsgen.EncoderDecoderForecaster:
    """A forecaster with a preset, what a user knows of the data, and what is tried."""
    chosen = {} if preset is None else {"preset": preset}
    calendar = None if preset == "zero_shot" else task.calendar
    arguments = {"calendar": calendar, "random_state": seed or 0, "verbose": False}
    return FORECASTERS[kind](**{**arguments, **chosen, **given})


def tsgen_run(
    task: Task,
    windows: Sequence[Window],
    preset: str | None,
    seed: int | None,
    given: Mapping[str, Any],
    *,
    quantiles: bool,
    kind: str = "tsgen",
) -> dict[str, Any]:
    """A run of tsgen; quantiles by a calibration of its own seconds."""
    model = forecaster(task, preset, seed, given, kind)
    first = fit_and_forecast(model, windows[0].known, task.horizon, freq=task.frequency)
    calibrate_s = timed(model.calibrate)[1] if quantiles else None
    asked = {"quantiles": QUANTILES} if quantiles else {}
    found, predict_s = timed(lambda: forecasts(model, task, windows, **asked))
    trainer = model.trainer_kwargs or {}
    return {
        "model": kind,
        "preset": model.get_params().get("preset", ""),
        "seed": seed,
        **scores(task, windows, found),
        "fit_s": first.fit_s,
        "calibrate_s": calibrate_s,
        "predict_s": predict_s,
        "seconds": first.seconds,
        "weights": name_for(model.settings_),
        "settings": json.dumps(asdict(model.settings_), default=str),
        "set": json.dumps(given) if given else "",
        **versions("tsgen"),
        **machine(cpu_only=trainer.get("accelerator") == "cpu"),
    }


def argument(text: str) -> tuple[str, Any]:
    """An argument of the constructor: a name, and a JSON value or else a plain word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected name=value, such as max_steps=50")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tasks = list(read_tasks())
    parser.add_argument("--tasks", nargs="+", default=tasks, choices=tasks)
    parser.add_argument("--model", default="tsgen", choices=[*FORECASTERS, "seasonal_naive"])
    parser.add_argument("--preset", choices=PRESETS, help="by default the forecaster's own")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument(
        "--earlier", type=int, default=0, help="protocols to go back from the test rows"
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", type=argument, default=[], metavar="NAME=VALUE",
        help="more arguments of the constructor",
    )  # fmt: skip
    parser.add_argument("--no-quantiles", action="store_true", help="without calibration and WQL")
    parser.add_argument("--out", type=Path, help="a folder for the results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print and write."""
    asked = parsed(arguments)
    given = dict(asked.set)
    folder = asked.out or (None if given and not asked.earlier else home(asked.earlier))
    for name in asked.tasks:
        task = read_tasks()[name]
        windows = windows_of(task, earlier=asked.earlier)
        naive = naive_run(task, windows)
        runs = [naive] if asked.model == "seasonal_naive" else (
            tsgen_run(
                task, windows, asked.preset, seed, given,
                quantiles=not asked.no_quantiles, kind=asked.model,
            )
            for seed in seeds_of(asked.preset, asked.seeds)
        )  # fmt: skip
        for run in runs:
            row = row_of(task, windows, asked.earlier, run, naive)
            show(row)
            if folder is not None:
                print(f"  {write(row, folder)}")


if __name__ == "__main__":
    main()
