"""The tables of accuracy, from result files and from published.csv.

published.csv has what leaderboards and the M4 competition report for the same rows, with the
source. Rows of presets that begin with pretrained weights are there as soon as their results are.
ETTh1 is another file there, made hourly from quarters of an hour, so that MASE is shown
divided by that of seasonal naive on the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks import record
from benchmarks.accuracy import quickcheck as shipped_sets
from benchmarks.accuracy import results, weights
from benchmarks.markdown import NONE, line, number, over_seeds, seconds, table

PUBLISHED_CSV = Path(__file__).with_name("published.csv")

PUBLISHED = {
    "Toto 2.0 2.5B (pretrained)": ("Toto-2.0-2.5B",),
    "Toto 2.0 22m (pretrained)": ("Toto-2.0-22m",),
    "TiRex (pretrained)": ("TiRex", "tirex"),
    "TiRex-2 (pretrained)": ("TiRex-2-Zeroshot",),
    "Granite-FlowState r1.1 (pretrained)": ("Granite-FlowState-r1.1",),
    "FlowState r1.1 (pretrained)": ("FlowState-r1.1",),
    "Chronos-2 (pretrained)": ("chronos-2",),
    "Chronos small (pretrained)": ("Chronos_small",),
    "Chronos Bolt base (pretrained)": ("chronos_bolt_base",),
    "TimesFM 2.5, on M3 2.0 (pretrained)": ("TimesFM-2.5", "timesfm-2.0"),
    "Falcon-X (pretrained)": ("Falcon-X",),
    "CHARM (pretrained)": ("CHARM",),
    "TTM-R2 (pretrained, fine-tuned)": ("TTM-R2-Finetuned",),
    "M4's winner, ES-RNN": ("ES-RNN (M4 winner)",),
    "xLSTM-Mixer": ("xLSTM-Mixer",),
    "N-BEATS": ("N-BEATS",),
    "PatchTST": ("PatchTST",),
    "TFT": ("tft",),
    "DLinear": ("DLinear",),
    "DeepAR": ("deepar",),
    "AutoTheta": ("auto_theta",),
    "AutoARIMA": ("auto_arima",),
    "AutoETS": ("auto_ets",),
}
"""All models of published.csv but the naive ones, and their names there."""
INTERVALS = {"seasonal naive, published with intervals": ("seasonal_naive",)}
"""Stands for our own seasonal naive where quantiles are asked for."""

COVARIATES = {
    "beijing_air": "weather of the day",
    "chicago_trains": "names of public holidays",
}
"""As people write them."""

MISSING = "not measured yet"
"""Where a figure of pretrained weights is missing."""

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
PRESETS = {
    "zero_shot": "tsgen, zero-shot",
    "fine_tuned": "tsgen, fine-tuned",
    "accurate": "tsgen, accurate",
    "balanced": "tsgen, balanced",
    "fast": "tsgen, fast",
}
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
        "STANDING": standing(results.read()),
        "HEADLINE": headline(results.read()),
        "WEIGHTS": weights.card(),
        "PRETRAINED": pretrained(results.read()),
    }


def values_of(rows: pd.DataFrame) -> Values:
    """All scores of one row of the table, and the seconds from frame to forecast."""
    scores = ["mase", "mase_over_naive", "smape", "wql", "seconds"]
    return {
        (str(task), score): group[score].dropna().tolist()
        for task, group in rows.reindex(columns=["task", *scores]).groupby("task")
        for score in scores
    }


def with_seconds(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs; where the whole was not timed, its seconds are those of the fit."""
    times = runs.reindex(columns=["seconds", "fit_s"]).astype(float)
    return runs.assign(seconds=times["seconds"].fillna(times["fit_s"]))


def presets(runs: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """tsgen by preset."""
    for preset, title in PRESETS.items():
        mine = (runs["model"] == "tsgen") & (runs["preset"] == preset)
        yield title, values_of(runs[mine])


def encoder_decoder(runs: pd.DataFrame) -> Iterator[tuple[str, Values]]:
    """The forecaster with attention, whose preset is the default."""
    yield "tsgen, encoder–decoder", values_of(runs[runs["model"] == "encoder_decoder"])


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


def scored(values: Values, column: Column) -> str:
    """A cell: the median and range of seeds and, beside MASE, the seconds where they are known."""
    score = over_seeds(values.get((column.task, column.score), ()), f".{column.digits}f")
    spent = values.get((column.task, "seconds"), ())
    if score == NONE or not len(spent) or not column.score.startswith("mase"):
        return score
    return f"{score}, {seconds(pd.Series(spent).median())}"


def markdown(rows: Iterable[tuple[str, Values]], columns: Sequence[Column]) -> str:
    """A table of the rows that have a value."""
    head = ["model", *(column.title for column in columns)]
    found = [
        [title, *(scored(values, column) for column in columns)]
        for title, values in rows
    ]  # fmt: skip
    return table(line(head), line(["---"] * len(head)),
                 (cells for cells in found if set(cells[1:]) != {NONE}))  # fmt: skip


def leaderboard(runs: pd.DataFrame) -> str:
    """MASE, and the other scores, of ours, published and peers' forecasts."""
    runs = with_seconds(runs)
    mine, others, theirs = (
        list(rows) for rows in (presets(runs), peers(runs), published(PUBLISHED))
    )
    mine += encoder_decoder(runs)
    first = [*mine, *naive(runs), *theirs, *others]
    second = [*mine, *published(INTERVALS), *theirs, *others]
    return f"{markdown(first, MASE)}\n\n{markdown(second, OTHERS)}"


def standing(runs: pd.DataFrame) -> str:
    """How many of the published models are ahead of each preset's median, and by MASE which."""
    theirs = list(published(PUBLISHED))
    mine = [(title, values) for title, values in presets(runs) if any(values.values())]

    def cell(values: Values, column: Column) -> str:
        key = column.task, column.score
        listed = {title: found[key][0] for title, found in theirs if found.get(key)}
        if not values.get(key):
            return NONE
        middle = pd.Series(values[key]).median()
        better = sorted((score, title) for title, score in listed.items() if score < middle)
        names = "; ".join(title.partition(" (")[0] for _, title in better)
        count = f"{len(better)} of {len(listed)}"
        return f"{count}: {names}" if better and column in MASE else count

    head = ["score", *(f"ahead of {title}" for title, _ in mine)]
    return table(
        line(head),
        line(["---"] * len(head)),
        (
            [column.title, *(cell(values, column) for _, values in mine)]
            for column in (*MASE, *OTHERS)
        ),
    )


def headline(runs: pd.DataFrame) -> str:
    """MASE by task: medians of ours, the best of what is published, and seasonal naive's."""
    titles = {
        "tsgen, zero-shot": 'tsgen, `preset="zero_shot"`',
        "tsgen, balanced": "tsgen, defaults",
        "tsgen, accurate": 'tsgen, `preset="accurate"`',
    }
    ours = dict([*presets(runs), *naive(runs)])
    theirs = list(published(PUBLISHED))

    def cells(name: str) -> Iterator[str]:
        for column in MASE:
            found = ours[name].get((column.task, column.score), ())
            yield NONE if not len(found) else f"{pd.Series(found).median():.{column.digits}f}"

    def best() -> Iterator[str]:
        for column in MASE:
            key = column.task, column.score
            score, title = min(
                (min(found[key]), title) for title, found in theirs if found.get(key)
            )
            yield f"{score:.{column.digits}f}, {title.partition(' (')[0]}"

    head = ["", *(column.title for column in MASE)]
    rows = [
        *([title, *cells(name)] for name, title in titles.items()),
        ["best published", *best()],
        ["seasonal naive", *cells("seasonal naive")],
    ]
    return table(line(head), f"|{'---|' * len(head)}", rows)


def pretrained(runs: pd.DataFrame) -> str:
    """MASE and seconds of what begins with pretrained weights, for the model card."""
    titles = [PRESETS[preset] for preset in ("zero_shot", "fine_tuned")]
    ours = dict([*presets(with_seconds(runs)), *naive(runs)])

    def cells(column: Column) -> Iterator[str]:
        yield column.title
        for title in titles:
            found = scored(ours[title], column)
            yield MISSING if found == NONE else found
        yield scored(ours["seasonal naive"], column)

    head = ["task", *(title.removeprefix("tsgen, ") for title in titles), "seasonal naive"]
    return table(line(head), f"|{'---|' * len(head)}", map(cells, MASE))


def quickcheck(runs: pd.DataFrame) -> str:
    """The presets on the shipped data sets, with the seconds from frame to forecast."""
    mine = {
        str(preset): rows.set_index("dataset")
        for preset, rows in runs.groupby("preset", sort=False)
    }
    first = next(iter(mine.values()))

    def cells(name: str) -> Iterator[str]:
        row = first.loc[name]
        yield from (name, number(row["series"], 0), number(row["horizon"], 0))
        for rows in mine.values():
            row = rows.loc[name]
            low, high = (row[end] for end in ("lowest", "highest"))
            values = [row["tsgen"]] if low == high else [low, row["tsgen"], high]
            yield from (over_seeds(values, ".3f"), seconds(row["seconds"]))
        yield from (number(row["seasonal_naive"], 3), number(row["naive"], 3))

    titles = (f"{preset} | seconds" for preset in mine)
    shown = table(
        line(["data set", "series", "horizon", *titles, "seasonal naive", "naive"]),
        f"|---|---:|---:|{'---|---:|' * len(mine)}---|---|",
        map(cells, first.index),
    )
    return "\n".join([f"{shown}\n", *(f"- {counted(*rows)}" for rows in mine.items())])


def counted(preset: str, rows: pd.DataFrame) -> str:
    """On how many data sets a preset's median is ahead of both naive forecasts."""
    is_ahead = shipped_sets.ahead(rows)
    others = ", ".join(f"`{name}`" for name in rows.index[~is_ahead])
    except_for = f"; not on {others}" if others else ""
    return (
        f"`{preset}`: ahead of both naive forecasts on {is_ahead.sum()} of {len(rows)}{except_for}."
    )


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
        "| data set | preset | series | horizon | 80 % covers | 95 % covers | before calibration |",
        "|---|---|---:|---:|---:|---:|---|",
        (
            (run.dataset, run.preset, number(run.series, 0), run.horizon,
             number(run.coverage_80, 1), number(run.coverage_95, 1),
             f"{run.raw_80:.1f} and {run.raw_95:.1f}")
            for run in runs.itertuples()
        ),
    )  # fmt: skip
