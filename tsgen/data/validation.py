"""What can be wrong with a frame, found in one vectorised pass and told all at once.

Each check adds what it finds to a `Problems`; every entry names the column, the series, the time
stamp and the row, the count, and the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.frequency import Frequency, inferred_frequency
from tsgen.data.step_hints import hint_on_steps
from tsgen.errors import FrameError

__all__ = [
    "FILL_NUMBERS",
    "FILL_SYMBOLS",
    "ExpectedSteps",
    "FillHint",
    "Places",
    "Problems",
    "check_ids",
    "check_index_steps",
    "check_steps",
    "check_times",
    "check_values",
    "listing",
]

Names = pd.Index | str
"""The series' ids, the name of the only one, or ``"wide"`` where the column is the series."""


class FillHint(NamedTuple):
    """What to do about missing values, for messages."""

    example: str
    argument: str


FILL_NUMBERS = FillHint(
    "interpolate()", "pass fill='mask', 'ffill', 'interpolate' or a number to fit"
)
FILL_SYMBOLS = FillHint("ffill()", "pass fill='ffill' to fit")
_GIVE_NUMBERS = (
    "give numbers; in a wide frame every column is a series, so drop it there; a long frame has "
    "columns of ids, time stamps and numbers: name them with id_col=, time_col=, target_col=, "
    "after df.reset_index() if one stands in the index"
)
_NAME_IDS = "name the column of ids with id_col=, after df.reset_index() if they stand in the index"
_SHOWN = 5
_NO_NUMBERS = (str, bytes, bool, np.bool_)


def listing(items: Sequence[str], *, total: int | None = None, most: int = _SHOWN) -> str:
    """The first few items and how many there are in all."""
    total = len(items) if total is None else total
    shown = ", ".join(items[:most])
    return shown if total <= most else f"{shown}, … ({total} in all)"


class Problems:
    """What was found so far."""

    def __init__(self, fill_hint: FillHint = FILL_NUMBERS) -> None:
        self._found: list[str] = []
        self.fill_hint = fill_hint

    def add(
        self, what: str, where: Sequence[str], remedy: str, *, total: int | None = None
    ) -> None:
        """One problem: what it is, where it stands (the first few are shown), what to do."""
        self._found.append(f"{what}: {listing(where, total=total)}; {remedy}")

    def raise_any(self) -> None:
        """Raise everything found as one error."""
        if self._found:
            raise FrameError(self._found)


def check_ids(ids: pd.Series, label: str, problems: Problems) -> bool:
    """No missing ids, one type; says whether they can be used."""
    missing = ids.isna().to_numpy()
    if missing.any():
        problems.add(
            f"column {label} has missing ids",
            _rows(missing),
            "give every row an id or drop it",
            total=int(missing.sum()),
        )
    nested, mixed = _containers(ids, missing), _types(ids, missing)
    if len(nested):
        problems.add(
            f"column {label} holds lists or other containers, which name no series",
            [f"{written(value)} (row {row})" for row, value in nested.iloc[:_SHOWN].items()],
            f"convert them to text, for instance df[{label}].map(str)",
            total=len(nested),
        )
    elif len(mixed) > 1:
        problems.add(
            f"column {label} mixes types",
            [f"{name} (row {row})" for row, name in mixed.items()],
            f"convert them, for instance df[{label}].astype(str)",
        )
    return not missing.any() and not len(nested) and len(mixed) <= 1


def _types(ids: pd.Series, missing: BoolArray) -> pd.Series:
    """The types of objects where they may be several, with the first row of each."""
    if not _may_be_anything(ids):
        return pd.Series(dtype=object)
    known = ids.reset_index(drop=True)[~missing]
    return known.map(lambda value: type(value).__name__).drop_duplicates()


def _containers(ids: pd.Series, missing: BoolArray) -> pd.Series:
    """The ids that are lists and such, which can't be compared."""
    known = ids.reset_index(drop=True)[~missing]
    if _is_nested(ids.dtype):
        return known
    if not _may_be_anything(ids):
        return known.iloc[:0]
    return known[~known.map(pd.api.types.is_hashable).astype(bool)]


def _may_be_anything(ids: pd.Series) -> bool:
    return ids.dtype == object and pd.api.types.infer_dtype(ids, skipna=True).startswith("mixed")


def _is_nested(dtype: Any) -> bool:
    """Whether a dtype of pyarrow is one of lists, structs or maps."""
    if not isinstance(dtype, pd.ArrowDtype):
        return False
    import pyarrow as pa

    return bool(pa.types.is_nested(dtype.pyarrow_dtype))


def check_times(
    times: pd.Series | pd.Index, label: str, problems: Problems, hint: str = ""
) -> pd.Index | None:
    """The time stamps as an index of dates, periods or integers, or ``None`` after a problem.

    The hint stands behind the remedy where a column doesn't hold time at all.
    """
    column = pd.Series(times, dtype=times.dtype).reset_index(drop=True)
    where = label if label == "the index" else f"column {label}"
    if column.dtype == object:
        column = _dates_from_objects(column, where, problems, hint)
    elif _is_arrow_time(column.dtype):
        column = column.astype(_numpy_time_dtype(column.dtype))
    dtype = column.dtype
    dates = isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype)
    if not dates and not pd.api.types.is_integer_dtype(dtype):
        if dtype != object:
            _add_no_time(column, _kind_of_no_time(dtype), where, problems, hint)
        return None
    missing = column.isna().to_numpy()
    if missing.any():
        problems.add(
            f"{where} has missing time stamps (NaT)",
            _rows(missing),
            "drop these rows or give them a time",
            total=int(missing.sum()),
        )
        return None
    # A wide frame's own index keeps its freq, which spares the guess.
    return times if isinstance(times, pd.DatetimeIndex) else pd.Index(column)


def _dates_from_objects(column: pd.Series, where: str, problems: Problems, hint: str) -> pd.Series:
    present = column.dropna()
    kind = pd.api.types.infer_dtype(present)
    if kind == "period":
        return pd.Series(pd.PeriodIndex(column))
    if kind == "date":
        return _dates_from_dates(column, where, problems)
    if kind == "datetime":
        aware = present.map(lambda stamp: stamp.tzinfo is not None)
        if aware.nunique() == 1:
            try:
                return pd.Series(pd.to_datetime(column))
            except ValueError:
                zones = present.map(lambda stamp: str(stamp.tzinfo)).drop_duplicates()
                problems.add(
                    f"{where} mixes time zones",
                    [f"{zone} (row {row})" for row, zone in zones.items()],
                    "bring them to one, for instance with pd.to_datetime(..., utc=True)",
                )
                return column
        odd = aware.index[aware != aware.iloc[0]][0]
        problems.add(
            f"{where} mixes time stamps with and without a time zone",
            [f"{column[odd]} (row {odd})"],
            "localise them first, with tz_localize or pd.to_datetime(..., utc=True)",
        )
        return column
    _add_no_time(column, _NO_TIME_OBJECTS.get(kind, f"{kind} objects"), where, problems, hint)
    return column


def _dates_from_dates(column: pd.Series, where: str, problems: Problems) -> pd.Series:
    """Objects of `datetime.date`, as databases and Parquet files give them."""
    stamps = column.map(lambda date: isinstance(date, datetime))
    if stamps.any():
        odd = stamps.index[stamps != stamps.iloc[0]][0]
        problems.add(
            f"{where} mixes dates and time stamps",
            [f"{column[odd]!r} (row {odd})"],
            "bring them to one kind with pd.to_datetime",
        )
        return column
    return column.astype("datetime64[s]")


_NO_TIME_OBJECTS = {"string": "text", "time": "times of day", "timedelta": "durations"}
_REMEDIES = {
    "text": "convert it with pd.to_datetime",
    "times of day": "add the day: pd.to_datetime(df['day'] + ' ' + df['time']) of text",
    "integer objects": "convert them with astype('int64'), or dates with pd.to_datetime",
    "durations": "add them to the time at which they start, a pd.Timestamp",
}


def _kind_of_no_time(dtype: Any) -> str:
    """What a column holds that is neither dates nor whole numbers nor objects."""
    if isinstance(dtype, pd.ArrowDtype) and str(dtype).startswith("time"):
        return "times of day"
    if pd.api.types.is_timedelta64_dtype(dtype) or getattr(dtype, "kind", "") == "m":
        return "durations"
    return "text" if pd.api.types.is_string_dtype(dtype) else str(dtype)


def _add_no_time(column: pd.Series, kind: str, where: str, problems: Problems, hint: str) -> None:
    present = column.dropna()
    first = "no value at all"
    if len(present):
        first = f"{written(present.iloc[0])} (row {present.index[0]})"
    remedy = _REMEDIES.get(kind, "give dates or integers, for instance with pd.to_datetime")
    problems.add(f"{where} holds {kind}, not time", [first], f"{remedy}{hint}")


def _is_arrow_time(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and dtype.kind == "M"


def _numpy_time_dtype(dtype: Any) -> Any:
    arrow = dtype.pyarrow_dtype
    unit: Any = getattr(arrow, "unit", "s")  # dates have no unit, and no zone
    zone = getattr(arrow, "tz", None)
    return f"datetime64[{unit}]" if zone is None else pd.DatetimeTZDtype(unit, zone)


def check_values(
    column: pd.Series,
    label: str,
    where: Places,
    problems: Problems,
    *,
    missing: Literal["refused", "holes", "allowed"] = "refused",
    remedy: str = _GIVE_NUMBERS,
) -> FloatArray | None:
    """The values as float64, a copy, or ``None`` if the column can't be numbers.

    Missing values are a problem in a long frame unless they are allowed, or holes of a series that
    has others; in a wide one, where they may mean a shorter series, they are left to the caller.
    """
    values = _to_float(column, label, where, problems, remedy)
    if values is None:
        return None
    infinite = np.isinf(values)
    if infinite.any():
        problems.add(
            f"column {label} has infinite values",
            where.describe(infinite),
            "replace them or drop the series",
            total=int(infinite.sum()),
        )
    lacking = np.isnan(values)
    if where.is_long and missing != "allowed" and lacking.any():
        empty = _check_for_any_value(lacking, label, where, problems)
        partly = lacking & ~empty[where.codes]
        if partly.any() and missing == "refused":
            problems.add(
                f"column {label} has missing values (NaN)",
                where.describe(partly),
                "drop them at a series' ends, fill them between, for instance with "
                f"{problems.fill_hint.example}, or {problems.fill_hint.argument}",
                total=int(partly.sum()),
            )
    return values


def _check_for_any_value(
    lacking: BoolArray, label: str, where: Places, problems: Problems
) -> BoolArray:
    """Which series have no value at all; that is a problem."""
    empty: BoolArray = np.bincount(where.codes, ~lacking, minlength=where.codes.max() + 1) == 0
    if empty.any() and isinstance(where.names, pd.Index):
        problems.add(
            f"column {label}: series without any value",
            [written(name) for name in where.names[empty]],
            "drop these series",
        )
    elif empty.any():
        problems.add(
            f"column {label} has no value at all",
            [f"{len(lacking)} rows of NaN"],
            "take another one",
        )
    return empty


def _to_float(
    column: pd.Series, label: str, where: Places, problems: Problems, remedy: str
) -> FloatArray | None:
    dtype = column.dtype
    kind = pd.api.types.infer_dtype(column, skipna=True) if dtype == object else ""
    if pd.api.types.is_bool_dtype(dtype) or kind == "boolean":
        problems.add(
            f"column {label} holds bool", [f"{written(column.iloc[0])} (row 0)"],
            "cast explicitly, for instance with astype(float)",
        )  # fmt: skip
        return None
    if pd.api.types.is_complex_dtype(dtype) or kind == "complex":
        problems.add(
            f"column {label} holds complex numbers", [f"{written(column.iloc[0])} (row 0)"],
            "forecast the real and the imaginary part as two series",
        )  # fmt: skip
        return None
    try:
        # Text and truth values must not slip through the conversion of objects.
        if dtype == object and not column.map(lambda value: isinstance(value, _NO_NUMBERS)).any():
            values = np.array(column.where(column.notna(), np.nan), dtype=np.float64)
            return values
        if pd.api.types.is_numeric_dtype(dtype):
            return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        pass
    row, value = _first_no_number(column)
    if _is_numeric_text(value):
        problems.add(
            f"column {label} holds numbers as text", [f"{written(value)} {where.at(row)}"],
            f"convert it with pd.to_numeric(df[{label}])",
        )  # fmt: skip
    else:
        kind = f"{dtype}, {type(_plain(value)).__name__}" if dtype == object else str(dtype)
        problems.add(
            f"column {label} isn't numeric ({kind})", [f"{written(value)} {where.at(row)}"],
            remedy,
        )  # fmt: skip
    return None


def _first_no_number(column: pd.Series) -> tuple[int, Any]:
    for row, value in enumerate(column):
        try:
            if isinstance(value, _NO_NUMBERS):
                raise ValueError
            float(value)
        except (TypeError, ValueError):
            if value is not None and value is not pd.NA:
                return row, value
    return 0, column.iloc[0]


def _plain(value: Any) -> Any:
    """A numpy scalar as Python writes it."""
    return value.item() if isinstance(value, np.generic) else value


def _is_numeric_text(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


class ExpectedSteps(NamedTuple):
    """How the rows of a series follow one another."""

    frequency: Frequency
    origin: str
    """Where the frequency comes from, for messages."""
    gaps: bool = False
    """Whether several steps may lie between two rows."""

    def are_met_by(self, steps: IntArray) -> bool:
        """Whether so many steps lie between each row and the next."""
        return bool(((steps > 0) if self.gaps else (steps == 1)).all())


def check_steps(
    expected: ExpectedSteps,
    times: pd.Index,
    offsets: IntArray,
    names: Names,
    order: IntArray | None,
    problems: Problems,
) -> None:
    """Sorted stamps of a long frame: each series must go on from row to row as expected."""
    steps = expected.frequency.advance(times)
    inside = np.ones(len(steps), dtype=bool)
    inside[offsets[1:-1] - 1] = False
    if not expected.are_met_by(steps[inside]):
        codes = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        where = Places(codes, names, times, order)
        _add_step_problems(expected, steps, inside, where, problems)


def check_index_steps(
    expected: ExpectedSteps, times: pd.Index, order: IntArray | None, problems: Problems
) -> None:
    """The same for the one index of a wide frame or Series."""
    steps = expected.frequency.advance(times)
    if not expected.are_met_by(steps):
        where = Places(np.zeros(len(times), dtype=np.int64), "wide", times, order)
        everywhere = np.ones(len(steps), dtype=bool)
        _add_step_problems(expected, steps, everywhere, where, problems)


def _add_step_problems(
    expected: ExpectedSteps, steps: IntArray, inside: BoolArray, where: Places, problems: Problems
) -> None:
    """Say what is wrong between which rows: ``inside`` is false between two series."""
    frequency, origin, gaps_allowed = expected
    steps = np.minimum(steps, 1) if gaps_allowed else steps
    times = where.times
    assert times is not None
    repeated = inside & np.asarray(times[1:] == times[:-1])
    odd_rows = _rows_of_odd_series(steps, inside & ~repeated, where)
    gaps = inside & (steps > 1) & ~odd_rows
    irregular = inside & ~repeated & ~odd_rows & (steps <= 0)
    odd = np.flatnonzero(gaps | irregular | odd_rows)
    clock = _clock_change_hint(frequency, times)
    hint = hint_on_steps(where.series_of(int(odd[0])), frequency) if len(odd) else ""
    if repeated.any():
        problems.add(
            "time stamps that come twice in a series",
            where.describe(np.append(False, repeated)),
            f"keep one row of each{where.hint}{clock}",
            total=int(repeated.sum()),
        )
    if odd_rows.any():
        problems.add(
            f"the frequency is {frequency.name!r} ({origin}), but not in all series",
            where.frequencies(np.append(odd_rows, False)),
            f"resample them to one frequency, fit them apart, or pass the right freq={hint}",
        )
    if gaps.any():
        _add_gaps(gaps, frequency, where, problems, hint or clock)
    if irregular.any():
        seen = where.frequencies(np.append(irregular, False))[0]
        problems.add(
            f"time stamps off the frequency {frequency.name!r} ({origin}; {seen})",
            where.describe(np.append(False, irregular)),
            f"bring the series to one frequency with resample, or pass the right freq={hint}",
            total=int(irregular.sum()),
        )


def _add_gaps(
    gaps: BoolArray, frequency: Frequency, where: Places, problems: Problems, hint: str
) -> None:
    times = where.times
    assert times is not None
    firsts = where.first_of_each(gaps)
    missing = frequency.following(times[firsts], 1)
    problems.add(
        f"gaps in time at frequency {frequency.name!r}, first missing stamp of each series",
        [where.before(row, stamp) for row, stamp in zip(firsts, missing, strict=True)],
        f"add the missing rows{_how_to_add_rows(times)}, or {problems.fill_hint.argument}{hint}",
        total=len(firsts),
    )


def _rows_of_odd_series(steps: IntArray, inside: BoolArray, where: Places) -> BoolArray:
    """Rows of the series that never advance by one step: theirs is another frequency."""
    codes = where.codes[:-1]
    count = int(where.codes.max()) + 1
    regular = np.bincount(codes, inside & (steps == 1), minlength=count)
    total = np.bincount(codes, inside, minlength=count)
    odd: BoolArray = (total >= 1) & (regular == 0)
    return np.asarray(inside & odd[codes])


def _clock_change_hint(frequency: Frequency, times: pd.Index) -> str:
    naive = isinstance(times, pd.DatetimeIndex) and times.tz is None
    if not naive or frequency.seconds is None or frequency.seconds >= 86_400:
        return ""
    return "; if this is a clock change, first tz_localize(zone, ambiguous='infer')"


def _how_to_add_rows(times: pd.Index) -> str:
    return "" if pd.api.types.is_integer_dtype(times.dtype) else ", for instance with asfreq"


class Places:
    """Says where rows stand: the series, the time stamp, the row of the caller's frame."""

    def __init__(
        self,
        codes: IntArray | None,
        names: Names,
        times: pd.Index | None,
        order: IntArray | None = None,
    ) -> None:
        self.is_long = codes is not None
        self.codes = np.empty(0, dtype=np.int64) if codes is None else codes
        self.names, self.times, self._order = names, times, order

    @property
    def hint(self) -> str:
        """What may be meant where ids are lacking."""
        lone = isinstance(self.names, str) and self.names != "wide"
        return f" (read as one series: {_NAME_IDS})" if lone else ""

    def at(self, row: int, stamp: Any = None) -> str:
        """One row's place."""
        parts = []
        if isinstance(self.names, pd.Index) and row < len(self.codes):
            code = self.codes[row]
            parts.append(f"series {written(self.names[code])}" if code < len(self.names) else "")
        if self.times is not None:
            parts.append(f"at {self.times[row] if stamp is None else stamp}")
        parts.append(f"(row {row if self._order is None else self._order[row]})")
        return " ".join(part for part in parts if part)

    def describe(self, rows: BoolArray) -> list[str]:
        """The places of the first few rows."""
        return [self.at(int(row)) for row in np.flatnonzero(rows)[:_SHOWN]]

    def before(self, row: int, stamp: Any) -> str:
        """A place where a row is missing."""
        return self.at(row, stamp).replace("(row ", "(after row ")

    def series_of(self, row: int) -> pd.Index:
        """The stamps of a row's series."""
        assert self.times is not None
        own: pd.Index = self.times[self.codes == self.codes[row]]
        return own

    def first_of_each(self, rows: BoolArray) -> IntArray:
        """The first of these rows in each series."""
        positions = np.flatnonzero(rows)
        return positions[np.unique(self.codes[positions], return_index=True)[1]]

    def frequencies(self, rows: BoolArray) -> list[str]:
        """The series of these rows, each with the frequency it has itself."""
        assert self.times is not None
        described: list[str] = []
        for code in np.unique(self.codes[rows]):
            label = (
                f"series {written(self.names[code])}"
                if isinstance(self.names, pd.Index)
                else "the index"
            )
            if len(described) >= _SHOWN:
                described.append(label)
                continue
            own = self.times[self.codes == code]
            described.append(f"{label} has {inferred_frequency(own).name!r}")
        return described


def _rows(mask: BoolArray) -> list[str]:
    return [f"row {row}" for row in np.flatnonzero(mask)[:_SHOWN]]
