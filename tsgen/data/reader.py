"""The layouts that are read: rows of ids and times, or a column per series.

A reader knows one layout. All problems of a frame are found in one vectorised pass and raised as
one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from tsgen._messages import written
from tsgen.data.columns import Columns
from tsgen.data.guesses import suggested_names
from tsgen.data.layouts import Frame
from tsgen.data.long import LongReader
from tsgen.data.native import Native
from tsgen.data.validation import listing
from tsgen.data.wide import WideReader
from tsgen.errors import FrameError

__all__ = ["reader_of"]


def reader_of(native: Native, columns: Columns) -> LongReader | WideReader:
    """Tell the layouts apart by names first, by the kind of the index second."""
    df: Frame = native.by(columns)
    if isinstance(df.index, pd.MultiIndex):
        return _multiindex_reader(df, columns)
    if isinstance(df, pd.Series):
        return WideReader(pd.DataFrame({"y": df}), _of_one_column(columns), series=df)
    if df.columns.has_duplicates:
        twice = listing([written(name) for name in df.columns[df.columns.duplicated()].unique()])
        raise FrameError([f"columns named twice: {twice}; rename or drop one of each"])
    _check_placement(df, columns)
    _check_views(df, columns)
    if columns.time in df.columns and any(name in df.columns for name in columns.targets):
        ids = df[columns.id] if columns.has_ids(df) else None
        if ids is None and columns.id != Columns.id:
            raise _no_column("id", columns.id, "id_col", df)
        named = {columns.time, *columns.targets} | (set() if ids is None else {columns.id})
        return LongReader(
            ids,
            df[columns.time],
            _targets(df, columns),
            columns,
            order=tuple(name for name in df.columns if name in named),
            covariates=_covariates(df, columns),
        )
    if columns.time in df.columns and columns.id in df.columns:
        _targets(df, columns)
    if _is_time_index(_without(df, columns.covariates), columns):
        return _wide_reader(df, columns)
    of_long = any(name in df.columns for name in (columns.id, *columns.targets))
    if of_long and columns.time != Columns.time and columns.time not in df.columns:
        raise _no_column("time", columns.time, "time_col", df)
    raise FrameError(
        [
            f"neither a long nor a wide frame: the columns are {_names(df)}, the index is a "
            f"{type(df.index).__name__} of {df.index.dtype}; {_suggestion(df, columns)}"
            f"expected one of{columns.both_layouts()}"
        ]
    )


def _suggestion(df: pd.DataFrame, columns: Columns) -> str:
    """The arguments that make a long frame of it, where there are columns of time and numbers."""
    named = {"time_col": columns.time, "target_col": columns.target}
    lacking = [role for role, name in named.items() if name not in df.columns]
    free = df.drop(columns=[columns.id, *named.values(), *columns.covariates], errors="ignore")
    suggested = suggested_names(free, lacking)
    return f"for a long frame pass {suggested}; " if suggested else ""


def _check_placement(df: pd.DataFrame, columns: Columns) -> None:
    """Refuse a long frame whose ids or time stamps stand in the index, or under other names."""
    if df.columns.nlevels > 1 and columns.time in df.columns.get_level_values(0):
        full = next(name for name in df.columns if name[0] == columns.time)
        raise FrameError(
            [
                f"the columns have {df.columns.nlevels} levels: name those of ids, time stamps and "
                f"targets in full, as in time_col={written(full)}"
            ]
        )
    of_long = [name for name in (columns.id, columns.time, *columns.targets) if name in df.columns]
    is_time = isinstance(df.index, pd.DatetimeIndex | pd.PeriodIndex)
    if df.index.name == columns.id and not columns.one_series and of_long:
        what, name = "ids", columns.id
    elif columns.has_ids(df) and columns.time not in df.columns and (
        is_time or df.index.name == columns.time
    ):  # fmt: skip
        what, name = "time stamps", columns.time
    else:
        return
    named = "" if df.index.name == name else f".rename_axis({written(name)})"
    raise FrameError(
        [
            f"the {what} stand in the index, and the columns are those of a long frame "
            f"({_names(df)}): make them a column with df{named}.reset_index()"
        ]
    )


def _check_views(df: pd.DataFrame, columns: Columns) -> None:
    """Refuse the views of pyarrow, which pandas can hold, but neither sort nor convert."""
    used = [columns.id, columns.time, *columns.targets, *columns.covariates]
    views = [name for name in df.columns if name in used and _is_view(df[name].dtype)]
    if views:
        raise FrameError(
            [
                f"{written(name)} is a column of {df[name].dtype}, which pandas can't convert by "
                f"itself yet: make it text with df[{written(name)}].map(str)"
                for name in views
            ]
        )


def _is_view(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and "_view" in str(dtype)


def _no_column(what: str, name: Any, argument: str, df: pd.DataFrame) -> FrameError:
    return FrameError(
        [f"no {what} column {written(name)}; the columns are {_names(df)}; pass {argument}="]
    )


def _of_one_column(columns: Columns) -> Columns:
    """A Series has one target and nothing beside it."""
    more = [written(name) for name in (*columns.others, *columns.future, *columns.past)]
    if more:
        raise FrameError(
            [f"a Series has one column, so that there is no {listing(more)}: give a DataFrame"]
        )
    return columns


def _wide_reader(df: pd.DataFrame, columns: Columns) -> WideReader:
    if columns.others:
        raise FrameError(
            [
                f"target_col= names columns of a long frame, and this one is wide (its columns are "
                f"{_names(df)}): leave it out; with multivariate=True all columns are one system"
            ]
        )
    covariates = _covariates(df, columns)
    return WideReader(_without(df, covariates.columns), columns, covariates=covariates)


def _without(df: pd.DataFrame, names: Sequence[Any] | pd.Index) -> pd.DataFrame:
    """The other columns; pandas takes a millisecond to drop none of them."""
    return df.drop(columns=list(names), errors="ignore") if len(names) else df


def _names(df: pd.DataFrame) -> str:
    return listing([written(name) for name in df.columns], most=20)


def _targets(df: pd.DataFrame, columns: Columns) -> tuple[pd.Series, ...]:
    for name in columns.targets:
        if name not in df.columns:
            raise _no_column("target", name, "target_col", df)
    return tuple(df[name] for name in columns.targets)


def _covariates(df: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Those columns of covariates that there are."""
    if not columns.covariates:
        return pd.DataFrame()
    return df[[name for name in columns.covariates if name in df.columns]]


def _level(index: pd.Index, name: Any) -> pd.Series:
    values = index.get_level_values(name)
    return pd.Series(values, dtype=values.dtype)


def _is_time_index(df: pd.DataFrame, columns: Columns) -> bool:
    if isinstance(df.index, pd.DatetimeIndex | pd.PeriodIndex):
        return True
    if columns.time in df.columns:
        return False
    all_numbers = all(pd.api.types.is_numeric_dtype(dtype) for dtype in df.dtypes)
    if pd.api.types.is_integer_dtype(df.index.dtype):
        return df.index.name is not None or all_numbers
    # Dates as text or objects: the time check says how to convert them.
    return all_numbers or df.index.name == columns.time


def _multiindex_reader(df: Frame, columns: Columns) -> LongReader:
    index = df.index
    names: list[Any] = list(index.names)
    if index.nlevels != 2 or None in names:
        raise FrameError(
            [
                f"a MultiIndex needs two named levels, id and time, got {names}; make the levels "
                "columns with df.reset_index(), or name them with "
                f"df.index.set_names([{written(columns.id)}, {written(columns.time)}])"
            ]
        )
    # By name where the names are known, else in the order id, time.
    id_name, time_name = names if names != [columns.time, columns.id] else names[::-1]
    covariates = pd.DataFrame(index=index)
    targets: tuple[pd.Series, ...] = ()
    if isinstance(df, pd.Series):
        name: Any = df.name
        targets, columns = (df,), replace(_of_one_column(columns), target=name)
    else:
        targets, covariates = _targets(df, columns), _covariates(df, columns)
    columns = replace(columns, id=id_name, time=time_name)
    return LongReader(
        _level(index, id_name),
        _level(index, time_name),
        targets,
        columns,
        order=(id_name, time_name, *columns.targets),
        covariates=covariates,
        multiindex="series" if isinstance(df, pd.Series) else "frame",
        level_names=tuple(names),
    )
