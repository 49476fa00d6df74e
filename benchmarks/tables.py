"""README's tables, from the files in benchmarks/results/.

    python benchmarks/tables.py          # prints them
    python benchmarks/tables.py --write  # puts them into README.md

Those of accuracy/ and chaos/ are made by the ``table.py`` there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from time_to_accuracy import seconds_to_accuracy

FOLDER = Path(__file__).parent
README = FOLDER.parent / "README.md"


def number(value: Any, digits: int) -> str:
    """As people read it; a dash for none."""
    return "–" if pd.isna(value) else f"{value:,.{digits}f}"


def spread(low: float, middle: float, high: float, digits: int = 3) -> str:
    """The median of some seeds and their range."""
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def markdown(head: str, rule: str, rows: Iterable[Iterable[Any]]) -> str:
    """A table; head and rule are given as they stand in it."""
    return "\n".join([head, rule, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def quickcheck(runs: pd.DataFrame) -> str:
    """The defaults on the shipped data sets."""
    below = runs["tsgen"] < runs[["seasonal_naive", "naive"]].min(axis=1)
    others = ", ".join(f"`{name}`" for name in runs.loc[~below, "dataset"])
    table = markdown(
        "| data set | series | horizon | tsgen | seasonal naive | naive | seconds |",
        "|---|---:|---:|---|---|---|---|",
        (
            (run.dataset, run.series, run.horizon, spread(run.lowest, run.tsgen, run.highest),
             number(run.seasonal_naive, 3), number(run.naive, 3), number(run.seconds, 0))
            for run in runs.itertuples()
        ),
    )  # fmt: skip
    count = f"{below.sum()} of {len(runs)}"
    return f"{table}\n\nThe median is below both baselines on {count}; not on {others}."


def fit_speed(runs: pd.DataFrame) -> str:
    """Windows a second in training."""
    return markdown(
        "| batch size | window steps | tsgen windows per s | bare windows per s | ratio |",
        "|---:|---:|---:|---:|---:|",
        (
            (run.batch_size, run.window_steps, number(run.tsgen_windows_per_s, 0),
             number(run.bare_windows_per_s, 0), number(run.ratio, 2))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def rollout_speed(runs: pd.DataFrame) -> str:
    """Milliseconds of forecasts."""
    return markdown(
        "| work | tsgen, ms | times the floor | fastest peer | peer's time over tsgen's |",
        "|---|---:|---:|---|---:|",
        (
            (run.work, number(run.tsgen_ms, 1), number(run.times_floor, 1),
             "–" if pd.isna(run.fastest_peer) else run.fastest_peer,
             number(run.peer_over_tsgen, 1))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def time_to_accuracy(fits: pd.DataFrame) -> str:
    """Seconds of fit until errors stay below seasonal naive's, the shortest first."""
    longest = fits["limit_s"].max()

    def row(name: str) -> tuple[float, tuple[str, ...]]:
        these = fits[fits["model"] == name]
        seconds, best = seconds_to_accuracy(these), these.loc[these["mase"].idxmin()]
        shown = f"not in {longest:,.0f}" if pd.isna(seconds) else number(seconds, 1)
        return (
            float("inf") if pd.isna(seconds) else seconds,
            (name, shown, number(best["mase"], 3), number(best["fit_s"], 1)),
        )

    rows = sorted((row(name) for name in fits["model"].unique()), key=lambda entry: entry[0])
    return markdown(
        "| model | seconds to accuracy | lowest MASE seen | after a fit of, s |",
        "|---|---:|---:|---:|",
        (cells for _, cells in rows),
    )


def contention(runs: pd.DataFrame) -> str:
    """Seconds on a quiet machine and on a busy one, of this version and the one before."""
    return markdown(
        "| work | units | quiet, s | busy, s | busy over quiet | before: busy over quiet "
        "| quiet over quiet before |",
        "|---|---:|---:|---:|---:|---:|---:|",
        (
            (run.work, run.units, number(run.quiet_s, 2), number(run.busy_s, 2),
             number(run.busy_over_quiet, 1), number(run.before_busy_over_quiet, 1),
             number(run.quiet_over_before, 2))
            for run in runs.itertuples()
        ),
    )  # fmt: skip


def coverage(runs: pd.DataFrame) -> str:
    """How often the truth lies inside of intervals."""
    return markdown(
        "| data set | series | horizon | 80 % covers | 95 % covers | before calibration |",
        "|---|---:|---:|---:|---:|---|",
        (
            (run.dataset, number(run.series, 0), run.horizon, number(run.coverage_80, 1),
             number(run.coverage_95, 1), f"{run.raw_80:.1f} and {run.raw_95:.1f}")
            for run in runs.itertuples()
        ),
    )  # fmt: skip


BLOCKS: dict[str, tuple[str, Callable[[pd.DataFrame], str]]] = {
    "QUICKCHECK": ("quickcheck", quickcheck),
    "FIT_SPEED": ("fit_speed", fit_speed),
    "ROLLOUT_SPEED": ("rollout_speed", rollout_speed),
    "TIME_TO_ACCURACY": ("time_to_accuracy", time_to_accuracy),
    "COVERAGE": ("coverage", coverage),
    "CONTENTION": ("contention", contention),
}
"""By their marks in README.md: the file in results/, and what makes the table of it."""


def tables() -> dict[str, str]:
    """What stands between the marks."""
    return {
        mark: make(pd.read_csv(FOLDER / "results" / f"{name}.csv"))
        for mark, (name, make) in BLOCKS.items()
    }


def filled(text: str, blocks: dict[str, str]) -> str:
    """A text with the blocks between their marks."""
    for mark, block in blocks.items():
        begin, end = f"<!-- {mark} -->\n", f"\n<!-- end {mark} -->"
        before, begun, rest = text.partition(begin)
        if not begun or end not in rest:
            raise SystemExit(f"README.md lacks {begin.strip()} or {end.strip()}: add them")
        text = f"{before}{begin}{block}{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Print the tables; write them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into README.md")
    blocks = tables()
    print("\n\n".join(blocks.values()))
    if parser.parse_args().write:
        README.write_text(filled(README.read_text(), blocks))


if __name__ == "__main__":
    main()
