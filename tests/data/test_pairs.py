"""Pairs are read from lists, Series and frames, and targets go back into what sources were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from tsgen.data import PairSpec, Sources, learn_pairs, read_sources, read_targets
from tsgen.errors import FrameError, SettingError

WORDS, PHONEMES = ["cab", "a", "bad"], ["K AE B", "AH", "B AE D"]
SPEC = PairSpec(target_unit="word")


def known(**names: object) -> tuple[Sources, PairSpec]:
    pairs = learn_pairs(WORDS, PHONEMES, PairSpec(target_unit="word", **names))  # type: ignore[arg-type]
    return read_sources(WORDS, pairs.sources.vocabulary, pairs.spec), pairs.spec


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.Categorical, iter])
def test_sides_come_as_any_list(kind) -> None:
    pairs = learn_pairs(kind(WORDS), kind(PHONEMES), SPEC)
    assert list(pairs.sources.vocabulary.symbols) == ["a", "b", "c", "d"]
    assert list(pairs.targets.vocabulary.symbols) == ["AE", "AH", "B", "D", "K"]
    assert pairs.sources.panel.lengths.tolist() == [3, 1, 3]
    assert pairs.targets.panel.lengths.tolist() == [3, 1, 3]
    assert pairs.sources.vocabulary.stops
    assert pairs.spec.source_texts


def test_lists_of_symbols_on_either_side() -> None:
    pairs = learn_pairs([[1, 2], []], ["ab", ""], PairSpec())
    assert list(pairs.sources.vocabulary.symbols) == [1, 2]
    assert pairs.sources.panel.lengths.tolist() == [2, 0]
    assert (pairs.spec.source_texts, pairs.spec.target_texts) == (False, True)


def test_a_frame_has_both_columns() -> None:
    frame = pd.DataFrame({"word": WORDS, "sound": PHONEMES, "n": 1})
    spec = PairSpec(target_unit="word", source_col="word", target_col="sound")
    pairs = learn_pairs(frame, None, spec)
    assert pairs.targets.panel.lengths.tolist() == [3, 1, 3]
    sources = read_sources(frame[["n", "word"]], pairs.sources.vocabulary, pairs.spec)
    assert_frame_equal(sources.write(PHONEMES), frame[["n", "word", "sound"]])
    assert len(read_targets(None, read_sources(frame, pairs.sources.vocabulary, pairs.spec),
                            pairs.targets.vocabulary, pairs.spec)) == 3  # fmt: skip


def test_targets_go_back_into_what_sources_were() -> None:
    sources, spec = known()
    assert sources.write(PHONEMES) == PHONEMES
    vocabulary = learn_pairs(WORDS, PHONEMES, SPEC).sources.vocabulary
    alone = read_sources("cab", vocabulary, spec)
    assert alone.write(["K AE B"]) == "K AE B"
    series = pd.Series(WORDS, index=[7, 8, 9], name="word")
    written = read_sources(series, vocabulary, spec).write(PHONEMES)
    assert_series_equal(written, pd.Series(PHONEMES, index=[7, 8, 9], name="target"))


def test_a_series_of_targets_gives_its_name() -> None:
    pairs = learn_pairs(WORDS, pd.Series(PHONEMES, name="sound"), SPEC)
    sources = read_sources(pd.Series(WORDS), pairs.sources.vocabulary, pairs.spec)
    assert sources.write(PHONEMES).name == "sound"


def test_lists_are_cells_of_a_series() -> None:
    pairs = learn_pairs([["a", "b"]], [[1, 2, 3]], PairSpec())
    sources = read_sources(pd.Series([["a"], ["b"]]), pairs.sources.vocabulary, pairs.spec)
    assert sources.write([[1], [2, 3]]).tolist() == [[1], [2, 3]]


def test_several_targets_of_a_source_are_rows() -> None:
    sources, _ = known()
    scores = np.arange(6.0).reshape(3, 2)
    rows = sources.write_several([["x", "y"]] * 3, {"score": scores})
    assert rows["source"].tolist() == [0, 0, 1, 1, 2, 2]
    assert rows["target"].tolist() == ["x", "y"] * 3
    assert rows["score"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("source", "target", "match"),
    [
        ("cab", ["x"], "the source is one text, 'cab'"),
        (["cab"], "x", "the target is one text"),
        (["cab", "a"], ["x"], "2 sources and 1 targets"),
        (["cab", 5], ["x", "y"], "sources: item 1 is a int, not text: 5"),
        (["", ""], ["x", "y"], "sources: there is no symbol"),
        ([], [], "sources: there is no sequence"),
        (["a"], [["x", None]], "targets: a symbol is missing"),
        (["a"], [5], "targets: item 0 is 5, not a list of symbols"),
        (pd.Series(["a", None], index=["u", "v"]), ["x", "y"], "1 of 2 sources .* row 'v'"),
    ],
)
def test_what_is_wrong_is_said_of_its_side(source, target, match: str) -> None:
    with pytest.raises(FrameError, match=match):
        learn_pairs(source, target, PairSpec())


@pytest.mark.parametrize("odd", [5, None, b"ab", {"a": 1}])
def test_other_things_are_type_errors(odd) -> None:
    with pytest.raises(TypeError, match="sources: expected a list or Series of texts"):
        learn_pairs(odd, ["x"], PairSpec())


def test_columns_belong_to_frames() -> None:
    frame = pd.DataFrame({"word": WORDS, "sound": PHONEMES})
    with pytest.raises(SettingError, match="source_col= and target_col= are columns of a frame"):
        learn_pairs(WORDS, PHONEMES, PairSpec(source_col="word"))
    with pytest.raises(SettingError, match=r"no column 'sounds': .* two of 'word', 'sound'"):
        learn_pairs(frame, None, PairSpec(source_col="word", target_col="sounds"))
    with pytest.raises(SettingError, match="a frame has both columns"):
        learn_pairs(frame, PHONEMES, PairSpec(source_col="word"))
    with pytest.raises(SettingError, match="there are no targets"):
        learn_pairs(WORDS, None, PairSpec())


def test_what_comes_later_is_of_the_kind_of_fit() -> None:
    sources, spec = known()
    vocabulary = learn_pairs(WORDS, PHONEMES, SPEC).sources.vocabulary
    with pytest.raises(FrameError, match="sources are lists of symbols, but in fit"):
        read_sources([["c", "a"]], vocabulary, spec)
    lists = learn_pairs([["a"]], [["b"]], PairSpec())
    with pytest.raises(FrameError, match=r"were lists of symbols; .* a list of one list"):
        read_sources(["a"], lists.sources.vocabulary, lists.spec)
    with pytest.raises(SettingError, match="sources were no frame in fit"):
        read_sources(pd.DataFrame({"word": WORDS}), vocabulary, spec)
    with pytest.raises(FrameError, match="3 sources and 1 targets"):
        read_targets(["AH"], sources, vocabulary, spec)


def test_more_pairs_keep_the_codes_of_those_before() -> None:
    first = learn_pairs(["ab"], ["XY"], PairSpec())
    both = first.sources.vocabulary, first.targets.vocabulary
    more = learn_pairs(["0b"], ["AX"], PairSpec(), known=both)
    assert list(more.sources.vocabulary.symbols) == ["a", "b", "0"]
    assert list(more.targets.vocabulary.symbols) == ["X", "Y", "A"]


@pytest.mark.parametrize(
    ("source_col", "target_col"), [("word", "score"), ("score", "sound"), ("beam_id", "sound")]
)
def test_no_column_is_written_over_by_those_of_beams(source_col: str, target_col: str) -> None:
    frame = pd.DataFrame({source_col: WORDS, target_col: PHONEMES})
    pairs = learn_pairs(frame, None, PairSpec(source_col=source_col, target_col=target_col))
    sources = read_sources(frame[[source_col]], pairs.sources.vocabulary, pairs.spec)
    columns = {"beam_id": np.zeros((3, 1)), "score": np.zeros((3, 1))}
    with pytest.raises(SettingError, match=r"'(score|beam_id)' is a column of the pairs"):
        sources.write_several([["K"]] * 3, columns)


def test_targets_called_source_stand_beside_no_sources() -> None:
    pairs = learn_pairs(WORDS, pd.Series(PHONEMES, name="source"), SPEC)
    several = [["K"]] * 3
    sources = read_sources(WORDS, pairs.sources.vocabulary, pairs.spec)
    with pytest.raises(SettingError, match="'source' is a column of the pairs"):
        sources.write_several(several, {"sample_id": np.zeros((3, 1))})
    alone = read_sources("a", pairs.sources.vocabulary, pairs.spec)
    assert list(alone.write_several([["K"]], {"sample_id": [0]})) == ["sample_id", "source"]


def test_a_column_whose_name_comes_twice_is_refused() -> None:
    frame = pd.DataFrame([["a", "b", "c"]], columns=["word", "word", "sound"])
    with pytest.raises(FrameError, match="2 columns are called 'word': rename all but one"):
        learn_pairs(frame, None, PairSpec(source_col="word", target_col="sound"))
