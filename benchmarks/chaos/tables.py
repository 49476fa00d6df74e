"""The tables of chaos: the committed results beside the published models.

Several seeds are given as their median and range. The best of ours is the run with the lowest
error on the validation sequences, so that the test sequences have no say in it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from benchmarks.markdown import NONE, line, over_seeds, table

HERE = Path(__file__).parent
NAMES = {
    "lorenz": "Lorenz",
    "roessler": "Rössler",
    "mackeyglass": "Mackey-Glass",
    "thomas": "Thomas",
}
ANCHORS = {
    "teacher_forcing": "teacher forcing",
    "free_running": "free running",
    "best_curriculum": "best curriculum",
}
DIGITS = ".2g"
COLUMNS = [
    "system", "strategy", "cell", "settings", "seed", "budget", "nrmse", "nrmse_last_tenth",
    "nrmse_validation", "seconds",
]  # fmt: skip
"""Of the CSV of a run, before those that say on what it was made."""


def tables() -> dict[str, str]:
    """By their marks."""
    return {"CHAOS": f"{by_system(results(), anchors())}\n\n{by_strategy(results(), anchors())}"}


def anchors() -> pd.DataFrame:
    """Published models, re-run on freshly integrated data."""
    return pd.read_csv(HERE / "anchors.csv")


def results(folder: Path = HERE / "results") -> pd.DataFrame:
    """All runs, a row each."""
    parts = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table whose first column is text."""
    return table(line(head), line(["---", *["---:"] * (len(head) - 1)]), rows)


def label(runs: pd.DataFrame) -> str:
    """What they were trained with, as people write it."""
    first = runs.iloc[0]
    return f"{str(first['strategy']).replace('_', ' ')}, {str(first['cell']).upper()}"


def best(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, over seeds, of the way of training with the lowest median validation error."""
    if runs.empty:
        return runs
    groups = dict(list(runs.groupby(["strategy", "cell", "budget"])))
    return min(groups.values(), key=lambda group: float(group["nrmse_validation"].median()))


def by_system(runs: pd.DataFrame, published: pd.DataFrame) -> str:
    """The published models and ours, a row for each system."""
    head = ["system", *(f"published: {name}" for name in ANCHORS.values()),
            *(f"tsgen: {ANCHORS[name]}" for name in ("teacher_forcing", "free_running")),
            "tsgen: best", "which"]  # fmt: skip
    rows = []
    for system, name in NAMES.items():
        theirs = published[published["system"] == system].set_index("strategy")["nrmse"]
        ours = runs[runs["system"] == system]
        cells = [f"{theirs[strategy]:.2g}" for strategy in ANCHORS]
        for strategy in ("teacher_forcing", "free_running"):
            cells.append(over_seeds(best(ours[ours["strategy"] == strategy])["nrmse"], DIGITS))
        chosen = best(ours)
        rows.append([name, *cells, over_seeds(chosen["nrmse"], DIGITS),
                     NONE if chosen.empty else label(chosen)])  # fmt: skip
    return markdown(head, rows)


def by_strategy(runs: pd.DataFrame, published: pd.DataFrame, system: str = "lorenz") -> str:
    """All ways of training on one system, published ones among them, the lowest error first."""
    entries = [
        (row["nrmse"], [f"published: {row['label']}", f"{row['nrmse']:.2g}",
                        f"{row['nrmse_last_tenth']:.2g}", NONE, NONE])
        for _, row in published[published["system"] == system].iterrows()
    ]  # fmt: skip
    for _, group in runs[runs["system"] == system].groupby(["strategy", "cell", "budget"]):
        cells = [over_seeds(group[column], DIGITS) for column in ("nrmse", "nrmse_last_tenth")]
        steps = pd.Series([json.loads(text)["max_steps"] for text in group["settings"]]).median()
        trained = [str(group["budget"].iloc[0]), f"{steps:,.0f}"]
        entries.append((group["nrmse"].median(), [label(group), *cells, *trained]))
    head = [f"{NAMES[system]}: trained by", "error", "in the last tenth", "budget", "steps"]
    return markdown(head, [cells for _, cells in sorted(entries, key=lambda entry: entry[0])])
