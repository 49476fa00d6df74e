"""One safe file for a fitted model.

Nothing in the file is ever run: there is no pickle, `tsgen.io` checks sizes and hashes before
anything is parsed, and the types of a transformer before one is built; and this module that what
was read makes sense as a model before a network is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen.data import Covariate, Panel
from tsgen.errors import ModelFileError, warn_user
from tsgen.forecasters.settings import MOST_MEMBERS, Settings
from tsgen.inference import (
    PARTS,
    ROWS_LIMIT,
    Calibration,
    FittedModel,
    check_panel,
    check_scalers,
    check_target_transform,
    need,
)
from tsgen.io import (
    Codec,
    CodecError,
    Container,
    PathLike,
    about,
    check_target,
    printable,
    type_names,
)
from tsgen.nn import Architecture, RecurrentNetwork
from tsgen.preprocessing import (
    NAMED_SCALERS,
    CovariateScaler,
    PanelScaler,
    TransformerScalers,
    ValueRange,
)
from tsgen.training import STRATEGIES, Loss, TeacherForcing

__all__ = ["Snapshot", "load_model", "networks_of", "save_model", "warn_unless_savable"]

_PARTS = (
    *PARTS, Settings, PanelScaler, CovariateScaler, ValueRange, Calibration, *STRATEGIES.values(),
)  # fmt: skip
_ONE_OR_MORE = (
    "season_length", "context_length", "train_horizon", "hidden_size", "num_layers", "max_steps",
    "batch_size", "n_models",
)  # fmt: skip
_COUNT_LIMIT = 2**31 - 1


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
    calibration : Calibration, optional
    covariate_scaler : CovariateScaler, optional
    """

    params: dict[str, Any]
    settings: Settings
    panel: Panel
    scaler: PanelScaler
    value_range: ValueRange
    calibration: Calibration | None
    covariate_scaler: CovariateScaler | None


class Savable(Protocol):
    """A forecaster that can be saved: its constructor, and the two ways to a snapshot."""

    model_: FittedModel

    @classmethod
    def _get_param_names(cls) -> list[str]: ...

    def _snapshot(self) -> Snapshot: ...

    @classmethod
    def _restored(cls, snapshot: Snapshot, weights: Mapping[str, Tensor]) -> Self: ...


S = TypeVar("S", bound=Savable)


def save_model(model: Savable, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a fitted forecaster to one file, whole or not at all; as ``model.save`` says."""
    target = check_target(path, overwrite=overwrite)
    snapshot, left_out = _without_left_out(model._snapshot())
    for message in left_out:
        warn_user(message, UserWarning)
    weights = _weights_of(model.model_.networks)
    _packed(type(model).__name__, snapshot, weights).write(target, overwrite=overwrite)


def warn_unless_savable(model: Savable) -> None:
    """Say before a training what `save_model` would say after it, and what stands in the way."""
    snapshot, _ = _without_left_out(model._snapshot())
    try:
        _packed(type(model).__name__, _of_few_scalers(snapshot), {})
    except ModelFileError as error:
        warn_user(f"{error}. It is trained and forecasts all the same", UserWarning)


@isolated()
def load_model(path: PathLike, classes: Sequence[type[S]], *, trusted: Iterable[Any] = ()) -> S:
    """Read a forecaster of one of some classes from a file; as ``LSTMForecaster.load`` says.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsgen
    >>> from tsgen.forecasters.saving import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "notes.txt")
    ...     _ = path.write_text("buy milk")
    ...     load_model(path, [tsgen.LSTMForecaster])
    Traceback (most recent call last):
    ...
    tsgen.errors.ModelFileError: ...notes.txt is no tsgen model: ...
    """
    trusted = type_names(trusted)
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        kind = _choose(container.kind, classes)
        snapshot, weights = container.unpack(Snapshot, _PARTS, trusted)
        check_snapshot(snapshot)
        unknown = sorted(snapshot.params.keys() - kind._get_param_names())
        if unknown:
            raise CodecError(f"{kind.__name__} has no argument {written(unknown[0])}")
        return kind._restored(snapshot, weights)


def _choose(name: str, classes: Sequence[type[S]]) -> type[S]:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    accepted = " or ".join(kind.__name__ for kind in classes)
    how = "tsgen.load_state(path)" if name == "ForecastState" else f"{name}.load(path)"
    raise ModelFileError(f"holds a {name}, not a {accepted}: load it with {how}")


def _packed(kind: str, snapshot: Snapshot, weights: Mapping[str, Tensor]) -> Container:
    """The container of a snapshot, from which it was read again as a file would be."""
    with about("this model", "can't be saved"):
        container = Container.pack(kind, snapshot, weights, _PARTS)
        # A file that can't be read again is worse than an error now.
        check_snapshot(container.unpack(Snapshot, _PARTS, trusted=None)[0])
    return container


# --- what a file doesn't take --------------------------------------------------------------------


def _without_left_out(snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    """The snapshot without what a file can't name, and what to say of that."""
    params, settings = dict(snapshot.params), snapshot.settings
    messages = []
    for name, value in snapshot.params.items():
        if name == "calendar" and not _is_plain(value):
            params[name] = None
            messages.append(
                "calendar= is saved without its functions; after loading, pass it again with "
                "set_params(calendar=...)"
            )
        elif isinstance(value, Mapping):
            params[name] = {key: item for key, item in value.items() if _is_plain(item)}
            left_out = [written(key) for key in value if key not in params[name]]
            if left_out:
                messages.append(
                    f"{name} is saved without {', '.join(left_out)}, since only plain values can "
                    "be saved (numbers, text, lists, dicts); after loading, pass it again with "
                    f"set_params({name}=...)"
                )
    if not _is_plain(settings.training_strategy):
        # Teacher forcing stands in for it.
        params["training_strategy"] = "auto"
        messages.append(
            f"training_strategy={written(settings.training_strategy)} is of a class of your own "
            "and isn't saved; after loading, pass it again with set_params(training_strategy=...) "
            "before you fit anew"
        )
        settings = replace(settings, training_strategy=TeacherForcing())
    return replace(snapshot, params=params, settings=settings), messages


def _is_plain(value: Any) -> bool:
    try:
        Codec(_PARTS).encode(value)
    except (CodecError, RecursionError):
        return False
    return True


def _of_few_scalers(snapshot: Snapshot) -> Snapshot:
    """The same with the scaler of one series instead of all, which are made of the same types."""
    scaler, known = snapshot.scaler, snapshot.covariate_scaler
    if not scaler.shared:
        first = scaler.scalers.take(np.array([0]))
        scaler = replace(scaler, ids=scaler.ids[:1], scalers=first)
    if known is not None:
        # Of one series, and of those that aren't known.
        kept = np.array([0, len(known.ids)]) if len(known.ids) else np.array([0])
        few = tuple(part and part.take(kept) for part in known.scalers)
        known = replace(known, ids=known.ids[:1], scalers=few)
    return replace(snapshot, scaler=scaler, covariate_scaler=known)


# --- what must hold of a file --------------------------------------------------------------------


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuse a snapshot from which no forecast can come, or one that asks for absurd sizes."""
    panel, settings = snapshot.panel, snapshot.settings
    _check_settings(settings)
    check_panel(panel)
    _check_scaler(snapshot.scaler, panel)
    _check_covariate_scaler(snapshot.covariate_scaler, panel)
    need(settings.frequency == panel.frequency.name, "the settings", "the panel's frequency")
    if snapshot.calibration is not None:
        _check_calibration(snapshot.calibration)


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
    need(settings.n_models <= MOST_MEMBERS, f"n_models={settings.n_models}", "fewer members")
    need(settings.dropout < 1, f"dropout={settings.dropout}", "less than 1")


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


def _are_alike(one: Covariate, other: Covariate) -> bool:
    if one.categories is None or other.categories is None:
        same = one.categories is other.categories
    else:
        same = one.categories.equals(other.categories)
    return same and (one.name, one.role) == (other.name, other.role)


def _check_calibration(calibration: Calibration) -> None:
    levels, factors, what = calibration.levels, calibration.factors, "the calibration"
    fitting = levels.ndim == 1 and factors.ndim == 2 and len(levels) == len(factors)
    need(fitting and factors.size > 0, what, "factors for each level")
    in_order = bool((np.diff(levels) > 0).all()) and bool((factors >= 0).all())
    need(in_order and bool(np.isfinite(factors).all()), what, "usual factors")


# --- weights -------------------------------------------------------------------------------------


def _weights_of(networks: Sequence[RecurrentNetwork]) -> dict[str, Tensor]:
    """The weights of all members, by name."""
    return {
        f"{_member(number)}{name}": tensor
        for number, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }


def _member(number: int) -> str:
    """What stands before the names of a member's weights."""
    return f"other_members.{number - 1}." if number else "network."


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
    expected = _weights_of(networks)
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
