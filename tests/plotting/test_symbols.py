"""What pictures of symbols and attention show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.figures import pictures

import tsgen
from tsgen import (
    plot_symbols,
)
from tsgen.errors import FrameError

STATES = ["idle", "load", "load", "drill"] * 5


def states(layout: str) -> Any:
    series = pd.Series(STATES, index=pd.date_range("2024-01-01", periods=20), name="y")
    if layout == "series":
        return series
    wide = pd.DataFrame({"a": series, "b": series[::-1].to_numpy()})
    if layout == "wide":
        return wide
    return wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")


@pytest.mark.parametrize("layout", ["series", "wide", "long"])
def test_symbols_are_bars_as_long_as_they_last(layout: str) -> None:
    figure = plot_symbols(states(layout))
    assert len(pictures(figure)) == (1 if layout == "series" else 2)
    axis = pictures(figure)[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["drill", "idle", "load"]
    bars = axis.collections[0].get_segments()
    assert [bar[0][1] for bar in bars[:3]] == [1, 2, 0]
    assert [bar[1][0] - bar[0][0] for bar in bars[:3]] == [1.0, 2.0, 1.0]
    figure.draw_without_rendering()


def test_generated_symbols_are_shaded_and_marks_are_ringed() -> None:
    whole = pd.Series(STATES)
    figure = plot_symbols(whole[:12], whole[12:], marks=whole[[3, 7]], last=10, title="A log")
    axis = pictures(figure)[0]
    assert axis.patches[0].get_extents().width > 0
    assert axis.lines[0].get_xdata().tolist() == [3.5, 7.5]
    starts = [bar[0][0] for bar in axis.collections[0].get_segments()]
    assert starts[0] == 2
    assert 12 in starts
    assert figure.get_suptitle() == "A log"


def test_the_order_of_symbols() -> None:
    order = ["idle", "off", "load", "drill"]
    axis = pictures(plot_symbols(pd.Series(STATES), order=order))[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["idle", "load", "drill"]
    with pytest.raises(FrameError, match="order= lacks 'drill'"):
        plot_symbols(pd.Series(STATES), order=order[:3])


def test_symbols_without_an_order_of_their_own() -> None:
    axis = pictures(plot_symbols(pd.Series([2, "a", 2, "b"], dtype=object)))[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["2", "a", "b"]


def test_attention_is_drawn_with_the_symbols_of_both_sides() -> None:
    weights = pd.DataFrame(np.eye(3), index=["A", "B", "</s>"], columns=["a", ("b", 1), "</s>"])
    figure = tsgen.plot_attention([weights, weights.iloc[:2]], title="Two pairs")
    first, second = pictures(figure)
    assert [label.get_text() for label in first.get_xticklabels()] == ["a", "b · 1", "</s>"]
    assert [label.get_text() for label in second.get_yticklabels()] == ["A", "B"]
    np.testing.assert_array_equal(first.images[0].get_array(), np.eye(3))
    assert len(pictures(tsgen.plot_attention(weights))) == 1


def test_the_first_of_many_pairs_are_drawn() -> None:
    weights = pd.DataFrame([[1.0]], index=["A"], columns=["a"])
    figure = tsgen.plot_attention([weights] * 5, max_pairs=2)
    assert len(pictures(figure)) == 2
    assert figure.get_suptitle() == "(the first 2 of 5 pairs)"
    with pytest.raises(FrameError, match="no weights to draw"):
        tsgen.plot_attention([])
