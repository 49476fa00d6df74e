"""What a fitted forecaster comes to between itself and its file, and what must hold of it.

A file may say anything: what was read of one is checked here before a network is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor, nn

from tsgen.data import Covariate, Panel
from tsgen.errors import ModelFileError
from tsgen.forecasters.continuing import Origin, WarmStart
from tsgen.forecasters.encoder_decoder_settings import EncoderDecoderSettings
from tsgen.forecasters.settings import MOST_MEMBERS, Settings
from tsgen.forecasters.summary import FitRecord
from tsgen.inference import (
    ROWS_LIMIT,
    Calibration,
    SpreadCalibration,
    check_panel,
    check_scalers,
    check_target_transform,
    need,
)
from tsgen.io import printable
from tsgen.nn import ATTENTIONS, Cell
from tsgen.preprocessing import (
    NAMED_SCALERS,
    CovariateScaler,
    PanelScaler,
    TransformerScalers,
    ValueRange,
)
from tsgen.training import Loss

__all__ = [
    "Snapshot",
    "check_snapshot",
    "networks_of",
    "start_and_rest",
    "weights_of",
    "weights_of_start",
]

N = TypeVar("N", bound=nn.Module, covariant=True)


class Plan(Protocol[N]):
    """What networks are built from."""

    def network(self) -> N:
        """One with weights of its own."""


_ONE_OR_MORE = (
    "season_length", "context_length", "train_horizon", "hidden_size", "num_layers", "batch_size",
    "n_models",
)  # fmt: skip
_COUNT_LIMIT = 2**31 - 1
_START = "start."
"""What stands before the names of weights that another model went on from."""


@dataclass(frozen=True)
class Snapshot:
    """What a fitted forecaster comes to, between itself and its file, beside its weights.

    Attributes
    ----------
    params : dict of str to object
        The constructor's arguments.
    settings : Settings
    panel : Panel
        The end of the training series.
    scaler : PanelScaler
    value_range : ValueRange
        Of the values in training.
    calibration : Calibration or SpreadCalibration, optional
    covariate_scaler : CovariateScaler, optional
    origin : Origin, optional
        Of the fitted model that this one went on from; its weights stand beside the others.
    record : FitRecord, optional
        Of its own fit.
    """

    params: dict[str, Any]
    settings: Settings
    panel: Panel
    scaler: PanelScaler
    value_range: ValueRange
    calibration: Calibration | SpreadCalibration | None
    covariate_scaler: CovariateScaler | None
    origin: Origin | None = None
    record: FitRecord | None = None


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuse a snapshot from which no forecast can come, or one that asks for absurd sizes."""
    panel, settings = snapshot.panel, snapshot.settings
    _check_settings(settings)
    cell = snapshot.params.get("cell", "lstm")
    need(cell in get_args(Cell), "the cell", "a known one")
    check_panel(panel)
    _check_scaler(snapshot.scaler, panel)
    _check_covariate_scaler(snapshot.covariate_scaler, panel)
    need(settings.frequency == panel.frequency.name, "the settings", "the panel's frequency")
    if snapshot.calibration is not None:
        _check_calibration(snapshot.calibration)
    is_told = (snapshot.origin is not None) == (settings.init == "fitted")
    need(is_told, "the fitted model that this one went on from", "one where there is one")
    if snapshot.origin is not None:
        _check_origin(snapshot.origin, snapshot)


def _check_settings(settings: Settings) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name == "random_state":
            need(0 <= value < 2**63, f"random_state={value!r}", "a usual number")
            continue
        lowest = 1 if item.name in _ONE_OR_MORE else 0
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float):
                need(lowest <= number <= _COUNT_LIMIT, f"{item.name}={value!r}", "a usual number")
    lags, residual, loss = settings.lags, settings.residual_lag, settings.loss
    need(lags[:1] == (1,) and list(lags) == sorted(set(lags)), f"lags={lags!r}", "1 and upwards")
    need(residual is None or residual in lags, f"residual_lag={residual!r}", "one of the lags")
    need(lags[-1] + settings.context_length <= ROWS_LIMIT, "the context", "fewer rows")
    need(settings.num_layers <= 4, f"num_layers={settings.num_layers}", "1 to 4")
    need(loss in get_args(Loss), f"loss={loss!r}", "a known loss")
    members = settings.n_models
    need(members <= MOST_MEMBERS, f"n_models={members}", f"{MOST_MEMBERS} or fewer")
    need(settings.dropout < 1, f"dropout={settings.dropout}", "less than 1")
    if isinstance(settings, EncoderDecoderSettings):
        layers, kind = settings.encoder_layers, settings.attention
        need(1 <= layers <= 4, f"encoder_layers={layers}", "1 to 4")
        need(kind is None or kind in ATTENTIONS, f"attention={kind!r}", "a known attention")


def _check_scaler(scaler: PanelScaler, panel: Panel) -> None:
    what, scalers, known = "the scaler", scaler.scalers, (*NAMED_SCALERS, None)
    need(scaler.shared in (0, panel.channels), what, "one for each channel")
    need((scaler.shared or len(scaler.ids)) == len(scalers), what, "as many ids as scalers")
    need(scaler.ids.is_unique, what, "each id once")
    of_channels = len(scaler.transformed) in (1, panel.channels)
    need(of_channels, what, "a transform for each channel")
    if scaler.target_transform is not None:
        check_target_transform(scaler.target_transform)
    check_scalers(scalers, what)
    if isinstance(scalers, TransformerScalers):
        for transformer in (scaler.template, *scalers.transformers):
            need(hasattr(transformer, "inverse_transform"), what, "transformers")
    else:
        need(scaler.template in known, what, "a known name")


def _check_covariate_scaler(scaler: CovariateScaler | None, panel: Panel) -> None:
    what, covariates = "the scaler of the covariates", panel.covariates
    need((scaler is None) == (covariates is None), what, "one where there are covariates")
    if scaler is None or covariates is None:
        return
    of_panel = len(scaler.schema) == len(covariates.schema)
    of_panel = of_panel and all(map(_are_alike, scaler.schema, covariates.schema))
    need(of_panel, what, "the panel's covariates")
    need(scaler.ids.is_unique, what, "each id once")
    need(len(scaler.scalers) == len(covariates.of_rows), what, "one for each column")
    for item, fitted in zip(covariates.of_rows, scaler.scalers, strict=True):
        numbers = item.categories is None and item.role != "cycle"
        need(numbers == (fitted is not None), what, "one for each column of numbers")
        if fitted is not None:
            need(len(fitted) == len(scaler.ids) + 1, what, "one for each id")
            check_scalers(fitted, what)
    shapes = {scaler.centre.shape, scaler.scale.shape}
    need(shapes == {(len(covariates.of_series),)}, what, "a centre and a scale")


def _check_origin(origin: Origin, snapshot: Snapshot) -> None:
    """The model that another one went on from has the same lags, channels and covariates."""
    what, settings, panel = "the fitted model before this one", snapshot.settings, snapshot.panel
    _check_settings(origin.settings)
    need(origin.cell in get_args(Cell), what, "a known cell")
    need(1 <= origin.hidden_size <= _COUNT_LIMIT, what, "a usual number of units")
    alike = ("lags", "num_layers", "residual_lag", "n_models")
    same = all(getattr(origin.settings, name) == getattr(settings, name) for name in alike)
    need(same, what, "the same lags, layers and members")
    need((origin.channels, origin.rolled) == (panel.channels, panel.rolled), what, "its channels")
    schema = () if panel.covariates is None else panel.covariates.schema
    need(len(origin.schema) == len(schema), what, "its covariates")
    for known, own in zip(origin.schema, schema, strict=True):
        first = own.categories
        if known.categories is not None and first is not None:
            first = first[: len(known.categories)]
        need(_are_alike(known, replace(own, categories=first)), what, "its covariates")
    for seen in origin.seen:
        check_panel(seen)


def _are_alike(one: Covariate, other: Covariate) -> bool:
    if one.categories is None or other.categories is None:
        same = one.categories is other.categories
    else:
        same = one.categories.equals(other.categories)
    return same and (one.name, one.role) == (other.name, other.role)


def _check_calibration(calibration: Calibration | SpreadCalibration) -> None:
    levels, factors, what = calibration.levels, calibration.factors, "the calibration"
    before = (2,) if isinstance(calibration, SpreadCalibration) else ()
    fitting = levels.ndim == 1 and factors.shape[:-1] == (*before, len(levels))
    need(fitting and factors.size > 0, what, "factors for each level")
    in_order = bool((np.diff(levels) > 0).all()) and bool((factors >= 0).all())
    need(in_order and bool(np.isfinite(factors).all()), what, "usual factors")


# --- weights -------------------------------------------------------------------------------------


def weights_of(networks: Sequence[nn.Module]) -> dict[str, Tensor]:
    """The weights of all members, by name."""
    return {
        f"{_member(number)}{name}": tensor
        for number, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }


def weights_of_start(start: WarmStart | None) -> dict[str, Tensor]:
    """Those of the fitted model that another one went on from, by names of their own."""
    if start is None:
        return {}
    return {f"{_START}{name}": weight for name, weight in weights_of(start.networks).items()}


def start_and_rest(
    origin: Origin | None, weights: Mapping[str, Tensor]
) -> tuple[WarmStart | None, dict[str, Tensor]]:
    """And back: the model that another one went on from, and the weights of that other one.

    Raises
    ------
    ModelFileError
        If the weights are others than those of such networks.
    """
    if origin is None:
        return None, dict(weights)
    of_start = {n.removeprefix(_START): w for n, w in weights.items() if n.startswith(_START)}
    rest = {name: weight for name, weight in weights.items() if not name.startswith(_START)}
    networks = networks_of(origin.architecture, origin.settings.n_models, of_start)
    return WarmStart(origin, networks), rest


def _member(number: int) -> str:
    """What stands before the names of a member's weights."""
    return f"other_members.{number - 1}." if number else "network."


def networks_of(architecture: Plan[N], count: int, weights: Mapping[str, Tensor]) -> tuple[N, ...]:
    """And back: members with the weights of a file, which takes no memory before they are checked.

    Raises
    ------
    ModelFileError
        If the weights are others than those of such networks.
    """
    with torch.device("meta"):
        networks = tuple(architecture.network().eval() for _ in range(count))
    expected = weights_of(networks)
    for name in sorted(weights.keys() ^ expected.keys()):
        state = "unknown" if name in weights else "missing"
        raise ModelFileError(f"can't be loaded: the weights {printable(name)} are {state}")
    for name, tensor in expected.items():
        found, wanted = (f"{w.dtype} of shape {tuple(w.shape)}" for w in (weights[name], tensor))
        if found != wanted:
            raise ModelFileError(f"can't be loaded: the weights {name} are {found}, not {wanted}")
    for number, network in enumerate(networks):
        prefix = _member(number)
        own = {name: weights[f"{prefix}{name}"] for name in network.state_dict()}
        network.load_state_dict(own, assign=True)
    return networks
