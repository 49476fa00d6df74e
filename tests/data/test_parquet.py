"""Whole series out of files, some at a time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from tsgen.data import ParquetSource, SeriesBlock, SeriesReader
from tsgen.errors import FrameError, SettingError

COLUMNS = ["unique_id", "ds", "y"]


def long(lengths: dict[Any, int]) -> pd.DataFrame:
    """Series of these lengths, whose values say where each row stands."""
    rows = sum(lengths.values())
    return pd.DataFrame(
        {
            "unique_id": np.repeat(list(lengths), list(lengths.values())),
            "ds": np.concatenate([np.arange(length) for length in lengths.values()]),
            "y": np.arange(rows, dtype=float),
        }
    )


def written(df: pd.DataFrame, folder: Path, cuts: tuple[int, ...] = (), **arguments: Any) -> str:
    """A folder with the rows of a frame, cut into files."""
    folder.mkdir(exist_ok=True)
    bounds = [0, *cuts, len(df)]
    for number, (first, end) in enumerate(pairwise(bounds)):
        df.iloc[first:end].to_parquet(folder / f"{number}.parquet", index=False, **arguments)
    return str(folder)


def taken(given: Any, series: int, rows: int = 0) -> list[SeriesBlock]:
    source = ParquetSource.of(given, "df")
    reader = SeriesReader(source, COLUMNS, "unique_id")
    blocks = []
    while (block := reader.take(series, rows)) is not None:
        blocks.append(block)
    return blocks


def test_series_are_whole_across_row_groups_and_files(tmp_path: Path) -> None:
    df = long({"b": 7, "a": 3, "c": 1, "e": 20, "d": 2})
    given = written(df, tmp_path / "in", (5, 12, 13, 30), row_group_size=2)
    blocks = taken(given, 2)
    assert [list(block.ids) for block in blocks] == [["b", "a"], ["c", "e"], ["d"]]
    assert [list(block.starts) for block in blocks] == [[0, 7], [0, 1], [0]]
    assert [block.rows for block in blocks] == [range(10), range(10, 31), range(31, 33)]
    assert_frame_equal(pd.concat([block.frame for block in blocks], ignore_index=True), df)


def test_groups_of_series_until_there_are_rows_enough(tmp_path: Path) -> None:
    df = long(dict.fromkeys("abcdefgh", 10))
    given = written(df, tmp_path / "in")
    assert [len(block) for block in taken(given, 2, 35)] == [4, 4]
    assert [len(block) for block in taken(given, 3, 1)] == [3, 3, 2]
    assert [len(block) for block in taken(given, 2, 1000)] == [8]
    assert [len(block) for block in taken(given, 100)] == [8]


def test_paths_globs_and_datasets(tmp_path: Path) -> None:
    df = long({"a": 4, "b": 4})
    folder = written(df, tmp_path / "in", (4,))
    dataset = pyarrow.dataset.dataset(folder)
    only_b = dataset.filter(pyarrow.dataset.field("unique_id") == "b")
    for given, ids in [
        (folder, ["a", "b"]),
        (tmp_path / "in", ["a", "b"]),
        (f"{folder}/*.parquet", ["a", "b"]),
        (f"{folder}/1.parquet", ["b"]),
        (dataset, ["a", "b"]),
        (only_b, ["b"]),
    ]:
        assert [name for block in taken(given, 1) for name in block.ids] == ids


def test_what_pandas_had_in_an_index_is_a_column(tmp_path: Path) -> None:
    df = long({"a": 4, "b": 4})
    df.set_index(["unique_id", "ds"]).to_parquet(tmp_path / "in.parquet")
    df.iloc[::-1].iloc[::-1].to_parquet(tmp_path / "rows.parquet")  # with numbers of rows
    for name in ("in", "rows"):
        [block] = taken(tmp_path / f"{name}.parquet", 2)
        assert_frame_equal(block.frame[COLUMNS], df)


@pytest.mark.parametrize("dtype", ["category", "Int64", "float32"])
def test_columns_are_of_the_types_that_pandas_wrote(tmp_path: Path, dtype: str) -> None:
    df = long({"b": 4, "a": 4}).astype({"unique_id" if dtype == "category" else "y": dtype})
    [block] = taken(written(df, tmp_path / "in"), 2)
    assert_frame_equal(block.frame, df)
    assert list(block.ids) == ["b", "a"]


def test_a_folder_named_after_a_value_is_a_column(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / "in" / f"unique_id={name}"
        folder.mkdir(parents=True)
        long({name: 3})[["ds", "y"]].to_parquet(folder / "0.parquet", index=False)
    assert [list(block.ids) for block in taken(tmp_path / "in", 1)] == [["a"], ["b"]]


def test_a_series_that_comes_back_is_named(tmp_path: Path) -> None:
    df = pd.concat([long({"a": 3, "b": 2, "c": 2}), long({"b": 4})], ignore_index=True)
    for series in (1, 4):  # in another block, and in the same one
        with pytest.raises(
            FrameError, match=r"come back.*series 'b' \(row 7: row 3 of 1\.parquet\)$"
        ):
            taken(written(df, tmp_path / "in", (4,)), series)


def test_a_missing_id_stays_with_the_rows_around_it(tmp_path: Path) -> None:
    df = long({"a": 3, "b": 3})
    df.loc[4, "unique_id"] = None
    blocks = taken(written(df, tmp_path / "in"), 1)
    assert sum(block.frame["unique_id"].isna().sum() for block in blocks) == 1


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    df = long(dict.fromkeys("abcd", 1000))
    given = written(df, tmp_path / "in", (1000, 2000, 3000), compression="snappy")
    path = tmp_path / "in" / "2.parquet"
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)  # the footer is whole
    path.write_bytes(content)
    with pytest.raises(FrameError, match=r"in/2\.parquet can't be read"):
        taken(given, 1)
    path.write_bytes(b"no table")
    with pytest.raises(FrameError, match=r"in/2\.parquet can't be read"):
        taken(given, 1)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("nowhere", FileNotFoundError, "df='.*nowhere': there is no such file"),
        ("nowhere/*.parquet", FileNotFoundError, "no such file"),
        ("empty", FileNotFoundError, "no files of Parquet"),
        ("notes.txt", FrameError, "notes.txt can't be read as Parquet"),
    ],
)
def test_what_is_no_parquet(
    tmp_path: Path, given: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(error, match=message):
        ParquetSource.of(str(tmp_path / given), "df")


def test_what_is_no_files(tmp_path: Path) -> None:
    memory = pyarrow.dataset.dataset(pa.table({"unique_id": ["a"]}))
    for given in (memory, 3, ["a.parquet"]):
        with pytest.raises(SettingError, match=f"df= is a {type(given).__name__}: expected"):
            ParquetSource.of(given, "df")
    path = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"unique_id": [[1], [2]], "ds": [1, 2], "y": [1.0, 2.0]}), path)
    with pytest.raises(FrameError, match=r"column 'unique_id' of .*lists.parquet holds list"):
        taken(path, 1)


def test_files_are_told_by_size_and_time(tmp_path: Path) -> None:
    given = written(long({"a": 4}), tmp_path / "in")
    before = ParquetSource.of(given, "df").identity
    assert ParquetSource.of(given, "df").identity == before
    written(long({"a": 400}), tmp_path / "in")
    assert ParquetSource.of(given, "df").identity != before
    assert ParquetSource.of(given, "df").count_rows() == 400
