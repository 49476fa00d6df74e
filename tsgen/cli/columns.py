"""Which columns of a table are what: as they are named, or the one column that each can be."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tsgen._messages import written
from tsgen.cli.dates import SINCE_1970, parsed, without_offset
from tsgen.cli.options import Roles
from tsgen.cli.times import joined_times, parts_of_time
from tsgen.cli.values import is_text
from tsgen.cli.wording import CommandError
from tsgen.data import Columns, column_candidates, listing, suggested_names
from tsgen.errors import FrameError

__all__ = ["check_there", "find_columns", "with_one_time_column"]

_USUAL = {"id_col": Columns.id, "time_col": Columns.time, "target_col": Columns.target}


def with_one_time_column(
    table: pd.DataFrame, names: list[str] | None, name: str | None = None
) -> tuple[pd.DataFrame, str | None]:
    """A table in which one column has the time that stands in one or several.

    Parameters
    ----------
    table : DataFrame
    names : list of str, optional
        The columns; where there are none, nothing is changed.
    name : str, optional
        What the one is called: as it was, or ``ds`` for several.
    """
    if not names:
        return table, None
    check_there(table, names)
    name = name or (names[0] if len(names) == 1 else Columns.time)
    joined = joined_times(table, names)
    rest = table.drop(columns=[*names, name], errors="ignore")
    before = table.columns[: table.columns.get_loc(names[0])].intersection(rest.columns)
    rest.insert(len(before), name, joined)
    return rest, name


def find_columns(
    table: pd.DataFrame, roles: Roles, file: str, date_format: str | None = None
) -> tuple[pd.DataFrame, Columns, dict[str, str]]:
    """The table with one column of time, the columns that have roles, and those that were found.

    Names that aren't given are the library's own. Where there are no such columns, one of time and
    one of numbers need no names if nothing stands beside them.
    """
    table, time_col = with_one_time_column(table, roles.time_col)
    given = {"id_col": roles.id_col, "time_col": time_col, "target_col": roles.target_col}
    covariates = [*(roles.future or ()), *(roles.past or ()), *(roles.static or ())]
    chosen = {role: name or _USUAL[role] for role, name in given.items()}
    found: dict[str, str] = {}
    if isinstance(table.index, pd.RangeIndex):  # else the time is the index of a Parquet file
        check_there(table, [name for name in (*given.values(), *covariates) if name is not None])
        lacking = [role for role in ("time_col", "target_col") if chosen[role] not in table]
        free = table.drop(columns=[*chosen.values(), *covariates], errors="ignore")
        free = _without_count(free)
        found = _only_candidates(free, lacking, file, date_format) if lacking else {}
    chosen |= found
    columns = Columns.of(
        **chosen, future=roles.future or (), past=roles.past or (), static=roles.static or ()
    )
    return table, columns, {role.removesuffix("_col"): name for role, name in found.items()}


def _only_candidates(
    free: pd.DataFrame, lacking: list[str], file: str, date_format: str | None
) -> dict[str, str]:
    candidates = _candidates(free, lacking, date_format)
    if lacking[1:] and all(is_text(column) for _, column in free.items()):
        _refuse_values_as_names(free, file)
    found = {role: candidates[role] for role in lacking}
    if all(len(names) == 1 for names in found.values()) and free.shape[1] == len(lacking):
        return {role: names[0] for role, names in found.items()}
    there = listing([repr(name) for name in free.columns], most=20) or "none"
    parts = parts_of_time(free) if "time_col" in lacking else []
    rest = free.drop(columns=parts)
    wanted = [role for role in lacking if role != "time_col" or not parts]
    left = _candidates(rest, wanted, date_format)
    without = [role for role in wanted if not left[role]]
    if not without:
        suggested = suggested_names(rest, wanted, left) if wanted else ""
        options = ", ".join(filter(None, [f"time_col={parts}" if parts else "", suggested]))
        raise FrameError([f"which columns of {file} are what? There are {there}: pass {options}"])
    role = without[0]
    kind = {"time_col": "time stamps", "target_col": "numbers to forecast"}[role]
    hint = "; --sep names what parts the fields" if lacking[1:] and free.shape[1] == 1 else ""
    # What stands in them shows why they are none: '5%', '12.03.'.
    values = listing([f"{name!r} ({written(rest[name].iloc[0])})" for name in rest.columns], most=8)
    there = values if len(free) else there
    raise FrameError(
        [f"no column of {file} holds {kind}: there are {there or 'none'}; pass {role}={hint}"]
    )


def _candidates(
    free: pd.DataFrame, lacking: list[str], date_format: str | None
) -> dict[str, list[str]]:
    """By the roles; of time, the one column that is written in a declared format."""
    if date_format and "time_col" in lacking:
        dated = [name for name in free if _is_written_as(free[name], date_format)]
        if len(dated) == 1:
            return column_candidates(free.drop(columns=dated), ["target_col"]) | {"time_col": dated}
    return column_candidates(free, lacking)


def _is_written_as(column: pd.Series, date_format: str) -> bool:
    text = column.astype(str).str.strip()
    if date_format in SINCE_1970:
        return bool(text.str.fullmatch(r"-?[0-9]{9,}").mean() > 0.5)
    text = text.str.replace(r"\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$", "", regex=True)
    return bool(parsed(text, without_offset(date_format)).notna().mean() > 0.5)


def _refuse_values_as_names(free: pd.DataFrame, file: str) -> None:
    """A file without a header would lose its first row to the names of its columns."""
    first = column_candidates(pd.DataFrame([free.columns], dtype=str))
    times, numbers = first["time_col"], set(first["target_col"]) - set(first["time_col"])
    if (times and numbers) or len(numbers) == free.shape[1] > 0:
        shown = listing([repr(name) for name in free.columns], most=4)
        raise CommandError(
            f"the first line of {file} holds values and no names of columns: {shown}; write a "
            "header such as ds,y above it"
        )


def check_there(table: pd.DataFrame, names: list[Any]) -> None:
    """Refuse a table that lacks columns."""
    lacking = [repr(name) for name in names if name not in table.columns]
    if lacking:
        there = listing([repr(name) for name in table.columns], most=20)
        raise CommandError(f"no column {listing(lacking)}; the columns are {there}")


def _without_count(free: pd.DataFrame) -> pd.DataFrame:
    """Without the row numbers that pandas and R write into a first column that has no name."""
    numbers = [(free.index + first).astype(str) for first in (0, 1)]
    counts = [
        name
        for name in free.columns[:1]
        if str(name).startswith("Unnamed: ") and any((free[name] == own).all() for own in numbers)
    ]
    return free.drop(columns=counts)
