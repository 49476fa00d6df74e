"""Scores of a backtest: each metric on every window, averaged in groups of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen.data import AnyFrame, Columns, Native, is_frame, listing, opened
from tsgen.errors import SettingError
from tsgen.evaluation.metrics import (
    QUANTILES,
    absolute_errors,
    checked_quantiles,
    covered,
    over_scale,
    pinball_losses,
    squared_errors,
    symmetric_errors,
)
from tsgen.evaluation.scored_windows import Function, ScoredRows, TrainingRows

__all__ = ["score"]

Metric: TypeAlias = str | Function


def score(
    rows: AnyFrame,
    metrics: Metric | Sequence[Metric] | Mapping[str, Metric],
    by: str | Sequence[str] | None = None,
    *,
    train: AnyFrame | None = None,
    season_length: int = 1,
    freq: str | int | BaseOffset | None = None,
    quantiles: Sequence[float] = QUANTILES,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
) -> pd.DataFrame:
    """Score the rows of a backtest, over all of them or in groups.

    A window is what was forecast of one series from one cutoff. Every metric is taken of each
    window over its steps, and the windows of a group are averaged, each with the same weight.
    There are two exceptions. With ``by="step"`` a group has one row of each window; a metric is
    taken of these rows as if they were one window, so that ``"rmse"`` at a step is the root of
    the mean square over the windows. And ``"wql"`` is always of all rows of a group at once.

    Rows whose truth is NaN are left out, and windows that have no other; a forecast that is NaN
    makes the score of its group NaN.

    Parameters
    ----------
    rows : DataFrame
        A row for each forecast value, in any order: columns of ids, ``cutoff``, time stamps, the
        target and its forecast, which is named after it (``y_pred``); for some metrics bounds or
        quantiles beside it (``y_pred-lo-80``, ``y_pred-hi-80``, ``y_pred-q-0.1``). Without a
        column of ids all rows are of one series.
    metrics : str, callable, list or dict of these
        ``"mae"``, ``"rmse"`` (in the units of the target), ``"smape"`` (0 to 200), ``"mase"``,
        ``"rmsse"`` (in seasonal errors of ``train``), ``"wql"``, ``"quantile_loss-0.1"`` (or
        another quantile), ``"coverage-80"`` (or another level; in per cent): see `tsgen.metrics`.
        Or functions ``f(y_true, y_pred)`` of two arrays of shape (H,), in the order of time, that
        return a number; a dict says how the columns are named.
    by : str or list of str, optional
        Columns that say which group a row belongs to: those of ids, ``"cutoff"``, or any other.
        ``"step"`` is counted from 1 at the first row of each window if there is no such column.
        Without it, one group.
    train : Series or DataFrame, optional
        The rows that the model was fitted on, in any layout that ``fit`` reads: ``"mase"`` and
        ``"rmsse"`` divide by their seasonal error, series by series. They are used as they are:
        whether they end before the first cutoff is not asked.
    season_length : int, default 1
        Of this seasonal error, in rows.
    freq : str, int or offset, optional
        Of ``train``, found in it if not given.
    quantiles : sequence of float, default 0.1, 0.2, …, 0.9
        Those of ``"wql"``. Each is read from its own column, or else from the bound that is the
        same (``y_pred-lo-80`` is the quantile 0.1); the median from the forecast itself.
    id_col, time_col, target_col : str
        The columns of ``rows``, and of ``train`` in a long frame. Of several targets, one at a
        time is scored.

    Returns
    -------
    DataFrame
        The columns of ``by``, sorted by them, then a column for each metric; one row without
        ``by``. Of the library that ``rows`` are of, pandas or another one.

    Raises
    ------
    SettingError
        For a metric or a column of ``by`` that isn't known, or without ``train`` where a metric
        needs it.
    FrameError
        If ``rows`` lacks a column that is needed or has rows twice, or ``train`` lacks a series.

    Examples
    --------
    >>> import pandas as pd
    >>> import tsgen
    >>> rows = pd.DataFrame(
    ...     {
    ...         "unique_id": "a",
    ...         "cutoff": [3, 3, 4, 4],
    ...         "ds": [4, 5, 5, 6],
    ...         "y": [10.0, 20.0, 20.0, 30.0],
    ...         "y_pred": [11.0, 23.0, 20.0, 34.0],
    ...     }
    ... )
    >>> tsgen.score(rows, "mae")
       mae
    0  2.0
    >>> train = pd.Series([1.0, 3.0, 5.0])
    >>> tsgen.score(rows, ["mae", "mase"], by="step", train=train)
       step  mae  mase
    0     1  0.5  0.25
    1     2  3.5  1.75
    """
    native = opened(rows) if is_frame(rows) else Native(rows)
    columns = Columns(id_col, time_col, target_col)
    groups_by = _group_columns(by)
    named = _named_metrics(metrics, checked_quantiles(quantiles))
    clash = [written(name) for name in named if name in groups_by]
    if clash:
        raise SettingError(f"{listing(clash)} names a metric and a column of by=; rename one")
    training = TrainingRows(train, season_length, freq, columns)
    scored = ScoredRows.of(native.frame, columns, groups_by, training)
    found = scored.keys.assign(**{name: metric(scored) for name, metric in named.items()})
    return native.like(found)


def _group_columns(by: Any) -> list[str]:
    if by is None:
        return []
    names = [by] if isinstance(by, str) or not isinstance(by, Iterable) else list(by)
    if len(set(names)) < len(names):
        raise SettingError(f"by={written(by)}: a column twice")
    return names


# --- metrics


def _mae(rows: ScoredRows) -> FloatArray:
    return rows.mean(absolute_errors(rows.true, rows.pred))


def _rmse(rows: ScoredRows) -> FloatArray:
    return rows.mean(squared_errors(rows.true, rows.pred), np.sqrt)


def _smape(rows: ScoredRows) -> FloatArray:
    return rows.mean(symmetric_errors(rows.true, rows.pred))


def _mase(rows: ScoredRows) -> FloatArray:
    return rows.mean(rows.scaled(absolute_errors(rows.true, rows.pred), 1))


def _rmsse(rows: ScoredRows) -> FloatArray:
    return rows.mean(rows.scaled(squared_errors(rows.true, rows.pred), 2), np.sqrt)


def _wql(quantiles: Sequence[float], rows: ScoredRows) -> FloatArray:
    losses = [
        pinball_losses(rows.true, forecast, quantile)
        for quantile, forecast in zip(quantiles, rows.forecasts(quantiles, "'wql'"), strict=True)
    ]
    total = rows.total(np.mean(losses, axis=0))
    return over_scale(2 * total, rows.total(np.abs(rows.true)))


def _quantile_loss(quantile: float, rows: ScoredRows) -> FloatArray:
    [forecast] = rows.forecasts([quantile], f"'quantile_loss-{quantile:.12g}'")
    return rows.mean(pinball_losses(rows.true, forecast, quantile))


def _coverage(level: float, rows: ScoredRows) -> FloatArray:
    lower, upper = rows.bounds(level, f"'coverage-{level:.12g}'")
    return rows.mean(covered(rows.true, lower, upper))


_Taken: TypeAlias = Callable[[ScoredRows], FloatArray]
_NAMED: dict[str, _Taken] = {
    "mae": _mae, "rmse": _rmse, "smape": _smape, "mase": _mase, "rmsse": _rmsse,
}  # fmt: skip
_NUMBERED: dict[str, tuple[Callable[[float, ScoredRows], FloatArray], float]] = {
    "coverage": (_coverage, 100.0),
    "quantile_loss": (_quantile_loss, 1.0),
}
"""Those with a number behind their name, and what it stays below."""


def _named_metrics(metrics: Any, quantiles: Sequence[float]) -> dict[str, _Taken]:
    """By the column each gets."""
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    else:
        single = isinstance(metrics, str) or not isinstance(metrics, Iterable)
        pairs = [(_name_of(metric), metric) for metric in ([metrics] if single else metrics)]
    if not pairs:
        raise SettingError(f"metrics={written(metrics)}: expected one or more; {_accepted()}")
    names = [name for name, _ in pairs]
    odd = [written(name) for name in names if not isinstance(name, str)]
    if odd:
        raise SettingError(f"metrics={{{odd[0]}: ...}}: expected names of columns, as text")
    twice = [written(name) for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise SettingError(f"two metrics are named {listing(twice)}; name them in a dict")
    return {name: _taken(name, metric, quantiles) for name, metric in pairs}


def _name_of(metric: Any) -> str:
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
    if not isinstance(name, str):
        if callable(metric):
            raise SettingError(
                f"{written(metric)} has no name: pass a dict, as in {{'name': function}}"
            )
        raise SettingError(f"the metric {written(metric)} is unknown: {_accepted()}")
    return name


def _taken(name: str, metric: Any, quantiles: Sequence[float]) -> _Taken:
    if callable(metric):
        return lambda rows: rows.each(metric, name)
    if isinstance(metric, str):
        if metric in _NAMED:
            return _NAMED[metric]
        if metric == "wql":
            return partial(_wql, quantiles)
        stem, _, text = metric.partition("-")
        function, most = _NUMBERED.get(stem, (None, 0.0))
        number = _parsed(text)
        if function is not None and 0 < number < most:
            return partial(function, number)
    raise SettingError(f"the metric {written(metric)} is unknown: {_accepted()}")


def _parsed(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _accepted() -> str:
    names = ", ".join(map(repr, (*_NAMED, "wql")))
    return (
        f"the names are {names}, 'coverage-80' (any level), 'quantile_loss-0.1' (any quantile); "
        "anything else is a function f(y_true, y_pred)"
    )
