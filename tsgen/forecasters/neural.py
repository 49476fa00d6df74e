"""How forecasters whose model is a network are fitted, saved and read.

Methods check and read what users give, and leave the work to `tsgen.forecasters.fitting`; what a
fitted one is asked is in `tsgen.forecasters.fitted`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import pandas as pd
from torch import Tensor

from tsgen import training
from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen._validation import (
    yes_or_no,
)
from tsgen.data import (
    AnyFrame,
    CalendarPart,
    Columns,
    Fill,
    FrameSpec,
    Native,
    Panel,
    ParquetSource,
    Short,
    check_fill,
    opened_if_frame,
    read_panel,
    read_stored_panel,
    rows_or_files,
)
from tsgen.errors import NotFittedError, SettingError, TrainingInterrupted, warn_user
from tsgen.forecasters.base import with_hints
from tsgen.forecasters.bulk import (
    Files,
)
from tsgen.forecasters.continuing import (
    Origin,
    WarmStart,
    continued_settings,
    united,
    warm_start_of,
)
from tsgen.forecasters.fitted import FittedForecaster
from tsgen.forecasters.fitting import (
    Recipe,
    prepare,
    report_of,
    train,
)
from tsgen.forecasters.saving import warn_unless_savable
from tsgen.forecasters.settings import Settings, check_is_repeatable, choose_settings
from tsgen.forecasters.snapshot import (
    Snapshot,
    networks_of,
    start_and_rest,
    weights_of,
    weights_of_start,
)
from tsgen.forecasters.summary import FitRecord, count_missing
from tsgen.inference import (
    checksum,
    need,
)
from tsgen.preprocessing import NumericUnits

if TYPE_CHECKING:
    from tsgen.training import (
        ForecastModule,
        Loss,
        TrainingReport,
        TrainingStrategy,
        WindowDataModule,
    )

__all__ = ["NeuralForecaster"]

_OF_A_TRAINING = "state_", "report_", "record_"
"""What is known after a training alone."""


class Roles(NamedTuple):
    """Which columns are what, as ``fit`` is told."""

    id: str | None
    time: str
    target: str | Sequence[str]
    future: str | Sequence[str]
    past: str | Sequence[str]
    static: Any


class NeuralForecaster(FittedForecaster):
    """A forecaster whose model is a `FittedModel`; subclasses say which cell it has."""

    _settings_type: ClassVar[type[Settings]] = Settings
    report_: TrainingReport
    """Of the last ``fit``; a loaded model has none."""
    start_: WarmStart | None = None
    """The fitted model that this one went on from, for later fits beside this one."""
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
        season_length: int | tuple[int, int] | Literal["auto"] = "auto",
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
        preset: Literal["fast", "balanced", "accurate", "fine_tuned", "zero_shot"] = "balanced",
        init: Literal["auto", "random", "pretrained"] | str | PathLike[str] = "auto",
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
        self.init = init
        self.random_state = random_state
        self.trainer_kwargs = trainer_kwargs
        self.verbose = verbose

    @isolated()
    def prepare(
        self,
        df: AnyFrame | Files,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        freq: Any = None,
        future_covariates: str | Sequence[str] = (),
        past_covariates: str | Sequence[str] = (),
        static_covariates: str | Sequence[str] | AnyFrame = (),
        roll_past: bool = False,
        fill: Fill | None = None,
        short: Short = "error",
        init: NeuralForecaster | None = None,
        store: str | PathLike[str] | None = None,
    ) -> tuple[ForecastModule, WindowDataModule]:
        """Do all of ``fit`` but the training, for a ``Trainer`` of your own.

        Parameters
        ----------
        df, id_col, time_col, target_col, freq, future_covariates, past_covariates, \
        static_covariates, roll_past, fill, short, init, store
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
        roles = Roles(
            id_col, time_col, target_col, future_covariates, past_covariates, static_covariates
        )
        given = rows_or_files(df, store)
        spec = self._spec(given, roles, roll_past=roll_past, fill=fill)
        start = self._start_from(init)
        return self._prepare(self._read_history(given, spec, freq, short, store), start)

    @with_hints
    @isolated()
    def fit(
        self,
        df: AnyFrame | Files,
        *,
        id_col: str | None = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        freq: Any = None,
        future_covariates: str | Sequence[str] = (),
        past_covariates: str | Sequence[str] = (),
        static_covariates: str | Sequence[str] | AnyFrame = (),
        roll_past: bool = False,
        fill: Fill | None = None,
        short: Short = "error",
        init: NeuralForecaster | None = None,
        run_dir: str | PathLike[str] | None = None,
        store: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on one or many series; what an earlier ``fit`` learned is forgotten.

        Parameters
        ----------
        df : Series, DataFrame, path or pyarrow.dataset.Dataset
            A Series, a wide frame (time as the index, a column per series), a long frame (a row
            per id and time) or rows under a MultiIndex (id, time). It isn't changed. Or a frame of
            polars, pyarrow, DuckDB or anything else with Arrow's stream: forecasts are such, too.
            Or a folder, a glob or a file of Parquet as a long frame with ids, whose rows may be
            more than memory holds, in any order; where those of a series stand apart, they are
            sorted on disk first, which needs ``tsgen[duckdb]``.
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
        init : forecaster, optional
            A fitted one of the same class, which isn't changed, to go on from: training begins
            with its weights instead of those that the constructor's ``init`` names, and what is
            left to ``"auto"`` is as it has it. Scalers are fitted to the new rows. Categories
            that it knows keep their vectors, and new ones begin at the mean of these. It may be
            this forecaster itself.
        run_dir : path, optional
            A folder for checkpoints: the same call after a crash goes on where the last one
            stands, and ends with the weights of a run that was never cut off.
        store : path, optional
            A folder to make for the rows of files, eight bytes a value; by default a temporary
            one, which is removed with the rows of this ``fit``.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            With all that is wrong with the frame, or with the first series of files that can't
            be read.
        StoreExistsError
            If there is something at ``store``.
        FileNotFoundError
            If there are no such files.
        SettingError
            For an argument that can't be used, a ``run_dir`` of another run, or what doesn't fit
            the model given as ``init``.
        NotFittedError
            If that one isn't fitted.
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
        roles = Roles(
            id_col, time_col, target_col, future_covariates, past_covariates, static_covariates
        )
        given = rows_or_files(df, store)
        spec = self._spec(given, roles, roll_past=roll_past, fill=fill)
        # Apart, so that who forecasts meanwhile has the model before this one, or this one.
        learner = copy(self)
        start = self._start_from(init)
        try:
            history = learner._read_history(given, spec, freq, short, store)
            module, data = learner._prepare(history, start)
            warn_unless_savable(learner)
            interrupted = learner._learn(module, data, run_dir)
        except BaseException:
            begun = vars(learner).get("model_") is not vars(self).get("model_")
            if begun and learner._has_learned():  # the best weights before what went wrong
                self.__dict__ = learner.__dict__
            raise
        self.__dict__ = learner.__dict__
        if interrupted is not None:
            warn_user(f"{interrupted}; the model has the best weights so far", TrainingInterrupted)
        return self

    def _spec(
        self, df: AnyFrame | ParquetSource, roles: Roles, *, roll_past: bool, fill: Fill | None
    ) -> FrameSpec:
        """What is to be read of the rows of ``fit``."""
        static, table = opened_if_frame(roles.static), None
        if isinstance(static, Native):
            static = static.by_id(roles.id)
        if isinstance(static, pd.DataFrame):
            table, static = static, list(static.columns)
        if table is not None and roles.id in table.columns:
            raise SettingError(
                f"static_covariates= has a column {written(roles.id)}, and is by the ids in its "
                f"index: pass static.set_index({written(roles.id)})"
            )
        frame = df.without_rows() if isinstance(df, ParquetSource) else df
        return FrameSpec(
            Columns.of(*roles._replace(static=static), frame=frame),
            fill=check_fill(fill),
            joint=yes_or_no("multivariate", self.multivariate),
            roll_past=yes_or_no("roll_past", roll_past),
            calendar=self._calendar,
            static=table,
        )

    def _read_history(
        self,
        df: AnyFrame | ParquetSource,
        spec: FrameSpec,
        freq: Any,
        short: Short,
        store: str | PathLike[str] | None,
    ) -> Panel:
        how = {"freq": freq, "min_rows": self._min_rows, "short": short}
        if isinstance(df, ParquetSource):
            panel = read_stored_panel(df, spec, **how, store=store)
        else:
            panel = read_panel(df, spec, **how)
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

    def _fit(self, panel: Panel) -> str | None:
        return self._learn(*self._prepare(panel, self.start_), beside=True)

    def _anew(self) -> Self:
        model = super()._anew()
        if self.start_ is not None:
            model.start_ = self.start_
        return model

    @property
    def _learns(self) -> bool:
        return self.settings_.max_steps > 0 or self.start_ is not None

    @property
    def _seen_before(self) -> tuple[Panel, ...]:
        return () if self.start_ is None else self.start_.origin.seen

    def _start_from(self, init: Any) -> WarmStart | None:
        """The fitted forecaster given as ``init``, as what training begins with."""
        if init is None:
            return None
        if not isinstance(init, NeuralForecaster):
            raise SettingError(
                f"init={written(init)}: expected a fitted forecaster such as an LSTMForecaster; "
                "one in a file is read by tsgen.load(path), and LSTMForecaster(init=path) begins "
                "with pretrained weights"
            )
        model = init._fitted_model("fit(init=)")
        if type(init.settings_) is not self._settings_type:
            raise SettingError(
                f"init= is a fitted {type(init).__name__}, whose network is of another kind than "
                f"that of {type(self).__name__}: fit one of the same class, or fit without init="
            )
        return warm_start_of(model, init.settings_, init.panel_, init._seen_before)

    def _learn(
        self,
        module: ForecastModule,
        data: WindowDataModule,
        run_dir: str | PathLike[str] | None = None,
        *,
        beside: bool = False,
    ) -> str | None:
        """Train what was prepared; returns what ended it early, if anything did.

        ``beside`` another work, such as a search, nothing is logged or kept of it.
        """
        if run_dir is not None:
            check_is_repeatable(self.random_state)
        recipe = self._recipe
        if beside:
            kwargs = training.without_outputs(recipe.trainer_kwargs)
            recipe = replace(recipe, trainer_kwargs=kwargs)
        start = time.perf_counter()
        losses = train(recipe, self.history_, module, data, run_dir=run_dir)
        self.__dict__.pop("first_weights_", None)
        self.report_ = report_of(module, data, losses)
        if not self.panel_.in_files:  # else it is made when it is needed
            self.state_ = self._fitted_model("fit").encode(self.panel_)
        if self._began_with_pretrained:  # no second fit, so that levels are at hand
            self.calibrate()
        values, offsets = self.history_.values, self.history_.offsets
        missing, seconds = count_missing(values, offsets), time.perf_counter() - start
        self.record_ = FitRecord.of(len(values), missing, seconds, losses, self.report_)
        return losses.interrupted

    def _prepare(
        self, panel: Panel, start: WarmStart | None = None
    ) -> tuple[ForecastModule, WindowDataModule]:
        if start is not None:
            panel = united(panel, start.origin)
        origin = None if start is None else start.origin
        settings = self._choose_settings(self.get_params(deep=False), panel, origin)
        given = {} if self.trainer_kwargs is None else self.trainer_kwargs
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise SettingError(
                f"trainer_kwargs={written(given)}: expected a dict of arguments of "
                "Lightning's Trainer, or None"
            )
        recipe = self._recipe_of(settings, start)
        module, data, units = prepare(recipe, panel)
        # All at once, and nothing of what was learned before.
        self.__dict__ = {
            **{name: value for name, value in vars(self).items() if name not in _OF_A_TRAINING},
            "settings_": settings,
            "model_": recipe.model(module.networks, units),
            "history_": panel,
            "panel_": panel.tail(data.shape.before),
            "start_": start,
            "_module_": module,
        }
        if settings.max_steps:  # else they know enough
            self.first_weights_ = checksum(module.networks)
        return module, data

    def _choose_settings(
        self, arguments: Mapping[str, Any], panel: Panel, origin: Origin | None
    ) -> Settings:
        """What the arguments of the constructor come to for a panel, and a model to go on from."""
        if origin is None:
            return choose_settings(arguments, panel, self.cell)
        return continued_settings(arguments, origin, panel, self.cell)

    def _has_learned(self) -> bool:
        """Whether its weights are no longer the first ones."""
        first = self.first_weights_
        return first is None or checksum(self.model_.networks) != first

    def _check_fitted(self, call: str) -> None:
        super()._check_fitted(call)
        if self.first_weights_ is None:
            return
        if not self._has_learned():
            raise NotFittedError(
                f"this {type(self).__name__} is prepared, but its network has learned nothing yet: "
                f"train it with Trainer.fit(module, data), or call fit(df), before {call}"
            )
        self.__dict__.pop("first_weights_", None)

    @property
    def _recipe(self) -> Recipe:
        return self._recipe_of(self.settings_, self.start_)

    def _recipe_of(self, settings: Settings, start: WarmStart | None) -> Recipe:
        return Recipe(
            self.cell,
            settings,
            scaler=self.scaler,
            scaler_scope=self.scaler_scope,
            covariate_scaler=self.covariate_scaler,
            target_transform=self.target_transform,
            trainer_kwargs=self.trainer_kwargs,
            verbose=self.verbose,
            start=start,
        )

    # --- files and copies

    _snapshot_type = Snapshot

    def _weights(self) -> dict[str, Tensor]:
        return weights_of(self.model_.networks) | weights_of_start(self.start_)

    def _snapshot(self) -> Snapshot:
        super()._check_fitted("save")
        model, params = self.model_, self.get_params(deep=False)
        if isinstance(self.init, PathLike):  # text, as in settings_, which any machine reads
            params["init"] = self.settings_.init
        return Snapshot(
            params=params,
            settings=self.settings_,
            panel=self.panel_,
            scaler=model.units.scaler,
            value_range=model.units.value_range,
            calibration=model.calibration,
            covariate_scaler=model.units.covariate_scaler,
            origin=None if self.start_ is None else self.start_.origin,
            record=self.record_,
        )

    @classmethod
    @isolated()
    def _restored(cls, snapshot: Snapshot, weights: Mapping[str, Tensor]) -> Self:
        forecaster = cls(**snapshot.params)
        settings = snapshot.settings
        need(type(settings) is cls._settings_type, "the settings", f"those of a {cls.__name__}")
        start, weights = start_and_rest(snapshot.origin, weights)
        recipe = forecaster._recipe_of(settings, start)
        units = NumericUnits(snapshot.scaler, snapshot.value_range, snapshot.covariate_scaler)
        architecture = recipe.architecture(units, snapshot.panel.channels)
        networks = networks_of(architecture, settings.n_models, weights)
        forecaster.settings_, forecaster.panel_ = settings, snapshot.panel
        forecaster.start_, forecaster.record_ = start, snapshot.record
        forecaster.model_ = replace(recipe.model(networks, units), calibration=snapshot.calibration)
        return forecaster
