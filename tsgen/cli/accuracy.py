"""How good forecasts are: the check of a forecast, and the errors of a backtest."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from tsgen.data import Columns, FrameSpec, Panel, hold_out, read_panel
from tsgen.errors import FrameError
from tsgen.evaluation import mase, score
from tsgen.forecasters import SeasonalNaive

__all__ = ["Accuracy", "backtest_errors", "measure_accuracy"]

_METRICS = {"MAE": "mae", "RMSE": "rmse", "sMAPE": "smape"}
"""Of a backtest, by what its summary calls them."""


@dataclass(frozen=True)
class Accuracy:
    """Mean MASE over the series on the held-out tail."""

    horizon: int
    model: float
    seasonal_naive: float

    def lines(self) -> dict[str, str]:
        """For the summary."""
        if not isfinite(self.model):  # errors in units of 0
            why = "undefined: in some series each season repeats the one before exactly"
            return {f"MASE, last {self.horizon} rows": why}
        return {
            f"MASE, last {self.horizon} rows": f"{self.model:.3f}{self._verdict()}",
            "  of seasonal naive": f"{self.seasonal_naive:.3f}",
        }

    def _verdict(self) -> str:
        if not 0 < self.seasonal_naive < float("inf"):
            return ""
        ratio = self.model / self.seasonal_naive
        change = f"{1 - ratio:.0%} lower" if ratio <= 1 else f"{ratio - 1:.0%} higher"
        return f" ({change} than seasonal naive)"


def measure_accuracy(
    model: Any, frame: pd.DataFrame, horizon: int, arguments: dict[str, Any]
) -> Accuracy | None:
    """Of a model, which is fitted for it, and of seasonal naive, on rows that neither has seen.

    Parameters
    ----------
    model : forecaster
    frame : DataFrame
    horizon : int
    arguments : dict
        Of ``fit``.

    Returns
    -------
    Accuracy, or None where it can't be measured
    """
    names = {name: arguments[name] for name in ("id_col", "time_col", "target_col")}
    targets = Columns.of(**names)
    fill = arguments["fill"]
    spec = FrameSpec(targets, fill)
    whole = read_panel(frame, spec, freq=arguments["freq"])
    if whole.lengths.min() < 3 * horizon:
        return None
    train, tail = hold_out(frame, horizon, **names)
    past = read_panel(train, spec, freq=arguments["freq"])
    model.fit(train, **arguments)
    naive = SeasonalNaive().fit(train, freq=arguments["freq"], fill=fill, **names)
    future = {"future_df": tail} if arguments["future_covariates"] else {}
    try:
        forecast = model.predict(horizon, **future)
    except FrameError:
        if fill is None or not future:
            raise
        return None  # the last rows have holes in what was known ahead of them
    season = model.settings_.season_length
    scores = [
        _mean_mase(whole, past, read_panel(result, targets, freq=whole.frequency), season)
        for result in (forecast, naive.predict(horizon))
    ]
    return Accuracy(horizon, *scores)


def _mean_mase(whole: Panel, past: Panel, forecast: Panel, season: int) -> float:
    errors = []
    for i in range(len(whole)):
        # With rows missing, the tail reaches further than the forecast does.
        start = len(past.series(i))
        truth = whole.series(i)[start : start + len(forecast.series(i))]
        errors.append(mase(truth, forecast.series(i), past.series(i), season))
    return sum(errors) / len(errors)


def backtest_errors(
    model: Any, rows: pd.DataFrame, frame: pd.DataFrame, horizon: int, windows: dict[str, Any]
) -> dict[str, str]:
    """Lines on the errors of a backtest beside those of seasonal naive, means over all windows."""
    panel = model.panel_
    columns = panel.columns
    names = {"id_col": columns.id, "time_col": columns.time, "target_col": list(columns.targets)}
    naive = SeasonalNaive(season_length=model.settings_.season_length)
    naive.fit(frame, freq=panel.frequency, fill=panel.fill, **names)
    ours = _mean_scores(rows, columns)
    theirs = _mean_scores(naive.backtest(frame, horizon, **windows), columns)
    return {name: f"{ours[name]:.4g} (seasonal naive {theirs[name]:.4g})" for name in _METRICS}


def _mean_scores(rows: pd.DataFrame, columns: Columns) -> pd.Series:
    """The metrics, and their means over several targets."""
    parts = [
        score(rows, _METRICS, id_col=columns.id, time_col=columns.time, target_col=target)
        for target in columns.targets
    ]
    return pd.concat(parts).mean()
