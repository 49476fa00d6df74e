"""Values of Python, numpy and pandas as plain JSON values, and back.

What is read is never trusted: each rule builds a value of one kind, from a fixed list of types.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pandas.api.extensions import ExtensionDtype
from pandas.tseries.offsets import BaseOffset, Day, Tick

from tsgen.errors import MissingExtraError
from tsgen.io.archive import parse_json

__all__ = ["FAMILIES", "RULES", "CodecError", "Rule", "expect", "short"]

_NUMBERS = "biuf"
_TEXT_LIMIT = 2**28
"""Bytes of labels; built, they take up to twenty times as many."""


class CodecError(Exception):
    """A value has no plain form, or a plain form no value."""


def expect(holds: bool, what: Any) -> None:
    """Refuse a plain form."""
    if not holds:
        raise CodecError(f"{short(what)} can't be used here")


def short(value: Any, most: int = 80) -> str:
    """A value as shown in messages: printable, and never long."""
    text = repr(value) if not isinstance(value, str) or len(value) < most else repr(value[:most])
    return text if len(text) <= most else f"{text[:most]}…"


class Rule(NamedTuple):
    """How the values of a type are written, and read again; both are given the codec, too."""

    tag: str
    kind: type[Any]
    plain: Callable[[Any, Any], Any]
    value: Callable[[Any, Any], Any]


def _alone(
    tag: str, kind: type[Any], plain: Callable[[Any], Any], value: Callable[[Any], Any]
) -> Rule:
    """A type whose values are written as one text, or as a short list of numbers."""
    return Rule(tag, kind, lambda item, _: plain(item), lambda payload, _: value(payload))


# --- Python and numpy ----------------------------------------------------------------------------


def _float_of(payload: Any) -> float:
    expect(payload in ("nan", "inf", "-inf"), payload)
    return float(payload)


def _plain_dict(value: dict[Any, Any], codec: Any) -> Any:
    if all(type(key) is str for key in value):
        return {key: codec.at(key, item) for key, item in value.items()}
    return [[codec.encode(key), codec.encode(item)] for key, item in value.items()]


def _dict_of(payload: Any, codec: Any) -> dict[Any, Any]:
    pairs = payload.items() if isinstance(payload, dict) else payload
    return {codec.decode(key): codec.decode(item) for key, item in pairs}


def _plain_time(value: datetime.time) -> str:
    expect(value.tzinfo is None, value)
    return value.isoformat()


def _plain_datetime(value: datetime.datetime, codec: Any) -> Any:
    return [value.replace(tzinfo=None).isoformat(), value.fold, codec.encode(value.tzinfo)]


def _datetime_of(payload: Any, codec: Any) -> datetime.datetime:
    text, fold, zone = payload
    return datetime.datetime.fromisoformat(text).replace(tzinfo=codec.decode(zone), fold=fold)


def _plain_scalar(value: np.generic, codec: Any) -> Any:
    """A number by its dtype; stamps and durations by their ticks."""
    kind = value.dtype.kind
    expect(kind in f"{_NUMBERS}mM" and value.dtype.itemsize <= 8, value)
    return [str(value.dtype), codec.encode((value.astype("i8") if kind in "mM" else value).item())]


def _scalar_of(payload: Any, codec: Any) -> Any:
    name, plain = payload
    dtype, item = _named_dtype(name), codec.decode(plain)
    expect(dtype.kind in f"{_NUMBERS}mM" and isinstance(item, int | float), payload)
    return np.array(item, "i8" if dtype.kind in "mM" else dtype).astype(dtype)[()]


# --- time zones and offsets ----------------------------------------------------------------------


def _plain_zone(zone: datetime.tzinfo) -> list[Any]:
    """A time zone by its name or its offset."""
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        return ["zoneinfo", zone.key]
    if type(zone).__module__.startswith("pytz") and getattr(zone, "zone", None):
        return ["pytz", zone.zone]  # type: ignore[attr-defined]
    if isinstance(zone, datetime.timezone):
        return ["fixed", zone.utcoffset(None) // datetime.timedelta(microseconds=1)]
    raise CodecError(
        f"the time zone {short(zone)} has no name to store: use zoneinfo.ZoneInfo(...) instead"
    )


def _zone_of(payload: Any) -> Any:
    kind, key = payload
    if kind == "fixed":
        # timezone.utc is what pandas knows as UTC; one of no offset with a name it would not.
        return datetime.timezone(datetime.timedelta(microseconds=key)) if key else datetime.UTC
    expect(kind in ("zoneinfo", "pytz"), kind)
    try:
        zone = ZoneInfo(key)
        # What pandas makes of the name: a zone of pytz where it still brings that.
        return zone if kind == "zoneinfo" else pd.DatetimeTZDtype("ns", key).tz
    except (KeyError, ValueError, OSError) as error:
        raise CodecError(
            f"the time zone {short(key)} isn't known here; pip install tzdata may bring it"
        ) from error


_LARGEST_MULTIPLE = 10_000
"""Of an offset that isn't of a fixed length; some of them take each single step."""
_ARGUMENTS = (type(None), int, str, datetime.time, datetime.timedelta, np.datetime64)
"""What an offset is built from, and tuples of it."""


def _plain_offset(offset: Any, codec: Any) -> Any:
    """An offset by its class of pandas and what that is built from."""
    try:
        arguments = dict(offset.kwds)
        if "weekmask" in arguments:
            arguments["calendar"] = _own_calendar(offset)
        names = codec.encode(arguments)
        plain = [type(offset).__name__, offset.n, bool(offset.normalize), names]
        built = _offset_of(plain, codec)
        expect(built == offset and type(built) is type(offset), offset)
    except (CodecError, TypeError, ValueError) as error:
        raise CodecError(
            f"the frequency {short(offset)} has no plain form; give freq= an offset of pandas "
            "that is made of numbers, text, times and days alone"
        ) from error
    return plain


def _own_calendar(offset: Any) -> tuple[str, tuple[Any, ...]] | None:
    """The weekdays and holidays of a calendar, if the offset's other arguments don't say them."""
    own, kwds = offset.calendar, offset.kwds
    said = np.busdaycalendar(kwds["weekmask"], list(kwds["holidays"] or ()))
    if np.array_equal(own.weekmask, said.weekmask) and np.array_equal(own.holidays, said.holidays):
        return None
    return "".join("1" if day else "0" for day in own.weekmask), tuple(own.holidays)


def _offset_of(payload: Any, codec: Any) -> BaseOffset:
    name, n, normalize, plain = payload
    kind: Any = getattr(pd.offsets, name, None)
    expect(isinstance(kind, type) and issubclass(kind, BaseOffset), name)
    of_fixed_length = issubclass(kind, Tick | Day)
    expect(type(n) is int and (of_fixed_length or 0 < abs(n) <= _LARGEST_MULTIPLE), n)
    arguments = codec.decode(plain)
    expect(type(normalize) is bool and all(map(_is_argument, arguments.values())), payload)
    if arguments.get("calendar") is not None:
        weekdays, holidays = arguments["calendar"]
        arguments["calendar"] = np.busdaycalendar(weekdays, list(holidays))
    offset: BaseOffset = kind(n, normalize, **arguments)
    return offset


def _is_argument(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_argument, value))
    return isinstance(value, _ARGUMENTS)


# --- dtypes --------------------------------------------------------------------------------------


def _plain_dtype(dtype: Any, codec: Any) -> Any:
    try:
        plain = codec.encode(_parts_of(dtype))
        known = _dtype_of(plain, codec) == dtype
    except (CodecError, NotImplementedError, TypeError, ValueError):
        known = False
    if not known:
        raise CodecError(
            f"the dtype {dtype} has no plain form; convert the column with astype to numbers, text "
            "or dates"
        )
    return plain


def _parts_of(dtype: Any) -> list[Any]:
    """The name of a way to build the dtype, and what it is built from."""
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned", dtype.unit, dtype.tz]
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", dtype.categories, bool(dtype.ordered)]
    if isinstance(dtype, pd.StringDtype):
        return ["string", dtype.storage, getattr(dtype, "na_value", pd.NA) is pd.NA]
    if isinstance(dtype, pd.SparseDtype):
        return ["sparse", dtype.subtype, dtype.fill_value]
    if isinstance(dtype, pd.IntervalDtype):
        return ["interval", dtype.subtype, dtype.closed]
    if isinstance(dtype, pd.ArrowDtype):
        return ["arrow", _pyarrow().schema({"": dtype.pyarrow_dtype}).serialize().to_pybytes()]
    return ["named", str(dtype)]


def _dtype_of(payload: Any, codec: Any) -> Any:
    kind, *parts = codec.decode(payload)
    return _DTYPES[kind](*parts)


def _string_dtype(storage: str, missing_is_na: bool) -> Any:
    return pd.StringDtype(storage) if missing_is_na else pd.StringDtype(storage, na_value=np.nan)


def _arrow_dtype(schema: bytes) -> Any:
    """As Arrow writes a schema of one field; no types of others, which might run their code."""
    arrow = _pyarrow()
    found = arrow.ipc.read_schema(arrow.py_buffer(schema)).field(0).type
    expect(not isinstance(found, arrow.BaseExtensionType), found)
    return pd.ArrowDtype(found)


def _named_dtype(name: Any) -> Any:
    """A dtype of numpy, of periods, or of numbers with a mask, by what pandas calls it."""
    expect(isinstance(name, str) and len(name) < 100, name)
    dtype = pd.api.types.pandas_dtype(name)
    plain = getattr(dtype, "numpy_dtype", dtype)
    known = isinstance(plain, np.dtype) and plain.kind in f"{_NUMBERS}mMO"
    expect(known or isinstance(dtype, pd.PeriodDtype), name)
    return dtype


def _pyarrow() -> Any:
    try:
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtraError(
            "this model's frame has columns of pyarrow: pip install 'tsgen[parquet]'"
        ) from error
    return pyarrow


_DTYPES: dict[str, Callable[..., Any]] = {
    "named": _named_dtype, "zoned": pd.DatetimeTZDtype, "category": pd.CategoricalDtype,
    "string": _string_dtype, "sparse": pd.SparseDtype, "interval": pd.IntervalDtype,
    "arrow": _arrow_dtype,
}  # fmt: skip


# --- indexes -------------------------------------------------------------------------------------


def _plain_index(index: pd.Index, codec: Any) -> Any:
    plain = {"names": codec.encode(list(index.names))}
    if isinstance(index, pd.RangeIndex):
        return plain | {"range": [int(index.start), int(index.stop), int(index.step)]}
    if isinstance(index, pd.MultiIndex):
        codes = [codec.encode(np.asarray(code)) for code in index.codes]
        return plain | {"levels": codec.encode(list(index.levels)), "codes": codes}
    freq = codec.encode(getattr(index, "freq", None)) if index.dtype.kind in "mM" else None
    plain |= {"dtype": codec.encode(index.dtype), "freq": freq}
    return plain | {"values": codec.encode(_plain_labels(index, codec))}


def _plain_labels(index: Any, codec: Any) -> npt.NDArray[Any]:
    """The labels as numbers, where they are some; else as the bytes of JSON."""
    if isinstance(index.dtype, pd.CategoricalDtype):
        return np.asarray(index.codes)
    if hasattr(index, "asi8"):
        return np.asarray(index.asi8)
    if isinstance(index.dtype, np.dtype) and index.dtype != object:
        return index.to_numpy()  # type: ignore[no-any-return]
    text = json.dumps(codec.encode(index.tolist())).encode("ascii")
    return np.frombuffer(text, dtype=np.uint8)


def _index_of(payload: Any, codec: Any) -> Any:
    names = codec.decode(payload["names"])
    if "range" in payload:
        start, stop, step = payload["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if "levels" in payload:
        codes = [codec.decode(code).tolist() for code in payload["codes"]]
        return pd.MultiIndex(codec.decode(payload["levels"]), codes, names=names)
    dtype, freq = codec.decode(payload["dtype"]), codec.decode(payload["freq"])
    index: Any = _labels_of(dtype, codec.decode(payload["values"]), codec)
    if freq is not None:
        expect(isinstance(freq, BaseOffset), freq)
        index = type(index)(index, freq=freq)
    index.name = names[0]
    return index


def _labels_of(dtype: Any, values: Any, codec: Any) -> Any:
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.CategoricalIndex(pd.Categorical.from_codes(values, dtype=dtype))
    if dtype.kind in "mM" and not isinstance(dtype, pd.ArrowDtype):
        expect(values.dtype == np.int64, values.dtype)
        stamps: Any = pd.Index(values.view(dtype.base))
        zoned = isinstance(dtype, pd.DatetimeTZDtype)
        return stamps.tz_localize("UTC").tz_convert(dtype.tz) if zoned else stamps
    if isinstance(dtype, pd.PeriodDtype):
        expect(values.dtype == np.int64, values.dtype)
        return pd.PeriodIndex.from_ordinals(values, freq=dtype.freq)  # type: ignore[attr-defined]
    if isinstance(dtype, np.dtype) and dtype != object:
        return pd.Index(values, dtype=dtype)
    expect(values.nbytes <= _TEXT_LIMIT, f"an index of {values.nbytes:,} bytes")
    labels = codec.decode(parse_json(values.tobytes(), "list of labels"))
    return pd.Index(labels, dtype=dtype, tupleize_cols=False)


def _plain_element(value: Any, codec: Any) -> Any:
    """A stamp, period or duration by its ticks: unit, zone and frequency are the dtype's."""
    if type(value) is pd.Period:
        freq: Any = value.freq
        return [codec.encode(pd.PeriodDtype(freq)), value.ordinal]
    ticks, zone = value.asm8, getattr(value, "tz", None)
    dtype = ticks.dtype if zone is None else pd.DatetimeTZDtype(value.unit, zone)
    return [codec.encode(dtype), int(ticks.astype("i8"))]


def _element_of(payload: Any, codec: Any) -> Any:
    plain, ticks = payload
    return _labels_of(codec.decode(plain), np.array([ticks]), codec)[0]


def _plain_interval(value: pd.Interval, codec: Any) -> Any:
    return codec.encode([value.left, value.right, value.closed])


# --- the table -----------------------------------------------------------------------------------

RULES = (
    _alone("float", float, repr, _float_of),
    Rule("tuple", tuple, lambda value, codec: [codec.encode(item) for item in value],
         lambda payload, codec: tuple(codec.decode(item) for item in payload)),
    Rule("dict", dict, _plain_dict, _dict_of),
    _alone("range", range, lambda value: [value.start, value.stop, value.step],
           lambda payload: range(*payload)),
    _alone("date", datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    _alone("time", datetime.time, _plain_time, datetime.time.fromisoformat),
    Rule("datetime", datetime.datetime, _plain_datetime, _datetime_of),
    _alone("timedelta", datetime.timedelta,
           lambda value: [value.days, value.seconds, value.microseconds],
           lambda payload: datetime.timedelta(*payload)),
    _alone("decimal", Decimal, str, Decimal),
    _alone("uuid", uuid.UUID, str, uuid.UUID),
    _alone("bytes", bytes, bytes.hex, bytes.fromhex),
    *(Rule("array", kind, lambda value, codec: codec.set_aside(value),
           lambda payload, codec: codec.arrays[payload])
      for kind in (np.ndarray, np.memmap)),
    Rule("tensor", torch.Tensor, lambda value, codec: codec.set_aside(value.detach().cpu().numpy()),
         lambda payload, codec: torch.from_numpy(codec.arrays[payload])),
    *(Rule("element", kind, _plain_element, _element_of)
      for kind in (pd.Timestamp, pd.Period, pd.Timedelta)),
    Rule("interval", pd.Interval, _plain_interval,
         lambda payload, codec: pd.Interval(*codec.decode(payload))),
)  # fmt: skip
"""Of these types alone, not of their subclasses."""

FAMILIES = (
    Rule("numpy", np.generic, _plain_scalar, _scalar_of),
    Rule("index", pd.Index, _plain_index, _index_of),
    Rule("dtype", np.dtype, _plain_dtype, _dtype_of),
    Rule("dtype", ExtensionDtype, _plain_dtype, _dtype_of),
    Rule("offset", BaseOffset, _plain_offset, _offset_of),
    _alone("zone", datetime.tzinfo, _plain_zone, _zone_of),
)
"""Of all that is one of these types."""
