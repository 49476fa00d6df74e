"""The tables of symbols, from the files in results/; a dash for what hasn't been measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.markdown import number, over_seeds, seconds, table
from benchmarks.record import RESULTS

MISSING = "not measured yet"
PUBLISHED = {
    "nanoGPT on a CPU, 3 minutes (published)": 1.88,
    "nanoGPT on a GPU, 3 minutes (published)": 1.47,
}
"""Nats per character, of its README."""
PUBLISHED_PHONEMES = {
    "joint n-grams as a WFST": 24.4,
    "BiLSTM-CTC": 25.8,
    "Transformer": 20.2,
}
"""Wrong words of CMUdict, in the split of 2007."""
TASKS = {
    "dates": "dates in twenty notations",
    "digits": "5 to 25 digits, reversed",
    "phonemes": "letters to phonemes",
}
"""Of pairs."""
FIRST = 5
"""A fault among so many least likely steps is found."""


def tables(folder: Path = RESULTS) -> dict[str, str]:
    """By their marks."""
    return {
        "SEQUENCES_TEXT": text(_read(folder, "text")),
        "SEQUENCES_MUSIC": music(_read(folder, "music")),
        "SEQUENCES_MACHINE": machine(_read(folder, "machine")),
        "SEQUENCES_SPEED": speed(_read(folder, "speed")),
        "SEQUENCES_PAIRS": pairs(_read(folder, "pairs")),
        "SEQUENCES_PAIRS_SPEED": pairs_speed(_read(folder, "pairs_speed")),
        "SEQUENCES_STREAMING": streaming(_read(folder, "streaming")),
    }


def text(runs: pd.DataFrame) -> str:
    """Nats per character, the lowest first; published ones among them."""
    entries = [(value, (name, number(value, 2), "–")) for name, value in PUBLISHED.items()]
    for name, group in _by_model(runs):
        shown = over_seeds(group["nats"], ".3f")
        entries.append((group["nats"].median(), (name, shown, _seconds(group))))
    rows = [cells for _, cells in sorted(entries, key=lambda entry: entry[0])]
    return table(
        "| model | nats per character | seconds |",
        "|---|---:|---:|",
        [*rows, *_lacking(runs, cells=2)],
    )


def music(runs: pd.DataFrame) -> str:
    """Bits per step, the lowest of all test pieces first; of Markov chains the best alone."""
    runs = _without_worse_chains(runs)
    entries = [
        (group["bits"].median(),
         (name, *(over_seeds(group[column], ".3f") for column in ("bits", "bits_new"))))
        for name, group in _by_model(runs)
    ]  # fmt: skip
    rows = [cells for _, cells in sorted(entries, key=lambda entry: entry[0])]
    return table(
        "| model | bits, all test pieces | bits, those without repeats |",
        "|---|---:|---:|",
        [*rows, *_lacking(runs, cells=2)],
    )


def machine(faults: pd.DataFrame) -> str:
    """How many faults are found, and the place of the last one."""
    rows = []
    for name, group in _by_model(faults):
        found = f"{(group['rank'] <= FIRST).sum()} of {len(group)}"
        bits, least = group["bits"].median(), group["least_bits"].iloc[0]
        last = number(group["rank"].max(), 0)
        rows.append((name, found, last, f"{number(bits, 3)} (at best {number(least, 3)})"))
    return table(
        f"| model | faults among the {FIRST} least likely steps | last place of a fault "
        "| bits per step |",
        "|---|---:|---:|---:|",
        [*rows, *_lacking(faults, cells=3)],
    )


def speed(runs: pd.DataFrame) -> str:
    """Symbols a second."""
    rows = [
        (run.units, run.prompts, run.choice, number(run.length, 0), seconds(run.seconds),
         number(run.symbols_per_s, 0), number(run.stepped_symbols_per_s, 0), number(run.ratio, 1))
        for run in runs.itertuples()
    ]  # fmt: skip
    return table(
        "| units | prompts | symbols are | symbols each | tsgen | tsgen, symbols a second "
        "| stepping `nn.LSTM` | ratio |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
        rows or [("–", "–", "–", "–", *[MISSING] * 4)],
    )


def pairs(runs: pd.DataFrame) -> str:
    """Errors of each task by the width of the search, after those that were published."""
    entries: dict[str, list[tuple[str, ...]]] = {name: [] for name in TASKS}
    for name, error in PUBLISHED_PHONEMES.items():
        entries["phonemes"].append((f"{name} (published)", number(error, 1), *["–"] * 3))
    ways = ["task", "model", "beams"]
    for (task, model, beams), group in runs.groupby(ways) if len(runs) else []:
        shown = (over_seeds(group[column], ".2f") for column in ("error", "symbol_error"))
        took = seconds(group["predict_s"].median())
        way = "greedy" if beams == 1 else f"{beams} beams"
        entries[str(task)].append((f"{model}, {way}", *shown, _seconds(group), took))
    rows = [
        (title, *cells)
        for task, title in TASKS.items()
        for cells in [*entries[task], *_lacking_task(runs, task)]
    ]
    return table(
        "| task | model | wrong targets, per cent | wrong symbols, per cent | training | "
        "predicting |",
        "|---|---|---:|---:|---:|---:|",
        rows,
    )


def _lacking_task(runs: pd.DataFrame, task: str) -> list[tuple[str, ...]]:
    there = not runs.empty and bool((runs["task"] == task).any())
    return [] if there else [("tsgen", *[MISSING] * 4)]


def pairs_speed(runs: pd.DataFrame) -> str:
    """Pairs a second in training."""
    rows = [
        (run.units, run.batch_size, number(run.pairs_per_s, 0), number(run.bare_pairs_per_s, 0),
         number(run.ratio, 2))
        for run in runs.itertuples()
    ]  # fmt: skip
    return table(
        "| units | pairs a step | tsgen, pairs a second | a loop in PyTorch | ratio |",
        "|---:|---:|---:|---:|---:|",
        rows or [("–", "–", *[MISSING] * 3)],
    )


def streaming(runs: pd.DataFrame) -> str:
    """Memory above the imports."""
    rows = [
        (run.kind, number(run.symbols, 0), number(run.different, 0), number(run.known, 0),
         f"{number(run.above_mib, 0)} MiB")
        for run in runs.itertuples()
    ]  # fmt: skip
    return table(
        "| symbols are | streamed | different ones | known ones | memory above the imports |",
        "|---|---:|---:|---:|---:|",
        rows or [("–", "–", "–", "–", MISSING)],
    )


def _read(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"sequences_{name}.csv"
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def _by_model(runs: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if not runs.empty:
        for name, group in runs.groupby("model", sort=False):
            yield str(name), group


def _without_worse_chains(runs: pd.DataFrame) -> pd.DataFrame:
    """Without the Markov chains that others are ahead of in both scores."""
    if runs.empty:
        return runs
    chains = runs[runs["model"].str.startswith("Markov")]
    best = chains[["bits", "bits_new"]].idxmin() if len(chains) else []
    return runs.drop(index=chains.index.difference(pd.Index(best)))


def _lacking(runs: pd.DataFrame, cells: int) -> list[tuple[str, ...]]:
    """A row for ours, where there is none."""
    ours = not runs.empty and runs["model"].str.startswith("tsgen").any()
    return [] if ours else [("tsgen", *[MISSING] * cells)]


def _seconds(group: pd.DataFrame) -> str:
    return seconds(group["seconds"].median())
