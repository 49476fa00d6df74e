"""Pictures of forecasts, drawn without touching matplotlib's global state."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen.data import (
    AnyFrame,
    Columns,
    curves,
    listing,
    opened,
    output_name,
    outputs_of,
    suffixes_of,
    symbol_curves,
)
from tsgen.errors import FrameError
from tsgen.simulation import samples_of_parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tsgen.training import TrainingReport

__all__ = [
    "plot_attention",
    "plot_backtest",
    "plot_errors",
    "plot_forecast",
    "plot_importance",
    "plot_prior",
    "plot_symbols",
    "plot_training",
    "save_figure",
]

_MOST_COLUMNS, _MOST_ROWS = 5, 12
"""Stamps that are written beside a picture."""
_HISTORY, _FORECAST, _MUTED = "#3b4252", "#d1495b", "#9aa3ae"


def plot_forecast(
    history: AnyFrame,
    forecast: AnyFrame,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
    last: int | None = None,
    max_series: int = 9,
    title: str | None = None,
) -> Figure:
    """Draw series and their continuation, a panel of small pictures for many series.

    Parameters
    ----------
    history, forecast : Series or DataFrame
        In one layout, as given to ``fit`` and returned by ``predict``; intervals are drawn as
        bands.
    id_col, time_col, target_col : str
        The columns of a long frame.
    last : int, optional
        Rows of history to show; by default five times the forecast's length, or all of a series
        that is hardly longer.
    max_series : int, default 9
        Series to show; the first ones of the forecast.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot: save it with ``figure.savefig``, or show it in a notebook.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("air_passengers")
    >>> figure = tsgen.plot_forecast(df, tsgen.SeasonalNaive().fit(df).predict(12))
    >>> figure.axes[0].get_title(loc="left")
    'air_passengers'
    """
    history, forecast = opened(history), opened(forecast)
    columns = Columns.of(id_col, time_col, target_col, frame=history.frame)
    outputs = outputs_of(forecast.by(columns), columns, history.by(columns))
    past, future = curves(history, columns), curves(outputs[""], columns)
    bands = {
        suffix.removeprefix("-lo-"): (
            curves(low, columns),
            curves(outputs[suffix.replace("-lo-", "-hi-")], columns),
        )
        for suffix, low in outputs.items()
        if suffix.startswith("-lo-")
    }
    names = list(future)[:max_series]
    figure, axes = _panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        for depth, level in enumerate(sorted(bands, key=float, reverse=True)):
            low, high = bands[level]
            shade = min(0.15 + 0.15 * depth, 0.6)
            _draw_band(axis, past[name], low[name], high[name], f"{level} %", shade)
        _draw(axis, past[name], future[name], last)
        axis.set_title(_title(name), loc="left", fontsize=10, color=_HISTORY)
    axes[0].legend(loc="upper left", frameon=False, fontsize=9)
    _set_title(figure, title, len(names), len(future))
    return figure


def plot_backtest(
    rows: AnyFrame,
    *,
    history: AnyFrame | None = None,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
    last: int | None = None,
    max_series: int = 9,
    title: str | None = None,
) -> Figure:
    """Draw what ``model.backtest(df, horizon)`` returned: the forecasts over what came.

    Parameters
    ----------
    rows : DataFrame
        Intervals are drawn as bands.
    history : Series or DataFrame, optional
        The series before the first cutoff too, in any layout.
    id_col, time_col, target_col : str
        The names of the columns.
    last : int, optional
        Rows of history to show before the first cutoff; by default as many as follow it.
    max_series : int, default 9
        Series to show; the first ones.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. A small picture for each series.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("air_passengers")
    >>> rows = tsgen.SeasonalNaive().fit(df).backtest(df, 12, n_windows=3)
    >>> figure = tsgen.plot_backtest(rows, history=df)
    >>> len(figure.axes[0].lines)  # what was observed, and a forecast from each cutoff
    4
    """
    table: pd.DataFrame = opened(rows).frame
    columns = _columns_of_backtest(table, id_col, time_col, target_col)
    keys = [name for name in (id_col, time_col) if name in table.columns]
    truth = curves(table.drop_duplicates(keys), columns)
    native = None if history is None else opened(history)
    before = {} if native is None else curves(native, columns)
    if native is not None and isinstance(native.frame, pd.Series):
        before = dict(zip(truth, before.values(), strict=True))
    names = list(truth)[:max_series]
    figure, axes = _panels(len(names))
    if id_col in table.columns:
        table = table[table[id_col].isin(table[id_col].unique()[:max_series])]
    forecasts = _forecasts(table, columns)
    for axis, name in zip(axes, names, strict=True):
        observed = truth[name]
        if name in before:
            past = before[name][before[name].index < forecasts[name][0][""].index[0]]
            observed = pd.concat(
                [past.iloc[-(len(observed) if last is None else last) :], observed]
            )
        axis.plot(observed.index, observed.to_numpy(), color=_HISTORY, linewidth=1.2, zorder=3,
                  label="observed")  # fmt: skip
        for number, outputs in enumerate(forecasts[name]):
            _draw_over(axis, observed, outputs, labelled=number == 0)
        _dress(axis, observed)
        axis.set_title(_title(name), loc="left", fontsize=10, color=_HISTORY)
    axes[0].legend(loc="upper left", frameon=False, fontsize=9)
    _set_title(figure, title, len(names), len(truth))
    return figure


def plot_errors(
    rows: AnyFrame,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
    title: str | None = None,
) -> Figure:
    """Draw how the errors of a backtest grow with the step of the forecast.

    Parameters
    ----------
    rows : DataFrame
        What ``model.backtest(df, horizon)`` returned.
    id_col, time_col, target_col : str
        The names of the columns.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. The mean absolute error of each step over all cutoffs, in
        standard deviations of the series' observed values, and of that the mean over all series.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("air_passengers")
    >>> rows = tsgen.SeasonalNaive().fit(df).backtest(df, 12, n_windows=3)
    >>> figure = tsgen.plot_errors(rows)
    >>> figure.axes[0].get_xlabel()
    'step'
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    table: pd.DataFrame = opened(rows).frame
    columns = _columns_of_backtest(table, id_col, time_col, target_col)
    keys = [name for name in (id_col,) if name in table.columns]
    step = table.groupby([*keys, "cutoff"], observed=True).cumcount() + 1
    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    axis = figure.subplots()
    colours = cycle((_FORECAST, _HISTORY, _MUTED))
    for target, colour in zip(columns.targets, colours, strict=False):
        error = (table[target] - table[output_name(target, "_pred")]).abs()
        of_series = [table[key] for key in keys] or [pd.Series(0, index=table.index)]
        spread = table[target].groupby(of_series, observed=True).transform("std")
        relative = (error / spread.where(spread > 0)).groupby([*of_series, step], observed=True)
        by_step = relative.mean().groupby(level=-1).mean()
        axis.plot(by_step.index, by_step.to_numpy(), color=colour, marker=".", label=str(target))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("step", fontsize=9, color=_HISTORY)
    axis.set_ylabel("mean absolute error,\nstandard deviations", fontsize=9, color=_HISTORY)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=_HISTORY)
    axis.grid(axis="y", color=_MUTED, alpha=0.25, linewidth=0.6)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if columns.others:
        axis.legend(frameon=False, fontsize=9)
    if title:
        axis.set_title(title, loc="left", fontsize=11, color=_HISTORY)
    return figure


def _columns_of_backtest(
    rows: pd.DataFrame, id_col: str, time_col: str, target_col: str | Sequence[str]
) -> Columns:
    """The columns of a backtest, if they are there."""
    columns = Columns.of(id_col, time_col, target_col, frame=rows)
    predicted = [output_name(target, "_pred") for target in columns.targets]
    needed = ("cutoff", time_col, *columns.targets, *predicted)
    lacking = [written(name) for name in needed if name not in rows.columns]
    if lacking:
        raise FrameError([f"no column {listing(lacking)}: give what model.backtest returned"])
    return columns


def _forecasts(rows: pd.DataFrame, columns: Columns) -> dict[Any, list[dict[str, pd.Series]]]:
    """Of each series, the outputs from each cutoff by what stands behind the target's name."""
    suffixes = suffixes_of(output_name(columns.target, "_pred"), rows.columns)
    found: dict[Any, list[dict[str, pd.Series]]] = {}
    for _, group in rows.groupby("cutoff"):
        outputs = {suffix: curves(_output(group, columns, suffix), columns) for suffix in suffixes}
        for name in outputs[""]:
            found.setdefault(name, []).append(
                {suffix: of_suffix[name] for suffix, of_suffix in outputs.items()}
            )
    return found


def _output(rows: pd.DataFrame, columns: Columns, suffix: str) -> pd.DataFrame:
    """The rows of a backtest with an output in the place of the truth."""
    output = rows.copy()
    for name in columns.targets:
        output[name] = rows[output_name(name, f"_pred{suffix}")]
    return output


def _draw_over(
    axis: Axes, observed: pd.Series, outputs: dict[str, pd.Series], *, labelled: bool
) -> None:
    """A forecast that starts at the last value before it, with its intervals."""
    point = outputs[""]
    start = observed[observed.index < point.index[0]].iloc[-1:]
    levels = [suffix.removeprefix("-lo-") for suffix in outputs if suffix.startswith("-lo-")]
    for depth, level in enumerate(sorted(levels, key=float, reverse=True)):
        bounds = outputs[f"-lo-{level}"], outputs[f"-hi-{level}"]
        shade = min(0.15 + 0.15 * depth, 0.6)
        _draw_band(axis, start, *bounds, f"{level} %" if labelled else "_", shade)
    joined = pd.concat([start, point])
    axis.plot(
        joined.index,
        joined.to_numpy(),
        color=_FORECAST,
        linewidth=1.2,
        alpha=0.8,
        marker=".",
        markevery=range(len(start)),  # the cutoff alone
        label="forecast" if labelled else "_",
        zorder=4,
    )


def _panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    """A figure with so many small pictures."""
    from matplotlib.figure import Figure

    across = min(3, math.ceil(math.sqrt(count)))
    down = math.ceil(count / across)
    figure = Figure(figsize=(4.0 + 3.5 * across, 1.4 + 2.6 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, list(axes[:count])


def _set_title(
    figure: Figure, title: str | None, shown: int, count: int, what: str = "series"
) -> None:
    if count > shown:
        title = f"{title or ''} (the first {shown} of {count} {what})".strip()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)


def _title(name: Any) -> str:
    return " · ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def plot_symbols(
    history: AnyFrame,
    forecast: AnyFrame | None = None,
    *,
    marks: AnyFrame | None = None,
    order: Sequence[Any] | None = None,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
    last: int | None = None,
    max_series: int = 9,
    title: str | None = None,
) -> Figure:
    """Draw sequences of symbols as a score: a row for each symbol, a bar for as long as it lasts.

    Parameters
    ----------
    history : Series or DataFrame
        Symbols in any layout, as given to ``fit`` of a generator.
    forecast : Series or DataFrame, optional
        What ``predict`` returned, in the same layout.
    marks : Series or DataFrame, optional
        Rows of the history to mark, such as those that a model finds unlikely.
    order : list of symbols, optional
        From the lowest row to the highest; sorted if not given.
    id_col, time_col, target_col : str
        The columns of a long frame.
    last : int, optional
        Steps of history to show; by default all.
    max_series : int, default 9
        Series to show; the first ones.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.

    Raises
    ------
    FrameError
        If a symbol isn't in ``order``.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("chorales").query("unique_id == '001'")
    >>> figure = tsgen.plot_symbols(df.iloc[:-16], df.iloc[-16:])
    >>> figure.axes[0].get_title(loc="left")
    '001'
    """
    columns = Columns.of(id_col, time_col, target_col, frame=history)
    before = symbol_curves(history, columns)
    after = {} if forecast is None else symbol_curves(forecast, columns)
    odd = {} if marks is None else symbol_curves(marks, columns)
    names = list(before)[:max_series]
    past = {name: before[name].iloc[-(last or len(before[name])) :] for name in names}
    future = {name: after.get(name, before[name].iloc[:0]) for name in names}
    places = _places_of_symbols([*past.values(), *future.values()], order)
    figure, axes = _panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        _draw_symbols(axis, past[name], future[name], places)
        if name in odd:
            _mark_symbols(axis, past[name], odd[name].index, places)
        axis.set_title(_title(name), loc="left", fontsize=10, color=_HISTORY)
    _set_title(figure, title, len(names), len(before))
    return figure


def plot_attention(
    weights: pd.DataFrame | Sequence[pd.DataFrame] | Mapping[Any, pd.DataFrame],
    *,
    max_pairs: int = 9,
    title: str | None = None,
) -> Figure:
    """Draw what each symbol of a target attended to in its source: the darker, the more.

    Or what each step of a forecast attended to in its context, where the darkest is the largest
    weight of a picture.

    Parameters
    ----------
    weights : DataFrame, list of DataFrame or dict of DataFrame
        Of ``attention_weights``: a row for each symbol of a target or step of a forecast, a column
        for each symbol of its source or row of its context.
    max_pairs : int, default 9
        Pairs, or series, to show; the first ones.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.

    Examples
    --------
    >>> import pandas as pd
    >>> import tsgen
    >>> weights = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], index=["F", "OW"], columns=["ph", "o"])
    >>> figure = tsgen.plot_attention(weights)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['F', 'OW']
    """
    names = list(weights) if isinstance(weights, Mapping) else []
    pairs = [weights] if isinstance(weights, pd.DataFrame) else list(weights)
    if isinstance(weights, Mapping):
        pairs = list(weights.values())
    if not pairs:
        raise FrameError(["there are no weights to draw: pass those of at least one pair"])
    figure, axes = _panels(min(len(pairs), max_pairs))
    for axis, pair in zip(axes, pairs, strict=False):
        shown = pair.to_numpy()
        of_time = not (_is_named(pair.columns) and _is_named(pair.index))
        most = float(shown.max()) if of_time else 1.0
        axis.imshow(shown, cmap="Greys", vmin=0.0, vmax=most, aspect="auto")
        axis.set_xticks(*_labels_of(pair.columns, _MOST_COLUMNS if of_time else None))
        axis.set_yticks(*_labels_of(pair.index, _MOST_ROWS if of_time else None))
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(_title(name), loc="left", fontsize=10, color=_HISTORY)
    _set_title(figure, title, len(axes), len(pairs), "series" if names else "pairs")
    return figure


def _is_named(labels: pd.Index) -> bool:
    """Whether labels are symbols, and no time."""
    return not isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex | pd.RangeIndex)


def _labels_of(labels: pd.Index, most: int | None) -> tuple[list[int], list[str]]:
    """Where to write labels, and what: of many only some, as far from each other."""
    every = 1 if most is None else -(-len(labels) // most)
    places = list(range(0, len(labels), every))
    return places, [_label_of(labels[place]) for place in places]


def _label_of(label: Any) -> str:
    """A symbol, or a stamp without a time of day that is midnight."""
    if isinstance(label, pd.Timestamp):
        return str(label.date() if label == label.normalize() else label.strftime("%m-%d %H:%M"))
    return _title(label)


def _places_of_symbols(curves: Sequence[pd.Series], order: Sequence[Any] | None) -> dict[Any, int]:
    """The row of each symbol: those of an order that are there, or all of them sorted."""
    found = pd.Index(pd.concat(list(curves)).unique(), dtype=object, tupleize_cols=False)
    if order is None:
        with contextlib.suppress(TypeError):  # of kinds that have no order among them
            found = found.sort_values()
        return {symbol: row for row, symbol in enumerate(found)}
    if lost := [written(symbol) for symbol in found if symbol not in order]:
        raise FrameError([f"order= lacks {listing(lost)}: name every symbol, the lowest first"])
    present = set(found)
    return {symbol: row for row, symbol in enumerate(each for each in order if each in present)}


def _draw_symbols(axis: Axes, past: pd.Series, future: pd.Series, places: dict[Any, int]) -> None:
    """A bar for each run of equal symbols; what was generated is shaded."""
    whole = pd.concat([past, future])
    edges = whole.index.append(whole.index[-1:] + _last_step(whole.index))
    rows, generated = whole.map(places).to_numpy(), np.arange(len(whole)) >= len(past)
    starts = np.flatnonzero(np.append(True, np.diff(rows) | np.diff(generated)))
    ends = np.append(starts[1:], len(whole))
    colors = np.where(generated[starts], _FORECAST, _HISTORY)
    axis.hlines(rows[starts], edges[starts], edges[ends], colors=colors.tolist(), linewidth=5)
    if len(future):
        axis.axvspan(edges[len(past)], edges[-1], color=_FORECAST, alpha=0.08, linewidth=0)
    _dress(axis, whole)
    axis.set_yticks(list(places.values()), [str(symbol) for symbol in places])
    axis.set_ylim(-0.8, len(places) - 0.2)


def _mark_symbols(axis: Axes, past: pd.Series, stamps: pd.Index, places: dict[Any, int]) -> None:
    """Rings around some steps."""
    odd = past[past.index.isin(stamps)]
    axis.plot(odd.index + _last_step(past.index) / 2, odd.map(places).to_numpy(), "o",
              color=_FORECAST, markersize=11, markerfacecolor="none")  # fmt: skip


def _last_step(index: pd.Index) -> Any:
    """How long a symbol lasts."""
    return index[-1] - index[-2] if len(index) > 1 else 1


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
        bars["input"].astype(str),
        100 * bars["importance"],
        xerr=100 * bars["spread"],
        color=_FORECAST,
        ecolor=_HISTORY,
        height=0.62,
        error_kw={"linewidth": 1.0},
    )
    axis.axvline(0, color=_MUTED, linewidth=0.8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(labelsize=9, colors=_HISTORY, left=False)
    axis.xaxis.set_major_formatter("{x:+.0f}")
    axis.set_xlabel("closed-loop error without it, %", fontsize=9, color=_HISTORY)
    axis.grid(axis="x", color=_MUTED, alpha=0.25, linewidth=0.6)
    if title:
        axis.set_title(title, loc="left", fontsize=11, color=_HISTORY)
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
    left.plot(losses["step"], losses["loss"], color=_HISTORY, linewidth=1.4,
              marker=_marker(losses["loss"]), label="training")  # fmt: skip
    if "validation" in losses:
        left.plot(losses["step"], losses["validation"], color=_FORECAST, linewidth=1.4,
                  marker=_marker(losses["validation"]),
                  label=f"validation, {report.measured_on}")  # fmt: skip
    left.set_xlabel("optimiser steps", fontsize=9, color=_HISTORY)
    left.set_title("loss", loc="left", fontsize=10, color=_HISTORY)
    marker = _marker(errors["step"])
    right.plot(errors["step"], errors["free_running"], color=_FORECAST, linewidth=1.6,
               marker=marker, label="free-running")  # fmt: skip
    right.plot(errors["step"], errors["teacher_forced"], color=_HISTORY, linewidth=1.4,
               marker=marker, label="teacher-forced")  # fmt: skip
    right.set_xlabel("steps after the cutoff", fontsize=9, color=_HISTORY)
    right.set_title(
        f"{report.measure} on {report.measured_on} (exposure gap {report.exposure_gap:.2f})",
        loc="left", fontsize=10, color=_HISTORY,
    )  # fmt: skip
    for axis in (left, right):
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=_HISTORY)
        axis.grid(axis="y", color=_MUTED, alpha=0.25, linewidth=0.6)
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
        row[0].set_title(name, loc="left", fontsize=9, color=_HISTORY)
        for axis, values in zip(row, series, strict=True):
            axis.plot(values, color=_HISTORY, linewidth=0.8)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_color(_MUTED)
            axis.spines[["top", "right"]].set_visible(False)
    _set_title(figure, title, n_series, n_series)
    return figure


def _marker(values: pd.Series) -> str | None:
    """A single value is a point, not a line."""
    return "o" if values.count() == 1 else None


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


def _draw_band(
    axis: Axes, past: pd.Series, low: pd.Series, high: pd.Series, label: str, shade: float
) -> None:
    """An interval, which opens at the last observed value."""
    low, high = (pd.concat([past.iloc[-1:], bound]) for bound in (low, high))
    bounds = low.to_numpy(), high.to_numpy()
    axis.fill_between(low.index, *bounds, color=_FORECAST, alpha=shade, linewidth=0, label=label)


def _draw(axis: Axes, past: pd.Series, future: pd.Series, last: int | None) -> None:
    shown = 5 * len(future) if last is None else last
    if last is None and len(past) <= 1.5 * shown:
        shown = len(past)
    past = past.iloc[-shown:]
    # The line goes on from the last observed value, so that no gap seems to lie between them.
    joined = pd.concat([past.iloc[-1:], future])
    axis.plot(past.index, past.to_numpy(), color=_HISTORY, linewidth=1.2, label="observed")
    axis.plot(joined.index, joined.to_numpy(), color=_FORECAST, linewidth=1.6, label="forecast")
    axis.axvline(past.index[-1], color=_MUTED, linewidth=0.8, linestyle=":")
    _dress(axis, past)


def _dress(axis: Axes, past: pd.Series) -> None:
    """Spines, ticks and grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=_HISTORY)
    axis.grid(axis="y", color=_MUTED, alpha=0.25, linewidth=0.6)
    if isinstance(past.index, pd.DatetimeIndex):
        from matplotlib import dates

        locator: Any = dates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(
            dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )
