"""Numbers, names and time stamps as a page has them."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

import pandas as pd

__all__ = ["count", "name", "number", "per_cent", "stamp", "steps"]

_LONGEST = 120
_UNITS = {
    "Y": "year", "A": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day",
    "B": "business day", "H": "hour", "MIN": "minute", "T": "minute", "S": "second",
}  # fmt: skip
_CONTROLS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
    ('12 months', '1 hour', '48 steps of 30min', '7 steps')
    """
    unit = _UNITS.get(re.sub(r"(?<=.)[SE]?(-.*)?$", "", frequency).upper())
    if unit is None and not re.fullmatch(r"[\d.]*", frequency):
        return f"{count(many, 'step')} of {frequency}"
    return count(many, unit or "step")


def name(value: Any) -> str:
    """A name that a stranger gave: control characters are shown as codes, and it is cut.

    Examples
    --------
    >>> from tsgen.reporting.wording import name
    >>> name("north\\n"), len(name("a" * 1000))
    ('north<U+000A>', 121)
    """
    text = str(value)
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return "".join(
        f"<U+{ord(sign):04X}>" if unicodedata.category(sign) in _CONTROLS else sign for sign in cut
    )


def stamp(value: Any) -> str:
    """A time stamp, without a time of day that is midnight."""
    if isinstance(value, pd.Timestamp) and value == value.normalize() and value.tz is None:
        return str(value.date())
    return str(value)
