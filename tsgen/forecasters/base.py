"""What every forecaster shares: spec frames, checking arguments, writing forecasts."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import pandas as pd
from sklearn.base import BaseEstimator, clone

from tsgen._runtime import isolated
from tsgen._typing import FloatArray
from tsgen._validation import number
from tsgen.data import (
    AnyFrame,
    CalendarPart,
    Columns,
    Fill,
    Frame,
    FrameSpec,
    Panel,
    Short,
    check_fill,
    read_panel,
)
from tsgen.errors import NotFittedError
from tsgen.evaluation import Cutoffs, anomalies, one_step_forecasts
from tsgen.forecasters.summary import Summary

__all__ = ["Estimator", "Forecaster", "of_one_moment", "with_hints"]

P = ParamSpec("P")
R = TypeVar("R")

_SYNONYMS = {
    "h": "horizon", "n": "horizon", "steps": "horizon", "fh": "horizon",
    "prediction_length": "horizon", "n_steps": "horizon",
    "X": "df", "data": "df", "frame": "df", "series": "df",
    "input_size": "context_length", "context": "context_length", "lookback": "context_length",
    "input_chunk_length": "context_length", "window": "context_length",
    "frequency": "freq", "seed": "random_state", "random_seed": "random_state",
    "lr": "learning_rate", "epochs": "max_steps", "max_epochs": "max_steps",
    "n_epochs": "max_steps",
    "hidden_dim": "hidden_size", "encoder_hidden_size": "hidden_size", "n_layers": "num_layers",
    "n_rnn_layers": "num_layers", "season": "season_length", "m": "season_length",
    "local_scaler_type": "scaler", "unique_id": "id_col", "time": "time_col",
    "target": "target_col", "n_samples": "num_samples", "num_parallel_samples": "num_samples",
    "futr_exog_list": "future_covariates", "hist_exog_list": "past_covariates",
    "stat_exog_list": "static_covariates", "exog": "future_covariates",
    "X_df": "future_df", "futr_df": "future_df", "static_df": "static_covariates",
    "known_covariates": "future_covariates", "covariates": "future_covariates",
    "n_splits": "n_windows", "n_folds": "n_windows", "num_windows": "n_windows",
    "windows": "n_windows", "stride": "step", "step_size": "step", "step_length": "step",
    "text": "df", "texts": "df", "prompt": "df", "prompts": "df", "inputs": "df",
    "max_new_tokens": "horizon", "max_length": "horizon", "beam_width": "num_beams",
    "beam_size": "num_beams", "num_sequences": "num_samples", "topk": "top_k", "topp": "top_p",
    "embedding_dim": "embedding_size", "recurrent_dropout": "steps_dropout",
    "retrain": "refit", "forecast_horizon": "horizon",
    "levels": "level", "confidence": "level", "quantile": "quantiles",
}  # fmt: skip
"""What other libraries call an argument, and what it is called here."""


def with_hints(function: Callable[P, R]) -> Callable[P, R]:
    """Let a call with another library's argument name fail with the right name."""
    accepted = set(function.__annotations__) - {"return"}

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            meant = _SYNONYMS.get(name)
            if name not in accepted and meant in accepted:
                owner = type(args[0]).__name__ if args else ""
                call = owner if function.__name__ == "__init__" else f"{owner}.{function.__name__}"
                raise TypeError(f"{call}() has no argument {name!r}: it is called {meant!r}")
        return function(*args, **kwargs)

    return checked


def of_one_moment(method: Callable[P, R]) -> Callable[P, R]:
    """Let a call go by what was learned when it began, though a ``fit`` may end meanwhile.

    A ``fit`` puts another dict in the place of ``__dict__``: whoever holds the one before sees all
    of it, and what a call keeps for the next ones is kept there.
    """

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        forecaster, *rest = args
        view = object.__new__(type(forecaster))
        view.__dict__ = forecaster.__dict__
        result = method(view, *rest, **kwargs)  # type: ignore[arg-type]
        return forecaster if result is view else result  # type: ignore[return-value]

    return call


class Estimator(BaseEstimator, ABC):
    """What `fit` makes of an estimator, whatever it is fitted to."""

    _there_after_fit: ClassVar[str] = "panel_"
    """An attribute that there is after ``fit``."""
    _fit_call: ClassVar[str] = "fit(df)"

    def _check_fitted(self, call: str) -> None:
        if not hasattr(self, self._there_after_fit):
            name = type(self).__name__
            raise NotFittedError(
                f"this {name} isn't fitted yet: call {self._fit_call} before {call}"
            )

    def _anew(self) -> Self:
        """One that has learned nothing, to be fitted like this one was."""
        anew: Self = clone(self)
        return anew

    def summary(self) -> Summary:
        """What was read, chosen and learned, at a glance; print it, or end a cell with it.

        Returns
        -------
        Summary
            Its ``sections`` are dicts of texts. A model of a file has what was saved with it.

        Raises
        ------
        NotFittedError
            Before ``fit``.

        Examples
        --------
        >>> import pandas as pd
        >>> import tsgen
        >>> tsgen.SeasonalNaive(season_length=2).fit(pd.Series([1.0, 2.0, 1.0, 3.0])).summary()
        SeasonalNaive(season_length=2)
          read
            frame      a series
            series     1
            frequency  1
            last row   3
          chosen
            season length  2
        """
        self._check_fitted("summary")
        return Summary(self._call, self._sections())

    @property
    def _call(self) -> str:
        """The constructor's call, as scikit-learn writes it, in one line."""
        return " ".join(repr(self).split())

    @abstractmethod
    def _sections(self) -> dict[str, dict[str, str]]:
        """Of the summary."""

    def _repr_html_(self) -> str:
        if self.__sklearn_is_fitted__():
            return self.summary()._repr_html_()
        return f"<code>{escape(self._call)}</code>, not fitted yet"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """For notebooks, which ask for this first."""
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __sklearn_is_fitted__(self) -> bool:
        """For ``sklearn.utils.validation.check_is_fitted``."""
        try:
            self._check_fitted("use")
        except NotFittedError:
            return False
        return True


class Forecaster(Estimator):
    """The contract of every forecaster: ``fit`` on a frame, ``predict`` in its layout.

    A subclass learns from a `Panel` in `_fit` and continues one in `predict`.
    """

    _min_rows = 2
    panel_: Panel
    """The training series, as far as the first forecast needs them."""

    @with_hints
    def fit(
        self,
        df: AnyFrame,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        freq: Any = None,
        fill: Fill | None = None,
        short: Short = "error",
    ) -> Self:
        """Learn from one or many series; what an earlier ``fit`` learned is forgotten.

        Parameters
        ----------
        df : Series or DataFrame
            A Series, a wide frame (time as the index, a column per series), a long frame (a row
            per id and time) or rows under a MultiIndex (id, time). It isn't changed. Or a frame of
            polars, pyarrow, DuckDB or anything else with Arrow's stream: forecasts are such, too.
        id_col, time_col, target_col : str
            The columns of a long frame; one without the id column, or with ``id_col=None``, is
            one series. Several targets are as many series of each id.
        freq : str, int, offset or timedelta, optional
            Such as ``"h"`` or ``"MS"``; found in the data if not given. In a time zone ``"D"`` is
            a day of the calendar, but ``"24h"`` and ``pd.Timedelta(days=1)`` are 24 hours, as in
            pandas. For integer time the step from row to row, also where it looks like dates.
        fill : {"mask", "ffill", "interpolate"} or float, optional
            What to do about holes and gaps in time, which are an error by default.
        short : {"error", "skip"}, default "error"
            What to do about series too short to learn from.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            With all that is wrong with the frame.
        """
        spec = FrameSpec(Columns.of(id_col, time_col, target_col, frame=df), check_fill(fill))
        self._fit(read_panel(df, spec, freq=freq, min_rows=self._min_rows, short=short))
        return self

    @abstractmethod
    def predict(self, horizon: int, *, df: AnyFrame | None = None) -> Frame:
        """Continue the training series, or those of another frame, in the layout of the input."""

    @with_hints
    @isolated()
    @of_one_moment
    def fitted(self, df: AnyFrame) -> pd.DataFrame:
        """Forecast each row from those before it: the one-step forecasts of rows that are known.

        Of the rows that ``fit`` has seen these are the in-sample forecasts, whose errors are what
        reconciliation by MinT [1]_ goes by; they are smaller than those on new rows.

        Parameters
        ----------
        df : Series or DataFrame
            In any layout, with the columns' names given to ``fit``.

        Returns
        -------
        DataFrame
            A row for each row of ``df`` but the first ones of each series, which are too few to go
            by: the columns of ids and time stamps, and each target ``y`` with its forecast
            ``y_pred``, which is that of ``predict(1)`` for the rows before it.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            With all that is wrong with ``df``.

        References
        ----------
        .. [1] Wickramasuriya, Athanasopoulos, Hyndman: Optimal forecast reconciliation for
           hierarchical and grouped time series through trace minimization. JASA 114, 2019.

        Examples
        --------
        >>> import pandas as pd
        >>> import tsgen
        >>> tsgen.Naive().fit(pd.Series([1.0, 2.0, 4.0])).fitted(pd.Series([1.0, 2.0, 4.0]))
           ds    y  y_pred
        0   1  2.0     1.0
        1   2  4.0     2.0
        """
        panel, rows = self._one_step("fitted", df)
        return panel.native(rows)

    @with_hints
    @isolated()
    @of_one_moment
    def anomalies(self, df: AnyFrame, *, threshold: float = 5.0) -> pd.DataFrame:
        """The rows that are far from what the rows before them let expect.

        What is odd is a value, and not the time it stands for; a row after an odd one is forecast
        from it, and may be odd for that alone.

        Parameters
        ----------
        df : Series or DataFrame
            In any layout, with the columns' names given to ``fit``.
        threshold : float, default 5
            How many standard deviations of the one-step errors of its series a value must be away
            from its forecast; 0 for all that are away at all.

        Returns
        -------
        DataFrame
            As from `fitted`, these rows alone, with a column ``y_score``: how many standard
            deviations it is. These are estimated by the mean absolute error, which a few large ones
            move little.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            With all that is wrong with ``df``.

        Examples
        --------
        >>> import pandas as pd
        >>> import tsgen
        >>> y = pd.Series([1.0, 2.0, 3.0] * 8)
        >>> y[13] = 9.0
        >>> tsgen.SeasonalNaive(season_length=3).fit(y).anomalies(y)["ds"].tolist()
        [13, 16]
        """
        threshold = number("threshold", threshold, 0.0, float("inf"))
        panel, rows = self._one_step("anomalies", df)
        columns = panel.columns
        id_col = columns.id if panel.layout.names_series else None
        found = anomalies(rows, id_col, columns.targets, threshold)
        return panel.native(found.reset_index(drop=True))

    def _one_step(self, call: str, df: AnyFrame) -> tuple[Panel, pd.DataFrame]:
        self._check_fitted(call)
        return one_step_forecasts(self, df, type(self)._points_at, call)

    @abstractmethod
    def _points_at(self, cutoffs: Cutoffs, numbers: range) -> Mapping[str, FloatArray]:
        """Point forecasts from some cutoffs, one after the other: ``{"": (series, H)}``."""

    @abstractmethod
    def _identity(self, *, levels: bool) -> str:
        """What tells it from others that forecast something else, with levels or without."""

    def _read(self, df: Any) -> Panel:
        spec = FrameSpec.like(self.panel_, self._calendar)
        return read_panel(df, spec, freq=self.panel_.frequency)

    @property
    def _seen_before(self) -> tuple[Panel, ...]:
        """The ends of series that were learned from before ``fit``, by what it went on from."""
        return ()

    @property
    def _learns(self) -> bool:
        """Whether what `fit` has seen shows in the forecasts of other rows."""
        return True

    @property
    def _calendar(self) -> tuple[CalendarPart, ...]:
        """What is computed from time stamps; nothing, for most forecasters."""
        return ()

    @abstractmethod
    def _fit(self, panel: Panel) -> str | None:
        """Learn, and keep in ``panel_`` what `predict` needs of the training series.

        Returns what ended that early, if anything did.
        """
