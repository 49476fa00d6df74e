"""The layouts that are read: rows of ids and times, or a column per series.

A reader knows one layout. All problems of a frame are found in one vectorised pass and raised as
one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.checks import (
    listing,
)
from tsgen.columns import Columns
from tsgen.errors import FrameError
from tsgen.guesses import suggested_names
from tsgen.layouts import Frame
from tsgen.long_reader import LongReader
from tsgen.wide_reader import WideReader

__all__ = ["reader_of"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def reader_of(df: Frame, columns: Columns) -> LongReader | WideReader:
    """Tell the layouts apart by names first, by the kind of the index second."""
    if isinstance(df.index, pd.MultiIndex):
        return _multiindex_reader(df, columns)
    if isinstance(df, pd.Series):
        return WideReader(pd.DataFrame({"y": df}), _of_one_column(columns), series=df)
    if df.columns.has_duplicates:
        twice = listing([repr(name) for name in df.columns[df.columns.duplicated()].unique()])
        raise FrameError([f"columns named twice: {twice}; rename or drop one of each"])
    if columns.time in df.columns and any(name in df.columns for name in columns.targets):
        if columns.id not in df.columns and columns.id != Columns.id:
            raise FrameError(
                [f"no id column {columns.id!r}; the columns are {_names(df)}; pass id_col="]
            )
        ids = df[columns.id] if columns.id in df.columns else None
        named = {columns.id, columns.time, *columns.targets}
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
    if _is_time_index(df.drop(columns=list(columns.covariates), errors="ignore"), columns):
        return _wide_reader(df, columns)
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


def _of_one_column(columns: Columns) -> Columns:
    """A Series has one target and nothing beside it."""
    more = [repr(name) for name in (*columns.others, *columns.future, *columns.past)]
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
    return WideReader(df.drop(columns=covariates.columns), columns, covariates=covariates)


def _names(df: pd.DataFrame) -> str:
    return listing([repr(name) for name in df.columns], most=20)


def _targets(df: pd.DataFrame, columns: Columns) -> tuple[pd.Series, ...]:
    for name in columns.targets:
        if name not in df.columns:
            raise FrameError(
                [f"no target column {name!r}; the columns are {_names(df)}; pass target_col="]
            )
    return tuple(df[name] for name in columns.targets)


def _covariates(df: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Those columns of covariates that there are."""
    if not columns.covariates:
        return pd.DataFrame()
    return df[[name for name in columns.covariates if name in df.columns]]


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
                f"a MultiIndex needs two named levels, id and time, got {names}; name them with "
                f"df.index.set_names([{columns.id!r}, {columns.time!r}])"
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
        pd.Series(index.get_level_values(id_name)),
        pd.Series(index.get_level_values(time_name)),
        targets,
        columns,
        order=(id_name, time_name, *columns.targets),
        covariates=covariates,
        multiindex="series" if isinstance(df, pd.Series) else "frame",
        level_names=tuple(names),
    )
