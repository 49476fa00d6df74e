"""What the recurrent forecasters share: orchestration alone, each step of the work has a module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from os import PathLike
from typing import Any, Literal, NamedTuple, Self

import pandas as pd
import torch

from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen._validation import one_of, yes_or_no
from tsgen.data import (
    CalendarPart,
    Columns,
    Fill,
    Frame,
    FrameSpec,
    Panel,
    Short,
    calendar_parts,
    check_fill,
    read_panel,
)
from tsgen.errors import NotFittedError, SettingError, TrainingInterrupted, warn_user
from tsgen.forecasters.base import with_hints
from tsgen.forecasters.saving import load_model, save_model, warn_unless_savable
from tsgen.forecasters.settings import Settings, choose_settings
from tsgen.forecasters.snapshot import Snapshot, check_weights
from tsgen.forecasters.stateful import StatefulForecaster
from tsgen.inference import ClosedLoop, calibrate_on_tail, checksum, scaled, tail_length
from tsgen.nn import Cell
from tsgen.preprocessing import (
    CovariateScaler,
    PanelScaler,
    ValueRange,
    WindowShape,
    fit_covariate_scaler,
    fit_scaler,
    read_link,
)
from tsgen.training import (
    ForecastModule,
    Loss,
    Losses,
    Schedule,
    TrainingReport,
    TrainingStrategy,
    WindowDataModule,
    exposure,
    is_rank_zero,
    train,
)

__all__ = ["RecurrentForecaster"]

_VALIDATE_EVERY = 50
_WINDOWS_REPORTED = 256


class Assembly(NamedTuple):
    """A network, its training data, and what brings frames to its units."""

    module: ForecastModule
    data: WindowDataModule
    scaler: PanelScaler
    covariate_scaler: CovariateScaler | None


class RecurrentForecaster(StatefulForecaster):
    """Shared by `LSTMForecaster` and `GRUForecaster`, which differ in the cell alone."""

    _cell: Cell
    module_: ForecastModule
    scaler_: PanelScaler
    covariate_scaler_: CovariateScaler | None
    value_range_: ValueRange
    report_: TrainingReport
    """Of the last ``fit``; a loaded model has none."""
    history_: Panel
    """The training series, for a calibration later on; a loaded model doesn't have them."""
    first_weights_: int | None = None
    """A checksum of the weights before training, until there are others."""

    @with_hints
    def __init__(
        self,
        *,
        context_length: int | Literal["auto"] = "auto",
        lags: Sequence[int] | int | Literal["auto"] | None = "auto",
        hidden_size: int | Literal["auto"] = "auto",
        num_layers: int = 1,
        dropout: float | Literal["auto"] = "auto",
        residual: Literal["auto", "last", "seasonal"] | None = "auto",
        season_length: int | Literal["auto"] = "auto",
        calendar: CalendarPart | Sequence[CalendarPart] | None = None,
        multivariate: bool = False,
        scaler: Any = "standard",
        scaler_scope: Literal["series", "panel"] = "series",
        covariate_scaler: Any = "standard",
        target_transform: str | tuple[str, float, float] | None = None,
        window_norm: bool | Literal["auto"] = "auto",
        loss: Loss | Literal["auto"] = "auto",
        training_strategy: TrainingStrategy | str = "auto",
        max_steps: int | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: float | Literal["auto"] = "auto",
        weight_decay: float = 1e-4,
        gradient_clip_val: float | None = 1.0,
        val_size: int | Literal["auto"] | None = "auto",
        patience: int | None = None,
        weight_averaging: float | None = None,
        n_models: int | Literal["auto"] = "auto",
        preset: Literal["fast", "balanced", "accurate"] = "balanced",
        random_state: int | None = 0,
        trainer_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        self.context_length = context_length
        self.lags = lags
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.residual = residual
        self.season_length = season_length
        self.calendar = calendar
        self.multivariate = multivariate
        self.scaler = scaler
        self.scaler_scope = scaler_scope
        self.covariate_scaler = covariate_scaler
        self.target_transform = target_transform
        self.window_norm = window_norm
        self.loss = loss
        self.training_strategy = training_strategy
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.gradient_clip_val = gradient_clip_val
        self.val_size = val_size
        self.patience = patience
        self.weight_averaging = weight_averaging
        self.n_models = n_models
        self.preset = preset
        self.random_state = random_state
        self.trainer_kwargs = trainer_kwargs
        self.verbose = verbose

    @isolated()
    def prepare(
        self,
        df: Frame,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        freq: Any = None,
        future_covariates: str | Sequence[str] = (),
        past_covariates: str | Sequence[str] = (),
        static_covariates: str | Sequence[str] | pd.DataFrame = (),
        roll_past: bool = False,
        fill: Fill | None = None,
        short: Short = "error",
    ) -> tuple[ForecastModule, WindowDataModule]:
        """Do all of ``fit`` but the training, for a ``Trainer`` of your own.

        Parameters
        ----------
        df, id_col, time_col, target_col, freq, future_covariates, past_covariates, \
        static_covariates, roll_past, fill, short
            As in ``fit``.

        Returns
        -------
        module : ForecastModule
            Its weights are this forecaster's: once it is trained, ``predict`` works.
        data : WindowDataModule

        Examples
        --------
        >>> import pytorch_lightning as pl
        >>> import tsgen
        >>> model = tsgen.LSTMForecaster()
        >>> module, data = model.prepare(tsgen.load_dataset("sunspots"))
        >>> trainer = pl.Trainer(
        ...     max_steps=10,
        ...     logger=False,
        ...     enable_checkpointing=False,
        ...     enable_progress_bar=False,
        ...     enable_model_summary=False,
        ... )
        >>> trainer.fit(module, data)
        >>> len(model.predict(11))
        11
        """
        names = id_col, time_col, target_col, future_covariates, past_covariates, static_covariates
        spec = self._reading(df, *names, roll_past=roll_past, fill=fill)
        return self._prepare(self._read_history(df, spec, freq, short))

    @with_hints
    @isolated()
    def fit(
        self,
        df: Frame,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        freq: Any = None,
        future_covariates: str | Sequence[str] = (),
        past_covariates: str | Sequence[str] = (),
        static_covariates: str | Sequence[str] | pd.DataFrame = (),
        roll_past: bool = False,
        fill: Fill | None = None,
        short: Short = "error",
        run_dir: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on one or many series; what an earlier ``fit`` learned is forgotten.

        Parameters
        ----------
        df : Series or DataFrame
            A Series, a wide frame (time as the index, a column per series), a long frame (a row
            per id and time) or rows under a MultiIndex (id, time). It isn't changed.
        id_col, time_col, target_col : str
            The columns of a long frame; one without the id column, or with ``id_col=None``, is
            one series. A list of targets are as many series of each id, or with
            ``multivariate=True`` the channels of one system.
        freq : str, int, offset or timedelta, optional
            Such as ``"h"`` or ``"MS"``; found in the data if not given. In a time zone ``"D"`` is
            a day of the calendar, but ``"24h"`` and ``pd.Timedelta(days=1)`` are 24 hours, as in
            pandas. For integer time the step from row to row, also where it looks like dates.
        future_covariates : str or list of str, optional
            Columns whose values are known over the horizon, such as prices or holidays; `predict`
            gets them as ``future_df``. Numbers are scaled; text, bool and category columns are
            embedded, and a category that wasn't in the training rows counts as their mean. In a
            wide frame they belong to all series.
        past_covariates : str or list of str, optional
            Columns that are known up to the cutoff alone; after it the network is told that they
            aren't.
        static_covariates : str, list of str or DataFrame, optional
            What is the same in all rows of a series: columns of a long frame, or a frame indexed
            by id.
        roll_past : bool, default False
            Whether past covariates, numbers then, are forecast along with the target and fed
            back, instead of ending at the cutoff.
        fill : {"mask", "ffill", "interpolate"} or float, optional
            What to do about missing values and rows, which are an error by default. ``"mask"``
            leaves holes out of the loss, and the model's own prediction stands in for what is
            missing, in training and when a context is read; the others fill them, and hold the
            last value at the end of a series of a long frame (an update with later rows doesn't
            change that). What is missing of a number among the covariates
            counts as their mean under ``"mask"``, and is filled the same way otherwise. Leading
            NaN, and trailing NaN of a wide frame, are no holes: such a series is shorter.
        short : {"error", "skip"}, default "error"
            What to do about series too short to learn from.
        run_dir : path, optional
            A folder for checkpoints: the same call after a crash goes on where the last one
            stands, and ends with the weights of a run that was never cut off.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            With all that is wrong with the frame.
        SettingError
            For an argument that can't be used, or a ``run_dir`` of another run.
        DivergenceError
            If the loss is no longer a number; the best weights before that are kept, and
            ``predict`` works with them, unless they are those from before the first step.

        Warns
        -----
        TrainingInterrupted
            After SIGINT or SIGTERM; the best weights so far are kept.
        UserWarning
            If the model couldn't be saved: before the training, with what stands in the way.
        """
        names = id_col, time_col, target_col, future_covariates, past_covariates, static_covariates
        spec = self._reading(df, *names, roll_past=roll_past, fill=fill)
        # Apart, so that who forecasts meanwhile has the model before this one, or this one.
        learner = copy(self)
        try:
            module, data = learner._prepare(learner._read_history(df, spec, freq, short))
            warn_unless_savable(learner)
            interrupted = learner._learn(module, data, run_dir)
        finally:
            self.__dict__ = learner.__dict__
        if interrupted is not None:
            warn_user(f"{interrupted}; the model has the best weights so far", TrainingInterrupted)
        return self

    def _reading(
        self,
        df: Frame,
        id_col: str | None,
        time_col: str,
        target_col: str | Sequence[str],
        future: str | Sequence[str],
        past: str | Sequence[str],
        static: str | Sequence[str] | pd.DataFrame,
        *,
        roll_past: bool,
        fill: Fill | None,
    ) -> FrameSpec:
        """What `fit` was told of the frame."""
        table = static if isinstance(static, pd.DataFrame) else None
        named = list(static.columns) if isinstance(static, pd.DataFrame) else static
        if table is not None and id_col in table.columns:
            raise SettingError(
                f"static_covariates= has a column {written(id_col)}, and is by the ids in its "
                f"index: pass static.set_index({written(id_col)})"
            )
        return FrameSpec(
            Columns.of(id_col, time_col, target_col, future, past, named, frame=df),
            fill=check_fill(fill),
            joint=yes_or_no("multivariate", self.multivariate),
            roll_past=yes_or_no("roll_past", roll_past),
            calendar=self._calendar,
            static=table,
        )

    def _read_history(self, df: Frame, spec: FrameSpec, freq: Any, short: Short) -> Panel:
        panel = read_panel(df, spec, freq=freq, min_rows=self._min_rows, short=short)
        if spec.joint and panel.channels - panel.rolled < 2:
            raise SettingError(
                "multivariate=True needs several channels, and the frame has one: give a wide "
                "frame, or several columns of a long one in target_col=[...]"
            )
        if spec.joint and panel.layout.shares_end and spec.columns.static:
            raise SettingError(
                "static_covariates= are by id, and under multivariate=True a wide frame is one "
                "system: leave them out"
            )
        return replace(panel, static_table=spec.static is not None)

    @property
    def _calendar(self) -> tuple[CalendarPart, ...]:
        return calendar_parts(self.calendar)

    def _fit(self, panel: Panel, run_dir: str | PathLike[str] | None = None) -> str | None:
        module, data = self._prepare(panel)
        return self._learn(module, data, run_dir)

    def _learn(
        self,
        module: ForecastModule,
        data: WindowDataModule,
        run_dir: str | PathLike[str] | None = None,
    ) -> str | None:
        """Train what was prepared; returns what ended it early, if anything did."""
        if run_dir is not None and self.random_state is None:
            raise SettingError(
                "random_state=None draws another seed each time, and what stands in run_dir= can "
                "go on with its own alone: pass a whole number"
            )
        losses = self._train(module, data, self.settings_, self.history_, run_dir=run_dir)
        self.__dict__.pop("first_weights_", None)
        self.report_ = _report(module, data, losses)
        self.state_ = self._closed_loop().encode(self.panel_)
        return losses.interrupted

    def _prepare(self, panel: Panel) -> tuple[ForecastModule, WindowDataModule]:
        settings = choose_settings(self.get_params(deep=False), panel)
        given = {} if self.trainer_kwargs is None else self.trainer_kwargs
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise SettingError(
                f"trainer_kwargs={written(given)}: expected a dict of arguments of "
                "Lightning's Trainer, or None"
            )
        made = self._assemble(panel, settings)
        module, data = made.module, made.data
        self.settings_, self.module_ = settings, module
        self.scaler_, self.covariate_scaler_ = made.scaler, made.covariate_scaler
        self.value_range_ = data.value_range()
        self.history_, self.panel_ = panel, panel.tail(data.shape.before)
        for learned in ("state_", "calibration_", "report_"):
            self.__dict__.pop(learned, None)
        self.first_weights_ = checksum(module.networks)
        return module, data

    def _check_fitted(self, call: str) -> None:
        super()._check_fitted(call)
        if self.first_weights_ is None:
            return
        if checksum(self.module_.networks) == self.first_weights_:
            raise NotFittedError(
                f"this {type(self).__name__} is prepared, but its network has learned nothing yet: "
                f"train it with Trainer.fit(module, data), or call fit(df), before {call}"
            )
        self.__dict__.pop("first_weights_", None)

    def _assemble(self, panel: Panel, settings: Settings) -> Assembly:
        """A network without training, and what it is to be trained on."""
        training = panel.without_tail(settings.val_size) if settings.val_size else panel
        shared = one_of("scaler_scope", self.scaler_scope, ("series", "panel")) == "panel"
        scaler = fit_scaler(
            self.scaler, training.ids, training.values, training.offsets,
            shared=panel.channels if shared else 0,
            link=read_link(self.target_transform),
            linked=(True,) * (panel.channels - panel.rolled) + (False,) * panel.rolled,
        )  # fmt: skip
        covariates = fit_covariate_scaler(self.covariate_scaler, training, shared=shared)
        scalers = scaler.for_series(panel.ids, panel.values, panel.offsets)
        data = WindowDataModule(
            scaled(panel, scalers, covariates),
            WindowShape(max(settings.lags), settings.context_length, settings.rows_after_cutoff),
            batch_size=settings.batch_size * settings.n_models,
            window_norm=settings.window_norm,
            validation_rows=settings.val_size,
            seed=settings.random_state,
        )
        module = self._module(settings, panel.channels, covariates).to_empty(device="cpu")
        module.reset_parameters(torch.Generator().manual_seed(settings.random_state))
        return Assembly(module, data, scaler, covariates)

    def _train(
        self,
        module: ForecastModule,
        data: WindowDataModule,
        settings: Settings,
        panel: Panel,
        *,
        run_dir: str | PathLike[str] | None = None,
        label: str = "fit",
    ) -> Losses:
        ids = panel.ids
        return train(
            module,
            data,
            Schedule(
                max_steps=settings.max_steps,
                gradient_clip_val=settings.gradient_clip_val,
                patience=settings.patience,
                validate_every=min(_VALIDATE_EVERY, settings.max_steps),
                seed=settings.random_state,
                verbose=self.verbose,
                label=label,
                weight_averaging=settings.weight_averaging,
            ),
            trainer_kwargs=self.trainer_kwargs,
            names=lambda positions: [written(ids[int(i)]) for i in positions],
            run_dir=run_dir,
        )

    @isolated()
    def calibrate(self, df: Frame | None = None) -> Self:
        """Measure how far intervals must reach, by a second fit on all but a tail.

        ``predict(level=)`` and ``sample`` call this when they are first used; call it yourself
        before ``save``, so that a loaded model has levels. A network of the same settings, one
        member of an ensemble, is trained on all but the last rows of each series (three training
        horizons where there is room) and forecasts these rows by paths, which takes some seconds
        more. Its closed-loop errors on the tail are the scores
        of a split conformal calibration: one factor for each step and level, pooled over all
        series in the normaliser's units, and carried forward for steps beyond the tail.

        Parameters
        ----------
        df : Series or DataFrame, optional
            Rows to calibrate on; by default those of ``fit``, which a loaded model doesn't have.

        Returns
        -------
        self
        """
        self._check_fitted("calibrate")
        panel = self._history("calibrate") if df is None else self._read(df)
        # One member stands for all: its errors and the spread of its paths are both larger than
        # theirs, and what is learned here is the one by the other.
        settings = replace(self.settings_, val_size=0, patience=None, n_models=1)
        rows = tail_length(panel, settings.train_horizon)
        training = panel.without_tail(rows)
        made = self._assemble(training, settings)
        losses = self._train(made.module, made.data, settings, training, label="calibrate")
        if losses.interrupted is not None:  # half a calibration is none
            raise KeyboardInterrupt(f"calibration: {losses.interrupted}")
        loop = replace(
            self._closed_loop(made.module),
            scaler=made.scaler,
            covariate_scaler=made.covariate_scaler,
            value_range=made.data.value_range(),
        )
        self.calibration_ = calibrate_on_tail(loop, panel, rows, settings.random_state)
        return self

    def _history(self, call: str) -> Panel:
        if not hasattr(self, "history_"):
            if call == "calibrate":
                raise NotFittedError(
                    "levels need a calibration, and this model was saved without one: call "
                    "model.calibrate(df) with the training rows, or before the next "
                    "model.save(path)"
                )
            raise NotFittedError(
                f"the training rows aren't saved with a model: call model.{call}(df) with them"
            )
        return self.history_

    def _closed_loop(self, module: ForecastModule | None = None) -> ClosedLoop:
        """The fitted model, or other weights of the same settings, as a closed loop."""
        settings = self.settings_
        return ClosedLoop(
            networks=_for_forecasts(module or self.module_).networks,
            lags=settings.lags,
            context_length=settings.context_length,
            warmup=settings.warmup,
            window_norm=settings.window_norm,
            scaler=self.scaler_,
            train_horizon=settings.train_horizon,
            value_range=self.value_range_,
            covariate_scaler=self.covariate_scaler_,
        )

    # --- files

    def _module(
        self, settings: Settings, channels: int, covariates: CovariateScaler | None
    ) -> ForecastModule:
        """A module whose weights have no memory yet, and so draw nothing."""
        with torch.device("meta"):
            return ForecastModule(
                lags=settings.lags,
                cell=self._cell,
                hidden_size=settings.hidden_size,
                num_layers=settings.num_layers,
                dropout=settings.dropout,
                residual_lag=settings.residual_lag,
                loss=settings.loss,  # type: ignore[arg-type]
                strategy=settings.training_strategy,
                warmup=settings.warmup,
                season=(settings.residual_lag or 1) if settings.seasonal_unit else 1,
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                channels=channels,
                covariates=0 if covariates is None else covariates.width,
                categories=None if covariates is None else covariates.categories,
                n_models=settings.n_models,
                seed=settings.random_state,
            )

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted model to one file, which holds no pickle; under DDP on rank zero alone.

        Parameters
        ----------
        path : path
            Such as ``"model.tsgen"``. The file appears there whole or not at all.
        overwrite : bool, default False
            Whether a file that exists is replaced.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FileExistsError
            If the file exists and ``overwrite`` is false.
        OSError
            If it can't be written; what was there before is untouched.

        Warns
        -----
        UserWarning
            If arguments of ``trainer_kwargs``, such as callbacks, are left out.

        Examples
        --------
        >>> import tempfile
        >>> import tsgen
        >>> model = tsgen.LSTMForecaster(max_steps=5).fit(tsgen.load_dataset("sunspots"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.tsgen")
        ...     loaded = tsgen.LSTMForecaster.load(f"{folder}/model.tsgen")
        >>> loaded.predict(11).equals(model.predict(11))
        True
        """
        self._check_fitted("save")
        if is_rank_zero():  # under DDP every process comes here
            save_model(self, path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str], *, trusted: Iterable[Any] = ()) -> Self:
        """Read a saved model; nothing in the file is run.

        Parameters
        ----------
        path : path
        trusted : list of str or type
            Types of your own that a transformer given as ``scaler`` is made of. Name those alone
            whose code you trust.

        Returns
        -------
        forecaster
            Fitted: it forecasts what the saved one did, bit by bit.

        Raises
        ------
        ModelFileError
            If the file is truncated, altered, unsafe, newer than this version of tsgen, no model,
            or one of another class; the message says which.
        """
        return load_model(path, [cls], trusted=trusted)

    def _snapshot(self) -> Snapshot:
        super()._check_fitted("save")
        return Snapshot(
            kind=type(self).__name__,
            params=self.get_params(deep=False),
            settings=self.settings_,
            panel=self.panel_,
            scaler=self.scaler_,
            weights=self.module_.state_dict(),
            value_range=self.value_range_,
            calibration=getattr(self, "calibration_", None),
            covariate_scaler=self.covariate_scaler_,
        )

    @classmethod
    @isolated()
    def _restored(cls, snapshot: Snapshot) -> Self:
        model = cls(**snapshot.params)
        settings = snapshot.settings
        if model.random_state is not None:  # which files of before don't have among their settings
            settings = replace(settings, random_state=model.random_state)
        shape = settings, snapshot.panel.channels, snapshot.covariate_scaler
        module = model._module(*shape)
        # Without memory still: a file may declare a network larger than its weights.
        check_weights(snapshot.weights, module.state_dict())
        module.load_state_dict(snapshot.weights, assign=True)
        model.settings_, model.scaler_, model.module_ = settings, snapshot.scaler, module.eval()
        model.panel_, model.value_range_ = snapshot.panel, snapshot.value_range
        model.covariate_scaler_ = snapshot.covariate_scaler
        if snapshot.calibration is not None:
            model.calibration_ = snapshot.calibration
        return model


def _report(module: ForecastModule, data: WindowDataModule, losses: Losses) -> TrainingReport:
    """The report of a training, with errors on rows that were held out, if there are any."""
    batch = data.held_out() if data.validation_rows else data.some_windows(_WINDOWS_REPORTED)
    errors = exposure(module.networks, module.lags, batch)
    where = "held-out rows" if data.validation_rows else "training rows"
    return TrainingReport(losses.table(), errors, where)


def _for_forecasts(module: ForecastModule) -> ForecastModule:
    """The module on the CPU, in evaluation mode; a user's own trainer may leave it elsewhere."""
    if module.training or module.network.device.type != "cpu":
        module.cpu().eval()
    return module
