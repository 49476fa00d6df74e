"""pandas objects and dataclasses as plain JSON values and arrays, and back with equal dtypes.

A plain value is written as it is; all else as ``{tag: payload}`` with one of a fixed list of tags,
so that reading builds nothing but what stands in this file. Arrays go to a table beside the JSON,
and so do objects (a user's scikit-learn transformers), whose saving is another module's task.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen.errors import MissingExtraError
from tsgen.io.plain_values import (
    LEAVES,
    CodecError,
    Leaf,
    expect,
    offset_of,
    plain_offset,
    plain_zone,
    short,
    zone_of,
)

__all__ = ["CodecError", "Decoder", "Encoder", "fits"]

AnyArray = npt.NDArray[Any]

_ARRAY_KINDS = "biuf"
_DTYPE_KINDS = "biufMmO"


@dataclass
class Encoder:
    """Values to plain JSON values; arrays and objects are set aside.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What the ``array`` tags refer to.
    objects : list or None
        What the ``object`` tags refer to; ``None`` refuses objects.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.io.codec import Decoder, Encoder
    >>> encoder = Encoder()
    >>> plain = encoder.encode(pd.Index(["a", "b"], name="shop"))
    >>> Decoder(encoder.arrays).decode(plain).name
    'shop'
    """

    arrays: dict[str, AnyArray] = field(default_factory=dict)
    objects: list[Any] | None = None

    def encode(self, value: Any) -> Any:
        """The plain form of a value.

        Raises
        ------
        CodecError
            If it has none.
        """
        if value is None or type(value) in (bool, int, str, np.str_):
            return value
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is list:
            return [self.encode(item) for item in value]
        for rule in _RULES:
            if rule.accepts(value):
                return {rule.tag: rule.encode(value, self)}
        if self.objects is not None and hasattr(value, "fit") and hasattr(value, "transform"):
            return {"object": self._object(value)}
        raise CodecError(
            f"a {type(value).__name__} has no plain form: {short(value)}; numbers, text, dates, "
            "decimals and tuples of them have one"
        )

    def array(self, values: AnyArray) -> str:
        """Set an array aside; its name."""
        if values.dtype.kind not in _ARRAY_KINDS or values.dtype.itemsize > 8:
            raise CodecError(f"an array of {values.dtype} can't be stored")
        name = str(len(self.arrays))
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        self.arrays[name] = np.array(native, order="C")
        return name

    def _object(self, value: Any) -> int:
        assert self.objects is not None
        for position, known in enumerate(self.objects):
            if known is value:
                return position
        self.objects.append(value)
        return len(self.objects) - 1


@dataclass(frozen=True)
class Decoder:
    """Plain JSON values back to values; nothing in them is trusted.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    objects : sequence
    records : sequence of dataclasses
        Those that may be built.
    labels : sequence of dataclasses
        Those whose text may be any pandas label: names of columns are mostly, not always, text.
    """

    arrays: Mapping[str, AnyArray]
    objects: Sequence[Any] = ()
    records: Sequence[type[Any]] = ()
    labels: Sequence[type[Any]] = ()

    def decode(self, plain: Any) -> Any:
        """The value of a plain form.

        Raises
        ------
        CodecError
            If it has none. What pandas finds wrong with a payload is raised as it comes.
        """
        if plain is None or isinstance(plain, bool | int | float | str):
            return plain
        if isinstance(plain, list):
            return [self.decode(item) for item in plain]
        if not isinstance(plain, dict) or len(plain) != 1:
            raise CodecError(f"expected one tag and its payload, got {short(plain)}")
        ((tag, payload),) = plain.items()
        if tag == "object":
            return self.objects[_whole(payload, len(self.objects))]
        if tag not in _BY_TAG:
            raise CodecError(f"the tag {short(tag)} is unknown")
        return _BY_TAG[tag].decode(payload, self)

    def array(self, name: Any) -> AnyArray:
        """An array by its name."""
        if not isinstance(name, str) or name not in self.arrays:
            raise CodecError(f"there is no array {short(name)}")
        return self.arrays[name]

    def typed(self, plain: Any, kind: type[Any]) -> Any:
        """The value of a plain form that must be of one type."""
        value = self.decode(plain)
        if not isinstance(value, kind):
            raise CodecError(f"expected a {kind.__name__}, got {short(value)}")
        return value

    def record(self, kind: type[Any], plain: Any) -> Any:
        """A dataclass from the plain forms of its fields; those left out get their defaults."""
        return kind(**self.fields(kind, plain))

    def fields(self, kind: type[Any], plain: Any) -> dict[str, Any]:
        """The fields of a dataclass, checked against their annotations."""
        expect(isinstance(plain, dict), plain)
        known = {item.name: item for item in fields(kind)}
        for name in plain:
            if name not in known:
                raise CodecError(f"{kind.__name__} has no field {short(name)}")
        for name, item in known.items():
            optional = item.default is not MISSING or item.default_factory is not MISSING
            if name not in plain and not optional:
                raise CodecError(f"{kind.__name__} lacks its field {name!r}")
        hints = typing.get_type_hints(kind)
        values = {name: self.decode(value) for name, value in plain.items()}
        for name, value in values.items():
            hint = _ANY_LABEL.get(hints[name]) if kind in self.labels else None
            if not fits(value, hint or hints[name]):
                wanted = getattr(known[name], "type", hints[name])
                raise CodecError(f"{kind.__name__}.{name}={short(value)}: expected {wanted}")
        return values


_ANY_LABEL: dict[Any, Any] = {str: Any, tuple[str, ...]: tuple[Any, ...]}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is what an annotation says, down to the items of tuples and mappings.

    Examples
    --------
    >>> from tsgen.io.codec import fits
    >>> fits((1, 2), tuple[int, ...]), fits(True, int), fits(None, int | None)
    (True, False, True)
    """
    hint = _meant(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint in (int, str, bool):
        return type(value) is hint
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in arguments)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _fits_dtype(value, arguments)
    if origin is tuple and arguments[-1:] == (...,):
        return isinstance(value, tuple) and all(fits(item, arguments[0]) for item in value)
    if origin is tuple:
        return (
            isinstance(value, tuple)
            and len(value) == len(arguments)
            and all(fits(item, option) for item, option in zip(value, arguments, strict=True))
        )
    return isinstance(value, origin or hint)


def _meant(hint: Any) -> Any:
    """What stands behind a name of the statement ``type``, as numpy 2.5 has for its arrays."""
    alias = typing.get_origin(hint) or hint
    if not hasattr(alias, "__value__"):
        return hint
    arguments = typing.get_args(hint)
    return _meant(alias.__value__[arguments] if arguments else alias.__value__)


def _fits_dtype(value: AnyArray, arguments: tuple[Any, ...]) -> bool:
    """Whether an array fits the arguments (shape, dtype) of ``numpy.ndarray[...]``."""
    scalar = typing.get_args(arguments[1])[0]
    return scalar is Any or isinstance(scalar, typing.TypeVar) or value.dtype == scalar


# --- the tags ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    tag: str
    accepts: Callable[[Any], bool]
    encode: Callable[[Any, Encoder], Any]
    decode: Callable[[Any, Decoder], Any]


def _exactly(*kinds: type[Any]) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _instance(*kinds: type[Any]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _encode_record(value: Any, encoder: Encoder) -> Any:
    plain = {}
    for item in fields(value):
        try:
            plain[item.name] = encoder.encode(getattr(value, item.name))
        except CodecError as error:
            raise CodecError(f"{item.name}: {error}") from error
    return [type(value).__name__, plain]


def _decode_record(payload: Any, decoder: Decoder) -> Any:
    name, plain = payload
    for kind in decoder.records:
        if kind.__name__ == name:
            return decoder.record(kind, plain)
    raise CodecError(f"a {short(name)} is unknown")


def _decode_float(payload: Any, decoder: Decoder) -> float:
    expect(payload in ("nan", "inf", "-inf"), payload)
    return float(payload)


def _encode_dict(value: dict[Any, Any], encoder: Encoder) -> Any:
    return [[encoder.encode(key), encoder.encode(item)] for key, item in value.items()]


def _decode_dict(payload: Any, decoder: Decoder) -> dict[Any, Any]:
    return {decoder.decode(key): decoder.decode(item) for key, item in payload}


def _encode_element(value: Any, encoder: Encoder) -> Any:
    """A stamp, period or duration, as an index of one: unit, zone and frequency are its dtype's."""
    return _encode_index(pd.Index([value]), encoder)


def _decode_element(payload: Any, decoder: Decoder) -> Any:
    index = _decode_index(payload, decoder)
    expect(len(index) == 1, payload)
    return index[0]


def _encode_interval(value: pd.Interval, encoder: Encoder) -> Any:
    return [encoder.encode(value.left), encoder.encode(value.right), value.closed]


def _decode_interval(payload: Any, decoder: Decoder) -> Any:
    left, right, closed = payload
    return pd.Interval(decoder.decode(left), decoder.decode(right), closed)


def _encode_scalar(value: np.generic, encoder: Encoder) -> Any:
    """A number of numpy as an array of no dimensions, its stamps and durations by their ticks."""
    if value.dtype.kind in "mM":
        return [value.dtype.str, int(value.astype(np.int64))]
    return encoder.array(np.asarray(value))


def _decode_scalar(payload: Any, decoder: Decoder) -> Any:
    if not isinstance(payload, list):
        return decoder.array(payload)[()]
    name, ticks = payload
    dtype = _numpy_dtype(name)
    expect(dtype.kind in "mM" and type(ticks) is int, payload)
    return np.int64(ticks).astype(dtype)


def _rule_of(leaf: Leaf) -> _Rule:
    return _Rule(
        leaf.tag,
        _exactly(leaf.kind),
        lambda value, _: leaf.plain(value),
        lambda payload, _: leaf.value(payload),
    )


def _encode_range(value: range, encoder: Encoder) -> Any:
    return [value.start, value.stop, value.step]


# --- dtypes --------------------------------------------------------------------------------------


def _encode_dtype(dtype: Any, encoder: Encoder) -> Any:
    if isinstance(dtype, np.dtype):
        expect(dtype.kind in _DTYPE_KINDS, dtype)
        return ["numpy", dtype.str]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned", dtype.unit, plain_zone(dtype.tz)]
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", encoder.encode(dtype.categories), bool(dtype.ordered)]
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if getattr(dtype, "na_value", pd.NA) is pd.NA else "nan"
        return ["string", dtype.storage, missing]
    if isinstance(dtype, pd.SparseDtype):
        subtype = _encode_dtype(dtype.subtype, encoder)
        return ["sparse", subtype, encoder.encode(dtype.fill_value)]
    if isinstance(dtype, pd.IntervalDtype):
        return ["interval", _encode_dtype(dtype.subtype, encoder), dtype.closed]
    if isinstance(dtype, pd.ArrowDtype) and _decimal_name(dtype.pyarrow_dtype):
        arrow = dtype.pyarrow_dtype
        return ["decimal", _decimal_name(arrow), arrow.precision, arrow.scale]
    if isinstance(dtype, pd.ArrowDtype) and hasattr(dtype.pyarrow_dtype, "index_type"):
        arrow = dtype.pyarrow_dtype
        inner = (pd.ArrowDtype(kind) for kind in (arrow.index_type, arrow.value_type))
        return ["dictionary", *(_encode_dtype(part, encoder) for part in inner), arrow.ordered]
    try:
        known = _named_dtype(str(dtype)) == dtype
    except (CodecError, NotImplementedError, TypeError, ValueError):
        known = False
    if not known:
        raise CodecError(
            f"the dtype {dtype} has no plain form; convert the column with astype to numbers, text "
            "or dates"
        )
    return ["named", str(dtype)]


def _decode_dtype(payload: Any, decoder: Decoder) -> Any:
    kind, *rest = payload
    if kind == "numpy":
        return _numpy_dtype(*rest)
    if kind == "zoned":
        unit, zone = rest
        return pd.DatetimeTZDtype(unit, zone_of(zone))
    if kind == "category":
        categories, ordered = rest
        return pd.CategoricalDtype(decoder.typed(categories, pd.Index), ordered=ordered)
    if kind == "string":
        storage, missing = rest
        expect(missing in ("NA", "nan"), missing)
        if missing == "NA":
            return pd.StringDtype(storage)
        return pd.StringDtype(storage, na_value=np.nan)
    if kind == "sparse":
        subtype, fill = rest
        return pd.SparseDtype(_decode_dtype(subtype, decoder), decoder.decode(fill))
    if kind == "interval":
        subtype, closed = rest
        return pd.IntervalDtype(_decode_dtype(subtype, decoder), closed)
    if kind == "decimal":
        name, precision, scale = rest
        expect(_DECIMAL.fullmatch(str(name)) is not None, name)
        return pd.ArrowDtype(getattr(_pyarrow(), name)(precision, scale))
    if kind == "dictionary":
        *parts, ordered = rest
        index, values = (_decode_dtype(part, decoder).pyarrow_dtype for part in parts)
        return pd.ArrowDtype(_pyarrow().dictionary(index, values, ordered))
    expect(kind == "named", kind)
    return _named_dtype(*rest)


_DECIMAL = re.compile(r"decimal(32|64|128|256)")


def _decimal_name(arrow: Any) -> str | None:
    """What pyarrow calls a type of decimals, of which pandas can't read the name."""
    found = _DECIMAL.match(str(arrow))
    return found and found[0]


def _numpy_dtype(name: Any) -> np.dtype[Any]:
    expect(isinstance(name, str) and len(name) < 16 and "," not in name, name)
    dtype: np.dtype[Any] = np.dtype(name)
    expect(dtype.kind in _DTYPE_KINDS, name)
    return dtype


def _named_dtype(name: Any) -> Any:
    """A dtype of periods, of pyarrow, or of numbers with a mask, by what pandas calls it."""
    expect(isinstance(name, str) and len(name) < 100, name)
    if name == "string[pyarrow]":  # to pandas one of its own; those have a tag of their own here
        return pd.ArrowDtype(_pyarrow().string())
    if name.endswith("[pyarrow]"):
        _pyarrow()
    dtype = pd.api.types.pandas_dtype(name)
    of_numbers = isinstance(getattr(dtype, "numpy_dtype", None), np.dtype)
    expect(of_numbers or isinstance(dtype, pd.PeriodDtype), name)
    return dtype


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError(
            "this model's frame has columns of pyarrow: pip install 'tsgen[parquet]'"
        ) from error
    return pyarrow


# --- indexes -------------------------------------------------------------------------------------


def _encode_index(index: pd.Index, encoder: Encoder) -> Any:
    plain: dict[str, Any] = {"names": [encoder.encode(name) for name in index.names]}
    if isinstance(index, pd.RangeIndex):
        return plain | {"range": [int(index.start), int(index.stop), int(index.step)]}
    if isinstance(index, pd.MultiIndex):
        levels = [_encode_index(level, encoder) for level in index.levels]
        codes = [encoder.array(np.asarray(code)) for code in index.codes]
        return plain | {"levels": levels, "codes": codes}
    if index.hasnans and not isinstance(index.dtype, np.dtype):
        raise CodecError(f"an index of {index.dtype} with missing labels has no plain form")
    plain["dtype"] = _encode_dtype(index.dtype, encoder)
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) and index.freq is not None:
        plain["freq"] = plain_offset(index.freq)
    return plain | {"values": _encode_values(index, encoder)}


def _encode_values(index: Any, encoder: Encoder) -> Any:
    dtype = index.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return encoder.array(np.asarray(index.codes))
    if isinstance(dtype, pd.IntervalDtype):
        sides = {"left": index.left, "right": index.right}
        return {side: _encode_index(values, encoder) for side, values in sides.items()}
    if hasattr(index, "asi8"):
        return encoder.array(index.asi8)
    if dtype == object and not all(type(label) is str for label in index):
        return [encoder.encode(label) for label in index]
    if dtype == object or pd.api.types.is_string_dtype(dtype):
        return _encode_text([str(label) for label in index], encoder)
    if isinstance(dtype, np.dtype):
        return encoder.array(index.to_numpy())
    if isinstance(dtype, pd.SparseDtype):
        return encoder.array(index.to_numpy(dtype=dtype.subtype))
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind not in _ARRAY_KINDS:
        return [encoder.encode(label) for label in index]
    return encoder.array(index.to_numpy(dtype=dtype.numpy_dtype))


def _decode_index(payload: Any, decoder: Decoder) -> Any:
    expect(isinstance(payload, dict) and isinstance(payload.get("names"), list), payload)
    names = [decoder.decode(name) for name in payload["names"]]
    kind = set(payload) - {"names"}
    if kind == {"range"}:
        start, stop, step = payload["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if kind == {"levels", "codes"}:
        return pd.MultiIndex(
            levels=[_decode_index(level, decoder) for level in payload["levels"]],
            codes=[decoder.array(code).tolist() for code in payload["codes"]],
            names=names,
        )
    expect(kind - {"freq"} == {"dtype", "values"} and len(names) == 1, sorted(payload))
    dtype = _decode_dtype(payload["dtype"], decoder)
    index = _decode_values(dtype, payload["values"], decoder)
    if "freq" in payload:
        index = type(index)(index, freq=offset_of(payload["freq"]))
    index.name = names[0]
    return index


def _decode_values(dtype: Any, payload: Any, decoder: Decoder) -> Any:
    if isinstance(payload, list):
        labels = [decoder.decode(label) for label in payload]
        return pd.Index(labels, dtype=dtype, tupleize_cols=False)
    if isinstance(dtype, pd.IntervalDtype):
        left, right = (_decode_index(payload[side], decoder) for side in ("left", "right"))
        return pd.IntervalIndex.from_arrays(left, right, closed=dtype.closed)  # type: ignore[arg-type]
    if isinstance(payload, dict):
        return pd.Index(_decode_text(payload, decoder), dtype=dtype)
    values = decoder.array(payload)
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pd.Categorical.from_codes(values, dtype=dtype)
        return pd.CategoricalIndex(codes)
    if dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        expect(values.dtype == np.int64, values.dtype)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.PeriodIndex.from_ordinals(values, freq=dtype.freq)  # type: ignore[attr-defined]
    if isinstance(dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(values.view(f"datetime64[{dtype.unit}]"))
        return stamps.tz_localize("UTC").tz_convert(dtype.tz)
    if dtype.kind in "mM":
        return pd.Index(values.view(dtype))
    return pd.Index(values, dtype=dtype)


def _encode_text(texts: list[str], encoder: Encoder) -> Any:
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        "bytes": encoder.array(np.frombuffer(b"".join(parts), dtype=np.uint8)),
        "lengths": encoder.array(np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))),
    }


def _decode_text(payload: dict[str, Any], decoder: Decoder) -> list[str]:
    joined = decoder.array(payload["bytes"]).tobytes()
    lengths = decoder.array(payload["lengths"])
    expect(lengths.dtype == np.int64 and bool((lengths >= 0).all()), "lengths")
    stops = np.cumsum(lengths)
    expect(int(lengths.sum()) == len(joined), "lengths")
    return [
        joined[stop - length : stop].decode("utf-8", "surrogatepass")
        for stop, length in zip(stops.tolist(), lengths.tolist(), strict=True)
    ]


# --- helpers -------------------------------------------------------------------------------------


def _whole(value: Any, stop: int) -> int:
    expect(type(value) is int and 0 <= value < stop, value)
    return int(value)


_RULES: tuple[_Rule, ...] = (
    _Rule("float", _exactly(float), lambda value, _: repr(value), _decode_float),
    _Rule(
        "tuple",
        _exactly(tuple),
        lambda value, encoder: [encoder.encode(item) for item in value],
        lambda payload, decoder: tuple(decoder.decode(item) for item in payload),
    ),
    _Rule("dict", _exactly(dict), _encode_dict, _decode_dict),
    _Rule("range", _exactly(range), _encode_range, lambda payload, _: range(*payload)),
    _Rule("record", _is_record, _encode_record, _decode_record),
    _Rule(
        "array",
        _exactly(np.ndarray),
        lambda value, encoder: encoder.array(value),
        lambda payload, decoder: decoder.array(payload),
    ),
    _Rule(
        "numpy",
        _instance(np.generic),
        _encode_scalar,
        _decode_scalar,
    ),
    _Rule("index", _instance(pd.Index), _encode_index, _decode_index),
    _Rule("element", _exactly(pd.Timestamp, pd.Period, pd.Timedelta), _encode_element,
          _decode_element),
    _Rule("dtype", _instance(np.dtype, pd.api.extensions.ExtensionDtype), _encode_dtype,
          _decode_dtype),
    _Rule("offset", _instance(BaseOffset), lambda value, _: plain_offset(value),
          lambda payload, _: offset_of(payload)),
    _Rule("interval", _exactly(pd.Interval), _encode_interval, _decode_interval),
    *(_rule_of(leaf) for leaf in LEAVES),
)  # fmt: skip
_BY_TAG = {rule.tag: rule for rule in _RULES}
