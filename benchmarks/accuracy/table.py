"""README's tables of accuracy, from the files in results/ and from published.csv.

    python benchmarks/accuracy/table.py          # prints them
    python benchmarks/accuracy/table.py --write  # puts them into README.md

published.csv has what leaderboards and the M4 competition report for the same rows, with the
source. ETTh1 is another file there, made hourly from quarters of an hour, so that MASE is shown
divided by that of seasonal naive on the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from record import RESULTS, read

FOLDER = Path(__file__).parent
README = FOLDER.parent.parent / "README.md"
OPEN, CLOSE = "<!-- ACCURACY -->\n", "<!-- end ACCURACY -->"

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


def values_of(rows: pd.DataFrame) -> Values:
    """All scores of one row of the table."""
    scores = ["mase", "mase_over_naive", "smape", "wql"]
    return {
        (task, score): group[score].dropna().tolist()
        for task, group in rows.groupby("task")
        for score in scores
    }


def presets(results: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """tsgen by preset."""
    for preset in ("accurate", "balanced", "fast"):
        mine = (results["model"] == "tsgen") & (results["preset"] == preset)
        yield f"tsgen, {preset}", values_of(results[mine])


def naive(results: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """Our own seasonal naive, which has no quantiles."""
    yield "seasonal naive", values_of(results[results["model"] == "seasonal_naive"])


def peers(results: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """Peers by model and seconds of training."""
    for (model, budget), rows in results.dropna(subset="budget_s").groupby(["model", "budget_s"]):
        yield f"{model}, {budget:g} s", values_of(rows)


def published(names: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Values]]:
    """Rows of published.csv."""
    table = pd.read_csv(FOLDER / "published.csv").rename(columns={"dataset": "task"})
    unit = table[table["model"] == "seasonal_naive"].set_index("task")["mase"]
    table["mase_over_naive"] = table["mase"] / table["task"].map(unit)
    for title, models in names.items():
        yield title, values_of(table[table["model"].isin(models)])


def cell(values: Sequence[float], digits: int) -> str:
    """A value, or the median of several and their range."""
    if not values:
        return "–"
    low, middle, high = (
        f"{value:.{digits}f}" for value in pd.Series(values).quantile([0.0, 0.5, 1.0])
    )
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def markdown(rows: Iterable[tuple[str, Values]], columns: Sequence[Column]) -> str:
    """A table of the rows that have a value."""
    lines = [
        ["model", *(column.title for column in columns)],
        ["---"] * (1 + len(columns)),
    ]
    for title, values in rows:
        cells = [
            cell(values.get((column.task, column.score), ()), column.digits) for column in columns
        ]
        if set(cells) != {"–"}:
            lines.append([title, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def block(results: pd.DataFrame) -> str:
    """What stands between the marks in README.md."""
    mine, others, theirs = (
        list(rows) for rows in (presets(results), peers(results), published(PUBLISHED))
    )
    first = [*mine, *naive(results), *theirs, *others]
    second = [*mine, *published(INTERVALS), *theirs, *others]
    return f"{markdown(first, MASE)}\n{markdown(second, OTHERS)}"


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="into README.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a folder of results")
    asked = parser.parse_args()
    text = block(read(asked.results))
    if not asked.write:
        print(text, end="")
        return
    readme = README.read_text()
    if OPEN not in readme or CLOSE not in readme:
        parser.error(f"{README} has no lines {OPEN.strip()} and {CLOSE}: add them where it goes")
    before, _, rest = readme.partition(OPEN)
    README.write_text(f"{before}{OPEN}{text}{CLOSE}{rest.partition(CLOSE)[2]}")


if __name__ == "__main__":
    main()
