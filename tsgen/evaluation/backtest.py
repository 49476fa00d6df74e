"""Backtests: the forecasts of any forecaster from many cutoffs of series whose truth is known.

What is here knows of no network: where the cutoffs lie, what was known at each of them, when a
forecaster is fitted anew, and the frame of it all. How a fitted one forecasts from some of the
cutoffs is a function that it brings along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._runtime import COUNT, progress_line
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen._validation import checked_horizon, one_of, whole_number
from tsgen.data import (
    OFF_GRID,
    AnyFrame,
    CalendarPart,
    FrameSpec,
    History,
    Panel,
    Problems,
    Short,
    as_dtype,
    as_stamps,
    fitting,
    opened,
    output_name,
    read_history,
    steps_between,
    with_categories_of,
)
from tsgen.errors import FrameError, TrainingRowsWarning, warn_user

__all__ = ["Cutoffs", "Past", "Plan", "backtest", "one_step_forecasts"]

Outputs: TypeAlias = Mapping[str, FloatArray]


class Forecaster(Protocol):
    """What a backtest asks of a forecaster."""

    panel_: Panel
    _min_rows: int

    @property
    def _learns(self) -> bool: ...

    @property
    def _calendar(self) -> tuple[CalendarPart, ...]: ...

    @property
    def _seen_before(self) -> tuple[Panel, ...]: ...

    def _anew(self) -> Any: ...

    def _fit(self, panel: Panel) -> str | None: ...

    def set_params(self, **params: Any) -> Any: ...


F = TypeVar("F", bound=Forecaster)


@dataclass(frozen=True)
class Plan:
    """Which forecasts a backtest makes, checked.

    Attributes
    ----------
    horizon : int
        H.
    n_windows : int
        Cutoffs of a series, if it has room for them.
    step : int
        Rows between them.
    every : int
        Cutoffs that one fit serves; 0 where the forecaster stays as it is.
    short : {"error", "skip"}
        What happens to series without room for one.
    """

    horizon: int
    n_windows: int
    step: int
    every: int
    short: Short

    @classmethod
    def of(cls, horizon: Any, n_windows: Any, step: Any, refit: Any, short: Any) -> Plan:
        """The plan that arguments say."""
        horizon = checked_horizon(horizon)
        every = refit
        if isinstance(refit, bool | np.bool_):
            every = int(refit)
        else:
            whole_number("refit", refit, "cutoffs that one fit serves; or True, or False")
        return cls(
            horizon,
            whole_number("n_windows", n_windows, "cutoffs of each series"),
            horizon if step is None else whole_number("step", step, "rows between cutoffs"),
            int(every),
            one_of("short", short, ("error", "skip")),  # type: ignore[arg-type]
        )


class Past(NamedTuple):
    """What was known at one cutoff of all series that have it."""

    panel: Panel
    """As it was read then; ``ends`` are the cutoffs."""
    future: FloatArray | None
    """What was known of the horizon, ``(systems, H, columns)``."""


@dataclass(frozen=True)
class Cutoffs:
    """The cutoffs of a frame's series, numbered alike in all of them: each has the last ones.

    Attributes
    ----------
    history : History
    horizon : int
        H.
    rows : ndarray of shape (systems, cutoffs)
        How many rows come before each; 0 where a system has no room for it.
    """

    history: History
    horizon: int
    rows: IntArray

    @classmethod
    def of(cls, history: History, plan: Plan, min_rows: int) -> Cutoffs:
        """The last ``n_windows`` that have so many rows before them and a horizon after them."""
        panel = history.panel
        lengths = panel.lengths[:: panel.channels]
        room = lengths - plan.horizon - min_rows
        # The targets of an id have their cutoffs together.
        of_id = pd.factorize(panel.systems)[0]
        least = np.full(len(room), np.iinfo(np.int64).max)
        np.minimum.at(least, of_id, room)
        count = np.clip(least[of_id] // plan.step + 1, 0, plan.n_windows)
        if not count.all():
            _refuse_short(panel, lengths, count == 0, plan, min_rows)
        back = np.arange(int(count.max()))[::-1]
        rows = lengths[:, None] - plan.horizon - plan.step * back
        rows = np.where(back < count[:, None], rows, 0)
        return cls(history, plan.horizon, rows).select(count > 0)

    @property
    def count(self) -> int:
        """How many there are at most."""
        return int(self.rows.shape[1])

    @property
    def there(self) -> BoolArray:
        """Which series have which cutoff, ``(N, cutoffs)``."""
        return np.repeat(self.rows > 0, self.history.panel.channels, axis=0)

    def select(self, kept: BoolArray) -> Cutoffs:
        """Those of some of the systems, ``(systems,)``."""
        if kept.all():
            return self
        return replace(self, history=self.history.select(kept), rows=self.rows[kept])

    def past(self, number: int, keep: int | None = None) -> Past:
        """What was known at one of them; of the past the last rows alone, if they are enough."""
        rows = self.rows[:, number]
        panel = self.history.until(rows, keep)
        return Past(panel, self.history.ahead(rows, self.horizon))

    def after(self, number: int, past: Past) -> Cutoffs:
        """The same once a past was read: what was filled then stays as it was filled."""
        return replace(self, history=self.history.holding(past.panel, self.rows[:, number]))

    def read_as(self, fitted: Panel) -> Cutoffs:
        """The same in terms of the categories that a fit has seen."""
        panel = self.history.panel
        if panel.covariates is None or fitted.covariates is None:
            return self
        covariates = panel.covariates.read_as(fitted.covariates.schema)
        return replace(
            self, history=replace(self.history, panel=replace(panel, covariates=covariates))
        )


def backtest(
    forecaster: F,
    df: AnyFrame,
    plan: Plan,
    forecast: Callable[[F, Cutoffs, range], Outputs],
    suffixes: Iterable[str] = ("",),
) -> pd.DataFrame:
    """Forecast from all cutoffs of a frame.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted; it isn't changed.
    df : Series or DataFrame
    plan : Plan
    forecast : callable
        Of a fitted forecaster, the cutoffs and the numbers of some of them. Its outputs are by
        suffix, of shape (series, H): those that have the first of these cutoffs, then those that
        have the second, and so on.
    suffixes : iterable of str, default ("",)
        Of the outputs.

    Returns
    -------
    DataFrame
        A row for each series, cutoff and step: the columns of ids and time stamps, ``cutoff``,
        and each target with its forecast.
    """
    cutoffs = Cutoffs.of(_read(forecaster, df, plan), plan, forecaster._min_rows)
    predictions = [f"_pred{suffix}" for suffix in suffixes]
    cutoffs.history.panel.check_table("backtest", ["cutoff"], ["", *predictions])
    if forecaster._learns:
        _warn_of_training_rows(forecaster, cutoffs, refit=plan.every > 0)
    if not plan.every:
        found = [forecast(forecaster, cutoffs, range(cutoffs.count))]
    else:
        found = _with_fits(forecaster, cutoffs, plan.every, forecast)
    outputs = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    return cutoffs.history.panel.native(_frame(cutoffs, outputs))


def one_step_forecasts(
    forecaster: F, df: AnyFrame, forecast: Callable[[F, Cutoffs, range], Outputs], made: str
) -> tuple[Panel, pd.DataFrame]:
    """Forecast each row of a frame from those before it.

    Parameters
    ----------
    forecaster, df, forecast
        As in `backtest`.
    made : str
        The call, for messages.

    Returns
    -------
    panel : Panel
    rows : DataFrame
        As of `backtest`, without the column of cutoffs, and without the first rows of each series,
        which are too few to go by.
    """
    every = Plan(1, n_windows=np.iinfo(np.int64).max, step=1, every=0, short="skip")
    cutoffs = Cutoffs.of(_read(forecaster, df, every), every, forecaster._min_rows)
    panel = cutoffs.history.panel
    panel.check_table(made, [], ["", "_pred", "_score"])
    outputs = forecast(forecaster, cutoffs, range(cutoffs.count))
    return panel, _frame(cutoffs, outputs, with_cutoffs=False)


def _read(forecaster: Forecaster, df: AnyFrame, plan: Plan) -> History:
    """All rows; where there are fits to come, with categories that the first one hasn't seen."""
    seen, native = forecaster.panel_, opened(df)
    if plan.every and seen.covariates is not None:
        schema = tuple(
            item
            if item.role == "static" and seen.static_table
            else with_categories_of(native.frame, item)
            for item in seen.covariates.schema
        )
        seen = replace(seen, covariates=replace(seen.covariates, schema=schema))
    spec = FrameSpec.like(seen, forecaster._calendar)
    return read_history(native, spec, freq=seen.frequency)


def _refuse_short(
    panel: Panel, lengths: IntArray, short: BoolArray, plan: Plan, min_rows: int
) -> None:
    """Name series without room for a cutoff, if that is an error."""
    if plan.short == "skip" and not short.all():
        return
    problems = Problems()
    problems.add(
        f"series without room for a cutoff, which needs {min_rows} rows before it and the "
        f"{plan.horizon} of the horizon after it",
        [f"{written(panel.keys[i])} ({lengths[i]} rows)" for i in np.flatnonzero(short)[:5]],
        "drop them, pass short='skip', or a shorter horizon",
        total=int(short.sum()),
    )
    problems.raise_any()


def _warn_of_training_rows(forecaster: Forecaster, cutoffs: Cutoffs, *, refit: bool) -> None:
    """Say that errors are too small where a model was trained on what it forecasts.

    One that is fitted anew still has seen what the model that it goes on from was trained on.
    """
    rows = cutoffs.rows
    own = () if refit else (forecaster.panel_,)
    ends = [_trained_after(cutoffs, seen) for seen in (*own, *forecaster._seen_before)]
    if not ends:
        return
    beyond = np.max(ends, axis=0)[:, None] + rows[:, -1:] - rows
    inside = (beyond > 0) & (rows > 0)
    if not inside.any():
        return
    model, remedy = "the model", ", or pass refit=True"
    if forecaster._seen_before:
        model, remedy = "the model, or one that it went on from,", ""
    system, number = np.argwhere(inside)[0]
    first = cutoffs.history.stamps(np.array([system]), rows[[system], number] - 1)[0]
    warn_user(
        f"{int(inside.sum())} of {int((rows > 0).sum())} forecasts are of rows that {model} was "
        f"trained on, the first of series {written(cutoffs.history.panel.keys[system])} after "
        f"{first}: their errors say too little of those on new rows; fit on earlier rows alone "
        f"(tsgen.hold_out){remedy}",
        TrainingRowsWarning,
    )


def _trained_after(cutoffs: Cutoffs, fitted: Panel) -> IntArray:
    """How many rows after the last cutoff of each system a model was trained on; or before it."""
    panel, rows = cutoffs.history.panel, cutoffs.rows[:, -1]
    after = -rows  # none at all
    positions = fitted.keys.get_indexer(panel.keys)
    known = np.flatnonzero((positions >= 0) & (rows > 0))
    if len(known):
        series = positions[known] * fitted.channels
        last = cutoffs.history.stamps(known, rows[known] - 1)
        with suppress(FrameError):  # stamps of another kind aren't those of training
            ahead = steps_between(last, fitted.ends[series], fitted)
            ahead = np.where(ahead == OFF_GRID, after[known], ahead - fitted.behind[series])
            after[known] = ahead
    return after


def _with_fits(
    forecaster: F, cutoffs: Cutoffs, every: int, forecast: Callable[[F, Cutoffs, range], Outputs]
) -> list[Outputs]:
    """The outputs of clones that are fitted at every so many cutoffs."""
    found = []
    starts = range(0, cutoffs.count, every)
    line = progress_line("backtest", COUNT, shown=getattr(forecaster, "verbose", False))
    with line or nullcontext():
        task = line.add_task("backtest", total=len(starts)) if line else None
        for first in starts:
            model = _fitted_at(forecaster, cutoffs, first)
            numbers = range(first, min(first + every, cutoffs.count))
            found.append(forecast(model, cutoffs.read_as(model.panel_), numbers))
            if line and task is not None:
                line.advance(task)
    return found


def _fitted_at(forecaster: F, cutoffs: Cutoffs, number: int) -> F:
    """A clone that has learned from all rows up to a cutoff."""
    model: F = forecaster._anew()
    if hasattr(model, "verbose"):
        model.set_params(verbose=False)  # there is a bar for all fits
    panel = cutoffs.history.until(cutoffs.rows[:, number])
    if panel.covariates is not None:
        panel = replace(panel, covariates=panel.covariates.learned())
    panel = replace(panel, static_table=forecaster.panel_.static_table)
    interrupted = model._fit(panel)
    if interrupted is not None:  # who ends one fit means the whole backtest
        raise KeyboardInterrupt(f"backtest: {interrupted}")
    return model


# --- the frame -----------------------------------------------------------------------------------


def _frame(cutoffs: Cutoffs, outputs: Outputs, *, with_cutoffs: bool = True) -> pd.DataFrame:
    """A row for each series in the order of the input, cutoff and step."""
    history, panel, there = cutoffs.history, cutoffs.history.panel, cutoffs.there
    columns, horizon = panel.columns, cutoffs.horizon
    # Those of an id are side by side.
    order = panel.in_order.reshape(-1, len(columns.targets))
    position, number = np.nonzero(there[order[:, 0]])
    found = np.zeros(there.shape, dtype=np.int64)
    found.T[there.T] = np.arange(there.sum())
    steps = np.arange(horizon)
    systems = order[position, 0] // panel.channels
    rows = cutoffs.rows[systems, number]

    def stamps(count: IntArray) -> Any:
        of_rows = history.stamps(np.repeat(systems, horizon), count)
        return as_stamps(of_rows, panel.layout.time_dtype)

    frame = pd.DataFrame({columns.time: stamps((rows[:, None] + steps).ravel())})
    if with_cutoffs:
        frame.insert(0, "cutoff", stamps(np.repeat(rows - 1, horizon)))
    if panel.layout.names_series:
        ids = panel.labels()[columns.id][:: len(columns.targets)]
        frame.insert(0, columns.id, ids.take(np.repeat(position, horizon)))
    dtypes = panel.layout.target_dtypes
    for target, of_target, dtype in zip(columns.targets, order.T, dtypes, strict=True):
        series = of_target[position]
        first = panel.offsets[series] + cutoffs.rows[series // panel.channels, number]
        columns_of_target = {"": panel.values[first[:, None] + steps]}
        for suffix, values in outputs.items():
            columns_of_target[f"_pred{suffix}"] = values[found[series, number]]
        for suffix, values in columns_of_target.items():
            kept = fitting(dtype, values)
            frame[output_name(target, suffix)] = as_dtype(pd.Index(values.ravel()), kept)
    return frame
