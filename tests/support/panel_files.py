"""A panel in a few files of Parquet, and when two panels are the same."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsgen.data import Columns, Covariates, FrameSpec, Panel, ParquetSource

LENGTHS = {"b": 7, "a": 12, "c": 3, "f": 9, "d": 20, "e": 5}
ROWS = sum(LENGTHS.values())


def frame() -> pd.DataFrame:
    """Series in no order, with categories that not all of them have."""
    rng = np.random.default_rng(0)
    ids = np.repeat(list(LENGTHS), list(LENGTHS.values()))
    return pd.DataFrame(
        {
            "unique_id": ids,
            "ds": np.concatenate(
                [pd.date_range("2024-01-01", periods=rows) for rows in LENGTHS.values()]
            ),
            "y": rng.normal(size=ROWS),
            "price": rng.normal(size=ROWS),
            "kind": np.where(ids == "b", None, rng.choice(["u", "z", "x", None], size=ROWS)),
            "shop": pd.Series(ids).map(dict(zip(LENGTHS, "sqqrps", strict=True))),
        }
    )


def source(df: pd.DataFrame, folder: Path, files: int = 3) -> ParquetSource:
    folder.mkdir()
    for number, (first, end) in enumerate(pairwise(np.linspace(0, len(df), files + 1).astype(int))):
        path = folder / f"{number}.parquet"
        df.iloc[first:end].to_parquet(path, index=False, row_group_size=4)
    return ParquetSource.of(folder, "df")


def spec(*, columns: dict[str, Any] | None = None, **more: Any) -> FrameSpec:
    roles = {"id_col": "unique_id", "time_col": "ds", "target_col": "y", **(columns or {})}
    return FrameSpec(Columns.of(**roles), **more)


def assert_same(one: Panel, other: Panel) -> None:
    for field in fields(Panel):
        assert_alike(getattr(one, field.name), getattr(other, field.name))


def assert_alike(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)
    elif isinstance(one, Covariates):
        assert_alike(one.rows, other.rows)
        assert_alike(one.static, other.static)
        for own, others in zip(one.schema, other.schema, strict=True):
            assert (own.name, own.role) == (others.name, others.role)
            assert_alike(own.categories, others.categories)
    elif hasattr(one, "appearance"):
        for field in fields(one):
            assert_alike(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other
