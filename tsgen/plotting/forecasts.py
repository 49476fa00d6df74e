"""Pictures of forecasts, of backtests and of their errors by step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

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
)
from tsgen.errors import FrameError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


from tsgen.plotting.style import FORECAST, HISTORY, MUTED, dress, panels, set_title, title_of

__all__ = ["plot_backtest", "plot_errors", "plot_forecast"]


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
    figure, axes = panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        for depth, level in enumerate(sorted(bands, key=float, reverse=True)):
            low, high = bands[level]
            shade = min(0.15 + 0.15 * depth, 0.6)
            _draw_band(axis, past[name], low[name], high[name], f"{level} %", shade)
        _draw(axis, past[name], future[name], last)
        axis.set_title(title_of(name), loc="left", fontsize=10, color=HISTORY)
    axes[0].legend(loc="upper left", frameon=False, fontsize=9)
    set_title(figure, title, len(names), len(future))
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
    figure, axes = panels(len(names))
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
        axis.plot(observed.index, observed.to_numpy(), color=HISTORY, linewidth=1.2, zorder=3,
                  label="observed")  # fmt: skip
        for number, outputs in enumerate(forecasts[name]):
            _draw_over(axis, observed, outputs, labelled=number == 0)
        dress(axis, observed)
        axis.set_title(title_of(name), loc="left", fontsize=10, color=HISTORY)
    axes[0].legend(loc="upper left", frameon=False, fontsize=9)
    set_title(figure, title, len(names), len(truth))
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
    colours = cycle((FORECAST, HISTORY, MUTED))
    for target, colour in zip(columns.targets, colours, strict=False):
        error = (table[target] - table[output_name(target, "_pred")]).abs()
        of_series = [table[key] for key in keys] or [pd.Series(0, index=table.index)]
        spread = table[target].groupby(of_series, observed=True).transform("std")
        relative = (error / spread.where(spread > 0)).groupby([*of_series, step], observed=True)
        by_step = relative.mean().groupby(level=-1).mean()
        axis.plot(
            by_step.index, by_step.to_numpy(), color=colour, marker=".", label=title_of(target)
        )
    axis.set_ylim(bottom=0)
    axis.set_xlabel("step", fontsize=9, color=HISTORY)
    axis.set_ylabel("mean absolute error,\nstandard deviations", fontsize=9, color=HISTORY)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=HISTORY)
    axis.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.6)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if columns.others:
        axis.legend(frameon=False, fontsize=9)
    if title:
        axis.set_title(title, loc="left", fontsize=11, color=HISTORY)
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
        color=FORECAST,
        linewidth=1.2,
        alpha=0.8,
        marker=".",
        markevery=range(len(start)),  # the cutoff alone
        label="forecast" if labelled else "_",
        zorder=4,
    )


def _draw_band(
    axis: Axes, past: pd.Series, low: pd.Series, high: pd.Series, label: str, shade: float
) -> None:
    """An interval, which opens at the last observed value."""
    low, high = (pd.concat([past.iloc[-1:], bound]) for bound in (low, high))
    bounds = low.to_numpy(), high.to_numpy()
    axis.fill_between(low.index, *bounds, color=FORECAST, alpha=shade, linewidth=0, label=label)


def _draw(axis: Axes, past: pd.Series, future: pd.Series, last: int | None) -> None:
    shown = 5 * len(future) if last is None else last
    if last is None and len(past) <= 1.5 * shown:
        shown = len(past)
    past = past.iloc[-shown:]
    # The line goes on from the last observed value, so that no gap seems to lie between them.
    joined = pd.concat([past.iloc[-1:], future])
    axis.plot(past.index, past.to_numpy(), color=HISTORY, linewidth=1.2, label="observed")
    axis.plot(joined.index, joined.to_numpy(), color=FORECAST, linewidth=1.6, label="forecast")
    axis.axvline(past.index[-1], color=MUTED, linewidth=0.8, linestyle=":")
    dress(axis, past)
