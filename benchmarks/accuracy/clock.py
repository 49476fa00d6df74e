"""Seconds from a frame to its forecast, as a program counts them that has imported everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import tsgen


class Timed(NamedTuple):
    """A forecast, the seconds of the fit, and those from the frame to the forecast."""

    forecast: pd.DataFrame
    fit_s: float
    seconds: float


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What comes of the work, and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


@cache
def import_all() -> None:
    """Import what tsgen imports no sooner than a fit or a forecast needs it."""
    series = pd.Series(np.arange(24.0))
    tsgen.LSTMForecaster(max_steps=1, hidden_size=2, verbose=False).fit(series).predict(2)


def fit_and_forecast(model: Any, frame: pd.DataFrame, horizon: int, **told: Any) -> Timed:
    """Fit a forecaster to a frame and forecast it, without the time of imports."""
    import_all()
    _, fit_s = timed(lambda: model.fit(frame, **told))
    forecast, predict_s = timed(lambda: model.predict(horizon))
    return Timed(forecast, fit_s, fit_s + predict_s)
