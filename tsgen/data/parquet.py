"""Parquet files as series: some whole ones at a time, however many there are."""

from __future__ import annotations

import glob
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen._messages import written
from tsgen._typing import IntArray
from tsgen.data.columns import Columns
from tsgen.data.validation import listing
from tsgen.errors import FrameError, MissingExtraError, SettingError

__all__ = [
    "PLACE",
    "ParquetSource",
    "SeriesApart",
    "SeriesBlock",
    "SeriesReader",
    "is_path",
    "need_pyarrow",
    "with_rows_of",
]

PLACE = "__tsgen_place__"
"""A column of sorted files: where each row stands in those that were given."""

_ROWS_A_BATCH = 2**16
_ROW = re.compile(r"(?<=\brow )\d+(?=[),;]|$)")


@dataclass(frozen=True)
class ParquetSource:
    """A folder, a file or several files of Parquet.

    Attributes
    ----------
    dataset : pyarrow.dataset.Dataset
    name : str
        What it is called in messages.
    """

    dataset: Any
    name: str

    @classmethod
    def of(cls, given: Any, argument: str) -> ParquetSource:
        """What is given as an argument: a path, a glob or a dataset.

        Raises
        ------
        FileNotFoundError
            If there are no such files.
        FrameError
            If they aren't Parquet.
        MissingExtraError
            Without pyarrow.
        """
        if isinstance(given, ParquetSource):
            return given
        arrow = need_pyarrow()
        if isinstance(given, arrow.dataset.Dataset):
            if not hasattr(given, "files"):
                raise SettingError(
                    f"{argument}= is a {type(given).__name__}: expected a dataset of files, as "
                    "pyarrow.dataset.dataset(path) makes it"
                )
            return cls(given, f"{argument}=")
        if not is_path(given):
            raise SettingError(
                f"{argument}= is a {type(given).__name__}: expected the path of a folder or a file "
                "of Parquet, a glob, or a pyarrow.dataset.Dataset"
            )
        name = os.fspath(given)
        try:
            dataset = arrow.dataset.dataset(
                _files(name), format="parquet", partitioning="hive", exclude_invalid_files=False
            )
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{argument}={written(name)}: there is no such file or folder"
            ) from None
        except (OSError, arrow.ArrowException) as error:
            raise FrameError([f"{name} can't be read as Parquet: {error}"]) from error
        if not dataset.files:
            raise FileNotFoundError(f"{argument}={written(name)}: there are no files of Parquet")
        return cls(dataset, name)

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        return list(self.dataset.schema.names)

    def columns_of(self, columns: Columns, remedy: str) -> list[str]:
        """Those that have a role, in the order of the files.

        Raises
        ------
        FrameError
            If nothing says which series a row is of; with the remedy.
        """
        there = self.columns
        if columns.one_series or columns.id not in there:
            listed = listing([written(name) for name in there], most=20)
            lacking = (
                "id_col=None makes one series of all rows"
                if columns.one_series
                else f"there is no id column {written(columns.id)} among {listed}"
            )
            what = f"{self.name} is to be read series by series, and {lacking}"
            raise FrameError([f"{what}: {remedy}"])
        wanted = {columns.id, columns.time, *columns.targets, *columns.covariates}
        return [name for name in there if name in wanted]

    def without_rows(self) -> pd.DataFrame:
        """All columns as a frame has them, and no rows."""
        return _frame(self.dataset.schema.empty_table())

    @property
    def identity(self) -> list[list[Any]]:
        """What tells it from others: path, size and time of each file, and the filter if any."""
        infos = self.dataset.filesystem.get_file_info(self.dataset.files)
        # pyarrow has no public name for what ``dataset.filter`` was told.
        asked = getattr(self.dataset, "_scan_options", {}).get("filter")
        filters = [] if asked is None else [[f"filter {asked}"]]
        return [*([info.path, info.size, info.mtime_ns] for info in infos), *filters]

    def by_file(self) -> list[ParquetSource]:
        """Each file as a source of its own, with the columns of all.

        Raises
        ------
        SettingError
            If rows are filtered.
        """
        whole = self.dataset
        try:
            fragments = list(whole.get_fragments())
        except ValueError as error:
            raise SettingError(
                f"{self.name} is a dataset with a filter, and is to be read file by file: pass it "
                "without one"
            ) from error
        make = need_pyarrow().dataset.FileSystemDataset
        return [
            ParquetSource(make([one], whole.schema, whole.format, whole.filesystem), one.path)
            for one in fragments
        ]

    def place(self, row: int) -> str:
        """A row of all as messages name it: where there are several files, with that of its own."""
        ends = self._ends
        if not ends:
            return str(row)
        file = bisect_right(ends, row)
        folder = os.path.commonpath(self.dataset.files)
        name = os.path.relpath(self.dataset.files[file], folder)
        return f"{row}: row {row - (ends[file - 1] if file else 0)} of {name}"

    @cached_property
    def _ends(self) -> list[int]:
        """How many rows there are up to the end of each file; empty where that says nothing."""
        if len(self.dataset.files) == 1:
            return []
        try:
            return list(accumulate(each.count_rows() for each in self.dataset.get_fragments()))
        except ValueError:  # some rows are filtered away
            return []

    def count_rows(self) -> int:
        """How many there are, by the ends of the files alone where none are filtered."""
        return int(self.dataset.count_rows())

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """All rows at once."""
        arrow = need_pyarrow()
        schema = arrow.schema([self.dataset.schema.field(name) for name in columns])
        return _frame(arrow.Table.from_batches(self.batches(columns), schema))

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """The rows of some columns in the order of the files.

        Raises
        ------
        FrameError
            For a file that can't be read, which is named.
        """
        arrow = need_pyarrow()
        scan = {
            "columns": list(columns),
            "batch_size": _ROWS_A_BATCH,
            "batch_readahead": 4,
            "fragment_readahead": 1,
            # Buffers of what was read ahead are kept until the end of the scan.
            "fragment_scan_options": arrow.dataset.ParquetFragmentScanOptions(pre_buffer=False),
        }
        try:
            yield from self.dataset.to_batches(**scan)
        except (OSError, arrow.ArrowException) as error:
            raise FrameError([f"{self._damaged(scan)} can't be read: {error}"]) from error

    def _damaged(self, scan: dict[str, Any]) -> str:
        """The first file that can't be read: Arrow doesn't always say which."""
        arrow = need_pyarrow()
        for fragment in self.dataset.get_fragments():
            try:
                for _ in fragment.to_batches(schema=self.dataset.schema, **scan):
                    pass
            except (OSError, arrow.ArrowException):
                return str(fragment.path)
        return self.name


@dataclass(frozen=True)
class SeriesBlock:
    """Some whole series, one after the other.

    Attributes
    ----------
    table : pyarrow.Table
    starts : ndarray of shape (N,)
        The first row of each series.
    ids : Index of shape (N,)
    rows : range or ndarray of shape (rows,)
        Their places in the source.
    source : ParquetSource
    """

    table: Any
    starts: IntArray
    ids: pd.Index
    rows: range | IntArray
    source: ParquetSource

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """As pandas reads it, with all that is named in columns."""
        return _frame(self.table)

    def place(self, row: int) -> str:
        """Where a row stands in the files, for messages."""
        return self.source.place(int(self.rows[row]))

    def with_places(self, problem: str) -> str:
        """What a message says of rows of the block, of those of the files instead."""
        return _ROW.sub(lambda found: self.place(int(found[0])), problem)


class SeriesApart(FrameError):
    """Series come back after rows of others: what reads whole series can't go on."""


class SeriesReader:
    """Blocks of whole series, across the files of a source, whose rows are each in one place.

    Parameters
    ----------
    source : ParquetSource
    columns : sequence of str
        What is read, with the ids.
    id_col : str
    """

    def __init__(self, source: ParquetSource, columns: Sequence[str], id_col: str) -> None:
        self._source, self._id_col = source, id_col
        kind = _value_type(source.dataset.schema.field(id_col).type)
        if need_pyarrow().types.is_nested(kind):
            raise FrameError(
                [f"column {written(id_col)} of {source.name} holds {kind}, which names no series; "
                 "convert it to text"]
            )  # fmt: skip
        self._batches = source.batches(columns)
        self._waiting: list[Any] = []
        # Of the series among the waiting rows; the last one may go on.
        self._starts: IntArray = np.zeros(0, dtype=np.int64)
        self._rows, self._first_row = 0, 0
        self._last_id: Any = None
        # Hashes of 64 bits: two of ten million ids are alike in one case of 400,000.
        self._seen: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)

    def take(self, series: int, rows: int = 0) -> SeriesBlock | None:
        """The next series; ``None`` after the last one.

        Parameters
        ----------
        series : int
            So many, or fewer at the end.
        rows : int, default 0
            Twice, three times as many series, until they have so many rows.

        Raises
        ------
        SeriesApart
            For a series that was there before.
        FrameError
            For files that can't be read.
        """
        while True:
            ends = self._starts[series::series]
            enough = int(np.searchsorted(ends, rows))
            if enough < len(ends):
                return self._cut((enough + 1) * series)
            if not self._read_on():
                return self._cut(len(self._starts)) if self._rows else None

    def _read_on(self) -> bool:
        """One more batch; false where there is none."""
        batch = next(self._batches, None)
        if batch is None:
            return False
        if not len(batch):
            return True
        arrow = need_pyarrow()
        ids = batch.column(self._id_col)
        ids = ids.cast(_value_type(ids.type))
        before = ids.slice(0, 0) if self._last_id is None else self._last_id
        joined = arrow.concat_arrays([before, ids])
        changes = arrow.compute.not_equal(joined.slice(1), joined.slice(0, len(joined) - 1))
        # A missing id is no series of its own: it is refused with the block that has it.
        starts = np.flatnonzero(changes.fill_null(False).to_numpy(zero_copy_only=False))
        starts = starts + 1 - len(before)
        if self._last_id is None:
            starts = np.concatenate([[0], starts])
        self._starts = np.concatenate([self._starts, starts + self._rows])
        self._waiting.append(batch)
        self._rows += len(batch)
        self._last_id = ids.slice(len(ids) - 1)
        return True

    def _cut(self, series: int) -> SeriesBlock:
        """Take the first of the waiting series away."""
        arrow = need_pyarrow()
        starts, later = self._starts[:series], self._starts[series:]
        end = int(later[0]) if len(later) else self._rows
        table = arrow.Table.from_batches(self._waiting)
        ids = pd.Index(table[self._id_col].take(arrow.array(starts)).to_pandas())
        block = self._block(table.slice(0, end), starts, ids)
        self._waiting = table.slice(end).to_batches()
        self._starts = later - end
        self._rows -= end
        self._first_row += end
        self._check_are_new(block)
        return block

    def _block(self, table: Any, starts: IntArray, ids: pd.Index) -> SeriesBlock:
        if PLACE not in table.column_names:
            rows: Any = range(self._first_row, self._first_row + len(table))
            return SeriesBlock(table, starts, ids, rows, self._source)
        rows = table[PLACE].to_numpy()
        return SeriesBlock(table.drop_columns([PLACE]), starts, ids, rows, self._source)

    def _check_are_new(self, block: SeriesBlock) -> None:
        hashes = pd.util.hash_pandas_object(pd.Series(block.ids), index=False).to_numpy()
        order = np.argsort(hashes, kind="stable")
        new = hashes[order]
        places = np.searchsorted(self._seen, new)
        known = np.append(self._seen, new[-1:])[places] == new  # behind the end is itself
        known &= places < len(self._seen)
        known[1:] |= new[1:] == new[:-1]
        if known.any():
            back = np.sort(order[known])
            where = [
                f"series {written(block.ids[number])} (row {block.place(block.starts[number])})"
                for number in back[:5]
            ]
            raise SeriesApart(
                [f"series of {self._source.name} come back after rows of others: "
                 f"{listing(where, total=len(back))}"]
            )  # fmt: skip
        self._seen = np.insert(self._seen, places, new)


def is_path(given: Any) -> bool:
    """Whether an argument is a path, or a glob of several."""
    return isinstance(given, str | os.PathLike)


def with_rows_of(problem: str, rows: Sequence[int] | IntArray) -> str:
    """What a message says of the rows of a block, of those of its source instead."""
    return _ROW.sub(lambda found: str(rows[int(found[0])]), problem)


def _files(name: str) -> Any:
    """What a name stands for: itself, or the files that a glob finds."""
    if not glob.has_magic(name) or os.path.exists(name):
        return name
    found = sorted(path for path in glob.glob(name, recursive=True) if os.path.isfile(path))
    if not found:
        raise FileNotFoundError
    return found


def _frame(table: Any) -> pd.DataFrame:
    """A table as pandas reads it; what pandas had in an index stands in columns."""
    frame: pd.DataFrame = table.to_pandas()
    in_index = set(frame.index.names) & set(table.column_names)
    return frame.reset_index(drop=not in_index)


def _value_type(kind: Any) -> Any:
    return getattr(kind, "value_type", kind) if need_pyarrow().types.is_dictionary(kind) else kind


def need_pyarrow() -> Any:
    """The package, or an error that says how to get it."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.dataset
    except ImportError as error:
        raise MissingExtraError(
            "files of Parquet need pyarrow: pip install 'tsgen[parquet]'"
        ) from error
    return pyarrow
