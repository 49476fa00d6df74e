"""Training that goes on from a fitted model: what that one says of it, and the first weights.

The fitted model is held as a `WarmStart`, which a forecaster keeps for later fits beside this one,
such as a calibration, and which stands in its file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._validation import is_auto, one_of
from tsgen.data import Covariate, Panel, kind_of_categories, with_more_categories
from tsgen.errors import SettingError
from tsgen.forecasters.presets import PRESETS
from tsgen.forecasters.settings import Settings, choose_settings
from tsgen.inference import FittedModel
from tsgen.nn import Architecture, Cell, RecurrentNetwork, with_categories
from tsgen.preprocessing import CovariateScaler

__all__ = ["Origin", "WarmStart", "continued_settings", "first_networks", "united", "warm_start_of"]

_DEFAULT_PRESET = "balanced"


@dataclass(frozen=True)
class Origin:
    """What is known of a fitted model that another one went on from, beside its weights.

    Attributes
    ----------
    cell : {"lstm", "gru"}
    settings : Settings
    hidden_size : int
        Units of the network, those of all channels.
    channels, rolled : int
        As those of a `Panel`.
    schema : tuple of Covariate
        None where there were no covariates.
    seen : tuple of Panel
        The ends of the series that it was trained on, and of those before it.
    """

    cell: Cell
    settings: Settings
    hidden_size: int
    channels: int
    rolled: int
    schema: tuple[Covariate, ...]
    seen: tuple[Panel, ...]

    @property
    def architecture(self) -> Architecture:
        """Of each member's network."""
        nothing = np.empty(0)
        covariates = CovariateScaler(self.schema, pd.Index([]), (), nothing, nothing)
        return self.settings.architecture(self.cell, self.hidden_size, self.channels, covariates)


@dataclass(frozen=True, eq=False)
class WarmStart:
    """A fitted model to go on from.

    Attributes
    ----------
    origin : Origin
    networks : tuple of RecurrentNetwork
        Its members, which nobody else has.
    """

    origin: Origin
    networks: tuple[RecurrentNetwork, ...]


def warm_start_of(
    model: FittedModel, settings: Settings, panel: Panel, earlier: Sequence[Panel]
) -> WarmStart:
    """A fitted model as what another one goes on from.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    panel : Panel
        Its training series, or the ends of them.
    earlier : sequence of Panel
        Of those that it went on from itself.
    """
    made_of, covariates = model.network.architecture, model.units.covariate_scaler
    origin = Origin(
        made_of.cell,
        settings,
        made_of.hidden_size,
        panel.channels,
        panel.rolled,
        () if covariates is None else covariates.schema,
        (panel.tail(1), *earlier),
    )
    return WarmStart(origin, tuple(deepcopy(network) for network in model.networks))


# --- what is to be learned -----------------------------------------------------------------------


def continued_settings(
    arguments: Mapping[str, Any], origin: Origin, panel: Panel, cell: Cell
) -> Settings:
    """The settings of a training that goes on from a fitted model.

    Parameters
    ----------
    arguments : mapping
        Of the forecaster's constructor; those left to ``"auto"`` are the fitted model's.
    origin : Origin
    panel : Panel
        The series to learn from, as `united` has them.
    cell : {"lstm", "gru"}

    Raises
    ------
    SettingError
        For an argument that can't be used, or says otherwise than the weights.
    """
    fitted = origin.settings
    if cell != origin.cell:
        names = {"lstm": "LSTMForecaster", "gru": "GRUForecaster"}
        raise SettingError(
            f"init= is fitted with the cell {origin.cell!r}, and this forecaster has {cell!r}: use "
            f"{names.get(origin.cell, 'its class')}, or fit without init="
        )
    _check_preset(arguments["preset"], fitted.preset)
    # Where it is given, it is compared below: "last" for now, which series of any season have.
    residual = "last" if is_auto(arguments["residual"]) else arguments["residual"]
    chosen = choose_settings(
        {**_filled(arguments, fitted), "residual": residual}, panel, cell, continues=True
    )
    if is_auto(arguments["residual"]):
        chosen = replace(chosen, residual_lag=fitted.residual_lag)
    kept = [] if fitted.residual_lag is None else [fitted.residual_lag]
    chosen = replace(chosen, lags=tuple(sorted({*chosen.lags, *kept})))
    _check_same(chosen, fitted)
    horizon = min(fitted.train_horizon, max(1, int(np.median(panel.lengths)) // 4))
    return replace(
        chosen,
        init="fitted",
        longer_season=fitted.longer_season
        if is_auto(arguments["season_length"])
        else chosen.longer_season,
        unit_season=fitted.unit_season,
        change_share=fitted.change_share,
        error_limit=fitted.error_limit,
        start_share=fitted.start_share,
        warmup=fitted.warmup,
        train_horizon=horizon,
    )


def _filled(arguments: Mapping[str, Any], fitted: Settings) -> dict[str, Any]:
    """The arguments of the constructor, with those of a fitted model for ``"auto"``."""
    names = (
        "season_length", "context_length", "hidden_size", "dropout", "window_norm", "loss",
        "training_strategy", "max_steps", "batch_size", "learning_rate", "n_models",
    )  # fmt: skip
    its_own = {name: getattr(fitted, name) for name in names} | {"lags": list(fitted.lags)}
    left = {name: value for name, value in its_own.items() if is_auto(arguments[name])}
    return {**arguments, **left, "preset": fitted.preset, "init": "random"}


def _check_preset(given: Any, fitted: str) -> None:
    """Refuse a preset that would say what the fitted model says already."""
    name = one_of("preset", given, tuple(PRESETS))
    if name not in (_DEFAULT_PRESET, fitted):
        raise SettingError(
            f"preset={written(given)} beside init=: what is left to 'auto' is as the fitted model "
            f"has it, whose preset is {fitted!r}: leave preset out; what is given, such as "
            "max_steps, still wins"
        )


def _check_same(chosen: Settings, fitted: Settings) -> None:
    """Refuse what the weights of the fitted model don't fit, or were never meant for."""
    names = "hidden_size", "num_layers", "lags", "window_norm", "n_models"
    for name in names:
        given, learned = getattr(chosen, name), getattr(fitted, name)
        if given != learned:
            shown = list(learned) if isinstance(learned, tuple) else learned
            given = list(given) if isinstance(given, tuple) else given
            _refuse(name, given, shown, f"{name}={shown}")
    if chosen.residual_lag != fitted.residual_lag:
        lag = fitted.residual_lag
        has = "none" if lag is None else f"the value {lag} rows ago"
        _refuse("residual", chosen.residual_lag, has, "residual='auto'")


def _refuse(name: str, given: Any, learned: Any, remedy: str) -> None:
    raise SettingError(
        f"{name} comes to {written(given)}, but the fitted model given as init= has {learned}: "
        f"pass {remedy}, or fit without init="
    )


# --- covariates, whose categories may be more ----------------------------------------------------


def united(panel: Panel, origin: Origin) -> Panel:
    """Series to learn from, with the categories of the fitted model before those of their own.

    Raises
    ------
    SettingError
        If they have other channels or covariates than the fitted model.
    """
    ours, theirs = (panel.channels, panel.rolled), (origin.channels, origin.rolled)
    if ours != theirs:
        raise SettingError(
            f"the frame has {_channels(*ours)}, but the fitted model given as init= has "
            f"{_channels(*theirs)}: give a frame with as many, or fit without init="
        )
    covariates = panel.covariates
    schema = () if covariates is None else covariates.schema
    if _described(schema) != _described(origin.schema):
        raise SettingError(
            f"the covariates are {_listed(schema)}, but {_listed(origin.schema)} in the fitted "
            "model given as init=: pass the same ones in the same order, or fit without init="
        )
    if covariates is None:
        return panel
    for known, new in zip(origin.schema, schema, strict=True):
        _check_kind(known, new)
    both = tuple(map(with_more_categories, origin.schema, schema))
    return replace(panel, covariates=covariates.read_as(both))


def _check_kind(known: Covariate, new: Covariate) -> None:
    if known.categories is None or new.categories is None:
        return
    has, had = kind_of_categories(new.categories), kind_of_categories(known.categories)
    if has != had and None not in (has, had):
        raise SettingError(
            f"the covariate {written(new.name)} holds {has}, but {had} in the fitted model given "
            "as init=: convert it, or fit without init="
        )


def _channels(channels: int, rolled: int) -> str:
    beside = f" and {rolled} rolled along" if rolled else ""
    own = channels - rolled
    return f"{own} channel{'s' * (own != 1)}{beside}"


def _described(schema: Sequence[Covariate]) -> list[tuple[Any, ...]]:
    return [(item.name, item.role, item.categories is None) for item in schema]


def _listed(schema: Sequence[Covariate]) -> str:
    kinds = {True: "numbers", False: "categories"}
    found = [
        f"{written(item.name)} ({item.role}, {kinds[item.categories is None]})" for item in schema
    ]
    return ", ".join(found) or "none"


# --- what is begun with --------------------------------------------------------------------------


def first_networks(start: WarmStart, drawn: Sequence[RecurrentNetwork]) -> list[RecurrentNetwork]:
    """Members with the weights of a fitted model, as many as were drawn.

    Parameters
    ----------
    start : WarmStart
    drawn : sequence of RecurrentNetwork
        Of the architecture that is to be trained, with weights of their own.
    """
    origin = start.origin
    columns = list(origin.architecture.categories)
    counts = [len(item.categories) for item in origin.schema if item.categories is not None]
    known = dict(zip(columns, counts, strict=True))
    members = start.networks[: len(drawn)]
    return [with_categories(*pair, known) for pair in zip(members, drawn, strict=True)]
