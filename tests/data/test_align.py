"""The rows of a frame at the places that a panel wants, against loops over series and stamps."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data import FrameSpec, Panel, Problems, read_panel
from tsgen.data.align import LaterRows, align, steps_between
from tsgen.errors import FrameError
from tsgen.testing import panels

HORIZON = 3
FREQUENCIES = ["D", "h", "ME", "B", 1]
Drawn: TypeAlias = tuple[Panel, dict[object, list[object]]]
properties = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@st.composite
def panel_and_stamps(draw: st.DrawFn, steps: int) -> Drawn:
    """A panel, and the stamps after the end of each series."""
    freq = draw(st.sampled_from(FREQUENCIES))
    df = draw(panels(freq=[freq], length=(12, 25)))
    stamps = {}
    for name, rows in df.groupby("unique_id", observed=True):
        last = rows["ds"].max()
        if freq == 1:
            stamps[name] = [last + k for k in range(1, steps + 1)]
        else:
            stamps[name] = list(pd.date_range(last, periods=steps + 1, freq=freq)[1:])
    return read_panel(df, FrameSpec()), stamps


@pytest.mark.parametrize("with_ids", [True, False])
@properties
@given(drawn=panel_and_stamps(HORIZON + 2), data=st.data())
def test_each_place_has_its_row(drawn: Drawn, data: st.DataObject, with_ids: bool) -> None:
    panel, stamps = drawn
    pairs = [(name, stamp) for name, later in stamps.items() for stamp in later]
    rows = data.draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=20))
    names, times = (list(part) for part in zip(*rows, strict=True))
    keys = rows if with_ids else times
    wanted = [
        (name, stamp) if with_ids else stamp
        for name in panel.ids for stamp in stamps[name][:HORIZON]
    ]  # fmt: skip
    frame = LaterRows("given=", pd.Index(names) if with_ids else None, pd.Index(times))
    problems = Problems()
    following = panel.frequency.following(panel.ends, HORIZON)
    got = align(frame, panel, panel.ids, following, problems)
    problems.raise_any()
    assert got.rows.tolist() == [keys.index(place) if place in keys else -1 for place in wanted]
    assert got.outside.tolist() == [key not in wanted for key in keys]
    assert got.twice.tolist() == [key in keys[:row] for row, key in enumerate(keys)]
    assert list(got.times) == times
    assert not got.rounded.any()


@properties
@given(drawn=panel_and_stamps(5), data=st.data())
def test_steps_are_counted_from_the_end_of_each_series(drawn: Drawn, data: st.DataObject) -> None:
    panel, stamps = drawn
    steps = [data.draw(st.integers(1, 5)) for _ in panel.ids]
    later = [stamps[name][count - 1] for name, count in zip(panel.ids, steps, strict=True)]
    got = steps_between(panel.ends, pd.Index(later), panel)
    assert got.tolist() == steps


def daily(names: str = "ab") -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=10, unit="s")
    return pd.concat([pd.DataFrame({"unique_id": n, "ds": times, "y": 1.0}) for n in names])


def aligned(times: pd.Index, ids: list[str] | None = None) -> tuple[np.ndarray, str]:
    """Which stamps aren't quite those of the panel, and what is told of the series."""
    panel, problems, told = read_panel(daily()), Problems(), ""
    following = panel.frequency.following(panel.ends, HORIZON)
    frame = LaterRows("given=", None if ids is None else pd.Index(ids), times)
    got = align(frame, panel, panel.ids, following, problems)
    try:
        problems.raise_any()
    except FrameError as error:
        told = str(error)
    return got.rounded, told


def test_series_that_nobody_asked_for_are_told_once_each() -> None:
    times = pd.date_range("2024-01-11", periods=4)
    _, told = aligned(times, ["z", "a", "q", "z"])
    assert told == "given= has series that the forecast doesn't have: 'z', 'q'; drop them"


def test_stamps_that_a_coarser_unit_would_round_are_marked() -> None:
    times = pd.DatetimeIndex(["2024-01-11", "2024-01-12 00:00:00.5"])
    rounded, told = aligned(times)
    assert rounded.tolist() == [False, True]
    assert not told


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (pd.RangeIndex(3), "of given= are int64, which doesn't suit the frequency 'D'"),
        (
            pd.date_range("2024-01-11", periods=3, tz="UTC", unit="s"),
            "of given= are datetime64[s, UTC], but datetime64[s] in the input; convert them",
        ),
    ],
    ids=["numbers", "a zone"],
)
def test_stamps_of_another_kind_are_refused(times: pd.Index, words: str) -> None:
    with pytest.raises(FrameError) as caught:
        aligned(times)
    assert words in str(caught.value)
