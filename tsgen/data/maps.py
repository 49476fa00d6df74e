"""Rows that are in memory or in files: what is made of some is where they are.

Memory maps share pages with the files; what was read of them can be given back at any time.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from tsgen._typing import FloatArray, IntArray
from tsgen.data.ragged import chunks, offsets_of, ranges

__all__ = ["Table", "are_in_files", "changed_by_chunks", "in_chunks", "taken"]

_ROWS_AT_ONCE = 2**19


def are_in_files(rows: FloatArray) -> bool:
    """Whether rows are a memory map; a copy of one, which is in memory, has no file."""
    return _file_of(rows) is not None


def _file_of(rows: FloatArray) -> Any:
    return getattr(rows, "filename", None)


def in_chunks(values: FloatArray, offsets: IntArray) -> Iterator[tuple[slice, FloatArray]]:
    """Values (rows,) of some series at a time, and which these are; for the sake of memory."""
    for some in chunks(offsets, _ROWS_AT_ONCE):
        yield some, np.asarray(values[offsets[some.start] : offsets[some.stop]])
        _give_back(values)


def changed_by_chunks(
    values: FloatArray,
    offsets: IntArray,
    change: Callable[[slice, FloatArray], npt.NDArray[Any]],
    shape: tuple[int, ...] | None = None,
    dtype: npt.DTypeLike = np.float64,
) -> npt.NDArray[Any]:
    """What a function makes of values (rows, ...), some series at a time; of a map a map.

    Its shape and dtype are those of the values where nothing else is said.
    """
    changed = (change(some, rows) for some, rows in in_chunks(values, offsets))
    return _joined(changed, values.shape if shape is None else shape, values, dtype)


def taken(rows: FloatArray, starts: IntArray, lengths: IntArray) -> FloatArray:
    """Several segments of rows, one after the other, without the positions of all at once.

    Those of a map are one of their own, unless they are few.
    """
    offsets = offsets_of(lengths)

    def parts() -> Iterator[FloatArray]:
        for some in chunks(offsets, _ROWS_AT_ONCE):
            yield np.asarray(rows[ranges(starts[some], lengths[some])])
            _give_back(rows)

    return _joined(parts(), (int(offsets[-1]), *rows.shape[1:]), rows)


def _give_back(rows: FloatArray) -> None:
    """Give pages of a map back that were read, and can be read again."""
    whole = rows.base
    if isinstance(whole, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        whole.madvise(mmap.MADV_DONTNEED)


def _joined(
    parts: Iterable[npt.NDArray[Any]],
    shape: tuple[int, ...],
    beside: FloatArray,
    dtype: npt.DTypeLike = np.float64,
) -> npt.NDArray[Any]:
    """Parts one after the other, in memory; many of them in a file where others are in one."""
    if not are_in_files(beside) or shape[0] <= _ROWS_AT_ONCE:
        joined, first = np.empty(shape, dtype=dtype), 0
        for part in parts:
            joined[first : first + len(part)] = part
            first += len(part)
        return joined
    folder = Path(_file_of(beside)).parent  # which goes with the rows that were read
    handle, path = tempfile.mkstemp(".npy", dir=folder if folder.is_dir() else None)
    os.close(handle)
    table = Table(Path(path), dtype)
    for part in parts:
        table.add(part)
    # Torch wants what can be written to, though nobody does.
    mapped = table.mapped("c")
    weakref.finalize(mapped.base, _remove, path)
    return mapped


def _remove(path: str) -> None:
    with suppress(OSError):
        os.remove(path)


class Table:
    """Rows in a file of NumPy that grows."""

    def __init__(self, path: Path, dtype: npt.DTypeLike = np.float64) -> None:
        self.path, self._shape, self._dtype = path, (0,), np.dtype(dtype)

    def add(self, rows: npt.NDArray[Any]) -> None:
        """More of them, after the others."""
        shape = (self._shape[0] + len(rows), *rows.shape[1:])
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            # NumPy leaves room in the header for a longer first axis.
            header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
            npy.write_array_header_1_0(file, header)
            file.seek(0, os.SEEK_END)
            np.ascontiguousarray(rows, dtype=self._dtype).tofile(file)
        self._shape = shape

    def mapped(self, mode: Literal["r", "c"] = "r") -> FloatArray:
        """All of them, as a memory map."""
        if 0 in self._shape:  # there is no map of nothing
            return np.empty(self._shape)
        mapped: FloatArray = np.load(self.path, mmap_mode=mode)
        return mapped
