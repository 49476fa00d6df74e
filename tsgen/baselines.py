"""The forecasts that every model has to beat, under the same contract."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from tsgen.estimator import Forecaster, with_hints
from tsgen.panel import Panel
from tsgen.settings import choose_season_length

__all__ = ["Naive", "SeasonalNaive"]


class Naive(Forecaster):
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
        self.panel_ = panel.tail(1)

    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        return np.repeat(panel.values[panel.offsets[1:] - 1, None], horizon, axis=1)


class SeasonalNaive(Forecaster):
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
        self.panel_ = panel.tail(self.season_length_)

    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        season = np.minimum(panel.lengths, self.season_length_)
        ahead = np.arange(horizon) % season[:, None]
        rows: npt.NDArray[np.int64] = (panel.offsets[1:] - season)[:, None] + ahead
        return np.asarray(panel.values[rows])
