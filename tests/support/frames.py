"""Frames of other libraries than pandas, by what makes them of a pandas frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

KINDS = ("polars", "pyarrow", "duckdb")


def of_library(kind: str, frame: pd.DataFrame) -> Any:
    """A frame with the columns of a pandas frame, whose index is left out."""
    pa = pytest.importorskip("pyarrow")
    if kind == "pyarrow":
        return pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "duckdb":
        return pytest.importorskip("duckdb").from_arrow(of_library("pyarrow", frame))
    return pytest.importorskip("polars").from_pandas(frame)


def is_of(kind: str, frame: Any) -> bool:
    """Whether a frame is what comes back where one of some library came in."""
    library, name = ("polars", "DataFrame") if kind == "polars" else ("pyarrow", "Table")
    return isinstance(frame, getattr(pytest.importorskip(library), name))


def in_pandas(frame: Any) -> pd.DataFrame:
    """With numpy's dtypes where there are such."""
    return frame.to_pandas()
