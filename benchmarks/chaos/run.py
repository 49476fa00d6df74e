"""How well forecasters follow chaos in closed loop, by what they are fed while they learn.

    python -m benchmarks.chaos.run --systems lorenz --strategies free_running --minutes 30

Trains through the public API on the 8,000 training sequences of ``systems.py`` and forecasts all
1,000 test sequences over one Lyapunov time in one call. The number of steps is what fits into
``--minutes``, by the pace of a short fit of the same settings, so that the learning rate has come
down to 0 when the time is over. A run writes one CSV to ``benchmarks/chaos/results/``. Settings
were chosen by ``--part validation``, which forecasts the validation sequences alone and writes
nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.chaos.systems import (
    CONTEXT,
    SYSTEMS,
    Array,
    Errors,
    Sequences,
    System,
    errors,
    load,
    long_frame,
)

RESULTS = Path(__file__).parent / "results"
FORECASTERS = {"lstm": "LSTMForecaster", "gru": "GRUForecaster"}
SETTINGS: dict[str, Any] = {
    "context_length": 50,
    "lags": None,
    "residual": "last",
    "season_length": 1,
    "window_norm": False,
    "loss": "mse",
    "scaler_scope": "panel",
    "hidden_size": 64,
    "batch_size": 64,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "n_models": 1,
    "weight_averaging": None,
    "verbose": False,
}
"""Of all systems and strategies; the scaler is the default, mean 0 and spread 1.

Of the 150 rows before a forecast the last 50 are read: what a window costs grows with its rows, and
in the same time many short windows teach more than few long ones.
"""
OF_SYSTEMS: dict[str, dict[str, Any]] = {"mackeyglass": {"lags": list(range(1, 21))}}
"""Mackey-Glass' next state depends on one that is 18 steps back; the others' on the last alone."""

Strategy = Callable[[int], Any]
STRATEGIES: dict[str, Strategy] = {
    "teacher_forcing": lambda steps: tsgen.TeacherForcing(),
    "noisy_inputs": lambda steps: tsgen.NoisyInputs(0.01),
    "free_running": lambda steps: tsgen.FreeRunning(steps=steps),
    "free_running_growing": lambda steps: tsgen.FreeRunning(steps=steps, grow=0.5),
    "push_forward": lambda steps: tsgen.PushForward(steps=steps, learned=4),
    **{
        f"{direction}_{curve}_per_{per}": (
            lambda steps, curve=curve, per=per, ends=ends: tsgen.ScheduledSampling(
                steps=steps, start=ends[0], end=ends[1], curve=curve, per=per
            )
        )
        for (direction, ends), curve, per in product(
            {"decreasing": (1.0, 0.0), "increasing": (0.0, 1.0)}.items(),
            ("linear", "inverse_sigmoid", "exponential"),
            ("step", "batch"),
        )
    },
}
"""Made for the steps of the closed loop in training; in a curriculum, the share of teacher forcing
goes from all to none ("decreasing"), or from none to all."""


def forecaster(name: str, cell: str, strategy: str, steps: int, **settings: Any) -> Any:
    """A forecaster that isn't fitted yet, for a system."""
    chosen = {
        "training_strategy": STRATEGIES[strategy](steps),
        "multivariate": len(SYSTEMS[name].channels) > 1,
    }
    arguments = SETTINGS | OF_SYSTEMS.get(name, {}) | chosen | settings
    return getattr(tsgen, FORECASTERS[cell])(**arguments)


def fit(model: Any, system: System, frame: pd.DataFrame) -> float:
    """Train; returns the seconds that it took."""
    channels = list(system.channels)
    start = time.perf_counter()
    model.fit(frame, target_col=channels if len(channels) > 1 else channels[0])
    return time.perf_counter() - start


def steps_within(
    seconds: float, make: Callable[..., Any], system: System, frame: pd.DataFrame
) -> int:
    """How many optimiser steps fit into a time, from the difference of two short fits."""
    few, more = 10, 60
    fixed, longer = (fit(make(max_steps=steps), system, frame) for steps in (few, more))
    pace = max(longer - fixed, 1e-3) / (more - few)
    return max(more, few + round((seconds - fixed) / pace))


def forecast(model: Any, system: System, sequences: Array) -> Array:
    """The horizons of all sequences, of shape (n, horizon, C), from their contexts."""
    known = long_frame(sequences, system.channels, slice(0, CONTEXT))
    rows = model.predict(system.horizon, df=known).sort_values(["unique_id", "ds"], kind="stable")
    shape = len(sequences), system.horizon, len(system.channels)
    return rows[list(system.channels)].to_numpy(np.float64).reshape(shape)


def score(model: Any, system: System, part: Array, spread: Array) -> Errors:
    """The error over the horizons of some sequences."""
    return errors(part[:, CONTEXT:], forecast(model, system, part), spread)


def measure(
    name: str, sequences: Sequences, strategy: str, cell: str, seed: int,
    *, minutes: float, closed_steps: int, part: str = "test", **settings: Any,
) -> dict[str, object]:  # fmt: skip
    """One row: a forecaster trained for some minutes, and its error."""
    system = SYSTEMS[name]
    frame = long_frame(sequences.train, system.channels, slice(None))

    def make(**more: Any) -> Any:
        chosen = {"random_state": seed} | settings | more
        return forecaster(name, cell, strategy, closed_steps, **chosen)

    limit = {} if "max_steps" in settings else {
        "max_steps": steps_within(60 * minutes, make, system, frame)
    }  # fmt: skip
    model = make(**limit)
    seconds = fit(model, system, frame)
    validation = score(model, system, sequences.validation, sequences.spread)
    found = validation
    if part == "test":
        found = score(model, system, sequences.test, sequences.spread)
    return {
        "system": name,
        "strategy": strategy,
        "cell": cell,
        "settings": json.dumps(plain(model.get_params(deep=False)), sort_keys=True),
        "seed": seed,
        "budget": f"{minutes:g} min" if limit else f"{settings['max_steps']} steps",
        "nrmse": found.nrmse,
        "nrmse_last_tenth": found.nrmse_last_tenth,
        "nrmse_validation": validation.nrmse,
        "seconds": round(seconds, 1),
    }


def plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON has them; an object by its repr, which says all of its settings."""
    return {
        name: value if isinstance(value, str | int | float | bool | list | None) else repr(value)
        for name, value in parameters.items()
    }


def given(pairs: list[str]) -> dict[str, Any]:
    """``name=value`` with values as JSON writes them; anything else is text."""

    def read(text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text

    return {name: read(text) for name, _, text in (pair.partition("=") for pair in pairs)}


def path_of(row: dict[str, object]) -> Path:
    """The file of a run; one of the same name is replaced."""
    budget = str(row["budget"]).replace(" ", "")
    run = (row["system"], row["strategy"], row["cell"], budget, row["seed"])
    return RESULTS / f"{'-'.join(map(str, run))}.csv"


def runs(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One row after the other."""
    for name in arguments.systems:
        sequences = load(name)
        for strategy, seed in product(arguments.strategies, arguments.seeds):
            yield measure(
                name, sequences, strategy, arguments.cell, seed, minutes=arguments.minutes,
                closed_steps=arguments.closed_steps, part=arguments.part,
                **given(arguments.set),
            )  # fmt: skip


def main() -> None:
    """Print and write each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument(
        "--strategies", nargs="*", default=["teacher_forcing"], choices=list(STRATEGIES)
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="of training, for each run")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--cell", default="lstm", choices=list(FORECASTERS))
    parser.add_argument(
        "--closed-steps", type=int, default=30, help="length of the closed loop in training"
    )
    parser.add_argument("--part", default="test", choices=["validation", "test"])
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings, such as "
        "max_steps=100 instead of --minutes"
    )  # fmt: skip
    for row in runs(parser.parse_args()):
        shown = ["system", "strategy", "cell", "seed", "nrmse", "nrmse_last_tenth", "seconds"]
        print(pd.DataFrame([row])[shown].to_string(index=False), flush=True)
        if parser.parse_args().part == "test":
            record.write(pd.DataFrame([row]), path_of(row))


if __name__ == "__main__":
    main()
