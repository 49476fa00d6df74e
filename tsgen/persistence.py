"""One safe file for a fitted model: a manifest, safetensors, and skops for a user's transformers.

The file is an uncompressed zip of a few named members. Nothing in it is ever run: there is no
pickle, sizes are checked before anything is read, the sha256 of a member before it is parsed, and
the types of a transformer against a fixed list before one is built. It is written beside its
target and moved into place, so that whoever reads sees one whole model, the old or the new.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import os
import re
import secrets
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, TypeVar, cast, get_args
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from tsgen.codec import CodecError, Decoder, Encoder
from tsgen.errors import ModelExistsError, ModelFileError, TsgenError
from tsgen.frame import Columns, LongLayout, Panel, WideLayout
from tsgen.frequency import (
    CalendarFrequency,
    FixedFrequency,
    Frequency,
    IntegerFrequency,
    PeriodFrequency,
)
from tsgen.objective import Loss
from tsgen.scaling import NAMED_SCALERS, AffineScalers, PanelScaler, TransformerScalers
from tsgen.settings import Settings

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be deleted, so that no lock is needed
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "FORMAT",
    "Snapshot",
    "check_target",
    "check_weights",
    "load_model",
    "save_model",
]

FORMAT = 1
"""Of the files written; files of a higher number are refused."""

_MANIFEST, _WEIGHTS, _ARRAYS, _SCALER = (
    "manifest.json",
    "weights.safetensors",
    "arrays.safetensors",
    "scaler.skops",
)
_MEMBERS = (_MANIFEST, _WEIGHTS, _ARRAYS, _SCALER)
_JSON_LIMIT = 64 * 2**20
_DIRECTORY_LIMIT = 4096
_FILE_LIMIT = 2**36
_COUNT_LIMIT = 2**31 - 1
_ROWS_LIMIT = 2**20
"""Rows that a forecast may read or run ahead; more would exhaust the memory of most machines."""

_RECORDS = (
    Settings, Columns, Panel, LongLayout, WideLayout, PanelScaler, AffineScalers,
    TransformerScalers, IntegerFrequency, PeriodFrequency, FixedFrequency, CalendarFrequency,
)  # fmt: skip

_COPY_AGAIN = "copy it again from where it was saved, or save the model anew"
_BEWARE = "no tsgen model has that, so don't use this file; ask whoever made it for a sound one"

PathLike = str | os.PathLike[str]


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
    """

    kind: str
    params: dict[str, Any]
    settings: Settings
    panel: Panel
    scaler: PanelScaler
    weights: dict[str, Tensor]


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
    _write_whole(target, contents.members(), overwrite=overwrite)


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
        contents = _read(Path(path))
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
                scaler=_dump_objects(encoder.objects) if encoder.objects else None,
            )

    def members(self) -> dict[str, bytes]:
        """The bytes of each member, the manifest first."""
        members = {_WEIGHTS: self.weights, _ARRAYS: self.arrays}
        if self.scaler is not None:
            members[_SCALER] = self.scaler
        manifest = {
            "format": FORMAT,
            "tsgen": _version(),
            "class": self.kind,
            "members": {
                name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                for name, data in members.items()
            },
            "model": self.fields,
        }
        text = json.dumps(manifest, indent=1, allow_nan=False)
        return {_MANIFEST: text.encode("ascii")} | members

    def snapshot(self, trusted: Sequence[str] | None) -> Snapshot:
        """The snapshot, built with nothing in it trusted; ``None`` trusts the transformers."""
        # Copied: what safetensors returns is read-only and may lie anywhere in memory.
        arrays = {
            name: np.array(values) for name, values in safetensors.numpy.load(self.arrays).items()
        }
        objects = [] if self.scaler is None else _load_objects(self.scaler, trusted)
        decoder = Decoder(arrays, objects, _RECORDS, labels=(Columns, LongLayout))
        plain = dict(self.fields)
        params = {
            name: decoder.decode(value) for name, value in _mapping(plain.pop("params")).items()
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


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CodecError(f"expected names and values, got a {type(value).__name__}")
    return value


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


# --- transformers --------------------------------------------------------------------------------

_SCALERS = (
    "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "PowerTransformer",
    "QuantileTransformer", "RobustScaler", "StandardScaler",
)  # fmt: skip
_UFUNCS = (
    "absolute", "arcsinh", "arctan", "arctanh", "cbrt", "exp", "exp2", "expm1", "log", "log10",
    "log1p", "log2", "negative", "positive", "reciprocal", "sinh", "sqrt", "square", "tan", "tanh",
)  # fmt: skip
_SCIPY_UFUNCS = ("boxcox", "expit", "inv_boxcox", "logit")
_TRUSTED = frozenset(
    [
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "set", "slice")),
        *(f"builtins.{name}" for name in ("str", "tuple")),
        *(f"numpy.{name}" for name in ("bool", "bool_", "float32", "float64", "int32", "int64")),
        *(f"numpy.{name}" for name in ("ndarray", *_UFUNCS)),
        # Which of its two modules scipy finds a function in depends on its version.
        *(f"scipy.special._ufuncs.{name}" for name in _SCIPY_UFUNCS),
        *(f"scipy.special._special_ufuncs.{name}" for name in _SCIPY_UFUNCS),
        *(f"sklearn.preprocessing._data.{name}" for name in _SCALERS),
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
        "sklearn.pipeline.Pipeline",
    ]
)
"""All that a transformer may be made of, unless the caller trusts more."""


def _dump_objects(objects: list[Any]) -> bytes:
    import skops.io

    try:
        data: bytes = skops.io.dumps(objects)
        # A lambda, for one, is written without complaint and can't be found again.
        skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    except Exception as error:
        raise ModelFileError(
            f"can't be saved: its scaler can't be written and read again ({error}); use a "
            "transformer and functions that stand under their names in a module that can be "
            "imported"
        ) from error
    return data


def _load_objects(data: bytes, trusted: Sequence[str] | None) -> list[Any]:
    """Build the transformers, if all they are made of is on the list or trusted by the caller."""
    with _damage("its scaler"), ZipFile(io.BytesIO(data)) as archive:
        for info in _checked_infos(archive, len(data)):
            if info.filename != "schema.json":
                _check_array_member(info.filename, archive.read(info))
        schema = _parse_json(archive.read("schema.json"), "its scaler's schema")
    import skops.io

    if trusted is None:
        trusted = skops.io.get_untrusted_types(data=data)
    else:
        unknown = sorted(set(_types_of(schema)) - _TRUSTED - set(trusted))
        if unknown:
            names = ", ".join(map(_printable, unknown[:5]))
            raise ModelFileError(
                f"has a scaler made of types that aren't trusted: {names}; nothing was run. If you "
                f"know them and trust their code, pass trusted=[{names}] to load"
            )
    objects = skops.io.loads(data, trusted=list(trusted))
    if not isinstance(objects, list):
        raise CodecError("the scaler isn't a list of transformers")
    return objects


def _types_of(schema: Any) -> Iterator[str]:
    """All types and functions that a skops schema names."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__class__" in node or "__module__" in node:
                name = f"{node.get('__module__')}.{node.get('__class__')}"
                if node.get("__loader__") == "MethodNode":
                    name = f"{name}.{_mapping(node.get('content')).get('func')}"
                yield name
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_array_member(name: str, data: bytes) -> None:
    """An array of the size that its header says, and no objects: what numpy would then allocate."""
    if not re.fullmatch(r"\d{1,20}\.npy", name):
        raise ModelFileError(f"has a scaler with the member {_printable(name)}: {_BEWARE}")
    file = io.BytesIO(data)
    read_header: dict[Any, Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read_header[np.lib.format.read_magic(file)](file)
    size = dtype.itemsize
    for length in shape:  # Python's integers don't overflow
        size *= length
    if dtype.hasobject or size != len(data) - file.tell():
        raise ModelFileError(f"has a scaler with a false array {_printable(name)}: {_BEWARE}")


# --- reading -------------------------------------------------------------------------------------


def _read(path: Path) -> _Contents:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    if not stat.S_ISREG(mode):
        raise ModelFileError("is no file but a folder or a device: pass the model's own path")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_ends(file, size)
        with _damage("it"), ZipFile(file) as archive:
            infos = {info.filename: info for info in _checked_infos(archive, size)}
            if _MANIFEST not in infos:
                raise ModelFileError(f"lacks its manifest: {_COPY_AGAIN}")
            manifest = _manifest(archive.read(infos[_MANIFEST]))
            expected = _mapping(manifest["members"])
            _check_names(set(infos), set(expected) | {_MANIFEST})
            members = {
                name: _verified(archive.read(infos[name]), name, entry)
                for name, entry in expected.items()
            }
    return _Contents(
        kind=manifest["class"],
        fields=_mapping(manifest["model"]),
        weights=members[_WEIGHTS],
        arrays=members[_ARRAYS],
        scaler=members.get(_SCALER),
    )


@contextlib.contextmanager
def _damage(what: str) -> Iterator[None]:
    """Whatever zipfile finds wrong is damage; it has no one type for that."""
    try:
        yield
    except (ModelFileError, CodecError, MemoryError):
        raise
    except Exception as error:
        raise ModelFileError(
            f"is damaged ({what}: {type(error).__name__}: {error}): {_COPY_AGAIN}"
        ) from error


def _check_ends(file: BinaryIO, size: int) -> None:
    """Tell what is no model from what is a cut one, by the first and the last bytes."""
    head = file.read(30 + len(_MANIFEST))
    start = head[:4]
    if size == 0:
        raise ModelFileError(f"is empty: {_COPY_AGAIN}")
    if re.match(rb"\x80[\x02-\x05]", start):
        raise ModelFileError(
            "is no tsgen model but a pickle, which can run any code and which tsgen never opens: "
            "save models with model.save(path)"
        )
    if start != b"PK\x03\x04"[: len(start)]:
        raise ModelFileError(
            f"is no tsgen model: it starts with {start!r}; such files are made by model.save(path)"
        )
    if size > _FILE_LIMIT:
        raise ModelFileError(f"is too large for a model, {size:,} bytes: {_BEWARE}")
    if len(head) == 30 + len(_MANIFEST) and not head.endswith(_MANIFEST.encode()):
        raise ModelFileError(
            "is a zip that doesn't start with a tsgen manifest, and so no tsgen model (PyTorch "
            "checkpoints are such zips; they hold pickles, which tsgen never opens): save models "
            "with model.save(path)"
        )
    file.seek(-min(size, 42), os.SEEK_END)
    end = file.read()
    # The end of a zip without a comment, as we write it.
    if len(end) < 42 or end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFileError(f"is cut short, or something was added behind its end: {_COPY_AGAIN}")
    # zipfile reads the whole directory, or the one of the 64-bit record, which only files of more
    # than 4 GiB have.
    bogus = end[:4] == b"PK\x06\x07" and size < 2**32
    if bogus or int.from_bytes(end[-10:-6], "little") > _DIRECTORY_LIMIT:
        raise ModelFileError(f"has far too long a list of members: {_BEWARE}")
    file.seek(0)


def _checked_infos(archive: ZipFile, size: int) -> list[ZipInfo]:
    """The members, if their declared sizes, kinds and names are harmless."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    for info in infos:
        _check_info(info)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelFileError(f"has the member {_printable(twice)} twice: {_BEWARE}")
    # Members that overlap could declare more than the file holds.
    if sum(info.file_size for info in infos) > size:
        raise ModelFileError(f"declares more bytes than it has, as a zip bomb does: {_BEWARE}")
    return infos


def _check_info(info: ZipInfo) -> None:
    name = _printable(info.filename)
    if re.search(r"[/\\:\0]|\.\.", info.filename) or info.filename != info.orig_filename:
        raise ModelFileError(f"has a member with the path {name}: {_BEWARE}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ModelFileError(f"has the symbolic link {name}: {_BEWARE}")
    if info.compress_type != ZIP_STORED or info.file_size != info.compress_size:
        raise ModelFileError(f"has the compressed member {name}, as a zip bomb has: {_BEWARE}")
    if info.flag_bits or info.is_dir():
        raise ModelFileError(f"has the member {name} with unknown flags: {_BEWARE}")
    if info.filename.endswith(".json") and info.file_size > _JSON_LIMIT:
        raise ModelFileError(f"has a member {name} of {info.file_size:,} bytes: {_BEWARE}")


def _manifest(data: bytes) -> dict[str, Any]:
    """The manifest, if it is one that this version can read."""
    manifest = _parse_json(data, _MANIFEST)
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(f"is no tsgen model: its {_MANIFEST} names no format")
    writer = manifest.get("tsgen")
    if version > FORMAT:
        raise ModelFileError(
            f"was written by tsgen {_printable(writer)} in format {version}, but this is tsgen "
            f"{_version()}, which reads formats up to {FORMAT}: pip install --upgrade tsgen"
        )
    kind = manifest.get("class")
    if not isinstance(kind, str) or not re.fullmatch(r"\w{1,100}", kind):
        raise CodecError("the manifest names no class")
    return cast(dict[str, Any], manifest)


def _check_names(found: set[str], expected: set[str]) -> None:
    unknown = sorted((found - expected) | (expected - set(_MEMBERS)))
    if unknown:
        raise ModelFileError(f"has a member {_printable(unknown[0])} too many: {_BEWARE}")
    missing = sorted((expected | {_WEIGHTS, _ARRAYS}) - (found & expected))
    if missing:
        raise ModelFileError(f"lacks its member {missing[0]}: {_COPY_AGAIN}")


def _verified(data: bytes, name: str, entry: Any) -> bytes:
    right = _mapping(entry).get("sha256"), _mapping(entry).get("size")
    if right != (hashlib.sha256(data).hexdigest(), len(data)):
        raise ModelFileError(f"was altered: {name} has not the sha256 it was saved with")
    return data


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
        raise ModelFileError(f"can't be loaded: the weights {_printable(name)} are {state}")
    for name, tensor in expected.items():
        found = weights[name]
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise ModelFileError(
                f"can't be loaded: the weights {name} are {found.dtype} of shape "
                f"{tuple(found.shape)}, not {tensor.dtype} of shape {tuple(tensor.shape)}"
            )


def _parse_json(data: bytes, what: str) -> Any:
    """Strict JSON: no name twice, no NaN, no depth that could exhaust the stack."""
    try:
        return json.loads(data, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except RecursionError:
        raise ModelFileError(f"has a {what} nested absurdly deep: {_BEWARE}") from None
    except ValueError as error:
        raise ModelFileError(f"is damaged ({what} is no JSON: {error}): {_COPY_AGAIN}") from error


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(pairs)
    if len(known) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return known


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _printable(value: Any, most: int = 80) -> str:
    """Text of a stranger for a message: escaped, and never long."""
    return repr(str(value)[:most])


# --- writing -------------------------------------------------------------------------------------


def check_target(path: PathLike, *, overwrite: bool) -> Path:
    """Where a model shall be written, behind all links, or an error before any work is done.

    Examples
    --------
    >>> from tsgen.persistence import check_target
    >>> check_target("no such folder/model.tsgen", overwrite=False)
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no folder ...no such folder: create it before saving
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: pass the path of a file in it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}: create it before saving")
    if not overwrite and target.exists():
        raise _exists(target)
    return target


def _exists(target: Path) -> ModelExistsError:
    return ModelExistsError(f"{target} exists: pass overwrite=True to replace it")


def _write_whole(target: Path, members: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write beside the target, and move into place what is safely on the disk."""
    _sweep(target)
    temporary: Path | None = None
    try:
        file, temporary = _create_beside(target)
        with file:
            _write_zip(file, members)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows doesn't move an open file
            # Elsewhere it is still locked: no other process takes it for a leftover.
            _move(temporary, target, overwrite=overwrite)
    except ModelExistsError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"can't save the model ({error.strerror or error}); what was there before is untouched",
            str(target),
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _write_zip(file: BinaryIO, members: Mapping[str, bytes]) -> None:
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, data in members.items():
            # A fixed date: the same model is the same file.
            info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)


def _move(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite:
        # Unlike a move, a link never replaces what another process has put there meanwhile.
        try:
            os.link(temporary, target)
            return
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without links
            if target.exists():
                raise _exists(target) from None
    os.replace(temporary, target)


def _sync_folder(folder: Path) -> None:
    """Make the move itself last; not every system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _create_beside(target: Path) -> tuple[BinaryIO, Path]:
    """A new file in the target's folder, locked for as long as it is open."""
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        file = path.open("x+b")
        _lock(file, wait=True)
        # Between the two lines above another process may have swept it away.
        if fcntl is None or os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()


def _sweep(target: Path) -> None:
    """Remove what saves to the same target left when they were killed; a living one is locked."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}\.tmp")
    for path in target.parent.iterdir():
        if pattern.fullmatch(path.name) and not path.is_symlink():
            with contextlib.suppress(OSError), path.open("r+b") as file:
                _lock(file, wait=False)
                if fcntl is not None:
                    path.unlink()
            if fcntl is None:
                with contextlib.suppress(OSError):
                    path.unlink()


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file; ``OSError`` if another process holds it and we shall not wait."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:
            raise  # held by a living save; or the file system has no locks, and nothing is swept
