"""What is made of rows in files is in files, too."""

from __future__ import annotations

import copy
import gc
import pickle
from pathlib import Path

import numpy as np
import pytest

from tsgen.data import changed_by_chunks, in_chunks, maps

OFFSETS = np.array([0, 7, 8, 20, 30])


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.memmap:
    monkeypatch.setattr(maps, "_ROWS_AT_ONCE", 5)
    np.save(tmp_path / "values.npy", np.arange(30.0))
    mapped: np.memmap = np.load(tmp_path / "values.npy", mmap_mode="r")
    return mapped


def test_chunks_are_whole_series(rows: np.memmap) -> None:
    found = list(in_chunks(rows, OFFSETS))
    np.testing.assert_array_equal(np.concatenate([part for _, part in found]), rows)
    assert [OFFSETS[some.start] for some, _ in found] == [0, 7, 20]


def test_what_is_made_of_a_map_is_a_map_and_goes_with_its_last_use(
    rows: np.memmap, tmp_path: Path
) -> None:
    changed = changed_by_chunks(rows, OFFSETS, lambda some, part: part * 2)
    taken = maps.taken(changed, np.array([8, 0]), np.array([10, 3]))
    np.testing.assert_array_equal(changed, np.arange(30.0) * 2)
    np.testing.assert_array_equal(taken, 2 * np.array([*range(8, 18), 0, 1, 2]))
    assert maps.are_in_files(changed)
    assert maps.are_in_files(taken)
    view = taken[2:4]
    del changed, taken
    gc.collect()
    assert len(list(tmp_path.iterdir())) == 2
    assert view.tolist() == [20, 22]
    del view
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["values.npy"]


def test_few_rows_and_those_of_memory_are_in_memory(rows: np.memmap) -> None:
    assert type(maps.taken(rows, np.array([3]), np.array([5]))) is np.ndarray
    assert type(maps.taken(rows.copy(), np.array([3]), np.array([20]))) is np.ndarray
    copies = rows.copy(), copy.deepcopy(rows), pickle.loads(pickle.dumps(rows))
    assert not any(map(maps.are_in_files, copies))


def test_a_folder_that_has_gone(rows: np.memmap, tmp_path: Path) -> None:
    (tmp_path / "values.npy").unlink()
    tmp_path.rmdir()
    taken = maps.taken(rows, np.array([0]), np.array([20]))
    np.testing.assert_array_equal(taken, np.arange(20.0))
    assert maps.are_in_files(taken)
