"""Text to time stamps: which kind they are, and where they are local."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Iterable
from typing import Any

import pandas as pd

from tsgen.cli.dates import SINCE_1970, Clock, read_dates, read_numbers, read_weeks
from tsgen.cli.wording import CommandError
from tsgen.data import column_candidates, localise

__all__ = ["joined_times", "known_zone", "parts_of_time", "read_times"]

_OFFSET = r"^(.*\d:\d{2}(?:\.\d+)?|\d{8}T\d{4,6})\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_QUARTER = r"(?i:(\d{4})[- ]?q([1-4])|q([1-4])[-/ ]?(\d{4}))"
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_TIME_OF_DAY = r"\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*"


def known_zone(name: str | None) -> Any:
    """A time zone by its name."""
    try:
        return None if name is None else zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise CommandError(
            f"--time-zone {name} is unknown; expected a name such as Europe/Berlin or UTC"
        ) from None


def parts_of_time(table: pd.DataFrame) -> list[str]:
    """The columns that are a time together: year, month, …, or dates and times of day."""
    by_part = {_part(name): str(name) for name in table.columns}
    parts = [by_part[part] for part in _PARTS if part in by_part]
    if {"year", "month"} <= by_part.keys():
        return parts
    texts = {str(name): column.astype(str) for name, column in table.items()}
    hours = [name for name, text in texts.items() if text.str.fullmatch(_TIME_OF_DAY).all()]
    dates = [name for name in column_candidates(table)["time_col"] if name not in hours]
    return [*dates, *hours] if len(dates) == len(hours) == 1 else []


def _part(name: Any) -> str:
    return str(name).strip().lower().removesuffix("s")


def joined_times(table: pd.DataFrame, names: list[str]) -> pd.Series:
    """The text of a time in several columns: its parts by their names, or text after text."""
    if len(names) == 1:
        return table[names[0]]
    columns = [table[name].astype(str).str.strip() for name in names]
    parts = dict(zip(map(_part, names), columns, strict=True))
    for part, mark in (("quarter", "Q"), ("week", "-W")):
        if set(parts) == {"year", part}:
            return parts["year"].str.cat(_digits(parts[part], 2 if part == "week" else 1), sep=mark)
    has_dates = "year" not in parts and not columns[0].str.isdecimal().all()
    if has_dates or not set(parts) <= set(_PARTS):
        if _part(names[-1]) == "hour":
            columns[-1] = _digits(columns[-1], 2) + ":00"
        return pd.Series(columns[0].str.cat(pd.concat(columns[1:], axis=1), sep=" "))
    last = max(_PARTS.index(part) for part in parts)
    needed = _PARTS[: max(2, last + 1)]
    lacking = [part for part in needed if part not in parts]
    if lacking:
        raise CommandError(
            f"--time-col {' --time-col '.join(names)}: a time of these parts needs its "
            f"{lacking[0]} as well"
        )
    joined = _digits(parts["year"], 4)
    for part, mark in zip(needed[1:], "--T::", strict=False):
        joined = joined.str.cat(_digits(parts[part], 2), sep=mark)
    return joined


def _digits(numbers: pd.Series, count: int) -> pd.Series:
    """As they stand in a date; a column that had holes may have become one of decimals."""
    return numbers.str.removesuffix(".0").str.zfill(count)


def read_times(
    column: pd.Series, clock: Clock, ids: pd.Series | None = None
) -> tuple[pd.Series, str]:
    """Time stamps, periods or whole numbers, missing where there is none.

    Parameters
    ----------
    column : Series
        Text, or what a Parquet file has in its place.
    clock : Clock
    ids : Series, optional
        Which rows are of one series, in which a local hour may come twice.

    Returns
    -------
    Series
    str
        What has to be said about them, or nothing.
    """
    if pd.api.types.infer_dtype(column, skipna=True) == "date":
        column = pd.to_datetime(column)
    if isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind == "M":
        column = pd.Series(pd.DatetimeIndex(column), index=column.index)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if column.dt.tz is not None:
            zone = clock.zone or clock.target
            return (column if zone is None else column.dt.tz_convert(zone)), ""
        return _localized(column, clock, ids), ""
    if isinstance(column.dtype, pd.PeriodDtype):
        return column, ""
    text = column.astype(str).str.strip()
    text = text[column.notna() & (text != "")]
    if not len(text):
        raise CommandError(f"column {clock.label} is empty: it should hold time stamps")
    times, note = _read_text(text, clock, None if ids is None else ids[text.index])
    if len(times) < len(column) and pd.api.types.is_integer_dtype(times.dtype):
        times = times.astype("Int64")  # else numbers that count would become decimals
    return times.reindex(column.index), note


def _read_text(text: pd.Series, clock: Clock, ids: pd.Series | None) -> tuple[pd.Series, str]:
    whole = r"[+-]?\d+"
    if text.str.fullmatch(whole).all():
        times, note = read_numbers(text, clock)
        return (_localized(times, clock, ids) if _is_naive(times) else times), note
    if clock.date_format in SINCE_1970:
        row = text.index[~text.str.fullmatch(whole)][0]
        raise clock.refused(
            text, row, f"is no whole number of {SINCE_1970[clock.date_format]} since 1970"
        )
    if clock.date_format is None and text.str.fullmatch(_QUARTER).all():
        found = text.str.extract(_QUARTER).fillna("")
        quarters = (found[0] + found[3]).str.cat(found[1] + found[2], sep="Q")
        return pd.Series(pd.PeriodIndex(quarters, freq="Q"), index=text.index), ""
    if clock.date_format is None and text.str.fullmatch(r"\d{4}-?W\d{2}").all():
        return read_weeks(text, clock), "weeks as their Mondays"
    distinct = text.drop_duplicates()  # many series share their stamps
    walls, offsets, note = _walls_and_offsets(distinct, clock)
    codes = pd.factorize(text)[0]
    walls, offsets = (part.iloc[codes].set_axis(text.index) for part in (walls, offsets))
    if offsets.isna().all():
        return _localized(walls, clock, ids), note
    return _from_utc(text, walls, offsets, clock, ids, note)


# --- zones ---------------------------------------------------------------------------------------


def _walls_and_offsets(text: pd.Series, clock: Clock) -> tuple[pd.Series, pd.Series, str]:
    """What clocks on a wall show, and how far they are from UTC where that is written."""
    found = text[text.str.fullmatch(_OFFSET)].str.extract(_OFFSET)
    plain = text.where(~text.index.isin(found.index), found[0].reindex(text.index))
    walls, note = read_dates(plain, clock)
    minutes = found[1].map(_minutes(found[1].unique()))
    return walls, pd.to_timedelta(minutes.reindex(text.index), unit="min"), note


def _minutes(offsets: Iterable[str]) -> dict[str, int]:
    minutes = {}
    for offset in offsets:
        digits = re.sub(r"\D", "", offset).ljust(4, "0")
        minutes[offset] = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if offset[0] == "-" else 1)
    return minutes


def _from_utc(
    text: pd.Series,
    walls: pd.Series,
    offsets: pd.Series,
    clock: Clock,
    ids: pd.Series | None,
    note: str,
) -> tuple[pd.Series, str]:
    """Time stamps with offsets, in one zone; where they have none beside them, those are local."""
    local = offsets.isna()
    if local.any() and clock.zone is None:
        odd = local.index[local != local.iloc[0]][0]
        raise clock.refused(
            text, odd, f"{'has no' if local[odd] else 'has an'} offset from UTC, unlike the rows "
            "before; --time-zone names the zone in which all of them are read",
        )  # fmt: skip
    zone = clock.zone or clock.target
    if zone is None and offsets.nunique() == 1:
        zone = datetime.timezone(offsets.iloc[0].to_pytimedelta())
    if zone is None and _are_one_a_day(walls):
        raise CommandError(
            f"column {clock.label} has days whose offsets from UTC change, such as "
            f"{text.iloc[0]!r}; name their zone, such as --time-zone Europe/Berlin"
        )
    utc = (walls - offsets)[~local].dt.tz_localize("UTC")
    if zone is None:
        in_utc = "in UTC, since offsets change (--time-zone keeps local time)"
        return utc, ", ".join(filter(None, [note, in_utc]))
    zoned = utc.dt.tz_convert(zone)
    if local.any():
        rest = _localized(walls[local], clock, None if ids is None else ids[local])
        zoned = pd.concat([zoned, rest]).reindex(text.index)
    return zoned, note


def _localized(walls: pd.Series, clock: Clock, ids: pd.Series | None) -> pd.Series:
    """Local time stamps without offsets in their zone, if it is known.

    An hour that comes twice when clocks are set back stands twice in its series, the first of them
    in summer time. A day begins with its first moment, also where clocks change at midnight.
    """
    if clock.zone is None:
        return walls
    table = pd.DataFrame({"wall": walls, "id": 0 if ids is None else ids})
    if _are_days(table):
        present = walls.dropna()
        days = localise(pd.DatetimeIndex(present), clock.zone)
        return pd.Series(days, index=present.index).reindex(walls.index)
    series = table.groupby("id", dropna=False)["wall"]
    newest_first = series.transform("first") > series.transform("last")
    late = table.duplicated(keep="first").mask(newest_first, table.duplicated(keep="last"))
    zoned = walls.dt.tz_localize(clock.zone, ambiguous=~late.to_numpy(), nonexistent="NaT")
    _refuse(zoned.isna() & walls.notna(), walls, clock, "doesn't exist")
    other = walls.dt.tz_localize(clock.zone, ambiguous="NaT", nonexistent="NaT")
    once = ~table.duplicated(keep=False)
    _refuse(other.isna() & once & walls.notna(), walls, clock, "comes twice, but not here")
    return pd.Series(zoned)


def _is_naive(times: pd.Series) -> bool:
    return pd.api.types.is_datetime64_dtype(times.dtype)


def _are_days(table: pd.DataFrame) -> bool:
    """Whether stamps are midnights, or a day or more apart in each series."""
    walls = table["wall"].dropna()
    if (walls == walls.dt.normalize()).all():
        return True
    steps = table.sort_values("wall").groupby("id", dropna=False)["wall"].diff().dropna()
    return len(steps) > 0 and bool((steps >= pd.Timedelta(days=1)).all())


def _are_one_a_day(walls: pd.Series) -> bool:
    """Whether stamps are at one time of day, but for those that a change of clocks has moved."""
    distinct = walls.drop_duplicates()
    days = distinct.dt.normalize()
    usual = (distinct - days).value_counts(normalize=True).iloc[0]
    return bool(usual == 1 or (usual > 0.5 and not days.duplicated().any()))


def _refuse(bad: pd.Series, walls: pd.Series, clock: Clock, reason: str) -> None:
    if bad.any():
        row = walls.index[bad][0]
        raise CommandError(
            f"column {clock.label}: {walls[row]} (row {row}) {reason} in {clock.zone}, where "
            "clocks change; write offsets (2022-10-30 02:00:00+01:00), or another --time-zone"
        )
