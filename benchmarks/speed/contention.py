"""What other programs cost: fits and forecasts on a quiet machine, and beside two busy programs.

    python -m benchmarks.speed.contention                       # of this checkout
    python -m benchmarks.speed.contention --against ../before   # and of another one, in turns

The other programs are torch's too, and multiply matrices with as many threads as torch takes by
itself. Each figure is the median of some rounds, each of them a process of its own, whose start is
left out. Needs no data beyond what is shipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import record
from benchmarks.record import ROOT
from benchmarks.speed.panels import seasonal

RESULTS = record.RESULTS / "contention.csv"
UNITS = 32, 64, 128

BUSY = """
import os, torch
matrix, parent = torch.randn(300, 300), os.getppid()
while os.getppid() == parent:
    matrix @ matrix
"""


def measure(units: int) -> dict[str, float]:
    """Seconds of fits and forecasts, start-up left out."""
    import tsgen

    frame = seasonal(series=300, rows=600)
    settings = {"context_length": 336, "lags": [24, 168], "hidden_size": units, "verbose": False}
    passengers = tsgen.load_dataset("air_passengers")
    model = tsgen.LSTMForecaster(**settings, max_steps=2).fit(frame)
    tsgen.LSTMForecaster(max_steps=2, verbose=False).fit(passengers)
    work = {
        "fit, 60 steps of air_passengers": lambda: tsgen.LSTMForecaster(
            hidden_size=units, max_steps=60, verbose=False
        ).fit(passengers),
        "fit, 10 steps at a context of 336": lambda: tsgen.LSTMForecaster(
            **settings, max_steps=10
        ).fit(frame),
        "read and forecast 300 series": lambda: model.predict(48, df=frame),
        "forecast 300 series": lambda: model.predict(336),
        "200 paths of one series": lambda: model.sample(
            336, df=frame.iloc[:, :1], num_samples=200, calibrated=False
        ),
    }
    seconds = {}
    for name, task in work.items():
        start = time.perf_counter()
        task()
        seconds[name] = time.perf_counter() - start
    return seconds


def measured(checkout: Path, units: int) -> dict[str, float]:
    """The same of some checkout, in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.contention", "--one", str(units),
         "--of", str(checkout)],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def busy(programs: int = 2) -> Iterator[None]:
    """Other programs that take all the cores they get."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(programs)]
    time.sleep(5)  # until they are at it
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, nargs="*", default=list(UNITS))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--of", type=Path, default=ROOT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        sys.path.insert(0, str(arguments.of))  # whose tsgen it is; the benchmark is that of here
        print(json.dumps(measure(arguments.one)))
        return
    checkouts = {"this": ROOT} | (
        {"before": arguments.against.absolute()} if arguments.against else {}
    )
    found = [
        {"checkout": name, "machine": machine, "units": units, "work": work, "seconds": seconds}
        for machine, around in (("quiet", lambda: busy(0)), ("busy", busy))
        for units in arguments.units
        for _ in range(arguments.rounds)
        for name, checkout in checkouts.items()
        for work, seconds in _within(around(), checkout, units).items()
    ]
    table = summary(pd.DataFrame(found))
    print(table.to_string(index=False))
    if set(arguments.units) == set(UNITS) and arguments.against:
        record.write(table, RESULTS)


def _within(around: object, checkout: Path, units: int) -> dict[str, float]:
    with around:  # type: ignore[attr-defined]
        return measured(checkout, units)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Medians in columns, and the ratios that count."""
    keys = ["work", "units"]
    order = found[keys].drop_duplicates()
    wide = found.pivot_table("seconds", keys, ["checkout", "machine"], aggfunc="median")
    wide.columns = [f"{machine}_s" if name == "this" else f"{name}_{machine}_s"
                    for name, machine in wide.columns]  # fmt: skip
    wide["busy_over_quiet"] = wide["busy_s"] / wide["quiet_s"]
    if "before_quiet_s" in wide:
        wide["before_busy_over_quiet"] = wide["before_busy_s"] / wide["before_quiet_s"]
        wide["quiet_over_before"] = wide["quiet_s"] / wide["before_quiet_s"]
    table = order.merge(wide.reset_index(), on=keys)
    columns = table.select_dtypes("number").columns.difference(["units"])
    return table.assign(**{name: np.round(table[name], 3) for name in columns})


if __name__ == "__main__":
    main()
