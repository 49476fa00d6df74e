"""Small values of Python and pandas as plain JSON values, and back.

What is read is never trusted: each reader builds a value of one kind, from a fixed list of types.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Day, Tick

__all__ = [
    "LEAVES",
    "CodecError",
    "Leaf",
    "expect",
    "offset_of",
    "plain_offset",
    "plain_zone",
    "short",
    "zone_of",
]


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


# --- zones ---------------------------------------------------------------------------------------


def plain_zone(zone: datetime.tzinfo | None) -> list[Any] | None:
    """A time zone by its name or its offset."""
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
        f"the time zone {short(zone)} has no name to store: use zoneinfo.ZoneInfo(...) instead"
    )


def zone_of(payload: Any) -> datetime.tzinfo | None:
    """A time zone from its plain form."""
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
                f"the time zone {short(key)} isn't known here; pip install tzdata may bring it"
            ) from error
    expect(kind == "fixed", kind)
    # timezone.utc is what pandas knows as UTC; a timezone of no offset with a name it would not.
    return datetime.timezone(datetime.timedelta(microseconds=key)) if key else datetime.UTC


# --- offsets -------------------------------------------------------------------------------------

_OFFSETS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        pd.DateOffset,
        pd.offsets.BusinessDay,
        pd.offsets.BusinessHour,
        pd.offsets.CustomBusinessDay,
        pd.offsets.CustomBusinessHour,
        pd.offsets.CustomBusinessMonthBegin,
        pd.offsets.CustomBusinessMonthEnd,
        pd.offsets.Easter,
        pd.offsets.FY5253,
        pd.offsets.FY5253Quarter,
        pd.offsets.LastWeekOfMonth,
        pd.offsets.SemiMonthBegin,
        pd.offsets.SemiMonthEnd,
        pd.offsets.WeekOfMonth,
    )
}
"""Those that no alias says all of."""

_LARGEST_MULTIPLE = 10_000
"""Of an offset that isn't of a fixed length; some of them take each single step."""


def plain_offset(offset: Any) -> Any:
    """An offset by its alias, or by its class and what that is built from."""
    own_days = "weekmask" in getattr(offset, "kwds", {})
    if not own_days and _from_alias(offset.freqstr) == offset:
        return offset.freqstr
    known = _OFFSETS.get(type(offset).__name__) is type(offset)
    try:
        expect(known, offset)
        arguments = dict(offset.kwds)
        if own_days:
            arguments["calendar"] = _own_calendar(offset)
        names = {name: _plain_argument(value) for name, value in arguments.items()}
        plain = [type(offset).__name__, offset.n, bool(offset.normalize), names]
        expect(offset_of(plain) == offset, offset)
    except (CodecError, TypeError, ValueError) as error:
        raise CodecError(
            f"the frequency {short(offset)} has no plain form; give freq= an offset of pandas "
            "that is made of numbers, text, times and days alone"
        ) from error
    return plain


def offset_of(payload: Any) -> BaseOffset:
    """An offset from its plain form."""
    offset = _from_alias(payload) if isinstance(payload, str) else _built_offset(payload)
    if offset is None:
        raise CodecError(f"the frequency {short(payload)} is unknown")
    of_fixed_length = isinstance(offset, Tick | Day)
    expect(of_fixed_length or abs(offset.n) <= _LARGEST_MULTIPLE, payload)
    return offset


def _own_calendar(offset: Any) -> tuple[str, tuple[Any, ...]] | None:
    """The weekdays and holidays of a calendar, if the offset's other arguments don't say them."""
    own, kwds = offset.calendar, offset.kwds
    said = np.busdaycalendar(kwds["weekmask"], list(kwds["holidays"] or ()))
    if np.array_equal(own.weekmask, said.weekmask) and np.array_equal(own.holidays, said.holidays):
        return None
    return "".join("1" if day else "0" for day in own.weekmask), tuple(own.holidays)


def _plain_argument(value: Any) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, tuple | list):
        if value and all(isinstance(item, np.datetime64) for item in value):
            return {"days": np.array(value, dtype="datetime64[D]").astype(np.int64).tolist()}
        return [_plain_argument(item) for item in value]
    for leaf in LEAVES:
        if type(value) is leaf.kind:
            return {leaf.tag: leaf.plain(value)}
    raise CodecError(f"{short(value)} is no argument of an offset")


def _argument_of(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_argument_of(item) for item in plain)
    if not isinstance(plain, dict):
        return plain
    ((tag, payload),) = plain.items()
    if tag == "days":
        return tuple(np.array(payload, dtype=np.int64).astype("datetime64[D]"))
    found = [leaf for leaf in LEAVES if leaf.tag == tag]
    expect(len(found) == 1, tag)
    return found[0].value(payload)


def _built_offset(payload: Any) -> BaseOffset | None:
    name, n, normalize, arguments = payload
    expect(isinstance(name, str) and name in _OFFSETS and type(n) is int, payload)
    expect(type(normalize) is bool and isinstance(arguments, dict), payload)
    expect(0 < n <= _LARGEST_MULTIPLE, n)
    values = {key: _argument_of(value) for key, value in arguments.items()}
    if values.get("calendar") is not None:
        weekdays, holidays = values["calendar"]
        values["calendar"] = np.busdaycalendar(weekdays, list(holidays))
    offset: BaseOffset = _OFFSETS[name](n, normalize, **values)
    return offset


def _from_alias(alias: str) -> BaseOffset | None:
    try:
        return to_offset(alias)
    except ValueError:
        return None


# --- other values --------------------------------------------------------------------------------


class Leaf(NamedTuple):
    """A type whose values are written as one text, or as a short list of numbers."""

    tag: str
    kind: type[Any]
    plain: Callable[[Any], Any]
    value: Callable[[Any], Any]


def _plain_datetime(value: datetime.datetime) -> list[Any]:
    return [value.replace(tzinfo=None).isoformat(), value.fold, plain_zone(value.tzinfo)]


def _datetime_of(payload: Any) -> datetime.datetime:
    text, fold, zone = payload
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone_of(zone), fold=fold)


def _plain_time(value: datetime.time) -> str:
    expect(value.tzinfo is None, value)
    return value.isoformat()


LEAVES = (
    Leaf("date", datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    Leaf("time", datetime.time, _plain_time, datetime.time.fromisoformat),
    Leaf("datetime", datetime.datetime, _plain_datetime, _datetime_of),
    Leaf(
        "timedelta",
        datetime.timedelta,
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda payload: datetime.timedelta(*payload),
    ),
    Leaf("decimal", Decimal, str, Decimal),
    Leaf("uuid", uuid.UUID, str, uuid.UUID),
    Leaf("bytes", bytes, bytes.hex, bytes.fromhex),
)
"""Each is written and read by itself."""
