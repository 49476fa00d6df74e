"""One safe file for a fitted model, or for a state.

Nothing in the file is ever run: there is no pickle, `tsgen.archive` checks sizes and hashes before
anything is parsed, `tsgen.transformers` the types of a transformer before one is built, and this
module that what was read makes sense as a model before a network is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, get_args

import numpy as np
from torch import Tensor

from tsgen.archive import PathLike, check_target, mapping, printable
from tsgen.codec import CodecError, Encoder
from tsgen.container import Container, about
from tsgen.errors import ModelFileError, warn_user
from tsgen.frequency import (
    CalendarFrequency,
    FixedFrequency,
    IntegerFrequency,
    PeriodFrequency,
)
from tsgen.intervals import Calibration
from tsgen.objective import Loss
from tsgen.panel import Columns, LongLayout, Panel, WideLayout
from tsgen.rollout import RolloutState
from tsgen.scaling import (
    NAMED_SCALERS,
    AffineScalers,
    PanelScaler,
    SeriesScalers,
    TransformerScalers,
    WindowNormaliser,
)
from tsgen.settings import Settings
from tsgen.state import Encoding, ForecastState
from tsgen.windows import ValueRange

__all__ = [
    "Snapshot",
    "check_weights",
    "load_model",
    "load_state",
    "save_model",
    "save_state",
]

_COUNT_LIMIT = 2**31 - 1
_ROWS_LIMIT = 2**20
"""Rows that a forecast may read or run ahead; more would exhaust the memory of most machines."""

_RECORDS = (
    Settings, Columns, Panel, LongLayout, WideLayout, PanelScaler, AffineScalers,
    TransformerScalers, IntegerFrequency, PeriodFrequency, FixedFrequency, CalendarFrequency,
    ValueRange, Calibration,
)  # fmt: skip

_STATE = "ForecastState"
_NO_RANGE = ValueRange(-1e9, 1e9)


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
    """

    kind: str
    params: dict[str, Any]
    settings: Settings
    panel: Panel
    scaler: PanelScaler
    weights: dict[str, Tensor]
    value_range: ValueRange = _NO_RANGE
    calibration: Calibration | None = None


class Savable(Protocol):
    """A forecaster that can be saved: its constructor, and the two ways to a snapshot."""

    @classmethod
    def _get_param_names(cls) -> list[str]: ...

    def _snapshot(self) -> Snapshot: ...

    @classmethod
    def _restored(cls, snapshot: Snapshot) -> Self: ...


S = TypeVar("S", bound=Savable)


def save_model(model: Savable, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a fitted forecaster to one file; ``model.save`` is the way to call it.

    Parameters
    ----------
    model : forecaster
    path : path
        Such as ``"model.tsgen"``. Whatever happens while it is written, an older file there stays
        whole until the new one has taken its place.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists and ``overwrite`` is false. It is also a ``FileExistsError``.
    ModelFileError
        If a transformer or an id of the model has a type that can't be stored.
    OSError
        If the file can't be written, for instance because the disk is full.

    Warns
    -----
    UserWarning
        If arguments of ``trainer_kwargs``, such as callbacks, are left out.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> from tsgen.persistence import load_model, save_model
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.GRUForecaster(max_steps=5).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.tsgen")
    ...     loaded = load_model(f"{folder}/model.tsgen", [tsgen.GRUForecaster])
    >>> loaded.predict(12).equals(model.predict(12))
    True
    """
    target = check_target(path, overwrite=overwrite)
    snapshot = model._snapshot()
    container = _packed(snapshot)
    with about(path, "can't be written"):
        # A file that can't be read again is worse than an error now.
        _check(_unpacked(container, trusted=None))
    container.write(target, overwrite=overwrite)


def load_model(path: PathLike, classes: Sequence[type[S]], *, trusted: Iterable[Any] = ()) -> S:
    """Read a forecaster from a file; ``LSTMForecaster.load`` is the way to call it.

    Parameters
    ----------
    path : path
    classes : sequence of forecaster classes
        Those that are accepted.
    trusted : iterable of str or type
        Types of your own that a transformer in the file may be built from. Name those alone that
        you know: building them runs their code.

    Raises
    ------
    ModelFileError
        If the file is truncated, altered, unsafe, newer, no model or one of another class: the
        message says which. Nothing in the file was run.
    FileNotFoundError
        If there is none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsgen
    >>> from tsgen.persistence import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "notes.txt")
    ...     _ = path.write_text("buy milk")
    ...     load_model(path, [tsgen.LSTMForecaster])
    Traceback (most recent call last):
    ...
    tsgen.errors.ModelFileError: ...notes.txt is no tsgen model: ...
    """
    trusted = _type_names(trusted)
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        kind = _choose(container.kind, classes)
        snapshot = _unpacked(container, trusted)
        _check(snapshot)
        unknown = sorted(set(snapshot.params) - set(kind._get_param_names()))
        if unknown:
            raise CodecError(f"{kind.__name__} has no argument {unknown[0]!r}")
        return kind._restored(snapshot)


def save_state(state: ForecastState, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a state to one file, from which forecasts and updates go on later.

    Parameters
    ----------
    state : ForecastState
        From ``model.encode`` or ``model.update``; the model is saved apart.
    path : path
        Such as ``"monday.state"``.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists and ``overwrite`` is false. It is also a ``FileExistsError``.
    OSError
        If the file can't be written; what was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsgen.save_state(model.encode(df), f"{folder}/monday.state")
    ...     state = tsgen.load_state(f"{folder}/monday.state")
    >>> model.predict(11, state=state).equals(model.predict(11, df=df))
    True
    """
    target = check_target(path, overwrite=overwrite)
    encoding = state.encoding
    tensors = {
        "mean": encoding.normaliser.mean,
        "spread": encoding.normaliser.spread,
        "residuals": encoding.residuals,
        "values": encoding.loop.values,
        "known": encoding.loop.known,
    } | {f"recurrent.{i}": part for i, part in enumerate(encoding.loop.recurrent)}

    def encode(encoder: Encoder) -> dict[str, Any]:
        learned = {item.name: getattr(state, item.name) for item in fields(_StateFields)}
        return {name: encoder.encode(value) for name, value in learned.items()}

    with about("this state", "can't be saved"):
        container = Container.pack(_STATE, encode, tensors)
    container.write(target, overwrite=overwrite)


def load_state(path: PathLike, *, trusted: Iterable[Any] = ()) -> ForecastState:
    """Read a saved state; nothing in the file is run.

    Parameters
    ----------
    path : path
    trusted : list of str or type
        Types of your own that a transformer given as ``scaler`` is made of.

    Raises
    ------
    ModelFileError
        If the file is truncated, altered, unsafe, newer than this version of tsgen, or no state.
    """
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        if container.kind != _STATE:
            raise ModelFileError(f"holds a {container.kind}, not a state: load it with tsgen.load")
        decoder = container.decoder(_RECORDS, (Columns, LongLayout), _type_names(trusted))
        values = decoder.fields(_StateFields, container.fields)
        tensors = container.load_tensors()
        names = sorted(name for name in tensors if name.startswith("recurrent."))
        loop = RolloutState(
            tuple(tensors[name] for name in names), tensors["values"], tensors["known"]
        )
        normaliser = WindowNormaliser(tensors["mean"], tensors["spread"])
        state = ForecastState(encoding=Encoding(normaliser, loop, tensors["residuals"]), **values)
        _check_state(state)
        return state


def _choose(name: str, classes: Sequence[type[S]]) -> type[S]:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    accepted = " or ".join(kind.__name__ for kind in classes)
    how = "tsgen.load_state(path)" if name == _STATE else f"{name}.load(path)"
    raise ModelFileError(f"holds a {name}, not a {accepted}: load it with {how}")


def _type_names(trusted: Iterable[Any]) -> tuple[str, ...]:
    if isinstance(trusted, str | bool):
        raise TypeError(f"trusted={trusted!r}: expected a list of types, or of their full names")
    return tuple(
        item if isinstance(item, str) else f"{item.__module__}.{item.__qualname__}"
        for item in trusted
    )


# --- a model as a container ----------------------------------------------------------------------


def _packed(snapshot: Snapshot) -> Container:
    def encode(encoder: Encoder) -> dict[str, Any]:
        params = _savable(snapshot.params)
        learned = {item.name: getattr(snapshot, item.name) for item in fields(_Learned)}
        return {
            "params": {name: encoder.encode(value) for name, value in params.items()},
            **{name: encoder.encode(value) for name, value in learned.items()},
        }

    with about("this model", "can't be saved"):
        return Container.pack(snapshot.kind, encode, snapshot.weights)


def _unpacked(container: Container, trusted: Sequence[str] | None) -> Snapshot:
    """The snapshot, built with nothing in it trusted; ``None`` trusts the transformers."""
    decoder = container.decoder(_RECORDS, (Columns, LongLayout), trusted)
    plain = dict(container.fields)
    params = mapping(plain.pop("params"))
    return Snapshot(
        kind=container.kind,
        params={name: decoder.decode(value) for name, value in params.items()},
        weights=container.load_tensors(),
        **decoder.fields(_Learned, plain),
    )


@dataclass(frozen=True)
class _Learned:
    """The fields of a `Snapshot` that the codec reads."""

    settings: Settings
    panel: Panel
    scaler: PanelScaler
    value_range: ValueRange = _NO_RANGE
    calibration: Calibration | None = None


@dataclass(frozen=True)
class _StateFields:
    """The fields of a `ForecastState` that the codec reads."""

    panel: Panel
    scalers: SeriesScalers
    weights: int


def _savable(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those entries of mappings that aren't plain values."""
    savable = {}
    for name, value in params.items():
        if not isinstance(value, Mapping):
            savable[name] = value
            continue
        savable[name] = {key: item for key, item in value.items() if _is_plain(item)}
        left_out = [repr(key) for key in value if key not in savable[name]]
        if left_out:
            warn_user(
                f"{name} is saved without {', '.join(left_out)}, since only plain values can be "
                f"saved (numbers, text, lists, dicts); after loading, pass it again with "
                f"set_params({name}=...)",
                UserWarning,
            )
    return savable


def _is_plain(value: Any) -> bool:
    try:
        Encoder().encode(value)
    except (CodecError, RecursionError):
        return False
    return True


# --- what must hold of a model -------------------------------------------------------------------

_ONE_OR_MORE = (
    "season_length", "context_length", "train_horizon", "hidden_size", "num_layers", "max_steps",
    "batch_size",
)  # fmt: skip


def _check(snapshot: Snapshot) -> None:
    """Refuse a snapshot from which no forecast can come, or one that asks for absurd sizes."""
    _check_settings(snapshot.settings)
    _check_panel(snapshot.panel)
    panel, scaler = snapshot.panel, snapshot.scaler
    _need(len(scaler.ids) == len(scaler.scalers), "the scaler", "as many ids as scalers")
    _need(scaler.ids.is_unique, "the scaler", "each id once")
    if isinstance(scaler.scalers, AffineScalers):
        shapes = {scaler.scalers.centre.shape, scaler.scalers.scale.shape}
        _need(shapes == {(len(scaler.ids),)}, "the scaler", "a centre and a scale for each id")
    if isinstance(scaler.scalers, TransformerScalers):
        for transformer in (scaler.template, *scaler.scalers.transformers):
            _need(hasattr(transformer, "inverse_transform"), "the scaler", "transformers")
    else:
        _need(scaler.template in (*NAMED_SCALERS, None), "the scaler", "a known name")
    _need(
        snapshot.settings.frequency == panel.frequency.name, "the settings", "the panel's frequency"
    )
    if snapshot.calibration is not None:
        _check_calibration(snapshot.calibration)
    # Whether dtypes, ends and frequency fit together is best said by putting them to use.
    panel.forecast_frame(1, {"": np.zeros((len(panel), 1))})


def _check_calibration(calibration: Calibration) -> None:
    levels, factors = calibration.levels, calibration.factors
    fitting = levels.ndim == 1 and factors.ndim == 2 and len(levels) == len(factors)
    _need(fitting and factors.size > 0, "the calibration", "factors for each level")
    in_order = bool((np.diff(levels) > 0).all()) and bool((factors >= 0).all())
    _need(in_order and bool(np.isfinite(factors).all()), "the calibration", "usual factors")


def _check_state(state: ForecastState) -> None:
    """Refuse a state whose parts don't belong together."""
    _check_panel(state.panel)
    count, encoding = len(state.panel), state.encoding
    loop, normaliser = encoding.loop, encoding.normaliser
    _need(len(state.scalers) == count, "the state", "a scaler for each id")
    _need(normaliser.mean.shape == normaliser.spread.shape == (count, 1), "the state", "units")
    rows = (loop.values, loop.known, encoding.residuals)
    _need(all(part.ndim == 2 and len(part) == count for part in rows), "the state", "rows")
    _need(loop.values.shape == loop.known.shape, "the state", "a flag for each value")
    shapes = {part.shape for part in loop.recurrent}
    _need(len(loop.recurrent) in (1, 2) and len(shapes) == 1, "the state", "one size of network")
    _need(all(len(shape) == 3 and shape[1] == count for shape in shapes), "the state", "loops")


def _check_settings(settings: Settings) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
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
    if isinstance(layout, LongLayout):
        hash(layout.columns)
        in_order = np.array_equal(np.sort(layout.appearance), np.arange(count))
        _need(in_order, "the layout", "each id once")
    else:
        fitting = len(layout.columns) == len(layout.dtypes) == count
        _need(
            fitting and (count == 1 or not layout.is_series), "the layout", "a column for each id"
        )


def _need(holds: bool, what: str, expected: str) -> None:
    if not holds:
        raise CodecError(f"{what} can't be used: expected {expected}")


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse weights other than a network's, before the network takes up any memory.

    Parameters
    ----------
    weights : mapping of str to Tensor
    expected : mapping of str to Tensor
        The network's state dict; that of one on the meta device will do.

    Examples
    --------
    >>> import torch
    >>> from tsgen.persistence import check_weights
    >>> head = torch.nn.Linear(2, 1, device="meta")
    >>> check_weights(torch.nn.Linear(2, 1).state_dict(), head.state_dict())
    """
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
