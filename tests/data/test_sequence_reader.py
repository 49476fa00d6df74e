"""Frames, texts and lists become codes, and what was read comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgen.data import (
    Columns,
    FrameSymbols,
    Generated,
    Learned,
    SymbolSpec,
    TextSymbols,
    frame_of_values,
    learn_sequences,
    read_given_symbols,
    read_new_symbols,
    read_sequences,
)
from tsgen.data import sequence_reader as module
from tsgen.errors import FrameError, SettingError


def long_frame() -> pd.DataFrame:
    """Two series, the second id first, rows of each in order."""
    return pd.DataFrame(
        {
            "unique_id": ["b"] * 4 + ["a"] * 3,
            "ds": [
                *pd.date_range("2024-01-01", periods=4),
                *pd.date_range("2024-01-01", periods=3),
            ],
            "y": list("xyxzzzx"),
        }
    )


def symbols_of(learned: Learned) -> list[list[object]]:
    panel, vocabulary = learned
    decoded = vocabulary.decode(panel.codes).to_numpy()
    return [list(part) for part in np.split(decoded, panel.offsets[1:-1])]


def one_path(learned: Learned, symbols: list[list[object]]) -> Generated:
    """Paths of given symbols."""
    codes = np.stack([learned.vocabulary.encode(pd.Index(row)) for row in symbols])
    lengths = np.full((len(codes), 1), codes.shape[1])
    return Generated(codes[:, None], lengths, np.zeros_like(lengths, dtype=bool))


# --- text ----------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=8), min_size=1))
def test_texts_are_read_character_by_character(texts: list[str]) -> None:
    if not any(texts):
        with pytest.raises(FrameError, match="no symbol"):
            learn_sequences(texts)
        return
    learned = learn_sequences(texts)
    assert ["".join(map(str, part)) for part in symbols_of(learned)] == texts
    assert learned.vocabulary.stops


@pytest.mark.parametrize("unit", ["character", "word"])
def test_long_texts_are_read_in_parts_as_a_whole(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "the cat sat  on\nthe mat and then it slept"
    whole = learn_sequences([text, "a b", text], SymbolSpec(unit=unit))  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_AT_ONCE", 5)
    parts = learn_sequences(iter([text, "a b", text]), SymbolSpec(unit=unit))  # type: ignore[arg-type]
    assert symbols_of(parts) == symbols_of(whole)
    assert parts.vocabulary.symbols.equals(whole.vocabulary.symbols)


def test_a_character_is_a_code_point() -> None:
    thumb = "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}"
    accent = "e\N{COMBINING ACUTE ACCENT}"
    learned = learn_sequences(thumb + accent)
    assert symbols_of(learned) == [list(thumb + accent)]
    assert len(learned.panel.codes) == 4


def test_text_comes_back_as_text_and_words_with_blanks_between() -> None:
    learned = learn_sequences("to be or not", SymbolSpec(unit="word"))
    generated = one_path(learned, [["not", "to"]])
    assert learned.panel.layout.write(generated, learned.vocabulary, stopped=False) == "not to"
    assert isinstance(learned.panel.layout, TextSymbols)
    assert not learned.vocabulary.stops


def test_unseen_characters_are_unknown() -> None:
    vocabulary = learn_sequences("abc").vocabulary
    assert read_sequences("aXc", vocabulary, SymbolSpec()).codes.tolist() == [0, 3, 2]


# --- lists ---------------------------------------------------------------------------------------


def test_lists_of_anything_hashable_are_read() -> None:
    lists = [[1, (1, 2), "x"], [], [(1, 2)], (1, "x")]
    assert symbols_of(learn_sequences(lists)) == [list(each) for each in lists]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "no symbol in it"),
        ([], "no sequence in it"),
        ([[], []], "no symbol in it"),
        ([1, 2], r"item 0 is 1, not a list of symbols: .* \[symbols\]"),
        ([[1], "ab"], "item 1 is 'ab', not a list"),
        (["ab", 3], "item 1 is a int, not text"),
        ([[1, None]], "a symbol is missing"),
        ([[{}]], "a dict can't be a symbol"),
    ],
)
def test_what_is_no_sequence_is_an_error(data: object, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        learn_sequences(data)


@pytest.mark.parametrize("data", [3, None, b"ab", {"a": 1}])
def test_what_is_nothing_like_it_is_a_type_error(data: object) -> None:
    with pytest.raises(TypeError, match="expected a frame, text, texts or lists"):
        learn_sequences(data)


# --- frames --------------------------------------------------------------------------------------


def test_a_long_frame_is_read_by_id_and_time() -> None:
    shuffled = long_frame().sample(frac=1.0, random_state=0)
    learned = learn_sequences(shuffled)
    assert symbols_of(learned) == [list("zzx"), list("xyxz")]
    assert not learned.vocabulary.stops


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pd.Series([1, 2, 1, 3, 3, 3, 1]), "int64"),
        (pd.Series(pd.Categorical(list("xyxzzzx"))), "category"),
        (pd.Series([True, False] * 3 + [True]), "bool"),
        (pd.Series(list("xyxzzzx"), dtype="string"), "string"),
        (pd.Series([0.5, 1.5] * 3 + [0.5], dtype="float32"), "float64"),
    ],
)
def test_symbols_come_back_in_their_dtype(column: pd.Series, dtype: str) -> None:
    learned = learn_sequences(long_frame().assign(y=column))
    rows = [[column[0], column[1]]] * 2
    written = learned.panel.layout.write(one_path(learned, rows), learned.vocabulary, stopped=False)
    assert written["y"].dtype == dtype
    assert written["y"].tolist() == [column[0], column[1]] * 2
    assert written["unique_id"].tolist() == ["b", "b", "a", "a"]  # in the order of the input


@pytest.mark.parametrize("dtype", ["int64", "category", "bool", "string"])
def test_what_is_after_an_end_is_missing(dtype: str) -> None:
    column = pd.Series([1, 0, 1, 1, 1, 0, 0]).astype("str" if dtype == "string" else dtype)
    learned = learn_sequences(long_frame().assign(y=column))
    generated = one_path(learned, [[column[0], column[1]]] * 2)
    ended = generated._replace(lengths=np.array([[1], [2]]), ended=np.array([[True], [False]]))
    written = learned.panel.layout.write(ended, learned.vocabulary, stopped=True)
    assert written["y"].isna().tolist() == [False, False, False, True]
    assert written["y-stopped"].tolist() == [False, False, True, True]


def test_a_wide_frame_and_a_series_are_read_column_by_column() -> None:
    wide = long_frame().pivot(index="ds", columns="unique_id", values="y")
    learned = learn_sequences(wide)
    assert symbols_of(learned) == [list("zzx"), list("xyxz")]
    assert isinstance(learned.panel.layout, FrameSymbols)
    assert learned.panel.layout.panel.behind.tolist() == [1, 0]
    series = pd.Series(list("abab"), index=pd.period_range("2024-01", periods=4, freq="M"))
    assert symbols_of(learn_sequences(series)) == [list("abab")]


@pytest.mark.parametrize("layout", ["long", "wide", "series", "multiindex"])
def test_numbers_of_symbols_stand_in_the_rows_of_the_frame(layout: str) -> None:
    frame = long_frame().sample(frac=1.0, random_state=1)
    if layout == "wide":
        frame = long_frame().pivot(index="ds", columns="unique_id", values="y")
    elif layout == "series":
        frame = pd.Series(list("abca"), index=pd.RangeIndex(4))
    elif layout == "multiindex":
        frame = frame.set_index(["unique_id", "ds"])["y"]
    panel, vocabulary = learn_sequences(frame)
    values = frame_of_values(frame, SymbolSpec(), panel, panel.codes.astype(float), "code")
    expected = frame["y"] if layout == "long" else frame
    numbers = values["code"] if layout == "long" else values
    flat, said = np.ravel(expected.to_numpy()), np.ravel(numbers.to_numpy())
    for symbol, code in zip(flat, said, strict=True):
        assert pd.isna(code) if pd.isna(symbol) else vocabulary.symbols[int(code)] == symbol


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (long_frame().replace("y", None), r"series 'b' at 2024-01-02 .*\(row 1\).*ffill"),
        (long_frame().drop(index=1), r"gaps in time.*series 'b' at 2024-01-02.*fill='ffill'"),
        (pd.DataFrame({"time": [1, 2], "state": ["a", "b"]}), "neither a long nor a wide frame"),
        (long_frame().drop(columns="y"), "."),
    ],
)
def test_problems_of_a_frame_name_series_and_row(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(FrameError, match=said) as caught:
        learn_sequences(frame)
    assert "interpolate" not in str(caught.value)


def test_a_state_may_last_until_the_next_symbol() -> None:
    frame = long_frame().drop(index=1)
    learned = learn_sequences(frame, SymbolSpec(fill="ffill"))
    assert symbols_of(learned)[1] == list("xxxz")
    values = frame_of_values(
        frame, SymbolSpec(fill="ffill"), learned.panel, np.arange(7.0), "place"
    )
    assert values["place"].tolist() == [3.0, 5.0, 6.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (SymbolSpec(fill="mask"), "expected None or 'ffill'"),
        (SymbolSpec(Columns(others=("z",))), "expected one column"),
    ],
)
def test_what_symbols_have_not_is_an_error(how: SymbolSpec, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        learn_sequences(long_frame().assign(z="x"), how)


# --- what comes after ----------------------------------------------------------------------------


def test_new_rows_go_on_from_a_panel() -> None:
    frame = long_frame()
    panel, vocabulary = learn_sequences(frame[frame["ds"] < "2024-01-03"])
    how = SymbolSpec().like(panel)
    new = read_new_symbols(frame[frame["ds"] >= "2024-01-03"], panel, vocabulary, how)
    assert vocabulary.decode(new.codes).tolist() == ["x", "x", "z"]
    assert new.lengths.tolist() == [1, 2]
    with pytest.raises(FrameError, match="has already"):
        read_new_symbols(frame, panel, vocabulary, how)


def test_a_hole_before_new_rows_goes_on_as_the_last_symbol() -> None:
    frame, how = long_frame(), SymbolSpec(fill="ffill")
    panel, vocabulary = learn_sequences(frame[frame["ds"] < "2024-01-03"], how)
    later = pd.DataFrame({"unique_id": "b", "ds": pd.to_datetime(["2024-01-04"]), "y": "x"})
    new = read_new_symbols(later, panel, vocabulary, how.like(panel))
    assert vocabulary.decode(new.codes).tolist() == ["y", "x"]
    assert new.lengths.tolist() == [0, 2]


def test_as_many_new_texts_as_there_are() -> None:
    panel, vocabulary = learn_sequences(["ab", "ba"])
    assert read_new_symbols(["", "b"], panel, vocabulary, SymbolSpec()).lengths.tolist() == [0, 1]
    with pytest.raises(FrameError, match="the state has 2 sequences, and 1 came"):
        read_new_symbols("a", panel, vocabulary, SymbolSpec())


def test_given_symbols_are_codes_at_their_steps() -> None:
    panel, vocabulary = learn_sequences(long_frame())
    given = pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(["2024-01-05"]), "y": "z"})
    known = read_given_symbols(given, panel, vocabulary, 3)
    np.testing.assert_array_equal(known, [[np.nan, 2.0, np.nan], [np.nan] * 3])
    text = learn_sequences("abc")
    with pytest.raises(SettingError, match="given= is for frames"):
        read_given_symbols("a", text.panel, text.vocabulary, 3)


def test_the_callers_frame_is_not_changed() -> None:
    frame = long_frame()
    learn_sequences(frame)
    pd.testing.assert_frame_equal(frame, long_frame())


@pytest.mark.parametrize(("symbols", "kept"), [(0, 1), (3, 1), (4, 1), (5, 2), (7, 3), (99, 3)])
def test_the_last_sequences(symbols: int, kept: int) -> None:
    panel, vocabulary = learn_sequences(["ab", "c", "abcd"])
    last = panel.last(symbols)
    assert len(last) == kept
    assert last.ids.equals(panel.ids[-kept:])
    found = "".join(vocabulary.decode(last.codes))
    assert found == "abcabcd"[-sum([4, 1, 2][:kept]) :]
    assert last.offsets.tolist() == [0, *np.cumsum([2, 1, 4][-kept:])]


def test_symbols_that_come_later_are_counted_with_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tsgen.data.sequence_reader._AT_ONCE", 4)
    _, vocabulary = learn_sequences(["aab b", "bccc", "ad"], SymbolSpec(), min_count=3)
    assert list(vocabulary.symbols) == ["a", "b", "c"]
    assert vocabulary.folded == 2
