"""All that a report says, as plain values; what can't be found out is a sentence on why."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from tsgen._validation import checked_horizon
from tsgen.data import AnyFrame, Frame, hold_out, output_name
from tsgen.errors import NotFittedError, TsgenError
from tsgen.forecasters import NeuralForecaster
from tsgen.reporting.accuracy import LEVELS, Accuracy, measure_accuracy
from tsgen.reporting.reading import SeriesRead, WhatWasRead, evenly, numbers, read_series

__all__ = ["Findings", "Missing", "OddRows", "Pictured", "StabilityFound", "find_out"]

T = TypeVar("T")

ODD = 6.0
"""Standard deviations of the one-step errors of its series, from which a row is odd."""
_MOST_ROWS_SEARCHED = 20_000
_MOST_LOOPS, _MOST_STEPS = 100, 1000
_MOST_EXPLAINED = 500
_SHORTEST_HORIZON = 6
_GROWS = 0.01
"""A Lyapunov exponent per step from which small errors grow: e-fold in a hundred steps."""


@dataclass(frozen=True)
class Missing:
    """What can't be said, and why."""

    reason: str


@dataclass(frozen=True)
class Pictured:
    """A series and its forecast.

    Attributes
    ----------
    which : str
        ``"best"``, ``"median"`` or ``"worst"`` by the backtest; empty without one.
    label : str
    history : Series
        On an axis that can be drawn.
    forecast : DataFrame
        ``y``, and the bounds ``y-lo-80``, …, if there are levels.
    """

    which: str
    label: str
    history: pd.Series
    forecast: pd.DataFrame


@dataclass(frozen=True)
class OddRows:
    """Rows that are far from their one-step forecasts.

    Attributes
    ----------
    rows : DataFrame
        ``series``, its label, ``time``, ``value``, ``expected``, ``score``; the farthest first.
    searched : int
        Series that were looked through.
    last : int, optional
        How many of their last rows, if not all of them.
    """

    rows: pd.DataFrame
    searched: int
    last: int | None = None


@dataclass(frozen=True)
class StabilityFound:
    """What becomes of closed loops in the long run.

    Attributes
    ----------
    loops, steps : int
        How many, and how far ahead.
    growing : int
        Those in which small errors grow.
    flat : int
        Those that move no more at some step.
    leaving : int
        Those that leave the range of values in training within the horizon.
    """

    loops: int
    steps: int
    growing: int
    flat: int
    leaving: int


@dataclass(frozen=True)
class Findings:
    """What a report is made of.

    Attributes
    ----------
    horizon : int
        H.
    season_length : int
    frequency : str
    read : WhatWasRead
    accuracy : Accuracy or Missing
    labels : list of str
        What each series is called, by its position.
    forecasts : list of Pictured, or Missing
        Of the best, the median and the worst series.
    levels : Missing, optional
        Why forecasts have no intervals, if they have none.
    odd_rows : OddRows or Missing
    importance : DataFrame or Missing
        As from ``model.explain``.
    stability : StabilityFound or Missing
    settings, versions : mapping of str to str
    """

    horizon: int
    season_length: int
    frequency: str
    read: WhatWasRead
    accuracy: Accuracy | Missing
    labels: list[str]
    forecasts: list[Pictured] | Missing
    levels: Missing | None
    odd_rows: OddRows | Missing
    importance: pd.DataFrame | Missing
    stability: StabilityFound | Missing
    settings: Mapping[str, str]
    versions: Mapping[str, str]


def find_out(
    model: NeuralForecaster,
    df: AnyFrame,
    *,
    horizon: int | None = None,
    future_df: AnyFrame | None = None,
) -> Findings:
    """Ask a model all that a report says.

    Parameters
    ----------
    model : forecaster
        A fitted `LSTMForecaster`, `GRUForecaster` or `EncoderDecoderForecaster`.
    df : Series or DataFrame
        Its series, in any layout.
    horizon : int, optional
        H; by default one season, but 6 steps at least.
    future_df : DataFrame, optional
        The future covariates at the time stamps of the horizon.

    Raises
    ------
    TypeError
        For anything else than such a model.
    NotFittedError
        Before ``fit``.
    FrameError
        With all that is wrong with ``df``.

    Examples
    --------
    >>> import tsgen
    >>> from tsgen.reporting import find_out
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(df)
    >>> found = find_out(model, df)
    >>> found.horizon, found.accuracy.n_windows, found.accuracy.reference
    (12, 5, 'last season')
    """
    _check_model(model)
    settings = model.settings_
    horizon = (
        max(settings.season_length, _SHORTEST_HORIZON)
        if horizon is None
        else checked_horizon(horizon)
    )
    read = read_series(model, df)
    levels = _levels_of(model)
    accuracy = _found(lambda: measure_accuracy(model, read, horizon))
    return Findings(
        horizon=horizon,
        season_length=settings.season_length,
        frequency=settings.frequency,
        read=read.summary(),
        accuracy=accuracy,
        labels=read.labels,
        forecasts=_found(
            lambda: _forecasts(
                model, read, _shown(accuracy, read), horizon, future_df, levels is None
            )
        ),
        levels=levels,
        odd_rows=_found(lambda: _odd_rows(model, read)),
        importance=_found(lambda: _importance(model, read)),
        stability=_found(lambda: _stability(model, read, horizon, future_df)),
        settings={item.name: str(getattr(settings, item.name)) for item in fields(settings)},
        versions=_versions(),
    )


def _check_model(model: Any) -> None:
    if not isinstance(model, NeuralForecaster):
        raise TypeError(
            f"a report is on an LSTMForecaster, a GRUForecaster or an EncoderDecoderForecaster, "
            f"got {type(model).__name__}"
        )
    if not hasattr(model, "panel_"):
        raise NotFittedError(
            f"this {type(model).__name__} isn't fitted yet: call fit(df) before report"
        )


def _found(make: Callable[[], T]) -> T | Missing:
    """What can be found out, or what stands in the way."""
    try:
        return make()
    except TsgenError as error:
        return Missing(str(error))


def _levels_of(model: NeuralForecaster) -> Missing | None:
    """Why a model has no levels, if it has none; they are calibrated where that is to be done."""
    if model.model_.calibration is not None:
        return None
    calibrated = _found(model.calibrate)
    return calibrated if isinstance(calibrated, Missing) else None


# --- forecasts


def _shown(accuracy: Accuracy | Missing, read: SeriesRead) -> dict[int, str]:
    """The series to draw, and which they are."""
    ranked = [] if isinstance(accuracy, Missing) else accuracy.ranked
    if not ranked:
        return dict.fromkeys(range(min(len(read), 3)), "")
    if len(ranked) == 1:
        return {ranked[0]: ""}
    chosen = {ranked[0]: "best", ranked[-1]: "worst"}
    if len(ranked) > 2:
        chosen = {ranked[0]: "best", ranked[len(ranked) // 2]: "median", ranked[-1]: "worst"}
    return chosen


def _forecasts(
    model: NeuralForecaster,
    read: SeriesRead,
    shown: Mapping[int, str],
    horizon: int,
    future_df: AnyFrame | None,
    with_levels: bool,
) -> list[Pictured]:
    frame = _frame_of(read, shown, future_df)
    level = list(LEVELS) if with_levels else None
    made = model.predict(horizon, df=frame, level=level, future_df=future_df)
    history, outputs = read.curves(frame), read.outputs_of(made, frame)
    return [
        Pictured(
            which,
            read.labels[i],
            history[i].rename("y"),
            pd.DataFrame({f"y{suffix}": curves[i] for suffix, curves in outputs.items()}),
        )
        for i, which in shown.items()
    ]


# --- what else there is to say


def _odd_rows(model: NeuralForecaster, read: SeriesRead) -> OddRows:
    """Of all series, or of as many as have some thousands of rows."""
    rows = max(1, read.panel.lengths.sum() // len(read))
    series = evenly(len(read), max(1, int(_MOST_ROWS_SEARCHED // rows)))
    columns, frame = read.columns, read.rows_of(series)
    searched = len(read) if frame is read.frame else len(series)
    is_long = read.panel.lengths[read.positions[series]].min() > _MOST_ROWS_SEARCHED
    if is_long:
        frame = hold_out(frame, _MOST_ROWS_SEARCHED, **read.names)[1]
    found = model.anomalies(frame, threshold=ODD)
    parts = []
    for target in columns.targets:
        ids = found[columns.id] if read.named else np.repeat(read.ids[:1], len(found))
        part = pd.DataFrame(
            {
                "series": [read.labels[i] for i in read.codes(ids, target)],
                "time": found[columns.time].to_numpy(),
                "value": numbers(found[target]),
                "expected": numbers(found[output_name(target, "_pred")]),
                "score": numbers(found[output_name(target, "_score")]),
            }
        )
        parts.append(part[part["score"] > ODD])
    odd = pd.concat(parts).sort_values("score", ascending=False, ignore_index=True)
    return OddRows(odd, searched, _MOST_ROWS_SEARCHED if is_long else None)


def _importance(model: NeuralForecaster, read: SeriesRead) -> pd.DataFrame:
    frame = read.rows_of(evenly(len(read), _MOST_EXPLAINED))
    return model.explain(frame)


def _stability(
    model: NeuralForecaster, read: SeriesRead, horizon: int, future_df: AnyFrame | None
) -> StabilityFound:
    """As far ahead as covariates are known, or far beyond the horizon."""
    steps = horizon if read.columns.future else max(horizon, min(10 * horizon, _MOST_STEPS))
    frame = _frame_of(read, evenly(len(read), _MOST_LOOPS), future_df)
    found = model.stability(frame, horizon=steps, future_df=future_df)
    return StabilityFound(
        loops=len(found),
        steps=steps,
        growing=int((found["lyapunov"] > _GROWS).sum()),
        flat=int(found["flat_from"].notna().sum()),
        leaving=int((found["leaves_range_at"] <= horizon).sum()),
    )


def _frame_of(read: SeriesRead, series: Iterable[int], future_df: AnyFrame | None) -> Frame:
    """Of some series; of all where there is a frame of the future, which has all of them, too."""
    return read.rows_of(series) if future_df is None else read.frame


def _versions() -> dict[str, str]:
    names = "tsgen", "torch", "pytorch-lightning", "pandas", "numpy"
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
