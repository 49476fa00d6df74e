"""Columns of both layouts as the channels of systems, against loops over columns and ids."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data import Columns, FrameSpec, Panel, read_panel
from tsgen.testing import panels, wide_panels

properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def rows_of(panel: Panel) -> list[list[float]]:
    return [panel.series(position).tolist() for position in range(len(panel))]


def spanned(df: pd.DataFrame, names: list[str]) -> list[list[float]]:
    """Some columns from the first row with a value in one of them to the last such row."""
    rows = np.flatnonzero(df[names].notna().any(axis=1))
    return [df[name].iloc[rows[0] : rows[-1] + 1].tolist() for name in names]


@pytest.mark.parametrize("roll", [False, True])
@pytest.mark.parametrize("joint", [False, True])
@properties
@given(df=wide_panels(freq=["D"], ids=["text"], stagger=3), seed=st.integers(0, 99))
def test_wide(df: pd.DataFrame, seed: int, joint: bool, roll: bool) -> None:
    names = sorted(df.columns)
    rolled = ["load"] if roll else []
    shuffled = df.assign(load=np.arange(float(len(df)))).sample(frac=1.0, random_state=seed)
    spec = FrameSpec(Columns(past=("load",)), fill="mask", joint=joint, roll_past=roll)
    panel = read_panel(shuffled, spec)
    systems = [[*names, *rolled]] if joint else [[name, *rolled] for name in names]
    ordered = shuffled.sort_index()
    naive = [values for system in systems for values in spanned(ordered, system)]
    assert repr(rows_of(panel)) == repr(naive)


@pytest.mark.slow
@pytest.mark.parametrize("roll", [False, True])
@pytest.mark.parametrize("joint", [False, True])
@properties
@given(df=panels(freq=["D"], ids=["text"], covariates=True, holes=True), seed=st.integers(0, 99))
def test_long(df: pd.DataFrame, seed: int, joint: bool, roll: bool) -> None:
    df = df.assign(z=np.where(df["y"].isna(), 1.0, -df["y"]))
    targets, rolled = ("y", "z"), ["number"] if roll else []
    spec = FrameSpec(
        Columns(others=("z",), past=("number",)),
        fill="mask", joint=joint, roll_past=roll,
    )  # fmt: skip
    panel = read_panel(df.sample(frac=1.0, random_state=seed), spec, freq="D")
    systems = [[*targets, *rolled]] if joint else [[name, *rolled] for name in targets]
    naive = []
    for _, rows in df.groupby("unique_id"):
        whole = rows.set_index("ds").sort_index().asfreq("D")
        naive += [values for system in systems for values in spanned(whole, system)]
    assert repr(rows_of(panel)) == repr(naive)
