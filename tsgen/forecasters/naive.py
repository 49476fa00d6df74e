"""The forecasts that every model has to beat, under the same contract."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from tsgen._typing import FloatArray, IntArray
from tsgen._validation import checked_horizon
from tsgen.data import AnyFrame, Frame, Panel, Short, fill_values
from tsgen.evaluation import Cutoffs, Plan, backtest
from tsgen.forecasters.base import Forecaster, with_hints
from tsgen.forecasters.bulk import Files, FilesToForecast, are_files, forecast_files
from tsgen.forecasters.settings import choose_season_length
from tsgen.forecasters.summary import lines_of_panel

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

__all__ = ["Naive", "SeasonalNaive"]


class _Baseline(Forecaster):
    """A forecast that is a rule on the last rows."""

    _min_rows = 1

    @property
    def _learns(self) -> bool:
        return False

    @with_hints
    def predict(
        self,
        horizon: int,
        *,
        df: AnyFrame | Files | None = None,
        out: str | PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> Frame | Dataset:
        """Continue the training series, those of another frame, or those of files.

        Parameters
        ----------
        horizon : int
            H, how many steps to generate; any number of 1 or more.
        df : Series or DataFrame, optional
            Series to continue instead of the training ones, in any layout, with the columns' names
            given to ``fit``; they need not have been seen in ``fit``. With ``out``, files of
            Parquet.
        out, overwrite
            As in `LSTMForecaster.predict`.

        Returns
        -------
        Series, DataFrame or pyarrow.dataset.Dataset
            The layout of the input, with the next ``horizon`` time stamps; with ``out`` the files
            that were written.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        TypeError, ValueError
            For a horizon that isn't a whole number of 1 or more.
        FrameError
            With all that is wrong with ``df``.
        FileExistsError
            If the folder ``out`` has forecasts of another call, or other files.
        """
        self._check_fitted("predict")
        horizon = checked_horizon(horizon)
        if are_files(df, out):
            files = FilesToForecast(
                df, out, overwrite, None, self.panel_.columns, {"horizon": horizon}
            )
            return forecast_files(
                files,
                self._identity(levels=False),
                lambda frame, _: self.predict(horizon, df=frame),
            )
        panel = self.panel_ if df is None else _without_holes(self._read(df))
        return panel.forecast_frame(horizon, {"": self._continued(panel, horizon)})

    @with_hints
    def backtest(
        self,
        df: AnyFrame,
        horizon: int,
        *,
        n_windows: int = 1,
        step: int | None = None,
        refit: bool | int = False,
        short: Short = "error",
    ) -> pd.DataFrame:
        """Forecast from many cutoffs of series whose truth is known, and put it beside them.

        Each forecast is that of ``predict`` for the rows up to its cutoff.

        Parameters
        ----------
        df, horizon, n_windows, step, short
            As in `LSTMForecaster.backtest`.
        refit : bool or int, default False
            Whether a clone is fitted at each cutoff, or at every so many. All rows up to a cutoff
            are read in any case, so that it makes no difference to the forecasts.

        Returns
        -------
        DataFrame
            As from `LSTMForecaster.backtest`.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        TypeError, ValueError
            For arguments that can't be used.
        FrameError
            With all that is wrong with ``df``, and for series without room for a cutoff.

        Examples
        --------
        >>> import pandas as pd
        >>> from tsgen import Naive
        >>> y = pd.Series([1.0, 2.0, 4.0, 8.0])
        >>> Naive().fit(y).backtest(y, 1, n_windows=2)
           cutoff  ds    y  y_pred
        0       1   2  4.0     2.0
        1       2   3  8.0     4.0
        """
        self._check_fitted("backtest")
        plan = Plan.of(horizon, n_windows, step, refit, short)

        return backtest(self, df, plan, type(self)._points_at)

    def _points_at(self, cutoffs: Cutoffs, numbers: range) -> dict[str, FloatArray]:
        keep = None if cutoffs.history.has_holes else self._rows_read
        pasts = (cutoffs.past(number, keep) for number in numbers)
        values = [self._continued(_without_holes(past.panel), cutoffs.horizon) for past in pasts]
        return {"": np.concatenate(values)}

    def _sections(self) -> dict[str, dict[str, str]]:
        chosen = {"season length": str(self._rows_read)} if self._rows_read > 1 else {}
        sections = {"read": lines_of_panel(self.panel_, None)}
        return sections | ({"chosen": chosen} if chosen else {})

    def _continued(self, panel: Panel, horizon: int) -> FloatArray:
        """Values of shape (N, H) after the ends of a panel's series."""
        values = self._predict(panel, horizon + int(panel.behind.max()))
        # A series that ends before its wide frame does is continued through the rows it lacks.
        columns = panel.behind[:, None] + np.arange(horizon)
        return np.take_along_axis(values, columns, axis=1)

    def _identity(self, *, levels: bool) -> str:
        """What tells it from others that forecast something else."""
        read = self.panel_.columns, self.panel_.frequency.name, self.panel_.fill
        return repr((type(self).__name__, self._rows_read, *read))

    @property
    @abstractmethod
    def _rows_read(self) -> int:
        """Rows of a series that a forecast depends on."""

    @abstractmethod
    def _predict(self, panel: Panel, horizon: int) -> FloatArray:
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

    def _fit(self, panel: Panel) -> None:
        self.panel_ = _without_holes(panel).tail(1)

    @property
    def _rows_read(self) -> int:
        return 1

    def _predict(self, panel: Panel, horizon: int) -> FloatArray:
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

    @with_hints
    def __init__(self, *, season_length: int | Literal["auto"] = "auto") -> None:
        self.season_length = season_length

    def _fit(self, panel: Panel) -> None:
        self.season_length_ = choose_season_length(self.season_length, panel)
        self.panel_ = _without_holes(panel).tail(self.season_length_)

    @property
    def _rows_read(self) -> int:
        return self.season_length_

    def _predict(self, panel: Panel, horizon: int) -> FloatArray:
        season = np.minimum(panel.lengths, self.season_length_)
        ahead = np.arange(horizon) % season[:, None]
        rows: IntArray = (panel.offsets[1:] - season)[:, None] + ahead
        return np.asarray(panel.values[rows])
