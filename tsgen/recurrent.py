"""What the recurrent forecasters share: orchestration alone, each step of the work has a module."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, Literal, Self

import torch

from tsgen.calibration import calibrate_on_tail, tail_length
from tsgen.closed_loop import ClosedLoop, scaled
from tsgen.errors import NotFittedError, SettingError
from tsgen.estimator import with_hints
from tsgen.frame import Short, read_panel
from tsgen.module import ForecastModule, WindowDataModule
from tsgen.network import Cell
from tsgen.objective import Loss
from tsgen.panel import Columns, Frame, Panel
from tsgen.persistence import Snapshot, check_weights, load_model, save_model
from tsgen.scaling import PanelScaler, fit_scaler
from tsgen.settings import Settings, choose_settings, seed_number
from tsgen.stateful import StatefulForecaster
from tsgen.training import (
    Schedule,
    TrainingInterrupted,
    is_rank_zero,
    isolated_seed,
    train,
)
from tsgen.windows import ValueRange, WindowShape

__all__ = ["RecurrentForecaster"]

_VALIDATE_EVERY = 50


class RecurrentForecaster(StatefulForecaster):
    """Shared by `LSTMForecaster` and `GRUForecaster`, which differ in the cell alone."""

    _cell: Cell
    module_: ForecastModule
    scaler_: PanelScaler
    value_range_: ValueRange
    history_: Panel
    """The training series, for a calibration later on; a loaded model doesn't have them."""

    @with_hints
    def __init__(
        self,
        *,
        context_length: int | Literal["auto"] = "auto",
        lags: Sequence[int] | int | Literal["auto"] | None = "auto",
        hidden_size: int | Literal["auto"] = "auto",
        num_layers: int = 1,
        dropout: float = 0.0,
        residual: Literal["auto", "last", "seasonal"] | None = "auto",
        season_length: int | Literal["auto"] = "auto",
        scaler: Any = "standard",
        window_norm: bool | Literal["auto"] = "auto",
        loss: Loss = "mse",
        max_steps: int | Literal["auto"] = "auto",
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        gradient_clip_val: float | None = 1.0,
        val_size: int | Literal["auto"] | None = "auto",
        patience: int | None = None,
        random_state: int = 0,
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
        self.scaler = scaler
        self.window_norm = window_norm
        self.loss = loss
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.gradient_clip_val = gradient_clip_val
        self.val_size = val_size
        self.patience = patience
        self.random_state = random_state
        self.trainer_kwargs = trainer_kwargs
        self.verbose = verbose

    def prepare(
        self,
        df: Frame,
        *,
        id_col: str = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        freq: Any = None,
        short: Short = "error",
    ) -> tuple[ForecastModule, WindowDataModule]:
        """Do all of ``fit`` but the training, for a ``Trainer`` of your own.

        Parameters
        ----------
        df, id_col, time_col, target_col, freq, short
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
        columns = Columns(id_col, time_col, target_col)
        panel = read_panel(df, columns, freq=freq, min_rows=self._min_rows, short=short)
        return self._prepare(panel)

    @with_hints
    def fit(
        self,
        df: Frame,
        *,
        id_col: str = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        freq: Any = None,
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
            The columns of a long frame; one without the id column is one series.
        freq : str or offset, optional
            Such as ``"h"`` or ``"MS"``; found in the data if not given.
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
            ``predict`` works with them.

        Warns
        -----
        TrainingInterrupted
            After SIGINT or SIGTERM; the best weights so far are kept.
        """
        columns = Columns(id_col, time_col, target_col)
        panel = read_panel(df, columns, freq=freq, min_rows=self._min_rows, short=short)
        self._fit(panel, run_dir)
        return self

    def _fit(self, panel: Panel, run_dir: str | PathLike[str] | None = None) -> None:
        module, data = self._prepare(panel)
        self._train(module, data, self.settings_, panel, run_dir=run_dir)
        self.state_ = self._closed_loop().encode(self.panel_)

    def _prepare(self, panel: Panel) -> tuple[ForecastModule, WindowDataModule]:
        settings = choose_settings(self.get_params(deep=False), panel)
        seed_number("random_state", self.random_state)
        if self.trainer_kwargs is not None and not isinstance(self.trainer_kwargs, Mapping):
            raise SettingError(
                f"trainer_kwargs={self.trainer_kwargs!r}: expected a dict of arguments of "
                "Lightning's Trainer, or None"
            )
        module, data, scaler = self._assemble(panel, settings)
        self.settings_, self.scaler_, self.module_ = settings, scaler, module
        self.value_range_ = data.value_range()
        self.history_, self.panel_ = panel, panel.tail(data.shape.before)
        for learned in ("state_", "calibration_"):
            self.__dict__.pop(learned, None)
        return module, data

    def _assemble(
        self, panel: Panel, settings: Settings
    ) -> tuple[ForecastModule, WindowDataModule, PanelScaler]:
        """A network without training, and the windows that it is to be trained on."""
        training = panel.without_tail(settings.val_size) if settings.val_size else panel
        scaler = fit_scaler(self.scaler, training.ids, training.values, training.offsets)
        data = WindowDataModule(
            scaled(panel, scaler.for_series(panel.ids, panel.values, panel.offsets)),
            WindowShape(max(settings.lags), settings.context_length, settings.train_horizon),
            batch_size=settings.batch_size,
            window_norm=settings.window_norm,
            validation_rows=settings.val_size,
            seed=self.random_state,
        )
        with isolated_seed(self.random_state):
            module = self._module(settings)
        return module, data, scaler

    def _train(
        self,
        module: ForecastModule,
        data: WindowDataModule,
        settings: Settings,
        panel: Panel,
        *,
        run_dir: str | PathLike[str] | None = None,
        label: str = "fit",
    ) -> None:
        ids = panel.ids
        train(
            module,
            data,
            Schedule(
                max_steps=settings.max_steps,
                gradient_clip_val=settings.gradient_clip_val,
                patience=settings.patience,
                validate_every=min(_VALIDATE_EVERY, settings.max_steps),
                seed=self.random_state,
                verbose=self.verbose,
                label=label,
            ),
            trainer_kwargs=self.trainer_kwargs,
            names=lambda positions: [repr(ids[int(i)]) for i in positions],
            run_dir=run_dir,
        )

    def calibrate(self, df: Frame | None = None) -> Self:
        """Measure how far intervals must reach, by a second fit on all but a tail.

        ``predict(level=)`` and ``sample`` call this when they are first used; call it yourself
        before ``save``, so that a loaded model has levels. A network of the same settings is
        trained on all but the last rows of each series (three training horizons where there is
        room), so it takes as long as ``fit``. Its closed-loop errors on the tail are the scores
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
        if df is None and not hasattr(self, "history_"):
            raise NotFittedError(
                "levels need a calibration, and this model was saved without one: call "
                "model.calibrate(df) with the training rows, or before the next model.save(path)"
            )
        panel = self.history_ if df is None else self._read(df)
        settings = replace(self.settings_, val_size=0, patience=None)
        rows = tail_length(panel, settings.train_horizon)
        training = panel.without_tail(rows)
        module, data, scaler = self._assemble(training, settings)
        with warnings.catch_warnings():
            # Half a calibration is none: what ends a fit early is an error here.
            warnings.simplefilter("error", TrainingInterrupted)
            self._train(module, data, settings, training, label="calibrate")
        loop = self._closed_loop(module, scaler, data.value_range())
        self.calibration_ = calibrate_on_tail(loop, panel, rows, self.random_state)
        return self

    def _closed_loop(
        self,
        module: ForecastModule | None = None,
        scaler: PanelScaler | None = None,
        value_range: ValueRange | None = None,
    ) -> ClosedLoop:
        """The fitted model, or another one of the same settings, as a closed loop."""
        settings = self.settings_
        return ClosedLoop(
            network=_for_forecasts(module or self.module_).network,
            lags=settings.lags,
            context_length=settings.context_length,
            warmup=settings.warmup,
            window_norm=settings.window_norm,
            scaler=scaler or self.scaler_,
            train_horizon=settings.train_horizon,
            value_range=value_range or self.value_range_,
        )

    # --- files

    def _module(self, settings: Settings) -> ForecastModule:
        return ForecastModule(
            lags=settings.lags,
            cell=self._cell,
            hidden_size=settings.hidden_size,
            num_layers=settings.num_layers,
            dropout=settings.dropout,
            residual_lag=settings.residual_lag,
            loss=settings.loss,  # type: ignore[arg-type]
            warmup=settings.warmup,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
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
        if not hasattr(self, "panel_"):
            name = type(self).__name__
            raise NotFittedError(f"this {name} isn't fitted yet: call fit(df) before save")
        return Snapshot(
            kind=type(self).__name__,
            params=self.get_params(deep=False),
            settings=self.settings_,
            panel=self.panel_,
            scaler=self.scaler_,
            weights=self.module_.state_dict(),
            value_range=self.value_range_,
            calibration=getattr(self, "calibration_", None),
        )

    @classmethod
    def _restored(cls, snapshot: Snapshot) -> Self:
        model = cls(**snapshot.params)
        settings = snapshot.settings
        with isolated_seed(0):
            # First without memory: a file may declare a network larger than its weights.
            with torch.device("meta"):
                check_weights(snapshot.weights, model._module(settings).state_dict())
            module = model._module(settings)
        module.load_state_dict(snapshot.weights)
        model.settings_, model.scaler_, model.module_ = settings, snapshot.scaler, module.eval()
        model.panel_, model.value_range_ = snapshot.panel, snapshot.value_range
        if snapshot.calibration is not None:
            model.calibration_ = snapshot.calibration
        return model


def _for_forecasts(module: ForecastModule) -> ForecastModule:
    """The module on the CPU, in evaluation mode; a user's own trainer may leave it elsewhere."""
    if module.training or module.network.device.type != "cpu":
        module.cpu().eval()
    return module
