"""The tables of accuracy, from result files and from published.csv.

published.csv has what leaderboards and the M4 competition report for the same rows, with the
source. ETTh1 is another file there, made hourly from quarters of an hour, so that MASE is shown
divided by that of seasonal naive on the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks import record
from benchmarks.accuracy import results
from benchmarks.markdown import NONE, line, number, over_seeds, table

PUBLISHED_CSV = Path(__file__).with_name("published.csv")

PUBLISHED = {
    "TiRex (pretrained)": ("TiRex", "tirex"),
    "Chronos-2 (pretrained)": ("chronos-2",),
    "Chronos small (pretrained)": ("Chronos_small",),
    "Chronos Bolt base (pretrained)": ("chronos_bolt_base",),
    "TimesFM 2.5, on M3 2.0 (pretrained)": ("TimesFM-2.5", "timesfm-2.0"),
    "M4's winner, ES-RNN": ("ES-RNN (M4 winner)",),
    "N-BEATS": ("N-BEATS",),
    "PatchTST": ("PatchTST",),
    "DeepAR": ("deepar",),
    "AutoTheta": ("auto_theta",),
    "AutoARIMA": ("auto_arima",),
    "AutoETS": ("auto_ets",),
}
"""The rows of published.csv that are shown, and their names there."""
INTERVALS = {"seasonal naive, published with intervals": ("seasonal_naive",)}
"""Stands for our own seasonal naive where quantiles are asked for."""

COVARIATES = {
    "beijing_air": "weather of the day",
    "chicago_trains": "names of public holidays",
}
"""As people write them."""

Values = Mapping[tuple[str, str], Sequence[float]]
"""The values of a row by task and score, one for each seed."""


class Column(NamedTuple):
    """A task and a score, and how they are shown."""

    title: str
    task: str
    score: str
    digits: int


MASE = [
    *(Column(task, task, "mase", 3)
      for task in ("m4_hourly", "m4_weekly", "m3_monthly", "m3_quarterly", "m3_yearly")),
    Column("etth1_short, over seasonal naive", "etth1_short", "mase_over_naive", 3),
]  # fmt: skip
OTHERS = [
    *(Column(f"{task} sMAPE", task, "smape", 2) for task in ("m4_hourly", "m4_weekly")),
    *(Column(f"{column.task} WQL", column.task, "wql", 4) for column in MASE),
]


def tables() -> dict[str, str]:
    """By their marks."""
    return {
        "QUICKCHECK": quickcheck(record.read("quickcheck")),
        "COVARIATES": covariates(record.read("covariates")),
        "COVERAGE": coverage(record.read("coverage")),
        "ACCURACY": leaderboard(results.read()),
        "HEADLINE": headline(results.read()),
    }


def values_of(rows: pd.DataFrame) -> Values:
    """All scores of one row of the table."""
    scores = ["mase", "mase_over_naive", "smape", "wql"]
    return {
        (task, score): group[score].dropna().tolist()
        for task, group in rows.groupby("task")
        for score in scores
    }


def presets(runs: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """tsgen by preset."""
    for preset in ("accurate", "balanced", "fast"):
        mine = (runs["model"] == "tsgen") & (runs["preset"] == preset)
        yield f"tsgen, {preset}", values_of(runs[mine])


def naive(runs: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """Our own seasonal naive, which has no quantiles."""
    yield "seasonal naive", values_of(runs[runs["model"] == "seasonal_naive"])


def peers(runs: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """Peers by model and seconds of training."""
    for (model, budget), rows in runs.dropna(subset="budget_s").groupby(["model", "budget_s"]):
        yield f"{model}, {budget:g} s", values_of(rows)


def published(names: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Values]]:
    """Rows of published.csv."""
    rows = pd.read_csv(PUBLISHED_CSV).rename(columns={"dataset": "task"})
    unit = rows[rows["model"] == "seasonal_naive"].set_index("task")["mase"]
    rows["mase_over_naive"] = rows["mase"] / rows["task"].map(unit)
    for title, models in names.items():
        yield title, values_of(rows[rows["model"].isin(models)])


def markdown(rows: Iterable[tuple[str, Values]], columns: Sequence[Column]) -> str:
    """A table of the rows that have a value."""
    head = ["model", *(column.title for column in columns)]
    found = [
        [title, *(over_seeds(values.get((column.task, column.score), ()), f".{column.digits}f")
                  for column in columns)]
        for title, values in rows
    ]  # fmt: skip
    return table(line(head), line(["---"] * len(head)),
                 (cells for cells in found if set(cells[1:]) != {NONE}))  # fmt: skip


def leaderboard(runs: pd.DataFrame) -> str:
    """MASE, and the other scores, of ours, published and peers' forecasts."""
    mine, others, theirs = (
        list(rows) for rows in (presets(runs), peers(runs), published(PUBLISHED))
    )
    first = [*mine, *naive(runs), *theirs, *others]
    second = [*mine, *published(INTERVALS), *theirs, *others]
    return f"{markdown(first, MASE)}\n\n{markdown(second, OTHERS)}"


def headline(runs: pd.DataFrame) -> str:
    """MASE by task: ours, the best of what is published, and seasonal naive's."""
    ours = dict([*presets(runs), *naive(runs)])
    theirs = list(published(PUBLISHED))

    def cells(column: Column) -> Iterator[str]:
        key, form = (column.task, column.score), f".{column.digits}f"
        best, title = min((min(found[key]), title) for title, found in theirs if found.get(key))
        yield column.title
        yield from (
            over_seeds(ours[name][key], form) for name in ("tsgen, accurate", "tsgen, balanced")
        )
        yield f"{best:{form}}, {title}"
        yield over_seeds(ours["seasonal naive"][key], form)

    return table(
        '| task | tsgen, `preset="accurate"` | tsgen, defaults | best published | seasonal naive |',
        "|---|---|---|---|---|",
        map(cells, MASE),
    )


def quickcheck(runs: pd.DataFrame) -> str:
    """The defaults on the shipped data sets."""
    below = runs["tsgen"] < runs[["seasonal_naive", "naive"]].min(axis=1)
    others = ", ".join(f"`{name}`" for name in runs.loc[~below, "dataset"])
    shown = table(
        "| data set | series | horizon | tsgen | seasonal naive | naive | seconds |",
        "|---|---:|---:|---|---|---|---|",
        (
            (run.dataset, run.series, run.horizon,
             over_seeds([run.lowest, run.tsgen, run.highest], ".3f"),
             number(run.seasonal_naive, 3), number(run.naive, 3), number(run.seconds, 0))
            for run in runs.itertuples()
        ),
    )  # fmt: skip
    count = f"{below.sum()} of {len(runs)}"
    return f"{shown}\n\nThe median is below both baselines on {count}; not on {others}."


def covariates(runs: pd.DataFrame) -> str:
    """With and without covariates."""
    shown = table(
        "| data set | covariates | windows | without | with | with / without | seasonal naive |",
        "|---|---|---:|---|---|---|---:|",
        (
            (name, COVARIATES[str(name)], rows["windows"].iloc[0],
             over_seeds(rows["without"], ".3f"), over_seeds(rows["with"], ".3f"),
             over_seeds(rows["ratio"], ".2f"), number(rows["seasonal_naive"].iloc[0], 3))
            for name, rows in runs.groupby("dataset")
        ),
    )  # fmt: skip
    before, after = (runs[f"holidays_{label}"].median() for label in ("without", "with"))
    return f"{shown}\n\nOn the holidays themselves the MASE falls from {before:.2f} to {after:.2f}."


def coverage(runs: pd.DataFrame) -> str:
    """How often the truth lies inside of intervals."""
    return table(
        "| data set | series | horizon | 80 % covers | 95 % covers | before calibration |",
        "|---|---:|---:|---:|---:|---|",
        (
            (run.dataset, number(run.series, 0), run.horizon, number(run.coverage_80, 1),
             number(run.coverage_95, 1), f"{run.raw_80:.1f} and {run.raw_95:.1f}")
            for run in runs.itertuples()
        ),
    )  # fmt: skip
