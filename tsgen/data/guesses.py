"""What the columns of a frame may be, by their values: time, numbers, names of series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["NUMBER", "column_candidates", "suggested_names"]

NUMBER = (
    r"\s*[+\-\u2212]?(?:[0-9]+(?:[.,'\s][0-9]{3})*(?:[.,][0-9]*)?|[.,][0-9]+)"
    r"(?:[eE][+-]?[0-9]+)?\s*"
)
"""Text that is a number in some country."""

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_STAMP = (
    r"(?i:\s*(?:\d{1,4}[-/.:]\d{1,2}(?:[-/.: t].*)?|\d{1,2}[-/]\d{4}|\d{8}[t ]\d.*"
    r"|\d{4}[- ]?[qw]\d.*|q\d[-/ ]?\d{4}"
    rf"|.*\d[-/ .]*{_MONTH}\b.*|{_MONTH}[-/ .]*\d.*)\s*)"
)
_COMPACT_DATE = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-3]\d(?:[0-2]\d(?:[0-5]\d){0,2})?)?"


def column_candidates(
    df: pd.DataFrame, wanted: Sequence[str] = ("time_col", "target_col")
) -> dict[str, list[Any]]:
    """The columns that may be time, the target, or the names of series, by the arguments.

    What counts in equal steps, as years do, may be time where no column holds dates; it is a target
    where no time is wanted and no other column holds numbers.
    """
    times = [name for name, column in df.items() if _looks_like_time(column)]
    counts = [] if times else [name for name, column in df.items() if _counts(column)]
    times += counts
    chosen = times if len(times) == 1 else []
    numbers = [
        name for name, column in df.items() if _looks_like_numbers(column) and name not in chosen
    ]
    numbers = numbers or ([] if "time_col" in wanted else counts)
    names = [name for name in df.columns if name not in (*times, *numbers)]
    return {"time_col": times, "target_col": numbers, "id_col": names}


def suggested_names(
    df: pd.DataFrame,
    wanted: Sequence[str] = ("time_col", "target_col"),
    found: dict[str, list[Any]] | None = None,
) -> str:
    """Arguments that name the columns of a long frame; nothing where it can't be one.

    The candidates are those of `column_candidates`, unless they were found before.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data.guesses import suggested_names
    >>> suggested_names(pd.DataFrame({"Month": ["1949-01", "1949-02"], "Passengers": [112, 118]}))
    "time_col='Month', target_col='Passengers'"
    """
    found = column_candidates(df, wanted) if found is None else found
    if not all(found[argument] for argument in wanted):
        return ""
    shown = [argument for argument in found if argument in (*wanted, "id_col")]
    return ", ".join(f"{name}={_either(found[name])}" for name in shown if found[name])


def _looks_like_time(column: pd.Series) -> bool:
    """Whether a column holds dates or periods, or text of which most is written like them."""
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return True
    if pd.api.types.infer_dtype(column, skipna=True) in ("date", "datetime", "period"):
        return True
    if pd.api.types.is_integer_dtype(dtype):
        return _mostly(column.astype(str), _COMPACT_DATE)
    return (_mostly(column, _STAMP) and not _mostly(column, NUMBER)) or _mostly(
        column, _COMPACT_DATE
    )


def _looks_like_numbers(column: pd.Series) -> bool:
    """Whether a column holds numbers, or text of which most is written like them."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    return pd.api.types.is_numeric_dtype(column.dtype) or _mostly(column, NUMBER)


def _either(columns: list[Any]) -> str:
    first, *others = map(repr, columns[:4])
    return first + (f" (or {', '.join(others)})" if others else "")


def _mostly(column: pd.Series, pattern: str) -> bool:
    if not (column.dtype == object or pd.api.types.is_string_dtype(column.dtype)):
        return False
    text = column[column.map(lambda value: isinstance(value, str) and value != "")].astype(str)
    return len(text) > 0 and bool(text.str.fullmatch(pattern).mean() > 0.5)


def _counts(column: pd.Series) -> bool:
    """Whether whole numbers go on in equal steps, as years and row numbers do."""
    if not _looks_like_numbers(column):
        return False
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    steps = np.diff(values)
    return bool(len(steps) and steps[0] >= 1 and (steps == steps[0]).all() and values[0] % 1 == 0)
