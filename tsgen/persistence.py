"""One safe file for a fitted model: a manifest, safetensors, and skops for a user's transformers.

Nothing in the file is ever run: there is no pickle, `tsgen.archive` checks sizes and hashes before
anything is parsed, `tsgen.transformers` the types of a transformer before one is built, and this
module that what was read makes sense as a model before a network is.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, get_args

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from tsgen.archive import (
    MANIFEST,
    PathLike,
    check_target,
    mapping,
    printable,
    read_archive,
    write_archive,
)
from tsgen.codec import CodecError, Decoder, Encoder
from tsgen.errors import ModelFileError, TsgenError
from tsgen.frequency import (
    CalendarFrequency,
    FixedFrequency,
    Frequency,
    IntegerFrequency,
    PeriodFrequency,
)
from tsgen.intervals import Calibration
from tsgen.objective import Loss
from tsgen.panel import Columns, LongLayout, Panel, WideLayout
from tsgen.scaling import NAMED_SCALERS, AffineScalers, PanelScaler, TransformerScalers
from tsgen.settings import Settings
from tsgen.transformers import dump_objects, load_objects
from tsgen.windows import ValueRange

__all__ = [
    "FORMAT",
    "Snapshot",
    "check_weights",
    "load_model",
    "save_model",
]

FORMAT = 2
"""Of the files written; files of a higher number are refused."""

_WEIGHTS, _ARRAYS, _SCALER = "weights.safetensors", "arrays.safetensors", "scaler.skops"
_COUNT_LIMIT = 2**31 - 1
_ROWS_LIMIT = 2**20
"""Rows that a forecast may read or run ahead; more would exhaust the memory of most machines."""

_RECORDS = (
    Settings, Columns, Panel, LongLayout, WideLayout, PanelScaler, AffineScalers,
    TransformerScalers, IntegerFrequency, PeriodFrequency, FixedFrequency, CalendarFrequency,
    ValueRange, Calibration,
)  # fmt: skip

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
    contents = _Contents.of(snapshot)
    with _about(path, "can't be written"):
        # A file that can't be read again is worse than an error now.
        _check(contents.snapshot(trusted=None))
    contents.write(target, overwrite=overwrite)


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
    with _about(path, "can't be loaded"):
        contents = _Contents.read(Path(path))
        kind = _choose(contents.kind, classes)
        snapshot = contents.snapshot(trusted)
        _check(snapshot)
        unknown = sorted(set(snapshot.params) - set(kind._get_param_names()))
        if unknown:
            raise CodecError(f"{kind.__name__} has no argument {unknown[0]!r}")
        return kind._restored(snapshot)


def _choose(name: str, classes: Sequence[type[S]]) -> type[S]:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    accepted = " or ".join(kind.__name__ for kind in classes)
    raise ModelFileError(f"holds a {name}, not a {accepted}: load it with {name}.load(path)")


def _type_names(trusted: Iterable[Any]) -> tuple[str, ...]:
    if isinstance(trusted, str | bool):
        raise TypeError(f"trusted={trusted!r}: expected a list of types, or of their full names")
    return tuple(
        item if isinstance(item, str) else f"{item.__module__}.{item.__qualname__}"
        for item in trusted
    )


@contextlib.contextmanager
def _about(path: PathLike, what: str) -> Iterator[None]:
    """Say of which file the errors of the block are, and make one type of them.

    Inside, a message is what comes after the file's name. The contents are not to be trusted, so
    that any error of the libraries that meet them is an error of the file.
    """
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{path} {error}") from error.__cause__
    except (TsgenError, OSError, MemoryError) as error:
        if isinstance(error, TsgenError) and isinstance(error, ValueError):
            raise ModelFileError(f"{path} {what}: {error}") from error
        raise
    except CodecError as error:
        raise ModelFileError(f"{path} {what}: {error}") from error
    except Exception as error:
        raise ModelFileError(
            f"{path} {what}: its parts don't fit together ({type(error).__name__}: {error})"
        ) from error


def _version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)


# --- contents ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Contents:
    """A snapshot in the form in which it is stored."""

    kind: str
    fields: Mapping[str, Any]
    weights: bytes
    arrays: bytes
    scaler: bytes | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Contents:
        encoder = Encoder(objects=[])
        with _about("this model", "can't be saved"):
            params = {
                name: encoder.encode(value) for name, value in _savable(snapshot.params).items()
            }
            plain = {
                item.name: encoder.encode(getattr(snapshot, item.name))
                for item in fields(Snapshot)
                if item.name not in ("kind", "params", "weights")
            }
            weights = {
                name: tensor.detach().cpu().contiguous().clone()
                for name, tensor in snapshot.weights.items()
            }
            return cls(
                kind=snapshot.kind,
                fields={"params": params} | plain,
                weights=safetensors.torch.save(weights),
                arrays=safetensors.numpy.save(encoder.arrays),
                scaler=dump_objects(encoder.objects) if encoder.objects else None,
            )

    @classmethod
    def read(cls, path: Path) -> _Contents:
        manifest, members = read_archive(
            path, _check_manifest, required=(_WEIGHTS, _ARRAYS), optional=(_SCALER,)
        )
        return cls(
            kind=manifest["class"],
            fields=mapping(manifest["model"]),
            weights=members[_WEIGHTS],
            arrays=members[_ARRAYS],
            scaler=members.get(_SCALER),
        )

    def write(self, target: Path, *, overwrite: bool) -> None:
        manifest = {
            "format": FORMAT,
            "tsgen": _version(),
            "class": self.kind,
            "model": self.fields,
        }
        members = {_WEIGHTS: self.weights, _ARRAYS: self.arrays}
        if self.scaler is not None:
            members[_SCALER] = self.scaler
        write_archive(target, manifest, members, overwrite=overwrite)

    def snapshot(self, trusted: Sequence[str] | None) -> Snapshot:
        """The snapshot, built with nothing in it trusted; ``None`` trusts the transformers."""
        # Copied: what safetensors returns is read-only and may lie anywhere in memory.
        arrays = {
            name: np.array(values) for name, values in safetensors.numpy.load(self.arrays).items()
        }
        objects = [] if self.scaler is None else load_objects(self.scaler, trusted)
        decoder = Decoder(arrays, objects, _RECORDS, labels=(Columns, LongLayout))
        plain = dict(self.fields)
        params = {
            name: decoder.decode(value) for name, value in mapping(plain.pop("params")).items()
        }
        values = decoder.fields(_Learned, plain)
        return Snapshot(
            kind=self.kind,
            params=params,
            weights=safetensors.torch.load(self.weights),
            **values,
        )


@dataclass(frozen=True)
class _Learned:
    """The fields of a `Snapshot` that the codec reads."""

    settings: Settings
    panel: Panel
    scaler: PanelScaler
    value_range: ValueRange = _NO_RANGE
    calibration: Calibration | None = None


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
            warnings.warn(
                f"{name} is saved without {', '.join(left_out)}, since only plain values can be "
                f"saved (numbers, text, lists, dicts); after loading, pass it again with "
                f"set_params({name}=...)",
                UserWarning,
                stacklevel=5,
            )
    return savable


def _is_plain(value: Any) -> bool:
    try:
        Encoder().encode(value)
    except (CodecError, RecursionError):
        return False
    return True


def _check_manifest(manifest: Any) -> None:
    """Refuse a manifest that this version can't read."""
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(f"is no tsgen model: its {MANIFEST} names no format")
    writer = manifest.get("tsgen")
    if version > FORMAT:
        raise ModelFileError(
            f"was written by tsgen {printable(writer)} in format {version}, but this is tsgen "
            f"{_version()}, which reads formats up to {FORMAT}: pip install --upgrade tsgen"
        )
    kind = manifest.get("class")
    if not isinstance(kind, str) or not re.fullmatch(r"\w{1,100}", kind):
        raise ModelFileError("can't be loaded: the manifest names no class")


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
    # Whether dtypes, ends and frequency fit together is best said by putting them to use.
    panel.forecast_frame(1, {"": np.zeros((len(panel), 1))})


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
    _need(_is_time(panel.ends, panel.frequency), "the panel", "ends that suit its frequency")
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


def _is_time(ends: pd.Index, frequency: Frequency) -> bool:
    if isinstance(frequency, IntegerFrequency):
        return pd.api.types.is_integer_dtype(ends.dtype)
    if isinstance(frequency, PeriodFrequency):
        return bool(ends.dtype == frequency.dtype)
    return isinstance(ends, pd.DatetimeIndex)


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
