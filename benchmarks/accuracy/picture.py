"""MASE against seconds, a panel for each task: the picture of docs/measurements.md.

    python -m benchmarks.accuracy.picture

Presets, seasonal naive and peers stand at their seconds from the frame to the forecast; published
models, whose seconds nobody reports, stand at the right edge. What is worse than seasonal naive by
more than a tenth is left out, and counted. It shows what is there: rows that are missing are added
by the next run.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmarks import record
from benchmarks.accuracy import results, tables

PICTURE = record.ROOT / "docs" / "images" / "accuracy_seconds.png"
OTHERS, MUTED = "#3b4252", "#9aa3ae"
COLOURS = dict(
    zip(tables.PRESETS.values(), ("#d1495b", "#e08e45", "#2e6f95", "#5b9279", "#8a6fb0"),
        strict=True)
)  # fmt: skip
PEERS = "LSTMs of other libraries"
SECONDS = (1e-2, 1e3)
"""The axis, where nothing needs more."""


class Point(NamedTuple):
    """A model's median on a task, its range over seeds, and its seconds if they are known."""

    label: str
    error: float
    lowest: float
    highest: float
    seconds: float | None


def points(rows: Sequence[tuple[str, tables.Values]], column: tables.Column) -> list[Point]:
    """Of the models that have an error on the task."""
    found = []
    for label, values in rows:
        errors = pd.Series(values.get((column.task, column.score), ()), dtype=float)
        spent = pd.Series(values.get((column.task, "seconds"), ()), dtype=float)
        if len(errors):
            seconds = None if spent.empty else float(spent.median())
            found.append(Point(label, errors.median(), errors.min(), errors.max(), seconds))
    return found


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Where labels go that ascend by at least a gap, as near to the heights as in one pass.

    They lie from low to high if there is room for all of them there.
    """
    above, below = [], []
    for height in heights:
        above.append(max(height, above[-1] + gap) if above else height)
    for height in reversed(heights):
        below.append(min(height, below[-1] - gap) if below else height)
    middle = [(up + down) / 2 for up, down in zip(above, reversed(below), strict=True)]
    last = len(heights) - 1
    lifted = [max(height, low + i * gap) for i, height in enumerate(middle)]
    return [min(height, high - (last - i) * gap) for i, height in enumerate(lifted)]


def look(label: str) -> dict[str, Any]:
    """How a timed model is drawn, and what the legend calls it."""
    if label in COLOURS:
        return {"color": COLOURS[label], "marker": "o", "label": label}
    if label == "seasonal naive":
        return {"color": MUTED, "marker": "D", "label": label}
    return {"color": OTHERS, "marker": "s", "label": PEERS}


def draw_timed(axis: Any, found: Sequence[Point]) -> None:
    """Models at their seconds, with the range of their seeds."""
    for point in found:
        style = look(point.label)
        axis.plot(
            [point.seconds] * 2, [point.lowest, point.highest], color=style["color"], linewidth=1.2
        )
        axis.plot(point.seconds, point.error, linestyle="none", markersize=6, **style)


def draw_published(axis: Any, found: Sequence[Point]) -> None:
    """Models without seconds: marks at the right edge, and their names beside it."""
    low, high = axis.get_ylim()
    found = sorted(found, key=lambda point: point.error)
    across = axis.get_yaxis_transform()
    labels = spread([point.error for point in found], (high - low) / 26, low, high)
    for point, height in zip(found, labels, strict=True):
        axis.axhline(point.error, color=MUTED, linewidth=0.4, alpha=0.5, zorder=0)
        axis.plot(
            [1, 1.04], [point.error, height], color=MUTED, linewidth=0.6, transform=across,
            clip_on=False,
        )  # fmt: skip
        name = point.label.partition(" (")[0]
        axis.text(1.05, height, name, transform=across, fontsize=6.5, color=OTHERS, va="center")


def draw(axis: Any, column: tables.Column, runs: pd.DataFrame) -> None:
    """The panel of a task."""
    (naive,) = points(list(tables.naive(runs)), column)
    timed = [naive, *points([*tables.presets(runs), *tables.peers(runs)], column)]
    published = points(list(tables.published(tables.PUBLISHED)), column)
    known = [*timed, *published]
    ceiling, floor = 1.1 * naive.error, min(point.lowest for point in known)
    shown = [p for p in timed if p.error <= ceiling and p.seconds is not None]
    axis.set_ylim(floor - 0.05 * (ceiling - floor), ceiling)
    axis.set_xscale("log")
    spent = [point.seconds for point in shown]
    axis.set_xlim(min([SECONDS[0], *spent]) / 2, 2 * max([SECONDS[1], *spent]))
    draw_timed(axis, shown)
    draw_published(axis, [point for point in published if point.error <= ceiling])
    above = sum(point.error > ceiling for point in known)
    note = f" ({above} more above)" if above else ""
    axis.set_title(f"{column.title}{note}", loc="left", fontsize=9)


def picture(runs: pd.DataFrame) -> Any:
    """The figure, from runs as `results.read` reads them."""
    from matplotlib.figure import Figure

    runs = tables.with_seconds(runs)
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    for axis, column in zip(figure.subplots(2, 3).flat, tables.MASE, strict=True):
        draw(axis, column, runs)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    handles = {
        handle.get_label(): handle
        for axis in figure.axes
        for handle in axis.get_legend_handles_labels()[0]
    }
    order = [name for name in (*COLOURS, "seasonal naive", PEERS) if name in handles]
    figure.legend([handles[name] for name in order], order, loc="outside upper center",
                  ncols=len(order), frameon=False, fontsize=9)  # fmt: skip
    figure.supxlabel("seconds from the frame to the forecast; published models without seconds "
                     "at the right edge", fontsize=9)  # fmt: skip
    figure.supylabel("MASE", fontsize=9)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=PICTURE)
    asked = parser.parse_args(arguments)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    picture(results.read()).savefig(asked.out, dpi=150)
    print(asked.out)


if __name__ == "__main__":
    main()
