"""Forecasts from states: what a fitted recurrent model can be asked, however it was trained."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen._typing import FloatArray, IntArray
from tsgen._validation import checked_horizon, number, one_of, seed_number, whole_number, yes_or_no
from tsgen.data import Frame, Panel, Short, check_names, read_future, read_given, read_new_rows
from tsgen.errors import SettingError
from tsgen.evaluation import Cutoffs, Plan, backtest
from tsgen.forecasters.base import Forecaster, with_hints
from tsgen.forecasters.settings import Settings
from tsgen.inference import (
    Calibration,
    ClosedLoop,
    Context,
    Continuation,
    ForecastState,
    Innovations,
    OnBlowup,
    Until,
    continuations,
    input_groups,
    level_shares,
    measure_stability,
    permutation_importance,
    quantile_shares,
    scaled,
)
from tsgen.preprocessing import PanelScaler

__all__ = ["StatefulForecaster"]

_ON_BLOWUP = ("clip", "raise")
_SAMPLES = 200
"""Paths behind the levels and quantiles of ``predict``."""
_FEWEST_SAMPLES = 100
"""Paths that are rolled out to be calibrated, however few are asked for."""
_CALIBRATING = threading.RLock()
"""Held while a model is calibrated unasked: one for all, since a model is copied and pickled."""


def _nobody_is_calibrating() -> None:
    """A forked process has the lock as it stood, but not the thread that would release it."""
    global _CALIBRATING
    _CALIBRATING = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_nobody_is_calibrating)


class StatefulForecaster(Forecaster):
    """A forecaster whose model is a `ClosedLoop`; a subclass trains and calibrates it."""

    settings_: Settings
    state_: ForecastState
    scaler_: PanelScaler
    calibration_: Calibration

    @abstractmethod
    def _closed_loop(self) -> ClosedLoop:
        """The fitted model."""

    @abstractmethod
    def _history(self, call: str) -> Panel:
        """All training rows, or a `NotFittedError` that says what to give instead."""

    @abstractmethod
    def calibrate(self, df: Frame | None = None) -> Self:
        """Measure how far intervals must reach, and keep it in ``calibration_``."""

    @with_hints
    @isolated()
    def predict(
        self,
        horizon: int,
        *,
        df: Frame | None = None,
        state: ForecastState | None = None,
        level: float | Sequence[float] | None = None,
        quantiles: float | Sequence[float] | None = None,
        given: Frame | None = None,
        future_df: Frame | None = None,
        until: Until | None = None,
        on_blowup: OnBlowup = "clip",
    ) -> Frame:
        """Continue the training series, those of another frame, or those of a state.

        Parameters
        ----------
        horizon : int
            H, how many steps to generate; any number of 1 or more.
        df : Series or DataFrame, optional
            Series to continue instead of the training ones, in any layout, with the columns' names
            given to ``fit``; they need not have been seen in ``fit``: a new one gets a scaler of
            its own, fitted to its rows.
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
            had some: a row per id and stamp, or per stamp where all series share them.
        until : callable, optional
            Asked about each generated value, in the series' units: a series' path ends with the
            first one for which it is true. Adds ``y-stopped``, true from that step on; values
            after it are NaN. It may take an array of values or one value.
        on_blowup : {"clip", "raise"}, default "clip"
            What to do about a loop that runs away, leaving far behind whatever was seen in
            training: hold it there with a warning, or raise.

        Returns
        -------
        Series or DataFrame
            The layout of the input, with the next ``horizon`` time stamps. The point forecast is
            the same with and without levels.

        Raises
        ------
        NotFittedError
            Before ``fit``; with levels, if the model was loaded from a file without calibration.
        TypeError, ValueError
            For a horizon that isn't a whole number of 1 or more, or other arguments of no use.
        FrameError
            With all that is wrong with ``df`` or ``given``.
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
        """
        shares = {**level_shares(level), **quantile_shares(quantiles)}
        _check_until(until)
        panel, continuation = self._continuation(
            "predict", horizon, df, state, given, future_df, on_blowup
        )
        panel.layout.check_names(["", *([] if until is None else ["-stopped"]), *shares])
        outputs = self._outputs(continuation, shares, until)
        return panel.forecast_frame(continuation.horizon, outputs)

    @with_hints
    @isolated()
    def sample(
        self,
        horizon: int,
        *,
        num_samples: int = _SAMPLES,
        temperature: float = 1.0,
        random_state: int | None = None,
        block_length: int = 1,
        calibrated: bool = True,
        as_array: bool = False,
        df: Frame | None = None,
        state: ForecastState | None = None,
        given: Frame | None = None,
        future_df: Frame | None = None,
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
        innovations = Innovations(
            self._pool("sample"),
            self.settings_.random_state
            if random_state is None
            else seed_number("random_state", random_state),
            number("temperature", temperature, 0.0, 1e6),
            whole_number("block_length", block_length, "errors drawn together"),
        )
        _check_until(until)
        panel, continuation = self._continuation(
            "sample", horizon, df, state, given, future_df, on_blowup
        )
        if not as_array:
            panel.check_table("sample", ["sample_id"], [""])
        calibration = self._calibration() if calibrated else None
        # Few paths say little of their own spread, by which they are calibrated.
        rolled = max(num_samples, _FEWEST_SAMPLES) if calibrated else num_samples
        paths = np.empty((len(panel), num_samples, continuation.horizon))
        for series, values in continuation.paths(innovations, rolled, calibration, until):
            paths[series] = self._as_counted(values[:, :num_samples])
        return paths[panel.in_order] if as_array else panel.paths_frame(paths)

    @with_hints
    @isolated()
    def backtest(
        self,
        df: Frame,
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
        carry = yes_or_no("carry", carry)
        one_of("on_blowup", on_blowup, _ON_BLOWUP)
        shares = {**level_shares(level), **quantile_shares(quantiles)}

        def forecast(model: Self, cutoffs: Cutoffs, numbers: range) -> dict[str, Any]:
            parts = [
                model._outputs(continuation, shares)
                for continuation in continuations(
                    model._closed_loop(), cutoffs, numbers, carry=carry, on_blowup=on_blowup
                )
            ]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

        return backtest(self, df, plan, forecast, ["", *shares])

    @with_hints
    @isolated()
    def encode(self, df: Frame) -> ForecastState:
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
        self._check_fitted("encode")
        return self._closed_loop().encode(self._read(df))

    @with_hints
    @isolated()
    def update(self, state: ForecastState, df: Frame, *, carry: bool = False) -> ForecastState:
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
        self._check_fitted("update")
        loop = self._closed_loop()
        loop.check(state)
        longer, new = read_new_rows(df, state.panel, self._calendar)
        return loop.update(state, longer, new, carry=carry)

    @isolated()
    def context(self, df: Frame | None = None) -> Context:
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
        self._check_fitted("context")
        loop = self._closed_loop()
        panel = self.panel_ if df is None else self._read(df).tail(loop.rows_read)
        scalers = loop.scaler.for_series(panel.ids, panel.values, panel.offsets)
        series = scaled(panel, scalers, loop.covariate_scaler)
        return loop.context_at(series, series.ends())

    @isolated()
    def stability(
        self, df: Frame | None = None, *, horizon: int = 1000, future_df: Frame | None = None
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
        self._check_fitted("stability")
        horizon = checked_horizon(horizon)
        loop = self._closed_loop()
        state = self._start(loop) if df is None else loop.encode(self._read(df))
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
        covariates = self._covariates_ahead(loop, state, horizon, future_df)
        if covariates is not None:
            covariates = covariates[:, :horizon]
        found = measure_stability(loop, state.encoding, horizon, season, covariates)
        order = state.panel.in_order
        measures = {
            "lyapunov": found.exponents[order],
            "flat_from": _steps_or_missing(found.flat_from[order]),
            "leaves_range_at": _steps_or_missing(found.leaves_range_at[order]),
        }
        return pd.DataFrame({**state.panel.labels(), **measures})

    @isolated()
    def explain(
        self,
        df: Frame | None = None,
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
        self._check_fitted("explain")
        loop = self._closed_loop()
        panel = self._history("explain") if df is None else self._read(df)
        scalers = loop.scaler.for_series(panel.ids, panel.values, panel.offsets)
        found = permutation_importance(
            loop,
            scaled(panel, scalers, loop.covariate_scaler),
            input_groups(loop, panel),
            horizon=loop.train_horizon if horizon is None else checked_horizon(horizon),
            windows=whole_number("n_windows", n_windows, "windows to exchange", lowest=2),
            repeats=whole_number("n_repeats", n_repeats, "exchanges of each input"),
            seed=self.settings_.random_state
            if random_state is None
            else seed_number("random_state", random_state),
        )
        frame = pd.DataFrame(found).rename(columns={"name": "input", "increase": "importance"})
        return frame.sort_values("importance", ascending=False, ignore_index=True)

    def _start(self, loop: ClosedLoop | None = None) -> ForecastState:
        """The state after the training series, read anew if the weights have changed since."""
        loop = loop or self._closed_loop()
        state: ForecastState | None = getattr(self, "state_", None)
        if state is None or state.weights != loop.weights:
            state = self.state_ = loop.encode(self.panel_)
        return state

    def _continuation(
        self,
        call: str,
        horizon: int,
        df: Frame | None,
        state: ForecastState | None,
        given: Frame | None,
        future_df: Frame | None,
        on_blowup: OnBlowup,
    ) -> tuple[Panel, Continuation]:
        """The series of a forecast, and what it starts from and is held to."""
        self._check_fitted(call)
        horizon = checked_horizon(horizon)
        one_of("on_blowup", on_blowup, _ON_BLOWUP)
        if df is not None and state is not None:
            raise SettingError("df= and state= both say where to start: pass one of them")
        loop = self._closed_loop()
        if df is not None:
            state = loop.encode(self._read(df))
        elif state is None:
            state = self._start(loop)
        else:
            loop.check(state)
        known = None if given is None else read_given(given, state.panel, horizon)
        covariates = self._covariates_ahead(loop, state, horizon, future_df)
        return state.panel, Continuation(loop, state.start, horizon, known, on_blowup, covariates)

    def _outputs(
        self, continuation: Continuation, shares: Mapping[str, float], until: Until | None = None
    ) -> dict[str, Any]:
        """The forecast, and quantiles of the paths around it, by suffix of the column's name."""
        point = continuation.point(until)
        outputs: dict[str, Any] = {"": point.values}
        if until is not None:
            outputs["-stopped"] = point.stopped
        if shares:
            bands = self._quantiles(continuation, list(shares.values()))
            bands[:, np.isnan(point.values)] = np.nan
            outputs |= dict(zip(shares, bands, strict=True))
        return outputs

    def _covariates_ahead(
        self, loop: ClosedLoop, state: ForecastState, horizon: int, future_df: Frame | None
    ) -> torch.Tensor | None:
        """What is known of all steps after each system's last row."""
        future = read_future(future_df, state.panel, horizon, self._calendar)
        if future is None or loop.covariate_scaler is None:
            return None
        return loop.covariate_scaler.ahead(state.panel, future).to(loop.network.dtype)

    def _as_counted(self, paths: FloatArray) -> FloatArray:
        """Whole numbers where the target is counted."""
        return np.rint(paths) if self.scaler_.counts else paths

    def _pool(self, call: str) -> torch.Tensor:
        """One-step errors of the training series, for series that have few of their own."""
        self._check_fitted(call)
        encoding = self._start().encoding
        return Innovations.pooled(encoding.residuals, encoding.channels)

    def _calibration(self) -> Calibration:
        with _CALIBRATING:  # whoever comes second finds what the first one has made
            if not hasattr(self, "calibration_"):
                self.calibrate()
            return self.calibration_

    def _quantiles(self, continuation: Continuation, shares: Sequence[float]) -> FloatArray:
        """Quantiles of the sample paths, (Q, N, H)."""
        calibration = self._calibration()
        innovations = Innovations(self._pool("predict"), self.settings_.random_state)
        bands = np.concatenate(
            [
                np.quantile(paths, shares, axis=1)
                for _, paths in continuation.paths(innovations, _SAMPLES, calibration)
            ],
            axis=1,
        )
        if self.scaler_.counts:
            # Outward, so that an interval of whole numbers covers no less.
            below = np.array(shares)[:, None, None] < 0.5
            bands = np.where(below, np.floor(bands), np.ceil(bands))
        return bands


def _check_until(until: Any) -> None:
    if until is not None and not callable(until):
        raise TypeError(f"until={written(until)}: expected a function of a value")


def _steps_or_missing(steps: IntArray) -> pd.Series:
    return pd.Series(steps, dtype="Int64").replace(0, pd.NA)
