"""Forecasts from Parquet to Parquet: block by block of whole series, in constant memory."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._runtime import process_group, progress_line
from tsgen.data import (
    Columns,
    ParquetSource,
    SeriesBlock,
    SeriesReader,
    in_whole_series,
    is_frame,
    is_path,
    opened,
    with_rows_of,
)
from tsgen.errors import FrameError, SettingError
from tsgen.forecasters.parts import PartsFolder, check_is_apart, frame_hash

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

__all__ = [
    "Files",
    "FilesToForecast",
    "are_files",
    "forecast_files",
    "refuse_beside_files",
]

_SERIES_AT_ONCE = 512
"""Those that a network computes together: blocks of whole such groups give the same numbers."""
_ROWS_AT_ONCE = 2**19
"""Rows of a block, where it isn't a single group of long series."""
_AS_FRAME = "read it with pd.read_parquet(path) and pass the frame without out="
_OF_FUTURE = re.compile("future_df=|^future covariate")

Files: TypeAlias = "str | os.PathLike[str] | Dataset"
"""A folder, a file, a glob, or a dataset of Parquet."""
Predict = Callable[[pd.DataFrame, pd.DataFrame | None], Any]


@dataclass(frozen=True)
class FilesToForecast:
    """What is read, how, and where to.

    Attributes
    ----------
    df : path or pyarrow.dataset.Dataset
    out : path
    overwrite : bool
    future_df : path, Dataset or DataFrame, optional
    columns : Columns
        Of both.
    asked : dict of str to plain values
        What else changes forecasts among the arguments.
    """

    df: Any
    out: Any
    overwrite: bool
    future_df: Any
    columns: Columns
    asked: dict[str, Any]


def are_files(df: Any, out: Any) -> bool:
    """Whether ``predict`` is asked for files; half of that is refused.

    Raises
    ------
    SettingError
        For a path without ``out``, or an ``out`` for a frame.
    """
    if out is None and is_path(df):
        raise SettingError(
            f"df={written(os.fspath(df))} is a path: pass out= too, a folder for the forecasts as "
            "Parquet, or read it with pd.read_parquet(path)"
        )
    if out is None:
        return False
    if df is None or is_frame(df):
        what = "left out" if df is None else f"a {type(df).__name__}"
        raise SettingError(
            f"out= is a folder for forecasts of files of Parquet, and df= is {what}: pass df= the "
            "path of a folder or a file, or leave out= out"
        )
    return True


def refuse_beside_files(**given: Any) -> None:
    """Refuse arguments that are about series in memory."""
    for name, value in given.items():
        if value is not None:
            raise SettingError(
                f"{name}= beside out=: it is for series in memory; leave it out, or pass df= as a "
                "frame and leave out out="
            )


def forecast_files(
    files: FilesToForecast, model: str, predict: Predict, *, shown: bool = False
) -> Any:
    """Forecast all series of some files, block by block; what is finished isn't done again.

    Parameters
    ----------
    files : FilesToForecast
    model : str
        A hash of all in the model that changes forecasts.
    predict : callable
        Of the series of a frame, with what is known of their horizon.
    shown : bool, default False
        Whether there is a line of progress.

    Returns
    -------
    pyarrow.dataset.Dataset

    Raises
    ------
    FrameError
        With all that is wrong with the first block that can't be read.
    ForecastsExistError
        If the folder has forecasts of another call.
    """
    source = ParquetSource.of(files.df, "df")
    check_is_apart(files.out, source)
    source.columns_of(files.columns, _AS_FRAME)
    future = _Future(files.future_df, files.columns)
    request = {"model": model, "df": source.identity, "future_df": future.identity, **files.asked}
    folder = PartsFolder(files.out, request)
    folder.check(overwrite=files.overwrite)
    if folder.is_finished:
        return folder.dataset()
    progress, group = _Progress(source, shown), process_group()
    beside, id_col = Path(files.out).absolute().parent, files.columns.id
    with (
        in_whole_series(source, id_col, beside) as whole,
        future.in_whole_series(beside) as ahead,
        progress.line or nullcontext(),
    ):
        work = _Work(replace(files, future_df=ahead), whole, folder, predict)
        if not group.is_first:
            folder.await_first()
        # Its share of the parts, which is all of them for a process that is alone ...
        parts = work.go_through(lambda number: number % group.size == group.rank, progress.add)
        # ... and what other processes have left undone, since nobody waits for them.
        if not all(map(folder.has, range(parts))):
            work.go_through(lambda number: True)
    if not parts:
        raise FrameError([f"{source.name} has 0 rows; a forecast needs history"])
    folder.finish(parts)
    return folder.dataset()


@dataclass(frozen=True)
class _Work:
    """What is read, and by what and where to it is forecast."""

    files: FilesToForecast
    source: ParquetSource
    folder: PartsFolder
    predict: Predict

    def go_through(
        self,
        is_wanted: Callable[[int], bool],
        tell: Callable[[SeriesBlock], None] = lambda block: None,
    ) -> int:
        """Write the parts of some numbers that aren't there; returns how many there are in all."""
        columns = self.files.columns
        read = self.source.columns_of(columns, _AS_FRAME)
        blocks = SeriesReader(self.source, read, columns.id)
        future = _Future(self.files.future_df, columns)
        parts = 0
        while (block := blocks.take(_SERIES_AT_ONCE, _ROWS_AT_ONCE)) is not None:
            ahead = future.of(block)
            if is_wanted(parts) and not self.folder.has(parts):
                self.folder.write(parts, _forecast(block, ahead, self.predict))
            tell(block)
            parts += 1
        return parts


def _forecast(block: SeriesBlock, ahead: _Ahead, predict: Predict) -> pd.DataFrame:
    """The forecast of a block, or an error with all that is wrong with it."""
    try:
        forecast = predict(block.frame, ahead.frame)
    except FrameError as error:
        raise FrameError(
            [
                (ahead if _OF_FUTURE.search(problem) else block).with_places(problem)
                for problem in error.problems
            ]
        ) from None
    assert isinstance(forecast, pd.DataFrame)
    return forecast


class _Ahead(NamedTuple):
    """What is known of the horizon of a block."""

    frame: pd.DataFrame | None
    with_places: Callable[[str], str]
    """A message about rows of the frame as one about rows of all of what was given."""


class _Future:
    """What is given as ``future_df=``, block by block: files in the order of the others."""

    def __init__(self, given: Any, columns: Columns) -> None:
        self._columns = columns
        self._frame: pd.DataFrame | None = None
        self._source: ParquetSource | None = None
        self._reader: SeriesReader | None = None
        self.identity: Any = None
        """What tells it from another one, as plain values."""
        if given is None:
            return
        if is_frame(given):
            frame = opened(given).frame
            in_index = columns.id in frame.index.names
            self._frame = frame.reset_index() if in_index else frame
            self.identity = frame_hash(frame)
            return
        source = ParquetSource.of(given, "future_df")
        wanted = {columns.id, columns.time, *columns.future}
        read = [name for name in source.columns if name in wanted]
        self.identity = source.identity
        if columns.id in read:
            self._source, self._reader = source, SeriesReader(source, read, columns.id)
        else:  # rows of all series
            self._frame = source.frame(read)

    @contextmanager
    def in_whole_series(self, beside: Path) -> Iterator[Any]:
        """What gives the same, with the rows of each series together."""
        if self._source is None:
            yield self._frame
            return
        with in_whole_series(self._source, self._columns.id, beside) as whole:
            yield whole

    def of(self, block: SeriesBlock) -> _Ahead:
        """The rows of a block's series."""
        if self._reader is not None:
            return self._next(block, self._reader)
        frame = self._frame
        if frame is None or not self._columns.has_ids(frame):
            return _Ahead(frame, str)
        rows = np.flatnonzero(frame[self._columns.id].isin(block.ids))
        return _Ahead(frame.iloc[rows], partial(with_rows_of, rows=rows))

    @staticmethod
    def _next(block: SeriesBlock, reader: SeriesReader) -> _Ahead:
        ahead = reader.take(len(block))
        known = pd.Index([]) if ahead is None else ahead.ids
        if ahead is not None and known.equals(block.ids):
            return _Ahead(ahead.frame, ahead.with_places)
        pairs = zip(block.ids, known, strict=False)
        at = next((i for i, (own, other) in enumerate(pairs) if own != other), len(known))
        other = f"has {written(known[at])}" if at < len(known) else "ends"
        raise FrameError(
            [f"future_df= {other} where df= has series {written(block.ids[at])} (row "
             f"{block.place(block.starts[at])}): both need the same series in one order"]
        )  # fmt: skip


class _Progress:
    """A line on how far a forecast of files has come."""

    def __init__(self, source: ParquetSource, shown: bool) -> None:
        self.line = progress_line("predict", "{task.fields[said]}", shown=shown)
        self._series, self._start = 0, time.perf_counter()
        if self.line:
            self._task = self.line.add_task("predict", total=source.count_rows(), said="")

    def add(self, block: SeriesBlock) -> None:
        """One more block is finished."""
        self._series += len(block)
        if self.line:
            speed = self._series / (time.perf_counter() - self._start)
            said = f"{self._series:,} series, {speed:,.0f} a second"
            self.line.update(self._task, advance=block.table.num_rows, said=said)
