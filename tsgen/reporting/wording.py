"""Numbers, names and time stamps as a page has them."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pandas as pd
from pandas.tseries.frequencies import to_offset

__all__ = ["count", "name", "number", "per_cent", "reason", "rows_come", "scaled", "stamp", "steps"]

_LONGEST = 120
_UNITS = {
    "Y": "year", "A": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day",
    "B": "business day", "H": "hour", "MIN": "minute", "T": "minute", "S": "second",
}  # fmt: skip
_SPANS = {
    "day": pd.Timedelta(days=1),
    "hour": pd.Timedelta(hours=1),
    "minute": pd.Timedelta(minutes=1),
    "second": pd.Timedelta(seconds=1),
}
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
_DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the text after them around."""


def number(value: Any) -> str:
    """Three digits that count, or whole thousands.

    Examples
    --------
    >>> from tsgen.reporting.wording import number
    >>> number(0.123456), number(123456.7), number(float("nan"))
    ('0.123', '123,457', '–')
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def scaled(value: Any) -> str:
    """A scaled error, with two decimals."""
    return "–" if math.isnan(float(value)) else f"{float(value):,.2f}"


def per_cent(value: Any) -> str:
    """A number of hundredths.

    Examples
    --------
    >>> from tsgen.reporting.wording import per_cent
    >>> per_cent(37.6), per_cent(float("nan"))
    ('38 %', '–')
    """
    return "–" if math.isnan(float(value)) else f"{float(value):.0f} %"


def count(many: int, what: str, plural: str = "") -> str:
    """So many of something.

    Examples
    --------
    >>> from tsgen.reporting.wording import count
    >>> count(1, "row"), count(1200, "row"), count(2, "series", "series")
    ('1 row', '1,200 rows', '2 series')
    """
    return f"{many:,} {what if many == 1 else plural or what + 's'}"


def steps(many: int, frequency: str) -> str:
    """How long a horizon is, in the words of its frequency.

    Examples
    --------
    >>> from tsgen.reporting.wording import steps
    >>> steps(12, "MS"), steps(1, "h"), steps(48, "30min"), steps(7, "1")
    ('12 months', '1 hour', '1 day', '7 steps')
    """
    unit = _unit(frequency)
    if unit or frequency.isdecimal():
        return count(many, unit or "step")
    return _span(many, frequency) or f"{count(many, 'step')} of {frequency}"


def rows_come(frequency: str) -> str:
    """How often there is a row.

    Examples
    --------
    >>> from tsgen.reporting.wording import rows_come
    >>> rows_come("W-SUN"), rows_come("30min"), rows_come("2")
    ('a row a week', 'a row every 30 minutes', 'rows numbered by 2')
    """
    if frequency.isdecimal():
        return "numbered rows" if frequency == "1" else f"rows numbered by {frequency}"
    unit = _unit(frequency)
    if unit is None:
        return f"a row every {_span(1, frequency) or frequency}"
    return f"a row {'an' if unit == 'hour' else 'a'} {unit}"


def _unit(frequency: str) -> str | None:
    """The word for one step: of ``MS``, ``ME`` and ``QE-DEC`` what stands before."""
    stem = frequency.partition("-")[0]
    for end in ("", "S", "E"):
        unit = _UNITS.get(stem.removesuffix(end).upper()) if stem.endswith(end) else None
        if unit:
            return unit
    return None


def _span(many: int, frequency: str) -> str | None:
    """So many steps in the longest unit of which they are a whole number; not of months."""
    try:
        step: Any = to_offset(frequency)
        whole = many * pd.Timedelta(step)
    except (TypeError, ValueError):
        return None
    for unit, size in _SPANS.items():
        if whole % size == pd.Timedelta(0):
            return count(whole // size, unit)
    return None


def name(value: Any, most: int = _LONGEST) -> str:
    r"""A name that a stranger gave: control characters are shown as codes, and it is cut.

    Examples
    --------
    >>> from tsgen.reporting.wording import name
    >>> name("north\n"), len(name("a" * 1000))
    ('north<U+000A>', 121)
    """
    text = str(value)
    cut = text if len(text) <= most else text[:most] + "…"
    return "".join(f"<U+{ord(sign):04X}>" if _is_control(sign) else sign for sign in cut)


def _is_control(sign: str) -> bool:
    return sign in _DIRECTIONS or unicodedata.category(sign) in _CONTROLS


def reason(message: str) -> str:
    """An error as part of a sentence, on one line."""
    return name(" ".join(message.split()), most=600).removesuffix(".")


def stamp(value: Any) -> str:
    """A time stamp, without a time of day that is midnight."""
    if isinstance(value, pd.Timestamp) and value == value.normalize() and value.tz is None:
        return str(value.date())
    return str(value)
