"""Figures as SVG that stands inside of a page and takes its colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from zlib import crc32

import pandas as pd

from tsgen.plotting import FORECAST, HISTORY, MUTED, plot_forecast
from tsgen.reporting.accuracy import MODEL, Accuracy
from tsgen.reporting.findings import Pictured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_errors", "draw_forecast", "draw_ratios", "inline_svg"]

_COLOURS = {HISTORY: "var(--ink)", FORECAST: "var(--accent)", MUTED: "var(--muted)",
            "#000000": "var(--ink)", "#808080": "var(--muted)"}  # fmt: skip
_STYLES = {MODEL: (FORECAST, "-"), "last season": (HISTORY, "--"), "last value": (MUTED, ":")}
_MOST_RATIO = 2.0
_INCHES = 6.2, 2.5


def draw_forecast(shown: Pictured) -> str:
    """A series and its forecast; its name stands beside the picture, as text."""
    figure = plot_forecast(shown.history, shown.forecast)
    figure.set_size_inches(*_INCHES)
    [axis] = figure.axes
    axis.set_title("", loc="left")
    axis.yaxis.set_major_formatter("{x:,.10g}")
    _set_legend(figure, axis)
    return inline_svg(figure)


def draw_errors(accuracy: Accuracy) -> str:
    """Scaled errors by step, of all forecasters."""
    figure, axis = _figure()
    for forecaster, errors in accuracy.mase_by_step.items():
        colour, line = _STYLES[str(forecaster)]
        marker = "o" if len(errors) == 1 else None
        axis.plot(errors.index, errors.to_numpy(), color=colour, linestyle=line, linewidth=1.8,
                  marker=marker, label=str(forecaster))  # fmt: skip
    axis.set_ylim(bottom=0)
    axis.set_xlabel("step of the forecast", fontsize=9, color=HISTORY)
    axis.set_ylabel("scaled error", fontsize=9, color=HISTORY)
    _set_legend(figure, axis)
    axis.locator_params(axis="x", integer=True)
    return inline_svg(figure)


def draw_ratios(ratios: pd.Series) -> str:
    """How many series have which error, as a share of the naive one."""
    figure, axis = _figure()
    axis.hist(ratios.clip(upper=_MOST_RATIO), bins=20, range=(0.0, _MOST_RATIO), color=FORECAST)
    axis.axvline(1.0, color=HISTORY, linewidth=1.2, linestyle="--")
    axis.set_xticks([0.0, 0.5, 1.0, 1.5, _MOST_RATIO], ["0", "0.5", "1", "1.5", "2 or more"])
    axis.set_xlabel("error, as a share of the naive one", fontsize=9, color=HISTORY)
    axis.set_ylabel("series", fontsize=9, color=HISTORY)
    axis.locator_params(axis="y", integer=True)
    return inline_svg(figure)


def _figure() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained")
    axis = figure.subplots()
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=HISTORY)
    axis.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.6)
    return figure, axis


def _set_legend(figure: Figure, axis: Axes) -> None:
    """Above the picture, where no line lies behind it."""
    handles, labels = axis.get_legend_handles_labels()
    if legend := axis.get_legend():
        legend.remove()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False,
                  fontsize=9, labelcolor=HISTORY)  # fmt: skip


def inline_svg(figure: Figure) -> str:
    """A figure as an ``<svg>`` element: no comments, no addresses, and the colours of the page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its text becomes shapes, so that nothing that a stranger named stands in the result.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from tsgen.reporting.pictures import inline_svg
    >>> inline_svg(Figure())[:4]
    '<svg'
    """
    file = io.BytesIO()
    figure.savefig(file, format="svg", transparent=True)
    text = file.getvalue().decode()
    for waste in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r' xmlns(:\w+)?="[^"]*"'):
        text = re.sub(waste, "", text, flags=re.DOTALL)
    text = text[text.index("<svg") :]
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, variable)
    return _with_own_ids(text)


def _with_own_ids(text: str) -> str:
    """With names that no other picture of a page has, and that are the same each time."""
    names = dict.fromkeys(re.findall(r'id="([^"]+)"', text))
    numbers = {name: f"@{i}" for i, name in enumerate(names)}
    text = re.sub(
        r'(id="|#)([\w.-]+)', lambda found: found[1] + numbers.get(found[2], found[2]), text
    )
    return text.replace("@", f"s{crc32(text.encode()):08x}-")
