"""The forecaster whose decoder goes on from an encoded context, and attends to its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from tsgen._runtime import isolated
from tsgen._validation import checked_horizon
from tsgen.data import AnyFrame, CalendarPart, Panel
from tsgen.errors import SettingError
from tsgen.forecasters.base import of_one_moment, with_hints
from tsgen.forecasters.continuing import Origin
from tsgen.forecasters.encoder_decoder_settings import (
    EncoderDecoderSettings,
    arguments_of_common,
    with_encoder,
)
from tsgen.forecasters.neural import NeuralForecaster
from tsgen.inference import ForecastState
from tsgen.nn import Cell

if TYPE_CHECKING:
    from tsgen.training import Loss, TrainingStrategy

__all__ = ["EncoderDecoderForecaster"]


class EncoderDecoderForecaster(NeuralForecaster):
    """An encoder reads the context, a decoder goes on from it and attends to its rows [1]_ [2]_.

    Beside the one-step models, `LSTMForecaster` and `GRUForecaster`, it learns the rows after a
    cutoff alone: the encoder sees the whole context before the first of them is predicted, and
    each step of the decoder looks back at all of it. That costs more for each row, and shows
    what a forecast goes by (`attention_weights`).

    The arguments are those of `LSTMForecaster`, and these:

    Parameters
    ----------
    cell : {"lstm", "gru"}, default "lstm"
        Of encoder and decoder.
    context_length : int or "auto"
        Rows that the encoder reads, and to which the decoder can attend.
    lags : list of int, int, "auto" or None
        Earlier rows that encoder and decoder see beside the last one.
    hidden_size : int or "auto"
        Units of the decoder, and of the encoder in each direction.
    num_layers, encoder_layers : int, default 1
        Layers of the decoder and of the encoder, 1 to 4.
    bidirectional : bool, default False
        Whether the encoder reads the context from its end as well.
    attention : {"multiplicative", "additive", "dot"} or None, default "multiplicative"
        How the rows of the context are scored: by a product with the decoder's state, with weights
        in between or without [2]_, or additive [1]_, which takes twice as long for long contexts.
        Without attention the decoder knows where the encoder ended alone. Rows that are missing are
        not attended to.
    train_horizon : int or "auto"
        Rows after the cutoff that the decoder is trained on; forecasts may be of any length.
    training_strategy : str, TrainingStrategy or "auto"
        What the decoder is fed while it learns: the closed loop itself unless said otherwise,
        which costs no more than observed values here. The context has no errors of its own, so
        that the ``share`` of a strategy is a factor on the loss.
    preset : {"balanced", "fast", "accurate"}, default "balanced"
        As of `LSTMForecaster`; there are no pretrained weights.
    init : {"auto", "random"}
        Weights are drawn at random; a fitted forecaster to go on from is an argument of ``fit``.
    residual, dropout, season_length, calendar, multivariate, scaler, scaler_scope, \
    covariate_scaler, target_transform, window_norm, loss, max_steps, batch_size, learning_rate, \
    weight_decay, gradient_clip_val, val_size, patience, weight_averaging, n_models, random_state, \
    trainer_kwargs, verbose
        As of `LSTMForecaster`.

    Attributes
    ----------
    settings_ : EncoderDecoderSettings
        What was given or chosen.
    module_ : ForecastModule
        The trained LightningModule.
    report_ : TrainingReport
        How the training went.

    References
    ----------
    .. [1] Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
       Translate. ICLR 2015.
    .. [2] Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine
       Translation. EMNLP 2015.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.EncoderDecoderForecaster(max_steps=20, verbose=False).fit(df)
    >>> len(model.predict(24))
    24
    """

    settings_: EncoderDecoderSettings
    _settings_type = EncoderDecoderSettings

    @with_hints
    def __init__(
        self,
        *,
        cell: Cell = "lstm",
        context_length: int | Literal["auto"] = "auto",
        lags: Sequence[int] | int | Literal["auto"] | None = "auto",
        hidden_size: int | Literal["auto"] = "auto",
        num_layers: int = 1,
        encoder_layers: int = 1,
        bidirectional: bool = False,
        attention: Literal["additive", "multiplicative", "dot"] | None = "multiplicative",
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
        train_horizon: int | Literal["auto"] = "auto",
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
        init: Literal["auto", "random"] = "auto",
        random_state: int | None = 0,
        trainer_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(
            context_length=context_length,
            lags=lags,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            residual=residual,
            season_length=season_length,
            calendar=calendar,
            multivariate=multivariate,
            scaler=scaler,
            scaler_scope=scaler_scope,
            covariate_scaler=covariate_scaler,
            target_transform=target_transform,
            window_norm=window_norm,
            loss=loss,
            training_strategy=training_strategy,
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            gradient_clip_val=gradient_clip_val,
            val_size=val_size,
            patience=patience,
            weight_averaging=weight_averaging,
            n_models=n_models,
            preset=preset,
            init=init,
            random_state=random_state,
            trainer_kwargs=trainer_kwargs,
            verbose=verbose,
        )
        self.cell = cell
        self.encoder_layers = encoder_layers
        self.bidirectional = bidirectional
        self.attention = attention
        self.train_horizon = train_horizon

    def _choose_settings(
        self, arguments: Mapping[str, Any], panel: Panel, origin: Origin | None
    ) -> EncoderDecoderSettings:
        fitted = None if origin is None else origin.settings
        assert fitted is None or isinstance(fitted, EncoderDecoderSettings)
        common = arguments_of_common(arguments, origin)
        return with_encoder(super()._choose_settings(common, panel, origin), arguments, fitted)

    def _carries(self, carry: Any) -> bool:
        if super()._carries(carry):
            raise SettingError(
                "carry=True goes on from where a recurrence stands, and an encoder reads each "
                "context as a whole: leave it out, and the last rows are read anew, which is exact"
            )
        return False

    @with_hints
    @isolated()
    @of_one_moment
    def attention_weights(
        self,
        horizon: int,
        *,
        df: AnyFrame | None = None,
        state: ForecastState | None = None,
        given: AnyFrame | None = None,
        future_df: AnyFrame | None = None,
    ) -> pd.DataFrame | dict[Any, pd.DataFrame]:
        """What each step of a forecast attends to in the rows before it.

        Parameters
        ----------
        horizon : int
            H.
        df, state, given, future_df
            As in `predict`.

        Returns
        -------
        DataFrame, or dict of DataFrame
            A row for each time stamp of the forecast, a column for each of its context; the
            weights of a row sum to 1, and those of missing rows are 0. Of several members they are
            the mean. For several series, or systems, a frame of each by its id.
            `tsgen.plot_attention` draws them.

        Raises
        ------
        SettingError
            With ``attention=None``.

        Examples
        --------
        >>> import tsgen
        >>> df = tsgen.load_dataset("air_passengers")
        >>> model = tsgen.EncoderDecoderForecaster(max_steps=5, verbose=False).fit(df)
        >>> model.attention_weights(12).shape
        (12, 48)
        """
        model = self._fitted_model("attention_weights")
        if self.settings_.attention is None:
            raise SettingError("this model attends to nothing: it was fitted with attention=None")
        horizon = checked_horizon(horizon)
        panel, continuation = self._continuation(
            model, self._state_of(model, df, state), horizon, given, future_df, "clip"
        )
        frames = {}
        rows = np.minimum(panel.lengths, model.context_length)
        for system, weights in enumerate(continuation.attention()):
            first = system * panel.channels
            end, behind = panel.ends[first : first + 1], int(panel.behind[first])
            seen = int(rows[first])
            context = panel.frequency.up_to(end, seen + behind)[:seen]
            ahead = panel.frequency.following(end, horizon)
            frames[panel.systems[system]] = pd.DataFrame(
                weights[:, weights.shape[1] - seen :],
                index=ahead.rename(panel.columns.time),
                columns=context.rename(panel.columns.time),
            )
        return next(iter(frames.values())) if len(frames) == 1 else frames
