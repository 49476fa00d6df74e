"""What the arguments of an encoder–decoder forecaster come to, beside those of all forecasters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from tsgen._messages import written
from tsgen._validation import is_auto, one_of, whole_number, yes_or_no
from tsgen.errors import SettingError
from tsgen.forecasters.continuing import Origin
from tsgen.forecasters.seq2seq_settings import attention_of
from tsgen.forecasters.settings import Settings
from tsgen.nn import ENCODER_ARGUMENTS, Cell, EncoderDecoderArchitecture
from tsgen.preprocessing import CovariateScaler
from tsgen.training import FreeRunning

__all__ = ["EncoderDecoderSettings", "arguments_of_common", "with_encoder"]

_PRESETS = ("balanced", "fast", "accurate")


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderSettings(Settings):
    """What an encoder–decoder forecaster was fitted with, whether given or chosen.

    Attributes
    ----------
    encoder_layers, bidirectional, attention
        As the forecaster's arguments of that name.
    """

    encoder_layers: int
    bidirectional: bool
    attention: str | None

    def architecture(
        self, cell: Cell, hidden_size: int, channels: int, covariates: CovariateScaler | None
    ) -> EncoderDecoderArchitecture:
        """What each member's network is built from, with so many units for all channels."""
        common = super().architecture(cell, hidden_size, channels, covariates)
        return EncoderDecoderArchitecture(
            **vars(common),
            encoder_layers=self.encoder_layers,
            bidirectional=self.bidirectional,
            attention=self.attention,  # type: ignore[arg-type]
        )


def arguments_of_common(arguments: Mapping[str, Any], origin: Origin | None) -> dict[str, Any]:
    """The arguments that choose the common settings, as the one-step model has them.

    Parameters
    ----------
    arguments : mapping
        Of the constructor.
    origin : Origin, optional
        A fitted model to go on from.
    """
    cell = one_of("cell", arguments["cell"], get_args(Cell))
    if origin is not None and cell != origin.cell:
        _refuse("cell", cell, origin.cell)
    one_of("preset", arguments["preset"], _PRESETS)
    if arguments["init"] not in ("auto", "random"):
        raise SettingError(
            f"init={written(arguments['init'])}: pretrained weights are those of a one-step model, "
            "which has no encoder: leave init out, or use LSTMForecaster; a fitted "
            "EncoderDecoderForecaster to go on from is an argument of fit"
        )
    left = origin is None and is_auto(arguments["training_strategy"])
    # Each step of a decoder is one of its own in any case: the closed loop costs nothing more.
    strategy = FreeRunning() if left else arguments["training_strategy"]
    return {**arguments, "training_strategy": strategy, "init": "random"}


def with_encoder(
    common: Settings, arguments: Mapping[str, Any], fitted: EncoderDecoderSettings | None
) -> EncoderDecoderSettings:
    """The common settings with those of the encoder.

    Raises
    ------
    SettingError
        For an argument that can't be used, or says otherwise than a fitted model to go on from.
    """
    horizon = arguments["train_horizon"]
    if not is_auto(horizon):
        rows = whole_number("train_horizon", horizon, "rows that the decoder is trained on")
        common = replace(common, train_horizon=rows)
    chosen = EncoderDecoderSettings(
        **vars(common),
        encoder_layers=whole_number(
            "encoder_layers", arguments["encoder_layers"], "layers", highest=4
        ),
        bidirectional=yes_or_no("bidirectional", arguments["bidirectional"]),
        attention=attention_of(arguments["attention"]),
    )
    for name in ENCODER_ARGUMENTS if fitted is not None else ():
        given, learned = getattr(chosen, name), getattr(fitted, name)
        if given != learned:
            _refuse(name, given, learned)
    return chosen


def _refuse(name: str, given: Any, learned: Any) -> None:
    raise SettingError(
        f"{name}={written(given)}, but the fitted model given as init= has {written(learned)}: "
        f"pass {name}={written(learned)}, or fit without init="
    )
