"""What is asked of forecasters whose model is a network: forecasts, states, explanations.

Methods check and read what users give, and leave the work to `tsgen.inference`.
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
import torch

from tsgen import training
from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen._typing import FloatArray, IntArray
from tsgen._validation import (
    checked_horizon,
    is_auto,
    number,
    one_of,
    seed_number,
    whole_number,
    yes_or_no,
)
from tsgen.data import (
    AnyFrame,
    CalendarPart,
    Frame,
    Panel,
    Short,
    calendar_parts,
    check_names,
    read_future,
    read_given,
    read_new_rows,
)
from tsgen.errors import NotFittedError, SettingError
from tsgen.evaluation import Cutoffs, Plan, backtest
from tsgen.export import write_onnx
from tsgen.forecasters.base import Forecaster, of_one_moment, with_hints
from tsgen.forecasters.bulk import (
    Files,
    FilesToForecast,
    are_files,
    forecast_files,
    refuse_beside_files,
)
from tsgen.forecasters.fitting import (
    Recipe,
    calibrated_by_spread,
    calibrated_on_tail,
    module_around,
)
from tsgen.forecasters.saving import SavableEstimator, model_hash
from tsgen.forecasters.settings import Settings
from tsgen.forecasters.summary import FitRecord, lines_of_network, lines_of_panel, lines_of_training
from tsgen.inference import (
    SAMPLES,
    Calibration,
    Context,
    Continuation,
    FittedModel,
    ForecastState,
    Innovations,
    OnBlowup,
    Spread,
    SpreadCalibration,
    Until,
    continuations,
    forecast_outputs,
    importance_table,
    input_groups,
    level_shares,
    measure_stability,
    permutation_importance,
    quantile_shares,
    sample_paths,
)
from tsgen.nn import Cell
from tsgen.preprocessing import CovariateScaler, PanelScaler, ValueRange

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

    from tsgen.training import (
        ForecastModule,
    )

__all__ = ["FittedForecaster"]

_ON_BLOWUP = ("clip", "raise")
_CALIBRATING = threading.RLock()
"""Held while a model is calibrated unasked: one for all, since a model is copied and pickled."""


def _release_calibration_lock() -> None:
    """A forked process has the lock as it stood, but not the thread that would release it."""
    global _CALIBRATING
    _CALIBRATING = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_calibration_lock)


class FittedForecaster(SavableEstimator, Forecaster):
    """What a fitted network is asked; how it is fitted, `NeuralForecaster` says."""

    model_: FittedModel
    """What forecasts; its networks are those of ``module_``."""
    settings_: Settings
    state_: ForecastState
    """After the training series."""
    history_: Panel
    """The training series, for a calibration later on; copies for other processes and loaded
    models don't have them."""
    record_: FitRecord | None = None
    """Of the fit, in numbers; files of earlier versions have none."""
    cell: Cell
    calendar: CalendarPart | Sequence[CalendarPart] | None

    @property
    @abstractmethod
    def _recipe(self) -> Recipe:
        """How networks are trained beside it, as its own were."""

    @property
    def _calendar(self) -> tuple[CalendarPart, ...]:
        return calendar_parts(self.calendar)

    # --- what was learned

    def _sections(self) -> dict[str, dict[str, str]]:
        settings, record = self.settings_, self.record_
        networks = self.model_.networks
        chosen = {
            "preset": settings.preset,
            "season length": str(settings.season_length),
            "context length": f"{settings.context_length} rows",
            "lags": ", ".join(map(str, settings.lags)),
            **lines_of_network(self.cell, settings, len(networks)),
            "strategy": f"{settings.training_strategy}, {settings.loss}",
        }
        learned = lines_of_training(
            record, settings, (weight for network in networks for weight in network.parameters())
        )
        calibrated = self.model_.calibration is not None
        learned["levels"] = "calibrated" if calibrated else "calibrated when asked for first"
        return {
            "read": lines_of_panel(self.panel_, record),
            "chosen": chosen,
            "learned": learned,
        }

    @property
    def module_(self) -> ForecastModule:
        """The LightningModule of the networks; Lightning is loaded for it."""
        if "_module_" not in self.__dict__:
            self._module_ = module_around(self._recipe, self._learned("module_"))
        return self._module_

    @property
    def scaler_(self) -> PanelScaler:
        """Of the training series."""
        return self._learned("scaler_").units.scaler

    @property
    def covariate_scaler_(self) -> CovariateScaler | None:
        """Of their covariates, if there are any."""
        return self._learned("covariate_scaler_").units.covariate_scaler

    @property
    def value_range_(self) -> ValueRange:
        """Where nearly all values lay in training, in the units of windows."""
        return self._learned("value_range_").units.value_range

    @property
    def calibration_(self) -> Calibration | SpreadCalibration:
        """How far intervals must reach; there is none before it is needed first."""
        calibration = self._learned("calibration_").calibration
        if calibration is None:
            raise AttributeError("calibration_")
        return calibration

    def _learned(self, name: str) -> FittedModel:
        """The model; an `AttributeError` before there is one, as of any learned attribute."""
        if "model_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} isn't fitted: it has no {name} yet")
        return self.model_

    def _fitted_model(self, call: str) -> FittedModel:
        """The model on the CPU, in evaluation mode; a user's own trainer may leave it elsewhere."""
        self._check_fitted(call)
        for network in self.model_.networks:
            if network.training or network.device.type != "cpu":
                (self.__dict__.get("_module_") or network).cpu().eval()
        return self.model_

    # --- forecasts

    @with_hints
    @isolated()
    @of_one_moment
    def predict(
        self,
        horizon: int,
        *,
        df: AnyFrame | Files | None = None,
        state: ForecastState | None = None,
        level: float | Sequence[float] | None = None,
        quantiles: float | Sequence[float] | None = None,
        given: AnyFrame | None = None,
        future_df: AnyFrame | Files | None = None,
        until: Until | None = None,
        on_blowup: OnBlowup = "clip",
        out: str | PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> Frame | Dataset:
        """Continue the training series, those of another frame, of a state, or of files.

        Parameters
        ----------
        horizon : int
            H, how many steps to generate; any number of 1 or more.
        df : Series or DataFrame, optional
            Series to continue instead of the training ones, in any layout, with the columns' names
            given to ``fit``; they need not have been seen in ``fit``: a new one gets a scaler of
            its own, fitted to its rows. With ``out``, files of Parquet with a row per id and time:
            the path of a folder or a file, a glob, or a ``pyarrow.dataset.Dataset``.
        state : ForecastState, optional
            From `encode` or `update`; nothing is read then.
        level : float or list of float, optional
            Coverage of intervals in per cent, from 1 to below 100: 80 adds the columns
            ``y-lo-80`` and ``y-hi-80`` to a long frame, a second level of columns to a wide one; a
            Series becomes a frame. The first call trains a second network on all but a tail (see
            `calibrate`).
        quantiles : float or list of float, optional
            Between 0 and 1: 0.1 adds ``y-q-0.1``.
        given : Series or DataFrame, optional
            Values at time stamps of the horizon that are known or assumed, in the layout of the
            input; NaN and what isn't there are unknown. They stand in the forecast as they are
            and are fed to the network instead of its predictions: later steps follow them, while
            steps before them stay what they were. A series whose context is constant goes on as
            that constant whatever is given.
        future_df : DataFrame, optional
            The future covariates at the time stamps of the horizon, which are needed if ``fit``
            had some: a row per id and stamp, or per stamp where all series share them. With
            ``out`` it may be files, too, whose series come in the order of those of ``df``.
        until : callable, optional
            Asked about each generated value, in the series' units: a series' path ends with the
            first one for which it is true. Adds ``y-stopped``, true from that step on; values
            after it are NaN. It may take an array of values or one value.
        on_blowup : {"clip", "raise"}, default "clip"
            What to do about a loop that runs away, leaving far behind whatever was seen in
            training: hold it there with a warning, or raise.
        out : path, optional
            A folder for the forecasts of files, as Parquet. Some whole series are read at a time,
            so that there may be more than fit into memory; where the rows of a series stand apart,
            they are sorted on disk first, which needs ``tsgen[duckdb]``. A part of the folder is
            there whole or not at all: the same call after one that was cut off goes on where that
            stands.
        overwrite : bool, default False
            Whether forecasts in that folder are replaced: those of another call, and those of the
            same call, which begins anew instead of going on.

        Returns
        -------
        Series, DataFrame or pyarrow.dataset.Dataset
            The layout of the input, with the next ``horizon`` time stamps. The point forecast is
            the same with and without levels. With ``out`` the files that were written, series in
            the order of ``df``.

        Raises
        ------
        NotFittedError
            Before ``fit``; with levels, if the model was loaded from a file without calibration.
        TypeError, ValueError
            For a horizon that isn't a whole number of 1 or more, or other arguments of no use.
        FrameError
            With all that is wrong with ``df`` or ``given``; in files, with some series of them.
            Parts that are finished stay.
        FileExistsError
            If the folder ``out`` has forecasts of another call, with what differs, or other files.
        StateError
            If the state is one of other weights.
        DivergenceError
            With ``on_blowup="raise"``.

        Warns
        -----
        ClosedLoopWarning
            If a loop left its limits, with the series and the step.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
        >>> model.predict(11, level=80).columns.tolist()
        ['unique_id', 'ds', 'y', 'y-lo-80', 'y-hi-80']
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     df.to_parquet(f"{folder}/history.parquet")
        ...     files = model.predict(11, df=f"{folder}/history.parquet", out=f"{folder}/ahead")
        ...     files.count_rows()
        11
        """
        shares = {**level_shares(level), **quantile_shares(quantiles)}
        model = self._fitted_model("predict")
        horizon = checked_horizon(horizon)
        _check_loop(until, on_blowup)
        if are_files(df, out):
            refuse_beside_files(state=state, given=given, until=until)
            asked = {"horizon": horizon, "outputs": [*shares], "on_blowup": on_blowup}
            files = FilesToForecast(df, out, overwrite, future_df, self.panel_.columns, asked)
            return forecast_files(
                files,
                self._identity(levels=bool(shares)),
                lambda frame, ahead: self.predict(
                    horizon, df=frame, level=level, quantiles=quantiles, future_df=ahead,
                    on_blowup=on_blowup,
                ),
                shown=self.verbose,
            )  # fmt: skip
        panel, continuation = self._continuation(
            model, self._state_of(model, df, state), horizon, given, future_df, on_blowup
        )
        panel.layout.check_names(["", *([] if until is None else ["-stopped"]), *shares])
        spread = self._spread() if shares else None
        outputs = forecast_outputs(continuation, shares, spread, until)
        return panel.forecast_frame(continuation.horizon, outputs)

    @with_hints
    @isolated()
    @of_one_moment
    def sample(
        self,
        horizon: int,
        *,
        num_samples: int = SAMPLES,
        temperature: float = 1.0,
        random_state: int | None = None,
        block_length: int = 1,
        calibrated: bool = True,
        as_array: bool = False,
        df: AnyFrame | None = None,
        state: ForecastState | None = None,
        given: AnyFrame | None = None,
        future_df: AnyFrame | None = None,
        until: Until | None = None,
        on_blowup: OnBlowup = "clip",
    ) -> pd.DataFrame | FloatArray:
        """Generate sample paths: rollouts with innovations that are fed back.

        Innovations are drawn from the one-step errors of each series' own context, or from those
        of all series where it is short. The draws of a series depend on the seed, its id and the
        step alone, not on its company.

        Parameters
        ----------
        horizon : int
            H.
        num_samples : int, default 200
            S, paths a series.
        temperature : float, default 1.0
            Factor on the innovations; 0 gives the point forecast.
        random_state : int, optional
            By default that of the model.
        block_length : int, default 1
            Consecutive errors drawn together (circular block bootstrap), for errors that hang
            together in time.
        calibrated : bool, default True
            Whether paths are stretched around the forecast so that their quantiles are those of
            ``predict(level=)``; the first call trains a second network (see `calibrate`).
        as_array : bool, default False
            Return an array instead of a frame.
        df, state, given, future_df, until, on_blowup
            As in `predict`; ``until`` ends each path by itself, with NaN after its last value.

        Returns
        -------
        DataFrame or ndarray of shape (N, S, H)
            A long frame with the columns of ids and time stamps, ``sample_id`` from 0, and the
            target, whatever the layout of the input. Series come in the order of the input.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
        >>> paths = model.sample(11, num_samples=50, calibrated=False)
        >>> paths.columns.tolist(), len(paths)
        (['unique_id', 'ds', 'sample_id', 'y'], 550)
        """
        num_samples = whole_number("num_samples", num_samples, "paths a series")
        model = self._fitted_model("sample")
        horizon = checked_horizon(horizon)
        _check_loop(until, on_blowup)
        innovations = Innovations(
            self._pool(model),
            self._seed(random_state),
            number("temperature", temperature, 0.0, 1e6),
            whole_number("block_length", block_length, "errors drawn together"),
        )
        panel, continuation = self._continuation(
            model, self._state_of(model, df, state), horizon, given, future_df, on_blowup
        )
        if not as_array:
            panel.check_table("sample", ["sample_id"], [""])
        spread = Spread(innovations, self._calibration() if calibrated else None)
        paths = sample_paths(continuation, spread, num_samples, until)
        return paths[panel.in_order] if as_array else panel.native(panel.paths_frame(paths))

    @with_hints
    @isolated()
    @of_one_moment
    def backtest(
        self,
        df: AnyFrame,
        horizon: int,
        *,
        n_windows: int = 1,
        step: int | None = None,
        refit: bool | int = False,
        carry: bool = False,
        level: float | Sequence[float] | None = None,
        quantiles: float | Sequence[float] | None = None,
        on_blowup: OnBlowup = "clip",
        short: Short = "error",
    ) -> pd.DataFrame:
        """Forecast from many cutoffs of series whose truth is known, and put it beside them [1]_.

        All series and cutoffs are read and rolled out as one batch. Each forecast is that of
        ``predict`` for the rows up to its cutoff, the last row before it, and nothing after that
        acts on it but what was known ahead: the calendar, and future covariates, which are read
        from ``df`` itself (where one is missing, by the ``fill`` of ``fit``).

        Parameters
        ----------
        df : Series or DataFrame
            Observed rows, in any layout, with the columns' names given to ``fit``. Best they are
            those of ``fit`` and later ones: errors on rows that the model was trained on say
            little of those on new ones.
        horizon : int
            H, steps of each forecast.
        n_windows : int, default 1
            Cutoffs of each series, the last of which leaves just the horizon after it. A series
            without room for all of them has the last ones; one before which there are fewer than
            2 rows isn't made.
        step : int, optional
            Rows between cutoffs; by default the horizon, so that forecasts don't overlap.
        refit : bool or int, default False
            Whether at each cutoff (with a number, at every so many cutoffs) a clone is fitted to
            all rows up to it, which forecasts from there on. Cutoffs are numbered from the last
            one, so that those of one number are all of one time where all series end together.
        carry : bool, default False
            By default each cutoff reads its own context. With ``carry`` a series is read once: up
            to its first cutoff as by `encode`, and from there on as by ``update(carry=True)``,
            with the level and spread that it had at first.
        level, quantiles : float or list of float, optional
            As in `predict`: columns such as ``y_pred-lo-80``, ``y_pred-hi-80``, ``y_pred-q-0.1``.
        on_blowup : {"clip", "raise"}, default "clip"
            As in `predict`.
        short : {"error", "skip"}, default "error"
            What to do about series without room for any cutoff; those that are skipped have no
            rows in the result, and no part in a refit.

        Returns
        -------
        DataFrame
            A row for each series, cutoff and step, whatever the layout of ``df``: the columns of
            ids and time stamps, ``cutoff``, the target (NaN where it is missing) and its forecast,
            ``y_pred``; a pair of them for each of several targets. Series come in the order of
            the input; one without ids has no column of them.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        TypeError, ValueError
            For arguments that can't be used.
        FrameError
            With all that is wrong with ``df``, and for series without room for a cutoff.
        DivergenceError
            With ``on_blowup="raise"``.

        Warns
        -----
        TrainingRowsWarning
            If forecasts are of rows that the model was trained on.
        ClosedLoopWarning
            If a loop left its limits.

        References
        ----------
        .. [1] Tashman: Out-of-sample tests of forecasting accuracy: an analysis and review.
           International Journal of Forecasting 16(4), 2000.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> earlier, _ = tsgen.hold_out(df, 44)
        >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(earlier)
        >>> rows = model.backtest(df, 11, n_windows=4)
        >>> rows.columns.tolist(), len(rows)
        (['unique_id', 'cutoff', 'ds', 'y', 'y_pred'], 44)
        >>> errors = (rows["y"] - rows["y_pred"]).abs().groupby(rows["cutoff"]).mean()
        """
        self._check_fitted("backtest")
        plan = Plan.of(horizon, n_windows, step, refit, short)
        carry = self._carries(carry)
        one_of("on_blowup", on_blowup, _ON_BLOWUP)
        shares = {**level_shares(level), **quantile_shares(quantiles)}

        def forecasts(forecaster: Self, cutoffs: Cutoffs, numbers: range) -> dict[str, Any]:
            model = forecaster._fitted_model("backtest")
            spread = forecaster._spread() if shares else None
            return _joined(
                forecast_outputs(continuation, shares, spread)
                for continuation in continuations(
                    model, cutoffs, numbers, carry=carry, on_blowup=on_blowup
                )
            )

        return backtest(self, df, plan, forecasts, ["", *shares])

    def _points_at(self, cutoffs: Cutoffs, numbers: range) -> dict[str, Any]:
        model = self._fitted_model("fitted")
        return _joined(
            {"": continuation.point().values}
            for continuation in continuations(
                model, cutoffs, numbers, carry=False, on_blowup="clip"
            )
        )

    @with_hints
    @isolated()
    @of_one_moment
    def encode(self, df: AnyFrame) -> ForecastState:
        """Read the last rows of each series of a frame, once for any number of forecasts.

        Parameters
        ----------
        df : Series or DataFrame
            As in `predict`.

        Returns
        -------
        ForecastState
            For ``predict(h, state=)``, ``sample(h, state=)`` and `update`.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("texas_housing")
        >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df)
        >>> state = model.encode(df)
        >>> len(state), len(model.predict(6, state=state))
        (26, 156)
        """
        return self._fitted_model("encode").encode(self._read(df))

    @with_hints
    @isolated()
    @of_one_moment
    def update(self, state: ForecastState, df: AnyFrame, *, carry: bool = False) -> ForecastState:
        """Take in rows that have come since.

        Parameters
        ----------
        state : ForecastState
            It isn't changed.
        df : Series or DataFrame
            New rows of some or all series of the state, from the one after its last.
        carry : bool, default False
            By default the last rows are read anew: the state is that of `encode` on the whole
            history, at the cost of one context, however long that is. With ``carry`` the
            recurrence goes on from where it stands, which costs the new rows alone. The
            normaliser stays what it was at `encode` then: as the series moves away from the level
            and spread it had there, the network reads values that it has seen less and less of
            in training. Encode anew after about one context length of carried rows. Either way
            a series that `fit` hasn't seen keeps the scaler that it got at `encode`.

        Returns
        -------
        ForecastState

        Raises
        ------
        FrameError
            For series that the state doesn't have, rows that it has already, and gaps.
        StateError
            If the state is one of other weights.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df)
        >>> state = model.encode(df.iloc[:-2])
        >>> state = model.update(state, df.iloc[-2:-1], carry=True)
        >>> state
        ForecastState(1 series, the last row at 2007-01-01 00:00:00)
        """
        model = self._fitted_model("update")
        model.check(state)
        longer, new = read_new_rows(df, state.panel, self._calendar)
        return model.update(state, longer, new, carry=self._carries(carry))

    def _carries(self, carry: Any) -> bool:
        """Whether a recurrence is to go on from where it stands."""
        return yes_or_no("carry", carry)

    @isolated()
    @of_one_moment
    def context(self, df: AnyFrame | None = None) -> Context:
        """What the network reads of each series, as tensors, for work on the network itself.

        Parameters
        ----------
        df : Series or DataFrame, optional
            By default the training series.

        Returns
        -------
        Context
            In the sorted order of the ids; see `tsgen.rollout.rollout` for an example.
        """
        model = self._fitted_model("context")
        panel = self.panel_ if df is None else self._read(df)
        _, _, series = model.last_rows(panel)
        return model.context_at(series, series.ends())

    @isolated()
    @of_one_moment
    def stability(
        self, df: AnyFrame | None = None, *, horizon: int = 1000, future_df: AnyFrame | None = None
    ) -> pd.DataFrame:
        """Say what becomes of each closed loop in the long run.

        Parameters
        ----------
        df : Series or DataFrame, optional
            By default the training series.
        horizon : int, default 1000
            Steps to look ahead.
        future_df : DataFrame, optional
            As in `predict`, for all of these steps.

        Returns
        -------
        DataFrame
            A row per series: ``lyapunov``, the largest finite-time Lyapunov exponent per step
            (above 0 small errors grow, below 0 they fade; of several members, their median);
            ``flat_from``, the step from which the
            path no longer moves; ``leaves_range_at``, the first step outside of the range of
            values in training. Steps count from 1; missing where it doesn't happen.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
        >>> model.stability(horizon=200).columns.tolist()
        ['unique_id', 'lyapunov', 'flat_from', 'leaves_range_at']
        """
        model = self._fitted_model("stability")
        horizon = checked_horizon(horizon)
        state = self._start(model) if df is None else model.encode(self._read(df))
        columns = state.panel.columns
        made = [
            "lyapunov",
            "flat_from",
            "leaves_range_at",
            *(["channel"] if columns.others else []),
        ]
        own = [(name, "a column that stability makes") for name in made]
        check_names("stability", [(columns.id, "the ids"), *own])
        season = self.settings_.season_length
        covariates = self._covariates_ahead(model, state, horizon, future_df)
        if covariates is not None:
            covariates = covariates[:, :horizon]
        found = measure_stability(model, state.encoding, horizon, season, covariates)
        order = state.panel.in_order
        measures = {
            "lyapunov": found.exponents[order],
            "flat_from": _steps_or_missing(found.flat_from[order]),
            "leaves_range_at": _steps_or_missing(found.leaves_range_at[order]),
        }
        return state.panel.native(pd.DataFrame({**state.panel.labels(), **measures}))

    @isolated()
    @of_one_moment
    def explain(
        self,
        df: AnyFrame | None = None,
        *,
        horizon: int | None = None,
        n_windows: int = 256,
        n_repeats: int = 5,
        random_state: int | None = None,
    ) -> pd.DataFrame:
        """Say what forecasts go by: how much worse the closed loop gets without each input.

        Permutation importance [1]_: for windows drawn from the series, an input's values are
        exchanged between windows, in the context as in each step of the rollout, and the mean
        absolute error is compared with that of the windows as they are. Rows that the model was
        trained on show what it goes by; rows that it hasn't seen, whether that helps. Inputs that
        say the same can stand in for each other, and each of them then seems to matter little.

        Parameters
        ----------
        df : Series or DataFrame, optional
            By default the training series, which a loaded model doesn't have.
        horizon : int, optional
            H; by default the one that the model was trained for.
        n_windows : int, default 256
        n_repeats : int, default 5
            Exchanges of each input.
        random_state : int, optional
            By default that of the model.

        Returns
        -------
        DataFrame
            ``input``, each lag and covariate; ``importance``, by how much the error grows without
            it as a share of what it is with it (0.5 is half as much again); ``spread``, the
            standard deviation of that over the exchanges. The most important comes first.

        References
        ----------
        .. [1] Fisher, Rudin, Dominici: All Models are Wrong, but Many are Useful. JMLR 20, 2019.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
        >>> model.explain(df).columns.tolist()
        ['input', 'importance', 'spread']
        """
        model = self._fitted_model("explain")
        panel = self._history("explain") if df is None else self._read(df)
        horizon = model.train_horizon if horizon is None else checked_horizon(horizon)
        n_windows = whole_number("n_windows", n_windows, "windows to exchange", lowest=2)
        seed = self._seed(random_state)
        found = permutation_importance(
            model,
            model.windows_of(panel, horizon, n_windows, seed),
            input_groups(model, panel),
            repeats=whole_number("n_repeats", n_repeats, "exchanges of each input"),
            seed=seed,
        )
        return panel.native(importance_table(found))

    @with_hints
    @of_one_moment
    def report(
        self,
        df: AnyFrame,
        path: str | PathLike[str] = "report.html",
        *,
        horizon: int | None = None,
        future_df: AnyFrame | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write one page of HTML on how good forecasts are, and what comes, for who decides by it.

        What was read; a backtest beside naive forecasts, by step and by series; forecasts with
        intervals of the best, the median and the worst series; odd rows; what the model goes by,
        whether its loops are stable, its settings, and versions. What can't be found out is left
        out with the reason.

        Where the model was trained on the rows of the backtest, a network of the same settings is
        fitted to those before the first cutoff, which takes about as long as ``fit`` did. Levels
        are calibrated if they aren't yet (see `calibrate`).

        Parameters
        ----------
        df : Series or DataFrame
            Its series, in any layout, with the columns' names given to ``fit``.
        path : path, default "report.html"
            The page stands by itself: no script, and nothing that is fetched from elsewhere.
        horizon : int, optional
            H; by default one season, but 6 steps at least.
        future_df : DataFrame, optional
            The future covariates at the time stamps of the horizon; without them a model that has
            some is backtested, but nothing is forecast.
        overwrite : bool, default False
            Whether a file that exists is replaced.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            With all that is wrong with ``df``.
        FileExistsError
            If there is a file and ``overwrite`` isn't given; nothing is computed then.

        Examples
        --------
        >>> import tempfile, tsgen
        >>> df = tsgen.load_dataset("sunspots")
        >>> model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(df)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.report(df, f"{folder}/report.html").name
        'report.html'
        """
        from tsgen.reporting import write_report

        return write_report(
            self, df, path, horizon=horizon, future_df=future_df, overwrite=overwrite
        )

    @isolated()
    @of_one_moment
    def calibrate(
        self, df: AnyFrame | None = None, *, refit: bool | Literal["auto"] = "auto"
    ) -> Self:
        """Measure how far intervals must reach, on the last rows of each series.

        ``predict(level=)`` and ``sample`` call this when they are first used; call it yourself
        before ``save``, so that a loaded model has levels.

        A model that began with weights that knew series already needs no second fit: it predicts
        the spread of its own errors from how far a surprise moves the loop, and how many times
        that spread the errors are, is counted on the last rows, forecast by the weights as they
        were before they had seen them. Levels then need no sample paths.

        Otherwise, and with ``refit=True``, a network of the same settings, one
        member of an ensemble, is trained on all but the last rows of each series (three training
        horizons where there is room) and forecasts these rows by paths, which takes some seconds
        more. Its closed-loop errors on the tail are the scores
        of a split conformal calibration: one factor for each step and level, pooled over all
        series in the normaliser's units, and carried forward for steps beyond the tail.

        Parameters
        ----------
        df : Series or DataFrame, optional
            Rows to calibrate on; by default those of ``fit``, which a loaded model doesn't have.
        refit : bool or "auto"
            Whether to train a second network on all but these rows. Without it, the errors of a
            model that began with random weights are those of rows it has learned from: its
            intervals are too narrow.

        Returns
        -------
        self
        """
        model = self._fitted_model("calibrate")
        panel = self._history("calibrate") if df is None else self._read(df)
        if is_auto(refit):
            refit = not self._began_with_pretrained
        calibration: Calibration | SpreadCalibration
        if yes_or_no("refit", refit, accepted="True, False or 'auto'"):
            calibration = calibrated_on_tail(self._recipe, panel)
        else:
            calibration = calibrated_by_spread(self._recipe, model, panel)
        self.model_ = replace(model, calibration=calibration)
        return self

    @property
    def _began_with_pretrained(self) -> bool:
        """Whether training began with weights that knew series, but none of these."""
        return self.settings_.init not in ("random", "fitted")

    @isolated()
    @of_one_moment
    def export_onnx(
        self,
        path: str | PathLike[str],
        *,
        level: float | Sequence[float] | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the fitted model to a file from which ONNX Runtime forecasts, without torch.

        Under DDP rank zero alone writes it.

        The graph does what `predict` does of the point forecast: bounds and scaling, reading a
        context over its holes, the closed loop to any horizon, the median of members. Its inputs,
        with B series (or systems of C channels) at once:

        ``context`` : float64 of shape (B, rows, C)
            The last rows of each, in the units of the data. ``rows_read`` of them count; those
            before the start of a shorter series are NaN, and a NaN after it is a hole, which the
            model fills as under ``fill="mask"``.
        ``horizon`` : int64, a single number
            H.
        ``covariates`` : float64 of shape (B, rows + H, columns), if there are any
            Of the rows of the context and of the horizon, a cycle of ``calendar=`` included. What
            isn't known is NaN, as past covariates are in the horizon; categories are numbered from
            1, and 0 is any other one.
        ``static`` : float64 of shape (B, columns), if there are any
        ``series`` : int64 of shape (B,), if what was learned of single series counts
            The number of each in the list of ``series``, from 0; -1 for one not seen in ``fit``,
            whose scaler is fitted to all rows of its context.

        The output ``forecast``, float64 of shape (B, H, channels), is in the units of the data;
        with ``level=80`` there are ``forecast-lo-80`` and ``forecast-hi-80``, too.
        ``session.get_modelmeta().custom_metadata_map["tsgen"]`` is JSON with the names, in their
        order, of channels, covariates, categories and series, ``rows_read`` and ``freq``.

        A loop that runs away is held at its limits without a warning. A value outside of the bounds
        of ``target_transform`` makes its forecast NaN, and so does, with ``window_norm``, a context
        of which no value is known.

        Parameters
        ----------
        path : path
            Such as ``"model.onnx"``. The file appears there whole or not at all.
        level : float or list of float, optional
            Coverage of intervals in per cent, as in `predict`, for models that need no sample
            paths for them: those that began with pretrained weights. It takes a second closed loop
            (one for each channel).
        overwrite : bool, default False
            Whether a file that exists is replaced.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        SettingError
            For an `EncoderDecoderForecaster`, and for transformers of scikit-learn as ``scaler``
            or ``covariate_scaler``, which a graph doesn't have; with ``level=`` for a model whose
            intervals come of sample paths.
        FileExistsError
            If the file exists and ``overwrite`` is false.
        MissingExtraError
            Without the package onnx: ``pip install 'tsgen[onnx]'``.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import onnxruntime
        >>> import tsgen
        >>> df = tsgen.load_dataset("air_passengers")
        >>> model = tsgen.LSTMForecaster(preset="zero_shot").fit(df)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export_onnx(f"{folder}/model.onnx")
        ...     session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
        >>> context = df["y"].to_numpy(np.float64)[None, :, None]
        >>> inputs = {"context": context, "horizon": np.array(12)}
        >>> (forecast,) = session.run(["forecast"], inputs)
        >>> bool(np.allclose(forecast[0, :, 0], model.predict(12)["y"], rtol=1e-5))
        True
        """
        model = self._fitted_model("export_onnx")
        shares = level_shares(level)
        if shares and self._began_with_pretrained:
            self._calibration()
            model = self.model_
        if training.is_rank_zero():  # under DDP every process comes here
            write_onnx(model, self.panel_, path, shares=shares, overwrite=overwrite)

    def _start(self, model: FittedModel) -> ForecastState:
        """The state after the training series, read anew if the weights have changed since."""
        state: ForecastState | None = getattr(self, "state_", None)
        if state is None or state.weights != model.weights:
            state = self.state_ = model.encode(self.panel_)
        return state

    def _state_of(self, model: FittedModel, df: Any, state: ForecastState | None) -> ForecastState:
        """Where forecasts start: after a frame, from a state, or after the training series."""
        if df is not None and state is not None:
            raise SettingError("df= and state= both say where to start: pass one of them")
        if df is not None:
            return model.encode(self._read(df))
        if state is None:
            return self._start(model)
        model.check(state)
        return state

    def _continuation(
        self,
        model: FittedModel,
        state: ForecastState,
        horizon: int,
        given: AnyFrame | None,
        future_df: Any,
        on_blowup: OnBlowup,
    ) -> tuple[Panel, Continuation]:
        """The series of a forecast, and what it starts from and is held to."""
        known = None if given is None else read_given(given, state.panel, horizon)
        covariates = self._covariates_ahead(model, state, horizon, future_df)
        return state.panel, Continuation(
            model, state.origins, horizon, known, on_blowup, covariates
        )

    def _covariates_ahead(
        self, model: FittedModel, state: ForecastState, horizon: int, future_df: AnyFrame | None
    ) -> torch.Tensor | None:
        """What is known of all steps after each system's last row."""
        scaler = model.units.covariate_scaler
        if scaler is None and future_df is None and self.calendar is None:
            return None
        future = read_future(future_df, state.panel, horizon, self._calendar)
        if future is None or scaler is None:
            return None
        return scaler.ahead(state.panel, future).to(model.network.dtype)

    def _seed(self, random_state: int | None) -> int:
        """That of a call, or else the model's."""
        if random_state is None:
            return self.settings_.random_state
        return seed_number("random_state", random_state)

    def _pool(self, model: FittedModel) -> torch.Tensor:
        """One-step errors of the training series, for series that have few of their own."""
        encoding = self._start(model).encoding
        return Innovations.pooled(encoding.errors)

    def _identity(self, *, levels: bool) -> str:
        """What tells it from others that forecast something else, with levels or without."""
        if levels:
            self._calibration()  # made before it is told from other models
        return model_hash(self, levels=levels)

    def _spread(self) -> Spread:
        """What levels and quantiles are made of."""
        calibration, pool = self._calibration(), self._pool(self.model_)
        return Spread(Innovations(pool, self.settings_.random_state), calibration)

    def _calibration(self) -> Calibration | SpreadCalibration:
        with _CALIBRATING:  # whoever comes second finds what the first one has made
            if self.model_.calibration is None:
                self.calibrate()
            return self.calibration_

    def _history(self, call: str) -> Panel:
        if not hasattr(self, "history_"):
            if call == "calibrate":
                raise NotFittedError(
                    "levels need a calibration, and this model was saved or sent here without "
                    "one: call model.calibrate(df) with the training rows, or before the next "
                    "model.save(path)"
                )
            raise NotFittedError(
                f"the training rows aren't saved or sent with a model: call model.{call}(df) with "
                "them"
            )
        return self.history_

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: all but the training rows and what trained the networks."""
        state = dict(super().__getstate__())
        for name in ("history_", "_module_"):
            state.pop(name, None)
        return state

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy shares the training rows, which are never written to."""
        copied = memo[id(self)] = type(self).__new__(type(self))
        history = self.__dict__.get("history_")
        memo[id(history)] = history
        copied.__dict__ = deepcopy(self.__dict__, memo)
        return copied


def _check_loop(until: Any, on_blowup: Any) -> None:
    """Refuse what a loop can't be told."""
    one_of("on_blowup", on_blowup, _ON_BLOWUP)
    if until is not None and not callable(until):
        raise TypeError(f"until={written(until)}: expected a function of a value")


def _joined(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Outputs by name, one part after the other."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _steps_or_missing(steps: IntArray) -> pd.Series:
    return pd.Series(steps, dtype="Int64").replace(0, pd.NA)
