"""A recurrence that is carried from cutoff to cutoff, against one series and cutoff at a time."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tsgen import LSTMForecaster
from tsgen.data import FrameSpec, read_history
from tsgen.evaluation import Cutoffs, Plan
from tsgen.inference.rolling_origin import continuations

HORIZON = 3
ROWS_READ = 13  # the context, and what the longest lag reaches before it
properties = settings(max_examples=3, deadline=None, derandomize=True, database=None)


def walk(names: str, lengths: list[int], seed: int = 0) -> pd.DataFrame:
    """Series of days that begin on one day, in a long frame."""
    parts = []
    for name, rows in zip(names, lengths, strict=True):
        noise = np.random.default_rng([seed, ord(name)]).normal(size=rows)
        times = pd.date_range("2024-01-01", periods=rows)
        parts.append(pd.DataFrame({"unique_id": name, "ds": times, "y": noise.cumsum() + 5.0}))
    return pd.concat(parts, ignore_index=True)


@cache
def fitted() -> LSTMForecaster:
    """Fitted once; never to be fitted again."""
    model = LSTMForecaster(
        max_steps=2, hidden_size=4, context_length=10, lags=[1, 3], season_length=7, verbose=False
    )
    return model.fit(walk("abc", [25, 25, 25]))


def carried_by_hand(rows: pd.DataFrame, ends: list[int]) -> list[list[float]]:
    """One series: encoded at the first of its cutoffs, then told of the rows up to each other."""
    model = fitted()
    state = model.encode(rows.iloc[: ends[0]])
    found = [model.predict(HORIZON, state=state)["y"].tolist()]
    for before, end in pairwise(ends):
        state = model.update(state, rows.iloc[before:end], carry=True)
        found.append(model.predict(HORIZON, state=state)["y"].tolist())
    return found


@properties
@given(
    extra=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    step=st.integers(1, 3),
    windows=st.integers(2, 4),
    at_once=st.sampled_from([1, 5, 100]),
    seed=st.integers(0, 99),
)
@example(extra=[0, 9, 9], step=2, windows=4, at_once=100, seed=0)  # the first one begins last
@example(extra=[9], step=2, windows=4, at_once=5, seed=0)  # two cutoffs at once, then one
def test_each_cutoff_is_the_state_that_rows_led_to(
    extra: list[int], step: int, windows: int, at_once: int, seed: int
) -> None:
    """Series without room for all cutoffs begin at a later one."""
    names = "abc"[: len(extra)]
    df = walk(names, [ROWS_READ + HORIZON + more for more in extra], seed)
    panel = fitted().panel_
    plan = Plan.of(HORIZON, windows, step, False, "error")
    history = read_history(df, FrameSpec.like(panel), freq=panel.frequency)
    cutoffs = Cutoffs.of(history, plan, ROWS_READ)
    got = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsgen.inference.rolling_origin._READ_AT_ONCE", at_once)
        for block in continuations(
            fitted().model_, cutoffs, range(cutoffs.count), carry=True, on_blowup="clip"
        ):
            keys = zip(block.origins.ids, block.origins.cutoffs, strict=True)
            got |= dict(zip(keys, block.point().values, strict=True))
    naive = {}
    for name, ends in zip(names, cutoffs.rows, strict=True):
        rows, ends = df[df["unique_id"] == name], ends[ends > 0].tolist()
        stamps = rows["ds"].iloc[[end - 1 for end in ends]]
        naive |= dict(zip([(name, at) for at in stamps], carried_by_hand(rows, ends), strict=True))
    assert got.keys() == naive.keys()
    for key, values in naive.items():
        np.testing.assert_allclose(got[key], values, rtol=1e-4, atol=1e-4)
