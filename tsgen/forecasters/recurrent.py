"""The forecasters by name, which differ in the cell alone, and the reading of saved ones."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any

from tsgen.forecasters.encoder_decoder import EncoderDecoderForecaster
from tsgen.forecasters.neural import NeuralForecaster
from tsgen.forecasters.saving import load_model
from tsgen.forecasters.seq2seq import GRUSeq2Seq, LSTMSeq2Seq
from tsgen.forecasters.symbolic import GRUGenerator, LSTMGenerator

__all__ = ["GRUForecaster", "LSTMForecaster", "load"]


class LSTMForecaster(NeuralForecaster):
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
    dropout : float or "auto"
        Share of the hidden units dropped out before the output in teacher forcing, the same ones
        at all steps of a window, and between layers, while the network learns.
    residual : {"auto", "last", "seasonal"} or None
        The value to which the network's output is added: the last one, or the one a season ago.
    season_length : int, pair of int or "auto"
        Rows in a season; by default that of the frequency. For an integer index there is none
        unless you say so. A pair such as ``(24, 168)`` is a season and a longer one around it.
    calendar : str, callable or list of them, optional
        Covariates computed from time stamps, whose future is known: ``"auto"`` for cycles that
        suit the frequency (hour of day, day of week, day of year, month), a cycle by its name
        (such as ``"day_of_month"``), ``"holidays:DE"`` for the public holidays of a country
        (with the extra ``tsgen[holidays]``), or a function of a `DatetimeIndex` that returns a
        `DataFrame`. Integer time has no calendar.
    multivariate : bool, default False
        Whether the columns of a wide frame, or the targets of a long one, are the channels of one
        system: one state, all predicted and fed back together.
    scaler : {"standard", "minmax", "robust"}, transformer or None, default "standard"
        Fitted to the training rows: a name, or any scikit-learn transformer or ``Pipeline`` with
        an inverse.
    scaler_scope : {"series", "panel"}, default "series"
        Whether each series has a scaler of its own, or all share one (those of a channel, where
        systems have several). The same holds of covariates.
    covariate_scaler : {"standard", "minmax", "robust"}, transformer or None, default "standard"
        For covariates of the rows that are numbers; it needs no inverse. Static ones are brought
        to mean 0 and spread 1 over the series.
    target_transform : {"log1p", "count", "logit"} or ("logit", low, high), optional
        Goes before the scaler and keeps forecasts, paths and intervals inside of what values can
        be: 0 or more; whole numbers of 0 or more, which paths and bounds are then too; between two
        bounds, 0 and 1 if not said.
    window_norm : bool or "auto"
        Whether each window is also brought to mean 0 and spread 1 by its own context, so that
        level and scale of the last rows don't matter.
    loss : {"mse", "mae", "huber"} or "auto"
        Squared errors unless the preset says otherwise.
    training_strategy : str, TrainingStrategy or "auto"
        What is fed in while the network learns: ``"teacher_forcing"`` (observed values),
        ``"free_running"`` (the closed loop itself), ``"scheduled_sampling"``,
        ``"push_forward"``, ``"noisy_inputs"``, or one of these with settings of its own, such as
        ``tsgen.FreeRunning(steps=24, grow=0.5)``.
    max_steps : int or "auto"
        Optimiser steps; none with ``preset="zero_shot"``.
    batch_size : int or "auto"
        Windows a step, of each member.
    learning_rate : float or "auto"
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
    weight_averaging : float, optional
        The share of the training, at its end, over which weights are averaged; validated weights
        are kept as they are.
    n_models : int or "auto"
        Networks that are trained side by side, each with first weights and windows of its own,
        at once on the cores of a CPU; the median of their closed loops is the forecast.
    preset : {"balanced", "fast", "accurate", "fine_tuned", "zero_shot"}, default "balanced"
        What ``"auto"`` comes to: a short training that begins with pretrained weights, of one
        network by squared errors; with ``"fine_tuned"`` of up to four members by absolute ones,
        with ``"accurate"`` of four to eight; with ``"zero_shot"`` the weights as they are; with
        ``"fast"`` a few steps from random ones. Where pretrained weights don't fit what is asked
        for (several channels, no known season, a GRU, ``hidden_size``, ``num_layers``,
        ``lags``, ``residual``; for ``"accurate"`` covariates, too), ``"balanced"`` and
        ``"accurate"`` train from scratch, for longer. Arguments that are given win.
    init : {"random", "pretrained"}, path or "auto"
        What networks begin with: weights drawn at random, the pretrained ones that come with
        tsgen, or those of a file that `tsgen.pretrain` wrote; by default as the preset says, and
        what it was stands in ``settings_.init``.
        Pretrained weights determine the cell, lags and sizes. A fitted model to go on from is an
        argument of ``fit``.
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
    report_ : TrainingReport
        How the training went: losses, and errors with and without teacher forcing.

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

    cell = "lstm"


class GRUForecaster(NeuralForecaster):
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

    cell = "gru"


def load(
    path: str | PathLike[str], *, trusted: Iterable[Any] = ()
) -> (
    LSTMForecaster
    | GRUForecaster
    | EncoderDecoderForecaster
    | LSTMGenerator
    | GRUGenerator
    | LSTMSeq2Seq
    | GRUSeq2Seq
):
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
    classes: list[type[Any]] = [
        LSTMForecaster, GRUForecaster, EncoderDecoderForecaster, LSTMGenerator, GRUGenerator,
        LSTMSeq2Seq, GRUSeq2Seq,
    ]  # fmt: skip
    model: LSTMForecaster = load_model(path, classes, trusted=trusted)
    return model
