"""Files in which the rows of a series stand apart, put together out of core: by DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsgen._messages import written
from tsgen.data.parquet import PLACE, ParquetSource, SeriesApart, SeriesReader, need_pyarrow
from tsgen.errors import MissingExtraError, UnsortedFilesWarning, warn_user

__all__ = ["in_whole_series"]

_ROWS_A_BATCH = 2**16
_ROWS_AT_ONCE = 2**19
_MEMORY, _THREADS = "512MB", 2
"""What DuckDB may take; what doesn't fit goes to disk."""


@contextmanager
def in_whole_series(source: ParquetSource, id_col: str, beside: Path) -> Iterator[ParquetSource]:
    """A source in which the rows of each series stand together: the given one, if they do.

    Otherwise it gives the same rows series by series, in the order of their first rows, and the
    rows of each as they come; they are sorted whenever it is read, with what doesn't fit into
    memory in a temporary folder.

    Parameters
    ----------
    source : ParquetSource
    id_col : str
    beside : Path
        Where that folder is made, or above if there is no such folder; a disk with room for the
        rows.

    Raises
    ------
    MissingExtraError
        If there is something to sort, and no DuckDB.

    Warns
    -----
    UnsortedFilesWarning
        If there is something to sort.
    """
    apart = _first_apart(source, id_col)
    if apart is None:
        yield source
        return
    _need_duckdb(str(apart))
    warn_user(
        f"{apart}; they are put together on disk first, which files sorted by {written(id_col)} "
        "save",
        UnsortedFilesWarning,
    )
    place = next(each for each in (beside, *beside.absolute().parents) if each.is_dir())
    with tempfile.TemporaryDirectory(prefix=".tsgen-sorting-", dir=place) as folder:
        yield _Sorted(source.dataset, source.name, id_col, folder)


def _first_apart(source: ParquetSource, id_col: str) -> SeriesApart | None:
    """The first series that come back; of all columns that of ids alone is read for it."""
    reader = SeriesReader(source, [id_col], id_col)
    try:
        while reader.take(1, _ROWS_AT_ONCE) is not None:
            pass
    except SeriesApart as apart:
        return apart
    return None


@dataclass(frozen=True)
class _Sorted(ParquetSource):
    """The rows of a source series by series, with their places in it as a last column.

    Attributes
    ----------
    id_col : str
    folder : str
        For what doesn't fit into memory.
    """

    id_col: str
    folder: str

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """The rows of some columns, of which one is that of ids."""
        arrow, duckdb = need_pyarrow(), _need_duckdb()
        fields = [self.dataset.schema.field(name) for name in columns]
        place = arrow.field(PLACE, arrow.int64())
        schema = arrow.schema([*fields, place], metadata=self.dataset.schema.metadata)
        given = _Numbered(super().batches(columns), fields)
        with duckdb.connect(config=self._config()) as connection:
            connection.register("given", given.reader())
            try:
                # Queries of DuckDB 1 whose result is streamed find nothing in a stream.
                connection.execute("CREATE TEMP TABLE held AS FROM given")
                relation = connection.sql(given.sorted_by(columns.index(self.id_col)))
                with relation.to_arrow_reader(_ROWS_A_BATCH) as reader:
                    for batch in reader:
                        yield _restored(batch, schema)
            except (duckdb.Error, OSError, arrow.ArrowException) as error:
                raise given.error or error from None

    def _config(self) -> dict[str, Any]:
        return {
            "memory_limit": _MEMORY,
            "threads": min(_THREADS, os.cpu_count() or 1),
            "temp_directory": self.folder,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }


class _Numbered:
    """Batches as DuckDB gets them: plain types, columns by number, and the place of each row.

    Numbers are no names that SQL could take for something else, and that differ in more than case.
    """

    def __init__(self, batches: Iterator[Any], fields: Sequence[Any]) -> None:
        self._batches, self._fields = batches, fields
        self.error: Exception | None = None
        """What went wrong with a file, which DuckDB tells in words of its own."""

    @property
    def _names(self) -> list[str]:
        return [f"c{number}" for number in range(len(self._fields))]

    def sorted_by(self, number: int) -> str:
        """The query for rows by the first place of what stands in a column, and their own."""
        first = f"min(place) OVER (PARTITION BY c{number}) AS first_place"
        return (
            f"SELECT {', '.join(self._names)}, place FROM (SELECT *, {first} FROM held) "
            "ORDER BY first_place, place"
        )

    def reader(self) -> Any:
        """A stream of Arrow."""
        arrow = need_pyarrow()
        kinds = [_plain_kind(field.type) for field in self._fields]
        pairs = [*zip(self._names, kinds, strict=True), ("place", arrow.int64())]
        schema = arrow.schema(pairs)
        return arrow.RecordBatchReader.from_batches(schema, self._numbered(schema))

    def _numbered(self, schema: Any) -> Iterator[Any]:
        arrow, first = need_pyarrow(), 0
        try:
            for batch in self._batches:
                plain = [
                    _plain(column, kind)
                    for column, kind in zip(batch.columns, schema.types, strict=False)
                ]
                places = arrow.array(np.arange(first, first + len(batch)))
                yield arrow.record_batch([*plain, places], schema=schema)
                first += len(batch)
        except Exception as error:
            self.error = error
            raise


def _plain_kind(kind: Any) -> Any:
    """The type as which values go through DuckDB, which has neither all units of time nor zones."""
    arrow = need_pyarrow()
    if isinstance(kind, arrow.BaseExtensionType):
        return _plain_kind(kind.storage_type)
    if arrow.types.is_dictionary(kind):
        return _plain_kind(kind.value_type)
    if arrow.types.is_temporal(kind) and not arrow.types.is_interval(kind):
        return arrow.int32() if kind.bit_width == 32 else arrow.int64()
    if arrow.types.is_float16(kind):
        return arrow.float32()
    return arrow.int8() if arrow.types.is_null(kind) else kind


def _plain(column: Any, kind: Any) -> Any:
    arrow = need_pyarrow()
    if isinstance(column, arrow.ExtensionArray):
        return _plain(column.storage, kind)
    if arrow.types.is_dictionary(column.type):
        return _plain(column.dictionary_decode(), kind)
    return column.view(kind) if arrow.types.is_temporal(column.type) else column.cast(kind)


def _restored(batch: Any, schema: Any) -> Any:
    """A batch of the types that the files have."""
    columns = [
        _of_kind(column, kind) for column, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return need_pyarrow().record_batch(columns, schema=schema)


def _of_kind(column: Any, kind: Any) -> Any:
    arrow = need_pyarrow()
    if isinstance(kind, arrow.BaseExtensionType):
        return arrow.ExtensionArray.from_storage(kind, _of_kind(column, kind.storage_type))
    if arrow.types.is_dictionary(kind):
        encoded = _of_kind(column, kind.value_type).dictionary_encode()
        indices = encoded.indices.cast(kind.index_type)
        return arrow.DictionaryArray.from_arrays(indices, encoded.dictionary, ordered=kind.ordered)
    if arrow.types.is_null(kind):
        return arrow.nulls(len(column))
    return column.view(kind) if arrow.types.is_temporal(kind) else column.cast(kind)


def _need_duckdb(why: str = "") -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError(
            f"{why}; putting them together needs duckdb: pip install 'tsgen[duckdb]', or sort the "
            "files by id and time"
        ) from error
    return duckdb
