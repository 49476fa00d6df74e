"""Pictures of sequences of symbols, and of what a decoder attends to."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen.data import (
    AnyFrame,
    Columns,
    listing,
    symbol_curves,
)
from tsgen.errors import FrameError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


from tsgen.plotting.style import FORECAST, HISTORY, dress, panels, set_title, title_of

__all__ = ["plot_attention", "plot_symbols"]

_MOST_COLUMNS, _MOST_ROWS = 5, 12
"""Stamps that are written beside a picture."""


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
    figure, axes = panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        _draw_symbols(axis, past[name], future[name], places)
        if name in odd:
            _mark_symbols(axis, past[name], odd[name].index, places)
        axis.set_title(title_of(name), loc="left", fontsize=10, color=HISTORY)
    set_title(figure, title, len(names), len(before))
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
    figure, axes = panels(min(len(pairs), max_pairs))
    for axis, pair in zip(axes, pairs, strict=False):
        shown = pair.to_numpy()
        of_time = not (_is_named(pair.columns) and _is_named(pair.index))
        most = float(shown.max()) if of_time else 1.0
        axis.imshow(shown, cmap="Greys", vmin=0.0, vmax=most, aspect="auto")
        axis.set_xticks(*_labels_of(pair.columns, _MOST_COLUMNS if of_time else None))
        axis.set_yticks(*_labels_of(pair.index, _MOST_ROWS if of_time else None))
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(title_of(name), loc="left", fontsize=10, color=HISTORY)
    set_title(figure, title, len(axes), len(pairs), "series" if names else "pairs")
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
    return title_of(label)


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
    colors = np.where(generated[starts], FORECAST, HISTORY)
    axis.hlines(rows[starts], edges[starts], edges[ends], colors=colors.tolist(), linewidth=5)
    if len(future):
        axis.axvspan(edges[len(past)], edges[-1], color=FORECAST, alpha=0.08, linewidth=0)
    dress(axis, whole)
    axis.set_yticks(list(places.values()), [title_of(symbol) for symbol in places])
    axis.set_ylim(-0.8, len(places) - 0.2)


def _mark_symbols(axis: Axes, past: pd.Series, stamps: pd.Index, places: dict[Any, int]) -> None:
    """Rings around some steps."""
    odd = past[past.index.isin(stamps)]
    axis.plot(odd.index + _last_step(past.index) / 2, odd.map(places).to_numpy(), "o",
              color=FORECAST, markersize=11, markerfacecolor="none")  # fmt: skip


def _last_step(index: pd.Index) -> Any:
    """How long a symbol lasts."""
    return index[-1] - index[-2] if len(index) > 1 else 1
