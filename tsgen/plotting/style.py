"""What pictures share: colours, panels and axes; nothing touches matplotlib's global state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


__all__ = [
    "FORECAST",
    "HISTORY",
    "MUTED",
    "dress",
    "panels",
    "save_figure",
    "set_title",
    "title_of",
]

HISTORY, FORECAST, MUTED = "#3b4252", "#d1495b", "#9aa3ae"


def panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    """A figure with so many small pictures."""
    from matplotlib.figure import Figure

    across = min(3, math.ceil(math.sqrt(count)))
    down = math.ceil(count / across)
    figure = Figure(figsize=(4.0 + 3.5 * across, 1.4 + 2.6 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, list(axes[:count])


def set_title(
    figure: Figure, title: str | None, shown: int, count: int, what: str = "series"
) -> None:
    """A title above all, which says if only some are shown."""
    if count > shown:
        title = f"{title or ''} (the first {shown} of {count} {what})".strip()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)


def title_of(name: Any) -> str:
    """The name of a series; those of several parts are joined. A $ in it begins no formula."""
    text = " · ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return text.replace("$", r"\$")


def dress(axis: Axes, past: pd.Series) -> None:
    """Spines, ticks and grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=HISTORY)
    axis.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.6)
    if isinstance(past.index, pd.DatetimeIndex):
        from matplotlib import dates

        # With 5 at least, its default, there are lengths that no interval of its own divides.
        locator: Any = dates.AutoDateLocator(  # type: ignore[no-untyped-call]
            minticks=3, maxticks=8
        )
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(
            dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )


def save_figure(figure: Figure, path: str | Path | BinaryIO, format: str | None = None) -> None:
    """Write a picture.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str, Path or binary file
    format : str, optional
        Such as ``"png"``; the ending of the path if not given.
    """
    figure.savefig(path, dpi=150, format=format)
