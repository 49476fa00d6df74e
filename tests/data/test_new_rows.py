"""A panel with rows that come later, against loops over the series of pandas frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data import Columns, FrameSpec, Panel, read_new_rows, read_panel
from tsgen.testing import panels, wide_panels

FREQUENCIES = ["D", "h", "ME", "B"]
COVARIATES = Columns(future=("number",), past=(), static=("region",))
properties = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def by_series(panel: Panel) -> dict[str, tuple[list[float], list[float] | None]]:
    """The values of each series, and the first of its covariates up to where it is known."""
    found = {}
    for position, name in enumerate(panel.ids):
        known = None
        if panel.covariates is not None:
            first, stop = panel.covariate_offsets[position : position + 2]
            known = panel.covariates.rows[first:stop, 0].tolist()
        found[name] = panel.series(position).tolist(), known
    return found


def same(one: object, other: object) -> bool:
    """Equal, and NaN are."""
    return repr(one) == repr(other)


def of_long(df: pd.DataFrame) -> dict[str, tuple[list[float], list[float]]]:
    return {
        name: (rows["y"].tolist(), rows["number"].astype(float).tolist())
        for name, rows in df.sort_values("ds").groupby("unique_id")
    }


@st.composite
def split_long(draw: st.DrawFn, *, gaps: bool) -> tuple[pd.DataFrame, ...]:
    """A long frame as it is in the end, and its rows in three parts: old, left out, new.

    Some of the series have no new rows.
    """
    df = draw(panels(freq=FREQUENCIES, ids=["text"], length=(12, 25), covariates=True))
    parts: list[list[pd.DataFrame]] = [[], [], []]
    for _, rows in df.groupby("unique_id", sort=False):
        new = draw(st.integers(0, 4))
        gap = draw(st.integers(0, 3)) if gaps and new else 0
        old = len(rows) - new - gap
        bounds = [0, old, old + gap, len(rows)]
        for part, first, stop in zip(parts, bounds, bounds[1:], strict=False):
            part.append(rows.iloc[first:stop])
    old_rows, left_out, new_rows = (pd.concat(part) for part in parts)
    whole = pd.concat([old_rows, left_out.assign(y=np.nan, number=np.nan), new_rows])
    return whole, old_rows, new_rows.sample(frac=1.0, random_state=0)


@properties
@given(frames=split_long(gaps=False))
def test_rows_of_a_long_frame(frames: tuple[pd.DataFrame, ...]) -> None:
    whole, old, new = frames
    if new.empty:
        return
    panel = read_panel(old, FrameSpec(COVARIATES))
    longer, came = read_new_rows(new, panel)
    assert same(by_series(longer), of_long(whole))
    assert same(by_series(came), of_long(new))
    last = whole.groupby("unique_id")["ds"].max()
    assert list(longer.ends) == list(last)


@properties
@given(frames=split_long(gaps=True))
def test_rows_that_nobody_gave_are_holes(frames: tuple[pd.DataFrame, ...]) -> None:
    whole, old, new = frames
    if new.empty:
        return
    panel = read_panel(old, FrameSpec(COVARIATES, fill="mask"))
    longer, _ = read_new_rows(new, panel)
    assert same(by_series(longer), of_long(whole))


@st.composite
def split_wide(draw: st.DrawFn) -> tuple[pd.DataFrame, int]:
    """A wide frame with a shared covariate, and how many of its rows are old.

    A column has values up to some old row, or up to some new one.
    """
    df = draw(wide_panels(freq=FREQUENCIES, ids=["text"], n_series=(1, 4), length=(14, 25)))
    old = len(df) - draw(st.integers(1, 4))
    for name in df.columns:
        stop = draw(st.integers(old - 3, len(df)))
        df.iloc[stop:, df.columns.get_loc(name)] = np.nan
    # Values of the old end that a frame fills in later are rows that come, and so is the last row.
    df.iloc[-1, 0] = 1.0
    return df.assign(number=np.arange(float(len(df)))), old


@properties
@given(drawn=split_wide())
def test_rows_of_a_wide_frame(drawn: tuple[pd.DataFrame, int]) -> None:
    whole, old = drawn
    spec = FrameSpec(Columns(future=("number",)), fill="mask")
    panel = read_panel(whole.iloc[:old], spec)
    new = whole.iloc[old:]
    longer, _ = read_new_rows(new, panel)
    naive = {}
    for name in sorted(whole.columns.drop("number")):
        first = int(whole[name].notna().to_numpy().argmax())
        came = bool(new[name].notna().any())
        last = whole[name] if came else whole[name].iloc[:old]
        stop = int(np.flatnonzero(last.notna())[-1]) + 1
        known = whole["number"].iloc[first:]
        naive[name] = whole[name].iloc[first:stop].tolist(), known.tolist()
    assert same(by_series(longer), naive)
    assert list(longer.ends) == [whole.index[-1]] * len(longer)
    assert (longer.lengths + longer.behind == np.diff(longer.covariate_offsets)).all()


def test_values_that_a_wide_frame_has_late_end_where_the_panel_does() -> None:
    """What comes ends with the last row of all: behind it is what is known of the others."""
    times = pd.date_range("2024-01-01", periods=12)
    df = pd.DataFrame({"a": 1.0, "b": np.arange(12.0), "number": np.arange(12.0)}, index=times)
    old = df.iloc[:10].copy()
    old.iloc[6:, 1] = np.nan
    panel = read_panel(old, FrameSpec(Columns(future=("number",))))
    longer, came = read_new_rows(df.iloc[6:8].assign(a=np.nan), panel)
    assert by_series(longer)["b"] == (list(range(8)), list(range(10)))
    assert by_series(came) == {"b": ([6, 7], [6, 7, 8, 9])}
    assert (came.ends[0], came.behind.tolist()) == (times[9], [2])


def test_the_calendar_is_known_of_rows_that_nobody_gave() -> None:
    times = pd.date_range("2024-01-01", periods=20)
    whole = pd.DataFrame({"a": 1.0, "b": 2.0}, index=times)
    whole.iloc[10:13, 0] = whole.iloc[8:13, 1] = np.nan
    long = whole.rename_axis(index="ds", columns="unique_id").unstack().rename("y").reset_index()
    spec = FrameSpec(fill="mask", calendar=(weekday,))
    rows = long.dropna()
    panel = read_panel(rows[rows["ds"] < times[10]], spec)
    longer, _ = read_new_rows(rows[rows["ds"] >= times[10]], panel, (weekday,))
    assert same(by_series(longer), by_series(read_panel(long, spec)))


def weekday(times: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"weekday": times.day_of_week + 0.5}, index=times)
