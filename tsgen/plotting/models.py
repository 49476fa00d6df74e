"""Pictures of a training, of what forecasts go by, and of the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tsgen.data import (
    AnyFrame,
    listing,
    opened,
)
from tsgen.errors import FrameError
from tsgen.simulation import samples_of_parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tsgen.training import TrainingReport

from tsgen.plotting.style import FORECAST, HISTORY, MUTED, set_title, title_of

__all__ = ["plot_importance", "plot_prior", "plot_training"]


def plot_importance(importance: AnyFrame, *, title: str | None = None) -> Figure:
    """Draw what ``model.explain(df)`` found, as bars.

    Parameters
    ----------
    importance : DataFrame
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
    >>> figure = tsgen.plot_importance(model.explain(df))
    >>> figure.axes[0].get_xlabel()
    'closed-loop error without it, %'
    """
    from matplotlib.figure import Figure

    table: pd.DataFrame = opened(importance).frame
    lacking = {"input", "importance", "spread"} - set(table.columns)
    if lacking:
        raise FrameError(
            [f"no column {listing(sorted(map(repr, lacking)))}: give what model.explain returns"]
        )
    bars = table.iloc[::-1]
    figure = Figure(figsize=(7.0, 1.2 + 0.32 * len(bars)), layout="constrained")
    axis = figure.subplots()
    axis.barh(
        bars["input"].map(title_of),
        100 * bars["importance"],
        xerr=100 * bars["spread"],
        color=FORECAST,
        ecolor=HISTORY,
        height=0.62,
        error_kw={"linewidth": 1.0},
    )
    axis.axvline(0, color=MUTED, linewidth=0.8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(labelsize=9, colors=HISTORY, left=False)
    axis.xaxis.set_major_formatter("{x:+.0f}")
    axis.set_xlabel("closed-loop error without it, %", fontsize=9, color=HISTORY)
    axis.grid(axis="x", color=MUTED, alpha=0.25, linewidth=0.6)
    if title:
        axis.set_title(title, loc="left", fontsize=11, color=HISTORY)
    return figure


def plot_training(report: TrainingReport, *, title: str | None = None) -> Figure:
    """Draw ``model.report_``: the losses, and the errors by step with and without teacher.

    Parameters
    ----------
    report : TrainingReport
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False)
    >>> figure = tsgen.plot_training(model.fit(tsgen.load_dataset("sunspots")).report_)
    >>> figure.axes[1].get_xlabel()
    'steps after the cutoff'
    """
    from matplotlib.figure import Figure

    if not hasattr(report, "losses"):
        raise TypeError(f"expected model.report_, got {type(report).__name__}")
    losses, errors = report.losses, report.errors
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(losses["step"], losses["loss"], color=HISTORY, linewidth=1.4,
              marker=_marker(losses["loss"]), label="training")  # fmt: skip
    if "validation" in losses:
        left.plot(losses["step"], losses["validation"], color=FORECAST, linewidth=1.4,
                  marker=_marker(losses["validation"]),
                  label=f"validation, {report.measured_on}")  # fmt: skip
    left.set_xlabel("optimiser steps", fontsize=9, color=HISTORY)
    left.set_title("loss", loc="left", fontsize=10, color=HISTORY)
    marker = _marker(errors["step"])
    right.plot(errors["step"], errors["free_running"], color=FORECAST, linewidth=1.6,
               marker=marker, label="free-running")  # fmt: skip
    right.plot(errors["step"], errors["teacher_forced"], color=HISTORY, linewidth=1.4,
               marker=marker, label="teacher-forced")  # fmt: skip
    right.set_xlabel("steps after the cutoff", fontsize=9, color=HISTORY)
    right.set_title(
        f"{report.measure} on {report.measured_on} (exposure gap {report.exposure_gap:.2f})",
        loc="left", fontsize=10, color=HISTORY,
    )  # fmt: skip
    for axis in (left, right):
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=HISTORY)
        axis.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.6)
        axis.legend(frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def plot_prior(
    *,
    n_series: int = 4,
    length: int = 120,
    season_length: int = 12,
    random_state: int | None = 0,
    title: str | None = None,
) -> Figure:
    """Draw some simulated series of each part of the prior of `simulate`, and of all together.

    Parameters
    ----------
    n_series : int, default 4
        Series of each part, side by side.
    length : int, default 120
        Rows of each.
    season_length : int, default 12
    random_state : int, optional
        The seed; ``None`` for another page each time.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. A row of small pictures for each part, without units.

    Examples
    --------
    >>> import tsgen
    >>> figure = tsgen.plot_prior(n_series=2)
    >>> figure.axes[0].get_title(loc="left")
    'levels and trends'
    """
    from matplotlib.figure import Figure

    samples = samples_of_parts(n_series, length, season_length, random_state=random_state)
    figure = Figure(figsize=(2.4 * n_series, 0.95 * len(samples)), layout="constrained")
    panels = figure.subplots(len(samples), n_series, squeeze=False)
    for row, (name, series) in zip(panels, samples.items(), strict=True):
        row[0].set_title(name, loc="left", fontsize=9, color=HISTORY)
        for axis, values in zip(row, series, strict=True):
            axis.plot(values, color=HISTORY, linewidth=0.8)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_color(MUTED)
            axis.spines[["top", "right"]].set_visible(False)
    set_title(figure, title, n_series, n_series)
    return figure


def _marker(values: pd.Series) -> str | None:
    """A single value is a point, not a line."""
    return "o" if values.count() == 1 else None
