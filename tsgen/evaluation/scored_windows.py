"""The rows of a backtest as metrics see them: windows of forecasts, in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data import (
    AnyFrame,
    Columns,
    FrameSpec,
    Panel,
    Problems,
    check_ids,
    listing,
    output_name,
    read_panel,
)
from tsgen.errors import FrameError, SettingError
from tsgen.evaluation.metrics import over_scale, seasonal_error

__all__ = ["Function", "ScoredRows", "TrainingRows"]

Function: TypeAlias = Callable[[FloatArray, FloatArray], Any]

_STEP, _CUTOFF = "step", "cutoff"


@dataclass(frozen=True)
class TrainingRows:
    """What errors are scaled by."""

    rows: AnyFrame | None
    season_length: int
    freq: str | int | BaseOffset | None
    columns: Columns

    def __post_init__(self) -> None:
        m = self.season_length
        if isinstance(m, bool) or not isinstance(m, Integral) or m < 1:
            raise SettingError(f"season_length={written(m)}: expected a whole number of 1 or more")

    @cached_property
    def panel(self) -> Panel:
        """The rows by series, with a NaN in each hole."""
        if self.rows is None:
            raise SettingError(
                "'mase' and 'rmsse' divide by the seasonal error of the rows that the model was "
                "fitted on: pass them with train="
            )
        try:
            return read_panel(self.rows, FrameSpec(self.columns, fill="mask"), freq=self.freq)
        except FrameError as error:
            raise FrameError([f"train: {problem}" for problem in error.problems]) from None

    def scales(self, ids: pd.Index | None, power: int) -> FloatArray:
        """The seasonal error of each of these series, ``(N,)``; of one if there are no ids."""
        return np.array(
            [
                seasonal_error(self.panel.series(i), int(self.season_length), power=power)
                for i in self._positions(ids)
            ]
        )

    def _positions(self, ids: pd.Index | None) -> IntArray:
        if ids is None or not self.panel.layout.names_series:
            asked = 1 if ids is None else len(ids)
            if asked == len(self.panel) == 1:
                return np.zeros(1, dtype=np.int64)
            raise FrameError(
                [
                    f"the rows are of {asked} series and train is of {len(self.panel)}, and not "
                    f"both name them: give both a column {written(self.columns.id)}"
                ]
            )
        positions = self.panel.ids.astype(object).get_indexer_for(ids.astype(object))
        missing = [written(name) for name in ids[positions < 0]]
        if missing:
            raise FrameError(
                [
                    f"train has no rows of the series {listing(missing)}; give those of every "
                    "series that is scored"
                ]
            )
        return positions.astype(np.int64)


@dataclass(frozen=True)
class ScoredRows:
    """The rows whose truth is known, by window and in the order of time, and their groups.

    Attributes
    ----------
    rows : DataFrame
        All columns.
    prediction : label
        The column of forecasts.
    true, pred : ndarray of shape (rows,)
    series : ndarray of shape (rows,)
        The position of each row's id in ``ids``.
    ids : Index, or None
    windows : ndarray of shape (rows,)
        What a metric is taken of at once.
    groups : ndarray of shape (windows,)
    keys : DataFrame
        A row for each group: what is the same in it.
    training : TrainingRows
    """

    rows: pd.DataFrame
    prediction: Any
    true: FloatArray
    pred: FloatArray
    series: IntArray
    ids: pd.Index | None
    windows: IntArray
    groups: IntArray
    keys: pd.DataFrame
    training: TrainingRows

    @classmethod
    def of(
        cls, rows: Any, columns: Columns, by: Sequence[str], training: TrainingRows
    ) -> ScoredRows:
        """The rows of a backtest in groups by some of their columns."""
        prediction = output_name(columns.target, "_pred")
        _check_columns(rows, columns, prediction, by)
        frame = rows.reset_index(drop=True)
        _check_rows(frame, columns, by)
        ids = [columns.id] if columns.id in frame else []
        times = pd.factorize(frame[columns.time], sort=True)[0]
        if _STEP in by and _STEP not in frame:
            frame = frame.assign(**{_STEP: _steps(_codes(frame, [*ids, _CUTOFF]), times)})
        groups = _codes(frame, by)
        apart = _codes(frame, [*dict.fromkeys([*by, *ids, _CUTOFF])])
        windows = groups if _STEP in by else apart
        series, names = pd.factorize(frame[columns.id]) if ids else (np.zeros_like(groups), None)
        true, pred = _numbers(frame, columns.target), _numbers(frame, prediction)
        order = np.lexsort((times, apart, windows))
        known = order[~np.isnan(true[order])]
        return cls(
            rows=frame.iloc[known],
            prediction=prediction,
            true=true[known],
            pred=pred[known],
            series=series[known],
            ids=None if names is None else pd.Index(names),
            windows=windows[known],
            groups=groups[_firsts(windows)],
            keys=frame[list(by)].iloc[_firsts(groups)].reset_index(drop=True),
            training=training,
        )

    def mean(
        self, terms: FloatArray, then: Callable[[FloatArray], FloatArray] | None = None
    ) -> FloatArray:
        """The mean of terms over each window, perhaps its root, averaged in the groups."""
        sizes = np.bincount(self.windows, minlength=len(self.groups))
        seen = sizes > 0
        means = np.bincount(self.windows, terms, minlength=len(self.groups))[seen] / sizes[seen]
        return self._average(means if then is None else then(means), seen)

    def each(self, function: Function, name: str) -> FloatArray:
        """A function of the truth and the forecast of each window, averaged in the groups."""
        sizes = np.bincount(self.windows, minlength=len(self.groups))
        ends = np.cumsum(sizes)
        found = [
            _number(function(self.true[start:end], self.pred[start:end]), name)
            for start, end in zip(ends - sizes, ends, strict=True)
            if end > start
        ]
        return self._average(np.array(found), sizes > 0)

    def total(self, terms: FloatArray) -> FloatArray:
        """The sum of terms over all rows of each group; NaN for a group without any."""
        of_rows = self.groups[self.windows]
        sums = np.bincount(of_rows, terms, minlength=len(self.keys))
        return np.where(np.bincount(of_rows, minlength=len(self.keys)) > 0, sums, np.nan)

    def scaled(self, errors: FloatArray, power: int) -> FloatArray:
        """Errors divided by the seasonal error of their series."""
        return over_scale(errors, self.training.scales(self.ids, power)[self.series])

    def forecasts(self, quantiles: Sequence[float], what: str) -> list[FloatArray]:
        """The forecast of each quantile at every row."""
        names = [self._column_of(quantile) for quantile in quantiles]
        missing = [
            f"{q:.12g}" for q, name in zip(quantiles, names, strict=True) if name not in self.rows
        ]
        if missing:
            raise FrameError(
                [
                    f"{what} needs forecasts of the quantiles {listing(missing, most=9)}, columns "
                    f"as {self.prediction}-lo-80 or {self.prediction}-q-0.1: call "
                    f"backtest(level={_levels(quantiles)})"
                ]
            )
        return [_numbers(self.rows, name) for name in names]

    def bounds(self, level: float, what: str) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper bound of an interval at every row."""
        names = [output_name(self.prediction, f"-{side}-{level:.12g}") for side in ("lo", "hi")]
        missing = [written(name) for name in names if name not in self.rows]
        if missing:
            raise FrameError(
                [
                    f"{what} needs the bounds of the interval, and there is no column "
                    f"{listing(missing)}: call backtest(level=[{level:.12g}])"
                ]
            )
        return _numbers(self.rows, names[0]), _numbers(self.rows, names[1])

    def _column_of(self, quantile: float) -> Any:
        """Its own column, or one that is the same by another name."""
        own = output_name(self.prediction, f"-q-{quantile:.12g}")
        if own in self.rows:
            return own
        if quantile == 0.5:
            return self.prediction
        side = "lo" if quantile < 0.5 else "hi"
        return output_name(self.prediction, f"-{side}-{_level_of(quantile):.12g}")

    def _average(self, values: FloatArray, seen: BoolArray) -> FloatArray:
        """Over the windows seen in each group; NaN for a group without any."""
        groups = self.groups[seen]
        sums = np.bincount(groups, values, minlength=len(self.keys))
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / np.bincount(groups, minlength=len(self.keys)))


def _number(value: Any, name: str) -> float:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "buif":
        raise SettingError(
            f"the metric {written(name)} returned {written(value)} for a window: expected a number"
        )
    return float(array)


def _level_of(quantile: float) -> float:
    return abs(1 - 2 * quantile) * 100


def _levels(quantiles: Sequence[float]) -> str:
    """What to ask a backtest for."""
    levels = {f"{_level_of(quantile):.12g}" for quantile in quantiles} - {"0"}
    return f"[{', '.join(sorted(levels, key=float))}]"


def _check_columns(rows: Any, columns: Columns, prediction: Any, by: Sequence[str]) -> None:
    if not isinstance(rows, pd.DataFrame):
        raise TypeError(f"expected the DataFrame of a backtest, got {type(rows).__name__}")
    there = listing([written(name) for name in rows.columns], most=20)
    if rows.columns.has_duplicates:
        raise FrameError([f"columns named twice among {there}; rename or drop one of each"])
    own_id = [columns.id] if columns.id != Columns.id else []
    needed = [*own_id, _CUTOFF, columns.time, columns.target, prediction]
    missing = [written(name) for name in needed if name not in rows]
    if missing:
        one = "; forecasts from one cutoff take df.assign(cutoff=0)" if _CUTOFF not in rows else ""
        raise FrameError(
            [
                f"no column {listing(missing)} in the rows of a backtest; the columns are {there}; "
                f"pass id_col=, time_col=, target_col= if they are called otherwise{one}"
            ]
        )
    unknown = [written(name) for name in by if name not in rows and name != _STEP]
    if unknown:
        raise SettingError(f"by= names {listing(unknown)}; the columns are {there}, and 'step'")


def _check_rows(frame: pd.DataFrame, columns: Columns, by: Sequence[str]) -> None:
    if not len(frame):
        raise FrameError(["the frame has 0 rows; there is nothing to score"])
    problems = Problems()
    if columns.id in frame:
        check_ids(frame[columns.id], written(columns.id), problems)
    names = [name for name in (columns.id, _CUTOFF, columns.time) if name in frame]
    # Two forecasts of the same step would be taken for a longer window.
    again = frame.duplicated([*dict.fromkeys([*names, *(x for x in by if x != _STEP)])])
    twice = np.flatnonzero(again)
    places = [
        ", ".join(f"{name} {frame[name].iloc[row]!s}" for name in names) + f" (row {row})"
        for row in twice[:5]
    ]
    if places:
        problems.add(
            "rows that come twice",
            places,
            "keep one of each, or name the column that tells them apart in by=",
            total=len(twice),
        )
    problems.raise_any()


def _codes(frame: pd.DataFrame, names: Sequence[str]) -> IntArray:
    """The number of each row's group, in sorted order of these columns."""
    if not names:
        return np.zeros(len(frame), dtype=np.int64)
    grouped = frame[list(names)].groupby(list(names), sort=True, observed=True, dropna=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64)


def _firsts(codes: IntArray) -> IntArray:
    """A row of each group."""
    return np.unique(codes, return_index=True)[1]


def _steps(windows: IntArray, times: IntArray) -> IntArray:
    """The number of each row's time stamp among those of its window, from 1."""
    order = np.lexsort((times, windows))
    window, time = windows[order], times[order]
    starts = np.diff(window, prepend=-1) != 0
    stamps = np.cumsum(starts | (np.diff(time, prepend=-1) != 0))
    steps = np.empty_like(windows)
    steps[order] = stamps - (stamps[starts] - 1)[window]
    return steps


def _numbers(frame: pd.DataFrame, name: str) -> FloatArray:
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise FrameError(
            [
                f"column {written(name)} isn't numeric ({column.dtype}); convert it, for instance "
                "with astype(float)"
            ]
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
