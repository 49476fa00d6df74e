"""What a user may hand to an encoder–decoder, a test for each row of the list of hard inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsgen import GRUSeq2Seq, LSTMSeq2Seq
from tsgen.errors import FrameError, SettingError

QUICK: dict[str, Any] = {"max_steps": 2, "hidden_size": 4, "verbose": False}
SOURCES, TARGETS = ["ab", "b", "bba"], ["XY", "Y", "YYX"]


@pytest.fixture(scope="module")
def model() -> LSTMSeq2Seq:
    return LSTMSeq2Seq(**QUICK).fit(SOURCES, TARGETS)


def test_row_66_never_seen(model: LSTMSeq2Seq) -> None:
    assert set("".join(model.sample(["?!", "a"], temperature=9.0))) <= set("XY")
    assert model.predict("a?") == model.predict("a!")
    assert np.isfinite(model.log_likelihood("ab", "X?"))


def test_row_67_empty_sides(model: LSTMSeq2Seq) -> None:
    assert isinstance(model.predict(""), str)
    assert np.isfinite(model.log_likelihood("", ""))
    LSTMSeq2Seq(**QUICK).fit(["", "a"], ["X", ""])
    with pytest.raises(FrameError, match="targets: there is no symbol in it"):
        LSTMSeq2Seq(**QUICK).fit(["a", "b"], ["", ""])


@pytest.mark.slow
def test_row_68_a_long_source(model: LSTMSeq2Seq) -> None:
    assert model.settings_.max_length == 2 * 3 + 10
    found = model.predict(["ab" * 5000, "ab"])
    assert len(found[0]) <= 16
    assert found[1] == model.predict("ab")


def test_row_69_unequal_sides(model: LSTMSeq2Seq) -> None:
    with pytest.raises(FrameError, match="there are 3 sources and 2 targets"):
        LSTMSeq2Seq(**QUICK).fit(SOURCES, TARGETS[:2])
    with pytest.raises(FrameError, match="there are 1 sources and 2 targets"):
        model.log_likelihood(["a"], ["X", "Y"])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_row_70_a_missing_side(missing: object) -> None:
    series = pd.Series(["ab", missing, "a"], index=["u", "v", "w"], dtype=object)
    with pytest.raises(FrameError, match="1 of 3 sources are missing, the first in row 'v'"):
        LSTMSeq2Seq(**QUICK).fit(series, TARGETS)
    with pytest.raises(FrameError, match="sources: item 1 is a"):
        LSTMSeq2Seq(**QUICK).fit(list(series), TARGETS)


def test_row_71_texts_and_lists(model: LSTMSeq2Seq) -> None:
    with pytest.raises(FrameError, match="sources are lists of symbols, but in fit they were text"):
        model.predict([["a", "b"]])
    lists = GRUSeq2Seq(**QUICK).fit([["a"], ["b"]], [["X"], ["Y"]])
    with pytest.raises(FrameError, match="a single one is a list of one list"):
        lists.predict(["a", "b"])


def test_row_72_columns(model: LSTMSeq2Seq) -> None:
    frame = pd.DataFrame({"a": SOURCES, "b": TARGETS})
    for wrong in ({}, {"source_col": "a"}, {"source_col": "c", "target_col": "b"}):
        with pytest.raises(SettingError, match="two of 'a', 'b'"):
            LSTMSeq2Seq(**QUICK).fit(frame, **wrong)
    with pytest.raises(FrameError, match="2 columns are called 'a'"):
        LSTMSeq2Seq(**QUICK).fit(pd.concat([frame, frame], axis=1), source_col="a", target_col="b")
    with pytest.raises(SettingError, match="a frame has both columns"):
        LSTMSeq2Seq(**QUICK).fit(frame, TARGETS, source_col="a")
    with pytest.raises(SettingError, match="sources were no frame in fit"):
        model.predict(frame)


def test_row_73_no_source(model: LSTMSeq2Seq) -> None:
    with pytest.raises(FrameError, match="sources: there is no sequence in it"):
        model.predict([])


def test_row_74_an_index_that_repeats_itself(model: LSTMSeq2Seq) -> None:
    series = pd.Series(SOURCES, index=[1, 1, 0])
    assert model.predict(series).index.tolist() == [1, 1, 0]
    rows = model.predict(series, num_beams=2, num_return_sequences=2)
    assert rows.index.tolist() == [1, 1, 1, 1, 0, 0]
    frame = pd.DataFrame({"a": SOURCES, "b": TARGETS}, index=[1, 1, 0])
    of_frame = LSTMSeq2Seq(**QUICK).fit(frame, source_col="a", target_col="b")
    assert of_frame.predict(frame).index.tolist() == [1, 1, 0]
    assert of_frame.predict(frame, num_beams=2, num_return_sequences=2)["a"].tolist() == [
        "ab", "ab", "b", "b", "bba", "bba",
    ]  # fmt: skip


def test_row_75_more_beams_than_targets() -> None:
    model = LSTMSeq2Seq(**QUICK).fit(["a", "b"], ["X", "X"])
    rows = model.predict(["a"], num_beams=9, num_return_sequences=9, max_length=2)
    # "", "X" and "XX": the unknown symbol is never generated.
    assert sorted(rows["target"]) == ["", "X", "XX"]
