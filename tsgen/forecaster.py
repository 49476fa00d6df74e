"""The recurrent forecasters: orchestration alone, each step of the work has a module of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch

from tsgen.errors import NotFittedError, SettingError
from tsgen.estimator import Forecaster, with_hints
from tsgen.frame import Short, read_panel
from tsgen.module import ForecastModule, WindowDataModule
from tsgen.network import Cell
from tsgen.objective import Loss
from tsgen.panel import Columns, Frame, Panel
from tsgen.persistence import Snapshot, check_weights, load_model, save_model
from tsgen.rollout import encode, rollout
from tsgen.scaling import PanelScaler, SeriesScalers, WindowNormaliser, fit_scaler
from tsgen.settings import Settings, choose_settings, seed_number
from tsgen.training import Schedule, is_rank_zero, isolated_seed, train
from tsgen.windows import Draw, Series, WindowShape

__all__ = ["GRUForecaster", "LSTMForecaster", "load"]

_VALIDATE_EVERY = 50
_ROWS_AT_ONCE = 512
"""Series rolled out together: enough to fill the machine, few enough to stay in its cache."""


class RecurrentForecaster(Forecaster):
    """Shared by `LSTMForecaster` and `GRUForecaster`, which differ in the cell alone."""

    _cell: Cell
    settings_: Settings
    module_: ForecastModule
    scaler_: PanelScaler

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
        ids = panel.ids
        train(
            module,
            data,
            Schedule(
                max_steps=self.settings_.max_steps,
                gradient_clip_val=self.settings_.gradient_clip_val,
                patience=self.settings_.patience,
                validate_every=min(_VALIDATE_EVERY, self.settings_.max_steps),
                seed=self.random_state,
                verbose=self.verbose,
            ),
            trainer_kwargs=self.trainer_kwargs,
            names=lambda positions: [repr(ids[int(i)]) for i in positions],
            run_dir=run_dir,
        )

    def _prepare(self, panel: Panel) -> tuple[ForecastModule, WindowDataModule]:
        settings = choose_settings(self.get_params(deep=False), panel)
        seed = seed_number("random_state", self.random_state)
        if self.trainer_kwargs is not None and not isinstance(self.trainer_kwargs, Mapping):
            raise SettingError(
                f"trainer_kwargs={self.trainer_kwargs!r}: expected a dict of arguments of "
                "Lightning's Trainer, or None"
            )
        training = panel.without_tail(settings.val_size) if settings.val_size else panel
        scaler = fit_scaler(self.scaler, training.ids, training.values, training.offsets)
        shape = WindowShape(max(settings.lags), settings.context_length, settings.train_horizon)
        data = WindowDataModule(
            _scaled(panel, scaler.for_series(panel.ids, panel.values, panel.offsets)),
            shape,
            batch_size=settings.batch_size,
            window_norm=settings.window_norm,
            validation_rows=settings.val_size,
            seed=seed,
        )
        with isolated_seed(seed):
            module = self._module(settings)
        self.settings_, self.scaler_, self.module_ = settings, scaler, module
        self.panel_ = panel.tail(shape.before)
        return module, data

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
        model.panel_ = snapshot.panel
        return model

    def _predict(self, panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
        scalers = self.scaler_.for_series(panel.ids, panel.values, panel.offsets)
        series = _scaled(panel, scalers)
        blocks = [
            self._roll(series, draw, horizon) for draw in _blocks(series.ends(), _ROWS_AT_ONCE)
        ]
        return scalers.inverse_transform(np.concatenate(blocks))

    def _roll(self, series: Series, draw: Draw, horizon: int) -> npt.NDArray[np.float64]:
        settings, network = self.settings_, self.module_.cpu().eval().network
        before = max(settings.lags) - 1 + settings.context_length
        rows, known = series.gather(draw, before, 0)
        normaliser = WindowNormaliser.of(rows, known, settings.context_length, settings.window_norm)
        with torch.inference_mode():
            values = normaliser.apply(rows, known)
            state = encode(network, settings.lags, values, known.to(values.dtype))
            path = rollout(network, settings.lags, state, horizon)
        return normaliser.invert(path).numpy()


def _scaled(panel: Panel, scalers: SeriesScalers) -> Series:
    return Series.from_numpy(scalers.transform(panel.values, panel.offsets), panel.offsets)


def _blocks(draw: Draw, rows: int) -> list[Draw]:
    return [
        Draw(*part) for part in zip(draw.series.split(rows), draw.cutoff.split(rows), strict=True)
    ]


class LSTMForecaster(RecurrentForecaster):
    """An LSTM [1]_ that learns to predict the next row, rolled out in closed loop.

    Every argument has a default that works; ``"auto"`` is chosen from the frequency and the
    lengths of the series, and stands in ``settings_`` after ``fit``.

    Parameters
    ----------
    context_length : int or "auto"
        Rows of a series read before the first prediction, and from which the normaliser is
        computed.
    lags : list of int, int, "auto" or None
        Earlier rows that the network sees beside the last one; lag 1 is always among them.
    hidden_size : int or "auto"
        Units of the network.
    num_layers : int, default 1
        1 to 4.
    dropout : float, default 0.0
    residual : {"auto", "last", "seasonal"} or None
        The value to which the network's output is added: the last one, or the one a season ago.
    season_length : int or "auto"
        Rows in a season; by default that of the frequency. For an integer index there is none
        unless you say so.
    scaler : {"standard", "minmax", "robust"}, transformer or None, default "standard"
        Fitted to the training rows of each series: a name, or any scikit-learn transformer or
        ``Pipeline`` with an inverse.
    window_norm : bool or "auto"
        Whether each window is also brought to mean 0 and spread 1 by its own context, so that
        level and scale of the last rows don't matter.
    loss : {"mse", "mae", "huber"}, default "mse"
    max_steps : int or "auto"
        Optimiser steps.
    batch_size : int, default 32
        Windows a step.
    learning_rate : float, default 2e-3
        The highest of a schedule that rises for a tenth of the steps and then falls to 0.
    weight_decay : float, default 1e-4
    gradient_clip_val : float or None, default 1.0
        Norm to which gradients are clipped.
    val_size : int, "auto" or None
        Rows at the end of each series that training doesn't see, on which the closed loop is
        validated every 50 steps; the best weights are kept. By default none, unless ``patience``
        asks for it.
    patience : int, optional
        Validations without improvement after which training stops.
    random_state : int, default 0
        Same seed, same forecast; nothing global is seeded.
    trainer_kwargs : dict, optional
        More arguments for Lightning's ``Trainer``; they win over ours.
    verbose : bool, default True
        Whether to show a progress bar on a terminal.

    Attributes
    ----------
    settings_ : Settings
        What was given or chosen.
    module_ : ForecastModule
        The trained LightningModule.

    References
    ----------
    .. [1] Hochreiter, Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.LSTMForecaster(max_steps=20).fit(df)
    >>> model.predict(3)[["unique_id", "ds"]]
            unique_id         ds
    0  air_passengers 1961-01-01
    1  air_passengers 1961-02-01
    2  air_passengers 1961-03-01
    """

    _cell = "lstm"


class GRUForecaster(RecurrentForecaster):
    """A GRU [1]_: as `LSTMForecaster` in all but the cell, which has three gates instead of four.

    On a CPU torch runs a GRU two to three times slower than an LSTM of the same size.
    The arguments are those of `LSTMForecaster`.

    References
    ----------
    .. [1] Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder for Statistical
       Machine Translation. EMNLP 2014.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> len(tsgen.GRUForecaster(max_steps=20).fit(df).predict(11))
    11
    """

    _cell = "gru"


def load(
    path: str | PathLike[str], *, trusted: Iterable[Any] = ()
) -> LSTMForecaster | GRUForecaster:
    """Read a saved model of whichever class the file holds; nothing in it is run.

    Parameters
    ----------
    path, trusted
        As in ``LSTMForecaster.load``.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> model = tsgen.GRUForecaster(max_steps=5).fit(tsgen.load_dataset("sunspots"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.tsgen")
    ...     type(tsgen.load(f"{folder}/model.tsgen")).__name__
    'GRUForecaster'
    """
    classes: list[type[LSTMForecaster] | type[GRUForecaster]] = [LSTMForecaster, GRUForecaster]
    return load_model(path, classes, trusted=trusted)
