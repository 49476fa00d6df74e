"""What a fitted forecaster comes to between itself and its file, and what must hold of it.

A file may say anything. What was read of one is checked here before a network or a forecast is
made of it: no sizes beyond reason, and parts that belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from tsgen.data import Covariates, LongLayout, Panel, check_fill
from tsgen.errors import ModelFileError
from tsgen.forecasters.settings import MOST_MEMBERS, Settings
from tsgen.inference import Calibration, ForecastState
from tsgen.io import CodecError, printable
from tsgen.nn import Architecture, RecurrentNetwork
from tsgen.preprocessing import (
    NAMED_SCALERS,
    AffineScalers,
    CovariateScaler,
    PanelScaler,
    SeriesScalers,
    TargetTransform,
    TransformedScalers,
    TransformerScalers,
    ValueRange,
)
from tsgen.training import Loss

__all__ = ["NO_RANGE", "Snapshot", "check_snapshot", "check_state", "networks_of", "weights_of"]

_COUNT_LIMIT = 2**31 - 1
_ROWS_LIMIT = 2**20
"""Rows that a forecast may read or run ahead; more would exhaust the memory of most machines."""


NO_RANGE = ValueRange(-1e9, 1e9)


@dataclass(frozen=True)
class Snapshot:
    """What a fitted forecaster comes to, between the forecaster and its file.

    Attributes
    ----------
    kind : str
        The name of its class.
    params : dict of str to object
        The constructor's arguments.
    settings : Settings
    panel : Panel
        The end of the training series.
    scaler : PanelScaler
    weights : dict of str to Tensor
        The state dict of its module.
    value_range : ValueRange
        Of the values in training; a file from before there was one limits nothing.
    calibration : Calibration, optional
    covariate_scaler : CovariateScaler, optional
    """

    kind: str
    params: dict[str, Any]
    settings: Settings
    panel: Panel
    scaler: PanelScaler
    weights: dict[str, Tensor]
    value_range: ValueRange = NO_RANGE
    calibration: Calibration | None = None
    covariate_scaler: CovariateScaler | None = None


_ONE_OR_MORE = (
    "season_length", "context_length", "train_horizon", "hidden_size", "num_layers", "max_steps",
    "batch_size", "n_models",
)  # fmt: skip


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuse a snapshot from which no forecast can come, or one that asks for absurd sizes."""
    _check_settings(snapshot.settings)
    _check_panel(snapshot.panel)
    panel = snapshot.panel
    _check_scaler(snapshot.scaler, panel)
    _check_covariate_scaler(snapshot.covariate_scaler, panel)
    _need(
        snapshot.settings.frequency == panel.frequency.name, "the settings", "the panel's frequency"
    )
    if snapshot.calibration is not None:
        _check_calibration(snapshot.calibration)
    # Whether dtypes, ends and frequency fit together is best said by putting them to use.
    panel.forecast_frame(1, {"": np.zeros((len(panel), 1))})


def _check_scaler(scaler: PanelScaler, panel: Panel) -> None:
    fitted = scaler.shared or len(scaler.ids)
    _need(scaler.shared in (0, panel.channels), "the scaler", "one for each channel")
    _need(fitted == len(scaler.scalers), "the scaler", "as many ids as scalers")
    _need(scaler.ids.is_unique, "the scaler", "each id once")
    transformed = len(scaler.transformed)
    _need(transformed in (1, panel.channels), "the scaler", "a transform for each channel")
    if scaler.target_transform is not None:
        _check_target_transform(scaler.target_transform)
    _check_fitted(scaler.scalers, "the scaler")
    if isinstance(scaler.scalers, TransformerScalers):
        for transformer in (scaler.template, *scaler.scalers.transformers):
            _need(hasattr(transformer, "inverse_transform"), "the scaler", "transformers")
    else:
        _need(scaler.template in (*NAMED_SCALERS, None), "the scaler", "a known name")


def _check_fitted(scalers: SeriesScalers, what: str) -> None:
    if isinstance(scalers, TransformedScalers):
        count = (len(scalers.scalers),)
        fitting = scalers.applies.shape == scalers.ids.shape == count
        _need(
            fitting and scalers.applies.dtype == np.bool_,
            what,
            "a transform or none for each series",
        )
        _check_target_transform(scalers.target_transform)
        _check_fitted(scalers.scalers, what)
    if isinstance(scalers, AffineScalers):
        shapes = {scalers.centre.shape, scalers.scale.shape}
        _need(shapes == {(len(scalers),)}, what, "a centre and a scale for each id")


def _check_target_transform(transform: TargetTransform) -> None:
    known = transform.name in ("log1p", "count") and (transform.low, transform.high) == (0.0, None)
    if transform.name == "logit" and transform.high is not None:
        known = (
            np.isfinite(transform.low)
            and np.isfinite(transform.high)
            and transform.low < transform.high
        )
    _need(bool(known), "the target transform", "one that there is")


def _check_covariate_scaler(scaler: CovariateScaler | None, panel: Panel) -> None:
    what = "the scaler of the covariates"
    covariates = panel.covariates
    _need((scaler is None) == (covariates is None), what, "one where there are covariates")
    if scaler is None or covariates is None:
        return
    _need(len(scaler.schema) == len(covariates.schema), what, "the panel's covariates")
    for item, known in zip(scaler.schema, covariates.schema, strict=True):
        same = (item.name, item.role) == (known.name, known.role)
        if item.categories is None or known.categories is None:
            same &= item.categories is known.categories
        else:
            same &= item.categories.equals(known.categories)
        _need(same, what, "the panel's covariates")
    _need(scaler.ids.is_unique, what, "each id once")
    _need(len(scaler.scalers) == len(covariates.of_rows), what, "one for each column")
    for item, fitted in zip(covariates.of_rows, scaler.scalers, strict=True):
        numbers = item.categories is None and item.role != "cycle"
        _need(numbers == (fitted is not None), what, "one for each column of numbers")
        if fitted is not None:
            _need(len(fitted) == len(scaler.ids) + 1, what, "one for each id")
            _check_fitted(fitted, what)
    shapes = {scaler.centre.shape, scaler.scale.shape}
    _need(shapes == {(len(covariates.of_series),)}, what, "a centre and a scale")


def _check_calibration(calibration: Calibration) -> None:
    levels, factors = calibration.levels, calibration.factors
    fitting = levels.ndim == 1 and factors.ndim == 2 and len(levels) == len(factors)
    _need(fitting and factors.size > 0, "the calibration", "factors for each level")
    in_order = bool((np.diff(levels) > 0).all()) and bool((factors >= 0).all())
    _need(in_order and bool(np.isfinite(factors).all()), "the calibration", "usual factors")


def check_state(state: ForecastState) -> None:
    """Refuse a state whose parts don't belong together."""
    _check_panel(state.panel)
    _check_fitted(state.scalers, "the state")
    count, encoding = len(state.panel), state.encoding
    normaliser = encoding.normaliser
    _need(len(state.scalers) == count, "the state", "a scaler for each id")
    _need(normaliser.mean.shape == normaliser.spread.shape == (count, 1), "the state", "units")
    for loop in encoding.loops:
        rows = (loop.values, loop.known, encoding.residuals)
        _need(all(part.ndim == 2 and len(part) == count for part in rows), "the state", "rows")
        _need(loop.values.shape == loop.known.shape, "the state", "a flag for each value")
        shapes = {part.shape for part in loop.recurrent}
        one_size = len(loop.recurrent) in (1, 2) and len(shapes) == 1
        _need(one_size, "the state", "one size of network")
        loops = count // state.panel.channels
        _need(all(len(shape) == 3 and shape[1] == loops for shape in shapes), "the state", "loops")


def _check_settings(settings: Settings) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name == "random_state":
            _need(0 <= value < 2**63, f"random_state={value!r}", "a usual number")
            continue
        lowest = 1 if item.name in _ONE_OR_MORE else 0
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float):
                _need(lowest <= number <= _COUNT_LIMIT, f"{item.name}={value!r}", "a usual number")
    lags, residual = settings.lags, settings.residual_lag
    _need(lags[:1] == (1,) and list(lags) == sorted(set(lags)), f"lags={lags!r}", "1 and upwards")
    _need(residual is None or residual in lags, f"residual_lag={residual!r}", "one of the lags")
    _need(lags[-1] + settings.context_length <= _ROWS_LIMIT, "the context", "fewer rows")
    _need(settings.num_layers <= 4, f"num_layers={settings.num_layers}", "1 to 4")
    _need(settings.loss in get_args(Loss), f"loss={settings.loss!r}", "a known loss")
    members = settings.n_models
    _need(members <= MOST_MEMBERS, f"n_models={members}", f"{MOST_MEMBERS} or fewer")
    _need(settings.dropout < 1, f"dropout={settings.dropout}", "less than 1")


def _check_panel(panel: Panel) -> None:
    count, layout = len(panel.ids), panel.layout
    offsets, behind = panel.offsets, panel.behind
    _need(count >= 1 and panel.ids.is_unique, "the panel", "each id once")
    _need(offsets.shape == (count + 1,) and offsets[0] == 0, "the panel", "an offset for each id")
    _need(bool((np.diff(offsets) >= 1).all()), "the panel", "rows for each id")
    _need(panel.values.shape == (offsets[-1],), "the panel", "as many values as its offsets say")
    _need(len(panel.ends) == count, "the panel", "an end for each id")
    _need(behind.shape == (count,) and bool((behind >= 0).all()), "the panel", "rows behind")
    _need(int(behind.max()) <= _ROWS_LIMIT, "the panel", "fewer rows behind")
    _need(panel.frequency.suits(panel.ends), "the panel", "ends that suit its frequency")
    hash(panel.columns)
    _check_systems(panel)
    shown = len(panel.shown)
    if isinstance(layout, LongLayout):
        hash(layout.columns)
        ids = shown // len(panel.columns.targets)
        in_order = np.array_equal(np.sort(layout.appearance), np.arange(ids))
        _need(in_order, "the layout", "each id once")
        targets = {layout.columns.targets, panel.columns.targets}
        _need(len(targets) == 1, "the layout", "the panel's targets")
        fitting = len(layout.other_dtypes) == len(panel.columns.others)
        _need(fitting, "the layout", "a dtype for each target")
    else:
        fitting = len(layout.columns) == len(layout.dtypes) == shown
        _need(
            fitting and (shown == 1 or not layout.is_series), "the layout", "a column for each id"
        )
    if panel.covariates is not None:
        _check_covariates(panel, panel.covariates)
    else:
        read = (*panel.columns.future, *panel.columns.static)
        _need(not read, "the columns", "covariates where some are named")


def _check_systems(panel: Panel) -> None:
    """Series of a system lie side by side and are of one length."""
    channels, rolled = panel.channels, panel.rolled
    whole = channels >= 1 and len(panel) % channels == 0 and 0 <= rolled < channels
    _need(whole, "the panel", "whole systems")
    _need(rolled in (0, len(panel.columns.past)), "the panel", "a channel for each past covariate")
    for part in (panel.lengths, panel.behind):
        by_system = part.reshape(-1, channels)
        _need(bool((by_system == by_system[:, :1]).all()), "the panel", "systems of one length")
    levels = 2 if panel.names_channels else panel.ids.nlevels
    _need(panel.ids.nlevels == levels, "the panel", "ids of series and channel")
    if isinstance(panel.fill, str):
        check_fill(panel.fill)


def _check_covariates(panel: Panel, covariates: Covariates) -> None:
    what = "the covariates"
    rows = int((panel.lengths + panel.behind)[:: panel.channels].sum())
    systems = len(panel) // panel.channels
    _need(covariates.rows.shape == (rows, len(covariates.of_rows)), what, "a value for each row")
    fitting = covariates.static.shape == (systems, len(covariates.of_series))
    _need(fitting, what, "a value for each series")
    columns = [*covariates.rows.T, *covariates.static.T]
    order = [*covariates.of_rows, *covariates.of_series]
    columns_of_frame = {
        "future": panel.columns.future,
        "past": () if panel.rolled else panel.columns.past,
        "static": panel.columns.static,
    }
    for role, names in columns_of_frame.items():
        found = tuple(item.name for item in covariates.schema if item.role == role)
        _need(found == names, what, "the columns of the frame")
    _need([item.role for item in order] == [item.role for item in covariates.schema], what,
          "static ones at the end")  # fmt: skip
    for item, values in zip(order, columns, strict=True):
        if item.categories is not None:
            _need(item.categories.is_unique, what, "each category once")
            numbers = (values >= 0) & (values <= len(item.categories)) & (values % 1 == 0)
            _need(bool(numbers.all()), what, "numbers of categories")


def _need(holds: bool, what: str, expected: str) -> None:
    if not holds:
        raise CodecError(f"{what} can't be used: expected {expected}")


def weights_of(networks: Sequence[RecurrentNetwork]) -> dict[str, Tensor]:
    """The weights of all members, by name."""
    return {
        f"{_member(number)}{name}": tensor
        for number, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }


def networks_of(
    architecture: Architecture, count: int, weights: Mapping[str, Tensor]
) -> tuple[RecurrentNetwork, ...]:
    """And back: members with the weights of a file, which takes no memory before they are checked.

    Raises
    ------
    ModelFileError
        If the weights are others than those of such networks.
    """
    with torch.device("meta"):
        networks = tuple(architecture.network().eval() for _ in range(count))
    _check_weights(weights, weights_of(networks))
    for number, network in enumerate(networks):
        prefix = _member(number)
        own = {name: weights[f"{prefix}{name}"] for name in network.state_dict()}
        network.load_state_dict(own, assign=True)
    return networks


def _member(number: int) -> str:
    """What stands before the names of a member's weights."""
    return f"other_members.{number - 1}." if number else "network."


def _check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse weights other than a network's, before the network takes up any memory."""
    for name in sorted(set(weights) ^ set(expected)):
        state = "unknown" if name in weights else "missing"
        raise ModelFileError(f"can't be loaded: the weights {printable(name)} are {state}")
    for name, tensor in expected.items():
        found = weights[name]
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise ModelFileError(
                f"can't be loaded: the weights {name} are {found.dtype} of shape "
                f"{tuple(found.shape)}, not {tensor.dtype} of shape {tuple(tensor.shape)}"
            )
