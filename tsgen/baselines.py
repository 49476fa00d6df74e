"""The forecasts that every model has to beat, under the same contract."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from tsgen.estimator import Forecaster, checked_horizon, with_hints
from tsgen.gaps import fill_values
from tsgen.layouts import Frame
from tsgen.panel import Panel
from tsgen.settings import choose_season_length

__all__ = ["Naive", "SeasonalNaive"]


class _Baseline(Forecaster):
    """A forecast that is a rule on the last rows."""

    @with_hints
    def predict(self, horizon: int, *, df: Frame | None = None) -> Frame:
        """Continue the training series, or those of another frame.

        Parameters
        ----------
        horizon : int
            H, how many steps to generate; any number of 1 or more.
        df : Series or DataFrame, optional
            Series to continue instead of the training ones, in any layout, with the columns' names
            given to ``fit``; they need not have been seen in ``fit``.

        Returns
        -------
        Series or DataFrame
            The layout of the input, with the next ``horizon`` time stamps.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        TypeError, ValueError
            For a horizon that isn't a whole number of 1 or more.
        FrameError
            With all that is wrong with ``df``.
        """
        self._check_fitted("predict")
        horizon = checked_horizon(horizon)
        panel = self.panel_ if df is None else _without_holes(self._read(df))
        ahead = horizon + int(panel.behind.max())
        values = self._predict(panel, ahead)
        # A series that ends before its wide frame does is continued through the rows it lacks.
        columns = panel.behind[:, None] + np.arange(horizon)
        return panel.forecast_frame(horizon, {"": np.take_along_axis(values, columns, axis=1)})

    @abstractmethod
    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        """Values of shape (N, H) after the panel's last rows."""


def _without_holes(panel: Panel) -> Panel:
    """With the last known value in each hole, where holes are allowed."""
    return replace(panel, values=fill_values(panel.values, panel.offsets, "ffill"))


class Naive(_Baseline):
    """Repeats the last value.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen import Naive
    >>> Naive().fit(pd.Series([1.0, 2.0, 4.0])).predict(2).tolist()
    [4.0, 4.0]
    """

    _min_rows = 1

    def _fit(self, panel: Panel) -> None:
        self.panel_ = _without_holes(panel).tail(1)

    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        return np.repeat(panel.values[panel.offsets[1:] - 1, None], horizon, axis=1)


class SeasonalNaive(_Baseline):
    """Repeats the last season; a series shorter than that repeats all it has.

    Parameters
    ----------
    season_length : int or "auto", default "auto"
        Rows in a season; by default that of the frequency (none for integer time, which makes it
        the naive forecast).

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen import SeasonalNaive
    >>> SeasonalNaive(season_length=2).fit(pd.Series([1.0, 2.0, 5.0, 6.0])).predict(3).tolist()
    [5.0, 6.0, 5.0]
    """

    _min_rows = 1

    @with_hints
    def __init__(self, *, season_length: int | Literal["auto"] = "auto") -> None:
        self.season_length = season_length

    def _fit(self, panel: Panel) -> None:
        self.season_length_ = choose_season_length(self.season_length, panel)
        self.panel_ = _without_holes(panel).tail(self.season_length_)

    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        season = np.minimum(panel.lengths, self.season_length_)
        ahead = np.arange(horizon) % season[:, None]
        rows: npt.NDArray[np.int64] = (panel.offsets[1:] - season)[:, None] + ahead
        return np.asarray(panel.values[rows])
