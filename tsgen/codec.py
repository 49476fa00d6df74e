"""pandas objects and dataclasses as plain JSON values and arrays, and back with equal dtypes.

A plain value is written as it is; all else as ``{tag: payload}`` with one of a fixed list of tags,
so that reading builds nothing but what stands in this file. Arrays go to a table beside the JSON,
and so do objects (a user's scikit-learn transformers), whose saving is another module's task.
"""

from __future__ import annotations

import datetime
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from tsgen.errors import MissingExtraError

__all__ = ["CodecError", "Decoder", "Encoder", "fits"]

AnyArray = npt.NDArray[Any]

_ARRAY_KINDS = "biuf"
_DTYPE_KINDS = "biufMmO"


class CodecError(Exception):
    """A value has no plain form, or a plain form no value."""


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
    >>> from tsgen.codec import Decoder, Encoder
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
        raise CodecError(f"a {type(value).__name__} has no plain form: {_short(value)}")

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
            raise CodecError(f"expected one tag and its payload, got {_short(plain)}")
        ((tag, payload),) = plain.items()
        if tag == "object":
            return self.objects[_whole(payload, len(self.objects))]
        if tag not in _BY_TAG:
            raise CodecError(f"the tag {_short(tag)} is unknown")
        return _BY_TAG[tag].decode(payload, self)

    def array(self, name: Any) -> AnyArray:
        """An array by its name."""
        if not isinstance(name, str) or name not in self.arrays:
            raise CodecError(f"there is no array {_short(name)}")
        return self.arrays[name]

    def typed(self, plain: Any, kind: type[Any]) -> Any:
        """The value of a plain form that must be of one type."""
        value = self.decode(plain)
        if not isinstance(value, kind):
            raise CodecError(f"expected a {kind.__name__}, got {_short(value)}")
        return value

    def record(self, kind: type[Any], plain: Any) -> Any:
        """A dataclass from the plain forms of its fields; those left out get their defaults."""
        return kind(**self.fields(kind, plain))

    def fields(self, kind: type[Any], plain: Any) -> dict[str, Any]:
        """The fields of a dataclass, checked against their annotations."""
        _expect(isinstance(plain, dict), plain)
        known = {item.name: item for item in fields(kind)}
        for name in plain:
            if name not in known:
                raise CodecError(f"{kind.__name__} has no field {_short(name)}")
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
                raise CodecError(f"{kind.__name__}.{name}={_short(value)}: expected {wanted}")
        return values


_ANY_LABEL: dict[Any, Any] = {str: Any, tuple[str, ...]: tuple[Any, ...]}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is what an annotation says, down to the items of tuples and mappings.

    Examples
    --------
    >>> from tsgen.codec import fits
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
    return [
        type(value).__name__,
        {item.name: encoder.encode(getattr(value, item.name)) for item in fields(value)},
    ]


def _decode_record(payload: Any, decoder: Decoder) -> Any:
    name, plain = payload
    for kind in decoder.records:
        if kind.__name__ == name:
            return decoder.record(kind, plain)
    raise CodecError(f"a {_short(name)} is unknown")


def _decode_float(payload: Any, decoder: Decoder) -> float:
    _expect(payload in ("nan", "inf", "-inf"), payload)
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
    _expect(len(index) == 1, payload)
    return index[0]


def _encode_range(value: range, encoder: Encoder) -> Any:
    return [value.start, value.stop, value.step]


# --- dtypes --------------------------------------------------------------------------------------


def _encode_dtype(dtype: Any, encoder: Encoder) -> Any:
    if isinstance(dtype, np.dtype):
        _expect(dtype.kind in _DTYPE_KINDS, dtype)
        return ["numpy", dtype.str]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned", dtype.unit, _encode_zone(dtype.tz)]
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", encoder.encode(dtype.categories), bool(dtype.ordered)]
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if getattr(dtype, "na_value", pd.NA) is pd.NA else "nan"
        return ["string", dtype.storage, missing]
    try:
        known = _named_dtype(str(dtype)) == dtype
    except (CodecError, NotImplementedError, TypeError, ValueError):
        known = False
    if not known:
        raise CodecError(f"the dtype {dtype} has no plain form")
    return ["named", str(dtype)]


def _decode_dtype(payload: Any, decoder: Decoder) -> Any:
    kind, *rest = payload
    if kind == "numpy":
        return _numpy_dtype(*rest)
    if kind == "zoned":
        unit, zone = rest
        return pd.DatetimeTZDtype(unit, _decode_zone(zone))
    if kind == "category":
        categories, ordered = rest
        return pd.CategoricalDtype(decoder.typed(categories, pd.Index), ordered=ordered)
    if kind == "string":
        storage, missing = rest
        _expect(missing in ("NA", "nan"), missing)
        if missing == "NA":
            return pd.StringDtype(storage)
        return pd.StringDtype(storage, na_value=np.nan)
    _expect(kind == "named", kind)
    return _named_dtype(*rest)


def _numpy_dtype(name: Any) -> np.dtype[Any]:
    _expect(isinstance(name, str) and len(name) < 16 and "," not in name, name)
    dtype: np.dtype[Any] = np.dtype(name)
    _expect(dtype.kind in _DTYPE_KINDS, name)
    return dtype


def _named_dtype(name: Any) -> Any:
    """A dtype of periods, of pyarrow, or of numbers with a mask, by what pandas calls it."""
    _expect(isinstance(name, str) and len(name) < 100, name)
    if name == "string[pyarrow]":  # to pandas one of its own; those have a tag of their own here
        return pd.ArrowDtype(_pyarrow().string())
    if name.endswith("[pyarrow]"):
        _pyarrow()
    dtype = pd.api.types.pandas_dtype(name)
    of_numbers = isinstance(getattr(dtype, "numpy_dtype", None), np.dtype)
    _expect(of_numbers or isinstance(dtype, pd.PeriodDtype), name)
    return dtype


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError(
            "this model's frame has columns of pyarrow: pip install 'tsgen[parquet]'"
        ) from error
    return pyarrow


def _encode_zone(zone: datetime.tzinfo | None) -> list[Any] | None:
    if zone is None:
        return None
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        return ["zoneinfo", zone.key]
    if type(zone).__module__.startswith("pytz") and getattr(zone, "zone", None):
        return ["pytz", zone.zone]  # type: ignore[attr-defined]
    if isinstance(zone, datetime.timezone):
        offset = zone.utcoffset(None)
        return ["fixed", offset // datetime.timedelta(microseconds=1)]
    raise CodecError(
        f"the time zone {_short(zone)} has no name to store: use zoneinfo.ZoneInfo(...) instead"
    )


def _decode_zone(payload: Any) -> datetime.tzinfo | None:
    if payload is None:
        return None
    kind, key = payload
    if kind in ("zoneinfo", "pytz"):
        try:
            zone = ZoneInfo(key)
            # What pandas makes of the name: a zone of pytz where it still brings that.
            return zone if kind == "zoneinfo" else pd.DatetimeTZDtype("ns", key).tz
        except (KeyError, ValueError, OSError) as error:
            raise CodecError(
                f"the time zone {_short(key)} isn't known here; pip install tzdata may bring it"
            ) from error
    _expect(kind == "fixed", kind)
    # timezone.utc is what pandas knows as UTC; a timezone of no offset with a name it would not.
    return datetime.timezone(datetime.timedelta(microseconds=key)) if key else datetime.UTC


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
        plain["freq"] = _encode_offset(index.freq, encoder)
    return plain | {"values": _encode_values(index, encoder)}


def _encode_values(index: Any, encoder: Encoder) -> Any:
    dtype = index.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return encoder.array(np.asarray(index.codes))
    if hasattr(index, "asi8"):
        return encoder.array(index.asi8)
    if dtype == object and not all(type(label) is str for label in index):
        return [encoder.encode(label) for label in index]
    if dtype == object or pd.api.types.is_string_dtype(dtype):
        return _encode_text([str(label) for label in index], encoder)
    if isinstance(dtype, np.dtype):
        return encoder.array(index.to_numpy())
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind not in _ARRAY_KINDS:
        return [encoder.encode(label) for label in index]
    return encoder.array(index.to_numpy(dtype=dtype.numpy_dtype))


def _decode_index(payload: Any, decoder: Decoder) -> Any:
    _expect(isinstance(payload, dict) and isinstance(payload.get("names"), list), payload)
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
    _expect(kind - {"freq"} == {"dtype", "values"} and len(names) == 1, sorted(payload))
    dtype = _decode_dtype(payload["dtype"], decoder)
    index = _decode_values(dtype, payload["values"], decoder)
    if "freq" in payload:
        index = type(index)(index, freq=_decode_offset(payload["freq"], decoder))
    index.name = names[0]
    return index


def _decode_values(dtype: Any, payload: Any, decoder: Decoder) -> Any:
    if isinstance(payload, list):
        return pd.Index([decoder.decode(label) for label in payload], dtype=dtype)
    if isinstance(payload, dict):
        return pd.Index(_decode_text(payload, decoder), dtype=dtype)
    values = decoder.array(payload)
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pd.Categorical.from_codes(values, dtype=dtype)
        return pd.CategoricalIndex(codes)
    if dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        _expect(values.dtype == np.int64, values.dtype)
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
    _expect(lengths.dtype == np.int64 and bool((lengths >= 0).all()), "lengths")
    stops = np.cumsum(lengths)
    _expect(int(lengths.sum()) == len(joined), "lengths")
    return [
        joined[stop - length : stop].decode("utf-8", "surrogatepass")
        for stop, length in zip(stops.tolist(), lengths.tolist(), strict=True)
    ]


# --- offsets -------------------------------------------------------------------------------------


def _encode_offset(offset: BaseOffset, encoder: Encoder) -> Any:
    if _from_alias(offset.freqstr) != offset:
        raise CodecError(f"the frequency {offset!r} has no plain form")
    return offset.freqstr


def _decode_offset(payload: Any, decoder: Decoder) -> BaseOffset:
    offset = _from_alias(payload) if isinstance(payload, str) else None
    if offset is None:
        raise CodecError(f"the frequency {_short(payload)} is unknown")
    return offset


def _from_alias(alias: str) -> BaseOffset | None:
    try:
        return to_offset(alias)
    except ValueError:
        return None


# --- helpers -------------------------------------------------------------------------------------


def _whole(value: Any, stop: int) -> int:
    _expect(type(value) is int and 0 <= value < stop, value)
    return int(value)


def _expect(holds: bool, what: Any) -> None:
    if not holds:
        raise CodecError(f"{_short(what)} can't be used here")


def _short(value: Any, most: int = 80) -> str:
    """A value as shown in messages: printable, and never long."""
    text = repr(value) if not isinstance(value, str) or len(value) < most else repr(value[:most])
    return text if len(text) <= most else f"{text[:most]}…"


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
        lambda value, encoder: encoder.array(np.asarray(value)),
        lambda payload, decoder: decoder.array(payload)[()],
    ),
    _Rule("index", _instance(pd.Index), _encode_index, _decode_index),
    _Rule("element", _exactly(pd.Timestamp, pd.Period, pd.Timedelta), _encode_element,
          _decode_element),
    _Rule("dtype", _instance(np.dtype, pd.api.extensions.ExtensionDtype), _encode_dtype,
          _decode_dtype),
    _Rule("offset", _instance(BaseOffset), _encode_offset, _decode_offset),
)  # fmt: skip
_BY_TAG = {rule.tag: rule for rule in _RULES}
