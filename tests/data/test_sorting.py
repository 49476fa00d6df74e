"""Rows of files in any order are those of a frame."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.panel_files import assert_same, frame, spec
from support.panel_files import source as files_of

from tsgen.data import (
    ParquetSource,
    SeriesReader,
    in_whole_series,
    read_panel,
    read_stored_panel,
    store,
)
from tsgen.errors import FrameError, MissingExtraError, UnsortedFilesWarning

APART = "ignore::tsgen.errors.UnsortedFilesWarning"


def shuffled(df: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    return df.sample(frac=1, random_state=seed, ignore_index=True)


def table_of(source: ParquetSource, id_col: str, beside: Path) -> tuple[pa.Table, np.ndarray]:
    """All rows series by series, and where they stood."""
    with in_whole_series(source, id_col, beside) as whole:
        reader = SeriesReader(whole, source.columns, id_col)
        blocks = []
        while (block := reader.take(1)) is not None:
            blocks.append(block)
    places = np.concatenate([block.rows for block in blocks])
    return pa.concat_tables([block.table for block in blocks]).unify_dictionaries(), places


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_SERIES_AT_ONCE", 2)
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 1)


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"future": "price", "past": "kind", "static": "shop"},
        {"target_col": ["y", "price"]},
    ],
    ids=["alone", "covariates", "targets"],
)
def test_the_panel_is_that_of_the_frame(tmp_path: Path, columns: dict[str, Any]) -> None:
    df, how = shuffled(frame()), spec(columns=columns)
    with pytest.warns(UnsortedFilesWarning, match=r"sorted by 'unique_id' save"):
        panel = read_stored_panel(files_of(df, tmp_path / "in"), how, store=tmp_path / "store")
    assert_same(panel, read_panel(df, how))
    assert all(path.suffix == ".npy" for path in (tmp_path / "store").iterdir())


@pytest.mark.filterwarnings(APART)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lengths=st.lists(st.integers(2, 6), min_size=1, max_size=5),
    files=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_any_panel_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], files: int, seed: int
) -> None:
    rows = sum(lengths)
    df = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(lengths)) * 7 % 5, lengths),
            "ds": np.concatenate([np.arange(length) for length in lengths]),
            "y": np.random.default_rng(seed).normal(size=rows),
        }
    )
    df = shuffled(df, seed)
    panel = read_stored_panel(
        files_of(df, tmp_path_factory.mktemp("any") / "in", files), spec(), freq=1
    )
    assert_same(panel, read_panel(df, spec(), freq=1))


@pytest.mark.filterwarnings(APART)
@pytest.mark.parametrize(
    "damage",
    [
        lambda df: df.assign(y=df["y"].where(df.index != 33)),
        lambda df: df.assign(y=df["y"].where(df.index != 33, -np.inf)),
        lambda df: df.assign(unique_id=df["unique_id"].where(df.index != 33)),
        lambda df: pd.concat([df.iloc[:33], df.iloc[[3]], df.iloc[33:]], ignore_index=True),
        lambda df: df.drop(index=df.index[df["ds"] == "2024-01-03"][0]).reset_index(drop=True),
    ],
    ids=["nan", "inf", "id", "twice", "gap"],
)
def test_problems_are_those_of_the_frame_and_named_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    df = damage(shuffled(frame()))
    with pytest.raises(FrameError) as error:
        read_panel(df, spec())
    with pytest.raises(FrameError) as own:
        read_stored_panel(files_of(df, tmp_path / "one", 1), spec(), store=tmp_path / "store")
    assert own.value.problems[0] == error.value.problems[0]
    with pytest.raises(FrameError, match=r"row \d+: row \d+ of \d\.parquet\)?;"):
        read_stored_panel(files_of(df, tmp_path / "in"), spec())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "one"]


def test_rows_of_a_series_in_any_order_need_no_sorting(tmp_path: Path) -> None:
    df = frame().groupby("unique_id", sort=False).sample(frac=1, random_state=0)
    df = df.reset_index(drop=True)
    assert_same(read_stored_panel(files_of(df, tmp_path / "in"), spec()), read_panel(df, spec()))


HOSTILE = ['"; DROP TABLE given; --', "Y", "y", "place", "first_place", "c0", "select", "ünï \n'"]


@pytest.mark.filterwarnings(APART)
@pytest.mark.parametrize("id_col", HOSTILE)
def test_columns_of_any_name(tmp_path: Path, id_col: str) -> None:
    rows = 6
    table = pa.table({name: [f"{name} {row % 2}" for row in range(rows)] for name in HOSTILE})
    pq.write_table(table, tmp_path / "in.parquet")
    source = ParquetSource.of(tmp_path / "in.parquet", "df")
    found, places = table_of(source, id_col, tmp_path)
    assert places.tolist() == [0, 2, 4, 1, 3, 5]
    assert found.equals(table.take(places))


TYPES: dict[str, Any] = {
    "nanoseconds in a zone": pa.array([1, None, 3, 2**62], pa.timestamp("ns", "Europe/Berlin")),
    "seconds": pa.array([1, None, 3, 2**40], pa.timestamp("ms")),
    "days": pa.array([1, None, 3, 4], pa.date32()),
    "times": pa.array([1, None, 3, 4], pa.time64("ns")),
    "durations": pa.array([1, None, 3, 4], pa.duration("ns")),
    "unsigned": pa.array([1, None, 3, 2**64 - 1], pa.uint64()),
    "small": pa.array([1, None, 3, -4], pa.int8()),
    "half": pa.array(np.array([1, np.nan, 3.5, np.inf], np.float16)),
    "decimals": pa.array([1, None, 3, 4], pa.decimal128(20, 3)),
    "truth": pa.array([True, None, False, True]),
    "text": pa.array(["a", None, "", "\x00 ü"], pa.large_string()),
    "bytes": pa.array([b"a", None, b"", b"\xff\x00"]),
    "categories": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "nothing": pa.nulls(4),
    "lists": pa.array([[1.5], None, [], [2.5, 3.5]]),
}


@pytest.mark.filterwarnings(APART)
@pytest.mark.parametrize("kind", TYPES)
def test_values_of_any_type_are_what_they_were(tmp_path: Path, kind: str) -> None:
    table = pa.table({"unique_id": ["b", "a", "b", "a"], "column": TYPES[kind]})
    pq.write_table(table, tmp_path / "in.parquet")
    source = ParquetSource.of(tmp_path / "in.parquet", "df")
    found, places = table_of(source, "unique_id", tmp_path)
    assert found.schema.field("column").type == source.dataset.schema.field("column").type
    expected = source.dataset.to_table().take(places)
    assert str(found["column"].to_pylist()) == str(expected["column"].to_pylist())  # also of NaN


@pytest.mark.filterwarnings(APART)
@pytest.mark.parametrize(
    "change",
    [
        lambda df: df.assign(ds=df["ds"].dt.to_period("D")),
        lambda df: df.assign(ds=df["ds"].dt.tz_localize("Europe/Berlin").dt.as_unit("ns")),
        lambda df: df.assign(unique_id=pd.to_datetime("2020-01-01"), shop="x").assign(
            unique_id=lambda d: d["unique_id"] + pd.to_timedelta(frame()["unique_id"].map(ord), "D")
        ),
        lambda df: df.set_index(["unique_id", "ds"]),
    ],
    ids=["periods", "zone", "dates as ids", "index"],
)
def test_whatever_a_frame_may_have(tmp_path: Path, change: Any) -> None:
    df = change(frame())
    df = df.iloc[np.random.default_rng(0).permutation(len(df))]
    (tmp_path / "in").mkdir()
    for number, (first, end) in enumerate(pairwise([0, 20, 40, len(df)])):
        df.iloc[first:end].to_parquet(tmp_path / "in" / f"{number}.parquet")
    panel = read_stored_panel(ParquetSource.of(tmp_path / "in", "df"), spec())
    read = pd.read_parquet(tmp_path / "in")
    plain = read.reset_index() if "ds" in read.index.names else read
    assert_same(panel, read_panel(plain, spec()))


@pytest.mark.filterwarnings(APART)
def test_rows_that_are_filtered_and_folders_named_after_values(tmp_path: Path) -> None:
    df = shuffled(frame())
    dataset = files_of(df, tmp_path / "in").dataset
    some = dataset.filter(pyarrow.dataset.field("unique_id") != "a")
    expected = df[df["unique_id"] != "a"].reset_index(drop=True)
    panel = read_stored_panel(ParquetSource.of(some, "df"), spec())
    assert_same(panel, read_panel(expected, spec()))
    df.drop(columns="kind").to_parquet(tmp_path / "named", partition_cols=["shop"], index=False)
    named = ParquetSource.of(tmp_path / "named", "df")
    how = spec(columns={"static": "shop"})
    read = named.dataset.to_table().to_pandas()
    assert_same(read_stored_panel(named, how), read_panel(read, how))


def test_without_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    given = files_of(shuffled(frame()), tmp_path / "in")
    message = (
        r"come back after rows of others: series .*needs duckdb: pip install 'tsgen\[duckdb\]'"
    )
    with pytest.raises(MissingExtraError, match=message):
        read_stored_panel(given, spec(), store=tmp_path / "store")
    read_stored_panel(files_of(frame(), tmp_path / "whole"), spec())
    assert not (tmp_path / "store").exists()


@pytest.mark.filterwarnings(APART)
def test_a_damaged_file_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(shuffled(frame()))
    for number in range(3):
        path = tmp_path / "in" / f"{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(table, path, use_dictionary=False, compression="none")
    content = path.read_bytes()
    column = pq.ParquetFile(path).metadata.row_group(0).column(table.column_names.index("y"))
    start = column.data_page_offset
    path.write_bytes(content[:start] + bytes(20) + content[start + 20 :])
    with pytest.raises(FrameError, match=r"in/2\.parquet can't be read"):
        read_stored_panel(ParquetSource.of(tmp_path / "in", "df"), spec(), store=tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_stands_together_is_given_back(tmp_path: Path) -> None:
    source = files_of(frame(), tmp_path / "in")
    with in_whole_series(source, "unique_id", tmp_path) as whole:
        assert whole is source
