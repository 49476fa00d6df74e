"""The rows of future covariates that a horizon wants, against a loop over series and steps."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data import Columns, FrameSpec, read_future, read_panel
from tsgen.testing import panels

HORIZON = 3
properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("with_ids", [True, False])
@properties
@given(
    df=panels(freq=["D", "h"], ids=["text"], length=(12, 25), covariates=True),
    seed=st.integers(0, 99),
)
def test_each_step_has_the_row_of_its_stamp(df: pd.DataFrame, seed: int, with_ids: bool) -> None:
    panel = read_panel(df, FrameSpec(Columns(future=("number",))))
    step = df["ds"].iloc[1] - df["ds"].iloc[0]
    stamps = pd.date_range(df["ds"].min(), df["ds"].max() + HORIZON * step, freq=step)
    names = list(panel.ids) if with_ids else [None]
    pairs = [(name, stamp) for name in names for stamp in stamps]
    known = {pair: number for number, pair in enumerate(pairs)}
    future = pd.DataFrame(
        {"unique_id": name, "ds": stamp, "number": float(number)}
        for (name, stamp), number in known.items()
    ).sample(frac=1.0, random_state=seed)
    got = read_future(future if with_ids else future.drop(columns="unique_id"), panel, HORIZON)
    assert got is not None
    naive = []
    for name, rows in df.groupby("unique_id"):
        last = rows["ds"].max()
        key = name if with_ids else None
        naive.append([known[key, last + (k + 1) * step] for k in range(HORIZON)])
    assert got[:, :, 0].tolist() == naive
