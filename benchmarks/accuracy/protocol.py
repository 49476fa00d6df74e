"""The tasks of tasks.csv: which rows each gives and asks for, and how its forecasts are scored.

A task says of its data what a user knows of them: how often they come, and whether their time
stamps mean something to a calendar. The rest is the protocol: horizon, windows and the season of
MASE. M4 and M3 have one window, the competitions' test rows. ``etth1_short`` has 20, which follow
each other up to the last row; all that is fitted is fitted to the rows before the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import tsgen
from tsgen.metrics import QUANTILES, mase, smape, wql

FOLDER = Path(__file__).parent
KEYS = ["unique_id", "ds"]


@dataclass(frozen=True)
class Task:
    """A row of tasks.csv."""

    task: str
    benchmark: str
    frequency: str
    horizon: int
    windows: int
    mase_season: int
    calendar: str | None


@dataclass(frozen=True)
class Window:
    """Long frames: the rows up to the cutoffs, and those of the horizon after them."""

    known: pd.DataFrame
    truth: pd.DataFrame


def read_tasks() -> dict[str, Task]:
    """All tasks by their names."""
    table = pd.read_csv(FOLDER / "tasks.csv", keep_default_na=False)
    rows = table.replace({"calendar": {"": None}}).to_dict("records")
    return {row["task"]: Task(**row) for row in rows}


def windows_of(task: Task, *, earlier: int = 0) -> list[Window]:
    """The windows of a task in the order of time, or those so many protocols before them.

    ``earlier`` leaves out the last rows of each series, one horizon for each window and each time,
    so that settings can be chosen without a look at the test rows. Series that would be left with
    fewer rows than a horizon are left out.
    """
    frame = _long_frame(task)
    span = task.windows * task.horizon
    to_end = frame.groupby("unique_id", sort=False).cumcount(ascending=False) - earlier * span
    first_known = (to_end >= span).groupby(frame["unique_id"]).transform("sum")
    enough = first_known >= task.horizon
    frame, to_end = frame[enough], to_end[enough]
    stops = range(span, 0, -task.horizon)
    return [
        Window(frame[to_end >= stop], frame[(to_end < stop) & (to_end >= stop - task.horizon)])
        for stop in stops
    ]


def _long_frame(task: Task) -> pd.DataFrame:
    """The columns unique_id, ds, y; each series' rows together and in the order of time."""
    frame = tsgen.load_benchmark(task.benchmark)
    if "split" not in frame:
        return frame.melt("date", var_name="unique_id", value_name="y").rename(
            columns={"date": "ds"}
        )
    to_end = frame.groupby("unique_id", sort=False).cumcount(ascending=False)
    asked = to_end < task.horizon
    assert asked.equals(frame["split"] == "test"), "the test rows are the last ones of each series"
    return frame.drop(columns="split")


def scores(
    task: Task, windows: Sequence[Window], forecasts: Sequence[pd.DataFrame]
) -> dict[str, float]:
    """MASE, sMAPE and, where forecasts have quantiles, WQL over all windows of a task.

    The unit of MASE is taken from the rows before each window's cutoff, as GIFT-Eval does; it and
    sMAPE are means over windows and series.
    """
    merged = [
        _merged(window.truth, forecast) for window, forecast in zip(windows, forecasts, strict=True)
    ]
    scaled, relative = [], []
    for window, rows in zip(windows, merged, strict=True):
        past = {name: one.to_numpy() for name, one in window.known.groupby("unique_id")["y"]}
        for name, one in rows.groupby("unique_id"):
            scaled.append(mase(one["y"], one["y_forecast"], past[name], task.mase_season))
            relative.append(float(smape(one["y"], one["y_forecast"])))
    found = {"mase": float(np.mean(scaled)), "smape": float(np.mean(relative))}
    names = {share: f"y-q-{share}" for share in QUANTILES}
    table = pd.concat(merged)
    if set(names.values()) <= set(table.columns):
        found["wql"] = float(wql(table["y"], table[list(names.values())].to_numpy().T))
    return found


def _merged(truth: pd.DataFrame, forecast: pd.DataFrame) -> pd.DataFrame:
    merged = truth.merge(forecast, on=KEYS, suffixes=("", "_forecast"), validate="1:1")
    assert len(merged) == len(truth) == len(forecast), "a forecast has the truth's ids and stamps"
    return merged
